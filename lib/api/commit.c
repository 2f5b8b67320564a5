/* What a member sends: proposals, commits, application messages.  SPDX-License-Identifier: ISC */
#include "api/handles.h"
#include "base/mem.h"

/* ---- Proposals ---- */

int e2ee_group_propose_add(e2ee_group *group, const uint8_t *key_package, size_t key_package_len,
                           e2ee_bytes **out) {
  struct e2ee_bytes *result = NULL;
  if (out == NULL)
    return E2EE_ERR_INVALID_ARG;
  *out = NULL;
  if (group == NULL || key_package == NULL)
    return E2EE_ERR_INVALID_ARG;
  enum err err = api_bytes_begin(group->client, &result);
  if (err != OK)
    return err;
  err = group_propose_add(group->group, view_of(key_package, key_package_len), &result->bytes);
  return api_bytes_end(group->client, err, result, out);
}

int e2ee_group_propose_remove(e2ee_group *group, uint32_t leaf, e2ee_bytes **out) {
  struct e2ee_bytes *result = NULL;
  if (out == NULL)
    return E2EE_ERR_INVALID_ARG;
  *out = NULL;
  if (group == NULL)
    return E2EE_ERR_INVALID_ARG;
  enum err err = api_bytes_begin(group->client, &result);
  if (err != OK)
    return err;
  err = group_propose_remove(group->group, leaf, &result->bytes);
  return api_bytes_end(group->client, err, result, out);
}

int e2ee_group_propose_update(e2ee_group *group, e2ee_bytes **out) {
  struct e2ee_bytes *result = NULL;
  if (out == NULL)
    return E2EE_ERR_INVALID_ARG;
  *out = NULL;
  if (group == NULL)
    return E2EE_ERR_INVALID_ARG;
  enum err err = api_bytes_begin(group->client, &result);
  if (err != OK)
    return err;
  err = group_propose_update(group->group, &result->bytes);
  return api_bytes_end(group->client, err, result, out);
}

int e2ee_group_propose_leave(e2ee_group *group, e2ee_bytes **out) {
  struct e2ee_bytes *result = NULL;
  if (out == NULL)
    return E2EE_ERR_INVALID_ARG;
  *out = NULL;
  if (group == NULL)
    return E2EE_ERR_INVALID_ARG;
  enum err err = api_bytes_begin(group->client, &result);
  if (err != OK)
    return err;
  err = group_propose_leave(group->group, &result->bytes);
  return api_bytes_end(group->client, err, result, out);
}

/* ---- Commits ---- */

int e2ee_commit_new(e2ee_group *group, e2ee_commit **out) {
  enum err err = OK;
  struct e2ee_commit *commit = NULL;
  if (out == NULL)
    return E2EE_ERR_INVALID_ARG;
  *out = NULL;
  if (group == NULL)
    return E2EE_ERR_INVALID_ARG;
  err = api_enter(group->client);
  if (err != OK)
    return err;
  TRY(commit_check_allowed(group->group));
  commit = mem_new(1, sizeof *commit);
  TRY(commit == NULL ? ERR_NOMEM : OK);
  commit->group = api_group_share(group);
  commit->epoch = group_epoch_number(group->group);
  *out = commit;
done:
  return api_leave(group->client, err);
}

int e2ee_commit_add(e2ee_commit *commit, const uint8_t *key_package, size_t key_package_len) {
  if (commit == NULL || key_package == NULL)
    return E2EE_ERR_INVALID_ARG;
  struct e2ee_group *group = commit->group;
  enum err err = api_enter_commit(commit);
  if (err != OK)
    return err;
  TRY(commit_plan_add(&commit->plan, group->group, view_of(key_package, key_package_len)));
done:
  return api_leave(group->client, err);
}

int e2ee_commit_remove(e2ee_commit *commit, uint32_t leaf) {
  if (commit == NULL)
    return E2EE_ERR_INVALID_ARG;
  struct e2ee_group *group = commit->group;
  enum err err = api_enter_commit(commit);
  if (err != OK)
    return err;
  TRY(commit_plan_remove(&commit->plan, group->group, leaf));
done:
  return api_leave(group->client, err);
}

