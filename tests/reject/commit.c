/* Commits of members; their update paths are in path.c.  SPDX-License-Identifier: ISC */
#include "chapters.h"
#include "forge.h"

#define BIT(member) (1u << (member))

static struct member *mallory(struct world *world) {
  return &world->member[MALLORY];
}

/* ---- Nothing changed: what these make must be accepted ---- */

static void empty(struct world *world, struct bytes *out) {
  struct forgery forgery;
  forgery_begin(&forgery, mallory(world));
  forgery_send_with_path(&forgery, out);
}

static void encrypted(struct world *world, struct bytes *out) {
  struct forgery forgery;
  forgery_begin(&forgery, mallory(world));
  forgery.encrypt = true;
  forgery_send_with_path(&forgery, out);
}

static void add(struct world *world, struct bytes *out) {
  struct forgery forgery;
  forgery_begin(&forgery, mallory(world));
  forgery_item(&forgery, an_add(world->joiner.client));
  forgery_send(&forgery, out);
}

static void add_with_path(struct world *world, struct bytes *out) {
  struct forgery forgery;
  forgery_begin(&forgery, mallory(world));
  forgery_item(&forgery, an_add(world->joiner.client));
  forgery_send_with_path(&forgery, out);
}

static void removal(struct world *world, struct bytes *out) {
  struct forgery forgery;
  forgery_begin(&forgery, mallory(world));
  forgery_item(&forgery, propose_remove(ALICE));
  forgery_send_with_path(&forgery, out);
}

static void update_by_reference(struct world *world, struct bytes *out) {
  struct forgery forgery;
  const struct stored_proposal *stored = world_update(world, BOB);
  forgery_begin(&forgery, mallory(world));
  forgery_reference(&forgery, stored);
  forgery_send_with_path(&forgery, out);
}

/* ---- The path as a whole ---- */

static void no_path_in_empty_commit(struct world *world, struct bytes *out) {
  struct forgery forgery;
  forgery_begin(&forgery, mallory(world));
  forgery_send(&forgery, out);
}

static void no_path_for_remove(struct world *world, struct bytes *out) {
  struct forgery forgery;
  forgery_begin(&forgery, mallory(world));
  forgery_item(&forgery, propose_remove(CAROL));
  world->victims &= ~BIT(CAROL);
  forgery_send(&forgery, out);
}

static void no_path_for_removed_one(struct world *world, struct bytes *out) {
  no_path_for_remove(world, out);
  world->victims = BIT(CAROL);
}

static void no_path_for_update(struct world *world, struct bytes *out) {
  struct forgery forgery;
  const struct stored_proposal *stored = world_update(world, BOB);
  forgery_begin(&forgery, mallory(world));
  forgery_reference(&forgery, stored);
  forgery_send(&forgery, out);
}

static void no_path_for_extensions(struct world *world, struct bytes *out) {
  static const uint8_t nothing_required[] = {0, 0, 0};
  struct forgery forgery;
  forgery_begin(&forgery, mallory(world));
  forgery_item(&forgery,
               propose_extensions(EXTENSION_REQUIRED_CAPABILITIES, VIEW_ARRAY(nothing_required)));
  forgery_send(&forgery, out);
}

/* A proposal of the application alone; of a type that needs a path where members say so. */
static void no_path_for_custom(struct world *world, struct bytes *out) {
  struct writer writer = {0};
  struct forgery forgery;
  for (uint32_t i = 0; i < MEMBERS; i++) {
    ck_assert_int_eq(client_support(world->member[i].client, TYPE_PROPOSAL, 0xf123), OK);
    world_advance(world, i);
  }
  proposal_write_custom(&writer, 0xf123, VIEW_TEXT("data"));
  forgery_begin(&forgery, mallory(world));
  forgery_item(&forgery, taken(&writer));
  forgery_send(&forgery, out);
}

static void no_path_for_custom_that_needs_one(struct world *world, struct bytes *out) {
  for (uint32_t i = 0; i < MEMBERS; i++)
    ck_assert_int_eq(client_require_path(world->member[i].client, 0xf123), OK);
  no_path_for_custom(world, out);
}

static void no_path_for_another_custom(struct world *world, struct bytes *out) {
  for (uint32_t i = 0; i < MEMBERS; i++)
    ck_assert_int_eq(client_require_path(world->member[i].client, 0xf124), OK);
  no_path_for_custom(world, out);
}

static void one_node_less(struct world *world, struct bytes *out) {
  struct forgery forgery;
  forgery_begin(&forgery, mallory(world));
  forgery_path(&forgery);
  forgery_finish_path(&forgery);
  forgery.nodes--;
  forgery_body(&forgery);
  forgery.nodes++;
  forgery_send(&forgery, out);
}

static void one_node_more(struct world *world, struct bytes *out) {
  struct forgery forgery;
  forgery_begin(&forgery, mallory(world));
  forgery_path(&forgery);
  forgery_finish_path(&forgery);
  ck_assert_uint_lt(forgery.nodes, FORGED_NODES);
  forgery.node[forgery.nodes++].key = VIEW_TEXT("a key that nobody else has here:");
  forgery_body(&forgery);
  forgery_send(&forgery, out);
}

