/*
 * Who leaves, and how: SelfRemove (draft-ietf-mls-extensions); and which of the proposals that wait goes
 * into a commit where not all can.
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include <e2ee/mls.h>

#include "api/handles.h"
#include "crypto/hpke.h"
#include "fixture.h"
#include "tests/run.h"

enum { ALICE, BOB, CAROL, DAVE, MEMBERS };

#define SELF_REMOVE 10

static struct member members[MEMBERS];
static struct member *const alice = &members[ALICE], *const bob = &members[BOB],
                            *const carol = &members[CAROL], *const dave = &members[DAVE];

static void setup_suite(uint16_t suite) {
  static const char *const names[MEMBERS] = {"alice", "bob", "carol", "dave"};
  for (size_t i = 0; i < MEMBERS; i++) {
    const uint8_t *name = (const uint8_t *)names[i];
    members[i] = (struct member){NULL, NULL};
    ck_assert_int_eq(e2ee_client_new(suite, name, strlen(names[i]), &members[i].client), E2EE_OK);
  }
  found_group(members, MEMBERS);
}

static void setup(void) {
  setup_suite(SUITE);
}

static void teardown(void) {
  members_free(members, MEMBERS);
}

/* All others accept a message, which is freed. */
static void deliver(const struct member *from, e2ee_bytes *message) {
  for (size_t i = 0; i < MEMBERS; i++)
    if (&members[i] != from)
      receive(&members[i], message);
  e2ee_bytes_free(message);
}

static e2ee_bytes *leave(struct member *member) {
  e2ee_bytes *message = NULL;
  ck_assert_done(member, e2ee_group_propose_leave(member->group, &message));
  return message;
}

static e2ee_bytes *propose_remove(struct member *by, uint32_t leaf) {
  e2ee_bytes *message = NULL;
  ck_assert_done(by, e2ee_group_propose_remove(by->group, leaf, &message));
  return message;
}

/* What alice sees of a commit of bob's, by which he removes a leaf unless that is UINT32_MAX. */
static e2ee_incoming *bob_commits(uint32_t leaf) {
  e2ee_bytes *message = build_commit(bob, NULL, leaf, NULL);
  e2ee_incoming *incoming = process(alice, message);
  e2ee_bytes_free(message);
  return incoming;
}

/* By which type of proposal a leaf is removed; 0: by none.  By two it cannot be. */
static uint32_t removed_by(const e2ee_incoming *incoming, uint32_t leaf) {
  uint32_t type = 0;
  for (uint32_t i = 0; i < status_of(incoming).changes; i++) {
    e2ee_proposal says;
    e2ee_change change = change_of(incoming, i);
    ck_assert_done(alice, e2ee_incoming_change_proposal(incoming, i, &says, sizeof says));
    if (change.kind != E2EE_CHANGE_REMOVE || change.leaf != leaf)
      continue;
    ck_assert_uint_eq(type, 0);
    type = says.type;
  }
  return type;
}

/* ---- SelfRemove ---- */

/* Asked twice in an epoch, a member says the same: also where no two signatures are the same. */
START_TEST(once_an_epoch) {
  teardown();
  setup_suite(_i == 0 ? 1 : 2);
  e2ee_bytes *first = leave(carol), *second = leave(carol);
  ck_assert_uint_eq(e2ee_bytes_size(first), e2ee_bytes_size(second));
  ck_assert_mem_eq(e2ee_bytes_data(first), e2ee_bytes_data(second), e2ee_bytes_size(first));
  receive(bob, first);
  receive(bob, second);
  receive(alice, first);
  e2ee_bytes_free(first);
  e2ee_bytes_free(second);
  e2ee_incoming *incoming = bob_commits(UINT32_MAX);
  ck_assert_uint_eq(removed_by(incoming, CAROL), SELF_REMOVE);
  e2ee_incoming_free(incoming);
}
END_TEST

/* In the next epoch it is another one. */
START_TEST(again_in_the_next_epoch) {
  e2ee_bytes *first = leave(carol);
  deliver(alice, renew(alice)); /* who has not heard of it */
  deliver(carol, leave(carol));
  e2ee_incoming *incoming = bob_commits(UINT32_MAX);
  ck_assert_uint_eq(removed_by(incoming, CAROL), SELF_REMOVE);
  e2ee_incoming_free(incoming);
  e2ee_bytes_free(first);
}
END_TEST

/* Of a SelfRemove and a Remove of one leaf the SelfRemove is taken, whichever is newer. */
START_TEST(before_a_remove) {
  if (_i == 0)
    deliver(carol, leave(carol));
  deliver(dave, propose_remove(dave, CAROL));
  if (_i == 1)
    deliver(carol, leave(carol));
  e2ee_incoming *incoming = bob_commits(UINT32_MAX);
  ck_assert_uint_eq(removed_by(incoming, CAROL), SELF_REMOVE);
  e2ee_incoming_free(incoming);
}
END_TEST

