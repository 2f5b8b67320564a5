/* SPDX-License-Identifier: ISC */
#include "linked.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "commits.h"
#include "delivery.h"
#include "saved.h"

static void first_record(struct room *room, int person) {
  struct record record;
  record_of(room->seats[person].group->group->epoch, &record);
  room_add_record(room, &record);
  seat_save(&room->seats[person]);
}

void room_found(struct world *world, size_t index, struct dice *dice) {
  uint16_t suite = world->suites[dice_once_in(dice, 4) ? dice_pick(dice, world->suite_count) : 0];
  room_free(world->rooms[index]);
  struct room *room = room_new(world, index, suite);
  int founder = (int)dice_pick(dice, world->person_count);
  e2ee_client *client = person_client(world, founder, suite);
  MUST(client, e2ee_group_new(client, room->id, strlen((const char *)room->id),
                              &room->seats[founder].group));
  first_record(room, founder);
  check_seat(world, room, founder);
}

/* ---- Settling ---- */

static void everybody_catches_up(struct world *world, struct room *room, struct dice *dice) {
  while (room->flight_count > 0)
    (void)room_post(world, room, dice_pick(dice, room->flight_count), dice);
  for (int i = 0; i < (int)world->person_count; i++) {
    if (room->seats[i].memory.invited != 0)
      seat_join(world, room, i, dice);
    seat_catch_up(world, room, i, dice);
  }
}

static bool proposals_wait(const struct world *world, const struct room *room) {
  for (uint32_t i = 0; i < world->person_count; i++)
    if (seat_is_member(&room->seats[i]) && room->seats[i].group->group->proposals.count > 0)
      return true;
  return false;
}

/* Commit what waits; who asked to leave cannot do it, so another one may have to. */
static void commit_proposals(struct world *world, struct room *room, struct dice *dice) {
  for (int tries = 0; proposals_wait(world, room) && tries < 20; tries++) {
    int person = pick_seat(dice, room, world->person_count, fits_free);
    if (person != NOBODY)
      seat_commit(world, room, person, 0, dice);
    everybody_catches_up(world, room, dice);
  }
}

static void read_everything(struct world *world, struct room *room, struct dice *dice) {
  for (size_t i = 0; i < room->message_count; i++)
    for (int to = 0; to < (int)world->person_count; to++)
      if (room->seats[to].group != NULL && dice_once_in(dice, 2))
        seat_read(world, room, to, &room->messages[i]);
}

void room_settle(struct world *world, struct room *room, struct dice *dice) {
  everybody_catches_up(world, room, dice);
  for (int i = 0; i < (int)world->person_count; i++)
    if (room->seats[i].group == NULL && record_leaf(&room->records[room->epoch], i) != LEAF_NONE &&
        dice_once_in(dice, 2)) {
      join_from_outside(world, room, i, dice);
      everybody_catches_up(world, room, dice);
      world->tally.resyncs++;
    }
  commit_proposals(world, room, dice);
  read_everything(world, room, dice);
  for (int i = 0; i < (int)world->person_count; i++)
    EXPECT(!seat_is_member(&room->seats[i]) || seat_is_current(room, &room->seats[i]),
           "person %d has everything and is not up to date", i);
  if (!proposals_wait(world, room))
    check_all(world, room);
}

/* ---- Rooms that go on ---- */

/* The first commit of a linked room: `members` join it. */
struct founding {
  struct world *world;
  struct room *old;
  struct room *room;
  int founder;
  bool joins[PERSONS_MAX];
};

static void build_first(struct founding *founding, int but, e2ee_bytes **message,
                        e2ee_bytes **welcome) {
  struct world *world = founding->world;
  struct seat *seat = &founding->room->seats[founding->founder];
  const e2ee_client *client = seat->group->client;
  e2ee_commit *commit = NULL;
  MUST(client, e2ee_commit_new(seat->group, &commit));
  for (int i = 0; i < (int)world->person_count; i++) {
    if (!founding->joins[i] || i == founding->founder || i == but)
      continue;
    e2ee_bytes *key_package = key_package_of(world, i, founding->room->suite);
    MUST(client, e2ee_commit_add(commit, BYTES(key_package)));
    e2ee_bytes_free(key_package);
  }
  MUST(client, e2ee_commit_build(commit, message, welcome));
  e2ee_commit_free(commit);
}

/* Open the Welcome with what a person has of the old room, if it has anything. */
static int open_linked(struct founding *founding, int person, const e2ee_bytes *welcome,
                       struct view tree, e2ee_incoming **out) {
  const struct seat *old = &founding->old->seats[person];
  e2ee_client *client = person_client(founding->world, person, founding->room->suite);
  bool same = founding->room->suite == founding->old->suite;
  if (old->group == NULL || (same && person % 2 == 0))
    return e2ee_welcome_open(client, BYTES(welcome), tree.data, tree.size, out);
  return e2ee_welcome_open_successor(client, old->group, BYTES(welcome), tree.data, tree.size, out);
}

