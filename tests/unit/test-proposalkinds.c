/*
 * A type of proposal that is put in from outside, by a row in each table: it is proposed, waits, is
 * shown, committed and applied, and no other file has heard of it.  Only the tables are replaced; they
 * hold all the others too.
 * SPDX-License-Identifier: ISC
 */
#include <check.h>

#include <e2ee/e2ee.h>

#include "company.h"
#include "crypto/provider.h"
#include "tests/run.h"

enum { TOY = 0x0777, MEMBERS = 3 };

/* ---- The toy: a number that everybody counts together; 0 is none, and one commit holds one ---- */

static uint32_t total;

static enum err read_toy(struct reader *reader, struct why *why, struct proposal *out) {
  (void)why;
  return read_u32(reader, &out->body.remove);
}

static void write_toy(struct writer *writer, const struct proposal *proposal) {
  write_u32(writer, proposal->body.remove);
}

static const struct proposal_form toy_form = {
    .type = TOY,
    .senders = 1u << SENDER_MEMBER,
    .needs_path = true,
    .read = read_toy,
    .write = write_toy,
};

static enum err check_toy_count(const struct proposal_list *list, size_t count,
                                const struct epoch *epoch, bool external,
                                const struct proposal_rules *rules) {
  (void)list, (void)epoch, (void)external;
  return require(count <= 1, rules->why, ERR_INVALID_PROPOSAL, "more than one toy");
}

static enum err check_toy(const struct epoch *epoch, const struct proposal *proposal,
                          struct sender sender, const struct proposal_rules *rules) {
  (void)epoch, (void)sender;
  return require(proposal->body.remove != 0, rules->why, ERR_INVALID_PROPOSAL, "a toy of nothing");
}

static enum err apply_toy(struct application *job, const struct listed_proposal *item) {
  enum err err = OK;
  TRY(check_toy(job->epoch, &item->proposal, item->sender, job->rules));
  total += item->proposal.body.remove;
  TRY(proposal_describe(&job->effects->changes, &item->proposal, item->sender, job->epoch->tree,
                        job->at));
done:
  return err;
}

static enum err describe_toy(struct change *change, const struct proposal *proposal,
                             const struct tree *tree) {
  (void)tree;
  change->kind = E2EE_CHANGE_CUSTOM;
  return bytes_copy(&change->data, proposal->raw);
}

static const struct proposal_kind toy_kind = {
    .type = TOY,
    .pass = PASS_GROUP,
    .turn = TURN_OTHER,
    .check_count = check_toy_count,
    .check = check_toy,
    .apply = apply_toy,
    .describe = describe_toy,
};

/* ---- The tables of this program ---- */

const struct proposal_form *const proposal_forms[] = {
    &proposal_form_custom,
    &proposal_form_add,
    &proposal_form_update,
    &proposal_form_remove,
    &proposal_form_psk,
    &proposal_form_reinit,
    &proposal_form_external_init,
    &proposal_form_group_context_extensions,
    &proposal_form_self_remove,
    &toy_form,
    NULL,
};

const struct proposal_kind *const proposal_kinds[] = {
    &proposal_kind_custom,
    &proposal_kind_psk,
    &proposal_kind_external_init,
    &proposal_kind_group_context_extensions,
    &proposal_kind_reinit,
    &proposal_kind_remove,
    &proposal_kind_add,
    &proposal_kind_update,
    &proposal_kind_self_remove,
    &toy_kind,
    NULL,
};

/* ---- Tests ---- */

static struct member members[MEMBERS];

static void setup(void) {
  ck_assert_int_eq(provider_init(), OK);
  for (size_t i = 0; i < MEMBERS; i++)
    members[i] = member_new(1, (char)('a' + i));
  company_new(members, MEMBERS, MEMBERS);
  total = 0;
}

static void teardown(void) {
  company_free(members, MEMBERS);
}

static struct bytes toy_of(uint32_t number) {
  struct bytes raw = {0};
  struct writer writer = {0};
  proposal_write(&writer, &(struct proposal){.type = TOY, .body = {.remove = number}});
  ck_assert_int_eq(writer_take(&writer, &raw), OK);
  return raw;
}

/* It comes as it was sent.  @param at  of the changes */
static void ck_assert_shown(const struct incoming *incoming, size_t at, uint32_t number) {
  struct bytes raw = toy_of(number);
  ck_assert_uint_gt(incoming->changes.count, at);
  const struct change *change = &incoming->changes.item[at];
  ck_assert_uint_eq(change->type, TOY);
  ck_assert_uint_eq(change->kind, E2EE_CHANGE_CUSTOM);
  ck_assert_uint_eq(change->leaf, LEAF_NONE);
  ck_assert(view_equal(bytes_view(&change->data), bytes_view(&raw)));
  bytes_free(&raw);
}

