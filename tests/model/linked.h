/*
 * Rooms as wholes: everybody brought to the same epoch, rooms founded, and rooms that go on from
 * another one.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_MODEL_LINKED_H
#define TESTS_MODEL_LINKED_H

#include "world.h"

/** A room with one member. */
void room_found(struct world *world, size_t index, struct dice *dice);

/** All commits arrive, all messages are delivered, proposals are committed; then all agree. */
void room_settle(struct world *world, struct room *room, struct dice *dice);

/** End a room by ReInit; all members go on in the successor, which takes its place. */
void room_reinit(struct world *world, size_t index, struct dice *dice);

/** Some members of a room go on in another one too. */
void room_branch(struct world *world, size_t index, struct dice *dice);

#endif
