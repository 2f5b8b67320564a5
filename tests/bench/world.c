/* SPDX-License-Identifier: ISC */
#include "world.h"

#include <string.h>

#include "base/mem.h"
#include "bench.h"
#include "crypto/hpke.h"
#include "crypto/provider.h"
#include "crypto/sign.h"

#define GROUP_ID VIEW_TEXT("benchmark")

e2ee_client *world_client(const struct suite *suite, const char *name) {
  e2ee_client *client = NULL;
  bench_require(e2ee_client_new(suite->id, (const uint8_t *)name, strlen(name), &client),
                "e2ee_client_new");
  client->client->settings.max_members = 1u << 20;
  client->client->settings.max_message_bytes = 1u << 30;
  return client;
}

/* ---- A warm tree ---- */

/* What is needed to put one together. */
struct filling {
  struct world *world;
  struct secret *signature_key; /* of each leaf */
};

/* A key pair; of a node that no real member is below, where the curve allows it, any public key. */
static void key_pair(const struct suite *suite, bool real, struct secret *private_key,
                     uint8_t *public_key) {
  if (real || suite->signature_id != SIGNATURE_ED25519)
    bench_require(hpke_generate_key_pair(suite, private_key, public_key), "key pair");
  else
    provider_random(public_key, suite->kem->public_size);
}

static bool is_real(const struct world *world, uint32_t leaf) {
  return leaf == world->leaf[WORLD_COMMITTER] || leaf == world->leaf[WORLD_NEAR] ||
         leaf == world->leaf[WORLD_FAR];
}

static bool covers_real(const struct world *world, uint32_t node) {
  for (size_t role = 0; role < WORLD_ROLES; role++)
    if (node_covers(node, world->leaf[role]))
      return true;
  return false;
}

/* Hand a private key to the real members below a node. */
static void give_key(const struct world *world, uint32_t node, const struct secret *key) {
  for (size_t role = 0; role < WORLD_ROLES; role++)
    if (node_covers(node, world->leaf[role]))
      world->keys[role]->at[node_height(node)] = *key;
}

static const struct client *client_of(const struct world *world, uint32_t leaf) {
  size_t role = 0;
  while (role + 1 < WORLD_ROLES && world->leaf[role] != leaf)
    role++;
  return world->client[role]->client;
}

/* A leaf as a key package has it, or as a commit leaves it. */
static struct leaf *new_leaf(const struct filling *filling, uint32_t index, struct view public_key,
                             struct view parent_hash) {
  const struct world *world = filling->world;
  const struct client *client = client_of(world, index);
  struct leaf_storage storage = {0};
  struct leaf_template fields;
  struct bytes signature_public = {0};
  struct leaf *leaf = NULL;
  bench_require(client_leaf(client, &storage, &fields), "client_leaf");
  fields.source = parent_hash.size > 0 ? LEAF_COMMIT : LEAF_KEY_PACKAGE;
  fields.encryption_key = public_key;
  fields.parent_hash = parent_hash;
  client_set_lifetime(client, &fields);
  struct secret *signature_key = &filling->signature_key[index];
  if (is_real(world, index)) {
    *signature_key = *client->signature_key;
  } else if (signature_key->size == 0) {
    bench_require(sign_generate(world->suite, signature_key, &signature_public), "sign_generate");
    fields.signature_key = bytes_view(&signature_public);
  } else {
    fields.signature_key = leaf_signature_key(tree_leaf(world->tree, index));
  }
  bench_require(leaf_new(world->suite, &fields, signature_key, GROUP_ID, index, &leaf), "leaf_new");
  bytes_free(&signature_public);
  leaf_storage_free(&storage);
  return leaf;
}

static void add_leaves(const struct filling *filling) {
  struct world *world = filling->world;
  for (uint32_t i = 0; i < world->size; i++) {
    uint8_t public_key[KEM_PUBLIC_MAX];
    struct secret private_key = {0};
    uint32_t index = 0;
    key_pair(world->suite, is_real(world, i), &private_key, public_key);
    give_key(world, 2 * i, &private_key);
    struct leaf *leaf =
        new_leaf(filling, i, view_of(public_key, world->suite->kem->public_size), VIEW_NONE);
    bench_require(tree_add_leaf(world->tree, leaf, &index), "tree_add_leaf");
    leaf_drop(leaf);
  }
}

/* The committer's new leaf at the lower end of a chain of parent hashes. */
static void commit_leaf(const struct filling *filling, uint32_t index, struct view parent_hash) {
  struct tree *tree = filling->world->tree;
  struct leaf *leaf =
      new_leaf(filling, index, leaf_encryption_key(tree_leaf(tree, index)), parent_hash);
  bench_require(tree_replace_leaf(tree, index, leaf), "tree_replace_leaf");
  leaf_drop(leaf);
}

/*
 * Give keys to the nodes from `height` above a leaf down, as if the members below had committed from
 * the last one to the first.
 * @param parent_hash  that the first one's commit has left at the top; empty at the root
 */
