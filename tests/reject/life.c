/* What was verified but comes too late when it is accepted, and what never ends.
 * SPDX-License-Identifier: ISC */
#include <stdlib.h>

#include "chapters.h"
#include "forge.h"

/* An empty commit of a member, not decided yet. */
static void build(struct world *world, uint32_t by, struct bytes *out) {
  struct group *group = world->member[by].group;
  ck_assert_int_eq(commit_build(group, &(struct commit_plan){0}), OK);
  ck_assert_int_eq(bytes_copy(out, bytes_view(&group->pending->message)), OK);
}

static struct incoming *verified(struct member *member, const struct bytes *message) {
  struct incoming *incoming = NULL;
  ck_assert_int_eq(process_message(member->group, bytes_view(message), &incoming), OK);
  return incoming;
}

/* All but alice and bob. */
static void others_accept(struct world *world, const struct bytes *message) {
  for (uint32_t i = CAROL; i < MEMBERS; i++) {
    struct incoming *incoming = verified(&world->member[i], message);
    ck_assert_int_eq(process_accept(incoming), OK);
    incoming_free(incoming);
  }
}

static void expect_not_accepted(struct member *member, struct incoming *incoming,
                                const struct row *row) {
  struct bytes before = state_of(member);
  member->client->why.text[0] = 0;
  expect_reason(member->client, process_accept(incoming), row);
  struct bytes after = state_of(member);
  ck_assert_msg(view_equal(bytes_view(&before), bytes_view(&after)), "%s", row->changed);
  bytes_free(&before);
  bytes_free(&after);
}

/* The delivery service sends an own commit back, and again. */
START_TEST(own_commit_twice) {
  const struct row again = {"6", "an own commit comes back twice", NULL, ERR_OLD_EPOCH};
  const struct row twice = {"", "an own commit is accepted twice", NULL, ERR_INVALID_STATE};
  struct world world;
  struct bytes message = {0};
  world_init(&world, 1);
  build(&world, ALICE, &message);
  world_deliver(&world, ALICE, &message);
  struct incoming *incoming = verified(&world.member[ALICE], &message);
  struct incoming *echo = verified(&world.member[ALICE], &message);
  ck_assert_int_eq(process_accept(incoming), OK);
  expect_not_accepted(&world.member[ALICE], incoming, &twice);
  const struct row late = {"", "an own commit is accepted from two copies", NULL, ERR_OLD_EPOCH};
  expect_not_accepted(&world.member[ALICE], echo, &late);
  expect_refused(&world.member[ALICE], &message, &again);
  world_works(&world);
  incoming_free(incoming);
  incoming_free(echo);
  bytes_free(&message);
  world_free(&world);
}
END_TEST

/* Two commits of one epoch are both right; the second one to be accepted is not. */
START_TEST(two_commits) {
  const struct row row = {"", "another commit was accepted meanwhile", NULL, ERR_OLD_EPOCH};
  struct world world;
  struct bytes bob = {0}, carol = {0};
  world_init(&world, 1);
  build(&world, BOB, &bob);
  build(&world, CAROL, &carol);
  struct incoming *first = verified(&world.member[ALICE], &bob);
  struct incoming *second = verified(&world.member[ALICE], &carol);
  ck_assert_int_eq(process_accept(first), OK);
  expect_not_accepted(&world.member[ALICE], second, &row);
  incoming_free(first);
  incoming_free(second);
  ck_assert_int_eq(commit_accepted(world.member[BOB].group), OK);
  ck_assert_int_eq(commit_discard(world.member[CAROL].group), OK);
  others_accept(&world, &bob);
  world_works(&world);
  bytes_free(&bob);
  bytes_free(&carol);
  world_free(&world);
}
END_TEST

/* Another's commit, while an own one waits for the delivery service. */
START_TEST(pending_commit) {
  const struct row row = {"", "an own commit is pending", NULL, ERR_PENDING_COMMIT};
  struct world world;
  struct bytes own = {0}, bob = {0};
  world_init(&world, 1);
  struct member *alice = &world.member[ALICE];
  build(&world, ALICE, &own);
  build(&world, BOB, &bob);
  struct incoming *incoming = verified(alice, &bob);
  expect_not_accepted(alice, incoming, &row);
  ck_assert_int_eq(commit_discard(alice->group), OK);
  ck_assert_int_eq(process_accept(incoming), OK);
  incoming_free(incoming);
  ck_assert_int_eq(commit_accepted(world.member[BOB].group), OK);
  others_accept(&world, &bob);
  world_works(&world);
  bytes_free(&own);
  bytes_free(&bob);
  world_free(&world);
}
END_TEST

/* An own commit came back, but was discarded for another one meanwhile. */
START_TEST(other_own_commit) {
  const struct row row = {"", "the own commit was discarded", NULL, ERR_LEFT_BEHIND};
  struct world world;
  struct bytes first = {0}, second = {0};
  world_init(&world, 1);
  struct member *alice = &world.member[ALICE];
  build(&world, ALICE, &first);
  struct incoming *incoming = verified(alice, &first);
  ck_assert_int_eq(commit_discard(alice->group), OK);
  build(&world, ALICE, &second);
  expect_not_accepted(alice, incoming, &row);
  incoming_free(incoming);
  world_deliver(&world, ALICE, &second);
  ck_assert_int_eq(commit_accepted(alice->group), OK);
  world_works(&world);
  bytes_free(&first);
  bytes_free(&second);
  world_free(&world);
}
END_TEST

