/*
 * TreeKEM: paths, secrets of a Welcome and own keys with one thing wrong are refused.
 * SPDX-License-Identifier: ISC
 */
#include <check.h>
#include <string.h>

#include "crypto/hpke.h"
#include "crypto/provider.h"
#include "forge.h"
#include "mls/tree/treekem.h"
#include "tests/run.h"
#include "tests/taken.h"
#include "treeworld.h"

/* ---- Paths with something wrong ---- */

/* A path in parts, to be put together again. */
struct parts {
  struct view leaf;
  struct update_path_node node[PATH_NODES_MAX];
  size_t count;
};

static struct parts parts_of(const struct sent *sent) {
  struct parts parts = {.leaf = sent->parts.leaf};
  struct reader reader = reader_of(sent->parts.nodes);
  while (reader.left > 0)
    ck_assert_int_eq(update_path_node_read(&reader, &parts.node[parts.count++]), OK);
  return parts;
}

/* The path's nodes; the view lives until the writer is freed. */
static struct update_path joined(const struct parts *parts, struct writer *writer) {
  for (size_t i = 0; i < parts->count; i++)
    update_path_node_write(writer, &parts->node[i]);
  ck_assert_int_eq(writer->err, OK);
  return (struct update_path){parts->leaf, writer_view(writer)};
}

static void check_why(const struct why *why, const char *text) {
  if (strstr(why->text, text) == NULL)
    ck_abort_msg("\"%s\" does not say \"%s\"", why->text, text);
}

static void merge_refused(const struct sent *sent, const struct parts *parts,
                          const struct leaf *leaf, const char *text) {
  struct writer writer = {0};
  struct update_path path = joined(parts, &writer);
  struct tree *tree = NULL;
  struct why why = {""};
  struct bytes hash = {0};
  ck_assert_int_eq(bytes_copy(&hash, tree_hash(sent->before)), OK);
  ck_assert_int_eq(tree_edit(sent->before, &tree), OK);
  ck_assert_int_eq(treekem_merge(tree, sent->sender, leaf, &path, &why), ERR_INVALID_COMMIT);
  check_why(&why, text);
  tree_drop(tree);
  ck_assert(view_equal(bytes_view(&hash), tree_hash(sent->before)));
  bytes_free(&hash);
  writer_free(&writer);
}

/* Eight members; 2, 4 and 6 sent paths, and leaf 2 sends another one. */
static struct world world_of_eight(struct sent *sent) {
  forge_seed(51);
  struct world world = world_new(8);
  for (uint32_t leaf = 2; leaf < 8; leaf += 2)
    world_commit(&world, leaf);
  *sent = sent_new(&world, world_edit(&world), 2, NULL, 0);
  return world;
}

START_TEST(test_number_of_nodes) {
  struct sent sent;
  struct world world = world_of_eight(&sent);
  struct parts parts = parts_of(&sent);
  ck_assert_uint_eq(parts.count, 3);
  for (parts.count = 0; parts.count < 3; parts.count++)
    merge_refused(&sent, &parts, sent.leaf, "fewer nodes than the filtered direct path of leaf 2");
  uint8_t key[KEM_PUBLIC_MAX];
  forge_bytes(key, sizeof key);
  parts.node[3] = (struct update_path_node){view_of(key, world_suite->kem->public_size), VIEW_NONE};
  for (parts.count = 4; parts.count < 6; parts.count++) {
    parts.node[4] = parts.node[3];
    merge_refused(&sent, &parts, sent.leaf, "more nodes than the filtered direct path of leaf 2");
  }
  sent_free(&sent);
  world_free(&world);
}
END_TEST

