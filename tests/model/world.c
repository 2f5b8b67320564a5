/* SPDX-License-Identifier: ISC */
#include "world.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "frames.h"
#include "saved.h"

struct report *report;

/* ---- Failing ---- */

void fail(const char *file, int line, const char *format, ...) {
  const char *name = strrchr(file, '/');
  va_list arguments;
  snprintf(report->where, sizeof report->where, "%s:%d", name == NULL ? file : name + 1, line);
  va_start(arguments, format);
  vsnprintf(report->reason, sizeof report->reason, format, arguments);
  va_end(arguments);
  _Exit(EXIT_FAILURE);
}

void expect_result(const char *file, int line, const char *call, const e2ee_client *client,
                   int result, int expected) {
  uint8_t text[512] = {0};
  size_t size = sizeof text;
  if (result == expected)
    return;
  if (e2ee_client_explain(client, text, &size) != E2EE_OK)
    size = 0;
  fail(file, line, "%.100s returned %d instead of %d: %.*s", call, result, expected, (int)size,
       (const char *)text);
}

/* ---- Persons ---- */

void person_configure(const struct person *person, e2ee_client *client) {
  unsigned traits = person->traits;
  MUST(client, e2ee_client_set(client, E2EE_SET_PAST_EPOCHS, person->past_epochs));
  MUST(client,
       e2ee_client_set(client, E2EE_SET_ENCRYPT_HANDSHAKE, (traits & TRAIT_PUBLIC) == 0 ? 1 : 0));
  MUST(client,
       e2ee_client_set(client, E2EE_SET_TREE_IN_WELCOME, (traits & TRAIT_BESIDE) == 0 ? 1 : 0));
  MUST(client, e2ee_client_set(client, E2EE_SET_GREASE, (traits & TRAIT_PLAIN) == 0 ? 1 : 0));
  MUST(client, e2ee_client_set(client, E2EE_SET_PADDING, (traits & TRAIT_PLAIN) == 0 ? 64 : 0));
  MUST(client, e2ee_client_support(client, E2EE_TYPE_EXTENSION, EXTENSION_COMMON));
  MUST(client, e2ee_client_support(client, E2EE_TYPE_PROPOSAL, CUSTOM_COMMON));
  if ((traits & TRAIT_PLAIN) == 0) {
    const uint8_t *name = (const uint8_t *)person->name;
    MUST(client, e2ee_client_extension(client, E2EE_PLACE_LEAF, EXTENSION_COMMON, name, 3));
    MUST(client, e2ee_client_extension(client, E2EE_PLACE_GROUP_INFO, 0xf0c0, name, 3));
  }
  if ((traits & TRAIT_RARE) == 0)
    return;
  MUST(client, e2ee_client_support(client, E2EE_TYPE_EXTENSION, EXTENSION_RARE));
  MUST(client, e2ee_client_support(client, E2EE_TYPE_PROPOSAL, CUSTOM_RARE));
}

void person_save(struct world *world, int person, uint16_t suite) {
  e2ee_bytes *blob = NULL;
  struct account *account = &world->persons[person].accounts[suite];
  for (size_t i = 0; i < ROOMS_MAX; i++) {
    struct seat *seat = world->rooms[i] == NULL ? NULL : &world->rooms[i]->seats[person];
    if (seat != NULL && seat->group != NULL && seat->saved == NULL)
      seat_save(seat);
  }
  MUST(account->client, e2ee_client_save(account->client, STATE_KEY, &blob));
  e2ee_bytes_free(account->saved);
  account->saved = blob;
}

static e2ee_client *account_open(struct account *account, uint16_t suite, const char *name) {
  if (account->client == NULL) {
    int err = e2ee_client_new(suite, (const uint8_t *)name, strlen(name), &account->client);
    EXPECT(err == E2EE_OK, "e2ee_client_new for suite %u returned %d", suite, err);
  }
  return account->client;
}

