/*
 * The CBOR of saved state: known encodings, one encoding for one value, hostile input.
 * SPDX-License-Identifier: ISC
 */
#include <check.h>
#include <string.h>

#include "state/cbor.h"
#include "tests/run.h"
#include "tests/taken.h"

#define BYTES(...) view_of((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void assert_written(struct writer *writer, struct view expected) {
  struct bytes bytes = taken(writer);
  ck_assert_uint_eq(bytes.size, expected.size);
  ck_assert_mem_eq(bytes.data, expected.data, expected.size);
  bytes_free(&bytes);
}

/* ---- Examples of RFC 8949, appendix A, both ways ---- */

static void assert_uint(uint64_t value, struct view encoding) {
  struct writer writer = {0};
  cbor_write_uint(&writer, value);
  assert_written(&writer, encoding);
  struct reader reader = reader_of(encoding);
  uint64_t read = ~value;
  ck_assert_int_eq(cbor_read_u64(&reader, &read), OK);
  ck_assert_uint_eq(read, value);
  ck_assert_int_eq(cbor_read_end(&reader), OK);
}

START_TEST(integers) {
  assert_uint(0, BYTES(0x00));
  assert_uint(23, BYTES(0x17));
  assert_uint(24, BYTES(0x18, 0x18));
  assert_uint(100, BYTES(0x18, 0x64));
  assert_uint(255, BYTES(0x18, 0xff));
  assert_uint(256, BYTES(0x19, 0x01, 0x00));
  assert_uint(1000, BYTES(0x19, 0x03, 0xe8));
  assert_uint(65535, BYTES(0x19, 0xff, 0xff));
  assert_uint(1000000, BYTES(0x1a, 0x00, 0x0f, 0x42, 0x40));
  assert_uint(UINT32_MAX, BYTES(0x1a, 0xff, 0xff, 0xff, 0xff));
  assert_uint(1000000000000, BYTES(0x1b, 0x00, 0x00, 0x00, 0xe8, 0xd4, 0xa5, 0x10, 0x00));
  assert_uint(UINT64_MAX, BYTES(0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff));
}
END_TEST

START_TEST(other_values) {
  struct writer writer = {0};
  cbor_write_bool(&writer, false);
  cbor_write_bool(&writer, true);
  cbor_write_bytes(&writer, VIEW_NONE);
  cbor_write_bytes(&writer, BYTES(1, 2, 3, 4));
  cbor_write_array(&writer, 3);
  cbor_write_map(&writer, 2);
  cbor_write_key(&writer, 1);
  struct view encoding = BYTES(0xf4, 0xf5, 0x40, 0x44, 1, 2, 3, 4, 0x83, 0xa2, 0x01);
  assert_written(&writer, encoding);

  struct reader reader = reader_of(encoding);
  bool no = true, yes = false;
  struct view none, four;
  size_t count = 0;
  ck_assert_int_eq(cbor_read_bool(&reader, &no), OK);
  ck_assert_int_eq(cbor_read_bool(&reader, &yes), OK);
  ck_assert(!no && yes);
  ck_assert_int_eq(cbor_read_bytes(&reader, &none), OK);
  ck_assert_uint_eq(none.size, 0);
  ck_assert_int_eq(cbor_read_bytes(&reader, &four), OK);
  ck_assert(view_equal(four, BYTES(1, 2, 3, 4)));
  /* Two bytes cannot hold three items. */
  struct reader at_array = reader;
  ck_assert_int_eq(cbor_read_array(&at_array, 1, &count), ERR_STATE_CORRUPT);
  reader = reader_of(BYTES(0x83, 0xa2, 0x01, 0x00));
  ck_assert_int_eq(cbor_read_array(&reader, 1, &count), OK);
  ck_assert_uint_eq(count, 3);
  ck_assert_int_eq(cbor_read_map(&reader, 2), OK);
  ck_assert_int_eq(cbor_read_key(&reader, 1), OK);
  ck_assert_int_eq(cbor_read_end(&reader), ERR_STATE_CORRUPT);
}
END_TEST

/* ---- A record as saved state has them ---- */

struct record {
  uint64_t epoch;
  uint16_t suite;
  uint32_t leaf;
  bool active;
  struct secret secret;
  struct view name;
  uint64_t items[8];
  size_t item_count;
};

static void record_write(struct writer *writer, const struct record *record) {
  cbor_write_map(writer, 7);
  cbor_write_key(writer, 0);
  cbor_write_uint(writer, record->epoch);
  cbor_write_key(writer, 1);
  cbor_write_uint(writer, record->suite);
  cbor_write_key(writer, 2);
  cbor_write_uint(writer, record->leaf);
  cbor_write_key(writer, 3);
  cbor_write_bool(writer, record->active);
  cbor_write_key(writer, 4);
  cbor_write_bytes(writer, secret_view(&record->secret));
  cbor_write_key(writer, 5);
  cbor_write_bytes(writer, record->name);
  cbor_write_key(writer, 300);
  cbor_write_array(writer, record->item_count);
  for (size_t i = 0; i < record->item_count; i++)
    cbor_write_uint(writer, record->items[i]);
}

