/* SPDX-License-Identifier: ISC */
#include "sframe/key.h"

#include "base/traces.h"
#include "crypto/hkdf.h"
#include "crypto/provider.h"

static const struct row {
  uint16_t id;
  const char *name;
  enum hash_id hash;
  enum aead_id aead;
  const struct aead *composed; /* in place of a backend's AEAD (section 4.5.1) */
} rows[] = {
    {1, "AES_128_CTR_HMAC_SHA256_80", HASH_SHA256, AEAD_COUNT, &ctrhmac_aes128_sha256_80},
    {2, "AES_128_CTR_HMAC_SHA256_64", HASH_SHA256, AEAD_COUNT, &ctrhmac_aes128_sha256_64},
    {3, "AES_128_CTR_HMAC_SHA256_32", HASH_SHA256, AEAD_COUNT, &ctrhmac_aes128_sha256_32},
    {4, "AES_128_GCM_SHA256_128", HASH_SHA256, AEAD_AES128GCM, NULL},
    {5, "AES_256_GCM_SHA512_128", HASH_SHA512, AEAD_AES256GCM, NULL},
    {6, "AES_256_CTR_HMAC_SHA512_80", HASH_SHA512, AEAD_COUNT, &ctrhmac_aes256_sha512_80},
    {7, "AES_256_CTR_HMAC_SHA512_64", HASH_SHA512, AEAD_COUNT, &ctrhmac_aes256_sha512_64},
    {8, "AES_256_CTR_HMAC_SHA512_32", HASH_SHA512, AEAD_COUNT, &ctrhmac_aes256_sha512_32},
};

static const struct aead *aead_of(const struct row *row) {
  if (row->composed == NULL)
    return provider_aead(row->aead);
  return row->composed->available() ? row->composed : NULL;
}

enum err sframe_suite_find(uint16_t id, struct sframe_suite *out) {
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    if (rows[i].id != id)
      continue;
    const struct hash *hash = provider_hash(rows[i].hash);
    const struct aead *aead = aead_of(&rows[i]);
    if (hash == NULL || aead == NULL)
      return ERR_UNSUPPORTED;
    *out = (struct sframe_suite){id, rows[i].name, hash, aead};
    return OK;
  }
  return ERR_UNSUPPORTED;
}

enum err sframe_secret(const struct sframe_suite *suite, struct view base_key, struct secret *out) {
  return hkdf_extract(suite->hash, VIEW_NONE, base_key, out);
}

enum err sframe_ratchet(const struct sframe_suite *suite, const struct secret *secret,
                        struct secret *base_key) {
  enum err err;
  uint8_t bytes[HASH_MAX];
  const struct view label = VIEW_TEXT("SFrame 1.0 Ratchet");
  TRY(hkdf_expand(suite->hash, secret_view(secret), &label, 1, bytes, suite->hash->size));
  TRY(secret_set(base_key, view_of(bytes, suite->hash->size)));
done:
  wipe(bytes, sizeof bytes);
  return err;
}

static void store(uint64_t value, uint8_t *out, size_t size) {
  for (size_t i = size; i-- > 0; value >>= 8)
    out[i] = (uint8_t)value;
}

enum err sframe_derive(const struct sframe_suite *suite, const struct secret *secret, uint64_t kid,
                       uint8_t *key, uint8_t *salt) {
  enum err err;
  /* RFC 9605, section 4.4.2: the label, the key id in 8 bytes, the suite in 2. */
  uint8_t about[10];
  store(kid, about, 8);
  store(suite->id, about + 8, 2);
  const struct view key_label[] = {VIEW_TEXT("SFrame 1.0 Secret key "), VIEW_ARRAY(about)};
  const struct view salt_label[] = {VIEW_TEXT("SFrame 1.0 Secret salt "), VIEW_ARRAY(about)};
  struct hmac_key halves;
  suite->hash->hmac_key(secret_view(secret), &halves);
  TRY(hkdf_expand_keyed(suite->hash, &halves, key_label, 2, key, suite->aead->key_size));
  TRY(hkdf_expand_keyed(suite->hash, &halves, salt_label, 2, salt, suite->aead->nonce_size));
done:
  wipe(&halves, sizeof halves);
  if (err != OK)
    wipe(key, suite->aead->key_size);
  return err;
}

static const uint8_t zeros[SFRAME_KEY_MAX];

enum err sframe_key_new(const struct sframe_suite *suite, struct sframe_key *out) {
  struct aead_key *cipher = NULL;
  enum err err = suite->aead->key_new(zeros, &cipher);
  if (err == OK)
    *out = (struct sframe_key){.aead = suite->aead, .cipher = cipher};
  return err;
}

enum err sframe_key_set(const struct sframe_suite *suite, const struct secret *secret, uint64_t kid,
                        struct sframe_key *key) {
  enum err err;
  uint8_t bytes[SFRAME_KEY_MAX];
  TRY(key->cipher != NULL ? OK : ERR_INTERNAL);
  TRY(sframe_derive(suite, secret, kid, bytes, key->salt));
  TRY(suite->aead->key_set(key->cipher, bytes));
  key->kid = kid;
done:
  wipe(bytes, sizeof bytes);
  if (err != OK)
    sframe_key_wipe(key);
  traces_wipe();
  return err;
}

void sframe_key_wipe(struct sframe_key *key) {
  wipe(key->salt, sizeof key->salt);
  key->kid = 0;
  /* Where a backend cannot take another key, the old one goes with the room. */
  if (key->cipher != NULL && key->aead->key_set(key->cipher, zeros) != OK)
    sframe_key_free(key);
}

void sframe_key_free(struct sframe_key *key) {
  if (key->cipher != NULL)
    key->aead->key_free(key->cipher);
  wipe(key, sizeof *key);
}
