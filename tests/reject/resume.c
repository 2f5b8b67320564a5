/* ReInit, and groups that go on from another one: MALLORY invites judy into such a group.
 * SPDX-License-Identifier: ISC */
#include "chapters.h"
#include "invite.h"
#include "mls/keys/psk.h"

#define BIT(member) (1u << (member))

/* ---- ReInit ---- */

struct announced {
  struct view group_id;
  uint16_t version;
  uint16_t cipher_suite;
  struct view extensions;
};

static struct bytes reinit(const struct announced *announced) {
  struct writer writer = {0};
  proposal_write_reinit(&writer, announced->group_id, announced->version, announced->cipher_suite,
                        announced->extensions);
  return taken(&writer);
}

static const struct announced next_group = {
    {(const uint8_t *)"the next group", 14}, MLS_VERSION_10, 1, {NULL, 0}};

static void commit(struct world *world, const struct announced *announced, struct bytes *out) {
  struct forgery forgery;
  forgery_begin(&forgery, &world->member[MALLORY]);
  forgery_item(&forgery, reinit(announced));
  forgery.reinit = bytes_view(&forgery.item[0]);
  forgery_send_with_path(&forgery, out);
}

static void straight(struct world *world, struct bytes *out) {
  commit(world, &next_group, out);
}

static void lower_version(struct world *world, struct bytes *out) {
  struct announced announced = next_group;
  announced.version = 0;
  commit(world, &announced, out);
}

static void to_itself(struct world *world, struct bytes *out) {
  struct announced announced = next_group;
  announced.group_id = world->member[MALLORY].group->epoch->context.group_id;
  commit(world, &announced, out);
}

static void extension_twice(struct world *world, struct bytes *out) {
  static const uint8_t twice[] = {0, 1, 0, 0, 1, 0};
  struct announced announced = next_group;
  announced.extensions = VIEW_ARRAY(twice);
  struct forgery forgery;
  forgery_begin(&forgery, &world->member[MALLORY]);
  forgery_list(&forgery, reinit(&announced));
  forgery_send_with_path(&forgery, out);
}

static void half_a_sender(struct world *world, struct bytes *out) {
  static const uint8_t half[] = {0, 5, 2, 1, 32};
  struct announced announced = next_group;
  announced.extensions = VIEW_ARRAY(half);
  commit(world, &announced, out);
}

/* Nothing is known of what a suite that is not built in would ask. */
static void half_a_sender_of_another_suite(struct world *world, struct bytes *out) {
  static const uint8_t half[] = {0, 5, 2, 1, 32};
  struct announced announced = next_group;
  announced.extensions = VIEW_ARRAY(half);
  announced.cipher_suite = 0xf000;
  commit(world, &announced, out);
}

/* A ReInit ends the group: MALLORY goes on talking in it. */
static void end_group(struct world *world) {
  struct forgery forgery;
  struct bytes message = {0};
  struct member *mallory = &world->member[MALLORY];
  forgery_begin(&forgery, mallory);
  forgery_item(&forgery, reinit(&next_group));
  forgery.reinit = bytes_view(&forgery.item[0]);
  forgery_path(&forgery);
  forgery_finish_path(&forgery);
  forgery_adopt(&forgery, mallory->group, &message);
  world_deliver(world, MALLORY, &message);
  bytes_free(&message);
}

static void application_after(struct world *world, struct bytes *out) {
  struct letter letter;
  end_group(world);
  letter_begin(&letter, &world->member[MALLORY], CONTENT_APPLICATION, VIEW_TEXT("hello"));
  letter_send_private(&letter, out);
}

static void commit_after(struct world *world, struct bytes *out) {
  struct forgery forgery;
  end_group(world);
  forgery_begin(&forgery, &world->member[MALLORY]);
  forgery_send_with_path(&forgery, out);
}

static void proposal_after(struct world *world, struct bytes *out) {
  struct letter letter;
  end_group(world);
  struct bytes proposal = propose_remove(ALICE);
  letter_begin(&letter, &world->member[MALLORY], CONTENT_PROPOSAL, bytes_view(&proposal));
  letter_send(&letter, out);
  bytes_free(&proposal);
}

static const struct row rows[] = {
    {"12.1.5", "nothing: a ReInit", straight, OK},
    {"12.1.5", "a ReInit to version 0", lower_version, ERR_INVALID_PROPOSAL},
    {"11.2", "a ReInit to the group itself", to_itself, ERR_INVALID_PROPOSAL},
    {"13.4", "a ReInit with an extension twice", extension_twice, ERR_MALFORMED},
    {"12.1.8.1", "a ReInit with external_senders that do not parse", half_a_sender, ERR_MALFORMED},
    {"11.2", "nothing: the same for a suite that is not built in", half_a_sender_of_another_suite,
     OK},
};

