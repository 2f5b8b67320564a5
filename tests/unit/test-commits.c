/*
 * What goes into a commit of mls.h, and what of the others' proposals is left out of it.
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include <e2ee/mls.h>

#include "api/handles.h"
#include "badinput.h"
#include "tests/run.h"

enum { ALICE, BOB, CAROL, MEMBERS };

#define TYPE 0xf001 /* of the application's own */

static struct member members[MEMBERS];
static struct member *const alice = &members[ALICE], *const bob = &members[BOB],
                            *const carol = &members[CAROL];
static e2ee_commit *plan; /* of bob, who has nothing pending */

/* Alice and bob support the application's types; carol is outside. */
static void setup(void) {
  members_new(members, MEMBERS);
  members_support(members, CAROL, TYPE);
  found_group(members, CAROL);
  ck_assert_done(bob, e2ee_commit_new(bob->group, &plan));
}

static void teardown(void) {
  e2ee_commit_free(plan);
  members_free(members, MEMBERS);
}

/* Bob's plan becomes a commit, and he begins another one.  @return what alice sees of it */
static e2ee_incoming *commit(void) {
  e2ee_bytes *message = NULL, *welcome = NULL;
  ck_assert_done(bob, e2ee_commit_build(plan, &message, &welcome));
  e2ee_incoming *incoming = process(alice, message);
  ck_assert_done(alice, e2ee_incoming_accept(incoming));
  ck_assert_done(bob, e2ee_group_commit_accepted(bob->group));
  expect_agreement(alice, bob);
  if (welcome != NULL)
    join(carol, welcome);
  e2ee_commit_free(plan);
  ck_assert_done(bob, e2ee_commit_new(bob->group, &plan));
  e2ee_bytes_free(message);
  e2ee_bytes_free(welcome);
  return incoming;
}

/* Whether one of the changes is of a kind.  There are `proposals` of them, and bob's new keys. */
static bool has_change(const e2ee_incoming *incoming, uint32_t proposals, uint32_t kind) {
  e2ee_change change;
  bool found = false;
  const uint32_t count = proposals + 1;
  for (uint32_t i = 0; i < count; i++)
    found = change_of(incoming, i).kind == kind || found;
  ck_assert_int_eq(e2ee_incoming_change(incoming, count, &change, sizeof change),
                   E2EE_ERR_NOT_FOUND);
  return found;
}

/* ---- Left out ---- */

/*
 * An extension that carol's client does not support, and her Add, beside a proposal that harms nobody.
 * What others proposed is left out, be it the extension or the Add, and nothing else is; what the
 * committer planned itself is not.
 */
static const struct {
  bool plan_extension, plan_add;
  int expected;
  uint32_t kept;
} pairs[] = {
    {false, true, E2EE_OK, E2EE_CHANGE_ADD},
    {true, false, E2EE_OK, E2EE_CHANGE_EXTENSIONS},
    {false, false, E2EE_OK, E2EE_CHANGE_EXTENSIONS},
    {true, true, E2EE_ERR_INVALID_PROPOSAL, 0},
};

static void propose_pair(int row) {
  e2ee_bytes *proposal[3] = {NULL}, *key_package = key_package_of(carol);
  if (pairs[row].plan_extension)
    ck_assert_done(bob, e2ee_commit_extension(plan, TYPE, TEXT("data")));
  else
    ck_assert_done(alice,
                   e2ee_group_propose_extension(alice->group, TYPE, TEXT("data"), &proposal[0]));
  if (pairs[row].plan_add)
    ck_assert_done(bob, e2ee_commit_add(plan, BYTES(key_package)));
  else
    ck_assert_done(alice, e2ee_group_propose_add(alice->group, BYTES(key_package), &proposal[1]));
  ck_assert_done(alice, e2ee_group_propose_custom(alice->group, TYPE, TEXT("do"), &proposal[2]));
  for (size_t i = 0; i < sizeof proposal / sizeof *proposal; i++) {
    if (proposal[i] != NULL)
      receive(bob, proposal[i]);
    e2ee_bytes_free(proposal[i]);
  }
  e2ee_bytes_free(key_package);
}

