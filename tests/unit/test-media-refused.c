/*
 * What receivers refuse: what members of the group can spoil for each other and what not, what
 * forged frames cost, and what the counters and events say of it.
 * SPDX-License-Identifier: ISC
 */
#include "keyids.h"
#include "media-double.h"
#include "tests/run.h"

/* ---- Counters far ahead ---- */

/* All members have all keys.  A counter that no sender comes to takes nobody's frames away. */
START_TEST(silenced) {
  struct member bob = member_of(1, 2);
  install(&bob, 1);
  ck_assert_int_eq(take(&bob, kid_of(0, 1), UINT64_MAX), ERR_REPLAY);
  ck_assert_int_eq(take(&bob, kid_of(0, 1), REPLAY_AHEAD_MAX + 1), ERR_REPLAY);
  ck_assert_int_eq(take(&bob, kid_of(0, 1), 7), OK);
  ck_assert_int_eq(take(&bob, kid_of(0, 1), UINT64_MAX), ERR_REPLAY);
  ck_assert_int_eq(take(&bob, kid_of(0, 1), REPLAY_AHEAD_MAX + 8), ERR_REPLAY);
  ck_assert_int_eq(take(&bob, kid_of(0, 1), 8), OK);
  ck_assert_int_eq(take(&bob, kid_of(0, 1), REPLAY_AHEAD_MAX + 8), OK);
  ck_assert_int_eq(take(&bob, kid_of(1, 1), REPLAY_AHEAD_MAX), OK); /* the first of its key id */
  ck_assert_uint_eq(stats_of(&bob).late, 4);
  member_free(&bob);
}
END_TEST

/* Also where the replay window has gone to somebody else. */
START_TEST(silenced_without_a_window) {
  struct member bob = member_of(1, 2);
  install(&bob, 1);
  for (uint64_t context = 0; context <= TRACKS_WINDOWS; context++)
    ck_assert_int_eq(take(&bob, kid_of(context, 1), 7), OK);
  ck_assert_int_eq(take(&bob, kid_of(0, 1), REPLAY_AHEAD_MAX + 8), ERR_REPLAY);
  ck_assert_int_eq(take(&bob, kid_of(0, 1), REPLAY_AHEAD_MAX + 7), OK);
  member_free(&bob);
}
END_TEST

/* Another member's counter goes on as long as it likes, if not in one jump. */
START_TEST(counters_of_others) {
  struct member bob = member_of(1, 2);
  install(&bob, 1);
  ck_assert_int_eq(take(&bob, kid_of(0, 1), 0), OK);
  struct tracks *tracks = &bob.receiver->tracks;
  tracks->windows[tracks_find(tracks, kid_of(0, 1))->window].replay.newest = UINT64_MAX - 10;
  ck_assert_int_eq(take(&bob, kid_of(0, 1), UINT64_MAX - 1), OK);
  ck_assert_int_eq(take(&bob, kid_of(0, 1), UINT64_MAX), OK);
  ck_assert_int_eq(take(&bob, kid_of(0, 1), UINT64_MAX), ERR_REPLAY);
  ck_assert_int_eq(take(&bob, kid_of(0, 1), 0), ERR_REPLAY);
  ck_assert_int_eq(take(&bob, kid_of(UINT64_MAX >> 5, 1), 7), OK);
  member_free(&bob);
}
END_TEST

/* ---- Key ids without end ---- */

enum { LEAVES = 4096, LEAF_BITS = 12 };

static uint64_t kid_of_leaf(uint64_t context, uint64_t leaf, uint64_t epoch) {
  return context << (LEAF_BITS + 4) | leaf << 4 | epoch % 16;
}

/* One member takes as many key ids as it gets, and the others are heard nevertheless. */
START_TEST(one_member_fills_the_room) {
  struct member bob = member_of(1, LEAVES);
  install(&bob, 1);
  uint64_t context = 0;
  while (take(&bob, kid_of_leaf(context, 0, 1), 1) == OK)
    context++;
  ck_assert_uint_eq(context, TRACKS_MAX / 2);
  ck_assert_int_eq(take(&bob, kid_of_leaf(context, 0, 1), 1), ERR_LIMIT);
  ck_assert_int_eq(take(&bob, kid_of_leaf(0, 0, 1), 2), OK); /* what was heard goes on */
  /* A hundred others with four each.  Here no two of them fall together. */
  for (uint64_t leaf = 2; leaf < 102; leaf++) {
    for (context = 0; context < TRACKS_SHARE; context++)
      ck_assert_int_eq(take(&bob, kid_of_leaf(context, leaf, 1), 1), OK);
    ck_assert_int_eq(take(&bob, kid_of_leaf(context, leaf, 1), 1), ERR_LIMIT);
  }
  ck_assert_uint_eq(stats_of(&bob).no_room, 102);
  ck_assert_uint_eq(stats_of(&bob).no_key, 102);
  /* In another epoch everybody begins anew, in what is left. */
  install(&bob, 2);
  ck_assert_int_eq(take(&bob, kid_of_leaf(0, 0, 2), 1), OK);
  ck_assert_int_eq(e2ee_media_retire(bob.media, 2), OK);
  for (context = 0; context < TRACKS_MAX / 2 - 1; context++)
    ck_assert_int_eq(take(&bob, kid_of_leaf(1 + context, 0, 2), 1), OK);
  ck_assert_int_eq(take(&bob, kid_of_leaf(1 + context, 0, 2), 1), ERR_LIMIT);
  member_free(&bob);
}
END_TEST

