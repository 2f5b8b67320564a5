/* A group saved in two blobs: the tree, and the rest with what changed in it.  SPDX-License-Identifier: ISC */
#include <string.h>

#include "state/seal.h"
#include "state/snapshot.h"
#include "state/snapshot_parts.h"

enum tree_key {
  KEY_SUITE = 0,
  KEY_TREE = 1, /* ratchet_tree */
  TREE_KEYS
};

enum changes_key {
  KEY_TREE_ID = 0, /* nonce of the tree's blob: random, and under its seal as well */
  KEY_GROUP = 1,   /* as in a blob of the whole group, the tree based on that of the other blob */
  CHANGES_KEYS
};

/* A tree is worth saving again when what differs from it is a sixteenth of it; small ones never. */
#define CHANGES_SHARE 16u
#define CHANGES_FREE 16384u

/* ---- The tree ---- */

static void write_tree(struct writer *writer, const struct group *group) {
  struct writer inner = {0};
  cbor_write_map(writer, TREE_KEYS);
  cbor_write_key(writer, KEY_SUITE);
  cbor_write_uint(writer, group->client->suite->id);
  tree_write(&inner, group->epoch->tree);
  snapshot_write_inner(writer, KEY_TREE, &inner);
}

static void remember(struct group *group, const struct tree *tree, struct view blob) {
  tree_drop(group->saved.tree);
  group->saved.tree = tree_share(tree);
  memcpy(group->saved.id, seal_nonce(blob).data, sizeof group->saved.id);
  group->saved.size = blob.size;
}

enum err snapshot_save_tree(struct group *group, struct view key, struct bytes *out) {
  enum err err = OK;
  struct writer writer = {0};
  write_tree(&writer, group);
  TRY(writer.err);
  TRY(seal(key, SEAL_TREE, writer_view(&writer), out));
  remember(group, group->epoch->tree, bytes_view(out));
done:
  writer_free(&writer);
  return err;
}

enum err snapshot_read_tree(struct client *client, struct view content, struct tree **out) {
  enum err err = OK;
  uint16_t suite = 0;
  struct view tree;
  struct tree *result = NULL;
  struct reader reader = reader_of(content);
  TRY(cbor_read_map(&reader, TREE_KEYS));
  TRY(cbor_read_key(&reader, KEY_SUITE));
  TRY(cbor_read_u16(&reader, &suite));
  TRY(require(suite == client->suite->id, &client->why, ERR_STATE_CORRUPT,
              "saved state: a tree of suite %u", suite));
  TRY(snapshot_read_bytes(&reader, KEY_TREE, &tree));
  TRY(cbor_read_end(&reader));
  TRY(tree_read(client->suite, tree, TREE_MEMBERS_MAX, &client->why, &result));
  *out = result;
  result = NULL;
done:
  tree_drop(result);
  return snapshot_result(err, &client->why);
}

/* ---- The rest ---- */

/* Whether what differs from the saved tree is still little beside it. */
static enum err check_due(const struct group *group) {
  enum err err = OK;
  struct writer changes = {0};
  struct why *why = &group->client->why;
  TRY(require(group->saved.tree != NULL, why, ERR_INVALID_STATE,
              "the tree has to be saved first, which was not done with this handle"));
  tree_write_changes(&changes, group->epoch->tree, group->saved.tree);
  TRY(changes.err);
  TRY(require(changes.size <= CHANGES_FREE + group->saved.size / CHANGES_SHARE, why,
              ERR_INVALID_STATE,
              "the tree has to be saved again: %zu bytes have changed since it was, of %zu",
              changes.size, group->saved.size));
done:
  writer_free(&changes);
  return err;
}

enum err snapshot_save_changes(struct group *group, struct view key, struct bytes *out) {
  enum err err = OK;
  struct writer writer = {0};
  TRY(check_due(group));
  cbor_write_map(&writer, CHANGES_KEYS);
  snapshot_write_bytes(&writer, KEY_TREE_ID, VIEW_ARRAY(group->saved.id));
  cbor_write_key(&writer, KEY_GROUP);
  snapshot_write_group(&writer, group, group->saved.tree);
  TRY(writer.err);
  TRY(seal(key, SEAL_CHANGES, writer_view(&writer), out));
done:
  writer_free(&writer);
  return err;
}

enum err snapshot_read_changes(struct client *client, uint8_t version, struct view content,
                               struct view tree_id, const struct tree *base, struct group **out) {
  enum err err = OK;
  struct view id;
  struct reader reader = reader_of(content);
  TRY(cbor_read_map(&reader, CHANGES_KEYS));
  TRY(snapshot_read_bytes(&reader, KEY_TREE_ID, &id));
  if (!view_equal(id, tree_id))
    return refuse(&client->why, ERR_NOT_FOUND,
                  "saved state: the changes are not those of this tree, but of one saved before or "
                  "after it");
  TRY(cbor_read_key(&reader, KEY_GROUP));
  return snapshot_read_group_map(client, version, &reader, base, out);
done:
  return snapshot_result(err, &client->why);
}

enum err snapshot_load_changes(struct client *client, struct view key, struct view tree_blob,
                               struct view changes_blob, struct group **out) {
  enum err err = OK;
  uint8_t version = 0, any = 0; /* the tree's is the same in all of them */
  struct bytes tree_content = {0}, changes = {0};
  struct tree *tree = NULL;
  TRY(unseal(key, SEAL_CHANGES, changes_blob, &client->why, &version, &changes));
  TRY(unseal(key, SEAL_TREE, tree_blob, &client->why, &any, &tree_content));
  TRY(snapshot_read_tree(client, bytes_view(&tree_content), &tree));
  TRY(snapshot_read_changes(client, version, bytes_view(&changes), seal_nonce(tree_blob), tree,
                            out));
  remember(*out, tree, tree_blob);
done:
  tree_drop(tree);
  bytes_free(&tree_content);
  bytes_free(&changes);
  return err;
}
