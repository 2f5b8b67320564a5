/*
 * Memory that runs out, at every allocation of every call in a group's life: E2EE_ERR_NOMEM, nothing
 * changed, nothing leaked, and with memory back the call succeeds.
 * SPDX-License-Identifier: ISC
 */
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "crypto/provider.h"
#include "failing.h"
#include "nomem.h"
#include "tests/run.h"

/* ---- The scene, and the calls in their order; each is one call ---- */

enum { ALICE, BOB, CAROL, DAVE, MEMBERS };

static const uint8_t state_key[32] = {1};

static struct scene {
  uint16_t suite;
  struct member members[MEMBERS];
  e2ee_commit *plan;
  e2ee_incoming *incoming;
  e2ee_media *media;
  e2ee_sender *sender;
  e2ee_receiver *receiver;
  e2ee_bytes *bytes, *second;
  e2ee_bytes *key_package, *other_key_package, *message, *welcome;
  e2ee_client *loaded_client;
  uint8_t value[256];
  size_t size;
} scene;

#define alice (&scene.members[ALICE])
#define bob (&scene.members[BOB])
#define carol (&scene.members[CAROL])
#define dave (&scene.members[DAVE]) /* never joins */

static int make_alice(void) {
  return e2ee_client_new(scene.suite, TEXT("alice"), &alice->client);
}

static int make_bob(void) {
  return e2ee_client_new(scene.suite, TEXT("bob"), &bob->client);
}

static int make_carol(void) {
  return e2ee_client_new(scene.suite, TEXT("carol"), &carol->client);
}

static int make_dave(void) {
  return e2ee_client_new(scene.suite, TEXT("dave"), &dave->client);
}

static int make_group(void) {
  return e2ee_group_new(alice->client, TEXT("a group"), &alice->group);
}

static int make_key_package(void) {
  return e2ee_key_package_new(bob->client, &scene.key_package);
}

static int make_other_key_package(void) {
  return e2ee_key_package_new(dave->client, &scene.other_key_package);
}

static int read_key_package(void) {
  scene.size = sizeof scene.value;
  return e2ee_key_package_identity(BYTES(scene.key_package), scene.value, &scene.size);
}

static int alice_plans(void) {
  return e2ee_commit_new(alice->group, &scene.plan);
}

static int bob_plans(void) {
  return e2ee_commit_new(bob->group, &scene.plan);
}

static int plan_add(void) {
  return e2ee_commit_add(scene.plan, BYTES(scene.key_package));
}

static int plan_remove(void) {
  return e2ee_commit_remove(scene.plan, leaf_of(carol));
}

static int build(void) {
  return e2ee_commit_build(scene.plan, &scene.message, &scene.welcome);
}

static int tell_pending(void) {
  return e2ee_group_pending_commit(alice->group, &scene.bytes, &scene.second);
}

static int alice_accepts(void) {
  return e2ee_group_commit_accepted(alice->group);
}

static int bob_accepts(void) {
  return e2ee_group_commit_accepted(bob->group);
}

static int bob_opens(void) {
  return e2ee_welcome_open(bob->client, BYTES(scene.welcome), NULL, 0, &scene.incoming);
}

static int bob_joins(void) {
  return e2ee_incoming_join(scene.incoming, &bob->group);
}

static int read_change(void) {
  scene.size = sizeof scene.value;
  return e2ee_incoming_member(scene.incoming, 0, E2EE_MEMBER_SAFETY_CODE, scene.value, &scene.size);
}

static int read_sender(void) {
  scene.size = sizeof scene.value;
  return e2ee_incoming_sender(scene.incoming, E2EE_MEMBER_SAFETY_CODE, scene.value, &scene.size);
}

static int list_proposals(void) {
  return e2ee_group_proposals(alice->group, &scene.incoming);
}

static int propose_add(void) {
  return e2ee_group_propose_add(bob->group, BYTES(scene.other_key_package), &scene.message);
}

static int propose_update(void) {
  return e2ee_group_propose_update(bob->group, &scene.message);
}

static int propose_remove(void) {
  return e2ee_group_propose_remove(bob->group, leaf_of(alice), &scene.message);
}

static int propose_leave(void) {
  return e2ee_group_propose_leave(bob->group, &scene.message);
}

static int alice_processes(void) {
  return e2ee_group_process(alice->group, BYTES(scene.message), &scene.incoming);
}

static int bob_processes(void) {
  return e2ee_group_process(bob->group, BYTES(scene.message), &scene.incoming);
}

static int carol_processes(void) {
  return e2ee_group_process(carol->group, BYTES(scene.message), &scene.incoming);
}

static int accept(void) {
  return e2ee_incoming_accept(scene.incoming);
}

