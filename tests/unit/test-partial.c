/*
 * Partial frames: the format byte by byte, what must be refused.  Its parts are in
 * test-partial-parts.c, frames of real codecs in test-bitstreams.c.
 * SPDX-License-Identifier: ISC
 */
#include "media-double.h"

#include <e2ee/media.h>
#include <stdlib.h>

#include "draw.h"
#include "sframe/number.h"
#include "tests/run.h"

#define FRAME_MAX 4096

/* A protected frame, and what it was. */
struct sample {
  uint8_t plain[FRAME_MAX];
  size_t plain_size;
  uint8_t bytes[FRAME_MAX + 1024];
  size_t size;
};

static struct member alice, bob;

static void setup(void) {
  alice = member_in(0, 2, 1);
  bob = member_in(1, 2, 1);
}

static void teardown(void) {
  member_free(&alice);
  member_free(&bob);
}

static struct sample sample_of(uint32_t codec, size_t size, const e2ee_range *clear, size_t count) {
  struct sample sample = {.plain_size = size};
  for (size_t i = 0; i < size; i++)
    sample.plain[i] = (uint8_t)draw();
  ck_assert_int_eq(e2ee_sender_encrypt_partial(alice.sender, codec, ABOUT, sample.plain, size,
                                               clear, count, sample.bytes, sizeof sample.bytes,
                                               &sample.size),
                   OK);
  return sample;
}

/* Where the answer is an error other than ERR_AUTH, nothing may have been written. */
static int open_partial(const uint8_t *bytes, size_t size, uint8_t *out, size_t *length) {
  static uint8_t before[FRAME_MAX + 1024];
  memset(out, 0xa5, sizeof before);
  memset(before, 0xa5, sizeof before);
  int err = e2ee_receiver_decrypt_partial(bob.receiver, ABOUT, bytes, size, out, sizeof before,
                                          length, NULL, 0);
  if (err != OK && err != ERR_AUTH)
    ck_assert_mem_eq(out, before, sizeof before);
  return err;
}

static void expect_opened(const struct sample *sample) {
  uint8_t out[FRAME_MAX + 1024];
  size_t size = 0;
  ck_assert_int_eq(open_partial(sample->bytes, sample->size, out, &size), OK);
  ck_assert_uint_eq(size, sample->plain_size);
  ck_assert_mem_eq(out, sample->plain, size);
}

static void expect_error(const uint8_t *bytes, size_t size, int expected) {
  uint8_t out[FRAME_MAX + 1024];
  size_t length = 4711;
  ck_assert_int_eq(open_partial(bytes, size, out, &length), expected);
  ck_assert_uint_eq(length, 4711);
}

/* ---- Escapes ---- */

/* Clear bytes that are zero around single encrypted ones: one in fifty is escaped. */
START_TEST(escaped_at_borders) {
  e2ee_range clear[E2EE_RANGES_MAX];
  uint8_t plain[4 * E2EE_RANGES_MAX] = {0}, out[3 * sizeof plain], back[sizeof out];
  size_t size = 0, length = 0, escaped = 0;
  for (size_t i = 0; i < E2EE_RANGES_MAX; i++)
    clear[i] = (e2ee_range){(uint32_t)(4 * i), 3};
  for (unsigned round = 0; round < 10; round++) {
    ck_assert_int_eq(e2ee_sender_encrypt_partial(alice.sender, E2EE_CODEC_H264, ABOUT, plain,
                                                 sizeof plain, clear, E2EE_RANGES_MAX, out,
                                                 sizeof out, &size),
                     OK);
    for (size_t i = 3; i < sizeof plain; i += 4) {
      ck_assert_uint_gt(out[i], 3);
      escaped += out[i] >= 0x80 && out[i] <= 0x83;
    }
    ck_assert_int_eq(e2ee_receiver_decrypt_partial(bob.receiver, ABOUT, out, size, back,
                                                   sizeof back, &length, NULL, 0),
                     OK);
    ck_assert_uint_eq(length, sizeof plain);
    ck_assert_mem_eq(back, plain, length);
  }
  ck_assert_uint_gt(escaped, 10 * E2EE_RANGES_MAX / 64); /* and those that were 80 to 83 before */
}
END_TEST

