/*
 * Epoch changes as calls have them: frames that come before their epoch or after it, epochs that share
 * their low bits, receivers that missed some, keys taken away from under a frame.
 * SPDX-License-Identifier: ISC
 */
#include "media-double.h"
#include "tests/run.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

/*
 * A table of histories.  Alice, leaf 0, sends; bob, leaf 1, receives.
 *
 *   A2  alice enters epoch 2: installs and activates it       s0   she sends frame 0
 *   B2  bob installs epoch 2; B2! is refused, it is too old   R2   he retires epochs before 2
 *   t0=2  bob takes frame 0, it is of epoch 2                 t0-  no key for it
 *   t0r   it is a replay, or its counter was seen             t0x  its tag is wrong
 *   S2  bob is told of the first frame of epoch 2             U2   of unknown low bits 2
 *   D2  that alice differs in epoch 2                        .   he is told nothing
 *   w2  it is known who alice was in epoch 2                  w2-  it is not
 */
static const struct history {
  const char *what, *steps;
} histories[] = {
    {"frames before the commit: told once, untouched, good once it is there, in any order",
     "B1 A1 s0 s9 A2 s1 s2 s3 t0=1 S1 t1- U2 t2- t3- . B2 t3=2 S2 t1=2 t2=2 t2r t9=1 ."},
    {"frames of the last epoch after the commit: good until it is retired",
     "B1 A1 s0 s1 s2 A2 s3 B2 t3=2 S2 t1=1 S1 t0=1 t1r R2 t2- U1 t0- . w1- w2"},
    {"frames of an epoch whose low bits are an older one's: refused, and nothing is lost by it",
     "B15 A15 s0 s1 s2 t0=15 S15 A31 s3 s4 t3r t4x . t2=15 t1=15 w15 w31- "
     "B31 t4=31 S31 t3=31 t1r w15- w31 ."},
    {"late frames of an epoch whose low bits were taken over: the same",
     "B4 A4 s0 s1 s2 t0=4 S4 B20 A20 s3 s4 t1x t3=20 D20 S20 t2x t0r t4=20 . w4- w20 w36-"},
    {"low bits that wrap while each epoch is retired one later",
     "B14 A14 s0 B15 A15 s1 t0=14 R15 B16 A16 s2 t2=16 t1=15 R16 B17 A17 s3 t3=17 S14 S16 S15 S17 "
     "."},
    {"a receiver that missed epochs: theirs stay unknown, and none is installed afterwards",
     "B1 A1 s0 A2 s1 A3 s2 A6 s3 B6 t3=6 S6 t1- U2 t2- U3 t0=1 S1 B3! t2- . w3-"},
    {"a receiver that is more than sixteen epochs late",
     "B2 A2 s0 t0=2 S2 A35 s1 t1- U3 A50 s2 t2r s3 t3x . B50 t3=50 S50 t2=50"},
    {"who joins late hears nothing of before, and has its epoch once",
     "A39 s0 t0- U7 A40 s1 B40 t0- U7 t1=40 S40 w39- B40 t1r ."},
    {"what is retired or was passed over does not come back",
     "B1 A1 s0 R4 t0- U1 B1! B2! B3! B4 B7 B6! A7 s1 t1=7 S7 R7 w4- w7 R3 w7 B6! ."},
};

#define HISTORIES (int)(sizeof histories / sizeof histories[0])

static struct member from, to; /* alice, and bob */
static struct frame frames[10];

static void take(const char *step) {
  static const struct {
    char sign;
    int err;
  } results[] = {{'=', OK}, {'-', ERR_NO_KEY}, {'r', ERR_REPLAY}, {'x', ERR_AUTH}};
  e2ee_frame_info info;
  unsigned found = 0;
  while (results[found].sign != step[2])
    found++;
  ck_assert_int_eq(receive(&to, &frames[step[1] - '0'], &info), results[found].err);
  if (results[found].err != OK)
    return;
  ck_assert_uint_eq(info.epoch, strtoull(step + 3, NULL, 10));
  ck_assert_uint_eq(info.leaf, 0);
}

