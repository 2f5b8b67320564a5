/*
 * Saved state that is not what was saved: altered blobs, other keys and clients; contents whose
 * parts contradict each other, as if the seal had been broken; and memory that runs out.
 * SPDX-License-Identifier: ISC
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "company.h"
#include "failing.h"
#include "forge.h"
#include "state/seal.h"
#include "state/snapshot.h"

#define MEMBERS 4
#define VERSION_AT 4

static const uint8_t key[SEALBOX_KEY_SIZE] = {7, 7, 7};

/* Member 0 has everything that can be saved: key packages, PSKs, past epochs, proposals, an Update of
 * its own, a pending commit. */
static struct member members[MEMBERS];

static void setup(void) {
  struct bytes bytes = {0};
  struct commit_plan plan = {0};
  for (size_t i = 0; i < MEMBERS; i++)
    members[i] = member_new(1, (char)('a' + i));
  company_new(members, MEMBERS, 3);
  struct member *alice = &members[0];
  ck_assert_int_eq(client_key_package(alice->client, &bytes), OK);
  bytes_free(&bytes);
  ck_assert_int_eq(client_add_psk(alice->client, VIEW_TEXT("id"), VIEW_TEXT("psk")), OK);
  bytes = member_says(&members[2], "skipped");
  bytes_free(&bytes);
  bytes = member_says(&members[2], "read");
  member_reads(alice, bytes_view(&bytes), "read");
  bytes_free(&bytes);
  company_commit(members, MEMBERS, 0);
  ck_assert_int_eq(group_propose_update(alice->group, &bytes), OK);
  company_hears(members, MEMBERS, 0, bytes_view(&bytes));
  bytes_free(&bytes);
  ck_assert_int_eq(group_propose_remove(members[1].group, 2, &bytes), OK);
  company_hears(members, MEMBERS, 1, bytes_view(&bytes));
  bytes_free(&bytes);
  ck_assert_int_eq(commit_build(alice->group, &plan), OK);
  forge_seed(1);
}

static void teardown(void) {
  company_free(members, MEMBERS);
}

static struct bytes saved_client(const struct client *client) {
  struct bytes blob = {0};
  ck_assert_int_eq(snapshot_save_client(client, VIEW_ARRAY(key), &blob), OK);
  return blob;
}

static struct bytes saved_group(const struct group *group) {
  struct bytes blob = {0};
  ck_assert_int_eq(snapshot_save_group(group, VIEW_ARRAY(key), &blob), OK);
  return blob;
}

/* What is under the seal. */
static struct bytes content_of(struct bytes *blob, enum seal_kind kind) {
  struct bytes content = {0};
  uint8_t version = 0;
  ck_assert_int_eq(unseal(VIEW_ARRAY(key), kind, bytes_view(blob), NULL, &version, &content), OK);
  bytes_free(blob);
  return content;
}

static void client_refused(struct view with, struct view blob, enum err expected) {
  struct client *client = NULL;
  struct why why = {""};
  ck_assert_int_eq(snapshot_load_client(with, blob, &why, &client), expected);
  ck_assert_ptr_null(client);
  ck_assert(expected == ERR_INVALID_ARG || why.text[0] != '\0');
}

static void group_refused(struct client *client, struct view with, struct view blob,
                          enum err expected) {
  struct group *group = NULL;
  size_t groups = client->group_count;
  client->why = (struct why){""};
  ck_assert_int_eq(snapshot_load_group(client, with, blob, &group), expected);
  ck_assert_ptr_null(group);
  ck_assert_uint_eq(client->group_count, groups);
  ck_assert(expected == ERR_INVALID_ARG || client->why.text[0] != '\0');
}

/* ---- The blob ---- */

START_TEST(test_prefixes) {
  struct bytes client = saved_client(members[0].client), group = saved_group(members[0].group);
  for (size_t size = 0; size < client.size; size++)
    client_refused(VIEW_ARRAY(key), view_of(client.data, size), ERR_STATE_KEY);
  for (size_t size = 0; size < group.size; size++)
    group_refused(members[0].client, VIEW_ARRAY(key), view_of(group.data, size), ERR_STATE_KEY);
  bytes_free(&client);
  bytes_free(&group);
}
END_TEST

