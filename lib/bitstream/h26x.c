/* H.264 and H.265 with start codes (ITU-T H.264 and H.265, Annex B).  SPDX-License-Identifier: ISC */
#include <string.h>

#include "bitstream/bits.h"
#include "bitstream/normal.h"
#include "bitstream/ranges.h"

/* A start code without zero bytes before it. */
#define START 3u

/* Limits of what a slice header may say. */
#define SLICE_TYPE_MAX 9u
#define H264_PPS_MAX 255u
#define H265_PPS_MAX 63u

/* ITU-T H.264, table 7-1. */
enum {
  H264_SLICE = 1,
  H264_PARTITION = 2, /* the one with the slice header */
  H264_IDR = 5,
  H264_SPS = 7,
  H264_PPS = 8,
  H264_DELIMITER = 9,
  H264_END_SEQUENCE = 10,
  H264_END_STREAM = 11,
  H264_SPS_EXTENSION = 13,
  H264_PREFIX = 14,
  H264_SUBSET_SPS = 15,
  H264_EXTENSION = 20,
};

/* ITU-T H.265, table 7-1. */
enum {
  H265_SLICE_MAX = 9, /* 0 to 9: slices of pictures that others may need */
  H265_IRAP_MIN = 16, /* 16 to 21: slices of pictures that need no other */
  H265_IRAP_MAX = 21,
  H265_VPS = 32,
  H265_END_BITSTREAM = 37, /* 33 to 37: SPS, PPS, delimiter, end marks */
};

/* How many of a unit's bytes, which begin with its header, are clear. */
typedef size_t unit_rule(struct view unit);

static size_t at_most(size_t size, struct view unit) {
  return size < unit.size ? size : unit.size;
}

/* ITU-T H.264, section 7.3.3: first_mb_in_slice, slice_type, pic_parameter_set_id. */
static enum err read_h264_slice(struct bits *bits) {
  enum err err;
  uint32_t first = 0, type = 0, parameters = 0;
  TRY(bits_read(bits, 8, &first));
  TRY(bits_ue(bits, &first));
  TRY(bits_ue(bits, &type));
  TRY(bits_ue(bits, &parameters));
  TRY(type <= SLICE_TYPE_MAX && parameters <= H264_PPS_MAX ? OK : ERR_MALFORMED);
done:
  return err;
}

static size_t h264_unit(struct view unit) {
  struct bits bits = {.bytes = unit, .emulation = true};
  switch (unit.data[0] & 0x1fu) {
  case H264_SLICE:
  case H264_PARTITION:
  case H264_IDR:
    return read_h264_slice(&bits) == OK ? bits_bytes(&bits) : 1;
  case H264_SPS:
  case H264_PPS:
  case H264_DELIMITER:
  case H264_END_SEQUENCE:
  case H264_END_STREAM:
  case H264_SPS_EXTENSION:
  case H264_SUBSET_SPS:
    return unit.size;
  case H264_PREFIX:
  case H264_EXTENSION:
    return at_most(4, unit); /* the layer is in the three bytes of the extension */
  default:
    return 1;
  }
}

/* ITU-T H.265, section 7.3.6.1: up to slice_pic_parameter_set_id. */
static enum err read_h265_slice(struct bits *bits, bool irap) {
  enum err err;
  uint32_t ignored = 0, parameters = 0;
  TRY(bits_read(bits, 16, &ignored));
  TRY(bits_read(bits, irap ? 2 : 1, &ignored));
  TRY(bits_ue(bits, &parameters));
  TRY(parameters <= H265_PPS_MAX ? OK : ERR_MALFORMED);
done:
  return err;
}

static size_t h265_unit(struct view unit) {
  struct bits bits = {.bytes = unit, .emulation = true};
  unsigned type = unit.data[0] >> 1 & 0x3fu;
  bool irap = type >= H265_IRAP_MIN && type <= H265_IRAP_MAX;
  if (irap || type <= H265_SLICE_MAX)
    return read_h265_slice(&bits, irap) == OK ? bits_bytes(&bits) : at_most(2, unit);
  if (type >= H265_VPS && type <= H265_END_BITSTREAM)
    return unit.size;
  return at_most(2, unit);
}

/* Where the next start code is, at or behind `from`; the frame's size if there is none. */
static size_t find_start(struct view frame, size_t from) {
  while (frame.size - from >= START) {
    const uint8_t *one = memchr(frame.data + from + 2, 1, frame.size - from - 2);
    if (one == NULL)
      break;
    if (one[-1] == 0 && one[-2] == 0)
      return (size_t)(one - frame.data) - 2;
    from = (size_t)(one - frame.data) - 1;
  }
  return frame.size;
}

/* A NAL unit, and the start code before it.  Zero bytes before a start code belong to it, and never to
 * the unit before. */
struct unit {
  size_t start;
  size_t begin;
  size_t end;
};

static size_t without_zeros(struct view frame, size_t from, size_t end) {
  while (end > from && frame.data[end - 1] == 0)
    end--;
  return end;
}

/* @param unit  zeroed, or the one before  @return whether there is one more */
static bool next_unit(struct view frame, struct unit *unit) {
  size_t code = find_start(frame, unit->end);
  if (code == frame.size)
    return false;
  unit->start = without_zeros(frame, unit->end, code);
  unit->begin = code + START;
  size_t next = find_start(frame, unit->begin);
  unit->end = next < frame.size ? without_zeros(frame, unit->begin, next) : next;
  return true;
}

static void find(struct view frame, unit_rule *rule, struct ranges *out) {
  struct unit unit = {0, 0, 0};
  while (next_unit(frame, &unit)) {
    ranges_add(out, unit.start, unit.begin - unit.start);
    if (unit.end > unit.begin)
      ranges_add(out, unit.begin, rule(view_of(frame.data + unit.begin, unit.end - unit.begin)));
  }
}

void ranges_h264(struct view frame, struct ranges *out) {
  find(frame, h264_unit, out);
}

void ranges_h265(struct view frame, struct ranges *out) {
  find(frame, h265_unit, out);
}

/* Depacketizers write start codes of four bytes; what is before the first one is not sent. */
void normal_h26x(struct view frame, struct normal *out) {
  static const uint8_t code[] = {0, 0, 0, 1};
  struct unit unit = {0, 0, 0};
  if (find_start(frame, 0) == frame.size)
    normal_put(out, frame);
  while (next_unit(frame, &unit)) {
    size_t end = without_zeros(frame, unit.begin, unit.end);
    if (end == unit.begin)
      continue;
    normal_put(out, VIEW_ARRAY(code));
    normal_put(out, view_of(frame.data + unit.begin, end - unit.begin));
  }
}
