/*
 * Backend OpenSSL 3: SHA-2, AES-GCM, the NIST curves, X448 and Ed448, and what libsodium has as
 * well, so that tests can run one against the other.
 * SPDX-License-Identifier: ISC
 */
/* The low-level hash functions of OpenSSL 1.1: deprecated, but four times as fast as EVP_Digest()
 * on the short input that key schedules hash (docs/decisions.md). */
#define OPENSSL_API_COMPAT 10100

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <string.h>

#include "crypto/backend.h"
#include "crypto/hmac.h"

#define NAME "OpenSSL"

/* OpenSSL keeps a queue of errors for each thread: what failed here is told by the result alone. */
static enum err failed(enum err err) {
  ERR_clear_error();
  return err;
}

static enum err require_memory(const void *object) {
  return object != NULL ? OK : ERR_NOMEM;
}

static enum err require_done(bool done, enum err otherwise) {
  return done ? OK : otherwise;
}

/* ---- What is looked up once and then shared by all threads, never written again ---- */

enum curve_id { CURVE_P256, CURVE_P384, CURVE_P521, CURVE_COUNT };

static struct {
  EVP_CIPHER *aes128gcm;
  EVP_CIPHER *aes256gcm;
  EVP_CIPHER *chacha20poly1305;
  EC_GROUP *group[CURVE_COUNT];
} shared;

static const char *const curve_name[CURVE_COUNT] = {"P-256", "P-384", "P-521"};

static bool has_key_type(const char *type) {
  EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
  EVP_PKEY_CTX_free(context);
  if (context == NULL)
    ERR_clear_error();
  return context != NULL;
}

static void look_up(void) {
  static const int nid[CURVE_COUNT] = {NID_X9_62_prime256v1, NID_secp384r1, NID_secp521r1};
  shared.aes128gcm = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
  shared.aes256gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
  shared.chacha20poly1305 = EVP_CIPHER_fetch(NULL, "ChaCha20-Poly1305", NULL);
  for (unsigned i = 0; i < CURVE_COUNT; i++)
    if (has_key_type("EC"))
      shared.group[i] = EC_GROUP_new_by_curve_name(nid[i]);
  ERR_clear_error();
}

static void look_up_once(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  (void)pthread_once(&once, look_up);
}

static bool available(void) {
  return true;
}

static bool has_aes128gcm(void) {
  look_up_once();
  return shared.aes128gcm != NULL;
}

static bool has_aes256gcm(void) {
  look_up_once();
  return shared.aes256gcm != NULL;
}

static bool has_chacha20poly1305(void) {
  look_up_once();
  return shared.chacha20poly1305 != NULL;
}

static bool has_p256(void) {
  look_up_once();
  return shared.group[CURVE_P256] != NULL;
}

static bool has_p384(void) {
  look_up_once();
  return shared.group[CURVE_P384] != NULL;
}

static bool has_p521(void) {
  look_up_once();
  return shared.group[CURVE_P521] != NULL;
}

static bool has_x25519(void) {
  return has_key_type("X25519");
}

static bool has_x448(void) {
  return has_key_type("X448");
}

static bool has_ed25519(void) {
  return has_key_type("ED25519");
}

static bool has_ed448(void) {
  return has_key_type("ED448");
}

/* ---- SHA-2 and HMAC ---- */

/* Of one size: hash_parts(), and from it digest() and hmac(). */
#define DEFINE_SHA(bits, context, block)                                                           \
  static void sha##bits##_parts(struct view first, const struct view *parts, size_t count,         \
                                uint8_t *out) {                                                    \
    context state;                                                                                 \
    (void)SHA##bits##_Init(&state);                                                                \
    (void)SHA##bits##_Update(&state, first.data, first.size);                                      \
    for (size_t i = 0; i < count; i++)                                                             \
      (void)SHA##bits##_Update(&state, parts[i].data, parts[i].size);                              \
    (void)SHA##bits##_Final(out, &state);                                                          \
    wipe(&state, sizeof state);                                                                    \
  }                                                                                                \
  static enum err sha##bits##_digest(const struct view *parts, size_t count, uint8_t *out) {       \
    sha##bits##_parts(VIEW_NONE, parts, count, out);                                               \
    return OK;                                                                                     \
  }                                                                                                \
  static enum err sha##bits##_hmac(struct view key, const struct view *parts, size_t count,        \
                                   uint8_t *out) {                                                 \
    hmac_compute(sha##bits##_parts, block, bits / 8, key, parts, count, out);                      \
    return OK;                                                                                     \
  }                                                                                                \
  const struct hash openssl_sha##bits = {.name = "SHA-" #bits,                                     \
                                         .backend = NAME,                                          \
                                         .size = bits / 8,                                         \
                                         .available = available,                                   \
                                         .digest = sha##bits##_digest,                             \
                                         .hmac = sha##bits##_hmac}

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
  return aead_key_new(shared.aes128gcm, key, out);
}

