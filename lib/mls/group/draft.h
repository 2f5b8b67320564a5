/*
 * Proposals of our own as they are on the wire, ready to be sent (group_propose()) or to go into a
 * commit by value (commit_plan_proposal()), which check them.
 * SPDX-License-Identifier: ISC
 */
#ifndef MLS_GROUP_DRAFT_H
#define MLS_GROUP_DRAFT_H

#include "mls/group/resume.h"

/** PreSharedKey of an external PSK.  ERR_NOT_FOUND if the client does not have it. */
CHECKED enum err draft_psk(const struct group *group, struct view id, struct bytes *out);

/** PreSharedKey of this group's resumption PSK of an epoch.  ERR_NOT_FOUND if it is gone. */
CHECKED enum err draft_resumption_psk(const struct group *group, uint64_t epoch, struct bytes *out);

/** ReInit to another id and cipher suite, with the same extensions. */
CHECKED enum err draft_reinit(const struct group *group, struct view group_id,
                              uint16_t cipher_suite, struct bytes *out);

/** A proposal of the application's own. */
CHECKED enum err draft_custom(const struct group *group, uint16_t type, struct view data,
                              struct bytes *out);

/** GroupContextExtensions.  @param extensions  items of the whole new list */
CHECKED enum err draft_extensions(struct view extensions, struct bytes *out);

/** An extension list with one of its extensions set, replaced or taken out (data.data == NULL), and
 *  without any GREASE.  @param type  0: none is */
CHECKED enum err draft_set_extension(struct view extensions, uint16_t type, struct view data,
                                     struct bytes *out);

/** required_capabilities with one more type, and without any GREASE.
 *  @param now  its present data, or empty  @param type  0: no more */
CHECKED enum err draft_require(struct view now, enum type_kind kind, uint16_t type,
                               struct bytes *out);

#endif
