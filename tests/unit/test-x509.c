/*
 * Certificates: whose key one is, and which chains lead to a root.
 * SPDX-License-Identifier: ISC
 */
#include <check.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/provider.h"
#include "crypto/sign.h"
#include "crypto/x509.h"
#include "issuer.h"
#include "tests/run.h"

static const struct wish a_root = {.name = "root", .kind = "P-256", ROOT},
                         a_middle = {.name = "middle", .kind = "P-256", ROOT},
                         a_leaf = {.name = "leaf", .kind = "ED25519", LEAF};

static struct holder root, middle, leaf;

static void setup(void) {
  ck_assert_int_eq(provider_init(), OK);
  root = issue(&a_root, NULL);
  middle = issue(&a_middle, &root);
  leaf = issue(&a_leaf, &middle);
}

static void teardown(void) {
  holder_free(&root);
  holder_free(&middle);
  holder_free(&leaf);
}

/* Whatever comes out, nothing may be left in OpenSSL's queue for the next one to find. */
static enum err verify(struct view chain, struct view roots, uint64_t now) {
  enum err err = x509_verify(chain, roots, now);
  ck_assert_uint_eq(ERR_peek_error(), 0);
  return err;
}

/* Frees the chain. */
static enum err verify_chain(struct bytes chain, const struct holder *trusted) {
  enum err err = verify(bytes_view(&chain), bytes_view(&trusted->der), VALID_AT);
  bytes_free(&chain);
  return err;
}

/* ---- Keys ---- */

static const struct {
  uint16_t suite;
  const char *kind;
} kinds[] = {{1, "ED25519"}, {2, "P-256"}, {4, "ED448"}, {5, "P-521"}, {7, "P-384"}};
#define KINDS (sizeof kinds / sizeof *kinds)

static struct bytes public_key_of(const struct suite *suite, const struct holder *holder) {
  struct bytes raw = holder_raw_key(holder), public_key = {0};
  uint8_t key[SIGNATURE_PUBLIC_MAX];
  ck_assert_uint_eq(raw.size, suite->signature->private_size);
  ck_assert_int_eq(suite->signature->derive_public(raw.data, key), OK);
  ck_assert_int_eq(bytes_copy(&public_key, view_of(key, suite->signature->public_size)), OK);
  bytes_free(&raw);
  return public_key;
}

static enum err check_key(uint16_t suite_id, struct view certificate, struct view key) {
  enum err err = x509_check_key(suite_find(suite_id), certificate, key);
  ck_assert_uint_eq(ERR_peek_error(), 0);
  return err;
}

START_TEST(keys_of_each_kind) {
  const struct suite *suite = suite_find(kinds[_i].suite);
  const struct wish wish = {.name = "who", .kind = kinds[_i].kind, LEAF};
  struct holder holder = issue(&wish, NULL), other = issue(&wish, NULL);
  struct bytes key = public_key_of(suite, &holder);
  ck_assert_int_eq(check_key(suite->id, bytes_view(&holder.der), bytes_view(&key)), OK);
  ck_assert_int_eq(check_key(suite->id, bytes_view(&other.der), bytes_view(&key)), ERR_SIGNATURE);
  for (size_t i = 0; i < key.size; i++) {
    key.data[i] ^= 1;
    ck_assert_int_eq(check_key(suite->id, bytes_view(&holder.der), bytes_view(&key)),
                     ERR_SIGNATURE);
    key.data[i] ^= 1;
  }
  ck_assert_int_eq(check_key(suite->id, bytes_view(&holder.der), view_of(key.data, key.size - 1)),
                   ERR_SIGNATURE);
  ck_assert_int_eq(check_key(suite->id, bytes_view(&holder.der), VIEW_NONE), ERR_SIGNATURE);
  /* The same bytes are no key of another scheme. */
  for (size_t i = 0; i < KINDS; i++)
    if (kinds[i].suite != suite->id)
      ck_assert_int_eq(check_key(kinds[i].suite, bytes_view(&holder.der), bytes_view(&key)),
                       ERR_SIGNATURE);
  bytes_free(&key);
  holder_free(&holder);
  holder_free(&other);
}
END_TEST

