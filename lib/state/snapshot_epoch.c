/* Epochs in saved state.  SPDX-License-Identifier: ISC */
#include <string.h>

#include "base/mem.h"
#include "mls/tree/math.h"
#include "state/snapshot_parts.h"

/* ---- Idioms ---- */

void snapshot_write_bytes(struct writer *writer, unsigned key, struct view bytes) {
  cbor_write_key(writer, key);
  cbor_write_bytes(writer, bytes);
}

void snapshot_write_inner(struct writer *writer, unsigned key, struct writer *inner) {
  if (writer->err == OK)
    writer->err = inner->err;
  snapshot_write_bytes(writer, key, writer_view(inner));
  writer_free(inner);
}

enum err snapshot_read_bytes(struct reader *reader, unsigned key, struct view *out) {
  enum err err = cbor_read_key(reader, key);
  return err != OK ? err : cbor_read_bytes(reader, out);
}

enum err snapshot_read_tuple(struct reader *reader, size_t count) {
  size_t found = 0;
  enum err err = cbor_read_array(reader, 1, &found);
  return err == OK && found != count ? ERR_STATE_CORRUPT : err;
}

enum err snapshot_read_array(struct reader *reader, unsigned key, size_t most, size_t *count) {
  enum err err = OK;
  TRY(cbor_read_key(reader, key));
  TRY(cbor_read_array(reader, 1, count));
  TRY(*count > most ? ERR_STATE_CORRUPT : OK);
done:
  return err;
}

enum err snapshot_result(enum err err, struct why *why) {
  if (err == OK || err_is_ours(err) || err == ERR_LIMIT)
    return err;
  if (why != NULL && why->text[0] != '\0')
    return ERR_STATE_CORRUPT;
  return refuse(why, ERR_STATE_CORRUPT, "saved state: authentic, but it does not decode");
}

/* ---- The parts of an epoch ---- */

enum epoch_key {
  KEY_CONTEXT = 0,          /* GroupContext */
  KEY_CONFIRMATION_TAG = 1, /* the interim transcript hash follows from it */
  KEY_OWN_LEAF = 2,
  KEY_TREE = 3,    /* ratchet_tree, or what tree_write_changes() writes */
  KEY_SECRETS = 4, /* array, in the order of list_secrets() */
  KEY_KEYS = 5,    /* array of private keys from the leaf upwards, empty where there is none */
  KEY_SECRET_TREE = 6,
  KEY_REINIT = 7, /* ReInit proposal that ended the group, or empty */
  EPOCH_KEYS
};

#define SECRETS_MAX 8

static bool has_secrets(enum epoch_kind kind) {
  return kind != EPOCH_OUTSIDE && kind != EPOCH_LEFT;
}

/* The secrets that an epoch of a kind has. */
static size_t list_secrets(struct epoch_secrets *secrets, enum epoch_kind kind,
                           struct secret *list[SECRETS_MAX]) {
  size_t count = 0;
  if (!has_secrets(kind))
    return count;
  list[count++] = &secrets->sender_data;
  if (kind == EPOCH_PAST)
    return count;
  list[count++] = &secrets->resumption_psk;
  if (kind == EPOCH_PAST_V1)
    return count;
  list[count++] = &secrets->exporter;
  list[count++] = &secrets->epoch_authenticator;
  list[count++] = &secrets->external;
  list[count++] = &secrets->confirmation;
  list[count++] = &secrets->membership;
  list[count++] = &secrets->init;
  return count;
}

/* ---- Writing ---- */

static void write_tree(struct writer *writer, const struct tree *tree, const struct tree *base) {
  struct writer inner = {0};
  if (base == NULL)
    tree_write(&inner, tree);
  else
    tree_write_changes(&inner, tree, base);
  snapshot_write_inner(writer, KEY_TREE, &inner);
}

static void write_keys(struct writer *writer, const struct private_keys *keys) {
  size_t count = keys != NULL ? PATH_NODES_MAX : 0;
  while (count > 0 && keys->at[count - 1].size == 0)
    count--;
  cbor_write_key(writer, KEY_KEYS);
  cbor_write_array(writer, count);
  for (size_t i = 0; i < count; i++)
    cbor_write_bytes(writer, secret_view(&keys->at[i]));
}

