/* SPDX-License-Identifier: ISC */
#include "media/media.h"

#include <string.h>

#include "base/mem.h"
#include "media/receiver.h"
#include "media/sender.h"
#include "media/senderkeys.h"

enum err media_new(uint16_t suite_id, struct media **out) {
  enum err err;
  bool has_events = false;
  struct media *media = mem_new(1, sizeof *media);
  if (media == NULL)
    return ERR_NOMEM;
  refs_init(&media->refs);
  TRY(sframe_suite_find(suite_id, &media->suite));
  TRY(events_init(&media->events));
  has_events = true;
  TRY(lock_init(&media->lock));
  *out = media;
  return OK;
done:
  if (has_events)
    events_destroy(&media->events);
  mem_free(media);
  return err;
}

void media_take(struct media *media) {
  refs_take(&media->refs);
}

void media_drop(struct media *media) {
  if (!refs_drop(&media->refs))
    return;
  for (unsigned i = 0; i < MEDIA_EPOCHS; i++)
    media_epoch_free(media->epochs[i]);
  senderkeys_free(media);
  bytes_free(&media->group_id);
  events_destroy(&media->events);
  lock_destroy(&media->lock);
  mem_free(media);
}

void media_lock(struct media *media) {
  lock_take(&media->lock);
}

void media_unlock(struct media *media) {
  lock_leave(&media->lock);
}

/* ---- What senders use ---- */

enum err media_switch(struct media *media, struct outgoing *next) {
  enum err err = OK;
  for (struct e2ee_sender *s = media->senders; s != NULL; s = s->next)
    TRY(sender_prepare(s, next));
  for (struct e2ee_sender *s = media->senders; s != NULL; s = s->next)
    sender_switch(s);
  media->active = next;
  return OK;
done:
  for (struct e2ee_sender *s = media->senders; s != NULL; s = s->next)
    sender_abandon(s);
  return err;
}

void media_silence(struct media *media) {
  media->active = NULL;
  for (struct e2ee_sender *s = media->senders; s != NULL; s = s->next)
    sender_switch(s);
}

/* ---- Epochs ---- */

/* Of a group: what senders use is an epoch. */
static const struct media_epoch *active_epoch(const struct media *media) {
  return (const struct media_epoch *)media->active;
}

static struct media_epoch *find(const struct media *media, uint64_t number) {
  struct media_epoch *epoch = media->epochs[media_epoch_slot(number)];
  return epoch != NULL && epoch->number == number ? epoch : NULL;
}

/* Make these the installed epochs.  When this returns, the keys of those left out are gone. */
static void publish(struct media *media, struct media_epoch *const *next) {
  struct media_epoch *gone[MEDIA_EPOCHS] = {NULL};
  unsigned gone_slots = 0;
  for (unsigned i = 0; i < MEDIA_EPOCHS; i++) {
    if (media->epochs[i] != NULL && media->epochs[i] != next[i]) {
      gone[i] = media->epochs[i];
      gone_slots |= 1u << i;
    }
    media->epochs[i] = next[i];
  }
  for (struct e2ee_receiver *r = media->receivers; r != NULL; r = r->next)
    receiver_publish(r, gone_slots);
  if (media->active != NULL && find(media, active_epoch(media)->number) == NULL)
    media_silence(media);
  for (unsigned i = 0; i < MEDIA_EPOCHS; i++)
    media_epoch_free(gone[i]);
}

static bool same_epoch(const struct media_epoch *a, const struct media_epoch *b) {
  return a->own_leaf == b->own_leaf &&
         secret_equal(secret_view(&a->secret), secret_view(&b->secret));
}

/* On success the epoch is taken over, unless it was there already. */
static enum err install(struct media *media, struct view group_id, struct media_epoch **epoch,
                        struct why *why) {
  enum err err;
  uint64_t number = (*epoch)->number;
  TRY(require(media->ratchet_bits == 0, why, ERR_INVALID_STATE,
              "this media object has sender keys, and follows no group"));
  TRY(require(!media->bound || view_equal(bytes_view(&media->group_id), group_id), why,
              ERR_INVALID_STATE, "this media object has the keys of another group"));
  const struct media_epoch *present = find(media, number);
  if (present != NULL)
    return require(same_epoch(present, *epoch), why, ERR_INVALID_STATE,
                   "epoch %llu is installed with the keys of another member or of another state",
                   (unsigned long long)number);
  TRY(require(number >= media->first, why, ERR_OLD_EPOCH,
              "epoch %llu was retired, or a later one was installed", (unsigned long long)number));
  if (!media->bound)
    TRY(bytes_copy(&media->group_id, group_id));
  media->bound = true;

  struct media_epoch *next[MEDIA_EPOCHS];
  memcpy(next, media->epochs, sizeof next);
  /* RFC 9605, section 5.2: an old epoch goes when one with the same low bits comes. */
  next[media_epoch_slot(number)] = *epoch;
  *epoch = NULL;
  publish(media, next);
  media->first = number + 1;
  atomic_store_explicit(&media->unknown, 0, memory_order_relaxed);
  atomic_store_explicit(&media->differs, 0, memory_order_relaxed);
done:
  return err;
}

