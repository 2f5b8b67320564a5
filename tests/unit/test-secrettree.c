/*
 * The secret tree: its keys against a plain reading of RFC 9420, section 9; what is kept and what is
 * given up; nothing changes on failure; saved state from anybody.
 * SPDX-License-Identifier: ISC
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/kdf.h"
#include "mls/secrettree.h"
#include "mls/treemath.h"

#define SKIP 1000

static const struct suite *suite;

/* ---- A plain reading of section 9 ---- */

static struct secret root_secret(void) {
  struct secret secret = {.size = (uint16_t)suite->hash->size};
  memset(secret.bytes, 0x42, secret.size);
  return secret;
}

static struct secret child_secret(struct secret parent, struct view side) {
  struct secret child = {.size = parent.size};
  ck_assert_int_eq(kdf_expand_with_label(suite, secret_view(&parent), VIEW_TEXT("tree"), side,
                                         child.bytes, child.size),
                   OK);
  return child;
}

static struct secret leaf_secret(uint32_t width, uint32_t leaf) {
  struct secret secret = root_secret();
  for (uint32_t node = node_root(width); node != 2 * leaf;) {
    bool left = node_covers(node_left(node), leaf);
    secret = child_secret(secret, left ? VIEW_TEXT("left") : VIEW_TEXT("right"));
    node = left ? node_left(node) : node_right(node);
  }
  return secret;
}

static struct secret ratchet_secret(uint32_t width, uint32_t leaf, enum ratchet_kind kind,
                                    uint32_t generation) {
  struct secret secret = leaf_secret(width, leaf);
  ck_assert_int_eq(kdf_derive_secret(suite, &secret,
                                     kind == RATCHET_HANDSHAKE ? VIEW_TEXT("handshake")
                                                               : VIEW_TEXT("application"),
                                     &secret),
                   OK);
  for (uint32_t i = 0; i < generation; i++) {
    struct secret next = {.size = secret.size};
    ck_assert_int_eq(
        kdf_derive_tree_secret(suite, &secret, VIEW_TEXT("secret"), i, next.bytes, next.size), OK);
    secret = next;
  }
  return secret;
}

static struct message_key expected_key(uint32_t width, uint32_t leaf, enum ratchet_kind kind,
                                       uint32_t generation) {
  struct secret secret = ratchet_secret(width, leaf, kind, generation);
  struct message_key key = {0};
  ck_assert_int_eq(kdf_derive_tree_secret(suite, &secret, VIEW_TEXT("key"), generation, key.key,
                                          suite->aead->key_size),
                   OK);
  ck_assert_int_eq(kdf_derive_tree_secret(suite, &secret, VIEW_TEXT("nonce"), generation, key.nonce,
                                          suite->aead->nonce_size),
                   OK);
  return key;
}

/* ---- Helpers ---- */

static struct secret_tree *tree_of(const struct suite *with, uint32_t width) {
  struct secret secret = root_secret();
  struct secret_tree *tree = NULL;
  ck_assert_int_eq(secret_tree_new(with, &secret, width, &tree), OK);
  ck_assert_uint_eq(secret.size, 0);
  return tree;
}

static struct bytes saved(const struct secret_tree *tree) {
  struct writer writer = {0};
  struct bytes bytes = {0};
  secret_tree_write(&writer, tree);
  ck_assert_int_eq(writer_take(&writer, &bytes), OK);
  return bytes;
}

static void assert_peek(struct secret_tree *tree, uint32_t width, uint32_t leaf,
                        enum ratchet_kind kind, uint32_t generation, uint32_t max_skip) {
  struct message_key key, expected = expected_key(width, leaf, kind, generation);
  memset(&key, 0, sizeof key);
  ck_assert_int_eq(secret_tree_peek(tree, leaf, kind, generation, max_skip, &key), OK);
  ck_assert_mem_eq(&key, &expected, sizeof key);
}

