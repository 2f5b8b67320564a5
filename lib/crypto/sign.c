/* SPDX-License-Identifier: ISC */
#include "crypto/sign.h"

enum err sign_generate(const struct suite *suite, struct secret *private_key,
                       struct bytes *public_key) {
  enum err err;
  const struct signature *scheme = suite->signature;
  uint8_t bytes[SIGNATURE_PUBLIC_MAX];
  struct secret key = {.size = (uint16_t)scheme->private_size};
  TRY(scheme->generate(key.bytes, bytes));
  TRY(bytes_copy(public_key, view_of(bytes, scheme->public_size)));
  secret_move(private_key, &key);
done:
  secret_wipe(&key);
  return err;
}

/* SignContent: the label with its prefix, and the content; in one piece, because EdDSA reads it twice. */
static enum err write_content(struct view label, const struct view *parts, size_t count,
                              struct writer *writer) {
  const struct view prefix = VIEW_TEXT("MLS 1.0 ");
  const size_t headers = 8;
  size_t size = 0;
  for (size_t i = 0; i < count; i++)
    size += parts[i].size;
  write_reserve(writer, headers + prefix.size + label.size + size);
  size_t begin = write_begin(writer);
  write_bytes(writer, prefix);
  write_bytes(writer, label);
  write_end(writer, begin);
  write_length(writer, size);
  for (size_t i = 0; i < count; i++)
    write_bytes(writer, parts[i]);
  return writer->err;
}

enum err sign_parts_with_label(const struct suite *suite, const struct secret *private_key,
                               struct view label, const struct view *parts, size_t count,
                               struct bytes *signature) {
  enum err err;
  const struct signature *scheme = suite->signature;
  struct writer message = {0};
  uint8_t bytes[SIGNATURE_MAX];
  size_t size = 0;
  TRY(private_key->size == scheme->private_size ? OK : ERR_INVALID_ARG);
  TRY(write_content(label, parts, count, &message));
  TRY(scheme->sign(private_key->bytes, writer_view(&message), bytes, &size));
  TRY(bytes_copy(signature, view_of(bytes, size)));
done:
  writer_free(&message);
  return err;
}

enum err sign_with_label(const struct suite *suite, const struct secret *private_key,
                         struct view label, struct view content, struct bytes *signature) {
  return sign_parts_with_label(suite, private_key, label, &content, 1, signature);
}

enum err sign_check_public_key(const struct suite *suite, struct view public_key) {
  if (public_key.size != suite->signature->public_size)
    return ERR_MALFORMED;
  return suite->signature->check_public(public_key.data);
}

enum err verify_parts_with_label(const struct suite *suite, struct view public_key,
                                 struct view label, const struct view *parts, size_t count,
                                 struct view signature) {
  enum err err;
  const struct signature *scheme = suite->signature;
  struct writer message = {0};
  TRY(public_key.size == scheme->public_size ? OK : ERR_SIGNATURE);
  TRY(signature.size <= scheme->max_size ? OK : ERR_SIGNATURE);
  TRY(write_content(label, parts, count, &message));
  TRY(scheme->verify(public_key.data, writer_view(&message), signature));
done:
  writer_free(&message);
  return err;
}

enum err verify_with_label(const struct suite *suite, struct view public_key, struct view label,
                           struct view content, struct view signature) {
  return verify_parts_with_label(suite, public_key, label, &content, 1, signature);
}
