/*
 * What the target `calls` plays with: a few people on the public API, and the letters between them,
 * which a hostile server keeps, changes and hands to anybody.
 * SPDX-License-Identifier: ISC
 */
#ifndef FUZZ_PARTY_H
#define FUZZ_PARTY_H

#include <e2ee/media.h>
#include <e2ee/mls.h>

#include "harness.h"

#define PEOPLE 4
#define LETTERS 48
#define INCOMING 3

struct letter {
  uint8_t *data;
  size_t size;
};

/** What tells an epoch of a group from all others. */
struct epoch_name {
  uint8_t authenticator[64];
};

struct person {
  struct party *party;
  e2ee_client *client;
  e2ee_group *group;
  e2ee_group *other; /* a successor, a branch, or one that was loaded */
  e2ee_commit *commit;
  e2ee_incoming *incoming[INCOMING];
  e2ee_media *media;
  e2ee_sender *sender;
  e2ee_receiver *receiver;
  bool shares_keys;                /* the media are no group's */
  struct epoch_name installed[16]; /* by the low bits of the epoch */
};

struct party {
  struct person person[PEOPLE];
  struct letter letter[LETTERS]; /* the oldest makes room */
  unsigned letters;              /* that there ever were */
  struct view input;
};

void party_begin(struct party *party, struct view input);
void party_end(struct party *party);

/** The next byte of the input, 0 behind its end. */
uint8_t party_byte(struct party *party);
/** Some bytes of the input, as many as its next one says. */
struct view party_block(struct party *party);

/** With all that hangs on it. */
void person_free_group(struct person *person);
void person_free_media(struct person *person);

/** A letter that the input names; an empty one before there is any. */
struct letter *party_letter(struct party *party);
void party_keep(struct party *party, const uint8_t *data, size_t size);
/** Keep what a call returned, and free it; accepts NULL. */
void party_post(struct party *party, e2ee_bytes *bytes);

/** A result is OK or an error that a caller can meet: no bug, no want of memory.  @return whether OK */
bool party_fine(int result);

/** Install the group's epoch into the media object.  @return whether it was */
bool party_install(struct person *person);

/** A frame that was encrypted: its key id and counter were not used in its epoch before. */
void party_sent_frame(const struct person *person, const uint8_t *frame, size_t size, bool partial);

/** Members who are in one epoch of one group, with one epoch_authenticator, export the same. */
void party_agrees(const struct party *party);

#endif
