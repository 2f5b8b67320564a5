/* SPDX-License-Identifier: ISC */
#include "sframe/header.h"

/* A half of the config byte: a value up to 7 itself, or this flag and the value's length less one. */
#define EXTENDED 0x8u
#define FIELD 0x7u

static enum err read_value(struct reader *reader, unsigned half, uint64_t *out) {
  if ((half & EXTENDED) == 0) {
    *out = half;
    return OK;
  }
  struct view bytes;
  enum err err = read_bytes(reader, (half & FIELD) + 1u, &bytes);
  if (err != OK)
    return err;
  uint64_t value = 0;
  for (size_t i = 0; i < bytes.size; i++)
    value = value << 8 | bytes.data[i];
  /* RFC 9605, section 4.3: a value of 0 to 7 is in the config byte, any other one in the minimum
   * number of bytes. */
  if (bytes.data[0] == 0 || value <= FIELD)
    return ERR_MALFORMED;
  *out = value;
  return OK;
}

enum err sframe_header_read(struct view frame, struct sframe_header *out) {
  enum err err;
  struct reader reader = reader_of(frame);
  struct sframe_header header = {0, 0, 0};
  uint8_t config = 0;
  TRY(read_u8(&reader, &config));
  TRY(read_value(&reader, config >> 4, &header.kid));
  TRY(read_value(&reader, config & 0xfu, &header.counter));
  header.size = frame.size - reader.left;
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
