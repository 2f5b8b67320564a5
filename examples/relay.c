/*
 * The server of the conference: delivery service and media forwarder.
 * SPDX-License-Identifier: ISC
 *
 *   relay CAPTURE SEED [PORT]
 *
 * Nobody needs to trust it.  It reads what is in the clear (the epoch of a handshake message, the
 * header of a media packet), holds no key, and writes all that it handles to the file CAPTURE,
 * where verify.py reads it.  It drops, delays or swaps 3 % of the media packets, and which ones
 * follows from SEED.  Without PORT the kernel chooses one; the first line printed names it.
 */
#include "wire.h"

#include <arpa/inet.h>
#include <e2ee/e2ee.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { GUESTS = 16, KEY_PACKAGES = 8, LATENCY_US = 100000, SWAP_US = 50000 };

/** Kinds of records in the capture. */
enum {
  CAPTURE_HELLO = 'h',     /* guest came; data: the name */
  CAPTURE_GONE = 'x',      /* guest's connection closed */
  CAPTURE_MESSAGE = 't',   /* message from guest */
  CAPTURE_ACCEPTED = 'a',  /* the commit just received from guest won; data: its epoch */
  CAPTURE_REFUSED = 'r',   /* the commit just received from guest lost; data: its epoch */
  CAPTURE_DELIVERED = 'd', /* message to guest */
  CAPTURE_PACKET = 'm',    /* packet from guest; data: low bits of its epoch, or 0xffff; packet */
  CAPTURE_FORWARDED = 'f', /* packet to guest; data: its number, the first one is 0 */
  CAPTURE_DROPPED = 'l',   /* packet not to guest; data: number */
  CAPTURE_DELAYED = 'w',   /* packet to guest later; data: number */
  CAPTURE_SWAPPED = 's'    /* packet to guest after the next one; data: number */
};

/** Bytes that the relay keeps. */
struct blob {
  uint8_t *data;
  size_t size;
};

/** Something that goes to a guest at its time. */
struct delivery {
  struct delivery *next;
  uint64_t due;
  size_t guest;
  bool media;
  uint32_t number; /* of the media packet */
  size_t size;
  uint8_t bytes[];
};

struct guest {
  char name[NAME_MAX_LENGTH + 1];
  struct wire wire; /* fd is -1 while the guest is away */
  struct sockaddr_in media;
  struct blob key_package[KEY_PACKAGES];
  size_t key_packages;
  struct delivery *swapped; /* goes out after the next packet */
};

/** A handshake message that was put in order. */
struct entry {
  struct entry *next;
  uint64_t epoch;
  size_t size;
  uint8_t bytes[];
};

struct relay {
  int listener;
  int udp;
  uint16_t udp_port;
  uint64_t seed;
  uint64_t start;
  FILE *capture;
  struct wire stranger[GUESTS]; /* connected, but did not say hello yet */
  struct guest guest[GUESTS];
  size_t guests;
  uint64_t epoch;
  struct blob group_info; /* the newest */
  struct entry *log;
  struct entry **log_end;
  struct delivery *queue; /* the one that is due first is first */
  uint32_t packets;
};

static volatile sig_atomic_t stopped;

static void stop(int signal_number) {
  (void)signal_number;
  stopped = 1;
}

static void *reserve(size_t size) {
  void *memory = calloc(1, size);
  if (!memory) {
    fputs("out of memory\n", stderr);
    exit(1);
  }
  return memory;
}

static struct blob copy_of(struct slice bytes) {
  struct blob copy = {.size = bytes.size, .data = reserve(bytes.size + 1)};
  if (bytes.size > 0) {
    memcpy(copy.data, bytes.data, bytes.size);
  }
  return copy;
}

/* ---- The capture ------------------------------------------------------------- */

static void capture(struct relay *relay, char kind, size_t guest, struct slice first,
                    struct slice second) {
  uint8_t header[14];
  number_write(header, 4, 10 + first.size + second.size);
  number_write(header + 4, 8, clock_us() - relay->start);
  header[12] = (uint8_t)kind;
  header[13] = (uint8_t)guest;
  fwrite(header, 1, sizeof header, relay->capture);
  if (first.size > 0) {
    fwrite(first.data, 1, first.size, relay->capture);
  }
  if (second.size > 0) {
    fwrite(second.data, 1, second.size, relay->capture);
  }
}