START_TEST(what_does_not_fit) {
  e2ee_bytes *message = NULL, *welcome = NULL;
  propose_pair(_i);
  if (pairs[_i].expected != E2EE_OK) {
    ck_assert_returns(bob, e2ee_commit_build(plan, &message, &welcome), pairs[_i].expected);
    return;
  }
  e2ee_incoming *incoming = commit();
  ck_assert(has_change(incoming, 2, E2EE_CHANGE_CUSTOM));
  ck_assert(has_change(incoming, 2, pairs[_i].kept));
  ck_assert_int_eq(carol->group != NULL, pairs[_i].kept == E2EE_CHANGE_ADD);
  e2ee_incoming_free(incoming);
}
END_TEST

START_TEST(psk_that_the_committer_lacks) {
  e2ee_bytes *proposal = NULL;
  ck_assert_done(alice, e2ee_client_add_psk(alice->client, TEXT("id"), TEXT("secret")));
  ck_assert_done(alice, e2ee_group_propose_psk(alice->group, TEXT("id"), &proposal));
  receive(bob, proposal);
  e2ee_incoming *incoming = commit();
  ck_assert(!has_change(incoming, 0, E2EE_CHANGE_PSK));
  e2ee_incoming_free(incoming);
  e2ee_bytes_free(proposal);
}
END_TEST

/* A commit has room for 256: of what others propose the rest waits. */
START_TEST(more_psks_than_fit) {
  enum { FIT = 256 };
  for (uint32_t i = 0; i <= FIT; i++) {
    const uint8_t id[] = {(uint8_t)(i >> 8), (uint8_t)i};
    e2ee_bytes *proposal = NULL;
    ck_assert_done(alice, e2ee_client_add_psk(alice->client, id, sizeof id, TEXT("secret")));
    ck_assert_done(bob, e2ee_client_add_psk(bob->client, id, sizeof id, TEXT("secret")));
    ck_assert_done(alice, e2ee_group_propose_psk(alice->group, id, sizeof id, &proposal));
    receive(bob, proposal);
    e2ee_bytes_free(proposal);
  }
  e2ee_incoming *incoming = commit();
  ck_assert(has_change(incoming, FIT, E2EE_CHANGE_PSK));
  e2ee_incoming_free(incoming);
}
END_TEST

/* Who ends the group has to do it with nothing else, so the rest comes first. */
START_TEST(end_beside_the_rest) {
  e2ee_bytes *proposal[2] = {NULL};
  ck_assert_done(alice, e2ee_group_propose_reinit(alice->group, TEXT("next"), SUITE, &proposal[0]));
  ck_assert_done(alice, e2ee_group_propose_custom(alice->group, TYPE, TEXT("do"), &proposal[1]));
  for (size_t i = 0; i < 2; i++) {
    receive(bob, proposal[i]);
    e2ee_bytes_free(proposal[i]);
  }
  e2ee_incoming *incoming = commit();
  ck_assert(has_change(incoming, 1, E2EE_CHANGE_CUSTOM));
  e2ee_incoming_free(incoming);
}
END_TEST

/* Alice proposes the resumption PSK of an epoch, to bob and to carol if she is there. */
static void propose_resumption(struct view group_id, uint64_t epoch) {
  static const uint8_t nonce[32] = {1};
  struct psk_id id = {.type = PSK_RESUMPTION,
                      .usage = PSK_APPLICATION,
                      .psk_group_id = group_id,
                      .psk_epoch = epoch,
                      .nonce = VIEW_ARRAY(nonce)};
  struct writer writer = {0};
  struct bytes proposal = {0};
  proposal_write_psk(&writer, &id);
  ck_assert_int_eq(group_propose(alice->group->group, writer_view(&writer), &proposal), OK);
  for (size_t i = BOB; i < MEMBERS; i++) {
    e2ee_incoming *incoming = NULL;
    if (members[i].group == NULL)
      continue;
    ck_assert_done(&members[i],
                   e2ee_group_process(members[i].group, proposal.data, proposal.size, &incoming));
    ck_assert_done(&members[i], e2ee_incoming_accept(incoming));
    e2ee_incoming_free(incoming);
  }
  writer_free(&writer);
  bytes_free(&proposal);
}

