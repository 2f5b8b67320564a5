/*
 * Numbers in the trailer of a partial frame: groups of six bits, in bytes that are never below 0x80, so
 * that they cannot be part of a start code.
 * SPDX-License-Identifier: ISC
 */
#ifndef SFRAME_NUMBER_H
#define SFRAME_NUMBER_H

#include "base/buf.h"

/** Of 64 bits. */
#define NUMBER_MAX 11u

size_t number_size(uint64_t value);

/** Write, forward or with the bytes in reverse order.  @return number_size(value) */
size_t number_write(uint64_t value, uint8_t *out);
size_t number_write_reversed(uint64_t value, uint8_t *out);

/** @return OK, or ERR_MALFORMED: no number, above `most`, or in more bytes than it needs */
CHECKED enum err number_read(struct reader *reader, uint64_t most, uint64_t *out);

/** Read a reversed number at the end of `bytes`.  @param size  out: its bytes */
CHECKED enum err number_read_reversed(struct view bytes, uint64_t most, uint64_t *out,
                                      size_t *size);

#endif
