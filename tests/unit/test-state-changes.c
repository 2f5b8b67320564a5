/*
 * A group saved in two blobs: what they cost, when a new tree is due, blobs that do not belong together,
 * contents that are not what was written, and memory that runs out.  That what is loaded is what was
 * saved, at every point of a group's life, is test-state.c's.
 * SPDX-License-Identifier: ISC
 */
#include <check.h>
#include <string.h>

#include "company.h"
#include "crypto/provider.h"
#include "failing.h"
#include "forge.h"
#include "state/seal.h"
#include "state/snapshot.h"
#include "tests/run.h"

static const uint8_t key[SEALBOX_KEY_SIZE] = {7, 7, 7}, other_key[SEALBOX_KEY_SIZE] = {8};

/* Member 0 has everything that can be saved. */
static struct member members[COMPANY_FULL];
static struct client *client;
static struct group *group;

static void setup(void) {
  company_full(members);
  client = members[0].client;
  group = members[0].group;
  forge_seed(1);
}

static void teardown(void) {
  company_free(members, COMPANY_FULL);
}

static struct bytes saved_tree(void) {
  struct bytes blob = {0};
  ck_assert_int_eq(snapshot_save_tree(group, VIEW_ARRAY(key), &blob), OK);
  return blob;
}

static struct bytes saved_changes(void) {
  struct bytes blob = {0};
  ck_assert_int_eq(snapshot_save_changes(group, VIEW_ARRAY(key), &blob), OK);
  return blob;
}

static struct bytes saved_whole(void) {
  struct bytes blob = {0};
  ck_assert_int_eq(snapshot_save_group(group, VIEW_ARRAY(key), &blob), OK);
  return blob;
}

static void refused(struct client *by, struct view with, struct view tree, struct view changes,
                    enum err expected) {
  struct group *loaded = NULL;
  size_t groups = by->group_count;
  by->why = (struct why){""};
  ck_assert_int_eq(snapshot_load_changes(by, with, tree, changes, &loaded), expected);
  ck_assert_ptr_null(loaded);
  ck_assert_uint_eq(by->group_count, groups);
  ck_assert(expected == ERR_INVALID_ARG || by->why.text[0] != '\0');
}

static void loads(struct view tree, struct view changes) {
  struct group *loaded = NULL;
  if (snapshot_load_changes(client, VIEW_ARRAY(key), tree, changes, &loaded) != OK)
    ck_abort_msg("%s", client->why.text);
  ck_assert_uint_eq(group_epoch_number(loaded), group_epoch_number(group));
  group_free(loaded);
}

/* ---- Cost ---- */

static void add_members(size_t count) {
  struct commit_plan plan = {0};
  struct bytes key_package = {0};
  for (size_t i = 0; i < count; i++) {
    struct member joiner = member_new(1, 'x');
    ck_assert_int_eq(client_key_package(joiner.client, &key_package), OK);
    ck_assert_int_eq(commit_plan_add(&plan, group, bytes_view(&key_package)), OK);
    bytes_free(&key_package);
    member_free(&joiner);
  }
  ck_assert_int_eq(commit_build(group, &plan), OK);
  ck_assert_int_eq(commit_accepted(group), OK);
  commit_plan_free(&plan);
}

static void commit_alone(void) {
  struct commit_plan plan = {0};
  ck_assert_int_eq(commit_build(group, &plan), OK);
  ck_assert_int_eq(commit_accepted(group), OK);
}

/* What is saved after a commit is what it changed, until that has become much. */
START_TEST(test_cost) {
  struct bytes changes = {0};
  ck_assert_int_eq(commit_discard(group), OK);
  add_members(200);
  struct bytes tree = saved_tree(), whole;
  size_t first = 0, commits = 0, due = 16384 + tree.size / 16;
  for (; commits < 200; commits++) {
    commit_alone();
    if (snapshot_save_changes(group, VIEW_ARRAY(key), &changes) != OK)
      break;
    whole = saved_whole();
    if (commits == 0)
      first = changes.size;
    ck_assert_uint_lt(changes.size, whole.size / 2);
    loads(bytes_view(&tree), bytes_view(&changes));
    bytes_free(&whole);
    bytes_free(&changes);
  }
  ck_assert_uint_lt(first, 12000);
  /* One member's commits change one path, however many there are. */
  ck_assert_uint_eq(commits, 200);
  add_members(due / 128 + 1); /* a leaf takes more, also where few suites are to be listed */
  ck_assert_int_eq(snapshot_save_changes(group, VIEW_ARRAY(key), &changes), ERR_INVALID_STATE);
  ck_assert_ptr_null(changes.data);
  ck_assert_ptr_nonnull(strstr(client->why.text, "saved again"));
  bytes_free(&tree);
  tree = saved_tree();
  changes = saved_changes();
  ck_assert_uint_lt(changes.size, tree.size / 2);
  loads(bytes_view(&tree), bytes_view(&changes));
  bytes_free(&tree);
  bytes_free(&changes);
}
END_TEST

