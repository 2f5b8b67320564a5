/* SPDX-License-Identifier: ISC */
#include "media/chain.h"

#include <string.h>

#include "base/traces.h"

static struct chain *chain_of(struct source *source) {
  return (struct chain *)source;
}

static void chain_lock(struct chain *chain) {
  lock_take(&chain->lock);
}

static void chain_unlock(struct chain *chain) {
  lock_leave(&chain->lock);
}

uint64_t chain_reach(unsigned bits) {
  uint64_t half = (uint64_t)1 << (bits - 1);
  return half - 1 < CHAIN_REACH_MAX ? half - 1 : CHAIN_REACH_MAX;
}

static uint64_t mask_of(const struct chain *chain) {
  return ((uint64_t)1 << chain->bits) - 1;
}

/* How far a key id is ahead of a link of its generation; what is behind looks very far ahead. */
static uint64_t ahead_of(const struct chain *chain, const struct chain_link *link, uint64_t kid) {
  return (kid - link->step) & mask_of(chain);
}

/* ---- Changing the list; the lock is held ---- */

static unsigned next_version(const struct chain *chain) {
  return atomic_load_explicit(&chain->source.version, memory_order_relaxed) + 1;
}

/* Keys were given up: the streams are to notice. */
static void bump_version(struct chain *chain) {
  atomic_store_explicit(&chain->source.version, next_version(chain), memory_order_release);
}

/* Wipe the first links: those before the one in use, at least.  The first of the rest is in use. */
static void give_up(struct chain *chain, unsigned links) {
  unsigned rest = chain->count - links;
  memmove(chain->links, chain->links + links, rest * sizeof chain->links[0]);
  wipe(chain->links + rest, links * sizeof chain->links[0]);
  chain->count = rest;
  chain->now = 0;
  if (links > 0)
    bump_version(chain);
}

/* Go on to a link that takes the place of those from the one in use up to `after`. */
static void go_on(struct chain *chain, unsigned after, const struct chain_link *link) {
  unsigned rest = chain->count - after, before = chain->count;
  unsigned since = next_version(chain);
  chain->links[0] = chain->links[chain->now];
  memmove(chain->links + 2, chain->links + after, rest * sizeof chain->links[0]);
  chain->links[1] = *link;
  chain->links[1].since = since;
  chain->now = 1;
  chain->count = 2 + rest;
  if (chain->count < before)
    wipe(chain->links + chain->count, (before - chain->count) * sizeof chain->links[0]);
  bump_version(chain);
  atomic_store_explicit(&chain->source.late, CHAIN_LATE, memory_order_relaxed);
}

/* ---- Frames ---- */

/* Tell something once, until the next key is set. */
static void tell(struct chain *chain, atomic_bool *told, uint32_t kind, uint64_t kid) {
  if (atomic_exchange_explicit(told, true, memory_order_relaxed))
    return;
  events_push(chain->events,
              (struct e2ee_event){
                  .kind = kind, .leaf = chain->sender, .epoch = kid >> chain->bits, .value = kid});
}

/* Whether a key id that no link leads to may be one that the sender will use, or uses. */
static bool is_news(const struct chain *chain, uint64_t kid) {
  if (chain->count == 0)
    return kid >> chain->bits >= chain->first;
  const struct chain_link *newest = &chain->links[chain->count - 1];
  uint64_t generation = kid >> chain->bits;
  if (generation != newest->generation)
    return generation > newest->generation;
  return ahead_of(chain, newest, kid) <= mask_of(chain) / 2;
}

/* Copy the link that leads to a key id, which is `ahead` steps on. */
static enum err find(struct chain *chain, uint64_t kid, struct chain_link *out, uint64_t *ahead) {
  for (unsigned i = 0; i < chain->count; i++) {
    const struct chain_link *link = &chain->links[i];
    uint64_t distance = ahead_of(chain, link, kid);
    if (link->generation != kid >> chain->bits)
      continue;
    if (distance == 0 || (i >= chain->now && distance <= chain_reach(chain->bits))) {
      *out = *link;
      *ahead = distance;
      return OK;
    }
  }
  /* Of a generation that nobody told us of, or too far ahead in one: worth asking the sender. */
  if (is_news(chain, kid))
    tell(chain, &chain->told, E2EE_EVENT_UNKNOWN_EPOCH, kid);
  return ERR_NO_KEY;
}

