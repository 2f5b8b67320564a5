/*
 * Sender data keys, and the keys of the secret tree's ratchets (RFC 9420, sections 6.3.2 and 9).
 * SPDX-License-Identifier: ISC
 */
#include "mls/framing.h"
#include "mls/treemath.h"
#include "vectors.h"

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

void vectors_secret_tree(json_object *root, struct tally *tally) {
  for (size_t i = 0; i < vectors_count(root); i++) {
    json_object *vector = vectors_item(root, i);
    const struct suite *suite = vectors_suite(vector);
    if (suite == NULL) {
      vectors_skip(tally);
      continue;
    }
    bool ok = check_sender_data(suite, vectors_field(vector, "sender_data"));
    vectors_check(tally, check_tree(suite, vector) && ok, "secret tree", i);
  }
}
