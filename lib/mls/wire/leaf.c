/* SPDX-License-Identifier: ISC */
#include "mls/wire/leaf.h"

#include <string.h>

#include "base/mem.h"
#include "crypto/hpke.h"
#include "crypto/provider.h"
#include "crypto/sign.h"
#include "crypto/x509.h"
#include "mls/wire/credential.h"
#include "mls/wire/proposalforms.h"

/*
 * The fields stand one after another in the raw bytes, and every one says its own length; so where
 * each begins is all that needs to be kept.  A lookup reads one length header.
 */
struct leaf {
  struct refs refs;
  uint32_t size;
  uint32_t signature_key;
  uint32_t credential;
  uint32_t capabilities;
  uint32_t source;
  uint32_t extensions;
  uint32_t signature;
  uint8_t raw[]; /* LeafNode; encryption_key comes first */
};

/* ---- Reading ---- */

/* The part that depends on leaf_node_source. */
static enum err skip_source(struct reader *reader) {
  enum err err;
  uint8_t source;
  struct view body;
  TRY(read_u8(reader, &source));
  switch (source) {
  case LEAF_KEY_PACKAGE:
    return read_bytes(reader, 2 * sizeof(uint64_t), &body);
  case LEAF_UPDATE:
    return OK;
  case LEAF_COMMIT:
    return read_vector(reader, &body);
  default:
    return ERR_MALFORMED;
  }
done:
  return err;
}

/* Walk over one LeafNode, noting in `out`, which has no room for raw bytes, where fields begin. */
static enum err scan(struct reader *reader, struct why *why, struct leaf *out, struct view *raw) {
  enum err err;
  const uint8_t *from = reader->at;
  struct view field;
  struct credential credential;
  struct capabilities capabilities;
  TRY(read_vector(reader, &field));
  out->signature_key = (uint32_t)read_since(reader, from).size;
  TRY(read_vector(reader, &field));
  out->credential = (uint32_t)read_since(reader, from).size;
  TRY(credential_read(reader, &credential));
  out->capabilities = (uint32_t)read_since(reader, from).size;
  err = capabilities_read(reader, &capabilities);
  if (err == ERR_LIMIT)
    TRY(refuse(why, err, "a leaf lists more than %u capabilities of one kind", CAPABILITIES_MAX));
  TRY(err);
  out->source = (uint32_t)read_since(reader, from).size;
  TRY(skip_source(reader));
  out->extensions = (uint32_t)read_since(reader, from).size;
  TRY(extensions_read(reader, why, &field));
  out->signature = (uint32_t)read_since(reader, from).size;
  TRY(read_vector(reader, &field));
  field = read_since(reader, from);
  TRY(require(field.size <= LEAF_BYTES_MAX, why, ERR_LIMIT, "a leaf of %zu bytes, of at most %u",
              field.size, LEAF_BYTES_MAX));
  out->size = (uint32_t)field.size;
  *raw = field;
done:
  return codec_unparsed(err, why, "LeafNode");
}

enum err leaf_skip(struct reader *reader, struct why *why, struct view *raw) {
  struct leaf layout;
  return scan(reader, why, &layout, raw);
}

enum err leaf_read(struct reader *reader, struct why *why, struct leaf **out) {
  enum err err;
  struct leaf layout;
  struct view raw = VIEW_NONE;
  TRY(scan(reader, why, &layout, &raw));
  struct leaf *leaf = mem_new(1, sizeof *leaf + raw.size);
  if (leaf == NULL)
    return ERR_NOMEM;
  refs_init(&leaf->refs);
  leaf->size = layout.size;
  leaf->signature_key = layout.signature_key;
  leaf->credential = layout.credential;
  leaf->capabilities = layout.capabilities;
  leaf->source = layout.source;
  leaf->extensions = layout.extensions;
  leaf->signature = layout.signature;
  memcpy(leaf->raw, raw.data, raw.size);
  *out = leaf;
done:
  return err;
}

struct leaf *leaf_share(const struct leaf *leaf) {
  /* The count is the one part of a leaf that changes. */
  struct leaf *shared = (struct leaf *)(uintptr_t)leaf;
  refs_take(&shared->refs);
  return shared;
}

void leaf_drop(struct leaf *leaf) {
  if (leaf != NULL && refs_drop(&leaf->refs))
    mem_free(leaf);
}

/* ---- Fields: leaf_read() has seen all of them parse ---- */

