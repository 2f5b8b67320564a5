/*
 * Leaf nodes: made, read, verified, and refused.
 * SPDX-License-Identifier: ISC
 */
#include <check.h>
#include <string.h>

#include "crypto/provider.h"
#include "crypto/sign.h"
#include "crypto/x509.h"
#include "mls/wire/leaf.h"
#include "tests/maker.h"
#include "tests/run.h"

static enum err read_all(struct view raw, struct why *why, struct leaf **out) {
  struct reader reader = reader_of(raw);
  enum err err = leaf_read(&reader, why, out);
  if (err == OK && read_end(&reader) != OK) {
    leaf_drop(*out);
    return ERR_MALFORMED;
  }
  return err;
}

/* What leaf_read() says to the fields of a maker with any signature. */
static enum err read_fields(const struct maker *maker, struct why *why) {
  struct writer writer = {0};
  struct leaf *leaf = NULL;
  leaf_write(&writer, &maker->fields);
  write_vector(&writer, VIEW_TEXT("signature"));
  enum err err = read_all(writer_view(&writer), why, &leaf);
  if (err == OK)
    leaf_drop(leaf);
  writer_free(&writer);
  return err;
}

/* What leaf_check() says; why has to hold `text`. */
static void assert_refused(const struct maker *maker, const char *text) {
  struct why why = {""};
  struct leaf *leaf = maker_leaf(maker);
  ck_assert_int_eq(leaf_check(maker->suite, leaf, &why), ERR_INVALID_TREE);
  ck_assert_msg(strstr(why.text, text) != NULL, "\"%s\" lacks \"%s\"", why.text, text);
  leaf_drop(leaf);
}

START_TEST(test_fields) {
  static const enum leaf_source sources[] = {LEAF_KEY_PACKAGE, LEAF_UPDATE, LEAF_COMMIT};
  struct maker maker;
  maker_init(&maker, 1);
  maker.fields.source = sources[_i];
  struct leaf *leaf = maker_leaf(&maker);
  uint64_t not_before, not_after;
  leaf_lifetime(leaf, &not_before, &not_after);
  struct credential credential = leaf_credential(leaf);
  struct capabilities capabilities = leaf_capabilities(leaf);
  ck_assert(view_equal(leaf_encryption_key(leaf), maker.fields.encryption_key));
  ck_assert(view_equal(leaf_signature_key(leaf), maker.fields.signature_key));
  ck_assert_uint_eq(credential.type, CREDENTIAL_BASIC);
  ck_assert(view_equal(credential.identity, VIEW_TEXT("alice")));
  ck_assert(view_equal(credential.raw, maker.fields.credential));
  ck_assert(view_equal(capabilities.versions, maker.fields.capabilities.versions));
  ck_assert(view_equal(capabilities.cipher_suites, maker.fields.capabilities.cipher_suites));
  ck_assert(view_equal(capabilities.credentials, maker.fields.capabilities.credentials));
  ck_assert(view_equal(leaf_extensions(leaf), maker.fields.extensions));
  ck_assert_int_eq(leaf_source(leaf), sources[_i]);
  ck_assert_uint_eq(not_before, sources[_i] == LEAF_KEY_PACKAGE ? 1000 : 0);
  ck_assert_uint_eq(not_after, sources[_i] == LEAF_KEY_PACKAGE ? 2000 : 0);
  ck_assert(view_equal(leaf_parent_hash(leaf),
                       sources[_i] == LEAF_COMMIT ? maker.fields.parent_hash : VIEW_NONE));
  ck_assert_uint_eq(leaf_signature(leaf).size, 64);
  ck_assert_int_eq(leaf_check(maker.suite, leaf, NULL), OK);
  leaf_drop(leaf);
  maker_free(&maker);
}
END_TEST

START_TEST(test_every_suite) {
  for (size_t i = 0; suite_id_at(i) != 0; i++) {
    if (suite_find(suite_id_at(i)) == NULL)
      continue;
    struct maker maker;
    maker_init(&maker, suite_id_at(i));
    struct leaf *leaf = maker_leaf(&maker);
    ck_assert_int_eq(leaf_check(maker.suite, leaf, NULL), OK);
    ck_assert_int_eq(leaf_verify_signature(maker.suite, leaf, VIEW_NONE, 0, NULL), OK);
    leaf_drop(leaf);
    maker_free(&maker);
  }
}
END_TEST

