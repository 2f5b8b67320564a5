/* Groups and their members.  SPDX-License-Identifier: ISC */
#include "api/handles.h"
#include "mls/group/groupinfo.h"
#include "state/snapshot.h"

/* ---- Life cycle ---- */

int e2ee_group_new(e2ee_client *client, const uint8_t *group_id, size_t group_id_len,
                   e2ee_group **out) {
  struct e2ee_group *group = NULL;
  if (out == NULL)
    return E2EE_ERR_INVALID_ARG;
  *out = NULL;
  if (client == NULL || group_id == NULL || group_id_len == 0)
    return E2EE_ERR_INVALID_ARG;
  if (group_id_len > API_INPUT_MAX)
    return E2EE_ERR_LIMIT;
  enum err err = api_group_begin(client, &group);
  if (err != OK)
    return err;
  err = group_new(client->client, view_of(group_id, group_id_len), &group->group);
  return api_group_end(client, err, group, out);
}

int e2ee_group_join_external(e2ee_client *client, const uint8_t *group_info, size_t group_info_len,
                             const uint8_t *tree, size_t tree_len, e2ee_bytes **commit,
                             e2ee_group **out) {
  enum err err = OK;
  struct e2ee_group *group = NULL;
  struct e2ee_bytes *message = NULL;
  if (commit != NULL)
    *commit = NULL;
  if (out != NULL)
    *out = NULL;
  if (client == NULL || group_info == NULL || !api_given(tree, tree_len) || commit == NULL ||
      out == NULL)
    return E2EE_ERR_INVALID_ARG;
  err = api_enter(client);
  if (err != OK)
    return err;
  TRY(api_bytes_new(&message));
  TRY(api_group_new(client, &group));
  TRY(join_external(client->client, view_of(group_info, group_info_len), view_of(tree, tree_len),
                    &group->group));
  TRY(bytes_copy(&message->bytes, bytes_view(&group->group->pending->message)));
  *commit = message;
  *out = group;
  message = NULL;
  group = NULL;
done:
  api_group_undo(group);
  e2ee_bytes_free(message);
  return api_leave(client, err);
}

int e2ee_group_info(e2ee_group *group, e2ee_bytes **out) {
  struct e2ee_bytes *result = NULL;
  if (out == NULL)
    return E2EE_ERR_INVALID_ARG;
  *out = NULL;
  if (group == NULL)
    return E2EE_ERR_INVALID_ARG;
  enum err err = api_bytes_begin(group->client, &result);
  if (err != OK)
    return err;
  err = group_info(group->group, &result->bytes);
  return api_bytes_end(group->client, err, result, out);
}

void e2ee_group_free(e2ee_group *group) {
  api_group_drop(group);
}

/* ---- Saved state ---- */

static int save(e2ee_group *group, const uint8_t *key, size_t key_len, e2ee_bytes **out,
                enum err (*write)(struct group *, struct view, struct bytes *)) {
  struct e2ee_bytes *result = NULL;
  if (out == NULL)
    return E2EE_ERR_INVALID_ARG;
  *out = NULL;
  if (group == NULL || key == NULL)
    return E2EE_ERR_INVALID_ARG;
  enum err err = api_bytes_begin(group->client, &result);
  if (err != OK)
    return err;
  err = write(group->group, view_of(key, key_len), &result->bytes);
  return api_bytes_end(group->client, err, result, out);
}

int e2ee_group_save(e2ee_group *group, const uint8_t *key, size_t key_len, e2ee_bytes **out) {
  return save(group, key, key_len, out, snapshot_save_group);
}

int e2ee_group_save_tree(e2ee_group *group, const uint8_t *key, size_t key_len, e2ee_bytes **out) {
  return save(group, key, key_len, out, snapshot_save_tree);
}

int e2ee_group_save_changes(e2ee_group *group, const uint8_t *key, size_t key_len,
                            e2ee_bytes **out) {
  return save(group, key, key_len, out, snapshot_save_changes);
}

