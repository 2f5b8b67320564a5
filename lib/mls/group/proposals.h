/*
 * Proposals: kept until a commit names them, checked as a list, applied to a tree
 * (RFC 9420, sections 12.1 to 12.3).
 * SPDX-License-Identifier: ISC
 */
#ifndef MLS_GROUP_PROPOSALS_H
#define MLS_GROUP_PROPOSALS_H

#include "mls/group/proposalkinds.h"

/* ---- Received or sent in this epoch, not committed yet ---- */

struct stored_proposal {
  struct bytes authenticated; /* AuthenticatedContent on the wire */
  uint8_t ref[HASH_MAX];      /* ProposalRef */
  struct sender sender;
  struct proposal proposal;  /* views into `authenticated` */
  struct secret *update_key; /* of an own Update: the new leaf's private key; locked */
};

struct proposal_store {
  struct stored_proposal *item;
  size_t count;
  size_t capacity;
  size_t bytes; /* of all AuthenticatedContents */
};

/** So many proposals of one epoch are kept, and so many bytes of them; more are ERR_LIMIT. */
#define PROPOSALS_MAX 2048
#define PROPOSALS_BYTES_MAX ((size_t)16 << 20)

/**
 * Keep a proposal; one that is there already is kept once.
 * @param update_key  moved in on success; NULL if it is not an own Update
 */
CHECKED enum err proposal_store_add(struct proposal_store *store, const struct suite *suite,
                                    const struct authenticated_content *content,
                                    struct secret **update_key);
/** The same from the bytes of an AuthenticatedContent: for loading. */
CHECKED enum err proposal_store_restore(struct proposal_store *store, const struct suite *suite,
                                        struct view authenticated, struct secret **update_key);
/** The SelfRemove of a member; NULL if there is none. */
const struct stored_proposal *proposal_store_find_leave(const struct proposal_store *store,
                                                        uint32_t leaf);
void proposal_store_clear(struct proposal_store *store);
/** Forget all but the first `count`. */
void proposal_store_cut(struct proposal_store *store, size_t count);

/** What a member's settings and situation make of the RFC's rules. */
struct proposal_rules {
  struct lifetime_rules lifetime; /* of key packages */
  uint32_t max_members;
  uint8_t psk_usage;      /* PSK_REINIT or PSK_BRANCH in the commit that sets up a linked group */
  struct view path_types; /* of the application's that need a path: 16-bit items */
  struct why *why;
};

/** For proposals that the client makes or commits. */
struct proposal_rules proposal_rules_own(struct client *client);
/** For those that others make or commit: the same for everybody, whatever the settings. */
struct proposal_rules proposal_rules_received(struct client *client);

/** Whether a client's settings let it propose or commit something of this size: what others commit
 *  is judged alike by all.  ERR_LIMIT */
CHECKED enum err proposal_check_settings(const struct settings *settings, const struct epoch *epoch,
                                         const struct proposal *proposal, struct why *why);

/* ---- The list that one commit applies ---- */

struct listed_proposal {
  struct proposal proposal;
  struct sender sender;
  const struct stored_proposal *stored; /* NULL if given by value */
  bool checked; /* by proposal_check() when it was planned: signatures are not verified again */
  uint8_t row;  /* of its type in proposal_kinds */
};

/** Views and pointers into the commit and the store, which must outlive it. */
struct proposal_list {
  struct listed_proposal *item;
  size_t count;
  size_t capacity;
  size_t of_row[PROPOSAL_KINDS_MAX]; /* how many there are of each type */
};

CHECKED enum err proposal_list_add(struct proposal_list *list, const struct proposal *proposal,
                                   struct sender sender, const struct stored_proposal *stored);
void proposal_list_remove(struct proposal_list *list, size_t at);
void proposal_list_free(struct proposal_list *list);

/** How many of a type; of the application's types, how many of all of them. */
size_t proposal_list_count(const struct proposal_list *list, uint16_t type);

/** The leaf that a proposal replaces or takes away; LEAF_NONE for the others. */
uint32_t proposal_leaf(const struct proposal *proposal, struct sender sender);

/* ---- What may stand in a list, and beside what (section 12.2) ---- */

/** So many PSKs one commit may hold, and so many proposals of the application's types. */
#define LISTED_PSKS_MAX 256
#define LISTED_CUSTOMS_MAX PROPOSALS_MAX

