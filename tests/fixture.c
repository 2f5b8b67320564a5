/* SPDX-License-Identifier: ISC */
#include "fixture.h"

#include <string.h>

#include <e2ee/mls.h>

#include "base/sync.h"

void __real_busy_leave(struct busy *busy);
void __wrap_busy_leave(struct busy *busy);

/* Who leaves a control domain is inside: a call that leaves too early leaves twice. */
void __wrap_busy_leave(struct busy *busy) {
  ck_assert_msg(atomic_load(&busy->inside.held), "left a domain without being inside");
  __real_busy_leave(busy);
}

struct member member_new(const char *name) {
  struct member member = {NULL, NULL};
  ck_assert_int_eq(e2ee_client_new(SUITE, (const uint8_t *)name, strlen(name), &member.client),
                   E2EE_OK);
  return member;
}

void member_free(struct member *member) {
  e2ee_group_free(member->group);
  e2ee_client_free(member->client);
  *member = (struct member){NULL, NULL};
}

void members_new(struct member *members, size_t count) {
  static const char *const names[] = {"alice", "bob", "carol", "dave"};
  ck_assert_uint_le(count, sizeof names / sizeof *names);
  for (size_t i = 0; i < count; i++)
    members[i] = member_new(names[i]);
}

void members_free(struct member *members, size_t count) {
  for (size_t i = 0; i < count; i++)
    member_free(&members[i]);
}

const char *explanation(const e2ee_client *client) {
  static char text[512];
  size_t size = sizeof text - 1;
  ck_assert_int_eq(e2ee_client_explain(client, (uint8_t *)text, &size), E2EE_OK);
  text[size] = 0;
  return text;
}

e2ee_bytes *key_package_of(struct member *member) {
  e2ee_bytes *key_package = NULL;
  ck_assert_done(member, e2ee_key_package_new(member->client, &key_package));
  return key_package;
}

void members_support(struct member *members, size_t count, uint16_t type) {
  for (size_t i = 0; i < count; i++)
    for (uint32_t kind = E2EE_TYPE_EXTENSION; kind <= E2EE_TYPE_PROPOSAL; kind++)
      ck_assert_done(&members[i], e2ee_client_support(members[i].client, kind, type));
}

/* ---- Commits ---- */

e2ee_bytes *build_commit(struct member *by, const e2ee_bytes *key_package, uint32_t remove,
                         e2ee_bytes **welcome) {
  e2ee_commit *commit = NULL;
  e2ee_bytes *message = NULL, *to_nobody = NULL;
  ck_assert_done(by, e2ee_commit_new(by->group, &commit));
  if (key_package != NULL)
    ck_assert_done(by, e2ee_commit_add(commit, BYTES(key_package)));
  if (remove != UINT32_MAX)
    ck_assert_done(by, e2ee_commit_remove(commit, remove));
  ck_assert_done(by, e2ee_commit_build(commit, &message, welcome != NULL ? welcome : &to_nobody));
  e2ee_commit_free(commit);
  e2ee_bytes_free(to_nobody);
  return message;
}

e2ee_bytes *renew(struct member *by) {
  e2ee_bytes *message = build_commit(by, NULL, UINT32_MAX, NULL);
  ck_assert_done(by, e2ee_group_commit_accepted(by->group));
  return message;
}

void found_group(struct member *members, size_t count) {
  ck_assert_done(&members[0],
                 e2ee_group_new(members[0].client, TEXT("a group"), &members[0].group));
  for (size_t i = 1; i < count; i++) {
    e2ee_bytes *key_package = key_package_of(&members[i]), *welcome = NULL;
    e2ee_bytes *message = build_commit(&members[0], key_package, UINT32_MAX, &welcome);
    ck_assert_done(&members[0], e2ee_group_commit_accepted(members[0].group));
    for (size_t j = 1; j < i; j++)
      receive(&members[j], message);
    join(&members[i], welcome);
    e2ee_bytes_free(key_package);
    e2ee_bytes_free(message);
    e2ee_bytes_free(welcome);
  }
}

/* ---- Messages ---- */

e2ee_incoming *process(struct member *to, const e2ee_bytes *message) {
  e2ee_incoming *incoming = NULL;
  ck_assert_done(to, e2ee_group_process(to->group, BYTES(message), &incoming));
  ck_assert_ptr_nonnull(incoming);
  return incoming;
}

void receive(struct member *to, const e2ee_bytes *message) {
  e2ee_incoming *incoming = process(to, message);
  ck_assert_done(to, e2ee_incoming_accept(incoming));
  e2ee_incoming_free(incoming);
}

void expect_refused(struct member *to, const e2ee_bytes *message, int expected) {
  struct facts before = facts_of(to->group);
  e2ee_incoming *incoming = NULL;
  ck_assert_returns(to, e2ee_group_process(to->group, BYTES(message), &incoming), expected);
  ck_assert_ptr_null(incoming);
  ck_assert_uint_gt(strlen(explanation(to->client)), 0);
  expect_unchanged(to->group, &before);
}

void join(struct member *member, const e2ee_bytes *welcome) {
  e2ee_incoming *incoming = NULL;
  ck_assert_done(member, e2ee_welcome_open(member->client, BYTES(welcome), NULL, 0, &incoming));
  ck_assert_done(member, e2ee_incoming_join(incoming, &member->group));
  e2ee_incoming_free(incoming);
}

