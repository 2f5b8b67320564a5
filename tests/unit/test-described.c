/*
 * All that a proposal says can be read before it is accepted: as it arrives, and in a commit that holds
 * it by reference or by value.  A row for each type of proposal, and for each kind of sender.
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include <e2ee/mls.h>

#include "api/handles.h"
#include "fixture.h"
#include "tests/run.h"
#include "tests/taken.h"

enum { ALICE, BOB, CAROL, MEMBERS };

#define TYPE 0xf001 /* of the application's own */
#define NONE UINT32_MAX

/* One extension on the wire: type, length, data. */
static const uint8_t an_extension[] = {0xf0, 0x01, 2, 'h', 'i'};
static const uint8_t a_nonce[32] = {1};

static struct member members[MEMBERS];
static struct member *const alice = &members[ALICE], *const bob = &members[BOB],
                            *const carol = &members[CAROL];
static struct member server, dave;

/* The server may propose; dave is outside, and says something in his key packages. */
static void setup(void) {
  e2ee_commit *plan = NULL;
  e2ee_bytes *message = NULL, *welcome = NULL;
  uint8_t key[32];
  size_t size = sizeof key;
  members_new(members, MEMBERS);
  members_support(members, MEMBERS, TYPE);
  server = member_new("server");
  dave = member_new("dave");
  ck_assert_done(&dave,
                 e2ee_client_extension(dave.client, E2EE_PLACE_KEY_PACKAGE, TYPE, TEXT("hi")));
  ck_assert_done(&dave, e2ee_client_set(dave.client, E2EE_SET_GREASE, 0));
  for (size_t i = 0; i < MEMBERS; i++)
    ck_assert_done(&members[i],
                   e2ee_client_add_psk(members[i].client, TEXT("an id"), TEXT("secret")));
  found_group(members, MEMBERS);
  ck_assert_done(&server, e2ee_client_public_key(server.client, key, &size));
  ck_assert_done(alice, e2ee_commit_new(alice->group, &plan));
  ck_assert_done(alice, e2ee_commit_external_sender(plan, key, size, 1, TEXT("server")));
  ck_assert_done(alice, e2ee_commit_build(plan, &message, &welcome));
  receive(bob, message);
  receive(carol, message);
  ck_assert_done(alice, e2ee_group_commit_accepted(alice->group));
  e2ee_commit_free(plan);
  e2ee_bytes_free(message);
}

static void teardown(void) {
  members_free(members, MEMBERS);
  member_free(&server);
  member_free(&dave);
}

/* ---- The proposals ---- */

static void write_add(struct writer *writer) {
  struct view raw;
  e2ee_bytes *message = key_package_of(&dave);
  ck_assert_int_eq(message_read_key_package(
                       view_of(e2ee_bytes_data(message), e2ee_bytes_size(message)), NULL, &raw),
                   OK);
  proposal_write_add(writer, raw);
  e2ee_bytes_free(message);
}

static void write_remove(struct writer *writer) {
  proposal_write_remove(writer, ALICE);
}

static void write_external_psk(struct writer *writer) {
  const struct psk_id id = {
      .type = PSK_EXTERNAL, .external_id = VIEW_TEXT("an id"), .nonce = VIEW_ARRAY(a_nonce)};
  proposal_write_psk(writer, &id);
}

static void write_resumption_psk(struct writer *writer) {
  const struct psk_id id = {.type = PSK_RESUMPTION,
                            .usage = PSK_APPLICATION,
                            .psk_group_id = VIEW_TEXT("a group"),
                            .psk_epoch = epoch_of(alice),
                            .nonce = VIEW_ARRAY(a_nonce)};
  proposal_write_psk(writer, &id);
}

static void write_extensions(struct writer *writer) {
  proposal_write_group_context_extensions(writer, VIEW_ARRAY(an_extension));
}

static void write_custom(struct writer *writer) {
  proposal_write_custom(writer, TYPE, VIEW_TEXT("do"));
}

