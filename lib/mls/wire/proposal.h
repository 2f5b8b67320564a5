/*
 * What changes a group: proposals (RFC 9420, section 12.1), update paths (section 7.6) and the
 * commit that holds both (section 12.4).  As said in mls/wire/message.h, which includes this.
 * SPDX-License-Identifier: ISC
 */
#ifndef MLS_WIRE_PROPOSAL_H
#define MLS_WIRE_PROPOSAL_H

#include "mls/wire/keypackage.h"
#include "mls/wire/proposalforms.h"

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

/** ERR_UNSUPPORTED: a type that another document defines, and so nobody here can tell where it ends. */
CHECKED enum err psk_id_read(struct reader *reader, struct psk_id *out);
void psk_id_write(struct writer *writer, const struct psk_id *id);
/** Total order of PSKs, whatever their nonces.  @return <0, 0, >0 */
int psk_id_compare(const struct psk_id *a, const struct psk_id *b);

/* ---- Proposals (section 12.1) ---- */

/** A proposal as its type says; a SelfRemove has no body. */
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
    struct view custom; /* body of a type that is the application's */
  } body;
};

/** The row of a type; that of the application's types for one that has none. */
const struct proposal_form *proposal_form_of(uint16_t type);

/** A type that is not known here is the application's, and taken to have one vector as its body. */
CHECKED enum err proposal_read(struct reader *reader, struct why *why, struct proposal *out);

/**
 * Whether it can be told what the next proposal is made of, and so where it ends: its type has
 * a row, or is for private use, which are the application's.  ERR_UNSUPPORTED: it is one that
 * some other document defines.
 */
CHECKED enum err proposal_check_known(struct reader reader, struct why *why);

/** All fields but `raw`. */
void proposal_write(struct writer *writer, const struct proposal *proposal);

/* The same of what each type is made of. */
void proposal_write_add(struct writer *writer, struct view key_package);
void proposal_write_update(struct writer *writer, struct view leaf);
void proposal_write_remove(struct writer *writer, uint32_t leaf);
void proposal_write_psk(struct writer *writer, const struct psk_id *id);
void proposal_write_reinit(struct writer *writer, struct view group_id, uint16_t version,
                           uint16_t cipher_suite, struct view extensions);
void proposal_write_external_init(struct writer *writer, struct view kem_output);
void proposal_write_group_context_extensions(struct writer *writer, struct view extensions);
void proposal_write_custom(struct writer *writer, uint16_t type, struct view data);
void proposal_write_self_remove(struct writer *writer);

/** ProposalOrRef (section 12.4). */
struct proposal_or_ref {
  bool by_reference;
  struct view reference;    /* by_reference */
  struct proposal proposal; /* otherwise */
};

/** ERR_UNSUPPORTED as proposal_check_known(). */
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
  struct view nodes; /* items: UpdatePathNode, NOT yet parsed */
};

struct update_path_node {
  struct view encryption_key;
  struct view ciphertexts; /* items: HPKECiphertext, NOT yet parsed: there may be many */
};

/** Finds the parts: the leaf parses, the nodes are not looked at. */
CHECKED enum err update_path_read(struct reader *reader, struct why *why, struct update_path *out);
CHECKED enum err update_path_node_read(struct reader *reader, struct update_path_node *out);
void update_path_write(struct writer *writer, const struct update_path *path);
void update_path_node_write(struct writer *writer, const struct update_path_node *node);

struct commit {
  struct view proposals; /* items: ProposalOrRef, NOT yet parsed: there may be many */
  bool has_path;
  struct update_path path;
};

/** Finds the parts, so that who sent a commit can be asked before its lists are read. */
CHECKED enum err commit_read(struct reader *reader, struct why *why, struct commit *out);
void commit_write(struct writer *writer, const struct commit *commit);

#endif