START_TEST(reinits) {
  refuse_message(&rows[_i]);
}
END_TEST

static const struct row ended_rows[] = {
    {"12.4.2", "application data after a ReInit", application_after, ERR_INVALID_STATE},
    {"12.4.2", "a commit after a ReInit", commit_after, ERR_INVALID_STATE},
    {"12.4.2", "a proposal after a ReInit", proposal_after, ERR_INVALID_STATE},
};

/* No group is left that could still work. */
START_TEST(ended) {
  struct world world;
  struct bytes message = {0};
  world_init(&world, 1);
  ended_rows[_i].forge(&world, &message);
  for (uint32_t i = 0; i < MEMBERS; i++)
    if (i != MALLORY)
      expect_refused(&world.member[i], &message, &ended_rows[_i]);
  bytes_free(&message);
  world_free(&world);
}
END_TEST

/* ---- A group that goes on from one that MALLORY and judy were in ---- */

static void plan_add(struct commit_plan *plan, const struct group *group, struct client *client) {
  struct bytes key_package = key_package_of(client);
  ck_assert_int_eq(commit_plan_add(plan, group, bytes_view(&key_package)), OK);
  bytes_free(&key_package);
}

/* MALLORY's group with judy, and with the members of a set, who are not asked. */
static struct group *old_group(struct world *world, uint32_t others, bool stranger) {
  struct client *mallory = world->member[MALLORY].client;
  struct group *group = NULL;
  struct commit_plan plan = {0};
  struct opened_welcome opened = {0};
  struct member oscar = member_new("oscar", 1);
  ck_assert_int_eq(group_new(mallory, VIEW_TEXT("the old group"), &group), OK);
  for (uint32_t i = 0; i <= MEMBERS; i++)
    if ((others >> i & 1) != 0)
      plan_add(&plan, group, i == MEMBERS ? world->joiner.client : world->member[i].client);
  if (stranger)
    plan_add(&plan, group, oscar.client);
  ck_assert_int_eq(commit_build(group, &plan), OK);
  ck_assert_int_eq(join_open_welcome(world->joiner.client, bytes_view(&group->pending->welcome),
                                     VIEW_NONE, &opened),
                   OK);
  ck_assert_int_eq(join_accept_welcome(world->joiner.client, &opened, &world->other), OK);
  ck_assert_int_eq(commit_accepted(group), OK);
  opened_welcome_free(&opened);
  commit_plan_free(&plan);
  member_free(&oscar);
  return group;
}

/* judy takes a commit of MALLORY's that ends the old group. */
static void end_old_group(struct world *world, struct group *group,
                          const struct announced *announced) {
  struct commit_plan plan = {0};
  struct incoming *incoming = NULL;
  struct bytes proposal = reinit(announced);
  ck_assert_int_eq(commit_plan_proposal(&plan, group, bytes_view(&proposal)), OK);
  ck_assert_int_eq(commit_build(group, &plan), OK);
  ck_assert_int_eq(process_message(world->other, bytes_view(&group->pending->message), &incoming),
                   OK);
  ck_assert_int_eq(process_accept(incoming), OK);
  ck_assert_int_eq(group_state(world->other), GROUP_ENDED);
  incoming_free(incoming);
  commit_plan_free(&plan);
  bytes_free(&proposal);
}

/* The Welcome to "a group" names the resumption PSK of the old one as judy has it. */
static void link(struct world *world, uint8_t usage, bool earlier, struct invite *invite) {
  static const uint8_t nonce[32] = {1};
  struct writer psks = {0};
  const struct epoch *epoch = earlier ? world->other->past[0] : world->other->epoch;
  const struct psk_id id = {.type = PSK_RESUMPTION,
                            .usage = usage,
                            .psk_group_id = epoch->context.group_id,
                            .psk_epoch = epoch->context.epoch,
                            .nonce = VIEW_ARRAY(nonce)};
  struct view psk;
  ck_assert(group_resumption_psk(world->other, epoch->context.epoch, &psk));
  psk_id_write(&psks, &id);
  ck_assert_int_eq(psk_mix(invite->suite, writer_view(&psks), psk, 0, 1, &invite->psk_secret), OK);
  invite->psks = taken(&psks);
  invite->context.epoch = 1;
}

/* How the new group, or what was said about it, differs from the one that may be joined. */
struct story {
  struct announced announced;
  uint32_t others; /* in the old group */
  uint8_t usage;
  uint64_t epoch;
  bool unfinished; /* no ReInit was committed */
  bool stranger;   /* the old group had a member more */
  bool earlier;    /* the PSK is of the epoch before */
};

#define ALL ((1u << (MEMBERS + 1)) - 1 - BIT(MALLORY))
#define JUDY BIT(MEMBERS)

