/*
 * What a proposal or a commit would change, for the application to look at before it accepts: all that
 * the proposals say (RFC 9420, section 12.1).
 * SPDX-License-Identifier: ISC
 */
#ifndef MLS_GROUP_CHANGES_H
#define MLS_GROUP_CHANGES_H

#include "mls/tree/tree.h"
#include "mls/wire/message.h"

struct change {
  uint32_t kind;          /* E2EE_CHANGE_* */
  uint32_t leaf;          /* LEAF_NONE if it is about no leaf */
  struct sender proposer; /* of the proposal; of a path, who commits */
  struct leaf *subject;   /* owned; the leaf that is put, or taken away; or NULL */
  size_t position;        /* of the proposal in its list */
  uint16_t type;          /* of the proposal */
  uint16_t version;       /* ADD: of the key package; REINIT: of the new group */
  uint16_t cipher_suite;  /* likewise */
  uint8_t psk_type;       /* PSK */
  uint8_t psk_usage;      /* PSK, resumption */
  uint64_t psk_epoch;     /* PSK, resumption */
  bool other_key;         /* see changes_note_keys() */
  struct bytes data;      /* PSK: id, or the group's; REINIT: id of the new group; CUSTOM: data */
  struct bytes
      extensions; /* items; ADD: of the key package; EXTENSIONS; REINIT: of the new group */
};

struct changes {
  struct change *item;
  size_t count;
  size_t capacity;
};

/** Put a leaf, or take it away.  @param type  of the proposal  @param subject  shared; may be NULL */
CHECKED enum err changes_add(struct changes *changes, uint32_t kind, uint16_t type, uint32_t leaf,
                             struct sender proposer, const struct leaf *subject, size_t position);

/** Put the leaf of a key package.  @param leaf  LEAF_NONE: not known yet */
CHECKED enum err changes_add_member(struct changes *changes, const struct key_package *key_package,
                                    uint32_t leaf, struct sender proposer, size_t position);

/** What the leaf of a key package is shown as. */
CHECKED enum err change_fill_member(struct change *change, const struct key_package *key_package);

/** Move a change to the end of the list; its parts are freed if that fails. */
CHECKED enum err changes_append(struct changes *changes, struct change *change);
void change_free(struct change *change);

/**
 * Note who stays, or comes back, with another signature key: by an Update, or by an external commit
 * in which a member goes whose credential it shows.
 * @param before  tree of the epoch that the changes are of
 * @param joiner  leaf of an external committer, whose ADD is the last change; or NULL
 * @return whether an external commit takes a member's place in that way
 */
bool changes_note_keys(struct changes *changes, const struct tree *before,
                       const struct leaf *joiner);

void changes_free(struct changes *changes);

#endif
