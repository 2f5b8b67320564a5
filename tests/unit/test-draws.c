/*
 * Random numbers that are out of range: another one is drawn.  Once in 2^32 draws or less that happens by
 * itself.
 * SPDX-License-Identifier: ISC
 */
#include <check.h>
#include <string.h>

#include "backends.h"
#include "crypto/dhkem.h"
#include "crypto/hkdf.h"
#include "tests/run.h"

/* ---- Scalars of the NIST curves ---- */

static unsigned spoiled; /* of so many draws to come all bits are set */

void __real_provider_random(uint8_t *out, size_t size);
void __wrap_provider_random(uint8_t *out, size_t size);
void __wrap_provider_random(uint8_t *out, size_t size) {
  __real_provider_random(out, size);
  if (spoiled == 0)
    return;
  spoiled--;
  memset(out, 0xff, size);
}

static const enum signature_id nist[] = {SIGNATURE_P256, SIGNATURE_P384, SIGNATURE_P521};
#define NIST (int)(sizeof nist / sizeof *nist)

START_TEST(private_keys) {
  const struct signature *scheme;
  for (size_t i = 0; (scheme = provider_signature_at(nist[_i], i)) != NULL; i++) {
    uint8_t key[SECRET_MAX], point[SIGNATURE_PUBLIC_MAX], again[SIGNATURE_PUBLIC_MAX];
    spoiled = 3;
    ck_assert_int_eq(scheme->generate(key, point), OK);
    ck_assert_uint_eq(spoiled, 0);
    ck_assert_int_eq(scheme->derive_public(key, again), OK);
    assert_equal(point, again, scheme->public_size);
    assert_no_errors_left();
  }
}
END_TEST

/* OpenSSL draws its own. */
START_TEST(nonces) {
  const struct signature *scheme;
  for (size_t i = 0; (scheme = provider_signature_at(nist[_i], i)) != NULL; i++) {
    uint8_t key[SECRET_MAX], point[SIGNATURE_PUBLIC_MAX], bytes[SIGNATURE_MAX];
    size_t size = 0;
    if (strcmp(scheme->backend, "libtomcrypt") != 0)
      continue;
    ck_assert_int_eq(scheme->generate(key, point), OK);
    spoiled = 3;
    ck_assert_int_eq(scheme->sign(key, VIEW_TEXT("text"), bytes, &size), OK);
    ck_assert_uint_eq(spoiled, 0);
    ck_assert_int_eq(scheme->verify(point, VIEW_TEXT("text"), view_of(bytes, size)), OK);
  }
}
END_TEST

/* ---- DeriveKeyPair (RFC 9180, section 7.1.3) ---- */

static unsigned refused; /* so many candidates to come are out of range */
static uint8_t candidate[SECRET_MAX];

static enum err derive_public(const uint8_t *private_key, uint8_t *public_key) {
  if (refused > 0) {
    refused--;
    return ERR_INVALID_ARG;
  }
  memcpy(candidate, private_key, sizeof candidate);
  memset(public_key, 4, DH_PUBLIC_MAX);
  return OK;
}

/* The candidate of a counter, by the words of the RFC. */
static void expect_candidate(const struct dhkem *dhkem, struct view input, uint8_t counter) {
  const uint8_t kem[] = {'K', 'E', 'M', (uint8_t)(dhkem->kem.id >> 8), (uint8_t)dhkem->kem.id};
  const uint8_t length[] = {0, (uint8_t)dhkem->dh->private_size};
  uint8_t seed[HASH_MAX], expected[SECRET_MAX];
  const struct view extract[] = {VIEW_TEXT("HPKE-v1"), VIEW_ARRAY(kem), VIEW_TEXT("dkp_prk"),
                                 input};
  const struct view expand[] = {VIEW_ARRAY(length), VIEW_TEXT("HPKE-v1"), VIEW_ARRAY(kem),
                                VIEW_TEXT("candidate"), view_of(&counter, 1)};
  ck_assert_int_eq(dhkem->hash->hmac(VIEW_NONE, extract, 4, seed), OK);
  ck_assert_int_eq(hkdf_expand(dhkem->hash, view_of(seed, dhkem->hash->size), expand, 5, expected,
                               dhkem->dh->private_size),
                   OK);
  if (dhkem->dh->private_size == 66)
    expected[0] &= 1;
  assert_equal(candidate, expected, dhkem->dh->private_size);
}

static enum err derive_pair(const struct dhkem *dhkem, struct view input, struct secret *key) {
  uint8_t public_key[DH_PUBLIC_MAX];
  return dhkem->kem.derive_key_pair(&dhkem->kem, input, key, public_key);
}

START_TEST(candidates) {
  static const uint16_t ids[] = {0x0010, 0x0011, 0x0012}; /* P-256, P-384, P-521 */
  struct dhkem dhkem = *(const struct dhkem *)dhkem_find(ids[_i]);
  struct dh dh = *dhkem.dh;
  struct secret key = {0};
  const struct view input = VIEW_TEXT("thirty-two bytes of key material");
  dh.derive_public = derive_public;
  dhkem.dh = &dh;
  for (unsigned first = 0; first < 256; first = 3 * first + 1) {
    refused = first;
    ck_assert_int_eq(derive_pair(&dhkem, input, &key), OK);
    expect_candidate(&dhkem, input, (uint8_t)first);
    ck_assert(view_equal(secret_view(&key), view_of(candidate, dh.private_size)));
  }
  refused = 255;
  ck_assert_int_eq(derive_pair(&dhkem, input, &key), OK);
  expect_candidate(&dhkem, input, 255);
  struct secret before = key;
  refused = 256;
  ck_assert_int_eq(derive_pair(&dhkem, input, &key), ERR_INTERNAL);
  ck_assert_uint_eq(refused, 0);
  ck_assert(view_equal(secret_view(&key), secret_view(&before)));
}
END_TEST

int main(void) {
  if (provider_init() != OK)
    return EXIT_FAILURE;
  TCase *tests = tcase_create("draws");
  tcase_add_loop_test(tests, private_keys, 0, NIST);
  tcase_add_loop_test(tests, nonces, 0, NIST);
  tcase_add_loop_test(tests, candidates, 0, 3);
  return run_case("draws", tests);
}
