/*
 * A call of three, in every suite: joining by Welcome, by external commit and with PSKs; proposals,
 * commits and messages of both forms; saved and loaded in between; a branch.
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include "api/handles.h"
#include "timing.h"

enum { ALICE, BOB, CAROL, MEMBERS };

struct call {
  e2ee_client *client[MEMBERS];
  e2ee_group *group[MEMBERS];
  uint8_t state_key[32];
};

/* What is sent has no secret bit. */
#define EXPECT_PUBLIC(bytes) EXPECT(all_shown(BYTES(bytes)))

/* ---- Clients ---- */

static void give_psk(e2ee_client *client) {
  uint8_t psk[40];
  memset(psk, 9, sizeof psk);
  hide(psk, sizeof psk);
  MUST(e2ee_client_add_psk(client, TEXT("psk"), psk, sizeof psk));
}

/* With a key of the library's, or with one that the application brings along. */
static void make_client(struct call *call, unsigned who, unsigned suite, bool own_key) {
  const uint8_t name = (uint8_t)('a' + who);
  uint8_t key[SECRET_MAX];
  size_t size = 0;
  if (own_key) {
    struct suite const *found = suite_find((uint16_t)suite);
    size = found->signature->private_size;
    memset(key, 0, 2);
    memset(key + 2, 0x5a + (int)who, size - 2);
    hide(key, size);
  }
  MUST(e2ee_client_new_credential((uint16_t)suite, E2EE_CREDENTIAL_BASIC, &name, 1,
                                  own_key ? key : NULL, size, &call->client[who]));
  const struct secret *signature_key = call->client[who]->client->signature_key;
  EXPECT(all_hidden(signature_key->bytes, signature_key->size));
  give_psk(call->client[who]);
}

/* ---- Messages ---- */

static void accept_commit(struct call *call, unsigned from, const e2ee_bytes *message) {
  EXPECT_PUBLIC(message);
  for (unsigned i = 0; i < MEMBERS; i++) {
    e2ee_incoming *incoming = NULL;
    if (i == from || call->group[i] == NULL)
      continue;
    MUST(e2ee_group_process(call->group[i], BYTES(message), &incoming));
    MUST(e2ee_incoming_accept(incoming));
    e2ee_incoming_free(incoming);
  }
  MUST(e2ee_group_commit_accepted(call->group[from]));
}

static void join(struct call *call, unsigned who, const e2ee_bytes *welcome) {
  e2ee_incoming *incoming = NULL;
  EXPECT_PUBLIC(welcome);
  MUST(e2ee_welcome_open(call->client[who], BYTES(welcome), NULL, 0, &incoming));
  MUST(e2ee_incoming_join(incoming, &call->group[who]));
  e2ee_incoming_free(incoming);
}

/* @param joins  MEMBERS: nobody */
static void commit(struct call *call, unsigned from, unsigned joins, bool psk) {
  e2ee_commit *commit = NULL;
  e2ee_bytes *message = NULL, *welcome = NULL, *key_package = NULL;
  MUST(e2ee_commit_new(call->group[from], &commit));
  if (joins < MEMBERS) {
    MUST(e2ee_key_package_new(call->client[joins], &key_package));
    EXPECT_PUBLIC(key_package);
    MUST(e2ee_commit_add(commit, BYTES(key_package)));
  }
  if (psk)
    MUST(e2ee_commit_psk(commit, TEXT("psk")));
  MUST(e2ee_commit_build(commit, &message, &welcome));
  accept_commit(call, from, message);
  if (joins < MEMBERS)
    join(call, joins, welcome);
  e2ee_commit_free(commit);
  e2ee_bytes_free(message);
  e2ee_bytes_free(welcome);
  e2ee_bytes_free(key_package);
}

static e2ee_bytes *encrypt(e2ee_group *group) {
  e2ee_bytes *message = NULL;
  uint8_t text[100];
  memset(text, 'x', sizeof text);
  hide(text, sizeof text);
  MUST(e2ee_group_encrypt(group, text, sizeof text, &message));
  EXPECT_PUBLIC(message);
  return message;
}

static void read_message(e2ee_group *group, const e2ee_bytes *message) {
  e2ee_incoming *incoming = NULL;
  uint8_t text[100];
  size_t size = sizeof text;
  MUST(e2ee_group_process(group, BYTES(message), &incoming));
  MUST(e2ee_incoming_data(incoming, text, &size));
  EXPECT(size == sizeof text && all_hidden(text, size));
  e2ee_incoming_free(incoming);
}

