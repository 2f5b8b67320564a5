/*
 * Ranges that stay in clear and normal forms of frames: what is unusual, and what is garbage.  Real
 * bitstreams are in test-bitstreams.c.
 * SPDX-License-Identifier: ISC
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "bitstream/bits.h"
#include "bitstream/codec.h"
#include "tests/run.h"

#define BYTES_MAX 64

/* Bytes written as hexadecimal digits, in memory of exactly their size. */
static struct bytes from_hex(const char *hex) {
  struct bytes bytes = {malloc(BYTES_MAX), 0};
  ck_assert_ptr_nonnull(bytes.data);
  for (; *hex != 0; hex += *hex == ' ' ? 1 : 2) {
    char digits[3] = {hex[0], hex[1], 0};
    if (*hex != ' ')
      bytes.data[bytes.size++] = (uint8_t)strtoul(digits, NULL, 16);
  }
  ck_assert_uint_le(bytes.size, BYTES_MAX);
  bytes.data = realloc(bytes.data, bytes.size > 0 ? bytes.size : 1);
  return bytes;
}

/* ---- Bits ---- */

START_TEST(read_bits) {
  struct bytes bytes = from_hex("a5 00 00 03 80 00 00 03 00 00 03 ff");
  struct bits bits = {.bytes = {bytes.data, bytes.size}, .emulation = true};
  uint32_t value = 0;
  ck_assert_int_eq(bits_read(&bits, 3, &value), OK);
  ck_assert_uint_eq(value, 5);
  ck_assert_uint_eq(bits_bytes(&bits), 1);
  ck_assert_int_eq(bits_read(&bits, 22, &value), OK); /* 00101, 16 zeros, and 1 of 80 */
  ck_assert_uint_eq(value, 5u << 17 | 1);
  ck_assert_uint_eq(bits_bytes(&bits), 5);
  ck_assert_int_eq(bits_read(&bits, 7, &value), OK);
  ck_assert_int_eq(bits_read(&bits, 32, &value), OK); /* 00 00 00 00 */
  ck_assert_uint_eq(value, 0);
  ck_assert_uint_eq(bits_bytes(&bits), 10);
  ck_assert_int_eq(bits_read(&bits, 8, &value), OK);
  ck_assert_uint_eq(value, 0xff);
  ck_assert_uint_eq(bits_bytes(&bits), 12);
  ck_assert_int_eq(bits_read(&bits, 1, &value), ERR_MALFORMED);
  ck_assert_uint_eq(value, 0xff);

  bits = (struct bits){.bytes = {bytes.data, 4}};
  ck_assert_int_eq(bits_read(&bits, 32, &value), OK);
  ck_assert_uint_eq(value, 0xa5000003);
  bits = (struct bits){.bytes = {bytes.data, 4}, .emulation = true};
  ck_assert_int_eq(bits_read(&bits, 25, &value), ERR_MALFORMED); /* it ends in an escape */
  free(bytes.data);
}
END_TEST

