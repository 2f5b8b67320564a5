/* SPDX-License-Identifier: ISC */
#include "mls/tree/treekem.h"

#include <string.h>

#include "base/mem.h"
#include "crypto/hpke.h"
#include "crypto/kdf.h"
#include "crypto/provider.h"
#include "mls/tree/check.h"

#define LABEL_NODE VIEW_TEXT("UpdatePathNode")

/* ---- Private keys ---- */

enum err private_keys_new(uint32_t leaf, struct private_keys **out) {
  struct private_keys *keys = locked_new(sizeof *keys);
  if (keys == NULL)
    return ERR_NOMEM;
  keys->leaf = leaf;
  *out = keys;
  return OK;
}

enum err private_keys_copy(const struct private_keys *from, struct private_keys **out) {
  enum err err = private_keys_new(from->leaf, out);
  if (err == OK)
    **out = *from;
  return err;
}

void private_keys_free(struct private_keys *keys) {
  locked_free(keys, sizeof *keys);
}

void private_keys_prune(struct private_keys *keys, const struct tree *tree) {
  for (uint32_t height = 1; height < PATH_NODES_MAX; height++) {
    struct parent_node parent;
    if (!tree_parent(tree, node_ancestor(keys->leaf, height), &parent))
      secret_wipe(&keys->at[height]);
  }
}

enum err private_keys_complete(const struct private_keys *keys, const struct tree *tree,
                               struct why *why) {
  enum err err = OK;
  for (uint32_t height = 1; height <= width_height(tree_width(tree)); height++) {
    struct parent_node parent;
    if (!tree_parent(tree, node_ancestor(keys->leaf, height), &parent))
      continue;
    TRY(require(keys->at[height].size > 0 || parent_is_unmerged(&parent, keys->leaf), why,
                ERR_INVALID_TREE,
                "RFC 9420, section 12.4.3.1: leaf %u was not told the key of the node at height %u",
                keys->leaf, height));
  }
done:
  return err;
}

enum err private_keys_check(const struct private_keys *keys, const struct tree *tree,
                            struct why *why) {
  enum err err = OK;
  const struct leaf *leaf = tree_leaf(tree, keys->leaf);
  TRY(require(leaf != NULL, why, ERR_INVALID_TREE, "the own leaf %u is blank", keys->leaf));
  for (uint32_t height = 0; height < PATH_NODES_MAX; height++) {
    struct parent_node parent;
    if (height > 0 && keys->at[height].size == 0)
      continue;
    if (height > 0 && !tree_parent(tree, node_ancestor(keys->leaf, height), &parent))
      return refuse(why, ERR_INVALID_TREE, "a private key for a blank node at height %u", height);
    struct view key = height == 0 ? leaf_encryption_key(leaf) : parent.encryption_key;
    err = hpke_check_key_pair(tree_suite(tree), &keys->at[height], key);
    if (err == ERR_INVALID_ARG)
      return refuse(
          why, ERR_INVALID_TREE,
          "RFC 9420, section 12.4.3.1: the private key at height %u of leaf %u is not that "
          "of the node",
          height, keys->leaf);
    TRY(err);
  }
done:
  return err;
}

/* ---- The filtered direct path and its keys (section 4.1.2) ---- */

/* A node of the filtered direct path with its new public key. */
struct path_key {
  uint32_t height;
  struct view key;
};

static uint32_t copath_child(uint32_t leaf, uint32_t height) {
  return node_sibling(node_ancestor(leaf, height - 1));
}

/* Heights of the direct path's nodes whose child on the copath has a non-empty resolution. */
static size_t filtered_path(const struct tree *tree, uint32_t leaf, uint32_t *heights) {
  size_t count = 0;
  for (uint32_t height = 1; height <= width_height(tree_width(tree)); height++)
    if (tree_resolution_size(tree, copath_child(leaf, height)) > 0)
      heights[count++] = height;
  return count;
}

