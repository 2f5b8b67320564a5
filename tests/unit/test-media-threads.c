/*
 * Media under threads: streams run while epochs come and go.  Worth most under ThreadSanitizer.
 * SPDX-License-Identifier: ISC
 */
#include "media-double.h"
#include "tests/run.h"

#include <pthread.h>
#include <sched.h>
#include <time.h>

#define STREAMS 3
#define EPOCHS 150

static struct {
  struct member alice, bob;
  atomic_ullong active;  /* alice's media_activate() of it has returned */
  atomic_ullong retired; /* bob's media_retire() of it has returned */
  atomic_bool stop;
} shared;

/* One stream from alice to bob, in a thread of its own. */
struct stream {
  pthread_t thread;
  e2ee_sender *sender;
  e2ee_receiver *receiver;
  uint64_t frames; /* that arrived */
  uint64_t kids[EPOCHS + 2];
  const char *wrong; /* what was not as it has to be */
};

/* Check what came out of one frame; assertions are for the main thread. */
static const char *judge(struct stream *stream, int err, const e2ee_frame_info *info,
                         uint64_t active, uint64_t retired) {
  if (err == ERR_NO_KEY) /* its epoch was retired on the way */
    return NULL;
  /* The thread may have slept until the low bits of its frame's epoch were taken over. */
  if (err == ERR_AUTH && atomic_load(&shared.active) + 1 >= active + MEDIA_EPOCHS)
    return NULL;
  if (err != OK)
    return "a good frame was refused";
  if (info->epoch < active)
    return "sent under an epoch before the active one";
  if (info->epoch < retired)
    return "received with a key that was retired";
  if (stream->kids[info->epoch] != 0 && stream->kids[info->epoch] != info->kid)
    return "two key ids in one epoch";
  stream->kids[info->epoch] = info->kid;
  stream->frames++;
  return NULL;
}

static void *run_stream(void *arg) {
  struct stream *stream = arg;
  while (stream->wrong == NULL && !atomic_load(&shared.stop)) {
    uint8_t buffer[100 + 64] = {0};
    size_t size = 0;
    e2ee_frame_info info;
    uint64_t active = atomic_load(&shared.active);
    if (e2ee_sender_encrypt(stream->sender, ABOUT, buffer, 100, buffer, sizeof buffer, &size) != OK)
      stream->wrong = "encrypting failed";
    uint64_t retired = atomic_load(&shared.retired);
    int err = e2ee_receiver_decrypt(stream->receiver, ABOUT, buffer, size, buffer, sizeof buffer,
                                    &size, &info, sizeof info);
    if (stream->wrong == NULL)
      stream->wrong = judge(stream, err, &info, active, retired);
  }
  return NULL;
}

static void pass_time(void) {
  struct timespec time = {0, 1000000};
  (void)nanosleep(&time, NULL);
}

/* What an application's other threads ask meanwhile. */
static void *run_questions(void *arg) {
  const char **wrong = arg;
  while (*wrong == NULL && !atomic_load(&shared.stop)) {
    uint8_t text[64];
    size_t size = sizeof text;
    e2ee_event event;
    e2ee_stats stats;
    e2ee_sender *sender = NULL;
    e2ee_receiver *receiver = NULL;
    uint64_t epoch = atomic_load(&shared.active);
    int err = e2ee_media_member(shared.bob.media, epoch, 0, E2EE_MEMBER_IDENTITY, text, &size);
    if (err != OK && err != ERR_NOT_FOUND)
      *wrong = "e2ee_media_member";
    if (e2ee_media_next_event(shared.bob.media, &event, sizeof event) < 0)
      *wrong = "e2ee_media_next_event";
    if (e2ee_media_stats(shared.bob.media, &stats, sizeof stats) != OK)
      *wrong = "e2ee_media_stats";
    if (e2ee_sender_new(shared.alice.media, &sender) != OK ||
        e2ee_receiver_new(shared.bob.media, &receiver) != OK)
      *wrong = "a stream of its own";
    e2ee_sender_free(sender);
    e2ee_receiver_free(receiver);
    pass_time();
  }
  return NULL;
}

