/* SPDX-License-Identifier: ISC */
#include "media/events.h"

#include <limits.h>

enum err events_init(struct events *events) {
  for (unsigned i = 0; i < EVENTS_MAX; i++)
    atomic_init(&events->ring[i].turn, i);
  return lock_init(&events->lock);
}

void events_destroy(struct events *events) {
  lock_destroy(&events->lock);
}

/* Claim the next number and fill its place, unless the event of the round before is still there. */
static bool append(struct events *events, const struct e2ee_event *event) {
  unsigned number = atomic_load_explicit(&events->next, memory_order_relaxed);
  for (;;) {
    struct event_place *place = &events->ring[number % EVENTS_MAX];
    unsigned turn = atomic_load_explicit(&place->turn, memory_order_acquire);
    if (turn == number) {
      if (!atomic_compare_exchange_weak_explicit(&events->next, &number, number + 1,
                                                 memory_order_relaxed, memory_order_relaxed))
        continue;
      place->event = *event;
      atomic_store_explicit(&place->turn, number + 1, memory_order_release);
      return true;
    }
    if (turn - number > UINT_MAX / 2)
      return false;
    number = atomic_load_explicit(&events->next, memory_order_relaxed); /* somebody was faster */
  }
}

static struct e2ee_event loss_of(uint64_t count) {
  return (struct e2ee_event){
      .kind = E2EE_EVENT_DROPPED, .leaf = UINT32_MAX, .epoch = 0, .value = count};
}

/* The loss is told where it happened: before anything newer. */
static void tell_loss(struct events *events) {
  uint64_t count = atomic_exchange_explicit(&events->lost, 0, memory_order_relaxed);
  const struct e2ee_event event = loss_of(count);
  if (count > 0 && !append(events, &event))
    atomic_fetch_add_explicit(&events->lost, count, memory_order_relaxed);
}

void events_push(struct events *events, struct e2ee_event event) {
  if (atomic_load_explicit(&events->lost, memory_order_relaxed) > 0)
    tell_loss(events);
  if (!append(events, &event))
    atomic_fetch_add_explicit(&events->lost, 1, memory_order_relaxed);
}

static bool take(struct events *events, struct e2ee_event *out) {
  unsigned number = events->first;
  struct event_place *place = &events->ring[number % EVENTS_MAX];
  if (atomic_load_explicit(&place->turn, memory_order_acquire) == number + 1) {
    *out = place->event;
    events->first = number + 1;
    atomic_store_explicit(&place->turn, number + EVENTS_MAX, memory_order_release);
    return true;
  }
  if (atomic_load_explicit(&events->next, memory_order_relaxed) != number)
    return false; /* claimed, and not filled yet: what comes after it has to wait */
  uint64_t count = atomic_exchange_explicit(&events->lost, 0, memory_order_relaxed);
  *out = loss_of(count);
  return count > 0;
}

bool events_take(struct events *events, struct e2ee_event *out) {
  lock_take(&events->lock);
  struct e2ee_event event;
  bool found = take(events, &event);
  lock_leave(&events->lock);
  if (found)
    *out = event;
  return found;
}
