/*
 * The persistent multiset against plain arrays of counts: random changes, old values that stay as
 * they were, memory given back, and memory that runs out.
 * SPDX-License-Identifier: ISC
 */
#include <check.h>
#include <string.h>

#include "failing.h"
#include "forge.h"
#include "mls/tree/multiset.h"
#include "tests/run.h"

#define ITEMS 200
#define SNAPSHOTS 12

/* Fingerprints of which some share long ends, up to all bits but the last four looked at; and more than a
 * bucket holds share 24 bits. */
static void make_items(uint64_t *items) {
  for (unsigned i = 0; i < ITEMS; i++)
    items[i] = forge_number();
  for (unsigned i = 0; i < 16; i++)
    items[i] = (items[0] & UINT64_MAX >> 4) | (uint64_t)i << 60;
  for (unsigned i = 16; i < 116; i++)
    items[i] = (items[i] & ~(uint64_t)0xffffff) | 0xabcdef;
  for (unsigned i = 116; i < 136; i++)
    items[i] = i;
}

struct model {
  struct multiset *set;
  uint32_t count[ITEMS];
};

static void check_model(const struct model *model, const uint64_t *items) {
  unsigned different = 0;
  for (unsigned i = 0; i < ITEMS; i++)
    different += multiset_count(model->set, items[i]) != model->count[i] ? 1 : 0;
  ck_assert_uint_eq(different, 0);
}

static void snapshot(struct model *to, const struct model *from) {
  multiset_drop(to->set);
  *to = *from;
  to->set = multiset_share(from->set);
}

static void change_one(struct model *model, const uint64_t *items, unsigned item, bool add) {
  if (add) {
    ck_assert_int_eq(multiset_add(&model->set, items[item]), OK);
    model->count[item]++;
  } else if (model->count[item] > 0) {
    ck_assert_int_eq(multiset_remove(&model->set, items[item]), OK);
    model->count[item]--;
  } else {
    ck_assert_int_eq(multiset_remove(&model->set, items[item]), ERR_INTERNAL);
  }
}

START_TEST(test_random_changes) {
  uint64_t items[ITEMS];
  struct model now = {0}, old[SNAPSHOTS] = {{0}};
  forge_seed((uint64_t)_i);
  make_items(items);
  for (unsigned step = 0; step < 6000; step++) {
    /* Phases that mostly add follow phases that mostly take out. */
    bool add = forge_number() % 8 < (step / 700 % 2 == 0 ? 6 : 2);
    change_one(&now, items, (unsigned)(forge_number() % ITEMS), add);
    if (step % 50 == 0)
      snapshot(&old[forge_number() % SNAPSHOTS], &now);
    if (step % 500 == 0) {
      check_model(&now, items);
      for (unsigned i = 0; i < SNAPSHOTS; i++)
        check_model(&old[i], items);
    }
  }
  for (unsigned i = 0; i < SNAPSHOTS; i++) {
    unsigned other = i + (unsigned)(forge_number() % (SNAPSHOTS - i));
    struct model swap = old[i];
    old[i] = old[other];
    old[other] = swap;
    multiset_drop(old[i].set);
    for (unsigned rest = i + 1; rest < SNAPSHOTS; rest++)
      check_model(&old[rest], items);
  }
  check_model(&now, items);
  multiset_drop(now.set);
}
END_TEST

START_TEST(test_empty) {
  struct multiset *set = NULL;
  ck_assert_uint_eq(multiset_count(set, 7), 0);
  ck_assert_ptr_null(multiset_share(set));
  ck_assert_int_eq(multiset_remove(&set, 7), ERR_INTERNAL);
  ck_assert_ptr_null(set);
  multiset_drop(set);
}
END_TEST

/* Fingerprints that come and go leave nothing behind, however long that goes on. */
START_TEST(test_memory_is_given_back) {
  uint64_t live[100];
  struct multiset *set = NULL;
  long before = failing_blocks(), most = 0;
  forge_seed(1);
  for (unsigned i = 0; i < 100; i++) {
    live[i] = forge_number();
    ck_assert_int_eq(multiset_add(&set, live[i]), OK);
  }
  for (unsigned step = 0; step < 100000; step++) {
    unsigned i = (unsigned)(forge_number() % 100);
    ck_assert_int_eq(multiset_remove(&set, live[i]), OK);
    live[i] = forge_number();
    ck_assert_int_eq(multiset_add(&set, live[i]), OK);
    if (failing_blocks() - before > most)
      most = failing_blocks() - before;
  }
  ck_assert_int_lt(most, 200);
  multiset_drop(set);
  ck_assert_int_eq(failing_blocks(), before);
}
END_TEST

/* One change with every allocation failing in turn; the set changed may be shared or not. */
static void check_failures(struct model *now, const uint64_t *items, unsigned item, bool add) {
  long before = failing_blocks();
  enum err err = ERR_NOMEM;
  for (size_t after = 0; err != OK; after++) {
    ck_assert_uint_lt(after, 100);
    failing_after(after);
    err = add ? multiset_add(&now->set, items[item]) : multiset_remove(&now->set, items[item]);
    bool failed = failing_stop();
    ck_assert_int_eq(err, failed ? ERR_NOMEM : OK);
    if (err != OK)
      check_model(now, items);
  }
  now->count[item] += add ? 1 : (uint32_t)-1;
  check_model(now, items);
  ck_assert_int_lt(failing_blocks() - before, 40);
}

START_TEST(test_out_of_memory) {
  uint64_t items[ITEMS];
  struct model now = {0}, old = {0};
  long before = failing_blocks();
  forge_seed(2);
  make_items(items);
  for (unsigned step = 0; step < 1500; step++) {
    unsigned item = (unsigned)(forge_number() % ITEMS);
    snapshot(&old, &now);
    if (forge_number() % 2 == 0) { /* leave no snapshot, so that nodes are changed in place */
      multiset_drop(old.set);
      old = (struct model){0};
    }
    check_failures(&now, items, item, now.count[item] == 0 || forge_number() % 2 == 0);
    check_model(&old, items);
  }
  multiset_drop(old.set);
  multiset_drop(now.set);
  ck_assert_int_eq(failing_blocks(), before);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("multiset");
  tcase_set_timeout(tests, 120);
  tcase_add_loop_test(tests, test_random_changes, 0, 4);
  tcase_add_test(tests, test_empty);
  tcase_add_test(tests, test_memory_is_given_back);
  tcase_add_test(tests, test_out_of_memory);
  return run_case("multiset", tests);
}