START_TEST(test_share) {
  struct maker maker;
  maker_init(&maker, 1);
  struct leaf *leaf = maker_leaf(&maker);
  struct leaf *shared = leaf_share(leaf);
  ck_assert_ptr_eq(leaf, shared);
  leaf_drop(leaf);
  ck_assert(view_equal(leaf_encryption_key(shared), maker.fields.encryption_key));
  leaf_drop(shared);
  leaf_drop(NULL);
  maker_free(&maker);
}
END_TEST

START_TEST(test_signature_binds_place) {
  struct maker maker;
  maker_init(&maker, 1);
  maker.fields.source = _i == 0 ? LEAF_UPDATE : LEAF_COMMIT;
  struct leaf *leaf = maker_leaf(&maker);
  struct why why = {""};
  ck_assert_int_eq(leaf_verify_signature(maker.suite, leaf, MAKER_GROUP, MAKER_LEAF, NULL), OK);
  ck_assert_int_eq(leaf_verify_signature(maker.suite, leaf, MAKER_GROUP, MAKER_LEAF + 1, &why),
                   ERR_SIGNATURE);
  ck_assert_ptr_nonnull(strstr(why.text, "section 7.3"));
  ck_assert_int_eq(leaf_verify_signature(maker.suite, leaf, VIEW_TEXT("a grouq"), MAKER_LEAF, NULL),
                   ERR_SIGNATURE);
  ck_assert_int_eq(leaf_verify_signature(maker.suite, leaf, VIEW_NONE, MAKER_LEAF, NULL),
                   ERR_SIGNATURE);
  leaf_drop(leaf);
  /* A key package knows of no group. */
  maker.fields.source = LEAF_KEY_PACKAGE;
  leaf = maker_leaf(&maker);
  ck_assert_int_eq(leaf_verify_signature(maker.suite, leaf, VIEW_NONE, 0, NULL), OK);
  leaf_drop(leaf);
  maker_free(&maker);
}
END_TEST

START_TEST(test_other_label) {
  struct maker maker;
  struct writer writer = {0};
  struct bytes signature = {0};
  struct leaf *leaf = NULL;
  maker_init(&maker, 1);
  leaf_write(&writer, &maker.fields);
  ck_assert_int_eq(sign_with_label(maker.suite, &maker.signature_key, VIEW_TEXT("KeyPackageTBS"),
                                   writer_view(&writer), &signature),
                   OK);
  write_vector(&writer, bytes_view(&signature));
  ck_assert_int_eq(read_all(writer_view(&writer), NULL, &leaf), OK);
  ck_assert_int_eq(leaf_verify_signature(maker.suite, leaf, VIEW_NONE, 0, NULL), ERR_SIGNATURE);
  leaf_drop(leaf);
  bytes_free(&signature);
  writer_free(&writer);
  maker_free(&maker);
}
END_TEST

START_TEST(test_truncated_and_flipped) {
  struct maker maker;
  maker_init(&maker, 1);
  maker.fields.source = LEAF_COMMIT;
  struct leaf *leaf = maker_leaf(&maker);
  struct leaf *changed = NULL;
  struct bytes raw = {0};
  ck_assert_int_eq(bytes_copy(&raw, leaf_raw(leaf)), OK);
  for (size_t size = 0; size < raw.size; size++)
    ck_assert_int_eq(read_all(view_of(raw.data, size), NULL, &changed), ERR_MALFORMED);
  for (size_t bit = 0; bit < raw.size * 8; bit++) {
    raw.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    if (read_all(bytes_view(&raw), NULL, &changed) == OK) {
      ck_assert_int_eq(leaf_verify_signature(maker.suite, changed, MAKER_GROUP, MAKER_LEAF, NULL),
                       ERR_SIGNATURE);
      leaf_drop(changed);
    }
    raw.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  bytes_free(&raw);
  leaf_drop(leaf);
  maker_free(&maker);
}
END_TEST

START_TEST(test_form) {
  struct maker maker;
  struct why why = {""};
  maker_init(&maker, 1);
  ck_assert_int_eq(read_fields(&maker, NULL), OK);

  /* RFC 9420, section 13.4 */
  struct bytes twice = maker_extensions((uint16_t[]){GREASE, PRIVATE_EXTENSION, GREASE}, 3);
  maker.fields.extensions = bytes_view(&twice);
  ck_assert_int_eq(read_fields(&maker, &why), ERR_MALFORMED);
  ck_assert_ptr_nonnull(strstr(why.text, "extension type 2570 is there twice"));
  maker.fields.extensions = view_of(twice.data, 6); /* two different types */
  ck_assert_int_eq(read_fields(&maker, NULL), OK);
  maker.fields.extensions = view_of(twice.data, 5); /* cut short inside */
  why.text[0] = '\0';
  ck_assert_int_eq(read_fields(&maker, &why), ERR_MALFORMED);
  ck_assert_ptr_nonnull(strstr(why.text, "list of extensions"));
  bytes_free(&twice);
  maker.fields.extensions = VIEW_NONE;

  /* Lists of 16-bit items with half an item. */
  struct view *lists[] = {
      &maker.fields.capabilities.versions, &maker.fields.capabilities.cipher_suites,
      &maker.fields.capabilities.extensions, &maker.fields.capabilities.proposals,
      &maker.fields.capabilities.credentials};
  for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
    struct view before = *lists[i];
    *lists[i] = VIEW_TEXT("abc");
    ck_assert_int_eq(read_fields(&maker, NULL), ERR_MALFORMED);
    *lists[i] = VIEW_TEXT("abcd");
    ck_assert_int_eq(read_fields(&maker, NULL), OK);
    *lists[i] = before;
  }
  maker.fields.source = (enum leaf_source)4;
  ck_assert_int_eq(read_fields(&maker, NULL), ERR_MALFORMED);
  maker.fields.source = (enum leaf_source)0;
  ck_assert_int_eq(read_fields(&maker, NULL), ERR_MALFORMED);
  maker_free(&maker);
}
END_TEST

