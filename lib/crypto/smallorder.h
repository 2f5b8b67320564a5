/*
 * Public keys of X25519 and X448 with which every Diffie-Hellman result is zero (RFC 7748, section 6).
 * SPDX-License-Identifier: ISC
 */
#ifndef CRYPTO_SMALLORDER_H
#define CRYPTO_SMALLORDER_H

#include "base/buf.h"

/** Whether a public key, told apart by its size, is a point of small order.  No key of another curve
 *  is. */
bool small_order(struct view public_key);

#endif
