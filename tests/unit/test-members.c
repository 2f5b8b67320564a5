/*
 * Rosters and safety codes.
 * SPDX-License-Identifier: ISC
 */
#include "crypto/provider.h"
#include "mls/group/members.h"
#include "tests/run.h"

#include <check.h>
#include <string.h>

/* A leaf that says who and which key; it is no member's real one, and nobody here looks. */
static struct leaf *make(struct view identity, struct view signature_key,
                         struct view encryption_key) {
  struct writer credential = {0}, writer = {0};
  struct leaf *leaf = NULL;
  credential_write_basic(&credential, identity);
  struct leaf_template fields = {.encryption_key = encryption_key,
                                 .signature_key = signature_key,
                                 .credential = writer_view(&credential),
                                 .source = LEAF_UPDATE};
  leaf_write(&writer, &fields);
  write_vector(&writer, VIEW_TEXT("signature"));
  struct reader reader = reader_of(writer_view(&writer));
  ck_assert_int_eq(leaf_read(&reader, NULL, &leaf), OK);
  writer_free(&credential);
  writer_free(&writer);
  return leaf;
}

#define ALICE_KEY VIEW_TEXT("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
#define BOB_KEY VIEW_TEXT("BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB")

static void assert_text(struct bytes *bytes, const char *expected) {
  ck_assert_uint_eq(bytes->size, strlen(expected));
  ck_assert_mem_eq(bytes->data, expected, bytes->size);
  bytes_free(bytes);
}

static struct bytes code_of(const struct leaf *a, const struct leaf *b) {
  struct bytes code = {0};
  ck_assert_int_eq(member_safety_code(a, b, &code), OK);
  return code;
}

/* ---- Codes ---- */

/* The expected codes were computed by another program, from the words of members.h and .c. */
START_TEST(test_known_codes) {
  static const uint8_t authenticator[32] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
                                            11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
                                            22, 23, 24, 25, 26, 27, 28, 29, 30, 31};
  struct leaf *alice = make(VIEW_TEXT("alice"), ALICE_KEY, VIEW_TEXT("1"));
  struct leaf *bob = make(VIEW_TEXT("bob"), BOB_KEY, VIEW_TEXT("2"));
  struct bytes code = code_of(alice, bob);
  assert_text(&code, "48963 11453 78393 59528 79128 95205 39729 73105 95259 24558 60086 04371");
  code = code_of(bob, alice);
  assert_text(&code, "48963 11453 78393 59528 79128 95205 39729 73105 95259 24558 60086 04371");
  ck_assert_int_eq(epoch_safety_code(VIEW_ARRAY(authenticator), &code), OK);
  assert_text(&code, "71518 44140 62282 27021 78631 35548 66292 15749 73145 03827 45914 78880");
  leaf_drop(alice);
  leaf_drop(bob);
}
END_TEST

START_TEST(test_what_a_code_depends_on) {
  struct leaf *alice = make(VIEW_TEXT("alice"), ALICE_KEY, VIEW_TEXT("1"));
  struct leaf *bob = make(VIEW_TEXT("bob"), BOB_KEY, VIEW_TEXT("2"));
  struct leaf *bob_elsewhere = make(VIEW_TEXT("bob"), BOB_KEY, VIEW_TEXT("3"));
  struct leaf *others[] = {
      make(VIEW_TEXT("bobby"), BOB_KEY, VIEW_TEXT("2")),
      make(VIEW_TEXT("bob"), ALICE_KEY, VIEW_TEXT("2")),
      make(VIEW_TEXT("alice"), BOB_KEY, VIEW_TEXT("2")),
      /* Bytes moved from the key to the name. */
      make(VIEW_TEXT("bob\x20"
                     "BB"),
           VIEW_TEXT("BBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"), VIEW_TEXT("2")),
  };
  struct bytes code = code_of(alice, bob);
  struct bytes same = code_of(alice, bob_elsewhere);
  ck_assert(view_equal(bytes_view(&code), bytes_view(&same)));
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
    struct bytes other = code_of(alice, others[i]);
    ck_assert_uint_eq(other.size, SAFETY_CODE_SIZE);
    ck_assert(!view_equal(bytes_view(&code), bytes_view(&other)));
    bytes_free(&other);
    leaf_drop(others[i]);
  }
  bytes_free(&code);
  bytes_free(&same);
  leaf_drop(alice);
  leaf_drop(bob);
  leaf_drop(bob_elsewhere);
}
END_TEST

START_TEST(test_form_of_a_code) {
  struct bytes code = {0}, other = {0};
  ck_assert_int_eq(epoch_safety_code(VIEW_TEXT("one"), &code), OK);
  ck_assert_int_eq(epoch_safety_code(VIEW_TEXT("two"), &other), OK);
  ck_assert(!view_equal(bytes_view(&code), bytes_view(&other)));
  ck_assert_uint_eq(code.size, SAFETY_CODE_SIZE);
  for (size_t i = 0; i < code.size; i++) {
    if (i % 6 == 5)
      ck_assert_int_eq(code.data[i], ' ');
    else
      ck_assert(code.data[i] >= '0' && code.data[i] <= '9');
  }
  bytes_free(&code);
  bytes_free(&other);
}
END_TEST

