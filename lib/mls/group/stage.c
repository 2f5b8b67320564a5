/* SPDX-License-Identifier: ISC */
#include "mls/group/stage.h"

#include "crypto/hpke.h"
#include "crypto/kdf.h"
#include "mls/group/resume.h"
#include "mls/group/validate.h"
#include "mls/wire/credential.h"

#define LABEL_EXTERNAL_INIT VIEW_TEXT("MLS 1.0 external init secret")

/* The parts of a staged commit as they come about. */
struct stage {
  struct group *group;
  const struct epoch *from;
  const struct authenticated_content *content;
  struct commit commit;
  struct proposal_list list;
  struct effects effects;
  bool external;
  uint32_t committer;
  struct leaf *leaf; /* of the path */
  struct secret init_secret;
  struct secret commit_secret;
  struct secret psk_secret;
  struct private_keys *keys;
  struct epoch *next;
  bool partly; /* as in struct staged_commit */
};

static void stage_free(struct stage *stage) {
  proposal_list_free(&stage->list);
  effects_free(&stage->effects);
  leaf_drop(stage->leaf);
  secret_wipe(&stage->init_secret);
  secret_wipe(&stage->commit_secret);
  secret_wipe(&stage->psk_secret);
  private_keys_free(stage->keys);
  epoch_free(stage->next);
}

static struct why *why_of(const struct stage *stage) {
  return &stage->group->client->why;
}

/* Who commits what: the list of proposals, checked and applied. */
static enum err stage_proposals(struct stage *stage) {
  enum err err = OK;
  const struct group *group = stage->group;
  struct proposal_rules rules = proposal_rules_received(group->client);
  struct sender sender = stage->content->content.sender;
  struct reader reader = reader_of(stage->content->content.content);
  stage->external = sender.type == SENDER_NEW_MEMBER_COMMIT;
  stage->committer = stage->external ? LEAF_NONE : sender.index;
  TRY(commit_read(&reader, why_of(stage), &stage->commit));
  TRY(require(stage->external || sender.index != stage->from->own_leaf, why_of(stage),
              ERR_LEFT_BEHIND,
              "RFC 9420, section 14: a commit of this member that is not its pending one"));
  TRY(proposal_list_resolve(&stage->list, stage->commit.proposals, &group->proposals, stage->from,
                            sender, &rules));
  TRY(proposals_apply(stage->from, &stage->list, stage->committer, &rules, NULL, &stage->effects));
  TRY(require(stage->commit.has_path || !stage->effects.path_required, why_of(stage),
              ERR_INVALID_COMMIT, "RFC 9420, section 12.4: the commit needs a path and has none"));
done:
  return err;
}

/* RFC 9420, section 12.2: what an external commit removes is what its sender was, and the path's leaf
 * may stand there as an Update of it might. */
static enum err stage_old_self(const struct stage *stage) {
  enum err err = OK;
  for (size_t i = 0; i < stage->effects.changes.count; i++) {
    const struct change *change = &stage->effects.changes.item[i];
    /* A member who asked for it by a SelfRemove is somebody else. */
    if (change->kind != E2EE_CHANGE_REMOVE || change->proposer.type == SENDER_MEMBER)
      continue;
    bool same = false;
    err = credential_same(leaf_credential(change->subject), leaf_credential(stage->leaf), &same);
    TRY(err == ERR_MALFORMED ? OK : err); /* no certificate is nobody's */
    TRY(require(same, why_of(stage), ERR_INVALID_COMMIT,
                "RFC 9420, section 12.2: an external commit removes leaf %u, whose credential is "
                "another's",
                change->leaf));
    TRY(require(
        !view_equal(leaf_encryption_key(change->subject), leaf_encryption_key(stage->leaf)),
        why_of(stage), ERR_INVALID_COMMIT,
        "RFC 9420, section 12.2: an external commit keeps the encryption key of leaf %u, which it "
        "removes",
        change->leaf));
  }
done:
  return err;
}

