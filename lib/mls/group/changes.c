/* SPDX-License-Identifier: ISC */
#include "mls/group/changes.h"

#include "base/mem.h"

/* Move a change to the end of the list; its parts are freed if that fails. */
static enum err append(struct changes *changes, struct change *change) {
  enum err err =
      mem_grow(&changes->item, &changes->capacity, changes->count + 1, sizeof *changes->item);
  if (err == OK) {
    changes->item[changes->count++] = *change;
    *change = (struct change){0};
  }
  return err;
}

static void change_free(struct change *change) {
  leaf_drop(change->subject);
  bytes_free(&change->data);
  bytes_free(&change->extensions);
}

enum err changes_add(struct changes *changes, uint32_t kind, uint16_t type, uint32_t leaf,
                     struct sender proposer, const struct leaf *subject, size_t position) {
  struct change change = {.kind = kind,
                          .leaf = leaf,
                          .proposer = proposer,
                          .subject = subject == NULL ? NULL : leaf_share(subject),
                          .position = position,
                          .type = type};
  enum err err = append(changes, &change);
  change_free(&change);
  return err;
}

enum err changes_add_member(struct changes *changes, const struct key_package *key_package,
                            uint32_t leaf, struct sender proposer, size_t position) {
  enum err err = OK;
  struct change change = {.kind = E2EE_CHANGE_ADD,
                          .leaf = leaf,
                          .proposer = proposer,
                          .subject = leaf_share(key_package->leaf),
                          .position = position,
                          .type = PROPOSAL_ADD,
                          .version = key_package->version,
                          .cipher_suite = key_package->cipher_suite};
  TRY(bytes_copy(&change.extensions, key_package->extensions));
  TRY(append(changes, &change));
done:
  change_free(&change);
  return err;
}

static enum err fill_psk(struct change *change, const struct psk_id *psk) {
  change->kind = E2EE_CHANGE_PSK;
  change->psk_type = psk->type;
  change->psk_usage = psk->usage;
  change->psk_epoch = psk->psk_epoch;
  return bytes_copy(&change->data,
                    psk->type == PSK_EXTERNAL ? psk->external_id : psk->psk_group_id);
}

static enum err fill_reinit(struct change *change, const struct proposal *proposal) {
  enum err err = OK;
  change->kind = E2EE_CHANGE_REINIT;
  change->version = proposal->body.reinit.version;
  change->cipher_suite = proposal->body.reinit.cipher_suite;
  TRY(bytes_copy(&change->data, proposal->body.reinit.group_id));
  TRY(bytes_copy(&change->extensions, proposal->body.reinit.extensions));
done:
  return err;
}

enum err changes_add_other(struct changes *changes, const struct proposal *proposal,
                           struct sender proposer, size_t position) {
  enum err err = OK;
  struct change change = {
      .leaf = LEAF_NONE, .proposer = proposer, .position = position, .type = proposal->type};
  switch (proposal->type) {
  case PROPOSAL_PSK:
    TRY(fill_psk(&change, &proposal->body.psk));
    break;
  case PROPOSAL_REINIT:
    TRY(fill_reinit(&change, proposal));
    break;
  case PROPOSAL_GROUP_CONTEXT_EXTENSIONS:
    change.kind = E2EE_CHANGE_EXTENSIONS;
    TRY(bytes_copy(&change.extensions, proposal->body.group_context_extensions));
    break;
  default:
    change.kind = E2EE_CHANGE_CUSTOM;
    TRY(bytes_copy(&change.data, proposal->body.custom));
  }
  TRY(append(changes, &change));
done:
  change_free(&change);
  return err;
}

static enum err describe_add(struct changes *changes, struct view raw, struct sender proposer) {
  enum err err = OK;
  struct key_package key_package = {0};
  struct reader reader = reader_of(raw);
  TRY(key_package_read(&reader, NULL, &key_package));
  TRY(changes_add_member(changes, &key_package, LEAF_NONE, proposer, 0));
done:
  key_package_free(&key_package);
  return err;
}

static enum err describe_update(struct changes *changes, struct view raw, struct sender proposer) {
  enum err err = OK;
  struct leaf *leaf = NULL;
  struct reader reader = reader_of(raw);
  TRY(leaf_read(&reader, NULL, &leaf));
  TRY(changes_add(changes, E2EE_CHANGE_UPDATE, PROPOSAL_UPDATE, proposer.index, proposer, leaf, 0));
done:
  leaf_drop(leaf);
  return err;
}

enum err changes_describe(struct changes *changes, const struct proposal *proposal,
                          struct sender proposer, const struct tree *tree) {
  uint32_t leaf = LEAF_NONE;
  switch (proposal->type) {
  case PROPOSAL_ADD:
    return describe_add(changes, proposal->body.add, proposer);
  case PROPOSAL_UPDATE:
    return describe_update(changes, proposal->body.update, proposer);
  case PROPOSAL_REMOVE:
  case PROPOSAL_SELF_REMOVE:
    leaf = proposal->type == PROPOSAL_REMOVE ? proposal->body.remove : proposer.index;
    return changes_add(changes, E2EE_CHANGE_REMOVE, proposal->type, leaf, proposer,
                       tree_leaf(tree, leaf), 0);
  default:
    return changes_add_other(changes, proposal, proposer, 0);
  }
}

/* The leaf whose place an external committer takes by a removal; NULL if it does not.  A member that
 * leaves by itself, just then, is no less taken for one that comes back. */
static const struct leaf *place_taken(const struct change *change, const struct leaf *joiner) {
  if (joiner == NULL || change->kind != E2EE_CHANGE_REMOVE)
    return NULL;
  bool asked = change->proposer.type == SENDER_NEW_MEMBER_COMMIT;
  bool named = view_equal(leaf_credential(change->subject).raw, leaf_credential(joiner).raw);
  return asked || named ? change->subject : NULL;
}

static bool differ(const struct leaf *old, const struct leaf *new) {
  return old != NULL && !view_equal(leaf_signature_key(old), leaf_signature_key(new));
}

bool changes_note_keys(struct changes *changes, const struct tree *before,
                       const struct leaf *joiner) {
  bool takes_place = false;
  for (size_t i = 0; i < changes->count; i++) {
    struct change *change = &changes->item[i];
    if (change->kind == E2EE_CHANGE_UPDATE) {
      change->other_key = differ(tree_leaf(before, change->leaf), change->subject);
      continue;
    }
    change->other_key = differ(place_taken(change, joiner), joiner);
    takes_place = takes_place || change->other_key;
  }
  if (takes_place)
    changes->item[changes->count - 1].other_key = true;
  return takes_place;
}

void changes_free(struct changes *changes) {
  for (size_t i = 0; i < changes->count; i++)
    change_free(&changes->item[i]);
  mem_free(changes->item);
  *changes = (struct changes){0};
}