/*
 * Blank the direct path and give its filtered nodes their new keys, from the root down, because each
 * node holds the parent hash of the next one above (section 7.9).
 * @param leaf_hash  out: the parent hash that belongs into the leaf; its size is 0 above a lone leaf
 */
static enum err set_path(struct tree *tree, uint32_t leaf, const struct path_key *nodes,
                         size_t count, uint8_t *hash, struct view *leaf_hash) {
  enum err err = OK;
  *leaf_hash = VIEW_NONE;
  TRY(tree_blank_path(tree, leaf));
  for (size_t i = count; i-- > 0;) {
    TRY(tree_set_parent(tree, leaf, nodes[i].height, nodes[i].key, *leaf_hash));
    TRY(tree_parent_hash(tree, leaf, nodes[i].height, hash));
    *leaf_hash = view_of(hash, tree_suite(tree)->hash->size);
  }
done:
  return err;
}

/* Key pair of a node: section 7.4. */
static enum err node_key_pair(const struct suite *suite, const struct secret *path_secret,
                              struct secret *private_key, uint8_t *public_key) {
  enum err err = OK;
  struct secret node_secret = {0};
  TRY(kdf_derive_secret(suite, path_secret, VIEW_TEXT("node"), &node_secret));
  TRY(hpke_derive_key_pair(suite, secret_view(&node_secret), private_key, public_key));
done:
  secret_wipe(&node_secret);
  return err;
}

static enum err next_path_secret(const struct suite *suite, const struct secret *path_secret,
                                 struct secret *next) {
  return kdf_derive_secret(suite, path_secret, VIEW_TEXT("path"), next);
}

/* ---- Making a path ---- */

void new_path_free(struct new_path *path) {
  locked_free(path, sizeof *path);
}

/* Sample the secrets of a path and put its nodes, but not the leaf, into the tree. */
static enum err generate_nodes(struct tree *tree, struct private_keys *keys, struct new_path *path,
                               uint8_t *hash, struct view *leaf_hash) {
  enum err err = OK;
  const struct suite *suite = tree_suite(tree);
  const size_t key_size = suite->kem->public_size;
  uint8_t *public_keys = NULL; /* too large for the stack with some KEMs */
  struct path_key nodes[PATH_NODES_MAX];
  struct secret *next = &path->commit_secret; /* of a lone member: known to nobody else */
  path->count = filtered_path(tree, keys->leaf, path->height);
  public_keys = mem_new(path->count + 1, key_size);
  TRY(public_keys != NULL ? OK : ERR_NOMEM);
  if (path->count > 0)
    next = &path->path_secret[0];
  TRY(provider_random_secret(next, suite->hash->size));
  for (size_t i = 0; i < path->count; i++) {
    uint32_t height = path->height[i];
    uint8_t *public_key = public_keys + i * key_size;
    TRY(node_key_pair(suite, &path->path_secret[i], &keys->at[height], public_key));
    nodes[i] = (struct path_key){height, view_of(public_key, key_size)};
    next = i + 1 < path->count ? &path->path_secret[i + 1] : &path->commit_secret;
    TRY(next_path_secret(suite, &path->path_secret[i], next));
  }
  TRY(set_path(tree, keys->leaf, nodes, path->count, hash, leaf_hash));
done:
  mem_free(public_keys);
  return err;
}

