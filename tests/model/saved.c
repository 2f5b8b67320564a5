/* SPDX-License-Identifier: ISC */
#include "saved.h"

#include <string.h>

#include "check.h"
#include "delivery.h"

void seat_save(struct seat *seat) {
  e2ee_bytes *blob = NULL;
  MUST(seat->group->client, e2ee_group_save(seat->group, STATE_KEY, &blob));
  e2ee_bytes_free(seat->saved);
  seat->saved = blob;
  seat->saved_memory = seat->memory;
  seat->unsaved_invitation = 0;
  seat->saves++;
}

/* ---- Crash ---- */

/* What was read since the group was saved can be read again. */
static void forget_reading(struct room *room, int person) {
  for (size_t i = 0; i < room->message_count; i++)
    if (room->messages[i].read[person] == room->seats[person].saves + 1)
      room->messages[i].read[person] = 0;
}

/* All that the program held; handles may be freed in any order. */
static void close_all(struct world *world, int person) {
  for (size_t suite = 0; suite < SUITES; suite++) {
    struct account *account = &world->persons[person].accounts[suite];
    e2ee_client_free(account->client);
    account->client = NULL;
  }
  for (size_t i = 0; i < ROOMS_MAX; i++)
    if (world->rooms[i] != NULL)
      seat_close(&world->rooms[i]->seats[person]);
}

static void open_accounts(struct person *person) {
  for (size_t suite = 0; suite < SUITES; suite++) {
    struct account *account = &person->accounts[suite];
    if (account->saved == NULL)
      continue;
    int err = e2ee_client_load(STATE_KEY, BYTES(account->saved), &account->client);
    EXPECT(err == E2EE_OK, "e2ee_client_load returned %d", err);
    person_configure(person, account->client);
  }
}

static void open_seat(struct world *world, struct room *room, int person) {
  struct seat *seat = &room->seats[person];
  struct account *account = account_of(world, room, person);
  if (seat->memory.invited == 0) /* the delivery service keeps what was not taken */
    seat->memory.invited = seat->unsaved_invitation;
  seat->unsaved_invitation = 0;
  if (seat->saved == NULL)
    return;
  MUST(account->client,
       e2ee_group_load(account->client, STATE_KEY, BYTES(seat->saved), &seat->group));
  size_t invited = seat->memory.invited;
  seat->memory = seat->saved_memory;
  seat->memory.invited = invited;
  forget_reading(room, person);
  if (group_is_outside(seat->group->group))
    seat_look_for_own(world, room, person);
  else if (seat_is_member(seat))
    check_seat(world, room, person);
}

void person_crash(struct world *world, int person) {
  close_all(world, person);
  open_accounts(&world->persons[person]);
  for (size_t i = 0; i < ROOMS_MAX; i++)
    if (world->rooms[i] != NULL)
      open_seat(world, world->rooms[i], person);
  world->tally.crashes++;
}

/* ---- Restart ---- */

void person_restart(struct world *world, int person) {
  struct bytes before[ROOMS_MAX] = {{0}};
  struct facts facts[ROOMS_MAX];
  for (size_t suite = 0; suite < SUITES; suite++)
    if (world->persons[person].accounts[suite].client != NULL)
      person_save(world, person, (uint16_t)suite);
  for (size_t i = 0; i < ROOMS_MAX; i++) {
    struct seat *seat = world->rooms[i] == NULL ? NULL : &world->rooms[i]->seats[person];
    if (seat == NULL || seat->group == NULL)
      continue;
    before[i] = seat_content(seat);
    facts_of(seat, &facts[i]);
    seat_save(seat);
  }
  person_crash(world, person);
  world->tally.crashes--;
  world->tally.restarts++;
  for (size_t i = 0; i < ROOMS_MAX; i++) {
    if (before[i].data == NULL)
      continue;
    struct facts now;
    struct bytes after = seat_content(&world->rooms[i]->seats[person]);
    facts_of(&world->rooms[i]->seats[person], &now);
    EXPECT(view_equal(bytes_view(&before[i]), bytes_view(&after)),
           "a group that is loaded would be saved as another one");
    if (facts[i].status.leaving == E2EE_LEAVING_LOST)
      facts[i].status.leaving = now.status.leaving; /* which is not saved */
    EXPECT(memcmp(&facts[i], &now, sizeof now) == 0, "a group that is loaded is another one");
    bytes_free(&before[i]);
    bytes_free(&after);
  }
}
