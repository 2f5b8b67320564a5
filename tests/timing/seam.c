/*
 * Where secrets are born, and where what depends on them becomes public: the few functions of the
 * library that decide about it are replaced here (the linker's --wrap), each by itself with a mark
 * behind.
 *
 * Born: random secrets and private keys.  Public: public keys, signatures and ciphertexts, as the
 * algorithms return them; the answer of a comparison of secrets; the result of a call of a backend,
 * such as whether a tag is right.  Everything else stays as secret as what it was computed from.
 * SPDX-License-Identifier: ISC
 */
#include "seam.h"

#include <string.h>

#include "crypto/kdf.h"
#include "crypto/sealbox.h"
#include "mls/group/framing.h"
#include "mls/group/groupinfo.h"
#include "secrecy.h"
#include "sframe/key.h"

/* ---- Births ---- */

enum err __real_provider_random_secret(struct secret *out, size_t size);
enum err __wrap_provider_random_secret(struct secret *out, size_t size);

enum err __wrap_provider_random_secret(struct secret *out, size_t size) {
  enum err err = __real_provider_random_secret(out, size);
  if (err == OK)
    hide(out->bytes, size);
  return err;
}

/* ---- Comparisons of secrets: the bytes are secret, the answer is what the call is for ---- */

int __real_sodium_memcmp(const void *a, const void *b, size_t size);
int __wrap_sodium_memcmp(const void *a, const void *b, size_t size);
int __real_crypto_verify_16(const unsigned char *a, const unsigned char *b);
int __wrap_crypto_verify_16(const unsigned char *a, const unsigned char *b);

/* What equals something public is public too. */
int __wrap_sodium_memcmp(const void *a, const void *b, size_t size) {
  int result = __real_sodium_memcmp(a, b, size);
  show(&result, sizeof result);
  if (result == 0 && all_shown(b, size))
    show(a, size);
  return result;
}

int __wrap_crypto_verify_16(const unsigned char *a, const unsigned char *b) {
  int result = __real_crypto_verify_16(a, b);
  show(&result, sizeof result);
  return result;
}

/* ---- AEADs: those of the provider, and behind them those that are composed for SFrame ---- */

#define COMPOSED 9 /* a place for each suite of SFrame */
#define AEADS (AEAD_COUNT + COMPOSED)

static const struct aead *real_aead[AEADS];
static struct aead marked_aead[AEADS];

enum err seam_seal(const struct aead *aead, struct aead_key *key, const uint8_t *nonce,
                   const struct view *aad, size_t aad_count, struct view plaintext, uint8_t *out) {
  const size_t size = plaintext.size + aead->tag_size;
  struct secrecy secrecy = secrecy_of(plaintext);
  enum err err = aead->seal(key, nonce, aad, aad_count, plaintext, out);
  show(&err, sizeof err);
  if (err == OK)
    secrecy_keep(&secrecy, view_of(out, size));
  return err;
}

enum err seam_open(const struct aead *aead, struct aead_key *key, const uint8_t *nonce,
                   const struct view *aad, size_t aad_count, struct view ciphertext, uint8_t *out) {
  struct secrecy secrecy = secrecy_find(ciphertext);
  enum err err = aead->open(key, nonce, aad, aad_count, ciphertext, out);
  show(&err, sizeof err);
  if (err == OK)
    secrecy_apply(secrecy, out, ciphertext.size - aead->tag_size);
  return err;
}

#define AEAD_FUNCTIONS(n)                                                                          \
  static enum err seal_##n(struct aead_key *key, const uint8_t *nonce, const struct view *aad,     \
                           size_t aad_count, struct view plaintext, uint8_t *out) {                \
    return seam_seal(real_aead[n], key, nonce, aad, aad_count, plaintext, out);                    \
  }                                                                                                \
  static enum err open_##n(struct aead_key *key, const uint8_t *nonce, const struct view *aad,     \
                           size_t aad_count, struct view ciphertext, uint8_t *out) {               \
    return seam_open(real_aead[n], key, nonce, aad, aad_count, ciphertext, out);                   \
  }
