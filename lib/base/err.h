/*
 * Result codes of internal functions, and why something was refused.
 * SPDX-License-Identifier: ISC
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>

#include <e2ee/e2ee.h>

/** The public codes as a type of their own, so that the compiler sees a result thrown away. */
enum err {
  OK = E2EE_OK,
  ERR_INVALID_ARG = E2EE_ERR_INVALID_ARG,
  ERR_INVALID_STATE = E2EE_ERR_INVALID_STATE,
  ERR_BUSY = E2EE_ERR_BUSY,
  ERR_BUFFER_TOO_SMALL = E2EE_ERR_BUFFER_TOO_SMALL,
  ERR_NOT_FOUND = E2EE_ERR_NOT_FOUND,
  ERR_UNSUPPORTED = E2EE_ERR_UNSUPPORTED,
  ERR_LIMIT = E2EE_ERR_LIMIT,
  ERR_OLD_EPOCH = E2EE_ERR_OLD_EPOCH,
  ERR_FUTURE_EPOCH = E2EE_ERR_FUTURE_EPOCH,
  ERR_PENDING_COMMIT = E2EE_ERR_PENDING_COMMIT,
  ERR_MISSING_PROPOSAL = E2EE_ERR_MISSING_PROPOSAL,
  ERR_NO_KEY = E2EE_ERR_NO_KEY,
  ERR_REPLAY = E2EE_ERR_REPLAY,
  ERR_MALFORMED = E2EE_ERR_MALFORMED,
  ERR_AUTH = E2EE_ERR_AUTH,
  ERR_SIGNATURE = E2EE_ERR_SIGNATURE,
  ERR_INVALID_PROPOSAL = E2EE_ERR_INVALID_PROPOSAL,
  ERR_INVALID_COMMIT = E2EE_ERR_INVALID_COMMIT,
  ERR_INVALID_TREE = E2EE_ERR_INVALID_TREE,
  ERR_LIFETIME = E2EE_ERR_LIFETIME,
  ERR_STATE_KEY = E2EE_ERR_STATE_KEY,
  ERR_STATE_CORRUPT = E2EE_ERR_STATE_CORRUPT,
  ERR_STATE_VERSION = E2EE_ERR_STATE_VERSION,
  ERR_KEY_EXHAUSTED = E2EE_ERR_KEY_EXHAUSTED,
  ERR_LEFT_BEHIND = E2EE_ERR_LEFT_BEHIND,
  ERR_NOMEM = E2EE_ERR_NOMEM,
  ERR_RANDOM = E2EE_ERR_RANDOM,
  ERR_INTERNAL = E2EE_ERR_INTERNAL,
};

/** Whether a failure says nothing about the input: no memory, no randomness, a bug.  What is skipped or
 *  refused because it is invalid must not be so for one of these. */
static inline bool err_is_ours(enum err err) {
  return err <= ERR_NOMEM;
}

#define CHECKED __attribute__((warn_unused_result))
/** Seldom called: kept out of its callers, which are quicker without it. */
#define RARE __attribute__((noinline, cold))
#define ALWAYS_INLINE inline __attribute__((always_inline))
#define FORMAT(string, first) __attribute__((format(printf, string, first)))

/** Leave the function through its `done:` label, with `err` set, unless the expression is OK. */
#define TRY(expression)                                                                            \
  do {                                                                                             \
    err = (expression);                                                                            \
    if (err != OK)                                                                                 \
      goto done;                                                                                   \
  } while (0)

/** One English sentence for the person who has to find out why a call failed. */
struct why {
  char text[240];
};

/** Keep the sentence in `why` (which may be NULL) and return `err`.  Never pass a secret. */
CHECKED enum err refuse(struct why *why, enum err err, const char *format, ...) FORMAT(3, 4);

/** OK if the requirement holds; otherwise as refuse(). */
CHECKED enum err require(bool holds, struct why *why, enum err err, const char *format, ...)
    FORMAT(4, 5);

#endif