/* 03 is an escape behind two zeros, and never in the first two bytes, whatever is before them. */
START_TEST(escapes) {
  static const struct {
    const char *hex;
    size_t from;
    const char *read;
  } cases[] = {
      {"01 00 00 03 ff", 0, "01 00 00 ff"},
      {"00 00 03 07", 0, "00 00 07"},
      {"00 00 03 07", 1, "00 03 07"},
      {"00 00 03 07", 2, "03 07"},
      {"00 00 03", 0, "00 00"},
      {"00 00 04 07", 0, "00 00 04 07"},
      {"00 01 03 07", 0, "00 01 03 07"},
      {"01 00 03 07", 0, "01 00 03 07"},
      {"00 00 03 00 00 03 00 00 03 01", 0, "00 00 00 00 00 00 01"},
      {"00 00 03 03", 0, "00 00 03"},
      {"01 00 00 03 03 00", 0, "01 00 00 03 00"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct bytes bytes = from_hex(cases[i].hex), expected = from_hex(cases[i].read);
    const struct view whole = {bytes.data + cases[i].from, bytes.size - cases[i].from};
    /* By bytes, and from a bit before each of them. */
    for (unsigned first = 0; first < 2; first++) {
      struct bits bits = {.bytes = whole, .emulation = true};
      uint32_t value = 0, before = 0;
      if (first > 0)
        ck_assert_int_eq(bits_read(&bits, 7, &before), OK);
      for (size_t n = 0; n + first < expected.size; n++) {
        ck_assert_int_eq(bits_read(&bits, 8, &value), OK);
        const unsigned two =
            (unsigned)expected.data[n] << 8 | (first > 0 ? expected.data[n + 1] : 0u);
        ck_assert_msg(value == (first > 0 ? two >> 1 & 0xffu : two >> 8), "case %zu, byte %zu", i,
                      n);
      }
      ck_assert_int_eq(bits_read(&bits, first > 0 ? 2 : 1, &value), ERR_MALFORMED);
    }
    free(bytes.data);
    free(expected.data);
  }
}
END_TEST

START_TEST(exp_golomb) {
  static const struct {
    const char *hex;
    enum err expected;
    uint32_t value;
    size_t size;
  } codes[] = {
      {"80", OK, 0, 1},
      {"40", OK, 1, 1},
      {"60", OK, 2, 1},
      {"38", OK, 6, 1},
      {"00 80 00", OK, 255, 3},
      {"00 00 7f ff e0", OK, (1u << 18) - 2, 5},
      {"00 00 20 00 00 00", ERR_MALFORMED, 0, 0}, /* too long */
      {"00 80", ERR_MALFORMED, 0, 0},
      {"00", ERR_MALFORMED, 0, 0},
      {"", ERR_MALFORMED, 0, 0},
  };
  for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
    struct bytes bytes = from_hex(codes[i].hex);
    struct bits reader = {.bytes = {bytes.data, bytes.size}};
    uint32_t value = 0;
    ck_assert_int_eq(bits_ue(&reader, &value), codes[i].expected);
    ck_assert_uint_eq(value, codes[i].value);
    if (codes[i].expected == OK)
      ck_assert_uint_eq(bits_bytes(&reader), codes[i].size);
    free(bytes.data);
  }
}
END_TEST

/* ---- Ranges ---- */

#define NO_RANGES                                                                                  \
  {                                                                                                \
    { 0, 0 }                                                                                       \
  }

