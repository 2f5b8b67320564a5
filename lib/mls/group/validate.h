/*
 * Whether a leaf, an extension list or a whole tree fits a group (RFC 9420, sections 7.3, 12.4.3.1).
 * SPDX-License-Identifier: ISC
 */
#ifndef MLS_GROUP_VALIDATE_H
#define MLS_GROUP_VALIDATE_H

#include "mls/group/client.h"
#include "mls/tree/tree.h"

/**
 * Section 7.3, for a leaf that stands in `tree` now: its own form; what the GroupContext's
 * extensions and required_capabilities ask of it; its credential and the others' go together.
 * Signature and lifetime are checked where it is known what they are over.  ERR_INVALID_TREE.
 */
CHECKED enum err validate_leaf(const struct tree *tree, struct view extensions,
                               const struct leaf *leaf, uint32_t index, struct why *why);

/** Section 12.1.7: every member of the tree supports the GroupContext's extensions, and what
 *  required_capabilities lists.  ERR_INVALID_PROPOSAL; ERR_UNSUPPORTED: an external sender with an
 *  X.509 credential, without OpenSSL. */
CHECKED enum err validate_extensions(const struct tree *tree, struct view extensions,
                                     struct why *why);

/** Sections 11.2 and 12.1.8.1: members could join a group with the extensions that a ReInit announces,
 *  as far as that can be told.  @param cipher_suite  may be one that is not built in
 *  @return as validate_extensions() */
CHECKED enum err validate_announced(uint16_t cipher_suite, struct view extensions, struct why *why);

/** Section 12.4.3.1: the whole tree of a group that the client joins, signatures included.  Members
 *  outlive the lifetime of the leaf they came with, so that it is over does not matter. */
CHECKED enum err validate_tree(const struct client *client, const struct tree *tree,
                               struct view group_id, struct view extensions, struct why *why);

#endif
