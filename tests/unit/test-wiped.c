/*
 * What functions hand to a backend, or get from one, is wiped before they return or call on: seen by
 * backends made for this, which remember where it was.  tests/residue looks at whole calls, whose end
 * overwrites the stack in any case.
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include "crypto/dhkem.h"
#include "crypto/hkdf.h"
#include "crypto/hmac.h"
#include "crypto/hpke.h"
#include "crypto/provider.h"
#include "sframe/key.h"
#include "tests/run.h"

/* ---- A place that was seen, and what was in it ---- */

#define PLACE_MAX 256

static struct place {
  const volatile uint8_t *at;
  size_t size;
  uint8_t held[PLACE_MAX];
} seen;

static void see(const void *memory, size_t size) {
  ck_assert_uint_le(size, PLACE_MAX);
  seen.at = memory;
  seen.size = size;
  memcpy(seen.held, memory, size);
}

/* How many words of eight bytes are there still.  No call comes before this one, so that nothing but the
 * function itself can have overwritten them. */
static inline __attribute__((always_inline)) unsigned words_left(void) {
  unsigned left = 0;
  for (size_t word = 0; word + 8 <= seen.size; word += 8) {
    unsigned same = 0;
    for (size_t i = 0; i < 8; i++)
      same += seen.at[word + i] == seen.held[word + i];
    left += same == 8;
  }
  return left;
}

static void fill(uint8_t *out, size_t size, uint8_t from) {
  for (size_t i = 0; i < size; i++)
    out[i] = (uint8_t)(from + 7 * i);
}

/* ---- Memory that is given back ---- */

static size_t to_be_zero; /* bytes of what is freed next */
static unsigned not_zero;

void __real_mem_free(void *memory);
void __wrap_mem_free(void *memory);
void __wrap_mem_free(void *memory) {
  const uint8_t *bytes = memory;
  for (size_t i = 0; memory != NULL && i < to_be_zero; i++)
    not_zero += bytes[i] != 0;
  if (memory != NULL)
    to_be_zero = 0;
  __real_mem_free(memory);
}

START_TEST(bytes_and_writers) {
  uint8_t secret[48], more[500] = {0};
  struct writer writer = {0};
  struct bytes copy = {NULL, 0};
  memset(secret, 0xa5, sizeof secret);
  write_bytes(&writer, VIEW_ARRAY(secret));
  to_be_zero = sizeof secret;
  write_bytes(&writer, VIEW_ARRAY(more)); /* outgrown */
  ck_assert_uint_eq(to_be_zero, 0);
  to_be_zero = sizeof secret;
  writer_free(&writer);
  ck_assert_uint_eq(to_be_zero, 0);
  ck_assert_int_eq(bytes_copy(&copy, VIEW_ARRAY(secret)), OK);
  to_be_zero = sizeof secret;
  bytes_free(&copy);
  ck_assert_uint_eq(to_be_zero, 0);
  ck_assert_uint_eq(not_zero, 0);
}
END_TEST

/* ---- HMAC's pads ---- */

static void first_seen(const uint8_t *block, uint64_t *state) {
  see(block, 64);
  memset(state, 0, 64);
}

static void rest_ignored(const uint64_t *state, const struct view *parts, size_t count,
                         uint8_t *out) {
  (void)state;
  (void)parts;
  (void)count;
  memset(out, 0, 32);
}

START_TEST(pads_of_hmac) {
  static const struct hmac_hash hash = {
      .size = 32, .block = 64, .first = first_seen, .rest = rest_ignored};
  uint8_t key[64];
  struct hmac_key halves;
  fill(key, sizeof key, 1);
  hmac_key_set(&hash, VIEW_ARRAY(key), &halves);
  unsigned left = words_left();
  ck_assert_uint_eq(left, 0);
}
END_TEST

/* ---- A hash that shows its keys ---- */

static unsigned keys_left; /* of a place that was seen before, when the next call came */
static bool watching;

static enum err hash_digest(const struct view *parts, size_t count, uint8_t *out) {
  (void)parts;
  (void)count;
  fill(out, 32, 3);
  return OK;
}

static enum err hash_hmac(struct view key, const struct view *parts, size_t count, uint8_t *out) {
  (void)key;
  (void)parts;
  (void)count;
  fill(out, 32, 5);
  return OK;
}

static void hash_hmac_key(struct view key, struct hmac_key *out) {
  (void)key;
  fill((uint8_t *)out, sizeof *out, 9);
}

static enum err hash_hmac_keyed(const struct hmac_key *key, const struct view *parts, size_t count,
                                uint8_t *out) {
  (void)parts;
  (void)count;
  if (!watching)
    see(key, sizeof *key);
  fill(out, 32, 11);
  return OK;
}

static const struct hash shown = {.name = "shown",
                                  .size = 32,
                                  .digest = hash_digest,
                                  .hmac = hash_hmac,
                                  .hmac_key = hash_hmac_key,
                                  .hmac_keyed = hash_hmac_keyed};

