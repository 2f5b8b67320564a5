/* SPDX-License-Identifier: ISC */
#include "tests/recode.h"

#include "mls/wire/message.h"

enum err recode_all(struct view in, recoder *item, struct why *why, struct bytes *out) {
  enum err err;
  struct reader reader = reader_of(in);
  struct writer writer = {0};
  while (reader.left > 0)
    TRY(item(&reader, &writer, why));
  TRY(writer_take(&writer, out));
done:
  writer_free(&writer);
  return err;
}

static enum err recode_extension(struct reader *reader, struct writer *writer, struct why *why) {
  struct extension extension;
  enum err err = extension_read(reader, &extension);
  (void)why;
  if (err == OK)
    extension_write(writer, extension.type, extension.data);
  return err;
}

static enum err recode_psk_id(struct reader *reader, struct writer *writer, struct why *why) {
  struct psk_id id;
  enum err err = psk_id_read(reader, &id);
  (void)why;
  if (err == OK)
    psk_id_write(writer, &id);
  return err;
}

/* ---- Leaves and key packages ---- */

enum err recode_leaf(struct reader *reader, struct writer *writer, struct why *why) {
  enum err err;
  struct leaf *leaf = NULL;
  struct bytes extensions = {0};
  struct writer credential = {0};
  TRY(leaf_read(reader, why, &leaf));
  TRY(recode_all(leaf_extensions(leaf), recode_extension, why, &extensions));
  write_u16(&credential, leaf_credential(leaf).type);
  write_vector(&credential, leaf_credential(leaf).identity);
  struct leaf_template fields = {.encryption_key = leaf_encryption_key(leaf),
                                 .signature_key = leaf_signature_key(leaf),
                                 .credential = writer_view(&credential),
                                 .capabilities = leaf_capabilities(leaf),
                                 .extensions = bytes_view(&extensions),
                                 .source = leaf_source(leaf),
                                 .parent_hash = leaf_parent_hash(leaf)};
  leaf_lifetime(leaf, &fields.not_before, &fields.not_after);
  leaf_write(writer, &fields);
  write_vector(writer, leaf_signature(leaf));
done:
  writer_free(&credential);
  bytes_free(&extensions);
  leaf_drop(leaf);
  return err;
}

static enum err recode_key_package(struct reader *reader, struct writer *writer, struct why *why) {
  enum err err;
  struct key_package key_package = {0};
  struct bytes leaf = {0};
  struct bytes extensions = {0};
  TRY(key_package_read(reader, why, &key_package));
  TRY(recode_all(leaf_raw(key_package.leaf), recode_leaf, why, &leaf));
  TRY(require(view_equal(bytes_view(&leaf), leaf_raw(key_package.leaf)), why, ERR_INTERNAL,
              "the leaf of a key package came out differently"));
  TRY(recode_all(key_package.extensions, recode_extension, why, &extensions));
  key_package.extensions = bytes_view(&extensions);
  key_package_write(writer, &key_package);
done:
  bytes_free(&extensions);
  bytes_free(&leaf);
  key_package_free(&key_package);
  return err;
}

/* ---- Proposals and commits ---- */

enum err recode_proposal(struct reader *reader, struct writer *writer, struct why *why) {
  enum err err;
  struct bytes part = {0};
  struct proposal proposal;
  TRY(proposal_read(reader, why, &proposal));
  switch (proposal.type) {
  case PROPOSAL_ADD:
    TRY(recode_all(proposal.body.add, recode_key_package, why, &part));
    proposal_write_add(writer, bytes_view(&part));
    break;
  case PROPOSAL_UPDATE:
    TRY(recode_all(proposal.body.update, recode_leaf, why, &part));
    proposal_write_update(writer, bytes_view(&part));
    break;
  case PROPOSAL_REMOVE:
    proposal_write_remove(writer, proposal.body.remove);
    break;
  case PROPOSAL_PSK:
    proposal_write_psk(writer, &proposal.body.psk);
    break;
  case PROPOSAL_REINIT:
    TRY(recode_all(proposal.body.reinit.extensions, recode_extension, why, &part));
    proposal_write_reinit(writer, proposal.body.reinit.group_id, proposal.body.reinit.version,
                          proposal.body.reinit.cipher_suite, bytes_view(&part));
    break;
  case PROPOSAL_EXTERNAL_INIT:
    proposal_write_external_init(writer, proposal.body.external_init);
    break;
  case PROPOSAL_GROUP_CONTEXT_EXTENSIONS:
    TRY(recode_all(proposal.body.group_context_extensions, recode_extension, why, &part));
    proposal_write_group_context_extensions(writer, bytes_view(&part));
    break;
  case PROPOSAL_SELF_REMOVE:
    proposal_write_self_remove(writer);
    break;
  default:
    proposal_write_custom(writer, proposal.type, proposal.body.custom);
  }
done:
  bytes_free(&part);
  return err;
}

static enum err recode_proposal_or_ref(struct reader *reader, struct writer *writer,
                                       struct why *why) {
  enum err err;
  struct bytes part = {0};
  struct proposal_or_ref item;
  TRY(proposal_or_ref_read(reader, why, &item));
  if (item.by_reference) {
    proposal_or_ref_write_reference(writer, item.reference);
  } else {
    TRY(recode_all(item.proposal.raw, recode_proposal, why, &part));
    proposal_or_ref_write_proposal(writer, bytes_view(&part));
  }
done:
  bytes_free(&part);
  return err;
}

