/*
 * The SFrame header (RFC 9605, section 4.3): key id and counter in as few bytes as they need.
 * SPDX-License-Identifier: ISC
 */
#ifndef SFRAME_HEADER_H
#define SFRAME_HEADER_H

#include "base/buf.h"

/** The config byte and two values of eight bytes. */
#define SFRAME_HEADER_MAX 17u

struct sframe_header {
  uint64_t kid;
  uint64_t counter;
  size_t size; /* of the encoding */
};

/**
 * Read the header at the start of a frame; what follows it is not looked at.
 * @return OK, or ERR_MALFORMED: the frame ends inside the header, or a value is not encoded in the
 *         one shortest way
 */
CHECKED enum err sframe_header_read(struct view frame, struct sframe_header *out);

/** Write a header.  @param out  SFRAME_HEADER_MAX bytes of room  @return bytes written */
size_t sframe_header_write(uint64_t kid, uint64_t counter, uint8_t *out);

#endif
