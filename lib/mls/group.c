/* SPDX-License-Identifier: ISC */
#include "mls/group.h"

#include <string.h>

#include "base/mem.h"
#include "crypto/hpke.h"
#include "crypto/kdf.h"
#include "crypto/sign.h"
#include "mls/psk.h"
#include "mls/validate.h"

/* ---- Life cycle ---- */

enum err group_from_epoch(struct client *client, struct epoch **epoch, struct group **out) {
  enum err err = OK;
  struct group *group = mem_new(1, sizeof *group);
  TRY(group == NULL ? ERR_NOMEM : OK);
  TRY(client_enter_group(client, (*epoch)->context.group_id));
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
  struct bytes storage = {0};
  struct leaf_template fields;
  TRY(client_leaf(client, &storage, &fields));
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
  bytes_free(&storage);
  bytes_free(&raw);
  return err;
}

enum err group_new(struct client *client, struct view group_id, struct group **out) {
  enum err err = OK;
  struct private_keys *keys = NULL;
  struct leaf *leaf = NULL;
  struct tree *tree = NULL;
  struct epoch *epoch = NULL;
  uint32_t own = 0;
  TRY(private_keys_new(0, &keys));
  TRY(first_leaf(client, keys, &leaf));
  TRY(tree_new(client->suite, &tree));
  TRY(tree_add_leaf(tree, leaf, &own));
  TRY(tree_seal(tree));
  struct epoch_parts parts = {.group_id = group_id, .epoch = 0, .tree = tree, .own_leaf = own};
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
  if (!group->left)
    client_leave_group(group->client, group_identifier(group));
  epoch_free(group->epoch);
  forget_past(group, 0);
  proposal_store_clear(&group->proposals);
  pending_commit_free(group->pending);
  mem_free(group);
}

enum err group_check_active(const struct group *group) {
  enum err err = OK;
  TRY(require(!group->left, &group->client->why, ERR_INVALID_STATE,
              "this member has left the group: nothing more can be done with it"));
  TRY(require(group->epoch->secrets != NULL, &group->client->why, ERR_INVALID_STATE,
              "the external commit must be accepted first"));
done:
  return err;
}

enum err group_check_member(const struct group *group, uint32_t leaf) {
  enum err err = OK;
  TRY(group_check_active(group));
  TRY(require(tree_leaf(group->epoch->tree, leaf) != NULL, &group->client->why, ERR_NOT_FOUND,
              "leaf %u has no member", leaf));
done:
  return err;
}

enum err group_read_key_package(const struct group *group, struct view message, struct view *out) {
  enum err err = OK;
  struct client *client = group->client;
  TRY(group_check_active(group));
  TRY(require(message.size <= client->settings.max_message_bytes, &client->why, ERR_LIMIT,
              "a key package of %zu bytes", message.size));
  TRY(message_read_key_package(message, &client->why, out));
done:
  return err;
}

void group_discard_pending(struct group *group) {
  pending_commit_free(group->pending);
  group->pending = NULL;
  group->revision++;
}

void group_enter(struct group *group, struct epoch **next) {
  size_t keep = group->client->settings.past_epochs;
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
  proposal_store_clear(&group->proposals);
  group_discard_pending(group);
}

void group_leave(struct group *group) {
  struct epoch *epoch = group->epoch;
  forget_past(group, 0);
  private_keys_free(epoch->keys);
  epoch->keys = NULL;
  locked_free(epoch->secrets, sizeof *epoch->secrets);
  epoch->secrets = NULL;
  secret_tree_free(epoch->secret_tree);
  epoch->secret_tree = NULL;
  proposal_store_clear(&group->proposals);
  client_leave_group(group->client, group_identifier(group));
  group->left = true;
  group_discard_pending(group);
}

/* ---- Reading ---- */

const struct epoch *group_shown_epoch(const struct group *group) {
  bool outside = group->epoch->secrets == NULL && group->pending != NULL;
  return outside ? group->pending->next : group->epoch;
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
  return roster_new(group->epoch->tree, group->epoch->own_leaf, out);
}

enum err group_export(const struct group *group, struct view label, struct view context,
                      uint8_t *out, size_t size) {
  enum err err = group_check_active(group);
  if (err != OK)
    return err;
  return schedule_export(group->epoch->suite, group->epoch->secrets, label, context, out, size);
}

/* ---- Sending ---- */

