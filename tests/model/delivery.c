/* SPDX-License-Identifier: ISC */
#include "delivery.h"

#include <string.h>

#include "check.h"
#include "saved.h"

/* ---- Commits on their way ---- */

void room_launch(struct room *room, int person, const struct entry *entry) {
  struct flight *flight = &room->flights[room->flight_count++];
  flight->entry = *entry;
  record_of(room->seats[person].group->group->pending->next, &flight->record);
  seat_save(&room->seats[person]);
}

static bool same_bytes(const struct bytes *a, const e2ee_bytes *b) {
  return view_equal(bytes_view(a), bytes_view(&b->bytes));
}

/* Whether a seat still waits for the decision about a commit. */
static bool waits_for(const struct seat *seat, const struct entry *entry) {
  return seat->group != NULL && seat->group->group->pending != NULL &&
         same_bytes(&seat->group->group->pending->message, entry->message);
}

/* Those whom a commit added by an Add will find a Welcome. */
static void invite(struct room *room, const struct record *before, const struct record *after) {
  for (uint32_t leaf = tree_next_member(after->tree, 0); leaf != LEAF_NONE;
       leaf = tree_next_member(after->tree, leaf + 1)) {
    const struct leaf *old = tree_leaf(before->tree, leaf), *new = tree_leaf(after->tree, leaf);
    if (leaf_source(new) == LEAF_KEY_PACKAGE &&
        (old == NULL || !view_equal(leaf_raw(old), leaf_raw(new))))
      room->seats[record_person(after, leaf)].memory.invited = room->log_count;
  }
}

/* The echo of an own commit. */
static void hear_echo(struct seat *seat, const struct entry *entry) {
  const e2ee_client *client = seat->group->client;
  e2ee_incoming *incoming = NULL;
  e2ee_incoming_status status;
  MUST(client, e2ee_group_process(seat->group, BYTES(entry->message), &incoming));
  MUST(client, e2ee_incoming_get_status(incoming, &status, sizeof status));
  EXPECT(status.kind == E2EE_INCOMING_OWN_COMMIT, "an own commit is taken for something else");
  MUST(client, e2ee_incoming_accept(incoming));
  e2ee_incoming_free(incoming);
}

/* The committer hears of it, from the delivery service or by the echo of the commit. */
static void tell_taken(struct world *world, struct room *room, int person, size_t at, bool echo) {
  struct seat *seat = &room->seats[person];
  const struct entry *entry = &room->log[at];
  if (echo)
    hear_echo(seat, entry);
  else
    MUST(seat->group->client, e2ee_group_commit_accepted(seat->group));
  if (entry->external)
    seat->memory = (struct memory){.joined = entry->epoch + 1, .cursor = at + 1};
  check_seat(world, room, person);
}

void seat_look_for_own(struct world *world, struct room *room, int person) {
  for (size_t i = 0; i < room->log_count; i++)
    if (waits_for(&room->seats[person], &room->log[i]))
      tell_taken(world, room, person, i, true);
}

static void take(struct world *world, struct room *room, struct flight *flight, struct dice *dice) {
  int from = flight->entry.from;
  check_tree(&room->records[room->epoch], &flight->record);
  room_add_record(room, &flight->record);
  struct entry *entry = room_add_entry(room, &flight->entry);
  room->epoch++;
  world->tally.epochs++;
  world->tally.externals += entry->external ? 1 : 0;
  invite(room, &room->records[room->epoch - 1], &room->records[room->epoch]);
  /* A member may hear of it later, when the commit is its turn. */
  if (waits_for(&room->seats[from], entry) && (entry->external || dice_once_in(dice, 2)))
    tell_taken(world, room, from, room->log_count - 1, dice_once_in(dice, 2));
}

