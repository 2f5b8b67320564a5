/*
 * What is read of messages without keys: of each kind, of proposals that nobody here knows, and of
 * messages cut and spoiled.
 * SPDX-License-Identifier: ISC
 */
#include <e2ee/mls.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "tests/run.h"

static struct member members[4];

static void setup(void) {
  members_new(members, 4);
}

static void teardown(void) {
  members_free(members, 4);
}

static e2ee_message_info peek(const e2ee_bytes *message) {
  e2ee_message_info info;
  memset(&info, 0xa5, sizeof info);
  ck_assert_int_eq(e2ee_message_peek(BYTES(message), &info, sizeof info), 0);
  return info;
}

static void expect_part(const e2ee_bytes *message, uint32_t part, const void *data, size_t size) {
  uint8_t out[70000];
  size_t len = sizeof out;
  ck_assert_int_eq(e2ee_message_peek_part(BYTES(message), part, out, &len), 0);
  ck_assert_uint_eq(len, size);
  ck_assert_int_eq(memcmp(out, data, size), 0);
}

static void expect_no_part(const e2ee_bytes *message, uint32_t part) {
  size_t len = 0;
  ck_assert_int_eq(e2ee_message_peek_part(BYTES(message), part, NULL, &len), E2EE_ERR_NOT_FOUND);
}

/* Cut anywhere, it is malformed, or the kind of message has no end that could be known. */
static void expect_no_crash(const e2ee_bytes *message) {
  e2ee_message_info info;
  const size_t size = e2ee_bytes_size(message);
  for (size_t cut = 0; cut < size; cut++) {
    uint8_t *copy = malloc(cut > 0 ? cut : 1);
    memcpy(copy, e2ee_bytes_data(message), cut);
    int err = e2ee_message_peek(copy, cut, &info, sizeof info);
    ck_assert(err == E2EE_ERR_MALFORMED || (err == 0 && info.kind == E2EE_MESSAGE_PUBLIC));
    free(copy);
  }
}

START_TEST(key_packages) {
  uint8_t ref[64];
  size_t size = sizeof ref;
  e2ee_bytes *key_package = key_package_of(&members[1]);
  e2ee_own_key_package own;
  ck_assert_done(&members[1], e2ee_client_key_package(members[1].client, 0, &own, sizeof own));
  e2ee_message_info info = peek(key_package);
  ck_assert_uint_eq(info.kind, E2EE_MESSAGE_KEY_PACKAGE);
  ck_assert_uint_eq(info.cipher_suite, SUITE);
  ck_assert_uint_eq(info.not_before, own.not_before);
  ck_assert_uint_eq(info.not_after, own.not_after);
  ck_assert_int_eq(e2ee_key_package_ref(BYTES(key_package), ref, &size), 0);
  expect_part(key_package, E2EE_PART_KEY_PACKAGE_REF, ref, size);
  expect_part(key_package, E2EE_PART_IDENTITY, "bob", 3);
  expect_no_part(key_package, E2EE_PART_GROUP_ID);
  expect_no_crash(key_package);
  e2ee_bytes_free(key_package);
}
END_TEST

static void expect_group_id(const e2ee_bytes *message) {
  uint8_t id[64];
  size_t size = sizeof id;
  ck_assert_done(&members[0], e2ee_group_id(members[0].group, id, &size));
  expect_part(message, E2EE_PART_GROUP_ID, id, size);
  expect_no_part(message, E2EE_PART_KEY_PACKAGE_REF);
  expect_no_part(message, E2EE_PART_IDENTITY);
}