static const struct {
  uint32_t codec;
  const char *frame;
  struct e2ee_range ranges[4];
} cases[] = {
    {E2EE_CODEC_OTHER, "00 00 00 01 67 42", NO_RANGES},
    {E2EE_CODEC_OPUS, "78 01 02", NO_RANGES},
    {E2EE_CODEC_VP8, "", NO_RANGES},
    {E2EE_CODEC_VP8, "11", {{0, 1}}},
    {E2EE_CODEC_VP8, "19 00", NO_RANGES}, /* version 4 */
    {E2EE_CODEC_VP8, "10 02 00 9d 01 2a 60 00 40 00", {{0, 10}}},
    {E2EE_CODEC_VP8, "10 02 00 9d 01 2a 60 00 40", NO_RANGES},
    {E2EE_CODEC_VP8, "10 02 00 9d 01 2b 60 00 40 00 00", NO_RANGES},
    {E2EE_CODEC_VP8, "07", {{0, 1}}}, /* version 3 */
    {E2EE_CODEC_VP8_PARTITIONS, "", NO_RANGES},
    {E2EE_CODEC_VP8_PARTITIONS, "11", {{0, 1}}},
    {E2EE_CODEC_VP8_PARTITIONS, "19 01 00 00 00 00 00 00 00 00 00 ff", NO_RANGES},
    {E2EE_CODEC_VP8_PARTITIONS, "11 01 00 00 00 00 00 00 00 00 00 ff", {{0, 6}}},
    {E2EE_CODEC_VP8_PARTITIONS, "11 01 00 00 00 00 00 00 00 00", {{0, 1}}}, /* cut short */
    {E2EE_CODEC_VP8_PARTITIONS, "51 00 00 00 00 00 00 00", {{0, 1}}}, /* too short to have one */
    {E2EE_CODEC_VP8_PARTITIONS, "10 00 00 9d 01 2b 60 00 40 00 00", NO_RANGES},
    {E2EE_CODEC_VP9, "", NO_RANGES},
    {E2EE_CODEC_VP9, "86 00", {{0, 1}}},
    {E2EE_CODEC_VP9, "46 00", NO_RANGES}, /* no marker */
    {E2EE_CODEC_VP9, "88", {{0, 1}}},     /* shows a frame again */
    {E2EE_CODEC_VP9, "b4 00", {{0, 1}}},  /* profile 3 */
    {E2EE_CODEC_VP9, "b3 00 00", {{0, 2}}},
    {E2EE_CODEC_VP9, "b8 00", NO_RANGES}, /* a reserved bit */
    {E2EE_CODEC_VP9, "82 49 83 42 20 05 f0 03 f0 77", {{0, 9}}},
    {E2EE_CODEC_VP9, "82 49 83 42 20 05 f0 03", NO_RANGES},
    {E2EE_CODEC_VP9, "82 49 83 43 20 05 f0 03 f0 77", NO_RANGES},
    {E2EE_CODEC_VP9, "a2 49 83 42 e0 05 f0 03 f0 77", {{0, 9}}},     /* profile 1, RGB */
    {E2EE_CODEC_VP9, "a2 49 83 42 20 05 f0 03 f0 77", {{0, 9}}},     /* profile 1, not */
    {E2EE_CODEC_VP9, "92 49 83 42 20 05 f0 03 f0 77", {{0, 9}}},     /* profile 2 */
    {E2EE_CODEC_VP9, "b1 24 c1 a1 38 00 00 00 00 77", {{0, 9}}},     /* profile 3, RGB */
    {E2EE_CODEC_VP9, "b1 24 c1 a1 10 00 00 00 00 00 77", {{0, 10}}}, /* profile 3, not */
    {E2EE_CODEC_VP9, "b1 24 c1 a1 10 00 00 00 00", NO_RANGES},
    {E2EE_CODEC_AV1, "", NO_RANGES},
    {E2EE_CODEC_AV1, "12 00 0a 02 aa bb 32 03 01 02 03", {{0, 8}}},
    {E2EE_CODEC_AV1, "36 48 03 01 02 03 30 01", {{0, 3}, {6, 1}}}, /* extension; without a size */
    {E2EE_CODEC_AV1, "32 83 80 00 01 02 03 12 00", {{0, 4}, {7, 2}}},
    {E2EE_CODEC_AV1, "32 83 80 80 80 80 80 80 00 01 02 03", {{0, 9}}},
    {E2EE_CODEC_AV1, "32 83 80 80 80 80 80 80 80 00 01 02 03", NO_RANGES}, /* nine bytes */
    {E2EE_CODEC_AV1, "12 00 b2 01 00", {{0, 2}}},                          /* the forbidden bit */
    {E2EE_CODEC_AV1, "12 00 32 04 01 02 03", {{0, 2}}},
    {E2EE_CODEC_AV1, "12 00 32", {{0, 2}}},
    {E2EE_CODEC_AV1, "12 00 34", {{0, 2}}},
    {E2EE_CODEC_AV1, "32 ff ff ff ff ff ff ff ff 01 00", NO_RANGES},
    {E2EE_CODEC_AV1, "32 80 80 80 80 10 00", NO_RANGES}, /* 2^32 bytes */
    {E2EE_CODEC_H264, "", NO_RANGES},
    {E2EE_CODEC_H264, "67 42 00", NO_RANGES},
    {E2EE_CODEC_H264, "00 00 01", {{0, 3}}},
    {E2EE_CODEC_H264, "ff 00 00 00 01 67 42 00 00 00 01 65 b8 ff", {{1, 12}}},
    {E2EE_CODEC_H264, "00 00 01 41 9a 02 03 00 00 00 00 01 09 10", {{0, 5}, {7, 7}}},
    {E2EE_CODEC_H264, "00 00 01 41 00 00 03 00", {{0, 4}}}, /* no slice header */
    {E2EE_CODEC_H264, "00 00 01 41 88 14 ff", {{0, 6}}},
    {E2EE_CODEC_H264, "00 00 01 41 82 c8 ff", {{0, 4}}},    /* slice type 10 */
    {E2EE_CODEC_H264, "00 00 01 41 c0 20 20 ff", {{0, 4}}}, /* PPS 256 */
    {E2EE_CODEC_H264, "00 00 01 41 c0 20 00 ff", {{0, 7}}}, /* PPS 255 */
    {E2EE_CODEC_H264, "00 00 01 41 8a 80 ff", {{0, 6}}},    /* slice type 9 */
    {E2EE_CODEC_H264, "00 00 01 41 b0", {{0, 4}}},          /* ends in the PPS */
    {E2EE_CODEC_H264, "00 00 01 41 00 00 38 ff", {{0, 4}}}, /* too long a number */
    {E2EE_CODEC_H264, "00 00 01 41 80 00 18 ff", {{0, 4}}},
    {E2EE_CODEC_H264, "00 00 01 41 00 00 03 40 00 18 ff", {{0, 10}}}, /* with an escape */
    {E2EE_CODEC_H264, "00 00 01 06 00 05 01 67 05 00 01 67", {{0, 4}}},
    {E2EE_CODEC_H264, "00 00 01 67 42 00 00", {{0, 7}}}, /* zeros at the end are of the unit */
    {E2EE_CODEC_H264, "00 00 01 06 05 ff 80", {{0, 4}}},
    {E2EE_CODEC_H264, "00 00 01 6e 40 c0 07 aa bb", {{0, 7}}},
    {E2EE_CODEC_H264, "00 00 01 74 40", {{0, 5}}},
    {E2EE_CODEC_H264, "00 00 01 7f aa bb", {{0, 4}}},
    {E2EE_CODEC_H265, "00 00 01 40 01 0c 00 00 01 26 01 af ff", {{0, 12}}},
    {E2EE_CODEC_H265, "00 00 01 02 01 d0 ff", {{0, 6}}},
    {E2EE_CODEC_H265, "00 00 01 02 01 81 00 ff", {{0, 7}}}, /* PPS 63 */
    {E2EE_CODEC_H265, "00 00 01 02 01 81 04 ff", {{0, 5}}}, /* PPS 64 */
    {E2EE_CODEC_H265, "00 00 01 02 01 80 82 00 ff", {{0, 5}}},
    {E2EE_CODEC_H265, "00 00 01 02 01 84", {{0, 5}}}, /* ends in the PPS */
    {E2EE_CODEC_H265, "00 00 01 02", {{0, 4}}},
    {E2EE_CODEC_H265, "00 00 01 2e 01 af ff", {{0, 5}}}, /* reserved */
    {E2EE_CODEC_H265, "00 00 01 4e 01 05 ff", {{0, 5}}},
    {E2EE_CODEC_H265, "00 00 01 4a 01 00 00 01 4c 01 ff", {{0, 10}}},
};

