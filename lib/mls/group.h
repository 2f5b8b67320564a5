/*
 * A group as one of its members holds it: the current epoch, the past ones kept for late messages,
 * proposals waiting for a commit, and the own commit waiting for the delivery service.
 * SPDX-License-Identifier: ISC
 */
#ifndef MLS_GROUP_H
#define MLS_GROUP_H

#include "mls/members.h"
#include "mls/proposals.h"

/** Upper bound of E2EE_SET_PAST_EPOCHS. */
#define PAST_EPOCHS_MAX 16

/** An own commit that was built and not decided yet. */
struct pending_commit {
  struct bytes message;
  struct bytes welcome; /* empty if nobody was added */
  struct epoch *next;
  bool fresh; /* built here, not loaded: whatever copies of a saved state there are, one has it */
};

void pending_commit_free(struct pending_commit *pending); /* wipes; accepts NULL */

struct group {
  struct client *client;               /* outlives the group */
  struct epoch *epoch;                 /* current; without secrets once the member has left */
  struct epoch *past[PAST_EPOCHS_MAX]; /* newest first */
  size_t past_count;
  struct proposal_store proposals;
  struct pending_commit *pending;
  uint64_t revision; /* grows with every change worth saving */
  bool left;
  bool restored; /* loaded from a blob, and no own commit with a path since */
};

/** A group with the client as its only member (RFC 9420, section 11). */
CHECKED enum err group_new(struct client *client, struct view group_id, struct group **out);

/** A group in an epoch that was joined; the epoch is moved in. */
CHECKED enum err group_from_epoch(struct client *client, struct epoch **epoch, struct group **out);

void group_free(struct group *group); /* wipes; accepts NULL */

/** ERR_INVALID_STATE once the member has left, or before an external commit was accepted. */
CHECKED enum err group_check_active(const struct group *group);

/** The same, and ERR_NOT_FOUND for a leaf without a member. */
CHECKED enum err group_check_member(const struct group *group, uint32_t leaf);

/** The KeyPackage in an MLSMessage that the application was given; ERR_LIMIT if it is too large. */
CHECKED enum err group_read_key_package(const struct group *group, struct view message,
                                        struct view *out);

/** The epoch to show: the current one, or the pending one of somebody who joins from outside. */
const struct epoch *group_shown_epoch(const struct group *group);

uint64_t group_epoch_number(const struct group *group);
uint32_t group_own_leaf(const struct group *group);
struct view group_identifier(const struct group *group);
bool group_restored(const struct group *group);

/** Who is who in the current epoch.  @param out  to be dropped */
CHECKED enum err group_roster(const struct group *group, struct roster **out);

/** MLS-Exporter (section 8.5). */
CHECKED enum err group_export(const struct group *group, struct view label, struct view context,
                              uint8_t *out, size_t size);

/** Encrypt an application message.  ERR_INVALID_STATE while proposals wait for a commit
 *  (section 12.4). */
CHECKED enum err group_encrypt(struct group *group, struct view data, struct bytes *out);

/** GroupInfo with external_pub and ratchet_tree, as an MLSMessage (section 12.4.3). */
CHECKED enum err group_info(const struct group *group, struct bytes *out);

/** Write a signed GroupInfo of an epoch.  @param extensions  items of the list */
CHECKED enum err group_info_sign(const struct epoch *epoch, const struct secret *signature_key,
                                 struct view extensions, struct writer *writer);

/* Proposals: each is signed, kept for the next commit, and returned to be sent.
 * A key package is an MLSMessage. */
CHECKED enum err group_propose_add(struct group *group, struct view key_package, struct bytes *out);
CHECKED enum err group_propose_remove(struct group *group, uint32_t leaf, struct bytes *out);
CHECKED enum err group_propose_update(struct group *group, struct bytes *out);

/**
 * Sign, and protect as the settings say, content of the current epoch.
 * @param confirmation_tag  for a commit, else VIEW_NONE
 * @param content           out: views into `storage`
 * @param storage           out: what the AuthenticatedContent is made of; to be freed
 */
CHECKED enum err group_sign(const struct group *group, uint8_t content_type, struct view body,
                            struct bytes *storage, struct authenticated_content *content);
CHECKED enum err group_protect(struct group *group, const struct authenticated_content *content,
                               struct bytes *out);

/** Move on to the next epoch, which is moved in; the old one becomes a past one. */
void group_enter(struct group *group, struct epoch **next);

/** The own member was removed: wipe every secret. */
void group_leave(struct group *group);

void group_discard_pending(struct group *group);

/** Secret of a PSK that a commit names; a view into the client or group.
 *  @return false if it is not there */
bool group_find_psk(const struct group *group, const struct psk_id *id, struct view *out);

/** psk_secret (section 8.4) of the PSK proposals in a list, in their order.
 *  ERR_INVALID_COMMIT if one is not known.  @param group  may be NULL: external PSKs only */
CHECKED enum err group_psk_secret(const struct client *client, const struct group *group,
                                  const struct suite *suite, const struct proposal_list *list,
                                  struct why *why, struct secret *out);

#endif