/** Whether there are no more of each kind than any commit may hold (section 12.2).
 *  ERR_INVALID_PROPOSAL; ERR_LIMIT.  @param external  of somebody who joins by the commit */
CHECKED enum err proposal_list_check_size(const struct proposal_list *list,
                                          const struct epoch *epoch, bool external,
                                          const struct proposal_rules *rules);

/** Whether a commit may hold a proposal of this kind and sender at all.  ERR_INVALID_PROPOSAL. */
CHECKED enum err proposal_list_check_item(const struct listed_proposal *item, bool external,
                                          struct why *why);

/** All rules for a list that is complete.  Errors as above.
 *  @param committer  member's leaf, or LEAF_NONE for an external commit */
CHECKED enum err proposal_list_check(const struct proposal_list *list, const struct epoch *epoch,
                                     uint32_t committer, const struct proposal_rules *rules);

/** Whether a stored proposal may stand in a commit of `committer` beside those in the list, as far as
 *  they are about leaves: not an own Update, no second change of one leaf. */
bool proposal_list_admits(const struct proposal_list *list, const struct proposal *proposal,
                          struct sender sender, uint32_t committer);

/* ---- On the wire ---- */

/**
 * Read the list of a commit and look up what it names (section 12.4).  What can be told from kinds,
 * senders and numbers is told while it is read, so that no list grows beyond what could be applied.
 * @return OK; ERR_MALFORMED; ERR_MISSING_PROPOSAL: a reference is unknown; ERR_INVALID_PROPOSAL:
 *         one is named twice, and others; ERR_UNSUPPORTED; ERR_LIMIT
 */
CHECKED enum err proposal_list_resolve(struct proposal_list *list, struct view proposals,
                                       const struct proposal_store *store,
                                       const struct epoch *epoch, struct sender committer,
                                       const struct proposal_rules *rules);

/**
 * Find what removes a leaf in a list that cannot be read, or looked up, to its end.
 * @return false if what can be does not
 */
bool proposals_find_removal(struct view proposals, const struct proposal_store *store,
                            const struct suite *suite, struct sender committer, uint32_t leaf,
                            struct listed_proposal *out);

/** Items of ProposalOrRef, removals first: so whoever cannot read all the others learns of its own. */
void proposal_list_write(struct writer *writer, const struct proposal_list *list,
                         const struct suite *suite);

/* ---- What a list does to an epoch ---- */

struct effects {
  struct tree *tree;      /* being edited, not sealed */
  struct view extensions; /* of the new GroupContext */
  struct changes changes;
  uint32_t *added;                /* leaves of new members, in increasing order */
  struct view *added_key_package; /* and what they published, in the same order */
  size_t added_count;
  bool path_required;
  bool removes_own;
  const struct secret *own_update_key; /* our Update is in the list: private key of the new leaf */
  struct view external_init;           /* kem_output, or empty */
  struct view reinit;                  /* the ReInit proposal, or empty */
};

void effects_free(struct effects *effects);

/** What the steps of one application share. */
struct application {
  const struct epoch *epoch;
  const struct proposal_list *list;
  const struct proposal_rules *rules;
  struct why *why;
  struct effects *effects;
  size_t at; /* the proposal being worked on */
  size_t
      context_at; /* the one that sets the GroupContext's extensions; size of the list: none does */
};

/**
 * Check a list of proposals and apply it (sections 12.2 and 12.3).
 * @param committer  member's leaf, or LEAF_NONE for an external commit
 * @param offender   out, may be NULL: on failure, position of the proposal to blame; the size of the
 *                   list if none is
 * @return OK; ERR_INVALID_PROPOSAL; ERR_LIFETIME; ERR_LIMIT; ERR_UNSUPPORTED; ERR_SIGNATURE
 */
CHECKED enum err proposals_apply(const struct epoch *epoch, const struct proposal_list *list,
                                 uint32_t committer, const struct proposal_rules *rules,
                                 size_t *offender, struct effects *out);

/**
 * Check one proposal by itself (section 12.1), as it arrives: what it is about exists, and its
 * sender may propose it.  Errors as above.
 */
CHECKED enum err proposal_check(const struct epoch *epoch, const struct proposal *proposal,
                                struct sender sender, const struct proposal_rules *rules);

/** What a proposal by itself would change.  @param tree  of the epoch that it is of
 *  @param position  in its list, or 0 */
CHECKED enum err proposal_describe(struct changes *changes, const struct proposal *proposal,
                                   struct sender proposer, const struct tree *tree,
                                   size_t position);

#endif
