/*
 * Making a commit, and what the delivery service decides about it (RFC 9420, section 12.4.1).
 * SPDX-License-Identifier: ISC
 */
#ifndef MLS_COMMIT_H
#define MLS_COMMIT_H

#include "mls/group.h"

/** Proposals that a commit will hold by value, as they are on the wire. */
struct commit_plan {
  struct bytes *proposal;
  size_t count;
  size_t capacity;
};

/** Each checks what it adds against the group as it is now (section 12.1).
 *  @param key_package  MLSMessage */
CHECKED enum err commit_plan_add(struct commit_plan *plan, const struct group *group,
                                 struct view key_package);
CHECKED enum err commit_plan_remove(struct commit_plan *plan, const struct group *group,
                                    uint32_t leaf);
void commit_plan_free(struct commit_plan *plan);

/**
 * Build the commit of the plan and of every stored proposal that may stand beside it, with a path,
 * and make it the group's pending one.
 * @return OK; ERR_PENDING_COMMIT; what proposals_apply() returns
 */
CHECKED enum err commit_build(struct group *group, const struct commit_plan *plan);

/** ERR_NOT_FOUND if there is no pending commit. */
CHECKED enum err commit_check_pending(const struct group *group);

/** The delivery service took the pending commit: enter its epoch. */
CHECKED enum err commit_accepted(struct group *group);

/** It did not: wipe it. */
CHECKED enum err commit_discard(struct group *group);

/* ---- Shared with an external commit, which is built by somebody without a group ---- */

/** The parts of a commit as they come about. */
struct commit_work {
  const struct client *client;
  const struct epoch *from; /* the epoch that is left; without secrets for an external commit */
  struct effects effects;
  struct secret init_secret; /* that goes into the new epoch */
  struct secret psk_secret;
  struct private_keys *keys; /* of the new epoch */
  struct new_path *path;
  struct bytes body; /* Commit */
  struct secret joiner_secret;
  struct epoch *next;
};

void commit_work_free(struct commit_work *work);

/** New path for `leaf`, and the Commit.  @param old  own keys, NULL for an external commit */
CHECKED enum err commit_write_body(struct commit_work *work, uint32_t leaf,
                                   const struct private_keys *old,
                                   const struct proposal_list *list);

/** The epoch behind the commit, from its signed content.  */
CHECKED enum err commit_make_epoch(struct commit_work *work,
                                   const struct authenticated_content *content);

#endif
