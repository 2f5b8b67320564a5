/*
 * HKDF (RFC 5869) and ExpandWithLabel (RFC 9420, section 8): published answers, and limits.
 * SPDX-License-Identifier: ISC
 */
#include <check.h>
#include <string.h>

#include "backends.h"
#include "crypto/hkdf.h"
#include "crypto/kdf.h"
#include "crypto/provider.h"
#include "tests/run.h"

struct hkdf_vector {
  const char *input, *salt, *info, *key, *output;
};

/* RFC 5869, appendix A.1 to A.3. */
static const struct hkdf_vector hkdf_vectors[] = {
    {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c",
     "f0f1f2f3f4f5f6f7f8f9", "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
     "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
    {"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d"
     "2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
     "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d"
     "8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
     "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdd"
     "dedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
     "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
     "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e59"
     "0e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"},
    {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
     "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
     "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
};

START_TEST(test_hkdf) {
  const struct hkdf_vector *vector = &hkdf_vectors[_i];
  const struct hash *hash;
  uint8_t input[100], salt[100], info[100], expected[100], out[100];
  struct view salt_view = view_of(salt, from_hex(vector->salt, salt));
  struct view input_view = view_of(input, from_hex(vector->input, input));
  size_t info_size = from_hex(vector->info, info), size = from_hex(vector->output, expected);
  const struct view parts[] = {view_of(info, info_size / 2),
                               view_of(info + info_size / 2, info_size - info_size / 2)};
  for (size_t i = 0; (hash = provider_hash_at(HASH_SHA256, i)) != NULL; i++) {
    struct secret key = {0};
    uint8_t expected_key[32];
    ck_assert_uint_eq(from_hex(vector->key, expected_key), 32);
    ck_assert_int_eq(hkdf_extract(hash, salt_view, input_view, &key), OK);
    ck_assert_uint_eq(key.size, 32);
    assert_equal(key.bytes, expected_key, 32);
    memset(out, 0xaa, sizeof out);
    ck_assert_int_eq(hkdf_expand(hash, secret_view(&key), parts, 2, out, size), OK);
    assert_equal(out, expected, size);
    ck_assert_uint_eq(out[size], 0xaa);
  }
}
END_TEST

START_TEST(test_hkdf_limits) {
  static uint8_t out[255 * HASH_MAX + 1];
  const struct view many[9] = {0};
  for (unsigned id = 0; id < HASH_COUNT; id++) {
    const struct hash *hash = provider_hash((enum hash_id)id);
    size_t most = 255 * hash->size;
    ck_assert_int_eq(hkdf_expand(hash, VIEW_TEXT("key"), NULL, 0, out, most), OK);
    ck_assert_int_eq(hkdf_expand(hash, VIEW_TEXT("key"), NULL, 0, out, most + 1), ERR_LIMIT);
    ck_assert_int_eq(hkdf_expand(hash, VIEW_TEXT("key"), NULL, 0, out, 0), OK);
    ck_assert_int_eq(hkdf_expand(hash, VIEW_TEXT("key"), many, 8, out, 1), OK);
    ck_assert_int_eq(hkdf_expand(hash, VIEW_TEXT("key"), many, 9, out, 1), ERR_INTERNAL);
  }
  const struct suite *suite = suite_find(1);
  ck_assert_int_eq(
      kdf_expand_with_label(suite, VIEW_TEXT("key"), VIEW_TEXT("label"), VIEW_NONE, out, 0x10000),
      ERR_LIMIT);
  struct view endless = view_of(out, 0x40000000);
  ck_assert_int_eq(kdf_expand_with_label(suite, VIEW_TEXT("key"), endless, VIEW_NONE, out, 1),
                   ERR_LIMIT);
  ck_assert_int_eq(kdf_expand_with_label(suite, VIEW_TEXT("key"), VIEW_NONE, endless, out, 1),
                   ERR_LIMIT);
  ck_assert_int_eq(kdf_ref_hash(suite, VIEW_NONE, endless, out), ERR_LIMIT);
  struct secret random = {0};
  ck_assert_int_eq(provider_random_secret(&random, SECRET_MAX + 1), ERR_INTERNAL);
  ck_assert_int_eq(provider_random_secret(&random, SECRET_MAX), OK);
  ck_assert_uint_eq(random.size, SECRET_MAX);
}
END_TEST

/* Against the struct written out by the writer: labels and contexts whose lengths need headers of
 * one and two bytes. */
START_TEST(test_expand_with_label) {
  static const size_t lengths[] = {0, 1, 55, 56, 63, 64, 300};
  const struct suite *suite = suite_find(1);
  uint8_t text[300], a[70], b[70];
  memset(text, 'x', sizeof text);
  for (size_t i = 0; i < 7; i++)
    for (size_t j = 0; j < 7; j++) {
      struct view label = view_of(text, lengths[i]), context = view_of(text, lengths[j]);
      struct writer writer = {0};
      write_u16(&writer, sizeof a);
      size_t begin = write_begin(&writer);
      write_bytes(&writer, VIEW_TEXT("MLS 1.0 "));
      write_bytes(&writer, label);
      write_end(&writer, begin);
      write_vector(&writer, context);
      struct view info = writer_view(&writer);
      ck_assert_int_eq(hkdf_expand(suite->hash, VIEW_TEXT("secret"), &info, 1, a, sizeof a), OK);
      ck_assert_int_eq(
          kdf_expand_with_label(suite, VIEW_TEXT("secret"), label, context, b, sizeof b), OK);
      assert_equal(a, b, sizeof a);
      writer_free(&writer);
    }
}
END_TEST

int main(void) {
  if (provider_init() != OK)
    return EXIT_FAILURE;
  TCase *tests = tcase_create("kdf");
  tcase_add_loop_test(tests, test_hkdf, 0, 3);
  tcase_add_test(tests, test_hkdf_limits);
  tcase_add_test(tests, test_expand_with_label);
  return run_case("kdf", tests);
}
