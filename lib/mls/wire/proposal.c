/* SPDX-License-Identifier: ISC */
#include "mls/wire/proposal.h"

/* ---- PreSharedKeyID ---- */

enum err psk_id_read(struct reader *reader, struct psk_id *out) {
  enum err err;
  struct psk_id id = {0};
  TRY(read_u8(reader, &id.type));
  switch (id.type) {
  case PSK_EXTERNAL:
    TRY(read_vector(reader, &id.external_id));
    break;
  case PSK_RESUMPTION:
    TRY(read_u8(reader, &id.usage));
    if (id.usage < PSK_APPLICATION || id.usage > PSK_BRANCH)
      return ERR_MALFORMED;
    TRY(read_vector(reader, &id.psk_group_id));
    TRY(read_u64(reader, &id.psk_epoch));
    break;
  case 0: /* reserved */
    return ERR_MALFORMED;
  default:
    return ERR_UNSUPPORTED;
  }
  TRY(read_vector(reader, &id.nonce));
  *out = id;
done:
  return err;
}

void psk_id_write(struct writer *writer, const struct psk_id *id) {
  write_u8(writer, id->type);
  if (id->type == PSK_EXTERNAL) {
    write_vector(writer, id->external_id);
  } else {
    write_u8(writer, id->usage);
    write_vector(writer, id->psk_group_id);
    write_u64(writer, id->psk_epoch);
  }
  write_vector(writer, id->nonce);
}

static int compare_numbers(uint64_t a, uint64_t b) {
  return (a > b) - (a < b);
}

int psk_id_compare(const struct psk_id *a, const struct psk_id *b) {
  /* What the type does not have is empty. */
  const int orders[] = {
      compare_numbers(a->type, b->type),           view_compare(a->external_id, b->external_id),
      compare_numbers(a->usage, b->usage),         view_compare(a->psk_group_id, b->psk_group_id),
      compare_numbers(a->psk_epoch, b->psk_epoch),
  };
  for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++)
    if (orders[i] != 0)
      return orders[i];
  return 0;
}

/* ---- What each type of proposal is made of ---- */

#define BY_MEMBER (1u << SENDER_MEMBER)
#define BY_EXTERNAL (1u << SENDER_EXTERNAL)
#define BY_NEW_MEMBER (1u << SENDER_NEW_MEMBER_PROPOSAL)
#define BY_COMMIT_FROM_OUTSIDE (1u << SENDER_NEW_MEMBER_COMMIT)

static enum err read_add(struct reader *reader, struct why *why, struct proposal *out) {
  return key_package_skip(reader, why, &out->body.add);
}

static void write_add(struct writer *writer, const struct proposal *proposal) {
  write_bytes(writer, proposal->body.add);
}

const struct proposal_form proposal_form_add = {
    .type = PROPOSAL_ADD,
    .senders = BY_MEMBER | BY_EXTERNAL | BY_NEW_MEMBER,
    .read = read_add,
    .write = write_add,
};

static enum err read_update(struct reader *reader, struct why *why, struct proposal *out) {
  return leaf_skip(reader, why, &out->body.update);
}

static void write_update(struct writer *writer, const struct proposal *proposal) {
  write_bytes(writer, proposal->body.update);
}

const struct proposal_form proposal_form_update = {
    .type = PROPOSAL_UPDATE,
    .senders = BY_MEMBER,
    .needs_path = true,
    .read = read_update,
    .write = write_update,
};

static enum err read_remove(struct reader *reader, struct why *why, struct proposal *out) {
  (void)why;
  return read_u32(reader, &out->body.remove);
}

static void write_remove(struct writer *writer, const struct proposal *proposal) {
  write_u32(writer, proposal->body.remove);
}

const struct proposal_form proposal_form_remove = {
    .type = PROPOSAL_REMOVE,
    .senders = BY_MEMBER | BY_EXTERNAL | BY_COMMIT_FROM_OUTSIDE,
    .needs_path = true,
    .read = read_remove,
    .write = write_remove,
};

static enum err read_psk(struct reader *reader, struct why *why, struct proposal *out) {
  enum err err = psk_id_read(reader, &out->body.psk);
  return err != ERR_UNSUPPORTED
             ? err
             : refuse(why, err, "RFC 9420, section 8.4: a PSK of a type that is not known here");
}

static void write_psk(struct writer *writer, const struct proposal *proposal) {
  psk_id_write(writer, &proposal->body.psk);
}

const struct proposal_form proposal_form_psk = {
    .type = PROPOSAL_PSK,
    .senders = BY_MEMBER | BY_EXTERNAL | BY_COMMIT_FROM_OUTSIDE,
    .read = read_psk,
    .write = write_psk,
};