START_TEST(before_a_planned_remove) {
  deliver(carol, leave(carol));
  e2ee_incoming *incoming = bob_commits(CAROL);
  ck_assert_uint_eq(removed_by(incoming, CAROL), SELF_REMOVE);
  ck_assert_done(alice, e2ee_incoming_accept(incoming));
  ck_assert_done(bob, e2ee_group_commit_accepted(bob->group));
  expect_agreement(alice, bob);
  e2ee_incoming_free(incoming);
}
END_TEST

/* Dave proposes a leaf that does not support SelfRemove. */
static void dave_forgets_support(void) {
  struct client *client = dave->client->client;
  struct group *group = dave->group->group;
  struct leaf_storage storage = {0};
  struct leaf_template fields;
  struct leaf *leaf = NULL;
  struct secret *key = locked_new(sizeof *key);
  struct writer writer = {0};
  uint8_t public_key[KEM_PUBLIC_MAX];
  e2ee_bytes *message = NULL;
  ck_assert_ptr_nonnull(key);
  ck_assert_int_eq(client_leaf(client, &storage, &fields), OK);
  ck_assert_int_eq(hpke_generate_key_pair(client->suite, key, public_key), OK);
  fields.encryption_key = view_of(public_key, client->suite->kem->public_size);
  fields.source = LEAF_UPDATE;
  fields.capabilities.proposals = VIEW_NONE;
  ck_assert_int_eq(
      leaf_new(client->suite, &fields, client->signature_key, group_identifier(group), DAVE, &leaf),
      OK);
  proposal_write_update(&writer, leaf_raw(leaf));
  ck_assert_int_eq(api_bytes_new(&message), OK);
  ck_assert_int_eq(group_propose(group, writer_view(&writer), &message->bytes), OK);
  group->proposals.item[group->proposals.count - 1].update_key = key;
  deliver(dave, message);
  leaf_drop(leaf);
  leaf_storage_free(&storage);
  writer_free(&writer);
}

/* Then carol's SelfRemove cannot be committed beside it.  Whoever was to be removed is removed all the
 * same, and nobody else is on her account. */
START_TEST(planned_all_the_same) {
  struct member erin = member_new("erin");
  e2ee_bytes *key_package = key_package_of(&erin), *message = NULL, *welcome = NULL;
  e2ee_commit *commit = NULL;
  dave_forgets_support();
  deliver(carol, leave(carol));
  ck_assert_done(bob, e2ee_commit_new(bob->group, &commit));
  ck_assert_done(bob, e2ee_commit_add(commit, BYTES(key_package)));
  ck_assert_done(bob, e2ee_commit_remove(commit, CAROL));
  ck_assert_done(bob, e2ee_commit_remove(commit, ALICE));
  ck_assert_done(bob, e2ee_commit_build(commit, &message, &welcome));
  e2ee_incoming *incoming = process(dave, message);
  ck_assert_uint_ne(removed_by(incoming, CAROL), 0);
  ck_assert_uint_eq(removed_by(incoming, ALICE), 3);
  e2ee_incoming_free(incoming);
  e2ee_commit_free(commit);
  e2ee_bytes_free(key_package);
  e2ee_bytes_free(message);
  e2ee_bytes_free(welcome);
  member_free(&erin);
}
END_TEST

/* Where not everybody supports SelfRemove, who leaves asks to be removed. */
START_TEST(without_support) {
  dave_forgets_support();
  deliver(alice, renew(alice));
  e2ee_bytes *message = leave(carol);
  e2ee_incoming *incoming = process(bob, message);
  e2ee_proposal says;
  ck_assert_done(bob, e2ee_incoming_change_proposal(incoming, 0, &says, sizeof says));
  ck_assert_uint_eq(says.type, 3);
  ck_assert_uint_eq(change_of(incoming, 0).leaf, CAROL);
  e2ee_incoming_free(incoming);
  deliver(carol, message);
  incoming = bob_commits(UINT32_MAX);
  ck_assert_uint_eq(removed_by(incoming, CAROL), 3);
  e2ee_incoming_free(incoming);
}
END_TEST

/* ---- What is taken along ---- */

static struct bytes leaf_in(const e2ee_incoming *incoming, uint32_t at) {
  uint8_t leaf[1024];
  size_t size = sizeof leaf;
  struct bytes copy = {0};
  ck_assert_done(alice, e2ee_incoming_member(incoming, at, E2EE_MEMBER_LEAF_NODE, leaf, &size));
  ck_assert_int_eq(bytes_copy(&copy, view_of(leaf, size)), OK);
  return copy;
}

