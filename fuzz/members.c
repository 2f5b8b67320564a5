/* SPDX-License-Identifier: ISC */
#include "members.h"

static e2ee_client *client_new(const char *name) {
  e2ee_client *client = NULL;
  harness_require(e2ee_client_new(MEMBERS_SUITE, (const uint8_t *)name, 5, &client) == 0 &&
                      e2ee_client_set(client, E2EE_SET_TIME, HARNESS_TIME) == 0,
                  "no client");
  return client;
}

/* Alice adds the client of a key package and enters the new epoch. */
static e2ee_bytes *add(e2ee_group *group, const e2ee_bytes *key_package) {
  e2ee_commit *commit = NULL;
  e2ee_bytes *message = NULL, *welcome = NULL;
  harness_require(e2ee_commit_new(group, &commit) == 0 &&
                      e2ee_commit_add(commit, e2ee_bytes_data(key_package),
                                      e2ee_bytes_size(key_package)) == 0 &&
                      e2ee_commit_build(commit, &message, &welcome) == 0 &&
                      e2ee_group_commit_accepted(group) == 0,
                  "nobody was added");
  e2ee_commit_free(commit);
  e2ee_bytes_free(message);
  return welcome;
}

void members_start(struct members *members) {
  members->alice_client = client_new("alice");
  members->bob_client = client_new("bobby");
  e2ee_bytes *key_package = NULL;
  harness_require(
      e2ee_group_new(members->alice_client, (const uint8_t *)"fuzz", 4, &members->alice) == 0 &&
          e2ee_key_package_new(members->bob_client, &key_package) == 0,
      "no group");
  members->welcome = add(members->alice, key_package);
  e2ee_bytes_free(key_package);

  e2ee_incoming *incoming = NULL;
  e2ee_group_status status;
  harness_require(e2ee_welcome_open(members->bob_client, e2ee_bytes_data(members->welcome),
                                    e2ee_bytes_size(members->welcome), NULL, 0, &incoming) == 0 &&
                      e2ee_incoming_join(incoming, &members->bob) == 0 &&
                      e2ee_group_get_status(members->bob, &status, sizeof status) == 0,
                  "bob could not join");
  members->epoch = status.epoch;
  e2ee_incoming_free(incoming);
}

void members_stop(struct members *members) {
  e2ee_group_free(members->alice);
  e2ee_group_free(members->bob);
  e2ee_client_free(members->alice_client);
  e2ee_client_free(members->bob_client);
  e2ee_bytes_free(members->welcome);
}
