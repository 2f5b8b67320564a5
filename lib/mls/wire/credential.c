/* SPDX-License-Identifier: ISC */
#include "mls/wire/credential.h"

#include "crypto/der.h"
#include "crypto/x509.h"

enum err credential_body(struct credential credential, struct bytes *out) {
  enum err err = OK;
  struct writer writer = {0};
  struct reader reader = reader_of(credential.identity);
  if (credential.type != CREDENTIAL_X509)
    return bytes_copy(out, credential.identity);
  while (reader.left > 0) {
    struct view certificate;
    TRY(read_vector(&reader, &certificate));
    write_bytes(&writer, certificate);
  }
  TRY(writer_take(&writer, out));
done:
  writer_free(&writer);
  return err;
}

/* Each entry is one certificate and nothing else: so the chain that the application reads, which is
 * the entries without their lengths, is the one that was sent. */
static enum err check_entries(struct reader chain) {
  enum err err = OK;
  struct view entry, certificate;
  while (chain.left > 0) {
    TRY(read_vector(&chain, &entry));
    struct reader reader = reader_of(entry);
    TRY(der_read_sequence(&reader, &certificate));
    TRY(read_end(&reader));
  }
done:
  return err;
}

enum err credential_check_key(const struct suite *suite, struct credential credential,
                              struct view signature_key) {
  enum err err = OK;
  struct view first;
  struct reader chain = reader_of(credential.identity);
  if (credential.type != CREDENTIAL_X509)
    return OK;
  TRY(check_entries(chain));
  TRY(read_vector(&chain, &first));
  TRY(x509_check_key(suite, first, signature_key));
done:
  return err;
}

/* RFC 9420, section 5.3: each certificate in a vector of its own. */
static enum err write_chain(struct writer *writer, struct view body) {
  enum err err = OK;
  struct reader reader = reader_of(body);
  size_t begin = write_begin(writer);
  while (reader.left > 0) {
    struct view certificate;
    TRY(der_read_sequence(&reader, &certificate));
    write_vector(writer, certificate);
  }
  write_end(writer, begin);
  TRY(writer->err);
done:
  return err;
}

enum err credential_new(const struct suite *suite, uint16_t type, struct view body,
                        struct view signature_key, struct bytes *out) {
  enum err err = OK;
  struct writer writer = {0};
  struct credential credential;
  write_u16(&writer, type);
  if (type == CREDENTIAL_X509)
    TRY(write_chain(&writer, body));
  else
    write_vector(&writer, body);
  TRY(writer.err);
  struct reader reader = reader_of(writer_view(&writer));
  TRY(credential_read(&reader, &credential));
  err = credential_check_key(suite, credential, signature_key);
  TRY(err == ERR_SIGNATURE ? ERR_INVALID_ARG : err);
  TRY(writer_take(&writer, out));
done:
  writer_free(&writer);
  return err;
}

enum err credential_identifiers(struct credential credential, struct bytes *out) {
  enum err err = OK;
  struct view first;
  struct bytes names = {0};
  struct writer writer = {0};
  if (credential.type != CREDENTIAL_X509)
    return bytes_copy(out, credential.raw);
  struct reader chain = reader_of(credential.identity);
  TRY(read_vector(&chain, &first));
  TRY(x509_identifiers(first, &names));
  if (names.size == 0)
    return bytes_copy(out, credential.raw);
  write_u16(&writer, credential.type);
  write_bytes(&writer, bytes_view(&names));
  TRY(writer_take(&writer, out));
done:
  writer_free(&writer);
  bytes_free(&names);
  return err;
}

enum err credential_same(struct credential a, struct credential b, bool *same) {
  enum err err = OK;
  struct bytes first = {0}, second = {0};
  TRY(credential_identifiers(a, &first));
  TRY(credential_identifiers(b, &second));
  *same = view_equal(bytes_view(&first), bytes_view(&second));
done:
  bytes_free(&first);
  bytes_free(&second);
  return err;
}
