/* SPDX-License-Identifier: ISC */
#include "crypto/aescpu.h"

#if defined(__x86_64__)

#include <cpuid.h>

/* CPUID and the registers that the system saves (Intel SDM, volume 1, section 14.3). */
struct processor {
  unsigned one_c;   /* leaf 1, ECX */
  unsigned seven_b; /* leaf 7, EBX */
  unsigned seven_c; /* leaf 7, ECX */
  unsigned saved;   /* XCR0 */
};

#define XCR0_AVX 0x06u    /* XMM and YMM */
#define XCR0_AVX512 0xe6u /* and ZMM, mask registers */

static struct processor look(void) {
  struct processor found = {0, 0, 0, 0};
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 1)
    found.one_c = c;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 1) {
    found.seven_b = b;
    found.seven_c = c;
  }
  if ((found.one_c & bit_OSXSAVE) != 0)
    __asm__("xgetbv" : "=a"(found.saved), "=d"(d) : "c"(0));
  return found;
}

static bool all(unsigned found, unsigned needed) {
  return (found & needed) == needed;
}

bool aescpu_aesni(void) {
  const struct processor found = look();
  return all(found.one_c, bit_AES | bit_PCLMUL | bit_SSSE3 | bit_SSE4_1);
}

static bool has_vaes(const struct processor *found, unsigned features, unsigned saved) {
  return all(found->one_c, bit_AES | bit_PCLMUL | bit_AVX) && all(found->saved, saved) &&
         all(found->seven_b, features) && all(found->seven_c, bit_VAES | bit_VPCLMULQDQ);
}

bool aescpu_vaes256(void) {
  const struct processor found = look();
  return has_vaes(&found, bit_AVX2, XCR0_AVX);
}

bool aescpu_vaes512(void) {
  const struct processor found = look();
  return has_vaes(&found, bit_AVX2 | bit_AVX512F | bit_AVX512BW | bit_AVX512VL, XCR0_AVX512);
}

#elif defined(__AARCH64EL__) && defined(__APPLE__)

#include <stddef.h>
#include <sys/sysctl.h>

static bool has(const char *feature) {
  int value = 0;
  size_t size = sizeof value;
  return sysctlbyname(feature, &value, &size, NULL, 0) == 0 && value != 0;
}

bool aescpu_arm(void) {
  return has("hw.optional.arm.FEAT_AES") && has("hw.optional.arm.FEAT_PMULL");
}

#elif defined(__AARCH64EL__) && defined(__linux__)

#include <sys/auxv.h>

/* As the kernel numbers them: arch/arm64/include/uapi/asm/hwcap.h. */
#define CAPABILITY_AES (1ul << 3)
#define CAPABILITY_PMULL (1ul << 4)

bool aescpu_arm(void) {
  const unsigned long needed = CAPABILITY_AES | CAPABILITY_PMULL;
  return (getauxval(AT_HWCAP) & needed) == needed;
}

#else

bool aescpu_arm(void) {
  return false;
}

#endif
