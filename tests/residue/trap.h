/*
 * How the watched process speaks to the one that watches it: by a breakpoint, whose arguments are
 * in registers, so that nothing is copied, and no system call gets between the library's return and
 * the look at what it left.
 * SPDX-License-Identifier: ISC
 */
#ifndef RESIDUE_TRAP_H
#define RESIDUE_TRAP_H

#include <stddef.h>
#include <stdint.h>

enum request {
  REQUEST_BLOCK = 1, /* memory, size: locked memory was given out */
  REQUEST_SECRET,    /* memory, size, kind: there is a secret */
  REQUEST_ROOM,      /* memory, kind: all of a block of locked memory is secret */
  REQUEST_NUMBER,    /* memory, size, kind: a secret that backends keep as a number */
  REQUEST_CALLED,    /* text: a call returned; nothing may be left on the stack and in registers */
  REQUEST_AGE,       /* what is known by now is old */
  REQUEST_GONE,      /* text, 1 for old ones alone, kinds: none is anywhere */
};

/** What secrets are. */
enum kind {
  KIND_SIGNATURE_KEY,
  KIND_HPKE_KEY,
  KIND_EPOCH_SECRET,
  KIND_PATH_SECRET,
  KIND_RATCHET, /* the secret tree's nodes and ratchets */
  KIND_MESSAGE_KEY,
  KIND_FRAME_KEY,
  KIND_ROUND_KEYS, /* of AES, with GHASH's powers */
  KIND_HMAC_STATE,
  KIND_BASE_KEY,
  KIND_STATE_KEY,
  KIND_PSK,
  KIND_OTHER, /* what the library wiped as a secret, without a name here */
  KINDS
};

#define KIND(name) (1ul << KIND_##name)
#define KIND_ALL ((1ul << KINDS) - 1)

static inline void residue_tell(enum request request, const void *memory, size_t size,
                                unsigned long kind) {
  __asm__ volatile("int3"
                   :
                   : "a"((unsigned long)request), "D"(memory), "S"(size), "d"(kind)
                   : "memory");
}

#endif
