/*
 * Clients and what they hold of one group, for tests that play a group's life.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_COMPANY_H
#define TESTS_COMPANY_H

#include "mls/group/commit.h"
#include "mls/group/external.h"
#include "mls/group/join.h"
#include "mls/group/process.h"

struct member {
  struct client *client;
  struct group *group; /* NULL: in none */
};

/** A client of a suite, called `name`. */
struct member member_new(uint16_t suite, char name);
void member_free(struct member *member);

/** A member adds another; all `count` members that are in the group hear of it. */
void company_add(struct member *members, size_t count, size_t by, size_t joiner);

/** A group of the first `present` members; each is added by the one who came before. */
void company_new(struct member *members, size_t count, size_t present);
void company_free(struct member *members, size_t count);

/** Everybody in the group but `from` accepts a message. */
void company_hears(struct member *members, size_t count, size_t from, struct view message);

/** What a member has committed is taken by the delivery service: all accept it. */
void company_deliver(struct member *members, size_t count, size_t by);

/** A commit of the stored proposals, with new keys, that all accept. */
void company_commit(struct member *members, size_t count, size_t by);

/**
 * Members 0 to 2 are in a group.  Member 0 has everything that can be saved: key packages, PSKs, past
 * epochs, proposals, an Update of its own (the first) and a Remove by member 1, a pending commit.
 */
#define COMPANY_FULL 4
void company_full(struct member members[COMPANY_FULL]);

void member_hears(struct member *member, struct view message);

/** By Welcome. */
void member_joins(struct member *member, struct view welcome);

/** An application message.  @return to be freed */
struct bytes member_says(struct member *member, const char *text);
/** @return the leaf of who sent it */
uint32_t member_reads(struct member *member, struct view message, const char *text);
void member_refuses(struct member *member, struct view message, enum err expected);

/** Both are in the same epoch, with the same context and secrets. */
void members_agree(const struct member *a, const struct member *b);

#endif
