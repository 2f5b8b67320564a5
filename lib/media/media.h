/*
 * Frame keys for all streams: of one group, the only place where MLS epochs meet SFrame keys; or keys
 * that the application brings (media/senderkeys.h).
 *
 * Locks.  media->lock guards what is in struct media; each stream has a latch of its own, taken
 * after it.  A frame call takes the stream's latch alone.  Every stream sees epochs through pointers
 * (receivers) or a derived key (senders) that are changed under both locks: so once a function here
 * has visited each stream, nobody can still be using what it took away, and it is wiped there and
 * then.  All that allocates or derives is done before a stream's latch is taken.
 * SPDX-License-Identifier: ISC
 */
#ifndef MEDIA_MEDIA_H
#define MEDIA_MEDIA_H

#include <stdatomic.h>

#include "base/sync.h"
#include "media/epoch.h"
#include "media/events.h"

/** Counts of a stream, written by its thread alone and read by any. */
struct counters {
  atomic_ullong sent, received, no_key, auth_failed, replayed, malformed;
  atomic_ullong no_room, never_right, late; /* of no_key, auth_failed, replayed */
};

/** Owned by the application's handle and by every stream. */
struct media {
  struct refs refs;
  struct sframe_suite suite;
  unsigned ratchet_bits; /* R of the own sender keys; 0: keys come from a group */
  struct events events;
  atomic_uint unknown; /* bit media_epoch_slot(): E2EE_EVENT_UNKNOWN_EPOCH was told */
  atomic_uint differs; /* the same for E2EE_EVENT_PEER_DIFFERS */

  struct lock lock; /* guards the rest */
  struct bytes group_id;
  bool bound; /* group_id is set */
  struct media_epoch *epochs[MEDIA_EPOCHS];
  struct chain *chains;    /* of other senders, where keys come from the application */
  struct own_key *own;     /* NULL if there is none */
  struct outgoing *active; /* what senders use: of one of the epochs, or of the own key; or NULL */
  uint64_t first;          /* epochs, or own generations, before this one cannot be set any more */
  struct e2ee_sender *senders;
  struct e2ee_receiver *receivers;
  struct e2ee_stats past; /* of streams that were freed */
};

/** @param suite_id  RFC 9605, section 8.1  @return OK, ERR_UNSUPPORTED or ERR_NOMEM */
CHECKED enum err media_new(uint16_t suite_id, struct media **out);
void media_take(struct media *media);
/** Give up one owner's part; the last one wipes and frees. */
void media_drop(struct media *media);

/**
 * Let receivers accept the group's present epoch; again for an installed epoch does nothing.
 * The epoch with the same low bits, 16 or more before, is gone (RFC 9605, section 5.2).
 * @param contexts  of the handle of `group`
 * @return OK; ERR_INVALID_STATE (another group, another member, another secret in this epoch, or not
 *         for groups);
 *         ERR_OLD_EPOCH (not newer than every epoch that was installed, or retired)
 */
CHECKED enum err media_install(struct media *media, struct contexts *contexts,
                               const struct group *group, struct why *why);

/** Let senders use an installed epoch.  @return OK; ERR_NOT_FOUND (not installed); ERR_OLD_EPOCH
 *  (they use a later one); ERR_KEY_EXHAUSTED (no context left); ERR_INVALID_STATE (not for groups) */
CHECKED enum err media_activate(struct media *media, uint64_t epoch);

/** Wipe the keys of all epochs before this one in every stream; of all senders, for UINT64_MAX.
 *  @return OK; ERR_INVALID_STATE (another number for a media object that has no epochs) */
CHECKED enum err media_retire(struct media *media, uint64_t epoch);

/** What the roster of an installed epoch says of a leaf.  @return OK, or ERR_NOT_FOUND */
CHECKED enum err media_member(struct media *media, uint64_t epoch, uint32_t leaf, uint32_t what,
                              struct bytes *out);

void media_stats(struct media *media, struct e2ee_stats *out);

/* ---- For whoever changes keys ---- */

void media_lock(struct media *media);
void media_unlock(struct media *media);

/** Let all senders go on with this, or none of them.  media->lock is held. */
CHECKED enum err media_switch(struct media *media, struct outgoing *next);

/** Leave all senders without a key.  media->lock is held. */
void media_silence(struct media *media);

/* ---- For streams ---- */

/** What a frame call is given. */
struct frame_call {
  struct view metadata, frame;
  uint8_t *out; /* disjoint from the frame or at the same address */
  size_t capacity;
  size_t *size; /* out: bytes written; the bytes needed with ERR_BUFFER_TOO_SMALL */
};

static inline void counters_count(atomic_ullong *counter) {
  /* One writer: no read-modify-write needed. */
  unsigned long long value = atomic_load_explicit(counter, memory_order_relaxed);
  atomic_store_explicit(counter, value + 1, memory_order_relaxed);
}

/** Add what a stream has counted so far.  Any thread. */
void counters_add(const struct counters *counters, struct e2ee_stats *stats);

/** Keep the counts of a stream that is being freed.  media->lock is held. */
void media_keep_counts(struct media *media, const struct counters *counters);

/** A frame came for an epoch that is not installed: told once until the next install. */
void media_unknown_epoch(struct media *media, uint64_t kid);

/** A frame has a wrong tag, and none of its key id was right: told once until the next install. */
void media_peer_differs(struct media *media, const struct media_epoch *epoch, uint64_t kid);

#endif
