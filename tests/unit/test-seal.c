/*
 * Sealed blobs: the cipher's known answer, round trips, and every way of being refused.
 * SPDX-License-Identifier: ISC
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/provider.h"
#include "state/seal.h"
#include "tests/run.h"

#define VERSION_AT 4
#define KIND_AT 5
#define OVERHEAD (6 + SEALBOX_NONCE_SIZE + SEALBOX_TAG_SIZE)

static const uint8_t key[SEALBOX_KEY_SIZE] = {1, 2, 3};

/* draft-irtf-cfrg-xchacha-03, appendix A.3.1 */
START_TEST(known_answer) {
  static const char plaintext[] = "Ladies and Gentlemen of the class of '99: If I could offer you "
                                  "only one tip for the future, sunscreen would be it.";
  static const uint8_t aad[] = {0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1,
                                0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7};
  static const uint8_t start[] = {0xbd, 0x6d, 0x17, 0x9d, 0x3e, 0x83, 0xd4, 0x3b};
  static const uint8_t tag[] = {0xc0, 0x87, 0x59, 0x24, 0xc1, 0xc7, 0x98, 0x79,
                                0x47, 0xde, 0xaf, 0xd8, 0x78, 0x0a, 0xcf, 0x49};
  uint8_t known_key[SEALBOX_KEY_SIZE], nonce[SEALBOX_NONCE_SIZE];
  for (size_t i = 0; i < sizeof known_key; i++)
    known_key[i] = (uint8_t)(0x80 + i);
  for (size_t i = 0; i < sizeof nonce; i++)
    nonce[i] = (uint8_t)(0x40 + i);
  const size_t size = sizeof plaintext - 1;
  uint8_t sealed[sizeof plaintext - 1 + SEALBOX_TAG_SIZE];
  memcpy(sealed, plaintext, size);
  ck_assert_int_eq(sealbox_seal(known_key, nonce, VIEW_ARRAY(aad), view_of(sealed, size), sealed),
                   OK);
  ck_assert_mem_eq(sealed, start, sizeof start);
  ck_assert_mem_eq(sealed + size, tag, sizeof tag);
  ck_assert_int_eq(sealbox_open(known_key, nonce, VIEW_ARRAY(aad), VIEW_ARRAY(sealed), sealed), OK);
  ck_assert_mem_eq(sealed, plaintext, size);
}
END_TEST

static struct bytes blob_of(struct view content) {
  struct bytes blob = {0};
  ck_assert_int_eq(seal(VIEW_ARRAY(key), SEAL_GROUP, content, &blob), OK);
  ck_assert_uint_eq(blob.size, content.size + OVERHEAD);
  return blob;
}

/* Refused with the error, a reason, and nothing given out. */
static void assert_refused(struct view with, enum seal_kind kind, struct view blob,
                           enum err expected) {
  struct why why = {""};
  uint8_t version = 77;
  struct bytes content = {0};
  ck_assert_int_eq(unseal(with, kind, blob, &why, &version, &content), expected);
  ck_assert_uint_eq(version, 77);
  ck_assert_ptr_null(content.data);
  ck_assert(expected == ERR_INVALID_ARG || why.text[0] != '\0');
}

START_TEST(round_trip) {
  static const uint8_t content[1000] = {9};
  static const size_t sizes[] = {0, 1, 1000};
  for (size_t i = 0; i < 3; i++) {
    struct bytes blob = blob_of(view_of(content, sizes[i])), opened = {0};
    uint8_t version = 0;
    ck_assert_int_eq(
        unseal(VIEW_ARRAY(key), SEAL_GROUP, bytes_view(&blob), NULL, &version, &opened), OK);
    ck_assert(view_equal(bytes_view(&opened), view_of(content, sizes[i])));
    ck_assert_uint_eq(version, SEAL_VERSION);
    bytes_free(&opened);
    bytes_free(&blob);
  }
}
END_TEST