/* The second before the first, so that a key is kept; and one with a wrong tag. */
static void talk(struct call *call, unsigned from, unsigned to) {
  e2ee_incoming *incoming = NULL;
  e2ee_bytes *first = encrypt(call->group[from]), *second = encrypt(call->group[from]);
  read_message(call->group[to], second);
  uint8_t *last = &first->bytes.data[first->bytes.size - 1];
  *last ^= 1;
  int err = e2ee_group_process(call->group[to], BYTES(first), &incoming);
  EXPECT(err == E2EE_ERR_AUTH);
  *last ^= 1;
  read_message(call->group[to], first);
  e2ee_bytes_free(first);
  e2ee_bytes_free(second);
}

/* An Update that another member commits. */
static void update(struct call *call, unsigned from, unsigned by) {
  e2ee_bytes *proposal = NULL;
  MUST(e2ee_group_propose_update(call->group[from], &proposal));
  EXPECT_PUBLIC(proposal);
  for (unsigned i = 0; i < MEMBERS; i++) {
    e2ee_incoming *incoming = NULL;
    if (i == from)
      continue;
    MUST(e2ee_group_process(call->group[i], BYTES(proposal), &incoming));
    MUST(e2ee_incoming_accept(incoming));
    e2ee_incoming_free(incoming);
  }
  commit(call, by, MEMBERS, false);
  e2ee_bytes_free(proposal);
}

/* ---- What the application gets ---- */

static void export_secrets(const struct call *call, unsigned who) {
  uint8_t out[HASH_MAX];
  size_t size = sizeof out;
  MUST(e2ee_group_export(call->group[who], "label", 5, TEXT("context"), out, 40));
  EXPECT(all_hidden(out, 40));
  MUST(e2ee_group_epoch_authenticator(call->group[who], out, &size));
  EXPECT(all_hidden(out, size) && all_shown(&size, sizeof size));
}

/* ---- Saved and loaded ---- */

static void save_group(struct call *call, unsigned who) {
  e2ee_bytes *blob = NULL, *tree = NULL, *changes = NULL;
  MUST(e2ee_group_save(call->group[who], call->state_key, 32, &blob));
  EXPECT_PUBLIC(blob);
  e2ee_group_free(call->group[who]);
  MUST(e2ee_group_load(call->client[who], call->state_key, 32, BYTES(blob), &call->group[who]));
  MUST(e2ee_group_save_tree(call->group[who], call->state_key, 32, &tree));
  MUST(e2ee_group_save_changes(call->group[who], call->state_key, 32, &changes));
  EXPECT_PUBLIC(tree);
  EXPECT_PUBLIC(changes);
  e2ee_group_free(call->group[who]);
  MUST(e2ee_group_load_changes(call->client[who], call->state_key, 32, BYTES(tree), BYTES(changes),
                               &call->group[who]));
  e2ee_bytes_free(blob);
  e2ee_bytes_free(tree);
  e2ee_bytes_free(changes);
}

/* A client with a key package that nobody has used, and a wrong key for its blob. */
static void save_client(struct call *call, unsigned who) {
  e2ee_bytes *blob = NULL, *key_package = NULL;
  e2ee_client *loaded = NULL;
  uint8_t wrong[32] = {1};
  hide(wrong, sizeof wrong);
  MUST(e2ee_key_package_new(call->client[who], &key_package));
  MUST(e2ee_client_save(call->client[who], call->state_key, 32, &blob));
  EXPECT_PUBLIC(blob);
  EXPECT(e2ee_client_load(wrong, 32, BYTES(blob), &loaded) == E2EE_ERR_STATE_KEY);
  MUST(e2ee_client_load(call->state_key, 32, BYTES(blob), &loaded));
  const struct secret *signature_key = loaded->client->signature_key;
  EXPECT(all_hidden(signature_key->bytes, signature_key->size));
  e2ee_client_free(loaded);
  e2ee_bytes_free(blob);
  e2ee_bytes_free(key_package);
}

/* ---- Other ways in and on ---- */

static void join_from_outside(struct call *call, unsigned who, unsigned by) {
  e2ee_bytes *info = NULL, *message = NULL;
  MUST(e2ee_group_info(call->group[by], &info));
  EXPECT_PUBLIC(info);
  MUST(e2ee_group_join_external(call->client[who], BYTES(info), NULL, 0, &message,
                                &call->group[who]));
  accept_commit(call, who, message);
  e2ee_bytes_free(info);
  e2ee_bytes_free(message);
}

