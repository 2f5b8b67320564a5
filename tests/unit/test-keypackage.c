/*
 * Key packages: made, read, verified, and refused.
 * SPDX-License-Identifier: ISC
 */
#include <check.h>
#include <string.h>

#include "crypto/hpke.h"
#include "crypto/kdf.h"
#include "crypto/provider.h"
#include "crypto/sign.h"
#include "mls/wire/keypackage.h"
#include "mls/wire/message.h"
#include "tests/maker.h"
#include "tests/run.h"

static struct bytes package(const struct maker *maker, struct key_package_secret *secret) {
  struct bytes raw = {0};
  ck_assert_int_eq(
      key_package_new(maker->suite, &maker->fields, VIEW_NONE, &maker->signature_key, &raw, secret),
      OK);
  return raw;
}

static enum err check_raw(const struct suite *suite, struct view raw, struct why *why) {
  struct key_package key_package;
  struct reader reader = reader_of(raw);
  enum err err = key_package_read(&reader, why, &key_package);
  if (err != OK)
    return err;
  err = read_end(&reader);
  if (err == OK)
    err = key_package_check(suite, &key_package, why);
  key_package_free(&key_package);
  return err;
}

START_TEST(test_key_package) {
  struct maker maker;
  struct key_package_secret secret = {0};
  struct key_package key_package;
  uint8_t reference[HASH_MAX], expected[HASH_MAX];
  maker_init(&maker, 1);
  maker.fields.source = LEAF_COMMIT; /* is not listened to */
  struct bytes raw = package(&maker, &secret);
  struct reader reader = reader_of(bytes_view(&raw));
  ck_assert_int_eq(key_package_read(&reader, NULL, &key_package), OK);
  ck_assert_int_eq(read_end(&reader), OK);
  ck_assert_int_eq(key_package_check(maker.suite, &key_package, NULL), OK);
  ck_assert(view_equal(key_package.raw, bytes_view(&raw)));
  ck_assert_int_eq(hpke_check_key_pair(maker.suite, &secret.init_key, key_package.init_key), OK);
  ck_assert_int_eq(hpke_check_key_pair(maker.suite, &secret.encryption_key,
                                       leaf_encryption_key(key_package.leaf)),
                   OK);
  ck_assert(!view_equal(leaf_encryption_key(key_package.leaf), maker.fields.encryption_key));
  ck_assert_int_eq(key_package_ref(maker.suite, key_package.raw, reference), OK);
  ck_assert_int_eq(kdf_ref_hash(maker.suite, VIEW_TEXT("MLS 1.0 KeyPackage Reference"),
                                bytes_view(&raw), expected),
                   OK);
  ck_assert_mem_eq(reference, expected, maker.suite->hash->size);
  key_package_free(&key_package);
  bytes_free(&raw);
  secret_wipe(&secret.init_key);
  secret_wipe(&secret.encryption_key);
  maker_free(&maker);
}
END_TEST

