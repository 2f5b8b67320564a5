/*
 * The tables that the backend files export, for provider.c alone.
 * SPDX-License-Identifier: ISC
 */
#ifndef CRYPTO_BACKEND_H
#define CRYPTO_BACKEND_H

#include "crypto/algorithm.h"

/** Largest message that every AEAD here can seal under one nonce and one call. */
#define AEAD_MESSAGE_MAX 0x7fffffffu

/*
 * provider_init() starts the backends, one thread at a time, and again if it failed; their tables'
 * available() answers afterwards.
 */

/* sodium.c.  sodium_start() needs a working random source, or libsodium ends the process. */
CHECKED enum err sodium_start(void);
extern const struct hash sodium_sha256, sodium_sha512;
extern const struct aead sodium_chacha20poly1305;
extern const struct dh sodium_x25519;
extern const struct signature sodium_ed25519;

/* tomcrypt.c, tomcrypt_ec.c */
CHECKED enum err tomcrypt_start(void);
extern const struct hash tomcrypt_sha256, tomcrypt_sha384, tomcrypt_sha512;
extern const struct aead tomcrypt_aes128gcm, tomcrypt_aes256gcm;
extern const struct ctr tomcrypt_aes128ctr, tomcrypt_aes256ctr;
extern const struct dh tomcrypt_p256, tomcrypt_p384, tomcrypt_p521;
extern const struct signature tomcrypt_ecdsa_p256, tomcrypt_ecdsa_p384, tomcrypt_ecdsa_p521;

/* The engine for processors that have AES (aescore.h).  aesni.c, aesvaes256.c, aesvaes512.c on x86-64;
 * aesarm.c on 64-bit ARM.  They need no start. */
extern const struct aead aesni_aes128gcm, aesni_aes256gcm, vaes256_aes128gcm, vaes256_aes256gcm,
    vaes512_aes128gcm, vaes512_aes256gcm, aesarm_aes128gcm, aesarm_aes256gcm;
extern const struct ctr aesni_aes128ctr, aesni_aes256ctr, vaes256_aes128ctr, vaes256_aes256ctr,
    vaes512_aes128ctr, vaes512_aes256ctr, aesarm_aes128ctr, aesarm_aes256ctr;

/* openssl.c and openssl_ec.c, where config.h has HAVE_OPENSSL */
CHECKED enum err openssl_start(void);
extern const struct hash openssl_sha256, openssl_sha384, openssl_sha512;
extern const struct aead openssl_aes128gcm, openssl_aes256gcm, openssl_chacha20poly1305;
extern const struct ctr openssl_aes128ctr, openssl_aes256ctr;
extern const struct dh openssl_x25519, openssl_x448, openssl_p256, openssl_p384, openssl_p521;
extern const struct signature openssl_ed25519, openssl_ed448, openssl_ecdsa_p256,
    openssl_ecdsa_p384, openssl_ecdsa_p521;

#endif
