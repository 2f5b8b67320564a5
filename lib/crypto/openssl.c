/*
 * Backend OpenSSL 3: SHA-2, AES-GCM, AES-CTR, X448 and Ed448, and what libsodium has as well, so that tests
 * can run one against the other.  The NIST curves are in openssl_ec.c.
 * SPDX-License-Identifier: ISC
 */
/* The low-level hash functions of OpenSSL 1.1: deprecated, but four times as fast as EVP_Digest()
 * on the short input that key schedules hash (docs/decisions.md). */
#define OPENSSL_API_COMPAT 10100

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <string.h>

#include "base/traces.h"
#include "crypto/backend.h"
#include "crypto/hmac.h"
#include "crypto/openssl.h"
#include "crypto/provider.h"
#include "crypto/smallorder.h"

/* ---- What openssl_start() looks up, shared by all threads and never written again ---- */

OSSL_LIB_CTX *openssl_library;

static struct {
  EVP_CIPHER *aes128gcm;
  EVP_CIPHER *aes256gcm;
  EVP_CIPHER *chacha20poly1305;
  EVP_CIPHER *aes128ctr;
  EVP_CIPHER *aes256ctr;
  bool x25519, x448, ed25519, ed448;
} found;

/* An algorithm may be missing; but what there was no memory to look for is not missing for good. */
static enum err looked_up(bool there) {
  return !there && failed(ERR_INTERNAL) == ERR_NOMEM ? ERR_NOMEM : OK;
}

static enum err find_cipher(EVP_CIPHER **cipher, const char *name) {
  if (*cipher == NULL)
    *cipher = EVP_CIPHER_fetch(openssl_library, name, NULL);
  return looked_up(*cipher != NULL);
}

static enum err find_key_type(bool *there, const char *type) {
  EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(openssl_library, type, NULL);
  *there = context != NULL;
  EVP_PKEY_CTX_free(context);
  return looked_up(*there);
}

/* May run again after it failed. */
enum err openssl_start(void) {
  enum err err;
  bool curves = false;
  ERR_clear_error(); /* what the program left there says nothing of what fails here */
  if (openssl_library == NULL)
    openssl_library = OSSL_LIB_CTX_new();
  TRY(require_memory(openssl_library));
  TRY(find_cipher(&found.aes128gcm, "AES-128-GCM"));
  TRY(find_cipher(&found.aes256gcm, "AES-256-GCM"));
  TRY(find_cipher(&found.chacha20poly1305, "ChaCha20-Poly1305"));
  TRY(find_cipher(&found.aes128ctr, "AES-128-CTR"));
  TRY(find_cipher(&found.aes256ctr, "AES-256-CTR"));
  TRY(find_key_type(&found.x25519, "X25519"));
  TRY(find_key_type(&found.x448, "X448"));
  TRY(find_key_type(&found.ed25519, "ED25519"));
  TRY(find_key_type(&found.ed448, "ED448"));
  TRY(find_key_type(&curves, "EC"));
  if (curves)
    TRY(openssl_ec_start());
done:
  return failed(err);
}

static bool available(void) {
  return true;
}

static bool has_aes128gcm(void) {
  return found.aes128gcm != NULL;
}

static bool has_aes256gcm(void) {
  return found.aes256gcm != NULL;
}

static bool has_chacha20poly1305(void) {
  return found.chacha20poly1305 != NULL;
}

static bool has_aes128ctr(void) {
  return found.aes128ctr != NULL;
}

static bool has_aes256ctr(void) {
  return found.aes256ctr != NULL;
}

static bool has_x25519(void) {
  return found.x25519;
}

static bool has_x448(void) {
  return found.x448;
}

static bool has_ed25519(void) {
  return found.ed25519;
}

static bool has_ed448(void) {
  return found.ed448;
}

/* ---- SHA-2 and HMAC ---- */

