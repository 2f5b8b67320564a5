/*
 * What a group tells of itself to those who join: GroupContext (RFC 9420, section 8.1), GroupInfo
 * and Welcome (section 12.4.3).  As said in mls/wire/message.h, which includes this.
 * SPDX-License-Identifier: ISC
 */
#ifndef MLS_WIRE_WELCOME_H
#define MLS_WIRE_WELCOME_H

#include "mls/wire/proposal.h"

/* ---- GroupContext (section 8.1) ---- */

struct group_context {
  uint16_t version;
  uint16_t cipher_suite;
  struct view group_id;
  uint64_t epoch;
  struct view tree_hash;
  struct view confirmed_transcript_hash;
  struct view extensions;
};

/** A larger GroupContext is ERR_LIMIT, for every member alike: signing and verifying a message takes
 *  hashing all of it (section 6.1). */
#define CONTEXT_BYTES_MAX (4u << 20)

CHECKED enum err group_context_read(struct reader *reader, struct group_context *out);
void group_context_write(struct writer *writer, const struct group_context *context);
/** Bytes that it takes on the wire. */
size_t group_context_size(const struct group_context *context);

/* ---- GroupInfo, GroupSecrets, Welcome (section 12.4.3) ---- */

struct group_info {
  struct group_context context;
  struct view context_raw; /* GroupContext; set by reading */
  struct view extensions;
  struct view confirmation_tag;
  uint32_t signer;
  struct view signature;
  struct view signed_part; /* GroupInfoTBS; set by reading */
};

CHECKED enum err group_info_read(struct reader *reader, struct why *why, struct group_info *out);

/** GroupInfoTBS around the extensions, which the caller writes in between: in a large group they have
 *  the tree, of which there need not be a copy.  @return what group_info_write_end() has to be told */
size_t group_info_write_begin(struct writer *writer, const struct group_context *context);
void group_info_write_end(struct writer *writer, size_t begin, struct view confirmation_tag,
                          uint32_t signer);
/** GroupInfoTBS: all fields up to the signature, which write_vector() then adds. */
void group_info_write_signed(struct writer *writer, const struct group_info *info);
void group_info_write(struct writer *writer, const struct group_info *info);

struct group_secrets {
  struct view joiner_secret;
  bool has_path_secret;
  struct view path_secret;
  struct view psks; /* items: PreSharedKeyID */
};

CHECKED enum err group_secrets_read(struct reader *reader, struct group_secrets *out);
void group_secrets_write(struct writer *writer, const struct group_secrets *secrets);

struct encrypted_group_secrets {
  struct view new_member; /* KeyPackageRef */
  struct hpke_ciphertext secrets;
};

CHECKED enum err encrypted_group_secrets_read(struct reader *reader,
                                              struct encrypted_group_secrets *out);
void encrypted_group_secrets_write(struct writer *writer,
                                   const struct encrypted_group_secrets *secrets);

struct welcome {
  uint16_t cipher_suite;
  struct view secrets; /* items: EncryptedGroupSecrets */
  struct view encrypted_group_info;
};

CHECKED enum err welcome_read(struct reader *reader, struct welcome *out);
void welcome_write(struct writer *writer, const struct welcome *welcome);

#endif
