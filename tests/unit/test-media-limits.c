/*
 * Media at its limits: contexts and counters used up, more key ids than a receiver has room for,
 * floods of forgeries, ciphers that fail, keys that must be gone.
 * SPDX-License-Identifier: ISC
 */
#include "crypto/provider.h"
#include "keyids.h"
#include "media-double.h"
#include "media/installed.h"
#include "tests/run.h"

#include <stdlib.h>

/* ---- Contexts ---- */

/* Media objects of one group handle, together or one after the other, share no (key, counter). */
START_TEST(contexts_never_shared) {
  struct member alice = member_in(0, 2, 1), bob = member_in(1, 2, 1);
  bool taken[64] = {false};
  for (unsigned round = 0; round < 8; round++) {
    e2ee_media *media = NULL;
    e2ee_sender *senders[4];
    ck_assert_int_eq(e2ee_media_new(0, &media), OK);
    for (unsigned i = 0; i < 4; i++) {
      if (i == 2) { /* two are there before the epoch, two come later */
        ck_assert_int_eq(install_group(media, alice.group), OK);
        ck_assert_int_eq(e2ee_media_activate(media, 1), OK);
      }
      ck_assert_int_eq(e2ee_sender_new(media, &senders[i]), OK);
    }
    for (unsigned i = 0; i < 4; i++) {
      e2ee_frame_info info;
      struct frame frame = seal_with(senders[i], "x");
      ck_assert_int_eq(receive(&bob, &frame, &info), OK);
      ck_assert_uint_lt(info.kid >> 5, 64);
      ck_assert(!taken[info.kid >> 5]);
      taken[info.kid >> 5] = true;
      ck_assert_uint_eq(info.counter, 0);
      e2ee_sender_free(senders[i]);
    }
    e2ee_media_free(media);
  }
  for (unsigned i = 1; i <= 32; i++) /* 0 is alice's own sender: the shortest ones, no gaps */
    ck_assert(taken[i]);
  member_free(&alice);
  member_free(&bob);
}
END_TEST

START_TEST(contexts_of_a_restored_group) {
  uint64_t first[2];
  for (unsigned copy = 0; copy < 2; copy++) {
    struct member alice = member_of(0, 2);
    e2ee_sender *second = NULL;
    alice.group->restored = true;
    enter(&alice, 1);
    ck_assert_int_eq(e2ee_sender_new(alice.media, &second), OK);
    first[copy] = alice.sender->key->key.kid >> 5;
    ck_assert_uint_ge(first[copy], CONTEXTS_RUN);
    ck_assert_uint_lt(first[copy], ((uint64_t)1 << 32) - CONTEXTS_RUN);
    ck_assert_uint_eq(second->key->key.kid >> 5, first[copy] + 1);
    alice.group->restored = false; /* its own commit: nobody else can be in this epoch with it */
    enter(&alice, 2);
    ck_assert_uint_lt(alice.sender->key->key.kid >> 5, 2);
    e2ee_sender_free(second);
    member_free(&alice);
  }
  ck_assert_uint_ne(first[0], first[1]);
}
END_TEST

START_TEST(contexts_used_up) {
  struct contexts *contexts = NULL;
  uint64_t context = 99;
  ck_assert_int_eq(provider_init(), OK);
  ck_assert_int_eq(contexts_new(&contexts), OK);
  for (unsigned i = 0; i < CONTEXTS_RUN; i++) /* an assertion each would take minutes */
    if (contexts_draw(contexts, 3, false, &context) != OK || context != i)
      ck_abort_msg("context %u is missing", i);
  ck_assert_int_eq(contexts_draw(contexts, 3, false, &context), ERR_KEY_EXHAUSTED);
  ck_assert_int_eq(contexts_draw(contexts, 4, false, &context), OK);
  ck_assert_uint_eq(context, 0);
  /* Where the count of an epoch was overwritten, it cannot start again. */
  ck_assert_int_eq(contexts_draw(contexts, 3 + 16, false, &context), OK);
  ck_assert_int_eq(contexts_draw(contexts, 3, false, &context), ERR_KEY_EXHAUSTED);
  contexts_drop(contexts);
}
END_TEST