START_TEST(test_credentials) {
  static const uint8_t chain[] = {0, 2, 6, 2, 'a', 'b', 2, 'c', 'd'};
  static const uint8_t broken[] = {0, 2, 5, 2, 'a', 'b', 2, 'c'};
  static const uint8_t unknown[] = {0xf0, 0x01, 1, 'x'};
  struct maker maker;
  struct why why = {""};
  maker_init(&maker, 1);
  maker.fields.credential = VIEW_ARRAY(unknown);
  ck_assert_int_eq(read_fields(&maker, &why), OK);
  maker.fields.credential = VIEW_ARRAY(broken);
  ck_assert_int_eq(read_fields(&maker, NULL), ERR_MALFORMED);
  maker.fields.credential = VIEW_ARRAY(chain);
  ck_assert_int_eq(read_fields(&maker, NULL), OK);
  struct leaf *leaf = maker_leaf(&maker);
  ck_assert_uint_eq(leaf_credential(leaf).type, CREDENTIAL_X509);
  ck_assert(view_equal(leaf_credential(leaf).identity, view_of(chain + 3, 6)));
  leaf_drop(leaf);
  /* A leaf has to list what it is. */
  static const uint8_t types[] = {0, 1, 0, 2};
  maker.fields.capabilities.credentials = view_of(types, 2);
  assert_refused(&maker, "own credential type 2");

  /* Chains that are none; test-x509.c has more. */
  static const uint8_t empty[] = {0, 2, 0};
  maker.fields.capabilities.credentials = VIEW_ARRAY(types);
  assert_refused(&maker, "no chain of certificates");
  maker.fields.credential = VIEW_ARRAY(empty);
  assert_refused(&maker, "no chain of certificates");
  maker_free(&maker);
}
END_TEST

START_TEST(test_check) {
  static const uint8_t grease[] = {0x0a, 0x0a, 0xf1, 0x23};
  static const uint8_t versions[] = {0, 2, 0, 1};
  struct maker maker;
  maker_init(&maker, 1);
  struct leaf_template fields = maker.fields;

  maker.fields.capabilities.versions = view_of(versions, 2);
  assert_refused(&maker, "do not list MLS 1.0");
  maker.fields.capabilities.versions = VIEW_NONE;
  assert_refused(&maker, "do not list MLS 1.0");
  maker.fields = fields;
  maker.fields.capabilities.cipher_suites = VIEW_ARRAY(versions);
  struct leaf *leaf = maker_leaf(&maker);
  ck_assert_int_eq(leaf_check(maker.suite, leaf, NULL), OK);
  leaf_drop(leaf);
  maker.fields.capabilities.cipher_suites = view_of(versions, 2);
  assert_refused(&maker, "do not list suite 1");
  maker.fields = fields;
  maker.fields.capabilities.credentials = VIEW_ARRAY(grease);
  assert_refused(&maker, "own credential type 1");
  maker.fields = fields;
  maker.fields.encryption_key.size--;
  assert_refused(&maker, "encryption_key");

  /* Extensions that are not defaults have to be listed; items that nobody knows are ignored. */
  maker.fields = fields;
  struct bytes own = maker_extensions((uint16_t[]){GREASE, PRIVATE_EXTENSION}, 2);
  maker.fields.extensions = bytes_view(&own);
  maker.fields.capabilities.extensions = view_of(grease, 2);
  assert_refused(&maker, "extension 61731");
  maker.fields.capabilities.extensions = VIEW_ARRAY(grease);
  maker.fields.capabilities.proposals = VIEW_ARRAY(grease);
  leaf = maker_leaf(&maker);
  ck_assert_int_eq(leaf_check(maker.suite, leaf, NULL), OK);
  ck_assert(leaf_supports_extension(leaf, PRIVATE_EXTENSION));
  ck_assert(leaf_supports_extension(leaf, EXTENSION_EXTERNAL_SENDERS));
  ck_assert(!leaf_supports_extension(leaf, 6));
  ck_assert(!leaf_supports_extension(leaf, 0));
  ck_assert(!leaf_supports_extension(leaf, GREASE) && !leaf_supports_proposal(leaf, GREASE));
  ck_assert(leaf_supports_proposal(leaf, PROPOSAL_GROUP_CONTEXT_EXTENSIONS));
  ck_assert(!leaf_supports_proposal(leaf, PROPOSAL_SELF_REMOVE));
  ck_assert(leaf_supports_credential(leaf, CREDENTIAL_BASIC));
  ck_assert(leaf_supports_credential(leaf, CREDENTIAL_X509) == x509_available());
  ck_assert(!leaf_supports_credential(leaf, 3));
  leaf_drop(leaf);
  bytes_free(&own);
  maker_free(&maker);
}
END_TEST

