/*
 * Signature keys as DER carries them: SubjectPublicKeyInfo of certificates (RFC 5280, section 4.1) and
 * PKCS #8 (RFC 5958); Ed25519 and Ed448 as in RFC 8410, NIST curves as in RFC 5480 and RFC 5915.
 * SPDX-License-Identifier: ISC
 */
#ifndef CRYPTO_KEYINFO_H
#define CRYPTO_KEYINFO_H

#include "crypto/suite.h"

/* ERR_MALFORMED: not that structure; ERR_INVALID_ARG: a key of another kind than the suite's. */

/** The public key, in the suite's form: a view into the SubjectPublicKeyInfo.  Whether it is a point of
 *  the curve is not looked at; a compressed point is none of the suite's form. */
CHECKED enum err keyinfo_read_public(const struct suite *suite, struct view der, struct view *out);

/** The private key out of PKCS #8, in the suite's form.  Whether it is in range is for the scheme's
 *  derive_public() to say; a public key that is there too is not looked at. */
CHECKED enum err keyinfo_read_private(const struct suite *suite, struct view der,
                                      struct secret *out);

#endif
