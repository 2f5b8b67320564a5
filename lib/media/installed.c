/* SPDX-License-Identifier: ISC */
#include "media/installed.h"

#include "base/mem.h"

_Static_assert(MEDIA_EPOCHS == KEY_CLASSES, "the keys of an epoch go at once");

static struct installed *installed_of(struct source *source) {
  return (struct installed *)source;
}

static const struct media_epoch *epoch_of(const struct source *source, uint64_t kid) {
  const struct installed *installed = (const struct installed *)source;
  return installed->epochs[media_epoch_slot(kid)];
}

/* Whether the bit of an epoch was not set; it is now. */
static bool set_once(atomic_uint *told, unsigned slot) {
  const unsigned bit = 1u << slot;
  if ((atomic_load_explicit(told, memory_order_relaxed) & bit) != 0)
    return false;
  return (atomic_fetch_or_explicit(told, bit, memory_order_relaxed) & bit) == 0;
}

static void tell_unknown(struct installed_epochs *all, uint64_t kid) {
  unsigned slot = media_epoch_slot(kid);
  if (set_once(&all->unknown, slot))
    events_push(all->events, (struct e2ee_event){.kind = E2EE_EVENT_UNKNOWN_EPOCH,
                                                 .leaf = UINT32_MAX,
                                                 .epoch = slot,
                                                 .value = kid});
}

static enum err who(const struct source *source, uint64_t kid, struct frame_origin *out) {
  const struct media_epoch *epoch = epoch_of(source, kid);
  if (epoch == NULL) {
    tell_unknown(((const struct installed *)source)->all, kid);
    return ERR_NO_KEY;
  }
  *out = (struct frame_origin){.epoch = epoch->number,
                               .mask = media_epoch_mask(epoch),
                               .leaf = media_epoch_leaf(epoch, kid),
                               .class = media_epoch_slot(kid)};
  return OK;
}

static enum err secret_of(struct source *source, uint64_t kid, struct secret *out) {
  const struct media_epoch *epoch = epoch_of(source, kid);
  uint32_t leaf = media_epoch_leaf(epoch, kid);
  /* RFC 9605, section 4.4.1: a key is for encryption or for decryption, never for both. */
  if (leaf == epoch->own_leaf)
    return ERR_NO_KEY;
  if (!roster_has(epoch->roster, leaf))
    return ERR_NO_KEY;
  return secret_set(out, secret_view(&epoch->secret));
}

static bool heard(struct source *source, uint64_t kid) {
  const struct media_epoch *epoch = epoch_of(source, kid);
  return media_epoch_hear(epoch, media_epoch_leaf(epoch, kid));
}

static void differs(struct source *source, uint64_t kid) {
  struct installed_epochs *all = installed_of(source)->all;
  const struct media_epoch *epoch = epoch_of(source, kid);
  if (epoch != NULL /* else it is being retired */ &&
      set_once(&all->differs, media_epoch_slot(kid)))
    events_push(all->events, (struct e2ee_event){.kind = E2EE_EVENT_PEER_DIFFERS,
                                                 .leaf = media_epoch_leaf(epoch, kid),
                                                 .epoch = epoch->number,
                                                 .value = kid});
}

static void drop(struct source *source) {
  mem_free(installed_of(source));
}

static void refresh(struct source *source) {
  struct installed *installed = installed_of(source);
  for (unsigned i = 0; i < MEDIA_EPOCHS; i++)
    installed->epochs[i] = installed->all->epochs[i];
}

static void forget(struct source *source, unsigned classes) {
  for (unsigned i = 0; i < MEDIA_EPOCHS; i++)
    if ((classes >> i & 1u) != 0)
      installed_of(source)->epochs[i] = NULL;
}

static const struct source_type type = {.who = who,
                                        .secret = secret_of,
                                        .heard = heard,
                                        .differs = differs,
                                        .drop = drop,
                                        .refresh = refresh,
                                        .forget = forget};

enum err installed_new(struct installed_epochs *all, struct source **out) {
  struct installed *installed = mem_new(1, sizeof *installed);
  if (installed == NULL)
    return ERR_NOMEM;
  installed->source.type = &type;
  installed->all = all;
  *out = &installed->source;
  return OK;
}