static enum err after_flip(const struct bytes *blob, size_t bit) {
  blob->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
  bool newer = bit / 8 == VERSION_AT && blob->data[VERSION_AT] > SEAL_VERSION;
  return newer ? ERR_STATE_VERSION : ERR_STATE_KEY;
}

START_TEST(test_bits) {
  struct bytes client = saved_client(members[0].client), group = saved_group(members[0].group);
  for (size_t bit = 0; bit < 8 * client.size; bit++) {
    client_refused(VIEW_ARRAY(key), bytes_view(&client), after_flip(&client, bit));
    (void)after_flip(&client, bit);
  }
  for (size_t bit = 0; bit < 8 * group.size; bit++) {
    group_refused(members[0].client, VIEW_ARRAY(key), bytes_view(&group), after_flip(&group, bit));
    (void)after_flip(&group, bit);
  }
  bytes_free(&client);
  bytes_free(&group);
}
END_TEST

START_TEST(test_keys) {
  struct bytes client = saved_client(members[0].client), group = saved_group(members[0].group),
               none = {0};
  static const uint8_t other[SEALBOX_KEY_SIZE] = {7, 7, 8};
  static const size_t sizes[] = {0, 31, 33};
  static const uint8_t long_key[33] = {7, 7, 7};
  for (size_t i = 0; i < 3; i++) {
    struct view wrong = view_of(long_key, sizes[i]);
    client_refused(wrong, bytes_view(&client), ERR_INVALID_ARG);
    group_refused(members[0].client, wrong, bytes_view(&group), ERR_INVALID_ARG);
    ck_assert_int_eq(snapshot_save_client(members[0].client, wrong, &none), ERR_INVALID_ARG);
    ck_assert_int_eq(snapshot_save_group(members[0].group, wrong, &none), ERR_INVALID_ARG);
    ck_assert_ptr_null(none.data);
  }
  client_refused(VIEW_ARRAY(other), bytes_view(&client), ERR_STATE_KEY);
  group_refused(members[0].client, VIEW_ARRAY(other), bytes_view(&group), ERR_STATE_KEY);
  /* A client is no group, a group no client. */
  client_refused(VIEW_ARRAY(key), bytes_view(&group), ERR_STATE_CORRUPT);
  group_refused(members[0].client, VIEW_ARRAY(key), bytes_view(&client), ERR_STATE_CORRUPT);
  bytes_free(&client);
  bytes_free(&group);
}
END_TEST

START_TEST(test_other_client) {
  struct bytes blob = saved_group(members[0].group);
  group_refused(members[1].client, VIEW_ARRAY(key), bytes_view(&blob), ERR_NOT_FOUND);
  struct member other = member_new(3, 'a');
  group_refused(other.client, VIEW_ARRAY(key), bytes_view(&blob), ERR_NOT_FOUND);
  member_free(&other);
  bytes_free(&blob);
}
END_TEST

START_TEST(test_limit) {
  struct bytes blob = saved_group(members[0].group);
  members[0].client->settings.max_members = 2;
  group_refused(members[0].client, VIEW_ARRAY(key), bytes_view(&blob), ERR_LIMIT);
  members[0].client->settings.max_members = 3;
  struct group *group = NULL;
  ck_assert_int_eq(
      snapshot_load_group(members[0].client, VIEW_ARRAY(key), bytes_view(&blob), &group), OK);
  group_free(group);
  bytes_free(&blob);
}
END_TEST

/* ---- Under the seal ---- */

/* The suite is the first value of both maps, after the head and its own key. */
#define SUITE_AT 2

START_TEST(test_unknown_suite) {
  struct bytes client_blob = saved_client(members[0].client),
               group_blob = saved_group(members[0].group);
  struct bytes client_content = content_of(&client_blob, SEAL_CLIENT),
               group_content = content_of(&group_blob, SEAL_GROUP);
  struct client *client = NULL;
  struct group *group = NULL;
  ck_assert_uint_eq(client_content.data[SUITE_AT], 1);
  client_content.data[SUITE_AT] = group_content.data[SUITE_AT] = 23;
  ck_assert_int_eq(snapshot_read_client(bytes_view(&client_content), NULL, &client),
                   ERR_UNSUPPORTED);
  ck_assert_int_eq(snapshot_read_group(members[0].client, bytes_view(&group_content), &group),
                   ERR_UNSUPPORTED);
  bytes_free(&client_content);
  bytes_free(&group_content);
}
END_TEST

