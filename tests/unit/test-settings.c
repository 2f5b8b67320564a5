/*
 * Every setting of a client: its range, and what it does on both sides of its value.
 * SPDX-License-Identifier: ISC
 */
#include <stddef.h>
#include <string.h>
#include <time.h>

#include <e2ee/mls.h>

#include "api/handles.h"
#include "fixture.h"
#include "tests/run.h"

enum { ALICE, BOB, CAROL, MEMBERS };

static struct member members[MEMBERS];
static struct member *const alice = &members[ALICE], *const bob = &members[BOB],
                            *const carol = &members[CAROL];

/* Carol is outside. */
static void setup(void) {
  members_new(members, MEMBERS);
  found_group(members, CAROL);
}

static void teardown(void) {
  members_free(members, MEMBERS);
}

static void set(struct member *member, uint32_t setting, uint64_t value) {
  ck_assert_done(member, e2ee_client_set(member->client, setting, value));
}

static e2ee_bytes *encrypt(struct member *by, const char *text) {
  e2ee_bytes *message = NULL;
  ck_assert_done(by, e2ee_group_encrypt(by->group, (const uint8_t *)text, strlen(text), &message));
  return message;
}

/* ---- Ranges ---- */

#define FIELD(name) offsetof(struct settings, name), sizeof((struct settings){0}.name)

static const struct {
  uint32_t setting;
  uint64_t smallest, largest;
  size_t offset, size; /* of the field that it is kept in */
} ranges[] = {
    {E2EE_SET_TIME, 0, INT64_MAX, FIELD(time)},
    {E2EE_SET_MAX_MEMBERS, 1, 1 << 24, FIELD(max_members)},
    {E2EE_SET_MAX_MESSAGE_BYTES, 1, (1 << 30) - 1, FIELD(max_message_bytes)},
    {E2EE_SET_PAST_EPOCHS, 0, 16, FIELD(past_epochs)},
    {E2EE_SET_MAX_SKIP, 0, 1 << 20, FIELD(max_skip)},
    {E2EE_SET_ENCRYPT_HANDSHAKE, 0, 1, FIELD(encrypt_handshake)},
    {E2EE_SET_KEY_PACKAGE_SECONDS, 1, INT64_MAX, FIELD(key_package_seconds)},
    {E2EE_SET_MAX_LIFETIME_SECONDS, 0, UINT64_MAX, FIELD(max_lifetime_seconds)},
    {E2EE_SET_PADDING, 0, 1 << 16, FIELD(padding)},
    {E2EE_SET_GREASE, 0, 1, FIELD(grease)},
    {E2EE_SET_TREE_IN_WELCOME, 0, 1, FIELD(tree_in_welcome)},
    {E2EE_SET_THREADS, 1, 16, FIELD(threads)},
    {E2EE_SET_RESUMPTION_EPOCHS, 0, 1024, FIELD(resumption_epochs)},
    {E2EE_SET_CLOCK_SKEW_SECONDS, 0, INT64_MAX, FIELD(clock_skew_seconds)},
    {E2EE_SET_MAX_LEAF_BYTES, 1024, 1 << 20, FIELD(max_leaf_bytes)},
    {E2EE_SET_MAX_CONTEXT_BYTES, 1024, 1 << 22, FIELD(max_context_bytes)},
};

/* Set what must leave all other settings as they are. */
static void set_alone(size_t i, uint64_t value) {
  const struct settings *settings = &alice->client->client->settings;
  const size_t end = ranges[i].offset + ranges[i].size;
  uint8_t before[sizeof *settings], after[sizeof before];
  memcpy(before, settings, sizeof before);
  set(alice, ranges[i].setting, value);
  memcpy(after, settings, sizeof after);
  ck_assert_mem_eq(before, after, ranges[i].offset);
  ck_assert_mem_eq(before + end, after + end, sizeof before - end);
}

