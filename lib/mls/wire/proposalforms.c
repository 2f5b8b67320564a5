/*
 * The table alone: a test may link another one, with more rows.
 * SPDX-License-Identifier: ISC
 */
#include "mls/wire/proposalforms.h"

const struct proposal_form *const proposal_forms[] = {
    &proposal_form_custom,        &proposal_form_add,
    &proposal_form_update,        &proposal_form_remove,
    &proposal_form_psk,           &proposal_form_reinit,
    &proposal_form_external_init, &proposal_form_group_context_extensions,
    &proposal_form_self_remove,   NULL,
};
