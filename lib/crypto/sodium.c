/*
 * Backend libsodium: X25519, Ed25519, ChaCha20-Poly1305, SHA-2 where nothing faster is there, and the
 * XChaCha20-Poly1305 of sealbox.h.
 * SPDX-License-Identifier: ISC
 */
#include <sodium.h>
#include <string.h>

#include "crypto/backend.h"
#include "crypto/hmac.h"
#include "crypto/provider.h"
#include "crypto/sealbox.h"

enum err sodium_start(void) {
  return sodium_init() >= 0 ? OK : ERR_RANDOM;
}

static bool available(void) {
  return true; /* provider_init() fails where sodium_start() does */
}

/* ---- SHA-2 and HMAC ---- */

/* Of one size.  @param bits_hashed  where the context counts the bits that it was given */
#define DEFINE_SHA(bits, bits_hashed, block_size)                                                  \
  static void sha##bits##_first(const uint8_t *block, uint64_t *state) {                           \
    crypto_hash_sha##bits##_state hash;                                                            \
    (void)crypto_hash_sha##bits##_init(&hash);                                                     \
    (void)crypto_hash_sha##bits##_update(&hash, block, block_size);                                \
    memcpy(state, hash.state, sizeof hash.state);                                                  \
    wipe(&hash, sizeof hash);                                                                      \
  }                                                                                                \
  static void sha##bits##_rest(const uint64_t *state, const struct view *parts, size_t count,      \
                               uint8_t *out) {                                                     \
    crypto_hash_sha##bits##_state hash;                                                            \
    (void)crypto_hash_sha##bits##_init(&hash);                                                     \
    if (state != NULL) {                                                                           \
      memcpy(hash.state, state, sizeof hash.state);                                                \
      hash.bits_hashed = 8 * block_size;                                                           \
    }                                                                                              \
    for (size_t i = 0; i < count; i++)                                                             \
      if (parts[i].size > 0)                                                                       \
        (void)crypto_hash_sha##bits##_update(&hash, parts[i].data, parts[i].size);                 \
    (void)crypto_hash_sha##bits##_final(&hash, out);                                               \
    wipe(&hash, sizeof hash);                                                                      \
  }                                                                                                \
  DEFINE_HASH(sodium, "libsodium", bits, block_size)

DEFINE_SHA(256, count, 64);
DEFINE_SHA(512, count[1], 128);

/* ---- ChaCha20-Poly1305 ---- */

/*
 * Composed from libsodium's cipher and MAC as RFC 8439, section 2.8 says: its one-call function
 * wants the additional data in one piece, and putting it together would take memory.
 */
struct chacha_key {
  uint8_t bytes[crypto_stream_chacha20_ietf_KEYBYTES];
};

#define TAG_SIZE crypto_onetimeauth_poly1305_BYTES

static enum err chacha_key_new(const uint8_t *key, struct aead_key **out) {
  struct chacha_key *chacha = locked_new(sizeof *chacha);
  if (chacha == NULL)
    return ERR_NOMEM;
  memcpy(chacha->bytes, key, sizeof chacha->bytes);
  *out = (struct aead_key *)chacha;
  return OK;
}

static enum err chacha_key_set(struct aead_key *key, const uint8_t *bytes) {
  struct chacha_key *chacha = (struct chacha_key *)key;
  memcpy(chacha->bytes, bytes, sizeof chacha->bytes);
  return OK;
}

static void chacha_key_free(struct aead_key *key) {
  locked_free(key, sizeof(struct chacha_key));
}

static void mac_padded(crypto_onetimeauth_poly1305_state *state, uint64_t size) {
  static const uint8_t zeros[16];
  if (size % 16 > 0)
    (void)crypto_onetimeauth_poly1305_update(state, zeros, 16 - size % 16);
}

