/* SPDX-License-Identifier: ISC */
#include "world.h"

#include <stdio.h>
#include <string.h>

#include "crypto/provider.h"

uint64_t world_time;

struct member member_new(const char *name, uint16_t suite) {
  struct member member = {0};
  struct view identity = view_of((const uint8_t *)name, strlen(name));
  ck_assert_int_eq(provider_init(), OK);
  ck_assert_int_eq(client_new(suite_find(suite), identity, &member.client), OK);
  member.client->settings.grease = false;
  member.client->settings.time = world_time;
  member.client->settings.max_lifetime_seconds = LONGEST_LIFETIME;
  return member;
}

void member_free(struct member *member) {
  group_free(member->group);
  client_free(member->client);
  *member = (struct member){0};
}

struct bytes key_package_of(struct client *client) {
  struct bytes key_package = {0};
  ck_assert_int_eq(client_key_package(client, &key_package), OK);
  return key_package;
}

/* ---- A group ---- */

static void receive(struct member *to, const struct bytes *message) {
  struct incoming *incoming = NULL;
  enum err err = process_message(to->group, bytes_view(message), &incoming);
  ck_assert_msg(err == OK, "%d: %s", err, to->client->why.text);
  ck_assert(incoming->kind == E2EE_INCOMING_APPLICATION || process_accept(incoming) == OK);
  incoming_free(incoming);
}

static bool is_in(const struct member *member) {
  return member->group != NULL && !member->group->left;
}

void world_deliver(struct world *world, uint32_t from, const struct bytes *message) {
  for (uint32_t i = 0; i < MEMBERS; i++)
    if (i != from && is_in(&world->member[i]))
      receive(&world->member[i], message);
}

static void commit(struct world *world, uint32_t by, struct commit_plan *plan,
                   struct bytes *welcome) {
  struct group *group = world->member[by].group;
  enum err err = commit_build(group, plan);
  ck_assert_msg(err == OK, "%d: %s", err, group->client->why.text);
  world_deliver(world, by, &group->pending->message);
  if (welcome != NULL)
    bytes_move(welcome, &group->pending->welcome);
  ck_assert_int_eq(commit_accepted(group), OK);
  commit_plan_free(plan);
}

void world_advance(struct world *world, uint32_t by) {
  commit(world, by, &(struct commit_plan){0}, NULL);
}

/* Somebody commits an Add to a plan. */
static void add(struct world *world, uint32_t by, struct commit_plan *plan, struct member *member) {
  struct bytes welcome = {0};
  struct opened_welcome opened = {0};
  struct bytes key_package = key_package_of(member->client);
  ck_assert_int_eq(commit_plan_add(plan, world->member[by].group, bytes_view(&key_package)), OK);
  commit(world, by, plan, &welcome);
  ck_assert_int_eq(join_open_welcome(member->client, bytes_view(&welcome), VIEW_NONE, &opened), OK);
  ck_assert_int_eq(join_accept_welcome(member->client, &opened, &member->group), OK);
  opened_welcome_free(&opened);
  bytes_free(&welcome);
  bytes_free(&key_package);
}

void world_replace_carol(struct world *world) {
  struct commit_plan plan = {0};
  ck_assert_int_eq(commit_plan_remove(&plan, world->member[BOB].group, CAROL), OK);
  add(world, BOB, &plan, &world->joiner);
  ck_assert_uint_eq(group_own_leaf(world->joiner.group), CAROL);
}

static struct world prepared;
static bool is_prepared;

void world_prepare(void) {
  world_init(&prepared, 1);
  is_prepared = true;
}

void world_discard(void) {
  if (is_prepared)
    world_free(&prepared);
  is_prepared = false;
}

void world_init(struct world *world, uint16_t suite) {
  static const char *const names[MEMBERS] = {"alice", "bob", "carol", "mallory", "erin"};
  if (is_prepared && suite == 1) {
    *world = prepared;
    is_prepared = false;
    return;
  }
  *world = (struct world){.victims = (1u << MEMBERS) - 1 - (1u << MALLORY)};
  for (uint32_t i = 0; i < MEMBERS; i++)
    world->member[i] = member_new(names[i], suite);
  world->joiner = member_new("judy", suite);
  ck_assert_int_eq(
      group_new(world->member[ALICE].client, VIEW_TEXT("a group"), &world->member[ALICE].group),
      OK);
  for (uint32_t i = 1; i < MEMBERS; i++)
    add(world, ALICE, &(struct commit_plan){0}, &world->member[i]);
  for (uint32_t i = 0; i < MEMBERS; i++)
    world_advance(world, i);
}

