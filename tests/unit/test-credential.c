/*
 * Clients with a signature key brought along, and with credentials of the application's own.
 * SPDX-License-Identifier: ISC
 */
#include <stdlib.h>
#include <string.h>

#include <e2ee/mls.h>

#include "badinput.h"
#include "base/buf.h"
#include "crypto/der.h"
#include "crypto/keyinfo.h"
#include "crypto/x509.h"
#include "tests/run.h"

#define TYPE 0xf0c0 /* of a credential of the application's own */
#define RAW_MAX 66
#define WRAPPED_MAX 128

/* Everything of a PKCS #8 key that stands before the private key, for each suite. */
static const struct {
  uint16_t suite;
  struct view prefix;
} wrappings[] = {
    {1, {(const uint8_t *)"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20", 16}},
    {2,
     {(const uint8_t *)"\x30\x41\x02\x01\x00\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08"
                       "\x2a\x86\x48\xce\x3d\x03\x01\x07\x04\x27\x30\x25\x02\x01\x01\x04\x20",
      35}},
    {3, {(const uint8_t *)"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20", 16}},
    {4, {(const uint8_t *)"\x30\x47\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x71\x04\x3b\x04\x39", 16}},
    {5,
     {(const uint8_t *)"\x30\x60\x02\x01\x00\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05"
                       "\x2b\x81\x04\x00\x23\x04\x49\x30\x47\x02\x01\x01\x04\x42",
      32}},
    {6, {(const uint8_t *)"\x30\x47\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x71\x04\x3b\x04\x39", 16}},
    {7,
     {(const uint8_t *)"\x30\x4e\x02\x01\x00\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05"
                       "\x2b\x81\x04\x00\x22\x04\x37\x30\x35\x02\x01\x01\x04\x30",
      32}},
};
#define SUITES (sizeof wrappings / sizeof *wrappings)

/* A private key in both forms, and its public one. */
struct key_pair {
  const struct suite *suite;
  uint8_t raw[RAW_MAX];
  uint8_t wrapped[WRAPPED_MAX];
  size_t wrapped_size;
  uint8_t public_key[SIGNATURE_PUBLIC_MAX];
};

static void wrap(struct key_pair *pair, size_t which) {
  struct view prefix = wrappings[which].prefix;
  size_t size = pair->suite->signature->private_size;
  memcpy(pair->wrapped, prefix.data, prefix.size);
  memcpy(pair->wrapped + prefix.size, pair->raw, size);
  pair->wrapped_size = prefix.size + size;
}

/* @return whether the suite is there */
static bool make_pair(size_t which, struct key_pair *pair) {
  memset(pair, 0, sizeof *pair);
  pair->suite = suite_find(wrappings[which].suite);
  if (pair->suite == NULL)
    return false;
  ck_assert_int_eq(pair->suite->signature->generate(pair->raw, pair->public_key), OK);
  wrap(pair, which);
  return true;
}

static int new_client(const struct suite *suite, const uint8_t *key, size_t size,
                      e2ee_client **client) {
  return e2ee_client_new_credential(suite->id, E2EE_CREDENTIAL_BASIC, TEXT("alice"), key, size,
                                    client);
}

static void setup(void) {
  ck_assert_int_eq(e2ee_init(), E2EE_OK);
}

/* ---- Own keys ---- */

static void expect_public_key(const struct key_pair *pair, const uint8_t *key, size_t key_size) {
  struct member alice = {NULL, NULL}, bob = {NULL, NULL};
  uint8_t found[SIGNATURE_PUBLIC_MAX];
  size_t size = sizeof found;
  ck_assert_int_eq(new_client(pair->suite, key, key_size, &alice.client), E2EE_OK);
  ck_assert_done(&alice, e2ee_client_public_key(alice.client, found, &size));
  ck_assert_uint_eq(size, pair->suite->signature->public_size);
  ck_assert_mem_eq(found, pair->public_key, size);
  /* It signs what others verify. */
  ck_assert_int_eq(e2ee_client_new(pair->suite->id, TEXT("bob"), &bob.client), E2EE_OK);
  struct member both[2] = {bob, alice};
  found_group(both, 2);
  expect_agreement(&both[0], &both[1]);
  member_free(&both[0]);
  member_free(&both[1]);
}

