/*
 * e2ee-bench [--filter TEXT] [--json]: how long the library's calls take.
 *
 * A line each: the name, nanoseconds a call (median), those of its floor, and their ratio; with
 * --json an object a line with name, ns, floor_ns and ratio (null where there is no floor).  Some
 * names have more: bytes of what was made and of memory (bytes, welcome_bytes, heap_bytes), calls
 * beyond the floor (extra_…), and what a byte of a message costs (ns_a_byte, heap_a_byte).  group/, message/ and keypackage/ tell processor time, the others time.
 * SPDX-License-Identifier: ISC
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <e2ee/e2ee.h>

#include "bench.h"

/* Rounds end when there are enough of them or the time for one name is used up. */
#define ROUNDS_MAX 501
#define ROUNDS_MIN 5
#define SECONDS_MAX 1.0
#define CALL_SECONDS_MAX 0.25 /* of those that fill a round alone: groups have many names */

struct bench {
  const char *filter;
  bool json;
};

bool bench_wanted(const struct bench *bench, const char *name) {
  return strstr(name, bench->filter) != NULL;
}

static double now(void) {
  struct timespec time;
  (void)clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static double round_of(const struct bench_work *work, void *state, size_t count) {
  if (work->prepare != NULL)
    work->prepare(state, count);
  double start = now();
  work->run(state, count);
  return (now() - start) / (double)count;
}

static int by_value(const void *a, const void *b) {
  const double *x = a, *y = b;
  return (*x > *y) - (*x < *y);
}

static double median(double *values, size_t count) {
  qsort(values, count, sizeof *values, by_value);
  return values[count / 2];
}

static void tell_json(const char *name, struct bench_result result,
                      const struct bench_figure *figures, size_t count) {
  printf("{\"name\": \"%s\", \"ns\": %.1f, ", name, result.ns);
  if (result.floor_ns > 0)
    printf("\"floor_ns\": %.1f, \"ratio\": %.3f", result.floor_ns, result.ns / result.floor_ns);
  else
    printf("\"floor_ns\": null, \"ratio\": null");
  for (size_t i = 0; i < count; i++)
    printf(", \"%s\": %.10g", figures[i].name, figures[i].value);
  printf("}\n");
}

static void tell_line(const char *name, struct bench_result result,
                      const struct bench_figure *figures, size_t count) {
  printf("%-44s %14.1f ns", name, result.ns);
  if (result.floor_ns > 0)
    printf("  floor %14.1f ns  ratio %6.3f", result.floor_ns, result.ns / result.floor_ns);
  for (size_t i = 0; i < count; i++)
    printf("  %s %.10g", figures[i].name, figures[i].value);
  printf("\n");
}

void bench_tell(const struct bench *bench, const char *name, struct bench_result result,
                const struct bench_figure *figures, size_t count) {
  (bench->json ? tell_json : tell_line)(name, result, figures, count);
  fflush(stdout);
}

void bench_measure_beside(const struct bench *bench, const char *name,
                          const struct bench_work *work, const struct bench_work *floor,
                          const struct bench_beside *beside, void *state, size_t count) {
  double times[ROUNDS_MAX], floors[ROUNDS_MAX], others[ROUNDS_MAX];
  size_t rounds = 0;
  (void)round_of(work, state, count); /* caches and branch predictors warm up */
  double start = now();
  while (rounds < ROUNDS_MAX && (rounds < ROUNDS_MIN || now() - start < SECONDS_MAX * 1e9)) {
    floors[rounds] = floor == NULL ? 0 : round_of(floor, state, count);
    others[rounds] = beside == NULL ? 0 : round_of(&beside->work, state, count);
    times[rounds] = round_of(work, state, count);
    rounds++;
  }
  struct bench_result result = {median(times, rounds), floor == NULL ? 0 : median(floors, rounds)};
  struct bench_figure figure = {beside == NULL ? NULL : beside->name, median(others, rounds)};
  bench_tell(bench, name, result, &figure, beside == NULL ? 0 : 1);
}

void bench_measure(const struct bench *bench, const char *name, const struct bench_work *work,
                   const struct bench_work *floor, void *state, size_t count) {
  bench_measure_beside(bench, name, work, floor, NULL, state, count);
}

struct bench_result bench_time(const struct bench_call *call) {
  double times[ROUNDS_MAX], floors[ROUNDS_MAX], spent = 0;
  size_t rounds = 0;
  while (rounds < ROUNDS_MAX && (rounds < call->rounds_min || spent < CALL_SECONDS_MAX * 1e9)) {
    double start = now();
    if (call->prepare != NULL)
      call->prepare(call->state);
    floors[rounds] = call->floor == NULL ? 0 : call->floor(call->state);
    double begin = bench_cpu_ns();
    call->run(call->state);
    times[rounds++] = bench_cpu_ns() - begin;
    spent += now() - start;
  }
  return (struct bench_result){median(times, rounds), median(floors, rounds)};
}

int main(int argc, char **argv) {
  struct bench bench = {"", false};
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--json") == 0) {
      bench.json = true;
    } else if (strcmp(argv[i], "--filter") == 0 && i + 1 < argc) {
      bench.filter = argv[++i];
    } else {
      fprintf(stderr, "usage: e2ee-bench [--filter TEXT] [--json]\n");
      return 2;
    }
  }
  bench_require(e2ee_init(), "e2ee_init");
  bench_frame(&bench);
  bench_epochs(&bench);
  bench_message(&bench);
  bench_group(&bench);
  bench_forged(&bench);
  bench_reject(&bench);
  bench_lengthy(&bench);
  return 0;
}
