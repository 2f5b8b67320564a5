/*
 * Groups from their first member on: adding, removing, updating, racing, joining from outside.
 * SPDX-License-Identifier: ISC
 */
#include <check.h>
#include <string.h>

#include "mls/commit.h"
#include "mls/join.h"
#include "mls/process.h"
#include "tests/run.h"

/* A client and what it holds of the one group of a test. */
struct member {
  struct client *client;
  struct group *group;
};

static uint16_t suite_id;

static struct member member_new(const char *name) {
  struct member member = {0};
  ck_assert_int_eq(provider_init(), OK);
  const struct suite *suite = suite_find(suite_id);
  ck_assert_ptr_nonnull(suite);
  ck_assert_int_eq(client_new(suite, view_of((const uint8_t *)name, strlen(name)), &member.client),
                   OK);
  return member;
}

static void member_free(struct member *member) {
  group_free(member->group);
  client_free(member->client);
}

static void create(struct member *member) {
  ck_assert_int_eq(group_new(member->client, VIEW_TEXT("a group"), &member->group), OK);
}

static void process(struct member *to, const struct bytes *message) {
  struct incoming *incoming = NULL;
  enum err err = process_message(to->group, bytes_view(message), &incoming);
  ck_assert_msg(err == OK, "%d: %s", err, to->client->why.text);
  ck_assert_int_eq(process_accept(incoming), OK);
  incoming_free(incoming);
}

static void expect_refused(struct member *to, const struct bytes *message, enum err expected) {
  struct incoming *incoming = NULL;
  enum err err = process_message(to->group, bytes_view(message), &incoming);
  ck_assert_msg(err == expected, "%d: %s", err, to->client->why.text);
  ck_assert_ptr_null(incoming);
}

static void join(struct member *member, const struct bytes *welcome) {
  struct opened_welcome opened = {0};
  enum err err = join_open_welcome(member->client, bytes_view(welcome), VIEW_NONE, &opened);
  ck_assert_msg(err == OK, "%d: %s", err, member->client->why.text);
  ck_assert_int_eq(join_accept_welcome(member->client, &opened, &member->group), OK);
  opened_welcome_free(&opened);
}

static void expect_agreement(const struct member *a, const struct member *b) {
  uint8_t x[32], y[32];
  ck_assert_uint_eq(group_epoch_number(a->group), group_epoch_number(b->group));
  ck_assert_int_eq(group_export(a->group, VIEW_TEXT("test"), VIEW_NONE, x, sizeof x), OK);
  ck_assert_int_eq(group_export(b->group, VIEW_TEXT("test"), VIEW_NONE, y, sizeof y), OK);
  ck_assert_mem_eq(x, y, sizeof x);
  ck_assert(view_equal(bytes_view(&a->group->epoch->context_raw),
                       bytes_view(&b->group->epoch->context_raw)));
}

static void expect_readable(struct member *from, struct member *to) {
  struct bytes message = {0};
  struct incoming *incoming = NULL;
  ck_assert_int_eq(group_encrypt(from->group, VIEW_TEXT("hello"), &message), OK);
  enum err err = process_message(to->group, bytes_view(&message), &incoming);
  ck_assert_msg(err == OK, "%d: %s", err, to->client->why.text);
  ck_assert_uint_eq(incoming->sender, from->group->epoch->own_leaf);
  ck_assert(view_equal(bytes_view(&incoming->data), VIEW_TEXT("hello")));
  incoming_free(incoming);
  expect_refused(to, &message, ERR_REPLAY);
  bytes_free(&message);
}

/* A commit by `by` of what `plan` holds, taken by the delivery service. */
static void commit(struct member *by, struct commit_plan *plan, struct bytes *message,
                   struct bytes *welcome) {
  enum err err = commit_build(by->group, plan);
  ck_assert_msg(err == OK, "%d: %s", err, by->client->why.text);
  ck_assert_int_eq(bytes_copy(message, bytes_view(&by->group->pending->message)), OK);
  if (welcome != NULL)
    ck_assert_int_eq(bytes_copy(welcome, bytes_view(&by->group->pending->welcome)), OK);
  ck_assert_int_eq(commit_accepted(by->group), OK);
  commit_plan_free(plan);
}

