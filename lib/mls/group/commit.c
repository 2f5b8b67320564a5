/* SPDX-License-Identifier: ISC */
#include "mls/group/commit.h"

#include "base/mem.h"
#include "crypto/sign.h"
#include "mls/group/external.h"
#include "mls/group/invitation.h"
#include "mls/group/validate.h"
#include "mls/wire/credential.h"

/* ---- The plan ---- */

void commit_plan_free(struct commit_plan *plan) {
  for (size_t i = 0; i < plan->count; i++)
    bytes_free(&plan->proposal[i]);
  mem_free(plan->proposal);
  bytes_free(&plan->extensions);
  *plan = (struct commit_plan){0};
}

enum err commit_check_allowed(const struct group *group) {
  return group_is_outside(group) ? OK : group_check_active(group);
}

enum err commit_plan_proposal(struct commit_plan *plan, const struct group *group,
                              struct view raw) {
  enum err err = OK;
  struct client *client = group->client;
  struct proposal_rules rules = proposal_rules_own(client);
  struct proposal proposal;
  struct reader reader = reader_of(raw);
  TRY(proposal_read(&reader, &client->why, &proposal));
  TRY(proposal_check_settings(&client->settings, group->epoch, &proposal, &client->why));
  TRY(proposal_check(group->epoch, &proposal, group_sender(group), &rules));
  if (proposal.type == PROPOSAL_REMOVE && group_is_outside(group))
    TRY(external_check_former(group, proposal.body.remove));
  TRY(mem_grow(&plan->proposal, &plan->capacity, plan->count + 1, sizeof *plan->proposal));
  TRY(bytes_copy(&plan->proposal[plan->count], raw));
  plan->count++;
done:
  return err;
}

/* Plan what was written, and free it. */
static enum err plan_written(struct commit_plan *plan, const struct group *group,
                             struct writer *writer) {
  enum err err = writer->err;
  if (err == OK)
    err = commit_plan_proposal(plan, group, writer_view(writer));
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
  return plan_written(plan, group, &writer);
}

enum err commit_plan_remove(struct commit_plan *plan, const struct group *group, uint32_t leaf) {
  enum err err = OK;
  struct writer writer = {0};
  TRY(group_check_leaf(group, leaf));
  TRY(require(leaf != group->epoch->own_leaf, &group->client->why, ERR_INVALID_ARG,
              "RFC 9420, section 12.2: a commit cannot remove its committer"));
  proposal_write_remove(&writer, leaf);
  err = plan_written(plan, group, &writer);
done:
  return err;
}

/* The list as the plan has made it so far. */
static struct view planned_extensions(const struct commit_plan *plan, const struct group *group) {
  return plan->sets_extensions ? bytes_view(&plan->extensions) : group->epoch->context.extensions;
}

enum err commit_plan_extension(struct commit_plan *plan, const struct group *group, uint16_t type,
                               struct view data) {
  enum err err = OK;
  struct bytes list = {0};
  TRY(group_check_active(group));
  TRY(draft_set_extension(planned_extensions(plan, group), type, data, &list));
  struct proposal proposal = {.type = PROPOSAL_GROUP_CONTEXT_EXTENSIONS,
                              .body = {.group_context_extensions = bytes_view(&list)}};
  TRY(proposal_check_settings(&group->client->settings, group->epoch, &proposal,
                              &group->client->why));
  bytes_free(&plan->extensions);
  bytes_move(&plan->extensions, &list);
  plan->sets_extensions = true;
done:
  bytes_free(&list);
  return err;
}

enum err commit_plan_require(struct commit_plan *plan, const struct group *group,
                             enum type_kind kind, uint16_t type) {
  enum err err = OK;
  struct bytes required = {0};
  struct view now = VIEW_NONE;
  (void)extensions_find(planned_extensions(plan, group), EXTENSION_REQUIRED_CAPABILITIES, &now);
  TRY(draft_require(now, kind, type, &required));
  TRY(commit_plan_extension(plan, group, EXTENSION_REQUIRED_CAPABILITIES, bytes_view(&required)));
done:
  bytes_free(&required);
  return err;
}

