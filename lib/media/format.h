/*
 * Frame formats as tables: all that streams know of how a frame is laid out.
 *
 * A receiver reads what can be read without a key, finds the key by the key id in it, and then unprotects;
 * a sender draws a counter, and protects.  Windows, counts and keys are the streams' own, and the same for
 * all formats.
 * SPDX-License-Identifier: ISC
 */
#ifndef MEDIA_FORMAT_H
#define MEDIA_FORMAT_H

#include "sframe/frame.h"
#include "sframe/partial.h"

/** What a frame call is given. */
struct frame_call {
  struct view metadata, frame;
  uint8_t *out; /* disjoint from the frame or at the same address */
  size_t capacity;
  size_t *size; /* out: bytes written; the bytes needed with ERR_BUFFER_TOO_SMALL */
  const struct partial *partial; /* to be encrypted: what stays in clear; else NULL */
};

/** What is read of a frame without a key. */
struct frame_parts {
  struct sframe_header header;
  size_t room;            /* bytes that decrypting may write */
  struct trailer trailer; /* of partial frames */
};

struct frame_format {
  /** The most that a frame grows by. */
  size_t (*overhead)(const struct frame_call *call);

  /** Encrypt under the key with a counter that was not used with it before.
   *  @return OK or ERR_INTERNAL (out wiped) */
  enum err (*protect)(struct sframe_key *key, uint64_t counter, const struct frame_call *call);

  /** @return OK or ERR_MALFORMED */
  enum err (*read)(const struct sframe_suite *suite, struct view frame, struct frame_parts *out);

  /** @return OK; ERR_AUTH, ERR_INTERNAL (out wiped) */
  enum err (*unprotect)(struct sframe_key *key, const struct frame_parts *parts,
                        const struct frame_call *call);
};

/** Frames of which ranges stay in clear (<e2ee/media.h>). */
extern const struct frame_format format_partial;

/* ---- RFC 9605.  Inline: of what a stream does for a frame of sound, a call is a noticeable part ---- */

static inline size_t plain_overhead(const struct frame_call *call) {
  (void)call;
  return SFRAME_OVERHEAD_MAX;
}

static inline enum err plain_protect(struct sframe_key *key, uint64_t counter,
                                     const struct frame_call *call) {
  return sframe_protect(key, counter, call->metadata, call->frame, call->out, call->size);
}

static inline enum err plain_read(const struct sframe_suite *suite, struct view frame,
                                  struct frame_parts *out) {
  enum err err = sframe_header_read(frame, &out->header);
  return err == OK ? sframe_plaintext_size(suite->aead, &out->header, frame, &out->room) : err;
}

static inline enum err plain_unprotect(struct sframe_key *key, const struct frame_parts *parts,
                                       const struct frame_call *call) {
  return sframe_unprotect(key, &parts->header, call->metadata, call->frame, call->out, call->size);
}

static const struct frame_format format_plain = {
    .overhead = plain_overhead,
    .protect = plain_protect,
    .read = plain_read,
    .unprotect = plain_unprotect,
};

#endif
