/* SPDX-License-Identifier: ISC */
#include "samples.h"

#include <check.h>

static const uint8_t basic[] = {0, 1, 5, 'a', 'l', 'i', 'c', 'e'};
static const uint8_t chain[] = {0, 2, 6, 2, 'a', 'b', 2, 'c', 'd'};
const uint8_t sample_extensions[SAMPLE_EXTENSIONS] = {0, 1, 2, 'i', 'd', 0xf1, 0x23, 0};
static const uint8_t ones[] = {0, 1, 0x0a, 0x0a};
const uint8_t sample_hash[32] = {7};

void sample_leaf(struct writer *writer, enum leaf_source source) {
  struct leaf_template fields = {
      .encryption_key = VIEW_ARRAY(sample_hash),
      .signature_key = VIEW_TEXT("signature key"),
      .credential = source == LEAF_UPDATE ? VIEW_ARRAY(chain) : VIEW_ARRAY(basic),
      .capabilities = {.versions = VIEW_ARRAY(ones), .credentials = VIEW_ARRAY(ones)},
      .extensions = VIEW_ARRAY(sample_extensions),
      .source = source,
      .not_before = 1,
      .not_after = UINT64_MAX,
      .parent_hash = VIEW_ARRAY(sample_hash)};
  leaf_write(writer, &fields);
  write_vector(writer, VIEW_TEXT("signature"));
}

void sample_key_package(struct writer *writer) {
  struct writer raw = {0};
  struct key_package key_package = {.version = 1,
                                    .cipher_suite = 1,
                                    .init_key = VIEW_ARRAY(sample_hash),
                                    .extensions = VIEW_ARRAY(sample_extensions),
                                    .signature = VIEW_TEXT("signature")};
  sample_leaf(&raw, LEAF_KEY_PACKAGE);
  struct reader reader = reader_of(writer_view(&raw));
  ck_assert_int_eq(leaf_read(&reader, NULL, &key_package.leaf), OK);
  key_package_write(writer, &key_package);
  key_package_free(&key_package);
  writer_free(&raw);
}

static const struct psk_id external_psk = {.type = PSK_EXTERNAL,
                                           .external_id = {basic, sizeof basic},
                                           .nonce = {sample_hash, sizeof sample_hash}};
const struct psk_id sample_resumption_psk = {.type = PSK_RESUMPTION,
                                             .usage = PSK_BRANCH,
                                             .psk_group_id = {basic, sizeof basic},
                                             .psk_epoch = 5,
                                             .nonce = {sample_hash, sizeof sample_hash}};

bool sample_proposal(struct writer *writer, int index) {
  struct writer part = {0};
  switch (index) {
  case 0:
    sample_key_package(&part);
    proposal_write_add(writer, writer_view(&part));
    break;
  case 1:
    sample_leaf(&part, LEAF_UPDATE);
    proposal_write_update(writer, writer_view(&part));
    break;
  case 2:
    proposal_write_remove(writer, 0x01020304);
    break;
  case 3:
    proposal_write_psk(writer, &external_psk);
    break;
  case 4:
    proposal_write_psk(writer, &sample_resumption_psk);
    break;
  case 5:
    proposal_write_reinit(writer, VIEW_TEXT("new"), 1, 2, VIEW_ARRAY(sample_extensions));
    break;
  case 6:
    proposal_write_external_init(writer, VIEW_ARRAY(sample_hash));
    break;
  case 7:
    proposal_write_group_context_extensions(writer, VIEW_ARRAY(sample_extensions));
    break;
  case 8:
    proposal_write_self_remove(writer);
    break;
  default:
    return false;
  }
  writer_free(&part);
  return true;
}

