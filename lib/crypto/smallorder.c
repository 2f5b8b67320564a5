/* SPDX-License-Identifier: ISC */
#include "crypto/smallorder.h"

#include <string.h>

#define X25519_SIZE 32
#define X448_SIZE 56

/* The points of order 1, 2, 4 and 8 of the curve and its twist: the two u that are no small number;
 * the others are 0, 1 and p - 1, and p and p + 1, which are another way to write 0 and 1. */
static const uint8_t order_eight[2][X25519_SIZE] = {
    {0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3,
     0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32,
     0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00},
    {0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1,
     0x55, 0x9c, 0x83, 0xef, 0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c,
     0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57},
};

static bool all(const uint8_t *bytes, size_t from, size_t end, uint8_t value) {
  while (from < end && bytes[from] == value)
    from++;
  return from == end;
}

/* p = 2^255 - 19, little endian, and the top bit is ignored. */
static bool small_order_25519(const uint8_t *key) {
  uint8_t u[X25519_SIZE];
  memcpy(u, key, sizeof u);
  u[X25519_SIZE - 1] &= 0x7f;
  if (all(u, 1, X25519_SIZE, 0))
    return u[0] <= 1;
  if (all(u, 1, X25519_SIZE - 1, 0xff) && u[X25519_SIZE - 1] == 0x7f)
    return u[0] >= 0xec && u[0] <= 0xee;
  return memcmp(u, order_eight[0], sizeof u) == 0 || memcmp(u, order_eight[1], sizeof u) == 0;
}

/* p = 2^448 - 2^224 - 1. */
static bool small_order_448(const uint8_t *u) {
  const size_t middle = X448_SIZE / 2;
  if (all(u, 1, X448_SIZE, 0))
    return u[0] <= 1;
  if (!all(u, middle + 1, X448_SIZE, 0xff))
    return false;
  if (u[middle] == 0xff)
    return all(u, 0, middle, 0);
  return u[middle] == 0xfe && all(u, 1, middle, 0xff) && u[0] >= 0xfe;
}

bool small_order(struct view public_key) {
  if (public_key.size == X25519_SIZE)
    return small_order_25519(public_key.data);
  return public_key.size == X448_SIZE && small_order_448(public_key.data);
}
