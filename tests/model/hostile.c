/* SPDX-License-Identifier: ISC */
#include "hostile.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "commits.h"
#include "delivery.h"

/* ---- Repeated ---- */

/* In its own epoch a PublicMessage with a proposal can come twice: it is stored once. */
static void repeat_public(struct seat *seat, const e2ee_bytes *message) {
  const e2ee_client *client = seat->group->client;
  const struct proposal_store *store = &seat->group->group->proposals;
  e2ee_incoming *incoming = NULL;
  size_t before = store->count;
  MUST(client, e2ee_group_process(seat->group, BYTES(message), &incoming));
  MUST(client, e2ee_incoming_accept(incoming));
  e2ee_incoming_free(incoming);
  EXPECT(store->count == before, "a proposal that came twice is stored twice");
}

static bool is_deferred(const struct memory *memory, size_t entry) {
  for (size_t i = 0; i < memory->deferred_count; i++)
    if (memory->deferred[i] == entry)
      return true;
  return false;
}

void seat_repeat(struct world *world, struct room *room, int person, struct dice *dice) {
  struct seat *seat = &room->seats[person];
  if (seat->memory.cursor == 0 || !seat_is_member(seat))
    return;
  size_t at = seat->memory.cursor - 1 -
              dice_pick(dice, seat->memory.cursor < 12 ? seat->memory.cursor : 12);
  const struct entry *entry = &room->log[at];
  uint64_t epoch = seat_epoch(seat);
  if (is_deferred(&seat->memory, at))
    return;
  if (entry->epoch < epoch)
    expect_refused(world, seat, BYTES(entry->message), E2EE_ERR_OLD_EPOCH);
  else if (e2ee_bytes_data(entry->message)[3] == WIRE_PRIVATE_MESSAGE)
    expect_refused(world, seat, BYTES(entry->message), E2EE_ERR_REPLAY);
  else
    repeat_public(seat, entry->message);
}

/* ---- Altered ---- */

static uint8_t *altered(const e2ee_bytes *bytes, struct dice *dice) {
  size_t size = e2ee_bytes_size(bytes);
  uint8_t *copy = malloc(size);
  EXPECT(copy != NULL, "out of memory");
  memcpy(copy, e2ee_bytes_data(bytes), size);
  /* Anywhere, but more often where lengths and types are. */
  size_t at =
      dice_once_in(dice, 2) ? dice_pick(dice, size) : dice_pick(dice, size < 64 ? size : 64);
  copy[at] ^= (uint8_t)(1u << dice_pick(dice, 8));
  return copy;
}

/* Whoever is removed by an external commit cannot check its confirmation tag. */
static bool removes_from_outside(const struct room *room, int person) {
  const struct entry *entry = &room->log[room->seats[person].memory.cursor];
  return entry->external && record_leaf(&room->records[entry->epoch + 1], person) == LEAF_NONE;
}

void seat_altered(struct world *world, struct room *room, int person, struct dice *dice) {
  struct seat *seat = &room->seats[person];
  const e2ee_bytes *message = NULL;
  if (seat->group == NULL || group_is_outside(seat->group->group))
    return; /* from outside the tag of a PublicMessage cannot be checked */
  if (room->message_count > 0 && dice_once_in(dice, 2))
    message = room->messages[dice_pick(dice, room->message_count)].bytes;
  else if (seat->memory.cursor < room->log_count && !removes_from_outside(room, person))
    message = room->log[seat->memory.cursor].message;
  else if (room->flight_count > 0)
    message = room->flights[dice_pick(dice, room->flight_count)].entry.message;
  if (message == NULL)
    return;
  uint8_t *copy = altered(message, dice);
  expect_refused(world, seat, copy, e2ee_bytes_size(message), ANY_REFUSAL);
  /* Cut short, too. */
  expect_refused(world, seat, copy, dice_pick(dice, e2ee_bytes_size(message)), ANY_REFUSAL);
  free(copy);
}

void seat_misled(struct world *world, struct room *room, int person, struct dice *dice) {
  const struct room *other = world->rooms[dice_pick(dice, SUCCESSOR)];
  struct seat *seat = &room->seats[person];
  if (other == NULL || other == room || other->log_count == 0 || !seat_is_member(seat))
    return;
  const struct entry *entry = &other->log[dice_pick(dice, other->log_count)];
  expect_refused(world, seat, BYTES(entry->message), E2EE_ERR_INVALID_ARG);
}

/* ---- Altered objects ---- */

static void altered_key_package(struct world *world, struct room *room, int person,
                                struct dice *dice) {
  struct seat *seat = &room->seats[person];
  e2ee_bytes *message = NULL;
  struct facts before, after;
  int outsider = pick_outsider(world, &room->records[seat_epoch(seat)], dice);
  if (outsider == NOBODY)
    return;
  e2ee_bytes *key_package = key_package_of(world, outsider, room->suite);
  uint8_t *copy = altered(key_package, dice);
  facts_of(seat, &before);
  int err = e2ee_group_propose_add(seat->group, copy, e2ee_bytes_size(key_package), &message);
  facts_of(seat, &after);
  EXPECT(err != E2EE_OK && err != E2EE_ERR_INTERNAL && message == NULL &&
             memcmp(&before, &after, sizeof before) == 0,
         "an altered key package gives %d", err);
  free(copy);
  e2ee_bytes_free(key_package);
}

