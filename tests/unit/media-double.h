/*
 * A stand-in for groups: what lib/media and lib/api/media.c ask of one, with epochs, members, blank
 * leaves and copies made up at will.  Included once in a test program: its functions are linked in
 * place of the real ones.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_MEDIA_DOUBLE_H
#define TESTS_MEDIA_DOUBLE_H

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "api/handles.h"
#include "base/mem.h"
#include "base/sync.h"
#include "media/receiver.h"
#include "media/sender.h"
#include "mls/group/group.h"
#include "tests/run.h"

#define LEAVES_MAX 4096
#define HELPER static __attribute__((unused))

struct fake_roster {
  struct refs refs;
  uint64_t epoch;
  uint32_t width;
  bool blank[LEAVES_MAX];
};

/* Stands for a struct group; comes with the handle around it. */
struct fake_group {
  struct e2ee_group handle;
  const char *id;
  uint64_t epoch;
  uint32_t own_leaf;
  uint32_t width;
  uint8_t branch; /* groups that went different ways from one epoch on differ in it */
  bool restored;
  bool blank[LEAVES_MAX];
};

static atomic_int rosters_alive;
static struct client fake_client; /* has the last explanation */
static struct e2ee_client fake_domain = {.client = &fake_client};

static const struct fake_group *fake(const void *group) {
  return group;
}

static const struct fake_roster *fake_roster(const struct roster *roster) {
  return (const struct fake_roster *)(const void *)roster;
}

/* The count in a roster changes, whoever holds it. */
static struct fake_roster *counted(const struct roster *roster) {
  return (struct fake_roster *)(uintptr_t)roster;
}

uint64_t group_epoch_number(const struct group *group) {
  return fake(group)->epoch;
}

uint32_t group_own_leaf(const struct group *group) {
  return fake(group)->own_leaf;
}

struct view group_identifier(const struct group *group) {
  const char *id = fake(group)->id;
  return view_of((const uint8_t *)id, strlen(id));
}

bool group_restored(const struct group *group) {
  return fake(group)->restored;
}

enum err group_export(const struct group *group, struct view label, struct view context,
                      uint8_t *out, size_t size) {
  if (!view_equal(label, VIEW_TEXT("SFrame 1.0 Base Key")) || context.size > 0 ||
      size > 2 * HASH_MAX)
    return ERR_INTERNAL;
  uint8_t digest[2 * HASH_MAX], epoch[9];
  for (unsigned i = 0; i < 8; i++)
    epoch[i] = (uint8_t)(fake(group)->epoch >> 8 * i);
  epoch[8] = fake(group)->branch;
  const struct view parts[] = {group_identifier(group), VIEW_ARRAY(epoch)};
  const struct view first = view_of(digest, HASH_MAX);
  enum err err = provider_hash(HASH_SHA512)->digest(parts, 2, digest);
  if (err == OK)
    err = provider_hash(HASH_SHA512)->digest(&first, 1, digest + HASH_MAX);
  memcpy(out, digest, size);
  return err;
}

enum err group_roster(const struct group *group, struct roster **out) {
  struct fake_roster *roster = mem_new(1, sizeof *roster);
  if (roster == NULL)
    return ERR_NOMEM;
  refs_init(&roster->refs);
  roster->epoch = fake(group)->epoch;
  roster->width = fake(group)->width;
  memcpy(roster->blank, fake(group)->blank, sizeof roster->blank);
  atomic_fetch_add(&rosters_alive, 1);
  *out = (struct roster *)(void *)roster;
  return OK;
}

struct roster *roster_share(const struct roster *roster) {
  refs_take(&counted(roster)->refs);
  return (struct roster *)(void *)counted(roster);
}

void roster_drop(struct roster *roster) {
  if (roster == NULL || !refs_drop(&counted(roster)->refs))
    return;
  atomic_fetch_sub(&rosters_alive, 1);
  mem_free(roster);
}

bool roster_has(const struct roster *roster, uint32_t leaf) {
  return leaf < fake_roster(roster)->width && !fake_roster(roster)->blank[leaf];
}

uint32_t roster_width(const struct roster *roster) {
  return fake_roster(roster)->width;
}

/* The identity of a leaf: "LEAF in EPOCH". */
enum err roster_read(const struct roster *roster, uint32_t leaf, uint32_t what, struct bytes *out) {
  char text[64];
  if (!roster_has(roster, leaf))
    return ERR_NOT_FOUND;
  if (what != E2EE_MEMBER_IDENTITY)
    return ERR_INVALID_ARG;
  int size = snprintf(text, sizeof text, "%u in %llu", (unsigned)leaf,
                      (unsigned long long)fake_roster(roster)->epoch);
  return bytes_copy(out, view_of((const uint8_t *)text, (size_t)size));
}

enum err api_group_enter(const e2ee_group *group, const struct group **out) {
  *out = group->group;
  return OK;
}

int api_group_leave(const e2ee_group *group, enum err err) {
  (void)group;
  return err;
}

/* The helpers of lib/api/handles.c once more: linking that file would bring in the real groups. */

