/* SPDX-License-Identifier: ISC */
#include "api/handles.h"

#include <string.h>

#include "base/mem.h"
#include "base/traces.h"

/* ---- Control domain ---- */

/* A getter's handle is const to the application; the flag in it is ours to set. */
static struct e2ee_client *domain(const struct e2ee_client *client) {
  return (struct e2ee_client *)(uintptr_t)client;
}

enum err api_enter(const struct e2ee_client *client) {
  struct e2ee_client *mine = domain(client);
  if (!busy_enter(&mine->busy))
    return ERR_BUSY;
  if (mine->dead) {
    busy_leave(&mine->busy);
    return ERR_INTERNAL;
  }
  mine->client->why.text[0] = 0;
  return OK;
}

int api_leave(const struct e2ee_client *client, enum err err) {
  struct e2ee_client *mine = domain(client);
  struct why *why = &mine->client->why;
  if (err == OK)
    why->text[0] = 0;
  else if (why->text[0] == 0)
    err = refuse(why, err, "%s", e2ee_strerror(err));
  if (err == ERR_INTERNAL)
    mine->dead = true;
  busy_leave(&mine->busy);
  traces_wipe();
  return err;
}

enum err api_enter_commit(const struct e2ee_commit *commit) {
  const struct group *group = commit->group->group;
  enum err err = api_enter(commit->group->client);
  if (err != OK)
    return err;
  TRY(commit_check_allowed(group));
  TRY(require(commit->epoch == group_epoch_number(group), &group->client->why, ERR_OLD_EPOCH,
              "the commit was started in epoch %llu, the group is in %llu",
              (unsigned long long)commit->epoch, (unsigned long long)group_epoch_number(group)));
done:
  if (err != OK)
    (void)api_leave(commit->group->client, err);
  return err;
}

enum err api_client_new(struct client **client, struct e2ee_client **out) {
  struct e2ee_client *handle = mem_new(1, sizeof *handle);
  if (handle == NULL)
    return ERR_NOMEM;
  refs_init(&handle->refs);
  handle->client = *client;
  *client = NULL;
  *out = handle;
  return OK;
}

struct e2ee_client *api_client_share(struct e2ee_client *client) {
  refs_take(&client->refs);
  return client;
}

void api_client_drop(struct e2ee_client *client) {
  if (client == NULL || !refs_drop(&client->refs))
    return;
  client_free(client->client);
  mem_free(client);
}

/* ---- Groups ---- */

enum err api_group_new(struct e2ee_client *client, struct e2ee_group **out) {
  enum err err = OK;
  struct e2ee_group *group = mem_new(1, sizeof *group);
  TRY(group == NULL ? ERR_NOMEM : OK);
  TRY(contexts_new(&group->contexts));
  refs_init(&group->refs);
  group->client = api_client_share(client);
  *out = group;
  group = NULL;
done:
  mem_free(group);
  return err;
}

/* The caller has a handle of the client, so this is not its last owner. */
void api_group_undo(struct e2ee_group *group) {
  if (group == NULL)
    return;
  group_free(group->group);
  contexts_drop(group->contexts);
  api_client_drop(group->client);
  mem_free(group);
}

enum err api_group_begin(struct e2ee_client *client, struct e2ee_group **group) {
  enum err err = api_enter(client);
  if (err != OK)
    return err;
  err = api_group_new(client, group);
  if (err != OK)
    (void)api_leave(client, err);
  return err;
}

int api_group_end(struct e2ee_client *client, enum err err, struct e2ee_group *group,
                  struct e2ee_group **out) {
  if (err == OK)
    *out = group;
  else
    api_group_undo(group);
  return api_leave(client, err);
}

struct e2ee_group *api_group_share(struct e2ee_group *group) {
  refs_take(&group->refs);
  return group;
}

void api_group_drop(struct e2ee_group *group) {
  if (group == NULL || !refs_drop(&group->refs))
    return;
  /* The group takes itself off its client's list, which another group's call may be reading. */
  struct e2ee_client *client = api_client_share(group->client);
  busy_wait(&client->busy);
  api_group_undo(group);
  busy_leave(&client->busy);
  api_client_drop(client);
}

enum err api_group_enter(const struct e2ee_group *group, const struct group **out) {
  enum err err = api_enter(group->client);
  if (err == OK)
    *out = group->group;
  return err;
}

int api_group_leave(const struct e2ee_group *group, enum err err) {
  return api_leave(group->client, err);
}

/* ---- Arguments and results ---- */

enum err api_put(struct view value, uint8_t *out, size_t *len) {
  size_t capacity = *len;
  *len = value.size;
  if (out == NULL)
    return OK;
  if (capacity < value.size)
    return ERR_BUFFER_TOO_SMALL;
  if (value.size > 0)
    memcpy(out, value.data, value.size);
  return OK;
}

void api_fill(void *out, size_t out_size, const void *from, size_t size) {
  memset(out, 0, out_size);
  memcpy(out, from, out_size < size ? out_size : size);
}

enum err api_bytes_new(struct e2ee_bytes **out) {
  *out = mem_new(1, sizeof **out);
  return *out == NULL ? ERR_NOMEM : OK;
}

enum err api_bytes_begin(const struct e2ee_client *client, struct e2ee_bytes **bytes) {
  enum err err = api_enter(client);
  if (err != OK)
    return err;
  err = api_bytes_new(bytes);
  if (err != OK)
    (void)api_leave(client, err);
  return err;
}

int api_bytes_end(const struct e2ee_client *client, enum err err, struct e2ee_bytes *bytes,
                  struct e2ee_bytes **out) {
  if (err == OK)
    *out = bytes;
  else
    e2ee_bytes_free(bytes);
  return api_leave(client, err);
}
