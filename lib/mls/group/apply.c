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

/* What the steps of one application share. */
struct application {
  const struct epoch *epoch;
  const struct proposal_list *list;
  uint32_t committer;
  const struct proposal_rules *rules;
  struct why *why;
  struct effects *effects;
  size_t at; /* the proposal being worked on */
};

/* ---- Single proposals (section 12.1) ---- */

/* @param checked  the same bytes were checked before, but time has passed */
static enum err read_key_package(const struct epoch *epoch, struct view raw, bool checked,
                                 const struct proposal_rules *rules, struct key_package *out) {
  enum err err = OK;
  struct why *why = rules->why;
  struct key_package key_package = {0};
  struct reader reader = reader_of(raw);
  TRY(key_package_read(&reader, why, &key_package));
  if (!checked)
    TRY(key_package_check(epoch->suite, &key_package, why));
  TRY(leaf_check_lifetime(key_package.leaf, &rules->lifetime, why));
  *out = key_package;
  key_package = (struct key_package){0};
done:
  key_package_free(&key_package);
  return err;
}

/* RFC 9420, section 12.1.2 and 7.3. */
static enum err read_update(const struct epoch *epoch, struct view raw, uint32_t sender,
                            struct why *why, struct leaf **out) {
  enum err err = OK;
  struct leaf *leaf = NULL;
  struct reader reader = reader_of(raw);
  TRY(leaf_read(&reader, why, &leaf));
  TRY(require(leaf_source(leaf) == LEAF_UPDATE, why, ERR_INVALID_PROPOSAL,
              "RFC 9420, section 12.1.2: the leaf in the Update of leaf %u is of source %u", sender,
              leaf_source(leaf)));
  const struct leaf *old = tree_leaf(epoch->tree, sender); /* who signed the proposal */
  TRY(require(!view_equal(leaf_encryption_key(old), leaf_encryption_key(leaf)), why,
              ERR_INVALID_PROPOSAL,
              "RFC 9420, section 7.3: the Update of leaf %u keeps its encryption key", sender));
  TRY(leaf_verify_signature(epoch->suite, leaf, epoch->context.group_id, sender, why));
  *out = leaf;
  leaf = NULL;
done:
  leaf_drop(leaf);
  return err;
}

static enum err check_psk(const struct epoch *epoch, const struct psk_id *psk,
                          const struct proposal_rules *rules) {
  enum err err = OK;
  struct why *why = rules->why;
  TRY(require(psk->nonce.size == epoch->suite->hash->size, why, ERR_INVALID_PROPOSAL,
              "RFC 9420, section 12.1.4: a psk_nonce of %zu bytes", psk->nonce.size));
  TRY(require(psk->type != PSK_RESUMPTION || psk->usage == PSK_APPLICATION ||
                  psk->usage == rules->psk_usage,
              why, ERR_INVALID_PROPOSAL,
              "RFC 9420, section 12.1.4: a resumption PSK of usage %u in a proposal", psk->usage));
done:
  return err;
}

/* What nobody could go on to is refused; what others may know and this library does not, only shown. */
static enum err check_reinit(const struct epoch *epoch, const struct proposal *proposal,
                             struct why *why) {
  enum err err = OK;
  TRY(require(proposal->body.reinit.version >= epoch->context.version, why, ERR_INVALID_PROPOSAL,
              "RFC 9420, section 12.1.5: a ReInit to the lower version %u",
              proposal->body.reinit.version));
  TRY(require(!view_equal(proposal->body.reinit.group_id, epoch->context.group_id), why,
              ERR_INVALID_PROPOSAL,
              "RFC 9420, section 11.2: a ReInit to the id of the group that it ends"));
  TRY(require(proposal->body.reinit.cipher_suite != 0, why, ERR_INVALID_PROPOSAL,
              "RFC 9420, section 17.1: a ReInit to the reserved cipher suite 0"));
  struct group_context announced = {.group_id = proposal->body.reinit.group_id,
                                    .tree_hash = view_of(NULL, HASH_MAX),
                                    .confirmed_transcript_hash = view_of(NULL, HASH_MAX),
                                    .extensions = proposal->body.reinit.extensions};
  TRY(require(group_context_size(&announced) <= CONTEXT_BYTES_MAX, why, ERR_LIMIT,
              "a ReInit to a GroupContext of more than %u bytes", CONTEXT_BYTES_MAX));
  TRY(validate_announced(proposal->body.reinit.cipher_suite, proposal->body.reinit.extensions,
                         why));
done:
  return err;
}