/* The link of a key id, there already or ratcheted to.  @param link  out: to be wiped */
static enum err reach(struct chain *chain, uint64_t kid, struct chain_link *link) {
  struct secret base_key = {.size = 0};
  uint64_t ahead = 0;
  chain_lock(chain);
  enum err err = find(chain, kid, link, &ahead);
  chain_unlock(chain);
  for (; err == OK && ahead > 0; ahead--) {
    TRY(sframe_ratchet(chain->suite, &link->secret, &base_key));
    TRY(sframe_secret(chain->suite, secret_view(&base_key), &link->secret));
    link->step++;
  }
done:
  secret_wipe(&base_key);
  return err;
}

static enum err who(const struct source *source, uint64_t kid, struct frame_origin *out) {
  const struct chain *chain = (const struct chain *)source;
  *out = (struct frame_origin){
      .epoch = kid >> chain->bits, .mask = UINT64_MAX, .leaf = chain->sender}; /* one stream */
  return OK;
}

static enum err secret_of(struct source *source, uint64_t kid, struct secret *out) {
  struct chain_link link;
  enum err err = reach(chain_of(source), kid, &link);
  if (err == OK)
    *out = link.secret;
  wipe(&link, sizeof link);
  return err;
}

/* A frame of this link proved authentic: go there, unless the sender was heard further on meanwhile.
 * Returns whether it is the first of its key. */
static bool move(struct chain *chain, const struct chain_link *link) {
  for (unsigned i = 0; i < chain->count; i++) {
    struct chain_link *there = &chain->links[i];
    if (there->generation != link->generation || there->step > link->step)
      continue;
    bool first = there->step < link->step || !there->heard;
    if (there->step < link->step && i < chain->now)
      continue;
    if (i > chain->now || there->step < link->step) {
      go_on(chain, i + 1, link);
      there = &chain->links[chain->now];
    }
    there->heard = true;
    return first;
  }
  return false;
}

static bool heard(struct source *source, uint64_t kid) {
  struct chain *chain = chain_of(source);
  struct chain_link link;
  bool first = false;
  if (reach(chain, kid, &link) == OK) {
    chain_lock(chain);
    first = move(chain, &link);
    chain_unlock(chain);
  }
  wipe(&link, sizeof link);
  traces_wipe();
  return first;
}

static void differs(struct source *source, uint64_t kid) {
  struct chain *chain = chain_of(source);
  tell(chain, &chain->differs, E2EE_EVENT_PEER_DIFFERS, kid);
}

static void passed(struct source *source) {
  struct chain *chain = chain_of(source);
  unsigned late = atomic_load_explicit(&source->late, memory_order_relaxed);
  while (late > 0 &&
         !atomic_compare_exchange_weak_explicit(&source->late, &late, late - 1,
                                                memory_order_relaxed, memory_order_relaxed))
    continue;
  if (late != 1)
    return;
  chain_lock(chain);
  /* Unless the sender has gone on just now, and what is before is new. */
  if (atomic_load_explicit(&source->late, memory_order_relaxed) == 0)
    give_up(chain, chain->now);
  chain_unlock(chain);
  traces_wipe_registers();
}

/* Key ids come again, 2^R steps on: what a stream has is of a link that was there when it looked. */
static bool alive(struct source *source, uint64_t kid, unsigned seen) {
  struct chain *chain = chain_of(source);
  bool found = false;
  chain_lock(chain);
  for (unsigned i = 0; i < chain->count && !found; i++) {
    const struct chain_link *link = &chain->links[i];
    found = link->generation == kid >> chain->bits && ahead_of(chain, link, kid) == 0 &&
            link->since <= seen;
  }
  chain_unlock(chain);
  return found;
}

