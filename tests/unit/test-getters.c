/*
 * What is read into a buffer or struct of the caller: every size asked for, exact, too small and too
 * large, twice the same.
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include <e2ee/mls.h>

#include "fixture.h"
#include "tests/run.h"

enum { ALICE, BOB, CAROL, MEMBERS };

static struct member members[MEMBERS];
static struct member *const alice = &members[ALICE], *const bob = &members[BOB],
                            *const carol = &members[CAROL];
static e2ee_bytes *key_package;
static e2ee_incoming *of_application, *of_commit, *of_reinit, *opened;
static e2ee_group *ended; /* another one of bob's */
static e2ee_media *media;
static e2ee_sender *sender;
static e2ee_receiver *receiver;

/* Dave ends a group that bob is in. */
static void end_group(void) {
  struct member dave = member_new("dave"), here = {bob->client, NULL};
  e2ee_bytes *package = NULL, *welcome = NULL, *message = NULL, *none = NULL;
  e2ee_commit *plan = NULL;
  ck_assert_done(&dave, e2ee_group_new(dave.client, TEXT("short"), &dave.group));
  package = key_package_of(&here);
  e2ee_bytes_free(build_commit(&dave, package, UINT32_MAX, &welcome));
  ck_assert_done(&dave, e2ee_group_commit_accepted(dave.group));
  join(&here, welcome);
  ck_assert_done(&dave, e2ee_commit_new(dave.group, &plan));
  ck_assert_done(&dave, e2ee_commit_reinit(plan, TEXT("longer"), SUITE));
  ck_assert_done(&dave, e2ee_commit_build(plan, &message, &none));
  of_reinit = process(&here, message);
  ck_assert_done(&here, e2ee_incoming_accept(of_reinit));
  ended = here.group;
  e2ee_commit_free(plan);
  e2ee_bytes_free(package);
  e2ee_bytes_free(welcome);
  e2ee_bytes_free(message);
  member_free(&dave);
}

static void setup(void) {
  e2ee_bytes *message = NULL, *welcome = NULL;
  members_new(members, MEMBERS);
  found_group(members, CAROL);
  ck_assert_done(
      alice, e2ee_group_encrypt_with(alice->group, TEXT("in the clear"), TEXT("hello"), &message));
  of_application = process(bob, message);
  e2ee_bytes_free(message);
  key_package = key_package_of(carol);
  message = build_commit(alice, key_package, UINT32_MAX, &welcome);
  of_commit = process(bob, message);
  ck_assert_done(carol, e2ee_welcome_open(carol->client, BYTES(welcome), NULL, 0, &opened));
  e2ee_bytes_free(message);
  e2ee_bytes_free(welcome);
  end_group();
  ck_assert_int_eq(e2ee_media_new(0, &media), E2EE_OK);
  ck_assert_done(bob, e2ee_media_install(media, bob->group));
  ck_assert_int_eq(e2ee_media_activate(media, 1), E2EE_OK);
  ck_assert_int_eq(e2ee_sender_new(media, &sender), E2EE_OK);
  ck_assert_int_eq(e2ee_receiver_new(media, &receiver), E2EE_OK);
}

static void teardown(void) {
  e2ee_incoming_free(of_application);
  e2ee_incoming_free(of_commit);
  e2ee_incoming_free(of_reinit);
  e2ee_incoming_free(opened);
  e2ee_receiver_free(receiver);
  e2ee_sender_free(sender);
  e2ee_media_free(media);
  e2ee_group_free(ended);
  e2ee_bytes_free(key_package);
  members_free(members, MEMBERS);
}

/* ---- Buffers ---- */

static int public_key(uint8_t *out, size_t *len) {
  return e2ee_client_public_key(bob->client, out, len);
}

static int explain(uint8_t *out, size_t *len) {
  (void)!e2ee_group_commit_accepted(bob->group);
  return e2ee_client_explain(bob->client, out, len);
}

static int key_package_identity(uint8_t *out, size_t *len) {
  return e2ee_key_package_identity(BYTES(key_package), out, len);
}

static int group_id(uint8_t *out, size_t *len) {
  return e2ee_group_id(bob->group, out, len);
}

static int member_identity(uint8_t *out, size_t *len) {
  return e2ee_group_member(bob->group, ALICE, E2EE_MEMBER_IDENTITY, out, len);
}

static int member_public_key(uint8_t *out, size_t *len) {
  return e2ee_group_member(bob->group, ALICE, E2EE_MEMBER_PUBLIC_KEY, out, len);
}

static int member_safety_code(uint8_t *out, size_t *len) {
  return e2ee_group_member(bob->group, ALICE, E2EE_MEMBER_SAFETY_CODE, out, len);
}

static int member_credential(uint8_t *out, size_t *len) {
  return e2ee_group_member(bob->group, ALICE, E2EE_MEMBER_CREDENTIAL, out, len);
}

static int data(uint8_t *out, size_t *len) {
  return e2ee_incoming_data(of_application, out, len);
}

