/*
 * A replay window for the counters of one key (RFC 9605, section 9.3, after RFC 3711,
 * section 3.3.2).
 * SPDX-License-Identifier: ISC
 */
#ifndef SFRAME_REPLAY_H
#define SFRAME_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

/**
 * How far behind the newest counter a frame may come.  Where every packet is a frame, video of
 * 10 Mbit/s has about 1000 of them a second: one second for a retransmission to arrive.
 */
#define REPLAY_WINDOW 1024u

/** A zeroed one has seen nothing. */
struct replay {
  bool started;
  uint64_t newest;                   /* once started */
  uint64_t seen[REPLAY_WINDOW / 64]; /* a ring: the bit of a counter is counter mod REPLAY_WINDOW */
};

/** Whether a counter was not seen before and is not too old to tell.  Changes nothing. */
bool replay_fresh(const struct replay *replay, uint64_t counter);

/** Note a fresh counter, once its frame is authentic. */
void replay_mark(struct replay *replay, uint64_t counter);

/** Start over from what is left of a window: all counters up to `newest` are spent. */
void replay_resume(struct replay *replay, uint64_t newest);

#endif
