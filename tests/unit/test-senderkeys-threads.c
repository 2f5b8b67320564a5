/*
 * Sender keys under threads: streams run while their sender ratchets and takes new keys.  Worth most
 * under ThreadSanitizer.
 * SPDX-License-Identifier: ISC
 */
#include <e2ee/media.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "media-double.h"
#include "media/peerkeys.h"
#include "tests/run.h"

#define STREAMS 3
#define CHANGES 400
#define STEPS                                                                                      \
  16u /* of a generation: as many as four bits tell apart, so that no key id comes twice */
#define NOTED 20000

enum { ALICE, CAROL };

/* What must never come twice. */
struct spent {
  uint64_t kid, counter;
};

static struct {
  e2ee_media *alice, *bob;
  atomic_ullong heard; /* frames of all streams */
  atomic_bool stop;
} shared;

/* One stream from alice to bob, in a thread of its own. */
struct stream {
  pthread_t thread;
  e2ee_sender *sender;
  e2ee_receiver *receiver;
  atomic_ullong frames; /* that went through */
  const char *wrong;    /* what was not as it has to be */
  size_t noted;
  struct spent spent[NOTED];
};

static void note(struct stream *stream, const uint8_t *frame, size_t size) {
  struct sframe_header header;
  if (stream->noted == NOTED || sframe_header_read(view_of(frame, size), &header) != OK)
    return;
  stream->spent[stream->noted++] = (struct spent){header.kid, header.counter};
}

/* Encrypt a frame and decrypt it at once.  The control thread waits for two frames of each stream
 * before it changes the key again, so that one on the way is never two keys old. */
static const char *one_frame(struct stream *stream) {
  uint8_t buffer[100 + 64] = {0};
  size_t size = 0;
  e2ee_frame_info info;
  uint64_t before = atomic_load(&shared.heard);
  if (e2ee_sender_encrypt(stream->sender, ABOUT, buffer, 100, buffer, sizeof buffer, &size) != OK)
    return "encrypting failed";
  note(stream, buffer, size);
  int err = e2ee_receiver_decrypt(stream->receiver, ABOUT, buffer, size, buffer, sizeof buffer,
                                  &size, &info, sizeof info);
  /* It was late by more frames than its key was kept for. */
  if (err == ERR_NO_KEY && atomic_load(&shared.heard) - before >= CHAIN_LATE - STREAMS)
    return NULL;
  if (err != OK)
    return err == ERR_REPLAY ? "taken for a replay" : err == ERR_AUTH ? "the wrong key" : "no key";
  atomic_fetch_add(&shared.heard, 1);
  return size != 100 || info.leaf != ALICE ? "another frame" : NULL;
}

static void pass_time(void) {
  struct timespec time = {0, 100000};
  (void)nanosleep(&time, NULL);
}

static void *run_stream(void *arg) {
  struct stream *stream = arg;
  while (stream->wrong == NULL && !atomic_load(&shared.stop)) {
    stream->wrong = one_frame(stream);
    atomic_fetch_add(&stream->frames, 1);
    pass_time(); /* or the others pass 1024 frames while the control thread waits for this one's lock */
  }
  atomic_store(&shared.stop, true); /* nobody needs to wait for it */
  return NULL;
}

/* What an application's other threads do meanwhile. */
static void *run_others(void *arg) {
  static const uint8_t key[32] = {77};
  const char **wrong = arg;
  while (*wrong == NULL && !atomic_load(&shared.stop)) {
    e2ee_event event;
    e2ee_stats stats;
    e2ee_sender *sender = NULL;
    e2ee_receiver *receiver = NULL, *carols = NULL;
    if (e2ee_media_add_sender(shared.bob, CAROL, 0) != OK ||
        e2ee_media_set_sender_key(shared.bob, CAROL, 0, 0, key, sizeof key) != OK ||
        e2ee_media_receiver_new(shared.bob, CAROL, &carols) != OK ||
        e2ee_media_remove_sender(shared.bob, CAROL) != OK)
      *wrong = "another sender";
    if (e2ee_sender_new(shared.alice, &sender) != OK ||
        e2ee_media_receiver_new(shared.bob, ALICE, &receiver) != OK)
      *wrong = "a stream of its own";
    if (e2ee_media_next_event(shared.bob, &event, sizeof event) < 0 ||
        e2ee_media_stats(shared.bob, &stats, sizeof stats) != OK)
      *wrong = "a question";
    e2ee_sender_free(sender);
    e2ee_receiver_free(receiver);
    e2ee_receiver_free(carols);
    pass_time();
  }
  return NULL;
}

