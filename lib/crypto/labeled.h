/*
 * LabeledExtract and LabeledExpand (RFC 9180, section 4).
 * SPDX-License-Identifier: ISC
 */
#ifndef CRYPTO_LABELED_H
#define CRYPTO_LABELED_H

#include "crypto/algorithm.h"

/** What the algorithms are called in the derivations: "KEM" or "HPKE", and code points. */
struct suite_id {
  uint8_t bytes[10];
  size_t size;
};

/** @param first,second  the input, in two parts */
CHECKED enum err labeled_extract(const struct hash *hash, struct suite_id id, struct view salt,
                                 struct view label, struct view first, struct view second,
                                 struct secret *out);

/** @param first,second  the info, in two parts */
CHECKED enum err labeled_expand(const struct hash *hash, struct suite_id id,
                                const struct secret *key, struct view label, struct view first,
                                struct view second, uint8_t *out, size_t size);

#endif
