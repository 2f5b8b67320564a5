/*
 * SFrame (RFC 9605, appendix C): headers read and written, frames protected and unprotected with every
 * value on the way compared.  Suites that are not built in are skipped.
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include "sframe/frame.h"
#include "vectors.h"

static bool check_header(json_object *vector) {
  uint64_t kid = vectors_u64(vector, "kid"), counter = vectors_u64(vector, "ctr");
  struct bytes encoded = vectors_bytes(vector, "encoded");
  struct sframe_header header = {0, 0, 0};
  bool ok = vectors_ok(sframe_header_read(bytes_view(&encoded), &header), "reading") &&
            header.kid == kid && header.counter == counter && header.size == encoded.size;
  bytes_free(&encoded);

  uint8_t written[SFRAME_HEADER_MAX];
  size_t size = sframe_header_write(kid, counter, written);
  return vectors_equal(vector, "encoded", view_of(written, size)) && ok;
}

/* What leads to the frame: secret, key and salt, nonce, additional data. */
static bool check_derivation(json_object *vector, const struct sframe_suite *suite,
                             const struct secret *secret) {
  uint64_t counter = vectors_u64(vector, "ctr");
  uint8_t key[SFRAME_KEY_MAX], salt[SFRAME_SALT_MAX], nonce[SFRAME_SALT_MAX];
  enum err err = sframe_derive(suite, secret, vectors_u64(vector, "kid"), key, salt);
  memcpy(nonce, salt, sizeof nonce);
  for (size_t i = 0; i < 8; i++)
    nonce[sizeof nonce - 1 - i] ^= (uint8_t)(counter >> 8 * i);
  bool ok = vectors_ok(err, "deriving") &&
            vectors_equal(vector, "sframe_secret", secret_view(secret)) &&
            vectors_equal(vector, "sframe_key", view_of(key, suite->aead->key_size)) &&
            vectors_equal(vector, "sframe_salt", VIEW_ARRAY(salt)) &&
            vectors_equal(vector, "nonce", VIEW_ARRAY(nonce));
  wipe(key, sizeof key);
  return ok;
}

/* The frame both ways, each of them in place and not. */
static bool check_frame(json_object *vector, struct sframe_key *key) {
  struct bytes metadata = vectors_bytes(vector, "metadata");
  struct bytes plaintext = vectors_bytes(vector, "pt"), frame = vectors_bytes(vector, "ct");
  uint8_t first[256], second[256];
  size_t size = 0, in_place_size = 0;
  struct sframe_header header = {0, 0, 0};
  uint64_t counter = vectors_u64(vector, "ctr");
  bool ok = plaintext.size + SFRAME_OVERHEAD_MAX <= sizeof first && frame.size <= sizeof first;
  if (ok) {
    memcpy(second, plaintext.data, plaintext.size);
    ok = vectors_ok(sframe_protect(key, counter, bytes_view(&metadata), bytes_view(&plaintext),
                                   first, &size),
                    "protecting") &&
         vectors_ok(sframe_protect(key, counter, bytes_view(&metadata),
                                   view_of(second, plaintext.size), second, &in_place_size),
                    "protecting in place") &&
         vectors_equal(vector, "ct", view_of(first, size)) &&
         vectors_equal(vector, "ct", view_of(second, in_place_size));
  }
  if (ok) {
    memcpy(second, frame.data, frame.size);
    ok = vectors_ok(sframe_header_read(bytes_view(&frame), &header), "header") &&
         vectors_ok(sframe_unprotect(key, &header, bytes_view(&metadata), bytes_view(&frame), first,
                                     &size),
                    "unprotecting") &&
         vectors_ok(sframe_unprotect(key, &header, bytes_view(&metadata),
                                     view_of(second, frame.size), second, &in_place_size),
                    "unprotecting in place") &&
         header.kid == key->kid && header.counter == counter &&
         vectors_equal(vector, "pt", view_of(first, size)) &&
         vectors_equal(vector, "pt", view_of(second, in_place_size));
  }
  bytes_free(&metadata);
  bytes_free(&plaintext);
  bytes_free(&frame);
  return ok;
}

static bool check_suite(json_object *vector, const struct sframe_suite *suite) {
  struct bytes base_key = vectors_bytes(vector, "base_key");
  struct secret secret = {0};
  struct sframe_key key = {.cipher = NULL};
  bool ok = vectors_ok(sframe_secret(suite, bytes_view(&base_key), &secret), "secret") &&
            check_derivation(vector, suite, &secret) &&
            vectors_ok(sframe_key_new(suite, &key), "room for a key") &&
            vectors_ok(sframe_key_set(suite, &secret, vectors_u64(vector, "kid"), &key), "key") &&
            check_frame(vector, &key);
  sframe_key_free(&key);
  secret_wipe(&secret);
  bytes_free(&base_key);
  return ok;
}

/* Elements of one array of the file, which need not have it. */
static void check_suites(json_object *root, const char *field, struct tally *tally) {
  json_object *array = vectors_optional(root, field);
  for (size_t i = 0; array != NULL && i < vectors_count(array); i++) {
    json_object *vector = vectors_item(array, i);
    struct sframe_suite suite;
    if (sframe_suite_find(vectors_u16(vector, "cipher_suite"), &suite) != OK)
      vectors_skip(tally);
    else
      vectors_check(tally, check_suite(vector, &suite), field, i);
  }
}

/* The composed cipher by itself: nothing here has it. */
static void skip_all(json_object *root, const char *field, struct tally *tally) {
  json_object *array = vectors_optional(root, field);
  for (size_t i = 0; array != NULL && i < vectors_count(array); i++)
    vectors_skip(tally);
}

void vectors_sframe(json_object *root, struct tally *tally) {
  json_object *headers = vectors_optional(root, "header");
  for (size_t i = 0; headers != NULL && i < vectors_count(headers); i++)
    vectors_check(tally, check_header(vectors_item(headers, i)), "header", i);
  skip_all(root, "aes_ctr_hmac", tally);
  skip_all(root, "aes_256_ctr_hmac", tally);
  check_suites(root, "sframe", tally);
  check_suites(root, "sframe_aes_256_ctr_hmac", tally);
}
