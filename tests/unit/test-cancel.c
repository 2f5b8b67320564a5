/*
 * pthread_cancel(): no call of the library is ended half-way, and what it held is free afterwards.
 *
 * Each call here is made by a thread that is cancelled before it calls.  It is ended where it first
 * could be, which has to be behind the call.
 * SPDX-License-Identifier: ISC
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include <e2ee/media.h>
#include <e2ee/mls.h>

#include "api/handles.h"
#include "base/parallel.h"
#include "fixture.h"
#include "media/receiver.h"
#include "media/sender.h"
#include "tests/run.h"

enum { ALICE, BOB, MEMBERS };

static struct member members[MEMBERS];
static struct member *const alice = &members[ALICE], *const bob = &members[BOB];
static uint64_t epoch; /* of both; a call under test may not ask libcheck for it, which writes */
static e2ee_media *media;
static e2ee_sender *sender;
static e2ee_receiver *receiver;

static void setup(void) {
  members_new(members, MEMBERS);
  found_group(members, MEMBERS);
  epoch = epoch_of(alice);
  ck_assert_int_eq(e2ee_media_new(0, &media), E2EE_OK);
  ck_assert_done(alice, e2ee_media_install(media, alice->group));
  ck_assert_int_eq(e2ee_sender_new(media, &sender), E2EE_OK);
  ck_assert_int_eq(e2ee_receiver_new(media, &receiver), E2EE_OK);
}

static void teardown(void) {
  e2ee_sender_free(sender);
  e2ee_receiver_free(receiver);
  e2ee_media_free(media);
  members_free(members, MEMBERS);
}

/* ---- A thread that is cancelled ---- */

typedef int any_call(void);

static atomic_int answer;
static atomic_bool calling, returned;

static void *cancelled_thread(void *argument) {
  any_call *const *run = argument;
  (void)pthread_cancel(pthread_self());
  atomic_store(&calling, true);
  atomic_store(&answer, (*run)());
  atomic_store(&returned, true);
  pthread_testcancel();
  return NULL; /* the call has left cancellation off */
}

static pthread_t start_cancelled(any_call *const *run) {
  pthread_t thread;
  atomic_store(&calling, false);
  atomic_store(&returned, false);
  ck_assert_int_eq(pthread_create(&thread, NULL, cancelled_thread, (void *)(uintptr_t)run), 0);
  return thread;
}

static void expect_done(pthread_t thread) {
  void *end = NULL;
  ck_assert_int_eq(pthread_join(thread, &end), 0);
  ck_assert_msg(atomic_load(&returned), "cancelled inside the call");
  ck_assert_ptr_eq(end, PTHREAD_CANCELED);
  ck_assert_int_eq(atomic_load(&answer), E2EE_OK);
}

static void make(any_call *run) {
  expect_done(start_cancelled(&run));
}

/* A call that has to wait: for a latch that is held as long as it takes to fall asleep. */
static void make_waiting(any_call *run, struct latch *latch) {
  const struct timespec while_asleep = {0, 20000000};
  ck_assert(latch_try(latch));
  pthread_t thread = start_cancelled(&run);
  while (!atomic_load(&calling))
    (void)sched_yield();
  (void)nanosleep(&while_asleep, NULL);
  latch_leave(latch);
  expect_done(thread);
  ck_assert(!atomic_load(&latch->held));
  ck_assert(!atomic_load(&latch->wanted));
}

/* ---- Calls ---- */

static int starts(void) {
  e2ee_client *client = NULL;
  int err = e2ee_init();
  if (err == E2EE_OK)
    err = e2ee_client_new(SUITE, TEXT("carol"), &client);
  e2ee_client_free(client);
  return err;
}

/* The first call of all, which asks for randomness and tries every algorithm. */
START_TEST(starting) {
  make(starts);
  make(starts);
}
END_TEST

static int on_curves(void) {
  e2ee_client *client = NULL;
  e2ee_bytes *key_package = NULL;
  int err = e2ee_client_new(2, TEXT("carol"), &client);
  if (err == E2EE_OK)
    err = e2ee_key_package_new(client, &key_package);
  e2ee_bytes_free(key_package);
  e2ee_client_free(client);
  return err;
}

static int commits(void) {
  e2ee_commit *commit = NULL;
  e2ee_bytes *message = NULL, *welcome = NULL;
  e2ee_incoming *incoming = NULL;
  int err = e2ee_commit_new(alice->group, &commit);
  if (err == E2EE_OK)
    err = e2ee_commit_build(commit, &message, &welcome);
  if (err == E2EE_OK)
    err = e2ee_group_commit_accepted(alice->group);
  if (err == E2EE_OK)
    err = e2ee_group_process(bob->group, BYTES(message), &incoming);
  if (err == E2EE_OK)
    err = e2ee_incoming_accept(incoming);
  epoch++;
  e2ee_incoming_free(incoming);
  e2ee_commit_free(commit);
  e2ee_bytes_free(message);
  e2ee_bytes_free(welcome);
  return err;
}

static int saves(void) {
  static const uint8_t key[32];
  e2ee_bytes *blob = NULL;
  int err = e2ee_group_save(alice->group, key, sizeof key, &blob);
  e2ee_bytes_free(blob);
  return err;
}

START_TEST(control) {
  make(on_curves);
  make(commits);
  make(saves);
  expect_agreement(alice, bob); /* both domains were left */
}
END_TEST

