/*
 * Reading a ratchet tree, and everything that is computed over one: resolutions, tree hashes, parent
 * hashes, signatures of leaves (RFC 9420, sections 4.1.1, 7.8, 7.9 and 12.4.3.3).
 * SPDX-License-Identifier: ISC
 */
#include "base/mem.h"
#include "crew.h"
#include "crypto/kdf.h"

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
  uint8_t hash[HASH_MAX];
  bool ok = vectors_ok(tree_node_hash(tree, node, hash), "tree hash") &&
            view_equal(view_of(hash, tree_suite(tree)->hash->size), bytes_view(&wanted));
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
  ok = vectors_ok(tree_verify_parent_hashes(tree, 1, &why), why.text) && ok;
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
  vectors_each(root, tally, "tree", check);
}

/* ---- Generating: trees of real groups, read as the RFC defines what is asked of them ---- */

/* Section 4.1.1, word for word. */
static void put_resolution(const struct tree *tree, uint32_t node, json_object *array) {
  struct parent_node parent;
  if (node % 2 == 0) {
    if (tree_leaf(tree, node / 2) != NULL)
      append_number(array, node);
  } else if (tree_parent(tree, node, &parent)) {
    append_number(array, node);
    for (size_t i = 0; i < parent.unmerged_count; i++)
      append_number(array, 2 * parent.unmerged_leaves[i]);
  } else {
    put_resolution(tree, node_left(node), array);
    put_resolution(tree, node_right(node), array);
  }
}

static struct secret plain_hash(const struct tree *tree, uint32_t node);

/* ParentNode and the hashes below it. */
static void write_parent(struct writer *writer, const struct tree *tree, uint32_t node) {
  struct parent_node parent;
  bool present = tree_parent(tree, node, &parent);
  struct secret left = plain_hash(tree, node_left(node));
  struct secret right = plain_hash(tree, node_right(node));
  write_u8(writer, 2);
  write_optional(writer, present);
  if (present) {
    write_vector(writer, parent.encryption_key);
    write_vector(writer, parent.parent_hash);
    size_t begin = write_begin(writer);
    for (size_t i = 0; i < parent.unmerged_count; i++)
      write_u32(writer, parent.unmerged_leaves[i]);
    write_end(writer, begin);
  }
  write_vector(writer, secret_view(&left));
  write_vector(writer, secret_view(&right));
}

/* Section 7.8, without anything that was kept. */
static struct secret plain_hash(const struct tree *tree, uint32_t node) {
  const struct suite *suite = tree_suite(tree);
  const struct leaf *leaf = node % 2 == 0 ? tree_leaf(tree, node / 2) : NULL;
  struct writer writer = {0};
  struct secret hash = {.size = (uint16_t)suite->hash->size};
  if (node % 2 == 0) {
    write_u8(&writer, 1);
    write_u32(&writer, node / 2);
    write_optional(&writer, leaf != NULL);
    if (leaf != NULL)
      write_bytes(&writer, leaf_raw(leaf));
  } else {
    write_parent(&writer, tree, node);
  }
  must(writer.err, "TreeHashInput");
  must(kdf_hash(suite, writer_view(&writer), hash.bytes), "tree hash");
  writer_free(&writer);
  return hash;
}

static void put_tree(const struct crew *crew, json_object *array) {
  const struct epoch *epoch = crew_group(crew, 0)->epoch;
  json_object *vector = append_object(array);
  struct writer writer = {0};
  tree_write(&writer, epoch->tree);
  must(writer.err, "tree");
  put_number(vector, "cipher_suite", crew->suite->id);
  put_hex(vector, "tree", writer_view(&writer));
  put_hex(vector, "group_id", epoch->context.group_id);
  writer_free(&writer);
  json_object *hashes = put_array(vector, "tree_hashes");
  json_object *resolutions = put_array(vector, "resolutions");
  for (uint32_t node = 0; node < node_count(tree_width(epoch->tree)); node++) {
    struct secret hash = plain_hash(epoch->tree, node);
    append_hex(hashes, secret_view(&hash));
    put_resolution(epoch->tree, node, append_array(resolutions));
  }
}

static void generate(const struct suite *suite, json_object *array) {
  struct crew crew;
  crew_new(&crew, suite, 10);
  crew_found(&crew, 2);
  put_tree(&crew, array);
  for (size_t next = 2; next < 9; next++) {
    crew_add(&crew, next - 1, next);
    if (next == 2 || next == 6 || next == 8) /* blanks at the end */
      put_tree(&crew, array);
  }
  crew_remove(&crew, 0, 8);
  put_tree(&crew, array); /* the tree has halved */
  crew_remove(&crew, 6, 2);
  crew_remove(&crew, 6, 3);
  put_tree(&crew, array); /* blanks inside */
  crew_add(&crew, 7, 9);
  crew_commit(&crew, 0, NULL);
  crew_add(&crew, 7, 8);
  put_tree(&crew, array); /* unmerged leaves, on the far side of the node that lists them */
  crew_free(&crew);
}

json_object *generate_tree_validation(uint16_t suite) {
  return generate_suites(suite, generate);
}
