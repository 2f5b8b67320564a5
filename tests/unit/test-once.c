/*
 * Ways to be at one leaf of one epoch twice.  Stream contexts and message ratchets begin anew in each
 * handle, so every way must be refused, or lead to frames of other (key, counter) and messages of other
 * (key, nonce).  docs/decisions.md, "One leaf of one epoch, once", has the list.
 * SPDX-License-Identifier: ISC
 */
#include <e2ee/mls.h>
#include <string.h>

#include "api/handles.h"
#include "fixture.h"
#include "mls/wire/welcome.h"
#include "tests/run.h"
#include "tests/taken.h"

static const uint8_t key[32] = {9};

static struct member members[3], *const alice = &members[0], *const bob = &members[1],
                                        *const carol = &members[2];

/* ---- What was sent ---- */

#define STREAMS 3
#define USES_MAX 8
#define TAIL 80 /* the end of a message is ciphertext and tag */

/* What somebody sends at a leaf of an epoch: frames of three streams, and two messages. */
struct use {
  uint8_t epoch[32]; /* exported: the same in the same epoch */
  uint32_t leaf;
  e2ee_frame_info frames[STREAMS];
  uint8_t messages[2][TAIL];
};

static struct use uses[USES_MAX];
static size_t use_count;

static void send_frames(const struct member *member, struct use *use) {
  e2ee_media *media = NULL;
  uint8_t frame[64] = {0};
  size_t size = 0;
  ck_assert_int_eq(e2ee_media_new(0, &media), E2EE_OK);
  ck_assert_done(member, e2ee_media_install(media, member->group));
  ck_assert_int_eq(e2ee_media_activate(media, epoch_of(member)), E2EE_OK);
  for (size_t i = 0; i < STREAMS; i++) {
    e2ee_sender *sender = NULL;
    ck_assert_int_eq(e2ee_sender_new(media, &sender), E2EE_OK);
    ck_assert_int_eq(e2ee_sender_encrypt(sender, NULL, 0, frame, 0, frame, sizeof frame, &size),
                     E2EE_OK);
    ck_assert_int_eq(e2ee_frame_peek(frame, size, &use->frames[i], sizeof use->frames[i]), E2EE_OK);
    e2ee_sender_free(sender);
  }
  e2ee_media_free(media);
}

/* Signatures of suite 1 are the same for the same message, so each plaintext is the same in all uses. */
static void send_messages(const struct member *member, struct use *use) {
  for (size_t i = 0; i < 2; i++) {
    e2ee_bytes *message = NULL;
    ck_assert_done(member, e2ee_group_encrypt(member->group, TEXT("the same"), &message));
    ck_assert_uint_gt(e2ee_bytes_size(message), TAIL);
    memcpy(use->messages[i], e2ee_bytes_data(message) + e2ee_bytes_size(message) - TAIL, TAIL);
    e2ee_bytes_free(message);
  }
}

static void use(const struct member *member) {
  struct use *now = &uses[use_count++];
  ck_assert_uint_le(use_count, USES_MAX);
  ck_assert_done(
      member, e2ee_group_export(member->group, "once", 4, NULL, 0, now->epoch, sizeof now->epoch));
  now->leaf = leaf_of(member);
  send_frames(member, now);
  send_messages(member, now);
}

static bool same_keys(const struct use *a, const struct use *b) {
  return a->leaf == b->leaf && memcmp(a->epoch, b->epoch, sizeof a->epoch) == 0;
}

static void expect_different(const struct use *a, const struct use *b) {
  for (size_t i = 0; i < STREAMS; i++)
    for (size_t j = 0; j < STREAMS; j++)
      ck_assert(a->frames[i].kid != b->frames[j].kid ||
                a->frames[i].counter != b->frames[j].counter);
  for (size_t i = 0; i < 2; i++)
    for (size_t j = 0; j < 2; j++)
      ck_assert_mem_ne(a->messages[i], b->messages[j], TAIL);
}

/* Nothing came twice.  @param with_one_key  pairs of uses that were at one leaf of one epoch */
static void expect_once(size_t with_one_key) {
  size_t pairs = 0;
  for (size_t i = 0; i < use_count; i++)
    for (size_t j = 0; j < i; j++) {
      if (!same_keys(&uses[i], &uses[j]))
        continue;
      expect_different(&uses[i], &uses[j]);
      pairs++;
    }
  ck_assert_uint_eq(pairs, with_one_key);
}

