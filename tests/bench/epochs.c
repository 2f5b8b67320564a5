/*
 * frame/SUITE/first/encrypt|decrypt: the first frame of a new sender, its key derived for it; at the
 * sender with making the stream.  The floor is a unit: twenty SHA-256 of 64 bytes.
 * frame/switch/1000: all that the control thread does when 1000 receivers go to another epoch:
 * install, activate, retire.
 * frame/switch/longest: the longest call of a stream meanwhile, their 99.9th percentile, and how many had
 * to sleep; the floor is the 99.9th percentile while nothing switches.  All are the thread's processor
 * time: what else runs on the machine is not in it but for interrupts, and who sleeps is counted.  The
 * first frame of each epoch, for which a key is derived, is told by itself (first_longest).
 * SPDX-License-Identifier: ISC
 */
#define _GNU_SOURCE /* RUSAGE_THREAD */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <e2ee/e2ee.h>

#include "bench.h"
#include "crypto/provider.h"
#include "pair.h"
#include "sframe/key.h"

#define FRAME_SIZE 100
#define PACKET_SIZE (FRAME_SIZE + 64)

/* ---- First frames ---- */

#define FIRSTS 32
#define UNIT_HASHES 20

struct firsts {
  e2ee_media *from, *to;
  e2ee_sender *senders[FIRSTS];
  e2ee_receiver *receiver;
  uint8_t packets[FIRSTS][PACKET_SIZE];
  size_t sizes[FIRSTS];
};

static void forget(void *arg, size_t count) {
  struct firsts *firsts = arg;
  for (size_t i = 0; i < count; i++) {
    e2ee_sender_free(firsts->senders[i]);
    firsts->senders[i] = NULL;
  }
}

static void first_encrypt(void *arg, size_t count) {
  struct firsts *firsts = arg;
  for (size_t i = 0; i < count; i++) {
    uint8_t *packet = firsts->packets[i];
    bench_require(e2ee_sender_new(firsts->from, &firsts->senders[i]), "e2ee_sender_new");
    bench_require(e2ee_sender_encrypt(firsts->senders[i], NULL, 0, packet, FRAME_SIZE, packet,
                                      PACKET_SIZE, &firsts->sizes[i]),
                  "e2ee_sender_encrypt");
  }
}

/* A receiver is full after 2048 senders. */
static void new_senders(void *arg, size_t count) {
  struct firsts *firsts = arg;
  forget(firsts, count);
  e2ee_receiver_free(firsts->receiver);
  bench_require(e2ee_receiver_new(firsts->to, &firsts->receiver), "e2ee_receiver_new");
  first_encrypt(firsts, count);
}

static void first_decrypt(void *arg, size_t count) {
  struct firsts *firsts = arg;
  for (size_t i = 0; i < count; i++) {
    size_t size = 0;
    bench_require(e2ee_receiver_decrypt(firsts->receiver, NULL, 0, firsts->packets[i],
                                        firsts->sizes[i], firsts->packets[i], PACKET_SIZE, &size,
                                        NULL, 0),
                  "e2ee_receiver_decrypt");
  }
}

static void unit(void *arg, size_t count) {
  static const uint8_t block[64];
  const struct view part = VIEW_ARRAY(block);
  uint8_t digest[HASH_MAX];
  (void)arg;
  for (size_t i = 0; i < count * UNIT_HASHES; i++)
    bench_require(provider_hash(HASH_SHA256)->digest(&part, 1, digest), "SHA-256");
}

static void measure_firsts(const struct bench *bench, const struct pair *pair, uint16_t id) {
  static const struct bench_work encrypting = {forget, first_encrypt},
                                 decrypting = {new_senders, first_decrypt}, floor = {NULL, unit};
  struct sframe_suite suite;
  struct firsts firsts = {.receiver = NULL};
  char name[80];
  if (sframe_suite_find(id, &suite) != OK)
    return;
  firsts.from = pair_media(pair->group[0], id);
  firsts.to = pair_media(pair->group[1], id);
  (void)snprintf(name, sizeof name, "frame/%s/first/encrypt", suite.name);
  if (bench_wanted(bench, name))
    bench_measure(bench, name, &encrypting, &floor, &firsts, FIRSTS);
  (void)snprintf(name, sizeof name, "frame/%s/first/decrypt", suite.name);
  if (bench_wanted(bench, name))
    bench_measure(bench, name, &decrypting, &floor, &firsts, FIRSTS);
  forget(&firsts, FIRSTS);
  e2ee_receiver_free(firsts.receiver);
  e2ee_media_free(firsts.from);
  e2ee_media_free(firsts.to);
}

/* ---- Switching ---- */

