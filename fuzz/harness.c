/* SPDX-License-Identifier: ISC */
#include "harness.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t random_state;

/* xorshift64* */
static uint32_t next_random(void) {
  random_state ^= random_state >> 12;
  random_state ^= random_state << 25;
  random_state ^= random_state >> 27;
  return (uint32_t)(random_state * 2685821657736338717u >> 32);
}

static void fill_random(void *const out, const size_t size) {
  uint8_t *bytes = out;
  for (size_t i = 0; i < size; i++)
    bytes[i] = (uint8_t)next_random();
}

static const char *implementation_name(void) {
  return "repeatable";
}

void harness_restart(void) {
  random_state = 0x9e3779b97f4a7c15;
}

void harness_start(void) {
  static randombytes_implementation repeatable = {
      .implementation_name = implementation_name,
      .random = next_random,
      .buf = fill_random,
  };
  harness_restart();
  randombytes_set_implementation(&repeatable);
  harness_require(e2ee_init() == E2EE_OK, "e2ee_init() failed");
}

void harness_require(bool holds, const char *what) {
  if (holds)
    return;
  fprintf(stderr, "fuzz: %s\n", what);
  abort();
}

struct view harness_take(struct view *input, size_t size) {
  if (size > input->size)
    size = input->size;
  struct view taken = {input->data, size};
  if (size > 0)
    input->data += size;
  input->size -= size;
  return taken;
}

struct view harness_take_block(struct view *input) {
  struct view length = harness_take(input, 2);
  if (length.size < 2)
    return VIEW_NONE;
  return harness_take(input, (size_t)length.data[0] << 8 | length.data[1]);
}
