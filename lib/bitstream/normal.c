/* SPDX-License-Identifier: ISC */
#include "bitstream/normal.h"

#include <string.h>

void normal_put(struct normal *normal, struct view bytes) {
  if (normal->size <= normal->capacity && bytes.size > 0 &&
      bytes.size <= normal->capacity - normal->size)
    memcpy(normal->out + normal->size, bytes.data, bytes.size);
  normal->size += bytes.size;
}

void normal_same(struct view frame, struct normal *out) {
  normal_put(out, frame);
}