enum err treekem_generate(struct tree *tree, uint32_t leaf, const struct leaf_template *fields,
                          const struct secret *signature_key, struct view group_id,
                          const struct private_keys *old, struct private_keys **keys_out,
                          struct new_path **path_out) {
  enum err err = OK;
  const struct suite *suite = tree_suite(tree);
  uint8_t public_key[KEM_PUBLIC_MAX], hash[HASH_MAX];
  struct leaf_template leaf_fields = *fields;
  struct private_keys *keys = NULL;
  struct leaf *node = NULL;
  struct new_path *path = locked_new(sizeof *path);
  TRY(path == NULL ? ERR_NOMEM : OK);
  TRY(old == NULL ? private_keys_new(leaf, &keys) : private_keys_copy(old, &keys));
  TRY(hpke_generate_key_pair(suite, &keys->at[0], public_key));
  leaf_fields.encryption_key = view_of(public_key, suite->kem->public_size);
  leaf_fields.source = LEAF_COMMIT;
  TRY(generate_nodes(tree, keys, path, hash, &leaf_fields.parent_hash));
  TRY(leaf_new(suite, &leaf_fields, signature_key, group_id, leaf, &node));
  TRY(tree_replace_leaf(tree, leaf, node));
  TRY(tree_seal(tree));
  tree_check_parent_hashes(tree);
  private_keys_prune(keys, tree);
  *keys_out = keys;
  *path_out = path;
  keys = NULL;
  path = NULL;
done:
  leaf_drop(node);
  private_keys_free(keys);
  new_path_free(path);
  return err;
}

static bool is_added(uint32_t node, const uint32_t *added, size_t count) {
  if (node_height(node) > 0)
    return false;
  for (size_t low = 0, high = count; low < high;) {
    size_t middle = low + (high - low) / 2;
    if (added[middle] == node / 2)
      return true;
    if (added[middle] < node / 2)
      low = middle + 1;
    else
      high = middle;
  }
  return false;
}

/* The path secret of a node, encrypted to each key of the resolution of its child on the copath. */
static enum err write_ciphertexts(const struct tree *tree, uint32_t copath,
                                  const struct secret *secret, const struct hpke_context *context,
                                  const uint32_t *added, size_t added_count,
                                  struct writer *writer) {
  enum err err = OK;
  struct bytes kem_output = {0}, ciphertext = {0};
  uint32_t size = tree_resolution_size(tree, copath);
  struct resolved *resolution = mem_new(size, sizeof *resolution);
  TRY(resolution == NULL ? ERR_NOMEM : OK);
  tree_resolution(tree, copath, resolution);
  for (uint32_t i = 0; i < size; i++) {
    if (is_added(resolution[i].node, added, added_count))
      continue;
    TRY(hpke_encrypt(tree_suite(tree), resolution[i].encryption_key, context, secret_view(secret),
                     &kem_output, &ciphertext));
    hpke_ciphertext_write(writer, bytes_view(&kem_output), bytes_view(&ciphertext));
    bytes_free(&kem_output);
    bytes_free(&ciphertext);
  }
  err = writer->err;
done:
  bytes_free(&kem_output);
  bytes_free(&ciphertext);
  mem_free(resolution);
  return err;
}

enum err treekem_encrypt(const struct tree *tree, uint32_t leaf, const struct new_path *path,
                         struct view group_context, const uint32_t *added, size_t added_count,
                         struct writer *nodes) {
  enum err err = OK;
  struct hpke_context context;
  struct writer ciphertexts = {0};
  TRY(hpke_label_context(tree_suite(tree), LABEL_NODE, group_context, &context));
  for (size_t i = 0; i < path->count; i++) {
    struct parent_node parent;
    uint32_t height = path->height[i];
    TRY(tree_parent(tree, node_ancestor(leaf, height), &parent) ? OK : ERR_INTERNAL);
    TRY(write_ciphertexts(tree, copath_child(leaf, height), &path->path_secret[i], &context, added,
                          added_count, &ciphertexts));
    struct update_path_node node = {parent.encryption_key, writer_view(&ciphertexts)};
    update_path_node_write(nodes, &node);
    writer_free(&ciphertexts);
  }
  err = nodes->err;
done:
  writer_free(&ciphertexts);
  return err;
}

const struct secret *treekem_shared_secret(const struct new_path *path, uint32_t sender,
                                           uint32_t leaf) {
  uint32_t height = common_height(sender, leaf);
  for (size_t i = 0; i < path->count; i++)
    if (path->height[i] >= height)
      return &path->path_secret[i];
  return NULL;
}

/* ---- Taking over a path ---- */