e2ee_client *person_client(struct world *world, int person, uint16_t suite) {
  struct person *who = &world->persons[person];
  struct account *account = &who->accounts[suite];
  if (account->client == NULL) {
    person_configure(who, account_open(account, suite, who->name));
    person_save(world, person, suite);
  }
  return account->client;
}

e2ee_client *server_client(struct world *world, uint16_t suite) {
  return account_open(&world->server[suite], suite, "server");
}

struct account *account_of(struct world *world, const struct room *room, int person) {
  (void)person_client(world, person, room->suite);
  return &world->persons[person].accounts[room->suite];
}

void person_add_psk(struct world *world, int person, uint16_t suite, uint32_t psk) {
  uint8_t id[4] = {'p', 's', 'k', (uint8_t)psk}, secret[32];
  e2ee_client *client = person_client(world, person, suite);
  memset(secret, (int)psk + 1, sizeof secret);
  MUST(client, e2ee_client_add_psk(client, id, sizeof id, secret, sizeof secret));
  world->persons[person].accounts[suite].psks |= 1u << psk;
  person_save(world, person, suite);
}

e2ee_bytes *fresh_key_package(struct world *world, int person, uint16_t suite) {
  e2ee_bytes *key_package = NULL;
  e2ee_client *client = person_client(world, person, suite);
  MUST(client, e2ee_key_package_new(client, &key_package));
  person_save(world, person, suite);
  return key_package;
}

e2ee_bytes *key_package_of(struct world *world, int person, uint16_t suite) {
  struct account *account = &world->persons[person].accounts[suite];
  e2ee_client *client = person_client(world, person, suite);
  e2ee_bytes *copy = NULL;
  if ((world->persons[person].traits & TRAIT_TIDY) != 0)
    return fresh_key_package(world, person, suite);
  if (account->last_resort == NULL) {
    MUST(client, e2ee_key_package_new_last_resort(client, &account->last_resort));
    person_save(world, person, suite);
  }
  EXPECT(api_bytes_new(&copy) == OK &&
             bytes_copy(&copy->bytes, bytes_view(&account->last_resort->bytes)) == OK,
         "out of memory");
  return copy;
}

static void account_free(struct account *account) {
  e2ee_client_free(account->client);
  e2ee_bytes_free(account->saved);
  e2ee_bytes_free(account->last_resort);
}

/* ---- World ---- */

void world_init(struct world *world, const struct script *script) {
  struct dice dice = {script->seed ^ script->suite};
  *world = (struct world){.person_count = script->persons};
  for (uint32_t i = 0; i < world->person_count; i++) {
    struct person *person = &world->persons[i];
    snprintf(person->name, sizeof person->name, "p%02u", i);
    person->traits = dice_pick(&dice, 64);
    if (!dice_once_in(&dice, 4)) /* so that rare types can be used at times */
      person->traits |= TRAIT_RARE;
    person->past_epochs = dice_pick(&dice, 5);
  }
  /* Most rooms keep their suite; those to change to are fast in every build. */
  world->suites[world->suite_count++] = script->suite;
  for (uint16_t suite = 1; suite <= 3; suite += 2)
    if (suite != script->suite)
      world->suites[world->suite_count++] = suite;
}

void world_free(struct world *world) {
  for (size_t i = 0; i < ROOMS_MAX; i++)
    room_free(world->rooms[i]);
  for (size_t suite = 0; suite < SUITES; suite++) {
    for (uint32_t i = 0; i < world->person_count; i++)
      account_free(&world->persons[i].accounts[suite]);
    account_free(&world->server[suite]);
  }
}

/* ---- Rooms ---- */

static void *grown(void *array, size_t *capacity, size_t count, size_t size) {
  if (count <= *capacity)
    return array;
  *capacity = 2 * count;
  array = realloc(array, *capacity * size);
  EXPECT(array != NULL, "out of memory");
  return array;
}

