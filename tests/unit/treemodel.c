/* SPDX-License-Identifier: ISC */
#include "treemodel.h"

#include <check.h>
#include <string.h>

#include "base/mem.h"
#include "forge.h"

struct model *model_new(const struct suite *suite) {
  struct model *model = mem_new(1, sizeof *model);
  ck_assert_ptr_nonnull(model);
  model->suite = suite;
  model->width = 1;
  return model;
}

struct model *model_copy(const struct model *model) {
  struct model *copy = model_new(model->suite);
  *copy = *model;
  for (uint32_t i = 0; i < MODEL_LEAVES; i++)
    if (copy->leaf[i] != NULL)
      copy->leaf[i] = leaf_share(copy->leaf[i]);
  return copy;
}

void model_free(struct model *model) {
  if (model == NULL)
    return;
  for (uint32_t i = 0; i < MODEL_LEAVES; i++)
    leaf_drop(model->leaf[i]);
  mem_free(model);
}

/* ---- Asking ---- */

uint32_t model_members(const struct model *model) {
  uint32_t members = 0;
  for (uint32_t i = 0; i < model->width; i++)
    members += model->leaf[i] != NULL ? 1 : 0;
  return members;
}

uint32_t model_first_blank(const struct model *model) {
  for (uint32_t i = 0; i < model->width; i++)
    if (model->leaf[i] == NULL)
      return i;
  return LEAF_NONE;
}

struct view model_key(const struct model *model, uint32_t node) {
  if (node % 2 == 0)
    return leaf_encryption_key(model->leaf[node / 2]);
  return view_of(model->parent[node].key, model->suite->kem->public_size);
}

uint32_t model_resolution(const struct model *model, uint32_t node, uint32_t *out) {
  uint32_t count = 0;
  if (node % 2 == 0) {
    if (model->leaf[node / 2] != NULL)
      out[count++] = node;
    return count;
  }
  if (!model->parent[node].set) {
    count = model_resolution(model, node_left(node), out);
    return count + model_resolution(model, node_right(node), out + count);
  }
  out[count++] = node;
  for (uint32_t i = 0; i < MODEL_LEAVES; i++)
    if (model->parent[node].unmerged[i])
      out[count++] = 2 * i;
  return count;
}

static void write_parent(const struct model *model, uint32_t node, struct writer *writer) {
  const struct model_parent *parent = &model->parent[node];
  write_vector(writer, model_key(model, node));
  write_vector(writer, view_of(parent->hash, parent->hash_size));
  size_t begin = write_begin(writer);
  for (uint32_t i = 0; i < MODEL_LEAVES; i++)
    if (parent->unmerged[i])
      write_u32(writer, i);
  write_end(writer, begin);
}

static void digest(const struct model *model, struct writer *writer, uint8_t *out) {
  struct view input = writer_view(writer);
  ck_assert_int_eq(writer->err, OK);
  ck_assert_int_eq(model->suite->hash->digest(&input, 1, out), OK);
  writer_free(writer);
}

void model_hash(const struct model *model, uint32_t node, uint8_t *out) {
  struct writer writer = {0};
  uint8_t below[HASH_MAX];
  if (node % 2 == 0) {
    const struct leaf *leaf = model->leaf[node / 2];
    write_u8(&writer, 1);
    write_u32(&writer, node / 2);
    write_optional(&writer, leaf != NULL);
    if (leaf != NULL)
      write_bytes(&writer, leaf_raw(leaf));
  } else {
    write_u8(&writer, 2);
    write_optional(&writer, model->parent[node].set);
    if (model->parent[node].set)
      write_parent(model, node, &writer);
    model_hash(model, node_left(node), below);
    write_vector(&writer, view_of(below, model->suite->hash->size));
    model_hash(model, node_right(node), below);
    write_vector(&writer, view_of(below, model->suite->hash->size));
  }
  digest(model, &writer, out);
}

