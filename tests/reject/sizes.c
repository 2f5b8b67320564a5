/* Lists, leaves and GroupContexts that are larger than anybody takes.  SPDX-License-Identifier: ISC */
#include <stdlib.h>

#include "chapters.h"
#include "invite.h"
#include "lengthy.h"
#include "mls/group/groupinfo.h"

/* MALLORY commits by value, with a path. */
static void commit(struct world *world, struct bytes proposal, struct bytes *out) {
  struct forgery forgery;
  forgery_begin(&forgery, &world->member[MALLORY]);
  forgery_item(&forgery, proposal);
  forgery_send_with_path(&forgery, out);
}

/* MALLORY only proposes it. */
static void propose(struct world *world, struct bytes proposal, struct bytes *out) {
  struct letter letter;
  letter_begin(&letter, &world->member[MALLORY], CONTENT_PROPOSAL, bytes_view(&proposal));
  letter_send(&letter, out);
  bytes_free(&proposal);
}

static struct bytes zeros(size_t size) {
  struct bytes bytes = {calloc(size, 1), size};
  ck_assert_ptr_nonnull(bytes.data);
  return bytes;
}

/* ---- Leaves ---- */

/* Make a leaf so many bytes long, 64 KB at least: by one extension, in static storage. */
static void fill_leaf(struct leaf_forger *forger, size_t size) {
  static uint8_t list[LEAF_BYTES_MAX + 1] = {0, EXTENSION_APPLICATION_ID};
  const size_t header = 4;
  forger->fields.extensions = VIEW_NONE;
  struct bytes leaf = leaf_forger_write(forger);
  const size_t left = size - (leaf.size - vector_size(0) + header);
  uint32_t length = 0x80000000u | (uint32_t)(left - 2 - header);
  for (unsigned i = 0; i < header; i++)
    list[2 + i] = (uint8_t)(length >> (24 - 8 * i));
  forger->fields.extensions = view_of(list, left);
  bytes_free(&leaf);
}

static struct bytes add_of(const struct client *client, size_t size) {
  struct key_package_forger forger;
  key_package_forger_begin(&forger, client);
  fill_leaf(&forger.leaf, size);
  return propose_add(key_package_forger_end(&forger));
}

static void largest_leaf(struct world *world, struct bytes *out) {
  propose(world, add_of(world->joiner.client, LEAF_BYTES_MAX), out);
}

static void too_large_leaf(struct world *world, struct bytes *out) {
  propose(world, add_of(world->joiner.client, LEAF_BYTES_MAX + 1), out);
}

static void largest_leaf_of_path(struct world *world, struct bytes *out) {
  struct forgery forgery;
  forgery_begin(&forgery, &world->member[MALLORY]);
  forgery_path(&forgery);
  forgery_merge(&forgery);
  fill_leaf(&forgery.path_leaf, LEAF_BYTES_MAX);
  forgery_leaf(&forgery);
  forgery_encrypt(&forgery);
  forgery_send(&forgery, out);
}

static void too_large_leaf_of_path(struct world *world, struct bytes *out) {
  struct forgery forgery;
  struct writer body = {0};
  forgery_begin(&forgery, &world->member[MALLORY]);
  forgery_path(&forgery);
  forgery_finish_path(&forgery);
  fill_leaf(&forgery.path_leaf, LEAF_BYTES_MAX + 1);
  struct bytes leaf = leaf_forger_write(&forgery.path_leaf);
  write_vector(&body, VIEW_NONE);
  write_optional(&body, true);
  write_bytes(&body, bytes_view(&leaf));
  write_vector(&body, VIEW_NONE);
  forgery.body = taken(&body);
  forgery_send(&forgery, out);
  bytes_free(&leaf);
}

/* CAROL's, in the tree of a Welcome. */
static void largest_leaf_of_tree(struct world *world, struct invite *invite) {
  struct leaf_forger forger;
  struct tree *tree = invite_bare(invite);
  leaf_forger_begin(&forger, world->member[CAROL].client, LEAF_UPDATE, invite->context.group_id,
                    CAROL);
  fill_leaf(&forger, LEAF_BYTES_MAX);
  struct leaf *leaf = leaf_forger_sign(&forger);
  ck_assert_int_eq(tree_replace_leaf(tree, CAROL, leaf), OK);
  invite_set_tree(invite, tree);
  leaf_drop(leaf);
  leaf_forger_end(&forger);
}

