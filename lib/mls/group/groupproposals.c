/*
 * Proposals that touch no leaf: PSK, ReInit, ExternalInit, GroupContextExtensions, and those of the
 * application (RFC 9420, sections 12.1.4 to 12.1.7).
 * SPDX-License-Identifier: ISC
 */
#include <e2ee/e2ee.h>
#include <stdlib.h>

#include "mls/group/resume.h"
#include "mls/group/validate.h"

static enum err apply_shown(struct application *job, const struct listed_proposal *item) {
  enum err err = OK;
  const struct proposal_kind *kind = proposal_kinds[item->row];
  if (kind->check != NULL)
    TRY(kind->check(job->epoch, &item->proposal, item->sender, job->rules));
  TRY(proposal_describe(&job->effects->changes, &item->proposal, item->sender, job->epoch->tree,
                        job->at));
done:
  return err;
}

/* ---- PSK ---- */

static enum err check_psk_count(const struct proposal_list *list, size_t count,
                                const struct epoch *epoch, bool external,
                                const struct proposal_rules *rules) {
  (void)list, (void)epoch, (void)external;
  return require(count <= LISTED_PSKS_MAX, rules->why, ERR_LIMIT,
                 "more than %d PSK proposals in one commit", LISTED_PSKS_MAX);
}

static int compare_psks(const void *a, const void *b) {
  const struct proposal *const *left = a, *const *right = b;
  return view_compare((*left)->raw, (*right)->raw);
}

/* No PreSharedKeyID twice: equal ones lie side by side once they are sorted.  Of two that differ in
 * their nonces alone, each is mixed in. */
static enum err check_psks(const struct proposal_list *list, struct why *why) {
  enum err err = OK;
  const struct proposal *psk[LISTED_PSKS_MAX];
  size_t count = 0;
  for (size_t i = 0; i < list->count && count < LISTED_PSKS_MAX; i++)
    if (list->item[i].proposal.type == PROPOSAL_PSK)
      psk[count++] = &list->item[i].proposal;
  qsort(psk, count, sizeof psk[0], compare_psks);
  for (size_t i = 1; i < count; i++)
    TRY(require(compare_psks(&psk[i - 1], &psk[i]) != 0, why, ERR_INVALID_PROPOSAL,
                "RFC 9420, section 12.2: one PreSharedKeyID twice"));
done:
  return err;
}

static enum err check_psk(const struct epoch *epoch, const struct proposal *proposal,
                          struct sender sender, const struct proposal_rules *rules) {
  enum err err = OK;
  struct why *why = rules->why;
  const struct psk_id *psk = &proposal->body.psk;
  (void)sender;
  TRY(require(psk->nonce.size == epoch->suite->hash->size, why, ERR_INVALID_PROPOSAL,
              "RFC 9420, section 12.1.4: a psk_nonce of %zu bytes", psk->nonce.size));
  TRY(require(psk->type != PSK_RESUMPTION || psk->usage == PSK_APPLICATION ||
                  psk->usage == rules->psk_usage,
              why, ERR_INVALID_PROPOSAL,
              "RFC 9420, section 12.1.4: a resumption PSK of usage %u in a proposal", psk->usage));
done:
  return err;
}

static enum proposal_turn turn_of_psk(const struct proposal *proposal) {
  return proposal->body.psk.type == PSK_RESUMPTION ? TURN_RESUMPTION : TURN_OTHER;
}

/* Mixed in twice, under two nonces, a secret would add nothing. */
static bool is_listed(const struct proposal_list *list, const struct psk_id *psk) {
  for (size_t i = 0; i < list->count; i++) {
    const struct proposal *proposal = &list->item[i].proposal;
    if (proposal->type == PROPOSAL_PSK && psk_id_compare(&proposal->body.psk, psk) == 0)
      return true;
  }
  return false;
}

static enum err choose_psk(const struct group *group, const struct proposal_list *list,
                           const struct proposal *proposal, bool *out) {
  const struct psk_id *psk = &proposal->body.psk;
  struct view secret;
  /* Whoever does not have it would be left behind, or could not join. */
  bool all_have = psk->type != PSK_RESUMPTION ||
                  (proposal_list_count(list, PROPOSAL_ADD) == 0 && resume_all_have(group, psk));
  *out = all_have && group_find_psk(group, psk, &secret) && !is_listed(list, psk);
  return OK;
}

static enum err describe_psk(struct change *change, const struct proposal *proposal,
                             const struct tree *tree) {
  const struct psk_id *psk = &proposal->body.psk;
  (void)tree;
  change->kind = E2EE_CHANGE_PSK;
  change->psk_type = psk->type;
  change->psk_usage = psk->usage;
  change->psk_epoch = psk->psk_epoch;
  return bytes_copy(&change->data,
                    psk->type == PSK_EXTERNAL ? psk->external_id : psk->psk_group_id);
}

const struct proposal_kind proposal_kind_psk = {
    .type = PROPOSAL_PSK,
    .pass = PASS_GROUP,
    .turn_of = turn_of_psk,
    .check_count = check_psk_count,
    .check_together = check_psks,
    .check = check_psk,
    .choose = choose_psk,
    .apply = apply_shown,
    .describe = describe_psk,
};

/* ---- ReInit ---- */

static enum err check_reinit_count(const struct proposal_list *list, size_t count,
                                   const struct epoch *epoch, bool external,
                                   const struct proposal_rules *rules) {
  (void)epoch, (void)external;
  return require(count == 0 || list->count == 1, rules->why, ERR_INVALID_PROPOSAL,
                 "RFC 9420, section 12.2: a ReInit together with another proposal");
}