START_TEST(values_out_of_range) {
  uint32_t setting = ranges[_i].setting;
  uint64_t smallest = ranges[_i].smallest, largest = ranges[_i].largest;
  set_alone((size_t)_i, smallest);
  set_alone((size_t)_i, largest);
  if (smallest > 0)
    ck_assert_returns(alice, e2ee_client_set(alice->client, setting, smallest - 1),
                      E2EE_ERR_INVALID_ARG);
  if (largest < UINT64_MAX) {
    ck_assert_returns(alice, e2ee_client_set(alice->client, setting, largest + 1),
                      E2EE_ERR_INVALID_ARG);
    ck_assert_returns(alice, e2ee_client_set(alice->client, setting, UINT64_MAX),
                      E2EE_ERR_INVALID_ARG);
  }
}
END_TEST

START_TEST(settings_unknown) {
  static const uint32_t unknown[] = {0, 1000, UINT32_MAX};
  for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
    ck_assert_returns(alice, e2ee_client_set(alice->client, unknown[i], 0), E2EE_ERR_UNSUPPORTED);
}
END_TEST

/* ---- Time ---- */

static void expect_add(uint64_t now, const e2ee_bytes *key_package, int expected) {
  e2ee_commit *plan = NULL;
  set(alice, E2EE_SET_TIME, now);
  ck_assert_done(alice, e2ee_commit_new(alice->group, &plan));
  ck_assert_returns(alice, e2ee_commit_add(plan, BYTES(key_package)), expected);
  e2ee_commit_free(plan);
}

/* A key package is valid from an hour before it is made: clocks differ. */
START_TEST(lifetime_of_a_key_package) {
  const uint64_t made = 1000000, seconds = 500;
  set(carol, E2EE_SET_TIME, made);
  set(carol, E2EE_SET_KEY_PACKAGE_SECONDS, seconds);
  e2ee_bytes *key_package = key_package_of(carol);
  expect_add(made - 3601, key_package, E2EE_ERR_LIFETIME);
  expect_add(made - 3600, key_package, E2EE_OK);
  expect_add(made + seconds, key_package, E2EE_OK);
  expect_add(made + seconds + 1, key_package, E2EE_ERR_LIFETIME);
  /* How long it lasts may be limited too; 0 takes any. */
  set(alice, E2EE_SET_MAX_LIFETIME_SECONDS, 3600 + seconds - 1);
  expect_add(made, key_package, E2EE_ERR_LIFETIME);
  set(alice, E2EE_SET_MAX_LIFETIME_SECONDS, 3600 + seconds);
  expect_add(made, key_package, E2EE_OK);
  e2ee_bytes_free(key_package);

  set(carol, E2EE_SET_KEY_PACKAGE_SECONDS, INT64_MAX);
  key_package = key_package_of(carol);
  expect_add(made, key_package, E2EE_ERR_LIFETIME);
  set(alice, E2EE_SET_MAX_LIFETIME_SECONDS, 0);
  expect_add(made, key_package, E2EE_OK);
  expect_add(0, key_package, E2EE_OK); /* the system's clock */
  e2ee_bytes_free(key_package);
}
END_TEST

/* Who adds checks when that is planned, and again when it is done. */
START_TEST(lifetime_when_a_commit_is_built) {
  const uint64_t made = (uint64_t)time(NULL), seconds = 500;
  e2ee_commit *plan = NULL;
  e2ee_bytes *message = NULL, *welcome = NULL, *proposal = NULL;
  struct member dave = member_new("dave");
  set(carol, E2EE_SET_TIME, made);
  set(carol, E2EE_SET_KEY_PACKAGE_SECONDS, seconds);
  set(&dave, E2EE_SET_TIME, made + seconds);
  e2ee_bytes *of_carol = key_package_of(carol), *of_dave = key_package_of(&dave);
  set(alice, E2EE_SET_TIME, made + seconds);
  set(bob, E2EE_SET_TIME, made + seconds);
  ck_assert_done(alice, e2ee_commit_new(alice->group, &plan));
  ck_assert_done(alice, e2ee_commit_add(plan, BYTES(of_carol)));
  set(alice, E2EE_SET_TIME, made + seconds + 1);
  ck_assert_returns(alice, e2ee_commit_build(plan, &message, &welcome), E2EE_ERR_LIFETIME);
  e2ee_commit_free(plan);
  /* What others have proposed is left out. */
  ck_assert_done(bob, e2ee_group_propose_add(bob->group, BYTES(of_carol), &proposal));
  receive(alice, proposal);
  message = build_commit(alice, of_dave, UINT32_MAX, &welcome);
  receive(bob, message);
  ck_assert_done(alice, e2ee_group_commit_accepted(alice->group));
  join(&dave, welcome);
  expect_agreement(&dave, bob);
  e2ee_group_status status;
  ck_assert_done(bob, e2ee_group_get_status(bob->group, &status, sizeof status));
  ck_assert_uint_eq(status.members, 3);
  e2ee_bytes *const all[] = {message, welcome, proposal, of_carol, of_dave};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    e2ee_bytes_free(all[i]);
  member_free(&dave);
}
END_TEST

