/*
 * PrivateMessage: what opens, and each single reason for which a message does not, with every suite.
 * Messages that the library would not make are built here by hand.
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include "base/mem.h"
#include "framed.h"
#include "suites.h"

/* ---- Messages ---- */

static struct bytes private_bytes(struct view text, uint32_t padding) {
  struct bytes signature = {0}, message = {0};
  struct authenticated_content content =
      signed_as(WIRE_PRIVATE_MESSAGE, content_of(CONTENT_APPLICATION, text), &signature);
  ck_assert_int_eq(framing_protect_private(&alice, &content, padding, &message), OK);
  bytes_free(&signature);
  return message;
}

static struct private_message private_parsed(const struct bytes *bytes) {
  struct reader reader = reader_of(bytes_view(bytes));
  uint16_t format = 0;
  struct private_message message = {0};
  ck_assert_int_eq(message_read_header(&reader, NULL, &format), OK);
  ck_assert_uint_eq(format, WIRE_PRIVATE_MESSAGE);
  ck_assert_int_eq(private_message_read(&reader, &message), OK);
  ck_assert_int_eq(read_end(&reader), OK);
  return message;
}

/* Bob opens; if it works the text must be this one. */
static enum err open_private(struct private_message message, uint32_t width, struct view text,
                             bool use) {
  struct why why = {""};
  struct bytes storage = {0};
  struct authenticated_content out;
  struct private_origin origin;
  enum err err = framing_open_private(&bob, &message, width, &why, &storage, &out, &origin);
  if (err == OK) {
    ck_assert(view_equal(out.content.content, text));
    ck_assert_uint_eq(out.content.sender.index, SPEAKER);
    ck_assert_int_eq(
        framing_verify(framed_suite, &out, bob.group_context, bytes_view(&signature_public), &why),
        OK);
    if (use)
      ck_assert_int_eq(framing_used(&bob, &origin), OK);
  } else {
    ck_assert_ptr_null(storage.data);
    ck_assert_str_ne(why.text, "");
  }
  bytes_free(&storage);
  return err;
}

static enum err open_bytes(const struct bytes *bytes, struct view text) {
  return open_private(private_parsed(bytes), WIDTH, text, true);
}

/* ---- Sending and opening ---- */

START_TEST(private_in_any_order) {
  enum { COUNT = 6 };
  static const size_t order[COUNT] = {3, 0, 1, 5, 4, 2};
  struct bytes messages[COUNT];
  for (size_t i = 0; i < COUNT; i++)
    messages[i] = private_bytes(view_of((const uint8_t *)"abcdef" + i, 1), 0);
  for (size_t i = 0; i < COUNT; i++) {
    struct view text = view_of((const uint8_t *)"abcdef" + order[i], 1);
    ck_assert_int_eq(open_bytes(&messages[order[i]], text), OK);
    ck_assert_int_eq(open_bytes(&messages[order[i]], text), ERR_REPLAY);
  }
  for (size_t i = 0; i < COUNT; i++)
    bytes_free(&messages[i]);
}
END_TEST

START_TEST(handshake_has_its_own_ratchet) {
  struct bytes text = private_bytes(VIEW_TEXT("text"), 0), signature = {0}, message = {0};
  struct authenticated_content commit =
      signed_as(WIRE_PRIVATE_MESSAGE, content_of(CONTENT_COMMIT, EMPTY_COMMIT), &signature);
  ck_assert_int_eq(framing_protect_private(&alice, &commit, 0, &message), OK);
  struct private_message parsed = private_parsed(&message);
  struct bytes storage = {0};
  struct authenticated_content out;
  struct private_origin origin;
  ck_assert_int_eq(framing_open_private(&bob, &parsed, WIDTH, NULL, &storage, &out, &origin), OK);
  ck_assert_uint_eq(origin.kind, RATCHET_HANDSHAKE);
  ck_assert_uint_eq(origin.generation, 0);
  ck_assert(view_equal(out.auth.confirmation_tag, commit.auth.confirmation_tag));
  ck_assert_int_eq(framing_used(&bob, &origin), OK);
  ck_assert_int_eq(open_bytes(&text, VIEW_TEXT("text")), OK);
  bytes_free(&storage);
  bytes_free(&signature);
  bytes_free(&message);
  bytes_free(&text);
}
END_TEST