static int tell_group_info(void) {
  return e2ee_group_info(alice->group, &scene.message);
}

static int carol_joins_from_outside(void) {
  return e2ee_group_join_external(carol->client, BYTES(scene.message), NULL, 0, &scene.bytes,
                                  &carol->group);
}

static int save_outside(void) {
  return e2ee_group_save(carol->group, state_key, sizeof state_key, &scene.bytes);
}

static int load_outside(void) {
  return e2ee_group_load(carol->client, state_key, sizeof state_key, BYTES(scene.bytes),
                         &carol->group);
}

static int carol_accepts(void) {
  return e2ee_group_commit_accepted(carol->group);
}

static int encrypt(void) {
  return e2ee_group_encrypt(bob->group, TEXT("hello"), &scene.message);
}

static int read_data(void) {
  scene.size = sizeof scene.value;
  return e2ee_incoming_data(scene.incoming, scene.value, &scene.size);
}

static int export(void) {
  return e2ee_group_export(bob->group, "x", 1, NULL, 0, scene.value, 32);
}

static int read_member(void) {
  scene.size = sizeof scene.value;
  return e2ee_group_member(bob->group, leaf_of(alice), E2EE_MEMBER_SAFETY_CODE, scene.value,
                           &scene.size);
}

static int read_safety_code(void) {
  scene.size = sizeof scene.value;
  return e2ee_group_safety_code(bob->group, scene.value, &scene.size);
}

static int save_client(void) {
  return e2ee_client_save(alice->client, state_key, sizeof state_key, &scene.bytes);
}

static int load_client(void) {
  return e2ee_client_load(state_key, sizeof state_key, BYTES(scene.bytes), &scene.loaded_client);
}

static int save_group(void) {
  return e2ee_group_save(alice->group, state_key, sizeof state_key, &scene.bytes);
}

static int load_group(void) {
  return e2ee_group_load(alice->client, state_key, sizeof state_key, BYTES(scene.bytes),
                         &alice->group);
}

static int make_media(void) {
  return e2ee_media_new(0, &scene.media);
}

static int install(void) {
  return e2ee_media_install(scene.media, bob->group);
}

static int make_sender(void) {
  return e2ee_sender_new(scene.media, &scene.sender);
}

static int activate(void) {
  return e2ee_media_activate(scene.media, epoch_of(bob));
}

static int make_receiver(void) {
  return e2ee_receiver_new(scene.media, &scene.receiver);
}

static int read_media_member(void) {
  scene.size = sizeof scene.value;
  return e2ee_media_member(scene.media, epoch_of(bob), leaf_of(alice), E2EE_MEMBER_SAFETY_CODE,
                           scene.value, &scene.size);
}

/* ---- Between the calls ---- */

/* What a call has made and nobody needs any more. */
static void tidy(void) {
  e2ee_client_free(scene.loaded_client);
  scene.loaded_client = NULL;
  e2ee_incoming_free(scene.incoming);
  e2ee_commit_free(scene.plan);
  scene.incoming = NULL;
  scene.plan = NULL;
  drop(&scene.bytes);
  drop(&scene.second);
}

/* A message that has done its duty, too. */
static void clear(void) {
  tidy();
  drop(&scene.message);
  drop(&scene.welcome);
}

/* An external commit is what the next call processes. */
static void take_commit(void) {
  drop(&scene.message);
  scene.message = scene.bytes;
  scene.bytes = NULL;
}

/* The program ends, and loads what it has saved. */
static void close_alice(void) {
  e2ee_group_free(alice->group);
  alice->group = NULL;
}

static void close_carol(void) {
  e2ee_group_free(carol->group);
  carol->group = NULL;
}