struct room *room_new(struct world *world, size_t index, uint16_t suite) {
  struct room *room = calloc(1, sizeof *room);
  EXPECT(room != NULL, "out of memory");
  room->suite = suite;
  snprintf((char *)room->id, sizeof room->id, "room %u", world->room_number++);
  world->rooms[index] = room;
  return room;
}

void entry_free(struct entry *entry) {
  e2ee_bytes_free(entry->message);
  e2ee_bytes_free(entry->welcome);
}

void flight_free(struct flight *flight) {
  entry_free(&flight->entry);
  record_free(&flight->record);
}

void room_free(struct room *room) {
  if (room == NULL)
    return;
  for (size_t i = 0; i < PERSONS_MAX; i++)
    seat_lose(&room->seats[i]);
  for (size_t i = 0; i < room->log_count; i++)
    entry_free(&room->log[i]);
  for (size_t i = 0; i < room->record_count; i++)
    record_free(&room->records[i]);
  for (size_t i = 0; i < room->flight_count; i++)
    flight_free(&room->flights[i]);
  for (size_t i = 0; i < room->message_count; i++)
    e2ee_bytes_free(room->messages[i].bytes);
  free(room->log);
  free(room->records);
  free(room);
}

struct entry *room_add_entry(struct room *room, const struct entry *entry) {
  room->log = grown(room->log, &room->log_capacity, room->log_count + 1, sizeof *entry);
  room->log[room->log_count] = *entry;
  return &room->log[room->log_count++];
}

void room_add_record(struct room *room, const struct record *record) {
  room->records =
      grown(room->records, &room->record_capacity, room->record_count + 1, sizeof *record);
  room->records[room->record_count++] = *record;
}

/* ---- Seats ---- */

uint32_t seat_state(const struct seat *seat) {
  e2ee_group_status status = {0};
  if (seat->group != NULL)
    MUST(seat->group->client, e2ee_group_get_status(seat->group, &status, sizeof status));
  return status.state;
}

uint64_t seat_epoch(const struct seat *seat) {
  e2ee_group_status status;
  MUST(seat->group->client, e2ee_group_get_status(seat->group, &status, sizeof status));
  return status.epoch;
}

bool seat_is_member(const struct seat *seat) {
  uint32_t state = seat_state(seat);
  return state == E2EE_GROUP_ACTIVE ||
         (state == E2EE_GROUP_PENDING && seat->group->group->epoch->secrets != NULL);
}

bool seat_is_current(const struct room *room, const struct seat *seat) {
  return seat_is_member(seat) && seat_epoch(seat) == room->epoch;
}

void seat_close(struct seat *seat) {
  streams_free(&seat->streams);
  e2ee_group_free(seat->group);
  seat->group = NULL;
}

void seat_lose(struct seat *seat) {
  seat_close(seat);
  e2ee_bytes_free(seat->saved);
  seat->saved = NULL;
}

bool fits_member(const struct room *room, const struct seat *seat) {
  (void)room;
  return seat_is_member(seat);
}

bool fits_current(const struct room *room, const struct seat *seat) {
  return seat_is_current(room, seat);
}

bool fits_free(const struct room *room, const struct seat *seat) {
  (void)room;
  return seat_state(seat) == E2EE_GROUP_ACTIVE;
}

bool fits_any(const struct room *room, const struct seat *seat) {
  (void)room;
  return seat->group != NULL;
}

bool fits_behind(const struct room *room, const struct seat *seat) {
  return seat_is_member(seat) && seat->memory.cursor < room->log_count;
}

int pick_seat(struct dice *dice, const struct room *room, uint32_t persons,
              bool (*fits)(const struct room *room, const struct seat *seat)) {
  int chosen = NOBODY;
  uint32_t count = 0;
  for (uint32_t i = 0; i < persons; i++)
    if (fits(room, &room->seats[i]) && dice_once_in(dice, ++count))
      chosen = (int)i;
  return chosen;
}
