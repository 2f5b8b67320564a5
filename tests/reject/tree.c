/* Ratchet trees of a group that judy is invited to.  SPDX-License-Identifier: ISC */
#include <string.h>

#include "chapters.h"
#include "invite.h"

/* ---- The tree as a whole ---- */

static void tree_hash_altered(struct world *world, struct invite *invite) {
  static uint8_t hash[32];
  (void)world;
  memcpy(hash, invite->context.tree_hash.data, sizeof hash);
  hash[0] ^= 1;
  invite->context.tree_hash = VIEW_ARRAY(hash);
}

static void tree_hash_of_old_tree(struct world *world, struct invite *invite) {
  (void)world;
  invite->context.tree_hash = tree_hash(invite->commit.from->tree);
}

static void no_tree(struct world *world, struct invite *invite) {
  (void)world;
  invite->tree_inside = false;
}

static void own_leaf_missing(struct world *world, struct invite *invite) {
  (void)world;
  invite_set_tree(invite, tree_share(invite->commit.from->tree));
}

/* The same client, but not the leaf of the key package that the Welcome is for. */
static void other_own_leaf(struct world *world, struct invite *invite) {
  struct leaf_forger forger;
  struct tree *tree = invite_bare(invite);
  leaf_forger_begin(&forger, world->joiner.client, LEAF_KEY_PACKAGE, VIEW_NONE, 0);
  struct leaf *leaf = leaf_forger_sign(&forger);
  ck_assert_int_eq(tree_replace_leaf(tree, MEMBERS, leaf), OK);
  invite_set_tree(invite, tree);
  leaf_drop(leaf);
  leaf_forger_end(&forger);
}

static void parent_hash_altered(struct world *world, struct invite *invite) {
  struct parent_node parent;
  uint8_t key[32], hash[32];
  struct tree *tree = invite_edit(invite);
  (void)world;
  ck_assert(tree_parent(invite->tree, node_ancestor(MALLORY, 2), &parent));
  memcpy(key, parent.encryption_key.data, sizeof key);
  memcpy(hash, parent.parent_hash.data, sizeof hash);
  hash[0] ^= 1;
  ck_assert_int_eq(tree_set_parent(tree, MALLORY, 2, VIEW_ARRAY(key), VIEW_ARRAY(hash)), OK);
  invite_set_tree(invite, tree);
}

static void parent_hash_missing(struct world *world, struct invite *invite) {
  struct parent_node parent;
  uint8_t key[32];
  struct tree *tree = invite_edit(invite);
  (void)world;
  ck_assert(tree_parent(invite->tree, node_ancestor(MALLORY, 1), &parent));
  memcpy(key, parent.encryption_key.data, sizeof key);
  ck_assert_int_eq(tree_set_parent(tree, MALLORY, 1, VIEW_ARRAY(key), VIEW_NONE), OK);
  invite_set_tree(invite, tree);
}

/* A parent that nobody has committed to. */
static void parent_out_of_nowhere(struct world *world, struct invite *invite) {
  struct tree *tree = invite_bare(invite);
  (void)world;
  ck_assert_int_eq(
      tree_set_parent(tree, ALICE, 1, VIEW_TEXT("a key that nobody else has here:"), VIEW_NONE),
      OK);
  invite_set_tree(invite, tree);
}

/* ALICE was replaced below nodes that MALLORY set: what they hashed is no longer there. */
static void leaf_replaced_below(struct world *world, struct invite *invite) {
  struct leaf_forger forger;
  struct tree *tree = invite_edit(invite);
  leaf_forger_begin(&forger, world->member[ALICE].client, LEAF_UPDATE, invite->context.group_id,
                    ALICE);
  struct leaf *leaf = leaf_forger_sign(&forger);
  ck_assert_int_eq(tree_replace_leaf(tree, ALICE, leaf), OK);
  invite_set_tree(invite, tree);
  leaf_drop(leaf);
  leaf_forger_end(&forger);
}

