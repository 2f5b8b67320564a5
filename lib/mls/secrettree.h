/*
 * The secret tree and its ratchets (RFC 9420, section 9): derived on demand, wiped once used.
 * SPDX-License-Identifier: ISC
 */
#ifndef MLS_SECRETTREE_H
#define MLS_SECRETTREE_H

#include "crypto/suite.h"
#include "mls/codec.h"

enum ratchet_kind { RATCHET_HANDSHAKE, RATCHET_APPLICATION, RATCHET_KINDS };

/** Key and nonce of one message. */
struct message_key {
  uint8_t key[AEAD_KEY_MAX];
  uint8_t nonce[AEAD_NONCE_MAX];
};

/** Lives in locked memory.  Costs nothing until a leaf is asked for. */
struct secret_tree;

/** @param encryption_secret  moved in  @param width  leaves of the tree, a power of two */
CHECKED enum err secret_tree_new(const struct suite *suite, struct secret *encryption_secret,
                                 uint32_t width, struct secret_tree **out);
void secret_tree_free(struct secret_tree *tree); /* wipes; accepts NULL */

/**
 * The next key of a leaf's ratchet, for sending: the ratchet moves on, so the key can never be
 * given out twice.  ERR_KEY_EXHAUSTED after generation 2^32 - 1.
 */
CHECKED enum err secret_tree_next(struct secret_tree *tree, uint32_t leaf, enum ratchet_kind kind,
                                  uint32_t *generation, struct message_key *out);

/**
 * The key of a received generation.  The tree does not change in a way anybody can see, so a
 * message that turns out to be forged costs no key: call secret_tree_use() once it has verified.
 * @param max_skip  generations ahead of the newest used one that are accepted; as many skipped keys
 *                  are kept for each ratchet, the oldest are wiped first
 * @return OK; ERR_REPLAY (used, or skipped and given up); ERR_LIMIT (too far ahead)
 */
CHECKED enum err secret_tree_peek(struct secret_tree *tree, uint32_t leaf, enum ratchet_kind kind,
                                  uint32_t generation, uint32_t max_skip, struct message_key *out);

/** The generation's message has verified: wipe its key and keep those it skipped. */
CHECKED enum err secret_tree_use(struct secret_tree *tree, uint32_t leaf, enum ratchet_kind kind,
                                 uint32_t generation, uint32_t max_skip);

/**
 * All that is left, for saved state: opaque to other layers, with the secrets in clear.
 * @param max_skip  limit on skipped keys accepted when reading
 */
void secret_tree_write(struct writer *writer, const struct secret_tree *tree);
CHECKED enum err secret_tree_read(const struct suite *suite, struct reader *reader, uint32_t width,
                                  struct secret_tree **out);

#endif
