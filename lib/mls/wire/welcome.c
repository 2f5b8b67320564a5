/* SPDX-License-Identifier: ISC */
#include "mls/wire/welcome.h"

/* ---- GroupContext ---- */

static enum err read_context(struct reader *reader, struct why *why, struct group_context *out) {
  enum err err;
  const uint8_t *from = reader->at;
  struct group_context context = {0};
  TRY(read_u16(reader, &context.version));
  TRY(require(context.version == MLS_VERSION_10, why, ERR_UNSUPPORTED,
              "RFC 9420, section 8.1: the group has protocol version %u, not MLS 1.0",
              context.version));
  TRY(read_u16(reader, &context.cipher_suite));
  TRY(read_vector(reader, &context.group_id));
  TRY(read_u64(reader, &context.epoch));
  TRY(read_vector(reader, &context.tree_hash));
  TRY(read_vector(reader, &context.confirmed_transcript_hash));
  TRY(extensions_read(reader, why, &context.extensions));
  size_t size = read_since(reader, from).size;
  TRY(require(size <= CONTEXT_BYTES_MAX, why, ERR_LIMIT,
              "a GroupContext of %zu bytes, of at most %u", size, CONTEXT_BYTES_MAX));
  *out = context;
done:
  return codec_unparsed(err, why, "GroupContext");
}

enum err group_context_read(struct reader *reader, struct group_context *out) {
  return read_context(reader, NULL, out);
}

void group_context_write(struct writer *writer, const struct group_context *context) {
  write_u16(writer, context->version);
  write_u16(writer, context->cipher_suite);
  write_vector(writer, context->group_id);
  write_u64(writer, context->epoch);
  write_vector(writer, context->tree_hash);
  write_vector(writer, context->confirmed_transcript_hash);
  write_vector(writer, context->extensions);
}

size_t group_context_size(const struct group_context *context) {
  return 2 * sizeof(uint16_t) + sizeof(uint64_t) + vector_size(context->group_id.size) +
         vector_size(context->tree_hash.size) +
         vector_size(context->confirmed_transcript_hash.size) +
         vector_size(context->extensions.size);
}

/* ---- GroupInfo ---- */

enum err group_info_read(struct reader *reader, struct why *why, struct group_info *out) {
  enum err err;
  const uint8_t *from = reader->at;
  struct group_info info = {0};
  TRY(read_context(reader, why, &info.context));
  info.context_raw = read_since(reader, from);
  TRY(extensions_read(reader, why, &info.extensions));
  TRY(read_vector(reader, &info.confirmation_tag));
  TRY(read_u32(reader, &info.signer));
  info.signed_part = read_since(reader, from);
  TRY(read_vector(reader, &info.signature));
  *out = info;
done:
  return codec_unparsed(err, why, "GroupInfo");
}

size_t group_info_write_begin(struct writer *writer, const struct group_context *context) {
  group_context_write(writer, context);
  return write_begin(writer);
}

void group_info_write_end(struct writer *writer, size_t begin, struct view confirmation_tag,
                          uint32_t signer) {
  write_end(writer, begin);
  write_vector(writer, confirmation_tag);
  write_u32(writer, signer);
}

void group_info_write_signed(struct writer *writer, const struct group_info *info) {
  size_t begin = group_info_write_begin(writer, &info->context);
  write_bytes(writer, info->extensions);
  group_info_write_end(writer, begin, info->confirmation_tag, info->signer);
}

void group_info_write(struct writer *writer, const struct group_info *info) {
  group_info_write_signed(writer, info);
  write_vector(writer, info->signature);
}

/* ---- GroupSecrets ---- */

enum err group_secrets_read(struct reader *reader, struct group_secrets *out) {
  enum err err;
  struct group_secrets secrets = {0};
  struct psk_id id;
  TRY(read_vector(reader, &secrets.joiner_secret));
  TRY(read_optional(reader, &secrets.has_path_secret));
  if (secrets.has_path_secret)
    TRY(read_vector(reader, &secrets.path_secret));
  TRY(read_vector(reader, &secrets.psks));
  struct reader psks = reader_of(secrets.psks);
  while (psks.left > 0)
    TRY(psk_id_read(&psks, &id));
  *out = secrets;
done:
  return err;
}

void group_secrets_write(struct writer *writer, const struct group_secrets *secrets) {
  write_vector(writer, secrets->joiner_secret);
  write_optional(writer, secrets->has_path_secret);
  if (secrets->has_path_secret)
    write_vector(writer, secrets->path_secret);
  write_vector(writer, secrets->psks);
}

/* ---- Welcome ---- */

enum err encrypted_group_secrets_read(struct reader *reader, struct encrypted_group_secrets *out) {
  enum err err;
  struct encrypted_group_secrets secrets;
  TRY(read_vector(reader, &secrets.new_member));
  TRY(hpke_ciphertext_read(reader, &secrets.secrets));
  *out = secrets;
done:
  return err;
}

void encrypted_group_secrets_write(struct writer *writer,
                                   const struct encrypted_group_secrets *secrets) {
  write_vector(writer, secrets->new_member);
  hpke_ciphertext_write(writer, secrets->secrets.kem_output, secrets->secrets.ciphertext);
}

enum err welcome_read(struct reader *reader, struct welcome *out) {
  enum err err;
  struct welcome welcome = {0};
  struct encrypted_group_secrets item;
  TRY(read_u16(reader, &welcome.cipher_suite));
  TRY(read_vector(reader, &welcome.secrets));
  struct reader items = reader_of(welcome.secrets);
  while (items.left > 0)
    TRY(encrypted_group_secrets_read(&items, &item));
  TRY(read_vector(reader, &welcome.encrypted_group_info));
  *out = welcome;
done:
  return err;
}

void welcome_write(struct writer *writer, const struct welcome *welcome) {
  write_u16(writer, welcome->cipher_suite);
  write_vector(writer, welcome->secrets);
  write_vector(writer, welcome->encrypted_group_info);
}
