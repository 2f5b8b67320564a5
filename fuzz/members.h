/*
 * The group that fuzz targets and their seeds play in: alice made it, leaf 0, and added bob, leaf 1.
 * SPDX-License-Identifier: ISC
 */
#ifndef FUZZ_MEMBERS_H
#define FUZZ_MEMBERS_H

#include "harness.h"

#define MEMBERS_SUITE 1

struct members {
  e2ee_client *alice_client, *bob_client;
  e2ee_group *alice, *bob;
  uint64_t epoch;
  e2ee_bytes *welcome; /* bob's */
};

/** Make the group; ends the process if that fails.  Needs harness_start(). */
void members_start(struct members *members);
void members_stop(struct members *members);

#endif