static enum err aes256gcm_key_new(const uint8_t *key, struct aead_key **out) {
  return aead_key_new(shared.aes256gcm, key, out);
}

static enum err chacha20poly1305_key_new(const uint8_t *key, struct aead_key **out) {
  return aead_key_new(shared.chacha20poly1305, key, out);
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
  if (EVP_DecryptInit_ex2(context, NULL, NULL, nonce, NULL) != 1 ||
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, tag) != 1 ||
      !aead_update(context, aad, aad_count, view_of(ciphertext.data, size), out) ||
      EVP_DecryptFinal_ex(context, last, &rest) != 1) {
    if (size > 0)
      wipe(out, size);
    return failed(ERR_AUTH);
  }
  return OK;
}

#define DEFINE_AEAD(id, title, key_bytes)                                                          \
  const struct aead openssl_##id = {.name = title,                                                 \
                                    .backend = NAME,                                               \
                                    .key_size = key_bytes,                                         \
                                    .nonce_size = AEAD_NONCE_MAX,                                  \
                                    .tag_size = TAG_SIZE,                                          \
                                    .available = has_##id,                                         \
                                    .key_new = id##_key_new,                                       \
                                    .key_free = aead_key_free,                                     \
                                    .seal = aead_seal,                                             \
                                    .open = aead_open}

DEFINE_AEAD(aes128gcm, "AES-128-GCM", 16);
DEFINE_AEAD(aes256gcm, "AES-256-GCM", 32);
DEFINE_AEAD(chacha20poly1305, "ChaCha20-Poly1305", 32);

/* ---- X25519, X448, Ed25519, Ed448: keys as raw bytes of one size ---- */

