/* SPDX-License-Identifier: ISC */
#include "media/events.h"

enum err events_init(struct events *events) {
  return pthread_mutex_init(&events->lock, NULL) == 0 ? OK : ERR_NOMEM;
}

void events_destroy(struct events *events) {
  (void)pthread_mutex_destroy(&events->lock);
}

static void append(struct events *events, struct e2ee_event event) {
  events->ring[(events->first + events->count) % EVENTS_MAX] = event;
  events->count++;
}

static struct e2ee_event loss(struct events *events) {
  struct e2ee_event event = {
      .kind = E2EE_EVENT_DROPPED, .leaf = UINT32_MAX, .epoch = 0, .value = events->lost};
  events->lost = 0;
  return event;
}

void events_push(struct events *events, struct e2ee_event event) {
  (void)pthread_mutex_lock(&events->lock);
  /* The loss is told where it happened: before anything newer. */
  if (events->lost > 0 && events->count < EVENTS_MAX)
    append(events, loss(events));
  if (events->count < EVENTS_MAX)
    append(events, event);
  else
    events->lost++;
  (void)pthread_mutex_unlock(&events->lock);
}

bool events_take(struct events *events, struct e2ee_event *out) {
  bool found = true;
  (void)pthread_mutex_lock(&events->lock);
  if (events->count > 0) {
    *out = events->ring[events->first];
    events->first = (events->first + 1) % EVENTS_MAX;
    events->count--;
  } else if (events->lost > 0) {
    *out = loss(events);
  } else {
    found = false;
  }
  (void)pthread_mutex_unlock(&events->lock);
  return found;
}
