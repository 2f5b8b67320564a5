/* SPDX-License-Identifier: ISC */
#include "mls/group/framing.h"

#include <string.h>

#include "base/mem.h"
#include "crypto/kdf.h"
#include "crypto/provider.h"
#include "crypto/sign.h"

/* ---- What is signed, hashed and authenticated ---- */

/* FramedContentTBS (section 6.1): not put together, as what it is of may be large. */
struct to_be_signed {
  struct writer head;
  struct view part[3]; /* the head, the content, the GroupContext */
};

static enum err to_be_signed(struct to_be_signed *out, uint16_t wire_format,
                             const struct framed_content *content, struct view group_context) {
  bool in_context =
      content->sender.type == SENDER_MEMBER || content->sender.type == SENDER_NEW_MEMBER_COMMIT;
  write_u16(&out->head, MLS_VERSION_10);
  write_u16(&out->head, wire_format);
  framed_head_write(&out->head, content);
  out->part[0] = writer_view(&out->head);
  out->part[1] = content->content;
  out->part[2] = in_context ? group_context : VIEW_NONE;
  return out->head.err;
}

/* What follows a FramedContent takes no copy of it. */
static void reserve_for(struct writer *writer, const struct authenticated_content *content) {
  const struct framed_content *framed = &content->content;
  const size_t headers = 64;
  write_reserve(writer, headers + framed->group_id.size + framed->authenticated_data.size +
                            framed->content.size + content->auth.signature.size +
                            content->auth.confirmation_tag.size);
}

void framing_write_transcript(struct writer *writer, const struct authenticated_content *content) {
  reserve_for(writer, content);
  write_u16(writer, content->wire_format);
  framed_content_write(writer, &content->content);
  write_vector(writer, content->auth.signature);
}

enum err framing_read_authenticated(struct view bytes, struct authenticated_content *out) {
  enum err err = OK;
  struct authenticated_content content = {0};
  struct reader reader = reader_of(bytes);
  TRY(read_u16(&reader, &content.wire_format));
  TRY(framed_content_read(&reader, NULL, &content.content));
  TRY(content_auth_read(&reader, content.content.content_type, &content.auth));
  TRY(read_end(&reader));
  *out = content;
done:
  return err;
}

void framing_write_authenticated(struct writer *writer,
                                 const struct authenticated_content *content) {
  reserve_for(writer, content);
  write_u16(writer, content->wire_format);
  framed_content_write(writer, &content->content);
  content_auth_write(writer, content->content.content_type, &content->auth);
}

enum err framing_sign(const struct suite *suite, uint16_t wire_format,
                      const struct framed_content *content, struct view group_context,
                      const struct secret *signature_key, struct bytes *signature) {
  struct to_be_signed tbs = {.head = {0}};
  enum err err = OK;
  TRY(to_be_signed(&tbs, wire_format, content, group_context));
  TRY(sign_parts_with_label(suite, signature_key, VIEW_TEXT("FramedContentTBS"), tbs.part, 3,
                            signature));
done:
  writer_free(&tbs.head);
  return err;
}

enum err framing_verify(const struct suite *suite, const struct authenticated_content *content,
                        struct view group_context, struct view signature_key, struct why *why) {
  struct to_be_signed tbs = {.head = {0}};
  enum err err = OK;
  TRY(to_be_signed(&tbs, content->wire_format, &content->content, group_context));
  err = verify_parts_with_label(suite, signature_key, VIEW_TEXT("FramedContentTBS"), tbs.part, 3,
                                content->auth.signature);
  if (err == ERR_SIGNATURE)
    err = refuse(why, err, "RFC 9420, section 6.1: signature of sender %u (type %u) is wrong",
                 content->content.sender.index, content->content.sender.type);
done:
  writer_free(&tbs.head);
  return err;
}

/* MAC over AuthenticatedContentTBM (section 6.2), into hash->size bytes. */
static enum err membership_tag(const struct framing_keys *keys,
                               const struct framed_content *content,
                               const struct content_auth *auth, uint8_t *out) {
  struct to_be_signed tbs = {.head = {0}};
  struct writer auth_data = {0};
  enum err err = OK;
  TRY(to_be_signed(&tbs, WIRE_PUBLIC_MESSAGE, content, keys->group_context));
  content_auth_write(&auth_data, content->content_type, auth);
  TRY(auth_data.err);
  const struct view parts[] = {tbs.part[0], tbs.part[1], tbs.part[2], writer_view(&auth_data)};
  TRY(keys->suite->hash->hmac(secret_view(keys->membership), parts, 4, out));
done:
  writer_free(&tbs.head);
  writer_free(&auth_data);
  return err;
}

