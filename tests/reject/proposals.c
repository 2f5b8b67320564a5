/* Proposals by themselves, as they arrive.  SPDX-License-Identifier: ISC */
#include "chapters.h"
#include "forge.h"

static const uint8_t nothing_required[] = {0, 0, 0};

static struct member *mallory(struct world *world) {
  return &world->member[MALLORY];
}

static const struct epoch *epoch_of(const struct world *world) {
  return world->member[MALLORY].group->epoch;
}

/* MALLORY signs and sends one proposal. */
static void send(struct world *world, struct bytes proposal, struct bytes *out) {
  struct letter letter;
  letter_begin(&letter, mallory(world), CONTENT_PROPOSAL, bytes_view(&proposal));
  letter_send(&letter, out);
  bytes_free(&proposal);
}

/* ---- One proposal, as it arrives ---- */

static void lone_update(struct world *world, struct bytes *out) {
  send(world, propose_update(an_update(mallory(world))), out);
}

static void lone_remove(struct world *world, struct bytes *out) {
  send(world, propose_remove(ALICE), out);
}

static void lone_psk(struct world *world, struct bytes *out) {
  struct psk_id id = known_psk(world);
  send(world, propose_psk(&id), out);
}

static void remove_of_blank(struct world *world, struct bytes *out) {
  send(world, propose_remove(MEMBERS), out);
}

static void remove_beyond_tree(struct world *world, struct bytes *out) {
  send(world, propose_remove(0x80000000), out);
}

static void update_of_another(struct world *world, struct bytes *out) {
  send(world, propose_update(an_update(&world->member[ALICE])), out);
}

static void bent_update(struct world *world, void (*bend)(struct world *, struct leaf_forger *),
                        struct bytes *out) {
  struct leaf_forger forger;
  leaf_forger_begin(&forger, mallory(world)->client, LEAF_UPDATE, epoch_of(world)->context.group_id,
                    MALLORY);
  bend(world, &forger);
  send(world, propose_update(leaf_forger_sign(&forger)), out);
  leaf_forger_end(&forger);
}

static void bend_source(struct world *world, struct leaf_forger *forger) {
  (void)world;
  forger->fields.source = LEAF_COMMIT;
}

static void bend_group(struct world *world, struct leaf_forger *forger) {
  (void)world;
  forger->group_id = VIEW_TEXT("another group");
}

static void bend_signer(struct world *world, struct leaf_forger *forger) {
  forger->signature_key = world->joiner.client->signature_key;
}

static void bend_label(struct world *world, struct leaf_forger *forger) {
  (void)world;
  forger->label = VIEW_TEXT("KeyPackageTBS");
}

static void bend_key(struct world *world, struct leaf_forger *forger) {
  forger->fields.encryption_key = leaf_encryption_key(tree_leaf(epoch_of(world)->tree, MALLORY));
}

static void update_of_source_commit(struct world *world, struct bytes *out) {
  bent_update(world, bend_source, out);
}

static void update_for_other_group(struct world *world, struct bytes *out) {
  bent_update(world, bend_group, out);
}

static void update_signed_by_another(struct world *world, struct bytes *out) {
  bent_update(world, bend_signer, out);
}

static void update_of_other_label(struct world *world, struct bytes *out) {
  bent_update(world, bend_label, out);
}

static void update_keeps_key(struct world *world, struct bytes *out) {
  bent_update(world, bend_key, out);
}

static void nonce_too_short(struct world *world, struct bytes *out) {
  struct psk_id id = known_psk(world);
  id.nonce.size = 31;
  send(world, propose_psk(&id), out);
}

static void nonce_too_long(struct world *world, struct bytes *out) {
  struct psk_id id = known_psk(world);
  id.nonce.size = 33;
  send(world, propose_psk(&id), out);
}

static void psk_for_reinit(struct world *world, struct bytes *out) {
  struct psk_id id = resumption(world);
  id.usage = PSK_REINIT;
  send(world, propose_psk(&id), out);
}

static void psk_for_branch(struct world *world, struct bytes *out) {
  struct psk_id id = resumption(world);
  id.usage = PSK_BRANCH;
  send(world, propose_psk(&id), out);
}

static void psk_for_nothing(struct world *world, struct bytes *out) {
  struct psk_id id = resumption(world);
  id.usage = PSK_BRANCH + 1;
  send(world, propose_psk(&id), out);
}

