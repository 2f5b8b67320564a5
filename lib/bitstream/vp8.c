/* VP8 (RFC 6386).  SPDX-License-Identifier: ISC */
#include <string.h>

#include "bitstream/ranges.h"

#define TAG 3u         /* section 9.1: of any frame */
#define KEY_HEADER 10u /* and of a key frame, with width and height at its end */
#define VERSION_MAX 3u

/* The frame's header of bytes; 0 if it makes no sense. */
static size_t header_size(struct view frame) {
  static const uint8_t start[] = {0x9d, 0x01, 0x2a};
  if (frame.size == 0 || (frame.data[0] >> 1 & 7) > VERSION_MAX)
    return 0;
  if ((frame.data[0] & 1) != 0)
    return TAG;
  bool whole = frame.size >= KEY_HEADER && memcmp(frame.data + TAG, start, sizeof start) == 0;
  return whole ? KEY_HEADER : 0;
}

/* Of other frames than key frames the first byte says that they are none. */
void ranges_vp8(struct view frame, struct ranges *out) {
  size_t header = header_size(frame);
  if (header > 0)
    ranges_add(out, 0, header == KEY_HEADER ? header : 1);
}

/* ---- Partitions ---- */

/* The boolean entropy decoder (section 7.3), for values that are as likely as not. */
struct booleans {
  struct view bytes;
  size_t shifts;  /* bits behind which it is */
  uint32_t value; /* the next 16 bits, less what was taken off */
  uint32_t range;
};

static uint32_t byte_at(const struct booleans *booleans, size_t index) {
  return index < booleans->bytes.size ? booleans->bytes.data[index] : 0;
}

static struct booleans booleans_of(struct view bytes) {
  struct booleans booleans = {.bytes = bytes, .range = 255};
  booleans.value = byte_at(&booleans, 0) << 8 | byte_at(&booleans, 1);
  return booleans;
}

/* Bytes that what was read so far depends on: each value does on eight bits. */
static size_t booleans_bytes(const struct booleans *booleans) {
  return (booleans->shifts + 8 + 7) / 8;
}

static bool read_bool(struct booleans *booleans) {
  const uint32_t split = 1 + (booleans->range - 1) / 2;
  const bool set = booleans->value >= split << 8;
  booleans->value -= set ? split << 8 : 0;
  booleans->range = set ? booleans->range - split : split;
  while (booleans->range < 128) {
    booleans->range <<= 1;
    booleans->value <<= 1;
    if (++booleans->shifts % 8 == 0)
      booleans->value |= byte_at(booleans, booleans->shifts / 8 + 1);
  }
  return set;
}

static uint32_t read_bits(struct booleans *booleans, unsigned count) {
  uint32_t value = 0;
  while (count-- > 0)
    value = value << 1 | read_bool(booleans);
  return value;
}

/* Values of which each is there only if a flag before it says so. */
static void skip_flagged(struct booleans *booleans, unsigned count, unsigned bits) {
  while (count-- > 0)
    if (read_bool(booleans))
      (void)read_bits(booleans, bits);
}

/* Section 9.3. */
static void skip_segmentation(struct booleans *booleans) {
  if (!read_bool(booleans))
    return;
  const bool map = read_bool(booleans), features = read_bool(booleans);
  if (features) {
    (void)read_bool(booleans);
    skip_flagged(booleans, 4, 7 + 1); /* quantizers with their signs */
    skip_flagged(booleans, 4, 6 + 1); /* loop filters */
  }
  if (map)
    skip_flagged(booleans, 3, 8);
}

/* Section 9.6. */
static void skip_loop_filter(struct booleans *booleans) {
  (void)read_bits(booleans, 1 + 6 + 3); /* type, level, sharpness */
  if (read_bool(booleans) && read_bool(booleans))
    skip_flagged(booleans, 4 + 4, 6 + 1);
}

/* Sections 9.2 to 9.5: the first partition as far as the number of those after it, and their sizes,
 * which stand behind the first one. */
void ranges_vp8_partitions(struct view frame, struct ranges *out) {
  const size_t header = header_size(frame);
  if (header == 0 || frame.size < TAG) {
    ranges_vp8(frame, out);
    return;
  }
  struct booleans booleans = booleans_of(view_of(frame.data + header, frame.size - header));
  if (header == KEY_HEADER)
    (void)read_bits(&booleans, 1 + 1); /* color space, clamping */
  skip_segmentation(&booleans);
  skip_loop_filter(&booleans);
  const size_t sizes = 3 * ((1u << read_bits(&booleans, 2)) - 1);
  const size_t used = header + booleans_bytes(&booleans);
  const size_t first =
      header + (frame.data[0] >> 5 | (size_t)frame.data[1] << 3 | (size_t)frame.data[2] << 11);
  if (used > first || first > frame.size || sizes > frame.size - first) {
    ranges_vp8(frame, out);
    return;
  }
  ranges_add(out, 0, used);
  if (sizes > 0)
    ranges_add(out, first, sizes);
}
