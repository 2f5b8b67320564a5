/* Saving and loading a group.  SPDX-License-Identifier: ISC */
#include "base/mem.h"
#include "crypto/hpke.h"
#include "state/seal.h"
#include "state/snapshot.h"
#include "state/snapshot_parts.h"

enum group_key {
  KEY_SUITE = 0,
  KEY_OWNER = 1, /* the client's public signature key */
  KEY_REVISION = 2,
  KEY_KIND = 3,      /* of the current epoch: EPOCH_MEMBER, EPOCH_OUTSIDE or EPOCH_LEFT */
  KEY_EPOCH = 4,     /* with the whole tree, or based on one that was saved before */
  KEY_PAST = 5,      /* array of past epochs, newest first, each tree based on the one before it */
  KEY_PROPOSALS = 6, /* array of [AuthenticatedContent, private key of an own Update or empty] */
  KEY_PENDING = 7,   /* array of nothing, or of message, Welcome, epoch based on the current tree */
  KEY_LINK = 8,      /* array of nothing, or of usage, group id, epoch and PSK of the old group */
  KEY_EXTERNAL_PUB = 9, /* of a group seen from outside, else empty */
  KEY_PSKS = 10,        /* array of [epoch, resumption PSK] of past epochs, oldest first */
  KEY_STAYS = 11,       /* 1: a wish to leave of an epoch before was in vain; else 0 */
  GROUP_KEYS
};

/* Format version 1 ends before KEY_PSKS: each past epoch has its own. */
static unsigned keys_of_version(uint8_t version) {
  return version == 1 ? KEY_PSKS : GROUP_KEYS;
}

#define PROPOSAL_ITEMS 2
#define PENDING_ITEMS 3
#define LINK_ITEMS 4
#define PSK_ITEMS 2

/* ---- Saving ---- */

static enum epoch_kind current_kind(const struct group *group) {
  enum group_state state = group_state(group);
  if (state == GROUP_LEFT)
    return EPOCH_LEFT;
  return state == GROUP_OUTSIDE ? EPOCH_OUTSIDE : EPOCH_MEMBER;
}

static void write_past(struct writer *writer, const struct group *group) {
  const struct tree *base = group->epoch->tree;
  cbor_write_key(writer, KEY_PAST);
  cbor_write_array(writer, group->past_count);
  for (size_t i = 0; i < group->past_count; i++) {
    snapshot_write_epoch(writer, group->past[i], EPOCH_PAST, base);
    base = group->past[i]->tree;
  }
}

static void write_proposals(struct writer *writer, const struct proposal_store *store) {
  cbor_write_key(writer, KEY_PROPOSALS);
  cbor_write_array(writer, store->count);
  for (size_t i = 0; i < store->count; i++) {
    const struct stored_proposal *stored = &store->item[i];
    cbor_write_array(writer, PROPOSAL_ITEMS);
    cbor_write_bytes(writer, bytes_view(&stored->authenticated));
    cbor_write_bytes(writer,
                     stored->update_key != NULL ? secret_view(stored->update_key) : VIEW_NONE);
  }
}

static void write_pending(struct writer *writer, const struct group *group) {
  const struct pending_commit *pending = group->pending;
  cbor_write_key(writer, KEY_PENDING);
  cbor_write_array(writer, pending != NULL ? PENDING_ITEMS : 0);
  if (pending == NULL)
    return;
  cbor_write_bytes(writer, bytes_view(&pending->message));
  cbor_write_bytes(writer, bytes_view(&pending->welcome));
  snapshot_write_epoch(writer, pending->next, EPOCH_MEMBER, group->epoch->tree);
}

static void write_link(struct writer *writer, const struct group_link *link) {
  cbor_write_key(writer, KEY_LINK);
  cbor_write_array(writer, link != NULL ? LINK_ITEMS : 0);
  if (link == NULL)
    return;
  cbor_write_uint(writer, link->usage);
  cbor_write_bytes(writer, bytes_view(&link->group_id));
  cbor_write_uint(writer, link->epoch);
  cbor_write_bytes(writer, secret_view(&link->psk));
}

