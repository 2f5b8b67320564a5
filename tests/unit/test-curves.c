/*
 * Groups and signatures: each backend against every other, and against points, scalars and
 * encodings that must be refused.
 * SPDX-License-Identifier: ISC
 */
#include <check.h>
#include <string.h>
#include <tomcrypt.h>

#include "backends.h"
#include "crypto/der.h"
#include "crypto/provider.h"
#include "tests/run.h"

/* ---- Diffie-Hellman ---- */

static bool is_nist(enum dh_id id) {
  return id == DH_P256 || id == DH_P384 || id == DH_P521;
}

/* A private key in range: scalars of the NIST curves have to be below the order. */
static void random_private(enum dh_id id, const struct dh *dh, uint8_t *key) {
  provider_random(key, dh->private_size);
  if (is_nist(id))
    key[0] = 0;
}

static void agree_both_ways(enum dh_id id, const struct dh *a, const struct dh *b) {
  uint8_t key_a[SECRET_MAX], key_b[SECRET_MAX], point_a[DH_PUBLIC_MAX], point_b[DH_PUBLIC_MAX];
  uint8_t shared_a[SECRET_MAX], shared_b[SECRET_MAX], again[DH_PUBLIC_MAX];
  random_private(id, a, key_a);
  random_private(id, a, key_b);
  ck_assert_int_eq(a->derive_public(key_a, point_a), OK);
  ck_assert_int_eq(b->derive_public(key_a, again), OK);
  assert_equal(point_a, again, a->public_size);
  ck_assert_int_eq(b->derive_public(key_b, point_b), OK);
  ck_assert_int_eq(a->check_public(point_b), OK);
  ck_assert_int_eq(a->agree(key_a, point_b, shared_a), OK);
  ck_assert_int_eq(b->agree(key_b, point_a, shared_b), OK);
  assert_equal(shared_a, shared_b, a->shared_size);
}

START_TEST(test_dh) {
  enum dh_id id = (enum dh_id)_i;
  const struct dh *a, *b;
  for (int round = 0; round < 3; round++)
    for (size_t i = 0; (a = provider_dh_at(id, i)) != NULL; i++)
      for (size_t j = 0; (b = provider_dh_at(id, j)) != NULL; j++)
        agree_both_ways(id, a, b);
}
END_TEST

static void assert_no_point(const struct dh *dh, const uint8_t *key, const uint8_t *point) {
  uint8_t shared[SECRET_MAX];
  memset(shared, 0xaa, sizeof shared);
  ck_assert_int_eq(dh->check_public(point), ERR_MALFORMED);
  ck_assert_int_eq(dh->agree(key, point, shared), ERR_MALFORMED);
  ck_assert_uint_eq(shared[0], 0xaa);
  assert_no_errors_left();
}

static void bad_points(enum dh_id id, const struct dh *dh) {
  uint8_t key[SECRET_MAX], good[DH_PUBLIC_MAX], bad[DH_PUBLIC_MAX];
  size_t size = dh->public_size, half = (size - 1) / 2;
  random_private(id, dh, key);
  ck_assert_int_eq(dh->derive_public(key, good), OK);
  ck_assert_uint_eq(good[0], 4);
  for (unsigned first = 0; first < 256; first++) { /* compressed, hybrid, neutral, nonsense */
    memcpy(bad, good, size);
    bad[0] = (uint8_t)first;
    if (first != 4)
      assert_no_point(dh, key, bad);
  }
  for (size_t i = 1; i < size; i++) { /* off the curve */
    memcpy(bad, good, size);
    bad[i] ^= 1;
    assert_no_point(dh, key, bad);
  }
  memset(bad, 0, size);
  assert_no_point(dh, key, bad);
  bad[0] = 4; /* (0, 0) */
  assert_no_point(dh, key, bad);
  memcpy(bad, good, size); /* x, then y, beyond the field */
  memset(bad + 1, 0xff, half);
  assert_no_point(dh, key, bad);
  memcpy(bad, good, size);
  memset(bad + 1 + half, 0xff, half);
  assert_no_point(dh, key, bad);
}