START_TEST(padding_hides_the_size) {
  size_t sizes[2][2];
  for (size_t i = 0; i < 2; i++)
    for (size_t j = 0; j < 2; j++) {
      struct view text = j == 0 ? VIEW_TEXT("") : VIEW_TEXT("something longer");
      struct bytes message = private_bytes(text, i == 0 ? 0 : 512);
      sizes[i][j] = private_parsed(&message).ciphertext.size;
      ck_assert_int_eq(open_bytes(&message, text), OK);
      bytes_free(&message);
    }
  ck_assert_uint_lt(sizes[0][0], sizes[0][1]);
  ck_assert_uint_eq(sizes[1][0], 512 + framed_suite->aead->tag_size);
  ck_assert_uint_eq(sizes[1][1], 512 + framed_suite->aead->tag_size);
}
END_TEST

/* Should a ratchet ever go back, a nonce still does not come twice. */
START_TEST(reuse_guard) {
  struct bytes one = private_bytes(VIEW_TEXT("the same text"), 0);
  secret_tree_free(alice.secret_tree);
  alice.secret_tree = framed_tree();
  struct bytes two = private_bytes(VIEW_TEXT("the same text"), 0);
  struct view a = private_parsed(&one).ciphertext, b = private_parsed(&two).ciphertext;
  ck_assert_int_ne(memcmp(a.data, b.data, 13), 0);
  bytes_free(&one);
  bytes_free(&two);
}
END_TEST

START_TEST(private_altered) {
  struct bytes bytes = private_bytes(VIEW_TEXT("text"), 0);
  const struct private_message message = private_parsed(&bytes);
  const struct view text = VIEW_TEXT("text");
  struct private_message other = message;
  other.epoch++;
  ck_assert_int_eq(open_private(other, WIDTH, text, false), ERR_AUTH);
  other = message;
  other.group_id = VIEW_TEXT("other");
  ck_assert_int_eq(open_private(other, WIDTH, text, false), ERR_AUTH);
  other = message;
  other.authenticated_data = VIEW_TEXT("other");
  ck_assert_int_eq(open_private(other, WIDTH, text, false), ERR_AUTH);
  other = message;
  other.content_type = CONTENT_PROPOSAL;
  ck_assert_int_eq(open_private(other, WIDTH, text, false), ERR_AUTH);
  other = message;
  other.encrypted_sender_data.size--;
  ck_assert_int_eq(open_private(other, WIDTH, text, false), ERR_MALFORMED);
  other.encrypted_sender_data.size = 0;
  ck_assert_int_eq(open_private(other, WIDTH, text, false), ERR_MALFORMED);
  other = message;
  other.ciphertext.size--;
  ck_assert_int_eq(open_private(other, WIDTH, text, false), ERR_AUTH);
  /* The last byte is not in the sample that the sender data hangs on. */
  bytes.data[bytes.size - 1] ^= 1;
  ck_assert_int_eq(open_private(message, WIDTH, text, false), ERR_AUTH);
  bytes.data[bytes.size - 1] ^= 1;
  ck_assert_int_eq(open_private(message, SPEAKER, text, false), ERR_MALFORMED);
  ck_assert_int_eq(open_private(message, SPEAKER + 1, text, true), OK);
  bytes_free(&bytes);
}
END_TEST

START_TEST(too_far_ahead) {
  struct bytes last = {0};
  for (size_t i = 0; i <= SKIP + 1; i++) {
    bytes_free(&last);
    last = private_bytes(VIEW_TEXT("text"), 0);
  }
  ck_assert_int_eq(open_bytes(&last, VIEW_TEXT("text")), ERR_LIMIT);
  bob.max_skip++;
  ck_assert_int_eq(open_bytes(&last, VIEW_TEXT("text")), OK);
  bytes_free(&last);
}
END_TEST

/* ---- Built by hand ---- */

