/*
 * A ratchet tree as plain arrays, and RFC 9420's definitions read off it with no thought of speed:
 * what lib/mls/tree/tree.h is compared with.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_TREEMODEL_H
#define TESTS_TREEMODEL_H

#include "mls/tree/tree.h"

#define MODEL_LEAVES 64
#define MODEL_NODES (2 * MODEL_LEAVES)

struct model_parent {
  bool set;
  uint8_t key[KEM_PUBLIC_MAX];
  uint8_t hash[HASH_MAX];
  size_t hash_size;
  bool unmerged[MODEL_LEAVES];
};

struct model {
  const struct suite *suite;
  uint32_t width;
  struct leaf *leaf[MODEL_LEAVES];         /* owned */
  struct model_parent parent[MODEL_NODES]; /* by node index */
};

struct model *model_new(const struct suite *suite);
struct model *model_copy(const struct model *model);
void model_free(struct model *model); /* accepts NULL */

/* ---- Asking ---- */

uint32_t model_members(const struct model *model);
/** LEAF_NONE if the tree is full. */
uint32_t model_first_blank(const struct model *model);
struct view model_key(const struct model *model, uint32_t node);
/** Resolution of a node (section 4.1.1).  @return number of nodes */
uint32_t model_resolution(const struct model *model, uint32_t node, uint32_t *out);
/** Tree hash of a node (section 7.8). */
void model_hash(const struct model *model, uint32_t node, uint8_t *out);
/** Parent hash of a non-blank parent node with the child on the other side of `leaf` as its copath
 *  child (section 7.9). */
void model_parent_hash(const struct model *model, uint32_t leaf, uint32_t height, uint8_t *out);
/** One optional<Node> of the ratchet_tree extension (section 12.4.3.3). */
void model_write_node(const struct model *model, uint32_t node, struct writer *writer);
void model_write(const struct model *model, struct writer *writer);

/* ---- Changing: the tree of the library along with the model ---- */

/** A leaf is taken over by the model. */
void model_add(struct model *model, struct tree *tree, struct leaf *leaf);
void model_replace(struct model *model, struct tree *tree, uint32_t index, struct leaf *leaf);
void model_blank_path(struct model *model, struct tree *tree, uint32_t index);
void model_remove(struct model *model, struct tree *tree, uint32_t index);
void model_set_parent(struct model *model, struct tree *tree, uint32_t leaf, uint32_t height,
                      const uint8_t *key, struct view hash);

/** New keys for a leaf's filtered direct path and the leaf itself, with a chain of parent hashes. */
void model_commit(struct model *model, struct tree *tree, uint32_t leaf);

/** One of the four changes that members make to a group. */
void model_random_change(struct model *model, struct tree *tree);

/** A random member. */
uint32_t model_random_member(const struct model *model);

/** Everything that tree.h tells of a sealed tree is what the model says; ends the test if not. */
void model_check(const struct model *model, struct tree *tree);

#endif
