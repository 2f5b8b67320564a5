/*
 * Control domains: an overlap is refused, freeing is not; handles die in any order; groups of one
 * client are used and freed by several threads.
 * SPDX-License-Identifier: ISC
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
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
static e2ee_bytes *key_package, *welcome, *message, *info;
static e2ee_incoming *of_commit, *opened;
static e2ee_commit *plan;
static e2ee_media *media;

/* All handles are bob's, but for the key package of carol. */
static void setup(void) {
  members_new(members, MEMBERS);
  found_group(members, CAROL);
  key_package = key_package_of(carol);
  ck_assert_done(alice, e2ee_group_info(alice->group, &info));
  message = build_commit(alice, key_package, UINT32_MAX, &welcome);
  of_commit = process(bob, message);
  ck_assert_done(carol, e2ee_welcome_open(carol->client, BYTES(welcome), NULL, 0, &opened));
  ck_assert_done(bob, e2ee_commit_new(bob->group, &plan));
  ck_assert_int_eq(e2ee_media_new(0, &media), E2EE_OK);
}

static void teardown(void) {
  e2ee_media_free(media);
  e2ee_incoming_free(of_commit);
  e2ee_incoming_free(opened);
  e2ee_commit_free(plan);
  e2ee_bytes *const all[] = {key_package, welcome, message, info};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    e2ee_bytes_free(all[i]);
  members_free(members, MEMBERS);
}

/* ---- While another call is inside ---- */

#define expect_busy(call) ck_assert_msg((call) == E2EE_ERR_BUSY, "%s was let in", #call)

/* A call that never ends stands for one of another thread. */
START_TEST(overlap_is_refused) {
  static const uint8_t key[32];
  uint8_t out[256];
  size_t size = sizeof out;
  uint32_t leaf = UINT32_MAX;
  e2ee_client *client = bob->client;
  e2ee_group *group = bob->group, *other = NULL;
  e2ee_bytes *bytes = NULL, *second = NULL;
  e2ee_commit *commit = NULL;
  e2ee_incoming *incoming = NULL;
  e2ee_group_status status;
  e2ee_incoming_status incoming_status;
  e2ee_change change;
  const struct facts before = facts_of(group);

  ck_assert_int_eq(api_enter(client), OK);
  expect_busy(e2ee_client_save(client, key, sizeof key, &bytes));
  expect_busy(e2ee_client_public_key(client, out, &size));
  expect_busy(e2ee_client_set(client, E2EE_SET_TIME, 0));
  expect_busy(e2ee_client_explain(client, out, &size));
  expect_busy(e2ee_key_package_new(client, &bytes));
  expect_busy(e2ee_group_new(client, TEXT("x"), &other));
  expect_busy(e2ee_welcome_open(client, BYTES(welcome), NULL, 0, &incoming));
  expect_busy(e2ee_group_join_external(client, BYTES(info), NULL, 0, &bytes, &other));
  expect_busy(e2ee_group_load(client, key, sizeof key, BYTES(info), &other));
  expect_busy(e2ee_group_info(group, &bytes));
  expect_busy(e2ee_group_get_status(group, &status, sizeof status));
  expect_busy(e2ee_group_id(group, out, &size));
  expect_busy(e2ee_group_member_next(group, &leaf));
  expect_busy(e2ee_group_member(group, ALICE, E2EE_MEMBER_IDENTITY, out, &size));
  expect_busy(e2ee_group_propose_add(group, BYTES(key_package), &bytes));
  expect_busy(e2ee_group_propose_remove(group, ALICE, &bytes));
  expect_busy(e2ee_group_propose_update(group, &bytes));
  expect_busy(e2ee_group_propose_leave(group, &bytes));
  expect_busy(e2ee_group_proposals(group, &incoming));
  expect_busy(e2ee_commit_new(group, &commit));
  expect_busy(e2ee_commit_add(plan, BYTES(key_package)));
  expect_busy(e2ee_commit_remove(plan, ALICE));
  expect_busy(e2ee_commit_build(plan, &bytes, &second));
  expect_busy(e2ee_group_pending_commit(group, &bytes, &second));
  expect_busy(e2ee_group_commit_accepted(group));
  expect_busy(e2ee_group_commit_discard(group));
  expect_busy(e2ee_group_process(group, BYTES(message), &incoming));
  expect_busy(e2ee_incoming_get_status(of_commit, &incoming_status, sizeof incoming_status));
  expect_busy(e2ee_incoming_data(of_commit, out, &size));
  expect_busy(e2ee_incoming_change(of_commit, 0, &change, sizeof change));
  expect_busy(e2ee_incoming_member(of_commit, 0, E2EE_MEMBER_IDENTITY, out, &size));
  expect_busy(e2ee_incoming_sender(of_commit, E2EE_MEMBER_IDENTITY, out, &size));
  expect_busy(e2ee_incoming_accept(of_commit));
  expect_busy(e2ee_incoming_join(of_commit, &other));
  expect_busy(e2ee_group_encrypt(group, TEXT("x"), &bytes));
  expect_busy(e2ee_group_export(group, "x", 1, NULL, 0, out, 16));
  expect_busy(e2ee_group_safety_code(group, out, &size));
  expect_busy(e2ee_group_save(group, key, sizeof key, &bytes));
  expect_busy(e2ee_group_save_tree(group, key, sizeof key, &bytes));
  expect_busy(e2ee_group_save_changes(group, key, sizeof key, &bytes));
  expect_busy(e2ee_group_load_changes(client, key, sizeof key, BYTES(info), BYTES(info), &other));
  expect_busy(e2ee_media_install(media, group));
  ck_assert(bytes == NULL && second == NULL && other == NULL && commit == NULL && incoming == NULL);
  ck_assert_int_eq(api_leave(client, OK), OK);
  expect_unchanged(group, &before);
}
END_TEST

