/* SPDX-License-Identifier: ISC */
#include "media/receiver.h"

#include <limits.h>
#include <string.h>

#include "base/mem.h"

#define KEYS_SIZE ((RECEIVER_KEYS + 1) * sizeof(struct receiver_key))

static void destroy(struct e2ee_receiver *receiver) {
  if (receiver->keys != NULL)
    for (unsigned i = 0; i <= RECEIVER_KEYS; i++)
      sframe_key_free(&receiver->keys[i].key);
  locked_free(receiver->keys, KEYS_SIZE);
  mem_free(receiver);
}

enum err receiver_new(struct media *media, struct source *source, struct e2ee_receiver **out) {
  enum err err = OK;
  struct e2ee_receiver *receiver = mem_new(1, sizeof *receiver);
  if (receiver == NULL)
    return ERR_NOMEM;
  receiver->media = media;
  receiver->source = source;
  tracks_init(&receiver->tracks);
  receiver->keys = locked_new(KEYS_SIZE);
  TRY(receiver->keys != NULL ? OK : ERR_NOMEM);
  receiver->latest = receiver->keys;
  for (unsigned i = 0; i <= RECEIVER_KEYS; i++)
    TRY(sframe_key_new(&media->suite, &receiver->keys[i].key));

  media_lock(media);
  if (source->type->refresh != NULL)
    source->type->refresh(source);
  media_enter(media, &media->receivers, &receiver->stream);
  media_unlock(media);
  *out = receiver;
  return OK;
done:
  destroy(receiver);
  return err;
}

void receiver_free(struct e2ee_receiver *receiver) {
  struct media *media = receiver->media;
  media_leave(media, &media->receivers, &receiver->stream);
  receiver->source->type->drop(receiver->source);
  destroy(receiver);
  media_drop(media);
}

static void lock(struct e2ee_receiver *receiver) {
  latch_take_politely(&receiver->latch);
}

static void unlock(struct e2ee_receiver *receiver) {
  latch_leave(&receiver->latch);
}

/* Wipe the first key from `index` on that is of a class that is gone.  @return the index after it */
static unsigned wipe_one(struct e2ee_receiver *receiver, unsigned gone, unsigned index) {
  for (; index <= RECEIVER_KEYS; index++) {
    struct receiver_key *key = &receiver->keys[index];
    if (key->used == 0 || (gone >> key->origin.class & 1u) == 0)
      continue;
    sframe_key_wipe(&key->key);
    key->used = 0;
    return index + 1;
  }
  return index;
}

/* The latch is left after each key and each few tracks, so that no frame waits for all of them.
 * Meanwhile frames of these classes are taken as long as their key is not wiped: nobody has been told yet
 * that it is gone.  No key of them comes anew, and one that has to give its place to another key goes to
 * the place for trials, the last that is visited. */
static void forget(struct e2ee_receiver *receiver, unsigned gone) {
  lock(receiver);
  receiver->source->type->forget(receiver->source, gone);
  unlock(receiver);
  for (unsigned index = 0; index <= RECEIVER_KEYS;) {
    lock(receiver);
    index = wipe_one(receiver, gone, index);
    unlock(receiver);
  }
  for (bool more = true; more;) {
    lock(receiver);
    more = tracks_forget(&receiver->tracks, gone);
    unlock(receiver);
  }
}

static struct e2ee_receiver *first(const struct media *media) {
  return (struct e2ee_receiver *)media->receivers;
}

static struct e2ee_receiver *next_of(const struct e2ee_receiver *receiver) {
  return (struct e2ee_receiver *)receiver->stream.next;
}

void receivers_publish(struct media *media, unsigned gone) {
  for (struct e2ee_receiver *r = first(media); r != NULL; r = next_of(r)) {
    if (gone != 0)
      forget(r, gone);
    lock(r);
    r->source->type->refresh(r->source);
    unlock(r);
  }
}

/* Drop what the source has given up since this stream looked.
 * @param fresh  a key id of which a frame was accepted just now; may be NULL */
RARE static void drop_dead(struct e2ee_receiver *receiver, unsigned version,
                           const uint64_t *fresh) {
  struct source *source = receiver->source;
  for (unsigned i = 0; i <= RECEIVER_KEYS; i++) {
    struct receiver_key *key = &receiver->keys[i];
    uint64_t kid = key->key.kid;
    unsigned seen = fresh != NULL && kid == *fresh ? UINT_MAX : receiver->version;
    if (key->used == 0 || source->type->alive(source, kid, seen))
      continue;
    if (key->track != NULL)
      tracks_drop(&receiver->tracks, kid, key->origin.class);
    sframe_key_wipe(&key->key);
    key->used = 0;
  }
  receiver->version = version;
}

static void follow(struct e2ee_receiver *receiver, const uint64_t *fresh) {
  unsigned version = atomic_load_explicit(&receiver->source->version, memory_order_acquire);
  if (version != receiver->version)
    drop_dead(receiver, version, fresh);
}

