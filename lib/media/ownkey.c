/* SPDX-License-Identifier: ISC */
#include "media/ownkey.h"

#include <string.h>

#include "crypto/hkdf.h"

static enum err draw(struct outgoing *outgoing, struct draw *out) {
  struct own_key *own = (struct own_key *)outgoing;
  uint64_t mask = ((uint64_t)1 << own->bits) - 1;
  *out = (struct draw){.secret = &own->secret,
                       .kid = own->generation << own->bits | (own->step & mask),
                       .epoch = own->generation,
                       .leaf = UINT32_MAX,
                       .counter = &own->counter};
  return OK;
}

static enum err key_new(const struct sframe_suite *suite, unsigned bits, struct view base_key,
                        struct own_key **out) {
  enum err err;
  struct own_key *own = locked_new(sizeof *own);
  if (own == NULL)
    return ERR_NOMEM;
  own->outgoing.draw = draw;
  own->suite = suite;
  own->bits = bits;
  memcpy(own->base_key, base_key.data, base_key.size);
  own->base_size = base_key.size;
  TRY(sframe_secret(suite, base_key, &own->secret));
  *out = own;
  own = NULL;
done:
  own_key_free(own);
  return err;
}

enum err own_key_new(const struct sframe_suite *suite, unsigned bits, uint64_t generation,
                     struct view base_key, struct own_key **out) {
  enum err err;
  struct own_key *own = NULL;
  const struct view label = VIEW_TEXT("libe2ee own key");
  TRY(key_new(suite, bits, base_key, &own));
  TRY(hkdf_expand(suite->hash, secret_view(&own->secret), &label, 1, own->mark, sizeof own->mark));
  own->generation = generation;
  *out = own;
  own = NULL;
done:
  own_key_free(own);
  return err;
}

enum err own_key_next(const struct own_key *own, struct own_key **out) {
  enum err err;
  struct own_key *next = NULL;
  struct secret base_key = {.size = 0};
  TRY(sframe_ratchet(own->suite, &own->secret, &base_key));
  TRY(key_new(own->suite, own->bits, secret_view(&base_key), &next));
  next->generation = own->generation;
  next->step = own->step + 1;
  memcpy(next->mark, own->mark, sizeof next->mark);
  *out = next;
  next = NULL;
done:
  own_key_free(next);
  secret_wipe(&base_key);
  return err;
}

void own_key_free(struct own_key *own) {
  locked_free(own, sizeof *own);
}

bool own_key_same(const struct own_key *a, const struct own_key *b) {
  return secret_equal(VIEW_ARRAY(a->mark), VIEW_ARRAY(b->mark));
}
