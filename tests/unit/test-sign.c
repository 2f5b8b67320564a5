/*
 * SignWithLabel (RFC 9420, section 5.1.2), with every suite.
 * SPDX-License-Identifier: ISC
 */
#include "crypto/sign.h"
#include "suites.h"

static const struct suite *of_the_day;

START_TEST(only_what_was_signed) {
  struct secret key = {0};
  struct bytes public_key = {NULL, 0}, signature = {NULL, 0}, none = {NULL, 0};
  ck_assert_int_eq(sign_generate(of_the_day, &key, &public_key), OK);
  struct view public_view = bytes_view(&public_key);
  ck_assert_int_eq(sign_with_label(of_the_day, &key, VIEW_TEXT("a"), VIEW_TEXT("bc"), &signature),
                   OK);
  struct view good = bytes_view(&signature);
  ck_assert_int_eq(
      verify_with_label(of_the_day, public_view, VIEW_TEXT("a"), VIEW_TEXT("bc"), good), OK);
  const struct view wrong[][2] = {{VIEW_TEXT("b"), VIEW_TEXT("bc")},
                                  {VIEW_TEXT("a"), VIEW_TEXT("b")},
                                  {VIEW_TEXT("ab"), VIEW_TEXT("c")},
                                  {VIEW_NONE, VIEW_NONE}};
  for (size_t i = 0; i < 4; i++)
    ck_assert_int_eq(verify_with_label(of_the_day, public_view, wrong[i][0], wrong[i][1], good),
                     ERR_SIGNATURE);
  uint8_t long_bytes[SIGNATURE_MAX + 1] = {0};
  const struct view sizes[] = {VIEW_NONE, view_of(long_bytes, of_the_day->signature->max_size + 1),
                               view_of(good.data, good.size - 1)};
  for (size_t i = 0; i < 3; i++)
    ck_assert_int_eq(
        verify_with_label(of_the_day, public_view, VIEW_TEXT("a"), VIEW_TEXT("bc"), sizes[i]),
        ERR_SIGNATURE);
  for (size_t size = 0; size < public_key.size; size++)
    ck_assert_int_eq(verify_with_label(of_the_day, view_of(public_key.data, size), VIEW_TEXT("a"),
                                       VIEW_TEXT("bc"), good),
                     ERR_SIGNATURE);
  key.size--;
  ck_assert_int_eq(sign_with_label(of_the_day, &key, VIEW_TEXT("a"), VIEW_TEXT("bc"), &none),
                   ERR_INVALID_ARG);
  ck_assert_ptr_null(none.data);
  bytes_free(&public_key);
  bytes_free(&signature);
}
END_TEST

static void add_tests(TCase *tests) {
  tcase_add_test(tests, only_what_was_signed);
}

int main(void) {
  return run_with_each_suite("sign", add_tests, &of_the_day);
}