static enum err raw_derive_public(const char *type, size_t key_size, const uint8_t *private_key,
                                  size_t public_size, uint8_t *public_key) {
  enum err err;
  size_t size = public_size;
  EVP_PKEY *key = EVP_PKEY_new_raw_private_key_ex(NULL, type, NULL, private_key, key_size);
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

/* RFC 9180, section 7.1.4: an all-zero result is refused; EVP_PKEY_derive() does so itself. */
static enum err raw_agree(const char *type, size_t key_size, const uint8_t *private_key,
                          const uint8_t *public_key, uint8_t *shared_secret) {
  enum err err;
  uint8_t result[HASH_MAX];
  size_t size = sizeof result;
  EVP_PKEY_CTX *context = NULL;
  EVP_PKEY *peer = NULL;
  EVP_PKEY *key = EVP_PKEY_new_raw_private_key_ex(NULL, type, NULL, private_key, key_size);
  TRY(require_memory(key));
  peer = EVP_PKEY_new_raw_public_key_ex(NULL, type, NULL, public_key, key_size);
  TRY(require_memory(peer));
  context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
  TRY(require_memory(context));
  TRY(require_done(EVP_PKEY_derive_init(context) == 1, ERR_NOMEM));
  TRY(require_done(EVP_PKEY_derive_set_peer(context, peer) == 1, ERR_MALFORMED));
  TRY(require_done(EVP_PKEY_derive(context, result, &size) == 1, ERR_MALFORMED));
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
  EVP_PKEY *key = EVP_PKEY_new_raw_private_key_ex(NULL, type, NULL, private_key, key_size);
  TRY(require_memory(context));
  TRY(require_memory(key));
  TRY(require_done(EVP_DigestSignInit_ex(context, NULL, NULL, NULL, NULL, key, NULL) == 1,
                   ERR_NOMEM));
  TRY(require_done(EVP_DigestSign(context, out, &written, message.data, message.size) == 1,
                   ERR_INTERNAL));
  *size = written;
done:
  EVP_PKEY_free(key);
  EVP_MD_CTX_free(context);
  return err == OK ? OK : failed(err);
}

static enum err raw_verify(const char *type, size_t key_size, const uint8_t *public_key,
                           struct view message, struct view signature) {
  if (signature.size != 2 * key_size)
    return ERR_SIGNATURE;
  enum err err;
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  EVP_PKEY *key = EVP_PKEY_new_raw_public_key_ex(NULL, type, NULL, public_key, key_size);
  TRY(require_memory(context));
  TRY(require_done(key != NULL, ERR_SIGNATURE));
  TRY(require_done(EVP_DigestVerifyInit_ex(context, NULL, NULL, NULL, NULL, key, NULL) == 1,
                   ERR_NOMEM));
  TRY(require_done(
      EVP_DigestVerify(context, signature.data, signature.size, message.data, message.size) == 1,
      ERR_SIGNATURE));
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
                                  .backend = NAME,                                                 \
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
                                         .backend = NAME,                                          \
                                         .public_size = bytes,                                     \
                                         .private_size = bytes,                                    \
                                         .max_size = 2 * bytes,                                    \
                                         .available = has_##id,                                    \
                                         .generate = id##_generate,                                \
                                         .derive_public = id##_derive_public,                      \
                                         .sign = id##_sign,                                        \
                                         .verify = id##_verify}

DEFINE_RAW_SIGNATURE(ed25519, "Ed25519", 32);
DEFINE_RAW_SIGNATURE(ed448, "Ed448", 57);

/* ---- NIST curves ---- */

#define UNCOMPRESSED 4 /* first byte of a point (SEC 1, section 2.3.3) */

static size_t curve_size(enum curve_id curve) {
  static const size_t size[CURVE_COUNT] = {32, 48, 66};
  return size[curve];
}

/* A private key: from 1 to the group's order less 1. */
static enum err read_scalar(enum curve_id curve, const uint8_t *bytes, BIGNUM **out) {
  BIGNUM *scalar = BN_bin2bn(bytes, (int)curve_size(curve), NULL);
  if (scalar == NULL)
    return ERR_NOMEM;
  BN_set_flags(scalar, BN_FLG_CONSTTIME);
  if (BN_is_zero(scalar) || BN_cmp(scalar, EC_GROUP_get0_order(shared.group[curve])) >= 0) {
    BN_clear_free(scalar);
    return ERR_INVALID_ARG;
  }
  *out = scalar;
  return OK;
}

static enum err curve_derive_public(enum curve_id curve, const uint8_t *private_key,
                                    uint8_t *public_key) {
  enum err err;
  const EC_GROUP *group = shared.group[curve];
  size_t size = 1 + 2 * curve_size(curve);
  BIGNUM *scalar = NULL;
  EC_POINT *point = EC_POINT_new(group);
  TRY(require_memory(point));
  TRY(read_scalar(curve, private_key, &scalar));
  TRY(require_done(EC_POINT_mul(group, point, scalar, NULL, NULL, NULL) == 1, ERR_NOMEM));
  TRY(require_done(EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, public_key, size,
                                      NULL) == size,
                   ERR_INTERNAL));
done:
  EC_POINT_free(point);
  BN_clear_free(scalar);
  return err == OK ? OK : failed(err);
}

/* EC_POINT_oct2point() also checks that both coordinates are in the field and on the curve. */
static enum err read_point(enum curve_id curve, const uint8_t *bytes, EC_POINT **out) {
  enum err err;
  const EC_GROUP *group = shared.group[curve];
  EC_POINT *point = EC_POINT_new(group);
  TRY(require_memory(point));
  TRY(require_done(bytes[0] == UNCOMPRESSED, ERR_MALFORMED));
  TRY(require_done(EC_POINT_oct2point(group, point, bytes, 1 + 2 * curve_size(curve), NULL) == 1,
                   ERR_MALFORMED));
  *out = point;
  point = NULL;
done:
  EC_POINT_free(point);
  return err;
}

static enum err curve_check_public(enum curve_id curve, const uint8_t *public_key) {
  EC_POINT *point = NULL;
  enum err err = read_point(curve, public_key, &point);
  EC_POINT_free(point);
  return err == OK ? OK : failed(err);
}

static enum err curve_agree(enum curve_id curve, const uint8_t *private_key,
                            const uint8_t *public_key, uint8_t *shared_secret) {
  enum err err;
  const EC_GROUP *group = shared.group[curve];
  int size = (int)curve_size(curve);
  BIGNUM *scalar = NULL, *x = BN_new();
  EC_POINT *point = NULL, *result = EC_POINT_new(group);
  TRY(require_memory(x));
  TRY(require_memory(result));
  TRY(read_point(curve, public_key, &point));
  TRY(read_scalar(curve, private_key, &scalar));
  TRY(require_done(EC_POINT_mul(group, result, NULL, point, scalar, NULL) == 1, ERR_NOMEM));
  TRY(require_done(EC_POINT_is_at_infinity(group, result) == 0, ERR_MALFORMED));
  TRY(require_done(EC_POINT_get_affine_coordinates(group, result, x, NULL, NULL) == 1, ERR_NOMEM));
  TRY(require_done(BN_bn2binpad(x, shared_secret, size) == size, ERR_INTERNAL));
done:
  EC_POINT_clear_free(result);
  EC_POINT_free(point);
  BN_clear_free(x);
  BN_clear_free(scalar);
  return err == OK ? OK : failed(err);
}

/* A key from its private number or, where that is NULL, its public point. */
static enum err curve_key(enum curve_id curve, const BIGNUM *private_key, struct view public_key,
                          EVP_PKEY **out) {
  enum err err;
  OSSL_PARAM *parameters = NULL;
  EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
  OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
  TRY(require_memory(context));
  TRY(require_memory(build));
  TRY(require_done(
      OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, curve_name[curve], 0) == 1,
      ERR_NOMEM));
  if (private_key != NULL)
    TRY(require_done(OSSL_PARAM_BLD_push_BN_pad(build, OSSL_PKEY_PARAM_PRIV_KEY, private_key,
                                                curve_size(curve)) == 1,
                     ERR_NOMEM));
  else
    TRY(require_done(OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY,
                                                      public_key.data, public_key.size) == 1,
                     ERR_NOMEM));
  parameters = OSSL_PARAM_BLD_to_param(build);
  TRY(require_memory(parameters));
  TRY(require_done(EVP_PKEY_fromdata_init(context) == 1, ERR_NOMEM));
  TRY(require_done(EVP_PKEY_fromdata(context, out,
                                     private_key != NULL ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY,
                                     parameters) == 1,
                   ERR_MALFORMED));
