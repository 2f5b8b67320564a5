/*
 * Pre-shared keys (RFC 9420, section 8.4).
 * SPDX-License-Identifier: ISC
 */
#ifndef MLS_PSK_H
#define MLS_PSK_H

#include "mls/message.h"

/**
 * Mix one PSK into a running psk_secret: start with schedule_zero(), then call for index 0, 1, …
 * @param id     PreSharedKeyID as on the wire
 * @param count  number of PSKs in all
 */
CHECKED enum err psk_mix(const struct suite *suite, struct view id, struct view psk, uint16_t index,
                         uint16_t count, struct secret *psk_secret);

#endif
