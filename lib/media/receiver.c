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
  (void)pthread_mutex_destroy(&receiver->lock);
  mem_free(receiver);
}

enum err receiver_new(struct media *media, struct chain *chain, struct e2ee_receiver **out) {
  enum err err;
  struct e2ee_receiver *receiver = mem_new(1, sizeof *receiver);
  if (receiver == NULL)
    return ERR_NOMEM;
  if (pthread_mutex_init(&receiver->lock, NULL) != 0) {
    mem_free(receiver);
    return ERR_NOMEM;
  }
  receiver->media = media;
  installed_init(&receiver->installed, media);
  receiver->source = chain != NULL ? &chain->source : &receiver->installed.source;
  tracks_init(&receiver->tracks);
  receiver->keys = locked_new(KEYS_SIZE);
  TRY(receiver->keys != NULL ? OK : ERR_NOMEM);
  for (unsigned i = 0; i <= RECEIVER_KEYS; i++)
    TRY(sframe_key_new(&media->suite, &receiver->keys[i].key));

  (void)pthread_mutex_lock(&media->lock);
  media_take(media);
  receiver->chain = chain != NULL ? chain_share(chain) : NULL;
  installed_copy(&receiver->installed);
  receiver->next = media->receivers;
  media->receivers = receiver;
  (void)pthread_mutex_unlock(&media->lock);
  *out = receiver;
  return OK;
done:
  destroy(receiver);
  return err;
}

void receiver_free(struct e2ee_receiver *receiver) {
  struct media *media = receiver->media;
  (void)pthread_mutex_lock(&media->lock);
  struct e2ee_receiver **link = &media->receivers;
  while (*link != receiver)
    link = &(*link)->next;
  *link = receiver->next;
  media_keep_counts(media, &receiver->counters);
  (void)pthread_mutex_unlock(&media->lock);
  chain_drop(receiver->chain);
  destroy(receiver);
  media_drop(media);
}

static void lock(struct e2ee_receiver *receiver) {
  lock_politely(&receiver->lock);
}

static void unlock(struct e2ee_receiver *receiver) {
  (void)pthread_mutex_unlock(&receiver->lock);
}

/* Wipe the first key from `index` on that is of an epoch that is gone.  @return the index after it */
static unsigned wipe_one(struct e2ee_receiver *receiver, unsigned gone, unsigned index) {
  for (; index <= RECEIVER_KEYS; index++) {
    struct receiver_key *key = &receiver->keys[index];
    if (key->used == 0 || (gone >> media_epoch_slot(key->key.kid) & 1u) == 0)
      continue;
    sframe_key_wipe(&key->key);
    key->used = 0;
    return index + 1;
  }
  return index;
}

/* The lock is given back after each key and each few tracks, so that no frame waits for all of them.
 * Meanwhile no frame finds these epochs: nothing of them comes anew, and a key that a frame puts
 * elsewhere goes to the place for trials, the last that is visited. */
