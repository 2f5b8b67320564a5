/*
 * The calls of a group's life in the order of the manual, and in others: inspect and refuse, accept,
 * races between commits, echoes, what has become stale, leaving.
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include "fixture.h"
#include "mls/tree/treekem.h"
#include "tests/run.h"

enum { ALICE, BOB, CAROL, DAVE, MEMBERS };

static struct member members[MEMBERS];
static struct member *const alice = &members[ALICE], *const bob = &members[BOB],
                            *const carol = &members[CAROL], *const dave = &members[DAVE];

/* A group of the first three; dave is outside. */
static void setup(void) {
  members_new(members, MEMBERS);
  found_group(members, DAVE);
}

static void teardown(void) {
  members_free(members, MEMBERS);
}

/* The program is linked with this in the place of tree_add_leaf(). */
static bool tree_is_broken;
enum err __real_tree_add_leaf(struct tree *tree, const struct leaf *leaf, uint32_t *index);
enum err __wrap_tree_add_leaf(struct tree *tree, const struct leaf *leaf, uint32_t *index);
enum err __wrap_tree_add_leaf(struct tree *tree, const struct leaf *leaf, uint32_t *index) {
  return tree_is_broken ? ERR_INTERNAL : __real_tree_add_leaf(tree, leaf, index);
}

/* ---- Inspect, then accept or refuse ---- */

START_TEST(commit_shows_its_changes) {
  e2ee_bytes *key_package = key_package_of(dave), *welcome = NULL;
  e2ee_bytes *message = build_commit(alice, key_package, CAROL, &welcome);
  e2ee_incoming *incoming = process(bob, message);
  e2ee_incoming_status status = status_of(incoming);
  ck_assert_uint_eq(status.kind, E2EE_INCOMING_COMMIT);
  ck_assert_uint_eq(status.sender, leaf_of(alice));
  ck_assert_uint_eq(status.epoch, epoch_of(bob) + 1);
  ck_assert_uint_eq(status.flags, 0);
  ck_assert_uint_eq(status.changes, 3);
  bool seen[E2EE_CHANGE_REINIT + 1] = {false};
  for (uint32_t i = 0; i < status.changes; i++) {
    e2ee_change change = change_of(incoming, i);
    ck_assert(!seen[change.kind]);
    seen[change.kind] = true;
    ck_assert_uint_eq(change.proposer, leaf_of(alice));
    ck_assert_uint_eq(change.flags, 0);
    /* Dave takes the leaf that carol leaves. */
    ck_assert_uint_eq(change.leaf, change.kind == E2EE_CHANGE_UPDATE ? ALICE : CAROL);
    expect_named(incoming, i,
                 change.kind == E2EE_CHANGE_UPDATE   ? "alice"
                 : change.kind == E2EE_CHANGE_REMOVE ? "carol"
                                                     : "dave");
  }
  ck_assert(seen[E2EE_CHANGE_ADD] && seen[E2EE_CHANGE_REMOVE] && seen[E2EE_CHANGE_UPDATE]);
  e2ee_incoming_free(incoming);

  /* Refusing left no trace: the same message is still good. */
  incoming = process(carol, message);
  status = status_of(incoming);
  ck_assert_uint_eq(status.flags, 1);
  for (uint32_t i = 0; i < status.changes; i++)
    ck_assert_uint_eq(change_of(incoming, i).flags,
                      change_of(incoming, i).kind == E2EE_CHANGE_REMOVE);
  ck_assert_done(carol, e2ee_incoming_accept(incoming));
  ck_assert_uint_eq(state_of(carol), E2EE_GROUP_LEFT);
  e2ee_incoming_free(incoming);
  receive(bob, message);
  ck_assert_done(alice, e2ee_group_commit_accepted(alice->group));
  join(dave, welcome);
  expect_agreement(bob, dave);
  e2ee_bytes_free(key_package);
  e2ee_bytes_free(welcome);
  e2ee_bytes_free(message);
}
END_TEST

