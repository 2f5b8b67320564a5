/*
 * Which proposals may stand in one list (RFC 9420, section 12.2): for what we choose, and for what others
 * have committed.  What depends on their types, the rows say.
 * SPDX-License-Identifier: ISC
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mls/group/proposals.h"

/* ---- One of the list, and how many of each type ---- */

enum err proposal_list_check_size(const struct proposal_list *list, const struct epoch *epoch,
                                  bool external, const struct proposal_rules *rules) {
  enum err err = OK;
  for (size_t i = 0; proposal_kinds[i] != NULL; i++)
    if (proposal_kinds[i]->check_count != NULL)
      TRY(proposal_kinds[i]->check_count(list, list->of_row[i], epoch, external, rules));
done:
  return err;
}

enum err proposal_list_check_item(const struct listed_proposal *item, bool external,
                                  struct why *why) {
  enum err err = OK;
  const struct proposal_kind *kind = proposal_kinds[item->row];
  TRY(require(sender_may_propose(item->sender.type, item->proposal.type), why, ERR_INVALID_PROPOSAL,
              "RFC 9420, section 12.2: a proposal of type %u by a sender of type %u",
              item->proposal.type, item->sender.type));
  TRY(require(item->stored != NULL || !kind->of_sender, why, ERR_INVALID_PROPOSAL,
              "RFC 9420, section 12.2: the committer updates or removes itself, leaf %u",
              item->sender.index));
  TRY(require(!external || item->stored == NULL || kind->brought, why, ERR_INVALID_PROPOSAL,
              "RFC 9420, section 12.4.3.2: an external commit with a proposal by reference"));
done:
  return err;
}

/* ---- What may stand beside what ---- */

static uint32_t leaf_of(const struct listed_proposal *item) {
  const struct proposal_kind *kind = proposal_kinds[item->row];
  return kind->leaf != NULL ? kind->leaf(&item->proposal, item->sender) : LEAF_NONE;
}

bool proposal_list_admits(const struct proposal_list *list, const struct proposal *proposal,
                          struct sender sender, uint32_t committer) {
  uint32_t leaf = proposal_leaf(proposal, sender);
  if (leaf == LEAF_NONE)
    return true;
  /* Updates and removals of the committer are for others to commit. */
  if (leaf == committer)
    return false;
  for (size_t i = 0; i < list->count; i++)
    if (leaf_of(&list->item[i]) == leaf)
      return false;
  return true;
}

static int compare_leaves(const void *a, const void *b) {
  uint32_t left = 0, right = 0;
  memcpy(&left, a, sizeof left);
  memcpy(&right, b, sizeof right);
  return (left > right) - (left < right);
}

/* No leaf is the subject of two Updates or Removes, and the committer of none: so an Update or a
 * SelfRemove is never committed by value. */
static enum err check_subjects(const struct proposal_list *list, uint32_t committer,
                               struct why *why) {
  enum err err = OK;
  size_t count = 0;
  uint32_t *leaves = mem_new(list->count, sizeof *leaves);
  TRY(leaves == NULL ? ERR_NOMEM : OK);
  for (size_t i = 0; i < list->count; i++) {
    const struct listed_proposal *item = &list->item[i];
    const struct proposal_kind *kind = proposal_kinds[item->row];
    if (kind->leaf != NULL)
      leaves[count++] = kind->leaf(&item->proposal, item->sender);
  }
  qsort(leaves, count, sizeof *leaves, compare_leaves);
  for (size_t i = 0; i < count; i++) {
    TRY(require(leaves[i] != committer, why, ERR_INVALID_PROPOSAL,
                "RFC 9420, section 12.2: the committer updates or removes itself, leaf %u",
                leaves[i]));
    TRY(require(i == 0 || leaves[i] != leaves[i - 1], why, ERR_INVALID_PROPOSAL,
                "RFC 9420, section 12.2: two proposals for leaf %u", leaves[i]));
  }
done:
  mem_free(leaves);
  return err;
}

/* ---- The whole list.  Two Adds of one client are found by the tree, where no key occurs twice. ---- */

enum err proposal_list_check(const struct proposal_list *list, const struct epoch *epoch,
                             uint32_t committer, const struct proposal_rules *rules) {
  enum err err = OK;
  bool external = committer == LEAF_NONE;
  TRY(proposal_list_check_size(list, epoch, external, rules));
  for (size_t i = 0; i < list->count; i++)
    TRY(proposal_list_check_item(&list->item[i], external, rules->why));
  TRY(check_subjects(list, committer, rules->why));
  for (size_t i = 0; proposal_kinds[i] != NULL; i++)
    if (proposal_kinds[i]->check_together != NULL)
      TRY(proposal_kinds[i]->check_together(list, rules->why));
  TRY(require(!external || proposal_list_count(list, PROPOSAL_EXTERNAL_INIT) == 1, rules->why,
              ERR_INVALID_PROPOSAL,
              "RFC 9420, section 12.2: an external commit without an ExternalInit"));
done:
  return err;
}