/* ---- Rosters ---- */

/* Leaves 0 and 2 of four; 1 was removed. */
static struct tree *make_tree(void) {
  struct tree *tree = NULL;
  struct leaf *leaves[] = {make(VIEW_TEXT("alice"), ALICE_KEY, VIEW_TEXT("1")),
                           make(VIEW_TEXT("bob"), BOB_KEY, VIEW_TEXT("2")),
                           make(VIEW_TEXT("carol"), VIEW_TEXT("C"), VIEW_TEXT("3"))};
  ck_assert_int_eq(tree_new(suite_find(1), &tree), OK);
  for (uint32_t i = 0; i < 3; i++) {
    uint32_t index = LEAF_NONE;
    ck_assert_int_eq(tree_add_leaf(tree, leaves[i], &index), OK);
    ck_assert_uint_eq(index, i);
    leaf_drop(leaves[i]);
  }
  ck_assert_int_eq(tree_remove_leaf(tree, 1), OK);
  ck_assert_int_eq(tree_seal(tree), OK);
  return tree;
}

START_TEST(test_roster) {
  struct tree *tree = make_tree();
  struct roster *roster = NULL;
  struct bytes bytes = {0};
  ck_assert_int_eq(roster_new(tree, 1, &roster), ERR_NOT_FOUND);
  ck_assert_int_eq(roster_new(tree, 4, &roster), ERR_NOT_FOUND);
  ck_assert_ptr_null(roster);
  ck_assert_int_eq(roster_new(tree, 0, &roster), OK);
  struct bytes expected = code_of(tree_leaf(tree, 0), tree_leaf(tree, 2));
  tree_drop(tree); /* the roster has its share */

  ck_assert_uint_eq(roster_width(roster), 4);
  ck_assert(roster_has(roster, 0) && !roster_has(roster, 1) && roster_has(roster, 2));
  ck_assert(!roster_has(roster, 3) && !roster_has(roster, 4) && !roster_has(roster, LEAF_NONE));
  ck_assert_int_eq(roster_read(roster, 2, E2EE_MEMBER_IDENTITY, &bytes), OK);
  assert_text(&bytes, "carol");
  ck_assert_int_eq(roster_read(roster, 2, E2EE_MEMBER_PUBLIC_KEY, &bytes), OK);
  assert_text(&bytes, "C");
  ck_assert_int_eq(roster_read(roster, 0, E2EE_MEMBER_IDENTITY, &bytes), OK);
  assert_text(&bytes, "alice");
  ck_assert_int_eq(roster_read(roster, 2, E2EE_MEMBER_SAFETY_CODE, &bytes), OK);
  ck_assert(view_equal(bytes_view(&bytes), bytes_view(&expected)));
  bytes_free(&bytes);

  ck_assert_int_eq(roster_read(roster, 0, E2EE_MEMBER_SAFETY_CODE, &bytes), ERR_INVALID_ARG);
  ck_assert_int_eq(roster_read(roster, 2, 0, &bytes), ERR_INVALID_ARG);
  ck_assert_int_eq(roster_read(roster, 2, 99, &bytes), ERR_INVALID_ARG);
  ck_assert_int_eq(roster_read(roster, 1, E2EE_MEMBER_IDENTITY, &bytes), ERR_NOT_FOUND);
  ck_assert_int_eq(roster_read(roster, 4, E2EE_MEMBER_IDENTITY, &bytes), ERR_NOT_FOUND);
  ck_assert_ptr_null(bytes.data);
  bytes_free(&expected);
  roster_drop(roster);
}
END_TEST

START_TEST(test_roster_shared) {
  struct tree *tree = make_tree();
  struct roster *roster = NULL;
  ck_assert_int_eq(roster_new(tree, 2, &roster), OK);
  tree_drop(tree);
  struct roster *shared = roster_share(roster);
  roster_drop(roster);
  ck_assert(roster_has(shared, 2));
  roster_drop(shared);
  roster_drop(NULL);
}
END_TEST

int main(void) {
  if (provider_init() != OK)
    return 1;
  TCase *codes = tcase_create("safety codes");
  tcase_add_test(codes, test_known_codes);
  tcase_add_test(codes, test_what_a_code_depends_on);
  tcase_add_test(codes, test_form_of_a_code);
  TCase *rosters = tcase_create("rosters");
  tcase_add_test(rosters, test_roster);
  tcase_add_test(rosters, test_roster_shared);
  Suite *all = suite_create("members");
  suite_add_tcase(all, codes);
  suite_add_tcase(all, rosters);
  return run_suite(all);
}
