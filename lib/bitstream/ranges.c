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

enum err ranges_find(uint32_t codec, struct view frame, struct ranges *out) {
  switch (codec) {
  case E2EE_CODEC_OTHER:
  case E2EE_CODEC_OPUS:
    return OK;
  case E2EE_CODEC_VP8:
    ranges_vp8(frame, out);
    return OK;
  case E2EE_CODEC_VP8_PARTITIONS:
    ranges_vp8_partitions(frame, out);
    return OK;
  case E2EE_CODEC_VP9:
    ranges_vp9(frame, out);
    return OK;
  case E2EE_CODEC_AV1:
    ranges_av1(frame, out);
    return OK;
  case E2EE_CODEC_H264:
    ranges_h264(frame, out);
    return OK;
  case E2EE_CODEC_H265:
    ranges_h265(frame, out);
    return OK;
  default:
    return ERR_UNSUPPORTED;
  }
}
