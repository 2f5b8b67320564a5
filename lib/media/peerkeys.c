/* SPDX-License-Identifier: ISC */
#include "media/peerkeys.h"

#include "base/mem.h"
#include "media/sender.h"

static const struct keys_type type;

struct peer_keys *peer_keys_of(const struct media *media) {
  return media->keys->type == &type ? (struct peer_keys *)media->keys : NULL;
}

/* Take the lock of a media object with peer keys. */
static enum err enter(struct media *media, struct peer_keys **out) {
  *out = peer_keys_of(media);
  if (*out == NULL)
    return ERR_INVALID_STATE;
  media_lock(media);
  return OK;
}

static enum err check_generation(uint64_t generation, unsigned bits) {
  return generation <= UINT64_MAX >> bits ? OK : ERR_INVALID_ARG;
}

static struct chain *find(const struct peer_keys *keys, uint32_t sender) {
  struct chain *chain = keys->chains;
  while (chain != NULL && chain->sender != sender)
    chain = chain->next;
  return chain;
}

/* Take the lock for what concerns another sender. */
static enum err enter_of(struct media *media, uint32_t sender, struct peer_keys **out,
                         struct chain **chain) {
  enum err err = enter(media, out);
  if (err != OK)
    return err;
  *chain = find(*out, sender);
  if (*chain != NULL)
    return OK;
  media_unlock(media);
  return ERR_NOT_FOUND;
}

/* ---- The own key ---- */

static void use_own(struct peer_keys *keys, struct own_key *own) {
  own_key_free(keys->own);
  keys->own = own;
}

/* RFC 9605, section 4.4.1: a base_key encrypts for one sender only. */
static enum err check_own(const struct peer_keys *keys, const struct own_key *own) {
  if (keys->own != NULL && own_key_same(keys->own, own))
    return ERR_INVALID_STATE;
  for (struct chain *chain = keys->chains; chain != NULL; chain = chain->next)
    if (chain_holds(chain, &own->secret))
      return ERR_INVALID_STATE;
  return OK;
}

enum err peerkeys_set_own(struct media *media, uint64_t generation, struct view base_key) {
  struct own_key *own = NULL;
  struct peer_keys *keys = NULL;
  enum err err = enter(media, &keys);
  if (err != OK)
    return err;
  TRY(check_generation(generation, keys->ratchet_bits));
  TRY(generation >= keys->first ? OK : ERR_OLD_EPOCH);
  TRY(own_key_new(&media->suite, keys->ratchet_bits, generation, base_key, &own));
  TRY(check_own(keys, own));
  TRY(senders_switch(media, &own->outgoing));
  use_own(keys, own);
  own = NULL;
  keys->first = generation + 1;
done:
  media_unlock(media);
  own_key_free(own);
  return err;
}

/* Nobody who joins now can read a frame of a key that has encrypted none: it need not change.  And so
 * no step is ever skipped that receivers could not have heard of. */
static enum err ratchet(struct peer_keys *keys, struct bytes *base_key) {
  enum err err;
  struct own_key *own = keys->own, *next = NULL;
  if (own == NULL)
    return ERR_INVALID_STATE;
  if (atomic_load_explicit(&own->counter, memory_order_relaxed) == 0)
    return bytes_copy(base_key, view_of(own->base_key, own->base_size));
  TRY(own_key_next(own, &next));
  TRY(bytes_copy(base_key, view_of(next->base_key, next->base_size)));
  TRY(senders_switch(keys->media, &next->outgoing));
  use_own(keys, next);
  next = NULL;
done:
  own_key_free(next);
  return err;
}

enum err peerkeys_ratchet(struct media *media, uint64_t *step, struct bytes *base_key) {
  struct bytes copy = {NULL, 0};
  struct peer_keys *keys = NULL;
  enum err err = enter(media, &keys);
  if (err != OK)
    return err;
  TRY(ratchet(keys, &copy));
  *step = keys->own->step;
  bytes_move(base_key, &copy);
done:
  media_unlock(media);
  bytes_free(&copy);
  return err;
}

/* ---- Other senders ---- */