/* ---- A leaf of the tree: CAROL's ---- */

static void carol(struct world *world, struct invite *invite, enum leaf_source source,
                  void (*bend)(struct world *, struct leaf_forger *)) {
  struct leaf_forger forger;
  struct tree *tree = invite_bare(invite);
  leaf_forger_begin(&forger, world->member[CAROL].client, source, invite->context.group_id, CAROL);
  if (bend != NULL)
    bend(world, &forger);
  struct leaf *leaf = leaf_forger_sign(&forger);
  ck_assert_int_eq(tree_replace_leaf(tree, CAROL, leaf), OK);
  invite_set_tree(invite, tree);
  leaf_drop(leaf);
  leaf_forger_end(&forger);
}

static void leaf_updated(struct world *world, struct invite *invite) {
  carol(world, invite, LEAF_UPDATE, NULL);
}

static void bend_group(struct world *world, struct leaf_forger *forger) {
  (void)world;
  forger->group_id = VIEW_TEXT("another group");
}

static void bend_index(struct world *world, struct leaf_forger *forger) {
  (void)world;
  forger->index = ALICE;
}

static void bend_signer(struct world *world, struct leaf_forger *forger) {
  forger->signature_key = world->member[MALLORY].client->signature_key;
}

static void bend_version(struct world *world, struct leaf_forger *forger) {
  static const uint8_t list[] = {0, 2};
  (void)world;
  forger->fields.capabilities.versions = VIEW_ARRAY(list);
}

static void bend_extension(struct world *world, struct leaf_forger *forger) {
  static const uint8_t extension[] = {0xf1, 0x23, 0};
  (void)world;
  forger->fields.extensions = VIEW_ARRAY(extension);
}

static void bend_credential(struct world *world, struct leaf_forger *forger) {
  static const uint8_t credential[] = {0xf1, 0x23, 1, 'x'};
  static const uint8_t types[] = {0, CREDENTIAL_BASIC, 0xf1, 0x23};
  (void)world;
  forger->fields.credential = VIEW_ARRAY(credential);
  forger->fields.capabilities.credentials = VIEW_ARRAY(types);
}

static void bend_expired(struct world *world, struct leaf_forger *forger) {
  forger->fields.not_after = client_now(world->joiner.client) - 1;
}

static void bend_lifetime(struct world *world, struct leaf_forger *forger) {
  (void)world;
  forger->fields.not_after = UINT64_MAX;
}

static void bend_backwards(struct world *world, struct leaf_forger *forger) {
  world->joiner.client->settings.max_lifetime_seconds = 0;
  forger->fields.not_after = forger->fields.not_before - 1;
}

static void leaf_for_other_group(struct world *world, struct invite *invite) {
  carol(world, invite, LEAF_UPDATE, bend_group);
}

static void leaf_for_other_index(struct world *world, struct invite *invite) {
  carol(world, invite, LEAF_UPDATE, bend_index);
}

static void leaf_signed_by_another(struct world *world, struct invite *invite) {
  carol(world, invite, LEAF_KEY_PACKAGE, bend_signer);
}

static void leaf_of_other_version(struct world *world, struct invite *invite) {
  carol(world, invite, LEAF_UPDATE, bend_version);
}

static void leaf_with_unlisted_extension(struct world *world, struct invite *invite) {
  carol(world, invite, LEAF_UPDATE, bend_extension);
}

static void leaf_of_unsupported_credential(struct world *world, struct invite *invite) {
  carol(world, invite, LEAF_UPDATE, bend_credential);
}

static void leaf_expired(struct world *world, struct invite *invite) {
  carol(world, invite, LEAF_KEY_PACKAGE, bend_expired);
}

static void leaf_valid_for_ever(struct world *world, struct invite *invite) {
  carol(world, invite, LEAF_KEY_PACKAGE, bend_lifetime);
}

static void leaf_valid_backwards(struct world *world, struct invite *invite) {
  carol(world, invite, LEAF_KEY_PACKAGE, bend_backwards);
}

