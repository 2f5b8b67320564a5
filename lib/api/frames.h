/*
 * What every function that takes a frame checks first.
 * SPDX-License-Identifier: ISC
 */
#ifndef API_FRAMES_H
#define API_FRAMES_H

#include "base/buf.h"

/** Whether two pieces of memory share a byte. */
bool api_overlap(struct view a, struct view b);

/** Bytes at `out` that encrypting a frame may write.  @param overhead  the most that it grows by */
size_t api_frame_written(size_t frame_size, size_t overhead, size_t capacity);

/**
 * Check the pointers and sizes of a frame call.
 * @param out  of which the call may write all
 * @return OK; ERR_INVALID_ARG (NULL, or an overlap other than in place); ERR_LIMIT
 */
CHECKED enum err api_check_frame(struct view metadata, struct view frame, struct view out,
                                 const size_t *out_len);

#endif