START_TEST(clear_ranges) {
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct bytes frame = from_hex(cases[i].frame);
    struct e2ee_range ranges[4] = {{0, 0}};
    struct ranges found = {.at = ranges, .capacity = 4}, counted = {0};
    size_t expected = 0;
    while (expected < 4 && cases[i].ranges[expected].length > 0)
      expected++;
    codec_find(cases[i].codec)->ranges(bytes_view(&frame), &found);
    codec_find(cases[i].codec)->ranges(bytes_view(&frame), &counted);
    ck_assert_msg(found.count == expected && counted.count == expected, "case %zu, '%s': %zu", i,
                  cases[i].frame, found.count);
    for (size_t n = 0; n < expected; n++)
      ck_assert_msg(ranges[n].offset == cases[i].ranges[n].offset &&
                        ranges[n].length == cases[i].ranges[n].length,
                    "case %zu, '%s': %u, %u", i, cases[i].frame, ranges[n].offset,
                    ranges[n].length);
    free(frame.data);
  }
  ck_assert_ptr_null(codec_find(E2EE_CODEC_VP8_PARTITIONS + 1));
}
END_TEST

/* How much of a unit is clear, by its type. */
static size_t h264_clear(unsigned type) {
  switch (type) {
  case 1: /* slices: up to the PPS that they name */
  case 2:
  case 5:
    return 2;
  case 7: /* what is for decoders and packetizers alike */
  case 8:
  case 9:
  case 10:
  case 11:
  case 13:
  case 15:
    return 6;
  case 14: /* with an extension of the header */
  case 20:
    return 4;
  default:
    return 1;
  }
}