static void psk_of_type(struct world *world, uint8_t type, struct bytes *out) {
  struct psk_id id = resumption(world);
  struct bytes proposal = propose_psk(&id);
  proposal.data[2] = type;
  send(world, proposal, out);
}

static void psk_of_no_type(struct world *world, struct bytes *out) {
  psk_of_type(world, 0, out);
}

static void psk_of_foreign_type(struct world *world, struct bytes *out) {
  psk_of_type(world, PSK_RESUMPTION + 1, out);
}

static void extension_twice(struct world *world, struct bytes *out) {
  struct writer writer = {0}, extensions = {0};
  for (size_t i = 0; i < 2; i++)
    extension_write(&extensions, EXTENSION_REQUIRED_CAPABILITIES, VIEW_ARRAY(nothing_required));
  proposal_write_group_context_extensions(&writer, writer_view(&extensions));
  writer_free(&extensions);
  send(world, taken(&writer), out);
}

static void lower_version(struct world *world, struct bytes *out) {
  struct writer writer = {0};
  proposal_write_reinit(&writer, VIEW_TEXT("the next group"), 0, 1, VIEW_NONE);
  send(world, taken(&writer), out);
}

static void reinit_to(struct world *world, struct view group_id, uint16_t suite,
                      struct bytes *out) {
  struct writer writer = {0};
  proposal_write_reinit(&writer, group_id, MLS_VERSION_10, suite, VIEW_NONE);
  send(world, taken(&writer), out);
}

static void reinit_to_itself(struct world *world, struct bytes *out) {
  reinit_to(world, VIEW_TEXT("a group"), 1, out);
}

static void reinit_to_no_suite(struct world *world, struct bytes *out) {
  reinit_to(world, VIEW_TEXT("the next group"), 0, out);
}

static void reinit_to_new_suite(struct world *world, struct bytes *out) {
  reinit_to(world, VIEW_TEXT("the next group"), 0x7777, out);
}

static struct bytes an_external_init(struct world *world) {
  struct forgery forgery;
  forgery_external(&forgery, world->joiner.client, epoch_of(world));
  struct bytes proposal = forgery_external_init(&forgery);
  forgery_end(&forgery);
  return proposal;
}

static void external_init_alone(struct world *world, struct bytes *out) {
  send(world, an_external_init(world), out);
}

/* Types of other documents, whose form nobody knows here: an AppDataUpdate, which is not one vector. */
static struct bytes foreign_type(void) {
  static const uint8_t proposal[] = {0, 8, 0x80, 1, 1, 2, 'h', 'i'};
  struct bytes copy = {0};
  ck_assert_int_eq(bytes_copy(&copy, VIEW_ARRAY(proposal)), OK);
  return copy;
}

static void foreign_in_public(struct world *world, struct bytes *out) {
  send(world, foreign_type(), out);
}

static void foreign_in_private(struct world *world, struct bytes *out) {
  struct letter letter;
  struct bytes proposal = foreign_type();
  letter_begin(&letter, mallory(world), CONTENT_PROPOSAL, bytes_view(&proposal));
  letter_send_private(&letter, out);
  bytes_free(&proposal);
}

static void foreign_vector(struct world *world, struct bytes *out) {
  struct writer writer = {0};
  proposal_write_custom(&writer, 0x1234, VIEW_TEXT("data"));
  send(world, taken(&writer), out);
}

static void grease(struct world *world, struct bytes *out) {
  struct writer writer = {0};
  proposal_write_custom(&writer, 0x0a0a, VIEW_TEXT("data"));
  send(world, taken(&writer), out);
}

static void unknown_type(struct world *world, struct bytes *out) {
  struct writer writer = {0};
  proposal_write_custom(&writer, 0xf123, VIEW_TEXT("data"));
  send(world, taken(&writer), out);
}

/* ---- A new member that proposes its own Add ---- */

static void new_member_sends(struct world *world, struct bytes proposal,
                             const struct client *signer, struct bytes *out) {
  struct letter letter;
  letter_from(&letter, epoch_of(world), signer, (struct sender){SENDER_NEW_MEMBER_PROPOSAL, 0},
              CONTENT_PROPOSAL, bytes_view(&proposal));
  letter_send(&letter, out);
  bytes_free(&proposal);
}

static void own_add(struct world *world, struct bytes *out) {
  new_member_sends(world, an_add(world->joiner.client), world->joiner.client, out);
}

static void own_add_signed_by_another(struct world *world, struct bytes *out) {
  new_member_sends(world, an_add(world->joiner.client), mallory(world)->client, out);
}

