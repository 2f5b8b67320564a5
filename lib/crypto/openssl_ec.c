/*
 * Backend OpenSSL 3: ECDH and ECDSA on the NIST curves.
 * SPDX-License-Identifier: ISC
 */
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/params.h>
#include <string.h>

#include "crypto/curve.h"
#include "crypto/der.h"
#include "crypto/openssl.h"
#include "crypto/provider.h"

/* ---- The curves: shared by all threads, not written after openssl_ec_start() ---- */

static EC_GROUP *groups[CURVE_COUNT];
static const char curve_name[CURVE_COUNT][6] = {"P-256", "P-384", "P-521"};

enum err openssl_ec_start(void) {
  static const int nid[CURVE_COUNT] = {NID_X9_62_prime256v1, NID_secp384r1, NID_secp521r1};
  for (unsigned i = 0; i < CURVE_COUNT; i++) {
    if (groups[i] == NULL)
      groups[i] = EC_GROUP_new_by_curve_name_ex(openssl_library, NULL, nid[i]);
    if (groups[i] == NULL)
      return ERR_NOMEM;
  }
  return OK;
}

#define UNCOMPRESSED 4     /* first byte of a point (SEC 1, section 2.3.3) */
#define CURVE_BYTES_MAX 66 /* P-521 */

static size_t curve_size(enum curve_id curve) {
  static const size_t size[CURVE_COUNT] = {32, 48, 66};
  return size[curve];
}

/* A private key: from 1 to the group's order less 1. */
static enum err read_scalar(enum curve_id curve, const uint8_t *bytes, BIGNUM **out) {
  BIGNUM *scalar = BN_bin2bn(bytes, (int)curve_size(curve), NULL);
  if (scalar == NULL)
    return ERR_NOMEM;
  BN_set_flags(scalar, BN_FLG_CONSTTIME);
  if (BN_is_zero(scalar) || BN_cmp(scalar, EC_GROUP_get0_order(groups[curve])) >= 0) {
    BN_clear_free(scalar);
    return ERR_INVALID_ARG;
  }
  *out = scalar;
  return OK;
}

static enum err curve_derive_public(enum curve_id curve, const uint8_t *private_key,
                                    uint8_t *public_key) {
  enum err err;
  const EC_GROUP *group = groups[curve];
  size_t size = 1 + 2 * curve_size(curve);
  BIGNUM *scalar = NULL;
  EC_POINT *point = EC_POINT_new(group);
  TRY(require_memory(point));
  TRY(read_scalar(curve, private_key, &scalar));
  TRY(require_done(EC_POINT_mul(group, point, scalar, NULL, NULL, NULL) == 1, ERR_NOMEM));
  TRY(require_done(EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, public_key, size,
                                      NULL) == size,
                   ERR_INTERNAL));
done:
  EC_POINT_free(point);
  BN_clear_free(scalar);
  return err == OK ? OK : failed(err);
}

/* EC_POINT_oct2point() also checks that both coordinates are in the field and on the curve. */
static enum err read_point(enum curve_id curve, const uint8_t *bytes, EC_POINT **out) {
  enum err err;
  const EC_GROUP *group = groups[curve];
  EC_POINT *point = EC_POINT_new(group);
  TRY(require_memory(point));
  TRY(require_done(bytes[0] == UNCOMPRESSED, ERR_MALFORMED));
  TRY(require_done(EC_POINT_oct2point(group, point, bytes, 1 + 2 * curve_size(curve), NULL) == 1,
                   ERR_MALFORMED));
  *out = point;
  point = NULL;
done:
  EC_POINT_free(point);
  return err;
}

static enum err curve_check_public(enum curve_id curve, const uint8_t *public_key) {
  EC_POINT *point = NULL;
  enum err err = read_point(curve, public_key, &point);
  EC_POINT_free(point);
  return err == OK ? OK : failed(err);
}

static enum err curve_agree(enum curve_id curve, const uint8_t *private_key,
                            const uint8_t *public_key, uint8_t *shared_secret) {
  enum err err;
  const EC_GROUP *group = groups[curve];
  int size = (int)curve_size(curve);
  BIGNUM *scalar = NULL, *x = BN_new();
  EC_POINT *point = NULL, *result = EC_POINT_new(group);
  TRY(require_memory(x));
  TRY(require_memory(result));
  TRY(read_point(curve, public_key, &point));
  TRY(read_scalar(curve, private_key, &scalar));
  TRY(require_done(EC_POINT_mul(group, result, NULL, point, scalar, NULL) == 1, ERR_NOMEM));
  TRY(require_done(EC_POINT_is_at_infinity(group, result) == 0, ERR_MALFORMED));
  TRY(require_done(EC_POINT_get_affine_coordinates(group, result, x, NULL, NULL) == 1, ERR_NOMEM));
  TRY(require_done(BN_bn2binpad(x, shared_secret, size) == size, ERR_INTERNAL));
done:
  EC_POINT_clear_free(result);
  EC_POINT_free(point);
  BN_clear_free(x);
  BN_clear_free(scalar);
  return err == OK ? OK : failed(err);
}

/* A number as parameters have it: with the lowest byte first where the processor has. */
static void native(uint8_t *out, const uint8_t *bytes, size_t size) {
  for (size_t i = 0; i < size; i++)
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    out[i] = bytes[size - 1 - i];
#else
    out[i] = bytes[i];
#endif
}

