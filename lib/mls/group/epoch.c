/* SPDX-License-Identifier: ISC */
#include "mls/group/epoch.h"

#include <string.h>

#include "base/mem.h"
#include "crypto/kdf.h"

void epoch_free(struct epoch *epoch) {
  if (epoch == NULL)
    return;
  bytes_free(&epoch->context_raw);
  bytes_free(&epoch->reinit);
  tree_drop(epoch->tree);
  private_keys_free(epoch->keys);
  locked_free(epoch->secrets, sizeof *epoch->secrets);
  secret_tree_free(epoch->secret_tree);
  mem_free(epoch);
}

enum err epoch_write_context(const struct epoch_parts *parts, struct view confirmed_transcript_hash,
                             struct bytes *out) {
  struct writer writer = {0};
  struct group_context context = {
      .version = MLS_VERSION_10,
      .cipher_suite = tree_suite(parts->tree)->id,
      .group_id = parts->group_id,
      .epoch = parts->epoch,
      .tree_hash = tree_hash(parts->tree),
      .confirmed_transcript_hash = confirmed_transcript_hash,
      .extensions = parts->extensions,
  };
  group_context_write(&writer, &context);
  enum err err = writer_take(&writer, out);
  writer_free(&writer);
  return err;
}

size_t epoch_context_size(const struct epoch *epoch, struct view extensions) {
  struct group_context context = epoch->context;
  const size_t hash = epoch->suite->hash->size; /* there is none yet in the first epoch */
  context.confirmed_transcript_hash = view_of(epoch->interim_transcript_hash, hash);
  context.extensions = extensions;
  return group_context_size(&context);
}

enum err epoch_set_context(struct epoch *epoch, struct view context) {
  enum err err = OK;
  struct bytes copy = {0};
  struct group_context parsed;
  TRY(bytes_copy(&copy, context));
  struct reader reader = reader_of(bytes_view(&copy));
  TRY(group_context_read(&reader, &parsed));
  TRY(read_end(&reader));
  bytes_free(&epoch->context_raw);
  bytes_move(&epoch->context_raw, &copy);
  epoch->context = parsed;
done:
  bytes_free(&copy);
  return err;
}

/* The parts of an epoch that need no secret. */
static enum err epoch_new(const struct epoch_parts *parts, struct view context,
                          struct epoch **out) {
  enum err err = OK;
  struct epoch *epoch = mem_new(1, sizeof *epoch);
  TRY(epoch == NULL ? ERR_NOMEM : OK);
  epoch->suite = tree_suite(parts->tree);
  epoch->tree = tree_share(parts->tree);
  epoch->own_leaf = parts->own_leaf;
  TRY(epoch_set_context(epoch, context));
  TRY(bytes_copy(&epoch->reinit, parts->reinit));
  epoch->secrets = locked_new(sizeof *epoch->secrets);
  TRY(epoch->secrets == NULL ? ERR_NOMEM : OK);
  *out = epoch;
  epoch = NULL;
done:
  epoch_free(epoch);
  return err;
}

/* With the secrets there: confirmation tag, interim transcript hash, secret tree. */
static enum err epoch_complete(struct epoch *epoch) {
  enum err err = OK;
  struct view confirmed = epoch->context.confirmed_transcript_hash;
  TRY(schedule_confirmation_tag(epoch->suite, epoch->secrets, confirmed, epoch->confirmation_tag));
  TRY(schedule_interim_hash(epoch->suite, confirmed, epoch_confirmation_tag(epoch),
                            epoch->interim_transcript_hash));
  TRY(secret_tree_new(epoch->suite, &epoch->secrets->encryption, tree_width(epoch->tree),
                      &epoch->secret_tree));
done:
  return err;
}

