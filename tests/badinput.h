/*
 * Calls that must be refused: with the error expected, NULL or nothing in every output, and no trace in
 * the groups that are watched.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_BADINPUT_H
#define TESTS_BADINPUT_H

#include "fixture.h"

/** Where a call puts its results.  An expectation knows from the text of the call which were given. */
struct outputs {
  e2ee_client *client;
  e2ee_group *group;
  e2ee_commit *commit;
  e2ee_incoming *incoming;
  e2ee_media *media;
  e2ee_bytes *bytes, *second;
  uint8_t data[256];
  size_t size; /* of data */
};

extern struct outputs out;

/** Watch the groups of so many members from here on, as they are now. */
void watch(const struct member *members, size_t count);

void badinput_prepare(void);
void badinput_check(const char *call);

/** For calls without a client, or that do not come so far as to enter its domain. */
#define expect_error(expected, call)                                                               \
  do {                                                                                             \
    badinput_prepare();                                                                            \
    int returned_ = (call);                                                                        \
    ck_assert_msg(returned_ == (expected), "%s returned %d instead of %s", #call, returned_,       \
                  #expected);                                                                      \
    badinput_check(#call);                                                                         \
  } while (0)

/** The same, and this member's client says why. */
#define expect_refusal(member, expected, call)                                                     \
  do {                                                                                             \
    badinput_prepare();                                                                            \
    int returned_ = (call);                                                                        \
    const char *why_ = explanation((member)->client);                                              \
    ck_assert_msg(returned_ == (expected), "%s returned %d instead of %s: %s", #call, returned_,   \
                  #expected, why_);                                                                \
    ck_assert_msg(why_[0] != 0, "%s says nothing", #call);                                         \
    badinput_check(#call);                                                                         \
  } while (0)

#define INVALID E2EE_ERR_INVALID_ARG

#endif