START_TEST(processing_changes_nothing_yet) {
  e2ee_bytes *proposal = NULL, *message = build_commit(alice, NULL, UINT32_MAX, NULL);
  ck_assert_done(carol, e2ee_group_propose_update(carol->group, &proposal));
  const e2ee_bytes *const arriving[] = {proposal, message};
  for (size_t i = 0; i < 2; i++) {
    struct facts before = facts_of(bob->group);
    e2ee_incoming *incoming = process(bob, arriving[i]);
    expect_unchanged(bob->group, &before);
    e2ee_incoming_free(incoming);
    expect_unchanged(bob->group, &before);
  }
  expect_readable(bob, carol);
  e2ee_bytes_free(proposal);
  e2ee_bytes_free(message);
}
END_TEST

START_TEST(message_is_accepted_once) {
  e2ee_bytes *proposal = NULL, *application = NULL;
  ck_assert_done(alice, e2ee_group_encrypt(alice->group, TEXT("x"), &application));
  ck_assert_done(alice, e2ee_group_propose_update(alice->group, &proposal));

  e2ee_incoming *incoming = process(bob, application);
  ck_assert_returns(bob, e2ee_incoming_accept(incoming), E2EE_ERR_INVALID_STATE);
  e2ee_incoming_free(incoming);
  expect_refused(bob, application, E2EE_ERR_REPLAY);

  incoming = process(bob, proposal);
  e2ee_incoming *second = process(bob, proposal);
  ck_assert_done(bob, e2ee_incoming_accept(incoming));
  ck_assert_returns(bob, e2ee_incoming_accept(incoming), E2EE_ERR_INVALID_STATE);
  struct facts before = facts_of(bob->group);
  ck_assert_returns(bob, e2ee_incoming_accept(second), E2EE_ERR_REPLAY);
  expect_unchanged(bob->group, &before);
  e2ee_incoming_free(incoming);
  e2ee_incoming_free(second);
  expect_refused(bob, proposal, E2EE_ERR_REPLAY);

  /* Nobody reads what he sent. */
  expect_refused(alice, application, E2EE_ERR_REPLAY);
  expect_refused(alice, proposal, E2EE_ERR_REPLAY);
  e2ee_bytes_free(application);
  e2ee_bytes_free(proposal);
}
END_TEST

/* ---- Epochs ---- */

START_TEST(what_another_epoch_made_stale) {
  e2ee_bytes *proposal = NULL, *application = NULL, *info = NULL;
  ck_assert_done(carol, e2ee_group_encrypt(carol->group, TEXT("late"), &application));
  ck_assert_done(carol, e2ee_group_propose_update(carol->group, &proposal));
  e2ee_bytes *first = build_commit(alice, NULL, UINT32_MAX, NULL);
  e2ee_bytes *second = build_commit(carol, NULL, UINT32_MAX, NULL);
  e2ee_incoming *of_first = process(bob, first), *of_second = process(bob, second);
  e2ee_incoming *of_proposal = process(bob, proposal);
  ck_assert_done(bob, e2ee_incoming_accept(of_first));

  struct facts before = facts_of(bob->group);
  ck_assert_returns(bob, e2ee_incoming_accept(of_second), E2EE_ERR_OLD_EPOCH);
  ck_assert_returns(bob, e2ee_incoming_accept(of_proposal), E2EE_ERR_OLD_EPOCH);
  expect_unchanged(bob->group, &before);
  expect_refused(bob, second, E2EE_ERR_OLD_EPOCH);
  expect_refused(bob, proposal, E2EE_ERR_OLD_EPOCH);
  e2ee_incoming_free(process(bob, application)); /* may come late */

  /* Carol's lost; alice's is ahead of her until she has it. */
  ck_assert_done(alice, e2ee_group_commit_accepted(alice->group));
  e2ee_bytes *next = NULL;
  ck_assert_done(alice, e2ee_group_encrypt(alice->group, TEXT("early"), &next));
  expect_refused(carol, next, E2EE_ERR_FUTURE_EPOCH);
  ck_assert_done(carol, e2ee_group_commit_discard(carol->group));
  receive(carol, first);
  e2ee_incoming_free(process(carol, next));
  expect_agreement(carol, bob);

  e2ee_bytes *const all[] = {proposal, application, info, first, second, next};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    e2ee_bytes_free(all[i]);
  e2ee_incoming_free(of_first);
  e2ee_incoming_free(of_second);
  e2ee_incoming_free(of_proposal);
}
END_TEST