static enum err read_path_keys(const struct tree *tree, uint32_t sender,
                               const struct update_path *path, struct why *why,
                               struct path_key *nodes, size_t *count) {
  enum err err = OK;
  uint32_t heights[PATH_NODES_MAX];
  struct update_path_node more = {VIEW_NONE, VIEW_NONE};
  struct reader reader = reader_of(path->nodes);
  *count = filtered_path(tree, sender, heights);
  for (size_t i = 0; i < *count; i++) {
    struct update_path_node node;
    TRY(require(reader.left > 0, why, ERR_INVALID_COMMIT,
                "RFC 9420, section 7.5: the path has fewer nodes than the filtered direct path of "
                "leaf %u",
                sender));
    TRY(codec_unparsed(update_path_node_read(&reader, &node), why, "UpdatePathNode"));
    err = hpke_check_public_key(tree_suite(tree), node.encryption_key);
    if (err == ERR_MALFORMED)
      return refuse(why, ERR_INVALID_COMMIT,
                    "RFC 9420, section 7.6: path node %zu holds no public key", i);
    TRY(err);
    /* RFC 9420, section 12.4.2: no key of the path is in use in the tree. */
    TRY(require(!tree_has_encryption_key(tree, node.encryption_key), why, ERR_INVALID_COMMIT,
                "RFC 9420, section 12.4.2: the key of path node %zu is in use already", i));
    nodes[i] = (struct path_key){heights[i], node.encryption_key};
  }
  if (reader.left > 0)
    TRY(codec_unparsed(update_path_node_read(&reader, &more), why, "UpdatePathNode"));
  TRY(require(more.encryption_key.data == NULL, why, ERR_INVALID_COMMIT,
              "RFC 9420, section 7.5: the path has more nodes than the filtered direct path of "
              "leaf %u",
              sender));
done:
  return err;
}

enum err treekem_merge(struct tree *tree, uint32_t sender, const struct leaf *leaf,
                       const struct update_path *path, struct why *why) {
  enum err err = OK;
  struct path_key nodes[PATH_NODES_MAX];
  size_t count = 0;
  uint8_t hash[HASH_MAX];
  struct view leaf_hash;
  TRY(read_path_keys(tree, sender, path, why, nodes, &count));
  TRY(require(!tree_has_encryption_key(tree, leaf_encryption_key(leaf)), why, ERR_INVALID_COMMIT,
              "RFC 9420, section 12.4.2: the encryption key of the path's leaf is in use already"));
  err = set_path(tree, sender, nodes, count, hash, &leaf_hash);
  if (err == ERR_INVALID_TREE)
    return refuse(why, ERR_INVALID_COMMIT,
                  "RFC 9420, section 12.4.2: two nodes of the path have one key");
  TRY(err);
  TRY(require(view_equal(leaf_hash, leaf_parent_hash(leaf)), why, ERR_INVALID_COMMIT,
              "RFC 9420, section 7.9.2: the parent hash of the path's leaf %u is wrong", sender));
  err = tree_replace_leaf(tree, sender, leaf);
  if (err == ERR_INVALID_TREE)
    return refuse(why, ERR_INVALID_COMMIT,
                  "RFC 9420, section 7.3: a key of the path's leaf %u occurs elsewhere", sender);
  TRY(err);
  TRY(tree_seal(tree));
  tree_check_parent_hashes(tree);
done:
  return err;
}

/* Number of added leaves in [first, end). */
static uint32_t added_between(const uint32_t *added, size_t count, uint32_t first, uint32_t end) {
  uint32_t between = 0;
  for (size_t i = 0; i < count; i++)
    between += added[i] >= first && added[i] < end ? 1 : 0;
  return between;
}

/*
 * Where in the resolution of a node, without added leaves, stands the one whose private key we hold:
 * found from cached sizes, without walking the resolution.
 * @param height  out: of the node whose key is to be used
 */
