/*
 * Content authentication and message protection (RFC 9420, section 6).
 * SPDX-License-Identifier: ISC
 */
#ifndef MLS_GROUP_FRAMING_H
#define MLS_GROUP_FRAMING_H

#include "mls/keys/schedule.h"
#include "mls/keys/secrettree.h"
#include "mls/wire/message.h"

/** What framing needs of an epoch. */
struct framing_keys {
  const struct suite *suite;
  struct view group_context; /* GroupContext as on the wire */
  const struct secret *membership;
  const struct secret *sender_data;
  struct secret_tree *secret_tree;
  uint32_t max_skip;
  uint64_t max_bytes; /* of a message that is made; 0: any */
};

/** AuthenticatedContent (section 6): what was said, and the proof; views into a message or buffer.
 *  Nothing here reads content.raw, which is empty for what came in a PrivateMessage. */
struct authenticated_content {
  uint16_t wire_format;
  struct framed_content content;
  struct content_auth auth;
};

/** wire_format, FramedContent and signature: the input of the confirmed transcript hash. */
void framing_write_transcript(struct writer *writer, const struct authenticated_content *content);

/** The whole AuthenticatedContent: the value of a ProposalRef. */
void framing_write_authenticated(struct writer *writer,
                                 const struct authenticated_content *content);
/** ERR_MALFORMED.  @param out  views into `bytes` */
CHECKED enum err framing_read_authenticated(struct view bytes, struct authenticated_content *out);

/**
 * Sign FramedContentTBS (section 6.1).
 * @param group_context  of the epoch for senders member and new_member_commit, else VIEW_NONE
 * @param signature      out, to be freed
 */
CHECKED enum err framing_sign(const struct suite *suite, uint16_t wire_format,
                              const struct framed_content *content, struct view group_context,
                              const struct secret *signature_key, struct bytes *signature);

/** @return OK or ERR_SIGNATURE */
CHECKED enum err framing_verify(const struct suite *suite,
                                const struct authenticated_content *content,
                                struct view group_context, struct view signature_key,
                                struct why *why);

/**
 * Write an MLSMessage holding a PublicMessage, with membership tag for a member (section 6.2).
 * @return OK; ERR_INVALID_ARG (application data, a content that the sender may not send, or signed
 *         for another wire format)
 */
CHECKED enum err framing_protect_public(const struct framing_keys *keys,
                                        const struct authenticated_content *content,
                                        struct bytes *out);

/**
 * Write an MLSMessage holding a PrivateMessage (section 6.3).  The sender's ratchet moves on, unless
 * it fails.
 * @param padding  the plaintext is padded to a multiple of this many bytes; 0: not at all
 * @return OK; ERR_KEY_EXHAUSTED; ERR_INVALID_ARG (sender no member, or signed for another wire
 *         format)
 */
CHECKED enum err framing_protect_private(const struct framing_keys *keys,
                                         const struct authenticated_content *content,
                                         uint32_t padding, struct bytes *out);

/**
 * Check a PublicMessage's form and membership tag: no application data, a content that fits the
 * sender.  Left to the caller: that group id and epoch are those of `keys`, that the sender
 * exists, and the signature (framing_verify()).  ERR_MALFORMED, ERR_AUTH.
 */
CHECKED enum err framing_open_public(const struct framing_keys *keys,
                                     const struct public_message *message, struct why *why,
                                     struct authenticated_content *out);

/** Key and nonce that encrypt the sender data beside a ciphertext (section 6.3.2). */
CHECKED enum err framing_sender_data_key(const struct suite *suite,
                                         const struct secret *sender_data, struct view ciphertext,
                                         struct message_key *out);

/** Where a PrivateMessage's key came from, for framing_used(). */
struct private_origin {
  uint32_t leaf;
  enum ratchet_kind kind;
  uint32_t generation;
};

/**
 * Decrypt a PrivateMessage.  The ratchet is left as it was: when all has verified, call
 * framing_used().  Left to the caller: that group id and epoch are those of `keys`, that the
 * sender's leaf is not blank, and the signature.
 * @param width      leaves of the epoch's tree: a sender beyond it is refused before a key is derived
 * @param storage    out, to be freed: the plaintext that `out` has views into
 * @param origin     out; after ERR_REPLAY too, which an own message gives
 * @return OK; ERR_AUTH; ERR_MALFORMED (padding, form); ERR_REPLAY; ERR_LIMIT
 */
CHECKED enum err framing_open_private(const struct framing_keys *keys,
                                      const struct private_message *message, uint32_t width,
                                      struct why *why, struct bytes *storage,
                                      struct authenticated_content *out,
                                      struct private_origin *origin);

/** The message has verified: its key is wiped, those it skipped are kept. */
CHECKED enum err framing_used(const struct framing_keys *keys, const struct private_origin *origin);

#endif
