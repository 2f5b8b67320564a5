/*
 * Members with X.509 credentials: groups of them, through the public API, and impostors.
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include <e2ee/mls.h>

#include "api/handles.h"
#include "badinput.h"
#include "base/platform.h"
#include "crypto/x509.h"
#include "issuer.h"
#include "mls/wire/credential.h"
#include "tests/run.h"

static bool no_clock;

bool __real_platform_clock(uint64_t *seconds);
bool __wrap_platform_clock(uint64_t *seconds);
bool __wrap_platform_clock(uint64_t *seconds) {
  return !no_clock && __real_platform_clock(seconds);
}

static struct holder root, middle, stranger;

static void setup(void) {
  const struct wish of_root = {.name = "root", .kind = "P-384", .digest = "SHA384", ROOT},
                    of_middle = {.name = "middle", .kind = "P-256", ROOT},
                    of_stranger = {.name = "stranger", .kind = "ED25519", LEAF};
  ck_assert_int_eq(e2ee_init(), E2EE_OK);
  root = issue(&of_root, NULL);
  middle = issue(&of_middle, &root);
  stranger = issue(&of_stranger, NULL);
}

static void teardown(void) {
  holder_free(&root);
  holder_free(&middle);
  holder_free(&stranger);
}

/* Suites with the kind of their signature keys. */
static const struct {
  uint16_t suite;
  const char *kind;
} suites[] = {{1, "ED25519"}, {2, "P-256"}, {3, "ED25519"}, {4, "ED448"},
              {5, "P-521"},   {6, "ED448"}, {7, "P-384"}};
#define SUITES (sizeof suites / sizeof *suites)

/* Somebody with a certificate by the one in the middle. */
struct certified {
  struct holder holder;
  struct bytes chain; /* with the middle */
  struct member member;
};

static struct certified certify(const char *name, size_t which, bool wrapped) {
  const struct wish wish = {.name = name, .kind = suites[which].kind, LEAF};
  struct certified who = {.holder = issue(&wish, &middle)};
  struct bytes key = wrapped ? holder_pkcs8(&who.holder) : holder_raw_key(&who.holder);
  who.chain = chain_of(&who.holder, &middle, NULL);
  ck_assert_int_eq(e2ee_client_new_credential(suites[which].suite, E2EE_CREDENTIAL_X509,
                                              who.chain.data, who.chain.size, key.data, key.size,
                                              &who.member.client),
                   E2EE_OK);
  bytes_free(&key);
  return who;
}

static void certified_free(struct certified *who) {
  holder_free(&who->holder);
  bytes_free(&who->chain);
  member_free(&who->member);
}

static int verify(const uint8_t *chain, size_t size) {
  return e2ee_x509_verify(chain, size, root.der.data, root.der.size, VALID_AT);
}

/* By whomever it is read, a member's identity is the chain, and leads to the root. */
static void expect_chain(const struct member *by, uint32_t leaf, const struct bytes *chain) {
  uint8_t found[4096];
  size_t size = sizeof found;
  ck_assert_done(by, e2ee_group_member(by->group, leaf, E2EE_MEMBER_IDENTITY, found, &size));
  ck_assert(view_equal(view_of(found, size), bytes_view(chain)));
  ck_assert_int_eq(verify(found, size), E2EE_OK);
}

/* ---- Groups ---- */

START_TEST(groups_of_each_suite) {
  struct certified alice = certify("alice", (size_t)_i, false),
                   carol = certify("carol", (size_t)_i, true);
  struct member bob = {NULL, NULL};
  ck_assert_int_eq(e2ee_client_new(suites[_i].suite, TEXT("bob"), &bob.client), E2EE_OK);
  struct member members[3] = {alice.member, bob, carol.member};
  found_group(members, 3);
  for (size_t i = 0; i < 3; i++) {
    expect_chain(&members[i], 0, &alice.chain);
    expect_chain(&members[i], 2, &carol.chain);
    expect_agreement(&members[i], &members[(i + 1) % 3]);
  }
  /* What is on the wire has each certificate in a vector of its own. */
  uint8_t found[4096];
  size_t size = sizeof found;
  struct view entry;
  struct reader body;
  ck_assert_done(&members[1],
                 e2ee_group_member(members[1].group, 0, E2EE_MEMBER_CREDENTIAL, found, &size));
  struct reader reader = reader_of(view_of(found + 2, size - 2));
  ck_assert_uint_eq(found[1], E2EE_CREDENTIAL_X509);
  ck_assert_int_eq(read_items(&reader, &body), OK);
  ck_assert_int_eq(read_end(&reader), OK);
  ck_assert_int_eq(read_vector(&body, &entry), OK);
  ck_assert(view_equal(entry, bytes_view(&alice.holder.der)));
  ck_assert_int_eq(read_vector(&body, &entry), OK);
  ck_assert(view_equal(entry, bytes_view(&middle.der)));
  ck_assert_int_eq(read_end(&body), OK);
  alice.member = members[0];
  carol.member = members[2];
  member_free(&members[1]);
  certified_free(&alice);
  certified_free(&carol);
}
END_TEST