static void join_linked(struct founding *founding, int person, const e2ee_bytes *welcome,
                        struct view tree) {
  struct world *world = founding->world;
  struct room *room = founding->room;
  struct seat *seat = &room->seats[person];
  e2ee_client *client = person_client(world, person, room->suite);
  e2ee_incoming *incoming = NULL;
  const struct seat *old = &founding->old->seats[person];
  int err = open_linked(founding, person, welcome, tree, &incoming);
  if (old->group == NULL || old->group->group->left) { /* it cannot prove that it was there */
    RETURNS(client, err, E2EE_ERR_NOT_FOUND);
    return;
  }
  expect_result(__FILE__, __LINE__, "e2ee_welcome_open (linked)", client, err, E2EE_OK);
  MUST(client, e2ee_incoming_join(incoming, &seat->group));
  e2ee_incoming_free(incoming);
  seat->memory = (struct memory){.joined = 1};
  seat_save(seat);
  person_save(world, person, room->suite);
  check_seat(world, room, person);
}

static void tree_for_joiners(const struct founding *founding, struct writer *tree) {
  if ((founding->world->persons[founding->founder].traits & TRAIT_BESIDE) != 0)
    tree_write(tree, founding->room->records[1].tree);
}

/* A successor without one of the members is refused by the others. */
static void try_incomplete(struct founding *founding, struct dice *dice) {
  struct world *world = founding->world;
  struct seat *seat = &founding->room->seats[founding->founder];
  e2ee_bytes *message = NULL, *welcome = NULL;
  struct writer tree = {0};
  int but = (int)dice_pick(dice, world->person_count);
  if (!founding->joins[but] || but == founding->founder)
    return;
  build_first(founding, but, &message, &welcome);
  tree_write(&tree, seat->group->group->pending->next->tree);
  for (int i = 0; welcome != NULL && i < (int)world->person_count; i++) {
    e2ee_incoming *incoming = NULL;
    if (!founding->joins[i] || i == founding->founder || i == but ||
        founding->old->seats[i].group == NULL || founding->old->seats[i].group->group->left)
      continue;
    int err = open_linked(founding, i, welcome, writer_view(&tree), &incoming);
    RETURNS(person_client(world, i, founding->room->suite), err, E2EE_ERR_INVALID_TREE);
    world->tally.refusals++;
  }
  MUST(seat->group->client, e2ee_group_commit_discard(seat->group));
  e2ee_bytes_free(message);
  e2ee_bytes_free(welcome);
  writer_free(&tree);
}

/* All that join do, and agree. */
static void found_linked(struct founding *founding, bool complete, struct dice *dice) {
  struct world *world = founding->world;
  struct room *room = founding->room;
  struct seat *seat = &room->seats[founding->founder];
  e2ee_bytes *message = NULL, *welcome = NULL;
  struct record record;
  struct writer tree = {0};
  first_record(room, founding->founder);
  if (dice_once_in(dice, 2))
    person_crash(world, founding->founder);
  if (complete && dice_once_in(dice, 2))
    try_incomplete(founding, dice);
  build_first(founding, NOBODY, &message, &welcome);
  record_of(seat->group->group->pending->next, &record);
  room_add_record(room, &record);
  room->epoch = 1;
  seat_save(seat);
  if (dice_once_in(dice, 2))
    person_crash(world, founding->founder);
  MUST(seat->group->client, e2ee_group_commit_accepted(seat->group));
  seat_save(seat); /* there is no log to hear of its commit from after a crash */
  check_tree(&room->records[0], &room->records[1]);
  check_seat(world, room, founding->founder);
  tree_for_joiners(founding, &tree);
  for (int i = 0; i < (int)world->person_count; i++)
    if (founding->joins[i] && i != founding->founder)
      join_linked(founding, i, welcome, writer_view(&tree));
  writer_free(&tree);
  e2ee_bytes_free(message);
  e2ee_bytes_free(welcome);
  check_all(world, room);
}

/* ---- Branch ---- */

static size_t place_for_branch(const struct world *world, size_t index, struct dice *dice) {
  for (size_t i = 0; i < SUCCESSOR; i++)
    if (world->rooms[i] == NULL)
      return i;
  return (index + 1 + dice_pick(dice, SUCCESSOR - 1)) % SUCCESSOR;
}

