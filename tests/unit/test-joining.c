/*
 * Joining, by Welcome and from outside: what is seen before, what it takes, and what is left after.
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include <e2ee/mls.h>

#include "fixture.h"
#include "mls/tree/treekem.h"
#include "tests/run.h"

enum { ALICE, BOB, CAROL, DAVE, MEMBERS };

static struct member members[MEMBERS];
static struct member *const alice = &members[ALICE], *const bob = &members[BOB],
                            *const dave = &members[DAVE];

/* A group of the first three; dave is outside. */
static void setup(void) {
  members_new(members, MEMBERS);
  found_group(members, DAVE);
}

static void teardown(void) {
  members_free(members, MEMBERS);
}

/* The program is linked with this in the place of treekem_shared_secret(). */
static bool inviter_is_hostile;
const struct secret *__real_treekem_shared_secret(const struct new_path *path, uint32_t sender,
                                                  uint32_t leaf);
const struct secret *__wrap_treekem_shared_secret(const struct new_path *path, uint32_t sender,
                                                  uint32_t leaf);
const struct secret *__wrap_treekem_shared_secret(const struct new_path *path, uint32_t sender,
                                                  uint32_t leaf) {
  return inviter_is_hostile ? NULL : __real_treekem_shared_secret(path, sender, leaf);
}

/* ---- By Welcome ---- */

START_TEST(welcome_shows_everybody_before_joining) {
  e2ee_bytes *key_package = key_package_of(dave), *welcome = NULL;
  e2ee_bytes *message = build_commit(bob, key_package, UINT32_MAX, &welcome);
  e2ee_incoming *incoming = NULL;
  ck_assert_done(dave, e2ee_welcome_open(dave->client, BYTES(welcome), NULL, 0, &incoming));
  e2ee_incoming_status status = status_of(incoming);
  ck_assert_uint_eq(status.kind, E2EE_INCOMING_WELCOME);
  ck_assert_uint_eq(status.epoch, epoch_of(bob) + 1);
  ck_assert_uint_eq(status.sender, leaf_of(bob));
  ck_assert_uint_eq(status.changes, MEMBERS);
  static const char *const names[MEMBERS] = {"alice", "bob", "carol", "dave"};
  for (uint32_t i = 0; i < MEMBERS; i++) {
    e2ee_change change = change_of(incoming, i);
    ck_assert_uint_eq(change.kind, E2EE_CHANGE_ADD);
    ck_assert_uint_eq(change.leaf, i);
    ck_assert_uint_eq(change.proposer, leaf_of(bob));
    ck_assert_uint_eq(change.flags, i == DAVE);
    expect_named(incoming, i, names[i]);
    uint16_t type = UINT16_MAX;
    size_t size = SIZE_MAX;
    ck_assert_done(dave, e2ee_incoming_change_data(incoming, i, &type, NULL, &size));
    ck_assert_uint_eq(type, 1); /* add */
    ck_assert_uint_eq(size, 0);
  }
  /* Refused, it can be opened again. */
  e2ee_incoming_free(incoming);
  ck_assert_done(bob, e2ee_group_commit_accepted(bob->group));
  receive(alice, message);
  join(dave, welcome);
  expect_agreement(dave, alice);

  /* The key package is used up, and the group entered. */
  ck_assert_returns(dave, e2ee_welcome_open(dave->client, BYTES(welcome), NULL, 0, &incoming),
                    E2EE_ERR_NOT_FOUND);
  e2ee_bytes_free(key_package);
  e2ee_bytes_free(welcome);
  e2ee_bytes_free(message);
}
END_TEST

/* Whoever joined without them could not follow the next commit. */
START_TEST(welcome_that_keeps_keys_back) {
  e2ee_bytes *key_package = key_package_of(dave), *welcome = NULL;
  e2ee_incoming *incoming = NULL;
  inviter_is_hostile = true;
  e2ee_bytes_free(build_commit(alice, key_package, UINT32_MAX, &welcome));
  inviter_is_hostile = false;
  ck_assert_returns(dave, e2ee_welcome_open(dave->client, BYTES(welcome), NULL, 0, &incoming),
                    E2EE_ERR_INVALID_TREE);
  ck_assert_ptr_null(incoming);
  e2ee_bytes_free(key_package);
  e2ee_bytes_free(welcome);
}
END_TEST

