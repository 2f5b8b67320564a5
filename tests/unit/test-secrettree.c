/*
 * The secret tree: its keys against a plain reading of RFC 9420, section 9; what is kept and what is
 * given up; nothing changes on failure.
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include "ratchets.h"
#include "suites.h"

/* ---- Keys ---- */

START_TEST(keys_of_all_leaves) {
  for (uint32_t width = 1; width <= 8; width *= 2) {
    struct secret_tree *tree = tree_of(ratchet_suite, width);
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
  struct secret_tree *tree = tree_of(ratchet_suite, 4);
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
  struct secret_tree *tree = tree_of(ratchet_suite, 4);
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
  struct secret_tree *tree = tree_of(ratchet_suite, 2);
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
  struct secret_tree *tree = tree_of(ratchet_suite, 2);
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
  struct suite counting = *ratchet_suite;
  real_hash = ratchet_suite->hash;
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
  const size_t node = 1 + ratchet_suite->hash->size, ratchet = 8 + ratchet_suite->hash->size + 4;
  const size_t skipped = 4 + ratchet_suite->aead->key_size + ratchet_suite->aead->nonce_size;
  const uint32_t width = UINT32_C(1) << 31;
  struct secret_tree *tree = tree_of(ratchet_suite, width);
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
  ck_assert_int_eq(secret_tree_new(ratchet_suite, &secret, 0, &tree), ERR_INTERNAL);
  ck_assert_int_eq(secret_tree_new(ratchet_suite, &secret, 6, &tree), ERR_INTERNAL);
  secret.size--;
  ck_assert_int_eq(secret_tree_new(ratchet_suite, &secret, 4, &tree), ERR_INTERNAL);
  ck_assert_ptr_null(tree);
  ck_assert_uint_eq(secret.size, ratchet_suite->hash->size - 1);
  secret_tree_free(tree);

  tree = tree_of(ratchet_suite, 4);
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
  return holds(tree, view_of(key.key, ratchet_suite->aead->key_size));
}

/* The example of RFC 9420, section 9.2: D sends generation 1, and generation 0 did not arrive. */
START_TEST(deletion_schedule) {
  struct secret_tree *tree = tree_of(ratchet_suite, 4);
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

static void add_tests(TCase *tests) {
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
}

int main(void) {
  return run_with_each_suite("secrettree", add_tests, &ratchet_suite);
}
