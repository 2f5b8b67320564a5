/*
 * The keys of one sender as its receivers see them, where keys do not come from MLS: "sender keys"
 * (RFC 9605, section 5.1).
 *
 * The sender takes a new key when somebody leaves (a generation), and ratchets it forward when somebody
 * joins (a step):  KID = generation * 2^R + step mod 2^R.
 *
 * A chain is a short list of keys, its links, in the order of generations and steps: the one that the
 * sender uses now, which is the newest that an authentic frame came of; at most one before it, for
 * frames that are late; and generations after it that were announced.  A key id up to chain_reach()
 * steps ahead of a link is ratcheted to, but only an authentic frame moves the chain there.
 *
 * All receivers of the sender share the chain.  They look into it when a key id is new to them, and
 * when source.version has changed; its lock is held for a copy, while no key is derived.
 * SPDX-License-Identifier: ISC
 */
#ifndef MEDIA_CHAIN_H
#define MEDIA_CHAIN_H

#include "base/sync.h"
#include "media/events.h"
#include "media/keys.h"
#include "sframe/key.h"
#include "sframe/replay.h"

/** R: with 6 bits, the first four generations have key ids of one byte, the first 1024 of two. */
#define CHAIN_BITS_DEFAULT 6u
#define CHAIN_BITS_MIN 2u
#define CHAIN_BITS_MAX 16u

/** Steps that a forged frame can have derived, at most, at two HMACs a step. */
#define CHAIN_REACH_MAX 127u

/** Frames of a sender until what it has left behind is wiped: as far as one can be late. */
#define CHAIN_LATE REPLAY_WINDOW

/** The one before, the one that is used, and six that wait. */
#define CHAIN_LINKS 8u

struct chain_link {
  uint64_t generation, step;
  unsigned since; /* version of the chain in which a step came to be that was not its first */
  bool heard;     /* a frame of it was accepted */
  struct secret secret;
};

/** In locked memory.  Owned by a media object and by each receiver. */
struct chain {
  struct source source;
  struct refs refs;
  struct chain *next; /* of the peer keys, guarded by media->lock */
  const struct sframe_suite *suite;
  struct events *events;
  uint32_t sender;
  unsigned bits;       /* R */
  atomic_bool told;    /* E2EE_EVENT_UNKNOWN_EPOCH, since the last key was set */
  atomic_bool differs; /* E2EE_EVENT_PEER_DIFFERS, likewise */

  struct lock lock; /* guards the rest */
  uint64_t first;   /* generations before this one were retired */
  unsigned now, count;
  struct chain_link links[CHAIN_LINKS];
};

/** Steps that a receiver follows: less than half of those that R bits tell apart, so that ahead and
 *  behind are never mistaken for each other. */
uint64_t chain_reach(unsigned bits);

/** @param suite, events  live as long as the chain */
CHECKED enum err chain_new(const struct sframe_suite *suite, struct events *events, uint32_t sender,
                           unsigned bits, struct chain **out);
struct chain *chain_share(struct chain *chain);
void chain_drop(struct chain *chain); /* accepts NULL */

/**
 * Take the sender's key of a newer generation; or of a later step of the newest, for a receiver that
 * has lost track.  Too many that wait push out the oldest key.
 * @return OK, also for the same key again; ERR_OLD_EPOCH (before the newest, or retired);
 *         ERR_INVALID_STATE (another key for the same generation and step)
 */
CHECKED enum err chain_set(struct chain *chain, uint64_t generation, uint64_t step,
                           const struct secret *secret);

/** Whether it has this key; equal keys of two senders would be mistaken for each other. */
bool chain_holds(struct chain *chain, const struct secret *secret);

/** Give up what is before the key in use, and all generations before this one. */
void chain_retire(struct chain *chain, uint64_t generation);

#endif
