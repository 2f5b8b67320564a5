/* SPDX-License-Identifier: ISC */
#include "tests/heap.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "base/mem.h"

static atomic_bool counting;
static atomic_llong now, most;

void *__real_mem_new(size_t count, size_t size);
enum err __real_mem_grow(void *array, size_t *capacity, size_t count, size_t size);
void __real_mem_free(void *memory);

void *__wrap_mem_new(size_t count, size_t size);
enum err __wrap_mem_grow(void *array, size_t *capacity, size_t count, size_t size);
void __wrap_mem_free(void *memory);

/* Threads that meet here may miss each other's most: they differ by less than what either holds. */
static void count_bytes(long long bytes) {
  long long sum = atomic_fetch_add(&now, bytes) + bytes;
  if (sum > atomic_load(&most))
    atomic_store(&most, sum);
}

void heap_start(void) {
  atomic_store(&now, 0);
  atomic_store(&most, 0);
  atomic_store(&counting, true);
}

size_t heap_most(void) {
  atomic_store(&counting, false);
  return (size_t)atomic_load(&most);
}

void *__wrap_mem_new(size_t count, size_t size) {
  void *memory = __real_mem_new(count, size);
  if (atomic_load(&counting))
    count_bytes((long long)malloc_usable_size(memory));
  return memory;
}

enum err __wrap_mem_grow(void *array, size_t *capacity, size_t count, size_t size) {
  void *memory = NULL;
  memcpy(&memory, array, sizeof memory);
  const long long before = (long long)malloc_usable_size(memory);
  enum err err = __real_mem_grow(array, capacity, count, size);
  memcpy(&memory, array, sizeof memory);
  if (atomic_load(&counting))
    count_bytes((long long)malloc_usable_size(memory) - before);
  return err;
}

void __wrap_mem_free(void *memory) {
  if (atomic_load(&counting))
    count_bytes(-(long long)malloc_usable_size(memory));
  __real_mem_free(memory);
}
