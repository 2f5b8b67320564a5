/*
 * libe2ee - the rest of RFC 9420: what a simple call does not need
 * SPDX-License-Identifier: ISC
 */
#ifndef E2EE_MLS_H
#define E2EE_MLS_H

#include <e2ee/e2ee.h>

/**
 * @file
 * The rules at the top of e2ee.h hold here too.  Section numbers are those of RFC 9420.
 */

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Clients [control] ---------------------------------------------------- */

/** Credential types (section 17.5); others are the application's own. */
enum {
  E2EE_CREDENTIAL_BASIC = 1, /**< The body is the identity. */
  E2EE_CREDENTIAL_X509 = 2   /**< The body is certificates in DER, one after another: the
                                  client's, then each the issuer of the one before. */
};

/**
 * Make a client with any credential, and a signature key of its own or one brought along.  All
 * members of its groups have to support the type of credential: they do with basic ones, with X.509
 * where OpenSSL is built in, else by e2ee_client_support().
 * @param body         of the credential: 1 to 65535 bytes
 * @param private_key  signature key: Ed25519 and Ed448 the seed, NIST curves the scalar, big-endian
 *                     and of full length; or any of them as PKCS #8 in DER.  NULL and 0: a fresh
 *                     one.  For X.509 it must be that of the first certificate.
 * @return 0; E2EE_ERR_UNSUPPORTED (suite, or X.509 without OpenSSL); E2EE_ERR_INVALID_ARG (the key
 *         is none of the suite, or not the certificate's); E2EE_ERR_MALFORMED (a certificate)
 */
E2EE_API E2EE_CHECKED int e2ee_client_new_credential(uint16_t mls_suite, uint16_t credential_type,
                                                     const uint8_t *body, size_t body_len,
                                                     const uint8_t *private_key,
                                                     size_t private_key_len, e2ee_client **out);

/**
 * Verify a certificate chain, as E2EE_MEMBER_IDENTITY gives it for an X.509 credential: signatures
 * up to one of the roots (112 bits of security at least), validity, basicConstraints, pathLen, name
 * constraints and keyUsage.  The library checks that a member has the certificate's key; who the
 * certificate names, whether that may join, and whether it was revoked, is for the application to
 * decide.  [any]
 * @param chain  at most 10 certificates
 * @param roots  trusted certificates in DER, one after another; nothing else is trusted
 * @param time   Unix seconds; 0: now
 * @return 0; E2EE_ERR_SIGNATURE (no chain to a root, or one that may not be used for that);
 *         E2EE_ERR_LIFETIME (a certificate is expired or not valid yet); E2EE_ERR_MALFORMED;
 *         E2EE_ERR_LIMIT; E2EE_ERR_UNSUPPORTED (no OpenSSL)
 */
E2EE_API E2EE_CHECKED int e2ee_x509_verify(const uint8_t *chain, size_t chain_len,
                                           const uint8_t *roots, size_t roots_len, uint64_t time);

/** Kinds of types that a member can support.  GREASE values (RFC 9420, section 13.5) are types that
 *  nobody supports: no call takes one, and E2EE_ERR_INVALID_ARG is returned as for 0. */
enum { E2EE_TYPE_EXTENSION = 1, E2EE_TYPE_PROPOSAL = 2, E2EE_TYPE_CREDENTIAL = 3 };

/**
 * Say in all leaves made from now on that the application supports a type that RFC 9420 does not
 * define (section 7.2).  A group can only use what all its members support.  Not saved, as it is
 * the program that supports a type: say it again after e2ee_client_load().  Until then own commits
 * and updates fail with E2EE_ERR_INVALID_TREE in a group that uses the type.
 * Proposal types from 0xf000 on are the application's (section 17.4).  Lower ones give
 * E2EE_ERR_INVALID_ARG: other documents define their form, which the library does not know.
 */
E2EE_API E2EE_CHECKED int e2ee_client_support(e2ee_client *client, uint32_t kind, uint16_t type);

/**
 * Say that a commit with a proposal of this type needs an update path, in which the committer
 * renews its keys (section 12.4); without one it is refused with E2EE_ERR_INVALID_COMMIT.  Every
 * member has to say the same, or they part.  Other types may come without a path.  Own commits
 * always have one.  Not saved: say it again after e2ee_client_load().
 * @return 0; E2EE_ERR_INVALID_ARG  the type is not the application's
 */
