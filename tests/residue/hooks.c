/*
 * Put between the library's files by the linker (--wrap): tells of each secret where it comes into
 * being, or at the latest where it is wiped.  Touches none itself.
 * SPDX-License-Identifier: ISC
 */
#include <stdlib.h>
#include <string.h>

#include "crypto/hmac.h"
#include "crypto/hpke.h"
#include "crypto/kdf.h"
#include "mls/group/client.h"
#include "mls/group/resume.h"
#include "sframe/key.h"
#include "trap.h"

static bool is(struct view label, const char *text) {
  return label.size == strlen(text) && memcmp(label.data, text, label.size) == 0;
}

static bool all_zero(struct view bytes) {
  size_t i = 0;
  while (i < bytes.size && bytes.data[i] == 0)
    i++;
  return i == bytes.size;
}

static void tell(enum err err, const void *memory, size_t size, enum kind kind) {
  if (err == OK)
    residue_tell(REQUEST_SECRET, memory, size, kind);
}

/* ---- Locked memory, and what is wiped ---- */

void *__real_locked_new(size_t size);
void *__wrap_locked_new(size_t size);
void *__wrap_locked_new(size_t size) {
  void *memory = __real_locked_new(size);
  residue_tell(REQUEST_BLOCK, memory, size, 0);
  return memory;
}

void __real_locked_free(void *memory, size_t size);
void __wrap_locked_free(void *memory, size_t size);
void __wrap_locked_free(void *memory, size_t size) {
  const struct secret *secret = memory;
  if (memory != NULL && size == sizeof *secret && secret->size <= SECRET_MAX)
    residue_tell(REQUEST_NUMBER, secret->bytes, secret->size, KIND_OTHER);
  if (memory != NULL) {
    residue_tell(REQUEST_ROOM, memory, 0, KIND_OTHER);
    residue_tell(REQUEST_BLOCK, memory, 0, 0);
  }
  __real_locked_free(memory, size);
}

void __real_secret_wipe(struct secret *secret);
void __wrap_secret_wipe(struct secret *secret);
void __wrap_secret_wipe(struct secret *secret) {
  if (secret->size > 0 && secret->size <= SECRET_MAX)
    residue_tell(REQUEST_NUMBER, secret->bytes, secret->size, KIND_OTHER);
  __real_secret_wipe(secret);
}

void __real_secret_move(struct secret *to, struct secret *from);
void __wrap_secret_move(struct secret *to, struct secret *from);
void __wrap_secret_move(struct secret *to, struct secret *from) {
  if (from->size > 0 && from->size <= SECRET_MAX)
    residue_tell(REQUEST_NUMBER, from->bytes, from->size, KIND_OTHER);
  __real_secret_move(to, from);
}

/* ---- The processor, which RESIDUE_AES lets have one of its engines for AES, or none ---- */

static bool allowed(const char *engine) {
  const char *only = getenv("RESIDUE_AES");
  return only == NULL || strcmp(only, engine) == 0;
}

bool __real_aescpu_aesni(void);
bool __wrap_aescpu_aesni(void);
bool __wrap_aescpu_aesni(void) {
  return allowed("aesni") && __real_aescpu_aesni();
}

bool __real_aescpu_vaes256(void);
bool __wrap_aescpu_vaes256(void);
bool __wrap_aescpu_vaes256(void) {
  return allowed("vaes256") && __real_aescpu_vaes256();
}

bool __real_aescpu_vaes512(void);
bool __wrap_aescpu_vaes512(void);
bool __wrap_aescpu_vaes512(void) {
  return allowed("vaes512") && __real_aescpu_vaes512();
}

/* ---- Randomness: private keys, nonces of ECDSA; short numbers are public ---- */

static bool public_randomness;

void __real_provider_random(uint8_t *out, size_t size);
void __wrap_provider_random(uint8_t *out, size_t size);
void __wrap_provider_random(uint8_t *out, size_t size) {
  __real_provider_random(out, size);
  if (size >= 32 && !public_randomness)
    residue_tell(REQUEST_NUMBER, out, size, KIND_OTHER);
}

