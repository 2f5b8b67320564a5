/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "base/mem.h"
#include "crypto/provider.h"
#include "mls/tree/check.h"
#include "mls/tree/node.h"
#include "mls/tree/tree.h"

/* The nodes from a leaf to the root, each of a single owner: node[h] stands at height h. */
struct path {
  struct node *node[TREE_HEIGHT_MAX + 1];
  uint32_t height;
};

/* After this, changing the nodes cannot fail, and path_refresh() must follow. */
static enum err path_own(struct tree *tree, uint32_t leaf, struct path *out) {
  if (leaf >= tree_width(tree))
    return ERR_INTERNAL;
  struct node **slot = &tree->root;
  out->height = tree->root->height;
  for (uint32_t height = out->height;; height--) {
    enum err err = node_own(tree->suite, slot);
    if (err != OK)
      return err;
    out->node[height] = *slot;
    if (height == 0)
      return OK;
    err = node_open(tree->suite, *slot);
    if (err != OK)
      return err;
    slot = &(*slot)->child[leaf >> (height - 1) & 1];
  }
}

static void path_refresh(const struct path *path) {
  for (uint32_t height = 0; height <= path->height; height++)
    node_refresh(path->node[height]);
}

enum err tree_start(const struct suite *suite, struct tree **out) {
  struct tree *tree = mem_new(1, sizeof *tree);
  if (tree == NULL)
    return ERR_NOMEM;
  refs_init(&tree->refs);
  tree->suite = suite;
  provider_random(tree->salt, sizeof tree->salt);
  *out = tree;
  return OK;
}

enum err tree_new(const struct suite *suite, struct tree **out) {
  enum err err = OK;
  struct tree *tree = NULL;
  TRY(tree_start(suite, &tree));
  TRY(node_new(suite, 0, &tree->root));
  tree_check(tree);
  *out = tree;
  tree = NULL;
done:
  tree_drop(tree);
  return err;
}

enum err tree_edit(const struct tree *from, struct tree **out) {
  tree_check(from); /* has not been changed through another tree */
  struct tree *tree = mem_new(1, sizeof *tree);
  if (tree == NULL)
    return ERR_NOMEM;
  refs_init(&tree->refs);
  tree->suite = from->suite;
  tree->root = node_share(from->root);
  tree->index = multiset_share(from->index);
  memcpy(tree->salt, from->salt, sizeof tree->salt);
  *out = tree;
  return OK;
}

/* RFC 9420, section 7.7: a new blank root whose right subtree is blank. */
static enum err extend(struct tree *tree) {
  enum err err = OK;
  struct node *root = NULL;
  uint8_t height = tree->root->height;
  if (height == TREE_HEIGHT_MAX)
    return ERR_LIMIT;
  TRY(node_new(tree->suite, (uint8_t)(height + 1), &root));
  TRY(node_new(tree->suite, height, &root->child[1]));
  root->child[0] = tree->root;
  node_refresh(root);
  tree->root = root;
  root = NULL;
done:
  node_drop(root);
  return err;
}

/* RFC 9420, section 7.7: as long as the right half is blank, the left half is the tree.  The roots
 * that go are blank, as they were above a leaf that was removed. */
static enum err truncate_tree(struct tree *tree) {
  enum err err = OK;
  struct node *root = NULL;
  if (tree->root->members == 0) { /* the last member: one blank leaf is left */
    TRY(node_new(tree->suite, 0, &root));
    node_drop(tree->root);
    tree->root = root;
  }
  while (tree->root->height > 0 && tree->root->child[1]->members == 0) {
    root = node_share(tree->root->child[0]);
    node_drop(tree->root);
    tree->root = root;
  }
done:
  return err;
}

static void put_leaf(struct node *node, const struct leaf *leaf) {
  leaf_drop(node->leaf);
  node->leaf = leaf == NULL ? NULL : leaf_share(leaf);
}

enum err tree_make_room(struct tree *tree, uint32_t *index) {
  enum err err = OK;
  uint32_t found = node_first_blank(tree->root);
  if (found == LEAF_NONE) {
    found = tree_width(tree);
    TRY(extend(tree));
  }
  tree_check(tree);
  *index = found;
done:
  return err;
}