START_TEST(own_keys) {
  struct key_pair pair;
  if (!make_pair((size_t)_i, &pair))
    return;
  expect_public_key(&pair, pair.raw, pair.suite->signature->private_size);
  expect_public_key(&pair, pair.wrapped, pair.wrapped_size);
}
END_TEST

START_TEST(fresh_keys) {
  uint8_t first[32], second[32];
  size_t size = 32;
  e2ee_client *one = NULL, *two = NULL;
  ck_assert_int_eq(new_client(suite_find(1), NULL, 0, &one), E2EE_OK);
  ck_assert_int_eq(new_client(suite_find(1), NULL, 0, &two), E2EE_OK);
  ck_assert_int_eq(e2ee_client_public_key(one, first, &size), E2EE_OK);
  ck_assert_int_eq(e2ee_client_public_key(two, second, &size), E2EE_OK);
  ck_assert_mem_ne(first, second, size);
  e2ee_client_free(one);
  e2ee_client_free(two);
}
END_TEST

START_TEST(keys_of_wrong_length) {
  static const uint8_t zeros[200];
  struct key_pair pair;
  if (!make_pair((size_t)_i, &pair))
    return;
  for (size_t size = 1; size < sizeof zeros; size++)
    if (size != pair.suite->signature->private_size)
      expect_error(INVALID, new_client(pair.suite, zeros, size, &out.client));
  expect_error(INVALID, new_client(pair.suite, NULL, 1, &out.client));
  expect_error(INVALID, new_client(pair.suite, zeros, 0, &out.client));
  expect_error(E2EE_ERR_LIMIT, new_client(pair.suite, zeros, SIZE_MAX, &out.client));
}
END_TEST

/* The order of each curve: SEC 2, sections 2.4.2, 2.5.1 and 2.6.1. */
static struct view order_of(uint16_t suite) {
  static const uint8_t p256[] = "\xff\xff\xff\xff\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff"
                                "\xbc\xe6\xfa\xad\xa7\x17\x9e\x84\xf3\xb9\xca\xc2\xfc\x63\x25\x51",
                       p384[] = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
                                "\xff\xff\xff\xff\xff\xff\xff\xff\xc7\x63\x4d\x81\xf4\x37\x2d\xdf"
                                "\x58\x1a\x0d\xb2\x48\xb0\xa7\x7a\xec\xec\x19\x6a\xcc\xc5\x29\x73",
                       p521[] = "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
                                "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
                                "\xff\xfa\x51\x86\x87\x83\xbf\x2f\x96\x6b\x7f\xcc\x01\x48\xf7\x09"
                                "\xa5\xd0\x3b\xb5\xc9\xb8\x89\x9c\x47\xae\xbb\x6f\xb7\x1e\x91\x38"
                                "\x64\x09";
  return suite == 2   ? view_of(p256, 32)
         : suite == 5 ? view_of(p521, 66)
         : suite == 7 ? view_of(p384, 48)
                      : VIEW_NONE;
}

static void expect_key(struct key_pair *pair, size_t which, int expected) {
  size_t size = pair->suite->signature->private_size;
  wrap(pair, which);
  for (size_t i = 0; i < 2; i++) {
    e2ee_client *client = NULL;
    ck_assert_int_eq(new_client(pair->suite, i == 0 ? pair->raw : pair->wrapped,
                                i == 0 ? size : pair->wrapped_size, &client),
                     expected);
    ck_assert((client != NULL) == (expected == E2EE_OK));
    e2ee_client_free(client);
  }
}

