/* AV1 (bitstream specification, sections 5.3 and 5.9).  SPDX-License-Identifier: ISC */
#include "bitstream/normal.h"
#include "bitstream/ranges.h"

#define FORBIDDEN 0x80u
#define EXTENSION 0x04u
#define HAS_SIZE 0x02u
#define LEB128_MAX 8u

/* Types, section 6.2.2. */
enum { SEQUENCE_HEADER = 1, TEMPORAL_DELIMITER = 2, TILE_LIST = 8, PADDING = 15 };

/* Section 4.10.5: up to eight bytes. */
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
      return OK;
    }
  }
  return ERR_MALFORMED;
}

/* One OBU. */
struct obu {
  uint8_t header[2];
  size_t header_size;
  size_t size_field; /* bytes of it */
  struct view payload;
};

static unsigned type_of(const struct obu *obu) {
  return obu->header[0] >> 3 & 0xfu;
}

static enum err read_obu(struct reader *reader, struct obu *out) {
  enum err err;
  TRY(read_u8(reader, &out->header[0]));
  TRY((out->header[0] & FORBIDDEN) == 0 ? OK : ERR_MALFORMED);
  out->header_size = 1;
  if ((out->header[0] & EXTENSION) != 0)
    TRY(read_u8(reader, &out->header[out->header_size++]));
  const size_t before = reader->left;
  uint64_t size = before; /* without a size it is the last one */
  if ((out->header[0] & HAS_SIZE) != 0)
    TRY(read_leb128(reader, &size));
  out->size_field = before - reader->left;
  TRY(size <= reader->left ? OK : ERR_MALFORMED);
  TRY(read_bytes(reader, (size_t)size, &out->payload));
done:
  return err;
}

void ranges_av1(struct view frame, struct ranges *out) {
  struct reader reader = reader_of(frame);
  while (reader.left > 0) {
    size_t offset = frame.size - reader.left;
    struct obu obu;
    if (read_obu(&reader, &obu) != OK)
      return;
    size_t payload = type_of(&obu) == SEQUENCE_HEADER ? obu.payload.size : 0;
    ranges_add(out, offset, obu.header_size + obu.size_field + payload);
  }
}

/* Packetizers drop these (RTP payload format for AV1, section 5). */
static bool dropped(const struct obu *obu) {
  unsigned type = type_of(obu);
  return type == TEMPORAL_DELIMITER || type == TILE_LIST || type == PADDING;
}

static void put_obu(struct normal *out, struct obu *obu) {
  uint8_t size[LEB128_MAX];
  size_t at = 0, left = obu->payload.size;
  for (; left >= 0x80; left >>= 7)
    size[at++] = (uint8_t)(0x80u | left);
  size[at++] = (uint8_t)left;
  obu->header[0] |= HAS_SIZE;
  normal_put(out, view_of(obu->header, obu->header_size));
  normal_put(out, view_of(size, at));
  normal_put(out, obu->payload);
}

void normal_av1(struct view frame, struct normal *out) {
  struct reader reader = reader_of(frame);
  while (reader.left > 0) {
    const struct view rest = view_of(reader.at, reader.left);
    struct obu obu;
    if (read_obu(&reader, &obu) != OK) {
      normal_put(out, rest);
      return;
    }
    if (!dropped(&obu))
      put_obu(out, &obu);
  }
}
