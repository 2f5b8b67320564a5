/*
 * What threads share: reference counts of immutable values, and a flag that detects overlap.
 * SPDX-License-Identifier: ISC
 */
#ifndef BASE_SYNC_H
#define BASE_SYNC_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/err.h"

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

/**
 * Take a lock that others hold for a microsecond.  Falling asleep for it would take longer, and whoever
 * holds it would have to wake the sleeper: so try for a while before.
 */
void lock_soon(pthread_mutex_t *mutex);

/** The same for those who are in no hurry, against those who are: give up the processor between tries,
 *  so that the other one can go on there. */
void lock_politely(pthread_mutex_t *mutex);

/** Set while a call is inside a control domain. */
struct busy {
  atomic_bool inside;
};

/** @return false if somebody is inside already */
CHECKED bool busy_enter(struct busy *busy);
/** Enter where one cannot be refused: wait until whoever is inside has left. */
void busy_wait(struct busy *busy);

void busy_leave(struct busy *busy);

#endif
