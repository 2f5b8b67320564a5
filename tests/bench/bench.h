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

/** What others need for the same, told beside a name. */
struct bench_beside {
  const char *name; /* of the figure: nanoseconds a call */
  struct bench_work work;
};

/** The same, with a figure more.  @param beside  measured in turns with the others; NULL: none */
void bench_measure_beside(const struct bench *bench, const char *name,
                          const struct bench_work *work, const struct bench_work *floor,
                          const struct bench_beside *beside, void *state, size_t count);

/** Something else that is told of a name: a number of bytes, most often. */
struct bench_figure {
  const char *name;
  double value;
};

/** Calls of which one fills a round, because each takes long or changes what it works on. */
struct bench_call {
  const char *name;
  void (*prepare)(void *state); /* not timed; may be NULL */
  void (*run)(void *state);
  double (*floor)(void *state); /* nanoseconds, measured when it is called; NULL: there is none */
  void *state;
  size_t rounds_min;
};

/** Processor time of the process, all threads: what others do on the machine is not in it. */
double bench_cpu_ns(void);

/** Measure a call, in processor time.  Nothing is printed before bench_tell(), as figures are known afterwards. */
struct bench_result {
  double ns, floor_ns; /* medians */
};
struct bench_result bench_time(const struct bench_call *call);
void bench_tell(const struct bench *bench, const char *name, struct bench_result result,
                const struct bench_figure *figures, size_t count);

/** End the program with status 1, naming what failed, unless the result is 0. */
void bench_require(int result, const char *what);

/* ---- The groups: one function a file. ---- */

void bench_epochs(const struct bench *bench);
void bench_forged(const struct bench *bench);
void bench_frame(const struct bench *bench);
void bench_group(const struct bench *bench);
void bench_lengthy(const struct bench *bench);
void bench_message(const struct bench *bench);
void bench_reject(const struct bench *bench);

#endif
