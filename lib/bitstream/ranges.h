/*
 * Which bytes of an encoded frame others read: packetizers, forwarders.
 *
 * Every frame is hostile.  A codec's function stops where a frame stops to make sense; what it has not
 * listed is encrypted.
 * SPDX-License-Identifier: ISC
 */
#ifndef BITSTREAM_RANGES_H
#define BITSTREAM_RANGES_H

#include <e2ee/media.h>

#include "base/buf.h"

/** A list under construction, ascending; ranges that touch become one. */
struct ranges {
  struct e2ee_range *at; /* room for `capacity`; NULL and 0: only count */
  size_t capacity;
  size_t count; /* of all, those without room included */
  size_t end;   /* of the last one */
};

/** Add bytes, one at least, behind all that were added. */
void ranges_add(struct ranges *ranges, size_t offset, size_t size);

/* ---- What has to be clear: rows of codec.h ---- */

void ranges_none(struct view frame, struct ranges *out);
void ranges_vp8(struct view frame, struct ranges *out);
void ranges_vp8_partitions(struct view frame, struct ranges *out);
void ranges_vp9(struct view frame, struct ranges *out);
void ranges_av1(struct view frame, struct ranges *out);
void ranges_h264(struct view frame, struct ranges *out);
void ranges_h265(struct view frame, struct ranges *out);

#endif
