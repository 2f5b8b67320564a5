/*
 * mls.h: what bad input gets from each function, and what each is for, once.
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include <e2ee/mls.h>

#include "badinput.h"
#include "config.h"
#include "tests/run.h"

enum { ALICE, BOB, CAROL, MEMBERS };

#define TYPE 0xf001 /* of the application's own */

static struct member members[MEMBERS];
static struct member *const alice = &members[ALICE], *const bob = &members[BOB],
                            *const carol = &members[CAROL];
static e2ee_bytes *key_package, *info;
static e2ee_commit *plan; /* of bob, who has nothing pending */
static const uint8_t longest[65536];

/* Alice and bob support the application's types; carol is outside. */
static void setup(void) {
  members_new(members, MEMBERS);
  members_support(members, CAROL, TYPE);
  found_group(members, CAROL);
  key_package = key_package_of(carol);
  ck_assert_done(alice, e2ee_group_info(alice->group, &info));
  ck_assert_done(bob, e2ee_commit_new(bob->group, &plan));
  watch(members, CAROL);
}

static void teardown(void) {
  e2ee_commit_free(plan);
  e2ee_bytes_free(key_package);
  e2ee_bytes_free(info);
  members_free(members, MEMBERS);
}

/* Build bob's plan.  @return the message; nobody is added */
static e2ee_bytes *build(void) {
  e2ee_bytes *message = NULL, *welcome = NULL;
  ck_assert_done(bob, e2ee_commit_build(plan, &message, &welcome));
  ck_assert_ptr_null(welcome);
  return message;
}

/* Build it, and let alice and bob enter its epoch. */
static void commit(void) {
  e2ee_bytes *message = build();
  receive(alice, message);
  ck_assert_done(bob, e2ee_group_commit_accepted(bob->group));
  expect_agreement(alice, bob);
  e2ee_bytes_free(message);
}

/* ---- What bad input gets ---- */

START_TEST(clients) {
  e2ee_client *client = bob->client;
  expect_error(INVALID, e2ee_client_support(NULL, E2EE_TYPE_PROPOSAL, TYPE));
  expect_error(INVALID, e2ee_client_support(client, 0, TYPE));
  expect_error(INVALID, e2ee_client_support(client, 4, TYPE));
  expect_error(INVALID, e2ee_client_support(client, E2EE_TYPE_PROPOSAL, 0));
  static const uint16_t foreign[] = {1, 7, 8, 9, 0x000a, 0x0a0a, 0x1234, 0xefff};
  for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
    expect_error(INVALID, e2ee_client_support(client, E2EE_TYPE_PROPOSAL, foreign[i]));
    expect_error(INVALID, e2ee_client_require_path(client, foreign[i]));
  }
  expect_error(INVALID, e2ee_client_require_path(NULL, TYPE));
  expect_error(INVALID, e2ee_client_require_path(client, 0));
  ck_assert_done(bob, e2ee_client_require_path(client, 0xffff));

  expect_error(INVALID, e2ee_client_extension(NULL, E2EE_PLACE_LEAF, TYPE, NULL, 0));
  expect_error(INVALID, e2ee_client_extension(client, 0, TYPE, NULL, 0));
  expect_error(INVALID, e2ee_client_extension(client, 4, TYPE, NULL, 0));
  expect_error(INVALID, e2ee_client_extension(client, E2EE_PLACE_LEAF, TYPE, NULL, 1));
  for (uint32_t place = E2EE_PLACE_LEAF; place <= E2EE_PLACE_GROUP_INFO; place++) {
    static const uint16_t own[] = {0, 1, 2, 3, 4, 5, 10}; /* MLS's: last_resort is the last one */
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
      if (place != E2EE_PLACE_LEAF || own[i] != 1)
        expect_error(INVALID, e2ee_client_extension(client, place, own[i], NULL, 0));
  }
  ck_assert_done(carol, e2ee_client_extension(carol->client, E2EE_PLACE_LEAF, 1, TEXT("app")));
  expect_error(E2EE_ERR_LIMIT,
               e2ee_client_extension(client, E2EE_PLACE_LEAF, TYPE, longest, sizeof longest));

  expect_error(INVALID, e2ee_client_add_psk(NULL, TEXT("x"), TEXT("y")));
  expect_error(INVALID, e2ee_client_add_psk(client, NULL, 0, TEXT("y")));
  expect_error(INVALID, e2ee_client_add_psk(client, longest, 0, TEXT("y")));
  expect_error(INVALID, e2ee_client_add_psk(client, TEXT("x"), NULL, 0));
  expect_error(INVALID, e2ee_client_add_psk(client, TEXT("x"), longest, 0));
  expect_error(E2EE_ERR_LIMIT, e2ee_client_add_psk(client, longest, sizeof longest, TEXT("y")));
  expect_error(E2EE_ERR_LIMIT, e2ee_client_add_psk(client, TEXT("x"), longest, sizeof longest));
  expect_error(INVALID, e2ee_client_remove_psk(client, NULL, 0));
  expect_refusal(bob, E2EE_ERR_NOT_FOUND, e2ee_client_remove_psk(client, TEXT("x")));
  expect_refusal(bob, E2EE_ERR_NOT_FOUND, e2ee_client_remove_psk(client, longest, 0));
  expect_error(INVALID, e2ee_key_package_new_last_resort(client, NULL));
  expect_error(INVALID, e2ee_key_package_new_last_resort(NULL, &out.bytes));
}
END_TEST