START_TEST(commit_is_for_the_epoch_it_was_started_in) {
  /* What leaf 2 is in this epoch, it need not be in the next. */
  e2ee_commit *commit = NULL;
  e2ee_bytes *message = NULL, *second = NULL, *welcome = NULL, *key_package = key_package_of(dave);
  ck_assert_done(bob, e2ee_commit_new(bob->group, &commit));
  ck_assert_done(bob, e2ee_commit_remove(commit, CAROL));
  e2ee_bytes *other = build_commit(alice, key_package, CAROL, &welcome);
  receive(bob, other);
  struct facts before = facts_of(bob->group);
  ck_assert_returns(bob, e2ee_commit_add(commit, BYTES(key_package)), E2EE_ERR_OLD_EPOCH);
  ck_assert_returns(bob, e2ee_commit_remove(commit, CAROL), E2EE_ERR_OLD_EPOCH);
  ck_assert_returns(bob, e2ee_commit_build(commit, &message, &second), E2EE_ERR_OLD_EPOCH);
  ck_assert_ptr_null(message);
  expect_unchanged(bob->group, &before);
  e2ee_commit_free(commit);
  e2ee_bytes_free(other);
  e2ee_bytes_free(welcome);
  e2ee_bytes_free(key_package);
}
END_TEST

/* ---- Own commits ---- */

START_TEST(echo_of_the_own_commit) {
  e2ee_bytes *message = build_commit(alice, NULL, UINT32_MAX, NULL);
  ck_assert_uint_eq(state_of(alice), E2EE_GROUP_PENDING);
  e2ee_incoming *incoming = process(alice, message);
  e2ee_incoming_status status = status_of(incoming);
  ck_assert_uint_eq(status.kind, E2EE_INCOMING_OWN_COMMIT);
  ck_assert_uint_eq(status.sender, ALICE);
  ck_assert_uint_eq(status.epoch, epoch_of(alice) + 1);
  ck_assert_uint_eq(status.changes, 0);
  ck_assert_done(alice, e2ee_incoming_accept(incoming));
  e2ee_incoming_free(incoming);
  ck_assert_uint_eq(state_of(alice), E2EE_GROUP_ACTIVE);
  expect_refused(alice, message, E2EE_ERR_OLD_EPOCH);
  receive(bob, message);
  expect_agreement(alice, bob);
  e2ee_bytes_free(message);
}
END_TEST

START_TEST(echo_of_a_discarded_commit) {
  e2ee_bytes *first = build_commit(alice, NULL, UINT32_MAX, NULL);
  e2ee_incoming *of_first = process(alice, first);
  ck_assert_done(alice, e2ee_group_commit_discard(alice->group));
  struct facts before = facts_of(alice->group);
  ck_assert_returns(alice, e2ee_incoming_accept(of_first), E2EE_ERR_LEFT_BEHIND);
  expect_unchanged(alice->group, &before);
  expect_refused(alice, first, E2EE_ERR_LEFT_BEHIND);

  /* Nor does it stand for another commit that is pending meanwhile. */
  e2ee_bytes *second = build_commit(alice, NULL, UINT32_MAX, NULL);
  before = facts_of(alice->group);
  ck_assert_returns(alice, e2ee_incoming_accept(of_first), E2EE_ERR_LEFT_BEHIND);
  expect_unchanged(alice->group, &before);
  receive(alice, second);
  receive(bob, second);
  expect_agreement(alice, bob);
  e2ee_incoming_free(of_first);
  e2ee_bytes_free(first);
  e2ee_bytes_free(second);
}
END_TEST