/* RFC 9420, section 12.4.3.2: the place of the new member. */
static enum err stage_external(struct stage *stage) {
  enum err err = OK;
  TRY(stage_old_self(stage));
  TRY(tree_make_room(stage->effects.tree, &stage->committer));
done:
  return err;
}

/* RFC 9420, section 12.4.2: validate the path's leaf and put the path into the tree. */
static enum err stage_path(struct stage *stage) {
  enum err err = OK;
  struct effects *effects = &stage->effects;
  struct reader reader = reader_of(stage->commit.path.leaf);
  TRY(leaf_read(&reader, why_of(stage), &stage->leaf));
  TRY(require(leaf_source(stage->leaf) == LEAF_COMMIT, why_of(stage), ERR_INVALID_COMMIT,
              "RFC 9420, section 12.4.2: the path's leaf is of source %u",
              leaf_source(stage->leaf)));
  if (stage->external)
    TRY(stage_external(stage));
  TRY(leaf_verify_signature(stage->from->suite, stage->leaf, stage->from->context.group_id,
                            stage->committer, why_of(stage)));
  TRY(treekem_merge(effects->tree, stage->committer, stage->leaf, &stage->commit.path,
                    why_of(stage)));
  err = validate_leaf(effects->tree, effects->extensions, stage->leaf, stage->committer,
                      why_of(stage));
  TRY(err == ERR_INVALID_TREE ? ERR_INVALID_COMMIT : err);
  TRY(changes_add(&effects->changes, stage->external ? E2EE_CHANGE_ADD : E2EE_CHANGE_UPDATE,
                  stage->external ? PROPOSAL_ADD : PROPOSAL_UPDATE, stage->committer,
                  stage->content->content.sender, stage->leaf, stage->list.count));
done:
  return err;
}

static struct epoch_parts next_parts(const struct stage *stage) {
  return (struct epoch_parts){
      .group_id = stage->from->context.group_id,
      .epoch = stage->from->context.epoch + 1,
      .extensions = stage->effects.extensions,
      .tree = stage->effects.tree,
      .reinit = stage->effects.reinit,
      .own_leaf = stage->from->own_leaf,
  };
}

/* Own private keys before the path: an own Update in the list has changed that of the leaf. */
static enum err keys_before_path(const struct stage *stage, struct private_keys **out) {
  enum err err = private_keys_copy(stage->from->keys, out);
  if (err != OK)
    return err;
  if (stage->effects.own_update_key != NULL)
    (*out)->at[0] = *stage->effects.own_update_key;
  private_keys_prune(*out, stage->effects.tree);
  return OK;
}

/* commit_secret, and the own private keys in the new epoch. */
static enum err stage_keys(struct stage *stage) {
  enum err err = OK;
  struct private_keys *before = NULL;
  struct bytes context = {0};
  struct epoch_parts parts = next_parts(stage);
  TRY(keys_before_path(stage, &before));
  if (!stage->commit.has_path) {
    schedule_zero(stage->from->suite, &stage->commit_secret);
    stage->keys = before;
    before = NULL;
  } else {
    TRY(epoch_write_context(&parts, stage->from->context.confirmed_transcript_hash, &context));
    TRY(treekem_decrypt(stage->effects.tree, stage->committer, &stage->commit.path,
                        bytes_view(&context), stage->effects.added, stage->effects.added_count,
                        before, why_of(stage), &stage->keys, &stage->commit_secret));
  }
done:
  private_keys_free(before);
  bytes_free(&context);
  return err;
}

