/*
 * Media: epochs installed, activated and retired; frames between members; what must be refused.
 * SPDX-License-Identifier: ISC
 */
#include "media-double.h"

/* ---- Frames ---- */

START_TEST(frames_between_members) {
  struct member alice = member_of(0, 2), bob = member_of(1, 2);
  enter(&alice, 1);
  enter(&bob, 1);
  for (unsigned i = 0; i < 300; i++) {
    e2ee_frame_info info, peeked;
    struct frame frame = seal(&alice, "hello");
    ck_assert_uint_le(frame.size, 5 + e2ee_frame_overhead());
    ck_assert_int_eq(e2ee_frame_peek(frame.bytes, frame.size, &peeked, sizeof peeked), OK);
    ck_assert_int_eq(receive(&bob, &frame, &info), OK);
    ck_assert_uint_eq(info.kid, 1); /* context 0, leaf 0, epoch 1 */
    ck_assert_uint_eq(info.counter, i);
    ck_assert_uint_eq(info.epoch, 1);
    ck_assert_uint_eq(info.leaf, 0);
    ck_assert_uint_eq(info.header_len, frame.size - 5 - 16);
    ck_assert_uint_eq(peeked.kid, info.kid);
    ck_assert_uint_eq(peeked.counter, info.counter);
    ck_assert_uint_eq(peeked.epoch, 1);
    ck_assert_uint_eq(peeked.leaf, UINT32_MAX);
    ck_assert_uint_eq(peeked.header_len, info.header_len);
  }
  struct frame back = seal(&bob, "hi");
  e2ee_frame_info info;
  ck_assert_int_eq(receive(&alice, &back, &info), OK);
  ck_assert_uint_eq(info.kid, 1 << 4 | 1);
  ck_assert_uint_eq(info.leaf, 1);
  ck_assert_uint_eq(stats_of(&alice).sent, 300);
  ck_assert_uint_eq(stats_of(&alice).received, 1);
  ck_assert_uint_eq(stats_of(&bob).received, 300);
  member_free(&alice);
  member_free(&bob);
}
END_TEST

START_TEST(in_place) {
  struct member alice = member_of(0, 2), bob = member_of(1, 2);
  enter(&alice, 1);
  enter(&bob, 1);
  uint8_t buffer[5 + 33] = "hello";
  size_t size = 0;
  ck_assert_int_eq(
      e2ee_sender_encrypt(alice.sender, NULL, 0, buffer, 5, buffer, sizeof buffer, &size), OK);
  ck_assert_mem_ne(buffer + 1, "hello", 5);
  ck_assert_int_eq(
      e2ee_receiver_decrypt(bob.receiver, NULL, 0, buffer, size, buffer, size, &size, NULL, 0), OK);
  ck_assert_uint_eq(size, 5);
  ck_assert_mem_eq(buffer, "hello", 5);

  /* An empty frame is one too. */
  ck_assert_int_eq(e2ee_sender_encrypt(alice.sender, NULL, 0, NULL, 0, buffer, 33, &size), OK);
  ck_assert_int_eq(
      e2ee_receiver_decrypt(bob.receiver, NULL, 0, buffer, size, buffer, 0, &size, NULL, 0), OK);
  ck_assert_uint_eq(size, 0);
  member_free(&alice);
  member_free(&bob);
}
END_TEST

START_TEST(every_suite) {
  static const size_t tags[] = {10, 8, 4, 16, 16, 10, 8, 4};
  static const uint16_t suites[] = {1, 2, 3, 4, 5, 6, 7, 8};
  struct member alice = member_of(0, 2), bob = member_of(1, 2);
  struct member *both[] = {&alice, &bob};
  for (unsigned i = 0; i < 2; i++) {
    e2ee_sender_free(both[i]->sender);
    e2ee_receiver_free(both[i]->receiver);
    e2ee_media_free(both[i]->media);
    ck_assert_int_eq(e2ee_media_new(suites[_i], &both[i]->media), OK);
    ck_assert_int_eq(e2ee_sender_new(both[i]->media, &both[i]->sender), OK);
    ck_assert_int_eq(e2ee_receiver_new(both[i]->media, &both[i]->receiver), OK);
    enter(both[i], 1);
  }
  struct frame frame = seal(&alice, "hello");
  e2ee_frame_info info;
  for (size_t byte = 0; byte < frame.size; byte++) {
    struct frame altered = frame, cut = frame;
    altered.bytes[byte] ^= 0x40;
    cut.size = byte;
    ck_assert_int_ne(receive(&bob, &altered, NULL), OK);
    ck_assert_int_ne(receive(&bob, &cut, NULL), OK);
  }
  ck_assert_int_eq(receive(&bob, &frame, &info), OK);
  ck_assert_uint_eq(frame.size, info.header_len + 5 + tags[_i]);
  member_free(&alice);
  member_free(&bob);
}
END_TEST

