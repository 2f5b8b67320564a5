/* SPDX-License-Identifier: ISC */
#include "company.h"

#include <check.h>
#include <string.h>

struct member member_new(uint16_t suite, char name) {
  struct member member = {NULL, NULL};
  const uint8_t identity[] = {(uint8_t)name};
  ck_assert_int_eq(client_new(suite_find(suite), VIEW_ARRAY(identity), &member.client), OK);
  return member;
}

void member_free(struct member *member) {
  group_free(member->group);
  client_free(member->client);
  *member = (struct member){NULL, NULL};
}

static void accept(struct member *member, enum err err, struct incoming *incoming) {
  if (err == OK)
    err = process_accept(incoming);
  if (err != OK)
    ck_abort_msg("%d: %s", err, member->client->why.text);
  incoming_free(incoming);
}

void member_hears(struct member *member, struct view message) {
  struct incoming *incoming = NULL;
  enum err err = process_message(member->group, message, &incoming);
  accept(member, err, incoming);
}

void company_hears(struct member *members, size_t count, size_t from, struct view message) {
  for (size_t i = 0; i < count; i++)
    if (i != from && members[i].group != NULL && !members[i].group->left)
      member_hears(&members[i], message);
}

void company_deliver(struct member *members, size_t count, size_t by) {
  struct pending_commit *pending = members[by].group->pending;
  company_hears(members, count, by, bytes_view(&pending->message));
  ck_assert_int_eq(commit_accepted(members[by].group), OK);
}

void company_commit(struct member *members, size_t count, size_t by) {
  struct commit_plan plan = {0};
  enum err err = commit_build(members[by].group, &plan);
  if (err != OK)
    ck_abort_msg("%d: %s", err, members[by].client->why.text);
  company_deliver(members, count, by);
}

void member_joins(struct member *member, struct view welcome) {
  struct opened_welcome opened = {0};
  enum err err = join_open_welcome(member->client, welcome, VIEW_NONE, &opened);
  if (err != OK)
    ck_abort_msg("%d: %s", err, member->client->why.text);
  ck_assert_int_eq(join_accept_welcome(member->client, &opened, &member->group), OK);
  opened_welcome_free(&opened);
}

void company_add(struct member *members, size_t count, size_t by, size_t joiner) {
  struct bytes key_package = {0}, welcome = {0};
  struct commit_plan plan = {0};
  struct group *group = members[by].group;
  ck_assert_int_eq(client_key_package(members[joiner].client, &key_package), OK);
  ck_assert_int_eq(commit_plan_add(&plan, group, bytes_view(&key_package)), OK);
  ck_assert_int_eq(commit_build(group, &plan), OK);
  ck_assert_int_eq(bytes_copy(&welcome, bytes_view(&group->pending->welcome)), OK);
  company_deliver(members, count, by);
  member_joins(&members[joiner], bytes_view(&welcome));
  members_agree(&members[by], &members[joiner]);
  commit_plan_free(&plan);
  bytes_free(&key_package);
  bytes_free(&welcome);
}

void company_new(struct member *members, size_t count, size_t present) {
  ck_assert_int_eq(group_new(members[0].client, VIEW_TEXT("company"), &members[0].group), OK);
  for (size_t i = 1; i < present; i++)
    company_add(members, count, i - 1, i);
}

void company_free(struct member *members, size_t count) {
  for (size_t i = 0; i < count; i++)
    member_free(&members[i]);
}

struct bytes member_says(struct member *member, const char *text) {
  struct bytes message = {0};
  enum err err =
      group_encrypt(member->group, view_of((const uint8_t *)text, strlen(text)), &message);
  if (err != OK)
    ck_abort_msg("%d: %s", err, member->client->why.text);
  return message;
}

uint32_t member_reads(struct member *member, struct view message, const char *text) {
  struct incoming *incoming = NULL;
  enum err err = process_message(member->group, message, &incoming);
  if (err != OK)
    ck_abort_msg("%d: %s", err, member->client->why.text);
  ck_assert(view_equal(bytes_view(&incoming->data), view_of((const uint8_t *)text, strlen(text))));
  const uint32_t sender = incoming->sender;
  incoming_free(incoming);
  return sender;
}

void member_refuses(struct member *member, struct view message, enum err expected) {
  struct incoming *incoming = NULL;
  ck_assert_int_eq(process_message(member->group, message, &incoming), expected);
  ck_assert_ptr_null(incoming);
}

void members_agree(const struct member *a, const struct member *b) {
  uint8_t x[32], y[32];
  ck_assert_uint_eq(group_epoch_number(a->group), group_epoch_number(b->group));
  ck_assert_int_eq(group_export(a->group, VIEW_TEXT("test"), VIEW_NONE, x, sizeof x), OK);
  ck_assert_int_eq(group_export(b->group, VIEW_TEXT("test"), VIEW_NONE, y, sizeof y), OK);
  ck_assert_mem_eq(x, y, sizeof x);
  ck_assert(view_equal(bytes_view(&a->group->epoch->context_raw),
                       bytes_view(&b->group->epoch->context_raw)));
}

void company_full(struct member members[COMPANY_FULL]) {
  struct bytes bytes = {0};
  struct commit_plan plan = {0};
  for (size_t i = 0; i < COMPANY_FULL; i++)
    members[i] = member_new(1, (char)('a' + i));
  company_new(members, COMPANY_FULL, 3);
  struct member *alice = &members[0];
  ck_assert_int_eq(client_key_package(alice->client, &bytes), OK);
  bytes_free(&bytes);
  ck_assert_int_eq(client_add_psk(alice->client, VIEW_TEXT("id"), VIEW_TEXT("psk")), OK);
  bytes = member_says(&members[2], "skipped");
  bytes_free(&bytes);
  bytes = member_says(&members[2], "read");
  member_reads(alice, bytes_view(&bytes), "read");
  bytes_free(&bytes);
  company_commit(members, COMPANY_FULL, 0);
  ck_assert_int_eq(group_propose_update(alice->group, &bytes), OK);
  company_hears(members, COMPANY_FULL, 0, bytes_view(&bytes));
  bytes_free(&bytes);
  ck_assert_int_eq(group_propose_remove(members[1].group, 2, &bytes), OK);
  company_hears(members, COMPANY_FULL, 1, bytes_view(&bytes));
  bytes_free(&bytes);
  ck_assert_int_eq(commit_build(alice->group, &plan), OK);
}
