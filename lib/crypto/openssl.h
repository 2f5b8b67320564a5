/*
 * What openssl.c and openssl_ec.c share: from OpenSSL's results to ours.
 * SPDX-License-Identifier: ISC
 */
#ifndef CRYPTO_OPENSSL_H
#define CRYPTO_OPENSSL_H

#include <openssl/err.h>

#include "base/err.h"

#define OPENSSL_NAME "OpenSSL"

/* OpenSSL keeps a queue of errors for each thread: what failed here is told by the result alone. */
CHECKED static inline enum err failed(enum err err) {
  ERR_clear_error();
  return err;
}

CHECKED static inline enum err require_memory(const void *object) {
  return object != NULL ? OK : ERR_NOMEM;
}

CHECKED static inline enum err require_done(bool done, enum err otherwise) {
  return done ? OK : otherwise;
}

#endif
