/*
 * The backends: hash functions and AEADs, each against every other and against forgeries; how the
 * library starts; and the self test, which has to notice when a backend lies.  Groups and
 * signatures are in test-curves.c.
 * SPDX-License-Identifier: ISC
 */
#include <check.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "backends.h"
#include "crypto/backend.h"
#include "crypto/ctrhmac.h"
#include "crypto/provider.h"
#include "crypto/selftest.h"
#include "crypto/suite.h"
#include "sframe/key.h"
#include "tests/run.h"

#define DATA_MAX 4200
#define PARTS_MAX 4

/* ---- The random source, which this program can make fail ---- */

static bool random_source_fails;

int getentropy(void *buffer, size_t length) {
  if (random_source_fails)
    return -1;
  memset(buffer, 1, length); /* only asked whether it works */
  return 0;
}

static void set_up(void) {
  ck_assert_int_eq(provider_init(), OK);
}

/* ---- Helpers ---- */

static size_t random_below(size_t limit) {
  uint32_t number;
  provider_random((uint8_t *)&number, sizeof number);
  return number % limit;
}

/* Cut bytes into parts, some of them empty, as callers hash and authenticate structs. */
static void cut(struct view bytes, struct view parts[PARTS_MAX]) {
  for (size_t i = 0; i < PARTS_MAX; i++) {
    size_t size = i + 1 == PARTS_MAX ? bytes.size : random_below(bytes.size + 1);
    parts[i] = view_of(bytes.data, size);
    bytes = view_of(bytes.data + size, bytes.size - size);
  }
}

/* Lengths 0 to 300 in a test loop, then one long one. */
#define LENGTHS 302

static size_t length_at(int index) {
  return index < 301 ? (size_t)index : 4096;
}

/* ---- Starting ---- */

START_TEST(test_random_source_fails) {
  random_source_fails = true;
  ck_assert_int_eq(provider_init(), ERR_RANDOM);
  ck_assert_ptr_null(provider_hash(HASH_SHA256));
  ck_assert_ptr_null(suite_find(1));
  struct sframe_suite suite;
  for (uint16_t id = 1; id <= 8; id++)
    ck_assert_int_eq(sframe_suite_find(id, &suite), ERR_UNSUPPORTED);
  random_source_fails = false;
  ck_assert_int_eq(provider_init(), OK);
  ck_assert_ptr_nonnull(suite_find(1));
  random_source_fails = true; /* not asked again */
  ck_assert_int_eq(provider_init(), OK);
  random_source_fails = false;
}
END_TEST

static void *start_and_agree(void *argument) {
  uint8_t key[SECRET_MAX], point[DH_PUBLIC_MAX], shared[SECRET_MAX];
  enum err *result = argument;
  *result = provider_init();
  for (unsigned id = 0; *result == OK && id < DH_COUNT; id++) {
    const struct dh *dh;
    for (size_t i = 0; *result == OK && (dh = provider_dh_at((enum dh_id)id, i)) != NULL; i++) {
      memset(key, 1, sizeof key);
      *result = dh->derive_public(key, point);
      if (*result == OK)
        *result = dh->agree(key, point, shared);
    }
  }
  return NULL;
}

START_TEST(test_start_in_many_threads) {
  pthread_t threads[4];
  enum err results[4];
  for (size_t i = 0; i < 4; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, start_and_agree, &results[i]), 0);
  for (size_t i = 0; i < 4; i++) {
    ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert_int_eq(results[i], OK);
  }
}
END_TEST

START_TEST(test_random) {
  uint8_t a[32] = {0}, b[32] = {0};
  provider_random(a, sizeof a);
  provider_random(b, sizeof b);
  ck_assert(!all_zero(a, sizeof a));
  ck_assert(!view_equal(VIEW_ARRAY(a), VIEW_ARRAY(b)));
}
END_TEST

/* RFC 9180, section 7, of the algorithms that RFC 9420, section 17.1 names: suites 1 to 7. */
static const uint16_t code_points[][3] = {
    {0x0020, 1, 1}, {0x0010, 1, 1}, {0x0020, 1, 3}, {0x0021, 3, 2},
    {0x0012, 3, 2}, {0x0021, 3, 3}, {0x0011, 2, 2},
};