/* Then there is no stream, and none goes on to the epoch. */
START_TEST(no_context_for_a_stream) {
  struct member alice = member_in(0, 2, 1);
  uint64_t context = 0, kid = alice.sender->key->key.kid;
  e2ee_sender *second = NULL;
  ck_assert_int_eq(contexts_draw(alice.group->handle.contexts, 1 + 16, false, &context), OK);
  ck_assert_int_eq(e2ee_sender_new(alice.media, &second), ERR_KEY_EXHAUSTED);
  ck_assert_ptr_null(second);
  ck_assert_int_eq(contexts_draw(alice.group->handle.contexts, 2 + 16, false, &context), OK);
  install(&alice, 2);
  ck_assert_int_eq(e2ee_media_activate(alice.media, 2), ERR_KEY_EXHAUSTED);
  ck_assert_uint_eq(alice.sender->key->key.kid, kid);
  member_free(&alice);
}
END_TEST

/* A key id has room for 2^28 leaves. */
START_TEST(tree_too_wide) {
  struct member alice = member_in(0, 2, 1);
  alice.group->width = (UINT32_C(1) << 28) + 1;
  alice.group->epoch = 2;
  ck_assert_int_eq(install_group(alice.media, alice.group), ERR_LIMIT);
  ck_assert_int_eq(e2ee_media_activate(alice.media, 2), ERR_NOT_FOUND);
  member_free(&alice);
}
END_TEST

/* ---- Counters ---- */

START_TEST(counters_used_up) {
  struct member alice = member_of(0, 2), bob = member_of(1, 2);
  uint8_t out[64] = {0};
  size_t size = 0;
  enter(&alice, 1);
  install(&bob, 1);
  alice.sender->key->counter = SENDER_FRAMES - SENDER_FRAMES_LOW - 1;
  (void)expect_event(&alice, 0);
  (void)seal(&alice, "low");
  e2ee_event event = expect_event(&alice, E2EE_EVENT_KEY_LOW);
  ck_assert_uint_eq(event.value, SENDER_FRAMES_LOW);
  ck_assert_uint_eq(event.epoch, 1);
  ck_assert_uint_eq(event.leaf, 0);
  (void)seal(&alice, "still low");
  (void)expect_event(&alice, 0);

  alice.sender->key->counter = SENDER_FRAMES - 1;
  struct frame last = seal(&alice, "last");
  e2ee_frame_info info;
  ck_assert_int_eq(receive(&bob, &last, &info), OK);
  ck_assert_uint_eq(info.counter, UINT32_MAX);
  for (unsigned i = 0; i < 2; i++) {
    memset(out, 0xa5, sizeof out);
    ck_assert_int_eq(
        e2ee_sender_encrypt(alice.sender, NULL, 0, last.bytes, 3, out, sizeof out, &size),
        ERR_KEY_EXHAUSTED);
    ck_assert_uint_eq(out[0], 0xa5);
  }
  ck_assert_uint_eq(stats_of(&alice).no_key, 2);
  enter(&alice, 2);
  install(&bob, 2);
  struct frame first = seal(&alice, "first");
  ck_assert_int_eq(receive(&bob, &first, &info), OK);
  ck_assert_uint_eq(info.counter, 0);
  member_free(&alice);
  member_free(&bob);
}
END_TEST

/* ---- Events ---- */

START_TEST(events_lost) {
  static struct events events;
  struct e2ee_event event;
  ck_assert_int_eq(events_init(&events), OK);
  for (unsigned i = 0; i < EVENTS_MAX + 3; i++)
    events_push(&events, (struct e2ee_event){.kind = E2EE_EVENT_PEER_SWITCHED, .value = i});
  for (unsigned i = 0; i < 2; i++) {
    ck_assert(events_take(&events, &event));
    ck_assert_uint_eq(event.value, i);
  }
  events_push(&events, (struct e2ee_event){.kind = E2EE_EVENT_PEER_SWITCHED, .value = 1000});
  for (unsigned i = 2; i < EVENTS_MAX; i++) {
    ck_assert(events_take(&events, &event));
    ck_assert_uint_eq(event.value, i);
  }
  ck_assert(events_take(&events, &event));
  ck_assert_uint_eq(event.kind, E2EE_EVENT_DROPPED);
  ck_assert_uint_eq(event.value, 3);
  ck_assert(events_take(&events, &event));
  ck_assert_uint_eq(event.value, 1000);
  ck_assert(!events_take(&events, &event));

  /* Lost at the very end: told when nothing else is left. */
  for (unsigned i = 0; i < EVENTS_MAX + 1; i++)
    events_push(&events, (struct e2ee_event){.kind = E2EE_EVENT_PEER_SWITCHED});
  for (unsigned i = 0; i < EVENTS_MAX; i++)
    ck_assert(events_take(&events, &event));
  ck_assert(events_take(&events, &event));
  ck_assert_uint_eq(event.kind, E2EE_EVENT_DROPPED);
  ck_assert_uint_eq(event.value, 1);
  ck_assert(!events_take(&events, &event));
  events_destroy(&events);
}
END_TEST

