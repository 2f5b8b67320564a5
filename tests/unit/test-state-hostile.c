/*
 * Saved state that is not what was saved: altered blobs, other keys and clients, altered contents as
 * if the seal had been broken; and memory that runs out.
 * SPDX-License-Identifier: ISC
 */
#include <check.h>
#include <string.h>

#include "company.h"
#include "crypto/provider.h"
#include "failing.h"
#include "forge.h"
#include "mls/group/groupinfo.h"
#include "state/seal.h"
#include "state/snapshot.h"
#include "state/snapshot_parts.h"
#include "tests/run.h"
#include "tests/taken.h"

#define VERSION_AT 4

static const uint8_t key[SEALBOX_KEY_SIZE] = {7, 7, 7};

/* Member 0 has everything that can be saved. */
static struct member members[COMPANY_FULL];

static void setup(void) {
  company_full(members);
  forge_seed(1);
}

static void teardown(void) {
  company_free(members, COMPANY_FULL);
}

static struct bytes saved_client(struct client *client) {
  struct bytes blob = {0};
  ck_assert_int_eq(snapshot_save_client(client, VIEW_ARRAY(key), &blob), OK);
  return blob;
}

static struct bytes saved_group(struct group *group) {
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
  ck_assert_int_eq(snapshot_read_client(SEAL_VERSION, bytes_view(&client_content), NULL, &client),
                   ERR_UNSUPPORTED);
  ck_assert_int_eq(
      snapshot_read_group(members[0].client, SEAL_VERSION, bytes_view(&group_content), &group),
      ERR_UNSUPPORTED);
  group_content.data[SUITE_AT] = 3;
  ck_assert_int_eq(
      snapshot_read_group(members[0].client, SEAL_VERSION, bytes_view(&group_content), &group),
      ERR_NOT_FOUND);
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
  enum err err = snapshot_read_client(SEAL_VERSION, content, NULL, &client);
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
  enum err err = snapshot_read_group(client, SEAL_VERSION, content, &group);
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
    ck_assert_int_eq(snapshot_read_client(SEAL_VERSION, view_of(content.data, size), NULL, &client),
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
    ck_assert_int_eq(
        snapshot_read_group(members[0].client, SEAL_VERSION, view_of(content.data, at), &group),
        ERR_STATE_CORRUPT);
    size_t bit = 8 * at + forge_below(8);
    (void)after_flip(&content, bit);
    check_group(members[0].client, bytes_view(&content));
    (void)after_flip(&content, bit);
  }
  bytes_free(&content);
}
END_TEST

/* ---- Single parts of a content replaced ---- */

static struct bytes group_content(void) {
  struct bytes blob = saved_group(members[0].group);
  return content_of(&blob, SEAL_GROUP);
}

/* Where some bytes, which are there once at least, start. */
static size_t position(const struct bytes *content, struct view part) {
  size_t at = 0;
  while (!view_equal(view_of(content->data + at, part.size), part)) {
    at++;
    ck_assert_uint_le(at + part.size, content->size);
  }
  return at;
}

/* `removed` bytes at a position give way to others. */
static void splice(struct bytes *content, size_t at, size_t removed, struct view inserted) {
  struct writer writer = {0};
  write_bytes(&writer, view_of(content->data, at));
  write_bytes(&writer, inserted);
  write_bytes(&writer, view_of(content->data + at + removed, content->size - at - removed));
  bytes_free(content);
  ck_assert_int_eq(writer_take(&writer, content), OK);
}

static void content_refused(struct bytes *content) {
  struct group *group = NULL;
  ck_assert_int_eq(
      snapshot_read_group(members[0].client, SEAL_VERSION, bytes_view(content), &group),
      ERR_STATE_CORRUPT);
  ck_assert_ptr_null(group);
  bytes_free(content);
}

static struct bytes as_cbor(struct view bytes) {
  struct writer writer = {0};
  cbor_write_bytes(&writer, bytes);
  return taken(&writer);
}

/* Replace a byte string, which is found by what is in it. */
static void replace_bytes(struct bytes *content, struct view old, struct view new) {
  struct bytes from = as_cbor(old), to = as_cbor(new);
  splice(content, position(content, bytes_view(&from)), from.size, bytes_view(&to));
  bytes_free(&from);
  bytes_free(&to);
}

START_TEST(test_trailing) {
  struct bytes blob = saved_client(members[0].client), group = group_content();
  struct bytes client = content_of(&blob, SEAL_CLIENT);
  struct client *loaded = NULL;
  static const uint8_t more[] = {0};
  splice(&client, client.size, 0, VIEW_ARRAY(more));
  ck_assert_int_eq(snapshot_read_client(SEAL_VERSION, bytes_view(&client), NULL, &loaded),
                   ERR_STATE_CORRUPT);
  bytes_free(&client);
  splice(&group, group.size, 0, VIEW_ARRAY(more));
  content_refused(&group);
}
END_TEST

