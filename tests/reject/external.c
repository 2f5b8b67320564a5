/* External commits, by judy, who is in no group yet.  SPDX-License-Identifier: ISC */
#include "chapters.h"
#include "forge.h"

#define BIT(member) (1u << (member))

/* What judy knows is in a GroupInfo; the forgery looks it up in a member's epoch. */
static const struct epoch *seen(const struct world *world) {
  return world->member[MALLORY].group->epoch;
}

static void begin(struct forgery *forgery, struct world *world) {
  forgery_external(forgery, world->joiner.client, seen(world));
}

/* With one more proposal, which is taken. */
static void commit_with(struct world *world, struct bytes proposal, struct bytes *out) {
  struct forgery forgery;
  begin(&forgery, world);
  forgery_list(&forgery, forgery_external_init(&forgery));
  forgery_item(&forgery, proposal);
  forgery_send_with_path(&forgery, out);
}

/* ---- Nothing changed ---- */

static void join(struct world *world, struct bytes *out) {
  struct forgery forgery;
  begin(&forgery, world);
  forgery_list(&forgery, forgery_external_init(&forgery));
  forgery_send_with_path(&forgery, out);
}

/* ERIN has lost its state, and takes the place of what it was. */
static void resync(struct world *world, struct bytes *out) {
  struct forgery forgery;
  forgery_external(&forgery, world->member[ERIN].client, seen(world));
  forgery_list(&forgery, forgery_external_init(&forgery));
  forgery_item(&forgery, propose_remove(ERIN));
  world->victims &= ~BIT(ERIN);
  forgery_send_with_path(&forgery, out);
}

static void resync_of_leaf_0(struct world *world, struct bytes *out) {
  struct forgery forgery;
  forgery_external(&forgery, world->member[ALICE].client, seen(world));
  forgery_item(&forgery, propose_remove(ALICE));
  forgery_list(&forgery, forgery_external_init(&forgery));
  world->victims &= ~BIT(ALICE);
  forgery_send_with_path(&forgery, out);
}

static void with_psk(struct world *world, struct bytes *out) {
  struct psk_id id = known_psk(world);
  commit_with(world, propose_psk(&id), out);
}

/* ---- The proposals ---- */

static void no_external_init(struct world *world, struct bytes *out) {
  struct forgery forgery;
  begin(&forgery, world);
  forgery_send_with_path(&forgery, out);
}

static void two_external_inits(struct world *world, struct bytes *out) {
  struct forgery forgery;
  begin(&forgery, world);
  forgery_list(&forgery, forgery_external_init(&forgery));
  forgery_list(&forgery, forgery_external_init(&forgery));
  forgery_send_with_path(&forgery, out);
}

static void adds_another(struct world *world, struct bytes *out) {
  struct key_package_forger forger;
  struct member other = member_new("oscar", 1);
  key_package_forger_begin(&forger, other.client);
  commit_with(world, propose_add(key_package_forger_end(&forger)), out);
  member_free(&other);
}

static void extensions(struct world *world, struct bytes *out) {
  static const uint8_t nothing_required[] = {0, 0, 0};
  commit_with(world,
              propose_extensions(EXTENSION_REQUIRED_CAPABILITIES, VIEW_ARRAY(nothing_required)),
              out);
}

static void two_removes(struct world *world, struct bytes *out) {
  struct forgery forgery;
  forgery_external(&forgery, world->member[ERIN].client, seen(world));
  forgery_list(&forgery, forgery_external_init(&forgery));
  forgery_item(&forgery, propose_remove(ERIN));
  forgery_item(&forgery, propose_remove(CAROL));
  world->victims = BIT(ALICE) | BIT(BOB);
  forgery_send_with_path(&forgery, out);
}

static void remove_of_another(struct world *world, struct bytes *out) {
  commit_with(world, propose_remove(CAROL), out);
}

static void remove_of_leaf_0(struct world *world, struct bytes *out) {
  commit_with(world, propose_remove(ALICE), out);
}

/* What is no certificate is nobody's. */
static void remove_without_a_certificate(struct world *world, struct bytes *out) {
  static const uint8_t credential[] = {0, CREDENTIAL_X509, 0};
  struct forgery forgery;
  begin(&forgery, world);
  forgery_list(&forgery, forgery_external_init(&forgery));
  forgery_item(&forgery, propose_remove(CAROL));
  forgery_path(&forgery);
  forgery.path_leaf.fields.credential = VIEW_ARRAY(credential);
  forgery_finish_path(&forgery);
  forgery_send(&forgery, out);
}

static void remove_of_nobody(struct world *world, struct bytes *out) {
  commit_with(world, propose_remove(MEMBERS), out);
}

