/*
 * What the forger of tests/reject asserts, without libcheck: a fuzz target has no test to fail, so the
 * process ends, as by a crash.
 * SPDX-License-Identifier: ISC
 */
#ifndef FUZZ_CHECK_H
#define FUZZ_CHECK_H

#include <stdio.h>

#include "fuzz/harness.h"

#define ck_assert_msg(holds, ...)                                                                  \
  ((void)sizeof(printf(__VA_ARGS__)), harness_require(holds, #holds))
#define ck_assert(holds) harness_require(holds, #holds)
#define ck_assert_int_eq(a, b) harness_require((a) == (b), #a " == " #b)
#define ck_assert_uint_eq(a, b) harness_require((a) == (b), #a " == " #b)
#define ck_assert_uint_lt(a, b) harness_require((a) < (b), #a " < " #b)
#define ck_assert_uint_le(a, b) harness_require((a) <= (b), #a " <= " #b)
#define ck_assert_uint_gt(a, b) harness_require((a) > (b), #a " > " #b)
#define ck_assert_ptr_null(pointer) harness_require((pointer) == NULL, #pointer " is NULL")

#endif