static const struct story reinit_story = {
    {{(const uint8_t *)"a group", 7}, MLS_VERSION_10, 1, {NULL, 0}},
    JUDY,
    PSK_REINIT,
    1,
    false,
    false,
    false};
static const struct story branch_story = {
    {{(const uint8_t *)"a group", 7}, MLS_VERSION_10, 1, {NULL, 0}},
    ALL,
    PSK_BRANCH,
    1,
    true,
    false,
    false};

static struct story told;

static void tell(struct world *world, struct bytes *out) {
  struct invite invite;
  struct group *group = old_group(world, told.others, told.stranger);
  if (!told.unfinished)
    end_old_group(world, group, &told.announced);
  invite_begin(&invite, world);
  link(world, told.usage, told.earlier, &invite);
  invite.context.epoch = told.epoch;
  invite_send(&invite, out);
  group_free(group);
}

typedef void bend_story(struct story *story);

static void true_reinit(struct story *story) {
  *story = reinit_story;
}

static void true_branch(struct story *story) {
  *story = branch_story;
}

static void other_group_id(struct story *story) {
  *story = reinit_story;
  story->announced.group_id = VIEW_TEXT("A group");
}

static void other_version(struct story *story) {
  *story = reinit_story;
  story->announced.version = 2;
}

static void other_suite(struct story *story) {
  *story = reinit_story;
  story->announced.cipher_suite = 3;
}

static void other_extensions(struct story *story) {
  static const uint8_t extensions[] = {0, 3, 3, 0, 0, 0};
  *story = reinit_story;
  story->announced.extensions = VIEW_ARRAY(extensions);
}

/* One of the old members is somebody else now: the credentials are compared, of all. */
static void member_missing(struct story *story) {
  *story = reinit_story;
  story->stranger = true;
}

static void no_reinit(struct story *story) {
  *story = reinit_story;
  story->unfinished = true;
}

static void reinit_in_epoch_0(struct story *story) {
  *story = reinit_story;
  story->epoch = 0;
}

static void reinit_in_epoch_2(struct story *story) {
  *story = reinit_story;
  story->epoch = 2;
}

/* A member whom the commit of the ReInit had removed would have that one. */
static void psk_from_before_the_reinit(struct story *story) {
  *story = reinit_story;
  story->earlier = true;
}

static void branch_in_epoch_2(struct story *story) {
  *story = branch_story;
  story->epoch = 2;
}

static void branch_with_a_stranger(struct story *story) {
  *story = branch_story;
  story->others &= ~BIT(ALICE);
}

/* The Welcome names a PSK of a group that judy is no longer in. */
static void tell_of_lost_group(struct world *world, struct bytes *out) {
  struct invite invite;
  struct commit_plan plan = {0};
  struct incoming *incoming = NULL;
  struct group *group = old_group(world, JUDY, false);
  ck_assert_int_eq(commit_plan_remove(&plan, group, group_own_leaf(world->other)), OK);
  ck_assert_int_eq(commit_build(group, &plan), OK);
  ck_assert_int_eq(process_message(world->other, bytes_view(&group->pending->message), &incoming),
                   OK);
  invite_begin(&invite, world);
  link(world, PSK_APPLICATION, false, &invite);
  ck_assert_int_eq(process_accept(incoming), OK);
  ck_assert(world->other->left);
  invite_send(&invite, out);
  incoming_free(incoming);
  commit_plan_free(&plan);
  group_free(group);
}

START_TEST(lost) {
  const struct row row = {"12.4.3.1", "a PSK of a group that was left", NULL, ERR_NOT_FOUND};
  struct world world;
  struct bytes message = {0};
  struct opened_welcome opened = {0};
  world_init(&world, 1);
  tell_of_lost_group(&world, &message);
  struct client *client = world.joiner.client;
  expect_reason(client,
                join_open_successor(client, world.other, bytes_view(&message), VIEW_NONE, &opened),
                &row);
  bytes_free(&message);
  world_free(&world);
}
END_TEST

static const struct {
  const char *section;
  const char *changed;
  bend_story *bend;
  enum err expected;
} stories[] = {
    {"12.4.3.1", "nothing: the group that a ReInit announced", true_reinit, OK},
    {"12.4.3.1", "nothing: a branch", true_branch, OK},
    {"12.4.3.1", "the ReInit announced another group id", other_group_id, ERR_INVALID_TREE},
    {"12.4.3.1", "the ReInit announced another version", other_version, ERR_INVALID_TREE},
    {"12.4.3.1", "the ReInit announced another suite", other_suite, ERR_INVALID_TREE},
    {"12.4.3.1", "the ReInit announced other extensions", other_extensions, ERR_INVALID_TREE},
    {"12.4.3.1", "a member of the old group is missing", member_missing, ERR_INVALID_TREE},
    {"11.2", "no ReInit was committed", no_reinit, ERR_INVALID_STATE},
    {"12.4.3.1", "the group of a ReInit is in epoch 0", reinit_in_epoch_0, ERR_INVALID_TREE},
    {"12.4.3.1", "the group of a ReInit is in epoch 2", reinit_in_epoch_2, ERR_INVALID_TREE},
    {"11.2", "the PSK is of the epoch before the ReInit", psk_from_before_the_reinit,
     ERR_INVALID_TREE},
    {"12.4.3.1", "a branch is in epoch 2", branch_in_epoch_2, ERR_INVALID_TREE},
    {"12.4.3.1", "a branch has a member that was not in the group", branch_with_a_stranger,
     ERR_INVALID_TREE},
};

