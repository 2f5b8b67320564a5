/*
 * Decoding structs and encoding them again, field by field and down to the smallest struct inside:
 * since every struct has one encoding, the bytes have to come out as they went in.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_RECODE_H
#define TESTS_RECODE_H

#include "base/buf.h"

/** Read one struct, and write what was read. */
typedef enum err recoder(struct reader *reader, struct writer *writer, struct why *why);

/** LeafNode, Proposal, Commit, GroupSecrets, and MLSMessage with all that it may hold. */
recoder recode_leaf, recode_proposal, recode_commit, recode_group_secrets, recode_message;

/** Recode structs to the end of `in`: the items of a vector, or one struct.  @param out  to be freed */
CHECKED enum err recode_all(struct view in, recoder *item, struct why *why, struct bytes *out);

#endif
