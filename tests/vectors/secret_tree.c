/*
 * Sender data keys, and the keys of the secret tree's ratchets (RFC 9420, sections 6.3.2 and 9).
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include "crypto/kdf.h"
#include "generate.h"
#include "mls/group/framing.h"
#include "mls/tree/math.h"

/* More than any gap between generations in the vectors. */
#define MAX_SKIP 1000

static bool check_key(const struct suite *suite, json_object *object, const char *key_field,
                      const char *nonce_field, const struct message_key *key) {
  bool ok = vectors_equal(object, key_field, view_of(key->key, suite->aead->key_size));
  return vectors_equal(object, nonce_field, view_of(key->nonce, suite->aead->nonce_size)) && ok;
}

static bool check_sender_data(const struct suite *suite, json_object *object) {
  struct secret secret = vectors_secret(object, "sender_data_secret");
  struct bytes ciphertext = vectors_bytes(object, "ciphertext");
  struct message_key key = {0};
  bool ok = vectors_ok(framing_sender_data_key(suite, &secret, bytes_view(&ciphertext), &key),
                       "sender data") &&
            check_key(suite, object, "key", "nonce", &key);
  bytes_free(&ciphertext);
  secret_wipe(&secret);
  return ok;
}

/* Look at a key twice, use it, and see that it is gone. */
static bool check_generation(const struct suite *suite, struct secret_tree *tree, uint32_t leaf,
                             enum ratchet_kind kind, json_object *object) {
  static const char *const key_fields[] = {"handshake_key", "application_key"};
  static const char *const nonce_fields[] = {"handshake_nonce", "application_nonce"};
  uint32_t generation = vectors_u32(object, "generation");
  struct message_key key = {0};
  bool ok = true;
  for (int i = 0; i < 2; i++)
    ok = ok && vectors_ok(secret_tree_peek(tree, leaf, kind, generation, MAX_SKIP, &key), "peek") &&
         check_key(suite, object, key_fields[kind], nonce_fields[kind], &key);
  return ok && vectors_ok(secret_tree_use(tree, leaf, kind, generation, MAX_SKIP), "use") &&
         secret_tree_peek(tree, leaf, kind, generation, MAX_SKIP, &key) == ERR_REPLAY;
}

static bool check_leaves(const struct suite *suite, struct secret_tree *tree, json_object *leaves,
                         bool backwards) {
  size_t count = vectors_count(leaves);
  bool ok = true;
  for (size_t i = 0; i < count; i++) {
    size_t leaf = backwards ? count - 1 - i : i;
    json_object *generations = vectors_item(leaves, leaf);
    size_t last = vectors_count(generations) - 1;
    for (size_t g = 0; g <= last; g++)
      for (int kind = 0; kind < RATCHET_KINDS; kind++)
        ok = ok && check_generation(suite, tree, (uint32_t)leaf, (enum ratchet_kind)kind,
                                    vectors_item(generations, backwards ? last - g : g));
  }
  return ok;
}

/* Leaves and generations in order and backwards: keys do not depend on it. */
static bool check_tree(const struct suite *suite, json_object *vector) {
  json_object *leaves = vectors_array(vector, "leaves");
  bool ok = vectors_count(leaves) > 0;
  for (int backwards = 0; backwards < 2; backwards++) {
    struct secret secret = vectors_secret(vector, "encryption_secret");
    struct secret_tree *tree = NULL;
    ok = ok &&
         vectors_ok(
             secret_tree_new(suite, &secret, width_for((uint32_t)vectors_count(leaves)), &tree),
             "tree") &&
         check_leaves(suite, tree, leaves, backwards != 0);
    secret_tree_free(tree);
    secret_wipe(&secret);
  }
  return ok;
}

static bool check(const struct suite *suite, json_object *vector) {
  bool ok = check_sender_data(suite, vectors_field(vector, "sender_data"));
  return check_tree(suite, vector) && ok;
}

void vectors_secret_tree(json_object *root, struct tally *tally) {
  vectors_each(root, tally, "secret tree", check);
}

/* ---- Generating: every secret of section 9 from the one above, from the root down ---- */

