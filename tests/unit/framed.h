/*
 * Two members with the same secrets, and what one of them says, for tests of message protection.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_FRAMED_H
#define TESTS_FRAMED_H

#include <check.h>

#include "mls/group/framing.h"

#define WIDTH 4
#define SPEAKER 1
#define SKIP 8

/** The suite of the day. */
extern const struct suite *framed_suite;

extern struct secret membership, sender_data;
extern struct bytes signature_public; /* of the speaker */
extern struct framing_keys alice, bob;

/** A fixture of every test. */
void members_begin(void);
void members_end(void);

/** Each member has one of her own. */
struct secret_tree *framed_tree(void);

/** A Commit without proposals or path. */
#define EMPTY_COMMIT VIEW_TEXT("\0\0")

struct framed_content content_of(uint8_t content_type, struct view body);
struct view confirmation_tag(void);

/** @param signature  out, to be freed */
struct authenticated_content signed_as(uint16_t wire_format, struct framed_content content,
                                       struct bytes *signature);

#endif