static struct reader reader_at(const struct leaf *leaf, uint32_t offset) {
  return reader_of(view_of(leaf->raw + offset, leaf->size - offset));
}

static struct view vector_at(const struct leaf *leaf, uint32_t offset) {
  struct reader reader = reader_at(leaf, offset);
  struct view field = VIEW_NONE;
  return read_vector(&reader, &field) == OK ? field : VIEW_NONE;
}

struct view leaf_raw(const struct leaf *leaf) {
  return view_of(leaf->raw, leaf->size);
}

struct view leaf_encryption_key(const struct leaf *leaf) {
  return vector_at(leaf, 0);
}

struct view leaf_signature_key(const struct leaf *leaf) {
  return vector_at(leaf, leaf->signature_key);
}

struct credential leaf_credential(const struct leaf *leaf) {
  struct reader reader = reader_at(leaf, leaf->credential);
  struct credential none = {0, VIEW_NONE, VIEW_NONE};
  struct credential credential;
  return credential_find(&reader, &credential) == OK ? credential : none;
}

struct capabilities leaf_capabilities(const struct leaf *leaf) {
  struct reader reader = reader_at(leaf, leaf->capabilities);
  struct capabilities none = {0};
  struct capabilities capabilities;
  return capabilities_read(&reader, &capabilities) == OK ? capabilities : none;
}

struct view leaf_extensions(const struct leaf *leaf) {
  return vector_at(leaf, leaf->extensions);
}

struct view leaf_signature(const struct leaf *leaf) {
  return vector_at(leaf, leaf->signature);
}

enum leaf_source leaf_source(const struct leaf *leaf) {
  return (enum leaf_source)leaf->raw[leaf->source];
}

struct view leaf_parent_hash(const struct leaf *leaf) {
  return leaf_source(leaf) == LEAF_COMMIT ? vector_at(leaf, leaf->source + 1) : VIEW_NONE;
}

void leaf_lifetime(const struct leaf *leaf, uint64_t *not_before, uint64_t *not_after) {
  struct reader reader = reader_at(leaf, leaf->source + 1);
  uint64_t from = 0, to = 0;
  if (leaf_source(leaf) != LEAF_KEY_PACKAGE || read_u64(&reader, &from) != OK ||
      read_u64(&reader, &to) != OK)
    from = to = 0;
  *not_before = from;
  *not_after = to;
}

static bool lists(struct view list, uint16_t type) {
  return !type_is_grease(type) && list_has(list, type);
}

bool leaf_supports_extension(const struct leaf *leaf, uint16_t type) {
  return extension_is_default(type) || lists(leaf_capabilities(leaf).extensions, type);
}

bool leaf_supports_proposal(const struct leaf *leaf, uint16_t type) {
  return proposal_is_default(type) || lists(leaf_capabilities(leaf).proposals, type);
}

bool leaf_supports_credential(const struct leaf *leaf, uint16_t type) {
  return lists(leaf_capabilities(leaf).credentials, type);
}

/* ---- Writing and signing ---- */

void leaf_write(struct writer *writer, const struct leaf_template *fields) {
  write_vector(writer, fields->encryption_key);
  write_vector(writer, fields->signature_key);
  write_bytes(writer, fields->credential);
  capabilities_write(writer, &fields->capabilities);
  write_u8(writer, (uint8_t)fields->source);
  switch (fields->source) {
  case LEAF_KEY_PACKAGE:
    write_u64(writer, fields->not_before);
    write_u64(writer, fields->not_after);
    break;
  case LEAF_COMMIT:
    write_vector(writer, fields->parent_hash);
    break;
  case LEAF_UPDATE:
    break;
  }
  write_vector(writer, fields->extensions);
}

/* RFC 9420, section 7.2: LeafNodeTBS is the LeafNode up to its signature, and this: a leaf that was made
 * in a group is bound to the group and to its place there. */
static enum err write_place(struct writer *writer, enum leaf_source source, struct view group_id,
                            uint32_t leaf_index) {
  if (source == LEAF_KEY_PACKAGE)
    return OK;
  write_vector(writer, group_id);
  write_u32(writer, leaf_index);
  return writer->err;
}

