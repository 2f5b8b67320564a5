/*
 * Media files: Ogg Opus audio and VP8 video in IVF, read whole and written frame by frame.
 * SPDX-License-Identifier: ISC
 */
#ifndef TRACK_H
#define TRACK_H

#include "wire.h"

/** A codec's frames, as a file held them. */
struct track {
  uint8_t *header; /**< OpusHead packet, or the IVF file header. */
  size_t header_size;
  uint8_t *bytes; /**< All frames, one after the other. */
  size_t *end;    /**< Where each frame ends in them. */
  size_t count;
};

/** Read an Ogg Opus file.  @return false if it is none */
bool track_read_ogg(const char *path, struct track *out);

/** Read an IVF file.  @return false if it is none */
bool track_read_ivf(const char *path, struct track *out);

/** The frame at a position of the call: the track repeats for as long as that lasts. */
struct slice track_frame(const struct track *track, uint32_t position);

void track_free(struct track *track);

/** How long a frame of a stream lasts. */
uint64_t stream_frame_us(uint8_t stream);

struct recording;

/**
 * Open a file that frames of one sender are written to: NAME.opus or NAME.ivf.  One that is
 * there already is continued: Ogg by a chained stream, IVF by more frames.
 * @param like  a track with the same codec settings
 * @param first position of a frame that is about to come
 */
struct recording *recording_open(const char *folder, const char *name, uint8_t stream,
                                 const struct track *like, uint32_t first);

/**
 * Take a frame.  Frames that come out of order are put in order: one whose predecessor is missing
 * waits for it, but not for ever.
 */
void recording_put(struct recording *recording, uint32_t position, struct slice frame);

/** Write the frames that have waited long enough for a missing one. */
void recording_tick(struct recording *recording);

/** Write all that waits, and close. */
void recording_close(struct recording *recording);

#endif /* TRACK_H */