static void fill(const struct filling *filling, uint32_t first, uint32_t height,
                 struct view parent_hash) {
  const struct world *world = filling->world;
  const struct suite *suite = world->suite;
  uint8_t public_key[KEM_PUBLIC_MAX], hash[HASH_MAX];
  uint32_t middle = first + (height > 0 ? 1u << (height - 1) : 0);
  if (height == 0) {
    if (parent_hash.size > 0)
      commit_leaf(filling, first, parent_hash);
    return;
  }
  if (middle >= world->size) { /* nobody on the right: not on the filtered path */
    fill(filling, first, height - 1, parent_hash);
    return;
  }
  struct secret private_key = {0};
  uint32_t node = node_ancestor(first, height);
  key_pair(suite, covers_real(world, node), &private_key, public_key);
  give_key(world, node, &private_key);
  bench_require(tree_set_parent(world->tree, first, height,
                                view_of(public_key, suite->kem->public_size), parent_hash),
                "tree_set_parent");
  /* The right half's last commit is older, and nothing of what it left above is there any more. */
  provider_random(hash, suite->hash->size);
  fill(filling, middle, height - 1, height > 1 ? view_of(hash, suite->hash->size) : VIEW_NONE);
  bench_require(tree_parent_hash(world->tree, first, height, hash), "tree_parent_hash");
  fill(filling, first, height - 1, view_of(hash, suite->hash->size));
}

/* ---- Worlds ---- */

static void choose_leaves(struct world *world) {
  world->leaf[WORLD_COMMITTER] = 0;
  world->leaf[WORLD_NEAR] = 1;
  world->leaf[WORLD_FAR] = world->size - 1;
}

/* Secrets of an epoch in which all real members are. */
static void start_epoch(struct world *world) {
  const struct suite *suite = world->suite;
  uint8_t transcript[HASH_MAX];
  struct epoch_parts parts = {.group_id = GROUP_ID, .epoch = 1, .tree = world->tree};
  provider_random(transcript, suite->hash->size);
  bench_require(
      epoch_write_context(&parts, view_of(transcript, suite->hash->size), &world->context),
      "epoch_write_context");
  world->joiner_secret.size = (uint16_t)suite->hash->size;
  provider_random(world->joiner_secret.bytes, suite->hash->size);
}

void world_fill(struct world *world, const struct suite *suite, uint32_t size) {
  *world = (struct world){.suite = suite, .size = size, .warm = true};
  struct filling filling = {world, mem_new(size, sizeof *filling.signature_key)};
  bench_require(filling.signature_key == NULL ? E2EE_ERR_NOMEM : 0, "keys");
  choose_leaves(world);
  for (size_t role = 0; role < WORLD_ROLES; role++) {
    bool same = role == WORLD_FAR && world->leaf[WORLD_FAR] == world->leaf[WORLD_NEAR];
    world->client[role] =
        same ? api_client_share(world->client[WORLD_NEAR]) : world_client(suite, "benchmark");
    bench_require(private_keys_new(world->leaf[role], &world->keys[role]), "private_keys_new");
  }
  bench_require(tree_new(suite, &world->tree), "tree_new");
  add_leaves(&filling);
  fill(&filling, 0, width_height(tree_width(world->tree)), VIEW_NONE);
  bench_require(tree_seal(world->tree), "tree_seal");
  start_epoch(world);
  mem_free(filling.signature_key);
}

void world_take(struct world *world, e2ee_client *const client[WORLD_ROLES],
                e2ee_group *const group[WORLD_ROLES]) {
  const struct epoch *epoch = group[WORLD_COMMITTER]->group->epoch;
  *world = (struct world){
      .suite = epoch->suite, .size = tree_members(epoch->tree), .tree = tree_share(epoch->tree)};
  choose_leaves(world);
  for (size_t role = 0; role < WORLD_ROLES; role++) {
    world->client[role] = api_client_share(client[role]);
    bench_require(private_keys_copy(group[role]->group->epoch->keys, &world->keys[role]),
                  "private_keys_copy");
    bench_require(world->keys[role]->leaf == world->leaf[role] ? 0 : E2EE_ERR_INTERNAL, "leaf");
  }
  start_epoch(world);
}

void world_stop(struct world *world) {
  for (size_t role = 0; role < WORLD_ROLES; role++) {
    api_client_drop(world->client[role]);
    private_keys_free(world->keys[role]);
  }
  tree_drop(world->tree);
  bytes_free(&world->context);
  secret_wipe(&world->joiner_secret);
}

e2ee_group *world_group(const struct world *world, enum world_role role) {
  e2ee_group *handle = NULL;
  struct private_keys *keys = NULL;
  struct epoch *epoch = NULL;
  struct secret psk_secret;
  struct epoch_parts parts = {.tree = world->tree, .own_leaf = world->leaf[role]};
  schedule_zero(world->suite, &psk_secret);
  bench_require(private_keys_copy(world->keys[role], &keys), "private_keys_copy");
  bench_require(epoch_join(&parts, bytes_view(&world->context), &world->joiner_secret, &psk_secret,
                           &keys, &epoch),
                "epoch_join");
  bench_require(api_group_new(world->client[role], &handle), "api_group_new");
  bench_require(group_from_epoch(world->client[role]->client, &epoch, &handle->group),
                "group_from_epoch");
  return handle;
}
