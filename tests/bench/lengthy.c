/*
 * reject/LIST/COUNT: what it costs to refuse a message of so many items, in nanoseconds and in bytes of
 * memory a byte of the message.
 * SPDX-License-Identifier: ISC
 */
#include <check.h>
#include <stdio.h>

#include "bench.h"
#include "reject/lengthy.h"
#include "tests/heap.h"

struct state {
  const struct lengthy *row;
  struct world *world;
  struct bytes message;
};

static void read_once(void *arg) {
  struct state *state = arg;
  enum err err = state->row->read(state->world, bytes_view(&state->message));
  bench_require(err == state->row->expected ? 0 : E2EE_ERR_INTERNAL, state->row->name);
}

static double per_byte(const struct state *state, double value) {
  return (double)(long)(100 * value / (double)state->message.size + 0.5) / 100;
}

static void measure(const struct bench *bench, const struct lengthy *row, size_t count) {
  char name[64];
  (void)snprintf(name, sizeof name, "reject/%s/%zu", row->name, count);
  if (!bench_wanted(bench, name))
    return;
  struct world world;
  struct state state = {.row = row, .world = &world};
  world_init(&world, 1);
  row->make(&world, count, &state.message);
  heap_start();
  read_once(&state);
  const double heap = (double)heap_most();
  const struct bench_call call = {.run = read_once, .state = &state, .rounds_min = 3};
  const struct bench_result result = bench_time(&call);
  const struct bench_figure figures[] = {{"bytes", (double)state.message.size},
                                         {"ns_a_byte", per_byte(&state, result.ns)},
                                         {"heap_a_byte", per_byte(&state, heap)}};
  bench_tell(bench, name, result, figures, sizeof figures / sizeof *figures);
  bytes_free(&state.message);
  world_free(&world);
}

static const struct bench *asked;

/* What forges these messages asserts as it goes, which takes a test around it. */
START_TEST(all) {
  for (const struct lengthy *row = lengthy; row->name != NULL; row++) {
    measure(asked, row, row->count);
    measure(asked, row, 2 * row->count);
  }
}
END_TEST

void bench_lengthy(const struct bench *bench) {
  Suite *suite = suite_create("lengthy");
  TCase *cases = tcase_create("lengthy");
  tcase_add_test(cases, all);
  suite_add_tcase(suite, cases);
  SRunner *runner = srunner_create(suite);
  srunner_set_fork_status(runner, CK_NOFORK);
  asked = bench;
  srunner_run_all(runner, CK_SILENT);
  bench_require(srunner_ntests_failed(runner) == 0 ? 0 : E2EE_ERR_INTERNAL, "lengthy");
  srunner_free(runner);
}
