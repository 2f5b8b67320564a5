/* SPDX-License-Identifier: ISC */
#include "mls/wire/message.h"

#include "mls/wire/credential.h"

/* ---- FramedContent ---- */

static enum err read_sender(struct reader *reader, struct sender *out) {
  enum err err;
  struct sender sender = {0, 0};
  TRY(read_u8(reader, &sender.type));
  if (sender.type < SENDER_MEMBER || sender.type > SENDER_NEW_MEMBER_COMMIT)
    return ERR_MALFORMED;
  if (sender.type == SENDER_MEMBER || sender.type == SENDER_EXTERNAL)
    TRY(read_u32(reader, &sender.index));
  *out = sender;
done:
  return err;
}

static void write_sender(struct writer *writer, const struct sender *sender) {
  write_u8(writer, sender->type);
  if (sender->type == SENDER_MEMBER || sender->type == SENDER_EXTERNAL)
    write_u32(writer, sender->index);
}

bool sender_may_propose(uint8_t sender_type, uint16_t type) {
  return (proposal_form_of(type)->senders >> sender_type & 1) != 0;
}

enum err framed_body_read(struct reader *reader, struct why *why, uint8_t content_type,
                          struct view *out) {
  enum err err;
  const uint8_t *from = reader->at;
  struct proposal proposal;
  struct commit commit;
  switch (content_type) {
  case CONTENT_APPLICATION:
    return read_vector(reader, out);
  case CONTENT_PROPOSAL:
    TRY(proposal_read(reader, why, &proposal));
    break;
  case CONTENT_COMMIT:
    TRY(commit_read(reader, why, &commit));
    break;
  default:
    return refuse(why, ERR_MALFORMED, "RFC 9420, section 6: there is no content type %u",
                  content_type);
  }
  *out = read_since(reader, from);
done:
  return err;
}

void framed_body_write(struct writer *writer, uint8_t content_type, struct view content) {
  if (content_type == CONTENT_APPLICATION)
    write_vector(writer, content);
  else
    write_bytes(writer, content);
}

enum err framed_head_read(struct reader *reader, struct framed_content *out) {
  enum err err = OK;
  struct framed_content content = {0};
  TRY(read_vector(reader, &content.group_id));
  TRY(read_u64(reader, &content.epoch));
  TRY(read_sender(reader, &content.sender));
  TRY(read_vector(reader, &content.authenticated_data));
  TRY(read_u8(reader, &content.content_type));
  *out = content;
done:
  return err;
}

/* @param known  a proposal has to be of a type that is known here: else nobody can tell where it ends */
static enum err read_content(struct reader *reader, bool known, struct why *why,
                             struct framed_content *out) {
  enum err err = OK;
  const uint8_t *from = reader->at;
  struct framed_content content;
  TRY(framed_head_read(reader, &content));
  if (known && content.content_type == CONTENT_PROPOSAL)
    TRY(proposal_check_known(*reader, why));
  TRY(framed_body_read(reader, why, content.content_type, &content.content));
  content.raw = read_since(reader, from);
  *out = content;
done:
  return codec_unparsed(err, why, "FramedContent");
}

enum err framed_content_read(struct reader *reader, struct why *why, struct framed_content *out) {
  return read_content(reader, false, why, out);
}

void framed_head_write(struct writer *writer, const struct framed_content *content) {
  const size_t headers = 64; /* and fields of fixed size */
  write_reserve(writer, headers + content->group_id.size + content->authenticated_data.size);
  write_vector(writer, content->group_id);
  write_u64(writer, content->epoch);
  write_sender(writer, &content->sender);
  write_vector(writer, content->authenticated_data);
  write_u8(writer, content->content_type);
  if (content->content_type == CONTENT_APPLICATION)
    write_length(writer, content->content.size);
}

void framed_content_write(struct writer *writer, const struct framed_content *content) {
  framed_head_write(writer, content);
  write_bytes(writer, content->content);
}

/* ---- FramedContentAuthData ---- */

enum err content_auth_read(struct reader *reader, uint8_t content_type, struct content_auth *out) {
  enum err err;
  struct content_auth auth = {VIEW_NONE, VIEW_NONE};
  TRY(read_vector(reader, &auth.signature));
  if (content_type == CONTENT_COMMIT)
    TRY(read_vector(reader, &auth.confirmation_tag));
  *out = auth;
done:
  return err;
}

void content_auth_write(struct writer *writer, uint8_t content_type,
                        const struct content_auth *auth) {
  write_vector(writer, auth->signature);
  if (content_type == CONTENT_COMMIT)
    write_vector(writer, auth->confirmation_tag);
}

/* ---- PublicMessage ---- */

enum err public_message_read(struct reader *reader, struct why *why, struct public_message *out) {
  enum err err;
  struct public_message message = {0};
  TRY(read_content(reader, true, why, &message.content));
  const uint8_t *auth = reader->at;
  TRY(content_auth_read(reader, message.content.content_type, &message.auth));
  message.raw_auth = read_since(reader, auth);
  if (message.content.sender.type == SENDER_MEMBER)
    TRY(read_vector(reader, &message.membership_tag));
  *out = message;
done:
  return codec_unparsed(err, why, "PublicMessage");
}

