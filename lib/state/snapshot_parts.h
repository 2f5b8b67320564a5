/*
 * What the files that save and load share: small CBOR idioms, and epochs.
 * SPDX-License-Identifier: ISC
 */
#ifndef STATE_SNAPSHOT_PARTS_H
#define STATE_SNAPSHOT_PARTS_H

#include "mls/group/group.h"
#include "state/cbor.h"

/** The key of a map, and a byte string. */
void snapshot_write_bytes(struct writer *writer, unsigned key, struct view bytes);
CHECKED enum err snapshot_read_bytes(struct reader *reader, unsigned key, struct view *out);

/** The key of a map, and a byte string of what another writer holds, which is freed. */
void snapshot_write_inner(struct writer *writer, unsigned key, struct writer *inner);

/** The head of an array of exactly `count` items. */
CHECKED enum err snapshot_read_tuple(struct reader *reader, size_t count);

/** The key of a map, and the head of an array of at most `most` items. */
CHECKED enum err snapshot_read_array(struct reader *reader, unsigned key, size_t most,
                                     size_t *count);

/**
 * What a decoder of saved state returns: whatever means that the bytes are not what was written is
 * ERR_STATE_CORRUPT, with a reason; ERR_NOMEM, ERR_INTERNAL and ERR_LIMIT are told as they are.
 */
CHECKED enum err snapshot_result(enum err err, struct why *why);

/** What a member has of an epoch; the values are part of the format. */
enum epoch_kind {
  EPOCH_MEMBER = 0,  /* everything */
  EPOCH_OUTSIDE = 1, /* no secrets: the own external commit is pending */
  EPOCH_LEFT = 2,    /* no secrets any more */
  EPOCH_PAST = 3,    /* what late messages need */
  EPOCH_PAST_V1 = 4, /* and the resumption PSK, where it was kept until format version 2 */
};

/** @param base  a tree of which only the differences are written; NULL: none */
void snapshot_write_epoch(struct writer *writer, const struct epoch *epoch, enum epoch_kind kind,
                          const struct tree *base);

/**
 * Read an epoch of the client and check that its parts fit each other.
 * @param base  as it was written with  @param out  to be freed
 */
CHECKED enum err snapshot_read_epoch(struct reader *reader, struct client *client,
                                     enum epoch_kind kind, const struct tree *base,
                                     struct epoch **out);

/** Write a group as one map.  @param base  of its current tree; NULL: none */
void snapshot_write_group(struct writer *writer, const struct group *group,
                          const struct tree *base);

/** Read one, to the end.  @param version  of the format  @param base  as it was written with
 *  @param out  to be freed */
CHECKED enum err snapshot_read_group_map(struct client *client, uint8_t version,
                                         struct reader *reader, const struct tree *base,
                                         struct group **out);

#endif