static size_t h265_clear(unsigned type) {
  if (type <= 9)
    return 3;
  if (type >= 16 && type <= 21)
    return 4; /* one more bit is before the PPS */
  return type >= 32 && type <= 37 ? 6 : 2;
}

START_TEST(types_of_units) {
  for (unsigned type = 0; type < 64; type++) {
    uint8_t h264[] = {0, 0, 1, (uint8_t)(0x60 | type), 0xb8, 0xff, 0xff, 0xff, 0xff};
    uint8_t h265[] = {0, 0, 1, (uint8_t)(type << 1), 1, 0xc2, 0, 0xff, 0xff};
    struct e2ee_range range = {0, 0};
    struct ranges found = {.at = &range, .capacity = 1};
    if (type < 32) {
      ranges_h264(VIEW_ARRAY(h264), &found);
      ck_assert_uint_eq(found.count, 1);
      ck_assert_msg(range.length == 3 + h264_clear(type), "H.264, %u: %u", type, range.length);
    }
    found = (struct ranges){.at = &range, .capacity = 1};
    ranges_h265(VIEW_ARRAY(h265), &found);
    ck_assert_uint_eq(found.count, 1);
    ck_assert_msg(range.length == 3 + h265_clear(type), "H.265, %u: %u", type, range.length);
  }
}
END_TEST

/* Without a byte that could be read. */
START_TEST(empty_frames) {
  for (uint32_t codec = E2EE_CODEC_OTHER; codec <= E2EE_CODEC_VP8_PARTITIONS; codec++) {
    struct ranges found = {0};
    struct normal normal = {0};
    codec_find(codec)->ranges(VIEW_NONE, &found);
    codec_find(codec)->normal(VIEW_NONE, &normal);
    ck_assert(found.count == 0 && normal.size == 0);
  }
}
END_TEST

START_TEST(ranges_asked_for) {
  static const uint8_t unit[] = {0, 0, 1, 0x41, 0x9a, 0xff, 0xff};
  static uint8_t frame[sizeof unit * (E2EE_RANGES_MAX + 1)];
  e2ee_range ranges[E2EE_RANGES_MAX + 1], untouched = {4711, 4711};
  for (size_t i = 0; i <= E2EE_RANGES_MAX; i++)
    memcpy(frame + sizeof unit * i, unit, sizeof unit);
  size_t count = SIZE_MAX; /* of no meaning without an array */
  ck_assert_int_eq(e2ee_frame_clear_ranges(E2EE_CODEC_H264, frame, 3 * sizeof unit, NULL, &count),
                   OK);
  ck_assert_uint_eq(count, 3);
  ranges[2] = untouched;
  count = 2;
  ck_assert_int_eq(e2ee_frame_clear_ranges(E2EE_CODEC_H264, frame, 3 * sizeof unit, ranges, &count),
                   ERR_BUFFER_TOO_SMALL);
  ck_assert_uint_eq(count, 3);
  ck_assert_uint_eq(ranges[2].offset, 4711);
  ck_assert_int_eq(e2ee_frame_clear_ranges(E2EE_CODEC_H264, frame, 3 * sizeof unit, ranges, &count),
                   OK);
  ck_assert_uint_eq(ranges[2].offset, 2 * sizeof unit);
  ck_assert_uint_eq(ranges[2].length, 5);
  count = E2EE_RANGES_MAX + 1;
  ck_assert_int_eq(e2ee_frame_clear_ranges(E2EE_CODEC_H264, frame, sizeof frame, ranges, &count),
                   ERR_LIMIT);
  ck_assert_int_eq(
      e2ee_frame_clear_ranges(E2EE_CODEC_H264, frame, sizeof frame - sizeof unit, ranges, &count),
      OK);
  ck_assert_uint_eq(count, E2EE_RANGES_MAX);
  ck_assert_int_eq(e2ee_frame_clear_ranges(8, frame, 1, ranges, &count), ERR_UNSUPPORTED);
  ck_assert_uint_eq(count, E2EE_RANGES_MAX);
  /* Nothing of these is read. */
  ck_assert_int_eq(e2ee_frame_clear_ranges(0, frame, ((size_t)1 << 30) + 1, ranges, &count),
                   ERR_LIMIT);
  ck_assert_int_eq(e2ee_frame_clear_ranges(0, frame, (size_t)1 << 30, ranges, &count), OK);
  ck_assert_uint_eq(count, 0);
}
END_TEST

