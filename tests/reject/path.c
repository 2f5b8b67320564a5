/*
 * Update paths in commits of members.  Those that must be accepted are in commit.c.
 * SPDX-License-Identifier: ISC
 */
#include "chapters.h"
#include "forge.h"

#define BIT(member) (1u << (member))

static struct member *mallory(struct world *world) {
  return &world->member[MALLORY];
}

/* ---- Public keys of the path ---- */

/* The lowest node: MALLORY's key for CAROL alone, so the others cannot derive it. */
static void announce_lowest(struct world *world, struct forgery *forgery, struct view key) {
  forgery->node[0].key = key;
  world->victims &= ~BIT(CAROL);
}

static void root_key_again(struct world *world, struct bytes *out) {
  struct forgery forgery;
  struct parent_node root;
  forgery_begin(&forgery, mallory(world));
  forgery_path(&forgery);
  ck_assert(tree_parent(forgery.from->tree, node_root(tree_width(forgery.from->tree)), &root));
  announce_lowest(world, &forgery, root.encryption_key);
  forgery_finish_path(&forgery);
  forgery_send(&forgery, out);
}

static void key_of_another_leaf(struct world *world, struct bytes *out) {
  struct forgery forgery;
  forgery_begin(&forgery, mallory(world));
  forgery_path(&forgery);
  announce_lowest(world, &forgery, leaf_encryption_key(tree_leaf(forgery.from->tree, ALICE)));
  forgery_finish_path(&forgery);
  forgery_send(&forgery, out);
}

static void two_nodes_of_one_key(struct world *world, struct bytes *out) {
  struct forgery forgery;
  forgery_begin(&forgery, mallory(world));
  forgery_path(&forgery);
  announce_lowest(world, &forgery, forgery.node[1].key);
  forgery_finish_path(&forgery);
  forgery_send(&forgery, out);
}

static void short_key(struct world *world, struct bytes *out) {
  struct forgery forgery;
  forgery_begin(&forgery, mallory(world));
  forgery_path(&forgery);
  announce_lowest(world, &forgery, VIEW_TEXT("31 bytes are not an X25519 key."));
  forgery_finish_path(&forgery);
  forgery_send(&forgery, out);
}

static void key_of_small_order(struct world *world, struct bytes *out) {
  static const uint8_t zero[32] = {0};
  struct forgery forgery;
  forgery_begin(&forgery, mallory(world));
  forgery_path(&forgery);
  announce_lowest(world, &forgery, VIEW_ARRAY(zero));
  forgery_finish_path(&forgery);
  forgery_send(&forgery, out);
}

static void key_not_of_its_secret(struct world *world, struct bytes *out) {
  struct forgery forgery;
  forgery_begin(&forgery, mallory(world));
  forgery_path(&forgery);
  forgery.node[forgery.nodes - 1].key = VIEW_TEXT("a key that nobody else has here:");
  forgery_finish_path(&forgery);
  forgery_send(&forgery, out);
}

/* ---- The leaf of the path ---- */

static void leaf_of_source_update(struct world *world, struct bytes *out) {
  struct forgery forgery;
  forgery_begin(&forgery, mallory(world));
  forgery_path(&forgery);
  forgery_merge(&forgery);
  forgery.path_leaf.fields.source = LEAF_UPDATE;
  forgery_leaf(&forgery);
  forgery_encrypt(&forgery);
  forgery_send(&forgery, out);
}

static void leaf_of_key_package(struct world *world, struct bytes *out) {
  struct forgery forgery;
  forgery_begin(&forgery, mallory(world));
  forgery_path(&forgery);
  forgery_merge(&forgery);
  forgery.path_leaf.fields.source = LEAF_KEY_PACKAGE;
  forgery_leaf(&forgery);
  forgery_encrypt(&forgery);
  forgery_send(&forgery, out);
}

static void parent_hash_of_leaf(struct world *world, struct bytes *out) {
  struct forgery forgery;
  forgery_begin(&forgery, mallory(world));
  forgery_path(&forgery);
  forgery_merge(&forgery);
  forgery.parent_hash[0] ^= 1;
  forgery_leaf(&forgery);
  forgery_encrypt(&forgery);
  forgery_send(&forgery, out);
}

static void no_parent_hash(struct world *world, struct bytes *out) {
  struct forgery forgery;
  forgery_begin(&forgery, mallory(world));
  forgery_path(&forgery);
  forgery_merge(&forgery);
  forgery.path_leaf.fields.parent_hash = VIEW_NONE;
  forgery_leaf(&forgery);
  forgery_encrypt(&forgery);
  forgery_send(&forgery, out);
}

