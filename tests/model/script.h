/*
 * What a run of the model does: settings and a list of steps, each with the number that all its
 * decisions come from.  A step decides by that number and by the state it finds, never by what the
 * library's randomness gives, so a script does the same each time, and lines can be dropped from it.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_MODEL_SCRIPT_H
#define TESTS_MODEL_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/** Numbers that follow from a seed (splitmix64). */
struct dice {
  uint64_t state;
};

uint64_t dice_roll(struct dice *dice);
/** 0 to below - 1; 0 if there is no choice. */
uint32_t dice_pick(struct dice *dice, size_t below);
/** True once in so many times. */
bool dice_once_in(struct dice *dice, uint32_t times);

struct line {
  unsigned step; /* index of a kind of step, see steps.h */
  uint64_t number;
};

struct script {
  uint64_t seed; /* of what the persons are like */
  uint16_t suite;
  uint32_t persons;
  struct line *line;
  size_t count;
};

/** A random script.  @param out  to be freed */
void script_generate(uint64_t seed, uint16_t suite, uint32_t persons, size_t steps,
                     struct script *out);
void script_free(struct script *script);
/** All but the lines from `first` on.  @param out  to be freed */
void script_without(const struct script *script, size_t first, size_t count, struct script *out);

void script_write(const struct script *script, FILE *file);
/** @return false, with a complaint on stderr, if it is none.  @param out  to be freed */
bool script_read(const char *path, struct script *out);

#endif
