/*
 * Sender keys: a receiver follows its sender from step to step and through generations.
 * SPDX-License-Identifier: ISC
 */
#include <e2ee/media.h>

#include "speakers.h"
#include "tests/run.h"

/* As many steps may be missing as the header says, and not one more. */
START_TEST(steps_missed) {
  static const struct {
    uint32_t bits;
    unsigned reach;
  } limits[] = {{2, 1}, {3, 3}, {6, 31}, {8, 127}, {9, 127}, {16, 127}};
  unsigned reach = limits[_i].reach;
  struct member alice = speaker(0, limits[_i].bits), bob = listener(0, limits[_i].bits);
  struct member carol = listener(0, limits[_i].bits);
  ratchet_on(&alice, reach);
  struct frame frame = seal(&alice, "in reach");
  expect_heard(&bob, &frame, 0, reach);
  (void)ratchet(&alice, NULL);
  frame = seal(&alice, "one too many");
  expect_refused(&carol, &frame, ERR_NO_KEY);
  expect_heard(&bob, &frame, 0, (reach + 1) % (1u << limits[_i].bits));
  /* Half of what R bits tell apart is behind, and no news. */
  expect_event(&carol, limits[_i].bits > 8 ? E2EE_EVENT_UNKNOWN_EPOCH : 0);

  /* Who has lost track gets the key anew. */
  struct secret base_key;
  (void)ratchet(&alice, &base_key);
  ck_assert_int_eq(
      e2ee_media_set_sender_key(carol.media, ALICE, 0, reach + 2, base_key.bytes, base_key.size),
      OK);
  frame = seal(&alice, "found again");
  expect_heard(&carol, &frame, 0, (reach + 2) % (1u << limits[_i].bits));
  leave(&alice);
  leave(&bob);
  leave(&carol);
}
END_TEST

/* Set again at a later step: what is before stays if it is near, for key ids come again. */
START_TEST(told_the_step) {
  static const unsigned jumps[] = {3, 4, 7, 8, 16};
  struct member alice = speaker(0, 3), bob = listener(0, 3);
  struct secret base_key;
  pass(&alice, &bob, 1);
  struct frame late = seal(&alice, "late");
  ratchet_on(&alice, jumps[_i] - 1);
  (void)seal(&alice, "unheard");
  uint64_t step = ratchet(&alice, &base_key);
  ck_assert_uint_eq(step, jumps[_i]);
  ck_assert_int_eq(
      e2ee_media_set_sender_key(bob.media, ALICE, 0, step, base_key.bytes, base_key.size), OK);
  expect_links(chain_in(&bob), step > 3 ? 1 : 2);
  pass(&alice, &bob, 3); /* with counters that the first key has seen */
  if (step > 3)
    ck_assert_int_ne(receive(&bob, &late, NULL), OK);
  else
    expect_heard(&bob, &late, 0, 0);
  leave(&alice);
  leave(&bob);
}
END_TEST

/* ---- Told of a later step by another thread while a frame is being accepted ---- */

static struct {
  struct member *listener; /* NULL: nothing more is told */
  struct secret base_key;
  uint64_t step;
  struct source_type type;
  const struct source_type *real;
} told;

static bool heard_and_told(struct source *source, uint64_t kid) {
  bool first = told.real->heard(source, kid);
  if (told.listener != NULL)
    ck_assert_int_eq(e2ee_media_set_sender_key(told.listener->media, ALICE, 0, told.step,
                                               told.base_key.bytes, told.base_key.size),
                     OK);
  told.listener = NULL;
  return first;
}

static void tell_when_heard(struct member *listener) {
  told.listener = listener;
  told.real = listener->receiver->source->type;
  told.type = *told.real;
  told.type.heard = heard_and_told;
  listener->receiver->source->type = &told.type;
}

/* With three bits, steps 0, 8 and 16 have one key id, 0: of step 8 nothing may be left for step 16. */
START_TEST(told_while_hearing) {
  struct member alice = speaker(0, 3), bob = listener(0, 3);
  pass(&alice, &bob, 1);
  for (unsigned step = 1; step <= 8; step++) {
    (void)ratchet(&alice, NULL);
    pass(&alice, &bob, 1);
  }
  struct frame late = seal(&alice, "of step 8");
  (void)ratchet(&alice, NULL);
  struct frame ninth = seal(&alice, "of step 9");
  ratchet_on(&alice, 7);
  told.step = ratchet(&alice, &told.base_key);
  ck_assert_uint_eq(told.step, 16);
  tell_when_heard(&bob);
  expect_heard(&bob, &ninth, 0, 1);
  ck_assert_int_ne(receive(&bob, &late, NULL), OK);
  struct frame frame = seal(&alice, "of step 16");
  expect_heard(&bob, &frame, 0, 0);
  leave(&alice);
  leave(&bob);
}
END_TEST

