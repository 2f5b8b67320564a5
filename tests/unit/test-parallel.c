/*
 * Work on several threads: what it comes to must not depend on how many there are, nor on whether the
 * system gives any.
 * SPDX-License-Identifier: ISC
 */
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/parallel.h"
#include "crypto/hpke.h"
#include "crypto/provider.h"
#include "crypto/sign.h"
#include "mls/group/validate.h"
#include "tests/run.h"

/* ---- The system's threads, of which there may be too few ---- */

static size_t threads_left = SIZE_MAX, threads_made;

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *argument);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *argument) {
  if (threads_left == 0)
    return EAGAIN;
  threads_left--;
  threads_made++;
  return __real_pthread_create(thread, attributes, run, argument);
}

/* ---- Pieces that are counted ---- */

#define PIECES 1000

struct pieces {
  atomic_uint done[PIECES];
  enum err result[PIECES];
  atomic_uint unmasked; /* done on another thread than the test's, where it could be interrupted */
  pthread_t caller;
};

static enum err count_piece(const void *state, size_t index, struct why *why) {
  struct pieces *pieces = (struct pieces *)(uintptr_t)state;
  sigset_t mask;
  (void)atomic_fetch_add(&pieces->done[index], 1);
  (void)pthread_sigmask(SIG_SETMASK, NULL, &mask);
  if (!pthread_equal(pthread_self(), pieces->caller) && sigismember(&mask, SIGTERM) != 1)
    (void)atomic_fetch_add(&pieces->unmasked, 1);
  if (pieces->result[index] == ERR_NOMEM)
    return ERR_NOMEM; /* nothing is said of that */
  return require(pieces->result[index] == OK, why, pieces->result[index], "piece %zu", index);
}

/* Do pieces of which some fail, and compare with what a loop would have come to. */
static void check_pieces(struct pieces *pieces, unsigned threads, size_t count) {
  struct why why = {"before"};
  size_t first = 0;
  char text[40];
  for (size_t i = 0; i < PIECES; i++)
    atomic_store(&pieces->done[i], 0);
  while (first < count && pieces->result[first] == OK)
    first++;
  enum err expected = first < count ? pieces->result[first] : OK;
  ck_assert_int_eq(parallel_each(threads, count, count_piece, pieces, &why), expected);
  (void)snprintf(text, sizeof text, "piece %zu", first);
  ck_assert_str_eq(why.text, expected == OK || expected == ERR_NOMEM ? "before" : text);
  for (size_t i = 0; i < PIECES; i++) {
    unsigned done = atomic_load(&pieces->done[i]);
    ck_assert_uint_le(done, i < count ? 1 : 0);
    if (i < count && i <= first)
      ck_assert_uint_eq(done, 1);
  }
  ck_assert_uint_eq(pieces->unmasked, 0);
  ck_assert_int_eq(parallel_each(threads, count, count_piece, pieces, NULL), expected);
}

static const size_t counts[] = {0, 1, 15, 16, 17, 100, PIECES};

START_TEST(test_all_done) {
  struct pieces pieces = {.caller = pthread_self()};
  for (unsigned threads = 0; threads <= PARALLEL_MAX + 1; threads++)
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
      check_pieces(&pieces, threads, counts[i]);
}
END_TEST

START_TEST(test_first_error) {
  struct pieces pieces = {.caller = pthread_self()};
  static const size_t failing[][3] = {{0, 1, 999},    {999, 999, 999}, {15, 16, 17},
                                      {500, 31, 600}, {7, 300, 20},    {640, 639, 641}};
  for (size_t i = 0; i < sizeof failing / sizeof *failing; i++) {
    pieces.result[failing[i][0]] = ERR_SIGNATURE;
    pieces.result[failing[i][1]] = ERR_NOMEM;
    pieces.result[failing[i][2]] = ERR_LIFETIME;
    for (unsigned again = 0; again < 20; again++)
      for (unsigned threads = 1; threads <= 4; threads++)
        check_pieces(&pieces, threads, PIECES);
    memset(pieces.result, 0, sizeof pieces.result);
  }
}
END_TEST