/* ---- PublicMessage ---- */

/* Whether a PublicMessage may hold this content of this sender. */
static enum err check_public(const struct framed_content *content, struct why *why) {
  const unsigned sender = content->sender.type;
  uint16_t proposal = 0; /* 0: it is no proposal */
  enum err err = OK;
  /* RFC 9420, section 6: application messages are always encrypted. */
  TRY(require(content->content_type != CONTENT_APPLICATION, why, ERR_MALFORMED,
              "RFC 9420, section 6: application data in a PublicMessage"));
  if (content->content_type == CONTENT_PROPOSAL) {
    struct reader reader = reader_of(content->content);
    TRY(read_u16(&reader, &proposal));
  }

  /* RFC 9420, section 6.1: what each type of sender may send. */
  if (sender == SENDER_EXTERNAL)
    TRY(require(sender_may_propose(SENDER_EXTERNAL, proposal), why, ERR_MALFORMED,
                "RFC 9420, section 12.1.8: content type %u, proposal type %u of external sender %u",
                content->content_type, proposal, content->sender.index));
  else if (sender == SENDER_NEW_MEMBER_PROPOSAL)
    TRY(require(sender_may_propose(SENDER_NEW_MEMBER_PROPOSAL, proposal), why, ERR_MALFORMED,
                "RFC 9420, section 6.1: content type %u, proposal type %u of a new member, who "
                "may propose its Add only",
                content->content_type, proposal));
  else if (sender == SENDER_NEW_MEMBER_COMMIT)
    TRY(require(content->content_type == CONTENT_COMMIT, why, ERR_MALFORMED,
                "RFC 9420, section 6.1: content type %u of a new member who joins by a commit",
                content->content_type));
  else
    TRY(require(sender == SENDER_MEMBER, why, ERR_MALFORMED, "RFC 9420, section 6: sender type %u",
                sender));
done:
  return err;
}

/* What is too large is not sent, and uses up no key. */
static enum err check_size(const struct framing_keys *keys, const struct writer *message) {
  if (message->err != OK)
    return message->err;
  return keys->max_bytes > 0 && message->size > keys->max_bytes ? ERR_LIMIT : OK;
}

enum err framing_protect_public(const struct framing_keys *keys,
                                const struct authenticated_content *content, struct bytes *out) {
  struct writer writer = {0};
  uint8_t tag[HASH_MAX];
  struct public_message message = {.content = content->content, .auth = content->auth};
  enum err err = OK;
  TRY(content->wire_format != WIRE_PUBLIC_MESSAGE ? ERR_INVALID_ARG : OK);
  TRY(check_public(&content->content, NULL) != OK ? ERR_INVALID_ARG : OK);
  if (content->content.sender.type == SENDER_MEMBER) {
    TRY(membership_tag(keys, &content->content, &content->auth, tag));
    message.membership_tag = view_of(tag, keys->suite->hash->size);
  }
  message_write_header(&writer, WIRE_PUBLIC_MESSAGE);
  public_message_write(&writer, &message);
  TRY(check_size(keys, &writer));
  TRY(writer_take(&writer, out));
done:
  writer_free(&writer);
  return err;
}

enum err framing_open_public(const struct framing_keys *keys, const struct public_message *message,
                             struct why *why, struct authenticated_content *out) {
  uint8_t tag[HASH_MAX];
  enum err err = OK;
  TRY(check_public(&message->content, why));
  if (message->content.sender.type == SENDER_MEMBER) {
    TRY(membership_tag(keys, &message->content, &message->auth, tag));
    /* RFC 9420, section 6.2: the membership tag must be the MAC of the whole message. */
    struct view expected = view_of(tag, keys->suite->hash->size);
    TRY(require(secret_equal(expected, message->membership_tag), why, ERR_AUTH,
                "RFC 9420, section 6.2: membership tag of leaf %u is wrong",
                message->content.sender.index));
  }
  *out = (struct authenticated_content){
      .wire_format = WIRE_PUBLIC_MESSAGE, .content = message->content, .auth = message->auth};
done:
  wipe(tag, sizeof tag);
  return err;
}

/* ---- PrivateMessage ---- */

#define REUSE_GUARD_SIZE 4
#define SENDER_DATA_SIZE (2 * sizeof(uint32_t) + REUSE_GUARD_SIZE)

/* SenderData (section 6.3.2). */
struct sender_data {
  uint32_t leaf;
  uint32_t generation;
  uint8_t reuse_guard[REUSE_GUARD_SIZE];
};

/* SenderDataAAD, which is where PrivateContentAAD starts, and PrivateContentAAD. */
struct additional_data {
  struct writer writer;
  size_t sender_data_size;
};