static void assert_use(struct secret_tree *tree, uint32_t width, uint32_t leaf,
                       enum ratchet_kind kind, uint32_t generation, uint32_t max_skip) {
  assert_peek(tree, width, leaf, kind, generation, max_skip);
  ck_assert_int_eq(secret_tree_use(tree, leaf, kind, generation, max_skip), OK);
}

/* Both looking at a generation and using it are refused, and neither changes anything. */
static void assert_refused(struct secret_tree *tree, uint32_t leaf, uint32_t generation,
                           uint32_t max_skip, enum err expected) {
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

static void assert_next(const struct secret_tree *tree, uint32_t leaf, enum ratchet_kind kind,
                        uint32_t expected) {
  uint32_t generation = 0;
  ck_assert_int_eq(secret_tree_next(tree, leaf, kind, &generation), OK);
  ck_assert_uint_eq(generation, expected);
}

/* ---- Keys ---- */

START_TEST(keys_of_all_leaves) {
  for (uint32_t width = 1; width <= 8; width *= 2) {
    struct secret_tree *tree = tree_of(suite, width);
    for (uint32_t i = 0; i < width; i++)
      for (uint32_t generation = 0; generation < 3; generation++)
        for (int kind = 0; kind < RATCHET_KINDS; kind++) {
          uint32_t leaf = (5 * i + 3) % width;
          assert_next(tree, leaf, (enum ratchet_kind)kind, generation);
          assert_use(tree, width, leaf, (enum ratchet_kind)kind, generation, 0);
        }
    secret_tree_free(tree);
  }
}
END_TEST

START_TEST(out_of_order_and_replay) {
  static const uint32_t order[] = {5, 2, 0, 9, 4, 1, 8, 3, 7, 6, 10};
  struct secret_tree *tree = tree_of(suite, 4);
  for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
    assert_use(tree, 4, 2, RATCHET_APPLICATION, order[i], SKIP);
    for (size_t j = 0; j <= i; j++)
      assert_refused(tree, 2, order[j], SKIP, ERR_REPLAY);
  }
  assert_next(tree, 2, RATCHET_APPLICATION, 11);
  assert_next(tree, 2, RATCHET_HANDSHAKE, 0);
  assert_use(tree, 4, 2, RATCHET_HANDSHAKE, 0, SKIP);
  secret_tree_free(tree);
}
END_TEST

START_TEST(peeking_moves_nothing) {
  struct secret_tree *tree = tree_of(suite, 4);
  assert_peek(tree, 4, 1, RATCHET_APPLICATION, 0, SKIP);
  struct bytes before = saved(tree);
  static const uint32_t order[] = {9, 9, 3, 12, 0, 12};
  for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
    assert_peek(tree, 4, 1, RATCHET_APPLICATION, order[i], SKIP);
  assert_peek(tree, 4, 1, RATCHET_HANDSHAKE, 4, SKIP);
  struct bytes after = saved(tree);
  ck_assert(view_equal(bytes_view(&before), bytes_view(&after)));
  bytes_free(&before);
  bytes_free(&after);

  /* What was peeked at last helps to use a nearer, another, a farther one. */
  assert_peek(tree, 4, 1, RATCHET_APPLICATION, 9, SKIP);
  ck_assert_int_eq(secret_tree_use(tree, 1, RATCHET_APPLICATION, 5, SKIP), OK);
  assert_use(tree, 4, 1, RATCHET_APPLICATION, 9, SKIP);
  assert_peek(tree, 4, 1, RATCHET_APPLICATION, 11, SKIP);
  ck_assert_int_eq(secret_tree_use(tree, 1, RATCHET_HANDSHAKE, 3, SKIP), OK);
  ck_assert_int_eq(secret_tree_use(tree, 1, RATCHET_APPLICATION, 14, SKIP), OK);
  for (uint32_t generation = 0; generation < 14; generation++)
    if (generation != 5 && generation != 9)
      assert_use(tree, 4, 1, RATCHET_APPLICATION, generation, SKIP);
  secret_tree_free(tree);
}
END_TEST

