/*
 * Ratchet trees from anybody: what tree_read() and tree_verify_parent_hashes() refuse.  Each test
 * changes one thing in a tree that is good.
 * SPDX-License-Identifier: ISC
 */
#include <check.h>
#include <string.h>

#include "crypto/provider.h"
#include "forge.h"
#include "mls/tree/tree.h"
#include "tests/run.h"
#include "tests/taken.h"
#include "treemodel.h"

static const struct suite *suite;

/*
 * Seven members, of whom leaf 5 came last:
 *
 *            7[5]
 *          /      \
 *        3         11[5]
 *      /   \       /   \
 *     1     5     _     _
 *    / \   / \   / \   / \
 *    0 1   2 3   4 5   6 _
 */
static struct model *good_model(void) {
  struct model *model = model_new(suite);
  struct tree *tree = NULL;
  forge_seed(7);
  ck_assert_int_eq(tree_new(suite, &tree), OK);
  for (unsigned i = 0; i < 7; i++)
    model_add(model, tree, forge_leaf(suite, NULL));
  model_commit(model, tree, 2);
  model_remove(model, tree, 5);
  model_commit(model, tree, 4);
  model_commit(model, tree, 0);
  model_add(model, tree, forge_leaf(suite, NULL));
  tree_drop(tree);
  return model;
}

/* ---- A tree in pieces ---- */

/* The nodes as they are written; a test replaces some. */
struct pieces {
  struct bytes node[MODEL_NODES];
  uint32_t count;
};

static struct pieces pieces_of(const struct model *model, uint32_t count) {
  struct pieces pieces = {.count = count};
  for (uint32_t node = 0; node < count; node++) {
    struct writer writer = {0};
    model_write_node(model, node, &writer);
    pieces.node[node] = taken(&writer);
  }
  return pieces;
}

static void put(struct pieces *pieces, uint32_t node, struct view bytes) {
  bytes_free(&pieces->node[node]);
  ck_assert_int_eq(bytes_copy(&pieces->node[node], bytes), OK);
}

static void put_parent(struct pieces *pieces, uint32_t node, struct view key, struct view hash,
                       const uint32_t *unmerged, size_t count) {
  struct writer writer = {0};
  write_optional(&writer, true);
  write_u8(&writer, 2);
  write_vector(&writer, key);
  write_vector(&writer, hash);
  write_length(&writer, 4 * count);
  for (size_t i = 0; i < count; i++)
    write_u32(&writer, unmerged[i]);
  bytes_free(&pieces->node[node]);
  pieces->node[node] = taken(&writer);
}

static struct bytes joined(const struct pieces *pieces) {
  struct writer writer = {0};
  size_t begin = write_begin(&writer);
  for (uint32_t node = 0; node < pieces->count; node++)
    write_bytes(&writer, bytes_view(&pieces->node[node]));
  write_end(&writer, begin);
  return taken(&writer);
}

static void pieces_free(struct pieces *pieces) {
  for (uint32_t node = 0; node < MODEL_NODES; node++)
    bytes_free(&pieces->node[node]);
}

/* The tree is refused with a result, and a sentence that says what is wrong with it. */
static void refused(struct view encoded, uint32_t max_members, enum err result, const char *text) {
  struct tree *tree = NULL;
  struct why why = {""};
  ck_assert_int_eq(tree_read(suite, encoded, max_members, &why, &tree), result);
  ck_assert_ptr_null(tree);
  if (strstr(why.text, text) == NULL)
    ck_abort_msg("\"%s\" does not say \"%s\"", why.text, text);
  ck_assert_int_eq(tree_read(suite, encoded, max_members, NULL, &tree), result);
}

static void pieces_refused(struct pieces *pieces, enum err result, const char *text) {
  struct bytes encoded = joined(pieces);
  refused(bytes_view(&encoded), MODEL_LEAVES, result, text);
  bytes_free(&encoded);
  pieces_free(pieces);
}

static struct tree *accepted(const struct model *model) {
  struct writer writer = {0};
  struct tree *tree = NULL;
  struct why why = {""};
  model_write(model, &writer);
  if (tree_read(suite, writer_view(&writer), MODEL_LEAVES, &why, &tree) != OK)
    ck_abort_msg("%s", why.text);
  writer_free(&writer);
  return tree;
}

