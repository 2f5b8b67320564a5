/*
 * A replay window for the counters of one key (RFC 9605, section 9.3, after RFC 3711,
 * section 3.3.2).
 * SPDX-License-Identifier: ISC
 */
#ifndef SFRAME_REPLAY_H
#define SFRAME_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * How far behind the newest counter a frame may come.  Where every packet is a frame, video of
 * 10 Mbit/s has about 1000 of them a second: one second for a retransmission to arrive.
 */
#define REPLAY_WINDOW 1024u

/**
 * How far ahead of it.  Counters begin at 0 and grow by one a frame (RFC 9605, section 4.4.1), so a
 * jump is as long as what was lost or not forwarded; no sender of ours counts further than this.
 */
#define REPLAY_AHEAD_MAX ((uint64_t)1 << 32)

/** A zeroed one has seen nothing. */
struct replay {
  uint64_t newest;                   /* counter noted */
  uint64_t seen[REPLAY_WINDOW / 64]; /* a ring: the bit of a counter is counter mod REPLAY_WINDOW */
};

static inline uint64_t replay_bit(uint64_t counter) {
  return (uint64_t)1 << counter % 64;
}

/* Which of the words has the bit. */
static inline size_t replay_word(uint64_t counter) {
  return counter % REPLAY_WINDOW / 64;
}

/** Whether a counter that is above the newest one may come after it. */
static inline bool replay_next(uint64_t newest, uint64_t counter) {
  return counter - newest <= REPLAY_AHEAD_MAX;
}

/** Whether a counter was not seen before, is not too old to tell, nor too far ahead. */
static inline bool replay_fresh(const struct replay *replay, uint64_t counter) {
  if (counter > replay->newest)
    return replay_next(replay->newest, counter);
  return replay->newest - counter < REPLAY_WINDOW &&
         (replay->seen[replay_word(counter)] & replay_bit(counter)) == 0;
}

/** Counters that leave the window hand their bits to those that enter it, all before `counter`. */
void replay_skip(struct replay *replay, uint64_t counter);

/** Note a fresh counter, once its frame is authentic. */
static inline void replay_mark(struct replay *replay, uint64_t counter) {
  if (counter > replay->newest) {
    if (counter - replay->newest > 1)
      replay_skip(replay, counter);
    replay->newest = counter;
  }
  replay->seen[replay_word(counter)] |= replay_bit(counter);
}

/** Start over from what is left of a window: all counters up to `newest` are spent. */
void replay_resume(struct replay *replay, uint64_t newest);

#endif