static void write_reinit(struct writer *writer) {
  proposal_write_reinit(writer, VIEW_TEXT("next"), MLS_VERSION_10, 3, VIEW_ARRAY(an_extension));
}

/* To what this library does not know, but others may. */
static void write_strange_reinit(struct writer *writer) {
  proposal_write_reinit(writer, VIEW_TEXT("next"), 2, 0x7777, VIEW_NONE);
}

#define DATA(text) (text), sizeof(text) - 1
#define NO_DATA NULL, 0
#define EXTENSION an_extension, sizeof an_extension

/* What is to be read of it. */
static const struct row {
  void (*write)(struct writer *writer); /* NULL: as it is named below */
  uint32_t kind, leaf;
  const char *name; /* of the member; NULL: about none */
  const void *data;
  size_t data_size;
  const uint8_t *extensions;
  size_t extensions_size;
  e2ee_proposal says; /* a psk_epoch of 1 stands for the present one */
} rows[] = {
    {write_add,
     E2EE_CHANGE_ADD,
     NONE,
     "dave",
     NO_DATA,
     EXTENSION,
     {.type = 1, .version = 1, .cipher_suite = SUITE}},
    {write_remove, E2EE_CHANGE_REMOVE, ALICE, "alice", NO_DATA, NO_DATA, {.type = 3}},
    {write_external_psk,
     E2EE_CHANGE_PSK,
     NONE,
     NULL,
     DATA("an id"),
     NO_DATA,
     {.type = 4, .psk_type = E2EE_PSK_EXTERNAL}},
    {write_resumption_psk,
     E2EE_CHANGE_PSK,
     NONE,
     NULL,
     DATA("a group"),
     NO_DATA,
     {.type = 4,
      .psk_type = E2EE_PSK_RESUMPTION,
      .psk_usage = E2EE_PSK_APPLICATION,
      .psk_epoch = 1}},
    {write_extensions, E2EE_CHANGE_EXTENSIONS, NONE, NULL, EXTENSION, EXTENSION, {.type = 7}},
    {write_custom, E2EE_CHANGE_CUSTOM, NONE, NULL, DATA("do"), NO_DATA, {.type = TYPE}},
    {write_reinit,
     E2EE_CHANGE_REINIT,
     NONE,
     NULL,
     DATA("next"),
     EXTENSION,
     {.type = 5, .version = 1, .cipher_suite = 3}},
    {write_strange_reinit,
     E2EE_CHANGE_REINIT,
     NONE,
     NULL,
     DATA("next"),
     NO_DATA,
     {.type = 5, .version = 2, .cipher_suite = 0x7777}},
};

#define ROWS (int)(sizeof rows / sizeof *rows)

static const struct row update_row = {
    .kind = E2EE_CHANGE_UPDATE, .leaf = CAROL, .name = "carol", .says = {.type = 2}};
static const struct row self_remove_row = {
    .kind = E2EE_CHANGE_REMOVE, .leaf = CAROL, .name = "carol", .says = {.type = 10}};

/* ---- Reading ---- */

static void expect_bytes(const e2ee_incoming *incoming, uint32_t at, const struct row *row) {
  uint8_t buffer[64];
  uint16_t type = 0;
  size_t size = sizeof buffer;
  ck_assert_done(bob, e2ee_incoming_change_data(incoming, at, &type, buffer, &size));
  ck_assert_uint_eq(size, row->data_size);
  ck_assert(memcmp(buffer, row->data_size > 0 ? row->data : "", size) == 0);
  ck_assert_uint_eq(type, row->says.type);
  size = sizeof buffer;
  ck_assert_done(bob, e2ee_incoming_change_extensions(incoming, at, buffer, &size));
  ck_assert_uint_eq(size, row->extensions_size);
  ck_assert(memcmp(buffer, row->extensions_size > 0 ? row->extensions : buffer, size) == 0);
}

