/* SPDX-License-Identifier: ISC */
#include "required.h"

/* HPKE to one receiver (RFC 9180, sections 4.1 and 5.1): Extract and Expand of the KEM, the schedule's
 * secret, key and nonce.  psk_id_hash is the same in all of base mode, info_hash once for each info. */
#define HPKE_HMACS 5
#define INFO_HMACS 1
/* A path node (section 7.4): node_secret, DeriveKeyPair, the next path secret. */
#define NODE_HMACS 4
/* Section 8: joiner_secret 2, member secret, epoch_secret, nine of table 4, confirmation tag. */
#define EPOCH_HMACS 14
/* Section 12.4.3.1: welcome_secret, its key and nonce. */
#define WELCOME_HMACS 3
/* Section 9.1: key, nonce, and the secret of the next generation. */
#define RATCHET_HMACS 3
/* Section 6.3.2: key and nonce. */
#define SENDER_DATA_HMACS 2

/* Section 9: two children of each node down to the leaf, two ratchets, one step; sender data. */
static double first_message_hmacs(uint32_t height) {
  return 2.0 * height + 2 + RATCHET_HMACS + SENDER_DATA_HMACS;
}

/* Nodes on the direct paths, leaves included, of some leaves. */
static uint32_t nodes_above(const struct tree *tree, uint32_t committer, const uint32_t *leaves,
                            size_t count) {
  uint32_t width = tree_width(tree), height = width_height(width), nodes = height + 1;
  if (count > 1)
    return node_count(width); /* all of a new group */
  if (count == 1 && leaves[0] < width)
    nodes += common_height(committer, leaves[0]);
  return nodes;
}

struct shape shape_of(const struct tree *before, const struct tree *after, uint32_t committer,
                      uint32_t receiver, const uint32_t *changed, size_t changed_count,
                      uint32_t added) {
  struct shape shape = {.height = width_height(tree_width(before)), .added = added};
  shape.hashed = nodes_above(after, committer, changed, changed_count);
  for (uint32_t height = 1; height <= width_height(tree_width(after)); height++) {
    uint32_t copath = node_sibling(node_ancestor(committer, height - 1));
    uint32_t resolution = tree_resolution_size(after, copath);
    if (resolution == 0)
      continue;
    shape.path++;
    shape.ciphertext += resolution;
    if (height >= common_height(committer, receiver))
      shape.above++;
  }
  shape.ciphertext -= added; /* they read their path secret in the Welcome */
  return shape;
}

struct meter required_commit(const struct shape *shape) {
  double receivers = (double)shape->ciphertext + shape->added;
  bool welcome = shape->added > 0;
  return (struct meter){{
      /* Tree hashes, parent hashes, both transcript hashes, KeyPackageRefs. */
      [METER_DIGEST] = (double)shape->hashed + shape->path + 2 + shape->added,
      [METER_HMAC] = HPKE_HMACS * receivers + (shape->ciphertext > 0 ? INFO_HMACS : 0) +
                     (double)NODE_HMACS * shape->path + EPOCH_HMACS +
                     (welcome ? INFO_HMACS + WELCOME_HMACS : 0) +
                     first_message_hmacs(shape->height),
      [METER_DERIVE] = 1 + shape->path + receivers, /* leaf, nodes, ephemeral keys */
      [METER_CHECK] = 2.0 * shape->added,
      [METER_AGREE] = receivers,
      [METER_SIGN] = welcome ? 3 : 2, /* leaf, content, GroupInfo */
      [METER_VERIFY] = 2.0 * shape->added,
      [METER_AEAD] = receivers + 2 + (welcome ? 1 : 0),
  }};
}

struct meter required_process(const struct shape *shape) {
  return (struct meter){{
      [METER_DIGEST] = (double)shape->hashed + shape->path + 2,
      [METER_HMAC] = HPKE_HMACS + INFO_HMACS + (double)NODE_HMACS * shape->above + EPOCH_HMACS +
                     first_message_hmacs(shape->height),
      [METER_DERIVE] = shape->above,
      [METER_CHECK] = shape->path + 1 + 2.0 * shape->added,
      [METER_AGREE] = 1,
      [METER_VERIFY] = 2 + 2.0 * shape->added, /* content and leaf; key packages */
      [METER_AEAD] = 3,
  }};
}

struct meter required_join(const struct tree *tree, uint32_t committer, uint32_t own_leaf) {
  uint32_t nodes = node_count(tree_width(tree)), keys = 0, above = 0;
  struct parent_node parent;
  for (uint32_t node = 1; node < nodes; node += 2)
    keys += tree_parent(tree, node, &parent) ? 1 : 0;
  for (uint32_t height = common_height(committer, own_leaf);
       height <= width_height(tree_width(tree)); height++)
    above += tree_parent(tree, node_ancestor(own_leaf, height), &parent) ? 1 : 0;
  return (struct meter){{
      [METER_DIGEST] = (double)nodes + keys + 1, /* tree and parent hashes, interim transcript */
      [METER_HMAC] = HPKE_HMACS + INFO_HMACS + WELCOME_HMACS + NODE_HMACS * (double)above - 1 +
                     EPOCH_HMACS - 2,
      [METER_DERIVE] = above,
      [METER_CHECK] = keys + (double)tree_members(tree),
      [METER_AGREE] = 1,
      [METER_VERIFY] = tree_members(tree) + 1.0,
      [METER_AEAD] = 2,
  }};
}

struct meter required_key_package(void) {
  return (struct meter){{[METER_DIGEST] = 1, [METER_DERIVE] = 2, [METER_SIGN] = 2}};
}

struct meter required_protect(void) {
  return (struct meter){
      {[METER_HMAC] = RATCHET_HMACS + SENDER_DATA_HMACS, [METER_SIGN] = 1, [METER_AEAD] = 2}};
}

struct meter required_unprotect(void) {
  return (struct meter){
      {[METER_HMAC] = RATCHET_HMACS + SENDER_DATA_HMACS, [METER_VERIFY] = 1, [METER_AEAD] = 2}};
}

struct meter required_export(void) {
  return (struct meter){{[METER_DIGEST] = 1, [METER_HMAC] = 2}};
}

static bool is_more(enum meter_kind kind) {
  return kind == METER_DIGEST_BLOCK || kind == METER_HMAC_BLOCK || kind == METER_SIGN_KILOBYTE ||
         kind == METER_VERIFY_KILOBYTE || kind == METER_AEAD_KILOBYTE;
}

struct meter required_floor(const struct meter *called, const struct meter *required) {
  struct meter floor = *called;
  for (size_t kind = 0; kind < METER_KINDS; kind++)
    if (!is_more((enum meter_kind)kind) && required->count[kind] < called->count[kind])
      floor.count[kind] = required->count[kind];
  return floor;
}
