/*
 * Who has sent a message, as its epoch knew them; and who comes back with another key.
 * SPDX-License-Identifier: ISC
 */
#include <e2ee/mls.h>

#include <string.h>

#include "api/handles.h"
#include "crypto/hpke.h"
#include "fixture.h"
#include "tests/run.h"

enum { ALICE, BOB, MALLORY, CAROL, MEMBERS };

static struct member member[MEMBERS];
static struct member *const alice = &member[ALICE], *const bob = &member[BOB],
                            *const mallory = &member[MALLORY], *const carol = &member[CAROL];

/* Carol is outside. */
static void setup(void) {
  static const char *const names[MEMBERS] = {"alice", "bob", "mallory", "carol"};
  for (size_t i = 0; i < MEMBERS; i++)
    member[i] = member_new(names[i]);
  found_group(member, CAROL);
}

static void teardown(void) {
  members_free(member, MEMBERS);
}

struct value {
  uint8_t bytes[1000];
  size_t size;
};

static struct value sender_value(const e2ee_incoming *incoming, uint32_t what) {
  struct value value = {.size = sizeof value.bytes};
  ck_assert_int_eq(e2ee_incoming_sender(incoming, what, value.bytes, &value.size), E2EE_OK);
  return value;
}

static void expect_sender(const e2ee_incoming *incoming, const struct member *who,
                          const char *name) {
  struct value identity = sender_value(incoming, E2EE_MEMBER_IDENTITY), key = {.size = 1000};
  struct value shown = sender_value(incoming, E2EE_MEMBER_PUBLIC_KEY);
  ck_assert_uint_eq(identity.size, strlen(name));
  ck_assert_mem_eq(identity.bytes, name, identity.size);
  ck_assert_int_eq(e2ee_client_public_key(who->client, key.bytes, &key.size), E2EE_OK);
  ck_assert_uint_eq(shown.size, key.size);
  ck_assert_mem_eq(shown.bytes, key.bytes, key.size);
}

static void expect_no(const struct member *who, const e2ee_incoming *incoming, uint32_t what,
                      int expected) {
  struct value value = {.size = sizeof value.bytes};
  ck_assert_returns(who, e2ee_incoming_sender(incoming, what, value.bytes, &value.size), expected);
}

/* ---- Late messages ---- */

static e2ee_bytes *say(struct member *from) {
  e2ee_bytes *message = NULL;
  ck_assert_done(from, e2ee_group_encrypt(from->group, TEXT("hello"), &message));
  return message;
}

static void expect_late(const e2ee_bytes *message, const struct value *code) {
  e2ee_incoming *incoming = process(bob, message);
  uint8_t name[16];
  size_t size = sizeof name;
  ck_assert_uint_eq(status_of(incoming).epoch, epoch_of(bob) - 1);
  ck_assert_uint_eq(status_of(incoming).sender, MALLORY);
  expect_sender(incoming, mallory, "mallory");
  struct value shown = sender_value(incoming, E2EE_MEMBER_SAFETY_CODE);
  ck_assert_mem_eq(shown.bytes, code->bytes, code->size);
  ck_assert_uint_eq(sender_value(incoming, E2EE_MEMBER_LEAF_EXTENSIONS).size, 0);
  /* Whose leaf it is by now. */
  ck_assert_done(bob, e2ee_group_member(bob->group, MALLORY, E2EE_MEMBER_IDENTITY, name, &size));
  ck_assert_mem_eq(name, "carol", size);
  e2ee_incoming_free(incoming);
}

START_TEST(late_messages_of_a_removed_member) {
  static const uint8_t key[32] = {1};
  struct value code = {.size = sizeof code.bytes};
  e2ee_bytes *package = key_package_of(carol), *welcome = NULL, *blob = NULL;
  ck_assert_done(
      bob, e2ee_group_member(bob->group, MALLORY, E2EE_MEMBER_SAFETY_CODE, code.bytes, &code.size));
  e2ee_bytes *commit = build_commit(alice, package, MALLORY, &welcome);
  ck_assert_done(alice, e2ee_group_commit_accepted(alice->group));
  receive(bob, commit);
  join(carol, welcome);
  ck_assert_uint_eq(leaf_of(carol), MALLORY);
  e2ee_bytes *first = say(mallory), *second = say(mallory);
  expect_late(first, &code);
  /* The past epoch is loaded without anybody being asked who was in it. */
  ck_assert_done(bob, e2ee_group_save(bob->group, key, sizeof key, &blob));
  e2ee_group_free(bob->group);
  ck_assert_done(bob, e2ee_group_load(bob->client, key, sizeof key, BYTES(blob), &bob->group));
  expect_late(second, &code);
  e2ee_bytes *const all[] = {package, welcome, blob, commit, first, second};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    e2ee_bytes_free(all[i]);
}
END_TEST

