/*
 * The watching process: follows the other with ptrace(), learns of its secrets from its traps, and
 * looks for them in all of its memory and registers.
 * SPDX-License-Identifier: ISC
 */
#ifndef RESIDUE_WATCH_H
#define RESIDUE_WATCH_H

#include <sys/types.h>

/** The status of a program for suites that are not there. */
#define UNSUPPORTED 77

/** Watch a process that has stopped after PTRACE_TRACEME, to its end.
 *  @param kinds  of secrets, each of which has to be found while it lives
 *  @return 0 if they were, and none was found afterwards; UNSUPPORTED if the process said so */
int watch(pid_t pid, unsigned long kinds);

#endif
