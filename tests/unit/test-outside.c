/*
 * Groups from outside: proposals of servers and of those who want to join, and joining by commit.
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include <e2ee/mls.h>

#include "badinput.h"
#include "tests/run.h"

enum { ALICE, BOB, CAROL, MEMBERS };

#define GROUP TEXT("a group") /* as found_group() names it */

static struct member members[MEMBERS];
static struct member *const alice = &members[ALICE], *const bob = &members[BOB],
                            *const carol = &members[CAROL];
static struct member server, dave;

static void setup(void) {
  members_new(members, MEMBERS);
  server = member_new("server");
  dave = member_new("dave");
  found_group(members, MEMBERS);
}

static void teardown(void) {
  members_free(members, MEMBERS);
  member_free(&server);
  member_free(&dave);
}

static void everybody_receives(const e2ee_bytes *message) {
  for (size_t i = 0; i < MEMBERS; i++)
    if (state_of(&members[i]) == E2EE_GROUP_ACTIVE)
      receive(&members[i], message);
}

/* A commit by one, entered by all that are left.  @return the Welcome, or NULL */
static e2ee_bytes *commit(struct member *by) {
  e2ee_bytes *welcome = NULL;
  e2ee_bytes *message = build_commit(by, NULL, UINT32_MAX, &welcome);
  for (size_t i = 0; i < MEMBERS; i++)
    if (&members[i] != by && state_of(&members[i]) == E2EE_GROUP_ACTIVE)
      receive(&members[i], message);
  ck_assert_done(by, e2ee_group_commit_accepted(by->group));
  e2ee_bytes_free(message);
  return welcome;
}

static void expect_all_agree(void) {
  expect_agreement(alice, bob);
  expect_agreement(bob, carol);
}

/* ---- External senders ---- */

/* Alice lets `count` clients propose, the last of them the server. */
static void admit_senders(struct member *const *senders, size_t count) {
  e2ee_commit *plan = NULL;
  e2ee_bytes *message = NULL, *welcome = NULL;
  ck_assert_done(alice, e2ee_commit_new(alice->group, &plan));
  for (size_t i = 0; i < count; i++) {
    uint8_t key[32];
    size_t size = sizeof key;
    ck_assert_done(senders[i], e2ee_client_public_key(senders[i]->client, key, &size));
    ck_assert_done(alice, e2ee_commit_external_sender(plan, key, size, E2EE_CREDENTIAL_BASIC,
                                                      TEXT("somebody")));
  }
  ck_assert_done(alice, e2ee_commit_build(plan, &message, &welcome));
  ck_assert_ptr_null(welcome);
  receive(bob, message);
  receive(carol, message);
  ck_assert_done(alice, e2ee_group_commit_accepted(alice->group));
  e2ee_commit_free(plan);
  e2ee_bytes_free(message);
}

static void admit_server(void) {
  struct member *const only = &server;
  admit_senders(&only, 1);
}

static e2ee_bytes *server_removes(uint64_t epoch, uint32_t index, uint32_t leaf) {
  e2ee_bytes *message = NULL;
  ck_assert_done(&server,
                 e2ee_external_propose_remove(server.client, GROUP, epoch, index, leaf, &message));
  return message;
}

START_TEST(server_removes_a_member) {
  admit_server();
  e2ee_bytes *proposal = server_removes(epoch_of(alice), 0, CAROL);
  everybody_receives(proposal);
  e2ee_bytes *message = build_commit(bob, NULL, UINT32_MAX, NULL);
  receive(alice, message);
  e2ee_incoming *incoming = process(carol, message);
  ck_assert_uint_eq(status_of(incoming).flags, 1);
  e2ee_change change = change_of(incoming, 0);
  ck_assert_uint_eq(change.kind, E2EE_CHANGE_REMOVE);
  ck_assert_uint_eq(change.leaf, CAROL);
  ck_assert_uint_eq(change.proposer, UINT32_MAX);
  ck_assert_done(carol, e2ee_incoming_accept(incoming));
  ck_assert_done(bob, e2ee_group_commit_accepted(bob->group));
  ck_assert_uint_eq(state_of(carol), E2EE_GROUP_LEFT);
  expect_agreement(alice, bob);
  e2ee_incoming_free(incoming);
  e2ee_bytes_free(proposal);
  e2ee_bytes_free(message);
}
END_TEST

