/*
 * Sender keys (RFC 9605, section 5.1): media whose keys the application brings.  How a receiver
 * follows its sender is in test-senderkeys-following.c.
 * SPDX-License-Identifier: ISC
 */
#include <e2ee/media.h>

#include "crypto/provider.h"
#include "failing.h"
#include "speakers.h"
#include "tests/run.h"

/* ---- Keys and key ids ---- */

START_TEST(every_suite) {
  uint16_t suite = (uint16_t)(_i + 1);
  struct member alice = speaker(suite, 0), bob = listener(suite, 0);
  struct frame frame = seal(&alice, "hello"), altered = frame;
  altered.bytes[frame.size - 1] ^= 1;
  expect_refused(&bob, &altered, ERR_AUTH);
  expect_heard(&bob, &frame, 0, 0);
  expect_refused(&bob, &frame, ERR_REPLAY);
  ck_assert_uint_eq(ratchet(&alice, NULL), 1);
  frame = seal(&alice, "step 1");
  expect_heard(&bob, &frame, 0, 1);
  ck_assert_int_eq(e2ee_media_set_sender_key(bob.media, ALICE, 1, 0, KEY(1)), OK);
  ck_assert_int_eq(e2ee_media_set_own_key(alice.media, 1, KEY(1)), OK);
  frame = seal(&alice, "generation 1");
  expect_heard(&bob, &frame, 1, 64);
  leave(&alice);
  leave(&bob);
}
END_TEST

/* The key for a joiner, as Python's hmac and hashlib have it; see test-sframe.c. */
START_TEST(known_ratchet) {
  static const uint8_t known[2][2][8] = {
      {{0xfb, 0x75, 0xd8, 0xd5, 0x78, 0x2d, 0xa6, 0xc6},
       {0xb7, 0x91, 0x03, 0x89, 0x37, 0xf6, 0x17, 0x6e}},
      {{0x89, 0x5f, 0xe5, 0x60, 0x37, 0x50, 0x29, 0x5c},
       {0x73, 0x81, 0x66, 0x4f, 0x16, 0x69, 0x55, 0xfb}},
  };
  uint8_t start[16];
  for (uint8_t i = 0; i < 16; i++)
    start[i] = i;
  struct member alice = speaker((uint16_t)(4 + _i), 0);
  ck_assert_int_eq(e2ee_media_set_own_key(alice.media, 7, start, sizeof start), OK);
  struct secret base_key;
  ck_assert_uint_eq(ratchet(&alice, &base_key), 0); /* nothing encrypted: nothing to protect */
  ck_assert_uint_eq(base_key.size, 16);
  ck_assert_mem_eq(base_key.bytes, start, 16);
  (void)seal(&alice, "x");
  for (unsigned again = 0; again < 2; again++) {
    ck_assert_uint_eq(ratchet(&alice, &base_key), 1);
    ck_assert_uint_eq(base_key.size, _i == 0 ? 32 : 64);
    ck_assert_mem_eq(base_key.bytes, known[_i][0], 8);
  }
  ratchet_on(&alice, 2);
  ck_assert_uint_eq(ratchet(&alice, &base_key), 3);
  ck_assert_mem_eq(base_key.bytes, known[_i][1], 8);
  leave(&alice);
}
END_TEST

/* Who joins reads what comes from then on, and nothing from before; nor what comes after leaving. */
START_TEST(joiners_and_leavers) {
  struct member alice = speaker(0, 0), bob = listener(0, 0);
  struct frame before = seal(&alice, "before");
  struct secret base_key;
  uint64_t step = ratchet(&alice, &base_key);
  struct member carol = {.media = media_with(0, 0)};
  ck_assert_int_eq(e2ee_media_add_sender(carol.media, ALICE, 0), OK);
  ck_assert_int_eq(
      e2ee_media_set_sender_key(carol.media, ALICE, 0, step, base_key.bytes, base_key.size), OK);
  carol.receiver = receiver_of(&carol, ALICE);
  struct frame during = seal(&alice, "during");
  expect_refused(&carol, &before, ERR_NO_KEY);
  expect_heard(&carol, &during, 0, 1);
  expect_heard(&bob, &before, 0, 0);
  expect_heard(&bob, &during, 0, 1);
  ck_assert_int_eq(e2ee_media_set_sender_key(bob.media, ALICE, 1, 0, KEY(1)), OK);
  ck_assert_int_eq(e2ee_media_set_own_key(alice.media, 1, KEY(1)), OK);
  struct frame after = seal(&alice, "after");
  expect_refused(&carol, &after, ERR_NO_KEY);
  expect_heard(&bob, &after, 1, 64);
  leave(&alice);
  leave(&bob);
  leave(&carol);
}
END_TEST