static enum err read_reinit(struct reader *reader, struct why *why, struct proposal *out) {
  enum err err;
  TRY(read_vector(reader, &out->body.reinit.group_id));
  TRY(read_u16(reader, &out->body.reinit.version));
  TRY(read_u16(reader, &out->body.reinit.cipher_suite));
  TRY(extensions_read(reader, why, &out->body.reinit.extensions));
done:
  return err;
}

static void write_reinit(struct writer *writer, const struct proposal *proposal) {
  write_vector(writer, proposal->body.reinit.group_id);
  write_u16(writer, proposal->body.reinit.version);
  write_u16(writer, proposal->body.reinit.cipher_suite);
  write_vector(writer, proposal->body.reinit.extensions);
}

const struct proposal_form proposal_form_reinit = {
    .type = PROPOSAL_REINIT,
    .senders = BY_MEMBER | BY_EXTERNAL,
    .read = read_reinit,
    .write = write_reinit,
};

static enum err read_external_init(struct reader *reader, struct why *why, struct proposal *out) {
  (void)why;
  return read_vector(reader, &out->body.external_init);
}

static void write_external_init(struct writer *writer, const struct proposal *proposal) {
  write_vector(writer, proposal->body.external_init);
}

const struct proposal_form proposal_form_external_init = {
    .type = PROPOSAL_EXTERNAL_INIT,
    .senders = BY_COMMIT_FROM_OUTSIDE,
    .needs_path = true,
    .read = read_external_init,
    .write = write_external_init,
};

static enum err read_group_context_extensions(struct reader *reader, struct why *why,
                                              struct proposal *out) {
  return extensions_read(reader, why, &out->body.group_context_extensions);
}

static void write_group_context_extensions(struct writer *writer, const struct proposal *proposal) {
  write_vector(writer, proposal->body.group_context_extensions);
}

const struct proposal_form proposal_form_group_context_extensions = {
    .type = PROPOSAL_GROUP_CONTEXT_EXTENSIONS,
    .senders = BY_MEMBER | BY_EXTERNAL,
    .needs_path = true,
    .read = read_group_context_extensions,
    .write = write_group_context_extensions,
};

static enum err read_self_remove(struct reader *reader, struct why *why, struct proposal *out) {
  (void)reader, (void)why, (void)out; /* it has no body */
  return OK;
}

static void write_self_remove(struct writer *writer, const struct proposal *proposal) {
  (void)writer, (void)proposal;
}

const struct proposal_form proposal_form_self_remove = {
    .type = PROPOSAL_SELF_REMOVE,
    .senders = BY_MEMBER,
    .needs_path = true,
    .read = read_self_remove,
    .write = write_self_remove,
};

static enum err read_custom(struct reader *reader, struct why *why, struct proposal *out) {
  (void)why;
  return read_vector(reader, &out->body.custom);
}

static void write_custom(struct writer *writer, const struct proposal *proposal) {
  write_vector(writer, proposal->body.custom);
}

const struct proposal_form proposal_form_custom = {
    .senders = BY_MEMBER,
    .read = read_custom,
    .write = write_custom,
};

/* ---- Proposal ---- */

const struct proposal_form *proposal_form_of(uint16_t type) {
  for (size_t i = 1; proposal_forms[i] != NULL; i++)
    if (proposal_forms[i]->type == type)
      return proposal_forms[i];
  return proposal_forms[0];
}

enum err proposal_read(struct reader *reader, struct why *why, struct proposal *out) {
  enum err err;
  const uint8_t *from = reader->at;
  struct proposal proposal = {0};
  TRY(read_u16(reader, &proposal.type));
  TRY(proposal_form_of(proposal.type)->read(reader, why, &proposal));
  proposal.raw = read_since(reader, from);
  *out = proposal;
done:
  return codec_unparsed(err, why, "Proposal");
}

enum err proposal_check_known(struct reader reader, struct why *why) {
  enum err err = OK;
  uint16_t type = 0;
  TRY(read_u16(&reader, &type));
  TRY(require(proposal_form_of(type) != proposal_forms[0] || proposal_is_custom(type), why,
              ERR_UNSUPPORTED, "RFC 9420, section 12.1: proposal type 0x%04x is not known here",
              type));
done:
  return codec_unparsed(err, why, "Proposal");
}

void proposal_write(struct writer *writer, const struct proposal *proposal) {
  write_u16(writer, proposal->type);
  proposal_form_of(proposal->type)->write(writer, proposal);
}

void proposal_write_add(struct writer *writer, struct view key_package) {
  proposal_write(writer, &(struct proposal){.type = PROPOSAL_ADD, .body = {.add = key_package}});
}

void proposal_write_update(struct writer *writer, struct view leaf) {
  proposal_write(writer, &(struct proposal){.type = PROPOSAL_UPDATE, .body = {.update = leaf}});
}

void proposal_write_remove(struct writer *writer, uint32_t leaf) {
  proposal_write(writer, &(struct proposal){.type = PROPOSAL_REMOVE, .body = {.remove = leaf}});
}