enum err group_sign(const struct group *group, uint8_t content_type, struct view body,
                    struct bytes *storage, struct authenticated_content *out) {
  enum err err = OK;
  const struct epoch *epoch = group->epoch;
  struct bytes signature = {0}, buffer = {0};
  struct writer writer = {0};
  bool encrypt = content_type == CONTENT_APPLICATION || group->client->settings.encrypt_handshake;
  struct authenticated_content content = {
      .wire_format = encrypt ? WIRE_PRIVATE_MESSAGE : WIRE_PUBLIC_MESSAGE,
      .content = {.group_id = epoch->context.group_id,
                  .epoch = epoch->context.epoch,
                  .sender = {SENDER_MEMBER, epoch->own_leaf},
                  .content_type = content_type,
                  .content = body},
  };
  TRY(framing_sign(epoch->suite, content.wire_format, &content.content,
                   bytes_view(&epoch->context_raw), group->client->signature_key, &signature));
  write_bytes(&writer, bytes_view(&signature));
  write_bytes(&writer, body);
  TRY(writer_take(&writer, &buffer));
  content.auth.signature = view_of(buffer.data, signature.size);
  content.content.content = view_of(buffer.data + signature.size, body.size);
  bytes_move(storage, &buffer);
  *out = content;
done:
  writer_free(&writer);
  bytes_free(&signature);
  bytes_free(&buffer);
  return err;
}

enum err group_protect(struct group *group, const struct authenticated_content *content,
                       struct bytes *out) {
  struct framing_keys keys = epoch_framing(group->epoch, group->client->settings.max_skip);
  enum err err = content->wire_format == WIRE_PRIVATE_MESSAGE
                     ? framing_protect_private(&keys, content, 0, out)
                     : framing_protect_public(&keys, content, out);
  if (err == OK)
    group->revision++;
  return err;
}

enum err group_encrypt(struct group *group, struct view data, struct bytes *out) {
  enum err err = OK;
  struct bytes storage = {0};
  struct authenticated_content content;
  TRY(group_check_active(group));
  /* RFC 9420, section 12.4: proposals are committed before application data is sent, so that nobody
   * whose removal was asked for can read it. */
  TRY(require(group->proposals.count == 0, &group->client->why, ERR_INVALID_STATE,
              "RFC 9420, section 12.4: %zu proposals wait to be committed before application data "
              "may be sent",
              group->proposals.count));
  TRY(require(data.size <= group->client->settings.max_message_bytes, &group->client->why,
              ERR_LIMIT, "an application message of %zu bytes", data.size));
  TRY(group_sign(group, CONTENT_APPLICATION, data, &storage, &content));
  TRY(group_protect(group, &content, out));
done:
  bytes_free(&storage);
  return err;
}

/* ---- Proposals ---- */

static enum err propose(struct group *group, struct view body, struct secret **update_key,
                        struct bytes *out) {
  enum err err = OK;
  struct bytes storage = {0};
  struct proposal proposal;
  struct authenticated_content content;
  struct client *client = group->client;
  struct reader reader = reader_of(body);
  size_t before = group->proposals.count;
  TRY(group_check_active(group));
  TRY(proposal_read(&reader, &client->why, &proposal));
  TRY(proposal_check(group->epoch, &proposal,
                     (struct sender){SENDER_MEMBER, group->epoch->own_leaf},
                     client_lifetimes(client), &client->why));
  TRY(group_sign(group, CONTENT_PROPOSAL, body, &storage, &content));
  TRY(proposal_store_add(&group->proposals, group->epoch->suite, &content, update_key));
  /* Last, because it moves the own ratchet on. */
  TRY(group_protect(group, &content, out));
done:
  if (err != OK)
    proposal_store_cut(&group->proposals, before);
  bytes_free(&storage);
  return err;
}

enum err group_propose_add(struct group *group, struct view key_package, struct bytes *out) {
  struct writer writer = {0};
  struct view raw;
  enum err err = group_read_key_package(group, key_package, &raw);
  if (err != OK)
    return err;
  proposal_write_add(&writer, raw);
  err = writer.err != OK ? writer.err : propose(group, writer_view(&writer), NULL, out);
  writer_free(&writer);
  return err;
}

enum err group_propose_remove(struct group *group, uint32_t leaf, struct bytes *out) {
  struct writer writer = {0};
  enum err err = group_check_member(group, leaf);
  if (err != OK)
    return err;
  proposal_write_remove(&writer, leaf);
  err = writer.err != OK ? writer.err : propose(group, writer_view(&writer), NULL, out);
  writer_free(&writer);
  return err;
}

enum err group_propose_update(struct group *group, struct bytes *out) {
  enum err err = OK;
  const struct epoch *epoch = group->epoch;
  struct client *client = group->client;
  uint8_t public_key[DH_PUBLIC_MAX];
  struct bytes storage = {0};
  struct writer writer = {0};
  struct leaf *leaf = NULL;
  struct leaf_template fields;
  struct secret *key = locked_new(sizeof *key);
  TRY(key == NULL ? ERR_NOMEM : OK);
  TRY(group_check_active(group));
  TRY(client_leaf(client, &storage, &fields));
  TRY(hpke_generate_key_pair(epoch->suite, key, public_key));
  fields.encryption_key = view_of(public_key, epoch->suite->dh->public_size);
  fields.source = LEAF_UPDATE;
  TRY(leaf_new(epoch->suite, &fields, client->signature_key, epoch->context.group_id,
               epoch->own_leaf, &leaf));
  proposal_write_update(&writer, leaf_raw(leaf));
  TRY(writer.err);
  TRY(propose(group, writer_view(&writer), &key, out));
done:
  locked_free(key, sizeof *key);
  writer_free(&writer);
  leaf_drop(leaf);
  bytes_free(&storage);
  return err;
}

