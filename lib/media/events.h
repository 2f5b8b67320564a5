/*
 * What streams have to tell the application: a bounded ring of E2EE_EVENT_*.  Any thread.
 *
 * Streams push from the path of a frame, where they must not wait for each other: a place in the ring
 * is claimed by its number, and its `turn` says when it is filled or free again.  So nobody who
 * pushes is held up by another who was interrupted there, nor by whoever takes; only those who take
 * share a lock.
 * SPDX-License-Identifier: ISC
 */
#ifndef MEDIA_EVENTS_H
#define MEDIA_EVENTS_H

#include <stdatomic.h>

#include "base/sync.h"

#define EVENTS_MAX 256u

/* The number of a place counts on from ring to ring. */
struct event_place {
  atomic_uint turn; /* the number: free; one more: filled */
  struct e2ee_event event;
};

struct events {
  atomic_uint next;   /* number to be filled next */
  atomic_ullong lost; /* since the last E2EE_EVENT_DROPPED */
  struct lock lock;
  unsigned first; /* number to be taken next; guarded by the lock */
  struct event_place ring[EVENTS_MAX];
};

/** @param events  zeroed */
CHECKED enum err events_init(struct events *events);
void events_destroy(struct events *events);

/** Add an event; never waits.  In a full ring it is counted instead, and E2EE_EVENT_DROPPED takes its
 *  place. */
void events_push(struct events *events, struct e2ee_event event);

/** Take the oldest event.  @return false if there is none */
bool events_take(struct events *events, struct e2ee_event *out);

#endif
