/*
 * A frame format that is a row from outside, and unlike RFC 9605's: no key id is sent, of the counter only
 * four bytes behind the ciphertext, and tags have eight bytes.  Keys, windows, counts and events have to
 * work as ever.
 * SPDX-License-Identifier: ISC
 */
#include "media-double.h"
#include "tests/run.h"

#include "media/format.h"

enum { TAG = 8, COUNTER = 4, GROWTH = TAG + COUNTER, PLAIN_MAX = 100 };

/* What the one sender's first stream has in epoch 1: context 0, leaf 0. */
#define TOY_KID 1

static size_t toy_overhead(const struct frame_call *call) {
  (void)call;
  return GROWTH + AEAD_TAG_MAX; /* the cipher's own tag is there for a moment */
}

static enum err seal_short(struct sframe_key *key, uint64_t counter, struct view plain,
                           uint8_t *out) {
  uint8_t nonce[AEAD_NONCE_MAX];
  sframe_nonce(key, counter, nonce);
  return key->aead->seal(key->cipher, nonce, NULL, 0, plain, out);
}

static enum err toy_protect(struct sframe_key *key, uint64_t counter,
                            const struct frame_call *call) {
  const size_t size = call->frame.size;
  enum err err = seal_short(key, counter, call->frame, call->out);
  for (unsigned i = 0; i < COUNTER; i++)
    call->out[size + TAG + i] = (uint8_t)(counter >> 8 * (COUNTER - 1 - i));
  *call->size = size + GROWTH;
  return err;
}

static enum err toy_read(const struct sframe_suite *suite, struct view frame,
                         struct frame_parts *out) {
  (void)suite;
  if (frame.size < GROWTH)
    return ERR_MALFORMED;
  out->header = (struct sframe_header){.kid = TOY_KID};
  for (size_t i = frame.size - COUNTER; i < frame.size; i++)
    out->header.counter = out->header.counter << 8 | frame.data[i];
  out->room = frame.size - GROWTH;
  return OK;
}

/* In counter mode encrypting twice is decrypting; the tag is that of the plaintext. */
static enum err toy_unprotect(struct sframe_key *key, const struct frame_parts *parts,
                              const struct frame_call *call) {
  uint8_t plain[PLAIN_MAX + AEAD_TAG_MAX], again[PLAIN_MAX + AEAD_TAG_MAX];
  const size_t size = parts->room;
  enum err err = OK;
  TRY(size <= PLAIN_MAX ? OK : ERR_MALFORMED);
  TRY(seal_short(key, parts->header.counter, view_of(call->frame.data, size), plain));
  TRY(seal_short(key, parts->header.counter, view_of(plain, size), again));
  TRY(memcmp(again + size, call->frame.data + size, TAG) == 0 ? OK : ERR_AUTH);
  memcpy(call->out, plain, size);
  *call->size = size;
done:
  return err;
}

static const struct frame_format toy = {toy_overhead, toy_protect, toy_read, toy_unprotect};

static struct member alice, bob;

static void set_up(void) {
  alice = member_in(0, 2, 1);
  bob = member_in(1, 2, 1);
}

static void tear_down(void) {
  member_free(&alice);
  member_free(&bob);
}

static struct frame toy_seal(const char *text) {
  struct frame frame;
  const struct frame_call call = {.frame = view_of((const uint8_t *)text, strlen(text)),
                                  .out = frame.bytes,
                                  .capacity = sizeof frame.bytes,
                                  .size = &frame.size};
  ck_assert_int_eq(sender_encrypt_as(alice.sender, &call, &toy), OK);
  return frame;
}

static enum err toy_open(const struct frame *frame, const char *expected) {
  uint8_t out[PLAIN_MAX];
  size_t size = 0;
  struct e2ee_frame_info info;
  const struct frame_call call = {.frame = view_of(frame->bytes, frame->size),
                                  .out = out,
                                  .capacity = sizeof out,
                                  .size = &size};
  enum err err = receiver_decrypt_as(bob.receiver, &call, &toy, &info);
  if (err != OK)
    return err;
  ck_assert_uint_eq(size, strlen(expected));
  ck_assert_int_eq(memcmp(out, expected, size), 0);
  ck_assert_uint_eq(info.epoch, 1);
  ck_assert_uint_eq(info.leaf, 0);
  return OK;
}

START_TEST(sent_and_received) {
  for (unsigned i = 0; i < 3; i++) {
    struct frame frame = toy_seal("a few words");
    ck_assert_uint_eq(frame.size, strlen("a few words") + GROWTH);
    ck_assert_int_eq(toy_open(&frame, "a few words"), OK);
    ck_assert_int_eq(toy_open(&frame, "a few words"), ERR_REPLAY);
  }
  (void)expect_event(&bob, E2EE_EVENT_PEER_SWITCHED);
  ck_assert_uint_eq(stats_of(&bob).received, 3);
  ck_assert_uint_eq(stats_of(&bob).replayed, 3);
  ck_assert_uint_eq(stats_of(&alice).sent, 3);
}
END_TEST

START_TEST(refused) {
  struct frame frame = toy_seal("a few words"), cut = frame;
  frame.bytes[3] ^= 1;
  ck_assert_int_eq(toy_open(&frame, ""), ERR_AUTH);
  frame.bytes[3] ^= 1;
  frame.bytes[frame.size - GROWTH] ^= 1;
  ck_assert_int_eq(toy_open(&frame, ""), ERR_AUTH);
  cut.size = GROWTH - 1;
  ck_assert_int_eq(toy_open(&cut, ""), ERR_MALFORMED);
  ck_assert_uint_eq(stats_of(&bob).auth_failed, 2);
  ck_assert_uint_eq(stats_of(&bob).never_right, 2);
  ck_assert_uint_eq(stats_of(&bob).malformed, 1);
  ck_assert_int_eq(e2ee_media_retire(bob.media, 2), 0);
  frame.bytes[frame.size - GROWTH] ^= 1;
  ck_assert_int_eq(toy_open(&frame, ""), ERR_NO_KEY);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("toyformat");
  tcase_add_checked_fixture(tests, set_up, tear_down);
  tcase_add_test(tests, sent_and_received);
  tcase_add_test(tests, refused);
  return run_case("toyformat", tests);
}