/* What others have added may have expired on the way, or be of a clock that is ahead; and no wish of
 * the own settings leaves a member behind. */
START_TEST(lifetime_of_what_others_add) {
  const uint64_t made = (uint64_t)time(NULL), begins = made - 3600, skew = 86400;
  e2ee_bytes *welcome = NULL;
  e2ee_incoming *incoming = NULL;
  struct member *const two[] = {carol, alice};
  for (size_t i = 0; i < 2; i++)
    set(two[i], E2EE_SET_TIME, made);
  set(carol, E2EE_SET_KEY_PACKAGE_SECONDS, 5);
  e2ee_bytes *key_package = key_package_of(carol);
  e2ee_bytes *message = build_commit(alice, key_package, UINT32_MAX, &welcome);
  set(bob, E2EE_SET_TIME, begins - skew - 1);
  expect_refused(bob, message, E2EE_ERR_LIFETIME);
  set(bob, E2EE_SET_TIME, begins - skew);
  e2ee_incoming_free(process(bob, message));
  set(bob, E2EE_SET_CLOCK_SKEW_SECONDS, skew - 1);
  expect_refused(bob, message, E2EE_ERR_LIFETIME);
  set(bob, E2EE_SET_CLOCK_SKEW_SECONDS, INT64_MAX);
  set(bob, E2EE_SET_TIME, 1);
  e2ee_incoming_free(process(bob, message));
  set(bob, E2EE_SET_TIME, INT64_MAX);
  set(bob, E2EE_SET_CLOCK_SKEW_SECONDS, 0);
  set(bob, E2EE_SET_MAX_LIFETIME_SECONDS, 1);
  receive(bob, message);
  ck_assert_done(alice, e2ee_group_commit_accepted(alice->group));

  set(carol, E2EE_SET_TIME, begins - skew - 1);
  ck_assert_returns(carol, e2ee_welcome_open(carol->client, BYTES(welcome), NULL, 0, &incoming),
                    E2EE_ERR_LIFETIME);
  set(carol, E2EE_SET_TIME, made + 6);
  join(carol, welcome);
  expect_agreement(carol, bob);
  e2ee_bytes_free(message);
  e2ee_bytes_free(welcome);
  e2ee_bytes_free(key_package);
}
END_TEST

/* ---- Sizes ---- */

