/*
 * libe2ee - media beyond a simple call
 * SPDX-License-Identifier: ISC
 */
#ifndef E2EE_MEDIA_H
#define E2EE_MEDIA_H

#include <e2ee/e2ee.h>

/**
 * @file
 * The rules at the top of e2ee.h hold here too.
 */

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Sender keys [any] ----------------------------------------------------- */
/*
 * RFC 9605, section 5.1: frames without a group, for applications that have an end-to-end encrypted
 * channel of their own.  Every participant draws a random key, its base_key, and sends it to all
 * others over that channel.  An e2ee_media made here takes such keys in place of a group's epochs;
 * senders, receivers, frames, replay protection, events and statistics are those of e2ee.h.
 *
 * Leaving   When somebody leaves, everybody else draws a new key, of the next generation, sends it
 *           to who is left, and a moment later calls e2ee_media_set_own_key().  Until then, who
 *           left can listen.
 * Joining   When somebody joins, everybody calls e2ee_media_ratchet() and sends the joiner what it
 *           returns: a key that opens nothing from before.  Nobody else needs to be told; receivers
 *           follow when a frame of the next step comes.
 *
 * KID = generation * 2^R + step mod 2^R.  R, the number of bits for the ratchet step, is the
 * sender's choice, 2 to 16, and known to its receivers.  The default, 6, gives the first four
 * generations key ids of one byte and the first 1024 of two.  Receivers follow up to 2^(R-1) - 1
 * steps of which they heard no frame, 31 by default, and at most 127; one that has missed more
 * needs the sender's key anew.  Whoever forges frames can make a receiver compute that many steps:
 * 25 us a frame by default, 100 us with 127, if no two in a row are of one step, as the last step
 * tried is kept.
 *
 * Who is speaking no frame says: senders have equal key ids.  The application gives each sender a
 * number, and each stream a receiver for its sender, which it knows from elsewhere (an SSRC, a
 * track).  That number is e2ee_frame_info.leaf and e2ee_event.leaf; epoch is the generation.
 * (Without keys neither is known: after e2ee_frame_peek() epoch means nothing, and generation and
 * step have to be taken from the kid.)  With the wrong sender's receiver a stream does not decrypt.
 * But whoever has a sender's key can forge its frames.
 *
 * Of a sender, a receiver takes frames of the generation and step heard last, of later ones that it
 * has or can ratchet to, and of the one before: until 1024 more frames of that sender were
 * accepted, the sender goes on again, or e2ee_media_retire_sender().  Then those keys are wiped, in
 * each stream before it takes its next frame; by e2ee_media_retire_sender() in every stream at
 * once.  Eight keys of a sender are kept at most, the newest.
 *
 * E2EE_EVENT_PEER_SWITCHED   first good frame of a generation and step
 * E2EE_EVENT_UNKNOWN_EPOCH   frames of a later generation than was set, or of too many steps ahead:
 *                            the sender's key is missing.  Told once until the next key of that
 *                            sender
 * E2EE_EVENT_PEER_DIFFERS    a frame has a wrong tag, and none of its key id was right before.
 *                            Told once until the next key of that sender
 * E2EE_EVENT_KEY_LOW         a key is good for 2^32 frames of all own streams: ratchet, or set a
 *                            new one; leaf is UINT32_MAX
 *
 * A media object either follows a group or has sender keys.  With sender keys e2ee_media_install(),
 * e2ee_media_activate() and e2ee_receiver_new() are refused with E2EE_ERR_INVALID_STATE, with a
 * group all functions here; e2ee_media_retire() takes UINT64_MAX alone, which ends the call; and
 * e2ee_media_member() knows nobody.
 */

/**
 * Make an empty key store for sender keys.
 * @param sframe_suite  as for e2ee_media_new()
 * @param ratchet_bits  R of this participant's keys, 2 to 16; 0 for 6
 */
E2EE_API E2EE_CHECKED int e2ee_media_new_sender_keys(uint16_t sframe_suite, uint32_t ratchet_bits,
                                                     e2ee_media **out);

