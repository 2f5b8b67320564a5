/*
 * The key packages that a client keeps: listed, removed, wiped when they are long over, and looked for.
 * SPDX-License-Identifier: ISC
 */
#include <e2ee/mls.h>
#include <string.h>
#include <time.h>

#include "fixture.h"
#include "mls/wire/message.h"
#include "mls/wire/welcome.h"
#include "tests/run.h"

#define MADE 1000000u
#define LASTS 500u
#define SKEW 86400u

/* ---- A clock that the test sets ---- */

static enum { CLOCK_GOES, CLOCK_FAILS, CLOCK_BEFORE_1970 } clock_now;

int __real_clock_gettime(clockid_t id, struct timespec *out);
int __wrap_clock_gettime(clockid_t id, struct timespec *out);
int __wrap_clock_gettime(clockid_t id, struct timespec *out) {
  int result = __real_clock_gettime(id, out);
  if (clock_now == CLOCK_BEFORE_1970)
    out->tv_sec = -1;
  return clock_now == CLOCK_FAILS ? -1 : result;
}

/* ---- What tests share ---- */

static const uint8_t key[32] = {9};
static struct member alice, bob;

static void setup(void) {
  alice = member_new("alice");
  bob = member_new("bob");
}

static void teardown(void) {
  member_free(&alice);
  member_free(&bob);
}

static void set(uint32_t setting, uint64_t value) {
  ck_assert_done(&bob, e2ee_client_set(bob.client, setting, value));
}

static uint32_t count(void) {
  uint32_t result = 0;
  ck_assert_done(&bob, e2ee_client_key_packages(bob.client, &result));
  return result;
}

static e2ee_own_key_package shown(uint32_t index) {
  e2ee_own_key_package out;
  ck_assert_done(&bob, e2ee_client_key_package(bob.client, index, &out, sizeof out));
  return out;
}

static void save(void) {
  e2ee_bytes *blob = NULL;
  ck_assert_done(&bob, e2ee_client_save(bob.client, key, sizeof key, &blob));
  e2ee_bytes_free(blob);
}

/* Bob makes one.  Its KeyPackageRef is in `ref`. */
static e2ee_bytes *made(uint8_t ref[32]) {
  size_t size = 32;
  e2ee_bytes *package = key_package_of(&bob);
  ck_assert_int_eq(e2ee_key_package_ref(BYTES(package), ref, &size), E2EE_OK);
  ck_assert_uint_eq(size, 32);
  return package;
}

START_TEST(listed_and_removed) {
  uint8_t refs[3][32];
  e2ee_bytes *package = NULL;
  set(E2EE_SET_TIME, MADE);
  set(E2EE_SET_KEY_PACKAGE_SECONDS, LASTS);
  ck_assert_uint_eq(count(), 0);
  for (size_t i = 0; i < 3; i++)
    e2ee_bytes_free(made(refs[i]));
  ck_assert_done(&bob, e2ee_key_package_new_last_resort(bob.client, &package));
  ck_assert_uint_eq(count(), 4);
  for (uint32_t i = 0; i < 4; i++) {
    e2ee_own_key_package own = shown(i);
    ck_assert_uint_eq(own.not_before, MADE - 3600);
    ck_assert_uint_eq(own.not_after, MADE + LASTS);
    ck_assert_uint_eq(own.flags, i == 3 ? E2EE_OWN_KEY_PACKAGE_FLAG_LAST_RESORT : 0);
    ck_assert_uint_eq(own.joined, 0);
    ck_assert_uint_eq(own.ref_len, 32);
    if (i < 3)
      ck_assert_mem_eq(own.ref, refs[i], 32);
  }
  ck_assert_done(&bob, e2ee_client_remove_key_package(bob.client, refs[1], 32));
  ck_assert_uint_eq(count(), 3);
  ck_assert_mem_eq(shown(0).ref, refs[0], 32);
  ck_assert_mem_eq(shown(1).ref, refs[2], 32);
  ck_assert_returns(&bob, e2ee_client_remove_key_package(bob.client, refs[1], 32),
                    E2EE_ERR_NOT_FOUND);
  ck_assert_returns(&bob, e2ee_client_remove_key_package(bob.client, refs[0], 31),
                    E2EE_ERR_NOT_FOUND);
  e2ee_own_key_package out;
  ck_assert_returns(&bob, e2ee_client_key_package(bob.client, 3, &out, sizeof out),
                    E2EE_ERR_NOT_FOUND);
  ck_assert_int_eq(e2ee_client_key_package(bob.client, 0, &out, 0), E2EE_ERR_INVALID_ARG);
  ck_assert_uint_eq(count(), 3);
  e2ee_bytes_free(package);
}
END_TEST

START_TEST(ref_of_what_is_none) {
  uint8_t ref[64];
  size_t size = sizeof ref;
  e2ee_bytes *package = made(ref);
  uint8_t copy[2000];
  ck_assert_uint_le(e2ee_bytes_size(package), sizeof copy);
  memcpy(copy, e2ee_bytes_data(package), e2ee_bytes_size(package));
  copy[7] = 99; /* version and wire format, version, suite */
  ck_assert_int_eq(e2ee_key_package_ref(copy, e2ee_bytes_size(package), ref, &size),
                   E2EE_ERR_UNSUPPORTED);
  memcpy(copy, e2ee_bytes_data(package), e2ee_bytes_size(package));
  copy[5] = 99;
  ck_assert_int_eq(e2ee_key_package_ref(copy, e2ee_bytes_size(package), ref, &size),
                   E2EE_ERR_UNSUPPORTED);
  ck_assert_int_eq(e2ee_key_package_ref(copy, 20, ref, &size), E2EE_ERR_MALFORMED);
  ck_assert_int_eq(e2ee_key_package_ref(NULL, 0, ref, &size), E2EE_ERR_INVALID_ARG);
  ck_assert_int_eq(e2ee_key_package_ref(BYTES(package), ref, NULL), E2EE_ERR_INVALID_ARG);
  size = 31;
  ck_assert_int_eq(e2ee_key_package_ref(BYTES(package), ref, &size), E2EE_ERR_BUFFER_TOO_SMALL);
  ck_assert_uint_eq(size, 32);
  e2ee_bytes_free(package);
}
END_TEST