/* The nonce of a PSK is as long as a secret, and travels. */
enum err __real_psk_proposal(const struct suite *suite, struct psk_id id, struct bytes *out);
enum err __wrap_psk_proposal(const struct suite *suite, struct psk_id id, struct bytes *out);
enum err __wrap_psk_proposal(const struct suite *suite, struct psk_id id, struct bytes *out) {
  public_randomness = true;
  enum err err = __real_psk_proposal(suite, id, out);
  public_randomness = false;
  return err;
}

/* ---- Derivations ---- */

void __real_hmac_key_set(const struct hmac_hash *hash, struct view key, struct hmac_key *out);
void __wrap_hmac_key_set(const struct hmac_hash *hash, struct view key, struct hmac_key *out);
void __wrap_hmac_key_set(const struct hmac_hash *hash, struct view key, struct hmac_key *out) {
  __real_hmac_key_set(hash, key, out);
  if (all_zero(key)) /* an empty salt: known to all */
    return;
  size_t size = hash->block / 2;
  residue_tell(REQUEST_SECRET, out->inner, size, KIND_HMAC_STATE);
  residue_tell(REQUEST_SECRET, out->outer, size, KIND_HMAC_STATE);
}

enum err __real_hkdf_extract(const struct hash *hash, struct view salt, struct view input,
                             struct secret *out);
enum err __wrap_hkdf_extract(const struct hash *hash, struct view salt, struct view input,
                             struct secret *out);
enum err __wrap_hkdf_extract(const struct hash *hash, struct view salt, struct view input,
                             struct secret *out) {
  enum err err = __real_hkdf_extract(hash, salt, input, out);
  tell(err, out->bytes, out->size, salt.size == 0 ? KIND_BASE_KEY : KIND_EPOCH_SECRET);
  return err;
}

enum err __real_hkdf_expand_keyed(const struct hash *hash, const struct hmac_key *key,
                                  const struct view *info, size_t count, uint8_t *out, size_t size);
enum err __wrap_hkdf_expand_keyed(const struct hash *hash, const struct hmac_key *key,
                                  const struct view *info, size_t count, uint8_t *out, size_t size);
enum err __wrap_hkdf_expand_keyed(const struct hash *hash, const struct hmac_key *key,
                                  const struct view *info, size_t count, uint8_t *out,
                                  size_t size) {
  enum err err = __real_hkdf_expand_keyed(hash, key, info, count, out, size);
  tell(err, out, size, KIND_FRAME_KEY); /* sframe/key.c alone calls it from another file */
  return err;
}

enum err __real_hkdf_expand(const struct hash *hash, struct view key, const struct view *info,
                            size_t count, uint8_t *out, size_t size);
enum err __wrap_hkdf_expand(const struct hash *hash, struct view key, const struct view *info,
                            size_t count, uint8_t *out, size_t size);
enum err __wrap_hkdf_expand(const struct hash *hash, struct view key, const struct view *info,
                            size_t count, uint8_t *out, size_t size) {
  enum err err = __real_hkdf_expand(hash, key, info, count, out, size);
  tell(err, out, size, is(info[0], "SFrame 1.0 Ratchet") ? KIND_BASE_KEY : KIND_OTHER);
  return err;
}

enum err __real_kdf_expand_with_label(const struct suite *suite, struct view secret,
                                      struct view label, struct view context, uint8_t *out,
                                      size_t size);
enum err __wrap_kdf_expand_with_label(const struct suite *suite, struct view secret,
                                      struct view label, struct view context, uint8_t *out,
                                      size_t size);
enum err __wrap_kdf_expand_with_label(const struct suite *suite, struct view secret,
                                      struct view label, struct view context, uint8_t *out,
                                      size_t size) {
  enum err err = __real_kdf_expand_with_label(suite, secret, label, context, out, size);
  enum kind kind = KIND_OTHER;
  if (is(label, "tree"))
    kind = KIND_RATCHET;
  else if (is(label, "epoch") || is(label, "joiner"))
    kind = KIND_EPOCH_SECRET;
  else if (is(label, "exported"))
    kind = KIND_BASE_KEY;
  tell(err, out, size, kind);
  return err;
}

enum err __real_kdf_derive_secret(const struct suite *suite, const struct secret *secret,
                                  struct view label, struct secret *out);
enum err __wrap_kdf_derive_secret(const struct suite *suite, const struct secret *secret,
                                  struct view label, struct secret *out);