/* The same content never gives the same blob, and no blob shows it. */
START_TEST(blobs_differ) {
  struct bytes one = blob_of(VIEW_TEXT("the same content")),
               two = blob_of(VIEW_TEXT("the same content"));
  ck_assert_int_ne(memcmp(one.data + 6, two.data + 6, SEALBOX_NONCE_SIZE), 0);
  ck_assert_int_ne(memcmp(one.data + 30, two.data + 30, 16), 0);
  ck_assert_int_ne(memcmp(one.data + 30, "the same content", 16), 0);
  bytes_free(&one);
  bytes_free(&two);
}
END_TEST

START_TEST(altered) {
  struct bytes blob = blob_of(VIEW_TEXT("content"));
  for (size_t bit = 0; bit < 8 * blob.size; bit++) {
    blob.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    bool newer = bit / 8 == VERSION_AT && blob.data[VERSION_AT] > SEAL_VERSION;
    assert_refused(VIEW_ARRAY(key), SEAL_GROUP, bytes_view(&blob),
                   newer ? ERR_STATE_VERSION : ERR_STATE_KEY);
    blob.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
  }
  for (size_t size = 0; size < blob.size; size++)
    assert_refused(VIEW_ARRAY(key), SEAL_GROUP, view_of(blob.data, size), ERR_STATE_KEY);
  bytes_free(&blob);
}
END_TEST

/* A newer version is told as such, but not by a file that is something else. */
START_TEST(other_version) {
  struct bytes blob = blob_of(VIEW_TEXT("content"));
  blob.data[VERSION_AT] = SEAL_VERSION + 1;
  assert_refused(VIEW_ARRAY(key), SEAL_GROUP, bytes_view(&blob), ERR_STATE_VERSION);
  blob.data[0] ^= 1;
  assert_refused(VIEW_ARRAY(key), SEAL_GROUP, bytes_view(&blob), ERR_STATE_KEY);
  bytes_free(&blob);
}
END_TEST

START_TEST(other_key_or_kind) {
  struct bytes blob = blob_of(VIEW_TEXT("content"));
  static const uint8_t other[SEALBOX_KEY_SIZE] = {1, 2, 4};
  assert_refused(VIEW_ARRAY(other), SEAL_GROUP, bytes_view(&blob), ERR_STATE_KEY);
  assert_refused(VIEW_ARRAY(other), SEAL_CLIENT, bytes_view(&blob), ERR_STATE_KEY);
  assert_refused(VIEW_ARRAY(key), SEAL_CLIENT, bytes_view(&blob), ERR_STATE_CORRUPT);
  assert_refused(view_of(key, SEALBOX_KEY_SIZE - 1), SEAL_GROUP, bytes_view(&blob),
                 ERR_INVALID_ARG);
  assert_refused(VIEW_NONE, SEAL_GROUP, bytes_view(&blob), ERR_INVALID_ARG);

  struct bytes none = {0};
  ck_assert_int_eq(seal(view_of(key, 31), SEAL_GROUP, VIEW_TEXT("content"), &none),
                   ERR_INVALID_ARG);
  ck_assert_ptr_null(none.data);

  /* A kind that was changed on disk does not authenticate as the other. */
  blob.data[KIND_AT] = SEAL_CLIENT;
  assert_refused(VIEW_ARRAY(key), SEAL_CLIENT, bytes_view(&blob), ERR_STATE_KEY);
  bytes_free(&blob);
}
END_TEST

int main(void) {
  if (provider_init() != OK)
    return EXIT_FAILURE;
  TCase *tests = tcase_create("seal");
  tcase_add_test(tests, known_answer);
  tcase_add_test(tests, round_trip);
  tcase_add_test(tests, blobs_differ);
  tcase_add_test(tests, altered);
  tcase_add_test(tests, other_version);
  tcase_add_test(tests, other_key_or_kind);
  return run_case("seal", tests);
}
