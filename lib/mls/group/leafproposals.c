/*
 * Proposals that put a leaf or take one away: Add, Update, Remove, SelfRemove
 * (RFC 9420, sections 12.1.1 to 12.1.3; draft-ietf-mls-extensions).
 * SPDX-License-Identifier: ISC
 */
#include <e2ee/e2ee.h>

#include "mls/group/proposals.h"
#include "mls/group/validate.h"

static enum err check_leaf_size(const struct settings *settings, size_t size, struct why *why) {
  return require(size <= settings->max_leaf_bytes, why, ERR_LIMIT,
                 "a leaf of %zu bytes, where the settings allow %u", size,
                 settings->max_leaf_bytes);
}

/* ---- Add ---- */

static enum err check_add_room(const struct suite *suite, const struct proposal *proposal,
                               struct why *why) {
  /* What is listed takes room: of an Add no more than was sent. */
  return require(proposal->raw.size >= 2 * suite->kem->public_size + suite->signature->public_size,
                 why, ERR_INVALID_PROPOSAL,
                 "RFC 9420, section 10: a key package of %zu bytes has no room for its keys",
                 proposal->body.add.size);
}

static enum err check_add_count(const struct proposal_list *list, size_t count,
                                const struct epoch *epoch, bool external,
                                const struct proposal_rules *rules) {
  (void)list, (void)epoch, (void)external; /* from outside nobody is added by a proposal */
  return require(count <= rules->max_members, rules->why, ERR_LIMIT,
                 "the group would have more than %u members", rules->max_members);
}

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

static enum err check_add(const struct epoch *epoch, const struct proposal *proposal,
                          struct sender sender, const struct proposal_rules *rules) {
  struct key_package key_package = {0};
  (void)sender;
  enum err err = read_key_package(epoch, proposal->body.add, false, rules, &key_package);
  key_package_free(&key_package);
  return err;
}

static enum err check_add_settings(const struct settings *settings, const struct epoch *epoch,
                                   const struct proposal *proposal, struct why *why) {
  (void)epoch;
  return check_leaf_size(settings, key_package_leaf_size(proposal->body.add), why);
}

/* RFC 9420, section 10: whoever checks whether a leaf lists its key package's extensions would be left
 * behind by an Add of one that does not. */