static void act(const char *step) {
  char *rest = NULL;
  uint64_t epoch = strtoull(step + 1, &rest, 10);
  size_t size = 0;
  switch (step[0]) {
  case 'A':
    enter(&from, epoch);
    break;
  case 'B':
    to.group->epoch = epoch;
    ck_assert_int_eq(install_group(to.media, to.group), *rest == '!' ? ERR_OLD_EPOCH : OK);
    break;
  case 'R':
    ck_assert_int_eq(e2ee_media_retire(to.media, epoch), OK);
    break;
  case 's':
    frames[epoch] = seal(&from, "frame");
    break;
  case 't':
    take(step);
    break;
  case 'S':
    ck_assert_uint_eq(expect_event(&to, E2EE_EVENT_PEER_SWITCHED).epoch, epoch);
    break;
  case 'U':
    ck_assert_uint_eq(expect_event(&to, E2EE_EVENT_UNKNOWN_EPOCH).epoch, epoch);
    break;
  case 'D':
    ck_assert_uint_eq(expect_event(&to, E2EE_EVENT_PEER_DIFFERS).epoch, epoch);
    break;
  case '.':
    (void)expect_event(&to, 0);
    break;
  case 'w':
    ck_assert_int_eq(e2ee_media_member(to.media, epoch, 0, E2EE_MEMBER_IDENTITY, NULL, &size),
                     *rest == '-' ? ERR_NOT_FOUND : OK);
    break;
  default:
    ck_abort_msg("%s?", step);
  }
}

START_TEST(history) {
  const struct history *told = &histories[_i];
  char steps[256], *place = NULL;
  from = member_of(0, 2);
  to = member_of(1, 2);
  (void)snprintf(steps, sizeof steps, "%s", told->steps);
  for (char *step = strtok_r(steps, " ", &place); step != NULL;
       step = strtok_r(NULL, " ", &place)) {
    act(step);
  }
  member_free(&from);
  member_free(&to);
}
END_TEST

/* ---- An AEAD that stops in the middle of a frame ---- */

static struct {
  const struct aead *real;
  struct aead slow;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  bool inside, released, finished;
} gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void set_flag(bool *flag) {
  (void)pthread_mutex_lock(&gate.lock);
  *flag = true;
  (void)pthread_cond_broadcast(&gate.changed);
  (void)pthread_mutex_unlock(&gate.lock);
}

static void wait_for(const bool *flag) {
  (void)pthread_mutex_lock(&gate.lock);
  while (!*flag)
    (void)pthread_cond_wait(&gate.changed, &gate.lock);
  (void)pthread_mutex_unlock(&gate.lock);
}

static bool is_set(const bool *flag) {
  (void)pthread_mutex_lock(&gate.lock);
  bool set = *flag;
  (void)pthread_mutex_unlock(&gate.lock);
  return set;
}

static enum err slow_open(struct aead_key *key, const uint8_t *nonce, const struct view *aad,
                          size_t aad_count, struct view ciphertext, uint8_t *out) {
  set_flag(&gate.inside);
  wait_for(&gate.released);
  return gate.real->open(key, nonce, aad, aad_count, ciphertext, out);
}

struct job {
  pthread_t thread;
  const struct member *member;
  struct frame frame;
  uint64_t epoch;
  uint8_t out[64];
  size_t size;
  int err;
};

static void *run_decrypt(void *arg) {
  struct job *job = arg;
  job->err = e2ee_receiver_decrypt(job->member->receiver, ABOUT, job->frame.bytes, job->frame.size,
                                   job->out, sizeof job->out, &job->size, NULL, 0);
  return NULL;
}

static void *run_retire(void *arg) {
  struct job *job = arg;
  job->err = e2ee_media_retire(job->member->media, job->epoch);
  set_flag(&gate.finished);
  return NULL;
}

/* The frame being worked on is finished with its key, retiring waits for it; other streams, also of
 * the epoch that goes, are held up by neither. */