/* ---- Limits ---- */

START_TEST(window_edges) {
  struct secret_tree *tree = tree_of(suite, 2);
  assert_refused(tree, 0, 5, 4, ERR_LIMIT);
  assert_use(tree, 2, 0, RATCHET_APPLICATION, 4, 4);
  for (uint32_t generation = 0; generation < 4; generation++)
    assert_peek(tree, 2, 0, RATCHET_APPLICATION, generation, 4);
  assert_refused(tree, 0, 10, 4, ERR_LIMIT);

  /* Skipping 5 and 6 gives up 0 and 1, the oldest of six. */
  assert_use(tree, 2, 0, RATCHET_APPLICATION, 7, 4);
  assert_refused(tree, 0, 0, 4, ERR_REPLAY);
  assert_refused(tree, 0, 1, 4, ERR_REPLAY);
  static const uint32_t kept[] = {2, 3, 5, 6};
  for (size_t i = 0; i < 4; i++)
    assert_peek(tree, 2, 0, RATCHET_APPLICATION, kept[i], 4);

  /* Skipping four gives up all others. */
  assert_use(tree, 2, 0, RATCHET_APPLICATION, 12, 4);
  for (size_t i = 0; i < 4; i++)
    assert_refused(tree, 0, kept[i], 4, ERR_REPLAY);
  for (uint32_t generation = 8; generation < 12; generation++)
    assert_peek(tree, 2, 0, RATCHET_APPLICATION, generation, 4);

  /* A lower limit holds from the next use on; none at all means in order. */
  assert_refused(tree, 0, 14, 0, ERR_LIMIT);
  assert_use(tree, 2, 0, RATCHET_APPLICATION, 13, 1);
  assert_refused(tree, 0, 10, 4, ERR_REPLAY);
  assert_peek(tree, 2, 0, RATCHET_APPLICATION, 11, 4);
  assert_use(tree, 2, 0, RATCHET_APPLICATION, 14, 0);
  assert_refused(tree, 0, 11, 4, ERR_REPLAY);
  secret_tree_free(tree);
}
END_TEST

START_TEST(many_skipped) {
  struct secret_tree *tree = tree_of(suite, 2);
  for (uint32_t generation = 1; generation < 3 * 200; generation += 2)
    ck_assert_int_eq(secret_tree_use(tree, 1, RATCHET_APPLICATION, generation, 200), OK);
  assert_refused(tree, 1, 198, 200, ERR_REPLAY);
  assert_use(tree, 2, 1, RATCHET_APPLICATION, 200, 200);
  assert_use(tree, 2, 1, RATCHET_APPLICATION, 598, 200);
  assert_use(tree, 2, 1, RATCHET_APPLICATION, 404, 200);
  secret_tree_free(tree);
}
END_TEST

/* Hashes computed since the counter was set. */
static unsigned hmac_calls, hmac_fails_at;
static const struct hash *real_hash;

static enum err counting_hmac(const struct hmac_key *key, const struct view *parts, size_t count,
                              uint8_t *out) {
  hmac_calls++;
  if (hmac_calls == hmac_fails_at)
    return ERR_NOMEM;
  return real_hash->hmac_keyed(key, parts, count, out);
}

static struct suite counting_suite(struct hash *hash) {
  struct suite counting = *suite;
  real_hash = suite->hash;
  *hash = *real_hash;
  hash->hmac_keyed = counting_hmac;
  counting.hash = hash;
  hmac_calls = hmac_fails_at = 0;
  return counting;
}