void world_free(struct world *world) {
  for (uint32_t i = 0; i < MEMBERS; i++)
    member_free(&world->member[i]);
  bytes_free(&world->beside);
  group_free(world->other);
  member_free(&world->joiner);
}

static void expect_readable(struct world *world, struct member *sender, uint32_t from) {
  struct bytes message = {0};
  enum err err = group_encrypt(sender->group, VIEW_TEXT("hello"), &message);
  ck_assert_msg(err == OK, "%d: %s", err, sender->client->why.text);
  world_deliver(world, from, &message);
  bytes_free(&message);
}

void world_works(struct world *world) {
  for (uint32_t i = 0; i < MEMBERS; i++)
    if (is_in(&world->member[i]) && world->member[i].group->proposals.count == 0)
      expect_readable(world, &world->member[i], i);
  for (uint32_t by = ALICE; by < MEMBERS; by += MALLORY - ALICE)
    if (is_in(&world->member[by]))
      world_advance(world, by);
  for (uint32_t i = 0; i < MEMBERS; i++)
    if (is_in(&world->member[i]))
      expect_readable(world, &world->member[i], i);
}

/* ---- State ---- */

static void write_epoch(struct writer *writer, const struct epoch *epoch) {
  write_optional(writer, epoch != NULL);
  if (epoch == NULL)
    return;
  write_vector(writer, bytes_view(&epoch->context_raw));
  write_u32(writer, epoch->own_leaf);
  write_bytes(writer, epoch_confirmation_tag(epoch));
  write_bytes(writer, epoch_interim_hash(epoch));
  write_vector(writer, bytes_view(&epoch->reinit));
  tree_write(writer, epoch->tree);
  write_optional(writer, epoch->keys != NULL);
  for (size_t i = 0; epoch->keys != NULL && i < PATH_NODES_MAX; i++)
    write_vector(writer, secret_view(&epoch->keys->at[i]));
  write_optional(writer, epoch->secrets != NULL);
  if (epoch->secrets != NULL)
    write_bytes(writer, view_of((const uint8_t *)epoch->secrets, sizeof *epoch->secrets));
  if (epoch->secret_tree == NULL)
    return;
  /* Which leaves were asked for is visible in what is written: ask for all of them. */
  for (uint32_t leaf = 0; leaf < tree_width(epoch->tree); leaf++) {
    struct message_key key;
    (void)!secret_tree_peek(epoch->secret_tree, leaf, RATCHET_APPLICATION, 0, 1, &key);
  }
  secret_tree_write(writer, epoch->secret_tree);
}

static void write_group(struct writer *writer, const struct group *group) {
  write_epoch(writer, group->epoch);
  for (size_t i = 0; i < group->past_count; i++)
    write_epoch(writer, group->past[i]);
  for (size_t i = 0; i < group->proposals.count; i++) {
    const struct stored_proposal *stored = &group->proposals.item[i];
    write_vector(writer, bytes_view(&stored->authenticated));
    write_optional(writer, stored->update_key != NULL);
    if (stored->update_key != NULL)
      write_vector(writer, secret_view(stored->update_key));
  }
  write_optional(writer, group->pending != NULL);
  if (group->pending != NULL) {
    write_vector(writer, bytes_view(&group->pending->message));
    write_vector(writer, bytes_view(&group->pending->welcome));
    write_epoch(writer, group->pending->next);
  }
  write_u64(writer, group->revision);
  write_optional(writer, group->link != NULL);
  write_vector(writer, bytes_view(&group->external_pub));
  write_optional(writer, group->left);
  write_optional(writer, group->restored);
}

struct bytes state_of(const struct member *member) {
  struct writer writer = {0};
  const struct client *client = member->client;
  for (size_t i = 0; i < client->key_package_count; i++)
    write_vector(&writer, bytes_view(&client->key_packages[i].raw));
  for (size_t i = 0; i < client->psk_count; i++)
    write_vector(&writer, bytes_view(&client->psks[i].id));
  for (size_t i = 0; i < client->group_count; i++)
    write_vector(&writer, group_identifier(client->groups[i]));
  write_vector(&writer, bytes_view(&client->credential));
  write_vector(&writer, secret_view(client->signature_key));
  write_optional(&writer, member->group != NULL);
  if (member->group != NULL)
    write_group(&writer, member->group);
  return taken(&writer);
}

