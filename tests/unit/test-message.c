/*
 * The structs that travel: what is written is read back, and nothing else is.
 * SPDX-License-Identifier: ISC
 */
#include <check.h>
#include <string.h>

#include "samples.h"
#include "tests/recode.h"
#include "tests/run.h"
#include "tests/taken.h"

#define SAMPLES_MAX 40

/* One valid struct of each kind, and each variant of it. */
static struct sample {
  const char *name;
  recoder *recode;
  struct bytes bytes;
} samples[SAMPLES_MAX];
static size_t sample_count;

static void sample(const char *name, recoder *recode, struct writer *writer) {
  ck_assert_uint_lt(sample_count, SAMPLES_MAX);
  samples[sample_count++] = (struct sample){name, recode, taken(writer)};
}

/* Read one struct and nothing behind it; if it is accepted, it has to be the one encoding. */
static enum err read_exactly(recoder *recode, struct view in, struct why *why) {
  enum err err;
  struct reader reader = reader_of(in);
  struct writer writer = {0};
  TRY(recode(&reader, &writer, why));
  TRY(read_end(&reader));
  TRY(writer.err);
  ck_assert_msg(view_equal(writer_view(&writer), in), "accepted, but encoded differently");
done:
  writer_free(&writer);
  return err;
}

static void setup(void) {
  struct writer writer = {0};
  sample_count = 0;
  for (uint8_t source = LEAF_KEY_PACKAGE; source <= LEAF_COMMIT; source++) {
    sample_leaf(&writer, (enum leaf_source)source);
    sample("leaf", recode_leaf, &writer);
  }
  for (int i = 0; sample_proposal(&writer, i); i++)
    sample("proposal", recode_proposal, &writer);
  for (int full = 0; full < 2; full++) {
    sample_commit(&writer, full != 0);
    sample("commit", recode_commit, &writer);
    sample_group_secrets(&writer, full != 0);
    sample("group secrets", recode_group_secrets, &writer);
  }
  for (uint8_t sender = SENDER_MEMBER; sender <= SENDER_NEW_MEMBER_COMMIT; sender++)
    for (uint8_t content = CONTENT_APPLICATION; content <= CONTENT_COMMIT; content++) {
      sample_public_message(&writer, sender, content);
      sample("public message", recode_message, &writer);
    }
  struct private_message private = {VIEW_TEXT("group"),  9,
                                    CONTENT_COMMIT,      VIEW_TEXT("aad"),
                                    VIEW_TEXT("sender"), VIEW_ARRAY(sample_hash)};
  message_write_header(&writer, WIRE_PRIVATE_MESSAGE);
  private_message_write(&writer, &private);
  sample("private message", recode_message, &writer);
  sample_group_info(&writer);
  sample("group info", recode_message, &writer);
  sample_welcome(&writer);
  sample("welcome", recode_message, &writer);
  message_write_header(&writer, WIRE_KEY_PACKAGE);
  sample_key_package(&writer);
  sample("key package", recode_message, &writer);
}

static void teardown(void) {
  while (sample_count > 0)
    bytes_free(&samples[--sample_count].bytes);
}

/* ---- Every sample ---- */

START_TEST(test_samples) {
  for (size_t i = 0; i < sample_count; i++) {
    struct why why = {""};
    enum err err = read_exactly(samples[i].recode, bytes_view(&samples[i].bytes), &why);
    ck_assert_msg(err == OK, "sample %zu (%s): %s", i, samples[i].name, why.text);
  }
}
END_TEST

START_TEST(test_truncated) {
  for (size_t i = 0; i < sample_count; i++)
    for (size_t size = 0; size < samples[i].bytes.size; size++) {
      /* A copy of its own, so that reading one byte too far is seen. */
      struct bytes part = {0};
      ck_assert_int_eq(bytes_copy(&part, view_of(samples[i].bytes.data, size)), OK);
      ck_assert_int_eq(read_exactly(samples[i].recode, bytes_view(&part), NULL), ERR_MALFORMED);
      bytes_free(&part);
    }
}
END_TEST

START_TEST(test_trailing_byte) {
  for (size_t i = 0; i < sample_count; i++) {
    struct writer writer = {0};
    write_bytes(&writer, bytes_view(&samples[i].bytes));
    write_u8(&writer, 0);
    ck_assert_int_eq(read_exactly(samples[i].recode, writer_view(&writer), NULL), ERR_MALFORMED);
    writer_free(&writer);
  }
}
END_TEST

