/*
 * The model's world: persons with their clients, rooms (groups) with a delivery service each, and
 * seats: what a person holds of a room.  The model remembers of each seat what it must be able to do.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_MODEL_WORLD_H
#define TESTS_MODEL_WORLD_H

#include <e2ee/e2ee.h>
#include <e2ee/mls.h>

#include "api/handles.h"
#include "script.h"

#define PERSONS_MAX 40
#define ROOMS_MAX 4
#define SUCCESSOR (ROOMS_MAX - 1) /* place of a room that is being founded by a ReInit */
#define SUITES 8
#define FLIGHTS_MAX 6
#define MESSAGES_MAX 40
#define DEFERRED_MAX 4
#define LATE_FRAMES 8
#define PSKS_MAX_KNOWN 32
#define EPOCH_NONE UINT64_MAX
#define NOBODY (-1)

/** For a (pointer, length) pair of arguments. */
#define BYTES(bytes) e2ee_bytes_data(bytes), e2ee_bytes_size(bytes)
#define STATE_KEY ((const uint8_t *)"thirty-two bytes of a state key."), 32

/* Types of the application: everybody supports the first of each, some the second. */
#define EXTENSION_COMMON 0xf0a0
#define EXTENSION_RARE 0xf0a1
#define CUSTOM_COMMON 0xf0b0
#define CUSTOM_RARE 0xf0b1

/** What a person is like, for life. */
enum trait {
  TRAIT_PUBLIC = 1, /* handshakes are PublicMessages */
  TRAIT_BESIDE = 2, /* ratchet trees do not travel in Welcomes and GroupInfos */
  TRAIT_RARE = 4,   /* supports the rare types */
  TRAIT_EAGER = 8,  /* sends media in the new epoch at once */
  TRAIT_TIDY = 16,  /* retires media keys of epochs soon */
  TRAIT_PLAIN = 32, /* no GREASE, no padding */
};

/** A person's client of one suite, and as it was when it was last saved. */
struct account {
  e2ee_client *client;
  e2ee_bytes *saved;
  e2ee_bytes *last_resort; /* key package that may be used many times */
  uint32_t psks;           /* set of those it has */
};

struct person {
  char name[8];
  unsigned traits;
  uint32_t past_epochs;
  struct account accounts[SUITES];
};

/** Media of a seat; made anew with each membership and each restart. */
struct streams {
  e2ee_media *media;
  e2ee_sender *sender;
  e2ee_receiver *receiver;
  uint64_t installed[16]; /* epoch + 1, by its low bits */
  uint64_t active;        /* EPOCH_NONE: none */
  uint32_t id;            /* unlike that of any streams before */
};

/** What the model knows a seat to have seen: it goes back together with the saved state. */
struct memory {
  uint64_t joined;               /* first epoch of this membership */
  size_t cursor;                 /* next entry of the log */
  size_t deferred[DEFERRED_MAX]; /* entries that will be late */
  size_t deferred_count;
  size_t invited; /* entry with the Welcome that is waiting, plus 1; 0: none */
};

struct seat {
  e2ee_group *group; /* NULL: never there, lost, or not joined yet */
  struct memory memory;
  e2ee_bytes *saved;
  struct memory saved_memory;
  size_t unsaved_invitation; /* by which it joined, until it is saved */
  uint32_t saves;            /* so far */
  struct streams streams;
};

/** A handshake message that the delivery service has, or is about to get. */
struct entry {
  int from; /* person, or NOBODY: the server */
  uint64_t epoch;
  bool commit;
  bool external; /* joins by it */
  bool leave;    /* SelfRemove */
  e2ee_bytes *message;
  e2ee_bytes *welcome;
  uint64_t psk_epoch; /* of a resumption PSK in it; EPOCH_NONE: none */
};

/** What everybody must find in an epoch, from the one who made it. */
struct record {
  struct tree *tree; /* shared */
  struct bytes context;
  uint8_t exported[32];
  uint8_t authenticator[HASH_MAX];
  bool ended;
};

struct flight {
  struct entry entry;
  struct record record;
};

struct message {
  int from;
  uint64_t epoch;
  uint64_t text;
  e2ee_bytes *bytes;
  uint32_t read[PERSONS_MAX]; /* number of saves before it was read, plus 1; 0: not read */
};

struct late_frame {
  int from;
  uint64_t epoch;
  uint32_t leaf;
  uint8_t data[160];
  size_t size;
  uint32_t heard[PERSONS_MAX]; /* by which streams */
};