void model_parent_hash(const struct model *model, uint32_t leaf, uint32_t height, uint8_t *out) {
  uint32_t node = node_ancestor(leaf, height);
  uint32_t sibling = node_sibling(node_ancestor(leaf, height - 1));
  struct model *original = model_copy(model);
  struct writer writer = {0};
  uint8_t sibling_hash[HASH_MAX];
  for (uint32_t i = 0; i < MODEL_LEAVES; i++) {
    if (!model->parent[node].unmerged[i])
      continue;
    leaf_drop(original->leaf[i]);
    original->leaf[i] = NULL;
    for (uint32_t other = 1; other < MODEL_NODES; other += 2)
      original->parent[other].unmerged[i] = false;
  }
  model_hash(original, sibling, sibling_hash);
  model_free(original);
  write_vector(&writer, model_key(model, node));
  write_vector(&writer, view_of(model->parent[node].hash, model->parent[node].hash_size));
  write_vector(&writer, view_of(sibling_hash, model->suite->hash->size));
  digest(model, &writer, out);
}

void model_write_node(const struct model *model, uint32_t node, struct writer *writer) {
  bool present = node % 2 == 0 ? model->leaf[node / 2] != NULL : model->parent[node].set;
  write_optional(writer, present);
  if (!present)
    return;
  write_u8(writer, node % 2 == 0 ? 1 : 2);
  if (node % 2 == 0)
    write_bytes(writer, leaf_raw(model->leaf[node / 2]));
  else
    write_parent(model, node, writer);
}

void model_write(const struct model *model, struct writer *writer) {
  uint32_t end = node_count(model->width);
  while (end > 0 && (end % 2 == 1 ? model->leaf[end / 2] == NULL : !model->parent[end - 1].set))
    end--;
  size_t begin = write_begin(writer);
  for (uint32_t node = 0; node < end; node++)
    model_write_node(model, node, writer);
  write_end(writer, begin);
}

/* ---- Changing ---- */

void model_add(struct model *model, struct tree *tree, struct leaf *leaf) {
  uint32_t index = LEAF_NONE, expected = model_first_blank(model);
  if (expected == LEAF_NONE) {
    expected = model->width;
    model->width *= 2;
    ck_assert_uint_le(model->width, MODEL_LEAVES);
  }
  ck_assert_int_eq(tree_add_leaf(tree, leaf, &index), OK);
  ck_assert_uint_eq(index, expected);
  model->leaf[index] = leaf;
  for (uint32_t height = 1; height <= width_height(model->width); height++) {
    struct model_parent *parent = &model->parent[node_ancestor(index, height)];
    parent->unmerged[index] = parent->set;
  }
}

void model_replace(struct model *model, struct tree *tree, uint32_t index, struct leaf *leaf) {
  ck_assert_int_eq(tree_replace_leaf(tree, index, leaf), OK);
  leaf_drop(model->leaf[index]);
  model->leaf[index] = leaf;
}

static void blank_path(struct model *model, uint32_t index) {
  for (uint32_t height = 1; height <= width_height(model->width); height++)
    model->parent[node_ancestor(index, height)] = (struct model_parent){0};
}

void model_blank_path(struct model *model, struct tree *tree, uint32_t index) {
  ck_assert_int_eq(tree_blank_path(tree, index), OK);
  blank_path(model, index);
}

void model_remove(struct model *model, struct tree *tree, uint32_t index) {
  ck_assert_int_eq(tree_remove_leaf(tree, index), OK);
  leaf_drop(model->leaf[index]);
  model->leaf[index] = NULL;
  blank_path(model, index);
  for (bool blank = true; blank && model->width > 1;) {
    for (uint32_t i = model->width / 2; i < model->width; i++)
      blank = blank && model->leaf[i] == NULL;
    if (!blank)
      break;
    model->width /= 2;
    for (uint32_t node = node_count(model->width); node < MODEL_NODES; node++)
      model->parent[node] = (struct model_parent){0};
  }
}