done:
  OSSL_PARAM_free(parameters);
  OSSL_PARAM_BLD_free(build);
  EVP_PKEY_CTX_free(context);
  return err;
}

static enum err curve_sign(enum curve_id curve, const struct hash *hash, const uint8_t *private_key,
                           struct view message, uint8_t *out, size_t *size) {
  enum err err;
  uint8_t digest[HASH_MAX];
  size_t written = SIGNATURE_MAX;
  BIGNUM *scalar = NULL;
  EVP_PKEY *key = NULL;
  EVP_PKEY_CTX *context = NULL;
  TRY(hash->digest(&message, 1, digest));
  TRY(read_scalar(curve, private_key, &scalar));
  TRY(curve_key(curve, scalar, VIEW_NONE, &key));
  context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
  TRY(require_memory(context));
  TRY(require_done(EVP_PKEY_sign_init(context) == 1, ERR_NOMEM));
  TRY(require_done(EVP_PKEY_sign(context, out, &written, digest, hash->size) == 1, ERR_INTERNAL));
  *size = written;
done:
  EVP_PKEY_CTX_free(context);
  EVP_PKEY_free(key);
  BN_clear_free(scalar);
  return err == OK ? OK : failed(err);
}

static enum err curve_verify(enum curve_id curve, const struct hash *hash,
                             const uint8_t *public_key, struct view message,
                             struct view signature) {
  enum err err;
  uint8_t digest[HASH_MAX];
  EVP_PKEY *key = NULL;
  EVP_PKEY_CTX *context = NULL;
  TRY(require_done(public_key[0] == UNCOMPRESSED, ERR_SIGNATURE));
  TRY(hash->digest(&message, 1, digest));
  err = curve_key(curve, NULL, view_of(public_key, 1 + 2 * curve_size(curve)), &key);
  TRY(err == ERR_MALFORMED ? ERR_SIGNATURE : err);
  context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
  TRY(require_memory(context));
  TRY(require_done(EVP_PKEY_verify_init(context) == 1, ERR_NOMEM));
  TRY(require_done(EVP_PKEY_verify(context, signature.data, signature.size, digest, hash->size) ==
                       1,
                   ERR_SIGNATURE));
done:
  EVP_PKEY_CTX_free(context);
  EVP_PKEY_free(key);
  return err == OK ? OK : failed(err);
}

