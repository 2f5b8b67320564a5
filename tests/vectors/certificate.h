/*
 * X.509 certificates for generated vectors, made by OpenSSL.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_CERTIFICATE_H
#define TESTS_CERTIFICATE_H

#include "mls/group/client.h"

/** A client with a fresh key of the suite, a certificate for it that names the client, and the
 *  certificate of whoever issued it.  Only where x509_available(). */
struct client *certificate_client(const struct suite *suite, const char *name);

#endif
