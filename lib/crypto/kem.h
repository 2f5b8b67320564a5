/*
 * Key encapsulation mechanisms (RFC 9180, section 4) as tables: what HPKE, and through it MLS, knows of
 * them.  A Diffie-Hellman group is one way to have one (dhkem.h).
 *
 * Callers check sizes before a table's function is called.
 * SPDX-License-Identifier: ISC
 */
#ifndef CRYPTO_KEM_H
#define CRYPTO_KEM_H

#include "crypto/algorithm.h"

#define KEM_PUBLIC_MAX 133 /* P-521, uncompressed point */
#define KEM_OUTPUT_MAX 133

struct kem {
  uint16_t id; /* RFC 9180, section 7.1 */
  size_t public_size;
  size_t private_size; /* at most SECRET_MAX: of a KEM with seeds, that of its seed */
  size_t output_size;  /* of what is sent, `enc` */
  size_t secret_size;

  /** Known answers of what is below, which are tried once.  @return OK, ERR_INTERNAL or ERR_NOMEM */
  enum err (*prove)(const struct kem *kem);
  enum err (*generate_key_pair)(const struct kem *kem, struct secret *private_key,
                                uint8_t *public_key);
  enum err (*derive_key_pair)(const struct kem *kem, struct view input, struct secret *private_key,
                              uint8_t *public_key);
  /** ERR_INVALID_ARG if the private key is not in range. */
  enum err (*derive_public)(const struct kem *kem, const uint8_t *private_key, uint8_t *public_key);
  /** OK, or ERR_MALFORMED: nothing can be encapsulated to it. */
  enum err (*check_public)(const struct kem *kem, const uint8_t *public_key);
  enum err (*encapsulate)(const struct kem *kem, const uint8_t *public_key, struct secret *shared,
                          uint8_t *output);
  /** @param public_key  of the private one, or NULL: derived, which can cost as much as the rest
   *  @return OK; ERR_MALFORMED (the output); ERR_INVALID_ARG (the private key) */
  enum err (*decapsulate)(const struct kem *kem, const uint8_t *private_key,
                          const uint8_t *public_key, const uint8_t *output, struct secret *shared);
};

#endif
