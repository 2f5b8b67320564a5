/*
 * Partial frames of real bitstreams: what stays in clear, that they come back as they were, that every
 * truncation is handled and every flipped bit refused, and that H.26x gets no other start codes.
 * SPDX-License-Identifier: ISC
 */
#include "bitstream.h"
#include "media-double.h"
#include "tests/run.h"

#include <e2ee/media.h>
#include <stdlib.h>

struct ranges {
  e2ee_range at[E2EE_RANGES_MAX];
  size_t count;
};

/* In memory of exactly its size, so that a sanitizer sees a byte more. */
struct block {
  uint8_t *data;
  size_t size;
};

static struct member alice, bob;
static struct bitstream stream;

static bool is_h26x(void) {
  return stream.codec == E2EE_CODEC_H264 || stream.codec == E2EE_CODEC_H265;
}

static void setup(void) {
  alice = member_in(0, 2, 1);
  bob = member_in(1, 2, 1);
}

static void teardown(void) {
  member_free(&alice);
  member_free(&bob);
}

static struct block block_of(struct view content, size_t size) {
  struct block block = {malloc(size > 0 ? size : 1), size};
  ck_assert_ptr_nonnull(block.data);
  if (content.size > 0)
    memcpy(block.data, content.data, content.size);
  return block;
}

static struct ranges ranges_of(uint32_t codec, struct view frame) {
  struct ranges ranges = {.count = E2EE_RANGES_MAX};
  ck_assert_int_eq(e2ee_frame_clear_ranges(codec, frame.data, frame.size, ranges.at, &ranges.count),
                   OK);
  return ranges;
}

/* Encrypt what the codec lets; in place. */
static struct block protect(struct view frame, const struct ranges *ranges) {
  size_t room = frame.size + e2ee_partial_overhead(frame.size, ranges->count);
  struct block block = block_of(frame, room);
  ck_assert_int_eq(e2ee_sender_encrypt_partial(alice.sender, stream.codec, ABOUT, block.data,
                                               frame.size, ranges->at, ranges->count, block.data,
                                               room, &block.size),
                   OK);
  ck_assert_uint_le(block.size, room);
  return block;
}

static int unprotect(struct view frame, uint8_t *out, size_t *size) {
  return e2ee_receiver_decrypt_partial(bob.receiver, ABOUT, frame.data, frame.size, out, frame.size,
                                       size, NULL, 0);
}

/* Decrypted in place and elsewhere, a frame is what it was. */
static void expect_back(const struct block *block, struct view frame) {
  struct view whole = view_of(block->data, block->size);
  struct block here = block_of(whole, whole.size), there = block_of(VIEW_NONE, whole.size);
  struct member carol = member_of(1, 2);
  enter(&carol, 1);
  size_t size = 0;
  ck_assert_int_eq(unprotect(view_of(here.data, here.size), here.data, &size), OK);
  ck_assert(view_equal(view_of(here.data, size), frame));
  ck_assert_int_eq(unprotect(whole, there.data, &size), ERR_REPLAY);
  ck_assert_int_eq(e2ee_receiver_decrypt_partial(carol.receiver, ABOUT, whole.data, whole.size,
                                                 there.data, there.size, &size, NULL, 0),
                   OK);
  ck_assert(view_equal(view_of(there.data, size), frame));
  member_free(&carol);
  free(here.data);
  free(there.data);
}

/* Clear ranges are as they were, and only they. */
static void expect_clear(const struct block *block, struct view frame,
                         const struct ranges *ranges) {
  size_t end = 0;
  for (size_t i = 0; i <= ranges->count; i++) {
    size_t next = i < ranges->count ? ranges->at[i].offset : frame.size;
    if (next - end >= 8)
      ck_assert_mem_ne(block->data + end, frame.data + end, next - end);
    if (i == ranges->count)
      break;
    ck_assert_mem_eq(block->data + next, frame.data + next, ranges->at[i].length);
    end = next + ranges->at[i].length;
  }
}

/* A forwarder finds the same in the protected frame; behind the body come only what wraps the end,
 * and whatever belongs to a last unit that is clear anyway. */
