/* SPDX-License-Identifier: ISC */
#include "media/sender.h"

#include "base/mem.h"

static void key_free(struct sender_key *key) {
  if (key == NULL)
    return;
  sframe_key_free(&key->key);
  locked_free(key, sizeof *key);
}

static enum err key_new(const struct sframe_suite *suite, struct outgoing *outgoing,
                        struct sender_key **out) {
  enum err err;
  struct draw draw = {.secret = NULL};
  struct sender_key *key = locked_new(sizeof *key);
  if (key == NULL)
    return ERR_NOMEM;
  TRY(sframe_key_new(suite, &key->key));
  TRY(outgoing->draw(outgoing, &draw));
  TRY(sframe_key_set(suite, draw.secret, draw.kid, &key->key));
  key->epoch = draw.epoch;
  key->leaf = draw.leaf;
  key->shared = draw.counter;
  *out = key;
  key = NULL;
done:
  key_free(key);
  return err;
}

/* ---- All of them; media->lock is held ---- */

static struct e2ee_sender *first(const struct media *media) {
  return (struct e2ee_sender *)media->senders;
}

static struct e2ee_sender *next_of(const struct e2ee_sender *sender) {
  return (struct e2ee_sender *)sender->stream.next;
}

/* Derive the key that a sender goes on with. */
static enum err prepare(struct e2ee_sender *sender, struct outgoing *outgoing) {
  return key_new(&sender->media->suite, outgoing, &sender->prepared);
}

/* Use what was prepared (nothing: no key) from the next frame on; the key before is wiped. */
static void go_on(struct e2ee_sender *sender) {
  latch_take_politely(&sender->latch);
  struct sender_key *before = sender->key;
  sender->key = sender->prepared;
  latch_leave(&sender->latch);
  sender->prepared = NULL;
  key_free(before);
}

static void abandon(struct e2ee_sender *sender) {
  key_free(sender->prepared);
  sender->prepared = NULL;
}

enum err senders_switch(struct media *media, struct outgoing *next) {
  enum err err = OK;
  for (struct e2ee_sender *s = first(media); s != NULL; s = next_of(s))
    TRY(prepare(s, next));
  for (struct e2ee_sender *s = first(media); s != NULL; s = next_of(s))
    go_on(s);
  media->active = next;
  return OK;
done:
  for (struct e2ee_sender *s = first(media); s != NULL; s = next_of(s))
    abandon(s);
  return err;
}

void senders_silence(struct media *media) {
  media->active = NULL;
  for (struct e2ee_sender *s = first(media); s != NULL; s = next_of(s))
    go_on(s);
}

/* ---- One of them ---- */

enum err sender_new(struct media *media, struct e2ee_sender **out) {
  enum err err = OK;
  struct e2ee_sender *sender = mem_new(1, sizeof *sender);
  if (sender == NULL)
    return ERR_NOMEM;
  sender->media = media;

  media_lock(media);
  if (media->active != NULL)
    err = key_new(&media->suite, media->active, &sender->key);
  if (err == OK)
    media_enter(media, &media->senders, &sender->stream);
  media_unlock(media);

  if (err == OK) {
    *out = sender;
  } else {
    mem_free(sender);
  }
  return err;
}

void sender_free(struct e2ee_sender *sender) {
  struct media *media = sender->media;
  media_leave(media, &media->senders, &sender->stream);
  key_free(sender->key);
  mem_free(sender);
  media_drop(media);
}

RARE static void tell_low(const struct e2ee_sender *sender) {
  const struct sender_key *key = sender->key;
  events_push(&sender->media->events, (struct e2ee_event){.kind = E2EE_EVENT_KEY_LOW,
                                                          .leaf = key->leaf,
                                                          .epoch = key->epoch,
                                                          .value = SENDER_FRAMES_LOW});
}

/* RFC 9605, section 9.1: spent before it is used, so that no failure can lead to it again.  A counter
 * that is shared has room above SENDER_FRAMES for more failures than there will ever be. */
static uint64_t spend_counter(struct sender_key *key) {
  if (key->shared == NULL)
    return key->counter++;
  return atomic_fetch_add_explicit(key->shared, 1, memory_order_relaxed);
}

static ALWAYS_INLINE enum err encrypt(struct e2ee_sender *sender, const struct frame_call *call,
                                      const struct frame_format *format) {
  struct sender_key *key = sender->key;
  if (sender->broken)
    return ERR_INTERNAL;
  if (key == NULL)
    return ERR_NO_KEY;
  uint64_t counter = spend_counter(key);
  if (counter >= SENDER_FRAMES)
    return ERR_KEY_EXHAUSTED;
  enum err err = format->protect(&key->key, counter, call);
  if (err != OK)
    sender->broken = true;
  else if (SENDER_FRAMES - counter - 1 == SENDER_FRAMES_LOW)
    tell_low(sender);
  return err;
}

static ALWAYS_INLINE enum err encrypt_as(struct e2ee_sender *sender, const struct frame_call *call,
                                         const struct frame_format *format) {
  /* The most is asked for always, or a buffer could do for the first frames only. */
  const size_t overhead = format->overhead(call);
  if (call->capacity < overhead || call->capacity - overhead < call->frame.size) {
    *call->size = call->frame.size + overhead;
    return ERR_BUFFER_TOO_SMALL;
  }
  latch_take(&sender->latch);
  enum err err = encrypt(sender, call, format);
  if (err == OK)
    counters_count(&sender->stream.counters.sent);
  else if (err == ERR_NO_KEY || err == ERR_KEY_EXHAUSTED)
    counters_count(&sender->stream.counters.no_key);
  latch_leave(&sender->latch);
  return err;
}

/* Compiled for this format alone. */
enum err sender_encrypt(struct e2ee_sender *sender, const struct frame_call *call) {
  return encrypt_as(sender, call, &format_plain);
}

enum err sender_encrypt_as(struct e2ee_sender *sender, const struct frame_call *call,
                           const struct frame_format *format) {
  return encrypt_as(sender, call, format);
}
