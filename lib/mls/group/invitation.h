/*
 * The Welcome that a commit sends to those it adds (RFC 9420, section 12.4.3.1).
 * SPDX-License-Identifier: ISC
 */
#ifndef MLS_GROUP_INVITATION_H
#define MLS_GROUP_INVITATION_H

#include "mls/group/epoch.h"
#include "mls/group/proposals.h"

/** How all HPKE ciphertexts of a Welcome are labelled. */
#define LABEL_WELCOME VIEW_TEXT("Welcome")

/** What a Welcome is written from. */
struct invitation {
  const struct client *client;
  const struct proposal_list *list;
  const struct effects *effects; /* who is added */
  const struct new_path *path;
  const struct epoch *next;
  const struct secret *joiner_secret;
  const struct secret *psk_secret;
};

/** The Welcome for all members that a commit adds, as an MLSMessage. */
CHECKED enum err invitation_write(const struct invitation *invitation, struct bytes *out);

/** Seal or open the GroupInfo of a Welcome: its key is used once.  @param out  may be where `in` is */
CHECKED enum err invitation_crypt(const struct suite *suite, const struct secret *joiner_secret,
                                  const struct secret *psk_secret, bool encrypt, struct view in,
                                  uint8_t *out);

#endif