static void expect_member(const e2ee_incoming *incoming, uint32_t at, const char *name) {
  uint8_t leaf[1024];
  size_t size = sizeof leaf;
  const int known = name != NULL ? E2EE_OK : E2EE_ERR_NOT_FOUND;
  ck_assert_returns(bob, e2ee_incoming_member(incoming, at, E2EE_MEMBER_LEAF_NODE, leaf, &size),
                    known);
  if (name == NULL)
    return;
  struct leaf *parsed = NULL;
  struct reader reader = reader_of(view_of(leaf, size));
  ck_assert_int_eq(leaf_read(&reader, NULL, &parsed), OK);
  ck_assert_uint_eq(reader.left, 0);
  ck_assert(
      view_equal(leaf_credential(parsed).identity, view_of((const uint8_t *)name, strlen(name))));
  leaf_drop(parsed);
  expect_named(incoming, at, name);
}

/* A change says all of a row, and who proposed it.  @param leaf  of an ADD: where it is put */
static void expect_row(const e2ee_incoming *incoming, uint32_t at, const struct row *row,
                       uint32_t leaf, uint32_t type, uint32_t index) {
  e2ee_change change = change_of(incoming, at);
  e2ee_proposal says, wanted = row->says;
  ck_assert_uint_eq(change.kind, row->kind);
  ck_assert_uint_eq(change.leaf, row->kind == E2EE_CHANGE_ADD ? leaf : row->leaf);
  ck_assert_uint_eq(change.proposer, type == E2EE_SENDER_MEMBER ? index : NONE);
  ck_assert_uint_eq(change.proposer_type, type);
  ck_assert_uint_eq(change.proposer_index, index);
  ck_assert_done(bob, e2ee_incoming_change_proposal(incoming, at, &says, sizeof says));
  if (wanted.psk_epoch != 0)
    wanted.psk_epoch = epoch_of(bob);
  ck_assert_uint_eq(says.type, wanted.type);
  ck_assert_uint_eq(says.psk_type, wanted.psk_type);
  ck_assert_uint_eq(says.psk_usage, wanted.psk_usage);
  ck_assert_uint_eq(says.psk_epoch, wanted.psk_epoch);
  ck_assert_uint_eq(says.version, wanted.version);
  ck_assert_uint_eq(says.cipher_suite, wanted.cipher_suite);
  expect_bytes(incoming, at, row);
  expect_member(incoming, at, row->name);
}

/* Bob reads a proposal, accepts it, and then reads the commit in which carol names it.  He is the one who
 * is told: what is proposed concerns others. */
static void expect_told(const e2ee_bytes *proposal, struct member *by, const struct row *row,
                        uint32_t type, uint32_t index) {
  e2ee_incoming *incoming = process(bob, proposal);
  e2ee_incoming_status status = status_of(incoming);
  ck_assert_uint_eq(status.kind, E2EE_INCOMING_PROPOSAL);
  ck_assert_uint_eq(status.changes, 1);
  ck_assert_uint_eq(status.sender, type == E2EE_SENDER_MEMBER ? index : NONE);
  ck_assert_uint_eq(status.sender_type, type);
  ck_assert_uint_eq(status.sender_index, index);
  expect_row(incoming, 0, row, NONE, type, index);
  ck_assert_done(bob, e2ee_incoming_accept(incoming));
  e2ee_incoming_free(incoming);
  if (by == NULL)
    return;
  receive(by, proposal);
  e2ee_bytes *message = build_commit(by, NULL, NONE, NULL);
  incoming = process(bob, message);
  status = status_of(incoming);
  ck_assert_uint_eq(status.changes, 2);
  ck_assert_uint_eq(status.sender_type, E2EE_SENDER_MEMBER);
  ck_assert_uint_eq(status.sender_index, leaf_of(by));
  expect_row(incoming, 0, row, MEMBERS, type, index);
  e2ee_incoming_free(incoming);
  e2ee_bytes_free(message);
}

/* ---- By members ---- */