int e2ee_group_load_changes(e2ee_client *client, const uint8_t *key, size_t key_len,
                            const uint8_t *tree, size_t tree_len, const uint8_t *changes,
                            size_t changes_len, e2ee_group **out) {
  struct e2ee_group *group = NULL;
  if (out == NULL)
    return E2EE_ERR_INVALID_ARG;
  *out = NULL;
  if (client == NULL || key == NULL || tree == NULL || changes == NULL)
    return E2EE_ERR_INVALID_ARG;
  enum err err = api_group_begin(client, &group);
  if (err != OK)
    return err;
  TRY(snapshot_load_changes(client->client, view_of(key, key_len), view_of(tree, tree_len),
                            view_of(changes, changes_len), &group->group));
  TRY(group_check_alone(group->group));
done:
  return api_group_end(client, err, group, out);
}

int e2ee_group_load(e2ee_client *client, const uint8_t *key, size_t key_len, const uint8_t *blob,
                    size_t blob_len, e2ee_group **out) {
  struct e2ee_group *group = NULL;
  if (out == NULL)
    return E2EE_ERR_INVALID_ARG;
  *out = NULL;
  if (client == NULL || key == NULL || blob == NULL)
    return E2EE_ERR_INVALID_ARG;
  enum err err = api_group_begin(client, &group);
  if (err != OK)
    return err;
  TRY(snapshot_load_group(client->client, view_of(key, key_len), view_of(blob, blob_len),
                          &group->group));
  TRY(group_check_alone(group->group));
done:
  return api_group_end(client, err, group, out);
}

/* ---- Reading ---- */

static uint32_t shown_state(const struct group *group) {
  static const uint32_t shown[GROUP_STATES] = {
      [GROUP_ACTIVE] = E2EE_GROUP_ACTIVE,
      [GROUP_OUTSIDE] = E2EE_GROUP_OUTSIDE,
      [GROUP_ENDED] = E2EE_GROUP_ENDED,
      [GROUP_LEFT] = E2EE_GROUP_LEFT,
  };
  enum group_state state = group_state(group);
  return state != GROUP_LEFT && group->pending != NULL ? E2EE_GROUP_PENDING : shown[state];
}

int e2ee_group_get_status(const e2ee_group *group, e2ee_group_status *out, size_t out_size) {
  if (group == NULL || out == NULL || out_size == 0)
    return E2EE_ERR_INVALID_ARG;
  enum err err = api_enter(group->client);
  if (err != OK)
    return err;
  const struct group *inner = group->group;
  const struct epoch *shown = group_shown_epoch(inner);
  struct e2ee_group_status status = {
      .epoch = shown->context.epoch,
      .revision = inner->revision,
      .state = shown_state(inner),
      .own_leaf = shown->own_leaf,
      .members = tree_members(shown->tree),
      .mls_suite = shown->suite->id,
      .proposals = (uint32_t)inner->proposals.count,
      .leaving = group_leaving(inner),
  };
  api_fill(out, out_size, &status, sizeof status);
  return api_leave(group->client, OK);
}

int e2ee_group_id(const e2ee_group *group, uint8_t *out, size_t *len) {
  if (group == NULL || len == NULL)
    return E2EE_ERR_INVALID_ARG;
  enum err err = api_enter(group->client);
  if (err != OK)
    return err;
  return api_leave(group->client, api_put(group_identifier(group->group), out, len));
}

int e2ee_group_member_next(const e2ee_group *group, uint32_t *leaf) {
  if (group == NULL || leaf == NULL)
    return E2EE_ERR_INVALID_ARG;
  enum err err = api_enter(group->client);
  if (err != OK)
    return err;
  uint32_t next =
      tree_next_member(group_shown_epoch(group->group)->tree, *leaf == UINT32_MAX ? 0 : *leaf + 1);
  if (next != LEAF_NONE)
    *leaf = next;
  (void)api_leave(group->client, OK);
  return next != LEAF_NONE;
}

