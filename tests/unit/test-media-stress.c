/*
 * A long call: one control thread takes a real group from epoch to epoch while 16 streams, a thread
 * each, send and receive.  No frame may be lost, taken twice, or attributed to anybody but who sent
 * it, although one seat of the group changes hands again and again, always the same leaf.
 *
 * E2EE_STRESS_EPOCHS in the environment says how long; .ci/run asks for 10,000 under ThreadSanitizer.
 * SPDX-License-Identifier: ISC
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fixture.h"
#include "tests/run.h"

#define EPOCHS_USUAL 300
#define SENDERS 8
#define RECEIVERS 8
#define COPIES 2    /* receivers that get each frame */
#define RING 16     /* frames on their way */
#define LAG 6       /* epochs before the newest that are retired */
#define TAKEOVER 15 /* where nothing is retired, an epoch lasts until its low bits are needed */
#define TENURE 7    /* epochs that a member sits in the third seat */
#define SEAT 2      /* its leaf */

enum { ALICE, BOB, FIRST_GUEST }; /* who: members in order of their coming */

/* ---- Frames on their way: one thread puts, one takes ---- */

struct packet {
  size_t size;
  uint8_t bytes[96];
};

struct queue {
  atomic_uint put, taken;
  atomic_ullong seen; /* epoch of the frame that was judged last */
  uint64_t sequence;  /* of the frame that has to come next */
  struct packet ring[RING];
};

/* What every frame carries. */
struct payload {
  uint32_t stream;
  uint32_t who;
  uint64_t sequence;
  uint64_t active; /* epoch that everybody had activated before this frame was encrypted */
};

/* ---- Streams ---- */

/* A sender and whose it is; the third seat's changes. */
struct source {
  e2ee_sender *sender;
  uint32_t who;
};

struct sending {
  pthread_t thread;
  uint32_t index;
  _Atomic(struct source *) source;
  atomic_uint turns;
  struct queue to[COPIES];
  _Atomic(const char *) wrong;
};

struct receiving {
  pthread_t thread;
  e2ee_receiver *receiver;
  const e2ee_media *media;
  struct queue *from[SENDERS];
  unsigned count;
  uint64_t frames;
  _Atomic(const char *) wrong;
};

static struct sending sending[SENDERS];
static struct receiving receiving[RECEIVERS];
static atomic_ullong active; /* everybody sends in it, or later */
static atomic_bool senders_stop, receivers_stop;

static void pause_a_little(void) {
  struct timespec time = {0, 20000};
  (void)nanosleep(&time, NULL);
}

static const char *name_of(uint32_t who, char *out, size_t size) {
  if (who >= FIRST_GUEST)
    (void)snprintf(out, size, "guest %u", (unsigned)(who - FIRST_GUEST));
  else
    (void)snprintf(out, size, "%s", who == ALICE ? "alice" : "bob");
  return out;
}

static void *run_sender(void *arg) {
  struct sending *stream = arg;
  for (uint64_t sequence = 0; !atomic_load(&senders_stop) && stream->wrong == NULL; sequence++) {
    struct packet packet;
    struct source *source = atomic_load(&stream->source);
    struct payload payload = {stream->index, source->who, sequence, atomic_load(&active)};
    if (e2ee_sender_encrypt(source->sender, NULL, 0, (const uint8_t *)&payload, sizeof payload,
                            packet.bytes, sizeof packet.bytes, &packet.size) != 0)
      stream->wrong = "encrypting failed";
    for (unsigned i = 0; i < COPIES; i++) {
      struct queue *queue = &stream->to[i];
      unsigned put = atomic_load(&queue->put);
      while (put - atomic_load(&queue->taken) == RING)
        pause_a_little();
      queue->ring[put % RING] = packet;
      atomic_store(&queue->put, put + 1);
    }
    atomic_fetch_add(&stream->turns, 1);
    (void)sched_yield();
  }
  return NULL;
}

/* What came out of a frame is what its sender put in, and the sender is who the epoch's roster says. */
static const char *judge(const struct receiving *stream, struct queue *queue,
                         const struct payload *payload, const e2ee_frame_info *info) {
  char expected[32];
  uint8_t identity[32];
  size_t size = sizeof identity;
  if (payload->sequence != queue->sequence++)
    return "a frame was lost or came twice";
  if (info->epoch < payload->active || info->epoch < atomic_load(&queue->seen))
    return "sent in an epoch that was left";
  (void)name_of(payload->who, expected, sizeof expected);
  if (info->leaf != (payload->who < SEAT ? payload->who : SEAT))
    return "another leaf than the sender's";
  if (e2ee_media_member(stream->media, info->epoch, info->leaf, E2EE_MEMBER_IDENTITY, identity,
                        &size) != 0)
    return "nobody at the leaf of a frame that was accepted";
  if (size != strlen(expected) || memcmp(identity, expected, size) != 0)
    return "attributed to somebody else";
  return NULL;
}

