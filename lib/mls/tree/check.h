/*
 * What a tree remembers of itself, worked out anew and compared: with -Dtree_check=true after every
 * change, otherwise not at all.  Whatever is wrong is a bug of this library, and ends the program.
 * SPDX-License-Identifier: ISC
 */
#ifndef MLS_TREE_CHECK_H
#define MLS_TREE_CHECK_H

#include "mls/tree/tree.h"

#ifdef TREE_CHECK

/** Every cached value: sizes, tree hashes where they are up to date, the first blank leaf, the index. */
void tree_check(const struct tree *tree);

/** After a commit: every parent node is parent-hash valid (RFC 9420, section 7.9.2). */
void tree_check_parent_hashes(const struct tree *tree);

#else

static inline void tree_check(const struct tree *tree) {
  (void)tree;
}

static inline void tree_check_parent_hashes(const struct tree *tree) {
  (void)tree;
}

#endif
#endif
