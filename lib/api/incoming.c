/* What arrives: inspect, then accept.  SPDX-License-Identifier: ISC */
#include "api/handles.h"
#include "base/mem.h"

/* What an incoming message is made of, without the handles that it keeps alive. */
static void free_parts(struct e2ee_incoming *incoming) {
  if (incoming == NULL)
    return;
  incoming_free(incoming->message);
  opened_welcome_free(&incoming->welcome);
  changes_free(&incoming->listed);
  leaf_drop(incoming->own);
  mem_free(incoming);
}

static void set_own(struct e2ee_incoming *incoming, const struct epoch *epoch) {
  const struct leaf *own = tree_leaf(epoch->tree, epoch->own_leaf);
  incoming->own = own == NULL ? NULL : leaf_share(own);
  incoming->own_index = epoch->own_leaf;
}

int e2ee_group_process(e2ee_group *group, const uint8_t *message, size_t message_len,
                       e2ee_incoming **out) {
  enum err err = OK;
  struct e2ee_incoming *incoming = NULL;
  if (out == NULL)
    return E2EE_ERR_INVALID_ARG;
  *out = NULL;
  if (group == NULL || message == NULL)
    return E2EE_ERR_INVALID_ARG;
  err = api_enter(group->client);
  if (err != OK)
    return err;
  incoming = mem_new(1, sizeof *incoming);
  TRY(incoming == NULL ? ERR_NOMEM : OK);
  set_own(incoming, group_shown_epoch(group->group));
  TRY(process_message(group->group, view_of(message, message_len), &incoming->message));
  incoming->client = api_client_share(group->client);
  incoming->group = api_group_share(group);
  *out = incoming;
  incoming = NULL;
done:
  free_parts(incoming);
  return api_leave(group->client, err);
}

/* Everybody in the tree, as changes that were made by whoever sent the Welcome. */
static enum err list_members(const struct opened_welcome *welcome, struct changes *members) {
  const struct tree *tree = welcome->epoch->tree;
  const struct sender by = {SENDER_MEMBER, welcome->committer};
  for (uint32_t leaf = tree_next_member(tree, 0); leaf != LEAF_NONE;
       leaf = tree_next_member(tree, leaf + 1)) {
    enum err err =
        changes_add(members, E2EE_CHANGE_ADD, PROPOSAL_ADD, leaf, by, tree_leaf(tree, leaf), 0);
    if (err != OK)
      return err;
  }
  return OK;
}

enum err api_open_welcome(struct e2ee_client *client, const struct group *old, struct view welcome,
                          struct view tree, struct e2ee_incoming **out) {
  enum err err = OK;
  struct e2ee_incoming *incoming = mem_new(1, sizeof *incoming);
  TRY(incoming == NULL ? ERR_NOMEM : OK);
  TRY(join_open_successor(client->client, old, welcome, tree, &incoming->welcome));
  TRY(list_members(&incoming->welcome, &incoming->listed));
  set_own(incoming, incoming->welcome.epoch);
  incoming->kind = E2EE_INCOMING_WELCOME;
  incoming->epoch = incoming->welcome.number;
  incoming->client = api_client_share(client);
  *out = incoming;
  incoming = NULL;
done:
  free_parts(incoming);
  return err;
}

int e2ee_welcome_open(e2ee_client *client, const uint8_t *welcome, size_t welcome_len,
                      const uint8_t *tree, size_t tree_len, e2ee_incoming **out) {
  if (out == NULL)
    return E2EE_ERR_INVALID_ARG;
  *out = NULL;
  if (client == NULL || welcome == NULL || !api_given(tree, tree_len))
    return E2EE_ERR_INVALID_ARG;
  enum err err = api_enter(client);
  if (err != OK)
    return err;
  return api_leave(client, api_open_welcome(client, NULL, view_of(welcome, welcome_len),
                                            view_of(tree, tree_len), out));
}

/* The index is a leaf, or a place in external_senders. */
static uint32_t sender_index(struct sender sender) {
  return sender.type == SENDER_MEMBER || sender.type == SENDER_EXTERNAL ? sender.index : UINT32_MAX;
}