/* RFC 9605, section 5.1: KID = (key_generation << R) + (ratchet_step % (1 << R)). */
START_TEST(key_ids) {
  struct member alice = speaker(0, 3), bob = listener(0, 3);
  for (uint64_t generation = 0; generation < 3; generation++) {
    if (generation > 0) {
      ck_assert_int_eq(e2ee_media_set_sender_key(bob.media, ALICE, generation, 0, KEY(generation)),
                       OK);
      ck_assert_int_eq(e2ee_media_set_own_key(alice.media, generation, KEY(generation)), OK);
    }
    for (uint64_t step = 0; step < 20; step++) {
      ck_assert_uint_eq(ratchet(&alice, NULL), step);
      struct frame frame = seal(&alice, "x");
      expect_heard(&bob, &frame, generation, generation << 3 | step % 8);
      expect_refused(&bob, &frame, ERR_REPLAY);
    }
  }
  uint64_t highest = UINT64_MAX >> 3;
  ck_assert_int_eq(e2ee_media_set_sender_key(bob.media, ALICE, highest, 0, KEY(4)), OK);
  ck_assert_int_eq(e2ee_media_set_own_key(alice.media, highest, KEY(4)), OK);
  struct frame frame = seal(&alice, "x");
  expect_heard(&bob, &frame, highest, highest << 3);
  leave(&alice);
  leave(&bob);
}
END_TEST

/* RFC 9605, section 9.1: streams share the key id, so they must share the counter. */
START_TEST(no_counter_twice) {
  enum { STREAMS = 4, FRAMES = 40 };
  struct member alice = speaker(0, 0);
  bool spent[STREAMS * FRAMES] = {false};
  for (unsigned round = 0; round < FRAMES; round++) {
    e2ee_sender *senders[STREAMS];
    for (unsigned i = 0; i < STREAMS; i++)
      ck_assert_int_eq(e2ee_sender_new(alice.media, &senders[i]), OK);
    for (unsigned i = 0; i < STREAMS; i++) {
      struct frame frame = seal_with(senders[i], "x");
      struct sframe_header header;
      ck_assert_int_eq(sframe_header_read(view_of(frame.bytes, frame.size), &header), OK);
      ck_assert_uint_eq(header.kid, 0);
      ck_assert_uint_lt(header.counter, STREAMS * FRAMES);
      ck_assert(!spent[header.counter]);
      spent[header.counter] = true;
      e2ee_sender_free(senders[i]);
    }
  }
  leave(&alice);
}
END_TEST

START_TEST(counters_used_up) {
  struct member alice = speaker(0, 0), bob = listener(0, 0);
  e2ee_sender *second = NULL;
  ck_assert_int_eq(e2ee_sender_new(alice.media, &second), OK);
  atomic_store(&peer_keys_of(alice.media->media)->own->counter,
               SENDER_FRAMES - SENDER_FRAMES_LOW - 1);
  (void)seal(&alice, "low");
  e2ee_event event = expect_event(&alice, E2EE_EVENT_KEY_LOW);
  ck_assert_uint_eq(event.leaf, UINT32_MAX);
  ck_assert_uint_eq(event.epoch, 0);
  ck_assert_uint_eq(event.value, SENDER_FRAMES_LOW);
  atomic_store(&peer_keys_of(alice.media->media)->own->counter, SENDER_FRAMES - 1);
  (void)seal_with(second, "last");
  uint8_t out[64] = {0};
  size_t size = 0;
  e2ee_sender *both[] = {alice.sender, second};
  for (unsigned i = 0; i < 4; i++)
    ck_assert_int_eq(e2ee_sender_encrypt(both[i % 2], NULL, 0, out, 3, out, sizeof out, &size),
                     ERR_KEY_EXHAUSTED);
  ck_assert_uint_eq(ratchet(&alice, NULL), 1);
  struct frame frame = seal(&alice, "a new key");
  e2ee_frame_info info;
  ck_assert_int_eq(receive(&bob, &frame, &info), OK);
  ck_assert_uint_eq(info.counter, 0);
  e2ee_sender_free(second);
  leave(&alice);
  leave(&bob);
}
END_TEST

