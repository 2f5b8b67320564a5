/*
 * The engine for 64-bit ARM processors with the AES and PMULL instructions: eight blocks at a time,
 * one in each register.
 * SPDX-License-Identifier: ISC
 */
#ifdef __clang__
#define CODE static __attribute__((target("aes")))
/* Before version 16, clang's header has no such functions unless all code may use the instructions. */
#if __clang_major__ < 16 && !defined(__ARM_FEATURE_AES)
#define __ARM_FEATURE_AES 1
#endif
#else
#define CODE static __attribute__((target("+crypto")))
#endif
#define INLINE CODE inline __attribute__((always_inline))

#include <arm_neon.h>
#include <stdbool.h>

#include "crypto/aescpu.h"

typedef uint8x16_t block;

/* Sums of products not reduced: the middle is worth x^64, the high half x^128. */
struct product {
  block low, middle, high;
};

INLINE block block_zero(void) {
  return vdupq_n_u8(0);
}

INLINE block block_of(uint64_t low, uint64_t high) {
  return vreinterpretq_u8_u64(vcombine_u64(vcreate_u64(low), vcreate_u64(high)));
}

INLINE uint64_t block_low(block value) {
  return vgetq_lane_u64(vreinterpretq_u64_u8(value), 0);
}

INLINE uint64_t block_high(block value) {
  return vgetq_lane_u64(vreinterpretq_u64_u8(value), 1);
}

INLINE block block_words(uint32_t word) {
  return vreinterpretq_u8_u32(vdupq_n_u32(word));
}

INLINE uint32_t block_word(block value) {
  return vgetq_lane_u32(vreinterpretq_u32_u8(value), 0);
}

INLINE block block_load(const uint8_t *from) {
  return vld1q_u8(from);
}

INLINE void block_store(uint8_t *to, block value) {
  vst1q_u8(to, value);
}

#include "crypto/aespart.h" /* after what it takes */

INLINE block block_xor(block a, block b) {
  return veorq_u8(a, b);
}

INLINE block block_and(block a, block b) {
  return vandq_u8(a, b);
}

/* To the number in the first four bytes. */
INLINE block block_add(block counter, unsigned number) {
  const uint32x4_t addend = vsetq_lane_u32(number, vdupq_n_u32(0), 0);
  return vreinterpretq_u8_u32(vaddq_u32(vreinterpretq_u32_u8(counter), addend));
}

INLINE bool block_equal(block a, block b) {
  return vmaxvq_u8(block_xor(a, b)) == 0;
}

INLINE block block_swap(block value) {
  return vextq_u8(value, value, 8);
}

INLINE block block_reverse(block value) {
  return block_swap(vrev64q_u8(value));
}

/* ---- AES: this processor's rounds begin with the key, so that `before` is the one they need ---- */

INLINE block block_begin(block state, const uint8_t *key) {
  (void)key;
  return state;
}

INLINE block block_round(block state, const uint8_t *before, const uint8_t *key) {
  (void)key;
  return vaesmcq_u8(vaeseq_u8(state, block_load(before)));
}

INLINE block block_end(block state, const uint8_t *before, const uint8_t *key) {
  return block_xor(vaeseq_u8(state, block_load(before)), block_load(key));
}

INLINE block block_substitute(block value) {
  return vaeseq_u8(value, block_zero());
}

/* ---- GHASH ---- */

INLINE block multiply_low(block a, block b) {
  return vreinterpretq_u8_p128(vmull_p64((poly64_t)block_low(a), (poly64_t)block_low(b)));
}

INLINE block multiply_high(block a, block b) {
  return vreinterpretq_u8_p128(vmull_high_p64(vreinterpretq_p64_u8(a), vreinterpretq_p64_u8(b)));
}

INLINE struct product block_product(block a, block b) {
  const block swapped = block_swap(b);
  return (struct product){multiply_low(a, b),
                          block_xor(multiply_low(a, swapped), multiply_high(a, swapped)),
                          multiply_high(a, b)};
}

INLINE struct product product_xor(struct product a, struct product b) {
  return (struct product){block_xor(a.low, b.low), block_xor(a.middle, b.middle),
                          block_xor(a.high, b.high)};
}

/* Montgomery's way: a multiple of the polynomial clears the lowest 64 bits, twice; what is left above
 * is the product divided by x^128, as POLYVAL has it (RFC 8452, section 3). */
INLINE block block_reduce(struct product sum) {
  const block polynomial = block_of(UINT64_C(0xc200000000000000), 0);
  block low = block_xor(sum.low, vextq_u8(block_zero(), sum.middle, 8));
  block high = block_xor(sum.high, vextq_u8(sum.middle, block_zero(), 8));
  for (unsigned i = 0; i < 2; i++)
    low = block_xor(block_swap(low), multiply_low(low, polynomial));
  return block_xor(high, low);
}

#include "crypto/aesone.h" /* after the functions on blocks */

#define ENGINE(name) aesarm_##name
#define TITLE "ARMv8"
#define AVAILABLE aescpu_arm
#define TRACES 896

#define ZERO(number) "movi v" #number ".16b, #0\n"

INLINE void registers_wipe(void) {
  __asm__ volatile(ZERO(0) ZERO(1) ZERO(2) ZERO(3) ZERO(4) ZERO(5) ZERO(6) ZERO(7) ZERO(16) ZERO(17)
                       ZERO(18) ZERO(19) ZERO(20) ZERO(21) ZERO(22) ZERO(23) ZERO(24) ZERO(25)
                           ZERO(26) ZERO(27) ZERO(28) ZERO(29) ZERO(30) ZERO(31)
                   :
                   :
                   : "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v16", "v17", "v18", "v19",
                     "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30",
                     "v31");
}

#include "crypto/aescore.h"
