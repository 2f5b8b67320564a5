/*
 * Wycheproof: edge cases and forgeries for the primitives, run on every backend that has the
 * algorithm.  Each test counts once for each backend; where none has it, or where the library uses
 * the algorithm with other sizes only (nonces of 12 bytes, no AES-192), it is skipped.
 *
 * "valid" must give the result of the file, "invalid" must be refused.  "acceptable" is what a
 * specification leaves open; RFC 9420 and RFC 9180 do not: X25519 and X448 take every public key
 * but refuse a result of all zeros (RFC 9180, section 7.1.4), and points must be uncompressed
 * (RFC 9180, section 7.1.1).
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include "base/mem.h"
#include "crypto/hkdf.h"
#include "crypto/provider.h"
#include "vectors.h"

/* The table of one algorithm in one backend. */
union table {
  const struct hash *hash;
  const struct aead *aead;
  const struct dh *dh;
  const struct signature *signature;
};

/* How the tests of one type of group are run. */
struct kind {
  const char *type;
  /* The algorithm of a group as an enum value of provider.h; -1 if the library has not got it. */
  int (*find)(const char *algorithm, json_object *group);
  /* The index-th backend; false after the last. */
  bool (*backend)(int id, size_t index, union table *out);
  bool (*check)(union table table, json_object *group, json_object *test);
};

static bool has_result(json_object *test, const char *result) {
  return strcmp(vectors_text(test, "result"), result) == 0;
}

static int find_name(const char *const *names, size_t count, const char *name) {
  for (size_t i = 0; i < count; i++)
    if (strcmp(names[i], name) == 0)
      return (int)i;
  return -1;
}

/* ---- HMAC and HKDF ---- */

static bool hash_backend(int id, size_t index, union table *out) {
  out->hash = provider_hash_at((enum hash_id)id, index);
  return out->hash != NULL;
}

static int find_hmac(const char *algorithm, json_object *group) {
  static const char *const names[HASH_COUNT] = {"HMACSHA256", "HMACSHA384", "HMACSHA512"};
  (void)group;
  return find_name(names, HASH_COUNT, algorithm);
}

/* Tags may be truncated: then the first bytes count. */
static bool check_hmac(union table table, json_object *group, json_object *test) {
  uint8_t out[HASH_MAX];
  struct bytes key = vectors_bytes(test, "key"), message = vectors_bytes(test, "msg");
  struct bytes tag = vectors_bytes(test, "tag");
  const struct view part = bytes_view(&message);
  bool good = vectors_u64(group, "tagSize") == 8 * tag.size && tag.size <= table.hash->size;
  if (good) {
    bool equal = vectors_ok(table.hash->hmac(bytes_view(&key), &part, 1, out), "HMAC") &&
                 secret_equal(view_of(out, tag.size), bytes_view(&tag));
    good = equal == has_result(test, "valid");
  }
  bytes_free(&tag);
  bytes_free(&message);
  bytes_free(&key);
  return good;
}

static int find_hkdf(const char *algorithm, json_object *group) {
  static const char *const names[HASH_COUNT] = {"HKDF-SHA-256", "HKDF-SHA-384", "HKDF-SHA-512"};
  (void)group;
  return find_name(names, HASH_COUNT, algorithm);
}

static bool check_hkdf(union table table, json_object *group, json_object *test) {
  (void)group;
  size_t size = vectors_u32(test, "size");
  struct bytes input = vectors_bytes(test, "ikm"), salt = vectors_bytes(test, "salt");
  struct bytes info = vectors_bytes(test, "info");
  const struct view part = bytes_view(&info);
  struct secret key = {0};
  uint8_t *out = mem_new(size, 1);
  bool good = out != NULL &&
              vectors_ok(hkdf_extract(table.hash, bytes_view(&salt), bytes_view(&input), &key),
                         "HKDF-Extract");
  enum err err = good ? hkdf_expand(table.hash, secret_view(&key), &part, 1, out, size) : OK;
  if (has_result(test, "valid"))
    good = good && vectors_ok(err, "HKDF-Expand") && vectors_equal(test, "okm", view_of(out, size));
  else
    good = good && err == ERR_LIMIT;
  mem_free(out);
  secret_wipe(&key);
  bytes_free(&info);
  bytes_free(&salt);
  bytes_free(&input);
  return good;
}

/* ---- AEAD ---- */

static bool aead_backend(int id, size_t index, union table *out) {
  out->aead = provider_aead_at((enum aead_id)id, index);
  return out->aead != NULL;
}

static int find_aead(const char *algorithm, json_object *group) {
  uint64_t key_bits = vectors_u64(group, "keySize");
  if (vectors_u64(group, "ivSize") != 8 * AEAD_NONCE_MAX ||
      vectors_u64(group, "tagSize") != 8 * AEAD_TAG_MAX)
    return -1;
  if (strcmp(algorithm, "CHACHA20-POLY1305") == 0 && key_bits == 256)
    return AEAD_CHACHA20POLY1305;
  if (strcmp(algorithm, "AES-GCM") == 0 && key_bits == 128)
    return AEAD_AES128GCM;
  if (strcmp(algorithm, "AES-GCM") == 0 && key_bits == 256)
    return AEAD_AES256GCM;
  return -1;
}