START_TEST(keys_out_of_range) {
  size_t which = (size_t)_i;
  struct key_pair pair;
  struct view order = order_of(wrappings[which].suite);
  if (!make_pair(which, &pair) || order.size == 0)
    return;
  memset(pair.raw, 0, sizeof pair.raw);
  expect_key(&pair, which, E2EE_ERR_INVALID_ARG);
  pair.raw[order.size - 1] = 1;
  expect_key(&pair, which, E2EE_OK);
  memcpy(pair.raw, order.data, order.size);
  expect_key(&pair, which, E2EE_ERR_INVALID_ARG);
  pair.raw[order.size - 1]--;
  expect_key(&pair, which, E2EE_OK);
  memset(pair.raw, 0xff, order.size);
  expect_key(&pair, which, E2EE_ERR_INVALID_ARG);
}
END_TEST

START_TEST(keys_of_another_kind) {
  struct key_pair pair;
  if (!make_pair((size_t)_i, &pair))
    return;
  for (size_t i = 0; i < SUITES; i++) {
    const struct suite *suite = suite_find(wrappings[i].suite);
    if (suite == NULL || suite->signature_id == pair.suite->signature_id)
      continue;
    /* PKCS #8 of Ed25519 is as long as a private key of P-384. */
    expect_error(INVALID, new_client(suite, pair.wrapped, pair.wrapped_size, &out.client));
  }
}
END_TEST

/* ---- PKCS #8 ---- */

static enum err read_wrapped(uint16_t suite, struct view der) {
  struct secret secret = {0};
  enum err err = keyinfo_read_private(suite_find(suite), der, &secret);
  ck_assert((secret.size > 0) == (err == OK));
  secret_wipe(&secret);
  return err;
}

/* RFC 8410, section 10.3: with attributes and the public key, too. */
START_TEST(known_key) {
  static const uint8_t der[] =
      "\x30\x72\x02\x01\x01\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20\xd4\xee\x72\xdb"
      "\xf9\x13\x58\x4a\xd5\xb6\xd8\xf1\xf7\x69\xf8\xad\x3a\xfe\x7c\x28\xcb\xf1\xd4\xfb"
      "\xe0\x97\xa8\x8f\x44\x75\x58\x42\xa0\x1f\x30\x1d\x06\x0a\x2a\x86\x48\x86\xf7\x0d"
      "\x01\x09\x09\x14\x31\x0f\x0c\x0d\x43\x75\x72\x64\x6c\x65\x20\x43\x68\x61\x69\x72"
      "\x73\x81\x21\x00\x19\xbf\x44\x09\x69\x84\xcd\xfe\x85\x41\xba\xc1\x67\xdc\x3b\x96"
      "\xc8\x50\x86\xaa\x30\xb6\xb6\xcb\x0c\x5c\x38\xad\x70\x31\x66\xe1";
  const size_t size = sizeof der - 1;
  uint8_t found[32];
  size_t found_size = sizeof found;
  e2ee_client *client = NULL;
  ck_assert_int_eq(new_client(suite_find(1), der, size, &client), E2EE_OK);
  ck_assert_int_eq(e2ee_client_public_key(client, found, &found_size), E2EE_OK);
  ck_assert_mem_eq(found, der + size - 32, 32);
  e2ee_client_free(client);
  for (size_t i = 0; i < size; i++)
    ck_assert_int_eq(read_wrapped(1, view_of(der, i)), ERR_MALFORMED);
  ck_assert_int_eq(read_wrapped(1, view_of(der, size + 1)), ERR_MALFORMED);
}
END_TEST

START_TEST(broken_wrappings) {
  size_t which = (size_t)_i;
  struct key_pair pair;
  if (!make_pair(which, &pair))
    return;
  uint16_t suite = pair.suite->id;
  struct view der = view_of(pair.wrapped, pair.wrapped_size);
  ck_assert_int_eq(read_wrapped(suite, der), OK);
  for (size_t i = 0; i < der.size; i++)
    ck_assert_int_eq(read_wrapped(suite, view_of(der.data, i)), ERR_MALFORMED);
  ck_assert_int_eq(read_wrapped(suite, view_of(der.data, der.size + 1)), ERR_MALFORMED);
  /* Whichever bit in front of the key is another, it is no such key; but a version may be 1. */
  for (size_t i = 0; i < 8 * wrappings[which].prefix.size; i++) {
    enum err expected = i == 8 * 4 ? OK : ERR_MALFORMED;
    pair.wrapped[i / 8] ^= (uint8_t)(1 << i % 8);
    enum err err = read_wrapped(suite, der);
    ck_assert_msg(err == expected || (i / 8 > 4 && err == ERR_INVALID_ARG), "bit %zu: %d", i, err);
    pair.wrapped[i / 8] ^= (uint8_t)(1 << i % 8);
  }
}
END_TEST

