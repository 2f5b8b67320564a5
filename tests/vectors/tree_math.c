/*
 * Array-based tree indices (RFC 9420, appendix C).
 * SPDX-License-Identifier: ISC
 */
#include "mls/tree/math.h"

#include "generate.h"

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

/* ---- Generating: a tree is built from its halves, without a formula ---- */

#define NODES_MAX 255

struct relatives {
  uint32_t left, right, parent, sibling; /* UINT32_MAX: none */
};

/* Number the nodes of a tree of `leaves` leaves, from `first` on, in order.  @return its root */
static uint32_t build(struct relatives *nodes, uint32_t first, uint32_t leaves) {
  if (leaves == 1) {
    nodes[first].left = nodes[first].right = UINT32_MAX;
    return first;
  }
  uint32_t root = first + leaves - 1; /* behind the 2 * (leaves / 2) - 1 nodes of the left half */
  uint32_t left = build(nodes, first, leaves / 2), right = build(nodes, root + 1, leaves / 2);
  nodes[root].left = left;
  nodes[root].right = right;
  nodes[left].parent = nodes[right].parent = root;
  nodes[left].sibling = right;
  nodes[right].sibling = left;
  return root;
}

static void append_relative(json_object *array, uint32_t node) {
  if (node == UINT32_MAX)
    append_null(array);
  else
    append_number(array, node);
}

json_object *generate_tree_math(uint16_t suite) {
  (void)suite; /* these are of none */
  json_object *array = new_array();
  for (uint32_t leaves = 1; 2 * leaves - 1 <= NODES_MAX; leaves *= 2) {
    struct relatives nodes[NODES_MAX];
    json_object *vector = append_object(array);
    uint32_t root = build(nodes, 0, leaves);
    nodes[root].parent = nodes[root].sibling = UINT32_MAX;
    put_number(vector, "n_leaves", leaves);
    put_number(vector, "n_nodes", 2 * leaves - 1);
    put_number(vector, "root", root);
    json_object *left = put_array(vector, "left"), *right = put_array(vector, "right");
    json_object *parent = put_array(vector, "parent"), *sibling = put_array(vector, "sibling");
    for (uint32_t i = 0; i < 2 * leaves - 1; i++) {
      append_relative(left, nodes[i].left);
      append_relative(right, nodes[i].right);
      append_relative(parent, nodes[i].parent);
      append_relative(sibling, nodes[i].sibling);
    }
  }
  return array;
}
