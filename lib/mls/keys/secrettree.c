/* SPDX-License-Identifier: ISC */
#include "mls/keys/secrettree.h"

#include <string.h>

#include "base/mem.h"
#include "crypto/kdf.h"
#include "mls/tree/math.h"

/* One more than the last generation of a ratchet. */
#define GENERATIONS (UINT64_C(1) << 32)

struct skipped_key {
  uint32_t generation;
  struct message_key key;
};

struct ratchet {
  struct secret secret;        /* of generation `next`; empty at the end */
  uint64_t next;               /* up to GENERATIONS */
  struct skipped_key *skipped; /* ascending; what lies behind `count` is zero */
  size_t count, capacity;
};

/* A node either still has its secret, or has given it to what is below: children or ratchets. */
struct secret_node {
  struct secret secret;
  struct secret_node *child[2];
  struct ratchet *ratchets; /* of a leaf: RATCHET_KINDS of them */
};

/*
 * How far peeking went ahead of a ratchet, so that using what was peeked at derives nothing twice.
 * These secrets follow from one that the ratchet still holds; they are wiped as soon as it moves.
 */
struct walk {
  const struct ratchet *ratchet; /* NULL: there is none */
  struct secret *secrets;        /* of the generations after ratchet->next */
  size_t count;
};

struct secret_tree {
  const struct suite *suite;
  uint32_t width;
  struct secret_node *root;
  struct walk walk;
};

/* ---- Ratchets ---- */

/* ratchet_secret of the generation after (RFC 9420, section 9.1). */
static enum err ratchet_step(const struct suite *suite, const struct secret *secret,
                             uint32_t generation, struct secret *out) {
  out->size = (uint16_t)suite->hash->size;
  return kdf_derive_tree_secret(suite, secret, VIEW_TEXT("secret"), generation, out->bytes,
                                out->size);
}

static enum err ratchet_key(const struct suite *suite, const struct secret *secret,
                            uint32_t generation, struct message_key *out) {
  enum err err = OK;
  TRY(kdf_derive_tree_secret(suite, secret, VIEW_TEXT("key"), generation, out->key,
                             suite->aead->key_size));
  TRY(kdf_derive_tree_secret(suite, secret, VIEW_TEXT("nonce"), generation, out->nonce,
                             suite->aead->nonce_size));
done:
  if (err != OK)
    wipe(out, sizeof *out);
  return err;
}

static void ratchets_free(struct ratchet *ratchets) {
  for (size_t i = 0; ratchets != NULL && i < RATCHET_KINDS; i++)
    locked_free(ratchets[i].skipped, ratchets[i].capacity * sizeof *ratchets[i].skipped);
  locked_free(ratchets, RATCHET_KINDS * sizeof *ratchets);
}

/* Make room for `count` skipped keys in all. */
static enum err skipped_reserve(struct ratchet *ratchet, uint64_t count) {
  if (count <= ratchet->capacity)
    return OK;
  uint64_t capacity = (uint64_t)ratchet->capacity * 2;
  if (capacity < count)
    capacity = count;
  if (capacity > SIZE_MAX / sizeof *ratchet->skipped)
    return ERR_NOMEM;
  struct skipped_key *larger = locked_new((size_t)capacity * sizeof *larger);
  if (larger == NULL)
    return ERR_NOMEM;
  if (ratchet->count > 0)
    memcpy(larger, ratchet->skipped, ratchet->count * sizeof *larger);
  locked_free(ratchet->skipped, ratchet->capacity * sizeof *larger);
  ratchet->skipped = larger;
  ratchet->capacity = (size_t)capacity;
  return OK;
}

/* Where the key of a generation is kept; `count` if it is not. */
static size_t skipped_find(const struct ratchet *ratchet, uint32_t generation) {
  size_t low = 0, high = ratchet->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (ratchet->skipped[middle].generation < generation)
      low = middle + 1;
    else
      high = middle;
  }
  bool found = low < ratchet->count && ratchet->skipped[low].generation == generation;
  return found ? low : ratchet->count;
}

