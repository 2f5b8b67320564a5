/*
 * DHKEM (RFC 9180, section 4.1): a KEM of a Diffie-Hellman group and a hash.
 * SPDX-License-Identifier: ISC
 */
#ifndef CRYPTO_DHKEM_H
#define CRYPTO_DHKEM_H

#include "crypto/kem.h"

struct dhkem {
  struct kem kem;
  const struct hash *hash;
  const struct dh *dh;
  enum dh_id dh_id;
};

/** NULL if the code point is no DHKEM, or nothing here can compute it.  Any thread, after
 *  provider_init(). */
const struct kem *dhkem_find(uint16_t id);

#endif