START_TEST(overlap_is_refused_by_the_rest_of_mls) {
  uint8_t out[256];
  size_t size = sizeof out;
  uint16_t type = 0;
  e2ee_proposal proposal;
  uint32_t count = 0;
  e2ee_own_key_package own;
  e2ee_client *client = bob->client;
  e2ee_group *group = bob->group, *other = NULL;
  e2ee_bytes *bytes = NULL;
  e2ee_incoming *incoming = NULL;
  const struct facts before = facts_of(group);

  ck_assert_int_eq(api_enter(client), OK);
  expect_busy(e2ee_client_support(client, E2EE_TYPE_PROPOSAL, 0xf000));
  expect_busy(e2ee_client_require_path(client, 0xf000));
  expect_busy(e2ee_client_extension(client, E2EE_PLACE_LEAF, 0xf000, NULL, 0));
  expect_busy(e2ee_client_add_psk(client, TEXT("x"), TEXT("y")));
  expect_busy(e2ee_client_remove_psk(client, TEXT("x")));
  expect_busy(e2ee_key_package_new_last_resort(client, &bytes));
  expect_busy(e2ee_client_key_packages(client, &count));
  expect_busy(e2ee_client_key_package(client, 0, &own, sizeof own));
  expect_busy(e2ee_client_remove_key_package(client, out, 32));
  expect_busy(e2ee_group_extension(group, 0xf000, out, &size));
  expect_busy(e2ee_group_ratchet_tree(group, &bytes));
  expect_busy(e2ee_group_epoch_authenticator(group, out, &size));
  expect_busy(e2ee_group_encrypt_with(group, TEXT("x"), TEXT("y"), &bytes));
  expect_busy(e2ee_incoming_authenticated_data(of_commit, out, &size));
  expect_busy(e2ee_incoming_change_data(of_commit, 0, &type, out, &size));
  expect_busy(e2ee_incoming_change_extensions(of_commit, 0, out, &size));
  expect_busy(e2ee_incoming_change_proposal(of_commit, 0, &proposal, sizeof proposal));
  expect_busy(e2ee_group_propose_psk(group, TEXT("x"), &bytes));
  expect_busy(e2ee_commit_psk(plan, TEXT("x")));
  expect_busy(e2ee_commit_resumption_psk(plan, 1));
  expect_busy(e2ee_commit_extension(plan, 0xf000, NULL, 0));
  expect_busy(e2ee_group_propose_extension(group, 0xf000, NULL, 0, &bytes));
  expect_busy(e2ee_commit_require(plan, E2EE_TYPE_PROPOSAL, 0xf000));
  expect_busy(e2ee_commit_external_sender(plan, out, 32, E2EE_CREDENTIAL_BASIC, TEXT("a server")));
  expect_busy(e2ee_group_propose_reinit(group, TEXT("x"), SUITE, &bytes));
  expect_busy(e2ee_commit_reinit(plan, TEXT("x"), SUITE));
  expect_busy(e2ee_group_propose_custom(group, 0xf000, NULL, 0, &bytes));
  expect_busy(e2ee_commit_custom(plan, 0xf000, NULL, 0));
  expect_busy(e2ee_group_open(client, BYTES(info), NULL, 0, &other));
  expect_busy(e2ee_external_propose_add(client, TEXT("x"), 1, 0, BYTES(key_package), &bytes));
  expect_busy(e2ee_external_propose_remove(client, TEXT("x"), 1, 0, 0, &bytes));
  expect_busy(e2ee_new_member_propose(client, TEXT("x"), 1, BYTES(key_package), &bytes));
  expect_busy(e2ee_group_reinit(group, &type, out, &size));
  expect_busy(e2ee_group_branch(group, TEXT("x"), &other));
  /* Two domains: it is enough that one is busy, and the other one is free again. */
  expect_busy(e2ee_group_successor(client, alice->group, &other));
  expect_busy(e2ee_group_successor(alice->client, group, &other));
  expect_busy(
      e2ee_welcome_open_successor(alice->client, group, BYTES(welcome), NULL, 0, &incoming));
  ck_assert_str_eq(explanation(alice->client), e2ee_strerror(E2EE_ERR_BUSY));
  ck_assert(bytes == NULL && other == NULL && incoming == NULL);
  ck_assert_int_eq(e2ee_group_id(alice->group, out, &size), E2EE_OK);
  ck_assert_int_eq(api_leave(client, OK), OK);
  expect_unchanged(group, &before);
}
END_TEST