/* Of 12 million random bytes three are escaped. */
START_TEST(escaped_inside) {
  const size_t size = 12000000, room = size + e2ee_partial_overhead(size, 0);
  uint8_t *data = calloc(1, room);
  size_t length = 0;
  ck_assert_ptr_nonnull(data);
  ck_assert_int_eq(e2ee_sender_encrypt_partial(alice.sender, E2EE_CODEC_H265, ABOUT, data, size,
                                               NULL, 0, data, room, &length),
                   OK);
  ck_assert_uint_gt(length, size + 16 + 6); /* KID, counter, count, length, form */
  bool fine = true;
  for (size_t i = 0; i + 2 < length; i++)
    fine = fine && (data[i + 2] > 3 || data[i + 1] > 0 || data[i] > 0);
  ck_assert(fine);
  ck_assert_int_eq(e2ee_receiver_decrypt_partial(bob.receiver, ABOUT, data, length, data, length,
                                                 &length, NULL, 0),
                   OK);
  ck_assert_uint_eq(length, size);
  for (size_t i = 0; i < size; i++)
    fine = fine && data[i] == 0;
  ck_assert(fine);
  free(data);
}
END_TEST

/* ---- The format ---- */

/* The key that alice's frames are under, derived once more. */
static void open_by_hand(uint64_t kid, uint64_t counter, struct view aad, struct view ciphertext,
                         uint8_t *out) {
  uint8_t base[HASH_MAX], nonce[AEAD_NONCE_MAX];
  struct sframe_suite suite;
  struct secret secret;
  struct sframe_key key;
  ck_assert_int_eq(sframe_suite_find(4, &suite), OK);
  ck_assert_int_eq(group_export(alice.group->handle.group, VIEW_TEXT("SFrame 1.0 Base Key"),
                                VIEW_NONE, base, suite.aead->key_size),
                   OK);
  ck_assert_int_eq(sframe_secret(&suite, view_of(base, suite.aead->key_size), &secret), OK);
  ck_assert_int_eq(sframe_key_new(&suite, &key), OK);
  ck_assert_int_eq(sframe_key_set(&suite, &secret, kid, &key), OK);
  memcpy(nonce, key.salt, sizeof nonce);
  for (unsigned i = 0; i < 8; i++)
    nonce[sizeof nonce - 1 - i] ^= (uint8_t)(counter >> 8 * i);
  ck_assert_int_eq(suite.aead->open(key.cipher, nonce, &aad, 1, ciphertext, out), OK);
  sframe_key_free(&key);
  secret_wipe(&secret);
}

