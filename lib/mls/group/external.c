/* SPDX-License-Identifier: ISC */
#include "mls/group/external.h"

#include "crypto/hpke.h"
#include "mls/group/groupinfo.h"
#include "mls/wire/credential.h"

#define LABEL_EXTERNAL_INIT VIEW_TEXT("MLS 1.0 external init secret")

static enum err read_group_info(struct client *client, struct view message,
                                struct group_info *out) {
  enum err err = OK;
  struct reader reader = reader_of(message);
  TRY(client_check_size(client, message));
  TRY(message_read_header_of(&reader, WIRE_GROUP_INFO, "GroupInfo", &client->why));
  TRY(group_info_read(&reader, &client->why, out));
  TRY(read_end(&reader));
done:
  return codec_unparsed(err, &client->why, "GroupInfo");
}

/* ExternalPub (section 12.4.3.2). */
static enum err read_external_pub(struct client *client, const struct group_info *info,
                                  struct view *out) {
  enum err err = OK;
  struct view data;
  TRY(require(extensions_find(info->extensions, EXTENSION_EXTERNAL_PUB, &data), &client->why,
              ERR_NOT_FOUND,
              "RFC 9420, section 12.4.3.2: a GroupInfo without external_pub cannot be joined by"));
  struct reader reader = reader_of(data);
  TRY(read_vector(&reader, out));
  TRY(read_end(&reader));
  err = hpke_check_public_key(client->suite, *out);
  if (err_is_ours(err))
    return err;
  TRY(require(err == OK, &client->why, ERR_MALFORMED,
              "RFC 9420, section 12.4.3.2: external_pub is no public key"));
done:
  return codec_unparsed(err, &client->why, "external_pub");
}

enum err external_open(struct client *client, struct view message, struct view beside,
                       struct group **out) {
  enum err err = OK;
  struct group_info info;
  struct view external_pub;
  struct bytes copy = {0};
  struct tree *tree = NULL;
  struct epoch *epoch = NULL;
  TRY(read_group_info(client, message, &info));
  TRY(read_external_pub(client, &info, &external_pub));
  /* The tag itself can be verified by members only: to a wrong one they answer with a refusal. */
  TRY(require(info.confirmation_tag.size == client->suite->hash->size, &client->why, ERR_MALFORMED,
              "RFC 9420, section 12.4.3.1: a confirmation tag of %zu bytes",
              info.confirmation_tag.size));
  TRY(group_info_check(client, &info, beside, &tree));
  TRY(require(tree_members(tree) < client->settings.max_members, &client->why, ERR_LIMIT,
              "the group would have more than %u members", client->settings.max_members));
  struct epoch_parts parts = {.tree = tree, .own_leaf = LEAF_NONE};
  TRY(epoch_outside(&parts, info.context_raw, info.confirmation_tag, &epoch));
  TRY(bytes_copy(&copy, external_pub));
  TRY(group_from_epoch(client, &epoch, out));
  bytes_move(&(*out)->external_pub, &copy);
done:
  bytes_free(&copy);
  tree_drop(tree);
  epoch_free(epoch);
  return err;
}

enum err external_check_former(const struct group *group, uint32_t leaf) {
  enum err err = OK;
  bool same = false;
  struct credential own;
  struct reader reader = reader_of(bytes_view(&group->client->credential));
  TRY(credential_read(&reader, &own));
  TRY(credential_same(leaf_credential(tree_leaf(group->epoch->tree, leaf)), own, &same));
  TRY(require(
      same, &group->client->why, ERR_INVALID_PROPOSAL,
      "RFC 9420, section 12.2: from outside only the own former leaf can be removed, and leaf "
      "%u is another's",
      leaf));
done:
  return err;
}

enum err external_init(const struct group *group, struct secret *init_secret,
                       struct bytes *proposal) {
  enum err err = OK;
  struct bytes kem_output = {0};
  struct writer writer = {0};
  TRY(hpke_export_sender(group->epoch->suite, bytes_view(&group->external_pub), VIEW_NONE,
                         LABEL_EXTERNAL_INIT, &kem_output, init_secret));
  proposal_write_external_init(&writer, bytes_view(&kem_output));
  TRY(writer_take(&writer, proposal));
done:
  bytes_free(&kem_output);
  writer_free(&writer);
  return err;
}

