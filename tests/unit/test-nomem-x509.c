/*
 * Memory that runs out where certificates are read.
 * SPDX-License-Identifier: ISC
 */
#include <stdlib.h>
#include <string.h>

#include <e2ee/mls.h>

#include "failing.h"
#include "issuer.h"
#include "nomem.h"
#include "tests/run.h"

static const uint8_t state_key[32] = {1};

static struct scene {
  struct member alice, bob; /* bob has a certificate */
  e2ee_client *loaded;
  e2ee_commit *plan;
  e2ee_bytes *key_package, *state;
  struct holder root, middle, leaf;
  struct bytes chain, private_key;
  uint8_t value[4096];
  size_t size;
} scene;

/* ---- Calls ---- */

static int make_client(void) {
  return e2ee_client_new_credential(SUITE, E2EE_CREDENTIAL_X509, scene.chain.data, scene.chain.size,
                                    scene.private_key.data, scene.private_key.size,
                                    &scene.bob.client);
}

static int verify(void) {
  return e2ee_x509_verify(scene.chain.data, scene.chain.size, scene.root.der.data,
                          scene.root.der.size, VALID_AT);
}

static int save(void) {
  return e2ee_client_save(scene.bob.client, state_key, sizeof state_key, &scene.state);
}

static int load(void) {
  return e2ee_client_load(state_key, sizeof state_key, BYTES(scene.state), &scene.loaded);
}

static int make_key_package(void) {
  return e2ee_key_package_new(scene.bob.client, &scene.key_package);
}

static int read_identity(void) {
  scene.size = sizeof scene.value;
  return e2ee_key_package_identity(BYTES(scene.key_package), scene.value, &scene.size);
}

static int plan(void) {
  return e2ee_commit_new(scene.alice.group, &scene.plan);
}

static int plan_add(void) {
  return e2ee_commit_add(scene.plan, BYTES(scene.key_package));
}

static int plan_sender(void) {
  uint8_t key[32];
  size_t size = sizeof key;
  int err = e2ee_client_public_key(scene.bob.client, key, &size);
  return err != E2EE_OK ? err
                        : e2ee_commit_external_sender(scene.plan, key, size, E2EE_CREDENTIAL_X509,
                                                      scene.chain.data, scene.chain.size);
}

static const struct step steps[] = {
    {"e2ee_client_new_credential", make_client, NULL},
    {"e2ee_x509_verify", verify, NULL},
    {"e2ee_client_save", save, NULL},
    {"e2ee_client_load", load, NULL},
    {"e2ee_key_package_new", make_key_package, NULL},
    {"e2ee_key_package_identity", read_identity, NULL},
    {"e2ee_commit_new", plan, NULL},
    {"e2ee_commit_add", plan_add, NULL},
    {"e2ee_commit_external_sender", plan_sender, NULL},
};

/* ---- The tests ---- */

static void set_scene(void) {
  const struct wish root = {.name = "root", .kind = "P-256", ROOT},
                    middle = {.name = "middle", .kind = "ED25519", ROOT},
                    leaf = {.name = "bob", .kind = "ED25519", LEAF};
  memset(&scene, 0, sizeof scene);
  scene.root = issue(&root, NULL);
  scene.middle = issue(&middle, &scene.root);
  scene.leaf = issue(&leaf, &scene.middle);
  scene.chain = chain_of(&scene.leaf, &scene.middle, NULL);
  scene.private_key = holder_pkcs8(&scene.leaf);
  scene.alice = member_new("alice");
  found_group(&scene.alice, 1);
}

static void clear_scene(void) {
  e2ee_commit_free(scene.plan);
  e2ee_bytes_free(scene.key_package);
  e2ee_bytes_free(scene.state);
  e2ee_client_free(scene.loaded);
  member_free(&scene.alice);
  member_free(&scene.bob);
  bytes_free(&scene.chain);
  bytes_free(&scene.private_key);
  holder_free(&scene.root);
  holder_free(&scene.middle);
  holder_free(&scene.leaf);
}

static void live(enum whose whose) {
  ck_assert_int_eq(e2ee_init(), E2EE_OK);
  long blocks = failing_blocks();
  size_t tries = 0;
  set_scene();
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
    tries += nomem_run(&steps[i], whose, &scene.alice, 1);
  ck_assert_uint_gt(tries, sizeof steps / sizeof *steps);
  clear_scene();
  ck_assert_int_eq(failing_blocks(), blocks);
}

START_TEST(our_memory) {
  live(OURS);
}
END_TEST

START_TEST(memory_of_openssl) {
  live(OPENSSL);
}
END_TEST

int main(void) {
  TCase *cases = tcase_create("certificates");
  tcase_set_timeout(cases, 120);
  tcase_add_test(cases, our_memory);
  tcase_add_test(cases, memory_of_openssl);
  if (!nomem_start())
    return EXIT_FAILURE;
  return run_case("nomem-x509", cases);
}
