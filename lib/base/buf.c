/* SPDX-License-Identifier: ISC */
#include "base/buf.h"

#include <string.h>

#include "base/mem.h"
#include "base/wipe.h"

/* The longest vector that a four-byte length header can announce. */
#define LENGTH_MAX 0x3fffffffu

bool view_equal(struct view a, struct view b) {
  return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

int view_compare(struct view a, struct view b) {
  size_t shorter = a.size < b.size ? a.size : b.size;
  int order = shorter == 0 ? 0 : memcmp(a.data, b.data, shorter);
  if (order != 0)
    return order;
  return (a.size > b.size) - (a.size < b.size);
}

enum err bytes_copy(struct bytes *out, struct view in) {
  uint8_t *data = mem_new(in.size, 1);
  if (data == NULL)
    return ERR_NOMEM;
  if (in.size > 0)
    memcpy(data, in.data, in.size);
  *out = (struct bytes){data, in.size};
  return OK;
}

void bytes_move(struct bytes *to, struct bytes *from) {
  *to = *from;
  *from = (struct bytes){NULL, 0};
}

void bytes_free(struct bytes *bytes) {
  if (bytes->data != NULL)
    wipe(bytes->data, bytes->size);
  mem_free(bytes->data);
  *bytes = (struct bytes){NULL, 0};
}

struct reader reader_of(struct view bytes) {
  return (struct reader){bytes.data, bytes.size};
}

enum err read_bytes(struct reader *reader, size_t size, struct view *out) {
  if (size > reader->left)
    return ERR_MALFORMED;
  *out = (struct view){reader->at, size};
  if (size > 0)
    reader->at += size;
  reader->left -= size;
  return OK;
}

static enum err read_number(struct reader *reader, size_t size, uint64_t *out) {
  struct view bytes;
  enum err err = read_bytes(reader, size, &bytes);
  if (err != OK)
    return err;
  *out = 0;
  for (size_t i = 0; i < size; i++)
    *out = *out << 8 | bytes.data[i];
  return OK;
}

enum err read_u8(struct reader *reader, uint8_t *out) {
  uint64_t value = 0;
  enum err err = read_number(reader, 1, &value);
  if (err == OK)
    *out = (uint8_t)value;
  return err;
}

enum err read_u16(struct reader *reader, uint16_t *out) {
  uint64_t value = 0;
  enum err err = read_number(reader, 2, &value);
  if (err == OK)
    *out = (uint16_t)value;
  return err;
}

enum err read_u32(struct reader *reader, uint32_t *out) {
  uint64_t value = 0;
  enum err err = read_number(reader, 4, &value);
  if (err == OK)
    *out = (uint32_t)value;
  return err;
}

enum err read_u64(struct reader *reader, uint64_t *out) {
  return read_number(reader, 8, out);
}

enum err read_length(struct reader *reader, size_t *out) {
  if (reader->left == 0)
    return ERR_MALFORMED;
  /* RFC 9420, section 2.1.2: the first two bits give the size of the header: 1, 2 or 4 bytes. */
  unsigned prefix = reader->at[0] >> 6;
  if (prefix == 3)
    return ERR_MALFORMED;
  uint64_t value = 0;
  enum err err = read_number(reader, (size_t)1 << prefix, &value);
  if (err != OK)
    return err;
  static const uint64_t mask[] = {0x3f, 0x3fff, 0x3fffffff};
  static const uint64_t smallest[] = {0, 0x40, 0x4000};
  value &= mask[prefix];
  if (value < smallest[prefix])
    return ERR_MALFORMED;
  *out = (size_t)value;
  return OK;
}

enum err read_vector(struct reader *reader, struct view *out) {
  size_t size = 0;
  enum err err = read_length(reader, &size);
  if (err != OK)
    return err;
  return read_bytes(reader, size, out);
}

enum err read_items(struct reader *reader, struct reader *items) {
  struct view bytes;
  enum err err = read_vector(reader, &bytes);
  if (err == OK)
    *items = reader_of(bytes);
  return err;
}

enum err read_optional(struct reader *reader, bool *present) {
  uint8_t value = 0;
  enum err err = read_u8(reader, &value);
  if (err != OK)
    return err;
  if (value > 1)
    return ERR_MALFORMED;
  *present = value == 1;
  return OK;
}

enum err read_end(const struct reader *reader) {
  return reader->left == 0 ? OK : ERR_MALFORMED;
}

struct view read_since(const struct reader *reader, const uint8_t *from) {
  return (struct view){from, from == NULL ? 0 : (size_t)(reader->at - from)};
}

/* Room for `size` more bytes.  What is written may be secret, so an outgrown buffer is wiped. */
static bool writer_room(struct writer *writer, size_t size) {
  if (writer->err != OK)
    return false;
  if (size <= writer->capacity - writer->size)
    return true;
  size_t capacity = writer->capacity * 2 + 64;
  if (size > SIZE_MAX / 4) {
    writer->err = ERR_NOMEM;
    return false;
  }
  if (capacity < writer->size + size)
    capacity = writer->size + size;
  uint8_t *data = mem_new(capacity, 1);
  if (data == NULL) {
    writer->err = ERR_NOMEM;
    return false;
  }
  if (writer->size > 0) {
    memcpy(data, writer->data, writer->size);
    wipe(writer->data, writer->size);
  }
  mem_free(writer->data);
  writer->data = data;
  writer->capacity = capacity;
  return true;
}

void write_reserve(struct writer *writer, size_t size) {
  (void)writer_room(writer, size); /* a failure sticks */
}

void write_bytes(struct writer *writer, struct view bytes) {
  if (bytes.size == 0 || !writer_room(writer, bytes.size))
    return;
  memcpy(writer->data + writer->size, bytes.data, bytes.size);
  writer->size += bytes.size;
}

static void write_number(struct writer *writer, uint64_t value, size_t size) {
  uint8_t bytes[8];
  for (size_t i = 0; i < size; i++)
    bytes[i] = (uint8_t)(value >> 8 * (size - 1 - i));
  write_bytes(writer, view_of(bytes, size));
}

void write_u8(struct writer *writer, uint8_t value) {
  write_number(writer, value, 1);
}

void write_u16(struct writer *writer, uint16_t value) {
  write_number(writer, value, 2);
}

void write_u32(struct writer *writer, uint32_t value) {
  write_number(writer, value, 4);
}

void write_u64(struct writer *writer, uint64_t value) {
  write_number(writer, value, 8);
}

void write_length(struct writer *writer, size_t length) {
  if (length < 0x40)
    write_number(writer, length, 1);
  else if (length < 0x4000)
    write_number(writer, 0x4000u | length, 2);
  else if (length <= LENGTH_MAX)
    write_number(writer, 0x80000000u | length, 4);
  else if (writer->err == OK)
    writer->err = ERR_LIMIT;
}

size_t vector_size(size_t length) {
  if (length < 0x40)
    return 1 + length;
  return length + (length < 0x4000 ? 2 : 4);
}

void write_vector(struct writer *writer, struct view bytes) {
  write_length(writer, bytes.size);
  write_bytes(writer, bytes);
}

void write_optional(struct writer *writer, bool present) {
  write_u8(writer, present ? 1 : 0);
}

size_t write_begin(struct writer *writer) {
  return writer->size;
}

void write_end(struct writer *writer, size_t begin) {
  if (writer->err != OK)
    return;
  size_t length = writer->size - begin;
  write_length(writer, length);
  if (writer->err != OK)
    return;
  /* The header was written behind the items: move it in front of them. */
  uint8_t header[4];
  size_t header_size = writer->size - begin - length;
  memcpy(header, writer->data + begin + length, header_size);
  memmove(writer->data + begin + header_size, writer->data + begin, length);
  memcpy(writer->data + begin, header, header_size);
}

struct view writer_view(const struct writer *writer) {
  return (struct view){writer->data, writer->size};
}

enum err writer_take(struct writer *writer, struct bytes *out) {
  if (writer->err != OK)
    return writer->err;
  *out = (struct bytes){writer->data, writer->size};
  *writer = (struct writer){NULL, 0, 0, OK};
  return OK;
}

void writer_free(struct writer *writer) {
  if (writer->data != NULL)
    wipe(writer->data, writer->size);
  mem_free(writer->data);
  *writer = (struct writer){NULL, 0, 0, OK};
}