static void capture_number(struct relay *relay, char kind, size_t guest, size_t size,
                           uint64_t number) {
  uint8_t bytes[8];
  number_write(bytes, size, number);
  capture(relay, kind, guest, (struct slice){bytes, size}, (struct slice){0});
}

/* ---- What goes out -------------------------------------------------------------- */

static struct delivery *delivery_new(size_t guest, uint64_t delay, struct slice bytes) {
  struct delivery *delivery = reserve(sizeof *delivery + bytes.size);
  delivery->guest = guest;
  delivery->due = clock_us() + delay;
  delivery->size = bytes.size;
  memcpy(delivery->bytes, bytes.data, bytes.size);
  return delivery;
}

static void enqueue(struct relay *relay, struct delivery *delivery) {
  struct delivery **at = &relay->queue;
  while (*at && (*at)->due <= delivery->due) {
    at = &(*at)->next;
  }
  delivery->next = *at;
  *at = delivery;
}

/** Send a message after the time that a message takes. */
static void post(struct relay *relay, size_t guest, const struct message *message) {
  size_t size = 0;
  uint8_t *bytes = message_encode(message, &size);
  enqueue(relay, delivery_new(guest, LATENCY_US, (struct slice){bytes, size}));
  free(bytes);
}

static void send_packet(struct relay *relay, struct delivery *delivery) {
  struct guest *guest = &relay->guest[delivery->guest];
  const struct sockaddr *to = (const struct sockaddr *)&guest->media;
  struct delivery *swapped = guest->swapped;
  if (sendto(relay->udp, delivery->bytes, delivery->size, 0, to, sizeof guest->media) >= 0) {
    capture_number(relay, CAPTURE_FORWARDED, delivery->guest, 4, delivery->number);
  }
  free(delivery);
  if (swapped) {
    guest->swapped = NULL;
    send_packet(relay, swapped);
  }
}

/** Send what is due.  A Welcome for one who is away stays; all else can be had again. */
static void send_due(struct relay *relay) {
  struct delivery **at = &relay->queue;
  while (*at && (*at)->due <= clock_us()) {
    struct delivery *delivery = *at;
    struct guest *guest = &relay->guest[delivery->guest];
    const bool away = guest->wire.fd < 0;
    if (away && !delivery->media && delivery->bytes[4] == WIRE_WELCOME) {
      at = &delivery->next;
      continue;
    }
    *at = delivery->next;
    if (!away && delivery->media) {
      send_packet(relay, delivery);
      continue;
    }
    if (!away) {
      const struct slice bytes = {delivery->bytes, delivery->size};
      capture(relay, CAPTURE_DELIVERED, delivery->guest, bytes, (struct slice){0});
      (void)wire_send(&guest->wire, bytes.data, bytes.size);
    }
    free(delivery);
  }
}

/* ---- Media ------------------------------------------------------------------------ */

/** A number that follows from its input alone, and looks random (splitmix64). */
static uint64_t draw(uint64_t value) {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
  value = (value ^ value >> 27) * 0x94d049bb133111eb;
  return value ^ value >> 31;
}

/** Copy one packet to one guest: 1 % is dropped, 1 % delayed, 1 % swapped with its successor. */
static void forward(struct relay *relay, size_t from, size_t to, const struct packet *packet,
                    struct slice bytes) {
  struct guest *guest = &relay->guest[to];
  const uint64_t place = (uint64_t)from << 56 | (uint64_t)to << 48 |
                         (uint64_t)packet->stream << 40 | (uint64_t)packet->part << 32 |
                         packet->frame;
  const uint64_t luck = draw(relay->seed ^ draw(place));
  const uint32_t number = relay->packets - 1;
  if (luck % 100 == 0) {
    capture_number(relay, CAPTURE_DROPPED, to, 4, number);
    return;
  }
  struct delivery *delivery = delivery_new(to, 0, bytes);
  delivery->media = true;
  delivery->number = number;
  if (luck % 100 == 1) {
    capture_number(relay, CAPTURE_DELAYED, to, 4, number);
    delivery->due += 20000 + (luck >> 32) % 80000;
    enqueue(relay, delivery);
  } else if (luck % 100 == 2 && !guest->swapped) {
    capture_number(relay, CAPTURE_SWAPPED, to, 4, number);
    guest->swapped = delivery;
  } else {
    send_packet(relay, delivery);
  }
}

