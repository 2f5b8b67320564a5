/* SPDX-License-Identifier: ISC */
#include "media/epoch.h"

#include "base/mem.h"

#define WORD_BITS 32u

static uint32_t bits_for(uint32_t width) {
  uint32_t bits = 0;
  while ((uint64_t)1 << bits < width)
    bits++;
  return bits;
}

/* RFC 9605, section 5.2: base_key = MLS-Exporter("SFrame 1.0 Base Key", "", AEAD.Nk). */
static enum err export_secret(const struct sframe_suite *suite, const struct group *group,
                              struct secret *out) {
  enum err err;
  uint8_t base_key[SFRAME_KEY_MAX] = {0};
  struct view whole = view_of(base_key, suite->aead->key_size);
  TRY(group_export(group, VIEW_TEXT("SFrame 1.0 Base Key"), VIEW_NONE, base_key, whole.size));
  TRY(sframe_secret(suite, whole, out));
done:
  wipe(base_key, sizeof base_key);
  return err;
}

static enum err draw(struct outgoing *outgoing, struct draw *out) {
  const struct media_epoch *epoch = (const struct media_epoch *)outgoing;
  uint64_t context = 0;
  enum err err = contexts_draw(epoch->contexts, epoch->number, epoch->restored, &context);
  if (err == OK)
    *out = (struct draw){.secret = &epoch->secret,
                         .kid = media_epoch_kid(epoch, context, epoch->own_leaf),
                         .epoch = epoch->number,
                         .leaf = epoch->own_leaf};
  return err;
}

enum err media_epoch_new(const struct sframe_suite *suite, const struct group *group,
                         struct contexts *contexts, struct media_epoch **out) {
  enum err err;
  struct media_epoch *epoch = locked_new(sizeof *epoch);
  if (epoch == NULL)
    return ERR_NOMEM;
  epoch->outgoing.draw = draw;
  epoch->number = group_epoch_number(group);
  epoch->own_leaf = group_own_leaf(group);
  epoch->restored = group_restored(group);
  TRY(group_roster(group, &epoch->roster));
  uint32_t width = roster_width(epoch->roster);
  epoch->leaf_bits = bits_for(width);
  TRY(epoch->leaf_bits <= MEDIA_LEAF_BITS_MAX ? OK : ERR_LIMIT);
  epoch->heard = mem_new((width + WORD_BITS - 1) / WORD_BITS, sizeof *epoch->heard);
  TRY(epoch->heard != NULL ? OK : ERR_NOMEM);
  TRY(export_secret(suite, group, &epoch->secret));
  epoch->contexts = contexts_share(contexts);
  *out = epoch;
  epoch = NULL;
done:
  media_epoch_free(epoch);
  return err;
}

void media_epoch_free(struct media_epoch *epoch) {
  if (epoch == NULL)
    return;
  if (epoch->roster != NULL)
    roster_drop(epoch->roster);
  contexts_drop(epoch->contexts);
  mem_free(epoch->heard);
  locked_free(epoch, sizeof *epoch);
}

uint64_t media_epoch_kid(const struct media_epoch *epoch, uint64_t context, uint32_t leaf) {
  return context << (epoch->leaf_bits + MEDIA_EPOCH_BITS) | (uint64_t)leaf << MEDIA_EPOCH_BITS |
         media_epoch_slot(epoch->number);
}

uint32_t media_epoch_leaf(const struct media_epoch *epoch, uint64_t kid) {
  uint64_t mask = ((uint64_t)1 << epoch->leaf_bits) - 1;
  return (uint32_t)(kid >> MEDIA_EPOCH_BITS & mask);
}

uint64_t media_epoch_mask(const struct media_epoch *epoch) {
  return ((uint64_t)1 << (epoch->leaf_bits + MEDIA_EPOCH_BITS)) - 1;
}

unsigned media_epoch_slot(uint64_t kid_or_epoch) {
  return (unsigned)(kid_or_epoch % MEDIA_EPOCHS);
}

bool media_epoch_hear(const struct media_epoch *epoch, uint32_t leaf) {
  unsigned bit = 1u << leaf % WORD_BITS;
  atomic_uint *word = &epoch->heard[leaf / WORD_BITS];
  return (atomic_fetch_or_explicit(word, bit, memory_order_relaxed) & bit) == 0;
}