START_TEST(test_path_keys) {
  struct sent sent;
  struct world world = world_of_eight(&sent);
  struct parent_node parent;
  uint8_t fresh[KEM_PUBLIC_MAX] = {9};
  for (size_t i = 0; i < 3; i++) {
    struct parts parts = parts_of(&sent);
    parts.node[i].encryption_key = leaf_encryption_key(tree_leaf(sent.before, 7));
    merge_refused(&sent, &parts, sent.leaf, "is in use already");
    parts.node[i].encryption_key = leaf_encryption_key(tree_leaf(sent.before, 2));
    merge_refused(&sent, &parts, sent.leaf, "is in use already");
    ck_assert(tree_parent(sent.before, 11, &parent));
    parts.node[i].encryption_key = parent.encryption_key;
    merge_refused(&sent, &parts, sent.leaf, "is in use already");
    ck_assert(tree_parent(sent.before, 7, &parent)); /* one that the path replaces */
    parts.node[i].encryption_key = parent.encryption_key;
    merge_refused(&sent, &parts, sent.leaf, "is in use already");
    parts.node[i].encryption_key = parts.node[(i + 1) % 3].encryption_key;
    merge_refused(&sent, &parts, sent.leaf, "two nodes of the path have one key");
    parts.node[i].encryption_key = view_of(fresh, world_suite->kem->public_size - 1);
    merge_refused(&sent, &parts, sent.leaf, "holds no public key");
    parts.node[i].encryption_key = view_of(fresh, world_suite->kem->public_size);
    merge_refused(&sent, &parts, sent.leaf, "the parent hash of the path's leaf 2 is wrong");
  }
  sent_free(&sent);
  world_free(&world);
}
END_TEST