START_TEST(server_adds_a_member) {
  admit_server();
  e2ee_bytes *package = key_package_of(&dave), *proposal = NULL;
  ck_assert_done(&server, e2ee_external_propose_add(server.client, GROUP, epoch_of(alice), 0,
                                                    BYTES(package), &proposal));
  everybody_receives(proposal);
  e2ee_bytes *welcome = commit(carol);
  ck_assert_ptr_nonnull(welcome);
  join(&dave, welcome);
  expect_agreement(&dave, alice);
  expect_all_agree();
  e2ee_bytes_free(proposal);
  /* Dave knows the server too. */
  proposal = server_removes(epoch_of(&dave), 0, leaf_of(&dave));
  receive(alice, proposal);
  receive(&dave, proposal);
  e2ee_bytes_free(package);
  e2ee_bytes_free(proposal);
  e2ee_bytes_free(welcome);
}
END_TEST

START_TEST(server_out_of_order) {
  e2ee_bytes *proposal = server_removes(epoch_of(alice), 0, BOB);
  expect_refused(alice, proposal, E2EE_ERR_SIGNATURE); /* nobody may yet */
  e2ee_bytes_free(proposal);
  uint64_t before = epoch_of(alice);
  struct member *const senders[] = {&dave, &server};
  admit_senders(senders, 2);
  const struct {
    uint64_t epoch;
    uint32_t index, leaf;
    int expected;
  } cases[] = {
      {epoch_of(alice), 1, BOB, E2EE_OK},
      {epoch_of(alice), 0, BOB, E2EE_ERR_SIGNATURE}, /* dave's place */
      {epoch_of(alice), 2, BOB, E2EE_ERR_SIGNATURE},
      {epoch_of(alice), UINT32_MAX, BOB, E2EE_ERR_SIGNATURE},
      {before, 1, BOB, E2EE_ERR_OLD_EPOCH},
      {epoch_of(alice) + 1, 1, BOB, E2EE_ERR_FUTURE_EPOCH},
      {epoch_of(alice), 1, MEMBERS, E2EE_ERR_INVALID_PROPOSAL},
      {epoch_of(alice), 1, UINT32_MAX, E2EE_ERR_INVALID_PROPOSAL},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    proposal = server_removes(cases[i].epoch, cases[i].index, cases[i].leaf);
    if (cases[i].expected == E2EE_OK)
      e2ee_incoming_free(process(alice, proposal));
    else
      expect_refused(alice, proposal, cases[i].expected);
    e2ee_bytes_free(proposal);
  }
  proposal = NULL;
  ck_assert_done(&server, e2ee_external_propose_remove(server.client, TEXT("another"),
                                                       epoch_of(alice), 1, BOB, &proposal));
  expect_refused(alice, proposal, E2EE_ERR_INVALID_ARG);
  e2ee_bytes_free(proposal);
}
END_TEST

/* What a server proposed outlives a restart, and so does who may propose. */
START_TEST(server_and_restart) {
  static const uint8_t key[32] = {1};
  e2ee_bytes *blob = NULL;
  admit_server();
  e2ee_bytes *proposal = server_removes(epoch_of(bob), 0, CAROL);
  receive(bob, proposal);
  receive(alice, proposal);
  ck_assert_done(bob, e2ee_group_save(bob->group, key, sizeof key, &blob));
  e2ee_group_free(bob->group);
  bob->group = NULL;
  ck_assert_done(bob, e2ee_group_load(bob->client, key, sizeof key, BYTES(blob), &bob->group));
  e2ee_bytes *message = build_commit(bob, NULL, UINT32_MAX, NULL);
  receive(alice, message);
  ck_assert_done(bob, e2ee_group_commit_accepted(bob->group));
  ck_assert_uint_eq(facts_of(alice->group).status.members, MEMBERS - 1);
  e2ee_bytes_free(proposal);
  proposal = server_removes(epoch_of(bob), 0, ALICE);
  receive(bob, proposal);
  e2ee_bytes_free(blob);
  e2ee_bytes_free(message);
  e2ee_bytes_free(proposal);
}
END_TEST

/* ---- Asking to be added ---- */

START_TEST(newcomer_asks) {
  e2ee_bytes *package = key_package_of(&dave), *proposal = NULL;
  ck_assert_done(&dave, e2ee_new_member_propose(dave.client, GROUP, epoch_of(alice), BYTES(package),
                                                &proposal));
  everybody_receives(proposal);
  e2ee_bytes *welcome = commit(bob);
  join(&dave, welcome);
  expect_agreement(&dave, carol);
  e2ee_bytes_free(package);
  e2ee_bytes_free(proposal);
  e2ee_bytes_free(welcome);
}
END_TEST

