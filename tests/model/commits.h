/*
 * What members, the server and people outside ask for and commit.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_MODEL_COMMITS_H
#define TESTS_MODEL_COMMITS_H

#include "world.h"

/** What a commit holds by value, beside whatever proposals wait. */
enum content {
  CONTENT_ADDS = 1,
  CONTENT_REMOVES = 2,
  CONTENT_PSKS = 4,
  CONTENT_EXTENSIONS = 8,
  CONTENT_CUSTOM = 16,
};

/** A seat builds a commit and sends it, unless what was chosen is not allowed: then that is found. */
void seat_commit(struct world *world, struct room *room, int person, unsigned content,
                 struct dice *dice);

/** A seat proposes something. */
void seat_propose(struct world *world, struct room *room, int person, struct dice *dice);
/** A seat asks to leave. */
void seat_leave(struct room *room, int person);
/** The server, or somebody who is no member, proposes. */
void outside_propose(struct world *world, struct room *room, struct dice *dice);

/** Somebody without a usable group joins by external commit, in place of the leaf it had. */
void join_from_outside(struct world *world, struct room *room, int person, struct dice *dice);

/** Somebody who has no leaf: NOBODY if all have. */
int pick_outsider(struct world *world, const struct record *record, struct dice *dice);

#endif
