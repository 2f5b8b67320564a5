/*
 * Fewer bytes than a block, where the processor has no loads and stores with a mask: not a byte
 * outside is touched, and no branch depends on anything but their number.  Little-endian processors.
 * Included by each engine after what loads and stores a block; BLOCK_MASKED where it has masks.
 * SPDX-License-Identifier: ISC
 */
#ifndef CRYPTO_AESPART_H
#define CRYPTO_AESPART_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** A block: its first eight bytes, and the others. */
struct part {
  uint64_t low, high;
};

/* Loads and stores of one size, at any address. */
static inline uint64_t part_u64(const uint8_t *from) {
  uint64_t value;
  memcpy(&value, from, sizeof value);
  return value;
}

static inline uint64_t part_u32(const uint8_t *from) {
  uint32_t value;
  memcpy(&value, from, sizeof value);
  return value;
}

static inline void part_put_u64(uint8_t *to, uint64_t value) {
  memcpy(to, &value, sizeof value);
}

static inline void part_put_u32(uint8_t *to, uint64_t value) {
  const uint32_t low = (uint32_t)value;
  memcpy(to, &low, sizeof low);
}

/** @param size  0 to 15; the other bytes are zero */
static inline struct part part_load(const uint8_t *from, size_t size) {
  struct part part = {0, 0};
  if (size > 8) { /* two loads that overlap, of which the second is shifted to its place */
    part.low = part_u64(from);
    part.high = part_u64(from + size - 8) >> 8 * (16 - size);
  } else if (size >= 4) {
    part.low = part_u32(from) | part_u32(from + size - 4) << 8 * (size - 4);
  } else if (size > 0) {
    part.low = from[0] | (uint64_t)from[size / 2] << 8 * (size / 2) |
               (uint64_t)from[size - 1] << 8 * (size - 1);
  }
  return part;
}

/** @param size  0 to 15 */
static inline void part_store(uint8_t *to, struct part part, size_t size) {
  if (size > 8) {
    const size_t shift = 8 * (16 - size); /* 8 to 56 */
    part_put_u64(to + size - 8, part.high << shift | part.low >> (64 - shift));
    part_put_u64(to, part.low);
  } else if (size >= 4) {
    part_put_u32(to + size - 4, part.low >> 8 * (size - 4));
    part_put_u32(to, part.low);
  } else if (size > 0) {
    to[0] = (uint8_t)part.low;
    to[size / 2] = (uint8_t)(part.low >> 8 * (size / 2));
    to[size - 1] = (uint8_t)(part.low >> 8 * (size - 1));
  }
}

#ifndef BLOCK_MASKED

/** @param size  0 to 16 */
INLINE block block_load_part(const uint8_t *from, size_t size) {
  if (size == 16)
    return block_load(from);
  const struct part part = part_load(from, size);
  return block_of(part.low, part.high);
}

INLINE void block_store_part(uint8_t *to, block value, size_t size) {
  if (size == 16)
    block_store(to, value);
  else
    part_store(to, (struct part){block_low(value), block_high(value)}, size);
}

#endif

#endif