enum err tree_add_leaf(struct tree *tree, const struct leaf *leaf, uint32_t *index) {
  enum err err = OK;
  struct path path;
  uint32_t at = 0;
  TRY(tree_make_room(tree, &at));
  TRY(index_add_leaf(tree, leaf));
  TRY(path_own(tree, at, &path));
  put_leaf(path.node[0], leaf);
  for (uint32_t height = 1; height <= path.height; height++) {
    struct node *node = path.node[height];
    if (node->parent == NULL)
      continue;
    TRY(parent_own(&node->parent));
    TRY(parent_add_unmerged(node->parent, at));
  }
  path_refresh(&path);
  tree_check(tree);
  *index = at;
done:
  return err;
}

enum err tree_replace_leaf(struct tree *tree, uint32_t index, const struct leaf *leaf) {
  enum err err = OK;
  struct path path;
  TRY(path_own(tree, index, &path));
  if (path.node[0]->leaf != NULL)
    TRY(index_remove_leaf(tree, path.node[0]->leaf));
  TRY(index_add_leaf(tree, leaf));
  put_leaf(path.node[0], leaf);
  path_refresh(&path);
  tree_check(tree);
done:
  return err;
}

static enum err blank_path(struct tree *tree, const struct path *path) {
  enum err err = OK;
  for (uint32_t height = 1; height <= path->height; height++) {
    struct node *node = path->node[height];
    if (node->parent == NULL)
      continue;
    TRY(index_remove_key(tree, parent_key(node->parent)));
    parent_drop(node->parent);
    node->parent = NULL;
  }
done:
  return err;
}

enum err tree_blank_path(struct tree *tree, uint32_t leaf) {
  enum err err = OK;
  struct path path;
  TRY(path_own(tree, leaf, &path));
  TRY(blank_path(tree, &path));
  path_refresh(&path);
  tree_check(tree);
done:
  return err;
}

enum err tree_remove_leaf(struct tree *tree, uint32_t index) {
  enum err err = OK;
  struct path path;
  TRY(path_own(tree, index, &path));
  if (path.node[0]->leaf == NULL)
    return ERR_INTERNAL;
  TRY(index_remove_leaf(tree, path.node[0]->leaf));
  put_leaf(path.node[0], NULL);
  TRY(blank_path(tree, &path));
  path_refresh(&path);
  TRY(truncate_tree(tree));
  tree_check(tree);
done:
  return err;
}

enum err tree_set_parent(struct tree *tree, uint32_t leaf, uint32_t height,
                         struct view encryption_key, struct view parent_hash) {
  enum err err = OK;
  struct path path;
  struct parent *parent = NULL;
  if (height == 0 || height > tree->root->height)
    return ERR_INTERNAL;
  TRY(parent_new(encryption_key, parent_hash, &parent));
  TRY(path_own(tree, leaf, &path));
  struct node *node = path.node[height];
  if (node->parent != NULL)
    TRY(index_remove_key(tree, parent_key(node->parent)));
  TRY(index_add_key(tree, encryption_key));
  parent_drop(node->parent);
  node->parent = parent;
  parent = NULL;
  path_refresh(&path);
  tree_check(tree);
done:
  parent_drop(parent);
  return err;
}

enum err tree_node_hash(struct tree *tree, uint32_t node, uint8_t *out) {
  if (node >= node_count(tree_width(tree)))
    return ERR_INTERNAL;
  const struct node *found = tree_find(tree, node);
  if (found == NULL)
    return node_hash_blank(tree->suite, node_height(node), node_first_leaf(node), out);
  /* Nodes that are not hashed yet belong to this tree alone. */
  struct node *mine = (struct node *)(uintptr_t)found;
  enum err err = node_hash_subtree(tree->suite, mine, node_first_leaf(node));
  if (err != OK)
    return err;
  tree_check(tree);
  memcpy(out, node_hash(mine), tree->suite->hash->size);
  return OK;
}

enum err tree_seal(struct tree *tree) {
  enum err err = node_hash_subtree(tree->suite, tree->root, 0);
  if (err == OK)
    tree_check(tree);
  return err;
}