AEAD_FUNCTIONS(0)
AEAD_FUNCTIONS(1)
AEAD_FUNCTIONS(2)
AEAD_FUNCTIONS(3)
AEAD_FUNCTIONS(4)
AEAD_FUNCTIONS(5)
AEAD_FUNCTIONS(6)
AEAD_FUNCTIONS(7)
AEAD_FUNCTIONS(8)
AEAD_FUNCTIONS(9)
AEAD_FUNCTIONS(10)
AEAD_FUNCTIONS(11)

static const struct aead *mark_aead(size_t place, const struct aead *aead) {
  static enum err (*const seals[AEADS])(struct aead_key *, const uint8_t *, const struct view *,
                                        size_t, struct view, uint8_t *) = {
      seal_0, seal_1, seal_2, seal_3, seal_4,  seal_5,
      seal_6, seal_7, seal_8, seal_9, seal_10, seal_11};
  static enum err (*const opens[AEADS])(struct aead_key *, const uint8_t *, const struct view *,
                                        size_t, struct view, uint8_t *) = {
      open_0, open_1, open_2, open_3, open_4,  open_5,
      open_6, open_7, open_8, open_9, open_10, open_11};
  if (aead == NULL)
    return NULL;
  real_aead[place] = aead;
  marked_aead[place] = *aead;
  marked_aead[place].seal = seals[place];
  marked_aead[place].open = opens[place];
  return &marked_aead[place];
}

const struct aead *__real_provider_aead(enum aead_id id);
const struct aead *__wrap_provider_aead(enum aead_id id);
enum err __real_sframe_suite_find(uint16_t id, struct sframe_suite *out);
enum err __wrap_sframe_suite_find(uint16_t id, struct sframe_suite *out);

const struct aead *__wrap_provider_aead(enum aead_id id) {
  return mark_aead(id, __real_provider_aead(id));
}

enum err __wrap_sframe_suite_find(uint16_t id, struct sframe_suite *out) {
  enum err err = __real_sframe_suite_find(id, out);
  bool marked = err == OK && out->aead >= marked_aead && out->aead < marked_aead + AEADS;
  if (err == OK && !marked)
    out->aead = mark_aead(AEAD_COUNT + id, out->aead);
  return err;
}

/* ---- Diffie-Hellman: public keys are public.  The shared secret is marked again, for where a
 * backend has branched on the private key (timing.supp) valgrind has lost it. ---- */

static const struct dh *real_dh[DH_COUNT];
static struct dh marked_dh[DH_COUNT];

enum err seam_derive_public(const struct dh *dh, const uint8_t *private_key, uint8_t *public_key) {
  enum err err = dh->derive_public(private_key, public_key);
  show(&err, sizeof err);
  show(public_key, dh->public_size);
  return err;
}

enum err seam_agree(const struct dh *dh, const uint8_t *private_key, const uint8_t *public_key,
                    uint8_t *shared) {
  enum err err = dh->agree(private_key, public_key, shared);
  show(&err, sizeof err);
  if (err == OK)
    hide(shared, dh->shared_size);
  return err;
}

#define DH_FUNCTIONS(n)                                                                            \
  static enum err derive_##n(const uint8_t *private_key, uint8_t *public_key) {                    \
    return seam_derive_public(real_dh[n], private_key, public_key);                                \
  }                                                                                                \
  static enum err agree_##n(const uint8_t *private_key, const uint8_t *public_key,                 \
                            uint8_t *shared) {                                                     \
    return seam_agree(real_dh[n], private_key, public_key, shared);                                \
  }
DH_FUNCTIONS(0)
DH_FUNCTIONS(1)
DH_FUNCTIONS(2)
DH_FUNCTIONS(3)
DH_FUNCTIONS(4)

const struct dh *__real_provider_dh(enum dh_id id);
const struct dh *__wrap_provider_dh(enum dh_id id);

