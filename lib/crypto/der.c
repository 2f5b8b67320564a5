/* SPDX-License-Identifier: ISC */
#include "crypto/der.h"

#include <string.h>

#define LONG_FORM 0x80 /* the low bits count the bytes of the length that follow */
#define LENGTH_BYTES_MAX 3

/* In the shortest form, and never an indefinite one (X.690, sections 8.1.3 and 10.1). */
static enum err read_size(struct reader *reader, size_t *out) {
  enum err err;
  uint8_t first = 0, byte = 0;
  size_t size = 0;
  TRY(read_u8(reader, &first));
  if (first < LONG_FORM) {
    *out = first;
    return OK;
  }
  unsigned count = first & ~(unsigned)LONG_FORM;
  TRY(count <= LENGTH_BYTES_MAX ? OK : ERR_MALFORMED);
  for (unsigned i = 0; i < count; i++) {
    TRY(read_u8(reader, &byte));
    size = size << 8 | byte;
  }
  TRY(size >= LONG_FORM && size >> 8 * (count - 1) > 0 ? OK : ERR_MALFORMED);
  *out = size;
done:
  return err;
}

enum err der_read_value(struct reader *reader, uint8_t tag, struct view *out) {
  enum err err;
  uint8_t found = 0;
  size_t size = 0;
  TRY(read_u8(reader, &found));
  TRY(found == tag ? OK : ERR_MALFORMED);
  TRY(read_size(reader, &size));
  TRY(read_bytes(reader, size, out));
done:
  return err;
}

enum err der_read_sequence(struct reader *reader, struct view *out) {
  const uint8_t *from = reader->at;
  struct view value;
  enum err err = der_read_value(reader, DER_SEQUENCE, &value);
  if (err == OK)
    *out = read_since(reader, from);
  return err;
}

/* Two's complement in the fewest bytes (X.690, section 8.3), and not negative. */
static enum err read_number(struct reader *reader, size_t size, uint8_t *out) {
  struct view value;
  enum err err = der_read_value(reader, DER_INTEGER, &value);
  if (err != OK)
    return err;
  if (value.size == 0 || value.data[0] >= 0x80)
    return ERR_MALFORMED;
  if (value.size > 1 && value.data[0] == 0) {
    if (value.data[1] < 0x80)
      return ERR_MALFORMED;
    value = view_of(value.data + 1, value.size - 1);
  }
  if (value.size > size)
    return ERR_MALFORMED;
  memset(out, 0, size - value.size);
  memcpy(out + size - value.size, value.data, value.size);
  return OK;
}

enum err der_read_signature(struct view der, size_t size, uint8_t *r, uint8_t *s) {
  enum err err;
  struct view sequence;
  uint8_t first[DER_NUMBER_MAX], second[DER_NUMBER_MAX];
  struct reader reader = reader_of(der);
  TRY(der_read_value(&reader, DER_SEQUENCE, &sequence));
  TRY(read_end(&reader));
  reader = reader_of(sequence);
  TRY(read_number(&reader, size, first));
  TRY(read_number(&reader, size, second));
  TRY(read_end(&reader));
  memcpy(r, first, size);
  memcpy(s, second, size);
done:
  return err;
}

static size_t write_integer(const uint8_t *number, size_t size, uint8_t *out) {
  while (size > 1 && number[0] == 0) {
    number++;
    size--;
  }
  size_t sign = number[0] >= 0x80 ? 1 : 0;
  out[0] = DER_INTEGER;
  out[1] = (uint8_t)(size + sign);
  out[2] = 0;
  memcpy(out + 2 + sign, number, size);
  return 2 + sign + size;
}

size_t der_write_signature(const uint8_t *r, const uint8_t *s, size_t size, uint8_t *out) {
  uint8_t numbers[2 * (DER_NUMBER_MAX + 3)];
  size_t length = write_integer(r, size, numbers);
  length += write_integer(s, size, numbers + length);
  size_t header = 0;
  out[header++] = DER_SEQUENCE;
  if (length >= 0x80)
    out[header++] = LONG_FORM | 1;
  out[header++] = (uint8_t)length;
  memcpy(out + header, numbers, length);
  return header + length;
}