/* Before anybody joins: in the key package, in the proposal, and in the Welcome. */
START_TEST(looked_at_before) {
  struct certified alice = certify("alice", 0, true), bob = certify("bob", 0, true);
  struct member *by = &alice.member, carol = member_new("carol");
  uint8_t found[4096];
  size_t size = sizeof found;
  ck_assert_done(by, e2ee_group_new(by->client, TEXT("g"), &by->group));
  e2ee_bytes *first = key_package_of(&carol), *package = key_package_of(&bob.member);
  e2ee_bytes *welcome = NULL, *proposal = NULL;
  ck_assert_int_eq(e2ee_key_package_identity(BYTES(package), found, &size), E2EE_OK);
  ck_assert(view_equal(view_of(found, size), bytes_view(&bob.chain)));
  e2ee_bytes_free(build_commit(by, first, UINT32_MAX, &welcome));
  ck_assert_done(by, e2ee_group_commit_accepted(by->group));
  join(&carol, welcome);
  e2ee_bytes_free(welcome);
  ck_assert_done(by, e2ee_group_propose_add(by->group, BYTES(package), &proposal));
  e2ee_incoming *incoming = process(&carol, proposal);
  size = sizeof found;
  ck_assert_done(&carol, e2ee_incoming_member(incoming, 0, E2EE_MEMBER_IDENTITY, found, &size));
  ck_assert(view_equal(view_of(found, size), bytes_view(&bob.chain)));
  e2ee_incoming_free(incoming);
  e2ee_bytes_free(build_commit(by, NULL, UINT32_MAX, &welcome));
  ck_assert_done(&bob.member,
                 e2ee_welcome_open(bob.member.client, BYTES(welcome), NULL, 0, &incoming));
  size = sizeof found;
  ck_assert_done(&bob.member,
                 e2ee_incoming_member(incoming, 0, E2EE_MEMBER_IDENTITY, found, &size));
  ck_assert(view_equal(view_of(found, size), bytes_view(&alice.chain)));
  e2ee_incoming_free(incoming);
  e2ee_bytes_free(first);
  e2ee_bytes_free(package);
  e2ee_bytes_free(proposal);
  e2ee_bytes_free(welcome);
  member_free(&carol);
  certified_free(&alice);
  certified_free(&bob);
}
END_TEST

START_TEST(saved_and_loaded) {
  static const uint8_t key[32];
  struct certified alice = certify("alice", 0, false), bob = certify("bob", 0, false);
  struct member members[2] = {alice.member, bob.member}, again = {NULL, NULL};
  e2ee_bytes *client = NULL, *group = NULL;
  found_group(members, 2);
  ck_assert_done(&members[1], e2ee_client_save(members[1].client, key, sizeof key, &client));
  ck_assert_done(&members[1], e2ee_group_save(members[1].group, key, sizeof key, &group));
  ck_assert_int_eq(e2ee_client_load(key, sizeof key, BYTES(client), &again.client), E2EE_OK);
  ck_assert_done(&again,
                 e2ee_group_load(again.client, key, sizeof key, BYTES(group), &again.group));
  expect_chain(&again, 0, &alice.chain);
  expect_chain(&again, 1, &bob.chain);
  e2ee_bytes *message = renew(&again);
  receive(&members[0], message);
  expect_agreement(&members[0], &again);
  expect_chain(&members[0], 1, &bob.chain);
  e2ee_bytes_free(message);
  e2ee_bytes_free(client);
  e2ee_bytes_free(group);
  member_free(&again);
  alice.member = members[0];
  bob.member = members[1];
  certified_free(&alice);
  certified_free(&bob);
}
END_TEST

