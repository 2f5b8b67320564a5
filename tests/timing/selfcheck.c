/*
 * What must be noticed, or this test would prove nothing: each case leaks a secret, and fails
 * unless valgrind says so.
 * SPDX-License-Identifier: ISC
 */
#include "crypto/kdf.h"
#include "crypto/provider.h"
#include "timing.h"

static volatile unsigned sink;

static uint8_t secret_byte(void) {
  uint8_t byte = 42;
  hide(&byte, sizeof byte);
  return byte;
}

static bool branch(unsigned unused) {
  (void)unused;
  if (secret_byte() > 7)
    sink++;
  return true;
}

static bool address(unsigned unused) {
  static const uint8_t table[256] = {1, 2, 3};
  (void)unused;
  sink += table[secret_byte()];
  return true;
}

/* A secret that the library has drawn, in the comparison that is meant for public data. */
static bool comparison(unsigned unused) {
  struct secret a = {0}, b = {0};
  (void)unused;
  MUST(provider_random_secret(&a, 32));
  MUST(provider_random_secret(&b, 32));
  EXPECT(all_hidden(a.bytes, a.size) && all_shown(&a.size, sizeof a.size));
  sink += view_equal(secret_view(&a), secret_view(&b));
  return true;
}

/* A secret that has been encrypted and decrypted. */
static bool decrypted(unsigned unused) {
  uint8_t data[64] = {0}, key[16] = {0}, nonce[12] = {0};
  const struct aead *aead = provider_aead(AEAD_AES128GCM);
  struct aead_key *state = NULL;
  (void)unused;
  hide(data, 20);
  hide(key, sizeof key);
  MUST(aead->key_new(key, &state));
  MUST(aead->seal(state, nonce, NULL, 0, view_of(data, 40), data));
  EXPECT(all_shown(data, 56));
  MUST(aead->open(state, nonce, NULL, 0, view_of(data, 56), data));
  aead->key_free(state);
  EXPECT(all_hidden(data, 20) && all_shown(data + 20, 20));
  if (data[3] == 0)
    sink++;
  return true;
}

const struct timing_case timing_self_checks[] = {
    {"self-check/branch", branch, 0},
    {"self-check/address", address, 0},
    {"self-check/comparison", comparison, 0},
    {"self-check/decrypted", decrypted, 0},
    {NULL, NULL, 0},
};
