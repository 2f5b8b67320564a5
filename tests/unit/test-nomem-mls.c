/*
 * Memory that runs out, at every allocation of every call of mls.h.
 * SPDX-License-Identifier: ISC
 */
#include <stdlib.h>
#include <string.h>

#include <e2ee/mls.h>

#include "config.h"
#include "failing.h"
#include "nomem.h"
#include "tests/run.h"

#define TYPE 0xf001 /* of the application's own */

enum { ALICE, BOB, CAROL, SIDE, MEMBERS };

static const uint8_t state_key[32] = {1};

static struct scene {
  uint16_t suite;
  struct member members[MEMBERS];
  e2ee_commit *plan;
  e2ee_incoming *incoming;
  e2ee_bytes *bytes, *message, *welcome, *info, *key_package;
  e2ee_group *other; /* of bob */
  uint8_t value[256];
  size_t size;
} scene;

#define alice (&scene.members[ALICE])
#define bob (&scene.members[BOB])
#define carol (&scene.members[CAROL])
#define side (&scene.members[SIDE]) /* alice, in another group */

/* ---- Calls ---- */

static int support(void) {
  return e2ee_client_support(alice->client, E2EE_TYPE_CREDENTIAL, TYPE);
}

static int carry(void) {
  return e2ee_client_extension(alice->client, E2EE_PLACE_KEY_PACKAGE, TYPE, TEXT("data"));
}

static int add_psk(void) {
  return e2ee_client_add_psk(alice->client, TEXT("psk"), TEXT("secret"));
}

static int add_same_psk(void) {
  return e2ee_client_add_psk(bob->client, TEXT("psk"), TEXT("secret"));
}

static int replace_psk(void) {
  return e2ee_client_add_psk(bob->client, TEXT("psk"), TEXT("secret"));
}

static int make_key_package(void) {
  return e2ee_key_package_new_last_resort(carol->client, &scene.key_package);
}

static int tell_tree(void) {
  return e2ee_group_ratchet_tree(alice->group, &scene.bytes);
}

static int tell_authenticator(void) {
  scene.size = sizeof scene.value;
  return e2ee_group_epoch_authenticator(alice->group, scene.value, &scene.size);
}

static int encrypt(void) {
  return e2ee_group_encrypt_with(bob->group, TEXT("clear"), TEXT("hello"), &scene.message);
}

static int read_authenticated(void) {
  scene.size = sizeof scene.value;
  return e2ee_incoming_authenticated_data(scene.incoming, scene.value, &scene.size);
}

static int propose_psk(void) {
  return e2ee_group_propose_psk(bob->group, TEXT("psk"), &scene.message);
}

static int propose_custom(void) {
  return e2ee_group_propose_custom(bob->group, TYPE, TEXT("do"), &scene.message);
}

static int propose_extension(void) {
  return e2ee_group_propose_extension(bob->group, TYPE, TEXT("data"), &scene.message);
}

static int alice_processes(void) {
  return e2ee_group_process(alice->group, BYTES(scene.message), &scene.incoming);
}

static int read_change(void) {
  scene.size = sizeof scene.value;
  return e2ee_incoming_change_data(scene.incoming, 0, NULL, scene.value, &scene.size);
}

static int accept(void) {
  return e2ee_incoming_accept(scene.incoming);
}

static int bob_plans(void) {
  return e2ee_commit_new(bob->group, &scene.plan);
}

static int plan_psk(void) {
  return e2ee_commit_psk(scene.plan, TEXT("psk"));
}

static int plan_resumption_psk(void) {
  return e2ee_commit_resumption_psk(scene.plan, epoch_of(bob));
}

static int plan_custom(void) {
  return e2ee_commit_custom(scene.plan, TYPE, TEXT("do"));
}

static int plan_extension(void) {
  return e2ee_commit_extension(scene.plan, TYPE, TEXT("other"));
}

static int plan_requirement(void) {
  return e2ee_commit_require(scene.plan, E2EE_TYPE_PROPOSAL, TYPE);
}

static int plan_sender(void) {
  uint8_t public_key[65];
  size_t size = sizeof public_key;
  int err = e2ee_client_public_key(bob->client, public_key, &size);
  return err != E2EE_OK ? err
                        : e2ee_commit_external_sender(scene.plan, public_key, size,
                                                      E2EE_CREDENTIAL_BASIC, TEXT("server"));
}

static int plan_reinit(void) {
  return e2ee_commit_reinit(scene.plan, TEXT("next"), scene.suite);
}

static int build(void) {
  return e2ee_commit_build(scene.plan, &scene.message, &scene.welcome);
}

static int bob_accepts(void) {
  return e2ee_group_commit_accepted(bob->group);
}

static int read_extension(void) {
  scene.size = sizeof scene.value;
  return e2ee_group_extension(bob->group, TYPE, scene.value, &scene.size);
}

