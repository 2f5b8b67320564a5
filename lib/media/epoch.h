/*
 * One MLS epoch as media sees it: the secret behind its frame keys, its key ids, and its roster.
 *
 * KID = context * 2^(S+E) + leaf * 2^E + epoch mod 2^E (RFC 9605, section 5.2), where
 * E is 4, as in the RFC's example: sixteen epochs can be told apart, and a leaf below 16 makes a key
 * id of one byte, one below 4096 two.
 * S is the number of bits of a leaf index in the epoch's tree: log2 of its leaves, blank ones
 * included.  Every member of an epoch has the same tree, so nothing needs to be agreed on; a count
 * of members would not do, for with blank leaves an index can be larger than it.
 * SPDX-License-Identifier: ISC
 */
#ifndef MEDIA_EPOCH_H
#define MEDIA_EPOCH_H

#include <stdatomic.h>

#include "media/contexts.h"
#include "media/keys.h"
#include "mls/group/group.h"
#include "sframe/key.h"

/** With 32-bit contexts above them, more leaf bits would not fit into a key id. */
#define MEDIA_LEAF_BITS_MAX (64u - 32u - MEDIA_EPOCH_BITS)

/** Immutable but for `heard`; lives in locked memory.  Any thread. */
struct media_epoch {
  struct outgoing outgoing; /* draws a context for each stream */
  uint64_t number;
  uint32_t own_leaf;
  uint32_t leaf_bits;        /* S */
  bool restored;             /* contexts are random */
  struct contexts *contexts; /* the group handle's */
  struct roster *roster;
  struct secret secret; /* sframe_secret() of the exported base_key */
  atomic_uint *heard;   /* a bit a leaf: a frame of it was accepted */
};

/**
 * Take from a group what media needs of its present epoch; no pointer into the group is kept.
 * @return OK, ERR_LIMIT (tree too wide), or what the exporter returned
 */
CHECKED enum err media_epoch_new(const struct sframe_suite *suite, const struct group *group,
                                 struct contexts *contexts, struct media_epoch **out);

/** Wipe and free; accepts NULL. */
void media_epoch_free(struct media_epoch *epoch);

uint64_t media_epoch_kid(const struct media_epoch *epoch, uint64_t context, uint32_t leaf);
uint32_t media_epoch_leaf(const struct media_epoch *epoch, uint64_t kid);

/** The bits of a key id that name leaf and epoch. */
uint64_t media_epoch_mask(const struct media_epoch *epoch);

/** Where the epoch of a key id is kept: its low bits. */
unsigned media_epoch_slot(uint64_t kid_or_epoch);

/** Note that a leaf was heard.  @return true if it was the first time */
bool media_epoch_hear(const struct media_epoch *epoch, uint32_t leaf);

#endif