START_TEST(test_suites) {
  static const uint16_t without_openssl[] = {1, 2, 3, 5, 7};
  for (size_t i = 0; i < sizeof without_openssl / sizeof *without_openssl; i++) {
    const struct suite *suite = suite_find(without_openssl[i]);
    ck_assert_ptr_nonnull(suite);
    ck_assert_uint_eq(suite->id, without_openssl[i]);
  }
  ck_assert(!HAVE_OPENSSL == (suite_find(4) == NULL));
  ck_assert(!HAVE_OPENSSL == (suite_find(6) == NULL));
  for (uint16_t i = 0; i < 7; i++) {
    const struct suite *suite = suite_find((uint16_t)(i + 1));
    if (suite == NULL)
      continue;
    ck_assert_uint_eq(suite->kem->id, code_points[i][0]);
    ck_assert_uint_eq(suite->hpke_kdf, code_points[i][1]);
    ck_assert_uint_eq(suite->hpke_aead, code_points[i][2]);
  }
  ck_assert_ptr_null(suite_find(0));
  ck_assert_ptr_null(suite_find(8));
  ck_assert_ptr_null(suite_find(0xffff));
  for (uint16_t i = 0; i < 7; i++)
    ck_assert_uint_eq(suite_id_at(i), i + 1);
  ck_assert_uint_eq(suite_id_at(7), 0);
  ck_assert_uint_eq(suite_id_at(SIZE_MAX), 0);
}
END_TEST

/* What this build must have, so that no other test passes for want of backends. */
START_TEST(test_backends) {
  size_t extra = HAVE_OPENSSL ? 1 : 0;
  for (unsigned id = 0; id < HASH_COUNT; id++) {
    ck_assert_ptr_eq(provider_hash((enum hash_id)id), provider_hash_at((enum hash_id)id, 0));
    ck_assert_ptr_nonnull(provider_hash_at((enum hash_id)id, extra));
  }
  for (unsigned id = 0; id < AEAD_COUNT; id++)
    ck_assert_ptr_nonnull(provider_aead_at((enum aead_id)id, extra));
  for (unsigned id = 0; id < CTR_COUNT; id++)
    ck_assert_ptr_nonnull(provider_ctr_at((enum ctr_id)id, extra));
  for (unsigned id = 0; id < DH_X448; id++)
    ck_assert_ptr_nonnull(provider_dh_at((enum dh_id)id, extra));
  for (unsigned id = 0; id < SIGNATURE_ED448; id++)
    ck_assert_ptr_nonnull(provider_signature_at((enum signature_id)id, extra));
  ck_assert(HAVE_OPENSSL == (provider_dh(DH_X448) != NULL));
  ck_assert(HAVE_OPENSSL == (provider_signature(SIGNATURE_ED448) != NULL));
  ck_assert_ptr_null(provider_hash_at(HASH_SHA256, 9));
}
END_TEST

/* ---- Hash functions ---- */

START_TEST(test_hash) {
  uint8_t data[DATA_MAX], key[200], a[HASH_MAX], b[HASH_MAX];
  provider_random(data, sizeof data);
  struct view whole = view_of(data, length_at(_i)), parts[PARTS_MAX];
  provider_random(key, sizeof key);
  struct view mac_key = view_of(key, (size_t)_i % sizeof key);
  for (unsigned id = 0; id < HASH_COUNT; id++) {
    const struct hash *first = provider_hash((enum hash_id)id), *other;
    for (size_t i = 0; (other = provider_hash_at((enum hash_id)id, i)) != NULL; i++) {
      cut(whole, parts);
      ck_assert_uint_eq(first->size, other->size);
      ck_assert_int_eq(first->digest(&whole, 1, a), OK);
      ck_assert_int_eq(other->digest(parts, PARTS_MAX, b), OK);
      assert_equal(a, b, first->size);
      ck_assert_int_eq(first->hmac(mac_key, &whole, 1, a), OK);
      ck_assert_int_eq(other->hmac(mac_key, parts, PARTS_MAX, b), OK);
      assert_equal(a, b, first->size);
      struct hmac_key halves;
      other->hmac_key(mac_key, &halves);
      for (unsigned times = 0; times < 2; times++) {
        memset(b, 0, sizeof b);
        ck_assert_int_eq(other->hmac_keyed(&halves, parts, PARTS_MAX, b), OK);
        assert_equal(a, b, first->size);
      }
    }
  }
}
END_TEST

