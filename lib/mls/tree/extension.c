/* The ratchet_tree extension (RFC 9420, section 12.4.3.3).  SPDX-License-Identifier: ISC */
#include "mls/tree/node.h"
#include "mls/tree/tree.h"

enum { NODE_TYPE_LEAF = 1, NODE_TYPE_PARENT = 2 };

/* ---- Writing ---- */

/* Blank nodes are written once something follows them: none may stand at the end. */
struct tree_writer {
  struct writer *writer;
  uint32_t blanks;
};

static void write_present(struct tree_writer *to, uint8_t node_type) {
  for (; to->blanks > 0; to->blanks--)
    write_optional(to->writer, false);
  write_optional(to->writer, true);
  write_u8(to->writer, node_type);
}

static void write_subtree(struct tree_writer *to, const struct node *node) {
  if (node->members == 0) {
    to->blanks += node_count(1u << node->height);
    return;
  }
  if (node->height == 0) {
    write_present(to, NODE_TYPE_LEAF);
    write_bytes(to->writer, leaf_raw(node->leaf));
    return;
  }
  write_subtree(to, node->child[0]);
  if (node->parent == NULL) {
    to->blanks++;
  } else {
    write_present(to, NODE_TYPE_PARENT);
    parent_write(to->writer, node->parent);
  }
  write_subtree(to, node->child[1]);
}

/* Bytes that a subtree takes at most, headers of vectors included. */
static size_t subtree_room(const struct node *node) {
  const size_t header = 4;
  if (node->members == 0)
    return node_count(1u << node->height);
  if (node->height == 0)
    return 2 + leaf_raw(node->leaf).size;
  size_t room = subtree_room(node->child[0]) + subtree_room(node->child[1]) + 1;
  if (node->parent != NULL)
    room += 1 + header + parent_key(node->parent).size + header + parent_hash(node->parent).size +
            header + (size_t)node->parent->unmerged_count * 4;
  return room;
}

void tree_write(struct writer *writer, const struct tree *tree) {
  struct tree_writer to = {writer, 0};
  /* And for what stands around a tree: headers, and the rest of a GroupInfo with its signature. */
  write_reserve(writer, subtree_room(tree->root) + 1024);
  size_t begin = write_begin(writer);
  write_subtree(&to, tree->root);
  write_end(writer, begin);
}

/* ---- Reading ---- */

enum err parent_read(const struct suite *suite, struct reader *reader, struct why *why,
                     struct parent **out) {
  enum err err = OK;
  struct view key, hash;
  struct reader unmerged;
  struct parent *parent = NULL;
  TRY(read_vector(reader, &key));
  TRY(read_vector(reader, &hash));
  TRY(read_items(reader, &unmerged));
  TRY(require(key.size == suite->kem->public_size &&
                  (hash.size == 0 || hash.size == suite->hash->size),
              why, ERR_INVALID_TREE,
              "RFC 9420, section 7.1: a parent node has a key of %zu and a hash of %zu bytes",
              key.size, hash.size));
  TRY(parent_new(key, hash, &parent));
  while (unmerged.left > 0) {
    uint32_t leaf = 0;
    TRY(read_u32(&unmerged, &leaf));
    TRY(require(parent->unmerged_count == 0 || leaf > parent->unmerged[parent->unmerged_count - 1],
                why, ERR_INVALID_TREE,
                "RFC 9420, section 7.1: unmerged leaf %u is not in increasing order", leaf));
    TRY(parent_add_unmerged(parent, leaf));
  }
  *out = parent;
  parent = NULL;
done:
  parent_drop(parent);
  return err;
}

/* A leaf with keys of a suite, if that is known: what it takes here is no more than a few times what was
 * sent. */
static enum err skip_leaf(const struct suite *suite, struct reader *reader, struct why *why) {
  enum err err = OK;
  struct view leaf;
  TRY(leaf_skip(reader, why, &leaf));
  TRY(require(suite == NULL || leaf.size >= suite->kem->public_size + suite->signature->public_size,
              why, ERR_INVALID_TREE,
              "RFC 9420, section 5.1.1: a leaf of %zu bytes has no room for its keys", leaf.size));
done:
  return err;
}

