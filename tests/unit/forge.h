/*
 * Made-up leaves for tests of trees, and numbers that come out the same in every run.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_FORGE_H
#define TESTS_FORGE_H

#include "mls/wire/leaf.h"

/** Extensions and proposals that forged leaves support or not: from this type on. */
#define FORGE_TYPE 0xf000
#define FORGE_TYPES 3

void forge_seed(uint64_t seed);
uint64_t forge_number(void);

/** A number below an end. */
uint32_t forge_below(uint32_t end);
void forge_bytes(uint8_t *out, size_t size);

/** What is set in a forged leaf; any empty field is made up. */
struct forge_fields {
  struct view encryption_key;
  struct view signature_key;
  struct view parent_hash; /* makes it a leaf of source commit */
};

/** A leaf of good form, whose capabilities and credential vary and whose signature is none.
 *  Free with leaf_drop().  @param fields  may be NULL */
struct leaf *forge_leaf(const struct suite *suite, const struct forge_fields *fields);

#endif