static void setup(void) {
  members_new(members, 3);
  found_group(members, 2);
  use_count = 0;
}

static void teardown(void) {
  members_free(members, 3);
}

/* ---- Clients and groups, once more ---- */

static void leave_handle(struct member *member) {
  e2ee_group_free(member->group);
  member->group = NULL;
}

static e2ee_bytes *saved_client(struct member *member) {
  e2ee_bytes *blob = NULL;
  ck_assert_done(member, e2ee_client_save(member->client, key, sizeof key, &blob));
  return blob;
}

static struct member loaded_client(const e2ee_bytes *blob) {
  struct member member = {NULL, NULL};
  ck_assert_int_eq(e2ee_client_load(key, sizeof key, BYTES(blob), &member.client), E2EE_OK);
  return member;
}

static e2ee_bytes *saved_group(struct member *member) {
  e2ee_bytes *blob = NULL;
  ck_assert_done(member, e2ee_group_save(member->group, key, sizeof key, &blob));
  return blob;
}

static void load(struct member *member, const e2ee_bytes *blob) {
  ck_assert_done(member,
                 e2ee_group_load(member->client, key, sizeof key, BYTES(blob), &member->group));
}

static e2ee_bytes *last_resort_of(struct member *member) {
  e2ee_bytes *package = NULL;
  ck_assert_done(member, e2ee_key_package_new_last_resort(member->client, &package));
  return package;
}

/* Alice adds the owner of a key package.  @return the Welcome */
static e2ee_bytes *invite(const e2ee_bytes *package) {
  e2ee_bytes *welcome = NULL, *message = build_commit(alice, package, UINT32_MAX, &welcome);
  receive(bob, message);
  ck_assert_done(alice, e2ee_group_commit_accepted(alice->group));
  e2ee_bytes_free(message);
  return welcome;
}

static void expect_not_opened(struct member *member, const e2ee_bytes *welcome, int expected) {
  e2ee_incoming *incoming = NULL;
  ck_assert_returns(member, e2ee_welcome_open(member->client, BYTES(welcome), NULL, 0, &incoming),
                    expected);
  ck_assert_ptr_null(incoming);
}

static e2ee_incoming *opened(struct member *member, const e2ee_bytes *welcome) {
  e2ee_incoming *incoming = NULL;
  ck_assert_done(member, e2ee_welcome_open(member->client, BYTES(welcome), NULL, 0, &incoming));
  return incoming;
}

static void expect_not_joined(struct member *member, e2ee_incoming *incoming, int expected) {
  e2ee_group *group = NULL;
  ck_assert_returns(member, e2ee_incoming_join(incoming, &group), expected);
  ck_assert_ptr_null(group);
}

/* ---- One saved state, loaded twice ---- */

START_TEST(two_loads_at_once) {
  e2ee_group *second = NULL;
  e2ee_bytes *whole = saved_group(bob), *tree = NULL, *changes = NULL;
  ck_assert_done(bob, e2ee_group_save_tree(bob->group, key, sizeof key, &tree));
  ck_assert_done(bob, e2ee_group_save_changes(bob->group, key, sizeof key, &changes));
  for (int twice = 0; twice < 2; twice++) {
    ck_assert_returns(bob, e2ee_group_load(bob->client, key, sizeof key, BYTES(whole), &second),
                      E2EE_ERR_INVALID_STATE);
    ck_assert_returns(
        bob,
        e2ee_group_load_changes(bob->client, key, sizeof key, BYTES(tree), BYTES(changes), &second),
        E2EE_ERR_INVALID_STATE);
    ck_assert_ptr_null(second);
    if (twice > 0)
      break;
    leave_handle(bob);
    ck_assert_done(bob, e2ee_group_load_changes(bob->client, key, sizeof key, BYTES(tree),
                                                BYTES(changes), &bob->group));
  }
  e2ee_bytes_free(whole);
  e2ee_bytes_free(tree);
  e2ee_bytes_free(changes);
}
END_TEST

