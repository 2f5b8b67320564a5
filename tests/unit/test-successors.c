/*
 * Groups that go on from another one: ReInit and branches of three members, and who may come along.
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include <e2ee/mls.h>

#include "api/handles.h"
#include "badinput.h"
#include "tests/run.h"

enum { ALICE, BOB, CAROL, MEMBERS };

#define TYPE 0xf001
#define OTHER_SUITE 3

static struct member members[MEMBERS], next[MEMBERS]; /* next: in the group that goes on */
static struct member *const alice = &members[ALICE], *const bob = &members[BOB],
                            *const carol = &members[CAROL];
static struct member dave;

static void setup(void) {
  members_new(members, MEMBERS);
  for (size_t i = 0; i < MEMBERS; i++) {
    ck_assert_done(&members[i], e2ee_client_support(members[i].client, E2EE_TYPE_EXTENSION, TYPE));
    next[i] = (struct member){NULL, NULL};
  }
  dave = member_new("dave");
  found_group(members, MEMBERS);
}

static void teardown(void) {
  for (size_t i = 0; i < MEMBERS; i++) {
    e2ee_group_free(next[i].group);
    if (next[i].client != members[i].client)
      e2ee_client_free(next[i].client);
    member_free(&members[i]);
  }
  member_free(&dave);
}

/* The same clients in another group, or others of another suite. */
static void same_clients(void) {
  for (size_t i = 0; i < MEMBERS; i++)
    next[i].client = members[i].client;
}

static void other_clients(void) {
  static const char *const names[] = {"alice", "bob", "carol"};
  for (size_t i = 0; i < MEMBERS; i++) {
    ck_assert_int_eq(
        e2ee_client_new(OTHER_SUITE, (const uint8_t *)names[i], strlen(names[i]), &next[i].client),
        E2EE_OK);
    ck_assert_done(&next[i], e2ee_client_support(next[i].client, E2EE_TYPE_EXTENSION, TYPE));
  }
}

/* A commit with one thing in it, entered by all. */
static void commit_reinit(struct member *by, uint16_t suite) {
  e2ee_commit *plan = NULL;
  e2ee_bytes *message = NULL, *welcome = NULL;
  ck_assert_done(by, e2ee_commit_new(by->group, &plan));
  ck_assert_done(by, e2ee_commit_reinit(plan, TEXT("next"), suite));
  ck_assert_done(by, e2ee_commit_build(plan, &message, &welcome));
  ck_assert_ptr_null(welcome);
  for (size_t i = 0; i < MEMBERS; i++)
    if (&members[i] != by)
      receive(&members[i], message);
  ck_assert_done(by, e2ee_group_commit_accepted(by->group));
  for (size_t i = 0; i < MEMBERS; i++)
    ck_assert_uint_eq(state_of(&members[i]), E2EE_GROUP_ENDED);
  e2ee_commit_free(plan);
  e2ee_bytes_free(message);
}

/* The founder's first commit, which adds those of a list.  @return its Welcome */
static e2ee_bytes *first_commit(struct member *founder, struct member *const *added, size_t count) {
  e2ee_commit *plan = NULL;
  e2ee_bytes *message = NULL, *welcome = NULL;
  ck_assert_done(founder, e2ee_commit_new(founder->group, &plan));
  for (size_t i = 0; i < count; i++) {
    e2ee_bytes *package = key_package_of(added[i]);
    ck_assert_done(founder, e2ee_commit_add(plan, BYTES(package)));
    e2ee_bytes_free(package);
  }
  ck_assert_done(founder, e2ee_commit_build(plan, &message, &welcome));
  ck_assert_done(founder, e2ee_group_commit_accepted(founder->group));
  e2ee_commit_free(plan);
  e2ee_bytes_free(message);
  return welcome;
}

/* Join with the old group at hand.  @return what became of it */
static int follow(struct member *who, const e2ee_group *old, const e2ee_bytes *welcome) {
  e2ee_incoming *incoming = NULL;
  int err = old == NULL
                ? e2ee_welcome_open(who->client, BYTES(welcome), NULL, 0, &incoming)
                : e2ee_welcome_open_successor(who->client, old, BYTES(welcome), NULL, 0, &incoming);
  if (err != E2EE_OK) {
    ck_assert_ptr_null(incoming);
    ck_assert_uint_gt(strlen(explanation(who->client)), 0);
    return err;
  }
  ck_assert_done(who, e2ee_incoming_join(incoming, &who->group));
  e2ee_incoming_free(incoming);
  return E2EE_OK;
}