/* A message as the API gives it. */
static e2ee_bytes *handed_out(struct bytes *message) {
  e2ee_bytes *out = NULL;
  ck_assert_int_eq(api_bytes_new(&out), OK);
  bytes_move(&out->bytes, message);
  return out;
}

static e2ee_bytes *propose(struct member *by, struct writer *writer) {
  struct bytes message = {0};
  ck_assert_int_eq(group_propose(by->group->group, writer_view(writer), &message), OK);
  writer_free(writer);
  return handed_out(&message);
}

START_TEST(by_reference) {
  const struct row *row = &rows[_i];
  struct writer writer = {0};
  row->write(&writer);
  e2ee_bytes *proposal = propose(alice, &writer);
  /* A ReInit that this library could not follow is not committed by it either. */
  bool strange = row->write == write_strange_reinit;
  expect_told(proposal, strange ? NULL : carol, row, E2EE_SENDER_MEMBER, ALICE);
  e2ee_bytes_free(proposal);
}
END_TEST

START_TEST(by_value) {
  const struct row *row = &rows[_i];
  struct writer writer = {0};
  struct commit_plan plan = {0};
  struct group *group = carol->group->group;
  row->write(&writer);
  ck_assert_int_eq(commit_plan_proposal(&plan, group, writer_view(&writer)), OK);
  ck_assert_int_eq(commit_build(group, &plan), OK);
  e2ee_incoming *incoming = NULL;
  const struct bytes *message = &group->pending->message;
  ck_assert_done(bob, e2ee_group_process(bob->group, message->data, message->size, &incoming));
  ck_assert_uint_eq(status_of(incoming).changes, 2);
  expect_row(incoming, 0, row, MEMBERS, E2EE_SENDER_MEMBER, CAROL);
  e2ee_incoming_free(incoming);
  commit_plan_free(&plan);
  writer_free(&writer);
}
END_TEST

START_TEST(own_leaf) {
  e2ee_bytes *proposal = NULL;
  if (_i == 0)
    ck_assert_done(carol, e2ee_group_propose_update(carol->group, &proposal));
  else
    ck_assert_done(carol, e2ee_group_propose_leave(carol->group, &proposal));
  expect_told(proposal, alice, _i == 0 ? &update_row : &self_remove_row, E2EE_SENDER_MEMBER, CAROL);
  e2ee_bytes_free(proposal);
}
END_TEST

/* ---- By others ---- */

static e2ee_bytes *from_outside(struct sender sender, const struct client *signer,
                                struct writer *writer) {
  struct bytes signature = {0}, message = {0};
  const struct epoch *epoch = alice->group->group->epoch;
  struct framing_keys keys = {.suite = epoch->suite};
  struct authenticated_content content = {
      .wire_format = WIRE_PUBLIC_MESSAGE,
      .content = {.group_id = epoch->context.group_id,
                  .epoch = epoch->context.epoch,
                  .sender = sender,
                  .content_type = CONTENT_PROPOSAL,
                  .content = writer_view(writer)},
  };
  ck_assert_int_eq(framing_sign(epoch->suite, WIRE_PUBLIC_MESSAGE, &content.content, VIEW_NONE,
                                signer->signature_key, &signature),
                   OK);
  content.auth.signature = bytes_view(&signature);
  ck_assert_int_eq(framing_protect_public(&keys, &content, &message), OK);
  bytes_free(&signature);
  writer_free(writer);
  return handed_out(&message);
}

/* All but what is the application's own. */
START_TEST(by_server) {
  const struct row *row = &rows[_i];
  struct writer writer = {0};
  if (row->write == write_custom)
    return;
  row->write(&writer);
  e2ee_bytes *proposal =
      from_outside((struct sender){SENDER_EXTERNAL, 0}, server.client->client, &writer);
  bool strange = row->write == write_strange_reinit;
  expect_told(proposal, strange ? NULL : carol, row, E2EE_SENDER_EXTERNAL, 0);
  e2ee_bytes_free(proposal);
}
END_TEST

