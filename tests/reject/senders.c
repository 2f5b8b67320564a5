/* Proposals of external senders, and SelfRemove: judy is the external sender.
 * SPDX-License-Identifier: ISC */
#include "chapters.h"
#include "crypto/x509.h"
#include "forge.h"
#include "mls/group/external.h"
#include "mls/group/groupinfo.h"

#define BIT(member) (1u << (member))

static const struct epoch *epoch_of(const struct world *world) {
  return world->member[MALLORY].group->epoch;
}

static struct bytes key_package(const struct client *client) {
  struct key_package_forger forger;
  key_package_forger_begin(&forger, client);
  return key_package_forger_end(&forger);
}

/* external_senders: judy alone. */
static struct bytes senders_of(const struct world *world) {
  struct writer writer = {0};
  size_t begin = write_begin(&writer);
  external_sender_write(&writer, bytes_view(&world->joiner.client->signature_public),
                        bytes_view(&world->joiner.client->credential));
  write_end(&writer, begin);
  return taken(&writer);
}

/* MALLORY commits a proposal by value, with a path; and all enter the epoch behind it. */
static void commit(struct world *world, struct bytes proposal, struct bytes *out) {
  struct forgery forgery;
  forgery_begin(&forgery, &world->member[MALLORY]);
  forgery_item(&forgery, proposal);
  forgery_send_with_path(&forgery, out);
}

static void allow_judy(struct world *world) {
  struct forgery forgery;
  struct bytes message = {0}, senders = senders_of(world);
  struct member *mallory = &world->member[MALLORY];
  forgery_begin(&forgery, mallory);
  forgery_item(&forgery, propose_extensions(EXTENSION_EXTERNAL_SENDERS, bytes_view(&senders)));
  forgery_path(&forgery);
  forgery_finish_path(&forgery);
  forgery_adopt(&forgery, mallory->group, &message);
  world_deliver(world, MALLORY, &message);
  bytes_free(&senders);
  bytes_free(&message);
}

/* judy, or who pretends to be, says something from outside. */
static void from_outside(struct world *world, uint32_t index, const struct client *signer,
                         struct bytes proposal, struct bytes *out) {
  struct letter letter;
  letter_from(&letter, epoch_of(world), signer, (struct sender){SENDER_EXTERNAL, index},
              CONTENT_PROPOSAL, bytes_view(&proposal));
  letter_send(&letter, out);
  bytes_free(&proposal);
}

static void judy_says(struct world *world, struct bytes proposal, struct bytes *out) {
  allow_judy(world);
  from_outside(world, 0, world->joiner.client, proposal, out);
}

/* ---- External senders ---- */

static void judy_adds(struct world *world, struct bytes *out) {
  judy_says(world, propose_add(key_package(world->joiner.client)), out);
}

static void judy_removes(struct world *world, struct bytes *out) {
  judy_says(world, propose_remove(ALICE), out);
}

static void judy_mixes_in(struct world *world, struct bytes *out) {
  struct psk_id id = known_psk(world);
  judy_says(world, propose_psk(&id), out);
}

static void judy_ends_it(struct world *world, struct bytes *out) {
  struct writer writer = {0};
  proposal_write_reinit(&writer, VIEW_TEXT("the next group"), MLS_VERSION_10, 1, VIEW_NONE);
  judy_says(world, taken(&writer), out);
}

static void judy_extends(struct world *world, struct bytes *out) {
  static const uint8_t nothing_required[] = {0, 0, 0};
  judy_says(world,
            propose_extensions(EXTENSION_REQUIRED_CAPABILITIES, VIEW_ARRAY(nothing_required)), out);
}

static void nobody_is_allowed(struct world *world, struct bytes *out) {
  from_outside(world, 0, world->joiner.client, propose_remove(ALICE), out);
}

static void index_beyond(struct world *world, struct bytes *out) {
  allow_judy(world);
  from_outside(world, 1, world->joiner.client, propose_remove(ALICE), out);
}

static void last_index(struct world *world, struct bytes *out) {
  allow_judy(world);
  from_outside(world, UINT32_MAX, world->joiner.client, propose_remove(ALICE), out);
}

static void signed_by_member(struct world *world, struct bytes *out) {
  allow_judy(world);
  from_outside(world, 0, world->member[MALLORY].client, propose_remove(ALICE), out);
}