START_TEST(credentials) {
  const uint16_t basic = E2EE_CREDENTIAL_BASIC;
  static const uint8_t seed[32] = {7};
  expect_error(E2EE_ERR_UNSUPPORTED,
               e2ee_client_new_credential(0, basic, TEXT("x"), NULL, 0, &out.client));
  expect_error(INVALID, e2ee_client_new_credential(SUITE, 0, TEXT("x"), NULL, 0, &out.client));
  expect_error(INVALID, e2ee_client_new_credential(SUITE, basic, NULL, 0, NULL, 0, &out.client));
  expect_error(INVALID, e2ee_client_new_credential(SUITE, basic, seed, 0, NULL, 0, &out.client));
  expect_error(INVALID, e2ee_client_new_credential(SUITE, basic, TEXT("x"), NULL, 1, &out.client));
  expect_error(INVALID, e2ee_client_new_credential(SUITE, basic, TEXT("x"), seed, 0, &out.client));
  expect_error(INVALID, e2ee_client_new_credential(SUITE, basic, TEXT("x"), seed, 31, &out.client));
  expect_error(INVALID, e2ee_client_new_credential(SUITE, basic, TEXT("x"), NULL, 0, NULL));
  expect_error(E2EE_ERR_LIMIT, e2ee_client_new_credential(SUITE, basic, longest, sizeof longest,
                                                          NULL, 0, &out.client));
  expect_error(E2EE_ERR_LIMIT, e2ee_client_new_credential(SUITE, basic, TEXT("x"), longest,
                                                          sizeof longest, &out.client));
  expect_error(E2EE_ERR_MALFORMED, e2ee_client_new_credential(SUITE, E2EE_CREDENTIAL_X509,
                                                              TEXT("none"), NULL, 0, &out.client));
  expect_error(INVALID, e2ee_x509_verify(NULL, 0, TEXT("none"), 0));
  expect_error(INVALID, e2ee_x509_verify(TEXT("none"), NULL, 0, 0));
  expect_error(HAVE_OPENSSL ? E2EE_ERR_MALFORMED : E2EE_ERR_UNSUPPORTED,
               e2ee_x509_verify(TEXT("none"), TEXT("none"), 0));

  /* A key that is brought along is the one that is used. */
  uint8_t keys[2][32];
  for (size_t i = 0; i < 2; i++) {
    size_t size = sizeof keys[i];
    e2ee_client *client = NULL;
    ck_assert_int_eq(
        e2ee_client_new_credential(SUITE, basic, TEXT("x"), seed, sizeof seed, &client), E2EE_OK);
    ck_assert_int_eq(e2ee_client_public_key(client, keys[i], &size), E2EE_OK);
    e2ee_client_free(client);
  }
  ck_assert_mem_eq(keys[0], keys[1], sizeof keys[0]);
}
END_TEST