START_TEST(far_ahead_costs_nothing) {
  struct hash hash;
  struct suite counting = counting_suite(&hash);
  struct secret_tree *tree = tree_of(&counting, UINT32_C(1) << 31);
  assert_refused(tree, 77, UINT32_MAX, SKIP, ERR_LIMIT);
  assert_refused(tree, 77, SKIP + 1, SKIP, ERR_LIMIT);
  ck_assert_uint_eq(hmac_calls, 0);
  assert_use(tree, UINT32_C(1) << 31, 77, RATCHET_APPLICATION, 0, SKIP);
  ck_assert_uint_gt(hmac_calls, 0);
  hmac_calls = 0;
  assert_refused(tree, 77, UINT32_MAX, SKIP, ERR_LIMIT);
  assert_refused(tree, 77, SKIP + 2, SKIP, ERR_LIMIT);
  ck_assert_uint_eq(hmac_calls, 0);
  secret_tree_free(tree);
}
END_TEST

/* A first use goes down the tree once; looking and using do not derive anything twice. */
START_TEST(work_is_bounded) {
  struct hash hash;
  struct suite counting = counting_suite(&hash);
  const uint32_t width = 1024;
  struct secret_tree *tree = tree_of(&counting, width);
  struct message_key key;
  ck_assert_int_eq(secret_tree_peek(tree, 512, RATCHET_APPLICATION, 0, SKIP, &key), OK);
  ck_assert_uint_eq(hmac_calls, 2 * 10 + 2 + 2);
  hmac_calls = 0;
  ck_assert_int_eq(secret_tree_peek(tree, 513, RATCHET_APPLICATION, 0, SKIP, &key), OK);
  ck_assert_uint_eq(hmac_calls, 2 + 2);
  hmac_calls = 0;
  ck_assert_int_eq(secret_tree_use(tree, 513, RATCHET_APPLICATION, 0, SKIP), OK);
  ck_assert_uint_eq(hmac_calls, 1);
  hmac_calls = 0;
  ck_assert_int_eq(secret_tree_peek(tree, 513, RATCHET_APPLICATION, 101, SKIP, &key), OK);
  ck_assert_uint_eq(hmac_calls, 100 + 2);
  hmac_calls = 0;
  ck_assert_int_eq(secret_tree_peek(tree, 513, RATCHET_APPLICATION, 100, SKIP, &key), OK);
  ck_assert_uint_eq(hmac_calls, 2);
  hmac_calls = 0;
  ck_assert_int_eq(secret_tree_use(tree, 513, RATCHET_APPLICATION, 101, SKIP), OK);
  ck_assert_uint_eq(hmac_calls, 2 * 100 + 1);
  secret_tree_free(tree);
}
END_TEST

/* State is as large as what was touched. */
START_TEST(state_is_small) {
  const size_t node = 1 + suite->hash->size, ratchet = 8 + suite->hash->size + 4;
  const size_t skipped = 4 + suite->aead->key_size + suite->aead->nonce_size;
  const uint32_t width = UINT32_C(1) << 31;
  struct secret_tree *tree = tree_of(suite, width);
  struct bytes state = saved(tree);
  ck_assert_uint_eq(state.size, node);
  bytes_free(&state);

  ck_assert_int_eq(secret_tree_use(tree, width - 1, RATCHET_APPLICATION, 3, SKIP), OK);
  state = saved(tree);
  ck_assert_uint_eq(state.size, 31 * (1 + node) + 1 + 2 * ratchet + 3 * skipped);
  bytes_free(&state);
  secret_tree_free(tree);
}
END_TEST

START_TEST(arguments) {
  struct secret secret = root_secret();
  struct secret_tree *tree = NULL;
  ck_assert_int_eq(secret_tree_new(suite, &secret, 0, &tree), ERR_INTERNAL);
  ck_assert_int_eq(secret_tree_new(suite, &secret, 6, &tree), ERR_INTERNAL);
  secret.size--;
  ck_assert_int_eq(secret_tree_new(suite, &secret, 4, &tree), ERR_INTERNAL);
  ck_assert_ptr_null(tree);
  ck_assert_uint_eq(secret.size, suite->hash->size - 1);
  secret_tree_free(tree);

  tree = tree_of(suite, 4);
  uint32_t generation;
  ck_assert_int_eq(secret_tree_next(tree, 4, RATCHET_HANDSHAKE, &generation), ERR_INVALID_ARG);
  assert_refused(tree, 4, 0, SKIP, ERR_INVALID_ARG);
  assert_refused(tree, UINT32_MAX, 0, SKIP, ERR_INVALID_ARG);
  secret_tree_free(tree);
}
END_TEST

