/*
 * The chapters of what must be refused, each a table to be read beside RFC 9420.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_REJECT_CHAPTERS_H
#define TESTS_REJECT_CHAPTERS_H

#include <check.h>

TCase *reject_encoding(void);
TCase *reject_leaf(void);
TCase *reject_key_package(void);
TCase *reject_framing(void);
TCase *reject_private(void);
TCase *reject_proposals(void);
TCase *reject_lists(void);
TCase *reject_commit(void);
TCase *reject_path(void);
TCase *reject_external(void);
TCase *reject_welcome(void);
TCase *reject_tree(void);
TCase *reject_info(void);
TCase *reject_senders(void);
TCase *reject_resume(void);
TCase *reject_grease(void);
TCase *reject_life(void);
TCase *reject_sizes(void);
TCase *reject_removed(void);

#endif