static void removes_nobody(struct world *world, struct bytes *out) {
  judy_says(world, propose_remove(MEMBERS), out);
}

static void judy_updates(struct world *world, struct bytes *out) {
  struct leaf_forger forger;
  leaf_forger_begin(&forger, world->joiner.client, LEAF_UPDATE, epoch_of(world)->context.group_id,
                    ALICE);
  struct leaf *leaf = leaf_forger_sign(&forger);
  leaf_forger_end(&forger);
  judy_says(world, propose_update(leaf), out);
}

static void judy_leaves(struct world *world, struct bytes *out) {
  struct writer writer = {0};
  proposal_write_self_remove(&writer);
  judy_says(world, taken(&writer), out);
}

static void judy_joins(struct world *world, struct bytes *out) {
  struct forgery forgery;
  allow_judy(world);
  forgery_external(&forgery, world->joiner.client, epoch_of(world));
  struct bytes proposal = forgery_external_init(&forgery);
  forgery_end(&forgery);
  from_outside(world, 0, world->joiner.client, proposal, out);
}

static void judy_invents(struct world *world, struct bytes *out) {
  struct writer writer = {0};
  proposal_write_custom(&writer, 0xf123, VIEW_TEXT("data"));
  judy_says(world, taken(&writer), out);
}

static void judy_talks(struct world *world, struct bytes *out) {
  struct letter letter;
  allow_judy(world);
  letter_from(&letter, epoch_of(world), world->joiner.client, (struct sender){SENDER_EXTERNAL, 0},
              CONTENT_APPLICATION, VIEW_TEXT("hello"));
  letter_send(&letter, out);
}

static void judy_commits(struct world *world, struct bytes *out) {
  struct forgery forgery;
  allow_judy(world);
  forgery_begin(&forgery, &world->member[MALLORY]);
  forgery_path(&forgery);
  forgery_finish_path(&forgery);
  forgery.client = world->joiner.client;
  forgery.sender = (struct sender){SENDER_EXTERNAL, 0};
  forgery_send(&forgery, out);
}

static void with_membership_tag(struct world *world, struct bytes *out) {
  struct letter letter;
  uint8_t tag[HASH_MAX] = {0};
  struct bytes proposal = propose_remove(ALICE);
  allow_judy(world);
  letter_from(&letter, epoch_of(world), world->joiner.client, (struct sender){SENDER_EXTERNAL, 0},
              CONTENT_PROPOSAL, bytes_view(&proposal));
  letter_sign(&letter);
  letter_membership_tag(&letter, tag);
  const struct view view = view_of(tag, 32);
  letter_tagged(&letter, &view, out);
  letter_end(&letter);
  bytes_free(&proposal);
}

static void senders_with_a_byte(struct world *world, struct bytes *out) {
  struct writer writer = {0};
  struct bytes senders = senders_of(world);
  write_bytes(&writer, bytes_view(&senders));
  write_u8(&writer, 0);
  commit(world, propose_extensions(EXTENSION_EXTERNAL_SENDERS, writer_view(&writer)), out);
  writer_free(&writer);
  bytes_free(&senders);
}

static void half_a_sender(struct world *world, struct bytes *out) {
  static const uint8_t data[] = {3, 1, 'k', 0};
  commit(world, propose_extensions(EXTENSION_EXTERNAL_SENDERS, VIEW_ARRAY(data)), out);
}

static void certificate_of_another(struct world *world, struct bytes *out) {
  struct writer senders = {0};
  const struct client *judy = world->joiner.client;
  struct bytes credential =
      forge_certificate(bytes_view(&world->member[ERIN].client->signature_public), VIEW_NONE);
  size_t begin = write_begin(&senders);
  external_sender_write(&senders, bytes_view(&judy->signature_public), bytes_view(&credential));
  write_end(&senders, begin);
  commit(world, propose_extensions(EXTENSION_EXTERNAL_SENDERS, writer_view(&senders)), out);
  writer_free(&senders);
  bytes_free(&credential);
}

static const struct row certificate_rows[] = {
    {"5.3", "the certificate of another key", certificate_of_another, ERR_INVALID_PROPOSAL},
    {"", "a certificate, without OpenSSL", certificate_of_another, ERR_UNSUPPORTED},
};

