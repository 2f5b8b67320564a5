/*
 * A KEM that is no Diffie-Hellman, put into a suite from outside: nothing above the seam may depend on
 * what the real ones have in common.  What it sends is longer than its public key, its private keys are
 * seeds, and its sizes are all different.  (It has no security whatever.)
 * SPDX-License-Identifier: ISC
 */
#include <check.h>
#include <string.h>

#include "company.h"
#include "crypto/hpke.h"
#include "crypto/provider.h"
#include "mls/group/groupinfo.h"
#include "state/snapshot.h"
#include "tests/run.h"

enum { TOY_PRIVATE = 24, TOY_PUBLIC = 40, TOY_OUTPUT = 97, TOY_SECRET = 48, MEMBERS = 7 };

/* ---- The toy: a public key is a hash of the seed, and what is sent is masked with the public key ---- */

static void stretch(struct view first, struct view second, uint8_t *out, size_t size) {
  uint8_t digest[HASH_MAX], counter = 0;
  for (size_t done = 0; done < size; counter++) {
    const struct view parts[] = {view_of(&counter, 1), first, second};
    ck_assert_int_eq(provider_hash(HASH_SHA256)->digest(parts, 3, digest), OK);
    size_t piece = size - done < 32 ? size - done : 32;
    memcpy(out + done, digest, piece);
    done += piece;
  }
}

static enum err toy_prove(const struct kem *kem) {
  (void)kem;
  return OK;
}

static enum err toy_derive_public(const struct kem *kem, const uint8_t *private_key,
                                  uint8_t *public_key) {
  (void)kem;
  stretch(VIEW_TEXT("public"), view_of(private_key, TOY_PRIVATE), public_key, TOY_PUBLIC);
  return OK;
}

static enum err toy_derive_key_pair(const struct kem *kem, struct view input,
                                    struct secret *private_key, uint8_t *public_key) {
  private_key->size = TOY_PRIVATE;
  stretch(VIEW_TEXT("private"), input, private_key->bytes, TOY_PRIVATE);
  return toy_derive_public(kem, private_key->bytes, public_key);
}

static enum err toy_generate_key_pair(const struct kem *kem, struct secret *private_key,
                                      uint8_t *public_key) {
  enum err err = provider_random_secret(private_key, TOY_PRIVATE);
  return err == OK ? toy_derive_public(kem, private_key->bytes, public_key) : err;
}

static enum err toy_check_public(const struct kem *kem, const uint8_t *public_key) {
  static const uint8_t zeros[TOY_PUBLIC];
  (void)kem;
  return memcmp(public_key, zeros, sizeof zeros) == 0 ? ERR_MALFORMED : OK;
}

static enum err toy_encapsulate(const struct kem *kem, const uint8_t *public_key,
                                struct secret *shared, uint8_t *output) {
  (void)kem;
  provider_random(output, TOY_OUTPUT);
  output[TOY_OUTPUT - 1] = 0x2a;
  shared->size = TOY_SECRET;
  stretch(view_of(public_key, TOY_PUBLIC), view_of(output, TOY_OUTPUT), shared->bytes, TOY_SECRET);
  return OK;
}

static enum err toy_decapsulate(const struct kem *kem, const uint8_t *private_key,
                                const uint8_t *public_key, const uint8_t *output,
                                struct secret *shared) {
  uint8_t derived[TOY_PUBLIC];
  if (output[TOY_OUTPUT - 1] != 0x2a)
    return ERR_MALFORMED;
  enum err err = toy_derive_public(kem, private_key, derived);
  ck_assert(public_key == NULL || memcmp(public_key, derived, sizeof derived) == 0);
  shared->size = TOY_SECRET;
  stretch(VIEW_ARRAY(derived), view_of(output, TOY_OUTPUT), shared->bytes, TOY_SECRET);
  return err;
}

static const struct kem toy = {.id = 0xfe01,
                               .public_size = TOY_PUBLIC,
                               .private_size = TOY_PRIVATE,
                               .output_size = TOY_OUTPUT,
                               .secret_size = TOY_SECRET,
                               .prove = toy_prove,
                               .generate_key_pair = toy_generate_key_pair,
                               .derive_key_pair = toy_derive_key_pair,
                               .derive_public = toy_derive_public,
                               .check_public = toy_check_public,
                               .encapsulate = toy_encapsulate,
                               .decapsulate = toy_decapsulate};

/* The rows of suite.c are const to all but the one who fills them: here that is the test. */
static void set_up(void) {
  ck_assert_int_eq(provider_init(), OK);
  ((struct suite *)(uintptr_t)suite_find(1))->kem = &toy;
}

/* ---- HPKE ---- */