START_TEST(groups) {
  e2ee_group *group = bob->group;
  expect_error(INVALID, e2ee_group_extension(group, TYPE, out.data, NULL));
  expect_refusal(bob, E2EE_ERR_NOT_FOUND, e2ee_group_extension(group, TYPE, out.data, &out.size));
  expect_error(INVALID, e2ee_group_ratchet_tree(group, NULL));
  expect_error(INVALID, e2ee_group_ratchet_tree(NULL, &out.bytes));
  expect_error(INVALID, e2ee_group_epoch_authenticator(group, out.data, NULL));
  expect_error(INVALID, e2ee_group_encrypt_with(group, NULL, 1, TEXT("x"), &out.bytes));
  expect_error(INVALID, e2ee_group_encrypt_with(group, TEXT("x"), NULL, 1, &out.bytes));
  expect_error(INVALID, e2ee_group_encrypt_with(group, TEXT("x"), TEXT("y"), NULL));
  expect_refusal(bob, E2EE_ERR_LIMIT,
                 e2ee_group_encrypt_with(group, TEXT("x"), longest, SIZE_MAX, &out.bytes));
  expect_error(E2EE_ERR_LIMIT,
               e2ee_group_encrypt_with(group, longest, sizeof longest, TEXT("x"), &out.bytes));
  expect_refusal(bob, E2EE_ERR_INVALID_STATE, e2ee_group_reinit(group, NULL, out.data, &out.size));
  expect_error(INVALID, e2ee_group_reinit(group, NULL, out.data, NULL));
  expect_refusal(bob, E2EE_ERR_INVALID_STATE, e2ee_group_successor(bob->client, group, &out.group));
  expect_error(INVALID, e2ee_group_successor(NULL, group, &out.group));
  expect_error(INVALID, e2ee_group_successor(bob->client, NULL, &out.group));
  expect_error(INVALID, e2ee_group_successor(bob->client, group, NULL));
  expect_error(INVALID, e2ee_group_branch(group, NULL, 0, &out.group));
  expect_error(INVALID, e2ee_group_branch(group, longest, 0, &out.group));
  expect_error(INVALID, e2ee_group_branch(group, TEXT("x"), NULL));
  expect_refusal(bob, E2EE_ERR_INVALID_STATE,
                 e2ee_group_branch(group, TEXT("a group"), &out.group));
  expect_error(E2EE_ERR_LIMIT, e2ee_group_branch(group, longest, sizeof longest, &out.group));
  expect_error(INVALID, e2ee_group_open(carol->client, NULL, 0, NULL, 0, &out.group));
  expect_error(INVALID, e2ee_group_open(carol->client, BYTES(info), NULL, 1, &out.group));
  expect_error(INVALID, e2ee_group_open(carol->client, BYTES(info), NULL, 0, NULL));
  expect_refusal(carol, E2EE_ERR_MALFORMED,
                 e2ee_group_open(carol->client, BYTES(key_package), NULL, 0, &out.group));
  expect_refusal(carol, E2EE_ERR_LIMIT,
                 e2ee_group_open(carol->client, longest, SIZE_MAX, NULL, 0, &out.group));
  expect_refusal(
      carol, E2EE_ERR_MALFORMED,
      e2ee_welcome_open_successor(carol->client, group, BYTES(info), NULL, 0, &out.incoming));
  expect_error(INVALID, e2ee_welcome_open_successor(carol->client, NULL, BYTES(info), NULL, 0,
                                                    &out.incoming));
  expect_error(INVALID,
               e2ee_welcome_open_successor(carol->client, group, NULL, 0, NULL, 0, &out.incoming));
  expect_error(INVALID,
               e2ee_welcome_open_successor(carol->client, group, BYTES(info), NULL, 0, NULL));
}
END_TEST