/* ---- What a forged frame costs ---- */

static unsigned derived;

enum err __real_sframe_key_set(const struct sframe_suite *suite, const struct secret *secret,
                               uint64_t kid, struct sframe_key *key);
enum err __wrap_sframe_key_set(const struct sframe_suite *suite, const struct secret *secret,
                               uint64_t kid, struct sframe_key *key);

enum err __wrap_sframe_key_set(const struct sframe_suite *suite, const struct secret *secret,
                               uint64_t kid, struct sframe_key *key) {
  derived++;
  return __real_sframe_key_set(suite, secret, kid, key);
}

static void expect_forged(const struct member *bob, uint64_t kid, uint64_t counter) {
  struct frame frame = forged(kid, counter);
  ck_assert_int_eq(receive(bob, &frame, NULL), ERR_AUTH);
}

/* A key that was never right is derived once, as long as no other is tried. */
START_TEST(keys_on_trial_stay) {
  struct member bob = member_of(1, 2);
  install(&bob, 1);
  derived = 0;
  for (uint64_t i = 0; i < 100; i++)
    expect_forged(&bob, kid_of(9, 1), i);
  ck_assert_uint_eq(derived, 1);
  struct frame authentic_one = authentic(&bob, kid_of(9, 1), 100);
  derived = 0;
  ck_assert_int_eq(receive(&bob, &authentic_one, NULL), OK);
  ck_assert_uint_eq(derived, 0);
  ck_assert_int_eq(receive(&bob, &authentic_one, NULL), ERR_REPLAY);
  for (uint64_t i = 0; i < 10; i++)
    expect_forged(&bob, kid_of(i % 2, 1), i);
  ck_assert_uint_eq(derived, 10);
  /* Kept, but for the epoch alone. */
  struct frame of_epoch_1 = forged(kid_of(1, 1), 11);
  install(&bob, 2);
  ck_assert_int_eq(e2ee_media_retire(bob.media, 2), OK);
  ck_assert_int_eq(receive(&bob, &of_epoch_1, NULL), ERR_NO_KEY);
  ck_assert_int_eq(bob.receiver->keys[RECEIVER_TRIAL].used > 0, false);
  member_free(&bob);
}
END_TEST

/* A key that gave its place to another is there for its next frame, unless one more was tried. */
START_TEST(keys_that_gave_way) {
  struct member bob = member_of(1, 2);
  struct frame frames[RECEIVER_KEYS + 1][2];
  install(&bob, 1);
  for (uint64_t context = 0; context <= RECEIVER_KEYS; context++)
    for (uint64_t i = 0; i < 2; i++)
      frames[context][i] = authentic(&bob, kid_of(context, 1), i);
  for (uint64_t context = 0; context <= RECEIVER_KEYS; context++)
    ck_assert_int_eq(receive(&bob, &frames[context][0], NULL), OK);
  derived = 0;
  for (uint64_t context = 0; context <= RECEIVER_KEYS; context++)
    ck_assert_int_eq(receive(&bob, &frames[context][1], NULL), OK);
  ck_assert_uint_eq(derived, 0);
  for (uint64_t context = 0; context <= RECEIVER_KEYS; context++)
    for (uint64_t i = 0; i < 2; i++)
      ck_assert_int_eq(receive(&bob, &frames[context][i], NULL), ERR_REPLAY);
  member_free(&bob);
}
END_TEST

/* ---- What is told ---- */

/* A wrong tag under a key that has been right is one thing, under one that never was another. */
START_TEST(wrong_tags) {
  struct member bob = member_of(1, 2);
  install(&bob, 1);
  ck_assert_int_eq(take(&bob, kid_of(0, 1), 0), OK);
  (void)expect_event(&bob, E2EE_EVENT_PEER_SWITCHED);
  expect_forged(&bob, kid_of(0, 1), 1);
  (void)expect_event(&bob, 0);
  ck_assert_uint_eq(stats_of(&bob).auth_failed, 1);
  ck_assert_uint_eq(stats_of(&bob).never_right, 0);
  for (uint64_t i = 0; i < 3; i++)
    expect_forged(&bob, kid_of(5 + i, 1), i);
  ck_assert_uint_eq(stats_of(&bob).auth_failed, 4);
  ck_assert_uint_eq(stats_of(&bob).never_right, 3);
  e2ee_event event = expect_event(&bob, E2EE_EVENT_PEER_DIFFERS);
  ck_assert_uint_eq(event.leaf, 0);
  ck_assert_uint_eq(event.epoch, 1);
  ck_assert_uint_eq(event.value, kid_of(5, 1));
  (void)expect_event(&bob, 0);
  install(&bob, 2); /* it may be told again */
  expect_forged(&bob, kid_of(8, 1), 0);
  expect_forged(&bob, kid_of(8, 2), 0);
  ck_assert_uint_eq(expect_event(&bob, E2EE_EVENT_PEER_DIFFERS).epoch, 1);
  ck_assert_uint_eq(expect_event(&bob, E2EE_EVENT_PEER_DIFFERS).epoch, 2);
  (void)expect_event(&bob, 0);
  member_free(&bob);
}
END_TEST