static void expect_next_agrees(void) {
  for (size_t i = 1; i < MEMBERS; i++)
    expect_agreement(&next[0], &next[i]);
  expect_agreement(&next[BOB], &next[CAROL]);
}

/* ---- ReInit ---- */

/* Anybody may set up the new group, and each finds the old one by its own client. */
START_TEST(same_suite) {
  same_clients();
  commit_reinit(alice, SUITE);
  ck_assert_done(bob, e2ee_group_successor(bob->client, bob->group, &next[BOB].group));
  struct member *const others[] = {&next[CAROL], &next[ALICE]};
  e2ee_bytes *welcome = first_commit(&next[BOB], others, 2);
  ck_assert_int_eq(follow(&next[ALICE], NULL, welcome), E2EE_OK);
  ck_assert_int_eq(follow(&next[CAROL], carol->group, welcome), E2EE_OK);
  expect_next_agrees();
  e2ee_bytes_free(welcome);
}
END_TEST

START_TEST(other_suite) {
  other_clients();
  commit_reinit(carol, OTHER_SUITE);
  ck_assert_done(&next[ALICE],
                 e2ee_group_successor(next[ALICE].client, alice->group, &next[ALICE].group));
  struct member *const others[] = {&next[BOB], &next[CAROL]};
  e2ee_bytes *welcome = first_commit(&next[ALICE], others, 2);
  /* The PSK is in a group that another client has. */
  ck_assert_int_lt(follow(&next[BOB], NULL, welcome), 0);
  ck_assert_int_eq(follow(&next[BOB], bob->group, welcome), E2EE_OK);
  ck_assert_int_eq(follow(&next[CAROL], carol->group, welcome), E2EE_OK);
  expect_next_agrees();
  ck_assert_uint_eq(facts_of(next[BOB].group).status.mls_suite, OTHER_SUITE);
  e2ee_bytes_free(welcome);
}
END_TEST

/* Proposed by one, committed by another. */
START_TEST(proposed) {
  e2ee_bytes *proposal = NULL;
  uint8_t id[16];
  size_t size = sizeof id;
  uint16_t type = 0;
  same_clients();
  ck_assert_done(alice,
                 e2ee_group_propose_reinit(alice->group, TEXT("next"), OTHER_SUITE, &proposal));
  e2ee_incoming *incoming = process(bob, proposal);
  e2ee_change change = change_of(incoming, 0);
  ck_assert_uint_eq(change.kind, E2EE_CHANGE_REINIT);
  ck_assert_uint_eq(change.proposer, ALICE);
  ck_assert_done(bob, e2ee_incoming_change_data(incoming, 0, &type, id, &size));
  ck_assert_uint_eq(size, 4);
  ck_assert_mem_eq(id, "next", 4);
  ck_assert_done(bob, e2ee_incoming_accept(incoming));
  e2ee_incoming_free(incoming);
  receive(carol, proposal);
  e2ee_bytes *message = build_commit(bob, NULL, UINT32_MAX, NULL);
  receive(alice, message);
  receive(carol, message);
  ck_assert_done(bob, e2ee_group_commit_accepted(bob->group));
  for (size_t i = 0; i < MEMBERS; i++) {
    uint16_t suite = 0;
    size = sizeof id;
    ck_assert_done(&members[i], e2ee_group_reinit(members[i].group, &suite, id, &size));
    ck_assert_uint_eq(suite, OTHER_SUITE);
    ck_assert_mem_eq(id, "next", 4);
  }
  e2ee_bytes_free(proposal);
  e2ee_bytes_free(message);
}
END_TEST

