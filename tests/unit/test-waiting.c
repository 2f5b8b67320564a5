/*
 * What waits in a group: proposals, the wish to leave, and a commit that was given up too early.
 * SPDX-License-Identifier: ISC
 */
#include <e2ee/mls.h>

#include <string.h>

#include "fixture.h"
#include "tests/run.h"

#define TYPE 0xf0aa

enum { ALICE, BOB, CAROL, DAVE, MEMBERS };

static struct member member[MEMBERS];
static struct member *const alice = &member[ALICE], *const bob = &member[BOB],
                            *const dave = &member[DAVE];

static const uint8_t state_key[32] = {1};

/* Dave is outside. */
static void setup(void) {
  members_new(member, MEMBERS);
  members_support(member, MEMBERS, TYPE);
  found_group(member, DAVE);
}

static void teardown(void) {
  members_free(member, MEMBERS);
}

static e2ee_group_status status(const struct member *of) {
  e2ee_group_status status;
  ck_assert_done(of, e2ee_group_get_status(of->group, &status, sizeof status));
  return status;
}

static e2ee_bytes *saved(const struct member *of) {
  e2ee_bytes *blob = NULL;
  ck_assert_done(of, e2ee_group_save(of->group, state_key, sizeof state_key, &blob));
  return blob;
}

/* The program ends, and goes on from what it has saved; the blob is freed. */
static void restart(struct member *of, e2ee_bytes *blob) {
  e2ee_group_free(of->group);
  ck_assert_done(of,
                 e2ee_group_load(of->client, state_key, sizeof state_key, BYTES(blob), &of->group));
  e2ee_bytes_free(blob);
}

/* ---- Proposals ---- */

static void expect_waiting(const e2ee_incoming *waiting, uint32_t index, uint32_t kind,
                           uint32_t leaf, uint32_t proposer, const char *data) {
  uint8_t value[1000];
  size_t size = sizeof value;
  const e2ee_change change = change_of(waiting, index);
  ck_assert_uint_eq(change.kind, kind);
  ck_assert_uint_eq(change.leaf, leaf);
  ck_assert_uint_eq(change.proposer, proposer);
  ck_assert_uint_eq(change.proposer_type, E2EE_SENDER_MEMBER);
  ck_assert_uint_eq(change.flags, leaf == ALICE ? E2EE_CHANGE_FLAG_OWN : 0);
  ck_assert_int_eq(e2ee_incoming_change_data(waiting, index, NULL, value, &size), E2EE_OK);
  ck_assert_uint_eq(size, strlen(data));
  ck_assert_mem_eq(value, data, size);
}

/* Alice's list: two of bob's, three of her own. */
static void expect_all_waiting(void) {
  e2ee_incoming *waiting = NULL;
  e2ee_group *none = NULL;
  uint8_t value[10];
  size_t size = sizeof value;
  ck_assert_uint_eq(status(alice).proposals, 5);
  ck_assert_done(alice, e2ee_group_proposals(alice->group, &waiting));
  const e2ee_incoming_status shown = status_of(waiting);
  ck_assert_uint_eq(shown.kind, E2EE_INCOMING_WAITING);
  ck_assert_uint_eq(shown.changes, 5);
  ck_assert_uint_eq(shown.epoch, epoch_of(alice));
  ck_assert_uint_eq(shown.sender & shown.sender_index, UINT32_MAX);
  ck_assert_uint_eq(shown.flags | shown.sender_type, 0);
  expect_waiting(waiting, 0, E2EE_CHANGE_ADD, UINT32_MAX, BOB, "");
  expect_named(waiting, 0, "dave");
  expect_waiting(waiting, 1, E2EE_CHANGE_CUSTOM, UINT32_MAX, BOB, "data");
  expect_waiting(waiting, 2, E2EE_CHANGE_UPDATE, ALICE, ALICE, "");
  expect_named(waiting, 2, "alice");
  expect_waiting(waiting, 3, E2EE_CHANGE_REMOVE, CAROL, ALICE, "");
  expect_named(waiting, 3, "carol");
  expect_waiting(waiting, 4, E2EE_CHANGE_PSK, UINT32_MAX, ALICE, "id");
  /* There is nothing else to it. */
  ck_assert_returns(alice, e2ee_incoming_accept(waiting), E2EE_ERR_INVALID_STATE);
  ck_assert_returns(alice, e2ee_incoming_join(waiting, &none), E2EE_ERR_INVALID_STATE);
  ck_assert_returns(alice, e2ee_incoming_data(waiting, value, &size), E2EE_ERR_INVALID_STATE);
  ck_assert_returns(alice, e2ee_incoming_sender(waiting, E2EE_MEMBER_IDENTITY, value, &size),
                    E2EE_ERR_NOT_FOUND);
  e2ee_incoming_free(waiting);
}

