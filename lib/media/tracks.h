/*
 * What a receiver remembers of the key ids whose frames it accepted, in memory of a fixed size.
 *
 * A track stays as long as its class of keys: a forgotten key id could be replayed.  The replay windows are
 * fewer, and go to the tracks used last; a track that lost its window keeps its newest counter
 * and accepts nothing up to it.  Nothing here changes before a frame has proved authentic, so that
 * forged frames displace nothing.
 * SPDX-License-Identifier: ISC
 */
#ifndef MEDIA_TRACKS_H
#define MEDIA_TRACKS_H

#include "base/err.h"
#include "media/keys.h"
#include "sframe/replay.h"

/** Key ids accepted in all installed epochs: a thousand members with sound and picture, 48 KB. */
#define TRACKS_MAX 2048u

/**
 * Once half of that is taken, a member has room for so many in an epoch.  So a thousand streams of
 * one member leave room for 256 others.
 */
#define TRACKS_SHARE 4u

/** Of them, those with a window: a gallery of 49 with sound and picture in two epochs, 40 KB. */
#define TRACKS_WINDOWS 256u

#define TRACKS_HEADS 1024u
#define TRACKS_SHARES 1024u
#define TRACKS_NONE UINT16_MAX

struct track {
  uint64_t kid;
  uint64_t newest;  /* counter accepted; for a track that has lost its window */
  uint16_t next;    /* of the same hash, or the next free one */
  uint16_t sibling; /* of the same class */
  uint16_t window;  /* or TRACKS_NONE */
  uint16_t hint;    /* for the owner of the table: where it keeps the key */
};

struct window {
  struct replay replay;
  uint64_t used;  /* clock at the last frame; 0: free */
  uint16_t track; /* or the next free window */
};

struct tracks {
  uint64_t clock;
  uint16_t free;                 /* chain of unused tracks */
  uint16_t taken;                /* tracks that are not in it */
  uint16_t free_window;          /* chain of unused windows */
  uint16_t classes[KEY_CLASSES]; /* chains by class */
  uint16_t heads[TRACKS_HEADS];
  uint64_t masks[KEY_CLASSES];    /* of struct frame_origin, for the tracks of a class */
  uint16_t shares[TRACKS_SHARES]; /* tracks by a hash of who sends; few share one by chance */
  struct track tracks[TRACKS_MAX];
  struct window windows[TRACKS_WINDOWS];
};

void tracks_init(struct tracks *tracks);

/** NULL if no frame with this key id was accepted. */
struct track *tracks_find(struct tracks *tracks, uint64_t kid);

/** Whether a counter is new for a track. */
static inline bool tracks_fresh(const struct tracks *tracks, const struct track *track,
                                uint64_t counter) {
  if (track->window == TRACKS_NONE)
    return counter > track->newest && replay_next(track->newest, counter);
  return replay_fresh(&tracks->windows[track->window].replay, counter);
}

/** Whether a counter is one of which the track's window tells if it was seen. */
static inline bool tracks_within(const struct tracks *tracks, const struct track *track,
                                 uint64_t counter) {
  if (track->window == TRACKS_NONE)
    return false;
  uint64_t newest = tracks->windows[track->window].replay.newest;
  return counter <= newest && newest - counter < REPLAY_WINDOW;
}

/** Whether there is room for one more key id.  @param mask  of its struct frame_origin */
bool tracks_room(const struct tracks *tracks, uint64_t kid, uint64_t mask);

/** Begin the track of a key id that has none, for its first authentic frame.  Not without room. */
struct track *tracks_begin(struct tracks *tracks, uint64_t kid, const struct frame_origin *origin);

/** Give a window to a track that has lost its own. */
void tracks_resume(struct tracks *tracks, struct track *track);

/** Note a fresh counter whose frame is authentic. */
static inline void tracks_mark(struct tracks *tracks, struct track *track, uint64_t counter) {
  if (track->window == TRACKS_NONE)
    tracks_resume(tracks, track);
  struct window *window = &tracks->windows[track->window];
  replay_mark(&window->replay, counter);
  if (window->used != tracks->clock) /* else it is the one used last already */
    window->used = ++tracks->clock;
}

/** Forget a few of the key ids of classes that are gone, so that whoever holds the latch holds it for
 *  a moment.  @param classes  a bit each  @return true if there are more */
CHECKED bool tracks_forget(struct tracks *tracks, unsigned classes);

/** Forget one key id, if it is there.  @param class  that it began with */
void tracks_drop(struct tracks *tracks, uint64_t kid, uint32_t class);

#endif
