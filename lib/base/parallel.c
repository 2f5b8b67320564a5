/* SPDX-License-Identifier: ISC */
#include "base/parallel.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "base/sync.h"

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
  pthread_t thread;
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
static void work(struct worker *worker) {
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

static void *thread_main(void *worker) {
  work(worker);
  return NULL;
}

/* The program's signals are for its own threads.  @return how many were started */
static unsigned start(struct worker *workers, unsigned count) {
  sigset_t all, before;
  unsigned started = 0;
  if (count == 0)
    return 0;
  (void)sigfillset(&all);
  if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
    return 0;
  while (started < count &&
         pthread_create(&workers[started].thread, NULL, thread_main, &workers[started]) == 0)
    started++;
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
  return started;
}

enum err parallel_each(unsigned threads, size_t count, parallel_piece *piece, const void *state,
                       struct why *why) {
  struct job job = {.piece = piece, .state = state, .count = count};
  struct worker workers[PARALLEL_MAX];
  size_t batches = count / BATCH + (count % BATCH > 0 ? 1 : 0);
  unsigned wanted = threads < PARALLEL_MAX ? threads : PARALLEL_MAX;
  wanted = wanted < batches ? wanted : (unsigned)batches;
  atomic_init(&job.next, 0);
  atomic_init(&job.failed, count);
  int before = cancel_off(); /* others work with what is on this thread's stack */
  for (unsigned i = 0; i < PARALLEL_MAX; i++)
    workers[i] = (struct worker){.job = &job, .failed = count, .err = OK};
  unsigned others = start(workers + 1, wanted > 0 ? wanted - 1 : 0);
  work(&workers[0]);
  const struct worker *first = &workers[0];
  for (unsigned i = 1; i <= others; i++) {
    (void)pthread_join(workers[i].thread, NULL);
    if (workers[i].failed < first->failed)
      first = &workers[i];
  }
  cancel_back(before);
  if (first->err != OK && first->why.text[0] != '\0' && why != NULL)
    *why = first->why;
  return first->err;
}