/* RFC 9605, section 4.4.4, and no state is lost to a forgery. */
START_TEST(altered_frames) {
  struct member alice = member_of(0, 2), bob = member_of(1, 2);
  enter(&alice, 1);
  enter(&bob, 1);
  for (unsigned i = 0; i < 8; i++)
    (void)seal(&alice, "skipped");
  struct frame frame = seal(&alice, "hello");
  uint64_t refused = 0;
  for (unsigned bit = 0; bit < 8 * frame.size; bit++) {
    struct frame altered = frame;
    altered.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    int err = receive(&bob, &altered, NULL);
    if (bit / 8 >= 2) /* after the header */
      ck_assert_int_eq(err, ERR_AUTH);
    else
      ck_assert(err == ERR_AUTH || err == ERR_NO_KEY || err == ERR_MALFORMED);
    refused++;
  }
  for (size_t size = 0; size < frame.size; size++) {
    struct frame shorter = frame;
    shorter.size = size;
    ck_assert_int_eq(receive(&bob, &shorter, NULL), size < 2 + 16 ? ERR_MALFORMED : ERR_AUTH);
    refused++;
  }
  uint8_t out[256];
  size_t size;
  ck_assert_int_eq(e2ee_receiver_decrypt(bob.receiver, (const uint8_t *)"About", 5, frame.bytes,
                                         frame.size, out, sizeof out, &size, NULL, 0),
                   ERR_AUTH);
  e2ee_stats stats = stats_of(&bob);
  ck_assert_uint_eq(stats.auth_failed + stats.no_key + stats.malformed, refused + 1);
  ck_assert_uint_eq(stats.received, 0);
  ck_assert_int_eq(receive(&bob, &frame, NULL), OK);
  member_free(&alice);
  member_free(&bob);
}
END_TEST

START_TEST(replays_and_reordering) {
  struct member alice = member_of(0, 2), bob = member_of(1, 2);
  enter(&alice, 1);
  enter(&bob, 1);
  static struct frame frames[REPLAY_WINDOW + 10];
  const unsigned count = REPLAY_WINDOW + 10;
  for (unsigned i = 0; i < count; i++)
    frames[i] = seal(&alice, "frame");
  ck_assert_int_eq(receive(&bob, &frames[20], NULL), OK);
  ck_assert_int_eq(receive(&bob, &frames[20], NULL), ERR_REPLAY);
  ck_assert_int_eq(receive(&bob, &frames[9], NULL), OK);
  ck_assert_int_eq(receive(&bob, &frames[9], NULL), ERR_REPLAY);
  ck_assert_int_eq(receive(&bob, &frames[count - 1], NULL), OK);
  ck_assert_int_eq(receive(&bob, &frames[8], NULL), ERR_REPLAY); /* too late to tell */
  ck_assert_int_eq(receive(&bob, &frames[10], NULL), OK);
  ck_assert_int_eq(receive(&bob, &frames[20], NULL), ERR_REPLAY);
  ck_assert_uint_eq(stats_of(&bob).replayed, 4);

  /* Each receiver is a stream of its own. */
  e2ee_receiver *other = NULL;
  ck_assert_int_eq(e2ee_receiver_new(bob.media, &other), OK);
  ck_assert_int_eq(receive_with(other, &frames[20], NULL), OK);
  e2ee_receiver_free(other);
  ck_assert_uint_eq(stats_of(&bob).received, 5);
  member_free(&alice);
  member_free(&bob);
}
END_TEST

/* RFC 9605, section 4.4.1: what the own key encrypted, it does not decrypt. */
START_TEST(own_and_blank_leaves) {
  struct member alice = member_of(0, 4), bob = member_of(1, 4), carol = member_of(2, 4);
  bob.group->blank[2] = true; /* in bob's view of epoch 1 carol's leaf is blank */
  enter(&alice, 1);
  enter(&bob, 1);
  enter(&carol, 1);
  struct frame own = seal(&alice, "reflected");
  ck_assert_int_eq(receive(&alice, &own, NULL), ERR_NO_KEY);
  struct frame ghost = seal(&carol, "not there");
  ck_assert_int_eq(receive(&bob, &ghost, NULL), ERR_NO_KEY);
  bob.group->blank[2] = false; /* the leaf is filled in epoch 2, blank still in epoch 1 */
  install(&bob, 2);
  enter(&carol, 2);
  ck_assert_int_eq(receive(&bob, &ghost, NULL), ERR_NO_KEY);
  struct frame real = seal(&carol, "there");
  ck_assert_int_eq(receive(&bob, &real, NULL), OK);
  ck_assert_uint_eq(stats_of(&bob).no_key, 2);
  member_free(&alice);
  member_free(&bob);
  member_free(&carol);
}
END_TEST

