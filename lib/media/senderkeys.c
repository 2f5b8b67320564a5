/* SPDX-License-Identifier: ISC */
#include "media/senderkeys.h"

enum err senderkeys_new(uint16_t suite_id, unsigned bits, struct media **out) {
  enum err err = media_new(suite_id, out);
  if (err == OK)
    (*out)->ratchet_bits = bits;
  return err;
}

/* Take the lock of a media object with sender keys. */
static enum err enter(struct media *media) {
  if (media->ratchet_bits == 0)
    return ERR_INVALID_STATE;
  media_lock(media);
  return OK;
}

static enum err check_generation(uint64_t generation, unsigned bits) {
  return generation <= UINT64_MAX >> bits ? OK : ERR_INVALID_ARG;
}

static struct chain *find(const struct media *media, uint32_t sender) {
  struct chain *chain = media->chains;
  while (chain != NULL && chain->sender != sender)
    chain = chain->next;
  return chain;
}

/* ---- The own key ---- */

static void use_own(struct media *media, struct own_key *own) {
  own_key_free(media->own);
  media->own = own;
}

/* RFC 9605, section 4.4.1: a base_key encrypts for one sender only. */
static enum err check_own(const struct media *media, const struct own_key *own) {
  if (media->own != NULL && own_key_same(media->own, own))
    return ERR_INVALID_STATE;
  for (struct chain *chain = media->chains; chain != NULL; chain = chain->next)
    if (chain_holds(chain, &own->secret))
      return ERR_INVALID_STATE;
  return OK;
}

enum err senderkeys_set_own(struct media *media, uint64_t generation, struct view base_key) {
  struct own_key *own = NULL;
  enum err err = enter(media);
  if (err != OK)
    return err;
  TRY(check_generation(generation, media->ratchet_bits));
  TRY(generation >= media->first ? OK : ERR_OLD_EPOCH);
  TRY(own_key_new(&media->suite, media->ratchet_bits, generation, base_key, &own));
  TRY(check_own(media, own));
  TRY(media_switch(media, &own->outgoing));
  use_own(media, own);
  own = NULL;
  media->first = generation + 1;
done:
  media_unlock(media);
  own_key_free(own);
  return err;
}

/* Nobody who joins now can read a frame of a key that has encrypted none: it need not change.  And so
 * no step is ever skipped that receivers could not have heard of. */
static enum err ratchet(struct media *media, struct bytes *base_key) {
  enum err err;
  struct own_key *own = media->own, *next = NULL;
  if (own == NULL)
    return ERR_INVALID_STATE;
  if (atomic_load_explicit(&own->counter, memory_order_relaxed) == 0)
    return bytes_copy(base_key, view_of(own->base_key, own->base_size));
  TRY(own_key_next(own, &next));
  TRY(bytes_copy(base_key, view_of(next->base_key, next->base_size)));
  TRY(media_switch(media, &next->outgoing));
  use_own(media, next);
  next = NULL;
done:
  own_key_free(next);
  return err;
}

enum err senderkeys_ratchet(struct media *media, uint64_t *step, struct bytes *base_key) {
  struct bytes copy = {NULL, 0};
  enum err err = enter(media);
  if (err != OK)
    return err;
  TRY(ratchet(media, &copy));
  *step = media->own->step;
  bytes_move(base_key, &copy);
done:
  media_unlock(media);
  bytes_free(&copy);
  return err;
}

/* ---- Other senders ---- */

enum err senderkeys_add(struct media *media, uint32_t sender, unsigned bits) {
  struct chain *chain = NULL;
  enum err err = enter(media);
  if (err != OK)
    return err;
  TRY(media->first != UINT64_MAX ? OK : ERR_OLD_EPOCH);
  TRY(find(media, sender) == NULL ? OK : ERR_INVALID_STATE);
  TRY(chain_new(&media->suite, &media->events, sender, bits, &chain));
  chain->next = media->chains;
  media->chains = chain;
done:
  media_unlock(media);
  return err;
}

static enum err check_others(const struct media *media, const struct chain *own,
                             const struct secret *secret) {
  if (media->own != NULL && secret_equal(secret_view(&media->own->secret), secret_view(secret)))
    return ERR_INVALID_STATE;
  for (struct chain *chain = media->chains; chain != NULL; chain = chain->next)
    if (chain != own && chain_holds(chain, secret))
      return ERR_INVALID_STATE;
  return OK;
}

enum err senderkeys_set(struct media *media, uint32_t sender, uint64_t generation, uint64_t step,
                        struct view base_key) {
  struct secret secret = {.size = 0};
  enum err err = enter(media);
  if (err != OK)
    return err;
  struct chain *chain = find(media, sender);
  TRY(chain != NULL ? OK : ERR_NOT_FOUND);
  TRY(check_generation(generation, chain->bits));
  TRY(sframe_secret(&media->suite, base_key, &secret));
  TRY(check_others(media, chain, &secret));
  TRY(chain_set(chain, generation, step, &secret));
done:
  media_unlock(media);
  secret_wipe(&secret);
  return err;
}

/* Give keys up, and wipe them in every stream. */
static void retire(struct media *media, struct chain *chain, uint64_t generation) {
  chain_retire(chain, generation);
  for (struct e2ee_receiver *r = media->receivers; r != NULL; r = r->next)
    if (r->chain == chain)
      receiver_follow(r);
}

enum err senderkeys_retire(struct media *media, uint32_t sender, uint64_t generation) {
  enum err err = enter(media);
  if (err != OK)
    return err;
  struct chain *chain = find(media, sender);
  TRY(chain != NULL ? OK : ERR_NOT_FOUND);
  retire(media, chain, generation);
done:
  media_unlock(media);
  return err;
}

enum err senderkeys_remove(struct media *media, uint32_t sender) {
  enum err err = enter(media);
  if (err != OK)
    return err;
  struct chain *chain = find(media, sender);
  TRY(chain != NULL ? OK : ERR_NOT_FOUND);
  struct chain **link = &media->chains;
  while (*link != chain)
    link = &(*link)->next;
  *link = chain->next;
  retire(media, chain, UINT64_MAX);
  chain_drop(chain);
done:
  media_unlock(media);
  return err;
}

enum err senderkeys_receiver(struct media *media, uint32_t sender, struct e2ee_receiver **out) {
  enum err err = enter(media);
  if (err != OK)
    return err;
  struct chain *chain = find(media, sender);
  if (chain != NULL)
    chain_share(chain);
  media_unlock(media);
  if (chain == NULL)
    return ERR_NOT_FOUND;
  err = receiver_new(media, chain, out);
  chain_drop(chain);
  return err;
}

/* ---- The end ---- */

void senderkeys_end(struct media *media) {
  media_silence(media);
  use_own(media, NULL);
  for (struct chain *chain = media->chains; chain != NULL; chain = chain->next)
    retire(media, chain, UINT64_MAX);
  media->first = UINT64_MAX;
}

void senderkeys_free(struct media *media) {
  use_own(media, NULL);
  while (media->chains != NULL) {
    struct chain *chain = media->chains;
    media->chains = chain->next;
    chain_drop(chain);
  }
}