START_TEST(test_hash_of_nothing) {
  uint8_t a[HASH_MAX], b[HASH_MAX];
  const struct view empty = VIEW_NONE;
  for (unsigned id = 0; id < HASH_COUNT; id++) {
    const struct hash *hash;
    for (size_t i = 0; (hash = provider_hash_at((enum hash_id)id, i)) != NULL; i++) {
      ck_assert_int_eq(hash->digest(NULL, 0, a), OK);
      ck_assert_int_eq(hash->digest(&empty, 1, b), OK);
      assert_equal(a, b, hash->size);
      ck_assert_int_eq(hash->hmac(VIEW_NONE, NULL, 0, a), OK);
      ck_assert_int_eq(hash->hmac(VIEW_NONE, &empty, 1, b), OK);
      assert_equal(a, b, hash->size);
    }
  }
}
END_TEST

/* ---- AEAD ---- */

struct message {
  uint8_t key[AEAD_KEY_MAX], nonce[AEAD_NONCE_MAX];
  uint8_t plaintext[DATA_MAX], aad_bytes[40], sealed[DATA_MAX];
  struct view aad[PARTS_MAX];
  size_t size;
};

static void message_init(struct message *message, size_t size) {
  provider_random(message->key, sizeof message->key);
  provider_random(message->nonce, sizeof message->nonce);
  provider_random(message->plaintext, sizeof message->plaintext);
  provider_random(message->aad_bytes, sizeof message->aad_bytes);
  message->size = size;
  cut(view_of(message->aad_bytes, size % sizeof message->aad_bytes), message->aad);
}

/* Seals by one backend, also in place, and opens by the other, also in place. */
static void exchange(const struct aead *from, const struct aead *to, struct message *message) {
  struct aead_key *sealing = NULL, *opening = NULL;
  uint8_t buffer[DATA_MAX];
  size_t size = message->size, sealed_size = size + from->tag_size;
  ck_assert_int_eq(from->key_new(message->plaintext, &sealing), OK); /* any other key */
  ck_assert_int_eq(from->key_set(sealing, message->key), OK);
  ck_assert_int_eq(to->key_new(message->key, &opening), OK);
  for (int round = 0; round < 2; round++) { /* a key is used many times, in both directions */
    ck_assert_int_eq(from->seal(sealing, message->nonce, message->aad, PARTS_MAX,
                                view_of(message->plaintext, size), message->sealed),
                     OK);
    memcpy(buffer, message->plaintext, size);
    ck_assert_int_eq(
        from->seal(sealing, message->nonce, message->aad, PARTS_MAX, view_of(buffer, size), buffer),
        OK);
    assert_equal(buffer, message->sealed, sealed_size);
    ck_assert_int_eq(to->open(opening, message->nonce, message->aad, PARTS_MAX,
                              view_of(buffer, sealed_size), buffer),
                     OK);
    assert_equal(buffer, message->plaintext, size);
    memset(buffer, 0xaa, sizeof buffer);
    ck_assert_int_eq(from->open(sealing, message->nonce, message->aad, PARTS_MAX,
                                view_of(message->sealed, sealed_size), buffer),
                     OK);
    assert_equal(buffer, message->plaintext, size);
    ck_assert_uint_eq(buffer[size], 0xaa);
  }
  from->key_free(sealing);
  to->key_free(opening);
}

START_TEST(test_aead) {
  struct message message;
  message_init(&message, length_at(_i));
  for (unsigned id = 0; id < AEAD_COUNT; id++) {
    const struct aead *from, *to;
    for (size_t i = 0; (from = provider_aead_at((enum aead_id)id, i)) != NULL; i++)
      for (size_t j = 0; (to = provider_aead_at((enum aead_id)id, j)) != NULL; j++)
        exchange(from, to, &message);
  }
}
END_TEST

static void assert_refused(const struct aead *aead, struct aead_key *key,
                           const struct message *message, const uint8_t *nonce,
                           const struct view *aad, struct view sealed) {
  uint8_t buffer[DATA_MAX];
  size_t size = sealed.size - aead->tag_size;
  memset(buffer, 0xaa, sizeof buffer);
  ck_assert_int_eq(aead->open(key, nonce, aad, PARTS_MAX, sealed, buffer), ERR_AUTH);
  ck_assert(all_zero(buffer, size)); /* no unauthenticated plaintext */
  ck_assert_uint_eq(buffer[size], 0xaa);
  assert_no_errors_left();
  /* The key works on. */
  ck_assert_int_eq(aead->open(key, message->nonce, message->aad, PARTS_MAX,
                              view_of(message->sealed, message->size + aead->tag_size), buffer),
                   OK);
  assert_equal(buffer, message->plaintext, message->size);
}