static bool is_refusal(enum err err) {
  return err == ERR_STATE_CORRUPT || err == ERR_NOT_FOUND || err == ERR_UNSUPPORTED ||
         err == ERR_LIMIT;
}

/* A client that was taken works. */
static void check_client(struct view content) {
  struct client *client = NULL;
  struct bytes blob = {0};
  enum err err = snapshot_read_client(content, NULL, &client);
  if (err != OK) {
    ck_assert(is_refusal(err));
    return;
  }
  ck_assert_int_eq(client_key_package(client, &blob), OK);
  bytes_free(&blob);
  blob = saved_client(client);
  bytes_free(&blob);
  client_free(client);
}

/* So does a group: nothing that depends on what was read fails in a way that a bug would. */
static void check_group(struct client *client, struct view content) {
  struct group *group = NULL;
  struct bytes bytes = {0};
  struct commit_plan plan = {0};
  size_t groups = client->group_count;
  enum err err = snapshot_read_group(client, content, &group);
  if (err != OK) {
    ck_assert(is_refusal(err));
    ck_assert_uint_eq(client->group_count, groups);
    return;
  }
  bytes = saved_group(group);
  group_refused(client, view_of(key, 5), bytes_view(&bytes), ERR_INVALID_ARG);
  bytes_free(&bytes);
  struct group *copy = group;
  if (commit_check_pending(copy) == OK)
    ck_assert_int_eq(commit_accepted(copy), OK);
  ck_assert_int_eq(group_info(copy, &bytes), OK);
  bytes_free(&bytes);
  ck_assert_int_eq(group_encrypt(copy, VIEW_TEXT("text"), &bytes), OK);
  bytes_free(&bytes);
  ck_assert_int_eq(commit_build(copy, &plan), OK);
  ck_assert_int_eq(commit_accepted(copy), OK);
  group_free(group);
}

START_TEST(test_client_content) {
  struct bytes blob = saved_client(members[0].client);
  struct bytes content = content_of(&blob, SEAL_CLIENT);
  for (size_t size = 0; size < content.size; size++) {
    struct client *client = NULL;
    ck_assert_int_eq(snapshot_read_client(view_of(content.data, size), NULL, &client),
                     ERR_STATE_CORRUPT);
  }
  for (size_t bit = 0; bit < 8 * content.size; bit++) {
    (void)after_flip(&content, bit);
    check_client(bytes_view(&content));
    (void)after_flip(&content, bit);
  }
  bytes_free(&content);
}
END_TEST

#define PARTS 8

/* One bit of each byte is enough here: checking the keys of a group takes its time. */
START_TEST(test_group_content) {
  struct bytes blob = saved_group(members[0].group);
  struct bytes content = content_of(&blob, SEAL_GROUP);
  for (size_t at = (size_t)_i; at < content.size; at += PARTS) {
    struct group *group = NULL;
    ck_assert_int_eq(snapshot_read_group(members[0].client, view_of(content.data, at), &group),
                     ERR_STATE_CORRUPT);
    size_t bit = 8 * at + forge_below(8);
    (void)after_flip(&content, bit);
    check_group(members[0].client, bytes_view(&content));
    (void)after_flip(&content, bit);
  }
  bytes_free(&content);
}
END_TEST

/* ---- Parts that contradict each other ---- */

/* Alice's group is saved as it is now, and must be refused for this reason. */
static void contradiction(enum err expected, const char *text) {
  struct client *client = members[0].client;
  struct bytes blob = saved_group(members[0].group);
  group_refused(client, VIEW_ARRAY(key), bytes_view(&blob), expected);
  if (strstr(client->why.text, text) == NULL)
    ck_abort_msg("\"%s\" does not say \"%s\"", client->why.text, text);
  bytes_free(&blob);
}

#define DOES_NOT_DECODE "does not decode"

/* Give a variable another value for as long as it takes to be refused. */
#define WITH(variable, value, expected, text)                                                      \
  do {                                                                                             \
    __typeof__(variable) kept_value = (variable);                                                  \
    (variable) = (value);                                                                          \
    contradiction(expected, text);                                                                 \
    (variable) = kept_value;                                                                       \
  } while (0)