static void on_packet(struct relay *relay, const struct sockaddr_in *source, struct slice bytes) {
  struct packet packet;
  e2ee_frame_info info = {.epoch = 0xffff};
  size_t from = 0;
  while (from < relay->guests && (relay->guest[from].wire.fd < 0 ||
                                  relay->guest[from].media.sin_port != source->sin_port)) {
    from++;
  }
  if (from == relay->guests || !packet_read(bytes, &packet)) {
    return;
  }
  if (packet.part == 0 && e2ee_frame_peek(bytes.data + PACKET_HEADER, bytes.size - PACKET_HEADER,
                                          &info, sizeof info) != E2EE_OK) {
    info.epoch = 0xffff;
  }
  uint8_t epoch[2];
  number_write(epoch, sizeof epoch, info.epoch);
  capture(relay, CAPTURE_PACKET, from, (struct slice){epoch, sizeof epoch}, bytes);
  relay->packets++;
  for (size_t to = 0; to < relay->guests; to++) {
    if (to != from && relay->guest[to].wire.fd >= 0) {
      forward(relay, from, to, &packet, bytes);
    }
  }
}

static void receive_packets(struct relay *relay) {
  uint8_t bytes[PACKET_HEADER + PACKET_PAYLOAD + 1];
  struct sockaddr_in source = {0};
  for (;;) {
    socklen_t length = sizeof source;
    const ssize_t size = recvfrom(relay->udp, bytes, sizeof bytes, MSG_DONTWAIT,
                                  (struct sockaddr *)&source, &length);
    if (size < 0) {
      return;
    }
    on_packet(relay, &source, (struct slice){bytes, (size_t)size});
  }
}

/* ---- Handshake messages -------------------------------------------------------------- */

/** Put a message in order, and hand it to everybody who is here.  Others get it when they come. */
static void publish(struct relay *relay, const struct message *message, uint64_t epoch,
                    size_t except) {
  size_t size = 0;
  uint8_t *bytes = message_encode(message, &size);
  struct entry *entry = reserve(sizeof *entry + size);
  entry->epoch = epoch;
  entry->size = size;
  memcpy(entry->bytes, bytes, size);
  free(bytes);
  *relay->log_end = entry;
  relay->log_end = &entry->next;
  for (size_t i = 0; i < relay->guests; i++) {
    if (i != except && relay->guest[i].wire.fd >= 0) {
      enqueue(relay, delivery_new(i, LATENCY_US, (struct slice){entry->bytes, size}));
    }
  }
}

static size_t find_guest(const struct relay *relay, const char *name) {
  size_t i = 0;
  while (i < relay->guests && strcmp(relay->guest[i].name, name) != 0) {
    i++;
  }
  return i;
}

static void on_commit(struct relay *relay, size_t from, const struct message *message) {
  uint64_t epoch = 0;
  char name[NAME_MAX_LENGTH + 1];
  if (!handshake_epoch(message->field[0], &epoch) || epoch != relay->epoch) {
    capture_number(relay, CAPTURE_REFUSED, from, 8, epoch);
    printf("refused the commit of %s for epoch %llu\n", relay->guest[from].name,
           (unsigned long long)epoch + 1);
    post(relay, from, &(struct message){.type = WIRE_REFUSED});
    return;
  }
  capture_number(relay, CAPTURE_ACCEPTED, from, 8, epoch);
  relay->epoch++;
  printf("epoch %llu by %s\n", (unsigned long long)relay->epoch, relay->guest[from].name);
  publish(relay, &(struct message){WIRE_COMMIT, 1, {message->field[0]}}, epoch, SIZE_MAX);
  for (size_t i = 2; i < message->count; i++) {
    const size_t to = name_read(message->field[i], name) ? find_guest(relay, name) : relay->guests;
    if (to < relay->guests) {
      post(relay, to, &(struct message){WIRE_WELCOME, 1, {message->field[1]}});
    }
  }
}

static void on_proposal(struct relay *relay, size_t from, const struct message *message) {
  uint64_t epoch = 0;
  if (handshake_epoch(message->field[0], &epoch) && epoch == relay->epoch) {
    publish(relay, message, epoch, from);
  }
}

static void on_group_info(struct relay *relay, struct slice group_info) {
  uint64_t epoch = 0;
  if (handshake_epoch(group_info, &epoch) && epoch == relay->epoch) {
    free(relay->group_info.data);
    relay->group_info = copy_of(group_info);
    printf("GroupInfo of epoch %llu\n", (unsigned long long)epoch);
  }
}

