/*
 * What leaves of the tests are made of: a valid one, in which each test changes one thing.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_MAKER_H
#define TESTS_MAKER_H

#include "mls/wire/leaf.h"

/** Group, and index in it, of leaves that are not for a key package. */
#define MAKER_GROUP VIEW_TEXT("a group")
#define MAKER_LEAF 7

/* Types that nobody knows: one reserved for GREASE (RFC 9420, section 13.5), one for private use. */
#define GREASE 0x0a0a
#define PRIVATE_EXTENSION 0xf123

struct maker {
  const struct suite *suite;
  struct secret signature_key;
  struct bytes signature_public;
  struct bytes storage;    /* of capabilities */
  struct bytes credential; /* on the wire */
  struct bytes extensions;
  uint8_t encryption_key[KEM_PUBLIC_MAX];
  struct leaf_template fields;
};

/** Fields of a valid leaf for a key package, with fresh keys.  Not to be moved. */
void maker_init(struct maker *maker, uint16_t suite_id);
void maker_free(struct maker *maker);

/** A signed leaf of the fields as they are now, to be dropped. */
struct leaf *maker_leaf(const struct maker *maker);

/** A list of one empty extension of each type, to be freed. */
struct bytes maker_extensions(const uint16_t *types, size_t count);

#endif
