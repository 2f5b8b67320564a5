/*
 * TreeKEM among simulated members: every one of them reads every path, and those who are added read
 * the Welcome's secret.
 * SPDX-License-Identifier: ISC
 */
#include <check.h>

#include "crypto/provider.h"
#include "failing.h"
#include "forge.h"
#include "mls/tree/treekem.h"
#include "tests/run.h"
#include "treeworld.h"

/* ---- Histories ---- */

static uint32_t random_member(const struct tree *tree) {
  for (;;) {
    uint32_t leaf = forge_below(tree_width(tree));
    if (tree_leaf(tree, leaf) != NULL)
      return leaf;
  }
}

static size_t random_proposals(struct world *world, struct tree *tree, uint32_t committer,
                               uint32_t *added) {
  size_t count = 0;
  for (uint32_t i = forge_below(3); i > 0 && tree_members(tree) > 1; i--) {
    uint32_t leaf = random_member(tree);
    if (leaf == committer)
      continue;
    if (forge_below(3) == 0)
      world_update(world, tree, leaf);
    else
      world_remove(world, tree, leaf);
  }
  for (uint32_t i = forge_below(4); i > 0 && tree_members(tree) < MEMBERS_MAX; i--)
    added[count++] = world_add(world, tree);
  return count;
}

static void only_add(struct world *world) {
  struct tree *tree = world_edit(world);
  for (uint32_t i = 1 + forge_below(2); i > 0 && tree_members(tree) < MEMBERS_MAX; i--)
    (void)world_add(world, tree);
  ck_assert_int_eq(tree_seal(tree), OK);
  tree_drop(world->tree);
  world->tree = tree;
}

static void join_by_path(struct world *world) {
  struct tree *tree = world_edit(world);
  uint32_t index = 0;
  struct member member;
  if (tree_members(tree) < MEMBERS_MAX) {
    ck_assert_int_eq(tree_make_room(tree, &index), OK);
    leaf_drop(world_member_new(&member));
    world_member_free(&world->member[index]);
    world->member[index] = member;
    struct sent sent = sent_new(world, tree, index, NULL, 0);
    world_advance(world, &sent);
  } else {
    tree_drop(tree);
  }
}

START_TEST(test_histories) {
  world_suite = suite_find(_i < 3 ? 1 : 2);
  ck_assert_ptr_nonnull(world_suite);
  forge_seed((uint64_t)_i);
  struct world world = world_new(1);
  for (unsigned step = 0; step < (_i < 3 ? 40u : 15u); step++) { /* P-256 may be slow */
    uint32_t dice = forge_below(8), added[MEMBERS_MAX];
    if (dice == 0) {
      only_add(&world);
    } else if (dice == 1) {
      join_by_path(&world);
    } else {
      struct tree *tree = world_edit(&world);
      uint32_t committer = random_member(tree);
      size_t count = random_proposals(&world, tree, committer, added);
      struct sent sent = sent_new(&world, tree, committer, added, count);
      world_advance(&world, &sent);
    }
  }
  world_free(&world);
  world_suite = suite_find(1);
}
END_TEST

/* Members who know no key of a node above them read the path with their leaf's key; those who are
 * being added have no place among the ciphertexts. */
START_TEST(test_unmerged_and_added) {
  forge_seed(50);
  struct world world = world_new(16);
  for (uint32_t leaf = 0; leaf < 16; leaf++)
    world_commit(&world, leaf);
  struct tree *tree = world_edit(&world);
  for (uint32_t leaf = 9; leaf < 14; leaf += 2)
    world_remove(&world, tree, leaf);
  struct sent sent = sent_new(&world, tree, 12, NULL, 0);
  world_advance(&world, &sent);
  world_commit(&world, 8);
  world_commit(&world, 0);
  tree = world_edit(&world);
  (void)world_add(&world, tree); /* leaf 9: unmerged in three nodes */
  ck_assert_int_eq(tree_seal(tree), OK);
  tree_drop(world.tree);
  world.tree = tree;
  tree = world_edit(&world);
  uint32_t added[] = {world_add(&world, tree), world_add(&world, tree), world_add(&world, tree)};
  ck_assert_uint_eq(added[2], 16);
  struct parent_node parent;
  ck_assert(tree_parent(tree, 23, &parent));
  ck_assert_uint_eq(parent.unmerged_count, 3);
  sent = sent_new(&world, tree, 1, added, 3);
  world_advance(&world, &sent);
  world_free(&world);
}
END_TEST

