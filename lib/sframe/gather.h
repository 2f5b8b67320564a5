/*
 * Gathering the clear bytes of a frame at its front, so that all others are in one piece for the AEAD,
 * and putting them back.  In place, without more memory: n bytes with k ranges take at most n log k
 * moves, and a single range at the front takes none.
 * SPDX-License-Identifier: ISC
 */
#ifndef SFRAME_GATHER_H
#define SFRAME_GATHER_H

#include <stddef.h>
#include <stdint.h>

#include <e2ee/media.h>

/** Ranges are ascending and within the frame. */
void gather(uint8_t *frame, const struct e2ee_range *clear, size_t count);
void scatter(uint8_t *frame, const struct e2ee_range *clear, size_t count);

#endif
