/*
 * Length headers of vectors (RFC 9420, section 2.1.2), read and written.
 * SPDX-License-Identifier: ISC
 */
#include "vectors.h"

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