/* x and x + prime name the same number: only the first is a coordinate.  P-521 alone has room for
 * the second.  The point is the base point. */
static void point_beyond_field(const struct dh *dh) {
  uint8_t key[SECRET_MAX] = {0}, point[DH_PUBLIC_MAX], altered[DH_PUBLIC_MAX];
  key[65] = 1;
  ck_assert_int_eq(dh->derive_public(key, point), OK);
  ck_assert_int_eq(dh->check_public(point), OK);
  for (size_t at = 1; at < 133; at += 66) { /* x, then y: plus 2^521 - 1 */
    memcpy(altered, point, sizeof altered);
    altered[at] |= 2;
    ck_assert_uint_ne(altered[at + 65], 0);
    altered[at + 65]--;
    assert_no_point(dh, key, altered);
  }
}

START_TEST(test_bad_points) {
  enum dh_id id = (enum dh_id)_i;
  const struct dh *dh;
  for (size_t i = 0; is_nist(id) && (dh = provider_dh_at(id, i)) != NULL; i++) {
    bad_points(id, dh);
    if (id == DH_P521)
      point_beyond_field(dh);
  }
}
END_TEST

static const char *const group_order[DH_COUNT] = {
    [DH_P256] = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
    [DH_P384] = "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77a"
                "ecec196accc52973",
    [DH_P521] = "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f"
                "966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409",
};

static void assert_no_scalar(const struct dh *dh, const uint8_t *key, const uint8_t *base) {
  uint8_t point[DH_PUBLIC_MAX], shared[SECRET_MAX];
  ck_assert_int_eq(dh->derive_public(key, point), ERR_INVALID_ARG);
  ck_assert_int_eq(dh->agree(key, base, shared), ERR_INVALID_ARG);
  assert_no_errors_left();
}

/* Scalars next to the ends of the range, where additions of points have their special cases. */
static void scalars_at_the_ends(enum dh_id id, const struct dh *dh, const struct dh *other) {
  uint8_t low[SECRET_MAX] = {0}, high[SECRET_MAX], shared[SECRET_MAX], base[DH_PUBLIC_MAX];
  uint8_t point[DH_PUBLIC_MAX], mirrored[DH_PUBLIC_MAX], again[DH_PUBLIC_MAX];
  size_t size = dh->private_size;
  low[size - 1] = 1;
  ck_assert_int_eq(dh->derive_public(low, base), OK);
  ck_assert_uint_eq(from_hex(group_order[id], high), size);
  assert_no_scalar(dh, high, base); /* the order */
  for (uint8_t i = 1; i < 8; i++) {
    low[size - 1] = i;
    high[size - 1]--; /* the order less i */
    ck_assert_int_eq(dh->derive_public(low, point), OK);
    ck_assert_int_eq(other->derive_public(low, again), OK);
    assert_equal(point, again, dh->public_size);
    /* (order - i) * base is -(i * base): the same x. */
    ck_assert_int_eq(dh->derive_public(high, mirrored), OK);
    assert_equal(point, mirrored, 1 + size);
    ck_assert_int_eq(dh->check_public(mirrored), OK);
    ck_assert(memcmp(point, mirrored, dh->public_size) != 0);
    ck_assert_int_eq(dh->agree(high, base, shared), OK);
    assert_equal(shared, point + 1, size);
  }
  memset(high, 0xff, size);
  assert_no_scalar(dh, high, base);
  memset(high, 0, size);
  assert_no_scalar(dh, high, base);
}

START_TEST(test_scalars) {
  enum dh_id id = (enum dh_id)_i;
  const struct dh *dh;
  for (size_t i = 0; is_nist(id) && (dh = provider_dh_at(id, i)) != NULL; i++)
    scalars_at_the_ends(id, dh, provider_dh(id));
}
END_TEST

