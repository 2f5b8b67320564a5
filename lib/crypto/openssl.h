/*
 * What openssl.c and openssl_ec.c share: from OpenSSL's results to ours.
 * SPDX-License-Identifier: ISC
 */
#ifndef CRYPTO_OPENSSL_H
#define CRYPTO_OPENSSL_H

#include <openssl/crypto.h>
#include <openssl/err.h>

#include "base/err.h"

#define OPENSSL_NAME "OpenSSL"

/**
 * A context of our own: what the program sets up for itself (providers, default properties) does
 * not change what this library gets, and OpenSSL reports it if there is no memory for it.
 */
extern OSSL_LIB_CTX *openssl_library;

/** Look up the curves.  @return OK or ERR_NOMEM */
CHECKED enum err openssl_ec_start(void);

/* OpenSSL keeps a queue of errors for each thread.  What failed here is told by the result alone, so
 * the queue is emptied; but where memory was short, that and not `err` is why.  A few functions do
 * not even say that: what should never fail, and does so without a word, had no memory. */
CHECKED static inline enum err failed(enum err err) {
  if (err == ERR_INTERNAL && ERR_peek_error() == 0)
    return ERR_NOMEM;
  for (unsigned long code = ERR_get_error(); code != 0; code = ERR_get_error())
    if (ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE)
      err = ERR_NOMEM;
  ERR_clear_error(); /* frees the texts of those that were read */
  return err;
}

CHECKED static inline enum err require_memory(const void *object) {
  return object != NULL ? OK : ERR_NOMEM;
}

CHECKED static inline enum err require_done(bool done, enum err otherwise) {
  return done ? OK : otherwise;
}

#endif
