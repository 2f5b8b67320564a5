/* SPDX-License-Identifier: ISC */
#include "sframe/number.h"

#define GROUP_BITS 6u
#define GROUP 0x3fu
#define LAST 0x80u /* what is added to the last group, */
#define MORE 0xc0u /* and to the others */

size_t number_size(uint64_t value) {
  size_t size = 1;
  while ((value >>= GROUP_BITS) != 0)
    size++;
  return size;
}

size_t number_write(uint64_t value, uint8_t *out) {
  size_t size = number_size(value);
  for (size_t i = size; i-- > 0; value >>= GROUP_BITS)
    out[i] = (uint8_t)((i + 1 < size ? MORE : LAST) | (value & GROUP));
  return size;
}

size_t number_write_reversed(uint64_t value, uint8_t *out) {
  size_t size = number_size(value);
  for (size_t i = 0; i < size; i++, value >>= GROUP_BITS)
    out[i] = (uint8_t)((i > 0 ? MORE : LAST) | (value & GROUP));
  return size;
}

/* Take one more group.  @return whether it is the last */
static bool add(uint8_t byte, uint64_t *value, enum err *err) {
  if (byte < LAST || *value >> (64 - GROUP_BITS) != 0 || (*value == 0 && byte == MORE))
    *err = ERR_MALFORMED;
  *value = *value << GROUP_BITS | (byte & GROUP);
  return *err != OK || byte < MORE;
}

enum err number_read(struct reader *reader, uint64_t most, uint64_t *out) {
  enum err err = OK;
  uint64_t value = 0;
  for (bool last = false; !last;) {
    uint8_t byte = 0;
    TRY(read_u8(reader, &byte));
    last = add(byte, &value, &err);
  }
  TRY(err);
  TRY(value <= most ? OK : ERR_MALFORMED);
  *out = value;
done:
  return err;
}

enum err number_read_reversed(struct view bytes, uint64_t most, uint64_t *out, size_t *size) {
  enum err err = OK;
  uint64_t value = 0;
  size_t left = bytes.size;
  for (bool last = false; !last;) {
    TRY(left > 0 ? OK : ERR_MALFORMED);
    last = add(bytes.data[--left], &value, &err);
  }
  TRY(err);
  TRY(value <= most ? OK : ERR_MALFORMED);
  *out = value;
  *size = bytes.size - left;
done:
  return err;
}