START_TEST(test_path_leaf) {
  struct sent sent;
  struct world world = world_of_eight(&sent);
  struct parts parts = parts_of(&sent);
  uint8_t hash[HASH_MAX] = {1};
  struct view good = leaf_parent_hash(sent.leaf);
  const struct leaf *old = tree_leaf(sent.before, 2), *other = tree_leaf(sent.before, 5);
  const struct {
    struct forge_fields fields;
    const char *text;
  } cases[] = {
      {{.parent_hash = view_of(hash, world_suite->hash->size)},
       "the parent hash of the path's leaf 2"},
      {{.parent_hash = view_of(good.data, good.size - 1)}, "the parent hash of the path's leaf 2"},
      {{.parent_hash = VIEW_NONE}, "the parent hash of the path's leaf 2"},
      {{.parent_hash = good, .encryption_key = leaf_encryption_key(old)}, "leaf is in use already"},
      {{.parent_hash = good, .encryption_key = leaf_encryption_key(other)},
       "leaf is in use already"},
      {{.parent_hash = good, .encryption_key = parts.node[1].encryption_key},
       "a key of the path's leaf 2 occurs elsewhere"},
      {{.parent_hash = good, .signature_key = leaf_signature_key(other)},
       "a key of the path's leaf 2 occurs elsewhere"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct leaf *leaf = forge_leaf(world_suite, &cases[i].fields);
    merge_refused(&sent, &parts, leaf, cases[i].text);
    leaf_drop(leaf);
  }
  sent_free(&sent);
  world_free(&world);
}
END_TEST

static void decrypt_refused(const struct sent *sent, const struct parts *parts,
                            struct view group_context, const struct private_keys *keys,
                            enum err result, const char *text) {
  struct writer writer = {0};
  struct update_path path = joined(parts, &writer);
  struct private_keys *new_keys = NULL;
  struct secret commit_secret = {0};
  struct why why = {""};
  ck_assert_int_eq(treekem_decrypt(sent->after, sent->sender, &path, group_context, sent->added,
                                   sent->added_count, keys, &why, &new_keys, &commit_secret),
                   result);
  check_why(&why, text);
  ck_assert_ptr_null(new_keys);
  ck_assert_uint_eq(commit_secret.size, 0);
  writer_free(&writer);
}

/* The ciphertexts of a node without the last one, or with some bytes behind them. */
static struct bytes with_end(struct view ciphertexts, size_t drop, struct view more) {
  struct writer writer = {0};
  write_bytes(&writer, view_of(ciphertexts.data, ciphertexts.size - drop));
  write_bytes(&writer, more);
  return taken(&writer);
}

START_TEST(test_ciphertexts) {
  struct sent sent;
  struct world world = world_of_eight(&sent);
  struct parts parts = parts_of(&sent);
  struct view root = parts.node[2].ciphertexts, context = tree_hash(sent.after);
  const struct private_keys *keys = world.member[7].keys;
  struct reader reader = reader_of(root);
  struct hpke_ciphertext first;
  ck_assert_int_eq(hpke_ciphertext_read(&reader, &first), OK);
  struct view one = read_since(&reader, root.data);
  ck_assert_uint_eq(one.size, root.size); /* for node 11 */
  parts.node[2].ciphertexts = VIEW_NONE;
  decrypt_refused(&sent, &parts, context, keys, ERR_INVALID_COMMIT,
                  "0 ciphertexts for a resolution of 1");
  struct bytes bytes = with_end(root, 0, one);
  parts.node[2].ciphertexts = bytes_view(&bytes);
  decrypt_refused(&sent, &parts, context, keys, ERR_INVALID_COMMIT,
                  "2 ciphertexts for a resolution of 1");
  bytes_free(&bytes);
  bytes = with_end(root, 1, VIEW_NONE);
  parts.node[2].ciphertexts = bytes_view(&bytes);
  decrypt_refused(&sent, &parts, context, keys, ERR_MALFORMED, "");
  bytes_free(&bytes);
  bytes = with_end(root, 0, VIEW_NONE);
  parts.node[2].ciphertexts = bytes_view(&bytes);
  for (size_t at = 1; at < bytes.size; at += 13) {
    if (at == (size_t)(first.ciphertext.data - root.data) - 1)
      continue;
    bytes.data[at] ^= 0x20;
    decrypt_refused(&sent, &parts, context, keys, ERR_INVALID_COMMIT,
                    "the path secret for leaf 7 does not decrypt");
    bytes.data[at] ^= 0x20;
  }
  bytes_free(&bytes);
  parts = parts_of(&sent);
  decrypt_refused(&sent, &parts, VIEW_TEXT("another context"), keys, ERR_INVALID_COMMIT,
                  "the path secret for leaf 7 does not decrypt");
  /* Other members do not look at that node. */
  parts.node[2].ciphertexts = VIEW_NONE;
  struct writer writer = {0};
  struct update_path path = joined(&parts, &writer);
  struct private_keys *new_keys = NULL;
  struct secret commit_secret = {0};
  ck_assert_int_eq(treekem_decrypt(sent.after, 2, &path, context, NULL, 0, world.member[3].keys,
                                   NULL, &new_keys, &commit_secret),
                   OK);
  private_keys_free(new_keys);
  writer_free(&writer);
  sent_free(&sent);
  world_free(&world);
}
END_TEST

/* A ciphertext that decrypts to something else than the announced keys come from. */
START_TEST(test_path_secret) {
  struct sent sent;
  struct world world = world_of_eight(&sent);
  struct view context = tree_hash(sent.after);
  uint8_t other[SECRET_MAX];
  forge_bytes(other, sizeof other);
  const struct {
    struct view secret;
    const char *text;
  } cases[] = {
      {view_of(other, world_suite->hash->size),
       "does not give the public key of the node at height 1"},
      {view_of(other, world_suite->hash->size - 1), "a path secret of 31 bytes"},
      {view_of(other, world_suite->hash->size + 1), "a path secret of 33 bytes"},
      {VIEW_NONE, "a path secret of 0 bytes"},
      /* One step off: the secret of the node above. */
      {secret_view(&sent.path->path_secret[1]), "the public key of the node at height 1"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct parts parts = parts_of(&sent);
    struct bytes kem_output = {0}, ciphertext = {0};
    struct writer writer = {0};
    ck_assert_int_eq(hpke_encrypt_with_label(world_suite,
                                             leaf_encryption_key(tree_leaf(sent.after, 3)),
                                             VIEW_TEXT("UpdatePathNode"), context, cases[i].secret,
                                             &kem_output, &ciphertext),
                     OK);
    hpke_ciphertext_write(&writer, bytes_view(&kem_output), bytes_view(&ciphertext));
    parts.node[0].ciphertexts = writer_view(&writer);
    decrypt_refused(&sent, &parts, context, world.member[3].keys, ERR_INVALID_COMMIT,
                    cases[i].text);
    writer_free(&writer);
    bytes_free(&ciphertext);
    bytes_free(&kem_output);
  }
  sent_free(&sent);
  world_free(&world);
}
END_TEST

/* Right secret for the own node, but keys above that it does not lead to. */
START_TEST(test_keys_above) {
  struct sent sent;
  struct world world = world_of_eight(&sent);
  struct parts parts = parts_of(&sent);
  uint8_t key[KEM_PUBLIC_MAX];
  forge_bytes(key, sizeof key);
  parts.node[2].encryption_key = view_of(key, world_suite->kem->public_size);
  decrypt_refused(&sent, &parts, tree_hash(sent.after), world.member[3].keys, ERR_INVALID_COMMIT,
                  "does not give the public key of the node at height 3");
  parts = parts_of(&sent);
  struct private_keys *keys = NULL;
  ck_assert_int_eq(private_keys_copy(world.member[3].keys, &keys), OK);
  secret_wipe(&keys->at[0]); /* a bug of ours, and no crash */
  decrypt_refused(&sent, &parts, tree_hash(sent.after), keys, ERR_INTERNAL, "no private key");
  private_keys_free(keys);
  sent_free(&sent);
  world_free(&world);
}
END_TEST

/* ---- Joining and own keys ---- */

START_TEST(test_join_refused) {
  forge_seed(52);
  struct world world = world_new(6);
  struct tree *tree = world_edit(&world);
  uint32_t added = world_add(&world, tree);
  struct sent sent = sent_new(&world, tree, 1, &added, 1);
  struct private_keys *keys = world.member[added].keys;
  const struct secret *secret = treekem_shared_secret(sent.path, 1, added);
  uint8_t other[SECRET_MAX] = {1};
  memcpy(other, secret->bytes, secret->size);
  const struct {
    uint32_t committer;
    struct view secret;
    const char *text;
  } cases[] = {
      {1, view_of(other, 31), "a path secret of 31 bytes"},
      {1, view_of(other, 33), "a path secret of 33 bytes"},
      {1, secret_view(&sent.path->path_secret[0]), "does not give the public key of the node"},
      {added, secret_view(secret), "the node above leaves 6 and 6 is blank"},
      {5, secret_view(secret), "the node above leaves 5 and 6 is blank"},
      {8, secret_view(secret), "the node above leaves 8 and 6 is blank"},
      {UINT32_MAX, secret_view(secret), "is blank"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct private_keys *copy = NULL;
    struct why why = {""};
    ck_assert_int_eq(private_keys_copy(keys, &copy), OK);
    ck_assert_int_eq(treekem_join(sent.after, cases[i].committer, cases[i].secret, copy, &why),
                     ERR_INVALID_TREE);
    check_why(&why, cases[i].text);
    private_keys_free(copy);
  }
  world_advance(&world, &sent);
  world_free(&world);
}
END_TEST

START_TEST(test_own_keys) {
  struct sent sent;
  struct world world = world_of_eight(&sent);
  struct private_keys *keys = NULL;
  struct why why = {""};
  ck_assert_int_eq(private_keys_copy(world.member[5].keys, &keys), OK);
  ck_assert_int_eq(private_keys_check(keys, world.tree, &why), OK);
  keys->at[2].bytes[3] ^= 1;
  ck_assert_int_eq(private_keys_check(keys, world.tree, &why), ERR_INVALID_TREE);
  check_why(&why, "the private key at height 2 of leaf 5 is not that of the node");
  keys->at[2].bytes[3] ^= 1;
  keys->at[2].size--;
  ck_assert_int_eq(private_keys_check(keys, world.tree, NULL), ERR_INVALID_TREE);
  keys->at[2].size++;
  secret_move(&keys->at[7], &keys->at[2]);
  ck_assert_int_eq(private_keys_check(keys, world.tree, &why), ERR_INVALID_TREE);
  check_why(&why, "a private key for a blank node at height 7");
  private_keys_prune(keys, world.tree);
  ck_assert_uint_eq(keys->at[7].size, 0);
  ck_assert_int_eq(private_keys_check(keys, world.tree, &why), OK);
  ck_assert_uint_gt(keys->at[3].size, 0);
  ck_assert_int_eq(private_keys_complete(keys, world.tree, &why), ERR_INVALID_TREE);
  check_why(&why, "leaf 5 was not told the key of the node at height 2");
  secret_wipe(&keys->at[0]);
  ck_assert_int_eq(private_keys_check(keys, world.tree, &why), ERR_INVALID_TREE);
  keys->leaf = 8;
  ck_assert_int_eq(private_keys_check(keys, world.tree, &why), ERR_INVALID_TREE);
  check_why(&why, "the own leaf 8 is blank");
  private_keys_free(keys);
  private_keys_free(NULL);
  new_path_free(NULL);
  sent_free(&sent);
  world_free(&world);
}
END_TEST

int main(void) {
  if (provider_init() != OK)
    return 1;
  world_suite = suite_find(1);
  TCase *refused = tcase_create("refused");
  tcase_set_timeout(refused, 240);
  tcase_add_test(refused, test_number_of_nodes);
  tcase_add_test(refused, test_path_keys);
  tcase_add_test(refused, test_path_leaf);
  tcase_add_test(refused, test_ciphertexts);
  tcase_add_test(refused, test_path_secret);
  tcase_add_test(refused, test_keys_above);
  tcase_add_test(refused, test_join_refused);
  tcase_add_test(refused, test_own_keys);
  return run_case("treekem-refused", refused);
}