#define RECEIVERS 1000

struct call {
  struct pair pair;
  e2ee_media *from, *to;
  e2ee_sender *sender;
  e2ee_receiver *receivers[RECEIVERS];
  uint64_t epoch;
};

static e2ee_group *next_epoch(struct call *call) {
  e2ee_commit *commit = NULL;
  e2ee_bytes *message = NULL, *welcome = NULL;
  e2ee_incoming *incoming = NULL;
  bench_require(e2ee_commit_new(call->pair.group[0], &commit), "e2ee_commit_new");
  bench_require(e2ee_commit_build(commit, &message, &welcome), "e2ee_commit_build");
  bench_require(e2ee_group_commit_accepted(call->pair.group[0]), "e2ee_group_commit_accepted");
  bench_require(e2ee_group_process(call->pair.group[1], e2ee_bytes_data(message),
                                   e2ee_bytes_size(message), &incoming),
                "e2ee_group_process");
  bench_require(e2ee_incoming_accept(incoming), "e2ee_incoming_accept");
  e2ee_incoming_free(incoming);
  e2ee_bytes_free(message);
  e2ee_bytes_free(welcome);
  e2ee_commit_free(commit);
  call->epoch++;
  return call->pair.group[1];
}

static void send_next(struct call *call) {
  bench_require(e2ee_media_install(call->from, call->pair.group[0]), "e2ee_media_install");
  bench_require(e2ee_media_activate(call->from, call->epoch), "e2ee_media_activate");
}

static void prepare_receivers(struct call *call) {
  bench_require(e2ee_media_install(call->to, call->pair.group[1]), "e2ee_media_install");
  bench_require(e2ee_media_activate(call->to, call->epoch), "e2ee_media_activate");
}

static void retire_before(struct call *call) {
  bench_require(e2ee_media_retire(call->to, call->epoch), "e2ee_media_retire");
}

static void switch_receivers(struct call *call) {
  prepare_receivers(call);
  retire_before(call);
}

/* Each receiver has a key in the epoch that will go, and a group that is one further. */
static void before_switch(void *arg, size_t count) {
  struct call *call = arg;
  uint8_t packet[PACKET_SIZE] = {0}, out[PACKET_SIZE];
  size_t size = 0, plaintext = 0;
  (void)count;
  send_next(call);
  bench_require(
      e2ee_sender_encrypt(call->sender, NULL, 0, packet, FRAME_SIZE, packet, PACKET_SIZE, &size),
      "e2ee_sender_encrypt");
  for (unsigned i = 0; i < RECEIVERS; i++)
    bench_require(e2ee_receiver_decrypt(call->receivers[i], NULL, 0, packet, size, out, PACKET_SIZE,
                                        &plaintext, NULL, 0),
                  "e2ee_receiver_decrypt");
  (void)next_epoch(call);
}

static void run_switch(void *arg, size_t count) {
  (void)count;
  switch_receivers(arg);
}

/* ---- A stream meanwhile ---- */

#define CALLS 200000
#define SWITCHES 200

struct stream {
  struct call *call;
  e2ee_receiver *receiver;
  atomic_bool stop;
  double times[CALLS]; /* a ring */
  size_t calls;
  double longest;
  uint64_t epoch; /* of the last frame */
  double first_longest;
  long slept;
};

