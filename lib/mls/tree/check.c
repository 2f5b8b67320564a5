/* SPDX-License-Identifier: ISC */
#include "mls/tree/check.h"

#include <stdio.h>
#include <stdlib.h>

#include "mls/tree/node.h"
#include "mls/tree/tree.h"

/*
 * All is worked out from the contents of the nodes, in the words of RFC 9420, with no thought of speed
 * and without the functions that are checked.  Memory is taken from the system directly, so that tests
 * in which memory runs out see the calls that they see in every build.
 */

static void must(bool holds, const char *what, uint32_t node) {
  if (holds)
    return;
  (void)fprintf(stderr, "tree check: %s, node %u\n", what, node);
  abort();
}

static void *memory_of(size_t count, size_t size) {
  void *memory = calloc(count + 1, size);
  must(memory != NULL, "no memory", 0);
  return memory;
}

/* ---- Sizes ---- */

static uint32_t count_members(const struct node *node) {
  if (node == NULL)
    return 0;
  if (node->height == 0)
    return node->leaf != NULL ? 1 : 0;
  return count_members(node->child[0]) + count_members(node->child[1]);
}

/* Section 4.1.1. */
static uint32_t count_resolution(const struct node *node) {
  if (node == NULL)
    return 0;
  if (node->height == 0)
    return node->leaf != NULL ? 1 : 0;
  if (node->parent != NULL)
    return 1 + node->parent->unmerged_count;
  return count_resolution(node->child[0]) + count_resolution(node->child[1]);
}

static void check_sizes(const struct tree *tree) {
  for (uint32_t index = 0; index < node_count(tree_width(tree)); index++) {
    const struct node *node = tree_find(tree, index);
    if (node == NULL)
      continue;
    must(node->height == node_height(index), "height", index);
    must(node->height == 0 || (node->child[0] == NULL) == (node->child[1] == NULL), "one child",
         index);
    must(node->members == count_members(node), "number of members", index);
    must(node->resolution == count_resolution(node), "size of resolution", index);
  }
  uint32_t blank = 0;
  while (blank < tree_width(tree) && tree_leaf(tree, blank) != NULL)
    blank++;
  must(node_first_blank(tree->root) == (blank == tree_width(tree) ? LEAF_NONE : blank),
       "first blank leaf", 2 * blank);
}

/* ---- Tree hashes (section 7.8) ---- */

static bool is_unmerged(const struct parent *parent, uint32_t leaf) {
  bool found = false;
  for (uint32_t i = 0; parent != NULL && i < parent->unmerged_count; i++)
    found = found || parent->unmerged[i] == leaf;
  return found;
}

static void write_leaf(struct writer *writer, const struct leaf *leaf, uint32_t index,
                       const struct parent *without) {
  bool present = leaf != NULL && !is_unmerged(without, index);
  write_u8(writer, 1);
  write_u32(writer, index);
  write_u8(writer, present);
  if (present)
    write_bytes(writer, leaf_raw(leaf));
}

static void write_parent(struct writer *writer, const struct parent *parent,
                         const struct parent *without) {
  uint32_t kept = 0;
  write_u8(writer, 2);
  write_u8(writer, parent != NULL);
  if (parent == NULL)
    return;
  write_vector(writer, parent_key(parent));
  write_vector(writer, parent_hash(parent));
  for (uint32_t i = 0; i < parent->unmerged_count; i++)
    kept += is_unmerged(without, parent->unmerged[i]) ? 0 : 1;
  write_length(writer, 4 * (size_t)kept);
  for (uint32_t i = 0; i < parent->unmerged_count; i++)
    if (!is_unmerged(without, parent->unmerged[i]))
      write_u32(writer, parent->unmerged[i]);
}

/* A writer that does not have to grow. */
static struct writer writer_for(const struct leaf *leaf, const struct parent *parent) {
  size_t size = 4 * (size_t)KEM_PUBLIC_MAX + 4 * (size_t)HASH_MAX;
  if (leaf != NULL)
    size += leaf_raw(leaf).size;
  if (parent != NULL)
    size += 4 * (size_t)parent->unmerged_count;
  return (struct writer){.data = memory_of(size, 1), .capacity = size};
}