static enum err choose_add(const struct group *group, const struct proposal_list *list,
                           const struct proposal *proposal, bool *out) {
  struct key_package key_package = {0};
  struct reader reader = reader_of(proposal->body.add);
  (void)group, (void)list;
  enum err err = key_package_read(&reader, NULL, &key_package);
  if (err == OK)
    err = key_package_check_listed(&key_package, NULL);
  key_package_free(&key_package);
  *out = err == OK;
  return err_is_ours(err) ? err : OK;
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

static enum err describe_add(struct change *change, const struct proposal *proposal,
                             const struct tree *tree) {
  enum err err = OK;
  struct key_package key_package = {0};
  struct reader reader = reader_of(proposal->body.add);
  (void)tree;
  TRY(key_package_read(&reader, NULL, &key_package));
  TRY(change_fill_member(change, &key_package));
done:
  key_package_free(&key_package);
  return err;
}

const struct proposal_kind proposal_kind_add = {
    .type = PROPOSAL_ADD,
    .pass = PASS_ADD,
    .turn = TURN_OTHER,
    .check_room = check_add_room,
    .check_count = check_add_count,
    .check = check_add,
    .check_settings = check_add_settings,
    .choose = choose_add,
    .apply = apply_add,
    .describe = describe_add,
};

/* ---- Update ---- */

static uint32_t leaf_of_sender(const struct proposal *proposal, struct sender sender) {
  (void)proposal;
  return sender.index;
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

static enum err check_update(const struct epoch *epoch, const struct proposal *proposal,
                             struct sender sender, const struct proposal_rules *rules) {
  struct leaf *leaf = NULL;
  enum err err = read_update(epoch, proposal->body.update, sender.index, rules->why, &leaf);
  leaf_drop(leaf);
  return err;
}

static enum err check_update_settings(const struct settings *settings, const struct epoch *epoch,
                                      const struct proposal *proposal, struct why *why) {
  (void)epoch;
  return check_leaf_size(settings, proposal->body.update.size, why);
}

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
  if (index == job->epoch->own_leaf && item->stored != NULL)
    effects->own_update_key = item->stored->update_key;
done:
  leaf_drop(leaf);
  return err;
}

static enum err describe_update(struct change *change, const struct proposal *proposal,
                                const struct tree *tree) {
  struct reader reader = reader_of(proposal->body.update);
  (void)tree;
  change->kind = E2EE_CHANGE_UPDATE;
  change->leaf = change->proposer.index;
  return leaf_read(&reader, NULL, &change->subject);
}

const struct proposal_kind proposal_kind_update = {
    .type = PROPOSAL_UPDATE,
    .of_sender = true,
    .pass = PASS_UPDATE,
    .turn = TURN_OTHER,
    .leaf = leaf_of_sender,
    .check = check_update,
    .check_settings = check_update_settings,
    .apply = apply_update,
    .describe = describe_update,
};

/* ---- Remove, and SelfRemove of its sender ---- */

static uint32_t leaf_removed(const struct proposal *proposal, struct sender sender) {
  (void)sender;
  return proposal->body.remove;
}

static enum err check_remove_count(const struct proposal_list *list, size_t count,
                                   const struct epoch *epoch, bool external,
                                   const struct proposal_rules *rules) {
  (void)list;
  if (external)
    return require(count <= 1, rules->why, ERR_INVALID_PROPOSAL,
                   "RFC 9420, section 12.2: an external commit with more than one Remove");
  return require(count <= tree_members(epoch->tree), rules->why, ERR_INVALID_PROPOSAL,
                 "RFC 9420, section 12.2: more Removes than there are members");
}

static enum err check_is_member(const struct tree *tree, uint32_t leaf, struct why *why) {
  return require(tree_leaf(tree, leaf) != NULL, why, ERR_INVALID_PROPOSAL,
                 "RFC 9420, section 12.1.3: a Remove of the blank leaf %u", leaf);
}

static enum err check_remove(const struct epoch *epoch, const struct proposal *proposal,
                             struct sender sender, const struct proposal_rules *rules) {
  (void)sender;
  return check_is_member(epoch->tree, proposal->body.remove, rules->why);
}

static enum err apply_remove(struct application *job, const struct listed_proposal *item) {
  enum err err = OK;
  struct effects *effects = job->effects;
  uint32_t index = proposal_leaf(&item->proposal, item->sender);
  TRY(check_is_member(job->epoch->tree, index, job->why));
  TRY(tree_remove_leaf(effects->tree, index));
  TRY(proposal_describe(&effects->changes, &item->proposal, item->sender, job->epoch->tree,
                        job->at));
  effects->removes_own = effects->removes_own || index == job->epoch->own_leaf;
done:
  return err;
}

static enum err describe_remove(struct change *change, const struct proposal *proposal,
                                const struct tree *tree) {
  change->kind = E2EE_CHANGE_REMOVE;
  change->leaf = proposal_leaf(proposal, change->proposer);
  const struct leaf *leaf = tree_leaf(tree, change->leaf);
  change->subject = leaf == NULL ? NULL : leaf_share(leaf);
  return OK;
}

const struct proposal_kind proposal_kind_remove = {
    .type = PROPOSAL_REMOVE,
    .removes = true,
    .pass = PASS_REMOVE,
    .turn = TURN_REMOVE,
    .leaf = leaf_removed,
    .check_count = check_remove_count,
    .check = check_remove,
    .apply = apply_remove,
    .describe = describe_remove,
};

const struct proposal_kind proposal_kind_self_remove = {
    .type = PROPOSAL_SELF_REMOVE,
    .of_sender = true,
    .removes = true,
    .brought = true,
    .pass = PASS_SELF_REMOVE,
    .turn = TURN_LEAVE,
    .leaf = leaf_of_sender,
    .apply = apply_remove,
    .describe = describe_remove,
};
