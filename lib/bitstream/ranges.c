/* SPDX-License-Identifier: ISC */
#include "bitstream/ranges.h"

void ranges_add(struct ranges *ranges, size_t offset, size_t size) {
  if (ranges->count == 0 || offset != ranges->end) {
    if (ranges->count < ranges->capacity)
      ranges->at[ranges->count] = (struct e2ee_range){(uint32_t)offset, 0};
    ranges->count++;
  }
  if (ranges->count <= ranges->capacity)
    ranges->at[ranges->count - 1].length += (uint32_t)size;
  ranges->end = offset + size;
}

void ranges_none(struct view frame, struct ranges *out) {
  (void)frame;
  (void)out;
}