/* RFC 9420, section 8.3: the init_secret that an external committer chose. */
static enum err stage_init_secret(struct stage *stage) {
  enum err err = OK;
  const struct epoch *from = stage->from;
  uint8_t public_key[KEM_PUBLIC_MAX];
  struct secret private_key = {0};
  if (!stage->external)
    return secret_set(&stage->init_secret, secret_view(&from->secrets->init));
  TRY(schedule_external_key(from->suite, from->secrets, &private_key, public_key));
  err = hpke_export_receiver(from->suite, &private_key, stage->effects.external_init, VIEW_NONE,
                             LABEL_EXTERNAL_INIT, &stage->init_secret);
  if (err == ERR_MALFORMED)
    TRY(refuse(why_of(stage), ERR_INVALID_COMMIT,
               "RFC 9420, section 8.3: the kem_output of the ExternalInit is not one"));
  TRY(err);
done:
  secret_wipe(&private_key);
  return err;
}

static enum err stage_epoch(struct stage *stage) {
  enum err err = OK;
  struct writer transcript = {0};
  struct epoch_parts parts = next_parts(stage);
  struct epoch_inputs inputs = {&stage->init_secret, &stage->commit_secret, &stage->psk_secret};
  framing_write_transcript(&transcript, stage->content);
  TRY(transcript.err);
  TRY(epoch_advance(&parts, &inputs, epoch_interim_hash(stage->from), writer_view(&transcript),
                    &stage->keys, NULL, &stage->next));
  TRY(require(
      secret_equal(epoch_confirmation_tag(stage->next), stage->content->auth.confirmation_tag),
      why_of(stage), ERR_INVALID_COMMIT,
      "RFC 9420, section 12.4.2: the confirmation tag is wrong"));
done:
  writer_free(&transcript);
  return err;
}

static enum err stage_all(struct stage *stage) {
  enum err err = OK;
  TRY(stage_proposals(stage));
  if (stage->commit.has_path)
    TRY(stage_path(stage));
  else
    TRY(tree_seal(stage->effects.tree));
  /* Whoever is removed learns no secret of the next epoch, and can check no more than this. */
  if (stage->effects.removes_own)
    return OK;
  TRY(group_psk_secret(stage->group, &stage->list, &stage->psk_secret));
  TRY(stage_keys(stage));
  TRY(stage_init_secret(stage));
  TRY(stage_epoch(stage));
done:
  return err;
}

/* What stands in the way of following a commit, though others may be able to: the limits are this
 * library's, and members of other implementations have other ones. */
static bool only_hinders_following(enum err err) {
  return err == ERR_MISSING_PROPOSAL || err == ERR_UNSUPPORTED || err == ERR_LIFETIME ||
         err == ERR_LIMIT;
}

/*
 * A member whom the commit of another removes is out, whatever else the commit does that it cannot read,
 * look up or judge.  That a member says so, signature and membership tag have proved; more could not be
 * checked anyway, as whoever is removed has no confirmation key.  A commit from outside has to be
 * understood, because anybody can make one.
 */
static enum err stage_leaving(struct stage *stage, enum err refusal) {
  enum err err = OK;
  uint32_t own = stage->from->own_leaf;
  struct listed_proposal removal;
  if (!only_hinders_following(refusal) || stage->external || !stage->commit.has_path ||
      !proposals_find_removal(stage->commit.proposals, &stage->group->proposals, stage->from->suite,
                              stage->content->content.sender, own, &removal))
    return refusal;
  effects_free(&stage->effects);
  stage->effects.removes_own = true;
  stage->partly = true;
  TRY(proposal_describe(&stage->effects.changes, &removal.proposal, removal.sender,
                        stage->from->tree, 0));
done:
  return err;
}

enum err stage_commit(struct group *group, const struct authenticated_content *content,
                      struct staged_commit *out) {
  struct stage stage = {.group = group, .from = group->epoch, .content = content};
  enum err err = stage_all(&stage);
  if (err != OK)
    err = stage_leaving(&stage, err);
  if (err == OK) {
    *out = (struct staged_commit){stage.effects.changes, stage.next, stage.committer,
                                  stage.effects.removes_own, stage.partly};
    stage.effects.changes = (struct changes){0};
    stage.next = NULL;
  }
  stage_free(&stage);
  return err;
}