START_TEST(lost_race_does_no_harm) {
  e2ee_bytes *loser = build_commit(alice, NULL, UINT32_MAX, NULL);
  e2ee_bytes *winner = build_commit(bob, NULL, UINT32_MAX, NULL);
  e2ee_incoming *incoming = process(alice, winner);
  struct facts before = facts_of(alice->group);
  ck_assert_returns(alice, e2ee_incoming_accept(incoming), E2EE_ERR_PENDING_COMMIT);
  expect_unchanged(alice->group, &before);
  ck_assert_done(alice, e2ee_group_commit_discard(alice->group));
  ck_assert_uint_eq(state_of(alice), E2EE_GROUP_ACTIVE);
  ck_assert_done(alice, e2ee_incoming_accept(incoming));
  e2ee_incoming_free(incoming);
  receive(carol, winner);
  ck_assert_done(bob, e2ee_group_commit_accepted(bob->group));
  expect_refused(carol, loser, E2EE_ERR_OLD_EPOCH);
  expect_agreement(alice, bob);
  expect_agreement(alice, carol);
  e2ee_bytes_free(loser);
  e2ee_bytes_free(winner);
}
END_TEST

START_TEST(pending_commit_is_told_again) {
  e2ee_bytes *key_package = key_package_of(dave), *welcome = NULL, *again[2] = {NULL, NULL};
  ck_assert_returns(alice, e2ee_group_pending_commit(alice->group, &again[0], &again[1]),
                    E2EE_ERR_NOT_FOUND);
  ck_assert_returns(alice, e2ee_group_commit_accepted(alice->group), E2EE_ERR_NOT_FOUND);
  ck_assert_returns(alice, e2ee_group_commit_discard(alice->group), E2EE_ERR_NOT_FOUND);

  e2ee_bytes *message = build_commit(alice, key_package, UINT32_MAX, &welcome);
  ck_assert_done(alice, e2ee_group_pending_commit(alice->group, &again[0], &again[1]));
  ck_assert_uint_eq(e2ee_bytes_size(again[0]), e2ee_bytes_size(message));
  ck_assert_mem_eq(e2ee_bytes_data(again[0]), e2ee_bytes_data(message), e2ee_bytes_size(message));
  ck_assert_uint_eq(e2ee_bytes_size(again[1]), e2ee_bytes_size(welcome));
  ck_assert_mem_eq(e2ee_bytes_data(again[1]), e2ee_bytes_data(welcome), e2ee_bytes_size(welcome));
  e2ee_bytes_free(again[0]);
  e2ee_bytes_free(again[1]);

  /* A second commit has to wait; what else a member may do, goes on. */
  e2ee_commit *commit = NULL;
  struct facts before = facts_of(alice->group);
  ck_assert_done(alice, e2ee_commit_new(alice->group, &commit));
  ck_assert_returns(alice, e2ee_commit_build(commit, &again[0], &again[1]),
                    E2EE_ERR_PENDING_COMMIT);
  expect_unchanged(alice->group, &before);
  expect_readable(alice, bob);
  expect_readable(bob, alice);

  /* The same plan serves again when the first attempt is discarded. */
  ck_assert_done(alice, e2ee_group_commit_discard(alice->group));
  ck_assert_done(alice, e2ee_commit_build(commit, &again[0], &again[1]));
  ck_assert_ptr_null(again[1]);
  ck_assert_done(alice, e2ee_group_commit_accepted(alice->group));
  receive(bob, again[0]);
  expect_agreement(alice, bob);
  e2ee_commit_free(commit);
  e2ee_bytes_free(again[0]);
  e2ee_bytes_free(key_package);
  e2ee_bytes_free(welcome);
  e2ee_bytes_free(message);
}
END_TEST

/* ---- Proposals ---- */

START_TEST(commit_names_a_proposal_never_received) {
  e2ee_bytes *proposal = NULL;
  ck_assert_done(alice, e2ee_group_propose_update(alice->group, &proposal));
  receive(bob, proposal);
  e2ee_bytes *message = build_commit(bob, NULL, UINT32_MAX, NULL);
  expect_refused(carol, message, E2EE_ERR_MISSING_PROPOSAL);
  receive(carol, proposal);
  receive(carol, message);
  receive(alice, message);
  ck_assert_done(bob, e2ee_group_commit_accepted(bob->group));
  expect_agreement(alice, carol);
  expect_agreement(alice, bob);
  e2ee_bytes_free(proposal);
  e2ee_bytes_free(message);
}
END_TEST

