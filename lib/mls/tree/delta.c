/* A tree as what differs from another one, for saved state.  SPDX-License-Identifier: ISC */
#include <string.h>

#include "base/mem.h"
#include "mls/tree/node.h"
#include "mls/tree/tree.h"

/*
 * A subtree is one octet, and what it announces: nothing for one without members, or for the one that
 * stands in the same place of the other tree; else the contents of its top node, if it has any, and
 * the two subtrees below.  The height of the whole tree comes first.
 */
enum { SUBTREE_SHARED = 0, SUBTREE_BLANK = 1, SUBTREE_FULL = 2, SUBTREE_EMPTY = 3 };

/*
 * Two trees are walked side by side.  `other` is the subtree of the other tree over the same leaves;
 * or, where our tree is the higher one, the whole other tree, which then stands at our left edge; or
 * NULL beyond the other tree, or where it has no nodes because it has no members.
 */
static struct node *other_child(const struct node *node, struct node *other, unsigned side) {
  if (other != NULL && other->height == node->height)
    return other->child[side];
  return side == 0 ? other : NULL;
}

/* The part of another tree that lies beside a tree of a height. */
static struct node *other_top(const struct tree *other, uint8_t height) {
  struct node *node = other->root;
  while (node != NULL && node->height > height)
    node = node->child[0];
  return node;
}

/* ---- Writing ---- */

/* Of a subtree without members nothing is shared: which nodes it has may differ once it was read. */
static void write_subtree(struct writer *writer, const struct node *node, struct node *other) {
  if (node->members == 0 || node == other) {
    write_u8(writer, node->members == 0 ? SUBTREE_EMPTY : SUBTREE_SHARED);
    return;
  }
  bool full = node->height == 0 || node->parent != NULL;
  write_u8(writer, full ? SUBTREE_FULL : SUBTREE_BLANK);
  if (node->height == 0) {
    write_bytes(writer, leaf_raw(node->leaf));
    return;
  }
  if (full)
    parent_write(writer, node->parent);
  for (unsigned side = 0; side < 2; side++)
    write_subtree(writer, node->child[side], other_child(node, other, side));
}

void tree_write_changes(struct writer *writer, const struct tree *tree, const struct tree *base) {
  write_u8(writer, tree->root->height);
  write_subtree(writer, tree->root, other_top(base, tree->root->height));
}

/* ---- Reading ---- */

static enum err read_subtree(const struct suite *suite, struct reader *reader, uint8_t height,
                             struct node *other, struct why *why, struct node **out);

static enum err read_contents(const struct suite *suite, struct reader *reader, struct node *node,
                              struct why *why) {
  return node->height == 0 ? leaf_read(reader, why, &node->leaf)
                           : parent_read(suite, reader, why, &node->parent);
}

static enum err read_changed(const struct suite *suite, struct reader *reader, bool full,
                             struct node *node, struct node *other, struct why *why) {
  enum err err = OK;
  if (full)
    TRY(read_contents(suite, reader, node, why));
  for (unsigned side = 0; node->height > 0 && side < 2; side++)
    TRY(read_subtree(suite, reader, (uint8_t)(node->height - 1), other_child(node, other, side),
                     why, &node->child[side]));
  node_refresh(node);
  TRY(node->members == 0 ? ERR_MALFORMED : OK);
done:
  return err;
}

static enum err read_subtree(const struct suite *suite, struct reader *reader, uint8_t height,
                             struct node *other, struct why *why, struct node **out) {
  enum err err = OK;
  uint8_t form = 0;
  struct node *node = NULL;
  TRY(read_u8(reader, &form));
  TRY(form > SUBTREE_EMPTY ? ERR_MALFORMED : OK);
  if (form == SUBTREE_SHARED) {
    bool there = other != NULL && other->height == height && other->members > 0;
    TRY(!there ? ERR_MALFORMED : OK);
    *out = node_share(other);
    return OK;
  }
  TRY(node_new(suite, height, &node));
  if (form != SUBTREE_EMPTY)
    TRY(read_changed(suite, reader, form == SUBTREE_FULL, node, other, why));
  *out = node;
  node = NULL;
done:
  node_drop(node);
  return err;
}