static const struct step steps[] = {
    {"e2ee_client_new", make_alice, NULL},
    {"e2ee_client_new", make_bob, NULL},
    {"e2ee_client_new", make_carol, NULL},
    {"e2ee_client_new", make_dave, NULL},
    {"e2ee_group_new", make_group, NULL},
    {"e2ee_key_package_new", make_key_package, NULL},
    {"e2ee_key_package_new", make_other_key_package, NULL},
    {"e2ee_key_package_identity", read_key_package, NULL},
    /* Alice adds bob. */
    {"e2ee_commit_new", alice_plans, NULL},
    {"e2ee_commit_add", plan_add, NULL},
    {"e2ee_commit_build, a Welcome", build, NULL},
    {"e2ee_group_pending_commit", tell_pending, tidy},
    {"e2ee_group_save, with a pending commit", save_group, close_alice},
    {"e2ee_group_load, with a pending commit", load_group, tidy},
    {"e2ee_group_commit_accepted", alice_accepts, NULL},
    {"e2ee_welcome_open", bob_opens, NULL},
    {"e2ee_incoming_member, of a Welcome", read_change, NULL},
    {"e2ee_incoming_join", bob_joins, clear},
    /* Bob proposes dave and himself anew; alice commits it, he hears of it. */
    {"e2ee_group_propose_add", propose_add, NULL},
    {"e2ee_group_process, an Add", alice_processes, NULL},
    {"e2ee_incoming_member, of an Add", read_change, NULL},
    {"e2ee_incoming_sender, of an Add", read_sender, NULL},
    {"e2ee_incoming_accept, an Add", accept, clear},
    {"e2ee_group_propose_update, lost", propose_update, clear},
    {"e2ee_group_propose_update", propose_update, NULL},
    {"e2ee_group_process, an Update", alice_processes, NULL},
    {"e2ee_incoming_accept, an Update", accept, clear},
    {"e2ee_group_proposals", list_proposals, tidy},
    {"e2ee_group_save, with proposals", save_group, tidy},
    {"e2ee_commit_new", alice_plans, NULL},
    {"e2ee_commit_build, proposals", build, NULL},
    {"e2ee_group_process, the own commit", alice_processes, NULL},
    {"e2ee_incoming_accept, the own commit", accept, tidy},
    {"e2ee_group_process, a commit", bob_processes, NULL},
    {"e2ee_incoming_accept, a commit", accept, clear},
    /* Messages, and what is read of the group. */
    {"e2ee_group_encrypt", encrypt, NULL},
    {"e2ee_group_process, application data", alice_processes, NULL},
    {"e2ee_incoming_data", read_data, clear},
    {"e2ee_group_export", export, NULL},
    {"e2ee_group_member", read_member, NULL},
    {"e2ee_group_safety_code", read_safety_code, NULL},
    /* Carol joins from outside. */
    {"e2ee_group_info", tell_group_info, NULL},
    {"e2ee_group_join_external", carol_joins_from_outside, take_commit},
    {"e2ee_group_save, from outside", save_outside, close_carol},
    {"e2ee_group_load, from outside", load_outside, tidy},
    {"e2ee_group_process, an external commit", alice_processes, NULL},
    {"e2ee_incoming_accept, an external commit", accept, tidy},
    {"e2ee_group_process, an external commit", bob_processes, NULL},
    {"e2ee_incoming_accept, an external commit", accept, tidy},
    {"e2ee_group_process, the own external commit", carol_processes, tidy},
    {"e2ee_group_commit_accepted, an external commit", carol_accepts, clear},
    /* Saved state. */
    {"e2ee_client_save", save_client, NULL},
    {"e2ee_client_load", load_client, tidy},
    {"e2ee_group_save", save_group, close_alice},
    {"e2ee_group_load", load_group, tidy},
    /* Media. */
    {"e2ee_media_new", make_media, NULL},
    {"e2ee_media_install", install, NULL},
    {"e2ee_sender_new", make_sender, NULL},
    {"e2ee_media_activate", activate, NULL},
    {"e2ee_receiver_new", make_receiver, NULL},
    {"e2ee_media_member", read_media_member, NULL},
    /* Bob removes carol, and asks to leave himself. */
    {"e2ee_commit_new", bob_plans, NULL},
    {"e2ee_commit_remove", plan_remove, NULL},
    {"e2ee_commit_build, a removal", build, NULL},
    {"e2ee_group_process, a removal", alice_processes, NULL},
    {"e2ee_incoming_accept, a removal", accept, tidy},
    {"e2ee_group_process, the own removal", carol_processes, NULL},
    {"e2ee_incoming_accept, the own removal", accept, tidy},
    {"e2ee_group_commit_accepted", bob_accepts, clear},
    {"e2ee_media_install, the next epoch", install, NULL},
    {"e2ee_media_activate, the next epoch", activate, NULL},
    {"e2ee_group_propose_remove", propose_remove, clear},
    {"e2ee_group_propose_leave", propose_leave, clear},
};

static void free_all(void) {
  clear();
  e2ee_receiver_free(scene.receiver);
  e2ee_sender_free(scene.sender);
  e2ee_media_free(scene.media);
  members_free(scene.members, MEMBERS);
  drop(&scene.key_package);
  drop(&scene.other_key_package);
}

static void live(uint16_t suite, enum whose whose) {
  long blocks = failing_blocks();
  size_t tries = 0;
  memset(&scene, 0, sizeof scene);
  scene.suite = suite;
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
    tries += nomem_run(&steps[i], whose, scene.members, MEMBERS);
  ck_assert_uint_gt(tries, sizeof steps / sizeof *steps);
  ck_assert_uint_eq(epoch_of(alice), epoch_of(bob));
  free_all();
  ck_assert_int_eq(failing_blocks(), blocks);
}