/* Encrypt a PrivateMessageContent as the speaker, with the key of a generation. */
static struct private_message crafted(struct view plaintext, uint32_t generation,
                                      struct bytes *ciphertext, struct bytes *encrypted) {
  const struct aead *aead = framed_suite->aead;
  struct private_message message = {.group_id = VIEW_TEXT("group"),
                                    .epoch = 7,
                                    .content_type = CONTENT_APPLICATION,
                                    .authenticated_data = VIEW_TEXT("data")};
  struct writer aad = {0}, data = {0};
  write_vector(&aad, message.group_id);
  write_u64(&aad, message.epoch);
  write_u8(&aad, message.content_type);
  const struct view sender_aad = writer_view(&aad);
  write_vector(&aad, message.authenticated_data);
  const struct view content_aad = writer_view(&aad);
  write_u32(&data, SPEAKER);
  write_u32(&data, generation);
  write_u32(&data, 0x01020304); /* reuse_guard */

  struct message_key key = {0};
  struct aead_key *state = NULL;
  ck_assert_int_eq(
      secret_tree_peek(alice.secret_tree, SPEAKER, RATCHET_APPLICATION, generation, SKIP, &key),
      OK);
  for (uint8_t i = 0; i < 4; i++)
    key.nonce[i] ^= (uint8_t)(i + 1);
  *ciphertext =
      (struct bytes){mem_new(plaintext.size + aead->tag_size, 1), plaintext.size + aead->tag_size};
  ck_assert_int_eq(aead->key_new(key.key, &state), OK);
  ck_assert_int_eq(aead->seal(state, key.nonce, &content_aad, 1, plaintext, ciphertext->data), OK);
  aead->key_free(state);
  message.ciphertext = bytes_view(ciphertext);

  ck_assert_int_eq(framing_sender_data_key(framed_suite, &sender_data, message.ciphertext, &key),
                   OK);
  *encrypted = (struct bytes){mem_new(data.size + aead->tag_size, 1), data.size + aead->tag_size};
  ck_assert_int_eq(aead->key_new(key.key, &state), OK);
  ck_assert_int_eq(aead->seal(state, key.nonce, &(struct view){aad.data, sender_aad.size}, 1,
                              writer_view(&data), encrypted->data),
                   OK);
  aead->key_free(state);
  message.encrypted_sender_data = bytes_view(encrypted);
  writer_free(&aad);
  writer_free(&data);
  return message;
}

static enum err open_crafted(struct view plaintext) {
  struct bytes ciphertext = {0}, encrypted = {0};
  struct private_message message = crafted(plaintext, 0, &ciphertext, &encrypted);
  enum err err = open_private(message, WIDTH, VIEW_TEXT("text"), false);
  bytes_free(&ciphertext);
  bytes_free(&encrypted);
  return err;
}

START_TEST(private_content_form) {
  struct bytes signature = {0};
  struct authenticated_content content = signed_as(
      WIRE_PRIVATE_MESSAGE, content_of(CONTENT_APPLICATION, VIEW_TEXT("text")), &signature);
  struct writer writer = {0};
  framed_body_write(&writer, CONTENT_APPLICATION, content.content.content);
  content_auth_write(&writer, CONTENT_APPLICATION, &content.auth);
  ck_assert_int_eq(open_crafted(writer_view(&writer)), OK);
  ck_assert_int_eq(open_crafted(view_of(writer.data, writer.size - 1)), ERR_MALFORMED);
  ck_assert_int_eq(open_crafted(VIEW_NONE), ERR_MALFORMED);
  for (size_t i = 0; i < 3; i++)
    write_u8(&writer, 0);
  ck_assert_int_eq(open_crafted(writer_view(&writer)), OK);
  for (size_t i = 1; i <= 3; i++) {
    writer.data[writer.size - i] = 0x40;
    ck_assert_int_eq(open_crafted(writer_view(&writer)), ERR_MALFORMED);
    writer.data[writer.size - i] = 0;
  }
  writer_free(&writer);
  bytes_free(&signature);
}
END_TEST

/* Sender data that authenticates beside a ciphertext with no room for a tag. */
START_TEST(short_ciphertext) {
  struct bytes ciphertext = {0}, encrypted = {0};
  const size_t tag_size = framed_suite->aead->tag_size;
  struct private_message message = crafted(VIEW_TEXT("text"), 0, &ciphertext, &encrypted);
  message.ciphertext.size = tag_size - 1;
  struct message_key key = {0};
  struct writer aad = {0}, data = {0};
  write_vector(&aad, message.group_id);
  write_u64(&aad, message.epoch);
  write_u8(&aad, message.content_type);
  write_u32(&data, SPEAKER);
  write_u64(&data, 0);
  struct aead_key *state = NULL;
  const struct view sender_aad = writer_view(&aad);
  ck_assert_int_eq(framing_sender_data_key(framed_suite, &sender_data, message.ciphertext, &key),
                   OK);
  ck_assert_int_eq(framed_suite->aead->key_new(key.key, &state), OK);
  ck_assert_int_eq(framed_suite->aead->seal(state, key.nonce, &sender_aad, 1, writer_view(&data),
                                            encrypted.data),
                   OK);
  framed_suite->aead->key_free(state);
  ck_assert_int_eq(open_private(message, WIDTH, VIEW_TEXT("text"), false), ERR_MALFORMED);
  writer_free(&aad);
  writer_free(&data);
  bytes_free(&ciphertext);
  bytes_free(&encrypted);
}
END_TEST