/* Copies of the pending commit's messages for the application. */
static enum err hand_out_pending(const struct group *group, e2ee_bytes **message,
                                 e2ee_bytes **welcome) {
  enum err err = OK;
  struct e2ee_bytes *first = NULL, *second = NULL;
  TRY(api_bytes_new(&first));
  TRY(bytes_copy(&first->bytes, bytes_view(&group->pending->message)));
  if (group->pending->welcome.size > 0) {
    TRY(api_bytes_new(&second));
    TRY(bytes_copy(&second->bytes, bytes_view(&group->pending->welcome)));
  }
  *message = first;
  *welcome = second;
  first = second = NULL;
done:
  e2ee_bytes_free(first);
  e2ee_bytes_free(second);
  return err;
}

int e2ee_commit_build(e2ee_commit *commit, e2ee_bytes **message, e2ee_bytes **welcome) {
  enum err err = OK;
  if (message != NULL)
    *message = NULL;
  if (welcome != NULL)
    *welcome = NULL;
  if (commit == NULL || message == NULL || welcome == NULL)
    return E2EE_ERR_INVALID_ARG;
  struct e2ee_group *group = commit->group;
  err = api_enter_commit(commit);
  if (err != OK)
    return err;
  uint64_t revision = group->group->revision;
  TRY(commit_build(group->group, &commit->plan));
  err = hand_out_pending(group->group, message, welcome);
  if (err != OK) { /* nobody has seen it: it never was */
    group_discard_pending(group->group);
    group->group->revision = revision;
  }
done:
  return api_leave(group->client, err);
}

void e2ee_commit_free(e2ee_commit *commit) {
  if (commit == NULL)
    return;
  commit_plan_free(&commit->plan);
  api_group_drop(commit->group);
  mem_free(commit);
}

int e2ee_group_pending_commit(e2ee_group *group, e2ee_bytes **message, e2ee_bytes **welcome) {
  enum err err = OK;
  if (message != NULL)
    *message = NULL;
  if (welcome != NULL)
    *welcome = NULL;
  if (group == NULL || message == NULL || welcome == NULL)
    return E2EE_ERR_INVALID_ARG;
  err = api_enter(group->client);
  if (err != OK)
    return err;
  TRY(commit_check_pending(group->group));
  TRY(hand_out_pending(group->group, message, welcome));
done:
  return api_leave(group->client, err);
}

int e2ee_group_commit_accepted(e2ee_group *group) {
  if (group == NULL)
    return E2EE_ERR_INVALID_ARG;
  enum err err = api_enter(group->client);
  if (err != OK)
    return err;
  return api_leave(group->client, commit_accepted(group->group));
}

int e2ee_group_commit_discard(e2ee_group *group) {
  if (group == NULL)
    return E2EE_ERR_INVALID_ARG;
  enum err err = api_enter(group->client);
  if (err != OK)
    return err;
  return api_leave(group->client, commit_discard(group->group));
}

/* ---- Application messages ---- */

int e2ee_group_encrypt(e2ee_group *group, const uint8_t *data, size_t data_len, e2ee_bytes **out) {
  return e2ee_group_encrypt_with(group, NULL, 0, data, data_len, out);
}

int e2ee_group_encrypt_with(e2ee_group *group, const uint8_t *authenticated_data,
                            size_t authenticated_data_len, const uint8_t *data, size_t data_len,
                            e2ee_bytes **out) {
  struct e2ee_bytes *result = NULL;
  if (out == NULL)
    return E2EE_ERR_INVALID_ARG;
  *out = NULL;
  if (group == NULL || !api_given(data, data_len) ||
      !api_given(authenticated_data, authenticated_data_len))
    return E2EE_ERR_INVALID_ARG;
  if (authenticated_data_len > API_INPUT_MAX)
    return E2EE_ERR_LIMIT;
  enum err err = api_bytes_begin(group->client, &result);
  if (err != OK)
    return err;
  err = group_encrypt_with(group->group, view_of(authenticated_data, authenticated_data_len),
                           view_of(data, data_len), &result->bytes);
  return api_bytes_end(group->client, err, result, out);
}
