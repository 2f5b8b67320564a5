/* SPDX-License-Identifier: ISC */
#include "sframe/frame.h"

enum err sframe_protect(struct sframe_key *key, uint64_t counter, struct view metadata,
                        struct view plaintext, uint8_t *out, size_t *size) {
  uint8_t header[SFRAME_HEADER_MAX];
  size_t header_size = sframe_header_write(key->kid, counter, header);
  if (out == plaintext.data && plaintext.size > 0 && header_size > key->aead->shift) {
    memmove(out + header_size, plaintext.data, plaintext.size);
    plaintext.data = out + header_size;
  }

  uint8_t nonce[AEAD_NONCE_MAX];
  sframe_nonce(key, counter, nonce);
  const struct view aad[] = {view_of(header, header_size), metadata};
  enum err err = key->aead->seal(key->cipher, nonce, aad, 2, plaintext, out + header_size);
  size_t total = header_size + plaintext.size + key->aead->tag_size;
  if (err == OK) {
    memcpy(out, header, header_size); /* not before: plaintext may have been there */
    *size = total;
  } else {
    wipe(out, total);
  }
  return err;
}
