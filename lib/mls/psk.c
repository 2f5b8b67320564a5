/* SPDX-License-Identifier: ISC */
#include "mls/psk.h"

#include "crypto/kdf.h"
#include "mls/schedule.h"

enum err psk_mix(const struct suite *suite, struct view id, struct view psk, uint16_t index,
                 uint16_t count, struct secret *psk_secret) {
  struct secret zero = {0}, extracted = {0}, mixed = {0};
  struct secret input = {.size = (uint16_t)suite->hash->size};
  struct writer label = {0}; /* PSKLabel */
  enum err err = OK;
  schedule_zero(suite, &zero);
  TRY(kdf_extract(suite->hash, secret_view(&zero), psk, &extracted));

  write_bytes(&label, id);
  write_u16(&label, index);
  write_u16(&label, count);
  TRY(label.err);
  TRY(kdf_expand_with_label(suite, secret_view(&extracted), VIEW_TEXT("derived psk"),
                            writer_view(&label), input.bytes, input.size));

  TRY(kdf_extract(suite->hash, secret_view(&input), secret_view(psk_secret), &mixed));
  secret_move(psk_secret, &mixed);
done:
  secret_wipe(&extracted);
  secret_wipe(&input);
  secret_wipe(&mixed);
  writer_free(&label);
  return err;
}
