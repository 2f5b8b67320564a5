/* Lists of proposals, in a commit of MALLORY's.  SPDX-License-Identifier: ISC */
#include "chapters.h"
#include "forge.h"

#define BIT(member) (1u << (member))

/* An extension type that nobody here knows. */
#define PRIVATE_EXTENSION 0xf123

static const uint8_t nonce_b[32] = {2};
static const uint8_t nothing_required[] = {0, 0, 0};

static struct member *mallory(struct world *world) {
  return &world->member[MALLORY];
}

static const struct epoch *epoch_of(const struct world *world) {
  return world->member[MALLORY].group->epoch;
}

/* MALLORY commits up to two proposals by value, with a path. */
static void commit(struct world *world, struct bytes first, struct bytes second,
                   struct bytes *out) {
  struct forgery forgery;
  forgery_begin(&forgery, mallory(world));
  forgery_item(&forgery, first);
  if (second.data != NULL)
    forgery_item(&forgery, second);
  forgery_send_with_path(&forgery, out);
}

static const struct bytes none = {0};

/* MALLORY commits up to two stored proposals. */
static void refer(struct world *world, const struct stored_proposal *first,
                  const struct stored_proposal *second, struct bytes *out) {
  struct forgery forgery;
  forgery_begin(&forgery, mallory(world));
  forgery_reference(&forgery, first);
  if (second != NULL)
    forgery_reference(&forgery, second);
  forgery_send_with_path(&forgery, out);
}

/* ---- Lists: Updates and Removes ---- */

static void commit_of_blank(struct world *world, struct bytes *out) {
  commit(world, propose_remove(MEMBERS), none, out);
}

static void committer_updates(struct world *world, struct bytes *out) {
  commit(world, propose_update(an_update(mallory(world))), none, out);
}

static void committer_updates_by_reference(struct world *world, struct bytes *out) {
  refer(world, world_update(world, MALLORY), NULL, out);
}

static void committer_removes_itself(struct world *world, struct bytes *out) {
  commit(world, propose_remove(MALLORY), none, out);
}

static void two_removes(struct world *world, struct bytes *out) {
  world->victims &= ~BIT(CAROL);
  commit(world, propose_remove(CAROL), propose_remove(CAROL), out);
}

static void two_removes_of_leaf_0(struct world *world, struct bytes *out) {
  world->victims &= ~BIT(ALICE);
  commit(world, propose_remove(ALICE), propose_remove(ALICE), out);
}

static void two_updates(struct world *world, struct bytes *out) {
  (void)world_update(world, ALICE);
  (void)world_update(world, ALICE);
  const struct stored_proposal *stored = world->member[ALICE].group->proposals.item;
  refer(world, &stored[0], &stored[1], out);
}

static void update_and_remove(struct world *world, struct bytes *out) {
  struct forgery forgery;
  const struct stored_proposal *update = world_update(world, BOB);
  forgery_begin(&forgery, mallory(world));
  forgery_reference(&forgery, update);
  forgery_item(&forgery, propose_remove(BOB));
  forgery_path(&forgery);
  forgery_finish_path(&forgery);
  world->victims &= ~BIT(BOB);
  forgery_send(&forgery, out);
}

static void unsupported_type(struct world *world, struct bytes *out) {
  struct writer writer = {0};
  proposal_write_custom(&writer, 0xf123, VIEW_TEXT("data"));
  commit(world, taken(&writer), none, out);
}

/* Members up to one of them say that they support a type. */
static struct bytes a_known_type(struct world *world, uint32_t end) {
  struct writer writer = {0};
  for (uint32_t i = 0; i < end; i++) {
    ck_assert_int_eq(client_support(world->member[i].client, TYPE_PROPOSAL, 0xf123), OK);
    world_advance(world, i);
  }
  proposal_write_custom(&writer, 0xf123, VIEW_TEXT("data"));
  return taken(&writer);
}

/* ERIN does not support it, and goes by the same commit. */
static void type_of_those_who_stay(struct world *world, struct bytes *out) {
  struct bytes proposal = a_known_type(world, ERIN);
  world->victims &= ~BIT(ERIN);
  commit(world, propose_remove(ERIN), proposal, out);
}