/* ---- Normal forms ---- */

static const struct {
  uint32_t codec;
  const char *frame, *normal;
} forms[] = {
    {E2EE_CODEC_OTHER, "00 00 01 09 00", "00 00 01 09 00"},
    {E2EE_CODEC_VP8, "", ""},
    {E2EE_CODEC_H264, "", ""},
    {E2EE_CODEC_H264, "00 00", "00 00"},
    {E2EE_CODEC_H264, "65 88 84", "65 88 84"},
    {E2EE_CODEC_H264, "00 00 01", ""},
    {E2EE_CODEC_H264, "ff 00 00 01 09 10 00 00 01 65 88 00 00 00 00 01 41 00 00",
     "00 00 00 01 09 10 00 00 00 01 65 88 00 00 00 01 41"},
    {E2EE_CODEC_H265, "00 00 01 00 00 01 00 00 00 01 46 01 50", "00 00 00 01 46 01 50"},
    {E2EE_CODEC_AV1, "", ""},
    {E2EE_CODEC_AV1, "12 00 0a 02 aa bb 30 01 02 03", "0a 02 aa bb 32 03 01 02 03"},
    {E2EE_CODEC_AV1, "16 48 00 34 48 01 02", "36 48 02 01 02"},
    {E2EE_CODEC_AV1, "32 83 80 00 01 02 03 7a 01 ff 42 01 ff 32 00", "32 03 01 02 03 32 00"},
    {E2EE_CODEC_AV1, "12 00 b2 01 00 12 00", "b2 01 00 12 00"},
    {E2EE_CODEC_AV1, "12 00 32 05 01", "32 05 01"},
    {E2EE_CODEC_AV1, "30", "32 00"},
};

START_TEST(sizes_of_obus) {
  static const struct {
    size_t size;
    const char *field;
  } sizes[] = {{127, "7f"}, {128, "80 01"}, {300, "ac 02"}, {16383, "ff 7f"}, {16384, "80 80 01"}};
  static uint8_t frame[1 + 16384], out[sizeof frame + 8];
  for (size_t i = 1; i < sizeof frame; i++)
    frame[i] = (uint8_t)(i % 251);
  frame[0] = 0x30; /* without a size */
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    const struct view payload = view_of(frame + 1, sizes[i].size);
    struct bytes field = from_hex(sizes[i].field);
    struct normal normal = {.out = out, .capacity = sizeof out};
    normal_av1(view_of(frame, 1 + payload.size), &normal);
    ck_assert_uint_eq(normal.size, 1 + field.size + payload.size);
    ck_assert_uint_eq(out[0], 0x32);
    ck_assert_mem_eq(out + 1, field.data, field.size);
    ck_assert_mem_eq(out + 1 + field.size, payload.data, payload.size);
    free(field.data);
  }
}
END_TEST

