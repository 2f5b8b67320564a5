/*
 * Media and the allocator: frames allocate nothing, and whatever else does may fail.
 * SPDX-License-Identifier: ISC
 */
#include "allocator.h"
#include "keyids.h"
#include "media-double.h"
#include "tests/run.h"

#include <e2ee/media.h>

#include <limits.h>
#include <pthread.h>
#include <stdlib.h>

/* ---- Watching the allocator ---- */

static unsigned allocations; /* so far */
static unsigned fail_at;     /* the one that fails; 0: none */

#if WATCHED
static bool fails(void) {
  return ++allocations == fail_at;
}

void *malloc(size_t size) {
  return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
  return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size) {
  return fails() ? NULL : __libc_realloc(memory, size);
}
#endif

/* ---- Frames ---- */

START_TEST(frames_allocate_nothing) {
  struct member alice = member_in(0, 2, 1), bob = member_in(1, 2, 1);
  static const e2ee_range clear[] = {{0, 4}, {20, 4}};
  struct member carol = member_of(1, 2);
  enter(&carol, 2);
  uint8_t partial[400] = {0};
  struct frame frames[100], early, bad = forged(kid_of(9, 1), 4);
  for (unsigned i = 0; i < 100; i++)
    frames[i] = authentic(&bob, kid_of(i, 1), i);
  enter(&alice, 2);
  early = seal(&alice, "early");
  unsigned before = allocations;
  uint8_t out[256];
  size_t size = 0;
  int err = OK;
  for (unsigned i = 0; i < 100; i++) {
    err |= e2ee_sender_encrypt(alice.sender, ABOUT, out, 100, out, sizeof out, &size);
    err |= e2ee_receiver_decrypt(bob.receiver, ABOUT, frames[i].bytes, frames[i].size, out,
                                 sizeof out, &size, NULL, 0);
    err |= e2ee_sender_encrypt_partial(alice.sender, E2EE_CODEC_H264, ABOUT, partial, 50, clear, 2,
                                       partial, sizeof partial, &size);
    err |= e2ee_receiver_decrypt_partial(carol.receiver, ABOUT, partial, size, partial,
                                         sizeof partial, &size, NULL, 0);
  }
  int replay = e2ee_receiver_decrypt(bob.receiver, ABOUT, frames[0].bytes, frames[0].size, out,
                                     sizeof out, &size, NULL, 0);
  int no_key = e2ee_receiver_decrypt(bob.receiver, ABOUT, early.bytes, early.size, out, sizeof out,
                                     &size, NULL, 0);
  int auth = e2ee_receiver_decrypt(bob.receiver, ABOUT, bad.bytes, bad.size, out, sizeof out, &size,
                                   NULL, 0);
  unsigned after = allocations; /* assertions allocate */
  ck_assert_uint_eq(after, before);
  ck_assert_int_eq(err, OK);
  ck_assert_int_eq(replay, ERR_REPLAY);
  ck_assert_int_eq(no_key, ERR_NO_KEY);
  ck_assert_int_eq(auth, ERR_AUTH);
  member_free(&alice);
  member_free(&bob);
  member_free(&carol);
}
END_TEST

/* What a library keeps for each thread would be made on its first failure there. */
static void *first_is_forged(void *arg) {
  const struct member *bob = arg;
  struct frame bad = forged(kid_of(9, 1), 4);
  uint8_t out[256];
  size_t size = 0;
  unsigned before = allocations;
  int err = e2ee_receiver_decrypt(bob->receiver, ABOUT, bad.bytes, bad.size, out, sizeof out, &size,
                                  NULL, 0);
  bool none = allocations == before;
  return err == ERR_AUTH && none ? arg : NULL;
}

START_TEST(forgeries_allocate_nothing) {
  static const uint16_t suites[] = {1, 4, 8};
  struct member bob = member_of(1, 2);
  e2ee_receiver_free(bob.receiver);
  e2ee_media_free(bob.media);
  ck_assert_int_eq(e2ee_media_new(suites[_i], &bob.media), OK);
  ck_assert_int_eq(e2ee_receiver_new(bob.media, &bob.receiver), OK);
  install(&bob, 1);
  pthread_t thread;
  void *good = NULL;
  ck_assert_int_eq(pthread_create(&thread, NULL, first_is_forged, &bob), 0);
  ck_assert_int_eq(pthread_join(thread, &good), 0);
  ck_assert_ptr_nonnull(good);
  member_free(&bob);
}
END_TEST