static void skipped_remove(struct ratchet *ratchet, size_t index, size_t count) {
  struct skipped_key *first = ratchet->skipped + index;
  size_t behind = ratchet->count - index - count;
  memmove(first, first + count, behind * sizeof *first);
  wipe(first + behind, count * sizeof *first);
  ratchet->count -= count;
}

/* ---- Nodes ---- */

static bool node_is_spent(const struct secret_node *node) {
  return node->secret.size == 0;
}

static void node_free(struct secret_node *node) {
  if (node == NULL)
    return;
  node_free(node->child[0]);
  node_free(node->child[1]);
  ratchets_free(node->ratchets);
  locked_free(node, sizeof *node);
}

/* Give the secret of a node above the leaves to its children (section 9). */
static enum err node_split(const struct suite *suite, struct secret_node *node) {
  const struct view sides[] = {VIEW_TEXT("left"), VIEW_TEXT("right")};
  enum err err = OK;
  for (size_t i = 0; i < 2; i++) {
    struct secret_node *child = node->child[i] = locked_new(sizeof *child);
    TRY(child == NULL ? ERR_NOMEM : OK);
    child->secret.size = (uint16_t)suite->hash->size;
    TRY(kdf_expand_with_label(suite, secret_view(&node->secret), VIEW_TEXT("tree"), sides[i],
                              child->secret.bytes, child->secret.size));
  }
  secret_wipe(&node->secret);
done:
  return err;
}

/* Give the secret of a leaf to its ratchets. */
static enum err node_start_ratchets(const struct suite *suite, struct secret_node *node) {
  const struct view labels[RATCHET_KINDS] = {
      [RATCHET_HANDSHAKE] = VIEW_TEXT("handshake"),
      [RATCHET_APPLICATION] = VIEW_TEXT("application"),
  };
  enum err err = OK;
  node->ratchets = locked_new(RATCHET_KINDS * sizeof *node->ratchets);
  TRY(node->ratchets == NULL ? ERR_NOMEM : OK);
  for (size_t i = 0; i < RATCHET_KINDS; i++)
    TRY(kdf_derive_secret(suite, &node->secret, labels[i], &node->ratchets[i].secret));
  secret_wipe(&node->secret);
done:
  return err;
}

/* ---- The tree ---- */

static enum err tree_new(const struct suite *suite, uint32_t width, struct secret_tree **out) {
  if (width == 0 || (width & (width - 1)) != 0)
    return ERR_INTERNAL;
  struct secret_tree *tree = mem_new(1, sizeof *tree);
  if (tree == NULL)
    return ERR_NOMEM;
  tree->suite = suite;
  tree->width = width;
  *out = tree;
  return OK;
}

enum err secret_tree_new(const struct suite *suite, struct secret *encryption_secret,
                         uint32_t width, struct secret_tree **out) {
  struct secret_tree *tree = NULL;
  enum err err = OK;
  TRY(encryption_secret->size != suite->hash->size ? ERR_INTERNAL : OK);
  TRY(tree_new(suite, width, &tree));
  tree->root = locked_new(sizeof *tree->root);
  TRY(tree->root == NULL ? ERR_NOMEM : OK);
  secret_move(&tree->root->secret, encryption_secret);
  *out = tree;
  tree = NULL;
done:
  secret_tree_free(tree);
  return err;
}

static void walk_wipe(struct walk *walk) {
  locked_free(walk->secrets, walk->count * sizeof *walk->secrets);
  *walk = (struct walk){NULL, NULL, 0};
}

void secret_tree_free(struct secret_tree *tree) {
  if (tree == NULL)
    return;
  walk_wipe(&tree->walk);
  node_free(tree->root);
  mem_free(tree);
}

static unsigned side_of(uint32_t leaf, uint32_t height) {
  return leaf >> (height - 1) & 1;
}

/* The lowest node above or at a leaf that is there, and its height. */
static struct secret_node *tree_lowest(const struct secret_tree *tree, uint32_t leaf,
                                       uint32_t *height) {
  struct secret_node *node = tree->root;
  for (*height = width_height(tree->width); node->child[0] != NULL; --*height)
    node = node->child[side_of(leaf, *height)];
  return node;
}

