/* SPDX-License-Identifier: ISC */
#include "mls/commit.h"

#include "base/mem.h"
#include "mls/join.h"

/* ---- The plan ---- */

void commit_plan_free(struct commit_plan *plan) {
  for (size_t i = 0; i < plan->count; i++)
    bytes_free(&plan->proposal[i]);
  mem_free(plan->proposal);
  *plan = (struct commit_plan){0};
}

static struct sender own_sender(const struct group *group) {
  return (struct sender){SENDER_MEMBER, group->epoch->own_leaf};
}

static enum err plan_proposal(struct commit_plan *plan, const struct group *group,
                              struct writer *writer) {
  enum err err = OK;
  struct client *client = group->client;
  struct proposal proposal;
  TRY(group_check_active(group));
  TRY(writer->err);
  struct reader reader = reader_of(writer_view(writer));
  TRY(proposal_read(&reader, &client->why, &proposal));
  TRY(proposal_check(group->epoch, &proposal, own_sender(group), client_lifetimes(client),
                     &client->why));
  TRY(mem_grow(&plan->proposal, &plan->capacity, plan->count + 1, sizeof *plan->proposal));
  TRY(writer_take(writer, &plan->proposal[plan->count]));
  plan->count++;
done:
  writer_free(writer);
  return err;
}

enum err commit_plan_add(struct commit_plan *plan, const struct group *group,
                         struct view key_package) {
  struct writer writer = {0};
  struct view raw;
  enum err err = group_read_key_package(group, key_package, &raw);
  if (err != OK)
    return err;
  proposal_write_add(&writer, raw);
  return plan_proposal(plan, group, &writer);
}

enum err commit_plan_remove(struct commit_plan *plan, const struct group *group, uint32_t leaf) {
  enum err err = OK;
  struct writer writer = {0};
  TRY(group_check_member(group, leaf));
  TRY(require(leaf != group->epoch->own_leaf, &group->client->why, ERR_INVALID_ARG,
              "RFC 9420, section 12.2: a commit cannot remove its committer"));
  proposal_write_remove(&writer, leaf);
  err = plan_proposal(plan, group, &writer);
done:
  return err;
}

static bool psk_known(const struct group *group, const struct proposal *proposal) {
  struct view psk;
  return proposal->type != PROPOSAL_PSK || group_find_psk(group, &proposal->body.psk, &psk);
}

/* The plan's proposals first, then the stored ones that go with them. */
static enum err plan_list(const struct group *group, const struct commit_plan *plan,
                          struct proposal_list *list) {
  enum err err = OK;
  for (size_t i = 0; i < plan->count; i++) {
    struct proposal proposal;
    struct reader reader = reader_of(bytes_view(&plan->proposal[i]));
    TRY(proposal_read(&reader, NULL, &proposal));
    TRY(proposal_list_add(list, &proposal, own_sender(group), NULL));
  }
  /* The newest Update of a member is the one that counts (section 12.2). */
  for (size_t i = group->proposals.count; i-- > 0;) {
    const struct stored_proposal *stored = &group->proposals.item[i];
    if (proposal_list_admits(list, &stored->proposal, stored->sender, group->epoch->own_leaf) &&
        psk_known(group, &stored->proposal))
      TRY(proposal_list_add(list, &stored->proposal, stored->sender, stored));
  }
done:
  return err;
}

/* ---- The commit ---- */

void commit_work_free(struct commit_work *work) {
  effects_free(&work->effects);
  secret_wipe(&work->init_secret);
  secret_wipe(&work->psk_secret);
  private_keys_free(work->keys);
  new_path_free(work->path);
  bytes_free(&work->body);
  secret_wipe(&work->joiner_secret);
  epoch_free(work->next);
}

static struct epoch_parts next_parts(const struct commit_work *work, uint32_t own_leaf) {
  return (struct epoch_parts){
      .group_id = work->from->context.group_id,
      .epoch = work->from->context.epoch + 1,
      .extensions = work->effects.extensions,
      .tree = work->effects.tree,
      .own_leaf = own_leaf,
  };
}

enum err commit_write_body(struct commit_work *work, uint32_t leaf, const struct private_keys *old,
                           const struct proposal_list *list) {
  enum err err = OK;
  struct effects *effects = &work->effects;
  struct bytes storage = {0}, context = {0};
  struct writer writer = {0};
  struct leaf_template fields;
  TRY(client_leaf(work->client, &storage, &fields));
  TRY(treekem_generate(effects->tree, leaf, &fields, work->client->signature_key,
                       work->from->context.group_id, old, &work->keys, &work->path));
  /* RFC 9420, section 12.4.1: the provisional GroupContext still has the old transcript hash. */
  struct epoch_parts parts = next_parts(work, leaf);
  TRY(epoch_write_context(&parts, work->from->context.confirmed_transcript_hash, &context));
  proposal_list_write(&writer, list, work->client->suite);
  write_optional(&writer, true);
  TRY(treekem_write(effects->tree, leaf, work->path, bytes_view(&context), effects->added,
                    effects->added_count, &writer));
  TRY(writer_take(&writer, &work->body));
done:
  bytes_free(&storage);
  bytes_free(&context);
  writer_free(&writer);
  return err;
}