/* ---- Form ---- */

START_TEST(test_good) {
  struct model *model = good_model();
  struct tree *tree = accepted(model);
  struct why why = {""};
  model_check(model, tree);
  ck_assert_int_eq(tree_verify_parent_hashes(tree, 1, &why), OK);
  ck_assert(model->parent[7].unmerged[5] && model->parent[11].unmerged[5]);
  tree_drop(tree);
  model_free(model);
}
END_TEST

START_TEST(test_node_types) {
  struct model *model = good_model();
  for (uint8_t type = 0; type < 4; type++) {
    for (uint32_t node = 0; node < 2; node++) {
      if (type == (node == 0 ? 1 : 2))
        continue;
      struct pieces pieces = pieces_of(model, 13);
      pieces.node[node].data[1] = type;
      pieces_refused(&pieces, ERR_INVALID_TREE, node == 0 ? "node 0 is of type" : "node 1 is of");
    }
  }
  struct pieces pieces = pieces_of(model, 13);
  struct bytes leaf = {0};
  ck_assert_int_eq(bytes_copy(&leaf, bytes_view(&pieces.node[2])), OK);
  put(&pieces, 2, bytes_view(&pieces.node[1])); /* whole nodes that changed places */
  put(&pieces, 1, bytes_view(&leaf));
  bytes_free(&leaf);
  pieces_refused(&pieces, ERR_INVALID_TREE, "node 1 is of type 1");
  pieces = pieces_of(model, 13);
  pieces.node[0].data[0] = 2;
  pieces_refused(&pieces, ERR_MALFORMED, "");
  model_free(model);
}
END_TEST

START_TEST(test_ends) {
  static const uint8_t empty[] = {0}, one_blank[] = {1, 0}, three_blanks[] = {3, 0, 0, 0};
  refused(VIEW_NONE, 64, ERR_MALFORMED, "");
  refused(VIEW_ARRAY(empty), 64, ERR_INVALID_TREE, "the tree is empty");
  refused(VIEW_ARRAY(one_blank), 64, ERR_INVALID_TREE, "the last node is blank");
  refused(VIEW_ARRAY(three_blanks), 64, ERR_INVALID_TREE, "the last node is blank");
  struct model *model = good_model();
  for (uint32_t count = 14; count < 17; count++) {
    struct pieces pieces = pieces_of(model, count);
    pieces_refused(&pieces, ERR_INVALID_TREE, "the last node is blank");
  }
  struct pieces pieces = pieces_of(model, 13);
  struct bytes encoded = joined(&pieces);
  struct writer longer = {0};
  write_bytes(&longer, bytes_view(&encoded));
  write_u8(&longer, 0);
  refused(writer_view(&longer), 64, ERR_MALFORMED, "");
  writer_free(&longer);
  bytes_free(&encoded);
  pieces_free(&pieces);
  model_free(model);
}
END_TEST

START_TEST(test_limit) {
  struct model *model = good_model();
  struct pieces pieces = pieces_of(model, 13);
  struct bytes encoded = joined(&pieces);
  struct tree *tree = NULL;
  for (uint32_t limit = 0; limit < 7; limit++)
    refused(bytes_view(&encoded), limit, ERR_LIMIT, "has more than");
  ck_assert_int_eq(tree_read(suite, bytes_view(&encoded), 7, NULL, &tree), OK);
  tree_drop(tree);
  ck_assert_int_eq(tree_read(suite, bytes_view(&encoded), UINT32_MAX, NULL, &tree), OK);
  tree_drop(tree);
  bytes_free(&encoded);
  pieces_free(&pieces);

  /* A tree that says so many blanks that reading on would only cost memory. */
  struct writer writer = {0};
  size_t begin = write_begin(&writer);
  for (unsigned i = 0; i < 200000; i++)
    write_optional(&writer, false);
  write_end(&writer, begin);
  refused(writer_view(&writer), 1000, ERR_LIMIT, "more than 1000 leaves");
  writer_free(&writer);
  model_free(model);
}
END_TEST

