/*
 * Protecting and unprotecting one frame of which ranges stay in clear; the format is described in
 * <e2ee/media.h>.  No allocation, one pass of the AEAD.
 *
 * Input and output either start at the same address (in place) or do not overlap.  Which counters
 * were used or seen is the caller's to know.
 * SPDX-License-Identifier: ISC
 */
#ifndef SFRAME_PARTIAL_H
#define SFRAME_PARTIAL_H

#include "sframe/frame.h"
#include "sframe/trailer.h"

/** What stays in clear, and the form: 0, FORM_ESCAPED or FORM_WRAPPED. */
struct partial {
  unsigned form;
  const struct e2ee_range *clear; /* ascending, disjoint, none empty, all within the frame */
  size_t count;                   /* up to E2EE_RANGES_MAX */
};

/** The most that a frame of this size with so many ranges grows by. */
size_t sframe_partial_overhead(size_t size, size_t count);

/**
 * Encrypt under the key with a counter that was not used with it before.
 * @param out   frame.size + sframe_partial_overhead() bytes of room; wiped on failure
 * @param size  out: bytes written
 * @return OK or ERR_INTERNAL
 */
CHECKED enum err sframe_protect_partial(struct sframe_key *key, uint64_t counter,
                                        struct view metadata, struct view frame,
                                        const struct partial *partial, uint8_t *out, size_t *size);

/**
 * Decrypt.  @param trailer  of the frame, as read  @param out  frame.size bytes of room
 * @return OK; ERR_AUTH (out wiped)
 */
CHECKED enum err sframe_unprotect_partial(struct sframe_key *key, const struct trailer *trailer,
                                          struct view metadata, struct view frame, uint8_t *out,
                                          size_t *size);

#endif
