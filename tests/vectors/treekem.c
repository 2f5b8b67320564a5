/*
 * TreeKEM (RFC 9420, sections 7.4 to 7.6): every official path read by every member, and a new path
 * of every member read back by all others.
 * SPDX-License-Identifier: ISC
 */
#include "mls/treekem.h"

#include "base/mem.h"
#include "crypto/hpke.h"
#include "crypto/kdf.h"
#include "vectors.h"

#define MEMBERS_MAX 64

/* One vector: the tree, and what each of its members holds privately. */
struct setting {
  const struct suite *suite;
  json_object *vector;
  struct bytes group_id;
  struct tree *tree;
  struct private_keys *keys[MEMBERS_MAX]; /* by leaf index; NULL for a blank leaf */
  struct secret signature_key[MEMBERS_MAX];
};

/* The key pair that a path secret gives its node. */
static enum err node_key(const struct suite *suite, const struct secret *path_secret,
                         struct secret *private_key, uint8_t *public_key) {
  enum err err = OK;
  struct secret node_secret = {0};
  TRY(kdf_derive_secret(suite, path_secret, VIEW_TEXT("node"), &node_secret));
  TRY(hpke_derive_key_pair(suite, secret_view(&node_secret), private_key, public_key));
done:
  secret_wipe(&node_secret);
  return err;
}

static bool read_private(struct setting *setting, json_object *private) {
  uint32_t leaf = vectors_u32(private, "index");
  uint8_t public_key[DH_PUBLIC_MAX];
  struct private_keys *keys = NULL;
  if (leaf >= MEMBERS_MAX || setting->keys[leaf] != NULL ||
      !vectors_ok(private_keys_new(leaf, &keys), "private keys"))
    return false;
  setting->keys[leaf] = keys;
  setting->signature_key[leaf] = vectors_secret(private, "signature_priv");
  keys->at[0] = vectors_secret(private, "encryption_priv");
  json_object *secrets = vectors_array(private, "path_secrets");
  bool ok = true;
  for (size_t i = 0; ok && i < vectors_count(secrets); i++) {
    json_object *item = vectors_item(secrets, i);
    uint32_t height = node_height(vectors_u32(item, "node"));
    struct secret path_secret = vectors_secret(item, "path_secret");
    ok = height < PATH_NODES_MAX &&
         vectors_ok(node_key(setting->suite, &path_secret, &keys->at[height], public_key), "node");
    secret_wipe(&path_secret);
  }
  struct why why = {""};
  return ok && vectors_ok(private_keys_check(keys, setting->tree, &why), why.text);
}

/* GroupContext as both sides of a path know it: with the tree hash after the path. */
static void write_context(const struct setting *setting, const struct tree *tree,
                          struct writer *writer) {
  struct bytes transcript = vectors_bytes(setting->vector, "confirmed_transcript_hash");
  struct group_context context = {.version = MLS_VERSION_10,
                                  .cipher_suite = setting->suite->id,
                                  .group_id = bytes_view(&setting->group_id),
                                  .epoch = vectors_u64(setting->vector, "epoch"),
                                  .tree_hash = tree_hash(tree),
                                  .confirmed_transcript_hash = bytes_view(&transcript)};
  group_context_write(writer, &context);
  bytes_free(&transcript);
}

/* A new tree: the setting's one with a path merged into it. */
static enum err merge(const struct setting *setting, uint32_t sender,
                      const struct update_path *path, struct why *why, struct tree **out) {
  enum err err = OK;
  struct tree *tree = NULL;
  struct leaf *leaf = NULL;
  struct reader reader = reader_of(path->leaf);
  TRY(leaf_read(&reader, why, &leaf));
  TRY(leaf_verify_signature(setting->suite, leaf, bytes_view(&setting->group_id), sender, why));
  TRY(tree_edit(setting->tree, &tree));
  TRY(treekem_merge(tree, sender, leaf, path, why));
  TRY(tree_verify_parent_hashes(tree, why));
  *out = tree;
  tree = NULL;
done:
  leaf_drop(leaf);
  tree_drop(tree);
  return err;
}

