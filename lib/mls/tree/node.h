/*
 * The nodes of a ratchet tree, for the files that implement tree.h and nobody else.
 * SPDX-License-Identifier: ISC
 */
#ifndef MLS_TREE_NODE_H
#define MLS_TREE_NODE_H

#include "mls/tree/math.h"
#include "mls/tree/multiset.h"
#include "mls/wire/leaf.h"

/* Contents of a parent node; immutable unless it has one owner. */
struct parent {
  struct refs refs;
  uint32_t unmerged_count;
  uint32_t unmerged_capacity;
  uint16_t key_size;
  uint16_t hash_size;
  uint32_t *unmerged; /* sorted */
  uint8_t bytes[];    /* encryption key, parent hash */
};

/*
 * Small, because a tree has two for each member.  A subtree without members need not have nodes of its
 * own: its top one then has no children.
 */
struct node {
  struct refs refs;
  uint8_t height;
  bool hashed;
  /* What is below, this node included. */
  uint32_t members;
  uint32_t resolution;
  union {
    struct leaf *leaf;     /* height 0; NULL if blank */
    struct parent *parent; /* above; NULL if blank */
  };
  struct node *child[]; /* two above the leaves, both NULL in a blank subtree of one node; none at
                           height 0.  The tree hash follows. */
};

struct tree {
  struct refs refs;
  const struct suite *suite;
  struct node *root;
  struct multiset *index; /* fingerprints of keys, and of what leaves support */
  uint8_t salt[16];       /* of the fingerprints, so that nobody can prepare keys that collide */
};

/** ERR_INTERNAL if a field is longer than any suite's. */
CHECKED enum err parent_new(struct view encryption_key, struct view parent_hash,
                            struct parent **out);
struct view parent_key(const struct parent *parent);
struct view parent_hash(const struct parent *parent);
/** Write the ParentNode (section 7.1). */
void parent_write(struct writer *writer, const struct parent *parent);
/** Read one: sizes of the suite, unmerged leaves in increasing order.  @param out  to be dropped */
CHECKED enum err parent_read(const struct suite *suite, struct reader *reader, struct why *why,
                             struct parent **out);
struct parent *parent_share(struct parent *parent);
void parent_drop(struct parent *parent);
/** Make *parent one of a single owner. */
CHECKED enum err parent_own(struct parent **parent);
CHECKED enum err parent_add_unmerged(struct parent *parent, uint32_t leaf);
/** Take out those of some sorted leaves that are unmerged. */
void parent_remove_unmerged(struct parent *parent, const uint32_t *leaves, uint32_t count);
/** Position of the first of some sorted leaves that is not below `leaf`. */
uint32_t leaves_position(const uint32_t *leaves, uint32_t count, uint32_t leaf);
/** How many unmerged leaves are in [first, end), and the position of the first of them. */
uint32_t parent_unmerged_between(const struct parent *parent, uint32_t first, uint32_t end,
                                 uint32_t *position);

/** A blank subtree, as one node. */
CHECKED enum err node_new(const struct suite *suite, uint8_t height, struct node **out);
/** Give a node above the leaves, of a single owner, its children, if it has none yet. */
CHECKED enum err node_open(const struct suite *suite, struct node *node);
/** Let go of the children of a node, of a single owner, if nobody is below it. */
void node_close(struct node *node);
/* Both accept NULL. */
struct node *node_share(struct node *node);
void node_drop(struct node *node);
/** Where the tree hash is kept: suite->hash->size bytes. */
uint8_t *node_hash(const struct node *node);
/** Make *node one of a single owner, its children shared, its hash to be computed anew;
 *  node_refresh() must follow. */
CHECKED enum err node_own(const struct suite *suite, struct node **node);
/** Compute what is cached of the subtree, except the hash. */
void node_refresh(struct node *node);
/** The first blank leaf, counted from the first one below the node; LEAF_NONE. */
uint32_t node_first_blank(const struct node *node);
/** Tree hash of a blank subtree: O(its leaves).  @param out  hash->size bytes */
CHECKED enum err node_hash_blank(const struct suite *suite, uint32_t height, uint32_t first_leaf,
                                 uint8_t *out);
/** Compute the hashes of a subtree that are not up to date.  @param first_leaf  of the subtree */
CHECKED enum err node_hash_subtree(const struct suite *suite, struct node *node,
                                   uint32_t first_leaf);

/** A tree without a node yet, with a salt of its own.  @param out  to be dropped */
CHECKED enum err tree_start(const struct suite *suite, struct tree **out);

/** The node of an index; NULL beyond the tree, or inside a blank subtree of one node. */
const struct node *tree_find(const struct tree *tree, uint32_t node);

/** A parent node that was read, if it is not blank, is one that can come about (sections 4.1.2 and
 *  12.4.3.1): members on both sides, unmerged leaves among them.  ERR_INVALID_TREE. */
CHECKED enum err tree_check_parent(const struct tree *tree, uint32_t index, struct why *why);

/* ---- The index: keys that occur, and how many leaves support or use a type ---- */

enum index_kind {
  INDEX_ENCRYPTION_KEY = 1,
  INDEX_SIGNATURE_KEY,
  INDEX_EXTENSION,
  INDEX_PROPOSAL,
  INDEX_CREDENTIAL,
  INDEX_CREDENTIAL_USED,
};

/** How often a key of one of the first two kinds, or a type of the others, is in the index. */
uint32_t index_count_key(const struct tree *tree, enum index_kind kind, struct view key);
uint32_t index_count_type(const struct tree *tree, enum index_kind kind, uint16_t type);

/** Enter a leaf's keys and capabilities into the index.  ERR_INVALID_TREE: a key is there already. */
CHECKED enum err index_add_leaf(struct tree *tree, const struct leaf *leaf);
CHECKED enum err index_remove_leaf(struct tree *tree, const struct leaf *leaf);
CHECKED enum err index_add_key(struct tree *tree, struct view encryption_key);
CHECKED enum err index_remove_key(struct tree *tree, struct view encryption_key);

#endif