static enum err additional_data_write(struct additional_data *aad,
                                      const struct private_message *message) {
  write_vector(&aad->writer, message->group_id);
  write_u64(&aad->writer, message->epoch);
  write_u8(&aad->writer, message->content_type);
  aad->sender_data_size = aad->writer.size;
  write_vector(&aad->writer, message->authenticated_data);
  return aad->writer.err;
}

static struct view aad_of_content(const struct additional_data *aad) {
  return writer_view(&aad->writer);
}

static struct view aad_of_sender_data(const struct additional_data *aad) {
  return view_of(aad->writer.data, aad->sender_data_size);
}

/* Encrypt in place, the tag behind the plaintext. */
static enum err seal_once(const struct aead *aead, const struct message_key *key, struct view aad,
                          uint8_t *data, size_t plaintext_size) {
  struct aead_key *state = NULL;
  enum err err = OK;
  TRY(aead->key_new(key->key, &state));
  TRY(aead->seal(state, key->nonce, &aad, 1, view_of(data, plaintext_size), data));
done:
  aead->key_free(state);
  return err;
}

/* Decrypt at least tag_size bytes. */
static enum err open_once(const struct aead *aead, const struct message_key *key, struct view aad,
                          struct view ciphertext, uint8_t *out) {
  struct aead_key *state = NULL;
  enum err err = OK;
  TRY(aead->key_new(key->key, &state));
  TRY(aead->open(state, key->nonce, &aad, 1, ciphertext, out));
done:
  aead->key_free(state);
  return err;
}

static enum ratchet_kind ratchet_for(uint8_t content_type) {
  return content_type == CONTENT_APPLICATION ? RATCHET_APPLICATION : RATCHET_HANDSHAKE;
}

static void apply_reuse_guard(struct message_key *key, const struct sender_data *sender) {
  for (size_t i = 0; i < REUSE_GUARD_SIZE; i++)
    key->nonce[i] ^= sender->reuse_guard[i];
}

enum err framing_sender_data_key(const struct suite *suite, const struct secret *sender_data,
                                 struct view ciphertext, struct message_key *out) {
  struct view secret = secret_view(sender_data), sample = ciphertext;
  if (sample.size > suite->hash->size)
    sample.size = suite->hash->size;
  enum err err = OK;
  TRY(kdf_expand_with_label(suite, secret, VIEW_TEXT("key"), sample, out->key,
                            suite->aead->key_size));
  TRY(kdf_expand_with_label(suite, secret, VIEW_TEXT("nonce"), sample, out->nonce,
                            suite->aead->nonce_size));
done:
  if (err != OK)
    wipe(out, sizeof *out);
  return err;
}

/* PrivateMessageContent (section 6.3.1) with room for the tag behind it. */
static enum err plaintext_new(const struct framing_keys *keys,
                              const struct authenticated_content *content, uint32_t padding,
                              struct bytes *out) {
  struct writer writer = {0};
  enum err err = OK;
  framed_body_write(&writer, content->content.content_type, content->content.content);
  content_auth_write(&writer, content->content.content_type, &content->auth);
  TRY(writer.err);
  size_t missing = padding > 0 && writer.size % padding > 0 ? padding - writer.size % padding : 0;
  TRY(missing > SIZE_MAX / 2 - writer.size ? ERR_LIMIT : OK);
  size_t size = writer.size + missing + keys->suite->aead->tag_size;
  uint8_t *data = mem_new(size, 1);
  TRY(data == NULL ? ERR_NOMEM : OK);
  memcpy(data, writer.data, writer.size);
  *out = (struct bytes){data, size};
done:
  writer_free(&writer);
  return err;
}

/* Encrypt in place the content, with the next key of the sender's ratchet, which stays. */
static enum err seal_content(const struct framing_keys *keys, const struct additional_data *aad,
                             enum ratchet_kind kind, struct sender_data *sender,
                             struct bytes *content) {
  struct message_key key = {0};
  enum err err = OK;
  TRY(secret_tree_next(keys->secret_tree, sender->leaf, kind, &sender->generation));
  TRY(secret_tree_peek(keys->secret_tree, sender->leaf, kind, sender->generation, keys->max_skip,
                       &key));
  provider_random(sender->reuse_guard, sizeof sender->reuse_guard);
  apply_reuse_guard(&key, sender);
  TRY(seal_once(keys->suite->aead, &key, aad_of_content(aad), content->data,
                content->size - keys->suite->aead->tag_size));
done:
  wipe(&key, sizeof key);
  return err;
}

