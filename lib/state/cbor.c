/* SPDX-License-Identifier: ISC */
#include "state/cbor.h"

#include <cbor.h>

/* The longest head of an item: its type and a 64-bit number. */
#define HEAD_MAX 9

/* ---- Writing ---- */

/* A head is what one of libcbor's encoders makes of a number. */
#define WRITE_HEAD(writer, encoder, number)                                                        \
  do {                                                                                             \
    uint8_t head[HEAD_MAX];                                                                        \
    write_bytes(writer, view_of(head, encoder(number, head, sizeof head)));                        \
  } while (0)

void cbor_write_uint(struct writer *writer, uint64_t value) {
  WRITE_HEAD(writer, cbor_encode_uint, value);
}

void cbor_write_bool(struct writer *writer, bool value) {
  WRITE_HEAD(writer, cbor_encode_bool, value);
}

void cbor_write_bytes(struct writer *writer, struct view bytes) {
  WRITE_HEAD(writer, cbor_encode_bytestring_start, bytes.size);
  write_bytes(writer, bytes);
}

void cbor_write_array(struct writer *writer, size_t count) {
  WRITE_HEAD(writer, cbor_encode_array_start, count);
}

void cbor_write_map(struct writer *writer, size_t count) {
  WRITE_HEAD(writer, cbor_encode_map_start, count);
}

void cbor_write_key(struct writer *writer, unsigned key) {
  cbor_write_uint(writer, key);
}

/* ---- Reading: libcbor takes the next item apart, and tells through a callback what it is. ---- */

enum item_type { ITEM_OTHER, ITEM_UINT, ITEM_BOOL, ITEM_BYTES, ITEM_ARRAY, ITEM_MAP };

struct item {
  enum item_type type;
  uint64_t number; /* the value, or the size of what follows */
  const uint8_t *bytes;
};

static void tell(void *context, enum item_type type, uint64_t number) {
  struct item *item = context;
  item->type = type;
  item->number = number;
}

static void tell_u8(void *context, uint8_t value) {
  tell(context, ITEM_UINT, value);
}

static void tell_u16(void *context, uint16_t value) {
  tell(context, ITEM_UINT, value);
}

static void tell_u32(void *context, uint32_t value) {
  tell(context, ITEM_UINT, value);
}

static void tell_u64(void *context, uint64_t value) {
  tell(context, ITEM_UINT, value);
}

static void tell_bool(void *context, bool value) {
  tell(context, ITEM_BOOL, value);
}

static void tell_bytes(void *context, cbor_data data, size_t size) {
  struct item *item = context;
  tell(context, ITEM_BYTES, size);
  item->bytes = data;
}

static void tell_array(void *context, size_t count) {
  tell(context, ITEM_ARRAY, count);
}

static void tell_map(void *context, size_t count) {
  tell(context, ITEM_MAP, count);
}

/* Bytes of the shortest head for an item's number. */
static size_t shortest_head(const struct item *item) {
  if (item->type == ITEM_BOOL || item->number < 24)
    return 1;
  if (item->number <= UINT8_MAX)
    return 1 + sizeof(uint8_t);
  if (item->number <= UINT16_MAX)
    return 1 + sizeof(uint16_t);
  return item->number <= UINT32_MAX ? 1 + sizeof(uint32_t) : 1 + sizeof(uint64_t);
}

/* Consume the next item, or the head of the next array or map, if it is of the expected type. */
static enum err read_item(struct reader *reader, enum item_type expected, struct item *out) {
  struct cbor_callbacks callbacks = cbor_empty_callbacks;
  callbacks.uint8 = tell_u8;
  callbacks.uint16 = tell_u16;
  callbacks.uint32 = tell_u32;
  callbacks.uint64 = tell_u64;
  callbacks.boolean = tell_bool;
  callbacks.byte_string = tell_bytes;
  callbacks.array_start = tell_array;
  callbacks.map_start = tell_map;