/* ---- New certificates ---- */

static struct bytes identifiers_of(const struct wish *wish) {
  struct holder holder = issue(wish, &middle);
  struct bytes credential = {0}, identifiers = {0};
  struct credential parsed;
  uint8_t key[32];
  struct bytes private_key = holder_raw_key(&holder);
  const struct suite *suite = suite_find(SUITE);
  ck_assert_int_eq(suite->signature->derive_public(private_key.data, key), OK);
  ck_assert_int_eq(
      credential_new(suite, CREDENTIAL_X509, bytes_view(&holder.der), VIEW_ARRAY(key), &credential),
      OK);
  struct reader reader = reader_of(bytes_view(&credential));
  ck_assert_int_eq(credential_read(&reader, &parsed), OK);
  ck_assert_int_eq(credential_identifiers(parsed, &identifiers), OK);
  bytes_free(&private_key);
  bytes_free(&credential);
  holder_free(&holder);
  return identifiers;
}

/* Who is named counts, not with which key; but who names nobody is like nobody else. */
START_TEST(who_is_named) {
  static const struct wish wishes[] = {
      {.name = "alice", .kind = "ED25519", LEAF},
      {.name = "alice", .kind = "ED25519", .alt = "DNS:alice.example", LEAF},
      {.name = "alice", .kind = "ED25519", .alt = "DNS:alice.example,DNS:bob.example", LEAF},
      {.name = "bob", .kind = "ED25519", .alt = "DNS:alice.example", LEAF},
      {.name = "", .kind = "ED25519", .alt = "DNS:alice.example", LEAF},
      {.name = "", .kind = "ED25519", LEAF},
  };
  enum { WISHES = sizeof wishes / sizeof *wishes };
  struct bytes first[WISHES], second[WISHES];
  for (size_t i = 0; i < WISHES; i++) {
    first[i] = identifiers_of(&wishes[i]);
    second[i] = identifiers_of(&wishes[i]);
    ck_assert_uint_gt(first[i].size, 0);
  }
  for (size_t i = 0; i < WISHES; i++)
    for (size_t j = 0; j < WISHES; j++)
      ck_assert(view_equal(bytes_view(&first[i]), bytes_view(&second[j])) ==
                (i == j && i != WISHES - 1));
  for (size_t i = 0; i < WISHES; i++) {
    bytes_free(&first[i]);
    bytes_free(&second[i]);
  }
}
END_TEST

/* Bob has lost his key, and comes back with another one and a certificate of that; mallory cannot. */
START_TEST(comes_back_with_a_new_certificate) {
  const bool is_bob = _i == 0;
  struct certified alice = certify("alice", 0, false), bob = certify("bob", 0, false),
                   other = certify(is_bob ? "bob" : "mallory", 0, false);
  struct member members[2] = {alice.member, bob.member}, *again = &other.member;
  e2ee_bytes *info = NULL, *message = NULL, *welcome = NULL;
  e2ee_commit *plan = NULL;
  found_group(members, 2);
  ck_assert_done(&members[0], e2ee_group_info(members[0].group, &info));
  ck_assert_done(again, e2ee_group_open(again->client, BYTES(info), NULL, 0, &again->group));
  ck_assert_done(again, e2ee_commit_new(again->group, &plan));
  ck_assert_returns(again, e2ee_commit_remove(plan, 1),
                    is_bob ? E2EE_OK : E2EE_ERR_INVALID_PROPOSAL);
  if (is_bob) {
    ck_assert_done(again, e2ee_commit_build(plan, &message, &welcome));
    receive(&members[0], message);
    ck_assert_done(again, e2ee_group_commit_accepted(again->group));
    expect_agreement(&members[0], again);
    expect_chain(&members[0], 1, &other.chain);
  }
  e2ee_commit_free(plan);
  e2ee_bytes_free(info);
  e2ee_bytes_free(message);
  alice.member = members[0];
  bob.member = members[1];
  certified_free(&alice);
  certified_free(&bob);
  certified_free(&other);
}
END_TEST