/* Without the save that belongs in between; and in two copies of the client. */
START_TEST(two_loads_of_one_blob) {
  e2ee_bytes *client = saved_client(bob), *group = saved_group(bob);
  struct member copy = loaded_client(client);
  load(&copy, group);
  use(bob);
  use(&copy);
  for (size_t i = 0; i < 2; i++) {
    leave_handle(bob);
    load(bob, group);
    use(bob);
  }
  expect_once(6);
  member_free(&copy);
  e2ee_bytes_free(client);
  e2ee_bytes_free(group);
}
END_TEST

/* What was saved while it was pending may be accepted in two copies. */
START_TEST(pending_commit_in_two_copies) {
  e2ee_bytes *client = saved_client(alice), *message = build_commit(alice, NULL, UINT32_MAX, NULL);
  e2ee_bytes *group = saved_group(alice);
  struct member copy = loaded_client(client);
  load(&copy, group);
  ck_assert_done(alice, e2ee_group_commit_accepted(alice->group));
  ck_assert_done(&copy, e2ee_group_commit_accepted(copy.group));
  use(alice);
  use(&copy);
  expect_once(1);
  member_free(&copy);
  e2ee_bytes_free(client);
  e2ee_bytes_free(message);
  e2ee_bytes_free(group);
}
END_TEST

/* A commit that was discarded leads nowhere that another one leads. */
START_TEST(commit_built_twice) {
  e2ee_bytes *client = saved_client(alice), *message = build_commit(alice, NULL, UINT32_MAX, NULL);
  e2ee_bytes *group = saved_group(alice);
  struct member copy = loaded_client(client);
  load(&copy, group);
  ck_assert_done(&copy, e2ee_group_commit_accepted(copy.group));
  use(&copy);
  ck_assert_done(alice, e2ee_group_commit_discard(alice->group));
  e2ee_bytes_free(renew(alice));
  use(alice);
  ck_assert_uint_eq(epoch_of(alice), epoch_of(&copy));
  expect_once(0);
  member_free(&copy);
  e2ee_bytes_free(client);
  e2ee_bytes_free(message);
  e2ee_bytes_free(group);
}
END_TEST

/* A commit of somebody else, verified twice, is entered once. */
START_TEST(commit_received_twice) {
  e2ee_bytes *message = renew(alice);
  e2ee_incoming *first = process(bob, message), *second = process(bob, message);
  ck_assert_done(bob, e2ee_incoming_accept(first));
  ck_assert_returns(bob, e2ee_incoming_accept(first), E2EE_ERR_INVALID_STATE);
  ck_assert_returns(bob, e2ee_incoming_accept(second), E2EE_ERR_OLD_EPOCH);
  expect_agreement(alice, bob);
  e2ee_incoming_free(first);
  e2ee_incoming_free(second);
  e2ee_bytes_free(message);
}
END_TEST

/* ---- Welcomes ---- */

START_TEST(welcome_twice) {
  e2ee_bytes *package = key_package_of(carol), *welcome = invite(package);
  e2ee_incoming *first = opened(carol, welcome), *second = opened(carol, welcome);
  ck_assert_done(carol, e2ee_incoming_join(first, &carol->group));
  use(carol);
  expect_not_joined(carol, first, E2EE_ERR_INVALID_STATE);
  expect_not_joined(carol, second, E2EE_ERR_NOT_FOUND);
  leave_handle(carol);
  expect_not_joined(carol, second, E2EE_ERR_NOT_FOUND);
  expect_not_opened(carol, welcome, E2EE_ERR_NOT_FOUND);
  e2ee_incoming_free(first);
  e2ee_incoming_free(second);
  e2ee_bytes_free(package);
  e2ee_bytes_free(welcome);
}
END_TEST

/* The key package stays; the epoch is remembered, over restarts too. */
START_TEST(welcome_of_last_resort_twice) {
  e2ee_bytes *package = last_resort_of(carol), *welcome = invite(package);
  e2ee_incoming *first = opened(carol, welcome), *second = opened(carol, welcome);
  ck_assert_done(carol, e2ee_incoming_join(first, &carol->group));
  ck_assert(carol->group->group->restored);
  use(carol);
  expect_not_joined(carol, first, E2EE_ERR_INVALID_STATE);
  expect_not_joined(carol, second, E2EE_ERR_INVALID_STATE);
  leave_handle(carol);
  expect_not_joined(carol, second, E2EE_ERR_INVALID_STATE);
  ck_assert_ptr_nonnull(strstr(explanation(carol->client), "has joined this epoch before"));
  expect_not_opened(carol, welcome, E2EE_ERR_INVALID_STATE);
  e2ee_bytes *blob = saved_client(carol);
  struct member again = loaded_client(blob);
  expect_not_opened(&again, welcome, E2EE_ERR_INVALID_STATE);
  e2ee_bytes_free(welcome);

  /* Removed and added again: another epoch. */
  e2ee_bytes *message = build_commit(alice, package, 2, &welcome);
  receive(bob, message);
  ck_assert_done(alice, e2ee_group_commit_accepted(alice->group));
  join(&again, welcome);
  use(&again);
  ck_assert_uint_eq(leaf_of(&again), 2);
  expect_once(0);
  e2ee_incoming_free(first);
  e2ee_incoming_free(second);
  member_free(&again);
  e2ee_bytes *const all[] = {package, welcome, blob, message};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    e2ee_bytes_free(all[i]);
}
END_TEST

