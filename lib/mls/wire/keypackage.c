/* SPDX-License-Identifier: ISC */
#include "mls/wire/keypackage.h"

#include "crypto/hpke.h"
#include "crypto/kdf.h"
#include "crypto/sign.h"

/* ---- Reading ---- */

/* All of a key package but `leaf`, which is left as bytes. */
static enum err scan(struct reader *reader, struct why *why, struct key_package *out,
                     struct view *leaf) {
  enum err err;
  const uint8_t *from = reader->at;
  struct key_package key_package = {0};
  TRY(read_u16(reader, &key_package.version));
  TRY(read_u16(reader, &key_package.cipher_suite));
  TRY(read_vector(reader, &key_package.init_key));
  TRY(leaf_skip(reader, why, leaf));
  TRY(extensions_read(reader, why, &key_package.extensions));
  key_package.signed_part = read_since(reader, from);
  TRY(read_vector(reader, &key_package.signature));
  key_package.raw = read_since(reader, from);
  *out = key_package;
done:
  return codec_unparsed(err, why, "KeyPackage");
}

size_t key_package_leaf_size(struct view raw) {
  struct key_package key_package;
  struct view leaf = VIEW_NONE;
  struct reader reader = reader_of(raw);
  return scan(&reader, NULL, &key_package, &leaf) == OK ? leaf.size : 0;
}

enum err key_package_skip(struct reader *reader, struct why *why, struct view *raw) {
  enum err err;
  struct key_package key_package;
  struct view leaf;
  TRY(scan(reader, why, &key_package, &leaf));
  *raw = key_package.raw;
done:
  return err;
}

enum err key_package_read(struct reader *reader, struct why *why, struct key_package *out) {
  enum err err;
  struct key_package key_package;
  struct view leaf;
  TRY(scan(reader, why, &key_package, &leaf));
  struct reader leaf_reader = reader_of(leaf);
  TRY(leaf_read(&leaf_reader, why, &key_package.leaf));
  *out = key_package;
done:
  return err;
}

void key_package_free(struct key_package *key_package) {
  leaf_drop(key_package->leaf);
  *key_package = (struct key_package){0};
}

/* ---- Checks (RFC 9420, section 10.1) ---- */

static enum err check_keys(const struct suite *suite, const struct key_package *key_package,
                           struct why *why) {
  enum err err = hpke_check_public_key(suite, key_package->init_key);
  if (err_is_ours(err))
    return err;
  TRY(require(err == OK, why, ERR_INVALID_PROPOSAL,
              "RFC 9420, section 10: the init_key is no key of suite %u", suite->id));
  TRY(require(!view_equal(key_package->init_key, leaf_encryption_key(key_package->leaf)), why,
              ERR_INVALID_PROPOSAL,
              "RFC 9420, section 10.1: the init_key is also the leaf's encryption_key"));
done:
  return err;
}

static enum err check_leaf(const struct suite *suite, const struct leaf *leaf, struct why *why) {
  enum err err;
  TRY(require(leaf_source(leaf) == LEAF_KEY_PACKAGE, why, ERR_INVALID_PROPOSAL,
              "RFC 9420, section 7.3: the key package's leaf has source %u instead of key_package",
              leaf_source(leaf)));
  err = leaf_check(suite, leaf, why);
  if (err == ERR_INVALID_TREE)
    err = ERR_INVALID_PROPOSAL;
  if (err == OK)
    err = leaf_verify_signature(suite, leaf, VIEW_NONE, 0, why);
done:
  return err;
}