static void add(struct member *by, struct member *const *others, size_t count,
                struct member *joiner) {
  struct bytes key_package = {0}, message = {0}, welcome = {0};
  struct commit_plan plan = {0};
  ck_assert_int_eq(client_key_package(joiner->client, &key_package), OK);
  enum err err = commit_plan_add(&plan, by->group, bytes_view(&key_package));
  ck_assert_msg(err == OK, "%d: %s", err, by->client->why.text);
  commit(by, &plan, &message, &welcome);
  for (size_t i = 0; i < count; i++)
    process(others[i], &message);
  join(joiner, &welcome);
  expect_agreement(by, joiner);
  bytes_free(&key_package);
  bytes_free(&message);
  bytes_free(&welcome);
}

#define MEMBERS 9

static void make_group(struct member *members, struct member **others, size_t count) {
  create(&members[0]);
  for (size_t i = 1; i < count; i++) {
    others[i - 1] = &members[i - 1];
    /* Each is added by the one who came last, so that parents fill up. */
    struct member *before[MEMBERS] = {NULL};
    size_t rest = 0;
    for (size_t j = 0; j + 1 < i; j++)
      before[rest++] = &members[j];
    add(&members[i - 1], before, rest, &members[i]);
  }
}

static void to_all_but(struct member *members, size_t count, size_t but,
                       const struct bytes *message) {
  for (size_t i = 0; i < count; i++)
    if (i != but && members[i].group != NULL)
      process(&members[i], message);
}

START_TEST(members_come_and_go) {
  suite_id = (uint16_t)_i;
  if (provider_init() != OK || suite_find(suite_id) == NULL)
    return;
  struct member members[MEMBERS];
  struct member *others[MEMBERS];
  for (size_t i = 0; i < MEMBERS; i++)
    members[i] = member_new((const char[]){(char)('a' + i), 0});
  make_group(members, others, MEMBERS);
  for (size_t i = 1; i < MEMBERS; i++) {
    expect_agreement(&members[0], &members[i]);
    expect_readable(&members[0], &members[i]);
    expect_readable(&members[i], &members[(i + 3) % MEMBERS]);
  }
  /* An empty commit by each: the tree is full of keys afterwards. */
  for (size_t i = 0; i < MEMBERS; i++) {
    struct bytes message = {0};
    struct commit_plan plan = {0};
    commit(&members[i], &plan, &message, NULL);
    to_all_but(members, MEMBERS, i, &message);
    bytes_free(&message);
    expect_agreement(&members[i], &members[(i + 1) % MEMBERS]);
  }
  /* One is removed, and cannot read on. */
  struct bytes message = {0};
  struct commit_plan plan = {0};
  ck_assert_int_eq(commit_plan_remove(&plan, members[2].group, 5), OK);
  commit(&members[2], &plan, &message, NULL);
  to_all_but(members, MEMBERS, 2, &message);
  ck_assert(members[5].group->left);
  ck_assert_ptr_null(members[5].group->epoch->secrets);
  bytes_free(&message);
  expect_refused(&members[5], &message, ERR_INVALID_STATE);
  expect_agreement(&members[2], &members[8]);
  expect_readable(&members[8], &members[4]);
  for (size_t i = 0; i < MEMBERS; i++)
    member_free(&members[i]);
}
END_TEST

START_TEST(proposals_are_committed_by_others) {
  suite_id = 1;
  struct member members[MEMBERS];
  struct member *others[MEMBERS];
  for (size_t i = 0; i < 5; i++)
    members[i] = member_new((const char[]){(char)('a' + i), 0});
  make_group(members, others, 4);
  struct bytes update = {0}, removal = {0}, addition = {0}, message = {0}, welcome = {0};
  struct bytes key_package = {0};
  ck_assert_int_eq(group_propose_update(members[1].group, &update), OK);
  to_all_but(members, 4, 1, &update);
  ck_assert_int_eq(group_propose_remove(members[2].group, 2, &removal), OK);
  to_all_but(members, 4, 2, &removal);
  ck_assert_int_eq(client_key_package(members[4].client, &key_package), OK);
  ck_assert_int_eq(group_propose_add(members[3].group, bytes_view(&key_package), &addition), OK);
  to_all_but(members, 4, 3, &addition);
  ck_assert_int_eq(group_encrypt(members[0].group, VIEW_TEXT("x"), &message), ERR_INVALID_STATE);
  struct commit_plan plan = {0};
  commit(&members[0], &plan, &message, &welcome);
  to_all_but(members, 4, 0, &message);
  join(&members[4], &welcome);
  ck_assert(members[2].group->left);
  ck_assert_uint_eq(members[4].group->epoch->own_leaf, 2);
  expect_agreement(&members[0], &members[1]);
  expect_agreement(&members[3], &members[4]);
  expect_readable(&members[1], &members[4]);
  bytes_free(&update);
  bytes_free(&removal);
  bytes_free(&addition);
  bytes_free(&message);
  bytes_free(&welcome);
  bytes_free(&key_package);
  for (size_t i = 0; i < 5; i++)
    member_free(&members[i]);
}
END_TEST