/* As include/e2ee/media.h describes it, put together by hand.  KID 1, counter 0 or 1. */
START_TEST(byte_by_byte) {
  static const e2ee_range clear[] = {{0, 2}, {70, 3}};
  const struct sample plain = sample_of(E2EE_CODEC_VP8, 100, clear, 2);
  static const uint8_t end[] = {0x81, 0x80, 0x82, 0x80, 0x82, 0xc1, 0x84, 0x83, 0x88, 0x90};
  ck_assert_uint_eq(plain.size, 100 + 16 + sizeof end);
  ck_assert_mem_eq(plain.bytes + 116, end, sizeof end);
  ck_assert_mem_eq(plain.bytes, plain.plain, 2);
  ck_assert_mem_eq(plain.bytes + 70, plain.plain + 70, 3);

  uint8_t aad[] = {0x80, 0x00, 0x90, 0x10, 0x82, 0x80, 0x82, 0xc1, 0x84, 0x83,
                   0,    0,    0,    0,    0,    'a',  'b',  'o',  'u',  't'};
  uint8_t ciphertext[95 + 16], out[95];
  memcpy(aad + 10, plain.plain, 2);
  memcpy(aad + 12, plain.plain + 70, 3);
  memcpy(ciphertext, plain.bytes + 2, 68);
  memcpy(ciphertext + 68, plain.bytes + 73, 27);
  memcpy(ciphertext + 95, plain.bytes + 100, 16);
  open_by_hand(1, 0, VIEW_ARRAY(aad), VIEW_ARRAY(ciphertext), out);
  ck_assert_mem_eq(out, plain.plain + 2, 68);
  ck_assert_mem_eq(out + 68, plain.plain + 73, 27);
  expect_opened(&plain);

  const struct sample wrapped = sample_of(E2EE_CODEC_AV1, 50, clear, 1);
  static const uint8_t head[] = {0x2a, 1 + 16 + 6 + 2, 31};
  static const uint8_t tail[] = {0x81, 0x81, 0x83, 0x81, 0x80, 0x82, 0x86, 0x92};
  ck_assert_uint_eq(wrapped.size, 50 + sizeof head + 16 + sizeof tail);
  ck_assert_mem_eq(wrapped.bytes + 50, head, sizeof head);
  ck_assert_mem_eq(wrapped.bytes + 53 + 16, tail, sizeof tail);
  uint8_t wrapped_aad[] = {0x80, 0x00, 0x92, 0x11, 0x83, 0x81, 0x80, 0x82, 0,
                           0,    0x2a, 25,   31,   'a',  'b',  'o',  'u',  't'};
  memcpy(wrapped_aad + 8, wrapped.plain, 2);
  memcpy(ciphertext, wrapped.bytes + 2, 48);
  memcpy(ciphertext + 48, wrapped.bytes + 53, 16);
  open_by_hand(1, 1, VIEW_ARRAY(wrapped_aad), view_of(ciphertext, 48 + 16), out);
  ck_assert_mem_eq(out, wrapped.plain + 2, 48);
  expect_opened(&wrapped);

  const struct sample escaped = sample_of(E2EE_CODEC_H264, 0, NULL, 0);
  static const uint8_t last[] = {0x81, 0x82, 0x80, 0x83, 0x91};
  static const uint8_t escaped_aad[] = {0x80, 0x00, 0x91, 0x12, 0x80, 'a', 'b', 'o', 'u', 't'};
  ck_assert_uint_eq(escaped.size, 16 + sizeof last);
  ck_assert_mem_eq(escaped.bytes + 16, last, sizeof last);
  open_by_hand(1, 2, VIEW_ARRAY(escaped_aad), view_of(escaped.bytes, 16), out);
  expect_opened(&escaped);
}
END_TEST

/* So many ranges that the OBU's size, which counts all that follows it, has a second byte. */
START_TEST(wrapped_at_length) {
  e2ee_range clear[200];
  for (uint32_t i = 0; i < 200; i++)
    clear[i] = (e2ee_range){2 * i, 1};
  for (size_t count = 45; count <= 200; count++) {
    const struct sample sample = sample_of(E2EE_CODEC_AV1, 500, clear, count);
    const uint8_t *obu = sample.bytes + 500;
    size_t size = obu[1] & 0x7f, head = 2;
    if ((obu[1] & 0x80) != 0)
      size |= (size_t)obu[head++] << 7;
    ck_assert_uint_eq(obu[0], 0x2a);
    ck_assert_uint_eq(head, sample.size - 500 < 2 + 0x80 ? 2 : 3);
    ck_assert_uint_eq(500 + head + size, sample.size);
    ck_assert_uint_eq(obu[head], 31);
    expect_opened(&sample);
  }
}
END_TEST

