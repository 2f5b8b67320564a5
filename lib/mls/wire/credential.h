/*
 * Credentials between the wire and the application, and the key that an X.509 one vouches for
 * (RFC 9420, section 5.3).
 * SPDX-License-Identifier: ISC
 */
#ifndef MLS_WIRE_CREDENTIAL_H
#define MLS_WIRE_CREDENTIAL_H

#include "crypto/suite.h"
#include "mls/wire/codec.h"

/* What applications hold as the body of a credential is, for X.509, certificates in DER, one after
 * another; for any other type the contents of its vector. */

/** The body for the application.  ERR_MALFORMED: not certificates.  @param out  to be freed */
CHECKED enum err credential_body(struct credential credential, struct bytes *out);

/**
 * A credential on the wire, from the application's body and the signature key that it will stand
 * beside.
 * @return also ERR_MALFORMED (not certificates); ERR_INVALID_ARG (not the first certificate's key);
 *         ERR_UNSUPPORTED
 */
CHECKED enum err credential_new(const struct suite *suite, uint16_t type, struct view body,
                                struct view signature_key, struct bytes *out);

/**
 * Whether a signature key may stand beside a credential: for X.509 it is that of the first certificate;
 * other types say nothing about keys.
 * @return OK; ERR_MALFORMED (empty chain, no certificates); ERR_SIGNATURE (another key);
 *         ERR_UNSUPPORTED (certificates cannot be read here)
 */
CHECKED enum err credential_check_key(const struct suite *suite, struct credential credential,
                                      struct view signature_key);

/**
 * Whom a credential names, as bytes to compare: for X.509 the type with the subject and subjectAltName
 * of the first certificate, for other types, and certificates that name nobody, the whole credential.
 * Who joins again, or goes on in another group, may have a new certificate.
 * @param out  to be freed
 */
CHECKED enum err credential_identifiers(struct credential credential, struct bytes *out);

/** Whether two credentials name the same.  Whether they are to be believed is not looked at. */
CHECKED enum err credential_same(struct credential a, struct credential b, bool *same);

#endif