static uint32_t own_position(const struct tree *tree, uint32_t node, uint32_t own,
                             const uint32_t *added, size_t added_count, uint32_t *height) {
  uint32_t position = 0;
  struct parent_node parent;
  while (node_height(node) > 0 && !tree_parent(tree, node, &parent)) {
    uint32_t left = node_left(node), right = node_right(node);
    if (node_covers(left, own)) {
      node = left;
      continue;
    }
    uint32_t first = node_first_leaf(left);
    position += tree_resolution_size(tree, left) -
                added_between(added, added_count, first, first + node_leaves(left));
    node = right;
  }
  *height = node_height(node);
  if (*height == 0 || !parent_is_unmerged(&parent, own))
    return position;
  *height = 0;
  position++;
  for (size_t i = 0; i < parent.unmerged_count && parent.unmerged_leaves[i] < own; i++)
    position += is_added(2 * parent.unmerged_leaves[i], added, added_count) ? 0 : 1;
  return position;
}

/* The ciphertext at a position of a path node that must hold exactly `count` of them. */
static enum err pick_ciphertext(const struct update_path_node *node, uint32_t position,
                                uint32_t count, struct why *why, struct hpke_ciphertext *out) {
  enum err err = OK;
  struct reader reader = reader_of(node->ciphertexts);
  uint32_t seen = 0;
  for (; reader.left > 0; seen++) {
    struct hpke_ciphertext ciphertext;
    TRY(require(hpke_ciphertext_read(&reader, &ciphertext) == OK, why, ERR_MALFORMED,
                "RFC 9420, section 7.6: ciphertext %u of a path node is none", seen));
    if (seen == position)
      *out = ciphertext;
  }
  TRY(require(seen == count && position < count, why, ERR_INVALID_COMMIT,
              "RFC 9420, section 7.6: a path node has %u ciphertexts for a resolution of %u", seen,
              count));
done:
  return err;
}

/* Derive the keys of the path's nodes from the own one up, and compare with what was announced. */
static enum err derive_upwards(const struct tree *tree, struct secret *path_secret,
                               const struct path_key *nodes, size_t count, enum err mismatch,
                               struct why *why, struct private_keys *keys) {
  enum err err = OK;
  const struct suite *suite = tree_suite(tree);
  uint8_t public_key[KEM_PUBLIC_MAX];
  struct secret next = {0};
  for (size_t i = 0; i < count; i++) {
    TRY(node_key_pair(suite, path_secret, &keys->at[nodes[i].height], public_key));
    TRY(require(
        view_equal(nodes[i].key, view_of(public_key, suite->kem->public_size)), why, mismatch,
        "RFC 9420, section 7.5: the path secret does not give the public key of the node at "
        "height %u",
        nodes[i].height));
    TRY(next_path_secret(suite, path_secret, &next));
    secret_move(path_secret, &next);
  }
done:
  secret_wipe(&next);
  return err;
}

/* The public key of a leaf or of a node above it. */
static struct view own_public_key(const struct tree *tree, uint32_t leaf, uint32_t height) {
  struct parent_node parent = {.encryption_key = VIEW_NONE};
  if (height == 0)
    return leaf_encryption_key(tree_leaf(tree, leaf));
  (void)tree_parent(tree, node_ancestor(leaf, height), &parent);
  return parent.encryption_key;
}

