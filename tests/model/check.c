/* SPDX-License-Identifier: ISC */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "frames.h"
#include "saved.h"
#include "state/seal.h"
#include "state/snapshot.h"

#define EXPORT_LABEL "model", 5, (const uint8_t *)"context", 7

/* ---- Records ---- */

void record_of(const struct epoch *epoch, struct record *out) {
  uint8_t full[HASH_MAX] = {0};
  struct view authenticator = secret_view(&epoch->secrets->epoch_authenticator);
  *out = (struct record){.tree = tree_share(epoch->tree), .ended = epoch->reinit.size > 0};
  EXPECT(bytes_copy(&out->context, bytes_view(&epoch->context_raw)) == OK, "out of memory");
  memcpy(full, authenticator.data, authenticator.size);
  memcpy(out->authenticator, full, sizeof full);
  enum err err = schedule_export(epoch->suite, epoch->secrets, VIEW_TEXT("model"),
                                 VIEW_TEXT("context"), out->exported, sizeof out->exported);
  EXPECT(err == OK, "schedule_export returned %d", err);
}

void record_free(struct record *record) {
  tree_drop(record->tree);
  bytes_free(&record->context);
}

static int person_of(const struct leaf *leaf) {
  if (leaf == NULL)
    return NOBODY;
  struct view name = leaf_credential(leaf).identity;
  EXPECT(name.size == 3 && name.data[0] == 'p', "a leaf has an identity that nobody has");
  return (name.data[1] - '0') * 10 + name.data[2] - '0';
}

int record_person(const struct record *record, uint32_t leaf) {
  return person_of(tree_leaf(record->tree, leaf));
}

uint32_t record_leaf(const struct record *record, int person) {
  uint32_t leaf = tree_next_member(record->tree, 0);
  while (leaf != LEAF_NONE && record_person(record, leaf) != person)
    leaf = tree_next_member(record->tree, leaf + 1);
  return leaf;
}

static struct view record_extensions(const struct record *record) {
  struct group_context context;
  struct reader reader = reader_of(bytes_view(&record->context));
  EXPECT(group_context_read(&reader, &context) == OK, "a GroupContext does not parse");
  return context.extensions;
}

static bool requires(struct view data, uint16_t extension, uint16_t proposal) {
  struct capabilities required;
  EXPECT(required_capabilities_read(data, &required) == OK, "required_capabilities do not parse");
  return list_has(required.extensions, extension) || list_has(required.proposals, proposal);
}

bool record_is_rare(const struct record *record) {
  struct view data, list = record_extensions(record);
  return extensions_find(list, EXTENSION_RARE, &data) ||
         (extensions_find(list, EXTENSION_REQUIRED_CAPABILITIES, &data) &&
          requires(data, EXTENSION_RARE, CUSTOM_RARE));
}

bool record_supports_rare(const struct world *world, const struct record *record) {
  for (uint32_t leaf = tree_next_member(record->tree, 0); leaf != LEAF_NONE;
       leaf = tree_next_member(record->tree, leaf + 1))
    if ((world->persons[record_person(record, leaf)].traits & TRAIT_RARE) == 0)
      return false;
  return true;
}

uint32_t record_sender(const struct record *record, struct view key) {
  struct view data;
  struct reader senders;
  if (!extensions_find(record_extensions(record), EXTENSION_EXTERNAL_SENDERS, &data))
    return UINT32_MAX;
  struct reader reader = reader_of(data);
  EXPECT(read_items(&reader, &senders) == OK, "external_senders do not parse");
  for (uint32_t index = 0; senders.left > 0; index++) {
    struct external_sender sender;
    EXPECT(external_sender_read(&senders, &sender) == OK, "external_senders do not parse");
    if (view_equal(sender.signature_key, key))
      return index;
  }
  return UINT32_MAX;
}

/* ---- Trees ---- */

/* What is cached in a tree is what somebody finds who reads it for the first time. */
static void check_reading(const struct record *record) {
  struct writer writer = {0};
  struct tree *again = NULL;
  struct why why = {{0}};
  const struct tree *tree = record->tree;
  tree_write(&writer, tree);
  EXPECT(writer.err == OK, "tree_write returned %d", writer.err);
  enum err err = tree_read(tree_suite(tree), writer_view(&writer), 1024, &why, &again);
  EXPECT(err == OK, "tree_read returned %d: %s", err, why.text);
  EXPECT(view_equal(tree_hash(tree), tree_hash(again)), "a tree has another hash when read");
  EXPECT(tree_width(tree) == tree_width(again) && tree_members(tree) == tree_members(again) &&
             tree_resolution_size(tree, node_root(tree_width(tree))) ==
                 tree_resolution_size(again, node_root(tree_width(again))) &&
             tree_all_support_extension(tree, EXTENSION_RARE) ==
                 tree_all_support_extension(again, EXTENSION_RARE) &&
             tree_all_support_proposal(tree, CUSTOM_RARE) ==
                 tree_all_support_proposal(again, CUSTOM_RARE),
         "a tree has other counts when read");
  EXPECT(tree_verify_parent_hashes(again, 1, &why) == OK, "parent hashes: %s", why.text);
  tree_drop(again);
  writer_free(&writer);
}