static int propose_from_outside(void) {
  return e2ee_external_propose_remove(carol->client, TEXT("a group"), epoch_of(bob), 0, ALICE,
                                      &scene.message);
}

static int ask_to_be_added(void) {
  return e2ee_new_member_propose(carol->client, TEXT("a group"), epoch_of(bob),
                                 BYTES(scene.key_package), &scene.message);
}

static int carol_looks(void) {
  return e2ee_group_open(carol->client, BYTES(scene.info), NULL, 0, &carol->group);
}

static int carol_plans(void) {
  return e2ee_commit_new(carol->group, &scene.plan);
}

static int carol_accepts(void) {
  return e2ee_group_commit_accepted(carol->group);
}

static int save_outside(void) {
  return e2ee_group_save(carol->group, state_key, sizeof state_key, &scene.bytes);
}

static int branch(void) {
  return e2ee_group_branch(alice->group, TEXT("aside"), &side->group);
}

static int save_branch(void) {
  return e2ee_group_save(side->group, state_key, sizeof state_key, &scene.bytes);
}

static int load_branch(void) {
  return e2ee_group_load(alice->client, state_key, sizeof state_key, BYTES(scene.bytes),
                         &side->group);
}

static int side_plans(void) {
  return e2ee_commit_new(side->group, &scene.plan);
}

static int plan_add(void) {
  return e2ee_commit_add(scene.plan, BYTES(scene.key_package));
}

static int side_accepts(void) {
  return e2ee_group_commit_accepted(side->group);
}

static int open_successor(void) {
  return e2ee_welcome_open_successor(bob->client, bob->group, BYTES(scene.welcome), NULL, 0,
                                     &scene.incoming);
}

static int bob_joins(void) {
  return e2ee_incoming_join(scene.incoming, &scene.other);
}

static int succeed(void) {
  return e2ee_group_successor(alice->client, alice->group, &scene.other);
}

static int read_reinit(void) {
  scene.size = sizeof scene.value;
  return e2ee_group_reinit(alice->group, NULL, scene.value, &scene.size);
}

static int save_ended(void) {
  return e2ee_group_save(alice->group, state_key, sizeof state_key, &scene.bytes);
}

/* ---- Between the calls ---- */

static void tidy(void) {
  e2ee_incoming_free(scene.incoming);
  e2ee_commit_free(scene.plan);
  e2ee_group_free(scene.other);
  scene.incoming = NULL;
  scene.plan = NULL;
  scene.other = NULL;
  drop(&scene.bytes);
}

static void clear(void) {
  tidy();
  drop(&scene.message);
  drop(&scene.welcome);
}

/* Carol goes away again, and alice tells bob, who was not asked, what came of it. */
static void carol_leaves(void) {
  receive(bob, scene.message);
  clear();
  e2ee_bytes *message = build_commit(alice, NULL, leaf_of(carol), NULL);
  ck_assert_done(alice, e2ee_group_commit_accepted(alice->group));
  receive(bob, message);
  receive(carol, message);
  e2ee_bytes_free(message);
}

static void new_key_package_of_bob(void) {
  clear();
  drop(&scene.key_package);
  scene.key_package = key_package_of(bob);
}

/* The program ends, and loads what it has saved. */
static void close_branch(void) {
  e2ee_group_free(side->group);
  side->group = NULL;
}

static void leave_branch(void) {
  clear();
  e2ee_group_free(side->group);
  side->group = NULL;
}

static void tell_info(void) {
  clear();
  drop(&scene.info);
  ck_assert_done(alice, e2ee_group_info(alice->group, &scene.info));
}