/* Encrypt SenderData into SENDER_DATA_SIZE + tag_size bytes. */
static enum err seal_sender_data(const struct framing_keys *keys, const struct additional_data *aad,
                                 const struct sender_data *sender, struct view ciphertext,
                                 uint8_t *out) {
  struct message_key key = {0};
  struct writer writer = {0};
  enum err err = OK;
  write_u32(&writer, sender->leaf);
  write_u32(&writer, sender->generation);
  write_bytes(&writer, VIEW_ARRAY(sender->reuse_guard));
  TRY(writer.err);
  memcpy(out, writer.data, writer.size);
  TRY(framing_sender_data_key(keys->suite, keys->sender_data, ciphertext, &key));
  TRY(seal_once(keys->suite->aead, &key, aad_of_sender_data(aad), out, SENDER_DATA_SIZE));
done:
  wipe(&key, sizeof key);
  writer_free(&writer);
  return err;
}

enum err framing_protect_private(const struct framing_keys *keys,
                                 const struct authenticated_content *content, uint32_t padding,
                                 struct bytes *out) {
  const struct framed_content *framed = &content->content;
  const enum ratchet_kind kind = ratchet_for(framed->content_type);
  struct private_message message = {.group_id = framed->group_id,
                                    .epoch = framed->epoch,
                                    .content_type = framed->content_type,
                                    .authenticated_data = framed->authenticated_data};
  struct sender_data sender = {.leaf = framed->sender.index};
  uint8_t sender_data[SENDER_DATA_SIZE + AEAD_TAG_MAX];
  struct additional_data aad = {0};
  struct bytes ciphertext = {0};
  struct writer writer = {0};
  enum err err = OK;
  /* RFC 9420, section 6.3.2: only members send PrivateMessages. */
  TRY(framed->sender.type != SENDER_MEMBER ? ERR_INVALID_ARG : OK);
  TRY(content->wire_format != WIRE_PRIVATE_MESSAGE ? ERR_INVALID_ARG : OK);
  TRY(additional_data_write(&aad, &message));
  TRY(plaintext_new(keys, content, padding, &ciphertext));
  TRY(seal_content(keys, &aad, kind, &sender, &ciphertext));
  message.ciphertext = bytes_view(&ciphertext);
  TRY(seal_sender_data(keys, &aad, &sender, message.ciphertext, sender_data));
  message.encrypted_sender_data =
      view_of(sender_data, SENDER_DATA_SIZE + keys->suite->aead->tag_size);

  message_write_header(&writer, WIRE_PRIVATE_MESSAGE);
  private_message_write(&writer, &message);
  TRY(check_size(keys, &writer));
  /* The last step that can fail: no ciphertext gets out unless its key is gone. */
  TRY(secret_tree_use(keys->secret_tree, sender.leaf, kind, sender.generation, keys->max_skip));
  TRY(writer_take(&writer, out));
done:
  writer_free(&aad.writer);
  bytes_free(&ciphertext);
  writer_free(&writer);
  return err;
}

static enum err open_sender_data(const struct framing_keys *keys, const struct additional_data *aad,
                                 const struct private_message *message, struct why *why,
                                 struct sender_data *out) {
  const struct aead *aead = keys->suite->aead;
  struct message_key key = {0};
  uint8_t plaintext[SENDER_DATA_SIZE];
  struct reader reader = reader_of(VIEW_ARRAY(plaintext));
  struct view guard;
  enum err err = OK;
  TRY(require(message->encrypted_sender_data.size == SENDER_DATA_SIZE + aead->tag_size, why,
              ERR_MALFORMED, "RFC 9420, section 6.3.2: sender data of %zu bytes",
              message->encrypted_sender_data.size));
  TRY(framing_sender_data_key(keys->suite, keys->sender_data, message->ciphertext, &key));
  err = open_once(aead, &key, aad_of_sender_data(aad), message->encrypted_sender_data, plaintext);
  if (err == ERR_AUTH)
    err = refuse(why, err, "RFC 9420, section 6.3.2: the sender data does not authenticate");
  TRY(err);
  TRY(read_u32(&reader, &out->leaf));
  TRY(read_u32(&reader, &out->generation));
  TRY(read_bytes(&reader, REUSE_GUARD_SIZE, &guard));
  memcpy(out->reuse_guard, guard.data, guard.size);
done:
  wipe(&key, sizeof key);
  return err;
}

