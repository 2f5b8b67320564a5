/*
 * What RFC 9420 and RFC 9180 make unavoidable, from the shape of the group: the floor of a call is this,
 * not whatever the library called.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_REQUIRED_H
#define TESTS_REQUIRED_H

#include "meter.h"
#include "mls/tree/tree.h"

/* A commit in a group. */
struct shape {
  uint32_t height;     /* of the tree before, and so of the secret tree */
  uint32_t hashed;     /* nodes whose tree hash changes */
  uint32_t path;       /* nodes of the filtered direct path */
  uint32_t ciphertext; /* members of the copath's resolutions */
  uint32_t above;      /* path nodes above both committer and receiver */
  uint32_t added;
};

/** @param before,after  tree, without and with the commit  @param changed  leaves that it adds or removes */
struct shape shape_of(const struct tree *before, const struct tree *after, uint32_t committer,
                      uint32_t receiver, const uint32_t *changed, size_t changed_count,
                      uint32_t added);

struct meter required_commit(const struct shape *shape);
struct meter required_process(const struct shape *shape);
/** @param tree  that is joined */
struct meter required_join(const struct tree *tree, uint32_t committer, uint32_t own_leaf);
struct meter required_key_package(void);
struct meter required_protect(void);
struct meter required_unprotect(void);
struct meter required_export(void);

/** The smaller of what was called and what is required: what long input adds is taken as called. */
struct meter required_floor(const struct meter *called, const struct meter *required);

#endif
