/*
 * Members of a group, made and moved through the public API alone.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_FIXTURE_H
#define TESTS_FIXTURE_H

#include <check.h>
#include <stdbool.h>

#include <e2ee/e2ee.h>

/** For a (pointer, length) pair of arguments. */
#define BYTES(bytes) e2ee_bytes_data(bytes), e2ee_bytes_size(bytes)
#define TEXT(text) ((const uint8_t *)(text)), (sizeof(text) - 1)

#define SUITE 1

struct member {
  e2ee_client *client;
  e2ee_group *group; /* NULL: in none */
};

/** A client whose identity is the name; freed by member_free(). */
struct member member_new(const char *name);
void member_free(struct member *member);

/** `count` clients: alice, bob, carol, dave, or the first of these. */
void members_new(struct member *members, size_t count);
void members_free(struct member *members, size_t count);
/** They support the extension and the proposal of a type; before they are in a group. */
void members_support(struct member *members, size_t count, uint16_t type);

/** The last explanation of a client, with a terminating zero; static storage. */
const char *explanation(const e2ee_client *client);

/** Fail the test, with the explanation, unless a call of this member returned what it should. */
#define ck_assert_returns(member, call, expected)                                                  \
  do {                                                                                             \
    int returned_ = (call);                                                                        \
    ck_assert_msg(returned_ == (expected), "%s returned %d instead of %d: %s", #call, returned_,   \
                  (int)(expected), explanation((member)->client));                                 \
  } while (0)
#define ck_assert_done(member, call) ck_assert_returns(member, call, E2EE_OK)

e2ee_bytes *key_package_of(struct member *member);

/** Make a group of all of them: the first founds it and adds the others one after the other. */
void found_group(struct member *members, size_t count);

/** Build a commit that adds the owner of a key package, unless that is NULL, and removes a leaf, unless
 *  that is UINT32_MAX.  @param welcome  may be NULL if nobody is added  @return the message */
e2ee_bytes *build_commit(struct member *by, const e2ee_bytes *key_package, uint32_t remove,
                         e2ee_bytes **welcome);

/** Build and accept a commit that renews the own keys.  @return the message */
e2ee_bytes *renew(struct member *by);

/** Verify a message that must be fine.  @return to be freed */
e2ee_incoming *process(struct member *to, const e2ee_bytes *message);

/** Verify and accept a proposal or commit. */
void receive(struct member *to, const e2ee_bytes *message);

/** A message must be refused with this error, and leave no trace. */
void expect_refused(struct member *to, const e2ee_bytes *message, int expected);

/** Join by Welcome. */
void join(struct member *member, const e2ee_bytes *welcome);

/** One sends what the other reads. */
void expect_readable(struct member *from, struct member *to);

/** Both are in the same epoch, and read each other. */
void expect_agreement(struct member *a, struct member *b);

uint64_t epoch_of(const struct member *member);
uint32_t state_of(const struct member *member);
uint32_t leaf_of(const struct member *member);

e2ee_incoming_status status_of(const e2ee_incoming *incoming);
uint32_t kind_of(const e2ee_incoming *incoming);
e2ee_change change_of(const e2ee_incoming *incoming, uint32_t index);
/** Whom a change is about. */
void expect_named(const e2ee_incoming *incoming, uint32_t index, const char *name);

/** What can be told of a group without changing it. */
struct facts {
  e2ee_group_status status;
  uint64_t members; /* hash of all that can be read of them */
  uint64_t pending; /* hash of the pending commit's messages */
  int exported;     /* result of exporting */
  uint8_t secret[32];
};

struct facts facts_of(const e2ee_group *group);
void expect_unchanged(const e2ee_group *group, const struct facts *before);

#endif