static void by_reference(struct world *world, struct bytes *out) {
  struct forgery forgery;
  struct psk_id id = known_psk(world);
  const struct stored_proposal *stored = world_propose(world, BOB, propose_psk(&id));
  begin(&forgery, world);
  forgery_list(&forgery, forgery_external_init(&forgery));
  forgery_reference(&forgery, stored);
  forgery_send_with_path(&forgery, out);
}

static void no_kem_output(struct world *world, struct bytes *out) {
  struct forgery forgery;
  struct writer writer = {0};
  begin(&forgery, world);
  proposal_write_external_init(&writer, VIEW_TEXT("too short"));
  forgery_list(&forgery, taken(&writer));
  forgery_send_with_path(&forgery, out);
}

static void kem_output_of_small_order(struct world *world, struct bytes *out) {
  static const uint8_t zero[32] = {0};
  struct forgery forgery;
  struct writer writer = {0};
  begin(&forgery, world);
  proposal_write_external_init(&writer, VIEW_ARRAY(zero));
  forgery_list(&forgery, taken(&writer));
  forgery_send_with_path(&forgery, out);
}

/* The init_secret of the epoch instead of the one that ExternalInit brings: what a member knows. */
static void init_secret_of_the_epoch(struct world *world, struct bytes *out) {
  struct forgery forgery;
  begin(&forgery, world);
  forgery_list(&forgery, forgery_external_init(&forgery));
  forgery.init_secret = seen(world)->secrets->init;
  forgery_send_with_path(&forgery, out);
}

/* ---- The path ---- */

static void no_path(struct world *world, struct bytes *out) {
  struct forgery forgery;
  begin(&forgery, world);
  forgery_list(&forgery, forgery_external_init(&forgery));
  forgery_send(&forgery, out);
}

static void leaf_for_other_index(struct world *world, struct bytes *out) {
  struct forgery forgery;
  begin(&forgery, world);
  forgery_list(&forgery, forgery_external_init(&forgery));
  forgery_path(&forgery);
  forgery.path_leaf.index++;
  forgery_finish_path(&forgery);
  forgery_send(&forgery, out);
}

static void key_of_removed_leaf(struct world *world, struct bytes *out) {
  struct forgery forgery;
  forgery_external(&forgery, world->member[ERIN].client, seen(world));
  forgery_list(&forgery, forgery_external_init(&forgery));
  forgery_item(&forgery, propose_remove(ERIN));
  world->victims &= ~BIT(ERIN);
  forgery_path(&forgery);
  forgery.path_leaf.fields.encryption_key = leaf_encryption_key(tree_leaf(seen(world)->tree, ERIN));
  forgery_finish_path(&forgery);
  forgery_send(&forgery, out);
}

/* Without a Remove, ERIN would be there twice. */
static void member_joins_again(struct world *world, struct bytes *out) {
  struct forgery forgery;
  forgery_external(&forgery, world->member[ERIN].client, seen(world));
  forgery_list(&forgery, forgery_external_init(&forgery));
  forgery_send_with_path(&forgery, out);
}

static void identity_of_another(struct world *world, struct bytes *out) {
  struct forgery forgery;
  forgery_external(&forgery, world->member[ERIN].client, seen(world));
  forgery_list(&forgery, forgery_external_init(&forgery));
  forgery_item(&forgery, propose_remove(ERIN));
  world->victims &= ~BIT(ERIN);
  forgery_path(&forgery);
  forgery.path_leaf.fields.credential = bytes_view(&world->joiner.client->credential);
  forgery_finish_path(&forgery);
  forgery_send(&forgery, out);
}

/* ---- Signature, tag, sender ---- */

static void prepare(struct world *world, struct forgery *forgery, struct letter *letter) {
  begin(forgery, world);
  forgery_list(forgery, forgery_external_init(forgery));
  forgery_path(forgery);
  forgery_finish_path(forgery);
  forgery_sign(forgery, letter);
}

static void done(struct forgery *forgery, struct letter *letter, struct bytes *out) {
  letter_public(letter, out);
  letter_end(letter);
  forgery_end(forgery);
}

static void signed_by_another(struct world *world, struct bytes *out) {
  struct forgery forgery;
  struct letter letter;
  prepare(world, &forgery, &letter);
  letter.signature_key = world->member[MALLORY].client->signature_key;
  letter_sign(&letter);
  done(&forgery, &letter, out);
}

static void signed_for_other_context(struct world *world, struct bytes *out) {
  struct forgery forgery;
  struct letter letter;
  prepare(world, &forgery, &letter);
  letter.group_context = bytes_view(&forgery.next->context_raw);
  letter_sign(&letter);
  done(&forgery, &letter, out);
}