/* Of one size.  The state between two blocks is the context's h. */
#define DEFINE_SHA(bits, context, block_size)                                                      \
  static void sha##bits##_first(const uint8_t *block, uint64_t *state) {                           \
    context hash;                                                                                  \
    (void)SHA##bits##_Init(&hash);                                                                 \
    (void)SHA##bits##_Update(&hash, block, block_size);                                            \
    memcpy(state, hash.h, sizeof hash.h);                                                          \
    wipe(&hash, sizeof hash);                                                                      \
  }                                                                                                \
  static void sha##bits##_rest(const uint64_t *state, const struct view *parts, size_t count,      \
                               uint8_t *out) {                                                     \
    context hash;                                                                                  \
    (void)SHA##bits##_Init(&hash);                                                                 \
    if (state != NULL) {                                                                           \
      memcpy(hash.h, state, sizeof hash.h);                                                        \
      hash.Nl = 8 * block_size;                                                                    \
    }                                                                                              \
    for (size_t i = 0; i < count; i++)                                                             \
      (void)SHA##bits##_Update(&hash, parts[i].data, parts[i].size);                               \
    (void)SHA##bits##_Final(out, &hash);                                                           \
    wipe(&hash, sizeof hash);                                                                      \
  }                                                                                                \
  DEFINE_HASH(openssl, OPENSSL_NAME, bits, block_size)

DEFINE_SHA(256, SHA256_CTX, 64);
DEFINE_SHA(384, SHA512_CTX, 128);
DEFINE_SHA(512, SHA512_CTX, 128);

/* ---- AEAD: the key is the EVP_CIPHER_CTX itself, and each message only sets its nonce ---- */

#define TAG_SIZE 16

static enum err aead_key_new(const EVP_CIPHER *cipher, const uint8_t *key, struct aead_key **out) {
  enum err err;
  EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
  TRY(require_memory(context));
  TRY(require_done(EVP_EncryptInit_ex2(context, cipher, key, NULL, NULL) == 1, ERR_NOMEM));
  *out = (struct aead_key *)context;
  context = NULL;
done:
  EVP_CIPHER_CTX_free(context);
  return err == OK ? OK : failed(err);
}

static enum err aes128gcm_key_new(const uint8_t *key, struct aead_key **out) {
  return aead_key_new(found.aes128gcm, key, out);
}

static enum err aes256gcm_key_new(const uint8_t *key, struct aead_key **out) {
  return aead_key_new(found.aes256gcm, key, out);
}

static enum err chacha20poly1305_key_new(const uint8_t *key, struct aead_key **out) {
  return aead_key_new(found.chacha20poly1305, key, out);
}

static enum err aead_key_set(struct aead_key *key, const uint8_t *bytes) {
  EVP_CIPHER_CTX *context = (EVP_CIPHER_CTX *)key;
  bool done = EVP_EncryptInit_ex2(context, NULL, bytes, NULL, NULL) == 1;
  return done ? OK : failed(ERR_INTERNAL);
}

static void aead_key_free(struct aead_key *key) {
  EVP_CIPHER_CTX_free((EVP_CIPHER_CTX *)key);
}

/* The sizes of the parts are checked against AEAD_MESSAGE_MAX, so that they fit an int. */
static bool aead_update(EVP_CIPHER_CTX *context, const struct view *aad, size_t aad_count,
                        struct view message, uint8_t *out) {
  int written = 0;
  for (size_t i = 0; i < aad_count; i++) {
    if (aad[i].size > AEAD_MESSAGE_MAX)
      return false;
    if (aad[i].size > 0 &&
        EVP_CipherUpdate(context, NULL, &written, aad[i].data, (int)aad[i].size) != 1)
      return false;
  }
  return message.size == 0 ||
         EVP_CipherUpdate(context, out, &written, message.data, (int)message.size) == 1;
}

static enum err aead_seal(struct aead_key *key, const uint8_t *nonce, const struct view *aad,
                          size_t aad_count, struct view plaintext, uint8_t *out) {
  EVP_CIPHER_CTX *context = (EVP_CIPHER_CTX *)key;
  if (plaintext.size > AEAD_MESSAGE_MAX)
    return ERR_LIMIT;
  int rest = 0;
  uint8_t *tag = out + plaintext.size;
  if (EVP_EncryptInit_ex2(context, NULL, NULL, nonce, NULL) != 1 ||
      !aead_update(context, aad, aad_count, plaintext, out) ||
      EVP_EncryptFinal_ex(context, tag, &rest) != 1 ||
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, tag) != 1) {
    wipe(out, plaintext.size + TAG_SIZE);
    return failed(ERR_INTERNAL);
  }
  traces_wipe_registers();
  return OK;
}

