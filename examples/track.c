/* SPDX-License-Identifier: ISC */
#include "track.h"

#include <ogg/ogg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IVF_HEADER = 32, IVF_LENGTH = 24, IVF_FRAME_HEADER = 12 };

uint64_t stream_frame_us(uint8_t stream) {
  return stream == STREAM_AUDIO ? 20000 : 80000;
}

/* ---- Reading --------------------------------------------------------------- */

static bool append(struct track *track, const uint8_t *frame, size_t size) {
  const size_t used = track->count > 0 ? track->end[track->count - 1] : 0;
  uint8_t *bytes = realloc(track->bytes, used + size + 1);
  if (!bytes) {
    return false;
  }
  track->bytes = bytes;
  size_t *end = realloc(track->end, (track->count + 1) * sizeof *end);
  if (!end) {
    return false;
  }
  track->end = end;
  memcpy(bytes + used, frame, size);
  end[track->count++] = used + size;
  return true;
}

static bool set_header(struct track *track, const uint8_t *header, size_t size) {
  track->header = malloc(size + 1);
  if (!track->header) {
    return false;
  }
  memcpy(track->header, header, size);
  track->header_size = size;
  return true;
}

static uint8_t *read_file(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  if (!file) {
    return NULL;
  }
  uint8_t *bytes = NULL;
  fseek(file, 0, SEEK_END);
  const long length = ftell(file);
  rewind(file);
  if (length > 0) {
    bytes = malloc((size_t)length);
    if (bytes && fread(bytes, 1, (size_t)length, file) != (size_t)length) {
      free(bytes);
      bytes = NULL;
    }
    *size = (size_t)length;
  }
  fclose(file);
  return bytes;
}

/* The first packet is OpusHead, the second OpusTags, all others are frames. */
static bool take_packets(ogg_stream_state *stream, struct track *track, size_t *packets) {
  ogg_packet packet;
  while (ogg_stream_packetout(stream, &packet) == 1) {
    const size_t size = (size_t)packet.bytes;
    if (*packets == 0 && (size < 19 || memcmp(packet.packet, "OpusHead", 8) != 0 ||
                          !set_header(track, packet.packet, size))) {
      return false;
    }
    if (*packets > 1 && !append(track, packet.packet, size)) {
      return false;
    }
    *packets += 1;
  }
  return true;
}

bool track_read_ogg(const char *path, struct track *out) {
  size_t size = 0;
  size_t packets = 0;
  bool good = true;
  struct track track = {0};
  uint8_t *file = read_file(path, &size);
  if (!file) {
    return false;
  }
  ogg_sync_state sync;
  ogg_stream_state stream;
  ogg_page page;
  ogg_sync_init(&sync);
  ogg_stream_init(&stream, 0);
  memcpy(ogg_sync_buffer(&sync, (long)size), file, size);
  ogg_sync_wrote(&sync, (long)size);
  while (good && ogg_sync_pageout(&sync, &page) == 1) {
    if (ogg_page_bos(&page)) {
      ogg_stream_reset_serialno(&stream, ogg_page_serialno(&page));
    }
    good = ogg_stream_pagein(&stream, &page) == 0 && take_packets(&stream, &track, &packets);
  }
  ogg_stream_clear(&stream);
  ogg_sync_clear(&sync);
  free(file);
  if (!good || track.count == 0) {
    track_free(&track);
    return false;
  }
  *out = track;
  return true;
}

static size_t read_little(const uint8_t *bytes) {
  return bytes[0] | (size_t)bytes[1] << 8 | (size_t)bytes[2] << 16 | (size_t)bytes[3] << 24;
}

bool track_read_ivf(const char *path, struct track *out) {
  size_t size = 0;
  struct track track = {0};
  uint8_t *file = read_file(path, &size);
  bool good = file && size > IVF_HEADER && memcmp(file, "DKIF", 4) == 0 &&
              set_header(&track, file, IVF_HEADER);
  size_t at = IVF_HEADER;
  while (good && size - at >= IVF_FRAME_HEADER) {
    const size_t length = read_little(file + at);
    at += IVF_FRAME_HEADER;
    good = length <= size - at && append(&track, file + at, length);
    at += length;
  }
  free(file);
  if (!good || track.count == 0) {
    track_free(&track);
    return false;
  }
  *out = track;
  return true;
}

struct slice track_frame(const struct track *track, uint32_t position) {
  const size_t index = position % track->count;
  const size_t start = index > 0 ? track->end[index - 1] : 0;
  return (struct slice){track->bytes + start, track->end[index] - start};
}

void track_free(struct track *track) {
  free(track->header);
  free(track->bytes);
  free(track->end);
  *track = (struct track){0};
}

/* ---- Writing --------------------------------------------------------------- */

/* A frame waits at most this long for the one before it. */
enum { PATIENCE_US = 400000, WAITING = 64 };

struct recording {
  FILE *file;
  uint8_t stream;
  ogg_stream_state ogg;
  uint32_t next; /* Position of the frame to be written next. */
  size_t held;   /* Number of frames that wait. */
  struct {
    uint8_t *frame; /* NULL: the place is free. */
    size_t size;
    uint64_t since;
  } waiting[WAITING]; /* Frame n has place n modulo WAITING. */
};