START_TEST(largest_group) {
  e2ee_bytes *key_package = key_package_of(carol), *welcome = NULL, *first = NULL, *second = NULL;
  e2ee_commit *plan = NULL;
  e2ee_incoming *incoming = NULL;
  ck_assert_done(alice, e2ee_commit_new(alice->group, &plan));
  ck_assert_done(alice, e2ee_commit_add(plan, BYTES(key_package)));
  set(alice, E2EE_SET_MAX_MEMBERS, 2);
  ck_assert_returns(alice, e2ee_commit_build(plan, &first, &second), E2EE_ERR_LIMIT);
  set(alice, E2EE_SET_MAX_MEMBERS, 3);
  ck_assert_done(alice, e2ee_commit_build(plan, &first, &welcome));

  /* What others add is not for bob's settings to judge: he would be left behind. */
  set(bob, E2EE_SET_MAX_MEMBERS, 2);
  receive(bob, first);
  ck_assert_done(alice, e2ee_group_commit_accepted(alice->group));

  set(carol, E2EE_SET_MAX_MEMBERS, 2);
  ck_assert_returns(carol, e2ee_welcome_open(carol->client, BYTES(welcome), NULL, 0, &incoming),
                    E2EE_ERR_LIMIT);
  set(carol, E2EE_SET_MAX_MEMBERS, 3);
  join(carol, welcome);
  expect_agreement(carol, bob);

  /* From outside. */
  struct member dave = member_new("dave");
  e2ee_bytes *info = NULL;
  ck_assert_done(alice, e2ee_group_info(alice->group, &info));
  set(&dave, E2EE_SET_MAX_MEMBERS, 3);
  ck_assert_returns(
      &dave, e2ee_group_join_external(dave.client, BYTES(info), NULL, 0, &second, &dave.group),
      E2EE_ERR_LIMIT);
  set(&dave, E2EE_SET_MAX_MEMBERS, 4);
  ck_assert_done(&dave,
                 e2ee_group_join_external(dave.client, BYTES(info), NULL, 0, &second, &dave.group));
  receive(bob, second);
  receive(carol, second);
  e2ee_bytes *blob = NULL;
  static const uint8_t key[32] = {3};
  ck_assert_done(bob, e2ee_group_save(bob->group, key, sizeof key, &blob));
  e2ee_group_free(bob->group);
  ck_assert_done(bob, e2ee_group_load(bob->client, key, sizeof key, BYTES(blob), &bob->group));
  expect_readable(bob, carol);
  e2ee_bytes_free(blob);
  e2ee_commit_free(plan);
  e2ee_bytes *const all[] = {key_package, welcome, first, second, info};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    e2ee_bytes_free(all[i]);
  member_free(&dave);
}
END_TEST