static void tamper(const struct aead *aead, struct message *message) {
  struct aead_key *key = NULL;
  uint8_t altered[DATA_MAX];
  size_t sealed_size = message->size + aead->tag_size;
  ck_assert_int_eq(aead->key_new(message->key, &key), OK);
  ck_assert_int_eq(aead->seal(key, message->nonce, message->aad, PARTS_MAX,
                              view_of(message->plaintext, message->size), message->sealed),
                   OK);
  for (size_t bit = 0; bit < 8 * sealed_size; bit += 8 * sealed_size < 400 ? 1 : 37) {
    memcpy(altered, message->sealed, sealed_size);
    altered[bit / 8] ^= (uint8_t)(1 << bit % 8);
    assert_refused(aead, key, message, message->nonce, message->aad, view_of(altered, sealed_size));
  }
  uint8_t nonce[AEAD_NONCE_MAX];
  memcpy(nonce, message->nonce, sizeof nonce);
  nonce[11] ^= 1;
  assert_refused(aead, key, message, nonce, message->aad, view_of(message->sealed, sealed_size));
  struct view aad[PARTS_MAX];
  memcpy(aad, message->aad, sizeof aad);
  aad[1] = VIEW_TEXT("not what was authenticated");
  assert_refused(aead, key, message, message->nonce, aad, view_of(message->sealed, sealed_size));
  for (size_t size = aead->tag_size; size < sealed_size; size++)
    assert_refused(aead, key, message, message->nonce, message->aad,
                   view_of(message->sealed, size));
  aead->key_free(key);
}

START_TEST(test_aead_tampered) {
  struct message message;
  static const size_t sizes[] = {0, 1, 15, 16, 17, 100};
  message_init(&message, sizes[_i]);
  for (unsigned id = 0; id < AEAD_COUNT; id++) {
    const struct aead *aead;
    for (size_t i = 0; (aead = provider_aead_at((enum aead_id)id, i)) != NULL; i++)
      tamper(aead, &message);
  }
}
END_TEST

START_TEST(test_aead_free_nothing) {
  for (unsigned id = 0; id < AEAD_COUNT; id++) {
    const struct aead *aead;
    for (size_t i = 0; (aead = provider_aead_at((enum aead_id)id, i)) != NULL; i++)
      aead->key_free(NULL);
  }
}
END_TEST

/* More than backends count in an int is refused before any of it is read. */
static void expect_limit(const struct aead *aead) {
  static const uint8_t key[CTRHMAC_KEY_MAX], nonce[AEAD_NONCE_MAX];
  struct aead_key *made = NULL;
  uint8_t out[1];
  const size_t size = (size_t)AEAD_MESSAGE_MAX + 1;
  ck_assert_int_eq(aead->key_new(key, &made), OK);
  ck_assert_int_eq(aead->seal(made, nonce, NULL, 0, view_of(key, size), out), ERR_LIMIT);
  ck_assert_int_eq(aead->open(made, nonce, NULL, 0, view_of(key, size + aead->tag_size), out),
                   ERR_LIMIT);
  aead->key_free(made);
}

START_TEST(test_aead_limit) {
  const struct aead *aead;
  for (unsigned id = 0; id < AEAD_COUNT; id++)
    for (size_t i = 0; (aead = provider_aead_at((enum aead_id)id, i)) != NULL; i++)
      expect_limit(aead);
  expect_limit(&ctrhmac_aes128_sha256_80);
  expect_limit(&ctrhmac_aes256_sha512_80);
}
END_TEST

