/*
 * Generating vectors: what every family's generator builds on.
 *
 * A generator stands beside the checker of its family, so that what is known of the format is in one
 * place; it takes another way through the library than the checker does (real groups, or a plain
 * reading of the RFC), so that the two test each other.  Whatever fails ends the program with status
 * 2: there is no half a file.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_GENERATE_H
#define TESTS_GENERATE_H

#include "vectors.h"

/** End the program, with the reason, unless the result is OK. */
void must(enum err result, const char *what);

/** The vectors of one suite, appended to a file's array. */
typedef void generator(const struct suite *suite, json_object *array);

/** A file's array, of all suites or of one.  @param only  0: all */
json_object *generate_suites(uint16_t only, generator *generate);

/* ---- Writing fields and items; bytes become hex. ---- */

/** A file's outermost value. */
json_object *new_array(void);
json_object *new_object(void);

json_object *put_object(json_object *object, const char *field);
json_object *put_array(json_object *object, const char *field);
void put_null(json_object *object, const char *field);
void put_number(json_object *object, const char *field, uint64_t number);
void put_text(json_object *object, const char *field, const char *text);
void put_hex(json_object *object, const char *field, struct view bytes);
/** A field as it is in another object. */
void put_same(json_object *object, const char *field, json_object *from);
void put_secret(json_object *object, const char *field, const struct secret *secret);

json_object *append_object(json_object *array);
json_object *append_array(json_object *array);
void append_null(json_object *array);
void append_number(json_object *array, uint32_t number);
void append_hex(json_object *array, struct view bytes);

/* ---- Chance ---- */

/** Fresh random bytes, at most SECRET_MAX. */
struct secret random_secret(size_t size);

/** A random number below `end`. */
uint32_t random_below(uint32_t end);

#endif