/* The extensions go along; and nothing can be done in the old group any more. */
START_TEST(ended) {
  const int expected = E2EE_ERR_INVALID_STATE;
  uint8_t data[8];
  size_t size = sizeof data;
  e2ee_commit *plan = NULL;
  e2ee_bytes *message = NULL, *welcome = NULL, *late = NULL, *package = key_package_of(&dave);
  same_clients();
  ck_assert_done(alice, e2ee_commit_new(alice->group, &plan));
  ck_assert_done(alice, e2ee_commit_extension(plan, TYPE, TEXT("kept")));
  ck_assert_done(alice, e2ee_commit_build(plan, &message, &welcome));
  receive(bob, message);
  receive(carol, message);
  ck_assert_done(alice, e2ee_group_commit_accepted(alice->group));
  e2ee_commit_free(plan);
  e2ee_bytes_free(message);
  ck_assert_done(bob, e2ee_group_encrypt(bob->group, TEXT("late"), &late));
  commit_reinit(alice, SUITE);
  watch(members, MEMBERS);
  e2ee_group *group = alice->group;
  expect_refusal(alice, expected, e2ee_group_encrypt(group, TEXT("x"), &out.bytes));
  expect_refusal(alice, expected, e2ee_group_propose_update(group, &out.bytes));
  expect_refusal(alice, expected, e2ee_group_propose_remove(group, BOB, &out.bytes));
  expect_refusal(alice, expected, e2ee_group_propose_add(group, BYTES(package), &out.bytes));
  expect_refusal(alice, expected, e2ee_commit_new(group, &out.commit));
  expect_refusal(alice, expected, e2ee_group_info(group, &out.bytes));
  /* What was said before can be read, by whom else it was meant for. */
  expect_refused(bob, late, E2EE_ERR_REPLAY);
  e2ee_incoming *incoming = process(alice, late);
  ck_assert_done(alice, e2ee_incoming_data(incoming, data, &size));
  ck_assert_uint_eq(size, 4);
  ck_assert_mem_eq(data, "late", 4);
  e2ee_incoming_free(incoming);
  expect_refused(alice, late, E2EE_ERR_REPLAY);
  size = sizeof data;

  ck_assert_done(alice, e2ee_group_successor(alice->client, group, &next[ALICE].group));
  struct member *const others[] = {&next[BOB], &next[CAROL]};
  welcome = first_commit(&next[ALICE], others, 2);
  ck_assert_int_eq(follow(&next[BOB], NULL, welcome), E2EE_OK);
  ck_assert_int_eq(follow(&next[CAROL], NULL, welcome), E2EE_OK);
  expect_next_agrees();
  ck_assert_done(&next[BOB], e2ee_group_extension(next[BOB].group, TYPE, data, &size));
  ck_assert_uint_eq(size, 4);
  ck_assert_mem_eq(data, "kept", 4);
  e2ee_bytes_free(late);
  e2ee_bytes_free(package);
  e2ee_bytes_free(welcome);
}
END_TEST

/* The key of an external sender is good for what signs as it does. */
START_TEST(server_and_another_suite) {
  static const struct {
    uint16_t suite;
    int expected;
  } tries[] = {{3, E2EE_OK}, {2, E2EE_ERR_NOT_FOUND}};
  e2ee_commit *plan = NULL;
  e2ee_bytes *message = NULL, *welcome = NULL;
  uint8_t key[32], senders[128];
  size_t key_size = sizeof key, size = sizeof senders;
  ck_assert_done(&dave, e2ee_client_public_key(dave.client, key, &key_size));
  ck_assert_done(alice, e2ee_commit_new(alice->group, &plan));
  ck_assert_done(
      alice, e2ee_commit_external_sender(plan, key, key_size, E2EE_CREDENTIAL_BASIC, TEXT("dave")));
  ck_assert_done(alice, e2ee_commit_extension(plan, TYPE, TEXT("kept")));
  ck_assert_done(alice, e2ee_commit_build(plan, &message, &welcome));
  receive(bob, message);
  receive(carol, message);
  ck_assert_done(alice, e2ee_group_commit_accepted(alice->group));
  commit_reinit(bob, tries[_i].suite);
  ck_assert_int_eq(e2ee_client_new(tries[_i].suite, TEXT("alice"), &next[ALICE].client), E2EE_OK);
  ck_assert_done(&next[ALICE],
                 e2ee_group_successor(next[ALICE].client, alice->group, &next[ALICE].group));
  ck_assert_returns(&next[ALICE], e2ee_group_extension(next[ALICE].group, 5, senders, &size),
                    tries[_i].expected);
  ck_assert_done(&next[ALICE], e2ee_group_extension(next[ALICE].group, TYPE, senders, &size));
  e2ee_commit_free(plan);
  e2ee_bytes_free(message);
}
END_TEST

