/*
 * X.509 certificates (RFC 5280), as far as MLS needs them (RFC 9420, section 5.3).  They are read by
 * OpenSSL: without it every function returns ERR_UNSUPPORTED.
 * SPDX-License-Identifier: ISC
 */
#ifndef CRYPTO_X509_H
#define CRYPTO_X509_H

#include "crypto/suite.h"

/** Whether certificates can be read here. */
bool x509_available(void);

/**
 * OK if a certificate's key is the given signature key, in the suite's form.
 * @return also ERR_MALFORMED (not one certificate in DER), ERR_SIGNATURE (another key)
 */
CHECKED enum err x509_check_key(const struct suite *suite, struct view certificate,
                                struct view public_key);

/**
 * Whom a certificate names, as bytes to compare: its subject and subjectAltName; empty if it names
 * nobody.
 * @param out  to be freed
 * @return also ERR_MALFORMED (not one certificate in DER)
 */
CHECKED enum err x509_identifiers(struct view certificate, struct bytes *out);

/**
 * Verify a chain up to one of the roots, which are all that is trusted: signatures and their strength,
 * validity, basicConstraints, pathLen, name constraints, keyUsage.
 * @param chain  certificates in DER, one after another, the first of them the one in question, the
 *               others in any order
 * @param roots  likewise; each need not be signed by itself
 * @param now    Unix seconds
 * @return OK; ERR_SIGNATURE (no chain to a root, or one that may not be used); ERR_LIFETIME;
 *         ERR_MALFORMED; ERR_LIMIT (more than X509_CHAIN_MAX certificates)
 */
CHECKED enum err x509_verify(struct view chain, struct view roots, uint64_t now);

/** No honest chain is longer, and each link costs a signature. */
#define X509_CHAIN_MAX 10

#endif
