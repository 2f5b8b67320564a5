/*
 * The engine for VAES and VPCLMULQDQ with AVX2: eight blocks at a time, two in each register.
 * SPDX-License-Identifier: ISC
 */
#define CODE static __attribute__((target("vaes,vpclmulqdq,avx2,aes,pclmul")))
#define INLINE CODE inline __attribute__((always_inline))

#include "crypto/aescpu.h"
#include "crypto/aesx86.h"

#define ENGINE(name) vaes256_##name
#define TITLE "VAES-256"
#define AVAILABLE aescpu_vaes256
#define TRACES 512
#define LANES 2u
#define VECTORS 4

typedef __m256i vec;

/* As struct product, lane by lane. */
struct sums {
  vec low, middle, high;
};

INLINE vec vec_of(block first, block second) {
  return _mm256_inserti128_si256(_mm256_castsi128_si256(first), second, 1);
}

INLINE vec vec_load(const uint8_t *from) {
  return _mm256_loadu_si256((const __m256i *)from);
}

/** @param size  1 to 32 */
INLINE vec vec_load_part(const uint8_t *from, size_t size) {
  if (size <= 16)
    return vec_of(block_load_part(from, size), block_zero());
  return vec_of(block_load(from), block_load_part(from + 16, size - 16));
}

INLINE void vec_store(uint8_t *to, vec value) {
  _mm256_storeu_si256((__m256i *)to, value);
}

INLINE void vec_store_part(uint8_t *to, vec value, size_t size) {
  if (size <= 16) {
    block_store_part(to, _mm256_castsi256_si128(value), size);
  } else {
    block_store(to, _mm256_castsi256_si128(value));
    block_store_part(to + 16, _mm256_extracti128_si256(value, 1), size - 16);
  }
}

/* The first `size` bytes; the others become zero. */
INLINE vec vec_keep(vec value, size_t size) {
  static const uint8_t masks[64] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  return _mm256_and_si256(value, vec_load(masks + 32 - size));
}

INLINE vec vec_xor(vec a, vec b) {
  return _mm256_xor_si256(a, b);
}

INLINE vec vec_xor_first(vec value, block other) {
  return vec_xor(value, vec_of(other, block_zero()));
}

INLINE vec vec_set_first(vec value, block first) {
  return _mm256_blend_epi32(value, _mm256_castsi128_si256(first), 0x0f);
}

INLINE vec vec_reverse(vec value) {
  return _mm256_shuffle_epi8(value, _mm256_broadcastsi128_si256(_mm_set_epi8(
                                        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)));
}

INLINE vec vec_add(vec counter, unsigned number) {
  return _mm256_add_epi32(counter,
                          _mm256_broadcastsi128_si256(_mm_set_epi32(0, 0, 0, (int)number)));
}

/* Counters that follow each other, of which the first is `from` on. */
INLINE vec vec_count(block counter, unsigned from) {
  return _mm256_add_epi32(_mm256_broadcastsi128_si256(counter),
                          _mm256_set_epi32(0, 0, 0, (int)from + 1, 0, 0, 0, (int)from));
}

INLINE vec vec_key(const uint8_t *key) {
  return _mm256_broadcastsi128_si256(block_load(key));
}

INLINE vec vec_begin(vec state, const uint8_t *key) {
  return vec_xor(state, vec_key(key));
}

INLINE vec vec_round(vec state, const uint8_t *before, const uint8_t *key) {
  (void)before;
  return _mm256_aesenc_epi128(state, vec_key(key));
}

INLINE vec vec_end(vec state, const uint8_t *before, const uint8_t *key) {
  (void)before;
  return _mm256_aesenclast_epi128(state, vec_key(key));
}

INLINE struct sums sums_zero(void) {
  const vec zero = _mm256_setzero_si256();
  return (struct sums){zero, zero, zero};
}

INLINE struct sums vec_multiply_add(struct sums sums, vec a, vec b) {
  const vec middle =
      vec_xor(_mm256_clmulepi64_epi128(a, b, 0x01), _mm256_clmulepi64_epi128(a, b, 0x10));
  return (struct sums){vec_xor(sums.low, _mm256_clmulepi64_epi128(a, b, 0x00)),
                       vec_xor(sums.middle, middle),
                       vec_xor(sums.high, _mm256_clmulepi64_epi128(a, b, 0x11))};
}

INLINE block fold(vec value) {
  return block_xor(_mm256_castsi256_si128(value), _mm256_extracti128_si256(value, 1));
}

INLINE struct product vec_fold(struct sums sums) {
  return (struct product){fold(sums.low), fold(sums.middle), fold(sums.high)};
}

INLINE void registers_wipe(void) {
  _mm256_zeroall();
}

#include "crypto/aescore.h"
