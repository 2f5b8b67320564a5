/*
 * What goes between a participant and the relay.
 * SPDX-License-Identifier: ISC
 *
 * Over TCP: messages, each a type and a list of byte fields.  The same list is the form of the
 * participant's saved state and of the messages in the relay's capture:
 *
 *   uint32 size of the rest | uint8 type | for each field: uint32 size | bytes
 *
 * Over UDP: media packets, each one part of a codec frame that was encrypted as a whole:
 *
 *   uint32 source | uint8 stream | uint32 frame | uint8 part | uint8 parts | bytes
 *
 * All numbers are big-endian.
 */
#ifndef WIRE_H
#define WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NAME_MAX_LENGTH = 31 };

/* ---- Messages ------------------------------------------------------------ */

/** The type of a message, and its fields. */
enum {
  /* From the participant. */
  WIRE_HELLO = 1,          /**< name, UDP port, epoch of the saved group or nothing */
  WIRE_KEY_PACKAGE = 2,    /**< a key package to keep; as an answer: name, key package or nothing */
  WIRE_FETCH = 3,          /**< name: answered with WIRE_KEY_PACKAGE */
  WIRE_PROPOSAL = 4,       /**< proposal; handed on to the others */
  WIRE_COMMIT = 5,         /**< commit, Welcome or nothing, then the names the Welcome is for;
                                handed on without the Welcome, to the sender too */
  WIRE_GROUP_INFO = 6,     /**< GroupInfo; as an answer the newest one, or nothing */
  WIRE_GET_GROUP_INFO = 7, /**< answered with WIRE_GROUP_INFO */
  WIRE_BYE = 8,            /**< the participant ends on purpose */

  /* From the relay. */
  WIRE_ROOM = 16,    /**< UDP port, milliseconds that the call has lasted */
  WIRE_SYNC = 17,    /**< everything that was missed has been sent */
  WIRE_WELCOME = 18, /**< Welcome */
  WIRE_REFUSED = 19  /**< the commit came too late: another one had won its epoch */
};

enum { WIRE_MAX_FIELDS = 16, WIRE_MAX_MESSAGE = 4 << 20 };

/** Bytes that belong to somebody else. */
struct slice {
  const uint8_t *data;
  size_t size;
};

struct message {
  uint8_t type;
  size_t count;
  struct slice field[WIRE_MAX_FIELDS]; /**< Those beyond count are empty. */
};

/** Write a message to fresh memory that the caller frees.  Ends the program if there is none. */
uint8_t *message_encode(const struct message *message, size_t *size);

/** Read one from bytes as message_encode() made them.  The fields point into them. */
bool message_decode(struct slice bytes, struct message *out);

/** A connection, with what was received of the next message. */
struct wire {
  int fd; /**< -1 if there is none. */
  uint8_t *buffer;
  size_t used;
  size_t taken; /**< Bytes of the buffer that wire_next() has returned already. */
};

/** Receive once.  @return false if the other side is gone. */
bool wire_receive(struct wire *wire);

/** The next whole message; its fields are valid until the next call for this wire.
 *  @return false if there is none yet; a malformed one closes the wire */
bool wire_next(struct wire *wire, struct message *out);

/** Send bytes of message_encode().  @return false if the other side is gone */
bool wire_send(struct wire *wire, const uint8_t *bytes, size_t size);

void wire_close(struct wire *wire);

/* ---- Numbers and text ----------------------------------------------------- */

/** Write the low `size` bytes of a number, most significant first. */
void number_write(uint8_t *out, size_t size, uint64_t value);

/** Read a number of at most 8 bytes; longer ones read as 0. */
uint64_t number_read(struct slice bytes);

/** A slice of a C string, without its terminating zero. */
struct slice text(const char *string);

/** Copy a name; letters and digits alone, as names become file names.  @return false if not. */
bool name_read(struct slice bytes, char out[NAME_MAX_LENGTH + 1]);

/** Read the epoch of an MLS message or a GroupInfo, which is in the clear.  @return false if the
 *  bytes are none */
bool handshake_epoch(struct slice message, uint64_t *out);

/* ---- Media packets --------------------------------------------------------- */

enum { STREAM_AUDIO = 1, STREAM_VIDEO = 2 };

enum {
  PACKET_HEADER = 11,
  PACKET_IDENTITY = 9,   /**< Bytes of the header that are the same in all parts of a frame. */
  PACKET_PAYLOAD = 1200, /**< Most bytes after the header. */
  PACKET_PARTS = 16,     /**< Most parts of a frame. */
  SEALED_MAX = PACKET_PARTS * PACKET_PAYLOAD
};

struct packet {
  uint32_t source; /**< Drawn by each process, to tell senders apart before decrypting. */
  uint8_t stream;  /**< STREAM_* */
  uint32_t frame;  /**< Position in the stream since the call began. */
  uint8_t part;    /**< Counts from 0 to parts - 1. */
  uint8_t parts;
};

void packet_write(const struct packet *packet, uint8_t out[PACKET_HEADER]);
bool packet_read(struct slice bytes, struct packet *out);

/* ---- Time ------------------------------------------------------------------ */

/** Microseconds of a clock that only goes forward. */
uint64_t clock_us(void);

#endif /* WIRE_H */