START_TEST(welcomes) {
  uint8_t refs[2][128];
  size_t size = 64;
  e2ee_bytes *published[2], *message, *welcome;
  e2ee_commit *commit;
  found_group(members, 2);
  ck_assert_done(&members[0], e2ee_commit_new(members[0].group, &commit));
  for (size_t i = 0; i < 2; i++) {
    published[i] = key_package_of(&members[2 + i]);
    ck_assert_done(&members[0], e2ee_commit_add(commit, BYTES(published[i])));
    ck_assert_int_eq(e2ee_key_package_ref(BYTES(published[i]), refs[i], &size), 0);
    e2ee_bytes_free(published[i]);
  }
  ck_assert_done(&members[0], e2ee_commit_build(commit, &message, &welcome));
  e2ee_message_info info = peek(welcome);
  ck_assert_uint_eq(info.kind, E2EE_MESSAGE_WELCOME);
  ck_assert_uint_eq(info.cipher_suite, SUITE);
  ck_assert_uint_eq(info.count, 2);
  ck_assert_uint_eq(info.epoch, 0);
  memcpy(refs[0] + size, refs[1], size);
  expect_part(welcome, E2EE_PART_KEY_PACKAGE_REF, refs[0], 2 * size);
  expect_no_part(welcome, E2EE_PART_GROUP_ID);
  expect_no_crash(welcome);
  e2ee_bytes_free(message);
  e2ee_bytes_free(welcome);
  e2ee_commit_free(commit);
}
END_TEST

START_TEST(group_infos) {
  e2ee_bytes *info = NULL;
  found_group(members, 3);
  ck_assert_done(&members[1], e2ee_group_info(members[1].group, &info));
  e2ee_message_info seen = peek(info);
  ck_assert_uint_eq(seen.kind, E2EE_MESSAGE_GROUP_INFO);
  ck_assert_uint_eq(seen.epoch, epoch_of(&members[1]));
  ck_assert_uint_eq(seen.cipher_suite, SUITE);
  ck_assert_uint_eq(seen.count, 3);
  expect_group_id(info);
  expect_no_crash(info);
  e2ee_bytes_free(info);
  ck_assert_done(&members[1], e2ee_client_set(members[1].client, E2EE_SET_TREE_IN_WELCOME, 0));
  ck_assert_done(&members[1], e2ee_group_info(members[1].group, &info));
  ck_assert_uint_eq(peek(info).count, 0);
  e2ee_bytes_free(info);
}
END_TEST

static void expect_public(const e2ee_bytes *message, uint32_t content_type, uint32_t leaf,
                          uint32_t proposal_type) {
  e2ee_message_info info = peek(message);
  ck_assert_uint_eq(info.kind, E2EE_MESSAGE_PUBLIC);
  ck_assert_uint_eq(info.content_type, content_type);
  ck_assert_uint_eq(info.sender_type, E2EE_SENDER_MEMBER);
  ck_assert_uint_eq(info.sender, leaf);
  ck_assert_uint_eq(info.proposal_type, proposal_type);
  ck_assert_uint_eq(info.epoch, epoch_of(&members[0]));
  expect_group_id(message);
  expect_no_crash(message);
}

START_TEST(messages) {
  e2ee_bytes *message = NULL;
  found_group(members, 3);
  ck_assert_done(&members[0], e2ee_group_encrypt(members[0].group, TEXT("hello"), &message));
  e2ee_message_info info = peek(message);
  ck_assert_uint_eq(info.kind, E2EE_MESSAGE_PRIVATE);
  ck_assert_uint_eq(info.content_type, E2EE_CONTENT_APPLICATION);
  ck_assert_uint_eq(info.sender_type, 0);
  ck_assert_uint_eq(info.sender, UINT32_MAX); /* no leaf, above all not the first */
  ck_assert_uint_eq(info.epoch, epoch_of(&members[0]));
  expect_group_id(message);
  expect_no_crash(message);
  e2ee_bytes_free(message);
  ck_assert_done(&members[2], e2ee_client_set(members[2].client, E2EE_SET_ENCRYPT_HANDSHAKE, 0));
  ck_assert_done(&members[2],
                 e2ee_group_propose_remove(members[2].group, leaf_of(&members[1]), &message));
  expect_public(message, E2EE_CONTENT_PROPOSAL, leaf_of(&members[2]), 3);
  e2ee_bytes_free(message);
  message = renew(&members[2]);
  info = peek(message);
  ck_assert_uint_eq(info.content_type, E2EE_CONTENT_COMMIT);
  ck_assert_uint_eq(info.epoch, epoch_of(&members[0]));
  e2ee_bytes_free(message);
}
END_TEST