const struct dh *__wrap_provider_dh(enum dh_id id) {
  static enum err (*const derives[DH_COUNT])(const uint8_t *, uint8_t *) = {
      derive_0, derive_1, derive_2, derive_3, derive_4};
  static enum err (*const agrees[DH_COUNT])(const uint8_t *, const uint8_t *, uint8_t *) = {
      agree_0, agree_1, agree_2, agree_3, agree_4};
  real_dh[id] = __real_provider_dh(id);
  if (real_dh[id] == NULL)
    return NULL;
  marked_dh[id] = *real_dh[id];
  marked_dh[id].derive_public = derives[id];
  marked_dh[id].agree = agrees[id];
  return &marked_dh[id];
}

/* ---- Signatures ---- */

static const struct signature *real_signature[SIGNATURE_COUNT];
static struct signature marked_signature[SIGNATURE_COUNT];

/* The public key again, now that the private one is known to be secret. */
enum err seam_generate(const struct signature *scheme, uint8_t *private_key, uint8_t *public_key) {
  enum err err = scheme->generate(private_key, public_key);
  if (err != OK)
    return err;
  hide(private_key, scheme->private_size);
  err = scheme->derive_public(private_key, public_key);
  show(&err, sizeof err);
  show(public_key, scheme->public_size);
  return err;
}

enum err seam_sign(const struct signature *scheme, const uint8_t *private_key, struct view message,
                   uint8_t *out, size_t *size) {
  enum err err = scheme->sign(private_key, message, out, size);
  show(&err, sizeof err);
  show(size, sizeof *size);
  if (err == OK)
    show(out, *size);
  return err;
}

/* Verifying takes time that depends on the hash of what was signed: docs/threat-model.md.  So it
 * gets a copy that is public. */
static enum err verify_shown(const struct signature *scheme, const uint8_t *public_key,
                             struct view message, struct view signature) {
  struct bytes copy = {0};
  enum err err = bytes_copy(&copy, message);
  if (err != OK)
    return err;
  show(copy.data, copy.size);
  err = scheme->verify(public_key, bytes_view(&copy), signature);
  bytes_free(&copy);
  return err;
}

#define SIGNATURE_FUNCTIONS(n)                                                                     \
  static enum err generate_##n(uint8_t *private_key, uint8_t *public_key) {                        \
    return seam_generate(real_signature[n], private_key, public_key);                              \
  }                                                                                                \
  static enum err public_##n(const uint8_t *private_key, uint8_t *public_key) {                    \
    enum err err = real_signature[n]->derive_public(private_key, public_key);                      \
    show(&err, sizeof err);                                                                        \
    show(public_key, real_signature[n]->public_size);                                              \
    return err;                                                                                    \
  }                                                                                                \
  static enum err sign_##n(const uint8_t *private_key, struct view message, uint8_t *out,          \
                           size_t *size) {                                                         \
    return seam_sign(real_signature[n], private_key, message, out, size);                          \
  }                                                                                                \
  static enum err verify_##n(const uint8_t *public_key, struct view message,                       \
                             struct view signature) {                                              \
    return verify_shown(real_signature[n], public_key, message, signature);                        \
  }
SIGNATURE_FUNCTIONS(0)
SIGNATURE_FUNCTIONS(1)
SIGNATURE_FUNCTIONS(2)
SIGNATURE_FUNCTIONS(3)
SIGNATURE_FUNCTIONS(4)

const struct signature *__real_provider_signature(enum signature_id id);
const struct signature *__wrap_provider_signature(enum signature_id id);

const struct signature *__wrap_provider_signature(enum signature_id id) {
#define PLACE(n)                                                                                   \
  [n] = {                                                                                          \
    .generate = generate_##n,                                                                      \
    .derive_public = public_##n,                                                                   \
    .sign = sign_##n,                                                                              \
    .verify = verify_##n                                                                           \
  }
  static const struct signature marks[SIGNATURE_COUNT] = {PLACE(0), PLACE(1), PLACE(2), PLACE(3),
                                                          PLACE(4)};
#undef PLACE
  real_signature[id] = __real_provider_signature(id);
  if (real_signature[id] == NULL)
    return NULL;
  struct signature *marked = &marked_signature[id];
  *marked = *real_signature[id];
  marked->generate = marks[id].generate;
  marked->derive_public = marks[id].derive_public;
  marked->sign = marks[id].sign;
  marked->verify = marks[id].verify;
  return marked;
}

