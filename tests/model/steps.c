/* SPDX-License-Identifier: ISC */
#include "steps.h"

#include <string.h>

#include "check.h"
#include "commits.h"
#include "delivery.h"
#include "frames.h"
#include "hostile.h"
#include "linked.h"
#include "saved.h"

/* The situation that a step finds: a room, and dice. */
struct moment {
  struct world *world;
  size_t index;
  struct room *room;
  struct dice dice;
};

static int pick(struct moment *now,
                bool (*fits)(const struct room *room, const struct seat *seat)) {
  return pick_seat(&now->dice, now->room, now->world->person_count, fits);
}

/* ---- Commits ---- */

static void commit_with(struct moment *now, unsigned content) {
  int person = pick(now, fits_free);
  if (person != NOBODY)
    seat_commit(now->world, now->room, person, content, &now->dice);
}

static void do_commit(struct moment *now) {
  commit_with(now, 0);
}

static void do_add(struct moment *now) {
  commit_with(now, CONTENT_ADDS);
}

static void do_remove(struct moment *now) {
  commit_with(now, CONTENT_REMOVES);
}

static void do_mixed(struct moment *now) {
  commit_with(now, dice_pick(&now->dice, 32));
}

static void do_post(struct moment *now) {
  struct room *room = now->room;
  if (room->flight_count > 0)
    (void)room_post(now->world, room, dice_pick(&now->dice, room->flight_count), &now->dice);
}

/* ---- Proposals ---- */

static void do_propose(struct moment *now) {
  int person = pick(now, dice_once_in(&now->dice, 8) ? fits_member : fits_current);
  if (person != NOBODY)
    seat_propose(now->world, now->room, person, &now->dice);
}

static void do_leave(struct moment *now) {
  int person = pick(now, fits_current);
  if (person != NOBODY)
    seat_leave(now->room, person);
}

static void do_outside(struct moment *now) {
  outside_propose(now->world, now->room, &now->dice);
}

/* ---- Messages ---- */

static void do_deliver(struct moment *now) {
  int person = pick(now, fits_behind);
  if (person != NOBODY)
    for (uint32_t count = 1 + dice_pick(&now->dice, 6); count > 0; count--)
      seat_deliver(now->world, now->room, person, &now->dice);
}

static void do_catch_up(struct moment *now) {
  int person = pick(now, fits_behind);
  if (person != NOBODY)
    seat_catch_up(now->world, now->room, person, &now->dice);
}

static void do_send(struct moment *now) {
  int person = pick(now, fits_member);
  if (person != NOBODY)
    seat_send(now->room, person, &now->dice);
}

static void do_read(struct moment *now) {
  struct room *room = now->room;
  for (int tries = 0; room->message_count > 0 && tries < 8; tries++) {
    int person = pick(now, fits_any);
    if (person != NOBODY)
      seat_read(now->world, room, person,
                &room->messages[dice_pick(&now->dice, room->message_count)]);
  }
}

static void do_frame(struct moment *now) {
  int person = pick(now, fits_member);
  if (person == NOBODY)
    return;
  if (dice_once_in(&now->dice, 2))
    streams_activate(&now->room->seats[person]);
  frames_send(now->world, now->room, person);
  if (dice_once_in(&now->dice, 2))
    frames_late(now->world, now->room, &now->dice);
  if (dice_once_in(&now->dice, 2))
    frames_altered(now->world, now->room, &now->dice);
}

/* ---- Joining ---- */

static void do_join(struct moment *now) {
  for (int i = 0; i < (int)now->world->person_count; i++)
    if (now->room->seats[i].memory.invited != 0 && dice_once_in(&now->dice, 2))
      seat_join(now->world, now->room, i, &now->dice);
}

/* Who has no group: an outsider, or somebody who has lost it. */
static bool fits_without(const struct room *room, const struct seat *seat) {
  (void)room;
  return seat->group == NULL || seat->group->group->left;
}

static bool fits_lost(const struct room *room, const struct seat *seat) {
  return seat->group == NULL &&
         record_leaf(&room->records[room->epoch], (int)(seat - room->seats)) != LEAF_NONE;
}

static void do_external(struct moment *now) {
  int person = pick(now, fits_without);
  if (person != NOBODY)
    join_from_outside(now->world, now->room, person, &now->dice);
}

static void do_resync(struct moment *now) {
  int person = pick(now, fits_lost);
  if (person == NOBODY)
    return;
  join_from_outside(now->world, now->room, person, &now->dice);
  now->world->tally.resyncs++;
}

/* ---- Mishaps ---- */

static void do_lose(struct moment *now) {
  int person = pick(now, fits_any);
  if (person == NOBODY)
    return;
  seat_lose(&now->room->seats[person]);
  now->world->tally.losses++;
}

