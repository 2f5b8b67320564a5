/*
 * Saved state whose parts contradict each other, as if the seal had been broken: each test changes
 * one thing before it is saved, and names the reason for which it must be refused.
 * SPDX-License-Identifier: ISC
 */
#include <check.h>
#include <string.h>

#include "base/mem.h"
#include "company.h"
#include "crypto/provider.h"
#include "mls/group/groupinfo.h"
#include "state/seal.h"
#include "state/snapshot.h"
#include "tests/run.h"
#include "tests/taken.h"

static const uint8_t key[SEALBOX_KEY_SIZE] = {7, 7, 7};

/* Member 0, alice, has everything that can be saved. */
static struct member members[COMPANY_FULL];

static void setup(void) {
  company_full(members);
}

static void teardown(void) {
  company_free(members, COMPANY_FULL);
}

static struct bytes bytes_of(struct view view) {
  struct bytes bytes = {0};
  ck_assert_int_eq(bytes_copy(&bytes, view), OK);
  return bytes;
}

/* Alice's group is saved as it is now, and must be refused for this reason. */
static void contradiction(const char *text) {
  struct client *client = members[0].client;
  struct group *group = NULL;
  struct bytes blob = {0};
  size_t groups = client->group_count;
  client->why = (struct why){""};
  ck_assert_int_eq(snapshot_save_group(members[0].group, VIEW_ARRAY(key), &blob), OK);
  ck_assert_int_eq(snapshot_load_group(client, VIEW_ARRAY(key), bytes_view(&blob), &group),
                   ERR_STATE_CORRUPT);
  ck_assert_ptr_null(group);
  ck_assert_uint_eq(client->group_count, groups);
  if (strstr(client->why.text, text) == NULL)
    ck_abort_msg("\"%s\" does not say \"%s\"", client->why.text, text);
  bytes_free(&blob);
}

#define DOES_NOT_DECODE "does not decode"

/* Give a variable another value for as long as it takes to be refused. */
#define WITH(variable, value, text)                                                                \
  do {                                                                                             \
    __typeof__(variable) kept_value = (variable);                                                  \
    (variable) = (value);                                                                          \
    contradiction(text);                                                                           \
    (variable) = kept_value;                                                                       \
  } while (0)

static struct bytes written(const struct group_context *context) {
  struct writer writer = {0};
  group_context_write(&writer, context);
  return taken(&writer);
}

/* With a shorter hash: none is what only the first epoch of a group has. */
static struct bytes with_confirmed_hash(const struct group_context *context, size_t size) {
  struct group_context changed = *context;
  changed.confirmed_transcript_hash.size = size;
  return written(&changed);
}

static struct bytes with_epoch(const struct group_context *context, uint64_t epoch) {
  struct group_context changed = *context;
  changed.epoch = epoch;
  return written(&changed);
}