START_TEST(sender_certificate) {
  refuse_message(&certificate_rows[x509_available() ? 0 : 1]);
}
END_TEST

/* ---- SelfRemove (draft-ietf-mls-extensions) ---- */

static struct bytes self_remove(void) {
  struct writer writer = {0};
  proposal_write_self_remove(&writer);
  return taken(&writer);
}

static void refer(struct world *world, const struct stored_proposal *first, struct bytes second,
                  struct bytes *out) {
  struct forgery forgery;
  forgery_begin(&forgery, &world->member[MALLORY]);
  proposal_or_ref_write_reference(&forgery.proposals, view_of(first->ref, 32));
  struct tree *tree = NULL;
  ck_assert_int_eq(tree_edit(forgery.tree, &tree), OK);
  ck_assert_int_eq(tree_remove_leaf(tree, first->sender.index), OK);
  ck_assert_int_eq(tree_seal(tree), OK);
  tree_drop(forgery.tree);
  forgery.tree = tree;
  if (second.data != NULL)
    forgery_item(&forgery, second);
  world->victims &= ~BIT(first->sender.index);
  forgery_send_with_path(&forgery, out);
}

static void bob_leaves(struct world *world, struct bytes *out) {
  refer(world, world_propose(world, BOB, self_remove()), (struct bytes){0}, out);
}

static void leaf_0_leaves(struct world *world, struct bytes *out) {
  refer(world, world_propose(world, ALICE, self_remove()), (struct bytes){0}, out);
}

static void leaves_and_is_removed(struct world *world, struct bytes *out) {
  refer(world, world_propose(world, BOB, self_remove()), propose_remove(BOB), out);
}

static void committer_leaves(struct world *world, struct bytes *out) {
  struct forgery forgery;
  const struct stored_proposal *stored = world_propose(world, MALLORY, self_remove());
  forgery_begin(&forgery, &world->member[MALLORY]);
  proposal_or_ref_write_reference(&forgery.proposals, view_of(stored->ref, 32));
  forgery_send_with_path(&forgery, out);
}

static void leaves_by_value(struct world *world, struct bytes *out) {
  struct forgery forgery;
  forgery_begin(&forgery, &world->member[MALLORY]);
  forgery_list(&forgery, self_remove());
  forgery_send_with_path(&forgery, out);
}

static void leaves_without_path(struct world *world, struct bytes *out) {
  struct forgery forgery;
  const struct stored_proposal *stored = world_propose(world, BOB, self_remove());
  forgery_begin(&forgery, &world->member[MALLORY]);
  proposal_or_ref_write_reference(&forgery.proposals, view_of(stored->ref, 32));
  forgery_send(&forgery, out);
}

static void leaves_in_private(struct world *world, struct bytes *out) {
  struct letter letter;
  struct bytes proposal = self_remove();
  letter_begin(&letter, &world->member[MALLORY], CONTENT_PROPOSAL, bytes_view(&proposal));
  letter_send_private(&letter, out);
  bytes_free(&proposal);
}

/* MALLORY no longer lists SelfRemove. */
static void not_everybody_supports_it(struct world *world, struct bytes *out) {
  struct forgery forgery;
  struct letter letter;
  struct bytes message = {0}, proposal = self_remove();
  struct member *mallory = &world->member[MALLORY];
  forgery_begin(&forgery, mallory);
  forgery_path(&forgery);
  forgery.path_leaf.fields.capabilities.proposals = VIEW_NONE;
  forgery_finish_path(&forgery);
  forgery_adopt(&forgery, mallory->group, &message);
  world_deliver(world, MALLORY, &message);
  bytes_free(&message);
  letter_begin(&letter, &world->member[BOB], CONTENT_PROPOSAL, bytes_view(&proposal));
  letter_send(&letter, out);
  bytes_free(&proposal);
}