/* A GroupContext as only the first epoch of a group has. */
static struct bytes without_confirmed_hash(const struct group_context *context) {
  struct group_context changed = *context;
  struct writer writer = {0};
  struct bytes raw = {0};
  changed.confirmed_transcript_hash = VIEW_NONE;
  group_context_write(&writer, &changed);
  ck_assert_int_eq(writer_take(&writer, &raw), OK);
  return raw;
}

START_TEST(test_epoch_contradictions) {
  struct group *group = members[0].group;
  struct epoch *epoch = group->epoch;
  struct epoch_secrets *secrets = epoch->secrets;
  WITH(epoch->own_leaf, 1, ERR_STATE_CORRUPT, "leaf 1 is not that of this client");
  WITH(epoch->own_leaf, 3, ERR_STATE_CORRUPT, "leaf 3 is not");
  WITH(epoch->own_leaf, LEAF_NONE, ERR_STATE_CORRUPT, "is not that of this client");
  WITH(epoch->tree, group->past[0]->tree, ERR_STATE_CORRUPT, "the tree is not the one");
  WITH(epoch->confirmation_tag[0], epoch->confirmation_tag[0] ^ 1, ERR_STATE_CORRUPT,
       "the confirmation tag is wrong");
  WITH(secrets->confirmation.bytes[5], secrets->confirmation.bytes[5] ^ 1, ERR_STATE_CORRUPT,
       "the confirmation tag is wrong");
  WITH(secrets->sender_data.size, 0, ERR_STATE_CORRUPT, DOES_NOT_DECODE);
  WITH(secrets->resumption_psk.size, 31, ERR_STATE_CORRUPT, DOES_NOT_DECODE);
  WITH(secrets->init.size, 33, ERR_STATE_CORRUPT, DOES_NOT_DECODE);
  WITH(secrets->external.size, 0, ERR_STATE_CORRUPT, DOES_NOT_DECODE);
  WITH(epoch->keys->at[0].bytes[9], epoch->keys->at[0].bytes[9] ^ 1, ERR_STATE_CORRUPT,
       "private key at height 0");
  WITH(epoch->keys->at[0].size, 0, ERR_STATE_CORRUPT, "private key at height 0");
  WITH(epoch->keys->at[2].bytes[9], epoch->keys->at[2].bytes[9] ^ 1, ERR_STATE_CORRUPT,
       "private key at height 2");
  WITH(epoch->keys->at[3], epoch->keys->at[0], ERR_STATE_CORRUPT, "blank node at height 3");
  WITH(epoch->keys->at[2].size, 0, ERR_STATE_CORRUPT,
       "was not told the key of the node at height 2");
  WITH(epoch->secret_tree, NULL, ERR_STATE_CORRUPT, DOES_NOT_DECODE);
  WITH(group->past[0]->secret_tree, NULL, ERR_STATE_CORRUPT, DOES_NOT_DECODE);
  WITH(group->pending->next->keys, epoch->keys, ERR_STATE_CORRUPT, "private key at height");
  WITH(group->past[1]->keys, epoch->keys, ERR_STATE_CORRUPT, DOES_NOT_DECODE);
  struct bytes unconfirmed = without_confirmed_hash(&epoch->context);
  WITH(epoch->context_raw, unconfirmed, ERR_STATE_CORRUPT, "confirmed transcript hash of 0 bytes");
  bytes_free(&unconfirmed);
  WITH(epoch->context_raw.data[1], 2, ERR_STATE_CORRUPT, DOES_NOT_DECODE);
  WITH(epoch->context_raw.data[3], 2, ERR_STATE_CORRUPT, "GroupContext of suite 2");
}
END_TEST

static struct bytes bytes_of(struct view view) {
  struct bytes bytes = {0};
  ck_assert_int_eq(bytes_copy(&bytes, view), OK);
  return bytes;
}