bool room_post(struct world *world, struct room *room, size_t at, struct dice *dice) {
  struct flight flight = room->flights[at];
  struct seat *seat = &room->seats[flight.entry.from];
  room->flight_count--;
  memmove(&room->flights[at], &room->flights[at + 1], (room->flight_count - at) * sizeof flight);
  if (flight.entry.epoch == room->epoch) {
    take(world, room, &flight, dice);
    return true;
  }
  if (flight.entry.external && waits_for(seat, &flight.entry)) {
    MUST(seat->group->client, e2ee_group_commit_discard(seat->group));
    check_left(seat);
    seat_lose(seat);
  }
  flight_free(&flight);
  return false;
}

/* ---- Handshakes ---- */

static bool is_private(const e2ee_bytes *message) {
  return e2ee_bytes_data(message)[3] == WIRE_PRIVATE_MESSAGE;
}

static void deliver_proposal(struct world *world, struct room *room, int person,
                             const struct entry *entry) {
  struct seat *seat = &room->seats[person];
  e2ee_client *client = seat->group->client;
  e2ee_incoming *incoming = NULL;
  e2ee_incoming_status status;
  size_t before = seat->group->group->proposals.count;
  uint64_t revision = seat_revision(seat);
  bool own = entry->from == person && entry->epoch >= seat->memory.joined;
  if (own && is_private(entry->message)) {
    expect_refused(world, seat, BYTES(entry->message), E2EE_ERR_REPLAY);
    return;
  }
  MUST(client, e2ee_group_process(seat->group, BYTES(entry->message), &incoming));
  MUST(client, e2ee_incoming_get_status(incoming, &status, sizeof status));
  EXPECT(status.kind == E2EE_INCOMING_PROPOSAL && status.epoch == entry->epoch,
         "a proposal is taken for something else");
  MUST(client, e2ee_incoming_accept(incoming));
  EXPECT(own || seat_revision(seat) > revision, "accepting a proposal is not worth saving");
  RETURNS(client, e2ee_incoming_accept(incoming), E2EE_ERR_INVALID_STATE);
  e2ee_incoming_free(incoming);
  EXPECT(!own || seat->group->group->proposals.count == before, "an own proposal is stored twice");
}

static void deliver_deferred(struct world *world, struct room *room, int person) {
  struct memory *memory = &room->seats[person].memory;
  struct seat *seat = &room->seats[person];
  while (memory->deferred_count > 0) {
    const struct entry *entry = &room->log[memory->deferred[--memory->deferred_count]];
    if (entry->epoch < seat_epoch(seat))
      expect_refused(world, seat, BYTES(entry->message), E2EE_ERR_OLD_EPOCH);
    else
      deliver_proposal(world, room, person, entry);
  }
}

/* Whom a commit removes does not need the PSKs in it. */
static bool removes_reader(const e2ee_incoming *incoming) {
  e2ee_incoming_status status;
  if (incoming == NULL)
    return false;
  MUST(incoming->client, e2ee_incoming_get_status(incoming, &status, sizeof status));
  return (status.flags & E2EE_INCOMING_FLAG_REMOVES_OWN) != 0;
}

/* A resumption PSK is had by those who were in its epoch. */
static bool lacks_resumption(const struct seat *seat, const struct entry *entry) {
  return entry->psk_epoch != EPOCH_NONE && entry->psk_epoch < seat->memory.joined;
}

static bool add_psks(struct world *world, struct room *room, int person) {
  struct account *account = account_of(world, room, person);
  bool lacked = false;
  for (uint32_t psk = 0; psk < world->psk_count; psk++) {
    if ((account->psks & 1u << psk) != 0)
      continue;
    person_add_psk(world, person, room->suite, psk);
    lacked = true;
  }
  return lacked;
}

/* Verify a commit, and get what is missing: proposals that come later, or a PSK. */
static e2ee_incoming *open_commit(struct world *world, struct room *room, int person,
                                  const struct entry *entry) {
  struct seat *seat = &room->seats[person];
  e2ee_client *client = seat->group->client;
  e2ee_incoming *incoming = NULL;
  int err = e2ee_group_process(seat->group, BYTES(entry->message), &incoming);
  if (err == E2EE_ERR_MISSING_PROPOSAL && seat->memory.deferred_count > 0) {
    deliver_deferred(world, room, person);
    err = e2ee_group_process(seat->group, BYTES(entry->message), &incoming);
  }
  if (lacks_resumption(seat, entry) && !removes_reader(incoming)) {
    RETURNS(client, err, E2EE_ERR_INVALID_COMMIT);
    return NULL;
  }
  if (err == E2EE_ERR_INVALID_COMMIT && add_psks(world, room, person))
    err = e2ee_group_process(seat->group, BYTES(entry->message), &incoming);
  expect_result(__FILE__, __LINE__, "e2ee_group_process (commit)", client, err, E2EE_OK);
  return incoming;
}

