/*
 * The ratchet tree as a value: random histories against the model of treemodel.h, old trees that
 * stay as they were, trees of other threads, and memory that runs out.
 * SPDX-License-Identifier: ISC
 */
#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "crypto/provider.h"
#include "failing.h"
#include "forge.h"
#include "mls/tree/check.h"
#include "mls/tree/node.h"
#include "mls/tree/tree.h"
#include "tests/run.h"
#include "treemodel.h"

#define SNAPSHOTS 8

static const struct suite *suite;

struct value {
  struct model *model;
  struct tree *tree;
};

static struct value value_new(void) {
  struct value value = {model_new(suite), NULL};
  ck_assert_int_eq(tree_new(suite, &value.tree), OK);
  return value;
}

static void value_free(struct value *value) {
  model_free(value->model);
  tree_drop(value->tree);
  *value = (struct value){NULL, NULL};
}

static struct value value_share(const struct value *value) {
  return (struct value){model_copy(value->model), tree_share(value->tree)};
}

/* Change the value: the tree becomes a new one that is still to be sealed. */
static void value_edit(struct value *value) {
  struct tree *edited = NULL;
  ck_assert_int_eq(tree_edit(value->tree, &edited), OK);
  tree_drop(value->tree);
  value->tree = edited;
}

static void value_seal(struct value *value) {
  ck_assert_int_eq(tree_seal(value->tree), OK);
}

/* A sealed value of some members after some changes. */
static struct value value_random(uint32_t members, unsigned changes) {
  struct value value = value_new();
  while (model_members(value.model) < members)
    model_add(value.model, value.tree, forge_leaf(suite, NULL));
  for (unsigned i = 0; i < changes; i++)
    model_random_change(value.model, value.tree);
  value_seal(&value);
  return value;
}

/* ---- Random histories ---- */

static bool model_has_key(const struct model *model, struct view key) {
  bool found = false;
  for (uint32_t node = 0; node < node_count(model->width); node++)
    if (node % 2 == 0 ? model->leaf[node / 2] != NULL : model->parent[node].set)
      found = found || view_equal(model_key(model, node), key);
  return found;
}

/* Keys that went are free again. */
static void check_gone(const struct model *before, const struct value *after) {
  for (uint32_t node = 0; node < node_count(before->width); node++) {
    if (node % 2 == 0 ? before->leaf[node / 2] == NULL : !before->parent[node].set)
      continue;
    struct view key = model_key(before, node);
    ck_assert(tree_has_encryption_key(after->tree, key) == model_has_key(after->model, key));
  }
}

static void check_first_blank(const struct value *value) {
  struct tree *edited = NULL;
  uint32_t index = 0, expected = model_first_blank(value->model);
  if (value->model->width == MODEL_LEAVES && expected == LEAF_NONE)
    return;
  ck_assert_int_eq(tree_edit(value->tree, &edited), OK);
  ck_assert_int_eq(tree_make_room(edited, &index), OK);
  ck_assert_uint_eq(index, expected == LEAF_NONE ? value->model->width : expected);
  tree_drop(edited);
}

static void check_read_back(const struct value *value) {
  struct writer writer = {0};
  struct tree *read = NULL;
  struct why why = {""};
  if (model_members(value->model) == 0)
    return;
  tree_write(&writer, value->tree);
  ck_assert_int_eq(tree_read(suite, writer_view(&writer), MODEL_LEAVES, &why, &read), OK);
  model_check(value->model, read);
  ck_assert_int_eq(tree_verify_parent_hashes(read, 1, &why), OK);
  tree_drop(read);
  writer_free(&writer);
}

START_TEST(test_histories) {
  struct value now, old[SNAPSHOTS] = {{NULL, NULL}};
  suite = suite_find(_i < 4 ? 1 : 7) != NULL ? suite_find(_i < 4 ? 1 : 7) : suite_find(1);
  forge_seed((uint64_t)_i);
  now = value_new();
  value_seal(&now);
  for (unsigned step = 0; step < 100; step++) {
    struct value before = value_share(&now);
    value_edit(&now);
    for (uint32_t changes = 1 + forge_below(3); changes > 0; changes--)
      model_random_change(now.model, now.tree);
    value_seal(&now);
    model_check(now.model, now.tree);
    check_gone(before.model, &now);
    check_first_blank(&now);
    check_read_back(&now);
    model_check(before.model, before.tree);
    uint32_t place = forge_below(SNAPSHOTS);
    value_free(&old[place]);
    old[place] = before;
    if (step % 25 == 0)
      for (unsigned i = 0; i < SNAPSHOTS; i++)
        if (old[i].tree != NULL)
          model_check(old[i].model, old[i].tree);
  }
  value_free(&now);
  for (unsigned i = 0; i < SNAPSHOTS; i++)
    if (old[i].tree != NULL) {
      model_check(old[i].model, old[i].tree);
      value_free(&old[i]);
    }
}
END_TEST