START_TEST(proposals_are_listed) {
  e2ee_incoming *waiting = NULL;
  e2ee_bytes *package = key_package_of(dave), *all[5] = {NULL};
  ck_assert_done(alice, e2ee_client_add_psk(alice->client, TEXT("id"), TEXT("secret")));
  ck_assert_uint_eq(status(alice).proposals, 0);
  ck_assert_done(alice, e2ee_group_proposals(alice->group, &waiting));
  ck_assert_uint_eq(status_of(waiting).changes, 0);
  e2ee_incoming_free(waiting);
  ck_assert_done(bob, e2ee_group_propose_add(bob->group, BYTES(package), &all[0]));
  ck_assert_done(bob, e2ee_group_propose_custom(bob->group, TYPE, TEXT("data"), &all[1]));
  receive(alice, all[0]);
  receive(alice, all[1]);
  ck_assert_done(alice, e2ee_group_propose_update(alice->group, &all[2]));
  ck_assert_done(alice, e2ee_group_propose_remove(alice->group, CAROL, &all[3]));
  ck_assert_done(alice, e2ee_group_propose_psk(alice->group, TEXT("id"), &all[4]));
  expect_all_waiting();
  restart(alice, saved(alice));
  expect_all_waiting();
  /* The list is a copy: it outlives the epoch, and the group. */
  ck_assert_done(alice, e2ee_group_proposals(alice->group, &waiting));
  e2ee_bytes_free(renew(alice));
  ck_assert_uint_eq(status(alice).proposals, 0);
  expect_waiting(waiting, 1, E2EE_CHANGE_CUSTOM, UINT32_MAX, BOB, "data");
  e2ee_group_free(alice->group);
  alice->group = NULL;
  expect_named(waiting, 0, "dave");
  e2ee_incoming_free(waiting);
  e2ee_bytes_free(package);
  for (size_t i = 0; i < 5; i++)
    e2ee_bytes_free(all[i]);
}
END_TEST

/* ---- Leaving ---- */

static void expect_leaving(uint32_t expected) {
  ck_assert_uint_eq(status(bob).leaving, expected);
}

static e2ee_bytes *ask_to_leave(void) {
  e2ee_bytes *proposal = NULL;
  ck_assert_done(bob, e2ee_group_propose_leave(bob->group, &proposal));
  expect_leaving(E2EE_LEAVING_WAITS);
  return proposal;
}

START_TEST(leaving) {
  expect_leaving(E2EE_LEAVING_NO);
  /* Alice's commit comes first. */
  e2ee_bytes *commit = renew(alice), *first = ask_to_leave();
  receive(bob, commit);
  expect_leaving(E2EE_LEAVING_LOST);
  expect_refused(alice, first, E2EE_ERR_OLD_EPOCH);
  e2ee_bytes_free(commit);
  /* Asked again, and lost by an own commit. */
  e2ee_bytes *second = ask_to_leave();
  receive(alice, second);
  commit = renew(bob);
  expect_leaving(E2EE_LEAVING_LOST);
  receive(alice, commit);
  e2ee_bytes_free(commit);
  /* It stays so, until the third wish is granted. */
  commit = renew(alice);
  receive(bob, commit);
  expect_leaving(E2EE_LEAVING_LOST);
  e2ee_bytes_free(commit);
  e2ee_bytes *third = ask_to_leave();
  receive(alice, third);
  commit = renew(alice);
  receive(bob, commit);
  ck_assert_uint_eq(state_of(bob), E2EE_GROUP_LEFT);
  expect_leaving(E2EE_LEAVING_NO);
  e2ee_bytes *const all[] = {commit, first, second, third};
  for (size_t i = 0; i < 4; i++)
    e2ee_bytes_free(all[i]);
}
END_TEST

START_TEST(leaving_after_a_restart) {
  e2ee_bytes *proposal = ask_to_leave(), *commit = renew(alice);
  restart(bob, saved(bob));
  expect_leaving(E2EE_LEAVING_WAITS);
  receive(bob, commit);
  expect_leaving(E2EE_LEAVING_LOST);
  restart(bob, saved(bob));
  expect_leaving(E2EE_LEAVING_LOST);
  e2ee_bytes_free(proposal);
  e2ee_bytes_free(commit);
}
END_TEST

START_TEST(what_is_no_wish_to_leave) {
  e2ee_bytes *other = NULL, *update = NULL, *own = NULL;
  ck_assert_done(alice, e2ee_group_propose_remove(alice->group, BOB, &other));
  receive(bob, other);
  ck_assert_done(bob, e2ee_group_propose_remove(bob->group, CAROL, &update));
  expect_leaving(E2EE_LEAVING_NO);
  ck_assert_done(bob, e2ee_group_propose_remove(bob->group, BOB, &own)); /* that one is */
  expect_leaving(E2EE_LEAVING_WAITS);
  e2ee_bytes_free(other);
  e2ee_bytes_free(update);
  e2ee_bytes_free(own);
}
END_TEST