  struct item item = {.type = ITEM_OTHER};
  struct cbor_decoder_result result =
      cbor_stream_decode(reader->at, reader->left, &callbacks, &item);
  if (result.status != CBOR_DECODER_FINISHED || item.type != expected)
    return ERR_STATE_CORRUPT;
  size_t size = item.type == ITEM_BYTES ? (size_t)item.number : 0;
  if (result.read != shortest_head(&item) + size)
    return ERR_STATE_CORRUPT;
  struct view consumed;
  enum err err = read_bytes(reader, result.read, &consumed);
  if (err != OK)
    return ERR_STATE_CORRUPT;
  *out = item;
  return OK;
}

enum err cbor_read_uint(struct reader *reader, uint64_t most, uint64_t *out) {
  struct reader ahead = *reader;
  struct item item;
  enum err err = OK;
  TRY(read_item(&ahead, ITEM_UINT, &item));
  TRY(item.number > most ? ERR_STATE_CORRUPT : OK);
  *out = item.number;
  *reader = ahead;
done:
  return err;
}

enum err cbor_read_u16(struct reader *reader, uint16_t *out) {
  uint64_t value = 0;
  enum err err = cbor_read_uint(reader, UINT16_MAX, &value);
  if (err == OK)
    *out = (uint16_t)value;
  return err;
}

enum err cbor_read_u32(struct reader *reader, uint32_t *out) {
  uint64_t value = 0;
  enum err err = cbor_read_uint(reader, UINT32_MAX, &value);
  if (err == OK)
    *out = (uint32_t)value;
  return err;
}

enum err cbor_read_u64(struct reader *reader, uint64_t *out) {
  return cbor_read_uint(reader, UINT64_MAX, out);
}

enum err cbor_read_bool(struct reader *reader, bool *out) {
  struct item item;
  enum err err = read_item(reader, ITEM_BOOL, &item);
  if (err == OK)
    *out = item.number != 0;
  return err;
}

enum err cbor_read_bytes(struct reader *reader, struct view *out) {
  struct item item;
  enum err err = read_item(reader, ITEM_BYTES, &item);
  if (err == OK)
    *out = view_of(item.bytes, (size_t)item.number);
  return err;
}

enum err cbor_read_secret(struct reader *reader, struct secret *out) {
  struct reader ahead = *reader;
  struct view bytes;
  enum err err = OK;
  TRY(cbor_read_bytes(&ahead, &bytes));
  TRY(bytes.size > SECRET_MAX ? ERR_STATE_CORRUPT : OK);
  TRY(secret_set(out, bytes));
  *reader = ahead;
done:
  return err;
}

enum err cbor_read_array(struct reader *reader, size_t smallest, size_t *count) {
  struct reader ahead = *reader;
  struct item item;
  enum err err = OK;
  TRY(read_item(&ahead, ITEM_ARRAY, &item));
  TRY(item.number > ahead.left / smallest ? ERR_STATE_CORRUPT : OK);
  *count = (size_t)item.number;
  *reader = ahead;
done:
  return err;
}

enum err cbor_read_map(struct reader *reader, size_t count) {
  struct reader ahead = *reader;
  struct item item;
  enum err err = OK;
  TRY(read_item(&ahead, ITEM_MAP, &item));
  TRY(item.number != count ? ERR_STATE_CORRUPT : OK);
  *reader = ahead;
done:
  return err;
}

enum err cbor_read_key(struct reader *reader, unsigned key) {
  struct reader ahead = *reader;
  uint64_t value = 0;
  enum err err = OK;
  TRY(cbor_read_uint(&ahead, UINT64_MAX, &value));
  TRY(value != key ? ERR_STATE_CORRUPT : OK);
  *reader = ahead;
done:
  return err;
}

enum err cbor_read_end(const struct reader *reader) {
  return reader->left == 0 ? OK : ERR_STATE_CORRUPT;
}
