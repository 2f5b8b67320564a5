/*
 * The engine for AES-NI and PCLMULQDQ: eight blocks at a time, one in each register.
 * SPDX-License-Identifier: ISC
 */
#define CODE static __attribute__((target("aes,pclmul,ssse3,sse4.1")))
#define INLINE CODE inline __attribute__((always_inline))

#include "crypto/aescpu.h"
#include "crypto/aesx86.h"

#include "crypto/aesone.h" /* after the functions on blocks */

#define ENGINE(name) aesni_##name
#define TITLE "AES-NI"
#define AVAILABLE aescpu_aesni
#define TRACES 896

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