static void type_of_those_who_are_there(struct world *world, struct bytes *out) {
  struct bytes proposal = a_known_type(world, MEMBERS);
  commit(world, an_add(world->joiner.client), proposal, out);
}

static void type_that_one_lacks(struct world *world, struct bytes *out) {
  struct bytes proposal = a_known_type(world, ERIN);
  world->victims &= ~BIT(CAROL);
  commit(world, propose_remove(CAROL), proposal, out);
}

static void reserved_type(struct world *world, struct bytes *out) {
  struct writer writer = {0};
  proposal_write_custom(&writer, 0, VIEW_TEXT("data"));
  commit(world, taken(&writer), none, out);
}

/* ---- Lists: Adds ---- */

static void two_adds_of_one_client(struct world *world, struct bytes *out) {
  commit(world, an_add(world->joiner.client), an_add(world->joiner.client), out);
}

static void one_key_package_twice(struct world *world, struct bytes *out) {
  struct bytes first = an_add(world->joiner.client), second = {0};
  ck_assert_int_eq(bytes_copy(&second, bytes_view(&first)), OK);
  commit(world, first, second, out);
}

static void add_of_member(struct world *world, struct bytes *out) {
  commit(world, an_add(world->member[BOB].client), none, out);
}

static void add_of_member_of_leaf_0(struct world *world, struct bytes *out) {
  commit(world, an_add(world->member[ALICE].client), none, out);
}

static void member_leaves_and_returns(struct world *world, struct bytes *out) {
  world->victims &= ~BIT(CAROL);
  commit(world, propose_remove(CAROL), an_add(world->member[CAROL].client), out);
}

static void add_with_key_of_leaf(struct world *world, struct bytes *out) {
  struct key_package_forger forger;
  key_package_forger_begin(&forger, world->joiner.client);
  forger.leaf.fields.encryption_key = leaf_encryption_key(tree_leaf(epoch_of(world)->tree, ALICE));
  commit(world, propose_add(key_package_forger_end(&forger)), none, out);
}

static void add_with_key_of_parent(struct world *world, struct bytes *out) {
  struct key_package_forger forger;
  struct parent_node parent;
  ck_assert(tree_parent(epoch_of(world)->tree, 1, &parent));
  key_package_forger_begin(&forger, world->joiner.client);
  forger.leaf.fields.encryption_key = parent.encryption_key;
  commit(world, propose_add(key_package_forger_end(&forger)), none, out);
}

static void update_with_key_of_another(struct world *world, struct bytes *out) {
  struct leaf_forger forger;
  const struct client *bob = world->member[BOB].client;
  leaf_forger_begin(&forger, bob, LEAF_UPDATE, epoch_of(world)->context.group_id, BOB);
  forger.fields.encryption_key = leaf_encryption_key(tree_leaf(epoch_of(world)->tree, ALICE));
  struct leaf *leaf = leaf_forger_sign(&forger);
  leaf_forger_end(&forger);
  world->victims &= ~BIT(BOB);
  refer(world, world_propose(world, BOB, propose_update(leaf)), NULL, out);
}

static void update_with_signature_key_of_another(struct world *world, struct bytes *out) {
  struct leaf_forger forger;
  const struct client *alice = world->member[ALICE].client;
  leaf_forger_begin(&forger, alice, LEAF_UPDATE, epoch_of(world)->context.group_id, BOB);
  struct leaf *leaf = leaf_forger_sign(&forger);
  leaf_forger_end(&forger);
  world->victims &= ~BIT(BOB);
  refer(world, world_propose(world, BOB, propose_update(leaf)), NULL, out);
}

static void group_is_full(struct world *world, struct bytes *out) {
  for (size_t i = 0; i < MEMBERS; i++)
    world->member[i].client->settings.max_members = MEMBERS;
  commit(world, an_add(world->joiner.client), none, out);
}

/* ---- Lists: PSKs ---- */

static void commit_psk(struct world *world, struct bytes *out) {
  struct psk_id id = known_psk(world);
  commit(world, propose_psk(&id), none, out);
}

static void commit_resumption(struct world *world, struct bytes *out) {
  struct psk_id id = resumption(world), other = known_psk(world);
  commit(world, propose_psk(&id), propose_psk(&other), out);
}