/* The same in other bytes: with an entry for somebody else in front. */
static struct bytes other_welcome(const e2ee_bytes *message) {
  struct reader reader = reader_of(view_of(BYTES(message)));
  struct welcome welcome;
  struct writer secrets = {0}, writer = {0};
  struct encrypted_group_secrets entry = {.new_member = view_of(key, sizeof key)};
  ck_assert_int_eq(message_read_header_of(&reader, WIRE_WELCOME, "Welcome", NULL), OK);
  ck_assert_int_eq(welcome_read(&reader, &welcome), OK);
  entry.secrets.kem_output = entry.secrets.ciphertext = view_of(key, sizeof key);
  encrypted_group_secrets_write(&secrets, &entry);
  write_bytes(&secrets, welcome.secrets);
  welcome.secrets = writer_view(&secrets);
  message_write_header(&writer, WIRE_WELCOME);
  welcome_write(&writer, &welcome);
  writer_free(&secrets);
  return taken(&writer);
}

START_TEST(two_welcomes_into_one_epoch) {
  e2ee_bytes *package = last_resort_of(carol), *welcome = invite(package);
  e2ee_incoming *incoming = NULL;
  struct bytes other = other_welcome(welcome);
  ck_assert_done(carol,
                 e2ee_welcome_open(carol->client, other.data, other.size, NULL, 0, &incoming));
  join(carol, welcome);
  leave_handle(carol);
  expect_not_joined(carol, incoming, E2EE_ERR_INVALID_STATE);
  e2ee_incoming_free(incoming);
  ck_assert_returns(carol,
                    e2ee_welcome_open(carol->client, other.data, other.size, NULL, 0, &incoming),
                    E2EE_ERR_INVALID_STATE);
  bytes_free(&other);
  e2ee_bytes_free(package);
  e2ee_bytes_free(welcome);
}
END_TEST

/* A client that was saved before it joined knows nothing of that. */
START_TEST(backup_from_before_joining) {
  e2ee_bytes *packages[] = {key_package_of(carol), last_resort_of(carol)};
  e2ee_bytes *blob = saved_client(carol);
  for (size_t i = 0; i < 2; i++) {
    struct member copies[2] = {loaded_client(blob), loaded_client(blob)};
    e2ee_bytes *welcome = NULL;
    e2ee_bytes *message = build_commit(alice, packages[i], i == 0 ? UINT32_MAX : 2, &welcome);
    receive(bob, message);
    ck_assert_done(alice, e2ee_group_commit_accepted(alice->group));
    join(carol, welcome);
    use(carol);
    leave_handle(carol);
    for (size_t j = 0; j < 2; j++) {
      join(&copies[j], welcome);
      use(&copies[j]);
      member_free(&copies[j]);
    }
    e2ee_bytes_free(welcome);
    e2ee_bytes_free(message);
    e2ee_bytes_free(packages[i]);
  }
  expect_once(6);
  e2ee_bytes_free(blob);
}
END_TEST

