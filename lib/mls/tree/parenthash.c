/* SPDX-License-Identifier: ISC */
#include "base/parallel.h"
#include "mls/tree/node.h"
#include "mls/tree/tree.h"

/*
 * Take the unmerged leaves of a parent out of a subtree below it: blank them, and remove them from
 * the unmerged leaves of all nodes there (RFC 9420, section 7.9).
 */
static enum err blank_unmerged(const struct suite *suite, struct node **slot, uint32_t first,
                               const struct parent *above) {
  enum err err = OK;
  uint32_t at = 0;
  uint32_t end = first + (1u << (*slot)->height);
  uint32_t count = parent_unmerged_between(above, first, end, &at);
  if (count == 0)
    return OK;
  TRY(node_own(suite, slot));
  struct node *node = *slot;
  if (node->height == 0) {
    leaf_drop(node->leaf);
    node->leaf = NULL;
  } else {
    TRY(blank_unmerged(suite, &node->child[0], first, above));
    TRY(blank_unmerged(suite, &node->child[1], first + (1u << (node->height - 1)), above));
    if (node->parent != NULL) {
      TRY(parent_own(&node->parent));
      parent_remove_unmerged(node->parent, above->unmerged + at, count);
    }
  }
  node_refresh(node);
done:
  return err;
}

/* Hash of the ParentHashInput of `node` with its child on `side` on the path and the other one beside it. */
static enum err hash_input(const struct suite *suite, const struct node *node, uint32_t first,
                           unsigned side, uint8_t *out) {
  enum err err = OK;
  struct writer writer = {0};
  struct node *sibling = node_share(node->child[1 - side]);
  if (side == 0)
    first += 1u << (node->height - 1);
  TRY(blank_unmerged(suite, &sibling, first, node->parent));
  TRY(node_hash_subtree(suite, sibling, first));
  write_vector(&writer, parent_key(node->parent));
  write_vector(&writer, parent_hash(node->parent));
  write_vector(&writer, view_of(node_hash(sibling), suite->hash->size));
  TRY(writer.err);
  struct view input = writer_view(&writer);
  TRY(suite->hash->digest(&input, 1, out));
done:
  node_drop(sibling);
  writer_free(&writer);
  return err;
}

enum err tree_parent_hash(const struct tree *tree, uint32_t leaf, uint32_t height, uint8_t *out) {
  if (height == 0 || height > tree->root->height)
    return ERR_INTERNAL;
  uint32_t index = node_ancestor(leaf, height);
  const struct node *node = tree_find(tree, index);
  if (node == NULL || node->parent == NULL)
    return ERR_INTERNAL;
  return hash_input(tree->suite, node, node_first_leaf(index), leaf >> (height - 1) & 1, out);
}

/*
 * The parent_hash of the one node in the resolution of `child` that is not among the unmerged leaves of
 * the parent above; empty if there is none, or more than one.  Unmerged leaves are in every resolution
 * on the way down, so the one that is more is on the side that has one more.
 */
static struct view merged_hash(const struct node *child, uint32_t first,
                               const struct parent *above) {
  uint32_t at = 0;
  uint32_t unmerged = parent_unmerged_between(above, first, first + (1u << child->height), &at);
  if (child->resolution != unmerged + 1)
    return VIEW_NONE;
  while (child->height > 0 && child->parent == NULL) {
    uint32_t middle = first + (1u << (child->height - 1));
    bool right = child->child[0]->resolution == parent_unmerged_between(above, first, middle, &at);
    first = right ? middle : first;
    child = child->child[right];
  }
  return child->height == 0 ? leaf_parent_hash(child->leaf) : parent_hash(child->parent);
}

/* Whether exactly the node below `side` was set together with this one (section 7.9.2). */
static enum err chained(const struct tree *tree, const struct node *node, uint32_t first,
                        unsigned side, bool *out) {
  enum err err = OK;
  uint8_t expected[HASH_MAX];
  uint32_t child_first = first + (side == 0 ? 0 : 1u << (node->height - 1));
  struct view hash = merged_hash(node->child[side], child_first, node->parent);
  *out = false;
  if (hash.size == 0)
    return OK;
  TRY(hash_input(tree->suite, node, first, side, expected));
  *out = view_equal(hash, view_of(expected, tree->suite->hash->size));
done:
  return err;
}

/* @param number  of the parent node, from left to right */
static enum err verify_parent_hash(const void *state, size_t number, struct why *why) {
  enum err err = OK;
  const struct tree *tree = state;
  uint32_t index = 2 * (uint32_t)number + 1, first = node_first_leaf(index);
  bool left = false, right = false;
  const struct node *node = tree_find(tree, index);
  if (node == NULL || node->parent == NULL)
    return OK;
  TRY(chained(tree, node, first, 0, &left));
  TRY(chained(tree, node, first, 1, &right));
  TRY(require(left != right, why, ERR_INVALID_TREE,
              "RFC 9420, section 7.9.2: node %u is not parent-hash valid", index));
done:
  return err;
}

enum err tree_verify_parent_hashes(const struct tree *tree, unsigned threads, struct why *why) {
  return parallel_each(threads, tree_width(tree) - 1, verify_parent_hash, tree, why);
}