static enum err read_root(struct reader *reader, const struct tree *base, uint32_t max_members,
                          struct why *why, struct node **out) {
  enum err err = OK;
  uint8_t height = 0;
  struct node *root = NULL;
  uint32_t widest = TREE_MEMBERS_MAX, most = max_members < widest ? max_members : widest;
  TRY(read_u8(reader, &height));
  TRY(require(height <= width_height(width_for(most)), why, ERR_LIMIT,
              "a saved tree of height %u, for at most %u members", height, most));
  TRY(read_subtree(base->suite, reader, height, other_top(base, height), why, &root));
  TRY(read_end(reader));
  /* RFC 9420, section 7.7: a tree whose right half is blank is truncated. */
  bool whole = root->members > 0 && (height == 0 || root->child[1]->members > 0);
  TRY(require(whole, why, ERR_INVALID_TREE, "a saved tree with nobody in its right half"));
  *out = root;
  root = NULL;
done:
  node_drop(root);
  return err;
}

/* ---- The index, and the checks of what is new ---- */

/* Change the index by the contents of the nodes that the other tree does not share. */
static enum err index_unshared(struct tree *tree, const struct node *node, struct node *other,
                               enum err (*leaf)(struct tree *, const struct leaf *),
                               enum err (*key)(struct tree *, struct view)) {
  enum err err = OK;
  if (node == NULL || node == other)
    return OK;
  if (node->height == 0)
    return node->leaf != NULL ? leaf(tree, node->leaf) : OK;
  if (node->parent != NULL)
    TRY(key(tree, parent_key(node->parent)));
  for (unsigned side = 0; side < 2; side++)
    TRY(index_unshared(tree, node->child[side], other_child(node, other, side), leaf, key));
done:
  return err;
}

static enum err index_changes(struct tree *tree, const struct tree *base, struct why *why) {
  enum err err = OK;
  uint8_t height = tree->root->height, base_height = base->root->height;
  TRY(index_unshared(tree, base->root, other_top(tree, base_height), index_remove_leaf,
                     index_remove_key));
  err = index_unshared(tree, tree->root, other_top(base, height), index_add_leaf, index_add_key);
  if (err == ERR_INVALID_TREE)
    TRY(refuse(why, err, "RFC 9420, section 7.3: a key of a saved tree occurs twice in it"));
done:
  return err;
}

static enum err check_unshared(const struct tree *tree, const struct node *node, struct node *other,
                               uint32_t index, struct why *why) {
  enum err err = OK;
  if (node == NULL || node == other || node->height == 0)
    return OK;
  TRY(tree_check_parent(tree, index, why));
  TRY(check_unshared(tree, node->child[0], other_child(node, other, 0), node_left(index), why));
  TRY(check_unshared(tree, node->child[1], other_child(node, other, 1), node_right(index), why));
done:
  return err;
}

enum err tree_read_changes(struct view changes, const struct tree *base, uint32_t max_members,
                           struct why *why, struct tree **out) {
  enum err err = OK;
  struct reader reader = reader_of(changes);
  struct node *root = NULL;
  struct tree *tree = NULL;
  TRY(read_root(&reader, base, max_members, why, &root));
  TRY(tree_edit(base, &tree));
  node_drop(tree->root);
  tree->root = root;
  root = NULL;
  TRY(require(tree_members(tree) <= max_members, why, ERR_LIMIT,
              "a saved tree of %u members, where at most %u are allowed", tree_members(tree),
              max_members));
  TRY(index_changes(tree, base, why));
  TRY(check_unshared(tree, tree->root, other_top(base, tree->root->height),
                     node_root(tree_width(tree)), why));
  TRY(tree_seal(tree));
  *out = tree;
  tree = NULL;
done:
  node_drop(root);
  tree_drop(tree);
  return err;
}