/* Only a tag moves the chain, and what is forged leaves nothing behind. */
START_TEST(forged_steps) {
  struct member alice = speaker(0, 0), bob = listener(0, 0);
  struct frame frame = seal(&alice, "first");
  expect_heard(&bob, &frame, 0, 0);
  (void)expect_event(&bob, E2EE_EVENT_PEER_SWITCHED);
  ck_assert_int_eq(e2ee_media_set_sender_key(bob.media, ALICE, 1, 0, KEY(1)), OK);
  struct chain *chain = chain_in(&bob), before = *chain;
  for (uint64_t kid = 0; kid < 256; kid++) {
    struct frame bad = forged(kid);
    bool reachable = kid < 128 && kid % 64 <= 31;
    expect_refused(&bob, &bad, reachable ? ERR_AUTH : ERR_NO_KEY);
  }
  ck_assert_mem_eq(chain->links, before.links, sizeof before.links);
  ck_assert_uint_eq(chain->now, 0);
  ck_assert_uint_eq(chain->source.version, before.source.version);
  ck_assert_uint_eq(chain->source.late, 0);
  ck_assert_uint_eq(expect_event(&bob, E2EE_EVENT_PEER_DIFFERS).value, 1); /* each told once */
  e2ee_event event = expect_event(&bob, E2EE_EVENT_UNKNOWN_EPOCH);
  ck_assert_uint_eq(event.leaf, ALICE);
  ck_assert_uint_eq(event.epoch, 2);
  ck_assert_uint_eq(event.value, 128);
  (void)expect_event(&bob, 0);
  frame = seal(&alice, "second");
  expect_heard(&bob, &frame, 0, 0);
  ck_assert_uint_eq(stats_of(&bob).auth_failed, 64);
  ck_assert_uint_eq(stats_of(&bob).no_key, 256 - 64);

  ck_assert_int_eq(e2ee_media_set_sender_key(bob.media, ALICE, 2, 0, KEY(2)), OK);
  frame = forged(3 * 64);
  expect_refused(&bob, &frame, ERR_NO_KEY);
  ck_assert_uint_eq(expect_event(&bob, E2EE_EVENT_UNKNOWN_EPOCH).epoch, 3);
  leave(&alice);
  leave(&bob);
}
END_TEST

/* The step before is kept for late frames: 1024 more, or until the next step. */
START_TEST(late_frames_of_a_step) {
  struct member alice = speaker(0, 0), bob = listener(0, 0);
  struct frame early = seal(&alice, "early"), late = seal(&alice, "late");
  struct frame later = seal(&alice, "later"), never = seal(&alice, "never");
  expect_heard(&bob, &early, 0, 0);
  (void)ratchet(&alice, NULL);
  pass(&alice, &bob, 1); /* the chain moves, and begins to count */
  expect_heard(&bob, &late, 0, 0);
  expect_refused(&bob, &late, ERR_REPLAY);
  pass(&alice, &bob, CHAIN_LATE - 3);
  ck_assert_uint_eq(chain_in(&bob)->source.late, 1);
  expect_heard(&bob, &later, 0, 0); /* the last one */
  ck_assert_uint_eq(chain_in(&bob)->count, 1);
  expect_refused(&bob, &never, ERR_NO_KEY);
  expect_refused(&bob, &late, ERR_NO_KEY);

  never = seal(&alice, "of step 1");
  ratchet_on(&alice, 2);
  pass(&alice, &bob, 1); /* step 3; what is before is step 1, for step 2 was not heard */
  struct frame third = seal(&alice, "of step 3");
  expect_heard(&bob, &never, 0, 1);
  (void)ratchet(&alice, NULL);
  pass(&alice, &bob, 1);
  expect_refused(&bob, &never, ERR_NO_KEY);
  expect_heard(&bob, &third, 0, 3);
  leave(&alice);
  leave(&bob);
}
END_TEST

