/*
 * Media: who can decrypt whose frames, in which epochs.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_MODEL_FRAMES_H
#define TESTS_MODEL_FRAMES_H

#include "world.h"

/** Install the epoch that a seat is in, and what follows from its person's traits. */
void streams_enter(struct world *world, struct room *room, int person);
/** Send in the epoch that the seat is in. */
void streams_activate(struct seat *seat);
/** Wipe the keys of epochs before one. */
void streams_retire(struct seat *seat, uint64_t epoch);
void streams_free(struct streams *streams);

/** A seat sends a frame; everybody with the keys reads it once, and nobody else. */
void frames_send(struct world *world, struct room *room, int from);
/** Somebody gets a frame from a while ago. */
void frames_late(struct world *world, struct room *room, struct dice *dice);
/** A frame that was altered. */
void frames_altered(struct world *world, struct room *room, struct dice *dice);

#endif
