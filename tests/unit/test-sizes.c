/*
 * Right up to the limits of sizes, and a byte beyond: what is made, what comes, what others let in.
 * SPDX-License-Identifier: ISC
 */
#include <stdlib.h>

#include <e2ee/mls.h>

#include "fixture.h"
#include "tests/run.h"

#define DEFAULT_BYTES 33554432u

enum { ALICE, BOB, CAROL, MEMBERS };

static struct member members[MEMBERS];
static struct member *const alice = &members[ALICE], *const bob = &members[BOB],
                            *const carol = &members[CAROL];
static e2ee_bytes *bytes; /* that a test gets and does not keep */

/* Carol is outside.  GREASE is of random sizes. */
static void setup(void) {
  members_new(members, MEMBERS);
  for (size_t i = 0; i < MEMBERS; i++)
    ck_assert_done(&members[i], e2ee_client_set(members[i].client, E2EE_SET_GREASE, 0));
  found_group(members, CAROL);
  bytes = NULL;
}

static void teardown(void) {
  e2ee_bytes_free(bytes);
  members_free(members, MEMBERS);
}

static void set(struct member *member, uint32_t setting, uint64_t value) {
  ck_assert_done(member, e2ee_client_set(member->client, setting, value));
}

static void limit(struct member *member, size_t size) {
  set(member, E2EE_SET_MAX_MESSAGE_BYTES, size);
}

static void drop(e2ee_bytes **one) {
  e2ee_bytes_free(*one);
  *one = NULL;
}

/* ---- What is made ---- */

static int make_info(void) {
  return e2ee_group_info(alice->group, &bytes);
}

static int make_key_package(void) {
  return e2ee_key_package_new(alice->client, &bytes);
}

static int make_tree(void) {
  return e2ee_group_ratchet_tree(alice->group, &bytes);
}

static int make_message(void) {
  return e2ee_group_encrypt(alice->group, TEXT("four"), &bytes);
}

static int make_commit(void) {
  e2ee_commit *plan = NULL;
  e2ee_bytes *welcome = NULL;
  ck_assert_done(alice, e2ee_commit_new(alice->group, &plan));
  int err = e2ee_commit_build(plan, &bytes, &welcome);
  e2ee_commit_free(plan);
  if (err == E2EE_OK)
    ck_assert_done(alice, e2ee_group_commit_discard(alice->group));
  return err;
}

static int make_proposal(void) {
  return e2ee_group_propose_remove(alice->group, 1, &bytes);
}

static int (*const makers[])(void) = {make_info,    make_key_package, make_tree,
                                      make_message, make_commit,      make_proposal};

START_TEST(made) {
  uint32_t before = 0, after = 0;
  ck_assert_done(alice, makers[_i]());
  const size_t size = e2ee_bytes_size(bytes);
  drop(&bytes);
  struct facts facts = facts_of(alice->group);
  ck_assert_done(alice, e2ee_client_key_packages(alice->client, &before));
  limit(alice, size - 1);
  ck_assert_returns(alice, makers[_i](), E2EE_ERR_LIMIT);
  ck_assert_ptr_null(bytes);
  expect_unchanged(alice->group, &facts);
  ck_assert_done(alice, e2ee_client_key_packages(alice->client, &after));
  ck_assert_uint_eq(after, before);
  limit(alice, size);
  ck_assert_done(alice, makers[_i]());
  ck_assert_uint_eq(e2ee_bytes_size(bytes), size);
}
END_TEST

/* Alice's plan to add carol, built.  @param welcome  out */
static int add_carol(const e2ee_bytes *key_package, e2ee_bytes **welcome) {
  e2ee_commit *plan = NULL;
  ck_assert_done(alice, e2ee_commit_new(alice->group, &plan));
  ck_assert_done(alice, e2ee_commit_add(plan, BYTES(key_package)));
  int err = e2ee_commit_build(plan, &bytes, welcome);
  e2ee_commit_free(plan);
  return err;
}