static enum err record_read(struct reader *reader, struct record *out) {
  enum err err = OK;
  TRY(cbor_read_map(reader, 7));
  TRY(cbor_read_key(reader, 0));
  TRY(cbor_read_u64(reader, &out->epoch));
  TRY(cbor_read_key(reader, 1));
  TRY(cbor_read_u16(reader, &out->suite));
  TRY(cbor_read_key(reader, 2));
  TRY(cbor_read_u32(reader, &out->leaf));
  TRY(cbor_read_key(reader, 3));
  TRY(cbor_read_bool(reader, &out->active));
  TRY(cbor_read_key(reader, 4));
  TRY(cbor_read_secret(reader, &out->secret));
  TRY(cbor_read_key(reader, 5));
  TRY(cbor_read_bytes(reader, &out->name));
  TRY(cbor_read_key(reader, 300));
  TRY(cbor_read_array(reader, 1, &out->item_count));
  TRY(out->item_count > 8 ? ERR_STATE_CORRUPT : OK);
  for (size_t i = 0; i < out->item_count; i++)
    TRY(cbor_read_u64(reader, &out->items[i]));
done:
  return err;
}

static struct bytes record_bytes(void) {
  static const uint8_t name[300] = {0x61, 0x62};
  struct record record = {.epoch = UINT64_MAX,
                          .suite = UINT16_MAX,
                          .leaf = UINT32_MAX,
                          .active = true,
                          .secret = {.size = SECRET_MAX},
                          .name = VIEW_ARRAY(name),
                          .items = {0, 24, 256, 65536, UINT64_C(1) << 32},
                          .item_count = 5};
  struct writer writer = {0};
  record_write(&writer, &record);
  return taken(&writer);
}

/* What was read is what would be written. */
static void assert_canonical(const struct record *record, struct view consumed) {
  struct writer writer = {0};
  record_write(&writer, record);
  ck_assert_int_eq(writer.err, OK);
  ck_assert(view_equal(writer_view(&writer), consumed));
  writer_free(&writer);
}

START_TEST(round_trip) {
  struct bytes bytes = record_bytes();
  struct record record = {0};
  struct reader reader = reader_of(bytes_view(&bytes));
  ck_assert_int_eq(record_read(&reader, &record), OK);
  ck_assert_int_eq(cbor_read_end(&reader), OK);
  ck_assert_uint_eq(record.epoch, UINT64_MAX);
  ck_assert_uint_eq(record.items[4], UINT64_C(1) << 32);
  assert_canonical(&record, bytes_view(&bytes));
  bytes_free(&bytes);
}
END_TEST

START_TEST(truncated) {
  struct bytes bytes = record_bytes();
  for (size_t size = 0; size < bytes.size; size++) {
    /* A copy of its own lets the sanitizer see a read behind the end. */
    struct bytes prefix = {0};
    ck_assert_int_eq(bytes_copy(&prefix, view_of(bytes.data, size)), OK);
    struct reader reader = reader_of(bytes_view(&prefix));
    struct record record = {0};
    ck_assert_int_eq(record_read(&reader, &record), ERR_STATE_CORRUPT);
    bytes_free(&prefix);
  }
  bytes_free(&bytes);
}
END_TEST

START_TEST(flipped) {
  struct bytes bytes = record_bytes();
  for (size_t bit = 0; bit < 8 * bytes.size; bit++) {
    bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    struct reader reader = reader_of(bytes_view(&bytes));
    struct record record = {0};
    enum err err = record_read(&reader, &record);
    if (err == OK)
      assert_canonical(&record, read_since(&reader, bytes.data));
    else
      ck_assert_int_eq(err, ERR_STATE_CORRUPT);
    bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
  }
  bytes_free(&bytes);
}
END_TEST

/* ---- What is refused, and consumes nothing ---- */

static void assert_refused(struct view encoding) {
  struct reader reader = reader_of(encoding);
  uint64_t number;
  bool flag;
  struct view bytes;
  struct secret secret = {0};
  size_t count;
  ck_assert_int_eq(cbor_read_u64(&reader, &number), ERR_STATE_CORRUPT);
  ck_assert_int_eq(cbor_read_bool(&reader, &flag), ERR_STATE_CORRUPT);
  ck_assert_int_eq(cbor_read_bytes(&reader, &bytes), ERR_STATE_CORRUPT);
  ck_assert_int_eq(cbor_read_secret(&reader, &secret), ERR_STATE_CORRUPT);
  ck_assert_int_eq(cbor_read_array(&reader, 1, &count), ERR_STATE_CORRUPT);
  ck_assert_int_eq(cbor_read_map(&reader, 1), ERR_STATE_CORRUPT);
  ck_assert_int_eq(cbor_read_key(&reader, 1), ERR_STATE_CORRUPT);
  ck_assert_ptr_eq(reader.at, encoding.data);
  ck_assert_uint_eq(reader.left, encoding.size);
}