/* ---- What is refused ---- */

/* The own key goes forward only, and what was refused has changed nothing. */
START_TEST(own_keys_refused) {
  struct member alice = speaker(0, 0), bob = listener(0, 0);
  e2ee_media *m = alice.media;
  ck_assert_int_eq(e2ee_media_add_sender(m, BOB, 0), OK);
  ck_assert_int_eq(e2ee_media_set_sender_key(m, BOB, 0, 0, KEY(5)), OK);
  const struct own_key *own = peer_keys_of(m->media)->own;
  ck_assert_int_eq(e2ee_media_set_own_key(m, 0, KEY(1)), ERR_OLD_EPOCH);
  ck_assert_int_eq(e2ee_media_set_own_key(m, 0, KEY(0)), ERR_OLD_EPOCH);
  ck_assert_int_eq(e2ee_media_set_own_key(m, 1, KEY(0)), ERR_INVALID_STATE);
  ck_assert_int_eq(e2ee_media_set_own_key(m, 1, KEY(5)), ERR_INVALID_STATE);
  ck_assert_int_eq(e2ee_media_set_own_key(m, (UINT64_MAX >> 6) + 1, KEY(1)), ERR_INVALID_ARG);
  ck_assert_int_eq(e2ee_media_set_own_key(m, 1, keys[1], 15), ERR_INVALID_ARG);
  ck_assert_int_eq(e2ee_media_set_own_key(m, 1, keys[1], 129), ERR_INVALID_ARG);
  ck_assert_int_eq(e2ee_media_set_own_key(m, 1, NULL, 32), ERR_INVALID_ARG);
  ck_assert_int_eq(e2ee_media_set_own_key(NULL, 1, KEY(1)), ERR_INVALID_ARG);
  ck_assert_ptr_eq(peer_keys_of(m->media)->own, own);
  struct frame frame = seal(&alice, "still");
  expect_heard(&bob, &frame, 0, 0);

  (void)ratchet(&alice, NULL); /* the first key of the generation is known after steps, too */
  ck_assert_int_eq(e2ee_media_set_own_key(m, 1, KEY(0)), ERR_INVALID_STATE);
  ck_assert_int_eq(e2ee_media_set_own_key(m, 5, keys[1], 16), OK);
  ck_assert_int_eq(e2ee_media_set_own_key(m, 4, KEY(2)), ERR_OLD_EPOCH);
  ck_assert_int_eq(e2ee_media_set_own_key(m, 5, KEY(2)), ERR_OLD_EPOCH);
  static const uint8_t longest[128] = {9};
  ck_assert_int_eq(e2ee_media_set_own_key(m, 6, longest, 128), OK);
  leave(&alice);
  leave(&bob);
}
END_TEST

