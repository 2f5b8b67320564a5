/*
 * One epoch of a group: its tree, its GroupContext, and the secrets a member has of it.
 * An epoch is built beside the current one and takes its place when all has verified.
 * SPDX-License-Identifier: ISC
 */
#ifndef MLS_GROUP_EPOCH_H
#define MLS_GROUP_EPOCH_H

#include "mls/group/framing.h"
#include "mls/tree/treekem.h"

struct epoch {
  const struct suite *suite;
  struct bytes context_raw;     /* GroupContext on the wire */
  struct group_context context; /* views into it */
  struct tree *tree;
  uint32_t own_leaf;
  struct bytes reinit; /* ReInit proposal that the commit to this epoch held: the group has ended */
  uint8_t confirmation_tag[HASH_MAX];
  uint8_t interim_transcript_hash[HASH_MAX];
  struct private_keys *keys; /* locked; NULL once past */
  struct epoch_secrets
      *secrets; /* locked; once past, only what late messages need; NULL where there are none */
  struct secret_tree *secret_tree;
};

void epoch_free(struct epoch *epoch); /* wipes; accepts NULL */

/** What stays the same, or is decided, when an epoch follows another. */
struct epoch_parts {
  struct view group_id;
  uint64_t epoch;          /* of the new one */
  struct view extensions;  /* of the new GroupContext */
  const struct tree *tree; /* sealed, of the new epoch; shared */
  struct view reinit;      /* ReInit proposal of the commit, or empty */
  uint32_t own_leaf;
};

/** GroupContext on the wire.  @param confirmed_transcript_hash  of the old epoch for a provisional
 *  one  @param out  to be freed */
CHECKED enum err epoch_write_context(const struct epoch_parts *parts,
                                     struct view confirmed_transcript_hash, struct bytes *out);

/** Bytes of the epoch's GroupContext, and of one that has other extensions and is the same otherwise. */
size_t epoch_context_size(const struct epoch *epoch, struct view extensions);

/** The secrets that go into a new epoch. */
struct epoch_inputs {
  const struct secret *init_secret;
  const struct secret *commit_secret;
  const struct secret *psk_secret;
};

/**
 * Build the epoch that a commit leads to.
 * @param keys           own private keys in it; moved in on success
 * @param interim        interim transcript hash of the old epoch
 * @param transcript     of the commit: see framing_write_transcript()
 * @param joiner_secret  out, for a Welcome; may be NULL
 * @param out            to be freed
 */
CHECKED enum err epoch_advance(const struct epoch_parts *parts, const struct epoch_inputs *inputs,
                               struct view interim, struct view transcript,
                               struct private_keys **keys, struct secret *joiner_secret,
                               struct epoch **out);

/** Build the first epoch of a new group, whose tree has one member. */
CHECKED enum err epoch_create(const struct epoch_parts *parts, struct private_keys **keys,
                              struct epoch **out);

/** Build the epoch that a Welcome describes.  @param context  GroupContext on the wire */
CHECKED enum err epoch_join(const struct epoch_parts *parts, struct view context,
                            const struct secret *joiner_secret, const struct secret *psk_secret,
                            struct private_keys **keys, struct epoch **out);

/** The epoch as somebody sees it who is not in it: without secrets. */
CHECKED enum err epoch_outside(const struct epoch_parts *parts, struct view context,
                               struct view confirmation_tag, struct epoch **out);

/** Parse context_raw and point `context` into it: for loading.  */
CHECKED enum err epoch_set_context(struct epoch *epoch, struct view context);

/** The epoch is past: wipe all that late application messages do not need. */
void epoch_retire(struct epoch *epoch);

/** What framing needs of it. */
struct framing_keys epoch_framing(const struct epoch *epoch, uint32_t max_skip);

struct view epoch_confirmation_tag(const struct epoch *epoch);
struct view epoch_interim_hash(const struct epoch *epoch);

#endif
