/* SPDX-License-Identifier: ISC */
#include "mls/group/groupinfo.h"

#include "crypto/sign.h"
#include "mls/group/validate.h"

/* ExternalPub (section 12.4.3.2) as an extension. */
static enum err write_external_pub(const struct epoch *epoch, struct writer *extensions) {
  enum err err = OK;
  uint8_t public_key[KEM_PUBLIC_MAX];
  struct secret private_key = {0};
  struct writer data = {0};
  TRY(schedule_external_key(epoch->suite, epoch->secrets, &private_key, public_key));
  write_vector(&data, view_of(public_key, epoch->suite->kem->public_size));
  TRY(data.err);
  extension_write(extensions, EXTENSION_EXTERNAL_PUB, writer_view(&data));
done:
  secret_wipe(&private_key);
  writer_free(&data);
  return err;
}

/* Each in its place: in a large group the tree is all but everything, and copying it is what making a
 * GroupInfo costs beside the signature. */
static enum err write_extensions(const struct client *client, const struct epoch *epoch,
                                 bool external_pub, struct writer *writer) {
  enum err err = OK;
  if (external_pub)
    TRY(write_external_pub(epoch, writer));
  if (client->settings.tree_in_welcome) {
    write_u16(writer, EXTENSION_RATCHET_TREE);
    size_t data = write_begin(writer);
    tree_write(writer, epoch->tree);
    write_end(writer, data);
  }
  TRY(client_write_extensions(client, PLACE_GROUP_INFO, writer));
  err = writer->err;
done:
  return err;
}

enum err group_info_sign(const struct client *client, const struct epoch *epoch, bool external_pub,
                         struct writer *writer) {
  enum err err = OK;
  struct bytes signature = {0};
  size_t begin = writer->size;
  size_t extensions = group_info_write_begin(writer, &epoch->context);
  TRY(write_extensions(client, epoch, external_pub, writer));
  group_info_write_end(writer, extensions, epoch_confirmation_tag(epoch), epoch->own_leaf);
  TRY(writer->err);
  TRY(sign_with_label(epoch->suite, client->signature_key, VIEW_TEXT("GroupInfoTBS"),
                      view_of(writer->data + begin, writer->size - begin), &signature));
  write_vector(writer, bytes_view(&signature));
  err = writer->err;
done:
  bytes_free(&signature);
  return err;
}

enum err group_info(const struct group *group, struct bytes *out) {
  enum err err = OK;
  struct writer writer = {0};
  TRY(group_check_active(group));
  message_write_header(&writer, WIRE_GROUP_INFO);
  TRY(group_info_sign(group->client, group->epoch, true, &writer));
  TRY(client_check_size(group->client, writer_view(&writer)));
  TRY(writer_take(&writer, out));
done:
  writer_free(&writer);
  return err;
}

/* ---- Verifying a GroupInfo (sections 12.4.3 and 12.4.3.1) ---- */

static enum err check_context(struct client *client, const struct group_info *info) {
  enum err err = OK;
  struct why *why = &client->why;
  size_t confirmed = info->context.confirmed_transcript_hash.size;
  TRY(require(info->context.cipher_suite == client->suite->id, why, ERR_UNSUPPORTED,
              "RFC 9420, section 12.4.3.1: a group of cipher suite %u, the client has %u",
              info->context.cipher_suite, client->suite->id));
  TRY(require(!client_in_group(client, info->context.group_id), why, ERR_INVALID_STATE,
              "RFC 9420, section 12.4.3.1: the client is in that group already"));
  TRY(require(info->context.epoch < UINT64_MAX, why, ERR_INVALID_TREE,
              "RFC 9420, section 12.4.3.1: a group in the last epoch there can be"));
  TRY(require(confirmed == client->suite->hash->size ||
                  (confirmed == 0 && info->context.epoch == 0),
              why, ERR_INVALID_TREE,
              "RFC 9420, section 8.2: a confirmed transcript hash of %zu bytes", confirmed));
done:
  return err;
}

enum err group_info_check(struct client *client, const struct group_info *info, struct view beside,
                          struct tree **out) {
  enum err err = OK;
  struct why *why = &client->why;
  struct tree *tree = NULL;
  struct view data = beside;
  TRY(client_check_size(client, beside));
  TRY(check_context(client, info));
  TRY(require(beside.size > 0 || extensions_find(info->extensions, EXTENSION_RATCHET_TREE, &data),
              why, ERR_NOT_FOUND,
              "RFC 9420, section 12.4.3.1: the ratchet tree is neither inside nor beside"));
  TRY(tree_read(client->suite, data, client->settings.max_members, why, &tree));
  TRY(require(
      view_equal(tree_hash(tree), info->context.tree_hash), why, ERR_INVALID_TREE,
      "RFC 9420, section 12.4.3.1: the tree hash of the GroupInfo is that of another tree"));
  const struct leaf *signer = tree_leaf(tree, info->signer);
  TRY(require(signer != NULL, why, ERR_INVALID_TREE,
              "RFC 9420, section 12.4.3.1: the signer of the GroupInfo, leaf %u, is blank",
              info->signer));
  err = verify_with_label(client->suite, leaf_signature_key(signer), VIEW_TEXT("GroupInfoTBS"),
                          info->signed_part, info->signature);
  if (err == ERR_SIGNATURE)
    TRY(refuse(why, err,
               "RFC 9420, section 12.4.3.1: the GroupInfo's signature by leaf %u is wrong",
               info->signer));
  TRY(err);
  TRY(validate_tree(client, tree, info->context.group_id, info->context.extensions, why));
  *out = tree;
  tree = NULL;
done:
  tree_drop(tree);
  return err;
}

enum err group_ratchet_tree(const struct group *group, struct bytes *out) {
  enum err err = OK;
  struct writer writer = {0};
  tree_write(&writer, group_shown_epoch(group)->tree);
  TRY(client_check_size(group->client, writer_view(&writer)));
  TRY(writer_take(&writer, out));
done:
  writer_free(&writer);
  return err;
}