/* RFC 7748, section 6: points of small order, which make every shared secret zero. */
START_TEST(test_all_zero_results) {
  static const char *const points[] = {
      "0000000000000000000000000000000000000000000000000000000000000000",
      "0100000000000000000000000000000000000000000000000000000000000000",
      "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
      "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  };
  uint8_t key[SECRET_MAX], point[DH_PUBLIC_MAX], shared[SECRET_MAX];
  const struct dh *dh;
  for (size_t i = 0; (dh = provider_dh_at(DH_X25519, i)) != NULL; i++)
    for (size_t j = 0; j < sizeof points / sizeof *points; j++) {
      random_private(DH_X25519, dh, key);
      ck_assert_uint_eq(from_hex(points[j], point), dh->public_size);
      ck_assert_int_eq(dh->agree(key, point, shared), ERR_MALFORMED);
      assert_no_errors_left();
    }
  for (size_t i = 0; (dh = provider_dh_at(DH_X448, i)) != NULL; i++)
    for (uint8_t j = 0; j < 2; j++) {
      random_private(DH_X448, dh, key);
      memset(point, 0, dh->public_size);
      point[0] = j;
      ck_assert_int_eq(dh->agree(key, point, shared), ERR_MALFORMED);
      assert_no_errors_left();
    }
}
END_TEST

/* ---- Signatures ---- */

struct signed_message {
  uint8_t key[SECRET_MAX], public_key[SIGNATURE_PUBLIC_MAX];
  uint8_t text[300], bytes[SIGNATURE_MAX];
  struct view message, signature;
};

static void sign_message(const struct signature *scheme, struct signed_message *out, size_t size) {
  size_t written = 0;
  provider_random(out->text, sizeof out->text);
  out->message = view_of(out->text, size);
  memset(out->bytes, 0xaa, sizeof out->bytes);
  ck_assert_int_eq(scheme->generate(out->key, out->public_key), OK);
  ck_assert_int_eq(scheme->sign(out->key, out->message, out->bytes, &written), OK);
  ck_assert_uint_le(written, scheme->max_size);
  for (size_t i = scheme->max_size; i < sizeof out->bytes; i++)
    ck_assert_uint_eq(out->bytes[i], 0xaa);
  out->signature = view_of(out->bytes, written);
}

START_TEST(test_signature) {
  static const size_t sizes[] = {0, 1, 64, 300};
  enum signature_id id = (enum signature_id)_i;
  const struct signature *from, *to;
  for (size_t i = 0; (from = provider_signature_at(id, i)) != NULL; i++)
    for (size_t j = 0; (to = provider_signature_at(id, j)) != NULL; j++)
      for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        struct signed_message made;
        uint8_t again[SIGNATURE_PUBLIC_MAX];
        sign_message(from, &made, sizes[k]);
        ck_assert_int_eq(to->derive_public(made.key, again), OK);
        assert_equal(made.public_key, again, from->public_size);
        ck_assert_int_eq(to->verify(made.public_key, made.message, made.signature), OK);
      }
}
END_TEST

static void assert_unverified(const struct signature *scheme, const uint8_t *public_key,
                              struct view message, struct view signature) {
  ck_assert_int_eq(scheme->verify(public_key, message, signature), ERR_SIGNATURE);
  assert_no_errors_left();
}