START_TEST(test_signature_key_size) {
  struct maker maker;
  struct writer writer = {0};
  struct why why = {""};
  struct leaf *leaf = NULL;
  maker_init(&maker, 1);
  maker.fields.signature_key.size--;
  leaf_write(&writer, &maker.fields);
  write_vector(&writer, VIEW_TEXT("signature"));
  ck_assert_int_eq(read_all(writer_view(&writer), NULL, &leaf), OK);
  ck_assert_int_eq(leaf_check(maker.suite, leaf, &why), ERR_INVALID_TREE);
  ck_assert_ptr_nonnull(strstr(why.text, "signature_key has 31 bytes"));
  ck_assert_int_eq(leaf_verify_signature(maker.suite, leaf, VIEW_NONE, 0, NULL), ERR_SIGNATURE);
  leaf_drop(leaf);
  writer_free(&writer);
  maker_free(&maker);
}
END_TEST

static void lifetime(const struct leaf *leaf, uint64_t begun, uint64_t lasting, uint64_t longest,
                     enum err expected) {
  struct lifetime_rules rules = {begun, lasting, longest};
  ck_assert_int_eq(leaf_check_lifetime(leaf, &rules, NULL), expected);
}

START_TEST(test_lifetime) {
  struct maker maker;
  maker_init(&maker, 1);
  struct leaf *leaf = maker_leaf(&maker);
  lifetime(leaf, 999, 999, 0, ERR_LIFETIME);
  lifetime(leaf, 1000, 1000, 0, OK);
  lifetime(leaf, 2000, 2000, 0, OK);
  lifetime(leaf, 2001, 2001, 0, ERR_LIFETIME);
  lifetime(leaf, 1500, 1500, 1000, OK);
  lifetime(leaf, 1500, 1500, 999, ERR_LIFETIME);
  lifetime(leaf, 1000, 0, 0, OK);
  lifetime(leaf, 999, 0, 0, ERR_LIFETIME);
  lifetime(leaf, UINT64_MAX, 2001, 0, ERR_LIFETIME);
  leaf_drop(leaf);
  maker.fields.not_before = 0;
  maker.fields.not_after = UINT64_MAX;
  leaf = maker_leaf(&maker);
  lifetime(leaf, 1500, 1500, 0, OK);
  lifetime(leaf, 1500, 1500, UINT64_MAX - 1, ERR_LIFETIME);
  leaf_drop(leaf);
  maker.fields.not_before = 2000;
  maker.fields.not_after = 1000;
  leaf = maker_leaf(&maker);
  lifetime(leaf, 1500, 1500, 0, ERR_LIFETIME);
  leaf_drop(leaf);
  maker.fields.source = LEAF_UPDATE;
  leaf = maker_leaf(&maker);
  lifetime(leaf, 5, 5, 1, OK);
  leaf_drop(leaf);
  maker_free(&maker);
}
END_TEST