/* ---- Each kind ---- */

START_TEST(members_send) {
  e2ee_bytes *message = say(bob), *proposal = NULL;
  e2ee_incoming *incoming = process(alice, message);
  expect_sender(incoming, bob, "bob");
  e2ee_incoming_free(incoming);
  ck_assert_done(bob, e2ee_group_propose_update(bob->group, &proposal));
  incoming = process(alice, proposal);
  expect_sender(incoming, bob, "bob");
  e2ee_incoming_free(incoming);
  e2ee_bytes *commit = build_commit(alice, NULL, UINT32_MAX, NULL);
  incoming = process(bob, commit);
  expect_sender(incoming, alice, "alice");
  e2ee_incoming_free(incoming);
  incoming = process(alice, commit);
  ck_assert_uint_eq(kind_of(incoming), E2EE_INCOMING_OWN_COMMIT);
  expect_sender(incoming, alice, "alice");
  expect_no(alice, incoming, E2EE_MEMBER_SAFETY_CODE, E2EE_ERR_INVALID_ARG);
  e2ee_incoming_free(incoming);
  e2ee_bytes_free(message);
  e2ee_bytes_free(proposal);
  e2ee_bytes_free(commit);
}
END_TEST

START_TEST(who_made_a_welcome) {
  e2ee_bytes *package = key_package_of(carol), *welcome = NULL;
  e2ee_incoming *incoming = NULL;
  e2ee_bytes *commit = build_commit(bob, package, UINT32_MAX, &welcome);
  ck_assert_done(carol, e2ee_welcome_open(carol->client, BYTES(welcome), NULL, 0, &incoming));
  expect_sender(incoming, bob, "bob");
  ck_assert_done(carol, e2ee_incoming_join(incoming, &carol->group));
  expect_sender(incoming, bob, "bob");
  e2ee_incoming_free(incoming);
  e2ee_bytes_free(package);
  e2ee_bytes_free(welcome);
  e2ee_bytes_free(commit);
}
END_TEST

START_TEST(newcomers_send) {
  e2ee_bytes *package = key_package_of(carol), *proposal = NULL, *info = NULL, *commit = NULL;
  ck_assert_done(carol, e2ee_new_member_propose(carol->client, TEXT("a group"), epoch_of(alice),
                                                BYTES(package), &proposal));
  e2ee_incoming *incoming = process(alice, proposal);
  expect_sender(incoming, carol, "carol");
  e2ee_incoming_free(incoming);
  ck_assert_done(alice, e2ee_group_info(alice->group, &info));
  ck_assert_done(
      carol, e2ee_group_join_external(carol->client, BYTES(info), NULL, 0, &commit, &carol->group));
  incoming = process(alice, commit);
  expect_sender(incoming, carol, "carol");
  e2ee_incoming_free(incoming);
  incoming = process(carol, commit);
  expect_sender(incoming, carol, "carol");
  e2ee_incoming_free(incoming);
  e2ee_bytes_free(package);
  e2ee_bytes_free(proposal);
  e2ee_bytes_free(info);
  e2ee_bytes_free(commit);
}
END_TEST

/* Carol is the server, the second one of the group. */
START_TEST(servers_send) {
  uint8_t key[100];
  size_t size = sizeof key;
  e2ee_commit *plan = NULL;
  e2ee_bytes *message = NULL, *welcome = NULL, *proposal = NULL;
  ck_assert_done(alice, e2ee_client_public_key(alice->client, key, &size));
  ck_assert_done(alice, e2ee_commit_new(alice->group, &plan));
  ck_assert_done(
      alice, e2ee_commit_external_sender(plan, key, size, E2EE_CREDENTIAL_BASIC, TEXT("another")));
  size = sizeof key;
  ck_assert_done(carol, e2ee_client_public_key(carol->client, key, &size));
  ck_assert_done(alice, e2ee_commit_external_sender(plan, key, size, E2EE_CREDENTIAL_BASIC,
                                                    TEXT("the server")));
  ck_assert_done(alice, e2ee_commit_build(plan, &message, &welcome));
  ck_assert_done(alice, e2ee_group_commit_accepted(alice->group));
  ck_assert_done(carol, e2ee_external_propose_remove(carol->client, TEXT("a group"),
                                                     epoch_of(alice), 1, BOB, &proposal));
  e2ee_incoming *incoming = process(alice, proposal);
  expect_sender(incoming, carol, "the server");
  static const uint8_t credential[] = {0, 1, 10, 't', 'h', 'e', ' ', 's', 'e', 'r', 'v', 'e', 'r'};
  struct value shown = sender_value(incoming, E2EE_MEMBER_CREDENTIAL);
  ck_assert_uint_eq(shown.size, sizeof credential);
  ck_assert_mem_eq(shown.bytes, credential, sizeof credential);
  expect_no(alice, incoming, E2EE_MEMBER_LEAF_EXTENSIONS, E2EE_ERR_NOT_FOUND);
  expect_no(alice, incoming, E2EE_MEMBER_SAFETY_CODE, E2EE_ERR_NOT_FOUND);
  e2ee_incoming_free(incoming);
  e2ee_commit_free(plan);
  e2ee_bytes_free(message);
  e2ee_bytes_free(proposal);
}
END_TEST

