/*
 * What the target `forged` bends, as its input says, in what the forger of tests/reject makes: fields
 * of leaves, key packages, proposals, paths, messages and Welcomes, before they are signed.
 * SPDX-License-Identifier: ISC
 */
#ifndef FUZZ_BENDS_H
#define FUZZ_BENDS_H

#include "tests/reject/invite.h"

#define KEPT 64

struct bender {
  struct view input;
  bool hidden;             /* something was bent that only some members can see */
  uint32_t sent;           /* PrivateMessages before this one: the forger does not count them */
  struct bytes kept[KEPT]; /* what views of the forger point to */
  size_t kept_count;
};

/** The next byte of the input, 0 behind its end. */
uint8_t bend_byte(struct bender *bender);
/** Some bytes of the input, as many as its next one says. */
struct view bend_block(struct bender *bender);
/** Free what was kept. */
void bend_end(struct bender *bender);

/** An extension or two, whatever is in them; or bytes that may be no list. */
struct view bend_extensions(struct bender *bender);

/** PreSharedKeyID: of the PSK that everybody has, at first. */
struct psk_id bend_psk(struct bender *bender, const struct world *world);

/** A leaf that still parses: the forger puts it into its tree. */
void bend_leaf(struct bender *bender, const struct world *world, struct leaf_forger *forger);

/** Proposals, on the wire and to be freed; some do not even parse.  @param by  whose Update it is */
struct bytes bend_proposal(struct bender *bender, const struct world *world,
                           const struct member *by);

/** List a proposal of the commit, and apply it as far as the forger can. */
void bend_list(struct bender *bender, const struct world *world, struct forgery *forgery,
               const struct member *by);

/** The path, if the tree has room for one. */
void bend_path(struct bender *bender, const struct world *world, struct forgery *forgery);

/** A letter before it is signed, and when it is. */
void bend_unsigned(struct bender *bender, const struct world *world, struct letter *letter);
void bend_signed(struct bender *bender, struct letter *letter);
/** Protect it; it may have another tag than it should, or another key. */
void bend_protect(struct bender *bender, struct letter *letter, struct bytes *out);

/** A Welcome or GroupInfo before it is signed. */
void bend_invitation(struct bender *bender, struct world *world, struct invite *invite);

#endif