/* Everybody has to come along, and nobody but them need. */
START_TEST(members_of_a_successor) {
  same_clients();
  commit_reinit(alice, SUITE);
  /* Without carol. */
  ck_assert_done(alice, e2ee_group_successor(alice->client, alice->group, &next[ALICE].group));
  struct member *const few[] = {&next[BOB]};
  e2ee_bytes *welcome = NULL, *message = NULL, *package = key_package_of(&next[BOB]);
  e2ee_commit *plan = NULL;
  ck_assert_done(alice, e2ee_commit_new(next[ALICE].group, &plan));
  ck_assert_done(alice, e2ee_commit_add(plan, BYTES(package)));
  int err = e2ee_commit_build(plan, &message, &welcome);
  if (err == E2EE_OK)
    ck_assert_int_eq(follow(few[0], bob->group, welcome), E2EE_ERR_INVALID_TREE);
  e2ee_commit_free(plan);
  e2ee_bytes_free(message);
  e2ee_bytes_free(welcome);
  e2ee_bytes_free(package);
  e2ee_group_free(next[ALICE].group);
  next[ALICE].group = NULL;
  /* With dave, who has never been in the old one and so has not the PSK. */
  ck_assert_done(alice, e2ee_group_successor(alice->client, alice->group, &next[ALICE].group));
  struct member *const many[] = {&next[BOB], &next[CAROL], &dave};
  welcome = first_commit(&next[ALICE], many, 3);
  ck_assert_int_lt(follow(&dave, NULL, welcome), 0);
  ck_assert_int_eq(follow(&next[BOB], NULL, welcome), E2EE_OK);
  ck_assert_int_eq(follow(&next[CAROL], NULL, welcome), E2EE_OK);
  expect_next_agrees();
  e2ee_bytes_free(welcome);
}
END_TEST

/* A group of that name that has nothing to do with the old one is no successor. */
START_TEST(impostor) {
  same_clients();
  commit_reinit(alice, SUITE);
  ck_assert_done(&dave, e2ee_group_new(dave.client, TEXT("next"), &dave.group));
  struct member *const all[] = {&next[ALICE], &next[BOB], &next[CAROL]};
  e2ee_bytes *welcome = first_commit(&dave, all, 3);
  ck_assert_int_eq(follow(&next[BOB], bob->group, welcome), E2EE_ERR_INVALID_TREE);
  e2ee_bytes_free(welcome);
}
END_TEST

/* Nor is one that goes on from another group, of bob with somebody who calls himself alice. */
START_TEST(impostor_of_a_member) {
  struct member fake = member_new("alice"), beside = {fake.client, NULL};
  struct member here = {bob->client, NULL};
  struct member *const with_bob[] = {&here}, *const again[] = {&next[BOB]};
  same_clients();
  ck_assert_done(&fake, e2ee_group_new(fake.client, TEXT("another"), &fake.group));
  e2ee_bytes *welcome = first_commit(&fake, with_bob, 1);
  ck_assert_int_eq(follow(&here, NULL, welcome), E2EE_OK);
  e2ee_bytes_free(welcome);
  ck_assert_done(&fake, e2ee_group_branch(fake.group, TEXT("aside"), &beside.group));
  welcome = first_commit(&beside, again, 1);
  ck_assert_int_eq(follow(&next[BOB], bob->group, welcome), E2EE_ERR_INVALID_TREE);
  ck_assert_int_eq(follow(&next[BOB], here.group, welcome), E2EE_OK);
  e2ee_bytes_free(welcome);
  e2ee_group_free(here.group);
  e2ee_group_free(beside.group);
  member_free(&fake);
}
END_TEST

