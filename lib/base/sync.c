/* SPDX-License-Identifier: ISC */
#include "base/sync.h"

#include <sched.h>

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

#define TRIES 64  /* about 2 us */
#define YIELDS 64 /* longer than a frame takes, unless its thread was interrupted */

static bool try_lock(pthread_mutex_t *mutex) {
  for (unsigned i = 0; i < TRIES; i++)
    if (pthread_mutex_trylock(mutex) == 0)
      return true;
  return false;
}

void lock_soon(pthread_mutex_t *mutex) {
  if (!try_lock(mutex))
    (void)pthread_mutex_lock(mutex);
}

void lock_politely(pthread_mutex_t *mutex) {
  for (unsigned i = 0; i < YIELDS; i++) {
    if (try_lock(mutex))
      return;
    (void)sched_yield();
  }
  (void)pthread_mutex_lock(mutex);
}

bool busy_enter(struct busy *busy) {
  return !atomic_exchange_explicit(&busy->inside, true, memory_order_acquire);
}

void busy_wait(struct busy *busy) {
  while (!busy_enter(busy))
    (void)sched_yield();
}

void busy_leave(struct busy *busy) {
  atomic_store_explicit(&busy->inside, false, memory_order_release);
}