enum err __wrap_kdf_derive_secret(const struct suite *suite, const struct secret *secret,
                                  struct view label, struct secret *out) {
  enum err err = __real_kdf_derive_secret(suite, secret, label, out);
  enum kind kind = KIND_EPOCH_SECRET;
  if (is(label, "handshake") || is(label, "application"))
    kind = KIND_RATCHET;
  else if (is(label, "path") || is(label, "node"))
    kind = KIND_PATH_SECRET;
  else if (is(label, "authentication"))
    return err; /* applications show it to people */
  tell(err, out->bytes, out->size, kind);
  return err;
}

enum err __real_kdf_derive_tree_secret(const struct suite *suite, const struct secret *secret,
                                       struct view label, uint32_t generation, uint8_t *out,
                                       size_t size);
enum err __wrap_kdf_derive_tree_secret(const struct suite *suite, const struct secret *secret,
                                       struct view label, uint32_t generation, uint8_t *out,
                                       size_t size);
enum err __wrap_kdf_derive_tree_secret(const struct suite *suite, const struct secret *secret,
                                       struct view label, uint32_t generation, uint8_t *out,
                                       size_t size) {
  enum err err = __real_kdf_derive_tree_secret(suite, secret, label, generation, out, size);
  tell(err, out, size, is(label, "key") ? KIND_MESSAGE_KEY : KIND_RATCHET);
  return err;
}

enum err __real_provider_random_secret(struct secret *out, size_t size);
enum err __wrap_provider_random_secret(struct secret *out, size_t size);
enum err __wrap_provider_random_secret(struct secret *out, size_t size) {
  enum err err = __real_provider_random_secret(out, size);
  tell(err, out->bytes, size, KIND_OTHER);
  return err;
}

/* ---- Keys ---- */

enum err __real_hpke_generate_key_pair(const struct suite *suite, struct secret *private_key,
                                       uint8_t *public_key);
enum err __wrap_hpke_generate_key_pair(const struct suite *suite, struct secret *private_key,
                                       uint8_t *public_key);
enum err __wrap_hpke_generate_key_pair(const struct suite *suite, struct secret *private_key,
                                       uint8_t *public_key) {
  enum err err = __real_hpke_generate_key_pair(suite, private_key, public_key);
  if (err == OK)
    residue_tell(REQUEST_NUMBER, private_key->bytes, private_key->size, KIND_HPKE_KEY);
  return err;
}

enum err __real_hpke_derive_key_pair(const struct suite *suite, struct view input,
                                     struct secret *private_key, uint8_t *public_key);
enum err __wrap_hpke_derive_key_pair(const struct suite *suite, struct view input,
                                     struct secret *private_key, uint8_t *public_key);
enum err __wrap_hpke_derive_key_pair(const struct suite *suite, struct view input,
                                     struct secret *private_key, uint8_t *public_key) {
  enum err err = __real_hpke_derive_key_pair(suite, input, private_key, public_key);
  if (err == OK)
    residue_tell(REQUEST_NUMBER, private_key->bytes, private_key->size, KIND_HPKE_KEY);
  return err;
}

/* The room of a key, and that of the cipher inside a composed one. */
enum err __real_sframe_key_set(const struct sframe_suite *suite, const struct secret *secret,
                               uint64_t kid, struct sframe_key *key);
enum err __wrap_sframe_key_set(const struct sframe_suite *suite, const struct secret *secret,
                               uint64_t kid, struct sframe_key *key);
enum err __wrap_sframe_key_set(const struct sframe_suite *suite, const struct secret *secret,
                               uint64_t kid, struct sframe_key *key) {
  enum err err = __real_sframe_key_set(suite, secret, kid, key);
  if (err == OK)
    residue_tell(REQUEST_ROOM, key->cipher, 0, KIND_ROUND_KEYS);
  return err;
}

enum err __real_client_new(const struct suite *suite, struct view identity, struct client **out);
enum err __wrap_client_new(const struct suite *suite, struct view identity, struct client **out);
enum err __wrap_client_new(const struct suite *suite, struct view identity, struct client **out) {
  enum err err = __real_client_new(suite, identity, out);
  if (err == OK) {
    const struct secret *key = (*out)->signature_key;
    residue_tell(REQUEST_NUMBER, key->bytes, key->size, KIND_SIGNATURE_KEY);
  }
  return err;
}