static int authenticated_data(uint8_t *out, size_t *len) {
  return e2ee_incoming_authenticated_data(of_application, out, len);
}

static int change_identity(uint8_t *out, size_t *len) {
  return e2ee_incoming_member(of_commit, 0, E2EE_MEMBER_IDENTITY, out, len);
}

static int change_safety_code(uint8_t *out, size_t *len) {
  return e2ee_incoming_member(opened, 0, E2EE_MEMBER_SAFETY_CODE, out, len);
}

static int change_data(uint8_t *out, size_t *len) {
  uint16_t type = 0;
  return e2ee_incoming_change_data(of_reinit, 0, &type, out, len);
}

static int reinit(uint8_t *out, size_t *len) {
  return e2ee_group_reinit(ended, NULL, out, len);
}

static int safety_code(uint8_t *out, size_t *len) {
  return e2ee_group_safety_code(bob->group, out, len);
}

static int epoch_authenticator(uint8_t *out, size_t *len) {
  return e2ee_group_epoch_authenticator(bob->group, out, len);
}

static int media_member(uint8_t *out, size_t *len) {
  return e2ee_media_member(media, 1, ALICE, E2EE_MEMBER_SAFETY_CODE, out, len);
}

#define DIGITS 71 /* twelve times five, with spaces between */

static const struct {
  const char *name;
  int (*get)(uint8_t *out, size_t *len);
  size_t size;
  const char *value; /* NULL: not known */
} getters[] = {
    {"public key", public_key, 32, NULL},
    {"explanation", explain, 26, "there is no pending commit"},
    {"identity in a key package", key_package_identity, 5, "carol"},
    {"group id", group_id, 7, "a group"},
    {"member's identity", member_identity, 5, "alice"},
    {"member's public key", member_public_key, 32, NULL},
    {"member's safety code", member_safety_code, DIGITS, NULL},
    {"member's credential", member_credential, 8, "\0\1\5alice"},
    {"application data", data, 5, "hello"},
    {"authenticated data", authenticated_data, 12, "in the clear"},
    {"identity in a change", change_identity, 5, "carol"},
    {"safety code in a change", change_safety_code, DIGITS, NULL},
    {"data of a change", change_data, 6, "longer"},
    {"id of the next group", reinit, 6, "longer"},
    {"safety code", safety_code, DIGITS, NULL},
    {"epoch authenticator", epoch_authenticator, 32, NULL},
    {"safety code in media", media_member, DIGITS, NULL},
};

#define UNTOUCHED 0xa5

/* Ask with a capacity.  @return the error; the buffer behind what may be written is untouched */
static int get(size_t i, uint8_t *out, size_t capacity) {
  uint8_t buffer[256];
  size_t size = capacity;
  memset(buffer, UNTOUCHED, sizeof buffer);
  int err = getters[i].get(buffer, &size);
  ck_assert_msg(size == getters[i].size, "%s: a size of %zu", getters[i].name, size);
  for (size_t at = err == E2EE_OK ? size : 0; at < sizeof buffer; at++)
    ck_assert_msg(buffer[at] == UNTOUCHED, "%s: byte %zu was written", getters[i].name, at);
  memcpy(out, buffer, size);
  return err;
}

START_TEST(buffers) {
  size_t i = (size_t)_i, size = 0, wanted = getters[i].size;
  uint8_t exact[256], larger[256], none[256];
  const struct facts before = facts_of(bob->group);
  ck_assert_int_eq(getters[i].get(NULL, &size), E2EE_OK);
  ck_assert_msg(size == wanted, "%s: a size of %zu", getters[i].name, size);
  size = SIZE_MAX; /* of no meaning without a buffer */
  ck_assert_int_eq(getters[i].get(NULL, &size), E2EE_OK);
  ck_assert_uint_eq(size, wanted);

  ck_assert_int_eq(get(i, exact, wanted), E2EE_OK);
  ck_assert_int_eq(get(i, larger, wanted + 100), E2EE_OK);
  ck_assert_int_eq(get(i, none, wanted - 1), E2EE_ERR_BUFFER_TOO_SMALL);
  ck_assert_int_eq(get(i, none, 0), E2EE_ERR_BUFFER_TOO_SMALL);
  ck_assert_mem_eq(exact, larger, wanted);
  if (getters[i].value != NULL)
    ck_assert_mem_eq(exact, getters[i].value, wanted);
  expect_unchanged(bob->group, &before);
}
END_TEST

/* ---- Structs ---- */

static int group_status(void *out, size_t size) {
  return e2ee_group_get_status(bob->group, out, size);
}

static int incoming_status(void *out, size_t size) {
  return e2ee_incoming_get_status(of_commit, out, size);
}

static int change(void *out, size_t size) {
  return e2ee_incoming_change(of_commit, 0, out, size);
}

static int stats(void *out, size_t size) {
  return e2ee_media_stats(media, out, size);
}

static const uint8_t frame[40] = {0}; /* KID 0, counter 0 */

static int peeked(void *out, size_t size) {
  return e2ee_frame_peek(frame, sizeof frame, out, size);
}