START_TEST(outsider_joins_by_external_commit) {
  suite_id = 1;
  struct member members[MEMBERS];
  struct member *others[MEMBERS];
  for (size_t i = 0; i < 4; i++)
    members[i] = member_new((const char[]){(char)('a' + i), 0});
  make_group(members, others, 3);
  struct bytes info = {0};
  ck_assert_int_eq(group_info(members[1].group, &info), OK);
  enum err err = join_external(members[3].client, bytes_view(&info), VIEW_NONE, &members[3].group);
  ck_assert_msg(err == OK, "%d: %s", err, members[3].client->why.text);
  uint8_t out[16];
  ck_assert_int_eq(group_export(members[3].group, VIEW_TEXT("x"), VIEW_NONE, out, sizeof out),
                   ERR_INVALID_STATE);
  to_all_but(members, 3, 3, &members[3].group->pending->message);
  ck_assert_int_eq(commit_accepted(members[3].group), OK);
  for (size_t i = 0; i < 3; i++)
    expect_agreement(&members[3], &members[i]);
  expect_readable(&members[3], &members[0]);
  expect_readable(&members[0], &members[3]);
  bytes_free(&info);
  for (size_t i = 0; i < 4; i++)
    member_free(&members[i]);
}
END_TEST

START_TEST(lost_race_does_no_harm) {
  suite_id = 1;
  struct member members[MEMBERS];
  struct member *others[MEMBERS];
  for (size_t i = 0; i < 3; i++)
    members[i] = member_new((const char[]){(char)('a' + i), 0});
  make_group(members, others, 3);
  struct commit_plan plan = {0};
  ck_assert_int_eq(commit_build(members[0].group, &plan), OK);
  ck_assert_int_eq(commit_build(members[0].group, &plan), ERR_PENDING_COMMIT);
  struct bytes winner = {0}, late = {0};
  ck_assert_int_eq(group_encrypt(members[0].group, VIEW_TEXT("late"), &late), OK);
  commit(&members[1], &plan, &winner, NULL);
  struct incoming *incoming = NULL;
  ck_assert_int_eq(process_message(members[0].group, bytes_view(&winner), &incoming), OK);
  ck_assert_int_eq(process_accept(incoming), ERR_PENDING_COMMIT);
  ck_assert_int_eq(commit_discard(members[0].group), OK);
  ck_assert_int_eq(commit_discard(members[0].group), ERR_NOT_FOUND);
  ck_assert_int_eq(process_accept(incoming), OK);
  incoming_free(incoming);
  process(&members[2], &winner);
  expect_agreement(&members[0], &members[2]);
  /* A late message of the epoch before is still read, a commit of it is not. */
  expect_refused(&members[2], &winner, ERR_OLD_EPOCH);
  incoming = NULL;
  ck_assert_int_eq(process_message(members[2].group, bytes_view(&late), &incoming), OK);
  incoming_free(incoming);
  bytes_free(&winner);
  bytes_free(&late);
  for (size_t i = 0; i < 3; i++)
    member_free(&members[i]);
}
END_TEST

int main(void) {
  TCase *cases = tcase_create("life");
  tcase_set_timeout(cases, 120);
  tcase_add_loop_test(cases, members_come_and_go, 1, 8);
  tcase_add_test(cases, proposals_are_committed_by_others);
  tcase_add_test(cases, outsider_joins_by_external_commit);
  tcase_add_test(cases, lost_race_does_no_harm);
  return run_case("group", cases);
}