static void drop(struct source *source) {
  chain_drop(chain_of(source));
}

static const struct source_type type = {.who = who,
                                        .secret = secret_of,
                                        .heard = heard,
                                        .differs = differs,
                                        .drop = drop,
                                        .passed = passed,
                                        .alive = alive};

/* ---- Control ---- */

enum err chain_new(const struct sframe_suite *suite, struct events *events, uint32_t sender,
                   unsigned bits, struct chain **out) {
  struct chain *chain = locked_new(sizeof *chain);
  if (chain == NULL)
    return ERR_NOMEM;
  if (lock_init(&chain->lock) != OK) {
    locked_free(chain, sizeof *chain);
    return ERR_NOMEM;
  }
  refs_init(&chain->refs);
  chain->source.type = &type;
  chain->suite = suite;
  chain->events = events;
  chain->sender = sender;
  chain->bits = bits;
  *out = chain;
  return OK;
}

struct chain *chain_share(struct chain *chain) {
  refs_take(&chain->refs);
  return chain;
}

void chain_drop(struct chain *chain) {
  if (chain == NULL || !refs_drop(&chain->refs))
    return;
  lock_destroy(&chain->lock);
  locked_free(chain, sizeof *chain);
}

/* Of the newest generation, which is in use or waits. */
static enum err set_step(struct chain *chain, const struct chain_link *link) {
  struct chain_link *newest = &chain->links[chain->count - 1];
  if (link->step < newest->step)
    return ERR_OLD_EPOCH;
  if (link->step == newest->step)
    return secret_equal(secret_view(&newest->secret), secret_view(&link->secret))
               ? OK
               : ERR_INVALID_STATE;
  if (chain->now == chain->count - 1) {
    bool in_reach = link->step - newest->step <= chain_reach(chain->bits);
    go_on(chain, chain->count, link);
    if (!in_reach)
      give_up(chain, chain->now); /* two links of one generation may not have equal key ids */
  } else {
    unsigned since = next_version(chain);
    *newest = *link;
    newest->since = since;
    bump_version(chain);
  }
  return OK;
}

static enum err set(struct chain *chain, struct chain_link *link) {
  if (link->generation < chain->first)
    return ERR_OLD_EPOCH;
  if (chain->count > 0) {
    uint64_t newest = chain->links[chain->count - 1].generation;
    if (link->generation < newest)
      return ERR_OLD_EPOCH;
    if (link->generation == newest)
      return set_step(chain, link);
  }
  if (chain->count - chain->now == CHAIN_LINKS - 1)
    give_up(chain, chain->now + 1);
  chain->links[chain->count++] = *link;
  return OK;
}

enum err chain_set(struct chain *chain, uint64_t generation, uint64_t step,
                   const struct secret *secret) {
  struct chain_link link = {.generation = generation, .step = step, .secret = *secret};
  chain_lock(chain);
  enum err err = set(chain, &link);
  chain_unlock(chain);
  if (err == OK) {
    atomic_store_explicit(&chain->told, false, memory_order_relaxed);
    atomic_store_explicit(&chain->differs, false, memory_order_relaxed);
  }
  wipe(&link, sizeof link);
  return err;
}

bool chain_holds(struct chain *chain, const struct secret *secret) {
  bool found = false;
  chain_lock(chain);
  for (unsigned i = 0; i < chain->count; i++)
    found |= secret_equal(secret_view(&chain->links[i].secret), secret_view(secret));
  chain_unlock(chain);
  return found;
}

void chain_retire(struct chain *chain, uint64_t generation) {
  chain_lock(chain);
  unsigned old = chain->now;
  while (old < chain->count && chain->links[old].generation < generation)
    old++;
  give_up(chain, old);
  if (chain->first < generation)
    chain->first = generation;
  chain_unlock(chain);
}
