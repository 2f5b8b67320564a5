/* Welcome and GroupInfo: MALLORY invites judy.  SPDX-License-Identifier: ISC */
#include <string.h>

#include "chapters.h"
#include "invite.h"
#include "mls/psk.h"

static void flip(struct bytes *bytes, size_t at) {
  bytes->data[at] ^= 1;
}

static void add_byte(struct bytes *bytes, uint8_t value) {
  struct writer writer = {0};
  write_bytes(&writer, bytes_view(bytes));
  write_u8(&writer, value);
  bytes_free(bytes);
  *bytes = taken(&writer);
}

typedef void bend_invite(struct world *world, struct invite *invite);

/* A Welcome that is bent before the GroupInfo is signed. */
static void welcome(struct world *world, bend_invite *bend, struct bytes *out) {
  struct invite invite;
  invite_begin(&invite, world);
  bend(world, &invite);
  invite_send(&invite, out);
}

/* ---- Nothing changed ---- */

static void straight(struct world *world, struct invite *invite) {
  (void)world;
  (void)invite;
}

static void tree_is_beside(struct world *world, struct invite *invite) {
  invite->tree_inside = false;
  bytes_move(&world->beside, &invite->ratchet_tree);
}

static struct tree *editable(const struct invite *invite) {
  struct tree *tree = NULL;
  ck_assert_int_eq(tree_edit(invite->tree, &tree), OK);
  return tree;
}

/* A tree without parent nodes: no path secret is needed, and no parent hash. */
static struct tree *bare(struct invite *invite) {
  struct tree *tree = editable(invite);
  for (uint32_t leaf = 0; leaf < MEMBERS; leaf++)
    ck_assert_int_eq(tree_blank_path(tree, leaf), OK);
  invite->has_path_secret = false;
  return tree;
}

static void bare_tree(struct world *world, struct invite *invite) {
  (void)world;
  invite_set_tree(invite, bare(invite));
}

/* Leaf 0 signs: MALLORY has ALICE's key. */
static void signed_by_leaf_0(struct world *world, struct invite *invite) {
  invite_set_tree(invite, bare(invite));
  invite->signer = ALICE;
  invite->signature_key = world->member[ALICE].client->signature_key;
}

static const uint8_t nonce[32] = {1};

static void psk_known(struct world *world, struct invite *invite) {
  const struct psk_id id = {
      .type = PSK_EXTERNAL, .external_id = VIEW_TEXT("id"), .nonce = VIEW_ARRAY(nonce)};
  struct writer psks = {0};
  psk_id_write(&psks, &id);
  ck_assert_int_eq(
      psk_mix(invite->suite, writer_view(&psks), VIEW_TEXT("secret"), 0, 1, &invite->psk_secret),
      OK);
  invite->psks = taken(&psks);
  ck_assert_int_eq(client_add_psk(world->joiner.client, VIEW_TEXT("id"), VIEW_TEXT("secret")), OK);
}

/* ---- The tree ---- */

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
  struct tree *tree = bare(invite);
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
  struct tree *tree = editable(invite);
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
  struct tree *tree = editable(invite);
  (void)world;
  ck_assert(tree_parent(invite->tree, node_ancestor(MALLORY, 1), &parent));
  memcpy(key, parent.encryption_key.data, sizeof key);
  ck_assert_int_eq(tree_set_parent(tree, MALLORY, 1, VIEW_ARRAY(key), VIEW_NONE), OK);
  invite_set_tree(invite, tree);
}

/* A parent that nobody has committed to. */
static void parent_out_of_nowhere(struct world *world, struct invite *invite) {
  struct tree *tree = bare(invite);
  (void)world;
  ck_assert_int_eq(
      tree_set_parent(tree, ALICE, 1, VIEW_TEXT("a key that nobody else has here:"), VIEW_NONE),
      OK);
  invite_set_tree(invite, tree);
}