/* An Add by the server is one thing, one that a stranger signed for itself another. */
START_TEST(by_stranger) {
  e2ee_bytes *proposal = NULL, *key_package = key_package_of(&dave);
  ck_assert_done(&dave, e2ee_new_member_propose(dave.client, TEXT("a group"), epoch_of(alice),
                                                BYTES(key_package), &proposal));
  expect_told(proposal, carol, &rows[0], E2EE_SENDER_NEW_MEMBER_PROPOSAL, NONE);
  e2ee_bytes_free(proposal);
  e2ee_bytes_free(key_package);
}
END_TEST

/* An ExternalInit has nothing to read but a ciphertext: that there is one is what the sender type says. */
START_TEST(by_joiner) {
  e2ee_bytes *info = NULL, *message = NULL;
  ck_assert_done(alice, e2ee_group_info(alice->group, &info));
  members_support(&dave, 1, TYPE);
  ck_assert_done(
      &dave, e2ee_group_join_external(dave.client, BYTES(info), NULL, 0, &message, &dave.group));
  e2ee_incoming *incoming = process(bob, message);
  e2ee_incoming_status status = status_of(incoming);
  e2ee_change change = change_of(incoming, 0);
  ck_assert_uint_eq(status.sender, MEMBERS);
  ck_assert_uint_eq(status.sender_type, E2EE_SENDER_NEW_MEMBER_COMMIT);
  ck_assert_uint_eq(status.sender_index, NONE);
  ck_assert_uint_eq(status.changes, 1);
  ck_assert_uint_eq(change.kind, E2EE_CHANGE_ADD);
  ck_assert_uint_eq(change.leaf, MEMBERS);
  ck_assert_uint_eq(change.proposer, NONE);
  ck_assert_uint_eq(change.proposer_type, E2EE_SENDER_NEW_MEMBER_COMMIT);
  ck_assert_uint_eq(change.proposer_index, NONE);
  expect_member(incoming, 0, "dave");
  e2ee_incoming_free(incoming);
  incoming = process(&dave, message); /* his own */
  ck_assert_uint_eq(status_of(incoming).sender_type, E2EE_SENDER_NEW_MEMBER_COMMIT);
  e2ee_incoming_free(incoming);
  e2ee_bytes_free(message);
  e2ee_bytes_free(info);
}
END_TEST

/* The newest row of members in a Welcome was put by whoever sent it. */
START_TEST(in_a_welcome) {
  e2ee_incoming *incoming = NULL;
  e2ee_bytes *key_package = key_package_of(&dave), *welcome = NULL;
  e2ee_bytes_free(build_commit(carol, key_package, NONE, &welcome));
  ck_assert_done(&dave, e2ee_welcome_open(dave.client, BYTES(welcome), NULL, 0, &incoming));
  ck_assert_uint_eq(status_of(incoming).sender_type, E2EE_SENDER_MEMBER);
  ck_assert_uint_eq(status_of(incoming).sender_index, CAROL);
  for (uint32_t i = 0; i <= MEMBERS; i++) {
    e2ee_change change = change_of(incoming, i);
    ck_assert_uint_eq(change.proposer_type, E2EE_SENDER_MEMBER);
    ck_assert_uint_eq(change.proposer_index, CAROL);
  }
  e2ee_incoming_free(incoming);
  e2ee_bytes_free(key_package);
  e2ee_bytes_free(welcome);
}
END_TEST

int main(void) {
  TCase *cases = tcase_create("told before accepting");
  tcase_add_checked_fixture(cases, setup, teardown);
  tcase_set_timeout(cases, 60);
  tcase_add_loop_test(cases, by_reference, 0, ROWS);
  tcase_add_loop_test(cases, by_value, 0, ROWS);
  tcase_add_loop_test(cases, own_leaf, 0, 2);
  tcase_add_loop_test(cases, by_server, 0, ROWS);
  tcase_add_test(cases, by_stranger);
  tcase_add_test(cases, by_joiner);
  tcase_add_test(cases, in_a_welcome);
  return run_case("described", cases);
}
