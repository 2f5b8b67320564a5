/* SPDX-License-Identifier: ISC */
#include "bitstream/bits.h"

#define UE_ZEROS_MAX 17u

static enum err read_bit(struct bits *bits, uint32_t *out) {
  size_t byte = bits->at / 8;
  const uint8_t *data = bits->bytes.data;
  if (bits->emulation && byte >= 2 && byte < bits->bytes.size && data[byte] == 3 &&
      data[byte - 1] == 0 && data[byte - 2] == 0) {
    bits->at += 8;
    byte++;
  }
  if (byte >= bits->bytes.size)
    return ERR_MALFORMED;
  *out = data[byte] >> (7 - bits->at % 8) & 1u;
  bits->at++;
  return OK;
}

enum err bits_read(struct bits *bits, unsigned count, uint32_t *out) {
  uint32_t value = 0;
  while (count-- > 0) {
    uint32_t bit = 0;
    enum err err = read_bit(bits, &bit);
    if (err != OK)
      return err;
    value = value << 1 | bit;
  }
  *out = value;
  return OK;
}

enum err bits_ue(struct bits *bits, uint32_t *out) {
  enum err err;
  unsigned zeros = 0;
  uint32_t bit = 0, rest = 0;
  TRY(bits_read(bits, 1, &bit));
  for (; bit == 0; zeros++) {
    TRY(zeros < UE_ZEROS_MAX ? OK : ERR_MALFORMED);
    TRY(bits_read(bits, 1, &bit));
  }
  TRY(bits_read(bits, zeros, &rest));
  *out = (1u << zeros) - 1 + rest;
done:
  return err;
}

size_t bits_bytes(const struct bits *bits) {
  return (bits->at + 7) / 8;
}
