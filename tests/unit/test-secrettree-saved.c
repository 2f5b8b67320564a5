/*
 * The saved state of a secret tree, from anybody.
 * SPDX-License-Identifier: ISC
 */
#include "ratchets.h"
#include "suites.h"

/* One ratchet, written by hand; `secret` may be empty. */
static void write_ratchet(struct writer *writer, uint64_t next, struct secret secret,
                          const uint32_t *skipped, uint32_t count) {
  static const uint8_t zeros[AEAD_KEY_MAX + AEAD_NONCE_MAX];
  write_u64(writer, next);
  write_bytes(writer, secret_view(&secret));
  write_u32(writer, count);
  for (uint32_t i = 0; skipped != NULL && i < count; i++) {
    write_u32(writer, skipped[i]);
    write_bytes(writer,
                view_of(zeros, ratchet_suite->aead->key_size + ratchet_suite->aead->nonce_size));
  }
}

static enum err read_all(struct view bytes, uint32_t width, struct secret_tree **out) {
  struct reader reader = reader_of(bytes);
  enum err err = secret_tree_read(ratchet_suite, &reader, width, out);
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
  struct secret_tree *tree = tree_of(ratchet_suite, 8);
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
    if (secret_tree_read(ratchet_suite, &reader, 8, &read) == OK) {
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
  struct secret_tree *small = tree_of(ratchet_suite, 1), *large = tree_of(ratchet_suite, 2);
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

static void add_tests(TCase *tests) {
  tcase_add_test(tests, exhaustion);
  tcase_add_test(tests, round_trip);
  tcase_add_test(tests, truncated_state);
  tcase_add_test(tests, flipped_state);
  tcase_add_test(tests, impossible_states);
}

int main(void) {
  return run_with_each_suite("secrettree-saved", add_tests, &ratchet_suite);
}
