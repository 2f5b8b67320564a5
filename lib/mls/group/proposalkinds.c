/*
 * The table alone: a test may link another one, with more rows.
 * SPDX-License-Identifier: ISC
 */
#include "mls/group/proposalkinds.h"

#include <assert.h>

const struct proposal_kind *const proposal_kinds[] = {
    &proposal_kind_custom,        &proposal_kind_psk,
    &proposal_kind_external_init, &proposal_kind_group_context_extensions,
    &proposal_kind_reinit,        &proposal_kind_remove,
    &proposal_kind_add,           &proposal_kind_update,
    &proposal_kind_self_remove,   NULL,
};

static_assert(sizeof proposal_kinds / sizeof proposal_kinds[0] <= PROPOSAL_KINDS_MAX + 1,
              "every row needs a place in struct proposal_list");
