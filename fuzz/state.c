/*
 * Saved state under its seal: the first byte says whether the rest is a client's or a group's content.
 * What loads must save, and load again.
 * SPDX-License-Identifier: ISC
 */
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
  enum seal_kind kind = data[0] % 2 == 0 ? SEAL_CLIENT : SEAL_GROUP;
  struct bytes blob = {0};
  harness_require(
      seal(view_of(state_key, sizeof state_key), kind, view_of(data + 1, size - 1), &blob) == OK,
      "not sealed");
  if (kind == SEAL_CLIENT) {
    e2ee_client *client = load_client(blob.data, blob.size);
    if (client != NULL)
      client_again(client);
    e2ee_client_free(client);
  } else {
    e2ee_group *group = load_group(blob.data, blob.size);
    if (group != NULL)
      group_again(group);
  }
  bytes_free(&blob);
  return 0;
}
