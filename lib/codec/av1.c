/* AV1 (bitstream specification, sections 5.3 and 5.9).  SPDX-License-Identifier: ISC */
#include "codec/ranges.h"

#define FORBIDDEN 0x80u
#define EXTENSION 0x04u
#define HAS_SIZE 0x02u
#define SEQUENCE_HEADER 1u
#define LEB128_MAX 8u

/* Section 4.10.5.  A value has at most 32 bits, in any number of bytes up to eight. */
static enum err read_leb128(struct reader *reader, uint64_t *out) {
  uint64_t value = 0;
  for (unsigned i = 0; i < LEB128_MAX; i++) {
    uint8_t byte = 0;
    enum err err = read_u8(reader, &byte);
    if (err != OK)
      return err;
    value |= (uint64_t)(byte & 0x7fu) << 7 * i;
    if ((byte & 0x80u) == 0) {
      *out = value;
      return value <= UINT32_MAX ? OK : ERR_MALFORMED;
    }
  }
  return ERR_MALFORMED;
}

/* One OBU.  @param header  out: bytes of header and size  @param payload  out: what they announce */
static enum err read_obu(struct reader *reader, uint8_t *first, size_t *header,
                         struct view *payload) {
  enum err err;
  const uint8_t *start = reader->at;
  uint8_t ignored = 0;
  TRY(read_u8(reader, first));
  TRY((*first & FORBIDDEN) == 0 ? OK : ERR_MALFORMED);
  if ((*first & EXTENSION) != 0)
    TRY(read_u8(reader, &ignored));
  uint64_t size = reader->left; /* without a size it is the last one */
  if ((*first & HAS_SIZE) != 0)
    TRY(read_leb128(reader, &size));
  *header = read_since(reader, start).size;
  TRY(size <= reader->left ? OK : ERR_MALFORMED);
  TRY(read_bytes(reader, (size_t)size, payload));
done:
  return err;
}

void ranges_av1(struct view frame, struct ranges *out) {
  struct reader reader = reader_of(frame);
  while (reader.left > 0) {
    size_t offset = frame.size - reader.left, header = 0;
    uint8_t first = 0;
    struct view payload;
    if (read_obu(&reader, &first, &header, &payload) != OK)
      return;
    unsigned type = first >> 3 & 0xfu;
    ranges_add(out, offset, header + (type == SEQUENCE_HEADER ? payload.size : 0));
  }
}