/* Nobody asks for another, nor with a key package that was used. */
START_TEST(newcomer_asks_for_another) {
  e2ee_bytes *package = key_package_of(&dave), *welcome = NULL;
  expect_refusal(&server, E2EE_ERR_NOT_FOUND,
                 e2ee_new_member_propose(server.client, GROUP, 3, BYTES(package), &out.bytes));
  e2ee_bytes_free(build_commit(alice, package, UINT32_MAX, &welcome));
  join(&dave, welcome);
  expect_refusal(&dave, E2EE_ERR_NOT_FOUND,
                 e2ee_new_member_propose(dave.client, GROUP, 4, BYTES(package), &out.bytes));
  e2ee_bytes_free(package);
  e2ee_bytes_free(welcome);
}
END_TEST

/* Who is asked to let somebody in may leave it at that: nothing comes of what was not accepted. */
START_TEST(newcomer_is_not_let_in) {
  e2ee_bytes *package = key_package_of(&dave), *proposal = NULL;
  ck_assert_done(&dave, e2ee_new_member_propose(dave.client, GROUP, epoch_of(alice), BYTES(package),
                                                &proposal));
  e2ee_incoming_free(process(bob, proposal));
  ck_assert_ptr_null(commit(bob));
  ck_assert_uint_eq(facts_of(bob->group).status.members, MEMBERS);
  e2ee_bytes_free(package);
  e2ee_bytes_free(proposal);
}
END_TEST

/* ---- Joining by commit ---- */

static void open_group(struct member *who, struct member *of) {
  e2ee_bytes *info = NULL;
  ck_assert_done(of, e2ee_group_info(of->group, &info));
  ck_assert_done(who, e2ee_group_open(who->client, BYTES(info), NULL, 0, &who->group));
  ck_assert_uint_eq(state_of(who), E2EE_GROUP_OUTSIDE);
  e2ee_bytes_free(info);
}

/* Build the external commit of a plan, which is freed. */
static e2ee_bytes *enter(struct member *who, e2ee_commit *plan) {
  e2ee_bytes *message = NULL, *welcome = NULL;
  ck_assert_done(who, e2ee_commit_build(plan, &message, &welcome));
  ck_assert_ptr_null(welcome);
  ck_assert_uint_eq(state_of(who), E2EE_GROUP_PENDING);
  e2ee_commit_free(plan);
  return message;
}

/* The same client has lost its state; it takes its old leaf out as it comes in again. */
START_TEST(comes_back) {
  struct member again = {carol->client, NULL};
  e2ee_commit *plan = NULL;
  uint32_t leaf = leaf_of(carol);
  e2ee_group_free(carol->group);
  carol->group = NULL;
  open_group(&again, alice);
  ck_assert_done(&again, e2ee_commit_new(again.group, &plan));
  ck_assert_returns(&again, e2ee_commit_remove(plan, MEMBERS), E2EE_ERR_NOT_FOUND);
  ck_assert_done(&again, e2ee_commit_remove(plan, leaf));
  e2ee_bytes *message = enter(&again, plan);
  e2ee_incoming *incoming = process(bob, message);
  ck_assert_uint_eq(status_of(incoming).sender, leaf); /* the place is free, so it is taken again */
  ck_assert_done(bob, e2ee_incoming_accept(incoming));
  e2ee_incoming_free(incoming);
  receive(alice, message);
  ck_assert_done(&again, e2ee_group_commit_accepted(again.group));
  ck_assert_uint_eq(facts_of(again.group).status.members, MEMBERS);
  expect_agreement(&again, bob);
  expect_agreement(&again, alice);
  carol->group = again.group;
  e2ee_bytes_free(message);
}
END_TEST

/* Without that the key would be there twice; and nobody else may be taken out. */
START_TEST(comes_back_badly) {
  struct member again = {carol->client, NULL};
  e2ee_commit *plan = NULL;
  e2ee_group_free(carol->group);
  carol->group = NULL;
  open_group(&again, alice);
  ck_assert_done(&again, e2ee_commit_new(again.group, &plan));
  expect_refusal(&again, E2EE_ERR_INVALID_TREE, e2ee_commit_build(plan, &out.bytes, &out.second));
  ck_assert_ptr_nonnull(strstr(explanation(again.client), "a former leaf has to be removed"));
  e2ee_commit_free(plan);
  e2ee_group_free(again.group);
  open_group(&dave, alice);
  ck_assert_done(&dave, e2ee_commit_new(dave.group, &plan));
  expect_refusal(&dave, E2EE_ERR_INVALID_PROPOSAL, e2ee_commit_remove(plan, BOB));
  e2ee_commit_free(plan);
}
END_TEST

