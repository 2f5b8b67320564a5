/*
 * Rewriting a frame into the one form in which RTP depacketizers put it together again, whatever form
 * it was sent in: a protected frame must arrive byte for byte as it was.
 * SPDX-License-Identifier: ISC
 */
#ifndef BITSTREAM_NORMAL_H
#define BITSTREAM_NORMAL_H

#include <e2ee/media.h>

#include "base/buf.h"

/** What is written; counted on where there is no room. */
struct normal {
  uint8_t *out; /* room for `capacity`; NULL and 0: only count */
  size_t capacity;
  size_t size;
};

void normal_put(struct normal *normal, struct view bytes);

/* ---- Rewriting: rows of codec.h ---- */

/** For codecs that have one form. */
void normal_same(struct view frame, struct normal *out);
void normal_av1(struct view frame, struct normal *out);
void normal_h26x(struct view frame, struct normal *out);

#endif
