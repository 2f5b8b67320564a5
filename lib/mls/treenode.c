/* SPDX-License-Identifier: ISC */
#include "mls/treenode.h"

#include <string.h>

#include "base/mem.h"

/* ---- Contents of a parent node ---- */

enum err parent_new(struct view encryption_key, struct view parent_hash, struct parent **out) {
  enum err err = OK;
  struct parent *parent = NULL;
  struct writer writer = {0};
  write_vector(&writer, encryption_key);
  write_vector(&writer, parent_hash);
  TRY(writer.err);
  parent = mem_new(1, sizeof *parent + writer.size);
  TRY(parent == NULL ? ERR_NOMEM : OK);
  refs_init(&parent->refs);
  memcpy(parent->bytes, writer.data, writer.size);
  parent->wire = view_of(parent->bytes, writer.size);
  struct reader reader = reader_of(parent->wire);
  TRY(read_vector(&reader, &parent->encryption_key));
  TRY(read_vector(&reader, &parent->parent_hash));
  *out = parent;
  parent = NULL;
done:
  mem_free(parent);
  writer_free(&writer);
  return err;
}

struct parent *parent_share(struct parent *parent) {
  if (parent != NULL)
    refs_take(&parent->refs);
  return parent;
}

void parent_drop(struct parent *parent) {
  if (parent == NULL || !refs_drop(&parent->refs))
    return;
  mem_free(parent->unmerged);
  mem_free(parent);
}

enum err parent_own(struct parent **parent) {
  struct parent *old = *parent;
  if (refs_only(&old->refs))
    return OK;
  enum err err = OK;
  struct parent *copy = NULL;
  TRY(parent_new(old->encryption_key, old->parent_hash, &copy));
  TRY(mem_grow(&copy->unmerged, &copy->unmerged_capacity, old->unmerged_count,
               sizeof *copy->unmerged));
  if (old->unmerged_count > 0)
    memcpy(copy->unmerged, old->unmerged, old->unmerged_count * sizeof *old->unmerged);
  copy->unmerged_count = old->unmerged_count;
  parent_drop(old);
  *parent = copy;
  copy = NULL;
done:
  parent_drop(copy);
  return err;
}

