/* SPDX-License-Identifier: ISC */
#include "base/parallel.h"

#include <stdatomic.h>

#include "base/platform.h"

/* Pieces are handed out so many at a time, in order. */
#define BATCH 16u

/* What all threads of a call see. */
struct job {
  parallel_piece *piece;
  const void *state;
  size_t count;
  atomic_size_t next;   /* first piece that nobody has taken */
  atomic_size_t failed; /* lowest piece known to have failed; count if there is none */
};

struct worker {
  struct job *job;
  size_t failed; /* its own piece that failed, and how */
  enum err err;
  struct why why;
};

static void note_failure(struct job *job, size_t index) {
  size_t lowest = atomic_load(&job->failed);
  while (index < lowest && !atomic_compare_exchange_weak(&job->failed, &lowest, index))
    ;
}

/*
 * Batches are taken in order and each is done from its first piece on; nobody stops before a piece that
 * comes before one that failed.  So the first piece of all that fails is always done.
 */
static void work(void *argument) {
  struct worker *worker = argument;
  struct job *job = worker->job;
  for (;;) {
    size_t from = atomic_fetch_add(&job->next, BATCH);
    for (size_t i = from; i < from + BATCH; i++) {
      if (i >= atomic_load(&job->failed))
        return;
      worker->err = job->piece(job->state, i, &worker->why);
      if (worker->err != OK) {
        worker->failed = i;
        note_failure(job, i);
        return;
      }
    }
  }
}

enum err parallel_each(unsigned threads, size_t count, parallel_piece *piece, const void *state,
                       struct why *why) {
  struct job job = {.piece = piece, .state = state, .count = count};
  struct worker workers[PARALLEL_MAX];
  struct platform_thread others[PARALLEL_MAX]; /* by their workers; the first is this one's */
  size_t batches = count / BATCH + (count % BATCH > 0 ? 1 : 0);
  unsigned wanted = threads < PARALLEL_MAX ? threads : PARALLEL_MAX;
  wanted = wanted < batches ? wanted : (unsigned)batches;
  atomic_init(&job.next, 0);
  atomic_init(&job.failed, count);
  int before = platform_cancel_off(); /* others work with what is on this thread's stack */
  for (unsigned i = 0; i < PARALLEL_MAX; i++) {
    workers[i] = (struct worker){.job = &job, .failed = count, .err = OK};
    others[i] = (struct platform_thread){.run = work, .argument = &workers[i]};
  }
  unsigned started = platform_threads_start(others + 1, wanted > 0 ? wanted - 1 : 0);
  work(&workers[0]);
  const struct worker *first = &workers[0];
  for (unsigned i = 1; i <= started; i++) {
    platform_thread_join(&others[i]);
    if (workers[i].failed < first->failed)
      first = &workers[i];
  }
  platform_cancel_back(before);
  if (first->err != OK && first->why.text[0] != '\0' && why != NULL)
    *why = first->why;
  return first->err;
}