/* ---- What is gone is gone ---- */

static bool holds(const struct secret_tree *tree, struct view needle) {
  struct bytes state = saved(tree);
  bool found = false;
  for (size_t i = 0; i + needle.size <= state.size; i++)
    found = found || memcmp(state.data + i, needle.data, needle.size) == 0;
  bytes_free(&state);
  return found;
}

static bool holds_secret(const struct secret_tree *tree, struct secret secret) {
  return holds(tree, secret_view(&secret));
}

static bool holds_key(const struct secret_tree *tree, uint32_t leaf, uint32_t generation) {
  struct message_key key = expected_key(4, leaf, RATCHET_APPLICATION, generation);
  return holds(tree, view_of(key.key, suite->aead->key_size));
}

/* The example of RFC 9420, section 9.2: D sends generation 1, and generation 0 did not arrive. */
START_TEST(deletion_schedule) {
  struct secret_tree *tree = tree_of(suite, 4);
  ck_assert(holds_secret(tree, root_secret()));
  ck_assert_int_eq(secret_tree_use(tree, 3, RATCHET_APPLICATION, 1, SKIP), OK);
  struct secret g = root_secret();
  struct secret f = child_secret(g, VIEW_TEXT("right"));
  ck_assert(!holds_secret(tree, g));
  ck_assert(!holds_secret(tree, f));
  ck_assert(!holds_secret(tree, leaf_secret(4, 3)));
  ck_assert(!holds_secret(tree, ratchet_secret(4, 3, RATCHET_APPLICATION, 0)));
  ck_assert(!holds_secret(tree, ratchet_secret(4, 3, RATCHET_APPLICATION, 1)));
  ck_assert(!holds_key(tree, 3, 1));
  ck_assert(holds_key(tree, 3, 0));
  ck_assert(holds_secret(tree, ratchet_secret(4, 3, RATCHET_APPLICATION, 2)));
  ck_assert(holds_secret(tree, ratchet_secret(4, 3, RATCHET_HANDSHAKE, 0)));
  ck_assert(holds_secret(tree, child_secret(g, VIEW_TEXT("left"))));
  ck_assert(holds_secret(tree, leaf_secret(4, 2)));

  ck_assert_int_eq(secret_tree_use(tree, 3, RATCHET_APPLICATION, 0, SKIP), OK);
  ck_assert(!holds_key(tree, 3, 0));
  secret_tree_free(tree);
}
END_TEST

/* ---- Nothing changes on failure ---- */

START_TEST(failing_hash) {
  struct hash hash;
  struct suite counting = counting_suite(&hash);
  const uint32_t width = 8;
  struct secret_tree *tree = tree_of(&counting, width);
  struct message_key key;
  bool finished = false;
  for (unsigned at = 1; !finished; at++) {
    struct bytes before = saved(tree);
    hmac_calls = 0;
    hmac_fails_at = at;
    enum err err = secret_tree_peek(tree, 5, RATCHET_APPLICATION, 3, SKIP, &key);
    finished = err == OK;
    ck_assert_int_eq(err, finished ? OK : ERR_NOMEM);
    hmac_fails_at = 0;
    /* Before the tree is down at the leaf nothing is different; afterwards nothing again. */
    struct bytes after = saved(tree);
    if (at <= 2 * 3 + 2)
      ck_assert(view_equal(bytes_view(&before), bytes_view(&after)));
    assert_next(tree, 5, RATCHET_APPLICATION, 0);
    bytes_free(&before);
    bytes_free(&after);
  }

  finished = false;
  for (unsigned at = 1; !finished; at++) {
    struct bytes before = saved(tree);
    hmac_calls = 0;
    hmac_fails_at = at;
    enum err err = secret_tree_use(tree, 5, RATCHET_APPLICATION, 7, SKIP);
    finished = err == OK;
    ck_assert_int_eq(err, finished ? OK : ERR_NOMEM);
    hmac_fails_at = 0;
    struct bytes after = saved(tree);
    ck_assert(finished != view_equal(bytes_view(&before), bytes_view(&after)));
    bytes_free(&before);
    bytes_free(&after);
  }
  assert_next(tree, 5, RATCHET_APPLICATION, 8);
  for (uint32_t generation = 0; generation < 7; generation++)
    assert_use(tree, width, 5, RATCHET_APPLICATION, generation, SKIP);
  secret_tree_free(tree);
}
END_TEST