static void leaf_keeps_key(struct world *world, struct bytes *out) {
  struct forgery forgery;
  forgery_begin(&forgery, mallory(world));
  forgery_path(&forgery);
  forgery.path_leaf.fields.encryption_key =
      leaf_encryption_key(tree_leaf(forgery.from->tree, MALLORY));
  forgery_finish_path(&forgery);
  forgery_send(&forgery, out);
}

static void leaf_takes_key_of_path(struct world *world, struct bytes *out) {
  struct forgery forgery;
  forgery_begin(&forgery, mallory(world));
  forgery_path(&forgery);
  forgery.path_leaf.fields.encryption_key = forgery.node[1].key;
  forgery_finish_path(&forgery);
  forgery_send(&forgery, out);
}

static void leaf_takes_signature_key(struct world *world, struct bytes *out) {
  struct forgery forgery;
  const struct client *bob = world->member[BOB].client;
  forgery_begin(&forgery, mallory(world));
  forgery_path(&forgery);
  forgery.path_leaf.fields.signature_key = bytes_view(&bob->signature_public);
  forgery.path_leaf.signature_key = bob->signature_key;
  forgery_finish_path(&forgery);
  forgery_send(&forgery, out);
}

static void leaf_signed_by_another(struct world *world, struct bytes *out) {
  struct forgery forgery;
  forgery_begin(&forgery, mallory(world));
  forgery_path(&forgery);
  forgery.path_leaf.signature_key = world->joiner.client->signature_key;
  forgery_finish_path(&forgery);
  forgery_send(&forgery, out);
}

static void leaf_for_other_group(struct world *world, struct bytes *out) {
  struct forgery forgery;
  forgery_begin(&forgery, mallory(world));
  forgery_path(&forgery);
  forgery.path_leaf.group_id = VIEW_TEXT("another group");
  forgery_finish_path(&forgery);
  forgery_send(&forgery, out);
}

static void leaf_for_other_index(struct world *world, struct bytes *out) {
  struct forgery forgery;
  forgery_begin(&forgery, mallory(world));
  forgery_path(&forgery);
  forgery.path_leaf.index++;
  forgery_finish_path(&forgery);
  forgery_send(&forgery, out);
}

static void leaf_of_other_label(struct world *world, struct bytes *out) {
  struct forgery forgery;
  forgery_begin(&forgery, mallory(world));
  forgery_path(&forgery);
  forgery.path_leaf.label = VIEW_TEXT("KeyPackageTBS");
  forgery_finish_path(&forgery);
  forgery_send(&forgery, out);
}

/* ---- Path secrets and their ciphertexts.  ERIN has one node, ALICE and BOB share one ---- */

static void one_ciphertext_more(struct world *world, struct bytes *out) {
  struct forgery forgery;
  struct writer writer = {0};
  forgery_begin(&forgery, mallory(world));
  forgery_path(&forgery);
  forgery_finish_path(&forgery);
  struct bytes *root = &forgery.node[forgery.nodes - 1].ciphertexts;
  write_bytes(&writer, bytes_view(root));
  write_bytes(&writer, bytes_view(root));
  bytes_free(root);
  *root = taken(&writer);
  world->victims = BIT(ERIN);
  forgery_send(&forgery, out);
}

static void one_ciphertext_less(struct world *world, struct bytes *out) {
  struct forgery forgery;
  forgery_begin(&forgery, mallory(world));
  forgery_path(&forgery);
  forgery_finish_path(&forgery);
  bytes_free(&forgery.node[forgery.nodes - 1].ciphertexts);
  world->victims = BIT(ERIN);
  forgery_send(&forgery, out);
}

static void ciphertext_for_new_member(struct world *world, struct bytes *out) {
  struct forgery forgery;
  forgery_begin(&forgery, mallory(world));
  forgery_item(&forgery, an_add(world->joiner.client));
  forgery.added_count = 0;
  forgery_path(&forgery);
  forgery_finish_path(&forgery);
  world->victims = BIT(ERIN);
  forgery_send(&forgery, out);
}

static void secret_one_step_up(struct world *world, struct bytes *out) {
  struct forgery forgery;
  forgery_begin(&forgery, mallory(world));
  forgery_path(&forgery);
  forgery_merge(&forgery);
  forgery_leaf(&forgery);
  forgery.node[1].path_secret = forgery.node[2].path_secret;
  forgery_encrypt(&forgery);
  world->victims = BIT(ALICE) | BIT(BOB);
  forgery_send(&forgery, out);
}

