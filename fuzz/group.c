/*
 * A live group with a hostile member.  An input is a list of records: what a member sends, as an
 * attacker from outside would (any bytes) or as one inside would (any content, properly signed and
 * protected), between honest commits.  Nothing of it may crash, and honest members stay able to
 * save their state.
 * SPDX-License-Identifier: ISC
 */
#include "api/handles.h"
#include "crypto/sign.h"
#include "members.h"
#include "records.h"

#define RECORDS_MAX 32

static const uint8_t state_key[32];
static e2ee_bytes *saved[2];
static struct members members;

static e2ee_client **client_of(unsigned actor) {
  return actor == 0 ? &members.alice_client : &members.bob_client;
}

static e2ee_group **group_of(unsigned actor) {
  return actor == 0 ? &members.alice : &members.bob;
}

static void save(unsigned actor, e2ee_bytes **out) {
  harness_require(e2ee_group_save(*group_of(actor), state_key, sizeof state_key, out) == 0,
                  "a group was not saved");
}

static void load(unsigned actor, const e2ee_bytes *blob) {
  e2ee_group_free(*group_of(actor));
  harness_require(e2ee_group_load(*client_of(actor), state_key, sizeof state_key,
                                  e2ee_bytes_data(blob), e2ee_bytes_size(blob),
                                  group_of(actor)) == 0,
                  "what was saved was not loaded");
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc, (void)argv;
  harness_start();
  members_start(&members);
  for (unsigned actor = 0; actor < 2; actor++)
    save(actor, &saved[actor]);
  return 0;
}

/* The other member receives a message, and agrees to whatever verified. */
static bool deliver(unsigned to, struct view message) {
  e2ee_incoming *incoming = NULL;
  if (e2ee_group_process(*group_of(to), message.data, message.size, &incoming) != 0)
    return false;
  e2ee_incoming_status status;
  harness_require(e2ee_incoming_get_status(incoming, &status, sizeof status) == 0, "no status");
  uint8_t text[256];
  for (uint32_t i = 0; i < status.changes; i++) {
    size_t size = sizeof text;
    e2ee_change change;
    harness_require(e2ee_incoming_change(incoming, i, &change, sizeof change) == 0, "no change");
    (void)!e2ee_incoming_member(incoming, i, E2EE_MEMBER_IDENTITY, text, &size);
  }
  bool accepted = e2ee_incoming_accept(incoming) == 0;
  e2ee_incoming_free(incoming);
  return accepted;
}

/* Send a body that nobody checked, signed and protected as a member's. */
static void send_content(unsigned actor, uint8_t content_type, struct view body, bool encrypted) {
  static const uint8_t tag[HASH_MAX];
  struct group *group = (*group_of(actor))->group;
  if (group_check_active(group) != OK)
    return;
  struct bytes storage = {0}, message = {0};
  struct authenticated_content content;
  struct framed_content framed = {.content_type = content_type, .content = body};
  harness_require(group_sign(group, &framed, encrypted, &storage, &content) == OK, "not signed");
  if (content_type == CONTENT_COMMIT)
    content.auth.confirmation_tag = view_of(tag, group->epoch->suite->hash->size);
  if (group_protect(group, &content, &message) == OK && deliver(!actor, bytes_view(&message)) &&
      content_type == CONTENT_PROPOSAL)
    (void)!proposal_store_add(&group->proposals, group->epoch->suite, &content, NULL);
  bytes_free(&storage);
  bytes_free(&message);
}

static void commit_proposals(unsigned actor) {
  e2ee_group *group = *group_of(actor);
  e2ee_commit *commit = NULL;
  e2ee_bytes *message = NULL, *welcome = NULL;
  if (e2ee_commit_new(group, &commit) == 0 && e2ee_commit_build(commit, &message, &welcome) == 0) {
    struct view bytes = {e2ee_bytes_data(message), e2ee_bytes_size(message)};
    int result = deliver(!actor, bytes) ? e2ee_group_commit_accepted(group)
                                        : e2ee_group_commit_discard(group);
    harness_require(result == 0, "a pending commit was not resolved");
  }
  e2ee_commit_free(commit);
  e2ee_bytes_free(message);
  e2ee_bytes_free(welcome);
}