START_TEST(test_epoch_contradictions) {
  struct group *group = members[0].group;
  struct epoch *epoch = group->epoch;
  struct epoch_secrets *secrets = epoch->secrets;
  WITH(epoch->own_leaf, 1, "leaf 1 is not that of this client");
  WITH(epoch->own_leaf, 3, "leaf 3 is not");
  WITH(epoch->own_leaf, LEAF_NONE, "is not that of this client");
  WITH(epoch->tree, group->past[0]->tree, "the tree is not the one");
  WITH(epoch->confirmation_tag[0], epoch->confirmation_tag[0] ^ 1, "the confirmation tag is wrong");
  WITH(secrets->confirmation.bytes[5], secrets->confirmation.bytes[5] ^ 1,
       "the confirmation tag is wrong");
  WITH(secrets->sender_data.size, 0, DOES_NOT_DECODE);
  WITH(secrets->resumption_psk.size, 31, DOES_NOT_DECODE);
  WITH(secrets->init.size, 33, DOES_NOT_DECODE);
  WITH(secrets->external.size, 0, DOES_NOT_DECODE);
  WITH(epoch->keys->at[0].bytes[9], epoch->keys->at[0].bytes[9] ^ 1, "private key at height 0");
  WITH(epoch->keys->at[0].size, 0, "private key at height 0");
  WITH(epoch->keys->at[2].bytes[9], epoch->keys->at[2].bytes[9] ^ 1, "private key at height 2");
  WITH(epoch->keys->at[3], epoch->keys->at[0], "blank node at height 3");
  WITH(epoch->keys->at[2].size, 0, "was not told the key of the node at height 2");
  WITH(epoch->secret_tree, NULL, DOES_NOT_DECODE);
  WITH(group->past[0]->secret_tree, NULL, DOES_NOT_DECODE);
  WITH(group->pending->next->keys, epoch->keys, "private key at height");
  WITH(group->past[1]->keys, epoch->keys, DOES_NOT_DECODE);
  struct bytes unconfirmed = with_confirmed_hash(&epoch->context, 0);
  WITH(epoch->context_raw, unconfirmed, "confirmed transcript hash of 0 bytes");
  bytes_free(&unconfirmed);
  struct bytes half = with_confirmed_hash(&epoch->context, 16);
  WITH(epoch->context_raw, half, "confirmed transcript hash of 16 bytes");
  bytes_free(&half);
  struct writer context = {0};
  write_bytes(&context, bytes_view(&epoch->context_raw));
  write_u8(&context, 0);
  struct bytes longer = bytes_of(writer_view(&context));
  WITH(epoch->context_raw, longer, DOES_NOT_DECODE);
  bytes_free(&longer);
  writer_free(&context);
  WITH(epoch->context_raw.data[1], 2, DOES_NOT_DECODE);
  WITH(epoch->context_raw.data[3], 2, "GroupContext of suite 2");
}
END_TEST

START_TEST(test_group_contradictions) {
  struct group *group = members[0].group;
  struct pending_commit *pending = group->pending;
  ck_assert_uint_ge(group->past_count, 2);
  struct epoch *newest = group->past[0];
  group->past[0] = group->past[1];
  group->past[1] = newest;
  contradiction("past epochs are out of order");
  group->past[1] = group->past[0];
  group->past[0] = newest;
  WITH(group->past[0], group->past[1], "past epochs are out of order");
  WITH(pending->next, group->epoch, "does not lead to the next epoch");
  WITH(group->left, true, DOES_NOT_DECODE);
  WITH(pending->message.size, 0, DOES_NOT_DECODE);

  /* The first byte of the group id stands behind version, suite and its length. */
  struct bytes *context = &group->past[1]->context_raw;
  WITH(context->data[5], 'C', "of another group or member");
  context = &pending->next->context_raw;
  WITH(context->data[5], 'C', "of another group or member");

  for (size_t i = group->past_count; i < PAST_EPOCHS_MAX; i++)
    group->past[i] = group->past[0];
  WITH(group->past_count, PAST_EPOCHS_MAX, "out of order");
}
END_TEST

/* Behind the last epoch there is none. */
START_TEST(test_pending_beyond_the_last) {
  struct group *group = members[0].group;
  struct epoch *next = group->pending->next;
  struct bytes last = with_epoch(&group->epoch->context, UINT64_MAX),
               first = with_epoch(&next->context, 0);
  struct bytes kept = group->epoch->context_raw;
  proposal_store_clear(&group->proposals);
  group->epoch->context_raw = last;
  WITH(next->context_raw, first, "does not lead to the next epoch");
  group->epoch->context_raw = kept;
  bytes_free(&last);
  bytes_free(&first);
}
END_TEST

START_TEST(test_psk_contradictions) {
  struct psk_history *psks = &members[0].group->psks;
  ck_assert_uint_eq(psks->count, 3);
  struct past_psk *item = psks->item;
  WITH(item[0].epoch, item[1].epoch, "resumption PSKs are out of order");
  WITH(item[1].epoch, item[2].epoch + 1, "resumption PSKs are out of order");
  WITH(item[2].epoch, group_epoch_number(members[0].group), "resumption PSKs are out of order");
  WITH(item[0].psk.size, 31, DOES_NOT_DECODE);
  WITH(item[2].psk.size, 0, DOES_NOT_DECODE);
}
END_TEST