/* The ratchet of a leaf; NULL if the leaf's secret is not there yet. */
static struct ratchet *tree_ratchet(const struct secret_tree *tree, uint32_t leaf,
                                    enum ratchet_kind kind) {
  uint32_t height = 0;
  struct secret_node *node = tree_lowest(tree, leaf, &height);
  return node->ratchets == NULL ? NULL : &node->ratchets[kind];
}

/*
 * Derive down to a leaf.  What is derived is built beside the tree and takes the node's place at
 * the end.  Secrets on the path are wiped, those beside it are kept (section 9.2).
 */
static enum err tree_expand(struct secret_tree *tree, uint32_t leaf) {
  uint32_t height = 0;
  struct secret_node *old = tree_lowest(tree, leaf, &height);
  struct secret_node *top = locked_new(sizeof *top);
  enum err err = OK;
  TRY(top == NULL ? ERR_NOMEM : OK);
  top->secret = old->secret;
  struct secret_node *node = top;
  for (; height > 0; height--) {
    TRY(node_split(tree->suite, node));
    node = node->child[side_of(leaf, height)];
  }
  TRY(node_start_ratchets(tree->suite, node));

  struct secret_node emptied = *top;
  *top = *old;
  *old = emptied;
done:
  node_free(top);
  return err;
}

/*
 * Find the ratchet for a generation, starting it if need be; nothing is derived for a generation
 * that lies too far ahead (section 15.3).
 */
static enum err tree_reach(struct secret_tree *tree, uint32_t leaf, enum ratchet_kind kind,
                           uint32_t generation, uint32_t max_skip, struct ratchet **out) {
  if (leaf >= tree->width)
    return ERR_INVALID_ARG;
  struct ratchet *ratchet = tree_ratchet(tree, leaf, kind);
  uint64_t next = ratchet == NULL ? 0 : ratchet->next;
  if (generation > next && generation - next > max_skip)
    return ERR_LIMIT;
  if (ratchet == NULL) {
    enum err err = tree_expand(tree, leaf);
    if (err != OK)
      return err;
    ratchet = tree_ratchet(tree, leaf, kind);
  }
  *out = ratchet;
  return OK;
}

/* Have the ratchet's secrets up to a generation, which is not below ratchet->next. */
static enum err walk_to(struct secret_tree *tree, const struct ratchet *ratchet,
                        uint32_t generation) {
  uint64_t steps = generation - ratchet->next;
  if (steps == 0 || (tree->walk.ratchet == ratchet && steps <= tree->walk.count))
    return OK;
  if (steps > SIZE_MAX / sizeof(struct secret))
    return ERR_NOMEM;
  struct walk walk = {.ratchet = ratchet, .count = (size_t)steps};
  enum err err = OK;
  walk.secrets = locked_new(walk.count * sizeof *walk.secrets);
  TRY(walk.secrets == NULL ? ERR_NOMEM : OK);
  const struct secret *secret = &ratchet->secret;
  for (size_t i = 0; i < walk.count; i++) {
    TRY(ratchet_step(tree->suite, secret, (uint32_t)(ratchet->next + i), &walk.secrets[i]));
    secret = &walk.secrets[i];
  }
  walk_wipe(&tree->walk);
  tree->walk = walk;
  walk.secrets = NULL;
done:
  walk_wipe(&walk);
  return err;
}

/* The ratchet's secret of a generation that walk_to() has reached. */
static const struct secret *walk_secret(const struct secret_tree *tree,
                                        const struct ratchet *ratchet, uint64_t generation) {
  uint64_t steps = generation - ratchet->next;
  return steps == 0 ? &ratchet->secret : &tree->walk.secrets[steps - 1];
}

enum err secret_tree_next(const struct secret_tree *tree, uint32_t leaf, enum ratchet_kind kind,
                          uint32_t *generation) {
  if (leaf >= tree->width)
    return ERR_INVALID_ARG;
  const struct ratchet *ratchet = tree_ratchet(tree, leaf, kind);
  uint64_t next = ratchet == NULL ? 0 : ratchet->next;
  if (next == GENERATIONS)
    return ERR_KEY_EXHAUSTED;
  *generation = (uint32_t)next;
  return OK;
}