static enum err peek_key(const struct framing_keys *keys, const struct sender_data *sender,
                         enum ratchet_kind kind, struct why *why, struct message_key *out) {
  enum err err = secret_tree_peek(keys->secret_tree, sender->leaf, kind, sender->generation,
                                  keys->max_skip, out);
  if (err == ERR_REPLAY)
    return refuse(why, err, "RFC 9420, section 9.2: generation %u of leaf %u was used or given up",
                  sender->generation, sender->leaf);
  if (err == ERR_LIMIT)
    return refuse(why, err,
                  "RFC 9420, section 15.3: generation %u of leaf %u is more than %u ahead",
                  sender->generation, sender->leaf, keys->max_skip);
  return err;
}

/* Decrypt the content.  @param storage  out, to be freed */
static enum err open_content(const struct framing_keys *keys, const struct additional_data *aad,
                             const struct private_message *message,
                             const struct sender_data *sender, struct why *why,
                             struct bytes *storage) {
  const struct aead *aead = keys->suite->aead;
  struct message_key key = {0};
  struct bytes plaintext = {0};
  enum err err = OK;
  TRY(require(message->ciphertext.size >= aead->tag_size, why, ERR_MALFORMED,
              "RFC 9420, section 6.3.1: a ciphertext of %zu bytes", message->ciphertext.size));
  TRY(peek_key(keys, sender, ratchet_for(message->content_type), why, &key));
  apply_reuse_guard(&key, sender);
  plaintext.size = message->ciphertext.size - aead->tag_size;
  plaintext.data = mem_new(plaintext.size, 1);
  TRY(plaintext.data == NULL ? ERR_NOMEM : OK);
  err = open_once(aead, &key, aad_of_content(aad), message->ciphertext, plaintext.data);
  if (err == ERR_AUTH)
    err =
        refuse(why, err, "RFC 9420, section 6.3.1: generation %u of leaf %u does not authenticate",
               sender->generation, sender->leaf);
  TRY(err);
  bytes_move(storage, &plaintext);
done:
  wipe(&key, sizeof key);
  bytes_free(&plaintext);
  return err;
}

/* Take a PrivateMessageContent apart. */
static enum err parse_content(struct view plaintext, uint8_t content_type, struct why *why,
                              struct view *content, struct content_auth *auth) {
  struct reader reader = reader_of(plaintext);
  uint8_t padding = 0;
  enum err err = OK;
  if (content_type == CONTENT_PROPOSAL)
    TRY(proposal_check_known(reader, why));
  TRY(framed_body_read(&reader, why, content_type, content));
  TRY(content_auth_read(&reader, content_type, auth));
  for (size_t i = 0; i < reader.left; i++)
    padding |= reader.at[i];
  /* RFC 9420, section 6.3.1: the padding holds zeros only. */
  TRY(require(padding == 0, why, ERR_MALFORMED,
              "RFC 9420, section 6.3.1: the padding holds more than zeros"));
done:
  return codec_unparsed(err, why, "PrivateMessageContent");
}

enum err framing_open_private(const struct framing_keys *keys,
                              const struct private_message *message, uint32_t width,
                              struct why *why, struct bytes *storage,
                              struct authenticated_content *out, struct private_origin *origin) {
  struct additional_data aad = {0};
  struct sender_data sender = {0};
  struct bytes plaintext = {0};
  struct view content;
  struct content_auth auth = {0};
  enum err err = OK;
  TRY(additional_data_write(&aad, message));
  TRY(open_sender_data(keys, &aad, message, why, &sender));
  /* RFC 9420, section 6.3.2: the sender is a member. */
  TRY(require(sender.leaf < width, why, ERR_MALFORMED,
              "RFC 9420, section 6.3.2: sender leaf %u lies beyond the tree", sender.leaf));
  const struct private_origin from = {sender.leaf, ratchet_for(message->content_type),
                                      sender.generation};
  err = open_content(keys, &aad, message, &sender, why, &plaintext);
  if (err == ERR_REPLAY)
    *origin = from;
  TRY(err);
  TRY(parse_content(bytes_view(&plaintext), message->content_type, why, &content, &auth));

  *out =
      (struct authenticated_content){.wire_format = WIRE_PRIVATE_MESSAGE,
                                     .content = {.group_id = message->group_id,
                                                 .epoch = message->epoch,
                                                 .sender = {SENDER_MEMBER, sender.leaf},
                                                 .authenticated_data = message->authenticated_data,
                                                 .content_type = message->content_type,
                                                 .content = content},
                                     .auth = auth};
  *origin = from;
  bytes_move(storage, &plaintext);
done:
  writer_free(&aad.writer);
  bytes_free(&plaintext);
  return err;
}

enum err framing_used(const struct framing_keys *keys, const struct private_origin *origin) {
  return secret_tree_use(keys->secret_tree, origin->leaf, origin->kind, origin->generation,
                         keys->max_skip);
}
