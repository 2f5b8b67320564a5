/* A GroupInfo, by which judy would join from outside.  SPDX-License-Identifier: ISC */
#include <string.h>

#include "chapters.h"
#include "invite.h"

/* The tree and GroupContext of the epoch that MALLORY is in, with its confirmation tag. */
static void begin(struct world *world, struct invite *invite) {
  const struct epoch *epoch = world->member[MALLORY].group->epoch;
  invite_begin(invite, world);
  invite_set_tree(invite, tree_share(epoch->tree));
  invite->context = epoch->context;
  invite->confirmation_tag = epoch_confirmation_tag(epoch);
}

/* The external_pub extension around a key, written as its data are. */
static void add_external_pub(struct invite *invite, struct view data) {
  struct writer writer = {0};
  extension_write(&writer, EXTENSION_EXTERNAL_PUB, data);
  bytes_free(&invite->other_extensions);
  invite->other_extensions = taken(&writer);
}

/* HPKEPublicKey of the epoch, as opaque<V>. */
static struct bytes external_pub(const struct world *world) {
  const struct epoch *epoch = world->member[MALLORY].group->epoch;
  struct secret private_key = {0};
  uint8_t public_key[KEM_PUBLIC_MAX];
  struct writer writer = {0};
  ck_assert_int_eq(schedule_external_key(epoch->suite, epoch->secrets, &private_key, public_key),
                   OK);
  write_vector(&writer, view_of(public_key, epoch->suite->kem->public_size));
  return taken(&writer);
}

typedef void bend_info(struct world *world, struct invite *invite);

static void straight(struct world *world, struct invite *invite) {
  (void)world;
  (void)invite;
}

static void too_large_context(struct world *world, struct invite *invite) {
  (void)world;
  invite_fill_context(invite, CONTEXT_BYTES_MAX + 1);
}

static void no_external_pub(struct world *world, struct invite *invite) {
  (void)world;
  bytes_free(&invite->other_extensions);
}

static void bare_key(struct world *world, struct invite *invite) {
  struct bytes key = external_pub(world);
  add_external_pub(invite, view_of(key.data + 1, key.size - 1));
  bytes_free(&key);
}

static void key_and_a_byte(struct world *world, struct invite *invite) {
  struct bytes key = external_pub(world);
  struct writer writer = {0};
  write_bytes(&writer, bytes_view(&key));
  write_u8(&writer, 0);
  add_external_pub(invite, writer_view(&writer));
  writer_free(&writer);
  bytes_free(&key);
}

static void short_key(struct world *world, struct invite *invite) {
  static const uint8_t data[] = {3, 1, 2, 3};
  (void)world;
  add_external_pub(invite, VIEW_ARRAY(data));
}

static void key_of_small_order(struct world *world, struct invite *invite) {
  static const uint8_t data[33] = {32};
  (void)world;
  add_external_pub(invite, VIEW_ARRAY(data));
}

static void signed_by_another(struct world *world, struct invite *invite) {
  invite->signature_key = world->member[ALICE].client->signature_key;
}

static void blank_signer(struct world *world, struct invite *invite) {
  (void)world;
  invite->signer = MEMBERS;
}

static void tree_of_another(struct world *world, struct invite *invite) {
  (void)world;
  const struct view hash = invite->context.tree_hash;
  invite_set_tree(invite, tree_share(invite->commit.tree));
  invite->context.tree_hash = hash;
}

static void empty_tag(struct world *world, struct invite *invite) {
  (void)world;
  invite->confirmation_tag = VIEW_TEXT("");
}

static void other_suite(struct world *world, struct invite *invite) {
  (void)world;
  invite->context.cipher_suite = 3;
}

/* That nobody could propose by, and that no member would have let in. */
static void half_a_sender(struct world *world, struct invite *invite) {
  static const uint8_t extensions[] = {0, EXTENSION_EXTERNAL_SENDERS, 4, 3, 1, 'k', 0};
  (void)world;
  invite->context.extensions = VIEW_ARRAY(extensions);
}

static void already_there(struct world *world, struct invite *invite) {
  (void)invite;
  ck_assert_int_eq(group_new(world->joiner.client, VIEW_TEXT("a group"), &world->other), OK);
}

static void group_is_full(struct world *world, struct invite *invite) {
  (void)invite;
  world->joiner.client->settings.max_members = MEMBERS;
}

static void trailing(struct world *world, struct invite *invite) {
  struct writer writer = {0};
  (void)world;
  invite_info(invite);
  write_bytes(&writer, bytes_view(&invite->info));
  write_u8(&writer, 0);
  bytes_free(&invite->info);
  invite->info = taken(&writer);
}

static const struct {
  const char *section;
  const char *changed;
  bend_info *bend;
  enum err expected;
} rows[] = {
    {"12.4.3.2", "nothing", straight, OK},
    {"", "a GroupContext of a byte more", too_large_context, ERR_LIMIT},
    {"12.4.3.2", "no external_pub", no_external_pub, ERR_NOT_FOUND},
    {"2.1", "external_pub without its length", bare_key, ERR_MALFORMED},
    {"2.1", "a byte behind external_pub", key_and_a_byte, ERR_MALFORMED},
    {"12.4.3.2", "external_pub is too short", short_key, ERR_MALFORMED},
    {"12.4.3.2", "external_pub is of small order", key_of_small_order, ERR_MALFORMED},
    {"12.4.3.1", "signed with the key of another member", signed_by_another, ERR_SIGNATURE},
    {"12.4.3.1", "a blank leaf as signer", blank_signer, ERR_INVALID_TREE},
    {"12.4.3.1", "the tree of another epoch", tree_of_another, ERR_INVALID_TREE},
    {"12.4.3.1", "a confirmation tag of no bytes", empty_tag, ERR_MALFORMED},
    {"12.4.3.1", "a group of suite 3", other_suite, ERR_UNSUPPORTED},
    {"12.1.8.1", "external_senders that do not parse", half_a_sender, ERR_MALFORMED},
    {"12.4.3.1", "a group that the client is in", already_there, ERR_INVALID_STATE},
    {"", "a group that is full", group_is_full, ERR_LIMIT},
    {"2.1", "a byte behind the GroupInfo", trailing, ERR_MALFORMED},
};

static bend_info *bend_now;

static void bent(struct world *world, struct bytes *out) {
  struct invite invite;
  begin(world, &invite);
  struct bytes key = external_pub(world);
  add_external_pub(&invite, bytes_view(&key));
  bytes_free(&key);
  bend_now(world, &invite);
  invite_publish(&invite, out);
}

START_TEST(info) {
  bend_now = rows[_i].bend;
  const struct row row = {rows[_i].section, rows[_i].changed, bent, rows[_i].expected};
  refuse_group_info(&row);
}
END_TEST

static void no_info(struct world *world, struct bytes *out) {
  *out = key_package_of(world->joiner.client);
}

static void too_large(struct world *world, struct bytes *out) {
  bend_now = straight;
  bent(world, out);
  world->joiner.client->settings.max_message_bytes = out->size - 1;
}

START_TEST(large_message) {
  const struct row row = {"", "more bytes than the limit", too_large, ERR_LIMIT};
  refuse_group_info(&row);
}
END_TEST

START_TEST(other_message) {
  const struct row row = {"6", "a key package in the place of a GroupInfo", no_info, ERR_MALFORMED};
  refuse_group_info(&row);
}
END_TEST

TCase *reject_info(void) {
  TCase *cases = tcase_create("info");
  tcase_add_loop_test(cases, info, 0, COUNT(rows));
  tcase_add_test(cases, large_message);
  tcase_add_test(cases, other_message);
  return cases;
}
