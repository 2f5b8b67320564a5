/* SPDX-License-Identifier: ISC */
#include "sframe/replay.h"

#include <string.h>

static uint64_t bit_of(uint64_t counter) {
  return (uint64_t)1 << counter % 64;
}

static unsigned word_of(uint64_t counter) {
  return (unsigned)(counter % REPLAY_WINDOW / 64);
}

bool replay_fresh(const struct replay *replay, uint64_t counter) {
  if (!replay->started || counter > replay->newest)
    return true;
  if (replay->newest - counter >= REPLAY_WINDOW)
    return false;
  return (replay->seen[word_of(counter)] & bit_of(counter)) == 0;
}

/* Counters that leave the window hand their bits to those that enter it, all up to `counter`. */
static void advance(struct replay *replay, uint64_t counter) {
  if (counter - replay->newest >= REPLAY_WINDOW) {
    memset(replay->seen, 0, sizeof replay->seen);
  } else {
    for (uint64_t entering = replay->newest; entering++ < counter;)
      replay->seen[word_of(entering)] &= ~bit_of(entering);
  }
  replay->newest = counter;
}

void replay_mark(struct replay *replay, uint64_t counter) {
  if (!replay->started) {
    replay->started = true;
    replay->newest = counter;
  } else if (counter > replay->newest) {
    advance(replay, counter);
  }
  replay->seen[word_of(counter)] |= bit_of(counter);
}

void replay_resume(struct replay *replay, uint64_t newest) {
  replay->started = true;
  replay->newest = newest;
  memset(replay->seen, 0xff, sizeof replay->seen);
}