void model_set_parent(struct model *model, struct tree *tree, uint32_t leaf, uint32_t height,
                      const uint8_t *key, struct view hash) {
  struct model_parent *parent = &model->parent[node_ancestor(leaf, height)];
  size_t key_size = model->suite->kem->public_size;
  ck_assert_int_eq(tree_set_parent(tree, leaf, height, view_of(key, key_size), hash), OK);
  *parent = (struct model_parent){.set = true, .hash_size = hash.size};
  memcpy(parent->key, key, key_size);
  if (hash.size > 0)
    memcpy(parent->hash, hash.data, hash.size);
}

void model_commit(struct model *model, struct tree *tree, uint32_t leaf) {
  uint8_t key[KEM_PUBLIC_MAX], hash[HASH_MAX], tree_says[HASH_MAX];
  uint32_t resolution[MODEL_NODES];
  struct forge_fields fields = {.signature_key = leaf_signature_key(model->leaf[leaf])};
  model_blank_path(model, tree, leaf);
  for (uint32_t height = width_height(model->width); height > 0; height--) {
    uint32_t copath = node_sibling(node_ancestor(leaf, height - 1));
    if (model_resolution(model, copath, resolution) == 0)
      continue;
    forge_bytes(key, sizeof key);
    model_set_parent(model, tree, leaf, height, key, fields.parent_hash);
    model_parent_hash(model, leaf, height, hash);
    ck_assert_int_eq(tree_parent_hash(tree, leaf, height, tree_says), OK);
    ck_assert_mem_eq(hash, tree_says, model->suite->hash->size);
    fields.parent_hash = view_of(hash, model->suite->hash->size);
  }
  model_replace(model, tree, leaf, forge_leaf(model->suite, &fields));
}

uint32_t model_random_member(const struct model *model) {
  for (;;) {
    uint32_t leaf = forge_below(model->width);
    if (model->leaf[leaf] != NULL)
      return leaf;
  }
}

void model_random_change(struct model *model, struct tree *tree) {
  uint32_t members = model_members(model), dice = forge_below(16);
  uint32_t leaf = members > 0 ? model_random_member(model) : 0;
  if (members == 0 || (dice < 5 && members < MODEL_LEAVES)) {
    model_add(model, tree, forge_leaf(model->suite, NULL));
  } else if (dice < 9 && members > 1) {
    model_remove(model, tree, leaf);
  } else if (dice < 11) {
    struct forge_fields fields = {.signature_key = leaf_signature_key(model->leaf[leaf])};
    model_replace(model, tree, leaf, forge_leaf(model->suite, &fields));
    model_blank_path(model, tree, leaf);
  } else {
    model_commit(model, tree, leaf);
  }
}

/* ---- Comparing ---- */

static void check_node(const struct model *model, struct tree *tree, uint32_t node) {
  uint32_t nodes[MODEL_NODES];
  struct resolved resolved[MODEL_NODES];
  uint8_t hash[HASH_MAX], tree_says[HASH_MAX];
  model_hash(model, node, hash);
  ck_assert_int_eq(tree_node_hash(tree, node, tree_says), OK);
  ck_assert_mem_eq(tree_says, hash, model->suite->hash->size);
  uint32_t count = model_resolution(model, node, nodes);
  ck_assert_uint_eq(tree_resolution_size(tree, node), count);
  tree_resolution(tree, node, resolved);
  bool same = true;
  for (uint32_t i = 0; i < count; i++)
    same = same && resolved[i].node == nodes[i] &&
           view_equal(resolved[i].encryption_key, model_key(model, nodes[i]));
  ck_assert(same);
}

static void check_parent(const struct model *model, const struct tree *tree, uint32_t node) {
  const struct model_parent *expected = &model->parent[node];
  struct parent_node parent;
  ck_assert(tree_parent(tree, node, &parent) == expected->set);
  if (!expected->set)
    return;
  ck_assert(view_equal(parent.encryption_key, model_key(model, node)));
  ck_assert(view_equal(parent.parent_hash, view_of(expected->hash, expected->hash_size)));
  ck_assert(tree_has_encryption_key(tree, parent.encryption_key));
  uint32_t count = 0;
  for (uint32_t i = 0; i < MODEL_LEAVES; i++) {
    if (!expected->unmerged[i])
      continue;
    ck_assert_uint_lt(count, parent.unmerged_count);
    ck_assert_uint_eq(parent.unmerged_leaves[count++], i);
  }
  ck_assert_uint_eq(parent.unmerged_count, count);
}