/* Position of the first unmerged leaf that is not below `leaf`. */
static uint32_t unmerged_position(const struct parent *parent, uint32_t leaf) {
  uint32_t low = 0, high = parent->unmerged_count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (parent->unmerged[middle] < leaf)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

enum err parent_add_unmerged(struct parent *parent, uint32_t leaf) {
  enum err err = mem_grow(&parent->unmerged, &parent->unmerged_capacity,
                          (size_t)parent->unmerged_count + 1, sizeof *parent->unmerged);
  if (err != OK)
    return err;
  uint32_t at = unmerged_position(parent, leaf);
  memmove(parent->unmerged + at + 1, parent->unmerged + at,
          (parent->unmerged_count - at) * sizeof *parent->unmerged);
  parent->unmerged[at] = leaf;
  parent->unmerged_count++;
  return OK;
}

uint32_t parent_unmerged_between(const struct parent *parent, uint32_t first, uint32_t end,
                                 uint32_t *position) {
  *position = unmerged_position(parent, first);
  return unmerged_position(parent, end) - *position;
}

void parent_remove_unmerged(struct parent *parent, uint32_t first, uint32_t end) {
  uint32_t at = 0;
  uint32_t count = parent_unmerged_between(parent, first, end, &at);
  if (count == 0)
    return;
  memmove(parent->unmerged + at, parent->unmerged + at + count,
          (parent->unmerged_count - at - count) * sizeof *parent->unmerged);
  parent->unmerged_count -= count;
}

/* ---- Nodes ---- */

enum err node_new(const struct suite *suite, uint8_t height, struct node **out) {
  struct node *node = mem_new(1, sizeof *node + suite->hash->size);
  if (node == NULL)
    return ERR_NOMEM;
  refs_init(&node->refs);
  node->height = height;
  if (height == 0)
    node_refresh(node);
  *out = node;
  return OK;
}

enum err node_new_blank(const struct suite *suite, uint8_t height, struct node **out) {
  enum err err = OK;
  struct node *node = NULL;
  TRY(node_new(suite, height, &node));
  if (height > 0) {
    TRY(node_new_blank(suite, (uint8_t)(height - 1), &node->child[0]));
    TRY(node_new_blank(suite, (uint8_t)(height - 1), &node->child[1]));
    node_refresh(node);
  }
  *out = node;
  node = NULL;
done:
  node_drop(node);
  return err;
}

struct node *node_share(struct node *node) {
  refs_take(&node->refs);
  return node;
}

void node_drop(struct node *node) {
  if (node == NULL || !refs_drop(&node->refs))
    return;
  if (node->height == 0) {
    leaf_drop(node->leaf);
  } else {
    parent_drop(node->parent);
    node_drop(node->child[0]);
    node_drop(node->child[1]);
  }
  mem_free(node);
}

enum err node_own(const struct suite *suite, struct node **node) {
  struct node *old = *node;
  if (refs_only(&old->refs)) {
    old->hashed = false;
    return OK;
  }
  struct node *copy = NULL;
  enum err err = node_new(suite, old->height, &copy);
  if (err != OK)
    return err;
  copy->members = old->members;
  copy->resolution = old->resolution;
  copy->first_blank = old->first_blank;
  if (old->height == 0) {
    copy->leaf = old->leaf == NULL ? NULL : leaf_share(old->leaf);
  } else {
    copy->parent = parent_share(old->parent);
    copy->child[0] = node_share(old->child[0]);
    copy->child[1] = node_share(old->child[1]);
  }
  node_drop(old);
  *node = copy;
  return OK;
}

void node_refresh(struct node *node) {
  if (node->height == 0) {
    node->members = node->resolution = node->leaf != NULL ? 1 : 0;
    node->first_blank = node->leaf != NULL ? LEAF_NONE : 0;
    return;
  }
  const struct node *left = node->child[0], *right = node->child[1];
  node->members = left->members + right->members;
  node->resolution = node->parent != NULL ? 1 + node->parent->unmerged_count
                                          : left->resolution + right->resolution;
  if (left->first_blank != LEAF_NONE)
    node->first_blank = left->first_blank;
  else if (right->first_blank != LEAF_NONE)
    node->first_blank = right->first_blank + (1u << right->height);
  else
    node->first_blank = LEAF_NONE;
}

/* ---- Tree hashes (RFC 9420, section 7.8) ---- */

enum { NODE_TYPE_LEAF = 1, NODE_TYPE_PARENT = 2 };

static enum err hash_leaf(const struct suite *suite, struct node *node, uint32_t index) {
  const uint8_t head[6] = {NODE_TYPE_LEAF,        (uint8_t)(index >> 24), (uint8_t)(index >> 16),
                           (uint8_t)(index >> 8), (uint8_t)index,         node->leaf != NULL};
  struct view parts[] = {VIEW_ARRAY(head), node->leaf != NULL ? leaf_raw(node->leaf) : VIEW_NONE};
  return suite->hash->digest(parts, 2, node->hash);
}

static enum err hash_parent(const struct suite *suite, struct node *node) {
  enum err err = OK;
  struct writer content = {0}, children = {0};
  const struct parent *parent = node->parent;
  write_u8(&content, NODE_TYPE_PARENT);
  write_optional(&content, parent != NULL);
  if (parent != NULL) {
    write_bytes(&content, parent->wire);
    write_length(&content, (size_t)parent->unmerged_count * 4);
    for (uint32_t i = 0; i < parent->unmerged_count; i++)
      write_u32(&content, parent->unmerged[i]);
  }
  write_vector(&children, view_of(node->child[0]->hash, suite->hash->size));
  write_vector(&children, view_of(node->child[1]->hash, suite->hash->size));
  TRY(content.err);
  TRY(children.err);
  struct view parts[] = {writer_view(&content), writer_view(&children)};
  TRY(suite->hash->digest(parts, 2, node->hash));
done:
  writer_free(&content);
  writer_free(&children);
  return err;
}

enum err node_hash_subtree(const struct suite *suite, struct node *node, uint32_t first_leaf) {
  if (node->hashed)
    return OK;
  enum err err = OK;
  if (node->height == 0) {
    TRY(hash_leaf(suite, node, first_leaf));
  } else {
    TRY(node_hash_subtree(suite, node->child[0], first_leaf));
    TRY(node_hash_subtree(suite, node->child[1], first_leaf + (1u << (node->height - 1))));
    TRY(hash_parent(suite, node));
  }
  node->hashed = true;
done:
  return err;
}
