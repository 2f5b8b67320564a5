/*
 * What must be refused and change nothing: messages repeated, altered, or of another room, saved state
 * that was altered, calls that make no sense.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_MODEL_HOSTILE_H
#define TESTS_MODEL_HOSTILE_H

#include "world.h"

/** Something that a seat has had comes once more. */
void seat_repeat(struct world *world, struct room *room, int person, struct dice *dice);
/** Something that a seat will have comes with a bit turned round. */
void seat_altered(struct world *world, struct room *room, int person, struct dice *dice);
/** Something of another room. */
void seat_misled(struct world *world, struct room *room, int person, struct dice *dice);
/** A Welcome, GroupInfo, key package or saved state with a bit turned round. */
void altered_objects(struct world *world, struct room *room, int person, struct dice *dice);
/** Calls that make no sense for a seat. */
void senseless_calls(struct room *room, int person, struct dice *dice);

#endif