static void unsupported_group_extension(struct world *world, struct invite *invite) {
  static const uint8_t extension[] = {0xf1, 0x23, 0};
  (void)world;
  invite->context.extensions = VIEW_ARRAY(extension);
}

static void required_extension_missing(struct world *world, struct invite *invite) {
  static const uint8_t extension[] = {0, 3, 5, 2, 0xf1, 0x23, 0, 0};
  (void)world;
  invite->context.extensions = VIEW_ARRAY(extension);
}

static void broken_external_senders(struct world *world, struct invite *invite) {
  static const uint8_t extension[] = {0, 5, 2, 0, 0};
  (void)world;
  invite->context.extensions = VIEW_ARRAY(extension);
}

static void required_broken(struct world *world, struct invite *invite) {
  static const uint8_t extension[] = {0, 3, 4, 0, 0, 0, 0};
  (void)world;
  invite->context.extensions = VIEW_ARRAY(extension);
}

/* ---- The ratchet_tree extension, node by node ---- */

typedef size_t bend_nodes(struct wire_node *nodes, size_t count);

static void nodes(struct invite *invite, bend_nodes *bend) {
  struct wire_node node[INVITE_NODES] = {{{0}}};
  size_t count = invite_take_nodes(invite, node);
  ck_assert_uint_eq(count, 2 * (MEMBERS + 1) - 1);
  invite_put_nodes(invite, node, bend(node, count));
}

static void put(struct wire_node *node, struct view raw) {
  bytes_free(&node->raw);
  ck_assert_int_eq(bytes_copy(&node->raw, raw), OK);
}

/* A parent node in the place of what is there; the others stay as they are. */
static void put_parent(struct wire_node *node, struct view key, struct view hash,
                       struct view unmerged) {
  bytes_free(&node->raw);
  node->raw = wire_parent(key, hash, unmerged);
}

#define FRESH VIEW_TEXT("a key that nobody else has here:")

static size_t append_blank(struct wire_node *node, size_t count) {
  put(&node[count], VIEW_TEXT("\0"));
  return count + 1;
}

static size_t keep_none(struct wire_node *node, size_t count) {
  for (size_t i = 0; i < count; i++)
    bytes_free(&node[i].raw);
  return 0;
}

static size_t parent_for_leaf(struct wire_node *node, size_t count) {
  put_parent(&node[2 * CAROL], FRESH, VIEW_NONE, VIEW_NONE);
  return count;
}

static size_t leaf_for_parent(struct wire_node *node, size_t count) {
  put(&node[1], bytes_view(&node[0].raw));
  return count;
}

static size_t node_type_3(struct wire_node *node, size_t count) {
  node[0].raw.data[1] = 3;
  return count;
}

static size_t octet_2(struct wire_node *node, size_t count) {
  node[0].raw.data[0] = 2;
  return count;
}

static size_t key_twice(struct wire_node *node, size_t count) {
  put(&node[1], bytes_view(&node[3].raw));
  return count;
}

static size_t leaf_twice(struct wire_node *node, size_t count) {
  put(&node[2 * BOB], bytes_view(&node[2 * ALICE].raw));
  return count;
}

static size_t short_parent_key(struct wire_node *node, size_t count) {
  put_parent(&node[1], view_of((const uint8_t *)"31 bytes are not an X25519 key.", 31), VIEW_NONE,
             VIEW_NONE);
  return count;
}

static size_t short_parent_hash(struct wire_node *node, size_t count) {
  put_parent(&node[1], FRESH, VIEW_TEXT("too short"), VIEW_NONE);
  return count;
}

static size_t nobody_on_one_side(struct wire_node *node, size_t count) {
  ck_assert_uint_eq(count, 11); /* the next node is above leaves 4 to 7 */
  put_parent(&node[count], FRESH, VIEW_NONE, VIEW_NONE);
  return count + 1;
}