/* MLS writes points in one way only, and so must the certificate. */
START_TEST(compressed_point) {
  const struct suite *suite = suite_find(2);
  struct bytes key = public_key_of(suite, &middle);
  unsigned char *der = NULL;
  ck_assert_int_eq(EVP_PKEY_set_utf8_string_param(middle.key,
                                                  OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
                                                  OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_COMPRESSED),
                   1);
  ck_assert_int_eq(X509_set_pubkey(middle.certificate, middle.key), 1);
  ck_assert_int_gt(X509_sign(middle.certificate, root.key, EVP_sha256()), 0);
  int size = i2d_X509(middle.certificate, &der);
  ck_assert_int_eq(check_key(2, bytes_view(&middle.der), bytes_view(&key)), OK);
  ck_assert_int_eq(check_key(2, view_of(der, (size_t)size), bytes_view(&key)), ERR_SIGNATURE);
  OPENSSL_free(der);
  bytes_free(&key);
}
END_TEST

/* ---- Chains ---- */

/* A root, somebody in the middle, and a leaf, with one thing different in each line. */
static const struct {
  const char *what;
  struct wish root, middle, leaf;
  long at; /* 0: VALID_AT */
  enum err expected;
} chains[] = {
    {.what = "nothing", .expected = OK},
    {.what = "Ed25519",
     .root = {.kind = "ED25519", ROOT},
     .middle = {.kind = "ED25519", ROOT},
     .expected = OK},
    {.what = "Ed448", .root = {.kind = "ED448", ROOT}, .expected = OK},
    {.what = "P-384",
     .root = {.kind = "P-384", .digest = "SHA384", ROOT},
     .middle = {.kind = "P-384", .digest = "SHA384", ROOT},
     .leaf = {.kind = "P-384", .digest = "SHA384", LEAF},
     .expected = OK},
    {.what = "RSA", .root = {.kind = "RSA-2048", ROOT}, .expected = OK},

    {.what = "the first second", .at = VALID_FROM, .expected = OK},
    {.what = "the last second", .at = VALID_TO - 1, .expected = OK},
    {.what = "too early", .at = VALID_FROM - 1, .expected = ERR_LIFETIME},
    {.what = "too late", .at = VALID_TO + 1, .expected = ERR_LIFETIME},
    {.what = "leaf expired",
     .leaf = {.from = VALID_FROM, .to = VALID_AT - 1, LEAF},
     .expected = ERR_LIFETIME},
    {.what = "leaf not yet valid",
     .leaf = {.from = VALID_AT + 1, .to = VALID_TO, LEAF},
     .expected = ERR_LIFETIME},
    {.what = "middle expired",
     .middle = {.from = VALID_FROM, .to = VALID_AT - 1, ROOT},
     .expected = ERR_LIFETIME},
    {.what = "root expired",
     .root = {.from = VALID_FROM, .to = VALID_AT - 1, ROOT},
     .expected = ERR_LIFETIME},

    {.what = "middle no CA",
     .middle = {.ca = "critical,CA:FALSE", .usage = "critical,keyCertSign"},
     .expected = ERR_SIGNATURE},
    {.what = "middle without basicConstraints",
     .middle = {.usage = "critical,keyCertSign"},
     .expected = ERR_SIGNATURE},
    {.what = "middle like a leaf", .middle = {LEAF}, .expected = ERR_SIGNATURE},
    {.what = "root without basicConstraints",
     .root = {.usage = "critical,keyCertSign"},
     .expected = ERR_SIGNATURE},
    {.what = "root of version 1", .root = {.version = 1}, .expected = ERR_SIGNATURE},
    {.what = "middle of version 1", .middle = {.version = 1}, .expected = ERR_SIGNATURE},
    {.what = "leaf a CA too",
     .leaf = {.ca = "critical,CA:TRUE", .usage = "digitalSignature,keyCertSign"},
     .expected = OK},

    {.what = "room for no middle",
     .root = {.ca = "critical,CA:TRUE,pathlen:0", .usage = "keyCertSign"},
     .expected = ERR_SIGNATURE},
    {.what = "room for one middle",
     .root = {.ca = "critical,CA:TRUE,pathlen:1", .usage = "keyCertSign"},
     .middle = {.ca = "critical,CA:TRUE,pathlen:0", .usage = "keyCertSign"},
     .expected = OK},

    {.what = "middle may not sign certificates",
     .middle = {.ca = "critical,CA:TRUE", .usage = "critical,digitalSignature,cRLSign"},
     .expected = ERR_SIGNATURE},
    {.what = "root may not sign certificates",
     .root = {.ca = "critical,CA:TRUE", .usage = "critical,cRLSign"},
     .expected = ERR_SIGNATURE},
    {.what = "leaf may not sign",
     .leaf = {.usage = "critical,keyAgreement"},
     .expected = ERR_SIGNATURE},
    {.what = "leaf may sign certificates alone",
     .leaf = {.ca = "critical,CA:TRUE", .usage = "critical,keyCertSign"},
     .expected = ERR_SIGNATURE},
    {.what = "no keyUsage anywhere",
     .root = {.ca = "CA:TRUE"},
     .middle = {.ca = "CA:TRUE"},
     .leaf = {.version = 3},
     .expected = OK},

    {.what = "leaf by SHA-1", .leaf = {.digest = "SHA1", LEAF}, .expected = ERR_SIGNATURE},
    {.what = "middle by SHA-1", .middle = {.digest = "SHA1", ROOT}, .expected = ERR_SIGNATURE},
    {.what = "root by SHA-1, which nobody asks for",
     .root = {.digest = "SHA1", ROOT},
     .expected = OK},
    {.what = "middle of a short RSA key",
     .middle = {.kind = "RSA-1024", ROOT},
     .expected = ERR_SIGNATURE},
    {.what = "root of a short RSA key",
     .root = {.kind = "RSA-1024", ROOT},
     .expected = ERR_SIGNATURE},
    {.what = "unknown but critical in the leaf",
     .leaf = {.special = "x", LEAF},
     .expected = ERR_SIGNATURE},
    {.what = "unknown but critical in the middle",
     .middle = {.special = "x", ROOT},
     .expected = ERR_SIGNATURE},
};