static void save_and_load(unsigned actor) {
  e2ee_bytes *blob = NULL;
  save(actor, &blob);
  load(actor, blob);
  e2ee_bytes_free(blob);
}

/* A GroupInfo with any extensions, well signed. */
static enum err write_group_info(const struct group *group, struct view extensions,
                                 struct writer *writer) {
  enum err err = OK;
  const struct epoch *epoch = group->epoch;
  struct bytes signature = {0};
  struct group_info info = {.context = epoch->context,
                            .extensions = extensions,
                            .confirmation_tag = epoch_confirmation_tag(epoch),
                            .signer = epoch->own_leaf};
  struct writer content = {0};
  group_info_write_signed(&content, &info);
  TRY(content.err);
  TRY(sign_with_label(epoch->suite, group->client->signature_key, VIEW_TEXT("GroupInfoTBS"),
                      writer_view(&content), &signature));
  info.signature = bytes_view(&signature);
  group_info_write(writer, &info);
  err = writer->err;
done:
  bytes_free(&signature);
  writer_free(&content);
  return err;
}

static void join_from_outside(unsigned actor, struct view extensions) {
  const struct group *group = (*group_of(actor))->group;
  if (group_check_active(group) != OK)
    return;
  struct writer writer = {0};
  message_write_header(&writer, WIRE_GROUP_INFO);
  harness_require(write_group_info(group, extensions, &writer) == OK, "no GroupInfo");
  struct view info = writer_view(&writer);
  e2ee_client *carol = NULL;
  e2ee_group *joined = NULL;
  e2ee_bytes *commit = NULL;
  harness_require(e2ee_client_new(MEMBERS_SUITE, (const uint8_t *)"carol", 5, &carol) == 0 &&
                      e2ee_client_set(carol, E2EE_SET_TIME, HARNESS_TIME) == 0,
                  "no client");
  if (e2ee_group_join_external(carol, info.data, info.size, NULL, 0, &commit, &joined) == 0) {
    struct view message = {e2ee_bytes_data(commit), e2ee_bytes_size(commit)};
    deliver(!actor, message);
  }
  e2ee_group_free(joined);
  e2ee_client_free(carol);
  e2ee_bytes_free(commit);
  writer_free(&writer);
}

static void propose_add(unsigned actor, struct view key_package) {
  e2ee_bytes *message = NULL;
  if (e2ee_group_propose_add(*group_of(actor), key_package.data, key_package.size, &message) != 0)
    return;
  struct view bytes = {e2ee_bytes_data(message), e2ee_bytes_size(message)};
  deliver(!actor, bytes);
  e2ee_bytes_free(message);
}

static void play(uint8_t head, struct view data) {
  unsigned actor = (head & BY_BOB) != 0;
  bool encrypted = (head & ENCRYPTED) != 0;
  switch ((enum operation)(head % OPERATIONS)) {
  case SEND_ANYTHING:
    deliver(!actor, data);
    break;
  case SEND_PROPOSAL:
    send_content(actor, CONTENT_PROPOSAL, data, encrypted);
    break;
  case SEND_COMMIT:
    send_content(actor, CONTENT_COMMIT, data, encrypted);
    break;
  case SEND_APPLICATION:
    send_content(actor, CONTENT_APPLICATION, data, true);
    break;
  case COMMIT_PROPOSALS:
    commit_proposals(actor);
    break;
  case SAVE_AND_LOAD:
    save_and_load(actor);
    break;
  case JOIN_FROM_OUTSIDE:
    join_from_outside(actor, data);
    break;
  case PROPOSE_ADD:
    propose_add(actor, data);
    break;
  case OPERATIONS:
    break;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  harness_restart();
  for (unsigned actor = 0; actor < 2; actor++) {
    load(actor, saved[actor]);
    (*client_of(actor))->client->settings.encrypt_handshake = false;
  }
  struct view input = {data, size};
  for (unsigned i = 0; i < RECORDS_MAX && input.size > 0; i++) {
    uint8_t head = harness_take(&input, 1).data[0];
    play(head, harness_take_block(&input));
  }
  for (unsigned actor = 0; actor < 2; actor++)
    save_and_load(actor);
  return 0;
}
