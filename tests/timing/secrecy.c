/* SPDX-License-Identifier: ISC */
#include "secrecy.h"

#include <stdlib.h>
#include <string.h>
#include <valgrind/memcheck.h>

bool secrecy_watched(void) {
  return RUNNING_ON_VALGRIND != 0;
}

unsigned secrecy_uses(void) {
  return (unsigned)VALGRIND_COUNT_ERRORS;
}

void hide(const void *data, size_t size) {
  (void)VALGRIND_MAKE_MEM_UNDEFINED(data, size);
}

void show(const void *data, size_t size) {
  (void)VALGRIND_MAKE_MEM_DEFINED(data, size);
}

static void *allocate(size_t count, size_t size) {
  void *memory = calloc(count + 1, size);
  if (memory == NULL)
    abort();
  return memory;
}

static bool any_shown_or_hidden(const void *data, size_t size, bool hidden) {
  uint8_t *bits = allocate(size, 1);
  bool any = false;
  if (size > 0)
    (void)VALGRIND_GET_VBITS(data, bits, size);
  for (size_t i = 0; i < size; i++)
    any |= (bits[i] != 0) == hidden;
  free(bits);
  return any;
}

bool all_hidden(const void *data, size_t size) {
  return size > 0 && !any_shown_or_hidden(data, size, false);
}

bool all_shown(const void *data, size_t size) {
  return !any_shown_or_hidden(data, size, true);
}

/* ---- Through ciphertexts ---- */

struct kept {
  struct secrecy secrecy;
  uint8_t *ciphertext;
  size_t size;
};

static struct kept *kept;
static size_t kept_count;

struct secrecy secrecy_of(struct view plaintext) {
  struct secrecy secrecy = {allocate(plaintext.size, 1), plaintext.size};
  if (plaintext.size > 0)
    (void)VALGRIND_GET_VBITS(plaintext.data, secrecy.bits, plaintext.size);
  return secrecy;
}

void secrecy_keep(struct secrecy *secrecy, struct view ciphertext) {
  show(ciphertext.data, ciphertext.size);
  kept = realloc(kept, (kept_count + 1) * sizeof *kept);
  if (kept == NULL)
    abort();
  uint8_t *copy = allocate(ciphertext.size, 1);
  memcpy(copy, ciphertext.data, ciphertext.size);
  kept[kept_count++] = (struct kept){*secrecy, copy, ciphertext.size};
}

struct secrecy secrecy_find(struct view ciphertext) {
  for (size_t i = kept_count; i-- > 0;)
    if (kept[i].size == ciphertext.size &&
        memcmp(kept[i].ciphertext, ciphertext.data, ciphertext.size) == 0)
      return kept[i].secrecy;
  return (struct secrecy){NULL, 0};
}

void secrecy_apply(struct secrecy secrecy, uint8_t *plaintext, size_t size) {
  if (secrecy.bits == NULL || secrecy.size != size)
    hide(plaintext, size);
  else if (size > 0)
    (void)VALGRIND_SET_VBITS(plaintext, secrecy.bits, size);
}
