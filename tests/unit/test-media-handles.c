/*
 * The handles of media: their arguments and buffers, what each of them counts, how long they live.
 * SPDX-License-Identifier: ISC
 */
#include "media-double.h"
#include "tests/run.h"

START_TEST(buffers) {
  struct member alice = member_in(0, 2, 1), bob = member_in(1, 2, 1);
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

/* What a call cannot write may overlap, and nothing overlaps an empty piece. */
START_TEST(neighbours_of_the_output) {
  struct member alice = member_of(0, 2);
  enter(&alice, 1);
  e2ee_sender *s = alice.sender;
  uint8_t frame[40] = {0}, buffer[128] = {0};
  size_t written = 0;
  for (size_t size = 0; size <= sizeof frame; size++) {
    const size_t most = size + e2ee_frame_overhead();
    for (size_t room = 1; room <= sizeof buffer - 1; room++) {
      const size_t end = room < most ? room : most;
      ck_assert_int_eq(e2ee_sender_encrypt(s, buffer + end, 1, frame, size, buffer, room, &written),
                       room < most ? ERR_BUFFER_TOO_SMALL : OK);
      ck_assert_int_eq(
          e2ee_sender_encrypt(s, buffer + end - 1, 1, frame, size, buffer, room, &written),
          ERR_INVALID_ARG);
    }
  }
  ck_assert_int_eq(e2ee_sender_encrypt(s, buffer, 9, frame, 1, buffer + 9, 100, &written), OK);
  ck_assert_int_eq(e2ee_sender_encrypt(s, buffer + 1, 0, frame, 1, buffer, 100, &written), OK);
  ck_assert_int_eq(e2ee_sender_encrypt(s, NULL, 0, buffer, 9, buffer + 1, 1, &written),
                   ERR_INVALID_ARG);
  ck_assert_int_eq(e2ee_sender_encrypt(s, NULL, 0, buffer, 9, buffer + 1, 0, &written),
                   ERR_BUFFER_TOO_SMALL);
  member_free(&alice);
}
END_TEST

START_TEST(neighbours_of_what_is_decrypted) {
  struct member alice = member_of(0, 2), bob = member_of(1, 2);
  enter(&alice, 1);
  enter(&bob, 1);
  const struct frame frame = seal(&alice, "hello");
  uint8_t memory[256];
  size_t size = 0;
  uint8_t info[2] = {0xa5, 0xa5};
  for (unsigned i = 0; i < 2; i++) {
    const size_t capacity = i == 0 ? 4 : sizeof memory, end = i == 0 ? capacity : frame.size;
    memcpy(memory + end, "about", 5);
    ck_assert_int_eq(e2ee_receiver_decrypt(bob.receiver, memory + end - 1, 5, frame.bytes,
                                           frame.size, memory, capacity, &size, NULL, 0),
                     ERR_INVALID_ARG);
    ck_assert_int_eq(e2ee_receiver_decrypt(bob.receiver, memory + end, 5, frame.bytes, frame.size,
                                           memory, capacity, &size, (e2ee_frame_info *)(void *)info,
                                           1),
                     i == 0 ? ERR_BUFFER_TOO_SMALL : OK);
  }
  /* Of a struct that is one byte. */
  ck_assert_uint_ne(info[0], 0xa5);
  ck_assert_uint_eq(info[1], 0xa5);
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
  ck_assert_int_eq(e2ee_receiver_decrypt(r, NULL, 0, b, 40, out, 64, &n, NULL, 1), bad);
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
  struct member alice = member_in(0, 2, 1), bob = member_in(1, 2, 1);
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
  tcase_add_test(tests, buffers);
  tcase_add_test(tests, arguments);
  tcase_add_test(tests, neighbours_of_the_output);
  tcase_add_test(tests, neighbours_of_what_is_decrypted);
  tcase_add_test(tests, counts_of_streams);
  tcase_add_loop_test(tests, life_times, 0, 6);
  return run_case("media-handles", tests);
}
