/* SPDX-License-Identifier: ISC */
#include "sframe/replay.h"

#include <string.h>

void replay_skip(struct replay *replay, uint64_t counter) {
  if (counter - replay->newest >= REPLAY_WINDOW) {
    memset(replay->seen, 0, sizeof replay->seen);
    return;
  }
  for (uint64_t entering = replay->newest + 1; entering < counter; entering++)
    replay->seen[replay_word(entering)] &= ~replay_bit(entering);
}

void replay_resume(struct replay *replay, uint64_t newest) {
  replay->newest = newest;
  memset(replay->seen, 0xff, sizeof replay->seen);
}