START_TEST(other_clients_and_streams_go_on) {
  e2ee_sender *sender = NULL;
  e2ee_stats stats;
  ck_assert_int_eq(e2ee_media_install(media, bob->group), E2EE_OK);
  ck_assert_int_eq(api_enter(bob->client), OK);
  (void)facts_of(alice->group);
  uint8_t identity[16];
  size_t size = sizeof identity;
  ck_assert_int_eq(e2ee_key_package_identity(BYTES(key_package), identity, &size), E2EE_OK);
  ck_assert_int_eq(e2ee_media_activate(media, 1), E2EE_OK);
  ck_assert_int_eq(e2ee_sender_new(media, &sender), E2EE_OK);
  ck_assert_int_eq(e2ee_media_stats(media, &stats, sizeof stats), E2EE_OK);
  ck_assert_int_eq(e2ee_media_retire(media, 1), E2EE_OK);
  e2ee_sender_free(sender);
  ck_assert_int_eq(api_leave(bob->client, OK), OK);
}
END_TEST

/* Who calls into a dead client of a pair does not kill the other. */
START_TEST(death_is_not_catching) {
  e2ee_group *other = NULL;
  e2ee_incoming *incoming = NULL;
  ck_assert_int_eq(api_enter(bob->client), OK);
  ck_assert_int_eq(api_leave(bob->client, ERR_INTERNAL), E2EE_ERR_INTERNAL);
  ck_assert_int_eq(e2ee_group_successor(alice->client, bob->group, &other), E2EE_ERR_INTERNAL);
  ck_assert_int_eq(
      e2ee_welcome_open_successor(alice->client, bob->group, BYTES(welcome), NULL, 0, &incoming),
      E2EE_ERR_INTERNAL);
  (void)facts_of(alice->group);
}
END_TEST

/* ---- Freeing ---- */

/* Every rotation of every handle there is, forwards and backwards, and what is left works on. */
enum handle { CLIENT, GROUP, COMMIT, INCOMING, WELCOME, MEDIA, SENDER, RECEIVER, BLOB, HANDLES };