void sample_commit(struct writer *writer, bool full) {
  struct writer proposals = {0}, leaf = {0}, ciphertexts = {0}, nodes = {0}, proposal = {0};
  if (full) {
    for (int i = 0; sample_proposal(&proposal, i); i++) {
      proposal_or_ref_write_proposal(&proposals, writer_view(&proposal));
      writer_free(&proposal);
    }
    hpke_ciphertext_write(&ciphertexts, VIEW_ARRAY(sample_hash), VIEW_TEXT("one"));
    hpke_ciphertext_write(&ciphertexts, VIEW_ARRAY(sample_hash), VIEW_TEXT("two"));
    struct update_path_node node = {VIEW_ARRAY(sample_hash), writer_view(&ciphertexts)};
    update_path_node_write(&nodes, &node);
    update_path_node_write(&nodes, &node);
    sample_leaf(&leaf, LEAF_COMMIT);
  } else {
    proposal_or_ref_write_reference(&proposals, VIEW_ARRAY(sample_hash));
  }
  struct commit commit = {.proposals = writer_view(&proposals),
                          .has_path = full,
                          .path = {writer_view(&leaf), writer_view(&nodes)}};
  commit_write(writer, &commit);
  writer_free(&proposals);
  writer_free(&leaf);
  writer_free(&ciphertexts);
  writer_free(&nodes);
}

void sample_public_message(struct writer *writer, uint8_t sender, uint8_t content_type) {
  struct writer body = {0};
  if (content_type == CONTENT_APPLICATION)
    write_bytes(&body, VIEW_TEXT("hello"));
  else if (content_type == CONTENT_PROPOSAL)
    (void)sample_proposal(&body, 0);
  else
    sample_commit(&body, sender == SENDER_NEW_MEMBER_COMMIT);
  struct public_message message = {
      .content = {.group_id = VIEW_TEXT("group"),
                  .epoch = 0x0102030405060708,
                  .sender = {sender, sender <= SENDER_EXTERNAL ? 9 : 0},
                  .authenticated_data = VIEW_TEXT("aad"),
                  .content_type = content_type,
                  .content = writer_view(&body)},
      .auth = {.signature = VIEW_TEXT("signature"), .confirmation_tag = VIEW_ARRAY(sample_hash)},
      .membership_tag = VIEW_TEXT("membership tag")};
  message_write_header(writer, WIRE_PUBLIC_MESSAGE);
  public_message_write(writer, &message);
  writer_free(&body);
}

void sample_group_info(struct writer *writer) {
  struct group_info info = {.context = {.version = 1,
                                        .cipher_suite = 1,
                                        .group_id = VIEW_TEXT("group"),
                                        .epoch = 3,
                                        .tree_hash = VIEW_ARRAY(sample_hash),
                                        .confirmed_transcript_hash = VIEW_ARRAY(sample_hash),
                                        .extensions = VIEW_ARRAY(sample_extensions)},
                            .extensions = VIEW_ARRAY(sample_extensions),
                            .confirmation_tag = VIEW_ARRAY(sample_hash),
                            .signer = 4,
                            .signature = VIEW_TEXT("signature")};
  message_write_header(writer, WIRE_GROUP_INFO);
  group_info_write(writer, &info);
}

void sample_group_secrets(struct writer *writer, bool full) {
  struct writer psks = {0};
  if (full) {
    psk_id_write(&psks, &external_psk);
    psk_id_write(&psks, &sample_resumption_psk);
  }
  struct group_secrets secrets = {.joiner_secret = VIEW_ARRAY(sample_hash),
                                  .has_path_secret = full,
                                  .path_secret = VIEW_ARRAY(sample_hash),
                                  .psks = writer_view(&psks)};
  group_secrets_write(writer, &secrets);
  writer_free(&psks);
}

void sample_welcome(struct writer *writer) {
  struct writer items = {0};
  struct encrypted_group_secrets item = {VIEW_ARRAY(sample_hash),
                                         {VIEW_ARRAY(sample_hash), VIEW_TEXT("text")}};
  encrypted_group_secrets_write(&items, &item);
  encrypted_group_secrets_write(&items, &item);
  struct welcome welcome = {1, writer_view(&items), VIEW_TEXT("group info")};
  message_write_header(writer, WIRE_WELCOME);
  welcome_write(writer, &welcome);
  writer_free(&items);
}
