/*
 * Groups from their first member on: adding, removing, updating, racing, joining from outside.
 * SPDX-License-Identifier: ISC
 */
#include <check.h>

#include "company.h"
#include "crypto/provider.h"
#include "mls/group/groupinfo.h"
#include "tests/run.h"

#define MEMBERS 9

/* Clients, of whom the first `present` are in a group. */
static void begin(struct member members[MEMBERS], uint16_t suite, size_t present) {
  for (size_t i = 0; i < MEMBERS; i++)
    members[i] = member_new(suite, (char)('a' + i));
  company_new(members, MEMBERS, present);
}

static void expect_readable(struct member *from, struct member *to) {
  struct bytes message = member_says(from, "hello");
  ck_assert_uint_eq(member_reads(to, bytes_view(&message), "hello"), from->group->epoch->own_leaf);
  member_refuses(to, bytes_view(&message), ERR_REPLAY);
  bytes_free(&message);
}

static void build(struct member *by, struct commit_plan *plan) {
  enum err err = commit_build(by->group, plan);
  ck_assert_msg(err == OK, "%d: %s", err, by->client->why.text);
}

START_TEST(members_come_and_go) {
  struct member members[MEMBERS];
  if (suite_find((uint16_t)_i) == NULL)
    return;
  begin(members, (uint16_t)_i, MEMBERS);
  for (size_t i = 1; i < MEMBERS; i++) {
    members_agree(&members[0], &members[i]);
    expect_readable(&members[0], &members[i]);
    expect_readable(&members[i], &members[(i + 3) % MEMBERS]);
  }
  /* An empty commit by each: the tree is full of keys afterwards. */
  for (size_t i = 0; i < MEMBERS; i++) {
    company_commit(members, MEMBERS, i);
    members_agree(&members[i], &members[(i + 1) % MEMBERS]);
  }
  /* One is removed, and cannot read on. */
  struct commit_plan plan = {0};
  ck_assert_int_eq(commit_plan_remove(&plan, members[2].group, 5), OK);
  build(&members[2], &plan);
  company_deliver(members, MEMBERS, 2);
  ck_assert(members[5].group->left);
  ck_assert_ptr_null(members[5].group->epoch->secrets);
  member_refuses(&members[5], VIEW_NONE, ERR_INVALID_STATE);
  members_agree(&members[2], &members[8]);
  expect_readable(&members[8], &members[4]);
  commit_plan_free(&plan);
  company_free(members, MEMBERS);
}
END_TEST

START_TEST(proposals_are_committed_by_others) {
  struct member members[MEMBERS];
  begin(members, 1, 4);
  struct bytes update = {0}, removal = {0}, addition = {0}, key_package = {0}, none = {0},
               welcome = {0};
  ck_assert_int_eq(group_propose_update(members[1].group, &update), OK);
  company_hears(members, MEMBERS, 1, bytes_view(&update));
  ck_assert_int_eq(group_propose_remove(members[2].group, 2, &removal), OK);
  company_hears(members, MEMBERS, 2, bytes_view(&removal));
  ck_assert_int_eq(client_key_package(members[4].client, &key_package), OK);
  ck_assert_int_eq(group_propose_add(members[3].group, bytes_view(&key_package), &addition), OK);
  company_hears(members, MEMBERS, 3, bytes_view(&addition));
  ck_assert_int_eq(group_encrypt(members[0].group, VIEW_TEXT("x"), &none), ERR_INVALID_STATE);
  build(&members[0], &(struct commit_plan){0});
  ck_assert_int_eq(bytes_copy(&welcome, bytes_view(&members[0].group->pending->welcome)), OK);
  company_deliver(members, MEMBERS, 0);
  member_joins(&members[4], bytes_view(&welcome));
  ck_assert(members[2].group->left);
  ck_assert_uint_eq(members[4].group->epoch->own_leaf, 2);
  members_agree(&members[0], &members[1]);
  members_agree(&members[3], &members[4]);
  expect_readable(&members[1], &members[4]);
  bytes_free(&update);
  bytes_free(&removal);
  bytes_free(&addition);
  bytes_free(&key_package);
  bytes_free(&welcome);
  company_free(members, MEMBERS);
}
END_TEST