static void free_handle(enum handle handle, void *const handles[HANDLES]) {
  switch (handle) {
  case CLIENT:
    e2ee_client_free(handles[CLIENT]);
    return;
  case GROUP:
    e2ee_group_free(handles[GROUP]);
    return;
  case COMMIT:
    e2ee_commit_free(handles[COMMIT]);
    return;
  case INCOMING:
  case WELCOME:
    e2ee_incoming_free(handles[handle]);
    return;
  case MEDIA:
    e2ee_media_free(handles[MEDIA]);
    return;
  case SENDER:
    e2ee_sender_free(handles[SENDER]);
    return;
  case RECEIVER:
    e2ee_receiver_free(handles[RECEIVER]);
    return;
  case BLOB:
    e2ee_bytes_free(handles[BLOB]);
    return;
  case HANDLES:
    return;
  }
}

/* Use a handle whose parents may be gone. */
static void use_handle(enum handle handle, void *const handles[HANDLES]) {
  uint8_t out[256];
  size_t size = sizeof out;
  e2ee_bytes *bytes = NULL;
  e2ee_incoming_status status;
  switch (handle) {
  case CLIENT:
    ck_assert_int_eq(e2ee_client_public_key(handles[CLIENT], out, &size), E2EE_OK);
    return;
  case GROUP:
    ck_assert_int_eq(e2ee_group_encrypt(handles[GROUP], TEXT("x"), &bytes), E2EE_OK);
    e2ee_bytes_free(bytes);
    return;
  case COMMIT:
    ck_assert_int_eq(e2ee_commit_add(handles[COMMIT], BYTES(key_package)), E2EE_OK);
    return;
  case INCOMING:
  case WELCOME:
    ck_assert_int_eq(e2ee_incoming_get_status(handles[handle], &status, sizeof status), E2EE_OK);
    return;
  case MEDIA:
    ck_assert_int_eq(e2ee_media_member(handles[MEDIA], 1, ALICE, E2EE_MEMBER_IDENTITY, out, &size),
                     E2EE_OK);
    return;
  case SENDER:
    ck_assert_int_eq(e2ee_sender_encrypt(handles[SENDER], NULL, 0, (const uint8_t *)"x", 1, out,
                                         sizeof out, &size),
                     E2EE_OK);
    return;
  case RECEIVER:
    ck_assert_int_eq(e2ee_receiver_decrypt(handles[RECEIVER], NULL, 0, (const uint8_t *)"x", 0, out,
                                           sizeof out, &size, NULL, 0),
                     E2EE_ERR_MALFORMED);
    return;
  case BLOB:
    ck_assert_uint_gt(e2ee_bytes_size(handles[BLOB]), 0);
    return;
  case HANDLES:
    return;
  }
}

START_TEST(handles_are_freed_in_any_order) {
  e2ee_sender *sender = NULL;
  e2ee_receiver *receiver = NULL;
  e2ee_incoming *second = NULL;
  e2ee_bytes *package = key_package_of(bob), *invitation = NULL, *blob = NULL;
  struct member other = member_new("other");
  ck_assert_done(&other, e2ee_group_new(other.client, TEXT("of other"), &other.group));
  e2ee_bytes_free(build_commit(&other, package, UINT32_MAX, &invitation));
  ck_assert_done(bob, e2ee_welcome_open(bob->client, BYTES(invitation), NULL, 0, &second));
  ck_assert_done(bob, e2ee_media_install(media, bob->group));
  ck_assert_int_eq(e2ee_media_activate(media, 1), E2EE_OK);
  ck_assert_int_eq(e2ee_sender_new(media, &sender), E2EE_OK);
  ck_assert_int_eq(e2ee_receiver_new(media, &receiver), E2EE_OK);
  ck_assert_done(bob, e2ee_group_info(bob->group, &blob));
  void *const handles[HANDLES] = {bob->client, bob->group, plan,     of_commit, second,
                                  media,       sender,     receiver, blob};
  bob->client = NULL;
  bob->group = NULL;
  plan = NULL;
  of_commit = NULL;
  media = NULL;

  size_t first = (size_t)_i / 2, step = _i % 2 == 0 ? 1 : HANDLES - 1;
  for (size_t freed = 0, at = first; freed < HANDLES; freed++, at = (at + step) % HANDLES) {
    for (size_t left = freed, rest = at; left < HANDLES; left++, rest = (rest + step) % HANDLES)
      use_handle((enum handle)rest, handles);
    free_handle((enum handle)at, handles);
  }
  e2ee_bytes_free(package);
  e2ee_bytes_free(invitation);
  member_free(&other);
}
END_TEST