START_TEST(halves_of_expand) {
  static const uint8_t key[32] = {1};
  uint8_t out[16];
  const struct view info = VIEW_TEXT("info");
  enum err err = hkdf_expand(&shown, VIEW_ARRAY(key), &info, 1, out, sizeof out);
  unsigned left = words_left();
  ck_assert_int_eq(err, OK);
  ck_assert_uint_eq(left, 0);
}
END_TEST

START_TEST(halves_of_a_frame_key) {
  const struct aead *gcm = provider_aead(AEAD_AES128GCM);
  const struct sframe_suite suite = {.id = 4, .hash = &shown, .aead = gcm};
  const struct secret secret = {.size = 32, .bytes = {1}};
  uint8_t key[SFRAME_KEY_MAX], salt[SFRAME_SALT_MAX];
  enum err err = sframe_derive(&suite, &secret, 7, key, salt);
  unsigned left = words_left();
  ck_assert_int_eq(err, OK);
  ck_assert_uint_eq(left, 0);
}
END_TEST

/* ---- A cipher that shows its key ---- */

static unsigned room;

static enum err cipher_key_set(struct aead_key *key, const uint8_t *bytes) {
  (void)key;
  see(bytes, 16);
  watching = false;
  return OK;
}

/* The stack is overwritten behind it as after any key, or this could not be told from that. */
static bool traces_kept;
void __real_traces_wipe(void);
void __wrap_traces_wipe(void);
void __wrap_traces_wipe(void) {
  if (traces_kept)
    keys_left = words_left();
  else
    __real_traces_wipe();
}

START_TEST(bytes_of_a_frame_key) {
  static const struct aead cipher = {.key_size = 16, .nonce_size = 12, .key_set = cipher_key_set};
  const struct sframe_suite suite = {.id = 4, .hash = &shown, .aead = &cipher};
  const struct secret secret = {.size = 32, .bytes = {1}};
  struct sframe_key key = {.aead = &cipher, .cipher = (struct aead_key *)&room};
  keys_left = 99;
  watching = traces_kept = true;
  enum err err = sframe_key_set(&suite, &secret, 7, &key);
  traces_kept = false;
  ck_assert_int_eq(err, OK);
  ck_assert_uint_eq(keys_left, 0);
}
END_TEST

/* ---- A group that shows what it agreed on ---- */

static enum err group_derive_public(const uint8_t *private_key, uint8_t *public_key) {
  (void)private_key;
  fill(public_key, 32, 13);
  return OK;
}

static const uint8_t *agreed; /* where it was put */

static enum err group_agree(const uint8_t *private_key, const uint8_t *public_key,
                            uint8_t *shared) {
  (void)private_key;
  (void)public_key;
  fill(shared, 32, 17);
  agreed = shared;
  return OK;
}

/* What comes after the key agreement may lie where it was, so that only the call tells. */
static bool wiped_there;
void __real_secret_wipe(struct secret *secret);
void __wrap_secret_wipe(struct secret *secret);
void __wrap_secret_wipe(struct secret *secret) {
  wiped_there = wiped_there || (agreed != NULL && agreed == secret->bytes);
  __real_secret_wipe(secret);
}

START_TEST(shared_point_of_hpke) {
  static const struct dh group = {.public_size = 32,
                                  .private_size = 32,
                                  .shared_size = 32,
                                  .derive_public = group_derive_public,
                                  .agree = group_agree};
  struct dhkem kem = *(const struct dhkem *)dhkem_find(0x0020);
  kem.hash = &shown;
  kem.dh = &group;
  const struct suite suite = {.id = 1,
                              .hpke_kdf = 1,
                              .hpke_aead = 1,
                              .hash = &shown,
                              .aead = provider_aead(AEAD_AES128GCM),
                              .kem = &kem.kem};
  static const uint8_t public_key[32] = {1};
  struct bytes kem_output = {NULL, 0}, ciphertext = {NULL, 0};
  ck_assert_int_eq(hpke_seal(&suite, VIEW_ARRAY(public_key), VIEW_NONE, VIEW_NONE,
                             VIEW_TEXT("text"), &kem_output, &ciphertext),
                   OK);
  ck_assert(wiped_there);
  bytes_free(&kem_output);
  bytes_free(&ciphertext);
}
END_TEST

static void set_up(void) {
  ck_assert_int_eq(provider_init(), OK);
}

int main(void) {
  TCase *tests = tcase_create("wiped");
  tcase_add_unchecked_fixture(tests, set_up, NULL);
  tcase_add_test(tests, bytes_and_writers);
  tcase_add_test(tests, pads_of_hmac);
  tcase_add_test(tests, halves_of_expand);
  tcase_add_test(tests, halves_of_a_frame_key);
  tcase_add_test(tests, bytes_of_a_frame_key);
  tcase_add_test(tests, shared_point_of_hpke);
  return run_case("wiped", tests);
}
