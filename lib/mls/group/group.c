/* SPDX-License-Identifier: ISC */
#include "mls/group/group.h"

#include <string.h>

#include <e2ee/e2ee.h>

#include "base/mem.h"

/* ---- Life cycle ---- */

bool client_in_group(const struct client *client, struct view group_id) {
  for (size_t i = 0; i < client->group_count; i++) {
    const struct group *group = client->groups[i];
    if (!group_is_outside(group) && view_equal(group_identifier(group), group_id))
      return true;
  }
  return false;
}

enum err group_from_epoch(struct client *client, struct epoch **epoch, struct group **out) {
  enum err err = OK;
  struct group *group = mem_new(1, sizeof *group);
  TRY(group == NULL ? ERR_NOMEM : OK);
  TRY(client_enter_group(client, group));
  group->client = client;
  group->epoch = *epoch;
  group->revision = 1;
  *epoch = NULL;
  *out = group;
  group = NULL;
done:
  mem_free(group);
  return err;
}

/* RFC 9420, section 11: the creator's own leaf is one as in a key package. */
static enum err first_leaf(struct client *client, struct private_keys *keys, struct leaf **out) {
  enum err err = OK;
  struct bytes raw = {0};
  struct key_package key_package = {0};
  struct key_package_secret secret = {0};
  struct leaf_storage storage = {0};
  struct leaf_template fields;
  TRY(client_leaf(client, &storage, &fields));
  TRY(client_check_own_leaf(client, &fields));
  fields.source = LEAF_KEY_PACKAGE;
  client_set_lifetime(client, &fields);
  TRY(key_package_new(client->suite, &fields, VIEW_NONE, client->signature_key, &raw, &secret));
  struct reader reader = reader_of(bytes_view(&raw));
  TRY(key_package_read(&reader, NULL, &key_package));
  secret_move(&keys->at[0], &secret.encryption_key);
  *out = leaf_share(key_package.leaf);
done:
  wipe(&secret, sizeof secret);
  key_package_free(&key_package);
  leaf_storage_free(&storage);
  bytes_free(&raw);
  return err;
}

enum err group_new(struct client *client, struct view group_id, struct group **out) {
  return group_new_with(client, group_id, VIEW_NONE, out);
}

enum err group_new_with(struct client *client, struct view group_id, struct view extensions,
                        struct group **out) {
  enum err err = OK;
  struct private_keys *keys = NULL;
  struct leaf *leaf = NULL;
  struct tree *tree = NULL;
  struct epoch *epoch = NULL;
  uint32_t own = 0;
  TRY(require(!client_in_group(client, group_id), &client->why, ERR_INVALID_STATE,
              "RFC 9420, section 11: the client is in a group of that id already"));
  TRY(private_keys_new(0, &keys));
  TRY(first_leaf(client, keys, &leaf));
  TRY(tree_new(client->suite, &tree));
  TRY(tree_add_leaf(tree, leaf, &own));
  TRY(tree_seal(tree));
  struct epoch_parts parts = {
      .group_id = group_id, .epoch = 0, .extensions = extensions, .tree = tree, .own_leaf = own};
  TRY(epoch_create(&parts, &keys, &epoch));
  TRY(group_from_epoch(client, &epoch, out));
done:
  private_keys_free(keys);
  leaf_drop(leaf);
  tree_drop(tree);
  epoch_free(epoch);
  return err;
}

void pending_commit_free(struct pending_commit *pending) {
  if (pending == NULL)
    return;
  bytes_free(&pending->message);
  bytes_free(&pending->welcome);
  epoch_free(pending->next);
  mem_free(pending);
}

static void forget_past(struct group *group, size_t keep) {
  while (group->past_count > keep)
    epoch_free(group->past[--group->past_count]);
}

void group_free(struct group *group) {
  if (group == NULL)
    return;
  client_leave_group(group->client, group);
  epoch_free(group->epoch);
  forget_past(group, 0);
  psk_history_clear(&group->psks);
  proposal_store_clear(&group->proposals);
  pending_commit_free(group->pending);
  group_link_free(group->link);
  bytes_free(&group->external_pub);
  tree_drop(group->saved.tree);
  mem_free(group);
}

void group_link_free(struct group_link *link) {
  if (link == NULL)
    return;
  bytes_free(&link->group_id);
  locked_free(link, sizeof *link);
}

enum group_state group_state(const struct group *group) {
  if (group->left)
    return GROUP_LEFT;
  if (group->epoch->secrets == NULL)
    return GROUP_OUTSIDE;
  return group->epoch->reinit.size > 0 ? GROUP_ENDED : GROUP_ACTIVE;
}

bool group_is_outside(const struct group *group) {
  return group_state(group) == GROUP_OUTSIDE;
}

struct sender group_sender(const struct group *group) {
  if (group_is_outside(group))
    return (struct sender){SENDER_NEW_MEMBER_COMMIT, 0};
  return (struct sender){SENDER_MEMBER, group->epoch->own_leaf};
}

/* An own proposal to remove the own leaf. */
static bool asks_to_leave(const struct group *group, const struct stored_proposal *stored) {
  uint32_t own = group->epoch->own_leaf;
  return stored->sender.type == SENDER_MEMBER && stored->sender.index == own &&
         proposal_kind_of(stored->proposal.type)->removes &&
         proposal_leaf(&stored->proposal, stored->sender) == own;
}

