/*
 * A group of any size to measure in: some of its members are real, the others are leaves.
 *
 * Cold: the creator has added everybody by one commit, so that only its own path has keys.  Warm: every
 * parent node has a key, as after everybody has committed.  Such a tree is put together from above
 * (members of the right half of each subtree have committed first), with all parent hashes and
 * signatures as they have to be, and with the private keys of the real members alone.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_WORLD_H
#define TESTS_WORLD_H

#include "api/handles.h"

/* The real members: leaf 0, the one next to it, and the last one, in the other half. */
enum world_role { WORLD_COMMITTER, WORLD_NEAR, WORLD_FAR, WORLD_ROLES };

struct world {
  const struct suite *suite;
  uint32_t size;
  bool warm;
  struct tree *tree;
  struct bytes context; /* GroupContext of the epoch to measure in */
  struct secret joiner_secret;
  e2ee_client *client[WORLD_ROLES];
  struct private_keys *keys[WORLD_ROLES];
  uint32_t leaf[WORLD_ROLES];
};

/** A client that takes groups of any size. */
e2ee_client *world_client(const struct suite *suite, const char *name);

/** A warm world. */
void world_fill(struct world *world, const struct suite *suite, uint32_t size);

/** A world of the group that its members are in now. */
void world_take(struct world *world, e2ee_client *const client[WORLD_ROLES],
                e2ee_group *const group[WORLD_ROLES]);

void world_stop(struct world *world);

/** A member's group at the beginning of the epoch, to be freed. */
e2ee_group *world_group(const struct world *world, enum world_role role);

#endif
