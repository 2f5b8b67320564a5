/*
 * Saved state: whoever is saved and loaded is the same as before, at every point of a group's life.
 * SPDX-License-Identifier: ISC
 */
#include <check.h>
#include <string.h>

#include "company.h"
#include "crypto/provider.h"
#include "mls/group/groupinfo.h"
#include "same.h"
#include "state/seal.h"
#include "state/snapshot.h"
#include "tests/run.h"

#define MEMBERS 5

static const uint8_t key[SEALBOX_KEY_SIZE] = {7, 7, 7};

/* ---- Saving and loading ---- */

static struct client *client_again(struct client *client) {
  struct bytes blob = {0};
  struct client *again = NULL;
  struct why why = {""};
  ck_assert_int_eq(snapshot_save_client(client, VIEW_ARRAY(key), &blob), OK);
  if (snapshot_load_client(VIEW_ARRAY(key), bytes_view(&blob), &why, &again) != OK)
    ck_abort_msg("%s", why.text);
  same_client(client, again);
  bytes_free(&blob);
  return again;
}

/* The trees that were saved on their own, as an app would store them. */
#define TREES 64
static struct bytes trees[TREES];
static size_t tree_count;

static struct view stored_tree(const struct group *group) {
  for (size_t i = 0; i < tree_count; i++)
    if (view_equal(seal_nonce(bytes_view(&trees[i])), VIEW_ARRAY(group->saved.id)))
      return bytes_view(&trees[i]);
  ck_abort_msg("the tree was not stored");
}

/* A group in two blobs; the tree was most often saved some epochs ago. */
static struct group *group_from_two(struct group *group, struct client *client) {
  struct bytes changes = {0};
  struct group *again = NULL;
  if (group->saved.tree == NULL) {
    ck_assert_int_eq(snapshot_save_changes(group, VIEW_ARRAY(key), &changes), ERR_INVALID_STATE);
    ck_assert_uint_lt(tree_count, TREES);
    ck_assert_int_eq(snapshot_save_tree(group, VIEW_ARRAY(key), &trees[tree_count]), OK);
    tree_count++;
  }
  ck_assert_int_eq(snapshot_save_changes(group, VIEW_ARRAY(key), &changes), OK);
  if (snapshot_load_changes(client, VIEW_ARRAY(key), stored_tree(group), bytes_view(&changes),
                            &again) != OK)
    ck_abort_msg("%s", client->why.text);
  same_group(group, again);
  same_tree(group->saved.tree, again->saved.tree);
  same_bytes(VIEW_ARRAY(group->saved.id), VIEW_ARRAY(again->saved.id));
  ck_assert_uint_eq(group->saved.size, again->saved.size);
  bytes_free(&changes);
  return again;
}

static struct group *group_again(struct group *group, struct client *client) {
  struct bytes blob = {0};
  struct group *again = NULL;
  ck_assert_int_eq(snapshot_save_group(group, VIEW_ARRAY(key), &blob), OK);
  if (snapshot_load_group(client, VIEW_ARRAY(key), bytes_view(&blob), &again) != OK)
    ck_abort_msg("%s", client->why.text);
  same_group(group, again);
  group_free(again);
  again = group_from_two(group, client);
  ck_assert(again->restored);
  ck_assert_ptr_eq(again->client, client);
  bytes_free(&blob);
  return again;
}

static struct member member_again(const struct member *member) {
  struct member again = {client_again(member->client), NULL};
  if (member->group != NULL)
    again.group = group_again(member->group, again.client);
  return again;
}

/* Everybody's program ends and starts again. */
static void restart(struct member *members) {
  for (size_t i = 0; i < MEMBERS; i++) {
    struct member again = member_again(&members[i]);
    member_free(&members[i]);
    members[i] = again;
  }
}

static void company(struct member *members, uint16_t suite, size_t present) {
  for (size_t i = 0; i < MEMBERS; i++)
    members[i] = member_new(suite, (char)('a' + i));
  company_new(members, MEMBERS, present);
}

/* ---- A life with a restart after each step ---- */