START_TEST(our_memory) {
  ck_assert_int_eq(e2ee_init(), E2EE_OK);
  if (e2ee_supported(E2EE_SUITE_MLS, (uint16_t)_i) == 1)
    live((uint16_t)_i, OURS);
}
END_TEST

/* Each of its curves.  Of suite 1 it has nothing to do where the processor has AES. */
static const uint16_t openssl_suites[] = {2, 4, 5, 7};

/* Some of what OpenSSL prepares when a process first uses a curve it tries once and never again, so
 * with memory here: docs/decisions.md. */
START_TEST(memory_of_openssl) {
  e2ee_client *first = NULL;
  ck_assert_int_eq(e2ee_client_new(openssl_suites[_i], TEXT("first"), &first), E2EE_OK);
  e2ee_client_free(first);
  live(openssl_suites[_i], OPENSSL);
}
END_TEST

/* Of the sanitizer, where there is one. */
__attribute__((weak)) void __lsan_disable(void);

/* A start that failed half way is tried again, from where it stands.  OpenSSL forgets memory of its own when
 * there is none left in the middle of its start: whoever looks for leaks does not count what is taken
 * here, which stays for the life of the process in any case. */
START_TEST(start) {
  const struct step step = {"e2ee_init", e2ee_init, NULL};
  if (_i == OPENSSL && __lsan_disable != NULL)
    __lsan_disable();
  ck_assert_uint_gt(nomem_run(&step, (enum whose)_i, NULL, 0), 0);
  for (uint16_t suite = 1; suite <= (HAVE_OPENSSL ? 7 : 3); suite++)
    ck_assert_int_eq(e2ee_supported(E2EE_SUITE_MLS, suite), 1);
}
END_TEST

/* Whether or not it is what this processor picks. */
static const struct aead *backend_aead;
static const struct ctr *backend_ctr;
static const uint8_t zero_key[AEAD_KEY_MAX];

static int new_aead_key(void) {
  struct aead_key *key = NULL;
  enum err err = backend_aead->key_new(zero_key, &key);
  if (err == OK)
    backend_aead->key_free(key);
  return err;
}

static int new_ctr_key(void) {
  struct ctr_key *key = NULL;
  enum err err = backend_ctr->key_new(zero_key, &key);
  if (err == OK)
    backend_ctr->key_free(key);
  return err;
}

/* OpenSSL has memory of its own, all others take ours. */
static enum whose whose_key(const char *backend) {
  return strcmp(backend, "OpenSSL") == 0 ? OPENSSL : OURS;
}

START_TEST(keys_of_backends) {
  const struct step aead_step = {"an AEAD key", new_aead_key, NULL};
  const struct step ctr_step = {"a key for counting", new_ctr_key, NULL};
  size_t of_openssl = 0;
  ck_assert_int_eq(e2ee_init(), E2EE_OK);
  for (unsigned id = 0; id < AEAD_COUNT; id++)
    for (size_t i = 0; (backend_aead = provider_aead_at((enum aead_id)id, i)) != NULL; i++) {
      const enum whose whose = whose_key(backend_aead->backend);
      ck_assert_uint_gt(nomem_run(&aead_step, whose, NULL, 0), 0);
      of_openssl += whose == OPENSSL;
    }
  for (unsigned id = 0; id < CTR_COUNT; id++)
    for (size_t i = 0; (backend_ctr = provider_ctr_at((enum ctr_id)id, i)) != NULL; i++) {
      const enum whose whose = whose_key(backend_ctr->backend);
      ck_assert_uint_gt(nomem_run(&ctr_step, whose, NULL, 0), 0);
      of_openssl += whose == OPENSSL;
    }
  ck_assert_uint_eq(of_openssl, HAVE_OPENSSL ? AEAD_COUNT + CTR_COUNT : 0);
}
END_TEST

int main(void) {
  TCase *cases = tcase_create("life");
  tcase_set_timeout(cases, 240);
  tcase_add_loop_test(cases, our_memory, 1, 4);
  if (!nomem_start())
    return EXIT_FAILURE;
  if (HAVE_OPENSSL) {
    tcase_add_loop_test(cases, memory_of_openssl, 0,
                        sizeof openssl_suites / sizeof *openssl_suites);
  }
  tcase_add_loop_test(cases, start, OURS, HAVE_OPENSSL ? OPENSSL + 1 : OURS + 1);
  tcase_add_test(cases, keys_of_backends);
  return run_case("nomem", cases);
}
