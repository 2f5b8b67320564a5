/*
 * The parts of partial frames: numbers, clear bytes gathered in front, escapes.
 * SPDX-License-Identifier: ISC
 */
#include <check.h>
#include <e2ee/media.h>
#include <string.h>

#include "draw.h"
#include "sframe/escape.h"
#include "sframe/gather.h"
#include "sframe/number.h"
#include "tests/run.h"

#define FRAME_MAX 4096

/* ---- Numbers ---- */

START_TEST(numbers) {
  for (unsigned bits = 0; bits <= 64; bits++) {
    uint64_t highest = bits < 64 ? ((uint64_t)1 << bits) - 1 : UINT64_MAX;
    for (unsigned i = 0; i < 2; i++) {
      uint64_t value = highest + i, read = 0;
      uint8_t forward[NUMBER_MAX + 1] = {0}, backward[NUMBER_MAX + 1] = {0};
      size_t size = number_write(value, forward + 1), length = 0;
      ck_assert_uint_eq(size, number_size(value));
      ck_assert_uint_le(size, NUMBER_MAX);
      ck_assert_uint_eq(number_write_reversed(value, backward), size);
      for (size_t n = 0; n < size; n++) {
        ck_assert_uint_ge(forward[1 + n], 0x80);
        ck_assert_uint_eq(forward[1 + n], backward[size - 1 - n]);
      }
      struct reader reader = reader_of(view_of(forward + 1, size));
      ck_assert_int_eq(number_read(&reader, value, &read), OK);
      ck_assert_uint_eq(read, value);
      ck_assert_uint_eq(reader.left, 0);
      read = 0;
      ck_assert_int_eq(number_read_reversed(view_of(backward, size), value, &read, &length), OK);
      ck_assert_uint_eq(read, value);
      ck_assert_uint_eq(length, size);
      if (value > 0) {
        reader = reader_of(view_of(forward + 1, size));
        ck_assert_int_eq(number_read(&reader, value - 1, &read), ERR_MALFORMED);
      }
      for (size_t shorter = 0; shorter < size; shorter++) {
        reader = reader_of(view_of(forward + 1, shorter));
        ck_assert_int_eq(number_read(&reader, UINT64_MAX, &read), ERR_MALFORMED);
      }
    }
  }
}
END_TEST

START_TEST(no_numbers) {
  static const struct {
    size_t size;
    uint8_t bytes[12];
  } wrong[] = {
      {0, {0}},
      {1, {0x00}},
      {1, {0x7f}},
      {1, {0xc1}},             /* nothing follows */
      {2, {0xc0, 0x81}},       /* longer than it needs to be */
      {2, {0xc1, 0x01}},       /* the last group is none */
      {3, {0xc1, 0x41, 0x81}}, /* one in between is none */
      {11, {0xd0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0x80}},       /* 2^64 */
      {12, {0xc1, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0x80}}, /* 2^66 */
  };
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    uint64_t value = 4711;
    size_t size = 4711;
    uint8_t reversed[12];
    for (size_t n = 0; n < wrong[i].size; n++)
      reversed[n] = wrong[i].bytes[wrong[i].size - 1 - n];
    struct reader reader = reader_of(view_of(wrong[i].bytes, wrong[i].size));
    ck_assert_int_eq(number_read(&reader, UINT64_MAX, &value), ERR_MALFORMED);
    ck_assert_int_eq(
        number_read_reversed(view_of(reversed, wrong[i].size), UINT64_MAX, &value, &size),
        ERR_MALFORMED);
    ck_assert_uint_eq(value, 4711);
    ck_assert_uint_eq(size, 4711);
  }
}
END_TEST

/* ---- Gathering ---- */

/* Ranges drawn at random; about one in four touches the one before. */
static size_t draw_ranges(size_t size, size_t longest, e2ee_range *out, size_t most) {
  size_t count = 0, end = 0;
  while (count < most) {
    size_t offset = end + (draw() % 4 == 0 ? 0 : draw() % longest), length = 1 + draw() % longest;
    if (offset + length > size)
      break;
    out[count++] = (e2ee_range){(uint32_t)offset, (uint32_t)length};
    end = offset + length;
  }
  return count;
}

START_TEST(gathered) {
  static uint8_t frame[FRAME_MAX], before[FRAME_MAX];
  static e2ee_range clear[E2EE_RANGES_MAX];
  for (unsigned round = 0; round < 2000; round++) {
    size_t size = draw() % FRAME_MAX;
    size_t count = draw_ranges(size, 1 + draw() % 900, clear, draw() % E2EE_RANGES_MAX);
    for (size_t i = 0; i < size; i++)
      frame[i] = before[i] = (uint8_t)draw();
    gather(frame, clear, count);
    size_t at = 0, end = 0;
    for (size_t i = 0; i < count; at += clear[i++].length)
      ck_assert_mem_eq(frame + at, before + clear[i].offset, clear[i].length);
    for (size_t i = 0; i <= count; i++) {
      size_t next = i < count ? clear[i].offset : size;
      ck_assert_mem_eq(frame + at, before + end, next - end);
      at += next - end;
      end = i < count ? next + clear[i].length : next;
    }
    scatter(frame, clear, count);
    ck_assert_mem_eq(frame, before, size);
  }
}
END_TEST

/* ---- Escapes ---- */

#define SMALL 6

