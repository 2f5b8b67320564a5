/*
 * Making a commit, and what the delivery service decides about it (RFC 9420, section 12.4.1).
 * SPDX-License-Identifier: ISC
 */
#ifndef MLS_GROUP_COMMIT_H
#define MLS_GROUP_COMMIT_H

#include "mls/group/draft.h"
#include "mls/group/send.h"

/** ERR_INVALID_STATE unless the client may commit: as a member, or to join from outside. */
CHECKED enum err commit_check_allowed(const struct group *group);

/** Proposals that a commit will hold by value, as they are on the wire. */
struct commit_plan {
  struct bytes *proposal;
  size_t count;
  size_t capacity;
  struct bytes extensions; /* of the new GroupContext: items of the list */
  bool sets_extensions;
};

/* Each checks what it adds against the group as it is now (section 12.1). */

/** @param key_package  MLSMessage */
CHECKED enum err commit_plan_add(struct commit_plan *plan, const struct group *group,
                                 struct view key_package);
CHECKED enum err commit_plan_remove(struct commit_plan *plan, const struct group *group,
                                    uint32_t leaf);
/** Any proposal as it is on the wire. */
CHECKED enum err commit_plan_proposal(struct commit_plan *plan, const struct group *group,
                                      struct view proposal);
/** Set, replace or take out (data.data == NULL) one extension of the GroupContext; the others stay. */
CHECKED enum err commit_plan_extension(struct commit_plan *plan, const struct group *group,
                                       uint16_t type, struct view data);
/** Add a type to required_capabilities. */
CHECKED enum err commit_plan_require(struct commit_plan *plan, const struct group *group,
                                     enum type_kind kind, uint16_t type);
/** Add somebody to external_senders.  @param body  of the credential, as in credential_new() */
CHECKED enum err commit_plan_external_sender(struct commit_plan *plan, const struct group *group,
                                             struct view signature_key, uint16_t credential_type,
                                             struct view body);
void commit_plan_free(struct commit_plan *plan);

/**
 * Build the commit of the plan and of every stored proposal that may stand beside it, with a path,
 * and make it the group's pending one.  In a group seen from outside it is the external commit by
 * which the client joins (section 12.4.3.2).
 * @return OK; ERR_PENDING_COMMIT; what proposals_apply() returns
 */
CHECKED enum err commit_build(struct group *group, const struct commit_plan *plan);

/** ERR_NOT_FOUND if there is no pending commit. */
CHECKED enum err commit_check_pending(const struct group *group);

/** The delivery service took the pending commit: enter its epoch. */
CHECKED enum err commit_accepted(struct group *group);

/** It did not: wipe it. */
CHECKED enum err commit_discard(struct group *group);

#endif