START_TEST(sender_keys_refused) {
  struct member bob = listener(0, 0);
  e2ee_media *m = bob.media;
  ck_assert_int_eq(e2ee_media_add_sender(m, ALICE, 0), ERR_INVALID_STATE);
  ck_assert_int_eq(e2ee_media_add_sender(m, CAROL, 1), ERR_INVALID_ARG);
  ck_assert_int_eq(e2ee_media_add_sender(m, CAROL, 17), ERR_INVALID_ARG);
  ck_assert_int_eq(e2ee_media_add_sender(m, UINT32_MAX, 0), ERR_INVALID_ARG);
  ck_assert_int_eq(e2ee_media_add_sender(NULL, CAROL, 0), ERR_INVALID_ARG);
  ck_assert_int_eq(e2ee_media_set_sender_key(m, CAROL, 0, 0, KEY(1)), ERR_NOT_FOUND);
  ck_assert_int_eq(e2ee_media_retire_sender(m, CAROL, 0), ERR_NOT_FOUND);
  ck_assert_int_eq(e2ee_media_remove_sender(m, CAROL), ERR_NOT_FOUND);
  e2ee_receiver *receiver = bob.receiver;
  ck_assert_int_eq(e2ee_media_receiver_new(m, CAROL, &receiver), ERR_NOT_FOUND);
  ck_assert_ptr_null(receiver);

  ck_assert_int_eq(e2ee_media_set_own_key(m, 0, KEY(4)), OK);
  ck_assert_int_eq(e2ee_media_add_sender(m, CAROL, 16), OK);
  ck_assert_int_eq(e2ee_media_set_sender_key(m, CAROL, 0, UINT64_MAX >> 1, KEY(5)), OK);
  ck_assert_int_eq(e2ee_media_set_sender_key(m, ALICE, 3, 2, KEY(1)), OK);
  ck_assert_int_eq(e2ee_media_set_sender_key(m, ALICE, 3, 2, KEY(1)), OK);
  struct chain_link before[CHAIN_LINKS];
  struct chain *chain = (struct chain *)bob.receiver->source;
  memcpy(before, chain->links, sizeof before);
  ck_assert_int_eq(e2ee_media_set_sender_key(m, ALICE, 3, 2, KEY(2)), ERR_INVALID_STATE);
  ck_assert_int_eq(e2ee_media_set_sender_key(m, ALICE, 3, 1, KEY(1)), ERR_OLD_EPOCH);
  ck_assert_int_eq(e2ee_media_set_sender_key(m, ALICE, 2, 9, KEY(1)), ERR_OLD_EPOCH);
  ck_assert_int_eq(e2ee_media_set_sender_key(m, ALICE, 0, 0, KEY(0)), ERR_OLD_EPOCH);
  ck_assert_int_eq(e2ee_media_set_sender_key(m, ALICE, 4, 0, KEY(4)), ERR_INVALID_STATE);
  ck_assert_int_eq(e2ee_media_set_sender_key(m, ALICE, 4, 0, KEY(5)), ERR_INVALID_STATE);
  uint64_t beyond = (UINT64_MAX >> 6) + 1;
  ck_assert_int_eq(e2ee_media_set_sender_key(m, ALICE, beyond, 0, KEY(2)), ERR_INVALID_ARG);
  beyond = (UINT64_MAX >> 16) + 1;
  ck_assert_int_eq(e2ee_media_set_sender_key(m, CAROL, beyond, 0, KEY(2)), ERR_INVALID_ARG);
  ck_assert_int_eq(e2ee_media_set_sender_key(m, ALICE, 4, 1ull << 63, KEY(2)), ERR_INVALID_ARG);
  ck_assert_int_eq(e2ee_media_set_sender_key(m, ALICE, 4, 0, keys[2], 15), ERR_INVALID_ARG);
  ck_assert_int_eq(e2ee_media_set_sender_key(m, ALICE, 4, 0, keys[2], 129), ERR_INVALID_ARG);
  ck_assert_int_eq(e2ee_media_set_sender_key(m, ALICE, 4, 0, NULL, 32), ERR_INVALID_ARG);
  ck_assert_int_eq(e2ee_media_set_sender_key(NULL, ALICE, 4, 0, KEY(2)), ERR_INVALID_ARG);
  ck_assert_mem_eq(before, chain->links, sizeof before);
  ck_assert_uint_eq(chain->count, 2);
  leave(&bob);
}
END_TEST