START_TEST(linked) {
  stories[_i].bend(&told);
  const struct row row = {stories[_i].section, stories[_i].changed, tell, stories[_i].expected};
  refuse_welcome(&row);
}
END_TEST

/* ---- The other groups' side ---- */

/* Set up the group that a ReInit announced, or a branch, with clients that cannot. */
START_TEST(no_successor) {
  struct world world;
  struct group *successor = NULL, *group;
  struct announced announced = next_group;
  struct member judy = member_new("judy", 3);
  world_init(&world, 1);
  group = old_group(&world, JUDY, false);
  struct client *client = world.joiner.client;
  ck_assert_int_eq(group_new_branch(judy.client, world.other, VIEW_TEXT("branch"), &successor),
                   ERR_INVALID_ARG);
  ck_assert_int_eq(group_new_successor(client, world.other, &successor), ERR_INVALID_STATE);
  announced.version = 2;
  end_old_group(&world, group, &announced);
  ck_assert_int_eq(group_new_successor(client, world.other, &successor), ERR_UNSUPPORTED);
  ck_assert_int_eq(commit_build(world.other, &(struct commit_plan){0}), ERR_INVALID_STATE);
  ck_assert_int_eq(group_new_branch(client, world.other, VIEW_TEXT("branch"), &successor),
                   ERR_INVALID_STATE);
  ck_assert_ptr_null(successor);
  group_free(group);
  member_free(&judy);
  world_free(&world);
}
END_TEST

/* A group of the same people in cipher suite 3, which judy has by another client. */
static struct group *group_in_suite_3(struct member people[MEMBERS + 1]) {
  static const char *const names[] = {"alice", "bob", "carol", "mallory", "erin", "judy"};
  struct group *group = NULL;
  struct commit_plan plan = {0};
  struct opened_welcome opened = {0};
  for (uint32_t i = 0; i <= MEMBERS; i++)
    people[i] = member_new(names[i], 3);
  ck_assert_int_eq(group_new(people[MALLORY].client, VIEW_TEXT("the old group"), &group), OK);
  for (uint32_t i = 0; i <= MEMBERS; i++)
    if (i != MALLORY)
      plan_add(&plan, group, people[i].client);
  ck_assert_int_eq(commit_build(group, &plan), OK);
  ck_assert_int_eq(join_open_welcome(people[MEMBERS].client, bytes_view(&group->pending->welcome),
                                     VIEW_NONE, &opened),
                   OK);
  ck_assert_int_eq(join_accept_welcome(people[MEMBERS].client, &opened, &people[MEMBERS].group),
                   OK);
  opened_welcome_free(&opened);
  commit_plan_free(&plan);
  return group;
}

/* RFC 9420, section 11.3: a branch has the suite of the group that it is from. */
START_TEST(branch_in_another_suite) {
  const struct row row = {"12.4.3.1", "a branch in another suite", NULL, ERR_INVALID_TREE};
  struct world world;
  struct member people[MEMBERS + 1];
  struct invite invite;
  struct bytes message = {0};
  struct opened_welcome opened = {0};
  struct group *group = group_in_suite_3(people);
  world_init(&world, 1);
  struct client *client = world.joiner.client;
  invite_begin(&invite, &world);
  world.other = people[MEMBERS].group;
  link(&world, PSK_BRANCH, false, &invite);
  world.other = NULL;
  invite_send(&invite, &message);
  expect_reason(
      client,
      join_open_successor(client, people[MEMBERS].group, bytes_view(&message), VIEW_NONE, &opened),
      &row);
  bytes_free(&message);
  group_free(group);
  for (uint32_t i = 0; i <= MEMBERS; i++)
    member_free(&people[i]);
  world_free(&world);
}
END_TEST

TCase *reject_resume(void) {
  TCase *cases = tcase_create("resume");
  tcase_add_loop_test(cases, reinits, 0, COUNT(rows));
  tcase_add_loop_test(cases, ended, 0, COUNT(ended_rows));
  tcase_add_loop_test(cases, linked, 0, COUNT(stories));
  tcase_add_test(cases, lost);
  tcase_add_test(cases, no_successor);
  tcase_add_test(cases, branch_in_another_suite);
  return cases;
}