START_TEST(retired_under_a_frame) {
  struct member alice = member_in(0, 2, 1), bob = member_in(1, 2, 1);
  e2ee_receiver *other = NULL;
  install(&bob, 2);
  ck_assert_int_eq(e2ee_receiver_new(bob.media, &other), OK);
  struct job decrypting = {.member = &bob, .frame = seal(&alice, "just in time")};
  struct job retiring = {.member = &bob, .epoch = 2};
  struct frame late = seal(&alice, "late");
  gate.real = bob.receiver->media->suite.aead;
  gate.slow = *gate.real;
  gate.slow.open = slow_open;
  bob.receiver->keys[RECEIVER_TRIAL].key.aead = &gate.slow;

  ck_assert_int_eq(pthread_create(&decrypting.thread, NULL, run_decrypt, &decrypting), 0);
  wait_for(&gate.inside);
  ck_assert_int_eq(pthread_create(&retiring.thread, NULL, run_retire, &retiring), 0);
  struct timespec time = {0, 50000000};
  (void)nanosleep(&time, NULL);
  ck_assert(!is_set(&gate.finished));
  enter(&alice, 2);
  struct frame next = seal(&alice, "next");
  ck_assert_int_eq(receive_with(other, &next, NULL), OK);
  (void)seal_with(alice.sender, "sent meanwhile");
  (void)expect_event(&bob, E2EE_EVENT_PEER_SWITCHED);

  set_flag(&gate.released);
  ck_assert_int_eq(pthread_join(decrypting.thread, NULL), 0);
  ck_assert_int_eq(pthread_join(retiring.thread, NULL), 0);
  ck_assert_int_eq(decrypting.err, OK);
  ck_assert_uint_eq(decrypting.size, 12);
  ck_assert_mem_eq(decrypting.out, "just in time", 12);
  ck_assert_int_eq(retiring.err, OK);
  ck_assert_int_eq(receive(&bob, &late, NULL), ERR_NO_KEY);
  ck_assert_int_eq(receive_with(other, &late, NULL), ERR_NO_KEY);
  for (unsigned i = 0; i < RECEIVER_KEYS; i++)
    ck_assert(bob.receiver->keys[i].used == 0 || bob.receiver->keys[i].key.kid % 16 == 2);
  e2ee_receiver_free(other);
  member_free(&alice);
  member_free(&bob);
}
END_TEST

/* Frames that come whenever a stream is let go of while an epoch is being retired. */
#define TURNS 16
static struct {
  const struct member *bob;
  struct frame unheard,
      kept[TURNS]; /* of the epoch that goes: of a key not seen yet, of one that was */
  struct frame stays[TURNS];
  unsigned turn;
} between;

void __real_latch_take_politely(struct latch *latch);
void __wrap_latch_take_politely(struct latch *latch);

void __wrap_latch_take_politely(struct latch *latch) {
  const struct member *bob = between.bob;
  unsigned turn = between.turn;
  if (bob != NULL && between.turn++ > 0) {
    between.bob = NULL; /* also where an assertion fails */
    ck_assert_uint_lt(turn, TURNS);
    ck_assert_int_eq(receive(bob, &between.unheard, NULL), ERR_NO_KEY);
    ck_assert_int_eq(receive(bob, &between.stays[turn], NULL), OK);
    /* A key that is wiped must not be tried: everybody knows it. */
    ck_assert_int_eq(receive(bob, &between.kept[turn], NULL), turn == 1 ? OK : ERR_NO_KEY);
    between.bob = bob;
  }
  __real_latch_take_politely(latch);
}

START_TEST(frames_while_an_epoch_goes) {
  struct member alice = member_in(0, 2, 16), bob = member_in(1, 2, 16);
  install(&bob, 17);
  for (unsigned i = 0; i < TURNS; i++)
    between.kept[i] = seal(&alice, "kept");
  ck_assert_int_eq(receive(&bob, &between.kept[0], NULL), OK);
  e2ee_sender *second = NULL; /* another key id */
  ck_assert_int_eq(e2ee_sender_new(alice.media, &second), OK);
  between.unheard = seal_with(second, "new");
  struct frame damaged = between.unheard; /* puts its key on trial */
  damaged.bytes[damaged.size - 1] ^= 1;
  ck_assert_int_eq(receive(&bob, &damaged, NULL), ERR_AUTH);
  enter(&alice, 17);
  for (unsigned i = 0; i < TURNS; i++)
    between.stays[i] = seal(&alice, "stays");
  ck_assert_int_eq(e2ee_media_activate(bob.media, 17), OK);
  between.bob = &bob;
  ck_assert_int_eq(e2ee_media_retire(bob.media, 17), OK);
  between.bob = NULL;
  ck_assert_uint_gt(between.turn, 3);
  for (unsigned i = 0; i <= RECEIVER_KEYS; i++)
    ck_assert(bob.receiver->keys[i].used == 0 || bob.receiver->keys[i].key.kid % 16 == 1);
  e2ee_sender_free(second);
  member_free(&alice);
  member_free(&bob);
}
END_TEST

/* ---- Events ---- */

