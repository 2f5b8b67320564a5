/* SPDX-License-Identifier: ISC */
#include "bitstream/normal.h"

#include <string.h>

void normal_put(struct normal *normal, struct view bytes) {
  if (normal->size <= normal->capacity && bytes.size > 0 &&
      bytes.size <= normal->capacity - normal->size)
    memcpy(normal->out + normal->size, bytes.data, bytes.size);
  normal->size += bytes.size;
}

enum err normal_rewrite(uint32_t codec, struct view frame, struct normal *out) {
  switch (codec) {
  case E2EE_CODEC_OTHER:
  case E2EE_CODEC_OPUS:
  case E2EE_CODEC_VP8:
  case E2EE_CODEC_VP8_PARTITIONS:
  case E2EE_CODEC_VP9:
    normal_put(out, frame);
    return OK;
  case E2EE_CODEC_AV1:
    normal_av1(frame, out);
    return OK;
  case E2EE_CODEC_H264:
  case E2EE_CODEC_H265:
    normal_h26x(frame, out);
    return OK;
  default:
    return ERR_UNSUPPORTED;
  }
}