/* Who only looks at a group has no key to compare. */
START_TEST(seen_from_outside) {
  uint8_t value[100];
  size_t size = sizeof value;
  e2ee_bytes *info = NULL, *leave = NULL;
  ck_assert_done(alice, e2ee_group_info(alice->group, &info));
  ck_assert_done(bob, e2ee_group_propose_leave(bob->group, &leave));
  ck_assert_done(carol, e2ee_group_open(carol->client, BYTES(info), NULL, 0, &carol->group));
  e2ee_incoming *incoming = process(carol, leave);
  expect_sender(incoming, bob, "bob");
  expect_no(carol, incoming, E2EE_MEMBER_SAFETY_CODE, E2EE_ERR_INVALID_STATE);
  ck_assert_returns(carol, e2ee_incoming_member(incoming, 0, E2EE_MEMBER_SAFETY_CODE, value, &size),
                    E2EE_ERR_INVALID_STATE);
  e2ee_incoming_free(incoming);
  e2ee_bytes_free(info);
  e2ee_bytes_free(leave);
}
END_TEST

/* ---- Other keys ---- */

/* Somebody takes bob's place, alice and bob look at it.  @return flags of the changes */
static void expect_resync(struct member *by, uint32_t flags) {
  e2ee_bytes *info = NULL, *message = NULL, *welcome = NULL;
  e2ee_commit *plan = NULL;
  ck_assert_done(alice, e2ee_group_info(alice->group, &info));
  ck_assert_done(by, e2ee_group_open(by->client, BYTES(info), NULL, 0, &by->group));
  ck_assert_done(by, e2ee_commit_new(by->group, &plan));
  ck_assert_done(by, e2ee_commit_remove(plan, BOB));
  ck_assert_done(by, e2ee_commit_build(plan, &message, &welcome));
  e2ee_incoming *incoming = process(alice, message);
  ck_assert_uint_eq(status_of(incoming).changes, 2);
  ck_assert_uint_eq(status_of(incoming).flags, flags);
  for (uint32_t i = 0; i < 2; i++) {
    ck_assert_uint_eq(change_of(incoming, i).kind, i == 0 ? E2EE_CHANGE_REMOVE : E2EE_CHANGE_ADD);
    ck_assert_uint_eq(change_of(incoming, i).flags, flags);
    expect_named(incoming, i, "bob");
  }
  ck_assert_done(alice, e2ee_incoming_accept(incoming)); /* as the others do */
  e2ee_incoming_free(incoming);
  if (by != bob) {
    incoming = process(bob, message);
    ck_assert_uint_eq(status_of(incoming).flags, flags | E2EE_INCOMING_FLAG_REMOVES_OWN);
    e2ee_incoming_free(incoming);
  }
  e2ee_commit_free(plan);
  e2ee_bytes_free(info);
  e2ee_bytes_free(message);
}

START_TEST(a_member_comes_back) {
  e2ee_group_free(bob->group);
  bob->group = NULL;
  expect_resync(bob, 0);
}
END_TEST

START_TEST(a_stranger_takes_a_place) {
  struct member other = member_new("bob");
  ck_assert_uint_eq(E2EE_CHANGE_FLAG_OTHER_KEY, E2EE_INCOMING_FLAG_OTHER_KEY);
  expect_resync(&other, E2EE_CHANGE_FLAG_OTHER_KEY);
  member_free(&other);
}
END_TEST

/* Somebody joins beside bob, who leaves, and gets his leaf. */
static void expect_joined_beside(struct member *by, uint32_t flags) {
  e2ee_bytes *info = NULL, *leave = NULL, *message = NULL, *welcome = NULL;
  e2ee_commit *plan = NULL;
  ck_assert_done(bob, e2ee_group_propose_leave(bob->group, &leave));
  receive(alice, leave);
  ck_assert_done(alice, e2ee_group_info(alice->group, &info));
  ck_assert_done(by, e2ee_group_open(by->client, BYTES(info), NULL, 0, &by->group));
  receive(by, leave);
  ck_assert_done(by, e2ee_commit_new(by->group, &plan));
  ck_assert_done(by, e2ee_commit_build(plan, &message, &welcome));
  e2ee_incoming *incoming = process(alice, message);
  ck_assert_uint_eq(status_of(incoming).changes, 2);
  ck_assert_uint_eq(status_of(incoming).flags, flags);
  for (uint32_t i = 0; i < 2; i++)
    ck_assert_uint_eq(change_of(incoming, i).flags, flags);
  e2ee_incoming_free(incoming);
  e2ee_commit_free(plan);
  e2ee_bytes_free(info);
  e2ee_bytes_free(leave);
  e2ee_bytes_free(message);
}

