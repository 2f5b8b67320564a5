/*
 * The structs that travel (RFC 9420, sections 6, 7.6, 12), each with its reader beside its writer:
 * framing here, what it carries in mls/wire/proposal.h and mls/wire/welcome.h.
 *
 * What is read are views into the message, nothing is copied; vectors of structs are kept as the bytes
 * of their items, already checked to parse unless it says otherwise, and read again item by item.  A reader stops
 * where its struct ends: whoever holds the whole message asks read_end() too.
 * ERR_MALFORMED: the bytes are no such struct.
 * SPDX-License-Identifier: ISC
 */
#ifndef MLS_WIRE_MESSAGE_H
#define MLS_WIRE_MESSAGE_H

#include "mls/wire/proposal.h"
#include "mls/wire/welcome.h"

/* ---- Framing (section 6) ---- */

enum content_type { CONTENT_APPLICATION = 1, CONTENT_PROPOSAL = 2, CONTENT_COMMIT = 3 };

struct sender {
  uint8_t type;
  uint32_t index; /* leaf index of a member, index of an external sender, else 0 */
};

/** RFC 9420, sections 12.1.8 and 12.2: who may propose what, in a commit too.  Types of the application
 *  are left to members. */
bool sender_may_propose(uint8_t sender_type, uint16_t proposal_type);

struct framed_content {
  struct view group_id;
  uint64_t epoch;
  struct sender sender;
  struct view authenticated_data;
  uint8_t content_type;
  struct view content; /* application data; or Proposal; or Commit; its reader has read it */
  struct view raw;     /* the FramedContent */
};

/** All that comes before `content`. */
CHECKED enum err framed_head_read(struct reader *reader, struct framed_content *out);
CHECKED enum err framed_content_read(struct reader *reader, struct why *why,
                                     struct framed_content *out);
/** Writes all fields but `raw`; content as the body it is (application data gets its length). */
void framed_content_write(struct writer *writer, const struct framed_content *content);
/** All that comes before the bytes of `content`. */
void framed_head_write(struct writer *writer, const struct framed_content *content);

/** The content alone, as it stands in a FramedContent and in a PrivateMessageContent. */
CHECKED enum err framed_body_read(struct reader *reader, struct why *why, uint8_t content_type,
                                  struct view *out);
void framed_body_write(struct writer *writer, uint8_t content_type, struct view content);

/** FramedContentAuthData.  The confirmation tag is there for a commit only. */
struct content_auth {
  struct view signature;
  struct view confirmation_tag;
};

CHECKED enum err content_auth_read(struct reader *reader, uint8_t content_type,
                                   struct content_auth *out);
void content_auth_write(struct writer *writer, uint8_t content_type,
                        const struct content_auth *auth);

struct public_message {
  struct framed_content content;
  struct content_auth auth;
  struct view membership_tag; /* of a member, else empty */
  struct view raw_auth;       /* FramedContentAuthData */
};

/** ERR_UNSUPPORTED: a proposal as in proposal_check_known(). */
CHECKED enum err public_message_read(struct reader *reader, struct why *why,
                                     struct public_message *out);
/** Writes all fields but the raw ones; the membership tag for a member only. */
void public_message_write(struct writer *writer, const struct public_message *message);

struct private_message {
  struct view group_id;
  uint64_t epoch;
  uint8_t content_type;
  struct view authenticated_data;
  struct view encrypted_sender_data;
  struct view ciphertext;
};

CHECKED enum err private_message_read(struct reader *reader, struct private_message *out);
void private_message_write(struct writer *writer, const struct private_message *message);

/* ---- MLSMessage (section 6) ---- */

/** The header of an MLSMessage; the body follows in the reader.  ERR_UNSUPPORTED: another version, or
 *  a wire format that is none of enum wire_format. */
CHECKED enum err message_read_header(struct reader *reader, struct why *why, uint16_t *wire_format);
/** The same where only one wire format will do.  @param what  its name  @return ERR_MALFORMED too */
CHECKED enum err message_read_header_of(struct reader *reader, enum wire_format wire_format,
                                        const char *what, struct why *why);
void message_write_header(struct writer *writer, enum wire_format wire_format);

/** A group has no use for more, and the key of each is looked at when they are set. */
#define EXTERNAL_SENDERS_MAX 256

/** One item of the external_senders extension (section 12.1.8.1). */
struct external_sender {
  struct view signature_key;
  struct credential credential;
};

CHECKED enum err external_sender_read(struct reader *reader, struct external_sender *out);
void external_sender_write(struct writer *writer, struct view signature_key,
                           struct view credential);

/** The KeyPackage inside an MLSMessage, which holds nothing else, as an application hands it over:
 *  key_package_check_listed() is done. */
CHECKED enum err message_read_key_package(struct view message, struct why *why, struct view *out);

/** Verify a key package (an MLSMessage) and copy the identity in it.  @param out  to be freed */
CHECKED enum err message_key_package_identity(struct view message, struct bytes *out);
/** KeyPackageRef (section 5.2) of the one in an MLSMessage.  @param out  HASH_MAX bytes  @param size  of it */
CHECKED enum err message_key_package_ref(struct view message, uint8_t *out, size_t *size);

#endif