/* Nobody is left behind because somebody proposed a PSK of an epoch in which not all were. */
START_TEST(psk_that_others_lack) {
  e2ee_bytes *key_package = key_package_of(carol);
  uint64_t before = epoch_of(alice);
  ck_assert_done(bob, e2ee_commit_add(plan, BYTES(key_package)));
  e2ee_incoming_free(commit());
  const struct {
    const char *group;
    uint64_t epoch;
    bool taken;
  } cases[] = {{"a group", before, false},
               {"a group", epoch_of(alice), true},
               {"another group", epoch_of(alice), false}};
  struct member elsewhere = {bob->client, NULL};
  ck_assert_done(bob, e2ee_group_new(bob->client, TEXT("another group"), &elsewhere.group));
  while (epoch_of(&elsewhere) < epoch_of(alice))
    e2ee_bytes_free(renew(&elsewhere)); /* where bob alone has the PSK */
  propose_resumption(view_of((const uint8_t *)cases[_i].group, strlen(cases[_i].group)),
                     cases[_i].epoch);
  e2ee_bytes *message = build_commit(bob, NULL, UINT32_MAX, NULL);
  e2ee_incoming *incoming = process(alice, message);
  ck_assert_uint_eq(status_of(incoming).changes, cases[_i].taken ? 2 : 1);
  receive(carol, message);
  e2ee_group_free(elsewhere.group);
  e2ee_incoming_free(incoming);
  e2ee_bytes_free(message);
  e2ee_bytes_free(key_package);
}
END_TEST

/* Carol's leaf and key are those of then, but she came back without what she had. */
START_TEST(psk_that_who_came_back_lacks) {
  e2ee_bytes *key_package = key_package_of(carol), *info = NULL, *message = NULL, *welcome = NULL;
  e2ee_commit *again = NULL;
  ck_assert_done(bob, e2ee_commit_add(plan, BYTES(key_package)));
  e2ee_incoming_free(commit());
  uint32_t leaf = leaf_of(carol);
  uint64_t before = epoch_of(alice);
  e2ee_group_free(carol->group);
  ck_assert_done(alice, e2ee_group_info(alice->group, &info));
  ck_assert_done(carol, e2ee_group_open(carol->client, BYTES(info), NULL, 0, &carol->group));
  ck_assert_done(carol, e2ee_commit_new(carol->group, &again));
  ck_assert_done(carol, e2ee_commit_remove(again, leaf));
  ck_assert_done(carol, e2ee_commit_build(again, &message, &welcome));
  receive(alice, message);
  receive(bob, message);
  ck_assert_done(carol, e2ee_group_commit_accepted(carol->group));
  ck_assert_uint_eq(leaf_of(carol), leaf);
  e2ee_bytes_free(message);
  propose_resumption(VIEW_TEXT("a group"), before);
  message = build_commit(bob, NULL, UINT32_MAX, NULL);
  receive(alice, message);
  receive(carol, message);
  expect_agreement(carol, alice);
  e2ee_commit_free(again);
  e2ee_bytes_free(key_package);
  e2ee_bytes_free(info);
  e2ee_bytes_free(message);
}
END_TEST

/* Nor is anybody added who could not join. */
START_TEST(psk_that_the_added_lack) {
  e2ee_bytes *key_package = key_package_of(carol), *add = NULL;
  ck_assert_done(alice, e2ee_group_propose_add(alice->group, BYTES(key_package), &add));
  receive(bob, add);
  propose_resumption(VIEW_TEXT("a group"), epoch_of(alice));
  e2ee_incoming *incoming = commit();
  ck_assert(!has_change(incoming, 1, E2EE_CHANGE_PSK));
  ck_assert_ptr_nonnull(carol->group);
  e2ee_incoming_free(incoming);
  e2ee_bytes_free(key_package);
  e2ee_bytes_free(add);
}
END_TEST

