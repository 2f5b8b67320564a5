/*
 * SFrame (RFC 9605, appendix C): headers read and written, frames protected and unprotected with every
 * value on the way compared.  Suites that are not built in are skipped.
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include "generate.h"
#include "sframe/frame.h"

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

static bool check_all(json_object *vector, const struct sframe_suite *suite) {
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

/* The composed AEAD by itself, both ways. */
static bool check_composed(json_object *vector, const struct sframe_suite *suite) {
  const struct aead *aead = suite->aead;
  struct bytes bytes = vectors_bytes(vector, "key"), nonce = vectors_bytes(vector, "nonce");
  struct bytes about = vectors_bytes(vector, "aad"), plaintext = vectors_bytes(vector, "pt");
  const struct view aad = bytes_view(&about);
  struct aead_key *key = NULL;
  uint8_t out[256];
  const size_t size = plaintext.size + aead->tag_size;
  bool ok = bytes.size == aead->key_size && nonce.size == aead->nonce_size && size <= sizeof out &&
            vectors_ok(aead->key_new(bytes.data, &key), "key") &&
            vectors_ok(aead->seal(key, nonce.data, &aad, 1, bytes_view(&plaintext), out), "seal") &&
            vectors_equal(vector, "ct", view_of(out, size)) &&
            vectors_ok(aead->open(key, nonce.data, &aad, 1, view_of(out, size), out), "open") &&
            vectors_equal(vector, "pt", view_of(out, plaintext.size));
  aead->key_free(key);
  bytes_free(&bytes);
  bytes_free(&nonce);
  bytes_free(&about);
  bytes_free(&plaintext);
  return ok;
}

/* Elements of one array of the file, which need not have it. */
static void check_array(json_object *root, const char *field, struct tally *tally,
                        bool (*check)(json_object *vector, const struct sframe_suite *suite)) {
  json_object *array = vectors_optional(root, field);
  for (size_t i = 0; array != NULL && i < vectors_count(array); i++) {
    json_object *vector = vectors_item(array, i);
    struct sframe_suite suite;
    if (sframe_suite_find(vectors_u16(vector, "cipher_suite"), &suite) != OK)
      vectors_skip(tally);
    else
      vectors_check(tally, check(vector, &suite), field, i);
  }
}

void vectors_sframe(json_object *root, struct tally *tally) {
  json_object *headers = vectors_optional(root, "header");
  for (size_t i = 0; headers != NULL && i < vectors_count(headers); i++)
    vectors_check(tally, check_header(vectors_item(headers, i)), "header", i);
  check_array(root, "aes_ctr_hmac", tally, check_composed);
  check_array(root, "aes_256_ctr_hmac", tally, check_composed);
  check_array(root, "sframe", tally, check_all);
  check_array(root, "sframe_aes_256_ctr_hmac", tally, check_all);
}

/* ---- Generating: headers byte by byte, frames and all that leads to them ---- */

/* The number of bytes that a value takes in a header; none if it fits into the config byte. */
static size_t value_size(uint64_t value) {
  size_t size = 0;
  for (uint64_t rest = value; value > 7 && rest > 0; rest >>= 8)
    size++;
  return size;
}

/* RFC 9605, section 4.3: config byte X KKK Y CCC, then KID, then CTR. */
static size_t plain_header(uint64_t kid, uint64_t counter, uint8_t *out) {
  size_t kid_size = value_size(kid), counter_size = value_size(counter), size = 1;
  uint64_t x = kid_size > 0 ? 8 | (kid_size - 1) : kid;
  uint64_t y = counter_size > 0 ? 8 | (counter_size - 1) : counter;
  out[0] = (uint8_t)(x << 4 | y);
  for (size_t i = kid_size; i-- > 0;)
    out[size++] = (uint8_t)(kid >> 8 * i);
  for (size_t i = counter_size; i-- > 0;)
    out[size++] = (uint8_t)(counter >> 8 * i);
  return size;
}

static const uint64_t values[] = {
    0, 1, 7, 8, 255, 256, 65535, 65536, 0x123456789, UINT64_MAX >> 8, UINT64_MAX};
#define VALUES (sizeof values / sizeof values[0])

static void put_header(json_object *array, uint64_t kid, uint64_t counter) {
  uint8_t header[SFRAME_HEADER_MAX];
  json_object *vector = append_object(array);
  put_number(vector, "kid", kid);
  put_number(vector, "ctr", counter);
  put_hex(vector, "encoded", view_of(header, plain_header(kid, counter, header)));
}

/* A label of section 4.4.2, with key id and suite. */
static void put_label(json_object *vector, const char *field, struct view label, uint64_t kid,
                      uint16_t suite) {
  struct writer writer = {0};
  write_bytes(&writer, label);
  write_u64(&writer, kid);
  write_u16(&writer, suite);
  must(writer.err, field);
  put_hex(vector, field, writer_view(&writer));
  writer_free(&writer);
}

