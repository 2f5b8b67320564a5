/*
 * The subset of CBOR (RFC 8949) that saved state is written in: unsigned integers, byte strings,
 * booleans, arrays and maps with small integers for keys.  One value has one encoding: lengths are
 * definite, heads are of the shortest form, and the keys of a map come in the order in which the
 * reader asks for them.
 *
 * A reader asks for what it expects, item by item, so hostile input can neither choose what is read nor
 * how deep.  Whatever is not as expected is ERR_STATE_CORRUPT.
 * SPDX-License-Identifier: ISC
 */
#ifndef STATE_CBOR_H
#define STATE_CBOR_H

#include "base/buf.h"
#include "base/secret.h"

/* ---- Writing: errors stick to the writer and are told by writer_take(). ---- */

void cbor_write_uint(struct writer *writer, uint64_t value);
void cbor_write_bool(struct writer *writer, bool value);
void cbor_write_bytes(struct writer *writer, struct view bytes);

/** The head of an array; `count` items follow. */
void cbor_write_array(struct writer *writer, size_t count);

/** The head of a map; `count` pairs follow, each a cbor_write_key() and a value. */
void cbor_write_map(struct writer *writer, size_t count);
void cbor_write_key(struct writer *writer, unsigned key);

/* ---- Reading: each function consumes what it returns. ---- */

/** @param most  a larger value is refused */
CHECKED enum err cbor_read_uint(struct reader *reader, uint64_t most, uint64_t *out);
CHECKED enum err cbor_read_u16(struct reader *reader, uint16_t *out);
CHECKED enum err cbor_read_u32(struct reader *reader, uint32_t *out);
CHECKED enum err cbor_read_u64(struct reader *reader, uint64_t *out);
CHECKED enum err cbor_read_bool(struct reader *reader, bool *out);

/** @param out  a view into what is read */
CHECKED enum err cbor_read_bytes(struct reader *reader, struct view *out);

/** A byte string of at most SECRET_MAX bytes. */
CHECKED enum err cbor_read_secret(struct reader *reader, struct secret *out);

/**
 * The head of an array.
 * @param smallest  bytes that every item takes at least, not 0: a count for which the input has no
 *                  room is refused, so memory for that many items may be allocated
 */
CHECKED enum err cbor_read_array(struct reader *reader, size_t smallest, size_t *count);

/** The head of a map of exactly `count` pairs. */
CHECKED enum err cbor_read_map(struct reader *reader, size_t count);
CHECKED enum err cbor_read_key(struct reader *reader, unsigned key);

/** Nothing may follow. */
CHECKED enum err cbor_read_end(const struct reader *reader);

#endif