/* What is sealed with more additional data than an AEAD takes is wiped. */
static void expect_too_much(const struct aead *aead, const struct view *aad, size_t count) {
  static const uint8_t key[CTRHMAC_KEY_MAX], nonce[AEAD_NONCE_MAX];
  struct aead_key *made = NULL;
  uint8_t bytes[16 + AEAD_TAG_MAX];
  const size_t size = 16 + aead->tag_size;
  ck_assert_int_eq(aead->key_new(key, &made), OK);
  memset(bytes, 0xaa, sizeof bytes);
  ck_assert_int_ne(aead->seal(made, nonce, aad, count, view_of(bytes, 16), bytes), OK);
  ck_assert(all_zero(bytes, size));
  memset(bytes, 0xaa, sizeof bytes);
  ck_assert_int_ne(aead->open(made, nonce, aad, count, view_of(bytes, size), bytes), OK);
  ck_assert(all_zero(bytes, 16));
  assert_no_errors_left();
  aead->key_free(made);
}

/* OpenSSL counts them in an int; the composed AEADs have room for the parts that a frame has. */
START_TEST(test_aead_additional_limit) {
  static const uint8_t byte;
  const struct view long_one = view_of(&byte, SIZE_MAX / 2 + 2), parts[6] = {{0}};
  const struct aead *aead;
  for (unsigned id = 0; id < AEAD_COUNT; id++)
    for (size_t i = 0; (aead = provider_aead_at((enum aead_id)id, i)) != NULL; i++)
      if (strcmp(aead->backend, "OpenSSL") == 0)
        expect_too_much(aead, &long_one, 1);
  expect_too_much(&ctrhmac_aes128_sha256_80, parts, 6);
  expect_too_much(&ctrhmac_aes256_sha512_80, parts, 6);
}
END_TEST

/* ---- Counter mode ---- */

/* By one backend, in place and not, and back by the other; counters that overflow at any place. */
static void count_along(const struct ctr *from, const struct ctr *to, struct view plaintext) {
  struct ctr_key *one = NULL, *two = NULL;
  uint8_t key[AEAD_KEY_MAX], other_key[AEAD_KEY_MAX] = {0}, block[CTR_BLOCK_SIZE];
  uint8_t out[DATA_MAX], buffer[DATA_MAX];
  provider_random(key, sizeof key);
  ck_assert_int_eq(from->key_new(other_key, &one), OK);
  ck_assert_int_eq(from->key_set(one, key), OK);
  ck_assert_int_eq(to->key_new(key, &two), OK);
  for (size_t ones = 0; ones <= sizeof block; ones++) {
    provider_random(block, sizeof block);
    memset(block + sizeof block - ones, 0xff, ones);
    memset(out, 0xaa, sizeof out);
    ck_assert_int_eq(from->apply(one, block, plaintext, out), OK);
    ck_assert_uint_eq(out[plaintext.size], 0xaa);
    memcpy(buffer, plaintext.data, plaintext.size);
    ck_assert_int_eq(from->apply(one, block, view_of(buffer, plaintext.size), buffer), OK);
    assert_equal(buffer, out, plaintext.size);
    ck_assert_int_eq(to->apply(two, block, view_of(buffer, plaintext.size), buffer), OK);
    assert_equal(buffer, plaintext.data, plaintext.size);
  }
  from->key_free(one);
  to->key_free(two);
  to->key_free(NULL);
}

START_TEST(test_ctr) {
  uint8_t data[DATA_MAX];
  provider_random(data, sizeof data);
  const struct view plaintext = view_of(data, length_at(_i));
  for (unsigned id = 0; id < CTR_COUNT; id++) {
    const struct ctr *from, *to;
    for (size_t i = 0; (from = provider_ctr_at((enum ctr_id)id, i)) != NULL; i++)
      for (size_t j = 0; (to = provider_ctr_at((enum ctr_id)id, j)) != NULL; j++)
        count_along(from, to, plaintext);
  }
}
END_TEST

/* ---- The self test: tables that lie in one place ---- */

static const struct hash *true_hash;
static const struct aead *true_aead;
static const struct ctr *true_ctr;
static const struct dh *true_dh;
static const struct signature *true_signature;

static enum err lying_digest(const struct view *parts, size_t count, uint8_t *out) {
  enum err err = true_hash->digest(parts, count, out);
  out[true_hash->size - 1] ^= 1;
  return err;
}

static enum err lying_hmac(struct view key, const struct view *parts, size_t count, uint8_t *out) {
  enum err err = true_hash->hmac(key, parts, count, out);
  out[0] ^= 0x80;
  return err;
}

static enum err lying_hmac_keyed(const struct hmac_key *key, const struct view *parts, size_t count,
                                 uint8_t *out) {
  enum err err = true_hash->hmac_keyed(key, parts, count, out);
  out[0] ^= 0x80;
  return err;
}