/* ---- Receivers ---- */

START_TEST(forgeries_evict_nothing) {
  struct member bob = member_of(1, 2);
  install(&bob, 1);
  for (uint64_t context = 0; context < RECEIVER_KEYS; context++)
    ck_assert_int_eq(take(&bob, kid_of(context, 1), 5), OK);
  for (uint64_t context = 0; context < RECEIVER_KEYS; context++) { /* each key is kept */
    const struct track *track = tracks_find(&bob.receiver->tracks, kid_of(context, 1));
    ck_assert_uint_eq(bob.receiver->keys[track->hint].key.kid, kid_of(context, 1));
  }
  while (e2ee_media_next_event(bob.media, &(e2ee_event){0}, sizeof(e2ee_event)) == 1)
    continue;
  static struct tracks tracks;
  static struct receiver_key keys[RECEIVER_KEYS];
  memcpy(&tracks, &bob.receiver->tracks, sizeof tracks);
  memcpy(keys, bob.receiver->keys, sizeof keys);
  for (uint64_t i = 0; i < 5000; i++) {
    struct frame new_kid = forged(kid_of(1000 + i, 1), i), known = forged(kid_of(i % 32, 1), i + 6);
    ck_assert_int_eq(receive(&bob, &new_kid, NULL), ERR_AUTH);
    ck_assert_int_eq(receive(&bob, &known, NULL), ERR_AUTH);
  }
  ck_assert_mem_eq(&tracks, &bob.receiver->tracks, sizeof tracks);
  ck_assert_mem_eq(keys, bob.receiver->keys, sizeof keys);
  (void)expect_event(&bob, E2EE_EVENT_PEER_DIFFERS);
  (void)expect_event(&bob, 0);
  for (uint64_t context = 0; context < RECEIVER_KEYS; context++) {
    ck_assert_int_eq(take(&bob, kid_of(context, 1), 5), ERR_REPLAY);
    ck_assert_int_eq(take(&bob, kid_of(context, 1), 4), OK);
  }
  member_free(&bob);
}
END_TEST

/* More key ids than keys and windows: all are heard, and no frame is heard twice. */
START_TEST(evicted_but_not_forgotten) {
  enum { KIDS = TRACKS_WINDOWS + 50 };
  struct member bob = member_of(1, 2);
  install(&bob, 1);
  for (uint64_t round = 0; round < 3; round++)
    for (uint64_t context = 0; context < KIDS; context++)
      ck_assert_int_eq(take(&bob, kid_of(context, 1), 10 * round + 5), OK);
  for (uint64_t context = 0; context < KIDS; context++)
    for (uint64_t round = 0; round < 3; round++)
      ck_assert_int_eq(take(&bob, kid_of(context, 1), 10 * round + 5), ERR_REPLAY);
  /* The 50 without a window take nothing late, the others do. */
  for (uint64_t context = 0; context < KIDS; context++)
    ck_assert_int_eq(take(&bob, kid_of(context, 1), 24), context < 50 ? ERR_REPLAY : OK);
  /* A frame brings the window back, from there on. */
  ck_assert_int_eq(take(&bob, kid_of(0, 1), 30), OK);
  ck_assert_int_eq(take(&bob, kid_of(0, 1), 24), ERR_REPLAY);
  ck_assert_int_eq(take(&bob, kid_of(0, 1), 28), OK);
  ck_assert_int_eq(take(&bob, kid_of(0, 1), 28), ERR_REPLAY);
  ck_assert_int_eq(take(&bob, kid_of(0, 1), 30), ERR_REPLAY);
  member_free(&bob);
}
END_TEST

