/*
 * The ratchet tree (RFC 9420, section 7) as a persistent value.
 *
 * A tree is immutable once sealed, reference-counted, and shared by epochs and threads.  A change
 * starts with tree_edit(), which shares every node with the old tree; each edit then copies the
 * nodes on one path to the root.  Nodes cache what is asked of the subtree below them: tree hash,
 * resolution size, members, first blank leaf.
 *
 * Functions that edit take an unsealed tree of one thread.  If one fails, the tree may only be dropped.
 * SPDX-License-Identifier: ISC
 */
#ifndef MLS_TREE_TREE_H
#define MLS_TREE_TREE_H

#include "mls/tree/math.h"
#include "mls/wire/leaf.h"

/** A width is at most 2^24 leaves, so a path has at most 25 nodes.  This is the same for everybody; a
 *  setting of the client's holds for what it adds or joins itself. */
#define TREE_HEIGHT_MAX 24u
#define TREE_MEMBERS_MAX (1u << TREE_HEIGHT_MAX)

struct tree;

struct tree *tree_share(const struct tree *tree);
void tree_drop(struct tree *tree); /* accepts NULL */

/* ---- Reading ---- */

const struct suite *tree_suite(const struct tree *tree);
/** Leaves, blank ones included: a power of two. */
uint32_t tree_width(const struct tree *tree);
/** Leaves that are not blank. */
uint32_t tree_members(const struct tree *tree);
/** NULL if the leaf is blank or beyond the tree. */
const struct leaf *tree_leaf(const struct tree *tree, uint32_t leaf);
/** The first leaf at or after `leaf` that is not blank; LEAF_NONE at the end. */
uint32_t tree_next_member(const struct tree *tree, uint32_t leaf);
/** Hash of the whole tree (section 7.8); hash->size bytes.  Sealed trees only. */
struct view tree_hash(const struct tree *tree);

/** A ParentNode (section 7.1). */
struct parent_node {
  struct view encryption_key;
  struct view parent_hash;
  const uint32_t *unmerged_leaves; /* sorted */
  uint32_t unmerged_count;
};

bool parent_is_unmerged(const struct parent_node *parent, uint32_t leaf);

/** @return false if the node is blank, a leaf, or beyond the tree */
bool tree_parent(const struct tree *tree, uint32_t node, struct parent_node *out);

/** Number of nodes in the resolution of a node (section 4.1.1). */
uint32_t tree_resolution_size(const struct tree *tree, uint32_t node);

/** One node of a resolution. */
struct resolved {
  uint32_t node;
  struct view encryption_key;
};

/** The resolution in order, into tree_resolution_size() elements. */
void tree_resolution(const struct tree *tree, uint32_t node, struct resolved *out);

/** Whether an encryption key, or a signature key, occurs in the tree. */
bool tree_has_encryption_key(const struct tree *tree, struct view key);
bool tree_has_signature_key(const struct tree *tree, struct view key);

/** Whether every member supports a type: as leaf_supports_extension() and its siblings. */
bool tree_all_support_extension(const struct tree *tree, uint16_t type);
bool tree_all_support_proposal(const struct tree *tree, uint16_t type);
bool tree_all_support_credential(const struct tree *tree, uint16_t type);

/** How many members use credentials of a type. */
uint32_t tree_credential_users(const struct tree *tree, uint16_t type);

/* ---- Editing ---- */

/** A tree of one blank leaf. */
CHECKED enum err tree_new(const struct suite *suite, struct tree **out);

CHECKED enum err tree_edit(const struct tree *from, struct tree **out);

/** Put a leaf at the leftmost blank place, extending the tree if there is none, and into the
 *  unmerged leaves of the nodes above (section 12.1.1). */
CHECKED enum err tree_add_leaf(struct tree *tree, const struct leaf *leaf, uint32_t *index);

/** Find the leftmost blank leaf, extending the tree if there is none: the place of a member that
 *  joins by external commit. */
CHECKED enum err tree_make_room(struct tree *tree, uint32_t *index);

/** Put a leaf in the place of another one, or of none, the direct path as it is. */
CHECKED enum err tree_replace_leaf(struct tree *tree, uint32_t index, const struct leaf *leaf);

/** Blank a leaf and its direct path, and truncate the tree (section 12.1.3). */
CHECKED enum err tree_remove_leaf(struct tree *tree, uint32_t index);

/** Blank the nodes above a leaf. */
CHECKED enum err tree_blank_path(struct tree *tree, uint32_t leaf);

/** Give the ancestor of a leaf at a height new contents without unmerged leaves. */
CHECKED enum err tree_set_parent(struct tree *tree, uint32_t leaf, uint32_t height,
                                 struct view encryption_key, struct view parent_hash);

/** Tree hash of a node of a tree being edited: hash->size bytes. */
CHECKED enum err tree_node_hash(struct tree *tree, uint32_t node, uint8_t *out);

/** Bring all hashes up to date: from here on the tree is an immutable value. */
CHECKED enum err tree_seal(struct tree *tree);

/* ---- The ratchet_tree extension (section 12.4.3.3) ---- */

void tree_write(struct writer *writer, const struct tree *tree);

/**
 * Read a ratchet tree and seal it.  Checked is what this value itself relies on: positions and
 * types of nodes, no blank at the end, unmerged leaves sorted and occupied descendants, no key
 * twice; the other checks on joining are validate.h's.
 * @return OK; ERR_MALFORMED; ERR_INVALID_TREE; ERR_LIMIT (more leaves than max_members)
 */
CHECKED enum err tree_read(const struct suite *suite, struct view ratchet_tree,
                           uint32_t max_members, struct why *why, struct tree **out);

/** How many leaves of a ratchet tree are not blank; nothing else is checked but that it parses.
 *  @return OK; ERR_MALFORMED; ERR_INVALID_TREE; ERR_LIMIT (more than TREE_MEMBERS_MAX leaves) */
CHECKED enum err tree_count_members(struct view ratchet_tree, uint32_t *out);

/* ---- Saved state: a tree as what differs from another one ---- */

/**
 * Write what a tree does not share with `base`, which is most often that of the epoch before or
 * after: it costs what the commits between them changed.
 */
void tree_write_changes(struct writer *writer, const struct tree *tree, const struct tree *base);

/**
 * Read what tree_write_changes() wrote, to the end; what was shared is shared again.  Input is as
 * little trusted as tree_read()'s, the errors are the same.
 * @param base  equal to the one that was written with
 */
CHECKED enum err tree_read_changes(struct view changes, const struct tree *base,
                                   uint32_t max_members, struct why *why, struct tree **out);

/* ---- Parent hashes ---- */

/**
 * Parent hash of the node at `height` above `leaf`, for the child on the leaf's side
 * (section 7.9): the other child is taken without the node's unmerged leaves.
 */
CHECKED enum err tree_parent_hash(const struct tree *tree, uint32_t leaf, uint32_t height,
                                  uint8_t *out);

/** Every parent node is parent-hash valid (section 7.9.2).  ERR_INVALID_TREE.
 *  @param threads  to work on, see parallel_each() */
CHECKED enum err tree_verify_parent_hashes(const struct tree *tree, unsigned threads,
                                           struct why *why);

#endif
