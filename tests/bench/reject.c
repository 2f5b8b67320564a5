/*
 * reject/WHAT: what forged and absurd input costs whoever receives it.  The floor is the cryptography
 * without which it cannot be told from good input; where there is none, refusing it needs none.
 * SPDX-License-Identifier: ISC
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <e2ee/mls.h>

#include "bench.h"
#include "crypto/sign.h"
#include "mls/tree/tree.h"
#include "pair.h"

#define MILLION 1000000u

struct state {
  struct pair pair;
  e2ee_incoming *incoming;
  uint8_t *input;
  size_t size;
  int expected;
  struct secret private_key; /* for the floor of a signature */
  struct bytes public_key;
  struct bytes signature;
};

static void process(void *arg, size_t count) {
  struct state *state = arg;
  for (size_t i = 0; i < count; i++) {
    e2ee_incoming *incoming = NULL;
    int err = e2ee_group_process(state->pair.group[1], state->input, state->size, &incoming);
    bench_require(err == state->expected ? 0 : E2EE_ERR_INTERNAL, "e2ee_group_process");
  }
}

static void read_tree(void *arg, size_t count) {
  struct state *state = arg;
  for (size_t i = 0; i < count; i++) {
    struct tree *tree = NULL;
    enum err err = tree_read(suite_find(1), view_of(state->input, state->size), 32768, NULL, &tree);
    bench_require((int)err == state->expected ? 0 : E2EE_ERR_INTERNAL, "tree_read");
  }
}

static void verify(void *arg, size_t count) {
  struct state *state = arg;
  for (size_t i = 0; i < count; i++)
    bench_require(verify_with_label(suite_find(1), bytes_view(&state->public_key),
                                    VIEW_TEXT("FramedContentTBS"), VIEW_TEXT("content"),
                                    bytes_view(&state->signature)),
                  "verify_with_label");
}

static void measure(const struct bench *bench, const char *name, struct state *state,
                    void (*run)(void *, size_t), void (*floor_run)(void *, size_t), size_t count) {
  struct bench_work work = {NULL, run}, floor = {NULL, floor_run};
  if (bench_wanted(bench, name))
    bench_measure(bench, name, &work, floor_run == NULL ? NULL : &floor, state, count);
}

/* What the first member says, as input for the second. */
static void set_input(struct state *state, e2ee_bytes *message, int expected) {
  free(state->input);
  state->size = e2ee_bytes_size(message);
  state->input = malloc(state->size);
  bench_require(state->input == NULL ? E2EE_ERR_NOMEM : 0, "input");
  memcpy(state->input, e2ee_bytes_data(message), state->size);
  state->expected = expected;
  e2ee_bytes_free(message);
}

static e2ee_bytes *say(const struct state *state) {
  e2ee_bytes *message = NULL;
  bench_require(e2ee_group_encrypt(state->pair.group[0], (const uint8_t *)"text", 4, &message),
                "e2ee_group_encrypt");
  return message;
}

static void messages(const struct bench *bench, struct state *state) {
  /* A generation further ahead than is allowed: one step is, when none may be skipped. */
  e2ee_bytes_free(say(state));
  set_input(state, say(state), E2EE_ERR_LIMIT);
  bench_require(e2ee_client_set(state->pair.client[1], E2EE_SET_MAX_SKIP, 0), "e2ee_client_set");
  measure(bench, "reject/forged-generation", state, process, NULL, 64);
  bench_require(e2ee_client_set(state->pair.client[1], E2EE_SET_MAX_SKIP, 1000), "e2ee_client_set");

  set_input(state, say(state), E2EE_ERR_AUTH);
  state->input[state->size - 1] ^= 1;
  measure(bench, "reject/wrong-tag", state, process, NULL, 64);

  /* An external sender's proposal, which anybody can write, but not sign. */
  e2ee_bytes *message = NULL;
  bench_require(e2ee_external_propose_remove(state->pair.client[1], (const uint8_t *)"call", 4, 1,
                                             0, 0, &message),
                "e2ee_external_propose_remove");
  set_input(state, message, E2EE_ERR_SIGNATURE);
  measure(bench, "reject/unknown-sender", state, process, NULL, 64);
}

