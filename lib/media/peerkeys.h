/*
 * A media object whose keys the application brings: an own key, and a chain for each other sender
 * (RFC 9605, section 5.1).  Each function takes media->lock; refusals of a media object that follows a
 * group are ERR_INVALID_STATE.  Any thread.
 * SPDX-License-Identifier: ISC
 */
#ifndef MEDIA_PEERKEYS_H
#define MEDIA_PEERKEYS_H

#include "media/chain.h"
#include "media/ownkey.h"
#include "media/receiver.h"

/** Guarded by media->lock. */
struct peer_keys {
  struct keys keys;
  struct media *media;
  unsigned ratchet_bits; /* R of the own key */
  struct chain *chains;  /* of other senders */
  struct own_key *own;   /* NULL if there is none */
  uint64_t first;        /* own generations before this one cannot be set any more */
};

/** NULL: its keys come from a group. */
struct peer_keys *peer_keys_of(const struct media *media);

/** Steps beyond it would wrap where they are compared. */
#define PEERKEYS_STEP_MAX (UINT64_MAX >> 1)

/** @param bits  R of the own key, CHAIN_BITS_MIN to _MAX */
CHECKED enum err peerkeys_new(uint16_t suite_id, unsigned bits, struct media **out);

/**
 * Let all senders go on with a new own key.
 * @return OK; ERR_INVALID_ARG (generation above 64 - R bits); ERR_OLD_EPOCH (not newer than the last);
 *         ERR_INVALID_STATE (the last generation began with this key, or another sender has it)
 */
CHECKED enum err peerkeys_set_own(struct media *media, uint64_t generation, struct view base_key);

/**
 * Ratchet the own key forward if a frame was encrypted with it.
 * @param base_key  out: of the step that senders use now
 * @return OK; ERR_INVALID_STATE (no own key)
 */
CHECKED enum err peerkeys_ratchet(struct media *media, uint64_t *step, struct bytes *base_key);

/** @return OK; ERR_INVALID_STATE (it is there already); ERR_OLD_EPOCH (the call has ended) */
CHECKED enum err peerkeys_add(struct media *media, uint32_t sender, unsigned bits);

/** @return as chain_set(); ERR_NOT_FOUND; ERR_INVALID_ARG (generation above 64 - R bits);
 *          ERR_INVALID_STATE (it is the own key, or another sender's) */
CHECKED enum err peerkeys_set(struct media *media, uint32_t sender, uint64_t generation,
                              uint64_t step, struct view base_key);

/** As chain_retire(), in every stream before it returns.  @return OK or ERR_NOT_FOUND */
CHECKED enum err peerkeys_retire(struct media *media, uint32_t sender, uint64_t generation);

/** Wipe all keys of a sender and forget it; its receivers get no more keys.
 *  @return OK or ERR_NOT_FOUND */
CHECKED enum err peerkeys_remove(struct media *media, uint32_t sender);

/** @return OK or ERR_NOT_FOUND */
CHECKED enum err peerkeys_receiver(struct media *media, uint32_t sender,
                                   struct e2ee_receiver **out);

#endif
