/* SPDX-License-Identifier: ISC */
#include "crew.h"

#include <stdio.h>

#include "certificate.h"
#include "mls/group/groupinfo.h"

/* All clocks stand still: lifetimes of key packages are the same in every run. */
#define NOW 1700000000u

/* ---- The clients ---- */

static struct client *new_client(const struct suite *suite, size_t number, bool certified) {
  char name[32];
  int size = snprintf(name, sizeof name, "member %zu", number);
  struct client *client = NULL;
  if (certified)
    client = certificate_client(suite, name);
  else
    must(client_new(suite, view_of((const uint8_t *)name, (size_t)size), &client), "client");
  client->settings.time = NOW;
  return client;
}

void crew_new(struct crew *crew, const struct suite *suite, size_t count) {
  *crew = (struct crew){.suite = suite, .count = count, .witness = CREW_NOBODY};
  for (size_t i = 0; i < count; i++)
    crew->member[i].client = new_client(suite, i, false);
}

void crew_certify(struct crew *crew, size_t who) {
  client_free(crew->member[who].client);
  crew->member[who].client = new_client(crew->suite, who, true);
}

void crew_free(struct crew *crew) {
  for (size_t i = 0; i < crew->count; i++) {
    group_free(crew->member[i].group);
    client_free(crew->member[i].client);
  }
}

void crew_encrypt(struct crew *crew, bool encrypt) {
  for (size_t i = 0; i < crew->count; i++)
    crew->member[i].client->settings.encrypt_handshake = encrypt;
}

bool crew_present(const struct crew *crew, size_t who) {
  return crew->member[who].group != NULL;
}

size_t crew_size(const struct crew *crew) {
  size_t size = 0;
  for (size_t i = 0; i < crew->count; i++)
    size += crew_present(crew, i) ? 1 : 0;
  return size;
}

struct client *crew_client(const struct crew *crew, size_t who) {
  return crew->member[who].client;
}

struct group *crew_group(const struct crew *crew, size_t who) {
  return crew->member[who].group;
}

uint32_t crew_leaf(const struct crew *crew, size_t who) {
  return group_own_leaf(crew_group(crew, who));
}

size_t crew_pick(const struct crew *crew, size_t but) {
  size_t who = 0;
  do {
    who = random_below((uint32_t)crew->count);
  } while (!crew_present(crew, who) || who == but || who == crew->witness);
  return who;
}

/* ---- The witness ---- */

void crew_watch(struct crew *crew, size_t witness, json_object *vector, const char *scenario) {
  crew->witness = witness;
  crew->vector = vector;
  put_text(vector, "scenario", scenario);
  put_number(vector, "cipher_suite", crew->suite->id);
  (void)put_array(vector, "external_psks");
}

static bool is_watched(const struct crew *crew, size_t who) {
  return crew->vector != NULL && crew->witness == who;
}

/* The witness is in the group and hears what others do. */
static bool is_watching(const struct crew *crew) {
  return crew->vector != NULL && crew_present(crew, crew->witness);
}

static void witness_key_package(struct crew *crew, struct view key_package) {
  const struct client *client = crew_client(crew, crew->witness);
  const struct key_package_secret *secret =
      client->key_packages[client->key_package_count - 1].secret;
  put_hex(crew->vector, "key_package", key_package);
  put_secret(crew->vector, "signature_priv", client->signature_key);
  put_secret(crew->vector, "encryption_priv", &secret->encryption_key);
  put_secret(crew->vector, "init_priv", &secret->init_key);
}

static void put_authenticator(json_object *object, const char *field, const struct group *group) {
  put_secret(object, field, &group->epoch->secrets->epoch_authenticator);
}

static json_object *new_epoch(struct crew *crew) {
  json_object *epoch = append_object(vectors_array(crew->vector, "epochs"));
  crew->proposals = put_array(epoch, "proposals");
  return epoch;
}

static void witness_welcome(struct crew *crew, size_t by, struct view welcome, struct view tree) {
  put_hex(crew->vector, "welcome", welcome);
  if (tree.size > 0)
    put_hex(crew->vector, "ratchet_tree", tree);
  else
    put_null(crew->vector, "ratchet_tree");
  put_authenticator(crew->vector, "initial_epoch_authenticator", crew_group(crew, by));
  (void)put_array(crew->vector, "epochs");
}

