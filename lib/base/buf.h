/*
 * Bytes: borrowed views, owned bytes, and the one reader and the one writer through which all
 * parsing and encoding goes (RFC 9420, section 2.1).
 * SPDX-License-Identifier: ISC
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/** Bytes borrowed from somebody else.  `data` may be NULL if `size` is 0. */
struct view {
  const uint8_t *data;
  size_t size;
};

/** Bytes owned; bytes_free() wipes them. */
struct bytes {
  uint8_t *data;
  size_t size;
};

/** A view of an array or string literal; for a string without its terminating zero. */
#define VIEW_ARRAY(array) ((struct view){(array), sizeof(array)})
#define VIEW_TEXT(text) ((struct view){(const uint8_t *)(text), sizeof(text) - 1})
#define VIEW_NONE ((struct view){NULL, 0})

static inline struct view view_of(const uint8_t *data, size_t size) {
  return (struct view){data, size};
}

static inline struct view bytes_view(const struct bytes *bytes) {
  return (struct view){bytes->data, bytes->size};
}

/** Equality of public data; for secrets see secret_equal(). */
bool view_equal(struct view a, struct view b);

/** Total order of public data: by content, then by length.  @return <0, 0, >0 */
int view_compare(struct view a, struct view b);

CHECKED enum err bytes_copy(struct bytes *out, struct view in);
void bytes_move(struct bytes *to, struct bytes *from);
void bytes_free(struct bytes *bytes);

/** A number as big-endian bytes in memory, or back. */
static inline uint64_t big_endian(uint64_t number) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  number = __builtin_bswap64(number);
#endif
  return number;
}

/* ---- Reading: each function consumes what it returns, or fails with ERR_MALFORMED. ---- */

struct reader {
  const uint8_t *at;
  size_t left;
};

struct reader reader_of(struct view bytes);
CHECKED enum err read_u8(struct reader *reader, uint8_t *out);
CHECKED enum err read_u16(struct reader *reader, uint16_t *out);
CHECKED enum err read_u32(struct reader *reader, uint32_t *out);
CHECKED enum err read_u64(struct reader *reader, uint64_t *out);
CHECKED enum err read_bytes(struct reader *reader, size_t size, struct view *out);

/** Length header of a vector, minimal encoding enforced (RFC 9420, section 2.1.2). */
CHECKED enum err read_length(struct reader *reader, size_t *out);

/** A vector `opaque<V>`, or any vector as the bytes of its items. */
CHECKED enum err read_vector(struct reader *reader, struct view *out);

/** A vector of structs, to be read until reader_left() is 0. */
CHECKED enum err read_items(struct reader *reader, struct reader *items);

/** The octet before an optional value: 0 or 1 (RFC 9420, section 2.1.1). */
CHECKED enum err read_optional(struct reader *reader, bool *present);

/** Nothing may follow. */
CHECKED enum err read_end(const struct reader *reader);

/** The bytes consumed since `from`, an earlier value of reader->at. */
struct view read_since(const struct reader *reader, const uint8_t *from);

/* ---- Writing: errors stick, and are told once, by writer_take(). ---- */

struct writer {
  uint8_t *data;
  size_t size;
  size_t capacity;
  enum err err;
};

void write_u8(struct writer *writer, uint8_t value);
void write_u16(struct writer *writer, uint16_t value);
void write_u32(struct writer *writer, uint32_t value);
void write_u64(struct writer *writer, uint64_t value);
void write_bytes(struct writer *writer, struct view bytes);
void write_length(struct writer *writer, size_t length);
void write_vector(struct writer *writer, struct view bytes);
void write_optional(struct writer *writer, bool present);

/** Bytes of a vector whose items have `length`, its header included. */
size_t vector_size(size_t length);

/** Make room for so many more bytes: long output is not copied while it grows. */
void write_reserve(struct writer *writer, size_t size);

/** Start a vector whose length is not known yet; write_end() puts the length in front of it. */
size_t write_begin(struct writer *writer);
void write_end(struct writer *writer, size_t begin);

/** What was written so far; valid until the next write. */
struct view writer_view(const struct writer *writer);

/** Hand the bytes over, leaving the writer empty.  @return the first error of any write */
CHECKED enum err writer_take(struct writer *writer, struct bytes *out);

/** Wipe and free; safe after writer_take(). */
void writer_free(struct writer *writer);

#endif