/**
 * Let all own streams encrypt with a new key from their next frame on, at step 0.  Send it to the
 * others before.  All own streams share its counter, so that no (key, counter) repeats however many
 * there are.
 * @param generation    newer than the last one, below 2^(64-R); the first is 0, or any
 * @param base_key      16 to 128 bytes, as many as the suite's hash (32 or 64) are best.  Random
 *                      and for this media object alone: not stored, never used again, not even
 *                      after a crash, and nobody else's
 * @return 0; E2EE_ERR_OLD_EPOCH the generation is not newer, or the call has ended;
 *         E2EE_ERR_INVALID_STATE the last generation began with this very key, or it is another
 *         sender's
 */
E2EE_API E2EE_CHECKED int e2ee_media_set_own_key(e2ee_media *media, uint64_t generation,
                                                 const uint8_t *base_key, size_t base_key_len);

/**
 * Give the key for somebody who joins: it opens what this participant's streams encrypt from now
 * on, and nothing from before.  If the key in use has encrypted a frame, they go on with the next
 * step; if not, nothing changes, and the same key is returned again.
 * @param step      goes with the key, for e2ee_media_set_sender_key(), beside the generation
 * @param base_key  a secret: send it over the application's own channel only
 * @return 0; E2EE_ERR_INVALID_STATE no own key was set
 */
E2EE_API E2EE_CHECKED int e2ee_media_ratchet(e2ee_media *media, uint64_t *step,
                                             e2ee_bytes **base_key);

/**
 * Make another sender known, under a number of the application's choice.
 * @param sender        0 to 2^32 - 2, not in use; free again after e2ee_media_remove_sender()
 * @param ratchet_bits  R of that sender's keys; 0 for 6
 * @return 0; E2EE_ERR_INVALID_STATE the number is in use; E2EE_ERR_OLD_EPOCH the call has ended
 */
E2EE_API E2EE_CHECKED int e2ee_media_add_sender(e2ee_media *media, uint32_t sender,
                                                uint32_t ratchet_bits);

/**
 * Let a sender's receivers accept a key of it, besides those that they have.  Keys come in the
 * order of generations; the newest generation's key may be set again, at a later step, for
 * receivers that have lost track.
 * @param step      of the key: 0, or what e2ee_media_ratchet() gave the sender; below 2^63
 * @param base_key  16 to 128 bytes
 * @return 0, also for the same key again; E2EE_ERR_NOT_FOUND no such sender; E2EE_ERR_OLD_EPOCH
 *         before the newest generation and its step, or retired; E2EE_ERR_INVALID_STATE another key
 *         was set for that generation and step, or it is this participant's own or another sender's
 */
E2EE_API E2EE_CHECKED int e2ee_media_set_sender_key(e2ee_media *media, uint32_t sender,
                                                    uint64_t generation, uint64_t step,
                                                    const uint8_t *base_key, size_t base_key_len);

/**
 * Wipe a sender's keys of all generations before this one, and of the step before the one in use,
 * in every stream, before returning.  Do so a second or two after somebody has left, for who left
 * can forge frames of keys that are still accepted.
 * @return 0; E2EE_ERR_NOT_FOUND no such sender
 */
E2EE_API E2EE_CHECKED int e2ee_media_retire_sender(e2ee_media *media, uint32_t sender,
                                                   uint64_t generation);

/**
 * Wipe all keys of a sender that has left, in every stream, before returning.  Its receivers stay
 * without keys, also if the number is given to another sender.
 * @return 0; E2EE_ERR_NOT_FOUND no such sender
 */
E2EE_API E2EE_CHECKED int e2ee_media_remove_sender(e2ee_media *media, uint32_t sender);

/**
 * Make a receiver for one stream, or all streams, of a sender.  Otherwise as e2ee_receiver_new().
 * @return 0; E2EE_ERR_NOT_FOUND no such sender
 */
E2EE_API E2EE_CHECKED int e2ee_media_receiver_new(e2ee_media *media, uint32_t sender,
                                                  e2ee_receiver **out);