START_TEST(ended_and_restarted) {
  static const uint8_t key[32] = {1};
  e2ee_bytes *blob = NULL;
  same_clients();
  commit_reinit(alice, SUITE);
  ck_assert_done(bob, e2ee_group_save(bob->group, key, sizeof key, &blob));
  e2ee_group_free(bob->group);
  bob->group = NULL;
  ck_assert_done(bob, e2ee_group_load(bob->client, key, sizeof key, BYTES(blob), &bob->group));
  ck_assert_uint_eq(state_of(bob), E2EE_GROUP_ENDED);
  e2ee_bytes_free(blob);
  /* And once more when the new group is there, but nobody in it. */
  ck_assert_done(bob, e2ee_group_successor(bob->client, bob->group, &next[BOB].group));
  ck_assert_done(bob, e2ee_group_save(next[BOB].group, key, sizeof key, &blob));
  e2ee_group_free(next[BOB].group);
  next[BOB].group = NULL;
  ck_assert_done(bob, e2ee_group_load(bob->client, key, sizeof key, BYTES(blob), &next[BOB].group));
  struct member *const others[] = {&next[ALICE], &next[CAROL]};
  e2ee_bytes *welcome = first_commit(&next[BOB], others, 2);
  ck_assert_int_eq(follow(&next[ALICE], NULL, welcome), E2EE_OK);
  ck_assert_int_eq(follow(&next[CAROL], NULL, welcome), E2EE_OK);
  expect_next_agrees();
  e2ee_bytes_free(blob);
  e2ee_bytes_free(welcome);
}
END_TEST

/* ---- Branches ---- */

START_TEST(branch_of_two) {
  same_clients();
  ck_assert_done(alice, e2ee_group_branch(alice->group, TEXT("aside"), &next[ALICE].group));
  struct member *const one[] = {&next[CAROL]};
  e2ee_bytes *welcome = first_commit(&next[ALICE], one, 1);
  ck_assert_int_eq(follow(&next[CAROL], NULL, welcome), E2EE_OK);
  expect_agreement(&next[ALICE], &next[CAROL]);
  /* Both groups go on by themselves. */
  e2ee_bytes *message = renew(bob);
  receive(alice, message);
  receive(carol, message);
  expect_agreement(alice, carol);
  e2ee_bytes_free(message);
  message = renew(&next[CAROL]);
  receive(&next[ALICE], message);
  expect_agreement(&next[ALICE], &next[CAROL]);
  e2ee_bytes_free(message);
  e2ee_bytes_free(welcome);
}
END_TEST

START_TEST(members_of_a_branch) {
  same_clients();
  ck_assert_done(alice, e2ee_group_branch(alice->group, TEXT("aside"), &next[ALICE].group));
  struct member *const two[] = {&next[BOB], &dave};
  e2ee_bytes *package = key_package_of(&next[BOB]), *of_dave = key_package_of(&dave);
  e2ee_bytes *message = NULL, *welcome = NULL;
  e2ee_commit *plan = NULL;
  ck_assert_done(alice, e2ee_commit_new(next[ALICE].group, &plan));
  ck_assert_done(alice, e2ee_commit_add(plan, BYTES(package)));
  ck_assert_done(alice, e2ee_commit_add(plan, BYTES(of_dave)));
  if (e2ee_commit_build(plan, &message, &welcome) == E2EE_OK) {
    ck_assert_int_eq(follow(two[0], NULL, welcome), E2EE_ERR_INVALID_TREE); /* who is dave? */
    ck_assert_int_lt(follow(two[1], NULL, welcome), 0);
  }
  e2ee_commit_free(plan);
  e2ee_bytes *const all[] = {package, of_dave, message, welcome};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    e2ee_bytes_free(all[i]);
}
END_TEST

/* The branch begins where its founder was; who has gone on keeps that epoch, for a while. */
START_TEST(branch_of_a_past_epoch) {
  same_clients();
  ck_assert_done(alice, e2ee_group_branch(alice->group, TEXT("aside"), &next[ALICE].group));
  struct member *const one[] = {&next[BOB]};
  e2ee_bytes *welcome = first_commit(&next[ALICE], one, 1);
  for (size_t i = 0; i < 2; i++) {
    e2ee_bytes *message = renew(carol);
    receive(bob, message);
    receive(alice, message);
    e2ee_bytes_free(message);
  }
  ck_assert_int_eq(follow(&next[BOB], NULL, welcome), E2EE_OK);
  expect_agreement(&next[ALICE], &next[BOB]);
  e2ee_bytes_free(welcome);
}
END_TEST

