/* SPDX-License-Identifier: ISC */
#include "issuer.h"

#include <check.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static EVP_PKEY *new_key(const char *kind) {
  EVP_PKEY *key = strncmp(kind, "ED", 2) == 0 ? EVP_PKEY_Q_keygen(NULL, NULL, kind)
                  : strncmp(kind, "P-", 2) == 0
                      ? EVP_PKEY_Q_keygen(NULL, NULL, "EC", kind)
                      : EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)atoi(kind + 4));
  ck_assert_ptr_nonnull(key);
  return key;
}

static void set_name(X509_NAME *name, const char *text) {
  if (text[0] == 0)
    return;
  ck_assert_int_eq(
      X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)text, -1, -1, 0),
      1);
}

static void add_extension(X509 *certificate, X509 *by, int nid, const char *value) {
  X509V3_CTX context;
  if (value == NULL)
    return;
  X509V3_set_ctx(&context, by, certificate, NULL, NULL, 0);
  X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
  ck_assert_ptr_nonnull(extension);
  ck_assert_int_eq(X509_add_ext(certificate, extension, -1), 1);
  X509_EXTENSION_free(extension);
}

/* A critical extension of a type that nobody has defined. */
static void add_special(X509 *certificate, const char *value) {
  if (value == NULL)
    return;
  ASN1_OBJECT *type = OBJ_txt2obj("1.3.6.1.4.1.55555.1", 1);
  ASN1_OCTET_STRING *data = ASN1_OCTET_STRING_new();
  ck_assert_int_eq(ASN1_OCTET_STRING_set(data, (const unsigned char *)value, -1), 1);
  X509_EXTENSION *extension = X509_EXTENSION_create_by_OBJ(NULL, type, 1, data);
  ck_assert_int_eq(X509_add_ext(certificate, extension, -1), 1);
  X509_EXTENSION_free(extension);
  ASN1_OCTET_STRING_free(data);
  ASN1_OBJECT_free(type);
}

static struct bytes taken(unsigned char *der, int size) {
  struct bytes bytes = {0};
  ck_assert_int_gt(size, 0);
  ck_assert_int_eq(bytes_copy(&bytes, view_of(der, (size_t)size)), OK);
  OPENSSL_free(der);
  return bytes;
}

struct holder issue(const struct wish *wish, const struct holder *by) {
  static long serial;
  struct holder holder = {.key = new_key(wish->kind), .certificate = X509_new()};
  X509 *certificate = holder.certificate;
  X509_set_version(certificate, wish->version == 1 ? X509_VERSION_1 : X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
  X509_NAME *subject = X509_get_subject_name(certificate);
  set_name(subject, wish->name);
  X509_set_issuer_name(certificate, by == NULL ? subject : X509_get_subject_name(by->certificate));
  ASN1_TIME_set(X509_getm_notBefore(certificate), wish->to == 0 ? VALID_FROM : wish->from);
  ASN1_TIME_set(X509_getm_notAfter(certificate), wish->to == 0 ? VALID_TO : wish->to);
  X509_set_pubkey(certificate, holder.key);
  if (wish->version != 1) {
    X509 *signer = by == NULL ? certificate : by->certificate;
    add_extension(certificate, signer, NID_basic_constraints, wish->ca);
    add_extension(certificate, signer, NID_key_usage, wish->usage);
    add_extension(certificate, signer, NID_subject_alt_name, wish->alt);
    add_extension(certificate, signer, NID_subject_key_identifier, "hash");
    if (by != NULL && by->has_key_id)
      add_extension(certificate, signer, NID_authority_key_identifier, "keyid:always");
    add_special(certificate, wish->special);
    holder.has_key_id = true;
  }
  EVP_PKEY *signer = by == NULL ? holder.key : by->key;
  bool eddsa = EVP_PKEY_is_a(signer, "ED25519") == 1 || EVP_PKEY_is_a(signer, "ED448") == 1;
  const EVP_MD *digest = EVP_get_digestbyname(wish->digest == NULL ? "SHA256" : wish->digest);
  ck_assert_int_gt(X509_sign(certificate, signer, eddsa ? NULL : digest), 0);
  unsigned char *der = NULL;
  int size = i2d_X509(certificate, &der);
  holder.der = taken(der, size);
  return holder;
}

void holder_free(struct holder *holder) {
  EVP_PKEY_free(holder->key);
  X509_free(holder->certificate);
  bytes_free(&holder->der);
  *holder = (struct holder){0};
}

struct bytes holder_raw_key(const struct holder *holder) {
  struct bytes bytes = {0};
  uint8_t raw[66];
  size_t size = sizeof raw;
  if (EVP_PKEY_is_a(holder->key, "EC") == 1) {
    BIGNUM *number = NULL;
    size = ((size_t)EVP_PKEY_get_bits(holder->key) + 7) / 8;
    ck_assert_int_eq(EVP_PKEY_get_bn_param(holder->key, OSSL_PKEY_PARAM_PRIV_KEY, &number), 1);
    ck_assert_int_eq(BN_bn2binpad(number, raw, (int)size), (int)size);
    BN_clear_free(number);
  } else {
    ck_assert_int_eq(EVP_PKEY_get_raw_private_key(holder->key, raw, &size), 1);
  }
  ck_assert_int_eq(bytes_copy(&bytes, view_of(raw, size)), OK);
  return bytes;
}

struct bytes holder_pkcs8(const struct holder *holder) {
  PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(holder->key);
  unsigned char *der = NULL;
  int size = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
  PKCS8_PRIV_KEY_INFO_free(info);
  return taken(der, size);
}

struct bytes chain_of(const struct holder *first, ...) {
  struct writer writer = {0};
  struct bytes bytes = {0};
  va_list rest;
  va_start(rest, first);
  for (const struct holder *one = first; one != NULL; one = va_arg(rest, const struct holder *))
    write_bytes(&writer, bytes_view(&one->der));
  va_end(rest);
  ck_assert_int_eq(writer_take(&writer, &bytes), OK);
  return bytes;
}