START_TEST(test_key_package_flipped) {
  struct maker maker;
  struct key_package_secret secret;
  maker_init(&maker, 1);
  struct bytes raw = package(&maker, &secret);
  for (size_t size = 0; size < raw.size; size++)
    ck_assert_int_eq(check_raw(maker.suite, view_of(raw.data, size), NULL), ERR_MALFORMED);
  for (size_t bit = 0; bit < raw.size * 8; bit++) {
    raw.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    ck_assert_int_ne(check_raw(maker.suite, bytes_view(&raw), NULL), OK);
    raw.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  ck_assert_int_eq(check_raw(maker.suite, bytes_view(&raw), NULL), OK);
  bytes_free(&raw);
  maker_free(&maker);
}
END_TEST

/* A signed key package with what a test wants to be wrong in it. */
struct forged {
  uint16_t version, cipher_suite;
  struct view init_key;
  struct view extensions;
  bool leaf_altered; /* after it was signed */
};

static void assert_package_refused(const struct maker *maker, const struct forged *forged,
                                   enum err expected, const char *text) {
  struct writer writer = {0};
  struct bytes signature = {0};
  struct why why = {""};
  struct leaf *leaf = maker_leaf(maker);
  write_u16(&writer, forged->version);
  write_u16(&writer, forged->cipher_suite);
  write_vector(&writer, forged->init_key);
  write_bytes(&writer, leaf_raw(leaf));
  if (forged->leaf_altered)
    writer.data[writer.size - 1] ^= 1;
  write_vector(&writer, forged->extensions);
  ck_assert_int_eq(sign_with_label(maker->suite, &maker->signature_key, VIEW_TEXT("KeyPackageTBS"),
                                   writer_view(&writer), &signature),
                   OK);
  write_vector(&writer, bytes_view(&signature));
  ck_assert_int_eq(check_raw(maker->suite, writer_view(&writer), &why), expected);
  ck_assert_msg(strstr(why.text, text) != NULL, "\"%s\" lacks \"%s\"", why.text, text);
  leaf_drop(leaf);
  bytes_free(&signature);
  writer_free(&writer);
}

START_TEST(test_key_package_refused) {
  struct maker maker;
  struct secret unused = {0};
  uint8_t init_key[KEM_PUBLIC_MAX];
  maker_init(&maker, 1);
  ck_assert_int_eq(hpke_generate_key_pair(maker.suite, &unused, init_key), OK);
  const struct forged good = {1, 1, view_of(init_key, 32), VIEW_NONE, false};
  assert_package_refused(&maker, &good, OK, "");

  struct forged forged = good;
  forged.version = 2;
  assert_package_refused(&maker, &forged, ERR_UNSUPPORTED, "protocol version 2");
  forged = good;
  forged.cipher_suite = 3;
  assert_package_refused(&maker, &forged, ERR_UNSUPPORTED, "suite 3");
  forged = good;
  forged.init_key = maker.fields.encryption_key;
  assert_package_refused(&maker, &forged, ERR_INVALID_PROPOSAL, "also the leaf's encryption_key");
  forged.init_key = view_of(init_key, 31);
  assert_package_refused(&maker, &forged, ERR_INVALID_PROPOSAL, "init_key is no key");
  forged = good;
  forged.leaf_altered = true;
  assert_package_refused(&maker, &forged, ERR_SIGNATURE, "signature of the leaf");
  forged = good;
  /* RFC 9420, section 13.4: unknown extensions of a key package are ignored. */
  struct bytes unlisted = maker_extensions((uint16_t[]){1, PRIVATE_EXTENSION}, 2);
  forged.extensions = bytes_view(&unlisted);
  assert_package_refused(&maker, &forged, OK, "");
  bytes_free(&unlisted);
  struct bytes twice = maker_extensions((uint16_t[]){1, 1}, 2);
  forged.extensions = bytes_view(&twice);
  assert_package_refused(&maker, &forged, ERR_MALFORMED, "extension type 1 is there twice");
  bytes_free(&twice);

  maker.fields.source = LEAF_UPDATE;
  assert_package_refused(&maker, &good, ERR_INVALID_PROPOSAL, "source 2 instead of key_package");
  maker.fields.source = LEAF_KEY_PACKAGE;
  maker.fields.capabilities.versions = VIEW_NONE;
  assert_package_refused(&maker, &good, ERR_INVALID_PROPOSAL, "do not list MLS 1.0");
  secret_wipe(&unused);
  maker_free(&maker);
}
END_TEST

/* RFC 9420, section 10: an extension of a key package is listed, or of those that everybody knows. */
START_TEST(test_key_package_listed) {
  static const struct {
    uint16_t type;
    enum err expected;
  } cases[] = {{EXTENSION_APPLICATION_ID, OK},
               {EXTENSION_EXTERNAL_SENDERS, OK},
               {EXTENSION_LAST_RESORT, OK},
               {PRIVATE_EXTENSION, ERR_INVALID_PROPOSAL}};
  struct maker maker;
  struct key_package_secret secret;
  maker_init(&maker, 1);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct bytes raw = {0}, extensions = maker_extensions(&cases[i].type, 1);
    struct key_package key_package;
    ck_assert_int_eq(key_package_new(maker.suite, &maker.fields, bytes_view(&extensions),
                                     &maker.signature_key, &raw, &secret),
                     OK);
    struct reader reader = reader_of(bytes_view(&raw));
    ck_assert_int_eq(key_package_read(&reader, NULL, &key_package), OK);
    ck_assert_int_eq(key_package_check_listed(&key_package, NULL), cases[i].expected);
    key_package_free(&key_package);
    bytes_free(&extensions);
    bytes_free(&raw);
  }
  maker_free(&maker);
}
END_TEST

