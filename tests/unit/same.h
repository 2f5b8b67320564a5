/*
 * Whether two are the same, field by field: what was saved, and what was loaded.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_SAME_H
#define TESTS_SAME_H

#include "mls/group/group.h"

void same_bytes(struct view a, struct view b);
void same_tree(const struct tree *a, const struct tree *b);
void same_group(const struct group *a, const struct group *b);
void same_client(const struct client *a, const struct client *b);

#endif