static void one_psk_twice(struct world *world, struct bytes *out) {
  struct psk_id id = known_psk(world);
  commit(world, propose_psk(&id), propose_psk(&id), out);
}

static void one_psk_with_two_nonces(struct world *world, struct bytes *out) {
  struct psk_id first = known_psk(world), second = first;
  second.nonce = VIEW_ARRAY(nonce_b);
  commit(world, propose_psk(&first), propose_psk(&second), out);
}

static void one_resumption_twice(struct world *world, struct bytes *out) {
  struct psk_id id = resumption(world);
  commit(world, propose_psk(&id), propose_psk(&id), out);
}

static void commit_short_nonce(struct world *world, struct bytes *out) {
  struct psk_id id = known_psk(world);
  id.nonce.size = 31;
  commit(world, propose_psk(&id), none, out);
}

static void commit_for_branch(struct world *world, struct bytes *out) {
  struct psk_id id = resumption(world);
  id.usage = PSK_BRANCH;
  commit(world, propose_psk(&id), none, out);
}

static void unknown_psk(struct world *world, struct bytes *out) {
  struct psk_id id = known_psk(world);
  id.external_id = VIEW_TEXT("another id");
  commit(world, propose_psk(&id), none, out);
}

static void psk_of_other_group(struct world *world, struct bytes *out) {
  struct psk_id id = resumption(world);
  id.psk_group_id = VIEW_TEXT("another group");
  commit(world, propose_psk(&id), none, out);
}

static void psk_of_future_epoch(struct world *world, struct bytes *out) {
  struct psk_id id = resumption(world);
  id.psk_epoch++;
  commit(world, propose_psk(&id), none, out);
}

static void psks_without_end(struct world *world, struct bytes *out) {
  struct forgery forgery;
  struct psk_id id = known_psk(world);
  forgery_begin(&forgery, mallory(world));
  for (uint8_t i = 0; i < 129; i++) {
    const uint8_t name[2] = {i};
    id.external_id = VIEW_ARRAY(name);
    struct bytes proposal = propose_psk(&id);
    proposal_or_ref_write_proposal(&forgery.proposals, bytes_view(&proposal));
    proposal_or_ref_write_proposal(&forgery.proposals, bytes_view(&proposal));
    bytes_free(&proposal);
  }
  forgery_send_with_path(&forgery, out);
}

/* ---- Lists: extensions, ReInit, ExternalInit, references ---- */

static struct bytes require_nothing(void) {
  return propose_extensions(EXTENSION_REQUIRED_CAPABILITIES, VIEW_ARRAY(nothing_required));
}

static void commit_extensions(struct world *world, struct bytes *out) {
  commit(world, require_nothing(), none, out);
}

static void two_extensions(struct world *world, struct bytes *out) {
  commit(world, require_nothing(), require_nothing(), out);
}

static void unsupported_extension(struct world *world, struct bytes *out) {
  commit(world, propose_extensions(PRIVATE_EXTENSION, VIEW_NONE), none, out);
}

static void required_extension(struct world *world, struct bytes *out) {
  static const uint8_t data[] = {2, 0xf1, 0x23, 0, 0};
  commit(world, propose_extensions(EXTENSION_REQUIRED_CAPABILITIES, VIEW_ARRAY(data)), none, out);
}

static void required_proposal(struct world *world, struct bytes *out) {
  static const uint8_t data[] = {0, 2, 0xf1, 0x23, 0};
  commit(world, propose_extensions(EXTENSION_REQUIRED_CAPABILITIES, VIEW_ARRAY(data)), none, out);
}

static void required_credential(struct world *world, struct bytes *out) {
  static const uint8_t data[] = {0, 0, 2, 0xf1, 0x23};
  commit(world, propose_extensions(EXTENSION_REQUIRED_CAPABILITIES, VIEW_ARRAY(data)), none, out);
}

/* The first of many is enough. */
static void required_first(struct world *world, struct bytes *out) {
  static const uint8_t data[] = {4, 0xf1, 0x23, 0, 1, 2, 0, 1, 2, 0, CREDENTIAL_BASIC};
  commit(world, propose_extensions(EXTENSION_REQUIRED_CAPABILITIES, VIEW_ARRAY(data)), none, out);
}

