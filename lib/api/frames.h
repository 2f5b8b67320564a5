/*
 * What every function that takes a frame does first.  Inline: a frame of sound takes 50 ns.
 * SPDX-License-Identifier: ISC
 */
#ifndef API_FRAMES_H
#define API_FRAMES_H

#include "api/handles.h"
#include "media/format.h"

/** What an application has given to a frame function. */
static inline struct frame_call api_frame_call(const uint8_t *metadata, size_t metadata_len,
                                               const uint8_t *frame, size_t frame_len, uint8_t *out,
                                               size_t capacity, size_t *size) {
  return (struct frame_call){.metadata = view_of(metadata, metadata_len),
                             .frame = view_of(frame, frame_len),
                             .out = out,
                             .capacity = capacity,
                             .size = size};
}

/** Whether two pieces of memory share a byte. */
static inline bool api_overlap(struct view a, struct view b) {
  /* Unsigned differences wrap, and are huge where they do. */
  uintptr_t from_a = (uintptr_t)b.data - (uintptr_t)a.data;
  uintptr_t from_b = (uintptr_t)a.data - (uintptr_t)b.data;
  return a.size > 0 && b.size > 0 && (from_a < a.size || from_b < b.size);
}

/** Bytes at `out` that encrypting a frame may write.  @param overhead  the most that it grows by */
static inline size_t api_frame_written(size_t frame_size, size_t overhead, size_t capacity) {
  size_t most = frame_size + overhead; /* wraps for a frame that api_check_frame() refuses */
  return most < capacity ? most : capacity;
}

/**
 * Check the pointers and sizes of a frame call.
 * @param written  bytes at `out` that it may write
 * @return OK; ERR_INVALID_ARG (NULL, or an overlap other than in place); ERR_LIMIT
 */
CHECKED static inline enum err api_check_frame(const struct frame_call *call, size_t written) {
  const struct view metadata = call->metadata, frame = call->frame;
  const struct view out = view_of(call->out, written);
  if (out.data == NULL || call->size == NULL || !api_given(frame.data, frame.size) ||
      !api_given(metadata.data, metadata.size))
    return ERR_INVALID_ARG;
  if (frame.size > SFRAME_SIZE_MAX || metadata.size > SFRAME_SIZE_MAX)
    return ERR_LIMIT;
  if (out.data != frame.data && api_overlap(out, frame))
    return ERR_INVALID_ARG;
  return api_overlap(out, metadata) ? ERR_INVALID_ARG : OK;
}

#endif