/* Everybody but the sender sees and takes it. */
static void propose(size_t by, uint32_t number) {
  struct bytes raw = toy_of(number), message = {0};
  ck_assert_int_eq(group_propose(members[by].group, bytes_view(&raw), &message), OK);
  for (size_t i = 0; i < MEMBERS; i++) {
    struct incoming *incoming = NULL;
    if (i == by)
      continue;
    ck_assert_int_eq(process_message(members[i].group, bytes_view(&message), &incoming), OK);
    ck_assert_uint_eq(incoming->kind, E2EE_INCOMING_PROPOSAL);
    ck_assert_uint_eq(incoming->changes.count, 1);
    ck_assert_shown(incoming, 0, number);
    ck_assert_int_eq(process_accept(incoming), OK);
    incoming_free(incoming);
  }
  bytes_free(&raw);
  bytes_free(&message);
}

/* Everybody but the committer sees it in the pending commit, and takes that. */
static void deliver(size_t by, uint32_t number) {
  const struct pending_commit *pending = members[by].group->pending;
  for (size_t i = 0; i < MEMBERS; i++) {
    struct incoming *incoming = NULL;
    if (i == by)
      continue;
    ck_assert_int_eq(process_message(members[i].group, bytes_view(&pending->message), &incoming),
                     OK);
    ck_assert_uint_eq(incoming->changes.count, 2); /* and the path of who commits */
    ck_assert_shown(incoming, 0, number);
    ck_assert_int_eq(process_accept(incoming), OK);
    incoming_free(incoming);
  }
  ck_assert_int_eq(commit_accepted(members[by].group), OK);
  for (size_t i = 1; i < MEMBERS; i++)
    members_agree(&members[0], &members[i]);
}

START_TEST(proposed_and_committed) {
  struct commit_plan plan = {0};
  propose(1, 5);
  ck_assert_int_eq(commit_build(members[0].group, &plan), OK);
  deliver(0, 5);
  ck_assert_uint_eq(total, MEMBERS * 5); /* everybody has counted it */
}
END_TEST

/* Of those that wait, an own commit takes as many as may stand in it: the newest. */
START_TEST(one_is_chosen) {
  struct commit_plan plan = {0};
  propose(1, 5);
  propose(2, 7);
  ck_assert_int_eq(commit_build(members[0].group, &plan), OK);
  deliver(0, 7);
  ck_assert_uint_eq(total, MEMBERS * 7);
}
END_TEST

START_TEST(committed_by_value) {
  struct commit_plan plan = {0};
  struct bytes raw = toy_of(3);
  struct group *group = members[2].group;
  ck_assert_int_eq(commit_plan_proposal(&plan, group, bytes_view(&raw)), OK);
  ck_assert_int_eq(commit_build(group, &plan), OK);
  deliver(2, 3);
  /* Two of them may not stand in one commit. */
  ck_assert_int_eq(commit_plan_proposal(&plan, group, bytes_view(&raw)), OK);
  ck_assert_int_eq(commit_build(group, &plan), ERR_INVALID_PROPOSAL);
  ck_assert_str_eq(members[2].client->why.text, "more than one toy");
  commit_plan_free(&plan);
  bytes_free(&raw);
}
END_TEST

START_TEST(checked_and_refused) {
  struct bytes nothing = toy_of(0), out = {0};
  ck_assert_int_eq(group_propose(members[0].group, bytes_view(&nothing), &out),
                   ERR_INVALID_PROPOSAL);
  ck_assert_str_eq(members[0].client->why.text, "a toy of nothing");
  ck_assert(!sender_may_propose(SENDER_EXTERNAL, TOY));
  ck_assert(!sender_may_propose(SENDER_NEW_MEMBER_COMMIT, TOY));
  bytes_free(&nothing);
}
END_TEST

/* It is no default of RFC 9420, so members say that they support it. */
START_TEST(listed_in_capabilities) {
  const struct leaf *leaf = tree_leaf(members[0].group->epoch->tree, 0);
  ck_assert(!proposal_is_default(0) && !proposal_is_default(TOY));
  ck_assert(list_has(leaf_capabilities(leaf).proposals, TOY));
  ck_assert(list_has(leaf_capabilities(leaf).proposals, PROPOSAL_SELF_REMOVE));
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("proposalkinds");
  tcase_add_checked_fixture(tests, setup, teardown);
  tcase_add_test(tests, proposed_and_committed);
  tcase_add_test(tests, one_is_chosen);
  tcase_add_test(tests, committed_by_value);
  tcase_add_test(tests, checked_and_refused);
  tcase_add_test(tests, listed_in_capabilities);
  return run_case("proposalkinds", tests);
}
