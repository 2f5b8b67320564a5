/*
 * Backend libtomcrypt: AES-GCM, AES-CTR and SHA-384 where OpenSSL is not there; SHA-256 and SHA-512
 * to test the others against.  The NIST curves are in tomcrypt_ec.c.
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include <tomcrypt.h>

#include "base/traces.h"
#include "crypto/backend.h"
#include "crypto/hmac.h"
#include "crypto/tomcrypt.h"

#define NAME "libtomcrypt"

static enum err result_of(int result, enum err otherwise) {
  if (result == CRYPT_OK)
    return OK;
  return result == CRYPT_MEM ? ERR_NOMEM : otherwise;
}

static bool available(void) {
  return true;
}

/* ---- SHA-2 and HMAC ---- */

/* Of one size.  @param member  of the hash_state, as which SHA-384 is a SHA-512 */
#define DEFINE_SHA(bits, member, block_size)                                                       \
  static void sha##bits##_first(const uint8_t *block, uint64_t *state) {                           \
    hash_state hash;                                                                               \
    (void)sha##bits##_init(&hash);                                                                 \
    (void)sha##bits##_process(&hash, block, block_size);                                           \
    memcpy(state, hash.member.state, sizeof hash.member.state);                                    \
    wipe(&hash, sizeof hash);                                                                      \
  }                                                                                                \
  static void sha##bits##_rest(const uint64_t *state, const struct view *parts, size_t count,      \
                               uint8_t *out) {                                                     \
    hash_state hash;                                                                               \
    (void)sha##bits##_init(&hash);                                                                 \
    if (state != NULL) {                                                                           \
      memcpy(hash.member.state, state, sizeof hash.member.state);                                  \
      hash.member.length = 8 * block_size;                                                         \
    }                                                                                              \
    for (size_t i = 0; i < count; i++)                                                             \
      if (parts[i].size > 0)                                                                       \
        (void)sha##bits##_process(&hash, parts[i].data, (unsigned long)parts[i].size);             \
    (void)sha##bits##_done(&hash, out);                                                            \
    wipe(&hash, sizeof hash);                                                                      \
  }                                                                                                \
  DEFINE_HASH(tomcrypt, NAME, bits, block_size)

DEFINE_SHA(256, sha256, 64);
DEFINE_SHA(384, sha512, 128);
DEFINE_SHA(512, sha512, 128);

/* ---- AES-GCM: 70 KB of tables a key, so the whole state is kept ---- */

#define TAG_SIZE 16

/* libtomcrypt names ciphers by their place in a table of the process, which has no lock: this adds
 * AES once, and finds it if the program has added it already. */
static int aes_index = -1;

enum err tomcrypt_start(void) {
  aes_index = register_cipher(&aes_desc);
  return tomcrypt_ec_start();
}

static bool has_aes(void) {
  return aes_index >= 0;
}

static void gcm_key_free(struct aead_key *key) {
  locked_free(key, sizeof(gcm_state));
}

static enum err gcm_key_put(gcm_state *gcm, const uint8_t *key, int size) {
  enum err err = result_of(gcm_init(gcm, aes_index, key, size), ERR_INTERNAL);
  traces_wipe();
  return err;
}

static enum err gcm_key_new(const uint8_t *key, int size, struct aead_key **out) {
  gcm_state *gcm = locked_new(sizeof *gcm);
  if (gcm == NULL)
    return ERR_NOMEM;
  enum err err = gcm_key_put(gcm, key, size);
  if (err != OK)
    locked_free(gcm, sizeof *gcm);
  else
    *out = (struct aead_key *)gcm;
  return err;
}

static enum err aes128gcm_key_new(const uint8_t *key, struct aead_key **out) {
  return gcm_key_new(key, 16, out);
}

static enum err aes256gcm_key_new(const uint8_t *key, struct aead_key **out) {
  return gcm_key_new(key, 32, out);
}

static enum err aes128gcm_key_set(struct aead_key *key, const uint8_t *bytes) {
  return gcm_key_put((gcm_state *)key, bytes, 16);
}

static enum err aes256gcm_key_set(struct aead_key *key, const uint8_t *bytes) {
  return gcm_key_put((gcm_state *)key, bytes, 32);
}

static enum err gcm_start(gcm_state *gcm, const uint8_t *nonce, const struct view *aad,
                          size_t aad_count) {
  enum err err;
  TRY(result_of(gcm_reset(gcm), ERR_INTERNAL));
  TRY(result_of(gcm_add_iv(gcm, nonce, AEAD_NONCE_MAX), ERR_INTERNAL));
  for (size_t i = 0; i < aad_count; i++)
    if (aad[i].size > 0)
      TRY(result_of(gcm_add_aad(gcm, aad[i].data, (unsigned long)aad[i].size), ERR_INTERNAL));
done:
  return err;
}

static enum err gcm_finish(gcm_state *gcm, uint8_t *tag) {
  unsigned long size = TAG_SIZE;
  enum err err = result_of(gcm_done(gcm, tag, &size), ERR_INTERNAL);
  if (err == OK && size != TAG_SIZE)
    err = ERR_INTERNAL;
  return err;
}

/* gcm_process() has one signature for both directions: it never writes its input.  So that no
 * const is cast away, it works in place on a copy where the buffers differ. */
