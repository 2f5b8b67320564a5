/*
 * One block on x86-64, for all of its engines: AES-NI, PCLMULQDQ, SSE4.1.
 * SPDX-License-Identifier: ISC
 */
#ifndef CRYPTO_AESX86_H
#define CRYPTO_AESX86_H

#include <immintrin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef __m128i block;

/* Sums of products not reduced: the middle is worth x^64, the high half x^128. */
struct product {
  block low, middle, high;
};

INLINE block block_zero(void) {
  return _mm_setzero_si128();
}

INLINE block block_of(uint64_t low, uint64_t high) {
  return _mm_set_epi64x((int64_t)high, (int64_t)low);
}

INLINE uint64_t block_low(block value) {
  return (uint64_t)_mm_cvtsi128_si64(value);
}

INLINE uint64_t block_high(block value) {
  return (uint64_t)_mm_extract_epi64(value, 1);
}

INLINE block block_words(uint32_t word) {
  return _mm_set1_epi32((int32_t)word);
}

INLINE uint32_t block_word(block value) {
  return (uint32_t)_mm_cvtsi128_si32(value);
}

INLINE block block_load(const uint8_t *from) {
  return _mm_loadu_si128((const __m128i *)from);
}

INLINE void block_store(uint8_t *to, block value) {
  _mm_storeu_si128((__m128i *)to, value);
}

#include "crypto/aespart.h" /* after what it takes */

INLINE block block_xor(block a, block b) {
  return _mm_xor_si128(a, b);
}

INLINE block block_and(block a, block b) {
  return _mm_and_si128(a, b);
}

/* To the number in the first four bytes. */
INLINE block block_add(block counter, unsigned number) {
  return _mm_add_epi32(counter, _mm_set_epi32(0, 0, 0, (int)number));
}

INLINE bool block_equal(block a, block b) {
  return _mm_movemask_epi8(_mm_cmpeq_epi8(a, b)) == 0xffff;
}

INLINE block block_reverse(block value) {
  return _mm_shuffle_epi8(value,
                          _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
}

/* ---- AES: `before` and `key` are the keys of the last round and of this one ---- */

INLINE block block_begin(block state, const uint8_t *key) {
  return block_xor(state, block_load(key));
}

INLINE block block_round(block state, const uint8_t *before, const uint8_t *key) {
  (void)before;
  return _mm_aesenc_si128(state, block_load(key));
}

INLINE block block_end(block state, const uint8_t *before, const uint8_t *key) {
  (void)before;
  return _mm_aesenclast_si128(state, block_load(key));
}

INLINE block block_substitute(block value) {
  return _mm_aesenclast_si128(value, block_zero());
}

/* ---- GHASH ---- */

INLINE struct product block_product(block a, block b) {
  return (struct product){
      _mm_clmulepi64_si128(a, b, 0x00),
      block_xor(_mm_clmulepi64_si128(a, b, 0x01), _mm_clmulepi64_si128(a, b, 0x10)),
      _mm_clmulepi64_si128(a, b, 0x11)};
}

INLINE struct product product_xor(struct product a, struct product b) {
  return (struct product){block_xor(a.low, b.low), block_xor(a.middle, b.middle),
                          block_xor(a.high, b.high)};
}

/* Montgomery's way: a multiple of the polynomial clears the lowest 64 bits, twice; what is left above
 * is the product divided by x^128, as POLYVAL has it (RFC 8452, section 3). */
INLINE block block_reduce(struct product sum) {
  const block polynomial = block_of(UINT64_C(0xc200000000000000), 0);
  block low = block_xor(sum.low, _mm_slli_si128(sum.middle, 8));
  block high = block_xor(sum.high, _mm_srli_si128(sum.middle, 8));
  for (unsigned i = 0; i < 2; i++)
    low = block_xor(_mm_shuffle_epi32(low, 0x4e), _mm_clmulepi64_si128(low, polynomial, 0x00));
  return block_xor(high, low);
}

#endif