/* What arrived for a group can still be accepted: it keeps the group alive, as a commit does. */
START_TEST(group_outlives_its_handle) {
  const struct client *client = bob->client->client;
  e2ee_group_free(bob->group);
  bob->group = NULL;
  e2ee_commit_free(plan);
  plan = NULL;
  ck_assert_uint_eq(client->group_count, 1);
  ck_assert_done(bob, e2ee_incoming_accept(of_commit));
  ck_assert_returns(bob, e2ee_incoming_accept(of_commit), E2EE_ERR_INVALID_STATE);
  e2ee_incoming_free(of_commit);
  of_commit = NULL;
  ck_assert_uint_eq(client->group_count, 0);
}
END_TEST

/* Two handles of one member would encrypt with the same keys. */
START_TEST(member_with_two_handles) {
  static const uint8_t key[32] = {1};
  e2ee_bytes *blob = NULL, *left = NULL;
  e2ee_group *again = NULL;
  e2ee_commit *commit = NULL;
  ck_assert_done(alice, e2ee_group_save(alice->group, key, sizeof key, &blob));
  size_t groups = alice->client->client->group_count;
  ck_assert_returns(alice, e2ee_group_load(alice->client, key, sizeof key, BYTES(blob), &again),
                    E2EE_ERR_INVALID_STATE);
  ck_assert_ptr_null(again);
  ck_assert_ptr_nonnull(strstr(explanation(alice->client), "leaf 0 of this group"));
  ck_assert_uint_eq(alice->client->client->group_count, groups);
  expect_readable(alice, bob);
  /* A commit of a handle that was freed can still be built. */
  ck_assert_done(alice, e2ee_commit_new(alice->group, &commit));
  e2ee_group_free(alice->group);
  alice->group = NULL;
  ck_assert_returns(alice, e2ee_group_load(alice->client, key, sizeof key, BYTES(blob), &again),
                    E2EE_ERR_INVALID_STATE);
  e2ee_commit_free(commit);
  ck_assert_done(alice,
                 e2ee_group_load(alice->client, key, sizeof key, BYTES(blob), &alice->group));
  /* Another group, and one that was left, are in nobody's way. */
  ck_assert_done(alice, e2ee_group_new(alice->client, TEXT("another"), &again));
  ck_assert_done(alice, e2ee_group_save(again, key, sizeof key, &left));
  e2ee_group_free(again);
  ck_assert_done(alice, e2ee_group_load(alice->client, key, sizeof key, BYTES(left), &again));
  e2ee_group_free(again);
  e2ee_bytes_free(left);
  ck_assert_done(alice, e2ee_group_commit_discard(alice->group));
  e2ee_bytes *removal = build_commit(bob, NULL, leaf_of(alice), NULL);
  receive(alice, removal);
  ck_assert_uint_eq(state_of(alice), E2EE_GROUP_LEFT);
  ck_assert_done(alice, e2ee_group_load(alice->client, key, sizeof key, BYTES(blob), &again));
  e2ee_group_free(again);
  e2ee_bytes_free(removal);
  e2ee_bytes_free(blob);
}
END_TEST

/* ---- Threads ---- */

static atomic_bool stop;
static atomic_uint done_calls, refused_calls;

static bool tell(int err) {
  ck_assert_msg(err == E2EE_OK || err == E2EE_ERR_BUSY, "%d", err);
  atomic_fetch_add(err == E2EE_OK ? &done_calls : &refused_calls, 1);
  return err == E2EE_OK;
}

/* Until both have happened often, but a minute at most. */
static bool enough(time_t start) {
  return (atomic_load(&done_calls) > 200 && atomic_load(&refused_calls) > 20) ||
         time(NULL) - start > 60;
}