/* Heads of arrays tell how many items there are, and nothing else than what there is. */
START_TEST(test_counts) {
  struct group *group = members[0].group;
  struct view first_item[] = {secret_view(&group->epoch->secrets->sender_data),
                              bytes_view(&group->proposals.item[0].authenticated),
                              bytes_view(&group->pending->message)};
  for (size_t i = 0; i < 3; i++) {
    for (int more = -1; more <= 1; more += 2) {
      struct bytes content = group_content(), item = as_cbor(first_item[i]);
      content.data[position(&content, bytes_view(&item)) - 1] += (uint8_t)more;
      content_refused(&content);
      bytes_free(&item);
    }
  }
}
END_TEST

/* The same for what only a group has that goes on from another one. */
START_TEST(test_count_of_link) {
  struct group *group = members[0].group, *branch = NULL;
  ck_assert_int_eq(group_new_branch(members[0].client, group, VIEW_TEXT("branch"), &branch), OK);
  members[0].group = branch;
  for (int more = -1; more <= 1; more += 2) {
    struct bytes content = group_content(), old_id = as_cbor(group_identifier(group));
    uint8_t *usage = content.data + position(&content, bytes_view(&old_id)) - 1;
    ck_assert_uint_eq(*usage, PSK_BRANCH);
    usage[-1] += (uint8_t)more;
    content_refused(&content);
    bytes_free(&old_id);
  }
  members[0].group = group;
  group_free(branch);
}
END_TEST

START_TEST(test_sizes) {
  struct epoch *past = members[0].group->past[0];
  struct writer tree = {0};
  secret_tree_write(&tree, members[0].group->epoch->secret_tree);
  struct bytes content = group_content();
  replace_bytes(&content, epoch_confirmation_tag(past), view_of(past->confirmation_tag, 31));
  content_refused(&content);
  size_t size = tree.size;
  write_u8(&tree, 0);
  content = group_content();
  replace_bytes(&content, view_of(tree.data, size), writer_view(&tree));
  content_refused(&content);
  writer_free(&tree);
}
END_TEST

/* One key more than the highest tree has nodes on a path. */
START_TEST(test_too_many_keys) {
  struct private_keys *keys = members[0].group->epoch->keys;
  struct writer old = {0}, new = {0};
  ck_assert_uint_eq(keys->at[3].size, 0);
  cbor_write_array(&old, 3);
  cbor_write_array(&new, PATH_NODES_MAX + 1);
  for (size_t i = 0; i <= PATH_NODES_MAX; i++)
    cbor_write_bytes(&new, i < 3 ? secret_view(&keys->at[i]) : VIEW_NONE);
  for (size_t i = 0; i < 3; i++)
    cbor_write_bytes(&old, secret_view(&keys->at[i]));
  struct bytes content = group_content();
  splice(&content, position(&content, writer_view(&old)), old.size, writer_view(&new));
  content_refused(&content);
  writer_free(&old);
  writer_free(&new);
}
END_TEST

static struct bytes past_written(const struct group *group, size_t at) {
  struct writer writer = {0};
  const struct epoch *newer = at > 0 ? group->past[at - 1] : group->epoch;
  snapshot_write_epoch(&writer, group->past[at], EPOCH_PAST, newer->tree);
  return taken(&writer);
}

/* One epoch more than a group has room for, as good as the others. */
START_TEST(test_too_many_past_epochs) {
  struct member *alice = &members[0];
  alice->client->settings.past_epochs = PAST_EPOCHS_MAX;
  ck_assert_int_eq(commit_discard(alice->group), OK);
  while (alice->group->past_count < PAST_EPOCHS_MAX)
    company_commit(members, 1, 0);
  struct bytes oldest = past_written(alice->group, PAST_EPOCHS_MAX - 1);
  company_commit(members, 1, 0);
  struct bytes content = group_content(), first = past_written(alice->group, 0),
               last = past_written(alice->group, PAST_EPOCHS_MAX - 1);
  size_t head = position(&content, bytes_view(&first)) - 1;
  ck_assert_uint_eq(content.data[head], 0x80 + PAST_EPOCHS_MAX);
  content.data[head]++;
  splice(&content, position(&content, bytes_view(&last)) + last.size, 0, bytes_view(&oldest));
  content_refused(&content);
  bytes_free(&oldest);
  bytes_free(&first);
  bytes_free(&last);
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
  tcase_add_test(tests, test_unknown_suite);
  tcase_add_test(tests, test_client_content);
  tcase_add_loop_test(tests, test_group_content, 0, PARTS);
  tcase_add_test(tests, test_trailing);
  tcase_add_test(tests, test_counts);
  tcase_add_test(tests, test_count_of_link);
  tcase_add_test(tests, test_sizes);
  tcase_add_test(tests, test_too_many_keys);
  tcase_add_test(tests, test_too_many_past_epochs);
  tcase_add_test(tests, test_memory_saving);
  tcase_add_test(tests, test_memory_loading);
  return run_case("state-hostile", tests);
}