/* ---- Saved state ---- */

/* One ratchet, written by hand; `secret` may be empty. */
static void write_ratchet(struct writer *writer, uint64_t next, struct secret secret,
                          const uint32_t *skipped, uint32_t count) {
  static const uint8_t zeros[AEAD_KEY_MAX + AEAD_NONCE_MAX];
  write_u64(writer, next);
  write_bytes(writer, secret_view(&secret));
  write_u32(writer, count);
  for (uint32_t i = 0; skipped != NULL && i < count; i++) {
    write_u32(writer, skipped[i]);
    write_bytes(writer, view_of(zeros, suite->aead->key_size + suite->aead->nonce_size));
  }
}

static enum err read_all(struct view bytes, uint32_t width, struct secret_tree **out) {
  struct reader reader = reader_of(bytes);
  enum err err = secret_tree_read(suite, &reader, width, out);
  if (err == OK && reader.left > 0) {
    secret_tree_free(*out);
    *out = NULL;
    err = ERR_MALFORMED;
  }
  return err;
}

/* A tree of one leaf whose application ratchet is as given. */
static enum err read_ratchet(uint64_t next, struct secret secret, const uint32_t *skipped,
                             uint32_t count, struct secret_tree **out) {
  struct writer writer = {0};
  write_u8(&writer, 2);
  write_ratchet(&writer, 0, root_secret(), NULL, 0);
  write_ratchet(&writer, next, secret, skipped, count);
  enum err err = read_all(writer_view(&writer), 1, out);
  writer_free(&writer);
  return err;
}

START_TEST(exhaustion) {
  struct secret_tree *tree = NULL;
  struct message_key key;
  uint32_t generation = 0;
  ck_assert_int_eq(read_ratchet(UINT32_MAX - 2, root_secret(), NULL, 0, &tree), OK);
  assert_next(tree, 0, RATCHET_APPLICATION, UINT32_MAX - 2);
  ck_assert_int_eq(secret_tree_peek(tree, 0, RATCHET_APPLICATION, UINT32_MAX, SKIP, &key), OK);
  ck_assert_int_eq(secret_tree_use(tree, 0, RATCHET_APPLICATION, UINT32_MAX, SKIP), OK);
  ck_assert_int_eq(secret_tree_next(tree, 0, RATCHET_APPLICATION, &generation), ERR_KEY_EXHAUSTED);
  assert_refused(tree, 0, UINT32_MAX, SKIP, ERR_REPLAY);
  ck_assert_int_eq(secret_tree_use(tree, 0, RATCHET_APPLICATION, UINT32_MAX - 2, SKIP), OK);
  assert_refused(tree, 0, 0, SKIP, ERR_REPLAY);
  assert_next(tree, 0, RATCHET_HANDSHAKE, 0);

  struct bytes state = saved(tree);
  secret_tree_free(tree);
  ck_assert_int_eq(read_all(bytes_view(&state), 1, &tree), OK);
  ck_assert_int_eq(secret_tree_next(tree, 0, RATCHET_APPLICATION, &generation), ERR_KEY_EXHAUSTED);
  assert_refused(tree, 0, UINT32_MAX, SKIP, ERR_REPLAY);
  ck_assert_int_eq(secret_tree_use(tree, 0, RATCHET_APPLICATION, UINT32_MAX - 1, SKIP), OK);
  secret_tree_free(tree);
  bytes_free(&state);
}
END_TEST