START_TEST(test_own_capabilities) {
  struct bytes storage = {0};
  struct capabilities own;
  const uint8_t types[] = {0xf0, 1, 0xf0, 2};
  struct capabilities more = {.extensions = VIEW_ARRAY(types)};
  ck_assert_int_eq(leaf_own_capabilities(&more, false, &storage, &own), OK);
  ck_assert(list_has(own.versions, MLS_VERSION_10) && own.versions.size == 2);
  size_t credentials = x509_available() ? 4 : 2;
  ck_assert(list_has(own.credentials, CREDENTIAL_BASIC));
  ck_assert(list_has(own.credentials, CREDENTIAL_X509) == x509_available());
  ck_assert_uint_eq(own.credentials.size, credentials);
  ck_assert_uint_eq(list_at(own.extensions, 0), EXTENSION_LAST_RESORT);
  ck_assert(
      view_equal(view_of(own.extensions.data + 2, own.extensions.size - 2), VIEW_ARRAY(types)));
  ck_assert(list_has(own.proposals, PROPOSAL_SELF_REMOVE) && own.proposals.size == 2);
  size_t usable = 0;
  for (size_t i = 0; suite_id_at(i) != 0; i++) {
    bool here = suite_find(suite_id_at(i)) != NULL;
    ck_assert(list_has(own.cipher_suites, suite_id_at(i)) == here);
    usable += here;
  }
  ck_assert_uint_eq(own.cipher_suites.size, 2 * usable);
  ck_assert(list_has(own.cipher_suites, 1));
  bytes_free(&storage);
  /* With GREASE each list but the versions is longer by one value that means nothing. */
  ck_assert_int_eq(leaf_own_capabilities(&more, true, &storage, &own), OK);
  ck_assert_uint_eq(own.versions.size, 2);
  ck_assert_uint_eq(own.cipher_suites.size, 2 * usable + 2);
  ck_assert_uint_eq(own.extensions.size, 8);
  ck_assert_uint_eq(own.proposals.size, 4);
  ck_assert_uint_eq(own.credentials.size, credentials + 2);
  ck_assert_uint_eq(list_at(own.extensions, 3) % 0x1010, 0x0a0a);
  bytes_free(&storage);
}
END_TEST

START_TEST(test_extension_lists) {
  /* More types than any quadratic search would like, each once; then the last one again. */
  struct writer writer = {0};
  struct view data;
  for (unsigned type = 0; type <= UINT16_MAX; type++)
    extension_write(&writer, (uint16_t)type, VIEW_NONE);
  ck_assert_int_eq(extensions_check(writer_view(&writer), NULL), OK);
  ck_assert(extensions_find(writer_view(&writer), UINT16_MAX, &data) && data.size == 0);
  extension_write(&writer, UINT16_MAX, VIEW_NONE);
  ck_assert_int_eq(extensions_check(writer_view(&writer), NULL), ERR_MALFORMED);
  writer_free(&writer);
  ck_assert_int_eq(extensions_check(VIEW_NONE, NULL), OK);
  ck_assert(!extensions_find(VIEW_NONE, 0, &data));
}
END_TEST

START_TEST(test_required_capabilities) {
  static const uint8_t good[] = {2, 0xf1, 0x23, 0, 4, 0, 1, 0, 2, 0xff};
  struct capabilities required;
  ck_assert_int_eq(required_capabilities_read(view_of(good, 9), &required), OK);
  ck_assert(list_has(required.extensions, PRIVATE_EXTENSION));
  ck_assert(list_has(required.credentials, CREDENTIAL_X509));
  ck_assert_uint_eq(required.proposals.size + required.versions.size, 0);
  ck_assert_int_eq(required_capabilities_read(view_of(good, 10), &required), ERR_MALFORMED);
  for (size_t size = 0; size < 9; size++)
    ck_assert_int_eq(required_capabilities_read(view_of(good, size), &required), ERR_MALFORMED);
}
END_TEST

int main(void) {
  if (provider_init() != OK)
    return 1;
  TCase *leaves = tcase_create("leaves");
  tcase_set_timeout(leaves, 60);
  tcase_add_loop_test(leaves, test_fields, 0, 3);
  tcase_add_test(leaves, test_every_suite);
  tcase_add_test(leaves, test_share);
  tcase_add_loop_test(leaves, test_signature_binds_place, 0, 2);
  tcase_add_test(leaves, test_other_label);
  tcase_add_test(leaves, test_truncated_and_flipped);
  tcase_add_test(leaves, test_form);
  tcase_add_test(leaves, test_credentials);
  tcase_add_test(leaves, test_check);
  tcase_add_test(leaves, test_signature_key_size);
  tcase_add_test(leaves, test_lifetime);
  tcase_add_test(leaves, test_own_capabilities);
  tcase_add_test(leaves, test_extension_lists);
  tcase_add_test(leaves, test_required_capabilities);
  return run_case("leaf", leaves);
}