static const char *take(struct receiving *stream, struct queue *queue,
                        const struct packet *packet) {
  struct payload payload;
  e2ee_frame_info info;
  uint8_t out[sizeof packet->bytes];
  size_t size = 0;
  if (e2ee_receiver_decrypt(stream->receiver, NULL, 0, packet->bytes, packet->size, out, sizeof out,
                            &size, &info, sizeof info) != 0 ||
      size != sizeof payload)
    return "a good frame was refused";
  memcpy(&payload, out, sizeof payload);
  const char *wrong = judge(stream, queue, &payload, &info);
  if (wrong == NULL && payload.sequence % 16 == 0 &&
      e2ee_receiver_decrypt(stream->receiver, NULL, 0, packet->bytes, packet->size, out, sizeof out,
                            &size, NULL, 0) != E2EE_ERR_REPLAY)
    wrong = "a frame was taken twice";
  stream->frames++;
  atomic_store(&queue->seen, info.epoch);
  return wrong;
}

static void *run_receiver(void *arg) {
  struct receiving *stream = arg;
  for (bool idle = false; stream->wrong == NULL; idle = true) {
    bool stop = atomic_load(&receivers_stop);
    for (unsigned i = 0; i < stream->count && stream->wrong == NULL; i++) {
      struct queue *queue = stream->from[i];
      unsigned taken = atomic_load(&queue->taken);
      for (; taken != atomic_load(&queue->put) && stream->wrong == NULL; idle = false) {
        stream->wrong = take(stream, queue, &queue->ring[taken % RING]);
        atomic_store(&queue->taken, ++taken);
      }
    }
    if (idle && stop)
      break;
    if (idle)
      pause_a_little();
  }
  return NULL;
}

/* ---- Control ---- */

struct seat {
  struct member member;
  e2ee_media *media;
};

static struct seat seats[3];
static uint32_t *guests;  /* by epoch: who has the third seat */
static uint8_t *heard[2]; /* by epoch: leaves that alice, and bob, were told of */
static uint64_t retired;  /* epochs before it are gone at alice and bob */

static void expect_nothing_wrong(void) {
  for (unsigned i = 0; i < SENDERS; i++)
    ck_assert_pstr_eq(atomic_load(&sending[i].wrong), NULL);
  for (unsigned i = 0; i < RECEIVERS; i++)
    ck_assert_pstr_eq(atomic_load(&receiving[i].wrong), NULL);
}

/* Wait until no frame of an epoch before this one is on its way. */
static void wait_for_streams(uint64_t epoch) {
  for (unsigned i = 0; i < SENDERS; i++)
    for (unsigned j = 0; j < COPIES; j++)
      while (atomic_load(&sending[i].to[j].seen) < epoch) {
        expect_nothing_wrong();
        pause_a_little();
      }
}

static struct source *source_of(const struct seat *seat, uint32_t who) {
  struct source *source = malloc(sizeof *source);
  ck_assert_ptr_nonnull(source);
  *source = (struct source){NULL, who};
  ck_assert_int_eq(e2ee_sender_new(seat->media, &source->sender), 0);
  return source;
}

static void source_free(struct source *source) {
  e2ee_sender_free(source->sender);
  free(source);
}

/* A stream goes on with another sender; the one before is freed once its thread has let go of it. */
static void hand_over(struct sending *stream, struct source *next) {
  struct source *before = atomic_exchange(&stream->source, next);
  unsigned turns = atomic_load(&stream->turns);
  while (atomic_load(&stream->turns) == turns) {
    expect_nothing_wrong();
    pause_a_little();
  }
  source_free(before);
}

static void seat_free(struct seat *seat) {
  e2ee_media_free(seat->media);
  member_free(&seat->member);
}

static void install(struct seat *seat) {
  ck_assert_int_eq(e2ee_media_install(seat->media, seat->member.group), 0);
}

static struct seat guest_new(uint32_t who) {
  char name[32];
  struct seat seat = {.member = member_new(name_of(who, name, sizeof name))};
  ck_assert_int_eq(e2ee_media_new(0, &seat.media), 0);
  return seat;
}

