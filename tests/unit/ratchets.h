/*
 * The keys of a secret tree by a plain reading of RFC 9420, section 9, and what tests ask of one.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_RATCHETS_H
#define TESTS_RATCHETS_H

#include <check.h>

#include "mls/keys/secrettree.h"

/** How many generations may be skipped, where nothing else is said. */
#define SKIP 1000

/** The suite of the day. */
extern const struct suite *ratchet_suite;

/* ---- A plain reading of section 9: secrets in a tree of so many leaves ---- */

struct secret root_secret(void);
struct secret child_secret(struct secret parent, struct view side);
struct secret leaf_secret(uint32_t width, uint32_t leaf);
struct secret ratchet_secret(uint32_t width, uint32_t leaf, enum ratchet_kind kind,
                             uint32_t generation);
struct message_key expected_key(uint32_t width, uint32_t leaf, enum ratchet_kind kind,
                                uint32_t generation);

/* ---- The tree itself ---- */

/** A tree from root_secret(). */
struct secret_tree *tree_of(const struct suite *with, uint32_t width);

/** Its saved state.  @return to be freed */
struct bytes saved(const struct secret_tree *tree);

/** A generation has the expected key; assert_use() uses it as well. */
void assert_peek(struct secret_tree *tree, uint32_t width, uint32_t leaf, enum ratchet_kind kind,
                 uint32_t generation, uint32_t max_skip);
void assert_use(struct secret_tree *tree, uint32_t width, uint32_t leaf, enum ratchet_kind kind,
                uint32_t generation, uint32_t max_skip);

/** Both looking at a generation and using it are refused, and neither changes anything. */
void assert_refused(struct secret_tree *tree, uint32_t leaf, uint32_t generation, uint32_t max_skip,
                    enum err expected);

void assert_next(const struct secret_tree *tree, uint32_t leaf, enum ratchet_kind kind,
                 uint32_t expected);

#endif