static void do_miss(struct moment *now) {
  int person = pick(now, fits_behind);
  if (person != NOBODY)
    seat_miss(now->world, now->room, person);
}

static void do_save(struct moment *now) {
  int person = pick(now, fits_any);
  if (person != NOBODY)
    seat_save(&now->room->seats[person]);
}

static void do_restart(struct moment *now) {
  person_restart(now->world, (int)dice_pick(&now->dice, now->world->person_count));
}

static void do_crash(struct moment *now) {
  person_crash(now->world, (int)dice_pick(&now->dice, now->world->person_count));
}

/* ---- Refusals ---- */

static void do_repeat(struct moment *now) {
  int person = pick(now, fits_member);
  if (person != NOBODY)
    seat_repeat(now->world, now->room, person, &now->dice);
}

static void do_alter(struct moment *now) {
  int person = pick(now, fits_any);
  if (person != NOBODY)
    seat_altered(now->world, now->room, person, &now->dice);
}

static void do_alter_object(struct moment *now) {
  int person = pick(now, fits_member);
  if (person != NOBODY)
    altered_objects(now->world, now->room, person, &now->dice);
}

static void do_mislead(struct moment *now) {
  int person = pick(now, fits_member);
  if (person != NOBODY)
    seat_misled(now->world, now->room, person, &now->dice);
}

static void do_nonsense(struct moment *now) {
  int person = pick(now, fits_member);
  if (person != NOBODY)
    senseless_calls(now->room, person, &now->dice);
}

/* ---- Rooms ---- */

static void do_settle(struct moment *now) {
  room_settle(now->world, now->room, &now->dice);
}

static void do_reinit(struct moment *now) {
  room_reinit(now->world, now->index, &now->dice);
}

static void do_branch(struct moment *now) {
  room_branch(now->world, now->index, &now->dice);
}

/* ---- The table ---- */

static const struct {
  const char *name;
  uint32_t weight;
  void (*run)(struct moment *now);
} kinds[] = {
    {"add", 12, do_add},          {"commit", 10, do_commit},
    {"remove", 4, do_remove},     {"mixed", 12, do_mixed},
    {"post", 40, do_post},        {"propose", 16, do_propose},
    {"leave", 2, do_leave},       {"outside", 3, do_outside},
    {"deliver", 40, do_deliver},  {"catch-up", 24, do_catch_up},
    {"send", 20, do_send},        {"read", 20, do_read},
    {"frame", 10, do_frame},      {"join", 20, do_join},
    {"external", 3, do_external}, {"resync", 4, do_resync},
    {"lose", 1, do_lose},         {"miss", 1, do_miss},
    {"save", 6, do_save},         {"restart", 4, do_restart},
    {"crash", 4, do_crash},       {"repeat", 6, do_repeat},
    {"alter", 8, do_alter},       {"alter-object", 3, do_alter_object},
    {"mislead", 2, do_mislead},   {"nonsense", 2, do_nonsense},
    {"settle", 5, do_settle},     {"reinit", 1, do_reinit},
    {"branch", 1, do_branch},
};

#define KINDS (sizeof kinds / sizeof kinds[0])

unsigned step_pick(struct dice *dice) {
  uint32_t total = 0;
  for (size_t i = 0; i < KINDS; i++)
    total += kinds[i].weight;
  uint32_t at = dice_pick(dice, total);
  unsigned step = 0;
  while (at >= kinds[step].weight)
    at -= kinds[step++].weight;
  return step;
}

const char *step_name(unsigned step) {
  return kinds[step].name;
}

bool step_find(const char *name, unsigned *step) {
  for (*step = 0; *step < KINDS; ++*step)
    if (strcmp(kinds[*step].name, name) == 0)
      return true;
  return false;
}

/* A room from which everybody has gone is no use any more. */
static bool is_deserted(struct world *world, const struct room *room) {
  for (uint32_t i = 0; i < world->person_count; i++)
    if (seat_is_member(&room->seats[i]) || room->seats[i].memory.invited != 0)
      return false;
  return true;
}

void step_run(struct world *world, unsigned step, uint64_t number) {
  struct moment now = {.world = world, .dice = {number}};
  now.index = dice_once_in(&now.dice, 2) ? dice_pick(&now.dice, SUCCESSOR) : 0;
  if (world->rooms[now.index] == NULL)
    now.index = 0;
  if (world->rooms[now.index] == NULL || is_deserted(world, world->rooms[now.index]))
    room_found(world, now.index, &now.dice);
  now.room = world->rooms[now.index];
  kinds[step].run(&now);
}