/* A wish that leaves everything out is the usual one. */
static struct holder make(struct wish wish, const struct wish *usual, const struct holder *by) {
  static const struct wish none;
  if (memcmp(&wish, &none, sizeof none) == 0)
    wish = *usual;
  wish.name = usual->name;
  if (wish.kind == NULL)
    wish.kind = usual->kind;
  return issue(&wish, by);
}

START_TEST(one_thing_different) {
  struct holder first = make(chains[_i].root, &a_root, NULL),
                second = make(chains[_i].middle, &a_middle, &first),
                third = make(chains[_i].leaf, &a_leaf, &second);
  struct bytes chain = chain_of(&third, &second, NULL);
  uint64_t at = (uint64_t)(chains[_i].at == 0 ? VALID_AT : chains[_i].at);
  enum err err = verify(bytes_view(&chain), bytes_view(&first.der), at);
  ck_assert_msg(err == chains[_i].expected, "%s: %d", chains[_i].what, err);
  bytes_free(&chain);
  holder_free(&first);
  holder_free(&second);
  holder_free(&third);
}
END_TEST

START_TEST(path_length_without_a_middle) {
  const struct wish short_root = {
      .name = "short", .kind = "P-256", .ca = "critical,CA:TRUE,pathlen:0", .usage = "keyCertSign"};
  struct holder first = issue(&short_root, NULL), second = issue(&a_leaf, &first);
  ck_assert_int_eq(verify_chain(chain_of(&second, NULL), &first), OK);
  holder_free(&first);
  holder_free(&second);
}
END_TEST

START_TEST(which_roots_are_trusted) {
  struct holder impostor = issue(&a_root, NULL), self = issue(&a_leaf, NULL);
  ck_assert_int_eq(verify_chain(chain_of(&leaf, &middle, NULL), &root), OK);
  /* Another root of the same name; or one that comes with the chain. */
  ck_assert_int_eq(verify_chain(chain_of(&leaf, &middle, NULL), &impostor), ERR_SIGNATURE);
  ck_assert_int_eq(verify_chain(chain_of(&leaf, &middle, &root, NULL), &impostor), ERR_SIGNATURE);
  ck_assert_int_eq(verify_chain(chain_of(&self, NULL), &root), ERR_SIGNATURE);
  struct bytes chain = chain_of(&leaf, &middle, &root, NULL);
  ck_assert_int_eq(verify(bytes_view(&chain), VIEW_NONE, VALID_AT), ERR_SIGNATURE);
  /* The right one among others. */
  struct bytes roots = chain_of(&impostor, &self, &root, NULL);
  ck_assert_int_eq(verify(bytes_view(&chain), bytes_view(&roots), VALID_AT), OK);
  bytes_free(&roots);
  bytes_free(&chain);
  /* Whatever is given as a root is one, and the chain ends there. */
  ck_assert_int_eq(verify_chain(chain_of(&leaf, NULL), &middle), OK);
  ck_assert_int_eq(verify_chain(chain_of(&leaf, NULL), &leaf), OK);
  ck_assert_int_eq(verify_chain(chain_of(&self, NULL), &self), OK);
  /* But not as a CA if it is none. */
  struct holder below = issue(&a_leaf, &self);
  ck_assert_int_eq(verify_chain(chain_of(&below, NULL), &self), ERR_SIGNATURE);
  holder_free(&below);
  holder_free(&impostor);
  holder_free(&self);
}
END_TEST