/* A message that holds a key package, and one thing wrong with it: `at` is the byte that is changed. */
static const struct {
  size_t at;
  uint8_t value;
  bool trailing;
  enum err read, identity;
} messages[] = {
    {3, WIRE_KEY_PACKAGE, false, OK, OK},
    {3, WIRE_GROUP_INFO, false, ERR_MALFORMED, ERR_MALFORMED},
    {3, WIRE_KEY_PACKAGE, true, ERR_MALFORMED, ERR_MALFORMED},
    {7, 99, false, OK, ERR_UNSUPPORTED},  /* no such suite */
    {10, 0xff, false, OK, ERR_SIGNATURE}, /* another init_key */
};

START_TEST(test_key_package_message) {
  struct maker maker;
  struct key_package_secret secret;
  struct writer message = {0};
  struct view read;
  struct bytes identity = {0};
  maker_init(&maker, 1);
  struct bytes raw = package(&maker, &secret);
  message_write_header(&message, WIRE_KEY_PACKAGE);
  write_bytes(&message, bytes_view(&raw));
  if (messages[_i].trailing)
    write_u8(&message, 0);
  ck_assert_int_eq(message.err, OK);
  message.data[messages[_i].at] = messages[_i].value;
  struct view view = writer_view(&message);
  ck_assert_int_eq(message_read_key_package(view, NULL, &read), messages[_i].read);
  ck_assert_int_eq(message_key_package_identity(view, &identity), messages[_i].identity);
  bytes_free(&identity);
  bytes_free(&raw);
  writer_free(&message);
  maker_free(&maker);
}
END_TEST

START_TEST(test_key_package_bad_arguments) {
  struct maker maker;
  struct key_package_secret secret;
  struct bytes raw = {0};
  maker_init(&maker, 1);
  struct bytes twice = maker_extensions((uint16_t[]){1, 1}, 2);
  ck_assert_int_eq(key_package_new(maker.suite, &maker.fields, bytes_view(&twice),
                                   &maker.signature_key, &raw, &secret),
                   ERR_INVALID_ARG);
  maker.fields.extensions = bytes_view(&twice);
  ck_assert_int_eq(
      key_package_new(maker.suite, &maker.fields, VIEW_NONE, &maker.signature_key, &raw, &secret),
      ERR_INVALID_ARG);
  ck_assert_ptr_null(raw.data);
  struct leaf *leaf = NULL;
  ck_assert_int_eq(
      leaf_new(maker.suite, &maker.fields, &maker.signature_key, MAKER_GROUP, MAKER_LEAF, &leaf),
      ERR_INVALID_ARG);
  ck_assert_ptr_null(leaf);
  bytes_free(&twice);
  maker_free(&maker);
}
END_TEST

int main(void) {
  if (provider_init() != OK)
    return 1;
  TCase *packages = tcase_create("key packages");
  tcase_set_timeout(packages, 60);
  tcase_add_test(packages, test_key_package);
  tcase_add_test(packages, test_key_package_flipped);
  tcase_add_test(packages, test_key_package_refused);
  tcase_add_test(packages, test_key_package_listed);
  tcase_add_loop_test(packages, test_key_package_message, 0,
                      (int)(sizeof messages / sizeof messages[0]));
  tcase_add_test(packages, test_key_package_bad_arguments);
  return run_case("keypackage", packages);
}