/* Another suite takes keys of another kind, and so certificates of those. */
START_TEST(reinit_to_another_kind) {
  const bool is_bob = _i == 0;
  struct certified alice = certify("alice", 0, false), bob = certify("bob", 0, false),
                   new_alice = certify("alice", 1, false),
                   new_bob = certify(is_bob ? "bob" : "mallory", 1, false);
  struct member members[2] = {alice.member, bob.member}, *founder = &new_alice.member;
  e2ee_bytes *message = NULL, *welcome = NULL, *package = key_package_of(&new_bob.member);
  e2ee_commit *plan = NULL;
  e2ee_incoming *incoming = NULL;
  found_group(members, 2);
  ck_assert_done(&members[0], e2ee_commit_new(members[0].group, &plan));
  ck_assert_done(&members[0], e2ee_commit_reinit(plan, TEXT("next"), 2));
  ck_assert_done(&members[0], e2ee_commit_build(plan, &message, &welcome));
  receive(&members[1], message);
  ck_assert_done(&members[0], e2ee_group_commit_accepted(members[0].group));
  ck_assert_done(founder, e2ee_group_successor(founder->client, members[0].group, &founder->group));
  e2ee_bytes_free(message);
  message = build_commit(founder, package, UINT32_MAX, &welcome);
  ck_assert_done(founder, e2ee_group_commit_accepted(founder->group));
  ck_assert_returns(&new_bob.member,
                    e2ee_welcome_open_successor(new_bob.member.client, members[1].group,
                                                BYTES(welcome), NULL, 0, &incoming),
                    is_bob ? E2EE_OK : E2EE_ERR_INVALID_TREE);
  if (is_bob) {
    ck_assert_done(&new_bob.member, e2ee_incoming_join(incoming, &new_bob.member.group));
    expect_agreement(founder, &new_bob.member);
  }
  e2ee_incoming_free(incoming);
  e2ee_commit_free(plan);
  e2ee_bytes *const all[] = {package, message, welcome};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    e2ee_bytes_free(all[i]);
  alice.member = members[0];
  bob.member = members[1];
  struct certified *const everybody[] = {&alice, &bob, &new_alice, &new_bob};
  for (size_t i = 0; i < sizeof everybody / sizeof *everybody; i++)
    certified_free(everybody[i]);
}
END_TEST

/* ---- Clients that cannot be ---- */

static int new_client(uint16_t suite, struct view chain, struct view key, e2ee_client **client) {
  return e2ee_client_new_credential(suite, E2EE_CREDENTIAL_X509, chain.data, chain.size, key.data,
                                    key.size, client);
}

START_TEST(clients_refused) {
  struct certified alice = certify("alice", 0, false);
  struct bytes key = holder_raw_key(&alice.holder), other = holder_raw_key(&stranger),
               wrapped = holder_pkcs8(&alice.holder);
  struct view chain = bytes_view(&alice.chain), own = bytes_view(&key);
  /* No key, another one, or one in another suite. */
  expect_error(INVALID, new_client(1, chain, VIEW_NONE, &out.client));
  expect_error(INVALID, new_client(1, chain, bytes_view(&other), &out.client));
  expect_error(INVALID, new_client(2, chain, own, &out.client));
  expect_error(INVALID, new_client(7, chain, bytes_view(&wrapped), &out.client));
  /* The certificate of the key is there, but not first. */
  struct bytes turned = chain_of(&middle, &alice.holder, NULL);
  expect_error(INVALID, new_client(1, bytes_view(&turned), own, &out.client));
  bytes_free(&turned);
  /* No certificates. */
  expect_error(E2EE_ERR_MALFORMED, new_client(1, VIEW_TEXT("certificate"), own, &out.client));
  expect_error(E2EE_ERR_MALFORMED, new_client(1, VIEW_TEXT("\x30\x00"), own, &out.client));
  for (size_t size = 1; size < chain.size; size++)
    if (size != alice.holder.der.size)
      expect_error(E2EE_ERR_MALFORMED, new_client(1, view_of(chain.data, size), own, &out.client));
  bytes_free(&key);
  bytes_free(&other);
  bytes_free(&wrapped);
  certified_free(&alice);
}
END_TEST

