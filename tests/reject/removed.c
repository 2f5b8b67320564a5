/* What a member whom a commit removes may be unable to follow, and what it must check all the same.
 * SPDX-License-Identifier: ISC */
#include "chapters.h"
#include "forge.h"

static struct member *mallory(struct world *world) {
  return &world->member[MALLORY];
}

/* AppDataUpdate of draft-ietf-mls-extensions, whose body is not one vector. */
static struct bytes app_data_update(void) {
  static const uint8_t body[] = {0x80, 1, 1, 2, 'h', 'i'}; /* component, update, data */
  struct writer writer = {0};
  write_u16(&writer, 8);
  write_bytes(&writer, VIEW_ARRAY(body));
  return taken(&writer);
}

/* MALLORY removes CAROL, and does something beside. */
static void begin(struct world *world, struct forgery *forgery) {
  world->victims = 1u << CAROL;
  forgery_begin(forgery, mallory(world));
  forgery_item(forgery, propose_remove(CAROL));
}

/* ---- What need not be followed ---- */

static void nothing_beside(struct world *world, struct bytes *out) {
  struct forgery forgery;
  begin(world, &forgery);
  forgery_send_with_path(&forgery, out);
}

static void psk_that_others_have(struct world *world, struct bytes *out) {
  struct forgery forgery;
  struct psk_id id = known_psk(world);
  begin(world, &forgery);
  forgery_item(&forgery, propose_psk(&id));
  ck_assert(client_remove_psk(world->member[CAROL].client, id.external_id));
  forgery_send_with_path(&forgery, out);
}

static void unknown_type_behind(struct world *world, struct bytes *out) {
  struct forgery forgery;
  begin(world, &forgery);
  forgery_list(&forgery, app_data_update());
  forgery_send_with_path(&forgery, out);
}

static void list_reference(struct forgery *forgery) {
  static const uint8_t reference[32] = {1};
  proposal_or_ref_write_reference(&forgery->proposals, VIEW_ARRAY(reference));
}

static void missing_behind(struct world *world, struct bytes *out) {
  struct forgery forgery;
  begin(world, &forgery);
  list_reference(&forgery);
  forgery_send_with_path(&forgery, out);
}

static void missing_before(struct world *world, struct bytes *out) {
  struct forgery forgery;
  world->victims = 1u << CAROL;
  forgery_begin(&forgery, mallory(world));
  list_reference(&forgery);
  forgery_item(&forgery, propose_remove(CAROL));
  forgery_send_with_path(&forgery, out);
}

static void removed_by_reference(struct world *world, struct bytes *out) {
  struct forgery forgery;
  world->victims = 1u << CAROL;
  const struct stored_proposal *stored = world_propose(world, BOB, propose_remove(CAROL));
  forgery_begin(&forgery, mallory(world));
  forgery_reference(&forgery, stored);
  forgery_list(&forgery, app_data_update());
  forgery_send_with_path(&forgery, out);
}

static void leaves_by_reference(struct world *world, struct bytes *out) {
  struct forgery forgery;
  struct writer writer = {0};
  world->victims = 1u << CAROL;
  proposal_write_self_remove(&writer);
  const struct stored_proposal *stored = world_propose(world, CAROL, taken(&writer));
  forgery_begin(&forgery, mallory(world));
  list_reference(&forgery);
  forgery_reference(&forgery, stored);
  forgery_send_with_path(&forgery, out);
}

static void key_package_too_new(struct world *world, struct bytes *out) {
  struct forgery forgery;
  begin(world, &forgery);
  forgery_item(&forgery, an_add(world->joiner.client));
  world->member[CAROL].client->settings.time = 1000;
  forgery_send_with_path(&forgery, out);
}

static void more_members_than_it_takes(struct world *world, struct bytes *out) {
  struct forgery forgery;
  begin(world, &forgery);
  forgery_item(&forgery, an_add(world->joiner.client));
  world->member[CAROL].client->settings.max_members = MEMBERS - 1;
  forgery_send_with_path(&forgery, out);
}

/* Others may take more of them than this library does. */
static void psks_without_end(struct world *world, struct bytes *out) {
  struct forgery forgery;
  struct psk_id id = known_psk(world);
  begin(world, &forgery);
  for (size_t i = 0; i <= LISTED_PSKS_MAX; i++) {
    struct bytes proposal = propose_psk(&id);
    proposal_or_ref_write_proposal(&forgery.proposals, bytes_view(&proposal));
    bytes_free(&proposal);
  }
  forgery_send_with_path(&forgery, out);
}

static const struct row leaving_rows[] = {
    {"", "nothing beside", nothing_beside, OK},
    {"", "a PSK that only those who stay have", psk_that_others_have, OK},
    {"", "a proposal of a type that is not known here", unknown_type_behind, OK},
    {"", "a proposal that was never received", missing_behind, OK},
    {"", "the same, before the Remove", missing_before, OK},
    {"", "a Remove by reference", removed_by_reference, OK},
    {"", "a SelfRemove", leaves_by_reference, OK},
    {"", "a key package that is not valid yet", key_package_too_new, OK},
    {"", "more members than the limit", more_members_than_it_takes, OK},
    {"", "more PSKs than the limit", psks_without_end, OK},
};

/* Whether carol can read all of it, though she may not be able to follow. */
static bool can_be_read(void (*forge)(struct world *, struct bytes *)) {
  return forge == nothing_beside || forge == psk_that_others_have ||
         forge == more_members_than_it_takes;
}

