/* SPDX-License-Identifier: ISC */
#include "call.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

enum { STREAMS = 2, PARTIAL = 256, HELD = 1024, HEARD = 64, HOLD_US = 1000000, TICK_MS = 5 };

/** One own stream. */
struct outgoing {
  uint8_t stream;
  struct track track;
  e2ee_sender *sender;
  uint32_t next; /* Position of the frame to be sent next. */
};

/** An encrypted frame. */
struct sealed {
  uint8_t identity[PACKET_IDENTITY]; /* Authenticated together with the frame. */
  uint64_t since;
  size_t size;
  uint8_t *data; /* NULL: none. */
};

/** A frame of which some parts have come. */
struct partial {
  uint8_t identity[PACKET_IDENTITY];
  uint32_t have; /* A bit for each part. */
  size_t size;   /* 0 until the last part has come. */
  uint8_t data[SEALED_MAX];
};

/** What was heard of one member's stream. */
struct heard {
  char name[NAME_MAX_LENGTH + 1];
  uint8_t stream;
  struct recording *recording; /* NULL: the place is free. */
};

struct call {
  pthread_t thread;
  atomic_bool stop;
  atomic_bool muted;
  atomic_uint key_changes;

  int udp;
  uint64_t zero_us; /* When the call began. */
  uint32_t source;
  const char *folder;
  e2ee_media *media;
  e2ee_receiver *receiver;
  struct outgoing outgoing[STREAMS];
  struct partial partial[PARTIAL];
  size_t next_partial;
  struct sealed held[HELD]; /* Frames whose key may still come. */
  size_t next_held;
  unsigned seen_changes;
  struct heard heard[HEARD];
  struct call_counts counts;
};

/* ---- Sending --------------------------------------------------------------- */

/* Send one encrypted frame in as many packets as it needs. */
static void send_parts(struct call *call, struct packet packet, const uint8_t *frame, size_t size) {
  packet.parts = (uint8_t)((size + PACKET_PAYLOAD - 1) / PACKET_PAYLOAD);
  for (packet.part = 0; packet.part < packet.parts; packet.part++) {
    uint8_t bytes[PACKET_HEADER + PACKET_PAYLOAD];
    const size_t offset = (size_t)packet.part * PACKET_PAYLOAD;
    const size_t length = size - offset < PACKET_PAYLOAD ? size - offset : PACKET_PAYLOAD;
    packet_write(&packet, bytes);
    memcpy(bytes + PACKET_HEADER, frame + offset, length);
    (void)send(call->udp, bytes, PACKET_HEADER + length, 0); /* it may be lost on the way, too */
  }
}

static void send_frame(struct call *call, struct outgoing *outgoing) {
  const struct packet packet = {
      .source = call->source, .stream = outgoing->stream, .frame = outgoing->next};
  const struct slice plain = track_frame(&outgoing->track, outgoing->next);
  uint8_t header[PACKET_HEADER];
  uint8_t sealed[SEALED_MAX];
  size_t size = 0;
  packet_write(&packet, header);
  const int err = e2ee_sender_encrypt(outgoing->sender, header, PACKET_IDENTITY, plain.data,
                                      plain.size, sealed, sizeof sealed, &size);
  if (err != E2EE_OK) {
    /* E2EE_ERR_NO_KEY: not a member yet.  Whatever it is, the frame is dropped: there is no such
     * thing as sending it in the clear. */
    return;
  }
  send_parts(call, packet, sealed, size);
  call->counts.sent++;
}

static void send_due_frames(struct call *call) {
  for (size_t i = 0; i < STREAMS; i++) {
    struct outgoing *outgoing = &call->outgoing[i];
    const uint64_t step = stream_frame_us(outgoing->stream);
    while (call->zero_us + outgoing->next * step <= clock_us()) {
      if (!atomic_load(&call->muted)) {
        send_frame(call, outgoing);
      }
      outgoing->next++;
    }
  }
}

/* ---- Receiving ------------------------------------------------------------- */

static struct recording *recording_of(struct call *call, const char *name,
                                      const struct packet *packet) {
  for (size_t i = 0; i < HEARD; i++) {
    struct heard *heard = &call->heard[i];
    if (!heard->recording) {
      const struct track *like = &call->outgoing[packet->stream == STREAM_AUDIO ? 0 : 1].track;
      memcpy(heard->name, name, sizeof heard->name);
      heard->stream = packet->stream;
      heard->recording = recording_open(call->folder, name, packet->stream, like, packet->frame);
      return heard->recording;
    }
    if (heard->stream == packet->stream && strcmp(heard->name, name) == 0) {
      return heard->recording;
    }
  }
  return NULL;
}

