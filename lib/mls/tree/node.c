/* SPDX-License-Identifier: ISC */
#include "mls/tree/node.h"

#include <string.h>

#include "base/mem.h"

/* ---- Contents of a parent node ---- */

enum err parent_new(struct view encryption_key, struct view parent_hash, struct parent **out) {
  if (encryption_key.size > KEM_PUBLIC_MAX || parent_hash.size > HASH_MAX)
    return ERR_INTERNAL;
  struct parent *parent = mem_new(1, sizeof *parent + encryption_key.size + parent_hash.size);
  if (parent == NULL)
    return ERR_NOMEM;
  refs_init(&parent->refs);
  parent->key_size = (uint16_t)encryption_key.size;
  parent->hash_size = (uint16_t)parent_hash.size;
  if (encryption_key.size > 0)
    memcpy(parent->bytes, encryption_key.data, encryption_key.size);
  if (parent_hash.size > 0)
    memcpy(parent->bytes + encryption_key.size, parent_hash.data, parent_hash.size);
  *out = parent;
  return OK;
}

struct view parent_key(const struct parent *parent) {
  return view_of(parent->bytes, parent->key_size);
}

struct view parent_hash(const struct parent *parent) {
  return view_of(parent->bytes + parent->key_size, parent->hash_size);
}

