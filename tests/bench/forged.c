/*
 * reject/forged-WHAT: what a forged frame costs its receiver, by what is forged.
 *
 * A key that was tried stays until another is: so key ids in turns cost more than one, and with
 * sender keys most where each frame is as many steps ahead as a receiver follows.
 * SPDX-License-Identifier: ISC
 */
#include <e2ee/media.h>

#include "bench.h"
#include "pair.h"
#include "sframe/header.h"

#define SIZE 100u

struct state {
  e2ee_receiver *receiver;
  uint64_t kids[2]; /* in turns */
  int expected;
  size_t turn;
};

static void decrypt(void *arg, size_t count) {
  struct state *state = arg;
  uint8_t frame[SFRAME_HEADER_MAX + SIZE] = {0}, out[sizeof frame];
  for (size_t i = 0; i < count; i++) {
    size_t size = 0, header = sframe_header_write(state->kids[state->turn++ % 2], 7, frame);
    int err = e2ee_receiver_decrypt(state->receiver, NULL, 0, frame, header + SIZE, out, sizeof out,
                                    &size, NULL, 0);
    bench_require(err == state->expected ? 0 : E2EE_ERR_INTERNAL, "e2ee_receiver_decrypt");
  }
}

/* A round is short enough not to be interrupted. */
static void measure(const struct bench *bench, const char *name, struct state *state, uint64_t kid,
                    uint64_t other) {
  static const struct bench_work work = {NULL, decrypt};
  state->kids[0] = kid;
  state->kids[1] = other;
  if (bench_wanted(bench, name))
    bench_measure(bench, name, &work, NULL, state, kid == other ? 64 : 4);
}

/* Key ids of leaf 0 in epoch 1 of a group of two: streams, then an epoch that nobody has. */
static void of_a_group(const struct bench *bench) {
  struct pair pair = {.group = {NULL}};
  struct state state = {.expected = E2EE_ERR_AUTH};
  pair_start(&pair);
  e2ee_media *media = pair_media(pair.group[1], 4);
  bench_require(e2ee_receiver_new(media, &state.receiver), "e2ee_receiver_new");
  measure(bench, "reject/forged-frame", &state, 0x21, 0x21);
  measure(bench, "reject/forged-frames-in-turns", &state, 0x21, 0x41);
  state.expected = E2EE_ERR_NO_KEY;
  measure(bench, "reject/forged-kid", &state, 0x02, 0x02);
  e2ee_receiver_free(state.receiver);
  e2ee_media_free(media);
  pair_stop(&pair);
}

/* A sender that is heard at step 0, and whose receiver follows so many steps. */
static void of_a_sender(const struct bench *bench, uint32_t bits, uint64_t steps, const char *alone,
                        const char *in_turns) {
  static const uint8_t key[32] = {1};
  struct state state = {.expected = E2EE_ERR_AUTH};
  e2ee_media *media = NULL;
  bench_require(e2ee_media_new_sender_keys(4, 0, &media), "e2ee_media_new_sender_keys");
  bench_require(e2ee_media_add_sender(media, 1, bits), "e2ee_media_add_sender");
  bench_require(e2ee_media_set_sender_key(media, 1, 0, 0, key, sizeof key),
                "e2ee_media_set_sender_key");
  bench_require(e2ee_media_receiver_new(media, 1, &state.receiver), "e2ee_media_receiver_new");
  measure(bench, alone, &state, steps, steps);
  measure(bench, in_turns, &state, steps, steps - 1);
  e2ee_receiver_free(state.receiver);
  e2ee_media_free(media);
}

void bench_forged(const struct bench *bench) {
  of_a_group(bench);
  of_a_sender(bench, 0, 31, "reject/forged-step-31", "reject/forged-steps-31-in-turns");
  of_a_sender(bench, 16, 127, "reject/forged-step-127", "reject/forged-steps-127-in-turns");
}
