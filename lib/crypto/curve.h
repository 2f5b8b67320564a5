/*
 * What a backend exports of the NIST curves: DHKEM and ECDSA, with sizes that the curves alone decide.
 * SPDX-License-Identifier: ISC
 */
#ifndef CRYPTO_CURVE_H
#define CRYPTO_CURVE_H

#include "crypto/backend.h"

enum curve_id { CURVE_P256, CURVE_P384, CURVE_P521, CURVE_COUNT };

#define DEFINE_CURVE(prefix, backend_name, id, curve, title, bytes, bits, der_max)                 \
  static bool has_##id(void) {                                                                     \
    return has_curve(CURVE(curve));                                                                \
  }                                                                                                \
  static enum err id##_derive_public(const uint8_t *private_key, uint8_t *public_key) {            \
    return curve_derive_public(CURVE(curve), private_key, public_key);                             \
  }                                                                                                \
  static enum err id##_check_public(const uint8_t *public_key) {                                   \
    return curve_check_public(CURVE(curve), public_key);                                           \
  }                                                                                                \
  static enum err id##_agree(const uint8_t *private_key, const uint8_t *public_key,                \
                             uint8_t *shared_secret) {                                             \
    return curve_agree(CURVE(curve), private_key, public_key, shared_secret);                      \
  }                                                                                                \
  const struct dh prefix##_##id = {.name = title,                                                  \
                                   .backend = backend_name,                                        \
                                   .public_size = 1 + 2 * bytes,                                   \
                                   .private_size = bytes,                                          \
                                   .shared_size = bytes,                                           \
                                   .available = has_##id,                                          \
                                   .derive_public = id##_derive_public,                            \
                                   .check_public = id##_check_public,                              \
                                   .agree = id##_agree};                                           \
  static enum err id##_generate(uint8_t *private_key, uint8_t *public_key) {                       \
    return curve_generate(CURVE(curve), private_key, public_key);                                  \
  }                                                                                                \
  static enum err id##_sign(const uint8_t *private_key, struct view message, uint8_t *out,         \
                            size_t *size) {                                                        \
    return curve_sign(CURVE(curve), &prefix##_sha##bits, private_key, message, out, size);         \
  }                                                                                                \
  static enum err id##_verify(const uint8_t *public_key, struct view message,                      \
                              struct view signature) {                                             \
    return curve_verify(CURVE(curve), &prefix##_sha##bits, public_key, message, signature);        \
  }                                                                                                \
  const struct signature prefix##_ecdsa_##id = {.name = "ECDSA-" title,                            \
                                                .backend = backend_name,                           \
                                                .public_size = 1 + 2 * bytes,                      \
                                                .private_size = bytes,                             \
                                                .max_size = der_max,                               \
                                                .available = has_##id,                             \
                                                .generate = id##_generate,                         \
                                                .derive_public = id##_derive_public,               \
                                                .check_public = id##_check_public,                 \
                                                .sign = id##_sign,                                 \
                                                .verify = id##_verify}

/**
 * Define PREFIX_p256, PREFIX_ecdsa_p256 and their siblings, from what the backend has written:
 * has_curve(), curve_generate(), curve_derive_public(), curve_check_public(), curve_agree(),
 * curve_sign() and curve_verify(), which take a CURVE(curve_id); and from its hashes.
 */
#define DEFINE_CURVES(prefix, backend_name)                                                        \
  DEFINE_CURVE(prefix, backend_name, p256, CURVE_P256, "P-256", 32, 256, 72);                      \
  DEFINE_CURVE(prefix, backend_name, p384, CURVE_P384, "P-384", 48, 384, 104);                     \
  DEFINE_CURVE(prefix, backend_name, p521, CURVE_P521, "P-521", 66, 512, 139)

#endif
