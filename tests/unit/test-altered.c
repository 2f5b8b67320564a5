/*
 * Every truncation and every bit that flips, in every kind of message that arrives: refused, with an
 * error that says so and an explanation, nothing changed; and the message as it was is accepted
 * afterwards.
 * SPDX-License-Identifier: ISC
 */
#include <stdlib.h>
#include <string.h>

#include <e2ee/mls.h>

#include "fixture.h"
#include "tests/run.h"

/* ---- The stage: two members, one to be invited, one who comes uninvited ---- */

enum { ALICE, BOB, CAROL, MEMBERS };

struct stage {
  struct member members[MEMBERS];
  e2ee_bytes *message; /* being altered */
  e2ee_bytes *welcome; /* that it belongs to */
  struct facts before; /* of the group that is to stay as it is */
};

static struct stage stage_new(void) {
  struct stage stage = {.message = NULL};
  members_new(stage.members, MEMBERS);
  found_group(stage.members, CAROL);
  return stage;
}

static void stage_free(struct stage *stage) {
  members_free(stage->members, MEMBERS);
  e2ee_bytes_free(stage->message);
  e2ee_bytes_free(stage->welcome);
}

/* ---- What arrives: how it is made, how it is received, and that it is good as it was ---- */

static void in_the_open(struct stage *stage) {
  ck_assert_done(&stage->members[ALICE],
                 e2ee_client_set(stage->members[ALICE].client, E2EE_SET_ENCRYPT_HANDSHAKE, 0));
}

static void make_key_package(struct stage *stage) {
  stage->message = key_package_of(&stage->members[CAROL]);
}

static void make_welcome(struct stage *stage) {
  e2ee_bytes *key_package = key_package_of(&stage->members[CAROL]);
  e2ee_bytes_free(build_commit(&stage->members[ALICE], key_package, UINT32_MAX, &stage->message));
  e2ee_bytes_free(key_package);
}

/* The tree that a Welcome leaves out. */
static void make_tree(struct stage *stage) {
  struct member *alice = &stage->members[ALICE];
  ck_assert_done(alice, e2ee_client_set(alice->client, E2EE_SET_TREE_IN_WELCOME, 0));
  make_welcome(stage);
  stage->welcome = stage->message;
  stage->message = NULL;
  ck_assert_done(alice, e2ee_group_commit_accepted(alice->group));
  ck_assert_done(alice, e2ee_group_ratchet_tree(alice->group, &stage->message));
}

static void make_commit(struct stage *stage) {
  e2ee_bytes *key_package = key_package_of(&stage->members[CAROL]), *welcome = NULL;
  stage->message = build_commit(&stage->members[ALICE], key_package, UINT32_MAX, &welcome);
  e2ee_bytes_free(key_package);
  e2ee_bytes_free(welcome);
}

static void make_public_commit(struct stage *stage) {
  in_the_open(stage);
  make_commit(stage);
}

static void make_proposal(struct stage *stage) {
  ck_assert_done(&stage->members[ALICE],
                 e2ee_group_propose_update(stage->members[ALICE].group, &stage->message));
}

static void make_public_proposal(struct stage *stage) {
  in_the_open(stage);
  make_proposal(stage);
}

static void make_application(struct stage *stage) {
  ck_assert_done(&stage->members[ALICE],
                 e2ee_group_encrypt(stage->members[ALICE].group, TEXT("hello"), &stage->message));
}

static void make_group_info(struct stage *stage) {
  ck_assert_done(&stage->members[ALICE],
                 e2ee_group_info(stage->members[ALICE].group, &stage->message));
}

static void make_external_commit(struct stage *stage) {
  e2ee_bytes *info = NULL;
  struct member *carol = &stage->members[CAROL];
  ck_assert_done(&stage->members[ALICE], e2ee_group_info(stage->members[ALICE].group, &info));
  ck_assert_done(carol, e2ee_group_join_external(carol->client, BYTES(info), NULL, 0,
                                                 &stage->message, &carol->group));
  e2ee_bytes_free(info);
}

/* Each receives a message and lets go of what came of it. */
static int open_welcome(struct stage *stage, const uint8_t *data, size_t size) {
  e2ee_incoming *incoming = NULL;
  int err = e2ee_welcome_open(stage->members[CAROL].client, data, size, NULL, 0, &incoming);
  ck_assert_int_eq(incoming != NULL, err == E2EE_OK);
  e2ee_incoming_free(incoming);
  return err;
}

static int open_with_tree(struct stage *stage, const uint8_t *data, size_t size) {
  e2ee_incoming *incoming = NULL;
  int err =
      e2ee_welcome_open(stage->members[CAROL].client, BYTES(stage->welcome), data, size, &incoming);
  ck_assert_int_eq(incoming != NULL, err == E2EE_OK);
  e2ee_incoming_free(incoming);
  return err;
}

static int process_by_bob(struct stage *stage, const uint8_t *data, size_t size) {
  e2ee_incoming *incoming = NULL;
  int err = e2ee_group_process(stage->members[BOB].group, data, size, &incoming);
  ck_assert_int_eq(incoming != NULL, err == E2EE_OK);
  e2ee_incoming_free(incoming);
  return err;
}