E2EE_API E2EE_CHECKED int e2ee_client_require_path(e2ee_client *client, uint16_t proposal_type);

/** Where extensions of the application travel (section 13.4). */
enum { E2EE_PLACE_LEAF = 1, E2EE_PLACE_KEY_PACKAGE = 2, E2EE_PLACE_GROUP_INFO = 3 };

/** Carry an extension in everything of that kind made from now on; a second call with the same type
 *  and place replaces it.  Types below 6 belong to RFC 9420: of them only application_id (1) may be
 *  set.  All leaves made from now on list what a leaf or key package carries (section 10).  Not
 *  saved: set it again after e2ee_client_load().
 *  @param place  E2EE_PLACE_* */
E2EE_API E2EE_CHECKED int e2ee_client_extension(e2ee_client *client, uint32_t place, uint16_t type,
                                                const uint8_t *data, size_t data_len);

/** Keep an external pre-shared key (section 8.4), to be named by its id.  Saved with the client. */
E2EE_API E2EE_CHECKED int e2ee_client_add_psk(e2ee_client *client, const uint8_t *id, size_t id_len,
                                              const uint8_t *psk, size_t psk_len);

/** Wipe it.  @return 0 or E2EE_ERR_NOT_FOUND */
E2EE_API E2EE_CHECKED int e2ee_client_remove_psk(e2ee_client *client, const uint8_t *id,
                                                 size_t id_len);

/**
 * A key package for when the others are used up: joining with it does not use it up.  Its first
 * messages can be read by whoever gets the client's keys later, so publish others too.  The client
 * remembers each epoch that it joins with it, to join none twice: save client and group in one step
 * after joining.  After 256 the private half is wiped, and Welcomes for it give E2EE_ERR_NOT_FOUND:
 * publish another before.
 */
E2EE_API E2EE_CHECKED int e2ee_key_package_new_last_resort(e2ee_client *client, e2ee_bytes **out);

/** KeyPackageRef (section 5.2) of a key package, by which Welcomes name it.  [any] */
E2EE_API E2EE_CHECKED int e2ee_key_package_ref(const uint8_t *key_package, size_t key_package_len,
                                               uint8_t *out, size_t *len);

/** Bits of e2ee_own_key_package.flags. */
enum {
  E2EE_OWN_KEY_PACKAGE_FLAG_LAST_RESORT = 1,
  E2EE_OWN_KEY_PACKAGE_FLAG_USED_UP = 2 /**< Of last resort, and its private half is wiped. */
};

/** A key package of this client that was not used yet, or is of last resort. */
typedef struct e2ee_own_key_package {
  uint64_t not_before;
  uint64_t not_after;
  uint32_t flags;   /**< E2EE_OWN_KEY_PACKAGE_FLAG_* */
  uint32_t joined;  /**< Epochs that were joined with one of last resort. */
  uint32_t ref_len; /**< Bytes in ref. */
  uint8_t ref[64];  /**< KeyPackageRef. */
} e2ee_own_key_package;

/** How many there are.  One goes when it is used, removed, or expired for longer than
 *  E2EE_SET_CLOCK_SKEW_SECONDS, which is looked at when another is made or the client is saved. */
E2EE_API E2EE_CHECKED int e2ee_client_key_packages(const e2ee_client *client, uint32_t *count);

/** @param index  from 0, oldest first; E2EE_ERR_NOT_FOUND from e2ee_client_key_packages() on */
E2EE_API E2EE_CHECKED int e2ee_client_key_package(const e2ee_client *client, uint32_t index,
                                                  e2ee_own_key_package *out, size_t out_size);

/** Wipe the private half of a key package that will not be used: a Welcome for it cannot be opened
 *  any more.  @return 0 or E2EE_ERR_NOT_FOUND */
E2EE_API E2EE_CHECKED int e2ee_client_remove_key_package(e2ee_client *client, const uint8_t *ref,
                                                         size_t ref_len);

/* ---- Reading without keys [any] ------------------------------------------- */
/*
 * For a delivery service, and to find out whom a message concerns before a group or client is at
 * hand.  Any bytes will do, and nothing is verified: it is what somebody says, no more.
 */