/* Who looks at the group from outside hears that a member leaves, and of nobody else. */
START_TEST(outsider_leaves) {
  const struct row row = {"", "a SelfRemove of an external sender", NULL, ERR_INVALID_STATE};
  struct world world;
  struct bytes info = {0}, message = {0};
  world_init(&world, 1);
  allow_judy(&world);
  ck_assert_int_eq(group_info(world.member[ALICE].group, &info), OK);
  ck_assert_int_eq(
      external_open(world.joiner.client, bytes_view(&info), VIEW_NONE, &world.joiner.group), OK);
  from_outside(&world, 0, world.joiner.client, self_remove(), &message);
  expect_refused(&world.joiner, &message, &row);
  bytes_free(&message);
  /* Nor of anything else that begins in the same way. */
  struct letter letter;
  struct bytes same = self_remove();
  letter_begin(&letter, &world.member[MALLORY], CONTENT_APPLICATION, bytes_view(&same));
  letter_send(&letter, &message);
  expect_refused(&world.joiner, &message, &row);
  bytes_free(&same);
  bytes_free(&info);
  bytes_free(&message);
  world_free(&world);
}
END_TEST

static void new_member_leaves(struct world *world, struct bytes *out) {
  struct letter letter;
  struct bytes proposal = self_remove();
  letter_from(&letter, epoch_of(world), world->joiner.client,
              (struct sender){SENDER_NEW_MEMBER_PROPOSAL, 0}, CONTENT_PROPOSAL,
              bytes_view(&proposal));
  letter_send(&letter, out);
  bytes_free(&proposal);
}

static const struct row rows[] = {
    {"12.1.8", "nothing: an Add", judy_adds, OK},
    {"12.1.8", "nothing: a Remove of leaf 0", judy_removes, OK},
    {"12.1.8", "nothing: a PSK", judy_mixes_in, OK},
    {"12.1.8", "nothing: a ReInit", judy_ends_it, OK},
    {"12.1.8", "nothing: GroupContextExtensions", judy_extends, OK},

    {"12.1.8.1", "a group without external senders", nobody_is_allowed, ERR_SIGNATURE},
    {"12.1.8.1", "an index beyond the external senders", index_beyond, ERR_SIGNATURE},
    {"12.1.8.1", "the last index there is", last_index, ERR_SIGNATURE},
    {"6.1", "signed by a member", signed_by_member, ERR_SIGNATURE},
    {"12.1.3", "a Remove of a blank leaf", removes_nobody, ERR_INVALID_PROPOSAL},
    {"12.1.8", "an Update", judy_updates, ERR_MALFORMED},
    {"12.1.8", "a SelfRemove", judy_leaves, ERR_MALFORMED},
    {"12.1.8", "an ExternalInit", judy_joins, ERR_MALFORMED},
    {"12.1.8", "a type of the application", judy_invents, ERR_MALFORMED},
    {"6", "application data", judy_talks, ERR_MALFORMED},
    {"12.1.8", "a commit", judy_commits, ERR_MALFORMED},
    {"2.1", "a membership tag", with_membership_tag, ERR_MALFORMED},
    {"12.1.8.1", "a byte behind external_senders", senders_with_a_byte, ERR_MALFORMED},
    {"12.1.8.1", "half an external sender", half_a_sender, ERR_MALFORMED},

    {"12.2", "nothing: a SelfRemove", bob_leaves, OK},
    {"12.2", "nothing: a SelfRemove of leaf 0", leaf_0_leaves, OK},
    {"12.2", "a SelfRemove and a Remove of one leaf", leaves_and_is_removed, ERR_INVALID_PROPOSAL},
    {"12.2", "a SelfRemove of the committer", committer_leaves, ERR_INVALID_PROPOSAL},
    {"12.2", "a SelfRemove by value", leaves_by_value, ERR_INVALID_PROPOSAL},
    {"12.4", "a SelfRemove, and no path", leaves_without_path, ERR_INVALID_COMMIT},
    {"SelfRemove Proposal", "a SelfRemove in a PrivateMessage", leaves_in_private,
     ERR_INVALID_PROPOSAL},
    {"12.2", "a SelfRemove that a member does not support", not_everybody_supports_it,
     ERR_INVALID_PROPOSAL},
    {"6.1", "a SelfRemove of a new member", new_member_leaves, ERR_MALFORMED},
};

START_TEST(sender) {
  refuse_message(&rows[_i]);
}
END_TEST

TCase *reject_senders(void) {
  TCase *cases = tcase_create("senders");
  tcase_add_loop_test(cases, sender, 0, COUNT(rows));
  tcase_add_test(cases, sender_certificate);
  tcase_add_test(cases, outsider_leaves);
  return cases;
}
