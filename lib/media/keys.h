/*
 * Where frame keys come from: all that media objects and streams ask of a key management.
 *
 * RFC 9605 has two, epochs of a group (groupkeys.h) and keys of participants (peerkeys.h), and they
 * differ in little that a stream could see.  A receiver asks who sends under a key id and which secret is
 * behind it; a sender, under which key id it goes on, with which secret.  Derived keys, replay windows,
 * counters and events are the streams' own, and the same for both.
 * SPDX-License-Identifier: ISC
 */
#ifndef MEDIA_KEYS_H
#define MEDIA_KEYS_H

#include <stdatomic.h>

#include "base/secret.h"

/* ---- For the media object ---- */

struct keys;

struct keys_type {
  /** Wipe what is older; all, for UINT64_MAX.  media->lock is held.  @return OK or ERR_INVALID_STATE */
  enum err (*retire)(struct keys *keys, uint64_t epoch);
  /** When no stream is left. */
  void (*free)(struct keys *keys);
};

struct keys {
  const struct keys_type *type;
};

/* ---- For receivers ---- */

/** Keys that are given up at once are of one class, of so many. */
#define KEY_CLASSES 16u

/** Who sends under a key id. */
struct frame_origin {
  uint64_t epoch; /* of the group, or the generation of the sender's key */
  uint64_t mask;  /* the key id's bits that all streams of this sender have in common */
  uint32_t leaf;  /* or the application's number of the sender */
  uint32_t class;
};

struct source;

struct source_type {
  /** Asked before the secret.  @return OK, or ERR_NO_KEY: no such epoch */
  enum err (*who)(const struct source *source, uint64_t kid, struct frame_origin *out);

  /** sframe_secret of a key id, asked when its key has to be derived.  No key changes.
   *  @return OK; ERR_NO_KEY: no such key, or nobody who may send with it */
  enum err (*secret)(struct source *source, uint64_t kid, struct secret *out);

  /** A frame of a key id proved authentic, in this stream for the first time.
   *  @return whether the application should hear of it: E2EE_EVENT_PEER_SWITCHED */
  bool (*heard)(struct source *source, uint64_t kid);

  /** A frame of a key id, of which this stream has accepted none, has a wrong tag. */
  void (*differs)(struct source *source, uint64_t kid);

  /** One owner less: the receiver ends. */
  void (*drop)(struct source *source);

  /* For sources of which each receiver has one of its own.  The stream's latch is held.  NULL: it is
   * shared. */

  /** Take over what was installed; media->lock is held, too. */
  void (*refresh)(struct source *source);

  /** Give up some classes of keys.  @param classes  a bit each */
  void (*forget)(struct source *source, unsigned classes);

  /* For sources that give up keys when frames of newer ones come.  NULL: this one gives up nothing but
   * what is taken from it and from every stream. */

  /** One more frame was accepted, while `late` was not 0. */
  void (*passed)(struct source *source);

  /** Whether a stream may keep what it has of a key id, and had when the version was `seen`. */
  bool (*alive)(struct source *source, uint64_t kid, unsigned seen);
};

struct source {
  const struct source_type *type;
  atomic_uint version; /* grows when keys are given up: streams drop theirs before the next frame */
  atomic_uint late;    /* frames until the keys before the newest are given up; 0: there are none */
};

/* ---- For senders ---- */

/** What one stream encrypts with. */
struct draw {
  const struct secret *secret; /* sframe_secret; belongs to the outgoing */
  uint64_t kid;
  uint64_t epoch; /* as in struct frame_origin */
  uint32_t leaf;  /* own; UINT32_MAX if none */
  atomic_ullong
      *counter; /* where streams share the key id, frames that they encrypted; else NULL */
};

/** What senders encrypt with at present; alive until all of them have switched to something else. */
struct outgoing {
  /** For one more stream: a key id that no other one draws, or a counter that they share.
   *  @return OK or ERR_KEY_EXHAUSTED */
  enum err (*draw)(struct outgoing *outgoing, struct draw *out);
};

#endif