enum err commit_make_epoch(struct commit_work *work, const struct authenticated_content *content) {
  enum err err = OK;
  struct writer transcript = {0};
  struct epoch_parts parts = next_parts(work, work->keys->leaf);
  struct epoch_inputs inputs = {&work->init_secret, &work->path->commit_secret, &work->psk_secret};
  framing_write_transcript(&transcript, content);
  TRY(transcript.err);
  TRY(epoch_advance(&parts, &inputs, epoch_interim_hash(work->from), writer_view(&transcript),
                    &work->keys, &work->joiner_secret, &work->next));
done:
  writer_free(&transcript);
  return err;
}

/*
 * Apply the list.  Proposals that others made are no reason for our commit to fail: one that cannot
 * be applied, beside the rest, is left out.
 */
static enum err apply_list(struct group *group, struct proposal_list *list,
                           struct effects *effects) {
  struct client *client = group->client;
  for (;;) {
    size_t offender = list->count;
    enum err err =
        proposals_apply(group->epoch, list, group->epoch->own_leaf, client_lifetimes(client),
                        client->settings.max_members, &client->why, &offender, effects);
    if (err == OK || err == ERR_NOMEM || offender == list->count ||
        list->item[offender].stored == NULL)
      return err;
    proposal_list_remove(list, offender);
  }
}

/* Apply the list, and take from the group what goes into the next epoch. */
static enum err begin_work(struct group *group, struct proposal_list *list,
                           struct commit_work *work) {
  enum err err = OK;
  struct client *client = group->client;
  const struct epoch *epoch = group->epoch;
  TRY(apply_list(group, list, &work->effects));
  TRY(group_psk_secret(client, group, epoch->suite, list, &client->why, &work->psk_secret));
  TRY(secret_set(&work->init_secret, secret_view(&epoch->secrets->init)));
done:
  return err;
}

enum err commit_build(struct group *group, const struct commit_plan *plan) {
  enum err err = OK;
  struct proposal_list list = {0};
  struct commit_work work = {.client = group->client, .from = group->epoch};
  struct bytes storage = {0}, welcome = {0}, message = {0};
  struct authenticated_content content;
  struct pending_commit *pending = NULL;
  TRY(group_check_active(group));
  TRY(require(group->pending == NULL, &group->client->why, ERR_PENDING_COMMIT,
              "the pending commit must be accepted or discarded first"));
  TRY(plan_list(group, plan, &list));
  TRY(begin_work(group, &list, &work));
  TRY(commit_write_body(&work, group->epoch->own_leaf, group->epoch->keys, &list));
  TRY(group_sign(group, CONTENT_COMMIT, bytes_view(&work.body), &storage, &content));
  TRY(commit_make_epoch(&work, &content));
  content.auth.confirmation_tag = epoch_confirmation_tag(work.next);
  if (work.effects.added_count > 0)
    TRY(join_write_welcome(&work, &list, &welcome));
  pending = mem_new(1, sizeof *pending);
  TRY(pending == NULL ? ERR_NOMEM : OK);
  /* Last, because it moves the own ratchet on. */
  TRY(group_protect(group, &content, &message));
  bytes_move(&pending->message, &message);
  bytes_move(&pending->welcome, &welcome);
  pending->next = work.next;
  pending->fresh = true;
  work.next = NULL;
  group->pending = pending;
  group->revision++;
done:
  proposal_list_free(&list);
  commit_work_free(&work);
  bytes_free(&storage);
  bytes_free(&welcome);
  bytes_free(&message);
  return err;
}

enum err commit_check_pending(const struct group *group) {
  return require(group->pending != NULL, &group->client->why, ERR_NOT_FOUND,
                 "there is no pending commit");
}

enum err commit_accepted(struct group *group) {
  enum err err = commit_check_pending(group);
  if (err != OK)
    return err;
  struct epoch *next = group->pending->next;
  group->pending->next = NULL;
  /* A commit of our own has a path: new secrets that no copy of this state knows, unless the commit
   * itself was saved and loaded. */
  if (group->pending->fresh)
    group->restored = false;
  group_enter(group, &next);
  return OK;
}

enum err commit_discard(struct group *group) {
  enum err err = commit_check_pending(group);
  if (err != OK)
    return err;
  if (group->epoch->secrets == NULL)
    group_leave(group); /* an external commit that was refused: never a member */
  else
    group_discard_pending(group);
  return OK;
}