/* Each proposal is sent by one function and put into a commit by another: the same errors. */
START_TEST(proposals) {
  e2ee_group *group = bob->group;
  const int none = E2EE_ERR_NOT_FOUND, limit = E2EE_ERR_LIMIT;
  expect_error(INVALID, e2ee_group_propose_psk(group, NULL, 0, &out.bytes));
  expect_error(INVALID, e2ee_commit_psk(plan, NULL, 0));
  expect_refusal(bob, none, e2ee_group_propose_psk(group, TEXT("x"), &out.bytes));
  expect_refusal(bob, none, e2ee_commit_psk(plan, TEXT("x")));
  expect_refusal(bob, none, e2ee_group_propose_psk(group, longest, SIZE_MAX, &out.bytes));
  expect_refusal(bob, none, e2ee_commit_psk(plan, longest, SIZE_MAX));
  expect_refusal(bob, none, e2ee_commit_resumption_psk(plan, 0));
  expect_refusal(bob, none, e2ee_commit_resumption_psk(plan, UINT64_MAX));

  expect_error(INVALID, e2ee_group_propose_extension(group, 0, NULL, 0, &out.bytes));
  expect_error(INVALID, e2ee_commit_extension(plan, 0, NULL, 0));
  expect_error(INVALID, e2ee_group_propose_extension(group, TYPE, NULL, 1, &out.bytes));
  expect_error(INVALID, e2ee_commit_extension(plan, TYPE, NULL, 1));
  expect_error(limit,
               e2ee_group_propose_extension(group, TYPE, longest, sizeof longest, &out.bytes));
  expect_error(limit, e2ee_commit_extension(plan, TYPE, longest, sizeof longest));

  expect_error(INVALID, e2ee_commit_require(plan, 0, TYPE));
  expect_error(INVALID, e2ee_commit_require(plan, 4, TYPE));
  expect_error(INVALID, e2ee_commit_require(plan, E2EE_TYPE_PROPOSAL, 0));
  expect_refusal(bob, INVALID,
                 e2ee_commit_external_sender(plan, longest, 31, E2EE_CREDENTIAL_BASIC, TEXT("x")));
  expect_error(INVALID,
               e2ee_commit_external_sender(plan, NULL, 32, E2EE_CREDENTIAL_BASIC, TEXT("x")));
  expect_error(INVALID,
               e2ee_commit_external_sender(plan, longest, 32, E2EE_CREDENTIAL_BASIC, longest, 0));
  expect_error(limit, e2ee_commit_external_sender(plan, longest, 32, E2EE_CREDENTIAL_BASIC, longest,
                                                  sizeof longest));

  expect_error(INVALID, e2ee_group_propose_reinit(group, NULL, 0, SUITE, &out.bytes));
  expect_error(INVALID, e2ee_commit_reinit(plan, NULL, 0, SUITE));
  expect_error(INVALID, e2ee_group_propose_reinit(group, TEXT(""), SUITE, &out.bytes));
  expect_error(INVALID, e2ee_commit_reinit(plan, TEXT(""), SUITE));
  expect_error(limit, e2ee_group_propose_reinit(group, longest, sizeof longest, SUITE, &out.bytes));
  expect_error(limit, e2ee_commit_reinit(plan, longest, sizeof longest, SUITE));
  expect_error(E2EE_ERR_UNSUPPORTED, e2ee_group_propose_reinit(group, TEXT("x"), 0, &out.bytes));
  expect_error(E2EE_ERR_UNSUPPORTED, e2ee_commit_reinit(plan, TEXT("x"), UINT16_MAX));
  expect_refusal(bob, INVALID, /* its own id */
                 e2ee_group_propose_reinit(group, TEXT("a group"), SUITE, &out.bytes));
  expect_refusal(bob, INVALID, e2ee_commit_reinit(plan, TEXT("a group"), SUITE));

  expect_error(INVALID, e2ee_group_propose_custom(group, 0, NULL, 0, &out.bytes));
  expect_error(INVALID, e2ee_group_propose_custom(group, TYPE, NULL, 1, &out.bytes));
  expect_error(limit, e2ee_group_propose_custom(group, TYPE, longest, sizeof longest, &out.bytes));
  expect_error(limit, e2ee_commit_custom(plan, TYPE, longest, sizeof longest));
  for (uint16_t type = 1; type < 8; type++) { /* RFC 9420's own */
    expect_refusal(bob, INVALID, e2ee_group_propose_custom(group, type, NULL, 0, &out.bytes));
    expect_refusal(bob, INVALID, e2ee_commit_custom(plan, type, NULL, 0));
  }
  /* Not everybody supports the next one. */
  expect_refusal(bob, E2EE_ERR_INVALID_PROPOSAL,
                 e2ee_group_propose_custom(group, TYPE + 1, NULL, 0, &out.bytes));
  expect_refusal(bob, E2EE_ERR_INVALID_PROPOSAL, e2ee_commit_custom(plan, TYPE + 1, NULL, 0));
}
END_TEST

START_TEST(proposals_from_outside) {
  e2ee_client *client = carol->client;
  const int limit = E2EE_ERR_LIMIT;
  expect_error(INVALID,
               e2ee_external_propose_add(client, NULL, 0, 1, 0, BYTES(key_package), &out.bytes));
  expect_error(INVALID,
               e2ee_external_propose_add(client, longest, 0, 1, 0, BYTES(key_package), &out.bytes));
  expect_error(INVALID, e2ee_external_propose_add(client, TEXT("x"), 1, 0, NULL, 0, &out.bytes));
  expect_error(INVALID,
               e2ee_external_propose_add(client, TEXT("x"), 1, 0, BYTES(key_package), NULL));
  expect_refusal(carol, E2EE_ERR_MALFORMED,
                 e2ee_external_propose_add(client, TEXT("x"), 1, 0, BYTES(info), &out.bytes));
  expect_error(limit, e2ee_external_propose_add(client, longest, sizeof longest, 1, 0,
                                                BYTES(key_package), &out.bytes));
  expect_refusal(carol, limit,
                 e2ee_external_propose_add(client, TEXT("x"), 1, 0, longest, SIZE_MAX, &out.bytes));
  expect_error(INVALID, e2ee_external_propose_remove(client, NULL, 0, 1, 0, 0, &out.bytes));
  expect_error(INVALID, e2ee_external_propose_remove(client, longest, 0, 1, 0, 0, &out.bytes));
  expect_error(limit,
               e2ee_external_propose_remove(client, longest, sizeof longest, 1, 0, 0, &out.bytes));
  expect_error(INVALID, e2ee_external_propose_remove(client, TEXT("x"), 1, 0, 0, NULL));
  expect_error(INVALID,
               e2ee_new_member_propose(client, NULL, 0, 1, BYTES(key_package), &out.bytes));
  expect_error(INVALID, e2ee_new_member_propose(client, TEXT("x"), 1, NULL, 0, &out.bytes));
  expect_refusal(carol, E2EE_ERR_MALFORMED,
                 e2ee_new_member_propose(client, TEXT("x"), 1, BYTES(info), &out.bytes));
}
END_TEST

