/* SPDX-License-Identifier: ISC */
#include "mls/group/changes.h"

#include "base/mem.h"

void change_free(struct change *change) {
  leaf_drop(change->subject);
  bytes_free(&change->data);
  bytes_free(&change->extensions);
}

enum err changes_append(struct changes *changes, struct change *change) {
  enum err err =
      mem_grow(&changes->item, &changes->capacity, changes->count + 1, sizeof *changes->item);
  if (err == OK)
    changes->item[changes->count++] = *change;
  else
    change_free(change);
  *change = (struct change){0};
  return err;
}

enum err changes_add(struct changes *changes, uint32_t kind, uint16_t type, uint32_t leaf,
                     struct sender proposer, const struct leaf *subject, size_t position) {
  struct change change = {.kind = kind,
                          .leaf = leaf,
                          .proposer = proposer,
                          .subject = subject == NULL ? NULL : leaf_share(subject),
                          .position = position,
                          .type = type};
  return changes_append(changes, &change);
}

enum err change_fill_member(struct change *change, const struct key_package *key_package) {
  change->kind = E2EE_CHANGE_ADD;
  change->subject = leaf_share(key_package->leaf);
  change->version = key_package->version;
  change->cipher_suite = key_package->cipher_suite;
  return bytes_copy(&change->extensions, key_package->extensions);
}

enum err changes_add_member(struct changes *changes, const struct key_package *key_package,
                            uint32_t leaf, struct sender proposer, size_t position) {
  enum err err = OK;
  struct change change = {
      .leaf = leaf, .proposer = proposer, .position = position, .type = PROPOSAL_ADD};
  TRY(change_fill_member(&change, key_package));
  TRY(changes_append(changes, &change));
done:
  change_free(&change);
  return err;
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