/* A tree with something of everything: unspent, split, started, advanced, skipped, used. */
static struct secret_tree *busy_tree(void) {
  struct secret_tree *tree = tree_of(suite, 8);
  ck_assert_int_eq(secret_tree_use(tree, 6, RATCHET_APPLICATION, 4, SKIP), OK);
  ck_assert_int_eq(secret_tree_use(tree, 6, RATCHET_APPLICATION, 2, SKIP), OK);
  ck_assert_int_eq(secret_tree_use(tree, 6, RATCHET_HANDSHAKE, 1, SKIP), OK);
  ck_assert_int_eq(secret_tree_use(tree, 1, RATCHET_HANDSHAKE, 0, SKIP), OK);
  return tree;
}

START_TEST(round_trip) {
  struct secret_tree *tree = busy_tree(), *copy = NULL;
  struct bytes state = saved(tree);
  ck_assert_int_eq(read_all(bytes_view(&state), 8, &copy), OK);
  struct bytes again = saved(copy);
  ck_assert(view_equal(bytes_view(&state), bytes_view(&again)));
  assert_next(copy, 6, RATCHET_APPLICATION, 5);
  for (uint32_t generation = 0; generation < 8; generation++)
    if (generation == 2 || generation == 4)
      assert_refused(copy, 6, generation, SKIP, ERR_REPLAY);
    else
      assert_use(copy, 8, 6, RATCHET_APPLICATION, generation, SKIP);
  for (uint32_t leaf = 0; leaf < 8; leaf++)
    assert_use(copy, 8, leaf, RATCHET_HANDSHAKE, 2, SKIP);
  bytes_free(&state);
  bytes_free(&again);
  secret_tree_free(copy);
  secret_tree_free(tree);
}
END_TEST

START_TEST(truncated_state) {
  struct secret_tree *tree = busy_tree(), *copy = NULL;
  struct bytes state = saved(tree);
  for (size_t size = 0; size < state.size; size++)
    ck_assert_int_eq(read_all(view_of(state.data, size), 8, &copy), ERR_MALFORMED);
  ck_assert_ptr_null(copy);
  bytes_free(&state);
  secret_tree_free(tree);
}
END_TEST

/* What is read is what would be written: no two states have one meaning. */
START_TEST(flipped_state) {
  struct secret_tree *tree = busy_tree();
  struct bytes state = saved(tree);
  secret_tree_free(tree);
  for (size_t bit = 0; bit < 8 * state.size; bit++) {
    state.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    struct secret_tree *read = NULL;
    struct reader reader = reader_of(bytes_view(&state));
    if (secret_tree_read(suite, &reader, 8, &read) == OK) {
      struct bytes again = saved(read);
      ck_assert(view_equal(bytes_view(&again), read_since(&reader, state.data)));
      bytes_free(&again);
    }
    secret_tree_free(read);
    state.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
  }
  bytes_free(&state);
}
END_TEST

