/*
 * When the known answers of curves are tried: by whoever uses a suite first, once, and for good.
 * SPDX-License-Identifier: ISC
 */
#include <e2ee/mls.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "crypto/provider.h"
#include "crypto/selftest.h"
#include "crypto/suite.h"
#include "tests/run.h"

#define NAME (const uint8_t *)"somebody", 8

static atomic_uint tried_dh, tried_signature;
static enum err answer_dh, answer_signature;

enum err __real_selftest_dh(enum dh_id id, const struct dh *dh);
enum err __wrap_selftest_dh(enum dh_id id, const struct dh *dh);
enum err __wrap_selftest_dh(enum dh_id id, const struct dh *dh) {
  tried_dh++;
  return answer_dh == OK ? __real_selftest_dh(id, dh) : answer_dh;
}

enum err __real_selftest_signature(enum signature_id id, const struct signature *signature);
enum err __wrap_selftest_signature(enum signature_id id, const struct signature *signature);
enum err __wrap_selftest_signature(enum signature_id id, const struct signature *signature) {
  tried_signature++;
  return answer_signature == OK ? __real_selftest_signature(id, signature) : answer_signature;
}

/* Each test is a process of its own. */
static int make_client(uint16_t suite) {
  e2ee_client *client = NULL;
  int result = e2ee_client_new(suite, NAME, &client);
  ck_assert((result == 0) == (client != NULL));
  e2ee_client_free(client);
  return result;
}

START_TEST(not_at_the_start) {
  ck_assert_int_eq(e2ee_init(), 0);
  ck_assert_int_eq(e2ee_supported(E2EE_SUITE_MLS, 2), 1);
  ck_assert_uint_eq(tried_dh + tried_signature, 0);
}
END_TEST

START_TEST(once_for_a_curve) {
  ck_assert_int_eq(make_client(1), 0);
  ck_assert_uint_eq(tried_dh, 1);
  ck_assert_uint_eq(tried_signature, 1);
  ck_assert_int_eq(make_client(1), 0);
  ck_assert_int_eq(make_client(3), 0); /* the same curves */
  ck_assert_uint_eq(tried_dh, 1);
  ck_assert_uint_eq(tried_signature, 1);
  ck_assert_int_eq(make_client(2), 0);
  ck_assert_uint_eq(tried_dh, 2);
  ck_assert_uint_eq(tried_signature, 2);
}
END_TEST

START_TEST(wrong_for_good) {
  if (_i == 0)
    answer_dh = ERR_INTERNAL;
  else
    answer_signature = ERR_INTERNAL;
  ck_assert_int_eq(e2ee_init(), 0);
  ck_assert_int_eq(make_client(1), E2EE_ERR_INTERNAL);
  answer_dh = answer_signature = OK;
  ck_assert_int_eq(make_client(1), E2EE_ERR_INTERNAL);
  ck_assert_int_eq(make_client(3), E2EE_ERR_INTERNAL);
  ck_assert_int_eq(make_client(2), 0); /* other curves */
}
END_TEST

START_TEST(no_memory_passes) {
  answer_dh = ERR_NOMEM;
  ck_assert_int_eq(make_client(1), E2EE_ERR_NOMEM);
  answer_dh = OK;
  answer_signature = ERR_NOMEM;
  ck_assert_int_eq(make_client(1), E2EE_ERR_NOMEM);
  answer_signature = OK;
  ck_assert_int_eq(make_client(1), 0);
}
END_TEST

/* ---- Every way to a suite ---- */

START_TEST(loading_and_reading) {
  static const uint8_t key[32] = {1};
  e2ee_client *client = NULL, *loaded = NULL;
  e2ee_bytes *blob = NULL, *package = NULL;
  size_t size = 0;
  /* A process that has not used the suite gets its bytes from one that has. */
  int ends[2];
  uint8_t bytes[2][8192];
  size_t sizes[2] = {0, 0};
  ck_assert_int_eq(pipe(ends), 0);
  pid_t other = fork();
  if (other == 0) {
    ck_assert_int_eq(e2ee_client_new(2, NAME, &client), 0);
    ck_assert_int_eq(e2ee_client_save(client, key, sizeof key, &blob), 0);
    ck_assert_int_eq(e2ee_key_package_new(client, &package), 0);
    const e2ee_bytes *both[2] = {blob, package};
    for (unsigned i = 0; i < 2; i++) {
      size = e2ee_bytes_size(both[i]);
      ck_assert_int_eq(write(ends[1], &size, sizeof size), sizeof size);
      ck_assert_int_eq(write(ends[1], e2ee_bytes_data(both[i]), size), (ssize_t)size);
    }
    _exit(0);
  }
  for (unsigned i = 0; i < 2; i++) {
    ck_assert_int_eq(read(ends[0], &sizes[i], sizeof sizes[i]), sizeof sizes[i]);
    ck_assert_uint_le(sizes[i], sizeof bytes[i]);
    ck_assert_int_eq(read(ends[0], bytes[i], sizes[i]), (ssize_t)sizes[i]);
  }
  answer_signature = ERR_INTERNAL;
  ck_assert_int_eq(e2ee_client_load(key, sizeof key, bytes[0], sizes[0], &loaded),
                   E2EE_ERR_INTERNAL);
  ck_assert_int_eq(e2ee_key_package_identity(bytes[1], sizes[1], NULL, &size), E2EE_ERR_INTERNAL);
  ck_assert_int_eq(e2ee_client_new_credential(2, E2EE_CREDENTIAL_BASIC, NAME, NULL, 0, &loaded),
                   E2EE_ERR_INTERNAL);
}
END_TEST

static void *make(void *result) {
  const struct suite *suite = NULL;
  *(enum err *)result = provider_init() == OK ? suite_use(2, &suite) : ERR_RANDOM;
  return NULL;
}

START_TEST(many_threads_at_once) {
  pthread_t threads[8];
  enum err results[8];
  for (size_t i = 0; i < 8; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, make, &results[i]), 0);
  for (size_t i = 0; i < 8; i++) {
    ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert_int_eq(results[i], OK);
  }
  ck_assert_uint_eq(tried_dh, 1);
  ck_assert_uint_eq(tried_signature, 1);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("selftest");
  tcase_add_test(tests, not_at_the_start);
  tcase_add_test(tests, once_for_a_curve);
  tcase_add_loop_test(tests, wrong_for_good, 0, 2);
  tcase_add_test(tests, no_memory_passes);
  tcase_add_test(tests, loading_and_reading);
  tcase_add_test(tests, many_threads_at_once);
  return run_case("selftest", tests);
}
