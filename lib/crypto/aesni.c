/*
 * The engine for AES-NI and PCLMULQDQ: eight blocks at a time, one in each register.
 * SPDX-License-Identifier: ISC
 */
#define CODE static __attribute__((target("aes,pclmul,ssse3,sse4.1")))
#define INLINE CODE inline __attribute__((always_inline))

#include "crypto/aescpu.h"
#include "crypto/aesx86.h"

#define ENGINE(name) aesni_##name
#define TITLE "AES-NI"
#define AVAILABLE aescpu_aesni
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
  return _mm_and_si128(value, block_load(masks + 16 - size));
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
  return _mm_add_epi32(counter, _mm_set_epi32(0, 0, 0, (int)number));
}

INLINE vec vec_count(block counter, unsigned from) {
  return vec_add(counter, from);
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

INLINE void registers_wipe(void) {
  __asm__ volatile(
      "pxor %%xmm0, %%xmm0; pxor %%xmm1, %%xmm1; pxor %%xmm2, %%xmm2; pxor %%xmm3, %%xmm3;"
      "pxor %%xmm4, %%xmm4; pxor %%xmm5, %%xmm5; pxor %%xmm6, %%xmm6; pxor %%xmm7, %%xmm7;"
      "pxor %%xmm8, %%xmm8; pxor %%xmm9, %%xmm9; pxor %%xmm10, %%xmm10; pxor %%xmm11, %%xmm11;"
      "pxor %%xmm12, %%xmm12; pxor %%xmm13, %%xmm13; pxor %%xmm14, %%xmm14; pxor %%xmm15, %%xmm15"
      :
      :
      : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
        "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

#include "crypto/aescore.h"