START_TEST(test_parent_sizes) {
  struct model *model = good_model();
  uint8_t long_key[200] = {1};
  struct view key = model_key(model, 1), hash = view_of(model->parent[1].hash, suite->hash->size);
  struct pieces pieces = pieces_of(model, 13);
  put_parent(&pieces, 1, view_of(key.data, key.size - 1), hash, NULL, 0);
  pieces_refused(&pieces, ERR_INVALID_TREE, "a parent node has a key of 31");
  pieces = pieces_of(model, 13);
  put_parent(&pieces, 1, VIEW_ARRAY(long_key), hash, NULL, 0);
  pieces_refused(&pieces, ERR_INVALID_TREE, "a parent node has a key of 200");
  pieces = pieces_of(model, 13);
  put_parent(&pieces, 1, key, view_of(hash.data, 31), NULL, 0);
  pieces_refused(&pieces, ERR_INVALID_TREE, "and a hash of 31");
  pieces = pieces_of(model, 13);
  pieces.node[1].data[pieces.node[1].size - 1] = 3; /* unmerged leaves of three bytes */
  struct writer writer = {0};
  write_bytes(&writer, bytes_view(&pieces.node[1]));
  write_bytes(&writer, view_of(long_key, 3));
  put(&pieces, 1, writer_view(&writer));
  writer_free(&writer);
  pieces_refused(&pieces, ERR_MALFORMED, "");
  model_free(model);
}
END_TEST

/* ---- Unmerged leaves ---- */

START_TEST(test_unmerged) {
  static const struct {
    uint32_t node;
    uint32_t leaf[3];
    size_t count;
    const char *text;
  } cases[] = {
      {7, {5, 4}, 2, "unmerged leaf 4 is not in increasing order"},
      {7, {5, 5}, 2, "unmerged leaf 5 is not in increasing order"},
      {11, {3, 5}, 2, "unmerged leaf 3 of node 11 is no member below it"},
      {7, {5, 7}, 2, "unmerged leaf 7 of node 7 is no member below it"}, /* blank */
      {7, {5, 8}, 2, "unmerged leaf 8 of node 7 is no member below it"}, /* beyond the tree */
      {7, {5, 0x80000006}, 2, "unmerged leaf 2147483654 of node 7 is no member"},
      {7, {5, UINT32_MAX}, 2, "unmerged leaf 4294967295 of node 7 is no member"},
      {7, {1, 5}, 2, "leaf 1 is unmerged in node 7 but not in node 3"},
      {11, {0}, 0, "leaf 5 is unmerged in node 7 but not in node 11"},
  };
  struct model *model = good_model();
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    uint32_t node = cases[i].node;
    struct pieces pieces = pieces_of(model, 13);
    put_parent(&pieces, node, model_key(model, node),
               view_of(model->parent[node].hash, model->parent[node].hash_size), cases[i].leaf,
               cases[i].count);
    pieces_refused(&pieces, ERR_INVALID_TREE, cases[i].text);
  }
  model_free(model);
}
END_TEST

START_TEST(test_nobody_below) {
  struct model *model = good_model();
  uint8_t key[KEM_PUBLIC_MAX];
  struct view new_key = view_of(key, suite->kem->public_size);
  forge_bytes(key, sizeof key);
  struct pieces pieces = pieces_of(model, 13);
  put_parent(&pieces, 13, new_key, VIEW_NONE, NULL, 0); /* leaf 7 is not there; the last node */
  pieces.count = 14;
  pieces_refused(&pieces, ERR_INVALID_TREE, "node 13 has a key, but no members on one side");
  pieces = pieces_of(model, 16);
  put_parent(&pieces, 15, new_key, VIEW_NONE, NULL, 0); /* a root above a right half of nobody */
  pieces_refused(&pieces, ERR_INVALID_TREE, "node 15 has a key, but no members on one side");
  pieces = pieces_of(model, 13);
  put(&pieces, 0, (struct view){(const uint8_t[]){0}, 1});
  pieces_refused(&pieces, ERR_INVALID_TREE, "node 1 has a key, but no members on one side");
  pieces = pieces_of(model, 13);
  put(&pieces, 0, (struct view){(const uint8_t[]){0}, 1});
  put(&pieces, 2, (struct view){(const uint8_t[]){0}, 1}); /* nor on the other */
  pieces_refused(&pieces, ERR_INVALID_TREE, "node 1 has a key, but no members on one side");
  model_free(model);
}
END_TEST