static void expect_same_ranges(const struct block *block, struct view frame,
                               const struct ranges *before) {
  struct ranges after = ranges_of(stream.codec, view_of(block->data, block->size));
  ck_assert_uint_ge(after.count, before->count);
  for (size_t i = 0; i < before->count; i++) {
    bool last = before->at[i].offset + before->at[i].length == frame.size;
    ck_assert_uint_eq(after.at[i].offset, before->at[i].offset);
    if (!last)
      ck_assert_uint_eq(after.at[i].length, before->at[i].length);
  }
  for (size_t i = before->count; i < after.count; i++)
    ck_assert_uint_ge(after.at[i].offset, frame.size);
}

/* Whether these bytes are special to a reader of H.26x: 00 00 followed by 00 to 03. */
static bool special(const uint8_t *data) {
  return data[0] == 0 && data[1] == 0 && data[2] <= 3;
}

/* Nothing that looks like a start code, but the clear ones; none of them has moved. */
static void expect_no_start_code(const struct block *block, const struct ranges *ranges) {
  size_t range = 0;
  for (size_t at = 0; at + 3 <= block->size; at++) {
    while (range < ranges->count && ranges->at[range].offset + ranges->at[range].length < at + 3)
      range++;
    bool clear = range < ranges->count && ranges->at[range].offset <= at;
    bool moved = clear && at > 0 && ranges->at[range].offset == at && block->data[at - 1] == 0;
    if (moved || (special(block->data + at) && !clear))
      ck_abort_msg("a start code at %zu", at);
  }
  ck_assert_uint_ge(block->data[block->size - 1], 0x80);
}

/* ---- What real frames are ---- */

START_TEST(round_trip) {
  stream = bitstream_read(&bitstreams[_i]);
  size_t clear = 0, whole = 0;
  for (size_t i = 0; i < stream.count; i++) {
    struct view frame = stream.frames[i];
    struct ranges ranges = ranges_of(stream.codec, frame);
    for (size_t n = 0; n < ranges.count; n++)
      clear += ranges.at[n].length;
    whole += frame.size;
    struct block block = protect(frame, &ranges);
    expect_clear(&block, frame, &ranges);
    expect_same_ranges(&block, frame, &ranges);
    if (is_h26x())
      expect_no_start_code(&block, &ranges);
    expect_back(&block, frame);
    free(block.data);
  }
  if (stream.codec == E2EE_CODEC_OPUS)
    ck_assert_uint_eq(clear, 0);
  else
    ck_assert_uint_gt(clear, 0);
  ck_assert_uint_lt(clear, whole / 8);
  bitstream_free(&stream);
}
END_TEST

/* Ranges of a frame, as one would list them by hand. */
static void expect_ranges(const char *name, uint32_t codec, size_t frame,
                          const e2ee_range *expected, size_t count) {
  const struct bitstream which = {.name = name, .codec = codec};
  stream = bitstream_read(&which);
  struct ranges ranges = ranges_of(stream.codec, stream.frames[frame]);
  ck_assert_uint_eq(ranges.count, count);
  for (size_t i = 0; i < count; i++) {
    ck_assert_uint_eq(ranges.at[i].offset, expected[i].offset);
    ck_assert_uint_eq(ranges.at[i].length, expected[i].length);
  }
  bitstream_free(&stream);
}

START_TEST(headers) {
  static const e2ee_range nine = {0, 9}, ten = {0, 10}, one = {0, 1};
  static const e2ee_range obus = {0, 17};
  /* Delimiter to SEI; the starts of three slices. */
  static const e2ee_range slices[] = {{0, 45}, {672, 6}, {2020, 6}, {3021, 7}};
  static const e2ee_range units[] = {{0, 95}, {2397, 6}};
  /* With the sizes of three partitions behind the first one. */
  static const e2ee_range key_partitions[] = {{0, 21}, {406, 9}}, partitions[] = {{0, 6}, {106, 9}};
  expect_ranges("vp8.ivf", E2EE_CODEC_VP8, 0, &ten, 1);
  expect_ranges("vp8.ivf", E2EE_CODEC_VP8, 1, &one, 1);
  expect_ranges("vp8.ivf", E2EE_CODEC_VP8_PARTITIONS, 1, partitions, 1);
  expect_ranges("vp8-partitions.ivf", E2EE_CODEC_VP8_PARTITIONS, 0, key_partitions, 2);
  expect_ranges("vp8-partitions.ivf", E2EE_CODEC_VP8_PARTITIONS, 1, partitions, 2);
  expect_ranges("vp9.ivf", E2EE_CODEC_VP9, 0, &nine, 1);
  expect_ranges("vp9.ivf", E2EE_CODEC_VP9, 1, &one, 1);
  expect_ranges("av1.ivf", E2EE_CODEC_AV1, 0, &obus, 1);
  expect_ranges("h264.h264", E2EE_CODEC_H264, 0, slices, 4);
  expect_ranges("h265.h265", E2EE_CODEC_H265, 0, units, 2);
}
END_TEST

