/*
 * The engine for VAES and VPCLMULQDQ with AVX-512: sixteen blocks at a time, four in each register.
 * SPDX-License-Identifier: ISC
 */
#define CODE                                                                                       \
  static __attribute__((target("vaes,vpclmulqdq,avx512f,avx512bw,avx512vl,avx2,aes,pclmul")))
#define INLINE CODE inline __attribute__((always_inline))

#define BLOCK_MASKED
#include "crypto/aescpu.h"
#include "crypto/aesx86.h"

#define ENGINE(name) vaes512_##name
#define TITLE "VAES-512"
#define AVAILABLE aescpu_vaes512
#define TRACES 384
#define LANES 4u
#define VECTORS 4

typedef __m512i vec;

/* As struct product, lane by lane. */
struct sums {
  vec low, middle, high;
};

/* Loads and stores with a mask touch nothing outside it, and fault only inside. */

INLINE block block_load_part(const uint8_t *from, size_t size) {
  return _mm_maskz_loadu_epi8((__mmask16)((1u << size) - 1), from);
}

/* Of the first bytes, 1 to 64. */
INLINE __mmask64 first_bytes(size_t size) {
  return UINT64_MAX >> (64 - size);
}

INLINE vec vec_load(const uint8_t *from) {
  return _mm512_loadu_si512(from);
}

INLINE vec vec_load_part(const uint8_t *from, size_t size) {
  return _mm512_maskz_loadu_epi8(first_bytes(size), from);
}

INLINE void vec_store(uint8_t *to, vec value) {
  _mm512_storeu_si512(to, value);
}

INLINE void vec_store_part(uint8_t *to, vec value, size_t size) {
  _mm512_mask_storeu_epi8(to, first_bytes(size), value);
}

/* The first `size` bytes; the others become zero. */
INLINE vec vec_keep(vec value, size_t size) {
  return _mm512_maskz_mov_epi8(first_bytes(size), value);
}

INLINE vec vec_xor(vec a, vec b) {
  return _mm512_xor_si512(a, b);
}

INLINE vec vec_xor_first(vec value, block other) {
  return vec_xor(value, _mm512_zextsi128_si512(other));
}

INLINE vec vec_set_first(vec value, block first) {
  return _mm512_inserti32x4(value, first, 0);
}

INLINE vec vec_reverse(vec value) {
  return _mm512_shuffle_epi8(value, _mm512_broadcast_i32x4(_mm_set_epi8(
                                        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)));
}

INLINE vec vec_add(vec counter, unsigned number) {
  return _mm512_add_epi32(counter, _mm512_broadcast_i32x4(_mm_set_epi32(0, 0, 0, (int)number)));
}

/* Counters that follow each other, of which the first is `from` on. */
INLINE vec vec_count(block counter, unsigned from) {
  const int first = (int)from;
  return _mm512_add_epi32(
      _mm512_broadcast_i32x4(counter),
      _mm512_set_epi32(0, 0, 0, first + 3, 0, 0, 0, first + 2, 0, 0, 0, first + 1, 0, 0, 0, first));
}

INLINE vec vec_key(const uint8_t *key) {
  return _mm512_broadcast_i32x4(block_load(key));
}

INLINE vec vec_begin(vec state, const uint8_t *key) {
  return vec_xor(state, vec_key(key));
}

INLINE vec vec_round(vec state, const uint8_t *before, const uint8_t *key) {
  (void)before;
  return _mm512_aesenc_epi128(state, vec_key(key));
}

INLINE vec vec_end(vec state, const uint8_t *before, const uint8_t *key) {
  (void)before;
  return _mm512_aesenclast_epi128(state, vec_key(key));
}

INLINE struct sums sums_zero(void) {
  const vec zero = _mm512_setzero_si512();
  return (struct sums){zero, zero, zero};
}

INLINE struct sums vec_multiply_add(struct sums sums, vec a, vec b) {
  return (struct sums){vec_xor(sums.low, _mm512_clmulepi64_epi128(a, b, 0x00)),
                       _mm512_ternarylogic_epi64(sums.middle, _mm512_clmulepi64_epi128(a, b, 0x01),
                                                 _mm512_clmulepi64_epi128(a, b, 0x10),
                                                 0x96), /* XOR of three */
                       vec_xor(sums.high, _mm512_clmulepi64_epi128(a, b, 0x11))};
}

INLINE block fold(vec value) {
  const __m256i half =
      _mm256_xor_si256(_mm512_castsi512_si256(value), _mm512_extracti64x4_epi64(value, 1));
  return block_xor(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
}

INLINE struct product vec_fold(struct sums sums) {
  return (struct product){fold(sums.low), fold(sums.middle), fold(sums.high)};
}

INLINE void registers_wipe(void) {
  _mm256_zeroall();
  /* Those that came with AVX-512. */
  __asm__ volatile("vpxorq %%xmm16, %%xmm16, %%xmm16; vpxorq %%xmm17, %%xmm17, %%xmm17;"
                   "vpxorq %%xmm18, %%xmm18, %%xmm18; vpxorq %%xmm19, %%xmm19, %%xmm19;"
                   "vpxorq %%xmm20, %%xmm20, %%xmm20; vpxorq %%xmm21, %%xmm21, %%xmm21;"
                   "vpxorq %%xmm22, %%xmm22, %%xmm22; vpxorq %%xmm23, %%xmm23, %%xmm23;"
                   "vpxorq %%xmm24, %%xmm24, %%xmm24; vpxorq %%xmm25, %%xmm25, %%xmm25;"
                   "vpxorq %%xmm26, %%xmm26, %%xmm26; vpxorq %%xmm27, %%xmm27, %%xmm27;"
                   "vpxorq %%xmm28, %%xmm28, %%xmm28; vpxorq %%xmm29, %%xmm29, %%xmm29;"
                   "vpxorq %%xmm30, %%xmm30, %%xmm30; vpxorq %%xmm31, %%xmm31, %%xmm31"
                   :
                   :
                   : "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23",
                     "xmm24", "xmm25", "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31");
}

#include "crypto/aescore.h"
