/*
 * What the fuzz targets share.  A target is one file with one LLVMFuzzerTestOneInput(); libFuzzer or
 * fuzz/replay.c calls it.  The same input always does the same: randomness is a fixed stream that starts
 * anew with each input, and time stands still.
 * SPDX-License-Identifier: ISC
 */
#ifndef FUZZ_HARNESS_H
#define FUZZ_HARNESS_H

#include "base/buf.h"
#include "base/err.h"

/** The one moment at which all inputs are processed, for E2EE_SET_TIME. */
#define HARNESS_TIME 1700000000u

/** Prepare the library, with randomness that repeats; once, before anything else. */
void harness_start(void);

/** Start the random stream anew; at the start of each input. */
void harness_restart(void);

/** End the process, as a crash does, unless the condition holds. */
void harness_require(bool holds, const char *what);

/** Take the first `size` bytes, or as many as there are. */
struct view harness_take(struct view *input, size_t size);

/** Take a block that its length in two bytes precedes, or as much of it as there is. */
struct view harness_take_block(struct view *input);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

#endif
