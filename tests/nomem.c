/* SPDX-License-Identifier: ISC */
#include "nomem.h"

#include <stdlib.h>

#include "api/handles.h"
#include "config.h"
#include "unit/failing.h"

#if HAVE_OPENSSL
#include <openssl/crypto.h>
#endif

#define MEMBERS_MAX 4

/* ---- The memory of OpenSSL: failing.c has ours ---- */

static bool openssl_armed, openssl_failed;
static size_t openssl_left;

#if HAVE_OPENSSL
/* From one allocation on all fail: OpenSSL does without a single one here and there. */
static bool openssl_fails(void) {
  if (!openssl_armed)
    return false;
  openssl_failed = openssl_failed || openssl_left == 0;
  openssl_left -= openssl_failed ? 0 : 1;
  return openssl_failed;
}

static void *openssl_malloc(size_t size, const char *file, int line) {
  (void)file, (void)line;
  return openssl_fails() ? NULL : malloc(size);
}

static void *openssl_realloc(void *memory, size_t size, const char *file, int line) {
  (void)file, (void)line;
  return openssl_fails() ? NULL : realloc(memory, size);
}

static void openssl_free(void *memory, const char *file, int line) {
  (void)file, (void)line;
  free(memory);
}
#endif

static void fail_after(enum whose whose, size_t after) {
  if (whose == OURS) {
    failing_after(after);
  } else {
    openssl_armed = true;
    openssl_failed = false;
    openssl_left = after;
  }
}

static bool stop_failing(enum whose whose) {
  if (whose == OURS)
    return failing_stop();
  openssl_armed = false;
  return openssl_failed;
}

bool nomem_start(void) {
#if HAVE_OPENSSL
  return CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) == 1;
#else
  return true;
#endif
}

/* ---- Calls ---- */

void drop(e2ee_bytes **bytes) {
  e2ee_bytes_free(*bytes);
  *bytes = NULL;
}

/* Every one of ours; OpenSSL takes too many. */
static size_t next_try(size_t after, enum whose whose) {
  return after + 1 + (whose == OPENSSL && after > 64 ? after / 16 : 0);
}

size_t nomem_run(const struct step *step, enum whose whose, const struct member *members,
                 size_t count) {
  size_t tries = 0, proposals[MEMBERS_MAX];
  struct facts facts[MEMBERS_MAX];
  bool in_group[MEMBERS_MAX];
  ck_assert_uint_le(count, MEMBERS_MAX);
  for (size_t i = 0; i < count; i++) {
    in_group[i] = members[i].group != NULL;
    if (!in_group[i])
      continue;
    facts[i] = facts_of(members[i].group);
    proposals[i] = members[i].group->group->proposals.count; /* which nobody is shown */
  }
  for (size_t after = 0;; after = next_try(after, whose), tries++) {
    fail_after(whose, after);
    int err = step->call();
    if (!stop_failing(whose)) {
      ck_assert_msg(err == E2EE_OK, "%s with memory: %d", step->name, err);
      if (step->after != NULL)
        step->after();
      return tries;
    }
    ck_assert_msg(err == E2EE_ERR_NOMEM, "%s without allocation %zu: %d", step->name, after, err);
    for (size_t i = 0; i < count; i++) {
      ck_assert_int_eq(members[i].group != NULL, in_group[i]);
      if (!in_group[i])
        continue;
      expect_unchanged(members[i].group, &facts[i]);
      ck_assert_uint_eq(members[i].group->group->proposals.count, proposals[i]);
    }
  }
}