/* ---- Keys ---- */

static void put_leaf(struct pieces *pieces, uint32_t leaf, const struct forge_fields *fields) {
  struct writer writer = {0};
  struct leaf *forged = forge_leaf(suite, fields);
  write_optional(&writer, true);
  write_u8(&writer, 1);
  write_bytes(&writer, leaf_raw(forged));
  put(pieces, 2 * leaf, writer_view(&writer));
  writer_free(&writer);
  leaf_drop(forged);
}

START_TEST(test_keys_twice) {
  struct model *model = good_model();
  struct pieces pieces = pieces_of(model, 13);
  put_parent(&pieces, 3, model_key(model, 1), VIEW_NONE, NULL, 0);
  pieces_refused(&pieces, ERR_INVALID_TREE, "a key of node 3 occurs elsewhere");
  pieces = pieces_of(model, 13);
  put_parent(&pieces, 3, model_key(model, 12), VIEW_NONE, NULL, 0);
  pieces_refused(&pieces, ERR_INVALID_TREE, "a key of node 12 occurs elsewhere");
  pieces = pieces_of(model, 13);
  put_leaf(&pieces, 3, &(struct forge_fields){.encryption_key = model_key(model, 0)});
  pieces_refused(&pieces, ERR_INVALID_TREE, "a key of node 6 occurs elsewhere");
  pieces = pieces_of(model, 13);
  put_leaf(&pieces, 3, &(struct forge_fields){.signature_key = leaf_signature_key(model->leaf[0])});
  pieces_refused(&pieces, ERR_INVALID_TREE, "a key of node 6 occurs elsewhere");
  /* An encryption key that is somebody's signature key is another key. */
  pieces = pieces_of(model, 13);
  put_leaf(&pieces, 3,
           &(struct forge_fields){.encryption_key = leaf_signature_key(model->leaf[0])});
  struct bytes encoded = joined(&pieces);
  struct tree *tree = NULL;
  ck_assert_int_eq(tree_read(suite, bytes_view(&encoded), 64, NULL, &tree), OK);
  tree_drop(tree);
  bytes_free(&encoded);
  pieces_free(&pieces);
  model_free(model);
}
END_TEST

/* ---- Any damage ---- */

START_TEST(test_truncated) {
  struct model *model = good_model();
  struct pieces pieces = pieces_of(model, 13);
  struct bytes encoded = joined(&pieces);
  for (size_t size = 0; size < encoded.size; size++)
    refused(view_of(encoded.data, size), 64, ERR_MALFORMED, "");
  bytes_free(&encoded);
  /* The same with a length that fits. */
  struct writer whole = {0};
  for (uint32_t node = 0; node < pieces.count; node++) {
    size_t boundary = whole.size;
    write_bytes(&whole, bytes_view(&pieces.node[node]));
    for (size_t size = boundary + 1; size < whole.size; size++) {
      struct writer writer = {0};
      write_vector(&writer, view_of(whole.data, size));
      refused(writer_view(&writer), 64, ERR_MALFORMED, "");
      writer_free(&writer);
    }
  }
  writer_free(&whole);
  pieces_free(&pieces);
  model_free(model);
}
END_TEST

/* Whatever is read is written the same again, and has another hash than the tree it was made from. */
START_TEST(test_flipped) {
  struct model *model = good_model();
  struct pieces pieces = pieces_of(model, 13);
  struct bytes encoded = joined(&pieces);
  struct tree *good = accepted(model);
  unsigned read = 0;
  for (size_t bit = 0; bit < 8 * encoded.size; bit++) {
    struct tree *tree = NULL;
    struct writer writer = {0};
    encoded.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    if (tree_read(suite, bytes_view(&encoded), 64, NULL, &tree) == OK) {
      tree_write(&writer, tree);
      ck_assert(view_equal(writer_view(&writer), bytes_view(&encoded)));
      ck_assert(!view_equal(tree_hash(tree), tree_hash(good)));
      read++;
    }
    encoded.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    writer_free(&writer);
    tree_drop(tree);
  }
  ck_assert_uint_gt(read, 0);
  tree_drop(good);
  bytes_free(&encoded);
  pieces_free(&pieces);
  model_free(model);
}
END_TEST

