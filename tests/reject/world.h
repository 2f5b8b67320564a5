/*
 * A group of five, in which one member forges; what the others must say to it; and that nothing of
 * theirs has changed when they refuse.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_REJECT_WORLD_H
#define TESTS_REJECT_WORLD_H

#include <check.h>

#include "mls/group/commit.h"
#include "mls/group/join.h"
#include "mls/group/process.h"
#include "tests/taken.h"

enum { ALICE, BOB, CAROL, MALLORY, ERIN, MEMBERS };

/** That everybody accepts, in seconds. */
#define LONGEST_LIFETIME 31622400

/** At which everybody is made, in Unix seconds; 0, at first: the system's clock. */
extern uint64_t world_time;

/** A client and what it holds of the group. */
struct member {
  struct client *client;
  struct group *group;
};

struct world {
  struct member member[MEMBERS]; /* at the leaves of these numbers, all of whom have committed */
  struct member joiner;          /* a client that is in no group */
  struct bytes beside; /* ratchet_tree that the joiner gets beside a Welcome or GroupInfo */
  struct group *other; /* another group of the joiner's */
  uint32_t victims;    /* bit set of those who get the message; all but MALLORY at first */
};

/** One thing that must be refused, to be read beside the RFC. */
struct row {
  const char *section; /* of RFC 9420; the explanation has to name it, "" for a limit of ours,
                          or to say what follows a colon here */
  const char *changed; /* in input that is valid otherwise */
  void (*forge)(struct world *world, struct bytes *message);
  enum err expected; /* OK: nothing was changed, and the message must be accepted */
};

void world_init(struct world *world, uint16_t suite);
void world_free(struct world *world);

/** Make a world of suite 1 that the next world_init() takes: before tests that each run in a process
 *  of their own, once is enough for all of them. */
void world_prepare(void);
void world_discard(void);

struct member member_new(const char *name, uint16_t suite);
void member_free(struct member *member);

/** Let everybody but `from` process and accept a message. */
void world_deliver(struct world *world, uint32_t from, const struct bytes *message);

/** An empty commit of a member, taken by all. */
void world_advance(struct world *world, uint32_t by);

/** BOB removes CAROL and adds the joiner, who gets her leaf. */
void world_replace_carol(struct world *world);

/** Everybody still reads everybody, through a commit and after it. */
void world_works(struct world *world);

/** Everything that a client, and its group if there is one, remembers; to be freed. */
struct bytes state_of(const struct member *member);

/** Let somebody process a message, and expect OK or a refusal that changes nothing. */
void expect_refused(struct member *to, const struct bytes *message, const struct row *row);

/** Ends the test unless `err` is the row's and the explanation names its section. */
void expect_reason(const struct client *client, enum err err, const struct row *row);

/** Forge the message of a row in a new world, and give it to the victims. */
void refuse_message(const struct row *row);
/** The same in a cipher suite. */
void refuse_message_in(const struct row *row, uint16_t suite);

/** The same for a Welcome, given to the joiner. */
void refuse_welcome(const struct row *row);

/** The same for a GroupInfo, by which the joiner would join from outside. */
void refuse_group_info(const struct row *row);

/** A fresh key package of a client, as an MLSMessage, to be freed. */
struct bytes key_package_of(struct client *client);

#define COUNT(rows) (int)(sizeof(rows) / sizeof(rows)[0])

#endif