/* ---- Epochs ---- */

START_TEST(install_activate_retire) {
  struct member alice = member_of(0, 2), bob = member_of(1, 2);
  uint8_t out[64] = {0};
  size_t size = 9;
  install(&alice, 1);
  ck_assert_int_eq(e2ee_sender_encrypt(alice.sender, NULL, 0, out, 3, out, sizeof out, &size),
                   ERR_NO_KEY);
  ck_assert_uint_eq(size, 9);
  ck_assert_uint_eq(stats_of(&alice).no_key, 1);
  enter(&alice, 1);
  struct frame first = seal(&alice, "one"), spare = seal(&alice, "one again");

  install(&bob, 1);
  ck_assert_int_eq(receive(&bob, &first, NULL), OK);
  install(&alice, 2); /* senders stay with what is active */
  struct frame still = seal(&alice, "still one");
  enter(&alice, 2);
  struct frame second = seal(&alice, "two");
  ck_assert_int_eq(receive(&bob, &still, NULL), OK);
  ck_assert_int_eq(receive(&bob, &second, NULL), ERR_NO_KEY);
  install(&bob, 2);
  e2ee_frame_info info;
  ck_assert_int_eq(receive(&bob, &second, &info), OK);
  ck_assert_uint_eq(info.epoch, 2);
  ck_assert_int_eq(e2ee_media_retire(bob.media, 2), OK);
  ck_assert_int_eq(receive(&bob, &spare, NULL), ERR_NO_KEY);
  second = seal(&alice, "two again");
  ck_assert_int_eq(receive(&bob, &second, NULL), OK);

  /* A sender that comes later starts in the active epoch; the end of the call ends all keys. */
  e2ee_sender *late = NULL;
  ck_assert_int_eq(e2ee_sender_new(alice.media, &late), OK);
  second = seal_with(late, "two");
  ck_assert_int_eq(receive(&bob, &second, NULL), OK);
  ck_assert_int_eq(e2ee_media_retire(alice.media, UINT64_MAX), OK);
  ck_assert_int_eq(e2ee_sender_encrypt(late, NULL, 0, out, 3, out, sizeof out, &size), ERR_NO_KEY);
  ck_assert_ptr_null(alice.sender->key);
  e2ee_sender_free(late);
  member_free(&alice);
  member_free(&bob);
}
END_TEST

START_TEST(epochs_out_of_order) {
  struct member alice = member_of(0, 2);
  enter(&alice, 5);
  ck_assert_int_eq(install_group(alice.media, alice.group), OK); /* again */
  ck_assert_int_eq(e2ee_media_activate(alice.media, 5), OK);
  ck_assert_uint_eq(seal(&alice, "x").bytes[0] >> 4, 5); /* the same key id as before */
  alice.group->epoch = 4;
  ck_assert_int_eq(install_group(alice.media, alice.group), ERR_OLD_EPOCH);
  ck_assert_int_eq(e2ee_media_activate(alice.media, 4), ERR_NOT_FOUND);
  ck_assert_int_eq(e2ee_media_activate(alice.media, 6), ERR_NOT_FOUND);
  ck_assert_int_eq(e2ee_media_activate(alice.media, 5 + 16), ERR_NOT_FOUND);
  enter(&alice, 7);
  ck_assert_int_eq(e2ee_media_activate(alice.media, 5), ERR_OLD_EPOCH);
  ck_assert_int_eq(e2ee_media_retire(alice.media, 8), OK);
  ck_assert_int_eq(e2ee_media_activate(alice.media, 7), ERR_NOT_FOUND);
  /* An epoch that was retired does not come back, or its counters would. */
  alice.group->epoch = 7;
  ck_assert_int_eq(install_group(alice.media, alice.group), ERR_OLD_EPOCH);
  ck_assert_int_eq(e2ee_media_retire(alice.media, 10), OK); /* nor those before, never seen */
  alice.group->epoch = 9;
  ck_assert_int_eq(install_group(alice.media, alice.group), ERR_OLD_EPOCH);
  enter(&alice, 10);
  ck_assert_int_eq(e2ee_media_retire(alice.media, 3), OK); /* nothing is that old */
  (void)seal(&alice, "still there");
  ck_assert_int_eq(atomic_load(&rosters_alive), 1);
  member_free(&alice);
  ck_assert_int_eq(atomic_load(&rosters_alive), 0);
}
END_TEST