static enum err aead_open(struct aead_key *key, const uint8_t *nonce, const struct view *aad,
                          size_t aad_count, struct view ciphertext, uint8_t *out) {
  EVP_CIPHER_CTX *context = (EVP_CIPHER_CTX *)key;
  size_t size = ciphertext.size - TAG_SIZE;
  if (size > AEAD_MESSAGE_MAX)
    return ERR_LIMIT;
  int rest = 0;
  uint8_t tag[TAG_SIZE], last[TAG_SIZE];
  memcpy(tag, ciphertext.data + size, sizeof tag);
  enum err err = OK;
  if (EVP_DecryptInit_ex2(context, NULL, NULL, nonce, NULL) != 1 ||
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, tag) != 1 ||
      !aead_update(context, aad, aad_count, view_of(ciphertext.data, size), out))
    err = failed(ERR_AUTH);
  /* A wrong tag puts nothing into the queue of errors, and to look there could allocate: the queue is
   * made when a thread first asks for it. */
  else if (EVP_DecryptFinal_ex(context, last, &rest) != 1)
    err = ERR_AUTH;
  if (err != OK && size > 0)
    wipe(out, size);
  traces_wipe_registers();
  return err;
}

#define DEFINE_AEAD(id, title, key_bytes)                                                          \
  const struct aead openssl_##id = {.name = title,                                                 \
                                    .backend = OPENSSL_NAME,                                       \
                                    .key_size = key_bytes,                                         \
                                    .nonce_size = AEAD_NONCE_MAX,                                  \
                                    .tag_size = TAG_SIZE,                                          \
                                    .available = has_##id,                                         \
                                    .key_new = id##_key_new,                                       \
                                    .key_set = aead_key_set,                                       \
                                    .key_free = aead_key_free,                                     \
                                    .seal = aead_seal,                                             \
                                    .open = aead_open}

DEFINE_AEAD(aes128gcm, "AES-128-GCM", 16);
DEFINE_AEAD(aes256gcm, "AES-256-GCM", 32);
DEFINE_AEAD(chacha20poly1305, "ChaCha20-Poly1305", 32);

/* ---- AES-CTR: the same, a message sets its first counter ---- */

static enum err ctr_key_new(const EVP_CIPHER *cipher, const uint8_t *key, struct ctr_key **out) {
  enum err err;
  struct aead_key *context = NULL;
  TRY(aead_key_new(cipher, key, &context));
  *out = (struct ctr_key *)context;
done:
  return err;
}

static enum err aes128ctr_key_new(const uint8_t *key, struct ctr_key **out) {
  return ctr_key_new(found.aes128ctr, key, out);
}

static enum err aes256ctr_key_new(const uint8_t *key, struct ctr_key **out) {
  return ctr_key_new(found.aes256ctr, key, out);
}

static enum err ctr_key_set(struct ctr_key *key, const uint8_t *bytes) {
  return aead_key_set((struct aead_key *)key, bytes);
}

static void ctr_key_free(struct ctr_key *key) {
  EVP_CIPHER_CTX_free((EVP_CIPHER_CTX *)key);
}

static enum err ctr_apply(struct ctr_key *key, const uint8_t *block, struct view input,
                          uint8_t *out) {
  EVP_CIPHER_CTX *context = (EVP_CIPHER_CTX *)key;
  int written = 0;
  bool done = EVP_EncryptInit_ex2(context, NULL, NULL, block, NULL) == 1 &&
              EVP_EncryptUpdate(context, out, &written, input.data, (int)input.size) == 1;
  traces_wipe_registers();
  return done ? OK : failed(ERR_INTERNAL);
}