/* Random numbers until one is in range; few are not (P-521 uses 521 bits of 528). */
static enum err curve_generate(enum curve_id curve, uint8_t *private_key, uint8_t *public_key) {
  enum err err;
  do {
    provider_random(private_key, curve_size(curve));
    if (curve == CURVE_P521)
      private_key[0] &= 1;
    err = curve_derive_public(curve, private_key, public_key);
  } while (err == ERR_INVALID_ARG);
  return err;
}

#define DEFINE_CURVE(id, curve, title, bytes, hash, der_max)                                       \
  static enum err id##_derive_public(const uint8_t *private_key, uint8_t *public_key) {            \
    return curve_derive_public(curve, private_key, public_key);                                    \
  }                                                                                                \
  static enum err id##_check_public(const uint8_t *public_key) {                                   \
    return curve_check_public(curve, public_key);                                                  \
  }                                                                                                \
  static enum err id##_agree(const uint8_t *private_key, const uint8_t *public_key,                \
                             uint8_t *shared_secret) {                                             \
    return curve_agree(curve, private_key, public_key, shared_secret);                             \
  }                                                                                                \
  const struct dh openssl_##id = {.name = title,                                                   \
                                  .backend = NAME,                                                 \
                                  .public_size = 1 + 2 * bytes,                                    \
                                  .private_size = bytes,                                           \
                                  .shared_size = bytes,                                            \
                                  .available = has_##id,                                           \
                                  .derive_public = id##_derive_public,                             \
                                  .check_public = id##_check_public,                               \
                                  .agree = id##_agree};                                            \
  static enum err id##_generate(uint8_t *private_key, uint8_t *public_key) {                       \
    return curve_generate(curve, private_key, public_key);                                         \
  }                                                                                                \
  static enum err id##_sign(const uint8_t *private_key, struct view message, uint8_t *out,         \
                            size_t *size) {                                                        \
    return curve_sign(curve, hash, private_key, message, out, size);                               \
  }                                                                                                \
  static enum err id##_verify(const uint8_t *public_key, struct view message,                      \
                              struct view signature) {                                             \
    return curve_verify(curve, hash, public_key, message, signature);                              \
  }                                                                                                \
  const struct signature openssl_ecdsa_##id = {.name = "ECDSA-" title,                             \
                                               .backend = NAME,                                    \
                                               .public_size = 1 + 2 * bytes,                       \
                                               .private_size = bytes,                              \
                                               .max_size = der_max,                                \
                                               .available = has_##id,                              \
                                               .generate = id##_generate,                          \
                                               .derive_public = id##_derive_public,                \
                                               .sign = id##_sign,                                  \
                                               .verify = id##_verify}

DEFINE_CURVE(p256, CURVE_P256, "P-256", 32, &openssl_sha256, 72);
DEFINE_CURVE(p384, CURVE_P384, "P-384", 48, &openssl_sha384, 104);
DEFINE_CURVE(p521, CURVE_P521, "P-521", 66, &openssl_sha512, 139);
