/* Proposals of mls.h: sent, put into a commit, or made from outside.  SPDX-License-Identifier: ISC */
#include <e2ee/mls.h>

#include "api/handles.h"
#include "mls/group/draft.h"
#include "mls/group/external.h"

/* Send a draft.  Entered; leaves.  The draft is freed. */
static int send_draft(e2ee_group *group, enum err err, struct bytes *draft, e2ee_bytes **out) {
  struct e2ee_bytes *result = NULL;
  TRY(err);
  TRY(api_bytes_new(&result));
  TRY(group_propose(group->group, bytes_view(draft), &result->bytes));
done:
  bytes_free(draft);
  return api_bytes_end(group->client, err, result, out);
}

/* Put a draft into a commit.  Entered; leaves.  The draft is freed. */
static int plan_draft(e2ee_commit *commit, enum err err, struct bytes *draft) {
  const struct group *group = commit->group->group;
  if (err == OK)
    err = commit_plan_proposal(&commit->plan, group, bytes_view(draft));
  bytes_free(draft);
  return api_leave(commit->group->client, err);
}

/* ---- Pre-shared keys ---- */

int e2ee_group_propose_psk(e2ee_group *group, const uint8_t *id, size_t id_len, e2ee_bytes **out) {
  struct bytes draft = {0};
  if (out == NULL)
    return E2EE_ERR_INVALID_ARG;
  *out = NULL;
  if (group == NULL || id == NULL)
    return E2EE_ERR_INVALID_ARG;
  enum err err = api_enter(group->client);
  if (err != OK)
    return err;
  err = draft_psk(group->group, view_of(id, id_len), &draft);
  return send_draft(group, err, &draft, out);
}

int e2ee_commit_psk(e2ee_commit *commit, const uint8_t *id, size_t id_len) {
  struct bytes draft = {0};
  if (commit == NULL || id == NULL)
    return E2EE_ERR_INVALID_ARG;
  enum err err = api_enter_commit(commit);
  if (err != OK)
    return err;
  err = draft_psk(commit->group->group, view_of(id, id_len), &draft);
  return plan_draft(commit, err, &draft);
}

int e2ee_commit_resumption_psk(e2ee_commit *commit, uint64_t epoch) {
  struct bytes draft = {0};
  if (commit == NULL)
    return E2EE_ERR_INVALID_ARG;
  enum err err = api_enter_commit(commit);
  if (err != OK)
    return err;
  err = draft_resumption_psk(commit->group->group, epoch, &draft);
  return plan_draft(commit, err, &draft);
}

/* ---- Extensions of the GroupContext ---- */

int e2ee_commit_extension(e2ee_commit *commit, uint16_t type, const uint8_t *data,
                          size_t data_len) {
  if (commit == NULL || !api_type(type) || !api_given(data, data_len))
    return E2EE_ERR_INVALID_ARG;
  if (data_len > API_INPUT_MAX)
    return E2EE_ERR_LIMIT;
  enum err err = api_enter_commit(commit);
  if (err != OK)
    return err;
  return api_leave(commit->group->client, commit_plan_extension(&commit->plan, commit->group->group,
                                                                type, view_of(data, data_len)));
}

int e2ee_group_propose_extension(e2ee_group *group, uint16_t type, const uint8_t *data,
                                 size_t data_len, e2ee_bytes **out) {
  enum err err = OK;
  struct bytes list = {0}, draft = {0};
  if (out == NULL)
    return E2EE_ERR_INVALID_ARG;
  *out = NULL;
  if (group == NULL || !api_type(type) || !api_given(data, data_len))
    return E2EE_ERR_INVALID_ARG;
  if (data_len > API_INPUT_MAX)
    return E2EE_ERR_LIMIT;
  err = api_enter(group->client);
  if (err != OK)
    return err;
  TRY(draft_set_extension(group->group->epoch->context.extensions, type, view_of(data, data_len),
                          &list));
  TRY(draft_extensions(bytes_view(&list), &draft));
done:
  bytes_free(&list);
  return send_draft(group, err, &draft, out);
}

int e2ee_commit_require(e2ee_commit *commit, uint32_t kind, uint16_t type) {
  if (commit == NULL || kind < E2EE_TYPE_EXTENSION || kind > E2EE_TYPE_CREDENTIAL ||
      !api_type(type))
    return E2EE_ERR_INVALID_ARG;
  enum err err = api_enter_commit(commit);
  if (err != OK)
    return err;
  return api_leave(commit->group->client, commit_plan_require(&commit->plan, commit->group->group,
                                                              (enum type_kind)kind, type));
}

int e2ee_commit_external_sender(e2ee_commit *commit, const uint8_t *public_key,
                                size_t public_key_len, uint16_t credential_type,
                                const uint8_t *body, size_t body_len) {
  if (commit == NULL || public_key == NULL || !api_type(credential_type) || body == NULL ||
      body_len == 0)
    return E2EE_ERR_INVALID_ARG;
  if (body_len > API_INPUT_MAX)
    return E2EE_ERR_LIMIT;
  enum err err = api_enter_commit(commit);
  if (err != OK)
    return err;
  return api_leave(commit->group->client,
                   commit_plan_external_sender(&commit->plan, commit->group->group,
                                               view_of(public_key, public_key_len), credential_type,
                                               view_of(body, body_len)));
}