void snapshot_write_epoch(struct writer *writer, const struct epoch *epoch, enum epoch_kind kind,
                          const struct tree *base) {
  struct secret *list[SECRETS_MAX];
  struct writer inner = {0};
  cbor_write_map(writer, EPOCH_KEYS);
  snapshot_write_bytes(writer, KEY_CONTEXT, bytes_view(&epoch->context_raw));
  snapshot_write_bytes(writer, KEY_CONFIRMATION_TAG, epoch_confirmation_tag(epoch));
  cbor_write_key(writer, KEY_OWN_LEAF);
  cbor_write_uint(writer, epoch->own_leaf);
  write_tree(writer, epoch->tree, base);

  size_t count = list_secrets(epoch->secrets, kind, list);
  cbor_write_key(writer, KEY_SECRETS);
  cbor_write_array(writer, count);
  for (size_t i = 0; i < count; i++)
    cbor_write_bytes(writer, secret_view(list[i]));
  write_keys(writer, epoch->keys);
  if (epoch->secret_tree != NULL)
    secret_tree_write(&inner, epoch->secret_tree);
  snapshot_write_inner(writer, KEY_SECRET_TREE, &inner);
  snapshot_write_bytes(writer, KEY_REINIT, bytes_view(&epoch->reinit));
}

/* ---- Reading ---- */

static enum err read_tag(struct reader *reader, struct epoch *epoch) {
  enum err err = OK;
  struct view tag;
  TRY(snapshot_read_bytes(reader, KEY_CONFIRMATION_TAG, &tag));
  TRY(tag.size != epoch->suite->hash->size ? ERR_STATE_CORRUPT : OK);
  memcpy(epoch->confirmation_tag, tag.data, tag.size);
  TRY(schedule_interim_hash(epoch->suite, epoch->context.confirmed_transcript_hash, tag,
                            epoch->interim_transcript_hash));
done:
  return err;
}

static enum err read_tree(struct reader *reader, const struct tree *base, struct why *why,
                          struct epoch *epoch) {
  enum err err = OK;
  struct view tree;
  TRY(snapshot_read_bytes(reader, KEY_TREE, &tree));
  TRY(base == NULL ? tree_read(epoch->suite, tree, TREE_MEMBERS_MAX, why, &epoch->tree)
                   : tree_read_changes(tree, base, TREE_MEMBERS_MAX, why, &epoch->tree));
done:
  return err;
}

static enum err read_secrets(struct reader *reader, enum epoch_kind kind, struct epoch *epoch) {
  enum err err = OK;
  struct secret *list[SECRETS_MAX];
  if (has_secrets(kind)) {
    epoch->secrets = locked_new(sizeof *epoch->secrets);
    TRY(epoch->secrets == NULL ? ERR_NOMEM : OK);
  }
  size_t count = list_secrets(epoch->secrets, kind, list);
  TRY(cbor_read_key(reader, KEY_SECRETS));
  TRY(snapshot_read_tuple(reader, count));
  for (size_t i = 0; i < count; i++) {
    TRY(cbor_read_secret(reader, list[i]));
    TRY(list[i]->size != epoch->suite->hash->size ? ERR_STATE_CORRUPT : OK);
  }
done:
  return err;
}

static enum err read_keys(struct reader *reader, enum epoch_kind kind, struct why *why,
                          struct epoch *epoch) {
  enum err err = OK;
  size_t count = 0;
  TRY(snapshot_read_array(reader, KEY_KEYS, kind == EPOCH_MEMBER ? PATH_NODES_MAX : 0, &count));
  if (kind != EPOCH_MEMBER)
    return OK;
  TRY(private_keys_new(epoch->own_leaf, &epoch->keys));
  for (size_t i = 0; i < count; i++)
    TRY(cbor_read_secret(reader, &epoch->keys->at[i]));
  TRY(private_keys_check(epoch->keys, epoch->tree, why));
  TRY(private_keys_complete(epoch->keys, epoch->tree, why));
done:
  return err;
}

static enum err read_secret_tree(struct reader *reader, enum epoch_kind kind, struct epoch *epoch) {
  enum err err = OK;
  struct view bytes;
  TRY(snapshot_read_bytes(reader, KEY_SECRET_TREE, &bytes));
  struct reader inner = reader_of(bytes);
  if (has_secrets(kind))
    TRY(secret_tree_read(epoch->suite, &inner, tree_width(epoch->tree), &epoch->secret_tree));
  TRY(read_end(&inner));
done:
  return err;
}

