/*
 * A library that could not be started refuses whatever comes first, and says why.
 * SPDX-License-Identifier: ISC
 */
#include <e2ee/media.h>
#include <e2ee/mls.h>

#include "badinput.h"
#include "crypto/provider.h"
#include "tests/run.h"

static bool unready;

enum err __real_provider_init(void);
enum err __wrap_provider_init(void);

enum err __wrap_provider_init(void) {
  return unready ? ERR_RANDOM : __real_provider_init();
}

START_TEST(nothing_works) {
  static const uint8_t key[32];
  const int expected = E2EE_ERR_RANDOM;
  struct member alice = member_new("alice");
  e2ee_bytes *key_package = key_package_of(&alice), *blob = NULL;
  ck_assert_done(&alice, e2ee_client_save(alice.client, key, sizeof key, &blob));
  unready = true;
  ck_assert_int_eq(e2ee_init(), expected);
  ck_assert_int_eq(e2ee_supported(E2EE_SUITE_MLS, SUITE), 0);
  ck_assert_int_eq(e2ee_supported(E2EE_SUITE_SFRAME, 4), 0);
  expect_error(expected, e2ee_client_new(SUITE, TEXT("bob"), &out.client));
  expect_error(expected, e2ee_client_new_credential(SUITE, E2EE_CREDENTIAL_BASIC, TEXT("bob"), NULL,
                                                    0, &out.client));
  expect_error(expected, e2ee_client_load(key, sizeof key, BYTES(blob), &out.client));
  expect_error(expected, e2ee_key_package_identity(BYTES(key_package), out.data, &out.size));
  expect_error(expected, e2ee_x509_verify(TEXT("none"), TEXT("none"), 0));
  expect_error(expected, e2ee_media_new(0, &out.media));
  expect_error(expected, e2ee_media_new_sender_keys(0, 0, &out.media));
  unready = false;
  ck_assert_int_eq(e2ee_supported(E2EE_SUITE_MLS, SUITE), 1);
  e2ee_bytes_free(key_package);
  e2ee_bytes_free(blob);
  member_free(&alice);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("unready");
  tcase_add_test(tests, nothing_works);
  return run_case("unready", tests);
}