START_TEST(test_group_contradictions) {
  struct group *group = members[0].group;
  struct pending_commit *pending = group->pending;
  ck_assert_uint_ge(group->past_count, 2);
  struct epoch *newest = group->past[0];
  group->past[0] = group->past[1];
  group->past[1] = newest;
  contradiction(ERR_STATE_CORRUPT, "past epochs are out of order");
  group->past[1] = group->past[0];
  group->past[0] = newest;
  WITH(group->past[0], group->past[1], ERR_STATE_CORRUPT, "past epochs are out of order");
  WITH(pending->next, group->epoch, ERR_STATE_CORRUPT, "does not lead to the next epoch");
  WITH(group->left, true, ERR_STATE_CORRUPT, DOES_NOT_DECODE);
  WITH(pending->message.size, 0, ERR_STATE_CORRUPT, DOES_NOT_DECODE);

  /* The first byte of the group id stands behind version, suite and its length. */
  struct bytes *context = &group->past[1]->context_raw;
  WITH(context->data[5], 'C', ERR_STATE_CORRUPT, "of another group or member");
  context = &pending->next->context_raw;
  WITH(context->data[5], 'C', ERR_STATE_CORRUPT, "of another group or member");

  for (size_t i = group->past_count; i < PAST_EPOCHS_MAX; i++)
    group->past[i] = group->past[0];
  WITH(group->past_count, PAST_EPOCHS_MAX, ERR_STATE_CORRUPT, "out of order");
}
END_TEST

/* What only groups have that go on from another one, or were ended by a ReInit. */
START_TEST(test_link_contradictions) {
  struct group *group = members[0].group, *branch = NULL;
  struct writer reinit = {0};
  proposal_write_reinit(&reinit, VIEW_TEXT("next"), MLS_VERSION_10, 1, VIEW_NONE);
  struct bytes good = bytes_of(writer_view(&reinit)), cut = {good.data, good.size - 1};
  struct bytes removal = bytes_of(group->proposals.item[1].proposal.raw);
  WITH(group->epoch->reinit, cut, ERR_STATE_CORRUPT, "");
  WITH(group->epoch->reinit, removal, ERR_STATE_CORRUPT, DOES_NOT_DECODE);
  WITH(group->external_pub, good, ERR_STATE_CORRUPT, DOES_NOT_DECODE);

  ck_assert_int_eq(group_new_branch(members[0].client, group, VIEW_TEXT("branch"), &branch), OK);
  struct group_link *link = branch->link;
  WITH(group->link, link, ERR_STATE_CORRUPT, DOES_NOT_DECODE); /* not in epoch 0 */
  members[0].group = branch;
  WITH(link->usage, PSK_APPLICATION, ERR_STATE_CORRUPT, DOES_NOT_DECODE);
  WITH(link->usage, PSK_BRANCH + 1, ERR_STATE_CORRUPT, DOES_NOT_DECODE);
  WITH(link->psk.size, 0, ERR_STATE_CORRUPT, DOES_NOT_DECODE);
  members[0].group = group;
  group_free(branch);
  writer_free(&reinit);
  bytes_free(&good);
  bytes_free(&removal);
}
END_TEST

/* Proposals are of this epoch, from members, once each; keys belong to own Updates. */
START_TEST(test_proposal_contradictions) {
  struct proposal_store *store = &members[0].group->proposals;
  ck_assert_uint_eq(store->count, 2);
  struct stored_proposal *update = &store->item[0], *removal = &store->item[1];
  WITH(removal->update_key, update->update_key, ERR_STATE_CORRUPT, "that needs none");
  WITH(update->update_key->bytes[3], update->update_key->bytes[3] ^ 1, ERR_STATE_CORRUPT,
       DOES_NOT_DECODE);
  WITH(removal->authenticated, update->authenticated, ERR_STATE_CORRUPT, "a proposal twice");
  /* AuthenticatedContent: wire format, group id with its length, epoch, sender type and leaf. */
  uint8_t *bytes = removal->authenticated.data;
  const size_t id = 3, epoch = id + 7, sender = epoch + 8;
  ck_assert_uint_eq(bytes[sender], SENDER_MEMBER);
  WITH(bytes[id], 'C', ERR_STATE_CORRUPT, "another group, epoch or member");
  WITH(bytes[epoch], 1, ERR_STATE_CORRUPT, "another group, epoch or member");
  WITH(bytes[sender + 4], 3, ERR_STATE_CORRUPT, "another group, epoch or member");
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
  WITH(group->external_pub.size, 0, ERR_STATE_CORRUPT, "more or less than who is no member has");
  WITH(group->left, true, ERR_STATE_CORRUPT, "more or less than who is no member has");
  WITH(group->epoch->own_leaf, group->pending->next->own_leaf, ERR_STATE_CORRUPT, "is not that");
  WITH(group->pending->next->own_leaf, LEAF_NONE, ERR_STATE_CORRUPT, "is not that");
  WITH(group->proposals, alice.group->proposals, ERR_STATE_CORRUPT, "a private key for");
  members[0] = alice;
  bytes_free(&info);
}
END_TEST

