/*
 * A media object whose keys come from the epochs of a group (RFC 9605, section 5.2): the only place
 * where MLS meets SFrame.
 *
 * Every stream sees epochs through pointers (receivers) or a derived key (senders) that are changed under
 * media->lock and the stream's latch: so once a function here has visited each stream, nobody can still be
 * using what it took away, and it is wiped there and then.  All that allocates or derives is done before
 * a stream's latch is taken.
 *
 * Refusals of a media object with peer keys are ERR_INVALID_STATE.  Any thread.
 * SPDX-License-Identifier: ISC
 */
#ifndef MEDIA_GROUPKEYS_H
#define MEDIA_GROUPKEYS_H

#include "media/contexts.h"
#include "media/receiver.h"
#include "mls/group/group.h"

/** @param suite_id  RFC 9605, section 8.1  @return OK, ERR_UNSUPPORTED or ERR_NOMEM */
CHECKED enum err groupkeys_new(uint16_t suite_id, struct media **out);

/**
 * Let receivers accept the group's present epoch; again for an installed epoch does nothing.
 * The epoch with the same low bits, 16 or more before, is gone.
 * @param contexts  of the handle of `group`
 * @return OK; ERR_INVALID_STATE (another group, another member, another secret in this epoch);
 *         ERR_OLD_EPOCH (not newer than every epoch that was installed, or retired)
 */
CHECKED enum err groupkeys_install(struct media *media, struct contexts *contexts,
                                   const struct group *group, struct why *why);

/** Let senders use an installed epoch.  @return OK; ERR_NOT_FOUND (not installed); ERR_OLD_EPOCH
 *  (they use a later one); ERR_KEY_EXHAUSTED (no context left) */
CHECKED enum err groupkeys_activate(struct media *media, uint64_t epoch);

/** What the roster of an installed epoch says of a leaf.  @return OK, or ERR_NOT_FOUND: with peer keys
 *  always */
CHECKED enum err groupkeys_member(struct media *media, uint64_t epoch, uint32_t leaf, uint32_t what,
                                  struct bytes *out);

/** A receiver of every other member's frames. */
CHECKED enum err groupkeys_receiver(struct media *media, struct e2ee_receiver **out);

#endif
