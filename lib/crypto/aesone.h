/*
 * For the engines of processors whose registers hold one block: a vector is a block, and a batch eight
 * of them.  Included after the functions on blocks.
 * SPDX-License-Identifier: ISC
 */
#ifndef CRYPTO_AESONE_H
#define CRYPTO_AESONE_H

#define LANES 1u
#define VECTORS 8

typedef block vec;

struct sums {
  struct product only;
};

INLINE vec vec_load(const uint8_t *from) {
  return block_load(from);
}

INLINE vec vec_load_part(const uint8_t *from, size_t size) {
  return block_load_part(from, size);
}

INLINE void vec_store(uint8_t *to, vec value) {
  block_store(to, value);
}

INLINE void vec_store_part(uint8_t *to, vec value, size_t size) {
  block_store_part(to, value, size);
}

/* The first `size` bytes; the others become zero. */
INLINE vec vec_keep(vec value, size_t size) {
  static const uint8_t masks[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  return block_and(value, block_load(masks + 16 - size));
}

INLINE vec vec_xor(vec a, vec b) {
  return block_xor(a, b);
}

INLINE vec vec_xor_first(vec value, block other) {
  return block_xor(value, other);
}

INLINE vec vec_set_first(vec value, block first) {
  (void)value;
  return first;
}

INLINE vec vec_reverse(vec value) {
  return block_reverse(value);
}

INLINE vec vec_add(vec counter, unsigned number) {
  return block_add(counter, number);
}

INLINE vec vec_count(block counter, unsigned from) {
  return block_add(counter, from);
}

INLINE vec vec_begin(vec state, const uint8_t *key) {
  return block_begin(state, key);
}

INLINE vec vec_round(vec state, const uint8_t *before, const uint8_t *key) {
  return block_round(state, before, key);
}

INLINE vec vec_end(vec state, const uint8_t *before, const uint8_t *key) {
  return block_end(state, before, key);
}

INLINE struct sums sums_zero(void) {
  return (struct sums){{block_zero(), block_zero(), block_zero()}};
}

INLINE struct sums vec_multiply_add(struct sums sums, vec a, vec b) {
  return (struct sums){product_xor(sums.only, block_product(a, b))};
}

INLINE struct product vec_fold(struct sums sums) {
  return sums.only;
}

#endif
