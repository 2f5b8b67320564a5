/* SPDX-License-Identifier: ISC */
#include "media/tracks.h"

#include <string.h>

/* What one call of tracks_forget() does at most: a microsecond's work. */
#define FORGET_TRACKS 8u

static unsigned head_of(uint64_t kid) {
  return (unsigned)(kid * UINT64_C(0x9e3779b97f4a7c15) >> 54); /* Fibonacci hashing */
}
_Static_assert(TRACKS_HEADS == 1u << (64 - 54), "head_of() keeps the highest bits");
_Static_assert(TRACKS_SHARES == TRACKS_HEADS, "share_of() hashes as head_of() does");

/* Who sends under a key id, by a hash. */
static unsigned share_of(uint64_t kid, uint64_t mask) {
  return head_of(kid & mask);
}

void tracks_init(struct tracks *tracks) {
  memset(tracks, 0, sizeof *tracks);
  memset(tracks->heads, 0xff, sizeof tracks->heads);
  memset(tracks->classes, 0xff, sizeof tracks->classes);
  for (unsigned i = 0; i < TRACKS_MAX; i++)
    tracks->tracks[i].next = (uint16_t)(i + 1);
  tracks->tracks[TRACKS_MAX - 1].next = TRACKS_NONE;
  for (unsigned i = 0; i < TRACKS_WINDOWS; i++)
    tracks->windows[i].track = (uint16_t)(i + 1);
  tracks->windows[TRACKS_WINDOWS - 1].track = TRACKS_NONE;
}

struct track *tracks_find(struct tracks *tracks, uint64_t kid) {
  uint16_t at = tracks->heads[head_of(kid)];
  while (at != TRACKS_NONE && tracks->tracks[at].kid != kid)
    at = tracks->tracks[at].next;
  return at == TRACKS_NONE ? NULL : &tracks->tracks[at];
}

bool tracks_room(const struct tracks *tracks, uint64_t kid, uint64_t mask) {
  if (tracks->taken < TRACKS_MAX / 2)
    return true;
  return tracks->taken < TRACKS_MAX && tracks->shares[share_of(kid, mask)] < TRACKS_SHARE;
}

static void free_window(struct tracks *tracks, uint16_t at) {
  tracks->windows[at] = (struct window){.used = 0, .track = tracks->free_window};
  tracks->free_window = at;
}

/* Where none is free, the window used longest ago is taken from its track, which keeps the newest
 * counter. */
static uint16_t take_window(struct tracks *tracks) {
  if (tracks->free_window == TRACKS_NONE) {
    uint16_t oldest = 0;
    for (uint16_t i = 1; i < TRACKS_WINDOWS; i++)
      if (tracks->windows[i].used < tracks->windows[oldest].used)
        oldest = i;
    struct track *loser = &tracks->tracks[tracks->windows[oldest].track];
    loser->newest = tracks->windows[oldest].replay.newest;
    loser->window = TRACKS_NONE;
    free_window(tracks, oldest);
  }
  uint16_t at = tracks->free_window;
  tracks->free_window = tracks->windows[at].track;
  return at;
}

static void give_window(struct tracks *tracks, struct track *track) {
  track->window = take_window(tracks);
  struct window *window = &tracks->windows[track->window];
  window->track = (uint16_t)(track - tracks->tracks);
  window->used = ++tracks->clock;
}

struct track *tracks_begin(struct tracks *tracks, uint64_t kid, const struct frame_origin *origin) {
  uint16_t at = tracks->free;
  struct track *track = &tracks->tracks[at];
  uint16_t *head = &tracks->heads[head_of(kid)], *first = &tracks->classes[origin->class];
  tracks->free = track->next;
  *track = (struct track){.kid = kid, .next = *head, .sibling = *first, .hint = TRACKS_NONE};
  *head = at;
  *first = at;
  tracks->taken++;
  tracks->masks[origin->class] = origin->mask;
  tracks->shares[share_of(kid, origin->mask)]++;
  give_window(tracks, track);
  return track;
}

void tracks_resume(struct tracks *tracks, struct track *track) {
  give_window(tracks, track);
  replay_resume(&tracks->windows[track->window].replay, track->newest);
}

static void forget_one(struct tracks *tracks, uint16_t at, uint32_t class) {
  struct track *track = &tracks->tracks[at];
  uint16_t *link = &tracks->heads[head_of(track->kid)];
  while (*link != at)
    link = &tracks->tracks[*link].next;
  *link = track->next;
  link = &tracks->classes[class];
  while (*link != at)
    link = &tracks->tracks[*link].sibling;
  *link = track->sibling;
  if (track->window != TRACKS_NONE)
    free_window(tracks, track->window);
  tracks->taken--;
  tracks->shares[share_of(track->kid, tracks->masks[class])]--;
  *track = (struct track){.next = tracks->free};
  tracks->free = at;
}

bool tracks_forget(struct tracks *tracks, unsigned classes) {
  unsigned forgotten = 0;
  for (unsigned i = 0; i < KEY_CLASSES; i++) {
    while ((classes >> i & 1u) != 0 && tracks->classes[i] != TRACKS_NONE) {
      if (forgotten++ == FORGET_TRACKS)
        return true;
      forget_one(tracks, tracks->classes[i], i);
    }
  }
  return false;
}

void tracks_drop(struct tracks *tracks, uint64_t kid, uint32_t class) {
  struct track *track = tracks_find(tracks, kid);
  if (track != NULL)
    forget_one(tracks, (uint16_t)(track - tracks->tracks), class);
}
