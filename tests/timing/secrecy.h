/*
 * What is secret, told to valgrind: secret bits are undefined to its memcheck, which reports every
 * branch and every address that depends on one, and carries the property through all arithmetic.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_TIMING_SECRECY_H
#define TESTS_TIMING_SECRECY_H

#include <stdbool.h>

#include "base/secret.h"

/** Under valgrind?  Without it nothing would be noticed. */
bool secrecy_watched(void);

/** Branches and addresses that depended on a secret, so far. */
unsigned secrecy_uses(void);

void hide(const void *data, size_t size);
void show(const void *data, size_t size);

bool all_hidden(const void *data, size_t size);
bool all_shown(const void *data, size_t size);

/**
 * What is encrypted takes its secrecy along: whoever decrypts it finds secret what was secret
 * before, bit for bit, and nothing else.
 */
struct secrecy {
  uint8_t *bits;
  size_t size;
};

/** Of a plaintext, to be given to secrecy_keep(). */
struct secrecy secrecy_of(struct view plaintext);

/** Keep it under the ciphertext, which is public from now on. */
void secrecy_keep(struct secrecy *secrecy, struct view ciphertext);

/** What was kept for a ciphertext; without bits where nothing was. */
struct secrecy secrecy_find(struct view ciphertext);

/** Give a plaintext its secrecy back; without bits all of it is secret. */
void secrecy_apply(struct secrecy secrecy, uint8_t *plaintext, size_t size);

#endif
