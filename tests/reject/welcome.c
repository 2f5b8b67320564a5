/* Welcome, and the GroupInfo in it: MALLORY invites judy.  SPDX-License-Identifier: ISC */
#include <string.h>

#include "chapters.h"
#include "invite.h"
#include "mls/keys/psk.h"

static void flip(struct bytes *bytes, size_t at) {
  bytes->data[at] ^= 1;
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

static void bare_tree(struct world *world, struct invite *invite) {
  (void)world;
  invite_set_tree(invite, invite_bare(invite));
}

/* Leaf 0 signs: MALLORY has ALICE's key. */
static void signed_by_leaf_0(struct world *world, struct invite *invite) {
  invite_set_tree(invite, invite_bare(invite));
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

/* Whoever joined with it could not be loaded once it is saved. */
static void transcript_of_no_hash(struct world *world, struct invite *invite) {
  (void)world;
  invite->context.confirmed_transcript_hash = VIEW_NONE;
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
  invite_set_tree(invite, invite_bare(invite));
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
  struct tree *tree = invite_bare(invite);
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
  invite_set_tree(invite, invite_bare(invite));
  invite->has_path_secret = true;
}

static void secrets_trailing(struct world *world, struct invite *invite) {
  (void)world;
  add_byte(&invite->behind_secrets, 0);
}

/* As many PSKs as a commit may hold, and so a Welcome; all of them the same one. */
static void psks(struct world *world, struct invite *invite, size_t count) {
  psk_known(world, invite);
  struct bytes one = invite->psks;
  struct writer all = {0};
  schedule_zero(invite->suite, &invite->psk_secret);
  for (size_t i = 0; i < count; i++) {
    write_bytes(&all, bytes_view(&one));
    ck_assert_int_eq(psk_mix(invite->suite, bytes_view(&one), VIEW_TEXT("secret"), (uint16_t)i,
                             (uint16_t)count, &invite->psk_secret),
                     OK);
  }
  invite->psks = taken(&all);
  bytes_free(&one);
}

static void most_psks(struct world *world, struct invite *invite) {
  psks(world, invite, LISTED_PSKS_MAX);
}

static void one_psk_more(struct world *world, struct invite *invite) {
  psks(world, invite, LISTED_PSKS_MAX + 1);
}

static void psk_unknown(struct world *world, struct invite *invite) {
  psk_known(world, invite);
  ck_assert(client_remove_psk(world->joiner.client, VIEW_TEXT("id")));
}

static void psk_different(struct world *world, struct invite *invite) {
  psk_known(world, invite);
  ck_assert_int_eq(client_add_psk(world->joiner.client, VIEW_TEXT("id"), VIEW_TEXT("another")), OK);
}

static void psk_foreign(struct world *world, struct invite *invite) {
  psk_known(world, invite);
  invite->psks.data[0] = PSK_RESUMPTION + 1;
}

static void psk_with_short_nonce(struct world *world, struct invite *invite) {
  const struct psk_id id = {
      .type = PSK_EXTERNAL, .external_id = VIEW_TEXT("id"), .nonce = view_of(nonce, 31)};
  struct writer psks = {0};
  psk_known(world, invite);
  bytes_free(&invite->psks);
  psk_id_write(&psks, &id);
  schedule_zero(invite->suite, &invite->psk_secret);
  ck_assert_int_eq(
      psk_mix(invite->suite, writer_view(&psks), VIEW_TEXT("secret"), 0, 1, &invite->psk_secret),
      OK);
  invite->psks = taken(&psks);
}

static void psk_broken(struct world *world, struct invite *invite) {
  psk_known(world, invite);
  invite->psks.data[0] = 0;
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

static void psks_without_end(struct world *world, struct invite *invite) {
  struct writer psks = {0};
  const struct psk_id empty = {.type = PSK_EXTERNAL, .nonce = VIEW_ARRAY(nonce)};
  (void)world;
  for (uint32_t i = 0; i <= UINT16_MAX; i++)
    psk_id_write(&psks, &empty);
  invite->psks = taken(&psks);
}

/* ---- Welcome ---- */

static void info_shorter_than_tag(struct world *world, struct invite *invite) {
  (void)world;
  invite->encrypted_info = VIEW_TEXT("too short a tag");
}

static void for_other_suite(struct world *world, struct invite *invite) {
  (void)world;
  invite->cipher_suite = 3;
}

static void for_nobody_here(struct world *world, struct invite *invite) {
  (void)world;
  invite->ref[31] ^= 1;
}

static void for_part_of_a_reference(struct world *world, struct invite *invite) {
  (void)world;
  invite->ref_size--;
}

static void for_more_than_a_reference(struct world *world, struct invite *invite) {
  (void)world;
  invite->ref_size++;
}

static void send(struct world *world, struct bytes *out) {
  struct invite invite;
  invite_begin(&invite, world);
  invite_send(&invite, out);
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
  send(world, out);
  add_byte(out, 0);
}

static void no_welcome(struct world *world, struct bytes *out) {
  *out = key_package_of(world->joiner.client);
}

static void welcome_too_large(struct world *world, struct bytes *out) {
  send(world, out);
  world->joiner.client->settings.max_message_bytes = out->size - 1;
}

static const struct invite_row welcome_rows[] = {
    {"12.4.3.1", "nothing", straight, OK},
    {"12.4.3.1", "nothing: the tree is beside", tree_is_beside, OK},
    {"12.4.3.1", "nothing: a tree without parent nodes", bare_tree, OK},
    {"12.4.3.1", "nothing: leaf 0 signs", signed_by_leaf_0, OK},
    {"12.4.3.1", "nothing: a PSK", psk_known, OK},
    {"8.1", "a group of version 2", other_version, ERR_UNSUPPORTED},
    {"12.4.3.1", "a group of suite 3", other_suite, ERR_UNSUPPORTED},
    {"12.4.3.1", "a group in its last epoch", last_epoch, ERR_INVALID_TREE},
    {"8.2", "a confirmed transcript hash of no bytes", transcript_of_no_hash, ERR_INVALID_TREE},
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
    {"", "nothing: as many PSKs as a commit may hold", most_psks, OK},
    {"", "one PSK more", one_psk_more, ERR_LIMIT},
    {"12.4.3.1", "a PSK that is not known here", psk_unknown, ERR_NOT_FOUND},
    {"12.4.3.1", "a PSK that is another here", psk_different, ERR_AUTH},
    {"8.4", "a PSK with a nonce of 31 bytes", psk_with_short_nonce, ERR_MALFORMED},
    {"8.4", "a PSK of type 3", psk_foreign, ERR_UNSUPPORTED},
    {"2.1", "a PSK of type 0", psk_broken, ERR_MALFORMED},
    {"12.4.3.1: two resumption PSKs", "two resumption PSKs of usage branch", two_branches,
     ERR_INVALID_TREE},
    {"12.4.3.1", "a branch in another epoch than 1", branch_in_late_epoch, ERR_INVALID_TREE},
    {"12.4.3.1", "a branch with others than the old members", branch_of_other_members,
     ERR_INVALID_TREE},
    {"", "more PSKs than can be counted", psks_without_end, ERR_LIMIT},
    {"12.4.3.1", "an encrypted GroupInfo shorter than a tag", info_shorter_than_tag, ERR_AUTH},
    {"12.4.3.1", "a Welcome of suite 3", for_other_suite, ERR_UNSUPPORTED},
    {"12.4.3.1", "a Welcome for another key package", for_nobody_here, ERR_NOT_FOUND},
    {"12.4.3.1", "a reference without its last byte", for_part_of_a_reference, ERR_NOT_FOUND},
    {"12.4.3.1", "a reference with a byte behind it", for_more_than_a_reference, ERR_NOT_FOUND},
};

START_TEST(welcomes) {
  refuse_invite(&welcome_rows[_i]);
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
  send(&world, &message);
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

/* Two Welcomes to one group, for two key packages, both opened before one is accepted. */
START_TEST(group_twice) {
  const struct row row = {"12.4.3.1", "the group was joined meanwhile", NULL, ERR_INVALID_STATE};
  struct world world;
  struct bytes message[2] = {{0}};
  struct opened_welcome opened[2] = {{0}};
  struct group *group = NULL;
  world_init(&world, 1);
  struct client *client = world.joiner.client;
  for (size_t i = 0; i < 2; i++) {
    send(&world, &message[i]);
    ck_assert_int_eq(join_open_welcome(client, bytes_view(&message[i]), VIEW_NONE, &opened[i]), OK);
  }
  ck_assert_int_eq(join_accept_welcome(client, &opened[0], &world.joiner.group), OK);
  struct bytes before = state_of(&world.joiner);
  client->why.text[0] = 0;
  expect_reason(client, join_accept_welcome(client, &opened[1], &group), &row);
  ck_assert_ptr_null(group);
  struct bytes after = state_of(&world.joiner);
  ck_assert(view_equal(bytes_view(&before), bytes_view(&after)));
  bytes_free(&after);
  bytes_free(&before);
  for (size_t i = 0; i < 2; i++) {
    opened_welcome_free(&opened[i]);
    bytes_free(&message[i]);
  }
  world_free(&world);
}
END_TEST

TCase *reject_welcome(void) {
  TCase *cases = tcase_create("welcome");
  tcase_add_loop_test(cases, welcomes, 0, COUNT(welcome_rows));
  tcase_add_loop_test(cases, sealed_welcome, 0, COUNT(sealed_rows));
  tcase_add_test(cases, key_package_twice);
  tcase_add_test(cases, group_twice);
  return cases;
}
