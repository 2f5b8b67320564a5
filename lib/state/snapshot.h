/*
 * Saved state: a client, or a group with its pending commit, as one sealed blob (seal.h).
 *
 * Inside is CBOR (cbor.h); the shape of each map is told where it is written.  Settings are not part
 * of it: whoever loads a group is held to those of its client.
 * SPDX-License-Identifier: ISC
 */
#ifndef STATE_SNAPSHOT_H
#define STATE_SNAPSHOT_H

#include "mls/group.h"

/** @param key  SEALBOX_KEY_SIZE bytes, else ERR_INVALID_ARG  @param out  to be freed */
CHECKED enum err snapshot_save_client(const struct client *client, struct view key,
                                      struct bytes *out);
CHECKED enum err snapshot_save_group(const struct group *group, struct view key, struct bytes *out);

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
 * @return ERR_NOT_FOUND too (another client's group), and ERR_LIMIT (more members than the client's
 *         settings allow)
 */
CHECKED enum err snapshot_load_group(struct client *client, struct view key, struct view blob,
                                     struct group **out);

/* What is under the seal is not trusted either, and can be read without one. */
CHECKED enum err snapshot_read_client(struct view content, struct why *why, struct client **out);
CHECKED enum err snapshot_read_group(struct client *client, struct view content,
                                     struct group **out);

#endif