enum err commit_plan_external_sender(struct commit_plan *plan, const struct group *group,
                                     struct view signature_key, uint16_t credential_type,
                                     struct view body) {
  enum err err = OK;
  struct view now = VIEW_NONE;
  struct bytes credential = {0};
  struct writer writer = {0};
  struct reader items = reader_of(VIEW_NONE);
  err = sign_check_public_key(group->epoch->suite, signature_key);
  if (err == ERR_MALFORMED)
    TRY(refuse(&group->client->why, ERR_INVALID_ARG,
               "RFC 9420, section 12.1.8.1: %zu bytes are no public key of the suite",
               signature_key.size));
  TRY(err);
  TRY(credential_new(group->epoch->suite, credential_type, body, signature_key, &credential));
  if (extensions_find(planned_extensions(plan, group), EXTENSION_EXTERNAL_SENDERS, &now)) {
    struct reader reader = reader_of(now);
    TRY(read_items(&reader, &items));
  }
  size_t begin = write_begin(&writer);
  write_bytes(&writer, view_of(items.at, items.left));
  external_sender_write(&writer, signature_key, bytes_view(&credential));
  write_end(&writer, begin);
  TRY(writer.err);
  TRY(commit_plan_extension(plan, group, EXTENSION_EXTERNAL_SENDERS, writer_view(&writer)));
done:
  writer_free(&writer);
  bytes_free(&credential);
  return err;
}

/* The parts of a commit as they come about. */
struct commit_work {
  struct group *group;
  const struct client *client;
  const struct epoch *from; /* the epoch that is left */
  struct proposal_list list;
  struct effects effects;
  uint32_t leaf;             /* own one in the new epoch */
  struct secret init_secret; /* that goes into the new epoch */
  struct secret psk_secret;
  struct private_keys *keys; /* of the new epoch */
  struct new_path *path;
  struct bytes body; /* Commit */
  struct secret joiner_secret;
  struct epoch *next;
};

/* ---- The list of proposals ---- */

/* A proposal that was made here, or checked when it was planned. */
static enum err list_raw(struct commit_work *work, struct view raw) {
  enum err err = OK;
  struct proposal proposal;
  struct reader reader = reader_of(raw);
  TRY(proposal_read(&reader, &work->group->client->why, &proposal));
  TRY(proposal_list_add(&work->list, &proposal, group_sender(work->group), NULL));
  work->list.item[work->list.count - 1].checked = true;
done:
  return err;
}

/* draft-ietf-mls-extensions: where a SelfRemove waits, a Remove of the same leaf is invalid. */
static enum err prefer_leaves(struct commit_work *work) {
  enum err err = OK;
  for (size_t i = work->list.count; i-- > 0;) {
    const struct proposal *proposal = &work->list.item[i].proposal;
    const struct stored_proposal *leave = NULL;
    if (proposal->type == PROPOSAL_REMOVE)
      leave = proposal_store_find_leave(&work->group->proposals, proposal->body.remove);
    if (leave == NULL)
      continue;
    proposal_list_remove(&work->list, i);
    TRY(proposal_list_add(&work->list, &leave->proposal, leave->sender, leave));
  }
done:
  return err;
}

/* What the plan and the group's situation put into the commit by value.  The bytes of the proposals
 * that are made here are kept in `made`. */
static enum err list_by_value(struct commit_work *work, const struct commit_plan *plan,
                              struct bytes made[2]) {
  enum err err = OK;
  if (group_is_outside(work->group)) {
    TRY(external_init(work->group, &work->init_secret, &made[0]));
    TRY(list_raw(work, bytes_view(&made[0])));
  } else if (work->group->link != NULL) {
    TRY(resume_link_proposal(work->group, &made[0]));
    TRY(list_raw(work, bytes_view(&made[0])));
  }
  for (size_t i = 0; i < plan->count; i++)
    TRY(list_raw(work, bytes_view(&plan->proposal[i])));
  TRY(prefer_leaves(work));
  if (plan->sets_extensions) {
    TRY(draft_extensions(bytes_view(&plan->extensions), &made[1]));
    TRY(list_raw(work, bytes_view(&made[1])));
  }
done:
  return err;
}

