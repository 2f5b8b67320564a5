/*
 * Messages and frames of which one list is as long as one likes: what they cost whoever refuses them
 * is measured by tests/costs.c and by e2ee-bench.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_REJECT_LENGTHY_H
#define TESTS_REJECT_LENGTHY_H

#include "world.h"

struct lengthy {
  const char *name;
  size_t
      count; /* of items; of twice as many the list is about as long as it may be, or the message */
  void (*make)(struct world *world, size_t count, struct bytes *out);
  enum err (*read)(struct world *world, struct view message);
  enum err expected;
};

/** Ends with one that has no name. */
extern const struct lengthy lengthy[];

/** A commit, perhaps a stranger's, that lists the same many times by value. */
void commit_many(struct world *world, bool stranger, struct view item, size_t count,
                 struct bytes *out);

#endif
