/*
 * Who is in an epoch, and the codes by which people make sure of it.
 *
 * A roster outlives the epoch's secrets: media keeps one as long as frames of the epoch may come.
 * It shares the epoch's tree, so it costs no more than what changed since.
 *
 * A safety code is 60 decimal digits, twelve groups of five with a space in between, for people to
 * read out to each other.  It is SHA-512, whatever the suite, of a label and what is compared; each
 * group is five bytes of the hash modulo 100,000.  60 digits carry 199 bits, and that many are
 * needed: whoever sits between two people chooses what each of them sees, and so looks for any two
 * inputs with one code, which takes 2^(bits / 2) tries: here about 2^99.
 * SPDX-License-Identifier: ISC
 */
#ifndef MLS_GROUP_MEMBERS_H
#define MLS_GROUP_MEMBERS_H

#include "mls/tree/tree.h"

/** Characters of a safety code. */
#define SAFETY_CODE_SIZE 71

/**
 * The code of two members: the same for (a, b) and (b, a), and in every group where the two have
 * these credentials and signature keys.  @param out  to be freed
 */
CHECKED enum err member_safety_code(const struct leaf *a, const struct leaf *b, struct bytes *out);

/** The code of an epoch, from its epoch_authenticator (RFC 9420, section 8.7): the same for all
 *  members.  @param out  to be freed */
CHECKED enum err epoch_safety_code(struct view epoch_authenticator, struct bytes *out);

/**
 * What E2EE_MEMBER_* says of a member.
 * @param own  the own leaf, for the safety code; may be NULL
 * @param out  to be freed
 * @return OK; ERR_INVALID_ARG: `what` is unknown, or a safety code of the own leaf with itself;
 *         ERR_INVALID_STATE: a safety code without an own leaf
 */
CHECKED enum err member_read(const struct leaf *own, const struct leaf *member, uint32_t what,
                             struct bytes *out);

/** The members of one epoch: immutable, shared by threads. */
struct roster;

/** @param tree  sealed; shared, not taken  @return OK, or ERR_NOT_FOUND: the own leaf is blank */
CHECKED enum err roster_new(const struct tree *tree, uint32_t own_leaf, struct roster **out);

struct roster *roster_share(const struct roster *roster);
void roster_drop(struct roster *roster); /* accepts NULL */

/** Whether a leaf has a member. */
bool roster_has(const struct roster *roster, uint32_t leaf);

/** Leaves, blank ones included. */
uint32_t roster_width(const struct roster *roster);

/** As member_read(); also ERR_NOT_FOUND: the leaf is blank or beyond the tree. */
CHECKED enum err roster_read(const struct roster *roster, uint32_t leaf, uint32_t what,
                             struct bytes *out);

#endif
