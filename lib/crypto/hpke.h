/*
 * HPKE base mode (RFC 9180) with the suite's KEM, KDF and AEAD, and RFC 9420's use of it.
 * SPDX-License-Identifier: ISC
 */
#ifndef CRYPTO_HPKE_H
#define CRYPTO_HPKE_H

#include "crypto/suite.h"

/** DeriveKeyPair.  @param public_key  suite->kem->public_size bytes */
CHECKED enum err hpke_derive_key_pair(const struct suite *suite, struct view input,
                                      struct secret *private_key, uint8_t *public_key);

/** GenerateKeyPair.  @param public_key  as above */
CHECKED enum err hpke_generate_key_pair(const struct suite *suite, struct secret *private_key,
                                        uint8_t *public_key);

/** OK if the bytes are a public key to which something can be encrypted, else ERR_MALFORMED. */
CHECKED enum err hpke_check_public_key(const struct suite *suite, struct view public_key);

/** OK if the private key belongs to the public one, else ERR_INVALID_ARG. */
CHECKED enum err hpke_check_key_pair(const struct suite *suite, const struct secret *private_key,
                                     struct view public_key);

/** SealBase.  @param kem_output,ciphertext  out, to be freed */
CHECKED enum err hpke_seal(const struct suite *suite, struct view public_key, struct view info,
                           struct view aad, struct view plaintext, struct bytes *kem_output,
                           struct bytes *ciphertext);

/** OpenBase.  @return OK, ERR_MALFORMED (kem_output), or ERR_AUTH  @param plaintext  out, to be freed */
CHECKED enum err hpke_open(const struct suite *suite, const struct secret *private_key,
                           struct view kem_output, struct view info, struct view aad,
                           struct view ciphertext, struct bytes *plaintext);

/** SetupBaseS and Export of one hash's size (RFC 9420, section 8.3). */
CHECKED enum err hpke_export_sender(const struct suite *suite, struct view public_key,
                                    struct view info, struct view exporter_context,
                                    struct bytes *kem_output, struct secret *out);
CHECKED enum err hpke_export_receiver(const struct suite *suite, const struct secret *private_key,
                                      struct view kem_output, struct view info,
                                      struct view exporter_context, struct secret *out);

/* ---- EncryptWithLabel and DecryptWithLabel (RFC 9420, section 5.1.3); label without "MLS 1.0 " ---- */

/** What a label and a context add to the key schedule (RFC 9180, section 5.1: key_schedule_context):
 *  the same for all receivers, and as costly as the context is long. */
struct hpke_context {
  uint8_t bytes[1 + 2 * HASH_MAX];
  size_t size;
};

CHECKED enum err hpke_label_context(const struct suite *suite, struct view label,
                                    struct view context, struct hpke_context *out);

/** EncryptWithLabel to one of many receivers.  @param kem_output,ciphertext  out, to be freed */
CHECKED enum err hpke_encrypt(const struct suite *suite, struct view public_key,
                              const struct hpke_context *context, struct view plaintext,
                              struct bytes *kem_output, struct bytes *ciphertext);

/** To one alone. */
CHECKED enum err hpke_encrypt_with_label(const struct suite *suite, struct view public_key,
                                         struct view label, struct view context,
                                         struct view plaintext, struct bytes *kem_output,
                                         struct bytes *ciphertext);

/** @param public_key  of the private one, or VIEW_NONE: derived, at the price of a key exchange.  A
 *                     wrong one decrypts nothing. */
CHECKED enum err hpke_decrypt_with_label(const struct suite *suite,
                                         const struct secret *private_key, struct view public_key,
                                         struct view label, struct view context,
                                         struct view kem_output, struct view ciphertext,
                                         struct bytes *plaintext);

#endif
