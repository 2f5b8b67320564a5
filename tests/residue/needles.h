/*
 * The secrets that were seen, as pieces of 16 bytes in every form in which code keeps them.
 * SPDX-License-Identifier: ISC
 */
#ifndef RESIDUE_NEEDLES_H
#define RESIDUE_NEEDLES_H

#include <stdbool.h>

#include "trap.h"

#define PIECE 16u

/** How a secret was changed before it is looked for. */
enum form {
  FORM_PLAIN,
  FORM_WORDS32, /* bytes of each 32-bit word turned round, as SHA-256 loads its input */
  FORM_WORDS64, /* of each 64-bit word: SHA-512 */
  FORM_INNER,   /* HMAC's inner pad, and as loaded */
  FORM_INNER32,
  FORM_INNER64,
  FORM_OUTER,
  FORM_OUTER32,
  FORM_OUTER64,
  FORM_REVERSED, /* a number with its lowest byte first: OpenSSL's */
  FORM_DIGITS,   /* 60 bits in each 64-bit word: LibTomMath's */
  FORM_STATE,    /* of SHA-256 in the order of the processor's instructions */
  FORMS
};

struct needle {
  uint64_t low, high;
  const char *where; /* the last call before it came into being; NULL: no needle */
  unsigned char kind, form;
  bool old, reported;
};

/** Make room for them.  @return false if there is no memory */
bool needles_start(void);

/** A block of memory; what pieces of it have parts of pointers in them is no secret. */
void needles_add_block(const uint8_t *bytes, size_t size, enum kind kind, const char *where);
/** A secret that may be the key of HMAC. */
void needles_add(const uint8_t *bytes, size_t size, enum kind kind, const char *where);
/** One that may also be a number to a backend. */
void needles_add_number(const uint8_t *bytes, size_t size, enum kind kind, const char *where);
/** The state of a hash. */
void needles_add_state(const uint8_t *bytes, size_t size, const char *where);

/** The needle that is at these 16 bytes; NULL if there is none. */
struct needle *needles_at(const uint8_t *bytes);
/** One of which these 8 bytes are half. */
struct needle *needles_half(uint64_t half);

/** All that are known become old. */
void needles_age(void);

const char *kind_name(unsigned kind);
const char *form_name(unsigned form);

#endif