/* RFC 9605, section 5.2: epochs with the same low bits follow each other, never together. */
START_TEST(low_bits_taken_over) {
  struct member alice = member_of(0, 2), bob = member_of(1, 2);
  enter(&alice, 3);
  install(&bob, 3);
  struct frame old = seal(&alice, "three"), spare = seal(&alice, "three again");
  ck_assert_int_eq(receive(&bob, &old, NULL), OK);
  for (uint64_t epoch = 4; epoch < 3 + 16; epoch++) {
    install(&bob, epoch);
    ck_assert_int_eq(receive(&bob, &old, NULL), ERR_REPLAY);
  }
  install(&bob, 3 + 16);
  ck_assert_int_eq(receive(&bob, &spare, NULL), ERR_AUTH);
  ck_assert_int_eq(receive(&bob, &old, NULL), ERR_AUTH);

  enter(&alice, 3 + 16); /* the sender's epoch 3 is gone as well, and its key id is the same */
  e2ee_frame_info info, before;
  ck_assert_int_eq(e2ee_frame_peek(old.bytes, old.size, &before, sizeof before), OK);
  struct frame fresh = seal(&alice, "nineteen");
  ck_assert_int_eq(receive(&bob, &fresh, &info), OK);
  ck_assert_uint_eq(info.kid, before.kid);
  ck_assert_uint_eq(info.counter, 0);
  ck_assert_uint_eq(info.epoch, 19);
  ck_assert_int_eq(e2ee_media_member(bob.media, 3, 0, E2EE_MEMBER_IDENTITY, NULL, &(size_t){0}),
                   ERR_NOT_FOUND);

  /* A sender whose epoch was taken over has no key, rather than another one's. */
  uint8_t out[64] = {0};
  size_t size = 0;
  install(&alice, 3 + 32);
  ck_assert_int_eq(e2ee_sender_encrypt(alice.sender, NULL, 0, out, 3, out, sizeof out, &size),
                   ERR_NO_KEY);
  member_free(&alice);
  member_free(&bob);
}
END_TEST

START_TEST(other_groups_refused) {
  struct member alice = member_of(0, 2);
  enter(&alice, 1);
  alice.group->id = "another call";
  alice.group->epoch = 2;
  ck_assert_int_eq(install_group(alice.media, alice.group), ERR_INVALID_STATE);
  ck_assert_ptr_nonnull(strstr(fake_client.why.text, "another group"));
  alice.group->id = "call";
  alice.group->epoch = 1;
  alice.group->own_leaf = 1; /* another member's handle of the same group */
  ck_assert_int_eq(install_group(alice.media, alice.group), ERR_INVALID_STATE);
  ck_assert_ptr_nonnull(strstr(fake_client.why.text, "another member"));
  alice.group->own_leaf = 0;
  alice.group->branch = 1; /* the same epoch, with other keys */
  ck_assert_int_eq(install_group(alice.media, alice.group), ERR_INVALID_STATE);
  alice.group->branch = 0;
  ck_assert_int_eq(install_group(alice.media, alice.group), OK);
  member_free(&alice);
}
END_TEST

START_TEST(who_was_it) {
  struct member bob = member_of(1, 4);
  uint8_t text[32];
  size_t size = sizeof text;
  bob.group->blank[3] = true;
  install(&bob, 1);
  bob.group->blank[0] = true;
  install(&bob, 2);
  ck_assert_int_eq(e2ee_media_member(bob.media, 1, 0, E2EE_MEMBER_IDENTITY, text, &size), OK);
  ck_assert_uint_eq(size, 6);
  ck_assert_mem_eq(text, "0 in 1", 6);
  ck_assert_int_eq(e2ee_media_member(bob.media, 2, 0, E2EE_MEMBER_IDENTITY, text, &size),
                   ERR_NOT_FOUND);
  ck_assert_int_eq(e2ee_media_member(bob.media, 1, 3, E2EE_MEMBER_IDENTITY, text, &size),
                   ERR_NOT_FOUND);
  ck_assert_int_eq(e2ee_media_member(bob.media, 1, 4, E2EE_MEMBER_IDENTITY, text, &size),
                   ERR_NOT_FOUND);
  ck_assert_int_eq(e2ee_media_member(bob.media, 17, 0, E2EE_MEMBER_IDENTITY, text, &size),
                   ERR_NOT_FOUND);
  size = 5;
  memset(text, 0xa5, sizeof text);
  ck_assert_int_eq(e2ee_media_member(bob.media, 1, 0, E2EE_MEMBER_IDENTITY, text, &size),
                   ERR_BUFFER_TOO_SMALL);
  ck_assert_uint_eq(size, 6);
  ck_assert_uint_eq(text[0], 0xa5);
  size = 0;
  ck_assert_int_eq(e2ee_media_member(bob.media, 1, 0, E2EE_MEMBER_IDENTITY, NULL, &size), OK);
  ck_assert_uint_eq(size, 6);
  ck_assert_int_eq(e2ee_media_retire(bob.media, 2), OK);
  ck_assert_int_eq(e2ee_media_member(bob.media, 1, 0, E2EE_MEMBER_IDENTITY, text, &size),
                   ERR_NOT_FOUND);
  member_free(&bob);
}
END_TEST