/* ---- Partial frames [stream] ---------------------------------------------- */
/*
 * Packetizers and forwarding servers look into frames: where a NAL unit begins, whether this is a
 * key frame.  A partial frame leaves the ranges that they read in clear, where they were, and
 * encrypts the rest in place; what the receiver needs goes to the end.  Everything is
 * authenticated: a byte in clear can be read by others, but not changed.  Use these functions where
 * media passes through such software (WebRTC's encoded transforms), and the pair in e2ee.h, which
 * shows nothing, where not.
 *
 * Senders, receivers, counters, replay and statistics are those of e2ee.h; one sender may send
 * frames of both kinds.  Neither is taken for the other: the receiving app says which it expects,
 * and the tag of one is never right for the other.
 *
 * A partial frame is, for a plaintext of n bytes:
 *
 *   body       n bytes: clear ranges as they were, all others encrypted
 *   wrapping   E2EE_CODEC_AV1 only: the head of a metadata OBU, whose content is all that follows:
 *              type and size flag (0x2a), obu_size (leb128), metadata_type 31
 *   tag        4 to 16 bytes, the suite's
 *   trailer    numbers: KID; counter; with wrapping its size; how many ranges are clear; for each
 *              its distance from the end of the one before and its length; with E2EE_CODEC_H264 and
 *              _H265 then, to the end of the trailer, for each escaped byte its distance from the
 *              byte after the one before (the first: from the body's start)
 *   length     of the trailer, a number with its bytes in reverse order
 *   form       one byte: 0x90, and 1 if bytes are escaped, or 2 if there is wrapping
 *
 * A number is sent in groups of 6 bits, highest first, as few as it needs: 0xc0 + group, the last
 * one 0x80 + group.  The highest 4 bits of the form are the version; another one is malformed.
 *
 * The suite's AEAD encrypts the encrypted bytes of the body in their order, under key and nonce as
 * for any frame of this KID and counter.  Its additional data: 80 00; the form; KID and counter as
 * an SFrame header; of the trailer what is between counter and escapes; the clear bytes in their
 * order; the wrapping; the app's metadata.  A plain frame's additional data begins with its header,
 * which cannot be 80 00: a KID of zero has no byte of its own.
 *
 * Escapes: a start code of H.264 and H.265 is 00 00 01, and a zero byte before it moves it.  So a
 * byte from 00 to 03 in an encrypted part or the tag, behind two zero bytes, has its highest bit
 * set; so has a zero byte that is the last of an encrypted part.  Trailer, length and form have no
 * byte below 0x80.  Ciphertext is random, so that one in four million bytes is escaped.
 */

/** What a frame is encoded with. */
enum {
  E2EE_CODEC_OTHER = 0, /**< Nothing is known of it. */
  E2EE_CODEC_OPUS = 1,
  E2EE_CODEC_VP8 = 2,
  E2EE_CODEC_VP9 = 3,
  E2EE_CODEC_AV1 = 4,  /**< OBUs, the low-overhead format. */
  E2EE_CODEC_H264 = 5, /**< NAL units with start codes, Annex B. */
  E2EE_CODEC_H265 = 6,
  E2EE_CODEC_VP8_PARTITIONS = 7 /**< VP8 for packetizers that look for partitions. */
};

/** Bytes of a frame. */
typedef struct e2ee_range {
  uint32_t offset;
  uint32_t length;
} e2ee_range;

/** No frame has more clear ranges. */
enum { E2EE_RANGES_MAX = 1024 };

/**
 * What packetizers and forwarders read of a frame, and no more.  [any]
 *
 * Opus   nothing: packets are sent as they are, and the first byte tells speech from music
 * VP8    a key frame's first 10 bytes (its size), of any other frame 1 (that it is none)
 *        VP8_PARTITIONS: 3 bytes more (the size of the first partition), that partition's
 *        beginning up to the number of those after it, 3 to 23 bytes, and their sizes.  That tells
 *        how much moves, and how strong the loop filter is; GStreamer's rtpvp8pay refuses less
 * VP9    a key frame's header up to its size, of any other frame the byte with its kind
 * AV1    each OBU's header and size; all of a sequence header
 * H264   start codes; NAL unit headers, with their SVC or MVC extension; all of SPS, PPS, AUD and
 *        end marks; of a slice its first fields, up to the PPS it names
 * H265   the same, with VPS
 *
 * SEI, metadata, padding and unknown units show their header alone.  Garbage is never refused:
 * where a frame stops to make sense, the rest is encrypted, for sending it as it is would be worse.
 * With E2EE_CODEC_OTHER nothing is clear.
 *
 * @param ranges  in order, not touching; NULL asks for their number
 * @param count   room for so many; out: how many there are
 * @return 0; E2EE_ERR_BUFFER_TOO_SMALL; E2EE_ERR_UNSUPPORTED no such codec; E2EE_ERR_LIMIT over
 *         2^30 bytes or E2EE_RANGES_MAX ranges
 */
