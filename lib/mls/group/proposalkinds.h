/*
 * What each type of proposal does to a group (RFC 9420, sections 12.1 to 12.3): a row each.  How it
 * travels is in its other row, in mls/wire/proposalforms.h.
 * SPDX-License-Identifier: ISC
 */
#ifndef MLS_GROUP_PROPOSALKINDS_H
#define MLS_GROUP_PROPOSALKINDS_H

#include "mls/group/changes.h"
#include "mls/group/client.h"
#include "mls/group/epoch.h"

struct application; /* these: mls/group/proposals.h */
struct listed_proposal;
struct proposal_list;
struct proposal_rules;
struct group; /* mls/group/group.h */

/** The passes over a list that is applied, in the order of section 12.3.  Before anybody is added, and
 *  after who goes has gone, every member has to support what the list holds. */
enum proposal_pass { PASS_GROUP, PASS_UPDATE, PASS_SELF_REMOVE, PASS_REMOVE, PASS_ADD, PASSES };

/**
 * The turns in which an own commit takes what waits.  RFC 9420, section 12.2: Removes are preferred to
 * Updates, and the newest Update to others; by draft-ietf-mls-extensions SelfRemoves to Removes.  Adds
 * are few here, so that their order does not matter; resumption PSKs follow, which nobody who is added
 * has.  A ReInit comes last: the group should go on as long as there is something to do in it.
 */
enum proposal_turn { TURN_LEAVE, TURN_REMOVE, TURN_OTHER, TURN_RESUMPTION, TURN_END, TURNS };

struct proposal_kind {
  uint16_t type;
  bool of_sender; /* about its sender's own leaf, so that nobody commits one of its own */
  bool removes;   /* takes a leaf away */
  bool brought;   /* also by who joins from outside, by reference, and so never encrypted */
  enum proposal_pass pass;
  enum proposal_turn turn;

  /* What there is nothing to say about is NULL; `apply` is always there. */

  /** The leaf that is replaced or taken away: no list holds two for one, nor one for its committer's. */
  uint32_t (*leaf)(const struct proposal *proposal, struct sender sender);
  /** Another turn for this one. */
  enum proposal_turn (*turn_of)(const struct proposal *proposal);
  /** What can be told before it is listed by value, and takes room. */
  enum err (*check_room)(const struct suite *suite, const struct proposal *proposal,
                         struct why *why);
  /** Whether so many may stand in one list, which need not be complete. */
  enum err (*check_count)(const struct proposal_list *list, size_t count, const struct epoch *epoch,
                          bool external, const struct proposal_rules *rules);
  /** Whether those in a list may stand beside each other. */
  enum err (*check_together)(const struct proposal_list *list, struct why *why);
  /** Section 12.1: the proposal by itself. */
  enum err (*check)(const struct epoch *epoch, const struct proposal *proposal,
                    struct sender sender, const struct proposal_rules *rules);
  /** As proposal_check_settings(). */
  enum err (*check_settings)(const struct settings *settings, const struct epoch *epoch,
                             const struct proposal *proposal, struct why *why);
  /** Whether one that waits goes into an own commit beside those in a list.  ERR_NOMEM */
  enum err (*choose)(const struct group *group, const struct proposal_list *list,
                     const struct proposal *proposal, bool *out);
  /** Check it and put it into the effects, in its pass. */
  enum err (*apply)(struct application *job, const struct listed_proposal *item);
  /** What the application is shown: all but type, proposer and position.  NULL: it never sees one. */
  enum err (*describe)(struct change *change, const struct proposal *proposal,
                       const struct tree *tree);
};

/* Those of RFC 9420; SelfRemove; and one for all types of the application. */
extern const struct proposal_kind proposal_kind_add, proposal_kind_update, proposal_kind_remove,
    proposal_kind_psk, proposal_kind_reinit, proposal_kind_external_init,
    proposal_kind_group_context_extensions, proposal_kind_self_remove, proposal_kind_custom;

/** All that there are, and NULL behind them, in the order in which their numbers in a list are judged.
 *  The application's comes first: it is for every type that has no row of its own. */
extern const struct proposal_kind *const proposal_kinds[];

/** At least as many as there are rows. */
#define PROPOSAL_KINDS_MAX 16

const struct proposal_kind *proposal_kind_of(uint16_t type);

#endif
