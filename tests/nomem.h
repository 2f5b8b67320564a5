/*
 * Calls in which memory runs out, one allocation after the other.  The program is linked with
 * unit/failing.c, and calls nomem_start() before all else.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_NOMEM_H
#define TESTS_NOMEM_H

#include "fixture.h"

/** Whose memory runs out. */
enum whose { OURS, OPENSSL };

/** One call of the API. */
struct step {
  const char *name;
  int (*call)(void);
  void (*after)(void); /* what to do when it has succeeded; may be NULL */
};

/** Free what a call has made. */
void drop(e2ee_bytes **bytes);

/** @return false: OpenSSL does not let its memory be taken away */
bool nomem_start(void);

/**
 * Repeat a call, each time with one allocation more, until it has all it needs and succeeds.  Before,
 * it must return E2EE_ERR_NOMEM, and leave the groups of the members as they are.
 * @return how often memory ran out
 */
size_t nomem_run(const struct step *step, enum whose whose, const struct member *members,
                 size_t count);

#endif