/* Whether a stored proposal goes into this commit. */
static enum err choose(const struct commit_work *work, const struct stored_proposal *stored,
                       bool *out) {
  const struct group *group = work->group;
  const struct proposal *proposal = &stored->proposal;
  const struct proposal_kind *kind = proposal_kind_of(proposal->type);
  *out = proposal_check_settings(&group->client->settings, group->epoch, proposal, NULL) == OK &&
         proposal_list_admits(&work->list, proposal, stored->sender, group->epoch->own_leaf);
  return *out && kind->choose != NULL ? kind->choose(group, &work->list, proposal, out) : OK;
}

static enum proposal_turn turn_of(const struct proposal *proposal) {
  const struct proposal_kind *kind = proposal_kind_of(proposal->type);
  return kind->turn_of != NULL ? kind->turn_of(proposal) : kind->turn;
}

/* List it, unless there are too many of its kind already. */
static enum err list_if_room(struct commit_work *work, const struct stored_proposal *stored) {
  struct proposal_list *list = &work->list;
  struct proposal_rules rules = proposal_rules_own(work->group->client);
  enum err err = proposal_list_add(list, &stored->proposal, stored->sender, stored);
  rules.why = NULL;
  if (err == OK &&
      proposal_list_check_size(list, work->from, group_is_outside(work->group), &rules) != OK)
    proposal_list_remove(list, list->count - 1);
  return err;
}

static enum err list_stored(struct commit_work *work) {
  enum err err = OK;
  const struct proposal_store *store = &work->group->proposals;
  for (enum proposal_turn turn = TURN_LEAVE; turn < TURNS; turn++) {
    for (size_t i = store->count; i-- > 0;) {
      const struct stored_proposal *stored = &store->item[i];
      bool chosen = false;
      if (turn_of(&stored->proposal) != turn)
        continue;
      TRY(choose(work, stored, &chosen));
      if (chosen)
        TRY(list_if_room(work, stored));
    }
  }
done:
  return err;
}

/* After so many proposals of others that could not be applied, only removals are taken along: each
 * costs the checks of the whole list again, and somebody may be at work who knows that. */
#define OFFENDERS_MAX 8

/* What cannot fail, and must not be kept waiting, is that somebody goes. */
static void keep_removals(struct proposal_list *list) {
  for (size_t i = list->count; i-- > 0;)
    if (list->item[i].stored != NULL && !proposal_kinds[list->item[i].row]->removes)
      proposal_list_remove(list, i);
}

/* Leave a proposal out.  A planned Remove that a SelfRemove was preferred to takes its place again. */
static enum err leave_out(struct commit_work *work, const struct commit_plan *plan, size_t at) {
  enum err err = OK;
  const struct listed_proposal item = work->list.item[at];
  proposal_list_remove(&work->list, at);
  for (size_t i = 0; item.proposal.type == PROPOSAL_SELF_REMOVE && i < plan->count; i++) {
    struct proposal planned;
    struct reader reader = reader_of(bytes_view(&plan->proposal[i]));
    TRY(proposal_read(&reader, NULL, &planned));
    if (planned.type == PROPOSAL_REMOVE && planned.body.remove == item.sender.index)
      TRY(list_raw(work, bytes_view(&plan->proposal[i])));
  }
done:
  return err;
}

/*
 * Apply the list.  Proposals that others made are no reason for our commit to fail: one that cannot
 * be applied, beside the rest, is left out.  Only what is wrong with it counts: not a lack of memory.
 */
