/* SPDX-License-Identifier: ISC */
#include "crypto/hmac.h"

#include <string.h>

void hmac_key_set(const struct hmac_hash *hash, struct view key, struct hmac_key *out) {
  uint8_t pad[HMAC_BLOCK_MAX] = {0};
  if (key.size > hash->block)
    hash->rest(NULL, &key, 1, pad);
  else if (key.size > 0)
    memcpy(pad, key.data, key.size);
  for (size_t i = 0; i < hash->block; i++)
    pad[i] ^= 0x36;
  hash->first(pad, out->inner);
  for (size_t i = 0; i < hash->block; i++)
    pad[i] ^= 0x36 ^ 0x5c;
  hash->first(pad, out->outer);
  wipe(pad, sizeof pad);
}

void hmac_compute(const struct hmac_hash *hash, const struct hmac_key *key,
                  const struct view *parts, size_t count, uint8_t *out) {
  uint8_t inner[HASH_MAX];
  hash->rest(key->inner, parts, count, inner);
  const struct view second = view_of(inner, hash->size);
  hash->rest(key->outer, &second, 1, out);
  wipe(inner, sizeof inner);
}