START_TEST(verifying) {
  struct certified alice = certify("alice", 0, false);
  const uint8_t *chain = alice.chain.data, *roots = root.der.data;
  const size_t size = alice.chain.size, roots_size = root.der.size;
  ck_assert_int_eq(e2ee_x509_verify(chain, size, roots, roots_size, VALID_AT), E2EE_OK);
  ck_assert_int_eq(e2ee_x509_verify(chain, size, stranger.der.data, stranger.der.size, VALID_AT),
                   E2EE_ERR_SIGNATURE);
  ck_assert_int_eq(e2ee_x509_verify(chain, size, roots, 0, VALID_AT), E2EE_ERR_SIGNATURE);
  ck_assert_int_eq(e2ee_x509_verify(chain, size - 1, roots, roots_size, VALID_AT),
                   E2EE_ERR_MALFORMED);
  ck_assert_int_eq(e2ee_x509_verify(chain, 0, roots, roots_size, VALID_AT), E2EE_ERR_MALFORMED);
  ck_assert_int_eq(e2ee_x509_verify(chain, size, roots, roots_size - 1, VALID_AT),
                   E2EE_ERR_MALFORMED);
  ck_assert_int_eq(e2ee_x509_verify(NULL, 0, roots, roots_size, VALID_AT), INVALID);
  ck_assert_int_eq(e2ee_x509_verify(chain, size, NULL, 0, VALID_AT), INVALID);
  /* 0 is now, long after 2020. */
  ck_assert_int_eq(e2ee_x509_verify(chain, size, roots, roots_size, 0), E2EE_ERR_LIFETIME);
  const struct wish today = {
      .name = "today", .kind = "ED25519", .from = time(NULL) - 3600, .to = time(NULL) + 3600, LEAF};
  struct holder holder = issue(&today, NULL);
  ck_assert_int_eq(
      e2ee_x509_verify(holder.der.data, holder.der.size, holder.der.data, holder.der.size, 0),
      E2EE_OK);
  holder_free(&holder);
  certified_free(&alice);
}
END_TEST

/* Not as if it were 1970, nor any other time. */
START_TEST(verifying_without_a_clock) {
  const struct wish always = {.name = "always", .kind = "ED25519", .to = 4102444800, LEAF};
  struct holder holder = issue(&always, NULL);
  const struct view chain = bytes_view(&holder.der);
  no_clock = true;
  ck_assert_int_eq(e2ee_x509_verify(chain.data, chain.size, chain.data, chain.size, 0),
                   E2EE_ERR_LIFETIME);
  ck_assert_int_eq(e2ee_x509_verify(chain.data, chain.size, chain.data, chain.size, 1), E2EE_OK);
  no_clock = false;
  ck_assert_int_eq(e2ee_x509_verify(chain.data, chain.size, chain.data, chain.size, 0), E2EE_OK);
  holder_free(&holder);
}
END_TEST

/* ---- Impostors: credentials that this library's clients never have ---- */

/* A client with any entries as its chain, and the key of somebody. */
static struct member impostor(const struct view *entries, size_t count,
                              const struct holder *key_of) {
  const struct suite *suite = suite_find(SUITE);
  struct member member = {NULL, NULL};
  struct bytes key = holder_raw_key(key_of);
  struct secret secret = {0};
  struct client *client = NULL;
  struct writer credential = {0};
  uint8_t public_key[32];
  write_u16(&credential, CREDENTIAL_X509);
  size_t begin = write_begin(&credential);
  for (size_t i = 0; i < count; i++)
    write_vector(&credential, entries[i]);
  write_end(&credential, begin);
  ck_assert_int_eq(suite->signature->derive_public(key.data, public_key), OK);
  ck_assert_int_eq(secret_set(&secret, bytes_view(&key)), OK);
  ck_assert_int_eq(
      client_restore(suite, writer_view(&credential), VIEW_ARRAY(public_key), &secret, &client),
      OK);
  ck_assert_int_eq(api_client_new(&client, &member.client), OK);
  writer_free(&credential);
  bytes_free(&key);
  return member;
}

