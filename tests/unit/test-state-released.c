/*
 * Blobs that released versions have written: every later version loads them.  tests/data/state-vN
 * holds one client and one group of format version N, and what must come out of them:
 *
 *   client, group  the blobs, under the key 00 01 02 ... 1f
 *   exported       MLS-Exporter("state", "", 32) of the group's epoch
 *   late           a message of the epoch before, "late"; not read yet when the group was saved
 *   now            the next message of another member
 *   tree, changes  the group in two blobs
 *   joining, left  another group: the client's external commit pending, and refused
 *   outside        that group opened from outside, with nothing done in it yet
 *   branch         a group that is to go on from "group", without the other members yet
 *   ended          a group that a ReInit to "again" has ended
 *
 * The last three, and the last-resort key package of the client, are in every folder but the first.  A
 * new format version gets a folder of its own, written by `test-state-released --write FOLDER`; the old
 * ones stay as they are.
 * SPDX-License-Identifier: ISC
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "company.h"
#include "crypto/provider.h"
#include "mls/group/draft.h"
#include "mls/group/groupinfo.h"
#include "mls/group/resume.h"
#include "state/seal.h"
#include "state/snapshot.h"
#include "tests/run.h"

static uint8_t key[SEALBOX_KEY_SIZE];

/* ---- Files ---- */

static FILE *file_open(const char *folder, const char *name, const char *mode) {
  char path[1000];
  (void)snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, mode);
  if (file == NULL)
    ck_abort_msg("%s cannot be opened", path);
  return file;
}

static void file_write(const char *folder, const char *name, struct view bytes) {
  FILE *file = file_open(folder, name, "wb");
  ck_assert_uint_eq(fwrite(bytes.data, 1, bytes.size, file), bytes.size);
  ck_assert_int_eq(fclose(file), 0);
}

static struct bytes file_read(const char *folder, const char *name) {
  uint8_t buffer[65536];
  struct bytes bytes = {0};
  FILE *file = file_open(folder, name, "rb");
  size_t size = fread(buffer, 1, sizeof buffer, file);
  ck_assert(size > 0 && size < sizeof buffer);
  (void)fclose(file);
  ck_assert_int_eq(bytes_copy(&bytes, view_of(buffer, size)), OK);
  return bytes;
}

/* ---- Writing a new one ---- */

#define MEMBERS 3

static void export_state(const struct group *group, uint8_t out[32]) {
  ck_assert_int_eq(group_export(group, VIEW_TEXT("state"), VIEW_NONE, out, 32), OK);
}

static const char *folder; /* to write to */

static void write_group(const char *name, struct group *group) {
  struct bytes blob = {0};
  ck_assert_int_eq(snapshot_save_group(group, VIEW_ARRAY(key), &blob), OK);
  file_write(folder, name, bytes_view(&blob));
  bytes_free(&blob);
}

static void write_joining(struct member *inside, struct client *client) {
  struct bytes info = {0};
  struct group *other = NULL, *joining = NULL;
  ck_assert_int_eq(group_new(inside->client, VIEW_TEXT("other"), &other), OK);
  ck_assert_int_eq(group_info(other, &info), OK);
  ck_assert_int_eq(join_external(client, bytes_view(&info), VIEW_NONE, &joining), OK);
  write_group("joining", joining);
  ck_assert_int_eq(commit_discard(joining), OK);
  write_group("left", joining);
  group_free(joining);
  ck_assert_int_eq(external_open(client, bytes_view(&info), VIEW_NONE, &joining), OK);
  write_group("outside", joining);
  group_free(joining);
  group_free(other);
  bytes_free(&info);
}

