/*
 * DER (ITU-T X.690): what its values are wrapped in, and ECDSA-Sig-Value, a SEQUENCE of the INTEGERs
 * r and s (RFC 3279, section 2.2.3).  Exactly one encoding of each value is accepted.
 * SPDX-License-Identifier: ISC
 */
#ifndef CRYPTO_DER_H
#define CRYPTO_DER_H

#include "base/buf.h"

enum der_tag {
  DER_INTEGER = 0x02,
  DER_BIT_STRING = 0x03,
  DER_OCTET_STRING = 0x04,
  DER_SEQUENCE = 0x30,
  DER_BITS_CONTEXT_1 = 0x81, /* [1] in place of a tag: of a BIT STRING, say */
  DER_CONTEXT_0 = 0xa0,      /* [0] and [1] around a value, or in place of a SET's tag */
  DER_CONTEXT_1 = 0xa1,
};

/** The contents of the next value.  ERR_MALFORMED: not DER, another tag, or 2^24 bytes or more. */
CHECKED enum err der_read_value(struct reader *reader, uint8_t tag, struct view *out);

/** The next value whole, which is a SEQUENCE: a certificate, say. */
CHECKED enum err der_read_sequence(struct reader *reader, struct view *out);

#define DER_NUMBER_MAX 66 /* P-521 */

/**
 * @param size  of a number: at most DER_NUMBER_MAX
 * @param r,s   out: `size` bytes each, big-endian
 * @return OK, or ERR_MALFORMED: not DER, negative, or longer than `size`
 */
CHECKED enum err der_read_signature(struct view der, size_t size, uint8_t *r, uint8_t *s);

/** @param out  2 * size + 9 bytes of room  @return the bytes used */
CHECKED size_t der_write_signature(const uint8_t *r, const uint8_t *s, size_t size, uint8_t *out);

#endif