static void chacha_tag(const struct chacha_key *chacha, const uint8_t *nonce,
                       const struct view *aad, size_t aad_count, struct view ciphertext,
                       uint8_t *tag) {
  uint8_t mac_key[crypto_onetimeauth_poly1305_KEYBYTES];
  crypto_onetimeauth_poly1305_state state;
  (void)crypto_stream_chacha20_ietf(mac_key, sizeof mac_key, nonce, chacha->bytes);
  (void)crypto_onetimeauth_poly1305_init(&state, mac_key);
  uint64_t aad_size = 0;
  for (size_t i = 0; i < aad_count; i++) {
    if (aad[i].size > 0)
      (void)crypto_onetimeauth_poly1305_update(&state, aad[i].data, aad[i].size);
    aad_size += aad[i].size;
  }
  mac_padded(&state, aad_size);
  if (ciphertext.size > 0)
    (void)crypto_onetimeauth_poly1305_update(&state, ciphertext.data, ciphertext.size);
  mac_padded(&state, ciphertext.size);
  uint8_t sizes[16];
  for (unsigned i = 0; i < 8; i++) {
    sizes[i] = (uint8_t)(aad_size >> 8 * i);
    sizes[8 + i] = (uint8_t)((uint64_t)ciphertext.size >> 8 * i);
  }
  (void)crypto_onetimeauth_poly1305_update(&state, sizes, sizeof sizes);
  (void)crypto_onetimeauth_poly1305_final(&state, tag);
  wipe(mac_key, sizeof mac_key);
  wipe(&state, sizeof state);
}

static enum err chacha_seal(struct aead_key *key, const uint8_t *nonce, const struct view *aad,
                            size_t aad_count, struct view plaintext, uint8_t *out) {
  const struct chacha_key *chacha = (const struct chacha_key *)key;
  if (plaintext.size > AEAD_MESSAGE_MAX)
    return ERR_LIMIT;
  if (plaintext.size > 0)
    (void)crypto_stream_chacha20_ietf_xor_ic(out, plaintext.data, plaintext.size, nonce, 1,
                                             chacha->bytes);
  chacha_tag(chacha, nonce, aad, aad_count, view_of(out, plaintext.size), out + plaintext.size);
  return OK;
}

static enum err chacha_open(struct aead_key *key, const uint8_t *nonce, const struct view *aad,
                            size_t aad_count, struct view ciphertext, uint8_t *out) {
  const struct chacha_key *chacha = (const struct chacha_key *)key;
  size_t size = ciphertext.size - TAG_SIZE;
  if (size > AEAD_MESSAGE_MAX)
    return ERR_LIMIT;
  uint8_t tag[TAG_SIZE];
  chacha_tag(chacha, nonce, aad, aad_count, view_of(ciphertext.data, size), tag);
  bool authentic = crypto_verify_16(tag, ciphertext.data + size) == 0;
  wipe(tag, sizeof tag);
  if (!authentic) {
    if (size > 0)
      wipe(out, size);
    return ERR_AUTH;
  }
  if (size > 0)
    (void)crypto_stream_chacha20_ietf_xor_ic(out, ciphertext.data, size, nonce, 1, chacha->bytes);
  return OK;
}

const struct aead sodium_chacha20poly1305 = {.name = "ChaCha20-Poly1305",
                                             .backend = "libsodium",
                                             .key_size = crypto_stream_chacha20_ietf_KEYBYTES,
                                             .nonce_size = crypto_stream_chacha20_ietf_NONCEBYTES,
                                             .tag_size = TAG_SIZE,
                                             .available = available,
                                             .key_new = chacha_key_new,
                                             .key_set = chacha_key_set,
                                             .key_free = chacha_key_free,
                                             .seal = chacha_seal,
                                             .open = chacha_open};

/* ---- X25519 ---- */

static enum err x25519_derive_public(const uint8_t *private_key, uint8_t *public_key) {
  return crypto_scalarmult_curve25519_base(public_key, private_key) == 0 ? OK : ERR_INTERNAL;
}

/* RFC 7748, section 5: every string of this size is a u coordinate. */
static enum err x25519_check_public(const uint8_t *public_key) {
  (void)public_key;
  return OK;
}

/* RFC 9180, section 7.1.4: an all-zero result is refused; libsodium does so itself. */
static enum err x25519_agree(const uint8_t *private_key, const uint8_t *public_key,
                             uint8_t *shared) {
  uint8_t result[crypto_scalarmult_curve25519_BYTES];
  bool good = crypto_scalarmult_curve25519(result, private_key, public_key) == 0;
  if (good)
    memcpy(shared, result, sizeof result);
  wipe(result, sizeof result);
  return good ? OK : ERR_MALFORMED;
}