/* What only groups have that go on from another one, or were ended by a ReInit. */
START_TEST(test_link_contradictions) {
  struct group *group = members[0].group, *branch = NULL;
  struct writer reinit = {0};
  proposal_write_reinit(&reinit, VIEW_TEXT("next"), MLS_VERSION_10, 1, VIEW_NONE);
  struct bytes good = bytes_of(writer_view(&reinit)), cut = {good.data, good.size - 1};
  struct bytes removal = bytes_of(group->proposals.item[1].proposal.raw);
  WITH(group->epoch->reinit, cut, "");
  WITH(group->epoch->reinit, removal, DOES_NOT_DECODE);
  write_u8(&reinit, 0);
  struct bytes longer = bytes_of(writer_view(&reinit));
  WITH(group->epoch->reinit, longer, DOES_NOT_DECODE);
  bytes_free(&longer);
  WITH(group->external_pub, good, DOES_NOT_DECODE);

  ck_assert_int_eq(group_new_branch(members[0].client, group, VIEW_TEXT("branch"), &branch), OK);
  struct group_link *link = branch->link;
  WITH(group->link, link, DOES_NOT_DECODE); /* not in epoch 0 */
  members[0].group = branch;
  WITH(link->usage, PSK_APPLICATION, DOES_NOT_DECODE);
  WITH(link->usage, PSK_BRANCH + 1, DOES_NOT_DECODE);
  WITH(link->psk.size, 0, DOES_NOT_DECODE);
  /* Whoever left a branch before it began has no link any more. */
  struct private_keys *keys = branch->epoch->keys;
  struct secret_tree *secret_tree = branch->epoch->secret_tree;
  branch->epoch->keys = NULL;
  branch->epoch->secret_tree = NULL;
  WITH(branch->left, true, "more or less");
  branch->epoch->keys = keys;
  branch->epoch->secret_tree = secret_tree;
  members[0].group = group;
  group_free(branch);
  writer_free(&reinit);
  bytes_free(&good);
  bytes_free(&removal);
}
END_TEST

/* An AuthenticatedContent of this epoch around `content`, and what follows it. */
static struct bytes authenticated(uint8_t content_type, struct view content, struct view behind) {
  const struct epoch *epoch = members[0].group->epoch;
  const struct authenticated_content whole = {
      .wire_format = WIRE_PUBLIC_MESSAGE,
      .content = {.group_id = epoch->context.group_id,
                  .epoch = epoch->context.epoch,
                  .sender = {SENDER_MEMBER, 1},
                  .content_type = content_type,
                  .content = content},
      .auth = {.signature = VIEW_TEXT("signature")},
  };
  struct writer writer = {0};
  framing_write_authenticated(&writer, &whole);
  write_bytes(&writer, behind);
  return taken(&writer);
}

START_TEST(test_stored_is_no_proposal) {
  struct stored_proposal *stored = &members[0].group->proposals.item[1];
  struct view removal = stored->proposal.raw;
  struct bytes same = authenticated(CONTENT_PROPOSAL, removal, VIEW_NONE);
  struct bytes longer = authenticated(CONTENT_PROPOSAL, removal, VIEW_TEXT("x"));
  struct bytes application = authenticated(CONTENT_APPLICATION, removal, VIEW_NONE);
  struct group *group = NULL;
  struct bytes kept = stored->authenticated, blob = {0};
  stored->authenticated = same;
  ck_assert_int_eq(snapshot_save_group(members[0].group, VIEW_ARRAY(key), &blob), OK);
  ck_assert_int_eq(
      snapshot_load_group(members[0].client, VIEW_ARRAY(key), bytes_view(&blob), &group), OK);
  stored->authenticated = kept;
  WITH(stored->authenticated, longer, DOES_NOT_DECODE);
  WITH(stored->authenticated, application, DOES_NOT_DECODE);
  group_free(group);
  bytes_free(&blob);
  bytes_free(&same);
  bytes_free(&longer);
  bytes_free(&application);
}
END_TEST

