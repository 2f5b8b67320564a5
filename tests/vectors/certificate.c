/* SPDX-License-Identifier: ISC */
#include "certificate.h"

#include "config.h"
#include "generate.h"

#if HAVE_OPENSSL
#include <openssl/x509v3.h>

static void must_work(bool holds, const char *what) {
  must(holds ? OK : ERR_INTERNAL, what);
}

static EVP_PKEY *new_key(const struct suite *suite) {
  EVP_PKEY *key = NULL;
  switch (suite->id) {
  case 2:
    key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    break;
  case 4:
  case 6:
    key = EVP_PKEY_Q_keygen(NULL, NULL, "ED448");
    break;
  case 5:
    key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-521");
    break;
  case 7:
    key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-384");
    break;
  default:
    key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
  }
  must_work(key != NULL, "key");
  return key;
}

static void extend(X509 *certificate, int type, const char *value) {
  X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, type, value);
  must_work(extension != NULL && X509_add_ext(certificate, extension, -1) == 1, value);
  X509_EXTENSION_free(extension);
}

/* @param issuer  NULL: it issues itself, and others */
static X509 *new_certificate(const char *name, EVP_PKEY *key, const X509 *issuer,
                             EVP_PKEY *issuer_key) {
  X509 *certificate = X509_new();
  must_work(certificate != NULL, "certificate");
  X509_NAME *subject = X509_get_subject_name(certificate);
  /* EdDSA hashes by itself. */
  bool hashes = EVP_PKEY_is_a(issuer_key, "EC");
  must_work(
      X509_set_version(certificate, X509_VERSION_3) == 1 &&
          ASN1_INTEGER_set_int64(X509_get_serialNumber(certificate), issuer == NULL ? 1 : 2) &&
          X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1,
                                     -1, 0) == 1 &&
          X509_set_issuer_name(certificate,
                               issuer == NULL ? subject : X509_get_subject_name(issuer)) == 1 &&
          ASN1_TIME_set_string(X509_getm_notBefore(certificate), "20200101000000Z") == 1 &&
          ASN1_TIME_set_string(X509_getm_notAfter(certificate), "20991231235959Z") == 1 &&
          X509_set_pubkey(certificate, key) == 1,
      name);
  extend(certificate, NID_basic_constraints, issuer == NULL ? "critical,CA:TRUE" : "CA:FALSE");
  extend(certificate, NID_key_usage,
         issuer == NULL ? "critical,keyCertSign" : "critical,digitalSignature");
  must_work(X509_sign(certificate, issuer_key, hashes ? EVP_sha256() : NULL) > 0, "signature");
  return certificate;
}

static void write_certificate(struct writer *writer, X509 *certificate) {
  unsigned char *der = NULL;
  int size = i2d_X509(certificate, &der);
  must_work(size > 0, "DER");
  write_bytes(writer, view_of(der, (size_t)size));
  OPENSSL_free(der);
}

struct client *certificate_client(const struct suite *suite, const char *name) {
  struct client *client = NULL;
  struct writer chain = {0};
  unsigned char *private_key = NULL;
  EVP_PKEY *root_key = new_key(suite), *key = new_key(suite);
  X509 *root = new_certificate("an authority", root_key, NULL, root_key);
  X509 *certificate = new_certificate(name, key, root, root_key);
  PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
  int size = i2d_PKCS8_PRIV_KEY_INFO(info, &private_key);
  must_work(size > 0, "PKCS #8");
  write_certificate(&chain, certificate);
  write_certificate(&chain, root);
  must(chain.err, "chain");
  must(client_new_credential(suite, CREDENTIAL_X509, writer_view(&chain),
                             view_of(private_key, (size_t)size), &client),
       "client with a certificate");
  OPENSSL_clear_free(private_key, (size_t)size);
  PKCS8_PRIV_KEY_INFO_free(info);
  X509_free(certificate);
  X509_free(root);
  EVP_PKEY_free(key);
  EVP_PKEY_free(root_key);
  writer_free(&chain);
  return client;
}
#else
struct client *certificate_client(const struct suite *suite, const char *name) {
  (void)suite;
  (void)name;
  must(ERR_UNSUPPORTED, "a certificate, without OpenSSL");
  return NULL;
}
#endif
