/*
 * What an application names or brings along is let in up to 65535 bytes, and arrives whole.
 * SPDX-License-Identifier: ISC
 */
#include <e2ee/mls.h>

#include "fixture.h"
#include "tests/run.h"

enum { ALICE, BOB, MEMBERS };

#define TYPE 0xf001 /* of the application's own */
#define LONGEST longest, sizeof longest

static struct member members[MEMBERS];
static struct member *const alice = &members[ALICE], *const bob = &members[BOB];
static uint8_t longest[65535];
static e2ee_bytes *bytes;

static void setup(void) {
  for (size_t i = 0; i < sizeof longest; i++)
    longest[i] = (uint8_t)(i % 251);
  members_new(members, MEMBERS);
  for (size_t i = 0; i < MEMBERS; i++)
    for (uint32_t kind = E2EE_TYPE_EXTENSION; kind <= E2EE_TYPE_PROPOSAL; kind++)
      ck_assert_done(&members[i], e2ee_client_support(members[i].client, kind, TYPE));
  found_group(members, MEMBERS);
  bytes = NULL;
}

static void teardown(void) {
  e2ee_bytes_free(bytes);
  members_free(members, MEMBERS);
}

static void next(void) {
  e2ee_bytes_free(bytes);
  bytes = NULL;
}

static void expect_longest(const uint8_t *data, size_t size) {
  ck_assert_uint_eq(size, sizeof longest);
  ck_assert_mem_eq(data, longest, size);
}

START_TEST(of_clients) {
  e2ee_client *client = NULL;
  uint8_t identity[sizeof longest];
  size_t size = sizeof identity;
  ck_assert_int_eq(
      e2ee_client_new_credential(SUITE, E2EE_CREDENTIAL_BASIC, LONGEST, NULL, 0, &client), E2EE_OK);
  ck_assert_int_eq(e2ee_client_extension(client, E2EE_PLACE_GROUP_INFO, TYPE, LONGEST), E2EE_OK);
  ck_assert_int_eq(e2ee_client_add_psk(client, LONGEST, LONGEST), E2EE_OK);
  ck_assert_int_eq(e2ee_key_package_new(client, &bytes), E2EE_OK);
  ck_assert_int_eq(e2ee_key_package_identity(BYTES(bytes), identity, &size), E2EE_OK);
  expect_longest(identity, size);
  e2ee_client_free(client);
  /* As a key it is only of the wrong length. */
  ck_assert_int_eq(
      e2ee_client_new_credential(SUITE, E2EE_CREDENTIAL_BASIC, TEXT("x"), LONGEST, &client),
      E2EE_ERR_INVALID_ARG);
}
END_TEST

START_TEST(of_groups) {
  uint8_t data[sizeof longest];
  size_t size = sizeof data;
  e2ee_group *group = NULL;
  ck_assert_done(alice, e2ee_group_branch(alice->group, LONGEST, &group));
  ck_assert_done(alice, e2ee_group_id(group, data, &size));
  expect_longest(data, size);
  e2ee_group_free(group);
  ck_assert_done(alice, e2ee_group_export(alice->group, (const char *)longest, sizeof longest,
                                          LONGEST, data, 32));
  ck_assert_done(alice, e2ee_group_encrypt_with(alice->group, LONGEST, TEXT("x"), &bytes));
  e2ee_incoming *incoming = process(bob, bytes);
  ck_assert_done(bob, e2ee_incoming_authenticated_data(incoming, data, &size));
  expect_longest(data, size);
  e2ee_incoming_free(incoming);
}
END_TEST

START_TEST(of_commits) {
  uint8_t data[sizeof longest], key[32];
  size_t size = sizeof data, key_size = sizeof key;
  e2ee_commit *plan = NULL;
  e2ee_bytes *welcome = NULL;
  ck_assert_done(bob, e2ee_client_public_key(bob->client, key, &key_size));
  ck_assert_done(alice, e2ee_commit_new(alice->group, &plan));
  ck_assert_done(alice,
                 e2ee_commit_external_sender(plan, key, key_size, E2EE_CREDENTIAL_BASIC, LONGEST));
  ck_assert_done(alice, e2ee_commit_extension(plan, TYPE, LONGEST));
  ck_assert_done(alice, e2ee_commit_custom(plan, TYPE, LONGEST));
  ck_assert_done(alice, e2ee_commit_build(plan, &bytes, &welcome));
  ck_assert_done(alice, e2ee_group_commit_accepted(alice->group));
  receive(bob, bytes);
  ck_assert_done(bob, e2ee_group_extension(bob->group, TYPE, data, &size));
  expect_longest(data, size);
  e2ee_commit_free(plan);
  next();
  ck_assert_done(alice, e2ee_commit_new(alice->group, &plan));
  ck_assert_done(alice, e2ee_commit_reinit(plan, LONGEST, SUITE));
  ck_assert_done(alice, e2ee_commit_build(plan, &bytes, &welcome));
  receive(bob, bytes);
  ck_assert_done(bob, e2ee_group_reinit(bob->group, NULL, data, &size));
  expect_longest(data, size);
  e2ee_commit_free(plan);
}
END_TEST

static void receive_change(void) {
  uint8_t data[sizeof longest];
  size_t size = sizeof data;
  e2ee_incoming *incoming = process(bob, bytes);
  ck_assert_done(bob, e2ee_incoming_change_data(incoming, 0, NULL, data, &size));
  ck_assert_uint_ge(size, sizeof longest);
  e2ee_incoming_free(incoming);
  next();
}

START_TEST(of_proposals) {
  e2ee_bytes *package = key_package_of(bob);
  ck_assert_done(alice, e2ee_group_propose_custom(alice->group, TYPE, LONGEST, &bytes));
  receive_change();
  ck_assert_done(alice, e2ee_group_propose_reinit(alice->group, LONGEST, SUITE, &bytes));
  receive_change();
  ck_assert_done(alice, e2ee_group_propose_extension(alice->group, TYPE, LONGEST, &bytes));
  next();
  ck_assert_done(bob,
                 e2ee_external_propose_add(bob->client, LONGEST, 1, 0, BYTES(package), &bytes));
  next();
  ck_assert_done(bob, e2ee_new_member_propose(bob->client, LONGEST, 1, BYTES(package), &bytes));
  next();
  ck_assert_done(bob, e2ee_external_propose_remove(bob->client, LONGEST, 1, 0, 0, &bytes));
  e2ee_bytes_free(package);
}
END_TEST

int main(void) {
  TCase *cases = tcase_create("longest");
  tcase_add_checked_fixture(cases, setup, teardown);
  tcase_add_test(cases, of_clients);
  tcase_add_test(cases, of_groups);
  tcase_add_test(cases, of_commits);
  tcase_add_test(cases, of_proposals);
  return run_case("longest", cases);
}