START_TEST(incoming_messages) {
  e2ee_bytes *message = build();
  e2ee_incoming *incoming = process(alice, message);
  watch(members, CAROL);
  expect_error(INVALID, e2ee_incoming_authenticated_data(incoming, out.data, NULL));
  expect_error(INVALID, e2ee_incoming_change_data(incoming, 0, NULL, out.data, NULL));
  expect_error(INVALID, e2ee_incoming_change_extensions(incoming, 0, out.data, NULL));
  expect_refusal(alice, E2EE_ERR_NOT_FOUND,
                 e2ee_incoming_change_extensions(incoming, 1, out.data, &out.size));
  e2ee_proposal proposal = {.type = TYPE};
  expect_error(INVALID, e2ee_incoming_change_proposal(incoming, 0, NULL, sizeof proposal));
  expect_error(INVALID, e2ee_incoming_change_proposal(incoming, 0, &proposal, 0));
  expect_refusal(alice, E2EE_ERR_NOT_FOUND,
                 e2ee_incoming_change_proposal(incoming, 1, &proposal, sizeof proposal));
  ck_assert_uint_eq(proposal.type, TYPE);
  uint16_t type = TYPE;
  expect_refusal(alice, E2EE_ERR_NOT_FOUND,
                 e2ee_incoming_change_data(incoming, 1, &type, out.data, &out.size));
  ck_assert_uint_eq(type, TYPE);
  e2ee_incoming_free(incoming);
  e2ee_bytes_free(message);
}
END_TEST

/* ---- What each is for ---- */

START_TEST(pre_shared_key) {
  e2ee_bytes *message = NULL;
  ck_assert_done(bob, e2ee_client_add_psk(bob->client, TEXT("psk"), TEXT("secret")));
  ck_assert_done(bob, e2ee_commit_psk(plan, TEXT("psk")));
  ck_assert_done(bob, e2ee_commit_resumption_psk(plan, epoch_of(bob)));
  message = build();
  expect_refused(alice, message, E2EE_ERR_INVALID_COMMIT); /* has none */
  ck_assert_done(alice, e2ee_client_add_psk(alice->client, TEXT("psk"), TEXT("another")));
  expect_refused(alice, message, E2EE_ERR_INVALID_COMMIT); /* has another */
  ck_assert_done(alice, e2ee_client_add_psk(alice->client, TEXT("psk"), TEXT("secret")));
  e2ee_incoming *incoming = process(alice, message);
  uint16_t type = 0;
  uint8_t id[8];
  size_t size = sizeof id;
  ck_assert_uint_eq(change_of(incoming, 0).kind, E2EE_CHANGE_PSK);
  ck_assert_done(alice, e2ee_incoming_change_data(incoming, 0, &type, id, &size));
  ck_assert_uint_eq(type, 4);
  ck_assert_uint_eq(size, 3);
  ck_assert_mem_eq(id, "psk", 3);
  ck_assert_done(alice, e2ee_incoming_accept(incoming));
  ck_assert_done(bob, e2ee_group_commit_accepted(bob->group));
  expect_agreement(alice, bob);
  ck_assert_done(bob, e2ee_client_remove_psk(bob->client, TEXT("psk")));
  ck_assert_returns(bob, e2ee_client_remove_psk(bob->client, TEXT("psk")), E2EE_ERR_NOT_FOUND);
  e2ee_incoming_free(incoming);
  e2ee_bytes_free(message);
}
END_TEST

static void expect_extension(const struct member *member, const char *value) {
  uint8_t data[16];
  size_t size = sizeof data;
  int expected = value != NULL ? E2EE_OK : E2EE_ERR_NOT_FOUND;
  ck_assert_returns(member, e2ee_group_extension(member->group, TYPE, data, &size), expected);
  if (value != NULL) {
    ck_assert_uint_eq(size, strlen(value));
    ck_assert_mem_eq(data, value, size);
  }
}

