/*
 * Media: epochs installed, activated and retired; frames between members; what must be refused.
 * SPDX-License-Identifier: ISC
 */
#include "media-double.h"
#include "tests/run.h"

/* ---- Frames ---- */

START_TEST(frames_between_members) {
  struct member alice = member_in(0, 2, 1), bob = member_in(1, 2, 1);
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
  struct member alice = member_in(0, 2, 1), bob = member_in(1, 2, 1);
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

static struct member member_with(uint32_t leaf, uint16_t suite) {
  struct member member = member_of(leaf, 2);
  e2ee_sender_free(member.sender);
  e2ee_receiver_free(member.receiver);
  e2ee_media_free(member.media);
  ck_assert_int_eq(e2ee_media_new(suite, &member.media), OK);
  ck_assert_int_eq(e2ee_sender_new(member.media, &member.sender), OK);
  ck_assert_int_eq(e2ee_receiver_new(member.media, &member.receiver), OK);
  enter(&member, 1);
  return member;
}

START_TEST(every_suite) {
  static const size_t tags[] = {10, 8, 4, 16, 16, 10, 8, 4};
  const uint16_t suite = (uint16_t)(_i + 1);
  struct member alice = member_with(0, suite), bob = member_with(1, suite);
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
  /* In place, where the plaintext moves to the header's place. */
  uint8_t buffer[1000 + 33] = {0}, expected[1000] = {0};
  size_t size = 0;
  ck_assert_int_eq(e2ee_sender_encrypt(alice.sender, NULL, 0, buffer, sizeof expected, buffer,
                                       sizeof buffer, &size),
                   OK);
  ck_assert_int_eq(
      e2ee_receiver_decrypt(bob.receiver, NULL, 0, buffer, size, buffer, size, &size, NULL, 0), OK);
  ck_assert_uint_eq(size, sizeof expected);
  ck_assert_mem_eq(buffer, expected, size);
  member_free(&alice);
  member_free(&bob);
}
END_TEST

/* RFC 9605, section 4.4.4, and no state is lost to a forgery. */
START_TEST(altered_frames) {
  struct member alice = member_in(0, 2, 1), bob = member_in(1, 2, 1);
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
      ck_assert(err == ERR_AUTH || err == ERR_NO_KEY || err == ERR_MALFORMED || err == ERR_REPLAY);
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
  ck_assert_uint_eq(stats.auth_failed + stats.no_key + stats.malformed + stats.replayed,
                    refused + 1);
  ck_assert_uint_eq(stats.replayed, stats.late); /* counters that nobody comes to */
  ck_assert_uint_eq(stats.received, 0);
  ck_assert_int_eq(receive(&bob, &frame, NULL), OK);
  member_free(&alice);
  member_free(&bob);
}
END_TEST

START_TEST(replays_and_reordering) {
  struct member alice = member_in(0, 2, 1), bob = member_in(1, 2, 1);
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
  return run_case("media", tests);
}