START_TEST(what_is_in_the_chain) {
  struct holder other = issue(&a_middle, &root), stranger = issue(&a_root, NULL);
  ck_assert_int_eq(verify_chain(chain_of(&leaf, NULL), &root), ERR_SIGNATURE);
  ck_assert_int_eq(verify_chain(chain_of(&leaf, &other, NULL), &root), ERR_SIGNATURE);
  ck_assert_int_eq(verify_chain(chain_of(&leaf, &other, &stranger, &middle, NULL), &root), OK);
  ck_assert_int_eq(verify_chain(chain_of(&middle, &leaf, NULL), &root), ERR_SIGNATURE); /* usage */
  struct bytes ten =
      chain_of(&leaf, &middle, &leaf, &leaf, &leaf, &leaf, &leaf, &leaf, &leaf, &leaf, NULL);
  struct bytes eleven =
      chain_of(&leaf, &middle, &leaf, &leaf, &leaf, &leaf, &leaf, &leaf, &leaf, &leaf, &leaf, NULL);
  ck_assert_int_eq(verify(bytes_view(&ten), bytes_view(&root.der), VALID_AT), OK);
  ck_assert_int_eq(verify(bytes_view(&eleven), bytes_view(&root.der), VALID_AT), ERR_LIMIT);
  bytes_free(&ten);
  bytes_free(&eleven);
  holder_free(&other);
  holder_free(&stranger);
}
END_TEST

START_TEST(longest_path) {
  struct holder path[X509_CHAIN_MAX + 1];
  struct writer chain = {0};
  path[0] = issue(&a_root, NULL);
  for (size_t i = 1; i < X509_CHAIN_MAX; i++)
    path[i] = issue(&a_middle, &path[i - 1]);
  path[X509_CHAIN_MAX] = issue(&a_leaf, &path[X509_CHAIN_MAX - 1]);
  for (size_t i = X509_CHAIN_MAX; i > 0; i--)
    write_bytes(&chain, bytes_view(&path[i].der));
  ck_assert_int_eq(verify(writer_view(&chain), bytes_view(&path[0].der), VALID_AT), OK);
  writer_free(&chain);
  for (size_t i = 0; i <= X509_CHAIN_MAX; i++)
    holder_free(&path[i]);
}
END_TEST

START_TEST(times_beyond) {
  struct bytes chain = chain_of(&leaf, &middle, NULL);
  static const uint64_t times[] = {
      0, 1, UINT32_MAX, UINT64_C(253402300799), UINT64_C(253402300800), INT64_MAX, UINT64_MAX};
  for (size_t i = 0; i < sizeof times / sizeof *times; i++)
    ck_assert_int_eq(verify(bytes_view(&chain), bytes_view(&root.der), times[i]), ERR_LIFETIME);
  bytes_free(&chain);
}
END_TEST

/* ---- Bytes ---- */

START_TEST(no_certificates) {
  struct view trusted = bytes_view(&root.der), good = bytes_view(&leaf.der);
  uint8_t key[32] = {0};
  struct bytes identifiers = {0};
  const struct view bad[] = {VIEW_NONE,
                             VIEW_TEXT("certificate"),
                             VIEW_TEXT("\x30\x00"),
                             VIEW_TEXT("\x30\x80\x00\x00"),
                             VIEW_TEXT("\x30\x03\x02\x01\x00"),
                             VIEW_TEXT("\x30\x84\xff\xff\xff\xff"),
                             VIEW_TEXT("\x31\x00")};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    ck_assert_int_eq(check_key(1, bad[i], VIEW_ARRAY(key)), ERR_MALFORMED);
    ck_assert_int_eq(verify(bad[i], trusted, VALID_AT), ERR_MALFORMED);
    ck_assert_int_eq(x509_identifiers(bad[i], &identifiers), ERR_MALFORMED);
    ck_assert_ptr_null(identifiers.data);
    ck_assert_uint_eq(ERR_peek_error(), 0);
    if (bad[i].size > 0)
      ck_assert_int_eq(verify(good, bad[i], VALID_AT), ERR_MALFORMED);
  }
  struct bytes longer = {0};
  ck_assert_int_eq(bytes_copy(&longer, bytes_view(&root.der)), OK);
  for (size_t size = 0; size < leaf.der.size; size++) {
    struct view part = view_of(leaf.der.data, size);
    ck_assert_int_eq(check_key(1, part, VIEW_ARRAY(key)), ERR_MALFORMED);
    ck_assert_int_eq(verify(part, trusted, VALID_AT), ERR_MALFORMED);
  }
  bytes_free(&longer);
}
END_TEST

