/*
 * Length headers of vectors (RFC 9420, section 2.1.2), read and written.
 * SPDX-License-Identifier: ISC
 */
#include "generate.h"

static bool check(json_object *vector) {
  uint32_t length = vectors_u32(vector, "length");
  struct bytes header = vectors_bytes(vector, "vlbytes_header");
  struct reader reader = reader_of(bytes_view(&header));
  size_t actual = 0;
  bool ok = vectors_ok(read_length(&reader, &actual), "reading") && actual == length &&
            vectors_ok(read_end(&reader), "end");
  bytes_free(&header);

  struct writer writer = {0};
  write_length(&writer, length);
  ok = vectors_equal(vector, "vlbytes_header", writer_view(&writer)) && ok;
  writer_free(&writer);
  return ok;
}

void vectors_deserialization(json_object *root, struct tally *tally) {
  for (size_t i = 0; i < vectors_count(root); i++)
    vectors_check(tally, check(vectors_item(root, i)), "vector length header", i);
}

/* ---- Generating: both ends of each size of header, and something in between ---- */

json_object *generate_deserialization(uint16_t suite) {
  (void)suite; /* these are of none */
  static const struct {
    uint32_t from, to; /* lengths */
    uint8_t mark;      /* in the two highest bits */
    uint8_t size;      /* of the header in bytes */
  } rows[] = {{0, 63, 0, 1}, {64, 16383, 1, 2}, {16384, (1u << 30) - 1, 2, 4}};
  json_object *array = new_array();
  for (size_t i = 0; i < 3 * sizeof rows / sizeof rows[0]; i++) {
    uint32_t from = rows[i / 3].from, to = rows[i / 3].to;
    uint32_t length = i % 3 == 0 ? from : i % 3 == 1 ? to : from + random_below(to - from);
    uint8_t header[4] = {0};
    for (size_t at = 0; at < rows[i / 3].size; at++)
      header[at] = (uint8_t)(length >> 8 * (rows[i / 3].size - 1 - at));
    header[0] |= (uint8_t)(rows[i / 3].mark << 6);
    json_object *vector = append_object(array);
    put_hex(vector, "vlbytes_header", view_of(header, rows[i / 3].size));
    put_number(vector, "length", length);
  }
  return array;
}