static void wait_for(const struct stream *streams) {
  for (unsigned i = 0; i < STREAMS; i++) {
    uint64_t from = atomic_load(&streams[i].frames);
    while (atomic_load(&streams[i].frames) < from + 2 && !atomic_load(&shared.stop))
      pass_time();
  }
}

/* A new generation now and then, else a step. */
static void change_key(unsigned change) {
  uint8_t key[32] = {1, (uint8_t)change, (uint8_t)(change >> 8)};
  uint64_t step = 0;
  e2ee_bytes *bytes = NULL;
  if (change % STEPS == 0) {
    uint64_t generation = change / STEPS;
    ck_assert_int_eq(e2ee_media_set_sender_key(shared.bob, ALICE, generation, 0, key, sizeof key),
                     OK);
    ck_assert_int_eq(e2ee_media_set_own_key(shared.alice, generation, key, sizeof key), OK);
  } else {
    ck_assert_int_eq(e2ee_media_ratchet(shared.alice, &step, &bytes), OK);
    ck_assert_uint_eq(step, change % STEPS);
    bytes_free(&bytes->bytes);
    mem_free(bytes);
  }
}

static int compare(const void *a, const void *b) {
  return memcmp(a, b, sizeof(struct spent));
}

START_TEST(streams_and_ratchets) {
  static struct stream streams[STREAMS];
  static struct spent all[STREAMS * NOTED];
  pthread_t others;
  const char *wrong = NULL;
  ck_assert_int_eq(e2ee_media_new_sender_keys(0, 4, &shared.alice), OK);
  ck_assert_int_eq(e2ee_media_new_sender_keys(0, 0, &shared.bob), OK);
  ck_assert_int_eq(e2ee_media_add_sender(shared.bob, ALICE, 4), OK);
  change_key(0);
  for (unsigned i = 0; i < STREAMS; i++) {
    ck_assert_int_eq(e2ee_sender_new(shared.alice, &streams[i].sender), OK);
    ck_assert_int_eq(e2ee_media_receiver_new(shared.bob, ALICE, &streams[i].receiver), OK);
    ck_assert_int_eq(pthread_create(&streams[i].thread, NULL, run_stream, &streams[i]), 0);
  }
  ck_assert_int_eq(pthread_create(&others, NULL, run_others, &wrong), 0);

  for (unsigned change = 1; change <= CHANGES && !atomic_load(&shared.stop); change++) {
    wait_for(streams);
    if (change % 5 == 0)
      ck_assert_int_eq(e2ee_media_retire_sender(shared.bob, ALICE, (change - 1) / STEPS), OK);
    change_key(change);
  }
  wait_for(streams);
  atomic_store(&shared.stop, true);
  for (unsigned i = 0; i < STREAMS; i++)
    ck_assert_int_eq(pthread_join(streams[i].thread, NULL), 0);
  ck_assert_int_eq(pthread_join(others, NULL), 0);

  ck_assert_pstr_eq(wrong, NULL);
  size_t count = 0;
  for (unsigned i = 0; i < STREAMS; i++) {
    ck_assert_pstr_eq(streams[i].wrong, NULL);
    memcpy(all + count, streams[i].spent, streams[i].noted * sizeof all[0]);
    count += streams[i].noted;
    e2ee_sender_free(streams[i].sender);
    e2ee_receiver_free(streams[i].receiver);
  }
  ck_assert_uint_gt(count, STREAMS * CHANGES);
  qsort(all, count, sizeof all[0], compare);
  for (size_t i = 1; i < count; i++)
    ck_assert(all[i].kid != all[i - 1].kid || all[i].counter != all[i - 1].counter);
  e2ee_media_free(shared.alice);
  e2ee_media_free(shared.bob);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("all");
  tcase_set_timeout(tests, 120);
  tcase_add_test(tests, streams_and_ratchets);
  return run_case("senderkeys-threads", tests);
}
