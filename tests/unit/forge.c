/* SPDX-License-Identifier: ISC */
#include "forge.h"

#include <stdlib.h>
#include <string.h>

static uint64_t state;

void forge_seed(uint64_t seed) {
  state = seed;
}

/* SplitMix64. */
uint64_t forge_number(void) {
  uint64_t x = state += UINT64_C(0x9e3779b97f4a7c15);
  x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
  return x ^ x >> 31;
}

uint32_t forge_below(uint32_t end) {
  return (uint32_t)(forge_number() % end);
}

void forge_bytes(uint8_t *out, size_t size) {
  for (size_t i = 0; i < size; i++)
    out[i] = (uint8_t)forge_number();
}

/* A list of 16-bit items: one that is always there, and some of those that may be. */
static struct view make_list(uint8_t *bytes, uint16_t always) {
  size_t size = 0;
  for (unsigned i = 0; i < FORGE_TYPES; i++) {
    if (forge_below(8) == 0)
      continue;
    bytes[size++] = FORGE_TYPE >> 8;
    bytes[size++] = (uint8_t)i;
  }
  bytes[size++] = (uint8_t)(always >> 8);
  bytes[size++] = (uint8_t)always;
  return view_of(bytes, size);
}

static void write_credential(struct writer *writer) {
  uint8_t identity[12];
  forge_bytes(identity, sizeof identity);
  if (forge_below(4) > 0) {
    credential_write_basic(writer, VIEW_ARRAY(identity));
    return;
  }
  write_u16(writer, CREDENTIAL_X509);
  size_t begin = write_begin(writer);
  write_vector(writer, VIEW_ARRAY(identity));
  write_end(writer, begin);
}

struct leaf *forge_leaf(const struct suite *suite, const struct forge_fields *fields) {
  uint8_t keys[2][KEM_PUBLIC_MAX], lists[4][2 * FORGE_TYPES + 2], signature[64];
  const struct forge_fields none = {VIEW_NONE, VIEW_NONE, VIEW_NONE};
  const struct forge_fields *wish = fields != NULL ? fields : &none;
  const uint8_t version[2] = {0, MLS_VERSION_10};
  struct writer credential = {0}, writer = {0};
  struct leaf *leaf = NULL;
  forge_bytes(keys[0], sizeof keys[0]);
  forge_bytes(keys[1], sizeof keys[1]);
  forge_bytes(signature, sizeof signature);
  write_credential(&credential);
  struct leaf_template template = {
      .encryption_key = wish->encryption_key,
      .signature_key = wish->signature_key,
      .credential = writer_view(&credential),
      .capabilities = {.versions = VIEW_ARRAY(version),
                       .cipher_suites = make_list(lists[0], suite->id),
                       .extensions = make_list(lists[1], FORGE_TYPE),
                       .proposals = make_list(lists[2], PROPOSAL_SELF_REMOVE),
                       .credentials = make_list(lists[3], CREDENTIAL_BASIC)},
      .source = wish->parent_hash.size > 0 ? LEAF_COMMIT : LEAF_KEY_PACKAGE,
      .not_after = 1,
      .parent_hash = wish->parent_hash};
  if (template.encryption_key.size == 0)
    template.encryption_key = view_of(keys[0], suite->kem->public_size);
  if (template.signature_key.size == 0)
    template.signature_key = view_of(keys[1], suite->signature->public_size);
  leaf_write(&writer, &template);
  write_vector(&writer, VIEW_ARRAY(signature));
  struct reader reader = reader_of(writer_view(&writer));
  if (credential.err != OK || writer.err != OK || leaf_read(&reader, NULL, &leaf) != OK)
    abort();
  writer_free(&writer);
  writer_free(&credential);
  return leaf;
}
