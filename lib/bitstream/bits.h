/*
 * Reading a bitstream, most significant bit first.
 * SPDX-License-Identifier: ISC
 */
#ifndef BITSTREAM_BITS_H
#define BITSTREAM_BITS_H

#include "base/buf.h"

struct bits {
  struct view bytes;
  size_t at;      /* of the next bit, from the start of `bytes` */
  bool emulation; /* H.264 and H.265: a byte 03 behind 00 00 is not part of what is read */
};

/** Up to 32 bits as a number.  @return OK, or ERR_MALFORMED: the bytes end before */
CHECKED enum err bits_read(struct bits *bits, unsigned count, uint32_t *out);

/** An Exp-Golomb code, ue(v): up to 2^18 - 2, enough for a slice of any level.
 *  @return OK, or ERR_MALFORMED */
CHECKED enum err bits_ue(struct bits *bits, uint32_t *out);

/** How many bytes have a bit that was read. */
size_t bits_bytes(const struct bits *bits);

#endif