START_TEST(impossible_states) {
  static const uint32_t descending[] = {3, 2}, twice[] = {2, 2}, future[] = {2, 7};
  const struct secret some = root_secret(), none = {0};
  struct secret_tree *tree = NULL;
  ck_assert_int_eq(read_ratchet(7, some, descending, 2, &tree), ERR_MALFORMED);
  ck_assert_int_eq(read_ratchet(7, some, twice, 2, &tree), ERR_MALFORMED);
  ck_assert_int_eq(read_ratchet(7, some, future, 2, &tree), ERR_MALFORMED);
  ck_assert_int_eq(read_ratchet(7, some, NULL, UINT32_MAX, &tree), ERR_MALFORMED);
  ck_assert_int_eq(read_ratchet((UINT64_C(1) << 32) + 1, none, NULL, 0, &tree), ERR_MALFORMED);
  ck_assert_int_eq(read_ratchet((UINT64_C(1) << 32) + 1, some, NULL, 0, &tree), ERR_MALFORMED);
  ck_assert_int_eq(read_ratchet(UINT64_C(1) << 32, none, future, 2, &tree), OK);
  secret_tree_free(tree);
  tree = NULL;

  struct writer writer = {0};
  write_u8(&writer, 1); /* split in two that are not spent: nobody would have split it */
  for (int i = 0; i < 2; i++) {
    write_u8(&writer, 0);
    write_bytes(&writer, secret_view(&some));
  }
  ck_assert_int_eq(read_all(writer_view(&writer), 2, &tree), ERR_MALFORMED);
  writer_free(&writer);

  write_u8(&writer, 3);
  write_bytes(&writer, secret_view(&some));
  ck_assert_int_eq(read_all(writer_view(&writer), 2, &tree), ERR_MALFORMED);
  writer_free(&writer);

  /* Deeper than the tree, and than any stack. */
  for (size_t i = 0; i < 1 << 18; i++)
    write_u8(&writer, 1);
  ck_assert_int_eq(read_all(writer_view(&writer), 2, &tree), ERR_MALFORMED);
  writer_free(&writer);

  /* The state of a tree of one leaf in one of two, and the other way round. */
  struct secret_tree *small = tree_of(suite, 1), *large = tree_of(suite, 2);
  ck_assert_int_eq(secret_tree_use(small, 0, RATCHET_HANDSHAKE, 0, SKIP), OK);
  ck_assert_int_eq(secret_tree_use(large, 0, RATCHET_HANDSHAKE, 0, SKIP), OK);
  struct bytes small_state = saved(small), large_state = saved(large);
  ck_assert_int_eq(read_all(bytes_view(&small_state), 2, &tree), ERR_MALFORMED);
  ck_assert_int_eq(read_all(bytes_view(&large_state), 1, &tree), ERR_MALFORMED);
  ck_assert_ptr_null(tree);
  bytes_free(&small_state);
  bytes_free(&large_state);
  secret_tree_free(small);
  secret_tree_free(large);
}
END_TEST

/* All tests with the suite of the day; they differ in the sizes of hash and key. */
static int run_all(void) {
  TCase *tests = tcase_create("secret tree");
  tcase_set_timeout(tests, 120);
  tcase_add_test(tests, keys_of_all_leaves);
  tcase_add_test(tests, out_of_order_and_replay);
  tcase_add_test(tests, peeking_moves_nothing);
  tcase_add_test(tests, window_edges);
  tcase_add_test(tests, many_skipped);
  tcase_add_test(tests, far_ahead_costs_nothing);
  tcase_add_test(tests, work_is_bounded);
  tcase_add_test(tests, state_is_small);
  tcase_add_test(tests, arguments);
  tcase_add_test(tests, deletion_schedule);
  tcase_add_test(tests, failing_hash);
  tcase_add_test(tests, exhaustion);
  tcase_add_test(tests, round_trip);
  tcase_add_test(tests, truncated_state);
  tcase_add_test(tests, flipped_state);
  tcase_add_test(tests, impossible_states);
  Suite *all = suite_create("secrettree");
  suite_add_tcase(all, tests);
  SRunner *runner = srunner_create(all);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed;
}

int main(void) {
  if (provider_init() != OK)
    return EXIT_FAILURE;
  int failed = 0;
  for (size_t i = 0; suite_id_at(i) != 0; i++) {
    suite = suite_find(suite_id_at(i));
    if (suite != NULL)
      failed += run_all();
  }
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
