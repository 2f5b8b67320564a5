/*
 * Two members of one group, for benchmarks.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_BENCH_PAIR_H
#define TESTS_BENCH_PAIR_H

#include <e2ee/e2ee.h>

struct pair {
  e2ee_client *client[2];
  e2ee_group *group[2];
};

void pair_start(struct pair *pair);
void pair_stop(struct pair *pair);

/** Media of one member's group, installed and active.  @param suite  SFrame suite */
e2ee_media *pair_media(const e2ee_group *group, uint16_t suite);

#endif
