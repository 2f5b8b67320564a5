/* SPDX-License-Identifier: ISC */
#include "failing.h"

#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"

static bool armed, failed;
static size_t left;
static atomic_long blocks; /* some tests have threads; memory never fails in those */

void failing_after(size_t after) {
  armed = true;
  failed = false;
  left = after;
}

bool failing_stop(void) {
  armed = false;
  return failed;
}

long failing_blocks(void) {
  return blocks;
}

static bool fails(void) {
  if (!armed || left-- > 0)
    return false;
  armed = false;
  failed = true;
  return true;
}

static void *counted(void *block) {
  blocks += block != NULL ? 1 : 0;
  return block;
}

void *__real_mem_new(size_t count, size_t size);
enum err __real_mem_grow(void *array, size_t *capacity, size_t count, size_t size);
void __real_mem_free(void *memory);
void *__real_locked_new(size_t size);
void __real_locked_free(void *memory, size_t size);

void *__wrap_mem_new(size_t count, size_t size);
enum err __wrap_mem_grow(void *array, size_t *capacity, size_t count, size_t size);
void __wrap_mem_free(void *memory);
void *__wrap_locked_new(size_t size);
void __wrap_locked_free(void *memory, size_t size);

void *__wrap_mem_new(size_t count, size_t size) {
  return fails() ? NULL : counted(__real_mem_new(count, size));
}

enum err __wrap_mem_grow(void *array, size_t *capacity, size_t count, size_t size) {
  void *before = NULL, *after = NULL;
  if (count > *capacity && fails())
    return ERR_NOMEM;
  memcpy(&before, array, sizeof before);
  enum err err = __real_mem_grow(array, capacity, count, size);
  memcpy(&after, array, sizeof after);
  if (before == NULL)
    (void)counted(after);
  return err;
}

void __wrap_mem_free(void *memory) {
  blocks -= memory != NULL ? 1 : 0;
  __real_mem_free(memory);
}

void *__wrap_locked_new(size_t size) {
  return fails() ? NULL : counted(__real_locked_new(size));
}

void __wrap_locked_free(void *memory, size_t size) {
  blocks -= memory != NULL ? 1 : 0;
  __real_locked_free(memory, size);
}