enum err secret_tree_peek(struct secret_tree *tree, uint32_t leaf, enum ratchet_kind kind,
                          uint32_t generation, uint32_t max_skip, struct message_key *out) {
  struct ratchet *ratchet = NULL;
  enum err err = OK;
  TRY(tree_reach(tree, leaf, kind, generation, max_skip, &ratchet));
  if (generation < ratchet->next) {
    size_t index = skipped_find(ratchet, generation);
    TRY(index == ratchet->count ? ERR_REPLAY : OK);
    *out = ratchet->skipped[index].key;
  } else {
    TRY(walk_to(tree, ratchet, generation));
    TRY(ratchet_key(tree->suite, walk_secret(tree, ratchet, generation), generation, out));
  }
done:
  return err;
}

/* Move a ratchet past a generation; changes nothing unless all that can fail has succeeded. */
static enum err ratchet_advance(struct secret_tree *tree, struct ratchet *ratchet,
                                uint32_t generation, uint32_t max_skip) {
  size_t skipped = 0;
  struct secret after = {0};
  enum err err = OK;
  TRY(walk_to(tree, ratchet, generation));
  TRY(skipped_reserve(ratchet, ratchet->count + (generation - ratchet->next)));
  for (uint64_t at = ratchet->next; at < generation; at++) {
    struct skipped_key *kept = &ratchet->skipped[ratchet->count + skipped++];
    kept->generation = (uint32_t)at;
    TRY(ratchet_key(tree->suite, walk_secret(tree, ratchet, at), kept->generation, &kept->key));
  }
  /* The last generation has none after it: the secret stays empty. */
  if (generation < GENERATIONS - 1)
    TRY(ratchet_step(tree->suite, walk_secret(tree, ratchet, generation), generation, &after));

  secret_move(&ratchet->secret, &after);
  ratchet->next = (uint64_t)generation + 1;
  ratchet->count += skipped;
  skipped = 0;
  if (ratchet->count > max_skip)
    skipped_remove(ratchet, 0, ratchet->count - max_skip);
  walk_wipe(&tree->walk);
done:
  if (skipped > 0)
    wipe(&ratchet->skipped[ratchet->count], skipped * sizeof *ratchet->skipped);
  secret_wipe(&after);
  return err;
}

enum err secret_tree_use(struct secret_tree *tree, uint32_t leaf, enum ratchet_kind kind,
                         uint32_t generation, uint32_t max_skip) {
  struct ratchet *ratchet = NULL;
  enum err err = OK;
  TRY(tree_reach(tree, leaf, kind, generation, max_skip, &ratchet));
  if (generation < ratchet->next) {
    size_t index = skipped_find(ratchet, generation);
    TRY(index == ratchet->count ? ERR_REPLAY : OK);
    skipped_remove(ratchet, index, 1);
  } else {
    TRY(ratchet_advance(tree, ratchet, generation, max_skip));
  }
done:
  return err;
}

/* ---- Saved state: the nodes, depth first ---- */

enum node_form { NODE_UNSPENT = 0, NODE_SPLIT = 1, NODE_RATCHETS = 2 };

static void ratchet_write(struct writer *writer, const struct suite *suite,
                          const struct ratchet *ratchet) {
  write_u64(writer, ratchet->next);
  write_bytes(writer, secret_view(&ratchet->secret));
  write_u32(writer, (uint32_t)ratchet->count);
  for (size_t i = 0; i < ratchet->count; i++) {
    const struct skipped_key *skipped = &ratchet->skipped[i];
    write_u32(writer, skipped->generation);
    write_bytes(writer, view_of(skipped->key.key, suite->aead->key_size));
    write_bytes(writer, view_of(skipped->key.nonce, suite->aead->nonce_size));
  }
}

static void node_write(struct writer *writer, const struct suite *suite,
                       const struct secret_node *node) {
  if (!node_is_spent(node)) {
    write_u8(writer, NODE_UNSPENT);
    write_bytes(writer, secret_view(&node->secret));
  } else if (node->ratchets == NULL) {
    write_u8(writer, NODE_SPLIT);
    node_write(writer, suite, node->child[0]);
    node_write(writer, suite, node->child[1]);
  } else {
    write_u8(writer, NODE_RATCHETS);
    for (size_t i = 0; i < RATCHET_KINDS; i++)
      ratchet_write(writer, suite, &node->ratchets[i]);
  }
}