/* A ReInit proposal, or nothing. */
static enum err read_reinit(struct reader *reader, struct epoch *epoch, struct why *why) {
  enum err err = OK;
  struct view bytes;
  struct proposal proposal;
  TRY(snapshot_read_bytes(reader, KEY_REINIT, &bytes));
  if (bytes.size == 0)
    return OK;
  struct reader inner = reader_of(bytes);
  TRY(proposal_read(&inner, why, &proposal));
  TRY(read_end(&inner));
  TRY(proposal.type != PROPOSAL_REINIT ? ERR_STATE_CORRUPT : OK);
  TRY(bytes_copy(&epoch->reinit, bytes));
done:
  return err;
}

/* RFC 9420, section 8.1: the GroupContext is one of this suite, and of this tree. */
static enum err check_context(const struct epoch *epoch, struct why *why) {
  enum err err = OK;
  const struct group_context *context = &epoch->context;
  size_t confirmed = context->confirmed_transcript_hash.size;
  TRY(require(context->cipher_suite == epoch->suite->id, why, ERR_STATE_CORRUPT,
              "saved state: a GroupContext of suite %u", context->cipher_suite));
  TRY(require(confirmed == epoch->suite->hash->size || (confirmed == 0 && context->epoch == 0), why,
              ERR_STATE_CORRUPT, "saved state: a confirmed transcript hash of %zu bytes",
              confirmed));
  TRY(require(view_equal(context->tree_hash, tree_hash(epoch->tree)), why, ERR_STATE_CORRUPT,
              "saved state: the tree is not the one of the GroupContext"));
done:
  return err;
}

/* The own leaf is where it is said to be, and nowhere for who is outside or never got in. */
static enum err check_own_leaf(const struct client *client, const struct epoch *epoch,
                               enum epoch_kind kind, struct why *why) {
  const struct leaf *leaf = tree_leaf(epoch->tree, epoch->own_leaf);
  bool own =
      leaf != NULL && view_equal(leaf_signature_key(leaf), bytes_view(&client->signature_public));
  bool none = epoch->own_leaf == LEAF_NONE && (kind == EPOCH_OUTSIDE || kind == EPOCH_LEFT);
  return require(none || (own && kind != EPOCH_OUTSIDE), why, ERR_STATE_CORRUPT,
                 "saved state: leaf %u is not that of this client", epoch->own_leaf);
}

/* RFC 9420, section 8.1: whoever has the secret can tell whether the tag is right. */
static enum err check_tag(const struct epoch *epoch, struct why *why) {
  enum err err = OK;
  uint8_t tag[HASH_MAX];
  TRY(schedule_confirmation_tag(epoch->suite, epoch->secrets,
                                epoch->context.confirmed_transcript_hash, tag));
  TRY(require(secret_equal(view_of(tag, epoch->suite->hash->size), epoch_confirmation_tag(epoch)),
              why, ERR_STATE_CORRUPT, "saved state: the confirmation tag is wrong"));
done:
  return err;
}

enum err snapshot_read_epoch(struct reader *reader, struct client *client, enum epoch_kind kind,
                             const struct tree *base, struct epoch **out) {
  enum err err = OK;
  struct why *why = &client->why;
  struct view context;
  struct epoch *epoch = mem_new(1, sizeof *epoch);
  TRY(epoch == NULL ? ERR_NOMEM : OK);
  epoch->suite = client->suite;
  TRY(cbor_read_map(reader, EPOCH_KEYS));
  TRY(snapshot_read_bytes(reader, KEY_CONTEXT, &context));
  TRY(epoch_set_context(epoch, context));
  TRY(read_tag(reader, epoch));
  TRY(cbor_read_key(reader, KEY_OWN_LEAF));
  TRY(cbor_read_u32(reader, &epoch->own_leaf));
  TRY(read_tree(reader, base, why, epoch));
  TRY(check_context(epoch, why));
  TRY(check_own_leaf(client, epoch, kind, why));
  TRY(read_secrets(reader, kind, epoch));
  TRY(read_keys(reader, kind, why, epoch));
  TRY(read_secret_tree(reader, kind, epoch));
  TRY(read_reinit(reader, epoch, why));
  if (kind == EPOCH_MEMBER)
    TRY(check_tag(epoch, why));
  *out = epoch;
  epoch = NULL;
done:
  epoch_free(epoch);
  return err;
}
