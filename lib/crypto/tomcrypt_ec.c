/*
 * Backend libtomcrypt: ECDH and ECDSA on the NIST curves, for where OpenSSL is not there.
 *
 * libtomcrypt 1.18 checks neither that a point is on its curve nor every special case of adding
 * points, and its DER reader is lax.  So only its scalar multiplication is used, for scalars from 1
 * to the order less 1; points, signatures and the rest of ECDSA are handled here.
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#define LTM_DESC   /* declares LibTomMath as a provider of arithmetic */
#define LTC_SOURCE /* and short names for its functions: mp_add() and so on */
#include <tomcrypt.h>

#include "crypto/curve.h"
#include "crypto/der.h"
#include "crypto/provider.h"
#include "crypto/tomcrypt.h"

/* ---- Numbers of libtomcrypt: of unlimited size, allocated ---- */

static enum err math(int result) {
  if (result == CRYPT_OK)
    return OK;
  return result == CRYPT_MEM ? ERR_NOMEM : ERR_INTERNAL;
}

/* mp_clear() wipes digits before it frees them, which compilers leave out.  But a number that gets a
 * value has zeros behind it. */
static void number_wipe(void *number) {
  (void)mp_set(number, 0);
}

static void numbers_free(void **const *numbers, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (*numbers[i] != NULL) {
      number_wipe(*numbers[i]);
      mp_clear(*numbers[i]);
    }
    *numbers[i] = NULL;
  }
}

static void point_free(ecc_point *point) {
  if (point == NULL)
    return;
  number_wipe(point->x);
  number_wipe(point->y);
  number_wipe(point->z);
  ltc_ecc_del_point(point);
}

/* All numbers are NULL before; mp_init() and mp_init_multi() leave dangling pointers on failure. */
static enum err numbers_new(void **const *numbers, size_t count) {
  for (size_t i = 0; i < count; i++) {
    void *number = NULL;
    if (mp_init(&number) != CRYPT_OK)
      return ERR_NOMEM;
    *numbers[i] = number;
  }
  return OK;
}

/* ---- The curves: shared by all threads, not written after tomcrypt_ec_start() ---- */

#define UNCOMPRESSED 4     /* first byte of a point (SEC 1, section 2.3.3) */
#define BLINDING_BYTES 8   /* of the multiple of the order added to a scalar */
#define CURVE_BYTES_MAX 66 /* P-521 */
#define CURVE_PUBLIC_MAX 133

/* y^2 = x^3 - 3x + b modulo prime; base generates a group of `order` points. */
struct curve {
  size_t size; /* of a coordinate and of a scalar, in bytes */
  void *prime;
  void *b;
  void *order;
  ecc_point *base; /* NULL if libtomcrypt was built without the curve */
};

static struct curve curves[CURVE_COUNT] = {{.size = 32}, {.size = 48}, {.size = 66}};

static enum err curve_start(struct curve *curve, const ltc_ecc_set_type *set) {
  enum err err;
  void **const numbers[] = {&curve->prime, &curve->b, &curve->order};
  ecc_point *base = ltc_ecc_new_point();
  TRY(base != NULL ? OK : ERR_NOMEM);
  TRY(numbers_new(numbers, 3));
  TRY(math(mp_read_radix(curve->prime, set->prime, 16)));
  TRY(math(mp_read_radix(curve->b, set->B, 16)));
  TRY(math(mp_read_radix(curve->order, set->order, 16)));
  TRY(math(mp_read_radix(base->x, set->Gx, 16)));
  TRY(math(mp_read_radix(base->y, set->Gy, 16)));
  TRY(math(mp_set(base->z, 1)));
  curve->base = base;
  base = NULL;
done:
  if (err != OK)
    numbers_free(numbers, 3);
  point_free(base);
  return err;
}

/* May run again after it failed. */
enum err tomcrypt_ec_start(void) {
  enum err err = OK;
  if (ltc_mp.name == NULL) /* else the program has chosen its arithmetic already */
    ltc_mp = ltm_desc;
  for (unsigned i = 0; i < CURVE_COUNT; i++)
    for (const ltc_ecc_set_type *set = ltc_ecc_sets; set->size != 0; set++)
      if ((size_t)set->size == curves[i].size && curves[i].base == NULL)
        TRY(curve_start(&curves[i], set));
done:
  return err;
}