static void required_default(struct world *world, struct bytes *out) {
  static const uint8_t data[] = {2, 0, 1, 2, 0, 1, 2, 0, 1};
  commit(world, propose_extensions(EXTENSION_REQUIRED_CAPABILITIES, VIEW_ARRAY(data)), none, out);
}

static void required_trailing(struct world *world, struct bytes *out) {
  static const uint8_t data[] = {0, 0, 0, 0};
  commit(world, propose_extensions(EXTENSION_REQUIRED_CAPABILITIES, VIEW_ARRAY(data)), none, out);
}

static void required_odd(struct world *world, struct bytes *out) {
  static const uint8_t data[] = {1, 0, 0, 0};
  commit(world, propose_extensions(EXTENSION_REQUIRED_CAPABILITIES, VIEW_ARRAY(data)), none, out);
}

static void member_sends_external_init(struct world *world, struct bytes *out) {
  struct forgery forgery, outside;
  forgery_external(&outside, mallory(world)->client, epoch_of(world));
  struct bytes proposal = forgery_external_init(&outside);
  forgery_begin(&forgery, mallory(world));
  forgery.init_secret = outside.init_secret;
  forgery_list(&forgery, proposal);
  forgery_send_with_path(&forgery, out);
  forgery_end(&outside);
}

static struct bytes a_reinit(void) {
  struct writer writer = {0};
  proposal_write_reinit(&writer, VIEW_TEXT("the next group"), MLS_VERSION_10, 1, VIEW_NONE);
  return taken(&writer);
}

static void reinit_with_psk(struct world *world, struct bytes *out) {
  struct psk_id id = known_psk(world);
  commit(world, a_reinit(), propose_psk(&id), out);
}

static void reinit_twice(struct world *world, struct bytes *out) {
  commit(world, a_reinit(), a_reinit(), out);
}

/* A proposal that MALLORY alone has. */
static void unknown_reference(struct world *world, struct bytes *out) {
  static const uint8_t reference[32] = {1};
  struct forgery forgery;
  forgery_begin(&forgery, mallory(world));
  proposal_or_ref_write_reference(&forgery.proposals, VIEW_ARRAY(reference));
  forgery_send_with_path(&forgery, out);
}

static void short_reference(struct world *world, struct bytes *out) {
  struct forgery forgery;
  const struct stored_proposal *stored = world_update(world, BOB);
  forgery_begin(&forgery, mallory(world));
  proposal_or_ref_write_reference(&forgery.proposals, view_of(stored->ref, 31));
  forgery_apply(&forgery, stored->proposal.raw, BOB);
  forgery_send_with_path(&forgery, out);
}

static void one_reference_twice(struct world *world, struct bytes *out) {
  const struct stored_proposal *stored = world_propose(world, BOB, require_nothing());
  refer(world, stored, stored, out);
}

static void one_custom_twice(struct world *world, struct bytes *out) {
  struct bytes proposal = a_known_type(world, MEMBERS);
  const struct stored_proposal *stored = world_propose(world, BOB, proposal);
  (void)world_propose(world, BOB, require_nothing()); /* as many as are named */
  refer(world, stored, stored, out);
}

static void one_add_twice(struct world *world, struct bytes *out) {
  const struct stored_proposal *stored = world_propose(world, BOB, an_add(world->joiner.client));
  (void)world_propose(world, BOB, require_nothing());
  refer(world, stored, stored, out);
}

static void one_stored_psk_twice(struct world *world, struct bytes *out) {
  struct psk_id id = known_psk(world);
  const struct stored_proposal *stored = world_propose(world, BOB, propose_psk(&id));
  (void)world_propose(world, BOB, require_nothing());
  refer(world, stored, stored, out);
}

static void one_update_twice(struct world *world, struct bytes *out) {
  (void)world_update(world, BOB);
  (void)world_propose(world, BOB, require_nothing());
  const struct stored_proposal *stored = world->member[ALICE].group->proposals.item;
  refer(world, stored, stored, out);
}

