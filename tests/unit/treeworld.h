/*
 * A simulated group: every member's keys in one place, and paths that go from one of them to all
 * others.  Whatever does not come out as it should ends the test.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_TREEWORLD_H
#define TESTS_TREEWORLD_H

#include "mls/tree/treekem.h"

#define MEMBERS_MAX 32
#define GROUP VIEW_TEXT("a group")

/** The suite of all groups; to be set first. */
extern const struct suite *world_suite;

struct member {
  struct private_keys *keys; /* NULL: nobody there */
  struct secret signature_key;
  struct bytes signature_public;
};

/* A group as an onlooker sees it who knows everybody's keys. */
struct world {
  struct tree *tree;
  struct member member[MEMBERS_MAX]; /* by leaf */
};

/** A group of members who were added one after another, without a path. */
struct world world_new(uint32_t members);
void world_free(struct world *world);

/** A tree of the world to make proposals in, to be dropped or handed to sent_new(). */
struct tree *world_edit(const struct world *world);

/* ---- Proposals, applied to a tree that is being edited; the members' keys change at once ---- */

/** @return the new member's leaf */
uint32_t world_add(struct world *world, struct tree *tree);
void world_remove(struct world *world, struct tree *tree, uint32_t index);
void world_update(struct world *world, struct tree *tree, uint32_t index);

/** A new member's keys, and the leaf with them, to be dropped. */
struct leaf *world_member_new(struct member *out);
void world_member_free(struct member *member);

/* ---- Paths ---- */

/* A path that one member sent. */
struct sent {
  uint32_t sender;
  uint32_t added[MEMBERS_MAX];
  size_t added_count;
  struct tree *before; /* proposals applied */
  struct tree *after;
  struct private_keys *keys; /* the sender's */
  struct new_path *path;
  struct leaf *leaf;
  struct bytes wire;
  struct update_path parts;
};

/** Send a path.  @param before  taken over; a sender without a leaf in it joins by the path */
struct sent sent_new(const struct world *world, struct tree *before, uint32_t sender,
                     const uint32_t *added, size_t added_count);
void sent_free(struct sent *sent);

/** What a member's new leaf is made of. */
struct leaf_template world_fields(const struct world *world, const struct tree *tree,
                                  uint32_t index);

/** Everybody takes over a path, which is freed. */
void world_advance(struct world *world, struct sent *sent);

/** A path without proposals, taken over by everybody. */
void world_commit(struct world *world, uint32_t sender);

#endif