START_TEST(extension_of_the_group) {
  static const char *const values[] = {"one", "two", "", NULL};
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
    e2ee_commit_free(plan);
    ck_assert_done(bob, e2ee_commit_new(bob->group, &plan));
    const uint8_t *data = (const uint8_t *)values[i];
    ck_assert_done(
        bob, e2ee_commit_extension(plan, TYPE, data, values[i] != NULL ? strlen(values[i]) : 0));
    commit();
    expect_extension(alice, values[i]);
    expect_extension(bob, values[i]);
  }
  /* Carol's client does not support it. */
  e2ee_commit_free(plan);
  ck_assert_done(bob, e2ee_commit_new(bob->group, &plan));
  ck_assert_done(bob, e2ee_commit_require(plan, E2EE_TYPE_PROPOSAL, TYPE));
  commit();
  e2ee_commit_free(plan);
  ck_assert_done(bob, e2ee_commit_new(bob->group, &plan));
  e2ee_bytes *message = NULL, *welcome = NULL;
  int err = e2ee_commit_add(plan, BYTES(key_package));
  if (err == E2EE_OK)
    err = e2ee_commit_build(plan, &message, &welcome);
  ck_assert_int_eq(err, E2EE_ERR_INVALID_PROPOSAL);
}
END_TEST

START_TEST(proposal_of_the_application) {
  e2ee_bytes *proposal = NULL;
  ck_assert_done(alice, e2ee_group_propose_custom(alice->group, TYPE, TEXT("do"), &proposal));
  e2ee_incoming *incoming = process(bob, proposal);
  uint16_t type = 0;
  uint8_t data[8];
  size_t size = sizeof data;
  e2ee_change change = change_of(incoming, 0);
  ck_assert_uint_eq(change.kind, E2EE_CHANGE_CUSTOM);
  ck_assert_uint_eq(change.leaf, UINT32_MAX);
  ck_assert_uint_eq(change.proposer, ALICE);
  ck_assert_done(bob, e2ee_incoming_change_data(incoming, 0, &type, data, &size));
  ck_assert_uint_eq(type, TYPE);
  ck_assert_uint_eq(size, 2);
  ck_assert_mem_eq(data, "do", 2);
  ck_assert_returns(bob, e2ee_incoming_member(incoming, 0, E2EE_MEMBER_IDENTITY, data, &size),
                    E2EE_ERR_NOT_FOUND);
  ck_assert_done(bob, e2ee_incoming_accept(incoming));
  commit();
  e2ee_incoming_free(incoming);
  e2ee_bytes_free(proposal);
}
END_TEST

START_TEST(external_sender) {
  uint8_t public_key[32], id[16];
  size_t size = sizeof public_key, id_size = sizeof id;
  e2ee_bytes *proposal = NULL;
  struct member dave = member_new("dave");
  ck_assert_done(carol, e2ee_client_public_key(carol->client, public_key, &size));
  ck_assert_done(bob, e2ee_commit_external_sender(plan, public_key, size, E2EE_CREDENTIAL_BASIC,
                                                  TEXT("carol")));
  commit();
  ck_assert_done(bob, e2ee_group_id(bob->group, id, &id_size));
  ck_assert_done(carol, e2ee_external_propose_remove(carol->client, id, id_size, epoch_of(bob), 0,
                                                     BOB, &proposal));
  e2ee_incoming *incoming = process(alice, proposal);
  ck_assert_uint_eq(change_of(incoming, 0).kind, E2EE_CHANGE_REMOVE);
  ck_assert_uint_eq(change_of(incoming, 0).leaf, BOB);
  ck_assert_uint_eq(change_of(incoming, 0).proposer, UINT32_MAX);
  e2ee_incoming_free(incoming);
  e2ee_bytes_free(proposal);
  proposal = NULL;
  /* Dave is nobody. */
  ck_assert_done(&dave, e2ee_external_propose_remove(dave.client, id, id_size, epoch_of(bob), 0,
                                                     BOB, &proposal));
  expect_refused(alice, proposal, E2EE_ERR_SIGNATURE);
  e2ee_bytes_free(proposal);
  proposal = NULL;
  /* But he may ask to be added. */
  e2ee_bytes *package = key_package_of(&dave);
  ck_assert_done(&dave, e2ee_new_member_propose(dave.client, id, id_size, epoch_of(bob),
                                                BYTES(package), &proposal));
  incoming = process(alice, proposal);
  ck_assert_uint_eq(change_of(incoming, 0).kind, E2EE_CHANGE_ADD);
  e2ee_incoming_free(incoming);
  e2ee_bytes_free(proposal);
  e2ee_bytes_free(package);
  member_free(&dave);
}
END_TEST