static void write_psks(struct writer *writer, const struct psk_history *psks) {
  cbor_write_key(writer, KEY_PSKS);
  cbor_write_array(writer, psks->count);
  for (size_t i = 0; i < psks->count; i++) {
    cbor_write_array(writer, PSK_ITEMS);
    cbor_write_uint(writer, psks->item[i].epoch);
    cbor_write_bytes(writer, secret_view(&psks->item[i].psk));
  }
}

void snapshot_write_group(struct writer *writer, const struct group *group,
                          const struct tree *base) {
  const struct client *client = group->client;
  enum epoch_kind kind = current_kind(group);
  cbor_write_map(writer, GROUP_KEYS);
  cbor_write_key(writer, KEY_SUITE);
  cbor_write_uint(writer, client->suite->id);
  snapshot_write_bytes(writer, KEY_OWNER, bytes_view(&client->signature_public));
  cbor_write_key(writer, KEY_REVISION);
  cbor_write_uint(writer, group->revision);
  cbor_write_key(writer, KEY_KIND);
  cbor_write_uint(writer, kind);
  cbor_write_key(writer, KEY_EPOCH);
  snapshot_write_epoch(writer, group->epoch, kind, base);
  write_past(writer, group);
  write_proposals(writer, &group->proposals);
  write_pending(writer, group);
  write_link(writer, group->link);
  snapshot_write_bytes(writer, KEY_EXTERNAL_PUB, bytes_view(&group->external_pub));
  write_psks(writer, &group->psks);
  cbor_write_key(writer, KEY_STAYS);
  cbor_write_uint(writer, group->stays ? 1 : 0);
}

enum err snapshot_save_group(struct group *group, struct view key, struct bytes *out) {
  enum err err = OK;
  struct writer writer = {0};
  snapshot_write_group(&writer, group, NULL);
  TRY(writer.err);
  TRY(seal(key, SEAL_GROUP, writer_view(&writer), out));
done:
  writer_free(&writer);
  return err;
}

/* ---- Loading ---- */

/* Past epochs and a pending one are of the same group and member as the current one. */
static enum err check_related(const struct group *group, const struct epoch *epoch,
                              uint32_t own_leaf) {
  return require(
      view_equal(epoch->context.group_id, group_identifier(group)) && epoch->own_leaf == own_leaf,
      &group->client->why, ERR_STATE_CORRUPT,
      "saved state: epoch %llu is of another group or member than epoch %llu",
      (unsigned long long)epoch->context.epoch, (unsigned long long)group_epoch_number(group));
}

static enum err read_past(struct reader *reader, uint8_t version, struct group *group) {
  enum err err = OK;
  enum epoch_kind kind = version == 1 ? EPOCH_PAST_V1 : EPOCH_PAST;
  const struct epoch *newer = group->epoch;
  size_t count = 0;
  TRY(snapshot_read_array(reader, KEY_PAST, PAST_EPOCHS_MAX, &count));
  while (group->past_count < count) {
    struct epoch **next = &group->past[group->past_count];
    TRY(snapshot_read_epoch(reader, group->client, kind, newer->tree, next));
    group->past_count++;
    TRY(check_related(group, *next, group_own_leaf(group)));
    TRY(require((*next)->context.epoch < newer->context.epoch, &group->client->why,
                ERR_STATE_CORRUPT, "saved state: past epochs are out of order"));
    newer = *next;
  }
done:
  return err;
}

/* The private key is that of an Update of our own. */
static enum err check_update_key(const struct epoch *epoch, const struct stored_proposal *stored,
                                 struct why *why) {
  enum err err = OK;
  struct leaf *leaf = NULL;
  TRY(require(stored->proposal.type == PROPOSAL_UPDATE && stored->sender.type == SENDER_MEMBER &&
                  stored->sender.index == epoch->own_leaf,
              why, ERR_STATE_CORRUPT, "saved state: a private key for a proposal that needs none"));
  struct reader reader = reader_of(stored->proposal.body.update);
  TRY(leaf_read(&reader, why, &leaf));
  TRY(hpke_check_key_pair(epoch->suite, stored->update_key, leaf_encryption_key(leaf)));
done:
  leaf_drop(leaf);
  return err;
}

