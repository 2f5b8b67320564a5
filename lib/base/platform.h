/*
 * What the library needs of the operating system: mutexes and threads, cancellation, waiting,
 * memory for secrets, randomness, a clock.  Nothing but base/platform* names a system: each has a
 * file that implements all of this, and its types stand here.
 * SPDX-License-Identifier: ISC
 */
#ifndef BASE_PLATFORM_H
#define BASE_PLATFORM_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* ---- Mutexes, and what is done once ---- */

/** A mutex; who holds it does not take it again.  Taking it is no cancellation point. */
struct platform_mutex {
  pthread_mutex_t native;
};

/** One that is there from the start needs no platform_mutex_init(). */
#define PLATFORM_MUTEX_INITIALIZER                                                                 \
  { PTHREAD_MUTEX_INITIALIZER }

/** @return OK or ERR_NOMEM */
CHECKED enum err platform_mutex_init(struct platform_mutex *mutex);
void platform_mutex_destroy(struct platform_mutex *mutex);
void platform_mutex_take(struct platform_mutex *mutex);
void platform_mutex_leave(struct platform_mutex *mutex);

struct platform_once {
  pthread_once_t native;
};

#define PLATFORM_ONCE_INITIALIZER                                                                  \
  { PTHREAD_ONCE_INIT }

/** Run it, unless that was done; where another thread is at it, wait until it is done. */
void platform_once(struct platform_once *once, void (*run)(void));

/* ---- Threads ---- */

/** A thread, and what it is to do. */
struct platform_thread {
  void (*run)(void *argument);
  void *argument;
  pthread_t native; /* set where it is started */
};

/**
 * Start threads in their order.  Each must be joined, and stay where it is until then.  The
 * program's signals are for its own threads: none comes to these.
 * @return how many were started: fewer where the system gives no more, or none
 */
CHECKED unsigned platform_threads_start(struct platform_thread *threads, unsigned count);

/** Wait until it has ended.  May be a cancellation point. */
void platform_thread_join(struct platform_thread *thread);

/** Turn cancellation of the calling thread off, as long as it does what must not end half-way.
 *  @return what platform_cancel_back() is to be given */
CHECKED int platform_cancel_off(void);
void platform_cancel_back(int before);

/** Let others have the processor. */
void platform_yield(void);

/** Sleep for about as long, less than a second.  May be a cancellation point. */
void platform_sleep(uint32_t nanoseconds);

/* ---- Memory for secrets ---- */

/** The size of a page; a power of two. */
CHECKED size_t platform_page_size(void);

/**
 * Zeroed pages of their own, locked into RAM and left out of core dumps as far as the system
 * allows.
 * @param size  a multiple of the page size, not 0
 * @return NULL where there is no memory
 */
CHECKED void *platform_pages_new(size_t size);

/** Wipe them and give them back.  @param size  as it was asked for */
void platform_pages_free(void *pages, size_t size);

/* ---- Randomness, and the time ---- */

/** Whether the system has random bytes to give; where it was just started it may wait for them. */
CHECKED bool platform_has_random(void);

/** Unix time, of the second in which it is asked for.
 *  @return false, and nothing is written, if there is no clock, or it is before 1970 */
CHECKED bool platform_clock(uint64_t *seconds);

#endif