/* Decrypt a frame and record it under the name of the member whose key it came under: the epoch it
 * was encrypted in says who held the leaf then. */
static int open_frame(struct call *call, const struct sealed *sealed) {
  uint8_t plain[SEALED_MAX];
  size_t size = 0;
  e2ee_frame_info info;
  int err = e2ee_receiver_decrypt(call->receiver, sealed->identity, PACKET_IDENTITY, sealed->data,
                                  sealed->size, plain, sizeof plain, &size, &info, sizeof info);
  if (err != E2EE_OK) {
    return err;
  }
  uint8_t identity[NAME_MAX_LENGTH];
  size_t length = sizeof identity;
  char name[NAME_MAX_LENGTH + 1];
  err = e2ee_media_member(call->media, info.epoch, info.leaf, E2EE_MEMBER_IDENTITY, identity,
                          &length);
  if (err != E2EE_OK) {
    return err;
  }
  const struct packet packet = {
      .stream = sealed->identity[4],
      .frame = (uint32_t)number_read((struct slice){sealed->identity + 5, 4}),
  };
  struct recording *recording =
      name_read((struct slice){identity, length}, name) ? recording_of(call, name, &packet) : NULL;
  if (recording) {
    recording_put(recording, packet.frame, (struct slice){plain, size});
    call->counts.recorded++;
  }
  return E2EE_OK;
}

static void count_error(struct call *call, int err) {
  if (err == E2EE_ERR_NO_KEY) {
    call->counts.refused++;
  } else if (err != E2EE_OK) {
    call->counts.forged++;
  }
}

static void forget_held(struct sealed *held) {
  free(held->data);
  *held = (struct sealed){0};
}

/* A frame without a key may be of an epoch that others have entered a moment earlier.  It waits a
 * little, still encrypted. */
static void hold(struct call *call, const struct sealed *sealed) {
  struct sealed *held = &call->held[call->next_held];
  call->next_held = (call->next_held + 1) % HELD;
  if (held->data) {
    count_error(call, E2EE_ERR_NO_KEY);
    forget_held(held);
  }
  *held = *sealed;
  held->since = clock_us();
  held->data = malloc(sealed->size);
  if (held->data) {
    memcpy(held->data, sealed->data, sealed->size);
  }
}

/* Try the held frames again when keys have come, and drop those that waited long enough. */
static void retry_held(struct call *call) {
  const unsigned changes = atomic_load(&call->key_changes);
  const uint64_t now = clock_us();
  for (size_t i = 0; i < HELD; i++) {
    struct sealed *held = &call->held[(call->next_held + i) % HELD]; /* the oldest first */
    if (!held->data) {
      continue;
    }
    const bool expired = now - held->since > HOLD_US;
    int err = E2EE_ERR_NO_KEY;
    if (changes != call->seen_changes) {
      err = open_frame(call, held);
    }
    if (err != E2EE_ERR_NO_KEY || expired) {
      count_error(call, err);
      forget_held(held);
    }
  }
  call->seen_changes = changes;
}

static struct partial *partial_of(struct call *call, const uint8_t *identity) {
  for (size_t i = 0; i < PARTIAL; i++) {
    if (call->partial[i].have != 0 &&
        memcmp(call->partial[i].identity, identity, PACKET_IDENTITY) == 0) {
      return &call->partial[i];
    }
  }
  struct partial *partial = &call->partial[call->next_partial];
  call->next_partial = (call->next_partial + 1) % PARTIAL;
  partial->have = 0;
  partial->size = 0;
  memcpy(partial->identity, identity, PACKET_IDENTITY);
  return partial;
}

