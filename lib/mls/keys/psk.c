/* SPDX-License-Identifier: ISC */
#include "mls/keys/psk.h"

#include <string.h>

#include "crypto/hkdf.h"
#include "crypto/kdf.h"
#include "mls/keys/schedule.h"

enum err psk_mix(const struct suite *suite, struct view id, struct view psk, uint16_t index,
                 uint16_t count, struct secret *psk_secret) {
  struct secret zero = {0}, extracted = {0}, mixed = {0};
  struct secret input = {.size = (uint16_t)suite->hash->size};
  struct writer label = {0}; /* PSKLabel */
  enum err err = OK;
  schedule_zero(suite, &zero);
  TRY(hkdf_extract(suite->hash, secret_view(&zero), psk, &extracted));

  write_bytes(&label, id);
  write_u16(&label, index);
  write_u16(&label, count);
  TRY(label.err);
  TRY(kdf_expand_with_label(suite, secret_view(&extracted), VIEW_TEXT("derived psk"),
                            writer_view(&label), input.bytes, input.size));

  TRY(hkdf_extract(suite->hash, secret_view(&input), secret_view(psk_secret), &mixed));
  secret_move(psk_secret, &mixed);
done:
  secret_wipe(&extracted);
  secret_wipe(&input);
  secret_wipe(&mixed);
  writer_free(&label);
  return err;
}

/* ---- Resumption PSKs ---- */

enum err psk_history_reserve(struct psk_history *history, size_t keep) {
  if (history->count < history->capacity || history->count >= keep)
    return OK;
  size_t capacity = history->capacity == 0 ? 4 : 2 * history->capacity;
  struct past_psk *item = locked_new(capacity * sizeof *item);
  if (item == NULL)
    return ERR_NOMEM;
  if (history->count > 0)
    memcpy(item, history->item, history->count * sizeof *item);
  locked_free(history->item, history->capacity * sizeof *item);
  history->item = item;
  history->capacity = capacity;
  return OK;
}

static void forget_oldest(struct psk_history *history, size_t left) {
  if (history->count <= left)
    return;
  size_t gone = history->count - left;
  memmove(history->item, history->item + gone, left * sizeof *history->item);
  wipe(history->item + left, gone * sizeof *history->item);
  history->count = left;
}

void psk_history_add(struct psk_history *history, uint64_t epoch, struct secret *psk, size_t keep) {
  forget_oldest(history, keep > 0 ? keep - 1 : 0);
  if (keep == 0) {
    secret_wipe(psk);
    return;
  }
  struct past_psk *newest = &history->item[history->count++];
  newest->epoch = epoch;
  secret_move(&newest->psk, psk);
}

bool psk_history_find(const struct psk_history *history, uint64_t epoch, struct view *out) {
  for (size_t i = 0; i < history->count; i++) {
    if (history->item[i].epoch != epoch)
      continue;
    *out = secret_view(&history->item[i].psk);
    return true;
  }
  return false;
}

void psk_history_clear(struct psk_history *history) {
  locked_free(history->item, history->capacity * sizeof *history->item);
  *history = (struct psk_history){0};
}
