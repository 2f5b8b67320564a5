/*
 * Each algorithm of every backend that is built in and works under valgrind, and HPKE.
 * SPDX-License-Identifier: ISC
 */
#include <stdio.h>
#include <string.h>

#include "crypto/hpke.h"
#include "crypto/kdf.h"
#include "crypto/provider.h"
#include "crypto/sign.h"
#include "seam.h"
#include "timing.h"

#define LONGEST 1000

static void draw_hidden(uint8_t *out, size_t size) {
  provider_random(out, size);
  hide(out, size);
}

static void hash_all(const struct hash *hash) {
  uint8_t key[200], message[LONGEST], out[HASH_MAX];
  struct hmac_key halves;
  draw_hidden(key, sizeof key);
  draw_hidden(message, sizeof message);
  for (size_t size = 0; size < LONGEST; size = 2 * size + 1) {
    const struct view parts[] = {view_of(message, size / 3), view_of(message + size / 3, size)};
    MUST(hash->digest(parts, size > 300 ? 1 : 2, out));
    MUST(hash->hmac(view_of(key, size % sizeof key), parts, 1, out));
    hash->hmac_key(view_of(key, 32), &halves);
    MUST(hash->hmac_keyed(&halves, parts, 1, out));
    EXPECT(all_hidden(out, hash->size));
  }
}

static bool hashes(unsigned id) {
  const struct hash *hash;
  for (size_t i = 0; (hash = provider_hash_at((enum hash_id)id, i)) != NULL; i++)
    hash_all(hash);
  return true;
}

static void aead_all(const struct aead *aead) {
  uint8_t key[AEAD_KEY_MAX], nonce[AEAD_NONCE_MAX], aad[40] = {0}, data[LONGEST + AEAD_TAG_MAX];
  struct aead_key *state = NULL;
  draw_hidden(key, sizeof key);
  draw_hidden(nonce, sizeof nonce);
  MUST(aead->key_new(key, &state));
  MUST(aead->key_set(state, key));
  for (size_t size = 0; size < LONGEST; size = 2 * size + 1) {
    const struct view additional = view_of(aad, size % sizeof aad);
    draw_hidden(data, size);
    MUST(seam_seal(aead, state, nonce, &additional, 1, view_of(data, size), data));
    EXPECT(all_shown(data, size + aead->tag_size));
    MUST(seam_open(aead, state, nonce, &additional, 1, view_of(data, size + aead->tag_size), data));
    EXPECT(size == 0 || all_hidden(data, size));
  }
  /* A forgery is found out in the same way. */
  MUST(seam_seal(aead, state, nonce, NULL, 0, view_of(data, 50), data));
  data[7] ^= 1;
  EXPECT(seam_open(aead, state, nonce, NULL, 0, view_of(data, 50 + aead->tag_size), data) ==
         ERR_AUTH);
  aead->key_free(state);
}

static bool aeads(unsigned id) {
  const struct aead *aead;
  for (size_t i = 0; (aead = provider_aead_at((enum aead_id)id, i)) != NULL; i++)
    aead_all(aead);
  return true;
}

static void ctr_all(const struct ctr *ctr) {
  uint8_t key[AEAD_KEY_MAX], block[CTR_BLOCK_SIZE] = {0}, data[LONGEST];
  struct ctr_key *state = NULL;
  draw_hidden(key, sizeof key);
  draw_hidden(block, AEAD_NONCE_MAX);
  MUST(ctr->key_new(key, &state));
  for (size_t size = 1; size < LONGEST; size = 2 * size + 1) {
    draw_hidden(data, size);
    MUST(ctr->apply(state, block, view_of(data, size), data));
    EXPECT(all_hidden(data, size));
  }
  ctr->key_free(state);
}

static bool counter_modes(unsigned id) {
  const struct ctr *ctr;
  for (size_t i = 0; (ctr = provider_ctr_at((enum ctr_id)id, i)) != NULL; i++)
    ctr_all(ctr);
  return true;
}

static void dh_all(const struct dh *dh) {
  uint8_t private_key[2][SECRET_MAX], public_key[2][DH_PUBLIC_MAX], shared[SECRET_MAX];
  for (size_t i = 0; i < 2; i++) {
    draw_hidden(private_key[i], dh->private_size);
    memset(private_key[i], 0, 2); /* in the range of any curve; that there is one is no secret */
    MUST(seam_derive_public(dh, private_key[i], public_key[i]));
  }
  MUST(dh->check_public(public_key[1]));
  MUST(seam_agree(dh, private_key[0], public_key[1], shared));
}