static enum err apply_list(struct commit_work *work, const struct commit_plan *plan) {
  struct proposal_list *list = &work->list;
  struct proposal_rules rules = proposal_rules_own(work->group->client);
  uint32_t committer = group_is_outside(work->group) ? LEAF_NONE : work->from->own_leaf;
  if (work->group->link != NULL)
    rules.psk_usage = work->group->link->usage;
  for (unsigned offenders = 1;; offenders++) {
    size_t offender = list->count;
    enum err err = proposals_apply(work->from, list, committer, &rules, &offender, &work->effects);
    if (err == OK || err_is_ours(err) || offender == list->count ||
        list->item[offender].stored == NULL)
      return err;
    err = leave_out(work, plan, offender);
    if (err != OK)
      return err;
    if (offenders == OFFENDERS_MAX)
      keep_removals(list);
  }
}

/* ---- The commit ---- */

static void commit_work_free(struct commit_work *work) {
  proposal_list_free(&work->list);
  effects_free(&work->effects);
  secret_wipe(&work->init_secret);
  secret_wipe(&work->psk_secret);
  private_keys_free(work->keys);
  new_path_free(work->path);
  bytes_free(&work->body);
  secret_wipe(&work->joiner_secret);
  epoch_free(work->next);
}

static struct epoch_parts next_parts(const struct commit_work *work) {
  return (struct epoch_parts){
      .group_id = work->from->context.group_id,
      .epoch = work->from->context.epoch + 1,
      .extensions = work->effects.extensions,
      .tree = work->effects.tree,
      .reinit = work->effects.reinit,
      .own_leaf = work->leaf,
  };
}

/* New path for the own leaf, and the Commit. */
static enum err write_body(struct commit_work *work) {
  enum err err = OK;
  struct effects *effects = &work->effects;
  struct leaf_storage storage = {0};
  struct bytes context = {0};
  struct writer proposals = {0}, nodes = {0}, writer = {0};
  struct leaf_template fields;
  TRY(client_leaf(work->client, &storage, &fields));
  TRY(client_check_own_leaf(work->group->client, &fields));
  err = treekem_generate(effects->tree, work->leaf, &fields, work->client->signature_key,
                         work->from->context.group_id, work->from->keys, &work->keys, &work->path);
  if (err == ERR_INVALID_TREE)
    TRY(refuse(&work->group->client->why, err,
               "RFC 9420, section 7.3: the own signature key is in the tree already: a former leaf "
               "has to be removed by the same commit"));
  TRY(err);
  TRY(validate_leaf(effects->tree, effects->extensions, tree_leaf(effects->tree, work->leaf),
                    work->leaf, &work->group->client->why));
  /* RFC 9420, section 12.4.1: the provisional GroupContext still has the old transcript hash. */
  struct epoch_parts parts = next_parts(work);
  TRY(epoch_write_context(&parts, work->from->context.confirmed_transcript_hash, &context));
  proposal_list_write(&proposals, &work->list, work->client->suite);
  TRY(proposals.err);
  TRY(treekem_encrypt(effects->tree, work->leaf, work->path, bytes_view(&context), effects->added,
                      effects->added_count, &nodes));
  struct commit commit = {
      .proposals = writer_view(&proposals),
      .has_path = true,
      .path = {leaf_raw(tree_leaf(effects->tree, work->leaf)), writer_view(&nodes)},
  };
  commit_write(&writer, &commit);
  TRY(writer_take(&writer, &work->body));
done:
  leaf_storage_free(&storage);
  bytes_free(&context);
  writer_free(&proposals);
  writer_free(&nodes);
  writer_free(&writer);
  return err;
}

/* The epoch behind the commit, from its signed content. */
static enum err make_epoch(struct commit_work *work, const struct authenticated_content *content) {
  enum err err = OK;
  struct writer transcript = {0};
  struct epoch_parts parts = next_parts(work);
  struct epoch_inputs inputs = {&work->init_secret, &work->path->commit_secret, &work->psk_secret};
  framing_write_transcript(&transcript, content);
  TRY(transcript.err);
  TRY(epoch_advance(&parts, &inputs, epoch_interim_hash(work->from), writer_view(&transcript),
                    &work->keys, &work->joiner_secret, &work->next));
done:
  writer_free(&transcript);
  return err;
}

