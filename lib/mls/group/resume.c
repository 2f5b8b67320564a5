/* SPDX-License-Identifier: ISC */
#include "mls/group/resume.h"

#include <stdlib.h>

#include "base/mem.h"
#include "crypto/provider.h"
#include "mls/keys/psk.h"
#include "mls/wire/credential.h"

/* ---- Pre-shared keys ---- */

bool group_resumption_psk(const struct group *group, uint64_t epoch, struct view *out) {
  if (group_epoch_number(group) != epoch)
    return psk_history_find(&group->psks, epoch, out);
  if (group->epoch->secrets == NULL)
    return false;
  *out = secret_view(&group->epoch->secrets->resumption_psk);
  return true;
}

/* The client's group that has a resumption PSK. */
static const struct group *group_of_psk(const struct client *client, const struct psk_id *id,
                                        struct view *out) {
  for (size_t i = 0; i < client->group_count; i++)
    if (view_equal(id->psk_group_id, group_identifier(client->groups[i])) &&
        group_resumption_psk(client->groups[i], id->psk_epoch, out))
      return client->groups[i];
  return NULL;
}

bool client_resumption_psk(const struct client *client, const struct psk_id *id, struct view *out) {
  return group_of_psk(client, id, out) != NULL;
}

bool group_find_psk(const struct group *group, const struct psk_id *id, struct view *out) {
  const struct group_link *link = group->link;
  if (id->type == PSK_EXTERNAL)
    return client_find_psk(group->client, id->external_id, out);
  if (link != NULL && id->usage == link->usage && id->psk_epoch == link->epoch &&
      view_equal(id->psk_group_id, bytes_view(&link->group_id))) {
    *out = secret_view(&link->psk);
    return true;
  }
  return client_resumption_psk(group->client, id, out);
}

bool resume_all_have(const struct group *group, const struct psk_id *id) {
  return id->psk_epoch == group_epoch_number(group) &&
         view_equal(id->psk_group_id, group_identifier(group));
}

enum err group_psk_secret(const struct group *group, const struct proposal_list *list,
                          struct secret *out) {
  enum err err = OK;
  const struct suite *suite = group->epoch->suite;
  struct secret psk_secret = {0};
  struct writer id = {0};
  uint16_t count = 0, index = 0;
  for (size_t i = 0; i < list->count; i++)
    count = (uint16_t)(count + (list->item[i].proposal.type == PROPOSAL_PSK ? 1 : 0));
  schedule_zero(suite, &psk_secret);
  for (size_t i = 0; i < list->count; i++) {
    struct view psk;
    const struct proposal *proposal = &list->item[i].proposal;
    if (proposal->type != PROPOSAL_PSK)
      continue;
    TRY(require(group_find_psk(group, &proposal->body.psk, &psk), &group->client->why,
                ERR_INVALID_COMMIT,
                "RFC 9420, section 12.4.2: PSK %u of the commit is not known here", index));
    writer_free(&id);
    psk_id_write(&id, &proposal->body.psk);
    TRY(id.err);
    TRY(psk_mix(suite, writer_view(&id), psk, index++, count, &psk_secret));
  }
  secret_move(out, &psk_secret);
done:
  secret_wipe(&psk_secret);
  writer_free(&id);
  return err;
}

enum err psk_proposal(const struct suite *suite, struct psk_id id, struct bytes *out) {
  uint8_t nonce[HASH_MAX];
  struct writer writer = {0};
  /* RFC 9420, section 8.4: a fresh nonce makes every use of a PSK a different input. */
  provider_random(nonce, suite->hash->size);
  id.nonce = view_of(nonce, suite->hash->size);
  proposal_write_psk(&writer, &id);
  enum err err = writer_take(&writer, out);
  writer_free(&writer);
  return err;
}

/* ---- Groups that go on from another one ---- */