/* Proposals are of this epoch, from members, once each; keys belong to own Updates. */
START_TEST(test_proposal_contradictions) {
  struct proposal_store *store = &members[0].group->proposals;
  ck_assert_uint_eq(store->count, 2);
  struct stored_proposal *update = &store->item[0], *removal = &store->item[1];
  WITH(removal->update_key, update->update_key, "that needs none");
  struct bytes own_removal = {0};
  ck_assert_int_eq(group_propose_remove(members[0].group, 1, &own_removal), OK);
  bytes_free(&own_removal);
  update = &store->item[0];
  removal = &store->item[1];
  WITH(store->item[2].update_key, update->update_key, "that needs none");
  WITH(update->update_key->bytes[3], update->update_key->bytes[3] ^ 1, DOES_NOT_DECODE);
  WITH(removal->authenticated, update->authenticated, "a proposal twice");
  /* AuthenticatedContent: wire format, group id with its length, epoch, sender type and leaf. */
  uint8_t *bytes = removal->authenticated.data;
  const size_t id = 3, epoch = id + 7, sender = epoch + 8;
  ck_assert_uint_eq(bytes[sender], SENDER_MEMBER);
  WITH(bytes[id], 'C', "another group, epoch or member");
  WITH(bytes[epoch], 1, "another group, epoch or member");
  WITH(bytes[sender + 4], 3, "another group, epoch or member");
  /* The right key, but for an Update by somebody else. */
  bytes = update->authenticated.data;
  ck_assert_uint_eq(bytes[sender], SENDER_MEMBER);
  WITH(bytes[sender], SENDER_EXTERNAL, "that needs none");
  WITH(bytes[sender + 4], 1, "that needs none");
}
END_TEST

/* Who is no member has no more than that. */
START_TEST(test_outsider_contradictions) {
  struct bytes info = {0};
  struct member *outsider = &members[3], alice = members[0];
  ck_assert_int_eq(group_info(members[1].group, &info), OK);
  ck_assert_int_eq(join_external(outsider->client, bytes_view(&info), VIEW_NONE, &outsider->group),
                   OK);
  struct group *group = outsider->group;
  members[0] = *outsider;
  WITH(group->external_pub.size, 0, "more or less than who is no member has");
  WITH(group->left, true, "more or less than who is no member has");
  WITH(group->epoch->own_leaf, group->pending->next->own_leaf, "is not that");
  WITH(group->pending->next->own_leaf, LEAF_NONE, "is not that");
  WITH(group->proposals, alice.group->proposals, "a private key for");
  /* Whoever was refused has no commit. */
  struct bytes external_pub = group->external_pub;
  group->external_pub.size = 0;
  WITH(group->left, true, "more or less than who is no member has");
  group->external_pub = external_pub;
  members[0] = alice;
  bytes_free(&info);
}
END_TEST

/* A member saved and loaded: the same one in another program. */
static struct member member_twice(const struct member *member) {
  struct member twice = {NULL, NULL};
  struct bytes blob = {0};
  ck_assert_int_eq(snapshot_save_client(member->client, VIEW_ARRAY(key), &blob), OK);
  ck_assert_int_eq(snapshot_load_client(VIEW_ARRAY(key), bytes_view(&blob), NULL, &twice.client),
                   OK);
  bytes_free(&blob);
  ck_assert_int_eq(snapshot_save_group(member->group, VIEW_ARRAY(key), &blob), OK);
  ck_assert_int_eq(
      snapshot_load_group(twice.client, VIEW_ARRAY(key), bytes_view(&blob), &twice.group), OK);
  bytes_free(&blob);
  return twice;
}