/* RFC 9420, section 12.2: a type that is not a default one is supported by every member of a tree. */
static enum err check_type_supported(const struct tree *tree, uint16_t type, struct why *why) {
  return require(tree_all_support_proposal(tree, type), why, ERR_INVALID_PROPOSAL,
                 "RFC 9420, section 12.2: a proposal of type %u, which a member does not support",
                 type);
}

/* What no epoch could begin with. */
static enum err check_extensions(const struct epoch *epoch, struct view extensions,
                                 struct why *why) {
  enum err err = OK;
  size_t size = epoch_context_size(epoch, extensions);
  TRY(require(size <= CONTEXT_BYTES_MAX, why, ERR_LIMIT,
              "a GroupContext of %zu bytes, of at most %u", size, CONTEXT_BYTES_MAX));
  TRY(validate_announced(epoch->suite->id, extensions, why));
done:
  return err;
}

static enum err check_body(const struct epoch *epoch, const struct proposal *proposal,
                           struct sender sender, const struct proposal_rules *rules) {
  enum err err = OK;
  struct why *why = rules->why;
  struct key_package key_package = {0};
  struct leaf *leaf = NULL;
  switch (proposal->type) {
  case PROPOSAL_ADD:
    TRY(read_key_package(epoch, proposal->body.add, false, rules, &key_package));
    break;
  case PROPOSAL_UPDATE:
    TRY(read_update(epoch, proposal->body.update, sender.index, why, &leaf));
    break;
  case PROPOSAL_REMOVE:
    TRY(require(tree_leaf(epoch->tree, proposal->body.remove) != NULL, why, ERR_INVALID_PROPOSAL,
                "RFC 9420, section 12.1.3: a Remove of the blank leaf %u", proposal->body.remove));
    break;
  case PROPOSAL_PSK:
    TRY(check_psk(epoch, &proposal->body.psk, rules));
    break;
  case PROPOSAL_REINIT:
    TRY(check_reinit(epoch, proposal, why));
    break;
  case PROPOSAL_GROUP_CONTEXT_EXTENSIONS:
    TRY(check_extensions(epoch, proposal->body.group_context_extensions, why));
    break;
  default: /* the others have nothing to look at that reading has not */
    break;
  }
done:
  key_package_free(&key_package);
  leaf_drop(leaf);
  return err;
}

enum err proposal_check(const struct epoch *epoch, const struct proposal *proposal,
                        struct sender sender, const struct proposal_rules *rules) {
  enum err err = OK;
  TRY(require(sender_may_propose(sender.type, proposal->type), rules->why, ERR_INVALID_PROPOSAL,
              "RFC 9420, section 12.1.8: a proposal of type %u by a sender of type %u",
              proposal->type, sender.type));
  TRY(check_type_supported(epoch->tree, proposal->type, rules->why));
  TRY(check_body(epoch, proposal, sender, rules));
done:
  return err;
}

/* ---- The list (section 12.2) ---- */

static int compare_leaves(const void *a, const void *b) {
  uint32_t left = 0, right = 0;
  memcpy(&left, a, sizeof left);
  memcpy(&right, b, sizeof right);
  return (left > right) - (left < right);
}

/* No leaf is the subject of two Updates or Removes, and the committer of none: so an Update or a
 * SelfRemove is never committed by value. */
static enum err check_subjects(const struct application *job) {
  enum err err = OK;
  size_t count = 0;
  uint32_t *leaves = mem_new(job->list->count, sizeof *leaves);
  TRY(leaves == NULL ? ERR_NOMEM : OK);
  for (size_t i = 0; i < job->list->count; i++) {
    const struct listed_proposal *item = &job->list->item[i];
    if (item->proposal.type == PROPOSAL_UPDATE || item->proposal.type == PROPOSAL_SELF_REMOVE)
      leaves[count++] = item->sender.index;
    else if (item->proposal.type == PROPOSAL_REMOVE)
      leaves[count++] = item->proposal.body.remove;
  }
  qsort(leaves, count, sizeof *leaves, compare_leaves);
  for (size_t i = 0; i < count; i++) {
    TRY(require(leaves[i] != job->committer, job->why, ERR_INVALID_PROPOSAL,
                "RFC 9420, section 12.2: the committer updates or removes itself, leaf %u",
                leaves[i]));
    TRY(require(i == 0 || leaves[i] != leaves[i - 1], job->why, ERR_INVALID_PROPOSAL,
                "RFC 9420, section 12.2: two proposals for leaf %u", leaves[i]));
  }
done:
  mem_free(leaves);
  return err;
}

