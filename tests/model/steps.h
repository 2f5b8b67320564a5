/*
 * The kinds of steps: what can happen in the world.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_MODEL_STEPS_H
#define TESTS_MODEL_STEPS_H

#include "world.h"

#define STEP_KINDS_MAX 40

/** A random kind, the frequent ones more often. */
unsigned step_pick(struct dice *dice);
const char *step_name(unsigned step);
bool step_find(const char *name, unsigned *step);

/** Do it, as far as there is something to do. */
void step_run(struct world *world, unsigned step, uint64_t number);

#endif