void public_message_write(struct writer *writer, const struct public_message *message) {
  framed_content_write(writer, &message->content);
  content_auth_write(writer, message->content.content_type, &message->auth);
  if (message->content.sender.type == SENDER_MEMBER)
    write_vector(writer, message->membership_tag);
}

/* ---- PrivateMessage ---- */

enum err private_message_read(struct reader *reader, struct private_message *out) {
  enum err err;
  struct private_message message = {0};
  TRY(read_vector(reader, &message.group_id));
  TRY(read_u64(reader, &message.epoch));
  TRY(read_u8(reader, &message.content_type));
  if (message.content_type < CONTENT_APPLICATION || message.content_type > CONTENT_COMMIT)
    return ERR_MALFORMED;
  TRY(read_vector(reader, &message.authenticated_data));
  TRY(read_vector(reader, &message.encrypted_sender_data));
  TRY(read_vector(reader, &message.ciphertext));
  *out = message;
done:
  return err;
}

void private_message_write(struct writer *writer, const struct private_message *message) {
  write_vector(writer, message->group_id);
  write_u64(writer, message->epoch);
  write_u8(writer, message->content_type);
  write_vector(writer, message->authenticated_data);
  write_vector(writer, message->encrypted_sender_data);
  write_vector(writer, message->ciphertext);
}

/* ---- MLSMessage ---- */

enum err message_read_header(struct reader *reader, struct why *why, uint16_t *wire_format) {
  enum err err;
  uint16_t version;
  uint16_t format;
  TRY(read_u16(reader, &version));
  TRY(require(version == MLS_VERSION_10, why, ERR_UNSUPPORTED,
              "RFC 9420, section 6: the message has protocol version %u, not MLS 1.0", version));
  TRY(read_u16(reader, &format));
  TRY(require(format >= WIRE_PUBLIC_MESSAGE && format <= WIRE_KEY_PACKAGE, why, ERR_UNSUPPORTED,
              "RFC 9420, section 6: wire format %u is not known here", format));
  *wire_format = format;
done:
  return codec_unparsed(err, why, "MLSMessage");
}

enum err message_read_header_of(struct reader *reader, enum wire_format wire_format,
                                const char *what, struct why *why) {
  uint16_t found = 0;
  enum err err = message_read_header(reader, why, &found);
  if (err != OK)
    return err;
  return require(found == wire_format, why, ERR_MALFORMED,
                 "RFC 9420, section 6: a message of wire format %u instead of a %s", found, what);
}

void message_write_header(struct writer *writer, enum wire_format wire_format) {
  write_u16(writer, MLS_VERSION_10);
  write_u16(writer, (uint16_t)wire_format);
}

enum err message_read_key_package(struct view message, struct why *why, struct view *out) {
  enum err err = OK;
  struct key_package key_package = {0};
  struct reader reader = reader_of(message);
  TRY(message_read_header_of(&reader, WIRE_KEY_PACKAGE, "key package", why));
  TRY(key_package_read(&reader, why, &key_package));
  TRY(read_end(&reader));
  TRY(key_package_check_listed(&key_package, why));
  *out = key_package.raw;
done:
  key_package_free(&key_package);
  return codec_unparsed(err, why, "KeyPackage");
}

enum err message_key_package_identity(struct view message, struct bytes *out) {
  enum err err = OK;
  struct view raw;
  struct key_package key_package = {0};
  TRY(message_read_key_package(message, NULL, &raw));
  struct reader reader = reader_of(raw);
  TRY(key_package_read(&reader, NULL, &key_package));
  const struct suite *suite = NULL;
  TRY(suite_use(key_package.cipher_suite, &suite));
  TRY(key_package_check(suite, &key_package, NULL));
  TRY(credential_body(leaf_credential(key_package.leaf), out));
done:
  key_package_free(&key_package);
  return err;
}

enum err message_key_package_ref(struct view message, uint8_t *out, size_t *size) {
  enum err err = OK;
  uint16_t version = 0, cipher_suite = 0;
  struct view raw;
  TRY(message_read_key_package(message, NULL, &raw));
  struct reader reader = reader_of(raw);
  TRY(read_u16(&reader, &version));
  TRY(read_u16(&reader, &cipher_suite));
  const struct suite *suite = suite_find(cipher_suite);
  TRY(suite == NULL || version != MLS_VERSION_10 ? ERR_UNSUPPORTED : OK);
  TRY(key_package_ref(suite, raw, out));
  *size = suite->hash->size;
done:
  return err;
}

enum err external_sender_read(struct reader *reader, struct external_sender *out) {
  enum err err = OK;
  TRY(read_vector(reader, &out->signature_key));
  TRY(credential_read(reader, &out->credential));
done:
  return err;
}

void external_sender_write(struct writer *writer, struct view signature_key,
                           struct view credential) {
  write_vector(writer, signature_key);
  write_bytes(writer, credential);
}