static void digest_written(const struct suite *suite, struct writer *writer, uint8_t *out) {
  struct view input = writer_view(writer);
  must(writer->err == OK && suite->hash->digest(&input, 1, out) == OK, "digest failed", 0);
  free(writer->data);
}

/* Hash of a subtree (NULL: a blank one) from which the unmerged leaves of `without`, if there is one,
 * are taken; of a whole one the cached hashes are compared in passing. */
static void digest_subtree(const struct suite *suite, const struct node *node, uint32_t index,
                           const struct parent *without, uint8_t *out) {
  bool above = node_height(index) > 0;
  const struct leaf *leaf = node != NULL && !above ? node->leaf : NULL;
  const struct parent *parent = node != NULL && above ? node->parent : NULL;
  struct writer writer = writer_for(leaf, parent);
  if (above) {
    uint8_t left[HASH_MAX], right[HASH_MAX];
    digest_subtree(suite, node == NULL ? NULL : node->child[0], node_left(index), without, left);
    digest_subtree(suite, node == NULL ? NULL : node->child[1], node_right(index), without, right);
    write_parent(&writer, parent, without);
    write_vector(&writer, view_of(left, suite->hash->size));
    write_vector(&writer, view_of(right, suite->hash->size));
  } else {
    write_leaf(&writer, leaf, index / 2, without);
  }
  digest_written(suite, &writer, out);
  if (without == NULL && node != NULL && node->hashed)
    must(view_equal(view_of(out, suite->hash->size), view_of(node_hash(node), suite->hash->size)),
         "tree hash", index);
}

/* ---- The index ---- */

static int compare_types(const void *a, const void *b) {
  uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
  return left < right ? -1 : left > right ? 1 : 0;
}

/* Kind and type of everything that leaves list, each once a leaf. */
struct census {
  uint32_t *type;
  size_t count;
  size_t keys; /* in the tree, of both kinds */
};

static void census_list(struct census *census, enum index_kind kind, struct view list) {
  size_t first = census->count;
  for (size_t i = 0; i < list.size / 2; i++) {
    uint32_t type = (uint32_t)kind << 16 | list_at(list, i);
    bool twice = false;
    for (size_t j = first; j < census->count; j++)
      twice = twice || census->type[j] == type;
    if (!twice)
      census->type[census->count++] = type;
  }
}

static void census_leaf(const struct tree *tree, struct census *census, const struct leaf *leaf,
                        uint32_t index) {
  struct capabilities can = leaf_capabilities(leaf);
  must(index_count_key(tree, INDEX_ENCRYPTION_KEY, leaf_encryption_key(leaf)) == 1,
       "encryption key not once in the index", index);
  must(index_count_key(tree, INDEX_SIGNATURE_KEY, leaf_signature_key(leaf)) == 1,
       "signature key not once in the index", index);
  census->keys += 2;
  census_list(census, INDEX_EXTENSION, can.extensions);
  census_list(census, INDEX_PROPOSAL, can.proposals);
  census_list(census, INDEX_CREDENTIAL, can.credentials);
  census->type[census->count++] =
      (uint32_t)INDEX_CREDENTIAL_USED << 16 | leaf_credential(leaf).type;
}

static void check_types(const struct tree *tree, struct census *census) {
  qsort(census->type, census->count, sizeof *census->type, compare_types);
  for (size_t i = 0, end = 0; i < census->count; i = end) {
    uint32_t type = census->type[i];
    while (end < census->count && census->type[end] == type)
      end++;
    must(index_count_type(tree, (enum index_kind)(type >> 16), (uint16_t)type) == end - i,
         "number of members that list a type", type);
  }
}