/* SubjectPublicKeyInfo of 32 zeros for Ed25519, as long as nothing is changed in it. */
START_TEST(public_keys) {
#define ED25519 "\x30\x05\x06\x03\x2b\x65\x70"
#define ZEROS_31 "0000000000000000000000000000000"
  const struct {
    struct view der;
    enum err expected;
  } infos[] = {
      {VIEW_TEXT("\x30\x2a" ED25519 "\x03\x21\x00" ZEROS_31 "0"), OK},
      {VIEW_TEXT("\x30\x2a" ED25519 "\x03\x21\x01" ZEROS_31 "0"), ERR_MALFORMED},
      {VIEW_TEXT("\x30\x2b" ED25519 "\x03\x21\x00" ZEROS_31 "0x"), ERR_MALFORMED},
      {VIEW_TEXT("\x30\x2a" ED25519 "\x03\x21\x00" ZEROS_31 "0x"), ERR_MALFORMED},
      {VIEW_TEXT("\x30\x09" ED25519 "\x03\x00"), ERR_MALFORMED},
      {VIEW_TEXT("\x30\x2a\x30\x05\x06\x03\x2b\x65\x71\x03\x21\x00" ZEROS_31 "0"), ERR_INVALID_ARG},
      {VIEW_TEXT("\x30\x29" ED25519 "\x03\x20\x00" ZEROS_31), ERR_INVALID_ARG},
  };
  for (size_t i = 0; i < sizeof infos / sizeof *infos; i++) {
    struct view key = VIEW_NONE;
    ck_assert_int_eq(keyinfo_read_public(suite_find(1), infos[i].der, &key), infos[i].expected);
    ck_assert_uint_eq(key.size, infos[i].expected == OK ? 32 : 0);
  }
}
END_TEST

START_TEST(numbers_of_two_bytes) {
  /* PKCS #8, whose version is 0. */
  ck_assert_int_eq(
      read_wrapped(1, VIEW_TEXT("\x30\x2e\x02\x01\x00" ED25519 "\x04\x22\x04\x20" ZEROS_31 "0")),
      OK);
  ck_assert_int_eq(read_wrapped(1, VIEW_TEXT("\x30\x2f\x02\x02\x00\x00" ED25519
                                             "\x04\x22\x04\x20" ZEROS_31 "0")),
                   ERR_MALFORMED);
}
END_TEST

/* A length may take three bytes. */
START_TEST(longest_value) {
  static const uint8_t tag = 0x04;
  const size_t sizes[] = {0xffffff, 0x1000000};
  for (size_t i = 0; i < 2; i++) {
    uint8_t *der = calloc(1, 6 + sizes[i]);
    size_t count = 3 + i;
    struct view value = VIEW_NONE;
    ck_assert_ptr_nonnull(der);
    der[0] = tag;
    der[1] = (uint8_t)(0x80 | count);
    for (size_t at = 0; at < count; at++)
      der[2 + at] = (uint8_t)(sizes[i] >> 8 * (count - 1 - at));
    struct reader reader = reader_of(view_of(der, 2 + count + sizes[i]));
    ck_assert_int_eq(der_read_value(&reader, tag, &value), i == 0 ? OK : ERR_MALFORMED);
    ck_assert_uint_eq(value.size, i == 0 ? sizes[i] : 0);
    free(der);
  }
}
END_TEST

/* A value of up to 127 bytes. */
static void put(struct writer *to, uint8_t tag, struct view value) {
  write_u8(to, tag);
  write_u8(to, (uint8_t)value.size);
  write_bytes(to, value);
}