/* Each sender is told low in each epoch, however many epochs that takes. */
START_TEST(keys_nearly_used_up) {
  struct member alice = member_of(0, 2);
  e2ee_sender *second = NULL;
  ck_assert_int_eq(e2ee_sender_new(alice.media, &second), OK);
  e2ee_sender *senders[] = {alice.sender, second};
  for (uint64_t epoch = 1; epoch <= 3; epoch++) {
    enter(&alice, epoch);
    for (unsigned i = 0; i < 2; i++) {
      senders[i]->key->counter = SENDER_FRAMES - SENDER_FRAMES_LOW - 2;
      (void)seal_with(senders[i], "not yet");
      (void)expect_event(&alice, 0);
      (void)seal_with(senders[i], "low");
      ck_assert_uint_eq(expect_event(&alice, E2EE_EVENT_KEY_LOW).epoch, epoch);
      (void)seal_with(senders[i], "low still");
      (void)expect_event(&alice, 0);
    }
  }
  e2ee_sender_free(second);
  member_free(&alice);
}
END_TEST

/* More members turn up in an epoch than events have room. */
START_TEST(more_members_than_events) {
  enum { MEMBERS = EVENTS_MAX + 44 };
  struct member bob = member_of(LEAVES_MAX - 1, LEAVES_MAX);
  install(&bob, 1);
  for (uint32_t leaf = 0; leaf < MEMBERS + 1; leaf++) {
    if (leaf == MEMBERS) { /* so far nobody has asked */
      for (uint32_t i = 0; i < EVENTS_MAX; i++)
        ck_assert_uint_eq(expect_event(&bob, E2EE_EVENT_PEER_SWITCHED).leaf, i);
      ck_assert_uint_eq(expect_event(&bob, E2EE_EVENT_DROPPED).value, MEMBERS - EVENTS_MAX);
      (void)expect_event(&bob, 0);
    }
    struct member peer = member_of(leaf, LEAVES_MAX);
    enter(&peer, 1);
    struct frame frame = seal(&peer, "hello");
    ck_assert_int_eq(receive(&bob, &frame, NULL), OK);
    member_free(&peer);
  }
  ck_assert_uint_eq(expect_event(&bob, E2EE_EVENT_PEER_SWITCHED).leaf, MEMBERS);
  (void)expect_event(&bob, 0);
  member_free(&bob);
}
END_TEST

/* ---- Who it was ---- */

static const char *who_in(const struct member *member, uint64_t epoch, uint32_t leaf) {
  static char text[64];
  size_t size = sizeof text - 1;
  int err =
      e2ee_media_member(member->media, epoch, leaf, E2EE_MEMBER_IDENTITY, (uint8_t *)text, &size);
  text[err == OK ? size : 0] = 0;
  return err == OK ? text : NULL;
}

/* A leaf that changes hands in each epoch, and is blank in every third. */
START_TEST(each_epoch_has_its_own_members) {
  struct member bob = member_of(1, 4);
  for (uint64_t newest = 1; newest <= 40; newest++) {
    bob.group->blank[3] = newest % 3 == 0;
    install(&bob, newest);
    if (newest == 30)
      ck_assert_int_eq(e2ee_media_retire(bob.media, 25), OK);
    for (uint64_t epoch = 0; epoch <= newest + 17; epoch++) {
      char expected[32];
      bool there = epoch >= 1 && epoch <= newest && epoch + 16 > newest &&
                   (newest < 30 || epoch >= 25) && epoch % 3 != 0;
      (void)snprintf(expected, sizeof expected, "3 in %llu", (unsigned long long)epoch);
      ck_assert_pstr_eq(who_in(&bob, epoch, 3), there ? expected : NULL);
    }
    ck_assert_pstr_eq(who_in(&bob, newest, 4), NULL);
    ck_assert_pstr_eq(who_in(&bob, newest, UINT32_MAX), NULL);
    ck_assert_pstr_eq(who_in(&bob, UINT64_MAX, 3), NULL);
  }
  member_free(&bob);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("all");
  tcase_set_timeout(tests, 60);
  tcase_add_loop_test(tests, history, 0, HISTORIES);
  tcase_add_test(tests, retired_under_a_frame);
  tcase_add_test(tests, frames_while_an_epoch_goes);
  tcase_add_test(tests, keys_nearly_used_up);
  tcase_add_test(tests, more_members_than_events);
  tcase_add_test(tests, each_epoch_has_its_own_members);
  return run_case("media-epochs", tests);
}