/* What one member makes of a path; its new keys are those of the new tree. */
static enum err receive(const struct setting *setting, const struct tree *tree, uint32_t sender,
                        uint32_t receiver, const struct update_path *path, struct why *why,
                        struct private_keys **keys, struct secret *commit_secret) {
  enum err err = OK;
  struct writer context = {0};
  write_context(setting, tree, &context);
  TRY(context.err);
  TRY(treekem_decrypt(tree, sender, path, writer_view(&context), NULL, 0, setting->keys[receiver],
                      why, keys, commit_secret));
  TRY(private_keys_check(*keys, tree, why));
done:
  writer_free(&context);
  return err;
}

/* ---- Official paths ---- */

/* The receiver's key at the lowest common node is the one that the decrypted path secret gives. */
static bool check_path_secret(const struct setting *setting, json_object *expected,
                              const struct private_keys *keys, uint32_t sender) {
  struct bytes hex = vectors_hex(expected);
  struct secret path_secret = {0}, private_key = {0};
  uint8_t public_key[DH_PUBLIC_MAX];
  const struct secret *actual = &keys->at[common_height(sender, keys->leaf)];
  bool ok = vectors_ok(secret_set(&path_secret, bytes_view(&hex)), "path secret") &&
            vectors_ok(node_key(setting->suite, &path_secret, &private_key, public_key), "node") &&
            secret_equal(secret_view(&private_key), secret_view(actual));
  secret_wipe(&private_key);
  secret_wipe(&path_secret);
  bytes_free(&hex);
  return ok;
}

static bool check_receivers(const struct setting *setting, json_object *vector,
                            const struct tree *tree, const struct update_path *path) {
  uint32_t sender = vectors_u32(vector, "sender");
  json_object *path_secrets = vectors_array(vector, "path_secrets");
  bool ok = true;
  for (uint32_t leaf = 0; leaf < MEMBERS_MAX; leaf++) {
    if (leaf == sender || setting->keys[leaf] == NULL)
      continue;
    struct why why = {""};
    struct private_keys *keys = NULL;
    struct secret commit_secret = {0};
    ok = vectors_ok(receive(setting, tree, sender, leaf, path, &why, &keys, &commit_secret),
                    why.text) &&
         vectors_equal(vector, "commit_secret", secret_view(&commit_secret)) &&
         check_path_secret(setting, vectors_item(path_secrets, leaf), keys, sender) && ok;
    private_keys_free(keys);
    secret_wipe(&commit_secret);
  }
  return ok;
}

static bool check_path(const struct setting *setting, json_object *vector) {
  struct bytes encoded = vectors_bytes(vector, "update_path");
  struct reader reader = reader_of(bytes_view(&encoded));
  struct update_path path;
  struct why why = {""};
  struct tree *tree = NULL;
  bool ok = vectors_ok(update_path_read(&reader, &why, &path), why.text) &&
            vectors_ok(read_end(&reader), "end of the path") &&
            vectors_ok(merge(setting, vectors_u32(vector, "sender"), &path, &why, &tree), why.text);
  if (ok)
    ok = vectors_equal(vector, "tree_hash_after", tree_hash(tree)) &&
         check_receivers(setting, vector, tree, &path);
  tree_drop(tree);
  bytes_free(&encoded);
  return ok;
}

/* ---- Paths of our own ---- */

/* Make a path for a leaf.  Out: the tree after it, the sender's keys, its commit secret, and the
 * path on the wire. */
static enum err make_path(const struct setting *setting, uint32_t sender, struct tree **tree_out,
                          struct private_keys **keys, struct secret *commit_secret,
                          struct writer *wire) {
  enum err err = OK;
  const struct leaf *leaf = tree_leaf(setting->tree, sender);
  struct leaf_template fields = {.signature_key = leaf_signature_key(leaf),
                                 .credential = leaf_credential(leaf).raw,
                                 .capabilities = leaf_capabilities(leaf),
                                 .extensions = leaf_extensions(leaf)};
  struct tree *tree = NULL;
  struct new_path *path = NULL;
  struct writer context = {0};
  TRY(tree_edit(setting->tree, &tree));
  TRY(treekem_generate(tree, sender, &fields, &setting->signature_key[sender],
                       bytes_view(&setting->group_id), setting->keys[sender], keys, &path));
  write_context(setting, tree, &context);
  TRY(context.err);
  TRY(treekem_write(tree, sender, path, writer_view(&context), NULL, 0, wire));
  secret_move(commit_secret, &path->commit_secret);
  *tree_out = tree;
  tree = NULL;
done:
  writer_free(&context);
  new_path_free(path);
  tree_drop(tree);
  return err;
}

