/* SPDX-License-Identifier: ISC */
#include "generate.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "crypto/kdf.h"
#include "crypto/provider.h"

void must(enum err result, const char *what) {
  if (result == OK)
    return;
  fprintf(stderr, "e2ee-vectors: cannot generate: %s: %s\n", what, e2ee_strerror((int)result));
  exit(2);
}

/* Values are owned by what they are put into. */
static json_object *made(json_object *value) {
  must(value == NULL ? ERR_NOMEM : OK, "JSON");
  return value;
}

static void put(json_object *object, const char *field, json_object *value) {
  must(json_object_object_add(object, field, value) == 0 ? OK : ERR_NOMEM, field);
}

static void append(json_object *array, json_object *value) {
  must(json_object_array_add(array, value) == 0 ? OK : ERR_NOMEM, "array");
}

json_object *new_array(void) {
  return made(json_object_new_array());
}

json_object *new_object(void) {
  return made(json_object_new_object());
}

json_object *generate_suites(uint16_t only, generator *generate) {
  json_object *array = new_array();
  must(only == 0 || suite_find(only) != NULL ? OK : ERR_UNSUPPORTED, "suite");
  for (size_t i = 0; suite_id_at(i) != 0; i++) {
    const struct suite *suite = suite_find(suite_id_at(i));
    if (suite != NULL && (only == 0 || suite->id == only))
      generate(suite, array);
  }
  return array;
}

/* ---- Fields ---- */

static json_object *hex(struct view bytes) {
  static const char digits[] = "0123456789abcdef";
  char *text = mem_new(2 * bytes.size + 1, 1);
  must(text == NULL ? ERR_NOMEM : OK, "hex");
  for (size_t i = 0; i < bytes.size; i++) {
    text[2 * i] = digits[bytes.data[i] >> 4];
    text[2 * i + 1] = digits[bytes.data[i] & 15];
  }
  json_object *string = made(json_object_new_string(text));
  mem_free(text);
  return string;
}

json_object *put_object(json_object *object, const char *field) {
  json_object *value = new_object();
  put(object, field, value);
  return value;
}

json_object *put_array(json_object *object, const char *field) {
  json_object *value = new_array();
  put(object, field, value);
  return value;
}

void put_null(json_object *object, const char *field) {
  put(object, field, NULL);
}

void put_number(json_object *object, const char *field, uint64_t number) {
  put(object, field, made(json_object_new_uint64(number)));
}

void put_text(json_object *object, const char *field, const char *text) {
  put(object, field, made(json_object_new_string(text)));
}

void put_hex(json_object *object, const char *field, struct view bytes) {
  put(object, field, hex(bytes));
}

void put_same(json_object *object, const char *field, json_object *from) {
  put(object, field, json_object_get(vectors_optional(from, field)));
}

void put_secret(json_object *object, const char *field, const struct secret *secret) {
  put_hex(object, field, secret_view(secret));
}

/* ---- Items ---- */

json_object *append_object(json_object *array) {
  json_object *value = new_object();
  append(array, value);
  return value;
}

json_object *append_array(json_object *array) {
  json_object *value = new_array();
  append(array, value);
  return value;
}

void append_null(json_object *array) {
  append(array, NULL);
}

void append_number(json_object *array, uint32_t number) {
  append(array, made(json_object_new_int64(number)));
}

void append_hex(json_object *array, struct view bytes) {
  append(array, hex(bytes));
}

/* ---- Chance ---- */

struct secret random_secret(size_t size) {
  struct secret secret = {0};
  must(provider_random_secret(&secret, size), "random");
  return secret;
}

uint32_t random_below(uint32_t end) {
  struct secret bytes = random_secret(4);
  uint32_t number = 0;
  for (size_t i = 0; i < 4; i++)
    number = number << 8 | bytes.bytes[i];
  return number % end;
}