START_TEST(one_welcome_opened_twice_is_joined_once) {
  e2ee_bytes *key_package = key_package_of(dave), *welcome = NULL;
  e2ee_bytes_free(build_commit(alice, key_package, UINT32_MAX, &welcome));
  e2ee_incoming *first = NULL, *second = NULL;
  e2ee_group *again = NULL;
  ck_assert_done(dave, e2ee_welcome_open(dave->client, BYTES(welcome), NULL, 0, &first));
  ck_assert_done(dave, e2ee_welcome_open(dave->client, BYTES(welcome), NULL, 0, &second));
  ck_assert_returns(dave, e2ee_incoming_accept(first), E2EE_ERR_INVALID_STATE);
  ck_assert_done(dave, e2ee_incoming_join(second, &dave->group));
  ck_assert_returns(dave, e2ee_incoming_join(second, &again), E2EE_ERR_INVALID_STATE);
  ck_assert_returns(dave, e2ee_incoming_join(first, &again), E2EE_ERR_NOT_FOUND);
  ck_assert_ptr_null(again);
  ck_assert_uint_eq(status_of(second).changes, MEMBERS);
  e2ee_incoming_free(first);
  e2ee_incoming_free(second);
  e2ee_bytes_free(key_package);
  e2ee_bytes_free(welcome);
}
END_TEST

/* The key id of the first frame of a sender of this member. */
static uint64_t first_key_id(const struct member *member) {
  e2ee_media *media = NULL;
  e2ee_sender *sender = NULL;
  e2ee_frame_info info;
  uint8_t frame[64];
  size_t size = 0;
  ck_assert_int_eq(e2ee_media_new(0, &media), E2EE_OK);
  ck_assert_done(member, e2ee_media_install(media, member->group));
  ck_assert_int_eq(e2ee_media_activate(media, epoch_of(member)), E2EE_OK);
  ck_assert_int_eq(e2ee_sender_new(media, &sender), E2EE_OK);
  ck_assert_int_eq(e2ee_sender_encrypt(sender, NULL, 0, TEXT("frame"), frame, sizeof frame, &size),
                   E2EE_OK);
  ck_assert_int_eq(e2ee_frame_peek(frame, size, &info, sizeof info), E2EE_OK);
  e2ee_sender_free(sender);
  e2ee_media_free(media);
  return info.kid;
}

/* Context 0, or one of 32 bits: four members and sixteen epochs are told apart by the lowest six. */
static void expect_context(const struct member *member, bool counted) {
  ck_assert_uint_eq(first_key_id(member) >> 6 == 0, counted);
}

/* A client that is in no group is saved and loaded. */
static void restart(struct member *member) {
  static const uint8_t key[32] = {1};
  e2ee_bytes *blob = NULL;
  ck_assert_done(member, e2ee_client_save(member->client, key, sizeof key, &blob));
  member_free(member);
  ck_assert_int_eq(e2ee_client_load(key, sizeof key, BYTES(blob), &member->client), E2EE_OK);
  e2ee_bytes_free(blob);
}

/* Another copy of the client may join the same epoch, so contexts are drawn until that is over. */
START_TEST(joined_by_a_client_that_was_loaded) {
  e2ee_bytes *key_package = key_package_of(dave), *welcome = NULL;
  restart(dave);
  e2ee_bytes *message = build_commit(alice, key_package, UINT32_MAX, &welcome);
  ck_assert_done(alice, e2ee_group_commit_accepted(alice->group));
  join(dave, welcome);
  expect_context(alice, true);
  expect_context(dave, false);
  e2ee_bytes_free(renew(dave));
  expect_context(dave, true);
  e2ee_bytes_free(key_package);
  e2ee_bytes_free(welcome);
  e2ee_bytes_free(message);
}
END_TEST

/* A key package that it made since is in no copy. */
START_TEST(joined_with_a_new_key_package) {
  e2ee_bytes *welcome = NULL;
  restart(dave);
  e2ee_bytes *key_package = key_package_of(dave);
  e2ee_bytes *message = build_commit(alice, key_package, UINT32_MAX, &welcome);
  join(dave, welcome);
  expect_context(dave, true);
  e2ee_bytes_free(key_package);
  e2ee_bytes_free(welcome);
  e2ee_bytes_free(message);
}
END_TEST

