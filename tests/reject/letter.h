/*
 * A message as its attacker makes it, step by step, so that a test can bend what one step made
 * before the next one signs, authenticates or encrypts it (RFC 9420, section 6).
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_REJECT_LETTER_H
#define TESTS_REJECT_LETTER_H

#include "world.h"

/** letter_begin(), letter_sign(), then letter_public() or letter_private(), letter_end(). */
struct letter {
  const struct epoch *epoch; /* whose keys protect it */
  uint16_t wire_format;      /* that is signed */
  struct framed_content content;
  struct content_auth auth;
  struct view group_context; /* that is signed and authenticated */
  const struct secret *signature_key;
  struct view label; /* of the signature */
  struct bytes signature;
  /* Of a PrivateMessage: */
  uint32_t leaf;        /* in the sender data */
  uint32_t ratchet;     /* leaf whose key encrypts */
  uint32_t generation;  /* of that key; at first the next one */
  uint8_t type_outside; /* content type of the PrivateMessage, whatever is inside */
  struct view padding;
  bool unkeyed; /* a key of zeros encrypts: that of the generation would take too long */
};

/** Content of a member in its current epoch.  @param body  outlives the letter */
void letter_begin(struct letter *letter, const struct member *by, uint8_t content_type,
                  struct view body);

/** Content of anybody; sender data are not filled in. */
void letter_from(struct letter *letter, const struct epoch *epoch, const struct client *client,
                 struct sender sender, uint8_t content_type, struct view body);

/** Sign the content as it now stands. */
void letter_sign(struct letter *letter);

/** A PublicMessage with the membership tag that belongs to it. */
void letter_public(const struct letter *letter, struct bytes *out);

/** The same with a membership tag of one's own; none if `tag` is NULL. */
void letter_tagged(const struct letter *letter, const struct view *tag, struct bytes *out);

/** membership_tag (section 6.2), hash->size bytes. */
void letter_membership_tag(const struct letter *letter, uint8_t *out);

/** A PrivateMessage; the sender's ratchet stays as it is. */
void letter_private(const struct letter *letter, struct bytes *out);

/** The same around a PrivateMessageContent of one's own. */
void letter_around(const struct letter *letter, struct view plaintext, struct bytes *out);

void letter_end(struct letter *letter);

/** Sign, make a PublicMessage of it, and end. */
void letter_send(struct letter *letter, struct bytes *out);

/** Sign, make a PrivateMessage of it, and end. */
void letter_send_private(struct letter *letter, struct bytes *out);

/* ---- What tests share ---- */

typedef void bend_letter(struct world *world, struct letter *letter);

/** A letter of MALLORY's, bent before it is signed: application data, or a proposal that harms nobody.
 *  @param bend  may be NULL */
void mallory_sends(struct world *world, uint8_t content_type, bool encrypt, bend_letter *bend,
                   struct bytes *out);

#endif