START_TEST(test_signature_tampered) {
  enum signature_id id = (enum signature_id)_i;
  const struct signature *scheme;
  for (size_t i = 0; (scheme = provider_signature_at(id, i)) != NULL; i++) {
    struct signed_message made, other;
    sign_message(scheme, &made, 40);
    sign_message(scheme, &other, 40);
    assert_unverified(scheme, made.public_key, other.message, made.signature);
    assert_unverified(scheme, made.public_key, made.message, other.signature);
    assert_unverified(scheme, other.public_key, made.message, made.signature);
    assert_unverified(scheme, made.public_key, view_of(made.text, 39), made.signature);
    assert_unverified(scheme, made.public_key, view_of(made.text, 41), made.signature);
    assert_unverified(scheme, made.public_key, made.message, VIEW_NONE);
    for (size_t size = 1; size < made.signature.size; size++)
      assert_unverified(scheme, made.public_key, made.message, view_of(made.bytes, size));
    for (size_t at = 0; at < made.signature.size; at++) {
      made.bytes[at] ^= 0x10;
      assert_unverified(scheme, made.public_key, made.message, made.signature);
      made.bytes[at] ^= 0x10;
    }
    assert_unverified(scheme, made.public_key, made.message,
                      view_of(made.bytes, made.signature.size + 1));
    uint8_t first = made.public_key[0];
    for (unsigned byte = 0; byte < 256; byte++) { /* for points: another encoding */
      made.public_key[0] = (uint8_t)byte;
      if (byte != first)
        assert_unverified(scheme, made.public_key, made.message, made.signature);
    }
    memset(made.public_key, 0, sizeof made.public_key);
    if (scheme->public_size > 57) /* EdDSA: a point of small order, and refused for it */
      made.public_key[0] = 4;
    assert_unverified(scheme, made.public_key, made.message, made.signature);
  }
}
END_TEST

static bool is_ecdsa(enum signature_id id) {
  return id == SIGNATURE_P256 || id == SIGNATURE_P384 || id == SIGNATURE_P521;
}

/* The same numbers in another encoding, and numbers out of range. */
static void other_encodings(const struct signature *scheme, struct signed_message *made,
                            const char *order) {
  uint8_t r[DER_NUMBER_MAX], s[DER_NUMBER_MAX], n[DER_NUMBER_MAX], zero[DER_NUMBER_MAX] = {0};
  uint8_t der[2 * SIGNATURE_MAX];
  size_t size = scheme->private_size, length;
  ck_assert_int_eq(der_read_signature(made->signature, size, r, s), OK);
  length = der_write_signature(r, s, size, der);
  ck_assert(view_equal(made->signature, view_of(der, length)));
  ck_assert_uint_eq(from_hex(order, n), size);
  const uint8_t *const bad[][2] = {{zero, s}, {r, zero}, {n, s}, {r, n}, {zero, zero}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    length = der_write_signature(bad[i][0], bad[i][1], size, der);
    assert_unverified(scheme, made->public_key, made->message, view_of(der, length));
  }
  /* A leading zero more in front of r; the length of the SEQUENCE is its last header byte. */
  size_t header = made->bytes[1] == 0x81 ? 3 : 2;
  memcpy(der, made->bytes, header + 2);
  der[header - 1]++;
  der[header + 1]++;
  der[header + 2] = 0;
  memcpy(der + header + 3, made->bytes + header + 2, made->signature.size - header - 2);
  assert_unverified(scheme, made->public_key, made->message,
                    view_of(der, made->signature.size + 1));
  /* A length in more bytes than needed. */
  size_t long_header = header == 2 ? 3 : 4;
  der[0] = made->bytes[0];
  der[1] = header == 2 ? 0x81 : 0x82;
  der[2] = header == 2 ? made->bytes[1] : 0;
  der[3] = made->bytes[2];
  memcpy(der + long_header, made->bytes + header, made->signature.size - header);
  assert_unverified(scheme, made->public_key, made->message,
                    view_of(der, made->signature.size + 1));
}

START_TEST(test_ecdsa_encodings) {
  enum signature_id id = (enum signature_id)_i;
  const struct signature *scheme;
  if (!is_ecdsa(id))
    return;
  for (size_t i = 0; (scheme = provider_signature_at(id, i)) != NULL; i++) {
    struct signed_message made;
    sign_message(scheme, &made, 100);
    other_encodings(scheme, &made, group_order[DH_P256 + (id - SIGNATURE_P256)]);
    uint8_t key[SECRET_MAX] = {0}, out[SIGNATURE_MAX], public_key[SIGNATURE_PUBLIC_MAX];
    size_t size = 0;
    ck_assert_int_eq(scheme->sign(key, made.message, out, &size), ERR_INVALID_ARG);
    ck_assert_int_eq(scheme->derive_public(key, public_key), ERR_INVALID_ARG);
    memset(key, 0xff, sizeof key);
    ck_assert_int_eq(scheme->sign(key, made.message, out, &size), ERR_INVALID_ARG);
    ck_assert_uint_eq(size, 0);
    assert_no_errors_left();
  }
}
END_TEST