/** Kinds of MLSMessages (section 6): their wire formats. */
enum e2ee_message_kind {
  E2EE_MESSAGE_PUBLIC = 1,
  E2EE_MESSAGE_PRIVATE = 2,
  E2EE_MESSAGE_WELCOME = 3,
  E2EE_MESSAGE_GROUP_INFO = 4,
  E2EE_MESSAGE_KEY_PACKAGE = 5
};

/** What public and private messages hold (section 6). */
enum e2ee_content_type {
  E2EE_CONTENT_APPLICATION = 1,
  E2EE_CONTENT_PROPOSAL = 2,
  E2EE_CONTENT_COMMIT = 3
};

/** Fields that a kind of message does not have are 0, sender UINT32_MAX. */
typedef struct e2ee_message_info {
  uint64_t epoch;         /**< PUBLIC, PRIVATE, GROUP_INFO. */
  uint64_t not_before;    /**< KEY_PACKAGE. */
  uint64_t not_after;     /**< KEY_PACKAGE. */
  uint32_t kind;          /**< E2EE_MESSAGE_* */
  uint32_t content_type;  /**< PUBLIC, PRIVATE: E2EE_CONTENT_* */
  uint32_t sender_type;   /**< PUBLIC: E2EE_SENDER_*; of a PRIVATE one nothing is known. */
  uint32_t sender;        /**< PUBLIC: leaf of a member, index of an external sender; else
                               UINT32_MAX. */
  uint32_t proposal_type; /**< PUBLIC with a proposal: section 17.4. */
  uint32_t cipher_suite;  /**< WELCOME, GROUP_INFO, KEY_PACKAGE. */
  uint32_t count;         /**< WELCOME: clients that it is for.  GROUP_INFO: members in its tree, 0
                               if it has none. */
} e2ee_message_info;

/** @return 0; E2EE_ERR_LIMIT a tree of more than 2^24 leaves */
E2EE_API E2EE_CHECKED int e2ee_message_peek(const uint8_t *message, size_t message_len,
                                            e2ee_message_info *out, size_t out_size);

/** Parts of e2ee_message_peek_part(). */
enum e2ee_message_part {
  E2EE_PART_GROUP_ID = 1,        /**< PUBLIC, PRIVATE, GROUP_INFO. */
  E2EE_PART_KEY_PACKAGE_REF = 2, /**< KEY_PACKAGE (section 5.2).  WELCOME: those of all clients that
                                      it is for, one after another, each of len / count bytes. */
  E2EE_PART_IDENTITY = 3         /**< KEY_PACKAGE, not verified: see e2ee_key_package_identity(). */
};

/**
 * @param part  E2EE_PART_*
 * @return 0; E2EE_ERR_NOT_FOUND this kind of message has no such part, or it is empty
 */
E2EE_API E2EE_CHECKED int e2ee_message_peek_part(const uint8_t *message, size_t message_len,
                                                 uint32_t part, uint8_t *out, size_t *len);

/* ---- Groups [control] ------------------------------------------------------ */

/** Further values of e2ee_group_status.state. */
enum {
  E2EE_GROUP_ENDED = 4, /**< A ReInit was committed: go on with e2ee_group_successor().  Nothing can
                              be sent, but application messages of past epochs are still read. */
  E2EE_GROUP_OUTSIDE = 5 /**< Seen from outside: e2ee_group_open(). */
};

/** Further things to read about a member. */
enum {
  E2EE_MEMBER_CREDENTIAL = 4,      /**< Credential on the wire: type, then body (section 5.3). */
  E2EE_MEMBER_LEAF_EXTENSIONS = 5, /**< Extension list of the leaf: items on the wire. */
  E2EE_MEMBER_LEAF_NODE = 6        /**< The whole LeafNode on the wire (section 7.2): keys,
                                        capabilities, lifetime. */
};

/** Data of one extension of the GroupContext.  E2EE_ERR_NOT_FOUND if it is not there. */
E2EE_API E2EE_CHECKED int e2ee_group_extension(const e2ee_group *group, uint16_t type, uint8_t *out,
                                               size_t *len);

/** The ratchet_tree extension's data, for joiners where E2EE_SET_TREE_IN_WELCOME is 0
 *  (section 12.4.3.3). */
