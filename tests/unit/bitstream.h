/*
 * The bitstreams of tests/data/media, frame by frame.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_UNIT_BITSTREAM_H
#define TESTS_UNIT_BITSTREAM_H

#include "base/buf.h"

#define BITSTREAM_FRAMES 64

struct bitstream {
  const char *name; /* of the file */
  uint32_t codec;
  uint8_t *data;
  struct view frames[BITSTREAM_FRAMES];
  size_t count;
};

#define BITSTREAMS 10
extern const struct bitstream bitstreams[BITSTREAMS]; /* name and codec alone */

/** Read the file of that name.  @return freed by bitstream_free(); the test fails if it cannot be read */
struct bitstream bitstream_read(const struct bitstream *which);
void bitstream_free(struct bitstream *stream);

#endif