enum err external_sign(const struct group *group, const struct framed_content *framed,
                       struct bytes *storage, struct authenticated_content *out) {
  const struct epoch *epoch = group->epoch;
  struct authenticated_content content = {.wire_format = WIRE_PUBLIC_MESSAGE, .content = *framed};
  content.content.group_id = epoch->context.group_id;
  content.content.epoch = epoch->context.epoch;
  content.content.sender = (struct sender){SENDER_NEW_MEMBER_COMMIT, 0};
  enum err err =
      framing_sign(epoch->suite, content.wire_format, &content.content,
                   bytes_view(&epoch->context_raw), group->client->signature_key, storage);
  if (err != OK)
    return err;
  content.auth.signature = bytes_view(storage);
  *out = content;
  return OK;
}

enum err external_protect(const struct group *group, const struct authenticated_content *content,
                          struct bytes *out) {
  struct framing_keys keys = {.suite = group->epoch->suite,
                              .group_context = bytes_view(&group->epoch->context_raw),
                              .max_bytes = group->client->settings.max_message_bytes};
  return client_explain_size(group->client, framing_protect_public(&keys, content, out));
}

static enum err propose(struct client *client, struct sender sender, struct view group_id,
                        uint64_t epoch, struct view proposal, struct bytes *out) {
  enum err err = OK;
  struct bytes signature = {0};
  struct framing_keys keys = {.suite = client->suite,
                              .max_bytes = client->settings.max_message_bytes};
  struct authenticated_content content = {
      .wire_format = WIRE_PUBLIC_MESSAGE,
      .content = {.group_id = group_id,
                  .epoch = epoch,
                  .sender = sender,
                  .content_type = CONTENT_PROPOSAL,
                  .content = proposal},
  };
  /* RFC 9420, section 6.1: who is no member signs without the GroupContext. */
  TRY(framing_sign(client->suite, content.wire_format, &content.content, VIEW_NONE,
                   client->signature_key, &signature));
  content.auth.signature = bytes_view(&signature);
  TRY(client_explain_size(client, framing_protect_public(&keys, &content, out)));
done:
  bytes_free(&signature);
  return err;
}

/* Nobody could be let in by a key package whose private half is not here. */
static enum err check_own(struct client *client, struct view key_package) {
  enum err err = OK;
  uint8_t ref[HASH_MAX];
  TRY(key_package_ref(client->suite, key_package, ref));
  const struct own_key_package *own =
      client_find_key_package(client, view_of(ref, client->suite->hash->size));
  TRY(require(own != NULL && own->secret != NULL, &client->why, ERR_NOT_FOUND,
              "the key package is none of this client that is left"));
done:
  return err;
}

enum err external_propose_add(struct client *client, struct sender sender, struct view group_id,
                              uint64_t epoch, struct view key_package, struct bytes *out) {
  enum err err = OK;
  struct view raw;
  struct writer writer = {0};
  TRY(client_check_size(client, key_package));
  TRY(message_read_key_package(key_package, &client->why, &raw));
  TRY(client_check_leaf_size(client, key_package_leaf_size(raw)));
  if (sender.type == SENDER_NEW_MEMBER_PROPOSAL)
    TRY(check_own(client, raw));
  proposal_write_add(&writer, raw);
  TRY(writer.err);
  TRY(propose(client, sender, group_id, epoch, writer_view(&writer), out));
done:
  writer_free(&writer);
  return err;
}

enum err external_propose_remove(struct client *client, struct sender sender, struct view group_id,
                                 uint64_t epoch, uint32_t leaf, struct bytes *out) {
  enum err err = OK;
  struct writer writer = {0};
  proposal_write_remove(&writer, leaf);
  TRY(writer.err);
  TRY(propose(client, sender, group_id, epoch, writer_view(&writer), out));
done:
  writer_free(&writer);
  return err;
}