/*
 * A verification adds two products, here of P-256 and the message "abc".  In the first case they are
 * the same point, so that it has to be doubled.  In the second they are opposite, and the sum is
 * the neutral point; doubled by mistake, it would give r, and a signature that nobody made would pass.
 */
static void verify_special_sums(void) {
  static const char r_hex[] = "f30e5fb67a6458cfe545a7126da2bbf3eeeaf250eb3072da35d5b92b192ccbf5";
  static const char s_hex[] = "2e089bdde762d06a4c45bfe75af3f45f3ef055c9805411c37c03f962184bcd3a";
  static const char *const keys[] = {
      "04c8414500c922468289fe181c4bc084380611af28b09c7ff528580fb745f4ac95"
      "adaac70a97aa321911486c022ff99cf6c19a4ca8ed6d95f02241dd56f5adcdfb",
      "04c8414500c922468289fe181c4bc084380611af28b09c7ff528580fb745f4ac95"
      "525538f46855cde7eeb793fdd00663093e65b35812926a0fddbe22a90a523204",
  };
  const struct signature *scheme;
  uint8_t r[32], s[32], key[65], der[80];
  ck_assert_uint_eq(from_hex(r_hex, r) + from_hex(s_hex, s), 64);
  size_t size = der_write_signature(r, s, 32, der);
  for (size_t i = 0; (scheme = provider_signature_at(SIGNATURE_P256, i)) != NULL; i++)
    for (size_t j = 0; j < 2; j++) {
      ck_assert_uint_eq(from_hex(keys[j], key), 65);
      ck_assert_int_eq(scheme->verify(key, VIEW_TEXT("abc"), view_of(der, size)),
                       j == 0 ? OK : ERR_SIGNATURE);
    }
}

/* libtomcrypt adds the products jointly if it was built to do so, else one after the other. */
START_TEST(test_ecdsa_special_sums) {
  verify_special_sums();
  struct signed_message made;
  int (*joint)(ecc_point *, void *, ecc_point *, void *, ecc_point *, void *) = ltc_mp.ecc_mul2add;
  ltc_mp.ecc_mul2add = NULL;
  verify_special_sums();
  sign_message(provider_signature(SIGNATURE_P256), &made, 40);
  const struct signature *scheme;
  for (size_t i = 0; (scheme = provider_signature_at(SIGNATURE_P256, i)) != NULL; i++) {
    ck_assert_int_eq(scheme->verify(made.public_key, made.message, made.signature), OK);
    assert_unverified(scheme, made.public_key, view_of(made.text, 39), made.signature);
  }
  ltc_mp.ecc_mul2add = joint;
}
END_TEST

/* ---- DER ---- */

