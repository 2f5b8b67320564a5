/*
 * What must hold: everybody in an epoch finds what its committer found, holds the keys it should and
 * no others, and reads everybody; and who refuses something is as before.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_MODEL_CHECK_H
#define TESTS_MODEL_CHECK_H

#include "world.h"

/** What an epoch is, as its maker has it.  @param out  to be freed */
void record_of(const struct epoch *epoch, struct record *out);
void record_free(struct record *record);

/** The person at a leaf; NOBODY if it is blank. */
int record_person(const struct record *record, uint32_t leaf);
/** The leaf of a person; LEAF_NONE if it has none. */
uint32_t record_leaf(const struct record *record, int person);
/** Whether the group demands of its members the rare types. */
bool record_is_rare(const struct record *record);
/** Whether all members support the rare types. */
bool record_supports_rare(const struct world *world, const struct record *record);
/** The index of an external sender; UINT32_MAX if it is none. */
uint32_t record_sender(const struct record *record, struct view key);

/** A tree is what others would read, and keys that a change replaced are in it no more. */
void check_tree(const struct record *before, const struct record *after);

/** What an incoming commit says that it changes is what it changes. */
void check_changes(const struct record *before, const struct record *after,
                   const e2ee_incoming *incoming);

/** A seat that just got to its epoch. */
void check_seat(struct world *world, struct room *room, int person);

/** A seat that was removed. */
void check_left(const struct seat *seat);

/** All seats that are up to date read each other's messages and frames, and can compare codes. */
void check_all(struct world *world, struct room *room);

/** What a seat would save, to be freed. */
struct bytes seat_content(const struct seat *seat);

/** What can be told of a seat without its ratchets. */
struct facts {
  e2ee_group_status status;
  uint8_t exported[32];
  int export_result;
};
void facts_of(const struct seat *seat, struct facts *out);

/** Any refusal will do. */
#define ANY_REFUSAL 1

/** What the seat would save has changed since, and it says so. */
uint64_t seat_revision(const struct seat *seat);

/** A message must be refused, and change nothing. */
void expect_refused(struct world *world, const struct seat *seat, const uint8_t *message,
                    size_t size, int expected);

#endif