START_TEST(largest_message) {
  e2ee_bytes *key_package = key_package_of(carol), *welcome = NULL, *info = NULL, *out = NULL;
  e2ee_incoming *incoming = NULL;
  e2ee_group *group = NULL;
  ck_assert_done(alice, e2ee_group_info(alice->group, &info));
  e2ee_bytes *message = build_commit(alice, key_package, UINT32_MAX, &welcome);

  set(bob, E2EE_SET_MAX_MESSAGE_BYTES, e2ee_bytes_size(message) - 1);
  expect_refused(bob, message, E2EE_ERR_LIMIT);
  set(bob, E2EE_SET_MAX_MESSAGE_BYTES, e2ee_bytes_size(message));
  receive(bob, message);
  ck_assert_done(alice, e2ee_group_commit_accepted(alice->group));

  set(carol, E2EE_SET_MAX_MESSAGE_BYTES, e2ee_bytes_size(info) - 1);
  ck_assert_returns(carol,
                    e2ee_group_join_external(carol->client, BYTES(info), NULL, 0, &out, &group),
                    E2EE_ERR_LIMIT);
  set(carol, E2EE_SET_MAX_MESSAGE_BYTES, e2ee_bytes_size(info));
  ck_assert_done(carol,
                 e2ee_group_join_external(carol->client, BYTES(info), NULL, 0, &out, &group));
  e2ee_group_free(group);
  e2ee_bytes_free(out);
  out = NULL;

  set(carol, E2EE_SET_MAX_MESSAGE_BYTES, e2ee_bytes_size(welcome) - 1);
  ck_assert_returns(carol, e2ee_welcome_open(carol->client, BYTES(welcome), NULL, 0, &incoming),
                    E2EE_ERR_LIMIT);
  set(carol, E2EE_SET_MAX_MESSAGE_BYTES, e2ee_bytes_size(welcome));
  join(carol, welcome);

  struct member dave = member_new("dave");
  e2ee_bytes *of_dave = key_package_of(&dave);
  set(bob, E2EE_SET_MAX_MESSAGE_BYTES, e2ee_bytes_size(of_dave) - 1);
  ck_assert_returns(bob, e2ee_group_propose_add(bob->group, BYTES(of_dave), &out), E2EE_ERR_LIMIT);
  set(bob, E2EE_SET_MAX_MESSAGE_BYTES, 2 * e2ee_bytes_size(of_dave));
  ck_assert_done(bob, e2ee_group_propose_add(bob->group, BYTES(of_dave), &out));
  e2ee_bytes_free(out);
  out = NULL;

  /* What nobody would accept is not made, and nothing has changed. */
  ck_assert_done(carol, e2ee_group_encrypt(carol->group, TEXT("four"), &out));
  const size_t longest = e2ee_bytes_size(out);
  e2ee_bytes_free(out);
  out = NULL;
  struct facts facts = facts_of(carol->group);
  set(carol, E2EE_SET_MAX_MESSAGE_BYTES, longest - 1);
  ck_assert_returns(carol, e2ee_group_encrypt(carol->group, TEXT("four"), &out), E2EE_ERR_LIMIT);
  ck_assert_returns(carol, e2ee_group_info(carol->group, &out), E2EE_ERR_LIMIT);
  ck_assert_returns(carol, e2ee_key_package_new(carol->client, &out), E2EE_ERR_LIMIT);
  ck_assert_returns(carol, e2ee_group_ratchet_tree(carol->group, &out), E2EE_ERR_LIMIT);
  e2ee_commit *plan = NULL;
  e2ee_bytes *none = NULL;
  ck_assert_done(carol, e2ee_commit_new(carol->group, &plan));
  ck_assert_returns(carol, e2ee_commit_build(plan, &out, &none), E2EE_ERR_LIMIT);
  e2ee_commit_free(plan);
  expect_unchanged(carol->group, &facts);
  set(carol, E2EE_SET_MAX_MESSAGE_BYTES, longest);
  ck_assert_done(carol, e2ee_group_encrypt(carol->group, TEXT("four"), &out));
  e2ee_bytes *const all[] = {key_package, welcome, info, message, of_dave, out};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    e2ee_bytes_free(all[i]);
  member_free(&dave);
}
END_TEST

/* What one makes and plans is bounded by the settings; what others make is not. */
START_TEST(largest_context) {
  static const uint8_t data[4000] = {0};
  e2ee_bytes *message = NULL, *commit = NULL;
  e2ee_commit *plan = NULL;
  set(bob, E2EE_SET_MAX_CONTEXT_BYTES, sizeof data);
  ck_assert_done(bob, e2ee_commit_new(bob->group, &plan));
  ck_assert_returns(bob, e2ee_commit_extension(plan, 1, data, sizeof data), E2EE_ERR_LIMIT);
  e2ee_commit_free(plan);
  ck_assert_returns(bob, e2ee_group_propose_extension(bob->group, 1, data, sizeof data, &message),
                    E2EE_ERR_LIMIT);
  ck_assert_done(alice, e2ee_group_propose_extension(alice->group, 1, data, sizeof data, &message));
  receive(bob, message);
  commit = renew(bob);
  receive(alice, commit);
  ck_assert_uint_lt(alice->group->group->epoch->context_raw.size, sizeof data);
  e2ee_bytes_free(message);
  message = NULL;
  e2ee_bytes_free(commit);
  /* From her he takes it. */
  ck_assert_done(alice, e2ee_commit_new(alice->group, &plan));
  ck_assert_done(alice, e2ee_commit_extension(plan, 1, data, sizeof data));
  ck_assert_done(alice, e2ee_commit_build(plan, &commit, &message));
  receive(bob, commit);
  ck_assert_done(alice, e2ee_group_commit_accepted(alice->group));
  expect_agreement(alice, bob);
  e2ee_commit_free(plan);
  e2ee_bytes_free(commit);
  /* And may make it smaller, be it still above what he allows. */
  set(bob, E2EE_SET_MAX_CONTEXT_BYTES, sizeof data / 2);
  ck_assert_done(bob, e2ee_commit_new(bob->group, &plan));
  ck_assert_returns(bob, e2ee_commit_extension(plan, 1, data, sizeof data), E2EE_ERR_LIMIT);
  ck_assert_done(bob, e2ee_commit_extension(plan, 1, data, sizeof data - 1));
  ck_assert_done(bob, e2ee_commit_build(plan, &commit, &message));
  receive(alice, commit);
  ck_assert_done(bob, e2ee_group_commit_accepted(bob->group));
  expect_agreement(alice, bob);
  e2ee_commit_free(plan);
  e2ee_bytes_free(commit);
}
END_TEST