static void one_removal_twice(struct world *world, struct bytes *out) {
  const struct stored_proposal *stored = world_propose(world, BOB, propose_remove(CAROL));
  (void)world_propose(world, BOB, require_nothing());
  refer(world, stored, stored, out);
}

/* Two that say the same are two: what they mean is the application's. */
static void equal_customs(struct world *world, struct bytes *out) {
  struct bytes first = a_known_type(world, MEMBERS), second = {0};
  ck_assert_int_eq(bytes_copy(&second, bytes_view(&first)), OK);
  commit(world, first, second, out);
}

/* MALLORY makes the group require what its own new leaf does not list. */
static void committer_lacks_what_it_requires(struct world *world, struct bytes *out) {
  static const uint8_t data[] = {2, 0xf1, 0x23, 0, 0};
  struct forgery forgery;
  for (uint32_t i = 0; i < MEMBERS; i++) {
    ck_assert_int_eq(client_support(world->member[i].client, TYPE_EXTENSION, PRIVATE_EXTENSION),
                     OK);
    world_advance(world, i);
  }
  forgery_begin(&forgery, mallory(world));
  forgery_item(&forgery, propose_extensions(EXTENSION_REQUIRED_CAPABILITIES, VIEW_ARRAY(data)));
  forgery_path(&forgery);
  forgery.path_leaf.fields.capabilities.extensions = VIEW_NONE;
  forgery_finish_path(&forgery);
  forgery_send(&forgery, out);
}

static void references_without_end(struct world *world, struct bytes *out) {
  struct forgery forgery;
  const struct stored_proposal *stored = world_propose(world, BOB, require_nothing());
  forgery_begin(&forgery, mallory(world));
  for (size_t i = 0; i < 100000; i++)
    proposal_or_ref_write_reference(&forgery.proposals, view_of(stored->ref, 32));
  forgery_send_with_path(&forgery, out);
}

