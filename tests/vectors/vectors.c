/* SPDX-License-Identifier: ISC */
#include "vectors.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* ---- Counting and comparing ---- */

void vectors_check(struct tally *tally, bool passed, const char *what, size_t index) {
  if (passed) {
    tally->passed++;
    return;
  }
  tally->failed++;
  fprintf(stderr, "failed: %s, vector %zu\n", what, index);
}

void vectors_skip(struct tally *tally) {
  tally->skipped++;
}

static void print_hex(const char *title, struct view bytes) {
  fprintf(stderr, "  %s ", title);
  for (size_t i = 0; i < bytes.size && i < 64; i++)
    fprintf(stderr, "%02x", bytes.data[i]);
  fprintf(stderr, "%s (%zu bytes)\n", bytes.size > 64 ? "..." : "", bytes.size);
}

bool vectors_equal(json_object *object, const char *field, struct view actual) {
  struct bytes expected = vectors_bytes(object, field);
  bool equal = view_equal(bytes_view(&expected), actual);
  if (!equal) {
    fprintf(stderr, "%s differs:\n", field);
    print_hex("expected", bytes_view(&expected));
    print_hex("actual  ", actual);
  }
  bytes_free(&expected);
  return equal;
}

bool vectors_ok(enum err result, const char *what) {
  if (result != OK)
    fprintf(stderr, "%s: %s\n", what, e2ee_strerror((int)result));
  return result == OK;
}

/* ---- Reading fields ---- */

static _Noreturn void bad_file(const char *field, const char *problem) {
  fprintf(stderr, "e2ee-vectors: bad file: \"%s\" %s\n", field, problem);
  exit(2);
}

json_object *vectors_optional(json_object *object, const char *field) {
  json_object *value = NULL;
  json_object_object_get_ex(object, field, &value);
  return value;
}

json_object *vectors_field(json_object *object, const char *field) {
  json_object *value = vectors_optional(object, field);
  if (value == NULL)
    bad_file(field, "is missing");
  return value;
}

static json_object *field_of_type(json_object *object, const char *field, enum json_type type) {
  json_object *value = vectors_field(object, field);
  if (!json_object_is_type(value, type))
    bad_file(field, "is of the wrong type");
  return value;
}

json_object *vectors_array(json_object *object, const char *field) {
  return field_of_type(object, field, json_type_array);
}

size_t vectors_count(json_object *array) {
  if (!json_object_is_type(array, json_type_array))
    bad_file("(root)", "is no array");
  return json_object_array_length(array);
}

json_object *vectors_item(json_object *array, size_t index) {
  return json_object_array_get_idx(array, index);
}

uint64_t vectors_u64(json_object *object, const char *field) {
  json_object *value = field_of_type(object, field, json_type_int);
  if (json_object_get_int64(value) < 0)
    bad_file(field, "is negative");
  errno = 0;
  uint64_t number = json_object_get_uint64(value);
  if (errno != 0)
    bad_file(field, "does not fit into 64 bits");
  return number;
}

uint32_t vectors_u32(json_object *object, const char *field) {
  uint64_t number = vectors_u64(object, field);
  if (number > UINT32_MAX)
    bad_file(field, "does not fit into 32 bits");
  return (uint32_t)number;
}

uint16_t vectors_u16(json_object *object, const char *field) {
  uint64_t number = vectors_u64(object, field);
  if (number > UINT16_MAX)
    bad_file(field, "does not fit into 16 bits");
  return (uint16_t)number;
}

bool vectors_bool(json_object *object, const char *field) {
  return json_object_get_boolean(field_of_type(object, field, json_type_boolean));
}

const char *vectors_text(json_object *object, const char *field) {
  return json_object_get_string(field_of_type(object, field, json_type_string));
}

struct view vectors_text_view(json_object *object, const char *field) {
  json_object *value = field_of_type(object, field, json_type_string);
  const char *text = json_object_get_string(value);
  return view_of((const uint8_t *)text, (size_t)json_object_get_string_len(value));
}

static uint8_t hex_digit(char digit) {
  static const char digits[] = "0123456789abcdef0123456789ABCDEF";
  const char *at = digit == '\0' ? NULL : strchr(digits, digit);
  if (at == NULL)
    bad_file("hex string", "holds another character");
  return (uint8_t)((at - digits) % 16);
}

struct bytes vectors_hex(json_object *string) {
  if (!json_object_is_type(string, json_type_string))
    bad_file("hex string", "is of the wrong type");
  const char *text = json_object_get_string(string);
  size_t length = (size_t)json_object_get_string_len(string);
  if (length % 2 != 0)
    bad_file("hex string", "has an odd length");
  struct bytes bytes = {mem_new(length / 2, 1), length / 2};
  if (bytes.data == NULL)
    bad_file("hex string", "does not fit into memory");
  for (size_t i = 0; i < bytes.size; i++)
    bytes.data[i] = (uint8_t)(hex_digit(text[2 * i]) << 4 | hex_digit(text[2 * i + 1]));
  return bytes;
}

struct bytes vectors_bytes(json_object *object, const char *field) {
  return vectors_hex(field_of_type(object, field, json_type_string));
}

struct secret vectors_secret(json_object *object, const char *field) {
  struct bytes bytes = vectors_bytes(object, field);
  struct secret secret = {0};
  if (secret_set(&secret, bytes_view(&bytes)) != OK)
    bad_file(field, "is too long for a secret");
  bytes_free(&bytes);
  return secret;
}

struct secret vectors_private_key(json_object *object, const char *field, size_t size) {
  struct secret given = vectors_secret(object, field), key = {.size = (uint16_t)size};
  if (given.size > size || size > SECRET_MAX)
    bad_file(field, "is too long for a private key");
  memcpy(key.bytes + size - given.size, given.bytes, given.size);
  secret_wipe(&given);
  return key;
}

const struct suite *vectors_suite(json_object *object) {
  return suite_find(vectors_u16(object, "cipher_suite"));
}

void vectors_each(json_object *root, struct tally *tally, const char *what,
                  bool (*check)(const struct suite *suite, json_object *vector)) {
  for (size_t i = 0; i < vectors_count(root); i++) {
    json_object *vector = vectors_item(root, i);
    const struct suite *suite = vectors_suite(vector);
    if (suite == NULL)
      vectors_skip(tally);
    else
      vectors_check(tally, check(suite, vector), what, i);
  }
}