/* A protected stream is split into the same NAL units, of the same types. */
START_TEST(same_units) {
  stream = bitstream_read(&bitstreams[_i]);
  for (size_t i = 0; i < stream.count; i++) {
    struct view frame = stream.frames[i];
    struct ranges ranges = ranges_of(stream.codec, frame);
    struct block block = protect(frame, &ranges);
    size_t units = 0;
    for (size_t at = 0; at + 3 < block.size; at++) {
      bool before = at + 3 < frame.size && memcmp(frame.data + at, "\0\0\1", 3) == 0;
      bool after = memcmp(block.data + at, "\0\0\1", 3) == 0;
      if (before != after || (after && block.data[at + 3] != frame.data[at + 3]))
        ck_abort_msg("frame %zu differs at %zu", i, at);
      units += after;
    }
    ck_assert_uint_ge(units, 2);
    free(block.data);
  }
  bitstream_free(&stream);
}
END_TEST

/* ---- RTP ---- */

static void put(struct block *out, const void *data, size_t size) {
  if (size > 0)
    memcpy(out->data + out->size, data, size);
  out->size += size;
}

/* NAL units go into packets without start codes (RFC 6184, RFC 7798), and come out with long ones. */
static void send_units(struct view frame, struct block *out) {
  size_t begin = 0;
  for (size_t at = 0; at + 3 <= frame.size; at++) {
    if (memcmp(frame.data + at, "\0\0\1", 3) != 0)
      continue;
    size_t end = at > 0 && frame.data[at - 1] == 0 ? at - 1 : at;
    if (begin > 0)
      put(out, frame.data + begin, end - begin);
    put(out, "\0\0\0\1", 4);
    begin = at + 3;
  }
  put(out, frame.data + begin, frame.size - begin);
}

/* OBUs go into packets without their sizes, some not at all, and come out with sizes. */
static void send_obus(struct view frame, struct block *out) {
  for (size_t at = 0; at < frame.size;) {
    uint8_t type = frame.data[at] >> 3 & 0xf, header[2] = {frame.data[at], frame.data[at + 1]};
    size_t header_size = (frame.data[at] & 4) != 0 ? 2 : 1, size = 0;
    ck_assert_uint_eq(frame.data[at] & 0x82, 2);
    at += header_size;
    for (unsigned shift = 0, more = 1; more != 0; at++, shift += 7) {
      ck_assert_uint_lt(at, frame.size);
      size |= (size_t)(frame.data[at] & 0x7f) << shift;
      more = frame.data[at] & 0x80;
    }
    ck_assert_uint_le(size, frame.size - at);
    if (type != 2 && type != 8 && type != 15) {
      put(out, header, header_size);
      for (size_t left = size; left >= 0x80; left >>= 7)
        put(out, &(uint8_t){(uint8_t)(left | 0x80)}, 1);
      put(out, &(uint8_t){(uint8_t)(size < 0x80 ? size : size >> 7)}, 1);
      ck_assert_uint_lt(size, 1u << 14);
      put(out, frame.data + at, size);
    }
    at += size;
  }
}

static struct block send_rtp(struct view frame) {
  struct block out = block_of(VIEW_NONE, 2 * frame.size);
  out.size = 0;
  if (is_h26x())
    send_units(frame, &out);
  else if (stream.codec == E2EE_CODEC_AV1)
    send_obus(frame, &out);
  else
    put(&out, frame.data, frame.size);
  return out;
}

