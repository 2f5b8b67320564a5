/*
 * TreeKEM: new keys for a direct path, and how the others learn them (RFC 9420, sections 7.4 to 7.6).
 * SPDX-License-Identifier: ISC
 */
#ifndef MLS_TREE_TREEKEM_H
#define MLS_TREE_TREEKEM_H

#include "mls/tree/tree.h"
#include "mls/wire/message.h"

/** Nodes on the longest direct path, the leaf included. */
#define PATH_NODES_MAX 25

/**
 * The private keys that a member holds: at[h] is that of its ancestor at height h, at[0] that of its
 * leaf; empty where it has none.  Lives in locked memory.
 */
struct private_keys {
  uint32_t leaf;
  struct secret at[PATH_NODES_MAX];
};

CHECKED enum err private_keys_new(uint32_t leaf, struct private_keys **out);
CHECKED enum err private_keys_copy(const struct private_keys *from, struct private_keys **out);
void private_keys_free(struct private_keys *keys); /* wipes; accepts NULL */

/** Wipe the keys of nodes that are blank, beyond the tree, or where the own leaf is unmerged. */
void private_keys_prune(struct private_keys *keys, const struct tree *tree);

/** Every key belongs to the public one in the tree, and the leaf has one.  ERR_INVALID_TREE. */
CHECKED enum err private_keys_check(const struct private_keys *keys, const struct tree *tree,
                                    struct why *why);

/**
 * There is a key for every node above the leaf that has one and does not list the leaf as unmerged:
 * whoever lacks one cannot read what others encrypt to that node.  ERR_INVALID_TREE.
 */
CHECKED enum err private_keys_complete(const struct private_keys *keys, const struct tree *tree,
                                       struct why *why);

/** Fresh secrets of the sender's filtered direct path, lowest node first. */
struct new_path {
  size_t count;
  uint32_t height[PATH_NODES_MAX];           /* of each node */
  struct secret path_secret[PATH_NODES_MAX]; /* of each node */
  struct secret commit_secret;
};

void new_path_free(struct new_path *path); /* wipes; accepts NULL */

/**
 * Make fresh keys for a leaf and its filtered direct path, and put them into the tree.
 * @param tree    proposals applied, being edited; sealed by this call
 * @param fields  of the new leaf; encryption_key, source and parent_hash are made here
 * @param keys    out: the member's keys afterwards, to be freed
 * @param path    out: to be freed
 */
CHECKED enum err treekem_generate(struct tree *tree, uint32_t leaf,
                                  const struct leaf_template *fields,
                                  const struct secret *signature_key, struct view group_id,
                                  const struct private_keys *old, struct private_keys **keys,
                                  struct new_path **path);

/**
 * Write the nodes of the UpdatePath: each path secret encrypted to the resolution of the copath.
 * @param added  leaves added by the same commit, sorted: they learn the secret from the Welcome
 * @param nodes  items: UpdatePathNode
 */
CHECKED enum err treekem_encrypt(const struct tree *tree, uint32_t leaf,
                                 const struct new_path *path, struct view group_context,
                                 const uint32_t *added, size_t added_count, struct writer *nodes);

/** The path secret of the lowest node above both leaves (for a Welcome); NULL if there is none. */
const struct secret *treekem_shared_secret(const struct new_path *path, uint32_t sender,
                                           uint32_t leaf);

/**
 * Put a received path into the tree: right number of nodes, keys that are in use nowhere, and a
 * parent hash in the leaf that fits.  ERR_INVALID_COMMIT.
 * @param tree  proposals applied, being edited; sealed by this call
 * @param leaf  the path's leaf, already verified
 */
CHECKED enum err treekem_merge(struct tree *tree, uint32_t sender, const struct leaf *leaf,
                               const struct update_path *path, struct why *why);

/**
 * Decrypt the own path secret and derive the keys above.  ERR_INVALID_COMMIT, ERR_AUTH.
 * @param tree  after treekem_merge()
 * @param old   own keys before the commit
 * @param keys  out: own keys after the commit, to be freed
 */
CHECKED enum err treekem_decrypt(const struct tree *tree, uint32_t sender,
                                 const struct update_path *path, struct view group_context,
                                 const uint32_t *added, size_t added_count,
                                 const struct private_keys *old, struct why *why,
                                 struct private_keys **keys, struct secret *commit_secret);

/** A new member's keys above the lowest node shared with the committer.  ERR_INVALID_TREE. */
CHECKED enum err treekem_join(const struct tree *tree, uint32_t committer, struct view path_secret,
                              struct private_keys *keys, struct why *why);

#endif