static void new_member_removes(struct world *world, struct bytes *out) {
  new_member_sends(world, propose_remove(ALICE), world->joiner.client, out);
}

static void new_member_updates(struct world *world, struct bytes *out) {
  new_member_sends(world, propose_update(an_update(mallory(world))), world->joiner.client, out);
}

static void new_member_extends(struct world *world, struct bytes *out) {
  new_member_sends(
      world, propose_extensions(EXTENSION_REQUIRED_CAPABILITIES, VIEW_ARRAY(nothing_required)),
      world->joiner.client, out);
}
static const struct row rows[] = {
    {"12.1.2", "nothing: an Update", lone_update, OK},
    {"12.1.3", "nothing: a Remove of leaf 0", lone_remove, OK},

    {"12.1.4", "nothing: a PSK", lone_psk, OK},

    {"12.1.8", "nothing: the own Add of a new member", own_add, OK},

    {"12.1.3", "a Remove of a blank leaf", remove_of_blank, ERR_INVALID_PROPOSAL},
    {"12.1.3", "a Remove of a leaf beyond the tree", remove_beyond_tree, ERR_INVALID_PROPOSAL},
    {"7.3", "an Update of leaf 0 by leaf 3", update_of_another, ERR_SIGNATURE},
    {"12.1.2", "an Update of source commit", update_of_source_commit, ERR_INVALID_PROPOSAL},
    {"7.3", "an Update signed for another group", update_for_other_group, ERR_SIGNATURE},
    {"7.3", "an Update signed with another key", update_signed_by_another, ERR_SIGNATURE},
    {"7.3", "an Update signed with another label", update_of_other_label, ERR_SIGNATURE},
    {"7.3", "an Update keeps its encryption key", update_keeps_key, ERR_INVALID_PROPOSAL},
    {"12.1.4", "a psk_nonce of 31 bytes", nonce_too_short, ERR_INVALID_PROPOSAL},
    {"12.1.4", "a psk_nonce of 33 bytes", nonce_too_long, ERR_INVALID_PROPOSAL},
    {"12.1.4", "a resumption PSK of usage reinit", psk_for_reinit, ERR_INVALID_PROPOSAL},
    {"12.1.4", "a resumption PSK of usage branch", psk_for_branch, ERR_INVALID_PROPOSAL},
    {"2.1", "a resumption PSK of usage 4", psk_for_nothing, ERR_MALFORMED},
    {"2.1", "a PSK of type 0", psk_of_no_type, ERR_MALFORMED},
    {"8.4", "a PSK of type 3", psk_of_foreign_type, ERR_UNSUPPORTED},
    {"13.4", "GroupContextExtensions with one twice", extension_twice, ERR_MALFORMED},
    {"12.1.5", "a ReInit to version 0", lower_version, ERR_INVALID_PROPOSAL},
    {"12.1.5", "nothing: a ReInit to a suite not known here", reinit_to_new_suite, OK},
    {"11.2", "a ReInit to the group itself", reinit_to_itself, ERR_INVALID_PROPOSAL},
    {"17.1", "a ReInit to suite 0", reinit_to_no_suite, ERR_INVALID_PROPOSAL},

    {"12.1.8", "an ExternalInit of a member", external_init_alone, ERR_INVALID_PROPOSAL},

    {"12.2", "a type that members do not support", unknown_type, ERR_INVALID_PROPOSAL},
    {"12.1", "a type of another document", foreign_in_public, ERR_UNSUPPORTED},
    {"12.1", "the same in a PrivateMessage", foreign_in_private, ERR_UNSUPPORTED},
    {"12.1", "another, of one vector", foreign_vector, ERR_UNSUPPORTED},
    {"12.1", "a GREASE type", grease, ERR_UNSUPPORTED},
    {"6.1", "an Add that a member signed for the new one", own_add_signed_by_another,
     ERR_SIGNATURE},
    {"6.1", "a Remove by a new member", new_member_removes, ERR_MALFORMED},
    {"6.1", "an Update by a new member", new_member_updates, ERR_MALFORMED},
    {"6.1", "GroupContextExtensions by a new member", new_member_extends, ERR_MALFORMED},
};

START_TEST(proposals) {
  refuse_message(&rows[_i]);
}
END_TEST

TCase *reject_proposals(void) {
  TCase *cases = tcase_create("proposals");
  tcase_add_loop_test(cases, proposals, 0, COUNT(rows));
  return cases;
}
