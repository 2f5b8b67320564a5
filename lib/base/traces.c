/* SPDX-License-Identifier: ISC */
#include "base/traces.h"

#include <stdint.h>
#include <string.h>

/* Three times as far as any secret was ever found below a call (tests/residue), and far less than a
 * thread has. */
#define DEPTH 16384

#if defined(__x86_64__)

#define CLEAR(number) "pxor %%xmm" #number ", %%xmm" #number "\n"
#define CLEAR_HIGH(number) "vpxorq %%xmm" #number ", %%xmm" #number ", %%xmm" #number "\n"

/* The instructions are named to the assembler alone, so that other code does not use them. */
void traces_wipe_registers(void) {
  if (__builtin_cpu_supports("avx"))
    __asm__ volatile("vzeroall" : : : "memory");
  else
    __asm__ volatile(CLEAR(0) CLEAR(1) CLEAR(2) CLEAR(3) CLEAR(4) CLEAR(5) CLEAR(6) CLEAR(7)
                         CLEAR(8) CLEAR(9) CLEAR(10) CLEAR(11) CLEAR(12) CLEAR(13) CLEAR(14)
                             CLEAR(15)
                     :
                     :
                     : "memory");
  if (__builtin_cpu_supports("avx512vl"))
    __asm__ volatile(CLEAR_HIGH(16) CLEAR_HIGH(17) CLEAR_HIGH(18) CLEAR_HIGH(19) CLEAR_HIGH(20)
                         CLEAR_HIGH(21) CLEAR_HIGH(22) CLEAR_HIGH(23) CLEAR_HIGH(24) CLEAR_HIGH(25)
                             CLEAR_HIGH(26) CLEAR_HIGH(27) CLEAR_HIGH(28) CLEAR_HIGH(29)
                                 CLEAR_HIGH(30) CLEAR_HIGH(31)
                     :
                     :
                     : "memory");
  __asm__ volatile("xor %%ecx, %%ecx; xor %%edx, %%edx; xor %%esi, %%esi; xor %%edi, %%edi;"
                   "xor %%r8d, %%r8d; xor %%r9d, %%r9d; xor %%r10d, %%r10d; xor %%r11d, %%r11d"
                   :
                   :
                   : "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "cc", "xmm0", "xmm1",
                     "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
                     "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

#elif defined(__aarch64__)

#define CLEAR(number) "movi v" #number ".16b, #0\n"

/* v8 to v15 are the caller's. */
void traces_wipe_registers(void) {
  __asm__ volatile(
      CLEAR(0) CLEAR(1) CLEAR(2) CLEAR(3) CLEAR(4) CLEAR(5) CLEAR(6) CLEAR(7) CLEAR(16) CLEAR(17)
          CLEAR(18) CLEAR(19) CLEAR(20) CLEAR(21) CLEAR(22) CLEAR(23) CLEAR(24) CLEAR(25) CLEAR(26)
              CLEAR(27) CLEAR(28) CLEAR(29) CLEAR(30) CLEAR(31)
      :
      :
      : "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v16", "v17", "v18", "v19", "v20", "v21",
        "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31");
}

#else

void traces_wipe_registers(void) {
}

#endif

/* A line of the cache at a time, each as if it were read, so that no `rep stos` is made of them: the
 * next stores would wait for it. */
__attribute__((noinline)) static void wipe_stack(void) {
  uint8_t below[DEPTH];
  for (size_t at = 0; at < sizeof below; at += 64) {
    memset(below + at, 0, 64);
    __asm__ volatile("" : : "r"(below) : "memory");
  }
}

void traces_wipe(void) {
  wipe_stack();
  traces_wipe_registers();
}