void secret_tree_write(struct writer *writer, const struct secret_tree *tree) {
  node_write(writer, tree->suite, tree->root);
}

static enum err hash_secret_read(const struct suite *suite, struct reader *reader,
                                 struct secret *out) {
  struct view bytes;
  enum err err = read_bytes(reader, suite->hash->size, &bytes);
  return err != OK ? err : secret_set(out, bytes);
}

static enum err skipped_read(const struct suite *suite, struct reader *reader,
                             struct skipped_key *out) {
  struct view key, nonce;
  enum err err = OK;
  TRY(read_u32(reader, &out->generation));
  TRY(read_bytes(reader, suite->aead->key_size, &key));
  TRY(read_bytes(reader, suite->aead->nonce_size, &nonce));
  memcpy(out->key.key, key.data, key.size);
  memcpy(out->key.nonce, nonce.data, nonce.size);
done:
  return err;
}

static enum err ratchet_read(const struct suite *suite, struct reader *reader,
                             struct ratchet *out) {
  uint32_t count = 0;
  enum err err = OK;
  TRY(read_u64(reader, &out->next));
  TRY(out->next > GENERATIONS ? ERR_MALFORMED : OK);
  if (out->next < GENERATIONS)
    TRY(hash_secret_read(suite, reader, &out->secret));
  TRY(read_u32(reader, &count));
  size_t size = sizeof(uint32_t) + suite->aead->key_size + suite->aead->nonce_size;
  TRY(count > reader->left / size ? ERR_MALFORMED : OK);
  TRY(skipped_reserve(out, count));
  uint64_t lowest = 0;
  for (; out->count < count; out->count++) {
    struct skipped_key *skipped = &out->skipped[out->count];
    TRY(skipped_read(suite, reader, skipped));
    bool ascending = skipped->generation >= lowest && skipped->generation < out->next;
    TRY(ascending ? OK : ERR_MALFORMED);
    lowest = (uint64_t)skipped->generation + 1;
  }
done:
  return err;
}

/* Read a node of a height into zeroed memory; what was read before an error is freed with it. */
static enum err node_read(const struct suite *suite, struct reader *reader, uint32_t height,
                          struct secret_node *out) {
  uint8_t form = 0;
  enum err err = OK;
  TRY(read_u8(reader, &form));
  if (form == NODE_UNSPENT) {
    TRY(hash_secret_read(suite, reader, &out->secret));
  } else if (form == NODE_SPLIT && height > 0) {
    for (size_t i = 0; i < 2; i++) {
      out->child[i] = locked_new(sizeof *out);
      TRY(out->child[i] == NULL ? ERR_NOMEM : OK);
      TRY(node_read(suite, reader, height - 1, out->child[i]));
    }
    /* A node is split only on the way to a leaf. */
    TRY(node_is_spent(out->child[0]) || node_is_spent(out->child[1]) ? OK : ERR_MALFORMED);
  } else if (form == NODE_RATCHETS && height == 0) {
    out->ratchets = locked_new(RATCHET_KINDS * sizeof *out->ratchets);
    TRY(out->ratchets == NULL ? ERR_NOMEM : OK);
    for (size_t i = 0; i < RATCHET_KINDS; i++)
      TRY(ratchet_read(suite, reader, &out->ratchets[i]));
  } else {
    TRY(ERR_MALFORMED);
  }
done:
  return err;
}

enum err secret_tree_read(const struct suite *suite, struct reader *reader, uint32_t width,
                          struct secret_tree **out) {
  struct secret_tree *tree = NULL;
  enum err err = OK;
  TRY(tree_new(suite, width, &tree));
  tree->root = locked_new(sizeof *tree->root);
  TRY(tree->root == NULL ? ERR_NOMEM : OK);
  TRY(node_read(suite, reader, width_height(width), tree->root));
  *out = tree;
  tree = NULL;
done:
  secret_tree_free(tree);
  return err;
}
