/* SPDX-License-Identifier: ISC */
#include "mls/group/peek.h"

#include "mls/tree/tree.h"
#include "mls/wire/credential.h"

/* What follows the head, a proposal of a type that is not known here above all, need not parse. */
static enum err peek_public(struct reader *reader, struct peeked *out) {
  enum err err = OK;
  struct framed_content content = {0};
  TRY(framed_head_read(reader, &content));
  out->group_id = content.group_id;
  out->epoch = content.epoch;
  out->sender = content.sender;
  out->content_type = content.content_type;
  if (content.content_type == CONTENT_PROPOSAL)
    TRY(read_u16(reader, &out->proposal_type));
done:
  return err;
}

static enum err peek_private(struct reader *reader, struct peeked *out) {
  struct private_message message;
  enum err err = private_message_read(reader, &message);
  if (err != OK)
    return err;
  out->group_id = message.group_id;
  out->epoch = message.epoch;
  out->content_type = message.content_type;
  return read_end(reader);
}

/* RFC 9420, section 5.2: a reference is as long as the suite's hash, whatever suite it is; so all are. */
static enum err peek_welcome(struct reader *reader, struct peeked *out) {
  enum err err = OK;
  struct welcome welcome;
  struct encrypted_group_secrets item;
  size_t size = 0;
  TRY(welcome_read(reader, &welcome));
  TRY(read_end(reader));
  out->cipher_suite = welcome.cipher_suite;
  out->secrets = welcome.secrets;
  struct reader items = reader_of(welcome.secrets);
  for (; items.left > 0; out->count++) {
    TRY(encrypted_group_secrets_read(&items, &item));
    size = out->count == 0 ? item.new_member.size : size;
    TRY(size > 0 && item.new_member.size == size ? OK : ERR_MALFORMED);
  }
done:
  return err;
}

static enum err peek_group_info(struct reader *reader, struct peeked *out) {
  enum err err = OK;
  struct group_info info;
  struct view tree;
  TRY(group_info_read(reader, NULL, &info));
  TRY(read_end(reader));
  out->group_id = info.context.group_id;
  out->epoch = info.context.epoch;
  out->cipher_suite = info.context.cipher_suite;
  if (extensions_find(info.extensions, EXTENSION_RATCHET_TREE, &tree))
    TRY(tree_count_members(tree, &out->count));
done:
  return err;
}

static enum err peek_key_package(struct reader *reader, struct peeked *out) {
  enum err err = OK;
  struct key_package key_package = {0};
  TRY(key_package_read(reader, NULL, &key_package));
  TRY(read_end(reader));
  out->cipher_suite = key_package.cipher_suite;
  leaf_lifetime(key_package.leaf, &out->not_before, &out->not_after);
  TRY(credential_body(leaf_credential(key_package.leaf), &out->identity));
done:
  key_package_free(&key_package);
  return err;
}

void peeked_free(struct peeked *peeked) {
  bytes_free(&peeked->identity);
}

/* What there is of a kind. */
static enum err peek_body(struct reader *reader, struct peeked *out) {
  switch (out->kind) {
  case WIRE_PUBLIC_MESSAGE:
    return peek_public(reader, out);
  case WIRE_PRIVATE_MESSAGE:
    return peek_private(reader, out);
  case WIRE_WELCOME:
    return peek_welcome(reader, out);
  case WIRE_GROUP_INFO:
    return peek_group_info(reader, out);
  case WIRE_KEY_PACKAGE:
    return peek_key_package(reader, out);
  default:
    return ERR_UNSUPPORTED;
  }
}

enum err peek_message(struct view message, struct peeked *out) {
  enum err err = OK;
  uint16_t kind = 0;
  struct peeked peeked = {0};
  struct reader reader = reader_of(message);
  TRY(message_read_header(&reader, NULL, &kind));
  peeked.kind = (enum wire_format)kind;
  TRY(peek_body(&reader, &peeked));
  *out = peeked;
done:
  if (err != OK)
    peeked_free(&peeked);
  return err;
}

enum err peek_welcome_refs(const struct peeked *welcome, struct bytes *out) {
  enum err err = OK;
  struct reader items = reader_of(welcome->secrets);
  struct encrypted_group_secrets item;
  struct writer writer = {0};
  while (items.left > 0) {
    TRY(encrypted_group_secrets_read(&items, &item));
    write_bytes(&writer, item.new_member);
  }
  TRY(writer_take(&writer, out));
done:
  writer_free(&writer);
  return err;
}
