/* SPDX-License-Identifier: ISC */
#include "crypto/ctrhmac.h"

#include <string.h>

#include "base/traces.h"
#include "crypto/backend.h"
#include "crypto/provider.h"

/* The additional data of a partial frame (sframe/partial.c); of a plain one it is two. */
#define AAD_PARTS_MAX 5

/* What one AEAD is made of. */
struct composition {
  enum ctr_id cipher;
  enum hash_id hash;
  size_t tag_size;
};

struct ctrhmac_key {
  const struct ctr *ctr;
  const struct hash *hash;
  struct ctr_key *cipher;
  size_t tag_size;
  struct hmac_key mac;
};

static bool available(const struct composition *parts) {
  return provider_ctr(parts->cipher) != NULL && provider_hash(parts->hash) != NULL;
}

static void key_free(struct aead_key *aead_key) {
  struct ctrhmac_key *key = (struct ctrhmac_key *)aead_key;
  if (key == NULL)
    return;
  key->ctr->key_free(key->cipher);
  locked_free(key, sizeof *key);
}

/* RFC 9605, section 4.5.1: the cipher has the first bytes of the key, HMAC the rest. */
static void set_mac(struct ctrhmac_key *key, const uint8_t *bytes) {
  key->hash->hmac_key(view_of(bytes + key->ctr->key_size, key->hash->size), &key->mac);
}

static enum err key_new(const struct composition *parts, const uint8_t *bytes,
                        struct aead_key **out) {
  enum err err;
  struct ctrhmac_key *key = locked_new(sizeof *key);
  if (key == NULL)
    return ERR_NOMEM;
  key->ctr = provider_ctr(parts->cipher);
  key->hash = provider_hash(parts->hash);
  key->tag_size = parts->tag_size;
  set_mac(key, bytes);
  TRY(key->ctr->key_new(bytes, &key->cipher));
  *out = (struct aead_key *)key;
  key = NULL;
done:
  locked_free(key, sizeof *key);
  return err;
}

static enum err key_set(struct aead_key *aead_key, const uint8_t *bytes) {
  struct ctrhmac_key *key = (struct ctrhmac_key *)aead_key;
  set_mac(key, bytes);
  return key->ctr->key_set(key->cipher, bytes);
}

static void store(uint64_t value, uint8_t *out) {
  for (size_t i = 8; i-- > 0; value >>= 8)
    out[i] = (uint8_t)value;
}

/* RFC 9605, section 4.5.1: three lengths and the nonce go before what is authenticated.
 * @param mac  out: the whole MAC, HASH_MAX bytes of room, of which the first are the tag */
static enum err compute_mac(const struct ctrhmac_key *key, const uint8_t *nonce,
                            const struct view *aad, size_t aad_count, struct view ciphertext,
                            uint8_t *mac) {
  uint8_t head[3 * 8 + AEAD_NONCE_MAX];
  struct view parts[1 + AAD_PARTS_MAX + 1];
  uint64_t aad_size = 0;
  if (aad_count > AAD_PARTS_MAX)
    return ERR_INTERNAL;
  for (size_t i = 0; i < aad_count; i++) {
    parts[1 + i] = aad[i];
    aad_size += aad[i].size;
  }
  store(aad_size, head);
  store(ciphertext.size, head + 8);
  store(key->tag_size, head + 16);
  memcpy(head + 24, nonce, AEAD_NONCE_MAX);
  parts[0] = VIEW_ARRAY(head);
  parts[1 + aad_count] = ciphertext;
  return key->hash->hmac_keyed(&key->mac, parts, aad_count + 2, mac);
}

/* The counter of the blocks starts at zero behind the nonce.  It has 32 bits, and no message of
 * AEAD_MESSAGE_MAX bytes takes it into the nonce. */