/* A proposal that was verified in the epoch before. */
START_TEST(late_proposal) {
  const struct row row = {"", "a commit was accepted meanwhile", NULL, ERR_OLD_EPOCH};
  struct world world;
  struct bytes proposal = {0};
  world_init(&world, 1);
  ck_assert_int_eq(group_propose_update(world.member[BOB].group, &proposal), OK);
  struct incoming *incoming = verified(&world.member[ALICE], &proposal);
  world_advance(&world, CAROL);
  expect_not_accepted(&world.member[ALICE], incoming, &row);
  world_works(&world);
  incoming_free(incoming);
  bytes_free(&proposal);
  world_free(&world);
}
END_TEST

/* MALLORY proposes without end. */
START_TEST(too_many_proposals) {
  const struct row row = {"", "more proposals than the limit", NULL, ERR_LIMIT};
  struct world world;
  struct letter letter;
  struct bytes message = {0}, proposal = propose_remove(ERIN);
  world_init(&world, 1);
  struct member *alice = &world.member[ALICE];
  letter_begin(&letter, &world.member[MALLORY], CONTENT_PROPOSAL, bytes_view(&proposal));
  letter_sign(&letter);
  for (uint32_t i = 0; i < PROPOSALS_MAX; i++) {
    const uint8_t number[2] = {(uint8_t)(i >> 8), (uint8_t)i};
    struct secret *none = NULL;
    letter.content.authenticated_data = VIEW_ARRAY(number);
    const struct authenticated_content content = {WIRE_PUBLIC_MESSAGE, letter.content, letter.auth};
    ck_assert_int_eq(
        proposal_store_add(&alice->group->proposals, alice->client->suite, &content, &none), OK);
  }
  letter_end(&letter);
  letter_begin(&letter, &world.member[MALLORY], CONTENT_PROPOSAL, bytes_view(&proposal));
  letter_send(&letter, &message);
  struct incoming *incoming = verified(alice, &message);
  expect_not_accepted(alice, incoming, &row);
  incoming_free(incoming);
  world_advance(&world, BOB);
  ck_assert_uint_eq(alice->group->proposals.count, 0);
  world_works(&world);
  bytes_free(&message);
  bytes_free(&proposal);
  world_free(&world);
}
END_TEST

/* Few, but large ones. */
START_TEST(too_large_proposals) {
  enum { EACH = 1 << 20, FIT = PROPOSALS_BYTES_MAX / EACH - 1 };
  struct world world;
  struct letter letter;
  struct bytes proposal = propose_remove(ERIN);
  uint8_t *large = calloc(1, EACH);
  ck_assert_ptr_nonnull(large);
  world_init(&world, 1);
  struct group *group = world.member[ALICE].group;
  letter_begin(&letter, &world.member[MALLORY], CONTENT_PROPOSAL, bytes_view(&proposal));
  letter_sign(&letter);
  letter.content.authenticated_data = view_of(large, EACH);
  for (uint8_t i = 0; i <= FIT; i++) {
    const struct authenticated_content content = {WIRE_PUBLIC_MESSAGE, letter.content, letter.auth};
    struct secret *none = NULL;
    large[0] = i;
    ck_assert_int_eq(proposal_store_add(&group->proposals, group->client->suite, &content, &none),
                     i < FIT ? OK : ERR_LIMIT);
  }
  ck_assert_uint_eq(group->proposals.count, FIT);
  letter_end(&letter);
  free(large);
  bytes_free(&proposal);
  world_free(&world);
}
END_TEST

/* Messages for epochs that are not there yet are not kept. */
START_TEST(flood_of_future_epochs) {
  const struct row row = {"6", "a message of a future epoch", NULL, ERR_FUTURE_EPOCH};
  struct world world;
  struct letter letter;
  struct bytes message = {0};
  world_init(&world, 1);
  letter_begin(&letter, &world.member[MALLORY], CONTENT_APPLICATION, VIEW_TEXT("hello"));
  for (uint32_t i = 0; i < 1000; i++) {
    letter.content.epoch++;
    letter.wire_format = WIRE_PRIVATE_MESSAGE;
    letter_sign(&letter);
    letter_private(&letter, &message);
    expect_refused(&world.member[ALICE], &message, &row);
    bytes_free(&message);
  }
  letter_end(&letter);
  world_works(&world);
  world_free(&world);
}
END_TEST

TCase *reject_life(void) {
  TCase *cases = tcase_create("life");
  tcase_add_test(cases, own_commit_twice);
  tcase_add_test(cases, two_commits);
  tcase_add_test(cases, pending_commit);
  tcase_add_test(cases, other_own_commit);
  tcase_add_test(cases, late_proposal);
  tcase_add_test(cases, too_many_proposals);
  tcase_add_test(cases, too_large_proposals);
  tcase_add_test(cases, flood_of_future_epochs);
  return cases;
}
