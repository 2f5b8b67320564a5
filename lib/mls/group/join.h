/*
 * Joining: by Welcome (RFC 9420, section 12.4.3.1), or by external commit (section 12.4.3.2).
 * SPDX-License-Identifier: ISC
 */
#ifndef MLS_GROUP_JOIN_H
#define MLS_GROUP_JOIN_H

#include "mls/group/group.h"

/** A Welcome that was opened and verified; nothing has changed yet. */
struct opened_welcome {
  struct epoch *epoch;
  uint64_t number; /* of the epoch */
  uint32_t committer;
  uint8_t key_package_ref[HASH_MAX]; /* of the own key package that it used */
};

void opened_welcome_free(struct opened_welcome *opened);

/**
 * Open a Welcome and verify all of section 12.4.3.1.
 * @param message  MLSMessage
 * @param tree     ratchet_tree if it is not in the Welcome, else VIEW_NONE
 * @return OK; ERR_NOT_FOUND (for no key package, or with a PSK, that is here); ERR_AUTH;
 *         ERR_SIGNATURE; ERR_INVALID_TREE; ERR_INVALID_STATE (already in that group); …
 */
CHECKED enum err join_open_welcome(struct client *client, struct view message, struct view tree,
                                   struct opened_welcome *out);

/** The same where the new group must go on from one that perhaps another client of ours holds, because
 *  it has another cipher suite.  ERR_INVALID_TREE if it does not.  @param old  NULL: need not */
CHECKED enum err join_open_successor(struct client *client, const struct group *old,
                                     struct view message, struct view tree,
                                     struct opened_welcome *out);

/** Become a member; the key package is used up.  The epoch is moved in. */
CHECKED enum err join_accept_welcome(struct client *client, struct opened_welcome *opened,
                                     struct group **out);

/** Open a group from outside and commit in it at once: a group whose pending commit is the one to send.
 *  @see external_open */
CHECKED enum err join_external(struct client *client, struct view message, struct view tree,
                               struct group **out);

#endif
