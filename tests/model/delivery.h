/*
 * The delivery service of a room: it takes the first commit of each epoch, keeps handshakes in order,
 * and hands out everything to everybody, now or later, once or twice.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_MODEL_DELIVERY_H
#define TESTS_MODEL_DELIVERY_H

#include "world.h"

/** A commit that was built is on its way.  The seat is saved first. */
void room_launch(struct room *room, int person, const struct entry *entry);

/** A commit on its way arrives: taken if it is the first of its epoch.  @return whether it was */
bool room_post(struct world *world, struct room *room, size_t flight, struct dice *dice);

/** A seat gets the next handshake message; now and then a proposal only later. */
void seat_deliver(struct world *world, struct room *room, int person, struct dice *dice);

/** All of them.  */
void seat_catch_up(struct world *world, struct room *room, int person, struct dice *dice);

/** The external commit of a seat may have been taken before it crashed. */
void seat_look_for_own(struct world *world, struct room *room, int person);

/** Open the Welcome that waits for a person. */
void seat_join(struct world *world, struct room *room, int person, struct dice *dice);

/** A commit is lost, and so is the seat: what comes after it cannot be read. */
void seat_miss(struct world *world, struct room *room, int person);

/** A seat sends an application message, if it may. */
void seat_send(struct room *room, int person, struct dice *dice);

/** A seat gets an application message of now or of the past. */
void seat_read(struct world *world, struct room *room, int person, struct message *message);

/** Whether a seat is in an epoch or keeps it for late messages. */
bool seat_keeps(const struct world *world, const struct room *room, int person, uint64_t epoch);

#endif