/* ---- Numbers and points ---- */

/* mp_read_unsigned_bin() takes a pointer to bytes that it does not write. */
static enum err read_number(void *number, const uint8_t *bytes, size_t size) {
  enum err err;
  uint8_t copy[CURVE_BYTES_MAX];
  TRY(size <= sizeof copy ? OK : ERR_INTERNAL);
  memcpy(copy, bytes, size);
  TRY(math(mp_read_unsigned_bin(number, copy, (unsigned long)size)));
done:
  wipe(copy, sizeof copy);
  return err;
}

static enum err write_number(void *number, uint8_t *out, size_t size) {
  size_t used = (size_t)mp_unsigned_bin_size(number);
  if (used > size)
    return ERR_INTERNAL;
  memset(out, 0, size - used);
  return used == 0 ? OK : math(mp_to_unsigned_bin(number, out + size - used));
}

static bool in_range(const struct curve *curve, void *scalar) {
  return mp_iszero(scalar) == LTC_MP_NO && mp_cmp(scalar, curve->order) == LTC_MP_LT;
}

static enum err read_scalar(const struct curve *curve, const uint8_t *bytes, void *scalar) {
  enum err err = read_number(scalar, bytes, curve->size);
  if (err == OK && !in_range(curve, scalar))
    err = ERR_INVALID_ARG;
  return err;
}

/* A random scalar from 1 to the order less 1, without bias. */
static enum err random_scalar(const struct curve *curve, uint8_t *bytes, void *scalar) {
  enum err err;
  do {
    provider_random(bytes, curve->size);
    if (curve->size == CURVE_BYTES_MAX) /* P-521 uses 521 bits of 528 */
      bytes[0] &= 1;
    err = read_scalar(curve, bytes, scalar);
  } while (err == ERR_INVALID_ARG);
  return err;
}

/* Is y^2 = x^3 - 3x + b, that is y^2 + 3x = x^2 x + b? */
static enum err check_on_curve(const struct curve *curve, const ecc_point *point) {
  enum err err;
  void *left = NULL, *right = NULL;
  void **const numbers[] = {&left, &right};
  TRY(numbers_new(numbers, 2));
  TRY(math(mp_sqr(point->y, left)));
  for (int i = 0; i < 3; i++)
    TRY(math(mp_add(left, point->x, left)));
  TRY(math(mp_mod(left, curve->prime, left)));
  TRY(math(mp_sqr(point->x, right)));
  TRY(math(mp_mod(right, curve->prime, right)));
  TRY(math(mp_mul(right, point->x, right)));
  TRY(math(mp_add(right, curve->b, right)));
  TRY(math(mp_mod(right, curve->prime, right)));
  TRY(mp_cmp(left, right) == LTC_MP_EQ ? OK : ERR_MALFORMED);
done:
  numbers_free(numbers, 2);
  return err;
}

/* SEC 1, section 2.3.4, uncompressed points only: both coordinates in the field, on the curve. */
static enum err read_point(const struct curve *curve, const uint8_t *bytes, ecc_point *point) {
  enum err err;
  TRY(bytes[0] == UNCOMPRESSED ? OK : ERR_MALFORMED);
  TRY(read_number(point->x, bytes + 1, curve->size));
  TRY(read_number(point->y, bytes + 1 + curve->size, curve->size));
  TRY(math(mp_set(point->z, 1)));
  TRY(mp_cmp(point->x, curve->prime) == LTC_MP_LT ? OK : ERR_MALFORMED);
  TRY(mp_cmp(point->y, curve->prime) == LTC_MP_LT ? OK : ERR_MALFORMED);
  TRY(check_on_curve(curve, point));
done:
  return err;
}

/* Are scalar and order - scalar longer than the blinding?  True of all scalars but a 2^-190th. */
static enum err check_blindable(const struct curve *curve, void *scalar, bool *out) {
  enum err err;
  void *rest = NULL;
  void **const numbers[] = {&rest};
  TRY(numbers_new(numbers, 1));
  TRY(math(mp_sub(curve->order, scalar, rest)));
  *out = mp_count_bits(scalar) > 8 * BLINDING_BYTES && mp_count_bits(rest) > 8 * BLINDING_BYTES;
done:
  numbers_free(numbers, 1);
  return err;
}