/* ---- The confirmation tag ---- */

static void send_tag(struct world *world, struct view (*bend)(struct view), struct bytes *out) {
  struct forgery forgery;
  struct letter letter;
  forgery_begin(&forgery, mallory(world));
  forgery_path(&forgery);
  forgery_finish_path(&forgery);
  forgery_sign(&forgery, &letter);
  letter.auth.confirmation_tag = bend(letter.auth.confirmation_tag);
  letter_public(&letter, out);
  letter_end(&letter);
  forgery_end(&forgery);
}

static struct view flipped(struct view tag) {
  ((uint8_t *)(uintptr_t)tag.data)[31] ^= 1;
  return tag;
}

static struct view shortened(struct view tag) {
  return view_of(tag.data, tag.size - 1);
}

static struct view emptied(struct view tag) {
  return view_of(tag.data, 0);
}

static void tag_altered(struct world *world, struct bytes *out) {
  send_tag(world, flipped, out);
}

static void tag_shortened(struct world *world, struct bytes *out) {
  send_tag(world, shortened, out);
}

static void tag_empty(struct world *world, struct bytes *out) {
  send_tag(world, emptied, out);
}

/* The tag of the epoch that is left: what a commit that changes nothing would have. */
static void tag_of_this_epoch(struct world *world, struct bytes *out) {
  struct forgery forgery;
  struct letter letter;
  forgery_begin(&forgery, mallory(world));
  forgery_path(&forgery);
  forgery_finish_path(&forgery);
  forgery_sign(&forgery, &letter);
  letter.auth.confirmation_tag = epoch_confirmation_tag(forgery.from);
  letter_public(&letter, out);
  letter_end(&letter);
  forgery_end(&forgery);
}

/* ---- Who commits ---- */

/* A thief of ALICE's state, or a backup of it, commits in her name: the others take it. */
static void own_commit_of_somebody_else(struct world *world, struct bytes *out) {
  struct forgery forgery;
  forgery_begin(&forgery, &world->member[ALICE]);
  forgery_path(&forgery);
  forgery_finish_path(&forgery);
  world->victims = BIT(ALICE);
  forgery_send(&forgery, out);
}

static const struct row rows[] = {
    {"12.4", "nothing: an empty commit", empty, OK},
    {"12.4", "nothing: an empty commit in a PrivateMessage", encrypted, OK},
    {"12.4", "nothing: an Add without a path", add, OK},
    {"12.4", "nothing: an Add with a path", add_with_path, OK},
    {"12.4", "nothing: a Remove of leaf 0", removal, OK},
    {"12.4", "nothing: an Update by reference", update_by_reference, OK},

    {"12.4", "no proposals, and no path", no_path_in_empty_commit, ERR_INVALID_COMMIT},
    {"12.4", "a Remove, and no path", no_path_for_remove, ERR_INVALID_COMMIT},
    {"12.4", "the same, to the member removed", no_path_for_removed_one, ERR_INVALID_COMMIT},
    {"12.4", "an Update, and no path", no_path_for_update, ERR_INVALID_COMMIT},
    {"12.4", "GroupContextExtensions, and no path", no_path_for_extensions, ERR_INVALID_COMMIT},
    {"12.4", "nothing: the application's proposal, and no path", no_path_for_custom, OK},
    {"12.4", "nothing: the same where another type needs one", no_path_for_another_custom, OK},
    {"12.4", "the same where its type needs one", no_path_for_custom_that_needs_one,
     ERR_INVALID_COMMIT},
    {"7.5", "the path has one node less", one_node_less, ERR_INVALID_COMMIT},
    {"7.5", "the path has one node more", one_node_more, ERR_INVALID_COMMIT},

    {"12.4.2", "the last byte of the confirmation tag", tag_altered, ERR_INVALID_COMMIT},
    {"12.4.2", "the confirmation tag lacks a byte", tag_shortened, ERR_INVALID_COMMIT},
    {"12.4.2", "the confirmation tag is empty", tag_empty, ERR_INVALID_COMMIT},
    {"12.4.2", "the confirmation tag of the old epoch", tag_of_this_epoch, ERR_INVALID_COMMIT},
    {"14", "an own commit that was made elsewhere", own_commit_of_somebody_else, ERR_LEFT_BEHIND},
};

/* In a suite of NIST curves. */
static const struct row curve_rows[] = {
    {"12.4", "nothing: an empty commit", empty, OK},
    {"12.4", "nothing: an Add with a path", add_with_path, OK},
    {"12.4.2", "the last byte of the confirmation tag", tag_altered, ERR_INVALID_COMMIT},
};

START_TEST(curve) {
  refuse_message_in(&curve_rows[_i], 2);
}
END_TEST

START_TEST(commit) {
  refuse_message(&rows[_i]);
}
END_TEST

TCase *reject_commit(void) {
  TCase *cases = tcase_create("commit");
  tcase_add_loop_test(cases, commit, 0, COUNT(rows));
  tcase_add_loop_test(cases, curve, 0, COUNT(curve_rows));
  return cases;
}