static void write_linked(const struct group *group) {
  struct client *client = group->client;
  struct group *branch = NULL, *ended = NULL;
  struct bytes reinit = {0};
  struct commit_plan plan = {0};
  ck_assert_int_eq(group_new_branch(client, group, VIEW_TEXT("branch"), &branch), OK);
  write_group("branch", branch);
  ck_assert_int_eq(group_new(client, VIEW_TEXT("ended"), &ended), OK);
  ck_assert_int_eq(draft_reinit(ended, VIEW_TEXT("again"), 1, &reinit), OK);
  ck_assert_int_eq(commit_plan_proposal(&plan, ended, bytes_view(&reinit)), OK);
  ck_assert_int_eq(commit_build(ended, &plan), OK);
  ck_assert_int_eq(commit_accepted(ended), OK);
  write_group("ended", ended);
  commit_plan_free(&plan);
  bytes_free(&reinit);
  group_free(branch);
  group_free(ended);
}

START_TEST(write_folder) {
  struct member members[MEMBERS];
  struct bytes bytes = {0};
  struct commit_plan plan = {0};
  uint8_t exported[32];
  for (size_t i = 0; i < MEMBERS; i++)
    members[i] = member_new(1, (char)('a' + i));
  struct member *alice = &members[0];
  company_new(members, MEMBERS, MEMBERS);
  ck_assert_int_eq(client_key_package(alice->client, &bytes), OK);
  bytes_free(&bytes);
  ck_assert_int_eq(client_last_resort_key_package(alice->client, &bytes), OK);
  bytes_free(&bytes);
  ck_assert_int_eq(client_add_psk(alice->client, VIEW_TEXT("id"), VIEW_TEXT("psk")), OK);
  bytes = member_says(&members[1], "late");
  file_write(folder, "late", bytes_view(&bytes));
  bytes_free(&bytes);
  ck_assert_int_eq(snapshot_save_tree(alice->group, VIEW_ARRAY(key), &bytes), OK);
  file_write(folder, "tree", bytes_view(&bytes));
  bytes_free(&bytes);
  company_commit(members, MEMBERS, 0);
  bytes = member_says(&members[1], "now");
  file_write(folder, "now", bytes_view(&bytes));
  bytes_free(&bytes);
  export_state(alice->group, exported);
  file_write(folder, "exported", VIEW_ARRAY(exported));

  ck_assert_int_eq(group_propose_update(alice->group, &bytes), OK);
  bytes_free(&bytes);
  ck_assert_int_eq(group_propose_remove(alice->group, 2, &bytes), OK);
  bytes_free(&bytes);
  ck_assert_int_eq(commit_build(alice->group, &plan), OK);
  ck_assert_int_eq(snapshot_save_client(alice->client, VIEW_ARRAY(key), &bytes), OK);
  file_write(folder, "client", bytes_view(&bytes));
  bytes_free(&bytes);
  write_group("group", alice->group);
  ck_assert_int_eq(snapshot_save_changes(alice->group, VIEW_ARRAY(key), &bytes), OK);
  file_write(folder, "changes", bytes_view(&bytes));
  bytes_free(&bytes);
  write_joining(&members[1], alice->client);
  write_linked(alice->group);
  company_free(members, MEMBERS);
}
END_TEST

/* ---- Loading them all ---- */

static struct client *load_client(const char *from) {
  struct bytes blob = file_read(from, "client");
  struct client *client = NULL;
  struct why why = {""};
  if (snapshot_load_client(VIEW_ARRAY(key), bytes_view(&blob), &why, &client) != OK)
    ck_abort_msg("%s", why.text);
  bytes_free(&blob);
  return client;
}

static struct group *load_group(const char *from, const char *name, struct client *client) {
  struct bytes blob = file_read(from, name);
  struct group *group = NULL;
  if (snapshot_load_group(client, VIEW_ARRAY(key), bytes_view(&blob), &group) != OK)
    ck_abort_msg("%s", client->why.text);
  bytes_free(&blob);
  return group;
}