E2EE_API E2EE_CHECKED int e2ee_group_ratchet_tree(const e2ee_group *group, e2ee_bytes **out);

/** epoch_authenticator (section 8.7), a secret that only members of the epoch have. */
E2EE_API E2EE_CHECKED int e2ee_group_epoch_authenticator(const e2ee_group *group, uint8_t *out,
                                                         size_t *len);

/** Encrypt an application message with data that is authenticated, but sent in the clear. */
E2EE_API E2EE_CHECKED int e2ee_group_encrypt_with(e2ee_group *group,
                                                  const uint8_t *authenticated_data,
                                                  size_t authenticated_data_len,
                                                  const uint8_t *data, size_t data_len,
                                                  e2ee_bytes **out);

/** authenticated_data of a message; empty for most. */
E2EE_API E2EE_CHECKED int e2ee_incoming_authenticated_data(const e2ee_incoming *incoming,
                                                           uint8_t *out, size_t *len);

/* All that a proposal says can be read before it is accepted, by itself or in a commit: who is
 * added, updated or removed by e2ee_incoming_member(), the rest by the following three. */

/**
 * More about a change: of PSK the id of an external one, or of the group of a resumption one; of
 * REINIT the new group's id; of CUSTOM the data; of EXTENSIONS the new extension list (items on the
 * wire).
 * @param[out] type  the proposal type; may be NULL
 */
E2EE_API E2EE_CHECKED int e2ee_incoming_change_data(const e2ee_incoming *incoming, uint32_t index,
                                                    uint16_t *type, uint8_t *out, size_t *len);

/** Extension list that a change brings, as items on the wire: of ADD the key package's, of
 *  EXTENSIONS the group's, of REINIT the new group's; empty for the others. */
E2EE_API E2EE_CHECKED int e2ee_incoming_change_extensions(const e2ee_incoming *incoming,
                                                          uint32_t index, uint8_t *out,
                                                          size_t *len);

/** Types and usages of pre-shared keys (section 8.4). */
enum { E2EE_PSK_EXTERNAL = 1, E2EE_PSK_RESUMPTION = 2 };
enum { E2EE_PSK_APPLICATION = 1, E2EE_PSK_REINIT = 2, E2EE_PSK_BRANCH = 3 };

/** What a proposal says in numbers; 0 is what it does not say. */
typedef struct e2ee_proposal {
  uint64_t psk_epoch;    /**< PSK: of a resumption one, the epoch of the group that it is of. */
  uint32_t type;         /**< Section 17.4.  A member that removes itself by a SelfRemove: 10. */
  uint32_t psk_type;     /**< PSK: E2EE_PSK_EXTERNAL or E2EE_PSK_RESUMPTION. */
  uint32_t psk_usage;    /**< PSK: of a resumption one, E2EE_PSK_APPLICATION, _REINIT or _BRANCH. */
  uint32_t version;      /**< REINIT: of the new group; ADD: of the key package.  MLS 1.0: 1. */
  uint32_t cipher_suite; /**< Likewise: section 17.1.  A ReInit to one that is not in
                              e2ee_supported(), or to another version than 1,
                              ends the group for this client. */
} e2ee_proposal;

E2EE_API E2EE_CHECKED int e2ee_incoming_change_proposal(const e2ee_incoming *incoming,
                                                        uint32_t index, e2ee_proposal *out,
                                                        size_t out_size);

/* ---- Proposals and commits [control] --------------------------------------- */
/* e2ee_group_propose_*() returns a message to send; e2ee_commit_*() puts the same into a commit by
 * value. */

/** Mix an external PSK into the next epoch (section 12.1.4): whoever does not have it falls out.
 *  E2EE_ERR_NOT_FOUND if this client does not have it. */
E2EE_API E2EE_CHECKED int e2ee_group_propose_psk(e2ee_group *group, const uint8_t *id,
                                                 size_t id_len, e2ee_bytes **out);
E2EE_API E2EE_CHECKED int e2ee_commit_psk(e2ee_commit *commit, const uint8_t *id, size_t id_len);