/* PKCS #8 with a private key of some size, and something behind it, inside and outside. */
static enum err read_with(uint16_t suite, size_t size, struct view inside, struct view outside) {
  static const uint8_t zeros[64];
  struct writer key = {0}, wrapped = {0}, all = {0}, der = {0};
  if (suite == 2) {
    write_bytes(&key, VIEW_TEXT("\x02\x01\x01"));
    put(&key, 0x04, view_of(zeros, size));
    write_bytes(&key, inside);
    put(&wrapped, 0x30, writer_view(&key));
    write_bytes(&all, VIEW_TEXT("\x02\x01\x00\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08"
                                "\x2a\x86\x48\xce\x3d\x03\x01\x07"));
  } else {
    put(&wrapped, 0x04, view_of(zeros, size));
    write_bytes(&wrapped, inside);
    write_bytes(&all, VIEW_TEXT("\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70"));
  }
  put(&all, 0x04, writer_view(&wrapped));
  write_bytes(&all, outside);
  put(&der, 0x30, writer_view(&all));
  ck_assert_int_eq(der.err, OK);
  enum err err = read_wrapped(suite, writer_view(&der));
  writer_free(&key);
  writer_free(&wrapped);
  writer_free(&all);
  writer_free(&der);
  return err;
}

START_TEST(beside_the_key) {
  const struct view none = VIEW_NONE, first = VIEW_TEXT("\xa0\x01x"),
                    second = VIEW_TEXT("\xa1\x01x"), bits = VIEW_TEXT("\x81\x01x"),
                    both = VIEW_TEXT("\xa0\x01x\xa1\x01x"), wrong = VIEW_TEXT("\xa1\x01x\xa0\x01x"),
                    twice = VIEW_TEXT("\xa0\x01x\xa0\x01x"), null = VIEW_TEXT("\x05\x00"),
                    all = VIEW_TEXT("\xa0\x01x\x81\x01x");
  ck_assert_int_eq(read_with(2, 32, none, none), OK);
  ck_assert_int_eq(read_with(1, 32, none, none), OK);
  /* Of another size. */
  ck_assert_int_eq(read_with(2, 31, none, none), ERR_INVALID_ARG);
  ck_assert_int_eq(read_with(2, 33, none, none), ERR_INVALID_ARG);
  ck_assert_int_eq(read_with(1, 31, none, none), ERR_INVALID_ARG);
  ck_assert_int_eq(read_with(1, 0, none, none), ERR_INVALID_ARG);
  /* ECPrivateKey may name the curve and the public key; CurvePrivateKey has nothing else. */
  const struct view may[] = {first, second, both}, may_not[] = {bits, wrong, twice, null};
  for (size_t i = 0; i < sizeof may / sizeof *may; i++) {
    ck_assert_int_eq(read_with(2, 32, may[i], none), OK);
    ck_assert_int_eq(read_with(1, 32, may[i], none), ERR_MALFORMED);
  }
  for (size_t i = 0; i < sizeof may_not / sizeof *may_not; i++)
    ck_assert_int_eq(read_with(2, 32, may_not[i], none), ERR_MALFORMED);
  /* Outside: attributes and the public key. */
  ck_assert_int_eq(read_with(1, 32, none, first), OK);
  ck_assert_int_eq(read_with(1, 32, none, bits), OK);
  ck_assert_int_eq(read_with(1, 32, none, all), OK);
  ck_assert_int_eq(read_with(1, 32, none, second), ERR_MALFORMED);
  ck_assert_int_eq(read_with(1, 32, none, twice), ERR_MALFORMED);
  ck_assert_int_eq(read_with(1, 32, none, null), ERR_MALFORMED);
}
END_TEST

/* ---- Credentials of the application's own ---- */

static struct member with_credential(uint16_t type, const char *body) {
  struct member member = {NULL, NULL};
  ck_assert_int_eq(e2ee_client_new_credential(SUITE, type, (const uint8_t *)body, strlen(body),
                                              NULL, 0, &member.client),
                   E2EE_OK);
  return member;
}

