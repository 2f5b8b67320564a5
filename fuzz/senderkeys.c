/*
 * Sender keys through the public API.  An input is a script, two bytes a line: alice encrypts, ratchets
 * and takes new keys; the network delivers her frames late, twice, changed or not at all to two streams
 * of bob, and forges.  No frame may arrive that she did not encrypt, or twice in a stream, or under a key
 * that bob has retired; one of her present key must arrive once bob knows it; and she uses no counter
 * twice.
 * SPDX-License-Identifier: ISC
 */
#include <e2ee/media.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

#define ALICE 7u
#define FRAMES 64u
#define STREAMS 2u
#define LINES 400u

/* A frame on its way: its plaintext is its number. */
struct frame {
  uint8_t bytes[64];
  size_t size;
  uint64_t generation, step;
  bool arrived[STREAMS];
};

static struct {
  e2ee_media *alice, *bob;
  e2ee_sender *senders[STREAMS];
  e2ee_receiver *receivers[STREAMS];
  uint64_t generation, step, counter; /* of alice's key; frames that it encrypted */
  uint64_t known, known_step; /* newest generation that bob was told of, where he stands in it */
  uint64_t retired;
  struct frame frames[FRAMES]; /* a ring */
  unsigned sent;
} call;

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc, (void)argv;
  harness_start();
  return 0;
}

static void must(int result) {
  harness_require(result == 0, e2ee_strerror(result));
}

static void make_key(uint64_t generation, uint8_t *key) {
  memset(key, 0x33, 32);
  key[0] = (uint8_t)generation;
  key[1] = (uint8_t)(generation >> 8);
}

/* ---- Alice ---- */

static void encrypt(unsigned stream) {
  e2ee_frame_info info;
  struct frame *frame = &call.frames[call.sent % FRAMES];
  uint8_t number[4] = {(uint8_t)call.sent, (uint8_t)(call.sent >> 8), 1, 2};
  *frame = (struct frame){.generation = call.generation, .step = call.step};
  must(e2ee_sender_encrypt(call.senders[stream], NULL, 0, number, sizeof number, frame->bytes,
                           sizeof frame->bytes, &frame->size));
  must(e2ee_frame_peek(frame->bytes, frame->size, &info, sizeof info));
  harness_require(info.kid == (call.generation << 4 | call.step % 16), "another key id");
  harness_require(info.counter == call.counter, "a counter was skipped or used twice");
  call.counter++;
  call.sent++;
}

static e2ee_bytes *ratchet(void) {
  uint64_t step = 0;
  e2ee_bytes *key = NULL;
  must(e2ee_media_ratchet(call.alice, &step, &key));
  harness_require(step == call.step + (call.counter > 0), "not the next step");
  call.step = step;
  call.counter = 0;
  return key;
}

/* Bob is told alice's key as somebody is who joins, or has lost track. */
static void tell_step(void) {
  e2ee_bytes *key = ratchet();
  int result = e2ee_media_set_sender_key(call.bob, ALICE, call.generation, call.step,
                                         e2ee_bytes_data(key), e2ee_bytes_size(key));
  e2ee_bytes_free(key);
  if (call.generation < call.retired) {
    harness_require(result == E2EE_ERR_OLD_EPOCH, "a retired key came back");
    return;
  }
  must(result);
  call.known = call.generation;
  call.known_step = call.step;
}

static void next_generation(bool told, unsigned by) {
  uint8_t key[32];
  make_key(call.generation + by, key);
  harness_require(e2ee_media_set_own_key(call.alice, call.generation, key, sizeof key) ==
                      E2EE_ERR_OLD_EPOCH,
                  "the own key went back");
  call.generation += by;
  call.step = call.counter = 0;
  if (told && call.generation >= call.retired) {
    must(e2ee_media_set_sender_key(call.bob, ALICE, call.generation, 0, key, sizeof key));
    call.known = call.generation;
    call.known_step = 0;
  }
  must(e2ee_media_set_own_key(call.alice, call.generation, key, sizeof key));
}

/* ---- The network, and bob ---- */

static int decrypt(unsigned stream, const struct frame *frame, uint8_t *plain,
                   e2ee_frame_info *info) {
  size_t size = 0;
  int result = e2ee_receiver_decrypt(call.receivers[stream], NULL, 0, frame->bytes, frame->size,
                                     plain, 64, &size, info, sizeof *info);
  harness_require(result != 0 || size == 4, "the plaintext is of another size");
  return result;
}

/* Whether bob can do nothing but take it. */
static bool due(const struct frame *frame) {
  return frame->generation == call.known && frame->generation == call.generation &&
         frame->step == call.step && frame->generation >= call.retired &&
         frame->step >= call.known_step && frame->step - call.known_step <= 7;
}