/* A ReInit that this library could not follow ends no group by an own commit. */
START_TEST(end_without_a_way_on) {
  static const struct { uint16_t version, suite; } cases[] = {{MLS_VERSION_10, 0x7777}, {2, 1}};
  struct writer writer = {0};
  struct bytes proposal = {0};
  proposal_write_reinit(&writer, VIEW_TEXT("next"), cases[_i].version, cases[_i].suite, VIEW_NONE);
  ck_assert_int_eq(group_propose(alice->group->group, writer_view(&writer), &proposal), OK);
  e2ee_incoming *incoming = NULL;
  ck_assert_done(bob, e2ee_group_process(bob->group, proposal.data, proposal.size, &incoming));
  ck_assert_done(bob, e2ee_incoming_accept(incoming));
  e2ee_incoming_free(incoming);
  incoming = commit();
  ck_assert(!has_change(incoming, 0, E2EE_CHANGE_REINIT));
  ck_assert_uint_eq(state_of(bob), E2EE_GROUP_ACTIVE);
  e2ee_incoming_free(incoming);
  writer_free(&writer);
  bytes_free(&proposal);
}
END_TEST

/* Carol is to go, and then has new keys: the newest proposal would keep her in. */
START_TEST(removal_before_update) {
  e2ee_bytes *key_package = key_package_of(carol), *proposal[2] = {NULL};
  ck_assert_done(bob, e2ee_commit_add(plan, BYTES(key_package)));
  e2ee_incoming_free(commit());
  if (_i == 0)
    ck_assert_done(carol, e2ee_group_propose_leave(carol->group, &proposal[0]));
  else
    ck_assert_done(alice, e2ee_group_propose_remove(alice->group, leaf_of(carol), &proposal[0]));
  receive(_i == 0 ? alice : carol, proposal[0]);
  receive(bob, proposal[0]);
  ck_assert_done(carol, e2ee_group_propose_update(carol->group, &proposal[1]));
  receive(alice, proposal[1]);
  receive(bob, proposal[1]);
  e2ee_incoming *incoming = commit();
  ck_assert(has_change(incoming, 1, E2EE_CHANGE_REMOVE));
  e2ee_incoming_free(incoming);
  e2ee_bytes_free(key_package);
  e2ee_bytes_free(proposal[0]);
  e2ee_bytes_free(proposal[1]);
}
END_TEST

/* ---- Put in ---- */

START_TEST(requirements_add_up) {
  static const uint8_t both[] = {2, 0xf0, 1, 2, 0xf0, 1, 0};
  uint8_t data[16];
  size_t size = sizeof data;
  ck_assert_done(bob, e2ee_commit_require(plan, E2EE_TYPE_PROPOSAL, TYPE));
  e2ee_incoming_free(commit());
  ck_assert_done(bob, e2ee_commit_require(plan, E2EE_TYPE_EXTENSION, TYPE));
  ck_assert_done(bob, e2ee_commit_require(plan, E2EE_TYPE_PROPOSAL, TYPE));
  e2ee_incoming_free(commit());
  ck_assert_done(alice, e2ee_group_extension(alice->group, 3, data, &size));
  ck_assert_uint_eq(size, sizeof both);
  ck_assert_mem_eq(data, both, sizeof both);
}
END_TEST

/* What a leaf carries, it supports (RFC 9420, section 7.3). */
START_TEST(extension_of_a_leaf) {
  ck_assert_done(carol, e2ee_client_extension(carol->client, E2EE_PLACE_LEAF, TYPE + 1, TEXT("x")));
  e2ee_bytes *key_package = key_package_of(carol);
  ck_assert_done(bob, e2ee_commit_add(plan, BYTES(key_package)));
  e2ee_incoming_free(commit());
  expect_agreement(alice, carol);
  e2ee_bytes_free(key_package);
}
END_TEST

