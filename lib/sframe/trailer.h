/*
 * The end of a partial frame, as <e2ee/media.h> has it byte by byte: behind the body comes wrapping, if
 * any, then the tag, the numbers of the trailer, their length, and the form.
 * SPDX-License-Identifier: ISC
 */
#ifndef SFRAME_TRAILER_H
#define SFRAME_TRAILER_H

#include <e2ee/media.h>

#include "sframe/header.h"

/** What the lowest bits of the form say; at most one of them is set. */
enum { FORM_ESCAPED = 1, FORM_WRAPPED = 2 };

/** Version 1. */
#define FORM_VERSION 0x90u

/** The head of a metadata OBU with content of up to 2^21 bytes. */
#define WRAPPING_MAX 5u

struct trailer {
  struct sframe_header header; /* size: of numbers, length and form */
  uint8_t form;
  size_t body;
  size_t wrapping;    /* bytes of it, behind the body */
  struct view ranges; /* the numbers that are authenticated as they are */
  struct view escapes;
  size_t count;
  struct e2ee_range clear[E2EE_RANGES_MAX];
};

/**
 * Read the end of a frame, which is checked as far as that is possible without a key.
 * @param tag_size  0: not known; then body, ranges and escapes are not checked, and not set
 * @return OK, or ERR_MALFORMED
 */
CHECKED enum err trailer_read(struct view frame, size_t tag_size, struct trailer *out);

/** Write the numbers up to the escapes.  @param from  out: where trailer.ranges begins in it
 *  @return bytes written */
size_t trailer_write(const struct sframe_header *header, size_t wrapping,
                     const struct e2ee_range *clear, size_t count, uint8_t *out, size_t *from);

/** Write length and form.  @return bytes written */
size_t trailer_end(size_t size, uint8_t form, uint8_t *out);

/** The most bytes that trailer_write(), escapes and trailer_end() need. */
size_t trailer_most(size_t size, size_t count);

#endif