START_TEST(sealed_and_opened) {
  const struct suite *suite = suite_find(1);
  struct secret private_key = {0};
  uint8_t public_key[KEM_PUBLIC_MAX];
  struct bytes output = {0}, ciphertext = {0}, plaintext = {0};
  ck_assert_int_eq(hpke_generate_key_pair(suite, &private_key, public_key), OK);
  struct view key = view_of(public_key, TOY_PUBLIC);
  ck_assert_int_eq(hpke_check_public_key(suite, key), OK);
  ck_assert_int_eq(hpke_check_public_key(suite, view_of(public_key, TOY_PUBLIC - 1)),
                   ERR_MALFORMED);
  ck_assert_int_eq(hpke_check_key_pair(suite, &private_key, key), OK);
  ck_assert_int_eq(hpke_seal(suite, key, VIEW_TEXT("info"), VIEW_TEXT("aad"), VIEW_TEXT("text"),
                             &output, &ciphertext),
                   OK);
  ck_assert_uint_eq(output.size, TOY_OUTPUT);
  ck_assert_int_eq(hpke_open(suite, &private_key, bytes_view(&output), VIEW_TEXT("info"),
                             VIEW_TEXT("aad"), bytes_view(&ciphertext), &plaintext),
                   OK);
  ck_assert(view_equal(bytes_view(&plaintext), VIEW_TEXT("text")));
  /* Neither a public key's size nor any other is that of an output. */
  for (size_t size = 0; size < TOY_OUTPUT; size++)
    ck_assert_int_eq(hpke_open(suite, &private_key, view_of(output.data, size), VIEW_TEXT("info"),
                               VIEW_TEXT("aad"), bytes_view(&ciphertext), &plaintext),
                     ERR_MALFORMED);
  bytes_free(&output);
  bytes_free(&ciphertext);
  bytes_free(&plaintext);
}
END_TEST

/* ---- Groups ---- */

static void greet(struct member *from, struct member *to) {
  struct bytes message = member_says(from, "hello");
  (void)member_reads(to, bytes_view(&message), "hello");
  bytes_free(&message);
}

START_TEST(group_goes_on) {
  struct member members[MEMBERS];
  struct bytes info = {0};
  struct commit_plan plan = {0};
  for (size_t i = 0; i < MEMBERS; i++)
    members[i] = member_new(1, (char)('a' + i));
  company_new(members, MEMBERS, MEMBERS - 1); /* by Welcome */
  for (size_t i = 0; i < MEMBERS - 1; i++)
    company_commit(members, MEMBERS, i);
  ck_assert_int_eq(commit_plan_remove(&plan, members[2].group, 4), OK);
  ck_assert_int_eq(commit_build(members[2].group, &plan), OK);
  company_deliver(members, MEMBERS, 2);
  ck_assert(members[4].group->left);
  /* From outside. */
  ck_assert_int_eq(group_info(members[1].group, &info), OK);
  ck_assert_int_eq(
      join_external(members[6].client, bytes_view(&info), VIEW_NONE, &members[6].group), OK);
  company_deliver(members, MEMBERS, 6);
  for (size_t i = 0; i < MEMBERS; i++)
    if (i != 4)
      members_agree(&members[6], &members[i]);
  greet(&members[6], &members[0]);
  greet(&members[5], &members[6]);
  commit_plan_free(&plan);
  bytes_free(&info);
  company_free(members, MEMBERS);
}
END_TEST

START_TEST(saved_and_loaded) {
  static const uint8_t key[32] = {7};
  struct member members[2] = {member_new(1, 'a'), member_new(1, 'b')}, again = {NULL, NULL};
  struct bytes client = {0}, group = {0}, key_package = {0};
  struct why why = {""};
  company_new(members, 2, 2);
  ck_assert_int_eq(client_key_package(members[1].client, &key_package), OK);
  ck_assert_int_eq(snapshot_save_client(members[1].client, VIEW_ARRAY(key), &client), OK);
  ck_assert_int_eq(snapshot_save_group(members[1].group, VIEW_ARRAY(key), &group), OK);
  ck_assert_int_eq(snapshot_load_client(VIEW_ARRAY(key), bytes_view(&client), &why, &again.client),
                   OK);
  ck_assert_int_eq(
      snapshot_load_group(again.client, VIEW_ARRAY(key), bytes_view(&group), &again.group), OK);
  members_agree(&members[0], &again);
  /* The loaded one is the second from now on. */
  member_free(&members[1]);
  members[1] = again;
  company_commit(members, 2, 0);
  company_commit(members, 2, 1);
  members_agree(&members[0], &members[1]);
  bytes_free(&client);
  bytes_free(&group);
  bytes_free(&key_package);
  company_free(members, 2);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("kem");
  tcase_add_unchecked_fixture(tests, set_up, NULL);
  tcase_add_test(tests, sealed_and_opened);
  tcase_add_test(tests, group_goes_on);
  tcase_add_test(tests, saved_and_loaded);
  return run_case("kem", tests);
}