static void deliver(unsigned stream, unsigned number) {
  uint8_t plain[64];
  e2ee_frame_info info;
  if (number >= call.sent || call.sent - number > FRAMES)
    return;
  struct frame *frame = &call.frames[number % FRAMES];
  int result = decrypt(stream, frame, plain, &info);
  if (result != 0) {
    harness_require(!due(frame) || frame->arrived[stream], "a frame was lost");
    return;
  }
  harness_require(!frame->arrived[stream], "a frame came twice");
  harness_require(plain[0] == (uint8_t)number && plain[1] == (uint8_t)(number >> 8),
                  "another frame");
  harness_require(info.leaf == ALICE && info.epoch == frame->generation, "somebody else's");
  harness_require(frame->generation >= call.retired, "a retired key is still there");
  frame->arrived[stream] = true;
  if (frame->generation == call.known && frame->step > call.known_step)
    call.known_step = frame->step;
}

static void deliver_changed(unsigned stream, unsigned number, unsigned byte) {
  uint8_t plain[64];
  e2ee_frame_info info;
  if (number >= call.sent || call.sent - number > FRAMES)
    return;
  struct frame frame = call.frames[number % FRAMES];
  frame.bytes[byte % frame.size] ^= 1u << byte % 8;
  harness_require(decrypt(stream, &frame, plain, &info) != 0, "a changed frame was taken");
}

/* Of any key id below 128, with a tag that nobody computed. */
static void forge(unsigned stream, uint8_t kid) {
  uint8_t plain[64];
  e2ee_frame_info info;
  struct frame frame = {.size = 24};
  memset(frame.bytes, 0x5a, frame.size);
  frame.bytes[0] = kid > 7 ? 0x80 : (uint8_t)(kid << 4);
  frame.bytes[1] = kid > 7 ? kid : 0x5a;
  harness_require(decrypt(stream, &frame, plain, &info) != 0, "a forged frame was taken");
}

static void retire(uint64_t generation) {
  must(e2ee_media_retire_sender(call.bob, ALICE, generation));
  if (call.retired < generation)
    call.retired = generation;
}

static void fresh_stream(unsigned stream) {
  e2ee_receiver_free(call.receivers[stream]);
  must(e2ee_media_receiver_new(call.bob, ALICE, &call.receivers[stream]));
  for (unsigned i = 0; i < FRAMES; i++)
    call.frames[i].arrived[stream] = false;
}

/* ---- The script ---- */

static void do_line(uint8_t what, uint8_t how) {
  unsigned stream = what >> 7, newest = call.sent - 1;
  switch (what % 11) {
  case 0:
  case 1:
    encrypt(stream);
    break;
  case 2: /* one step, or up to 32 that bob hears nothing of */
    for (unsigned i = how < 128 ? 0 : how % 32; i > 0; i--) {
      e2ee_bytes_free(ratchet());
      encrypt(stream);
    }
    e2ee_bytes_free(ratchet());
    break;
  case 3:
    next_generation(how % 4 != 0, 1 + how / 128);
    break;
  case 4:
    tell_step();
    break;
  case 5:
  case 6:
    deliver(stream, newest);
    break;
  case 7:
    deliver(stream, newest - how % FRAMES);
    break;
  case 8:
    deliver_changed(stream, newest - how % 4, how);
    break;
  case 9:
    forge(stream, how % 128);
    break;
  default:
    if (how % 4 == 0)
      fresh_stream(stream);
    else
      retire(call.known + (how % 4 == 1));
  }
}

static void start(void) {
  uint8_t key[32];
  memset(&call, 0, sizeof call);
  make_key(0, key);
  must(e2ee_media_new_sender_keys(0, 4, &call.alice));
  must(e2ee_media_new_sender_keys(0, 0, &call.bob));
  must(e2ee_media_add_sender(call.bob, ALICE, 4));
  must(e2ee_media_set_sender_key(call.bob, ALICE, 0, 0, key, sizeof key));
  must(e2ee_media_set_own_key(call.alice, 0, key, sizeof key));
  for (unsigned i = 0; i < STREAMS; i++) {
    must(e2ee_sender_new(call.alice, &call.senders[i]));
    must(e2ee_media_receiver_new(call.bob, ALICE, &call.receivers[i]));
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  harness_restart();
  start();
  for (unsigned i = 0; i < LINES && 2 * i + 1 < size; i++)
    do_line(data[2 * i], data[2 * i + 1]);
  for (unsigned i = 0; i < STREAMS; i++) {
    e2ee_sender_free(call.senders[i]);
    e2ee_receiver_free(call.receivers[i]);
  }
  e2ee_media_free(call.alice);
  e2ee_media_free(call.bob);
  return 0;
}
