/* SPDX-License-Identifier: ISC */
#include "crypto/labeled.h"

#include "crypto/hkdf.h"

enum err labeled_extract(const struct hash *hash, struct suite_id id, struct view salt,
                         struct view label, struct view first, struct view second,
                         struct secret *out) {
  enum err err;
  uint8_t result[HASH_MAX];
  const struct view parts[] = {VIEW_TEXT("HPKE-v1"), view_of(id.bytes, id.size), label, first,
                               second};
  TRY(hash->hmac(salt, parts, 5, result));
  TRY(secret_set(out, view_of(result, hash->size)));
done:
  wipe(result, sizeof result);
  return err;
}

enum err labeled_expand(const struct hash *hash, struct suite_id id, const struct secret *key,
                        struct view label, struct view first, struct view second, uint8_t *out,
                        size_t size) {
  const uint8_t length[] = {(uint8_t)(size >> 8), (uint8_t)size};
  const struct view info[] = {
      VIEW_ARRAY(length), VIEW_TEXT("HPKE-v1"), view_of(id.bytes, id.size), label, first, second};
  return hkdf_expand(hash, secret_view(key), info, 6, out, size);
}