/* The frame may change between counting and writing: what has no room is counted alone. */
START_TEST(normal_without_room) {
  uint8_t out[8];
  memset(out, 0xa5, sizeof out);
  struct normal normal = {.out = out, .capacity = 4};
  normal_put(&normal, VIEW_TEXT("abc"));
  normal_put(&normal, VIEW_TEXT("de"));
  ck_assert_uint_eq(normal.size, 5);
  normal_put(&normal, VIEW_TEXT("f"));
  normal_put(&normal, VIEW_NONE);
  ck_assert_uint_eq(normal.size, 6);
  ck_assert_mem_eq(out, "abc\xa5\xa5\xa5\xa5\xa5", sizeof out);
  normal = (struct normal){.out = out, .capacity = 4};
  normal_put(&normal, VIEW_TEXT("abc"));
  normal_put(&normal, VIEW_TEXT("d"));
  ck_assert_mem_eq(out, "abcd\xa5\xa5\xa5\xa5", sizeof out);
}
END_TEST

START_TEST(normal_forms) {
  for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
    struct bytes frame = from_hex(forms[i].frame), expected = from_hex(forms[i].normal);
    uint8_t out[BYTES_MAX], again[BYTES_MAX];
    size_t size = 0, shorter = 0;
    ck_assert_int_eq(e2ee_frame_normalize(forms[i].codec, frame.data, frame.size, NULL, &size), OK);
    ck_assert_msg(size == expected.size, "form %zu, '%s': %zu", i, forms[i].frame, size);
    memset(out, 0xa5, sizeof out);
    for (; shorter < size; shorter++) {
      size_t length = shorter;
      ck_assert_int_eq(e2ee_frame_normalize(forms[i].codec, frame.data, frame.size, out, &length),
                       ERR_BUFFER_TOO_SMALL);
      ck_assert_uint_eq(length, size);
    }
    for (size_t n = 0; n < sizeof out; n++)
      ck_assert_uint_eq(out[n], 0xa5);
    ck_assert_int_eq(e2ee_frame_normalize(forms[i].codec, frame.data, frame.size, out, &size), OK);
    ck_assert_uint_eq(size, expected.size);
    ck_assert_mem_eq(out, expected.data, size);
    size_t length = sizeof again;
    ck_assert_int_eq(e2ee_frame_normalize(forms[i].codec, out, size, again, &length), OK);
    ck_assert(view_equal(view_of(again, length), bytes_view(&expected)));
    free(frame.data);
    free(expected.data);
  }
  uint8_t memory[16] = {0};
  size_t size = sizeof memory;
  ck_assert_int_eq(e2ee_frame_normalize(8, memory, 1, NULL, &size), ERR_UNSUPPORTED);
  ck_assert_int_eq(e2ee_frame_normalize(0, memory, ((size_t)1 << 30) + 1, NULL, &size), ERR_LIMIT);
  ck_assert_uint_eq(size, sizeof memory);
  ck_assert_int_eq(e2ee_frame_normalize(0, memory, (size_t)1 << 30, NULL, &size), OK);
  ck_assert_uint_eq(size, (size_t)1 << 30);
  size = sizeof memory;
  ck_assert_int_eq(e2ee_frame_normalize(0, memory, 4, memory + 3, &size), ERR_INVALID_ARG);
  size = sizeof memory;
  ck_assert_int_eq(e2ee_frame_normalize(0, memory, 4, memory + 4, &size), OK);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("codec");
  tcase_add_test(tests, read_bits);
  tcase_add_test(tests, escapes);
  tcase_add_test(tests, exp_golomb);
  tcase_add_test(tests, clear_ranges);
  tcase_add_test(tests, types_of_units);
  tcase_add_test(tests, empty_frames);
  tcase_add_test(tests, ranges_asked_for);
  tcase_add_test(tests, sizes_of_obus);
  tcase_add_test(tests, normal_without_room);
  tcase_add_test(tests, normal_forms);
  return run_case("codec", tests);
}
