/*
 * The group work of a participant: what it wants, what it commits, what it accepts from others, and
 * how its media keys follow.
 * SPDX-License-Identifier: ISC
 */
#ifndef MEMBER_H
#define MEMBER_H

#include "call.h"
#include "store.h"

enum { MAX_NAMES = 8, MAX_SWITCHES = 16 };

enum goal_kind { GOAL_NONE, GOAL_INVITE, GOAL_JOIN, GOAL_REMOVE, GOAL_RENEW };

/** What this participant wants a commit for.  It stays until that commit was accepted, so that one
 *  which lost the race for its epoch is made again. */
struct goal {
  enum goal_kind kind;
  bool asked; /* The relay was asked for what the goal needs. */
  size_t count;
  char name[MAX_NAMES][NAME_MAX_LENGTH + 1];
  uint8_t *key_package[MAX_NAMES]; /* GOAL_INVITE: NULL until it has come. */
  size_t key_package_size[MAX_NAMES];
};

/** An epoch that was entered, and what is still to be done about its media keys. */
struct epoch_switch {
  uint64_t epoch;
  uint64_t activate_at; /**< Senders use it from then on. */
  uint64_t retire_at;   /**< The keys of earlier epochs are wiped. */
  bool activated;
};

/** A participant, a member of the group or not. */
struct member {
  const char *name;
  const char *media_path;
  const char *folder;
  struct store store;
  struct memory memory;
  uint64_t saved_revision; /**< Of the group, when it was saved last. */
  e2ee_media *media;
  struct call *call;
  struct wire relay;
  int udp;
  struct goal goal;
  struct epoch_switch switches[MAX_SWITCHES];
  size_t switch_count;
  bool synced;      /**< All that was missed is processed. */
  uint64_t quit_at; /**< 0: never; UINT64_MAX: soon after leaving the group. */
};

/** Print a line about this participant. */
__attribute__((format(printf, 2, 3))) void member_say(const struct member *me, const char *format,
                                                      ...);

/** Epoch, own leaf and state of the group; E2EE_GROUP_LEFT if there is none. */
e2ee_group_status member_status(const struct member *me);

/** Send to the relay; ends the program if that is gone. */
void member_send(struct member *me, const struct message *message);

/** Make a key package and have the relay keep it. */
void member_publish_key_package(struct member *me);

/** Start the group, as its only member. */
void member_create_group(struct member *me);

/** Ask the others to commit that this member leaves. */
void member_leave(struct member *me);

/** Want something else, or nothing (NULL); key packages move with it. */
void member_set_goal(struct member *me, const struct goal *goal);

/** After a restart: use the loaded group's media keys. */
void member_resume(struct member *me);

/** Do what is due: save what changed, a step towards the goal, a step of the media keys. */
void member_work(struct member *me);

/** All that was missed is processed: media may flow, and a commit that is pending still goes out
 *  once more. */
void member_on_sync(struct member *me);

/** Messages from the relay. */
void member_on_handshake(struct member *me, struct slice message);
void member_on_welcome(struct member *me, struct slice welcome);
void member_on_key_package(struct member *me, const struct message *message);
void member_on_group_info(struct member *me, struct slice group_info);
void member_on_refused(struct member *me);

#endif /* MEMBER_H */
