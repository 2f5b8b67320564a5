/*
 * The seeds whose targets have a file of their own.
 * SPDX-License-Identifier: ISC
 */
#ifndef FUZZ_SEEDS_H
#define FUZZ_SEEDS_H

#include "base/buf.h"

/** Write an input of a target. */
void seed(const char *target, const char *name, struct view content);

void seed_calls(void);

#endif
