/* SPDX-License-Identifier: ISC */
#include "crypto/hkdf.h"

#include <string.h>

#define PARTS_MAX 8 /* of the info given to hhkdf_expand() */

enum err hkdf_extract(const struct hash *hash, struct view salt, struct view input,
                      struct secret *out) {
  enum err err;
  uint8_t result[HASH_MAX];
  TRY(hash->hmac(salt, &input, 1, result));
  TRY(secret_set(out, view_of(result, hash->size)));
done:
  wipe(result, sizeof result);
  return err;
}

/* RFC 5869, section 2.3: T(i) = HMAC(key, T(i-1) | info | i). */
enum err hkdf_expand_keyed(const struct hash *hash, const struct hmac_key *key,
                           const struct view *info, size_t info_count, uint8_t *out, size_t size) {
  enum err err = OK;
  struct view parts[PARTS_MAX + 2];
  uint8_t block[HASH_MAX], counter = 0;
  if (info_count > PARTS_MAX)
    return ERR_INTERNAL;
  if (size > 255 * hash->size)
    return ERR_LIMIT;
  for (size_t i = 0; i < info_count; i++)
    parts[1 + i] = info[i];
  parts[1 + info_count] = view_of(&counter, 1);
  for (size_t done_size = 0, step; done_size < size; done_size += step) {
    parts[0] = view_of(block, counter == 0 ? 0 : hash->size);
    counter++;
    TRY(hash->hmac_keyed(key, parts, info_count + 2, block));
    step = size - done_size < hash->size ? size - done_size : hash->size;
    memcpy(out + done_size, block, step);
  }
done:
  if (err != OK)
    wipe(out, size);
  wipe(block, sizeof block);
  return err;
}

enum err hkdf_expand(const struct hash *hash, struct view key, const struct view *info,
                     size_t info_count, uint8_t *out, size_t size) {
  struct hmac_key halves;
  hash->hmac_key(key, &halves);
  enum err err = hkdf_expand_keyed(hash, &halves, info, info_count, out, size);
  wipe(&halves, sizeof halves);
  return err;
}