static void tag_altered(struct world *world, struct bytes *out) {
  struct forgery forgery;
  struct letter letter;
  prepare(world, &forgery, &letter);
  forgery.next->confirmation_tag[0] ^= 1;
  done(&forgery, &letter, out);
}

static void with_membership_tag(struct world *world, struct bytes *out) {
  struct forgery forgery;
  struct letter letter;
  uint8_t tag[HASH_MAX];
  prepare(world, &forgery, &letter);
  letter_membership_tag(&letter, tag);
  struct view view = view_of(tag, 32);
  letter_tagged(&letter, &view, out);
  letter_end(&letter);
  forgery_end(&forgery);
}

static void from_new_member_proposal(struct world *world, struct bytes *out) {
  struct forgery forgery;
  begin(&forgery, world);
  forgery_list(&forgery, forgery_external_init(&forgery));
  forgery.sender.type = SENDER_NEW_MEMBER_PROPOSAL;
  forgery_send_with_path(&forgery, out);
}

static void from_external_sender(struct world *world, struct bytes *out) {
  struct forgery forgery;
  begin(&forgery, world);
  forgery_list(&forgery, forgery_external_init(&forgery));
  forgery.sender.type = SENDER_EXTERNAL;
  forgery_send_with_path(&forgery, out);
}

static void group_is_full(struct world *world, struct bytes *out) {
  for (size_t i = 0; i < MEMBERS; i++)
    world->member[i].client->settings.max_members = MEMBERS;
  join(world, out);
}

static const struct row rows[] = {
    {"12.4.3.2", "nothing: a join", join, OK},
    {"12.4.3.2", "nothing: a resync", resync, OK},
    {"12.4.3.2", "nothing: a resync of leaf 0", resync_of_leaf_0, OK},
    {"12.4.3.2", "nothing: a join with a PSK", with_psk, OK},

    {"12.2: an external commit without an ExternalInit", "no ExternalInit", no_external_init,
     ERR_INVALID_PROPOSAL},
    {"12.2: an external commit with more than one ExternalInit", "two ExternalInits",
     two_external_inits, ERR_INVALID_PROPOSAL},
    {"12.2", "an Add", adds_another, ERR_INVALID_PROPOSAL},
    {"12.2", "GroupContextExtensions", extensions, ERR_INVALID_PROPOSAL},
    {"12.2", "two Removes", two_removes, ERR_INVALID_PROPOSAL},
    {"12.2", "a Remove of somebody else", remove_of_another, ERR_INVALID_COMMIT},
    {"12.2", "a Remove of somebody else, who is leaf 0", remove_of_leaf_0, ERR_INVALID_COMMIT},
    {"12.2", "a Remove of somebody else, by an empty chain", remove_without_a_certificate,
     ERR_INVALID_COMMIT},
    {"12.1.3", "a Remove of a blank leaf", remove_of_nobody, ERR_INVALID_PROPOSAL},
    {"12.4.3.2", "a proposal by reference", by_reference, ERR_INVALID_PROPOSAL},
    {"8.3", "a kem_output that is none", no_kem_output, ERR_INVALID_COMMIT},
    {"8.3", "a kem_output of small order", kem_output_of_small_order, ERR_INVALID_COMMIT},
    {"12.4.2", "the init_secret is not the one of ExternalInit", init_secret_of_the_epoch,
     ERR_INVALID_COMMIT},

    {"12.4.3.2", "no path", no_path, ERR_INVALID_COMMIT},
    {"7.3", "the leaf is signed for another index", leaf_for_other_index, ERR_SIGNATURE},
    {"12.2", "the leaf has the key of the one it removes", key_of_removed_leaf, ERR_INVALID_COMMIT},
    {"7.3", "a member joins again, without a Remove", member_joins_again, ERR_INVALID_COMMIT},
    {"12.2", "the leaf is not of whom it removes", identity_of_another, ERR_INVALID_COMMIT},

    {"6.1", "signed by a member", signed_by_another, ERR_SIGNATURE},
    {"6.1", "signed for the next GroupContext", signed_for_other_context, ERR_SIGNATURE},
    {"12.4.2", "the confirmation tag is altered", tag_altered, ERR_INVALID_COMMIT},
    {"2.1", "a membership tag", with_membership_tag, ERR_MALFORMED},
    {"6.1", "sender type new_member_proposal", from_new_member_proposal, ERR_MALFORMED},
    {"12.1.8", "sender type external", from_external_sender, ERR_MALFORMED},
    {"", "nothing: more members than the own settings allow", group_is_full, OK},
};

START_TEST(external) {
  refuse_message(&rows[_i]);
}
END_TEST

TCase *reject_external(void) {
  TCase *cases = tcase_create("external");
  tcase_add_loop_test(cases, external, 0, COUNT(rows));
  return cases;
}
