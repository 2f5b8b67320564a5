/*
 * The calls on media and their streams, for the table in calls.c.
 * SPDX-License-Identifier: ISC
 */
#ifndef FUZZ_STREAMS_H
#define FUZZ_STREAMS_H

#include "party.h"

void change_media(struct person *me);
void follow_media(struct person *me);
void share_key(struct person *me);
void read_media(struct person *me);
void send_frame(struct person *me);
void receive_frame(struct person *me);
void look_at_frame(struct person *me);

#endif
