/* SPDX-License-Identifier: ISC */
#include "crypto/keyinfo.h"

#include "crypto/der.h"

/* Contents of the AlgorithmIdentifier of a scheme's keys: for NIST curves id-ecPublicKey with the curve
 * as its parameter, else the scheme alone. */
static struct view algorithm_of(enum signature_id id) {
#define EC_PUBLIC_KEY "\x06\x07\x2a\x86\x48\xce\x3d\x02\x01"
  switch (id) {
  case SIGNATURE_ED25519:
    return VIEW_TEXT("\x06\x03\x2b\x65\x70");
  case SIGNATURE_ED448:
    return VIEW_TEXT("\x06\x03\x2b\x65\x71");
  case SIGNATURE_P256:
    return VIEW_TEXT(EC_PUBLIC_KEY "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07");
  case SIGNATURE_P384:
    return VIEW_TEXT(EC_PUBLIC_KEY "\x06\x05\x2b\x81\x04\x00\x22");
  case SIGNATURE_P521:
    return VIEW_TEXT(EC_PUBLIC_KEY "\x06\x05\x2b\x81\x04\x00\x23");
  case SIGNATURE_COUNT:
    break;
  }
  return VIEW_NONE;
}

static bool is_curve(const struct suite *suite) {
  return suite->signature_id != SIGNATURE_ED25519 && suite->signature_id != SIGNATURE_ED448;
}

/* A structure that is the whole input: the values in it. */
static enum err open_sequence(struct view der, struct reader *out) {
  enum err err = OK;
  struct view values;
  struct reader reader = reader_of(der);
  TRY(der_read_value(&reader, DER_SEQUENCE, &values));
  TRY(read_end(&reader));
  *out = reader_of(values);
done:
  return err;
}

enum err keyinfo_read_public(const struct suite *suite, struct view der, struct view *out) {
  enum err err = OK;
  struct reader reader;
  struct view algorithm, key;
  TRY(open_sequence(der, &reader));
  TRY(der_read_value(&reader, DER_SEQUENCE, &algorithm));
  TRY(der_read_value(&reader, DER_BIT_STRING, &key));
  TRY(read_end(&reader));
  /* The first byte says how many bits at the end do not count. */
  TRY(key.size > 0 && key.data[0] == 0 ? OK : ERR_MALFORMED);
  key = view_of(key.data + 1, key.size - 1);
  TRY(view_equal(algorithm, algorithm_of(suite->signature_id)) ? OK : ERR_INVALID_ARG);
  TRY(key.size == suite->signature->public_size ? OK : ERR_INVALID_ARG);
  *out = key;
done:
  return err;
}

static enum err read_version(struct reader *reader, uint8_t smallest, uint8_t largest) {
  struct view version;
  enum err err = der_read_value(reader, DER_INTEGER, &version);
  if (err != OK)
    return err;
  return version.size == 1 && version.data[0] >= smallest && version.data[0] <= largest
             ? OK
             : ERR_MALFORMED;
}

/* What may follow a private key: attributes or curve [0], then the public key [1]. */
static enum err skip_options(struct reader *reader, uint8_t first, uint8_t second) {
  enum err err = OK;
  struct view option;
  if (reader->left > 0 && *reader->at == first)
    TRY(der_read_value(reader, first, &option));
  if (reader->left > 0)
    TRY(der_read_value(reader, second, &option));
  TRY(read_end(reader));
done:
  return err;
}

/* RFC 5915: ECPrivateKey. */
static enum err read_curve_key(struct view der, struct view *out) {
  enum err err = OK;
  struct reader reader;
  TRY(open_sequence(der, &reader));
  TRY(read_version(&reader, 1, 1));
  TRY(der_read_value(&reader, DER_OCTET_STRING, out));
  TRY(skip_options(&reader, DER_CONTEXT_0, DER_CONTEXT_1));
done:
  return err;
}

/* RFC 8410, section 7: CurvePrivateKey. */
static enum err read_edwards_key(struct view der, struct view *out) {
  enum err err = OK;
  struct reader reader = reader_of(der);
  TRY(der_read_value(&reader, DER_OCTET_STRING, out));
  TRY(read_end(&reader));
done:
  return err;
}

enum err keyinfo_read_private(const struct suite *suite, struct view der, struct secret *out) {
  enum err err = OK;
  struct reader reader;
  struct view algorithm, wrapped, key;
  TRY(open_sequence(der, &reader));
  TRY(read_version(&reader, 0, 1));
  TRY(der_read_value(&reader, DER_SEQUENCE, &algorithm));
  TRY(der_read_value(&reader, DER_OCTET_STRING, &wrapped));
  TRY(skip_options(&reader, DER_CONTEXT_0, DER_BITS_CONTEXT_1));
  TRY(view_equal(algorithm, algorithm_of(suite->signature_id)) ? OK : ERR_INVALID_ARG);
  TRY(is_curve(suite) ? read_curve_key(wrapped, &key) : read_edwards_key(wrapped, &key));
  TRY(key.size == suite->signature->private_size ? OK : ERR_INVALID_ARG);
  TRY(secret_set(out, key));
done:
  return err;
}