/* A member who looks at its group from outside is not in it there. */
START_TEST(test_member_outside) {
  struct bytes info = {0};
  struct member alice = members[0];
  members[0] = member_twice(&alice);
  group_free(members[0].group);
  ck_assert_int_eq(group_info(members[1].group, &info), OK);
  ck_assert_int_eq(
      external_open(members[0].client, bytes_view(&info), VIEW_NONE, &members[0].group), OK);
  WITH(members[0].group->epoch->own_leaf, 0, "leaf 0 is not that of this client");
  member_free(&members[0]);
  members[0] = alice;
  bytes_free(&info);
}
END_TEST

static void remove_member(size_t by, size_t leaf, size_t count) {
  struct commit_plan plan = {0};
  ck_assert_int_eq(commit_plan_remove(&plan, members[by].group, (uint32_t)leaf), OK);
  ck_assert_int_eq(commit_build(members[by].group, &plan), OK);
  company_hears(members, count, by, bytes_view(&members[by].group->pending->message));
  ck_assert_int_eq(commit_accepted(members[by].group), OK);
  commit_plan_free(&plan);
}

/* Past epochs are gone with those who left, and do not come from an earlier time in the group. */
START_TEST(test_past_of_another_life) {
  ck_assert_int_eq(commit_discard(members[0].group), OK);
  struct member before = member_twice(&members[1]);
  remove_member(0, 1, COMPANY_FULL);
  struct member alice = members[0], bob = members[1];
  members[0] = bob;
  bob.group->past[0] = before.group->past[0];
  WITH(bob.group->past_count, 1, "more or less than who is no member has");
  struct proposal_store none = bob.group->proposals;
  bob.group->proposals = before.group->proposals;
  ck_assert_uint_gt(before.group->proposals.count, 0);
  contradiction("more or less than who is no member has");
  bob.group->proposals = none;
  WITH(bob.group->psks, before.group->psks, "more or less than who is no member has");
  members[0] = alice;

  /* Bob comes back to another leaf, as his own is taken. */
  group_free(bob.group);
  members[1].group = NULL;
  company_add(members, COMPANY_FULL, 0, 3);
  company_add(members, COMPANY_FULL, 0, 1);
  ck_assert_uint_ne(group_own_leaf(members[1].group), 1);
  alice = members[0];
  members[0] = members[1];
  members[0].group->past[0] = before.group->past[0];
  WITH(members[0].group->past_count, 1, "of another group or member");
  members[0] = alice;
  member_free(&before);
}
END_TEST

/* Alice is saved as she is now, and must be refused for this reason. */
static void client_contradiction(const char *text) {
  struct client *client = NULL;
  struct why why = {""};
  struct bytes blob = {0};
  ck_assert_int_eq(snapshot_save_client(members[0].client, VIEW_ARRAY(key), &blob), OK);
  ck_assert_int_eq(snapshot_load_client(VIEW_ARRAY(key), bytes_view(&blob), &why, &client),
                   ERR_STATE_CORRUPT);
  ck_assert_ptr_null(client);
  if (strstr(why.text, text) == NULL)
    ck_abort_msg("\"%s\" does not say \"%s\"", why.text, text);
  bytes_free(&blob);
}

#define CLIENT_WITH(variable, value, text)                                                         \
  do {                                                                                             \
    __typeof__(variable) kept_value = (variable);                                                  \
    (variable) = (value);                                                                          \
    client_contradiction(text);                                                                    \
    (variable) = kept_value;                                                                       \
  } while (0)