/* Another's commit while an own one is pending: the own one has lost. */
static void accept_commit(struct seat *seat, e2ee_incoming *incoming) {
  e2ee_client *client = seat->group->client;
  uint64_t revision = seat_revision(seat);
  if (seat->group->group->pending != NULL) {
    RETURNS(client, e2ee_incoming_accept(incoming), E2EE_ERR_PENDING_COMMIT);
    MUST(client, e2ee_group_commit_discard(seat->group));
  }
  MUST(client, e2ee_incoming_accept(incoming));
  EXPECT(seat_revision(seat) > revision, "accepting a commit is not worth saving");
}

static void deliver_commit(struct world *world, struct room *room, int person,
                           const struct entry *entry) {
  struct seat *seat = &room->seats[person];
  e2ee_client *client = seat->group->client;
  e2ee_incoming_status status;
  if (waits_for(seat, entry)) {
    hear_echo(seat, entry);
    check_seat(world, room, person);
    return;
  }
  e2ee_incoming *again = NULL, *incoming = open_commit(world, room, person, entry);
  if (incoming == NULL) {
    seat_lose(seat);
    return;
  }
  MUST(client, e2ee_group_process(seat->group, BYTES(entry->message), &again));
  MUST(client, e2ee_incoming_get_status(incoming, &status, sizeof status));
  EXPECT(status.kind == E2EE_INCOMING_COMMIT && status.epoch == entry->epoch + 1,
         "a commit is taken for something else");
  const struct record *after = &room->records[entry->epoch + 1];
  EXPECT(record_person(after, status.sender) == entry->from,
         "a commit of person %d seems to be %d's", entry->from,
         record_person(after, status.sender));
  check_changes(&room->records[entry->epoch], after, incoming);
  accept_commit(seat, incoming);
  RETURNS(client, e2ee_incoming_accept(again), E2EE_ERR_OLD_EPOCH);
  e2ee_incoming_free(incoming);
  e2ee_incoming_free(again);
  if ((status.flags & 1) != 0)
    check_left(seat);
  else
    check_seat(world, room, person);
}

void seat_deliver(struct world *world, struct room *room, int person, struct dice *dice) {
  struct seat *seat = &room->seats[person];
  struct memory *memory = &seat->memory;
  if (!seat_is_member(seat) || memory->cursor >= room->log_count)
    return;
  size_t at = memory->cursor; /* until it is dealt with: the group may be saved meanwhile */
  const struct entry *entry = &room->log[at];
  uint64_t epoch = seat_epoch(seat);
  world->tally.entries++;
  if (entry->epoch < epoch) {
    expect_refused(world, seat, BYTES(entry->message), E2EE_ERR_OLD_EPOCH);
  } else if (entry->commit) {
    EXPECT(entry->epoch == epoch, "the model's log is out of order");
    deliver_commit(world, room, person, entry);
  } else if (memory->deferred_count < DEFERRED_MAX && dice_once_in(dice, 4)) {
    memory->deferred[memory->deferred_count++] = at;
  } else {
    deliver_proposal(world, room, person, entry);
  }
  memory->cursor = at + 1;
  if (seat_is_member(seat) && seat_epoch(seat) > epoch)
    deliver_deferred(world, room, person);
}

void seat_catch_up(struct world *world, struct room *room, int person, struct dice *dice) {
  struct seat *seat = &room->seats[person];
  while (seat_is_member(seat) && seat->memory.cursor < room->log_count)
    seat_deliver(world, room, person, dice);
  if (seat_is_member(seat))
    deliver_deferred(world, room, person);
}