void proposal_write_psk(struct writer *writer, const struct psk_id *id) {
  proposal_write(writer, &(struct proposal){.type = PROPOSAL_PSK, .body = {.psk = *id}});
}

void proposal_write_reinit(struct writer *writer, struct view group_id, uint16_t version,
                           uint16_t cipher_suite, struct view extensions) {
  proposal_write(writer, &(struct proposal){
                             .type = PROPOSAL_REINIT,
                             .body = {.reinit = {group_id, version, cipher_suite, extensions}}});
}

void proposal_write_external_init(struct writer *writer, struct view kem_output) {
  proposal_write(writer, &(struct proposal){.type = PROPOSAL_EXTERNAL_INIT,
                                            .body = {.external_init = kem_output}});
}

void proposal_write_group_context_extensions(struct writer *writer, struct view extensions) {
  proposal_write(writer, &(struct proposal){.type = PROPOSAL_GROUP_CONTEXT_EXTENSIONS,
                                            .body = {.group_context_extensions = extensions}});
}

void proposal_write_custom(struct writer *writer, uint16_t type, struct view data) {
  proposal_write(writer, &(struct proposal){.type = type, .body = {.custom = data}});
}

void proposal_write_self_remove(struct writer *writer) {
  proposal_write(writer, &(struct proposal){.type = PROPOSAL_SELF_REMOVE});
}

/* ---- ProposalOrRef ---- */

enum { PROPOSAL_BY_VALUE = 1, PROPOSAL_BY_REFERENCE = 2 };

enum err proposal_or_ref_read(struct reader *reader, struct why *why, struct proposal_or_ref *out) {
  enum err err;
  uint8_t type;
  struct proposal_or_ref item = {0};
  TRY(read_u8(reader, &type));
  switch (type) {
  case PROPOSAL_BY_VALUE:
    TRY(proposal_check_known(*reader, why));
    TRY(proposal_read(reader, why, &item.proposal));
    break;
  case PROPOSAL_BY_REFERENCE:
    item.by_reference = true;
    TRY(read_vector(reader, &item.reference));
    break;
  default:
    err = ERR_MALFORMED;
    goto done;
  }
  *out = item;
done:
  return codec_unparsed(err, why, "ProposalOrRef");
}

void proposal_or_ref_write_proposal(struct writer *writer, struct view proposal) {
  write_u8(writer, PROPOSAL_BY_VALUE);
  write_bytes(writer, proposal);
}

void proposal_or_ref_write_reference(struct writer *writer, struct view reference) {
  write_u8(writer, PROPOSAL_BY_REFERENCE);
  write_vector(writer, reference);
}

/* ---- UpdatePath ---- */

enum err hpke_ciphertext_read(struct reader *reader, struct hpke_ciphertext *out) {
  enum err err;
  struct hpke_ciphertext ciphertext;
  TRY(read_vector(reader, &ciphertext.kem_output));
  TRY(read_vector(reader, &ciphertext.ciphertext));
  *out = ciphertext;
done:
  return err;
}

void hpke_ciphertext_write(struct writer *writer, struct view kem_output, struct view ciphertext) {
  write_vector(writer, kem_output);
  write_vector(writer, ciphertext);
}

enum err update_path_node_read(struct reader *reader, struct update_path_node *out) {
  enum err err;
  struct update_path_node node;
  TRY(read_vector(reader, &node.encryption_key));
  TRY(read_vector(reader, &node.ciphertexts));
  *out = node;
done:
  return err;
}

void update_path_node_write(struct writer *writer, const struct update_path_node *node) {
  write_vector(writer, node->encryption_key);
  write_vector(writer, node->ciphertexts);
}

enum err update_path_read(struct reader *reader, struct why *why, struct update_path *out) {
  enum err err;
  struct update_path path;
  TRY(leaf_skip(reader, why, &path.leaf));
  TRY(read_vector(reader, &path.nodes));
  *out = path;
done:
  return codec_unparsed(err, why, "UpdatePath");
}

void update_path_write(struct writer *writer, const struct update_path *path) {
  write_bytes(writer, path->leaf);
  write_vector(writer, path->nodes);
}

/* ---- Commit ---- */

enum err commit_read(struct reader *reader, struct why *why, struct commit *out) {
  enum err err;
  struct commit commit = {0};
  TRY(read_vector(reader, &commit.proposals));
  TRY(read_optional(reader, &commit.has_path));
  if (commit.has_path)
    TRY(update_path_read(reader, why, &commit.path));
  *out = commit;
done:
  return codec_unparsed(err, why, "Commit");
}

void commit_write(struct writer *writer, const struct commit *commit) {
  write_vector(writer, commit->proposals);
  write_optional(writer, commit->has_path);
  if (commit->has_path)
    update_path_write(writer, &commit->path);
}