/* The window that goes is the one used longest ago, and the first that goes is one too many. */
START_TEST(windows_used_last_stay) {
  struct member bob = member_of(1, 2);
  install(&bob, 1);
  for (uint64_t context = 0; context < TRACKS_WINDOWS; context++)
    ck_assert_int_eq(take(&bob, kid_of(context, 1), 5), OK);
  ck_assert_int_eq(take(&bob, kid_of(0, 1), 4), OK);
  ck_assert_int_eq(take(&bob, kid_of(1, 1), 4), OK);
  ck_assert_int_eq(take(&bob, kid_of(TRACKS_WINDOWS, 1), 5), OK);
  for (uint64_t context = 0; context <= TRACKS_WINDOWS; context++)
    ck_assert_int_eq(take(&bob, kid_of(context, 1), 3), context == 2 ? ERR_REPLAY : OK);
  member_free(&bob);
}
END_TEST

/* A thousand members with two streams each, in two epochs.  By chance a few of them count as one, and
 * then not all of theirs find room in the second half. */
START_TEST(no_room_for_key_ids) {
  enum { LEAVES = 4096, FIRST = 2 };
  struct member bob = member_of(1, LEAVES);
  static bool in[TRACKS_MAX * 2];
  unsigned taken = 0, odd = 0, left_out = 0;
  install(&bob, 1);
  install(&bob, 2);
  for (uint64_t i = 0; i < TRACKS_MAX * 2; i++) {
    uint64_t kid = (i / 2 % 2) << 16 | (FIRST + i / 4) << 4 | (1 + i % 2);
    int err = take(&bob, kid, 1);
    in[i] = err == OK;
    taken += in[i];
    odd += in[i] && i % 2 == 1;
    left_out += !in[i] && taken < TRACKS_MAX;
    ck_assert_int_eq(err, in[i] ? OK : ERR_LIMIT);
  }
  ck_assert_uint_eq(taken, TRACKS_MAX);
  ck_assert_uint_lt(left_out, TRACKS_MAX / 8);
  for (uint64_t i = 0; i < TRACKS_MAX * 2; i++) { /* those who are in stay in */
    uint64_t kid = (i / 2 % 2) << 16 | (FIRST + i / 4) << 4 | (1 + i % 2);
    ck_assert_int_eq(take(&bob, kid, 1), in[i] ? ERR_REPLAY : ERR_LIMIT);
  }
  ck_assert_int_eq(e2ee_media_retire(bob.media, 2), OK);
  ck_assert_uint_eq(bob.receiver->tracks.taken, odd);
  ck_assert_int_eq(e2ee_media_retire(bob.media, 3), OK);
  for (unsigned i = 0; i < TRACKS_SHARES; i++)
    ck_assert_uint_eq(bob.receiver->tracks.shares[i], 0);
  member_free(&bob);
}
END_TEST

/* ---- A cipher that fails ---- */

static enum err failing_open(struct aead_key *key, const uint8_t *nonce, const struct view *aad,
                             size_t aad_count, struct view ciphertext, uint8_t *out) {
  (void)key, (void)nonce, (void)aad, (void)aad_count, (void)ciphertext, (void)out;
  return ERR_INTERNAL;
}

static int open_with(const struct member *bob, const struct aead *aead, uint64_t counter) {
  struct frame frame = authentic(bob, kid_of(0, 1), counter);
  uint8_t out[64];
  size_t size = 0;
  bob->receiver->latest->key.aead = aead;
  return e2ee_receiver_decrypt(bob->receiver, ABOUT, frame.bytes, frame.size, out, sizeof out,
                               &size, NULL, 0);
}

static enum err failing_seal(struct aead_key *key, const uint8_t *nonce, const struct view *aad,
                             size_t aad_count, struct view plaintext, uint8_t *out) {
  (void)key, (void)nonce, (void)aad, (void)aad_count;
  memcpy(out, plaintext.data, plaintext.size);
  return ERR_INTERNAL;
}

static int seal_bytes(const struct member *bob, const struct aead *aead, uint8_t *out,
                      size_t *size) {
  bob->sender->key->key.aead = aead;
  return e2ee_sender_encrypt(bob->sender, ABOUT, ABOUT, out, 64, size);
}