int e2ee_group_member(const e2ee_group *group, uint32_t leaf, uint32_t what, uint8_t *out,
                      size_t *len) {
  enum err err = OK;
  struct bytes value = {0};
  if (group == NULL || len == NULL)
    return E2EE_ERR_INVALID_ARG;
  err = api_enter(group->client);
  if (err != OK)
    return err;
  const struct epoch *shown = group_shown_epoch(group->group);
  const struct leaf *member = tree_leaf(shown->tree, leaf);
  TRY(require(member != NULL, &group->group->client->why, ERR_NOT_FOUND, "leaf %u has no member",
              leaf));
  const struct leaf *own = tree_leaf(shown->tree, shown->own_leaf);
  TRY(require(own != NULL || what != E2EE_MEMBER_SAFETY_CODE, &group->group->client->why,
              ERR_INVALID_STATE, "the client never was a member beside leaf %u", leaf));
  TRY(member_read(own, member, what, &value));
  TRY(api_put(bytes_view(&value), out, len));
done:
  bytes_free(&value);
  return api_leave(group->client, err);
}

int e2ee_group_safety_code(const e2ee_group *group, uint8_t *out, size_t *len) {
  enum err err = OK;
  struct bytes code = {0};
  if (group == NULL || len == NULL)
    return E2EE_ERR_INVALID_ARG;
  err = api_enter(group->client);
  if (err != OK)
    return err;
  TRY(group_check_active(group->group));
  TRY(epoch_safety_code(secret_view(&group->group->epoch->secrets->epoch_authenticator), &code));
  TRY(api_put(bytes_view(&code), out, len));
done:
  bytes_free(&code);
  return api_leave(group->client, err);
}

int e2ee_group_epoch_authenticator(const e2ee_group *group, uint8_t *out, size_t *len) {
  if (group == NULL || len == NULL)
    return E2EE_ERR_INVALID_ARG;
  enum err err = api_enter(group->client);
  if (err != OK)
    return err;
  TRY(group_check_active(group->group));
  TRY(api_put(secret_view(&group->group->epoch->secrets->epoch_authenticator), out, len));
done:
  return api_leave(group->client, err);
}

int e2ee_group_extension(const e2ee_group *group, uint16_t type, uint8_t *out, size_t *len) {
  struct view data;
  if (group == NULL || len == NULL)
    return E2EE_ERR_INVALID_ARG;
  enum err err = api_enter(group->client);
  if (err != OK)
    return err;
  TRY(require(extensions_find(group_shown_epoch(group->group)->context.extensions, type, &data),
              &group->group->client->why, ERR_NOT_FOUND, "the group has no extension 0x%04x",
              type));
  TRY(api_put(data, out, len));
done:
  return api_leave(group->client, err);
}

int e2ee_group_ratchet_tree(const e2ee_group *group, e2ee_bytes **out) {
  struct e2ee_bytes *result = NULL;
  if (out == NULL)
    return E2EE_ERR_INVALID_ARG;
  *out = NULL;
  if (group == NULL)
    return E2EE_ERR_INVALID_ARG;
  enum err err = api_bytes_begin(group->client, &result);
  if (err != OK)
    return err;
  err = group_ratchet_tree(group->group, &result->bytes);
  return api_bytes_end(group->client, err, result, out);
}

int e2ee_group_export(const e2ee_group *group, const char *label, size_t label_len,
                      const uint8_t *context, size_t context_len, uint8_t *out, size_t out_len) {
  const uint8_t *label_bytes = (const uint8_t *)label;
  if (group == NULL || label == NULL || !api_given(context, context_len) || out == NULL ||
      out_len == 0)
    return E2EE_ERR_INVALID_ARG;
  if (label_len > API_INPUT_MAX || context_len > API_INPUT_MAX)
    return E2EE_ERR_LIMIT;
  enum err err = api_enter(group->client);
  if (err != OK)
    return err;
  return api_leave(group->client, group_export(group->group, view_of(label_bytes, label_len),
                                               view_of(context, context_len), out, out_len));
}