/* The epoch that proposals of now belong to: made when the first of them, or the commit, is heard. */
static json_object *witness_epoch(struct crew *crew) {
  json_object *epochs = vectors_array(crew->vector, "epochs");
  if (crew->proposals == NULL)
    return new_epoch(crew);
  return vectors_item(epochs, vectors_count(epochs) - 1);
}

void crew_psk(struct crew *crew, struct view id) {
  struct secret psk = random_secret(32);
  for (size_t i = 0; i < crew->count; i++)
    must(client_add_psk(crew_client(crew, i), id, secret_view(&psk)), "PSK");
  if (crew->vector != NULL) {
    json_object *item = append_object(vectors_array(crew->vector, "external_psks"));
    put_hex(item, "psk_id", id);
    put_secret(item, "psk", &psk);
  }
}

/* ---- Messages ---- */

static void hear_one(struct crew *crew, size_t who, struct view message, uint32_t kind) {
  struct group *group = crew_group(crew, who);
  struct incoming *incoming = NULL;
  must(process_message(group, message, &incoming), group->client->why.text);
  must(incoming->kind == kind ? OK : ERR_INTERNAL, "another kind of message");
  must(process_accept(incoming), group->client->why.text);
  incoming_free(incoming);
  if (!group->left)
    return;
  group_free(group);
  crew->member[who].group = NULL;
}

static void all_hear(struct crew *crew, size_t from, struct view message, uint32_t kind) {
  for (size_t i = 0; i < crew->count; i++)
    if (i != from && crew_present(crew, i))
      hear_one(crew, i, message, kind);
}

void crew_hear(struct crew *crew, size_t from, struct bytes *proposal) {
  if (is_watching(crew)) {
    (void)witness_epoch(crew);
    append_hex(crew->proposals, bytes_view(proposal));
  }
  all_hear(crew, from, bytes_view(proposal), E2EE_INCOMING_PROPOSAL);
  bytes_free(proposal);
}

void crew_propose(struct crew *crew, size_t by, struct bytes *proposal) {
  struct bytes message = {0};
  struct group *group = crew_group(crew, by);
  must(group_propose(group, bytes_view(proposal), &message), group->client->why.text);
  crew_hear(crew, by, &message);
  bytes_free(proposal);
}

struct bytes crew_key_package(struct crew *crew, size_t who) {
  struct bytes message = {0};
  must(client_key_package(crew_client(crew, who), &message), "key package");
  crew->member[who].invited = true;
  if (is_watched(crew, who))
    witness_key_package(crew, bytes_view(&message));
  return message;
}

struct public_message read_public(struct view message) {
  struct reader reader = reader_of(message);
  struct public_message out;
  uint16_t format = 0;
  must(message_read_header(&reader, NULL, &format), "header");
  must(public_message_read(&reader, NULL, &out), "PublicMessage");
  return out;
}

/* ---- Commits ---- */

static void join(struct crew *crew, size_t who, struct view welcome, struct view tree) {
  struct crew_member *member = &crew->member[who];
  struct opened_welcome opened = {0};
  const struct group *old = crew->old == NULL ? NULL : crew_group(crew->old, who);
  must(join_open_successor(member->client, old, welcome, tree, &opened), member->client->why.text);
  must(join_accept_welcome(member->client, &opened, &member->group), member->client->why.text);
  opened_welcome_free(&opened);
  member->invited = false;
}

static void check_agreement(const struct crew *crew, size_t by) {
  const struct secret *expected = &crew_group(crew, by)->epoch->secrets->epoch_authenticator;
  for (size_t i = 0; i < crew->count; i++) {
    const struct group *group = crew_group(crew, i);
    if (group != NULL)
      must(secret_equal(secret_view(&group->epoch->secrets->epoch_authenticator),
                        secret_view(expected))
               ? OK
               : ERR_INTERNAL,
           "members do not agree");
  }
}

