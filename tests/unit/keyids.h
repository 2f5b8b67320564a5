/*
 * Frames of any key id.  Included after media-double.h.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_KEYIDS_H
#define TESTS_KEYIDS_H

#include "media-double.h"
#include "media/installed.h"

/* What a member could send: an authentic frame with any key id of an epoch that bob has. */
HELPER struct frame authentic(const struct member *bob, uint64_t kid, uint64_t counter) {
  struct frame frame;
  struct sframe_key key;
  const struct media_epoch *epoch =
      ((const struct installed *)bob->receiver->source)->epochs[media_epoch_slot(kid)];
  const struct sframe_suite *suite = &bob->receiver->media->suite;
  ck_assert_int_eq(sframe_key_new(suite, &key), OK);
  ck_assert_int_eq(sframe_key_set(suite, &epoch->secret, kid, &key), OK);
  ck_assert_int_eq(
      sframe_protect(&key, counter, view_of(ABOUT), VIEW_TEXT("media"), frame.bytes, &frame.size),
      OK);
  sframe_key_free(&key);
  return frame;
}

/* Context, leaf 0 of two, epoch. */
HELPER uint64_t kid_of(uint64_t context, uint64_t epoch) {
  return context << 5 | epoch % 16;
}

HELPER struct frame forged(uint64_t kid, uint64_t counter) {
  struct frame frame;
  frame.size = sframe_header_write(kid, counter, frame.bytes) + 40;
  memset(frame.bytes + frame.size - 40, 0x5a, 40);
  return frame;
}

HELPER int take(const struct member *bob, uint64_t kid, uint64_t counter) {
  struct frame frame = authentic(bob, kid, counter);
  return receive(bob, &frame, NULL);
}

#endif