START_TEST(outsider_joins_by_external_commit) {
  struct member members[MEMBERS];
  begin(members, 1, 3);
  struct bytes info = {0};
  ck_assert_int_eq(group_info(members[1].group, &info), OK);
  enum err err = join_external(members[3].client, bytes_view(&info), VIEW_NONE, &members[3].group);
  ck_assert_msg(err == OK, "%d: %s", err, members[3].client->why.text);
  uint8_t out[16];
  ck_assert_int_eq(group_export(members[3].group, VIEW_TEXT("x"), VIEW_NONE, out, sizeof out),
                   ERR_INVALID_STATE);
  company_deliver(members, MEMBERS, 3);
  for (size_t i = 0; i < 3; i++)
    members_agree(&members[3], &members[i]);
  expect_readable(&members[3], &members[0]);
  expect_readable(&members[0], &members[3]);
  bytes_free(&info);
  company_free(members, MEMBERS);
}
END_TEST

/* Late messages of an epoch are still read when it is past, but its handshake is over: the key of the
 * commit that ended it is in nobody's memory any more. */
START_TEST(key_of_an_accepted_commit_is_gone) {
  struct member members[MEMBERS];
  struct message_key key = {0};
  begin(members, 1, 3);
  build(&members[0], &(struct commit_plan){0});
  ck_assert_int_eq(
      secret_tree_peek(members[1].group->epoch->secret_tree, 0, RATCHET_HANDSHAKE, 0, 1, &key), OK);
  company_deliver(members, MEMBERS, 0);
  for (size_t i = 0; i < 3; i++)
    ck_assert_int_eq(
        secret_tree_peek(members[i].group->past[0]->secret_tree, 0, RATCHET_HANDSHAKE, 0, 1, &key),
        ERR_REPLAY);
  company_free(members, MEMBERS);
}
END_TEST

START_TEST(lost_race_does_no_harm) {
  struct member members[MEMBERS];
  begin(members, 1, 3);
  struct commit_plan plan = {0};
  build(&members[0], &plan);
  ck_assert_int_eq(commit_build(members[0].group, &plan), ERR_PENDING_COMMIT);
  struct bytes winner = {0}, late = member_says(&members[0], "late");
  build(&members[1], &plan);
  ck_assert_int_eq(bytes_copy(&winner, bytes_view(&members[1].group->pending->message)), OK);
  ck_assert_int_eq(commit_accepted(members[1].group), OK);
  struct incoming *incoming = NULL;
  ck_assert_int_eq(process_message(members[0].group, bytes_view(&winner), &incoming), OK);
  ck_assert_int_eq(process_accept(incoming), ERR_PENDING_COMMIT);
  ck_assert_int_eq(commit_discard(members[0].group), OK);
  ck_assert_int_eq(commit_discard(members[0].group), ERR_NOT_FOUND);
  ck_assert_int_eq(process_accept(incoming), OK);
  incoming_free(incoming);
  member_hears(&members[2], bytes_view(&winner));
  members_agree(&members[0], &members[2]);
  /* A late message of the epoch before is still read, a commit of it is not. */
  member_refuses(&members[2], bytes_view(&winner), ERR_OLD_EPOCH);
  (void)member_reads(&members[2], bytes_view(&late), "late");
  bytes_free(&winner);
  bytes_free(&late);
  company_free(members, MEMBERS);
}
END_TEST

int main(void) {
  if (provider_init() != OK)
    return EXIT_FAILURE;
  TCase *cases = tcase_create("life");
  tcase_set_timeout(cases, 120);
  tcase_add_loop_test(cases, members_come_and_go, 1, 8);
  tcase_add_test(cases, proposals_are_committed_by_others);
  tcase_add_test(cases, outsider_joins_by_external_commit);
  tcase_add_test(cases, key_of_an_accepted_commit_is_gone);
  tcase_add_test(cases, lost_race_does_no_harm);
  return run_case("group", cases);
}