/* Alice or bob commits; the third seat is renewed with the group, or changes hands. */
static void next_epoch(uint64_t epoch, struct seat *newcomer) {
  struct seat *by = &seats[epoch % 2], *other = &seats[(epoch + 1) % 2];
  e2ee_bytes *message, *welcome = NULL, *key_package = NULL;
  if (newcomer != NULL) {
    key_package = key_package_of(&newcomer->member);
    message = build_commit(&by->member, key_package, SEAT, &welcome);
    ck_assert_int_eq(e2ee_group_commit_accepted(by->member.group), 0);
    join(&newcomer->member, welcome);
    ck_assert_uint_eq(leaf_of(&newcomer->member), SEAT);
  } else {
    message = renew(&by->member);
    receive(&seats[SEAT].member, message);
  }
  receive(&other->member, message);
  e2ee_bytes_free(message);
  e2ee_bytes_free(welcome);
  e2ee_bytes_free(key_package);
}

static void retire_before(uint64_t epoch) {
  wait_for_streams(epoch);
  for (unsigned i = 0; i < 2; i++)
    ck_assert_int_eq(e2ee_media_retire(seats[i].media, epoch), 0);
  retired = epoch;
}

/* Each leaf is told once an epoch, and nothing else is.  @param told  by epoch: bit of each leaf */
static void read_events(const struct seat *seat, uint8_t *told) {
  e2ee_event event;
  while (e2ee_media_next_event(seat->media, &event, sizeof event) == 1) {
    ck_assert_uint_eq(event.kind, E2EE_EVENT_PEER_SWITCHED);
    ck_assert_uint_le(event.leaf, SEAT);
    ck_assert_uint_eq(told[event.epoch] >> event.leaf & 1, 0);
    told[event.epoch] |= (uint8_t)(1u << event.leaf);
  }
}

/* Who had the seat in each epoch is told as long as the epoch is there, and never afterwards. */
static void expect_guests(uint64_t newest) {
  for (uint64_t back = 0; back < 20 && back < newest; back++) {
    char expected[32];
    uint8_t identity[32];
    size_t size = sizeof identity;
    uint64_t epoch = newest - back;
    int err = e2ee_media_member(seats[epoch % 2].media, epoch, SEAT, E2EE_MEMBER_IDENTITY, identity,
                                &size);
    if (epoch < retired || back > TAKEOVER || guests[epoch] == 0) {
      ck_assert_int_eq(err, E2EE_ERR_NOT_FOUND);
      continue;
    }
    ck_assert_int_eq(err, 0);
    (void)name_of(guests[epoch], expected, sizeof expected);
    ck_assert_uint_eq(size, strlen(expected));
    ck_assert_mem_eq(identity, expected, size);
  }
}

static void step(uint64_t epoch) {
  uint32_t guest = guests[epoch - 1];
  struct seat newcomer = {.media = NULL};
  bool changes = epoch % TENURE == 0;
  if (changes)
    newcomer = guest_new(++guest);
  guests[epoch] = guest;
  next_epoch(epoch, changes ? &newcomer : NULL);
  if (epoch > TAKEOVER)
    wait_for_streams(epoch - TAKEOVER);
  struct seat *present[] = {&seats[ALICE], &seats[BOB], changes ? &newcomer : &seats[SEAT]};
  for (unsigned i = 0; i < 3; i++)
    install(present[i]);
  for (unsigned i = 0; i < 3; i++)
    ck_assert_int_eq(e2ee_media_activate(present[i]->media, epoch), 0);
  if (changes) {
    for (unsigned i = 0; i < SENDERS; i++)
      if (sending[i].source->who >= FIRST_GUEST)
        hand_over(&sending[i], source_of(&newcomer, guest));
    seat_free(&seats[SEAT]);
    seats[SEAT] = newcomer;
  }
  atomic_store(&active, epoch);
  if (epoch % 100 < 50 && epoch > 3 + LAG)
    retire_before(epoch - LAG);
  for (unsigned i = 0; i < 2; i++)
    read_events(&seats[i], heard[i]);
  expect_guests(epoch);
  expect_nothing_wrong();
}

/* ---- The call ---- */

static void add_queue(struct sending *from, unsigned copy, struct receiving *to) {
  to->from[to->count++] = &from->to[copy];
}

/* Senders 0 to 2 are alice's and heard by bob, 3 to 5 the other way round, 6 and 7 the third seat's
 * and heard by both; receivers 0 to 3 are bob's, 4 to 7 alice's. */