START_TEST(key_ids_of_wide_trees) {
  struct member alice = member_of(3000, 4096), bob = member_of(1, 4096);
  e2ee_sender *second = NULL;
  ck_assert_int_eq(e2ee_sender_new(alice.media, &second), OK);
  enter(&alice, 0x25);
  install(&bob, 0x25);
  e2ee_frame_info info[2];
  struct frame frames[] = {seal(&alice, "sound"), seal_with(second, "picture")};
  for (unsigned i = 0; i < 2; i++) {
    ck_assert_int_eq(receive(&bob, &frames[i], &info[i]), OK);
    ck_assert_uint_eq(info[i].leaf, 3000);
    ck_assert_uint_eq(info[i].epoch, 0x25);
    ck_assert_uint_eq(info[i].kid & 0xffff, 3000 << 4 | 5);
  }
  ck_assert_uint_eq((info[0].kid >> 16) + (info[1].kid >> 16), 1); /* contexts 0 and 1 */
  e2ee_sender_free(second);
  member_free(&alice);
  member_free(&bob);
}
END_TEST

/* ---- Events ---- */

START_TEST(told_once) {
  struct member alice = member_of(0, 2), bob = member_of(1, 2);
  enter(&alice, 1);
  for (unsigned i = 0; i < 3; i++) {
    struct frame frame = seal(&alice, "too early");
    ck_assert_int_eq(receive(&bob, &frame, NULL), ERR_NO_KEY);
  }
  e2ee_event event = expect_event(&bob, E2EE_EVENT_UNKNOWN_EPOCH);
  ck_assert_uint_eq(event.leaf, UINT32_MAX);
  ck_assert_uint_eq(event.epoch, 1);
  ck_assert_uint_eq(event.value, 1);
  (void)expect_event(&bob, 0);

  install(&bob, 1);
  for (unsigned i = 0; i < 3; i++) {
    struct frame frame = seal(&alice, "good");
    ck_assert_int_eq(receive(&bob, &frame, NULL), OK);
  }
  event = expect_event(&bob, E2EE_EVENT_PEER_SWITCHED);
  ck_assert_uint_eq(event.leaf, 0);
  ck_assert_uint_eq(event.epoch, 1);
  e2ee_sender *second = NULL; /* another stream of the same member is no news */
  ck_assert_int_eq(e2ee_sender_new(alice.media, &second), OK);
  struct frame frame = seal_with(second, "picture");
  ck_assert_int_eq(receive(&bob, &frame, NULL), OK);
  (void)expect_event(&bob, 0);

  enter(&alice, 2);
  frame = seal(&alice, "too early again");
  ck_assert_int_eq(receive(&bob, &frame, NULL), ERR_NO_KEY);
  ck_assert_uint_eq(expect_event(&bob, E2EE_EVENT_UNKNOWN_EPOCH).epoch, 2);
  install(&bob, 2);
  ck_assert_int_eq(receive(&bob, &frame, NULL), OK);
  ck_assert_uint_eq(expect_event(&bob, E2EE_EVENT_PEER_SWITCHED).epoch, 2);
  (void)expect_event(&bob, 0);

  enter(&alice, 4); /* bob misses two epochs, and is told again after each that he installs */
  for (uint64_t epoch = 3; epoch <= 4; epoch++) {
    frame = seal(&alice, "too early");
    ck_assert_int_eq(receive(&bob, &frame, NULL), ERR_NO_KEY);
    ck_assert_uint_eq(expect_event(&bob, E2EE_EVENT_UNKNOWN_EPOCH).epoch, 4);
    (void)expect_event(&bob, 0);
    install(&bob, epoch);
  }
  e2ee_sender_free(second);
  member_free(&alice);
  member_free(&bob);
}
END_TEST

/* ---- Arguments and life times ---- */