/* ---- GroupInfo ---- */

enum err group_info_sign(const struct epoch *epoch, const struct secret *signature_key,
                         struct view extensions, struct writer *writer) {
  enum err err = OK;
  struct bytes signature = {0};
  size_t begin = writer->size;
  write_bytes(writer, bytes_view(&epoch->context_raw));
  write_vector(writer, extensions);
  write_vector(writer, epoch_confirmation_tag(epoch));
  write_u32(writer, epoch->own_leaf);
  TRY(writer->err);
  TRY(sign_with_label(epoch->suite, signature_key, VIEW_TEXT("GroupInfoTBS"),
                      view_of(writer->data + begin, writer->size - begin), &signature));
  write_vector(writer, bytes_view(&signature));
  err = writer->err;
done:
  bytes_free(&signature);
  return err;
}

enum err group_info(const struct group *group, struct bytes *out) {
  enum err err = OK;
  const struct epoch *epoch = group->epoch;
  uint8_t external_key[DH_PUBLIC_MAX];
  struct secret private_key = {0};
  struct writer extensions = {0}, data = {0}, writer = {0};
  TRY(group_check_active(group));
  TRY(schedule_external_key(epoch->suite, epoch->secrets, &private_key, external_key));
  write_vector(&data, view_of(external_key, epoch->suite->dh->public_size));
  TRY(data.err);
  extension_write(&extensions, EXTENSION_EXTERNAL_PUB, writer_view(&data));
  writer_free(&data);
  tree_write(&data, epoch->tree);
  TRY(data.err);
  extension_write(&extensions, EXTENSION_RATCHET_TREE, writer_view(&data));
  TRY(extensions.err);
  message_write_header(&writer, WIRE_GROUP_INFO);
  TRY(group_info_sign(epoch, group->client->signature_key, writer_view(&extensions), &writer));
  TRY(writer_take(&writer, out));
done:
  secret_wipe(&private_key);
  writer_free(&extensions);
  writer_free(&data);
  writer_free(&writer);
  return err;
}

/* ---- Pre-shared keys ---- */

bool group_find_psk(const struct group *group, const struct psk_id *id, struct view *out) {
  if (id->type == PSK_EXTERNAL)
    return client_find_psk(group->client, id->external_id, out);
  if (!view_equal(id->psk_group_id, group_identifier(group)))
    return false;
  const struct epoch *found = NULL;
  if (id->psk_epoch == group->epoch->context.epoch)
    found = group->epoch;
  for (size_t i = 0; i < group->past_count; i++)
    if (group->past[i]->context.epoch == id->psk_epoch)
      found = group->past[i];
  if (found == NULL)
    return false;
  *out = secret_view(&found->secrets->resumption_psk);
  return true;
}

enum err group_psk_secret(const struct client *client, const struct group *group,
                          const struct suite *suite, const struct proposal_list *list,
                          struct why *why, struct secret *out) {
  enum err err = OK;
  struct secret psk_secret = {0};
  struct writer id = {0};
  uint16_t count = 0, index = 0;
  for (size_t i = 0; i < list->count; i++)
    count = (uint16_t)(count + (list->item[i].proposal.type == PROPOSAL_PSK ? 1 : 0));
  schedule_zero(suite, &psk_secret);
  for (size_t i = 0; i < list->count; i++) {
    struct view psk;
    const struct proposal *proposal = &list->item[i].proposal;
    if (proposal->type != PROPOSAL_PSK)
      continue;
    bool known = group != NULL ? group_find_psk(group, &proposal->body.psk, &psk)
                               : proposal->body.psk.type == PSK_EXTERNAL &&
                                     client_find_psk(client, proposal->body.psk.external_id, &psk);
    TRY(require(known, why, ERR_INVALID_COMMIT,
                "RFC 9420, section 12.4.2: PSK %u of the commit is not known here", index));
    writer_free(&id);
    psk_id_write(&id, &proposal->body.psk);
    TRY(id.err);
    TRY(psk_mix(suite, writer_view(&id), psk, index++, count, &psk_secret));
  }
  secret_move(out, &psk_secret);
done:
  secret_wipe(&psk_secret);
  writer_free(&id);
  return err;
}
