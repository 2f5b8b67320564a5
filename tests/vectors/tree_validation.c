/*
 * Reading a ratchet tree, and everything that is computed over one: resolutions, tree hashes, parent
 * hashes, signatures of leaves (RFC 9420, sections 4.1.1, 7.8, 7.9 and 12.4.3.3).
 * SPDX-License-Identifier: ISC
 */
#include "base/mem.h"
#include "mls/tree.h"
#include "vectors.h"

#define MEMBERS_MAX 1024

static bool check_resolution(const struct tree *tree, uint32_t node, json_object *expected) {
  uint32_t size = tree_resolution_size(tree, node);
  struct resolved *resolution = mem_new(size, sizeof *resolution);
  bool ok = resolution != NULL && vectors_count(expected) == size;
  if (ok)
    tree_resolution(tree, node, resolution);
  for (uint32_t i = 0; ok && i < size; i++)
    ok = resolution[i].node == (uint32_t)json_object_get_int64(vectors_item(expected, i));
  mem_free(resolution);
  return ok;
}

static bool check_hash(struct tree *tree, uint32_t node, json_object *expected) {
  struct bytes wanted = vectors_hex(expected);
  struct view hash;
  bool ok = vectors_ok(tree_node_hash(tree, node, &hash), "tree hash") &&
            view_equal(hash, bytes_view(&wanted));
  bytes_free(&wanted);
  return ok;
}

static bool check_leaves(const struct tree *tree, struct view group_id) {
  bool ok = true;
  for (uint32_t leaf = tree_next_member(tree, 0); leaf != LEAF_NONE;
       leaf = tree_next_member(tree, leaf + 1)) {
    struct why why = {""};
    enum err err =
        leaf_verify_signature(tree_suite(tree), tree_leaf(tree, leaf), group_id, leaf, &why);
    ok = vectors_ok(err, why.text) && ok;
  }
  return ok;
}

static bool check_tree(json_object *vector, struct tree *tree, struct view group_id) {
  json_object *resolutions = vectors_array(vector, "resolutions");
  json_object *hashes = vectors_array(vector, "tree_hashes");
  uint32_t nodes = node_count(tree_width(tree));
  bool ok = vectors_count(resolutions) == nodes && vectors_count(hashes) == nodes;
  for (uint32_t node = 0; ok && node < nodes; node++)
    ok = check_resolution(tree, node, vectors_item(resolutions, node)) &&
         check_hash(tree, node, vectors_item(hashes, node));
  struct why why = {""};
  ok = vectors_ok(tree_verify_parent_hashes(tree, &why), why.text) && ok;
  return check_leaves(tree, group_id) && ok;
}

static bool check(const struct suite *suite, json_object *vector) {
  struct bytes encoded = vectors_bytes(vector, "tree");
  struct bytes group_id = vectors_bytes(vector, "group_id");
  struct why why = {""};
  struct tree *tree = NULL;
  struct writer writer = {0};
  bool ok = vectors_ok(tree_read(suite, bytes_view(&encoded), MEMBERS_MAX, &why, &tree), why.text);
  if (ok) {
    ok = check_tree(vector, tree, bytes_view(&group_id));
    tree_write(&writer, tree);
    ok = vectors_ok(writer.err, "writing the tree") &&
         vectors_equal(vector, "tree", writer_view(&writer)) && ok;
  }
  writer_free(&writer);
  tree_drop(tree);
  bytes_free(&group_id);
  bytes_free(&encoded);
  return ok;
}

void vectors_tree_validation(json_object *root, struct tally *tally) {
  for (size_t i = 0; i < vectors_count(root); i++) {
    json_object *vector = vectors_item(root, i);
    const struct suite *suite = vectors_suite(vector);
    if (suite == NULL)
      vectors_skip(tally);
    else
      vectors_check(tally, check(suite, vector), "tree", i);
  }
}