/*
 * result = scalar * point, affine, for a scalar in range.  The ladder's time tells how many digits
 * the scalar has, which for the nonces of ECDSA is enough to find the key in time.  So a random
 * multiple of the order, of fixed length, is added.  A scalar next to 0 or to the order would then
 * lead the ladder through the neutral element, which libtomcrypt cannot add: those go in plain.
 */
static enum err multiply(const struct curve *curve, void *scalar, ecc_point *point,
                         ecc_point *result) {
  enum err err;
  bool blindable = false;
  uint8_t random[BLINDING_BYTES];
  void *blinded = NULL;
  void **const numbers[] = {&blinded};
  TRY(numbers_new(numbers, 1));
  TRY(check_blindable(curve, scalar, &blindable));
  if (blindable) {
    provider_random(random, sizeof random);
    random[0] |= 0x80;
    TRY(read_number(blinded, random, sizeof random));
    TRY(math(mp_mul(blinded, curve->order, blinded)));
  }
  TRY(math(mp_add(blinded, scalar, blinded)));
  TRY(math(ltc_mp.ecc_ptmul(blinded, point, result, curve->prime, 1)));
done:
  numbers_free(numbers, 1);
  wipe(random, sizeof random);
  return err;
}

/* ---- Diffie-Hellman ---- */

static enum err curve_derive_public(const struct curve *curve, const uint8_t *private_key,
                                    uint8_t *public_key) {
  enum err err;
  void *scalar = NULL;
  void **const numbers[] = {&scalar};
  uint8_t bytes[CURVE_PUBLIC_MAX];
  ecc_point *point = ltc_ecc_new_point();
  TRY(point != NULL ? OK : ERR_NOMEM);
  TRY(numbers_new(numbers, 1));
  TRY(read_scalar(curve, private_key, scalar));
  TRY(multiply(curve, scalar, curve->base, point));
  bytes[0] = UNCOMPRESSED;
  TRY(write_number(point->x, bytes + 1, curve->size));
  TRY(write_number(point->y, bytes + 1 + curve->size, curve->size));
  memcpy(public_key, bytes, 1 + 2 * curve->size);
done:
  numbers_free(numbers, 1);
  point_free(point);
  return err;
}

static enum err curve_check_public(const struct curve *curve, const uint8_t *public_key) {
  ecc_point *point = ltc_ecc_new_point();
  if (point == NULL)
    return ERR_NOMEM;
  enum err err = read_point(curve, public_key, point);
  point_free(point);
  return err;
}

/* The group has prime order, so that no point but the neutral one, which has no uncompressed
 * encoding, gives the neutral one. */
static enum err curve_agree(const struct curve *curve, const uint8_t *private_key,
                            const uint8_t *public_key, uint8_t *shared_secret) {
  enum err err;
  void *scalar = NULL;
  void **const numbers[] = {&scalar};
  ecc_point *point = ltc_ecc_new_point(), *result = ltc_ecc_new_point();
  TRY(point != NULL && result != NULL ? OK : ERR_NOMEM);
  TRY(numbers_new(numbers, 1));
  TRY(read_point(curve, public_key, point));
  TRY(read_scalar(curve, private_key, scalar));
  TRY(multiply(curve, scalar, point, result));
  TRY(write_number(result->x, shared_secret, curve->size));
done:
  numbers_free(numbers, 1);
  point_free(result);
  point_free(point);
  return err;
}

/* ---- ECDSA (FIPS 186-5, section 6.4); digests are never longer than the order ---- */

static enum err curve_generate(const struct curve *curve, uint8_t *private_key,
                               uint8_t *public_key) {
  enum err err;
  void *scalar = NULL;
  void **const numbers[] = {&scalar};
  TRY(numbers_new(numbers, 1));
  TRY(random_scalar(curve, private_key, scalar));
  TRY(curve_derive_public(curve, private_key, public_key));
done:
  numbers_free(numbers, 1);
  return err;
}

