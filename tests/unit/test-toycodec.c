/*
 * A codec that is a row from outside: the public functions know of codecs what the table says, and
 * nothing else.
 * SPDX-License-Identifier: ISC
 */
#include "media-double.h"
#include "tests/run.h"

#include <e2ee/media.h>

#include "bitstream/codec.h"

enum { TOY = 99 };

/* Its first byte says how many bytes are clear; in front of it there may be zeros, which go. */
static void toy_ranges(struct view frame, struct ranges *out) {
  if (frame.size > 0 && frame.size > frame.data[0])
    ranges_add(out, 0, (size_t)frame.data[0] + 1);
}

static void toy_normal(struct view frame, struct normal *out) {
  size_t zeros = 0;
  while (zeros < frame.size && frame.data[zeros] == 0)
    zeros++;
  normal_put(out, view_of(frame.data + zeros, frame.size - zeros));
}

static const struct codec toy = {TOY, CODEC_END_ESCAPED, toy_ranges, toy_normal};

const struct codec *__real_codec_find(uint32_t id);
const struct codec *__wrap_codec_find(uint32_t id);
const struct codec *__wrap_codec_find(uint32_t id) {
  return id == TOY ? &toy : __real_codec_find(id);
}

static const uint8_t toy_frame[] = {0, 0, 4, 'a', 'b', 'c', 'd', 1, 2, 3, 0, 0, 1, 9};

START_TEST(asked_for_its_ranges) {
  e2ee_range ranges[2];
  size_t count = 2;
  ck_assert_int_eq(
      e2ee_frame_clear_ranges(TOY, toy_frame + 2, sizeof toy_frame - 2, ranges, &count), 0);
  ck_assert_uint_eq(count, 1);
  ck_assert_uint_eq(ranges[0].offset, 0);
  ck_assert_uint_eq(ranges[0].length, 5);
  ck_assert_int_eq(e2ee_frame_clear_ranges(TOY + 1, toy_frame, sizeof toy_frame, ranges, &count),
                   E2EE_ERR_UNSUPPORTED);
}
END_TEST

START_TEST(rewritten) {
  uint8_t out[sizeof toy_frame];
  size_t size = sizeof out;
  ck_assert_int_eq(e2ee_frame_normalize(TOY, toy_frame, sizeof toy_frame, out, &size), 0);
  ck_assert_uint_eq(size, sizeof toy_frame - 2);
  ck_assert_int_eq(memcmp(out, toy_frame + 2, size), 0);
}
END_TEST

/* The last byte of a protected frame says its form. */
static uint8_t form_of(const struct member *from, uint32_t codec) {
  uint8_t sent[200];
  size_t size = 0;
  ck_assert_int_eq(e2ee_sender_encrypt_partial(from->sender, codec, NULL, 0, toy_frame,
                                               sizeof toy_frame, NULL, 0, sent, sizeof sent, &size),
                   0);
  return sent[size - 1];
}

START_TEST(sent_and_received) {
  struct member alice = member_in(0, 2, 1), bob = member_in(1, 2, 1);
  uint8_t sent[200], received[200];
  const uint8_t *frame = toy_frame + 2;
  const size_t frame_size = sizeof toy_frame - 2;
  e2ee_range ranges[2];
  size_t count = 2, size = 0, plain = 0;
  ck_assert_int_eq(e2ee_frame_clear_ranges(TOY, frame, frame_size, ranges, &count), 0);
  ck_assert_int_eq(e2ee_sender_encrypt_partial(alice.sender, TOY, NULL, 0, frame, frame_size,
                                               ranges, count, sent, sizeof sent, &size),
                   0);
  ck_assert_int_eq(memcmp(sent, frame, 5), 0);
  ck_assert_int_eq(e2ee_receiver_decrypt_partial(bob.receiver, NULL, 0, sent, size, received,
                                                 sizeof received, &plain, NULL, 0),
                   0);
  ck_assert_uint_eq(plain, frame_size);
  ck_assert_int_eq(memcmp(received, frame, plain), 0);
  ck_assert_uint_eq(form_of(&alice, TOY), form_of(&alice, E2EE_CODEC_H264));
  ck_assert_uint_ne(form_of(&alice, TOY), form_of(&alice, E2EE_CODEC_OTHER));
  member_free(&alice);
  member_free(&bob);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("toycodec");
  tcase_add_test(tests, asked_for_its_ranges);
  tcase_add_test(tests, rewritten);
  tcase_add_test(tests, sent_and_received);
  return run_case("toycodec", tests);
}