static enum err skip_node(const struct suite *suite, struct reader *reader, uint32_t index,
                          struct why *why, bool *present) {
  enum err err = OK;
  uint8_t type = 0;
  struct view part;
  TRY(read_optional(reader, present));
  if (!*present)
    return OK;
  TRY(read_u8(reader, &type));
  TRY(require(type == (node_height(index) == 0 ? NODE_TYPE_LEAF : NODE_TYPE_PARENT), why,
              ERR_INVALID_TREE, "RFC 9420, section 12.4.3.3: node %u is of type %u", index, type));
  if (type == NODE_TYPE_LEAF)
    return skip_leaf(suite, reader, why);
  for (unsigned i = 0; i < 3; i++) /* encryption_key, parent_hash, unmerged_leaves */
    TRY(read_vector(reader, &part));
done:
  return err;
}

/* Look at the outline of a tree before anything is spent on it: a blank node is one byte on the
 * wire, and a hundred here. */
static enum err count_nodes(const struct suite *suite, struct reader reader, uint32_t max_leaves,
                            struct why *why, uint32_t *count) {
  enum err err = OK;
  bool present = false;
  for (*count = 0; reader.left > 0; ++*count) {
    TRY(require((*count + 1) / 2 < max_leaves, why, ERR_LIMIT,
                "RFC 9420, section 12.4.3.3: the tree has more than %u leaves", max_leaves));
    TRY(skip_node(suite, &reader, *count, why, &present));
  }
  TRY(require(*count > 0, why, ERR_INVALID_TREE, "RFC 9420, section 7: the tree is empty"));
  TRY(require(present, why, ERR_INVALID_TREE,
              "RFC 9420, section 12.4.3.3: the last node is blank"));
done:
  return err;
}

/* A tree that is being read: `count` nodes are there, and all after them are blank. */
struct tree_reader {
  const struct suite *suite;
  struct reader nodes;
  uint32_t count;
  struct why *why;
};

/* The contents of the next node. */
static enum err read_node(struct tree_reader *from, struct node *node) {
  enum err err = OK;
  bool present = false;
  uint8_t type = 0; /* that of its place: count_nodes() has looked */
  TRY(read_optional(&from->nodes, &present));
  if (!present)
    return OK;
  TRY(read_u8(&from->nodes, &type));
  TRY(node->height == 0 ? leaf_read(&from->nodes, from->why, &node->leaf)
                        : parent_read(from->suite, &from->nodes, from->why, &node->parent));
done:
  return err;
}

/* Nodes come in the order of their indices: the left half, the node above it, the right half. */
static enum err read_subtree(struct tree_reader *from, uint8_t height, uint32_t first_leaf,
                             struct node **out) {
  enum err err = OK;
  struct node *node = NULL;
  uint32_t index = node_ancestor(first_leaf, height);
  TRY(node_new(from->suite, height, &node));
  if (2 * first_leaf < from->count) {
    if (height > 0)
      TRY(read_subtree(from, (uint8_t)(height - 1), first_leaf, &node->child[0]));
    if (index < from->count)
      TRY(read_node(from, node));
    if (height > 0)
      TRY(read_subtree(from, (uint8_t)(height - 1), first_leaf + (1u << (height - 1)),
                       &node->child[1]));
    node_refresh(node);
  }
  node_close(node);
  *out = node;
  node = NULL;
done:
  node_drop(node);
  return err;
}

static enum err read_root(const struct suite *suite, struct view ratchet_tree, uint32_t max_members,
                          struct why *why, struct node **out) {
  enum err err = OK;
  struct reader outer = reader_of(ratchet_tree);
  struct tree_reader from = {.suite = suite, .why = why};
  uint32_t widest = TREE_MEMBERS_MAX;
  TRY(read_items(&outer, &from.nodes));
  TRY(read_end(&outer));
  TRY(count_nodes(suite, from.nodes, max_members < widest ? max_members : widest, why,
                  &from.count));
  uint32_t width = width_for(from.count / 2 + 1);
  TRY(read_subtree(&from, (uint8_t)width_height(width), 0, out));
done:
  return err;
}

