/* SPDX-License-Identifier: ISC */
#include "media/installed.h"

static const struct media_epoch *epoch_of(const struct source *source, uint64_t kid) {
  const struct installed *installed = (const struct installed *)source;
  return installed->epochs[media_epoch_slot(kid)];
}

static enum err who(const struct source *source, uint64_t kid, struct frame_origin *out) {
  const struct media_epoch *epoch = epoch_of(source, kid);
  if (epoch == NULL) {
    media_unknown_epoch(((const struct installed *)source)->media, kid);
    return ERR_NO_KEY;
  }
  *out = (struct frame_origin){.epoch = epoch->number,
                               .mask = media_epoch_mask(epoch),
                               .leaf = media_epoch_leaf(epoch, kid)};
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
  const struct media_epoch *epoch = epoch_of(source, kid);
  if (epoch != NULL) /* else it is being retired */
    media_peer_differs(((const struct installed *)source)->media, epoch, kid);
}

static const struct source_type type = {
    .who = who, .secret = secret_of, .heard = heard, .differs = differs};

void installed_init(struct installed *installed, struct media *media) {
  installed->source.type = &type;
  installed->media = media;
}

void installed_copy(struct installed *installed) {
  for (unsigned i = 0; i < MEDIA_EPOCHS; i++)
    installed->epochs[i] = installed->media->epochs[i];
}