static const struct step steps[] = {
    {"e2ee_client_support", support, NULL},
    {"e2ee_client_extension", carry, NULL},
    {"e2ee_client_add_psk", add_psk, NULL},
    {"e2ee_client_add_psk", add_same_psk, NULL},
    {"e2ee_client_add_psk, again", replace_psk, NULL},
    {"e2ee_key_package_new_last_resort", make_key_package, NULL},
    {"e2ee_group_ratchet_tree", tell_tree, tidy},
    {"e2ee_group_epoch_authenticator", tell_authenticator, NULL},
    {"e2ee_group_encrypt_with", encrypt, NULL},
    {"e2ee_group_process, authenticated data", alice_processes, NULL},
    {"e2ee_incoming_authenticated_data", read_authenticated, clear},
    /* Proposals of each kind, and then bob's commit of them and of his own. */
    {"e2ee_group_propose_psk", propose_psk, NULL},
    {"e2ee_group_process, a PSK", alice_processes, NULL},
    {"e2ee_incoming_change_data", read_change, NULL},
    {"e2ee_incoming_accept, a PSK", accept, clear},
    {"e2ee_group_propose_custom", propose_custom, NULL},
    {"e2ee_group_process, a custom proposal", alice_processes, NULL},
    {"e2ee_incoming_accept, a custom proposal", accept, clear},
    {"e2ee_group_propose_extension", propose_extension, NULL},
    {"e2ee_group_process, an extension", alice_processes, NULL},
    {"e2ee_incoming_accept, an extension", accept, clear},
    {"e2ee_commit_new", bob_plans, NULL},
    {"e2ee_commit_psk", plan_psk, NULL},
    {"e2ee_commit_resumption_psk", plan_resumption_psk, NULL},
    {"e2ee_commit_custom", plan_custom, NULL},
    {"e2ee_commit_extension", plan_extension, NULL},
    {"e2ee_commit_require", plan_requirement, NULL},
    {"e2ee_commit_external_sender", plan_sender, NULL},
    {"e2ee_commit_build, all of that", build, NULL},
    {"e2ee_group_process, all of that", alice_processes, NULL},
    {"e2ee_incoming_accept, all of that", accept, NULL},
    {"e2ee_group_commit_accepted", bob_accepts, clear},
    {"e2ee_group_extension", read_extension, NULL},
    /* From outside. */
    {"e2ee_external_propose_remove", propose_from_outside, clear},
    {"e2ee_new_member_propose", ask_to_be_added, tell_info},
    {"e2ee_group_open", carol_looks, NULL},
    {"e2ee_group_save, from outside", save_outside, tidy},
    {"e2ee_commit_new, from outside", carol_plans, NULL},
    {"e2ee_commit_build, from outside", build, NULL},
    {"e2ee_group_process, from outside", alice_processes, NULL},
    {"e2ee_incoming_accept, from outside", accept, NULL},
    {"e2ee_group_commit_accepted, from outside", carol_accepts, carol_leaves},
    /* Aside, and on. */
    {"e2ee_group_branch", branch, NULL},
    {"e2ee_group_save, a branch", save_branch, close_branch},
    {"e2ee_group_load, a branch", load_branch, new_key_package_of_bob},
    {"e2ee_commit_new, in a branch", side_plans, NULL},
    {"e2ee_commit_add, in a branch", plan_add, NULL},
    {"e2ee_commit_build, in a branch", build, NULL},
    {"e2ee_group_commit_accepted, in a branch", side_accepts, NULL},
    {"e2ee_welcome_open_successor", open_successor, NULL},
    {"e2ee_incoming_join, a branch", bob_joins, leave_branch},
    {"e2ee_commit_new", bob_plans, NULL},
    {"e2ee_commit_reinit", plan_reinit, NULL},
    {"e2ee_commit_build, a ReInit", build, NULL},
    {"e2ee_group_process, a ReInit", alice_processes, NULL},
    {"e2ee_incoming_accept, a ReInit", accept, NULL},
    {"e2ee_group_commit_accepted, a ReInit", bob_accepts, clear},
    {"e2ee_group_reinit", read_reinit, NULL},
    {"e2ee_group_save, ended", save_ended, tidy},
    {"e2ee_group_successor", succeed, clear},
};

/* ---- The tests ---- */

/* Alice and bob support the application's types, and so does carol. */
static void set_scene(uint16_t suite) {
  static const char *const names[] = {"alice", "bob", "carol"};
  memset(&scene, 0, sizeof scene);
  scene.suite = suite;
  for (size_t i = 0; i < SIDE; i++) {
    struct member *member = &scene.members[i];
    ck_assert_int_eq(
        e2ee_client_new(suite, (const uint8_t *)names[i], strlen(names[i]), &member->client),
        E2EE_OK);
  }
  members_support(scene.members, SIDE, TYPE);
  found_group(scene.members, CAROL);
}

static void live(uint16_t suite, enum whose whose) {
  long blocks = failing_blocks();
  size_t tries = 0;
  set_scene(suite);
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
    tries += nomem_run(&steps[i], whose, scene.members, MEMBERS);
  ck_assert_uint_gt(tries, sizeof steps / sizeof *steps);
  clear();
  drop(&scene.info);
  drop(&scene.key_package);
  members_free(scene.members, MEMBERS);
  ck_assert_int_eq(failing_blocks(), blocks);
}

START_TEST(our_memory) {
  ck_assert_int_eq(e2ee_init(), E2EE_OK);
  live(1, OURS);
}
END_TEST

/* Of suite 1 OpenSSL has nothing to do where the processor has AES; of this one it has the curve. */
START_TEST(memory_of_openssl) {
  ck_assert_int_eq(e2ee_init(), E2EE_OK);
  live(2, OPENSSL);
}
END_TEST

int main(void) {
  TCase *cases = tcase_create("life");
  tcase_set_timeout(cases, 240);
  tcase_add_test(cases, our_memory);
  if (!nomem_start())
    return EXIT_FAILURE;
  if (HAVE_OPENSSL)
    tcase_add_test(cases, memory_of_openssl);
  return run_case("nomem-mls", cases);
}