/* Everything that ought to be in the index is in it, and nothing else. */
static void check_index(const struct tree *tree) {
  size_t most = 3 * (size_t)CAPABILITIES_MAX + 1;
  struct census census = {memory_of(tree_members(tree) * most, sizeof(uint32_t)), 0, 0};
  for (uint32_t index = 0; index < node_count(tree_width(tree)); index++) {
    const struct node *node = tree_find(tree, index);
    if (node == NULL)
      continue;
    if (node->height == 0 && node->leaf != NULL) {
      census_leaf(tree, &census, node->leaf, index);
    } else if (node->height > 0 && node->parent != NULL) {
      must(index_count_key(tree, INDEX_ENCRYPTION_KEY, parent_key(node->parent)) == 1,
           "encryption key not once in the index", index);
      census.keys++;
    }
  }
  check_types(tree, &census);
  must(multiset_total(tree->index) == census.keys + census.count,
       "something that is not in the tree is in the index", 0);
  free(census.type);
}

void tree_check(const struct tree *tree) {
  uint8_t hash[HASH_MAX];
  check_sizes(tree);
  digest_subtree(tree->suite, tree->root, node_root(tree_width(tree)), NULL, hash);
  check_index(tree);
}

/* ---- Parent hashes (section 7.9.2) ---- */

/* The resolution of a node, compared with the unmerged leaves of a parent above. */
struct remainder {
  uint32_t unmerged; /* nodes of the resolution that are among them */
  uint32_t others;
  struct view parent_hash; /* of the last of the others */
};

static void resolve_leaf(const struct tree *tree, uint32_t leaf, const struct parent *above,
                         struct remainder *out) {
  if (is_unmerged(above, leaf)) {
    out->unmerged++;
    return;
  }
  out->others++;
  out->parent_hash = leaf_parent_hash(tree_leaf(tree, leaf));
}

static void resolve(const struct tree *tree, const struct node *node, uint32_t index,
                    const struct parent *above, struct remainder *out) {
  if (node == NULL)
    return;
  if (node->height == 0) {
    if (node->leaf != NULL)
      resolve_leaf(tree, index / 2, above, out);
  } else if (node->parent == NULL) {
    resolve(tree, node->child[0], node_left(index), above, out);
    resolve(tree, node->child[1], node_right(index), above, out);
  } else {
    out->others++;
    out->parent_hash = parent_hash(node->parent);
    for (uint32_t i = 0; i < node->parent->unmerged_count; i++)
      resolve_leaf(tree, node->parent->unmerged[i], above, out);
  }
}

/* Whether the node was set together with one below its child on `side`. */
static bool set_with(const struct tree *tree, const struct node *node, uint32_t index,
                     unsigned side) {
  const struct suite *suite = tree->suite;
  uint32_t child = side == 0 ? node_left(index) : node_right(index), unmerged = 0;
  struct remainder rest = {0, 0, VIEW_NONE};
  resolve(tree, node->child[side], child, node->parent, &rest);
  for (uint32_t i = 0; i < node->parent->unmerged_count; i++)
    unmerged += node_covers(child, node->parent->unmerged[i]) ? 1 : 0;
  if (rest.others != 1 || rest.unmerged != unmerged)
    return false;
  uint8_t sibling_hash[HASH_MAX], expected[HASH_MAX];
  digest_subtree(suite, node->child[1 - side], node_sibling(child), node->parent, sibling_hash);
  struct writer writer = writer_for(NULL, node->parent);
  write_vector(&writer, parent_key(node->parent));
  write_vector(&writer, parent_hash(node->parent));
  write_vector(&writer, view_of(sibling_hash, suite->hash->size));
  digest_written(suite, &writer, expected);
  return view_equal(rest.parent_hash, view_of(expected, suite->hash->size));
}

void tree_check_parent_hashes(const struct tree *tree) {
  for (uint32_t index = 1; index < node_count(tree_width(tree)); index += 2) {
    const struct node *node = tree_find(tree, index);
    if (node == NULL || node->parent == NULL)
      continue;
    must(set_with(tree, node, index, 0) != set_with(tree, node, index, 1), "parent hash", index);
  }
}
