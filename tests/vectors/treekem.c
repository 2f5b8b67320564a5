/*
 * TreeKEM (RFC 9420, sections 7.4 to 7.6): every official path read by every member, and a new path
 * of every member read back by all others.
 * SPDX-License-Identifier: ISC
 */
#include "mls/tree/treekem.h"

#include "base/mem.h"
#include "crypto/hpke.h"
#include "crypto/kdf.h"
#include "generate.h"
#include "mls/group/client.h"

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
  uint8_t public_key[KEM_PUBLIC_MAX];
  struct private_keys *keys = NULL;
  if (leaf >= MEMBERS_MAX || setting->keys[leaf] != NULL ||
      !vectors_ok(private_keys_new(leaf, &keys), "private keys"))
    return false;
  setting->keys[leaf] = keys;
  setting->signature_key[leaf] =
      vectors_private_key(private, "signature_priv", setting->suite->signature->private_size);
  keys->at[0] = vectors_private_key(private, "encryption_priv", setting->suite->kem->private_size);
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
  TRY(tree_verify_parent_hashes(tree, 1, why));
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
  uint8_t public_key[KEM_PUBLIC_MAX];
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

/* The UpdatePath on the wire. */
static enum err write_path(const struct tree *tree, uint32_t leaf, const struct new_path *path,
                           struct view context, struct writer *wire) {
  struct writer nodes = {0};
  enum err err = treekem_encrypt(tree, leaf, path, context, NULL, 0, &nodes);
  struct update_path parts = {leaf_raw(tree_leaf(tree, leaf)), writer_view(&nodes)};
  if (err == OK)
    update_path_write(wire, &parts);
  writer_free(&nodes);
  return err == OK ? wire->err : err;
}

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
  TRY(write_path(tree, sender, path, writer_view(&context), wire));
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
  vectors_each(root, tally, "tree", check);
}

/* ---- Generating: who knows it all writes down what each member knows ---- */

#define MADE_MAX 16

/* A tree whose every secret is known: whose leaves are whose, and what was drawn for each node. */
struct garden {
  const struct suite *suite;
  struct secret group_id;
  struct tree *tree;
  struct client *client[MADE_MAX];         /* by leaf; NULL for a blank one */
  struct secret leaf_key[MADE_MAX];        /* private */
  struct secret path_secret[2 * MADE_MAX]; /* by node; empty for a blank one */
};

/* Put a new tree in the place of the one before. */
static void replace_tree(struct garden *garden, struct tree *tree) {
  tree_drop(garden->tree);
  garden->tree = tree;
}

static void plant(struct garden *garden) {
  struct tree *tree = NULL;
  struct bytes message = {0};
  struct client *client = NULL;
  struct view raw;
  struct key_package key_package = {0};
  uint32_t leaf = 0;
  must(client_new(garden->suite, VIEW_TEXT("member"), &client), "client");
  must(client_key_package(client, &message), "key package");
  must(message_read_key_package(bytes_view(&message), NULL, &raw), "key package");
  struct reader reader = reader_of(raw);
  must(key_package_read(&reader, NULL, &key_package), "key package");
  must(tree_edit(garden->tree, &tree), "edit");
  must(tree_add_leaf(tree, key_package.leaf, &leaf), "Add");
  must(tree_seal(tree), "seal");
  replace_tree(garden, tree);
  garden->client[leaf] = client;
  garden->leaf_key[leaf] = client->key_packages[0].secret->encryption_key;
  key_package_free(&key_package);
  bytes_free(&message);
}

static void uproot(struct garden *garden, uint32_t leaf) {
  struct tree *tree = NULL;
  must(tree_edit(garden->tree, &tree), "edit");
  must(tree_remove_leaf(tree, leaf), "Remove");
  must(tree_seal(tree), "seal");
  replace_tree(garden, tree);
  client_free(garden->client[leaf]);
  garden->client[leaf] = NULL;
}

/* Whether a member knows the secret of the node at a height above its leaf. */
static bool knows(const struct garden *garden, uint32_t leaf, uint32_t height) {
  struct parent_node parent;
  if (!tree_parent(garden->tree, node_ancestor(leaf, height), &parent))
    return false;
  for (size_t i = 0; i < parent.unmerged_count; i++)
    if (parent.unmerged_leaves[i] == leaf)
      return false;
  return true;
}

static struct private_keys *keys_of(const struct garden *garden, uint32_t leaf) {
  struct private_keys *keys = NULL;
  struct why why = {""};
  uint8_t public_key[KEM_PUBLIC_MAX];
  must(private_keys_new(leaf, &keys), "private keys");
  keys->at[0] = garden->leaf_key[leaf];
  for (uint32_t height = 1; height <= width_height(tree_width(garden->tree)); height++)
    if (knows(garden, leaf, height))
      must(node_key(garden->suite, &garden->path_secret[node_ancestor(leaf, height)],
                    &keys->at[height], public_key),
           "node key");
  must(private_keys_check(keys, garden->tree, &why), why.text);
  return keys;
}