static void check_leaves(const struct model *model, const struct tree *tree) {
  uint32_t next = LEAF_NONE;
  for (uint32_t i = model->width; i-- > 0;) {
    const struct leaf *leaf = tree_leaf(tree, i);
    next = model->leaf[i] != NULL ? i : next;
    ck_assert_uint_eq(tree_next_member(tree, i), next);
    ck_assert((leaf == NULL) == (model->leaf[i] == NULL));
    if (leaf == NULL)
      continue;
    ck_assert(view_equal(leaf_raw(leaf), leaf_raw(model->leaf[i])));
    ck_assert(tree_has_encryption_key(tree, leaf_encryption_key(leaf)));
    ck_assert(tree_has_signature_key(tree, leaf_signature_key(leaf)));
  }
  ck_assert_ptr_null(tree_leaf(tree, model->width));
  ck_assert_ptr_null(tree_leaf(tree, UINT32_MAX));
  ck_assert_uint_eq(tree_next_member(tree, model->width), LEAF_NONE);
}

static void check_types(const struct model *model, const struct tree *tree) {
  uint32_t x509 = 0;
  for (uint16_t type = FORGE_TYPE; type < FORGE_TYPE + FORGE_TYPES; type++) {
    bool extension = true, proposal = true, credential = true;
    for (uint32_t i = 0; i < model->width; i++) {
      if (model->leaf[i] == NULL)
        continue;
      extension = extension && leaf_supports_extension(model->leaf[i], type);
      proposal = proposal && leaf_supports_proposal(model->leaf[i], type);
      credential = credential && leaf_supports_credential(model->leaf[i], type);
      x509 += type == FORGE_TYPE && leaf_credential(model->leaf[i]).type == CREDENTIAL_X509;
    }
    ck_assert(tree_all_support_extension(tree, type) == extension);
    ck_assert(tree_all_support_proposal(tree, type) == proposal);
    ck_assert(tree_all_support_credential(tree, type) == credential);
  }
  uint32_t members = model_members(model);
  ck_assert(tree_all_support_extension(tree, EXTENSION_REQUIRED_CAPABILITIES));
  ck_assert(tree_all_support_proposal(tree, PROPOSAL_ADD));
  ck_assert(tree_all_support_credential(tree, CREDENTIAL_BASIC));
  ck_assert(tree_all_support_extension(tree, 0xffff) == (members == 0));
  ck_assert_uint_eq(tree_credential_users(tree, CREDENTIAL_X509), x509);
  ck_assert_uint_eq(tree_credential_users(tree, CREDENTIAL_BASIC), members - x509);
}

void model_check(const struct model *model, struct tree *tree) {
  struct writer expected = {0}, actual = {0};
  uint8_t hash[HASH_MAX];
  struct parent_node parent;
  ck_assert_ptr_eq(tree_suite(tree), model->suite);
  ck_assert_uint_eq(tree_width(tree), model->width);
  ck_assert_uint_eq(tree_members(tree), model_members(model));
  model_hash(model, node_root(model->width), hash);
  ck_assert(view_equal(tree_hash(tree), view_of(hash, model->suite->hash->size)));
  for (uint32_t node = 0; node < node_count(model->width); node++) {
    check_node(model, tree, node);
    if (node % 2 == 1)
      check_parent(model, tree, node);
  }
  ck_assert(!tree_parent(tree, 0, &parent));
  ck_assert(!tree_parent(tree, node_count(model->width), &parent));
  ck_assert_uint_eq(tree_resolution_size(tree, node_count(model->width)), 0);
  check_leaves(model, tree);
  check_types(model, tree);
  model_write(model, &expected);
  tree_write(&actual, tree);
  ck_assert_int_eq(actual.err, OK);
  ck_assert(view_equal(writer_view(&actual), writer_view(&expected)));
  writer_free(&actual);
  writer_free(&expected);
}