static void too_large_leaf_of_tree(struct world *world, struct invite *invite) {
  struct wire_node nodes[INVITE_NODES];
  struct leaf_forger forger;
  struct writer node = {0};
  leaf_forger_begin(&forger, world->member[CAROL].client, LEAF_UPDATE, invite->context.group_id,
                    CAROL);
  fill_leaf(&forger, LEAF_BYTES_MAX + 1);
  struct bytes leaf = leaf_forger_write(&forger);
  write_optional(&node, true);
  write_u8(&node, 1);
  write_bytes(&node, bytes_view(&leaf));
  invite_set_tree(invite, invite_bare(invite));
  size_t count = invite_take_nodes(invite, nodes);
  bytes_free(&nodes[2 * CAROL].raw);
  nodes[2 * CAROL].raw = taken(&node);
  invite_put_nodes(invite, nodes, count);
  bytes_free(&leaf);
  leaf_forger_end(&forger);
}

/* ---- GroupContexts ---- */

/* GroupContextExtensions that lead to so many bytes. */
static struct bytes context_of(const struct world *world, size_t size) {
  const size_t headers = 2 + 4 + 3;
  const struct epoch *epoch = world->member[MALLORY].group->epoch;
  struct bytes data = zeros(size - epoch_context_size(epoch, VIEW_NONE) - headers);
  struct bytes proposal = propose_extensions(EXTENSION_APPLICATION_ID, bytes_view(&data));
  bytes_free(&data);
  return proposal;
}

static void largest_context(struct world *world, struct bytes *out) {
  commit(world, context_of(world, CONTEXT_BYTES_MAX), out);
}

static void too_large_context(struct world *world, struct bytes *out) {
  propose(world, context_of(world, CONTEXT_BYTES_MAX + 1), out);
}

/* MALLORY makes it so, by what its settings allow, and everybody follows. */
static void info_of_largest_context(struct world *world, struct bytes *out) {
  const size_t headers = 2 + 4 + 3;
  struct group *group = world->member[MALLORY].group;
  struct commit_plan plan = {0};
  struct bytes data =
      zeros(CONTEXT_BYTES_MAX - epoch_context_size(group->epoch, VIEW_NONE) - headers);
  group->client->settings.max_context_bytes = CONTEXT_BYTES_MAX;
  ck_assert_int_eq(commit_plan_extension(&plan, group, EXTENSION_APPLICATION_ID, bytes_view(&data)),
                   OK);
  ck_assert_int_eq(commit_build(group, &plan), OK);
  world_deliver(world, MALLORY, &group->pending->message);
  ck_assert_int_eq(commit_accepted(group), OK);
  ck_assert_uint_eq(group->epoch->context_raw.size, CONTEXT_BYTES_MAX);
  ck_assert_int_eq(group_info(group, out), OK);
  commit_plan_free(&plan);
  bytes_free(&data);
}

static void largest_context_of_welcome(struct world *world, struct invite *invite) {
  (void)world;
  invite_fill_context(invite, CONTEXT_BYTES_MAX);
}

static void too_large_context_of_welcome(struct world *world, struct invite *invite) {
  (void)world;
  invite_fill_context(invite, CONTEXT_BYTES_MAX + 1);
}

static void announces_too_much(struct world *world, struct bytes *out) {
  struct bytes data = zeros(CONTEXT_BYTES_MAX);
  struct writer list = {0}, proposal = {0};
  extension_write(&list, EXTENSION_APPLICATION_ID, bytes_view(&data));
  proposal_write_reinit(&proposal, VIEW_TEXT("next"), 1, 1, writer_view(&list));
  propose(world, taken(&proposal), out);
  writer_free(&list);
  bytes_free(&data);
}

/* ---- External senders ---- */

static struct bytes senders(const struct world *world, size_t count, struct view key) {
  struct writer writer = {0};
  size_t begin = write_begin(&writer);
  for (size_t i = 0; i < count; i++)
    external_sender_write(&writer, key, bytes_view(&world->joiner.client->credential));
  write_end(&writer, begin);
  struct bytes list = taken(&writer);
  struct bytes proposal = propose_extensions(EXTENSION_EXTERNAL_SENDERS, bytes_view(&list));
  bytes_free(&list);
  return proposal;
}

static struct view judys_key(const struct world *world) {
  return bytes_view(&world->joiner.client->signature_public);
}

static void most_senders(struct world *world, struct bytes *out) {
  commit(world, senders(world, EXTERNAL_SENDERS_MAX, judys_key(world)), out);
}

static void too_many_senders(struct world *world, struct bytes *out) {
  commit(world, senders(world, EXTERNAL_SENDERS_MAX + 1, judys_key(world)), out);
}

static void sender_of_no_point(struct world *world, struct bytes *out) {
  static const uint8_t key[32] = {2};
  commit(world, senders(world, 1, VIEW_ARRAY(key)), out);
}

static void sender_of_small_order(struct world *world, struct bytes *out) {
  static const uint8_t key[32] = {1};
  propose(world, senders(world, 1, VIEW_ARRAY(key)), out);
}