START_TEST(buffers) {
  struct member alice = member_of(0, 2), bob = member_of(1, 2);
  enter(&alice, 1);
  enter(&bob, 1);
  uint8_t buffer[256] = "hello", out[256];
  size_t size = 0, most = SIZE_MAX;
  e2ee_sender *s = alice.sender;
  e2ee_receiver *r = bob.receiver;
  memset(out, 0xa5, sizeof out);
  ck_assert_int_eq(e2ee_sender_encrypt(s, NULL, 0, buffer, 5, out, 5 + 32, &size),
                   ERR_BUFFER_TOO_SMALL);
  ck_assert_uint_eq(size, 5 + e2ee_frame_overhead());
  ck_assert_uint_eq(out[0], 0xa5);
  ck_assert_int_eq(e2ee_sender_encrypt(s, NULL, 0, buffer, 5, out, 0, &size), ERR_BUFFER_TOO_SMALL);
  /* Overlapping, but not exactly in place; metadata in the output. */
  for (size_t shift = 1; shift < 5 + 33; shift++)
    ck_assert_int_eq(e2ee_sender_encrypt(s, NULL, 0, buffer + shift, 5, buffer, 5 + 33, &size),
                     ERR_INVALID_ARG);
  for (size_t shift = 1; shift < 5; shift++)
    ck_assert_int_eq(e2ee_sender_encrypt(s, NULL, 0, buffer, 5, buffer + shift, 5 + 33, &size),
                     ERR_INVALID_ARG);
  ck_assert_int_eq(e2ee_sender_encrypt(s, buffer + 4, 4, buffer, 4, buffer, 100, &size),
                   ERR_INVALID_ARG);
  ck_assert_int_eq(e2ee_sender_encrypt(s, NULL, 0, buffer, most, out, sizeof out, &size),
                   ERR_LIMIT);
  ck_assert_int_eq(e2ee_sender_encrypt(s, buffer, most, buffer, 5, out, sizeof out, &size),
                   ERR_LIMIT);
  ck_assert_int_eq(e2ee_receiver_decrypt(r, NULL, 0, buffer, most, out, sizeof out, &size, NULL, 0),
                   ERR_LIMIT);
  /* Adjacent is not overlapping. */
  ck_assert_int_eq(
      e2ee_sender_encrypt(s, buffer + 5 + 33, 4, buffer + 5 + 37, 5, buffer, sizeof buffer, &size),
      OK);

  struct frame frame = seal(&alice, "hello");
  size_t plaintext = 0;
  memset(out, 0xa5, sizeof out);
  ck_assert_int_eq(
      e2ee_receiver_decrypt(r, ABOUT, frame.bytes, frame.size, out, 4, &plaintext, NULL, 0),
      ERR_BUFFER_TOO_SMALL);
  ck_assert_uint_eq(plaintext, 5);
  ck_assert_uint_eq(out[0], 0xa5);
  for (size_t shift = 1; shift < frame.size; shift++)
    ck_assert_int_eq(e2ee_receiver_decrypt(r, ABOUT, frame.bytes, frame.size, frame.bytes + shift,
                                           100, &plaintext, NULL, 0),
                     ERR_INVALID_ARG);
  ck_assert_int_eq(
      e2ee_receiver_decrypt(r, ABOUT, frame.bytes, frame.size, out, 5, &plaintext, NULL, 0), OK);
  ck_assert_mem_eq(out, "hello", 5);
  member_free(&alice);
  member_free(&bob);
}
END_TEST