START_TEST(test_flipped_bits) {
  for (size_t i = 0; i < sample_count; i++) {
    struct bytes *bytes = &samples[i].bytes;
    for (size_t bit = 0; bit < bytes->size * 8; bit++) {
      bytes->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
      enum err err = read_exactly(samples[i].recode, bytes_view(bytes), NULL);
      ck_assert(err == OK || err == ERR_MALFORMED || err == ERR_UNSUPPORTED);
      bytes->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
  }
}
END_TEST

/* ---- One thing wrong ---- */

/* The sample whose bytes are changed at `offset`, counted from the end if negative. */
static enum err changed(recoder *recode, struct writer *writer, long offset, uint8_t value,
                        struct why *why) {
  struct bytes bytes = taken(writer);
  ck_assert_int_eq(read_exactly(recode, bytes_view(&bytes), NULL), OK);
  bytes.data[offset < 0 ? bytes.size - (size_t)-offset : (size_t)offset] = value;
  enum err err = read_exactly(recode, bytes_view(&bytes), why);
  bytes_free(&bytes);
  return err;
}

START_TEST(test_header) {
  struct writer writer = {0};
  struct why why = {""};
  sample_welcome(&writer);
  ck_assert_int_eq(changed(recode_message, &writer, 1, 2, &why), ERR_UNSUPPORTED);
  ck_assert_ptr_nonnull(strstr(why.text, "protocol version 2"));
  sample_welcome(&writer);
  ck_assert_int_eq(changed(recode_message, &writer, 3, 6, &why), ERR_UNSUPPORTED);
  ck_assert_ptr_nonnull(strstr(why.text, "wire format 6"));
  sample_welcome(&writer);
  ck_assert_int_eq(changed(recode_message, &writer, 3, 0, NULL), ERR_UNSUPPORTED);
  sample_group_info(&writer);
  ck_assert_int_eq(changed(recode_message, &writer, 5, 2, &why), ERR_UNSUPPORTED);
  ck_assert_ptr_nonnull(strstr(why.text, "section 8.1"));
}
END_TEST

START_TEST(test_custom_proposal) {
  struct writer writer = {0};
  proposal_write_custom(&writer, 0xf001, VIEW_TEXT("data"));
  struct proposal proposal;
  struct reader reader = reader_of(writer_view(&writer));
  ck_assert_int_eq(proposal_read(&reader, NULL, &proposal), OK);
  ck_assert_uint_eq(proposal.type, 0xf001);
  ck_assert(view_equal(proposal.body.custom, VIEW_TEXT("data")));
  writer_free(&writer);
  /* SelfRemove has no body: of another type its bytes are too short. */
  proposal_write_self_remove(&writer);
  ck_assert_int_eq(changed(recode_proposal, &writer, 0, 0x0a, NULL), ERR_MALFORMED);
  writer_free(&writer);
}
END_TEST

START_TEST(test_enumerations) {
  static const uint8_t psk_types[] = {0, 3, 255};
  static const uint8_t psk_usages[] = {0, 4, 255};
  static const uint8_t senders[] = {0, 5, 255};
  static const uint8_t contents[] = {0, 4, 255};
  static const uint8_t item_types[] = {0, 3, 255};
  struct writer writer = {0};
  for (size_t i = 0; i < 3; i++) {
    proposal_write_psk(&writer, &sample_resumption_psk);
    ck_assert_int_eq(changed(recode_proposal, &writer, 2, psk_types[i], NULL),
                     psk_types[i] == 0 ? ERR_MALFORMED : ERR_UNSUPPORTED);
    proposal_write_psk(&writer, &sample_resumption_psk);
    ck_assert_int_eq(changed(recode_proposal, &writer, 3, psk_usages[i], NULL), ERR_MALFORMED);
    /* header 4, group id 6, epoch 8; then sender 5, authenticated data 4, content type */
    sample_public_message(&writer, SENDER_NEW_MEMBER_PROPOSAL, CONTENT_APPLICATION);
    ck_assert_int_eq(changed(recode_message, &writer, 18, senders[i], NULL), ERR_MALFORMED);
    sample_public_message(&writer, SENDER_MEMBER, CONTENT_APPLICATION);
    ck_assert_int_eq(changed(recode_message, &writer, 27, contents[i], NULL), ERR_MALFORMED);
    struct private_message private = {.content_type = CONTENT_COMMIT};
    message_write_header(&writer, WIRE_PRIVATE_MESSAGE);
    private_message_write(&writer, &private);
    ck_assert_int_eq(changed(recode_message, &writer, 13, contents[i], NULL), ERR_MALFORMED);
    sample_commit(&writer, false);
    ck_assert_int_eq(changed(recode_commit, &writer, 1, item_types[i], NULL), ERR_MALFORMED);
  }
}
END_TEST

/* RFC 9420, section 2.1.1 */
START_TEST(test_optional_octet) {
  struct writer writer = {0};
  sample_commit(&writer, false);
  ck_assert_int_eq(changed(recode_commit, &writer, -1, 2, NULL), ERR_MALFORMED);
  sample_commit(&writer, false);
  ck_assert_int_eq(changed(recode_commit, &writer, -1, 255, NULL), ERR_MALFORMED);
  sample_group_secrets(&writer, false);
  ck_assert_int_eq(changed(recode_group_secrets, &writer, -2, 2, NULL), ERR_MALFORMED);
}
END_TEST

/* RFC 9420, section 2.1.2 */
START_TEST(test_lengths) {
  static const uint8_t not_minimal[] = {0, PROPOSAL_EXTERNAL_INIT, 0x40, 1, 'x'};
  static const uint8_t not_minimal_4[] = {0, PROPOSAL_EXTERNAL_INIT, 0x80, 0, 0, 1, 'x'};
  static const uint8_t prefix_3[] = {0, PROPOSAL_EXTERNAL_INIT, 0xc0, 0, 0, 0, 0, 0, 0, 1, 'x'};
  static const uint8_t huge[] = {0, PROPOSAL_EXTERNAL_INIT, 0xbf, 0xff, 0xff, 0xff, 'x'};
  ck_assert_int_eq(read_exactly(recode_proposal, VIEW_ARRAY(not_minimal), NULL), ERR_MALFORMED);
  ck_assert_int_eq(read_exactly(recode_proposal, VIEW_ARRAY(not_minimal_4), NULL), ERR_MALFORMED);
  ck_assert_int_eq(read_exactly(recode_proposal, VIEW_ARRAY(prefix_3), NULL), ERR_MALFORMED);
  ck_assert_int_eq(read_exactly(recode_proposal, VIEW_ARRAY(huge), NULL), ERR_MALFORMED);
  static const size_t sizes[] = {0x3f, 0x40, 0x3fff, 0x4000};
  static const uint8_t zeros[0x4000];
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    struct writer writer = {0};
    proposal_write_external_init(&writer, view_of(zeros, sizes[i]));
    ck_assert_int_eq(read_exactly(recode_proposal, writer_view(&writer), NULL), OK);
    writer_free(&writer);
  }
}
END_TEST