static void all_agree(struct member *members) {
  for (size_t i = 1; i < MEMBERS; i++)
    if (members[i].group != NULL && !members[i].group->left)
      members_agree(&members[0], &members[i]);
}

static void add_with_restarts(struct member *members, size_t by, size_t joiner) {
  struct bytes key_package = {0};
  struct commit_plan plan = {0};
  struct opened_welcome opened = {0};
  ck_assert_int_eq(client_key_package(members[joiner].client, &key_package), OK);
  restart(members);
  ck_assert_int_eq(commit_plan_add(&plan, members[by].group, bytes_view(&key_package)), OK);
  ck_assert_int_eq(commit_build(members[by].group, &plan), OK);
  restart(members);
  struct bytes welcome = {0};
  ck_assert_int_eq(bytes_copy(&welcome, bytes_view(&members[by].group->pending->welcome)), OK);
  company_hears(members, MEMBERS, by, bytes_view(&members[by].group->pending->message));
  ck_assert_int_eq(commit_accepted(members[by].group), OK);
  restart(members);
  ck_assert_int_eq(
      join_open_welcome(members[joiner].client, bytes_view(&welcome), VIEW_NONE, &opened), OK);
  ck_assert_int_eq(join_accept_welcome(members[joiner].client, &opened, &members[joiner].group),
                   OK);
  restart(members);
  all_agree(members);
  opened_welcome_free(&opened);
  commit_plan_free(&plan);
  bytes_free(&key_package);
  bytes_free(&welcome);
}

/* Proposals of several kinds, an own Update among them; committed by somebody else. */
static void propose_with_restarts(struct member *members) {
  struct bytes update = {0}, removal = {0};
  ck_assert_int_eq(group_propose_update(members[1].group, &update), OK);
  company_hears(members, MEMBERS, 1, bytes_view(&update));
  restart(members);
  ck_assert_ptr_nonnull(members[1].group->proposals.item[0].update_key);
  ck_assert_int_eq(group_propose_remove(members[0].group, 2, &removal), OK);
  company_hears(members, MEMBERS, 0, bytes_view(&removal));
  restart(members);
  company_commit(members, MEMBERS, 3);
  ck_assert(members[2].group->left);
  restart(members);
  ck_assert(members[2].group->left);
  all_agree(members);
  bytes_free(&update);
  bytes_free(&removal);
}

static void join_from_outside(struct member *members, size_t joiner) {
  struct bytes info = {0};
  struct member *member = &members[joiner];
  ck_assert_int_eq(group_info(members[0].group, &info), OK);
  ck_assert_int_eq(join_external(member->client, bytes_view(&info), VIEW_NONE, &member->group), OK);
  restart(members);
  ck_assert_int_eq(group_check_active(member->group), ERR_INVALID_STATE);
  for (size_t i = 0; i < MEMBERS; i++)
    if (i != joiner && !members[i].group->left)
      member_hears(&members[i], bytes_view(&member->group->pending->message));
  ck_assert_int_eq(commit_accepted(member->group), OK);
  restart(members);
  all_agree(members);
  bytes_free(&info);
}

START_TEST(test_life) {
  if (suite_find((uint16_t)_i) == NULL)
    return;
  struct member members[MEMBERS];
  company(members, (uint16_t)_i, 1);
  restart(members);
  for (size_t joiner = 1; joiner < 4; joiner++)
    add_with_restarts(members, joiner - 1, joiner);
  for (size_t by = 0; by < 4; by++) {
    company_commit(members, MEMBERS, by);
    restart(members);
  }
  propose_with_restarts(members);
  join_from_outside(members, 4);
  company_commit(members, MEMBERS, 4);
  restart(members);
  all_agree(members);
  company_free(members, MEMBERS);
}
END_TEST

/* ---- Two copies ---- */