void receivers_follow(struct media *media, const struct source *source) {
  for (struct e2ee_receiver *r = first(media); r != NULL; r = next_of(r)) {
    if (r->source != source)
      continue;
    lock(r);
    follow(r, NULL);
    unlock(r);
  }
}

/* ---- Frames ---- */

static bool is_of(const struct receiver_key *key, uint64_t kid) {
  return key->used > 0 && key->key.kid == kid;
}

/* The key of a key id, kept from an earlier frame; else NULL.  Mostly it is the one of the frame before,
 * and then nothing needs to be looked up. */
static struct receiver_key *kept_key(struct e2ee_receiver *receiver, uint64_t kid) {
  struct receiver_key *keys = receiver->keys;
  if (is_of(receiver->latest, kid))
    return receiver->latest;
  const struct track *track = tracks_find(&receiver->tracks, kid);
  if (track != NULL && track->hint != TRACKS_NONE && is_of(&keys[track->hint], kid))
    return &keys[track->hint];
  return NULL;
}

/* Whether the first frame of a key id is worth a look at its tag. */
RARE static enum err admit_first(const struct e2ee_receiver *receiver,
                                 const struct frame_origin *origin,
                                 const struct sframe_header *header) {
  if (!replay_next(0, header->counter))
    return ERR_REPLAY;
  return tracks_room(&receiver->tracks, header->kid, origin->mask) ? OK : ERR_LIMIT;
}

/* Whether any frame is. */
static inline enum err admit(const struct e2ee_receiver *receiver, const struct track *track,
                             const struct frame_origin *origin,
                             const struct sframe_header *header) {
  if (track == NULL)
    return admit_first(receiver, origin, header);
  return tracks_fresh(&receiver->tracks, track, header->counter) ? OK : ERR_REPLAY;
}

/* Derive a key in the place for trials, unless the frame is refused anyway.  As long as no other one is
 * tried it stays there, so that a flood of forged frames has none derived; but its source is asked each
 * time, for a key whose epoch is going must not come into use. */
RARE static enum err try_key(struct e2ee_receiver *receiver, const struct sframe_header *header,
                             struct receiver_key **out) {
  enum err err;
  struct secret secret = {.size = 0};
  struct frame_origin origin = {.epoch = 0};
  struct source *source = receiver->source;
  struct receiver_key *trial = &receiver->keys[RECEIVER_TRIAL];
  TRY(source->type->who(source, header->kid, &origin));
  struct track *track = tracks_find(&receiver->tracks, header->kid);
  TRY(admit(receiver, track, &origin, header));
  if (!is_of(trial, header->kid)) {
    TRY(source->type->secret(source, header->kid, &secret));
    trial->used = 0;
    TRY(sframe_key_set(&receiver->media->suite, &secret, header->kid, &trial->key));
    trial->used = 1;
  }
  trial->track = track;
  trial->origin = origin;
  *out = trial;
done:
  secret_wipe(&secret);
  return err;
}

static enum err find_key(struct e2ee_receiver *receiver, const struct sframe_header *header,
                         struct receiver_key **out) {
  struct receiver_key *key = kept_key(receiver, header->kid);
  if (key == NULL)
    return try_key(receiver, header, out);
  *out = key;
  return admit(receiver, key->track, &key->origin, header);
}

/* A frame proved the key on trial: keep it in place of the one used longest ago. */
RARE static struct receiver_key *keep_trial(struct e2ee_receiver *receiver) {
  unsigned oldest = 0;
  for (unsigned i = 1; i < RECEIVER_KEYS; i++)
    if (receiver->keys[i].used < receiver->keys[oldest].used)
      oldest = i;
  struct receiver_key evicted = receiver->keys[oldest];
  receiver->keys[oldest] = receiver->keys[RECEIVER_TRIAL];
  receiver->keys[RECEIVER_TRIAL] = evicted;
  wipe(&evicted, sizeof evicted);
  receiver->keys[oldest].track->hint = (uint16_t)oldest;
  return &receiver->keys[oldest];
}

/* The first frame of a key id in this stream. */
RARE static void begin(struct e2ee_receiver *receiver, struct receiver_key *key) {
  struct source *source = receiver->source;
  uint64_t kid = key->key.kid;
  key->track = tracks_begin(&receiver->tracks, kid, &key->origin);
  if (source->type->heard(source, kid))
    events_push(&receiver->media->events, (struct e2ee_event){.kind = E2EE_EVENT_PEER_SWITCHED,
                                                              .leaf = key->origin.leaf,
                                                              .epoch = key->origin.epoch,
                                                              .value = kid});
}

/* An authentic frame of another key than the one before. */
static void change_key(struct e2ee_receiver *receiver, struct receiver_key *key, uint64_t counter) {
  const uint64_t kid = key->key.kid; /* which follow() may wipe */
  bool first = key->track == NULL;
  if (first)
    begin(receiver, key);
  if (key == &receiver->keys[RECEIVER_TRIAL])
    key = keep_trial(receiver);
  receiver->latest = key;
  key->used = ++receiver->clock;
  tracks_mark(&receiver->tracks, key->track, counter);
  if (first)
    follow(receiver, &kid);
}

