/* SPDX-License-Identifier: ISC */
#include "bitstream/codec.h"

static const struct codec codecs[] = {
    {E2EE_CODEC_OTHER, CODEC_END_PLAIN, ranges_none, normal_same},
    {E2EE_CODEC_OPUS, CODEC_END_PLAIN, ranges_none, normal_same},
    {E2EE_CODEC_VP8, CODEC_END_PLAIN, ranges_vp8, normal_same},
    {E2EE_CODEC_VP8_PARTITIONS, CODEC_END_PLAIN, ranges_vp8_partitions, normal_same},
    {E2EE_CODEC_VP9, CODEC_END_PLAIN, ranges_vp9, normal_same},
    {E2EE_CODEC_AV1, CODEC_END_WRAPPED, ranges_av1, normal_av1},
    {E2EE_CODEC_H264, CODEC_END_ESCAPED, ranges_h264, normal_h26x},
    {E2EE_CODEC_H265, CODEC_END_ESCAPED, ranges_h265, normal_h26x},
};

const struct codec *codec_find(uint32_t id) {
  for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++)
    if (codecs[i].id == id)
      return &codecs[i];
  return NULL;
}