static void secret_one_step_down(struct world *world, struct bytes *out) {
  struct forgery forgery;
  forgery_begin(&forgery, mallory(world));
  forgery_path(&forgery);
  forgery_merge(&forgery);
  forgery_leaf(&forgery);
  forgery.node[1].path_secret = forgery.node[0].path_secret;
  forgery_encrypt(&forgery);
  world->victims = BIT(ALICE) | BIT(BOB);
  forgery_send(&forgery, out);
}

static void secret_too_short(struct world *world, struct bytes *out) {
  struct forgery forgery;
  forgery_begin(&forgery, mallory(world));
  forgery_path(&forgery);
  forgery.node[0].path_secret.size--;
  forgery_derive(&forgery, 0);
  forgery_finish_path(&forgery);
  world->victims = BIT(CAROL);
  forgery_send(&forgery, out);
}

static void flip(struct view at, size_t offset) {
  ((uint8_t *)(uintptr_t)at.data)[offset] ^= 1;
}

/* CAROL's ciphertext, in place. */
static struct hpke_ciphertext lowest_ciphertext(struct world *world, struct forgery *forgery) {
  struct hpke_ciphertext ciphertext;
  forgery_begin(forgery, mallory(world));
  forgery_path(forgery);
  forgery_finish_path(forgery);
  struct reader reader = reader_of(bytes_view(&forgery->node[0].ciphertexts));
  ck_assert_int_eq(hpke_ciphertext_read(&reader, &ciphertext), OK);
  world->victims = BIT(CAROL);
  return ciphertext;
}

static void ciphertext_altered(struct world *world, struct bytes *out) {
  struct forgery forgery;
  flip(lowest_ciphertext(world, &forgery).ciphertext, 0);
  forgery_send(&forgery, out);
}

static void kem_output_altered(struct world *world, struct bytes *out) {
  struct forgery forgery;
  flip(lowest_ciphertext(world, &forgery).kem_output, 0);
  forgery_send(&forgery, out);
}

static void kem_output_of_small_order(struct world *world, struct bytes *out) {
  struct forgery forgery;
  struct view kem_output = lowest_ciphertext(world, &forgery).kem_output;
  wipe((uint8_t *)(uintptr_t)kem_output.data, kem_output.size);
  forgery_send(&forgery, out);
}

static void kem_output_too_short(struct world *world, struct bytes *out) {
  struct forgery forgery;
  struct writer writer = {0};
  struct hpke_ciphertext ciphertext = lowest_ciphertext(world, &forgery);
  hpke_ciphertext_write(&writer, view_of(ciphertext.kem_output.data, 31), ciphertext.ciphertext);
  bytes_free(&forgery.node[0].ciphertexts);
  forgery.node[0].ciphertexts = taken(&writer);
  forgery_send(&forgery, out);
}

static void ciphertext_without_end(struct world *world, struct bytes *out) {
  struct forgery forgery;
  (void)lowest_ciphertext(world, &forgery);
  forgery.node[0].ciphertexts.size--;
  forgery_send(&forgery, out);
}

/* Encrypted for the present GroupContext instead of the provisional one. */
static void ciphertext_for_old_context(struct world *world, struct bytes *out) {
  struct forgery forgery;
  forgery_begin(&forgery, mallory(world));
  forgery_path(&forgery);
  forgery_encrypt(&forgery);
  struct bytes early = {0};
  bytes_move(&early, &forgery.node[0].ciphertexts);
  forgery_finish_path(&forgery);
  bytes_free(&forgery.node[0].ciphertexts);
  forgery.node[0].ciphertexts = early;
  world->victims = BIT(CAROL);
  forgery_send(&forgery, out);
}

