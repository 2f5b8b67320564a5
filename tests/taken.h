/*
 * What was written, out of a writer that must not have failed.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_TAKEN_H
#define TESTS_TAKEN_H

#include <check.h>

#include "base/buf.h"

/** @return to be freed */
static inline struct bytes taken(struct writer *writer) {
  struct bytes bytes = {0};
  ck_assert_int_eq(writer_take(writer, &bytes), OK);
  return bytes;
}

#endif