/* Find and decrypt the path secret of path node `index`, the lowest that is above us. */
static enum err decrypt_secret(const struct tree *tree, uint32_t sender,
                               const struct update_path_node *node, uint32_t height,
                               struct view group_context, const uint32_t *added, size_t added_count,
                               const struct private_keys *keys, struct why *why,
                               struct secret *path_secret) {
  enum err err = OK;
  struct hpke_ciphertext ciphertext = {0};
  struct bytes plaintext = {0};
  uint32_t copath = copath_child(sender, height), key_height = 0;
  uint32_t first = node_first_leaf(copath);
  uint32_t count = tree_resolution_size(tree, copath) -
                   added_between(added, added_count, first, first + node_leaves(copath));
  uint32_t position = own_position(tree, copath, keys->leaf, added, added_count, &key_height);
  TRY(pick_ciphertext(node, position, count, why, &ciphertext));
  const struct secret *key = &keys->at[key_height];
  TRY(require(key->size > 0, why, ERR_INTERNAL, "no private key at height %u", key_height));
  err = hpke_decrypt_with_label(tree_suite(tree), key, own_public_key(tree, keys->leaf, key_height),
                                LABEL_NODE, group_context, ciphertext.kem_output,
                                ciphertext.ciphertext, &plaintext);
  if (err == ERR_AUTH || err == ERR_MALFORMED)
    return refuse(why, ERR_INVALID_COMMIT,
                  "RFC 9420, section 7.5: the path secret for leaf %u does not decrypt",
                  keys->leaf);
  TRY(err);
  TRY(require(plaintext.size == tree_suite(tree)->hash->size, why, ERR_INVALID_COMMIT,
              "RFC 9420, section 7.5: a path secret of %zu bytes", plaintext.size));
  TRY(secret_set(path_secret, bytes_view(&plaintext)));
done:
  bytes_free(&plaintext);
  return err;
}

enum err treekem_decrypt(const struct tree *tree, uint32_t sender, const struct update_path *path,
                         struct view group_context, const uint32_t *added, size_t added_count,
                         const struct private_keys *old, struct why *why,
                         struct private_keys **keys_out, struct secret *commit_secret) {
  enum err err = OK;
  uint32_t heights[PATH_NODES_MAX], common = common_height(sender, old->leaf);
  size_t count = filtered_path(tree, sender, heights), mine = 0;
  struct path_key nodes[PATH_NODES_MAX];
  struct update_path_node node, my_node = {0};
  struct private_keys *keys = NULL;
  struct secret path_secret = {0};
  struct reader reader = reader_of(path->nodes);
  while (mine < count && heights[mine] < common)
    mine++;
  TRY(mine == count || heights[mine] != common ? ERR_INTERNAL : OK);
  for (size_t i = 0; i < count; i++) {
    TRY(update_path_node_read(&reader, &node));
    nodes[i] = (struct path_key){heights[i], node.encryption_key};
    if (i == mine)
      my_node = node;
  }
  TRY(private_keys_copy(old, &keys));
  /* The nodes above are new or blank now; our keys below them are as they were. */
  private_keys_prune(keys, tree);
  TRY(decrypt_secret(tree, sender, &my_node, common, group_context, added, added_count, keys, why,
                     &path_secret));
  TRY(derive_upwards(tree, &path_secret, nodes + mine, count - mine, ERR_INVALID_COMMIT, why,
                     keys));
  secret_move(commit_secret, &path_secret);
  *keys_out = keys;
  keys = NULL;
done:
  private_keys_free(keys);
  secret_wipe(&path_secret);
  return err;
}

enum err treekem_join(const struct tree *tree, uint32_t committer, struct view path_secret,
                      struct private_keys *keys, struct why *why) {
  enum err err = OK;
  struct path_key nodes[PATH_NODES_MAX];
  struct secret secret = {0};
  size_t count = 0;
  uint32_t common = common_height(committer, keys->leaf);
  TRY(require(path_secret.size == tree_suite(tree)->hash->size, why, ERR_INVALID_TREE,
              "RFC 9420, section 12.4.3.1: a path secret of %zu bytes", path_secret.size));
  for (uint32_t height = common; height <= width_height(tree_width(tree)); height++) {
    struct parent_node parent;
    if (tree_parent(tree, node_ancestor(keys->leaf, height), &parent))
      nodes[count++] = (struct path_key){height, parent.encryption_key};
  }
  TRY(require(count > 0 && nodes[0].height == common, why, ERR_INVALID_TREE,
              "RFC 9420, section 12.4.3.1: a path secret, but the node above leaves %u and %u is "
              "blank",
              committer, keys->leaf));
  TRY(secret_set(&secret, path_secret));
  TRY(derive_upwards(tree, &secret, nodes, count, ERR_INVALID_TREE, why, keys));
done:
  secret_wipe(&secret);
  return err;
}
