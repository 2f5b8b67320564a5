/* SPDX-License-Identifier: ISC */
#include "base/sync.h"

void refs_init(struct refs *refs) {
  atomic_init(&refs->count, 1);
}

void refs_take(struct refs *refs) {
  (void)atomic_fetch_add_explicit(&refs->count, 1, memory_order_relaxed);
}

bool refs_drop(struct refs *refs) {
  /* Release what this owner wrote; the last owner acquires it before freeing. */
  return atomic_fetch_sub_explicit(&refs->count, 1, memory_order_acq_rel) == 1;
}

bool refs_only(struct refs *refs) {
  return atomic_load_explicit(&refs->count, memory_order_acquire) == 1;
}

enum err lock_init(struct lock *lock) {
  return platform_mutex_init(&lock->mutex);
}

void lock_destroy(struct lock *lock) {
  platform_mutex_destroy(&lock->mutex);
}

void lock_take(struct lock *lock) {
  int before = platform_cancel_off();
  platform_mutex_take(&lock->mutex);
  lock->before = before;
}

void lock_leave(struct lock *lock) {
  int before = lock->before;
  platform_mutex_leave(&lock->mutex);
  platform_cancel_back(before);
}

#define LOOKS 8192 /* a few microseconds, where sleeping takes 50 or more */
#define LOOKS_POLITE 256
#define YIELDS 64 /* longer than a frame takes, unless its thread was interrupted */
#define SLEEP_NS 20000

/* Looking does not take the latch's memory away from whoever holds it, as trying does. */
static bool try_often(struct latch *latch, unsigned looks) {
  for (unsigned i = 0; i < looks; i++)
    if (!atomic_load_explicit(&latch->held, memory_order_relaxed) && latch_try(latch))
      return true;
  return false;
}

/* Asleep and not only yielding: a holder of lower priority, interrupted by this thread, has to go on.
 * Who sleeps would miss that the latch is free for a moment, were others not told that it is wanted. */
void latch_wait(struct latch *latch) {
  int before = platform_cancel_off(); /* sleeping is where threads are cancelled */
  atomic_store_explicit(&latch->wanted, true, memory_order_relaxed);
  while (!try_often(latch, LOOKS))
    platform_sleep(SLEEP_NS);
  atomic_store_explicit(&latch->wanted, false, memory_order_relaxed);
  platform_cancel_back(before);
}

void latch_take_politely(struct latch *latch) {
  for (unsigned i = 0; i < YIELDS; i++) {
    if (!atomic_load_explicit(&latch->wanted, memory_order_relaxed) &&
        try_often(latch, LOOKS_POLITE))
      return;
    platform_yield();
  }
  latch_wait(latch);
}

bool busy_enter(struct busy *busy) {
  int before = platform_cancel_off();
  bool entered = latch_try(&busy->inside);
  if (entered)
    busy->before = before;
  else
    platform_cancel_back(before);
  return entered;
}

void busy_wait(struct busy *busy) {
  int before = platform_cancel_off();
  latch_take_politely(&busy->inside);
  busy->before = before;
}

void busy_leave(struct busy *busy) {
  int before = busy->before;
  latch_leave(&busy->inside);
  platform_cancel_back(before);
}