/* ---- Blobs that do not belong together ---- */

START_TEST(test_pairs) {
  struct bytes whole = saved_whole(), none = {0};
  ck_assert_int_eq(snapshot_save_changes(group, VIEW_ARRAY(key), &none), ERR_INVALID_STATE);
  ck_assert_ptr_nonnull(strstr(client->why.text, "saved first"));
  struct bytes first = saved_tree(), to_first = saved_changes(), second = saved_tree(),
               to_second = saved_changes();
  struct view a = bytes_view(&first), to_a = bytes_view(&to_first), b = bytes_view(&second),
              to_b = bytes_view(&to_second), all = bytes_view(&whole), right = VIEW_ARRAY(key);
  loads(a, to_a);
  loads(b, to_b);
  refused(client, right, b, to_a, ERR_NOT_FOUND);
  refused(client, right, a, to_b, ERR_NOT_FOUND);
  refused(client, right, to_a, a, ERR_STATE_CORRUPT);
  refused(client, right, a, a, ERR_STATE_CORRUPT);
  refused(client, right, to_a, to_a, ERR_STATE_CORRUPT);
  refused(client, right, a, all, ERR_STATE_CORRUPT);
  refused(client, right, all, to_a, ERR_STATE_CORRUPT);
  refused(client, VIEW_ARRAY(other_key), a, to_a, ERR_STATE_KEY);
  refused(client, view_of(key, 31), a, to_a, ERR_INVALID_ARG);
  refused(members[1].client, right, a, to_a, ERR_NOT_FOUND);
  struct group *loaded = NULL;
  ck_assert_int_eq(snapshot_load_group(client, right, a, &loaded), ERR_STATE_CORRUPT);
  ck_assert_int_eq(snapshot_load_group(client, right, to_a, &loaded), ERR_STATE_CORRUPT);
  struct bytes *all_blobs[] = {&whole, &first, &to_first, &second, &to_second};
  for (size_t i = 0; i < 5; i++)
    bytes_free(all_blobs[i]);
}
END_TEST

/* No bit of either may change, and none of the end be missing. */
START_TEST(test_altered) {
  struct bytes tree = saved_tree(), changes = saved_changes();
  struct bytes *both[] = {&tree, &changes};
  for (unsigned which = 0; which < 2; which++) {
    struct bytes *blob = both[which];
    for (size_t at = 0; at < blob->size; at++) {
      uint8_t mask = (uint8_t)(1u << forge_below(8));
      blob->data[at] ^= mask;
      refused(client, VIEW_ARRAY(key), bytes_view(&tree), bytes_view(&changes),
              at == 4 && blob->data[4] > SEAL_VERSION ? ERR_STATE_VERSION : ERR_STATE_KEY);
      blob->data[at] ^= mask;
      size_t size = blob->size;
      blob->size = at;
      refused(client, VIEW_ARRAY(key), bytes_view(&tree), bytes_view(&changes), ERR_STATE_KEY);
      blob->size = size;
    }
  }
  bytes_free(&tree);
  bytes_free(&changes);
}
END_TEST

/* ---- Contents that are not what was written, as if the seal had been broken ---- */

static struct bytes content_of(const struct bytes *blob, enum seal_kind kind) {
  struct bytes content = {0};
  uint8_t version = 0;
  ck_assert_int_eq(unseal(VIEW_ARRAY(key), kind, bytes_view(blob), NULL, &version, &content), OK);
  return content;
}