/* The same group in two blobs. */
static struct group *load_changes(const char *from, struct client *client) {
  struct bytes tree = file_read(from, "tree"), changes = file_read(from, "changes");
  struct group *group = NULL;
  if (snapshot_load_changes(client, VIEW_ARRAY(key), bytes_view(&tree), bytes_view(&changes),
                            &group) != OK)
    ck_abort_msg("%s", client->why.text);
  bytes_free(&tree);
  bytes_free(&changes);
  return group;
}

/* Other members can name the resumption PSKs of epochs before, wherever those were kept. */
static void check_psks(const struct group *group) {
  struct view psk;
  ck_assert_uint_ge(group->psks.count, MEMBERS - 1);
  for (uint64_t epoch = 1; epoch < MEMBERS; epoch++) {
    ck_assert(group_resumption_psk(group, epoch, &psk));
    ck_assert_uint_eq(psk.size, 32);
  }
}

/* Kinds of state that are not in every folder. */
static bool has_more(const char *from) {
  char path[1000];
  (void)snprintf(path, sizeof path, "%s/ended", from);
  FILE *file = fopen(path, "rb");
  return file != NULL && fclose(file) == 0;
}

static void check_client(const char *from, const struct client *client) {
  struct reader reader = reader_of(bytes_view(&client->credential));
  struct credential credential;
  struct view psk;
  ck_assert_int_eq(credential_read(&reader, &credential), OK);
  ck_assert(view_equal(credential.identity, VIEW_TEXT("a")));
  ck_assert_uint_eq(client->key_package_count, has_more(from) ? 2 : 1);
  ck_assert(!own_key_package_is_last_resort(&client->key_packages[0]));
  ck_assert(!has_more(from) || own_key_package_is_last_resort(&client->key_packages[1]));
  ck_assert(client_find_psk(client, VIEW_TEXT("id"), &psk));
  ck_assert(view_equal(psk, VIEW_TEXT("psk")));
}

static void check_group(const char *from, struct member *member) {
  struct group *group = member->group;
  uint8_t exported[32];
  struct bytes late = file_read(from, "late"), now = file_read(from, "now"),
               expected = file_read(from, "exported");
  export_state(group, exported);
  ck_assert(view_equal(VIEW_ARRAY(exported), bytes_view(&expected)));
  ck_assert_uint_eq(group_epoch_number(group), MEMBERS);
  ck_assert(group->restored);
  check_psks(group);
  ck_assert_uint_eq(group->proposals.count, 2);
  ck_assert_ptr_nonnull(group->proposals.item[0].update_key);
  member_reads(member, bytes_view(&late), "late");
  member_reads(member, bytes_view(&now), "now");
  ck_assert_int_eq(commit_accepted(group), OK);
  ck_assert_uint_eq(tree_members(group->epoch->tree), MEMBERS - 1);
  bytes_free(&late);
  bytes_free(&now);
  bytes_free(&expected);
}

static void check_other_group(const char *from, struct client *client) {
  struct group *joining = load_group(from, "joining", client),
               *left = load_group(from, "left", client);
  ck_assert_int_eq(group_check_active(joining), ERR_INVALID_STATE);
  ck_assert(!joining->left);
  ck_assert_int_eq(commit_accepted(joining), OK);
  ck_assert_int_eq(group_check_active(joining), OK);
  ck_assert(left->left);
  group_free(joining);
  group_free(left);
}

static void check_linked_groups(const char *from, struct client *client) {
  struct group *outside = load_group(from, "outside", client),
               *branch = load_group(from, "branch", client),
               *ended = load_group(from, "ended", client);
  struct commit_plan plan = {0};
  struct proposal reinit;
  ck_assert(group_is_outside(outside));
  ck_assert_int_eq(commit_build(outside, &plan), OK);
  ck_assert_int_eq(commit_accepted(outside), OK);
  ck_assert_uint_eq(branch->link->usage, PSK_BRANCH);
  ck_assert_uint_eq(branch->link->epoch, MEMBERS);
  ck_assert(view_equal(bytes_view(&branch->link->group_id), VIEW_TEXT("company")));
  ck_assert_int_eq(resume_read_reinit(ended, &reinit), OK);
  ck_assert(view_equal(reinit.body.reinit.group_id, VIEW_TEXT("again")));
  group_free(outside);
  group_free(branch);
  group_free(ended);
}

