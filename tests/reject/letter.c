/* SPDX-License-Identifier: ISC */
#include "letter.h"

#include <string.h>

#include "crypto/kdf.h"
#include "crypto/sign.h"

#define GUARD_SIZE 4
#define SENDER_DATA_SIZE 12

void letter_from(struct letter *letter, const struct epoch *epoch, const struct client *client,
                 struct sender sender, uint8_t content_type, struct view body) {
  *letter = (struct letter){
      .epoch = epoch,
      .wire_format = WIRE_PUBLIC_MESSAGE,
      .content = {.group_id = epoch->context.group_id,
                  .epoch = epoch->context.epoch,
                  .sender = sender,
                  .content_type = content_type,
                  .content = body},
      .group_context = bytes_view(&epoch->context_raw),
      .signature_key = client->signature_key,
      .label = VIEW_TEXT("FramedContentTBS"),
      .type_outside = content_type,
  };
}

void letter_begin(struct letter *letter, const struct member *by, uint8_t content_type,
                  struct view body) {
  const struct epoch *epoch = by->group->epoch;
  enum ratchet_kind kind =
      content_type == CONTENT_APPLICATION ? RATCHET_APPLICATION : RATCHET_HANDSHAKE;
  letter_from(letter, epoch, by->client, (struct sender){SENDER_MEMBER, epoch->own_leaf},
              content_type, body);
  letter->leaf = letter->ratchet = epoch->own_leaf;
  ck_assert_int_eq(secret_tree_next(epoch->secret_tree, epoch->own_leaf, kind, &letter->generation),
                   OK);
}

/* FramedContentTBS; the context is in it for those senders that know it. */
static void write_signed(const struct letter *letter, uint16_t wire_format, struct writer *writer) {
  uint8_t sender = letter->content.sender.type;
  write_u16(writer, MLS_VERSION_10);
  write_u16(writer, wire_format);
  framed_content_write(writer, &letter->content);
  if (sender == SENDER_MEMBER || sender == SENDER_NEW_MEMBER_COMMIT)
    write_bytes(writer, letter->group_context);
}

void letter_sign(struct letter *letter) {
  struct writer writer = {0};
  bytes_free(&letter->signature);
  write_signed(letter, letter->wire_format, &writer);
  ck_assert_int_eq(sign_with_label(letter->epoch->suite, letter->signature_key, letter->label,
                                   writer_view(&writer), &letter->signature),
                   OK);
  letter->auth.signature = bytes_view(&letter->signature);
  writer_free(&writer);
}

void letter_end(struct letter *letter) {
  bytes_free(&letter->signature);
}

/* ---- PublicMessage ---- */

void letter_membership_tag(const struct letter *letter, uint8_t *out) {
  struct writer writer = {0};
  write_signed(letter, WIRE_PUBLIC_MESSAGE, &writer);
  content_auth_write(&writer, letter->content.content_type, &letter->auth);
  ck_assert_int_eq(
      kdf_mac(letter->epoch->suite, &letter->epoch->secrets->membership, writer_view(&writer), out),
      OK);
  writer_free(&writer);
}

void letter_tagged(const struct letter *letter, const struct view *tag, struct bytes *out) {
  struct writer writer = {0};
  message_write_header(&writer, WIRE_PUBLIC_MESSAGE);
  framed_content_write(&writer, &letter->content);
  content_auth_write(&writer, letter->content.content_type, &letter->auth);
  if (tag != NULL)
    write_vector(&writer, *tag);
  *out = taken(&writer);
}

void letter_public(const struct letter *letter, struct bytes *out) {
  uint8_t bytes[HASH_MAX];
  struct view tag;
  if (letter->content.sender.type != SENDER_MEMBER) {
    letter_tagged(letter, NULL, out);
    return;
  }
  letter_membership_tag(letter, bytes);
  tag = view_of(bytes, letter->epoch->suite->hash->size);
  letter_tagged(letter, &tag, out);
}

void letter_send(struct letter *letter, struct bytes *out) {
  letter->wire_format = WIRE_PUBLIC_MESSAGE;
  letter_sign(letter);
  letter_public(letter, out);
  letter_end(letter);
}

/* ---- PrivateMessage (section 6.3) ---- */

static void seal(const struct suite *suite, const struct message_key *key, struct view aad,
                 struct view plaintext, uint8_t *out) {
  struct aead_key *state = NULL;
  ck_assert_int_eq(suite->aead->key_new(key->key, &state), OK);
  ck_assert_int_eq(suite->aead->seal(state, key->nonce, &aad, 1, plaintext, out), OK);
  suite->aead->key_free(state);
}

