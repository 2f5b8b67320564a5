/*
 * What keys and streams take: all that is allocated for one, the backends' parts included.
 * SPDX-License-Identifier: ISC
 */
#include "allocator.h"
#include "crypto/provider.h"
#include "media-double.h"
#include "tests/run.h"

#include <stdlib.h>

static size_t taken; /* bytes */

void *__real_locked_new(size_t size);
void *__wrap_locked_new(size_t size);

/* A page is shared by as many blocks of one size class as fit. */
void *__wrap_locked_new(size_t size) {
  static const size_t classes[] = {64, 128, 256, 512, 768, 1024, 2048, 4096};
  size_t block = (size + 4095) / 4096 * 4096;
  for (unsigned i = 8; i-- > 0 && classes[i] >= size;)
    block = 4096 / (4096 / classes[i]);
  taken += block;
  return __real_locked_new(size);
}

#if WATCHED
/* With the allocator's own words: a header, and a multiple of 16. */
static size_t chunk(size_t size) {
  return (size + 8 + 15) / 16 * 16;
}

void *malloc(size_t size) {
  taken += chunk(size);
  return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
  taken += chunk(count * size);
  return __libc_calloc(count, size);
}
#endif

/* ---- Keys ---- */

/* What a key of a suite may take: 1 KB, but for OpenSSL's contexts and libtomcrypt's tables.  Of those a
 * receiver has a pool, whatever the number of senders. */
static size_t most(uint16_t suite) {
  bool gcm = suite == 4 || suite == 5;
  const char *backend =
      gcm ? provider_aead(AEAD_AES128GCM)->backend : provider_ctr(CTR_AES128)->backend;
  if (strcmp(backend, "libtomcrypt") == 0)
    return gcm ? 80000 : 5120;
  if (strcmp(backend, "OpenSSL") == 0)
    return gcm ? 1300 : 1024;
  return 1024;
}

START_TEST(memory_of_a_key) {
  uint16_t id = (uint16_t)_i;
  struct sframe_suite suite;
  struct sframe_key key;
  ck_assert_int_eq(provider_init(), OK);
  ck_assert_int_eq(sframe_suite_find(id, &suite), OK);
  taken = 0;
  int err = sframe_key_new(&suite, &key);
  size_t size = taken; /* assertions allocate */
  ck_assert_int_eq(err, OK);
  printf("%s: %zu bytes a key\n", suite.name, size);
  ck_assert_uint_gt(size, 0);
  ck_assert_uint_le(size, most(id));
  sframe_key_free(&key);
}
END_TEST

/* ---- Streams ---- */

/* However many senders there are, a receiver has a pool of keys, and it never takes more than at first. */
START_TEST(memory_of_streams) {
  struct member bob = member_of(1, 4096);
  e2ee_receiver *receiver = NULL;
  e2ee_sender *sender = NULL;
  enter(&bob, 1);
  taken = 0;
  int err = e2ee_receiver_new(bob.media, &receiver);
  size_t size = taken;
  ck_assert_int_eq(err, OK);
  printf("a receiver: %zu bytes\n", size);
  ck_assert_uint_le(size, sizeof *receiver + 4096 + (RECEIVER_KEYS + 1) * most(4));
  taken = 0;
  err = e2ee_sender_new(bob.media, &sender);
  size = taken;
  ck_assert_int_eq(err, OK);
  printf("a sender: %zu bytes\n", size);
  ck_assert_uint_le(size, sizeof *sender + 256 + most(4));
  for (uint32_t leaf = 10; leaf < 200; leaf++) {
    struct member peer = member_of(leaf, 4096);
    enter(&peer, 1);
    struct frame frame = seal(&peer, "hello");
    uint8_t out[64];
    taken = 0;
    err = e2ee_receiver_decrypt(receiver, ABOUT, frame.bytes, frame.size, out, sizeof out, &size,
                                NULL, 0);
    size_t more = taken;
    ck_assert_int_eq(err, OK);
    ck_assert_uint_eq(more, 0);
    member_free(&peer);
  }
  e2ee_receiver_free(receiver);
  e2ee_sender_free(sender);
  member_free(&bob);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("all");
  if (WATCHED) {
    tcase_add_loop_test(tests, memory_of_a_key, 1, 9);
    tcase_add_test(tests, memory_of_streams);
  }
  return run_case("media-memory", tests);
}
