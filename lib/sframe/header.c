/* SPDX-License-Identifier: ISC */
#include "sframe/header.h"

/* A half of the config byte: a value up to 7 itself, or this flag and the value's length less one. */
#define EXTENDED 0x8u
#define FIELD 0x7u

static size_t size_of(unsigned half) {
  return (half & EXTENDED) != 0 ? (half & FIELD) + 1u : 0;
}

/* @param bytes  size_of(half) */
static enum err read_value(unsigned half, const uint8_t *bytes, uint64_t *out) {
  size_t size = size_of(half);
  uint64_t value = size == 0 ? half : 0;
  for (size_t i = 0; i < size; i++)
    value = value << 8 | bytes[i];
  *out = value;
  /* RFC 9605, section 4.3: a value of 0 to 7 is in the config byte, any other one in the minimum
   * number of bytes. */
  return size > 0 && (bytes[0] == 0 || value <= FIELD) ? ERR_MALFORMED : OK;
}

enum err sframe_header_read(struct view frame, struct sframe_header *out) {
  enum err err;
  struct reader reader = reader_of(frame);
  struct sframe_header header = {0, 0, 0};
  struct view values;
  uint8_t config = 0;
  TRY(read_u8(&reader, &config));
  unsigned high = config >> 4, low = config & 0xfu;
  TRY(read_bytes(&reader, size_of(high) + size_of(low), &values));
  TRY(read_value(high, values.data, &header.kid));
  TRY(read_value(low, values.data + size_of(high), &header.counter));
  header.size = 1 + values.size;
  *out = header;
done:
  return err;
}

/* Append a value; its half of the config byte is returned. */
static unsigned write_value(uint64_t value, uint8_t *out, size_t *size) {
  if (value <= FIELD)
    return (unsigned)value;
  unsigned length = 1;
  while (length < 8 && value >> 8 * length != 0)
    length++;
  for (unsigned i = length; i-- > 0;)
    out[(*size)++] = (uint8_t)(value >> 8 * i);
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
