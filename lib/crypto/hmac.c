/* SPDX-License-Identifier: ISC */
#include "crypto/hmac.h"

#include <string.h>

#include "base/secret.h"
#include "crypto/provider.h"

void hmac_compute(hmac_hash *hash, size_t block, size_t size, struct view key,
                  const struct view *parts, size_t count, uint8_t *out) {
  uint8_t pad[HMAC_BLOCK_MAX] = {0};
  uint8_t inner[HASH_MAX];
  if (key.size > block)
    hash(key, NULL, 0, pad);
  else if (key.size > 0)
    memcpy(pad, key.data, key.size);
  for (size_t i = 0; i < block; i++)
    pad[i] ^= 0x36;
  hash(view_of(pad, block), parts, count, inner);
  for (size_t i = 0; i < block; i++)
    pad[i] ^= 0x36 ^ 0x5c;
  struct view second = view_of(inner, size);
  hash(view_of(pad, block), &second, 1, out);
  wipe(pad, sizeof pad);
  wipe(inner, sizeof inner);
}
