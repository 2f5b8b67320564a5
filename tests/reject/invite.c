/* SPDX-License-Identifier: ISC */
#include "invite.h"

#include <string.h>

#include "crypto/hpke.h"
#include "crypto/kdf.h"
#include "crypto/provider.h"
#include "crypto/sign.h"

void invite_begin(struct invite *invite, struct world *world) {
  struct letter letter;
  const struct member *mallory = &world->member[MALLORY];
  struct bytes message = key_package_of(world->joiner.client);
  *invite = (struct invite){
      .suite = mallory->client->suite,
      .tree_inside = true,
      .signer = MALLORY,
      .signature_key = mallory->client->signature_key,
      .label = VIEW_TEXT("GroupInfoTBS"),
      .has_path_secret = true,
      .cipher_suite = mallory->client->suite->id,
  };
  ck_assert_int_eq(bytes_copy(&invite->key_package, view_of(message.data + 4, message.size - 4)),
                   OK);
  ck_assert_int_eq(key_package_ref(invite->suite, bytes_view(&invite->key_package), invite->ref),
                   OK);
  invite->ref_size = invite->suite->hash->size;
  struct bytes added = {0};
  ck_assert_int_eq(bytes_copy(&added, bytes_view(&invite->key_package)), OK);
  forgery_begin(&invite->commit, mallory);
  forgery_item(&invite->commit, propose_add(added));
  forgery_path(&invite->commit);
  forgery_finish_path(&invite->commit);
  forgery_sign(&invite->commit, &letter);
  letter_end(&letter);
  invite->context = invite->commit.next->context;
  invite_set_tree(invite, tree_share(invite->commit.tree));
  /* The joiner gets leaf 5, and shares the root with MALLORY. */
  invite->path_secret = invite->commit.node[invite->commit.nodes - 1].path_secret;
  ck_assert_int_eq(provider_random_secret(&invite->joiner_secret, invite->suite->hash->size), OK);
  schedule_zero(invite->suite, &invite->psk_secret);
  bytes_free(&message);
}

void invite_set_tree(struct invite *invite, struct tree *tree) {
  struct writer writer = {0};
  ck_assert_int_eq(tree_seal(tree), OK);
  tree_write(&writer, tree);
  bytes_free(&invite->ratchet_tree);
  invite->ratchet_tree = taken(&writer);
  tree_drop(invite->tree);
  invite->tree = tree;
  invite->context.tree_hash = tree_hash(tree);
}

/* ---- Nodes ---- */

static void skip_node(struct reader *reader) {
  bool present = false;
  uint8_t type = 0;
  struct view field;
  ck_assert_int_eq(read_optional(reader, &present), OK);
  if (!present)
    return;
  ck_assert_int_eq(read_u8(reader, &type), OK);
  if (type == 1) {
    ck_assert_int_eq(leaf_skip(reader, NULL, &field), OK);
    return;
  }
  for (int i = 0; i < 3; i++)
    ck_assert_int_eq(read_vector(reader, &field), OK);
}

size_t invite_take_nodes(const struct invite *invite, struct wire_node *nodes) {
  struct reader outer = reader_of(bytes_view(&invite->ratchet_tree)), reader;
  size_t count = 0;
  ck_assert_int_eq(read_items(&outer, &reader), OK);
  for (; reader.left > 0; count++) {
    const uint8_t *from = reader.at;
    ck_assert_uint_lt(count, INVITE_NODES);
    skip_node(&reader);
    ck_assert_int_eq(bytes_copy(&nodes[count].raw, read_since(&reader, from)), OK);
  }
  return count;
}

void invite_put_nodes(struct invite *invite, struct wire_node *nodes, size_t count) {
  struct writer writer = {0};
  size_t begin = write_begin(&writer);
  for (size_t i = 0; i < count; i++) {
    write_bytes(&writer, bytes_view(&nodes[i].raw));
    bytes_free(&nodes[i].raw);
  }
  write_end(&writer, begin);
  bytes_free(&invite->ratchet_tree);
  invite->ratchet_tree = taken(&writer);
}

