/*
 * Messages that arrive: verified first, applied when the application says so.
 * SPDX-License-Identifier: ISC
 */
#ifndef MLS_GROUP_PROCESS_H
#define MLS_GROUP_PROCESS_H

#include "mls/group/group.h"

/** A verified message.  Until it is accepted nothing has changed, except that the key of an
 *  application message is used up. */
struct incoming {
  struct group *group; /* outlives this */
  uint32_t kind;       /* E2EE_INCOMING_* */
  uint32_t sender;     /* leaf, or LEAF_NONE */
  struct sender from;  /* as the message says */
  struct leaf
      *sender_leaf; /* whose key has signed, as that epoch has it; NULL: an external sender */
  struct bytes external_sender; /* ExternalSender on the wire, if it was one */
  uint64_t epoch;               /* in which it was sent */
  struct changes changes;
  struct bytes data;               /* application: plaintext */
  struct bytes authenticated_data; /* sent along in the clear */
  struct bytes authenticated;      /* proposal: AuthenticatedContent; own commit: the message */
  struct epoch *next;              /* commit; NULL if it removes this member */
  bool removes_own;
  bool partly;    /* as in struct staged_commit */
  bool other_key; /* an external commit that takes a member's place by another signature key */
  bool encrypted; /* a PrivateMessage: its key is used up by accepting */
  struct private_origin origin;
  bool accepted;
};

/** Decrypt and verify a message.  @param message  MLSMessage  @param out  to be freed */
CHECKED enum err process_message(struct group *group, struct view message, struct incoming **out);

/**
 * What E2EE_MEMBER_* says of who sent it, at the time of its epoch.
 * @param own  the own leaf, for the safety code; may be NULL
 * @param out  to be freed
 * @return as member_read(); ERR_NOT_FOUND: an external sender has no such thing
 */
CHECKED enum err incoming_read_sender(const struct incoming *incoming, const struct leaf *own,
                                      uint32_t what, struct bytes *out);

/** Apply it, all or nothing.  ERR_OLD_EPOCH: the group has moved on meanwhile.
 *  ERR_PENDING_COMMIT: a commit while an own one is pending. */
CHECKED enum err process_accept(struct incoming *incoming);

void incoming_free(struct incoming *incoming); /* wipes; accepts NULL */

#endif
