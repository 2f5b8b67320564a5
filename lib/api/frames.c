/* SPDX-License-Identifier: ISC */
#include "api/frames.h"

#include "api/handles.h"
#include "sframe/frame.h"

/* Unsigned differences wrap, and are huge where they do. */
bool api_overlap(struct view a, struct view b) {
  uintptr_t from_a = (uintptr_t)b.data - (uintptr_t)a.data;
  uintptr_t from_b = (uintptr_t)a.data - (uintptr_t)b.data;
  return a.size > 0 && b.size > 0 && (from_a < a.size || from_b < b.size);
}

/* A sum that wraps is of a frame that api_check_frame() refuses. */
size_t api_frame_written(size_t frame_size, size_t overhead, size_t capacity) {
  size_t most = frame_size + overhead;
  return most < capacity ? most : capacity;
}

enum err api_check_frame(struct view metadata, struct view frame, struct view out,
                         const size_t *out_len) {
  if (out.data == NULL || out_len == NULL || !api_given(frame.data, frame.size) ||
      !api_given(metadata.data, metadata.size))
    return ERR_INVALID_ARG;
  if (frame.size > SFRAME_SIZE_MAX || metadata.size > SFRAME_SIZE_MAX)
    return ERR_LIMIT;
  if (out.data != frame.data && api_overlap(out, frame))
    return ERR_INVALID_ARG;
  return api_overlap(out, metadata) ? ERR_INVALID_ARG : OK;
}
