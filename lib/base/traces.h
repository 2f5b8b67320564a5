/*
 * What calls leave behind: on the stack below their caller, and in registers.  There compilers put
 * copies of secrets as they like, and other libraries theirs, which nobody can wipe by name.
 * SPDX-License-Identifier: ISC
 */
#ifndef BASE_TRACES_H
#define BASE_TRACES_H

/** Overwrite as much of the stack below the caller as calls of this library use, and the registers.
 *  Whoever has computed with secrets calls it last. */
void traces_wipe(void);

/** Registers alone, for what is called often. */
void traces_wipe_registers(void);

#endif