START_TEST(streams_and_epochs) {
  static struct stream streams[STREAMS];
  pthread_t questions;
  const char *wrong = NULL;
  shared.alice = member_of(0, 2);
  shared.bob = member_of(1, 2);
  enter(&shared.bob, 1);
  enter(&shared.alice, 1);
  atomic_store(&shared.active, 1);
  for (unsigned i = 0; i < STREAMS; i++) {
    ck_assert_int_eq(e2ee_sender_new(shared.alice.media, &streams[i].sender), OK);
    ck_assert_int_eq(e2ee_receiver_new(shared.bob.media, &streams[i].receiver), OK);
    ck_assert_int_eq(pthread_create(&streams[i].thread, NULL, run_stream, &streams[i]), 0);
  }
  ck_assert_int_eq(pthread_create(&questions, NULL, run_questions, &wrong), 0);

  for (uint64_t epoch = 2; epoch <= EPOCHS; epoch++) {
    install(&shared.bob, epoch);
    enter(&shared.alice, epoch);
    atomic_store(&shared.active, epoch);
    pass_time();
    /* At times retired at once, at times by its low bits being taken over. */
    if (epoch % 50 > 20) {
      ck_assert_int_eq(e2ee_media_retire(shared.bob.media, epoch), OK);
      atomic_store(&shared.retired, epoch);
      ck_assert_int_eq(e2ee_media_retire(shared.alice.media, epoch), OK);
    }
  }
  atomic_store(&shared.stop, true);
  for (unsigned i = 0; i < STREAMS; i++)
    ck_assert_int_eq(pthread_join(streams[i].thread, NULL), 0);
  ck_assert_int_eq(pthread_join(questions, NULL), 0);

  ck_assert_pstr_eq(wrong, NULL);
  uint64_t frames = 0;
  for (unsigned i = 0; i < STREAMS; i++) {
    ck_assert_pstr_eq(streams[i].wrong, NULL);
    frames += streams[i].frames;
    for (unsigned other = 0; other < i; other++)
      for (uint64_t epoch = 0; epoch <= EPOCHS; epoch++)
        ck_assert(streams[i].kids[epoch] == 0 ||
                  streams[i].kids[epoch] != streams[other].kids[epoch]);
    e2ee_sender_free(streams[i].sender);
    e2ee_receiver_free(streams[i].receiver);
  }
  ck_assert_uint_gt(frames, EPOCHS);
  ck_assert_uint_eq(stats_of(&shared.bob).received, frames);
  ck_assert_uint_eq(stats_of(&shared.bob).replayed, 0);
  member_free(&shared.alice);
  member_free(&shared.bob);
  ck_assert_int_eq(atomic_load(&rosters_alive), 0);
}
END_TEST

/* ---- Events from many threads ---- */

#define PUSHERS 4
#define PUSHED 20000

static struct events events;

static void *run_pusher(void *arg) {
  const uint32_t *leaf = arg;
  for (uint64_t i = 1; i <= PUSHED; i++) {
    if (i % 100 == 0)
      (void)sched_yield(); /* so that some are taken */
    events_push(&events,
                (struct e2ee_event){.kind = E2EE_EVENT_KEY_LOW, .leaf = *leaf, .value = i});
  }
  return NULL;
}

/* Each event is taken once, in its thread's order, or counted as lost. */
START_TEST(events_of_many) {
  static uint32_t leaves[PUSHERS] = {0, 1, 2, 3};
  pthread_t threads[PUSHERS];
  uint64_t newest[PUSHERS] = {0}, taken = 0, lost = 0;
  ck_assert_int_eq(events_init(&events), OK);
  for (unsigned i = 0; i < PUSHERS; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, run_pusher, &leaves[i]), 0);
  while (taken + lost < (uint64_t)PUSHERS * PUSHED) {
    struct e2ee_event event = {0};
    if (!events_take(&events, &event))
      continue;
    if (event.kind == E2EE_EVENT_DROPPED) {
      lost += event.value;
      continue;
    }
    ck_assert_uint_lt(event.leaf, PUSHERS);
    ck_assert_uint_lt(newest[event.leaf], event.value);
    newest[event.leaf] = event.value;
    taken++;
  }
  for (unsigned i = 0; i < PUSHERS; i++)
    ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
  ck_assert(!events_take(&events, &(struct e2ee_event){0}));
  ck_assert_uint_gt(taken, EVENTS_MAX);
  events_destroy(&events);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("all");
  tcase_set_timeout(tests, 120);
  tcase_add_test(tests, streams_and_epochs);
  tcase_add_test(tests, events_of_many);
  return run_case("media-threads", tests);
}
