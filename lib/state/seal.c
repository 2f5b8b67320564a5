/* SPDX-License-Identifier: ISC */
#include "state/seal.h"

#include <string.h>

#include "base/mem.h"
#include "crypto/provider.h"

#define MAGIC VIEW_TEXT("e2ee")
#define HEADER_SIZE (4 + 1 + 1)

enum err seal(struct view key, enum seal_kind kind, struct view content, struct bytes *out) {
  if (key.size != SEALBOX_KEY_SIZE)
    return ERR_INVALID_ARG;
  uint8_t nonce[SEALBOX_NONCE_SIZE];
  struct writer header = {0};
  struct bytes blob = {0};
  enum err err = OK;
  write_bytes(&header, MAGIC);
  write_u8(&header, SEAL_VERSION);
  write_u8(&header, (uint8_t)kind);
  TRY(header.err);

  size_t overhead = HEADER_SIZE + SEALBOX_NONCE_SIZE + SEALBOX_TAG_SIZE;
  TRY(content.size > SIZE_MAX / 2 - overhead ? ERR_NOMEM : OK);
  blob.size = content.size + overhead;
  blob.data = mem_new(blob.size, 1);
  TRY(blob.data == NULL ? ERR_NOMEM : OK);
  provider_random(nonce, sizeof nonce);
  memcpy(blob.data, header.data, HEADER_SIZE);
  memcpy(blob.data + HEADER_SIZE, nonce, sizeof nonce);
  TRY(sealbox_seal(key.data, nonce, writer_view(&header), content,
                   blob.data + HEADER_SIZE + SEALBOX_NONCE_SIZE));
  bytes_move(out, &blob);
done:
  writer_free(&header);
  bytes_free(&blob);
  return err;
}

struct view seal_nonce(struct view blob) {
  return view_of(blob.data + HEADER_SIZE, SEALBOX_NONCE_SIZE);
}

/* Take a blob apart, as far as that goes without the key. */
static enum err parse(struct view blob, struct why *why, uint8_t *version, uint8_t *kind,
                      struct view *nonce, struct view *ciphertext) {
  struct reader reader = reader_of(blob);
  struct view magic;
  enum err err = OK;
  TRY(read_bytes(&reader, MAGIC.size, &magic));
  TRY(view_equal(magic, MAGIC) ? OK : ERR_MALFORMED);
  TRY(read_u8(&reader, version));
  if (*version > SEAL_VERSION)
    return refuse(why, ERR_STATE_VERSION,
                  "saved state: format version %u, but %u is the newest known", *version,
                  SEAL_VERSION);
  TRY(read_u8(&reader, kind));
  TRY(read_bytes(&reader, SEALBOX_NONCE_SIZE, nonce));
  TRY(reader.left < SEALBOX_TAG_SIZE ? ERR_MALFORMED : OK);
  TRY(read_bytes(&reader, reader.left, ciphertext));
done:
  return err == OK ? OK
                   : refuse(why, ERR_STATE_KEY, "saved state: this is no blob of this library");
}

enum err unseal(struct view key, enum seal_kind kind, struct view blob, struct why *why,
                uint8_t *version, struct bytes *content) {
  if (key.size != SEALBOX_KEY_SIZE)
    return ERR_INVALID_ARG;
  uint8_t blob_version = 0, blob_kind = 0;
  struct view nonce, ciphertext;
  struct bytes opened = {0};
  enum err err = OK;
  TRY(parse(blob, why, &blob_version, &blob_kind, &nonce, &ciphertext));
  opened.size = ciphertext.size - SEALBOX_TAG_SIZE;
  opened.data = mem_new(opened.size, 1);
  TRY(opened.data == NULL ? ERR_NOMEM : OK);
  err =
      sealbox_open(key.data, nonce.data, view_of(blob.data, HEADER_SIZE), ciphertext, opened.data);
  TRY(require(err != ERR_AUTH, why, ERR_STATE_KEY,
              "saved state: sealed with another key, or altered"));
  TRY(err);
  TRY(require(blob_kind == (uint8_t)kind, why, ERR_STATE_CORRUPT,
              "saved state: a blob of kind %u where kind %u is expected", blob_kind, kind));
  *version = blob_version;
  bytes_move(content, &opened);
done:
  bytes_free(&opened);
  return err;
}