/* ---- What is not sent ---- */

static unsigned seals, seal_fails_at;
static enum err failing_seal(struct aead_key *key, const uint8_t *nonce, const struct view *aad,
                             size_t aad_count, struct view plaintext, uint8_t *out) {
  if (++seals == seal_fails_at)
    return ERR_NOMEM;
  return framed_suite->aead->seal(key, nonce, aad, aad_count, plaintext, out);
}

START_TEST(sending_fails_without_a_trace) {
  struct aead failing_aead = *framed_suite->aead;
  struct suite failing = *framed_suite;
  failing_aead.seal = failing_seal;
  failing.aead = &failing_aead;
  struct framing_keys keys = alice;
  keys.suite = &failing;
  struct bytes signature = {0}, message = {0};
  struct authenticated_content content = signed_as(
      WIRE_PRIVATE_MESSAGE, content_of(CONTENT_APPLICATION, VIEW_TEXT("text")), &signature);
  uint32_t generation = 99;
  for (seal_fails_at = 1; seal_fails_at <= 2; seal_fails_at++) {
    seals = 0;
    ck_assert_int_eq(framing_protect_private(&keys, &content, 0, &message), ERR_NOMEM);
    ck_assert_ptr_null(message.data);
    ck_assert_int_eq(secret_tree_next(alice.secret_tree, SPEAKER, RATCHET_APPLICATION, &generation),
                     OK);
    ck_assert_uint_eq(generation, 0);
  }
  seals = 0;
  ck_assert_int_eq(framing_protect_private(&keys, &content, 0, &message), OK);
  ck_assert_uint_eq(seals, 2);
  ck_assert_int_eq(secret_tree_next(alice.secret_tree, SPEAKER, RATCHET_APPLICATION, &generation),
                   OK);
  ck_assert_uint_eq(generation, 1);
  ck_assert_int_eq(open_bytes(&message, VIEW_TEXT("text")), OK);
  bytes_free(&message);
  bytes_free(&signature);
}
END_TEST

START_TEST(only_members_send_private) {
  static const uint8_t types[] = {SENDER_EXTERNAL, SENDER_NEW_MEMBER_PROPOSAL,
                                  SENDER_NEW_MEMBER_COMMIT};
  struct bytes signature = {0}, message = {0};
  struct authenticated_content content =
      signed_as(WIRE_PRIVATE_MESSAGE, content_of(CONTENT_COMMIT, EMPTY_COMMIT), &signature);
  for (size_t i = 0; i < sizeof types; i++) {
    content.content.sender.type = types[i];
    ck_assert_int_eq(framing_protect_private(&alice, &content, 0, &message), ERR_INVALID_ARG);
  }
  content.content.sender.type = SENDER_MEMBER;
  content.wire_format = WIRE_PUBLIC_MESSAGE;
  ck_assert_int_eq(framing_protect_private(&alice, &content, 0, &message), ERR_INVALID_ARG);
  bytes_free(&signature);
}
END_TEST

static void add_tests(TCase *tests) {
  tcase_add_checked_fixture(tests, members_begin, members_end);
  tcase_add_test(tests, private_in_any_order);
  tcase_add_test(tests, handshake_has_its_own_ratchet);
  tcase_add_test(tests, padding_hides_the_size);
  tcase_add_test(tests, reuse_guard);
  tcase_add_test(tests, private_altered);
  tcase_add_test(tests, too_far_ahead);
  tcase_add_test(tests, private_content_form);
  tcase_add_test(tests, short_ciphertext);
  tcase_add_test(tests, sending_fails_without_a_trace);
  tcase_add_test(tests, only_members_send_private);
}

int main(void) {
  return run_with_each_suite("framing-private", add_tests, &framed_suite);
}