START_TEST(largest_leaf) {
  static const uint8_t data[4000] = {0};
  e2ee_bytes *out = NULL;
  ck_assert_done(bob, e2ee_client_extension(bob->client, E2EE_PLACE_LEAF, 1, data, sizeof data));
  set(bob, E2EE_SET_MAX_LEAF_BYTES, sizeof data);
  ck_assert_returns(bob, e2ee_key_package_new(bob->client, &out), E2EE_ERR_LIMIT);
  ck_assert_returns(bob, e2ee_group_propose_update(bob->group, &out), E2EE_ERR_LIMIT);
  set(bob, E2EE_SET_MAX_LEAF_BYTES, 2 * sizeof data);
  set(alice, E2EE_SET_MAX_LEAF_BYTES, sizeof data);
  out = renew(bob);
  receive(alice, out);
  expect_agreement(alice, bob);
  e2ee_bytes_free(out);
}
END_TEST

/* ---- Late messages, messages out of order ---- */

/* Alice writes in each of four epochs; bob, who keeps `kept` of them, reads when he is in the last. */
START_TEST(past_epochs) {
  const size_t kept = (size_t)_i;
  e2ee_bytes *messages[4];
  set(bob, E2EE_SET_PAST_EPOCHS, kept);
  for (size_t i = 0; i < 4; i++) {
    messages[i] = encrypt(alice, "late");
    if (i == 3)
      break;
    e2ee_bytes *commit = renew(alice);
    receive(bob, commit);
    e2ee_bytes_free(commit);
  }
  for (size_t i = 0; i < 4; i++) {
    if (3 - i > kept)
      expect_refused(bob, messages[i], E2EE_ERR_OLD_EPOCH);
    else
      e2ee_incoming_free(process(bob, messages[i]));
    e2ee_bytes_free(messages[i]);
  }
}
END_TEST

/* To keep fewer counts from the next epoch on. */
START_TEST(past_epochs_lowered) {
  e2ee_bytes *message = encrypt(alice, "late");
  for (size_t i = 0; i < 2; i++) {
    e2ee_bytes *commit = renew(alice);
    receive(bob, commit);
    e2ee_bytes_free(commit);
    set(bob, E2EE_SET_PAST_EPOCHS, 0);
  }
  expect_refused(bob, message, E2EE_ERR_OLD_EPOCH);
  e2ee_bytes_free(message);
}
END_TEST

#define SKIP 3

START_TEST(skipped_messages) {
  e2ee_bytes *messages[SKIP + 2];
  for (size_t i = 0; i < SKIP + 2; i++)
    messages[i] = encrypt(alice, "x");
  set(bob, E2EE_SET_MAX_SKIP, 0);
  expect_refused(bob, messages[1], E2EE_ERR_LIMIT);
  set(bob, E2EE_SET_MAX_SKIP, SKIP);
  expect_refused(bob, messages[SKIP + 1], E2EE_ERR_LIMIT);
  e2ee_incoming_free(process(bob, messages[SKIP]));
  e2ee_incoming_free(process(bob, messages[SKIP + 1]));
  for (size_t i = 0; i < SKIP; i++)
    e2ee_incoming_free(process(bob, messages[i]));
  for (size_t i = 0; i < SKIP + 2; i++) {
    expect_refused(bob, messages[i], E2EE_ERR_REPLAY);
    e2ee_bytes_free(messages[i]);
  }
}
END_TEST