/* What nobody could go on to is refused; what others may know and this library does not, only shown. */
static enum err check_reinit(const struct epoch *epoch, const struct proposal *proposal,
                             struct sender sender, const struct proposal_rules *rules) {
  enum err err = OK;
  struct why *why = rules->why;
  (void)sender;
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

/* Who ends the group by it could not go on. */
static enum err choose_reinit(const struct group *group, const struct proposal_list *list,
                              const struct proposal *proposal, bool *out) {
  (void)group, (void)list;
  *out = resume_can_follow(proposal);
  return OK;
}

static enum err apply_reinit(struct application *job, const struct listed_proposal *item) {
  job->effects->reinit = item->proposal.raw;
  return apply_shown(job, item);
}

static enum err describe_reinit(struct change *change, const struct proposal *proposal,
                                const struct tree *tree) {
  enum err err = OK;
  (void)tree;
  change->kind = E2EE_CHANGE_REINIT;
  change->version = proposal->body.reinit.version;
  change->cipher_suite = proposal->body.reinit.cipher_suite;
  TRY(bytes_copy(&change->data, proposal->body.reinit.group_id));
  TRY(bytes_copy(&change->extensions, proposal->body.reinit.extensions));
done:
  return err;
}

const struct proposal_kind proposal_kind_reinit = {
    .type = PROPOSAL_REINIT,
    .pass = PASS_GROUP,
    .turn = TURN_END,
    .check_count = check_reinit_count,
    .check = check_reinit,
    .choose = choose_reinit,
    .apply = apply_reinit,
    .describe = describe_reinit,
};

/* ---- ExternalInit ---- */

/* That there is one, the list as a whole is asked, once it is complete. */
static enum err check_external_init_count(const struct proposal_list *list, size_t count,
                                          const struct epoch *epoch, bool external,
                                          const struct proposal_rules *rules) {
  (void)list, (void)epoch, (void)external;
  return require(count <= 1, rules->why, ERR_INVALID_PROPOSAL,
                 "RFC 9420, section 12.2: an external commit with more than one ExternalInit");
}

static enum err apply_external_init(struct application *job, const struct listed_proposal *item) {
  job->effects->external_init = item->proposal.body.external_init;
  return OK;
}

const struct proposal_kind proposal_kind_external_init = {
    .type = PROPOSAL_EXTERNAL_INIT,
    .pass = PASS_GROUP,
    .turn = TURN_OTHER,
    .check_count = check_external_init_count,
    .apply = apply_external_init,
};

/* ---- GroupContextExtensions ---- */

static enum err check_extensions_count(const struct proposal_list *list, size_t count,
                                       const struct epoch *epoch, bool external,
                                       const struct proposal_rules *rules) {
  (void)list, (void)epoch, (void)external;
  return require(count <= 1, rules->why, ERR_INVALID_PROPOSAL,
                 "RFC 9420, section 12.2: more than one GroupContextExtensions");
}

/* What no epoch could begin with. */
static enum err check_extensions(const struct epoch *epoch, const struct proposal *proposal,
                                 struct sender sender, const struct proposal_rules *rules) {
  enum err err = OK;
  struct view extensions = proposal->body.group_context_extensions;
  size_t size = epoch_context_size(epoch, extensions);
  (void)sender;
  TRY(require(size <= CONTEXT_BYTES_MAX, rules->why, ERR_LIMIT,
              "a GroupContext of %zu bytes, of at most %u", size, CONTEXT_BYTES_MAX));
  TRY(validate_announced(epoch->suite->id, extensions, rules->why));
done:
  return err;
}

static enum err check_extensions_settings(const struct settings *settings,
                                          const struct epoch *epoch,
                                          const struct proposal *proposal, struct why *why) {
  size_t size = epoch_context_size(epoch, proposal->body.group_context_extensions);
  return require(size <= settings->max_context_bytes || size < epoch->context_raw.size, why,
                 ERR_LIMIT, "a GroupContext of %zu bytes, where the settings allow %u", size,
                 settings->max_context_bytes);
}

static enum err apply_extensions(struct application *job, const struct listed_proposal *item) {
  job->effects->extensions = item->proposal.body.group_context_extensions;
  job->context_at = job->at;
  return apply_shown(job, item);
}

static enum err describe_extensions(struct change *change, const struct proposal *proposal,
                                    const struct tree *tree) {
  (void)tree;
  change->kind = E2EE_CHANGE_EXTENSIONS;
  return bytes_copy(&change->extensions, proposal->body.group_context_extensions);
}

const struct proposal_kind proposal_kind_group_context_extensions = {
    .type = PROPOSAL_GROUP_CONTEXT_EXTENSIONS,
    .pass = PASS_GROUP,
    .turn = TURN_OTHER,
    .check_count = check_extensions_count,
    .check = check_extensions,
    .check_settings = check_extensions_settings,
    .apply = apply_extensions,
    .describe = describe_extensions,
};

/* ---- Those of the application, of which nothing is known but their bytes ---- */

static enum err check_custom_count(const struct proposal_list *list, size_t count,
                                   const struct epoch *epoch, bool external,
                                   const struct proposal_rules *rules) {
  (void)list, (void)epoch, (void)external;
  return require(count <= LISTED_CUSTOMS_MAX, rules->why, ERR_LIMIT,
                 "more than %d proposals of the application in one commit", LISTED_CUSTOMS_MAX);
}

static enum err describe_custom(struct change *change, const struct proposal *proposal,
                                const struct tree *tree) {
  (void)tree;
  change->kind = E2EE_CHANGE_CUSTOM;
  return bytes_copy(&change->data, proposal->body.custom);
}

const struct proposal_kind proposal_kind_custom = {
    .pass = PASS_GROUP,
    .turn = TURN_OTHER,
    .check_count = check_custom_count,
    .apply = apply_shown,
    .describe = describe_custom,
};
