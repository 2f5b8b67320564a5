/*
 * The watching process: follows the other with ptrace(), learns of its secrets from its traps, and looks
 * for them in all of its memory and registers.
 * SPDX-License-Identifier: ISC
 */
#ifndef RESIDUE_WATCH_H
#define RESIDUE_WATCH_H

#include <sys/types.h>

/** What a backend leaves that this library cannot reach: docs/threat-model.md has the same list. */
struct exception {
  unsigned long kinds;
  const char *region; /* "stack", "heap", "registers" */
  const char *function, *reason;
  unsigned found;
};

/** The status of a program for suites that are not there. */
#define UNSUPPORTED 77

/** Watch a process that has stopped after PTRACE_TRACEME, to its end.
 *  @return 0 if every kind of secret was found alive and none afterwards; UNSUPPORTED if it said so */
int watch(pid_t pid, struct exception *exceptions, size_t count);

#endif