static bool groups(unsigned id) {
  const struct dh *dh;
  bool any = false;
  for (size_t i = 0; (dh = provider_dh_at((enum dh_id)id, i)) != NULL; i++, any = true)
    dh_all(dh);
  return any;
}

static void signature_all(const struct signature *scheme) {
  uint8_t private_key[SECRET_MAX], public_key[SIGNATURE_PUBLIC_MAX], signature[SIGNATURE_MAX];
  uint8_t message[100];
  size_t size = 0;
  draw_hidden(message, sizeof message);
  MUST(seam_generate(scheme, private_key, public_key));
  MUST(seam_sign(scheme, private_key, VIEW_ARRAY(message), signature, &size));
  show(message, sizeof message);
  MUST(scheme->verify(public_key, VIEW_ARRAY(message), view_of(signature, size)));
}

static bool signatures(unsigned id) {
  const struct signature *scheme;
  bool any = false;
  for (size_t i = 0; (scheme = provider_signature_at((enum signature_id)id, i)) != NULL; i++)
    any = (signature_all(scheme), true);
  return any;
}

/* ---- HPKE, both ways ---- */

static bool hpke(unsigned id) {
  const struct suite *suite = suite_find((uint16_t)id);
  if (suite == NULL)
    return false;
  uint8_t plaintext[77], public_key[DH_PUBLIC_MAX];
  struct secret private_key = {0}, seed = {0}, sent = {0}, received = {0};
  struct bytes kem_output = {0}, ciphertext = {0}, opened = {0};
  const struct view info = VIEW_TEXT("info"), aad = VIEW_TEXT("aad");
  draw_hidden(plaintext, sizeof plaintext);
  for (unsigned derived = 0; derived < 2; derived++) {
    MUST(provider_random_secret(&seed, suite->hash->size));
    if (derived == 1)
      MUST(hpke_derive_key_pair(suite, secret_view(&seed), &private_key, public_key));
    else
      MUST(hpke_generate_key_pair(suite, &private_key, public_key));
    EXPECT(all_hidden(private_key.bytes, private_key.size));
    const struct view to = view_of(public_key, suite->kem->public_size);
    MUST(hpke_check_key_pair(suite, &private_key, to));
    MUST(hpke_seal(suite, to, info, aad, VIEW_ARRAY(plaintext), &kem_output, &ciphertext));
    EXPECT(all_shown(kem_output.data, kem_output.size));
    EXPECT(all_shown(ciphertext.data, ciphertext.size));
    MUST(hpke_open(suite, &private_key, bytes_view(&kem_output), info, aad, bytes_view(&ciphertext),
                   &opened));
    EXPECT(all_hidden(opened.data, opened.size));
    MUST(hpke_export_sender(suite, to, info, aad, &kem_output, &sent));
    MUST(hpke_export_receiver(suite, &private_key, bytes_view(&kem_output), info, aad, &received));
    EXPECT(all_hidden(received.bytes, received.size));
    EXPECT(secret_equal(secret_view(&sent), secret_view(&received)));
  }
  return true;
}

const struct timing_case timing_algorithms[] = {
    {"hash/SHA-256", hashes, HASH_SHA256},
    {"hash/SHA-384", hashes, HASH_SHA384},
    {"hash/SHA-512", hashes, HASH_SHA512},
    {"aead/AES-128-GCM", aeads, AEAD_AES128GCM},
    {"aead/AES-256-GCM", aeads, AEAD_AES256GCM},
    {"aead/ChaCha20-Poly1305", aeads, AEAD_CHACHA20POLY1305},
    {"ctr/AES-128", counter_modes, CTR_AES128},
    {"ctr/AES-256", counter_modes, CTR_AES256},
    {"dh/X25519", groups, DH_X25519},
    {"dh/P-256", groups, DH_P256},
    {"dh/P-384", groups, DH_P384},
    {"dh/P-521", groups, DH_P521},
    {"dh/X448", groups, DH_X448},
    {"signature/Ed25519", signatures, SIGNATURE_ED25519},
    {"signature/P-256", signatures, SIGNATURE_P256},
    {"signature/P-384", signatures, SIGNATURE_P384},
    {"signature/P-521", signatures, SIGNATURE_P521},
    {"signature/Ed448", signatures, SIGNATURE_ED448},
    {"hpke/1", hpke, 1},
    {"hpke/2", hpke, 2},
    {"hpke/3", hpke, 3},
    {"hpke/4", hpke, 4},
    {"hpke/5", hpke, 5},
    {"hpke/6", hpke, 6},
    {"hpke/7", hpke, 7},
    {NULL, NULL, 0},
};