enum err api_put(struct view value, uint8_t *out, size_t *len) {
  bool fits = out == NULL || *len >= value.size;
  *len = value.size;
  if (out != NULL && fits)
    memcpy(out, value.data, value.size);
  return fits ? OK : ERR_BUFFER_TOO_SMALL;
}

void api_fill(void *out, size_t out_size, const void *from, size_t size) {
  memset(out, 0, out_size);
  memcpy(out, from, out_size < size ? out_size : size);
}

enum err api_bytes_new(struct e2ee_bytes **out) {
  *out = mem_new(1, sizeof **out);
  return *out == NULL ? ERR_NOMEM : OK;
}

/* ---- Members and frames ---- */

struct member {
  struct fake_group *group;
  e2ee_media *media;
  e2ee_sender *sender;
  e2ee_receiver *receiver;
};

struct frame {
  uint8_t bytes[256];
  size_t size;
};

#define ABOUT (const uint8_t *)"about", 5

HELPER struct fake_group *fake_group_new(uint32_t own_leaf, uint32_t width) {
  ck_assert_int_eq(provider_init(), OK);
  struct fake_group *group = mem_new(1, sizeof *group);
  ck_assert_ptr_nonnull(group);
  *group = (struct fake_group){.id = "call", .epoch = 1, .own_leaf = own_leaf, .width = width};
  group->handle.client = &fake_domain;
  group->handle.group = (struct group *)(void *)group;
  ck_assert_int_eq(contexts_new(&group->handle.contexts), OK);
  return group;
}

HELPER void fake_group_free(struct fake_group *group) {
  contexts_drop(group->handle.contexts);
  mem_free(group);
}

/* e2ee_media_install() with a group made up. */
HELPER int install_group(e2ee_media *media, const struct fake_group *group) {
  return e2ee_media_install(media, group == NULL ? NULL : &group->handle);
}

/* A member with one sender and one receiver, in no epoch yet. */
HELPER struct member member_of(uint32_t leaf, uint32_t width) {
  struct member member = {.group = fake_group_new(leaf, width)};
  ck_assert_int_eq(e2ee_media_new(0, &member.media), OK);
  ck_assert_int_eq(e2ee_sender_new(member.media, &member.sender), OK);
  ck_assert_int_eq(e2ee_receiver_new(member.media, &member.receiver), OK);
  return member;
}

HELPER void member_free(struct member *member) {
  e2ee_sender_free(member->sender);
  e2ee_receiver_free(member->receiver);
  e2ee_media_free(member->media);
  fake_group_free(member->group);
}

HELPER void install(struct member *member, uint64_t epoch) {
  member->group->epoch = epoch;
  ck_assert_int_eq(install_group(member->media, member->group), OK);
}

HELPER void enter(struct member *member, uint64_t epoch) {
  install(member, epoch);
  ck_assert_int_eq(e2ee_media_activate(member->media, epoch), OK);
}

HELPER struct member member_in(uint32_t leaf, uint32_t width, uint64_t epoch) {
  struct member member = member_of(leaf, width);
  enter(&member, epoch);
  return member;
}

HELPER struct frame seal_with(e2ee_sender *sender, const char *text) {
  struct frame frame;
  ck_assert_int_eq(e2ee_sender_encrypt(sender, ABOUT, (const uint8_t *)text, strlen(text),
                                       frame.bytes, sizeof frame.bytes, &frame.size),
                   OK);
  return frame;
}

HELPER struct frame seal(const struct member *member, const char *text) {
  return seal_with(member->sender, text);
}

/* Decrypt; where the answer is an error other than ERR_AUTH, nothing may have been written. */
HELPER int receive_with(e2ee_receiver *receiver, const struct frame *frame, e2ee_frame_info *info) {
  uint8_t out[256];
  size_t size = 4711;
  e2ee_frame_info scratch, untouched;
  memset(out, 0xa5, sizeof out);
  memset(&untouched, 0xa5, sizeof untouched);
  scratch = untouched;
  int err = e2ee_receiver_decrypt(receiver, ABOUT, frame->bytes, frame->size, out, sizeof out,
                                  &size, &scratch, sizeof scratch);
  if (err != OK) {
    ck_assert_uint_eq(size, 4711);
    ck_assert_mem_eq(&scratch, &untouched, sizeof scratch);
    for (size_t i = 0; i < sizeof out && err != ERR_AUTH; i++)
      ck_assert_uint_eq(out[i], 0xa5);
  } else if (info != NULL) {
    *info = scratch;
  }
  return err;
}

HELPER int receive(const struct member *member, const struct frame *frame, e2ee_frame_info *info) {
  return receive_with(member->receiver, frame, info);
}

/* The next event is of this kind, or, for 0, there is none. */
HELPER e2ee_event expect_event(const struct member *member, uint32_t kind) {
  e2ee_event event = {0};
  ck_assert_int_eq(e2ee_media_next_event(member->media, &event, sizeof event), kind != 0);
  ck_assert_uint_eq(event.kind, kind);
  return event;
}

HELPER e2ee_stats stats_of(const struct member *member) {
  e2ee_stats stats;
  ck_assert_int_eq(e2ee_media_stats(member->media, &stats, sizeof stats), OK);
  return stats;
}

#endif