/* Refused when it is to be added, and when it asks to be, for this reason. */
static void expect_impostor(struct member *who, const char *reason) {
  struct member alice = member_new("alice");
  e2ee_bytes *package = key_package_of(who), *proposal = NULL;
  e2ee_commit *commit = NULL;
  ck_assert_done(&alice, e2ee_group_new(alice.client, TEXT("g"), &alice.group));
  ck_assert_done(&alice, e2ee_commit_new(alice.group, &commit));
  ck_assert_returns(&alice, e2ee_commit_add(commit, BYTES(package)), E2EE_ERR_INVALID_PROPOSAL);
  ck_assert_ptr_nonnull(strstr(explanation(alice.client), reason));
  ck_assert_done(who,
                 e2ee_new_member_propose(who->client, TEXT("g"), 0, BYTES(package), &proposal));
  expect_refused(&alice, proposal, E2EE_ERR_INVALID_PROPOSAL);
  e2ee_incoming *incoming = NULL;
  ck_assert_int_lt(e2ee_group_process(alice.group, BYTES(proposal), &incoming), 0);
  ck_assert_ptr_nonnull(strstr(explanation(alice.client), reason));
  e2ee_commit_free(commit);
  e2ee_bytes_free(package);
  e2ee_bytes_free(proposal);
  member_free(&alice);
}

#define ANOTHER_KEY "signature_key is not that of its certificate"
#define NO_CHAIN "no chain of certificates"

START_TEST(impostors) {
  const struct wish wish = {.name = "alice", .kind = "ED25519", LEAF};
  struct holder holder = issue(&wish, &middle);
  struct bytes two = chain_of(&holder, &middle, NULL);
  const struct view own = bytes_view(&holder.der), other = bytes_view(&stranger.der),
                    above = bytes_view(&middle.der), both = bytes_view(&two), none = VIEW_NONE;
  const struct {
    struct view entries[3];
    size_t count;
    const char *reason; /* NULL: nothing is wrong */
  } cases[] = {
      {{own, above}, 2, NULL},
      {{own}, 1, NULL},
      {{other}, 1, ANOTHER_KEY},
      {{other, own}, 2, ANOTHER_KEY},
      {{above, own}, 2, ANOTHER_KEY},
      {{none}, 0, NO_CHAIN},
      {{none}, 1, NO_CHAIN},
      {{none, own}, 2, NO_CHAIN},
      {{own, none}, 2, NO_CHAIN},
      {{both}, 1, NO_CHAIN},
      {{own, both}, 2, NO_CHAIN},
      {{view_of(own.data, own.size - 1)}, 1, NO_CHAIN},
      {{own, view_of(above.data, above.size - 1)}, 2, NO_CHAIN},
      {{VIEW_TEXT("\x30\x00")}, 1, NO_CHAIN},
      {{own, VIEW_TEXT("\x31\x00")}, 2, NO_CHAIN},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct member who = impostor(cases[i].entries, cases[i].count, &holder);
    if (cases[i].reason != NULL) {
      expect_impostor(&who, cases[i].reason);
    } else {
      struct member alice = member_new("alice"), members[2] = {alice, who};
      found_group(members, 2);
      expect_agreement(&members[0], &members[1]);
      who = members[1];
      member_free(&members[0]);
    }
    member_free(&who);
  }
  bytes_free(&two);
  holder_free(&holder);
}
END_TEST

START_TEST(impostor_loaded) {
  static const uint8_t key[32];
  const struct view other = bytes_view(&stranger.der);
  struct member who = impostor(&other, 1, &stranger);
  e2ee_bytes *blob = NULL;
  e2ee_client *loaded = NULL;
  ck_assert_done(&who, e2ee_client_save(who.client, key, sizeof key, &blob));
  ck_assert_int_eq(e2ee_client_load(key, sizeof key, BYTES(blob), &loaded), E2EE_OK);
  e2ee_client_free(loaded);
  e2ee_bytes_free(blob);
  member_free(&who);
  const struct wish wish = {.name = "alice", .kind = "ED25519", LEAF};
  struct holder holder = issue(&wish, &middle);
  who = impostor(&other, 1, &holder);
  ck_assert_done(&who, e2ee_client_save(who.client, key, sizeof key, &blob));
  ck_assert_int_eq(e2ee_client_load(key, sizeof key, BYTES(blob), &loaded), E2EE_ERR_STATE_CORRUPT);
  ck_assert_ptr_null(loaded);
  e2ee_bytes_free(blob);
  member_free(&who);
  holder_free(&holder);
}
END_TEST

