/*
 * What base/platform.h promises of any operating system.
 * SPDX-License-Identifier: ISC
 */
#include <stdatomic.h>
#include <string.h>

#include "base/platform.h"
#include "tests/run.h"

enum { THREADS = 4, TURNS = 10000 };

static struct platform_mutex from_the_start = PLATFORM_MUTEX_INITIALIZER;

/* ---- Threads ---- */

/* What several threads are given: each does it with its own index. */
struct task {
  void (*each)(unsigned index);
  unsigned index;
};

static void perform(void *argument) {
  const struct task *task = argument;
  task->each(task->index);
}

/* Those that the system gives; the test has to hold with any number of them. */
static unsigned on_threads(void (*each)(unsigned index)) {
  struct task tasks[THREADS];
  struct platform_thread threads[THREADS];
  for (unsigned i = 0; i < THREADS; i++) {
    tasks[i] = (struct task){each, i};
    threads[i] = (struct platform_thread){.run = perform, .argument = &tasks[i]};
  }
  unsigned started = platform_threads_start(threads, THREADS);
  ck_assert_uint_le(started, THREADS);
  for (unsigned i = 0; i < started; i++)
    platform_thread_join(&threads[i]);
  return started;
}

static bool performed[THREADS];

static void note(unsigned index) {
  platform_sleep(1000000);
  performed[index] = true;
}

/* In their order, and over when they are joined. */
START_TEST(threads) {
  ck_assert_uint_eq(platform_threads_start(NULL, 0), 0);
  unsigned started = on_threads(note);
  for (unsigned i = 0; i < THREADS; i++)
    ck_assert(performed[i] == (i < started));
}
END_TEST

static struct platform_mutex *mutex;
static unsigned turns; /* guarded by the mutex alone */

static void take_turns(unsigned index) {
  (void)index;
  for (unsigned i = 0; i < TURNS; i++) {
    platform_mutex_take(mutex);
    unsigned before = turns;
    if (i % (TURNS / 4) == 0)
      platform_yield();
    turns = before + 1;
    platform_mutex_leave(mutex);
  }
}

START_TEST(mutexes) {
  struct platform_mutex made;
  ck_assert_int_eq(platform_mutex_init(&made), OK);
  struct platform_mutex *const both[] = {&from_the_start, &made};
  for (size_t i = 0; i < 2; i++) {
    mutex = both[i];
    turns = 0;
    unsigned started = on_threads(take_turns);
    ck_assert_uint_eq(turns, started * TURNS);
  }
  platform_mutex_destroy(&made);
}
END_TEST

static struct platform_once once = PLATFORM_ONCE_INITIALIZER;
static atomic_uint begun, done, early;

static void slowly(void) {
  (void)atomic_fetch_add(&begun, 1);
  platform_sleep(5000000);
  (void)atomic_fetch_add(&done, 1);
}

static void want_it_done(unsigned index) {
  (void)index;
  platform_once(&once, slowly);
  if (atomic_load(&done) == 0)
    (void)atomic_fetch_add(&early, 1);
}

START_TEST(done_once) {
  (void)on_threads(want_it_done);
  want_it_done(0);
  ck_assert_uint_eq(atomic_load(&begun), 1);
  ck_assert_uint_eq(atomic_load(&early), 0);
}
END_TEST

/* One inside another: what is off stays off until the outer one is over. */
START_TEST(cancellation) {
  int outer = platform_cancel_off(), inner = platform_cancel_off();
  platform_cancel_back(inner);
  int again = platform_cancel_off();
  ck_assert_int_eq(again, inner);
  platform_cancel_back(again);
  platform_cancel_back(outer);
  ck_assert_int_eq(platform_cancel_off(), outer);
  platform_cancel_back(outer);
}
END_TEST

/* ---- Memory, randomness, the time ---- */

START_TEST(pages) {
  const size_t page = platform_page_size();
  ck_assert_uint_ge(page, 512);
  ck_assert_uint_eq(page & (page - 1), 0);
  for (size_t count = 1; count <= 3; count++) {
    uint8_t *memory = platform_pages_new(count * page);
    ck_assert_ptr_nonnull(memory);
    ck_assert_uint_eq((uintptr_t)memory % page, 0);
    for (size_t at = 0; at < count * page; at++)
      if (memory[at] != 0)
        ck_abort_msg("not zero at %zu", at);
    memset(memory, 1, count * page);
    platform_pages_free(memory, count * page);
  }
  ck_assert_ptr_null(platform_pages_new(SIZE_MAX / 2 / page * page));
}
END_TEST

START_TEST(randomness_and_time) {
  const uint64_t written = 1700000000; /* 2023 */
  uint64_t first = 0, second = 0;
  ck_assert(platform_has_random());
  ck_assert(platform_clock(&first));
  platform_sleep(1000000);
  ck_assert(platform_clock(&second));
  ck_assert_uint_gt(first, written);
  ck_assert_uint_ge(second, first);
  ck_assert_uint_le(second, first + 60);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("all");
  Suite *suite = suite_create("platform");
  tcase_add_test(tests, threads);
  tcase_add_test(tests, mutexes);
  tcase_add_test(tests, done_once);
  tcase_add_test(tests, cancellation);
  tcase_add_test(tests, pages);
  tcase_add_test(tests, randomness_and_time);
  suite_add_tcase(suite, tests);
  return run_suite(suite);
}