START_TEST(comes_with_a_psk) {
  e2ee_commit *plan = NULL;
  struct member *const all[] = {alice, bob, &dave};
  for (size_t i = 0; i < 3; i++)
    ck_assert_done(all[i], e2ee_client_add_psk(all[i]->client, TEXT("psk"), TEXT("secret")));
  open_group(&dave, alice);
  ck_assert_done(&dave, e2ee_commit_new(dave.group, &plan));
  ck_assert_returns(&dave, e2ee_commit_psk(plan, TEXT("none")), E2EE_ERR_NOT_FOUND);
  ck_assert_done(&dave, e2ee_commit_psk(plan, TEXT("psk")));
  e2ee_bytes *message = enter(&dave, plan);
  receive(alice, message);
  receive(bob, message);
  expect_refused(carol, message, E2EE_ERR_INVALID_COMMIT); /* does not have it */
  ck_assert_done(&dave, e2ee_group_commit_accepted(dave.group));
  expect_agreement(&dave, alice);
  expect_agreement(&dave, bob);
  e2ee_bytes_free(message);
}
END_TEST

/* Bob wants to leave, and dave, who was told, takes that along. */
START_TEST(comes_as_another_leaves) {
  e2ee_commit *plan = NULL;
  e2ee_bytes *leave = NULL;
  ck_assert_done(bob, e2ee_group_propose_leave(bob->group, &leave));
  receive(alice, leave);
  receive(carol, leave);
  open_group(&dave, alice);
  receive(&dave, leave);
  ck_assert_done(&dave, e2ee_commit_new(dave.group, &plan));
  e2ee_bytes *message = enter(&dave, plan);
  receive(alice, message);
  receive(carol, message);
  receive(bob, message);
  ck_assert_done(&dave, e2ee_group_commit_accepted(dave.group));
  ck_assert_uint_eq(state_of(bob), E2EE_GROUP_LEFT);
  ck_assert_uint_eq(facts_of(dave.group).status.members, MEMBERS);
  expect_agreement(&dave, alice);
  expect_agreement(&dave, carol);
  e2ee_bytes_free(leave);
  e2ee_bytes_free(message);
}
END_TEST

/* Nothing else is for those outside. */
START_TEST(outside) {
  admit_server();
  e2ee_commit *plan = NULL;
  e2ee_bytes *update = NULL, *text = NULL, *bytes = NULL, *package = key_package_of(&server);
  uint8_t secret[32];
  size_t size = sizeof secret;
  const int expected = E2EE_ERR_INVALID_STATE;
  ck_assert_done(alice, e2ee_group_encrypt(alice->group, TEXT("x"), &text));
  ck_assert_done(bob, e2ee_group_propose_update(bob->group, &update));
  open_group(&dave, alice);
  watch(&dave, 1);
  expect_refused(&dave, text, expected);
  expect_refused(&dave, update, expected);
  e2ee_bytes_free(update);
  ck_assert_done(bob, e2ee_client_set(bob->client, E2EE_SET_ENCRYPT_HANDSHAKE, 0));
  ck_assert_done(bob, e2ee_group_propose_update(bob->group, &update));
  expect_refused(&dave, update, expected);
  e2ee_bytes *proposal = server_removes(epoch_of(alice), 0, CAROL);
  expect_refused(&dave, proposal, expected);
  expect_refusal(&dave, expected, e2ee_group_encrypt(dave.group, TEXT("x"), &out.bytes));
  expect_refusal(&dave, expected, e2ee_group_propose_update(dave.group, &out.bytes));
  expect_refusal(&dave, expected, e2ee_group_propose_leave(dave.group, &out.bytes));
  expect_refusal(&dave, expected, e2ee_group_propose_remove(dave.group, BOB, &out.bytes));
  expect_refusal(&dave, expected, e2ee_group_propose_add(dave.group, BYTES(package), &out.bytes));
  expect_refusal(&dave, expected, e2ee_group_info(dave.group, &out.bytes));
  expect_refusal(&dave, expected,
                 e2ee_group_export(dave.group, "x", 1, NULL, 0, out.data, sizeof out.data));
  expect_refusal(&dave, expected, e2ee_group_safety_code(dave.group, out.data, &out.size));
  expect_refusal(&dave, expected, e2ee_group_epoch_authenticator(dave.group, out.data, &out.size));
  expect_refusal(&dave, E2EE_ERR_NOT_FOUND, e2ee_group_commit_accepted(dave.group));
  ck_assert_done(&dave, e2ee_commit_new(dave.group, &plan));
  expect_refusal(&dave, expected, e2ee_commit_add(plan, BYTES(package)));
  expect_refusal(&dave, expected, e2ee_commit_extension(plan, 0xf001, TEXT("x")));
  /* But what everybody may see can be seen. */
  ck_assert_done(&dave, e2ee_group_ratchet_tree(dave.group, &bytes));
  ck_assert_done(&dave, e2ee_group_id(dave.group, secret, &size));
  ck_assert_uint_eq(size, 7);
  e2ee_commit_free(plan);
  e2ee_bytes *const all[] = {update, text, bytes, package, proposal};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    e2ee_bytes_free(all[i]);
}
END_TEST