/* The pending commit of a member reaches everybody. */
static void deliver(struct crew *crew, size_t by) {
  struct group *group = crew_group(crew, by);
  struct bytes message = {0}, welcome = {0}, tree = {0};
  bool watching = is_watching(crew);
  must(is_watched(crew, by) ? ERR_INTERNAL : OK, "the witness only listens");
  must(bytes_copy(&message, bytes_view(&group->pending->message)), "commit");
  must(bytes_copy(&welcome, bytes_view(&group->pending->welcome)), "Welcome");
  for (size_t i = 0; i < crew->count; i++)
    if (i != by && crew_present(crew, i))
      hear_one(crew, i, bytes_view(&message), E2EE_INCOMING_COMMIT);
  must(commit_accepted(group), "own commit");
  if (watching) {
    json_object *epoch = witness_epoch(crew);
    put_hex(epoch, "commit", bytes_view(&message));
    put_authenticator(epoch, "epoch_authenticator", group);
    crew->proposals = NULL;
  }
  if (welcome.size > 0 && !group->client->settings.tree_in_welcome)
    must(group_ratchet_tree(group, &tree), "ratchet tree");
  for (size_t i = 0; i < crew->count; i++) {
    if (!crew->member[i].invited)
      continue;
    join(crew, i, bytes_view(&welcome), bytes_view(&tree));
    if (is_watched(crew, i))
      witness_welcome(crew, by, bytes_view(&welcome), bytes_view(&tree));
  }
  check_agreement(crew, by);
  bytes_free(&tree);
  bytes_free(&welcome);
  bytes_free(&message);
}

void crew_commit(struct crew *crew, size_t by, struct commit_plan *plan) {
  struct commit_plan nothing = {0};
  struct group *group = crew_group(crew, by);
  if (plan == NULL)
    plan = &nothing;
  must(commit_build(group, plan), group->client->why.text);
  commit_plan_free(plan);
  deliver(crew, by);
}

void crew_add(struct crew *crew, size_t by, size_t who) {
  struct commit_plan plan = {0};
  struct bytes key_package = crew_key_package(crew, who);
  struct group *group = crew_group(crew, by);
  must(commit_plan_add(&plan, group, bytes_view(&key_package)), group->client->why.text);
  bytes_free(&key_package);
  crew_commit(crew, by, &plan);
}

void crew_remove(struct crew *crew, size_t by, size_t who) {
  struct commit_plan plan = {0};
  struct group *group = crew_group(crew, by);
  must(commit_plan_remove(&plan, group, crew_leaf(crew, who)), group->client->why.text);
  crew_commit(crew, by, &plan);
}

void crew_found(struct crew *crew, size_t size) {
  struct secret id = random_secret(16);
  must(group_new(crew_client(crew, 0), secret_view(&id), &crew->member[0].group), "group");
  for (size_t i = 1; i < size; i++)
    crew_add(crew, is_watched(crew, i - 1) ? i - 2 : i - 1, i);
}

void crew_join(struct crew *crew, size_t who, size_t host, struct view self_remove, size_t former) {
  struct crew_member *member = &crew->member[who];
  struct client *client = member->client;
  struct bytes info = {0}, tree = {0};
  struct commit_plan plan = {0};
  uint32_t former_leaf = former == CREW_NOBODY ? LEAF_NONE : crew_leaf(crew, former);
  if (former != CREW_NOBODY) {
    group_free(crew->member[former].group);
    crew->member[former].group = NULL;
  }
  must(group_info(crew_group(crew, host), &info), "GroupInfo");
  if (!crew_client(crew, host)->settings.tree_in_welcome)
    must(group_ratchet_tree(crew_group(crew, host), &tree), "ratchet tree");
  must(external_open(client, bytes_view(&info), bytes_view(&tree), &member->group),
       client->why.text);
  if (self_remove.size > 0)
    hear_one(crew, who, self_remove, E2EE_INCOMING_PROPOSAL);
  if (former != CREW_NOBODY)
    must(commit_plan_remove(&plan, member->group, former_leaf), client->why.text);
  must(commit_build(member->group, &plan), client->why.text);
  deliver(crew, who);
  commit_plan_free(&plan);
  bytes_free(&tree);
  bytes_free(&info);
}
