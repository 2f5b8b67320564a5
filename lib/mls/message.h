/*
 * The structs that travel (RFC 9420, sections 6, 7.6, 12), each with its reader beside its writer.
 * What is read are views into the message, nothing is copied; vectors of structs are kept as
 * the bytes of their items, already checked to parse, and read again item by item.
 * SPDX-License-Identifier: ISC
 */
#ifndef MLS_MESSAGE_H
#define MLS_MESSAGE_H

#include "mls/keypackage.h"

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

CHECKED enum err group_context_read(struct reader *reader, struct group_context *out);
void group_context_write(struct writer *writer, const struct group_context *context);

/* ---- PreSharedKeyID (section 8.4) ---- */

enum psk_type { PSK_EXTERNAL = 1, PSK_RESUMPTION = 2 };
enum psk_usage { PSK_APPLICATION = 1, PSK_REINIT = 2, PSK_BRANCH = 3 };

struct psk_id {
  uint8_t type;
  struct view external_id;  /* external */
  uint8_t usage;            /* resumption */
  struct view psk_group_id; /* resumption */
  uint64_t psk_epoch;       /* resumption */
  struct view nonce;
};

CHECKED enum err psk_id_read(struct reader *reader, struct psk_id *out);
void psk_id_write(struct writer *writer, const struct psk_id *id);

/* ---- Proposals (section 12.1) ---- */

/** A proposal of a type that is not known here cannot be parsed: ERR_UNSUPPORTED. */
struct proposal {
  uint16_t type;
  struct view raw; /* type and body */
  union {
    struct view add;    /* KeyPackage */
    struct view update; /* LeafNode */
    uint32_t remove;    /* leaf index */
    struct psk_id psk;
    struct {
      struct view group_id;
      uint16_t version;
      uint16_t cipher_suite;
      struct view extensions;
    } reinit;
    struct view external_init; /* kem_output */
    struct view group_context_extensions;
  } body;
};

CHECKED enum err proposal_read(struct reader *reader, struct why *why, struct proposal *out);
void proposal_write_add(struct writer *writer, struct view key_package);
void proposal_write_update(struct writer *writer, struct view leaf);
void proposal_write_remove(struct writer *writer, uint32_t leaf);
void proposal_write_psk(struct writer *writer, const struct psk_id *id);
void proposal_write_reinit(struct writer *writer, struct view group_id, uint16_t version,
                           uint16_t cipher_suite, struct view extensions);
void proposal_write_external_init(struct writer *writer, struct view kem_output);
void proposal_write_group_context_extensions(struct writer *writer, struct view extensions);
void proposal_write_self_remove(struct writer *writer);

/** ProposalOrRef (section 12.4). */
struct proposal_or_ref {
  bool by_reference;
  struct view reference;    /* by_reference */
  struct proposal proposal; /* otherwise */
};

CHECKED enum err proposal_or_ref_read(struct reader *reader, struct why *why,
                                      struct proposal_or_ref *out);
void proposal_or_ref_write_proposal(struct writer *writer, struct view proposal);
void proposal_or_ref_write_reference(struct writer *writer, struct view reference);

/* ---- UpdatePath (section 7.6) and Commit (section 12.4) ---- */

struct hpke_ciphertext {
  struct view kem_output;
  struct view ciphertext;
};

CHECKED enum err hpke_ciphertext_read(struct reader *reader, struct hpke_ciphertext *out);
void hpke_ciphertext_write(struct writer *writer, struct view kem_output, struct view ciphertext);

struct update_path {
  struct view leaf;  /* LeafNode */
  struct view nodes; /* items: UpdatePathNode */
};

struct update_path_node {
  struct view encryption_key;
  struct view ciphertexts; /* items: HPKECiphertext, NOT yet parsed: there may be many */
};

/** Finds the parts; the leaf and node headers parse, the ciphertexts inside a node are not looked at. */
CHECKED enum err update_path_read(struct reader *reader, struct why *why, struct update_path *out);
CHECKED enum err update_path_node_read(struct reader *reader, struct update_path_node *out);

struct commit {
  struct view proposals; /* items: ProposalOrRef */
  bool has_path;
  struct update_path path;
};

CHECKED enum err commit_read(struct reader *reader, struct why *why, struct commit *out);

/* ---- Framing (section 6) ---- */

enum content_type { CONTENT_APPLICATION = 1, CONTENT_PROPOSAL = 2, CONTENT_COMMIT = 3 };

enum sender_type {
  SENDER_MEMBER = 1,
  SENDER_EXTERNAL = 2,
  SENDER_NEW_MEMBER_PROPOSAL = 3,
  SENDER_NEW_MEMBER_COMMIT = 4,
};

struct sender {
  uint8_t type;
  uint32_t index; /* leaf index of a member, index of an external sender, else 0 */
};

struct framed_content {
  struct view group_id;
  uint64_t epoch;
  struct sender sender;
  struct view authenticated_data;
  uint8_t content_type;
  struct view content; /* application data; or Proposal; or Commit; checked to parse */
  struct view raw;     /* the FramedContent */
};

CHECKED enum err framed_content_read(struct reader *reader, struct why *why,
                                     struct framed_content *out);
/** Writes all fields but `raw`; content as the body it is (application data gets its length). */
void framed_content_write(struct writer *writer, const struct framed_content *content);

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

CHECKED enum err public_message_read(struct reader *reader, struct why *why,
                                     struct public_message *out);

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

/* ---- GroupInfo, GroupSecrets, Welcome (section 12.4.3) ---- */

struct group_info {
  struct group_context context;
  struct view context_raw; /* GroupContext */
  struct view extensions;
  struct view confirmation_tag;
  uint32_t signer;
  struct view signature;
  struct view signed_part; /* GroupInfoTBS */
};

CHECKED enum err group_info_read(struct reader *reader, struct why *why, struct group_info *out);

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

struct welcome {
  uint16_t cipher_suite;
  struct view secrets; /* items: EncryptedGroupSecrets */
  struct view encrypted_group_info;
};

CHECKED enum err welcome_read(struct reader *reader, struct welcome *out);

/* ---- MLSMessage (section 6) ---- */

/** The header of an MLSMessage; the body follows in the reader. ERR_UNSUPPORTED: other version. */
CHECKED enum err message_read_header(struct reader *reader, struct why *why, uint16_t *wire_format);
void message_write_header(struct writer *writer, enum wire_format wire_format);

#endif