/*
 * A key from its private number, which is in range, or, where that is NULL, its public point, which
 * is known to be one.  The parameters are put together here: OSSL_PARAM_BLD leaves a copy of the
 * private key in memory that it frees.
 */
static enum err curve_key(enum curve_id curve, const uint8_t *private_key,
                          const uint8_t *public_key, EVP_PKEY **out) {
  enum err err;
  const size_t size = curve_size(curve);
  char name[] = "P-000";
  uint8_t bytes[1 + 2 * CURVE_BYTES_MAX];
  EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(openssl_library, "EC", NULL);
  TRY(require_memory(context));
  memcpy(name, curve_name[curve], sizeof name);
  OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, name, 0),
                             OSSL_PARAM_END, OSSL_PARAM_END};
  if (private_key != NULL) {
    native(bytes, private_key, size);
    parameters[1] = OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, bytes, size);
  } else {
    memcpy(bytes, public_key, 1 + 2 * size);
    parameters[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, bytes, 1 + 2 * size);
  }
  TRY(require_done(EVP_PKEY_fromdata_init(context) == 1, ERR_NOMEM));
  TRY(require_done(EVP_PKEY_fromdata(context, out,
                                     private_key != NULL ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY,
                                     parameters) == 1,
                   ERR_NOMEM));
done:
  wipe(bytes, sizeof bytes);
  EVP_PKEY_CTX_free(context);
  return err;
}

static enum err curve_sign(enum curve_id curve, const struct hash *hash, const uint8_t *private_key,
                           struct view message, uint8_t *out, size_t *size) {
  enum err err;
  uint8_t digest[HASH_MAX];
  size_t written = SIGNATURE_MAX;
  BIGNUM *scalar = NULL;
  EVP_PKEY *key = NULL;
  EVP_PKEY_CTX *context = NULL;
  TRY(hash->digest(&message, 1, digest));
  TRY(read_scalar(curve, private_key, &scalar));
  TRY(curve_key(curve, private_key, NULL, &key));
  context = EVP_PKEY_CTX_new_from_pkey(openssl_library, key, NULL);
  TRY(require_memory(context));
  TRY(require_done(EVP_PKEY_sign_init(context) == 1, ERR_NOMEM));
  /* Key and digest are fine.  Without memory OpenSSL blames its random numbers; or it succeeds, and
   * the size is that of no signature. */
  TRY(require_done(EVP_PKEY_sign(context, out, &written, digest, hash->size) == 1, ERR_NOMEM));
  TRY(require_done(written > 0 && written <= SIGNATURE_MAX, ERR_NOMEM));
  *size = written;
done:
  EVP_PKEY_CTX_free(context);
  EVP_PKEY_free(key);
  BN_clear_free(scalar);
  return err == OK ? OK : failed(err);
}

static enum err curve_verify(enum curve_id curve, const struct hash *hash,
                             const uint8_t *public_key, struct view message,
                             struct view signature) {
  enum err err;
  uint8_t digest[HASH_MAX], r[DER_NUMBER_MAX], s[DER_NUMBER_MAX];
  EVP_PKEY *key = NULL;
  EVP_PKEY_CTX *context = NULL;
  err = der_read_signature(signature, curve_size(curve), r, s);
  TRY(err == ERR_MALFORMED ? ERR_SIGNATURE : err);
  err = curve_check_public(curve, public_key);
  TRY(err == ERR_MALFORMED ? ERR_SIGNATURE : err);
  TRY(hash->digest(&message, 1, digest));
  TRY(curve_key(curve, NULL, public_key, &key));
  context = EVP_PKEY_CTX_new_from_pkey(openssl_library, key, NULL);
  TRY(require_memory(context));
  TRY(require_done(EVP_PKEY_verify_init(context) == 1, ERR_NOMEM));
  /* 0 is a wrong signature, and so is one whose sum of points has no coordinates; what else can go
   * wrong, as key and DER are fine, is a lack of memory. */
  ERR_clear_error();
  int result = EVP_PKEY_verify(context, signature.data, signature.size, digest, hash->size);
  bool no_point = result < 0 && ERR_GET_REASON(ERR_peek_error()) == EC_R_POINT_AT_INFINITY;
  TRY(require_done(result >= 0 || no_point, ERR_NOMEM));
  TRY(require_done(result == 1, ERR_SIGNATURE));
done:
  EVP_PKEY_CTX_free(context);
  EVP_PKEY_free(key);
  return err == OK ? OK : failed(err);
}

/* Random numbers until one is in range; few are not (P-521 uses 521 bits of 528). */
static enum err curve_generate(enum curve_id curve, uint8_t *private_key, uint8_t *public_key) {
  enum err err;
  do {
    provider_random(private_key, curve_size(curve));
    if (curve == CURVE_P521)
      private_key[0] &= 1;
    err = curve_derive_public(curve, private_key, public_key);
  } while (err == ERR_INVALID_ARG);
  return err;
}

static bool has_curve(enum curve_id curve) {
  return groups[curve] != NULL;
}

#define CURVE(id) id
DEFINE_CURVES(openssl, OPENSSL_NAME);
