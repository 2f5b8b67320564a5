/* SPDX-License-Identifier: ISC */
#include "treeworld.h"

#include <check.h>
#include <string.h>

#include "crypto/hpke.h"
#include "crypto/sign.h"
#include "forge.h"

const struct suite *world_suite;

void world_member_free(struct member *member) {
  private_keys_free(member->keys);
  secret_wipe(&member->signature_key);
  bytes_free(&member->signature_public);
  *member = (struct member){NULL, {0}, {NULL, 0}};
}

void world_free(struct world *world) {
  tree_drop(world->tree);
  for (uint32_t leaf = 0; leaf < MEMBERS_MAX; leaf++)
    world_member_free(&world->member[leaf]);
}

/* ---- Proposals ---- */

/* A new member's keys and the leaf with them. */
struct leaf *world_member_new(struct member *out) {
  uint8_t public_key[KEM_PUBLIC_MAX];
  *out = (struct member){NULL, {0}, {NULL, 0}};
  ck_assert_int_eq(private_keys_new(0, &out->keys), OK);
  ck_assert_int_eq(sign_generate(world_suite, &out->signature_key, &out->signature_public), OK);
  ck_assert_int_eq(hpke_generate_key_pair(world_suite, &out->keys->at[0], public_key), OK);
  struct forge_fields fields = {.encryption_key =
                                    view_of(public_key, world_suite->kem->public_size),
                                .signature_key = bytes_view(&out->signature_public)};
  return forge_leaf(world_suite, &fields);
}

uint32_t world_add(struct world *world, struct tree *tree) {
  struct member member;
  struct leaf *leaf = world_member_new(&member);
  uint32_t index = 0;
  ck_assert_int_eq(tree_add_leaf(tree, leaf, &index), OK);
  ck_assert_uint_lt(index, MEMBERS_MAX);
  member.keys->leaf = index;
  world_member_free(&world->member[index]);
  world->member[index] = member;
  leaf_drop(leaf);
  return index;
}

void world_remove(struct world *world, struct tree *tree, uint32_t index) {
  ck_assert_int_eq(tree_remove_leaf(tree, index), OK);
  world_member_free(&world->member[index]);
}

void world_update(struct world *world, struct tree *tree, uint32_t index) {
  struct member fresh, *member = &world->member[index];
  struct leaf *leaf = world_member_new(&fresh);
  ck_assert_int_eq(tree_replace_leaf(tree, index, leaf), OK);
  ck_assert_int_eq(tree_blank_path(tree, index), OK);
  secret_move(&member->keys->at[0], &fresh.keys->at[0]);
  secret_move(&member->signature_key, &fresh.signature_key);
  bytes_free(&member->signature_public);
  bytes_move(&member->signature_public, &fresh.signature_public);
  world_member_free(&fresh);
  leaf_drop(leaf);
}

/* ---- Paths ---- */

void sent_free(struct sent *sent) {
  tree_drop(sent->before);
  tree_drop(sent->after);
  private_keys_free(sent->keys);
  new_path_free(sent->path);
  leaf_drop(sent->leaf);
  bytes_free(&sent->wire);
}

struct leaf_template world_fields(const struct world *world, const struct tree *tree,
                                  uint32_t index) {
  const struct leaf *leaf = tree_leaf(tree, tree_next_member(tree, 0));
  if (tree_leaf(tree, index) != NULL)
    leaf = tree_leaf(tree, index);
  return (struct leaf_template){.signature_key = bytes_view(&world->member[index].signature_public),
                                .credential = leaf_credential(leaf).raw,
                                .capabilities = leaf_capabilities(leaf),
                                .extensions = leaf_extensions(leaf)};
}

/* As many ciphertexts in each node as its copath child's resolution has nodes that are not new. */
static void check_ciphertexts(const struct sent *sent) {
  struct reader nodes = reader_of(sent->parts.nodes);
  for (size_t i = 0; i < sent->path->count; i++) {
    struct resolved resolved[2 * MEMBERS_MAX];
    struct update_path_node node;
    uint32_t below = node_ancestor(sent->sender, sent->path->height[i] - 1), expected = 0;
    uint32_t size = tree_resolution_size(sent->after, node_sibling(below));
    tree_resolution(sent->after, node_sibling(below), resolved);
    for (uint32_t j = 0; j < size; j++) {
      bool added = false;
      for (size_t k = 0; k < sent->added_count; k++)
        added = added || resolved[j].node == 2 * sent->added[k];
      expected += added ? 0 : 1;
    }
    ck_assert_int_eq(update_path_node_read(&nodes, &node), OK);
    struct reader ciphertexts = reader_of(node.ciphertexts);
    struct hpke_ciphertext ciphertext;
    for (; expected > 0; expected--)
      ck_assert_int_eq(hpke_ciphertext_read(&ciphertexts, &ciphertext), OK);
    ck_assert_uint_eq(ciphertexts.left, 0);
  }
  ck_assert_uint_eq(nodes.left, 0);
}

