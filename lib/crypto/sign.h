/*
 * SignWithLabel and VerifyWithLabel (RFC 9420, section 5.1.2).
 * SPDX-License-Identifier: ISC
 */
#ifndef CRYPTO_SIGN_H
#define CRYPTO_SIGN_H

#include "crypto/suite.h"

/** A key pair of the suite's signature scheme.  @param public_key  out, to be freed */
CHECKED enum err sign_generate(const struct suite *suite, struct secret *private_key,
                               struct bytes *public_key);

/** @param label  without the "MLS 1.0 " prefix  @param signature  out, to be freed */
CHECKED enum err sign_with_label(const struct suite *suite, const struct secret *private_key,
                                 struct view label, struct view content, struct bytes *signature);

/** ERR_MALFORMED unless it is a public key that something could have been signed with. */
CHECKED enum err sign_check_public_key(const struct suite *suite, struct view public_key);

/** @return OK or ERR_SIGNATURE (a key of the wrong size included) */
CHECKED enum err verify_with_label(const struct suite *suite, struct view public_key,
                                   struct view label, struct view content, struct view signature);

/* The same of content in parts, which are copied once. */
CHECKED enum err sign_parts_with_label(const struct suite *suite, const struct secret *private_key,
                                       struct view label, const struct view *parts, size_t count,
                                       struct bytes *signature);
CHECKED enum err verify_parts_with_label(const struct suite *suite, struct view public_key,
                                         struct view label, const struct view *parts, size_t count,
                                         struct view signature);

#endif