/* A media object follows a group or has sender keys; not both. */
START_TEST(one_or_the_other) {
  struct member alice = member_of(0, 2), bob = listener(0, 0);
  uint64_t step = 4711;
  e2ee_bytes *bytes = NULL;
  e2ee_receiver *receiver = NULL;
  e2ee_media *m = alice.media;
  enter(&alice, 1);
  ck_assert_int_eq(e2ee_media_set_own_key(m, 1, KEY(0)), ERR_INVALID_STATE);
  ck_assert_int_eq(e2ee_media_ratchet(m, &step, &bytes), ERR_INVALID_STATE);
  ck_assert_int_eq(e2ee_media_add_sender(m, BOB, 0), ERR_INVALID_STATE);
  ck_assert_int_eq(e2ee_media_set_sender_key(m, BOB, 0, 0, KEY(0)), ERR_INVALID_STATE);
  ck_assert_int_eq(e2ee_media_retire_sender(m, BOB, 0), ERR_INVALID_STATE);
  ck_assert_int_eq(e2ee_media_remove_sender(m, BOB), ERR_INVALID_STATE);
  ck_assert_int_eq(e2ee_media_receiver_new(m, BOB, &receiver), ERR_INVALID_STATE);
  (void)seal(&alice, "as before");

  m = bob.media;
  ck_assert_int_eq(install_group(m, alice.group), ERR_INVALID_STATE);
  ck_assert_ptr_nonnull(strstr(fake_client.why.text, "sender keys"));
  ck_assert_int_eq(e2ee_media_activate(m, 1), ERR_INVALID_STATE);
  ck_assert_int_eq(e2ee_receiver_new(m, &receiver), ERR_INVALID_STATE);
  ck_assert_int_eq(e2ee_media_retire(m, 1), ERR_INVALID_STATE);
  ck_assert_int_eq(e2ee_media_ratchet(m, &step, &bytes), ERR_INVALID_STATE); /* no own key */
  size_t size = 0;
  ck_assert_int_eq(e2ee_media_member(m, 0, ALICE, E2EE_MEMBER_IDENTITY, NULL, &size),
                   ERR_NOT_FOUND);
  ck_assert_ptr_null(bytes);
  ck_assert_ptr_null(receiver);
  ck_assert_uint_eq(step, 4711);
  member_free(&alice);
  leave(&bob);
}
END_TEST

START_TEST(arguments) {
  struct member alice = speaker(0, 0);
  e2ee_media *media = alice.media;
  e2ee_receiver *receiver = NULL;
  e2ee_bytes *bytes = (e2ee_bytes *)(void *)&alice;
  uint64_t step = 0;
  const int bad = ERR_INVALID_ARG;
  ck_assert_int_eq(e2ee_media_new_sender_keys(0, 0, NULL), bad);
  ck_assert_int_eq(e2ee_media_new_sender_keys(0, 1, &media), bad);
  ck_assert_ptr_null(media);
  ck_assert_int_eq(e2ee_media_new_sender_keys(0, 17, &media), bad);
  ck_assert_int_eq(e2ee_media_new_sender_keys(1000, 0, &media), ERR_UNSUPPORTED);
  ck_assert_int_eq(e2ee_media_ratchet(NULL, &step, &bytes), bad);
  ck_assert_ptr_null(bytes);
  ck_assert_int_eq(e2ee_media_ratchet(alice.media, NULL, &bytes), bad);
  ck_assert_int_eq(e2ee_media_ratchet(alice.media, &step, NULL), bad);
  ck_assert_int_eq(e2ee_media_retire_sender(NULL, 0, 0), bad);
  ck_assert_int_eq(e2ee_media_remove_sender(NULL, 0), bad);
  ck_assert_int_eq(e2ee_media_receiver_new(NULL, 0, &receiver), bad);
  ck_assert_int_eq(e2ee_media_receiver_new(alice.media, 0, NULL), bad);
  ck_assert_uint_eq(ratchet(&alice, NULL), 0);
  leave(&alice);
}
END_TEST

/* ---- Keys that are gone ---- */

static void expect_only(const e2ee_receiver *receiver, unsigned count) {
  unsigned found = 0;
  for (unsigned i = 0; i <= RECEIVER_KEYS; i++) {
    found += receiver->keys[i].used > 0;
    if (receiver->keys[i].used == 0)
      for (size_t byte = 0; byte < sizeof receiver->keys[i].key.salt; byte++)
        ck_assert_uint_eq(receiver->keys[i].key.salt[byte], 0);
  }
  ck_assert_uint_eq(found, count);
}

