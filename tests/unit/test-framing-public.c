/*
 * PublicMessage and signatures: what is accepted, and each single reason for which a message is not,
 * with every suite.
 * SPDX-License-Identifier: ISC
 */
#include "crypto/kdf.h"
#include "framed.h"
#include "suites.h"

/* ---- PublicMessage ---- */

/* The membership tag as RFC 9420, section 6.2 has it. */
static void expected_tag(const struct public_message *message, uint8_t *out) {
  struct writer writer = {0};
  write_u16(&writer, MLS_VERSION_10);
  write_u16(&writer, WIRE_PUBLIC_MESSAGE);
  framed_content_write(&writer, &message->content);
  write_bytes(&writer, alice.group_context);
  content_auth_write(&writer, message->content.content_type, &message->auth);
  ck_assert_int_eq(kdf_mac(framed_suite, &membership, writer_view(&writer), out), OK);
  writer_free(&writer);
}

static enum err open_public(const struct public_message *message) {
  struct why why = {""};
  struct authenticated_content out;
  enum err err = framing_open_public(&bob, message, &why, &out);
  ck_assert((err == OK) == (why.text[0] == '\0'));
  return err;
}

START_TEST(membership_tag) {
  struct bytes signature = {0}, bytes = {0};
  struct authenticated_content commit =
      signed_as(WIRE_PUBLIC_MESSAGE, content_of(CONTENT_COMMIT, EMPTY_COMMIT), &signature);
  ck_assert_int_eq(framing_protect_public(&alice, &commit, &bytes), OK);
  struct reader reader = reader_of(bytes_view(&bytes));
  uint16_t format = 0;
  struct public_message message;
  ck_assert_int_eq(message_read_header(&reader, NULL, &format), OK);
  ck_assert_int_eq(public_message_read(&reader, NULL, &message), OK);
  const size_t size = framed_suite->hash->size;
  uint8_t expected[HASH_MAX + 1] = {0};
  expected_tag(&message, expected);
  ck_assert(view_equal(message.membership_tag, view_of(expected, size)));
  ck_assert_int_eq(open_public(&message), OK);

  /* Other sizes, and each altered bit. */
  message.membership_tag = view_of(expected, size + 1);
  ck_assert_int_eq(open_public(&message), ERR_AUTH);
  message.membership_tag = view_of(expected, size - 1);
  ck_assert_int_eq(open_public(&message), ERR_AUTH);
  message.membership_tag = VIEW_NONE;
  ck_assert_int_eq(open_public(&message), ERR_AUTH);
  message.membership_tag = view_of(expected, size);
  for (size_t bit = 0; bit < 8 * size; bit++) {
    expected[bit / 8] ^= (uint8_t)(1u << bit % 8);
    ck_assert_int_eq(open_public(&message), ERR_AUTH);
    expected[bit / 8] ^= (uint8_t)(1u << bit % 8);
  }

  /* It covers the whole message and the epoch's context. */
  struct public_message other = message;
  other.content.sender.index++;
  ck_assert_int_eq(open_public(&other), ERR_AUTH);
  other = message;
  other.auth.confirmation_tag.size--;
  ck_assert_int_eq(open_public(&other), ERR_AUTH);
  other = message;
  other.auth.signature.size--;
  ck_assert_int_eq(open_public(&other), ERR_AUTH);
  bob.group_context = VIEW_TEXT("another context");
  ck_assert_int_eq(open_public(&message), ERR_AUTH);
  bytes_free(&bytes);
  bytes_free(&signature);
}
END_TEST

/* Who may send what: proposal types, or 0 for a commit, in a PublicMessage. */
static bool may_send(uint8_t sender, uint8_t content_type, uint16_t proposal) {
  if (content_type == CONTENT_APPLICATION)
    return false;
  bool external = proposal != PROPOSAL_UPDATE && proposal != PROPOSAL_EXTERNAL_INIT &&
                  proposal != PROPOSAL_SELF_REMOVE;
  switch (sender) {
  case SENDER_MEMBER:
    return true;
  case SENDER_EXTERNAL:
    return content_type == CONTENT_PROPOSAL && external;
  case SENDER_NEW_MEMBER_PROPOSAL:
    return content_type == CONTENT_PROPOSAL && proposal == PROPOSAL_ADD;
  case SENDER_NEW_MEMBER_COMMIT:
    return content_type == CONTENT_COMMIT;
  default:
    return false;
  }
}

