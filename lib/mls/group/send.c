/* SPDX-License-Identifier: ISC */
#include "mls/group/send.h"

#include "crypto/hpke.h"
#include "mls/group/validate.h"

enum err group_sign(const struct group *group, const struct framed_content *framed, bool encrypt,
                    struct bytes *storage, struct authenticated_content *out) {
  enum err err = OK;
  const struct epoch *epoch = group->epoch;
  struct bytes signature = {0}, buffer = {0};
  struct writer writer = {0};
  struct authenticated_content content = {
      .wire_format = encrypt ? WIRE_PRIVATE_MESSAGE : WIRE_PUBLIC_MESSAGE, .content = *framed};
  content.content.group_id = epoch->context.group_id;
  content.content.epoch = epoch->context.epoch;
  content.content.sender = (struct sender){SENDER_MEMBER, epoch->own_leaf};
  TRY(framing_sign(epoch->suite, content.wire_format, &content.content,
                   bytes_view(&epoch->context_raw), group->client->signature_key, &signature));
  write_bytes(&writer, bytes_view(&signature));
  write_bytes(&writer, framed->content);
  write_bytes(&writer, framed->authenticated_data);
  TRY(writer_take(&writer, &buffer));
  struct reader reader = reader_of(bytes_view(&buffer));
  TRY(read_bytes(&reader, signature.size, &content.auth.signature));
  TRY(read_bytes(&reader, framed->content.size, &content.content.content));
  TRY(read_bytes(&reader, framed->authenticated_data.size, &content.content.authenticated_data));
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
  const struct settings *settings = &group->client->settings;
  struct framing_keys keys = epoch_framing(group->epoch, settings->max_skip);
  keys.max_bytes = settings->max_message_bytes;
  enum err err = content->wire_format == WIRE_PRIVATE_MESSAGE
                     ? framing_protect_private(&keys, content, settings->padding, out)
                     : framing_protect_public(&keys, content, out);
  if (err == OK)
    group->revision++;
  return client_explain_size(group->client, err);
}

enum err group_encrypt(struct group *group, struct view data, struct bytes *out) {
  return group_encrypt_with(group, VIEW_NONE, data, out);
}

enum err group_encrypt_with(struct group *group, struct view authenticated_data, struct view data,
                            struct bytes *out) {
  enum err err = OK;
  struct bytes storage = {0};
  struct authenticated_content content;
  struct framed_content framed = {.content_type = CONTENT_APPLICATION,
                                  .content = data,
                                  .authenticated_data = authenticated_data};
  TRY(group_check_active(group));
  /* RFC 9420, section 12.4: proposals are committed before application data is sent, so that nobody
   * whose removal was asked for can read it. */
  TRY(require(group->proposals.count == 0, &group->client->why, ERR_INVALID_STATE,
              "RFC 9420, section 12.4: %zu proposals wait to be committed before application data "
              "may be sent",
              group->proposals.count));
  TRY(client_check_size(group->client, data));
  TRY(group_sign(group, &framed, true, &storage, &content));
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
  size_t before = group->proposals.count;
  struct proposal proposal;
  struct authenticated_content content;
  struct framed_content framed = {.content_type = CONTENT_PROPOSAL, .content = body};
  struct client *client = group->client;
  struct proposal_rules rules = proposal_rules_own(client);
  struct reader reader = reader_of(body);
  TRY(group_check_active(group));
  TRY(proposal_read(&reader, &client->why, &proposal));
  TRY(proposal_check_settings(&client->settings, group->epoch, &proposal, &client->why));
  TRY(proposal_check(group->epoch, &proposal,
                     (struct sender){SENDER_MEMBER, group->epoch->own_leaf}, &rules));
  /* What those who join from outside bring along has to be readable for them. */
  bool encrypt = client->settings.encrypt_handshake && !proposal_kind_of(proposal.type)->brought;
  TRY(group_sign(group, &framed, encrypt, &storage, &content));
  TRY(proposal_store_add(&group->proposals, group->epoch->suite, &content, update_key));
  /* Last, because it moves the own ratchet on. */
  TRY(group_protect(group, &content, out));
done:
  if (err != OK)
    proposal_store_cut(&group->proposals, before);
  bytes_free(&storage);
  return err;
}

enum err group_propose(struct group *group, struct view proposal, struct bytes *out) {
  return propose(group, proposal, NULL, out);
}

/* Propose what was written, and free it. */
static enum err propose_written(struct group *group, struct writer *writer, struct bytes *out) {
  enum err err = writer->err;
  if (err == OK)
    err = propose(group, writer_view(writer), NULL, out);
  writer_free(writer);
  return err;
}

enum err group_propose_add(struct group *group, struct view key_package, struct bytes *out) {
  struct writer writer = {0};
  struct view raw;
  enum err err = group_read_key_package(group, key_package, &raw);
  if (err != OK)
    return err;
  proposal_write_add(&writer, raw);
  return propose_written(group, &writer, out);
}

enum err group_propose_remove(struct group *group, uint32_t leaf, struct bytes *out) {
  enum err err = OK;
  struct writer writer = {0};
  TRY(group_check_leaf(group, leaf));
  proposal_write_remove(&writer, leaf);
  err = propose_written(group, &writer, out);
done:
  return err;
}

/* The message of a stored SelfRemove, which is public. */
static enum err send_again(const struct group *group, const struct stored_proposal *stored,
                           struct bytes *out) {
  struct authenticated_content content;
  struct framing_keys keys = epoch_framing(group->epoch, group->client->settings.max_skip);
  enum err err = framing_read_authenticated(bytes_view(&stored->authenticated), &content);
  return err == OK ? framing_protect_public(&keys, &content, out) : err;
}

enum err group_propose_leave(struct group *group, struct bytes *out) {
  struct writer writer = {0};
  const struct stored_proposal *already =
      proposal_store_find_leave(&group->proposals, group->epoch->own_leaf);
  if (already != NULL)
    return send_again(group, already, out);
  if (!tree_all_support_proposal(group->epoch->tree, PROPOSAL_SELF_REMOVE))
    return group_propose_remove(group, group->epoch->own_leaf, out);
  proposal_write_self_remove(&writer);
  return propose_written(group, &writer, out);
}

enum err group_propose_update(struct group *group, struct bytes *out) {
  enum err err = OK;
  const struct epoch *epoch = group->epoch;
  struct client *client = group->client;
  uint8_t public_key[KEM_PUBLIC_MAX];
  struct leaf_storage storage = {0};
  struct writer writer = {0};
  struct leaf *leaf = NULL;
  struct leaf_template fields;
  struct secret *key = locked_new(sizeof *key);
  TRY(key == NULL ? ERR_NOMEM : OK);
  TRY(client_leaf(client, &storage, &fields));
  TRY(client_check_own_leaf(client, &fields));
  TRY(hpke_generate_key_pair(epoch->suite, key, public_key));
  fields.encryption_key = view_of(public_key, epoch->suite->kem->public_size);
  fields.source = LEAF_UPDATE;
  TRY(leaf_new(epoch->suite, &fields, client->signature_key, epoch->context.group_id,
               epoch->own_leaf, &leaf));
  /* RFC 9420, section 7.3: what nobody could commit is not sent. */
  TRY(validate_leaf(epoch->tree, epoch->context.extensions, leaf, epoch->own_leaf, &client->why));
  proposal_write_update(&writer, leaf_raw(leaf));
  TRY(writer.err);
  TRY(propose(group, writer_view(&writer), &key, out));
done:
  locked_free(key, sizeof *key);
  writer_free(&writer);
  leaf_drop(leaf);
  leaf_storage_free(&storage);
  return err;
}
