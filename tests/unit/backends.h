/*
 * What the tests of the cryptographic backends share.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_BACKENDS_H
#define TESTS_BACKENDS_H

#include <check.h>
#include <string.h>

#include "config.h"
#include "crypto/provider.h"
#if HAVE_OPENSSL
#include <openssl/err.h>
#endif

static inline void assert_equal(const uint8_t *a, const uint8_t *b, size_t size) {
  ck_assert(view_equal(view_of(a, size), view_of(b, size)));
}

static inline bool all_zero(const uint8_t *bytes, size_t size) {
  for (size_t i = 0; i < size; i++)
    if (bytes[i] != 0)
      return false;
  return true;
}

static inline void assert_no_errors_left(void) {
#if HAVE_OPENSSL
  ck_assert_uint_eq(ERR_peek_error(), 0);
#endif
}

/* @return the number of bytes */
static inline size_t from_hex(const char *hex, uint8_t *out) {
  size_t size = strlen(hex) / 2;
  for (size_t i = 0; i < size; i++) {
    unsigned byte = 0;
    for (size_t j = 0; j < 2; j++) {
      char digit = hex[2 * i + j];
      byte = byte << 4 | (unsigned)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
    }
    out[i] = (uint8_t)byte;
  }
  return size;
}

#endif