START_TEST(arguments) {
  struct member a = member_of(0, 2);
  enter(&a, 1);
  uint8_t b[64] = {0}, out[64];
  size_t n = 0;
  e2ee_event event;
  e2ee_stats stats;
  e2ee_frame_info info;
  e2ee_media *media = a.media;
  e2ee_sender *sender = a.sender;
  e2ee_receiver *receiver = a.receiver;
  const int bad = ERR_INVALID_ARG;
  ck_assert_int_eq(e2ee_media_new(0, NULL), bad);
  ck_assert_int_eq(e2ee_media_new(1000, &media), ERR_UNSUPPORTED);
  ck_assert_ptr_null(media);
  ck_assert_int_eq(install_group(NULL, a.group), bad);
  ck_assert_int_eq(e2ee_media_install(a.media, NULL), bad);
  ck_assert_int_eq(e2ee_media_activate(NULL, 1), bad);
  ck_assert_int_eq(e2ee_media_retire(NULL, 1), bad);
  ck_assert_int_eq(e2ee_media_member(NULL, 1, 0, E2EE_MEMBER_IDENTITY, out, &n), bad);
  ck_assert_int_eq(e2ee_media_member(a.media, 1, 0, E2EE_MEMBER_IDENTITY, out, NULL), bad);
  ck_assert_int_eq(e2ee_media_member(a.media, 1, 0, 99, out, &n), bad);
  ck_assert_int_eq(e2ee_media_next_event(NULL, &event, sizeof event), bad);
  ck_assert_int_eq(e2ee_media_next_event(a.media, NULL, sizeof event), bad);
  ck_assert_int_eq(e2ee_media_next_event(a.media, &event, 0), bad);
  ck_assert_int_eq(e2ee_media_stats(NULL, &stats, sizeof stats), bad);
  ck_assert_int_eq(e2ee_media_stats(a.media, NULL, sizeof stats), bad);
  ck_assert_int_eq(e2ee_media_stats(a.media, &stats, 0), bad);
  ck_assert_int_eq(e2ee_sender_stats(NULL, &stats, sizeof stats), bad);
  ck_assert_int_eq(e2ee_sender_stats(a.sender, NULL, sizeof stats), bad);
  ck_assert_int_eq(e2ee_sender_stats(a.sender, &stats, 0), bad);
  ck_assert_int_eq(e2ee_receiver_stats(NULL, &stats, sizeof stats), bad);
  ck_assert_int_eq(e2ee_receiver_stats(a.receiver, NULL, sizeof stats), bad);
  ck_assert_int_eq(e2ee_receiver_stats(a.receiver, &stats, 0), bad);
  ck_assert_int_eq(e2ee_sender_new(a.media, NULL), bad);
  ck_assert_int_eq(e2ee_sender_new(NULL, &sender), bad);
  ck_assert_ptr_null(sender);
  ck_assert_int_eq(e2ee_receiver_new(a.media, NULL), bad);
  ck_assert_int_eq(e2ee_receiver_new(NULL, &receiver), bad);
  ck_assert_ptr_null(receiver);
  ck_assert_int_eq(e2ee_frame_peek(NULL, 1, &info, sizeof info), bad);
  ck_assert_int_eq(e2ee_frame_peek(b, 1, NULL, sizeof info), bad);
  ck_assert_int_eq(e2ee_frame_peek(b, 1, &info, 0), bad);
  ck_assert_int_eq(e2ee_frame_peek(b, 0, &info, sizeof info), ERR_MALFORMED);
  ck_assert_int_eq(e2ee_sender_encrypt(NULL, NULL, 0, b, 1, out, 64, &n), bad);
  ck_assert_int_eq(e2ee_sender_encrypt(a.sender, NULL, 1, b, 1, out, 64, &n), bad);
  ck_assert_int_eq(e2ee_sender_encrypt(a.sender, NULL, 0, NULL, 1, out, 64, &n), bad);
  ck_assert_int_eq(e2ee_sender_encrypt(a.sender, NULL, 0, b, 1, NULL, 64, &n), bad);
  ck_assert_int_eq(e2ee_sender_encrypt(a.sender, NULL, 0, b, 1, out, 64, NULL), bad);
  e2ee_receiver *r = a.receiver;
  ck_assert_int_eq(e2ee_receiver_decrypt(NULL, NULL, 0, b, 40, out, 64, &n, NULL, 0), bad);
  ck_assert_int_eq(e2ee_receiver_decrypt(r, NULL, 1, b, 40, out, 64, &n, NULL, 0), bad);
  ck_assert_int_eq(e2ee_receiver_decrypt(r, NULL, 0, NULL, 0, out, 64, &n, NULL, 0), bad);
  ck_assert_int_eq(e2ee_receiver_decrypt(r, NULL, 0, b, 40, NULL, 64, &n, NULL, 0), bad);
  ck_assert_int_eq(e2ee_receiver_decrypt(r, NULL, 0, b, 40, out, 64, NULL, NULL, 0), bad);
  ck_assert_int_eq(e2ee_receiver_decrypt(r, NULL, 0, b, 40, out, 64, &n, NULL, 8), bad);
  ck_assert_int_eq(e2ee_receiver_decrypt(r, NULL, 0, b, 0, out, 64, &n, NULL, 0), ERR_MALFORMED);
  e2ee_media_free(NULL);
  e2ee_sender_free(NULL);
  e2ee_receiver_free(NULL);

  /* A smaller struct of an older program, a larger one of a newer. */
  uint64_t old[2] = {7, 7}, new[8] = {7, 7, 7, 7, 7, 7, 7, 7};
  (void)seal(&a, "x");
  ck_assert_int_eq(e2ee_media_stats(a.media, (e2ee_stats *)(void *)old, sizeof old[0]), OK);
  ck_assert_int_eq(e2ee_media_stats(a.media, (e2ee_stats *)(void *)new, sizeof new), OK);
  ck_assert_uint_eq(old[0], 1);
  ck_assert_uint_eq(old[1], 7);
  ck_assert_uint_eq(new[0], 1);
  ck_assert_uint_eq(new[7], 0);
  member_free(&a);
}
END_TEST