/* After 256 epochs it is over, and says so. */
START_TEST(last_resort_is_used_up) {
  e2ee_bytes *package = last_resort_of(carol), *welcome = NULL, *message = NULL;
  e2ee_own_key_package shown;
  uint32_t count = 0;
  e2ee_incoming *late = NULL;
  for (uint32_t i = 1; i <= 256; i++) {
    message = build_commit(alice, package, i == 1 ? UINT32_MAX : 2, &welcome);
    ck_assert_done(alice, e2ee_group_commit_accepted(alice->group));
    if (i == 256)
      late = opened(carol, welcome);
    join(carol, welcome);
    leave_handle(carol);
    ck_assert_done(carol, e2ee_client_key_package(carol->client, 0, &shown, sizeof shown));
    ck_assert_uint_eq(shown.joined, i);
    ck_assert_uint_eq(shown.flags, E2EE_OWN_KEY_PACKAGE_FLAG_LAST_RESORT |
                                       (i < 256 ? 0 : E2EE_OWN_KEY_PACKAGE_FLAG_USED_UP));
    expect_not_opened(carol, welcome, i < 256 ? E2EE_ERR_INVALID_STATE : E2EE_ERR_NOT_FOUND);
    e2ee_bytes_free(welcome);
    e2ee_bytes_free(message);
  }
  ck_assert_ptr_nonnull(strstr(explanation(carol->client), "is used up"));
  expect_not_joined(carol, late, E2EE_ERR_NOT_FOUND);
  e2ee_incoming_free(late);
  e2ee_bytes *blob = saved_client(carol), *out = NULL;
  struct member again = loaded_client(blob);
  message = build_commit(alice, package, 2, &welcome);
  expect_not_opened(&again, welcome, E2EE_ERR_NOT_FOUND);
  ck_assert_returns(&again,
                    e2ee_new_member_propose(again.client, TEXT("x"), 1, BYTES(package), &out),
                    E2EE_ERR_NOT_FOUND);
  ck_assert_done(&again, e2ee_client_key_packages(again.client, &count));
  ck_assert_uint_eq(count, 1);
  member_free(&again);
  e2ee_bytes *const all[] = {package, welcome, message, blob};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    e2ee_bytes_free(all[i]);
}
END_TEST

/* ---- From outside ---- */

/* Two external commits from one GroupInfo; one of them in two copies. */
START_TEST(external_commits) {
  e2ee_bytes *info = NULL, *message = NULL, *client = saved_client(carol);
  ck_assert_done(alice, e2ee_group_info(alice->group, &info));
  for (size_t i = 0; i < 2; i++) {
    ck_assert_done(carol, e2ee_group_join_external(carol->client, BYTES(info), NULL, 0, &message,
                                                   &carol->group));
    e2ee_bytes_free(message);
    if (i == 1) {
      struct member copy = loaded_client(client);
      e2ee_bytes *blob = saved_group(carol);
      load(&copy, blob);
      ck_assert_done(&copy, e2ee_group_commit_accepted(copy.group));
      use(&copy);
      member_free(&copy);
      e2ee_bytes_free(blob);
    }
    ck_assert_done(carol, e2ee_group_commit_accepted(carol->group));
    use(carol);
    leave_handle(carol);
  }
  ck_assert_uint_eq(uses[0].leaf, uses[2].leaf);
  expect_once(1);
  e2ee_bytes_free(info);
  e2ee_bytes_free(client);
}
END_TEST

/* A handle that was never saved is freed; the member joins again at its old leaf. */
START_TEST(freed_and_joined_again) {
  e2ee_bytes *info = NULL, *message = NULL, *welcome = NULL;
  e2ee_commit *plan = NULL;
  use(bob);
  leave_handle(bob);
  ck_assert_done(alice, e2ee_group_info(alice->group, &info));
  ck_assert_done(bob, e2ee_group_open(bob->client, BYTES(info), NULL, 0, &bob->group));
  ck_assert_done(bob, e2ee_commit_new(bob->group, &plan));
  ck_assert_done(bob, e2ee_commit_remove(plan, 1));
  ck_assert_done(bob, e2ee_commit_build(plan, &message, &welcome));
  receive(alice, message);
  ck_assert_done(bob, e2ee_group_commit_accepted(bob->group));
  use(bob);
  ck_assert_uint_eq(leaf_of(bob), 1);
  expect_once(0);
  expect_agreement(alice, bob);
  e2ee_commit_free(plan);
  e2ee_bytes_free(info);
  e2ee_bytes_free(message);
}
END_TEST

/* ---- Groups that go on from another ---- */