static int compare_psks(const void *a, const void *b) {
  const struct proposal *const *left = a, *const *right = b;
  return view_compare((*left)->raw, (*right)->raw);
}

/* No PreSharedKeyID twice: equal ones lie side by side once they are sorted.  Of two that differ in
 * their nonces alone, each is mixed in. */
static enum err check_psks(const struct application *job) {
  enum err err = OK;
  const struct proposal_list *list = job->list;
  const struct proposal *psk[LISTED_PSKS_MAX];
  size_t count = 0;
  for (size_t i = 0; i < list->count && count < LISTED_PSKS_MAX; i++)
    if (list->item[i].proposal.type == PROPOSAL_PSK)
      psk[count++] = &list->item[i].proposal;
  qsort(psk, count, sizeof psk[0], compare_psks);
  for (size_t i = 1; i < count; i++)
    TRY(require(compare_psks(&psk[i - 1], &psk[i]) != 0, job->why, ERR_INVALID_PROPOSAL,
                "RFC 9420, section 12.2: one PreSharedKeyID twice"));
done:
  return err;
}

static enum err check_list(const struct application *job) {
  enum err err = OK;
  const struct proposal_list *list = job->list;
  bool external = job->committer == LEAF_NONE;
  TRY(proposal_list_check_size(list, job->epoch, external, job->rules));
  for (size_t i = 0; i < list->count; i++)
    TRY(proposal_list_check_item(&list->item[i], external, job->why));
  TRY(check_subjects(job));
  TRY(check_psks(job));
  TRY(require(!external || proposal_list_count(list, PROPOSAL_EXTERNAL_INIT) == 1, job->why,
              ERR_INVALID_PROPOSAL,
              "RFC 9420, section 12.2: an external commit without an ExternalInit"));
done:
  return err;
}

/* ---- Applying (section 12.3) ---- */

static enum err apply_update(struct application *job, const struct listed_proposal *item) {
  enum err err = OK;
  struct effects *effects = job->effects;
  struct leaf *leaf = NULL;
  uint32_t index = item->sender.index;
  TRY(read_update(job->epoch, item->proposal.body.update, index, job->why, &leaf));
  err = tree_replace_leaf(effects->tree, index, leaf);
  if (err == ERR_INVALID_TREE)
    TRY(refuse(job->why, ERR_INVALID_PROPOSAL,
               "RFC 9420, section 7.3: a key in the Update of leaf %u is in use", index));
  TRY(err);
  TRY(tree_blank_path(effects->tree, index));
  TRY(changes_add(&effects->changes, E2EE_CHANGE_UPDATE, PROPOSAL_UPDATE, index, item->sender, leaf,
                  job->at));
  effects->path_required = true;
  if (index == job->epoch->own_leaf && item->stored != NULL)
    effects->own_update_key = item->stored->update_key;
done:
  leaf_drop(leaf);
  return err;
}

/* A Remove, or a SelfRemove of its sender. */
static enum err apply_remove(struct application *job, const struct listed_proposal *item) {
  enum err err = OK;
  struct effects *effects = job->effects;
  bool self = item->proposal.type == PROPOSAL_SELF_REMOVE;
  uint32_t index = self ? item->sender.index : item->proposal.body.remove;
  const struct leaf *leaf = tree_leaf(job->epoch->tree, index);
  TRY(require(leaf != NULL, job->why, ERR_INVALID_PROPOSAL,
              "RFC 9420, section 12.1.3: a Remove of the blank leaf %u", index));
  TRY(tree_remove_leaf(effects->tree, index));
  TRY(changes_add(&effects->changes, E2EE_CHANGE_REMOVE, item->proposal.type, index, item->sender,
                  leaf, job->at));
  effects->path_required = true;
  effects->removes_own = effects->removes_own || index == job->epoch->own_leaf;
done:
  return err;
}