/* Its parts; and what is in them, which nobody looks at before it is needed. */
static enum err read_commit(struct commit commit, struct why *why) {
  struct writer writer = {0};
  commit_write(&writer, &commit);
  enum err err = read_exactly(recode_commit, writer_view(&writer), why);
  writer_free(&writer);
  return err;
}

static enum err read_psks(struct view psks) {
  struct group_secrets secrets = {.psks = psks};
  struct writer writer = {0};
  group_secrets_write(&writer, &secrets);
  struct reader reader = reader_of(writer_view(&writer));
  enum err err = group_secrets_read(&reader, &secrets);
  writer_free(&writer);
  return err;
}

/* EncryptedGroupSecrets of a Welcome. */
static enum err read_secrets(struct view items) {
  struct welcome welcome = {1, items, VIEW_NONE};
  struct writer writer = {0};
  welcome_write(&writer, &welcome);
  struct reader reader = reader_of(writer_view(&writer));
  enum err err = welcome_read(&reader, &welcome);
  writer_free(&writer);
  return err;
}

/* A vector of structs with one more byte that is no struct. */
START_TEST(test_trailing_bytes_in_paths) {
  struct writer items = {0}, writer = {0};
  hpke_ciphertext_write(&items, VIEW_ARRAY(sample_hash), VIEW_TEXT("one"));
  write_u8(&items, 0);
  struct update_path_node node = {VIEW_ARRAY(sample_hash), writer_view(&items)};
  update_path_node_write(&writer, &node);
  struct bytes nodes = taken(&writer);
  sample_leaf(&writer, LEAF_COMMIT);
  struct bytes leaf = taken(&writer);
  struct commit commit = {.has_path = true,
                          .path = {.leaf = bytes_view(&leaf), .nodes = bytes_view(&nodes)}};
  ck_assert_int_eq(read_commit(commit, NULL), ERR_MALFORMED);

  /* Nodes: an empty key without ciphertexts is two bytes, so one byte is none. */
  commit.path.nodes = VIEW_TEXT("\0");
  ck_assert_int_eq(read_commit(commit, NULL), ERR_MALFORMED);
  bytes_free(&nodes);
  bytes_free(&leaf);
  writer_free(&items);
}
END_TEST