static void forget_epochs(struct e2ee_receiver *receiver, unsigned gone) {
  lock(receiver);
  for (unsigned i = 0; i < MEDIA_EPOCHS; i++)
    if ((gone >> i & 1u) != 0)
      receiver->installed.epochs[i] = NULL;
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

void receiver_publish(struct e2ee_receiver *receiver, unsigned gone) {
  if (gone != 0)
    forget_epochs(receiver, gone);
  lock(receiver);
  installed_copy(&receiver->installed);
  unlock(receiver);
}

/* Drop what the source has given up since this stream looked.
 * @param fresh  a key id of which a frame was accepted just now; may be NULL */
static void follow(struct e2ee_receiver *receiver, const uint64_t *fresh) {
  struct source *source = receiver->source;
  unsigned version = atomic_load_explicit(&source->version, memory_order_acquire);
  if (version == receiver->version)
    return;
  for (unsigned i = 0; i <= RECEIVER_KEYS; i++) {
    struct receiver_key *key = &receiver->keys[i];
    uint64_t kid = key->key.kid;
    unsigned seen = fresh != NULL && kid == *fresh ? UINT_MAX : receiver->version;
    if (key->used == 0 || source->type->alive(source, kid, seen))
      continue;
    if (i != RECEIVER_TRIAL)
      tracks_drop(&receiver->tracks, kid);
    sframe_key_wipe(&key->key);
    key->used = 0;
  }
  receiver->version = version;
}

void receiver_follow(struct e2ee_receiver *receiver) {
  lock(receiver);
  follow(receiver, NULL);
  unlock(receiver);
}

/* ---- Frames ---- */

/* The key of a key id: kept from an earlier frame, or derived in the place for trials. */
static enum err find_key(struct e2ee_receiver *receiver, const struct track *track, uint64_t kid,
                         unsigned *index) {
  if (track != NULL && track->hint != TRACKS_NONE) {
    const struct receiver_key *kept = &receiver->keys[track->hint];
    if (kept->used > 0 && kept->key.kid == kid) {
      *index = track->hint;
      return OK;
    }
  }
  enum err err;
  struct secret secret = {.size = 0};
  struct receiver_key *trial = &receiver->keys[RECEIVER_TRIAL];
  TRY(receiver->source->type->secret(receiver->source, kid, &secret));
  trial->used = 0;
  TRY(sframe_key_set(&receiver->media->suite, &secret, kid, &trial->key));
  trial->used = 1;
  *index = RECEIVER_TRIAL;
done:
  secret_wipe(&secret);
  return err;
}

/* A frame proved the key on trial: keep it in place of the one used longest ago. */
static unsigned keep_trial(struct e2ee_receiver *receiver) {
  unsigned oldest = 0;
  for (unsigned i = 1; i < RECEIVER_KEYS; i++)
    if (receiver->keys[i].used < receiver->keys[oldest].used)
      oldest = i;
  struct receiver_key evicted = receiver->keys[oldest];
  receiver->keys[oldest] = receiver->keys[RECEIVER_TRIAL];
  receiver->keys[RECEIVER_TRIAL] = evicted;
  wipe(&evicted, sizeof evicted);
  return oldest;
}

/* The frame is authentic: only now may it change what the receiver remembers. */
static void accept(struct e2ee_receiver *receiver, const struct origin *origin, struct track *track,
                   const struct sframe_header *header, unsigned index) {
  struct source *source = receiver->source;
  bool first = track == NULL;
  if (first) {
    track = tracks_begin(&receiver->tracks, header->kid);
    if (source->type->heard(source, header->kid))
      events_push(&receiver->media->events, (struct e2ee_event){.kind = E2EE_EVENT_PEER_SWITCHED,
                                                                .leaf = origin->leaf,
                                                                .epoch = origin->epoch,
                                                                .value = header->kid});
  }
  if (index == RECEIVER_TRIAL) {
    index = keep_trial(receiver);
    track->hint = (uint16_t)index;
  }
  receiver->keys[index].used = ++receiver->clock;
  tracks_mark(&receiver->tracks, track, header->counter);
  if (first)
    follow(receiver, &header->kid);
  if (atomic_load_explicit(&source->late, memory_order_relaxed) > 0)
    source->type->passed(source);
}

/* Whether a frame with this header is worth a look at its tag. */
static enum err admit(const struct e2ee_receiver *receiver, const struct track *track,
                      uint64_t counter) {
  if (track != NULL)
    return tracks_fresh(&receiver->tracks, track, counter) ? OK : ERR_REPLAY;
  return tracks_full(&receiver->tracks) ? ERR_LIMIT : OK;
}

/* What is read of a frame without a key.  @param trailer  NULL for a plain frame  @param room  out */
static enum err read_frame(const struct e2ee_receiver *receiver, struct view frame,
                           struct trailer *trailer, struct sframe_header *header, size_t *room) {
  enum err err;
  const struct aead *aead = receiver->media->suite.aead;
  if (trailer != NULL) {
    TRY(trailer_read(frame, aead->tag_size, trailer));
    *header = trailer->header;
    *room = frame.size;
  } else {
    TRY(sframe_header_read(frame, header));
    TRY(sframe_plaintext_size(aead, header, frame, room));
  }
done:
  return err;
}

static enum err decrypt(struct e2ee_receiver *receiver, struct view metadata, struct view frame,
                        struct trailer *trailer, uint8_t *out, size_t capacity, size_t *size,
                        struct e2ee_frame_info *info) {
  enum err err;
  struct sframe_header header = {0, 0, 0};
  struct origin origin = {0, 0};
  size_t room = 0;
  unsigned index = 0;
  TRY(receiver->broken ? ERR_INTERNAL : OK);
  TRY(read_frame(receiver, frame, trailer, &header, &room));
  if (capacity < room) {
    *size = room;
    return ERR_BUFFER_TOO_SMALL;
  }
  follow(receiver, NULL);
  TRY(receiver->source->type->who(receiver->source, header.kid, &origin));
  struct track *track = tracks_find(&receiver->tracks, header.kid);
  TRY(admit(receiver, track, header.counter));
  TRY(find_key(receiver, track, header.kid, &index));
  struct sframe_key *key = &receiver->keys[index].key;
  TRY(trailer != NULL ? sframe_unprotect_partial(key, trailer, metadata, frame, out, size)
                      : sframe_unprotect(key, &header, metadata, frame, out, size));
  accept(receiver, &origin, track, &header, index);
  *info = (struct e2ee_frame_info){.kid = header.kid,
                                   .counter = header.counter,
                                   .epoch = origin.epoch,
                                   .leaf = origin.leaf,
                                   .header_len = (uint32_t)header.size};
done:
  return err;
}

static void count(struct counters *counters, enum err err) {
  if (err == OK)
    counters_count(&counters->received);
  else if (err == ERR_NO_KEY || err == ERR_LIMIT)
    counters_count(&counters->no_key);
  else if (err == ERR_AUTH)
    counters_count(&counters->auth_failed);
  else if (err == ERR_REPLAY)
    counters_count(&counters->replayed);
  else if (err == ERR_MALFORMED)
    counters_count(&counters->malformed);
}

static enum err decrypt_with(struct e2ee_receiver *receiver, struct view metadata,
                             struct view frame, struct trailer *trailer, uint8_t *out,
                             size_t capacity, size_t *size, struct e2ee_frame_info *info) {
  lock_soon(&receiver->lock);
  enum err err = decrypt(receiver, metadata, frame, trailer, out, capacity, size, info);
  if (err == ERR_INTERNAL)
    receiver->broken = true;
  count(&receiver->counters, err);
  unlock(receiver);
  return err;
}

enum err receiver_decrypt(struct e2ee_receiver *receiver, struct view metadata, struct view frame,
                          uint8_t *out, size_t capacity, size_t *size,
                          struct e2ee_frame_info *info) {
  return decrypt_with(receiver, metadata, frame, NULL, out, capacity, size, info);
}

enum err receiver_decrypt_partial(struct e2ee_receiver *receiver, struct view metadata,
                                  struct view frame, uint8_t *out, size_t capacity, size_t *size,
                                  struct e2ee_frame_info *info) {
  struct trailer trailer;
  return decrypt_with(receiver, metadata, frame, &trailer, out, capacity, size, info);
}