static enum err link_new(const struct group *old, uint8_t usage, struct group_link **out) {
  enum err err = OK;
  struct view psk;
  struct group_link *link = locked_new(sizeof *link);
  TRY(link == NULL ? ERR_NOMEM : OK);
  link->usage = usage;
  link->epoch = old->epoch->context.epoch;
  TRY(require(group_resumption_psk(old, link->epoch, &psk), &old->client->why, ERR_INVALID_STATE,
              "RFC 9420, section 8.6: the old group has no resumption PSK any more"));
  TRY(secret_set(&link->psk, psk));
  TRY(bytes_copy(&link->group_id, group_identifier(old)));
  *out = link;
  link = NULL;
done:
  group_link_free(link);
  return err;
}

static enum err linked_group(struct client *client, const struct group *old, uint8_t usage,
                             struct view group_id, struct view extensions, struct group **out) {
  enum err err = OK;
  struct group_link *link = NULL;
  TRY(link_new(old, usage, &link));
  TRY(group_new_with(client, group_id, extensions, out));
  (*out)->link = link;
  link = NULL;
done:
  group_link_free(link);
  return err;
}

enum err resume_read_reinit(const struct group *old, struct proposal *out) {
  struct reader reader = reader_of(bytes_view(&old->epoch->reinit));
  if (old->epoch->reinit.size == 0)
    return refuse(&old->client->why, ERR_INVALID_STATE,
                  "RFC 9420, section 11.2: no ReInit was committed in the old group");
  return proposal_read(&reader, &old->client->why, out);
}

bool resume_can_follow(const struct proposal *reinit) {
  return reinit->body.reinit.version == MLS_VERSION_10 &&
         suite_find(reinit->body.reinit.cipher_suite) != NULL;
}

enum err group_new_successor(struct client *client, const struct group *old, struct group **out) {
  enum err err = OK;
  struct proposal reinit;
  TRY(resume_read_reinit(old, &reinit));
  TRY(require(reinit.body.reinit.version == MLS_VERSION_10 &&
                  reinit.body.reinit.cipher_suite == client->suite->id,
              &client->why, ERR_UNSUPPORTED,
              "RFC 9420, section 11.2: the ReInit is to version %u and suite %u, the client has %u",
              reinit.body.reinit.version, reinit.body.reinit.cipher_suite, client->suite->id));
  TRY(linked_group(client, old, PSK_REINIT, reinit.body.reinit.group_id,
                   reinit.body.reinit.extensions, out));
done:
  return err;
}

enum err group_new_branch(struct client *client, const struct group *old, struct view group_id,
                          struct group **out) {
  enum err err = OK;
  TRY(group_check_active(old));
  TRY(require(client->suite == old->epoch->suite, &client->why, ERR_INVALID_ARG,
              "RFC 9420, section 11.3: a branch has the cipher suite of its group"));
  TRY(linked_group(client, old, PSK_BRANCH, group_id, old->epoch->context.extensions, out));
done:
  return err;
}

enum err resume_link_proposal(const struct group *group, struct bytes *out) {
  const struct group_link *link = group->link;
  struct psk_id id = {.type = PSK_RESUMPTION,
                      .usage = link->usage,
                      .psk_group_id = bytes_view(&link->group_id),
                      .psk_epoch = link->epoch};
  return psk_proposal(group->epoch->suite, id, out);
}

/* ---- Joining one: what the Welcome must match ---- */

static int compare_identifiers(const void *a, const void *b) {
  return view_compare(bytes_view(a), bytes_view(b));
}

static void free_identifiers(struct bytes *list, size_t count) {
  for (size_t i = 0; list != NULL && i < count; i++)
    bytes_free(&list[i]);
  mem_free(list);
}