static const struct row rows[] = {
    {"12.2", "nothing: a Remove, and an Add of the same client", member_leaves_and_returns, OK},
    {"12.2", "nothing: a PSK", commit_psk, OK},
    {"12.2", "nothing: a resumption PSK and another", commit_resumption, OK},
    {"12.2", "nothing: required_capabilities of nothing", commit_extensions, OK},
    {"12.2", "nothing: required_capabilities of defaults", required_default, OK},

    {"12.1.3", "a commit of a Remove of a blank leaf", commit_of_blank, ERR_INVALID_PROPOSAL},
    {"12.2", "an Update by the committer", committer_updates, ERR_INVALID_PROPOSAL},
    {"12.2", "the same by reference", committer_updates_by_reference, ERR_INVALID_PROPOSAL},
    {"12.2", "a Remove of the committer", committer_removes_itself, ERR_INVALID_PROPOSAL},
    {"12.2", "two Removes of one leaf", two_removes, ERR_INVALID_PROPOSAL},
    {"12.2", "two Removes of leaf 0", two_removes_of_leaf_0, ERR_INVALID_PROPOSAL},
    {"12.2", "two Updates of leaf 0", two_updates, ERR_INVALID_PROPOSAL},
    {"12.2", "an Update and a Remove of one leaf", update_and_remove, ERR_INVALID_PROPOSAL},

    {"12.2", "a type that members do not support, in a commit", unsupported_type,
     ERR_INVALID_PROPOSAL},
    {"12.2", "nothing: a type that all who stay support", type_of_those_who_stay, OK},
    {"12.2", "nothing: a type that who is added does not support", type_of_those_who_are_there, OK},
    {"12.2", "a type that one who stays does not support", type_that_one_lacks,
     ERR_INVALID_PROPOSAL},
    {"12.1", "the reserved type 0, in a commit", reserved_type, ERR_UNSUPPORTED},

    {"12.2", "two Adds of one client", two_adds_of_one_client, ERR_INVALID_PROPOSAL},
    {"12.2", "one key package added twice", one_key_package_twice, ERR_INVALID_PROPOSAL},
    {"12.2", "an Add of a member", add_of_member, ERR_INVALID_PROPOSAL},
    {"12.2", "an Add of the member of leaf 0", add_of_member_of_leaf_0, ERR_INVALID_PROPOSAL},
    {"12.2", "an Add with the encryption key of a leaf", add_with_key_of_leaf,
     ERR_INVALID_PROPOSAL},
    {"12.2", "an Add with the key of a parent node", add_with_key_of_parent, ERR_INVALID_PROPOSAL},
    {"7.3", "an Update with the encryption key of another", update_with_key_of_another,
     ERR_INVALID_PROPOSAL},
    {"7.3", "an Update with the signature key of another", update_with_signature_key_of_another,
     ERR_INVALID_PROPOSAL},
    {"", "nothing: more members than the own settings allow", group_is_full, OK},

    {"12.2", "one PSK twice", one_psk_twice, ERR_INVALID_PROPOSAL},
    {"12.2", "nothing: one PSK with two nonces", one_psk_with_two_nonces, OK},
    {"12.2", "one resumption PSK twice", one_resumption_twice, ERR_INVALID_PROPOSAL},
    {"12.1.4", "a commit of a psk_nonce of 31 bytes", commit_short_nonce, ERR_INVALID_PROPOSAL},
    {"12.1.4", "a commit of a PSK of usage branch", commit_for_branch, ERR_INVALID_PROPOSAL},
    {"12.4.2", "an unknown PSK", unknown_psk, ERR_INVALID_COMMIT},
    {"12.4.2", "a resumption PSK of another group", psk_of_other_group, ERR_INVALID_COMMIT},
    {"12.4.2", "a resumption PSK of an epoch to come", psk_of_future_epoch, ERR_INVALID_COMMIT},
    {"", "more PSKs than the limit", psks_without_end, ERR_LIMIT},

    {"12.2", "two GroupContextExtensions", two_extensions, ERR_INVALID_PROPOSAL},
    {"12.1.7", "an extension that members do not support", unsupported_extension,
     ERR_INVALID_PROPOSAL},
    {"11.1", "an extension is required that members lack", required_extension,
     ERR_INVALID_PROPOSAL},
    {"11.1", "a proposal is required that members lack", required_proposal, ERR_INVALID_PROPOSAL},
    {"11.1", "a credential is required that members lack", required_credential,
     ERR_INVALID_PROPOSAL},
    {"11.1", "the first of those required is one that members lack", required_first,
     ERR_INVALID_PROPOSAL},
    {"11.1", "a byte behind required_capabilities", required_trailing, ERR_MALFORMED},
    {"11.1", "half an item in required_capabilities", required_odd, ERR_MALFORMED},
    {"12.2", "an ExternalInit of a member", member_sends_external_init, ERR_INVALID_PROPOSAL},
    {"12.2", "a ReInit and a PSK", reinit_with_psk, ERR_INVALID_PROPOSAL},
    {"12.2", "two ReInits", reinit_twice, ERR_INVALID_PROPOSAL},
    {"12.4", "a proposal that was never received", unknown_reference, ERR_MISSING_PROPOSAL},
    {"12.4", "a reference without its last byte", short_reference, ERR_MISSING_PROPOSAL},
    {"12.2: a commit names", "one reference twice", one_reference_twice, ERR_INVALID_PROPOSAL},
    {"12.2: a commit names", "one proposal of the application twice", one_custom_twice,
     ERR_INVALID_PROPOSAL},
    {"12.2: a commit names", "one Add twice", one_add_twice, ERR_INVALID_PROPOSAL},
    {"12.2: a commit names", "one stored PSK twice", one_stored_psk_twice, ERR_INVALID_PROPOSAL},
    {"12.2: a commit names", "one Update twice", one_update_twice, ERR_INVALID_PROPOSAL},
    {"12.2: a commit names", "one Remove twice", one_removal_twice, ERR_INVALID_PROPOSAL},
    {"12.2", "nothing: two equal proposals of the application", equal_customs, OK},
    {"11.1", "the committer lacks what it requires", committer_lacks_what_it_requires,
     ERR_INVALID_COMMIT},
    {"12.2: a commit names", "one reference without end", references_without_end,
     ERR_INVALID_PROPOSAL},
};

START_TEST(lists) {
  refuse_message(&rows[_i]);
}
END_TEST

TCase *reject_lists(void) {
  TCase *cases = tcase_create("lists");
  tcase_add_loop_test(cases, lists, 0, COUNT(rows));
  return cases;
}