/* Send a path; `before` is taken over.  A sender that has no leaf yet joins by it. */
struct sent sent_new(const struct world *world, struct tree *before, uint32_t sender,
                     const uint32_t *added, size_t added_count) {
  struct sent sent = {.sender = sender, .added_count = added_count, .before = before};
  struct leaf_template fields = world_fields(world, before, sender);
  bool joins = tree_leaf(before, sender) == NULL;
  struct writer nodes = {0}, writer = {0};
  if (added_count > 0)
    memcpy(sent.added, added, added_count * sizeof *added);
  ck_assert_int_eq(tree_seal(before), OK);
  ck_assert_int_eq(tree_edit(before, &sent.after), OK);
  ck_assert_int_eq(
      treekem_generate(sent.after, sender, &fields, &world->member[sender].signature_key, GROUP,
                       joins ? NULL : world->member[sender].keys, &sent.keys, &sent.path),
      OK);
  ck_assert_int_eq(treekem_encrypt(sent.after, sender, sent.path, tree_hash(sent.after), sent.added,
                                   added_count, &nodes),
                   OK);
  struct update_path path = {leaf_raw(tree_leaf(sent.after, sender)), writer_view(&nodes)};
  update_path_write(&writer, &path);
  writer_free(&nodes);
  ck_assert_int_eq(writer_take(&writer, &sent.wire), OK);
  struct reader reader = reader_of(bytes_view(&sent.wire)), leaf;
  ck_assert_int_eq(update_path_read(&reader, NULL, &sent.parts), OK);
  ck_assert_int_eq(read_end(&reader), OK);
  leaf = reader_of(sent.parts.leaf);
  ck_assert_int_eq(leaf_read(&leaf, NULL, &sent.leaf), OK);
  ck_assert_int_eq(leaf_source(sent.leaf), LEAF_COMMIT);
  ck_assert_int_eq(leaf_verify_signature(world_suite, sent.leaf, GROUP, sender, NULL), OK);
  ck_assert_int_eq(private_keys_check(sent.keys, sent.after, NULL), OK);
  check_ciphertexts(&sent);
  return sent;
}

static struct tree *merged(const struct sent *sent) {
  struct tree *tree = NULL;
  struct why why = {""};
  ck_assert_int_eq(tree_edit(sent->before, &tree), OK);
  if (treekem_merge(tree, sent->sender, sent->leaf, &sent->parts, &why) != OK)
    ck_abort_msg("%s", why.text);
  ck_assert(view_equal(tree_hash(tree), tree_hash(sent->after)));
  ck_assert_int_eq(tree_verify_parent_hashes(tree, 1, NULL), OK);
  return tree;
}

static void receive(const struct sent *sent, const struct tree *tree, struct member *member) {
  struct private_keys *keys = NULL;
  struct secret commit_secret = {0};
  struct why why = {""};
  if (treekem_decrypt(tree, sent->sender, &sent->parts, tree_hash(tree), sent->added,
                      sent->added_count, member->keys, &why, &keys, &commit_secret) != OK)
    ck_abort_msg("leaf %u: %s", member->keys->leaf, why.text);
  ck_assert(secret_equal(secret_view(&commit_secret), secret_view(&sent->path->commit_secret)));
  ck_assert_uint_eq(commit_secret.size, world_suite->hash->size);
  private_keys_free(member->keys);
  member->keys = keys;
}

static void join(const struct sent *sent, const struct tree *tree, struct member *member) {
  const struct secret *secret = treekem_shared_secret(sent->path, sent->sender, member->keys->leaf);
  struct why why = {""};
  ck_assert_ptr_nonnull(secret);
  if (treekem_join(tree, sent->sender, secret_view(secret), member->keys, &why) != OK)
    ck_abort_msg("leaf %u: %s", member->keys->leaf, why.text);
}

/* Each key that a member ought to have is there, and no other. */
static void check_keys(const struct world *world) {
  for (uint32_t leaf = 0; leaf < MEMBERS_MAX; leaf++) {
    const struct private_keys *keys = world->member[leaf].keys;
    struct why why = {""};
    ck_assert((keys != NULL) == (tree_leaf(world->tree, leaf) != NULL));
    if (keys == NULL)
      continue;
    if (private_keys_check(keys, world->tree, &why) != OK ||
        private_keys_complete(keys, world->tree, &why) != OK)
      ck_abort_msg("%s", why.text);
    for (uint32_t height = 1; height < PATH_NODES_MAX; height++) {
      struct parent_node parent;
      bool known = height <= width_height(tree_width(world->tree)) &&
                   tree_parent(world->tree, node_ancestor(leaf, height), &parent);
      for (size_t i = 0; known && i < parent.unmerged_count; i++)
        known = parent.unmerged_leaves[i] != leaf;
      ck_assert((keys->at[height].size > 0) == known);
    }
  }
}

static bool is_added(const struct sent *sent, uint32_t leaf) {
  for (size_t i = 0; i < sent->added_count; i++)
    if (sent->added[i] == leaf)
      return true;
  return false;
}

/* Everybody takes over a path. */
void world_advance(struct world *world, struct sent *sent) {
  struct tree *tree = merged(sent);
  for (uint32_t leaf = 0; leaf < MEMBERS_MAX; leaf++) {
    struct member *member = &world->member[leaf];
    if (member->keys == NULL || leaf == sent->sender)
      continue;
    if (is_added(sent, leaf))
      join(sent, tree, member);
    else
      receive(sent, tree, member);
  }
  private_keys_free(world->member[sent->sender].keys);
  world->member[sent->sender].keys = sent->keys;
  sent->keys = NULL;
  tree_drop(world->tree);
  world->tree = tree;
  sent_free(sent);
  check_keys(world);
}

/* A group of members who were added one after another, without a path. */
struct world world_new(uint32_t members) {
  struct world world = {NULL, {{NULL, {0}, {NULL, 0}}}};
  ck_assert_int_eq(tree_new(world_suite, &world.tree), OK);
  for (uint32_t i = 0; i < members; i++)
    (void)world_add(&world, world.tree);
  ck_assert_int_eq(tree_seal(world.tree), OK);
  return world;
}

struct tree *world_edit(const struct world *world) {
  struct tree *tree = NULL;
  ck_assert_int_eq(tree_edit(world->tree, &tree), OK);
  return tree;
}

void world_commit(struct world *world, uint32_t sender) {
  struct sent sent = sent_new(world, world_edit(world), sender, NULL, 0);
  world_advance(world, &sent);
}
