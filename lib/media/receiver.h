/*
 * One incoming stream of frames, of any member of a group or of one sender: keys derived as key ids turn
 * up, replays refused.
 * SPDX-License-Identifier: ISC
 */
#ifndef MEDIA_RECEIVER_H
#define MEDIA_RECEIVER_H

#include "media/format.h"
#include "media/media.h"
#include "media/tracks.h"

/**
 * Keys kept ready, those used last.  One more that is needed costs its derivation, 1 to 2 us.  A key
 * takes less than 1 KB with the processor's own instructions, up to 1.3 KB in OpenSSL's contexts, and
 * 70 KB with libtomcrypt; as they are a pool, a thousand senders take no more.
 */
#define RECEIVER_KEYS 32u

/** The place for a key whose first frame has not proved authentic yet. */
#define RECEIVER_TRIAL RECEIVER_KEYS

struct receiver_key {
  struct sframe_key key;
  struct track *track;        /* of its key id, which does not go before it; NULL: none yet */
  struct frame_origin origin; /* of its frames */
  uint64_t used;              /* clock at the last frame; 0: no key */
};

struct e2ee_receiver {
  struct media_stream stream; /* in media->receivers */
  struct media *media;

  struct latch latch;    /* guards the rest */
  bool broken;           /* a backend failed: no frame is taken any more */
  struct source *source; /* of its keys */
  unsigned version;      /* of the source, when what was given up was last dropped here */
  uint64_t clock;
  struct receiver_key *keys;   /* RECEIVER_KEYS + 1, in locked memory */
  struct receiver_key *latest; /* of them: whose frame was accepted last */
  struct tracks tracks;
};

/** @param source  of its keys: owned, on success */
CHECKED enum err receiver_new(struct media *media, struct source *source,
                              struct e2ee_receiver **out);
void receiver_free(struct e2ee_receiver *receiver);

/**
 * Decrypt one frame.
 * @return OK; ERR_BUFFER_TOO_SMALL, ERR_MALFORMED, ERR_NO_KEY, ERR_REPLAY, ERR_LIMIT (no room for
 *         one more key id): out untouched; ERR_AUTH, ERR_INTERNAL: out wiped
 */
CHECKED enum err receiver_decrypt(struct e2ee_receiver *receiver, const struct frame_call *call,
                                  struct e2ee_frame_info *info);

/** The same in another format than RFC 9605's.  @param call  capacity: frame.size at least */
CHECKED enum err receiver_decrypt_as(struct e2ee_receiver *receiver, const struct frame_call *call,
                                     const struct frame_format *format,
                                     struct e2ee_frame_info *info);

/* ---- For key managements, which hold media->lock ---- */

/** Let all receivers take over what was installed.  @param gone  bits of classes of keys that were there
 *  and are not any more: they are wiped before it returns */
void receivers_publish(struct media *media, unsigned gone);

/** Let all receivers of a source wipe what it has given up. */
void receivers_follow(struct media *media, const struct source *source);

#endif