/* ALICE was replaced below nodes that MALLORY set: what they hashed is no longer there. */
static void leaf_replaced_below(struct world *world, struct invite *invite) {
  struct leaf_forger forger;
  struct tree *tree = editable(invite);
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
  struct tree *tree = bare(invite);
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
  (void)world;
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

static bend_nodes *bend_now;

static void bent_nodes(struct world *world, struct bytes *out) {
  struct invite invite;
  invite_begin(&invite, world);
  nodes(&invite, bend_now);
  invite_send(&invite, out);
}

START_TEST(node) {
  bend_now = node_rows[_i].bend;
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

/* ---- GroupInfo ---- */

static void other_version(struct world *world, struct invite *invite) {
  (void)world;
  invite->context.version = 2;
}

static void other_suite(struct world *world, struct invite *invite) {
  (void)world;
  invite->context.cipher_suite = 3;
}

static void last_epoch(struct world *world, struct invite *invite) {
  (void)world;
  invite->context.epoch = UINT64_MAX;
}

static void joined_already(struct world *world, struct invite *invite) {
  (void)invite;
  ck_assert_int_eq(group_new(world->joiner.client, VIEW_TEXT("a group"), &world->other), OK);
}

static void blank_signer(struct world *world, struct invite *invite) {
  (void)world;
  invite->signer = MEMBERS + 1;
}

static void signer_beyond(struct world *world, struct invite *invite) {
  (void)world;
  invite->signer = UINT32_MAX;
}

static void other_signer(struct world *world, struct invite *invite) {
  (void)world;
  invite->signer = ALICE;
}

static void own_signer(struct world *world, struct invite *invite) {
  invite_set_tree(invite, bare(invite));
  invite->signer = MEMBERS;
  invite->signature_key = world->joiner.client->signature_key;
}

static void key_not_in_tree(struct world *world, struct invite *invite) {
  invite->signature_key = world->joiner.client->signature_key;
}

static void other_label(struct world *world, struct invite *invite) {
  (void)world;
  invite->label = VIEW_TEXT("FramedContentTBS");
}

/* MALLORY has changed its signature key by the commit, and signs with the one before. */
static void key_of_the_epoch_before(struct world *world, struct invite *invite) {
  struct leaf_forger forger;
  struct tree *tree = bare(invite);
  struct member later = member_new("mallory", 1);
  leaf_forger_begin(&forger, later.client, LEAF_UPDATE, invite->context.group_id, MALLORY);
  struct leaf *leaf = leaf_forger_sign(&forger);
  ck_assert_int_eq(tree_replace_leaf(tree, MALLORY, leaf), OK);
  invite_set_tree(invite, tree);
  leaf_drop(leaf);
  leaf_forger_end(&forger);
  member_free(&later);
  (void)world;
}

static void tag_altered(struct world *world, struct invite *invite) {
  static uint8_t tag[32];
  (void)world;
  memset(tag, 1, sizeof tag);
  invite->confirmation_tag = VIEW_ARRAY(tag);
}

static void tag_empty(struct world *world, struct invite *invite) {
  (void)world;
  invite->confirmation_tag = VIEW_TEXT("");
}

static void info_trailing(struct world *world, struct invite *invite) {
  (void)world;
  invite_info(invite);
  add_byte(&invite->info, 0);
}

static void info_extension_twice(struct world *world, struct invite *invite) {
  struct writer writer = {0};
  (void)world;
  extension_write(&writer, EXTENSION_RATCHET_TREE, bytes_view(&invite->ratchet_tree));
  invite->other_extensions = taken(&writer);
}

static void context_extension_twice(struct world *world, struct invite *invite) {
  static const uint8_t extensions[] = {0, 3, 3, 0, 0, 0, 0, 3, 3, 0, 0, 0};
  (void)world;
  invite->context.extensions = VIEW_ARRAY(extensions);
}

/* ---- GroupSecrets ---- */

static void short_joiner_secret(struct world *world, struct invite *invite) {
  (void)world;
  invite->joiner_secret.size--;
}

static void short_path_secret(struct world *world, struct invite *invite) {
  (void)world;
  invite->path_secret.size--;
}

static void path_secret_below(struct world *world, struct invite *invite) {
  (void)world;
  invite->path_secret = invite->commit.node[0].path_secret;
}

static void path_secret_above(struct world *world, struct invite *invite) {
  (void)world;
  invite->path_secret = invite->commit.commit_secret;
}

static void path_secret_missing(struct world *world, struct invite *invite) {
  (void)world;
  invite->has_path_secret = false;
}

static void path_secret_for_blank(struct world *world, struct invite *invite) {
  (void)world;
  invite_set_tree(invite, bare(invite));
  invite->has_path_secret = true;
}

static void secrets_trailing(struct world *world, struct invite *invite) {
  (void)world;
  add_byte(&invite->behind_secrets, 0);
}

static void psk_unknown(struct world *world, struct invite *invite) {
  psk_known(world, invite);
  ck_assert(client_remove_psk(world->joiner.client, VIEW_TEXT("id")));
}

static void psk_different(struct world *world, struct invite *invite) {
  psk_known(world, invite);
  ck_assert_int_eq(client_add_psk(world->joiner.client, VIEW_TEXT("id"), VIEW_TEXT("another")), OK);
}

static void psk_broken(struct world *world, struct invite *invite) {
  psk_known(world, invite);
  invite->psks.data[0] = PSK_RESUMPTION + 1;
}

/* The joiner is in the group that is named, so its resumption PSK is known. */
static void resume(struct world *world, struct invite *invite, size_t count) {
  struct writer psks = {0};
  ck_assert_int_eq(group_new(world->joiner.client, VIEW_TEXT("the group before"), &world->other),
                   OK);
  const struct epoch *epoch = world->other->epoch;
  const struct psk_id id = {.type = PSK_RESUMPTION,
                            .usage = PSK_BRANCH,
                            .psk_group_id = epoch->context.group_id,
                            .psk_epoch = epoch->context.epoch,
                            .nonce = VIEW_ARRAY(nonce)};
  struct writer one = {0};
  psk_id_write(&one, &id);
  for (size_t i = 0; i < count; i++) {
    write_bytes(&psks, writer_view(&one));
    ck_assert_int_eq(psk_mix(invite->suite, writer_view(&one),
                             secret_view(&epoch->secrets->resumption_psk), (uint16_t)i,
                             (uint16_t)count, &invite->psk_secret),
                     OK);
  }
  writer_free(&one);
  invite->psks = taken(&psks);
}

static void two_branches(struct world *world, struct invite *invite) {
  resume(world, invite, 2);
}

static void branch_in_late_epoch(struct world *world, struct invite *invite) {
  resume(world, invite, 1);
}

static void branch_of_other_members(struct world *world, struct invite *invite) {
  resume(world, invite, 1);
  invite->context.epoch = 1;
}

/* ---- Welcome ---- */

static void for_other_suite(struct world *world, struct invite *invite) {
  (void)world;
  invite->cipher_suite = 3;
}

static void for_nobody_here(struct world *world, struct invite *invite) {
  (void)world;
  invite->ref[31] ^= 1;
}

/* A Welcome that is bent after all is encrypted. */
static void sealed(struct world *world, void (*bend)(struct sealed_invite *), struct bytes *out) {
  struct invite invite;
  struct sealed_invite parts;
  invite_begin(&invite, world);
  invite_seal(&invite, &parts);
  bend(&parts);
  invite_finish(&invite, &parts, out);
}

static void bend_info(struct sealed_invite *sealed) {
  flip(&sealed->info, 0);
}

static void bend_ciphertext(struct sealed_invite *sealed) {
  flip(&sealed->ciphertext, 0);
}

static void bend_kem_output(struct sealed_invite *sealed) {
  flip(&sealed->kem_output, 0);
}

static void bend_kem_output_to_zero(struct sealed_invite *sealed) {
  memset(sealed->kem_output.data, 0, sealed->kem_output.size);
}

static void bend_kem_output_size(struct sealed_invite *sealed) {
  sealed->kem_output.size--;
}

static void info_altered(struct world *world, struct bytes *out) {
  sealed(world, bend_info, out);
}

static void secrets_altered(struct world *world, struct bytes *out) {
  sealed(world, bend_ciphertext, out);
}

static void kem_output_altered(struct world *world, struct bytes *out) {
  sealed(world, bend_kem_output, out);
}

static void kem_output_zero(struct world *world, struct bytes *out) {
  sealed(world, bend_kem_output_to_zero, out);
}

static void kem_output_short(struct world *world, struct bytes *out) {
  sealed(world, bend_kem_output_size, out);
}

/* GroupSecrets that are right for this GroupInfo, but were encrypted along with another. */
static void secrets_of_other_welcome(struct world *world, struct bytes *out) {
  struct invite invite;
  struct sealed_invite first, second;
  invite_begin(&invite, world);
  invite_seal(&invite, &first);
  invite.info.data[invite.info.size - 1] ^= 1;
  invite_seal(&invite, &second);
  struct bytes info = first.info;
  first.info = second.info;
  second.info = info;
  bytes_free(&second.info);
  bytes_free(&second.kem_output);
  bytes_free(&second.ciphertext);
  invite_finish(&invite, &first, out);
}

static void welcome_trailing(struct world *world, struct bytes *out) {
  welcome(world, straight, out);
  add_byte(out, 0);
}

static void no_welcome(struct world *world, struct bytes *out) {
  *out = key_package_of(world->joiner.client);
}

static void welcome_too_large(struct world *world, struct bytes *out) {
  welcome(world, straight, out);
  world->joiner.client->settings.max_message_bytes = out->size - 1;
}

static const struct {
  const char *section;
  const char *changed;
  bend_invite *bend;
  enum err expected;
} welcome_rows[] = {
    {"12.4.3.1", "nothing", straight, OK},
    {"12.4.3.1", "nothing: the tree is beside", tree_is_beside, OK},
    {"12.4.3.1", "nothing: a tree without parent nodes", bare_tree, OK},
    {"12.4.3.1", "nothing: leaf 0 signs", signed_by_leaf_0, OK},
    {"12.4.3.1", "nothing: a leaf of source update", leaf_updated, OK},
    {"7.3", "nothing: a member whose key package has expired meanwhile", leaf_expired, OK},
    {"12.4.3.1", "nothing: a PSK", psk_known, OK},

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
    {"11.1", "a byte behind required_capabilities", required_broken, ERR_MALFORMED},
    {"2.1", "a byte behind the nodes", tree_trailing, ERR_MALFORMED},
    {"12.4.3.3", "more leaves than the limit", more_leaves_than_limit, ERR_LIMIT},

    {"8.1", "a group of version 2", other_version, ERR_UNSUPPORTED},
    {"12.4.3.1", "a group of suite 3", other_suite, ERR_UNSUPPORTED},
    {"12.4.3.1", "a group in its last epoch", last_epoch, ERR_INVALID_TREE},
    {"12.4.3.1", "a group that the client is in", joined_already, ERR_INVALID_STATE},
    {"12.4.3.1", "a blank leaf as signer", blank_signer, ERR_INVALID_TREE},
    {"12.4.3.1", "a signer beyond the tree", signer_beyond, ERR_INVALID_TREE},
    {"12.4.3.1", "another member as signer", other_signer, ERR_SIGNATURE},
    {"12.4.3.1", "the own leaf as signer", own_signer, ERR_INVALID_TREE},
    {"12.4.3.1", "signed with a key that is not in the tree", key_not_in_tree, ERR_SIGNATURE},
    {"12.4.3.1", "signed with the key of the epoch before", key_of_the_epoch_before, ERR_SIGNATURE},
    {"12.4.3.1", "signed with another label", other_label, ERR_SIGNATURE},
    {"12.4.3.1", "the confirmation tag is altered", tag_altered, ERR_AUTH},
    {"12.4.3.1", "the confirmation tag is empty", tag_empty, ERR_AUTH},
    {"2.1", "a byte behind the GroupInfo", info_trailing, ERR_MALFORMED},
    {"13.4", "an extension of the GroupInfo twice", info_extension_twice, ERR_MALFORMED},
    {"13.4", "an extension of the GroupContext twice", context_extension_twice, ERR_MALFORMED},

    {"12.4.3.1", "a joiner_secret of 31 bytes", short_joiner_secret, ERR_MALFORMED},
    {"12.4.3.1", "a path secret of 31 bytes", short_path_secret, ERR_INVALID_TREE},
    {"7.5", "the path secret of a node below", path_secret_below, ERR_INVALID_TREE},
    {"7.5", "the path secret one step up", path_secret_above, ERR_INVALID_TREE},
    {"12.4.3.1", "no path secret, but a node above", path_secret_missing, ERR_INVALID_TREE},
    {"12.4.3.1", "a path secret, but no node above", path_secret_for_blank, ERR_INVALID_TREE},
    {"2.1", "a byte behind the GroupSecrets", secrets_trailing, ERR_MALFORMED},
    {"12.4.3.1", "a PSK that is not known here", psk_unknown, ERR_NOT_FOUND},
    {"12.4.3.1", "a PSK that is another here", psk_different, ERR_AUTH},
    {"2.1", "a PSK of type 3", psk_broken, ERR_MALFORMED},
    {"12.4.3.1", "two resumption PSKs of usage branch", two_branches, ERR_INVALID_TREE},
    {"12.4.3.1", "a branch in another epoch than 1", branch_in_late_epoch, ERR_INVALID_TREE},
    {"12.4.3.1", "a branch with others than the old members", branch_of_other_members,
     ERR_INVALID_TREE},

    {"12.4.3.1", "a Welcome of suite 3", for_other_suite, ERR_UNSUPPORTED},
    {"12.4.3.1", "a Welcome for another key package", for_nobody_here, ERR_NOT_FOUND},
};

static bend_invite *bend_invite_now;

static void bent_welcome(struct world *world, struct bytes *out) {
  welcome(world, bend_invite_now, out);
}

START_TEST(welcomes) {
  bend_invite_now = welcome_rows[_i].bend;
  const struct row row = {welcome_rows[_i].section, welcome_rows[_i].changed, bent_welcome,
                          welcome_rows[_i].expected};
  refuse_welcome(&row);
}
END_TEST

static const struct row sealed_rows[] = {
    {"12.4.3.1", "the encrypted GroupInfo is altered", info_altered, ERR_AUTH},
    {"12.4.3.1", "the encrypted GroupSecrets are altered", secrets_altered, ERR_AUTH},
    {"12.4.3.1", "the kem_output is altered", kem_output_altered, ERR_AUTH},
    {"12.4.3.1", "the kem_output is of small order", kem_output_zero, ERR_MALFORMED},
    {"12.4.3.1", "the kem_output lacks a byte", kem_output_short, ERR_MALFORMED},
    {"12.4.3.1", "GroupSecrets that came with another GroupInfo", secrets_of_other_welcome,
     ERR_AUTH},
    {"2.1", "a byte behind the Welcome", welcome_trailing, ERR_MALFORMED},
    {"6", "a key package in the place of a Welcome", no_welcome, ERR_MALFORMED},
    {"", "more bytes than the limit", welcome_too_large, ERR_LIMIT},
};

START_TEST(sealed_welcome) {
  refuse_welcome(&sealed_rows[_i]);
}
END_TEST

/* A key package is used up: by joining, and for a Welcome that was opened before that. */
START_TEST(key_package_twice) {
  struct world world;
  struct bytes message = {0};
  struct opened_welcome first = {0}, second = {0};
  struct group *group = NULL;
  const struct row row = {"12.4.3.1", "a key package is used twice", NULL, ERR_NOT_FOUND};
  world_init(&world, 1);
  welcome(&world, straight, &message);
  struct client *client = world.joiner.client;
  ck_assert_int_eq(join_open_welcome(client, bytes_view(&message), VIEW_NONE, &first), OK);
  ck_assert_int_eq(join_open_welcome(client, bytes_view(&message), VIEW_NONE, &second), OK);
  ck_assert_int_eq(join_accept_welcome(client, &first, &world.joiner.group), OK);
  struct bytes before = state_of(&world.joiner);
  ck_assert_int_eq(join_accept_welcome(client, &second, &group), ERR_NOT_FOUND);
  ck_assert_ptr_null(group);
  opened_welcome_free(&second);
  expect_reason(client, join_open_welcome(client, bytes_view(&message), VIEW_NONE, &second), &row);
  struct bytes after = state_of(&world.joiner);
  ck_assert(view_equal(bytes_view(&before), bytes_view(&after)));
  bytes_free(&after);
  bytes_free(&before);
  opened_welcome_free(&first);
  bytes_free(&message);
  world_free(&world);
}
END_TEST

TCase *reject_welcome(void) {
  TCase *cases = tcase_create("welcome");
  tcase_add_loop_test(cases, welcomes, 0, COUNT(welcome_rows));
  tcase_add_loop_test(cases, node, 0, COUNT(node_rows));
  tcase_add_loop_test(cases, sealed_welcome, 0, COUNT(sealed_rows));
  tcase_add_test(cases, key_package_twice);
  return cases;
}