/* ---- Parent hashes (section 7.9.2) ---- */

static void unchained(const struct model *model, const char *text) {
  struct tree *tree = accepted(model);
  struct why why = {""};
  ck_assert_int_eq(tree_verify_parent_hashes(tree, 1, &why), ERR_INVALID_TREE);
  if (strstr(why.text, text) == NULL)
    ck_abort_msg("\"%s\" does not say \"%s\"", why.text, text);
  ck_assert_int_eq(tree_verify_parent_hashes(tree, 1, NULL), ERR_INVALID_TREE);
  tree_drop(tree);
}

START_TEST(test_key_or_hash_changed) {
  static const uint32_t nodes[] = {1, 3, 5, 7, 11};
  for (size_t i = 0; i < sizeof nodes / sizeof nodes[0]; i++) {
    struct model *model = good_model();
    struct model_parent *parent = &model->parent[nodes[i]];
    ck_assert(parent->set);
    parent->key[5] ^= 1;
    unchained(model, "is not parent-hash valid");
    parent->key[5] ^= 1;
    if (parent->hash_size > 0)
      parent->hash[5] ^= 1;
    else
      parent->hash_size = suite->hash->size; /* the root has none */
    unchained(model, "is not parent-hash valid");
    model_free(model);
  }
}
END_TEST

/* A member that the nodes above were encrypted to is not the one that stands there. */
START_TEST(test_leaf_exchanged) {
  for (uint32_t leaf = 0; leaf < 7; leaf++) {
    struct model *model = good_model();
    leaf_drop(model->leaf[leaf]);
    model->leaf[leaf] = forge_leaf(suite, NULL);
    if (leaf != 5) {
      unchained(model, "is not parent-hash valid");
    } else { /* the one that came last is not covered by any parent hash */
      struct tree *tree = accepted(model);
      ck_assert_int_eq(tree_verify_parent_hashes(tree, 1, NULL), OK);
      tree_drop(tree);
    }
    model_free(model);
  }
}
END_TEST

START_TEST(test_broken_by_blanks) {
  struct model *model = good_model();
  model->parent[1] = (struct model_parent){0}; /* now two leaves stand for one node */
  unchained(model, "node 3 is not parent-hash valid");
  model_free(model);
  model = good_model();
  model->parent[5] = (struct model_parent){0};
  unchained(model, "is not parent-hash valid");
  model_free(model);
}
END_TEST

START_TEST(test_broken_by_unmerged_leaves) {
  /* A member taken out of the unmerged leaves: it seems to know a key that nobody gave it. */
  struct model *model = good_model();
  model->parent[7].unmerged[5] = false;
  unchained(model, "node 7 is not parent-hash valid");
  model->parent[11].unmerged[5] = false;
  unchained(model, "is not parent-hash valid");
  model_free(model);
  /* A member put among them, which the key was given to: in the copath, and on the path. */
  for (uint32_t leaf = 0; leaf < 5; leaf++) {
    model = good_model();
    for (uint32_t height = 1; height <= 3; height++)
      model->parent[node_ancestor(leaf, height)].unmerged[leaf] = true;
    unchained(model, "is not parent-hash valid");
    model_free(model);
  }
}
END_TEST

/* The one who sent the path, alone in a blank half then, is found among those who came later. */
START_TEST(test_among_unmerged_leaves) {
  for (uint32_t committer = 0; committer < 8; committer++) {
    struct model *model = model_new(suite);
    struct tree *scratch = NULL;
    uint32_t first = committer / 4 * 4;
    forge_seed(9);
    ck_assert_int_eq(tree_new(suite, &scratch), OK);
    while (model_members(model) < 9)
      model_add(model, scratch, forge_leaf(suite, NULL));
    for (uint32_t leaf = first; leaf < first + 4; leaf++)
      if (leaf != committer)
        model_remove(model, scratch, leaf);
    model_commit(model, scratch, committer);
    while (model_members(model) < 9)
      model_add(model, scratch, forge_leaf(suite, NULL));
    struct tree *tree = accepted(model);
    ck_assert_int_eq(tree_verify_parent_hashes(tree, 1, NULL), OK);
    ck_assert_uint_eq(tree_resolution_size(tree, first == 0 ? 3 : 11), 4);
    tree_drop(tree);
    leaf_drop(model->leaf[committer]);
    model->leaf[committer] = forge_leaf(suite, NULL);
    unchained(model, "node 7 is not parent-hash valid");
    tree_drop(scratch);
    model_free(model);
  }
}
END_TEST