static void set_up_streams(void) {
  for (unsigned i = 0; i < RECEIVERS; i++) {
    const struct seat *seat = &seats[i < RECEIVERS / 2 ? BOB : ALICE];
    receiving[i].media = seat->media;
    ck_assert_int_eq(e2ee_receiver_new(seat->media, &receiving[i].receiver), 0);
  }
  for (unsigned i = 0; i < SENDERS; i++) {
    uint32_t who = i < 3 ? ALICE : i < 6 ? BOB : FIRST_GUEST;
    unsigned first = i < 3 ? i : i < 6 ? 4 + i % 3 : i - 6, second = i < 6 ? first + 1 : first + 4;
    sending[i].index = i;
    atomic_store(&sending[i].source, source_of(&seats[who], who));
    add_queue(&sending[i], 0, &receiving[first]);
    add_queue(&sending[i], 1, &receiving[second]);
  }
}

static void tear_down_streams(e2ee_stats *sent, e2ee_stats *received) {
  for (unsigned i = 0; i < SENDERS; i++)
    source_free(atomic_load(&sending[i].source));
  for (unsigned i = 0; i < RECEIVERS; i++)
    e2ee_receiver_free(receiving[i].receiver);
  for (unsigned i = 0; i < 2; i++) {
    ck_assert_int_eq(e2ee_media_stats(seats[i].media, &sent[i], sizeof *sent), 0);
    received[i] = sent[i];
  }
}

static uint64_t epochs_wanted(void) {
  const char *text = getenv("E2EE_STRESS_EPOCHS");
  return text == NULL ? EPOCHS_USUAL : strtoull(text, NULL, 10);
}

START_TEST(nothing_lost_nothing_misattributed) {
  uint64_t last = epochs_wanted(), first;
  struct member members[3];
  char name[32];
  for (uint32_t i = 0; i < 3; i++)
    members[i] = member_new(name_of(i, name, sizeof name));
  found_group(members, 3);
  for (unsigned i = 0; i < 3; i++) {
    seats[i].member = members[i];
    ck_assert_int_eq(e2ee_media_new(0, &seats[i].media), 0);
    install(&seats[i]);
    ck_assert_int_eq(e2ee_media_activate(seats[i].media, epoch_of(&members[i])), 0);
  }
  first = epoch_of(&members[0]);
  guests = calloc(last + 1, sizeof *guests);
  heard[0] = calloc(2 * (last + 1), 1);
  ck_assert(guests != NULL && heard[0] != NULL);
  heard[1] = heard[0] + last + 1;
  guests[first] = FIRST_GUEST;
  atomic_store(&active, first);
  set_up_streams();
  for (unsigned i = 0; i < RECEIVERS; i++)
    ck_assert_int_eq(pthread_create(&receiving[i].thread, NULL, run_receiver, &receiving[i]), 0);
  for (unsigned i = 0; i < SENDERS; i++)
    ck_assert_int_eq(pthread_create(&sending[i].thread, NULL, run_sender, &sending[i]), 0);

  for (uint64_t epoch = first + 1; epoch <= last; epoch++)
    step(epoch);

  atomic_store(&senders_stop, true);
  for (unsigned i = 0; i < SENDERS; i++)
    ck_assert_int_eq(pthread_join(sending[i].thread, NULL), 0);
  atomic_store(&receivers_stop, true);
  uint64_t put = 0, frames = 0;
  for (unsigned i = 0; i < RECEIVERS; i++) {
    ck_assert_int_eq(pthread_join(receiving[i].thread, NULL), 0);
    frames += receiving[i].frames;
  }
  expect_nothing_wrong();
  for (unsigned i = 0; i < SENDERS; i++)
    put += COPIES * (uint64_t)atomic_load(&sending[i].turns);
  ck_assert_uint_eq(frames, put);
  ck_assert_uint_gt(frames, last);
  printf("%llu epochs, %llu frames\n", (unsigned long long)last, (unsigned long long)frames);

  e2ee_stats sent[2], received[2];
  tear_down_streams(sent, received);
  ck_assert_uint_eq(received[0].received + received[1].received, frames);
  for (unsigned i = 0; i < 2; i++) {
    ck_assert_uint_eq(received[i].no_key + received[i].auth_failed + received[i].malformed, 0);
    seat_free(&seats[i]);
  }
  seat_free(&seats[SEAT]);
  free(guests);
  free(heard[0]);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("all");
  tcase_set_timeout(tests, 280);
  tcase_add_test(tests, nothing_lost_nothing_misattributed);
  return run_case("media-stress", tests);
}