/* Leaves 4 and 5, ERIN and judy, below node 9. */
static size_t unmerged(struct wire_node *node, size_t count, size_t at, struct view leaves) {
  put_parent(&node[at], FRESH, VIEW_NONE, leaves);
  return count;
}

static size_t unmerged_unsorted(struct wire_node *node, size_t count) {
  static const uint8_t leaves[] = {0, 0, 0, 5, 0, 0, 0, 4};
  return unmerged(node, count, 9, VIEW_ARRAY(leaves));
}

static size_t unmerged_repeated(struct wire_node *node, size_t count) {
  static const uint8_t leaves[] = {0, 0, 0, 5, 0, 0, 0, 5};
  return unmerged(node, count, 9, VIEW_ARRAY(leaves));
}

static size_t unmerged_cut(struct wire_node *node, size_t count) {
  static const uint8_t leaves[] = {0, 0, 0, 4, 0, 0};
  return unmerged(node, count, 9, VIEW_ARRAY(leaves));
}

static size_t unmerged_elsewhere(struct wire_node *node, size_t count) {
  static const uint8_t leaves[] = {0, 0, 0, 0};
  return unmerged(node, count, 9, VIEW_ARRAY(leaves));
}

static size_t unmerged_blank(struct wire_node *node, size_t count) {
  static const uint8_t leaves[] = {0, 0, 0, 6};
  return unmerged(node, count, 7, VIEW_ARRAY(leaves));
}

static size_t unmerged_beyond(struct wire_node *node, size_t count) {
  static const uint8_t leaves[] = {0x80, 0, 0, 0};
  return unmerged(node, count, 7, VIEW_ARRAY(leaves));
}

/* Leaf 0 is unmerged at the root, but not in the nodes between. */
static size_t unmerged_not_below(struct wire_node *node, size_t count) {
  static const uint8_t leaves[] = {0, 0, 0, 0};
  return unmerged(node, count, 7, VIEW_ARRAY(leaves));
}

static const struct {
  const char *section;
  const char *changed;
  bend_nodes *bend;
  enum err expected;
} node_rows[] = {
    {"12.4.3.3", "a blank node behind the last leaf", append_blank, ERR_INVALID_TREE},
    {"7", "no nodes", keep_none, ERR_INVALID_TREE},
    {"12.4.3.3", "a parent node in the place of a leaf", parent_for_leaf, ERR_INVALID_TREE},
    {"12.4.3.3", "a leaf in the place of a parent node", leaf_for_parent, ERR_INVALID_TREE},
    {"12.4.3.3", "a node of type 3", node_type_3, ERR_INVALID_TREE},
    {"2.1", "an octet of 2 before a node", octet_2, ERR_MALFORMED},
    {"7.3", "two parent nodes of one key", key_twice, ERR_INVALID_TREE},
    {"7.3", "one leaf twice", leaf_twice, ERR_INVALID_TREE},
    {"7.1", "the key of a parent node is too short", short_parent_key, ERR_INVALID_TREE},
    {"7.1", "the parent_hash of a parent node is too short", short_parent_hash, ERR_INVALID_TREE},
    {"4.1.2", "a parent node with nobody on its right", nobody_on_one_side, ERR_INVALID_TREE},
    {"7.1", "unmerged leaves are not sorted", unmerged_unsorted, ERR_INVALID_TREE},
    {"7.1", "an unmerged leaf twice", unmerged_repeated, ERR_INVALID_TREE},
    {"2.1", "half an unmerged leaf", unmerged_cut, ERR_MALFORMED},
    {"12.4.3.1", "an unmerged leaf below another node", unmerged_elsewhere, ERR_INVALID_TREE},
    {"12.4.3.1", "a blank unmerged leaf", unmerged_blank, ERR_INVALID_TREE},
    {"12.4.3.1", "an unmerged leaf beyond the tree", unmerged_beyond, ERR_INVALID_TREE},
    {"12.4.3.1", "leaf 0 is unmerged at the root only", unmerged_not_below, ERR_INVALID_TREE},
};

