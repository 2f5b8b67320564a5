/* SPDX-License-Identifier: ISC */
#include "media/media.h"

#include "base/mem.h"

enum err media_new(uint16_t suite_id, struct keys *keys, struct media **out) {
  enum err err = OK;
  bool has_events = false;
  struct media *media = mem_new(1, sizeof *media);
  if (media == NULL)
    return ERR_NOMEM;
  refs_init(&media->refs);
  TRY(sframe_suite_find(suite_id, &media->suite));
  TRY(events_init(&media->events));
  has_events = true;
  TRY(lock_init(&media->lock));
  media->keys = keys;
  *out = media;
  return OK;
done:
  if (has_events)
    events_destroy(&media->events);
  mem_free(media);
  return err;
}

void media_drop(struct media *media) {
  if (!refs_drop(&media->refs))
    return;
  media->keys->type->free(media->keys);
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

void media_enter(struct media *media, struct media_stream **streams, struct media_stream *stream) {
  refs_take(&media->refs);
  stream->next = *streams;
  *streams = stream;
}

void media_leave(struct media *media, struct media_stream **streams, struct media_stream *stream) {
  media_lock(media);
  struct media_stream **place = streams;
  while (*place != stream)
    place = &(*place)->next;
  *place = stream->next;
  counters_add(&stream->counters, &media->past);
  media_unlock(media);
}

enum err media_retire(struct media *media, uint64_t epoch) {
  media_lock(media);
  enum err err = media->keys->type->retire(media->keys, epoch);
  media_unlock(media);
  return err;
}

/* ---- Counts ---- */

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

void media_stats(struct media *media, struct e2ee_stats *out) {
  media_lock(media);
  *out = media->past;
  for (const struct media_stream *s = media->senders; s != NULL; s = s->next)
    counters_add(&s->counters, out);
  for (const struct media_stream *r = media->receivers; r != NULL; r = r->next)
    counters_add(&r->counters, out);
  media_unlock(media);
}
