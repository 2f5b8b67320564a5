/* SPDX-License-Identifier: ISC */
#include "mls/tree/tree.h"

#include "base/mem.h"
#include "mls/tree/node.h"

struct tree *tree_share(const struct tree *tree) {
  /* The count of owners is the one thing about a sealed tree that changes. */
  struct tree *shared = (struct tree *)(uintptr_t)tree;
  refs_take(&shared->refs);
  return shared;
}

void tree_drop(struct tree *tree) {
  if (tree == NULL || !refs_drop(&tree->refs))
    return;
  node_drop(tree->root);
  multiset_drop(tree->index);
  mem_free(tree);
}

const struct suite *tree_suite(const struct tree *tree) {
  return tree->suite;
}

uint32_t tree_width(const struct tree *tree) {
  return 1u << tree->root->height;
}

uint32_t tree_members(const struct tree *tree) {
  return tree->root->members;
}

struct view tree_hash(const struct tree *tree) {
  return view_of(node_hash(tree->root), tree->suite->hash->size);
}

const struct node *tree_find(const struct tree *tree, uint32_t node) {
  if (node >= node_count(tree_width(tree)))
    return NULL;
  uint32_t height = node_height(node);
  uint32_t leaf = node_first_leaf(node);
  const struct node *at = tree->root;
  while (at != NULL && at->height > height)
    at = at->child[leaf >> (at->height - 1) & 1];
  return at;
}

const struct leaf *tree_leaf(const struct tree *tree, uint32_t leaf) {
  if (leaf >= tree_width(tree))
    return NULL;
  const struct node *node = tree_find(tree, 2 * leaf);
  return node == NULL ? NULL : node->leaf;
}

/* The first member in the subtree that is not before `leaf`; both counted from its first leaf. */
static uint32_t next_member(const struct node *node, uint32_t leaf) {
  if (node->members == 0 || leaf >= 1u << node->height)
    return LEAF_NONE;
  if (node->height == 0)
    return 0;
  uint32_t half = 1u << (node->height - 1);
  uint32_t found = next_member(node->child[0], leaf);
  if (found != LEAF_NONE)
    return found;
  found = next_member(node->child[1], leaf > half ? leaf - half : 0);
  return found == LEAF_NONE ? LEAF_NONE : found + half;
}

uint32_t tree_next_member(const struct tree *tree, uint32_t leaf) {
  return next_member(tree->root, leaf);
}

bool tree_parent(const struct tree *tree, uint32_t node, struct parent_node *out) {
  const struct node *found = tree_find(tree, node);
  if (found == NULL || found->height == 0 || found->parent == NULL)
    return false;
  const struct parent *parent = found->parent;
  *out = (struct parent_node){parent_key(parent), parent_hash(parent), parent->unmerged,
                              parent->unmerged_count};
  return true;
}

bool parent_is_unmerged(const struct parent_node *parent, uint32_t leaf) {
  uint32_t at = leaves_position(parent->unmerged_leaves, parent->unmerged_count, leaf);
  return at < parent->unmerged_count && parent->unmerged_leaves[at] == leaf;
}

uint32_t tree_resolution_size(const struct tree *tree, uint32_t node) {
  const struct node *found = tree_find(tree, node);
  return found == NULL ? 0 : found->resolution;
}

static struct resolved *resolve(const struct tree *tree, const struct node *node, uint32_t index,
                                struct resolved *out) {
  if (node->resolution == 0)
    return out;
  if (node->height == 0) {
    *out++ = (struct resolved){index, leaf_encryption_key(node->leaf)};
    return out;
  }
  if (node->parent == NULL) {
    out = resolve(tree, node->child[0], node_left(index), out);
    return resolve(tree, node->child[1], node_right(index), out);
  }
  *out++ = (struct resolved){index, parent_key(node->parent)};
  for (uint32_t i = 0; i < node->parent->unmerged_count; i++) {
    uint32_t leaf = node->parent->unmerged[i];
    *out++ = (struct resolved){2 * leaf, leaf_encryption_key(tree_leaf(tree, leaf))};
  }
  return out;
}

void tree_resolution(const struct tree *tree, uint32_t node, struct resolved *out) {
  const struct node *found = tree_find(tree, node);
  if (found != NULL)
    (void)resolve(tree, found, node, out);
}