/* A commit that fits, whose Welcome does not: neither is made, and no message key is used up. */
START_TEST(welcome_made) {
  e2ee_bytes *key_package = key_package_of(carol), *welcome = NULL;
  ck_assert_done(alice, add_carol(key_package, &welcome));
  const size_t size = e2ee_bytes_size(welcome);
  ck_assert_uint_lt(e2ee_bytes_size(bytes), size);
  ck_assert_done(alice, e2ee_group_commit_discard(alice->group));
  drop(&bytes);
  drop(&welcome);
  set(bob, E2EE_SET_MAX_SKIP, 1); /* the commit that was discarded has used up a key */

  struct facts facts = facts_of(alice->group);
  limit(alice, size - 1);
  ck_assert_returns(alice, add_carol(key_package, &welcome), E2EE_ERR_LIMIT);
  ck_assert_ptr_null(bytes);
  ck_assert_ptr_null(welcome);
  expect_unchanged(alice->group, &facts);
  limit(alice, size);
  ck_assert_done(alice, add_carol(key_package, &welcome));
  ck_assert_uint_eq(e2ee_bytes_size(welcome), size);
  receive(bob, bytes);
  ck_assert_done(alice, e2ee_group_commit_accepted(alice->group));
  join(carol, welcome);
  expect_agreement(carol, bob);
  drop(&key_package);
  drop(&welcome);
}
END_TEST

/* ---- What comes ---- */

START_TEST(key_packages) {
  e2ee_bytes *key_package = key_package_of(carol);
  e2ee_commit *plan = NULL;
  ck_assert_done(alice, e2ee_commit_new(alice->group, &plan));
  limit(alice, e2ee_bytes_size(key_package) - 1);
  ck_assert_returns(alice, e2ee_commit_add(plan, BYTES(key_package)), E2EE_ERR_LIMIT);
  limit(alice, e2ee_bytes_size(key_package));
  ck_assert_done(alice, e2ee_commit_add(plan, BYTES(key_package)));
  e2ee_commit_free(plan);
  drop(&key_package);
}
END_TEST

/* Nothing of a tree beside a GroupInfo is looked at that is too large, and nobody has joined. */
START_TEST(tree_beside_a_group_info) {
  e2ee_bytes *tree = NULL, *info = NULL, *unused = key_package_of(carol);
  uint32_t left = 0;
  set(alice, E2EE_SET_TREE_IN_WELCOME, 0);
  ck_assert_done(alice, e2ee_group_info(alice->group, &info));
  ck_assert_done(alice, e2ee_group_ratchet_tree(alice->group, &tree));
  const size_t longest = e2ee_bytes_size(tree);
  ck_assert_uint_gt(longest, e2ee_bytes_size(info));
  limit(carol, longest - 1);
  ck_assert_returns(
      carol,
      e2ee_group_join_external(carol->client, BYTES(info), BYTES(tree), &bytes, &carol->group),
      E2EE_ERR_LIMIT);
  ck_assert_ptr_null(bytes);
  ck_assert_ptr_null(carol->group);
  ck_assert_returns(carol, e2ee_group_open(carol->client, BYTES(info), BYTES(tree), &carol->group),
                    E2EE_ERR_LIMIT);
  ck_assert_ptr_null(carol->group);
  ck_assert_done(carol, e2ee_client_key_packages(carol->client, &left));
  ck_assert_uint_eq(left, 1);
  limit(carol, longest);
  ck_assert_done(carol, e2ee_group_open(carol->client, BYTES(info), BYTES(tree), &carol->group));
  e2ee_group_free(carol->group);
  carol->group = NULL;
  limit(carol, DEFAULT_BYTES);
  ck_assert_done(carol, e2ee_group_join_external(carol->client, BYTES(info), BYTES(tree), &bytes,
                                                 &carol->group));
  receive(alice, bytes);
  ck_assert_done(carol, e2ee_group_commit_accepted(carol->group));
  expect_agreement(carol, alice);
  drop(&tree);
  drop(&info);
  drop(&unused);
}
END_TEST