START_TEST(retired_keys_are_gone) {
  struct member alice = speaker(0, 0), bob = listener(0, 0);
  struct chain *chain = chain_in(&bob);
  struct frame late = seal(&alice, "late");
  pass(&alice, &bob, 1);
  (void)ratchet(&alice, NULL);
  pass(&alice, &bob, 1);
  ck_assert_int_eq(e2ee_media_set_sender_key(bob.media, ALICE, 1, 0, KEY(1)), OK);
  struct frame bad = forged(7);
  expect_refused(&bob, &bad, ERR_AUTH); /* a key on trial */
  expect_links(chain, 3);
  expect_only(bob.receiver, 3);
  ck_assert_int_eq(e2ee_media_retire_sender(bob.media, ALICE, 0), OK); /* what it left behind */
  expect_links(chain, 2);
  expect_only(bob.receiver, 1);
  expect_refused(&bob, &late, ERR_NO_KEY);
  pass(&alice, &bob, 1);
  ck_assert_int_eq(e2ee_media_retire_sender(bob.media, ALICE, 1), OK);
  expect_links(chain, 1);
  expect_only(bob.receiver, 0);
  late = seal(&alice, "still generation 0");
  expect_refused(&bob, &late, ERR_NO_KEY);
  ck_assert_int_eq(e2ee_media_set_own_key(alice.media, 1, KEY(1)), OK);
  pass(&alice, &bob, 1);

  ck_assert_int_eq(e2ee_media_retire_sender(bob.media, ALICE, 5), OK);
  expect_links(chain, 0);
  expect_only(bob.receiver, 0);
  ck_assert_int_eq(e2ee_media_retire_sender(bob.media, ALICE, 2), OK); /* gives nothing back */
  ck_assert_int_eq(e2ee_media_set_sender_key(bob.media, ALICE, 4, 0, KEY(4)), ERR_OLD_EPOCH);
  while (e2ee_media_next_event(bob.media, &(e2ee_event){0}, sizeof(e2ee_event)) == 1)
    continue;
  bad = forged(4 * 64);
  expect_refused(&bob, &bad, ERR_NO_KEY);
  (void)expect_event(&bob, 0); /* old */
  bad = forged(5 * 64);
  expect_refused(&bob, &bad, ERR_NO_KEY);
  ck_assert_uint_eq(expect_event(&bob, E2EE_EVENT_UNKNOWN_EPOCH).epoch, 5);
  ck_assert_int_eq(e2ee_media_set_sender_key(bob.media, ALICE, 5, 0, KEY(5)), OK);
  ck_assert_int_eq(e2ee_media_set_own_key(alice.media, 5, KEY(5)), OK);
  pass(&alice, &bob, 1);
  leave(&alice);
  leave(&bob);
}
END_TEST

/* A number goes to somebody else: receivers of the one before never speak for the new one. */
START_TEST(senders_leave) {
  struct member alice = speaker(0, 0), bob = listener(0, 0);
  pass(&alice, &bob, 1);
  struct chain *chain = chain_share((struct chain *)bob.receiver->source);
  ck_assert_int_eq(e2ee_media_remove_sender(bob.media, ALICE), OK);
  expect_links(chain, 0);
  expect_only(bob.receiver, 0);
  chain_drop(chain);
  ck_assert_int_eq(e2ee_media_set_sender_key(bob.media, ALICE, 1, 0, KEY(1)), ERR_NOT_FOUND);
  ck_assert_int_eq(e2ee_media_add_sender(bob.media, ALICE, 0), OK);
  ck_assert_int_eq(e2ee_media_set_sender_key(bob.media, ALICE, 0, 0, KEY(0)), OK);
  struct frame frame = seal(&alice, "x");
  expect_refused(&bob, &frame, ERR_NO_KEY);
  struct member again = {.media = bob.media, .receiver = receiver_of(&bob, ALICE)};
  expect_heard(&again, &frame, 0, 0);
  e2ee_receiver_free(again.receiver);

  /* Others are in the list before and after the one who leaves. */
  ck_assert_int_eq(e2ee_media_add_sender(bob.media, CAROL, 0), OK);
  ck_assert_int_eq(e2ee_media_add_sender(bob.media, 7, 0), OK);
  ck_assert_int_eq(e2ee_media_remove_sender(bob.media, CAROL), OK);
  ck_assert_int_eq(e2ee_media_retire_sender(bob.media, ALICE, 0), OK);
  ck_assert_int_eq(e2ee_media_retire_sender(bob.media, 7, 0), OK);
  leave(&alice);
  leave(&bob);
}
END_TEST

