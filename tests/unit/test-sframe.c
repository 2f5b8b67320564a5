/*
 * SFrame: headers, keys, frames and replay windows (RFC 9605), without MLS.
 * SPDX-License-Identifier: ISC
 */
#include <check.h>
#include <string.h>

#include "crypto/provider.h"
#include "sframe/partial.h"
#include "sframe/replay.h"
#include "tests/run.h"

/* ---- Headers ---- */

static enum err read_header(const uint8_t *bytes, size_t size, struct sframe_header *out) {
  return sframe_header_read(view_of(bytes, size), out);
}

/* Every length of both values, at both ends of its range. */
START_TEST(header_boundaries) {
  uint64_t values[2 * 9 + 1] = {0, 1, 7, 8};
  size_t count = 4;
  for (unsigned bits = 8; bits < 64; bits += 8) {
    values[count++] = ((uint64_t)1 << bits) - 1;
    values[count++] = (uint64_t)1 << bits;
  }
  values[count++] = UINT64_MAX;
  for (size_t k = 0; k < count; k++)
    for (size_t c = 0; c < count; c++) {
      uint8_t bytes[SFRAME_HEADER_MAX + 1];
      size_t size = sframe_header_write(values[k], values[c], bytes);
      ck_assert_uint_le(size, SFRAME_HEADER_MAX);
      bytes[size] = 0xff; /* what follows is none of the header's business */
      struct sframe_header header;
      ck_assert_int_eq(read_header(bytes, size + 1, &header), OK);
      ck_assert_uint_eq(header.kid, values[k]);
      ck_assert_uint_eq(header.counter, values[c]);
      ck_assert_uint_eq(header.size, size);
      for (size_t shorter = 0; shorter < size; shorter++)
        ck_assert_int_eq(read_header(bytes, shorter, &header), ERR_MALFORMED);
    }
}
END_TEST

/* RFC 9605, section 4.3: the four forms, byte by byte. */
START_TEST(header_forms) {
  static const struct {
    uint64_t kid, counter;
    size_t size;
    uint8_t bytes[5];
  } forms[] = {
      {7, 7, 1, {0x77}},
      {7, 8, 2, {0x78, 0x08}},
      {8, 7, 2, {0x87, 0x08}},
      {0xff, 0x100, 4, {0x89, 0xff, 0x01, 0x00}},
      {0x123, 0x4567, 5, {0x99, 0x01, 0x23, 0x45, 0x67}},
  };
  for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
    uint8_t bytes[SFRAME_HEADER_MAX];
    ck_assert_uint_eq(sframe_header_write(forms[i].kid, forms[i].counter, bytes), forms[i].size);
    ck_assert_mem_eq(bytes, forms[i].bytes, forms[i].size);
  }
}
END_TEST

START_TEST(header_not_minimal) {
  static const struct {
    size_t size;
    uint8_t bytes[10];
  } bad[] = {
      {2, {0x80, 0x00}},                         /* KID 0 in a byte */
      {2, {0x80, 0x07}},                         /* KID 7 in a byte */
      {2, {0x08, 0x00}},                         /* CTR 0 in a byte */
      {2, {0x08, 0x07}},                         /* CTR 7 in a byte */
      {3, {0x90, 0x00, 0xff}},                   /* KID 255 in two */
      {3, {0x09, 0x00, 0xff}},                   /* CTR 255 in two */
      {9, {0xf0, 0, 1, 1, 1, 1, 1, 1, 1}},       /* KID of seven in eight */
      {9, {0x0f, 0, 0xff, 0xff, 0, 0, 0, 0, 0}}, /* CTR of seven in eight */
      {9, {0xf0, 0, 0, 0, 0, 0, 0, 0, 9}},
      {9, {0x0f, 0, 0, 0, 0, 0, 0, 0, 0}},
  };
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    struct sframe_header header = {1, 2, 3};
    ck_assert_int_eq(read_header(bad[i].bytes, bad[i].size, &header), ERR_MALFORMED);
    ck_assert_uint_eq(header.kid, 1); /* written on success only */
  }
  struct sframe_header header;
  const uint8_t good[] = {0x88, 0x08, 0x08};
  ck_assert_int_eq(read_header(good, sizeof good, &header), OK);
  ck_assert_int_eq(sframe_header_read(VIEW_NONE, &header), ERR_MALFORMED);
}
END_TEST