/* What is taken can be saved, and loaded again. */
static void check_taken(struct group *taken) {
  struct bytes whole = {0};
  struct group *again = NULL;
  ck_assert_int_eq(snapshot_save_group(taken, VIEW_ARRAY(key), &whole), OK);
  ck_assert_int_eq(snapshot_load_group(client, VIEW_ARRAY(key), bytes_view(&whole), &again), OK);
  group_free(again);
  bytes_free(&whole);
  group_free(taken);
}

static void check_contents(struct view tree_content, struct view changes_content, struct view id) {
  struct tree *tree = NULL;
  struct group *taken = NULL;
  size_t groups = client->group_count;
  enum err err = snapshot_read_tree(client, tree_content, &tree);
  if (err == OK)
    err = snapshot_read_changes(client, SEAL_VERSION, changes_content, id, tree, &taken);
  if (err == OK)
    check_taken(taken);
  else
    ck_assert(err == ERR_STATE_CORRUPT || err == ERR_NOT_FOUND || err == ERR_UNSUPPORTED ||
              err == ERR_LIMIT);
  ck_assert_uint_eq(client->group_count, groups);
  tree_drop(tree);
}

#define PARTS 8

START_TEST(test_contents) {
  struct bytes tree_blob = saved_tree();
  ck_assert_int_eq(commit_discard(group), OK);
  commit_alone();
  struct bytes changes_blob = saved_changes();
  struct bytes tree = content_of(&tree_blob, SEAL_TREE),
               changes = content_of(&changes_blob, SEAL_CHANGES);
  struct bytes *both[] = {&tree, &changes};
  struct view id = seal_nonce(bytes_view(&tree_blob));
  for (unsigned which = 0; which < 2; which++) {
    struct bytes *content = both[which];
    for (size_t at = (size_t)_i; at < content->size; at += PARTS) {
      uint8_t mask = (uint8_t)(1u << forge_below(8));
      size_t size = content->size;
      content->data[at] ^= mask;
      check_contents(bytes_view(&tree), bytes_view(&changes), id);
      content->data[at] ^= mask;
      content->size = at;
      check_contents(bytes_view(&tree), bytes_view(&changes), id);
      content->size = size;
    }
  }
  bytes_free(&tree_blob);
  bytes_free(&changes_blob);
  bytes_free(&tree);
  bytes_free(&changes);
}
END_TEST

/* ---- Memory that runs out ---- */

START_TEST(test_memory) {
  struct bytes before = saved_tree(), to_before = saved_changes();
  for (unsigned what = 0; what < 3; what++) {
    struct bytes blob = {0};
    struct group *loaded = NULL;
    long blocks = failing_blocks();
    size_t count = 0;
    for (enum err err = ERR_NOMEM; err != OK; count++) {
      failing_after(count);
      err = what == 0   ? snapshot_save_changes(group, VIEW_ARRAY(key), &blob)
            : what == 1 ? snapshot_load_changes(client, VIEW_ARRAY(key), bytes_view(&before),
                                                bytes_view(&to_before), &loaded)
                        : snapshot_save_tree(group, VIEW_ARRAY(key), &blob);
      ck_assert_int_eq(err, failing_stop() ? ERR_NOMEM : OK);
      if (err == OK)
        break;
      ck_assert(blob.data == NULL && loaded == NULL);
      ck_assert_int_eq(failing_blocks(), blocks);
      /* The tree that it goes by is still the one before. */
      ck_assert(view_equal(VIEW_ARRAY(group->saved.id), seal_nonce(bytes_view(&before))));
    }
    ck_assert_uint_ge(count, 4);
    if (what == 2)
      ck_assert(view_equal(VIEW_ARRAY(group->saved.id), seal_nonce(bytes_view(&blob))));
    group_free(loaded);
    bytes_free(&blob);
    ck_assert_int_eq(failing_blocks(), blocks);
  }
  bytes_free(&before);
  bytes_free(&to_before);
}
END_TEST

int main(void) {
  if (provider_init() != OK)
    return 2;
  TCase *tests = tcase_create("state-changes");
  tcase_set_timeout(tests, 240);
  tcase_add_checked_fixture(tests, setup, teardown);
  tcase_add_test(tests, test_cost);
  tcase_add_test(tests, test_pairs);
  tcase_add_test(tests, test_altered);
  tcase_add_loop_test(tests, test_contents, 0, PARTS);
  tcase_add_test(tests, test_memory);
  return run_case("state-changes", tests);
}