START_TEST(the_call_ends) {
  struct member alice = speaker(0, 0), bob = listener(0, 0);
  ck_assert_int_eq(e2ee_media_set_own_key(bob.media, 3, KEY(3)), OK);
  ck_assert_int_eq(e2ee_sender_new(bob.media, &bob.sender), OK);
  pass(&alice, &bob, 1);
  ck_assert_int_eq(e2ee_media_retire(bob.media, UINT64_MAX), OK);
  expect_links(chain_in(&bob), 0);
  expect_only(bob.receiver, 0);
  ck_assert_ptr_null(bob.sender->key);
  ck_assert_ptr_null(peer_keys_of(bob.media->media)->own);
  uint8_t out[64] = {0};
  size_t size = 0;
  uint64_t step = 0;
  e2ee_bytes *bytes = NULL;
  ck_assert_int_eq(e2ee_sender_encrypt(bob.sender, NULL, 0, out, 3, out, sizeof out, &size),
                   ERR_NO_KEY);
  ck_assert_int_eq(e2ee_media_set_own_key(bob.media, UINT64_MAX >> 6, KEY(4)), ERR_OLD_EPOCH);
  ck_assert_int_eq(e2ee_media_set_sender_key(bob.media, ALICE, 9, 0, KEY(4)), ERR_OLD_EPOCH);
  ck_assert_int_eq(e2ee_media_add_sender(bob.media, CAROL, 0), ERR_OLD_EPOCH);
  ck_assert_int_eq(e2ee_media_ratchet(bob.media, &step, &bytes), ERR_INVALID_STATE);
  ck_assert_int_eq(e2ee_media_retire(bob.media, UINT64_MAX), OK);
  leave(&alice);
  leave(&bob);
}
END_TEST

/* Handles may be freed in any order. */
START_TEST(life_times) {
  static const char orders[6][4] = {"msr", "mrs", "smr", "srm", "rms", "rsm"};
  long blocks = failing_blocks();
  struct member alice = speaker(0, 0), bob = listener(0, 0);
  ck_assert_int_eq(e2ee_media_set_own_key(bob.media, 3, KEY(3)), OK);
  ck_assert_int_eq(e2ee_sender_new(bob.media, &bob.sender), OK);
  for (const char *step = orders[_i]; *step != 0; step++) {
    if (*step == 'm')
      e2ee_media_free(bob.media), bob.media = NULL;
    else if (*step == 's')
      e2ee_sender_free(bob.sender), bob.sender = NULL;
    else
      e2ee_receiver_free(bob.receiver), bob.receiver = NULL;
    if (bob.sender != NULL)
      (void)seal(&bob, "still");
    if (bob.receiver != NULL)
      pass(&alice, &bob, 1);
  }
  leave(&alice);
  ck_assert_int_eq(failing_blocks(), blocks);
}
END_TEST

/* ---- Memory ---- */

START_TEST(frames_allocate_nothing) {
  struct member alice = speaker(0, 0), bob = listener(0, 0);
  struct frame frames[40];
  for (unsigned i = 0; i < 40; i++) {
    (void)ratchet(&alice, NULL);
    frames[i] = seal(&alice, "x");
  }
  failing_after(0);
  uint8_t out[256];
  size_t size = 0;
  int err = OK;
  for (unsigned i = 0; i < 40; i++)
    err |= e2ee_receiver_decrypt(bob.receiver, ABOUT, frames[i].bytes, frames[i].size, out,
                                 sizeof out, &size, NULL, 0);
  err |= e2ee_sender_encrypt(alice.sender, ABOUT, out, 100, out, sizeof out, &size);
  bool allocated = failing_stop();
  ck_assert(!allocated);
  ck_assert_int_eq(err, OK);
  leave(&alice);
  leave(&bob);
}
END_TEST

static struct {
  struct member alice, bob;
  e2ee_media *media;
  e2ee_receiver *receiver;
  e2ee_sender *sender;
  e2ee_bytes *bytes;
} scene;

static int make_media(void) {
  return e2ee_media_new_sender_keys(0, 0, &scene.media);
}

static int set_own_key(void) {
  return e2ee_media_set_own_key(scene.alice.media, 1, KEY(1));
}

static int next_step(void) {
  uint64_t step = 0;
  return e2ee_media_ratchet(scene.alice.media, &step, &scene.bytes);
}