static enum err lying_seal(struct aead_key *key, const uint8_t *nonce, const struct view *aad,
                           size_t aad_count, struct view plaintext, uint8_t *out) {
  enum err err = true_aead->seal(key, nonce, aad, aad_count, plaintext, out);
  out[plaintext.size] ^= 1; /* the tag */
  return err;
}

/* Takes every tag for right. */
static enum err credulous_open(struct aead_key *key, const uint8_t *nonce, const struct view *aad,
                               size_t aad_count, struct view ciphertext, uint8_t *out) {
  enum err err = true_aead->open(key, nonce, aad, aad_count, ciphertext, out);
  return err == ERR_AUTH ? OK : err;
}

/* Opens what it sealed itself to something else. */
static enum err lying_open(struct aead_key *key, const uint8_t *nonce, const struct view *aad,
                           size_t aad_count, struct view ciphertext, uint8_t *out) {
  enum err err = true_aead->open(key, nonce, aad, aad_count, ciphertext, out);
  out[0] ^= 1;
  return err;
}

static enum err lying_apply(struct ctr_key *key, const uint8_t *block, struct view input,
                            uint8_t *out) {
  enum err err = true_ctr->apply(key, block, input, out);
  out[input.size - 1] ^= 1;
  return err;
}

/* Right in one direction alone: the known answer's end is told from a plaintext's. */
static enum err one_way_apply(struct ctr_key *key, const uint8_t *block, struct view input,
                              uint8_t *out) {
  enum err err = true_ctr->apply(key, block, input, out);
  out[0] ^= out[0] == 't' ? 1 : 0;
  return err;
}

static enum err failing_key_new(const uint8_t *key, struct aead_key **out) {
  (void)key;
  (void)out;
  return ERR_NOMEM;
}

static enum err lying_agree(const uint8_t *private_key, const uint8_t *public_key,
                            uint8_t *shared) {
  enum err err = true_dh->agree(private_key, public_key, shared);
  shared[0] ^= 1;
  return err;
}

/* Takes every public key for good. */
static enum err credulous_agree(const uint8_t *private_key, const uint8_t *public_key,
                                uint8_t *shared) {
  enum err err = true_dh->agree(private_key, public_key, shared);
  return err == ERR_MALFORMED ? OK : err;
}

static enum err credulous_verify(const uint8_t *public_key, struct view message,
                                 struct view signature) {
  (void)true_signature->verify(public_key, message, signature);
  return OK;
}

static enum err refusing_verify(const uint8_t *public_key, struct view message,
                                struct view signature) {
  (void)true_signature->verify(public_key, message, signature);
  return ERR_SIGNATURE;
}

static enum err lying_sign(const uint8_t *private_key, struct view message, uint8_t *out,
                           size_t *size) {
  enum err err = true_signature->sign(private_key, message, out, size);
  out[*size - 1] ^= 1;
  return err;
}