/* A leaf was replaced or taken out: whoever knew private keys on its path knows none that counts. */
static void check_renewed(const struct tree *before, const struct tree *after, uint32_t leaf) {
  EXPECT(!tree_has_encryption_key(after, leaf_encryption_key(tree_leaf(before, leaf))),
         "the key of leaf %u is still in use", leaf);
  for (uint32_t height = 1; height <= width_height(tree_width(before)); height++) {
    struct parent_node parent;
    if (tree_parent(before, node_ancestor(leaf, height), &parent))
      EXPECT(!tree_has_encryption_key(after, parent.encryption_key),
             "the key at height %u above leaf %u, which changed, is still in use", height, leaf);
  }
}

void check_tree(const struct record *before, const struct record *after) {
  check_reading(after);
  for (uint32_t leaf = tree_next_member(before->tree, 0); leaf != LEAF_NONE;
       leaf = tree_next_member(before->tree, leaf + 1)) {
    const struct leaf *now = tree_leaf(after->tree, leaf);
    if (now == NULL || !view_equal(leaf_raw(now), leaf_raw(tree_leaf(before->tree, leaf))))
      check_renewed(before->tree, after->tree, leaf);
  }
}

/* ---- Changes ---- */

static int change_person(const e2ee_incoming *incoming, uint32_t index) {
  uint8_t name[8] = {0};
  size_t size = sizeof name;
  MUST(incoming->client, e2ee_incoming_member(incoming, index, E2EE_MEMBER_IDENTITY, name, &size));
  EXPECT(size == 3 && name[0] == 'p', "a change is about an identity that nobody has");
  return (name[1] - '0') * 10 + name[2] - '0';
}

static void apply_change(const e2ee_incoming *incoming, uint32_t index, const struct record *before,
                         int *persons, uint32_t width) {
  e2ee_change change;
  MUST(incoming->client, e2ee_incoming_change(incoming, index, &change, sizeof change));
  if (change.kind > E2EE_CHANGE_UPDATE)
    return;
  int person = change_person(incoming, index);
  EXPECT(change.leaf < width, "a change of leaf %u, which there is not", change.leaf);
  switch (change.kind) {
  case E2EE_CHANGE_ADD:
    persons[change.leaf] = person;
    break;
  case E2EE_CHANGE_REMOVE:
    EXPECT(record_person(before, change.leaf) == person, "leaf %u that is removed is not person %d",
           change.leaf, person);
    if (persons[change.leaf] == person)
      persons[change.leaf] = NOBODY;
    break;
  default:
    EXPECT(persons[change.leaf] == person, "an update gives leaf %u to person %d", change.leaf,
           person);
  }
}

/* Removes come before Adds, whatever their order in the list: two passes. */
static void apply_changes(const e2ee_incoming *incoming, const struct record *before, bool adds,
                          int *persons, uint32_t width) {
  e2ee_incoming_status status;
  MUST(incoming->client, e2ee_incoming_get_status(incoming, &status, sizeof status));
  for (uint32_t i = 0; i < status.changes; i++) {
    e2ee_change change;
    MUST(incoming->client, e2ee_incoming_change(incoming, i, &change, sizeof change));
    if ((change.kind == E2EE_CHANGE_REMOVE) != adds)
      apply_change(incoming, i, before, persons, width);
  }
}

void check_changes(const struct record *before, const struct record *after,
                   const e2ee_incoming *incoming) {
  int persons[4 * PERSONS_MAX];
  uint32_t width = 4 * PERSONS_MAX;
  e2ee_incoming_status status;
  MUST(incoming->client, e2ee_incoming_get_status(incoming, &status, sizeof status));
  if (status.flags & E2EE_INCOMING_FLAG_PARTLY) {
    EXPECT((status.flags & E2EE_INCOMING_FLAG_REMOVES_OWN) && status.changes == 1,
           "a commit that is not all shown removes somebody else");
    return;
  }
  for (uint32_t leaf = 0; leaf < width; leaf++)
    persons[leaf] = record_person(before, leaf);
  apply_changes(incoming, before, false, persons, width);
  apply_changes(incoming, before, true, persons, width);
  for (uint32_t leaf = 0; leaf < width; leaf++)
    EXPECT(persons[leaf] == record_person(after, leaf),
           "the changes of a commit put person %d at leaf %u, the tree has person %d",
           persons[leaf], leaf, record_person(after, leaf));
}

