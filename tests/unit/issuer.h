/*
 * An issuer of certificates, as OpenSSL makes them, good ones and bad ones.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_ISSUER_H
#define TESTS_ISSUER_H

#include <openssl/x509.h>

#include "base/buf.h"

/** When certificates are valid, unless a wish says otherwise: some days of 2020. */
#define VALID_FROM 1577836800
#define VALID_TO (VALID_FROM + 10 * 86400)
#define VALID_AT (VALID_FROM + 86400)

/** What a certificate is to say; NULL, or no name, leaves a thing out. */
struct wish {
  const char *name;
  const char *kind;    /* of its key: "ED25519", "P-256", …, "RSA-1024" */
  const char *ca;      /* basicConstraints, such as "critical,CA:TRUE,pathlen:0" */
  const char *usage;   /* keyUsage, such as "keyCertSign" */
  const char *alt;     /* subjectAltName, such as "DNS:example.org" */
  const char *special; /* a critical extension that nobody knows */
  const char *digest;  /* "SHA256" unless it says otherwise; EdDSA takes none */
  long from, to;       /* Unix seconds; 0 and 0: VALID_FROM and VALID_TO */
  int version;         /* 1, or else 3 */
};

#define ROOT .ca = "critical,CA:TRUE", .usage = "critical,keyCertSign"
#define LEAF .usage = "critical,digitalSignature"

struct holder {
  EVP_PKEY *key;
  X509 *certificate;
  struct bytes der; /* of the certificate */
  bool has_key_id;
};

/** A key and its certificate.  @param by  NULL: signed by itself  @return to be freed */
struct holder issue(const struct wish *wish, const struct holder *by);
void holder_free(struct holder *holder);

/** The private key as the library takes it: raw, or in PKCS #8.  @return to be freed */
struct bytes holder_raw_key(const struct holder *holder);
struct bytes holder_pkcs8(const struct holder *holder);

/** Certificates one after another; ends with NULL.  @return to be freed */
struct bytes chain_of(const struct holder *first, ...);

#endif