/** Mix in the resumption PSK (section 8.6) of the current epoch, or of a past one that the client
 *  was in and keeps: see E2EE_SET_RESUMPTION_EPOCHS.  Members who were not in that epoch, or do not
 *  keep it, cannot follow.  E2EE_ERR_NOT_FOUND: it is not kept */
E2EE_API E2EE_CHECKED int e2ee_commit_resumption_psk(e2ee_commit *commit, uint64_t epoch);

/** Set or replace one extension of the GroupContext; the others stay (section 12.1.7).  All members
 *  must support its type.  @param data  NULL takes the extension out */
E2EE_API E2EE_CHECKED int e2ee_commit_extension(e2ee_commit *commit, uint16_t type,
                                                const uint8_t *data, size_t data_len);

/** The same, to be committed by another member. */
E2EE_API E2EE_CHECKED int e2ee_group_propose_extension(e2ee_group *group, uint16_t type,
                                                       const uint8_t *data, size_t data_len,
                                                       e2ee_bytes **out);

/** Add a type to required_capabilities (section 11.1).  @param kind  E2EE_TYPE_* */
E2EE_API E2EE_CHECKED int e2ee_commit_require(e2ee_commit *commit, uint32_t kind, uint16_t type);

/** Add somebody to external_senders (section 12.1.8.1), who may then propose without being a
 *  member; the first one has sender index 0.  @param body  as in e2ee_client_new_credential() */
E2EE_API E2EE_CHECKED int
e2ee_commit_external_sender(e2ee_commit *commit, const uint8_t *public_key, size_t public_key_len,
                            uint16_t credential_type, const uint8_t *body, size_t body_len);

/** End this group for one with other parameters (section 11.2); its extensions stay, except
 *  external_senders where the new suite has another signature scheme.  Nothing else may be in the
 *  commit.  E2EE_ERR_INVALID_ARG: the id is that of this group. */
E2EE_API E2EE_CHECKED int e2ee_group_propose_reinit(e2ee_group *group, const uint8_t *group_id,
                                                    size_t group_id_len, uint16_t mls_suite,
                                                    e2ee_bytes **out);
E2EE_API E2EE_CHECKED int e2ee_commit_reinit(e2ee_commit *commit, const uint8_t *group_id,
                                             size_t group_id_len, uint16_t mls_suite);

/** A proposal of the application's own, of a type from 0xf000 on: MLS carries it to all members and
 *  does nothing else.  Its body is one vector.  All members must support the type. */
E2EE_API E2EE_CHECKED int e2ee_group_propose_custom(e2ee_group *group, uint16_t type,
                                                    const uint8_t *data, size_t data_len,
                                                    e2ee_bytes **out);
E2EE_API E2EE_CHECKED int e2ee_commit_custom(e2ee_commit *commit, uint16_t type,
                                             const uint8_t *data, size_t data_len);

/* ---- From outside [control] ------------------------------------------------- */

/**
 * Open a group by its GroupInfo without joining it: its members can be read.  To join, start a
 * commit in it (e2ee_commit_new()); e2ee_commit_remove() takes out the client's former leaf
 * (another's: E2EE_ERR_INVALID_PROPOSAL), and e2ee_commit_psk() proves a shared secret.  A
 * SelfRemove that is waiting in the group must be given to e2ee_group_process() and accepted first,
 * so that who wanted to leave is not kept in.  e2ee_group_join_external() is this and a commit at
 * once.
 */
E2EE_API E2EE_CHECKED int e2ee_group_open(e2ee_client *client, const uint8_t *group_info,
                                          size_t group_info_len, const uint8_t *tree,
                                          size_t tree_len, e2ee_group **out);

/** Propose as an external sender: a server, say, that is no member.  The client's signature key
 *  must be the one at sender_index in the group's external_senders (section 12.1.8). */
E2EE_API E2EE_CHECKED int e2ee_external_propose_add(e2ee_client *client, const uint8_t *group_id,
                                                    size_t group_id_len, uint64_t epoch,
                                                    uint32_t sender_index,
                                                    const uint8_t *key_package,
                                                    size_t key_package_len, e2ee_bytes **out);
E2EE_API E2EE_CHECKED int e2ee_external_propose_remove(e2ee_client *client, const uint8_t *group_id,
                                                       size_t group_id_len, uint64_t epoch,
                                                       uint32_t sender_index, uint32_t leaf,
                                                       e2ee_bytes **out);