/* ---- Left behind ---- */

/* Encrypted, or in the clear. */
static void choose_form(int clear) {
  ck_assert_done(alice, e2ee_client_set(alice->client, E2EE_SET_ENCRYPT_HANDSHAKE, clear == 0));
}

static void give_up(void) {
  ck_assert_done(alice, e2ee_group_commit_discard(alice->group));
}

START_TEST(the_discarded_commit_was_taken) {
  choose_form(_i);
  e2ee_bytes *commit = build_commit(alice, NULL, UINT32_MAX, NULL);
  receive(bob, commit);
  give_up();
  expect_refused(alice, commit, E2EE_ERR_LEFT_BEHIND);
  restart(alice, saved(alice));
  expect_refused(alice, commit, E2EE_ERR_LEFT_BEHIND);
  /* Another one that waits is not taken for it. */
  e2ee_bytes *later = build_commit(alice, NULL, UINT32_MAX, NULL);
  expect_refused(alice, commit, E2EE_ERR_LEFT_BEHIND);
  e2ee_bytes_free(later);
  e2ee_bytes_free(commit);
}
END_TEST

/* Saved, built, sent, and not saved again: what comes back is unknown. */
START_TEST(the_commit_was_never_saved) {
  choose_form(_i);
  e2ee_bytes *before = saved(alice), *commit = build_commit(alice, NULL, UINT32_MAX, NULL);
  receive(bob, commit);
  restart(alice, before);
  choose_form(_i);
  expect_refused(alice, commit, E2EE_ERR_LEFT_BEHIND);
  e2ee_bytes_free(commit);
}
END_TEST

START_TEST(it_comes_back_while_it_is_discarded) {
  e2ee_bytes *commit = build_commit(alice, NULL, UINT32_MAX, NULL);
  e2ee_incoming *incoming = process(alice, commit);
  give_up();
  ck_assert_returns(alice, e2ee_incoming_accept(incoming), E2EE_ERR_LEFT_BEHIND);
  e2ee_incoming_free(incoming);
  e2ee_bytes_free(commit);
}
END_TEST

/* What only was late, or is no commit, is harmless as before. */
START_TEST(nobody_is_left_behind) {
  e2ee_bytes *lost = build_commit(alice, NULL, UINT32_MAX, NULL), *won = renew(bob);
  e2ee_bytes *proposal = NULL;
  give_up();
  receive(alice, won);
  expect_refused(alice, lost, E2EE_ERR_OLD_EPOCH);
  ck_assert_done(alice, e2ee_group_propose_update(alice->group, &proposal));
  expect_refused(alice, proposal, E2EE_ERR_REPLAY);
  e2ee_bytes *own = renew(alice);
  expect_refused(alice, own, E2EE_ERR_OLD_EPOCH);
  e2ee_bytes *const all[] = {lost, won, proposal, own};
  for (size_t i = 0; i < 4; i++)
    e2ee_bytes_free(all[i]);
}
END_TEST

/* ---- Media ---- */

START_TEST(no_media_before_the_external_commit_is_accepted) {
  e2ee_media *media = NULL;
  e2ee_bytes *info = NULL, *commit = NULL;
  ck_assert_done(alice, e2ee_group_info(alice->group, &info));
  ck_assert_done(
      dave, e2ee_group_join_external(dave->client, BYTES(info), NULL, 0, &commit, &dave->group));
  ck_assert_int_eq(e2ee_media_new(0, &media), E2EE_OK);
  ck_assert_returns(dave, e2ee_media_install(media, dave->group), E2EE_ERR_INVALID_STATE);
  ck_assert_ptr_nonnull(strstr(explanation(dave->client), "external commit"));
  ck_assert_done(dave, e2ee_group_commit_accepted(dave->group));
  ck_assert_done(dave, e2ee_media_install(media, dave->group));
  e2ee_media_free(media);
  e2ee_bytes_free(info);
  e2ee_bytes_free(commit);
}
END_TEST

int main(void) {
  TCase *cases = tcase_create("waiting");
  tcase_add_checked_fixture(cases, setup, teardown);
  tcase_set_timeout(cases, 60);
  tcase_add_test(cases, proposals_are_listed);
  tcase_add_test(cases, leaving);
  tcase_add_test(cases, leaving_after_a_restart);
  tcase_add_test(cases, what_is_no_wish_to_leave);
  tcase_add_loop_test(cases, the_discarded_commit_was_taken, 0, 2);
  tcase_add_loop_test(cases, the_commit_was_never_saved, 0, 2);
  tcase_add_test(cases, it_comes_back_while_it_is_discarded);
  tcase_add_test(cases, nobody_is_left_behind);
  tcase_add_test(cases, no_media_before_the_external_commit_is_accepted);
  return run_case("waiting", cases);
}