/* The handle of who was removed is in nobody's way. */
START_TEST(back_beside_the_handle_of_before) {
  struct member before = *bob;
  e2ee_bytes *key_package = key_package_of(bob), *welcome = NULL;
  e2ee_bytes *message = build_commit(alice, NULL, BOB, NULL);
  receive(bob, message);
  ck_assert_uint_eq(state_of(bob), E2EE_GROUP_LEFT);
  ck_assert_done(alice, e2ee_group_commit_accepted(alice->group));
  e2ee_bytes_free(message);
  message = build_commit(alice, key_package, UINT32_MAX, &welcome);
  ck_assert_done(alice, e2ee_group_commit_accepted(alice->group));
  bob->group = NULL;
  join(bob, welcome);
  expect_agreement(alice, bob);
  ck_assert_uint_eq(state_of(&before), E2EE_GROUP_LEFT);
  e2ee_group_free(before.group);
  expect_agreement(alice, bob);
  e2ee_bytes_free(key_package);
  e2ee_bytes_free(welcome);
  e2ee_bytes_free(message);
}
END_TEST

/* ---- From outside ---- */

static e2ee_bytes *join_from_outside(struct member *member, const e2ee_bytes *info) {
  e2ee_bytes *commit = NULL;
  ck_assert_done(member, e2ee_group_join_external(member->client, BYTES(info), NULL, 0, &commit,
                                                  &member->group));
  return commit;
}

START_TEST(outsider_joins_by_external_commit) {
  e2ee_bytes *info = NULL;
  ck_assert_done(bob, e2ee_group_info(bob->group, &info));
  e2ee_bytes *commit = join_from_outside(dave, info);
  /* Its members can be inspected, nothing else. */
  struct facts before = facts_of(dave->group);
  ck_assert_uint_eq(before.status.state, E2EE_GROUP_PENDING);
  ck_assert_uint_eq(before.status.members, MEMBERS);
  ck_assert_uint_eq(before.status.own_leaf, DAVE);
  ck_assert_int_eq(before.exported, E2EE_ERR_INVALID_STATE);
  uint8_t code[128];
  size_t size = sizeof code;
  ck_assert_done(dave, e2ee_group_member(dave->group, ALICE, E2EE_MEMBER_SAFETY_CODE, code, &size));
  expect_refused(dave, info, E2EE_ERR_INVALID_STATE);

  e2ee_incoming *incoming = process(alice, commit);
  e2ee_incoming_status status = status_of(incoming);
  ck_assert_uint_eq(status.kind, E2EE_INCOMING_COMMIT);
  ck_assert_uint_eq(status.sender, DAVE);
  ck_assert_uint_eq(status.changes, 1);
  e2ee_change change = change_of(incoming, 0);
  ck_assert_uint_eq(change.kind, E2EE_CHANGE_ADD);
  ck_assert_uint_eq(change.leaf, DAVE);
  ck_assert_uint_eq(change.proposer, UINT32_MAX);
  expect_named(incoming, 0, "dave");
  ck_assert_done(alice, e2ee_incoming_accept(incoming));
  e2ee_incoming_free(incoming);
  receive(bob, commit);
  receive(dave, commit); /* the echo */
  ck_assert_uint_eq(state_of(dave), E2EE_GROUP_ACTIVE);
  expect_agreement(dave, alice);
  expect_agreement(dave, bob);

  /* Once in, not a second time. */
  e2ee_group *again = NULL;
  e2ee_bytes *second = NULL;
  ck_assert_returns(dave,
                    e2ee_group_join_external(dave->client, BYTES(info), NULL, 0, &second, &again),
                    E2EE_ERR_INVALID_STATE);
  ck_assert_ptr_null(again);
  ck_assert_ptr_null(second);
  e2ee_bytes_free(info);
  e2ee_bytes_free(commit);
}
END_TEST