struct room {
  uint16_t suite; /* 0: there is no such room */
  uint8_t id[16];
  uint64_t epoch; /* of the delivery service */
  struct entry *log;
  size_t log_count, log_capacity;
  struct record *records; /* by epoch */
  size_t record_count, record_capacity;
  struct flight flights[FLIGHTS_MAX];
  size_t flight_count;
  struct message messages[MESSAGES_MAX]; /* oldest first */
  size_t message_count;
  struct late_frame late[LATE_FRAMES];
  size_t late_count;
  struct seat seats[PERSONS_MAX];
};

/** How much happened: a run that does nothing proves nothing. */
struct tally {
  uint64_t epochs, entries, messages, frames, joins, externals, resyncs, reinits, branches,
      restarts, crashes, losses, refusals, reads;
};

struct world {
  struct person persons[PERSONS_MAX];
  uint32_t person_count;
  struct account server[SUITES]; /* an external sender */
  uint16_t suites[SUITES];       /* that a room can move to */
  size_t suite_count;
  uint32_t psk_count;
  uint32_t room_number; /* of the next one */
  uint32_t streams_number;
  struct room *rooms[ROOMS_MAX]; /* NULL: none */
  struct tally tally;
};

void world_init(struct world *world, const struct script *script);
void world_free(struct world *world);

/* ---- Failing ---- */

/** Where the report goes: memory that the parent process shares. */
struct report {
  size_t step;
  char where[64];
  char reason[768];
  struct tally tally;
};

extern struct report *report;

_Noreturn void fail(const char *file, int line, const char *format, ...) FORMAT(3, 4);
#define EXPECT(condition, ...)                                                                     \
  do {                                                                                             \
    if (!(condition))                                                                              \
      fail(__FILE__, __LINE__, __VA_ARGS__);                                                       \
  } while (0)

/** Fail, with the explanation, unless a call of this client returned what it should. */
void expect_result(const char *file, int line, const char *call, const e2ee_client *client,
                   int result, int expected);
#define RETURNS(client, call, expected)                                                            \
  expect_result(__FILE__, __LINE__, #call, client, call, expected)
#define MUST(client, call) RETURNS(client, call, E2EE_OK)

/* ---- Persons ---- */

/** The client of a person for a suite, made when first asked for. */
e2ee_client *person_client(struct world *world, int person, uint16_t suite);
/** The client that owns a seat's group. */
struct account *account_of(struct world *world, const struct room *room, int person);
/** Groups that were just joined are saved first: the client has their key package no more. */
void person_save(struct world *world, int person, uint16_t suite);
/** Put what is not saved into a client. */
void person_configure(const struct person *person, e2ee_client *client);
/** Give a client a pre-shared key of the world. */
void person_add_psk(struct world *world, int person, uint16_t suite, uint32_t psk);
e2ee_client *server_client(struct world *world, uint16_t suite);
/** A new key package. */
e2ee_bytes *fresh_key_package(struct world *world, int person, uint16_t suite);
/** A new one, or for some the one that they always use. */
e2ee_bytes *key_package_of(struct world *world, int person, uint16_t suite);

/* ---- Rooms and seats ---- */

/** A room without anybody.  @param index  of its place, which is free */
struct room *room_new(struct world *world, size_t index, uint16_t suite);
void room_free(struct room *room);
struct entry *room_add_entry(struct room *room, const struct entry *entry);
void room_add_record(struct room *room, const struct record *record);
void entry_free(struct entry *entry);
void flight_free(struct flight *flight);

/** E2EE_GROUP_* of a seat; 0 without a group. */
uint32_t seat_state(const struct seat *seat);
uint64_t seat_epoch(const struct seat *seat);
/** Whether it is a member that may send. */
bool seat_is_member(const struct seat *seat);
/** Whether it is up to date with the delivery service. */
bool seat_is_current(const struct room *room, const struct seat *seat);
/** Forget everything; what was saved too. */
void seat_lose(struct seat *seat);
/** The group alone. */
void seat_close(struct seat *seat);

/** A random seat for which `fits` holds; NOBODY if there is none. */
int pick_seat(struct dice *dice, const struct room *room, uint32_t persons,
              bool (*fits)(const struct room *room, const struct seat *seat));
bool fits_member(const struct room *room, const struct seat *seat);
bool fits_current(const struct room *room, const struct seat *seat);
bool fits_free(const struct room *room, const struct seat *seat);   /* member without a commit */
bool fits_any(const struct room *room, const struct seat *seat);    /* with a group */
bool fits_behind(const struct room *room, const struct seat *seat); /* member, messages waiting */

#endif
