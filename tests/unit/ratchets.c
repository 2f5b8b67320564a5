/* SPDX-License-Identifier: ISC */
#include "ratchets.h"

#include <string.h>

#include "crypto/kdf.h"
#include "mls/tree/math.h"
#include "tests/taken.h"

const struct suite *ratchet_suite;

/* ---- A plain reading of section 9 ---- */

struct secret root_secret(void) {
  struct secret secret = {.size = (uint16_t)ratchet_suite->hash->size};
  memset(secret.bytes, 0x42, secret.size);
  return secret;
}

struct secret child_secret(struct secret parent, struct view side) {
  struct secret child = {.size = parent.size};
  ck_assert_int_eq(kdf_expand_with_label(ratchet_suite, secret_view(&parent), VIEW_TEXT("tree"),
                                         side, child.bytes, child.size),
                   OK);
  return child;
}

struct secret leaf_secret(uint32_t width, uint32_t leaf) {
  struct secret secret = root_secret();
  for (uint32_t node = node_root(width); node != 2 * leaf;) {
    bool left = node_covers(node_left(node), leaf);
    secret = child_secret(secret, left ? VIEW_TEXT("left") : VIEW_TEXT("right"));
    node = left ? node_left(node) : node_right(node);
  }
  return secret;
}

struct secret ratchet_secret(uint32_t width, uint32_t leaf, enum ratchet_kind kind,
                             uint32_t generation) {
  struct secret secret = leaf_secret(width, leaf);
  ck_assert_int_eq(kdf_derive_secret(ratchet_suite, &secret,
                                     kind == RATCHET_HANDSHAKE ? VIEW_TEXT("handshake")
                                                               : VIEW_TEXT("application"),
                                     &secret),
                   OK);
  for (uint32_t i = 0; i < generation; i++) {
    struct secret next = {.size = secret.size};
    ck_assert_int_eq(kdf_derive_tree_secret(ratchet_suite, &secret, VIEW_TEXT("secret"), i,
                                            next.bytes, next.size),
                     OK);
    secret = next;
  }
  return secret;
}

struct message_key expected_key(uint32_t width, uint32_t leaf, enum ratchet_kind kind,
                                uint32_t generation) {
  struct secret secret = ratchet_secret(width, leaf, kind, generation);
  struct message_key key = {0};
  ck_assert_int_eq(kdf_derive_tree_secret(ratchet_suite, &secret, VIEW_TEXT("key"), generation,
                                          key.key, ratchet_suite->aead->key_size),
                   OK);
  ck_assert_int_eq(kdf_derive_tree_secret(ratchet_suite, &secret, VIEW_TEXT("nonce"), generation,
                                          key.nonce, ratchet_suite->aead->nonce_size),
                   OK);
  return key;
}

/* ---- The tree itself ---- */

struct secret_tree *tree_of(const struct suite *with, uint32_t width) {
  struct secret secret = root_secret();
  struct secret_tree *tree = NULL;
  ck_assert_int_eq(secret_tree_new(with, &secret, width, &tree), OK);
  ck_assert_uint_eq(secret.size, 0);
  return tree;
}

struct bytes saved(const struct secret_tree *tree) {
  struct writer writer = {0};
  secret_tree_write(&writer, tree);
  return taken(&writer);
}

void assert_peek(struct secret_tree *tree, uint32_t width, uint32_t leaf, enum ratchet_kind kind,
                 uint32_t generation, uint32_t max_skip) {
  struct message_key key, expected = expected_key(width, leaf, kind, generation);
  memset(&key, 0, sizeof key);
  ck_assert_int_eq(secret_tree_peek(tree, leaf, kind, generation, max_skip, &key), OK);
  ck_assert_mem_eq(&key, &expected, sizeof key);
}

void assert_use(struct secret_tree *tree, uint32_t width, uint32_t leaf, enum ratchet_kind kind,
                uint32_t generation, uint32_t max_skip) {
  assert_peek(tree, width, leaf, kind, generation, max_skip);
  ck_assert_int_eq(secret_tree_use(tree, leaf, kind, generation, max_skip), OK);
}

void assert_refused(struct secret_tree *tree, uint32_t leaf, uint32_t generation, uint32_t max_skip,
                    enum err expected) {
  struct bytes before = saved(tree);
  struct message_key key;
  ck_assert_int_eq(secret_tree_peek(tree, leaf, RATCHET_APPLICATION, generation, max_skip, &key),
                   expected);
  ck_assert_int_eq(secret_tree_use(tree, leaf, RATCHET_APPLICATION, generation, max_skip),
                   expected);
  struct bytes after = saved(tree);
  ck_assert(view_equal(bytes_view(&before), bytes_view(&after)));
  bytes_free(&before);
  bytes_free(&after);
}

void assert_next(const struct secret_tree *tree, uint32_t leaf, enum ratchet_kind kind,
                 uint32_t expected) {
  uint32_t generation = 0;
  ck_assert_int_eq(secret_tree_next(tree, leaf, kind, &generation), OK);
  ck_assert_uint_eq(generation, expected);
}