static bend_nodes *bend_nodes_now;

static void bent_nodes(struct world *world, struct bytes *out) {
  struct invite invite;
  invite_begin(&invite, world);
  nodes(&invite, bend_nodes_now);
  invite_send(&invite, out);
}

START_TEST(node) {
  bend_nodes_now = node_rows[_i].bend;
  const struct row row = {node_rows[_i].section, node_rows[_i].changed, bent_nodes,
                          node_rows[_i].expected};
  refuse_welcome(&row);
}
END_TEST

static void tree_trailing(struct world *world, struct invite *invite) {
  (void)world;
  add_byte(&invite->ratchet_tree, 0);
}

static void more_leaves_than_limit(struct world *world, struct invite *invite) {
  (void)invite;
  world->joiner.client->settings.max_members = MEMBERS;
}

static const struct invite_row rows[] = {
    {"12.4.3.1", "nothing: a leaf of source update", leaf_updated, OK},
    {"7.3", "nothing: a member whose key package has expired meanwhile", leaf_expired, OK},
    {"12.4.3.1", "the tree hash is altered", tree_hash_altered, ERR_INVALID_TREE},
    {"12.4.3.1", "the tree hash of the epoch before", tree_hash_of_old_tree, ERR_INVALID_TREE},
    {"12.4.3.1", "no tree at all", no_tree, ERR_NOT_FOUND},
    {"12.4.3.1", "the own leaf is not in the tree", own_leaf_missing, ERR_INVALID_TREE},
    {"12.4.3.1", "the own leaf is not that of the key package", other_own_leaf, ERR_INVALID_TREE},
    {"7.9.2", "a parent hash is altered", parent_hash_altered, ERR_INVALID_TREE},
    {"7.9.2", "a parent hash is missing", parent_hash_missing, ERR_INVALID_TREE},
    {"7.9.2", "a parent node that nobody made", parent_out_of_nowhere, ERR_INVALID_TREE},
    {"7.9.2", "a leaf was replaced below a parent node", leaf_replaced_below, ERR_INVALID_TREE},
    {"7.3", "a leaf is signed for another group", leaf_for_other_group, ERR_SIGNATURE},
    {"7.3", "a leaf is signed for another index", leaf_for_other_index, ERR_SIGNATURE},
    {"7.3", "a leaf is signed with another key", leaf_signed_by_another, ERR_SIGNATURE},
    {"7.2", "a leaf does not list MLS 1.0", leaf_of_other_version, ERR_INVALID_TREE},
    {"7.3", "a leaf has an extension it does not list", leaf_with_unlisted_extension,
     ERR_INVALID_TREE},
    {"7.3", "a leaf has a credential that others do not list", leaf_of_unsupported_credential,
     ERR_INVALID_TREE},
    {"7.2", "a leaf is valid for ever", leaf_valid_for_ever, ERR_LIFETIME},
    {"7.2", "a leaf's lifetime ends before it begins", leaf_valid_backwards, ERR_LIFETIME},
    {"13.4", "a GroupContext extension that members do not list", unsupported_group_extension,
     ERR_INVALID_TREE},
    {"11.1", "a required extension that members do not list", required_extension_missing,
     ERR_INVALID_TREE},
    {"12.1.8.1", "a byte behind external_senders", broken_external_senders, ERR_MALFORMED},
    {"11.1", "a byte behind required_capabilities", required_broken, ERR_MALFORMED},
    {"2.1", "a byte behind the nodes", tree_trailing, ERR_MALFORMED},
    {"12.4.3.3", "more leaves than the limit", more_leaves_than_limit, ERR_LIMIT},
};

START_TEST(tree) {
  refuse_invite(&rows[_i]);
}
END_TEST

TCase *reject_tree(void) {
  TCase *cases = tcase_create("tree");
  tcase_add_loop_test(cases, tree, 0, COUNT(rows));
  tcase_add_loop_test(cases, node, 0, COUNT(node_rows));
  return cases;
}