static int add_sender(void) {
  return e2ee_media_add_sender(scene.bob.media, CAROL, 0);
}

static int set_sender_key(void) {
  return e2ee_media_set_sender_key(scene.bob.media, CAROL, 0, 0, KEY(2));
}

static int make_receiver(void) {
  return e2ee_media_receiver_new(scene.bob.media, CAROL, &scene.receiver);
}

static int make_sender(void) {
  return e2ee_sender_new(scene.alice.media, &scene.sender);
}

/* Every allocation of a call fails in turn; until it succeeds, nothing has changed. */
START_TEST(out_of_memory) {
  static int (*const calls[])(void) = {make_media,     next_step,     set_own_key, add_sender,
                                       set_sender_key, make_receiver, make_sender};
  long blocks = failing_blocks();
  scene.alice = speaker(0, 0);
  scene.bob = listener(0, 0);
  e2ee_sender *second = NULL;
  ck_assert_int_eq(e2ee_sender_new(scene.alice.media, &second), OK);
  unsigned failures = 0;
  for (unsigned i = 0; i < sizeof calls / sizeof calls[0]; i++) {
    uint64_t kid = scene.alice.sender->key->key.kid;
    for (unsigned after = 0;; after++) {
      (void)seal(&scene.alice, "so that a step is due");
      failing_after(after);
      int err = calls[i]();
      if (!failing_stop()) {
        ck_assert_int_eq(err, OK);
        break;
      }
      failures++;
      ck_assert_int_eq(err, ERR_NOMEM);
      ck_assert_ptr_null(scene.bytes);
      ck_assert_ptr_null(second->prepared);
      ck_assert_uint_eq(scene.alice.sender->key->key.kid, kid);
      ck_assert_uint_eq(second->key->key.kid, kid);
    }
    if (scene.bytes != NULL) {
      bytes_free(&scene.bytes->bytes);
      mem_free(scene.bytes), scene.bytes = NULL;
    }
  }
  ck_assert_uint_ge(failures, 10);
  ck_assert_uint_eq(scene.alice.sender->key->key.kid, 64);
  e2ee_sender_free(second);
  e2ee_sender_free(scene.sender);
  e2ee_receiver_free(scene.receiver);
  e2ee_media_free(scene.media);
  leave(&scene.alice);
  leave(&scene.bob);
  ck_assert_int_eq(failing_blocks(), blocks);
}
END_TEST

/* A key of each suite is made whole or not at all. */
START_TEST(out_of_memory_for_a_key) {
  struct sframe_suite suite;
  struct sframe_key key;
  bool failed = true;
  ck_assert_int_eq(provider_init(), OK);
  ck_assert_int_eq(sframe_suite_find((uint16_t)_i, &suite), OK);
  const long blocks = failing_blocks();
  for (size_t after = 0; failed; after++) {
    failing_after(after);
    const enum err err = sframe_key_new(&suite, &key);
    failed = failing_stop();
    ck_assert_int_eq(err, failed ? ERR_NOMEM : OK);
    if (err == OK)
      sframe_key_free(&key);
    ck_assert_int_eq(failing_blocks(), blocks);
  }
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("all");
  tcase_set_timeout(tests, 120);
  tcase_add_loop_test(tests, every_suite, 0, 8);
  tcase_add_loop_test(tests, known_ratchet, 0, 2);
  tcase_add_test(tests, joiners_and_leavers);
  tcase_add_test(tests, key_ids);
  tcase_add_test(tests, no_counter_twice);
  tcase_add_test(tests, counters_used_up);
  tcase_add_test(tests, own_keys_refused);
  tcase_add_test(tests, sender_keys_refused);
  tcase_add_test(tests, one_or_the_other);
  tcase_add_test(tests, arguments);
  tcase_add_test(tests, retired_keys_are_gone);
  tcase_add_test(tests, senders_leave);
  tcase_add_test(tests, the_call_ends);
  tcase_add_loop_test(tests, life_times, 0, 6);
  tcase_add_test(tests, frames_allocate_nothing);
  tcase_add_test(tests, out_of_memory);
  tcase_add_loop_test(tests, out_of_memory_for_a_key, 1, 9);
  return run_case("senderkeys", tests);
}
