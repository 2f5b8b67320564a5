/*
 * Keeping start codes of H.264 and H.265 out of what is encrypted: 00 00 01 begins a unit, and a zero
 * byte before it belongs to it (ITU-T H.264 and H.265, Annex B).
 *
 * Escaped, by setting its highest bit, is a byte of 00 to 03 behind two zero bytes, and a zero byte that
 * is the last before clear bytes.  So nothing moves, the first escape of a run ends it, and whether a
 * byte had to be escaped can be seen in the escaped frame.
 *
 * Escapes are listed in the trailer.  A list has room for ESCAPES_MAX; with a cipher whose output cannot
 * be told from chance, a frame passes that with less than 2^-128: inside, a byte is escaped with 2^-22,
 * and the chance that some subset of 16 + n / 2^14 of n bytes is, with the union bound, at most
 * 2^-170; at the borders of m parts, 3 m bytes are escaped with at most 2^-6 each, and more than
 * 32 + m / 2 of them with at most 2^-150.  So a frame that passes it tells of a broken cipher.
 * SPDX-License-Identifier: ISC
 */
#ifndef SFRAME_ESCAPE_H
#define SFRAME_ESCAPE_H

#include <e2ee/media.h>

#include "base/buf.h"

#define ESCAPES_MAX(size, ranges) (48 + ((ranges) + 1) / 2 + (size) / 16384)

/** A frame with its tag behind it, and what of it is clear. */
struct escaped {
  size_t size;
  const struct e2ee_range *clear;
  size_t count;
};

/**
 * Escape in place.  @param list  out: numbers, room for `most` of them of this size
 * @return OK, or ERR_INTERNAL: more than `most`
 */
CHECKED enum err escape(const struct escaped *frame, uint8_t *data, size_t most, uint8_t *list,
                        size_t *list_size);

/** @return OK, or ERR_MALFORMED: the list does not name escaped bytes of the frame, in order */
CHECKED enum err escape_check(const struct escaped *frame, const uint8_t *data, struct view list);

/** Take back what escape_check() found good. */
void escape_undo(uint8_t *data, struct view list);

#endif