START_TEST(test_trailing_bytes_in_vectors) {
  ck_assert_int_eq(read_commit((struct commit){.proposals = VIEW_TEXT("\2\1x")}, NULL), OK);
  ck_assert_int_eq(read_commit((struct commit){.proposals = VIEW_TEXT("\2\1x\0")}, NULL),
                   ERR_MALFORMED);
  ck_assert_int_eq(read_psks(VIEW_TEXT("\1\0\0")), OK);
  ck_assert_int_eq(read_psks(VIEW_TEXT("\1\0\0\1")), ERR_MALFORMED);
  ck_assert_int_eq(read_secrets(VIEW_TEXT("\0\0\0")), OK);
  ck_assert_int_eq(read_secrets(VIEW_TEXT("\0\0\0\0")), ERR_MALFORMED);
  struct writer writer = {0};
  proposal_write_group_context_extensions(&writer, VIEW_TEXT("\0\1\0\0"));
  ck_assert_int_eq(read_exactly(recode_proposal, writer_view(&writer), NULL), ERR_MALFORMED);
  writer_free(&writer);
}
END_TEST

START_TEST(test_duplicate_extensions) {
  static const uint8_t twice[] = {0, 1, 0, 0, 1, 0};
  struct writer writer = {0};
  struct why why = {""};
  proposal_write_group_context_extensions(&writer, VIEW_ARRAY(twice));
  ck_assert_int_eq(read_exactly(recode_proposal, writer_view(&writer), &why), ERR_MALFORMED);
  ck_assert_ptr_nonnull(strstr(why.text, "section 13.4"));
  writer_free(&writer);
  proposal_write_reinit(&writer, VIEW_NONE, 1, 1, VIEW_ARRAY(twice));
  ck_assert_int_eq(read_exactly(recode_proposal, writer_view(&writer), NULL), ERR_MALFORMED);
  writer_free(&writer);
  struct group_info info = {.context = {.version = 1}};
  group_info_write(&writer, &info);
  struct reader reader = reader_of(writer_view(&writer));
  ck_assert_int_eq(group_info_read(&reader, NULL, &info), OK);
  writer_free(&writer);
  for (int i = 0; i < 2; i++) {
    info.context.extensions = i == 0 ? VIEW_ARRAY(twice) : VIEW_NONE;
    info.extensions = i == 1 ? VIEW_ARRAY(twice) : VIEW_NONE;
    group_info_write(&writer, &info);
    reader = reader_of(writer_view(&writer));
    ck_assert_int_eq(group_info_read(&reader, NULL, &info), ERR_MALFORMED);
    writer_free(&writer);
  }
  struct group_context context = {.version = 1, .extensions = VIEW_ARRAY(twice)};
  group_context_write(&writer, &context);
  reader = reader_of(writer_view(&writer));
  ck_assert_int_eq(group_context_read(&reader, &context), ERR_MALFORMED);
  writer_free(&writer);
}
END_TEST

/* ---- What a reader hands out ---- */