static enum err apply_add(struct application *job, const struct listed_proposal *item) {
  enum err err = OK;
  struct effects *effects = job->effects;
  struct key_package key_package = {0};
  uint32_t index = 0;
  TRY(require(tree_members(effects->tree) < job->rules->max_members, job->why, ERR_LIMIT,
              "the group would have more than %u members", job->rules->max_members));
  TRY(read_key_package(job->epoch, item->proposal.body.add, item->checked, job->rules,
                       &key_package));
  err = tree_add_leaf(effects->tree, key_package.leaf, &index);
  if (err == ERR_INVALID_TREE)
    TRY(refuse(job->why, ERR_INVALID_PROPOSAL,
               "RFC 9420, section 12.2: an Add of a client or key that is a member already"));
  TRY(err);
  TRY(changes_add_member(&effects->changes, &key_package, index, item->sender, job->at));
  effects->added[effects->added_count] = index;
  effects->added_key_package[effects->added_count++] = item->proposal.body.add;
done:
  key_package_free(&key_package);
  return err;
}

/* RFC 9420, section 12.4, of the types that apply_other() is for. */
static bool needs_path(const struct proposal_rules *rules, uint16_t type) {
  if (proposal_is_default(type))
    return type == PROPOSAL_EXTERNAL_INIT || type == PROPOSAL_GROUP_CONTEXT_EXTENSIONS;
  return list_has(rules->path_types, type);
}

static enum err apply_other(struct application *job, const struct listed_proposal *item) {
  enum err err = OK;
  struct effects *effects = job->effects;
  const struct proposal *proposal = &item->proposal;
  TRY(check_body(job->epoch, proposal, item->sender, job->rules));
  effects->path_required = effects->path_required || needs_path(job->rules, proposal->type);
  if (proposal->type == PROPOSAL_EXTERNAL_INIT) {
    effects->external_init = proposal->body.external_init;
    return OK;
  }
  if (proposal->type == PROPOSAL_GROUP_CONTEXT_EXTENSIONS)
    effects->extensions = proposal->body.group_context_extensions;
  else if (proposal->type == PROPOSAL_REINIT)
    effects->reinit = proposal->raw;
  TRY(changes_add_other(&effects->changes, proposal, item->sender, job->at));
done:
  return err;
}

/* The passes over the list, in the order of section 12.3. */
enum { PASS_ADD = 4, PASSES = 5 };

static enum err apply_item(struct application *job, unsigned pass) {
  const struct listed_proposal *item = &job->list->item[job->at];
  switch (item->proposal.type) {
  case PROPOSAL_UPDATE:
    return pass == 1 ? apply_update(job, item) : OK;
  case PROPOSAL_SELF_REMOVE:
    return pass == 2 ? apply_remove(job, item) : OK;
  case PROPOSAL_REMOVE:
    return pass == 3 ? apply_remove(job, item) : OK;
  case PROPOSAL_ADD:
    return pass == PASS_ADD ? apply_add(job, item) : OK;
  default:
    return pass == 0 ? apply_other(job, item) : OK;
  }
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
  for (unsigned pass = 0; pass < PASSES; pass++) {
    if (pass == PASS_ADD)
      TRY(check_types(job));
    for (job->at = 0; job->at < job->list->count; job->at++)
      TRY(apply_item(job, pass));
  }
done:
  return err;
}

/* Where the list sets the GroupContext's extensions; its size: nowhere. */
static size_t extensions_at(const struct proposal_list *list) {
  size_t at = 0;
  while (at < list->count && list->item[at].proposal.type != PROPOSAL_GROUP_CONTEXT_EXTENSIONS)
    at++;
  return at;
}

/* RFC 9420, section 12.2: afterwards every leaf that was put is valid in the new tree. */
static enum err check_result(struct application *job) {
  enum err err = OK;
  const struct effects *effects = job->effects;
  const struct proposal_list *list = job->list;
  size_t context_at = extensions_at(list);
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
  struct application job = {epoch, list, committer, rules, rules->why, &effects, list->count};
  TRY(check_list(&job));
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
