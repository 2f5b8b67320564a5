/* SPDX-License-Identifier: ISC */
#include "mls/multiset.h"

#include <string.h>

#include "base/mem.h"
#include "base/sync.h"

/*
 * A hash array mapped trie.  Each level takes four bits of the fingerprint; a node holds a slot
 * for each value of them that occurs: an entry where one fingerprint is below, else a child.
 * An entry whose count sank to zero, or a child in which all did, leaves an empty entry that goes
 * when its node is copied for another reason.
 */
#define LEVEL_BITS 4u
#define FANOUT 16u

struct slot {
  union {
    struct multiset *child;
    uint64_t fingerprint;
  };
  uint32_t count; /* of an entry */
  bool is_child;
};

struct multiset {
  struct refs refs;
  uint16_t occupied; /* which values of the level's bits have a slot */
  struct slot slots[];
};

static unsigned bits_below(uint16_t occupied, unsigned value) {
  unsigned below = occupied & ((1u << value) - 1);
  unsigned count = 0;
  for (; below != 0; below &= below - 1)
    count++;
  return count;
}

static unsigned slot_count(const struct multiset *node) {
  return bits_below(node->occupied, FANOUT);
}

static unsigned level_value(uint64_t fingerprint, unsigned level) {
  return (unsigned)(fingerprint >> level * LEVEL_BITS) & (FANOUT - 1);
}

struct multiset *multiset_share(struct multiset *set) {
  if (set != NULL)
    refs_take(&set->refs);
  return set;
}

void multiset_drop(struct multiset *set) {
  if (set == NULL || !refs_drop(&set->refs))
    return;
  for (unsigned i = 0; i < slot_count(set); i++)
    if (set->slots[i].is_child)
      multiset_drop(set->slots[i].child);
  mem_free(set);
}

static const struct slot *slot_find(const struct multiset *node, unsigned value) {
  if ((node->occupied >> value & 1) == 0)
    return NULL;
  return &node->slots[bits_below(node->occupied, value)];
}

uint32_t multiset_count(const struct multiset *set, uint64_t fingerprint) {
  for (unsigned level = 0; set != NULL; level++) {
    const struct slot *slot = slot_find(set, level_value(fingerprint, level));
    if (slot == NULL)
      return 0;
    if (!slot->is_child)
      return slot->fingerprint == fingerprint ? slot->count : 0;
    set = slot->child;
  }
  return 0;
}

#ifdef TREE_CHECK
size_t multiset_total(const struct multiset *set) {
  size_t total = 0;
  for (unsigned i = 0; set != NULL && i < slot_count(set); i++)
    total += set->slots[i].is_child ? multiset_total(set->slots[i].child) : set->slots[i].count;
  return total;
}
#endif

static struct multiset *node_new(unsigned slots) {
  struct multiset *node = mem_new(1, sizeof *node + slots * sizeof node->slots[0]);
  if (node != NULL)
    refs_init(&node->refs);
  return node;
}

static bool is_live(const struct slot *slot) {
  return slot->is_child || slot->count > 0;
}

/* The slot of a value, if anything is in it. */
static const struct slot *slot_live(const struct multiset *node, unsigned value) {
  const struct slot *slot = node == NULL ? NULL : slot_find(node, value);
  return slot != NULL && is_live(slot) ? slot : NULL;
}

static bool any_live(const struct multiset *node) {
  for (unsigned i = 0; i < slot_count(node); i++)
    if (is_live(&node->slots[i]))
      return true;
  return false;
}

/* A copy of `node` (which may be NULL) that has a slot for `value`, empty if it is a new one. */
static struct multiset *node_copy(const struct multiset *node, unsigned value) {
  uint16_t wanted = (uint16_t)(1u << value);
  for (unsigned v = 0; v < FANOUT; v++)
    if (slot_live(node, v) != NULL)
      wanted = (uint16_t)(wanted | 1u << v);
  struct multiset *copy = node_new(bits_below(wanted, FANOUT));
  if (copy == NULL)
    return NULL;
  copy->occupied = wanted;
  for (unsigned v = 0; v < FANOUT; v++) {
    const struct slot *from = slot_live(node, v);
    if (from == NULL)
      continue;
    copy->slots[bits_below(wanted, v)] = *from;
    if (from->is_child)
      (void)multiset_share(from->child);
  }
  return copy;
}

/* Put an entry one level deeper, so that another one can stand beside it. */
static enum err split(struct slot *slot, unsigned level) {
  struct slot entry = *slot;
  struct multiset *child = node_copy(NULL, level_value(entry.fingerprint, level));
  if (child == NULL)
    return ERR_NOMEM;
  child->slots[0] = entry;
  *slot = (struct slot){.child = child, .is_child = true};
  return OK;
}

static enum err change(struct multiset **set, uint64_t fingerprint, int by, unsigned level);

static enum err change_entry(struct slot *slot, int by) {
  if ((by < 0 && slot->count == 0) || (by > 0 && slot->count == UINT32_MAX))
    return ERR_INTERNAL;
  slot->count = by > 0 ? slot->count + 1 : slot->count - 1;
  return OK;
}

static enum err change_slot(struct slot *slot, uint64_t fingerprint, int by, unsigned level) {
  enum err err = OK;
  if (!is_live(slot))
    slot->fingerprint = fingerprint;
  if (!slot->is_child && slot->fingerprint == fingerprint)
    return change_entry(slot, by);
  if (!slot->is_child)
    TRY(split(slot, level + 1));
  TRY(change(&slot->child, fingerprint, by, level + 1));
  if (!any_live(slot->child)) {
    multiset_drop(slot->child);
    *slot = (struct slot){.fingerprint = fingerprint};
  }
done:
  return err;
}

/* The depth of recursion is that of the trie: at most 64 / LEVEL_BITS. */
static enum err change(struct multiset **set, uint64_t fingerprint, int by, unsigned level) {
  unsigned value = level_value(fingerprint, level);
  struct multiset *node = *set;
  bool in_place = node != NULL && refs_only(&node->refs) && slot_find(node, value) != NULL;
  if (!in_place)
    node = node_copy(*set, value);
  if (node == NULL)
    return ERR_NOMEM;
  enum err err =
      change_slot(&node->slots[bits_below(node->occupied, value)], fingerprint, by, level);
  if (in_place)
    return err;
  if (err != OK) {
    multiset_drop(node);
    return err;
  }
  multiset_drop(*set);
  *set = node;
  return OK;
}

enum err multiset_add(struct multiset **set, uint64_t fingerprint) {
  return change(set, fingerprint, 1, 0);
}

enum err multiset_remove(struct multiset **set, uint64_t fingerprint) {
  return change(set, fingerprint, -1, 0);
}