/* Each frame of an epoch not installed makes an event, once. */
static int event(void *out, size_t size) {
  uint8_t buffer[sizeof frame];
  size_t read = 0;
  static const uint8_t unknown[40] = {0x20};
  ck_assert_int_eq(e2ee_media_install(media, bob->group), E2EE_OK);
  int err = e2ee_receiver_decrypt(receiver, NULL, 0, unknown, sizeof unknown, buffer, sizeof buffer,
                                  &read, NULL, 0);
  ck_assert_int_eq(err, E2EE_ERR_NO_KEY);
  return e2ee_media_next_event(media, out, size);
}

static const struct {
  const char *name;
  int (*fill)(void *out, size_t size);
  size_t size;
} fills[] = {
    {"e2ee_group_status", group_status, sizeof(e2ee_group_status)},
    {"e2ee_incoming_status", incoming_status, sizeof(e2ee_incoming_status)},
    {"e2ee_change", change, sizeof(e2ee_change)},
    {"e2ee_stats", stats, sizeof(e2ee_stats)},
    {"e2ee_frame_info", peeked, sizeof(e2ee_frame_info)},
};

START_TEST(structs) {
  size_t i = (size_t)_i, size = fills[i].size;
  uint8_t whole[256], out[256];
  ck_assert_int_eq(fills[i].fill(whole, size), E2EE_OK);
  for (size_t given = 1; given <= size + 64; given++) {
    memset(out, UNTOUCHED, sizeof out);
    ck_assert_int_eq(fills[i].fill(out, given), E2EE_OK);
    for (size_t at = 0; at < sizeof out; at++) {
      uint8_t wanted = at >= given ? UNTOUCHED : at >= size ? 0 : whole[at];
      ck_assert_msg(out[at] == wanted, "%s of %zu bytes: byte %zu is %u", fills[i].name, given, at,
                    out[at]);
    }
  }
}
END_TEST

/* An event is gone once it was told: one a test. */
START_TEST(struct_of_an_event) {
  uint8_t out[sizeof(e2ee_event) + 8];
  const size_t sizes[] = {4, sizeof(e2ee_event), sizeof out};
  size_t given = sizes[_i];
  memset(out, UNTOUCHED, sizeof out);
  ck_assert_int_eq(event(out, given), 1);
  e2ee_event told = {0};
  memcpy(&told, out, given < sizeof told ? given : sizeof told);
  ck_assert_uint_eq(told.kind, E2EE_EVENT_UNKNOWN_EPOCH);
  if (given >= sizeof told)
    ck_assert_uint_eq(told.leaf, UINT32_MAX);
  for (size_t at = sizeof told; at < sizeof out; at++)
    ck_assert_uint_eq(out[at], at < given ? 0 : UNTOUCHED);
  ck_assert_int_eq(e2ee_media_next_event(media, &told, sizeof told), 0);
}
END_TEST

/* ---- Walking ---- */

START_TEST(members_are_walked_in_order) {
  struct member dave = member_new("dave");
  e2ee_bytes *package = key_package_of(&dave), *welcome = NULL;
  e2ee_incoming_free(opened);
  opened = NULL;
  ck_assert_done(alice, e2ee_group_commit_accepted(alice->group));
  e2ee_bytes_free(build_commit(alice, package, BOB, &welcome)); /* dave takes bob's place */
  ck_assert_done(alice, e2ee_group_commit_accepted(alice->group));
  e2ee_bytes_free(build_commit(alice, NULL, BOB, NULL)); /* and leaves it */
  ck_assert_done(alice, e2ee_group_commit_accepted(alice->group));
  uint32_t leaf = UINT32_MAX;
  ck_assert_int_eq(e2ee_group_member_next(alice->group, &leaf), 1);
  ck_assert_uint_eq(leaf, ALICE);
  ck_assert_int_eq(e2ee_group_member_next(alice->group, &leaf), 1);
  ck_assert_uint_eq(leaf, CAROL);
  ck_assert_int_eq(e2ee_group_member_next(alice->group, &leaf), 0);
  ck_assert_uint_eq(leaf, CAROL);
  leaf = BOB; /* a blank one may be the start as well */
  ck_assert_int_eq(e2ee_group_member_next(alice->group, &leaf), 1);
  ck_assert_uint_eq(leaf, CAROL);
  e2ee_bytes_free(package);
  e2ee_bytes_free(welcome);
  member_free(&dave);
}
END_TEST

int main(void) {
  TCase *cases = tcase_create("reading");
  tcase_add_checked_fixture(cases, setup, teardown);
  tcase_set_timeout(cases, 120);
  tcase_add_loop_test(cases, buffers, 0, sizeof getters / sizeof *getters);
  tcase_add_loop_test(cases, structs, 0, sizeof fills / sizeof *fills);
  tcase_add_loop_test(cases, struct_of_an_event, 0, 3);
  tcase_add_test(cases, members_are_walked_in_order);
  return run_case("getters", cases);
}