/* A fresh path of a member, and the tree after it. */
static struct new_path *draw_path(const struct garden *garden, uint32_t leaf, struct tree **tree,
                                  struct private_keys **keys) {
  const struct client *client = garden->client[leaf];
  struct new_path *path = NULL;
  struct leaf_storage storage = {0};
  struct leaf_template fields;
  struct private_keys *old = keys_of(garden, leaf);
  must(client_leaf(client, &storage, &fields), "leaf");
  must(tree_edit(garden->tree, tree), "edit");
  must(treekem_generate(*tree, leaf, &fields, client->signature_key, secret_view(&garden->group_id),
                        old, keys, &path),
       "path");
  private_keys_free(old);
  leaf_storage_free(&storage);
  return path;
}

/* A member commits: from now on the tree has its path. */
static void water(struct garden *garden, uint32_t leaf) {
  struct tree *tree = NULL;
  struct private_keys *keys = NULL;
  struct new_path *path = draw_path(garden, leaf, &tree, &keys);
  for (size_t i = 0; i < path->count; i++)
    garden->path_secret[node_ancestor(leaf, path->height[i])] = path->path_secret[i];
  garden->leaf_key[leaf] = keys->at[0];
  replace_tree(garden, tree);
  new_path_free(path);
  private_keys_free(keys);
}

static void put_member(const struct garden *garden, uint32_t leaf, json_object *array) {
  json_object *member = append_object(array);
  put_number(member, "index", leaf);
  put_secret(member, "encryption_priv", &garden->leaf_key[leaf]);
  put_secret(member, "signature_priv", garden->client[leaf]->signature_key);
  json_object *secrets = put_array(member, "path_secrets");
  for (uint32_t height = 1; height <= width_height(tree_width(garden->tree)); height++) {
    uint32_t node = node_ancestor(leaf, height);
    if (!knows(garden, leaf, height))
      continue;
    json_object *secret = append_object(secrets);
    put_number(secret, "node", node);
    put_secret(secret, "path_secret", &garden->path_secret[node]);
  }
}

static void put_path(const struct garden *garden, json_object *vector, uint32_t leaf,
                     json_object *array) {
  json_object *object = append_object(array);
  struct setting setting = {.suite = garden->suite, .vector = vector};
  struct tree *tree = NULL;
  struct private_keys *keys = NULL;
  struct writer context = {0}, wire = {0};
  struct new_path *path = draw_path(garden, leaf, &tree, &keys);
  setting.group_id = vectors_bytes(vector, "group_id");
  write_context(&setting, tree, &context);
  must(context.err, "GroupContext");
  must(write_path(tree, leaf, path, writer_view(&context), &wire), "UpdatePath");
  put_number(object, "sender", leaf);
  put_hex(object, "update_path", writer_view(&wire));
  json_object *secrets = put_array(object, "path_secrets");
  for (uint32_t other = 0; other < tree_width(tree); other++) {
    if (other == leaf || garden->client[other] == NULL)
      append_null(secrets);
    else
      append_hex(secrets, secret_view(treekem_shared_secret(path, leaf, other)));
  }
  put_secret(object, "commit_secret", &path->commit_secret);
  put_hex(object, "tree_hash_after", tree_hash(tree));
  new_path_free(path);
  private_keys_free(keys);
  tree_drop(tree);
  writer_free(&wire);
  writer_free(&context);
  bytes_free(&setting.group_id);
}

static void put_garden(const struct garden *garden, json_object *array) {
  json_object *vector = append_object(array);
  struct secret transcript = random_secret(garden->suite->hash->size);
  struct writer writer = {0};
  put_number(vector, "cipher_suite", garden->suite->id);
  put_secret(vector, "confirmed_transcript_hash", &transcript);
  put_number(vector, "epoch", random_below(1000));
  put_secret(vector, "group_id", &garden->group_id);
  json_object *members = put_array(vector, "leaves_private");
  for (uint32_t leaf = 0; leaf < MADE_MAX; leaf++)
    if (garden->client[leaf] != NULL)
      put_member(garden, leaf, members);
  tree_write(&writer, garden->tree);
  must(writer.err, "tree");
  put_hex(vector, "ratchet_tree", writer_view(&writer));
  writer_free(&writer);
  json_object *paths = put_array(vector, "update_paths");
  for (uint32_t leaf = 0; leaf < MADE_MAX; leaf++)
    if (garden->client[leaf] != NULL)
      put_path(garden, vector, leaf, paths);
}

/* Members come one after the other, each commits and may be found to have gone. */
static void generate_garden(const struct suite *suite, uint32_t members, bool holes,
                            json_object *array) {
  struct garden garden = {.suite = suite, .group_id = random_secret(16)};
  must(tree_new(suite, &garden.tree), "tree");
  plant(&garden);
  for (uint32_t leaf = 1; leaf < members; leaf++) {
    plant(&garden);
    water(&garden, leaf - 1);
  }
  if (holes) {
    uproot(&garden, 1);
    uproot(&garden, 3);
    water(&garden, 0);
    plant(&garden); /* into the holes: unmerged in what is above, on both sides of one node */
    plant(&garden);
    uproot(&garden, 4);
  }
  put_garden(&garden, array);
  for (uint32_t leaf = 0; leaf < MADE_MAX; leaf++)
    client_free(garden.client[leaf]);
  tree_drop(garden.tree);
}

static void generate(const struct suite *suite, json_object *array) {
  generate_garden(suite, 2, false, array);
  generate_garden(suite, 3, false, array);
  generate_garden(suite, 6, true, array);
  generate_garden(suite, 9, false, array);
}

json_object *generate_treekem(uint16_t suite) {
  return generate_suites(suite, generate);
}