START_TEST(test_lone_member) {
  struct world world = world_new(1);
  struct sent sent = sent_new(&world, world_edit(&world), 0, NULL, 0);
  ck_assert_uint_eq(sent.path->count, 0);
  ck_assert_uint_eq(sent.path->commit_secret.size, world_suite->hash->size);
  ck_assert_uint_eq(leaf_parent_hash(sent.leaf).size, 0);
  ck_assert_uint_eq(sent.parts.nodes.size, 0);
  ck_assert_ptr_null(treekem_shared_secret(sent.path, 0, 1));
  struct secret first = sent.path->commit_secret;
  world_advance(&world, &sent);
  sent = sent_new(&world, world_edit(&world), 0, NULL, 0);
  ck_assert(!secret_equal(secret_view(&first), secret_view(&sent.path->commit_secret)));
  world_advance(&world, &sent);
  /* With new members: nodes that nobody reads from the path. */
  struct tree *tree = world_edit(&world);
  uint32_t added[] = {world_add(&world, tree), world_add(&world, tree)};
  sent = sent_new(&world, tree, 0, added, 2);
  ck_assert_uint_eq(sent.path->count, 2);
  world_advance(&world, &sent);
  world_commit(&world, 2);
  /* And alone again, in a tree that shrinks. */
  tree = world_edit(&world);
  world_remove(&world, tree, 2);
  world_remove(&world, tree, 1);
  sent = sent_new(&world, tree, 0, NULL, 0);
  ck_assert_uint_eq(sent.path->count, 0);
  world_advance(&world, &sent);
  ck_assert_uint_eq(tree_width(world.tree), 1);
  world_free(&world);
}
END_TEST

/* ---- Memory that runs out ---- */

static enum err try_generate(const struct world *world, const struct sent *sent) {
  enum err err = OK;
  struct tree *tree = NULL;
  struct private_keys *keys = NULL;
  struct new_path *path = NULL;
  struct leaf_template fields = world_fields(world, sent->before, sent->sender);
  TRY(tree_edit(sent->before, &tree));
  err = treekem_generate(tree, sent->sender, &fields, &world->member[sent->sender].signature_key,
                         GROUP, world->member[sent->sender].keys, &keys, &path);
  ck_assert((err == OK) == (keys != NULL) && (err == OK) == (path != NULL));
done:
  private_keys_free(keys);
  new_path_free(path);
  tree_drop(tree);
  return err;
}

static enum err try_write(const struct world *world, const struct sent *sent) {
  struct writer writer = {0};
  (void)world;
  enum err err = treekem_encrypt(sent->after, sent->sender, sent->path, tree_hash(sent->after),
                                 sent->added, sent->added_count, &writer);
  writer_free(&writer);
  return err;
}

static enum err try_merge(const struct world *world, const struct sent *sent) {
  enum err err = OK;
  struct tree *tree = NULL;
  (void)world;
  TRY(tree_edit(sent->before, &tree));
  err = treekem_merge(tree, sent->sender, sent->leaf, &sent->parts, NULL);
done:
  tree_drop(tree);
  return err;
}

static enum err try_decrypt(const struct world *world, const struct sent *sent) {
  struct private_keys *keys = NULL;
  struct secret commit_secret = {0};
  enum err err =
      treekem_decrypt(sent->after, sent->sender, &sent->parts, tree_hash(sent->after), sent->added,
                      sent->added_count, world->member[5].keys, NULL, &keys, &commit_secret);
  ck_assert((err == OK) == (keys != NULL) && (err == OK) == (commit_secret.size > 0));
  private_keys_free(keys);
  return err;
}

static enum err try_join(const struct world *world, const struct sent *sent) {
  enum err err = OK;
  struct private_keys *keys = NULL;
  const struct secret *secret = treekem_shared_secret(sent->path, sent->sender, sent->added[0]);
  TRY(private_keys_copy(world->member[sent->added[0]].keys, &keys));
  err = treekem_join(sent->after, sent->sender, secret_view(secret), keys, NULL);
done:
  private_keys_free(keys);
  return err;
}

START_TEST(test_out_of_memory) {
  static enum err (*const calls[])(const struct world *, const struct sent *) = {
      try_generate, try_write, try_merge, try_decrypt, try_join};
  forge_seed(53);
  long before = failing_blocks();
  struct world world = world_new(10);
  for (uint32_t leaf = 0; leaf < 10; leaf += 3)
    world_commit(&world, leaf);
  struct tree *tree = world_edit(&world);
  uint32_t added = world_add(&world, tree);
  struct sent sent = sent_new(&world, tree, 2, &added, 1);
  struct bytes hash = {0};
  ck_assert_int_eq(bytes_copy(&hash, tree_hash(sent.before)), OK);
  long blocks = failing_blocks();
  enum err err = ERR_NOMEM;
  for (size_t after = 0; err != OK; after++) {
    failing_after(after);
    err = calls[_i](&world, &sent);
    ck_assert_int_eq(err, failing_stop() ? ERR_NOMEM : OK);
    ck_assert_int_eq(failing_blocks(), blocks);
    ck_assert(view_equal(bytes_view(&hash), tree_hash(sent.before)));
  }
  bytes_free(&hash);
  world_advance(&world, &sent); /* nothing has changed: all goes on */
  world_free(&world);
  ck_assert_int_eq(failing_blocks(), before);
}
END_TEST

int main(void) {
  if (provider_init() != OK)
    return 1;
  world_suite = suite_find(1);
  TCase *histories = tcase_create("histories");
  tcase_set_timeout(histories, 240);
  tcase_add_loop_test(histories, test_histories, 0, 4);
  tcase_add_test(histories, test_unmerged_and_added);
  tcase_add_test(histories, test_lone_member);
  TCase *memory = tcase_create("memory");
  tcase_set_timeout(memory, 240);
  tcase_add_loop_test(memory, test_out_of_memory, 0, 5);
  Suite *all = suite_create("treekem");
  suite_add_tcase(all, histories);
  suite_add_tcase(all, memory);
  return run_suite(all);
}
