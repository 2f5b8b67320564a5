/*
 * Checking vectors: what every family's file in this folder builds on.
 *
 * A family is one function that is given a parsed file and counts its vectors (elements of the
 * file's array, or tests of a Wycheproof group) as passed, failed or skipped.  Skipped is a vector
 * whose algorithms this build has not; it never counts as passed.  A field that is missing or of
 * the wrong type ends the program with status 2: such a file proves nothing.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_VECTORS_H
#define TESTS_VECTORS_H

#include <json-c/json.h>

#include "base/buf.h"
#include "base/secret.h"
#include "crypto/suite.h"

struct tally {
  unsigned passed, failed, skipped;
};

/* ---- Counting: one call for each vector. ---- */

/** Count a vector; if it failed, `what` and its index go to stderr. */
void vectors_check(struct tally *tally, bool passed, const char *what, size_t index);

/** Count a vector that this build cannot check. */
void vectors_skip(struct tally *tally);

/* ---- Comparing: told on stderr, not counted. ---- */

/** True if `actual` is what the field says in hex. */
bool vectors_equal(json_object *object, const char *field, struct view actual);

/** True if `result` is OK; otherwise `what` and the error's text go to stderr. */
bool vectors_ok(enum err result, const char *what);

/* ---- Reading fields. ---- */

json_object *vectors_field(json_object *object, const char *field);

/** NULL where the field is missing or null. */
json_object *vectors_optional(json_object *object, const char *field);

/** A field that is an array.  Items: vectors_item(array, index), vectors_count(array). */
json_object *vectors_array(json_object *object, const char *field);
size_t vectors_count(json_object *array);
json_object *vectors_item(json_object *array, size_t index);

uint64_t vectors_u64(json_object *object, const char *field);
uint32_t vectors_u32(json_object *object, const char *field);
uint16_t vectors_u16(json_object *object, const char *field);
bool vectors_bool(json_object *object, const char *field);
const char *vectors_text(json_object *object, const char *field);

/** A text field as bytes, such as a label; borrowed from the object. */
struct view vectors_text_view(json_object *object, const char *field);

/** Bytes written in hex; to be freed with bytes_free(). */
struct bytes vectors_bytes(json_object *object, const char *field);

/** The same for an item of an array of hex strings. */
struct bytes vectors_hex(json_object *string);

/** A secret written in hex, of at most SECRET_MAX bytes; to be wiped with secret_wipe(). */
struct secret vectors_secret(json_object *object, const char *field);

/** The same for a private key of `size` bytes, where some files leave out leading zeros of a NIST
 *  curve's scalar. */
struct secret vectors_private_key(json_object *object, const char *field, size_t size);

/** The suite of the field "cipher_suite"; NULL if it is not built in: then skip the vector. */
const struct suite *vectors_suite(json_object *object);

/** The GroupSecrets that fields "welcome", "key_package" and "init_priv" hold together.
 *  @param out  to be freed  @return false, said on stderr, if they do not */
bool vectors_group_secrets(const struct suite *suite, json_object *vector, struct bytes *out);

/* ---- A file whose vectors are of a suite each. ---- */

/** Check and count them all; what this build has no suite for is skipped.  @param what  they are */
void vectors_each(json_object *root, struct tally *tally, const char *what,
                  bool (*check)(const struct suite *suite, json_object *vector));

/* ---- The families. ---- */

/* generate_function(): what a file holds.  @param suite  0: all suites  @return to be put */
#define FAMILY(name, function)                                                                     \
  void vectors_##function(json_object *root, struct tally *tally);                                 \
  json_object *generate_##function(uint16_t suite);
#define WYCHEPROOF(name)
#include "families.h"
#undef FAMILY
#undef WYCHEPROOF

void vectors_wycheproof(json_object *root, struct tally *tally);

#endif