enum err key_package_check(const struct suite *suite, const struct key_package *key_package,
                           struct why *why) {
  enum err err;
  TRY(require(key_package->version == MLS_VERSION_10, why, ERR_UNSUPPORTED,
              "RFC 9420, section 10.1: the key package is for protocol version %u, not MLS 1.0",
              key_package->version));
  TRY(require(key_package->cipher_suite == suite->id, why, ERR_UNSUPPORTED,
              "RFC 9420, section 10.1: the key package is for suite %u, the group has suite %u",
              key_package->cipher_suite, suite->id));
  TRY(check_leaf(suite, key_package->leaf, why));
  TRY(check_keys(suite, key_package, why));
  err = verify_with_label(suite, leaf_signature_key(key_package->leaf), VIEW_TEXT("KeyPackageTBS"),
                          key_package->signed_part, key_package->signature);
  if (err == ERR_SIGNATURE)
    err = refuse(why, err, "RFC 9420, section 10.1: the signature of the key package is wrong");
done:
  return err;
}

enum err key_package_check_listed(const struct key_package *key_package, struct why *why) {
  enum err err = OK;
  struct view listed = leaf_capabilities(key_package->leaf).extensions;
  struct reader reader = reader_of(key_package->extensions);
  while (reader.left > 0) {
    struct extension extension;
    TRY(extension_read(&reader, &extension));
    TRY(require(extension_is_default(extension.type) || list_has(listed, extension.type), why,
                ERR_INVALID_PROPOSAL,
                "RFC 9420, section 10: the key package has extension 0x%04x, which its leaf's "
                "capabilities do not list",
                extension.type));
  }
done:
  return err;
}

enum err key_package_ref(const struct suite *suite, struct view raw, uint8_t *out) {
  return kdf_ref_hash(suite, VIEW_TEXT("MLS 1.0 KeyPackage Reference"), raw, out);
}

/* ---- Writing ---- */

static void write_content(struct writer *writer, uint16_t version, uint16_t cipher_suite,
                          struct view init_key, struct view leaf, struct view extensions) {
  write_u16(writer, version);
  write_u16(writer, cipher_suite);
  write_vector(writer, init_key);
  write_bytes(writer, leaf);
  write_vector(writer, extensions);
}

void key_package_write(struct writer *writer, const struct key_package *key_package) {
  write_content(writer, key_package->version, key_package->cipher_suite, key_package->init_key,
                leaf_raw(key_package->leaf), key_package->extensions);
  write_vector(writer, key_package->signature);
}

enum err key_package_new(const struct suite *suite, const struct leaf_template *leaf_fields,
                         struct view extensions, const struct secret *signature_key,
                         struct bytes *raw, struct key_package_secret *secret) {
  enum err err;
  uint8_t init_key[KEM_PUBLIC_MAX];
  uint8_t encryption_key[KEM_PUBLIC_MAX];
  struct key_package_secret private = {0};
  struct leaf_template fields = *leaf_fields;
  struct leaf *leaf = NULL;
  struct bytes signature = {0};
  struct writer writer = {0};
  TRY(extensions_check(extensions, NULL));
  TRY(hpke_generate_key_pair(suite, &private.init_key, init_key));
  TRY(hpke_generate_key_pair(suite, &private.encryption_key, encryption_key));
  fields.encryption_key = view_of(encryption_key, suite->kem->public_size);
  fields.source = LEAF_KEY_PACKAGE;
  TRY(leaf_new(suite, &fields, signature_key, VIEW_NONE, 0, &leaf));
  write_content(&writer, MLS_VERSION_10, suite->id, view_of(init_key, suite->kem->public_size),
                leaf_raw(leaf), extensions);
  TRY(writer.err);
  TRY(sign_with_label(suite, signature_key, VIEW_TEXT("KeyPackageTBS"), writer_view(&writer),
                      &signature));
  write_vector(&writer, bytes_view(&signature));
  TRY(writer_take(&writer, raw));
  secret_move(&secret->init_key, &private.init_key);
  secret_move(&secret->encryption_key, &private.encryption_key);
done:
  writer_free(&writer);
  bytes_free(&signature);
  leaf_drop(leaf);
  wipe(&private, sizeof private);
  return err == ERR_MALFORMED ? ERR_INVALID_ARG : err;
}
