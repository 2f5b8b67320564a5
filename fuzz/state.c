/*
 * Saved state under its seal: the first byte says whether the rest is the content of a client, of a group,
 * or of the two blobs of one, the tree's with its length in two bytes in front.  What loads must save, and
 * load again.
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include "members.h"
#include "state/seal.h"

static const uint8_t state_key[32];
static struct members members;

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc, (void)argv;
  harness_start();
  members_start(&members);
  e2ee_group_free(members.bob); /* what is loaded may be of the same member */
  members.bob = NULL;
  return 0;
}

static e2ee_client *load_client(const uint8_t *blob, size_t size) {
  e2ee_client *client = NULL;
  (void)!e2ee_client_load(state_key, sizeof state_key, blob, size, &client);
  return client;
}

static void client_again(e2ee_client *client) {
  e2ee_bytes *blob = NULL;
  harness_require(e2ee_client_save(client, state_key, sizeof state_key, &blob) == 0,
                  "a client was not saved");
  e2ee_client *again = load_client(e2ee_bytes_data(blob), e2ee_bytes_size(blob));
  harness_require(again != NULL, "a client was not loaded again");
  e2ee_client_free(again);
  e2ee_bytes_free(blob);
}

static e2ee_group *load_group(const uint8_t *blob, size_t size) {
  e2ee_group *group = NULL;
  (void)!e2ee_group_load(members.bob_client, state_key, sizeof state_key, blob, size, &group);
  return group;
}

static struct bytes sealed(enum seal_kind kind, struct view content) {
  struct bytes blob = {0};
  harness_require(seal(view_of(state_key, sizeof state_key), kind, content, &blob) == OK,
                  "not sealed");
  return blob;
}

static e2ee_group *load_two(const uint8_t *tree, size_t tree_size, const uint8_t *changes,
                            size_t changes_size) {
  e2ee_group *group = NULL;
  (void)!e2ee_group_load_changes(members.bob_client, state_key, sizeof state_key, tree, tree_size,
                                 changes, changes_size, &group);
  return group;
}

/* A group in two blobs.  The second names the first by its nonce, which is only known now. */
#define TREE_ID_AT 4 /* in the content of changes, behind the heads of a map, a key and a string */
static e2ee_group *load_contents(struct view rest) {
  struct bytes changes = {0};
  struct bytes tree = sealed(SEAL_TREE, harness_take_block(&rest));
  struct view id = seal_nonce(bytes_view(&tree));
  harness_require(bytes_copy(&changes, rest) == OK, "no memory");
  if (rest.size >= TREE_ID_AT + id.size)
    memcpy(changes.data + TREE_ID_AT, id.data, id.size);
  struct bytes blob = sealed(SEAL_CHANGES, bytes_view(&changes));
  e2ee_group *group = load_two(tree.data, tree.size, blob.data, blob.size);
  bytes_free(&changes);
  bytes_free(&tree);
  bytes_free(&blob);
  return group;
}

/* The group is freed. */
static e2ee_group *two_again(e2ee_group *before) {
  e2ee_bytes *tree = NULL, *changes = NULL;
  bool ok = e2ee_group_save_tree(before, state_key, sizeof state_key, &tree) == 0 &&
            e2ee_group_save_changes(before, state_key, sizeof state_key, &changes) == 0;
  harness_require(ok, "a group was not saved in two blobs");
  e2ee_group_free(before);
  e2ee_group *group = load_two(e2ee_bytes_data(tree), e2ee_bytes_size(tree),
                               e2ee_bytes_data(changes), e2ee_bytes_size(changes));
  harness_require(group != NULL, "a group was not loaded again from two blobs");
  e2ee_bytes_free(tree);
  e2ee_bytes_free(changes);
  return group;
}

/* The group is freed. */
static void group_again(e2ee_group *before) {
  e2ee_bytes *blob = NULL, *message = NULL, *welcome = NULL;
  harness_require(e2ee_group_save(before, state_key, sizeof state_key, &blob) == 0,
                  "a group was not saved");
  e2ee_group_free(before);
  e2ee_group *group = load_group(e2ee_bytes_data(blob), e2ee_bytes_size(blob));
  harness_require(group != NULL, "a group was not loaded again");
  e2ee_bytes_free(blob);

  /* And it may be worked with. */
  e2ee_commit *commit = NULL;
  (void)!e2ee_group_encrypt(group, state_key, sizeof state_key, &message);
  e2ee_bytes_free(message);
  message = NULL;
  if (e2ee_commit_new(group, &commit) == 0 && e2ee_commit_build(commit, &message, &welcome) == 0)
    (void)!e2ee_group_commit_accepted(group);
  e2ee_commit_free(commit);
  e2ee_bytes_free(message);
  e2ee_bytes_free(welcome);
  e2ee_group_free(group);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0)
    return 0;
  harness_restart();
  static const enum seal_kind kinds[] = {SEAL_CLIENT, SEAL_GROUP, SEAL_CHANGES};
  enum seal_kind kind = kinds[data[0] % 3];
  struct view rest = view_of(data + 1, size - 1);
  if (kind == SEAL_CLIENT) {
    struct bytes blob = sealed(kind, rest);
    e2ee_client *client = load_client(blob.data, blob.size);
    if (client != NULL)
      client_again(client);
    e2ee_client_free(client);
    bytes_free(&blob);
  } else {
    struct bytes blob = sealed(SEAL_GROUP, rest);
    e2ee_group *group = kind == SEAL_GROUP ? load_group(blob.data, blob.size) : load_contents(rest);
    if (group != NULL)
      group_again(two_again(group));
    bytes_free(&blob);
  }
  return 0;
}
