/*
 * Joining by external commit (RFC 9420, section 12.4.3.2): a group is opened from outside, looked at,
 * and joined by committing in it.
 * SPDX-License-Identifier: ISC
 */
#ifndef MLS_GROUP_EXTERNAL_H
#define MLS_GROUP_EXTERNAL_H

#include "mls/group/send.h"

/**
 * Open a group by its GroupInfo, with everything in it verified.
 * @param message  MLSMessage holding a GroupInfo with external_pub
 * @param tree     ratchet_tree if it is not in the GroupInfo, else VIEW_NONE
 */
CHECKED enum err external_open(struct client *client, struct view message, struct view tree,
                               struct group **out);

/**
 * Proposals by somebody who is no member (section 12.1.8), as MLSMessages.
 * @param sender       of type SENDER_EXTERNAL, or SENDER_NEW_MEMBER_PROPOSAL for an Add
 * @param key_package  MLSMessage
 */
CHECKED enum err external_propose_add(struct client *client, struct sender sender,
                                      struct view group_id, uint64_t epoch, struct view key_package,
                                      struct bytes *out);
CHECKED enum err external_propose_remove(struct client *client, struct sender sender,
                                         struct view group_id, uint64_t epoch, uint32_t leaf,
                                         struct bytes *out);

/* ---- For commit.c ---- */

/** Section 12.2: from outside only the client's own former leaf can be removed.
 *  ERR_INVALID_PROPOSAL. */
CHECKED enum err external_check_former(const struct group *group, uint32_t leaf);

/** An init_secret encapsulated for the group (section 8.3).  @param proposal  ExternalInit */
CHECKED enum err external_init(const struct group *group, struct secret *init_secret,
                               struct bytes *proposal);

/** As group_sign() and group_protect(), for the new member. */
CHECKED enum err external_sign(const struct group *group, const struct framed_content *framed,
                               struct bytes *storage, struct authenticated_content *out);
CHECKED enum err external_protect(const struct group *group,
                                  const struct authenticated_content *content, struct bytes *out);

#endif