/* A stored proposal is one of this epoch, from somebody who is there. */
static enum err check_proposal(const struct epoch *epoch, const struct stored_proposal *stored,
                               struct why *why) {
  enum err err = OK;
  uint16_t wire_format = 0;
  struct framed_content content;
  struct reader reader = reader_of(bytes_view(&stored->authenticated));
  TRY(read_u16(&reader, &wire_format));
  TRY(framed_content_read(&reader, why, &content));
  TRY(require(view_equal(content.group_id, epoch->context.group_id) &&
                  content.epoch == epoch->context.epoch &&
                  (content.sender.type != SENDER_MEMBER ||
                   tree_leaf(epoch->tree, content.sender.index) != NULL),
              why, ERR_STATE_CORRUPT, "saved state: a proposal of another group, epoch or member"));
  if (stored->update_key != NULL)
    TRY(check_update_key(epoch, stored, why));
done:
  return err;
}

static enum err read_proposal(struct reader *reader, struct group *group) {
  enum err err = OK;
  struct proposal_store *store = &group->proposals;
  size_t before = store->count;
  struct view authenticated;
  struct secret *key = locked_new(sizeof *key);
  TRY(key == NULL ? ERR_NOMEM : OK);
  TRY(snapshot_read_tuple(reader, PROPOSAL_ITEMS));
  TRY(cbor_read_bytes(reader, &authenticated));
  TRY(cbor_read_secret(reader, key));
  if (key->size == 0) {
    locked_free(key, sizeof *key);
    key = NULL;
  }
  TRY(proposal_store_restore(store, group->epoch->suite, authenticated, &key));
  TRY(require(store->count > before, &group->client->why, ERR_STATE_CORRUPT,
              "saved state: a proposal twice"));
  TRY(check_proposal(group->epoch, &store->item[before], &group->client->why));
done:
  locked_free(key, sizeof *key);
  return err;
}

static enum err read_proposals(struct reader *reader, struct group *group) {
  enum err err = OK;
  size_t count = 0;
  TRY(snapshot_read_array(reader, KEY_PROPOSALS, PROPOSALS_MAX, &count));
  for (size_t i = 0; i < count; i++)
    TRY(read_proposal(reader, group));
done:
  return err;
}

static enum err read_pending(struct reader *reader, struct group *group) {
  enum err err = OK;
  size_t count = 0;
  struct view message, welcome;
  TRY(snapshot_read_array(reader, KEY_PENDING, PENDING_ITEMS, &count));
  if (count == 0)
    return OK;
  TRY(count != PENDING_ITEMS ? ERR_STATE_CORRUPT : OK);
  /* Not `fresh`: there may be another copy of it. */
  struct pending_commit *pending = group->pending = mem_new(1, sizeof *pending);
  TRY(pending == NULL ? ERR_NOMEM : OK);
  TRY(cbor_read_bytes(reader, &message));
  TRY(bytes_copy(&pending->message, message));
  TRY(cbor_read_bytes(reader, &welcome));
  TRY(bytes_copy(&pending->welcome, welcome));
  TRY(snapshot_read_epoch(reader, group->client, EPOCH_MEMBER, group->epoch->tree, &pending->next));
  bool outside = group->epoch->secrets == NULL;
  TRY(check_related(group, pending->next,
                    outside ? pending->next->own_leaf : group_own_leaf(group)));
  uint64_t current = group_epoch_number(group);
  TRY(require(current < UINT64_MAX && pending->next->context.epoch == current + 1,
              &group->client->why, ERR_STATE_CORRUPT,
              "saved state: the pending commit does not lead to the next epoch"));
  TRY(message.size == 0 ? ERR_STATE_CORRUPT : OK);
done:
  return err;
}