/* Each stored proposal as the change that it would make. */
static enum err list_waiting(const struct group *group, struct changes *waiting) {
  const struct tree *tree = group->epoch->tree;
  for (size_t i = 0; i < group->proposals.count; i++) {
    const struct stored_proposal *stored = &group->proposals.item[i];
    enum err err = proposal_describe(waiting, &stored->proposal, stored->sender, tree, 0);
    if (err != OK)
      return err;
  }
  (void)changes_note_keys(waiting, tree, NULL);
  return OK;
}

int e2ee_group_proposals(e2ee_group *group, e2ee_incoming **out) {
  enum err err = OK;
  struct e2ee_incoming *incoming = NULL;
  if (out == NULL)
    return E2EE_ERR_INVALID_ARG;
  *out = NULL;
  if (group == NULL)
    return E2EE_ERR_INVALID_ARG;
  err = api_enter(group->client);
  if (err != OK)
    return err;
  incoming = mem_new(1, sizeof *incoming);
  TRY(incoming == NULL ? ERR_NOMEM : OK);
  TRY(list_waiting(group->group, &incoming->listed));
  set_own(incoming, group->group->epoch);
  incoming->kind = E2EE_INCOMING_WAITING;
  incoming->epoch = group_epoch_number(group->group);
  incoming->client = api_client_share(group->client);
  *out = incoming;
  incoming = NULL;
done:
  free_parts(incoming);
  return api_leave(group->client, err);
}

static const struct changes *changes_of(const struct e2ee_incoming *incoming) {
  return incoming->message != NULL ? &incoming->message->changes : &incoming->listed;
}

int e2ee_incoming_get_status(const e2ee_incoming *incoming, e2ee_incoming_status *out,
                             size_t out_size) {
  if (incoming == NULL || out == NULL || out_size == 0)
    return E2EE_ERR_INVALID_ARG;
  enum err err = api_enter(incoming->client);
  if (err != OK)
    return err;
  const struct incoming *message = incoming->message;
  struct e2ee_incoming_status status = {.changes = (uint32_t)changes_of(incoming)->count};
  if (message != NULL) {
    bool commit =
        message->kind == E2EE_INCOMING_COMMIT || message->kind == E2EE_INCOMING_OWN_COMMIT;
    status.kind = message->kind;
    status.sender = message->sender;
    status.epoch = message->epoch + (commit ? 1 : 0);
    status.flags = (message->removes_own ? E2EE_INCOMING_FLAG_REMOVES_OWN : 0u) |
                   (message->partly ? E2EE_INCOMING_FLAG_PARTLY : 0u) |
                   (message->other_key ? E2EE_INCOMING_FLAG_OTHER_KEY : 0u);
    status.sender_type = message->from.type;
    status.sender_index = sender_index(message->from);
  } else {
    bool welcome = incoming->kind == E2EE_INCOMING_WELCOME;
    status.kind = incoming->kind;
    status.epoch = incoming->epoch;
    status.sender = status.sender_index = welcome ? incoming->welcome.committer : UINT32_MAX;
    status.sender_type = welcome ? SENDER_MEMBER : 0;
  }
  api_fill(out, out_size, &status, sizeof status);
  return api_leave(incoming->client, OK);
}

int e2ee_incoming_data(const e2ee_incoming *incoming, uint8_t *out, size_t *len) {
  enum err err = OK;
  if (incoming == NULL || len == NULL)
    return E2EE_ERR_INVALID_ARG;
  err = api_enter(incoming->client);
  if (err != OK)
    return err;
  TRY(require(incoming->message != NULL && incoming->message->kind == E2EE_INCOMING_APPLICATION,
              &incoming->client->client->why, ERR_INVALID_STATE, "this is no application message"));
  TRY(api_put(bytes_view(&incoming->message->data), out, len));
done:
  return api_leave(incoming->client, err);
}