static void *work_in_group(void *argument) {
  e2ee_group *group = argument;
  while (!atomic_load(&stop)) {
    e2ee_bytes *bytes = NULL;
    e2ee_group *other = NULL;
    e2ee_group_status status;
    if (tell(e2ee_group_encrypt(group, TEXT("x"), &bytes)))
      e2ee_bytes_free(bytes);
    if (tell(e2ee_group_new(bob->client, TEXT("of the thread"), &other)))
      e2ee_group_free(other); /* takes it off the client's list */
    (void)tell(e2ee_group_get_status(group, &status, sizeof status));
  }
  return NULL;
}

START_TEST(one_client_of_two_threads) {
  pthread_t thread;
  time_t start = time(NULL);
  struct facts before = facts_of(bob->group);
  ck_assert_int_eq(pthread_create(&thread, NULL, work_in_group, bob->group), 0);
  while (!enough(start)) {
    e2ee_incoming *incoming = NULL;
    e2ee_bytes *bytes = NULL;
    if (tell(e2ee_group_process(bob->group, BYTES(message), &incoming)))
      e2ee_incoming_free(incoming); /* while the other may be inside */
    if (tell(e2ee_key_package_new(bob->client, &bytes)))
      e2ee_bytes_free(bytes);
  }
  atomic_store(&stop, true);
  ck_assert_int_eq(pthread_join(thread, NULL), 0);
  ck_assert_uint_gt(atomic_load(&done_calls), 200);
  ck_assert_uint_gt(atomic_load(&refused_calls), 0);
  /* Every call did its work whole, or not at all. */
  struct facts after = facts_of(bob->group);
  ck_assert_uint_eq(after.status.epoch, before.status.epoch);
  ck_assert_mem_eq(after.secret, before.secret, sizeof after.secret);
  expect_readable(bob, alice);
}
END_TEST

/* One thread makes and frees groups and all that hangs on them, while the other works in another. */
START_TEST(groups_freed_beside_work) {
  pthread_t thread;
  e2ee_group *second = NULL;
  ck_assert_done(bob, e2ee_group_new(bob->client, TEXT("another"), &second));
  ck_assert_int_eq(pthread_create(&thread, NULL, work_in_group, second), 0);
  time_t start = time(NULL);
  unsigned count = 0;
  while (count < 50 && time(NULL) - start < 60) {
    e2ee_group *group = NULL;
    e2ee_commit *commit = NULL;
    if (!tell(e2ee_group_new(bob->client, TEXT("short-lived"), &group)))
      continue;
    while (!tell(e2ee_commit_new(group, &commit)))
      (void)sched_yield();
    while (!tell(e2ee_commit_add(commit, BYTES(key_package))))
      (void)sched_yield();
    e2ee_bytes *first = NULL, *invitation = NULL;
    while (!tell(e2ee_commit_build(commit, &first, &invitation)))
      (void)sched_yield();
    e2ee_incoming *incoming = NULL;
    while (!tell(e2ee_group_process(group, BYTES(first), &incoming)))
      (void)sched_yield();
    e2ee_group_free(group);
    e2ee_incoming_free(incoming);
    e2ee_commit_free(commit);
    e2ee_bytes_free(first);
    e2ee_bytes_free(invitation);
    count++;
  }
  atomic_store(&stop, true);
  ck_assert_int_eq(pthread_join(thread, NULL), 0);
  ck_assert_uint_eq(count, 50);
  e2ee_group_free(second);
  expect_readable(bob, alice);
}
END_TEST

int main(void) {
  TCase *cases = tcase_create("domain");
  tcase_add_checked_fixture(cases, setup, teardown);
  tcase_set_timeout(cases, 240);
  tcase_add_test(cases, overlap_is_refused);
  tcase_add_test(cases, overlap_is_refused_by_the_rest_of_mls);
  tcase_add_test(cases, other_clients_and_streams_go_on);
  tcase_add_test(cases, death_is_not_catching);
  tcase_add_loop_test(cases, handles_are_freed_in_any_order, 0, 2 * HANDLES);
  tcase_add_test(cases, group_outlives_its_handle);
  tcase_add_test(cases, member_with_two_handles);
  tcase_add_test(cases, one_client_of_two_threads);
  tcase_add_test(cases, groups_freed_beside_work);
  return run_case("domain", cases);
}