static void expect_unchanged(const struct member *member, struct bytes *before,
                             const struct row *row) {
  struct bytes after = state_of(member);
  ck_assert_msg(view_equal(bytes_view(before), bytes_view(&after)), "%s: the state has changed",
                row->changed);
  bytes_free(&after);
  bytes_free(before);
}

/* ---- Refusals ---- */

void expect_reason(const struct client *client, enum err err, const struct row *row) {
  char section[80];
  ck_assert_msg(err == row->expected, "%s: %s: expected %d, got %d: %s", row->section, row->changed,
                row->expected, err, client->why.text);
  if (err == OK)
    return;
  (void)snprintf(section, sizeof section, "section %s%s", row->section,
                 strchr(row->section, ':') == NULL ? ":" : "");
  bool named =
      row->section[0] == 0 ? client->why.text[0] != 0 : strstr(client->why.text, section) != NULL;
  ck_assert_msg(named, "%s: %s: explained as: %s", row->section, row->changed, client->why.text);
  for (const char *at = client->why.text; *at != 0; at++)
    ck_assert_msg(*at >= ' ' && *at <= '~', "%s: explained with byte %d", row->changed, *at);
}

void expect_refused(struct member *to, const struct bytes *message, const struct row *row) {
  struct incoming *incoming = NULL;
  struct bytes before = state_of(to);
  to->client->why.text[0] = 0;
  enum err err = process_message(to->group, bytes_view(message), &incoming);
  expect_reason(to->client, err, row);
  if (err == OK) {
    ck_assert(incoming->kind == E2EE_INCOMING_APPLICATION || process_accept(incoming) == OK);
    incoming_free(incoming);
    bytes_free(&before);
    return;
  }
  ck_assert_ptr_null(incoming);
  expect_unchanged(to, &before, row);
}

void refuse_message(const struct row *row) {
  refuse_message_in(row, 1);
}

void refuse_message_in(const struct row *row, uint16_t suite) {
  struct world world;
  struct bytes message = {0};
  world_init(&world, suite);
  row->forge(&world, &message);
  for (uint32_t i = 0; i < MEMBERS; i++)
    if ((world.victims >> i & 1) != 0)
      expect_refused(&world.member[i], &message, row);
  if (row->expected != OK)
    world_works(&world);
  bytes_free(&message);
  world_free(&world);
}

/* Whoever refused can still become a member in the ordinary way. */
static void joiner_works(struct world *world, const struct settings *settings) {
  world->joiner.client->settings = *settings;
  if (world->other != NULL)
    return; /* which stands in the way */
  if (world->joiner.group == NULL)
    add(world, ALICE, &(struct commit_plan){0}, &world->joiner);
  expect_readable(world, &world->joiner, MEMBERS);
  world_works(world);
}

void refuse_welcome(const struct row *row) {
  struct world world;
  struct bytes message = {0};
  struct opened_welcome opened = {0};
  world_init(&world, 1);
  const struct settings settings = world.joiner.client->settings;
  row->forge(&world, &message);
  struct bytes before = state_of(&world.joiner);
  struct client *client = world.joiner.client;
  client->why.text[0] = 0;
  expect_reason(client,
                join_open_welcome(client, bytes_view(&message), bytes_view(&world.beside), &opened),
                row);
  if (row->expected == OK)
    ck_assert_int_eq(join_accept_welcome(client, &opened, &world.joiner.group), OK);
  else
    expect_unchanged(&world.joiner, &before, row);
  if (row->expected != OK)
    joiner_works(&world, &settings);
  opened_welcome_free(&opened);
  bytes_free(&before);
  bytes_free(&message);
  world_free(&world);
}

void refuse_group_info(const struct row *row) {
  struct world world;
  struct bytes message = {0};
  world_init(&world, 1);
  const struct settings settings = world.joiner.client->settings;
  row->forge(&world, &message);
  struct bytes before = state_of(&world.joiner);
  struct client *client = world.joiner.client;
  client->why.text[0] = 0;
  expect_reason(
      client,
      join_external(client, bytes_view(&message), bytes_view(&world.beside), &world.joiner.group),
      row);
  if (row->expected == OK)
    world_deliver(&world, MEMBERS, &world.joiner.group->pending->message);
  else
    expect_unchanged(&world.joiner, &before, row);
  if (row->expected != OK)
    joiner_works(&world, &settings);
  bytes_free(&before);
  bytes_free(&message);
  world_free(&world);
}