#define DEFINE_CTR(bits)                                                                           \
  const struct ctr openssl_aes##bits##ctr = {.name = "AES-" #bits "-CTR",                          \
                                             .backend = OPENSSL_NAME,                              \
                                             .key_size = bits / 8,                                 \
                                             .available = has_aes##bits##ctr,                      \
                                             .key_new = aes##bits##ctr_key_new,                    \
                                             .key_set = ctr_key_set,                               \
                                             .key_free = ctr_key_free,                             \
                                             .apply = ctr_apply}

DEFINE_CTR(128);
DEFINE_CTR(256);

/* ---- X25519, X448, Ed25519, Ed448: keys as raw bytes of one size ---- */

static enum err raw_derive_public(const char *type, size_t key_size, const uint8_t *private_key,
                                  size_t public_size, uint8_t *public_key) {
  enum err err;
  size_t size = public_size;
  EVP_PKEY *key =
      EVP_PKEY_new_raw_private_key_ex(openssl_library, type, NULL, private_key, key_size);
  TRY(require_memory(key));
  TRY(require_done(EVP_PKEY_get_raw_public_key(key, public_key, &size) == 1, ERR_INTERNAL));
  TRY(require_done(size == public_size, ERR_INTERNAL));
done:
  EVP_PKEY_free(key);
  return err == OK ? OK : failed(err);
}

/* RFC 7748, section 5: every string of this size is a u coordinate. */
static enum err raw_check_public(const uint8_t *public_key) {
  (void)public_key;
  return OK;
}

/* RFC 9180, section 7.1.4: an all-zero result is refused.  EVP_PKEY_derive() does so itself, and fails
 * for nothing else but a lack of memory. */
static enum err raw_agree(const char *type, size_t key_size, const uint8_t *private_key,
                          const uint8_t *public_key, uint8_t *shared_secret) {
  enum err err;
  uint8_t result[HASH_MAX];
  size_t size = sizeof result;
  EVP_PKEY_CTX *context = NULL;
  EVP_PKEY *peer = NULL;
  EVP_PKEY *key =
      EVP_PKEY_new_raw_private_key_ex(openssl_library, type, NULL, private_key, key_size);
  TRY(require_memory(key));
  peer = EVP_PKEY_new_raw_public_key_ex(openssl_library, type, NULL, public_key, key_size);
  TRY(require_memory(peer));
  context = EVP_PKEY_CTX_new_from_pkey(openssl_library, key, NULL);
  TRY(require_memory(context));
  TRY(require_done(EVP_PKEY_derive_init(context) == 1, ERR_NOMEM));
  TRY(require_done(EVP_PKEY_derive_set_peer(context, peer) == 1, ERR_NOMEM));
  TRY(require_done(EVP_PKEY_derive(context, result, &size) == 1,
                   small_order(view_of(public_key, key_size)) ? ERR_MALFORMED : ERR_NOMEM));
  TRY(require_done(size == key_size, ERR_INTERNAL));
  memcpy(shared_secret, result, size);
done:
  wipe(result, sizeof result);
  EVP_PKEY_CTX_free(context);
  EVP_PKEY_free(peer);
  EVP_PKEY_free(key);
  return err == OK ? OK : failed(err);
}

static enum err raw_sign(const char *type, size_t key_size, const uint8_t *private_key,
                         struct view message, uint8_t *out, size_t *size) {
  enum err err;
  size_t written = 2 * key_size;
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  EVP_PKEY *key =
      EVP_PKEY_new_raw_private_key_ex(openssl_library, type, NULL, private_key, key_size);
  TRY(require_memory(context));
  TRY(require_memory(key));
  TRY(require_done(EVP_DigestSignInit_ex(context, NULL, NULL, openssl_library, NULL, key, NULL) ==
                       1,
                   ERR_NOMEM));
  TRY(require_done(EVP_DigestSign(context, out, &written, message.data, message.size) == 1,
                   ERR_NOMEM));
  *size = written;
done:
  EVP_PKEY_free(key);
  EVP_MD_CTX_free(context);
  return err == OK ? OK : failed(err);
}

/* OpenSSL says that a signature is wrong, too, where it finds no memory to hash what was signed.  So
 * when it says that, it is asked whether it can hash. */
