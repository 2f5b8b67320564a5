/*
 * People with sender keys: each has a media object in which the others have the number of their
 * place.  Included once in a test program, as media-double.h is.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_SPEAKERS_H
#define TESTS_SPEAKERS_H

#include <e2ee/media.h>

#include "media-double.h"
#include "media/peerkeys.h"

enum { ALICE, BOB, CAROL };

static const uint8_t keys[6][32] = {{1}, {2}, {3}, {4}, {5}, {6}};

#define KEY(n) keys[n], sizeof keys[n]

HELPER e2ee_media *media_with(uint16_t suite, uint32_t bits) {
  e2ee_media *media = NULL;
  ck_assert_int_eq(e2ee_media_new_sender_keys(suite, bits, &media), OK);
  return media;
}

/* Who sends with keys[0] in generation 0, if its frames are to decrypt anywhere. */
HELPER struct member speaker(uint16_t suite, uint32_t bits) {
  struct member member = {.media = media_with(suite, bits)};
  ck_assert_int_eq(e2ee_sender_new(member.media, &member.sender), OK);
  ck_assert_int_eq(e2ee_media_set_own_key(member.media, 0, KEY(0)), OK);
  return member;
}

HELPER e2ee_receiver *receiver_of(const struct member *member, uint32_t sender) {
  e2ee_receiver *receiver = NULL;
  ck_assert_int_eq(e2ee_media_receiver_new(member->media, sender, &receiver), OK);
  return receiver;
}

/* Who knows a sender ALICE, by the key that she had first. */
HELPER struct member listener(uint16_t suite, uint32_t bits) {
  struct member member = {.media = media_with(suite, bits)};
  ck_assert_int_eq(e2ee_media_add_sender(member.media, ALICE, bits), OK);
  ck_assert_int_eq(e2ee_media_set_sender_key(member.media, ALICE, 0, 0, KEY(0)), OK);
  member.receiver = receiver_of(&member, ALICE);
  return member;
}

HELPER void leave(struct member *member) {
  e2ee_sender_free(member->sender);
  e2ee_receiver_free(member->receiver);
  e2ee_media_free(member->media);
}

/* Ratchet, and take the key for a joiner out of it. */
HELPER uint64_t ratchet(const struct member *member, struct secret *base_key) {
  uint64_t step = UINT64_MAX;
  e2ee_bytes *bytes = NULL;
  ck_assert_int_eq(e2ee_media_ratchet(member->media, &step, &bytes), OK);
  if (base_key != NULL)
    ck_assert_int_eq(secret_set(base_key, bytes_view(&bytes->bytes)), OK);
  bytes_free(&bytes->bytes);
  mem_free(bytes);
  return step;
}

/* Go on by so many steps, with a frame in each, for an unused key does not change. */
HELPER void ratchet_on(const struct member *member, unsigned steps) {
  for (unsigned i = 0; i < steps; i++) {
    (void)seal(member, "on the way");
    (void)ratchet(member, NULL);
  }
}

HELPER struct chain *chain_in(const struct member *member) {
  return peer_keys_of(member->media->media)->chains;
}

HELPER struct frame forged(uint64_t kid) {
  struct frame frame;
  frame.size = sframe_header_write(kid, 9, frame.bytes) + 40;
  memset(frame.bytes + frame.size - 40, 0x5a, 40);
  return frame;
}

HELPER void expect_heard(const struct member *member, const struct frame *frame,
                         uint64_t generation, uint64_t kid) {
  e2ee_frame_info info;
  ck_assert_int_eq(receive(member, frame, &info), OK);
  ck_assert_uint_eq(info.kid, kid);
  ck_assert_uint_eq(info.epoch, generation);
  ck_assert_uint_eq(info.leaf, ALICE);
}

HELPER void expect_refused(const struct member *member, const struct frame *frame, int err) {
  ck_assert_int_eq(receive(member, frame, NULL), err);
}

HELPER void expect_links(const struct chain *chain, unsigned count) {
  static const struct chain_link none;
  ck_assert_uint_eq(chain->count, count);
  for (unsigned i = count; i < CHAIN_LINKS; i++)
    ck_assert_mem_eq(&chain->links[i], &none, sizeof none);
}

/* So many frames of alice arrive. */
HELPER void pass(const struct member *alice, const struct member *bob, unsigned frames) {
  for (unsigned i = 0; i < frames; i++) {
    struct frame frame = seal(alice, "passing");
    ck_assert_int_eq(receive(bob, &frame, NULL), OK);
  }
}

#endif