static enum err change_at(const struct e2ee_incoming *incoming, uint32_t index,
                          const struct change **out) {
  const struct changes *changes = changes_of(incoming);
  if (index >= changes->count)
    return refuse(&incoming->client->client->why, ERR_NOT_FOUND, "there are only %zu changes",
                  changes->count);
  *out = &changes->item[index];
  return OK;
}

/* Whether a change is about the own member: who is added at the own leaf takes it over. */
static bool is_own(const struct e2ee_incoming *incoming, const struct change *change) {
  bool takes_over = change->kind == E2EE_CHANGE_ADD && incoming->message != NULL;
  return change->leaf != LEAF_NONE && change->leaf == incoming->own_index && !takes_over;
}

int e2ee_incoming_change(const e2ee_incoming *incoming, uint32_t index, e2ee_change *out,
                         size_t out_size) {
  const struct change *change = NULL;
  if (incoming == NULL || out == NULL || out_size == 0)
    return E2EE_ERR_INVALID_ARG;
  enum err err = api_enter(incoming->client);
  if (err != OK)
    return err;
  TRY(change_at(incoming, index, &change));
  struct e2ee_change shown = {
      .kind = change->kind,
      .leaf = change->leaf,
      .proposer = change->proposer.type == SENDER_MEMBER ? change->proposer.index : UINT32_MAX,
      .flags = (is_own(incoming, change) ? E2EE_CHANGE_FLAG_OWN : 0u) |
               (change->other_key ? E2EE_CHANGE_FLAG_OTHER_KEY : 0u),
      .proposer_type = change->proposer.type,
      .proposer_index = sender_index(change->proposer),
  };
  api_fill(out, out_size, &shown, sizeof shown);
done:
  return api_leave(incoming->client, err);
}

int e2ee_incoming_change_data(const e2ee_incoming *incoming, uint32_t index, uint16_t *type,
                              uint8_t *out, size_t *len) {
  const struct change *change = NULL;
  if (incoming == NULL || len == NULL)
    return E2EE_ERR_INVALID_ARG;
  enum err err = api_enter(incoming->client);
  if (err != OK)
    return err;
  TRY(change_at(incoming, index, &change));
  const struct bytes *data =
      change->kind == E2EE_CHANGE_EXTENSIONS ? &change->extensions : &change->data;
  TRY(api_put(bytes_view(data), out, len));
  if (type != NULL)
    *type = change->type;
done:
  return api_leave(incoming->client, err);
}

int e2ee_incoming_change_extensions(const e2ee_incoming *incoming, uint32_t index, uint8_t *out,
                                    size_t *len) {
  const struct change *change = NULL;
  if (incoming == NULL || len == NULL)
    return E2EE_ERR_INVALID_ARG;
  enum err err = api_enter(incoming->client);
  if (err != OK)
    return err;
  TRY(change_at(incoming, index, &change));
  TRY(api_put(bytes_view(&change->extensions), out, len));
done:
  return api_leave(incoming->client, err);
}

int e2ee_incoming_change_proposal(const e2ee_incoming *incoming, uint32_t index, e2ee_proposal *out,
                                  size_t out_size) {
  const struct change *change = NULL;
  if (incoming == NULL || out == NULL || out_size == 0)
    return E2EE_ERR_INVALID_ARG;
  enum err err = api_enter(incoming->client);
  if (err != OK)
    return err;
  TRY(change_at(incoming, index, &change));
  struct e2ee_proposal shown = {
      .psk_epoch = change->psk_epoch,
      .type = change->type,
      .psk_type = change->psk_type,
      .psk_usage = change->psk_usage,
      .version = change->version,
      .cipher_suite = change->cipher_suite,
  };
  api_fill(out, out_size, &shown, sizeof shown);
done:
  return api_leave(incoming->client, err);
}

int e2ee_incoming_authenticated_data(const e2ee_incoming *incoming, uint8_t *out, size_t *len) {
  if (incoming == NULL || len == NULL)
    return E2EE_ERR_INVALID_ARG;
  enum err err = api_enter(incoming->client);
  if (err != OK)
    return err;
  const struct incoming *message = incoming->message;
  return api_leave(
      incoming->client,
      api_put(message == NULL ? VIEW_NONE : bytes_view(&message->authenticated_data), out, len));
}