static const struct row rows[] = {
    {"12.4.2", "a key of the path was the root's until now", root_key_again, ERR_INVALID_COMMIT},
    {"12.4.2", "a key of the path is that of leaf 0", key_of_another_leaf, ERR_INVALID_COMMIT},
    {"12.4.2", "two nodes of the path have one key", two_nodes_of_one_key, ERR_INVALID_COMMIT},
    {"7.6", "a key of the path is too short", short_key, ERR_INVALID_COMMIT},
    {"7.6", "a key of the path is a point of small order", key_of_small_order, ERR_INVALID_COMMIT},
    {"7.5", "the root's key is not that of its secret", key_not_of_its_secret, ERR_INVALID_COMMIT},

    {"12.4.2", "the path's leaf is of source update", leaf_of_source_update, ERR_INVALID_COMMIT},
    {"12.4.2", "the path's leaf is of source key_package", leaf_of_key_package, ERR_INVALID_COMMIT},
    {"7.9.2", "the leaf's parent_hash is altered", parent_hash_of_leaf, ERR_INVALID_COMMIT},
    {"7.9.2", "the leaf's parent_hash is empty", no_parent_hash, ERR_INVALID_COMMIT},
    {"12.4.2", "the leaf keeps its encryption key", leaf_keeps_key, ERR_INVALID_COMMIT},
    {"7.3", "the leaf takes the key of a path node", leaf_takes_key_of_path, ERR_INVALID_COMMIT},
    {"7.3", "the leaf takes BOB's signature key", leaf_takes_signature_key, ERR_INVALID_COMMIT},
    {"7.3", "the leaf is signed with another key", leaf_signed_by_another, ERR_SIGNATURE},
    {"7.3", "the leaf is signed for another group", leaf_for_other_group, ERR_SIGNATURE},
    {"7.3", "the leaf is signed for another index", leaf_for_other_index, ERR_SIGNATURE},
    {"7.3", "the leaf is signed with another label", leaf_of_other_label, ERR_SIGNATURE},

    {"7.6", "one ciphertext too many", one_ciphertext_more, ERR_INVALID_COMMIT},
    {"7.6", "one ciphertext too few", one_ciphertext_less, ERR_INVALID_COMMIT},
    {"7.6", "a ciphertext for the member that is added", ciphertext_for_new_member,
     ERR_INVALID_COMMIT},
    {"7.6", "the last ciphertext is cut off", ciphertext_without_end, ERR_MALFORMED},
    {"7.5", "the path secret of the node above", secret_one_step_up, ERR_INVALID_COMMIT},
    {"7.5", "the path secret of the node below", secret_one_step_down, ERR_INVALID_COMMIT},
    {"7.5", "a path secret of 31 bytes", secret_too_short, ERR_INVALID_COMMIT},
    {"7.5", "a ciphertext is altered", ciphertext_altered, ERR_INVALID_COMMIT},
    {"7.5", "a kem_output is altered", kem_output_altered, ERR_INVALID_COMMIT},
    {"7.5", "a kem_output of small order", kem_output_of_small_order, ERR_INVALID_COMMIT},
    {"7.5", "a kem_output of 31 bytes", kem_output_too_short, ERR_INVALID_COMMIT},
    {"7.5", "a ciphertext for the old GroupContext", ciphertext_for_old_context,
     ERR_INVALID_COMMIT},
};

/* ---- NIST curves, where not every string of bytes is a point ---- */

/* In the form of a point, but on no curve. */
static const uint8_t no_point[65] = {4, 1};

static void path_key_off_curve(struct world *world, struct bytes *out) {
  struct forgery forgery;
  forgery_begin(&forgery, mallory(world));
  forgery_path(&forgery);
  announce_lowest(world, &forgery, VIEW_ARRAY(no_point));
  forgery_finish_path(&forgery);
  forgery_send(&forgery, out);
}

static void leaf_key_off_curve(struct world *world, struct bytes *out) {
  struct forgery forgery;
  forgery_begin(&forgery, mallory(world));
  forgery_path(&forgery);
  forgery.path_leaf.fields.encryption_key = VIEW_ARRAY(no_point);
  forgery_finish_path(&forgery);
  forgery_send(&forgery, out);
}

static void kem_output_off_curve(struct world *world, struct bytes *out) {
  struct forgery forgery;
  struct writer writer = {0};
  struct hpke_ciphertext ciphertext = lowest_ciphertext(world, &forgery);
  hpke_ciphertext_write(&writer, VIEW_ARRAY(no_point), ciphertext.ciphertext);
  bytes_free(&forgery.node[0].ciphertexts);
  forgery.node[0].ciphertexts = taken(&writer);
  forgery_send(&forgery, out);
}

static const struct row point_rows[] = {
    {"7.6", "a key of the path is no point", path_key_off_curve, ERR_INVALID_COMMIT},
    {"5.1.1", "the leaf's key is no point", leaf_key_off_curve, ERR_INVALID_COMMIT},
    {"7.5", "a kem_output is no point", kem_output_off_curve, ERR_INVALID_COMMIT},
    {"7.5", "a ciphertext is altered", ciphertext_altered, ERR_INVALID_COMMIT},
    {"7.9.2", "the leaf's parent_hash is altered", parent_hash_of_leaf, ERR_INVALID_COMMIT},
};

START_TEST(points) {
  refuse_message_in(&point_rows[_i], 2);
}
END_TEST

START_TEST(path) {
  refuse_message(&rows[_i]);
}
END_TEST

TCase *reject_path(void) {
  TCase *cases = tcase_create("path");
  tcase_add_loop_test(cases, path, 0, COUNT(rows));
  tcase_add_loop_test(cases, points, 0, COUNT(point_rows));
  return cases;
}