void room_branch(struct world *world, size_t index, struct dice *dice) {
  struct room *old = world->rooms[index];
  room_settle(world, old, dice);
  int founder = pick_seat(dice, old, world->person_count, fits_current);
  if (founder == NOBODY || old->records[old->epoch].ended)
    return;
  size_t place = place_for_branch(world, index, dice);
  room_free(world->rooms[place]);
  struct room *room = room_new(world, place, old->suite);
  struct founding founding = {.world = world, .old = old, .room = room, .founder = founder};
  for (int i = 0; i < (int)world->person_count; i++)
    founding.joins[i] = seat_is_current(old, &old->seats[i]) && dice_once_in(dice, 2);
  const struct seat *seat = &old->seats[founder];
  MUST(seat->group->client, e2ee_group_branch(seat->group, room->id, strlen((const char *)room->id),
                                              &room->seats[founder].group));
  found_linked(&founding, false, dice);
  world->tally.branches++;
}

/* ---- ReInit ---- */

static void commit_reinit(struct world *world, struct room *room, const struct room *next,
                          int person, struct dice *dice) {
  struct seat *seat = &room->seats[person];
  const e2ee_client *client = seat->group->client;
  e2ee_commit *commit = NULL;
  size_t size = strlen((const char *)next->id);
  struct entry entry = {
      .from = person, .epoch = room->epoch, .commit = true, .psk_epoch = EPOCH_NONE};
  if (dice_once_in(dice, 2)) {
    struct entry proposal = {.from = person, .epoch = room->epoch, .psk_epoch = EPOCH_NONE};
    MUST(client,
         e2ee_group_propose_reinit(seat->group, next->id, size, next->suite, &proposal.message));
    (void)room_add_entry(room, &proposal);
    MUST(client, e2ee_commit_new(seat->group, &commit));
  } else {
    MUST(client, e2ee_commit_new(seat->group, &commit));
    MUST(client, e2ee_commit_reinit(commit, next->id, size, next->suite));
  }
  MUST(client, e2ee_commit_build(commit, &entry.message, &entry.welcome));
  e2ee_commit_free(commit);
  room_launch(room, person, &entry);
  everybody_catches_up(world, room, dice);
}

static void check_ended(const struct seat *seat, const struct room *next) {
  uint8_t id[64];
  uint16_t suite = 0;
  size_t size = sizeof id;
  e2ee_bytes *message = NULL;
  e2ee_commit *commit = NULL;
  const e2ee_client *client = seat->group->client;
  EXPECT(seat_state(seat) == E2EE_GROUP_ENDED, "after a ReInit the group is in state %u",
         seat_state(seat));
  MUST(client, e2ee_group_reinit(seat->group, &suite, id, &size));
  EXPECT(suite == next->suite && size == strlen((const char *)next->id) &&
             memcmp(id, next->id, size) == 0,
         "a ReInit announces another group than it was made for");
  RETURNS(client, e2ee_group_encrypt(seat->group, id, size, &message), E2EE_ERR_INVALID_STATE);
  RETURNS(client, e2ee_commit_new(seat->group, &commit), E2EE_ERR_INVALID_STATE);
}

static bool fits_ended(const struct room *room, const struct seat *seat) {
  (void)room;
  return seat_state(seat) == E2EE_GROUP_ENDED;
}

void room_reinit(struct world *world, size_t index, struct dice *dice) {
  struct room *old = world->rooms[index];
  room_settle(world, old, dice);
  int person = pick_seat(dice, old, world->person_count, fits_free);
  if (person == NOBODY || proposals_wait(world, old))
    return;
  uint16_t suite = world->suites[dice_pick(dice, world->suite_count)];
  struct room *next = room_new(world, SUCCESSOR, suite);
  commit_reinit(world, old, next, person, dice);
  for (int i = 0; i < (int)world->person_count; i++) {
    if (seat_state(&old->seats[i]) != E2EE_GROUP_ENDED)
      continue;
    check_ended(&old->seats[i], next);
    if (dice_once_in(dice, 4))
      person_restart(world, i);
  }
  int founder = pick_seat(dice, old, world->person_count, fits_ended);
  struct founding founding = {.world = world, .old = old, .room = next, .founder = founder};
  for (int i = 0; i < (int)world->person_count; i++)
    founding.joins[i] = record_leaf(&old->records[old->epoch], i) != LEAF_NONE;
  e2ee_client *client = person_client(world, founder, suite);
  MUST(client,
       e2ee_group_successor(client, old->seats[founder].group, &next->seats[founder].group));
  found_linked(&founding, true, dice);
  room_free(old);
  world->rooms[index] = next;
  world->rooms[SUCCESSOR] = NULL;
  world->tally.reinits++;
}
