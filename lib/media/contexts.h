/*
 * Which contexts of a member are taken: the part of a key id (RFC 9605, section 5.2) that tells the
 * streams of one member apart.
 *
 * Two streams with one context in one epoch would encrypt different frames under the same key and
 * counter.  So the count belongs to the group handle, not to a media object: media objects made
 * one after another, or side by side, from one group go on from the same count.
 * SPDX-License-Identifier: ISC
 */
#ifndef MEDIA_CONTEXTS_H
#define MEDIA_CONTEXTS_H

#include <stdint.h>

#include "base/err.h"

/** Epochs that key ids tell apart, by their low bits. */
#define MEDIA_EPOCH_BITS 4u
#define MEDIA_EPOCHS (1u << MEDIA_EPOCH_BITS)

/** Contexts that one group handle can give out in an epoch. */
#define CONTEXTS_RUN 0x1000000u

/** Reference-counted; any thread. */
struct contexts;

CHECKED enum err contexts_new(struct contexts **out);
struct contexts *contexts_share(struct contexts *contexts);
void contexts_drop(struct contexts *contexts); /* accepts NULL */

/**
 * Take the next context in an epoch: 0, 1, 2 …, the shortest on the wire; or, where another copy of
 * the group may be at work in this epoch, a run from a random 32-bit number that stays clear of
 * the short ones.
 * @param restored  group_restored() of the group in that epoch
 * @return OK, or ERR_KEY_EXHAUSTED: none is left, or the epoch was left long ago
 */
CHECKED enum err contexts_draw(struct contexts *contexts, uint64_t epoch, bool restored,
                               uint64_t *out);

#endif
