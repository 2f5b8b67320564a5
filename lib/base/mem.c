/* SPDX-License-Identifier: ISC */
#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void *mem_new(size_t count, size_t size) {
  if (count > SIZE_MAX / size)
    return NULL;
  return calloc(count > 0 ? count : 1, size);
}

enum err mem_grow(void *array, size_t *capacity, size_t count, size_t size) {
  if (count <= *capacity)
    return OK;
  if (count > SIZE_MAX / 2 / size)
    return ERR_NOMEM;
  size_t larger = *capacity + *capacity / 2 + 4;
  if (larger < count)
    larger = count;
  /* The caller's pointer has a type of its own, so it is read and written as bytes. */
  void *old = NULL;
  memcpy(&old, array, sizeof old);
  void *grown = realloc(old, larger * size);
  if (grown == NULL)
    return ERR_NOMEM;
  memcpy(array, &grown, sizeof grown);
  *capacity = larger;
  return OK;
}

void mem_free(void *memory) {
  free(memory);
}
