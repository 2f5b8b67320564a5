/* SPDX-License-Identifier: ISC */
#include "mls/tree/node.h"
#include "mls/tree/tree.h"

/* Fingerprints of keys have the top bit set, those of types have not. */
static enum err key_fingerprint(const struct tree *tree, enum index_kind kind, struct view key,
                                uint64_t *out) {
  uint8_t digest[HASH_MAX];
  const uint8_t prefix[1] = {(uint8_t)kind};
  struct view parts[] = {VIEW_ARRAY(tree->salt), VIEW_ARRAY(prefix), key};
  enum err err = tree->suite->hash->digest(parts, 3, digest);
  if (err != OK)
    return err;
  uint64_t fingerprint = 0;
  for (unsigned i = 0; i < 8; i++)
    fingerprint |= (uint64_t)digest[i] << 8 * i;
  *out = fingerprint | (uint64_t)1 << 63;
  return OK;
}

static uint64_t type_fingerprint(enum index_kind kind, uint16_t type) {
  return (uint64_t)kind << 16 | type;
}

static enum err add_key(struct tree *tree, enum index_kind kind, struct view key) {
  uint64_t fingerprint = 0;
  enum err err = key_fingerprint(tree, kind, key, &fingerprint);
  if (err != OK)
    return err;
  if (multiset_count(tree->index, fingerprint) > 0)
    return ERR_INVALID_TREE;
  return multiset_add(&tree->index, fingerprint);
}

static enum err remove_key(struct tree *tree, enum index_kind kind, struct view key) {
  uint64_t fingerprint = 0;
  enum err err = key_fingerprint(tree, kind, key, &fingerprint);
  if (err != OK)
    return err;
  return multiset_remove(&tree->index, fingerprint);
}

static enum err count_types(struct tree *tree, enum index_kind kind, struct view list,
                            enum err (*change)(struct multiset **, uint64_t)) {
  enum err err = OK;
  struct type_set seen;
  seen.count = 0;
  for (size_t i = 0; i < list.size / 2; i++) {
    uint16_t type = list_at(list, i);
    if (type_set_add(&seen, type)) /* listed twice, counted once */
      TRY(change(&tree->index, type_fingerprint(kind, type)));
  }
done:
  return err;
}

static enum err count_capabilities(struct tree *tree, const struct leaf *leaf,
                                   enum err (*change)(struct multiset **, uint64_t)) {
  enum err err = OK;
  struct capabilities can = leaf_capabilities(leaf);
  TRY(count_types(tree, INDEX_EXTENSION, can.extensions, change));
  TRY(count_types(tree, INDEX_PROPOSAL, can.proposals, change));
  TRY(count_types(tree, INDEX_CREDENTIAL, can.credentials, change));
  TRY(change(&tree->index, type_fingerprint(INDEX_CREDENTIAL_USED, leaf_credential(leaf).type)));
done:
  return err;
}

enum err index_add_key(struct tree *tree, struct view encryption_key) {
  return add_key(tree, INDEX_ENCRYPTION_KEY, encryption_key);
}

enum err index_remove_key(struct tree *tree, struct view encryption_key) {
  return remove_key(tree, INDEX_ENCRYPTION_KEY, encryption_key);
}

enum err index_add_leaf(struct tree *tree, const struct leaf *leaf) {
  enum err err = OK;
  TRY(add_key(tree, INDEX_ENCRYPTION_KEY, leaf_encryption_key(leaf)));
  TRY(add_key(tree, INDEX_SIGNATURE_KEY, leaf_signature_key(leaf)));
  TRY(count_capabilities(tree, leaf, multiset_add));
done:
  return err;
}

enum err index_remove_leaf(struct tree *tree, const struct leaf *leaf) {
  enum err err = OK;
  TRY(remove_key(tree, INDEX_ENCRYPTION_KEY, leaf_encryption_key(leaf)));
  TRY(remove_key(tree, INDEX_SIGNATURE_KEY, leaf_signature_key(leaf)));
  TRY(count_capabilities(tree, leaf, multiset_remove));
done:
  return err;
}

uint32_t index_count_key(const struct tree *tree, enum index_kind kind, struct view key) {
  uint64_t fingerprint = 0;
  /* Where hashing fails nothing is known, and a key in use is the safe answer. */
  if (key_fingerprint(tree, kind, key, &fingerprint) != OK)
    return 1;
  return multiset_count(tree->index, fingerprint);
}

uint32_t index_count_type(const struct tree *tree, enum index_kind kind, uint16_t type) {
  return multiset_count(tree->index, type_fingerprint(kind, type));
}

bool tree_has_encryption_key(const struct tree *tree, struct view key) {
  return index_count_key(tree, INDEX_ENCRYPTION_KEY, key) > 0;
}

bool tree_has_signature_key(const struct tree *tree, struct view key) {
  return index_count_key(tree, INDEX_SIGNATURE_KEY, key) > 0;
}

static bool all_list(const struct tree *tree, enum index_kind kind, uint16_t type) {
  return !type_is_grease(type) && index_count_type(tree, kind, type) == tree_members(tree);
}

bool tree_all_support_extension(const struct tree *tree, uint16_t type) {
  return extension_is_default(type) || all_list(tree, INDEX_EXTENSION, type);
}

bool tree_all_support_proposal(const struct tree *tree, uint16_t type) {
  return proposal_is_default(type) || all_list(tree, INDEX_PROPOSAL, type);
}

bool tree_all_support_credential(const struct tree *tree, uint16_t type) {
  return all_list(tree, INDEX_CREDENTIAL, type);
}

uint32_t tree_credential_users(const struct tree *tree, uint16_t type) {
  return index_count_type(tree, INDEX_CREDENTIAL_USED, type);
}
