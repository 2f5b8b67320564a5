/*
 * Secrets of media, and message keys, that are wiped, or not left in memory that goes on to be used:
 * whoever wipes is watched, and what is wiped is searched for a secret that the test knows.
 * SPDX-License-Identifier: ISC
 */
#include "media-double.h"
#include "ratchets.h"
#include "suites.h"
#include "tests/run.h"

#include "crypto/provider.h"
#include "media/chain.h"
#include "media/epoch.h"
#include "sframe/gather.h"

/* ---- Watching ---- */

static struct view wanted;
static unsigned wiped, wiped_first;

/* How often a secret stands in memory. */
static unsigned count_in(const void *memory, size_t size, struct view secret) {
  const uint8_t *bytes = memory;
  unsigned found = 0;
  for (size_t at = 0; secret.size > 0 && at + secret.size <= size; at++)
    found += memcmp(bytes + at, secret.data, secret.size) == 0;
  return found;
}

void __real_wipe(void *memory, size_t size);
void __real_locked_free(void *memory, size_t size);
void __wrap_wipe(void *memory, size_t size);
void __wrap_locked_free(void *memory, size_t size);

void __wrap_wipe(void *memory, size_t size) {
  wiped += count_in(memory, size, wanted);
  wiped_first += count_in(memory, size < wanted.size ? size : wanted.size, wanted);
  __real_wipe(memory, size);
}

/* Large blocks are wiped by libsodium; what wipe() does to small ones is not counted again. */
void __wrap_locked_free(void *memory, size_t size) {
  const struct view sought = wanted;
  if (memory != NULL)
    wiped += count_in(memory, size, sought);
  wanted = VIEW_NONE;
  __real_locked_free(memory, size);
  wanted = sought;
}

static void watch(struct view secret) {
  wanted = secret;
  wiped = wiped_first = 0;
}

/* Copies of the secret that were wiped since watch(). */
static unsigned seen(void) {
  wanted = VIEW_NONE;
  return wiped;
}

/* ---- The base key of an epoch ---- */

/* Only where it is the first in what is wiped: who exported it has left it on the stack as well. */
START_TEST(base_key) {
  struct member alice = member_of(0, 2);
  uint8_t bytes[16];
  ck_assert_int_eq(group_export(alice.group->handle.group, VIEW_TEXT("SFrame 1.0 Base Key"),
                                VIEW_NONE, bytes, sizeof bytes),
                   OK);
  watch(VIEW_ARRAY(bytes));
  install(&alice, 1);
  (void)seen();
  ck_assert_uint_eq(wiped_first, 1);
  member_free(&alice);
}
END_TEST

/* ---- Chains ---- */

enum { BITS = 6 };

static struct sframe_suite suite;
static struct events events;
static struct chain *chain;

static void setup_chain(void) {
  ck_assert_int_eq(provider_init(), OK);
  ck_assert_int_eq(sframe_suite_find(4, &suite), OK);
  ck_assert_int_eq(events_init(&events), OK);
  ck_assert_int_eq(chain_new(&suite, &events, 7, BITS, &chain), OK);
}

static void teardown_chain(void) {
  chain_drop(chain);
  events_destroy(&events);
}

static struct secret secret_in(uint8_t generation) {
  struct secret secret = {.size = 32};
  memset(secret.bytes, 0x40 + generation, secret.size);
  return secret;
}

static void set(uint8_t generation) {
  struct secret secret = secret_in(generation);
  ck_assert_int_eq(chain_set(chain, generation, 0, &secret), OK);
}

static uint64_t kid_in(uint64_t generation, uint64_t step) {
  return generation << BITS | step;
}

/* How often the chain, which goes on to be used, has the key of a generation. */
static unsigned has(uint8_t generation) {
  struct secret secret = secret_in(generation);
  return count_in(chain, sizeof *chain, secret_view(&secret));
}

START_TEST(chain_calls) {
  struct secret secret = secret_in(0), out = {.size = 0};
  watch(secret_view(&secret));
  set(0);
  ck_assert_uint_eq(seen(), 1);
  watch(secret_view(&secret));
  ck_assert_int_eq(chain->source.type->secret(&chain->source, kid_in(0, 0), &out), OK);
  ck_assert_uint_eq(seen(), 1);
  watch(secret_view(&secret));
  ck_assert(chain->source.type->heard(&chain->source, kid_in(0, 0)));
  ck_assert_uint_eq(seen(), 1);
}
END_TEST

/* The base key of each step on the way is wiped by who ratchets, too. */
START_TEST(chain_steps) {
  struct secret secret = secret_in(0), base = {.size = 0}, known, out;
  set(0);
  ck_assert_int_eq(sframe_ratchet(&suite, &secret, &base), OK);
  known = base;
  secret_wipe(&base);
  watch(secret_view(&known));
  ck_assert_int_eq(sframe_ratchet(&suite, &secret, &base), OK);
  unsigned in_ratchet = seen();
  watch(secret_view(&known));
  ck_assert_int_eq(chain->source.type->secret(&chain->source, kid_in(0, 1), &out), OK);
  ck_assert_uint_eq(seen(), in_ratchet + 1);
}
END_TEST

