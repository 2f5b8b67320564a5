/*
 * A received commit: verified, and its epoch built beside the current one
 * (RFC 9420, sections 12.4.2 and 12.4.3.2).
 * SPDX-License-Identifier: ISC
 */
#ifndef MLS_GROUP_STAGE_H
#define MLS_GROUP_STAGE_H

#include "mls/group/group.h"

struct staged_commit {
  struct changes changes;
  struct epoch *next; /* NULL if the commit removes this member */
  uint32_t committer; /* leaf in the new epoch */
  bool removes_own;
  bool partly; /* it removes this member, who could not read all of it: no other change is told */
};

/**
 * Stage a commit whose signature has been verified.
 * @param out  its members are owned by the caller
 * @return OK; ERR_MISSING_PROPOSAL; ERR_INVALID_PROPOSAL; ERR_INVALID_COMMIT; …
 */
CHECKED enum err stage_commit(struct group *group, const struct authenticated_content *content,
                              struct staged_commit *out);

#endif