const struct dh sodium_x25519 = {.name = "X25519",
                                 .backend = "libsodium",
                                 .public_size = crypto_scalarmult_curve25519_BYTES,
                                 .private_size = crypto_scalarmult_curve25519_SCALARBYTES,
                                 .shared_size = crypto_scalarmult_curve25519_BYTES,
                                 .available = available,
                                 .derive_public = x25519_derive_public,
                                 .check_public = x25519_check_public,
                                 .agree = x25519_agree};

/* ---- Ed25519 ---- */

static enum err ed25519_derive_public(const uint8_t *private_key, uint8_t *public_key) {
  uint8_t expanded[crypto_sign_ed25519_SECRETKEYBYTES];
  int result = crypto_sign_ed25519_seed_keypair(public_key, expanded, private_key);
  wipe(expanded, sizeof expanded);
  return result == 0 ? OK : ERR_INTERNAL;
}

static enum err ed25519_generate(uint8_t *private_key, uint8_t *public_key) {
  provider_random(private_key, crypto_sign_ed25519_SEEDBYTES);
  return ed25519_derive_public(private_key, public_key);
}

static enum err ed25519_sign(const uint8_t *private_key, struct view message, uint8_t *out,
                             size_t *size) {
  static const uint8_t none[1];
  uint8_t public_key[crypto_sign_ed25519_PUBLICKEYBYTES];
  uint8_t expanded[crypto_sign_ed25519_SECRETKEYBYTES];
  int result = crypto_sign_ed25519_seed_keypair(public_key, expanded, private_key);
  if (result == 0)
    result = crypto_sign_ed25519_detached(out, NULL, message.size > 0 ? message.data : none,
                                          message.size, expanded);
  wipe(expanded, sizeof expanded);
  if (result != 0)
    return ERR_INTERNAL;
  *size = crypto_sign_ed25519_BYTES;
  return OK;
}

/* What has an image on the curve of X25519 is a point of the large subgroup. */
static enum err ed25519_check_public(const uint8_t *public_key) {
  uint8_t image[crypto_scalarmult_curve25519_BYTES];
  return crypto_sign_ed25519_pk_to_curve25519(image, public_key) == 0 ? OK : ERR_MALFORMED;
}

static enum err ed25519_verify(const uint8_t *public_key, struct view message,
                               struct view signature) {
  static const uint8_t none[1];
  if (signature.size != crypto_sign_ed25519_BYTES)
    return ERR_SIGNATURE;
  int result = crypto_sign_ed25519_verify_detached(
      signature.data, message.size > 0 ? message.data : none, message.size, public_key);
  return result == 0 ? OK : ERR_SIGNATURE;
}

const struct signature sodium_ed25519 = {.name = "Ed25519",
                                         .backend = "libsodium",
                                         .public_size = crypto_sign_ed25519_PUBLICKEYBYTES,
                                         .private_size = crypto_sign_ed25519_SEEDBYTES,
                                         .max_size = crypto_sign_ed25519_BYTES,
                                         .available = available,
                                         .generate = ed25519_generate,
                                         .derive_public = ed25519_derive_public,
                                         .check_public = ed25519_check_public,
                                         .sign = ed25519_sign,
                                         .verify = ed25519_verify};

/* ---- XChaCha20-Poly1305 ---- */

_Static_assert(SEALBOX_KEY_SIZE == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "key");
_Static_assert(SEALBOX_NONCE_SIZE == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "nonce");
_Static_assert(SEALBOX_TAG_SIZE == crypto_aead_xchacha20poly1305_ietf_ABYTES, "tag");

enum err sealbox_seal(const uint8_t *key, const uint8_t *nonce, struct view aad,
                      struct view plaintext, uint8_t *out) {
  int result = crypto_aead_xchacha20poly1305_ietf_encrypt(out, NULL, plaintext.data, plaintext.size,
                                                          aad.data, aad.size, NULL, nonce, key);
  return result == 0 ? OK : ERR_INTERNAL;
}

enum err sealbox_open(const uint8_t *key, const uint8_t *nonce, struct view aad,
                      struct view ciphertext, uint8_t *out) {
  int result = crypto_aead_xchacha20poly1305_ietf_decrypt(
      out, NULL, NULL, ciphertext.data, ciphertext.size, aad.data, aad.size, nonce, key);
  return result == 0 ? OK : ERR_AUTH;
}