/*
 * s = (e + r d) / k.  The inversion is not constant time, so that nonce, digest and key are
 * multiplied with a random number first, which falls out of the quotient.
 */
static enum err sign_s(const struct curve *curve, void *nonce, void *digest, void *key, void *r,
                       void *s) {
  enum err err;
  uint8_t random[CURVE_BYTES_MAX];
  void *blind = NULL, *divisor = NULL, *sum = NULL;
  void **const numbers[] = {&blind, &divisor, &sum};
  TRY(numbers_new(numbers, 3));
  TRY(random_scalar(curve, random, blind));
  TRY(math(mp_mulmod(nonce, blind, curve->order, divisor)));
  TRY(math(mp_invmod(divisor, curve->order, divisor)));
  TRY(math(mp_mulmod(key, blind, curve->order, sum)));
  TRY(math(mp_mulmod(sum, r, curve->order, sum)));
  TRY(math(mp_mulmod(digest, blind, curve->order, s)));
  TRY(math(mp_add(sum, s, sum)));
  TRY(math(mp_mulmod(sum, divisor, curve->order, s)));
done:
  numbers_free(numbers, 3);
  wipe(random, sizeof random);
  return err;
}

static enum err curve_sign(const struct curve *curve, const struct hash *hash,
                           const uint8_t *private_key, struct view message, uint8_t *out,
                           size_t *size) {
  enum err err;
  uint8_t digest[HASH_MAX], first[CURVE_BYTES_MAX], second[CURVE_BYTES_MAX];
  void *key = NULL, *nonce = NULL, *e = NULL, *r = NULL, *s = NULL;
  void **const numbers[] = {&key, &nonce, &e, &r, &s};
  ecc_point *point = ltc_ecc_new_point();
  TRY(point != NULL ? OK : ERR_NOMEM);
  TRY(numbers_new(numbers, 5));
  TRY(read_scalar(curve, private_key, key));
  TRY(hash->digest(&message, 1, digest));
  TRY(read_number(e, digest, hash->size));
  do {
    TRY(random_scalar(curve, first, nonce));
    TRY(multiply(curve, nonce, curve->base, point));
    TRY(math(mp_mod(point->x, curve->order, r)));
    TRY(sign_s(curve, nonce, e, key, r, s));
  } while (mp_iszero(r) == LTC_MP_YES || mp_iszero(s) == LTC_MP_YES);
  TRY(write_number(r, first, curve->size));
  TRY(write_number(s, second, curve->size));
  *size = der_write_signature(first, second, curve->size, out);
done:
  numbers_free(numbers, 5);
  point_free(point);
  wipe(first, sizeof first);
  return err;
}

/* out = a - b, where out is not b; by way of a + modulus, as mp_mod() leaves negative numbers so. */
static enum err subtract(void *a, void *b, void *modulus, void *out) {
  enum err err;
  TRY(math(mp_add(a, modulus, out)));
  TRY(math(mp_sub(out, b, out)));
  TRY(math(mp_mod(out, modulus, out)));
done:
  return err;
}

/* x = the x coordinate of a + b, both affine; ERR_SIGNATURE if the sum is the neutral element. */
static enum err add_x(const struct curve *curve, const ecc_point *a, const ecc_point *b, void *x) {
  enum err err;
  void *slope = NULL, *divisor = NULL, *prime = curve->prime;
  void **const numbers[] = {&slope, &divisor};
  TRY(numbers_new(numbers, 2));
  if (mp_cmp(a->x, b->x) == LTC_MP_EQ) {
    /* The same point: the tangent, (3x^2 - 3) / 2y.  No point has y = 0: the order is odd. */
    TRY(mp_cmp(a->y, b->y) == LTC_MP_EQ ? OK : ERR_SIGNATURE);
    TRY(math(mp_sqr(a->x, slope)));
    TRY(math(mp_sub_d(slope, 1, slope)));
    TRY(math(mp_mul_d(slope, 3, slope)));
    TRY(math(mp_add(a->y, a->y, divisor)));
  } else {
    TRY(subtract(b->y, a->y, prime, slope));
    TRY(subtract(b->x, a->x, prime, divisor));
  }
  TRY(math(mp_invmod(divisor, prime, divisor)));
  TRY(math(mp_mulmod(slope, divisor, prime, slope)));
  TRY(math(mp_mulmod(slope, slope, prime, x)));
  TRY(subtract(x, a->x, prime, x));
  TRY(subtract(x, b->x, prime, x));
done:
  numbers_free(numbers, 2);
  return err;
}