/** Hand out a key package once. */
static void on_fetch(struct relay *relay, size_t from, struct slice name_bytes) {
  char name[NAME_MAX_LENGTH + 1];
  struct blob key_package = {0};
  const size_t owner = name_read(name_bytes, name) ? find_guest(relay, name) : relay->guests;
  if (owner < relay->guests && relay->guest[owner].key_packages > 0) {
    key_package = relay->guest[owner].key_package[--relay->guest[owner].key_packages];
  }
  post(relay, from,
       &(struct message){WIRE_KEY_PACKAGE, 2, {name_bytes, {key_package.data, key_package.size}}});
  free(key_package.data);
}

static void on_message(struct relay *relay, size_t from, const struct message *message) {
  struct guest *guest = &relay->guest[from];
  switch (message->type) {
  case WIRE_KEY_PACKAGE:
    if (guest->key_packages < KEY_PACKAGES) {
      guest->key_package[guest->key_packages++] = copy_of(message->field[0]);
    }
    break;
  case WIRE_FETCH:
    on_fetch(relay, from, message->field[0]);
    break;
  case WIRE_PROPOSAL:
    on_proposal(relay, from, message);
    break;
  case WIRE_COMMIT:
    on_commit(relay, from, message);
    break;
  case WIRE_GROUP_INFO:
    on_group_info(relay, message->field[0]);
    break;
  case WIRE_GET_GROUP_INFO:
    post(relay, from,
         &(struct message){WIRE_GROUP_INFO, 1, {{relay->group_info.data, relay->group_info.size}}});
    break;
  default:
    break;
  }
}

/* ---- Connections ----------------------------------------------------------------------- */

/** The first message of a connection says who it is: somebody new, or one who comes back and is
 *  sent what it missed. */
static void on_hello(struct relay *relay, struct wire *stranger, const struct message *message) {
  char name[NAME_MAX_LENGTH + 1];
  struct sockaddr_in peer = {0};
  socklen_t length = sizeof peer;
  size_t index = relay->guests;
  if (message->type == WIRE_HELLO && name_read(message->field[0], name) &&
      getpeername(stranger->fd, (struct sockaddr *)&peer, &length) == 0) {
    index = find_guest(relay, name);
  }
  if (index == GUESTS || relay->guest[index].wire.fd >= 0) {
    wire_close(stranger);
    return;
  }
  struct guest *guest = &relay->guest[index];
  relay->guests += index == relay->guests ? 1 : 0;
  memcpy(guest->name, name, sizeof name);
  guest->media = peer;
  guest->media.sin_port = htons((uint16_t)number_read(message->field[1]));
  capture(relay, CAPTURE_HELLO, index, text(name), (struct slice){0});
  printf("%s is in the room\n", name);

  uint8_t port[2];
  uint8_t age_ms[8];
  number_write(port, sizeof port, relay->udp_port);
  number_write(age_ms, sizeof age_ms, (clock_us() + LATENCY_US - relay->start) / 1000);
  post(relay, index,
       &(struct message){WIRE_ROOM, 2, {{port, sizeof port}, {age_ms, sizeof age_ms}}});
  for (struct entry *entry = relay->log; entry && message->field[2].size > 0; entry = entry->next) {
    if (entry->epoch >= number_read(message->field[2])) {
      enqueue(relay, delivery_new(index, LATENCY_US, (struct slice){entry->bytes, entry->size}));
    }
  }
  post(relay, index, &(struct message){.type = WIRE_SYNC});
  guest->wire = *stranger;
  *stranger = (struct wire){.fd = -1};
}

static void on_stranger(struct relay *relay, struct wire *stranger) {
  struct message message;
  if (!wire_receive(stranger)) {
    wire_close(stranger);
  } else if (wire_next(stranger, &message)) {
    on_hello(relay, stranger, &message);
  }
}

static void on_gone(struct relay *relay, size_t index) {
  struct guest *guest = &relay->guest[index];
  capture(relay, CAPTURE_GONE, index, (struct slice){0}, (struct slice){0});
  printf("%s is gone\n", guest->name);
  wire_close(&guest->wire);
  free(guest->swapped);
  guest->swapped = NULL;
}

static void read_guest(struct relay *relay, size_t index) {
  struct guest *guest = &relay->guest[index];
  struct message message;
  while (wire_next(&guest->wire, &message)) {
    const struct slice bytes = {guest->wire.buffer, guest->wire.taken};
    capture(relay, CAPTURE_MESSAGE, index, bytes, (struct slice){0});
    on_message(relay, index, &message);
  }
}

