/*
 * Saved state: one client or one group as one sealed blob.
 * SPDX-License-Identifier: ISC
 */
#ifndef STATE_SNAPSHOT_H
#define STATE_SNAPSHOT_H

#include "mls/group.h"

/** @param key  32 bytes  @param out  to be freed */
CHECKED enum err snapshot_save_client(const struct client *client, struct view key,
                                      struct bytes *out);
CHECKED enum err snapshot_save_group(const struct group *group, struct view key, struct bytes *out);

/** @return OK; ERR_STATE_KEY; ERR_STATE_CORRUPT; ERR_STATE_VERSION; ERR_NOT_FOUND (another
 *  client's group)  @param out  to be freed */
CHECKED enum err snapshot_load_client(struct view key, struct view blob, struct why *why,
                                      struct client **out);
CHECKED enum err snapshot_load_group(struct client *client, struct view key, struct view blob,
                                     struct group **out);

#endif