static int waits(void) {
  struct busy *busy = &bob->client->busy;
  busy_wait(busy);
  busy_leave(busy);
  return E2EE_OK;
}

START_TEST(waiting_for_a_domain) {
  make_waiting(waits, &bob->client->busy.inside);
  expect_agreement(alice, bob);
}
END_TEST

static int installs(void) {
  int err = e2ee_media_install(media, alice->group);
  e2ee_stats stats;
  if (err == E2EE_OK)
    err = e2ee_media_activate(media, epoch);
  return err != E2EE_OK ? err : e2ee_media_stats(media, &stats, sizeof stats);
}

static int makes_streams(void) {
  e2ee_sender *another_sender = NULL;
  e2ee_receiver *another_receiver = NULL;
  int err = e2ee_sender_new(media, &another_sender);
  if (err == E2EE_OK)
    err = e2ee_receiver_new(media, &another_receiver);
  e2ee_sender_free(another_sender);
  e2ee_receiver_free(another_receiver);
  return err;
}

static int retires(void) {
  return e2ee_media_retire(media, epoch + 1);
}

static void expect_media_free(void) {
  e2ee_stats stats;
  e2ee_event event;
  ck_assert_int_eq(pthread_mutex_trylock(&media->media->lock.mutex.native), 0);
  ck_assert_int_eq(pthread_mutex_unlock(&media->media->lock.mutex.native), 0);
  ck_assert_int_eq(e2ee_media_stats(media, &stats, sizeof stats), E2EE_OK);
  ck_assert_int_ge(e2ee_media_next_event(media, &event, sizeof event), 0);
}

START_TEST(media_keys) {
  make(installs);
  make(makes_streams);
  make_waiting(installs, &sender->latch);
  ck_assert_done(alice, e2ee_media_activate(media, epoch));
  make(commits);
  make_waiting(installs, &receiver->latch);
  make_waiting(retires, &receiver->latch);
  expect_media_free();
}
END_TEST

static int encrypts(void) {
  uint8_t out[64];
  size_t size = 0;
  return e2ee_sender_encrypt(sender, NULL, 0, TEXT("frame"), out, sizeof out, &size);
}

static int receives_nothing(void) {
  static const uint8_t frame[64] = {0};
  uint8_t out[64];
  size_t size = 0;
  int err = e2ee_receiver_decrypt(receiver, NULL, 0, frame, sizeof frame, out, sizeof out, &size,
                                  NULL, 0);
  return err == E2EE_ERR_NO_KEY ? E2EE_OK : err;
}

START_TEST(frames) {
  ck_assert_done(alice, e2ee_media_activate(media, epoch));
  make(encrypts);
  make(receives_nothing);
  make_waiting(encrypts, &sender->latch);
  make_waiting(receives_nothing, &receiver->latch);
  expect_media_free();
}
END_TEST

static int has_sender_keys(void) {
  static const uint8_t keys[2][32] = {{1}, {2}};
  e2ee_media *call = NULL;
  e2ee_receiver *of_seven = NULL;
  e2ee_bytes *key = NULL;
  uint64_t step = 0;
  int err = e2ee_media_new_sender_keys(0, 0, &call);
  if (err == E2EE_OK)
    err = e2ee_media_set_own_key(call, 0, keys[0], sizeof keys[0]);
  if (err == E2EE_OK)
    err = e2ee_media_ratchet(call, &step, &key);
  if (err == E2EE_OK)
    err = e2ee_media_add_sender(call, 7, 0);
  if (err == E2EE_OK)
    err = e2ee_media_set_sender_key(call, 7, 0, 0, keys[1], sizeof keys[1]);
  if (err == E2EE_OK)
    err = e2ee_media_receiver_new(call, 7, &of_seven);
  if (err == E2EE_OK)
    err = e2ee_media_remove_sender(call, 7);
  e2ee_receiver_free(of_seven);
  e2ee_bytes_free(key);
  e2ee_media_free(call);
  return err;
}

START_TEST(sender_keys) {
  make(has_sender_keys);
}
END_TEST

/* ---- Several threads ---- */

enum { PIECES = 64 };

static atomic_uint done;

static enum err slow_piece(const void *state, size_t index, struct why *why) {
  const struct timespec moment = {0, 1000000};
  (void)state, (void)why;
  if (index % 2 != 0) /* on either thread, but not at a time when the other has nothing left */
    (void)nanosleep(&moment, NULL);
  (void)atomic_fetch_add(&done, 1);
  return OK;
}

static int shares_work(void) {
  return parallel_each(4, PIECES, slow_piece, NULL, NULL);
}

/* All others' work is done when it returns, for its stack is what they work with. */
START_TEST(parallel) {
  make(shares_work);
  ck_assert_uint_eq(atomic_load(&done), PIECES);
}
END_TEST

int main(void) {
  TCase *first = tcase_create("first"), *tests = tcase_create("all");
  Suite *suite = suite_create("cancel");
  tcase_add_test(first, starting);
  suite_add_tcase(suite, first);
  tcase_add_checked_fixture(tests, setup, teardown);
  tcase_set_timeout(tests, 60);
  tcase_add_test(tests, control);
  tcase_add_test(tests, waiting_for_a_domain);
  tcase_add_test(tests, media_keys);
  tcase_add_test(tests, frames);
  tcase_add_test(tests, sender_keys);
  tcase_add_test(tests, parallel);
  suite_add_tcase(suite, tests);
  return run_suite(suite);
}