/* ---- Sealed state ---- */

enum err __real_sealbox_seal(const uint8_t *key, const uint8_t *nonce, struct view aad,
                             struct view plaintext, uint8_t *out);
enum err __wrap_sealbox_seal(const uint8_t *key, const uint8_t *nonce, struct view aad,
                             struct view plaintext, uint8_t *out);
enum err __real_sealbox_open(const uint8_t *key, const uint8_t *nonce, struct view aad,
                             struct view ciphertext, uint8_t *out);
enum err __wrap_sealbox_open(const uint8_t *key, const uint8_t *nonce, struct view aad,
                             struct view ciphertext, uint8_t *out);

enum err __wrap_sealbox_seal(const uint8_t *key, const uint8_t *nonce, struct view aad,
                             struct view plaintext, uint8_t *out) {
  struct secrecy secrecy = secrecy_of(plaintext);
  enum err err = __real_sealbox_seal(key, nonce, aad, plaintext, out);
  show(&err, sizeof err);
  if (err == OK)
    secrecy_keep(&secrecy, view_of(out, plaintext.size + SEALBOX_TAG_SIZE));
  return err;
}

enum err __wrap_sealbox_open(const uint8_t *key, const uint8_t *nonce, struct view aad,
                             struct view ciphertext, uint8_t *out) {
  struct secrecy secrecy = secrecy_find(ciphertext);
  enum err err = __real_sealbox_open(key, nonce, aad, ciphertext, out);
  show(&err, sizeof err);
  if (err == OK)
    secrecy_apply(secrecy, out, ciphertext.size - SEALBOX_TAG_SIZE);
  return err;
}

/* ---- Tags that travel in clear, and what is hashed with them ---- */

enum err __real_framing_protect_public(const struct framing_keys *keys,
                                       const struct authenticated_content *content,
                                       struct bytes *out);
enum err __wrap_framing_protect_public(const struct framing_keys *keys,
                                       const struct authenticated_content *content,
                                       struct bytes *out);
enum err __real_schedule_interim_hash(const struct suite *suite, struct view confirmed,
                                      struct view confirmation_tag, uint8_t *out);
enum err __wrap_schedule_interim_hash(const struct suite *suite, struct view confirmed,
                                      struct view confirmation_tag, uint8_t *out);
enum err __real_group_info(const struct group *group, struct bytes *out);
enum err __wrap_group_info(const struct group *group, struct bytes *out);

/* Behind the signature, each with its length: confirmation tag (of a commit) and membership tag. */
enum err __wrap_framing_protect_public(const struct framing_keys *keys,
                                       const struct authenticated_content *content,
                                       struct bytes *out) {
  enum err err = __real_framing_protect_public(keys, content, out);
  const size_t tags = 2 * (1 + keys->suite->hash->size);
  if (err == OK && out->size > tags)
    show(out->data + out->size - tags, tags);
  return err;
}

/* The tag itself stays as it is: it is still to be compared with the one that has come. */
enum err __wrap_schedule_interim_hash(const struct suite *suite, struct view confirmed,
                                      struct view confirmation_tag, uint8_t *out) {
  uint8_t copy[HASH_MAX];
  memcpy(copy, confirmation_tag.data, confirmation_tag.size);
  show(copy, confirmation_tag.size);
  return __real_schedule_interim_hash(suite, confirmed, view_of(copy, confirmation_tag.size), out);
}

enum err __wrap_group_info(const struct group *group, struct bytes *out) {
  const struct view tag = epoch_confirmation_tag(group->epoch);
  show(tag.data, tag.size);
  return __real_group_info(group, out);
}
