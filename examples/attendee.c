/* SPDX-License-Identifier: ISC */
#include "attendee.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SUITE = 1 };

/* ---- Small things ------------------------------------------------------------ */

void fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fprintf(stderr, "\nwebinar: ");
  vfprintf(stderr, format, arguments);
  fprintf(stderr, "\n");
  va_end(arguments);
  exit(1);
}

void must(const e2ee_client *client, const char *what, int err) {
  char why[512] = "";
  size_t length = sizeof why - 1;
  if (err == E2EE_OK) {
    return;
  }
  if (client && e2ee_client_explain(client, (uint8_t *)why, &length) == E2EE_OK) {
    why[length] = 0;
  }
  fail("%s: %s: %s", what, e2ee_strerror(err), why);
}

void *allocate(size_t count, size_t size) {
  void *memory = calloc(count, size);
  if (!memory) {
    fail("out of memory");
  }
  return memory;
}

uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

e2ee_group_status status_of(const struct member *member) {
  e2ee_group_status status;
  must(member->client, "status", e2ee_group_get_status(member->group, &status, sizeof status));
  return status;
}

/* ---- Joining ----------------------------------------------------------------- */

e2ee_client *client_new(uint32_t number) {
  char name[32];
  e2ee_client *client = NULL;
  const int length = snprintf(name, sizeof name, "member %" PRIu32, number);
  must(NULL, "client", e2ee_client_new(SUITE, (const uint8_t *)name, (size_t)length, &client));
  return client;
}

e2ee_bytes *key_package_of(e2ee_client *client) {
  e2ee_bytes *key_package = NULL;
  must(client, "key package", e2ee_key_package_new(client, &key_package));
  return key_package;
}

uint64_t join(struct member *member, const e2ee_bytes *welcome) {
  e2ee_incoming *incoming = NULL;
  const uint64_t begin = now_ns();
  must(member->client, "open a Welcome",
       e2ee_welcome_open(member->client, e2ee_bytes_data(welcome), e2ee_bytes_size(welcome), NULL,
                         0, &incoming));
  must(member->client, "join", e2ee_incoming_join(incoming, &member->group));
  const uint64_t end = now_ns();
  e2ee_incoming_free(incoming);
  member->leaf = status_of(member).own_leaf;
  return end - begin;
}

void begin_media(struct member *member) {
  must(NULL, "media", e2ee_media_new(0, &member->media));
  must(member->client, "install", e2ee_media_install(member->media, member->group));
}

/** What all members of an epoch have in common, and nobody else has. */
struct secret_view {
  uint8_t authenticator[64];
  size_t authenticator_size;
  uint8_t code[128];
  size_t code_size;
};

static struct secret_view view(const struct member *member) {
  struct secret_view view = {.authenticator_size = sizeof view.authenticator,
                             .code_size = sizeof view.code};
  must(member->client, "epoch authenticator",
       e2ee_group_epoch_authenticator(member->group, view.authenticator, &view.authenticator_size));
  must(member->client, "safety code",
       e2ee_group_safety_code(member->group, view.code, &view.code_size));
  return view;
}

void check_same(const struct member *one, const struct member *other) {
  const struct secret_view a = view(one);
  const struct secret_view b = view(other);
  if (status_of(one).epoch != status_of(other).epoch ||
      a.authenticator_size != b.authenticator_size || a.code_size != b.code_size ||
      memcmp(a.authenticator, b.authenticator, a.authenticator_size) != 0 ||
      memcmp(a.code, b.code, a.code_size) != 0) {
    fail("leaf %" PRIu32 " and leaf %" PRIu32 " are not in the same epoch", one->leaf, other->leaf);
  }
}

/* ---- Commits ----------------------------------------------------------------- */

void change_make(struct change *change) {
  struct member *committer = change->committer;
  e2ee_commit *commit = NULL;
  const uint64_t begin = now_ns();
  must(committer->client, "commit", e2ee_commit_new(committer->group, &commit));
  if (change->kind == E2EE_CHANGE_ADD) {
    must(committer->client, "add",
         e2ee_commit_add(commit, e2ee_bytes_data(change->key_package),
                         e2ee_bytes_size(change->key_package)));
  } else if (change->kind == E2EE_CHANGE_REMOVE) {
    must(committer->client, "remove", e2ee_commit_remove(commit, change->leaf));
  }
  must(committer->client, "build", e2ee_commit_build(commit, &change->message, &change->welcome));
  must(committer->client, "accepted", e2ee_group_commit_accepted(committer->group));
  change->make_ns = now_ns() - begin;
  e2ee_commit_free(commit);
}

void change_free(struct change *change) {
  e2ee_bytes_free(change->key_package);
  e2ee_bytes_free(change->message);
  e2ee_bytes_free(change->welcome);
}

void follow(struct member *member, const struct change *change) {
  e2ee_incoming *incoming = NULL;
  e2ee_incoming_status status;
  bool found = change->kind == 0;
  must(member->client, "process",
       e2ee_group_process(member->group, e2ee_bytes_data(change->message),
                          e2ee_bytes_size(change->message), &incoming));
  must(member->client, "status", e2ee_incoming_get_status(incoming, &status, sizeof status));
  for (uint32_t i = 0; i < status.changes; i++) {
    e2ee_change seen;
    uint8_t name[64];
    size_t length = sizeof name;
    must(member->client, "change", e2ee_incoming_change(incoming, i, &seen, sizeof seen));
    must(member->client, "who",
         e2ee_incoming_member(incoming, i, E2EE_MEMBER_IDENTITY, name, &length));
    found |=
        seen.kind == change->kind && (change->kind == E2EE_CHANGE_ADD || seen.leaf == change->leaf);
  }
  if (!found || status.kind != E2EE_INCOMING_COMMIT || status.sender != change->committer->leaf) {
    fail("a commit shows something else than it does");
  }
  must(member->client, "accept", e2ee_incoming_accept(incoming));
  e2ee_incoming_free(incoming);
}

size_t save(struct member *member) {
  static const uint8_t key[32] = {1};
  e2ee_bytes *tree = NULL;
  e2ee_bytes *changes = NULL;
  int err = e2ee_group_save_changes(member->group, key, sizeof key, &changes);
  if (err == E2EE_ERR_INVALID_STATE) {
    must(member->client, "save", e2ee_group_save_tree(member->group, key, sizeof key, &tree));
    err = e2ee_group_save_changes(member->group, key, sizeof key, &changes);
  }
  must(member->client, "save", err);
  const size_t size = e2ee_bytes_size(tree) + e2ee_bytes_size(changes);
  e2ee_bytes_free(tree);
  e2ee_bytes_free(changes);
  return size;
}

void member_free(struct member *member) {
  e2ee_sender_free(member->sound);
  e2ee_sender_free(member->picture);
  e2ee_media_free(member->media);
  e2ee_group_free(member->group);
  e2ee_client_free(member->client);
}