/* No plaintext is left where a frame was to be, and nothing is sent after it. */
START_TEST(cipher_that_fails_a_sender) {
  struct member bob = member_in(1, 2, 1);
  static const uint8_t zeros[2 + 5 + 16];
  const struct aead *good = bob.sender->key->key.aead;
  struct aead bad = *good;
  uint8_t out[64];
  size_t size = 4711;
  bad.seal = failing_seal;
  memset(out, 0xa5, sizeof out);
  ck_assert_int_eq(seal_bytes(&bob, &bad, out, &size), ERR_INTERNAL);
  ck_assert_mem_eq(out, zeros, sizeof zeros);
  ck_assert_int_eq(seal_bytes(&bob, good, out, &size), ERR_INTERNAL);
  ck_assert_uint_eq(size, 4711);
  ck_assert_uint_eq(stats_of(&bob).sent + stats_of(&bob).no_key, 0);
  member_free(&bob);
}
END_TEST

/* Nothing is believed any more after it, and no peer is blamed. */
START_TEST(cipher_that_fails) {
  struct member bob = member_in(1, 2, 1);
  const struct aead *good = bob.receiver->media->suite.aead;
  struct aead bad = *good;
  bad.open = failing_open;
  ck_assert_int_eq(take(&bob, kid_of(0, 1), 0), OK);
  ck_assert_int_eq(open_with(&bob, &bad, 1), ERR_INTERNAL);
  ck_assert_int_eq(open_with(&bob, good, 2), ERR_INTERNAL);
  e2ee_stats stats = stats_of(&bob);
  ck_assert_uint_eq(stats.received, 1);
  ck_assert_uint_eq(stats.no_key + stats.auth_failed + stats.replayed + stats.malformed, 0);
  member_free(&bob);
}
END_TEST

/* ---- Keys that are kept, and keys that are gone ---- */

static void expect_wiped(const struct sframe_key *key) {
  static const uint8_t zeros[SFRAME_KEY_MAX];
  uint8_t one[64], two[64];
  struct aead_key *zero_key = NULL;
  ck_assert_mem_eq(key->salt, zeros, sizeof key->salt);
  ck_assert_int_eq(key->aead->key_new(zeros, &zero_key), OK);
  ck_assert_int_eq(key->aead->seal(key->cipher, zeros, NULL, 0, VIEW_TEXT("probe"), one), OK);
  ck_assert_int_eq(key->aead->seal(zero_key, zeros, NULL, 0, VIEW_TEXT("probe"), two), OK);
  ck_assert_mem_eq(one, two, 5 + 16);
  key->aead->key_free(zero_key);
}

static unsigned windows_used(const struct tracks *tracks) {
  unsigned used = 0;
  for (unsigned i = 0; i < TRACKS_WINDOWS; i++)
    used += tracks->windows[i].used > 0;
  return used;
}

static void expect_epoch(const struct e2ee_receiver *receiver, uint64_t epoch, unsigned keys) {
  unsigned found = 0;
  for (unsigned i = 0; i <= RECEIVER_KEYS; i++) {
    if (receiver->keys[i].used == 0)
      expect_wiped(&receiver->keys[i].key);
    else if (media_epoch_slot(receiver->keys[i].key.kid) == media_epoch_slot(epoch))
      found++;
  }
  ck_assert_uint_eq(found, keys);
}

static bool has_key(const struct e2ee_receiver *receiver, uint64_t kid) {
  bool found = false;
  for (unsigned i = 0; i < RECEIVER_KEYS; i++)
    found |= receiver->keys[i].used > 0 && receiver->keys[i].key.kid == kid;
  return found;
}

