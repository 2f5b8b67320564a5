/*
 * Partial frames through the public API.  An input is a codec, changes to make to a good frame, ranges,
 * and a frame: in its own form and in the normal one it must come back if nothing was changed, must
 * be refused if anything was, and as it is it is never a protected one.
 * SPDX-License-Identifier: ISC
 */
#include <e2ee/media.h>
#include <stdlib.h>
#include <string.h>

#include "ends.h"

static struct members members;

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc, (void)argv;
  harness_start();
  members_start(&members);
  return 0;
}

struct ranges {
  e2ee_range at[E2EE_RANGES_MAX];
  size_t count;
};

/* What the codec wants in clear: in order, not touching, in the frame. */
static void find_ranges(uint32_t codec, struct view frame, struct ranges *out) {
  size_t end = 0;
  out->count = E2EE_RANGES_MAX;
  int err = e2ee_frame_clear_ranges(codec, frame.data, frame.size, out->at, &out->count);
  harness_require(err == 0 || err == E2EE_ERR_LIMIT, "no ranges");
  if (err != 0)
    out->count = 0;
  for (size_t i = 0; i < out->count; i++) {
    harness_require(i == 0 || out->at[i].offset > end, "ranges touch");
    harness_require(out->at[i].length > 0 && out->at[i].offset < frame.size &&
                        out->at[i].length <= frame.size - out->at[i].offset,
                    "a range is not in the frame");
    end = out->at[i].offset + out->at[i].length;
  }
}

/* Pairs of a distance and a length, as far as the frame goes. */
static void take_ranges(struct view input, size_t size, struct ranges *out) {
  size_t end = 0;
  out->count = 0;
  while (input.size >= 2 && out->count < E2EE_RANGES_MAX) {
    struct view pair = harness_take(&input, 2);
    size_t offset = end + pair.data[0], length = pair.data[1];
    if (length == 0 || offset > size || length > size - offset)
      break;
    out->at[out->count++] = (e2ee_range){(uint32_t)offset, (uint32_t)length};
    end = offset + length;
  }
}

/* No start code but in one clear range. */
static void expect_no_start_code(const uint8_t *frame, size_t size, const struct ranges *ranges) {
  size_t range = 0;
  for (size_t at = 0; at + 3 <= size; at++) {
    const e2ee_range *clear = ranges->at;
    while (range < ranges->count && clear[range].offset + clear[range].length <= at)
      range++;
    size_t last = range;
    while (last < ranges->count && clear[last].offset + clear[last].length < at + 3 &&
           last + 1 < ranges->count &&
           clear[last + 1].offset == clear[last].offset + clear[last].length)
      last++;
    bool inside = range < ranges->count && clear[range].offset <= at &&
                  clear[last].offset + clear[last].length >= at + 3;
    harness_require(inside || frame[at] != 0 || frame[at + 1] != 0 || frame[at + 2] > 3,
                    "a start code turned up");
  }
}

/* Decrypt in place, in a buffer that is exactly as long as the frame. */
static int decrypt(struct end *end, struct view metadata, struct view frame, struct view expected) {
  size_t size = 0;
  uint8_t *buffer = end_copy(frame);
  int err = e2ee_receiver_decrypt_partial(end->receiver, metadata.data, metadata.size, buffer,
                                          frame.size, buffer, frame.size, &size, NULL, 0);
  harness_require(err != 0 || view_equal(view_of(buffer, size), expected),
                  "the plaintext is another");
  free(buffer);
  return err;
}

static void round_trip(uint32_t codec, struct view plain, const struct ranges *ranges,
                       struct view changes) {
  struct end alice, bob;
  end_start(&alice, &members, members.alice);
  end_start(&bob, &members, members.bob);
  size_t room = plain.size + e2ee_partial_overhead(plain.size, ranges->count), size = 0;
  uint8_t *frame = malloc(room);
  harness_require(frame != NULL, "no memory");
  if (plain.size > 0)
    memcpy(frame, plain.data, plain.size);
  harness_require(e2ee_sender_encrypt_partial(alice.sender, codec, NULL, 0, frame, plain.size,
                                              ranges->at, ranges->count, frame, room, &size) == 0,
                  "a frame was not encrypted");
  if (codec == E2EE_CODEC_H264 || codec == E2EE_CODEC_H265)
    expect_no_start_code(frame, size, ranges);
  static struct ranges again;
  find_ranges(codec, view_of(frame, size), &again);
  bool changed = end_change(frame, size, changes);
  int err = decrypt(&bob, VIEW_NONE, view_of(frame, size), plain);
  harness_require((err == 0) == !changed, "a changed frame was taken, or a good one refused");
  if (!changed)
    harness_require(decrypt(&bob, VIEW_NONE, view_of(frame, size), plain) == E2EE_ERR_REPLAY,
                    "a replay was taken");

  /* As it is. */
  e2ee_frame_info info;
  if (plain.size > 0)
    (void)!e2ee_partial_peek(plain.data, plain.size, &info, sizeof info);
  harness_require(decrypt(&bob, end_unused_metadata(), plain, VIEW_NONE) != 0,
                  "a forged frame was taken");
  free(frame);
  end_stop(&alice);
  end_stop(&bob);
}

/* In the normal form, which is its own normal form. */
static uint8_t *normalize(uint32_t codec, struct view frame, size_t *size) {
  size_t again = 0;
  harness_require(e2ee_frame_normalize(codec, frame.data, frame.size, NULL, size) == 0,
                  "no normal form");
  uint8_t *normal = malloc(*size > 0 ? *size : 1);
  harness_require(normal != NULL &&
                      e2ee_frame_normalize(codec, frame.data, frame.size, normal, size) == 0 &&
                      e2ee_frame_normalize(codec, normal, *size, NULL, &again) == 0,
                  "no normal form");
  harness_require(again == *size, "a normal form has another");
  return normal;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct ranges ranges;
  harness_restart();
  struct view input = {data, size};
  struct view first = harness_take(&input, 1);
  struct view changes = harness_take_block(&input), given = harness_take_block(&input);
  uint32_t codec = first.size > 0 ? first.data[0] % (E2EE_CODEC_VP8_PARTITIONS + 1) : 0;

  take_ranges(given, input.size, &ranges);
  if (given.size == 0)
    find_ranges(codec, input, &ranges);
  round_trip(codec, input, &ranges, changes);

  size_t length = 0;
  uint8_t *normal = normalize(codec, input, &length);
  find_ranges(codec, view_of(normal, length), &ranges);
  round_trip(codec, view_of(normal, length), &ranges, VIEW_NONE);
  free(normal);
  return 0;
}