static struct secret expand(const struct suite *suite, const struct secret *secret,
                            struct view label, struct view context) {
  struct secret out = {.size = (uint16_t)suite->hash->size};
  must(kdf_expand_with_label(suite, secret_view(secret), label, context, out.bytes, out.size),
       "expand");
  return out;
}

/* tree_node_secret of a leaf. */
static struct secret leaf_secret(const struct suite *suite, const struct secret *root,
                                 uint32_t width, uint32_t leaf) {
  struct secret secret = *root;
  for (uint32_t half = width / 2; half > 0; half /= 2)
    secret = expand(suite, &secret, VIEW_TEXT("tree"),
                    (leaf / half) % 2 == 0 ? VIEW_TEXT("left") : VIEW_TEXT("right"));
  return secret;
}

static struct secret derive(const struct suite *suite, const struct secret *secret,
                            struct view label, uint32_t generation, size_t size) {
  struct secret out = {.size = (uint16_t)size};
  must(kdf_derive_tree_secret(suite, secret, label, generation, out.bytes, out.size), "derive");
  return out;
}

static void put_generation(const struct suite *suite, json_object *object, uint32_t generation,
                           const struct secret *leaf) {
  static const char *const fields[][3] = {{"application", "application_key", "application_nonce"},
                                          {"handshake", "handshake_key", "handshake_nonce"}};
  put_number(object, "generation", generation);
  for (size_t i = 0; i < 2; i++) {
    struct view label = view_of((const uint8_t *)fields[i][0], strlen(fields[i][0]));
    struct secret ratchet = expand(suite, leaf, label, VIEW_NONE);
    for (uint32_t j = 0; j < generation; j++)
      ratchet = derive(suite, &ratchet, VIEW_TEXT("secret"), j, suite->hash->size);
    struct secret key =
        derive(suite, &ratchet, VIEW_TEXT("key"), generation, suite->aead->key_size);
    struct secret nonce =
        derive(suite, &ratchet, VIEW_TEXT("nonce"), generation, suite->aead->nonce_size);
    put_secret(object, fields[i][1], &key);
    put_secret(object, fields[i][2], &nonce);
  }
}

/* Section 6.3.2: keyed by a sample of the ciphertext, which may be shorter than a hash. */
static void put_sender_data(const struct suite *suite, json_object *object, size_t size) {
  struct secret secret = random_secret(suite->hash->size), ciphertext = random_secret(size);
  struct secret key = {.size = (uint16_t)suite->aead->key_size};
  struct secret nonce = {.size = (uint16_t)suite->aead->nonce_size};
  struct view sample =
      view_of(ciphertext.bytes, size < suite->hash->size ? size : suite->hash->size);
  must(kdf_expand_with_label(suite, secret_view(&secret), VIEW_TEXT("key"), sample, key.bytes,
                             key.size),
       "key");
  must(kdf_expand_with_label(suite, secret_view(&secret), VIEW_TEXT("nonce"), sample, nonce.bytes,
                             nonce.size),
       "nonce");
  put_secret(object, "sender_data_secret", &secret);
  put_secret(object, "ciphertext", &ciphertext);
  put_secret(object, "key", &key);
  put_secret(object, "nonce", &nonce);
}

static void generate(const struct suite *suite, json_object *array) {
  static const uint32_t widths[] = {1, 8}, generations[] = {0, 1, 20};
  for (size_t i = 0; i < 2; i++) {
    json_object *vector = append_object(array);
    struct secret root = random_secret(suite->hash->size);
    put_number(vector, "cipher_suite", suite->id);
    put_secret(vector, "encryption_secret", &root);
    put_sender_data(suite, put_object(vector, "sender_data"), i == 0 ? 20 : SECRET_MAX);
    json_object *leaves = put_array(vector, "leaves");
    for (uint32_t leaf = 0; leaf < widths[i]; leaf++) {
      struct secret secret = leaf_secret(suite, &root, widths[i], leaf);
      json_object *items = append_array(leaves);
      for (size_t j = 0; j < 3; j++)
        put_generation(suite, append_object(items), generations[j], &secret);
    }
  }
}

json_object *generate_secret_tree(uint16_t suite) {
  return generate_suites(suite, generate);
}
