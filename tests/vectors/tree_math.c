/*
 * Array-based tree indices (RFC 9420, appendix C).
 * SPDX-License-Identifier: ISC
 */
#include "mls/treemath.h"

#include "vectors.h"

/* The index in an array of optional<uint32>; false for null. */
static bool index_at(json_object *array, size_t i, uint32_t *out) {
  json_object *item = vectors_item(array, i);
  if (item == NULL)
    return false;
  *out = (uint32_t)json_object_get_int64(item);
  return true;
}

static bool check(json_object *vector) {
  uint32_t leaves = vectors_u32(vector, "n_leaves");
  uint32_t nodes = vectors_u32(vector, "n_nodes");
  uint32_t root = vectors_u32(vector, "root");
  bool ok = node_count(leaves) == nodes && node_root(leaves) == root;

  json_object *left = vectors_array(vector, "left");
  json_object *right = vectors_array(vector, "right");
  json_object *parent = vectors_array(vector, "parent");
  json_object *sibling = vectors_array(vector, "sibling");
  for (uint32_t i = 0; i < nodes; i++) {
    uint32_t expected = 0;
    bool leaf = i % 2 == 0;
    ok = ok && index_at(left, i, &expected) == !leaf && (leaf || node_left(i) == expected);
    ok = ok && index_at(right, i, &expected) == !leaf && (leaf || node_right(i) == expected);
    bool top = i == root;
    ok = ok && index_at(parent, i, &expected) == !top && (top || node_parent(i) == expected);
    ok = ok && index_at(sibling, i, &expected) == !top && (top || node_sibling(i) == expected);
  }
  return ok;
}

void vectors_tree_math(json_object *root, struct tally *tally) {
  for (size_t i = 0; i < vectors_count(root); i++)
    vectors_check(tally, check(vectors_item(root, i)), "tree", i);
}