START_TEST(more_than_one_certificate) {
  const struct suite *suite = suite_find(1);
  struct bytes key = public_key_of(suite, &leaf), two = chain_of(&leaf, &leaf, NULL);
  ck_assert_int_eq(check_key(1, bytes_view(&leaf.der), bytes_view(&key)), OK);
  ck_assert_int_eq(check_key(1, bytes_view(&two), bytes_view(&key)), ERR_MALFORMED);
  ck_assert_int_eq(check_key(1, view_of(two.data, leaf.der.size + 1), bytes_view(&key)),
                   ERR_MALFORMED);
  bytes_free(&key);
  bytes_free(&two);
}
END_TEST

/* The signature covers the rest; so whatever bit is another, the certificate is none any more. */
START_TEST(every_byte_altered) {
  struct bytes chain = chain_of(&leaf, &middle, NULL);
  for (size_t i = 0; i < leaf.der.size; i++) {
    chain.data[i] ^= (uint8_t)(1 << i % 8);
    enum err err = verify(bytes_view(&chain), bytes_view(&root.der), VALID_AT);
    ck_assert_msg(err == ERR_MALFORMED || err == ERR_SIGNATURE || err == ERR_LIFETIME,
                  "byte %zu: %d", i, err);
    chain.data[i] ^= (uint8_t)(1 << i % 8);
  }
  ck_assert_int_eq(verify(bytes_view(&chain), bytes_view(&root.der), VALID_AT), OK);
  bytes_free(&chain);
}
END_TEST

/* The same certificate with its signature's length in two bytes, which OpenSSL would read. */
START_TEST(not_der) {
  uint8_t other[1024];
  const size_t size = leaf.der.size;
  size_t at = size - 64; /* the signature of P-256 is longer */
  ck_assert_uint_lt(size + 1, sizeof other);
  while (at > 0 && !(leaf.der.data[at] == 0x03 && leaf.der.data[at + 1] == size - at - 2))
    at--;
  ck_assert_uint_gt(at, 0);
  memcpy(other, leaf.der.data, at + 1);
  other[at + 1] = 0x81;
  memcpy(other + at + 2, leaf.der.data + at + 1, size - at - 1);
  ck_assert_uint_eq(other[1], 0x82);
  ck_assert_uint_lt(other[3], 0xff);
  other[3]++;
  const unsigned char *from = other;
  X509 *read = d2i_X509(NULL, &from, (long)size + 1);
  ck_assert_ptr_nonnull(read);
  X509_free(read);
  struct bytes key = public_key_of(suite_find(1), &leaf);
  ck_assert_int_eq(check_key(1, view_of(other, size + 1), bytes_view(&key)), ERR_MALFORMED);
  bytes_free(&key);
}
END_TEST

int main(void) {
  TCase *cases = tcase_create("certificates");
  tcase_add_checked_fixture(cases, setup, teardown);
  tcase_set_timeout(cases, 60);
  tcase_add_loop_test(cases, keys_of_each_kind, 0, KINDS);
  tcase_add_test(cases, compressed_point);
  tcase_add_loop_test(cases, one_thing_different, 0, sizeof chains / sizeof *chains);
  tcase_add_test(cases, path_length_without_a_middle);
  tcase_add_test(cases, which_roots_are_trusted);
  tcase_add_test(cases, what_is_in_the_chain);
  tcase_add_test(cases, longest_path);
  tcase_add_test(cases, times_beyond);
  tcase_add_test(cases, no_certificates);
  tcase_add_test(cases, more_than_one_certificate);
  tcase_add_test(cases, every_byte_altered);
  tcase_add_test(cases, not_der);
  return run_case("x509", cases);
}
