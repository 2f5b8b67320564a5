/*
 * What a member says in an epoch: signed, protected, and, if it is a proposal, kept for the next
 * commit (RFC 9420, sections 6 and 12.1).
 * SPDX-License-Identifier: ISC
 */
#ifndef MLS_GROUP_SEND_H
#define MLS_GROUP_SEND_H

#include "mls/group/group.h"

/** Encrypt an application message.  ERR_INVALID_STATE while proposals wait for a commit
 *  (section 12.4). */
CHECKED enum err group_encrypt(struct group *group, struct view data, struct bytes *out);
/** The same with authenticated data, which is sent along in the clear. */
CHECKED enum err group_encrypt_with(struct group *group, struct view authenticated_data,
                                    struct view data, struct bytes *out);

/* Proposals: each is signed, kept for the next commit, and returned to be sent.
 * A key package is an MLSMessage. */
CHECKED enum err group_propose_add(struct group *group, struct view key_package, struct bytes *out);
CHECKED enum err group_propose_remove(struct group *group, uint32_t leaf, struct bytes *out);
CHECKED enum err group_propose_update(struct group *group, struct bytes *out);
/** SelfRemove where every member supports it, else a Remove of the own leaf.  A second time in an
 *  epoch it is the same SelfRemove once more (draft-ietf-mls-extensions). */
CHECKED enum err group_propose_leave(struct group *group, struct bytes *out);
/** Any proposal as it is on the wire. */
CHECKED enum err group_propose(struct group *group, struct view proposal, struct bytes *out);

/**
 * Sign content of the current epoch; group id, epoch and sender are filled in.
 * @param content  content_type, content and authenticated_data are looked at
 * @param encrypt  it will be a PrivateMessage
 * @param out      views into `storage`, which is to be freed
 */
CHECKED enum err group_sign(const struct group *group, const struct framed_content *content,
                            bool encrypt, struct bytes *storage, struct authenticated_content *out);
CHECKED enum err group_protect(struct group *group, const struct authenticated_content *content,
                               struct bytes *out);

#endif