/* Two different futures of one tree. */
START_TEST(test_branches) {
  forge_seed(40);
  struct value root = value_random(20, 30);
  struct value left = value_share(&root), right = value_share(&root);
  value_edit(&left);
  value_edit(&right);
  for (unsigned i = 0; i < 20; i++) {
    model_random_change(left.model, left.tree);
    model_random_change(right.model, right.tree);
  }
  value_seal(&left);
  value_seal(&right);
  model_check(root.model, root.tree);
  value_free(&root);
  model_check(right.model, right.tree);
  value_free(&right);
  model_check(left.model, left.tree);
  value_free(&left);
}
END_TEST

/* ---- Single edits ---- */

START_TEST(test_new_tree) {
  struct value value = value_new();
  value_seal(&value);
  model_check(value.model, value.tree);
  ck_assert_uint_eq(tree_width(value.tree), 1);
  ck_assert_uint_eq(tree_members(value.tree), 0);
  value_free(&value);
  tree_drop(NULL);
}
END_TEST

/* Removing the member that made a tree wide leaves the left half as it was, parent hashes and all. */
START_TEST(test_extend_and_truncate) {
  forge_seed(41);
  struct value value = value_new();
  for (unsigned i = 0; i < 5; i++)
    model_add(value.model, value.tree, forge_leaf(suite, NULL));
  ck_assert_uint_eq(tree_width(value.tree), 8);
  for (uint32_t leaf = 0; leaf < 5; leaf++)
    model_commit(value.model, value.tree, leaf);
  model_remove(value.model, value.tree, 4);
  ck_assert_uint_eq(tree_width(value.tree), 4);
  value_seal(&value);
  struct parent_node root;
  ck_assert(tree_parent(value.tree, 3, &root));
  ck_assert_uint_eq(root.parent_hash.size, suite->hash->size);
  model_check(value.model, value.tree);
  check_read_back(&value);
  value_edit(&value);
  for (uint32_t leaf = 3; leaf < 4; leaf--)
    model_remove(value.model, value.tree, leaf);
  ck_assert_uint_eq(tree_width(value.tree), 1);
  value_seal(&value);
  model_check(value.model, value.tree);
  value_free(&value);
}
END_TEST