/* The list, what it does, and the secrets of the group that go into the next epoch. */
static enum err begin_work(struct commit_work *work, const struct commit_plan *plan,
                           struct bytes made[2]) {
  enum err err = OK;
  TRY(list_by_value(work, plan, made));
  TRY(list_stored(work));
  TRY(apply_list(work, plan));
  TRY(group_psk_secret(work->group, &work->list, &work->psk_secret));
  work->leaf = work->from->own_leaf;
  if (group_is_outside(work->group))
    TRY(tree_make_room(work->effects.tree, &work->leaf));
  else
    TRY(secret_set(&work->init_secret, secret_view(&work->from->secrets->init)));
done:
  return err;
}

static enum err write_welcome(const struct commit_work *work, struct bytes *out) {
  struct invitation invitation = {
      .client = work->client,
      .list = &work->list,
      .effects = &work->effects,
      .path = work->path,
      .next = work->next,
      .joiner_secret = &work->joiner_secret,
      .psk_secret = &work->psk_secret,
  };
  return invitation_write(&invitation, out);
}

/* Sign, enter the epoch beside, and write the messages. */
static enum err finish_work(struct commit_work *work, struct pending_commit *pending) {
  enum err err = OK;
  struct group *group = work->group;
  struct bytes storage = {0};
  struct authenticated_content content;
  struct framed_content framed = {.content_type = CONTENT_COMMIT,
                                  .content = bytes_view(&work->body)};
  bool outside = group_is_outside(group);
  TRY(outside ? external_sign(group, &framed, &storage, &content)
              : group_sign(group, &framed, group->client->settings.encrypt_handshake, &storage,
                           &content));
  TRY(make_epoch(work, &content));
  content.auth.confirmation_tag = epoch_confirmation_tag(work->next);
  if (work->effects.added_count > 0)
    TRY(write_welcome(work, &pending->welcome));
  TRY(client_check_size(group->client, bytes_view(&pending->welcome)));
  /* Last, because it moves the own ratchet on. */
  TRY(outside ? external_protect(group, &content, &pending->message)
              : group_protect(group, &content, &pending->message));
  pending->next = work->next;
  work->next = NULL;
done:
  bytes_free(&storage);
  return err;
}

enum err commit_build(struct group *group, const struct commit_plan *plan) {
  enum err err = OK;
  struct commit_work work = {.group = group, .client = group->client, .from = group->epoch};
  struct bytes made[2] = {{0}, {0}};
  struct pending_commit *pending = NULL;
  TRY(commit_check_allowed(group));
  TRY(require(group->pending == NULL, &group->client->why, ERR_PENDING_COMMIT,
              "the pending commit must be accepted or discarded first"));
  pending = mem_new(1, sizeof *pending);
  TRY(pending == NULL ? ERR_NOMEM : OK);
  pending->fresh = true;
  TRY(begin_work(&work, plan, made));
  TRY(write_body(&work));
  TRY(finish_work(&work, pending));
  group->pending = pending;
  pending = NULL;
  group->revision++;
done:
  commit_work_free(&work);
  bytes_free(&made[0]);
  bytes_free(&made[1]);
  pending_commit_free(pending);
  return err;
}

enum err commit_check_pending(const struct group *group) {
  return require(group->pending != NULL, &group->client->why, ERR_NOT_FOUND,
                 "there is no pending commit");
}

enum err commit_accepted(struct group *group) {
  enum err err = commit_check_pending(group);
  if (err == OK)
    err = group_prepare_enter(group);
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
  if (group_is_outside(group))
    group_leave(group); /* the GroupInfo it was made from is of an epoch that is over */
  else
    group_discard_pending(group);
  return OK;
}
