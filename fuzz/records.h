/*
 * The records that an input of the group target is made of.
 * SPDX-License-Identifier: ISC
 */
#ifndef FUZZ_RECORDS_H
#define FUZZ_RECORDS_H

/* Low bits of the first byte of a record; its length in two bytes and its data follow. */
enum operation {
  SEND_ANYTHING,
  SEND_PROPOSAL,
  SEND_COMMIT,
  SEND_APPLICATION,
  COMMIT_PROPOSALS, /* honestly, all that are stored */
  SAVE_AND_LOAD,
  JOIN_FROM_OUTSIDE, /* by a GroupInfo of these extensions */
  PROPOSE_ADD,       /* honestly, of this key package */
  OPERATIONS
};
#define BY_BOB 0x10
#define ENCRYPTED 0x20

#endif
