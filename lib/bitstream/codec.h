/*
 * Codecs as rows of a table: what each asks of a frame that is partly in clear.
 * SPDX-License-Identifier: ISC
 */
#ifndef BITSTREAM_CODEC_H
#define BITSTREAM_CODEC_H

#include "bitstream/normal.h"
#include "bitstream/ranges.h"

/** How a protected frame has to end, so that those who read its clear bytes do not stumble over it. */
enum codec_end {
  CODEC_END_PLAIN,
  CODEC_END_ESCAPED, /* no start code may appear */
  CODEC_END_WRAPPED  /* inside a metadata OBU */
};

struct codec {
  uint32_t id; /* E2EE_CODEC_* */
  enum codec_end end;
  /** List what has to be clear.  Below 2^32 bytes. */
  void (*ranges)(struct view frame, struct ranges *out);
  /** Write the frame as depacketizers put it together again. */
  void (*normal)(struct view frame, struct normal *out);
};

/** NULL: no such codec. */
const struct codec *codec_find(uint32_t id);

#endif