START_TEST(test_refused_edits) {
  forge_seed(42);
  struct value value = value_random(5, 0);
  value_edit(&value);
  model_commit(value.model, value.tree, 0);
  value_seal(&value);
  uint8_t key[KEM_PUBLIC_MAX + 1], hash[HASH_MAX + 1];
  struct view new_key = view_of(key, suite->kem->public_size);
  forge_bytes(key, sizeof key);
  forge_bytes(hash, sizeof hash);
  const struct leaf *other = value.model->leaf[2];
  struct view parent_key = model_key(value.model, 3);
  struct leaf *leaf[] = {
      forge_leaf(suite, &(struct forge_fields){.encryption_key = leaf_encryption_key(other)}),
      forge_leaf(suite, &(struct forge_fields){.encryption_key = parent_key}),
      forge_leaf(suite, &(struct forge_fields){.signature_key = leaf_signature_key(other)})};
#define REFUSED(result, call)                                                                      \
  do {                                                                                             \
    struct tree *tree = NULL;                                                                      \
    ck_assert_int_eq(tree_edit(value.tree, &tree), OK);                                            \
    ck_assert_int_eq(call, result);                                                                \
    tree_drop(tree);                                                                               \
    model_check(value.model, value.tree);                                                          \
  } while (0)
  uint32_t index = 77;
  for (unsigned i = 0; i < 3; i++) {
    REFUSED(ERR_INVALID_TREE, tree_add_leaf(tree, leaf[i], &index));
    REFUSED(ERR_INVALID_TREE, tree_replace_leaf(tree, 1, leaf[i]));
    leaf_drop(leaf[i]);
  }
  ck_assert_uint_eq(index, 77);
  REFUSED(ERR_INVALID_TREE, tree_set_parent(tree, 2, 1, parent_key, VIEW_NONE));
  REFUSED(ERR_INVALID_TREE, tree_set_parent(tree, 2, 1, leaf_encryption_key(other), VIEW_NONE));
  REFUSED(OK, tree_set_parent(tree, 0, 2, parent_key, VIEW_NONE)); /* in place of itself */
  REFUSED(ERR_INTERNAL, tree_set_parent(tree, 0, 0, new_key, VIEW_NONE));
  REFUSED(ERR_INTERNAL, tree_set_parent(tree, 0, 4, new_key, VIEW_NONE));
  REFUSED(ERR_INTERNAL, tree_set_parent(tree, 8, 1, new_key, VIEW_NONE));
  REFUSED(ERR_INTERNAL, tree_set_parent(tree, 0, 1, VIEW_ARRAY(key), VIEW_NONE));
  REFUSED(ERR_INTERNAL, tree_set_parent(tree, 0, 1, new_key, VIEW_ARRAY(hash)));
  REFUSED(ERR_INTERNAL, tree_remove_leaf(tree, 5));
  REFUSED(ERR_INTERNAL, tree_remove_leaf(tree, 8));
  REFUSED(ERR_INTERNAL, tree_blank_path(tree, 8));
  REFUSED(ERR_INTERNAL, tree_replace_leaf(tree, 8, other));
  REFUSED(ERR_INTERNAL, tree_parent_hash(tree, 0, 0, hash));
  REFUSED(ERR_INTERNAL, tree_parent_hash(tree, 0, 4, hash));
  REFUSED(ERR_INTERNAL, tree_parent_hash(tree, 4, 1, hash)); /* blank */
  REFUSED(ERR_INTERNAL, tree_parent_hash(tree, 8, 1, hash)); /* beyond */
  REFUSED(ERR_INTERNAL, tree_node_hash(tree, 15, hash));
  value_free(&value);
}
END_TEST

/*
 * RFC 9420, section 7.9: a parent hash is of the sibling without the leaves that are unmerged at the parent.
 * Who joins gets the first blank leaf, so of those that are unmerged below the last ones are unmerged at the
 * parent too; but who sends a tree may say what it likes.
 */
START_TEST(test_unmerged_below_alone) {
  enum { ROOT = 7, BELOW = 11 }; /* of leaves 0 to 7, and 4 to 7 */
  uint8_t hash[HASH_MAX], expected[HASH_MAX];
  struct writer wire = {0};
  struct tree *tree = NULL;
  struct value value = value_random(8, 0);
  struct model_parent *root = &value.model->parent[ROOT], *below = &value.model->parent[BELOW];
  ck_assert(!root->set && !below->set);
  root->set = below->set = true;
  forge_bytes(root->key, suite->kem->public_size);
  forge_bytes(below->key, suite->kem->public_size);
  below->unmerged[5] = below->unmerged[6] = true;
  root->unmerged[5 + _i] = true;
  model_write(value.model, &wire);
  ck_assert_int_eq(tree_read(suite, writer_view(&wire), MODEL_LEAVES, NULL, &tree), OK);
  ck_assert_int_eq(tree_parent_hash(tree, 0, 3, hash), OK);
  model_parent_hash(value.model, 0, 3, expected);
  ck_assert_mem_eq(hash, expected, suite->hash->size);
  tree_drop(tree);
  writer_free(&wire);
  value_free(&value);
}
END_TEST