struct bytes wire_parent(struct view key, struct view hash, struct view unmerged) {
  struct writer writer = {0};
  write_optional(&writer, true);
  write_u8(&writer, 2);
  write_vector(&writer, key);
  write_vector(&writer, hash);
  write_vector(&writer, unmerged);
  return taken(&writer);
}

/* ---- GroupInfo ---- */

static void write_extensions(const struct invite *invite, struct writer *writer) {
  size_t begin = write_begin(writer);
  if (invite->tree_inside)
    extension_write(writer, EXTENSION_RATCHET_TREE, bytes_view(&invite->ratchet_tree));
  write_bytes(writer, bytes_view(&invite->other_extensions));
  write_end(writer, begin);
}

/* The tag of the epoch that GroupSecrets and GroupContext lead to. */
static void right_tag(const struct invite *invite, struct view context, uint8_t *tag) {
  struct epoch_secrets secrets = {0};
  ck_assert_int_eq(
      schedule_epoch(invite->suite, &invite->joiner_secret, &invite->psk_secret, context, &secrets),
      OK);
  ck_assert_int_eq(schedule_confirmation_tag(invite->suite, &secrets,
                                             invite->context.confirmed_transcript_hash, tag),
                   OK);
}

void invite_info(struct invite *invite) {
  struct writer writer = {0};
  struct bytes signature = {0};
  uint8_t tag[HASH_MAX];
  if (invite->info.data != NULL)
    return;
  group_context_write(&writer, &invite->context);
  right_tag(invite, writer_view(&writer), tag);
  write_extensions(invite, &writer);
  write_vector(&writer, invite->confirmation_tag.data != NULL
                            ? invite->confirmation_tag
                            : view_of(tag, invite->suite->hash->size));
  write_u32(&writer, invite->signer);
  ck_assert_int_eq(sign_with_label(invite->suite, invite->signature_key, invite->label,
                                   writer_view(&writer), &signature),
                   OK);
  write_vector(&writer, bytes_view(&signature));
  bytes_free(&signature);
  invite->info = taken(&writer);
}

/* ---- Welcome ---- */

static struct bytes seal_info(const struct invite *invite) {
  struct secret welcome_secret = {0};
  uint8_t key[AEAD_KEY_MAX], nonce[AEAD_NONCE_MAX];
  struct aead_key *state = NULL;
  struct writer room = {0};
  const struct aead *aead = invite->suite->aead;
  ck_assert_int_eq(
      schedule_welcome(invite->suite, &invite->joiner_secret, &invite->psk_secret, &welcome_secret),
      OK);
  ck_assert_int_eq(schedule_welcome_key(invite->suite, &welcome_secret, key, nonce), OK);
  write_bytes(&room, bytes_view(&invite->info));
  for (size_t i = 0; i < aead->tag_size; i++)
    write_u8(&room, 0);
  struct bytes out = taken(&room);
  ck_assert_int_eq(aead->key_new(key, &state), OK);
  ck_assert_int_eq(aead->seal(state, nonce, NULL, 0, bytes_view(&invite->info), out.data), OK);
  aead->key_free(state);
  return out;
}

void invite_seal(struct invite *invite, struct sealed_invite *out) {
  struct writer plaintext = {0};
  struct key_package key_package = {0};
  struct group_secrets secrets = {
      .joiner_secret = secret_view(&invite->joiner_secret),
      .has_path_secret = invite->has_path_secret,
      .path_secret = secret_view(&invite->path_secret),
      .psks = bytes_view(&invite->psks),
  };
  struct reader reader = reader_of(bytes_view(&invite->key_package));
  *out = (struct sealed_invite){0};
  invite_info(invite);
  out->info = seal_info(invite);
  if (invite->encrypted_info.data != NULL) {
    bytes_free(&out->info);
    ck_assert_int_eq(bytes_copy(&out->info, invite->encrypted_info), OK);
  }
  ck_assert_int_eq(key_package_read(&reader, NULL, &key_package), OK);
  group_secrets_write(&plaintext, &secrets);
  write_bytes(&plaintext, bytes_view(&invite->behind_secrets));
  ck_assert_int_eq(hpke_encrypt_with_label(invite->suite, key_package.init_key,
                                           VIEW_TEXT("Welcome"), bytes_view(&out->info),
                                           writer_view(&plaintext), &out->kem_output,
                                           &out->ciphertext),
                   OK);
  writer_free(&plaintext);
  key_package_free(&key_package);
}

