/* SPDX-License-Identifier: ISC */
#include "base/secret.h"

#include <sodium.h>
#include <string.h>

#include "base/platform.h"

bool secret_equal(struct view a, struct view b) {
  return a.size == b.size && sodium_memcmp(a.data, b.data, a.size) == 0;
}

struct view secret_view(const struct secret *secret) {
  return (struct view){secret->bytes, secret->size};
}

enum err secret_set(struct secret *secret, struct view bytes) {
  if (bytes.size > SECRET_MAX)
    return ERR_INTERNAL;
  secret_wipe(secret);
  if (bytes.size > 0)
    memcpy(secret->bytes, bytes.data, bytes.size);
  secret->size = (uint16_t)bytes.size;
  return OK;
}

void secret_move(struct secret *to, struct secret *from) {
  if (to == from)
    return;
  *to = *from;
  secret_wipe(from);
}

void secret_wipe(struct secret *secret) {
  wipe(secret, sizeof *secret);
}

/*
 * Locked memory.  Locking costs a system call and a whole page, so small blocks of one size class
 * share pages, and a page once locked is kept for the next secrets of its class.
 */
static const uint16_t class_sizes[] = {64, 128, 256, 512, 768, 1024, 2048, 4096};
#define CLASSES (sizeof class_sizes / sizeof class_sizes[0])

struct free_block {
  struct free_block *next;
};

static struct platform_mutex pool_mutex = PLATFORM_MUTEX_INITIALIZER;
static struct free_block *pool[CLASSES];

static size_t class_size(unsigned class) {
  return class_sizes[class];
}

static unsigned class_of(size_t size) {
  unsigned class = 0;
  while (class < CLASSES && class_size(class) < size)
    class ++;
  return class;
}

static size_t page_round(size_t size) {
  size_t page = platform_page_size();
  return (size + page - 1) / page * page;
}

static void pool_fill(unsigned class) {
  size_t size = page_round(class_size(class));
  uint8_t *pages = platform_pages_new(size);
  if (pages == NULL)
    return;
  for (size_t at = 0; at + class_size(class) <= size; at += class_size(class)) {
    struct free_block *block = (void *)(pages + at);
    block->next = pool[class];
    pool[class] = block;
  }
}

void *locked_new(size_t size) {
  unsigned class = class_of(size);
  if (class == CLASSES)
    return size > SIZE_MAX / 2 ? NULL : platform_pages_new(page_round(size));
  platform_mutex_take(&pool_mutex);
  if (pool[class] == NULL)
    pool_fill(class);
  struct free_block *block = pool[class];
  if (block != NULL)
    pool[class] = block->next;
  platform_mutex_leave(&pool_mutex);
  if (block != NULL)
    block->next = NULL; /* the rest was wiped when it was freed */
  return block;
}

void locked_free(void *memory, size_t size) {
  if (memory == NULL)
    return;
  unsigned class = class_of(size);
  if (class == CLASSES) {
    platform_pages_free(memory, page_round(size));
    return;
  }
  wipe(memory, class_size(class));
  struct free_block *block = memory;
  platform_mutex_take(&pool_mutex);
  block->next = pool[class];
  pool[class] = block;
  platform_mutex_leave(&pool_mutex);
}