static void check_sender(uint8_t sender, uint8_t content_type, uint16_t proposal) {
  const uint8_t body[] = {(uint8_t)(proposal >> 8), (uint8_t)proposal, 0, 0, 0, 0};
  uint8_t mac[HASH_MAX];
  struct public_message message = {
      .content = content_of(content_type, VIEW_ARRAY(body)),
      .auth = {.signature = VIEW_TEXT("signature"), .confirmation_tag = confirmation_tag()}};
  message.content.sender.type = sender;
  if (sender == SENDER_MEMBER) {
    expected_tag(&message, mac);
    message.membership_tag = view_of(mac, framed_suite->hash->size);
  }
  bool allowed = may_send(sender, content_type, proposal);
  ck_assert_int_eq(open_public(&message), allowed ? OK : ERR_MALFORMED);

  struct bytes bytes = {0};
  struct authenticated_content content = {WIRE_PUBLIC_MESSAGE, message.content, message.auth};
  ck_assert_int_eq(framing_protect_public(&alice, &content, &bytes),
                   allowed ? OK : ERR_INVALID_ARG);
  bytes_free(&bytes);
}

START_TEST(senders_and_contents) {
  static const uint16_t proposals[] = {PROPOSAL_ADD,         PROPOSAL_UPDATE,
                                       PROPOSAL_REMOVE,      PROPOSAL_PSK,
                                       PROPOSAL_REINIT,      PROPOSAL_EXTERNAL_INIT,
                                       PROPOSAL_SELF_REMOVE, PROPOSAL_GROUP_CONTEXT_EXTENSIONS};
  for (uint8_t sender = 0; sender <= SENDER_NEW_MEMBER_COMMIT + 1; sender++) {
    check_sender(sender, CONTENT_APPLICATION, 0);
    check_sender(sender, CONTENT_COMMIT, 0);
    for (size_t i = 0; i < sizeof proposals / sizeof proposals[0]; i++)
      check_sender(sender, CONTENT_PROPOSAL, proposals[i]);
  }
}
END_TEST

START_TEST(public_arguments) {
  struct bytes signature = {0}, bytes = {0};
  struct authenticated_content commit =
      signed_as(WIRE_PRIVATE_MESSAGE, content_of(CONTENT_COMMIT, EMPTY_COMMIT), &signature);
  ck_assert_int_eq(framing_protect_public(&alice, &commit, &bytes), ERR_INVALID_ARG);
  ck_assert_ptr_null(bytes.data);
  bytes_free(&signature);
}
END_TEST

/* ---- Signatures ---- */

static enum err verify(const struct authenticated_content *content, struct view context) {
  struct why why = {""};
  enum err err =
      framing_verify(framed_suite, content, context, bytes_view(&signature_public), &why);
  ck_assert((err == OK) == (why.text[0] == '\0'));
  return err;
}

/* A signature holds for one wire format, one content, one sender; and for one epoch's context if the
 * sender knows it. */
START_TEST(signature_covers) {
  for (uint8_t sender = SENDER_MEMBER; sender <= SENDER_NEW_MEMBER_COMMIT; sender++) {
    struct framed_content framed = content_of(CONTENT_COMMIT, EMPTY_COMMIT);
    struct bytes signature = {0};
    framed.sender.type = sender;
    struct authenticated_content content = signed_as(WIRE_PUBLIC_MESSAGE, framed, &signature);
    ck_assert_int_eq(verify(&content, alice.group_context), OK);
    bool bound = sender == SENDER_MEMBER || sender == SENDER_NEW_MEMBER_COMMIT;
    ck_assert_int_eq(verify(&content, VIEW_TEXT("another")), bound ? ERR_SIGNATURE : OK);

    struct authenticated_content other = content;
    other.wire_format = WIRE_PRIVATE_MESSAGE;
    ck_assert_int_eq(verify(&other, alice.group_context), ERR_SIGNATURE);
    other = content;
    other.content.epoch++;
    ck_assert_int_eq(verify(&other, alice.group_context), ERR_SIGNATURE);
    other = content;
    other.content.sender.type = sender == SENDER_MEMBER ? SENDER_EXTERNAL : SENDER_MEMBER;
    ck_assert_int_eq(verify(&other, alice.group_context), ERR_SIGNATURE);
    other = content;
    other.content.content_type = CONTENT_PROPOSAL;
    ck_assert_int_eq(verify(&other, alice.group_context), ERR_SIGNATURE);
    bytes_free(&signature);
  }
}
END_TEST

static void add_tests(TCase *tests) {
  tcase_add_checked_fixture(tests, members_begin, members_end);
  tcase_add_test(tests, membership_tag);
  tcase_add_test(tests, senders_and_contents);
  tcase_add_test(tests, public_arguments);
  tcase_add_test(tests, signature_covers);
}

int main(void) {
  return run_with_each_suite("framing-public", add_tests, &framed_suite);
}
