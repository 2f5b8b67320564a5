/*
 * The secret tree and its ratchets (RFC 9420, section 9): derived on demand, wiped once used.
 * SPDX-License-Identifier: ISC
 */
#ifndef MLS_KEYS_SECRETTREE_H
#define MLS_KEYS_SECRETTREE_H

#include "crypto/suite.h"
#include "mls/wire/codec.h"

enum ratchet_kind { RATCHET_HANDSHAKE, RATCHET_APPLICATION, RATCHET_KINDS };

/** Key and nonce of one message. */
struct message_key {
  uint8_t key[AEAD_KEY_MAX];
  uint8_t nonce[AEAD_NONCE_MAX];
};

/** Lives in locked memory.  Costs nothing until a leaf is asked for. */
struct secret_tree;

/** @param encryption_secret  moved in, unless it fails
 *  @param width  leaves of the tree, a power of two */
CHECKED enum err secret_tree_new(const struct suite *suite, struct secret *encryption_secret,
                                 uint32_t width, struct secret_tree **out);
void secret_tree_free(struct secret_tree *tree); /* wipes; accepts NULL */

/**
 * The generation of the next message in a leaf's ratchet.  To send: take it, peek at its key, seal,
 * use it, and only then let the ciphertext out; so a failure in between changes nothing and no key
 * protects two messages.
 * @return OK; ERR_KEY_EXHAUSTED after generation 2^32 - 1; ERR_INVALID_ARG (leaf beyond the tree)
 */
CHECKED enum err secret_tree_next(const struct secret_tree *tree, uint32_t leaf,
                                  enum ratchet_kind kind, uint32_t *generation);

/**
 * The key of a generation.  The tree does not change in a way anybody can see, so a message that
 * turns out to be forged costs no key: call secret_tree_use() once it has verified.
 * @param max_skip  generations that may be skipped: those between the newest used one and this one;
 *                  as many skipped keys are kept for each ratchet, the oldest are wiped first
 * @return OK; ERR_REPLAY (used, or skipped and given up); ERR_LIMIT (too far ahead: found out before
 *         anything is derived); ERR_INVALID_ARG (leaf beyond the tree)
 */
CHECKED enum err secret_tree_peek(struct secret_tree *tree, uint32_t leaf, enum ratchet_kind kind,
                                  uint32_t generation, uint32_t max_skip, struct message_key *out);

/** The generation's message has verified: wipe its key and keep those it skipped.
 *  @return as secret_tree_peek() */
CHECKED enum err secret_tree_use(struct secret_tree *tree, uint32_t leaf, enum ratchet_kind kind,
                                 uint32_t generation, uint32_t max_skip);

/**
 * All that is left, for saved state: opaque to other layers, with the secrets in clear.  Size grows
 * with the leaves asked for and the skipped keys kept.
 */
void secret_tree_write(struct writer *writer, const struct secret_tree *tree);

/**
 * Read what secret_tree_write() wrote for a tree of the same suite and width; every other input
 * is ERR_MALFORMED.  Skipped keys over the limit of the day are wiped by the next use.
 * @param out  to be freed with secret_tree_free()
 */
CHECKED enum err secret_tree_read(const struct suite *suite, struct reader *reader, uint32_t width,
                                  struct secret_tree **out);

#endif