static enum err apply_cipher(const struct ctrhmac_key *key, const uint8_t *nonce, struct view input,
                             uint8_t *out) {
  uint8_t block[CTR_BLOCK_SIZE] = {0};
  memcpy(block, nonce, AEAD_NONCE_MAX);
  return input.size > 0 ? key->ctr->apply(key->cipher, block, input, out) : OK;
}

static enum err seal_message(struct aead_key *aead_key, const uint8_t *nonce,
                             const struct view *aad, size_t aad_count, struct view plaintext,
                             uint8_t *out) {
  const struct ctrhmac_key *key = (const struct ctrhmac_key *)aead_key;
  const size_t size = plaintext.size;
  if (size > AEAD_MESSAGE_MAX)
    return ERR_LIMIT;
  enum err err;
  uint8_t mac[HASH_MAX];
  TRY(apply_cipher(key, nonce, plaintext, out));
  TRY(compute_mac(key, nonce, aad, aad_count, view_of(out, size), mac));
  memcpy(out + size, mac, key->tag_size);
done:
  if (err != OK)
    wipe(out, size + key->tag_size);
  wipe(mac, sizeof mac);
  traces_wipe_registers(); /* the MAC's states */
  return err;
}

static enum err open_message(struct aead_key *aead_key, const uint8_t *nonce,
                             const struct view *aad, size_t aad_count, struct view ciphertext,
                             uint8_t *out) {
  const struct ctrhmac_key *key = (const struct ctrhmac_key *)aead_key;
  const size_t size = ciphertext.size - key->tag_size;
  if (size > AEAD_MESSAGE_MAX)
    return ERR_LIMIT;
  enum err err;
  uint8_t mac[HASH_MAX];
  const struct view inner = view_of(ciphertext.data, size);
  const struct view tag = view_of(ciphertext.data + size, key->tag_size);
  TRY(compute_mac(key, nonce, aad, aad_count, inner, mac));
  TRY(secret_equal(view_of(mac, key->tag_size), tag) ? OK : ERR_AUTH);
  TRY(apply_cipher(key, nonce, inner, out));
done:
  if (err != OK && size > 0)
    wipe(out, size);
  wipe(mac, sizeof mac); /* all of it: more than the tag would help to forge */
  traces_wipe_registers();
  return err;
}

#define DEFINE_CTRHMAC(aes_bits, sha_bits, tag_bits)                                               \
  static const struct composition parts_##aes_bits##_##tag_bits = {                                \
      CTR_AES##aes_bits, HASH_SHA##sha_bits, tag_bits / 8};                                        \
  static bool has_##aes_bits##_##tag_bits(void) {                                                  \
    return available(&parts_##aes_bits##_##tag_bits);                                              \
  }                                                                                                \
  static enum err key_new_##aes_bits##_##tag_bits(const uint8_t *key, struct aead_key **out) {     \
    return key_new(&parts_##aes_bits##_##tag_bits, key, out);                                      \
  }                                                                                                \
  const struct aead ctrhmac_aes##aes_bits##_sha##sha_bits##_##tag_bits = {                         \
      .name = "AES-" #aes_bits "-CTR with HMAC-SHA-" #sha_bits,                                    \
      .backend = "composed",                                                                       \
      .key_size = (aes_bits + sha_bits) / 8,                                                       \
      .nonce_size = AEAD_NONCE_MAX,                                                                \
      .tag_size = tag_bits / 8,                                                                    \
      .available = has_##aes_bits##_##tag_bits,                                                    \
      .key_new = key_new_##aes_bits##_##tag_bits,                                                  \
      .key_set = key_set,                                                                          \
      .key_free = key_free,                                                                        \
      .seal = seal_message,                                                                        \
      .open = open_message}

DEFINE_CTRHMAC(128, 256, 80);
DEFINE_CTRHMAC(128, 256, 64);
DEFINE_CTRHMAC(128, 256, 32);
DEFINE_CTRHMAC(256, 512, 80);
DEFINE_CTRHMAC(256, 512, 64);
DEFINE_CTRHMAC(256, 512, 32);