/*
 * RFC 9420, section 12.4.3.1: an unmerged leaf is an occupied descendant, and unmerged in every
 * non-blank node between as well.  Looking at the next of those is enough, as it is checked too.
 */
static enum err check_unmerged(const struct tree *tree, uint32_t index, const struct parent *parent,
                               struct why *why) {
  enum err err = OK;
  for (uint32_t i = 0; i < parent->unmerged_count; i++) {
    uint32_t leaf = parent->unmerged[i];
    TRY(require(node_covers(index, leaf) && tree_leaf(tree, leaf) != NULL, why, ERR_INVALID_TREE,
                "RFC 9420, section 12.4.3.1: unmerged leaf %u of node %u is no member below it",
                leaf, index));
    for (uint32_t height = node_height(index) - 1; height > 0; height--) {
      uint32_t between = node_ancestor(leaf, height), at = 0;
      const struct parent *lower = tree_find(tree, between)->parent; /* a member is below it */
      if (lower == NULL)
        continue;
      TRY(require(parent_unmerged_between(lower, leaf, leaf + 1, &at) == 1, why, ERR_INVALID_TREE,
                  "RFC 9420, section 12.4.3.1: leaf %u is unmerged in node %u but not in node %u",
                  leaf, index, between));
      break;
    }
  }
done:
  return err;
}

enum err tree_check_parent(const struct tree *tree, uint32_t index, struct why *why) {
  enum err err = OK;
  const struct node *node = tree_find(tree, index);
  if (node == NULL || node->parent == NULL)
    return OK;
  /* RFC 9420, section 4.1.2: a node with nobody on one side is on no filtered path, and whoever
   * removes the last member there blanks it. */
  TRY(require(node->child[0]->members > 0 && node->child[1]->members > 0, why, ERR_INVALID_TREE,
              "RFC 9420, section 4.1.2: node %u has a key, but no members on one side", index));
  TRY(check_unmerged(tree, index, node->parent, why));
done:
  return err;
}

static enum err index_all(struct tree *tree, struct why *why) {
  enum err err = OK;
  uint32_t count = node_count(tree_width(tree));
  for (uint32_t index = 0; index < count; index++) {
    const struct node *node = tree_find(tree, index);
    if (node == NULL)
      continue;
    if (node->height == 0 && node->leaf != NULL)
      err = index_add_leaf(tree, node->leaf);
    else if (node->height > 0 && node->parent != NULL)
      err = index_add_key(tree, parent_key(node->parent));
    if (err == ERR_INVALID_TREE)
      return refuse(why, err, "RFC 9420, section 7.3: a key of node %u occurs elsewhere", index);
    TRY(err);
  }
done:
  return err;
}

enum err tree_read(const struct suite *suite, struct view ratchet_tree, uint32_t max_members,
                   struct why *why, struct tree **out) {
  enum err err = OK;
  struct tree *tree = NULL;
  TRY(tree_start(suite, &tree));
  TRY(read_root(suite, ratchet_tree, max_members, why, &tree->root));
  for (uint32_t index = 1; index < node_count(tree_width(tree)); index += 2)
    TRY(tree_check_parent(tree, index, why));
  TRY(index_all(tree, why));
  TRY(tree_seal(tree));
  *out = tree;
  tree = NULL;
done:
  tree_drop(tree);
  return codec_unparsed(err, why, "ratchet tree");
}

enum err tree_count_members(struct view ratchet_tree, uint32_t *out) {
  enum err err = OK;
  uint32_t members = 0, index = 0;
  struct reader reader = reader_of(ratchet_tree), nodes;
  TRY(read_items(&reader, &nodes));
  TRY(read_end(&reader));
  for (; nodes.left > 0; index++) {
    bool present = false;
    TRY((index + 1) / 2 < TREE_MEMBERS_MAX ? OK : ERR_LIMIT);
    TRY(skip_node(NULL, &nodes, index, NULL, &present));
    members += present && node_height(index) == 0 ? 1 : 0;
  }
  *out = members;
done:
  return err;
}