enum err peerkeys_add(struct media *media, uint32_t sender, unsigned bits) {
  struct chain *chain = NULL;
  struct peer_keys *keys = NULL;
  enum err err = enter(media, &keys);
  if (err != OK)
    return err;
  TRY(keys->first != UINT64_MAX ? OK : ERR_OLD_EPOCH);
  TRY(find(keys, sender) == NULL ? OK : ERR_INVALID_STATE);
  TRY(chain_new(&media->suite, &media->events, sender, bits, &chain));
  chain->next = keys->chains;
  keys->chains = chain;
done:
  media_unlock(media);
  return err;
}

static enum err check_others(const struct peer_keys *keys, const struct chain *own,
                             const struct secret *secret) {
  if (keys->own != NULL && secret_equal(secret_view(&keys->own->secret), secret_view(secret)))
    return ERR_INVALID_STATE;
  for (struct chain *chain = keys->chains; chain != NULL; chain = chain->next)
    if (chain != own && chain_holds(chain, secret))
      return ERR_INVALID_STATE;
  return OK;
}

enum err peerkeys_set(struct media *media, uint32_t sender, uint64_t generation, uint64_t step,
                      struct view base_key) {
  struct secret secret = {.size = 0};
  struct peer_keys *keys = NULL;
  struct chain *chain = NULL;
  enum err err = enter_of(media, sender, &keys, &chain);
  if (err != OK)
    return err;
  TRY(check_generation(generation, chain->bits));
  TRY(sframe_secret(&media->suite, base_key, &secret));
  TRY(check_others(keys, chain, &secret));
  TRY(chain_set(chain, generation, step, &secret));
done:
  media_unlock(media);
  secret_wipe(&secret);
  return err;
}

/* Give keys up, and wipe them in every stream. */
static void give_up(struct media *media, struct chain *chain, uint64_t generation) {
  chain_retire(chain, generation);
  receivers_follow(media, &chain->source);
}

enum err peerkeys_retire(struct media *media, uint32_t sender, uint64_t generation) {
  struct peer_keys *keys = NULL;
  struct chain *chain = NULL;
  enum err err = enter_of(media, sender, &keys, &chain);
  if (err != OK)
    return err;
  give_up(media, chain, generation);
  media_unlock(media);
  return OK;
}

enum err peerkeys_remove(struct media *media, uint32_t sender) {
  struct peer_keys *keys = NULL;
  struct chain *chain = NULL;
  enum err err = enter_of(media, sender, &keys, &chain);
  if (err != OK)
    return err;
  struct chain **place = &keys->chains;
  while (*place != chain)
    place = &(*place)->next;
  *place = chain->next;
  give_up(media, chain, UINT64_MAX);
  chain_drop(chain);
  media_unlock(media);
  return OK;
}

enum err peerkeys_receiver(struct media *media, uint32_t sender, struct e2ee_receiver **out) {
  struct peer_keys *keys = NULL;
  struct chain *chain = NULL;
  enum err err = enter_of(media, sender, &keys, &chain);
  if (err != OK)
    return err;
  chain_share(chain);
  media_unlock(media);
  err = receiver_new(media, &chain->source, out);
  if (err != OK)
    chain_drop(chain);
  return err;
}

/* ---- Their life ---- */

static enum err retire(struct keys *base, uint64_t epoch) {
  struct peer_keys *keys = (struct peer_keys *)base;
  if (epoch != UINT64_MAX)
    return ERR_INVALID_STATE;
  senders_silence(keys->media);
  use_own(keys, NULL);
  for (struct chain *chain = keys->chains; chain != NULL; chain = chain->next)
    give_up(keys->media, chain, UINT64_MAX);
  keys->first = UINT64_MAX;
  return OK;
}

static void end(struct keys *base) {
  struct peer_keys *keys = (struct peer_keys *)base;
  use_own(keys, NULL);
  while (keys->chains != NULL) {
    struct chain *chain = keys->chains;
    keys->chains = chain->next;
    chain_drop(chain);
  }
  mem_free(keys);
}

static const struct keys_type type = {.retire = retire, .free = end};

enum err peerkeys_new(uint16_t suite_id, unsigned bits, struct media **out) {
  struct peer_keys *keys = mem_new(1, sizeof *keys);
  if (keys == NULL)
    return ERR_NOMEM;
  keys->keys.type = &type;
  keys->ratchet_bits = bits;
  enum err err = media_new(suite_id, &keys->keys, out);
  if (err != OK) {
    mem_free(keys);
    return err;
  }
  keys->media = *out;
  return OK;
}