/* Is r the x coordinate of u1 * base + u2 * key, modulo the order?  u2 = r / s is never 0. */
static enum err verify_exactly(const struct curve *curve, void *u1, void *u2, ecc_point *key,
                               void *r) {
  enum err err;
  void *x = NULL, **const numbers[] = {&x};
  ecc_point *a = ltc_ecc_new_point(), *b = ltc_ecc_new_point();
  TRY(a != NULL && b != NULL ? OK : ERR_NOMEM);
  TRY(numbers_new(numbers, 1));
  TRY(multiply(curve, u2, key, b));
  if (mp_iszero(u1) == LTC_MP_YES) {
    TRY(math(mp_copy(b->x, x)));
  } else {
    TRY(multiply(curve, u1, curve->base, a));
    TRY(add_x(curve, a, b, x));
  }
  TRY(math(mp_mod(x, curve->order, x)));
  TRY(mp_cmp(x, r) == LTC_MP_EQ ? OK : ERR_SIGNATURE);
done:
  numbers_free(numbers, 1);
  point_free(b);
  point_free(a);
  return err;
}

/*
 * The same three times as fast, by libtomcrypt's joint multiplication.  Where it meets a special
 * case it ends with the neutral element or, for opposite points in the same coordinates, with a wrong
 * result: hence not for the base point's opposite as a key, and a refusal has to be exact.
 */
static enum err verify_fast(const struct curve *curve, void *u1, void *u2, ecc_point *key,
                            void *r) {
  enum err err;
  ecc_point *sum = ltc_ecc_new_point();
  TRY(sum != NULL ? OK : ERR_NOMEM);
  TRY(ltc_mp.ecc_mul2add != NULL ? OK : ERR_SIGNATURE);
  TRY(mp_cmp(key->x, curve->base->x) != LTC_MP_EQ ? OK : ERR_SIGNATURE);
  TRY(math(ltc_mp.ecc_mul2add(curve->base, u1, key, u2, sum, curve->prime)));
  TRY(math(mp_mod(sum->x, curve->order, sum->x)));
  TRY(mp_cmp(sum->x, r) == LTC_MP_EQ ? OK : ERR_SIGNATURE);
done:
  point_free(sum);
  return err;
}

static enum err curve_verify(const struct curve *curve, const struct hash *hash,
                             const uint8_t *public_key, struct view message,
                             struct view signature) {
  enum err err;
  uint8_t digest[HASH_MAX], first[CURVE_BYTES_MAX], second[CURVE_BYTES_MAX];
  void *r = NULL, *s = NULL, *e = NULL, *u = NULL;
  void **const numbers[] = {&r, &s, &e, &u};
  ecc_point *key = ltc_ecc_new_point();
  TRY(key != NULL ? OK : ERR_NOMEM);
  TRY(numbers_new(numbers, 4));
  TRY(der_read_signature(signature, curve->size, first, second));
  TRY(read_scalar(curve, first, r));
  TRY(read_scalar(curve, second, s));
  TRY(read_point(curve, public_key, key));
  TRY(hash->digest(&message, 1, digest));
  TRY(read_number(e, digest, hash->size));
  TRY(math(mp_invmod(s, curve->order, s)));
  TRY(math(mp_mulmod(e, s, curve->order, e)));
  TRY(math(mp_mulmod(r, s, curve->order, u)));
  err = verify_fast(curve, e, u, key, r);
  if (err != OK && err != ERR_NOMEM)
    err = verify_exactly(curve, e, u, key, r);
done:
  numbers_free(numbers, 4);
  point_free(key);
  return err == OK || err == ERR_NOMEM ? err : ERR_SIGNATURE;
}

static bool has_curve(const struct curve *curve) {
  return curve->base != NULL;
}

#define CURVE(id) (&curves[id])
DEFINE_CURVES(tomcrypt, "libtomcrypt");