/* Put a part in its place.  All parts but the last are full, so that the place is known. */
static void take_packet(struct call *call, struct slice bytes) {
  struct packet packet;
  if (!packet_read(bytes, &packet) ||
      (packet.part + 1 < packet.parts && bytes.size != PACKET_HEADER + PACKET_PAYLOAD)) {
    call->counts.forged++;
    return;
  }
  struct partial *partial = partial_of(call, bytes.data);
  const size_t offset = (size_t)packet.part * PACKET_PAYLOAD;
  memcpy(partial->data + offset, bytes.data + PACKET_HEADER, bytes.size - PACKET_HEADER);
  partial->have |= 1u << packet.part;
  if (packet.part + 1 == packet.parts) {
    partial->size = offset + bytes.size - PACKET_HEADER;
  }
  if (partial->size == 0 || partial->have != (1u << packet.parts) - 1) {
    return;
  }
  struct sealed sealed = {.size = partial->size, .data = partial->data};
  memcpy(sealed.identity, partial->identity, sizeof sealed.identity);
  const int err = open_frame(call, &sealed);
  if (err == E2EE_ERR_NO_KEY) {
    hold(call, &sealed);
  } else {
    count_error(call, err);
  }
  partial->have = 0;
}

static void receive_packets(struct call *call) {
  struct pollfd ready = {.fd = call->udp, .events = POLLIN};
  uint8_t bytes[PACKET_HEADER + PACKET_PAYLOAD + 1];
  if (poll(&ready, 1, TICK_MS) <= 0) {
    return;
  }
  for (;;) {
    const ssize_t size = recv(call->udp, bytes, sizeof bytes, MSG_DONTWAIT);
    if (size < 0) {
      return;
    }
    retry_held(call);
    take_packet(call, (struct slice){bytes, (size_t)size});
  }
}

/* ---- The thread ------------------------------------------------------------ */

static void *run(void *argument) {
  struct call *call = argument;
  while (!atomic_load(&call->stop)) {
    send_due_frames(call);
    receive_packets(call);
    retry_held(call);
    for (size_t i = 0; i < HEARD && call->heard[i].recording; i++) {
      recording_tick(call->heard[i].recording);
    }
  }
  return NULL;
}

static void call_free(struct call *call) {
  for (size_t i = 0; i < STREAMS; i++) {
    e2ee_sender_free(call->outgoing[i].sender);
    track_free(&call->outgoing[i].track);
  }
  e2ee_receiver_free(call->receiver);
  for (size_t i = 0; i < HELD; i++) {
    forget_held(&call->held[i]);
  }
  free(call);
}

static bool open_streams(struct call *call, const char *source) {
  char path[STREAMS][4096];
  snprintf(path[0], sizeof path[0], "%s.opus", source);
  snprintf(path[1], sizeof path[1], "%s.ivf", source);
  call->outgoing[0].stream = STREAM_AUDIO;
  call->outgoing[1].stream = STREAM_VIDEO;
  if (!track_read_ogg(path[0], &call->outgoing[0].track) ||
      !track_read_ivf(path[1], &call->outgoing[1].track)) {
    fprintf(stderr, "cannot read %s or %s\n", path[0], path[1]);
    return false;
  }
  for (size_t i = 0; i < STREAMS; i++) {
    struct outgoing *outgoing = &call->outgoing[i];
    const uint64_t age = clock_us() - call->zero_us;
    outgoing->next = (uint32_t)(age / stream_frame_us(outgoing->stream)) + 1;
    if (e2ee_sender_new(call->media, &outgoing->sender) != E2EE_OK) {
      return false;
    }
  }
  return e2ee_receiver_new(call->media, &call->receiver) == E2EE_OK;
}

struct call *call_start(e2ee_media *media, const char *source, const char *folder, int udp,
                        uint64_t age_us) {
  struct call *call = calloc(1, sizeof *call);
  if (!call) {
    return NULL;
  }
  call->media = media;
  call->folder = folder;
  call->udp = udp;
  call->zero_us = clock_us() - age_us;
  if (getentropy(&call->source, sizeof call->source) != 0 || !open_streams(call, source) ||
      pthread_create(&call->thread, NULL, run, call) != 0) {
    call_free(call);
    return NULL;
  }
  return call;
}

void call_keys_changed(struct call *call) {
  if (call) {
    atomic_fetch_add(&call->key_changes, 1);
  }
}

void call_mute(struct call *call) {
  if (call) {
    atomic_store(&call->muted, true);
  }
}

void call_stop(struct call *call, struct call_counts *counts) {
  atomic_store(&call->stop, true);
  pthread_join(call->thread, NULL);
  for (size_t i = 0; i < HEARD; i++) {
    recording_close(call->heard[i].recording);
  }
  *counts = call->counts;
  call_free(call);
}
