/*
 * What threads share: reference counts of immutable values, locks, and a flag that detects overlap.
 *
 * A thread that was cancelled in the middle of a call would keep what it holds for ever.  So
 * whoever holds a lock or is in a control domain has cancellation off, and so has whoever may sleep.  A
 * frame holds a latch alone, and does nothing there that could end it: it pays nothing for this.
 * SPDX-License-Identifier: ISC
 */
#ifndef BASE_SYNC_H
#define BASE_SYNC_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/platform.h"

/** Count of the owners of a value; starts at one with refs_init(). */
struct refs {
  atomic_uint count;
};

void refs_init(struct refs *refs);
void refs_take(struct refs *refs);

/** @return true if that was the last owner: free the value now */
CHECKED bool refs_drop(struct refs *refs);

/** Whether the caller is the only owner, and may therefore change the value in place. */
CHECKED bool refs_only(struct refs *refs);

/** A mutex.  Its holder cannot be cancelled; locks are left in the reverse order. */
struct lock {
  struct platform_mutex mutex;
  int before; /* whether its holder could be cancelled */
};

#define LOCK_INITIALIZER                                                                           \
  { PLATFORM_MUTEX_INITIALIZER, 0 }

/** @return OK or ERR_NOMEM */
CHECKED enum err lock_init(struct lock *lock);
void lock_destroy(struct lock *lock);
void lock_take(struct lock *lock);
void lock_leave(struct lock *lock);

/**
 * A flag that one thread holds at a time.  Trying costs one atomic exchange and leaving a store, half of
 * what a mutex costs, as nobody needs to be woken: who waits looks again, at last with a moment's sleep
 * in between.  So it is for what is mostly free and held for a microsecond.  A zeroed one is free.
 */
struct latch {
  atomic_bool held;
  atomic_bool wanted; /* by somebody in a hurry: only a hint */
};

/** @return false if somebody holds it */
CHECKED static inline bool latch_try(struct latch *latch) {
  return !atomic_exchange_explicit(&latch->held, true, memory_order_acquire);
}

/** For whoever holds it. */
static inline void latch_leave(struct latch *latch) {
  atomic_store_explicit(&latch->held, false, memory_order_release);
}

/** Take a latch that was held when it was tried: at once when it is free. */
void latch_wait(struct latch *latch);

/** Take it, for those in a hurry. */
static inline void latch_take(struct latch *latch) {
  if (!latch_try(latch))
    latch_wait(latch);
}

/** Take it, for those who are in no hurry, against those who are: they let these go first, and give up
 *  the processor between tries, so that the holder can go on there. */
void latch_take_politely(struct latch *latch);

/** Set while a call is inside a control domain; its thread cannot be cancelled meanwhile. */
struct busy {
  struct latch inside;
  int before; /* whether the thread inside could be cancelled */
};

/** @return false if somebody is inside already */
CHECKED bool busy_enter(struct busy *busy);
/** Enter where one cannot be refused: wait until whoever is inside has left. */
void busy_wait(struct busy *busy);

void busy_leave(struct busy *busy);

#endif