/* ---- Everything else ---- */

/* Every allocation of a call fails in turn; until it succeeds, nothing has changed. */
START_TEST(out_of_memory) {
  struct member alice = member_in(0, 2, 1), bob = member_in(1, 2, 1);
  install(&bob, 2);
  alice.group->epoch = 2;
  int err = ERR_NOMEM;
  unsigned failures = 0;
  e2ee_sender *second = NULL;
  e2ee_receiver *receiver = NULL;
  e2ee_media *media = NULL;
  for (unsigned step = 0; step < 5; step++) {
    for (unsigned nth = 1;; nth++) {
      allocations = 0;
      fail_at = nth;
      if (step == 0)
        err = e2ee_sender_new(alice.media, &second);
      else if (step == 1)
        err = install_group(alice.media, alice.group);
      else if (step == 2)
        err = e2ee_media_activate(alice.media, 2);
      else if (step == 3)
        err = e2ee_receiver_new(alice.media, &receiver);
      else
        err = e2ee_media_new(0, &media);
      bool done = allocations < nth;
      fail_at = 0;
      if (done)
        break;
      failures++;
      ck_assert_int_eq(err, ERR_NOMEM);
      ck_assert_ptr_null(alice.sender->prepared);
      ck_assert(second == NULL || second->prepared == NULL);
      uint64_t expected = step <= 2 ? 1 : 2;
      e2ee_frame_info info;
      struct frame frame = seal(&alice, "still");
      ck_assert_int_eq(receive(&bob, &frame, &info), OK);
      ck_assert_uint_eq(info.epoch, expected);
    }
    ck_assert_int_eq(err, OK);
  }
  ck_assert_uint_gt(failures, 5);
  ck_assert_uint_eq(alice.sender->key->epoch, 2);
  ck_assert_uint_eq(second->key->epoch, 2);
  e2ee_sender_free(second);
  e2ee_receiver_free(receiver);
  e2ee_media_free(media);
  member_free(&alice);
  member_free(&bob);
}
END_TEST

/* ---- Locks, which a system may be out of too ---- */

static unsigned locks_left = UINT_MAX;
static bool lock_failed;

enum err __real_lock_init(struct lock *lock);
enum err __wrap_lock_init(struct lock *lock);
enum err __wrap_lock_init(struct lock *lock) {
  lock_failed = locks_left-- == 0;
  return lock_failed ? ERR_NOMEM : __real_lock_init(lock);
}

static e2ee_media *media, *of_senders;
static struct contexts *contexts;

static int make_media(void) {
  return e2ee_media_new(0, &media);
}

static int make_sender_keys(void) {
  return e2ee_media_new_sender_keys(0, 0, &of_senders);
}

static int add_sender(void) {
  return e2ee_media_add_sender(of_senders, 1, 0);
}

static int make_contexts(void) {
  return contexts_new(&contexts);
}

START_TEST(out_of_locks) {
  static int (*const calls[])(void) = {make_media, make_sender_keys, add_sender, make_contexts};
  ck_assert_int_eq(provider_init(), OK);
  unsigned failures = 0;
  for (unsigned i = 0; i < sizeof calls / sizeof calls[0]; i++)
    for (unsigned first = 0;; first++) {
      locks_left = first;
      lock_failed = false;
      int err = calls[i]();
      locks_left = UINT_MAX;
      ck_assert_int_eq(err, lock_failed ? ERR_NOMEM : OK);
      if (err == OK)
        break;
      failures++;
    }
  ck_assert_uint_eq(failures, 2 + 2 + 1 + 1);
  contexts_drop(contexts);
  e2ee_media_free(media);
  e2ee_media_free(of_senders);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("all");
  tcase_set_timeout(tests, 120);
  tcase_add_test(tests, out_of_locks);
  if (WATCHED) {
    tcase_add_test(tests, frames_allocate_nothing);
    tcase_add_loop_test(tests, forgeries_allocate_nothing, 0, 3);
    tcase_add_test(tests, out_of_memory);
  }
  return run_case("media-nomem", tests);
}
