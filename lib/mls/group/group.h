/*
 * A group as one of its members holds it: the current epoch, the past ones kept for late messages,
 * proposals waiting for a commit, and the own commit waiting for the delivery service.
 * SPDX-License-Identifier: ISC
 */
#ifndef MLS_GROUP_GROUP_H
#define MLS_GROUP_GROUP_H

#include "crypto/sealbox.h"
#include "mls/group/members.h"
#include "mls/group/proposals.h"
#include "mls/keys/psk.h"

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

/** How a group that is being set up goes on from another one (sections 11.2 and 11.3). */
struct group_link {
  uint8_t usage; /* PSK_REINIT or PSK_BRANCH */
  struct bytes group_id;
  uint64_t epoch;
  struct secret psk; /* resumption_psk of that epoch */
};

void group_link_free(struct group_link *link); /* wipes; accepts NULL */

/** A tree that was saved on its own, so that later saves tell only what has changed since. */
struct saved_tree {
  struct tree *tree; /* NULL: none was */
  uint8_t id[SEALBOX_NONCE_SIZE];
  size_t size; /* of its blob */
};

struct group {
  struct client *client;               /* outlives the group */
  struct epoch *epoch;                 /* current; without secrets once the member has left */
  struct epoch *past[PAST_EPOCHS_MAX]; /* newest first */
  size_t past_count;
  struct psk_history psks; /* of past epochs, more of them than there are in `past` */
  struct proposal_store proposals;
  struct pending_commit *pending;
  uint64_t revision; /* grows with every change worth saving */
  struct group_link
      *link; /* locked; NULL unless the group is in epoch 0 and goes on from another */
  struct bytes external_pub; /* of a group seen from outside, until the own external commit */
  struct saved_tree saved;
  bool left;
  bool stays;    /* asked to be removed in an epoch before, in vain */
  bool restored; /* loaded from a blob, and no own commit with a path since */
};

/** What has become of a group.  That an own commit is undecided is no state of its own: it may be one of
 *  an active group, or the one by which the client joins from outside. */
enum group_state {
  GROUP_ACTIVE,
  GROUP_OUTSIDE, /* one that the client wants to join; it has no secrets */
  GROUP_ENDED,   /* by a ReInit */
  GROUP_LEFT     /* the member is out; secrets are wiped */
};
enum { GROUP_STATES = GROUP_LEFT + 1 };

enum group_state group_state(const struct group *group);

/** Whether the client is a member of the group already: nobody is in one twice (section 12.4.3.1). */
bool client_in_group(const struct client *client, struct view group_id);

/** A group with the client as its only member (RFC 9420, section 11). */
CHECKED enum err group_new(struct client *client, struct view group_id, struct group **out);
/** The same with extensions in its GroupContext. */
CHECKED enum err group_new_with(struct client *client, struct view group_id, struct view extensions,
                                struct group **out);

/** A group in an epoch that was joined; the epoch is moved in. */
CHECKED enum err group_from_epoch(struct client *client, struct epoch **epoch, struct group **out);

void group_free(struct group *group); /* wipes; accepts NULL */

/** ERR_INVALID_STATE once the member has left, after a ReInit, or before an external commit was
 *  accepted. */
CHECKED enum err group_check_active(const struct group *group);

/** ERR_INVALID_STATE if the client holds another handle of the same member of the same group: two
 *  would use the same keys for different messages. */
CHECKED enum err group_check_alone(const struct group *group);

/** ERR_NOT_FOUND for a leaf without a member. */
CHECKED enum err group_check_leaf(const struct group *group, uint32_t leaf);

/** The KeyPackage in an MLSMessage that the application was given; ERR_LIMIT if it is too large. */
CHECKED enum err group_read_key_package(const struct group *group, struct view message,
                                        struct view *out);

/** Whether the state is GROUP_OUTSIDE. */
bool group_is_outside(const struct group *group);

/** Who the client is in its commits: a member, or somebody who joins by one. */
struct sender group_sender(const struct group *group);

/** E2EE_LEAVING_*: what has become of the member's wish to leave. */
uint32_t group_leaving(const struct group *group);

/** The epoch to show: the current one, or the pending one of somebody who joins from outside. */
const struct epoch *group_shown_epoch(const struct group *group);

uint64_t group_epoch_number(const struct group *group);
uint32_t group_own_leaf(const struct group *group);
struct view group_identifier(const struct group *group);
bool group_restored(const struct group *group);

/** Who is who in the current epoch.  Errors as group_check_active().  @param out  to be dropped */
CHECKED enum err group_roster(const struct group *group, struct roster **out);

/** MLS-Exporter (section 8.5). */
CHECKED enum err group_export(const struct group *group, struct view label, struct view context,
                              uint8_t *out, size_t size);

/** Room for what is kept of the current epoch, so that group_enter() cannot fail.  ERR_NOMEM */
CHECKED enum err group_prepare_enter(struct group *group);
/** Move on to the next epoch, which is moved in; the old one becomes a past one. */
void group_enter(struct group *group, struct epoch **next);

/** The own member was removed: wipe every secret. */
void group_leave(struct group *group);

void group_discard_pending(struct group *group);

#endif