static void invite_end(struct invite *invite) {
  forgery_end(&invite->commit);
  tree_drop(invite->tree);
  bytes_free(&invite->ratchet_tree);
  bytes_free(&invite->other_extensions);
  bytes_free(&invite->info);
  bytes_free(&invite->psks);
  bytes_free(&invite->behind_secrets);
  bytes_free(&invite->key_package);
}

void invite_finish(struct invite *invite, struct sealed_invite *sealed, struct bytes *out) {
  struct writer writer = {0}, secrets = {0};
  struct encrypted_group_secrets entry = {
      .new_member = view_of(invite->ref, invite->ref_size),
      .secrets = {bytes_view(&sealed->kem_output), bytes_view(&sealed->ciphertext)},
  };
  encrypted_group_secrets_write(&secrets, &entry);
  struct welcome welcome = {
      .cipher_suite = invite->cipher_suite,
      .secrets = writer_view(&secrets),
      .encrypted_group_info = bytes_view(&sealed->info),
  };
  message_write_header(&writer, WIRE_WELCOME);
  welcome_write(&writer, &welcome);
  *out = taken(&writer);
  writer_free(&secrets);
  bytes_free(&sealed->info);
  bytes_free(&sealed->kem_output);
  bytes_free(&sealed->ciphertext);
  invite_end(invite);
}

void invite_send(struct invite *invite, struct bytes *out) {
  struct sealed_invite sealed;
  invite_seal(invite, &sealed);
  invite_finish(invite, &sealed, out);
}

void invite_publish(struct invite *invite, struct bytes *out) {
  struct writer writer = {0};
  invite_info(invite);
  message_write_header(&writer, WIRE_GROUP_INFO);
  write_bytes(&writer, bytes_view(&invite->info));
  *out = taken(&writer);
  invite_end(invite);
}

/* ---- What tests share ---- */

struct tree *invite_edit(const struct invite *invite) {
  struct tree *tree = NULL;
  ck_assert_int_eq(tree_edit(invite->tree, &tree), OK);
  return tree;
}

struct tree *invite_bare(struct invite *invite) {
  struct tree *tree = invite_edit(invite);
  for (uint32_t leaf = 0; leaf < tree_width(tree); leaf++) /* fewer than at first, once bent */
    ck_assert_int_eq(tree_blank_path(tree, leaf), OK);
  invite->has_path_secret = false;
  return tree;
}

void add_byte(struct bytes *bytes, uint8_t value) {
  struct writer writer = {0};
  write_bytes(&writer, bytes_view(bytes));
  write_u8(&writer, value);
  bytes_free(bytes);
  *bytes = taken(&writer);
}

void invite_fill_context(struct invite *invite, size_t size) {
  static uint8_t list[CONTEXT_BYTES_MAX + 1] = {0, EXTENSION_APPLICATION_ID};
  const size_t header = 4;
  invite->context.extensions = VIEW_NONE;
  const size_t left = size - (group_context_size(&invite->context) - vector_size(0) + header);
  uint32_t length = 0x80000000u | (uint32_t)(left - 2 - header);
  for (unsigned i = 0; i < header; i++)
    list[2 + i] = (uint8_t)(length >> (24 - 8 * i));
  invite->context.extensions = view_of(list, left);
}

static bend_invite *bend_now;

static void bent(struct world *world, struct bytes *out) {
  struct invite invite;
  invite_begin(&invite, world);
  bend_now(world, &invite);
  invite_send(&invite, out);
}

void refuse_invite(const struct invite_row *row) {
  bend_now = row->bend;
  const struct row as_message = {row->section, row->changed, bent, row->expected};
  refuse_welcome(&as_message);
}
