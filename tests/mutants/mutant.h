/*
 * Included before every source of a build with mutants: whether one of them is alive.
 * SPDX-License-Identifier: ISC
 */
#ifndef MUTANTS_MUTANT_H
#define MUTANTS_MUTANT_H

extern int mutant_chosen;          /* by the environment variable MUTANT; 0: none */
extern unsigned char *mutant_seen; /* which were asked for, a byte each */

static inline int mutant(int number) {
  mutant_seen[number] = 1;
  return number == mutant_chosen;
}

#endif