static enum err wrong_signature(void) {
  enum err err;
  EVP_MD *hash = EVP_MD_fetch(openssl_library, "SHAKE256", NULL);
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  TRY(require_memory(hash));
  TRY(require_memory(context));
  TRY(require_done(EVP_DigestInit_ex2(context, hash, NULL) == 1, ERR_NOMEM));
  err = ERR_SIGNATURE;
done:
  EVP_MD_CTX_free(context);
  EVP_MD_free(hash);
  return err;
}

static enum err raw_verify(const char *type, size_t key_size, const uint8_t *public_key,
                           struct view message, struct view signature) {
  if (signature.size != 2 * key_size)
    return ERR_SIGNATURE;
  enum err err;
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  EVP_PKEY *key = EVP_PKEY_new_raw_public_key_ex(openssl_library, type, NULL, public_key, key_size);
  TRY(require_memory(context));
  TRY(require_memory(key)); /* any bytes of that size will do for one */
  TRY(require_done(EVP_DigestVerifyInit_ex(context, NULL, NULL, openssl_library, NULL, key, NULL) ==
                       1,
                   ERR_NOMEM));
  if (EVP_DigestVerify(context, signature.data, signature.size, message.data, message.size) != 1)
    TRY(wrong_signature());
done:
  EVP_PKEY_free(key);
  EVP_MD_CTX_free(context);
  return err == OK ? OK : failed(err);
}

#define DEFINE_RAW_DH(id, title, bytes)                                                            \
  static enum err id##_derive_public(const uint8_t *private_key, uint8_t *public_key) {            \
    return raw_derive_public(title, bytes, private_key, bytes, public_key);                        \
  }                                                                                                \
  static enum err id##_agree(const uint8_t *private_key, const uint8_t *public_key,                \
                             uint8_t *shared_secret) {                                             \
    return raw_agree(title, bytes, private_key, public_key, shared_secret);                        \
  }                                                                                                \
  const struct dh openssl_##id = {.name = title,                                                   \
                                  .backend = OPENSSL_NAME,                                         \
                                  .public_size = bytes,                                            \
                                  .private_size = bytes,                                           \
                                  .shared_size = bytes,                                            \
                                  .available = has_##id,                                           \
                                  .derive_public = id##_derive_public,                             \
                                  .check_public = raw_check_public,                                \
                                  .agree = id##_agree}

DEFINE_RAW_DH(x25519, "X25519", 32);
DEFINE_RAW_DH(x448, "X448", 56);

#define DEFINE_RAW_SIGNATURE(id, title, bytes)                                                     \
  static enum err id##_derive_public(const uint8_t *private_key, uint8_t *public_key) {            \
    return raw_derive_public(title, bytes, private_key, bytes, public_key);                        \
  }                                                                                                \
  static enum err id##_generate(uint8_t *private_key, uint8_t *public_key) {                       \
    provider_random(private_key, bytes);                                                           \
    return id##_derive_public(private_key, public_key);                                            \
  }                                                                                                \
  static enum err id##_sign(const uint8_t *private_key, struct view message, uint8_t *out,         \
                            size_t *size) {                                                        \
    return raw_sign(title, bytes, private_key, message, out, size);                                \
  }                                                                                                \
  static enum err id##_verify(const uint8_t *public_key, struct view message,                      \
                              struct view signature) {                                             \
    return raw_verify(title, bytes, public_key, message, signature);                               \
  }                                                                                                \
  const struct signature openssl_##id = {.name = title,                                            \
                                         .backend = OPENSSL_NAME,                                  \
                                         .public_size = bytes,                                     \
                                         .private_size = bytes,                                    \
                                         .max_size = 2 * bytes,                                    \
                                         .available = has_##id,                                    \
                                         .generate = id##_generate,                                \
                                         .derive_public = id##_derive_public,                      \
                                         .check_public = raw_check_public,                         \
                                         .sign = id##_sign,                                        \
                                         .verify = id##_verify}

DEFINE_RAW_SIGNATURE(ed25519, "Ed25519", 32);
DEFINE_RAW_SIGNATURE(ed448, "Ed448", 57);