START_TEST(branch_of_a_forgotten_epoch) {
  same_clients();
  ck_assert_done(bob, e2ee_client_set(bob->client, E2EE_SET_RESUMPTION_EPOCHS, 2));
  ck_assert_done(alice, e2ee_group_branch(alice->group, TEXT("aside"), &next[ALICE].group));
  struct member *const one[] = {&next[BOB]};
  e2ee_bytes *welcome = first_commit(&next[ALICE], one, 1);
  for (size_t i = 0; i < 3; i++) {
    e2ee_bytes *message = renew(carol);
    receive(bob, message);
    e2ee_bytes_free(message);
  }
  ck_assert_int_lt(follow(&next[BOB], NULL, welcome), 0);
  e2ee_bytes_free(welcome);
}
END_TEST

/* ---- Resumption PSKs ---- */

START_TEST(resumption) {
  e2ee_commit *plan = NULL;
  e2ee_bytes *message = NULL, *welcome = NULL;
  uint64_t first = epoch_of(alice);
  for (size_t i = 0; i < 2; i++) {
    message = renew(alice);
    receive(bob, message);
    receive(carol, message);
    e2ee_bytes_free(message);
  }
  ck_assert_done(bob, e2ee_commit_new(bob->group, &plan));
  ck_assert_done(bob, e2ee_commit_resumption_psk(plan, first));
  ck_assert_done(bob, e2ee_commit_resumption_psk(plan, first + 2));
  expect_refusal(bob, E2EE_ERR_NOT_FOUND, e2ee_commit_resumption_psk(plan, 0));
  expect_refusal(bob, E2EE_ERR_NOT_FOUND, e2ee_commit_resumption_psk(plan, first + 3));
  ck_assert_done(bob, e2ee_commit_build(plan, &message, &welcome));
  receive(alice, message);
  receive(carol, message);
  ck_assert_done(bob, e2ee_group_commit_accepted(bob->group));
  expect_agreement(alice, bob);
  expect_agreement(carol, bob);
  e2ee_commit_free(plan);
  e2ee_bytes_free(message);
}
END_TEST

/* A new branch has one too, which is not that of the group it is from. */
START_TEST(resumption_in_a_branch) {
  e2ee_commit *plan = NULL;
  e2ee_bytes *message = NULL, *welcome = NULL;
  same_clients();
  ck_assert_done(alice, e2ee_group_branch(alice->group, TEXT("aside"), &next[ALICE].group));
  ck_assert_done(alice, e2ee_commit_new(next[ALICE].group, &plan));
  ck_assert_done(alice, e2ee_commit_resumption_psk(plan, 0));
  ck_assert_done(alice, e2ee_commit_build(plan, &message, &welcome));
  ck_assert_done(alice, e2ee_group_commit_accepted(next[ALICE].group));
  ck_assert_uint_eq(epoch_of(&next[ALICE]), 1);
  e2ee_commit_free(plan);
  e2ee_bytes_free(message);
}
END_TEST

/* They are kept for longer than past epochs, over restarts too, and not for ever. */
START_TEST(resumption_of_long_ago) {
  static const uint8_t key[32] = {4};
  e2ee_commit *plan = NULL;
  e2ee_bytes *message = NULL, *welcome = NULL, *blob = NULL;
  struct member *const all[] = {bob, carol};
  ck_assert_done(carol, e2ee_client_set(carol->client, E2EE_SET_PAST_EPOCHS, 0));
  for (size_t i = 0; i < 66; i++) {
    message = renew(alice);
    for (size_t j = 0; j < 2; j++)
      receive(all[j], message);
    e2ee_bytes_free(message);
  }
  for (size_t j = 0; j < 2; j++) {
    ck_assert_done(all[j], e2ee_group_save(all[j]->group, key, sizeof key, &blob));
    e2ee_group_free(all[j]->group);
    ck_assert_done(all[j],
                   e2ee_group_load(all[j]->client, key, sizeof key, BYTES(blob), &all[j]->group));
    e2ee_bytes_free(blob);
  }
  const uint64_t now = epoch_of(bob);
  ck_assert_done(bob, e2ee_commit_new(bob->group, &plan));
  expect_refusal(bob, E2EE_ERR_NOT_FOUND, e2ee_commit_resumption_psk(plan, now - 65));
  ck_assert_done(bob, e2ee_commit_resumption_psk(plan, now - 64));
  ck_assert_done(bob, e2ee_commit_resumption_psk(plan, now - 4));
  ck_assert_done(bob, e2ee_commit_build(plan, &message, &welcome));
  e2ee_commit_free(plan);
  receive(alice, message);
  receive(carol, message);
  ck_assert_done(bob, e2ee_group_commit_accepted(bob->group));
  expect_agreement(alice, bob);
  expect_agreement(carol, bob);
  e2ee_bytes_free(message);
}
END_TEST