START_TEST(test_der) {
  static const char *const refused[] = {
      "",
      "30",
      "3000",
      "3003020101",               /* no s */
      "30060201010201",           /* s cut */
      "3106020101020101",         /* a SET */
      "3006030101020101",         /* a BIT STRING */
      "300602010102010100",       /* something after it */
      "3009020101020101020101",   /* a third number */
      "3007020101020101",         /* a length beyond the input */
      "30050201010200",           /* an empty number */
      "3006020181020101",         /* negative */
      "3006020101020180",         /* negative */
      "300702020001020101",       /* not the shortest */
      "30070201010202007f",       /* not the shortest */
      "308106020101020101",       /* not the shortest length */
      "30800201010201010000",     /* indefinite length */
      "300a02050100000000020101", /* longer than the four bytes of the test */
  };
  uint8_t r[DER_NUMBER_MAX], s[DER_NUMBER_MAX], bytes[80];
  memset(r, 0xaa, sizeof r);
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    size_t size = from_hex(refused[i], bytes);
    ck_assert_int_eq(der_read_signature(view_of(bytes, size), 4, r, s), ERR_MALFORMED);
    ck_assert_uint_eq(r[0], 0xaa);
  }
  size_t size = from_hex("300b020500ffffffff02020080", bytes);
  ck_assert_int_eq(der_read_signature(view_of(bytes, size), 4, r, s), OK);
  assert_equal(r, (const uint8_t *)"\xff\xff\xff\xff", 4);
  assert_equal(s, (const uint8_t *)"\0\0\0\x80", 4);
}
END_TEST

/* A length of 128 and more takes the byte 81 in front of it. */
START_TEST(test_der_long_length) {
  uint8_t r[DER_NUMBER_MAX], s[DER_NUMBER_MAX], der[2 * DER_NUMBER_MAX + 9];
  memset(r, 0xff, sizeof r);
  size_t length = der_write_signature(r, r, DER_NUMBER_MAX, der);
  ck_assert_int_eq(der_read_signature(view_of(der, length), DER_NUMBER_MAX, r, s), OK);
  ck_assert_uint_eq(der[1], 0x81);
  ck_assert_uint_eq(der[2], length - 3);
  memmove(der + 1, der + 2, length - 2);
  ck_assert_int_eq(der_read_signature(view_of(der, length - 1), DER_NUMBER_MAX, r, s),
                   ERR_MALFORMED);
}
END_TEST

static void round_trip(const uint8_t *r, const uint8_t *s, size_t size) {
  uint8_t der[2 * DER_NUMBER_MAX + 9], read_r[DER_NUMBER_MAX], read_s[DER_NUMBER_MAX];
  size_t length = der_write_signature(r, s, size, der);
  ck_assert_uint_le(length, 2 * size + 9);
  ck_assert_int_eq(der_read_signature(view_of(der, length), size, read_r, read_s), OK);
  assert_equal(r, read_r, size);
  assert_equal(s, read_s, size);
}

START_TEST(test_der_round_trip) {
  uint8_t r[DER_NUMBER_MAX], s[DER_NUMBER_MAX];
  for (int i = 0; i < 100; i++)
    for (size_t size = 1; size <= DER_NUMBER_MAX; size++) {
      provider_random(r, size);
      provider_random(s, size);
      if (i % 4 == 0)
        memset(r, 0, size / 2);
      if (i % 4 == 1)
        memset(s, 0, size - 1);
      round_trip(r, s, size);
    }
}
END_TEST

int main(void) {
  if (provider_init() != OK)
    return 1;
  TCase *groups = tcase_create("groups");
  tcase_set_timeout(groups, 240);
  tcase_add_loop_test(groups, test_dh, 0, DH_COUNT);
  tcase_add_loop_test(groups, test_bad_points, 0, DH_COUNT);
  tcase_add_loop_test(groups, test_scalars, 0, DH_COUNT);
  tcase_add_test(groups, test_all_zero_results);
  TCase *signatures = tcase_create("signatures");
  tcase_set_timeout(signatures, 240);
  tcase_add_loop_test(signatures, test_signature, 0, SIGNATURE_COUNT);
  tcase_add_loop_test(signatures, test_signature_tampered, 0, SIGNATURE_COUNT);
  tcase_add_loop_test(signatures, test_ecdsa_encodings, 0, SIGNATURE_COUNT);
  tcase_add_test(signatures, test_ecdsa_special_sums);
  tcase_add_test(signatures, test_der);
  tcase_add_test(signatures, test_der_long_length);
  tcase_add_test(signatures, test_der_round_trip);
  Suite *all = suite_create("curves");
  suite_add_tcase(all, groups);
  suite_add_tcase(all, signatures);
  return run_suite(all);
}