/* Each is made with secrets of its own, even if it is the same one announced. */
START_TEST(successors_and_branches) {
  e2ee_bytes *message = NULL, *welcome = NULL;
  e2ee_commit *plan = NULL;
  struct member next = {alice->client, NULL};
  for (size_t i = 0; i < 2; i++) {
    ck_assert_done(alice, e2ee_group_branch(alice->group, TEXT("branch"), &next.group));
    use(&next);
    leave_handle(&next);
  }
  ck_assert_done(alice, e2ee_commit_new(alice->group, &plan));
  ck_assert_done(alice, e2ee_commit_reinit(plan, TEXT("next"), SUITE));
  ck_assert_done(alice, e2ee_commit_build(plan, &message, &welcome));
  ck_assert_done(alice, e2ee_group_commit_accepted(alice->group));
  for (size_t i = 0; i < 2; i++) {
    ck_assert_done(alice, e2ee_group_successor(alice->client, alice->group, &next.group));
    use(&next);
    leave_handle(&next);
  }
  expect_once(0);
  e2ee_commit_free(plan);
  e2ee_bytes_free(message);
}
END_TEST

START_TEST(welcome_into_a_branch_twice) {
  e2ee_bytes *package = last_resort_of(bob), *welcome = NULL;
  struct member branch = {alice->client, NULL}, there = {bob->client, NULL};
  ck_assert_done(alice, e2ee_group_branch(alice->group, TEXT("branch"), &branch.group));
  e2ee_bytes *message = build_commit(&branch, package, UINT32_MAX, &welcome);
  join(&there, welcome);
  use(&there);
  leave_handle(&there);
  expect_not_opened(bob, welcome, E2EE_ERR_INVALID_STATE);
  e2ee_incoming *incoming = NULL;
  ck_assert_returns(
      bob, e2ee_welcome_open_successor(bob->client, bob->group, BYTES(welcome), NULL, 0, &incoming),
      E2EE_ERR_INVALID_STATE);
  leave_handle(&branch);
  e2ee_bytes_free(package);
  e2ee_bytes_free(welcome);
  e2ee_bytes_free(message);
}
END_TEST

/* ---- Handles and media ---- */

/* A media object goes on when its group's handle is freed, and so does the group when it is loaded. */
START_TEST(media_that_outlives_its_group) {
  e2ee_media *media = NULL;
  e2ee_sender *sender = NULL;
  e2ee_frame_info info;
  uint8_t frame[64] = {0};
  size_t size = 0;
  e2ee_bytes *blob = saved_group(bob);
  ck_assert_int_eq(e2ee_media_new(0, &media), E2EE_OK);
  ck_assert_done(bob, e2ee_media_install(media, bob->group));
  ck_assert_int_eq(e2ee_media_activate(media, epoch_of(bob)), E2EE_OK);
  leave_handle(bob);
  load(bob, blob);
  use(bob);
  ck_assert_int_eq(e2ee_sender_new(media, &sender), E2EE_OK);
  ck_assert_int_eq(e2ee_sender_encrypt(sender, NULL, 0, frame, 0, frame, sizeof frame, &size),
                   E2EE_OK);
  ck_assert_int_eq(e2ee_frame_peek(frame, size, &info, sizeof info), E2EE_OK);
  for (size_t i = 0; i < STREAMS; i++)
    ck_assert_uint_ne(uses[0].frames[i].kid, info.kid);
  e2ee_sender_free(sender);
  e2ee_media_free(media);
  e2ee_bytes_free(blob);
}
END_TEST

int main(void) {
  TCase *cases = tcase_create("once");
  tcase_add_checked_fixture(cases, setup, teardown);
  tcase_set_timeout(cases, 120);
  tcase_add_test(cases, two_loads_at_once);
  tcase_add_test(cases, two_loads_of_one_blob);
  tcase_add_test(cases, pending_commit_in_two_copies);
  tcase_add_test(cases, commit_built_twice);
  tcase_add_test(cases, commit_received_twice);
  tcase_add_test(cases, welcome_twice);
  tcase_add_test(cases, welcome_of_last_resort_twice);
  tcase_add_test(cases, two_welcomes_into_one_epoch);
  tcase_add_test(cases, backup_from_before_joining);
  tcase_add_test(cases, last_resort_is_used_up);
  tcase_add_test(cases, external_commits);
  tcase_add_test(cases, freed_and_joined_again);
  tcase_add_test(cases, successors_and_branches);
  tcase_add_test(cases, welcome_into_a_branch_twice);
  tcase_add_test(cases, media_that_outlives_its_group);
  return run_case("once", cases);
}
