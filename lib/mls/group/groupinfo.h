/*
 * GroupInfo: what an epoch tells of itself (RFC 9420, section 12.4.3).
 * SPDX-License-Identifier: ISC
 */
#ifndef MLS_GROUP_GROUPINFO_H
#define MLS_GROUP_GROUPINFO_H

#include "mls/group/group.h"

/** GroupInfo with external_pub, as an MLSMessage. */
CHECKED enum err group_info(const struct group *group, struct bytes *out);

/** Write a signed GroupInfo of an epoch: with the ratchet tree where the client's settings want it
 *  there, its own extensions, GREASE.  @param external_pub  whether others may join by it */
CHECKED enum err group_info_sign(const struct client *client, const struct epoch *epoch,
                                 bool external_pub, struct writer *writer);

/** The ratchet_tree extension's data, for joiners who do not find it in Welcome or GroupInfo. */
CHECKED enum err group_ratchet_tree(const struct group *group, struct bytes *out);

/**
 * Verify all that section 12.4.3.1 asks of a GroupInfo and its tree, the signature included.
 * @param beside  ratchet_tree if it is not in the GroupInfo, else VIEW_NONE
 * @param tree    out, to be dropped
 * @return OK; ERR_UNSUPPORTED; ERR_INVALID_STATE (already in that group); ERR_NOT_FOUND (no tree);
 *         ERR_SIGNATURE; ERR_INVALID_TREE; …
 */
CHECKED enum err group_info_check(struct client *client, const struct group_info *info,
                                  struct view beside, struct tree **tree);

#endif