START_TEST(links_given_up) {
  for (uint8_t generation = 0; generation < 3; generation++)
    set(generation);
  chain_retire(chain, 1);
  ck_assert_uint_eq(has(0), 0);
  ck_assert_uint_eq(has(1), 1);
  ck_assert_uint_eq(has(2), 1);
  chain_retire(chain, 3);
  ck_assert_uint_eq(has(1) + has(2), 0);
}
END_TEST

/* The sender passes over keys that were announced: no copy stays where the list was longer. */
START_TEST(links_passed_over) {
  for (uint8_t generation = 0; generation < 5; generation++)
    set(generation);
  ck_assert(chain->source.type->heard(&chain->source, kid_in(3, 0)));
  ck_assert_uint_eq(has(1) + has(2), 0);
  ck_assert_uint_eq(has(0), 1);
  ck_assert_uint_eq(has(3), 1);
  ck_assert_uint_eq(has(4), 1);
}
END_TEST

/* ---- Clear bytes in one piece ---- */

/* Eight encrypted bytes change places with forty clear ones, through a buffer on the stack. */
START_TEST(scratch) {
  static const struct e2ee_range clear[] = {{8, 40}};
  const uint8_t secret[8] = {0xe1, 0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8};
  uint8_t frame[48] = {0};
  memcpy(frame, secret, sizeof secret);
  watch(VIEW_ARRAY(secret));
  gather(frame, clear, 1);
  ck_assert_uint_eq(seen(), 1);
  ck_assert_mem_eq(frame + 40, secret, sizeof secret);
  watch(VIEW_ARRAY(secret));
  scatter(frame, clear, 1);
  ck_assert_uint_eq(seen(), 1);
}
END_TEST

/* ---- Message keys that were skipped ---- */

enum { WIDTH = 4, LEAF = 2 };

static struct message_key keys[8];
static struct secret_tree *tree;

static void setup_tree(void) {
  ck_assert_int_eq(provider_init(), OK);
  ratchet_suite = suite_find(1);
  tree = tree_of(ratchet_suite, WIDTH);
  for (uint32_t generation = 0; generation < 8; generation++)
    keys[generation] = expected_key(WIDTH, LEAF, RATCHET_APPLICATION, generation);
}

static void teardown_tree(void) {
  secret_tree_free(tree);
}

static void use(uint32_t generation, uint32_t max_skip) {
  ck_assert_int_eq(secret_tree_use(tree, LEAF, RATCHET_APPLICATION, generation, max_skip), OK);
}

static struct view key_of(uint32_t generation) {
  return view_of(keys[generation].key, ratchet_suite->aead->key_size);
}

/* Those behind it move up; of the last one no copy stays. */
START_TEST(skipped_and_used) {
  use(3, 5);
  watch(key_of(2));
  use(1, 5);
  ck_assert_uint_eq(seen(), 1);
  watch(key_of(2));
  use(2, 5);
  ck_assert_uint_eq(seen(), 1);
}
END_TEST

START_TEST(skipped_and_given_up) {
  use(2, 2);
  watch(key_of(3));
  use(4, 2); /* 0 goes, 1 and 3 are kept: three are there for a moment */
  ck_assert_uint_ge(seen(), 1);
  watch(key_of(3));
  use(3, 2);
  ck_assert_uint_eq(seen(), 1);
}
END_TEST

/* The epoch goes, or the member's leaf with it. */
START_TEST(skipped_with_the_tree) {
  use(3, 5);
  watch(key_of(1));
  secret_tree_free(tree);
  ck_assert_uint_eq(seen(), 1);
  tree = NULL;
}
END_TEST

static TCase *fixture(const char *name, void (*setup)(void), void (*teardown)(void)) {
  TCase *tests = tcase_create(name);
  tcase_add_checked_fixture(tests, setup, teardown);
  return tests;
}

int main(void) {
  Suite *all = suite_create("wiping");
  TCase *alone = tcase_create("alone");
  TCase *chains = fixture("chains", setup_chain, teardown_chain);
  TCase *skipped = fixture("skipped", setup_tree, teardown_tree);
  tcase_add_test(alone, base_key);
  tcase_add_test(alone, scratch);
  tcase_add_test(chains, chain_calls);
  tcase_add_test(chains, chain_steps);
  tcase_add_test(chains, links_given_up);
  tcase_add_test(chains, links_passed_over);
  tcase_add_test(skipped, skipped_and_used);
  tcase_add_test(skipped, skipped_and_given_up);
  tcase_add_test(skipped, skipped_with_the_tree);
  suite_add_tcase(all, alone);
  suite_add_tcase(all, chains);
  suite_add_tcase(all, skipped);
  return run_suite(all);
}
