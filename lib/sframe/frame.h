/*
 * Protecting and unprotecting one frame (RFC 9605, sections 4.4.3 and 4.4.4).  No allocation.
 *
 * Input and output either start at the same address (in place) or do not overlap.  Which counters
 * were used or seen is the caller's to know.
 * SPDX-License-Identifier: ISC
 */
#ifndef SFRAME_FRAME_H
#define SFRAME_FRAME_H

#include "sframe/header.h"
#include "sframe/key.h"

/** The most that a frame grows by: header and tag. */
#define SFRAME_OVERHEAD_MAX (SFRAME_HEADER_MAX + AEAD_TAG_MAX)

/** The largest plaintext, frame or metadata: far above any frame, far below every AEAD's limit. */
#define SFRAME_SIZE_MAX ((size_t)1 << 30)

/**
 * Encrypt under the key with a counter that was not used with it before.
 * @param out   plaintext.size + SFRAME_OVERHEAD_MAX bytes of room; wiped on failure, so that
 *              plaintext is never taken for a frame
 * @param size  out: bytes written
 * @return OK or ERR_INTERNAL
 */
CHECKED enum err sframe_protect(struct sframe_key *key, uint64_t counter, struct view metadata,
                                struct view plaintext, uint8_t *out, size_t *size);

/** The nonce of a counter.  @param nonce  out: AEAD_NONCE_MAX bytes of room */
void sframe_nonce(const struct sframe_key *key, uint64_t counter, uint8_t *nonce);

/** Size of the plaintext of a frame with this header.  ERR_MALFORMED: not even a tag fits in. */
CHECKED enum err sframe_plaintext_size(const struct aead *aead, const struct sframe_header *header,
                                       struct view frame, size_t *out);

/**
 * Decrypt.  @param header  the frame's, as read  @param out  room for the plaintext
 * @return OK; ERR_MALFORMED (out untouched); ERR_AUTH (out wiped)
 */
CHECKED enum err sframe_unprotect(struct sframe_key *key, const struct sframe_header *header,
                                  struct view metadata, struct view frame, uint8_t *out,
                                  size_t *size);

#endif