/* Normal, protected, taken apart, put together: it is still the protected frame. */
START_TEST(over_rtp) {
  stream = bitstream_read(&bitstreams[_i]);
  size_t changed = 0;
  for (size_t i = 0; i < stream.count; i++) {
    struct view frame = stream.frames[i];
    struct block normal = block_of(VIEW_NONE, 2 * frame.size);
    ck_assert_int_eq(
        e2ee_frame_normalize(stream.codec, frame.data, frame.size, normal.data, &normal.size), OK);
    struct view sent = view_of(normal.data, normal.size);
    changed += !view_equal(sent, frame);
    struct ranges ranges = ranges_of(stream.codec, sent);
    struct block block = protect(sent, &ranges);
    struct block arrived = send_rtp(view_of(block.data, block.size));
    ck_assert(view_equal(view_of(arrived.data, arrived.size), view_of(block.data, block.size)));
    expect_back(&arrived, sent);
    free(normal.data);
    free(block.data);
    free(arrived.data);
  }
  ck_assert_int_eq(changed > 0, is_h26x() || stream.codec == E2EE_CODEC_AV1);
  bitstream_free(&stream);
}
END_TEST

/* ---- What is left of them ---- */

START_TEST(truncated) {
  stream = bitstream_read(&bitstreams[_i]);
  for (size_t i = 0; i < stream.count; i++) {
    for (size_t size = 0; size < stream.frames[i].size; size++) {
      struct block cut = block_of(view_of(stream.frames[i].data, size), size);
      struct view frame = view_of(cut.data, size);
      struct ranges ranges = ranges_of(stream.codec, frame);
      struct block block = protect(frame, &ranges);
      if (is_h26x())
        expect_no_start_code(&block, &ranges);
      struct block out = block_of(VIEW_NONE, block.size);
      size_t length = 0;
      ck_assert_int_eq(unprotect(view_of(block.data, block.size), out.data, &length), OK);
      ck_assert(view_equal(view_of(out.data, length), frame));
      free(out.data);
      free(block.data);
      free(cut.data);
    }
  }
  bitstream_free(&stream);
}
END_TEST

START_TEST(truncated_ciphertexts) {
  stream = bitstream_read(&bitstreams[_i]);
  for (size_t i = 0; i < stream.count; i++) {
    struct ranges ranges = ranges_of(stream.codec, stream.frames[i]);
    struct block block = protect(stream.frames[i], &ranges);
    for (size_t size = 0; size < block.size; size++) {
      struct block cut = block_of(view_of(block.data, size), size);
      size_t length = 4711;
      int err = unprotect(view_of(cut.data, size), cut.data, &length);
      ck_assert_int_ne(err, OK);
      if (err != ERR_AUTH && size > 0)
        ck_assert_mem_eq(cut.data, block.data, size);
      ck_assert_uint_eq(length, 4711);
      (void)ranges_of(stream.codec, view_of(cut.data, size));
      free(cut.data);
    }
    free(block.data);
  }
  bitstream_free(&stream);
}
END_TEST

START_TEST(flipped_bits) {
  stream = bitstream_read(&bitstreams[_i]);
  for (size_t i = 0; i < stream.count; i++) {
    struct ranges ranges = ranges_of(stream.codec, stream.frames[i]);
    struct block block = protect(stream.frames[i], &ranges);
    struct block out = block_of(VIEW_NONE, block.size);
    for (size_t bit = 0; bit < 8 * block.size; bit++) {
      size_t length = 0;
      block.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
      if (unprotect(view_of(block.data, block.size), out.data, &length) == OK)
        ck_abort_msg("frame %zu, bit %zu", i, bit);
      block.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    size_t length = 0;
    ck_assert_int_eq(unprotect(view_of(block.data, block.size), out.data, &length), OK);
    free(out.data);
    free(block.data);
  }
  bitstream_free(&stream);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("bitstreams");
  tcase_add_checked_fixture(tests, setup, teardown);
  tcase_set_timeout(tests, 280);
  tcase_add_loop_test(tests, round_trip, 0, BITSTREAMS);
  tcase_add_test(tests, headers);
  tcase_add_loop_test(tests, same_units, BITSTREAMS - 3, BITSTREAMS);
  tcase_add_loop_test(tests, over_rtp, 0, BITSTREAMS);
  tcase_add_loop_test(tests, truncated, 0, BITSTREAMS);
  tcase_add_loop_test(tests, truncated_ciphertexts, 0, BITSTREAMS);
  tcase_add_loop_test(tests, flipped_bits, 0, BITSTREAMS);
  return run_case("bitstreams", tests);
}