static const char *const folders[] = {"state-v1", "state-v1-more", "state-v2"};
#define FOLDERS (sizeof folders / sizeof folders[0])

static char chosen[900];

static void choose_folder(int number) {
  const char *data = getenv("E2EE_TEST_DATA");
  (void)snprintf(chosen, sizeof chosen, "%s/%s", data != NULL ? data : "tests/data",
                 folders[number]);
}

START_TEST(test_version) {
  choose_folder(_i);
  struct member member = {load_client(chosen), NULL};
  check_client(chosen, member.client);
  member.group = load_group(chosen, "group", member.client);
  check_group(chosen, &member);
  group_free(member.group);
  member.group = load_changes(chosen, member.client);
  check_group(chosen, &member);
  check_other_group(chosen, member.client);
  if (has_more(chosen))
    check_linked_groups(chosen, member.client);
  member_free(&member);
}
END_TEST

/* What is under the seal of a blob, and the version in its header. */
static struct bytes content_of(const char *name, enum seal_kind kind, uint8_t *version) {
  struct bytes blob = file_read(chosen, name), content = {0};
  ck_assert_int_eq(unseal(VIEW_ARRAY(key), kind, bytes_view(&blob), NULL, version, &content), OK);
  bytes_free(&blob);
  return content;
}

static enum err read_client(uint8_t version, struct view content) {
  struct client *client = NULL;
  enum err err = snapshot_read_client(version, content, NULL, &client);
  client_free(client);
  return err;
}

static enum err read_group(struct client *client, uint8_t version, struct view content) {
  struct group *group = NULL;
  enum err err = snapshot_read_group(client, version, content, &group);
  group_free(group);
  return err;
}

/* Content is that of the version in its header, and of no other; nothing may be missing at its end. */
START_TEST(test_version_of_content) {
  uint8_t version = 0;
  choose_folder(_i);
  struct client *client = load_client(chosen);
  struct bytes of_client = content_of("client", SEAL_CLIENT, &version),
               of_group = content_of("group", SEAL_GROUP, &version);
  struct view whole = bytes_view(&of_client);
  for (uint8_t other = 1; other <= SEAL_VERSION; other++) {
    enum err expected = other == version ? OK : ERR_STATE_CORRUPT;
    ck_assert_int_eq(read_client(other, whole), expected);
    ck_assert_int_eq(read_group(client, other, bytes_view(&of_group)), expected);
  }
  for (size_t size = 0; size < whole.size; size++)
    ck_assert_int_eq(read_client(version, view_of(whole.data, size)), ERR_STATE_CORRUPT);
  for (size_t size = 0; size < of_group.size; size += 1 + size / 64)
    ck_assert_int_eq(read_group(client, version, view_of(of_group.data, size)), ERR_STATE_CORRUPT);
  bytes_free(&of_client);
  bytes_free(&of_group);
  client_free(client);
}
END_TEST

int main(int argc, char **argv) {
  if (provider_init() != OK)
    return 2;
  for (size_t i = 0; i < sizeof key; i++)
    key[i] = (uint8_t)i;
  if (argc == 3 && strcmp(argv[1], "--write") == 0)
    folder = argv[2];
  TCase *tests = tcase_create("state-released");
  if (folder != NULL) {
    tcase_add_test(tests, write_folder);
  } else {
    tcase_add_loop_test(tests, test_version, 0, FOLDERS);
    tcase_add_loop_test(tests, test_version_of_content, 0, FOLDERS);
  }
  return run_case("state-released", tests);
}
