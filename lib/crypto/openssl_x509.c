/*
 * X.509 by OpenSSL 3.
 * SPDX-License-Identifier: ISC
 */
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "crypto/der.h"
#include "crypto/keyinfo.h"
#include "crypto/openssl.h"
#include "crypto/x509.h"

/* The end of the year 9999: no certificate is valid for longer, and OpenSSL knows no later time. */
#define TIME_MAX INT64_C(253402300799)

/* Far more than any has. */
#define CERTIFICATE_MAX 65535

/* SHA-1, RSA below 2048 bits and curves below 224 have less than 112 bits of security. */
#define SECURITY_LEVEL 2

bool x509_available(void) {
  return true;
}

/* ---- Certificates ---- */

/*
 * OpenSSL also reads other BER than DER.  Of that part of a certificate that is signed it keeps the
 * bytes, but around it everybody could change them; so they have to be those that OpenSSL writes.
 */
static enum err check_encoding(const X509 *certificate, struct view der) {
  unsigned char *written = NULL;
  int size = i2d_X509(certificate, &written);
  if (size < 0)
    return ERR_NOMEM;
  bool same = view_equal(view_of(written, (size_t)size), der);
  OPENSSL_free(written);
  return require_done(same, ERR_MALFORMED);
}

/* Exactly one certificate.  OpenSSL's errors stay in its queue. */
static enum err read_certificate(struct view der, X509 **out) {
  enum err err = OK;
  const unsigned char *at = der.data;
  X509 *certificate = X509_new_ex(openssl_library, NULL);
  TRY(require_memory(certificate));
  TRY(require_done(der.size <= CERTIFICATE_MAX, ERR_MALFORMED));
  TRY(require_done(d2i_X509(&certificate, &at, (long)der.size) != NULL, ERR_MALFORMED));
  TRY(check_encoding(certificate, der));
  *out = certificate;
  certificate = NULL;
done:
  X509_free(certificate);
  return err;
}

enum err x509_check_key(const struct suite *suite, struct view certificate,
                        struct view public_key) {
  enum err err = OK;
  X509 *parsed = NULL;
  unsigned char *info = NULL;
  struct view key;
  TRY(read_certificate(certificate, &parsed));
  int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(parsed), &info);
  TRY(require_done(size > 0, ERR_NOMEM));
  err = keyinfo_read_public(suite, view_of(info, (size_t)size), &key);
  TRY(err == ERR_INVALID_ARG ? ERR_SIGNATURE : err);
  TRY(require_done(view_equal(key, public_key), ERR_SIGNATURE));
done:
  OPENSSL_free(info);
  X509_free(parsed);
  return err == OK ? OK : failed(err);
}

enum err x509_identifiers(struct view certificate, struct bytes *out) {
  enum err err = OK;
  struct writer writer = {0};
  X509 *parsed = NULL;
  unsigned char *subject = NULL;
  TRY(read_certificate(certificate, &parsed));
  const X509_NAME *name = X509_get_subject_name(parsed);
  X509_EXTENSION *more =
      X509_get_ext(parsed, X509_get_ext_by_NID(parsed, NID_subject_alt_name, -1));
  if (X509_NAME_entry_count(name) > 0 || more != NULL) {
    int size = i2d_X509_NAME(name, &subject);
    TRY(require_done(size > 0, ERR_NOMEM));
    write_bytes(&writer, view_of(subject, (size_t)size)); /* DER says where it ends */
  }
  if (more != NULL) {
    const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(more);
    write_bytes(&writer, view_of(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value)));
  }
  TRY(writer_take(&writer, out));
done:
  writer_free(&writer);
  OPENSSL_free(subject);
  X509_free(parsed);
  return err == OK ? OK : failed(err);
}

/* ---- Chains ---- */

static enum err read_certificates(struct view der, int most, STACK_OF(X509) * *out) {
  enum err err = OK;
  struct reader reader = reader_of(der);
  X509 *certificate = NULL;
  STACK_OF(X509) *list = sk_X509_new_null();
  TRY(require_memory(list));
  while (reader.left > 0) {
    struct view one;
    TRY(require_done(sk_X509_num(list) < most, ERR_LIMIT));
    TRY(der_read_sequence(&reader, &one));
    TRY(read_certificate(one, &certificate));
    TRY(require_done(sk_X509_push(list, certificate) > 0, ERR_NOMEM));
    certificate = NULL;
  }
  *out = list;
  list = NULL;
done:
  X509_free(certificate);
  sk_X509_pop_free(list, X509_free);
  return err;
}

static enum err refusal(int reason) {
  switch (reason) {
  case X509_V_ERR_CERT_HAS_EXPIRED:
  case X509_V_ERR_CERT_NOT_YET_VALID:
    return ERR_LIFETIME;
  case X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD:
  case X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD:
    return ERR_MALFORMED;
  case X509_V_ERR_OUT_OF_MEM:
    return ERR_NOMEM;
  default:
    return ERR_SIGNATURE;
  }
}

/* RFC 5280, section 4.2.1.3: the key of the first certificate signs messages, unless a keyUsage says
 * otherwise; section 4.2.1.9: the others are authorities.  OpenSSL would let the last one be an old
 * one that does not say so. */
static enum err check_uses(X509_STORE_CTX *context) {
  STACK_OF(X509) *path = X509_STORE_CTX_get0_chain(context);
  if ((X509_get_key_usage(sk_X509_value(path, 0)) & KU_DIGITAL_SIGNATURE) == 0)
    return ERR_SIGNATURE;
  for (int i = 1; i < sk_X509_num(path); i++)
    if (X509_check_ca(sk_X509_value(path, i)) != 1)
      return ERR_SIGNATURE;
  return OK;
}

enum err x509_verify(struct view chain, struct view roots, uint64_t now) {
  enum err err = OK;
  STACK_OF(X509) *certificates = NULL, *anchors = NULL;
  X509_STORE_CTX *context = X509_STORE_CTX_new_ex(openssl_library, NULL);
  TRY(require_memory(context));
  TRY(require_done(chain.size > 0, ERR_MALFORMED));
  TRY(read_certificates(chain, X509_CHAIN_MAX, &certificates));
  TRY(read_certificates(roots, INT_MAX, &anchors));
  TRY(require_done(now <= TIME_MAX && (uint64_t)(time_t)now == now, ERR_LIFETIME));
  TRY(require_done(
      X509_STORE_CTX_init(context, NULL, sk_X509_value(certificates, 0), certificates) == 1,
      ERR_NOMEM));
  X509_STORE_CTX_set0_trusted_stack(context, anchors);
  X509_VERIFY_PARAM *rules = X509_STORE_CTX_get0_param(context);
  X509_VERIFY_PARAM_set_time(rules, (time_t)now);
  X509_VERIFY_PARAM_set_auth_level(rules, SECURITY_LEVEL);
  /* A root is trusted because it was given, and not because it is signed by itself. */
  TRY(require_done(X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_PARTIAL_CHAIN) == 1, ERR_NOMEM));
  if (X509_verify_cert(context) != 1)
    TRY(refusal(X509_STORE_CTX_get_error(context)));
  TRY(check_uses(context));
done:
  X509_STORE_CTX_free(context);
  sk_X509_pop_free(certificates, X509_free);
  sk_X509_pop_free(anchors, X509_free);
  return err == OK ? OK : failed(err);
}