static int join_external(struct stage *stage, const uint8_t *data, size_t size) {
  e2ee_group *group = NULL;
  e2ee_bytes *commit = NULL;
  int err =
      e2ee_group_join_external(stage->members[CAROL].client, data, size, NULL, 0, &commit, &group);
  ck_assert_int_eq(group != NULL, err == E2EE_OK);
  ck_assert_int_eq(commit != NULL, err == E2EE_OK);
  e2ee_group_free(group);
  e2ee_bytes_free(commit);
  return err;
}

static int add_by_bob(struct stage *stage, const uint8_t *data, size_t size) {
  e2ee_commit *commit = NULL;
  ck_assert_int_eq(e2ee_commit_new(stage->members[BOB].group, &commit), E2EE_OK);
  int err = e2ee_commit_add(commit, data, size);
  e2ee_commit_free(commit);
  return err;
}

static int propose_by_bob(struct stage *stage, const uint8_t *data, size_t size) {
  e2ee_bytes *message = NULL;
  int err = e2ee_group_propose_add(stage->members[BOB].group, data, size, &message);
  ck_assert_int_eq(message != NULL, err == E2EE_OK);
  e2ee_bytes_free(message);
  return err;
}

static int read_identity(struct stage *stage, const uint8_t *data, size_t size) {
  uint8_t identity[16];
  size_t identity_size = sizeof identity;
  (void)stage;
  return e2ee_key_package_identity(data, size, identity, &identity_size);
}

static const struct specimen {
  const char *name;
  void (*make)(struct stage *stage);
  int (*receive)(struct stage *stage, const uint8_t *data, size_t size);
  int receiver; /* whose explanation is read; -1: nobody's */
  int other;    /* an error that is fine besides those of the network: where the change hits a part
                   that says whom or what the message is for */
} specimens[] = {
    {"Welcome", make_welcome, open_welcome, CAROL, E2EE_ERR_NOT_FOUND},
    {"ratchet tree", make_tree, open_with_tree, CAROL, E2EE_ERR_NOT_FOUND},
    {"commit", make_commit, process_by_bob, BOB, E2EE_ERR_INVALID_ARG},
    {"public commit", make_public_commit, process_by_bob, BOB, E2EE_ERR_INVALID_ARG},
    {"external commit", make_external_commit, process_by_bob, BOB, E2EE_ERR_INVALID_ARG},
    {"proposal", make_proposal, process_by_bob, BOB, E2EE_ERR_INVALID_ARG},
    {"public proposal", make_public_proposal, process_by_bob, BOB, E2EE_ERR_INVALID_ARG},
    {"application message", make_application, process_by_bob, BOB, E2EE_ERR_INVALID_ARG},
    {"GroupInfo", make_group_info, join_external, CAROL, E2EE_ERR_NOT_FOUND},
    {"key package to commit", make_key_package, add_by_bob, BOB, 0},
    {"key package to propose", make_key_package, propose_by_bob, BOB, 0},
    {"key package to read", make_key_package, read_identity, -1, 0},
};

/* ---- Altering ---- */

/* A length that was altered may be over a limit, a version be none that is supported. */
static bool of_the_network(int err) {
  return -err / 100 == 2 || -err / 100 == 3 || err == E2EE_ERR_UNSUPPORTED || err == E2EE_ERR_LIMIT;
}

static void expect_no_trace(const struct specimen *specimen, struct stage *stage,
                            const uint8_t *data, size_t size, const char *what, size_t at) {
  /* Memory of the exact size, so that tools see a byte read too many. */
  uint8_t *copy = malloc(size > 0 ? size : 1);
  memcpy(copy, data, size);
  int err = specimen->receive(stage, copy, size);
  ck_assert_msg(of_the_network(err) || (specimen->other != 0 && err == specimen->other),
                "%s, %s %zu: %d", specimen->name, what, at, err);
  if (specimen->receiver >= 0) {
    const char *why = explanation(stage->members[specimen->receiver].client);
    /* An epoch is not of the RFC, but of the group's history. */
    bool explained = strncmp(why, "RFC 9420, section ", 18) == 0 || -err / 100 != 3;
    ck_assert_msg(why[0] != 0 && explained, "%s, %s %zu: %d: %s", specimen->name, what, at, err,
                  why);
  }
  expect_unchanged(stage->members[BOB].group, &stage->before);
  free(copy);
}

START_TEST(altered_message_is_refused) {
  const struct specimen *specimen = &specimens[_i];
  struct stage stage = stage_new();
  specimen->make(&stage);
  stage.before = facts_of(stage.members[BOB].group);
  size_t size = e2ee_bytes_size(stage.message);
  uint8_t *data = malloc(size + 1);
  memcpy(data, e2ee_bytes_data(stage.message), size);
  data[size] = 0;

  for (size_t shorter = 0; shorter < size; shorter++)
    expect_no_trace(specimen, &stage, data, shorter, "cut to", shorter);
  expect_no_trace(specimen, &stage, data, size + 1, "longer than", size);
  for (size_t bit = 0; bit < size * 8; bit++) {
    data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    expect_no_trace(specimen, &stage, data, size, "bit", bit);
    data[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  ck_assert_int_eq(specimen->receive(&stage, data, size), E2EE_OK);
  free(data);
  stage_free(&stage);
}
END_TEST

int main(void) {
  TCase *cases = tcase_create("messages");
  tcase_set_timeout(cases, 300);
  tcase_add_loop_test(cases, altered_message_is_refused, 0, sizeof specimens / sizeof *specimens);
  return run_case("altered", cases);
}