/* As many threads as there is work for, and as the system gives; one needs none of the system's. */
START_TEST(test_threads_made) {
  struct pieces pieces = {.caller = pthread_self()};
  static const struct {
    unsigned threads;
    size_t count, left, made;
  } cases[] = {{0, 1000, 9, 0},    {1, 1000, 9, 0}, {2, 1000, 9, 1}, {16, 1000, 99, 15},
               {99, 1000, 99, 15}, {9, 16, 9, 0},   {9, 17, 9, 1},   {9, 0, 9, 0},
               {4, 1000, 0, 0},    {4, 1000, 1, 1}, {4, 1000, 2, 2}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    threads_left = cases[i].left;
    threads_made = 0;
    ck_assert_int_eq(parallel_each(cases[i].threads, cases[i].count, count_piece, &pieces, NULL),
                     OK);
    ck_assert_uint_eq(threads_made, cases[i].made);
    threads_left = cases[i].left;
    check_pieces(&pieces, cases[i].threads, cases[i].count);
  }
}
END_TEST

/* ---- A tree ---- */

#define LEAVES 100
#define GROUP VIEW_TEXT("group")

/* A leaf with keys of its own, signed as if it stood in a group. */
static struct leaf *leaf_of(const struct client *client, uint32_t index, struct view group_id) {
  uint8_t public_key[KEM_PUBLIC_MAX];
  struct secret private_key = {0}, signature_key = {0};
  struct bytes signature_public = {0};
  struct leaf_storage storage = {0};
  struct leaf_template fields;
  struct leaf *leaf = NULL;
  ck_assert_int_eq(client_leaf(client, &storage, &fields), OK);
  ck_assert_int_eq(hpke_generate_key_pair(client->suite, &private_key, public_key), OK);
  ck_assert_int_eq(sign_generate(client->suite, &signature_key, &signature_public), OK);
  fields.encryption_key = view_of(public_key, client->suite->kem->public_size);
  fields.signature_key = bytes_view(&signature_public);
  fields.source = LEAF_UPDATE;
  ck_assert_int_eq(leaf_new(client->suite, &fields, &signature_key, group_id, index, &leaf), OK);
  bytes_free(&signature_public);
  leaf_storage_free(&storage);
  return leaf;
}

/* The same leaf is blamed, in the same words, on any number of threads. */
START_TEST(test_tree) {
  static const uint32_t wrong[][2] = {{LEAVES, LEAVES}, {0, 99}, {63, 64}, {50, 7}, {99, 98}};
  struct client *client = NULL;
  ck_assert_int_eq(client_new(suite_find(1), VIEW_TEXT("somebody"), &client), OK);
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    uint32_t first = wrong[i][0] < wrong[i][1] ? wrong[i][0] : wrong[i][1], at = 0;
    struct tree *tree = NULL;
    struct why expected = {""};
    ck_assert_int_eq(tree_new(client->suite, &tree), OK);
    for (uint32_t index = 0; index < LEAVES; index++) {
      bool good = index != wrong[i][0] && index != wrong[i][1];
      struct leaf *leaf = leaf_of(client, index, good ? GROUP : VIEW_TEXT("another"));
      ck_assert_int_eq(tree_add_leaf(tree, leaf, &at), OK);
      leaf_drop(leaf);
    }
    ck_assert_int_eq(tree_seal(tree), OK);
    if (first < LEAVES)
      (void)snprintf(expected.text, sizeof expected.text,
                     "RFC 9420, section 7.3: the signature of leaf %u is wrong", first);
    for (unsigned threads = 1; threads <= 5; threads++) {
      struct why why = {""};
      client->settings.threads = threads;
      ck_assert_int_eq(validate_tree(client, tree, GROUP, VIEW_NONE, &why),
                       first < LEAVES ? ERR_SIGNATURE : OK);
      ck_assert_str_eq(why.text, expected.text);
    }
    tree_drop(tree);
  }
  client_free(client);
}
END_TEST

int main(void) {
  if (provider_init() != OK)
    return 2;
  TCase *tests = tcase_create("parallel");
  tcase_set_timeout(tests, 120);
  tcase_add_test(tests, test_all_done);
  tcase_add_test(tests, test_first_error);
  tcase_add_test(tests, test_threads_made);
  tcase_add_test(tests, test_tree);
  return run_case("parallel", tests);
}