/* ---- Suites and keys ---- */

START_TEST(suites) {
  static const struct {
    const char *name;
    size_t key, hash, tag;
  } rows[] = {
      {"AES_128_CTR_HMAC_SHA256_80", 48, 32, 10}, {"AES_128_CTR_HMAC_SHA256_64", 48, 32, 8},
      {"AES_128_CTR_HMAC_SHA256_32", 48, 32, 4},  {"AES_128_GCM_SHA256_128", 16, 32, 16},
      {"AES_256_GCM_SHA512_128", 32, 64, 16},     {"AES_256_CTR_HMAC_SHA512_80", 96, 64, 10},
      {"AES_256_CTR_HMAC_SHA512_64", 96, 64, 8},  {"AES_256_CTR_HMAC_SHA512_32", 96, 64, 4},
  };
  struct sframe_suite suite;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    ck_assert_int_eq(sframe_suite_find((uint16_t)(i + 1), &suite), OK);
    ck_assert_uint_eq(suite.id, i + 1);
    ck_assert_str_eq(suite.name, rows[i].name);
    ck_assert_uint_eq(suite.hash->size, rows[i].hash);
    ck_assert_uint_eq(suite.aead->key_size, rows[i].key);
    ck_assert_uint_eq(suite.aead->nonce_size, 12);
    ck_assert_uint_eq(suite.aead->tag_size, rows[i].tag);
    suite.aead->key_free(NULL);
  }
  ck_assert_int_eq(sframe_suite_find(0, &suite), ERR_UNSUPPORTED);
  ck_assert_int_eq(sframe_suite_find(9, &suite), ERR_UNSUPPORTED);
  ck_assert_int_eq(sframe_suite_find(0xffff, &suite), ERR_UNSUPPORTED);
}
END_TEST