void seat_miss(struct world *world, struct room *room, int person) {
  struct seat *seat = &room->seats[person];
  uint64_t epoch = seat_epoch(seat);
  for (size_t i = seat->memory.cursor; i < room->log_count; i++)
    if (room->log[i].epoch > epoch)
      expect_refused(world, seat, BYTES(room->log[i].message), E2EE_ERR_FUTURE_EPOCH);
  seat_lose(seat);
  world->tally.losses++;
}

/* ---- Welcomes ---- */

static e2ee_incoming *open_welcome(struct world *world, struct room *room, int person,
                                   const struct entry *entry) {
  e2ee_client *client = account_of(world, room, person)->client;
  e2ee_incoming *incoming = NULL;
  struct writer tree = {0};
  if ((world->persons[entry->from].traits & TRAIT_BESIDE) != 0)
    tree_write(&tree, room->records[entry->epoch + 1].tree);
  int err = e2ee_welcome_open(client, BYTES(entry->welcome), tree.data, tree.size, &incoming);
  if (entry->psk_epoch != EPOCH_NONE) {
    RETURNS(client, err, E2EE_ERR_NOT_FOUND); /* nobody who joins has been in another epoch */
  } else {
    if (err == E2EE_ERR_NOT_FOUND && add_psks(world, room, person))
      err = e2ee_welcome_open(client, BYTES(entry->welcome), tree.data, tree.size, &incoming);
    expect_result(__FILE__, __LINE__, "e2ee_welcome_open", client, err, E2EE_OK);
  }
  writer_free(&tree);
  return incoming;
}

static void check_welcome(const struct room *room, const e2ee_incoming *incoming,
                          const struct entry *entry) {
  e2ee_incoming_status status;
  const struct record *record = &room->records[entry->epoch + 1];
  MUST(incoming->client, e2ee_incoming_get_status(incoming, &status, sizeof status));
  EXPECT(status.kind == E2EE_INCOMING_WELCOME && status.epoch == entry->epoch + 1 &&
             status.changes == tree_members(record->tree) &&
             record_person(record, status.sender) == entry->from,
         "a Welcome says something else than its sender");
}

void seat_join(struct world *world, struct room *room, int person, struct dice *dice) {
  struct seat *seat = &room->seats[person];
  size_t invited = seat->memory.invited;
  const struct entry *entry = &room->log[invited - 1];
  e2ee_client *client = account_of(world, room, person)->client;
  e2ee_incoming *incoming = NULL;
  if (seat->group != NULL && group_is_outside(seat->group->group))
    return;                   /* waits for the delivery service to refuse the own commit */
  if (seat_is_member(seat)) { /* which does not know yet that it was removed */
    int err = e2ee_welcome_open(client, BYTES(entry->welcome), NULL, 0, &incoming);
    EXPECT(err == E2EE_ERR_INVALID_STATE || err == E2EE_ERR_NOT_FOUND /* of a PSK */,
           "a Welcome to a group of which the client is a member gives %d", err);
    seat_catch_up(world, room, person, dice);
    EXPECT(!seat_is_member(seat), "who was invited is a member still");
  }
  seat_lose(seat);
  seat->memory = (struct memory){.joined = entry->epoch + 1, .cursor = invited};
  incoming = open_welcome(world, room, person, entry);
  if (incoming == NULL)
    return; /* who has a leaf and no way in joins by external commit */
  check_welcome(room, incoming, entry);
  size_t key_packages = client->client->key_package_count;
  MUST(client, e2ee_incoming_join(incoming, &seat->group));
  EXPECT((world->persons[person].traits & TRAIT_TIDY) == 0 ||
             client->client->key_package_count == key_packages - 1,
         "the key package of a Welcome is not used up");
  e2ee_incoming_free(incoming);
  seat->unsaved_invitation = invited;
  check_seat(world, room, person);
  world->tally.joins++;
  if (dice_once_in(dice, 2)) {
    seat_save(seat);
    person_save(world, person, room->suite);
  }
}