/** Ask to be added: a new member's own Add proposal.
 *  @param key_package  of this client, and not used up; else E2EE_ERR_NOT_FOUND */
E2EE_API E2EE_CHECKED int e2ee_new_member_propose(e2ee_client *client, const uint8_t *group_id,
                                                  size_t group_id_len, uint64_t epoch,
                                                  const uint8_t *key_package,
                                                  size_t key_package_len, e2ee_bytes **out);

/* ---- Groups that go on from another one [control] --------------------------- */
/* Both return a group with this client alone.  Add the other members in its first commit; that it
 * goes on from the old group is proved by a PSK that only members of it have. */

/** What a committed ReInit announced: the new group's id.  E2EE_ERR_INVALID_STATE if there is none.
 *  @param[out] mls_suite  of the new group; may be NULL */
E2EE_API E2EE_CHECKED int e2ee_group_reinit(const e2ee_group *group, uint16_t *mls_suite,
                                            uint8_t *out, size_t *len);

/** Set up the group that a ReInit announced (section 11.2).  Every member of the old group must be
 *  added.  @param client  of the new suite; may be the old group's */
E2EE_API E2EE_CHECKED int e2ee_group_successor(e2ee_client *client, const e2ee_group *old,
                                               e2ee_group **out);

/** Set up a group for some members of this one, which goes on (section 11.3).  */
E2EE_API E2EE_CHECKED int e2ee_group_branch(const e2ee_group *old, const uint8_t *group_id,
                                            size_t group_id_len, e2ee_group **out);

/** As e2ee_welcome_open(), where the new group must go on from a certain one, which another client
 *  may hold, because it has another suite.  E2EE_ERR_INVALID_TREE: it does not. */
E2EE_API E2EE_CHECKED int e2ee_welcome_open_successor(e2ee_client *client, const e2ee_group *old,
                                                      const uint8_t *welcome, size_t welcome_len,
                                                      const uint8_t *tree, size_t tree_len,
                                                      e2ee_incoming **out);

/* ---- Settings --------------------------------------------------------------- */

/** Further settings of e2ee_client_set(). */
enum {
  E2EE_SET_PADDING = 9,          /**< Pad plaintexts to a multiple of this; 0: not at all [64]. */
  E2EE_SET_GREASE = 10,          /**< 1: put values that others must ignore (13.5) into the
                                      capabilities of leaves and into GroupInfos [1]. */
  E2EE_SET_TREE_IN_WELCOME = 11, /**< 1: ratchet tree in Welcome and GroupInfo [1]. */
  E2EE_SET_THREADS = 12, /**< Threads that opening a Welcome, or joining from outside, may work
                                      on, 1 to 16 [1].  The calling one is one of them; the others
                                      are started in the call, take no signals, and have ended when
                                      it returns.  It changes how long a large group takes to check,
                                      and nothing else: fewer are used where the system gives no
                                      more. */
  E2EE_SET_CLOCK_SKEW_SECONDS = 13, /**< How far the clocks of others may be ahead, 0 to 2^63 - 1
                                      [86400].  What the client itself adds must be valid by its own
                                      clock.  What others have added may begin up to so much later,
                                      and may have expired.  E2EE_ERR_LIFETIME is then not final:
                                      the same bytes can be processed again later. */
  E2EE_SET_RESUMPTION_EPOCHS = 14,  /**< Past epochs of which the resumption PSK is kept (8.6), 0 to
                                      1024; fewer count from the next epoch on [64].  A member
                                      that keeps fewer than others cannot follow a commit that names
                                      an older one. */
  E2EE_SET_MAX_LEAF_BYTES = 15,   /**< Largest leaf to make and to propose, identity and extensions
                                      included: 1024 to 2^20 [131072].  An own commit leaves out
                                      what others proposed above it.  What they commit is bound by
                                      2^20, for all members alike. */
  E2EE_SET_MAX_CONTEXT_BYTES = 16 /**< The same for a GroupContext (group id and extensions), unless
                                      it gets smaller: 1024 to 2^22 [262144].  What others commit is
                                      bound by 2^22: signing and verifying a message takes hashing
                                      the GroupContext. */
};

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* E2EE_MLS_H */
