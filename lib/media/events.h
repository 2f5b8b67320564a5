/*
 * What streams have to tell the application: a bounded ring of E2EE_EVENT_*.  Any thread.
 * SPDX-License-Identifier: ISC
 */
#ifndef MEDIA_EVENTS_H
#define MEDIA_EVENTS_H

#include <pthread.h>

#include "base/err.h"

#define EVENTS_MAX 256u

struct events {
  pthread_mutex_t lock;
  uint64_t lost; /* since the last E2EE_EVENT_DROPPED */
  unsigned first;
  unsigned count;
  struct e2ee_event ring[EVENTS_MAX];
};

/** @param events  zeroed */
CHECKED enum err events_init(struct events *events);
void events_destroy(struct events *events);

/** Add an event.  In a full ring it is counted instead, and E2EE_EVENT_DROPPED takes its place. */
void events_push(struct events *events, struct e2ee_event event);

/** Take the oldest event.  @return false if there is none */
bool events_take(struct events *events, struct e2ee_event *out);

#endif