/* A new member's proposal, signed wrongly: one signature has to be checked before that is known. */
static void wrong_signature(const struct bench *bench, struct state *state) {
  e2ee_bytes *package = NULL, *message = NULL;
  e2ee_client *outsider = NULL;
  bench_require(e2ee_client_new(1, (const uint8_t *)"outside", 7, &outsider), "e2ee_client_new");
  bench_require(e2ee_key_package_new(outsider, &package), "e2ee_key_package_new");
  bench_require(e2ee_new_member_propose(outsider, (const uint8_t *)"call", 4, 1,
                                        e2ee_bytes_data(package), e2ee_bytes_size(package),
                                        &message),
                "e2ee_new_member_propose");
  set_input(state, message, E2EE_ERR_SIGNATURE);
  state->input[state->size - 1] ^= 1;
  const struct suite *suite = suite_find(1);
  bench_require(sign_generate(suite, &state->private_key, &state->public_key), "sign_generate");
  bench_require(sign_with_label(suite, &state->private_key, VIEW_TEXT("FramedContentTBS"),
                                VIEW_TEXT("content"), &state->signature),
                "sign_with_label");
  measure(bench, "reject/wrong-signature", state, process, verify, 16);
  e2ee_bytes_free(package);
  e2ee_client_free(outsider);
}

static void accept(void *arg, size_t count) {
  struct state *state = arg;
  for (size_t i = 0; i < count; i++)
    bench_require(e2ee_incoming_accept(state->incoming) == state->expected ? 0 : E2EE_ERR_INTERNAL,
                  "e2ee_incoming_accept");
}

/* As many proposals as are kept in an epoch, of which the last finds no place: the receiver has made
 * one too. */
static void proposal_flood(const struct bench *bench, struct state *state) {
  e2ee_bytes *message = NULL;
  int err = 0;
  if (!bench_wanted(bench, "reject/proposal-flood"))
    return;
  bench_require(e2ee_group_propose_update(state->pair.group[1], &message), "propose");
  while (err == 0) {
    e2ee_bytes_free(message);
    e2ee_incoming_free(state->incoming);
    bench_require(e2ee_group_propose_update(state->pair.group[0], &message), "propose");
    bench_require(e2ee_group_process(state->pair.group[1], e2ee_bytes_data(message),
                                     e2ee_bytes_size(message), &state->incoming),
                  "e2ee_group_process");
    err = e2ee_incoming_accept(state->incoming);
  }
  e2ee_bytes_free(message);
  state->expected = E2EE_ERR_LIMIT;
  measure(bench, "reject/proposal-flood", state, accept, NULL, 64);
  e2ee_incoming_free(state->incoming);
}

/* A ratchet tree of a million blank leaves: a byte each. */
static void million_leaves(const struct bench *bench, struct state *state) {
  free(state->input);
  state->size = 4 + 2 * MILLION;
  state->input = calloc(1, state->size);
  bench_require(state->input == NULL ? E2EE_ERR_NOMEM : 0, "input");
  uint32_t length = 0x80000000u | 2 * MILLION;
  for (unsigned i = 0; i < 4; i++)
    state->input[i] = (uint8_t)(length >> (24 - 8 * i));
  state->expected = E2EE_ERR_LIMIT;
  measure(bench, "reject/million-leaves", state, read_tree, NULL, 1);
}

void bench_reject(const struct bench *bench) {
  struct state state = {.expected = 0};
  pair_start(&state.pair);
  million_leaves(bench, &state);
  messages(bench, &state);
  wrong_signature(bench, &state);
  proposal_flood(bench, &state);
  bytes_free(&state.public_key);
  bytes_free(&state.signature);
  secret_wipe(&state.private_key);
  free(state.input);
  pair_stop(&state.pair);
}
