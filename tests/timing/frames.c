/*
 * SFrame: every suite, plain and partial frames, with the keys of a group and with sender keys.
 * SPDX-License-Identifier: ISC
 */
#include <stdlib.h>
#include <string.h>

#include "timing.h"

#define FRAME 700
#define ROOM (FRAME + 600)

static const e2ee_range clear[] = {{5, 20}, {100, 7}};

static void draw_frame(uint8_t *frame, size_t size) {
  for (size_t i = 0; i < size; i++)
    frame[i] = (uint8_t)(7 * i);
  hide(frame, size);
}

static void send_plain(e2ee_sender *sender, e2ee_receiver *receiver, size_t size) {
  uint8_t frame[ROOM], opened[ROOM];
  size_t written = 0, read = 0;
  draw_frame(frame, size);
  MUST(e2ee_sender_encrypt(sender, TEXT("metadata"), frame, size, frame, ROOM, &written));
  EXPECT(all_shown(&written, sizeof written) && all_shown(frame, written));
  MUST(e2ee_receiver_decrypt(receiver, TEXT("metadata"), frame, written, opened, ROOM, &read, NULL,
                             0));
  EXPECT(read == size && all_hidden(opened, size));
  /* A forged one, and the same again. */
  frame[written / 2] ^= 1;
  int err = e2ee_receiver_decrypt(receiver, TEXT("metadata"), frame, written, opened, ROOM, &read,
                                  NULL, 0);
  EXPECT(err == E2EE_ERR_AUTH || err == E2EE_ERR_REPLAY);
}

/* The clear bytes are no secret, so that all that is sent is public. */
static void send_partial(e2ee_sender *sender, e2ee_receiver *receiver, size_t size,
                         uint32_t codec) {
  uint8_t frame[ROOM], opened[ROOM];
  size_t written = 0, read = 0;
  draw_frame(frame, size);
  for (size_t i = 0; i < 2; i++)
    show(frame + clear[i].offset, clear[i].length);
  MUST(e2ee_sender_encrypt_partial(sender, codec, NULL, 0, frame, size, clear, 2, frame, ROOM,
                                   &written));
  EXPECT(all_shown(&written, sizeof written) && all_shown(frame, written));
  MUST(e2ee_receiver_decrypt_partial(receiver, NULL, 0, frame, written, opened, ROOM, &read, NULL,
                                     0));
  EXPECT(read == size && all_hidden(opened + 120, size - 120));
}

static void send_frames(e2ee_sender *sender, e2ee_receiver *receiver) {
  static const size_t sizes[] = {1, 20, 333, FRAME};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    send_plain(sender, receiver, sizes[i]);
  send_partial(sender, receiver, FRAME, E2EE_CODEC_OTHER);
  send_partial(sender, receiver, FRAME, E2EE_CODEC_H264);
}

static e2ee_group *two_members(e2ee_client *clients[2], e2ee_group *groups[2]) {
  e2ee_bytes *key_package = NULL, *message = NULL, *welcome = NULL;
  e2ee_commit *commit = NULL;
  e2ee_incoming *incoming = NULL;
  MUST(e2ee_client_new(1, TEXT("alice"), &clients[0]));
  MUST(e2ee_client_new(1, TEXT("bob"), &clients[1]));
  MUST(e2ee_key_package_new(clients[1], &key_package));
  MUST(e2ee_group_new(clients[0], TEXT("call"), &groups[0]));
  MUST(e2ee_commit_new(groups[0], &commit));
  MUST(e2ee_commit_add(commit, BYTES(key_package)));
  MUST(e2ee_commit_build(commit, &message, &welcome));
  MUST(e2ee_group_commit_accepted(groups[0]));
  MUST(e2ee_welcome_open(clients[1], BYTES(welcome), NULL, 0, &incoming));
  MUST(e2ee_incoming_join(incoming, &groups[1]));
  e2ee_incoming_free(incoming);
  e2ee_commit_free(commit);
  e2ee_bytes_free(key_package);
  e2ee_bytes_free(message);
  e2ee_bytes_free(welcome);
  return groups[0];
}

