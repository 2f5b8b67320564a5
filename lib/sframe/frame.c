/* SPDX-License-Identifier: ISC */
#include "sframe/frame.h"

#include <string.h>

static uint64_t big_endian(uint64_t number) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  number = __builtin_bswap64(number);
#endif
  return number;
}

/* RFC 9605, section 4.4.3: the salt, XORed with the counter as a big-endian number.  It is not wiped:
 * an AEAD is as safe with a nonce that is known.  In two pieces and not byte by byte: the cipher, which
 * cannot begin without it, would wait for bytes to come together. */
void sframe_nonce(const struct sframe_key *key, uint64_t counter, uint8_t *nonce) {
  const size_t front = AEAD_NONCE_MAX - sizeof counter;
  uint64_t rest;
  memcpy(&rest, key->salt + front, sizeof rest);
  rest ^= big_endian(counter);
  memcpy(nonce, key->salt, front);
  memcpy(nonce + front, &rest, sizeof rest);
}

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

enum err sframe_plaintext_size(const struct aead *aead, const struct sframe_header *header,
                               struct view frame, size_t *out) {
  if (frame.size - header->size < aead->tag_size)
    return ERR_MALFORMED;
  *out = frame.size - header->size - aead->tag_size;
  return OK;
}

enum err sframe_unprotect(struct sframe_key *key, const struct sframe_header *header,
                          struct view metadata, struct view frame, uint8_t *out, size_t *size) {
  size_t plaintext_size = 0;
  enum err err = sframe_plaintext_size(key->aead, header, frame, &plaintext_size);
  if (err != OK)
    return err;

  uint8_t nonce[AEAD_NONCE_MAX];
  sframe_nonce(key, header->counter, nonce);
  const struct view aad[] = {view_of(frame.data, header->size), metadata};
  struct view ciphertext = view_of(frame.data + header->size, frame.size - header->size);
  bool in_place = out == frame.data;
  uint8_t *to = in_place && header->size > key->aead->shift ? out + header->size : out;
  err = key->aead->open(key->cipher, nonce, aad, 2, ciphertext, to);
  if (err == OK) {
    if (to != out)
      memmove(out, to, plaintext_size);
    *size = plaintext_size;
  } else if (plaintext_size > 0) {
    wipe(out, plaintext_size);
  }
  return err;
}
