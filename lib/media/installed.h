/*
 * The installed epochs of a group, as one receiver sees them: the source of its keys where those come
 * from MLS (RFC 9605, section 5.2).
 * SPDX-License-Identifier: ISC
 */
#ifndef MEDIA_INSTALLED_H
#define MEDIA_INSTALLED_H

#include "media/media.h"

/** Guarded by the receiver's latch. */
struct installed {
  struct source source;
  struct media *media;
  const struct media_epoch *epochs[MEDIA_EPOCHS]; /* by media_epoch_slot() */
};

void installed_init(struct installed *installed, struct media *media);

/** media->lock is held: take over its epochs. */
void installed_copy(struct installed *installed);

#endif
