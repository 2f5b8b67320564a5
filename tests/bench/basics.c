/* What the meter needs without the rest of the benchmarks.  SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <e2ee/e2ee.h>

#include "bench.h"

void bench_require(int result, const char *what) {
  if (result == 0)
    return;
  fprintf(stderr, "e2ee-bench: %s: %s\n", what, e2ee_strerror(result));
  exit(1);
}

double bench_cpu_ns(void) {
  struct timespec time;
  (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}
