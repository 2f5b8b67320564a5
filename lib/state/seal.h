/*
 * Sealed blobs: what a client or group leaves on disk, under a key of the app's.
 *
 * A blob is a header { "e2ee", format version, kind }, a random nonce, and the content encrypted with
 * XChaCha20-Poly1305; the header is authenticated too.
 * SPDX-License-Identifier: ISC
 */
#ifndef STATE_SEAL_H
#define STATE_SEAL_H

#include "base/buf.h"
#include "crypto/sealbox.h"

/** Version of the contents' format that is written; all from 1 up to it are read. */
#define SEAL_VERSION 2

/** What a blob holds; values are part of the format. */
enum seal_kind { SEAL_CLIENT = 1, SEAL_GROUP = 2, SEAL_TREE = 3, SEAL_CHANGES = 4 };

/**
 * @param key  SEALBOX_KEY_SIZE bytes, else ERR_INVALID_ARG
 * @param out  to be freed
 */
CHECKED enum err seal(struct view key, enum seal_kind kind, struct view content, struct bytes *out);

/** The nonce of a blob that seal() made or unseal() opened: no two have one. */
struct view seal_nonce(struct view blob);

/**
 * @param version  out: of the content's format, 1 to SEAL_VERSION
 * @param content  out, to be freed
 * @return OK; ERR_INVALID_ARG (size of the key); ERR_STATE_KEY (another key, altered, or no blob at
 *         all); ERR_STATE_VERSION (of a newer version, which tells nothing about the key);
 *         ERR_STATE_CORRUPT (authentic, but of another kind)
 */
CHECKED enum err unseal(struct view key, enum seal_kind kind, struct view blob, struct why *why,
                        uint8_t *version, struct bytes *content);

#endif