/* Without a time it is the year 1970. */
START_TEST(without_a_clock) {
  uint8_t ref[32];
  set(E2EE_SET_KEY_PACKAGE_SECONDS, LASTS);
  clock_now = _i == 0 ? CLOCK_FAILS : CLOCK_BEFORE_1970;
  e2ee_bytes_free(made(ref));
  clock_now = CLOCK_GOES;
  ck_assert_uint_eq(shown(0).not_before, 0);
  ck_assert_uint_eq(shown(0).not_after, LASTS);
}
END_TEST

/* A Welcome may be on its way for as long as clocks may differ. */
START_TEST(purged_when_long_over) {
  uint8_t refs[2][32];
  e2ee_bytes *welcome = NULL;
  set(E2EE_SET_TIME, MADE);
  set(E2EE_SET_KEY_PACKAGE_SECONDS, LASTS);
  e2ee_bytes *package = made(refs[0]);
  ck_assert_done(&alice, e2ee_client_set(alice.client, E2EE_SET_TIME, MADE));
  ck_assert_done(&alice, e2ee_group_new(alice.client, TEXT("x"), &alice.group));
  e2ee_bytes *message = build_commit(&alice, package, UINT32_MAX, &welcome);
  ck_assert_done(&alice, e2ee_group_commit_accepted(alice.group));
  e2ee_bytes_free(made(refs[1]));

  set(E2EE_SET_TIME, MADE + LASTS + SKEW);
  save();
  ck_assert_uint_eq(count(), 2);
  join(&bob, welcome);
  expect_agreement(&alice, &bob);
  ck_assert_uint_eq(count(), 1);
  set(E2EE_SET_TIME, MADE + LASTS + SKEW + 1);
  ck_assert_uint_eq(count(), 1);
  save();
  ck_assert_uint_eq(count(), 0);
  e2ee_bytes_free(package);
  e2ee_bytes_free(welcome);
  e2ee_bytes_free(message);

  /* Making one does the same, and a smaller skew leaves less. */
  set(E2EE_SET_TIME, MADE);
  for (size_t i = 0; i < 1000; i++)
    e2ee_bytes_free(made(refs[0]));
  set(E2EE_SET_CLOCK_SKEW_SECONDS, 0);
  set(E2EE_SET_TIME, MADE + LASTS);
  e2ee_bytes_free(made(refs[0]));
  ck_assert_uint_eq(count(), 1001);
  set(E2EE_SET_TIME, MADE + LASTS + 1);
  e2ee_bytes_free(made(refs[1]));
  ck_assert_uint_eq(count(), 2);
  ck_assert_mem_eq(shown(0).ref, refs[0], 32);
  ck_assert_mem_eq(shown(1).ref, refs[1], 32);
}
END_TEST

/* ---- Welcomes for others ---- */

#define STRANGERS 40000u

/* A Welcome for so many key packages of nobody here. */
static struct bytes welcome_of_strangers(void) {
  uint8_t ref[32] = {0};
  struct writer secrets = {0}, message = {0};
  struct bytes out = {0};
  for (uint32_t i = 0; i < STRANGERS; i++) {
    memcpy(ref, &i, sizeof i);
    struct encrypted_group_secrets entry = {.new_member = VIEW_ARRAY(ref)};
    encrypted_group_secrets_write(&secrets, &entry);
  }
  struct welcome welcome = {.cipher_suite = SUITE, .secrets = writer_view(&secrets)};
  message_write_header(&message, WIRE_WELCOME);
  welcome_write(&message, &welcome);
  ck_assert_int_eq(writer_take(&message, &out), OK);
  writer_free(&secrets);
  return out;
}

/* The time of this thread that it takes to say that it is not for bob, in nanoseconds. */
static double time_of(const struct bytes *welcome) {
  struct timespec from, to;
  e2ee_incoming *incoming = NULL;
  ck_assert_int_eq(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from), 0);
  ck_assert_returns(&bob,
                    e2ee_welcome_open(bob.client, welcome->data, welcome->size, NULL, 0, &incoming),
                    E2EE_ERR_NOT_FOUND);
  ck_assert_int_eq(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to), 0);
  return (double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec);
}

/* What a stranger's list costs does not grow with the key packages that were published. */
START_TEST(list_of_strangers) {
  uint8_t ref[32];
  struct bytes welcome = welcome_of_strangers();
  e2ee_bytes_free(made(ref));
  double before = time_of(&welcome);
  for (size_t i = 0; i < 500; i++)
    e2ee_bytes_free(made(ref));
  double after = time_of(&welcome);
  ck_assert_msg(after < 15 * before, "%.0f ns, and %.0f with 500 key packages", before, after);
  bytes_free(&welcome);
}
END_TEST

int main(void) {
  TCase *cases = tcase_create("own key packages");
  tcase_add_checked_fixture(cases, setup, teardown);
  tcase_set_timeout(cases, 60);
  tcase_add_test(cases, listed_and_removed);
  tcase_add_test(cases, ref_of_what_is_none);
  tcase_add_loop_test(cases, without_a_clock, 0, 2);
  tcase_add_test(cases, purged_when_long_over);
  tcase_add_test(cases, list_of_strangers);
  return run_case("own-keypackages", cases);
}