/* She learns it from the commit, and is out. */
static void remove_member(struct call *call, unsigned who, unsigned by) {
  e2ee_commit *commit = NULL;
  e2ee_bytes *message = NULL, *welcome = NULL;
  MUST(e2ee_commit_new(call->group[by], &commit));
  MUST(e2ee_commit_remove(commit, call->group[who]->group->epoch->own_leaf));
  MUST(e2ee_commit_build(commit, &message, &welcome));
  accept_commit(call, by, message);
  e2ee_group_free(call->group[who]);
  call->group[who] = NULL;
  e2ee_commit_free(commit);
  e2ee_bytes_free(message);
  e2ee_bytes_free(welcome);
}

/* A group of two beside the first, with its resumption PSK. */
static void branch(struct call *call) {
  e2ee_group *beside = NULL, *joined = NULL;
  e2ee_commit *commit = NULL;
  e2ee_incoming *incoming = NULL;
  e2ee_bytes *message = NULL, *welcome = NULL, *key_package = NULL;
  MUST(e2ee_key_package_new(call->client[BOB], &key_package));
  MUST(e2ee_group_branch(call->group[ALICE], TEXT("beside"), &beside));
  MUST(e2ee_commit_new(beside, &commit));
  MUST(e2ee_commit_add(commit, BYTES(key_package)));
  MUST(e2ee_commit_build(commit, &message, &welcome));
  MUST(e2ee_group_commit_accepted(beside));
  EXPECT_PUBLIC(welcome);
  MUST(e2ee_welcome_open_successor(call->client[BOB], call->group[BOB], BYTES(welcome), NULL, 0,
                                   &incoming));
  MUST(e2ee_incoming_join(incoming, &joined));
  e2ee_incoming_free(incoming);
  e2ee_commit_free(commit);
  e2ee_group_free(beside);
  e2ee_group_free(joined);
  e2ee_bytes_free(message);
  e2ee_bytes_free(welcome);
  e2ee_bytes_free(key_package);
}

static void encrypt_handshakes(struct call *call, uint64_t value) {
  for (unsigned i = 0; i < MEMBERS; i++)
    MUST(e2ee_client_set(call->client[i], E2EE_SET_ENCRYPT_HANDSHAKE, value));
}

static bool call_of_three(unsigned suite) {
  struct call call = {0};
  if (suite_find((uint16_t)suite) == NULL)
    return false;
  hide(call.state_key, sizeof call.state_key);
  for (unsigned i = 0; i < MEMBERS; i++)
    make_client(&call, i, suite, i == BOB);
  MUST(e2ee_group_new(call.client[ALICE], TEXT("call"), &call.group[ALICE]));
  commit(&call, ALICE, BOB, true);
  talk(&call, ALICE, BOB);
  commit(&call, BOB, CAROL, false);
  export_secrets(&call, CAROL);
  for (uint64_t hidden = 0; hidden < 2; hidden++) {
    encrypt_handshakes(&call, hidden);
    update(&call, CAROL, ALICE);
    commit(&call, CAROL, MEMBERS, hidden == 1);
    talk(&call, CAROL, ALICE);
  }
  save_group(&call, BOB);
  save_client(&call, BOB);
  talk(&call, BOB, CAROL);
  commit(&call, BOB, MEMBERS, false);
  branch(&call);
  remove_member(&call, CAROL, BOB);
  join_from_outside(&call, CAROL, ALICE);
  talk(&call, CAROL, BOB);
  for (unsigned i = 0; i < MEMBERS; i++) {
    e2ee_group_free(call.group[i]);
    e2ee_client_free(call.client[i]);
  }
  return true;
}

/* A signature key in PKCS #8, of which the key alone is secret. */
static bool wrapped_key(unsigned suite) {
  uint8_t der[48] = {0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
                     0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};
  e2ee_client *client = NULL;
  hide(der + 16, 32);
  MUST(e2ee_client_new_credential((uint16_t)suite, E2EE_CREDENTIAL_BASIC, TEXT("a"), der,
                                  sizeof der, &client));
  EXPECT(all_hidden(client->client->signature_key->bytes, 32));
  e2ee_client_free(client);
  return true;
}

const struct timing_case timing_groups[] = {
    {"key/PKCS #8", wrapped_key, 1}, {"group/1", call_of_three, 1}, {"group/2", call_of_three, 2},
    {"group/3", call_of_three, 3},   {"group/4", call_of_three, 4}, {"group/5", call_of_three, 5},
    {"group/6", call_of_three, 6},   {"group/7", call_of_three, 7}, {NULL, NULL, 0},
};