START_TEST(outsider_loses_the_race) {
  e2ee_bytes *info = NULL;
  ck_assert_done(bob, e2ee_group_info(bob->group, &info));
  e2ee_bytes *commit = join_from_outside(dave, info), *winner = renew(alice);
  receive(bob, winner);
  expect_refused(bob, commit, E2EE_ERR_OLD_EPOCH);
  ck_assert_done(dave, e2ee_group_commit_discard(dave->group));
  ck_assert_uint_eq(state_of(dave), E2EE_GROUP_LEFT);

  /* A handle of no use, but no danger. */
  (void)facts_of(dave->group);
  uint8_t code[128];
  size_t size = sizeof code;
  ck_assert_returns(dave,
                    e2ee_group_member(dave->group, ALICE, E2EE_MEMBER_SAFETY_CODE, code, &size),
                    E2EE_ERR_INVALID_STATE);
  expect_refused(dave, winner, E2EE_ERR_INVALID_STATE);
  e2ee_group_free(dave->group);
  dave->group = NULL;

  e2ee_bytes_free(info);
  e2ee_bytes_free(commit);
  ck_assert_done(bob, e2ee_group_info(bob->group, &info));
  commit = join_from_outside(dave, info);
  receive(bob, commit);
  ck_assert_done(dave, e2ee_group_commit_accepted(dave->group));
  expect_agreement(dave, bob);
  e2ee_bytes_free(info);
  e2ee_bytes_free(commit);
  e2ee_bytes_free(winner);
}
END_TEST

/* ---- Into a tree whose nodes have unmerged leaves of several ages ---- */

enum { CROWD = 9 };

/* One member commits: adds somebody, and hands a Welcome, or removes a leaf.  The others follow. */
static void crowd_commit(struct member *crowd, unsigned by, struct member *joins,
                         uint32_t removes) {
  e2ee_bytes *key_package = joins != NULL ? key_package_of(joins) : NULL, *welcome = NULL;
  e2ee_bytes *message = build_commit(&crowd[by], key_package, removes, &welcome);
  ck_assert_done(&crowd[by], e2ee_group_commit_accepted(crowd[by].group));
  for (unsigned i = 0; i < CROWD; i++)
    if (i != by && crowd[i].group != NULL && &crowd[i] != joins &&
        state_of(&crowd[i]) != E2EE_GROUP_LEFT)
      receive(&crowd[i], message);
  if (joins != NULL)
    join(joins, welcome);
  e2ee_bytes_free(key_package);
  e2ee_bytes_free(message);
  e2ee_bytes_free(welcome);
}

/*
 * RFC 9420, section 7.9: a parent hash is of the sibling without the leaves that are unmerged at the
 * parent, and with those that are unmerged below it alone.  Of the node above leaves 4 to 7, leaf 5 is
 * one of the latter and leaf 7 one of the former when the last one joins.
 */
START_TEST(unmerged_leaves_of_two_ages) {
  struct member crowd[CROWD], late[2] = {member_new("late"), member_new("later")};
  for (unsigned i = 0; i < CROWD; i++)
    crowd[i] = member_new((const char[]){(char)('a' + (int)i), 0});
  found_group(crowd, CROWD);
  crowd_commit(crowd, 8, NULL, 5);
  crowd_commit(crowd, 8, NULL, 7);
  crowd_commit(crowd, 4, NULL, UINT32_MAX);
  crowd_commit(crowd, 0, &late[0], UINT32_MAX);
  ck_assert_uint_eq(leaf_of(&late[0]), 5);
  crowd_commit(crowd, 8, &late[1], UINT32_MAX);
  ck_assert_uint_eq(leaf_of(&late[1]), 7);
  expect_agreement(&late[1], &crowd[0]);
  members_free(crowd, CROWD);
  members_free(late, 2);
}
END_TEST

int main(void) {
  TCase *cases = tcase_create("joining");
  tcase_add_checked_fixture(cases, setup, teardown);
  tcase_set_timeout(cases, 120);
  tcase_add_test(cases, welcome_shows_everybody_before_joining);
  tcase_add_test(cases, welcome_that_keeps_keys_back);
  tcase_add_test(cases, one_welcome_opened_twice_is_joined_once);
  tcase_add_test(cases, joined_by_a_client_that_was_loaded);
  tcase_add_test(cases, joined_with_a_new_key_package);
  tcase_add_test(cases, back_beside_the_handle_of_before);
  tcase_add_test(cases, outsider_joins_by_external_commit);
  tcase_add_test(cases, outsider_loses_the_race);
  tcase_add_test(cases, unmerged_leaves_of_two_ages);
  return run_case("joining", cases);
}