static void expect_identity(const struct member *by, uint32_t leaf, uint16_t type,
                            const char *body) {
  uint8_t found[64];
  size_t size = sizeof found;
  ck_assert_done(by, e2ee_group_member(by->group, leaf, E2EE_MEMBER_IDENTITY, found, &size));
  ck_assert_uint_eq(size, strlen(body));
  ck_assert_mem_eq(found, body, size);
  size = sizeof found;
  ck_assert_done(by, e2ee_group_member(by->group, leaf, E2EE_MEMBER_CREDENTIAL, found, &size));
  ck_assert_uint_eq(size, 3 + strlen(body));
  ck_assert_uint_eq(found[0] << 8 | found[1], type);
  ck_assert_uint_eq(found[2], strlen(body));
  ck_assert_mem_eq(found + 3, body, strlen(body));
}

/* @return what came of adding somebody, who joins if it was E2EE_OK */
static int try_to_add(struct member *by, struct member *who) {
  e2ee_bytes *key_package = key_package_of(who), *message = NULL, *welcome = NULL;
  e2ee_commit *commit = NULL;
  ck_assert_done(by, e2ee_commit_new(by->group, &commit));
  int err = e2ee_commit_add(commit, BYTES(key_package));
  if (err == E2EE_OK)
    err = e2ee_commit_build(commit, &message, &welcome);
  if (err == E2EE_OK) {
    ck_assert_done(by, e2ee_group_commit_accepted(by->group));
    join(who, welcome);
  }
  e2ee_commit_free(commit);
  e2ee_bytes_free(key_package);
  e2ee_bytes_free(message);
  e2ee_bytes_free(welcome);
  return err;
}

START_TEST(credential_of_the_application) {
  struct member alice = member_new("alice"), bob = with_credential(TYPE, "a token"),
                carol = with_credential(TYPE, "another");
  /* The founder has to support it, and a supporter's own type is basic still. */
  ck_assert_done(&alice, e2ee_group_new(alice.client, TEXT("g"), &alice.group));
  ck_assert_int_eq(try_to_add(&alice, &bob), E2EE_ERR_INVALID_PROPOSAL);
  e2ee_group_free(alice.group);
  alice.group = NULL;
  ck_assert_done(&alice, e2ee_client_support(alice.client, E2EE_TYPE_CREDENTIAL, TYPE));
  ck_assert_done(&alice, e2ee_group_new(alice.client, TEXT("g"), &alice.group));
  ck_assert_int_eq(try_to_add(&alice, &bob), E2EE_OK);
  expect_agreement(&alice, &bob);
  expect_identity(&alice, 1, TYPE, "a token");
  expect_identity(&bob, 1, TYPE, "a token");
  expect_identity(&bob, 0, E2EE_CREDENTIAL_BASIC, "alice");
  /* Who joins has to support it, too; who has such a credential does. */
  struct member dave = member_new("dave");
  ck_assert_int_eq(try_to_add(&alice, &dave), E2EE_ERR_INVALID_PROPOSAL);
  ck_assert_int_eq(try_to_add(&alice, &carol), E2EE_OK);
  expect_agreement(&alice, &carol);
  expect_identity(&carol, 2, TYPE, "another");
  member_free(&alice);
  member_free(&bob);
  member_free(&carol);
  member_free(&dave);
}
END_TEST

/* What a client supports is not saved; but that it has such a credential is. */
START_TEST(saved_credential) {
  static const uint8_t key[32];
  struct member bob = with_credential(TYPE, "a token"), loaded = {NULL, NULL};
  e2ee_bytes *blob = NULL;
  ck_assert_done(&bob, e2ee_client_save(bob.client, key, sizeof key, &blob));
  ck_assert_int_eq(e2ee_client_load(key, sizeof key, BYTES(blob), &loaded.client), E2EE_OK);
  ck_assert_done(&loaded, e2ee_group_new(loaded.client, TEXT("g"), &loaded.group));
  expect_identity(&loaded, 0, TYPE, "a token");
  member_free(&bob);
  member_free(&loaded);
  e2ee_bytes_free(blob);
}
END_TEST