/* A proposal of another that cannot be applied is left out; but not when that is the fault of ours. */
START_TEST(proposal_that_meets_a_bug) {
  e2ee_bytes *key_package = key_package_of(dave), *proposal = NULL, *message = NULL,
             *welcome = NULL;
  e2ee_commit *commit = NULL;
  ck_assert_done(bob, e2ee_group_propose_add(bob->group, BYTES(key_package), &proposal));
  receive(alice, proposal);
  ck_assert_done(alice, e2ee_commit_new(alice->group, &commit));
  tree_is_broken = true;
  ck_assert_returns(alice, e2ee_commit_build(commit, &message, &welcome), E2EE_ERR_INTERNAL);
  tree_is_broken = false;
  ck_assert_ptr_null(message);
  e2ee_commit_free(commit);
  e2ee_bytes_free(key_package);
  e2ee_bytes_free(proposal);
}
END_TEST

START_TEST(own_update_is_committed_by_another) {
  e2ee_bytes *proposal = NULL;
  ck_assert_done(alice, e2ee_group_propose_update(alice->group, &proposal));
  receive(bob, proposal);
  receive(carol, proposal);
  e2ee_bytes *message = build_commit(bob, NULL, UINT32_MAX, NULL);
  e2ee_incoming *incoming = process(alice, message);
  e2ee_change change = change_of(incoming, 0);
  uint8_t code[128];
  size_t size = sizeof code;
  ck_assert_uint_eq(change.kind, E2EE_CHANGE_UPDATE);
  ck_assert_uint_eq(change.leaf, ALICE);
  ck_assert_uint_eq(change.proposer, ALICE);
  ck_assert_uint_eq(change.flags, 1);
  ck_assert_returns(alice, e2ee_incoming_member(incoming, 0, E2EE_MEMBER_SAFETY_CODE, code, &size),
                    E2EE_ERR_INVALID_ARG); /* there is no code for a member and itself */
  ck_assert_done(alice, e2ee_incoming_accept(incoming));
  receive(carol, message);
  ck_assert_done(bob, e2ee_group_commit_accepted(bob->group));
  expect_agreement(alice, carol);
  e2ee_incoming_free(incoming);
  e2ee_bytes_free(proposal);
  e2ee_bytes_free(message);
}
END_TEST

START_TEST(leaving_is_committed_by_another) {
  e2ee_bytes *proposal = NULL, *out = NULL;
  ck_assert_done(carol, e2ee_group_propose_leave(carol->group, &proposal));
  e2ee_incoming *incoming = process(bob, proposal);
  ck_assert_uint_eq(status_of(incoming).kind, E2EE_INCOMING_PROPOSAL);
  ck_assert_uint_eq(status_of(incoming).epoch, epoch_of(bob));
  e2ee_change change = change_of(incoming, 0);
  ck_assert_uint_eq(change.kind, E2EE_CHANGE_REMOVE);
  ck_assert_uint_eq(change.leaf, CAROL);
  ck_assert_uint_eq(change.proposer, CAROL);
  expect_named(incoming, 0, "carol");
  ck_assert_done(bob, e2ee_incoming_accept(incoming));
  e2ee_incoming_free(incoming);
  receive(alice, proposal);

  /* RFC 9420, section 12.4: first the commit, then application data. */
  ck_assert_returns(bob, e2ee_group_encrypt(bob->group, TEXT("x"), &out), E2EE_ERR_INVALID_STATE);
  e2ee_bytes *message = build_commit(bob, NULL, UINT32_MAX, NULL);
  receive(alice, message);
  incoming = process(carol, message);
  ck_assert_uint_eq(status_of(incoming).flags, 1);
  ck_assert_done(carol, e2ee_incoming_accept(incoming));
  e2ee_incoming_free(incoming);
  ck_assert_done(bob, e2ee_group_commit_accepted(bob->group));
  expect_agreement(alice, bob);

  ck_assert_uint_eq(state_of(carol), E2EE_GROUP_LEFT);
  expect_refused(carol, message, E2EE_ERR_INVALID_STATE);
  e2ee_bytes_free(proposal);
  e2ee_bytes_free(message);
}
END_TEST