START_TEST(late_frames_of_a_generation) {
  struct member alice = speaker(0, 0), bob = listener(0, 0);
  struct frame early = seal(&alice, "early"), late = seal(&alice, "late");
  struct frame never = seal(&alice, "never");
  expect_heard(&bob, &early, 0, 0);
  ck_assert_int_eq(e2ee_media_set_sender_key(bob.media, ALICE, 1, 0, KEY(1)), OK);
  pass(&alice, &bob, CHAIN_LATE + 5); /* announced is not heard: alice may need some time */
  ck_assert_int_eq(e2ee_media_set_own_key(alice.media, 1, KEY(1)), OK);
  pass(&alice, &bob, 1);
  expect_refused(&bob, &late, ERR_REPLAY); /* far behind the newest of its key id */
  ck_assert_uint_eq(chain_in(&bob)->count, 2);
  pass(&alice, &bob, CHAIN_LATE - 1);
  expect_refused(&bob, &never, ERR_NO_KEY);
  ck_assert_uint_eq(chain_in(&bob)->count, 1);
  leave(&alice);
  leave(&bob);
}
END_TEST

/* Two streams of one sender share the chain: what one has heard, the other follows. */
START_TEST(streams_of_one_sender) {
  struct member alice = speaker(0, 0), bob = listener(0, 0);
  struct member sound = {.media = bob.media, .receiver = receiver_of(&bob, ALICE)};
  struct frame old = seal(&alice, "x"), late = seal(&alice, "y"), never = seal(&alice, "z");
  expect_heard(&bob, &old, 0, 0);
  expect_heard(&sound, &old, 0, 0); /* each stream refuses its own replays only */
  (void)expect_event(&bob, E2EE_EVENT_PEER_SWITCHED);
  (void)expect_event(&bob, 0);
  ratchet_on(&alice, 30);
  pass(&alice, &bob, 1);
  ck_assert_uint_eq(expect_event(&bob, E2EE_EVENT_PEER_SWITCHED).value, 30);
  expect_heard(&sound, &late, 0, 0);
  expect_refused(&sound, &old, ERR_REPLAY);
  ratchet_on(&alice, 31); /* out of reach for who stayed at step 0 */
  pass(&alice, &bob, 1);
  expect_refused(&sound, &never, ERR_AUTH); /* so far behind that it looks ahead */
  pass(&alice, &sound, 1);
  (void)expect_event(&bob, E2EE_EVENT_PEER_SWITCHED);
  (void)expect_event(&bob, E2EE_EVENT_PEER_DIFFERS);
  (void)expect_event(&bob, 0);
  e2ee_receiver_free(sound.receiver);
  leave(&alice);
  leave(&bob);
}
END_TEST

/* Key ids come again after 2^R steps: a stream that was silent takes none for its old one. */
START_TEST(key_ids_come_again) {
  struct member alice = speaker(0, 2), bob = listener(0, 2);
  struct member sound = {.media = bob.media, .receiver = receiver_of(&bob, ALICE)};
  pass(&alice, &sound, 5);
  struct frame old = seal(&alice, "old");
  for (unsigned step = 1; step <= 4; step++) {
    (void)seal(&alice, "unheard");
    (void)ratchet(&alice, NULL);
    pass(&alice, &bob, 1);
  }
  expect_refused(&sound, &old, ERR_AUTH); /* its key id has another key now */
  pass(&alice, &sound, 4);                /* counters that the old key has seen */
  struct frame frame = seal(&alice, "x");
  expect_heard(&sound, &frame, 0, 0);
  expect_refused(&sound, &frame, ERR_REPLAY);
  pass(&alice, &bob, 1);
  e2ee_receiver_free(sound.receiver);
  leave(&alice);
  leave(&bob);
}
END_TEST