START_TEST(test_client_contradictions) {
  struct client *client = members[0].client, *bob = members[1].client;
  struct own_key_package *own = &client->key_packages[0];
  struct bytes message = {0};
  ck_assert_int_eq(client_key_package(bob, &message), OK);
  CLIENT_WITH(client->signature_key->bytes[1], client->signature_key->bytes[1] ^ 1,
              "private signature key");
  CLIENT_WITH(client->signature_key->size, 31, "private signature key");
  CLIENT_WITH(client->signature_public, bob->signature_public, "private signature key");
  CLIENT_WITH(client->signature_public.size, 31, "private signature key");
  CLIENT_WITH(client->credential.size, client->credential.size - 1, DOES_NOT_DECODE);
  CLIENT_WITH(client->credential.size, 0, DOES_NOT_DECODE);
  CLIENT_WITH(own->secret->init_key.bytes[1], own->secret->init_key.bytes[1] ^ 1, DOES_NOT_DECODE);
  CLIENT_WITH(own->secret->encryption_key.size, 0, DOES_NOT_DECODE);
  CLIENT_WITH(own->secret->init_key.size, 0, DOES_NOT_DECODE);
  CLIENT_WITH(own->secret->encryption_key, own->secret->init_key, DOES_NOT_DECODE);
  CLIENT_WITH(own->raw.size, own->raw.size - 1, "KeyPackage");
  CLIENT_WITH(own->raw.data[1], 2, "of somebody else");
  CLIENT_WITH(own->raw.data[3], 2, "of somebody else");
  CLIENT_WITH(own->raw, bob->key_packages[0].raw, "of somebody else");
  struct writer longer = {0};
  write_bytes(&longer, bytes_view(&own->raw));
  write_u8(&longer, 0);
  struct bytes trailing = bytes_of(writer_view(&longer));
  CLIENT_WITH(own->raw, trailing, DOES_NOT_DECODE);
  bytes_free(&trailing);
  writer_free(&longer);
  bytes_free(&message);
}
END_TEST

/* Epochs are remembered of last-resort key packages alone, all 256 of them once there is no private
 * half any more. */
START_TEST(test_mark_contradictions) {
  struct client *client = members[0].client;
  struct bytes message = {0};
  ck_assert_int_eq(client_last_resort_key_package(client, &message), OK);
  struct own_key_package *once = &client->key_packages[0],
                         *stays = &client->key_packages[client->key_package_count - 1];
  ck_assert(own_key_package_is_last_resort(stays));
  struct epoch_mark *marks = stays->joined;
  once->joined = marks;
  CLIENT_WITH(once->joined_count, 1, DOES_NOT_DECODE);
  once->joined = NULL;
  CLIENT_WITH(once->secret, NULL, DOES_NOT_DECODE);
  CLIENT_WITH(stays->secret, NULL, DOES_NOT_DECODE);
  stays->joined_count = LAST_RESORT_JOINS_MAX - 1;
  CLIENT_WITH(stays->secret, NULL, DOES_NOT_DECODE);
  stays->joined_count = LAST_RESORT_JOINS_MAX;
  client_contradiction(DOES_NOT_DECODE);
  struct epoch_mark *many = mem_new(LAST_RESORT_JOINS_MAX + 1, sizeof *many);
  stays->joined = many;
  stays->joined_count = LAST_RESORT_JOINS_MAX + 1;
  client_contradiction(DOES_NOT_DECODE);
  stays->joined = marks;
  stays->joined_count = 0;
  mem_free(many);
  bytes_free(&message);
}
END_TEST

int main(void) {
  if (provider_init() != OK)
    return 2;
  TCase *tests = tcase_create("state-contradictions");
  tcase_set_timeout(tests, 120);
  tcase_add_checked_fixture(tests, setup, teardown);
  tcase_add_test(tests, test_epoch_contradictions);
  tcase_add_test(tests, test_group_contradictions);
  tcase_add_test(tests, test_psk_contradictions);
  tcase_add_test(tests, test_pending_beyond_the_last);
  tcase_add_test(tests, test_link_contradictions);
  tcase_add_test(tests, test_stored_is_no_proposal);
  tcase_add_test(tests, test_proposal_contradictions);
  tcase_add_test(tests, test_outsider_contradictions);
  tcase_add_test(tests, test_member_outside);
  tcase_add_test(tests, test_past_of_another_life);
  tcase_add_test(tests, test_client_contradictions);
  tcase_add_test(tests, test_mark_contradictions);
  return run_case("state-contradictions", tests);
}