/* Who joins beside a member that leaves takes nobody's place. */
START_TEST(a_newcomer_is_no_other) {
  expect_joined_beside(carol, 0);
}
END_TEST

/* Unless it calls itself by the name of who leaves. */
START_TEST(a_stranger_takes_a_place_that_gets_free) {
  struct member other = member_new("bob");
  expect_joined_beside(&other, E2EE_CHANGE_FLAG_OTHER_KEY);
  member_free(&other);
}
END_TEST

/* An Update of bob's leaf, with his credential, by the signature key of another client. */
static e2ee_bytes *update_with_key_of(const struct member *other) {
  const struct client *own = bob->client->client, *with = other->client->client;
  struct group *group = bob->group->group;
  struct secret key = {0};
  uint8_t public_key[KEM_PUBLIC_MAX];
  struct leaf_storage storage = {0};
  struct leaf_template fields;
  struct leaf *leaf = NULL;
  struct writer writer = {0};
  e2ee_bytes *out = NULL;
  ck_assert_int_eq(client_leaf(with, &storage, &fields), OK);
  ck_assert_int_eq(hpke_generate_key_pair(own->suite, &key, public_key), OK);
  fields.credential = bytes_view(&own->credential);
  fields.encryption_key = view_of(public_key, own->suite->kem->public_size);
  fields.source = LEAF_UPDATE;
  ck_assert_int_eq(
      leaf_new(own->suite, &fields, with->signature_key, group_identifier(group), BOB, &leaf), OK);
  proposal_write_update(&writer, leaf_raw(leaf));
  ck_assert_int_eq(api_bytes_new(&out), OK);
  ck_assert_int_eq(group_propose(group, writer_view(&writer), &out->bytes), OK);
  secret_wipe(&key);
  leaf_drop(leaf);
  leaf_storage_free(&storage);
  writer_free(&writer);
  return out;
}

START_TEST(an_update_tells) {
  const struct member *const with[] = {bob, carol};
  for (size_t i = 0; i < 2; i++) {
    e2ee_incoming *waiting = NULL;
    uint32_t flags = with[i] == bob ? 0 : E2EE_CHANGE_FLAG_OTHER_KEY;
    e2ee_bytes *update = update_with_key_of(with[i]);
    e2ee_incoming *incoming = process(alice, update);
    ck_assert_uint_eq(change_of(incoming, 0).kind, E2EE_CHANGE_UPDATE);
    ck_assert_uint_eq(change_of(incoming, 0).flags, flags);
    ck_assert_uint_eq(status_of(incoming).flags, 0); /* nobody's place is taken */
    ck_assert_done(alice, e2ee_incoming_accept(incoming));
    e2ee_incoming_free(incoming);
    ck_assert_done(alice, e2ee_group_proposals(alice->group, &waiting));
    ck_assert_uint_eq(change_of(waiting, (uint32_t)i).flags, flags);
    e2ee_incoming_free(waiting);
    receive(mallory, update);
    e2ee_bytes_free(update);
  }
  e2ee_bytes *commit = build_commit(alice, NULL, UINT32_MAX, NULL);
  e2ee_incoming *incoming = process(mallory, commit);
  ck_assert_uint_eq(status_of(incoming).changes, 2);
  ck_assert_uint_eq(change_of(incoming, 0).leaf, BOB);
  ck_assert_uint_eq(change_of(incoming, 0).flags, E2EE_CHANGE_FLAG_OTHER_KEY);
  ck_assert_uint_eq(change_of(incoming, 1).leaf, ALICE);
  ck_assert_uint_eq(change_of(incoming, 1).flags, 0);
  e2ee_incoming_free(incoming);
  e2ee_bytes_free(commit);
}
END_TEST

int main(void) {
  TCase *cases = tcase_create("senders");
  tcase_add_checked_fixture(cases, setup, teardown);
  tcase_set_timeout(cases, 60);
  tcase_add_test(cases, late_messages_of_a_removed_member);
  tcase_add_test(cases, members_send);
  tcase_add_test(cases, who_made_a_welcome);
  tcase_add_test(cases, newcomers_send);
  tcase_add_test(cases, servers_send);
  tcase_add_test(cases, seen_from_outside);
  tcase_add_test(cases, a_member_comes_back);
  tcase_add_test(cases, a_stranger_takes_a_place);
  tcase_add_test(cases, a_newcomer_is_no_other);
  tcase_add_test(cases, a_stranger_takes_a_place_that_gets_free);
  tcase_add_test(cases, an_update_tells);
  return run_case("senders", cases);
}