/* Whom the credentials of all members name, sorted.  @param out  to be freed */
static enum err sorted_identifiers(const struct tree *tree, struct bytes **out) {
  enum err err = OK;
  size_t count = 0;
  struct bytes *list = mem_new(tree_members(tree), sizeof *list);
  TRY(list == NULL ? ERR_NOMEM : OK);
  for (uint32_t leaf = tree_next_member(tree, 0); leaf != LEAF_NONE;
       leaf = tree_next_member(tree, leaf + 1))
    TRY(credential_identifiers(leaf_credential(tree_leaf(tree, leaf)), &list[count++]));
  qsort(list, count, sizeof *list, compare_identifiers);
  *out = list;
  list = NULL;
done:
  free_identifiers(list, count);
  return err;
}

/* RFC 9420, section 11.3: whether every member of one tree has its like in the other. */
static enum err members_within(const struct tree *inner, const struct tree *outer, bool *within) {
  enum err err = OK;
  struct bytes *few = NULL, *many = NULL;
  size_t at = 0, found = 0;
  TRY(sorted_identifiers(inner, &few));
  TRY(sorted_identifiers(outer, &many));
  while (found < tree_members(inner) && at < tree_members(outer)) {
    int order = compare_identifiers(&few[found], &many[at]);
    if (order < 0)
      break;
    found += order == 0 ? 1 : 0;
    at++;
  }
  *within = found == tree_members(inner);
done:
  free_identifiers(few, tree_members(inner));
  free_identifiers(many, tree_members(outer));
  return err;
}

static enum err check_reinit(const struct group *old, const struct psk_id *id,
                             const struct epoch *epoch, struct why *why) {
  enum err err = OK;
  struct proposal reinit;
  bool within = false;
  TRY(resume_read_reinit(old, &reinit));
  /* RFC 9420, section 11.2: who was removed before the ReInit has an earlier one. */
  TRY(require(
      id->psk_epoch == old->epoch->context.epoch, why, ERR_INVALID_TREE,
      "RFC 9420, section 11.2: the resumption PSK is not of the epoch that the ReInit began"));
  TRY(require(
      view_equal(reinit.body.reinit.group_id, epoch->context.group_id) &&
          reinit.body.reinit.version == epoch->context.version &&
          reinit.body.reinit.cipher_suite == epoch->context.cipher_suite &&
          view_equal(reinit.body.reinit.extensions, epoch->context.extensions),
      why, ERR_INVALID_TREE,
      "RFC 9420, section 12.4.3.1: the new group is not the one that the ReInit announced"));
  TRY(members_within(old->epoch->tree, epoch->tree, &within));
  TRY(require(within, why, ERR_INVALID_TREE,
              "RFC 9420, section 12.4.3.1: a member of the old group is missing in the new one"));
done:
  return err;
}

static enum err check_branch(const struct group *old, const struct epoch *epoch, struct why *why) {
  enum err err = OK;
  bool within = false;
  /* There is only one version. */
  TRY(require(epoch->context.cipher_suite == old->epoch->context.cipher_suite, why,
              ERR_INVALID_TREE, "RFC 9420, section 12.4.3.1: the branch has another cipher suite"));
  TRY(members_within(epoch->tree, old->epoch->tree, &within));
  TRY(require(within, why, ERR_INVALID_TREE,
              "RFC 9420, section 12.4.3.1: a member of the branch is not in the group it is from"));
done:
  return err;
}

enum err resume_check_joined(const struct client *client, const struct group *old,
                             const struct psk_id *id, const struct epoch *epoch, struct why *why) {
  if (epoch->context.epoch != 1)
    return refuse(
        why, ERR_INVALID_TREE,
        "RFC 9420, section 12.4.3.1: the epoch of a group that goes on from another is 1");
  struct view psk;
  if (old == NULL)
    old = group_of_psk(client, id, &psk);
  if (old == NULL || !view_equal(id->psk_group_id, group_identifier(old)))
    return refuse(why, ERR_INVALID_TREE,
                  "RFC 9420, section 12.4.3.1: the new group goes on from another one");
  return id->usage == PSK_REINIT ? check_reinit(old, id, epoch, why)
                                 : check_branch(old, epoch, why);
}
