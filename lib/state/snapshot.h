/*
 * Saved state: a client, or a group with its pending commit, as one sealed blob (seal.h).
 *
 * Inside is CBOR (cbor.h); the shape of each map is told where it is written.  Settings are not part
 * of it: a group goes on under those of the client that loads it.
 * SPDX-License-Identifier: ISC
 */
#ifndef STATE_SNAPSHOT_H
#define STATE_SNAPSHOT_H

#include "mls/group/group.h"

/** Key packages that are long over are wiped, and not saved.
 *  @param key  SEALBOX_KEY_SIZE bytes, else ERR_INVALID_ARG  @param out  to be freed */
CHECKED enum err snapshot_save_client(struct client *client, struct view key, struct bytes *out);
/** The same for a group.  None of the three ways to save one takes it const: what was saved can be
 *  remembered, as snapshot_save_tree() does. */
CHECKED enum err snapshot_save_group(struct group *group, struct view key, struct bytes *out);

/**
 * @param out  to be freed
 * @return OK; ERR_INVALID_ARG (size of the key); ERR_STATE_KEY; ERR_STATE_VERSION;
 *         ERR_STATE_CORRUPT (authentic, but it does not decode, or its parts contradict each other);
 *         ERR_UNSUPPORTED (a suite that is not built in)
 */
CHECKED enum err snapshot_load_client(struct view key, struct view blob, struct why *why,
                                      struct client **out);

/**
 * The same for a group, which is `restored` from here on.  Whether the client is in a group of that
 * id already does not matter.
 * @return ERR_NOT_FOUND too (another client's group)
 */
CHECKED enum err snapshot_load_group(struct client *client, struct view key, struct view blob,
                                     struct group **out);

/*
 * A group in two blobs: the tree as it is at some moment, which holds no secret, and all the rest with
 * what has changed in the tree since.  The second names the first by its nonce.
 */

/** Save the tree; the group remembers it for what follows.  Errors as above. */
CHECKED enum err snapshot_save_tree(struct group *group, struct view key, struct bytes *out);
/** Save the rest.  ERR_INVALID_STATE too: no tree was saved, or it has changed too much since. */
CHECKED enum err snapshot_save_changes(struct group *group, struct view key, struct bytes *out);
/** Errors as in snapshot_load_group(), and ERR_NOT_FOUND: the changes are of another tree. */
CHECKED enum err snapshot_load_changes(struct client *client, struct view key,
                                       struct view tree_blob, struct view changes_blob,
                                       struct group **out);

/* What is under the seal is not trusted either, and can be read without one.  `version` is that of the
 * format, SEAL_VERSION or an earlier one. */
CHECKED enum err snapshot_read_client(uint8_t version, struct view content, struct why *why,
                                      struct client **out);
CHECKED enum err snapshot_read_group(struct client *client, uint8_t version, struct view content,
                                     struct group **out);
CHECKED enum err snapshot_read_tree(struct client *client, struct view content, struct tree **out);
/** @param tree_id  nonce of the tree's blob  @param base  what was in it */
CHECKED enum err snapshot_read_changes(struct client *client, uint8_t version, struct view content,
                                       struct view tree_id, const struct tree *base,
                                       struct group **out);

#endif