/* The copy does what the original does with the same input. */
START_TEST(test_copies_behave_alike) {
  struct member members[MEMBERS];
  company(members, 1, 4);
  struct bytes update = {0};
  ck_assert_int_eq(group_propose_update(members[1].group, &update), OK);
  company_hears(members, MEMBERS, 1, bytes_view(&update));
  struct member copy = member_again(&members[1]);
  struct commit_plan plan = {0};
  ck_assert_int_eq(commit_build(members[0].group, &plan), OK);
  struct view commit = bytes_view(&members[0].group->pending->message);
  member_hears(&copy, commit);
  company_hears(members, MEMBERS, 0, commit);
  ck_assert_int_eq(commit_accepted(members[0].group), OK);
  same_group(members[1].group, copy.group);

  struct bytes message = member_says(&members[2], "to both");
  member_reads(&copy, bytes_view(&message), "to both");
  member_refuses(&copy, bytes_view(&message), ERR_REPLAY);
  member_reads(&members[1], bytes_view(&message), "to both");
  same_group(members[1].group, copy.group);
  bytes_free(&update);
  bytes_free(&message);
  member_free(&copy);
  company_free(members, MEMBERS);
}
END_TEST

/* No key is used twice: ratchets go on where they stood. */
START_TEST(test_ratchets_go_on) {
  struct member members[MEMBERS];
  company(members, 1, 2);
  struct bytes sent[6];
  for (size_t i = 0; i < 6; i++) {
    sent[i] = member_says(&members[0], "one after the other");
    restart(members);
  }
  /* Out of order: what was skipped is kept, what was read is not read again. */
  static const size_t order[] = {3, 0, 5, 1, 2, 4};
  for (size_t i = 0; i < 6; i++) {
    member_reads(&members[1], bytes_view(&sent[order[i]]), "one after the other");
    restart(members);
    for (size_t j = 0; j <= i; j++)
      member_refuses(&members[1], bytes_view(&sent[order[j]]), ERR_REPLAY);
  }
  for (size_t i = 0; i < 6; i++)
    bytes_free(&sent[i]);
  company_free(members, MEMBERS);
}
END_TEST

/* Past epochs come along, with the members they had. */
START_TEST(test_late_messages) {
  struct member members[MEMBERS];
  company(members, 1, 3);
  struct bytes late = member_says(&members[2], "late"), later = member_says(&members[2], "later");
  struct commit_plan plan = {0};
  ck_assert_int_eq(commit_plan_remove(&plan, members[0].group, 2), OK);
  ck_assert_int_eq(commit_build(members[0].group, &plan), OK);
  company_hears(members, MEMBERS, 0, bytes_view(&members[0].group->pending->message));
  ck_assert_int_eq(commit_accepted(members[0].group), OK);
  restart(members);
  ck_assert_ptr_null(tree_leaf(members[1].group->epoch->tree, 2));
  member_reads(&members[1], bytes_view(&late), "late");
  company_commit(members, MEMBERS, 0);
  restart(members);
  ck_assert_uint_eq(members[1].group->past_count, 2);
  member_refuses(&members[1], bytes_view(&late), ERR_REPLAY);
  member_reads(&members[1], bytes_view(&later), "later");
  company_commit(members, MEMBERS, 0);
  restart(members);
  member_refuses(&members[1], bytes_view(&later), ERR_OLD_EPOCH);
  commit_plan_free(&plan);
  bytes_free(&late);
  bytes_free(&later);
  company_free(members, MEMBERS);
}
END_TEST

/* The own commit is known when it comes back, and can be dropped for another's. */
START_TEST(test_pending_commit) {
  struct member members[MEMBERS];
  company(members, 1, 2);
  struct commit_plan plan = {0};
  ck_assert_int_eq(commit_build(members[0].group, &plan), OK);
  struct member loser = member_again(&members[0]);
  restart(members);
  struct incoming *incoming = NULL;
  struct bytes own = {0};
  ck_assert_int_eq(bytes_copy(&own, bytes_view(&members[0].group->pending->message)), OK);
  ck_assert_int_eq(process_message(members[0].group, bytes_view(&own), &incoming), OK);
  ck_assert_uint_eq(incoming->kind, E2EE_INCOMING_OWN_COMMIT);
  ck_assert_int_eq(process_accept(incoming), OK);
  member_hears(&members[1], bytes_view(&own));
  members_agree(&members[0], &members[1]);
  ck_assert_int_eq(commit_discard(loser.group), OK);
  ck_assert(loser.group->restored);
  incoming_free(incoming);
  bytes_free(&own);
  member_free(&loser);
  company_free(members, MEMBERS);
}
END_TEST