/* Trailers that no sender writes, each with its length and the form behind it. */
START_TEST(trailers_that_are_none) {
  static const struct {
    uint8_t form;
    size_t size;
    uint8_t numbers[8];
  } wrong[] = {
      {0x90, 2, {0x81, 0x80}},                               /* no count */
      {0x90, 3, {0x81, 0x80, 0x81}},                         /* no range */
      {0x90, 5, {0x81, 0x80, 0x81, 0x80, 0x80}},             /* an empty range */
      {0x90, 6, {0x81, 0x80, 0x81, 0xc1, 0xa5, 0x80}},       /* one that begins behind the body */
      {0x90, 6, {0x81, 0x80, 0x81, 0x80, 0xc1, 0xa5}},       /* one that ends there */
      {0x90, 7, {0x81, 0x80, 0x82, 0x81, 0x83, 0x80, 0xa2}}, /* a second that does */
      {0x90, 4, {0x81, 0x80, 0x80, 0x82}},                   /* an escape that the form has not */
      {0x90, 4, {0x81, 0x80, 0xd0, 0x81}},                   /* 1025 ranges */
      {0x92, 4, {0x81, 0x80, 0x86, 0x80}},                   /* six bytes of wrapping */
      {0x91, 4, {0x81, 0x80, 0x80, 0x80}},                   /* an escape that is none */
      {0x93, 3, {0x81, 0x80, 0x80}},                         /* forms */
      {0x94, 3, {0x81, 0x80, 0x80}},
      {0xa0, 3, {0x81, 0x80, 0x80}},
      {0x80, 3, {0x81, 0x80, 0x80}},
      {0x10, 3, {0x81, 0x80, 0x80}},
  };
  uint8_t frame[100];
  memset(frame, 0xff, sizeof frame);
  memcpy(frame, "\0\0\x80", 3);
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    size_t size = 37 + 16; /* body and tag */
    memcpy(frame + size, wrong[i].numbers, wrong[i].size);
    size += wrong[i].size;
    frame[size++] = (uint8_t)(0x80 + wrong[i].size);
    frame[size++] = wrong[i].form;
    expect_error(frame, size, ERR_MALFORMED);
  }
  /* Lengths that reach too far, or leave no room for a tag. */
  static const uint8_t bare[] = {0x81, 0x80, 0x80, 0x83, 0x90};
  expect_error(bare, sizeof bare, ERR_MALFORMED);
  for (size_t i = 0; i < sizeof bare; i++)
    expect_error(bare + i, sizeof bare - i, ERR_MALFORMED);
  memset(frame, 0, 15);
  memcpy(frame + 15, bare, sizeof bare);
  expect_error(frame, 15 + sizeof bare, ERR_MALFORMED);
  memcpy(frame + 16, bare, sizeof bare);
  expect_error(frame, 16 + sizeof bare, ERR_AUTH);
  ck_assert_uint_eq(stats_of(&bob).malformed, sizeof wrong / sizeof wrong[0] + 1 + sizeof bare + 1);
}
END_TEST

/* As many ranges as there may be, and one more. */
START_TEST(too_many_ranges) {
  for (size_t count = E2EE_RANGES_MAX; count <= E2EE_RANGES_MAX + 1; count++) {
    uint8_t frame[5 * E2EE_RANGES_MAX] = {0};
    size_t size = count + 16, start = size;
    size += number_write(1, frame + size);
    size += number_write(0, frame + size);
    size += number_write(count, frame + size);
    for (size_t i = 0; i < count; i++) {
      size += number_write(0, frame + size);
      size += number_write(1, frame + size);
    }
    size += number_write_reversed(size - start, frame + size);
    frame[size++] = 0x90;
    ck_assert_uint_lt(size, sizeof frame);
    expect_error(frame, size, count == E2EE_RANGES_MAX ? ERR_AUTH : ERR_MALFORMED);
  }
}
END_TEST

/* ---- Kinds of frames ---- */

/* Whatever a forwarder makes of one kind's bytes, and whatever metadata the app could be led to take,
 * it is not taken for the other. */