static enum err read_link(struct reader *reader, struct group *group) {
  enum err err = OK;
  size_t count = 0;
  uint64_t usage = 0;
  struct view group_id;
  TRY(snapshot_read_array(reader, KEY_LINK, LINK_ITEMS, &count));
  if (count == 0)
    return OK;
  TRY(count != LINK_ITEMS || group_epoch_number(group) != 0 ? ERR_STATE_CORRUPT : OK);
  struct group_link *link = group->link = locked_new(sizeof *link);
  TRY(link == NULL ? ERR_NOMEM : OK);
  TRY(cbor_read_uint(reader, PSK_BRANCH, &usage));
  TRY(usage < PSK_REINIT ? ERR_STATE_CORRUPT : OK);
  link->usage = (uint8_t)usage;
  TRY(cbor_read_bytes(reader, &group_id));
  TRY(bytes_copy(&link->group_id, group_id));
  TRY(cbor_read_u64(reader, &link->epoch));
  TRY(cbor_read_secret(reader, &link->psk));
  TRY(link->psk.size == 0 ? ERR_STATE_CORRUPT : OK);
done:
  return err;
}

static enum err read_external_pub(struct reader *reader, struct group *group) {
  enum err err = OK;
  struct view key;
  TRY(snapshot_read_bytes(reader, KEY_EXTERNAL_PUB, &key));
  if (key.size > 0)
    TRY(hpke_check_public_key(group->epoch->suite, key));
  TRY(bytes_copy(&group->external_pub, key));
done:
  return err;
}

/* What past epochs had of their own in format version 1. */
static enum err psks_of_past(struct group *group) {
  enum err err = OK;
  for (size_t i = group->past_count; i-- > 0;) {
    struct epoch *past = group->past[i];
    TRY(psk_history_reserve(&group->psks, PSK_HISTORY_MAX));
    psk_history_add(&group->psks, past->context.epoch, &past->secrets->resumption_psk,
                    PSK_HISTORY_MAX);
  }
done:
  return err;
}

static enum err read_psk(struct reader *reader, struct group *group) {
  enum err err = OK;
  struct psk_history *psks = &group->psks;
  uint64_t epoch = 0;
  struct secret psk = {0};
  TRY(psk_history_reserve(psks, PSK_HISTORY_MAX));
  TRY(snapshot_read_tuple(reader, PSK_ITEMS));
  TRY(cbor_read_u64(reader, &epoch));
  TRY(cbor_read_secret(reader, &psk));
  TRY(psk.size != group->epoch->suite->hash->size ? ERR_STATE_CORRUPT : OK);
  TRY(require(epoch < group_epoch_number(group) &&
                  (psks->count == 0 || epoch > psks->item[psks->count - 1].epoch),
              &group->client->why, ERR_STATE_CORRUPT,
              "saved state: resumption PSKs are out of order"));
  psk_history_add(psks, epoch, &psk, PSK_HISTORY_MAX);
done:
  secret_wipe(&psk);
  return err;
}

static enum err read_psks(struct reader *reader, uint8_t version, struct group *group) {
  enum err err = OK;
  size_t count = 0;
  if (version == 1)
    return psks_of_past(group);
  TRY(snapshot_read_array(reader, KEY_PSKS, PSK_HISTORY_MAX, &count));
  for (size_t i = 0; i < count; i++)
    TRY(read_psk(reader, group));
done:
  return err;
}

static enum err read_stays(struct reader *reader, uint8_t version, struct group *group) {
  enum err err = OK;
  uint64_t stays = 0;
  if (version == 1)
    return OK;
  TRY(cbor_read_key(reader, KEY_STAYS));
  TRY(cbor_read_uint(reader, 1, &stays));
  group->stays = stays == 1;
done:
  return err;
}