E2EE_API E2EE_CHECKED int e2ee_frame_clear_ranges(uint32_t codec, const uint8_t *frame,
                                                  size_t frame_len, e2ee_range *ranges,
                                                  size_t *count);

/**
 * Rewrite a frame into the one form in which RTP depacketizers put it together again, which they do
 * whatever form it was sent in; in any other form it would arrive with its bytes elsewhere, and be
 * refused.  Do this before all else where frames travel as RTP; decoders see no difference.  [any]
 *
 * H264, H265   start codes of four bytes; no zero bytes behind a unit, nothing before the first
 * AV1          no temporal delimiters, tile lists and padding; each OBU with its size, in as few
 *              bytes as that needs
 *
 * All others are copied, and so is what does not parse, from there on.  An SPS of H.264 stays as it
 * is; libwebrtc's depacketizer changes one that does not rule out reordering, so let the encoder
 * rule it out.
 *
 * @param out  no overlap with the frame; NULL asks for the size
 * @param len  room; out: bytes written
 * @return 0; E2EE_ERR_BUFFER_TOO_SMALL; E2EE_ERR_UNSUPPORTED no such codec; E2EE_ERR_LIMIT over
 *         2^30 bytes
 */
E2EE_API E2EE_CHECKED int e2ee_frame_normalize(uint32_t codec, const uint8_t *frame,
                                               size_t frame_len, uint8_t *out, size_t *len);

/** Bytes of room to add to a plaintext that is to have so many clear ranges, whatever the suite and
 *  codec; 0 if that is over the limits.  [any] */
E2EE_API size_t e2ee_partial_overhead(size_t frame_len, size_t count);

/**
 * Encrypt one frame, except some ranges.
 * @param codec     how the frame's end is wrapped and what may not turn up in it
 * @param metadata  authenticated, not sent; NULL and 0 if none; not within out
 * @param frame     plaintext; may equal out exactly (in place), else no overlap
 * @param clear     in order and not overlapping, none empty; NULL and 0 if none; not within out
 * @param out_cap   at least frame_len + e2ee_partial_overhead(frame_len, count), or *out_len says
 *                  how much that is
 * @return as e2ee_sender_encrypt(); E2EE_ERR_INVALID_ARG ranges out of order or of the frame;
 *         E2EE_ERR_LIMIT over E2EE_RANGES_MAX ranges; E2EE_ERR_UNSUPPORTED no such codec
 */
E2EE_API E2EE_CHECKED int e2ee_sender_encrypt_partial(e2ee_sender *sender, uint32_t codec,
                                                      const uint8_t *metadata, size_t metadata_len,
                                                      const uint8_t *frame, size_t frame_len,
                                                      const e2ee_range *clear, size_t count,
                                                      uint8_t *out, size_t out_cap,
                                                      size_t *out_len);

/**
 * Decrypt one partial frame; aliasing as in e2ee_sender_encrypt_partial().
 * @param out_cap  at least frame_len, or *out_len says so; the plaintext is shorter
 * @param info     who sent it; may be NULL with info_size 0
 * @return as e2ee_receiver_decrypt(); a plain frame is E2EE_ERR_MALFORMED or E2EE_ERR_AUTH
 */
E2EE_API E2EE_CHECKED int
e2ee_receiver_decrypt_partial(e2ee_receiver *receiver, const uint8_t *metadata, size_t metadata_len,
                              const uint8_t *frame, size_t frame_len, uint8_t *out, size_t out_cap,
                              size_t *out_len, e2ee_frame_info *info, size_t info_size);

/** e2ee_frame_peek() for a partial frame, with the same epoch; header_len, here and after
 *  decrypting, is the size of trailer, length and form.
 *  @return 0, or E2EE_ERR_MALFORMED.  [any] */
E2EE_API E2EE_CHECKED int e2ee_partial_peek(const uint8_t *frame, size_t frame_len,
                                            e2ee_frame_info *out, size_t out_size);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif
