/*
 * Trees written as what differs from another one: histories, input that is not what was written,
 * and memory that runs out.
 * SPDX-License-Identifier: ISC
 */
#include <check.h>
#include <string.h>

#include "crypto/provider.h"
#include "failing.h"
#include "forge.h"
#include "mls/tree/tree.h"
#include "tests/run.h"
#include "tests/taken.h"
#include "treemodel.h"

static const struct suite *suite;

/* A tree and what it must be. */
struct value {
  struct model *model;
  struct tree *tree;
};

static void value_free(struct value *value) {
  model_free(value->model);
  tree_drop(value->tree);
}

static struct value value_new(uint32_t members) {
  struct value value = {model_new(suite), NULL};
  ck_assert_int_eq(tree_new(suite, &value.tree), OK);
  while (model_members(value.model) < members)
    model_add(value.model, value.tree, forge_leaf(suite, NULL));
  ck_assert_int_eq(tree_seal(value.tree), OK);
  return value;
}

/* The value after some changes; the one before stays. */
static struct value value_after(const struct value *before, unsigned changes) {
  struct value value = {model_copy(before->model), NULL};
  ck_assert_int_eq(tree_edit(before->tree, &value.tree), OK);
  for (unsigned i = 0; i < changes; i++)
    model_random_change(value.model, value.tree);
  ck_assert_int_eq(tree_seal(value.tree), OK);
  return value;
}

static struct bytes written(const struct tree *tree, const struct tree *base) {
  struct writer writer = {0};
  tree_write_changes(&writer, tree, base);
  return taken(&writer);
}

/* What is read is the tree that was written, and shares with the base what that one shared. */
static void check_round_trip(const struct value *value, const struct tree *base) {
  struct bytes bytes = written(value->tree, base), again;
  struct tree *read = NULL;
  struct why why = {""};
  if (model_members(value->model) > 0) {
    if (tree_read_changes(bytes_view(&bytes), base, MODEL_LEAVES, &why, &read) != OK)
      ck_abort_msg("%s", why.text);
    model_check(value->model, read);
    again = written(read, base);
    ck_assert(view_equal(bytes_view(&bytes), bytes_view(&again)));
    bytes_free(&again);
    tree_drop(read);
  }
  bytes_free(&bytes);
}

START_TEST(test_histories) {
  suite = suite_find(_i < 4 || suite_find(7) == NULL ? 1 : 7);
  forge_seed((uint64_t)_i);
  struct value now = value_new(1 + forge_below(20));
  for (unsigned step = 0; step < 30; step++) {
    struct value next = value_after(&now, forge_below(6));
    check_round_trip(&next, now.tree);
    check_round_trip(&now, next.tree);
    model_check(now.model, now.tree);
    value_free(&now);
    now = next;
  }
  value_free(&now);
}
END_TEST

/* Trees that have nothing to do with each other are written too, only at greater length. */
START_TEST(test_strangers) {
  forge_seed(50);
  struct value large = value_new(21), small = value_new(3), one = value_new(1);
  check_round_trip(&large, small.tree);
  check_round_trip(&small, large.tree);
  check_round_trip(&one, large.tree);
  check_round_trip(&large, one.tree);
  value_free(&large);
  value_free(&small);
  value_free(&one);
}
END_TEST

/* Nobody pays for members whom nothing happened to. */
START_TEST(test_size) {
  forge_seed(51);
  struct value before = value_new(60), same = value_after(&before, 0),
               after = {model_copy(before.model), NULL};
  struct bytes bytes = written(same.tree, before.tree);
  ck_assert_uint_eq(bytes.size, 2);
  bytes_free(&bytes);
  ck_assert_int_eq(tree_edit(before.tree, &after.tree), OK);
  model_replace(after.model, after.tree, 17, forge_leaf(suite, NULL));
  ck_assert_int_eq(tree_seal(after.tree), OK);
  bytes = written(after.tree, before.tree);
  size_t leaf = leaf_raw(tree_leaf(after.tree, 17)).size;
  /* Height; six nodes, blank or not, with the subtree beside each; the leaf. */
  ck_assert_uint_eq(bytes.size, 1 + 6 * 2 + 1 + leaf);
  bytes_free(&bytes);
  value_free(&before);
  value_free(&same);
  value_free(&after);
}
END_TEST

/* The base is higher, and where it lies beside the tree nobody is left. */
START_TEST(test_beside_nobody) {
  forge_seed(51);
  struct value small = value_new(2), five = value_new(5), one = {model_copy(five.model), NULL};
  struct writer wire = {0};
  struct tree *read = NULL;
  ck_assert_int_eq(tree_edit(five.tree, &one.tree), OK);
  for (uint32_t leaf = 0; leaf < 4; leaf++)
    model_remove(one.model, one.tree, leaf);
  ck_assert_int_eq(tree_seal(one.tree), OK);
  tree_write(&wire, one.tree); /* read again, it has no nodes there */
  ck_assert_int_eq(tree_read(suite, writer_view(&wire), MODEL_LEAVES, NULL, &read), OK);
  check_round_trip(&small, read);
  tree_drop(read);
  writer_free(&wire);
  value_free(&small);
  value_free(&five);
  value_free(&one);
}
END_TEST

/* ---- Input that is not what was written ---- */

/* If it is taken for a tree, it is one that tree_read() takes too. */
static void check_consistent(struct view changes, const struct tree *base) {
  struct tree *tree = NULL, *read = NULL;
  struct writer writer = {0};
  struct why why = {""};
  enum err err = tree_read_changes(changes, base, MODEL_LEAVES, &why, &tree);
  if (err != OK) {
    ck_assert(err == ERR_MALFORMED || err == ERR_INVALID_TREE || err == ERR_LIMIT ||
              err == ERR_UNSUPPORTED);
    ck_assert_ptr_null(tree);
    return;
  }
  tree_write(&writer, tree);
  if (tree_read(suite, writer_view(&writer), MODEL_LEAVES, &why, &read) != OK)
    ck_abort_msg("%s", why.text);
  ck_assert(view_equal(tree_hash(tree), tree_hash(read)));
  ck_assert_uint_eq(tree_members(tree), tree_members(read));
  ck_assert_uint_eq(tree_width(tree), tree_width(read));
  writer_free(&writer);
  tree_drop(read);
  tree_drop(tree);
}

START_TEST(test_altered) {
  forge_seed((uint64_t)(60 + _i));
  struct value before = value_new(6 + forge_below(8)), after = value_after(&before, 3);
  struct bytes bytes = written(after.tree, before.tree);
  struct tree *tree = NULL;
  for (size_t size = 0; size < bytes.size; size++)
    ck_assert_int_ne(
        tree_read_changes(view_of(bytes.data, size), before.tree, MODEL_LEAVES, NULL, &tree), OK);
  for (size_t bit = 0; bit < 8 * bytes.size; bit++) {
    bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    check_consistent(bytes_view(&bytes), before.tree);
    bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
  }
  /* Beside another base. */
  struct value other = value_new(5);
  check_consistent(bytes_view(&bytes), other.tree);
  ck_assert_ptr_null(tree);
  model_check(before.model, before.tree);
  bytes_free(&bytes);
  value_free(&other);
  value_free(&before);
  value_free(&after);
}
END_TEST

static void refused(struct view changes, const struct tree *base, uint32_t max_members,
                    enum err expected, const char *text) {
  struct tree *tree = NULL;
  struct why why = {""};
  ck_assert_int_eq(tree_read_changes(changes, base, max_members, &why, &tree), expected);
  ck_assert_ptr_null(tree);
  if (strstr(why.text, text) == NULL)
    ck_abort_msg("\"%s\" does not say \"%s\"", why.text, text);
}

enum { SHARED = 0, BLANK = 1, FULL = 2, EMPTY = 3 };

START_TEST(test_refused) {
  forge_seed(70);
  struct value base = value_new(4);
  struct writer writer = {0};
  static const uint8_t higher[] = {3, BLANK, SHARED, EMPTY}, empty[] = {0, EMPTY},
                       half[] = {2, BLANK, SHARED, EMPTY}, nobody[] = {2, BLANK, EMPTY, EMPTY},
                       inside[] = {2, BLANK, SHARED, BLANK, EMPTY, EMPTY}, blank[] = {0, BLANK},
                       blank_leaf[] = {2, BLANK, SHARED, BLANK, SHARED, BLANK};
  static const uint8_t beyond[] = {3, BLANK, SHARED, SHARED}, too_high[] = {3, SHARED},
                       form[] = {2, 4, SHARED, SHARED}, same[] = {2, SHARED},
                       more[] = {2, SHARED, SHARED}, endless[] = {25, BLANK};
  refused(VIEW_ARRAY(higher), base.tree, MODEL_LEAVES, ERR_INVALID_TREE, "right half");
  refused(VIEW_ARRAY(half), base.tree, MODEL_LEAVES, ERR_INVALID_TREE, "right half");
  refused(VIEW_ARRAY(empty), base.tree, MODEL_LEAVES, ERR_INVALID_TREE, "right half");
  refused(VIEW_ARRAY(blank), base.tree, MODEL_LEAVES, ERR_MALFORMED, "");
  refused(VIEW_ARRAY(blank_leaf), base.tree, MODEL_LEAVES, ERR_MALFORMED, "");
  refused(VIEW_ARRAY(nobody), base.tree, MODEL_LEAVES, ERR_MALFORMED, "");
  refused(VIEW_ARRAY(inside), base.tree, MODEL_LEAVES, ERR_MALFORMED, "");
  refused(VIEW_ARRAY(beyond), base.tree, MODEL_LEAVES, ERR_MALFORMED, "");
  refused(VIEW_ARRAY(too_high), base.tree, MODEL_LEAVES, ERR_MALFORMED, "");
  refused(VIEW_ARRAY(form), base.tree, MODEL_LEAVES, ERR_MALFORMED, "");
  refused(VIEW_ARRAY(more), base.tree, MODEL_LEAVES, ERR_MALFORMED, "");
  refused(VIEW_ARRAY(endless), base.tree, UINT32_MAX, ERR_LIMIT, "height 25");
  refused(VIEW_ARRAY(same), base.tree, 3, ERR_LIMIT, "4 members");
  refused(VIEW_ARRAY(same), base.tree, 2, ERR_LIMIT, "height 2");

  /* The key of leaf 0 in leaf 3 as well. */
  struct leaf *twin =
      forge_leaf(suite, &(struct forge_fields){.encryption_key =
                                                   leaf_encryption_key(tree_leaf(base.tree, 0))});
  write_bytes(&writer, VIEW_ARRAY(((uint8_t[]){2, BLANK, SHARED, BLANK, SHARED, FULL})));
  write_bytes(&writer, leaf_raw(twin));
  refused(writer_view(&writer), base.tree, MODEL_LEAVES, ERR_INVALID_TREE, "twice");
  writer_free(&writer);

  /* A parent with an unmerged leaf that is not below it. */
  uint8_t key[KEM_PUBLIC_MAX];
  forge_bytes(key, sizeof key);
  write_bytes(&writer, VIEW_ARRAY(((uint8_t[]){2, BLANK, FULL})));
  write_vector(&writer, view_of(key, suite->kem->public_size));
  write_vector(&writer, VIEW_NONE);
  write_vector(&writer, VIEW_ARRAY(((uint8_t[]){0, 0, 0, 2})));
  write_bytes(&writer, VIEW_ARRAY(((uint8_t[]){SHARED, SHARED, SHARED})));
  refused(writer_view(&writer), base.tree, MODEL_LEAVES, ERR_INVALID_TREE, "unmerged leaf 2");
  writer_free(&writer);
  leaf_drop(twin);
  value_free(&base);

  /* Nothing to share where the other tree has no members: beside leaf 4, and beside it and leaf 5. */
  static const uint8_t leaf_5[] = {3, BLANK, SHARED, BLANK, BLANK, SHARED, SHARED, EMPTY},
                       leaf_6[] = {3, BLANK, SHARED, BLANK, SHARED, SHARED},
                       neither[] = {3, BLANK, SHARED, BLANK, BLANK, SHARED, EMPTY, EMPTY};
  struct tree *same_tree = NULL;
  base = value_new(5);
  refused(VIEW_ARRAY(leaf_5), base.tree, MODEL_LEAVES, ERR_MALFORMED, "");
  refused(VIEW_ARRAY(leaf_6), base.tree, MODEL_LEAVES, ERR_MALFORMED, "");
  ck_assert_int_eq(
      tree_read_changes(VIEW_ARRAY(neither), base.tree, MODEL_LEAVES, NULL, &same_tree), OK);
  model_check(base.model, same_tree);
  tree_drop(same_tree);
  value_free(&base);
}
END_TEST

/* ---- Memory that runs out ---- */

START_TEST(test_memory) {
  forge_seed(80);
  struct value before = value_new(20), after = value_after(&before, 4);
  struct bytes bytes = written(after.tree, before.tree);
  struct tree *tree = NULL;
  long blocks = failing_blocks();
  for (size_t count = 0;; count++) {
    failing_after(count);
    enum err err = tree_read_changes(bytes_view(&bytes), before.tree, MODEL_LEAVES, NULL, &tree);
    if (!failing_stop()) {
      ck_assert_int_eq(err, OK);
      ck_assert_uint_gt(count, 5);
      break;
    }
    ck_assert_int_eq(err, ERR_NOMEM);
    ck_assert_ptr_null(tree);
    ck_assert_int_eq(failing_blocks(), blocks);
  }
  model_check(before.model, before.tree);
  model_check(after.model, tree);
  tree_drop(tree);
  ck_assert_int_eq(failing_blocks(), blocks);
  bytes_free(&bytes);
  value_free(&before);
  value_free(&after);
}
END_TEST

int main(void) {
  if (provider_init() != OK)
    return 2;
  suite = suite_find(1);
  TCase *tests = tcase_create("treechanges");
  tcase_set_timeout(tests, 120);
  tcase_add_loop_test(tests, test_histories, 0, 8);
  tcase_add_test(tests, test_strangers);
  tcase_add_test(tests, test_beside_nobody);
  tcase_add_test(tests, test_size);
  tcase_add_loop_test(tests, test_altered, 0, 3);
  tcase_add_test(tests, test_refused);
  tcase_add_test(tests, test_memory);
  return run_case("treechanges", tests);
}