static void put_frame(const struct sframe_suite *suite, json_object *vector, uint64_t kid,
                      uint64_t counter) {
  struct secret base_key = random_secret(32), metadata = random_secret(14);
  struct secret plaintext = random_secret(SECRET_MAX), secret = {0};
  struct sframe_key key = {.cipher = NULL};
  uint8_t derived[SFRAME_KEY_MAX], salt[SFRAME_SALT_MAX], frame[256];
  uint8_t aad[SFRAME_HEADER_MAX + SECRET_MAX];
  size_t size = 0, header = plain_header(kid, counter, aad);
  memcpy(aad + header, metadata.bytes, metadata.size);
  must(sframe_secret(suite, secret_view(&base_key), &secret), "secret");
  must(sframe_derive(suite, &secret, kid, derived, salt), "key");
  must(sframe_key_new(suite, &key), "key");
  must(sframe_key_set(suite, &secret, kid, &key), "key");
  must(sframe_protect(&key, counter, secret_view(&metadata), secret_view(&plaintext), frame, &size),
       "frame");
  put_number(vector, "cipher_suite", suite->id);
  put_number(vector, "kid", kid);
  put_number(vector, "ctr", counter);
  put_secret(vector, "base_key", &base_key);
  put_label(vector, "sframe_key_label", VIEW_TEXT("SFrame 1.0 Secret key "), kid, suite->id);
  put_label(vector, "sframe_salt_label", VIEW_TEXT("SFrame 1.0 Secret salt "), kid, suite->id);
  put_secret(vector, "sframe_secret", &secret);
  put_hex(vector, "sframe_key", view_of(derived, suite->aead->key_size));
  put_hex(vector, "sframe_salt", VIEW_ARRAY(salt));
  put_secret(vector, "metadata", &metadata);
  for (size_t i = 0; i < 8; i++)
    salt[sizeof salt - 1 - i] ^= (uint8_t)(counter >> 8 * i);
  put_hex(vector, "nonce", VIEW_ARRAY(salt));
  put_hex(vector, "aad", view_of(aad, header + metadata.size));
  put_secret(vector, "pt", &plaintext);
  put_hex(vector, "ct", view_of(frame, size));
  sframe_key_free(&key);
}

/* The composed AEAD by itself: keys and inputs as if they came from a frame. */
static void put_composed(const struct sframe_suite *suite, json_object *vector) {
  const struct aead *aead = suite->aead;
  const size_t cipher_size = aead->key_size - suite->hash->size;
  struct secret cipher = random_secret(cipher_size), mac = random_secret(suite->hash->size);
  struct secret nonce = random_secret(aead->nonce_size), about = random_secret(14);
  struct secret plaintext = random_secret(21);
  struct view aad = secret_view(&about);
  uint8_t bytes[SFRAME_KEY_MAX], out[SECRET_MAX];
  struct aead_key *key = NULL;
  memcpy(bytes, cipher.bytes, cipher_size);
  memcpy(bytes + cipher_size, mac.bytes, mac.size);
  must(aead->key_new(bytes, &key), "key");
  must(aead->seal(key, nonce.bytes, &aad, 1, secret_view(&plaintext), out), "seal");
  put_number(vector, "cipher_suite", suite->id);
  put_hex(vector, "key", view_of(bytes, aead->key_size));
  put_secret(vector, "enc_key", &cipher);
  put_secret(vector, "auth_key", &mac);
  put_secret(vector, "nonce", &nonce);
  put_hex(vector, "aad", aad);
  put_secret(vector, "pt", &plaintext);
  put_hex(vector, "ct", view_of(out, plaintext.size + aead->tag_size));
  aead->key_free(key);
}

/* An SFrame suite is no MLS suite: one that is asked for is a row of RFC 9605's table, whose first and
 * last three are composed. */
json_object *generate_sframe(uint16_t only) {
  json_object *file = new_object();
  json_object *headers = put_array(file, "header");
  json_object *composed = put_array(file, "aes_ctr_hmac");
  json_object *composed_256 = put_array(file, "aes_256_ctr_hmac");
  json_object *frames = put_array(file, "sframe");
  struct sframe_suite suite;
  must(only == 0 ? OK : sframe_suite_find(only, &suite), "suite");
  for (size_t i = 0; i < VALUES * VALUES; i++)
    put_header(headers, values[i / VALUES], values[i % VALUES]);
  for (uint16_t id = 1; id <= 8; id++) {
    if ((only != 0 && id != only) || sframe_suite_find(id, &suite) != OK)
      continue;
    if (id < 4 || id > 5)
      put_composed(&suite, append_object(id < 4 ? composed : composed_256));
    for (size_t i = 0; i < VALUES; i++)
      put_frame(&suite, append_object(frames), values[i], values[VALUES - 1 - i]);
  }
  return file;
}