/* Two come at once: the second finds the door closed, and looks again. */
START_TEST(two_at_once) {
  e2ee_commit *plan = NULL;
  open_group(&dave, alice);
  open_group(&server, bob);
  ck_assert_done(&dave, e2ee_commit_new(dave.group, &plan));
  e2ee_bytes *first = enter(&dave, plan);
  ck_assert_done(&server, e2ee_commit_new(server.group, &plan));
  e2ee_bytes *second = enter(&server, plan);
  everybody_receives(first);
  ck_assert_done(&dave, e2ee_group_commit_accepted(dave.group));
  expect_refused(alice, second, E2EE_ERR_OLD_EPOCH);
  ck_assert_done(&server, e2ee_group_commit_discard(server.group));
  ck_assert_uint_eq(state_of(&server), E2EE_GROUP_LEFT);
  e2ee_group_free(server.group);
  server.group = NULL;
  open_group(&server, &dave);
  ck_assert_done(&server, e2ee_commit_new(server.group, &plan));
  e2ee_bytes_free(second);
  second = enter(&server, plan);
  everybody_receives(second);
  receive(&dave, second);
  ck_assert_done(&server, e2ee_group_commit_accepted(server.group));
  expect_agreement(&server, &dave);
  expect_agreement(&server, carol);
  e2ee_bytes_free(first);
  e2ee_bytes_free(second);
}
END_TEST

/* Between looking, committing and entering the program may end. */
START_TEST(restarts) {
  static const uint8_t key[32] = {1};
  e2ee_commit *plan = NULL;
  e2ee_bytes *blob = NULL, *message = NULL;
  open_group(&dave, alice);
  for (size_t i = 0; i < 2; i++) {
    uint32_t state = state_of(&dave);
    ck_assert_done(&dave, e2ee_group_save(dave.group, key, sizeof key, &blob));
    /* Who only looks may look twice; but one commit leads one handle into the group. */
    ck_assert_returns(&dave, e2ee_group_load(dave.client, key, sizeof key, BYTES(blob), &out.group),
                      i == 0 ? E2EE_OK : E2EE_ERR_INVALID_STATE);
    e2ee_group_free(out.group);
    out.group = NULL;
    e2ee_group_free(dave.group);
    dave.group = NULL;
    ck_assert_done(&dave, e2ee_group_load(dave.client, key, sizeof key, BYTES(blob), &dave.group));
    ck_assert_uint_eq(state_of(&dave), state);
    e2ee_bytes_free(blob);
    blob = NULL;
    if (i == 0) {
      ck_assert_done(&dave, e2ee_commit_new(dave.group, &plan));
      message = enter(&dave, plan);
    }
  }
  everybody_receives(message);
  ck_assert_done(&dave, e2ee_group_save(dave.group, key, sizeof key, &blob));
  receive(&dave, message); /* its own, as the others got it */
  expect_agreement(&dave, alice);
  expect_refusal(&dave, E2EE_ERR_INVALID_STATE,
                 e2ee_group_load(dave.client, key, sizeof key, BYTES(blob), &out.group));
  e2ee_bytes_free(blob);
  e2ee_bytes_free(message);
}
END_TEST

int main(void) {
  TCase *cases = tcase_create("from outside");
  tcase_add_checked_fixture(cases, setup, teardown);
  tcase_set_timeout(cases, 60);
  tcase_add_test(cases, server_removes_a_member);
  tcase_add_test(cases, server_adds_a_member);
  tcase_add_test(cases, server_out_of_order);
  tcase_add_test(cases, server_and_restart);
  tcase_add_test(cases, newcomer_asks);
  tcase_add_test(cases, newcomer_asks_for_another);
  tcase_add_test(cases, newcomer_is_not_let_in);
  tcase_add_test(cases, comes_back);
  tcase_add_test(cases, comes_back_badly);
  tcase_add_test(cases, comes_with_a_psk);
  tcase_add_test(cases, comes_as_another_leaves);
  tcase_add_test(cases, outside);
  tcase_add_test(cases, two_at_once);
  tcase_add_test(cases, restarts);
  return run_case("outside", cases);
}