/* As it is without a setting.  A message is as much longer as what it says. */
START_TEST(by_default) {
  static const uint8_t little[70000] = {0};
  set(alice, E2EE_SET_PADDING, 0);
  ck_assert_done(alice, e2ee_group_encrypt(alice->group, little, sizeof little, &bytes));
  const size_t around = e2ee_bytes_size(bytes) - sizeof little;
  drop(&bytes);
  uint8_t *data = calloc(DEFAULT_BYTES, 1);
  ck_assert_ptr_nonnull(data);
  const size_t most = DEFAULT_BYTES - around;
  ck_assert_done(alice, e2ee_group_encrypt(alice->group, data, most, &bytes));
  ck_assert_uint_eq(e2ee_bytes_size(bytes), DEFAULT_BYTES);
  e2ee_incoming *incoming = process(bob, bytes);
  size_t size = 0;
  ck_assert_done(bob, e2ee_incoming_data(incoming, NULL, &size));
  ck_assert_uint_eq(size, most);
  e2ee_incoming_free(incoming);
  drop(&bytes);
  ck_assert_returns(alice, e2ee_group_encrypt(alice->group, data, most + 1, &bytes),
                    E2EE_ERR_LIMIT);
  limit(alice, DEFAULT_BYTES + 1);
  ck_assert_done(alice, e2ee_group_encrypt(alice->group, data, most + 1, &bytes));
  expect_refused(bob, bytes, E2EE_ERR_LIMIT);
  free(data);
}
END_TEST

/* ---- What others let in ---- */

/* Bob proposes to add carol, whose leaf is larger than alice would let in herself. */
START_TEST(leaf_in_a_stored_add) {
  static const uint8_t data[4000] = {0};
  e2ee_bytes *welcome = NULL, *proposal = NULL;
  e2ee_commit *plan = NULL;
  e2ee_group_status status;
  ck_assert_done(carol,
                 e2ee_client_extension(carol->client, E2EE_PLACE_LEAF, 1, data, sizeof data));
  e2ee_bytes *key_package = key_package_of(carol);
  set(alice, E2EE_SET_MAX_LEAF_BYTES, sizeof data);
  ck_assert_returns(alice, e2ee_group_propose_add(alice->group, BYTES(key_package), &bytes),
                    E2EE_ERR_LIMIT);
  ck_assert_done(alice, e2ee_commit_new(alice->group, &plan));
  ck_assert_returns(alice, e2ee_commit_add(plan, BYTES(key_package)), E2EE_ERR_LIMIT);
  e2ee_commit_free(plan);
  for (size_t i = 0; i < 2; i++) {
    ck_assert_done(bob, e2ee_group_propose_add(bob->group, BYTES(key_package), &proposal));
    receive(alice, proposal);
    drop(&proposal);
    ck_assert_done(alice, e2ee_group_get_status(alice->group, &status, sizeof status));
    ck_assert_uint_eq(status.proposals, 1);
    /* Her own commit leaves it out; then bob is faster. */
    if (i > 0)
      break;
    bytes = renew(alice);
    receive(bob, bytes);
    drop(&bytes);
    ck_assert_done(bob, e2ee_group_get_status(bob->group, &status, sizeof status));
    ck_assert_uint_eq(status.members, 2);
  }
  bytes = build_commit(bob, NULL, UINT32_MAX, &welcome);
  receive(alice, bytes);
  ck_assert_done(bob, e2ee_group_commit_accepted(bob->group));
  join(carol, welcome);
  expect_agreement(carol, alice);
  expect_agreement(alice, bob);
  /* She goes on with it. */
  drop(&bytes);
  bytes = renew(alice);
  receive(bob, bytes);
  receive(carol, bytes);
  drop(&key_package);
  drop(&welcome);
}
END_TEST

int main(void) {
  TCase *cases = tcase_create("sizes");
  tcase_add_checked_fixture(cases, setup, teardown);
  tcase_set_timeout(cases, 120);
  tcase_add_loop_test(cases, made, 0, sizeof makers / sizeof *makers);
  tcase_add_test(cases, welcome_made);
  tcase_add_test(cases, key_packages);
  tcase_add_test(cases, tree_beside_a_group_info);
  tcase_add_test(cases, by_default);
  tcase_add_test(cases, leaf_in_a_stored_add);
  return run_case("sizes", cases);
}