enum err leaf_new(const struct suite *suite, const struct leaf_template *fields,
                  const struct secret *signature_key, struct view group_id, uint32_t leaf_index,
                  struct leaf **out) {
  enum err err;
  struct writer raw = {0};
  struct writer place = {0};
  struct bytes signature = {0};
  leaf_write(&raw, fields);
  TRY(raw.err);
  TRY(write_place(&place, fields->source, group_id, leaf_index));
  const struct view parts[] = {writer_view(&raw), writer_view(&place)};
  TRY(sign_parts_with_label(suite, signature_key, VIEW_TEXT("LeafNodeTBS"), parts, 2, &signature));
  write_vector(&raw, bytes_view(&signature));
  TRY(raw.err);
  struct reader reader = reader_of(writer_view(&raw));
  TRY(leaf_read(&reader, NULL, out));
done:
  bytes_free(&signature);
  writer_free(&place);
  writer_free(&raw);
  /* Only fields that the caller put together badly make a leaf that cannot be read. */
  return err == ERR_MALFORMED ? ERR_INVALID_ARG : err;
}

enum err leaf_verify_signature(const struct suite *suite, const struct leaf *leaf,
                               struct view group_id, uint32_t leaf_index, struct why *why) {
  enum err err;
  struct writer place = {0};
  TRY(write_place(&place, leaf_source(leaf), group_id, leaf_index));
  const struct view parts[] = {view_of(leaf->raw, leaf->signature), writer_view(&place)};
  err = verify_parts_with_label(suite, leaf_signature_key(leaf), VIEW_TEXT("LeafNodeTBS"), parts, 2,
                                leaf_signature(leaf));
  if (err == ERR_SIGNATURE)
    err = refuse(why, err, "RFC 9420, section 7.3: the signature of the leaf is wrong");
done:
  writer_free(&place);
  return err;
}

/* ---- Checks ---- */

static enum err check_keys(const struct suite *suite, const struct leaf *leaf, struct why *why) {
  enum err err = hpke_check_public_key(suite, leaf_encryption_key(leaf));
  if (err_is_ours(err))
    return err;
  TRY(require(err == OK, why, ERR_INVALID_TREE,
              "RFC 9420, section 5.1.1: the leaf's encryption_key is no key of suite %u",
              suite->id));
  TRY(require(leaf_signature_key(leaf).size == suite->signature->public_size, why, ERR_INVALID_TREE,
              "RFC 9420, section 5.1.1: the leaf's signature_key has %zu bytes, in suite %u it has "
              "%zu",
              leaf_signature_key(leaf).size, suite->id, suite->signature->public_size));
done:
  return err;
}

/* RFC 9420, section 5.3: the key of the first certificate is the leaf's signature key. */
static enum err check_certificate(const struct suite *suite, const struct leaf *leaf,
                                  struct why *why) {
  enum err err = credential_check_key(suite, leaf_credential(leaf), leaf_signature_key(leaf));
  if (err == ERR_MALFORMED)
    return refuse(
        why, ERR_INVALID_TREE,
        "RFC 9420, section 5.3: the leaf's credential is no chain of certificates in DER");
  if (err == ERR_SIGNATURE)
    return refuse(why, ERR_INVALID_TREE,
                  "RFC 9420, section 5.3: the leaf's signature_key is not that of its certificate");
  if (err == ERR_UNSUPPORTED)
    return refuse(why, err, "the leaf has an X.509 credential, which takes OpenSSL to read");
  return err;
}

enum err leaf_check(const struct suite *suite, const struct leaf *leaf, struct why *why) {
  enum err err;
  struct capabilities capabilities = leaf_capabilities(leaf);
  struct credential credential = leaf_credential(leaf);
  TRY(check_keys(suite, leaf, why));
  /* RFC 9420, section 7.2: everything but default types is listed, and unknown items of the lists
   * (GREASE among them) mean nothing. */
  TRY(require(list_has(capabilities.versions, MLS_VERSION_10), why, ERR_INVALID_TREE,
              "RFC 9420, section 7.2: the leaf's capabilities do not list MLS 1.0"));
  TRY(require(list_has(capabilities.cipher_suites, suite->id), why, ERR_INVALID_TREE,
              "RFC 9420, section 7.2: the leaf's capabilities do not list suite %u", suite->id));
  TRY(require(
      list_has(capabilities.credentials, credential.type), why, ERR_INVALID_TREE,
      "RFC 9420, section 7.2: the leaf's capabilities do not list its own credential type %u",
      credential.type));
  TRY(check_certificate(suite, leaf, why));
  struct type_set supported;
  type_set_fill(&supported, capabilities.extensions);
  struct reader reader = reader_of(leaf_extensions(leaf));
  while (reader.left > 0) {
    struct extension extension;
    TRY(extension_read(&reader, &extension));
    TRY(require(extension_is_default(extension.type) || type_set_has(&supported, extension.type),
                why, ERR_INVALID_TREE,
                "RFC 9420, section 7.3: the leaf has extension %u, which its capabilities do not "
                "list",
                extension.type));
  }
done:
  return err;
}