static const uint8_t base_key[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
#define METADATA_TEXT "IETF SFrame WG"
#define METADATA VIEW_TEXT(METADATA_TEXT)
#define PLAINTEXT_TEXT "draft-ietf-sframe-enc"
#define PLAINTEXT VIEW_TEXT(PLAINTEXT_TEXT)
#define PLAINTEXT_SIZE (sizeof PLAINTEXT_TEXT - 1)

static const uint16_t suite_ids[] = {1, 2, 3, 4, 5, 6, 7, 8};
#define SUITES (int)(sizeof suite_ids / sizeof suite_ids[0])

static struct sframe_suite suite_of(int i) {
  struct sframe_suite suite;
  ck_assert_int_eq(sframe_suite_find(suite_ids[i], &suite), OK);
  return suite;
}

static struct sframe_key key_of(const struct sframe_suite *suite, uint64_t kid) {
  struct secret secret = {0};
  struct sframe_key key;
  ck_assert_int_eq(sframe_secret(suite, VIEW_ARRAY(base_key), &secret), OK);
  ck_assert_int_eq(sframe_key_new(suite, &key), OK);
  ck_assert_int_eq(sframe_key_set(suite, &secret, kid, &key), OK);
  ck_assert_uint_eq(key.kid, kid);
  secret_wipe(&secret);
  return key;
}

/* RFC 9605, appendix C.3: the frames of suites 1 to 5; and of the working group those of 6 to 8. */
START_TEST(known_frames) {
  static const uint8_t expected[SUITES][5 + PLAINTEXT_SIZE + 16] = {
      {0x99, 0x01, 0x23, 0x45, 0x67, 0x44, 0x94, 0x08, 0xb6, 0xf4, 0x90, 0x08,
       0x61, 0x65, 0xb9, 0xd6, 0xf6, 0x2b, 0x24, 0xae, 0x1a, 0x59, 0xa5, 0x64,
       0x86, 0xb4, 0xae, 0x8e, 0xd0, 0x36, 0xb8, 0x89, 0x12, 0xe2, 0x4f, 0x11},
      {0x99, 0x01, 0x23, 0x45, 0x67, 0x3f, 0x31, 0x43, 0x8d, 0xb4, 0xd0, 0x94,
       0x34, 0xe4, 0x3a, 0xfa, 0x0f, 0x8a, 0x2f, 0x00, 0x86, 0x7a, 0x2b, 0xe0,
       0x85, 0x04, 0x6a, 0x9f, 0x5c, 0xb4, 0xf1, 0x01, 0xd6, 0x07},
      {0x99, 0x01, 0x23, 0x45, 0x67, 0x17, 0xfc, 0x8a, 0xf2, 0x8a, 0x5a, 0x69, 0x5a, 0xfc, 0xfc,
       0x6c, 0x8d, 0xf6, 0x35, 0x8a, 0x17, 0xe2, 0x6b, 0x2f, 0xcb, 0x3b, 0xae, 0x32, 0xe4, 0x43},
      {0x99, 0x01, 0x23, 0x45, 0x67, 0xb7, 0x41, 0x2c, 0x25, 0x13, 0xa1, 0xb6, 0x6d, 0xbb,
       0x48, 0x84, 0x1b, 0xba, 0xf1, 0x7f, 0x59, 0x87, 0x51, 0x17, 0x6a, 0xd8, 0x47, 0x68,
       0x1a, 0x69, 0xc6, 0xd0, 0xb0, 0x91, 0xc0, 0x70, 0x18, 0xce, 0x4a, 0xdb, 0x34, 0xeb},
      {0x99, 0x01, 0x23, 0x45, 0x67, 0x94, 0xf5, 0x09, 0xd3, 0x6e, 0x9b, 0xea, 0xcb, 0x0e,
       0x26, 0x1d, 0x99, 0xc7, 0xd1, 0xe9, 0x72, 0xf1, 0xfe, 0xd7, 0x87, 0xd4, 0x04, 0x9f,
       0x17, 0xca, 0x21, 0x35, 0x3c, 0x1c, 0xc2, 0x4d, 0x56, 0xce, 0xab, 0xce, 0xd2, 0x79},
      {0x99, 0x01, 0x23, 0x45, 0x67, 0xb3, 0x69, 0xe0, 0x3e, 0xc6, 0x46, 0x7a,
       0xd5, 0x05, 0xdd, 0xc8, 0x49, 0x14, 0x11, 0x50, 0x69, 0x28, 0x0c, 0x5c,
       0x79, 0x75, 0x55, 0xbe, 0x6e, 0x32, 0xcd, 0xe6, 0xac, 0x25, 0xbc, 0x9e},
      {0x99, 0x01, 0x23, 0x45, 0x67, 0x97, 0xcb, 0x56, 0x44, 0xd8, 0x83, 0x1f,
       0xf8, 0xbd, 0xc0, 0x80, 0x24, 0x99, 0x90, 0xb2, 0x4b, 0x56, 0x91, 0x44,
       0xca, 0xb2, 0xa8, 0x7b, 0xe2, 0x2c, 0x20, 0xd9, 0x79, 0x76},
      {0x99, 0x01, 0x23, 0x45, 0x67, 0x11, 0x2a, 0x94, 0xa2, 0x88, 0xb8, 0x5b, 0x49, 0xff, 0xef,
       0x1d, 0x27, 0x9f, 0x28, 0x30, 0x16, 0x5c, 0x39, 0xd7, 0x6c, 0xac, 0x88, 0x84, 0x01, 0x1c},
  };
  struct sframe_suite suite = suite_of(_i);
  struct sframe_key key = key_of(&suite, 0x123);
  uint8_t frame[PLAINTEXT_SIZE + SFRAME_OVERHEAD_MAX];
  size_t size = 0;
  ck_assert_int_eq(sframe_protect(&key, 0x4567, METADATA, PLAINTEXT, frame, &size), OK);
  ck_assert_uint_eq(size, 5 + PLAINTEXT_SIZE + suite.aead->tag_size);
  ck_assert_mem_eq(frame, expected[_i], size);
  sframe_key_free(&key);
}
END_TEST

/* A key that takes another's place leaves nothing of it; a wiped one is a key of zeros. */
START_TEST(keys_replaced_and_wiped) {
  struct sframe_suite suite = suite_of(_i);
  struct sframe_key key = key_of(&suite, 1), again = key_of(&suite, 2);
  struct secret secret = {0};
  uint8_t one[64], two[64];
  size_t size = 0;
  ck_assert_int_eq(sframe_secret(&suite, VIEW_ARRAY(base_key), &secret), OK);
  ck_assert_int_eq(sframe_protect(&key, 9, METADATA, PLAINTEXT, one, &size), OK);
  ck_assert_int_eq(sframe_key_set(&suite, &secret, 2, &key), OK);
  ck_assert_int_eq(sframe_protect(&key, 9, METADATA, PLAINTEXT, one, &size), OK);
  ck_assert_int_eq(sframe_protect(&again, 9, METADATA, PLAINTEXT, two, &size), OK);
  ck_assert_mem_eq(one, two, size);

  static const uint8_t zeros[SFRAME_KEY_MAX];
  struct aead_key *zero_key = NULL;
  ck_assert_int_eq(suite.aead->key_new(zeros, &zero_key), OK);
  sframe_key_wipe(&key);
  ck_assert_mem_eq(key.salt, zeros, sizeof key.salt);
  ck_assert_int_eq(suite.aead->seal(key.cipher, zeros, NULL, 0, PLAINTEXT, one), OK);
  ck_assert_int_eq(suite.aead->seal(zero_key, zeros, NULL, 0, PLAINTEXT, two), OK);
  ck_assert_mem_eq(one, two, PLAINTEXT_SIZE + suite.aead->tag_size);
  ck_assert_int_eq(sframe_key_set(&suite, &secret, 2, &key), OK);
  ck_assert_int_eq(sframe_protect(&key, 9, METADATA, PLAINTEXT, one, &size), OK);

  suite.aead->key_free(zero_key);
  sframe_key_free(&key);
  sframe_key_free(&key); /* empty now */
  ck_assert_int_eq(sframe_key_set(&suite, &secret, 2, &key), ERR_INTERNAL);
  sframe_key_free(&again);
}
END_TEST

/* The same of every backend: sealing with a key put in is sealing with that key from the start. */
START_TEST(keys_replaced_in_every_backend) {
  uint8_t keys[2][AEAD_KEY_MAX], nonce[AEAD_NONCE_MAX] = {1}, one[64], two[64], three[64];
  memset(keys[0], 0x11, sizeof keys[0]);
  memset(keys[1], 0x22, sizeof keys[1]);
  const struct aead *aead = NULL;
  for (size_t i = 0; (aead = provider_aead_at((enum aead_id)_i, i)) != NULL; i++) {
    struct aead_key *replaced = NULL, *fresh = NULL;
    size_t size = PLAINTEXT_SIZE + aead->tag_size;
    ck_assert_int_eq(aead->key_new(keys[0], &replaced), OK);
    ck_assert_int_eq(aead->key_new(keys[1], &fresh), OK);
    ck_assert_int_eq(aead->seal(replaced, nonce, NULL, 0, PLAINTEXT, one), OK);
    ck_assert_int_eq(aead->open(replaced, nonce, NULL, 0, view_of(one, size), three), OK);
    ck_assert_int_eq(aead->key_set(replaced, keys[1]), OK);
    ck_assert_int_eq(aead->seal(replaced, nonce, NULL, 0, PLAINTEXT, one), OK);
    ck_assert_int_eq(aead->seal(fresh, nonce, NULL, 0, PLAINTEXT, two), OK);
    ck_assert_mem_eq(one, two, size);
    ck_assert_int_eq(aead->open(replaced, nonce, NULL, 0, view_of(two, size), three), OK);
    ck_assert_mem_eq(three, PLAINTEXT_TEXT, PLAINTEXT_SIZE);
    ck_assert_int_eq(aead->key_set(replaced, keys[0]), OK);
    ck_assert_int_eq(aead->open(replaced, nonce, NULL, 0, view_of(two, size), three), ERR_AUTH);
    aead->key_free(replaced);
    aead->key_free(fresh);
  }
}
END_TEST

/* ---- Backends that fail ---- */

static enum err failing_key_set(struct aead_key *key, const uint8_t *bytes) {
  (void)key;
  (void)bytes;
  return ERR_INTERNAL;
}

static enum err failing_seal(struct aead_key *key, const uint8_t *nonce, const struct view *aad,
                             size_t aad_count, struct view plaintext, uint8_t *out) {
  (void)key, (void)nonce, (void)aad, (void)aad_count, (void)plaintext, (void)out;
  return ERR_INTERNAL;
}

/* Where another key cannot be put in, the one that is there goes with its room. */
START_TEST(keys_that_cannot_be_replaced) {
  struct sframe_suite suite = suite_of(_i);
  struct aead failing = *suite.aead;
  struct secret secret = {0};
  failing.key_set = failing_key_set;
  suite.aead = &failing;
  ck_assert_int_eq(sframe_secret(&suite, VIEW_ARRAY(base_key), &secret), OK);
  for (unsigned set = 0; set < 2; set++) {
    struct sframe_key key;
    ck_assert_int_eq(sframe_key_new(&suite, &key), OK);
    if (set == 1)
      ck_assert_int_eq(sframe_key_set(&suite, &secret, 1, &key), ERR_INTERNAL);
    else
      sframe_key_wipe(&key);
    ck_assert_ptr_null(key.cipher);
    ck_assert_int_eq(sframe_key_set(&suite, &secret, 1, &key), ERR_INTERNAL);
  }
}
END_TEST

/* What could not be encrypted is not left where a frame is expected. */
START_TEST(plaintext_wiped_where_sealing_fails) {
  struct sframe_suite suite = suite_of(_i);
  struct sframe_key key = key_of(&suite, 1);
  struct aead failing = *suite.aead;
  const struct partial partial = {0, &(e2ee_range){0, 1}, 1};
  uint8_t out[256];
  size_t size = 4711;
  failing.seal = failing_seal;
  key.aead = &failing;
  for (unsigned kind = 0; kind < 2; kind++) {
    memcpy(out, PLAINTEXT_TEXT, PLAINTEXT_SIZE);
    const struct view in_place = view_of(out, PLAINTEXT_SIZE);
    ck_assert_int_eq(
        kind == 0 ? sframe_protect(&key, 9, METADATA, in_place, out, &size)
                  : sframe_protect_partial(&key, 9, METADATA, in_place, &partial, out, &size),
        ERR_INTERNAL);
    for (size_t i = 0; i < PLAINTEXT_SIZE; i++)
      ck_assert_uint_eq(out[i], 0);
    ck_assert_uint_eq(size, 4711);
  }
  sframe_key_free(&key);
}
END_TEST

/* ---- Frames ---- */

static enum err open_frame(struct sframe_key *key, struct view about, struct view frame,
                           uint8_t *out, size_t *size) {
  struct sframe_header header;
  enum err err = sframe_header_read(frame, &header);
  if (err != OK)
    return err;
  return sframe_unprotect(key, &header, about, frame, out, size);
}

/* In place and into another buffer, every size around the cipher's blocks, with and without
 * metadata. */
START_TEST(round_trips) {
  struct sframe_suite suite = suite_of(_i);
  struct sframe_key key = key_of(&suite, 0x1234);
  uint8_t plaintext[300], sealed[300 + SFRAME_OVERHEAD_MAX], opened[300];
  uint8_t in_place[300 + SFRAME_OVERHEAD_MAX];
  for (size_t i = 0; i < sizeof plaintext; i++)
    plaintext[i] = (uint8_t)(i * 7 + 1);
  for (size_t length = 0; length <= sizeof plaintext; length++) {
    struct view about = length % 2 == 0 ? METADATA : VIEW_NONE;
    size_t size = 0, in_place_size = 0, opened_size = 0;
    ck_assert_int_eq(sframe_protect(&key, length, about, view_of(plaintext, length), sealed, &size),
                     OK);
    memcpy(in_place, plaintext, length);
    ck_assert_int_eq(
        sframe_protect(&key, length, about, view_of(in_place, length), in_place, &in_place_size),
        OK);
    ck_assert_uint_eq(size, in_place_size);
    ck_assert_mem_eq(sealed, in_place, size);
    ck_assert_int_eq(open_frame(&key, about, view_of(sealed, size), opened, &opened_size), OK);
    ck_assert_uint_eq(opened_size, length);
    ck_assert_mem_eq(opened, plaintext, length);
    ck_assert_int_eq(open_frame(&key, about, view_of(in_place, size), in_place, &opened_size), OK);
    ck_assert_uint_eq(opened_size, length);
    ck_assert_mem_eq(in_place, plaintext, length);
  }
  sframe_key_free(&key);
}
END_TEST

static void expect_wiped(struct sframe_key *key, struct view about, struct view frame) {
  uint8_t out[128], in_place[128];
  size_t size = 77, plaintext_size = 0;
  struct sframe_header header;
  memset(out, 0xa5, sizeof out);
  ck_assert_int_eq(open_frame(key, about, frame, out, &size), ERR_AUTH);
  ck_assert_uint_eq(size, 77);
  ck_assert_int_eq(sframe_header_read(frame, &header), OK);
  ck_assert_int_eq(sframe_plaintext_size(key->aead, &header, frame, &plaintext_size), OK);
  for (size_t i = 0; i < plaintext_size; i++)
    ck_assert_uint_eq(out[i], 0);
  ck_assert_uint_eq(out[plaintext_size], 0xa5);

  memcpy(in_place, frame.data, frame.size);
  ck_assert_int_eq(open_frame(key, about, view_of(in_place, frame.size), in_place, &size),
                   ERR_AUTH);
  for (size_t i = 0; i < plaintext_size; i++)
    ck_assert_uint_eq(in_place[i], 0);
}

/* RFC 9605, section 4.4.4: every bit of header, ciphertext and tag, every bit of the metadata. */
START_TEST(alterations_refused) {
  struct sframe_suite suite = suite_of(_i);
  struct sframe_key key = key_of(&suite, 0x1234);
  uint8_t frame[PLAINTEXT_SIZE + SFRAME_OVERHEAD_MAX];
  size_t size = 0;
  ck_assert_int_eq(sframe_protect(&key, 0x2345, METADATA, PLAINTEXT, frame, &size), OK);
  for (size_t bit = 0; bit < 8 * size; bit++) {
    uint8_t altered[sizeof frame], out[sizeof frame];
    size_t out_size = 0;
    memcpy(altered, frame, size);
    altered[bit / 8] ^= (uint8_t)(1u << bit % 8);
    enum err err = open_frame(&key, METADATA, view_of(altered, size), out, &out_size);
    if (bit / 8 == 0) /* lengths: another header, or none */
      ck_assert(err == ERR_AUTH || err == ERR_MALFORMED);
    else
      expect_wiped(&key, METADATA, view_of(altered, size));
  }
  for (size_t bit = 0; bit < 8 * METADATA.size; bit++) {
    uint8_t altered[sizeof METADATA_TEXT];
    memcpy(altered, METADATA_TEXT, sizeof altered);
    altered[bit / 8] ^= (uint8_t)(1u << bit % 8);
    expect_wiped(&key, view_of(altered, METADATA.size), view_of(frame, size));
  }
  expect_wiped(&key, VIEW_NONE, view_of(frame, size));
  expect_wiped(&key, view_of(METADATA.data, METADATA.size - 1), view_of(frame, size));
  sframe_key_free(&key);
}
END_TEST

/* The AEAD by itself leaves no plaintext of a forgery either. */
START_TEST(forgeries_wiped_by_the_cipher) {
  static const uint8_t nonce[SFRAME_SALT_MAX], zeros[PLAINTEXT_SIZE];
  struct sframe_suite suite = suite_of(_i);
  struct sframe_key key = key_of(&suite, 0x1234);
  uint8_t sealed[PLAINTEXT_SIZE + AEAD_TAG_MAX], out[PLAINTEXT_SIZE];
  const size_t size = PLAINTEXT_SIZE + suite.aead->tag_size;
  const struct view about = METADATA;
  ck_assert_int_eq(suite.aead->seal(key.cipher, nonce, &about, 1, PLAINTEXT, sealed), OK);
  sealed[size - 1] ^= 1;
  memset(out, 0xa5, sizeof out);
  ck_assert_int_eq(suite.aead->open(key.cipher, nonce, &about, 1, view_of(sealed, size), out),
                   ERR_AUTH);
  ck_assert_mem_eq(out, zeros, sizeof out);
  sframe_key_free(&key);
}
END_TEST

START_TEST(truncations_refused) {
  struct sframe_suite suite = suite_of(_i);
  struct sframe_key key = key_of(&suite, 0x1234);
  uint8_t frame[PLAINTEXT_SIZE + SFRAME_OVERHEAD_MAX + 1], out[sizeof frame];
  size_t size = 0, out_size = 0;
  ck_assert_int_eq(sframe_protect(&key, 0x2345, METADATA, PLAINTEXT, frame, &size), OK);
  for (size_t shorter = 0; shorter < size; shorter++) {
    enum err err = open_frame(&key, METADATA, view_of(frame, shorter), out, &out_size);
    ck_assert_int_eq(err, shorter < 5 + suite.aead->tag_size ? ERR_MALFORMED : ERR_AUTH);
  }
  frame[size] = 0;
  expect_wiped(&key, METADATA, view_of(frame, size + 1));
  sframe_key_free(&key);
}
END_TEST

/* Key ids and suites that differ in one byte of the label have nothing in common. */
/* RFC 9605, section 5.1, which comes without vectors: these are from Python's hmac and hashlib. */
START_TEST(ratchet) {
  static const struct {
    uint16_t suite;
    size_t size;
    uint8_t first[8], third[8]; /* how the base_key begins after so many steps */
  } known[] = {
      {4,
       32,
       {0xfb, 0x75, 0xd8, 0xd5, 0x78, 0x2d, 0xa6, 0xc6},
       {0xb7, 0x91, 0x03, 0x89, 0x37, 0xf6, 0x17, 0x6e}},
      {5,
       64,
       {0x89, 0x5f, 0xe5, 0x60, 0x37, 0x50, 0x29, 0x5c},
       {0x73, 0x81, 0x66, 0x4f, 0x16, 0x69, 0x55, 0xfb}},
  };
  struct sframe_suite suite;
  ck_assert_int_eq(sframe_suite_find(known[_i].suite, &suite), OK);
  uint8_t start[16];
  for (uint8_t i = 0; i < 16; i++)
    start[i] = i;
  struct secret key, secret;
  ck_assert_int_eq(secret_set(&key, VIEW_ARRAY(start)), OK);
  for (unsigned step = 1; step <= 3; step++) {
    ck_assert_int_eq(sframe_secret(&suite, secret_view(&key), &secret), OK);
    ck_assert_int_eq(sframe_ratchet(&suite, &secret, &key), OK);
    ck_assert_uint_eq(key.size, known[_i].size);
    if (step != 2)
      ck_assert_mem_eq(key.bytes, step == 1 ? known[_i].first : known[_i].third, 8);
  }
}
END_TEST

START_TEST(key_id_and_suite_separate_keys) {
  struct sframe_suite suite = suite_of(0);
  struct secret secret = {0};
  uint8_t key[3][SFRAME_KEY_MAX] = {{0}}, salt[3][SFRAME_SALT_MAX] = {{0}};
  ck_assert_int_eq(sframe_secret(&suite, VIEW_ARRAY(base_key), &secret), OK);
  ck_assert_int_eq(sframe_derive(&suite, &secret, 0x100, key[0], salt[0]), OK);
  ck_assert_int_eq(sframe_derive(&suite, &secret, 0x001, key[1], salt[1]), OK);
  suite.id++;
  ck_assert_int_eq(sframe_derive(&suite, &secret, 0x100, key[2], salt[2]), OK);
  for (int a = 0; a < 3; a++)
    for (int b = 0; b < a; b++) {
      ck_assert_mem_ne(key[a], key[b], 16);
      ck_assert_mem_ne(salt[a], salt[b], 12);
    }
}
END_TEST

/* ---- Replay windows ---- */

START_TEST(replay_in_order_and_not) {
  struct replay replay = {0};
  ck_assert(replay_fresh(&replay, 0));
  ck_assert(replay_fresh(&replay, REPLAY_AHEAD_MAX));
  ck_assert(!replay_fresh(&replay, REPLAY_AHEAD_MAX + 1));
  ck_assert(!replay_fresh(&replay, UINT64_MAX));
  replay_mark(&replay, 5);
  ck_assert(replay_fresh(&replay, REPLAY_AHEAD_MAX + 5));
  ck_assert(!replay_fresh(&replay, REPLAY_AHEAD_MAX + 6));
  ck_assert(!replay_fresh(&replay, 5));
  ck_assert(replay_fresh(&replay, 4)); /* late, not old */
  replay_mark(&replay, 4);
  ck_assert(!replay_fresh(&replay, 4));
  ck_assert(replay_fresh(&replay, 0));
  ck_assert(replay_fresh(&replay, 6));
}
END_TEST

START_TEST(replay_window_end) {
  struct replay replay = {0};
  replay_mark(&replay, 10000);
  ck_assert(replay_fresh(&replay, 10000 - REPLAY_WINDOW + 1));
  ck_assert(!replay_fresh(&replay, 10000 - REPLAY_WINDOW));
  ck_assert(!replay_fresh(&replay, 0));
  replay_mark(&replay, 10000 - REPLAY_WINDOW + 1);
  ck_assert(!replay_fresh(&replay, 10000 - REPLAY_WINDOW + 1));
  replay_mark(&replay, 10001); /* takes the place of 10001 - REPLAY_WINDOW */
  ck_assert(!replay_fresh(&replay, 10001));
  ck_assert(!replay_fresh(&replay, 10001 - REPLAY_WINDOW));
  ck_assert(replay_fresh(&replay, 10001 - REPLAY_WINDOW + 1));
}
END_TEST

START_TEST(replay_top_of_range) {
  struct replay replay = {0};
  replay_mark(&replay, UINT64_MAX - 1);
  ck_assert(replay_fresh(&replay, UINT64_MAX));
  replay_mark(&replay, UINT64_MAX);
  ck_assert(!replay_fresh(&replay, UINT64_MAX));
  ck_assert(!replay_fresh(&replay, UINT64_MAX - 1));
  ck_assert(replay_fresh(&replay, UINT64_MAX - REPLAY_WINDOW + 1));
  ck_assert(!replay_fresh(&replay, UINT64_MAX - REPLAY_WINDOW));
  ck_assert(!replay_fresh(&replay, 0));
}
END_TEST

/* Against the plainest model: a set of all counters seen. */
START_TEST(replay_against_a_model) {
  enum { RANGE = 20000 };
  static bool seen[RANGE];
  memset(seen, 0, sizeof seen);
  struct replay replay = {0};
  uint64_t random = 42, newest = 0;
  bool started = false;
  for (int i = 0; i < 100000; i++) {
    random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
    unsigned roll = (unsigned)(random >> 33);
    uint64_t step = roll % 100 == 0 ? 900 + roll / 300 % 300 : roll % 8; /* at times a jump */
    uint64_t counter = roll % 3 == 0 ? newest + step : newest - roll % 1300;
    if (counter >= RANGE)
      continue;
    bool fresh = !started || counter > newest || (newest - counter < 1024 && !seen[counter]);
    ck_assert(replay_fresh(&replay, counter) == fresh);
    if (fresh) {
      replay_mark(&replay, counter);
      seen[counter] = true;
      newest = started && newest > counter ? newest : counter;
      started = true;
    }
  }
  ck_assert_uint_gt(newest, RANGE / 2);
}
END_TEST

START_TEST(replay_resumed) {
  struct replay replay = {0};
  replay_resume(&replay, 2000);
  ck_assert(!replay_fresh(&replay, 2000));
  ck_assert(!replay_fresh(&replay, 1999));
  ck_assert(!replay_fresh(&replay, 2001 - REPLAY_WINDOW));
  ck_assert(!replay_fresh(&replay, 0));
  replay_mark(&replay, 2003);
  ck_assert(replay_fresh(&replay, 2002));
  ck_assert(replay_fresh(&replay, 2001));
  ck_assert(!replay_fresh(&replay, 2000));
}
END_TEST

int main(void) {
  if (provider_init() != OK)
    return 1;
  TCase *tests = tcase_create("all");
  tcase_add_test(tests, header_boundaries);
  tcase_add_test(tests, header_forms);
  tcase_add_test(tests, header_not_minimal);
  tcase_add_test(tests, suites);
  tcase_add_loop_test(tests, known_frames, 0, SUITES);
  tcase_add_loop_test(tests, keys_replaced_and_wiped, 0, SUITES);
  tcase_add_loop_test(tests, keys_replaced_in_every_backend, 0, AEAD_COUNT);
  tcase_add_loop_test(tests, keys_that_cannot_be_replaced, 0, SUITES);
  tcase_add_loop_test(tests, plaintext_wiped_where_sealing_fails, 0, SUITES);
  tcase_add_loop_test(tests, round_trips, 0, SUITES);
  tcase_add_loop_test(tests, alterations_refused, 0, SUITES);
  tcase_add_loop_test(tests, forgeries_wiped_by_the_cipher, 0, SUITES);
  tcase_add_loop_test(tests, truncations_refused, 0, SUITES);
  tcase_add_loop_test(tests, ratchet, 0, 2);
  tcase_add_test(tests, key_id_and_suite_separate_keys);
  tcase_add_test(tests, replay_in_order_and_not);
  tcase_add_test(tests, replay_window_end);
  tcase_add_test(tests, replay_top_of_range);
  tcase_add_test(tests, replay_against_a_model);
  tcase_add_test(tests, replay_resumed);
  return run_case("sframe", tests);
}
