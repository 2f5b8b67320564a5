/* SPDX-License-Identifier: ISC */
#include "media/groupkeys.h"

#include <string.h>

#include "base/mem.h"
#include "media/installed.h"
#include "media/sender.h"

/** Guarded by media->lock. */
struct group_keys {
  struct keys keys;
  struct media *media;
  struct bytes group_id;
  bool bound; /* group_id is set */
  struct installed_epochs installed;
  uint64_t first; /* epochs before this one cannot be installed any more */
};

static const struct keys_type type;

/* NULL: its keys are none of a group's. */
static struct group_keys *group_keys_of(const struct media *media) {
  return media->keys->type == &type ? (struct group_keys *)media->keys : NULL;
}

/* What senders use is an epoch. */
static const struct media_epoch *active_epoch(const struct group_keys *keys) {
  return (const struct media_epoch *)keys->media->active;
}

static struct media_epoch *find(const struct group_keys *keys, uint64_t number) {
  struct media_epoch *epoch = keys->installed.epochs[media_epoch_slot(number)];
  return epoch != NULL && epoch->number == number ? epoch : NULL;
}

/* Make these the installed epochs.  When this returns, the keys of those left out are gone. */
static void publish(struct group_keys *keys, struct media_epoch *const *next) {
  struct media_epoch **epochs = keys->installed.epochs, *gone[MEDIA_EPOCHS] = {NULL};
  unsigned gone_slots = 0;
  for (unsigned i = 0; i < MEDIA_EPOCHS; i++) {
    if (epochs[i] != NULL && epochs[i] != next[i]) {
      gone[i] = epochs[i];
      gone_slots |= 1u << i;
    }
    epochs[i] = next[i];
  }
  receivers_publish(keys->media, gone_slots);
  if (keys->media->active != NULL && find(keys, active_epoch(keys)->number) == NULL)
    senders_silence(keys->media);
  for (unsigned i = 0; i < MEDIA_EPOCHS; i++)
    media_epoch_free(gone[i]);
}

/* ---- Installing and activating ---- */

static bool same_epoch(const struct media_epoch *a, const struct media_epoch *b) {
  return a->own_leaf == b->own_leaf &&
         secret_equal(secret_view(&a->secret), secret_view(&b->secret));
}

/* On success the epoch is taken over, unless it was there already. */
static enum err install(struct group_keys *keys, struct view group_id, struct media_epoch **epoch,
                        struct why *why) {
  enum err err = OK;
  uint64_t number = (*epoch)->number;
  TRY(require(!keys->bound || view_equal(bytes_view(&keys->group_id), group_id), why,
              ERR_INVALID_STATE, "this media object has the keys of another group"));
  const struct media_epoch *present = find(keys, number);
  if (present != NULL)
    return require(same_epoch(present, *epoch), why, ERR_INVALID_STATE,
                   "epoch %llu is installed with the keys of another member or of another state",
                   (unsigned long long)number);
  TRY(require(number >= keys->first, why, ERR_OLD_EPOCH,
              "epoch %llu was retired, or a later one was installed", (unsigned long long)number));
  if (!keys->bound)
    TRY(bytes_copy(&keys->group_id, group_id));
  keys->bound = true;

  struct media_epoch *next[MEDIA_EPOCHS];
  memcpy(next, keys->installed.epochs, sizeof next);
  /* RFC 9605, section 5.2: an old epoch goes when one with the same low bits comes. */
  next[media_epoch_slot(number)] = *epoch;
  *epoch = NULL;
  publish(keys, next);
  keys->first = number + 1;
  atomic_store_explicit(&keys->installed.unknown, 0, memory_order_relaxed);
  atomic_store_explicit(&keys->installed.differs, 0, memory_order_relaxed);
done:
  return err;
}

enum err groupkeys_install(struct media *media, struct contexts *contexts,
                           const struct group *group, struct why *why) {
  struct group_keys *keys = group_keys_of(media);
  struct media_epoch *epoch = NULL;
  enum err err = require(keys != NULL, why, ERR_INVALID_STATE,
                         "this media object has sender keys, and follows no group");
  if (err == OK)
    err = media_epoch_new(&media->suite, group, contexts, &epoch);
  if (err != OK)
    return err;
  media_lock(media);
  err = install(keys, group_identifier(group), &epoch, why);
  media_unlock(media);
  media_epoch_free(epoch);
  return err;
}

static enum err activate(struct group_keys *keys, uint64_t number) {
  struct media_epoch *epoch = find(keys, number);
  if (epoch == NULL)
    return ERR_NOT_FOUND;
  if (epoch == active_epoch(keys))
    return OK;
  /* Going back would let a member who was removed since then listen again. */
  if (keys->media->active != NULL && number < active_epoch(keys)->number)
    return ERR_OLD_EPOCH;
  return senders_switch(keys->media, &epoch->outgoing);
}

enum err groupkeys_activate(struct media *media, uint64_t epoch) {
  struct group_keys *keys = group_keys_of(media);
  if (keys == NULL)
    return ERR_INVALID_STATE;
  media_lock(media);
  enum err err = activate(keys, epoch);
  media_unlock(media);
  return err;
}

/* ---- Reading ---- */

enum err groupkeys_member(struct media *media, uint64_t epoch, uint32_t leaf, uint32_t what,
                          struct bytes *out) {
  const struct group_keys *keys = group_keys_of(media);
  if (keys == NULL)
    return ERR_NOT_FOUND;
  media_lock(media);
  const struct media_epoch *installed = find(keys, epoch);
  struct roster *roster = installed == NULL ? NULL : roster_share(installed->roster);
  media_unlock(media);
  if (roster == NULL)
    return ERR_NOT_FOUND;
  enum err err = roster_read(roster, leaf, what, out);
  roster_drop(roster);
  return err;
}

enum err groupkeys_receiver(struct media *media, struct e2ee_receiver **out) {
  struct group_keys *keys = group_keys_of(media);
  struct source *source = NULL;
  if (keys == NULL)
    return ERR_INVALID_STATE;
  enum err err = installed_new(&keys->installed, &source);
  if (err != OK)
    return err;
  err = receiver_new(media, source, out);
  if (err != OK)
    source->type->drop(source);
  return err;
}

/* ---- Their life ---- */

static enum err retire(struct keys *base, uint64_t epoch) {
  struct group_keys *keys = (struct group_keys *)base;
  struct media_epoch *next[MEDIA_EPOCHS];
  memcpy(next, keys->installed.epochs, sizeof next);
  for (unsigned i = 0; i < MEDIA_EPOCHS; i++)
    if (next[i] != NULL && next[i]->number < epoch)
      next[i] = NULL;
  publish(keys, next);
  if (keys->first < epoch)
    keys->first = epoch;
  return OK;
}

static void end(struct keys *base) {
  struct group_keys *keys = (struct group_keys *)base;
  for (unsigned i = 0; i < MEDIA_EPOCHS; i++)
    media_epoch_free(keys->installed.epochs[i]);
  bytes_free(&keys->group_id);
  mem_free(keys);
}

static const struct keys_type type = {.retire = retire, .free = end};

enum err groupkeys_new(uint16_t suite_id, struct media **out) {
  struct group_keys *keys = mem_new(1, sizeof *keys);
  if (keys == NULL)
    return ERR_NOMEM;
  keys->keys.type = &type;
  enum err err = media_new(suite_id, &keys->keys, out);
  if (err != OK) {
    mem_free(keys);
    return err;
  }
  keys->media = *out;
  keys->installed.events = &keys->media->events;
  return OK;
}