/* Who speaks in turns: each key is derived once.  The one that goes was used longest ago. */
START_TEST(keys_are_kept) {
  struct member bob = member_of(1, 2);
  install(&bob, 1);
  for (uint64_t round = 0; round < 3; round++)
    for (uint64_t context = 0; context < 5; context++) {
      ck_assert_int_eq(take(&bob, kid_of(context, 1), round), OK);
      ck_assert_uint_eq(bob.receiver->latest->key.kid, kid_of(context, 1));
    }
  expect_epoch(bob.receiver, 1, 5);
  for (uint64_t context = 5; context < RECEIVER_KEYS; context++)
    ck_assert_int_eq(take(&bob, kid_of(context, 1), 0), OK);
  for (uint64_t context = 0; context < 4; context++)
    ck_assert_int_eq(take(&bob, kid_of(context, 1), 3), OK);
  ck_assert_int_eq(take(&bob, kid_of(RECEIVER_KEYS, 1), 0), OK);
  for (uint64_t context = 0; context <= RECEIVER_KEYS; context++)
    ck_assert_int_eq(has_key(bob.receiver, kid_of(context, 1)), context != 4);
  member_free(&bob);
}
END_TEST

START_TEST(retired_keys_are_gone) {
  struct member bob = member_of(1, 2);
  install(&bob, 1);
  install(&bob, 2);
  struct frame trial = forged(kid_of(77, 1), 1);
  for (uint64_t context = 0; context < 5; context++) {
    ck_assert_int_eq(take(&bob, kid_of(context, 1), 1), OK);
    ck_assert_int_eq(take(&bob, kid_of(context, 2), 1), OK);
  }
  ck_assert_int_eq(receive(&bob, &trial, NULL), ERR_AUTH);
  expect_epoch(bob.receiver, 1, 6); /* the one on trial, too */
  ck_assert_int_eq(e2ee_media_retire(bob.media, 2), OK);
  expect_epoch(bob.receiver, 1, 0);
  expect_epoch(bob.receiver, 2, 5);
  ck_assert_uint_eq(windows_used(&bob.receiver->tracks), 5);
  ck_assert_ptr_null(tracks_find(&bob.receiver->tracks, kid_of(0, 1)));
  ck_assert_ptr_nonnull(tracks_find(&bob.receiver->tracks, kid_of(0, 2)));
  ck_assert_ptr_null(((const struct installed *)bob.receiver->source)->epochs[1]);
  install(&bob, 18); /* takes over the low bits of 2 */
  expect_epoch(bob.receiver, 2, 0);
  ck_assert_uint_eq(windows_used(&bob.receiver->tracks), 0);
  ck_assert_ptr_null(tracks_find(&bob.receiver->tracks, kid_of(0, 2)));
  ck_assert_int_eq(atomic_load(&rosters_alive), 1);
  member_free(&bob);
}
END_TEST

/* Also those that stand next to each other, and where the epoch's low bits are zero. */
START_TEST(all_retired_keys_are_gone) {
  struct member bob = member_of(1, 2);
  install(&bob, 16);
  install(&bob, 17);
  struct frame trial = forged(kid_of(77, 16), 1);
  for (uint64_t context = 0; context < RECEIVER_KEYS; context++)
    ck_assert_int_eq(take(&bob, kid_of(context, 16), 1), OK);
  ck_assert_int_eq(receive(&bob, &trial, NULL), ERR_AUTH);
  expect_epoch(bob.receiver, 16, RECEIVER_KEYS + 1);
  ck_assert_int_eq(e2ee_media_retire(bob.media, 17), OK);
  expect_epoch(bob.receiver, 16, 0);
  ck_assert_uint_eq(windows_used(&bob.receiver->tracks), 0);
  member_free(&bob);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("all");
  tcase_set_timeout(tests, 120);
  tcase_add_test(tests, contexts_never_shared);
  tcase_add_test(tests, contexts_of_a_restored_group);
  tcase_add_test(tests, contexts_used_up);
  tcase_add_test(tests, no_context_for_a_stream);
  tcase_add_test(tests, tree_too_wide);
  tcase_add_test(tests, counters_used_up);
  tcase_add_test(tests, events_lost);
  tcase_add_test(tests, forgeries_evict_nothing);
  tcase_add_test(tests, evicted_but_not_forgotten);
  tcase_add_test(tests, windows_used_last_stay);
  tcase_add_test(tests, no_room_for_key_ids);
  tcase_add_test(tests, cipher_that_fails_a_sender);
  tcase_add_test(tests, cipher_that_fails);
  tcase_add_test(tests, keys_are_kept);
  tcase_add_test(tests, retired_keys_are_gone);
  tcase_add_test(tests, all_retired_keys_are_gone);
  return run_case("media-limits", tests);
}