/* ---- Application messages ---- */

bool seat_keeps(const struct world *world, const struct room *room, int person, uint64_t epoch) {
  const struct seat *seat = &room->seats[person];
  uint64_t now = seat_epoch(seat);
  return epoch <= now && epoch >= seat->memory.joined &&
         now - epoch <= world->persons[person].past_epochs;
}

void seat_send(struct room *room, int person, struct dice *dice) {
  struct seat *seat = &room->seats[person];
  e2ee_client *client = seat->group->client;
  struct message message = {.from = person, .epoch = seat_epoch(seat), .text = dice_roll(dice)};
  const uint8_t *text = (const uint8_t *)&message.text;
  uint64_t revision = seat_revision(seat);
  int err = e2ee_group_encrypt_with(seat->group, text, message.text % 9, text, sizeof message.text,
                                    &message.bytes);
  if (seat->group->group->proposals.count > 0) {
    RETURNS(client, err, E2EE_ERR_INVALID_STATE);
    return;
  }
  expect_result(__FILE__, __LINE__, "e2ee_group_encrypt", client, err, E2EE_OK);
  EXPECT(seat_revision(seat) > revision, "sending a message is not worth saving");
  seat_save(seat);
  if (room->message_count == MESSAGES_MAX) {
    e2ee_bytes_free(room->messages[0].bytes); /* lost to whoever has not read it */
    memmove(room->messages, room->messages + 1, --room->message_count * sizeof message);
  }
  room->messages[room->message_count++] = message;
}

/* What must come of a message that is given to a seat: E2EE_OK, or why it is refused. */
static int expected_reading(const struct world *world, const struct room *room, int person,
                            const struct message *message) {
  const struct seat *seat = &room->seats[person];
  if (group_is_outside(seat->group->group))
    return ANY_REFUSAL;
  if (seat_state(seat) == E2EE_GROUP_ENDED) {
    if (message->epoch == seat_epoch(seat) || !seat_keeps(world, room, person, message->epoch))
      return E2EE_ERR_INVALID_STATE;
  } else if (!seat_is_member(seat)) {
    return E2EE_ERR_INVALID_STATE;
  }
  if (message->epoch > seat_epoch(seat))
    return E2EE_ERR_FUTURE_EPOCH;
  if (!seat_keeps(world, room, person, message->epoch))
    return E2EE_ERR_OLD_EPOCH;
  return message->from == person || message->read[person] != 0 ? E2EE_ERR_REPLAY : E2EE_OK;
}

void seat_read(struct world *world, struct room *room, int person, struct message *message) {
  struct seat *seat = &room->seats[person];
  e2ee_client *client = seat->group->client;
  e2ee_incoming *incoming = NULL;
  e2ee_incoming_status status;
  uint64_t text = 0;
  uint8_t aside[8];
  uint64_t revision = seat_revision(seat);
  size_t size = sizeof text, aside_size = sizeof aside;
  int expected = expected_reading(world, room, person, message);
  if (expected != E2EE_OK) {
    expect_refused(world, seat, BYTES(message->bytes), expected);
    return;
  }
  MUST(client, e2ee_group_process(seat->group, BYTES(message->bytes), &incoming));
  MUST(client, e2ee_incoming_get_status(incoming, &status, sizeof status));
  MUST(client, e2ee_incoming_data(incoming, (uint8_t *)&text, &size));
  MUST(client, e2ee_incoming_authenticated_data(incoming, aside, &aside_size));
  EXPECT(aside_size == message->text % 9 && memcmp(aside, &message->text, aside_size) == 0,
         "the authenticated data of a message is not what was sent");
  EXPECT(size == sizeof text && text == message->text && status.epoch == message->epoch &&
             status.sender == record_leaf(&room->records[message->epoch], message->from),
         "person %d reads of person %d what was not sent", person, message->from);
  e2ee_incoming_free(incoming);
  EXPECT(seat_revision(seat) > revision, "reading a message is not worth saving");
  message->read[person] = seat->saves + 1;
  world->tally.messages++;
}