/* A commit that was saved may be accepted in two copies; one that was not makes this copy unique. */
START_TEST(test_unique_again) {
  struct member members[MEMBERS];
  company(members, 1, 2);
  struct commit_plan plan = {0};
  ck_assert(!members[0].group->restored);
  ck_assert_int_eq(commit_build(members[0].group, &plan), OK);
  restart(members);
  ck_assert_int_eq(commit_accepted(members[0].group), OK);
  ck_assert(members[0].group->restored);
  ck_assert_int_eq(commit_build(members[0].group, &plan), OK);
  ck_assert_int_eq(commit_accepted(members[0].group), OK);
  ck_assert(!members[0].group->restored);
  company_free(members, MEMBERS);
}
END_TEST

/* An external commit that was refused: never a member, and saved as such. */
START_TEST(test_external_commit_refused) {
  struct member members[MEMBERS];
  company(members, 1, 2);
  struct bytes info = {0};
  ck_assert_int_eq(group_info(members[0].group, &info), OK);
  ck_assert_int_eq(
      join_external(members[4].client, bytes_view(&info), VIEW_NONE, &members[4].group), OK);
  restart(members);
  ck_assert_int_eq(commit_discard(members[4].group), OK);
  restart(members);
  ck_assert(members[4].group->left);
  ck_assert_uint_eq(members[4].client->group_count, 0);
  bytes_free(&info);
  company_free(members, MEMBERS);
}
END_TEST

/* A group that is looked at from outside, before a commit in it is made. */
START_TEST(test_seen_from_outside) {
  struct member members[MEMBERS];
  company(members, 1, 2);
  struct bytes info = {0};
  struct commit_plan plan = {0};
  struct member *joiner = &members[4];
  ck_assert_int_eq(group_info(members[0].group, &info), OK);
  ck_assert_int_eq(external_open(joiner->client, bytes_view(&info), VIEW_NONE, &joiner->group), OK);
  restart(members);
  ck_assert_ptr_null(joiner->group->pending);
  ck_assert_int_eq(commit_build(joiner->group, &plan), OK);
  for (size_t i = 0; i < 2; i++)
    member_hears(&members[i], bytes_view(&joiner->group->pending->message));
  ck_assert_int_eq(commit_accepted(joiner->group), OK);
  restart(members);
  all_agree(members);
  bytes_free(&info);
  company_free(members, MEMBERS);
}
END_TEST

/* ---- Groups that go on from another one ---- */

/* The link to the old group is saved until it has been used. */
START_TEST(test_branch) {
  struct member members[MEMBERS];
  struct group *branch = NULL, *old[2];
  struct opened_welcome opened = {0};
  struct bytes key_package = {0}, welcome = {0};
  struct commit_plan plan = {0};
  company(members, 1, 2);
  restart(members);
  ck_assert_int_eq(
      group_new_branch(members[0].client, members[0].group, VIEW_TEXT("branch"), &branch), OK);
  ck_assert_int_eq(client_key_package(members[1].client, &key_package), OK);
  struct group *again = group_again(branch, members[0].client);
  group_free(branch);
  ck_assert_ptr_nonnull(again->link);
  old[0] = members[0].group;
  members[0].group = again;
  ck_assert_int_eq(commit_plan_add(&plan, again, bytes_view(&key_package)), OK);
  ck_assert_int_eq(commit_build(again, &plan), OK);
  ck_assert_int_eq(bytes_copy(&welcome, bytes_view(&again->pending->welcome)), OK);
  ck_assert_int_eq(commit_accepted(again), OK);
  ck_assert_int_eq(join_open_welcome(members[1].client, bytes_view(&welcome), VIEW_NONE, &opened),
                   OK);
  ck_assert_int_eq(join_accept_welcome(members[1].client, &opened, &branch), OK);
  old[1] = members[1].group;
  members[1].group = branch;
  members_agree(&members[0], &members[1]);
  opened_welcome_free(&opened);
  commit_plan_free(&plan);
  bytes_free(&key_package);
  bytes_free(&welcome);
  group_free(old[0]);
  group_free(old[1]);
  company_free(members, MEMBERS);
}
END_TEST