START_TEST(nothing_goes_in_a_group_that_was_left) {
  e2ee_bytes *key_package = key_package_of(dave), *out = NULL, *second = NULL;
  e2ee_commit *commit = NULL, *started = NULL;
  uint8_t secret[16];
  size_t size = sizeof secret;
  ck_assert_done(carol, e2ee_commit_new(carol->group, &started));
  e2ee_bytes *message = build_commit(alice, NULL, CAROL, NULL);
  receive(carol, message);
  struct facts before = facts_of(carol->group);
  ck_assert_int_eq(before.exported, E2EE_ERR_INVALID_STATE);
  e2ee_group *group = carol->group;
  const int refused = E2EE_ERR_INVALID_STATE;
  ck_assert_returns(carol, e2ee_group_propose_add(group, BYTES(key_package), &out), refused);
  ck_assert_returns(carol, e2ee_group_propose_remove(group, ALICE, &out), refused);
  ck_assert_returns(carol, e2ee_group_propose_update(group, &out), refused);
  ck_assert_returns(carol, e2ee_group_propose_leave(group, &out), refused);
  ck_assert_returns(carol, e2ee_commit_new(group, &commit), refused);
  ck_assert_returns(carol, e2ee_commit_add(started, BYTES(key_package)), refused);
  ck_assert_returns(carol, e2ee_commit_remove(started, ALICE), refused);
  ck_assert_returns(carol, e2ee_commit_build(started, &out, &second), refused);
  ck_assert_returns(carol, e2ee_group_encrypt(group, TEXT("x"), &out), refused);
  ck_assert_returns(carol, e2ee_group_info(group, &out), refused);
  ck_assert_returns(carol, e2ee_group_safety_code(group, secret, &size), refused);
  ck_assert_returns(carol, e2ee_group_commit_accepted(group), E2EE_ERR_NOT_FOUND);
  expect_unchanged(group, &before);
  ck_assert_uint_eq(before.status.members, 3); /* as last seen */

  /* Who was removed may be invited again. */
  ck_assert_done(alice, e2ee_group_commit_accepted(alice->group));
  e2ee_bytes_free(key_package);
  key_package = key_package_of(carol);
  e2ee_bytes_free(build_commit(alice, key_package, UINT32_MAX, &second));
  ck_assert_done(alice, e2ee_group_commit_accepted(alice->group));
  e2ee_group_free(carol->group);
  join(carol, second);
  expect_agreement(alice, carol);
  e2ee_commit_free(started);
  e2ee_bytes_free(key_package);
  e2ee_bytes_free(message);
  e2ee_bytes_free(second);
}
END_TEST

int main(void) {
  TCase *cases = tcase_create("life");
  tcase_add_checked_fixture(cases, setup, teardown);
  tcase_set_timeout(cases, 120);
  tcase_add_test(cases, commit_shows_its_changes);
  tcase_add_test(cases, processing_changes_nothing_yet);
  tcase_add_test(cases, message_is_accepted_once);
  tcase_add_test(cases, what_another_epoch_made_stale);
  tcase_add_test(cases, commit_is_for_the_epoch_it_was_started_in);
  tcase_add_test(cases, echo_of_the_own_commit);
  tcase_add_test(cases, echo_of_a_discarded_commit);
  tcase_add_test(cases, lost_race_does_no_harm);
  tcase_add_test(cases, pending_commit_is_told_again);
  tcase_add_test(cases, commit_names_a_proposal_never_received);
  tcase_add_test(cases, proposal_that_meets_a_bug);
  tcase_add_test(cases, own_update_is_committed_by_another);
  tcase_add_test(cases, leaving_is_committed_by_another);
  tcase_add_test(cases, nothing_goes_in_a_group_that_was_left);
  return run_case("calls", cases);
}