/* RFC 9420, section 12.2: of two Updates of one member, the newest. */
START_TEST(newest_update) {
  struct bytes offered[2] = {{0}, {0}};
  for (size_t i = 0; i < 2; i++) {
    e2ee_bytes *update = NULL;
    ck_assert_done(carol, e2ee_group_propose_update(carol->group, &update));
    e2ee_incoming *incoming = process(alice, update);
    offered[i] = leaf_in(incoming, 0);
    e2ee_incoming_free(incoming);
    deliver(carol, update);
  }
  ck_assert(!view_equal(bytes_view(&offered[0]), bytes_view(&offered[1])));
  e2ee_incoming *incoming = bob_commits(UINT32_MAX);
  ck_assert_uint_eq(change_of(incoming, 0).kind, E2EE_CHANGE_UPDATE);
  ck_assert_uint_eq(change_of(incoming, 0).leaf, CAROL);
  struct bytes taken = leaf_in(incoming, 0);
  ck_assert(view_equal(bytes_view(&taken), bytes_view(&offered[1])));
  e2ee_incoming_free(incoming);
  bytes_free(&taken);
  bytes_free(&offered[0]);
  bytes_free(&offered[1]);
}
END_TEST

/*
 * Somebody floods the group with proposals that cannot be applied.  After some of them nothing is tried any
 * more but what removes, and that is not lost: carol goes, whom dave removes, and dave, who leaves.
 */
START_TEST(removals_in_a_flood) {
  deliver(dave, propose_remove(dave, CAROL));
  deliver(dave, leave(dave));
  for (size_t i = 0; i < 12; i++) {
    e2ee_bytes *key_package = key_package_of(alice), *add = NULL;
    ck_assert_done(carol, e2ee_group_propose_add(carol->group, BYTES(key_package), &add));
    deliver(carol, add);
    e2ee_bytes_free(key_package);
  }
  struct member erin = member_new("erin");
  e2ee_bytes *key_package = key_package_of(&erin), *welcome = NULL;
  e2ee_bytes *message = build_commit(bob, key_package, UINT32_MAX, &welcome);
  e2ee_incoming *incoming = process(alice, message);
  ck_assert_uint_eq(removed_by(incoming, CAROL), 3);
  ck_assert_uint_eq(removed_by(incoming, DAVE), SELF_REMOVE);
  ck_assert_uint_eq(status_of(incoming).changes, 4); /* erin's Add, and bob's new leaf */
  e2ee_incoming_free(incoming);
  e2ee_bytes_free(key_package);
  e2ee_bytes_free(welcome);
  e2ee_bytes_free(message);
  member_free(&erin);
}
END_TEST

/* Removals stand first in the list, for whoever cannot read what stands behind them. */
START_TEST(removals_come_first) {
  struct group *group = bob->group->group;
  struct commit_plan plan = {0};
  struct public_message read;
  struct commit commit;
  struct proposal_or_ref item;
  uint16_t wire_format = 0;
  ck_assert_done(bob, e2ee_client_set(bob->client, E2EE_SET_ENCRYPT_HANDSHAKE, 0));
  ck_assert_done(bob, e2ee_client_add_psk(bob->client, TEXT("id"), TEXT("secret")));
  struct bytes psk = {0};
  ck_assert_int_eq(draft_psk(group, VIEW_TEXT("id"), &psk), OK);
  ck_assert_int_eq(commit_plan_proposal(&plan, group, bytes_view(&psk)), OK);
  ck_assert_int_eq(commit_plan_remove(&plan, group, CAROL), OK);
  deliver(dave, leave(dave));
  ck_assert_int_eq(commit_build(group, &plan), OK);
  struct reader reader = reader_of(bytes_view(&group->pending->message));
  ck_assert_int_eq(message_read_header(&reader, NULL, &wire_format), OK);
  ck_assert_int_eq(public_message_read(&reader, NULL, &read), OK);
  struct reader body = reader_of(read.content.content);
  ck_assert_int_eq(commit_read(&body, NULL, &commit), OK);
  struct reader items = reader_of(commit.proposals);
  ck_assert_int_eq(proposal_or_ref_read(&items, NULL, &item), OK);
  ck_assert(!item.by_reference && item.proposal.type == PROPOSAL_REMOVE);
  ck_assert_int_eq(proposal_or_ref_read(&items, NULL, &item), OK);
  ck_assert(item.by_reference);
  ck_assert_int_eq(proposal_or_ref_read(&items, NULL, &item), OK);
  ck_assert(!item.by_reference && item.proposal.type == PROPOSAL_PSK);
  ck_assert_uint_eq(items.left, 0);
  commit_plan_free(&plan);
  bytes_free(&psk);
}
END_TEST

int main(void) {
  TCase *cases = tcase_create("leaving");
  tcase_add_checked_fixture(cases, setup, teardown);
  tcase_set_timeout(cases, 60);
  tcase_add_loop_test(cases, once_an_epoch, 0, 2);
  tcase_add_test(cases, again_in_the_next_epoch);
  tcase_add_loop_test(cases, before_a_remove, 0, 2);
  tcase_add_test(cases, before_a_planned_remove);
  tcase_add_test(cases, planned_all_the_same);
  tcase_add_test(cases, without_support);
  tcase_add_test(cases, newest_update);
  tcase_add_test(cases, removals_in_a_flood);
  tcase_add_test(cases, removals_come_first);
  return run_case("leaving", cases);
}