enum err media_install(struct media *media, struct contexts *contexts, const struct group *group,
                       struct why *why) {
  struct media_epoch *epoch = NULL;
  enum err err = media_epoch_new(&media->suite, group, contexts, &epoch);
  if (err != OK)
    return err;
  media_lock(media);
  err = install(media, group_identifier(group), &epoch, why);
  media_unlock(media);
  media_epoch_free(epoch);
  return err;
}

static enum err activate(struct media *media, uint64_t number) {
  if (media->ratchet_bits != 0)
    return ERR_INVALID_STATE;
  struct media_epoch *epoch = find(media, number);
  if (epoch == NULL)
    return ERR_NOT_FOUND;
  if (epoch == active_epoch(media))
    return OK;
  /* Going back would let a member who was removed since then listen again. */
  if (media->active != NULL && number < active_epoch(media)->number)
    return ERR_OLD_EPOCH;
  return media_switch(media, &epoch->outgoing);
}

enum err media_activate(struct media *media, uint64_t epoch) {
  media_lock(media);
  enum err err = activate(media, epoch);
  media_unlock(media);
  return err;
}

static void retire(struct media *media, uint64_t epoch) {
  struct media_epoch *next[MEDIA_EPOCHS];
  memcpy(next, media->epochs, sizeof next);
  for (unsigned i = 0; i < MEDIA_EPOCHS; i++)
    if (next[i] != NULL && next[i]->number < epoch)
      next[i] = NULL;
  publish(media, next);
  if (media->first < epoch)
    media->first = epoch;
}

enum err media_retire(struct media *media, uint64_t epoch) {
  enum err err = OK;
  media_lock(media);
  if (media->ratchet_bits == 0)
    retire(media, epoch);
  else if (epoch == UINT64_MAX)
    senderkeys_end(media);
  else
    err = ERR_INVALID_STATE;
  media_unlock(media);
  return err;
}

enum err media_member(struct media *media, uint64_t epoch, uint32_t leaf, uint32_t what,
                      struct bytes *out) {
  media_lock(media);
  const struct media_epoch *installed = find(media, epoch);
  struct roster *roster = installed == NULL ? NULL : roster_share(installed->roster);
  media_unlock(media);
  if (roster == NULL)
    return ERR_NOT_FOUND;
  enum err err = roster_read(roster, leaf, what, out);
  roster_drop(roster);
  return err;
}

/* ---- Counts and events ---- */

static uint64_t count_of(const atomic_ullong *counter) {
  return atomic_load_explicit(counter, memory_order_relaxed);
}

void counters_add(const struct counters *counters, struct e2ee_stats *stats) {
  stats->sent += count_of(&counters->sent);
  stats->received += count_of(&counters->received);
  stats->no_key += count_of(&counters->no_key);
  stats->auth_failed += count_of(&counters->auth_failed);
  stats->replayed += count_of(&counters->replayed);
  stats->malformed += count_of(&counters->malformed);
  stats->no_room += count_of(&counters->no_room);
  stats->never_right += count_of(&counters->never_right);
  stats->late += count_of(&counters->late);
}

void media_keep_counts(struct media *media, const struct counters *counters) {
  counters_add(counters, &media->past);
}

void media_stats(struct media *media, struct e2ee_stats *out) {
  media_lock(media);
  *out = media->past;
  for (const struct e2ee_sender *s = media->senders; s != NULL; s = s->next)
    counters_add(&s->counters, out);
  for (const struct e2ee_receiver *r = media->receivers; r != NULL; r = r->next)
    counters_add(&r->counters, out);
  media_unlock(media);
}

/* Whether the bit of an epoch was not set; it is now. */
static bool set_once(atomic_uint *told, unsigned slot) {
  const unsigned bit = 1u << slot;
  if ((atomic_load_explicit(told, memory_order_relaxed) & bit) != 0)
    return false;
  return (atomic_fetch_or_explicit(told, bit, memory_order_relaxed) & bit) == 0;
}

void media_unknown_epoch(struct media *media, uint64_t kid) {
  unsigned slot = media_epoch_slot(kid);
  if (set_once(&media->unknown, slot))
    events_push(&media->events, (struct e2ee_event){.kind = E2EE_EVENT_UNKNOWN_EPOCH,
                                                    .leaf = UINT32_MAX,
                                                    .epoch = slot,
                                                    .value = kid});
}

void media_peer_differs(struct media *media, const struct media_epoch *epoch, uint64_t kid) {
  if (set_once(&media->differs, media_epoch_slot(kid)))
    events_push(&media->events, (struct e2ee_event){.kind = E2EE_EVENT_PEER_DIFFERS,
                                                    .leaf = media_epoch_leaf(epoch, kid),
                                                    .epoch = epoch->number,
                                                    .value = kid});
}
