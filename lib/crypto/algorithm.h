/*
 * Algorithms as const tables of functions: the seam between the core and the cryptographic backends.
 *
 * A backend file exports tables, and provider.c picks one for each algorithm.  Callers check every
 * argument (sizes above all) before a table's function is called: some backends abort the process on
 * misuse.
 * SPDX-License-Identifier: ISC
 */
#ifndef CRYPTO_ALGORITHM_H
#define CRYPTO_ALGORITHM_H

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"

#define HASH_MAX 64       /* SHA-512 */
#define AEAD_KEY_MAX 32   /* AES-256, ChaCha20 */
#define AEAD_NONCE_MAX 12 /* all AEADs of RFC 9420 and RFC 9605 */
#define AEAD_TAG_MAX 16
#define CTR_BLOCK_SIZE 16        /* AES */
#define DH_PUBLIC_MAX 133        /* P-521, uncompressed point */
#define SIGNATURE_MAX 144        /* ECDSA P-521 in DER is at most 139 bytes */
#define SIGNATURE_PUBLIC_MAX 133 /* P-521, uncompressed point */

enum hash_id { HASH_SHA256, HASH_SHA384, HASH_SHA512, HASH_COUNT };
enum aead_id { AEAD_AES128GCM, AEAD_AES256GCM, AEAD_CHACHA20POLY1305, AEAD_COUNT };
enum ctr_id { CTR_AES128, CTR_AES256, CTR_COUNT };
enum dh_id { DH_X25519, DH_P256, DH_P384, DH_P521, DH_X448, DH_COUNT };
enum signature_id {
  SIGNATURE_ED25519,
  SIGNATURE_P256, /* ECDSA with SHA-256 */
  SIGNATURE_P384, /* ECDSA with SHA-384 */
  SIGNATURE_P521, /* ECDSA with SHA-512 */
  SIGNATURE_ED448,
  SIGNATURE_COUNT
};

/** A key of HMAC that is used often: the states of its two hashes after their first block, laid out as
 *  the backend likes. */
struct hmac_key {
  uint64_t inner[8];
  uint64_t outer[8];
};

/** A hash function and its HMAC (RFC 2104).  The message is given in parts. */
struct hash {
  const char *name;
  const char *backend;
  size_t size;
  bool (*available)(void);
  enum err (*digest)(const struct view *parts, size_t count, uint8_t *out);
  enum err (*hmac)(struct view key, const struct view *parts, size_t count, uint8_t *out);
  /** The same in two steps; out: to be wiped. */
  void (*hmac_key)(struct view key, struct hmac_key *out);
  enum err (*hmac_keyed)(const struct hmac_key *key, const struct view *parts, size_t count,
                         uint8_t *out);
};

/** Key schedule and contexts of one AEAD key, of the backend's own layout. */
struct aead_key;

/**
 * An AEAD (RFC 5116) with 12-byte nonces and 16-byte tags at the end of the ciphertext.
 * A key is used by one thread at a time; sealing and opening allocate nothing, and work in place
 * where plaintext and ciphertext start at the same address, or the ciphertext up to `shift` bytes
 * behind: room for a header, which may be part of the additional data.
 */
struct aead {
  const char *name;
  const char *backend;
  size_t key_size;
  size_t nonce_size;
  size_t tag_size;
  size_t shift;
  bool (*available)(void);
  enum err (*key_new)(const uint8_t *key, struct aead_key **out);
  /** Put another key in place of the one in `key`, of which nothing is left.  Allocates nothing. */
  enum err (*key_set)(struct aead_key *key, const uint8_t *bytes);
  void (*key_free)(struct aead_key *key); /* wipes; accepts NULL */
  /** out: plaintext.size + tag_size bytes.  The additional data is given in parts. */
  enum err (*seal)(struct aead_key *key, const uint8_t *nonce, const struct view *aad,
                   size_t aad_count, struct view plaintext, uint8_t *out);
  /** out: ciphertext.size - tag_size bytes, wiped on ERR_AUTH.  ciphertext.size >= tag_size. */
  enum err (*open)(struct aead_key *key, const uint8_t *nonce, const struct view *aad,
                   size_t aad_count, struct view ciphertext, uint8_t *out);
};

/** Key schedule and contexts of one key in counter mode, of the backend's own layout. */
struct ctr_key;

/**
 * AES in counter mode (NIST SP 800-38A, section 6.5), which encrypts and decrypts alike and
 * authenticates nothing: ctrhmac.h does.  Keys as those of `struct aead`; applying allocates nothing
 * and works in place where input and output start at the same address.
 */
struct ctr {
  const char *name;
  const char *backend;
  size_t key_size;
  bool (*available)(void);
  enum err (*key_new)(const uint8_t *key, struct ctr_key **out);
  enum err (*key_set)(struct ctr_key *key, const uint8_t *bytes);
  void (*key_free)(struct ctr_key *key); /* wipes; accepts NULL */
  /** block: the first counter, big-endian, CTR_BLOCK_SIZE bytes.  out: input.size bytes, 1 to
   *  0x7fffffff; not defined on failure. */
  enum err (*apply)(struct ctr_key *key, const uint8_t *block, struct view input, uint8_t *out);
};

/**
 * A Diffie-Hellman group, encoded as DHKEM does (RFC 9180, section 7.1): X25519 and X448 as in
 * RFC 7748, NIST curves with uncompressed points and big-endian scalars of full length.
 */
struct dh {
  const char *name;
  const char *backend;
  size_t public_size;
  size_t private_size;
  size_t shared_size;
  bool (*available)(void);
  /** ERR_INVALID_ARG if the private key is not in the group's range. */
  enum err (*derive_public)(const uint8_t *private_key, uint8_t *public_key);
  /** OK, or ERR_MALFORMED if it is no point of the group; X25519 and X448 take any bytes. */
  enum err (*check_public)(const uint8_t *public_key);
  /** ERR_MALFORMED if the public key is no point of the group, or the result is the neutral
   *  element (for X25519 and X448: all zero); ERR_INVALID_ARG as in derive_public(). */
  enum err (*agree)(const uint8_t *private_key, const uint8_t *public_key, uint8_t *shared);
};

/**
 * A signature scheme as RFC 9420, section 5.1.1 encodes it: EdDSA raw, ECDSA signatures in DER and
 * public keys as uncompressed points.  Private keys: the 32 or 57 byte seed of EdDSA, the
 * big-endian scalar of full length of ECDSA.
 */
struct signature {
  const char *name;
  const char *backend;
  size_t public_size;
  size_t private_size;
  size_t max_size; /* of a signature */
  bool (*available)(void);
  enum err (*generate)(uint8_t *private_key, uint8_t *public_key);
  /** ERR_INVALID_ARG if the private key is not in range. */
  enum err (*derive_public)(const uint8_t *private_key, uint8_t *public_key);
  /** OK, or ERR_MALFORMED if it is no point of the curve, or one of small order.  Not all that is wrong
   *  with a key of Ed448 is noticed. */
  enum err (*check_public)(const uint8_t *public_key);
  /** out: max_size bytes of room. */
  enum err (*sign)(const uint8_t *private_key, struct view message, uint8_t *out, size_t *size);
  /** OK, or ERR_SIGNATURE (a malformed key or signature included). */
  enum err (*verify)(const uint8_t *public_key, struct view message, struct view signature);
};

#endif
