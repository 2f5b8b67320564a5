/*
 * Cases of secrets at work, for valgrind to watch; see secrecy.h and seam.c.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_TIMING_TIMING_H
#define TESTS_TIMING_TIMING_H

#include <e2ee/media.h>
#include <e2ee/mls.h>

#include "secrecy.h"

#define TEXT(text) ((const uint8_t *)(text)), (sizeof(text) - 1)
#define BYTES(bytes) e2ee_bytes_data(bytes), e2ee_bytes_size(bytes)

/** A case, which may be skipped: then it returns false. */
struct timing_case {
  const char *name;
  bool (*run)(unsigned argument);
  unsigned argument;
};

/** All cases of a file; NULL ends them. */
extern const struct timing_case timing_self_checks[]; /* each must be reported */
extern const struct timing_case timing_algorithms[];
extern const struct timing_case timing_groups[];
extern const struct timing_case timing_frames[];

/** The case has failed: a call, with its result, or what should hold, with 0. */
void timing_fail(const char *file, int line, const char *what, int result);

/** A call that must succeed; its result is public. */
#define MUST(call)                                                                                 \
  do {                                                                                             \
    int result_ = (int)(call);                                                                     \
    show(&result_, sizeof result_);                                                                \
    if (result_ != 0)                                                                              \
      timing_fail(__FILE__, __LINE__, #call, result_);                                             \
  } while (0)

/** What must hold: above all that a secret has arrived as one, and is in nothing that is sent. */
#define EXPECT(holds)                                                                              \
  do {                                                                                             \
    if (!(holds))                                                                                  \
      timing_fail(__FILE__, __LINE__, #holds, 0);                                                  \
  } while (0)

#endif