START_TEST(kinds_not_confused) {
  static const e2ee_range clear[] = {{0, 4}};
  uint8_t bytes[256], out[256], metadata[64];
  size_t size = 0;
  struct frame plain = seal(&alice, "a frame of the plain kind"); /* counter 0 */
  expect_error(plain.bytes, plain.size, ERR_MALFORMED);
  memcpy(bytes, plain.bytes + 1, plain.size - 1);
  static const uint8_t end[] = {0x81, 0x80, 0x80, 0x83, 0x90};
  memcpy(bytes + plain.size - 1, end, sizeof end);
  expect_error(bytes, plain.size - 1 + sizeof end, ERR_AUTH);

  for (size_t count = 0; count < 2; count++) {
    struct sample partial = sample_of(0, 40, clear, count);
    struct frame turned = {.size = 0};
    turned.bytes[turned.size++] = (uint8_t)(0x11 + count);
    memcpy(turned.bytes + 1, partial.bytes + 4 * count, 40 - 4 * count + 16);
    turned.size += 40 - 4 * count + 16;
    ck_assert_int_eq(receive(&bob, &turned, NULL), ERR_AUTH);

    const uint8_t about[] = {0x80, 0x00, 0x90, turned.bytes[0], (uint8_t)(0x80 + count),
                             0x80, 0x84};
    size_t length = count == 0 ? 5 : 7;
    memcpy(metadata, about, length);
    memcpy(metadata + length, partial.plain, 4 * count);
    memcpy(metadata + length + 4 * count, "about", 5);
    length += 4 * count + 5;
    for (size_t from = 0; from < length; from++)
      ck_assert_int_eq(e2ee_receiver_decrypt(bob.receiver, metadata + from, length - from,
                                             turned.bytes, turned.size, out, sizeof out, &size,
                                             NULL, 0),
                       ERR_AUTH);
    expect_opened(&partial);
  }
  ck_assert_int_eq(receive(&bob, &plain, NULL), OK);
}
END_TEST

START_TEST(counters_and_statistics_shared) {
  static const e2ee_range clear[] = {{0, 4}};
  e2ee_frame_info info;
  for (unsigned i = 0; i < 20; i += 2) {
    struct sample partial = sample_of(E2EE_CODEC_VP8, 40, clear, 1);
    struct frame plain = seal(&alice, "hello");
    ck_assert_int_eq(e2ee_partial_peek(partial.bytes, partial.size, &info, sizeof info), OK);
    ck_assert_uint_eq(info.kid, 1);
    ck_assert_uint_eq(info.counter, i);
    ck_assert_uint_eq(info.epoch, 1);
    ck_assert_uint_eq(info.leaf, UINT32_MAX);
    ck_assert_uint_eq(info.header_len, partial.size - 40 - 16);
    ck_assert_int_eq(receive(&bob, &plain, &info), OK);
    ck_assert_uint_eq(info.counter, i + 1);
    expect_opened(&partial);
    expect_error(partial.bytes, partial.size, ERR_REPLAY);
  }
  ck_assert_int_eq(e2ee_partial_peek((const uint8_t *)"x", 1, &info, sizeof info), ERR_MALFORMED);
  ck_assert_uint_eq(stats_of(&alice).sent, 20);
  ck_assert_uint_eq(stats_of(&bob).received, 20);
  ck_assert_uint_eq(stats_of(&bob).replayed, 10);
}
END_TEST

START_TEST(every_suite) {
  static const size_t tags[] = {10, 8, 4, 16, 16, 10, 8, 4};
  static const e2ee_range clear[] = {{3, 5}, {9, 1}, {30, 10}};
  struct member *both[] = {&alice, &bob};
  for (unsigned i = 0; i < 2; i++) {
    e2ee_sender_free(both[i]->sender);
    e2ee_receiver_free(both[i]->receiver);
    e2ee_media_free(both[i]->media);
    ck_assert_int_eq(e2ee_media_new((uint16_t)(_i + 1), &both[i]->media), OK);
    ck_assert_int_eq(e2ee_sender_new(both[i]->media, &both[i]->sender), OK);
    ck_assert_int_eq(e2ee_receiver_new(both[i]->media, &both[i]->receiver), OK);
    enter(both[i], 1);
  }
  for (uint32_t codec = E2EE_CODEC_OTHER; codec <= E2EE_CODEC_H265; codec++) {
    struct sample sample = sample_of(codec, 40, clear, 3);
    e2ee_frame_info info;
    ck_assert_int_eq(e2ee_partial_peek(sample.bytes, sample.size, &info, sizeof info), OK);
    size_t wrapping = codec == E2EE_CODEC_AV1 ? 3 : 0;
    ck_assert_uint_eq(sample.size, 40 + wrapping + tags[_i] + info.header_len);
    for (size_t bit = 0; bit < 8 * sample.size; bit++) {
      uint8_t out[FRAME_MAX + 1024];
      size_t length = 0;
      struct sample altered = sample;
      altered.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
      ck_assert_int_ne(open_partial(altered.bytes, altered.size, out, &length), OK);
    }
    expect_opened(&sample);
  }
}
END_TEST

