/* SPDX-License-Identifier: ISC */
#include "ends.h"

#include <stdlib.h>
#include <string.h>

void end_start(struct end *end, const struct members *members, const e2ee_group *group) {
  harness_require(e2ee_media_new(0, &end->media) == 0 &&
                      e2ee_media_install(end->media, group) == 0 &&
                      e2ee_media_activate(end->media, members->epoch) == 0 &&
                      e2ee_sender_new(end->media, &end->sender) == 0 &&
                      e2ee_receiver_new(end->media, &end->receiver) == 0,
                  "no media");
}

void end_stop(struct end *end) {
  e2ee_sender_free(end->sender);
  e2ee_receiver_free(end->receiver);
  e2ee_media_free(end->media);
}

uint8_t *end_copy(struct view bytes) {
  uint8_t *copy = malloc(bytes.size > 0 ? bytes.size : 1);
  harness_require(copy != NULL, "no memory");
  if (bytes.size > 0)
    memcpy(copy, bytes.data, bytes.size);
  return copy;
}

bool end_change(uint8_t *frame, size_t size, struct view changes) {
  uint8_t *before = end_copy(view_of(frame, size));
  while (changes.size >= 3) {
    struct view triple = harness_take(&changes, 3);
    frame[((size_t)triple.data[0] << 8 | triple.data[1]) % size] ^= triple.data[2];
  }
  bool changed = memcmp(before, frame, size) != 0;
  free(before);
  return changed;
}

struct view end_unused_metadata(void) {
  static const uint8_t unused[UINT16_MAX + 1] = {0};
  return VIEW_ARRAY(unused);
}