/* A leaf that lists capabilities without end would cost every member work: none comes this far. */
START_TEST(test_too_many_capabilities) {
  struct writer types = {0}, credential = {0}, raw = {0};
  struct tree *tree = NULL;
  struct leaf *leaf = NULL;
  uint8_t key[KEM_PUBLIC_MAX];
  forge_bytes(key, sizeof key);
  for (uint16_t type = 0; type < 257; type++)
    write_u16(&types, type);
  credential_write_basic(&credential, VIEW_TEXT("who"));
  for (size_t count = 256; count <= 257; count++) {
    uint32_t index;
    struct leaf_template fields = {.encryption_key = view_of(key, suite->kem->public_size),
                                   .signature_key = view_of(key, suite->signature->public_size),
                                   .credential = writer_view(&credential),
                                   .capabilities = {.extensions = view_of(types.data, 2 * count)},
                                   .source = LEAF_UPDATE};
    leaf_write(&raw, &fields);
    write_vector(&raw, VIEW_NONE);
    struct reader reader = reader_of(writer_view(&raw));
    ck_assert_int_eq(leaf_read(&reader, NULL, &leaf), count == 256 ? OK : ERR_LIMIT);
    if (count == 256) {
      ck_assert_int_eq(tree_new(suite, &tree), OK);
      ck_assert_int_eq(tree_add_leaf(tree, leaf, &index), OK);
      ck_assert(tree_all_support_extension(tree, 255) && !tree_all_support_extension(tree, 256));
      tree_drop(tree);
      leaf_drop(leaf);
    }
    writer_free(&raw);
  }
  writer_free(&credential);
  writer_free(&types);
}
END_TEST

/* ---- With -Dtree_check=true: a tree that remembers something wrong ends the program ---- */

#ifdef TREE_CHECK
START_TEST(test_wrong_memory) {
  forge_seed(45);
  struct value value = value_random(6, 0);
  value_edit(&value);
  model_commit(value.model, value.tree, 0);
  value_seal(&value);
  struct node *root = value.tree->root;
  root->members += _i == 0 ? 1 : 0;
  root->resolution += _i == 1 ? 1 : 0;
  root->child[1]->height ^= _i == 2 ? 1 : 0;
  node_hash(root->child[0])[0] ^= _i == 3 ? 1 : 0;
  if (_i == 4)
    ck_assert_int_eq(index_remove_key(value.tree, parent_key(root->parent)), OK);
  if (_i == 5)
    ck_assert_int_eq(multiset_add(&value.tree->index, 1), OK);
  if (_i == 6)
    root->parent->bytes[0] ^= 1;
  if (_i == 7) {
    root->child[0]->parent->bytes[root->parent->key_size] ^= 1;
    tree_check_parent_hashes(value.tree);
  }
  tree_check(value.tree);
}
END_TEST
#endif

/* ---- Threads ---- */

static void *edit_elsewhere(void *shared) {
  struct tree *mine = shared, *edited = NULL;
  uint32_t removed = 3;
  bool ok = tree_edit(mine, &edited) == OK && tree_remove_leaf(edited, removed) == OK &&
            tree_blank_path(edited, 9) == OK && tree_seal(edited) == OK &&
            tree_verify_parent_hashes(mine, 1, NULL) == OK && tree_leaf(mine, removed) != NULL;
  tree_drop(edited);
  tree_drop(mine);
  return ok ? shared : NULL;
}

START_TEST(test_threads) {
  pthread_t thread[4];
  forge_seed(43);
  struct value value = value_random(16, 0);
  value_edit(&value);
  for (uint32_t leaf = 0; leaf < 16; leaf++)
    model_commit(value.model, value.tree, leaf);
  value_seal(&value);
  for (unsigned i = 0; i < 4; i++)
    ck_assert_int_eq(pthread_create(&thread[i], NULL, edit_elsewhere, tree_share(value.tree)), 0);
  for (unsigned i = 0; i < 4; i++) {
    void *result = NULL;
    ck_assert_int_eq(pthread_join(thread[i], &result), 0);
    ck_assert_ptr_nonnull(result);
  }
  model_check(value.model, value.tree);
  value_free(&value);
}
END_TEST

/* ---- Memory that runs out ---- */

static enum err edit_add(struct tree *tree, const struct leaf *leaf) {
  uint32_t index = 0;
  return tree_add_leaf(tree, leaf, &index);
}

static enum err edit_replace(struct tree *tree, const struct leaf *leaf) {
  return tree_replace_leaf(tree, 2, leaf);
}

static enum err edit_remove(struct tree *tree, const struct leaf *leaf) {
  (void)leaf;
  return tree_remove_leaf(tree, tree_width(tree) - 1);
}

static enum err edit_blank(struct tree *tree, const struct leaf *leaf) {
  (void)leaf;
  return tree_blank_path(tree, 2);
}