/* Who is no member has nothing, but for what an external commit is made of. */
static enum err check_kind(const struct group *group, enum epoch_kind kind) {
  bool outside = kind == EPOCH_OUTSIDE, left = kind == EPOCH_LEFT;
  bool more = group->pending != NULL || group->proposals.count > 0;
  bool fits = outside == (group->external_pub.size > 0) && !(left && more) &&
              (kind == EPOCH_MEMBER ||
               (group->past_count == 0 && group->psks.count == 0 && group->link == NULL));
  return require(fits, &group->client->why, ERR_STATE_CORRUPT,
                 "saved state: more or less than who is no member has");
}

static enum err read_kind(struct reader *reader, enum epoch_kind *out) {
  uint64_t kind = 0;
  enum err err = OK;
  TRY(cbor_read_key(reader, KEY_KIND));
  TRY(cbor_read_uint(reader, EPOCH_LEFT, &kind));
  *out = (enum epoch_kind)kind;
done:
  return err;
}

static enum err read_group(struct reader *reader, uint8_t version, struct client *client,
                           const struct tree *base, struct group **out) {
  enum err err = OK;
  uint64_t revision = 0;
  enum epoch_kind kind = EPOCH_MEMBER;
  struct epoch *epoch = NULL;
  struct group *group = NULL;
  TRY(cbor_read_key(reader, KEY_REVISION));
  TRY(cbor_read_u64(reader, &revision));
  TRY(read_kind(reader, &kind));
  TRY(cbor_read_key(reader, KEY_EPOCH));
  TRY(snapshot_read_epoch(reader, client, kind, base, &epoch));
  TRY(group_from_epoch(client, &epoch, &group));
  group->revision = revision;
  group->restored = true;
  TRY(read_past(reader, version, group));
  TRY(read_proposals(reader, group));
  TRY(read_pending(reader, group));
  TRY(read_link(reader, group));
  TRY(read_external_pub(reader, group));
  TRY(read_psks(reader, version, group));
  TRY(read_stays(reader, version, group));
  TRY(cbor_read_end(reader));
  TRY(check_kind(group, kind));
  if (kind == EPOCH_LEFT) {
    client_leave_group(client, group);
    group->left = true;
  }
  *out = group;
  group = NULL;
done:
  epoch_free(epoch);
  group_free(group);
  return err;
}

/* Whose group it is. */
static enum err check_owner(struct client *client, uint16_t suite, struct view owner) {
  enum err err = OK;
  TRY(require(suite_find(suite) != NULL, &client->why, ERR_UNSUPPORTED,
              "saved state: cipher suite %u is not built in", suite));
  TRY(require(suite == client->suite->id &&
                  view_equal(owner, bytes_view(&client->signature_public)),
              &client->why, ERR_NOT_FOUND, "saved state: a group of another client"));
done:
  return err;
}

enum err snapshot_read_group_map(struct client *client, uint8_t version, struct reader *reader,
                                 const struct tree *base, struct group **out) {
  enum err err = OK;
  uint16_t suite = 0;
  struct view owner;
  TRY(cbor_read_map(reader, keys_of_version(version)));
  TRY(cbor_read_key(reader, KEY_SUITE));
  TRY(cbor_read_u16(reader, &suite));
  TRY(snapshot_read_bytes(reader, KEY_OWNER, &owner));
  err = check_owner(client, suite, owner);
  if (err != OK)
    return err;
  TRY(read_group(reader, version, client, base, out));
done:
  return snapshot_result(err, &client->why);
}

enum err snapshot_read_group(struct client *client, uint8_t version, struct view content,
                             struct group **out) {
  struct reader reader = reader_of(content);
  return snapshot_read_group_map(client, version, &reader, NULL, out);
}

enum err snapshot_load_group(struct client *client, struct view key, struct view blob,
                             struct group **out) {
  enum err err = OK;
  uint8_t version = 0;
  struct bytes content = {0};
  TRY(unseal(key, SEAL_GROUP, blob, &client->why, &version, &content));
  TRY(snapshot_read_group(client, version, bytes_view(&content), out));
done:
  bytes_free(&content);
  return err;
}
