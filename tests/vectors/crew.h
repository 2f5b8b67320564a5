/*
 * Clients and their places in one group, for generating vectors: what one of them sends, all others
 * verify and accept, and what one of them (the witness) sees can be written down.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_CREW_H
#define TESTS_CREW_H

#include "generate.h"
#include "mls/group/commit.h"
#include "mls/group/external.h"
#include "mls/group/join.h"
#include "mls/group/process.h"

#define CREW_MAX 40
#define CREW_NOBODY SIZE_MAX

struct crew_member {
  struct client *client;
  struct group *group; /* NULL: in none */
  bool invited;        /* has a key package that is to be added by the next commit */
};

struct crew {
  const struct suite *suite;
  const struct crew *old; /* of the group that this one goes on from; NULL: none */
  struct crew_member member[CREW_MAX];
  size_t count;
  size_t witness;         /* CREW_NOBODY: none */
  json_object *vector;    /* what the witness sees, in the format of passive-client */
  json_object *proposals; /* of this epoch; belongs to the vector */
};

/** Clients without a group.  Each is called by its number, as in every other crew. */
void crew_new(struct crew *crew, const struct suite *suite, size_t count);
void crew_free(struct crew *crew);

/** Give one of the clients, in no group yet, an X.509 credential. */
void crew_certify(struct crew *crew, size_t who);

/** Whether all send their handshake messages as PrivateMessages, or as PublicMessages. */
void crew_encrypt(struct crew *crew, bool encrypt);

/** Whether a client is in the group. */
bool crew_present(const struct crew *crew, size_t who);
size_t crew_size(const struct crew *crew);
uint32_t crew_leaf(const struct crew *crew, size_t who);
/** One of those present, but not `but`, by chance. */
size_t crew_pick(const struct crew *crew, size_t but);
struct client *crew_client(const struct crew *crew, size_t who);
struct group *crew_group(const struct crew *crew, size_t who);

/** From now on write into `vector` what one client sees that will be added by Welcome. */
void crew_watch(struct crew *crew, size_t witness, json_object *vector, const char *scenario);

/** An external PSK that all clients know. */
void crew_psk(struct crew *crew, struct view id);

/** A PublicMessage in an MLSMessage; views into it. */
struct public_message read_public(struct view message);

/* ---- Moves ---- */

/** Member 0 founds a group; each of the next is added by the one before (but not by the witness), up to
 *  `size` members. */
void crew_found(struct crew *crew, size_t size);

/** A client's key package, to be added by the next commit.  @return to be freed */
struct bytes crew_key_package(struct crew *crew, size_t who);

/** A proposal reaches all members but `from` (CREW_NOBODY: it is from outside), and is freed. */
void crew_hear(struct crew *crew, size_t from, struct bytes *proposal);

/** A member proposes what was written, which is freed. */
void crew_propose(struct crew *crew, size_t by, struct bytes *proposal);

/** A member commits; all hear of it; who was invited joins.  @param plan  freed; NULL: nothing */
void crew_commit(struct crew *crew, size_t by, struct commit_plan *plan);

void crew_add(struct crew *crew, size_t by, size_t who);
void crew_remove(struct crew *crew, size_t by, size_t who);

/**
 * A client joins by external commit.
 * @param host         gives the GroupInfo
 * @param self_remove  a SelfRemove that waits in the group, or VIEW_NONE
 * @param former       CREW_NOBODY, or whose leaf is taken out by the commit (their group is gone)
 */
void crew_join(struct crew *crew, size_t who, size_t host, struct view self_remove, size_t former);

#endif