START_TEST(heads_that_are_too_long) {
  assert_refused(BYTES(0x18, 0x17));
  assert_refused(BYTES(0x19, 0x00, 0xff));
  assert_refused(BYTES(0x1a, 0x00, 0x00, 0xff, 0xff));
  assert_refused(BYTES(0x1b, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff));
  assert_refused(BYTES(0x58, 0x01, 0x00));
  assert_refused(BYTES(0x59, 0x00, 0x01, 0x00));
  assert_refused(BYTES(0x98, 0x01, 0x00));
  assert_refused(BYTES(0xb8, 0x01, 0x01, 0x00));
  assert_refused(BYTES(0xf8, 0x14));
}
END_TEST

START_TEST(other_types) {
  assert_refused(BYTES(0x20));                   /* negative */
  assert_refused(BYTES(0x61, 0x61));             /* text */
  assert_refused(BYTES(0x5f, 0x41, 0x00, 0xff)); /* indefinite lengths */
  assert_refused(BYTES(0x9f, 0x00, 0xff));
  assert_refused(BYTES(0xbf, 0x01, 0x00, 0xff));
  assert_refused(BYTES(0xc1, 0x00)); /* tag */
  assert_refused(BYTES(0xf6));       /* null, undefined, simple, break */
  assert_refused(BYTES(0xf7));
  assert_refused(BYTES(0xe0));
  assert_refused(BYTES(0xff));
  assert_refused(BYTES(0xf9, 0x3c, 0x00)); /* floating point */
  assert_refused(BYTES(0xfb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0));
  assert_refused(BYTES(0x1c)); /* reserved */
  assert_refused(VIEW_NONE);
}
END_TEST

START_TEST(sizes_beyond_the_input) {
  assert_refused(BYTES(0x42, 0x00));
  assert_refused(BYTES(0x5a, 0xff, 0xff, 0xff, 0xff, 0x00));
  assert_refused(BYTES(0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00));
  assert_refused(BYTES(0x82, 0x00));
  assert_refused(BYTES(0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00));
  assert_refused(BYTES(0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00));

  size_t count = 0;
  struct reader reader = reader_of(BYTES(0x83, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
  ck_assert_int_eq(cbor_read_array(&reader, 4, &count), ERR_STATE_CORRUPT);
  ck_assert_int_eq(cbor_read_array(&reader, 3, &count), OK);
  ck_assert_uint_eq(count, 3);
}
END_TEST

START_TEST(other_values_than_expected) {
  struct reader reader = reader_of(BYTES(0x18, 0x64));
  uint64_t number = 7;
  ck_assert_int_eq(cbor_read_uint(&reader, 99, &number), ERR_STATE_CORRUPT);
  ck_assert_int_eq(cbor_read_key(&reader, 99), ERR_STATE_CORRUPT);
  ck_assert_uint_eq(number, 7);
  ck_assert_int_eq(cbor_read_uint(&reader, 100, &number), OK);

  uint16_t small;
  reader = reader_of(BYTES(0x1a, 0x00, 0x01, 0x00, 0x00));
  ck_assert_int_eq(cbor_read_u16(&reader, &small), ERR_STATE_CORRUPT);
  uint32_t medium;
  reader = reader_of(BYTES(0x1b, 0, 0, 0, 1, 0, 0, 0, 0));
  ck_assert_int_eq(cbor_read_u32(&reader, &medium), ERR_STATE_CORRUPT);
  ck_assert_uint_eq(reader.left, 9);

  reader = reader_of(BYTES(0xa2, 1, 2, 3, 4));
  ck_assert_int_eq(cbor_read_map(&reader, 1), ERR_STATE_CORRUPT);
  ck_assert_int_eq(cbor_read_map(&reader, 3), ERR_STATE_CORRUPT);
  ck_assert_int_eq(cbor_read_map(&reader, 2), OK);

  static const uint8_t too_long[2 + SECRET_MAX + 1] = {0x58, SECRET_MAX + 1};
  struct secret secret = {0};
  reader = reader_of(VIEW_ARRAY(too_long));
  ck_assert_int_eq(cbor_read_secret(&reader, &secret), ERR_STATE_CORRUPT);
  ck_assert_uint_eq(reader.left, sizeof too_long);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("cbor");
  tcase_add_test(tests, integers);
  tcase_add_test(tests, other_values);
  tcase_add_test(tests, round_trip);
  tcase_add_test(tests, truncated);
  tcase_add_test(tests, flipped);
  tcase_add_test(tests, heads_that_are_too_long);
  tcase_add_test(tests, other_types);
  tcase_add_test(tests, sizes_beyond_the_input);
  tcase_add_test(tests, other_values_than_expected);
  return run_case("cbor", tests);
}