int e2ee_incoming_member(const e2ee_incoming *incoming, uint32_t index, uint32_t what, uint8_t *out,
                         size_t *len) {
  enum err err = OK;
  const struct change *change = NULL;
  struct bytes value = {0};
  if (incoming == NULL || len == NULL)
    return E2EE_ERR_INVALID_ARG;
  err = api_enter(incoming->client);
  if (err != OK)
    return err;
  TRY(change_at(incoming, index, &change));
  TRY(require(change->subject != NULL, &incoming->client->client->why, ERR_NOT_FOUND,
              "the change is about no member"));
  const struct leaf *own = is_own(incoming, change) ? change->subject : incoming->own;
  TRY(member_read(own, change->subject, what, &value));
  TRY(api_put(bytes_view(&value), out, len));
done:
  bytes_free(&value);
  return api_leave(incoming->client, err);
}

/* The member who made a Welcome is among those that it lists. */
static enum err read_welcome_sender(const struct e2ee_incoming *incoming, uint32_t what,
                                    struct bytes *out) {
  for (size_t i = 0; i < incoming->listed.count; i++)
    if (incoming->kind == E2EE_INCOMING_WELCOME &&
        incoming->listed.item[i].leaf == incoming->welcome.committer)
      return member_read(incoming->own, incoming->listed.item[i].subject, what, out);
  return refuse(&incoming->client->client->why, ERR_NOT_FOUND, "what waits has many senders");
}

int e2ee_incoming_sender(const e2ee_incoming *incoming, uint32_t what, uint8_t *out, size_t *len) {
  enum err err = OK;
  struct bytes value = {0};
  if (incoming == NULL || len == NULL)
    return E2EE_ERR_INVALID_ARG;
  err = api_enter(incoming->client);
  if (err != OK)
    return err;
  const struct incoming *message = incoming->message;
  if (message == NULL)
    TRY(read_welcome_sender(incoming, what, &value));
  else
    TRY(incoming_read_sender(
        message, message->kind == E2EE_INCOMING_OWN_COMMIT ? message->sender_leaf : incoming->own,
        what, &value));
  TRY(api_put(bytes_view(&value), out, len));
done:
  bytes_free(&value);
  return api_leave(incoming->client, err);
}

int e2ee_incoming_accept(e2ee_incoming *incoming) {
  if (incoming == NULL)
    return E2EE_ERR_INVALID_ARG;
  enum err err = api_enter(incoming->client);
  if (err != OK)
    return err;
  TRY(require(incoming->message != NULL, &incoming->client->client->why, ERR_INVALID_STATE,
              "there is nothing to accept; a Welcome is for e2ee_incoming_join()"));
  TRY(process_accept(incoming->message));
done:
  return api_leave(incoming->client, err);
}

int e2ee_incoming_join(e2ee_incoming *incoming, e2ee_group **out) {
  struct e2ee_group *group = NULL;
  if (out == NULL)
    return E2EE_ERR_INVALID_ARG;
  *out = NULL;
  if (incoming == NULL)
    return E2EE_ERR_INVALID_ARG;
  struct e2ee_client *client = incoming->client;
  enum err err = api_group_begin(client, &group);
  if (err != OK)
    return err;
  TRY(require(incoming->welcome.epoch != NULL, &client->client->why, ERR_INVALID_STATE,
              "this is no Welcome, or it was joined already"));
  TRY(join_accept_welcome(client->client, &incoming->welcome, &group->group));
done:
  return api_group_end(client, err, group, out);
}

void e2ee_incoming_free(e2ee_incoming *incoming) {
  if (incoming == NULL)
    return;
  struct e2ee_group *group = incoming->group;
  struct e2ee_client *client = incoming->client;
  free_parts(incoming);
  api_group_drop(group);
  api_client_drop(client);
}
