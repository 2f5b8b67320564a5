/* SPDX-License-Identifier: ISC */
#include "wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

void number_write(uint8_t *out, size_t size, uint64_t value) {
  for (size_t i = size; i > 0; i--) {
    out[i - 1] = (uint8_t)value;
    value >>= 8;
  }
}

uint64_t number_read(struct slice bytes) {
  uint64_t value = 0;
  if (bytes.size > 8) {
    return 0;
  }
  for (size_t i = 0; i < bytes.size; i++) {
    value = value << 8 | bytes.data[i];
  }
  return value;
}

struct slice text(const char *string) {
  return (struct slice){(const uint8_t *)string, strlen(string)};
}

bool name_read(struct slice bytes, char out[NAME_MAX_LENGTH + 1]) {
  if (bytes.size == 0 || bytes.size > NAME_MAX_LENGTH) {
    return false;
  }
  for (size_t i = 0; i < bytes.size; i++) {
    const char c = (char)bytes.data[i];
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))) {
      return false;
    }
  }
  memcpy(out, bytes.data, bytes.size);
  out[bytes.size] = 0;
  return true;
}

uint8_t *message_encode(const struct message *message, size_t *size) {
  size_t length = 5;
  for (size_t i = 0; i < message->count; i++) {
    length += 4 + message->field[i].size;
  }
  uint8_t *bytes = malloc(length);
  if (!bytes) {
    fputs("out of memory\n", stderr);
    exit(1);
  }
  number_write(bytes, 4, length - 4);
  bytes[4] = message->type;
  uint8_t *at = bytes + 5;
  for (size_t i = 0; i < message->count; i++) {
    number_write(at, 4, message->field[i].size);
    if (message->field[i].size > 0) {
      memcpy(at + 4, message->field[i].data, message->field[i].size);
    }
    at += 4 + message->field[i].size;
  }
  *size = length;
  return bytes;
}

bool message_decode(struct slice bytes, struct message *out) {
  if (bytes.size < 5 || number_read((struct slice){bytes.data, 4}) != bytes.size - 4) {
    return false;
  }
  memset(out, 0, sizeof *out);
  out->type = bytes.data[4];
  size_t at = 5;
  while (at < bytes.size) {
    if (out->count == WIRE_MAX_FIELDS || bytes.size - at < 4) {
      return false;
    }
    const size_t size = (size_t)number_read((struct slice){bytes.data + at, 4});
    at += 4;
    if (size > bytes.size - at) {
      return false;
    }
    out->field[out->count++] = (struct slice){bytes.data + at, size};
    at += size;
  }
  return true;
}

bool wire_receive(struct wire *wire) {
  enum { CHUNK = 65536 };
  uint8_t *larger = realloc(wire->buffer, wire->used + CHUNK);
  if (!larger) {
    return false;
  }
  wire->buffer = larger;
  const ssize_t got = recv(wire->fd, wire->buffer + wire->used, CHUNK, 0);
  if (got > 0) {
    wire->used += (size_t)got;
  }
  return got > 0 || (got < 0 && errno == EINTR);
}

bool wire_next(struct wire *wire, struct message *out) {
  if (wire->taken > 0) {
    wire->used -= wire->taken;
    memmove(wire->buffer, wire->buffer + wire->taken, wire->used);
    wire->taken = 0;
  }
  if (wire->used < 4) {
    return false;
  }
  const uint64_t size = 4 + number_read((struct slice){wire->buffer, 4});
  if (size <= WIRE_MAX_MESSAGE && size > wire->used) {
    return false;
  }
  if (size > WIRE_MAX_MESSAGE || !message_decode((struct slice){wire->buffer, (size_t)size}, out)) {
    shutdown(wire->fd, SHUT_RDWR);
    wire->used = 0;
    return false;
  }
  wire->taken = (size_t)size;
  return true;
}

bool wire_send(struct wire *wire, const uint8_t *bytes, size_t size) {
  while (size > 0) {
    const ssize_t sent = send(wire->fd, bytes, size, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) {
      continue;
    }
    if (sent <= 0) {
      return false;
    }
    bytes += sent;
    size -= (size_t)sent;
  }
  return true;
}

void wire_close(struct wire *wire) {
  if (wire->fd >= 0) {
    close(wire->fd);
  }
  free(wire->buffer);
  *wire = (struct wire){.fd = -1};
}

/* RFC 9420, section 2.1.2: the size of a vector, and then its bytes. */
static bool skip_vector(struct slice message, size_t *at) {
  if (*at >= message.size) {
    return false;
  }
  const size_t prefix = (size_t)1 << (message.data[*at] >> 6);
  if (prefix > 4 || message.size - *at < prefix) {
    return false;
  }
  uint64_t length = number_read((struct slice){message.data + *at, prefix});
  length &= (1ull << (8 * prefix - 2)) - 1;
  *at += prefix;
  if (length > message.size - *at) {
    return false;
  }
  *at += (size_t)length;
  return true;
}

/* RFC 9420, section 6: the epoch stands after the group id.  In a GroupInfo (section 12.4.3) version
 * and suite stand before them. */
bool handshake_epoch(struct slice message, uint64_t *out) {
  enum { GROUP_INFO = 4 };
  size_t at = 4;
  if (message.size < at) {
    return false;
  }
  if (number_read((struct slice){message.data + 2, 2}) == GROUP_INFO) {
    at += 4;
  }
  if (!skip_vector(message, &at) || message.size - at < 8) {
    return false;
  }
  *out = number_read((struct slice){message.data + at, 8});
  return true;
}

void packet_write(const struct packet *packet, uint8_t out[PACKET_HEADER]) {
  number_write(out, 4, packet->source);
  out[4] = packet->stream;
  number_write(out + 5, 4, packet->frame);
  out[9] = packet->part;
  out[10] = packet->parts;
}

bool packet_read(struct slice bytes, struct packet *out) {
  if (bytes.size <= PACKET_HEADER || bytes.size > PACKET_HEADER + PACKET_PAYLOAD) {
    return false;
  }
  const struct packet packet = {
      .source = (uint32_t)number_read((struct slice){bytes.data, 4}),
      .stream = bytes.data[4],
      .frame = (uint32_t)number_read((struct slice){bytes.data + 5, 4}),
      .part = bytes.data[9],
      .parts = bytes.data[10],
  };
  if ((packet.stream != STREAM_AUDIO && packet.stream != STREAM_VIDEO) || packet.parts == 0 ||
      packet.parts > PACKET_PARTS || packet.part >= packet.parts) {
    return false;
  }
  *out = packet;
  return true;
}

uint64_t clock_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}
