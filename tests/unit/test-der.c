/*
 * Values in DER: lengths in their shortest form only, and nothing beyond the input.
 * SPDX-License-Identifier: ISC
 */
#include <check.h>
#include <string.h>

#include "crypto/der.h"
#include "tests/run.h"

#define LENGTH(text) text, sizeof(text) - 1

START_TEST(lengths) {
  static const struct {
    const char *field;
    size_t field_size;
    size_t size; /* of what follows */
    enum err expected;
  } cases[] = {
      {LENGTH(""), 0, ERR_MALFORMED},
      {LENGTH("\x00"), 0, OK},
      {LENGTH("\x01"), 0, ERR_MALFORMED},
      {LENGTH("\x01"), 1, OK},
      {LENGTH("\x7f"), 127, OK},
      {LENGTH("\x80"), 0, ERR_MALFORMED}, /* indefinite */
      {LENGTH("\x80"), 128, ERR_MALFORMED},
      {LENGTH("\x81"), 0, ERR_MALFORMED},
      {LENGTH("\x81\x7f"), 127, ERR_MALFORMED},
      {LENGTH("\x81\x80"), 127, ERR_MALFORMED},
      {LENGTH("\x81\x80"), 128, OK},
      {LENGTH("\x81\xff"), 255, OK},
      {LENGTH("\x82\x00\xff"), 255, ERR_MALFORMED},
      {LENGTH("\x82\x01\x00"), 256, OK},
      {LENGTH("\x83\x00\xff\xff"), 65535, ERR_MALFORMED},
      {LENGTH("\x83\x01\x00\x00"), 65536, OK},
      {LENGTH("\x84\x00\x01\x00\x00"), 65536, ERR_MALFORMED},
      {LENGTH("\x89\x01\x00\x00\x00\x00\x00\x00\x00\x80"), 128, ERR_MALFORMED},
      {LENGTH("\xff"), 65536, ERR_MALFORMED},
  };
  static uint8_t input[16 + 65536 + 1];
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const size_t header = 1 + cases[i].field_size;
    memset(input, 0, sizeof input);
    input[0] = DER_OCTET_STRING;
    memcpy(input + 1, cases[i].field, cases[i].field_size);
    struct view value = VIEW_NONE;
    struct reader reader = reader_of(view_of(input, header + cases[i].size));
    enum err err = der_read_value(&reader, DER_OCTET_STRING, &value);
    ck_assert_msg(err == cases[i].expected, "case %zu: %d", i, err);
    if (err != OK)
      continue;
    ck_assert_ptr_eq(value.data, input + header);
    ck_assert_uint_eq(value.size, cases[i].size);
    ck_assert_uint_eq(reader.left, 0);
    /* What is behind it is left, and another tag is refused. */
    reader = reader_of(view_of(input, header + cases[i].size + 1));
    ck_assert_int_eq(der_read_value(&reader, DER_OCTET_STRING, &value), OK);
    ck_assert_uint_eq(reader.left, 1);
    reader = reader_of(view_of(input, header + cases[i].size));
    ck_assert_int_eq(der_read_value(&reader, DER_INTEGER, &value), ERR_MALFORMED);
  }
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("der");
  tcase_add_test(tests, lengths);
  return run_case("der", tests);
}
