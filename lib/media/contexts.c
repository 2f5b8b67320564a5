/* SPDX-License-Identifier: ISC */
#include "media/contexts.h"

#include "base/mem.h"
#include "base/sync.h"
#include "crypto/provider.h"

/* The contexts of one epoch. */
struct run {
  bool started;
  uint64_t epoch;
  uint64_t next;
  uint32_t left;
};

struct contexts {
  struct refs refs;
  struct lock lock;
  struct run
      runs[MEDIA_EPOCHS]; /* by epoch mod MEDIA_EPOCHS, as long as a media object keeps one */
};

enum err contexts_new(struct contexts **out) {
  struct contexts *contexts = mem_new(1, sizeof *contexts);
  if (contexts == NULL)
    return ERR_NOMEM;
  if (lock_init(&contexts->lock) != OK) {
    mem_free(contexts);
    return ERR_NOMEM;
  }
  refs_init(&contexts->refs);
  *out = contexts;
  return OK;
}

struct contexts *contexts_share(struct contexts *contexts) {
  refs_take(&contexts->refs);
  return contexts;
}

void contexts_drop(struct contexts *contexts) {
  if (contexts == NULL || !refs_drop(&contexts->refs))
    return;
  lock_destroy(&contexts->lock);
  mem_free(contexts);
}

/* A 32-bit number with a whole run above it and below 2^32, and none of the short contexts. */
static uint64_t random_start(void) {
  uint8_t bytes[8];
  provider_random(bytes, sizeof bytes);
  uint64_t value = 0;
  for (size_t i = 0; i < sizeof bytes; i++)
    value = value << 8 | bytes[i];
  return CONTEXTS_RUN + value % (((uint64_t)1 << 32) - 2 * (uint64_t)CONTEXTS_RUN);
}

static enum err draw(struct run *run, uint64_t epoch, bool restored, uint64_t *out) {
  /* An epoch whose count is forgotten must not start again at 0. */
  if (run->started && run->epoch > epoch)
    return ERR_KEY_EXHAUSTED;
  if (!run->started || run->epoch < epoch)
    *run = (struct run){true, epoch, restored ? random_start() : 0, CONTEXTS_RUN};
  if (run->left == 0)
    return ERR_KEY_EXHAUSTED;
  run->left--;
  *out = run->next++;
  return OK;
}

enum err contexts_draw(struct contexts *contexts, uint64_t epoch, bool restored, uint64_t *out) {
  lock_take(&contexts->lock);
  enum err err = draw(&contexts->runs[epoch % MEDIA_EPOCHS], epoch, restored, out);
  lock_leave(&contexts->lock);
  return err;
}