START_TEST(test_public_message_parts) {
  struct writer writer = {0}, content = {0}, auth = {0};
  struct public_message message;
  uint16_t wire_format;
  sample_public_message(&writer, SENDER_MEMBER, CONTENT_COMMIT);
  struct reader reader = reader_of(writer_view(&writer));
  ck_assert_int_eq(message_read_header(&reader, NULL, &wire_format), OK);
  ck_assert_uint_eq(wire_format, WIRE_PUBLIC_MESSAGE);
  ck_assert_int_eq(public_message_read(&reader, NULL, &message), OK);
  framed_content_write(&content, &message.content);
  content_auth_write(&auth, CONTENT_COMMIT, &message.auth);
  ck_assert(view_equal(message.content.raw, writer_view(&content)));
  ck_assert(view_equal(message.raw_auth, writer_view(&auth)));
  ck_assert(view_equal(message.content.group_id, VIEW_TEXT("group")));
  ck_assert_uint_eq(message.content.epoch, 0x0102030405060708);
  ck_assert_uint_eq(message.content.sender.index, 9);
  ck_assert(view_equal(message.content.authenticated_data, VIEW_TEXT("aad")));
  ck_assert(view_equal(message.auth.signature, VIEW_TEXT("signature")));
  ck_assert(view_equal(message.auth.confirmation_tag, VIEW_ARRAY(sample_hash)));
  ck_assert(view_equal(message.membership_tag, VIEW_TEXT("membership tag")));
  writer_free(&writer);
  writer_free(&content);
  writer_free(&auth);
}
END_TEST

START_TEST(test_group_info_parts) {
  struct writer writer = {0}, part = {0};
  struct group_info info;
  sample_group_info(&writer);
  struct reader reader = reader_of(writer_view(&writer));
  reader.at += 4;
  reader.left -= 4;
  ck_assert_int_eq(group_info_read(&reader, NULL, &info), OK);
  group_context_write(&part, &info.context);
  ck_assert(view_equal(info.context_raw, writer_view(&part)));
  writer_free(&part);
  group_info_write_signed(&part, &info);
  ck_assert(view_equal(info.signed_part, writer_view(&part)));
  ck_assert_uint_eq(info.signer, 4);
  ck_assert_uint_eq(info.context.epoch, 3);
  writer_free(&part);
  writer_free(&writer);
}
END_TEST

START_TEST(test_proposal_parts) {
  struct writer writer = {0};
  struct proposal proposal;
  proposal_write_reinit(&writer, VIEW_TEXT("new"), 1, 2, VIEW_ARRAY(sample_extensions));
  write_u8(&writer, 99); /* of whatever follows */
  struct reader reader = reader_of(writer_view(&writer));
  ck_assert_int_eq(proposal_read(&reader, NULL, &proposal), OK);
  ck_assert_uint_eq(reader.left, 1);
  ck_assert_uint_eq(proposal.raw.size, writer.size - 1);
  ck_assert_uint_eq(proposal.type, PROPOSAL_REINIT);
  ck_assert(view_equal(proposal.body.reinit.group_id, VIEW_TEXT("new")));
  ck_assert_uint_eq(proposal.body.reinit.version, 1);
  ck_assert_uint_eq(proposal.body.reinit.cipher_suite, 2);
  ck_assert(view_equal(proposal.body.reinit.extensions, VIEW_ARRAY(sample_extensions)));
  writer_free(&writer);
}
END_TEST

int main(void) {
  TCase *every = tcase_create("every struct");
  tcase_set_timeout(every, 120);
  tcase_add_checked_fixture(every, setup, teardown);
  tcase_add_test(every, test_samples);
  tcase_add_test(every, test_truncated);
  tcase_add_test(every, test_trailing_byte);
  tcase_add_test(every, test_flipped_bits);
  TCase *wrong = tcase_create("one thing wrong");
  tcase_add_test(wrong, test_header);
  tcase_add_test(wrong, test_custom_proposal);
  tcase_add_test(wrong, test_enumerations);
  tcase_add_test(wrong, test_optional_octet);
  tcase_add_test(wrong, test_lengths);
  tcase_add_test(wrong, test_trailing_bytes_in_paths);
  tcase_add_test(wrong, test_trailing_bytes_in_vectors);
  tcase_add_test(wrong, test_duplicate_extensions);
  TCase *parts = tcase_create("parts");
  tcase_add_test(parts, test_public_message_parts);
  tcase_add_test(parts, test_group_info_parts);
  tcase_add_test(parts, test_proposal_parts);
  Suite *all = suite_create("message");
  suite_add_tcase(all, every);
  suite_add_tcase(all, wrong);
  suite_add_tcase(all, parts);
  return run_suite(all);
}
