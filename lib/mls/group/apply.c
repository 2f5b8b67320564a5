/*
 * Checking and applying a list of proposals (RFC 9420, sections 12.1 to 12.3).
 * SPDX-License-Identifier: ISC
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mls/group/proposals.h"
#include "mls/group/validate.h"

void effects_free(struct effects *effects) {
  tree_drop(effects->tree);
  changes_free(&effects->changes);
  mem_free(effects->added);
  mem_free(effects->added_key_package);
  *effects = (struct effects){0};
}

/* ---- Single proposals (section 12.1) ---- */

/* RFC 9420, section 12.2: a type that is not a default one is supported by every member of a tree. */
static enum err check_type_supported(const struct tree *tree, uint16_t type, struct why *why) {
  return require(tree_all_support_proposal(tree, type), why, ERR_INVALID_PROPOSAL,
                 "RFC 9420, section 12.2: a proposal of type %u, which a member does not support",
                 type);
}

enum err proposal_check(const struct epoch *epoch, const struct proposal *proposal,
                        struct sender sender, const struct proposal_rules *rules) {
  enum err err = OK;
  const struct proposal_kind *kind = proposal_kind_of(proposal->type);
  TRY(require(sender_may_propose(sender.type, proposal->type), rules->why, ERR_INVALID_PROPOSAL,
              "RFC 9420, section 12.1.8: a proposal of type %u by a sender of type %u",
              proposal->type, sender.type));
  TRY(check_type_supported(epoch->tree, proposal->type, rules->why));
  if (kind->check != NULL)
    TRY(kind->check(epoch, proposal, sender, rules));
done:
  return err;
}

enum err proposal_describe(struct changes *changes, const struct proposal *proposal,
                           struct sender proposer, const struct tree *tree, size_t position) {
  enum err err = OK;
  const struct proposal_kind *kind = proposal_kind_of(proposal->type);
  struct change change = {
      .leaf = LEAF_NONE, .proposer = proposer, .position = position, .type = proposal->type};
  if (kind->describe == NULL)
    return OK;
  TRY(kind->describe(&change, proposal, tree));
  TRY(changes_append(changes, &change));
done:
  change_free(&change);
  return err;
}

/* ---- Applying (section 12.3) ---- */

/* RFC 9420, section 12.4; of its own types the application says so. */
static bool needs_path(const struct proposal_rules *rules, uint16_t type) {
  const struct proposal_form *form = proposal_form_of(type);
  return form->needs_path || (form == proposal_forms[0] && list_has(rules->path_types, type));
}

static enum err apply_item(struct application *job, enum proposal_pass pass) {
  const struct listed_proposal *item = &job->list->item[job->at];
  const struct proposal_kind *kind = proposal_kinds[item->row];
  struct effects *effects = job->effects;
  if (kind->pass != pass)
    return OK;
  effects->path_required = effects->path_required || needs_path(job->rules, item->proposal.type);
  return kind->apply(job, item);
}

/* Whoever is removed or added does not process the commit, and need not know the types in it. */
static enum err check_types(struct application *job) {
  enum err err = OK;
  for (job->at = 0; job->at < job->list->count; job->at++)
    TRY(check_type_supported(job->effects->tree, job->list->item[job->at].proposal.type, job->why));
done:
  return err;
}

static enum err apply_all(struct application *job) {
  enum err err = OK;
  for (enum proposal_pass pass = PASS_GROUP; pass < PASSES; pass++) {
    if (pass == PASS_ADD)
      TRY(check_types(job));
    for (job->at = 0; job->at < job->list->count; job->at++)
      TRY(apply_item(job, pass));
  }
done:
  return err;
}

/* RFC 9420, section 12.2: afterwards every leaf that was put is valid in the new tree. */
static enum err check_result(struct application *job) {
  enum err err = OK;
  const struct effects *effects = job->effects;
  const struct proposal_list *list = job->list;
  size_t context_at = job->context_at;
  for (size_t i = 0; i < effects->changes.count; i++) {
    const struct change *change = &effects->changes.item[i];
    if (change->kind != E2EE_CHANGE_ADD && change->kind != E2EE_CHANGE_UPDATE)
      continue;
    /* Which proposal to blame for a leaf that the new GroupContext does not allow: a committer can
     * leave out what others proposed, be it the leaf or the GroupContext, and not what it planned. */
    bool planned = list->item[change->position].stored == NULL;
    job->at = planned && context_at < list->count ? context_at : change->position;
    err =
        validate_leaf(effects->tree, effects->extensions, change->subject, change->leaf, job->why);
    TRY(err == ERR_INVALID_TREE ? ERR_INVALID_PROPOSAL : err);
  }
  job->at = context_at;
  if (context_at < list->count)
    TRY(validate_extensions(effects->tree, effects->extensions, job->why));
  job->at = list->count;
done:
  return err;
}

enum err proposals_apply(const struct epoch *epoch, const struct proposal_list *list,
                         uint32_t committer, const struct proposal_rules *rules, size_t *offender,
                         struct effects *out) {
  enum err err = OK;
  struct effects effects = {.extensions = epoch->context.extensions};
  struct application job = {epoch, list, rules, rules->why, &effects, list->count, list->count};
  TRY(proposal_list_check(list, epoch, committer, rules));
  size_t adds = proposal_list_count(list, PROPOSAL_ADD);
  effects.added = mem_new(adds, sizeof *effects.added);
  effects.added_key_package = mem_new(adds, sizeof *effects.added_key_package);
  TRY(effects.added == NULL || effects.added_key_package == NULL ? ERR_NOMEM : OK);
  TRY(tree_edit(epoch->tree, &effects.tree));
  TRY(apply_all(&job));
  TRY(check_result(&job));
  effects.path_required = effects.path_required || list->count == 0;
  *out = effects;
  effects = (struct effects){0};
done:
  if (err != OK && offender != NULL)
    *offender = job.at;
  effects_free(&effects);
  return err;
}
