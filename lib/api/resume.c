/* Groups of mls.h: opened from outside, or going on from another one.  SPDX-License-Identifier: ISC */
#include <e2ee/mls.h>

#include "api/handles.h"
#include "mls/group/external.h"
#include "mls/group/resume.h"

int e2ee_group_open(e2ee_client *client, const uint8_t *group_info, size_t group_info_len,
                    const uint8_t *tree, size_t tree_len, e2ee_group **out) {
  struct e2ee_group *group = NULL;
  if (out == NULL)
    return E2EE_ERR_INVALID_ARG;
  *out = NULL;
  if (client == NULL || group_info == NULL || !api_given(tree, tree_len))
    return E2EE_ERR_INVALID_ARG;
  enum err err = api_group_begin(client, &group);
  if (err != OK)
    return err;
  err = external_open(client->client, view_of(group_info, group_info_len), view_of(tree, tree_len),
                      &group->group);
  return api_group_end(client, err, group, out);
}

int e2ee_group_reinit(const e2ee_group *group, uint16_t *mls_suite, uint8_t *out, size_t *len) {
  enum err err = OK;
  struct proposal reinit;
  if (group == NULL || len == NULL)
    return E2EE_ERR_INVALID_ARG;
  err = api_enter(group->client);
  if (err != OK)
    return err;
  TRY(resume_read_reinit(group->group, &reinit));
  TRY(api_put(reinit.body.reinit.group_id, out, len));
  if (mls_suite != NULL)
    *mls_suite = reinit.body.reinit.cipher_suite;
done:
  return api_leave(group->client, err);
}

/* Two clients at once: the second flag is only tried, so nobody can wait for the other. */
static enum err enter_both(const e2ee_client *client, const e2ee_client *other) {
  enum err err = api_enter(client);
  if (err != OK || other == client)
    return err;
  err = api_enter(other);
  if (err != OK) /* ERR_INTERNAL is the death of the other one alone */
    (void)api_leave(client, err == ERR_INTERNAL ? OK : err);
  return err;
}

static int leave_both(const e2ee_client *client, const e2ee_client *other, enum err err) {
  if (other != client) {
    /* What was refused for the other's sake is explained by the one that was asked. */
    if (client->client->why.text[0] == 0)
      client->client->why = other->client->why;
    (void)api_leave(other, OK);
  }
  return api_leave(client, err);
}

int e2ee_group_successor(e2ee_client *client, const e2ee_group *old, e2ee_group **out) {
  enum err err = OK;
  struct e2ee_group *group = NULL;
  if (out == NULL)
    return E2EE_ERR_INVALID_ARG;
  *out = NULL;
  if (client == NULL || old == NULL)
    return E2EE_ERR_INVALID_ARG;
  err = enter_both(client, old->client);
  if (err != OK)
    return err;
  TRY(api_group_new(client, &group));
  TRY(group_new_successor(client->client, old->group, &group->group));
  *out = group;
  group = NULL;
done:
  api_group_undo(group);
  return leave_both(client, old->client, err);
}

int e2ee_group_branch(const e2ee_group *old, const uint8_t *group_id, size_t group_id_len,
                      e2ee_group **out) {
  struct e2ee_group *group = NULL;
  if (out == NULL)
    return E2EE_ERR_INVALID_ARG;
  *out = NULL;
  if (old == NULL || group_id == NULL || group_id_len == 0)
    return E2EE_ERR_INVALID_ARG;
  if (group_id_len > API_INPUT_MAX)
    return E2EE_ERR_LIMIT;
  struct e2ee_client *client = old->client;
  enum err err = api_group_begin(client, &group);
  if (err != OK)
    return err;
  err =
      group_new_branch(client->client, old->group, view_of(group_id, group_id_len), &group->group);
  return api_group_end(client, err, group, out);
}

int e2ee_welcome_open_successor(e2ee_client *client, const e2ee_group *old, const uint8_t *welcome,
                                size_t welcome_len, const uint8_t *tree, size_t tree_len,
                                e2ee_incoming **out) {
  if (out == NULL)
    return E2EE_ERR_INVALID_ARG;
  *out = NULL;
  if (client == NULL || old == NULL || welcome == NULL || !api_given(tree, tree_len))
    return E2EE_ERR_INVALID_ARG;
  enum err err = enter_both(client, old->client);
  if (err != OK)
    return err;
  err = api_open_welcome(client, old->group, view_of(welcome, welcome_len), view_of(tree, tree_len),
                         out);
  return leave_both(client, old->client, err);
}