/* ---- Seats ---- */

static void check_members(const struct seat *seat, const struct record *record) {
  uint32_t leaf = UINT32_MAX, count = 0;
  const e2ee_client *client = seat->group->client;
  while (e2ee_group_member_next(seat->group, &leaf) == 1) {
    uint8_t value[256];
    size_t size = sizeof value;
    const struct leaf *member = tree_leaf(record->tree, leaf);
    EXPECT(member != NULL, "leaf %u has a member for one and none for another", leaf);
    MUST(client, e2ee_group_member(seat->group, leaf, E2EE_MEMBER_IDENTITY, value, &size));
    EXPECT(view_equal(view_of(value, size), leaf_credential(member).identity),
           "leaf %u is not the same person for all", leaf);
    size = sizeof value;
    MUST(client, e2ee_group_member(seat->group, leaf, E2EE_MEMBER_PUBLIC_KEY, value, &size));
    EXPECT(view_equal(view_of(value, size), leaf_signature_key(member)),
           "leaf %u has not the same key for all", leaf);
    count++;
  }
  EXPECT(count == tree_members(record->tree), "%u members instead of %u", count,
         tree_members(record->tree));
}

static void check_keys(const struct epoch *epoch) {
  struct why why = {{0}};
  EXPECT(private_keys_check(epoch->keys, epoch->tree, &why) == OK, "private keys: %s", why.text);
  EXPECT(private_keys_complete(epoch->keys, epoch->tree, &why) == OK, "private keys: %s", why.text);
}

void check_seat(struct world *world, struct room *room, int person) {
  struct seat *seat = &room->seats[person];
  const struct epoch *epoch = seat->group->group->epoch;
  e2ee_client *client = seat->group->client;
  uint64_t number = epoch->context.epoch;
  uint8_t exported[32], authenticator[HASH_MAX] = {0};
  size_t size = sizeof authenticator;
  EXPECT(number < room->record_count, "epoch %llu, which nobody made", (unsigned long long)number);
  const struct record *record = &room->records[number];
  EXPECT(view_equal(bytes_view(&epoch->context_raw), bytes_view(&record->context)),
         "the GroupContext of epoch %llu differs", (unsigned long long)number);
  EXPECT(view_equal(tree_hash(epoch->tree), epoch->context.tree_hash) &&
             view_equal(tree_hash(epoch->tree), tree_hash(record->tree)),
         "the tree of epoch %llu differs", (unsigned long long)number);
  EXPECT(record_leaf(record, person) == epoch->own_leaf, "person %d is not at its leaf %u", person,
         epoch->own_leaf);
  check_members(seat, record);
  check_keys(epoch);
  if (record->ended)
    return;
  MUST(client, e2ee_group_export(seat->group, EXPORT_LABEL, exported, sizeof exported));
  EXPECT(memcmp(exported, record->exported, sizeof exported) == 0, "exported secrets differ");
  MUST(client, e2ee_group_epoch_authenticator(seat->group, authenticator, &size));
  EXPECT(memcmp(authenticator, record->authenticator, sizeof authenticator) == 0,
         "epoch authenticators differ");
  streams_enter(world, room, person);
}

void check_left(const struct seat *seat) {
  const struct group *group = seat->group->group;
  uint8_t exported[32];
  EXPECT(seat_state(seat) == E2EE_GROUP_LEFT, "who was removed is in state %u", seat_state(seat));
  EXPECT(group->epoch->secrets == NULL && group->epoch->keys == NULL &&
             group->epoch->secret_tree == NULL && group->past_count == 0 && group->pending == NULL,
         "who was removed has kept secrets");
  RETURNS(seat->group->client,
          e2ee_group_export(seat->group, EXPORT_LABEL, exported, sizeof exported),
          E2EE_ERR_INVALID_STATE);
}

/* ---- Everybody ---- */

/* The code of a pair is the same for both. */
static void check_codes(const struct room *room, int a, int b) {
  uint8_t code[2][128];
  size_t size[2] = {sizeof code[0], sizeof code[1]};
  const struct seat *seats[2] = {&room->seats[a], &room->seats[b]};
  const struct record *record = &room->records[room->epoch];
  uint32_t other[2] = {record_leaf(record, b), record_leaf(record, a)};
  for (int i = 0; i < 2; i++)
    MUST(seats[i]->group->client,
         e2ee_group_member(seats[i]->group, other[i], E2EE_MEMBER_SAFETY_CODE, code[i], &size[i]));
  EXPECT(size[0] == size[1] && memcmp(code[0], code[1], size[0]) == 0,
         "the safety codes of persons %d and %d differ", a, b);
  size[0] = sizeof code[0];
  size[1] = sizeof code[1];
  for (int i = 0; i < 2; i++)
    MUST(seats[i]->group->client, e2ee_group_safety_code(seats[i]->group, code[i], &size[i]));
  EXPECT(size[0] == size[1] && memcmp(code[0], code[1], size[0]) == 0,
         "the safety codes of the epoch differ for persons %d and %d", a, b);
}