/* SenderDataAAD, the first part of PrivateContentAAD. */
static struct bytes additional_data(const struct letter *letter, bool content) {
  struct writer writer = {0};
  write_vector(&writer, letter->content.group_id);
  write_u64(&writer, letter->content.epoch);
  write_u8(&writer, letter->type_outside);
  if (content)
    write_vector(&writer, letter->content.authenticated_data);
  return taken(&writer);
}

static struct bytes seal_content(const struct letter *letter, struct view plaintext,
                                 const uint8_t *guard) {
  struct message_key key;
  const struct suite *suite = letter->epoch->suite;
  enum ratchet_kind kind =
      letter->type_outside == CONTENT_APPLICATION ? RATCHET_APPLICATION : RATCHET_HANDSHAKE;
  struct bytes aad = additional_data(letter, true), ciphertext = {0};
  struct writer room = {0};
  memset(&key, 0, sizeof key);
  if (!letter->unkeyed)
    ck_assert_int_eq(secret_tree_peek(letter->epoch->secret_tree, letter->ratchet, kind,
                                      letter->generation, UINT32_MAX, &key),
                     OK);
  for (size_t i = 0; i < GUARD_SIZE; i++)
    key.nonce[i] ^= guard[i];
  write_bytes(&room, plaintext);
  for (size_t i = 0; i < suite->aead->tag_size; i++)
    write_u8(&room, 0);
  ciphertext = taken(&room);
  seal(suite, &key, bytes_view(&aad), plaintext, ciphertext.data);
  bytes_free(&aad);
  return ciphertext;
}

static struct bytes seal_sender_data(const struct letter *letter, struct view ciphertext,
                                     const uint8_t *guard) {
  struct message_key key;
  const struct suite *suite = letter->epoch->suite;
  struct bytes aad = additional_data(letter, false), sealed = {0};
  struct writer writer = {0}, room = {0};
  write_u32(&writer, letter->leaf);
  write_u32(&writer, letter->generation);
  write_bytes(&writer, view_of(guard, GUARD_SIZE));
  write_bytes(&room, writer_view(&writer));
  for (size_t i = 0; i < suite->aead->tag_size; i++)
    write_u8(&room, 0);
  sealed = taken(&room);
  ck_assert_int_eq(
      framing_sender_data_key(suite, &letter->epoch->secrets->sender_data, ciphertext, &key), OK);
  seal(suite, &key, bytes_view(&aad), view_of(writer.data, SENDER_DATA_SIZE), sealed.data);
  writer_free(&writer);
  bytes_free(&aad);
  return sealed;
}

void letter_around(const struct letter *letter, struct view plaintext, struct bytes *out) {
  static const uint8_t guard[GUARD_SIZE] = {1, 2, 3, 4};
  struct writer writer = {0};
  struct bytes ciphertext = seal_content(letter, plaintext, guard);
  struct bytes sender_data = seal_sender_data(letter, bytes_view(&ciphertext), guard);
  struct private_message message = {
      .group_id = letter->content.group_id,
      .epoch = letter->content.epoch,
      .content_type = letter->type_outside,
      .authenticated_data = letter->content.authenticated_data,
      .encrypted_sender_data = bytes_view(&sender_data),
      .ciphertext = bytes_view(&ciphertext),
  };
  message_write_header(&writer, WIRE_PRIVATE_MESSAGE);
  private_message_write(&writer, &message);
  *out = taken(&writer);
  bytes_free(&ciphertext);
  bytes_free(&sender_data);
}

void letter_private(const struct letter *letter, struct bytes *out) {
  struct writer content = {0};
  framed_body_write(&content, letter->content.content_type, letter->content.content);
  content_auth_write(&content, letter->content.content_type, &letter->auth);
  write_bytes(&content, letter->padding);
  letter_around(letter, writer_view(&content), out);
  writer_free(&content);
}

void letter_send_private(struct letter *letter, struct bytes *out) {
  letter->wire_format = WIRE_PRIVATE_MESSAGE;
  letter_sign(letter);
  letter_private(letter, out);
  letter_end(letter);
}

/* ---- What tests share ---- */

void mallory_sends(struct world *world, uint8_t content_type, bool encrypt, bend_letter *bend,
                   struct bytes *out) {
  struct letter letter;
  struct writer proposal = {0};
  proposal_write_group_context_extensions(&proposal, VIEW_NONE);
  letter_begin(&letter, &world->member[MALLORY], content_type,
               content_type == CONTENT_APPLICATION ? VIEW_TEXT("hello") : writer_view(&proposal));
  letter.wire_format = encrypt ? WIRE_PRIVATE_MESSAGE : WIRE_PUBLIC_MESSAGE;
  if (bend != NULL)
    bend(world, &letter);
  letter_sign(&letter);
  if (encrypt)
    letter_private(&letter, out);
  else
    letter_public(&letter, out);
  letter_end(&letter);
  writer_free(&proposal);
}
