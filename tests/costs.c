/*
 * A list that is twice as long costs at most about twice as much: in steps of MLS and SFrame, which are
 * compiled so that they count them, in bytes that are moved and compared, in cryptography and in memory.
 * None of it depends on the machine.  And memory is not many times what was sent.
 * SPDX-License-Identifier: ISC
 */
#include <stdatomic.h>
#include <string.h>

#include "bench/meter.h"
#include "reject/lengthy.h"
#include "tests/heap.h"
#include "tests/run.h"

#define MOST 2.5

/* Bytes of memory: so many for each that was sent, and so many beside, which is what the longest lists
 * take of items that are a few bytes on the wire. */
#define MOST_OF_A_BYTE 6.0
#define MOST_BESIDE 1048576.0

enum { STEPS, BYTES, CRYPTO, HEAP, COSTS };

static atomic_bool counting;
static atomic_size_t steps, bytes;

/* Called by the compiler's code, at each basic block. */
void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void) {
  if (atomic_load_explicit(&counting, memory_order_relaxed))
    atomic_fetch_add_explicit(&steps, 1, memory_order_relaxed);
}

static void moved(size_t size) {
  if (atomic_load_explicit(&counting, memory_order_relaxed))
    atomic_fetch_add_explicit(&bytes, size, memory_order_relaxed);
}

void *__real_memcpy(void *to, const void *from, size_t size);
void *__real_memmove(void *to, const void *from, size_t size);
void *__real_memset(void *to, int value, size_t size);
int __real_memcmp(const void *a, const void *b, size_t size);

void *__wrap_memcpy(void *to, const void *from, size_t size);
void *__wrap_memmove(void *to, const void *from, size_t size);
void *__wrap_memset(void *to, int value, size_t size);
int __wrap_memcmp(const void *a, const void *b, size_t size);

void *__wrap_memcpy(void *to, const void *from, size_t size) {
  moved(size);
  return __real_memcpy(to, from, size);
}

void *__wrap_memmove(void *to, const void *from, size_t size) {
  moved(size);
  return __real_memmove(to, from, size);
}

void *__wrap_memset(void *to, int value, size_t size) {
  moved(size);
  return __real_memset(to, value, size);
}

int __wrap_memcmp(const void *a, const void *b, size_t size) {
  moved(size);
  return __real_memcmp(a, b, size);
}

struct cost {
  double of[COSTS];
};

static struct cost cost_of(struct world *world, const struct lengthy *row, size_t count) {
  struct bytes message = {0};
  row->make(world, count, &message);
  /* Whatever is done only once was done. */
  enum err err = row->read(world, bytes_view(&message));
  ck_assert_msg(err == row->expected, "%s: %d instead of %d: %s / %s", row->name, err,
                row->expected, world->member[ALICE].client->why.text,
                world->joiner.client->why.text);
  heap_start();
  meter_start(world->joiner.client->suite);
  steps = bytes = 0;
  counting = true;
  err = row->read(world, bytes_view(&message));
  counting = false;
  struct meter meter = meter_stop();
  struct cost cost = {{(double)steps, (double)bytes, 0, (double)heap_most()}};
  for (size_t i = 0; i < METER_KINDS; i++)
    cost.of[CRYPTO] += meter.count[i];
  ck_assert_int_eq(err, row->expected);
  ck_assert_msg(cost.of[HEAP] <= MOST_OF_A_BYTE * (double)message.size + MOST_BESIDE,
                "%s: %.0f bytes of memory for %zu", row->name, cost.of[HEAP], message.size);
  bytes_free(&message);
  return cost;
}

START_TEST(linear) {
  static const char *const names[COSTS] = {"steps", "bytes moved", "calls of cryptography",
                                           "bytes of memory"};
  /* Some bytes more or less are no growth: of what a sanitizer does itself only some are seen here. */
  static const double slack[COSTS] = {0, 4096, 0, 4096};
  /* Costs that are the same for each message do not hide what an item costs, as lists are long. */
  struct world world;
  const struct lengthy *row = &lengthy[_i];
  world_init(&world, 1);
  struct cost once = cost_of(&world, row, row->count), twice = cost_of(&world, row, 2 * row->count);
  for (size_t i = 0; i < COSTS; i++)
    ck_assert_msg(twice.of[i] <= MOST * once.of[i] + slack[i],
                  "%s: %.0f %s, and %.0f of twice as many items", row->name, once.of[i], names[i],
                  twice.of[i]);
  world_free(&world);
}
END_TEST

int main(void) {
  int count = 0;
  while (lengthy[count].name != NULL)
    count++;
  TCase *cases = tcase_create("costs");
  tcase_set_timeout(cases, 60);
  tcase_add_unchecked_fixture(cases, world_prepare, world_discard);
  tcase_add_loop_test(cases, linear, 0, count);
  return run_case("costs", cases);
}