/* What a wrong tag was found at is wiped, clear bytes included; in place as elsewhere. */
START_TEST(wrong_tags_leave_nothing) {
  static const uint32_t codecs[] = {E2EE_CODEC_OTHER, E2EE_CODEC_AV1, E2EE_CODEC_H264};
  static const e2ee_range clear[] = {{0, 10}, {50, 20}};
  static const uint8_t zeros[FRAME_MAX];
  for (size_t i = 0; i < sizeof codecs / sizeof codecs[0]; i++) {
    struct sample sample = sample_of(codecs[i], 100, clear, 2);
    uint8_t out[FRAME_MAX + 1024];
    size_t length = 0;
    sample.bytes[20] ^= 0x40; /* encrypted: all that is read without a key stays as it was */
    ck_assert_int_eq(open_partial(sample.bytes, sample.size, out, &length), ERR_AUTH);
    ck_assert_mem_eq(out, zeros, sample.plain_size);
    ck_assert_int_eq(e2ee_receiver_decrypt_partial(bob.receiver, ABOUT, sample.bytes, sample.size,
                                                   sample.bytes, sample.size, &length, NULL, 0),
                     ERR_AUTH);
    ck_assert_mem_eq(sample.bytes, zeros, sample.plain_size);
  }
}
END_TEST

/* ---- Arguments ---- */

static int encrypt(uint32_t codec, const e2ee_range *clear, size_t count, size_t capacity,
                   size_t *size) {
  uint8_t out[1024], before[sizeof out];
  memset(out, 0xa5, sizeof out);
  memset(before, 0xa5, sizeof before);
  int err = e2ee_sender_encrypt_partial(alice.sender, codec, NULL, 0, (const uint8_t *)"0123456789",
                                        10, clear, count, out, capacity, size);
  if (err != OK)
    ck_assert_mem_eq(out, before, sizeof out);
  return err;
}

START_TEST(arguments) {
  static const e2ee_range many[E2EE_RANGES_MAX + 1] = {{0, 1}};
  static const e2ee_range good[][2] = {
      {{0, 10}, {10, 0}}, {{0, 5}, {5, 5}}, {{2, 3}, {9, 1}}, {{0, 1}, {1, 1}}};
  static const e2ee_range bad[][2] = {{{0, 1}, {0, 1}},          {{2, 2}, {3, 1}},
                                      {{5, 1}, {2, 1}},          {{0, 0}, {1, 1}},
                                      {{0, 1}, {2, 0}},          {{0, 1}, {9, 2}},
                                      {{0, 1}, {11, 1}},         {{0, 1}, {2, UINT32_MAX}},
                                      {{0, 1}, {UINT32_MAX, 1}}, {{0, UINT32_MAX}, {1, 1}}};
  size_t size = 0, room = 10 + e2ee_partial_overhead(10, 2);
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
    ck_assert_int_eq(encrypt(0, good[i], i == 0 ? 1 : 2, room, &size), OK);
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    ck_assert_int_eq(encrypt(0, bad[i], 2, room, &size), ERR_INVALID_ARG);
  ck_assert_int_eq(encrypt(0, NULL, 1, room, &size), ERR_INVALID_ARG);
  ck_assert_int_eq(encrypt(0, many, E2EE_RANGES_MAX + 1, room, &size), ERR_LIMIT);
  ck_assert_int_eq(encrypt(E2EE_CODEC_VP8_PARTITIONS + 1, NULL, 0, room, &size), ERR_UNSUPPORTED);
  ck_assert_int_eq(encrypt(UINT32_MAX, NULL, 0, room, &size), ERR_UNSUPPORTED);
  ck_assert_int_eq(encrypt(0, good[1], 2, room - 1, &size), ERR_BUFFER_TOO_SMALL);
  ck_assert_uint_eq(size, room);
  ck_assert_uint_eq(stats_of(&alice).sent, sizeof good / sizeof good[0]);
  ck_assert_uint_gt(e2ee_partial_overhead((size_t)1 << 30, E2EE_RANGES_MAX), 0);
  ck_assert_uint_eq(e2ee_partial_overhead(((size_t)1 << 30) + 1, 0), 0);
  ck_assert_uint_eq(e2ee_partial_overhead(0, E2EE_RANGES_MAX + 1), 0);
  ck_assert_int_eq(e2ee_media_retire(alice.media, UINT64_MAX), OK);
  ck_assert_int_eq(encrypt(0, good[1], 2, room, &size), ERR_NO_KEY);
}
END_TEST

