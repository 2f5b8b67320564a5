/*
 * XChaCha20-Poly1305: an AEAD whose nonces are long enough to be drawn at random, for data at rest.
 * SPDX-License-Identifier: ISC
 */
#ifndef CRYPTO_SEALBOX_H
#define CRYPTO_SEALBOX_H

#include "base/buf.h"
#include "base/err.h"

#define SEALBOX_KEY_SIZE 32
#define SEALBOX_NONCE_SIZE 24
#define SEALBOX_TAG_SIZE 16

/**
 * @param key,nonce  SEALBOX_KEY_SIZE and SEALBOX_NONCE_SIZE bytes
 * @param out        plaintext.size + SEALBOX_TAG_SIZE bytes; may start where the plaintext does
 */
CHECKED enum err sealbox_seal(const uint8_t *key, const uint8_t *nonce, struct view aad,
                              struct view plaintext, uint8_t *out);

/**
 * @param ciphertext  at least SEALBOX_TAG_SIZE bytes
 * @param out         ciphertext.size - SEALBOX_TAG_SIZE bytes, which hold nothing of the plaintext
 *                    on failure
 * @return OK or ERR_AUTH
 */
CHECKED enum err sealbox_open(const uint8_t *key, const uint8_t *nonce, struct view aad,
                              struct view ciphertext, uint8_t *out);

#endif
