/*
 * The nodes of a ratchet tree, for the files that implement tree.h and nobody else.
 * SPDX-License-Identifier: ISC
 */
#ifndef MLS_TREENODE_H
#define MLS_TREENODE_H

#include "mls/multiset.h"
#include "mls/tree.h"

/* A width is at most 2^24 leaves, so a path has at most 25 nodes. */
#define TREE_HEIGHT_MAX 24u

/* Contents of a parent node; immutable unless it has one owner. */
struct parent {
  struct refs refs;
  uint32_t unmerged_count;
  size_t unmerged_capacity;
  uint32_t *unmerged;
  struct view encryption_key;
  struct view parent_hash;
  struct view wire; /* both of them, as vectors: the part of ParentNode that is hashed as it is */
  uint8_t bytes[];
};

struct node {
  struct refs refs;
  uint8_t height;
  bool hashed;
  /* What is below, this node included. */
  uint32_t members;
  uint32_t resolution;
  uint32_t first_blank; /* counted from the first leaf below; LEAF_NONE */
  union {
    struct leaf *leaf; /* height 0; NULL if blank */
    struct {
      struct parent *parent; /* NULL if blank */
      struct node *child[2];
    };
  };
  uint8_t hash[];
};

struct tree {
  struct refs refs;
  const struct suite *suite;
  struct node *root;
  struct multiset *index; /* fingerprints of keys, and of what leaves support */
};

CHECKED enum err parent_new(struct view encryption_key, struct view parent_hash,
                            struct parent **out);
struct parent *parent_share(struct parent *parent);
void parent_drop(struct parent *parent);
/** Make *parent one of a single owner. */
CHECKED enum err parent_own(struct parent **parent);
CHECKED enum err parent_add_unmerged(struct parent *parent, uint32_t leaf);
/** Take out the unmerged leaves in [first, end). */
void parent_remove_unmerged(struct parent *parent, uint32_t first, uint32_t end);
/** How many unmerged leaves are in [first, end), and the position of the first of them. */
uint32_t parent_unmerged_between(const struct parent *parent, uint32_t first, uint32_t end,
                                 uint32_t *position);

/** A blank node without children. */
CHECKED enum err node_new(const struct suite *suite, uint8_t height, struct node **out);
/** A blank subtree. */
CHECKED enum err node_new_blank(const struct suite *suite, uint8_t height, struct node **out);
struct node *node_share(struct node *node);
void node_drop(struct node *node);
/** Make *node one of a single owner, its children shared, its hash to be computed anew. */
CHECKED enum err node_own(const struct suite *suite, struct node **node);
/** Compute what is cached of the subtree, except the hash. */
void node_refresh(struct node *node);
/** Compute the hashes of a subtree that are not up to date.  @param first_leaf  of the subtree */
CHECKED enum err node_hash_subtree(const struct suite *suite, struct node *node,
                                   uint32_t first_leaf);

/** The node of an index; NULL beyond the tree. */
const struct node *tree_find(const struct tree *tree, uint32_t node);

/** Enter a leaf's keys and capabilities into the index.  ERR_INVALID_TREE: a key is there already;
 *  ERR_LIMIT: absurdly long capabilities. */
CHECKED enum err index_add_leaf(struct tree *tree, const struct leaf *leaf);
CHECKED enum err index_remove_leaf(struct tree *tree, const struct leaf *leaf);
CHECKED enum err index_add_key(struct tree *tree, struct view encryption_key);
CHECKED enum err index_remove_key(struct tree *tree, struct view encryption_key);

#endif
