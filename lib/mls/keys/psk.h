/*
 * Pre-shared keys (RFC 9420, section 8.4).
 * SPDX-License-Identifier: ISC
 */
#ifndef MLS_KEYS_PSK_H
#define MLS_KEYS_PSK_H

#include "mls/wire/message.h"

/**
 * Mix one PSK into a running psk_secret: start with schedule_zero(), then call for index 0, 1, …
 * @param id     PreSharedKeyID as on the wire
 * @param count  number of PSKs in all
 */
CHECKED enum err psk_mix(const struct suite *suite, struct view id, struct view psk, uint16_t index,
                         uint16_t count, struct secret *psk_secret);

/** resumption_psk of an epoch that is over (section 8.6). */
struct past_psk {
  uint64_t epoch;
  struct secret psk;
};

/** Those that a member keeps: longer than anything else of the epochs they are of. */
struct psk_history {
  struct past_psk *item; /* locked; oldest first */
  size_t count;
  size_t capacity;
};

/** Upper bound of E2EE_SET_RESUMPTION_EPOCHS. */
#define PSK_HISTORY_MAX 1024

/** Room for one more, so that psk_history_add() cannot fail.  ERR_NOMEM
 *  @param keep  so many are left then, the new one included; 0: that is wiped too */
CHECKED enum err psk_history_reserve(struct psk_history *history, size_t keep);
/** The secret is moved in. */
void psk_history_add(struct psk_history *history, uint64_t epoch, struct secret *psk, size_t keep);
/** @return false if it is not there */
bool psk_history_find(const struct psk_history *history, uint64_t epoch, struct view *out);
void psk_history_clear(struct psk_history *history); /* wipes */

#endif
