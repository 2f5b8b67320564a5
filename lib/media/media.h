/*
 * What all streams of a media object share.
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

#include "base/buf.h"
#include "base/sync.h"
#include "media/events.h"
#include "media/keys.h"
#include "sframe/key.h"

/** Counts of a stream, written by its thread alone and read by any. */
struct counters {
  atomic_ullong sent, received, no_key, auth_failed, replayed, malformed;
  atomic_ullong no_room, never_right, late; /* of no_key, auth_failed, replayed */
};

/** What all streams have, at their beginning. */
struct media_stream {
  struct media_stream *next; /* guarded by media->lock */
  struct counters counters;
};

/** Owned by the application's handle and by every stream. */
struct media {
  struct refs refs;
  struct sframe_suite suite;
  struct events events;
  struct keys *keys;

  struct lock lock;        /* guards the rest, and what is in `keys` */
  struct outgoing *active; /* what senders use: of the keys; or NULL */
  struct media_stream *senders;
  struct media_stream *receivers;
  struct e2ee_stats past; /* of streams that were freed */
};

/**
 * @param suite_id  RFC 9605, section 8.1
 * @param keys      its key management, taken over on success
 * @return OK, ERR_UNSUPPORTED or ERR_NOMEM
 */
CHECKED enum err media_new(uint16_t suite_id, struct keys *keys, struct media **out);
/** Give up one owner's part; the last one wipes and frees. */
void media_drop(struct media *media);

/** Wipe the keys of all epochs before this one in every stream; of all senders, for UINT64_MAX.
 *  @return OK; ERR_INVALID_STATE (another number for a media object that has no epochs) */
CHECKED enum err media_retire(struct media *media, uint64_t epoch);

void media_stats(struct media *media, struct e2ee_stats *out);

void media_lock(struct media *media);
void media_unlock(struct media *media);

/* ---- For streams ---- */

static inline void counters_count(atomic_ullong *counter) {
  /* One writer: no read-modify-write needed. */
  unsigned long long value = atomic_load_explicit(counter, memory_order_relaxed);
  atomic_store_explicit(counter, value + 1, memory_order_relaxed);
}

/** Add what a stream has counted so far.  Any thread. */
void counters_add(const struct counters *counters, struct e2ee_stats *stats);

/** One more stream of a list; the media object is taken.  media->lock is held. */
void media_enter(struct media *media, struct media_stream **streams, struct media_stream *stream);
/** One less; its counts are kept.  The caller drops the media object then. */
void media_leave(struct media *media, struct media_stream **streams, struct media_stream *stream);

#endif