/* Carol learns that she is out, and is told who did it. */
START_TEST(leaving) {
  const struct row *row = &leaving_rows[_i];
  struct world world;
  struct bytes message = {0};
  struct incoming *incoming = NULL;
  world_init(&world, 1);
  row->forge(&world, &message);
  struct member *carol = &world.member[CAROL];
  expect_reason(carol->client, process_message(carol->group, bytes_view(&message), &incoming), row);
  ck_assert_uint_eq(incoming->kind, E2EE_INCOMING_COMMIT);
  ck_assert_uint_eq(incoming->sender, MALLORY);
  ck_assert(incoming->removes_own);
  bool removed = false;
  ck_assert_msg(incoming->partly != can_be_read(row->forge), "%s: whether all is shown",
                row->changed);
  for (size_t i = 0; i < incoming->changes.count; i++)
    removed = removed || (incoming->changes.item[i].kind == E2EE_CHANGE_REMOVE &&
                          incoming->changes.item[i].leaf == CAROL &&
                          incoming->changes.item[i].subject != NULL);
  ck_assert_msg(removed, "%s: the Remove is not shown", row->changed);
  ck_assert_int_eq(process_accept(incoming), OK);
  ck_assert(carol->group->left && carol->group->epoch->secrets == NULL);
  incoming_free(incoming);
  bytes_free(&message);
  world_free(&world);
}
END_TEST

/* ---- What must be right ---- */

static void unknown_type_before(struct world *world, struct bytes *out) {
  struct forgery forgery;
  world->victims = 1u << CAROL;
  forgery_begin(&forgery, mallory(world));
  forgery_list(&forgery, app_data_update());
  forgery_item(&forgery, propose_remove(CAROL));
  forgery_send_with_path(&forgery, out);
}

/* Whoever stays cannot follow. */
static void unknown_type_and_another(struct world *world, struct bytes *out) {
  struct forgery forgery;
  forgery_begin(&forgery, mallory(world));
  forgery_item(&forgery, propose_remove(CAROL));
  forgery_list(&forgery, app_data_update());
  world->victims &= ~(1u << CAROL);
  forgery_send_with_path(&forgery, out);
}

static void missing_and_no_path(struct world *world, struct bytes *out) {
  struct forgery forgery;
  begin(world, &forgery);
  list_reference(&forgery);
  forgery_send(&forgery, out);
}

static void prepare(struct world *world, struct forgery *forgery, struct letter *letter) {
  begin(world, forgery);
  list_reference(forgery);
  forgery_path(forgery);
  forgery_finish_path(forgery);
  forgery_sign(forgery, letter);
}

static void signed_by_another(struct world *world, struct bytes *out) {
  struct forgery forgery;
  struct letter letter;
  prepare(world, &forgery, &letter);
  letter.signature_key = world->joiner.client->signature_key;
  letter_sign(&letter);
  letter_public(&letter, out);
  letter_end(&letter);
  forgery_end(&forgery);
}

static void tag_altered(struct world *world, struct bytes *out) {
  struct forgery forgery;
  struct letter letter;
  uint8_t tag[HASH_MAX] = {0};
  prepare(world, &forgery, &letter);
  letter_membership_tag(&letter, tag);
  tag[0] ^= 1;
  const struct view view = view_of(tag, 32);
  letter_tagged(&letter, &view, out);
  letter_end(&letter);
  forgery_end(&forgery);
}

/* Who joins from outside takes CAROL's SelfRemove along, and something that nobody has heard of. */
static void missing_from_outside(struct world *world, struct bytes *out) {
  struct forgery forgery;
  struct writer writer = {0};
  proposal_write_self_remove(&writer);
  const struct stored_proposal *stored = world_propose(world, CAROL, taken(&writer));
  world->victims = 1u << CAROL;
  forgery_external(&forgery, world->joiner.client, mallory(world)->group->epoch);
  forgery_list(&forgery, forgery_external_init(&forgery));
  proposal_or_ref_write_reference(&forgery.proposals, view_of(stored->ref, 32));
  list_reference(&forgery);
  forgery_send_with_path(&forgery, out);
}

/* A list that is wrong for everybody is not excused by what it removes. */
static void removed_twice(struct world *world, struct bytes *out) {
  struct forgery forgery;
  begin(world, &forgery);
  forgery_item(&forgery, propose_remove(CAROL));
  forgery_send_with_path(&forgery, out);
}

static void references_without_end(struct world *world, struct bytes *out) {
  struct forgery forgery;
  world->victims = 1u << CAROL;
  forgery_begin(&forgery, mallory(world));
  for (size_t i = 0; i < 100000; i++)
    list_reference(&forgery);
  forgery_item(&forgery, propose_remove(CAROL));
  forgery_send_with_path(&forgery, out);
}

static const struct row rows[] = {
    {"12.1", "a type that is not known here, before the Remove", unknown_type_before,
     ERR_UNSUPPORTED},
    {"12.1", "a type that is not known here, and a Remove of another", unknown_type_and_another,
     ERR_UNSUPPORTED},
    {"12.4", "no path", missing_and_no_path, ERR_MISSING_PROPOSAL},
    {"6.1", "signed by somebody else", signed_by_another, ERR_SIGNATURE},
    {"6.2", "the membership tag is altered", tag_altered, ERR_AUTH},
    {"12.4", "a commit from outside", missing_from_outside, ERR_MISSING_PROPOSAL},
    {"12.2", "two Removes of it", removed_twice, ERR_INVALID_PROPOSAL},
    {"12.4", "more references than there can be proposals", references_without_end,
     ERR_MISSING_PROPOSAL},
};

START_TEST(staying) {
  refuse_message(&rows[_i]);
}
END_TEST

TCase *reject_removed(void) {
  TCase *cases = tcase_create("removed");
  tcase_add_loop_test(cases, leaving, 0, COUNT(leaving_rows));
  tcase_add_loop_test(cases, staying, 0, COUNT(rows));
  return cases;
}