/* Who comes from outside has to support what the group uses, and is told so before anybody else. */
START_TEST(outsider_without_support) {
  e2ee_bytes *info = NULL, *message = NULL;
  ck_assert_done(bob, e2ee_commit_extension(plan, TYPE, TEXT("data")));
  e2ee_incoming_free(commit());
  ck_assert_done(alice, e2ee_group_info(alice->group, &info));
  expect_refusal(
      carol, E2EE_ERR_INVALID_TREE,
      e2ee_group_join_external(carol->client, BYTES(info), NULL, 0, &out.bytes, &out.group));
  ck_assert_done(carol, e2ee_client_support(carol->client, E2EE_TYPE_EXTENSION, TYPE));
  ck_assert_done(carol, e2ee_group_join_external(carol->client, BYTES(info), NULL, 0, &message,
                                                 &carol->group));
  receive(alice, message);
  ck_assert_done(carol, e2ee_group_commit_accepted(carol->group));
  expect_agreement(alice, carol);
  e2ee_bytes_free(info);
  e2ee_bytes_free(message);
}
END_TEST

/* SelfRemove is not the application's, though not one of RFC 9420's own types either. */
START_TEST(self_remove_by_hand) {
  expect_refusal(bob, INVALID, e2ee_group_propose_custom(bob->group, 0x000a, NULL, 0, &out.bytes));
  expect_refusal(bob, INVALID, e2ee_commit_custom(plan, 0x000a, NULL, 0));
}
END_TEST

/* A plan is of no use to who was removed. */
START_TEST(plan_of_who_has_left) {
  e2ee_bytes *message = build_commit(alice, NULL, BOB, NULL), *key_package = key_package_of(carol);
  const int expected = E2EE_ERR_INVALID_STATE;
  receive(bob, message);
  ck_assert_uint_eq(state_of(bob), E2EE_GROUP_LEFT);
  expect_refusal(bob, expected, e2ee_commit_add(plan, BYTES(key_package)));
  expect_refusal(bob, expected, e2ee_commit_remove(plan, ALICE));
  expect_refusal(bob, expected, e2ee_commit_custom(plan, TYPE, NULL, 0));
  expect_refusal(bob, expected, e2ee_commit_extension(plan, TYPE, TEXT("x")));
  expect_refusal(bob, expected, e2ee_commit_build(plan, &out.bytes, &out.second));
  expect_refusal(bob, expected, e2ee_group_propose_remove(bob->group, ALICE, &out.bytes));
  expect_refusal(bob, expected, e2ee_group_propose_update(bob->group, &out.bytes));
  e2ee_bytes_free(message);
  e2ee_bytes_free(key_package);
}
END_TEST

int main(void) {
  TCase *cases = tcase_create("what is in them");
  tcase_add_checked_fixture(cases, setup, teardown);
  tcase_set_timeout(cases, 60);
  tcase_add_loop_test(cases, what_does_not_fit, 0, (int)(sizeof pairs / sizeof *pairs));
  tcase_add_test(cases, psk_that_the_committer_lacks);
  tcase_add_test(cases, more_psks_than_fit);
  tcase_add_test(cases, end_beside_the_rest);
  tcase_add_loop_test(cases, psk_that_others_lack, 0, 3);
  tcase_add_test(cases, psk_that_who_came_back_lacks);
  tcase_add_test(cases, psk_that_the_added_lack);
  tcase_add_loop_test(cases, end_without_a_way_on, 0, 2);
  tcase_add_loop_test(cases, removal_before_update, 0, 2);
  tcase_add_test(cases, requirements_add_up);
  tcase_add_test(cases, extension_of_a_leaf);
  tcase_add_test(cases, outsider_without_support);
  tcase_add_test(cases, self_remove_by_hand);
  tcase_add_test(cases, plan_of_who_has_left);
  return run_case("commits", cases);
}
