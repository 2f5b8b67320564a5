/* SPDX-License-Identifier: ISC */
#include "bitstream.h"

#include <check.h>
#include <e2ee/media.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX 65536
#define IVF_HEADER 32u
#define IVF_FRAME_HEADER 12u
#define OGG_HEADER 27u

const struct bitstream bitstreams[BITSTREAMS] = {
    {.name = "opus.ogg", .codec = E2EE_CODEC_OPUS},
    {.name = "vp8.ivf", .codec = E2EE_CODEC_VP8},
    {.name = "vp8.ivf", .codec = E2EE_CODEC_VP8_PARTITIONS},
    {.name = "vp8-partitions.ivf", .codec = E2EE_CODEC_VP8_PARTITIONS},
    {.name = "vp9.ivf", .codec = E2EE_CODEC_VP9},
    {.name = "vp9-superframes.ivf", .codec = E2EE_CODEC_VP9},
    {.name = "av1.ivf", .codec = E2EE_CODEC_AV1},
    {.name = "h264.h264", .codec = E2EE_CODEC_H264},
    {.name = "h264-reordered.h264", .codec = E2EE_CODEC_H264},
    {.name = "h265.h265", .codec = E2EE_CODEC_H265},
};

static void add(struct bitstream *stream, const uint8_t *data, size_t size) {
  ck_assert_uint_lt(stream->count, BITSTREAM_FRAMES);
  stream->frames[stream->count++] = view_of(data, size);
}

static void split_ivf(struct bitstream *stream, size_t size) {
  for (size_t at = IVF_HEADER; at < size;) {
    const uint8_t *header = stream->data + at;
    size_t length = header[0] | (size_t)header[1] << 8 | (size_t)header[2] << 16;
    at += IVF_FRAME_HEADER;
    ck_assert_uint_le(length, size - at);
    add(stream, stream->data + at, length);
    at += length;
  }
}

/* Packets of up to 254 bytes; the first two describe the stream. */
static void split_ogg(struct bitstream *stream, size_t size) {
  unsigned packets = 0;
  for (size_t at = 0; at < size;) {
    ck_assert_mem_eq(stream->data + at, "OggS", 4);
    const uint8_t *lengths = stream->data + at + OGG_HEADER;
    size_t segments = lengths[-1];
    at += OGG_HEADER + segments;
    for (size_t i = 0; i < segments; i++) {
      ck_assert_uint_lt(lengths[i], 255);
      if (++packets > 2)
        add(stream, stream->data + at, lengths[i]);
      at += lengths[i];
    }
  }
}

/* An access unit begins with its delimiter. */
static void split_units(struct bitstream *stream, size_t size, const char *delimiter) {
  size_t start = 0;
  for (size_t at = 1; at + 6 < size; at++) {
    if (memcmp(stream->data + at, delimiter, 5) != 0)
      continue;
    add(stream, stream->data + start, at - start);
    start = at;
  }
  add(stream, stream->data + start, size - start);
}

struct bitstream bitstream_read(const struct bitstream *which) {
  struct bitstream stream = *which;
  char path[1024];
  const char *folder = getenv("E2EE_TEST_DATA");
  ck_assert_ptr_nonnull(folder);
  (void)snprintf(path, sizeof path, "%s/media/%s", folder, which->name);
  FILE *file = fopen(path, "rb");
  ck_assert_msg(file != NULL, "cannot read %s", path);
  stream.data = malloc(FILE_MAX);
  ck_assert_ptr_nonnull(stream.data);
  size_t size = fread(stream.data, 1, FILE_MAX, file);
  fclose(file);
  ck_assert_uint_lt(size, FILE_MAX);
  if (stream.codec == E2EE_CODEC_OPUS)
    split_ogg(&stream, size);
  else if (stream.codec == E2EE_CODEC_H264)
    split_units(&stream, size, "\0\0\0\1\x09");
  else if (stream.codec == E2EE_CODEC_H265)
    split_units(&stream, size, "\0\0\0\1\x46");
  else
    split_ivf(&stream, size);
  ck_assert_uint_ge(stream.count, 10);
  return stream;
}

void bitstream_free(struct bitstream *stream) {
  free(stream->data);
}
