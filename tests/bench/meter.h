/*
 * How much cryptography a call asks for, and what that alone would cost here and now.
 *
 * meter_start() puts tables that count in the place of a suite's, and meter_stop() takes them out again,
 * so that nothing is counted while time is taken.  The cost is that of the same functions of the same
 * backend, called by themselves when meter_cost() is called.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_METER_H
#define TESTS_METER_H

#include "crypto/suite.h"

/* What is counted: calls, and what long input adds to them. */
enum meter_kind {
  METER_DIGEST,       /* of up to one block */
  METER_DIGEST_BLOCK, /* further blocks */
  METER_HMAC,         /* of a message of up to one block */
  METER_HMAC_BLOCK,
  METER_DERIVE, /* public from private key */
  METER_CHECK,  /* that a public key is a point */
  METER_AGREE,
  METER_SIGN,
  METER_SIGN_KILOBYTE,
  METER_VERIFY,
  METER_VERIFY_KILOBYTE,
  METER_AEAD, /* a key of its own for each message, as MLS has it */
  METER_AEAD_KILOBYTE,
  METER_KINDS
};

struct meter {
  double count[METER_KINDS];
};

/** One suite at a time, from one thread. */
void meter_start(const struct suite *suite);
struct meter meter_stop(void);

/** The Diffie-Hellman group below a suite's KEM. */
const struct dh *meter_group(const struct suite *suite);

/** A kind's name, for people. */
const char *meter_name(enum meter_kind kind);

/** Nanoseconds that so many calls take by themselves. */
double meter_cost(const struct suite *suite, const struct meter *meter);

#endif
