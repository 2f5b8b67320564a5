/*
 * What the processor has for AES-GCM, and the system lets programs use.  Each file of the engine has
 * its own code for one of these; aescore.h is what they share.
 * SPDX-License-Identifier: ISC
 */
#ifndef CRYPTO_AESCPU_H
#define CRYPTO_AESCPU_H

#include <stdbool.h>

/* x86-64: AES-NI and PCLMULQDQ; VAES and VPCLMULQDQ with AVX2; the same with AVX-512. */
bool aescpu_aesni(void);
bool aescpu_vaes256(void);
bool aescpu_vaes512(void);

/* ARMv8: the AES and PMULL instructions. */
bool aescpu_arm(void);

#endif