/* Of the memory that is written, only the frame may be, and only from its start. */
START_TEST(information) {
  const e2ee_range clear = {1, 1};
  const struct sample sample = sample_of(0, 100, &clear, 1);
  e2ee_receiver *r = bob.receiver;
  e2ee_frame_info peeked, info, old;
  uint8_t out[sizeof sample.bytes];
  const size_t capacity = sizeof out;
  size_t size = 0;
  ck_assert_int_eq(e2ee_partial_peek(sample.bytes, sample.size, &peeked, 0), ERR_INVALID_ARG);
  ck_assert_int_eq(e2ee_partial_peek(sample.bytes, sample.size, NULL, 8), ERR_INVALID_ARG);
  ck_assert_int_eq(e2ee_partial_peek(NULL, 0, &peeked, 8), ERR_INVALID_ARG);
  ck_assert_int_eq(e2ee_partial_peek(sample.bytes, sample.size, &peeked, sizeof peeked), OK);
  ck_assert_int_eq(e2ee_receiver_decrypt_partial(NULL, ABOUT, sample.bytes, sample.size, out,
                                                 capacity, &size, NULL, 0),
                   ERR_INVALID_ARG);
  ck_assert_int_eq(e2ee_receiver_decrypt_partial(r, ABOUT, NULL, 0, out, capacity, &size, NULL, 0),
                   ERR_INVALID_ARG);
  ck_assert_int_eq(e2ee_receiver_decrypt_partial(r, ABOUT, sample.bytes, sample.size, out, capacity,
                                                 &size, NULL, 1),
                   ERR_INVALID_ARG);
  ck_assert_int_eq(e2ee_receiver_decrypt_partial(r, ABOUT, sample.bytes, sample.size, out, capacity,
                                                 &size, &info, sizeof info),
                   OK);
  ck_assert(info.kid == peeked.kid && info.counter == peeked.counter);
  ck_assert(info.epoch == 1 && info.leaf == 0 && info.header_len == peeked.header_len);

  /* Of a struct that is one byte, or nothing, no more is written. */
  for (size_t length = 0; length < 2; length++) {
    const struct sample next = sample_of(0, 100, &clear, 1);
    memset(&old, 0xa5, sizeof old);
    info = old;
    ck_assert_int_eq(e2ee_receiver_decrypt_partial(r, ABOUT, next.bytes, next.size, out, capacity,
                                                   &size, &info, length),
                     OK);
    if (length == 1)
      memcpy(&old, &peeked, 1); /* of the key id */
    ck_assert_mem_eq(&info, &old, sizeof info);
  }
  ck_assert_int_eq(
      e2ee_sender_encrypt_partial(NULL, 0, ABOUT, sample.plain, 1, NULL, 0, out, capacity, &size),
      ERR_INVALID_ARG);
}
END_TEST