static void on_connection(struct relay *relay) {
  const int fd = accept(relay->listener, NULL, NULL);
  for (size_t i = 0; i < GUESTS; i++) {
    if (relay->stranger[i].fd < 0) {
      relay->stranger[i].fd = fd;
      return;
    }
  }
  close(fd);
}

static void serve(struct relay *relay) {
  struct pollfd ready[2 + 2 * GUESTS] = {{.fd = relay->listener, .events = POLLIN},
                                         {.fd = relay->udp, .events = POLLIN}};
  for (size_t i = 0; i < GUESTS; i++) {
    ready[2 + i] = (struct pollfd){.fd = relay->stranger[i].fd, .events = POLLIN};
    ready[2 + GUESTS + i] = (struct pollfd){.fd = relay->guest[i].wire.fd, .events = POLLIN};
  }
  if (poll(ready, sizeof ready / sizeof *ready, relay->queue ? 2 : 50) > 0) {
    for (size_t i = 0; i < GUESTS; i++) {
      if (ready[2 + GUESTS + i].revents != 0 && !wire_receive(&relay->guest[i].wire)) {
        on_gone(relay, i);
      }
      if (ready[2 + i].revents != 0) {
        on_stranger(relay, &relay->stranger[i]);
      }
    }
    if (ready[0].revents != 0) {
      on_connection(relay);
    }
    receive_packets(relay);
  }
  for (size_t i = 0; i < relay->guests; i++) {
    read_guest(relay, i);
  }
  send_due(relay);
}

static bool listen_on(struct relay *relay, uint16_t port) {
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  const int room = 1 << 20;
  socklen_t size = sizeof address;
  relay->listener = socket(AF_INET, SOCK_STREAM, 0);
  relay->udp = socket(AF_INET, SOCK_DGRAM, 0);
  if (relay->listener < 0 || relay->udp < 0 ||
      bind(relay->listener, (struct sockaddr *)&address, sizeof address) != 0 ||
      listen(relay->listener, GUESTS) != 0 ||
      getsockname(relay->listener, (struct sockaddr *)&address, &size) != 0) {
    return false;
  }
  printf("port %u\n", ntohs(address.sin_port));
  address.sin_port = 0;
  (void)setsockopt(relay->udp, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  if (bind(relay->udp, (struct sockaddr *)&address, sizeof address) != 0 ||
      getsockname(relay->udp, (struct sockaddr *)&address, &size) != 0) {
    return false;
  }
  relay->udp_port = ntohs(address.sin_port);
  return true;
}

static void close_down(struct relay *relay) {
  for (size_t i = 0; i < GUESTS; i++) {
    wire_close(&relay->stranger[i]);
    wire_close(&relay->guest[i].wire);
    free(relay->guest[i].swapped);
    for (size_t k = 0; k < relay->guest[i].key_packages; k++) {
      free(relay->guest[i].key_package[k].data);
    }
  }
  while (relay->queue) {
    struct delivery *next = relay->queue->next;
    free(relay->queue);
    relay->queue = next;
  }
  while (relay->log) {
    struct entry *next = relay->log->next;
    free(relay->log);
    relay->log = next;
  }
  free(relay->group_info.data);
  close(relay->listener);
  close(relay->udp);
}

int main(int count, char **arguments) {
  static struct relay relay;
  if (count < 3) {
    fputs("usage: relay CAPTURE SEED [PORT]\n", stderr);
    return 2;
  }
  setvbuf(stdout, NULL, _IOLBF, 0);
  signal(SIGTERM, stop);
  signal(SIGINT, stop);
  relay.capture = fopen(arguments[1], "wb");
  relay.seed = strtoull(arguments[2], NULL, 10);
  relay.start = clock_us();
  relay.log_end = &relay.log;
  for (size_t i = 0; i < GUESTS; i++) {
    relay.stranger[i].fd = -1;
    relay.guest[i].wire.fd = -1;
  }
  if (!relay.capture ||
      !listen_on(&relay, count > 3 ? (uint16_t)strtoul(arguments[3], NULL, 10) : 0)) {
    perror("relay");
    return 1;
  }
  while (!stopped) {
    serve(&relay);
  }
  close_down(&relay);
  return fclose(relay.capture) == 0 ? 0 : 1;
}