START_TEST(bodies) {
  static uint8_t body[65536];
  e2ee_client *client = NULL;
  e2ee_bytes *package = NULL;
  size_t size = 0;
  expect_error(E2EE_ERR_LIMIT,
               e2ee_client_new_credential(1, TYPE, body, sizeof body, NULL, 0, &out.client));
  expect_error(INVALID, e2ee_client_new_credential(1, TYPE, body, 0, NULL, 0, &out.client));
  expect_error(INVALID, e2ee_client_new_credential(1, TYPE, NULL, 0, NULL, 0, &out.client));
  expect_error(INVALID, e2ee_client_new_credential(1, TYPE, NULL, 1, NULL, 0, &out.client));
  expect_error(INVALID, e2ee_client_new_credential(1, 0, body, 1, NULL, 0, &out.client));
  expect_error(INVALID, e2ee_client_new_credential(1, TYPE, body, 1, NULL, 0, NULL));
  expect_error(E2EE_ERR_UNSUPPORTED,
               e2ee_client_new_credential(0, TYPE, body, 1, NULL, 0, &out.client));
  body[0] = 1;
  ck_assert_int_eq(e2ee_client_new_credential(1, TYPE, body, sizeof body - 1, NULL, 0, &client),
                   E2EE_OK);
  ck_assert_int_eq(e2ee_key_package_new(client, &package), E2EE_OK);
  ck_assert_int_eq(e2ee_key_package_identity(BYTES(package), NULL, &size), E2EE_OK);
  ck_assert_uint_eq(size, sizeof body - 1);
  e2ee_bytes_free(package);
  e2ee_client_free(client);
}
END_TEST

/* test-certified.c has what can be done with them where they can be read. */
START_TEST(no_certificates) {
  static const uint8_t certificate[] = "\x30\x00", key[32] = {1};
  int expected = x509_available() ? E2EE_ERR_MALFORMED : E2EE_ERR_UNSUPPORTED;
  expect_error(expected, e2ee_client_new_credential(1, E2EE_CREDENTIAL_X509, certificate, 2, key,
                                                    sizeof key, &out.client));
  expect_error(expected, e2ee_x509_verify(certificate, 2, certificate, 2, 1));
  /* A group cannot ask for what its members do not list. */
  struct member alice = member_new("alice");
  e2ee_commit *commit = NULL;
  e2ee_bytes *message = NULL, *welcome = NULL;
  ck_assert_done(&alice, e2ee_group_new(alice.client, TEXT("g"), &alice.group));
  ck_assert_done(&alice, e2ee_commit_new(alice.group, &commit));
  ck_assert_done(&alice, e2ee_commit_require(commit, E2EE_TYPE_CREDENTIAL, E2EE_CREDENTIAL_X509));
  ck_assert_returns(&alice, e2ee_commit_build(commit, &message, &welcome),
                    x509_available() ? E2EE_OK : E2EE_ERR_INVALID_PROPOSAL);
  e2ee_bytes_free(message);
  e2ee_bytes_free(welcome);
  e2ee_commit_free(commit);
  member_free(&alice);
}
END_TEST

int main(void) {
  TCase *cases = tcase_create("credentials");
  tcase_add_checked_fixture(cases, setup, NULL);
  tcase_set_timeout(cases, 120);
  tcase_add_loop_test(cases, own_keys, 0, SUITES);
  tcase_add_test(cases, fresh_keys);
  tcase_add_loop_test(cases, keys_of_wrong_length, 0, SUITES);
  tcase_add_loop_test(cases, keys_out_of_range, 0, SUITES);
  tcase_add_loop_test(cases, keys_of_another_kind, 0, SUITES);
  tcase_add_test(cases, known_key);
  tcase_add_loop_test(cases, broken_wrappings, 0, SUITES);
  tcase_add_test(cases, beside_the_key);
  tcase_add_test(cases, public_keys);
  tcase_add_test(cases, numbers_of_two_bytes);
  tcase_add_test(cases, longest_value);
  tcase_add_test(cases, credential_of_the_application);
  tcase_add_test(cases, saved_credential);
  tcase_add_test(cases, bodies);
  tcase_add_test(cases, no_certificates);
  return run_case("credential", cases);
}
