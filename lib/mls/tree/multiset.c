/* SPDX-License-Identifier: ISC */
#include "mls/tree/multiset.h"

#include <string.h>

#include "base/mem.h"
#include "base/sync.h"

/*
 * A trie over the bits of the fingerprint, lowest first, with buckets of entries at its ends.  Copying a
 * branch touches all its children, to count one owner more, and each is a cache miss in a large
 * set: so branches are narrow, and buckets, which are copied in one piece, are wide.
 */
#define LEVEL_BITS 2u
#define FANOUT (1u << LEVEL_BITS)
#define BUCKET_MAX 64u
#define BUCKET_STEP 8u /* buckets grow by so many */

struct entry {
  uint64_t fingerprint;
  uint32_t count;
};

struct multiset {
  struct refs refs;
  uint16_t capacity; /* entries there is room for; 0: a branch */
  uint16_t size;     /* entries there are, in no order */
  union {
    struct multiset *child; /* of a branch: FANOUT of them, NULL where nothing is below */
    struct entry entry;
  } slots[];
};

static bool is_branch(const struct multiset *node) {
  return node->capacity == 0;
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
  for (unsigned i = 0; is_branch(set) && i < FANOUT; i++)
    multiset_drop(set->slots[i].child);
  mem_free(set);
}

/* The entry of a fingerprint in a bucket, which may be NULL. */
static struct entry *bucket_find(struct multiset *bucket, uint64_t fingerprint) {
  for (unsigned i = 0; bucket != NULL && i < bucket->size; i++)
    if (bucket->slots[i].entry.fingerprint == fingerprint)
      return &bucket->slots[i].entry;
  return NULL;
}

uint32_t multiset_count(const struct multiset *set, uint64_t fingerprint) {
  for (unsigned level = 0; set != NULL && is_branch(set); level++)
    set = set->slots[level_value(fingerprint, level)].child;
  const struct entry *entry = bucket_find((struct multiset *)(uintptr_t)set, fingerprint);
  return entry == NULL ? 0 : entry->count;
}

#ifdef TREE_CHECK
size_t multiset_total(const struct multiset *set) {
  size_t total = 0;
  for (unsigned i = 0; set != NULL && is_branch(set) && i < FANOUT; i++)
    total += multiset_total(set->slots[i].child);
  for (unsigned i = 0; set != NULL && i < set->size; i++)
    total += set->slots[i].entry.count;
  return total;
}
#endif

/* ---- Changes: nodes of one owner are changed in place, others are copied ---- */

static struct multiset *node_new(unsigned slots, unsigned capacity) {
  struct multiset *node = mem_new(1, sizeof *node + slots * sizeof node->slots[0]);
  if (node != NULL) {
    refs_init(&node->refs);
    node->capacity = (uint16_t)capacity;
  }
  return node;
}

/* Make *bucket, which may be NULL, one of a single owner with room for one entry more. */
static enum err bucket_own(struct multiset **bucket) {
  struct multiset *old = *bucket;
  unsigned size = old == NULL ? 0 : old->size;
  if (old != NULL && refs_only(&old->refs) && size < old->capacity)
    return OK;
  unsigned capacity = (size / BUCKET_STEP + 1) * BUCKET_STEP;
  struct multiset *copy = node_new(capacity, capacity);
  if (copy == NULL)
    return ERR_NOMEM;
  if (size > 0)
    memcpy(copy->slots, old->slots, size * sizeof old->slots[0]);
  copy->size = (uint16_t)size;
  multiset_drop(old);
  *bucket = copy;
  return OK;
}

static enum err branch_own(struct multiset **branch) {
  struct multiset *old = *branch;
  if (refs_only(&old->refs))
    return OK;
  struct multiset *copy = node_new(FANOUT, 0);
  if (copy == NULL)
    return ERR_NOMEM;
  for (unsigned i = 0; i < FANOUT; i++)
    copy->slots[i].child = multiset_share(old->slots[i].child);
  multiset_drop(old);
  *branch = copy;
  return OK;
}

/* Put a branch in the place of a full bucket. */
static enum err bucket_split(struct multiset **bucket, unsigned level) {
  enum err err = OK;
  const struct multiset *old = *bucket;
  struct multiset *branch = node_new(FANOUT, 0);
  TRY(branch == NULL ? ERR_NOMEM : OK);
  for (unsigned i = 0; i < old->size; i++) {
    const struct entry *entry = &old->slots[i].entry;
    struct multiset **child = &branch->slots[level_value(entry->fingerprint, level)].child;
    TRY(bucket_own(child));
    (*child)->slots[(*child)->size++].entry = *entry;
  }
  multiset_drop(*bucket);
  *bucket = branch;
  branch = NULL;
done:
  multiset_drop(branch);
  return err;
}

/* Take out an entry that is down to zero; a bucket without entries goes. */
static void entry_remove(struct multiset **bucket, struct entry *entry) {
  *entry = (*bucket)->slots[--(*bucket)->size].entry;
  if ((*bucket)->size > 0)
    return;
  multiset_drop(*bucket);
  *bucket = NULL;
}

/* Change the count of an entry that is there, or, where there is none yet, add it. */
static enum err bucket_change(struct multiset **bucket, uint64_t fingerprint, int by) {
  const struct entry *found = bucket_find(*bucket, fingerprint);
  if (found == NULL ? by < 0 : by > 0 && found->count == UINT32_MAX)
    return ERR_INTERNAL;
  enum err err = bucket_own(bucket);
  if (err != OK)
    return err;
  struct entry *entry = bucket_find(*bucket, fingerprint);
  if (entry == NULL) {
    entry = &(*bucket)->slots[(*bucket)->size++].entry;
    *entry = (struct entry){fingerprint, 0};
  }
  entry->count = by > 0 ? entry->count + 1 : entry->count - 1;
  if (entry->count == 0)
    entry_remove(bucket, entry);
  return OK;
}

static bool any_child(const struct multiset *branch) {
  for (unsigned i = 0; i < FANOUT; i++)
    if (branch->slots[i].child != NULL)
      return true;
  return false;
}

/* The depth of recursion is that of the trie: at most 64 / LEVEL_BITS.  On failure nothing in it has
 * another content than before, though a node may have one owner less. */
static enum err change(struct multiset **set, uint64_t fingerprint, int by, unsigned level) {
  enum err err = OK;
  struct multiset *node = *set;
  bool full = node != NULL && !is_branch(node) && node->size == BUCKET_MAX;
  if (full && by > 0 && bucket_find(node, fingerprint) == NULL)
    TRY(bucket_split(set, level));
  node = *set;
  if (node == NULL || !is_branch(node))
    return bucket_change(set, fingerprint, by);
  TRY(branch_own(set));
  node = *set;
  TRY(change(&node->slots[level_value(fingerprint, level)].child, fingerprint, by, level + 1));
  if (!any_child(node)) {
    multiset_drop(node);
    *set = NULL;
  }
done:
  return err;
}

enum err multiset_add(struct multiset **set, uint64_t fingerprint) {
  return change(set, fingerprint, 1, 0);
}

enum err multiset_remove(struct multiset **set, uint64_t fingerprint) {
  return change(set, fingerprint, -1, 0);
}