/* What a stream did is counted with that stream, and with its media object after it is freed. */
START_TEST(counts_of_streams) {
  struct member alice = member_of(0, 2), bob = member_of(1, 2);
  e2ee_sender *second = NULL;
  e2ee_receiver *other = NULL;
  uint8_t out[64] = {0};
  size_t size = 0;
  ck_assert_int_eq(e2ee_sender_new(alice.media, &second), OK);
  ck_assert_int_eq(e2ee_receiver_new(bob.media, &other), OK);
  ck_assert_int_eq(e2ee_sender_encrypt(second, NULL, 0, out, 3, out, sizeof out, &size),
                   ERR_NO_KEY);
  enter(&alice, 1);
  struct frame frame = seal(&alice, "x"), more = seal_with(second, "y"), bad = more, cut = more;
  more = seal_with(second, "y");
  bad.bytes[bad.size - 1] ^= 1;
  cut.size = 3;
  ck_assert_int_eq(receive(&bob, &frame, NULL), ERR_NO_KEY);
  install(&bob, 1);
  ck_assert_int_eq(receive(&bob, &frame, NULL), OK);
  ck_assert_int_eq(receive_with(other, &frame, NULL), OK);
  ck_assert_int_eq(receive_with(other, &more, NULL), OK);
  ck_assert_int_eq(receive_with(other, &more, NULL), ERR_REPLAY);
  ck_assert_int_eq(receive_with(other, &bad, NULL), ERR_AUTH);
  ck_assert_int_eq(receive_with(other, &cut, NULL), ERR_MALFORMED);

  e2ee_stats stats[4];
  ck_assert_int_eq(e2ee_sender_stats(alice.sender, &stats[0], sizeof stats[0]), OK);
  ck_assert_int_eq(e2ee_sender_stats(second, &stats[1], sizeof stats[1]), OK);
  ck_assert_int_eq(e2ee_receiver_stats(bob.receiver, &stats[2], sizeof stats[2]), OK);
  ck_assert_int_eq(e2ee_receiver_stats(other, &stats[3], sizeof stats[3]), OK);
  static const e2ee_stats expected[] = {
      {.sent = 1},
      {.sent = 2, .no_key = 1},
      {.received = 1, .no_key = 1},
      {.received = 2, .replayed = 1, .auth_failed = 1, .malformed = 1},
  };
  ck_assert_mem_eq(stats, expected, sizeof expected);

  e2ee_sender_free(second);
  e2ee_receiver_free(other);
  e2ee_stats all = stats_of(&bob), sent = stats_of(&alice);
  ck_assert_uint_eq(sent.sent, 3);
  ck_assert_uint_eq(sent.no_key, 1);
  ck_assert_uint_eq(all.received, 3);
  ck_assert_uint_eq(all.no_key + all.replayed + all.auth_failed + all.malformed, 4);
  member_free(&alice);
  member_free(&bob);
}
END_TEST

/* Handles may be freed in any order. */
START_TEST(life_times) {
  static const char orders[6][4] = {"msr", "mrs", "smr", "srm", "rms", "rsm"};
  struct member alice = member_of(0, 2), bob = member_of(1, 2);
  enter(&alice, 1);
  enter(&bob, 1);
  struct frame frame = seal(&bob, "hello");
  for (const char *step = orders[_i]; *step != 0; step++) {
    if (*step == 'm')
      e2ee_media_free(alice.media), alice.media = NULL;
    else if (*step == 's')
      e2ee_sender_free(alice.sender), alice.sender = NULL;
    else
      e2ee_receiver_free(alice.receiver), alice.receiver = NULL;
    if (alice.sender != NULL)
      (void)seal(&alice, "still");
    if (alice.receiver != NULL)
      (void)receive(&alice, &frame, NULL);
  }
  ck_assert_int_eq(atomic_load(&rosters_alive), 1);
  member_free(&alice);
  member_free(&bob);
  ck_assert_int_eq(atomic_load(&rosters_alive), 0);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("all");
  tcase_add_test(tests, frames_between_members);
  tcase_add_test(tests, in_place);
  tcase_add_loop_test(tests, every_suite, 0, 8);
  tcase_add_test(tests, altered_frames);
  tcase_add_test(tests, replays_and_reordering);
  tcase_add_test(tests, own_and_blank_leaves);
  tcase_add_test(tests, install_activate_retire);
  tcase_add_test(tests, epochs_out_of_order);
  tcase_add_test(tests, low_bits_taken_over);
  tcase_add_test(tests, other_groups_refused);
  tcase_add_test(tests, who_was_it);
  tcase_add_test(tests, key_ids_of_wide_trees);
  tcase_add_test(tests, told_once);
  tcase_add_test(tests, buffers);
  tcase_add_test(tests, arguments);
  tcase_add_test(tests, counts_of_streams);
  tcase_add_loop_test(tests, life_times, 0, 6);
  return run_suite("media", tests);
}