void parent_write(struct writer *writer, const struct parent *parent) {
  write_vector(writer, parent_key(parent));
  write_vector(writer, parent_hash(parent));
  write_length(writer, (size_t)parent->unmerged_count * 4);
  for (uint32_t i = 0; i < parent->unmerged_count; i++)
    write_u32(writer, parent->unmerged[i]);
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

static enum err unmerged_room(struct parent *parent, uint32_t count) {
  size_t capacity = parent->unmerged_capacity;
  enum err err = mem_grow(&parent->unmerged, &capacity, count, sizeof *parent->unmerged);
  parent->unmerged_capacity = (uint32_t)capacity;
  return err;
}

enum err parent_own(struct parent **parent) {
  struct parent *old = *parent;
  if (refs_only(&old->refs))
    return OK;
  enum err err = OK;
  struct parent *copy = NULL;
  TRY(parent_new(parent_key(old), parent_hash(old), &copy));
  TRY(unmerged_room(copy, old->unmerged_count));
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

uint32_t leaves_position(const uint32_t *leaves, uint32_t count, uint32_t leaf) {
  uint32_t low = 0, high = count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (leaves[middle] < leaf)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

enum err parent_add_unmerged(struct parent *parent, uint32_t leaf) {
  enum err err = unmerged_room(parent, parent->unmerged_count + 1);
  if (err != OK)
    return err;
  uint32_t at = leaves_position(parent->unmerged, parent->unmerged_count, leaf);
  memmove(parent->unmerged + at + 1, parent->unmerged + at,
          (parent->unmerged_count - at) * sizeof *parent->unmerged);
  parent->unmerged[at] = leaf;
  parent->unmerged_count++;
  return OK;
}

uint32_t parent_unmerged_between(const struct parent *parent, uint32_t first, uint32_t end,
                                 uint32_t *position) {
  *position = leaves_position(parent->unmerged, parent->unmerged_count, first);
  return leaves_position(parent->unmerged, parent->unmerged_count, end) - *position;
}

void parent_remove_unmerged(struct parent *parent, const uint32_t *leaves, uint32_t count) {
  uint32_t kept = 0, next = 0;
  for (uint32_t i = 0; i < parent->unmerged_count; i++) {
    uint32_t leaf = parent->unmerged[i];
    while (next < count && leaves[next] < leaf)
      next++;
    if (next == count || leaves[next] != leaf)
      parent->unmerged[kept++] = leaf;
  }
  parent->unmerged_count = kept;
}

/* ---- Nodes ---- */

enum err node_new(const struct suite *suite, uint8_t height, struct node **out) {
  size_t children = height > 0 ? 2 * sizeof(struct node *) : 0;
  struct node *node = mem_new(1, sizeof *node + children + suite->hash->size);
  if (node == NULL)
    return ERR_NOMEM;
  refs_init(&node->refs);
  node->height = height;
  *out = node;
  return OK;
}

enum err node_open(const struct suite *suite, struct node *node) {
  enum err err = OK;
  struct node *left = NULL;
  if (node->child[0] != NULL)
    return OK;
  TRY(node_new(suite, (uint8_t)(node->height - 1), &left));
  TRY(node_new(suite, (uint8_t)(node->height - 1), &node->child[1]));
  node->child[0] = left;
  left = NULL;
done:
  node_drop(left);
  return err;
}

void node_close(struct node *node) {
  if (node->height == 0 || node->members > 0 || node->parent != NULL)
    return;
  for (unsigned side = 0; side < 2; side++) {
    node_drop(node->child[side]);
    node->child[side] = NULL;
  }
}

struct node *node_share(struct node *node) {
  if (node != NULL)
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

uint8_t *node_hash(const struct node *node) {
  return (uint8_t *)(uintptr_t)(node->child + (node->height > 0 ? 2 : 0));
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
    return;
  }
  const struct node *left = node->child[0], *right = node->child[1];
  node->members = left->members + right->members;
  node->resolution = node->parent != NULL ? 1 + node->parent->unmerged_count
                                          : left->resolution + right->resolution;
}

uint32_t node_first_blank(const struct node *node) {
  if (node->members == 1u << node->height)
    return LEAF_NONE;
  uint32_t first = 0;
  while (node->height > 0 && node->child[0] != NULL) {
    uint32_t half = 1u << (node->height - 1);
    bool left_full = node->child[0]->members == half;
    first += left_full ? half : 0;
    node = node->child[left_full];
  }
  return first;
}

/* ---- Tree hashes (RFC 9420, section 7.8) ---- */

enum { NODE_TYPE_LEAF = 1, NODE_TYPE_PARENT = 2 };

/* @param leaf  NULL: a blank one */
static enum err hash_leaf(const struct suite *suite, const struct leaf *leaf, uint32_t index,
                          uint8_t *out) {
  const uint8_t head[6] = {NODE_TYPE_LEAF,        (uint8_t)(index >> 24), (uint8_t)(index >> 16),
                           (uint8_t)(index >> 8), (uint8_t)index,         leaf != NULL};
  struct view parts[] = {VIEW_ARRAY(head), leaf != NULL ? leaf_raw(leaf) : VIEW_NONE};
  return suite->hash->digest(parts, 2, out);
}

/* @param parent  NULL: a blank one  @param left,right  hashes of the children */
static enum err hash_parent(const struct suite *suite, const struct parent *parent,
                            const uint8_t *left, const uint8_t *right, uint8_t *out) {
  enum err err = OK;
  struct writer input = {0};
  write_u8(&input, NODE_TYPE_PARENT);
  write_optional(&input, parent != NULL);
  if (parent != NULL)
    parent_write(&input, parent);
  write_vector(&input, view_of(left, suite->hash->size));
  write_vector(&input, view_of(right, suite->hash->size));
  TRY(input.err);
  struct view whole = writer_view(&input);
  TRY(suite->hash->digest(&whole, 1, out));
done:
  writer_free(&input);
  return err;
}

/* Indices of leaves are part of the hash, so it differs from one blank subtree to the next. */
enum err node_hash_blank(const struct suite *suite, uint32_t height, uint32_t first_leaf,
                         uint8_t *out) {
  enum err err = OK;
  uint8_t left[HASH_MAX], right[HASH_MAX];
  if (height == 0)
    return hash_leaf(suite, NULL, first_leaf, out);
  TRY(node_hash_blank(suite, height - 1, first_leaf, left));
  TRY(node_hash_blank(suite, height - 1, first_leaf + (1u << (height - 1)), right));
  TRY(hash_parent(suite, NULL, left, right, out));
done:
  return err;
}

enum err node_hash_subtree(const struct suite *suite, struct node *node, uint32_t first_leaf) {
  if (node->hashed)
    return OK;
  enum err err = OK;
  if (node->height == 0) {
    TRY(hash_leaf(suite, node->leaf, first_leaf, node_hash(node)));
  } else if (node->child[0] == NULL) {
    TRY(node_hash_blank(suite, node->height, first_leaf, node_hash(node)));
  } else {
    TRY(node_hash_subtree(suite, node->child[0], first_leaf));
    TRY(node_hash_subtree(suite, node->child[1], first_leaf + (1u << (node->height - 1))));
    TRY(hash_parent(suite, node->parent, node_hash(node->child[0]), node_hash(node->child[1]),
                    node_hash(node)));
  }
  node->hashed = true;
done:
  return err;
}