/* Proposals that bob does not accept count as missing before alice's commit; and no longer than he
 * likes. */
START_TEST(skipped_handshakes) {
  for (size_t i = 0; i < SKIP; i++) {
    e2ee_bytes *proposal = NULL;
    ck_assert_done(alice, e2ee_group_propose_update(alice->group, &proposal));
    e2ee_incoming_free(process(bob, proposal));
    e2ee_bytes_free(proposal);
  }
  e2ee_bytes *commit = renew(alice);
  set(bob, E2EE_SET_MAX_SKIP, SKIP - 1);
  expect_refused(bob, commit, E2EE_ERR_LIMIT);
  set(bob, E2EE_SET_MAX_SKIP, SKIP);
  receive(bob, commit);
  expect_agreement(alice, bob);
  e2ee_bytes_free(commit);
}
END_TEST

/* ---- What is sent ---- */

enum { PUBLIC_MESSAGE = 1, PRIVATE_MESSAGE = 2 };

static unsigned wire_format(const e2ee_bytes *message) {
  const uint8_t *data = e2ee_bytes_data(message);
  ck_assert_uint_ge(e2ee_bytes_size(message), 4);
  return (unsigned)data[2] << 8 | data[3];
}

START_TEST(handshakes_in_the_clear) {
  const bool encrypted = _i == 1;
  set(alice, E2EE_SET_ENCRYPT_HANDSHAKE, encrypted);
  e2ee_bytes *proposal = NULL;
  ck_assert_done(alice, e2ee_group_propose_update(alice->group, &proposal));
  e2ee_bytes *commit = build_commit(alice, NULL, UINT32_MAX, NULL);
  ck_assert_uint_eq(wire_format(proposal), encrypted ? PRIVATE_MESSAGE : PUBLIC_MESSAGE);
  ck_assert_uint_eq(wire_format(commit), encrypted ? PRIVATE_MESSAGE : PUBLIC_MESSAGE);
  receive(bob, proposal);
  receive(bob, commit);
  ck_assert_done(alice, e2ee_group_commit_accepted(alice->group));
  e2ee_bytes *message = encrypt(alice, "x");
  ck_assert_uint_eq(wire_format(message), PRIVATE_MESSAGE); /* always */
  expect_agreement(alice, bob);
  e2ee_bytes_free(proposal);
  e2ee_bytes_free(commit);
  e2ee_bytes_free(message);
}
END_TEST

static size_t size_of_encrypted(size_t size) {
  static const uint8_t data[1000];
  e2ee_bytes *message = NULL;
  ck_assert_done(alice, e2ee_group_encrypt(alice->group, data, size, &message));
  size_t encrypted = e2ee_bytes_size(message);
  e2ee_incoming *incoming = process(bob, message);
  size_t read = 0;
  ck_assert_done(bob, e2ee_incoming_data(incoming, NULL, &read));
  ck_assert_uint_eq(read, size);
  e2ee_incoming_free(incoming);
  e2ee_bytes_free(message);
  return encrypted;
}

START_TEST(padding) {
  set(alice, E2EE_SET_PADDING, 0);
  ck_assert_uint_eq(size_of_encrypted(11), size_of_encrypted(10) + 1);
  set(alice, E2EE_SET_PADDING, 200);
  size_t padded = size_of_encrypted(0);
  ck_assert_uint_eq(size_of_encrypted(100), padded);
  ck_assert_uint_eq(size_of_encrypted(300), padded + 200);
}
END_TEST

START_TEST(grease) {
  set(carol, E2EE_SET_GREASE, 0);
  e2ee_bytes *plain = key_package_of(carol);
  set(carol, E2EE_SET_GREASE, 1);
  e2ee_bytes *greased = key_package_of(carol);
  ck_assert_uint_gt(e2ee_bytes_size(greased), e2ee_bytes_size(plain));
  expect_add(0, plain, E2EE_OK);
  expect_add(0, greased, E2EE_OK);
  e2ee_bytes_free(plain);
  e2ee_bytes_free(greased);
}
END_TEST