/* A proposal of a type of which nobody here knows where it ends; kinds and versions that there are not. */
START_TEST(unknown) {
  static const uint8_t proposal[] = {0, 1, 0, 1, 2, 'i', 'd', 0, 0, 0,  0, 0, 0, 0,
                                     7, 2, 0, 0, 0, 5,   0,   2, 0, 99, 1, 2, 3};
  uint8_t other[sizeof proposal];
  e2ee_message_info info;
  ck_assert_int_eq(e2ee_message_peek(proposal, sizeof proposal, &info, sizeof info), 0);
  ck_assert_uint_eq(info.sender_type, E2EE_SENDER_EXTERNAL);
  ck_assert_uint_eq(info.sender, 5);
  ck_assert_uint_eq(info.epoch, 7);
  ck_assert_uint_eq(info.proposal_type, 99);
  memcpy(other, proposal, sizeof other);
  other[1] = 2;
  ck_assert_int_eq(e2ee_message_peek(other, sizeof other, &info, sizeof info),
                   E2EE_ERR_UNSUPPORTED);
  other[1] = 1;
  other[3] = 6;
  ck_assert_int_eq(e2ee_message_peek(other, sizeof other, &info, sizeof info),
                   E2EE_ERR_UNSUPPORTED);
  size_t len = 0;
  for (uint32_t part = 0; part <= 4; part += 4)
    ck_assert_int_eq(e2ee_message_peek_part(proposal, sizeof proposal, part, NULL, &len),
                     E2EE_ERR_INVALID_ARG);
  ck_assert_int_eq(e2ee_message_peek(NULL, 0, &info, sizeof info), E2EE_ERR_INVALID_ARG);
  ck_assert_int_eq(e2ee_message_peek(proposal, sizeof proposal, NULL, 0), E2EE_ERR_INVALID_ARG);
  ck_assert_int_eq(e2ee_message_peek_part(proposal, sizeof proposal, 1, NULL, NULL),
                   E2EE_ERR_INVALID_ARG);
}
END_TEST

/* References of one length, or the app could not tell where one ends; and some. */
START_TEST(references) {
  static const uint8_t same[] = {0, 1, 0, 3, 0, 1, 10, 2, 7, 7, 0, 0, 2, 8, 8, 0, 0, 0};
  uint8_t other[sizeof same];
  e2ee_message_info info;
  uint8_t refs[4];
  size_t len = sizeof refs;
  ck_assert_int_eq(e2ee_message_peek(same, sizeof same, &info, sizeof info), 0);
  ck_assert_uint_eq(info.count, 2);
  ck_assert_int_eq(e2ee_message_peek_part(same, sizeof same, E2EE_PART_KEY_PACKAGE_REF, refs, &len),
                   0);
  ck_assert_uint_eq(len, 4);
  ck_assert_int_eq(memcmp(refs, "\7\7\10\10", 4), 0);
  /* The second one shorter, its other byte in what comes next. */
  memcpy(other, same, sizeof other);
  other[12] = 1;
  other[14] = 0;
  other[15] = 0;
  other[6] = 9;
  ck_assert_int_eq(e2ee_message_peek(other, sizeof other - 1, &info, sizeof info),
                   E2EE_ERR_MALFORMED);
  /* Both empty. */
  static const uint8_t empty[] = {0, 1, 0, 3, 0, 1, 6, 0, 0, 0, 0, 0, 0, 0};
  ck_assert_int_eq(e2ee_message_peek(empty, sizeof empty, &info, sizeof info), E2EE_ERR_MALFORMED);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("peek");
  tcase_add_checked_fixture(tests, setup, teardown);
  tcase_add_test(tests, key_packages);
  tcase_add_test(tests, welcomes);
  tcase_add_test(tests, group_infos);
  tcase_add_test(tests, messages);
  tcase_add_test(tests, references);
  tcase_add_test(tests, unknown);
  return run_case("peek", tests);
}