/* Additional data in two parts, opening and sealing in place. */
static bool check_sealed(const struct aead *aead, struct aead_key *key, json_object *test,
                         struct view nonce, struct view aad, struct view sealed) {
  const struct view parts[] = {view_of(aad.data, aad.size / 3),
                               view_of(aad.data + aad.size / 3, aad.size - aad.size / 3)};
  size_t size = sealed.size - aead->tag_size;
  uint8_t *buffer = mem_new(sealed.size, 1);
  if (buffer == NULL)
    return false;
  memcpy(buffer, sealed.data, sealed.size);
  enum err err = aead->open(key, nonce.data, parts, 2, view_of(buffer, sealed.size), buffer);
  bool good;
  if (has_result(test, "valid")) {
    good =
        vectors_ok(err, "open") && vectors_equal(test, "msg", view_of(buffer, size)) &&
        vectors_ok(aead->seal(key, nonce.data, parts, 2, view_of(buffer, size), buffer), "seal") &&
        view_equal(view_of(buffer, sealed.size), sealed);
  } else {
    good = err == ERR_AUTH;
    for (size_t i = 0; i < size; i++)
      good = good && buffer[i] == 0;
  }
  mem_free(buffer);
  return good;
}

static bool check_aead(union table table, json_object *group, json_object *test) {
  (void)group;
  struct bytes key_bytes = vectors_bytes(test, "key"), nonce = vectors_bytes(test, "iv");
  struct bytes aad = vectors_bytes(test, "aad"), ciphertext = vectors_bytes(test, "ct");
  struct bytes tag = vectors_bytes(test, "tag"), sealed = {NULL, 0};
  struct writer writer = {0};
  struct aead_key *key = NULL;
  write_bytes(&writer, bytes_view(&ciphertext));
  write_bytes(&writer, bytes_view(&tag));
  bool good = vectors_ok(writer_take(&writer, &sealed), "writer") &&
              key_bytes.size == table.aead->key_size && nonce.size == table.aead->nonce_size &&
              tag.size == table.aead->tag_size;
  good = good && vectors_ok(table.aead->key_new(key_bytes.data, &key), "key") &&
         check_sealed(table.aead, key, test, bytes_view(&nonce), bytes_view(&aad),
                      bytes_view(&sealed));
  table.aead->key_free(key);
  bytes_free(&sealed);
  bytes_free(&tag);
  bytes_free(&ciphertext);
  bytes_free(&aad);
  bytes_free(&nonce);
  bytes_free(&key_bytes);
  return good;
}

/* ---- Diffie-Hellman ---- */

static bool dh_backend(int id, size_t index, union table *out) {
  out->dh = provider_dh_at((enum dh_id)id, index);
  return out->dh != NULL;
}

static int find_ecdh(const char *algorithm, json_object *group) {
  (void)algorithm;
  static const char *const names[DH_COUNT] = {
      [DH_X25519] = "curve25519", [DH_P256] = "secp256r1", [DH_P384] = "secp384r1",
      [DH_P521] = "secp521r1",    [DH_X448] = "curve448",
  };
  return find_name(names, DH_COUNT, vectors_text(group, "curve"));
}

static bool is_zero(struct view bytes) {
  for (size_t i = 0; i < bytes.size; i++)
    if (bytes.data[i] != 0)
      return false;
  return true;
}

/* Agree as the callers in the library do, who check the size of the key first. */
static bool agree(const struct dh *dh, const uint8_t *private_key, struct view public_key,
                  uint8_t *shared) {
  return public_key.size == dh->public_size &&
         dh->agree(private_key, public_key.data, shared) == OK;
}

static bool check_agreement(const struct dh *dh, json_object *test, const uint8_t *private_key,
                            bool expected) {
  uint8_t shared[SECRET_MAX];
  struct bytes public_key = vectors_bytes(test, "public");
  bool agreed = agree(dh, private_key, bytes_view(&public_key), shared);
  bool known = public_key.size == dh->public_size && dh->check_public(public_key.data) == OK;
  bool good = agreed == expected;
  if (expected)
    good = good && known && vectors_equal(test, "shared", view_of(shared, dh->shared_size));
  bytes_free(&public_key);
  return good;
}

