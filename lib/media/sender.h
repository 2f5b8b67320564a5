/*
 * One outgoing stream: a key of its own in each epoch, and the counter that goes with it.
 * SPDX-License-Identifier: ISC
 */
#ifndef MEDIA_SENDER_H
#define MEDIA_SENDER_H

#include "media/format.h"
#include "media/media.h"

/**
 * Frames under one key.  2^32 are a week of 7000 a second; packets of 1200 bytes stay below 2^39 AES
 * blocks, which keeps an attacker's advantage against GCM under 2^-50.
 */
#define SENDER_FRAMES ((uint64_t)1 << 32)

/** E2EE_EVENT_KEY_LOW comes when this many are left. */
#define SENDER_FRAMES_LOW (SENDER_FRAMES / 16)

/** In locked memory. */
struct sender_key {
  struct sframe_key key;
  uint64_t epoch;
  uint64_t counter;      /* of the next frame */
  atomic_ullong *shared; /* counts instead, where other streams have this key too; else NULL */
  uint32_t leaf;
};

struct e2ee_sender {
  struct media_stream stream; /* in media->senders */
  struct media *media;
  struct sender_key *prepared; /* guarded by media->lock */

  struct latch latch; /* guards the rest */
  struct sender_key *key;
  bool broken; /* a backend failed: no frame goes out any more */
};

CHECKED enum err sender_new(struct media *media, struct e2ee_sender **out);
void sender_free(struct e2ee_sender *sender);

/**
 * Encrypt one frame.
 * @return OK; ERR_BUFFER_TOO_SMALL; ERR_NO_KEY; ERR_KEY_EXHAUSTED; ERR_INTERNAL (out wiped)
 */
CHECKED enum err sender_encrypt(struct e2ee_sender *sender, const struct frame_call *call);

/** The same in another format than RFC 9605's. */
CHECKED enum err sender_encrypt_as(struct e2ee_sender *sender, const struct frame_call *call,
                                   const struct frame_format *format);

/* ---- For key managements, which hold media->lock ---- */

/** Let all senders go on with this, or none of them. */
CHECKED enum err senders_switch(struct media *media, struct outgoing *next);

/** Leave all senders without a key. */
void senders_silence(struct media *media);

#endif