static void altered_group_info(struct world *world, struct room *room, int person,
                               struct dice *dice) {
  struct seat *seat = &room->seats[person];
  e2ee_bytes *info = NULL;
  e2ee_group *group = NULL;
  int outsider = pick_outsider(world, &room->records[seat_epoch(seat)], dice);
  if (outsider == NOBODY || room->seats[outsider].group != NULL)
    return;
  e2ee_client *client = person_client(world, outsider, room->suite);
  MUST(seat->group->client, e2ee_group_info(seat->group, &info));
  uint8_t *copy = altered(info, dice);
  int err = e2ee_group_open(client, copy, e2ee_bytes_size(info), NULL, 0, &group);
  EXPECT(err != E2EE_OK && err != E2EE_ERR_INTERNAL && group == NULL,
         "an altered GroupInfo gives %d", err);
  free(copy);
  e2ee_bytes_free(info);
}

static void altered_state(const struct seat *seat, struct dice *dice) {
  e2ee_group *group = NULL;
  if (seat->saved == NULL)
    return;
  uint8_t *copy = altered(seat->saved, dice);
  int err =
      e2ee_group_load(seat->group->client, STATE_KEY, copy, e2ee_bytes_size(seat->saved), &group);
  EXPECT((err == E2EE_ERR_STATE_KEY || err == E2EE_ERR_STATE_VERSION ||
          err == E2EE_ERR_STATE_CORRUPT) &&
             group == NULL,
         "altered state gives %d", err);
  free(copy);
}

/* A Welcome for one: each of its bits matters to whom it is for. */
static void altered_welcome(struct world *world, struct room *room, struct dice *dice) {
  for (int i = 0; i < (int)world->person_count; i++) {
    const struct seat *seat = &room->seats[i];
    e2ee_incoming *incoming = NULL;
    if (seat->memory.invited == 0 || seat->group != NULL)
      continue;
    const e2ee_bytes *welcome = room->log[seat->memory.invited - 1].welcome;
    e2ee_client *client = person_client(world, i, room->suite);
    uint8_t *copy = altered(welcome, dice);
    int err = e2ee_welcome_open(client, copy, e2ee_bytes_size(welcome), NULL, 0, &incoming);
    /* What is encrypted to another new member is not looked at. */
    EXPECT(err != E2EE_ERR_INTERNAL, "an altered Welcome gives %d", err);
    e2ee_incoming_free(incoming);
    free(copy);
    world->tally.refusals++;
  }
}

void altered_objects(struct world *world, struct room *room, int person, struct dice *dice) {
  altered_key_package(world, room, person, dice);
  altered_group_info(world, room, person, dice);
  altered_state(&room->seats[person], dice);
  altered_welcome(world, room, dice);
}

/* ---- Senseless ---- */

void senseless_calls(struct room *room, int person, struct dice *dice) {
  struct seat *seat = &room->seats[person];
  const e2ee_client *client = seat->group->client;
  e2ee_commit *commit = NULL;
  e2ee_bytes *message = NULL, *welcome = NULL;
  e2ee_group *group = NULL;
  struct facts before, after;
  uint32_t own = seat->group->group->epoch->own_leaf;
  struct bytes content = seat_content(seat);
  facts_of(seat, &before);
  MUST(client, e2ee_commit_new(seat->group, &commit));
  RETURNS(client, e2ee_commit_remove(commit, own), E2EE_ERR_INVALID_ARG);
  RETURNS(client, e2ee_commit_remove(commit, 1000 + dice_pick(dice, 1000)), E2EE_ERR_NOT_FOUND);
  RETURNS(client, e2ee_commit_custom(commit, 0xf0ff, NULL, 0), E2EE_ERR_INVALID_PROPOSAL);
  if (before.status.state == E2EE_GROUP_PENDING)
    RETURNS(client, e2ee_commit_build(commit, &message, &welcome), E2EE_ERR_PENDING_COMMIT);
  else
    RETURNS(client, e2ee_group_commit_accepted(seat->group), E2EE_ERR_NOT_FOUND);
  e2ee_commit_free(commit);
  RETURNS(client, e2ee_group_propose_remove(seat->group, 5000, &message), E2EE_ERR_NOT_FOUND);
  e2ee_bytes *info = NULL;
  MUST(client, e2ee_group_info(seat->group, &info));
  RETURNS(client, e2ee_group_open(seat->group->client, BYTES(info), NULL, 0, &group),
          E2EE_ERR_INVALID_STATE);
  e2ee_bytes_free(info);
  facts_of(seat, &after);
  struct bytes again = seat_content(seat);
  EXPECT(memcmp(&before, &after, sizeof before) == 0 &&
             view_equal(bytes_view(&content), bytes_view(&again)),
         "calls that were refused changed something");
  bytes_free(&content);
  bytes_free(&again);
}