/* A group that a ReInit has ended stays ended, and tells how to go on. */
START_TEST(test_reinit) {
  struct member members[MEMBERS];
  struct writer writer = {0};
  struct commit_plan plan = {0};
  struct group *next = NULL;
  company(members, 1, 2);
  proposal_write_reinit(&writer, VIEW_TEXT("next"), MLS_VERSION_10, 1, VIEW_NONE);
  ck_assert_int_eq(commit_plan_proposal(&plan, members[0].group, writer_view(&writer)), OK);
  ck_assert_int_eq(commit_build(members[0].group, &plan), OK);
  restart(members);
  company_hears(members, MEMBERS, 0, bytes_view(&members[0].group->pending->message));
  ck_assert_int_eq(commit_accepted(members[0].group), OK);
  restart(members);
  for (size_t i = 0; i < 2; i++)
    ck_assert_int_eq(group_state(members[i].group), GROUP_ENDED);
  ck_assert_int_eq(group_new_successor(members[1].client, members[1].group, &next), OK);
  ck_assert(view_equal(group_identifier(next), VIEW_TEXT("next")));
  group_free(next);
  commit_plan_free(&plan);
  writer_free(&writer);
  company_free(members, MEMBERS);
}
END_TEST

/* ---- The client ---- */

START_TEST(test_client) {
  struct member member = member_new(1, 'a');
  struct bytes key_package = {0};
  struct view psk;
  for (size_t i = 0; i < 3; i++) {
    ck_assert_int_eq(client_key_package(member.client, &key_package), OK);
    bytes_free(&key_package);
  }
  ck_assert_int_eq(client_add_psk(member.client, VIEW_TEXT("id"), VIEW_TEXT("secret")), OK);
  ck_assert_int_eq(client_add_psk(member.client, VIEW_TEXT("other"), VIEW_TEXT("")), OK);
  member.client->settings.max_members = 5;
  struct client *again = client_again(member.client);
  ck_assert(client_find_psk(again, VIEW_TEXT("id"), &psk));
  same_bytes(psk, VIEW_TEXT("secret"));
  /* Settings are not saved. */
  ck_assert_uint_eq(again->settings.max_members, 32768);
  client_free(again);
  member_free(&member);
}
END_TEST

/* A client is in as many groups as there are handles, whatever their ids. */
START_TEST(test_list_of_groups) {
  struct member members[MEMBERS];
  company(members, 1, 3);
  struct client *client = members[2].client;
  struct group *second = group_again(members[2].group, client);
  ck_assert_uint_eq(client->group_count, 2);
  group_free(second);
  ck_assert_uint_eq(client->group_count, 1);
  ck_assert(client_in_group(client, VIEW_TEXT("company")));
  struct bytes removal = {0};
  ck_assert_int_eq(group_propose_remove(members[0].group, 2, &removal), OK);
  company_hears(members, MEMBERS, 0, bytes_view(&removal));
  company_commit(members, MEMBERS, 0);
  ck_assert_uint_eq(client->group_count, 0);
  struct group *left = group_again(members[2].group, client);
  ck_assert_uint_eq(client->group_count, 0);
  group_free(left);
  bytes_free(&removal);
  company_free(members, MEMBERS);
}
END_TEST

int main(void) {
  if (provider_init() != OK)
    return 2;
  TCase *tests = tcase_create("state");
  tcase_set_timeout(tests, 120);
  tcase_add_loop_test(tests, test_life, 1, 8);
  tcase_add_test(tests, test_copies_behave_alike);
  tcase_add_test(tests, test_ratchets_go_on);
  tcase_add_test(tests, test_late_messages);
  tcase_add_test(tests, test_pending_commit);
  tcase_add_test(tests, test_unique_again);
  tcase_add_test(tests, test_external_commit_refused);
  tcase_add_test(tests, test_seen_from_outside);
  tcase_add_test(tests, test_branch);
  tcase_add_test(tests, test_reinit);
  tcase_add_test(tests, test_client);
  tcase_add_test(tests, test_list_of_groups);
  return run_case("state", tests);
}
