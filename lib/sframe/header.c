/* SPDX-License-Identifier: ISC */
#include "sframe/header.h"

#include <string.h>

/* A half of the config byte: a value up to 7 itself, or this flag and the value's length less one. */
#define EXTENDED 0x8u
#define FIELD 0x7u

/* Eight bytes can be read at `at`.  @return bytes that the value takes */
static size_t read_value(unsigned half, const uint8_t *at, uint64_t *out) {
  *out = half;
  if ((half & EXTENDED) == 0)
    return 0;
  size_t size = (half & FIELD) + 1u;
  memcpy(out, at, sizeof *out);
  *out = big_endian(*out) >> (64 - 8 * size);
  return size;
}

/* RFC 9605, section 4.3: a value of 0 to 7 is in the config byte, any other one in the minimum number
 * of bytes. */
static bool is_minimal(uint64_t value, size_t size) {
  return size == 0 || (value > FIELD && value >> 8 * (size - 1) != 0);
}

/* @param from  SFRAME_HEADER_MAX bytes, of which `size` are the frame's */
static enum err parse(const uint8_t *from, size_t size, struct sframe_header *out) {
  uint64_t kid, counter;
  size_t kid_size = read_value(from[0] >> 4, from + 1, &kid);
  size_t counter_size = read_value(from[0] & 0xfu, from + 1 + kid_size, &counter);
  size_t header_size = 1 + kid_size + counter_size;
  if (size < header_size || !is_minimal(kid, kid_size) || !is_minimal(counter, counter_size))
    return ERR_MALFORMED;
  *out = (struct sframe_header){kid, counter, header_size};
  return OK;
}

/* A frame that could be shorter than its header. */
RARE static enum err parse_short(struct view frame, struct sframe_header *out) {
  uint8_t padded[SFRAME_HEADER_MAX] = {0};
  for (size_t i = 0; i < frame.size; i++)
    padded[i] = frame.data[i];
  return parse(padded, frame.size, out);
}

enum err sframe_header_read(struct view frame, struct sframe_header *out) {
  return frame.size < SFRAME_HEADER_MAX ? parse_short(frame, out)
                                        : parse(frame.data, frame.size, out);
}

/* Append a value; its half of the config byte is returned. */
static unsigned write_value(uint64_t value, uint8_t *out, size_t *size) {
  if (value <= FIELD)
    return (unsigned)value;
  /* Eight bytes are written, of which the first ones count: there is room for them. */
  unsigned bits = 64 - (unsigned)__builtin_clzll(value), length = (bits + 7) / 8;
  uint64_t bytes = big_endian(value << (64 - 8 * length));
  memcpy(out + *size, &bytes, sizeof bytes);
  *size += length;
  return EXTENDED | (length - 1);
}

/* Not through a struct writer: that allocates, and frames must not. */
size_t sframe_header_write(uint64_t kid, uint64_t counter, uint8_t *out) {
  size_t size = 1;
  unsigned high = write_value(kid, out, &size);
  unsigned low = write_value(counter, out, &size);
  out[0] = (uint8_t)(high << 4 | low);
  return size;
}