void expect_readable(struct member *from, struct member *to) {
  static const char text[] = "hello";
  uint8_t read[sizeof text];
  size_t size = sizeof read;
  e2ee_bytes *message = NULL;
  ck_assert_done(from, e2ee_group_encrypt(from->group, TEXT(text), &message));
  e2ee_incoming *incoming = process(to, message);
  ck_assert_uint_eq(kind_of(incoming), E2EE_INCOMING_APPLICATION);
  ck_assert_done(to, e2ee_incoming_data(incoming, read, &size));
  ck_assert_uint_eq(size, sizeof text - 1);
  ck_assert_mem_eq(read, text, size);
  e2ee_incoming_free(incoming);
  e2ee_bytes_free(message);
}

void expect_agreement(struct member *a, struct member *b) {
  struct facts of_a = facts_of(a->group), of_b = facts_of(b->group);
  ck_assert_uint_eq(of_a.status.epoch, of_b.status.epoch);
  ck_assert_int_eq(of_a.exported, E2EE_OK);
  ck_assert_mem_eq(of_a.secret, of_b.secret, sizeof of_a.secret);
  expect_readable(a, b);
  expect_readable(b, a);
}

/* ---- Status ---- */

static e2ee_group_status group_status(const e2ee_group *group) {
  e2ee_group_status status;
  ck_assert_int_eq(e2ee_group_get_status(group, &status, sizeof status), E2EE_OK);
  return status;
}

uint64_t epoch_of(const struct member *member) {
  return group_status(member->group).epoch;
}

uint32_t state_of(const struct member *member) {
  return group_status(member->group).state;
}

uint32_t leaf_of(const struct member *member) {
  return group_status(member->group).own_leaf;
}

e2ee_incoming_status status_of(const e2ee_incoming *incoming) {
  e2ee_incoming_status status;
  ck_assert_int_eq(e2ee_incoming_get_status(incoming, &status, sizeof status), E2EE_OK);
  return status;
}

uint32_t kind_of(const e2ee_incoming *incoming) {
  return status_of(incoming).kind;
}

e2ee_change change_of(const e2ee_incoming *incoming, uint32_t index) {
  e2ee_change change;
  ck_assert_int_eq(e2ee_incoming_change(incoming, index, &change, sizeof change), E2EE_OK);
  return change;
}

void expect_named(const e2ee_incoming *incoming, uint32_t index, const char *name) {
  uint8_t identity[16];
  size_t size = sizeof identity;
  ck_assert_int_eq(e2ee_incoming_member(incoming, index, E2EE_MEMBER_IDENTITY, identity, &size),
                   E2EE_OK);
  ck_assert_uint_eq(size, strlen(name));
  ck_assert_mem_eq(identity, name, size);
}

/* ---- Facts ---- */

/* FNV-1a. */
static void hash(uint64_t *state, const void *data, size_t size) {
  const uint8_t *bytes = data;
  for (size_t i = 0; i < size; i++)
    *state = (*state ^ bytes[i]) * UINT64_C(0x100000001b3);
}

static uint64_t hash_members(const e2ee_group *group) {
  uint64_t state = 0;
  uint32_t leaf = UINT32_MAX;
  int more;
  while ((more = e2ee_group_member_next(group, &leaf)) == 1) {
    hash(&state, &leaf, sizeof leaf);
    for (uint32_t what = E2EE_MEMBER_IDENTITY; what <= E2EE_MEMBER_PUBLIC_KEY; what++) {
      uint8_t value[4096];
      size_t size = sizeof value;
      ck_assert_int_eq(e2ee_group_member(group, leaf, what, value, &size), E2EE_OK);
      hash(&state, value, size);
    }
  }
  ck_assert_int_eq(more, 0);
  return state;
}

/* The pending commit is read with a handle that may change, but reading does not change it. */
static uint64_t hash_pending(const e2ee_group *group) {
  uint64_t state = 0;
  e2ee_bytes *message = NULL, *welcome = NULL;
  int err = e2ee_group_pending_commit((e2ee_group *)(uintptr_t)group, &message, &welcome);
  hash(&state, &err, sizeof err);
  hash(&state, BYTES(message));
  hash(&state, BYTES(welcome));
  e2ee_bytes_free(message);
  e2ee_bytes_free(welcome);
  return state;
}

struct facts facts_of(const e2ee_group *group) {
  struct facts facts;
  memset(&facts, 0, sizeof facts);
  facts.status = group_status(group);
  facts.members = hash_members(group);
  facts.pending = hash_pending(group);
  facts.exported = e2ee_group_export(group, "facts", 5, NULL, 0, facts.secret, sizeof facts.secret);
  return facts;
}

void expect_unchanged(const e2ee_group *group, const struct facts *before) {
  struct facts now = facts_of(group);
  ck_assert_uint_eq(now.status.revision, before->status.revision);
  ck_assert_uint_eq(now.status.epoch, before->status.epoch);
  ck_assert_mem_eq(&now.status, &before->status, sizeof now.status);
  ck_assert_uint_eq(now.members, before->members);
  ck_assert_uint_eq(now.pending, before->pending);
  ck_assert_int_eq(now.exported, before->exported);
  ck_assert_mem_eq(now.secret, before->secret, sizeof now.secret);
}