START_TEST(last_resort) {
  e2ee_bytes *package = NULL;
  ck_assert_done(carol, e2ee_key_package_new_last_resort(carol->client, &package));
  struct member others[2] = {member_new("dave"), member_new("eve")};
  for (size_t i = 0; i < 2; i++) {
    e2ee_bytes *welcome = NULL;
    ck_assert_done(&others[i], e2ee_group_new(others[i].client, TEXT("x"), &others[i].group));
    e2ee_bytes_free(build_commit(&others[i], package, UINT32_MAX, &welcome));
    ck_assert_done(&others[i], e2ee_group_commit_accepted(others[i].group));
    join(carol, welcome);
    expect_agreement(carol, &others[i]);
    e2ee_group_free(carol->group);
    carol->group = NULL;
    e2ee_bytes_free(welcome);
    member_free(&others[i]);
  }
  e2ee_bytes_free(package);
}
END_TEST

START_TEST(outside_view) {
  e2ee_commit *own = NULL;
  e2ee_bytes *message = NULL, *welcome = NULL, *bytes = NULL;
  ck_assert_done(carol, e2ee_group_open(carol->client, BYTES(info), NULL, 0, &carol->group));
  ck_assert_uint_eq(state_of(carol), E2EE_GROUP_OUTSIDE);
  struct facts facts = facts_of(carol->group);
  ck_assert_uint_eq(facts.status.members, CAROL);
  ck_assert_int_eq(facts.exported, E2EE_ERR_INVALID_STATE);
  ck_assert_returns(carol, e2ee_group_encrypt(carol->group, TEXT("x"), &bytes),
                    E2EE_ERR_INVALID_STATE);
  uint8_t code[128];
  size_t size = sizeof code;
  ck_assert_returns(carol,
                    e2ee_group_member(carol->group, ALICE, E2EE_MEMBER_SAFETY_CODE, code, &size),
                    E2EE_ERR_INVALID_STATE);
  ck_assert_done(carol, e2ee_commit_new(carol->group, &own));
  ck_assert_done(carol, e2ee_commit_build(own, &message, &welcome));
  receive(alice, message);
  ck_assert_done(carol, e2ee_group_commit_accepted(carol->group));
  expect_agreement(alice, carol);
  e2ee_commit_free(own);
  e2ee_bytes_free(message);
}
END_TEST

/* Found `new`'s group: everybody else of the old one is added, and joins with the old group at hand. */
static void go_on(struct member *founder, struct member *other, e2ee_group *old) {
  e2ee_bytes *package = key_package_of(other), *welcome = NULL;
  e2ee_incoming *incoming = NULL;
  e2ee_bytes_free(build_commit(founder, package, UINT32_MAX, &welcome));
  ck_assert_done(founder, e2ee_group_commit_accepted(founder->group));
  ck_assert_done(
      other, e2ee_welcome_open_successor(other->client, old, BYTES(welcome), NULL, 0, &incoming));
  ck_assert_done(other, e2ee_incoming_join(incoming, &other->group));
  expect_agreement(founder, other);
  e2ee_incoming_free(incoming);
  e2ee_bytes_free(package);
  e2ee_bytes_free(welcome);
}

START_TEST(successor) {
  uint16_t suite = 0;
  uint8_t id[16];
  size_t size = sizeof id;
  struct member new_alice = {NULL, NULL}, new_bob = {NULL, NULL};
  ck_assert_int_eq(e2ee_client_new(3, TEXT("alice"), &new_alice.client), E2EE_OK);
  ck_assert_int_eq(e2ee_client_new(3, TEXT("bob"), &new_bob.client), E2EE_OK);
  /* Which of the two clients the reason was found by makes no difference. */
  ck_assert_returns(&new_alice,
                    e2ee_group_successor(new_alice.client, alice->group, &new_alice.group),
                    E2EE_ERR_INVALID_STATE);
  ck_assert_str_ne(explanation(new_alice.client), e2ee_strerror(E2EE_ERR_INVALID_STATE));
  ck_assert_done(bob, e2ee_commit_reinit(plan, TEXT("next"), 3));
  e2ee_bytes *message = build();
  receive(alice, message);
  ck_assert_done(bob, e2ee_group_commit_accepted(bob->group));
  ck_assert_uint_eq(state_of(alice), E2EE_GROUP_ENDED);
  ck_assert_done(alice, e2ee_group_reinit(alice->group, &suite, id, &size));
  ck_assert_uint_eq(suite, 3);
  ck_assert_uint_eq(size, 4);
  ck_assert_mem_eq(id, "next", 4);
  /* Only with a client of the new suite. */
  ck_assert_returns(alice, e2ee_group_successor(alice->client, alice->group, &new_alice.group),
                    E2EE_ERR_UNSUPPORTED);
  ck_assert_returns(carol, e2ee_group_successor(carol->client, alice->group, &new_alice.group),
                    E2EE_ERR_UNSUPPORTED);
  ck_assert_str_ne(explanation(carol->client), e2ee_strerror(E2EE_ERR_UNSUPPORTED));
  ck_assert_done(&new_alice,
                 e2ee_group_successor(new_alice.client, alice->group, &new_alice.group));
  go_on(&new_alice, &new_bob, bob->group);
  member_free(&new_alice);
  member_free(&new_bob);
  e2ee_bytes_free(message);
}
END_TEST