/* ---- External senders ---- */

START_TEST(external_senders) {
  struct certified server = certify("server", 0, true);
  struct member members[2] = {member_new("alice"), member_new("bob")};
  struct member *alice = &members[0], *bob = &members[1];
  uint8_t key[32], another[32];
  size_t size = sizeof key;
  e2ee_commit *commit = NULL;
  e2ee_bytes *message = NULL, *welcome = NULL, *proposal = NULL;
  found_group(members, 2);
  ck_assert_done(&server.member, e2ee_client_public_key(server.member.client, key, &size));
  ck_assert_done(alice, e2ee_client_public_key(alice->client, another, &size));
  ck_assert_done(alice, e2ee_commit_new(alice->group, &commit));
  struct view chain = bytes_view(&server.chain);
  ck_assert_returns(alice,
                    e2ee_commit_external_sender(commit, another, 32, E2EE_CREDENTIAL_X509,
                                                chain.data, chain.size),
                    E2EE_ERR_INVALID_ARG);
  ck_assert_returns(alice,
                    e2ee_commit_external_sender(commit, key, 32, E2EE_CREDENTIAL_X509, chain.data,
                                                chain.size - 1),
                    E2EE_ERR_MALFORMED);
  ck_assert_done(alice, e2ee_commit_external_sender(commit, key, 32, E2EE_CREDENTIAL_X509,
                                                    chain.data, chain.size));
  ck_assert_done(alice, e2ee_commit_build(commit, &message, &welcome));
  receive(bob, message);
  ck_assert_done(alice, e2ee_group_commit_accepted(alice->group));
  ck_assert_done(&server.member, e2ee_external_propose_remove(server.member.client, TEXT("a group"),
                                                              epoch_of(alice), 0, 1, &proposal));
  receive(alice, proposal);
  receive(bob, proposal);
  e2ee_commit_free(commit);
  e2ee_bytes_free(message);
  e2ee_bytes_free(proposal);
  /* Nor does a member commit to another key beside the certificate, even if asked for it in bytes. */
  struct writer list = {0};
  struct bytes credential = {0};
  ck_assert_int_eq(
      credential_new(suite_find(SUITE), CREDENTIAL_X509, chain, VIEW_ARRAY(key), &credential), OK);
  size_t begin = write_begin(&list);
  external_sender_write(&list, VIEW_ARRAY(another), bytes_view(&credential));
  write_end(&list, begin);
  ck_assert_done(alice, e2ee_commit_new(alice->group, &commit));
  ck_assert_done(alice,
                 e2ee_commit_extension(commit, EXTENSION_EXTERNAL_SENDERS, list.data, list.size));
  ck_assert_returns(alice, e2ee_commit_build(commit, &message, &welcome),
                    E2EE_ERR_INVALID_PROPOSAL);
  e2ee_commit_free(commit);
  ck_assert_ptr_nonnull(strstr(explanation(alice->client), "not that of its certificate"));
  writer_free(&list);
  bytes_free(&credential);
  member_free(alice);
  member_free(bob);
  certified_free(&server);
}
END_TEST

int main(void) {
  TCase *cases = tcase_create("members with certificates");
  tcase_add_checked_fixture(cases, setup, teardown);
  tcase_set_timeout(cases, 120);
  tcase_add_loop_test(cases, groups_of_each_suite, 0, SUITES);
  tcase_add_test(cases, looked_at_before);
  tcase_add_test(cases, saved_and_loaded);
  tcase_add_test(cases, who_is_named);
  tcase_add_loop_test(cases, comes_back_with_a_new_certificate, 0, 2);
  tcase_add_loop_test(cases, reinit_to_another_kind, 0, 2);
  tcase_add_test(cases, clients_refused);
  tcase_add_test(cases, verifying);
  tcase_add_test(cases, verifying_without_a_clock);
  tcase_add_test(cases, impostors);
  tcase_add_test(cases, impostor_loaded);
  tcase_add_test(cases, external_senders);
  return run_case("certified", cases);
}