static enum err gcm_in_place(gcm_state *gcm, struct view input, uint8_t *out, int direction) {
  if (input.size == 0)
    return OK;
  if (out != input.data)
    memmove(out, input.data, input.size);
  return result_of(gcm_process(gcm, out, (unsigned long)input.size, out, direction), ERR_INTERNAL);
}

static enum err gcm_seal(struct aead_key *key, const uint8_t *nonce, const struct view *aad,
                         size_t aad_count, struct view plaintext, uint8_t *out) {
  gcm_state *gcm = (gcm_state *)key;
  if (plaintext.size > AEAD_MESSAGE_MAX)
    return ERR_LIMIT;
  enum err err;
  TRY(gcm_start(gcm, nonce, aad, aad_count));
  TRY(gcm_in_place(gcm, plaintext, out, GCM_ENCRYPT));
  TRY(gcm_finish(gcm, out + plaintext.size));
done:
  if (err != OK)
    wipe(out, plaintext.size + TAG_SIZE);
  traces_wipe_registers();
  return err;
}

static enum err gcm_open(struct aead_key *key, const uint8_t *nonce, const struct view *aad,
                         size_t aad_count, struct view ciphertext, uint8_t *out) {
  gcm_state *gcm = (gcm_state *)key;
  size_t size = ciphertext.size - TAG_SIZE;
  if (size > AEAD_MESSAGE_MAX)
    return ERR_LIMIT;
  enum err err;
  uint8_t tag[TAG_SIZE];
  TRY(gcm_start(gcm, nonce, aad, aad_count));
  TRY(gcm_in_place(gcm, view_of(ciphertext.data, size), out, GCM_DECRYPT));
  TRY(gcm_finish(gcm, tag));
  if (!secret_equal(view_of(tag, TAG_SIZE), view_of(ciphertext.data + size, TAG_SIZE)))
    err = ERR_AUTH;
done:
  if (err != OK && size > 0)
    wipe(out, size);
  wipe(tag, sizeof tag);
  traces_wipe_registers();
  return err;
}

#define DEFINE_GCM(bits)                                                                           \
  const struct aead tomcrypt_aes##bits##gcm = {.name = "AES-" #bits "-GCM",                        \
                                               .backend = NAME,                                    \
                                               .key_size = bits / 8,                               \
                                               .nonce_size = AEAD_NONCE_MAX,                       \
                                               .tag_size = TAG_SIZE,                               \
                                               .available = has_aes,                               \
                                               .key_new = aes##bits##gcm_key_new,                  \
                                               .key_set = aes##bits##gcm_key_set,                  \
                                               .key_free = gcm_key_free,                           \
                                               .seal = gcm_seal,                                   \
                                               .open = gcm_open}

DEFINE_GCM(128);
DEFINE_GCM(256);

/* ---- AES-CTR ---- */

static void ctr_key_free(struct ctr_key *key) {
  locked_free(key, sizeof(symmetric_CTR));
}

static enum err ctr_key_put(symmetric_CTR *ctr, const uint8_t *key, int size) {
  static const uint8_t block[CTR_BLOCK_SIZE];
  int result = ctr_start(aes_index, block, key, size, 0, CTR_COUNTER_BIG_ENDIAN, ctr);
  traces_wipe();
  return result_of(result, ERR_INTERNAL);
}

static enum err ctr_key_new(const uint8_t *key, int size, struct ctr_key **out) {
  symmetric_CTR *ctr = locked_new(sizeof *ctr);
  if (ctr == NULL)
    return ERR_NOMEM;
  enum err err = ctr_key_put(ctr, key, size);
  if (err != OK)
    locked_free(ctr, sizeof *ctr);
  else
    *out = (struct ctr_key *)ctr;
  return err;
}

static enum err ctr_apply(struct ctr_key *key, const uint8_t *block, struct view input,
                          uint8_t *out) {
  symmetric_CTR *ctr = (symmetric_CTR *)key;
  enum err err;
  TRY(result_of(ctr_setiv(block, CTR_BLOCK_SIZE, ctr), ERR_INTERNAL));
  TRY(result_of(ctr_encrypt(input.data, out, (unsigned long)input.size, ctr), ERR_INTERNAL));
done:
  traces_wipe_registers();
  return err;
}

#define DEFINE_CTR(bits)                                                                           \
  static enum err aes##bits##ctr_key_new(const uint8_t *key, struct ctr_key **out) {               \
    return ctr_key_new(key, bits / 8, out);                                                        \
  }                                                                                                \
  static enum err aes##bits##ctr_key_set(struct ctr_key *key, const uint8_t *bytes) {              \
    return ctr_key_put((symmetric_CTR *)key, bytes, bits / 8);                                     \
  }                                                                                                \
  const struct ctr tomcrypt_aes##bits##ctr = {.name = "AES-" #bits "-CTR",                         \
                                              .backend = NAME,                                     \
                                              .key_size = bits / 8,                                \
                                              .available = has_aes,                                \
                                              .key_new = aes##bits##ctr_key_new,                   \
                                              .key_set = aes##bits##ctr_key_set,                   \
                                              .key_free = ctr_key_free,                            \
                                              .apply = ctr_apply}

DEFINE_CTR(128);
DEFINE_CTR(256);