static void sender_of_short_key(struct world *world, struct bytes *out) {
  struct view key = judys_key(world);
  key.size--;
  commit(world, senders(world, 1, key), out);
}

/* ---- Lists in commits ---- */

static const uint8_t psk[] = {0, PROPOSAL_PSK, PSK_EXTERNAL, 1, 'x', 0};
static const uint8_t custom[] = {0xf1, 0, 0};
static const uint8_t removal[] = {0, PROPOSAL_REMOVE, 0, 0, 0, 9};

static void strangers_psks(struct world *world, struct bytes *out) {
  commit_many(world, true, VIEW_ARRAY(psk), LISTED_PSKS_MAX + 1, out);
}

static void strangers_removes(struct world *world, struct bytes *out) {
  commit_many(world, true, VIEW_ARRAY(removal), 2, out);
}

static void members_psks(struct world *world, struct bytes *out) {
  commit_many(world, false, VIEW_ARRAY(psk), LISTED_PSKS_MAX + 1, out);
}

static void members_customs(struct world *world, struct bytes *out) {
  commit_many(world, false, VIEW_ARRAY(custom), LISTED_CUSTOMS_MAX + 1, out);
}

static void members_removes(struct world *world, struct bytes *out) {
  commit_many(world, false, VIEW_ARRAY(removal), MEMBERS + 1, out);
}

static void tiny_add(struct world *world, struct bytes *out) {
  static const uint8_t add[] = {0,           PROPOSAL_ADD,
                                0,           1,
                                0,           1,
                                0, /* version, suite, init_key */
                                0,           0,
                                0,           1,
                                0,           0,
                                0,           0,
                                0,           0,
                                LEAF_UPDATE, 0,
                                0, /* its leaf */
                                0,           0};
  commit_many(world, false, VIEW_ARRAY(add), 1, out);
}

static const struct row rows[] = {
    {"", "nothing: the largest leaf", largest_leaf, OK},
    {"", "a leaf of a byte more", too_large_leaf, ERR_LIMIT},
    {"", "nothing: the largest leaf, of a path", largest_leaf_of_path, OK},
    {"", "a leaf of a byte more, of a path", too_large_leaf_of_path, ERR_LIMIT},
    {"", "nothing: the largest GroupContext", largest_context, OK},
    {"", "a GroupContext of a byte more", too_large_context, ERR_LIMIT},
    {"", "a ReInit to a larger one", announces_too_much, ERR_LIMIT},

    {"", "nothing: as many external senders as there may be", most_senders, OK},
    {"", "one more", too_many_senders, ERR_LIMIT},
    {"12.1.8.1", "an external sender whose key is no point", sender_of_no_point,
     ERR_INVALID_PROPOSAL},
    {"12.1.8.1", "an external sender for whom anybody could sign", sender_of_small_order,
     ERR_INVALID_PROPOSAL},
    {"12.1.8.1", "an external sender with a short key", sender_of_short_key, ERR_INVALID_PROPOSAL},

    {"", "a stranger's 257 PSKs", strangers_psks, ERR_LIMIT},
    {"12.2: an external commit with more than one Remove", "a stranger's Removes",
     strangers_removes, ERR_INVALID_PROPOSAL},
    {"", "a member's 257 PSKs", members_psks, ERR_LIMIT},
    {"", "2049 proposals of the application", members_customs, ERR_LIMIT},
    {"12.2: more Removes than there are members", "six Removes of five", members_removes,
     ERR_INVALID_PROPOSAL},
    {"10: a key package of", "an Add of 20 bytes", tiny_add, ERR_INVALID_PROPOSAL},
};

START_TEST(size) {
  refuse_message(&rows[_i]);
}
END_TEST

static const struct invite_row welcome_rows[] = {
    {"", "nothing: the largest leaf", largest_leaf_of_tree, OK},
    {"", "a leaf of a byte more", too_large_leaf_of_tree, ERR_LIMIT},
    {"", "nothing: the largest GroupContext", largest_context_of_welcome, OK},
    {"", "a GroupContext of a byte more", too_large_context_of_welcome, ERR_LIMIT},
};

START_TEST(size_in_a_welcome) {
  refuse_invite(&welcome_rows[_i]);
}
END_TEST

START_TEST(size_in_a_group_info) {
  const struct row row = {"", "nothing: the largest GroupContext", info_of_largest_context, OK};
  refuse_group_info(&row);
}
END_TEST

TCase *reject_sizes(void) {
  TCase *cases = tcase_create("sizes");
  tcase_add_loop_test(cases, size, 0, COUNT(rows));
  tcase_add_loop_test(cases, size_in_a_welcome, 0, COUNT(welcome_rows));
  tcase_add_test(cases, size_in_a_group_info);
  return cases;
}