enum err leaf_check_lifetime(const struct leaf *leaf, const struct lifetime_rules *rules,
                             struct why *why) {
  enum err err = OK;
  uint64_t not_before, not_after;
  if (leaf_source(leaf) != LEAF_KEY_PACKAGE)
    return OK;
  leaf_lifetime(leaf, &not_before, &not_after);
  TRY(require(not_before <= not_after, why, ERR_LIFETIME,
              "RFC 9420, section 7.2: the leaf's lifetime ends before it begins"));
  TRY(require(not_before <= rules->begun, why, ERR_LIFETIME,
              "RFC 9420, section 7.3: the leaf is valid from %llu on, which is later than %llu",
              (unsigned long long)not_before, (unsigned long long)rules->begun));
  TRY(require(rules->lasting <= not_after, why, ERR_LIFETIME,
              "RFC 9420, section 7.3: the leaf was valid up to %llu, now it is %llu",
              (unsigned long long)not_after, (unsigned long long)rules->lasting));
  TRY(require(rules->longest == 0 || not_after - not_before <= rules->longest, why, ERR_LIFETIME,
              "RFC 9420, section 7.2: the leaf is valid for %llu seconds, longer than %llu",
              (unsigned long long)(not_after - not_before), (unsigned long long)rules->longest));
done:
  return err;
}

/* One list of types: what is supported, and perhaps a value that nobody supports. */
static size_t write_list(struct writer *writer, uint16_t own, struct view more, bool grease) {
  size_t from = writer->size;
  if (own != 0)
    write_u16(writer, own);
  write_bytes(writer, more);
  if (grease) {
    uint8_t entropy = 0;
    provider_random(&entropy, 1);
    write_u16(writer, grease_value(entropy));
  }
  return writer->size - from;
}

/* What is known here, and no default of RFC 9420; then as write_list(). */
static size_t write_proposals(struct writer *writer, struct view more, bool grease) {
  size_t from = writer->size;
  for (size_t i = 1; proposal_forms[i] != NULL; i++)
    if (!proposal_is_default(proposal_forms[i]->type))
      write_u16(writer, proposal_forms[i]->type);
  (void)write_list(writer, 0, more, grease);
  return writer->size - from;
}

enum err leaf_own_capabilities(const struct capabilities *more, bool grease, struct bytes *storage,
                               struct capabilities *out) {
  enum err err;
  struct writer writer = {0};
  struct bytes bytes = {0};
  size_t size[5];
  size[0] = write_list(&writer, MLS_VERSION_10, VIEW_NONE, false);
  size[1] = writer.size;
  for (size_t i = 0; suite_id_at(i) != 0; i++)
    if (suite_find(suite_id_at(i)) != NULL)
      write_u16(&writer, suite_id_at(i));
  (void)write_list(&writer, 0, VIEW_NONE, grease);
  size[1] = writer.size - size[1];
  size[2] = write_list(&writer, EXTENSION_LAST_RESORT, more->extensions, grease);
  size[3] = write_proposals(&writer, more->proposals, grease);
  size[4] = write_list(&writer, CREDENTIAL_BASIC, VIEW_NONE, false);
  size[4] += write_list(&writer, x509_available() ? CREDENTIAL_X509 : 0, more->credentials, grease);
  TRY(writer_take(&writer, &bytes));
  struct reader reader = reader_of(bytes_view(&bytes));
  TRY(read_bytes(&reader, size[0], &out->versions));
  TRY(read_bytes(&reader, size[1], &out->cipher_suites));
  TRY(read_bytes(&reader, size[2], &out->extensions));
  TRY(read_bytes(&reader, size[3], &out->proposals));
  TRY(read_bytes(&reader, size[4], &out->credentials));
  bytes_move(storage, &bytes);
done:
  writer_free(&writer);
  bytes_free(&bytes);
  return err;
}