START_TEST(test_selftest_of_backends) {
  for (unsigned id = 0; id < HASH_COUNT; id++)
    for (size_t i = 0; (true_hash = provider_hash_at((enum hash_id)id, i)) != NULL; i++) {
      ck_assert_int_eq(selftest_hash((enum hash_id)id, true_hash), OK);
      struct hash broken = *true_hash;
      broken.digest = lying_digest;
      ck_assert_int_eq(selftest_hash((enum hash_id)id, &broken), ERR_INTERNAL);
      broken = *true_hash;
      broken.hmac = lying_hmac;
      ck_assert_int_eq(selftest_hash((enum hash_id)id, &broken), ERR_INTERNAL);
      broken = *true_hash;
      broken.hmac_keyed = lying_hmac_keyed;
      ck_assert_int_eq(selftest_hash((enum hash_id)id, &broken), ERR_INTERNAL);
      broken = *true_hash;
      broken.size--;
      ck_assert_int_eq(selftest_hash((enum hash_id)id, &broken), ERR_INTERNAL);
    }
  for (unsigned id = 0; id < AEAD_COUNT; id++)
    for (size_t i = 0; (true_aead = provider_aead_at((enum aead_id)id, i)) != NULL; i++) {
      ck_assert_int_eq(selftest_aead((enum aead_id)id, true_aead), OK);
      struct aead broken = *true_aead;
      broken.seal = lying_seal;
      ck_assert_int_eq(selftest_aead((enum aead_id)id, &broken), ERR_INTERNAL);
      broken = *true_aead;
      broken.open = credulous_open;
      ck_assert_int_eq(selftest_aead((enum aead_id)id, &broken), ERR_INTERNAL);
      broken.open = lying_open;
      ck_assert_int_eq(selftest_aead((enum aead_id)id, &broken), ERR_INTERNAL);
      broken = *true_aead;
      broken.tag_size++;
      ck_assert_int_eq(selftest_aead((enum aead_id)id, &broken), ERR_INTERNAL);
      broken = *true_aead;
      broken.key_new = failing_key_new;
      ck_assert_int_eq(selftest_aead((enum aead_id)id, &broken), ERR_NOMEM);
    }
  for (unsigned id = 0; id < CTR_COUNT; id++)
    for (size_t i = 0; (true_ctr = provider_ctr_at((enum ctr_id)id, i)) != NULL; i++) {
      ck_assert_int_eq(selftest_ctr((enum ctr_id)id, true_ctr), OK);
      struct ctr broken = *true_ctr;
      broken.apply = lying_apply;
      ck_assert_int_eq(selftest_ctr((enum ctr_id)id, &broken), ERR_INTERNAL);
      broken.apply = one_way_apply;
      ck_assert_int_eq(selftest_ctr((enum ctr_id)id, &broken), ERR_INTERNAL);
    }
}
END_TEST

START_TEST(test_selftest_of_curves) {
  for (unsigned id = 0; id < DH_COUNT; id++)
    for (size_t i = 0; (true_dh = provider_dh_at((enum dh_id)id, i)) != NULL; i++) {
      ck_assert_int_eq(selftest_dh((enum dh_id)id, true_dh), OK);
      struct dh broken = *true_dh;
      broken.agree = lying_agree;
      ck_assert_int_eq(selftest_dh((enum dh_id)id, &broken), ERR_INTERNAL);
      broken.agree = credulous_agree;
      ck_assert_int_eq(selftest_dh((enum dh_id)id, &broken), ERR_INTERNAL);
    }
  for (unsigned id = 0; id < SIGNATURE_COUNT; id++)
    for (size_t i = 0; (true_signature = provider_signature_at((enum signature_id)id, i)) != NULL;
         i++) {
      ck_assert_int_eq(selftest_signature((enum signature_id)id, true_signature), OK);
      struct signature broken = *true_signature;
      broken.verify = credulous_verify;
      ck_assert_int_eq(selftest_signature((enum signature_id)id, &broken), ERR_INTERNAL);
      broken.verify = refusing_verify;
      ck_assert_int_eq(selftest_signature((enum signature_id)id, &broken), ERR_INTERNAL);
      broken = *true_signature;
      broken.sign = lying_sign;
      ck_assert_int_eq(selftest_signature((enum signature_id)id, &broken), ERR_INTERNAL);
    }
}
END_TEST

int main(void) {
  TCase *start = tcase_create("start"); /* first: nothing may have started the library before */
  tcase_set_timeout(start, 120);
  tcase_add_test(start, test_random_source_fails);
  tcase_add_test(start, test_start_in_many_threads);
  TCase *backends = tcase_create("backends");
  tcase_set_timeout(backends, 120);
  tcase_add_unchecked_fixture(backends, set_up, NULL);
  tcase_add_test(backends, test_random);
  tcase_add_test(backends, test_suites);
  tcase_add_test(backends, test_backends);
  tcase_add_loop_test(backends, test_hash, 0, LENGTHS);
  tcase_add_test(backends, test_hash_of_nothing);
  tcase_add_loop_test(backends, test_aead, 0, LENGTHS);
  tcase_add_loop_test(backends, test_aead_tampered, 0, 6);
  tcase_add_test(backends, test_aead_free_nothing);
  tcase_add_test(backends, test_aead_limit);
  tcase_add_test(backends, test_aead_additional_limit);
  tcase_add_loop_test(backends, test_ctr, 1, LENGTHS);
  tcase_add_test(backends, test_selftest_of_backends);
  tcase_add_test(backends, test_selftest_of_curves);
  Suite *all = suite_create("crypto");
  suite_add_tcase(all, start);
  suite_add_tcase(all, backends);
  return run_suite(all);
}
