/*
 * Media of the two members, for the targets that fuzz frames.
 * SPDX-License-Identifier: ISC
 */
#ifndef FUZZ_ENDS_H
#define FUZZ_ENDS_H

#include "members.h"

/** Keys and one stream, of a member in the epoch its group is in. */
struct end {
  e2ee_media *media;
  e2ee_sender *sender;
  e2ee_receiver *receiver;
};

void end_start(struct end *end, const struct members *members, const e2ee_group *group);
void end_stop(struct end *end);

/** Change a frame as triples of position (two bytes) and bits say.  @return whether it differs at all */
bool end_change(uint8_t *frame, size_t size, struct view changes);

/** Metadata longer than any that the targets encrypt with, so that what is decrypted with it is forged:
 *  the fuzzer learns what is compared in memory, and so could give back a frame that was made before. */
struct view end_unused_metadata(void);

/** A copy that is exactly as long as the bytes, to be freed. */
uint8_t *end_copy(struct view bytes);

#endif
