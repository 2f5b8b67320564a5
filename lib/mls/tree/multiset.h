/*
 * A persistent multiset of 64-bit fingerprints: adding and removing give a new value that shares
 * all but O(log n) small nodes with the old one.  It answers for a whole tree what would otherwise
 * mean walking all its members: is this key in use, how many members support this type.
 * SPDX-License-Identifier: ISC
 */
#ifndef MLS_TREE_MULTISET_H
#define MLS_TREE_MULTISET_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/** A multiset is a pointer to its top node; NULL is the empty one. */
struct multiset;

struct multiset *multiset_share(struct multiset *set);
void multiset_drop(struct multiset *set);

/** How often the fingerprint is in it. */
uint32_t multiset_count(const struct multiset *set, uint64_t fingerprint);

#ifdef TREE_CHECK
/** How many are in it. */
size_t multiset_total(const struct multiset *set);
#endif

/** Put in (or take out) one.  *set is replaced; on ERR_NOMEM it is unchanged.  Taking out what is
 *  not there is ERR_INTERNAL. */
CHECKED enum err multiset_add(struct multiset **set, uint64_t fingerprint);
CHECKED enum err multiset_remove(struct multiset **set, uint64_t fingerprint);

#endif