static bool read_back(const struct setting *setting, uint32_t sender, const struct tree *made,
                      struct view wire, const struct secret *commit_secret) {
  struct why why = {""};
  struct tree *tree = NULL;
  struct update_path path;
  struct reader reader = reader_of(wire);
  bool ok = vectors_ok(update_path_read(&reader, &why, &path), why.text) &&
            vectors_ok(merge(setting, sender, &path, &why, &tree), why.text) &&
            view_equal(tree_hash(tree), tree_hash(made));
  for (uint32_t leaf = 0; ok && leaf < MEMBERS_MAX; leaf++) {
    if (leaf == sender || setting->keys[leaf] == NULL)
      continue;
    struct private_keys *keys = NULL;
    struct secret received = {0};
    ok =
        vectors_ok(receive(setting, tree, sender, leaf, &path, &why, &keys, &received), why.text) &&
        secret_equal(secret_view(&received), secret_view(commit_secret));
    private_keys_free(keys);
    secret_wipe(&received);
  }
  tree_drop(tree);
  return ok;
}

static bool check_own_path(const struct setting *setting, uint32_t sender) {
  struct why why = {""};
  struct tree *tree = NULL;
  struct private_keys *keys = NULL;
  struct secret commit_secret = {0};
  struct writer wire = {0};
  bool ok = vectors_ok(make_path(setting, sender, &tree, &keys, &commit_secret, &wire), "path") &&
            vectors_ok(private_keys_check(keys, tree, &why), why.text) &&
            read_back(setting, sender, tree, writer_view(&wire), &commit_secret);
  writer_free(&wire);
  secret_wipe(&commit_secret);
  private_keys_free(keys);
  tree_drop(tree);
  return ok;
}

/* ---- A vector ---- */

static bool check_setting(struct setting *setting) {
  json_object *private = vectors_array(setting->vector, "leaves_private");
  json_object *paths = vectors_array(setting->vector, "update_paths");
  bool ok = vectors_count(private) == tree_members(setting->tree);
  for (size_t i = 0; ok && i < vectors_count(private); i++)
    ok = read_private(setting, vectors_item(private, i));
  for (size_t i = 0; ok && i < vectors_count(paths); i++)
    ok = check_path(setting, vectors_item(paths, i));
  for (uint32_t leaf = 0; ok && leaf < MEMBERS_MAX; leaf++)
    if (setting->keys[leaf] != NULL)
      ok = check_own_path(setting, leaf);
  return ok;
}

static bool check(const struct suite *suite, json_object *vector) {
  struct setting setting = {.suite = suite, .vector = vector};
  struct bytes encoded = vectors_bytes(vector, "ratchet_tree");
  struct why why = {""};
  setting.group_id = vectors_bytes(vector, "group_id");
  bool ok = vectors_ok(tree_read(suite, bytes_view(&encoded), MEMBERS_MAX, &why, &setting.tree),
                       why.text) &&
            check_setting(&setting);
  for (uint32_t leaf = 0; leaf < MEMBERS_MAX; leaf++) {
    private_keys_free(setting.keys[leaf]);
    secret_wipe(&setting.signature_key[leaf]);
  }
  tree_drop(setting.tree);
  bytes_free(&setting.group_id);
  bytes_free(&encoded);
  return ok;
}

void vectors_treekem(json_object *root, struct tally *tally) {
  for (size_t i = 0; i < vectors_count(root); i++) {
    json_object *vector = vectors_item(root, i);
    const struct suite *suite = vectors_suite(vector);
    if (suite == NULL)
      vectors_skip(tally);
    else
      vectors_check(tally, check(suite, vector), "tree", i);
  }
}
