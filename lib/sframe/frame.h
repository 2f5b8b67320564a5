/*
 * Protecting and unprotecting one frame (RFC 9605, sections 4.4.3 and 4.4.4).  No allocation.
 *
 * Input and output either start at the same address (in place) or do not overlap.  Which counters
 * were used or seen is the caller's to know.
 * SPDX-License-Identifier: ISC
 */
#ifndef SFRAME_FRAME_H
#define SFRAME_FRAME_H

#include <string.h>

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

/**
 * The nonce of a counter: the salt, XORed with the counter as a big-endian number (RFC 9605, section
 * 4.4.3).  It need not be wiped: an AEAD is as safe with a nonce that is known.  In two pieces and not
 * byte by byte: the cipher, which cannot begin without it, would wait for bytes to come together.
 * @param nonce  out: AEAD_NONCE_MAX bytes of room
 */
static inline void sframe_nonce(const struct sframe_key *key, uint64_t counter, uint8_t *nonce) {
  const size_t front = AEAD_NONCE_MAX - sizeof counter;
  uint64_t rest;
  memcpy(&rest, key->salt + front, sizeof rest);
  rest ^= big_endian(counter);
  memcpy(nonce, key->salt, front);
  memcpy(nonce + front, &rest, sizeof rest);
}

/** Size of the plaintext of a frame with this header.  ERR_MALFORMED: not even a tag fits in. */
CHECKED static inline enum err sframe_plaintext_size(const struct aead *aead,
                                                     const struct sframe_header *header,
                                                     struct view frame, size_t *out) {
  if (frame.size - header->size < aead->tag_size)
    return ERR_MALFORMED;
  *out = frame.size - header->size - aead->tag_size;
  return OK;
}

/**
 * Decrypt.  Inline: of what a receiver does for a frame of sound, a call is a noticeable part.
 * @param header  the frame's, as read  @param out  room for the plaintext
 * @return OK; ERR_MALFORMED (out untouched); ERR_AUTH (out wiped)
 */
CHECKED static inline enum err sframe_unprotect(struct sframe_key *key,
                                                const struct sframe_header *header,
                                                struct view metadata, struct view frame,
                                                uint8_t *out, size_t *size) {
  size_t plaintext_size = 0;
  enum err err = sframe_plaintext_size(key->aead, header, frame, &plaintext_size);
  if (err != OK)
    return err;

  uint8_t nonce[AEAD_NONCE_MAX];
  sframe_nonce(key, header->counter, nonce);
  const struct view aad[] = {view_of(frame.data, header->size), metadata};
  struct view ciphertext = view_of(frame.data + header->size, frame.size - header->size);
  bool in_place = out == frame.data;
  uint8_t *to = in_place && header->size > key->aead->shift ? out + header->size : out;
  err = key->aead->open(key->cipher, nonce, aad, 2, ciphertext, to);
  if (err == OK) {
    if (to != out)
      memmove(out, to, plaintext_size);
    *size = plaintext_size;
  } else if (plaintext_size > 0) {
    wipe(out, plaintext_size);
  }
  return err;
}

#endif
