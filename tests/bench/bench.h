/*
 * Benchmarks: what every group's file in this folder builds on.
 *
 * A group is one function that asks bench_wanted() for each of its names and measures those.  A name is
 * measured in many short rounds; told is the median of a call, beside the median of its floor: the
 * least that any library would have to do for it, measured in turns with it, so that both see the
 * same machine.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_BENCH_H
#define TESTS_BENCH_H

#include <stdbool.h>
#include <stddef.h>

struct bench; /* what was asked for on the command line */

/** True if a name contains the filter's text. */
bool bench_wanted(const struct bench *bench, const char *name);

/** Calls to measure.  Both functions are given `state`, and do `count` calls' worth of work. */
struct bench_work {
  void (*prepare)(void *state, size_t count); /* not timed; may be NULL */
  void (*run)(void *state, size_t count);
};

/**
 * Measure and print.
 * @param floor  NULL if there is none
 * @param count  calls in a round; a round should take 10 us at least
 */
void bench_measure(const struct bench *bench, const char *name, const struct bench_work *work,
                   const struct bench_work *floor, void *state, size_t count);

/** Something else that is told of a name: a number of bytes, most often. */
struct bench_figure {
  const char *name;
  double value;
};

struct bench_result {
  double ns, floor_ns; /* medians */
};
void bench_tell(const struct bench *bench, const char *name, struct bench_result result,
                const struct bench_figure *figures, size_t count);

/** End the program with status 1, naming what failed, unless the result is 0. */
void bench_require(int result, const char *what);

/* ---- The groups: one function a file. ---- */

void bench_epochs(const struct bench *bench);
void bench_frame(const struct bench *bench);
void bench_reject(const struct bench *bench);

#endif
