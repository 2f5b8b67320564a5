/*
 * Saving, restarting, crashing.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_MODEL_SAVED_H
#define TESTS_MODEL_SAVED_H

#include "world.h"

/** As an application does before it sends anything. */
void seat_save(struct seat *seat);

/** A person's program ends, and starts again from what it has saved. */
void person_crash(struct world *world, int person);
/** The same when all has just been saved: nothing may differ afterwards. */
void person_restart(struct world *world, int person);

#endif
