/* SPDX-License-Identifier: ISC */
#include "mls/wire/codec.h"

#include <string.h>

enum err codec_unparsed(enum err err, struct why *why, const char *what) {
  if (err == ERR_MALFORMED && why != NULL && why->text[0] == '\0')
    return refuse(why, ERR_MALFORMED, "RFC 9420, section 2.1: the encoding of a %s is broken",
                  what);
  return err;
}

/* ---- Extensions ---- */

enum err extension_read(struct reader *reader, struct extension *out) {
  enum err err;
  struct extension extension = {0, VIEW_NONE};
  TRY(read_u16(reader, &extension.type));
  TRY(read_vector(reader, &extension.data));
  *out = extension;
done:
  return err;
}

void extension_write(struct writer *writer, uint16_t type, struct view data) {
  write_u16(writer, type);
  write_vector(writer, data);
}

enum err extensions_check(struct view extensions, struct why *why) {
  enum err err = OK;
  struct type_set seen;
  struct reader reader = reader_of(extensions);
  seen.count = 0;
  while (reader.left > 0) {
    struct extension extension;
    TRY(extension_read(&reader, &extension));
    /* RFC 9420, section 13.4: not more than one extension of a type. */
    TRY(require(type_set_add(&seen, extension.type), why, ERR_MALFORMED,
                "RFC 9420, section 13.4: extension type %u is there twice", extension.type));
  }
done:
  return codec_unparsed(err, why, "list of extensions");
}

enum err extensions_read(struct reader *reader, struct why *why, struct view *out) {
  enum err err;
  struct view extensions;
  TRY(read_vector(reader, &extensions));
  TRY(extensions_check(extensions, why));
  *out = extensions;
done:
  return err;
}

bool extensions_find(struct view extensions, uint16_t type, struct view *data) {
  struct reader reader = reader_of(extensions);
  struct extension extension;
  while (reader.left > 0 && extension_read(&reader, &extension) == OK) {
    if (extension.type == type) {
      *data = extension.data;
      return true;
    }
  }
  return false;
}

/* ---- Credentials ---- */

enum err credential_find(struct reader *reader, struct credential *out) {
  enum err err;
  const uint8_t *from = reader->at;
  struct credential credential = {0, VIEW_NONE, VIEW_NONE};
  TRY(read_u16(reader, &credential.type));
  TRY(read_vector(reader, &credential.identity));
  credential.raw = read_since(reader, from);
  *out = credential;
done:
  return err;
}

enum err credential_read(struct reader *reader, struct credential *out) {
  enum err err;
  struct credential credential;
  struct view certificate;
  TRY(credential_find(reader, &credential));
  struct reader certificates = reader_of(credential.identity);
  while (credential.type == CREDENTIAL_X509 && certificates.left > 0)
    TRY(read_vector(&certificates, &certificate));
  *out = credential;
done:
  return err;
}

void credential_write(struct writer *writer, uint16_t type, struct view identity) {
  write_u16(writer, type);
  write_vector(writer, identity);
}

void credential_write_basic(struct writer *writer, struct view identity) {
  credential_write(writer, CREDENTIAL_BASIC, identity);
}

uint16_t grease_value(uint8_t entropy) {
  return (uint16_t)(0x0a0a + 0x1010 * (entropy % 15));
}

bool type_is_grease(uint16_t type) {
  return type <= 0xeaea && type % 0x1010 == 0x0a0a;
}

/* ---- Capabilities ---- */

static enum err read_list(struct reader *reader, struct view *out) {
  enum err err;
  struct view list;
  TRY(read_vector(reader, &list));
  if (list.size % 2 != 0)
    return ERR_MALFORMED;
  if (list.size / 2 > CAPABILITIES_MAX)
    return ERR_LIMIT;
  *out = list;
done:
  return err;
}

enum err capabilities_read(struct reader *reader, struct capabilities *out) {
  enum err err;
  struct capabilities capabilities;
  TRY(read_list(reader, &capabilities.versions));
  TRY(read_list(reader, &capabilities.cipher_suites));
  TRY(read_list(reader, &capabilities.extensions));
  TRY(read_list(reader, &capabilities.proposals));
  TRY(read_list(reader, &capabilities.credentials));
  *out = capabilities;
done:
  return err;
}

void capabilities_write(struct writer *writer, const struct capabilities *capabilities) {
  write_vector(writer, capabilities->versions);
  write_vector(writer, capabilities->cipher_suites);
  write_vector(writer, capabilities->extensions);
  write_vector(writer, capabilities->proposals);
  write_vector(writer, capabilities->credentials);
}

enum err required_capabilities_read(struct view data, struct capabilities *out) {
  enum err err;
  struct reader reader = reader_of(data);
  struct capabilities required = {.versions = VIEW_NONE, .cipher_suites = VIEW_NONE};
  TRY(read_list(&reader, &required.extensions));
  TRY(read_list(&reader, &required.proposals));
  TRY(read_list(&reader, &required.credentials));
  TRY(read_end(&reader));
  *out = required;
done:
  return err;
}

uint16_t list_at(struct view list, size_t index) {
  return (uint16_t)(list.data[2 * index] << 8 | list.data[2 * index + 1]);
}

bool list_has(struct view list, uint16_t item) {
  for (size_t i = 0; i < list.size / 2; i++)
    if (list_at(list, i) == item)
      return true;
  return false;
}

static bool in_bits(const struct type_set *set, uint16_t type) {
  return (set->bits[type / 64] >> type % 64 & 1) != 0;
}

static void set_bit(struct type_set *set, uint16_t type) {
  set->bits[type / 64] |= UINT64_C(1) << type % 64;
}

bool type_set_has(const struct type_set *set, uint16_t type) {
  if (set->count > TYPES_FEW)
    return in_bits(set, type);
  for (size_t i = 0; i < set->count; i++)
    if (set->few[i] == type)
      return true;
  return false;
}

bool type_set_add(struct type_set *set, uint16_t type) {
  if (type_set_has(set, type))
    return false;
  if (set->count == TYPES_FEW) {
    memset(set->bits, 0, sizeof set->bits);
    for (size_t i = 0; i < TYPES_FEW; i++)
      set_bit(set, set->few[i]);
  }
  if (set->count < TYPES_FEW)
    set->few[set->count] = type;
  else
    set_bit(set, type);
  set->count++;
  return true;
}

void type_set_fill(struct type_set *set, struct view list) {
  set->count = 0;
  for (size_t i = 0; i < list.size / 2; i++)
    (void)type_set_add(set, list_at(list, i));
}

bool extension_is_default(uint16_t type) {
  return type >= EXTENSION_APPLICATION_ID && type <= EXTENSION_EXTERNAL_SENDERS;
}

bool proposal_is_default(uint16_t type) {
  return type >= PROPOSAL_ADD && type <= PROPOSAL_GROUP_CONTEXT_EXTENSIONS;
}

bool proposal_is_custom(uint16_t type) {
  return type >= 0xf000;
}
