/*
 * Frames through the public API.  An input is metadata, changes to make to a good frame, and a frame
 * of its own: the good one must be refused if anything of it was changed, and the other always.
 * SPDX-License-Identifier: ISC
 */
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "members.h"

static struct members members;

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc, (void)argv;
  harness_start();
  members_start(&members);
  return 0;
}

/* Keys and one stream, of a member in the epoch its group is in. */
struct end {
  e2ee_media *media;
  e2ee_sender *sender;
  e2ee_receiver *receiver;
};

static void end_start(struct end *end, const e2ee_group *group) {
  harness_require(e2ee_media_new(0, &end->media) == 0 &&
                      e2ee_media_install(end->media, group) == 0 &&
                      e2ee_media_activate(end->media, members.epoch) == 0 &&
                      e2ee_sender_new(end->media, &end->sender) == 0 &&
                      e2ee_receiver_new(end->media, &end->receiver) == 0,
                  "no media");
}

static void end_stop(struct end *end) {
  e2ee_sender_free(end->sender);
  e2ee_receiver_free(end->receiver);
  e2ee_media_free(end->media);
}

/* Decrypt in place, in a buffer that is exactly as long as the frame. */
static int decrypt(struct end *end, struct view metadata, struct view frame, size_t *size) {
  e2ee_frame_info info;
  uint8_t *buffer = malloc(frame.size > 0 ? frame.size : 1);
  harness_require(buffer != NULL, "no memory");
  if (frame.size > 0)
    memcpy(buffer, frame.data, frame.size);
  int result = e2ee_receiver_decrypt(end->receiver, metadata.data, metadata.size, buffer,
                                     frame.size, buffer, frame.size, size, &info, sizeof info);
  harness_require(result != 0 || (info.epoch == members.epoch && info.leaf == 0),
                  "the sender is somebody else");
  free(buffer);
  return result;
}

/* Change the frame as pairs of (position, bits) say.  Returns whether it differs at all. */
static bool change(uint8_t *frame, size_t size, struct view changes) {
  uint8_t *before = malloc(size);
  harness_require(before != NULL, "no memory");
  memcpy(before, frame, size);
  while (changes.size >= 3) {
    struct view pair = harness_take(&changes, 3);
    frame[((size_t)pair.data[0] << 8 | pair.data[1]) % size] ^= pair.data[2];
  }
  bool changed = memcmp(before, frame, size) != 0;
  free(before);
  return changed;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  harness_restart();
  struct view input = {data, size};
  struct view metadata = harness_take_block(&input);
  struct view changes = harness_take_block(&input);
  struct end alice, bob;
  end_start(&alice, members.alice);
  end_start(&bob, members.bob);

  /* What is left of the input is the plaintext of alice's frame first. */
  size_t capacity = input.size + e2ee_frame_overhead(), length = 0, plain = 0;
  uint8_t *frame = malloc(capacity);
  harness_require(frame != NULL, "no memory");
  harness_require(e2ee_sender_encrypt(alice.sender, metadata.data, metadata.size, input.data,
                                      input.size, frame, capacity, &length) == 0,
                  "a frame was not encrypted");
  bool changed = change(frame, length, changes);
  struct view sent = {frame, length};
  int result = decrypt(&bob, metadata, sent, &plain);
  harness_require((result == 0) == !changed, "a changed frame was taken, or a good one refused");
  if (!changed) {
    harness_require(plain == input.size, "the plaintext is of another size");
    harness_require(decrypt(&bob, metadata, sent, &plain) == E2EE_ERR_REPLAY, "a replay was taken");
  }
  free(frame);

  /* Then it is a frame itself.  The fuzzer learns what is compared in memory, and so could give back
     a frame that alice made for an input before: with metadata longer than any of hers it is forged. */
  static const uint8_t unused[UINT16_MAX + 1] = {0};
  struct view other = {unused, sizeof unused};
  e2ee_frame_info info;
  (void)!e2ee_frame_peek(input.data, input.size, &info, sizeof info);
  harness_require(decrypt(&bob, other, input, &plain) != 0, "a forged frame was taken");

  end_stop(&alice);
  end_stop(&bob);
  return 0;
}