/* The frame is authentic: only now may it change what the receiver remembers. */
static void accept_frame(struct e2ee_receiver *receiver, struct receiver_key *key,
                         uint64_t counter) {
  struct source *source = receiver->source;
  if (key == receiver->latest)
    tracks_mark(&receiver->tracks, key->track, counter);
  else
    change_key(receiver, key, counter);
  if (atomic_load_explicit(&source->late, memory_order_relaxed) > 0)
    source->type->passed(source);
}

static ALWAYS_INLINE enum err read_frame(const struct e2ee_receiver *receiver,
                                         const struct frame_call *call,
                                         const struct frame_format *format,
                                         struct frame_parts *parts) {
  enum err err = format->read(&receiver->media->suite, call->frame, parts);
  if (err == OK && call->capacity < parts->room) {
    *call->size = parts->room;
    err = ERR_BUFFER_TOO_SMALL;
  }
  return err;
}

static ALWAYS_INLINE enum err decrypt(struct e2ee_receiver *receiver, const struct frame_call *call,
                                      const struct frame_format *format,
                                      const struct frame_parts *parts,
                                      struct e2ee_frame_info *info) {
  enum err err = OK;
  const struct sframe_header *header = &parts->header;
  struct receiver_key *key = NULL;
  TRY(receiver->broken ? ERR_INTERNAL : OK);
  follow(receiver, NULL);
  TRY(find_key(receiver, header, &key));
  TRY(format->unprotect(&key->key, parts, call));
  /* Before accept_frame(), which may put another key in this place. */
  info->kid = header->kid;
  info->counter = header->counter;
  info->epoch = key->origin.epoch;
  info->leaf = key->origin.leaf;
  info->header_len = (uint32_t)header->size;
  accept_frame(receiver, key, header->counter);
done:
  return err;
}

/* A wrong tag under a key that has never proved right may be no forgery: the other side may have
 * another suite, other metadata, or another state of the group. */
static void count_wrong_tag(struct e2ee_receiver *receiver, uint64_t kid) {
  struct source *source = receiver->source;
  counters_count(&receiver->stream.counters.auth_failed);
  if (tracks_find(&receiver->tracks, kid) != NULL)
    return;
  counters_count(&receiver->stream.counters.never_right);
  source->type->differs(source, kid);
}

/* Seen before, or outside of what the window can tell: behind it, or too far ahead. */
static void count_replay(struct e2ee_receiver *receiver, uint64_t kid, uint64_t counter) {
  const struct track *track = tracks_find(&receiver->tracks, kid);
  counters_count(&receiver->stream.counters.replayed);
  if (track == NULL || !tracks_within(&receiver->tracks, track, counter))
    counters_count(&receiver->stream.counters.late);
}

/* @param kid, counter  by value, so that good frames can keep them in registers; 0 if malformed */
RARE static void count_failure(struct e2ee_receiver *receiver, uint64_t kid, uint64_t counter,
                               enum err err) {
  struct counters *counters = &receiver->stream.counters;
  if (err == ERR_NO_KEY || err == ERR_LIMIT)
    counters_count(&counters->no_key);
  if (err == ERR_LIMIT)
    counters_count(&counters->no_room);
  else if (err == ERR_AUTH)
    count_wrong_tag(receiver, kid);
  else if (err == ERR_REPLAY)
    count_replay(receiver, kid, counter);
  else if (err == ERR_MALFORMED)
    counters_count(&counters->malformed);
}

/* What can be read without the stream is read before it is taken. */
static ALWAYS_INLINE enum err decrypt_as(struct e2ee_receiver *receiver,
                                         const struct frame_call *call,
                                         const struct frame_format *format,
                                         struct e2ee_frame_info *info) {
  struct frame_parts parts;
  parts.header = (struct sframe_header){0, 0, 0};
  enum err err = read_frame(receiver, call, format, &parts);
  latch_take(&receiver->latch);
  if (err == OK)
    err = decrypt(receiver, call, format, &parts, info);
  if (err == OK)
    counters_count(&receiver->stream.counters.received);
  else
    count_failure(receiver, parts.header.kid, parts.header.counter, err);
  if (err == ERR_INTERNAL)
    receiver->broken = true;
  latch_leave(&receiver->latch);
  return err;
}

/* Compiled for this format alone. */
enum err receiver_decrypt(struct e2ee_receiver *receiver, const struct frame_call *call,
                          struct e2ee_frame_info *info) {
  return decrypt_as(receiver, call, &format_plain, info);
}

enum err receiver_decrypt_as(struct e2ee_receiver *receiver, const struct frame_call *call,
                             const struct frame_format *format, struct e2ee_frame_info *info) {
  return decrypt_as(receiver, call, format, info);
}
