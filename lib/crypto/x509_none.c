/* Without OpenSSL no certificate is read.  SPDX-License-Identifier: ISC */
#include "crypto/x509.h"

bool x509_available(void) {
  return false;
}

enum err x509_check_key(const struct suite *suite, struct view certificate,
                        struct view public_key) {
  (void)suite, (void)certificate, (void)public_key;
  return ERR_UNSUPPORTED;
}

enum err x509_identifiers(struct view certificate, struct bytes *out) {
  (void)certificate, (void)out;
  return ERR_UNSUPPORTED;
}

enum err x509_verify(struct view chain, struct view roots, uint64_t now) {
  (void)chain, (void)roots, (void)now;
  return ERR_UNSUPPORTED;
}
