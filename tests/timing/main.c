/*
 * Does a branch or an address depend on a secret?  Run it under valgrind: tests/timing.sh does.
 *
 *   e2ee-timing [PART-OF-A-NAME]
 *
 * The last line is `N passed, N failed, N skipped`; the status is 77 where nobody watches.
 * SPDX-License-Identifier: ISC
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "timing.h"

static unsigned passed, failed, skipped;
static const char *filter = "";

/* A call that fails leaves nothing to go on with. */
void timing_fail(const char *file, int line, const char *what, int result) {
  printf("FAILED at %s:%d: %s (%d)\n%u passed, %u failed, %u skipped\n", file, line, what, result,
         passed, failed + 1, skipped);
  exit(EXIT_FAILURE);
}

/* @param reported  whether it must be */
static void run_case(const struct timing_case *test, bool reported) {
  if (strstr(test->name, filter) == NULL)
    return;
  fprintf(stderr, "== %s\n", test->name);
  const unsigned before = secrecy_uses();
  if (!test->run(test->argument)) {
    skipped++;
    return;
  }
  const unsigned uses = secrecy_uses() - before;
  if ((uses > 0) == reported) {
    passed++;
    return;
  }
  failed++;
  printf(reported ? "FAILED %s: nobody noticed (%u)\n" : "FAILED %s: a secret decides, %u times\n",
         test->name, uses);
}

static void run_cases(const struct timing_case *test, bool reported) {
  for (; test->name != NULL; test++)
    run_case(test, reported);
}

int main(int argc, char **argv) {
  if (!secrecy_watched()) {
    puts("0 passed, 0 failed, 1 skipped (not under valgrind)");
    return 77;
  }
  if (argc > 1)
    filter = argv[1];
  setvbuf(stdout, NULL, _IOLBF, 0);
  MUST(e2ee_init());
  run_cases(timing_self_checks, true);
  run_cases(timing_algorithms, false);
  run_cases(timing_groups, false);
  run_cases(timing_frames, false);
  printf("%u passed, %u failed, %u skipped\n", passed, failed, skipped);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