/* Members who have one epoch's number in common and nothing else; and one with another suite. */
START_TEST(members_that_differ) {
  struct member alice = member_in(0, 2, 1), bob = member_of(1, 2), carol = member_of(1, 2);
  bob.group->branch = 1;
  install(&bob, 1);
  e2ee_media_free(carol.media);
  e2ee_receiver_free(carol.receiver);
  ck_assert_int_eq(e2ee_media_new(5, &carol.media), OK);
  ck_assert_int_eq(e2ee_receiver_new(carol.media, &carol.receiver), OK);
  install(&carol, 1);
  struct frame frame = seal(&alice, "hello");
  const struct member *others[] = {&bob, &carol};
  for (unsigned i = 0; i < 2; i++) {
    ck_assert_int_eq(receive(others[i], &frame, NULL), ERR_AUTH);
    ck_assert_uint_eq(expect_event(others[i], E2EE_EVENT_PEER_DIFFERS).leaf, 0);
    ck_assert_uint_eq(stats_of(others[i]).never_right, 1);
  }
  member_free(&alice);
  member_free(&bob);
  member_free(&carol);
}
END_TEST

/* With sender keys: told once until the sender's next key. */
START_TEST(senders_that_differ) {
  static const uint8_t keys[2][16] = {{1}, {2}};
  e2ee_media *media = NULL;
  e2ee_event event;
  struct member bob = {.receiver = NULL};
  struct frame frame = forged(0, 0), ahead = forged(3, 0);
  ck_assert_int_eq(e2ee_media_new_sender_keys(0, 0, &media), OK);
  ck_assert_int_eq(e2ee_media_add_sender(media, 7, 0), OK);
  ck_assert_int_eq(e2ee_media_set_sender_key(media, 7, 0, 0, keys[0], sizeof keys[0]), OK);
  ck_assert_int_eq(e2ee_media_receiver_new(media, 7, &bob.receiver), OK);
  derived = 0;
  for (unsigned i = 0; i < 5; i++)
    ck_assert_int_eq(receive(&bob, &ahead, NULL), ERR_AUTH);
  ck_assert_uint_eq(derived, 1);
  ck_assert_int_eq(receive(&bob, &frame, NULL), ERR_AUTH);
  ck_assert_int_eq(e2ee_media_next_event(media, &event, sizeof event), 1);
  ck_assert_uint_eq(event.kind, E2EE_EVENT_PEER_DIFFERS);
  ck_assert_uint_eq(event.leaf, 7);
  ck_assert_uint_eq(event.epoch, 0);
  ck_assert_int_eq(e2ee_media_next_event(media, &event, sizeof event), 0);
  ck_assert_int_eq(e2ee_media_set_sender_key(media, 7, 1, 0, keys[1], sizeof keys[1]), OK);
  ck_assert_int_eq(receive(&bob, &frame, NULL), ERR_AUTH);
  ck_assert_int_eq(e2ee_media_next_event(media, &event, sizeof event), 1);
  e2ee_receiver_free(bob.receiver);
  e2ee_media_free(media);
}
END_TEST

START_TEST(late_frames) {
  struct member bob = member_of(1, 2);
  install(&bob, 1);
  ck_assert_int_eq(take(&bob, kid_of(0, 1), REPLAY_WINDOW + 5), OK);
  ck_assert_int_eq(take(&bob, kid_of(0, 1), REPLAY_WINDOW + 5), ERR_REPLAY);
  ck_assert_uint_eq(stats_of(&bob).late, 0);
  ck_assert_int_eq(take(&bob, kid_of(0, 1), 6), OK);
  ck_assert_int_eq(take(&bob, kid_of(0, 1), 6), ERR_REPLAY);
  ck_assert_uint_eq(stats_of(&bob).late, 0);
  ck_assert_int_eq(take(&bob, kid_of(0, 1), 5), ERR_REPLAY);
  ck_assert_uint_eq(stats_of(&bob).late, 1);
  ck_assert_uint_eq(stats_of(&bob).replayed, 3);
  member_free(&bob);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("all");
  tcase_set_timeout(tests, 60);
  tcase_add_test(tests, silenced);
  tcase_add_test(tests, silenced_without_a_window);
  tcase_add_test(tests, counters_of_others);
  tcase_add_test(tests, one_member_fills_the_room);
  tcase_add_test(tests, keys_on_trial_stay);
  tcase_add_test(tests, keys_that_gave_way);
  tcase_add_test(tests, wrong_tags);
  tcase_add_test(tests, members_that_differ);
  tcase_add_test(tests, senders_that_differ);
  tcase_add_test(tests, late_frames);
  return run_case("media-refused", tests);
}