/* Metadata right behind what a receiver may write. */
START_TEST(neighbours_of_the_output) {
  uint8_t memory[2 * FRAME_MAX];
  size_t size = 0;
  for (unsigned i = 0; i < 2; i++) {
    const struct sample sample = sample_of(0, 100, NULL, 0);
    const size_t capacity = i == 0 ? sample.size - 1 : sizeof memory;
    const size_t end = i == 0 ? capacity : sample.size;
    memcpy(memory + end, "about", 5);
    ck_assert_int_eq(e2ee_receiver_decrypt_partial(bob.receiver, memory + end, 5, sample.bytes,
                                                   sample.size, memory, capacity, &size, NULL, 0),
                     i == 0 ? ERR_BUFFER_TOO_SMALL : OK);
    ck_assert_int_eq(e2ee_receiver_decrypt_partial(bob.receiver, memory + end - 1, 5, sample.bytes,
                                                   sample.size, memory, capacity, &size, NULL, 0),
                     ERR_INVALID_ARG);
  }
}
END_TEST

START_TEST(overlaps) {
  uint8_t memory[2048] = {0}, *out = memory + 512;
  union {
    e2ee_range ranges[64];
    uint8_t bytes[512];
  } shared = {.ranges = {{0, 1}}};
  size_t size = 0, room = 100 + e2ee_partial_overhead(100, 1);
  const e2ee_range clear = {1, 1};
  for (size_t at = 0; at < sizeof memory - 100; at++) {
    int expected = at == 512 || at + 100 <= 512 || at >= 512 + room ? OK : ERR_INVALID_ARG;
    ck_assert_int_eq(e2ee_sender_encrypt_partial(alice.sender, 0, NULL, 0, memory + at, 100, &clear,
                                                 1, out, room, &size),
                     expected);
    size_t most = e2ee_partial_overhead(0, 0);
    expected = at + 100 <= 512 || at >= 512 + most ? OK : ERR_INVALID_ARG;
    ck_assert_int_eq(e2ee_sender_encrypt_partial(alice.sender, 0, memory + at, 100, NULL, 0, &clear,
                                                 0, out, room, &size),
                     expected);
  }
  ck_assert_int_eq(e2ee_sender_encrypt_partial(alice.sender, 0, NULL, 0, memory, 1, shared.ranges,
                                               1, shared.bytes, sizeof shared, &size),
                   ERR_INVALID_ARG);
  ck_assert_int_eq(e2ee_sender_encrypt_partial(alice.sender, 0, NULL, 0, memory, 1, shared.ranges,
                                               1, shared.bytes + 8, sizeof shared - 8, &size),
                   OK);

  struct sample sample = sample_of(0, 100, &clear, 1);
  memcpy(memory + 600, sample.bytes, sample.size);
  for (size_t at = 600 - sample.size + 1; at < 600 + sample.size; at++)
    if (at != 600)
      ck_assert_int_eq(e2ee_receiver_decrypt_partial(bob.receiver, ABOUT, memory + 600, sample.size,
                                                     memory + at, sample.size, &size, NULL, 0),
                       ERR_INVALID_ARG);
  ck_assert_int_eq(e2ee_receiver_decrypt_partial(bob.receiver, ABOUT, memory + 600, sample.size,
                                                 memory + 600, sample.size - 1, &size, NULL, 0),
                   ERR_BUFFER_TOO_SMALL);
  ck_assert_uint_eq(size, sample.size);
  ck_assert_int_eq(e2ee_receiver_decrypt_partial(bob.receiver, ABOUT, memory + 600, sample.size,
                                                 memory + 600, sample.size, &size, NULL, 0),
                   OK);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("partial");
  tcase_add_checked_fixture(tests, setup, teardown);
  tcase_set_timeout(tests, 120);
  tcase_add_test(tests, escaped_at_borders);
  tcase_add_test(tests, escaped_inside);
  tcase_add_test(tests, byte_by_byte);
  tcase_add_test(tests, wrapped_at_length);
  tcase_add_test(tests, trailers_that_are_none);
  tcase_add_test(tests, too_many_ranges);
  tcase_add_test(tests, kinds_not_confused);
  tcase_add_test(tests, counters_and_statistics_shared);
  tcase_add_loop_test(tests, every_suite, 0, 8);
  tcase_add_test(tests, wrong_tags_leave_nothing);
  tcase_add_test(tests, arguments);
  tcase_add_test(tests, information);
  tcase_add_test(tests, neighbours_of_the_output);
  tcase_add_test(tests, overlaps);
  return run_case("partial", tests);
}