uint32_t group_leaving(const struct group *group) {
  enum group_state state = group_state(group);
  if (state == GROUP_LEFT || state == GROUP_ENDED)
    return E2EE_LEAVING_NO;
  for (size_t i = 0; i < group->proposals.count; i++)
    if (asks_to_leave(group, &group->proposals.item[i]))
      return E2EE_LEAVING_WAITS;
  return group->stays ? E2EE_LEAVING_LOST : E2EE_LEAVING_NO;
}

enum err group_check_active(const struct group *group) {
  static const char *const refusals[GROUP_STATES] = {
      [GROUP_ACTIVE] = NULL,
      [GROUP_OUTSIDE] = "the external commit must be accepted first",
      [GROUP_ENDED] = "RFC 9420, section 12.4.2: a ReInit has ended the group",
      [GROUP_LEFT] = "this member has left the group: nothing more can be done with it",
  };
  const char *refusal = refusals[group_state(group)];
  return refusal == NULL ? OK : refuse(&group->client->why, ERR_INVALID_STATE, "%s", refusal);
}

enum err group_check_alone(const struct group *group) {
  const struct client *client = group->client;
  uint32_t own = group_shown_epoch(group)->own_leaf;
  for (size_t i = 0; i < client->group_count; i++) {
    const struct group *other = client->groups[i];
    if (other != group && own != LEAF_NONE && group_shown_epoch(other)->own_leaf == own &&
        view_equal(group_identifier(other), group_identifier(group)))
      return refuse(&group->client->why, ERR_INVALID_STATE,
                    "leaf %u of this group is open in the client already: free that handle first, "
                    "and the commits and incoming messages of it",
                    own);
  }
  return OK;
}

enum err group_check_leaf(const struct group *group, uint32_t leaf) {
  return require(tree_leaf(group->epoch->tree, leaf) != NULL, &group->client->why, ERR_NOT_FOUND,
                 "leaf %u has no member", leaf);
}

enum err group_read_key_package(const struct group *group, struct view message, struct view *out) {
  enum err err = OK;
  struct client *client = group->client;
  TRY(group_check_active(group));
  TRY(client_check_size(client, message));
  TRY(message_read_key_package(message, &client->why, out));
done:
  return err;
}

void group_discard_pending(struct group *group) {
  pending_commit_free(group->pending);
  group->pending = NULL;
  group->revision++;
}

enum err group_prepare_enter(struct group *group) {
  return psk_history_reserve(&group->psks, group->client->settings.resumption_epochs);
}

void group_enter(struct group *group, struct epoch **next) {
  const struct settings *settings = &group->client->settings;
  size_t keep = settings->past_epochs;
  if (group->epoch->secrets != NULL)
    psk_history_add(&group->psks, group_epoch_number(group), &group->epoch->secrets->resumption_psk,
                    settings->resumption_epochs);
  group->stays = group_leaving(group) != E2EE_LEAVING_NO;
  if (keep > 0 && group->epoch->secrets != NULL) {
    forget_past(group, keep - 1);
    memmove(group->past + 1, group->past, group->past_count * sizeof group->past[0]);
    epoch_retire(group->epoch);
    group->past[0] = group->epoch;
    group->past_count++;
  } else {
    forget_past(group, 0);
    epoch_free(group->epoch);
  }
  group->epoch = *next;
  *next = NULL;
  group_link_free(group->link);
  group->link = NULL;
  bytes_free(&group->external_pub);
  proposal_store_clear(&group->proposals);
  group_discard_pending(group);
}

void group_leave(struct group *group) {
  struct epoch *epoch = group->epoch;
  forget_past(group, 0);
  psk_history_clear(&group->psks);
  private_keys_free(epoch->keys);
  epoch->keys = NULL;
  locked_free(epoch->secrets, sizeof *epoch->secrets);
  epoch->secrets = NULL;
  secret_tree_free(epoch->secret_tree);
  epoch->secret_tree = NULL;
  proposal_store_clear(&group->proposals);
  client_leave_group(group->client, group);
  bytes_free(&group->external_pub);
  group->left = true;
  group_discard_pending(group);
}

/* ---- Reading ---- */

const struct epoch *group_shown_epoch(const struct group *group) {
  return group_is_outside(group) && group->pending != NULL ? group->pending->next : group->epoch;
}

uint64_t group_epoch_number(const struct group *group) {
  return group->epoch->context.epoch;
}

uint32_t group_own_leaf(const struct group *group) {
  return group->epoch->own_leaf;
}

struct view group_identifier(const struct group *group) {
  return group->epoch->context.group_id;
}

bool group_restored(const struct group *group) {
  return group->restored;
}

enum err group_roster(const struct group *group, struct roster **out) {
  enum err err = group_check_active(group);
  if (err != OK)
    return err;
  return roster_new(group->epoch->tree, group->epoch->own_leaf, out);
}

enum err group_export(const struct group *group, struct view label, struct view context,
                      uint8_t *out, size_t size) {
  enum err err = group_check_active(group);
  if (err != OK)
    return err;
  return schedule_export(group->epoch->suite, group->epoch->secrets, label, context, out, size);
}