/* Each frame has a page of its own, so that its position can be read off the page, and a frame is
 * in the file as soon as it was written. */
static void write_pages(struct recording *recording, ogg_packet *packet) {
  ogg_page page;
  ogg_stream_packetin(&recording->ogg, packet);
  while (ogg_stream_flush(&recording->ogg, &page)) {
    fwrite(page.header, 1, (size_t)page.header_len, recording->file);
    fwrite(page.body, 1, (size_t)page.body_len, recording->file);
  }
}

static void begin_ogg(struct recording *recording, const struct track *like) {
  static uint8_t tags[] = "OpusTags\x07\0\0\0libe2ee\0\0\0\0";
  ogg_packet head = {
      .packet = like->header, .bytes = (long)like->header_size, .b_o_s = 1, .packetno = 0};
  ogg_packet comment = {.packet = tags, .bytes = sizeof tags - 1, .packetno = 1};
  write_pages(recording, &head);
  write_pages(recording, &comment);
}

static void write_little(uint8_t out[4], size_t value) {
  for (size_t i = 0; i < 4; i++) {
    out[i] = (uint8_t)(value >> 8 * i);
  }
}

static void write_frame(struct recording *recording, uint32_t position, uint8_t *frame,
                        size_t size) {
  if (recording->stream == STREAM_AUDIO) {
    /* Opus counts in samples of 48 kHz, and a page is named after its last one. */
    ogg_packet packet = {.packet = frame,
                         .bytes = (long)size,
                         .granulepos = ((ogg_int64_t)position + 1) * 960,
                         .packetno = recording->ogg.packetno};
    write_pages(recording, &packet);
  } else {
    uint8_t header[IVF_FRAME_HEADER] = {0};
    write_little(header, size);
    write_little(header + 4, position);
    fwrite(header, 1, sizeof header, recording->file);
    fwrite(frame, 1, size, recording->file);
  }
  fflush(recording->file);
}

struct recording *recording_open(const char *folder, const char *name, uint8_t stream,
                                 const struct track *like, uint32_t first) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s.%s", folder, name, stream == STREAM_AUDIO ? "opus" : "ivf");
  struct recording *recording = calloc(1, sizeof *recording);
  if (!recording) {
    return NULL;
  }
  recording->stream = stream;
  recording->next = first > WAITING / 2 ? first - WAITING / 2 : 0;
  recording->file = fopen(path, "r+b");
  if (!recording->file) {
    recording->file = fopen(path, "w+b");
  }
  if (!recording->file) {
    free(recording);
    return NULL;
  }
  fseek(recording->file, 0, SEEK_END);
  const bool fresh = ftell(recording->file) == 0;
  if (stream == STREAM_AUDIO) {
    ogg_stream_init(&recording->ogg, (int)(first + 1)); /* differs from what it is chained to */
    begin_ogg(recording, like);
  } else if (fresh) {
    fwrite(like->header, 1, like->header_size, recording->file);
  }
  return recording;
}

/* Write the frames that are there, up to the first gap at or after position `until`. */
static void write_until(struct recording *recording, uint32_t until) {
  for (; recording->held > 0; recording->next++) {
    const uint32_t place = recording->next % WAITING;
    uint8_t *frame = recording->waiting[place].frame;
    if (frame) {
      write_frame(recording, recording->next, frame, recording->waiting[place].size);
      free(frame);
      recording->waiting[place].frame = NULL;
      recording->held--;
    } else if (recording->next >= until) {
      return;
    }
  }
  if (recording->next < until) {
    recording->next = until;
  }
}

void recording_put(struct recording *recording, uint32_t position, struct slice frame) {
  if (position < recording->next) {
    return; /* its place has passed */
  }
  if (position - recording->next >= WAITING) {
    write_until(recording, position - WAITING + 1);
  }
  const uint32_t place = position % WAITING;
  uint8_t *copy = recording->waiting[place].frame ? NULL : malloc(frame.size + 1);
  if (!copy) {
    return; /* no memory, or a sender that used one position twice */
  }
  memcpy(copy, frame.data, frame.size);
  recording->held++;
  recording->waiting[place].frame = copy;
  recording->waiting[place].size = frame.size;
  recording->waiting[place].since = clock_us();
  write_until(recording, recording->next);
}

void recording_tick(struct recording *recording) {
  const uint64_t now = clock_us();
  for (uint32_t ahead = WAITING; ahead-- > 0;) {
    const uint32_t place = (recording->next + ahead) % WAITING;
    if (recording->waiting[place].frame && now - recording->waiting[place].since > PATIENCE_US) {
      write_until(recording, recording->next + ahead);
      return;
    }
  }
}

void recording_close(struct recording *recording) {
  if (!recording) {
    return;
  }
  write_until(recording, recording->next + WAITING);
  if (recording->stream == STREAM_AUDIO) {
    ogg_stream_clear(&recording->ogg);
  } else {
    uint8_t length[4];
    write_little(length, recording->next);
    fseek(recording->file, IVF_LENGTH, SEEK_SET);
    fwrite(length, 1, sizeof length, recording->file);
  }
  fclose(recording->file);
  free(recording);
}