static bool of_group(unsigned suite) {
  e2ee_client *clients[2] = {NULL, NULL};
  e2ee_group *groups[2] = {NULL, NULL};
  e2ee_media *media[2] = {NULL, NULL};
  e2ee_sender *sender = NULL;
  e2ee_receiver *receiver = NULL;
  (void)two_members(clients, groups);
  for (size_t i = 0; i < 2; i++) {
    MUST(e2ee_media_new((uint16_t)suite, &media[i]));
    MUST(e2ee_media_install(media[i], groups[i]));
  }
  MUST(e2ee_media_activate(media[0], 1));
  MUST(e2ee_sender_new(media[0], &sender));
  MUST(e2ee_receiver_new(media[1], &receiver));
  send_frames(sender, receiver);
  MUST(
      e2ee_media_install(media[1], groups[1])); /* again: it is compared to the one that is there */
  MUST(e2ee_media_retire(media[1], 1));
  e2ee_sender_free(sender);
  e2ee_receiver_free(receiver);
  for (size_t i = 0; i < 2; i++) {
    e2ee_media_free(media[i]);
    e2ee_group_free(groups[i]);
    e2ee_client_free(clients[i]);
  }
  return true;
}

static void set_key(e2ee_media *own, e2ee_media *others, uint64_t generation, uint8_t fill) {
  uint8_t key[32];
  memset(key, fill, sizeof key);
  hide(key, sizeof key);
  MUST(e2ee_media_set_own_key(own, generation, key, sizeof key));
  MUST(e2ee_media_set_sender_key(others, 1, generation, 0, key, sizeof key));
}

/* New keys, and steps of the ratchet that a receiver has to follow. */
static bool of_senders(unsigned suite) {
  e2ee_media *own = NULL, *others = NULL;
  e2ee_sender *sender = NULL;
  e2ee_receiver *receiver = NULL;
  MUST(e2ee_media_new_sender_keys((uint16_t)suite, 0, &own));
  MUST(e2ee_media_new_sender_keys((uint16_t)suite, 0, &others));
  MUST(e2ee_media_add_sender(others, 1, 0));
  set_key(own, others, 0, 1);
  MUST(e2ee_sender_new(own, &sender));
  MUST(e2ee_media_receiver_new(others, 1, &receiver));
  send_frames(sender, receiver);
  for (unsigned i = 0; i < 3; i++) {
    e2ee_bytes *key = NULL;
    uint64_t step = 0;
    MUST(e2ee_media_ratchet(own, &step, &key));
    EXPECT(all_hidden(BYTES(key)) && all_shown(&step, sizeof step));
    MUST(e2ee_media_set_sender_key(others, 1, 0, step, BYTES(key))); /* compared to its own */
    e2ee_bytes_free(key);
    send_frames(sender, receiver);
  }
  set_key(own, others, 1, 2);
  send_frames(sender, receiver);
  MUST(e2ee_media_retire_sender(others, 1, 0));
  e2ee_sender_free(sender);
  e2ee_receiver_free(receiver);
  e2ee_media_free(own);
  e2ee_media_free(others);
  return true;
}

const struct timing_case timing_frames[] = {
    {"frames/1", of_group, 1},
    {"frames/2", of_group, 2},
    {"frames/3", of_group, 3},
    {"frames/4", of_group, 4},
    {"frames/5", of_group, 5},
    {"frames/6", of_group, 6},
    {"frames/7", of_group, 7},
    {"frames/8", of_group, 8},
    {"sender-keys/1", of_senders, 1},
    {"sender-keys/2", of_senders, 2},
    {"sender-keys/3", of_senders, 3},
    {"sender-keys/4", of_senders, 4},
    {"sender-keys/5", of_senders, 5},
    {"sender-keys/6", of_senders, 6},
    {"sender-keys/7", of_senders, 7},
    {"sender-keys/8", of_senders, 8},
    {NULL, NULL, 0},
};