static enum err recode_hpke_ciphertext(struct reader *reader, struct writer *writer,
                                       struct why *why) {
  struct hpke_ciphertext ciphertext;
  enum err err = hpke_ciphertext_read(reader, &ciphertext);
  (void)why;
  if (err == OK)
    hpke_ciphertext_write(writer, ciphertext.kem_output, ciphertext.ciphertext);
  return err;
}

static enum err recode_path_node(struct reader *reader, struct writer *writer, struct why *why) {
  enum err err;
  struct bytes ciphertexts = {0};
  struct update_path_node node;
  TRY(update_path_node_read(reader, &node));
  TRY(recode_all(node.ciphertexts, recode_hpke_ciphertext, why, &ciphertexts));
  node.ciphertexts = bytes_view(&ciphertexts);
  update_path_node_write(writer, &node);
done:
  bytes_free(&ciphertexts);
  return err;
}

enum err recode_commit(struct reader *reader, struct writer *writer, struct why *why) {
  enum err err;
  struct bytes proposals = {0};
  struct bytes leaf = {0};
  struct bytes nodes = {0};
  struct commit commit;
  TRY(commit_read(reader, why, &commit));
  TRY(recode_all(commit.proposals, recode_proposal_or_ref, why, &proposals));
  TRY(recode_all(commit.path.leaf, recode_leaf, why, &leaf));
  TRY(recode_all(commit.path.nodes, recode_path_node, why, &nodes));
  commit.proposals = bytes_view(&proposals);
  commit.path.leaf = bytes_view(&leaf);
  commit.path.nodes = bytes_view(&nodes);
  commit_write(writer, &commit);
done:
  bytes_free(&nodes);
  bytes_free(&leaf);
  bytes_free(&proposals);
  return err;
}

/* ---- Framing ---- */

static enum err recode_public_message(struct reader *reader, struct writer *writer,
                                      struct why *why) {
  enum err err;
  struct bytes body = {0};
  struct public_message message;
  TRY(public_message_read(reader, why, &message));
  if (message.content.content_type == CONTENT_APPLICATION)
    TRY(bytes_copy(&body, message.content.content));
  else
    TRY(recode_all(message.content.content,
                   message.content.content_type == CONTENT_COMMIT ? recode_commit : recode_proposal,
                   why, &body));
  message.content.content = bytes_view(&body);
  public_message_write(writer, &message);
done:
  bytes_free(&body);
  return err;
}

static enum err recode_private_message(struct reader *reader, struct writer *writer,
                                       struct why *why) {
  struct private_message message;
  enum err err = private_message_read(reader, &message);
  (void)why;
  if (err == OK)
    private_message_write(writer, &message);
  return err;
}

/* ---- GroupInfo and Welcome ---- */

static enum err recode_group_info(struct reader *reader, struct writer *writer, struct why *why) {
  enum err err;
  struct bytes context = {0};
  struct bytes extensions = {0};
  struct group_info info;
  TRY(group_info_read(reader, why, &info));
  TRY(recode_all(info.context.extensions, recode_extension, why, &context));
  TRY(recode_all(info.extensions, recode_extension, why, &extensions));
  info.context.extensions = bytes_view(&context);
  info.extensions = bytes_view(&extensions);
  group_info_write(writer, &info);
done:
  bytes_free(&extensions);
  bytes_free(&context);
  return err;
}

enum err recode_group_secrets(struct reader *reader, struct writer *writer, struct why *why) {
  enum err err;
  struct bytes psks = {0};
  struct group_secrets secrets;
  TRY(group_secrets_read(reader, &secrets));
  TRY(recode_all(secrets.psks, recode_psk_id, why, &psks));
  secrets.psks = bytes_view(&psks);
  group_secrets_write(writer, &secrets);
done:
  bytes_free(&psks);
  return err;
}

static enum err recode_encrypted_secrets(struct reader *reader, struct writer *writer,
                                         struct why *why) {
  struct encrypted_group_secrets secrets;
  enum err err = encrypted_group_secrets_read(reader, &secrets);
  (void)why;
  if (err == OK)
    encrypted_group_secrets_write(writer, &secrets);
  return err;
}

static enum err recode_welcome(struct reader *reader, struct writer *writer, struct why *why) {
  enum err err;
  struct bytes secrets = {0};
  struct welcome welcome;
  TRY(welcome_read(reader, &welcome));
  TRY(recode_all(welcome.secrets, recode_encrypted_secrets, why, &secrets));
  welcome.secrets = bytes_view(&secrets);
  welcome_write(writer, &welcome);
done:
  bytes_free(&secrets);
  return err;
}

enum err recode_message(struct reader *reader, struct writer *writer, struct why *why) {
  enum err err;
  uint16_t wire_format;
  static recoder *const bodies[] = {
      [WIRE_PUBLIC_MESSAGE] = recode_public_message,
      [WIRE_PRIVATE_MESSAGE] = recode_private_message,
      [WIRE_WELCOME] = recode_welcome,
      [WIRE_GROUP_INFO] = recode_group_info,
      [WIRE_KEY_PACKAGE] = recode_key_package,
  };
  TRY(message_read_header(reader, why, &wire_format));
  message_write_header(writer, (enum wire_format)wire_format);
  TRY(bodies[wire_format](reader, writer, why));
done:
  return err;
}
