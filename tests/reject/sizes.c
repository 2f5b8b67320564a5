/* Lists, leaves and GroupContexts that are larger than anybody takes.  SPDX-License-Identifier: ISC */
#include <stdlib.h>

#include "chapters.h"
#include "forge.h"
#include "lengthy.h"

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

/* An Add of a leaf that has so many bytes, in an extension most of them. */
static struct bytes add_of(const struct client *client, size_t size) {
  const size_t headers = 2 + 4 + 3; /* of the extension, and what that of the list grows by */
  struct key_package_forger forger;
  key_package_forger_begin(&forger, client);
  forger.leaf.fields.extensions = VIEW_NONE;
  struct bytes leaf = leaf_forger_write(&forger.leaf), data = zeros(size - leaf.size - headers);
  struct writer extensions = {0};
  extension_write(&extensions, EXTENSION_APPLICATION_ID, bytes_view(&data));
  forger.leaf.fields.extensions = writer_view(&extensions);
  struct bytes long_leaf = leaf_forger_write(&forger.leaf);
  ck_assert_uint_eq(long_leaf.size, size);
  struct bytes raw = key_package_forger_end(&forger);
  bytes_free(&leaf);
  bytes_free(&long_leaf);
  bytes_free(&data);
  writer_free(&extensions);
  return propose_add(raw);
}

static void largest_leaf(struct world *world, struct bytes *out) {
  propose(world, add_of(world->joiner.client, LEAF_BYTES_MAX), out);
}

static void too_large_leaf(struct world *world, struct bytes *out) {
  propose(world, add_of(world->joiner.client, LEAF_BYTES_MAX + 1), out);
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

TCase *reject_sizes(void) {
  TCase *cases = tcase_create("sizes");
  tcase_add_loop_test(cases, size, 0, COUNT(rows));
  return cases;
}