/* Private keys are written as numbers, with leading zeros or without. */
static bool check_ecdh(union table table, json_object *group, json_object *test) {
  uint8_t private_key[SECRET_MAX] = {0};
  struct bytes number = vectors_bytes(test, "private");
  size_t skip = 0, size = table.dh->private_size;
  while (number.size - skip > size && number.data[skip] == 0)
    skip++;
  bool good = strcmp(vectors_text(group, "encoding"), "ecpoint") == 0 && number.size - skip <= size;
  if (good) {
    memcpy(private_key + size - (number.size - skip), number.data + skip, number.size - skip);
    good = check_agreement(table.dh, test, private_key, has_result(test, "valid"));
  }
  bytes_free(&number);
  return good;
}

static bool check_xdh(union table table, json_object *group, json_object *test) {
  (void)group;
  struct bytes private_key = vectors_bytes(test, "private");
  struct bytes shared = vectors_bytes(test, "shared");
  bool expected = !has_result(test, "invalid") && !is_zero(bytes_view(&shared));
  bool good = private_key.size == table.dh->private_size &&
              check_agreement(table.dh, test, private_key.data, expected);
  bytes_free(&shared);
  bytes_free(&private_key);
  return good;
}

/* ---- Signatures ---- */

static bool signature_backend(int id, size_t index, union table *out) {
  out->signature = provider_signature_at((enum signature_id)id, index);
  return out->signature != NULL;
}

static int find_ecdsa(const char *algorithm, json_object *group) {
  (void)algorithm;
  static const char *const curves[] = {"secp256r1", "secp384r1", "secp521r1"};
  static const char *const hashes[] = {"SHA-256", "SHA-384", "SHA-512"};
  int curve = find_name(curves, 3, vectors_text(vectors_field(group, "publicKey"), "curve"));
  if (curve < 0 || curve != find_name(hashes, 3, vectors_text(group, "sha")))
    return -1;
  return SIGNATURE_P256 + curve;
}

static int find_eddsa(const char *algorithm, json_object *group) {
  (void)algorithm;
  static const char *const names[SIGNATURE_COUNT] = {
      [SIGNATURE_ED25519] = "edwards25519",
      [SIGNATURE_P256] = "",
      [SIGNATURE_P384] = "",
      [SIGNATURE_P521] = "",
      [SIGNATURE_ED448] = "edwards448",
  };
  return find_name(names, SIGNATURE_COUNT,
                   vectors_text(vectors_field(group, "publicKey"), "curve"));
}

static bool check_signature(const struct signature *scheme, json_object *group, json_object *test,
                            const char *field) {
  struct bytes public_key = vectors_bytes(vectors_field(group, "publicKey"), field);
  struct bytes message = vectors_bytes(test, "msg"), signature = vectors_bytes(test, "sig");
  bool good = public_key.size == scheme->public_size;
  if (good) {
    enum err err = scheme->verify(public_key.data, bytes_view(&message), bytes_view(&signature));
    good = err == (has_result(test, "valid") ? OK : ERR_SIGNATURE);
  }
  bytes_free(&signature);
  bytes_free(&message);
  bytes_free(&public_key);
  return good;
}

static bool check_ecdsa(union table table, json_object *group, json_object *test) {
  return check_signature(table.signature, group, test, "uncompressed");
}

static bool check_eddsa(union table table, json_object *group, json_object *test) {
  return check_signature(table.signature, group, test, "pk");
}

/* ---- Files ---- */

static const struct kind kinds[] = {
    {"AeadTest", find_aead, aead_backend, check_aead},
    {"MacTest", find_hmac, hash_backend, check_hmac},
    {"HkdfTest", find_hkdf, hash_backend, check_hkdf},
    {"EcdhEcpointTest", find_ecdh, dh_backend, check_ecdh},
    {"XdhComp", find_ecdh, dh_backend, check_xdh},
    {"EcdsaVerify", find_ecdsa, signature_backend, check_ecdsa},
    {"EddsaVerify", find_eddsa, signature_backend, check_eddsa},
};

static const struct kind *find_kind(const char *type) {
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
    if (strcmp(kinds[i].type, type) == 0)
      return &kinds[i];
  return NULL;
}

static void check_group(const char *algorithm, json_object *group, struct tally *tally) {
  const struct kind *kind = find_kind(vectors_text(group, "type"));
  int id = kind == NULL ? -1 : kind->find(algorithm, group);
  json_object *tests = vectors_array(group, "tests");
  for (size_t i = 0; i < vectors_count(tests); i++) {
    json_object *test = vectors_item(tests, i);
    size_t backend = 0;
    union table table;
    for (; id >= 0 && kind->backend(id, backend, &table); backend++)
      vectors_check(tally, kind->check(table, group, test), algorithm,
                    (size_t)vectors_u32(test, "tcId"));
    if (backend == 0)
      vectors_skip(tally);
  }
}

void vectors_wycheproof(json_object *root, struct tally *tally) {
  const char *algorithm = vectors_text(root, "algorithm");
  json_object *groups = vectors_array(root, "testGroups");
  for (size_t i = 0; i < vectors_count(groups); i++)
    check_group(algorithm, vectors_item(groups, i), tally);
}
