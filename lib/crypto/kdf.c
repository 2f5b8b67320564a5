/* SPDX-License-Identifier: ISC */
#include "crypto/kdf.h"

#include "crypto/hkdf.h"

#define LABEL_PREFIX VIEW_TEXT("MLS 1.0 ")

/* Number and length headers on the stack, as key derivation must not cost an allocation. */
#define HEADER_MAX 8 /* a uint16 and a length header */

static struct writer header_writer(uint8_t *bytes) {
  return (struct writer){.data = bytes, .capacity = HEADER_MAX};
}

enum err kdf_expand_with_label(const struct suite *suite, struct view secret, struct view label,
                               struct view context, uint8_t *out, size_t size) {
  uint8_t first[HEADER_MAX], second[HEADER_MAX];
  struct writer before_label = header_writer(first), before_context = header_writer(second);
  write_u16(&before_label, (uint16_t)size); /* hkdf_expand() refuses sizes far below 2^16 */
  write_length(&before_label, LABEL_PREFIX.size + label.size);
  write_length(&before_context, context.size);
  if (before_label.err != OK || before_context.err != OK)
    return ERR_LIMIT;
  const struct view info[] = {writer_view(&before_label), LABEL_PREFIX, label,
                              writer_view(&before_context), context};
  return hkdf_expand(suite->hash, secret, info, 5, out, size);
}

enum err kdf_derive_secret(const struct suite *suite, const struct secret *secret,
                           struct view label, struct secret *out) {
  enum err err;
  uint8_t result[HASH_MAX];
  TRY(kdf_expand_with_label(suite, secret_view(secret), label, VIEW_NONE, result,
                            suite->hash->size));
  TRY(secret_set(out, view_of(result, suite->hash->size)));
done:
  wipe(result, sizeof result);
  return err;
}

enum err kdf_derive_tree_secret(const struct suite *suite, const struct secret *secret,
                                struct view label, uint32_t generation, uint8_t *out, size_t size) {
  uint8_t bytes[HEADER_MAX];
  struct writer context = header_writer(bytes);
  write_u32(&context, generation);
  return kdf_expand_with_label(suite, secret_view(secret), label, writer_view(&context), out, size);
}

enum err kdf_ref_hash(const struct suite *suite, struct view label, struct view value,
                      uint8_t *out) {
  uint8_t first[HEADER_MAX], second[HEADER_MAX];
  struct writer before_label = header_writer(first), before_value = header_writer(second);
  write_length(&before_label, label.size);
  write_length(&before_value, value.size);
  if (before_label.err != OK || before_value.err != OK)
    return ERR_LIMIT;
  const struct view parts[] = {writer_view(&before_label), label, writer_view(&before_value),
                               value};
  return suite->hash->digest(parts, 4, out);
}

enum err kdf_mac(const struct suite *suite, const struct secret *key, struct view message,
                 uint8_t *out) {
  return suite->hash->hmac(secret_view(key), &message, 1, out);
}

enum err kdf_hash(const struct suite *suite, struct view message, uint8_t *out) {
  return suite->hash->digest(&message, 1, out);
}