/* Every frame of six bytes that matter, with every set of clear bytes. */
static bool escape_small(const uint8_t *plain, unsigned mask) {
  e2ee_range clear[SMALL];
  size_t count = 0, list_size = 0;
  for (unsigned i = 0; i < SMALL; i++) {
    if ((mask >> i & 1) == 0)
      continue;
    if (count > 0 && clear[count - 1].offset + clear[count - 1].length == i)
      clear[count - 1].length++;
    else
      clear[count++] = (e2ee_range){i, 1};
  }
  const struct escaped frame = {SMALL, clear, count};
  uint8_t data[SMALL], list[SMALL * NUMBER_MAX];
  memcpy(data, plain, SMALL);
  bool fine = escape(&frame, data, SMALL, list, &list_size) == OK;
  for (unsigned i = 0; i < SMALL; i++) {
    bool here = (mask >> i & 1) != 0, next = i + 1 < SMALL && (mask >> (i + 1) & 1) != 0;
    bool start = i + 2 < SMALL && data[i] == 0 && data[i + 1] == 0 && data[i + 2] <= 3;
    fine = fine && (!here || data[i] == plain[i]) && (here || !next || data[i] != 0) &&
           (!start || (mask >> i & 7) == 7);
  }
  fine = fine && escape_check(&frame, data, view_of(list, list_size)) == OK;
  escape_undo(data, view_of(list, list_size));
  fine = fine && memcmp(data, plain, SMALL) == 0;
  if (list_size > 0)
    fine = fine && escape(&frame, data, 0, list, &list_size) == ERR_INTERNAL;
  return fine;
}

/* The last byte stands for the tag, which is never clear. */
START_TEST(escaped_small_frames) {
  static const uint8_t alphabet[] = {0, 1, 3, 4, 0x80};
  unsigned frames = 1;
  for (unsigned i = 0; i < SMALL; i++)
    frames *= sizeof alphabet;
  for (unsigned number = 0; number < frames; number++) {
    uint8_t plain[SMALL];
    for (unsigned i = 0, rest = number; i < SMALL; i++, rest /= sizeof alphabet)
      plain[i] = alphabet[rest % sizeof alphabet];
    for (unsigned mask = 0; mask < 1u << (SMALL - 1); mask++)
      if (!escape_small(plain, mask))
        ck_abort_msg("%02x %02x %02x %02x %02x %02x, clear %x", plain[0], plain[1], plain[2],
                     plain[3], plain[4], plain[5], mask);
  }
}
END_TEST

/* Wherever it is, also across what is looked at in one piece. */
START_TEST(escaped_everywhere) {
  uint8_t data[300], list[NUMBER_MAX], expected[NUMBER_MAX];
  for (size_t size = 3; size <= sizeof data; size += 33)
    for (size_t at = 0; at + 3 <= size; at++) {
      const struct escaped frame = {size, NULL, 0};
      size_t list_size = 0;
      memset(data, 0xff, sizeof data);
      memcpy(data + at, "\0\0\1", 3);
      ck_assert_int_eq(escape(&frame, data, 1, list, &list_size), OK);
      ck_assert_uint_eq(data[at + 2], 0x81);
      ck_assert_uint_eq(list_size, number_write(at + 2, expected));
      ck_assert_mem_eq(list, expected, list_size);
    }
}
END_TEST

START_TEST(escapes_that_are_none) {
  /* Behind the frame come three bytes more that would do. */
  static const uint8_t data[] = {0, 0, 0x80, 5, 0x80, 0,    0x80, 0, 0x81, 0x82,
                                 0, 0, 0x7f, 0, 0,    0x84, 0,    0, 0x80};
  static const e2ee_range clear[] = {{5, 1}, {9, 1}};
  const struct escaped frame = {sizeof data - 3, clear, 2};
  static const struct {
    enum err expected;
    size_t size;
    uint8_t list[3];
  } lists[] = {
      {OK, 0, {0}},
      {OK, 1, {0x82}},                        /* behind two zero bytes */
      {OK, 2, {0x82, 0x81}},                  /* and the last one before a clear one */
      {ERR_MALFORMED, 1, {0x83}},             /* not escaped */
      {ERR_MALFORMED, 1, {0x85}},             /* clear */
      {ERR_MALFORMED, 1, {0x86}},             /* no need */
      {ERR_MALFORMED, 1, {0x88}},             /* no zero byte, though before a clear one */
      {ERR_MALFORMED, 1, {0x89}},             /* clear */
      {ERR_MALFORMED, 1, {0x8c}},             /* not escaped: too low */
      {ERR_MALFORMED, 1, {0x8f}},             /* not escaped: too high */
      {ERR_MALFORMED, 1, {0x92}},             /* outside */
      {ERR_MALFORMED, 3, {0x82, 0x81, 0x8d}}, /* outside */
      {ERR_MALFORMED, 2, {0x82, 0x42}},       /* no number */
  };
  for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
    ck_assert_int_eq(escape_check(&frame, data, view_of(lists[i].list, lists[i].size)),
                     lists[i].expected);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("partial-parts");
  tcase_set_timeout(tests, 120);
  tcase_add_test(tests, numbers);
  tcase_add_test(tests, no_numbers);
  tcase_add_test(tests, gathered);
  tcase_add_test(tests, escaped_small_frames);
  tcase_add_test(tests, escaped_everywhere);
  tcase_add_test(tests, escapes_that_are_none);
  return run_case("partial-parts", tests);
}