START_TEST(tree_beside_a_welcome) {
  struct member dave = member_new("dave");
  e2ee_bytes *key_package = key_package_of(carol), *welcome = NULL, *tree = NULL, *info = NULL;
  e2ee_bytes *commit = NULL;
  e2ee_incoming *incoming = NULL;
  set(alice, E2EE_SET_TREE_IN_WELCOME, 0);
  e2ee_bytes_free(build_commit(alice, key_package, UINT32_MAX, &welcome));
  ck_assert_done(alice, e2ee_group_ratchet_tree(alice->group, &tree)); /* of the epoch before */
  ck_assert_returns(carol, e2ee_welcome_open(carol->client, BYTES(welcome), NULL, 0, &incoming),
                    E2EE_ERR_NOT_FOUND);
  ck_assert_returns(carol, e2ee_welcome_open(carol->client, BYTES(welcome), BYTES(tree), &incoming),
                    E2EE_ERR_INVALID_TREE);
  ck_assert_ptr_null(incoming);
  ck_assert_done(alice, e2ee_group_commit_accepted(alice->group));
  e2ee_bytes_free(tree);
  ck_assert_done(alice, e2ee_group_ratchet_tree(alice->group, &tree));
  const size_t longest = e2ee_bytes_size(tree);
  ck_assert_uint_gt(longest, e2ee_bytes_size(welcome));
  set(carol, E2EE_SET_MAX_MESSAGE_BYTES, longest - 1);
  ck_assert_returns(carol, e2ee_welcome_open(carol->client, BYTES(welcome), BYTES(tree), &incoming),
                    E2EE_ERR_LIMIT);
  set(carol, E2EE_SET_MAX_MESSAGE_BYTES, longest);
  ck_assert_done(carol, e2ee_welcome_open(carol->client, BYTES(welcome), BYTES(tree), &incoming));
  ck_assert_done(carol, e2ee_incoming_join(incoming, &carol->group));
  expect_agreement(carol, alice);

  ck_assert_done(alice, e2ee_group_info(alice->group, &info));
  ck_assert_returns(
      &dave, e2ee_group_join_external(dave.client, BYTES(info), NULL, 0, &commit, &dave.group),
      E2EE_ERR_NOT_FOUND);
  ck_assert_done(
      &dave, e2ee_group_join_external(dave.client, BYTES(info), BYTES(tree), &commit, &dave.group));
  receive(alice, commit);
  ck_assert_done(&dave, e2ee_group_commit_accepted(dave.group));
  expect_agreement(&dave, alice);
  e2ee_incoming_free(incoming);
  e2ee_bytes *const all[] = {key_package, welcome, tree, info, commit};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    e2ee_bytes_free(all[i]);
  member_free(&dave);
}
END_TEST

int main(void) {
  TCase *cases = tcase_create("settings");
  tcase_add_checked_fixture(cases, setup, teardown);
  tcase_set_timeout(cases, 120);
  tcase_add_loop_test(cases, values_out_of_range, 0, sizeof ranges / sizeof *ranges);
  tcase_add_test(cases, settings_unknown);
  tcase_add_test(cases, lifetime_of_a_key_package);
  tcase_add_test(cases, lifetime_when_a_commit_is_built);
  tcase_add_test(cases, lifetime_of_what_others_add);
  tcase_add_test(cases, largest_group);
  tcase_add_test(cases, largest_message);
  tcase_add_test(cases, largest_context);
  tcase_add_test(cases, largest_leaf);
  tcase_add_loop_test(cases, past_epochs, 0, 4);
  tcase_add_test(cases, past_epochs_lowered);
  tcase_add_test(cases, skipped_messages);
  tcase_add_test(cases, skipped_handshakes);
  tcase_add_loop_test(cases, handshakes_in_the_clear, 0, 2);
  tcase_add_test(cases, padding);
  tcase_add_test(cases, grease);
  tcase_add_test(cases, tree_beside_a_welcome);
  return run_case("settings", cases);
}
