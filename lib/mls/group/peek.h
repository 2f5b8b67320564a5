/*
 * What can be read of a message without keys: by a delivery service, or to find out whom it concerns.
 * Nothing is verified; any bytes will do.
 * SPDX-License-Identifier: ISC
 */
#ifndef MLS_GROUP_PEEK_H
#define MLS_GROUP_PEEK_H

#include "mls/wire/message.h"

/** Fields that the kind of message does not have are 0, or empty. */
struct peeked {
  enum wire_format kind;
  struct view group_id;   /* PublicMessage, PrivateMessage, GroupInfo */
  uint64_t epoch;         /* likewise */
  uint8_t content_type;   /* PublicMessage, PrivateMessage */
  struct sender sender;   /* PublicMessage */
  uint16_t proposal_type; /* PublicMessage with a proposal */
  uint16_t cipher_suite;  /* Welcome, GroupInfo, KeyPackage */
  uint32_t count;         /* Welcome: clients it is for; GroupInfo: members in the tree in it */
  struct view secrets;    /* Welcome: items of EncryptedGroupSecrets */
  struct bytes identity;  /* KeyPackage: body of its credential */
  uint64_t not_before, not_after;
};

void peeked_free(struct peeked *peeked);

/** @return OK; ERR_MALFORMED; ERR_UNSUPPORTED (another version or wire format); ERR_LIMIT (a tree of more
 *          than TREE_MEMBERS_MAX leaves)  @param out  to be freed */
CHECKED enum err peek_message(struct view message, struct peeked *out);

/** The KeyPackageRefs of all that a Welcome is for, one after another.  @param out  to be freed */
CHECKED enum err peek_welcome_refs(const struct peeked *welcome, struct bytes *out);

#endif