START_TEST(branch) {
  struct member side_alice = {alice->client, NULL}, side_bob = {bob->client, NULL};
  ck_assert_done(alice, e2ee_group_branch(alice->group, TEXT("aside"), &side_alice.group));
  go_on(&side_alice, &side_bob, bob->group);
  expect_agreement(alice, bob); /* the first one goes on */
  e2ee_group_free(side_alice.group);
  e2ee_group_free(side_bob.group);
}
END_TEST

/* What is not saved is missed at once, and nothing goes out that lacks it. */
START_TEST(support_forgotten_on_restart) {
  static const uint8_t key[32] = {1};
  e2ee_bytes *client = NULL, *group = NULL, *message = NULL, *welcome = NULL;
  e2ee_commit *commit = NULL;
  struct member sole = member_new("sole");
  ck_assert_done(&sole, e2ee_client_support(sole.client, E2EE_TYPE_EXTENSION, TYPE));
  ck_assert_done(&sole, e2ee_group_new(sole.client, TEXT("g"), &sole.group));
  ck_assert_done(&sole, e2ee_commit_new(sole.group, &commit));
  ck_assert_done(&sole, e2ee_commit_extension(commit, TYPE, TEXT("x")));
  ck_assert_done(&sole, e2ee_commit_build(commit, &message, &welcome));
  ck_assert_done(&sole, e2ee_group_commit_accepted(sole.group));
  e2ee_commit_free(commit);
  e2ee_bytes_free(message);
  message = NULL;
  ck_assert_done(&sole, e2ee_client_save(sole.client, key, sizeof key, &client));
  ck_assert_done(&sole, e2ee_group_save(sole.group, key, sizeof key, &group));
  member_free(&sole);
  ck_assert_int_eq(e2ee_client_load(key, sizeof key, BYTES(client), &sole.client), E2EE_OK);
  ck_assert_done(&sole, e2ee_group_load(sole.client, key, sizeof key, BYTES(group), &sole.group));
  ck_assert_done(&sole, e2ee_commit_new(sole.group, &commit));
  ck_assert_returns(&sole, e2ee_commit_build(commit, &message, &welcome), E2EE_ERR_INVALID_TREE);
  ck_assert_ptr_nonnull(strstr(explanation(sole.client), "does not support"));
  e2ee_bytes *proposal = NULL;
  ck_assert_returns(&sole, e2ee_group_propose_update(sole.group, &proposal), E2EE_ERR_INVALID_TREE);
  ck_assert_done(&sole, e2ee_client_support(sole.client, E2EE_TYPE_EXTENSION, TYPE));
  ck_assert_done(&sole, e2ee_commit_build(commit, &message, &welcome));
  e2ee_commit_free(commit);
  e2ee_bytes_free(message);
  e2ee_bytes_free(proposal);
  e2ee_bytes_free(client);
  e2ee_bytes_free(group);
  member_free(&sole);
}
END_TEST

int main(void) {
  TCase *cases = tcase_create("the rest of RFC 9420");
  tcase_add_checked_fixture(cases, setup, teardown);
  tcase_set_timeout(cases, 120);
  tcase_add_test(cases, clients);
  tcase_add_test(cases, credentials);
  tcase_add_test(cases, groups);
  tcase_add_test(cases, proposals);
  tcase_add_test(cases, proposals_from_outside);
  tcase_add_test(cases, incoming_messages);
  tcase_add_test(cases, pre_shared_key);
  tcase_add_test(cases, extension_of_the_group);
  tcase_add_test(cases, proposal_of_the_application);
  tcase_add_test(cases, external_sender);
  tcase_add_test(cases, last_resort);
  tcase_add_test(cases, outside_view);
  tcase_add_test(cases, successor);
  tcase_add_test(cases, branch);
  tcase_add_test(cases, support_forgotten_on_restart);
  return run_case("mls", cases);
}
