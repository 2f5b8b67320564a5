/*
 * Pre-shared keys of a group, and groups that go on from another one by a resumption PSK
 * (RFC 9420, sections 8.4, 8.6, 11.2 and 11.3).
 * SPDX-License-Identifier: ISC
 */
#ifndef MLS_GROUP_RESUME_H
#define MLS_GROUP_RESUME_H

#include "mls/group/group.h"

/** The group that a ReInit announced, still without the other members (section 11.2).  @param client
 *  of the announced cipher suite  @return also ERR_INVALID_STATE: `old` holds no ReInit */
CHECKED enum err group_new_successor(struct client *client, const struct group *old,
                                     struct group **out);

/** A group for some of the members of another one (section 11.3). */
CHECKED enum err group_new_branch(struct client *client, const struct group *old,
                                  struct view group_id, struct group **out);

/** Secret of a PSK that a commit names; a view into the client or one of its groups.
 *  @return false if it is not there */
bool group_find_psk(const struct group *group, const struct psk_id *id, struct view *out);

/** resumption_psk of an epoch, if this group still has it. */
bool group_resumption_psk(const struct group *group, uint64_t epoch, struct view *out);

/** Whether the resumption PSK of a proposal that waits may go into a commit that adds nobody: only if it
 *  is of the current epoch.  Who was a member before, at the same leaf with the same key, may have
 *  come back without what it had. */
bool resume_all_have(const struct group *group, const struct psk_id *id);

/** psk_secret (section 8.4) of the PSK proposals in a list, in their order.
 *  ERR_INVALID_COMMIT if one is not known. */
CHECKED enum err group_psk_secret(const struct group *group, const struct proposal_list *list,
                                  struct secret *out);

/** The same by id, over all groups of a client that live. */
bool client_resumption_psk(const struct client *client, const struct psk_id *id, struct view *out);

/** A PreSharedKey proposal of a PSK, with a fresh nonce.  @param out  to be freed */
CHECKED enum err psk_proposal(const struct suite *suite, struct psk_id id, struct bytes *out);

/** The PreSharedKey proposal that a group's link stands for.  @param out  to be freed */
CHECKED enum err resume_link_proposal(const struct group *group, struct bytes *out);

/** Whether this library has the version and the cipher suite of a ReInit. */
bool resume_can_follow(const struct proposal *reinit);

/** The ReInit that ended a group; views into it.  ERR_INVALID_STATE if none has. */
CHECKED enum err resume_read_reinit(const struct group *old, struct proposal *out);

/**
 * Section 12.4.3.1: a group that was joined with a PSK of usage reinit or branch is what it says.
 * @param old  the old group, or NULL: it is looked for among those of the client that live
 */
CHECKED enum err resume_check_joined(const struct client *client, const struct group *old,
                                     const struct psk_id *id, const struct epoch *epoch,
                                     struct why *why);

#endif