START_TEST(fewer_resumption_psks) {
  const struct psk_history *psks = &bob->group->group->psks;
  e2ee_bytes *message = NULL;
  for (size_t keep = 4; keep-- > 0;) {
    size_t before = psks->count;
    ck_assert_done(bob, e2ee_client_set(bob->client, E2EE_SET_RESUMPTION_EPOCHS, keep));
    ck_assert_uint_eq(psks->count, before);
    for (size_t i = 0; i < 3; i++) {
      message = renew(alice);
      receive(bob, message);
      e2ee_bytes_free(message);
    }
    ck_assert_uint_eq(psks->count, keep < 3 ? keep : 3);
    for (size_t i = 0; i < psks->count; i++)
      ck_assert_uint_eq(psks->item[i].epoch, epoch_of(bob) - psks->count + i);
    for (size_t i = psks->count; i < psks->capacity; i++)
      ck_assert_uint_eq(psks->item[i].psk.size, 0);
  }
  ck_assert_done(bob, e2ee_client_set(bob->client, E2EE_SET_RESUMPTION_EPOCHS, 64));
  message = renew(alice);
  receive(bob, message);
  e2ee_bytes_free(message);
  ck_assert_uint_eq(psks->count, 1);
  /* Whoever has left has none. */
  message = build_commit(alice, NULL, leaf_of(bob), NULL);
  receive(bob, message);
  ck_assert_uint_eq(state_of(bob), E2EE_GROUP_LEFT);
  ck_assert_uint_eq(psks->count, 0);
  ck_assert_ptr_null(psks->item);
  e2ee_bytes_free(message);
}
END_TEST

/* Who was not there then falls out of step, unless the commit goes without. */
START_TEST(resumption_and_a_newcomer) {
  e2ee_commit *plan = NULL;
  e2ee_bytes *package = key_package_of(&dave), *message = NULL, *welcome = NULL;
  uint64_t first = epoch_of(alice);
  message = build_commit(alice, package, UINT32_MAX, &welcome);
  receive(bob, message);
  receive(carol, message);
  ck_assert_done(alice, e2ee_group_commit_accepted(alice->group));
  join(&dave, welcome);
  e2ee_bytes_free(message);
  e2ee_bytes_free(welcome);
  ck_assert_done(bob, e2ee_commit_new(bob->group, &plan));
  ck_assert_done(bob, e2ee_commit_resumption_psk(plan, first));
  ck_assert_done(bob, e2ee_commit_build(plan, &message, &welcome));
  expect_refused(&dave, message, E2EE_ERR_INVALID_COMMIT);
  receive(alice, message);
  e2ee_commit_free(plan);
  e2ee_bytes_free(package);
  e2ee_bytes_free(message);
}
END_TEST

int main(void) {
  TCase *cases = tcase_create("groups that go on");
  tcase_add_checked_fixture(cases, setup, teardown);
  tcase_set_timeout(cases, 60);
  tcase_add_test(cases, same_suite);
  tcase_add_test(cases, other_suite);
  tcase_add_test(cases, proposed);
  tcase_add_test(cases, ended);
  tcase_add_loop_test(cases, server_and_another_suite, 0, 2);
  tcase_add_test(cases, members_of_a_successor);
  tcase_add_test(cases, impostor);
  tcase_add_test(cases, impostor_of_a_member);
  tcase_add_test(cases, ended_and_restarted);
  tcase_add_test(cases, branch_of_two);
  tcase_add_test(cases, members_of_a_branch);
  tcase_add_test(cases, branch_of_a_past_epoch);
  tcase_add_test(cases, branch_of_a_forgotten_epoch);
  tcase_add_test(cases, resumption);
  tcase_add_test(cases, resumption_in_a_branch);
  tcase_add_test(cases, resumption_of_long_ago);
  tcase_add_test(cases, fewer_resumption_psks);
  tcase_add_test(cases, resumption_and_a_newcomer);
  return run_case("successors", cases);
}