/* A generation can come while others wait, be skipped, and be ratcheted before it is heard. */
START_TEST(generations_that_wait) {
  struct member alice = speaker(0, 0), bob = listener(0, 0);
  pass(&alice, &bob, 1);
  for (uint64_t generation = 1; generation <= 3; generation++)
    ck_assert_int_eq(e2ee_media_set_sender_key(bob.media, ALICE, generation, 0, KEY(generation)),
                     OK);
  struct frame zero = seal(&alice, "0");
  (void)ratchet(&alice, NULL);
  struct frame ahead = seal(&alice, "of generation 0, step 1");
  ck_assert_int_eq(e2ee_media_set_own_key(alice.media, 1, KEY(1)), OK);
  struct frame one = seal(&alice, "1");
  ck_assert_int_eq(e2ee_media_set_own_key(alice.media, 2, KEY(2)), OK);
  ratchet_on(&alice, 2);
  struct frame two = seal(&alice, "2");
  expect_heard(&bob, &two, 2, 2 * 64 + 2);
  expect_links(chain_in(&bob), 3);        /* 0, 2 and 3 */
  expect_refused(&bob, &one, ERR_NO_KEY); /* passed over */
  expect_heard(&bob, &zero, 0, 0);        /* the one before */
  expect_refused(&bob, &ahead, ERR_NO_KEY);
  ck_assert_int_eq(e2ee_media_set_own_key(alice.media, 3, KEY(3)), OK);
  pass(&alice, &bob, 1);
  struct frame last = two;
  expect_refused(&bob, &last, ERR_REPLAY);
  expect_refused(&bob, &zero, ERR_NO_KEY);

  /* A generation that waits may be set again, further on; the one before it goes on meanwhile. */
  (void)ratchet(&alice, NULL);
  ahead = seal(&alice, "of generation 3, step 1");
  ck_assert_int_eq(e2ee_media_set_own_key(alice.media, 4, KEY(4)), OK);
  struct frame first = seal(&alice, "step 0");
  struct secret base_key;
  (void)ratchet(&alice, &base_key);
  ck_assert_int_eq(e2ee_media_set_sender_key(bob.media, ALICE, 4, 0, KEY(4)), OK);
  ck_assert_int_eq(e2ee_media_set_sender_key(bob.media, ALICE, 4, 1, base_key.bytes, base_key.size),
                   OK);
  expect_heard(&bob, &ahead, 3, 3 * 64 + 1);
  expect_refused(&bob, &first, ERR_NO_KEY);
  pass(&alice, &bob, 1);
  leave(&alice);
  leave(&bob);
}
END_TEST

/* Of a sender that is silent while many leave, the newest keys stay. */
START_TEST(too_many_that_wait) {
  struct member alice = speaker(0, 0), bob = listener(0, 0);
  struct frame frames[20], stepped[20];
  uint8_t key[32] = {0};
  frames[0] = seal(&alice, "0");
  for (uint8_t generation = 1; generation < 20; generation++) {
    key[0] = (uint8_t)(100 + generation);
    ck_assert_int_eq(e2ee_media_set_sender_key(bob.media, ALICE, generation, 0, key, 32), OK);
    ck_assert_int_eq(e2ee_media_set_own_key(alice.media, generation, key, 32), OK);
    frames[generation] = seal(&alice, "x");
    (void)ratchet(&alice, NULL);
    stepped[generation] = seal(&alice, "y");
    ck_assert_uint_le(chain_in(&bob)->count, CHAIN_LINKS);
    if (generation == 10)
      expect_heard(&bob, &frames[8], 8, 8 * 64);
  }
  for (unsigned generation = 0; generation < 8; generation++)
    expect_refused(&bob, &frames[generation], ERR_NO_KEY);
  expect_refused(&bob, &stepped[12], ERR_NO_KEY);
  expect_heard(&bob, &stepped[13], 13, 13 * 64 + 1);
  expect_links(chain_in(&bob), CHAIN_LINKS);
  for (unsigned generation = 13; generation < 20; generation++)
    expect_heard(&bob, &frames[generation], generation, generation * 64);
  leave(&alice);
  leave(&bob);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("all");
  tcase_set_timeout(tests, 120);
  tcase_add_loop_test(tests, steps_missed, 0, 6);
  tcase_add_loop_test(tests, told_the_step, 0, 5);
  tcase_add_test(tests, told_while_hearing);
  tcase_add_test(tests, forged_steps);
  tcase_add_test(tests, late_frames_of_a_step);
  tcase_add_test(tests, late_frames_of_a_generation);
  tcase_add_test(tests, streams_of_one_sender);
  tcase_add_test(tests, key_ids_come_again);
  tcase_add_test(tests, generations_that_wait);
  tcase_add_test(tests, too_many_that_wait);
  return run_case("senderkeys-following", tests);
}
