/*
 * The types of proposals as RFC 9420's registry has them (section 17.4), each with its reader beside its
 * writer: a row each.  What a type does to a group is in its other row, in mls/group/proposalkinds.h.
 * SPDX-License-Identifier: ISC
 */
#ifndef MLS_WIRE_PROPOSALFORMS_H
#define MLS_WIRE_PROPOSALFORMS_H

#include "mls/wire/codec.h"

struct proposal; /* mls/wire/proposal.h */

struct proposal_form {
  uint16_t type;
  uint8_t senders; /* who may propose it, or commit it by value: bits 1 << enum sender_type */
  bool needs_path; /* so does a commit that holds it (section 12.4) */
  enum err (*read)(struct reader *reader, struct why *why, struct proposal *out);
  void (*write)(struct writer *writer, const struct proposal *proposal); /* what follows the type */
};

/* Those of RFC 9420; SelfRemove; and one for all types of the application. */
extern const struct proposal_form proposal_form_add, proposal_form_update, proposal_form_remove,
    proposal_form_psk, proposal_form_reinit, proposal_form_external_init,
    proposal_form_group_context_extensions, proposal_form_self_remove, proposal_form_custom;

/** All that there are, and NULL behind them.  The application's comes first: it is for every type that
 *  has no row of its own. */
extern const struct proposal_form *const proposal_forms[];

#endif