/* A right half that is cut off takes the chain of the left half's top with it, but no more: honest
 * trees shrink, too.  A half that is hung below another root is noticed. */
START_TEST(test_shrunk_and_grown) {
  struct model *model = good_model();
  model->width = 4;
  for (uint32_t leaf = 4; leaf < 8; leaf++) {
    leaf_drop(model->leaf[leaf]);
    model->leaf[leaf] = NULL;
  }
  for (uint32_t node = 7; node < MODEL_NODES; node++)
    model->parent[node] = (struct model_parent){0};
  struct tree *tree = accepted(model);
  ck_assert_int_eq(tree_verify_parent_hashes(tree, 1, NULL), OK);
  tree_drop(tree);
  model->width = 8;
  model->leaf[4] = forge_leaf(suite, NULL);
  model->parent[7].set = true;
  forge_bytes(model->parent[7].key, suite->kem->public_size);
  unchained(model, "node 7 is not parent-hash valid");
  model_free(model);
}
END_TEST

/* In any honest tree, a merged leaf exchanged or a parent changed is noticed. */
START_TEST(test_random_damage) {
  struct tree *scratch = NULL;
  struct model *model = model_new(suite);
  forge_seed((uint64_t)_i + 100);
  ck_assert_int_eq(tree_new(suite, &scratch), OK);
  for (unsigned step = 0; step < 120; step++) {
    model_random_change(model, scratch);
    uint32_t node = 2 * forge_below(model->width) + 1;
    if (node >= node_count(model->width) || !model->parent[node].set)
      continue;
    struct model *damaged = model_copy(model);
    uint32_t leaf = node_first_leaf(node) + forge_below(node_leaves(node));
    if (damaged->leaf[leaf] != NULL && !damaged->parent[node].unmerged[leaf]) {
      leaf_drop(damaged->leaf[leaf]);
      damaged->leaf[leaf] = forge_leaf(suite, NULL);
    } else {
      damaged->parent[node].key[forge_below((uint32_t)suite->kem->public_size)] ^= 1;
    }
    unchained(damaged, "is not parent-hash valid");
    model_free(damaged);
  }
  tree_drop(scratch);
  model_free(model);
}
END_TEST

int main(void) {
  if (provider_init() != OK)
    return 1;
  suite = suite_find(1);
  TCase *form = tcase_create("form");
  tcase_set_timeout(form, 240);
  tcase_add_test(form, test_good);
  tcase_add_test(form, test_node_types);
  tcase_add_test(form, test_ends);
  tcase_add_test(form, test_limit);
  tcase_add_test(form, test_parent_sizes);
  tcase_add_test(form, test_unmerged);
  tcase_add_test(form, test_nobody_below);
  tcase_add_test(form, test_keys_twice);
  tcase_add_test(form, test_truncated);
  tcase_add_test(form, test_flipped);
  TCase *hashes = tcase_create("parent hashes");
  tcase_set_timeout(hashes, 240);
  tcase_add_test(hashes, test_key_or_hash_changed);
  tcase_add_test(hashes, test_leaf_exchanged);
  tcase_add_test(hashes, test_broken_by_blanks);
  tcase_add_test(hashes, test_broken_by_unmerged_leaves);
  tcase_add_test(hashes, test_among_unmerged_leaves);
  tcase_add_test(hashes, test_shrunk_and_grown);
  tcase_add_loop_test(hashes, test_random_damage, 0, 3);
  Suite *all = suite_create("treewire");
  suite_add_tcase(all, form);
  suite_add_tcase(all, hashes);
  return run_suite(all);
}