enum err epoch_advance(const struct epoch_parts *parts, const struct epoch_inputs *inputs,
                       struct view interim, struct view transcript, struct private_keys **keys,
                       struct secret *joiner_secret, struct epoch **out) {
  enum err err = OK;
  const struct suite *suite = tree_suite(parts->tree);
  uint8_t confirmed[HASH_MAX];
  struct bytes context = {0};
  struct secret joiner = {0};
  struct epoch *epoch = NULL;
  TRY(schedule_confirmed_hash(suite, interim, transcript, confirmed));
  TRY(epoch_write_context(parts, view_of(confirmed, suite->hash->size), &context));
  TRY(epoch_new(parts, bytes_view(&context), &epoch));
  TRY(schedule_joiner(suite, inputs->init_secret, inputs->commit_secret, bytes_view(&context),
                      &joiner));
  TRY(schedule_epoch(suite, &joiner, inputs->psk_secret, bytes_view(&context), epoch->secrets));
  TRY(epoch_complete(epoch));
  if (joiner_secret != NULL)
    secret_move(joiner_secret, &joiner);
  epoch->keys = *keys;
  *keys = NULL;
  *out = epoch;
  epoch = NULL;
done:
  secret_wipe(&joiner);
  bytes_free(&context);
  epoch_free(epoch);
  return err;
}

enum err epoch_create(const struct epoch_parts *parts, struct private_keys **keys,
                      struct epoch **out) {
  enum err err = OK;
  struct bytes context = {0};
  struct epoch *epoch = NULL;
  /* RFC 9420, section 11: zero-length confirmed transcript hash, random epoch secret. */
  TRY(epoch_write_context(parts, VIEW_NONE, &context));
  TRY(epoch_new(parts, bytes_view(&context), &epoch));
  TRY(schedule_first_epoch(epoch->suite, epoch->secrets));
  TRY(epoch_complete(epoch));
  epoch->keys = *keys;
  *keys = NULL;
  *out = epoch;
  epoch = NULL;
done:
  bytes_free(&context);
  epoch_free(epoch);
  return err;
}

enum err epoch_join(const struct epoch_parts *parts, struct view context,
                    const struct secret *joiner_secret, const struct secret *psk_secret,
                    struct private_keys **keys, struct epoch **out) {
  enum err err = OK;
  struct epoch *epoch = NULL;
  TRY(epoch_new(parts, context, &epoch));
  TRY(schedule_epoch(epoch->suite, joiner_secret, psk_secret, context, epoch->secrets));
  TRY(epoch_complete(epoch));
  epoch->keys = *keys;
  *keys = NULL;
  *out = epoch;
  epoch = NULL;
done:
  epoch_free(epoch);
  return err;
}

enum err epoch_outside(const struct epoch_parts *parts, struct view context,
                       struct view confirmation_tag, struct epoch **out) {
  enum err err = OK;
  struct epoch *epoch = NULL;
  TRY(epoch_new(parts, context, &epoch));
  locked_free(epoch->secrets, sizeof *epoch->secrets);
  epoch->secrets = NULL;
  memcpy(epoch->confirmation_tag, confirmation_tag.data, confirmation_tag.size);
  TRY(schedule_interim_hash(epoch->suite, epoch->context.confirmed_transcript_hash,
                            confirmation_tag, epoch->interim_transcript_hash));
  *out = epoch;
  epoch = NULL;
done:
  epoch_free(epoch);
  return err;
}

void epoch_retire(struct epoch *epoch) {
  private_keys_free(epoch->keys);
  epoch->keys = NULL;
  secret_wipe(&epoch->secrets->exporter);
  secret_wipe(&epoch->secrets->epoch_authenticator);
  secret_wipe(&epoch->secrets->external);
  secret_wipe(&epoch->secrets->confirmation);
  secret_wipe(&epoch->secrets->membership);
  secret_wipe(&epoch->secrets->resumption_psk);
  secret_wipe(&epoch->secrets->init);
}

struct framing_keys epoch_framing(const struct epoch *epoch, uint32_t max_skip) {
  return (struct framing_keys){
      .suite = epoch->suite,
      .group_context = bytes_view(&epoch->context_raw),
      .membership = &epoch->secrets->membership,
      .sender_data = &epoch->secrets->sender_data,
      .secret_tree = epoch->secret_tree,
      .max_skip = max_skip,
  };
}

struct view epoch_confirmation_tag(const struct epoch *epoch) {
  return view_of(epoch->confirmation_tag, epoch->suite->hash->size);
}

struct view epoch_interim_hash(const struct epoch *epoch) {
  return view_of(epoch->interim_transcript_hash, epoch->suite->hash->size);
}
