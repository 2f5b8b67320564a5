/*
 * frame/SUITE/encrypt|decrypt/BYTES: media frames in place, as an application does it; and with -partial
 * behind the operation, as H.264 in two slices, of which six bytes each are clear.  The floor is the
 * suite's AEAD, same backend and context reused, over the same bytes with a header's worth of
 * additional data; openssl_ns the same by OpenSSL, where it has that AEAD.
 *
 * frame/SUITE/key: making an AEAD key ready in the place of another.
 * SPDX-License-Identifier: ISC
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <e2ee/media.h>

#include "bench.h"
#include "crypto/provider.h"
#include "pair.h"
#include "sframe/frame.h"

/* Sound, a packet of picture, a picture. */
static const size_t sizes[] = {100, 1200, 20000};
static const uint16_t suites[] = {1, 2, 3, 4, 5, 6, 7, 8};

#define ROUND_BYTES 262144u
#define ROUND_FRAMES 64u

/* An AEAD without the library around it. */
struct bare {
  const struct aead *aead; /* NULL: there is none */
  struct aead_key *key;
};

/* Two members, and the frames of one round. */
struct state {
  e2ee_sender *sender;
  e2ee_receiver *receiver;
  struct bare picked, openssl;
  uint64_t nonce;
  size_t size;   /* of a plaintext */
  size_t stride; /* from one buffer to the next */
  size_t lengths[ROUND_FRAMES];
  uint8_t *buffers;
};

static void encrypt(void *arg, size_t count) {
  struct state *state = arg;
  for (size_t i = 0; i < count; i++) {
    uint8_t *buffer = state->buffers + i * state->stride;
    bench_require(e2ee_sender_encrypt(state->sender, NULL, 0, buffer, state->size, buffer,
                                      state->stride, &state->lengths[i]),
                  "e2ee_sender_encrypt");
  }
}

static void decrypt(void *arg, size_t count) {
  struct state *state = arg;
  for (size_t i = 0; i < count; i++) {
    uint8_t *buffer = state->buffers + i * state->stride;
    size_t size = 0;
    e2ee_frame_info info;
    bench_require(e2ee_receiver_decrypt(state->receiver, NULL, 0, buffer, state->lengths[i], buffer,
                                        state->stride, &size, &info, sizeof info),
                  "e2ee_receiver_decrypt");
  }
}

static void encrypt_partial(void *arg, size_t count) {
  struct state *state = arg;
  const e2ee_range clear[] = {{0, 6}, {(uint32_t)(state->size / 2), 6}};
  for (size_t i = 0; i < count; i++) {
    uint8_t *buffer = state->buffers + i * state->stride;
    bench_require(e2ee_sender_encrypt_partial(state->sender, E2EE_CODEC_H264, NULL, 0, buffer,
                                              state->size, clear, 2, buffer, state->stride,
                                              &state->lengths[i]),
                  "e2ee_sender_encrypt_partial");
  }
}

static void decrypt_partial(void *arg, size_t count) {
  struct state *state = arg;
  for (size_t i = 0; i < count; i++) {
    uint8_t *buffer = state->buffers + i * state->stride;
    size_t size = 0;
    e2ee_frame_info info;
    bench_require(e2ee_receiver_decrypt_partial(state->receiver, NULL, 0, buffer, state->lengths[i],
                                                buffer, state->stride, &size, &info, sizeof info),
                  "e2ee_receiver_decrypt_partial");
  }
}

static void bare_call(struct state *state, const struct bare *bare, size_t i, bool sealing) {
  uint8_t nonce[AEAD_NONCE_MAX] = {0}, header[5] = {0};
  const struct view aad[] = {VIEW_ARRAY(header), VIEW_NONE};
  uint8_t *buffer = state->buffers + i * state->stride;
  uint64_t number = sealing ? state->nonce + i : state->nonce - ROUND_FRAMES + i;
  memcpy(nonce, &number, sizeof number);
  size_t size = sealing ? state->size : state->size + bare->aead->tag_size;
  bench_require((sealing ? bare->aead->seal : bare->aead->open)(bare->key, nonce, aad, 2,
                                                                view_of(buffer, size), buffer),
                "AEAD");
}

static void bare_calls(struct state *state, const struct bare *bare, size_t count, bool sealing) {
  for (size_t i = 0; i < count; i++)
    bare_call(state, bare, i, sealing);
  if (sealing)
    state->nonce += ROUND_FRAMES;
}

static void floor_encrypt(void *arg, size_t count) {
  struct state *state = arg;
  bare_calls(state, &state->picked, count, true);
}

static void floor_decrypt(void *arg, size_t count) {
  struct state *state = arg;
  bare_calls(state, &state->picked, count, false);
}