static double thread_time(void) {
  struct timespec time;
  (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* What asking for the time takes. */
static double clock_cost(void) {
  double least = 1e9;
  for (unsigned i = 0; i < 1000; i++) {
    double start = thread_time(), time = thread_time() - start;
    least = time < least ? time : least;
  }
  return least;
}

static long sleeps(void) {
  struct rusage usage;
  (void)getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_nvcsw;
}

/* @param info  out: epoch 0 if the frame was refused */
static double one_call(const struct stream *stream, e2ee_frame_info *info) {
  uint8_t packet[PACKET_SIZE] = {0};
  size_t size = 0;
  bench_require(e2ee_sender_encrypt(stream->call->sender, NULL, 0, packet, FRAME_SIZE, packet,
                                    PACKET_SIZE, &size),
                "e2ee_sender_encrypt");
  double start = thread_time();
  int err = e2ee_receiver_decrypt(stream->receiver, NULL, 0, packet, size, packet, PACKET_SIZE,
                                  &size, info, sizeof *info);
  double time = thread_time() - start;
  /* Where this thread was stopped for long, the frame's epoch is gone, or its low bits another's. */
  bench_require(err == E2EE_ERR_NO_KEY || err == E2EE_ERR_AUTH ? 0 : err, "e2ee_receiver_decrypt");
  if (err != 0)
    info->epoch = 0;
  return time;
}

static void *run_stream(void *arg) {
  struct stream *stream = arg;
  double cost = clock_cost();
  long before = sleeps();
  while (!atomic_load(&stream->stop)) {
    e2ee_frame_info info;
    double time = one_call(stream, &info) - cost;
    bool first = info.epoch > stream->epoch;
    double *longest = first ? &stream->first_longest : &stream->longest;
    if (time > *longest)
      *longest = time;
    if (first)
      stream->epoch = info.epoch;
    else
      stream->times[stream->calls++ % CALLS] = time;
  }
  stream->slept = sleeps() - before;
  return NULL;
}

static int by_value(const void *a, const void *b) {
  const double *x = a, *y = b;
  return (*x > *y) - (*x < *y);
}

static void run_beside(struct stream *stream, bool switching) {
  pthread_t thread;
  atomic_store(&stream->stop, false);
  stream->calls = 0;
  stream->longest = stream->first_longest = 0;
  bench_require(pthread_create(&thread, NULL, run_stream, stream), "pthread_create");
  for (unsigned i = 0; i < SWITCHES; i++) {
    (void)next_epoch(stream->call);
    if (switching) {
      prepare_receivers(stream->call);
      send_next(stream->call);
      retire_before(stream->call);
    }
  }
  atomic_store(&stream->stop, true);
  (void)pthread_join(thread, NULL);
}

/* The 99.9th percentile.  Sorts the times. */
static double usual_time(struct stream *stream) {
  size_t count = stream->calls < CALLS ? stream->calls : CALLS;
  qsort(stream->times, count, sizeof stream->times[0], by_value);
  return stream->times[count - count / 1000 - 1];
}

static size_t count_over(const struct stream *stream, double limit) {
  size_t over = 0;
  for (size_t i = 0; i < CALLS && i < stream->calls; i++)
    over += stream->times[i] > limit;
  return over;
}

static void measure_stream(const struct bench *bench, const char *name, struct call *call) {
  struct stream *stream = calloc(1, sizeof *stream);
  bench_require(stream == NULL ? E2EE_ERR_NOMEM : 0, "times");
  stream->call = call;
  bench_require(e2ee_receiver_new(call->to, &stream->receiver), "e2ee_receiver_new");
  switch_receivers(call);
  send_next(call);
  run_beside(stream, false);
  double usual = usual_time(stream), longest_before = stream->longest;
  size_t over_before = count_over(stream, 3 * usual);
  switch_receivers(call);
  send_next(call);
  run_beside(stream, true);
  const struct bench_result result = {stream->longest, usual};
  const struct bench_figure figures[] = {
      {"calls", (double)stream->calls},       {"slept", (double)stream->slept},
      {"percentile", usual_time(stream)},     {"over_3", (double)count_over(stream, 3 * usual)},
      {"over_3_before", (double)over_before}, {"first_longest", stream->first_longest},
      {"longest_before", longest_before}};
  bench_tell(bench, name, result, figures, sizeof figures / sizeof figures[0]);
  e2ee_receiver_free(stream->receiver);
  free(stream);
}

static void measure_switch(const struct bench *bench) {
  static const char *const names[] = {"frame/switch/1000", "frame/switch/longest"};
  static const struct bench_work switching = {before_switch, run_switch};
  if (!bench_wanted(bench, names[0]) && !bench_wanted(bench, names[1]))
    return;
  struct call call = {.epoch = 1};
  pair_start(&call.pair);
  call.from = pair_media(call.pair.group[0], 4);
  call.to = pair_media(call.pair.group[1], 4);
  bench_require(e2ee_sender_new(call.from, &call.sender), "e2ee_sender_new");
  for (unsigned i = 0; i < RECEIVERS; i++)
    bench_require(e2ee_receiver_new(call.to, &call.receivers[i]), "e2ee_receiver_new");
  if (bench_wanted(bench, names[0]))
    bench_measure(bench, names[0], &switching, NULL, &call, 1);
  if (bench_wanted(bench, names[1]))
    measure_stream(bench, names[1], &call);
  for (unsigned i = 0; i < RECEIVERS; i++)
    e2ee_receiver_free(call.receivers[i]);
  e2ee_sender_free(call.sender);
  e2ee_media_free(call.from);
  e2ee_media_free(call.to);
  pair_stop(&call.pair);
}

void bench_epochs(const struct bench *bench) {
  struct pair pair = {.group = {NULL}};
  pair_start(&pair);
  for (uint16_t suite = 1; suite <= 8; suite++)
    measure_firsts(bench, &pair, suite);
  pair_stop(&pair);
  measure_switch(bench);
}
