/*
 * Frames through the public API.  An input is metadata, changes to make to a good frame, and a frame
 * of its own: the good one must be refused if anything of it was changed, and the other always.
 * SPDX-License-Identifier: ISC
 */
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

/* Decrypt in place, in a buffer that is exactly as long as the frame. */
static int decrypt(struct end *end, struct view metadata, struct view frame, size_t *size) {
  e2ee_frame_info info;
  uint8_t *buffer = end_copy(frame);
  int result = e2ee_receiver_decrypt(end->receiver, metadata.data, metadata.size, buffer,
                                     frame.size, buffer, frame.size, size, &info, sizeof info);
  harness_require(result != 0 || (info.epoch == members.epoch && info.leaf == 0),
                  "the sender is somebody else");
  free(buffer);
  return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  harness_restart();
  struct view input = {data, size};
  struct view metadata = harness_take_block(&input);
  struct view changes = harness_take_block(&input);
  struct end alice, bob;
  end_start(&alice, &members, members.alice);
  end_start(&bob, &members, members.bob);

  /* What is left of the input is the plaintext of alice's frame first. */
  size_t capacity = input.size + e2ee_frame_overhead(), length = 0, plain = 0;
  uint8_t *frame = malloc(capacity);
  harness_require(frame != NULL, "no memory");
  harness_require(e2ee_sender_encrypt(alice.sender, metadata.data, metadata.size, input.data,
                                      input.size, frame, capacity, &length) == 0,
                  "a frame was not encrypted");
  bool changed = end_change(frame, length, changes);
  struct view sent = {frame, length};
  int result = decrypt(&bob, metadata, sent, &plain);
  harness_require((result == 0) == !changed, "a changed frame was taken, or a good one refused");
  if (!changed) {
    harness_require(plain == input.size, "the plaintext is of another size");
    harness_require(decrypt(&bob, metadata, sent, &plain) == E2EE_ERR_REPLAY, "a replay was taken");
  }
  free(frame);

  /* Then it is a frame itself. */
  e2ee_frame_info info;
  (void)!e2ee_frame_peek(input.data, input.size, &info, sizeof info);
  harness_require(decrypt(&bob, end_unused_metadata(), input, &plain) != 0,
                  "a forged frame was taken");

  end_stop(&alice);
  end_stop(&bob);
  return 0;
}