/* ---- ReInit and the application's own ---- */

int e2ee_group_propose_reinit(e2ee_group *group, const uint8_t *group_id, size_t group_id_len,
                              uint16_t mls_suite, e2ee_bytes **out) {
  struct bytes draft = {0};
  if (out == NULL)
    return E2EE_ERR_INVALID_ARG;
  *out = NULL;
  if (group == NULL || group_id == NULL || group_id_len == 0)
    return E2EE_ERR_INVALID_ARG;
  if (group_id_len > API_INPUT_MAX)
    return E2EE_ERR_LIMIT;
  enum err err = api_enter(group->client);
  if (err != OK)
    return err;
  err = draft_reinit(group->group, view_of(group_id, group_id_len), mls_suite, &draft);
  return send_draft(group, err, &draft, out);
}

int e2ee_commit_reinit(e2ee_commit *commit, const uint8_t *group_id, size_t group_id_len,
                       uint16_t mls_suite) {
  struct bytes draft = {0};
  if (commit == NULL || group_id == NULL || group_id_len == 0)
    return E2EE_ERR_INVALID_ARG;
  if (group_id_len > API_INPUT_MAX)
    return E2EE_ERR_LIMIT;
  enum err err = api_enter_commit(commit);
  if (err != OK)
    return err;
  err = draft_reinit(commit->group->group, view_of(group_id, group_id_len), mls_suite, &draft);
  return plan_draft(commit, err, &draft);
}

int e2ee_group_propose_custom(e2ee_group *group, uint16_t type, const uint8_t *data,
                              size_t data_len, e2ee_bytes **out) {
  struct bytes draft = {0};
  if (out == NULL)
    return E2EE_ERR_INVALID_ARG;
  *out = NULL;
  if (group == NULL || !api_type(type) || !api_given(data, data_len))
    return E2EE_ERR_INVALID_ARG;
  if (data_len > API_INPUT_MAX)
    return E2EE_ERR_LIMIT;
  enum err err = api_enter(group->client);
  if (err != OK)
    return err;
  err = draft_custom(group->group, type, view_of(data, data_len), &draft);
  return send_draft(group, err, &draft, out);
}

int e2ee_commit_custom(e2ee_commit *commit, uint16_t type, const uint8_t *data, size_t data_len) {
  struct bytes draft = {0};
  if (commit == NULL || !api_type(type) || !api_given(data, data_len))
    return E2EE_ERR_INVALID_ARG;
  if (data_len > API_INPUT_MAX)
    return E2EE_ERR_LIMIT;
  enum err err = api_enter_commit(commit);
  if (err != OK)
    return err;
  err = draft_custom(commit->group->group, type, view_of(data, data_len), &draft);
  return plan_draft(commit, err, &draft);
}

/* ---- By somebody who is no member ---- */

static int propose_add(e2ee_client *client, struct sender sender, struct view group_id,
                       uint64_t epoch, struct view key_package, e2ee_bytes **out) {
  struct e2ee_bytes *result = NULL;
  if (out == NULL)
    return E2EE_ERR_INVALID_ARG;
  *out = NULL;
  if (client == NULL || group_id.data == NULL || group_id.size == 0 || key_package.data == NULL)
    return E2EE_ERR_INVALID_ARG;
  if (group_id.size > API_INPUT_MAX)
    return E2EE_ERR_LIMIT;
  enum err err = api_bytes_begin(client, &result);
  if (err != OK)
    return err;
  err = external_propose_add(client->client, sender, group_id, epoch, key_package, &result->bytes);
  return api_bytes_end(client, err, result, out);
}

int e2ee_external_propose_add(e2ee_client *client, const uint8_t *group_id, size_t group_id_len,
                              uint64_t epoch, uint32_t sender_index, const uint8_t *key_package,
                              size_t key_package_len, e2ee_bytes **out) {
  return propose_add(client, (struct sender){SENDER_EXTERNAL, sender_index},
                     view_of(group_id, group_id_len), epoch, view_of(key_package, key_package_len),
                     out);
}

int e2ee_new_member_propose(e2ee_client *client, const uint8_t *group_id, size_t group_id_len,
                            uint64_t epoch, const uint8_t *key_package, size_t key_package_len,
                            e2ee_bytes **out) {
  return propose_add(client, (struct sender){SENDER_NEW_MEMBER_PROPOSAL, 0},
                     view_of(group_id, group_id_len), epoch, view_of(key_package, key_package_len),
                     out);
}

int e2ee_external_propose_remove(e2ee_client *client, const uint8_t *group_id, size_t group_id_len,
                                 uint64_t epoch, uint32_t sender_index, uint32_t leaf,
                                 e2ee_bytes **out) {
  struct e2ee_bytes *result = NULL;
  if (out == NULL)
    return E2EE_ERR_INVALID_ARG;
  *out = NULL;
  if (client == NULL || group_id == NULL || group_id_len == 0)
    return E2EE_ERR_INVALID_ARG;
  if (group_id_len > API_INPUT_MAX)
    return E2EE_ERR_LIMIT;
  enum err err = api_bytes_begin(client, &result);
  if (err != OK)
    return err;
  err = external_propose_remove(client->client, (struct sender){SENDER_EXTERNAL, sender_index},
                                view_of(group_id, group_id_len), epoch, leaf, &result->bytes);
  return api_bytes_end(client, err, result, out);
}