/* Alice is saved as she is now, and must be refused for this reason. */
static void client_contradiction(const char *text) {
  struct client *client = NULL;
  struct why why = {""};
  struct bytes blob = saved_client(members[0].client);
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
  CLIENT_WITH(own->secret->encryption_key, own->secret->init_key, DOES_NOT_DECODE);
  CLIENT_WITH(own->raw.size, own->raw.size - 1, "KeyPackage");
  CLIENT_WITH(own->raw.data[1], 2, "of somebody else");
  CLIENT_WITH(own->raw.data[3], 2, "of somebody else");
  CLIENT_WITH(own->raw, bob->key_packages[0].raw, "of somebody else");
  bytes_free(&message);
}
END_TEST

/* ---- Memory that runs out ---- */

START_TEST(test_memory_saving) {
  struct bytes blob = {0};
  for (int group = 0; group < 2; group++) {
    long blocks = failing_blocks();
    size_t count = 0;
    for (;; count++) {
      failing_after(count);
      enum err err = group ? snapshot_save_group(members[0].group, VIEW_ARRAY(key), &blob)
                           : snapshot_save_client(members[0].client, VIEW_ARRAY(key), &blob);
      if (!failing_stop())
        break;
      ck_assert_int_eq(err, ERR_NOMEM);
      ck_assert_ptr_null(blob.data);
      ck_assert_int_eq(failing_blocks(), blocks);
    }
    ck_assert_uint_ge(count, 5);
    bytes_free(&blob);
    ck_assert_int_eq(failing_blocks(), blocks);
  }
}
END_TEST

START_TEST(test_memory_loading) {
  struct client *client = members[0].client, *loaded = NULL;
  struct group *group = NULL;
  struct bytes client_blob = saved_client(client), group_blob = saved_group(members[0].group);
  long blocks = failing_blocks();
  size_t count = 0, groups = client->group_count;
  for (;; count++) {
    failing_after(count);
    enum err err = snapshot_load_client(VIEW_ARRAY(key), bytes_view(&client_blob), NULL, &loaded);
    if (!failing_stop())
      break;
    ck_assert_int_eq(err, ERR_NOMEM);
    ck_assert_ptr_null(loaded);
    ck_assert_int_eq(failing_blocks(), blocks);
  }
  ck_assert_uint_gt(count, 10);
  client_free(loaded);
  for (count = 0;; count++) {
    failing_after(count);
    enum err err = snapshot_load_group(client, VIEW_ARRAY(key), bytes_view(&group_blob), &group);
    if (!failing_stop())
      break;
    ck_assert_int_eq(err, ERR_NOMEM);
    ck_assert_ptr_null(group);
    ck_assert_int_eq(failing_blocks(), blocks);
    ck_assert_uint_eq(client->group_count, groups);
  }
  ck_assert_uint_gt(count, 50);
  group_free(group);
  ck_assert_int_eq(failing_blocks(), blocks);
  bytes_free(&client_blob);
  bytes_free(&group_blob);
}
END_TEST

int main(void) {
  if (provider_init() != OK)
    return 2;
  TCase *tests = tcase_create("state-hostile");
  tcase_set_timeout(tests, 240);
  tcase_add_checked_fixture(tests, setup, teardown);
  tcase_add_test(tests, test_prefixes);
  tcase_add_test(tests, test_bits);
  tcase_add_test(tests, test_keys);
  tcase_add_test(tests, test_other_client);
  tcase_add_test(tests, test_limit);
  tcase_add_test(tests, test_unknown_suite);
  tcase_add_test(tests, test_client_content);
  tcase_add_loop_test(tests, test_group_content, 0, PARTS);
  tcase_add_test(tests, test_epoch_contradictions);
  tcase_add_test(tests, test_group_contradictions);
  tcase_add_test(tests, test_link_contradictions);
  tcase_add_test(tests, test_proposal_contradictions);
  tcase_add_test(tests, test_outsider_contradictions);
  tcase_add_test(tests, test_client_contradictions);
  tcase_add_test(tests, test_memory_saving);
  tcase_add_test(tests, test_memory_loading);
  Suite *suite = suite_create("state-hostile");
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? 0 : 1;
}