static void expect_reads(const struct room *room, int from, int to, const e2ee_bytes *message,
                         struct view text) {
  const struct seat *seat = &room->seats[to];
  const e2ee_client *client = seat->group->client;
  e2ee_incoming *incoming = NULL;
  e2ee_incoming_status status;
  uint8_t read[64];
  size_t size = sizeof read;
  MUST(client, e2ee_group_process(seat->group, BYTES(message), &incoming));
  MUST(client, e2ee_incoming_get_status(incoming, &status, sizeof status));
  MUST(client, e2ee_incoming_data(incoming, read, &size));
  EXPECT(status.kind == E2EE_INCOMING_APPLICATION && view_equal(view_of(read, size), text) &&
             status.sender == record_leaf(&room->records[room->epoch], from),
         "person %d reads of person %d what was not sent", to, from);
  e2ee_incoming_free(incoming);
}

void check_all(struct world *world, struct room *room) {
  for (int from = 0; from < (int)world->person_count; from++) {
    struct seat *seat = &room->seats[from];
    e2ee_bytes *message = NULL;
    if (!seat_is_current(room, seat))
      continue;
    struct view text = view_of((const uint8_t *)world->persons[from].name, 3);
    MUST(seat->group->client, e2ee_group_encrypt(seat->group, text.data, text.size, &message));
    seat_save(seat);
    for (int to = 0; to < (int)world->person_count; to++) {
      if (to == from || !seat_is_current(room, &room->seats[to]))
        continue;
      expect_reads(room, from, to, message, text);
      if (to > from)
        check_codes(room, from, to);
      world->tally.reads++;
    }
    e2ee_bytes_free(message);
    streams_activate(seat);
    frames_send(world, room, from);
  }
}

/* ---- Nothing changed ---- */

struct bytes seat_content(const struct seat *seat) {
  uint8_t version;
  e2ee_bytes *blob = NULL;
  struct bytes content = {0};
  MUST(seat->group->client, e2ee_group_save(seat->group, STATE_KEY, &blob));
  enum err err =
      unseal(view_of(STATE_KEY), SEAL_GROUP, bytes_view(&blob->bytes), NULL, &version, &content);
  EXPECT(err == OK, "unseal returned %d", err);
  e2ee_bytes_free(blob);
  return content;
}

uint64_t seat_revision(const struct seat *seat) {
  e2ee_group_status status;
  MUST(seat->group->client, e2ee_group_get_status(seat->group, &status, sizeof status));
  return status.revision;
}

void facts_of(const struct seat *seat, struct facts *out) {
  memset(out, 0, sizeof *out);
  MUST(seat->group->client, e2ee_group_get_status(seat->group, &out->status, sizeof out->status));
  out->export_result =
      e2ee_group_export(seat->group, EXPORT_LABEL, out->exported, sizeof out->exported);
}

static void expect_refusal(const struct seat *seat, const uint8_t *message, size_t size,
                           int expected) {
  e2ee_incoming *incoming = NULL;
  uint8_t text[512];
  size_t text_size = sizeof text;
  const e2ee_client *client = seat->group->client;
  int err = e2ee_group_process(seat->group, message, size, &incoming);
  EXPECT(err != E2EE_OK, "what should be refused was taken");
  EXPECT(err != E2EE_ERR_INTERNAL, "what should be refused broke something");
  if (expected != ANY_REFUSAL)
    expect_result(__FILE__, __LINE__, "e2ee_group_process", client, err, expected);
  MUST(client, e2ee_client_explain(client, text, &text_size));
  EXPECT(text_size > 0, "a refusal (%d) without an explanation", err);
}

/* The first try may derive keys of the secret tree that were not there yet, so that what would be
 * saved is looked at after it. */
void expect_refused(struct world *world, const struct seat *seat, const uint8_t *message,
                    size_t size, int expected) {
  struct facts before, after;
  facts_of(seat, &before);
  expect_refusal(seat, message, size, expected);
  struct bytes content = seat_content(seat);
  expect_refusal(seat, message, size, expected);
  struct bytes again = seat_content(seat);
  facts_of(seat, &after);
  EXPECT(memcmp(&before, &after, sizeof before) == 0, "a refused message changed something");
  EXPECT(view_equal(bytes_view(&content), bytes_view(&again)),
         "a refused message changed what would be saved");
  bytes_free(&content);
  bytes_free(&again);
  world->tally.refusals++;
}