static void openssl_encrypt(void *arg, size_t count) {
  struct state *state = arg;
  bare_calls(state, &state->openssl, count, true);
}

static void openssl_decrypt(void *arg, size_t count) {
  struct state *state = arg;
  bare_calls(state, &state->openssl, count, false);
}

static void set_key(void *arg, size_t count) {
  struct state *state = arg;
  uint8_t bytes[SFRAME_KEY_MAX] = {0};
  for (size_t i = 0; i < count; i++) {
    bytes[0] = (uint8_t)i;
    bench_require(state->picked.aead->key_set(state->picked.key, bytes), "AEAD key");
  }
}

/* ---- Names ---- */

static void measure(const struct bench *bench, struct state *state, const char *suite_name,
                    size_t size) {
  static const struct bench_work floors[] = {{NULL, floor_encrypt}, {floor_encrypt, floor_decrypt}};
  static const struct bench_beside openssl[] = {
      {"openssl_ns", {NULL, openssl_encrypt}},
      {"openssl_ns", {openssl_encrypt, openssl_decrypt}},
  };
  static const struct {
    const char *operation;
    struct bench_work work;
    const struct bench_work *floor;
    const struct bench_beside *beside;
  } operations[] = {
      {"encrypt", {NULL, encrypt}, &floors[0], &openssl[0]},
      {"decrypt", {encrypt, decrypt}, &floors[1], &openssl[1]},
      {"encrypt-partial", {NULL, encrypt_partial}, &floors[0], &openssl[0]},
      {"decrypt-partial", {encrypt_partial, decrypt_partial}, &floors[1], &openssl[1]},
  };
  size_t count = ROUND_BYTES / size < ROUND_FRAMES ? ROUND_BYTES / size : ROUND_FRAMES;
  state->size = size;
  state->stride = size + e2ee_partial_overhead(size, 2);
  state->buffers = calloc(count, state->stride);
  bench_require(state->buffers == NULL ? E2EE_ERR_NOMEM : 0, "buffers");
  for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
    char name[80];
    (void)snprintf(name, sizeof name, "frame/%s/%s/%zu", suite_name, operations[i].operation, size);
    if (bench_wanted(bench, name))
      bench_measure_beside(bench, name, &operations[i].work, operations[i].floor,
                           state->openssl.aead != NULL ? operations[i].beside : NULL, state, count);
  }
  free(state->buffers);
}

static void bare_start(struct bare *bare, const struct aead *aead) {
  static const uint8_t zeros[SFRAME_KEY_MAX];
  bare->aead = aead;
  if (aead != NULL)
    bench_require(aead->key_new(zeros, &bare->key), "AEAD key");
}

static void bare_stop(struct bare *bare) {
  if (bare->aead != NULL)
    bare->aead->key_free(bare->key);
}

/* OpenSSL's table for the AEAD of a suite. */
static const struct aead *openssl_of(const struct aead *aead) {
  const struct aead *found;
  for (unsigned id = 0; id < AEAD_COUNT; id++)
    for (size_t i = 0; (found = provider_aead_at((enum aead_id)id, i)) != NULL; i++)
      if (strcmp(found->backend, "OpenSSL") == 0 && strcmp(found->name, aead->name) == 0)
        return found;
  return NULL;
}

static void measure_key(const struct bench *bench, struct state *state, const char *suite_name) {
  static const struct bench_work setting = {NULL, set_key};
  char name[80];
  (void)snprintf(name, sizeof name, "frame/%s/key", suite_name);
  if (bench_wanted(bench, name))
    bench_measure(bench, name, &setting, NULL, state, ROUND_FRAMES);
}

static void measure_suite(const struct bench *bench, const struct pair *pair, uint16_t id) {
  struct state state = {0};
  struct sframe_suite suite;
  if (sframe_suite_find(id, &suite) != OK)
    return;
  e2ee_media *from = pair_media(pair->group[0], id), *to = pair_media(pair->group[1], id);
  bench_require(e2ee_sender_new(from, &state.sender), "e2ee_sender_new");
  bench_require(e2ee_receiver_new(to, &state.receiver), "e2ee_receiver_new");
  bare_start(&state.picked, suite.aead);
  bare_start(&state.openssl, openssl_of(suite.aead));
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
    measure(bench, &state, suite.name, sizes[i]);
  measure_key(bench, &state, suite.name);
  bare_stop(&state.picked);
  bare_stop(&state.openssl);
  e2ee_sender_free(state.sender);
  e2ee_receiver_free(state.receiver);
  e2ee_media_free(from);
  e2ee_media_free(to);
}

void bench_frame(const struct bench *bench) {
  struct pair pair = {.group = {NULL}};
  pair_start(&pair);
  for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++)
    measure_suite(bench, &pair, suites[i]);
  pair_stop(&pair);
}
