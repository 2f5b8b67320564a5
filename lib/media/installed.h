/*
 * The installed epochs of a group, as one receiver sees them: the source of its keys where those come
 * from MLS (RFC 9605, section 5.2).
 * SPDX-License-Identifier: ISC
 */
#ifndef MEDIA_INSTALLED_H
#define MEDIA_INSTALLED_H

#include "media/epoch.h"
#include "media/events.h"
#include "media/keys.h"

/** What all receivers of a group look at, which is there longer than they are. */
struct installed_epochs {
  struct media_epoch *epochs[MEDIA_EPOCHS]; /* by media_epoch_slot(); guarded by media->lock */
  struct events *events;
  atomic_uint unknown; /* a bit a slot: E2EE_EVENT_UNKNOWN_EPOCH was told since the last install */
  atomic_uint differs; /* the same for E2EE_EVENT_PEER_DIFFERS */
};

/** Guarded by the receiver's latch. */
struct installed {
  struct source source;
  struct installed_epochs *all;
  const struct media_epoch *epochs[MEDIA_EPOCHS]; /* by media_epoch_slot() */
};

/** @param out  a source, empty until it is refreshed; to be dropped */
CHECKED enum err installed_new(struct installed_epochs *all, struct source **out);

#endif