static enum err edit_path(struct tree *tree, const struct leaf *leaf) {
  enum err err = OK;
  uint8_t hash[HASH_MAX];
  TRY(tree_blank_path(tree, 1));
  TRY(tree_set_parent(tree, 1, 2, leaf_signature_key(leaf), VIEW_NONE));
  TRY(tree_parent_hash(tree, 1, 2, hash));
  TRY(tree_replace_leaf(tree, 1, leaf));
done:
  return err;
}

static enum err verify(struct tree *tree, const struct leaf *leaf) {
  (void)leaf;
  return tree_verify_parent_hashes(tree, 1, NULL);
}

static enum err write_and_read(struct tree *tree, const struct leaf *leaf) {
  enum err err = OK;
  struct writer writer = {0};
  struct tree *read = NULL;
  (void)leaf;
  tree_write(&writer, tree);
  TRY(writer.err);
  TRY(tree_read(suite, writer_view(&writer), MODEL_LEAVES, NULL, &read));
done:
  tree_drop(read);
  writer_free(&writer);
  return err;
}

static enum err edit_and_seal(const struct tree *from, const struct leaf *leaf,
                              enum err (*edit)(struct tree *, const struct leaf *)) {
  enum err err = OK;
  struct tree *tree = NULL;
  TRY(tree_edit(from, &tree));
  TRY(edit(tree, leaf));
  TRY(tree_seal(tree));
done:
  tree_drop(tree);
  return err;
}

START_TEST(test_out_of_memory) {
  static enum err (*const edits[])(struct tree *, const struct leaf *) = {
      edit_add, edit_replace, edit_remove, edit_blank, edit_path, verify, write_and_read};
  forge_seed(44);
  long before = failing_blocks();
  struct value value = value_random(16, 0);
  value_edit(&value);
  for (uint32_t leaf = 0; leaf < 16; leaf += 3)
    model_commit(value.model, value.tree, leaf);
  model_remove(value.model, value.tree, 8);
  model_commit(value.model, value.tree, 9);
  model_add(value.model, value.tree, forge_leaf(suite, NULL)); /* unmerged, in the place of 8 */
  value_seal(&value);
  struct leaf *leaf = forge_leaf(suite, NULL);
  long blocks = failing_blocks();
  enum err err = ERR_NOMEM;
  for (size_t after = 0; err != OK; after++) {
    failing_after(after);
    err = edit_and_seal(value.tree, leaf, edits[_i]);
    ck_assert_int_eq(err, failing_stop() ? ERR_NOMEM : OK);
    ck_assert_int_eq(failing_blocks(), blocks);
    if (after % 8 == 0)
      model_check(value.model, value.tree);
  }
  model_check(value.model, value.tree);
  leaf_drop(leaf);
  value_free(&value);
  ck_assert_int_eq(failing_blocks(), before);
}
END_TEST

START_TEST(test_out_of_memory_at_first) {
  long before = failing_blocks();
  struct tree *tree = NULL;
  for (size_t after = 0; after < 2; after++) {
    failing_after(after);
    ck_assert_int_eq(tree_new(suite, &tree), ERR_NOMEM);
    ck_assert(failing_stop());
    ck_assert_ptr_null(tree);
  }
  ck_assert_int_eq(failing_blocks(), before);
}
END_TEST

int main(void) {
  if (provider_init() != OK)
    return 1;
  suite = suite_find(1);
  TCase *edits = tcase_create("edits");
  tcase_set_timeout(edits, 240);
  tcase_add_loop_test(edits, test_histories, 0, 5);
  tcase_add_test(edits, test_branches);
  tcase_add_test(edits, test_new_tree);
  tcase_add_test(edits, test_extend_and_truncate);
  tcase_add_test(edits, test_refused_edits);
  tcase_add_loop_test(edits, test_unmerged_below_alone, 0, 2);
  tcase_add_test(edits, test_too_many_capabilities);
  tcase_add_test(edits, test_threads);
#ifdef TREE_CHECK
  tcase_add_loop_test_raise_signal(edits, test_wrong_memory, SIGABRT, 0, 8);
#endif
  TCase *memory = tcase_create("memory");
  tcase_set_timeout(memory, 240);
  tcase_add_loop_test(memory, test_out_of_memory, 0, 7);
  tcase_add_test(memory, test_out_of_memory_at_first);
  Suite *all = suite_create("tree");
  suite_add_tcase(all, edits);
  suite_add_tcase(all, memory);
  return run_suite(all);
}
