/*
 * libe2ee - MLS (RFC 9420) group keys and SFrame (RFC 9605) media encryption
 * SPDX-License-Identifier: ISC
 */
#ifndef E2EE_E2EE_H
#define E2EE_E2EE_H

/**
 * @mainpage Rules that hold for every function
 *
 * Types      Only fixed-width integers, size_t, pointers to opaque handles and
 *            pointers to flat structs cross this header.  No callbacks, varargs,
 *            struct by value, bool, enum-typed parameter, inline function or
 *            macro that a binding would need.
 *
 * Errors     Functions that can fail return int: 0 (E2EE_OK) or a negative
 *            E2EE_ERR_*; the few that answer a question return 1 or 0 too, and
 *            say so.  Values never change meaning once released.  No
 *            thread-local "last error" exists.  A NULL or out-of-range argument
 *            is E2EE_ERR_INVALID_ARG; the library never aborts on input.
 *            E2EE_ERR_NOMEM, E2EE_ERR_RANDOM, E2EE_ERR_INTERNAL, and of [control]
 *            calls E2EE_ERR_BUSY, go without saying; so do, where a call is given
 *            what came from others, E2EE_ERR_MALFORMED and the rest of class -3xx,
 *            E2EE_ERR_UNSUPPORTED (a version, type or suite) and E2EE_ERR_LIMIT.
 *
 * Effects    A call that fails changes nothing (out of memory included), unless
 *            its comment says otherwise.  After E2EE_ERR_INTERNAL the handle
 *            refuses all further work and may only be freed.
 *
 * Ownership  Inputs are borrowed for the call and copied if kept.  `T **out` is
 *            set to NULL on failure; on success the caller owns *out and frees it
 *            with T's own e2ee_T_free(), which accepts NULL and wipes secrets.
 *            Handles may be freed in any order: a child keeps its parent alive.
 *
 * Lengths    Getters take (uint8_t *out, size_t *len): on entry *len is the
 *            capacity, on return the size.  out == NULL asks for the size.  Too
 *            small a buffer gives E2EE_ERR_BUFFER_TOO_SMALL with *len set.
 *            Getters never change state, so asking twice is safe.  Calls that do
 *            change state return an e2ee_bytes instead.
 *
 * Messages   Key packages, Welcomes, GroupInfos, proposals, commits and encrypted
 *            messages are MLSMessages (RFC 9420, section 6), ready to be sent as
 *            they are.  A `tree` is the data of a ratchet_tree extension
 *            (section 12.4.3.3).  Sizes are in bytes, times in Unix seconds.
 *
 * Structs    Output structs are passed with their size: the library fills at most
 *            that many bytes and zeroes the rest, so fields may be appended.
 *
 * Threads    [any]      may run at any time on any thread.
 *            [control]  one thread at a time per client, counting all its groups,
 *                       commits and incoming messages.  An overlap is detected and
 *                       refused with E2EE_ERR_BUSY, not corrupted.
 *            [stream]   one thread at a time per sender or receiver, concurrently
 *                       with any [control] or [any] call and with other streams.
 *            e2ee_*_free() must not overlap another call on the same handle.
 *            pthread_cancel() ends a thread before or after a call, never inside it,
 *            however long the call waits.  Threads that are cancelled asynchronously
 *            (PTHREAD_CANCEL_ASYNCHRONOUS) must not call the library.
 *
 * Durability Save a group after each call that returns bytes to send, and before
 *            sending them; e2ee_group_status.revision tells if it is due.
 */

#include <stddef.h>
#include <stdint.h>

#include <e2ee/version.h> /* E2EE_VERSION_MAJOR/MINOR/PATCH, E2EE_VERSION_NUMBER */

#if defined(_WIN32) && defined(E2EE_BUILDING)
#define E2EE_API __declspec(dllexport)
#elif defined(__GNUC__) && __GNUC__ >= 4
#define E2EE_API __attribute__((visibility("default")))
#else
#define E2EE_API
#endif

#if defined(__GNUC__)
#define E2EE_CHECKED __attribute__((warn_unused_result))
#else
#define E2EE_CHECKED
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Errors -------------------------------------------------------------- */

/** Codes are grouped: -err / 100 is the class, and stays so for codes added later. */
enum {
  E2EE_OK = 0,

  /* -1xx  The caller's mistake; fix the call. */
  E2EE_ERR_INVALID_ARG = -101,      /**< NULL, out of range, or wrong length. */
  E2EE_ERR_INVALID_STATE = -102,    /**< Not allowed in this state. */
  E2EE_ERR_BUSY = -103,             /**< Two threads used one client at once. */
  E2EE_ERR_BUFFER_TOO_SMALL = -104, /**< *len says how many bytes are needed. */
  E2EE_ERR_NOT_FOUND = -105,        /**< No such member, key package or part. */
  E2EE_ERR_UNSUPPORTED = -106,      /**< Suite, extension or version not built in. */
  E2EE_ERR_LIMIT = -107,            /**< Over a limit; see e2ee_client_set(). */

  /* -2xx  Ordering; harmless: wait, fetch what is missing, or drop. */
  E2EE_ERR_OLD_EPOCH = -201,        /**< For an epoch already left and wiped. */
  E2EE_ERR_FUTURE_EPOCH = -202,     /**< For an epoch not reached yet: keep, retry. */
  E2EE_ERR_PENDING_COMMIT = -203,   /**< Resolve this member's pending commit first. */
  E2EE_ERR_MISSING_PROPOSAL = -204, /**< Commit names a proposal never received. */
  E2EE_ERR_NO_KEY = -205,           /**< No key for this frame; buffers untouched. */
  E2EE_ERR_REPLAY = -206,           /**< Seen before or too old; buffers untouched. */

  /* -3xx  The peer or the network sent something unacceptable; drop it. */
  E2EE_ERR_MALFORMED = -301,        /**< Does not parse. */
  E2EE_ERR_AUTH = -302,             /**< AEAD tag or MAC is wrong. */
  E2EE_ERR_SIGNATURE = -303,        /**< Signature is wrong. */
  E2EE_ERR_INVALID_PROPOSAL = -304, /**< RFC 9420 section 12.1/12.2 check failed. */
  E2EE_ERR_INVALID_COMMIT = -305,   /**< RFC 9420 section 12.4 check failed. */
  E2EE_ERR_INVALID_TREE = -306,     /**< Tree or leaf fails section 7 checks. */
  E2EE_ERR_LIFETIME = -307,         /**< Key package or leaf outside its lifetime. */

  /* -4xx  Stored state or key use. */
  E2EE_ERR_STATE_KEY = -401,     /**< Wrong state key, or blob altered. */
  E2EE_ERR_STATE_CORRUPT = -402, /**< Authentic, but does not decode. */
  E2EE_ERR_STATE_VERSION = -403, /**< Written by a newer library. */
  E2EE_ERR_KEY_EXHAUSTED = -404, /**< Counter or ratchet used up: new epoch needed. */
  E2EE_ERR_LEFT_BEHIND = -405, /**< A commit of this member came back that it had discarded, or had
                                    lost with unsaved state: the others are in the epoch that it
                                    began, and this member can never get there.  Join again. */

  /* -9xx  Nothing the peer did. */
  E2EE_ERR_NOMEM = -901,
  E2EE_ERR_RANDOM = -902,  /**< System randomness unavailable. */
  E2EE_ERR_INTERNAL = -903 /**< A bug was detected; handle is dead. */
};

/* ---- Handles ------------------------------------------------------------- */

typedef struct e2ee_bytes e2ee_bytes;       /**< Bytes owned by the caller. */
typedef struct e2ee_client e2ee_client;     /**< Identity and key packages. */
typedef struct e2ee_group e2ee_group;       /**< Membership of one MLS group. */
typedef struct e2ee_commit e2ee_commit;     /**< A commit being built or pending. */
typedef struct e2ee_incoming e2ee_incoming; /**< Verified, not yet applied. */
typedef struct e2ee_media e2ee_media;       /**< Frame keys shared by streams. */
typedef struct e2ee_sender e2ee_sender;     /**< Encrypts one outgoing stream. */
typedef struct e2ee_receiver e2ee_receiver; /**< Decrypts incoming streams. */

/* ---- Library [any] ------------------------------------------------------- */

/** Run-time version, (major << 16) | (minor << 8) | patch. */
E2EE_API uint32_t e2ee_version_number(void);

/** Run-time version as text; static storage. */
E2EE_API const char *e2ee_version_string(void);

/**
 * Prepare the library.  Idempotent and thread-safe; constructors call it, so a
 * program needs it only to learn of a failure early.  It tries known answers of hashes and
 * ciphers; those of curves are tried by the first call that uses a suite with them.
 * @return 0, E2EE_ERR_RANDOM, or E2EE_ERR_INTERNAL (a self-test failed)
 */
E2EE_API E2EE_CHECKED int e2ee_init(void);

/** English text for a code, static storage; never NULL, unknown codes included. */
E2EE_API const char *e2ee_strerror(int err);

/** Kinds for e2ee_supported(). */
enum {
  E2EE_SUITE_MLS = 1,   /**< id: RFC 9420 section 17.1. */
  E2EE_SUITE_SFRAME = 2 /**< id: RFC 9605 section 8.1 and its registry. */
};

/** 1 if this build and processor can use the suite, else 0. */
E2EE_API int e2ee_supported(uint32_t kind, uint16_t id);

/* ---- Bytes [any] --------------------------------------------------------- */

/** Start of the bytes; valid until e2ee_bytes_free().  NULL if bytes is NULL. */
E2EE_API const uint8_t *e2ee_bytes_data(const e2ee_bytes *bytes);

/** Number of bytes. */
E2EE_API size_t e2ee_bytes_size(const e2ee_bytes *bytes);

/** Wipe and free. */
E2EE_API void e2ee_bytes_free(e2ee_bytes *bytes);

/* ---- Client and identity [control] --------------------------------------- */

/**
 * Make a client with a fresh signature key and a basic credential.
 * @param mls_suite  cipher suite of its key packages and groups (RFC 9420, section 17.1)
 * @param identity   credential bytes, chosen and checked by the application: 1 to 65535
 * @return 0; E2EE_ERR_UNSUPPORTED the suite, see e2ee_supported(); E2EE_ERR_LIMIT
 */
E2EE_API E2EE_CHECKED int e2ee_client_new(uint16_t mls_suite, const uint8_t *identity,
                                          size_t identity_len, e2ee_client **out);

/** Restore a client from e2ee_client_save().  @see e2ee_group_load for errors */
E2EE_API E2EE_CHECKED int e2ee_client_load(const uint8_t *key, size_t key_len, const uint8_t *blob,
                                           size_t blob_len, e2ee_client **out);

/** Seal identity and key packages under a 32-byte state key; key packages that are long over are
 *  wiped before.  @see e2ee_group_save */
E2EE_API E2EE_CHECKED int e2ee_client_save(e2ee_client *client, const uint8_t *key, size_t key_len,
                                           e2ee_bytes **out);

E2EE_API void e2ee_client_free(e2ee_client *client);

/** The client's public signature key. */
E2EE_API E2EE_CHECKED int e2ee_client_public_key(const e2ee_client *client, uint8_t *out,
                                                 size_t *len);

/** Settings for e2ee_client_set(); the default is in brackets, after the range.  Not saved. */
enum {
  E2EE_SET_TIME = 1,                /**< Unix seconds for lifetimes, to 2^63 - 1; 0: system clock
                                         [0]. */
  E2EE_SET_MAX_MEMBERS = 2,         /**< Largest group to join or to add to, 1 to 2^24 [32768].
                                         What other members add is taken in any case. */
  E2EE_SET_MAX_MESSAGE_BYTES = 3,   /**< Largest message, Welcome, GroupInfo, key package or
                                         tree, in or out, 1 to 2^30 - 1 [33554432]. */
  E2EE_SET_PAST_EPOCHS = 4,         /**< Epochs kept for late messages, 0 to 16; fewer count from
                                         the next epoch on [2]. */
  E2EE_SET_MAX_SKIP = 5,            /**< Messages of a sender that may be missing before one that
                                         is read, 0 to 2^20; so many keys are kept for them
                                         [1000]. */
  E2EE_SET_ENCRYPT_HANDSHAKE = 6,   /**< 1: send proposals and commits as PrivateMessage; 0: as
                                         PublicMessage, which a server can read [1]. */
  E2EE_SET_KEY_PACKAGE_SECONDS = 7, /**< Lifetime of new key packages, which begins an hour
                                         before, as clocks differ; 1 to 2^63 - 1 [7776000]. */
  E2EE_SET_MAX_LIFETIME_SECONDS = 8 /**< Longest lifetime that is added, or joined; RFC 9420,
                                         section 7.2 wants applications to choose one.  What other
                                         members add is taken in any case.  0: any [0]. */
};

/** Set one E2EE_SET_*.
 *  @return 0; E2EE_ERR_INVALID_ARG out of range; E2EE_ERR_UNSUPPORTED no such setting */
E2EE_API E2EE_CHECKED int e2ee_client_set(e2ee_client *client, uint32_t setting, uint64_t value);

/**
 * Why the last call of this client's control domain failed: one English sentence naming the
 * check, its RFC section, and the leaf, node or proposal concerned.  ASCII, no terminating
 * zero, never a secret.  Empty if the last call succeeded.  Asking does not change it, nor do
 * freeing, and calls that are refused for a NULL or length before they look at any state.
 */
E2EE_API E2EE_CHECKED int e2ee_client_explain(const e2ee_client *client, uint8_t *out, size_t *len);

/* ---- Key packages [control] ---------------------------------------------- */

/** Make a one-use key package to publish; its private half stays in the client: save the client
 *  before publishing. */
E2EE_API E2EE_CHECKED int e2ee_key_package_new(e2ee_client *client, e2ee_bytes **out);

/** Verify a key package, except for its lifetime, and read the identity in it.  [any] */
E2EE_API E2EE_CHECKED int e2ee_key_package_identity(const uint8_t *key_package,
                                                    size_t key_package_len, uint8_t *out,
                                                    size_t *len);

/* ---- Group life cycle [control] ------------------------------------------ */

/**
 * Create a group with the client as its only member.
 * @param group_id  1 to 65535 bytes, that no other group has or had
 * @return 0; E2EE_ERR_INVALID_STATE the client is in a group of that id; E2EE_ERR_LIMIT
 */
E2EE_API E2EE_CHECKED int e2ee_group_new(e2ee_client *client, const uint8_t *group_id,
                                         size_t group_id_len, e2ee_group **out);

/**
 * First half of joining: open and fully verify a Welcome.  Inspect the members in
 * *out (each is an E2EE_CHANGE_ADD), then e2ee_incoming_join() or free it.
 * @param tree  ratchet tree if not in the Welcome, else NULL and 0
 * @return 0; E2EE_ERR_NOT_FOUND it is for no key package that this client still has, or the tree or
 *         a PSK is missing; E2EE_ERR_INVALID_STATE in that group already, or this client was in the
 *         epoch that it leads to before
 */
E2EE_API E2EE_CHECKED int e2ee_welcome_open(e2ee_client *client, const uint8_t *welcome,
                                            size_t welcome_len, const uint8_t *tree,
                                            size_t tree_len, e2ee_incoming **out);

/**
 * Join without an invitation, by external commit.  *out is E2EE_GROUP_PENDING, and shows the
 * epoch that it leads to: inspect its members, then send *commit and call
 * e2ee_group_commit_accepted(), or free both.  If another commit wins, discard this one, and begin
 * anew with a new GroupInfo.
 * @param tree  ratchet tree if not in the GroupInfo, else NULL and 0
 * @return 0; E2EE_ERR_NOT_FOUND the tree is missing, or the GroupInfo is not for joining;
 *         E2EE_ERR_INVALID_STATE in that group already
 */
E2EE_API E2EE_CHECKED int e2ee_group_join_external(e2ee_client *client, const uint8_t *group_info,
                                                   size_t group_info_len, const uint8_t *tree,
                                                   size_t tree_len, e2ee_bytes **commit,
                                                   e2ee_group **out);

/** Signed GroupInfo for external joiners, good until the epoch ends.
 *  @return 0 or E2EE_ERR_INVALID_STATE not a member */
E2EE_API E2EE_CHECKED int e2ee_group_info(e2ee_group *group, e2ee_bytes **out);

E2EE_API void e2ee_group_free(e2ee_group *group);

enum {
  E2EE_GROUP_ACTIVE = 1,  /**< May send and commit. */
  E2EE_GROUP_PENDING = 2, /**< Own commit not resolved yet. */
  E2EE_GROUP_LEFT = 3     /**< Removed; secrets are wiped. */
};

/** What has become of e2ee_group_propose_leave(). */
enum {
  E2EE_LEAVING_NO = 0,    /**< Not asked for, or done: then the state is E2EE_GROUP_LEFT. */
  E2EE_LEAVING_WAITS = 1, /**< The proposal waits for somebody to commit it. */
  E2EE_LEAVING_LOST = 2   /**< A commit without it ended the epoch, perhaps the client's own:
                               ask again.  Saved with the group, and said until the client has
                               left or the group has ended; it keeps nobody from anything. */
};

typedef struct e2ee_group_status {
  uint64_t epoch;    /**< Once left, the last one; so with members. */
  uint64_t revision; /**< Grows with every change worth saving. */
  uint32_t state;    /**< E2EE_GROUP_* */
  uint32_t own_leaf; /**< UINT32_MAX if the client never was a member. */
  uint32_t members;
  uint32_t mls_suite;
  uint32_t proposals; /**< That wait to be committed: e2ee_group_proposals(). */
  uint32_t leaving;   /**< E2EE_LEAVING_* */
} e2ee_group_status;

E2EE_API E2EE_CHECKED int e2ee_group_get_status(const e2ee_group *group, e2ee_group_status *out,
                                                size_t out_size);

E2EE_API E2EE_CHECKED int e2ee_group_id(const e2ee_group *group, uint8_t *out, size_t *len);

/* ---- Members [control] --------------------------------------------------- */

/**
 * Walk the members in leaf order.  Start with *leaf = UINT32_MAX.
 * @return 1 and the next leaf in *leaf, 0 at the end, or a negative error
 */
E2EE_API int e2ee_group_member_next(const e2ee_group *group, uint32_t *leaf);

/** What to read about a member, present or proposed. */
enum {
  E2EE_MEMBER_IDENTITY = 1,
  E2EE_MEMBER_PUBLIC_KEY = 2, /**< Signature key. */
  E2EE_MEMBER_SAFETY_CODE = 3 /**< Of the pair (own, other): 12 times 5 ASCII digits with spaces
                                   between, 71 bytes; the same on both sides and in every group. */
};

/**
 * Read about a member of the current epoch.  For who sent a message ask e2ee_incoming_sender():
 * the message may be from an earlier epoch, in which somebody else was at that leaf.
 * @param what  E2EE_MEMBER_*; E2EE_ERR_INVALID_ARG for the client's own safety code
 * @return 0; E2EE_ERR_NOT_FOUND nobody at that leaf; E2EE_ERR_INVALID_STATE a safety code, and the
 *         client never was a member
 */
E2EE_API E2EE_CHECKED int e2ee_group_member(const e2ee_group *group, uint32_t leaf, uint32_t what,
                                            uint8_t *out, size_t *len);

/* ---- Proposals [control] ------------------------------------------------- */
/* Each returns one message to send; it takes effect when some member commits.  Until then no
 * application messages can be encrypted (RFC 9420, section 12.4).
 * E2EE_ERR_INVALID_STATE: not a member; E2EE_ERR_NOT_FOUND: nobody at that leaf. */

E2EE_API E2EE_CHECKED int e2ee_group_propose_add(e2ee_group *group, const uint8_t *key_package,
                                                 size_t key_package_len, e2ee_bytes **out);
E2EE_API E2EE_CHECKED int e2ee_group_propose_remove(e2ee_group *group, uint32_t leaf,
                                                    e2ee_bytes **out);
/** Ask to renew this member's keys.  @return 0; E2EE_ERR_INVALID_TREE the client does not support,
 *  or no longer says that it supports, what the group uses: e2ee_client_support() */
E2EE_API E2EE_CHECKED int e2ee_group_propose_update(e2ee_group *group, e2ee_bytes **out);

/**
 * Ask to leave: SelfRemove where every member supports it, else Remove of this member's leaf.  A
 * second SelfRemove in the same epoch is the same message once more.  Like every proposal it is for
 * this epoch alone: if a commit without it comes first, it is gone, and the member stays.  Then
 * e2ee_group_status.leaving says E2EE_LEAVING_LOST, and the call has to be made again, until the
 * state is E2EE_GROUP_LEFT.
 *
 * The wish cannot be withdrawn, as whoever has the message may commit it for as long as the epoch
 * lasts.  What ends the epoch is any commit without it: a client that would rather stay can make
 * one, as an own commit never has it, and is in if that wins.  E2EE_LEAVING_LOST then stays and may
 * be ignored: nothing is sent unless this call is made again.
 */
E2EE_API E2EE_CHECKED int e2ee_group_propose_leave(e2ee_group *group, e2ee_bytes **out);

/**
 * What waits to be committed, also after loading, to be read like an incoming message: each
 * proposal is a change, in the order in which they were made or accepted.  It is a copy of the list
 * as it is now, and there is nothing to accept; free it.
 */
E2EE_API E2EE_CHECKED int e2ee_group_proposals(e2ee_group *group, e2ee_incoming **out);

/* ---- Commits [control] --------------------------------------------------- */

/**
 * Start a commit that also covers every stored proposal; with nothing added, it
 * renews this member's keys.  It is for this epoch, whose leaf numbers it uses: when the group
 * has gone on, functions of it return E2EE_ERR_OLD_EPOCH.
 * @return 0; E2EE_ERR_INVALID_STATE not a member
 */
E2EE_API E2EE_CHECKED int e2ee_commit_new(e2ee_group *group, e2ee_commit **out);

/** @return 0; E2EE_ERR_INVALID_PROPOSAL the key package, or the leaf in it, has an extension that
 *  the leaf does not list (RFC 9420, section 10), or another fault; E2EE_ERR_LIFETIME it is over,
 *  has not begun, or is longer than E2EE_SET_MAX_LIFETIME_SECONDS */
E2EE_API E2EE_CHECKED int e2ee_commit_add(e2ee_commit *commit, const uint8_t *key_package,
                                          size_t key_package_len);
/** @return 0; E2EE_ERR_NOT_FOUND nobody at that leaf; E2EE_ERR_INVALID_ARG this member's leaf */
E2EE_API E2EE_CHECKED int e2ee_commit_remove(e2ee_commit *commit, uint32_t leaf);

/**
 * Finish the commit and make it the group's one pending commit.  The group's keys
 * do not change until e2ee_group_commit_accepted().
 * @param[out] message  to every present member
 * @param[out] welcome  to the members added; *welcome is NULL if there are none
 * @return 0; E2EE_ERR_PENDING_COMMIT there is one already; E2EE_ERR_INVALID_PROPOSAL what was added
 *         to the commit does not go together.  Stored proposals that do not go with it are left
 *         out.  After e2ee_group_commit_discard() the same commit can be built again.
 */
E2EE_API E2EE_CHECKED int e2ee_commit_build(e2ee_commit *commit, e2ee_bytes **message,
                                            e2ee_bytes **welcome);

E2EE_API void e2ee_commit_free(e2ee_commit *commit);

/** The pending commit's messages again, after a restart.  E2EE_ERR_NOT_FOUND if none. */
E2EE_API E2EE_CHECKED int e2ee_group_pending_commit(e2ee_group *group, e2ee_bytes **message,
                                                    e2ee_bytes **welcome);

/** The delivery service took the pending commit: enter its epoch.  E2EE_ERR_NOT_FOUND if none. */
E2EE_API E2EE_CHECKED int e2ee_group_commit_accepted(e2ee_group *group);

/** The delivery service refused it, or another commit won: wipe it.  Only when it
 *  is certain that no member will ever apply it.  E2EE_ERR_NOT_FOUND if none.  Whoever
 *  wanted to join by it is in state E2EE_GROUP_LEFT.  If the service took it after all, it
 *  gives E2EE_ERR_LEFT_BEHIND when it comes back. */
E2EE_API E2EE_CHECKED int e2ee_group_commit_discard(e2ee_group *group);

/* ---- Incoming messages: inspect, then accept [control] -------------------- */

/** What e2ee_group_process() verified. */
enum {
  E2EE_INCOMING_APPLICATION = 1, /**< e2ee_incoming_data() has the plaintext; no accepting. */
  E2EE_INCOMING_PROPOSAL = 2,    /**< Accept stores it for the next commit. */
  E2EE_INCOMING_COMMIT = 3,      /**< Accept enters the next epoch. */
  E2EE_INCOMING_OWN_COMMIT = 4,  /**< This member's pending commit came back: accept it, which
                                      is e2ee_group_commit_accepted().  It shows no changes. */
  E2EE_INCOMING_WELCOME = 5,     /**< From e2ee_welcome_open(). */
  E2EE_INCOMING_WAITING = 6      /**< From e2ee_group_proposals(); no accepting. */
};

enum {
  E2EE_CHANGE_ADD = 1,
  E2EE_CHANGE_REMOVE = 2,
  E2EE_CHANGE_UPDATE = 3, /**< New keys; identity may differ: compare it. */
  E2EE_CHANGE_EXTENSIONS = 4,
  E2EE_CHANGE_PSK = 5,
  E2EE_CHANGE_REINIT = 6, /**< The group ends; see mls.h. */
  E2EE_CHANGE_CUSTOM = 7  /**< A proposal of the application's own; see mls.h. */
};

/** Who sent or proposed something: RFC 9420, section 6, with the same numbers. */
enum {
  E2EE_SENDER_MEMBER = 1,              /**< A member; its index is its leaf. */
  E2EE_SENDER_EXTERNAL = 2,            /**< A server, say, that the group lets propose; its index is
                                            the place in external_senders (mls.h), from 0. */
  E2EE_SENDER_NEW_MEMBER_PROPOSAL = 3, /**< A stranger who asks to be added: anybody can. */
  E2EE_SENDER_NEW_MEMBER_COMMIT = 4    /**< Somebody who joins by external commit. */
};

/**
 * Bits of e2ee_change.flags.
 *
 * OTHER_KEY  The signature key differs from the one that the member has now: in an UPDATE; in the
 *            REMOVE and ADD by which an external commit takes a member's place.  That takes the
 *            member's credential, but none of its keys, and a basic credential is bytes that
 *            anybody can copy.  Without the flag it is the member that comes back; with it, a
 *            stranger, until people have compared safety codes or the credential's certificate was
 *            verified.
 */
enum {
  E2EE_CHANGE_FLAG_OWN = 1, /**< It is about this member. */
  E2EE_CHANGE_FLAG_OTHER_KEY = 2
};

/** One change that an incoming message would make. */
typedef struct e2ee_change {
  uint32_t kind;           /**< E2EE_CHANGE_* */
  uint32_t leaf;           /**< Leaf concerned; UINT32_MAX if none, or of an ADD not known yet. */
  uint32_t proposer;       /**< Leaf that asked for it; UINT32_MAX if from outside. */
  uint32_t flags;          /**< E2EE_CHANGE_FLAG_* */
  uint32_t proposer_type;  /**< E2EE_SENDER_* */
  uint32_t proposer_index; /**< Of that type; UINT32_MAX for new members. */
} e2ee_change;

/**
 * Decrypt and fully verify one message.  Nothing changes, except that the key of an
 * application message is used up.  Several may be looked at before one is accepted;
 * once the group enters another epoch the rest is stale (accept then gives
 * E2EE_ERR_OLD_EPOCH).
 * @return 0; E2EE_ERR_INVALID_ARG for another group; E2EE_ERR_OLD_EPOCH; E2EE_ERR_FUTURE_EPOCH;
 *         E2EE_ERR_REPLAY seen before, or an own message; E2EE_ERR_LEFT_BEHIND a commit of this
 *         member that is not the pending one; E2EE_ERR_MISSING_PROPOSAL accept that proposal first;
 *         E2EE_ERR_LIMIT too large, or too many messages before it are missing;
 *         E2EE_ERR_INVALID_STATE not a member; E2EE_ERR_UNSUPPORTED it holds a proposal of a type
 *         that another document than RFC 9420 defines, which cannot be read here
 */
E2EE_API E2EE_CHECKED int e2ee_group_process(e2ee_group *group, const uint8_t *message,
                                             size_t message_len, e2ee_incoming **out);

/** Bits of e2ee_incoming_status.flags. */
enum {
  E2EE_INCOMING_FLAG_REMOVES_OWN = 1, /**< Accepting removes this member. */
  E2EE_INCOMING_FLAG_OTHER_KEY = 2,   /**< Somebody takes a member's place with another signature
                                           key than that member's: see
                                           E2EE_CHANGE_FLAG_OTHER_KEY. */
  E2EE_INCOMING_FLAG_PARTLY = 4       /**< It removes this member, which could not read all of it (a
                                           proposal never received, or of an unknown type): its
                                           removal is the only change that is shown. */
};

typedef struct e2ee_incoming_status {
  uint64_t epoch;        /**< After accepting; of an application message, the one it was sent in. */
  uint32_t kind;         /**< E2EE_INCOMING_* */
  uint32_t sender;       /**< Leaf, of an external commit the one it takes; else UINT32_MAX. */
  uint32_t changes;      /**< Number of e2ee_change. */
  uint32_t flags;        /**< E2EE_INCOMING_FLAG_* */
  uint32_t sender_type;  /**< E2EE_SENDER_* */
  uint32_t sender_index; /**< Of that type; UINT32_MAX for new members. */
} e2ee_incoming_status;

E2EE_API E2EE_CHECKED int e2ee_incoming_get_status(const e2ee_incoming *incoming,
                                                   e2ee_incoming_status *out, size_t out_size);

/**
 * E2EE_MEMBER_* of whoever sent a message, as of the epoch in which it was sent: a late message is
 * never taken for one from whoever holds the sender's leaf now.  Of a WELCOME it is the member who
 * made it; of an external sender there are identity, public key and credential.
 * @return 0; E2EE_ERR_NOT_FOUND an external sender has no such thing, or nobody sent it (WAITING);
 *         E2EE_ERR_INVALID_STATE a safety code, and the client never was a member;
 *         E2EE_ERR_INVALID_ARG the client's own safety code
 */
E2EE_API E2EE_CHECKED int e2ee_incoming_sender(const e2ee_incoming *incoming, uint32_t what,
                                               uint8_t *out, size_t *len);

/** Plaintext of an APPLICATION message; of others E2EE_ERR_INVALID_STATE. */
E2EE_API E2EE_CHECKED int e2ee_incoming_data(const e2ee_incoming *incoming, uint8_t *out,
                                             size_t *len);

/** @param index  from 0; E2EE_ERR_NOT_FOUND from e2ee_incoming_status.changes on */
E2EE_API E2EE_CHECKED int e2ee_incoming_change(const e2ee_incoming *incoming, uint32_t index,
                                               e2ee_change *out, size_t out_size);

/** E2EE_MEMBER_* of the member a change would put (for REMOVE: would take away).
 *  @return as e2ee_group_member(); E2EE_ERR_NOT_FOUND no such change, or it is about no member */
E2EE_API E2EE_CHECKED int e2ee_incoming_member(const e2ee_incoming *incoming, uint32_t index,
                                               uint32_t what, uint8_t *out, size_t *len);

/**
 * Apply a PROPOSAL, COMMIT or OWN_COMMIT to its group, all or nothing.
 * @return 0; E2EE_ERR_OLD_EPOCH the group has gone on; E2EE_ERR_PENDING_COMMIT accept or discard
 *         the pending commit first; E2EE_ERR_REPLAY the same message was accepted (a public
 *         proposal gives 0 again, and is stored once); E2EE_ERR_LEFT_BEHIND the own commit that
 *         came back was discarded meanwhile; E2EE_ERR_INVALID_STATE accepted already, or nothing to
 *         accept
 */
E2EE_API E2EE_CHECKED int e2ee_incoming_accept(e2ee_incoming *incoming);

/**
 * Apply a WELCOME: become a member.  The key package is used up: save client and group, in one
 * step.
 * @return 0; E2EE_ERR_INVALID_STATE no Welcome, joined already, in that group already, or the
 *         client was in that epoch before; E2EE_ERR_NOT_FOUND the key package was used for another
 *         Welcome
 */
E2EE_API E2EE_CHECKED int e2ee_incoming_join(e2ee_incoming *incoming, e2ee_group **out);

/** Free; if not accepted, this is the refusal: secrets of the unused epoch are wiped. */
E2EE_API void e2ee_incoming_free(e2ee_incoming *incoming);

/* ---- Application messages, exporter, safety codes [control] --------------- */

/**
 * Encrypt an application message (RFC 9420 PrivateMessage).
 * @return 0; E2EE_ERR_INVALID_STATE not a member, or proposals wait: commit them first
 *         (section 12.4); E2EE_ERR_LIMIT over E2EE_SET_MAX_MESSAGE_BYTES; E2EE_ERR_KEY_EXHAUSTED
 */
E2EE_API E2EE_CHECKED int e2ee_group_encrypt(e2ee_group *group, const uint8_t *data,
                                             size_t data_len, e2ee_bytes **out);

/**
 * MLS-Exporter (RFC 9420 section 8.5): fill out[0..out_len).
 * @param label    up to 65535 bytes, without a terminating zero
 * @param context  up to 65535 bytes
 * @param out_len  1 to 255 times the size of the suite's hash
 * @return 0; E2EE_ERR_LIMIT; E2EE_ERR_INVALID_STATE not a member
 */
E2EE_API E2EE_CHECKED int e2ee_group_export(const e2ee_group *group, const char *label,
                                            size_t label_len, const uint8_t *context,
                                            size_t context_len, uint8_t *out, size_t out_len);

/** Code of the epoch that all members can read out: 12 times 5 ASCII digits with
 *  spaces between, 71 bytes, no terminating zero.  E2EE_ERR_INVALID_STATE: not a member. */
E2EE_API E2EE_CHECKED int e2ee_group_safety_code(const e2ee_group *group, uint8_t *out,
                                                 size_t *len);

/* ---- Saved state [control] ----------------------------------------------- */

/**
 * Seal the whole group, pending commit included, under a 32-byte state key.  The
 * blob is one atomic snapshot: store it with one write-then-rename or one
 * database transaction.  Loading an older snapshot than the last one saved breaks
 * forward secrecy.
 * @param key_len  32, else E2EE_ERR_INVALID_ARG
 */
E2EE_API E2EE_CHECKED int e2ee_group_save(e2ee_group *group, const uint8_t *key, size_t key_len,
                                          e2ee_bytes **out);

/**
 * Restore a group.  Two handles of one member would encrypt with the same keys: free the other one
 * first, with all commits and incoming messages of it.  The same client loaded twice is not
 * noticed.
 * @return 0; E2EE_ERR_STATE_KEY wrong key or altered; E2EE_ERR_STATE_CORRUPT;
 *         E2EE_ERR_STATE_VERSION; E2EE_ERR_NOT_FOUND not this client's group;
 *         E2EE_ERR_INVALID_STATE this client has a handle of that member of the group
 */
E2EE_API E2EE_CHECKED int e2ee_group_load(e2ee_client *client, const uint8_t *key, size_t key_len,
                                          const uint8_t *blob, size_t blob_len, e2ee_group **out);

/*
 * A large group in two blobs, so that saving costs what has changed and not what there is.  Nearly
 * all of a group's state is the ratchet tree, which has no secrets: e2ee_group_save_tree() saves it
 * as it is now, and is called seldom.  e2ee_group_save_changes() saves all the rest, secrets and
 * pending commit included, with what has changed in the tree since; it is what to call before each
 * send, instead of e2ee_group_save().  When it returns E2EE_ERR_INVALID_STATE, call the other one,
 * then it again.
 *
 * Both blobs are needed to load, and belong together: store a new tree and the first changes to it
 * in one database transaction; or the tree beside the old one under a name of its own, then the
 * changes in the place of the old ones by write-then-rename, and only then delete the old tree.
 * Each blob of changes replaces the one before, which is older state: see e2ee_group_save().
 */

/** Seal the ratchet tree under a 32-byte state key.  The handle refers to it from now on: at most a
 *  sixteenth of the tree's memory more. */
E2EE_API E2EE_CHECKED int e2ee_group_save_tree(e2ee_group *group, const uint8_t *key,
                                               size_t key_len, e2ee_bytes **out);

/** Seal everything but the tree that was saved last with this handle, or that it was loaded with.
 *  @return 0; E2EE_ERR_INVALID_STATE no tree was, or a new one is due: save it first */
E2EE_API E2EE_CHECKED int e2ee_group_save_changes(e2ee_group *group, const uint8_t *key,
                                                  size_t key_len, e2ee_bytes **out);

/** Restore a group from its two blobs.
 *  @return as e2ee_group_load(); E2EE_ERR_NOT_FOUND too where the changes are of another tree */
E2EE_API E2EE_CHECKED int e2ee_group_load_changes(e2ee_client *client, const uint8_t *key,
                                                  size_t key_len, const uint8_t *tree,
                                                  size_t tree_len, const uint8_t *changes,
                                                  size_t changes_len, e2ee_group **out);

/* ---- Media keys ---------------------------------------------------------- */
/*
 * RFC 9605, section 5.2.  One e2ee_media serves all streams of a member in one group.  On each
 * new epoch: install it at every member (receivers accept it), activate it when the others have
 * had time to do the same (senders switch), retire it when no frame of the one before can come
 * any more (its keys are gone).  E2EE_EVENT_PEER_SWITCHED tells who has arrived.
 *
 * KID = context * 2^(S+4) + leaf * 2^4 + epoch mod 2^4, where S is the number of bits of a leaf
 * index in the epoch's tree: log2 of its leaves, blank ones included.  So 16 epochs can be
 * installed at a time, and installing another wipes the one that it shares its low bits with.
 *
 * What a call can rely on, and why it is enough:
 *
 * Activate   A frame that comes before its epoch is installed gives E2EE_ERR_NO_KEY and is left as
 *            it is.  A commit needs about a round trip to everybody, so activating 0.3 s after
 *            installing leaves few such frames; hold them, encrypted, until the commit is there.
 *            After a removal activate at once: until then the removed member can listen.
 * Retire     Frames of the epoch before are good until it is retired.  They are on their way as
 *            long as the network and the retransmissions in it take: 2 s after activating is ample,
 *            and senders that are slower to switch are told by E2EE_EVENT_PEER_SWITCHED.
 * 16 epochs  With these times six commits a second have a place.  What comes later than 16
 *            epochs, or for an epoch that will be installed 16 after one that is there, meets
 *            another epoch's key: E2EE_ERR_AUTH, and nothing else.  Retired in time, there is no
 *            such epoch.
 * Late       Frames up to 1023 behind the newest of their stream are accepted once.  Video of 10
 *            Mbit/s in packets of 1200 bytes has 1000 a second, so a retransmission has one
 *            second to arrive; sound of 50 frames a second has 20.
 * 2048       streams are remembered by a receiver in all its epochs: a thousand members with audio
 *            and video; during a switch, when both epochs are there, half as many.  The 256 heard
 *            last accept late frames: a gallery of 49 with audio and video, in two epochs.  Of
 *            others only what is newer is accepted, so nothing can be replayed.
 *            Once 1024 are taken, a member that has 4 in an epoch gets no more, so that one with a
 *            thousand cannot keep the others from being heard.
 * 32 keys    are kept ready by a receiver: more people do not speak at the same time.  Another
 *            stream's next frame takes 1 to 2 us longer, no more.
 * 2^32       frames can be sent in an epoch by each sender; E2EE_EVENT_KEY_LOW asks for a commit
 *            when 2^28 are left, 10 hours at 7000 a second.
 */

/** Events of e2ee_media_next_event(). */
enum {
  E2EE_EVENT_PEER_SWITCHED = 1, /**< First good frame of leaf under epoch; value: its KID. */
  E2EE_EVENT_UNKNOWN_EPOCH = 2, /**< Frames arrive for an epoch not installed: epoch has its
                                     low bits only; value: a KID.  Told once until the next
                                     install.  Those of an epoch that was retired are late, and
                                     no reason to do anything; anybody can forge the cause. */
  E2EE_EVENT_KEY_LOW = 3,       /**< A sender nears its counter limit: commit.  value: frames
                                     left. */
  E2EE_EVENT_DROPPED = 4,       /**< value events were lost here, the ring was full. */
  E2EE_EVENT_PEER_DIFFERS = 5   /**< A frame of leaf under epoch has a wrong tag, and none of its
                                     key id was right so far: see e2ee_stats.never_right.
                                     value: its KID.  Told, of one leaf, once for each epoch
                                     until the next install; anybody can forge the cause. */
};

typedef struct e2ee_event {
  uint32_t kind; /**< E2EE_EVENT_* */
  uint32_t leaf; /**< UINT32_MAX if none. */
  uint64_t epoch;
  uint64_t value;
} e2ee_event;

/**
 * Make an empty key store for streams.  [any]
 * @param sframe_suite  RFC 9605 section 8.1 id; 0 for 4, AES_128_GCM_SHA256_128.  1 to 3 are
 *                      AES_128_CTR_HMAC_SHA256 and 6 to 8 AES_256_CTR_HMAC_SHA512 with tags of 80,
 *                      64 and 32 bits; 5 is AES_256_GCM_SHA512_128.  The same at all
 *                      members, and not changed within a call: no frame says which it is
 */
E2EE_API E2EE_CHECKED int e2ee_media_new(uint16_t sframe_suite, e2ee_media **out);

/** Forget the handle; keys are wiped when the last stream is freed.  [any] */
E2EE_API void e2ee_media_free(e2ee_media *media);

/**
 * Let receivers accept the group's current epoch too.  Do this at once on entering an epoch.
 * Nothing of the group is referred to afterwards.  Again for an installed epoch does nothing.
 * [control], for the group; streams go on meanwhile.
 * @return 0; E2EE_ERR_INVALID_STATE it is another group, or another member of it, than before;
 *         E2EE_ERR_OLD_EPOCH a later one was installed, or this one retired
 */
E2EE_API E2EE_CHECKED int e2ee_media_install(e2ee_media *media, const e2ee_group *group);

/**
 * Let senders use an installed epoch from their next frame on, those made later as well.  [any]
 * @return 0; E2EE_ERR_NOT_FOUND not installed; E2EE_ERR_OLD_EPOCH senders are past it, and going
 *         back would let members listen who were removed since
 */
E2EE_API E2EE_CHECKED int e2ee_media_activate(e2ee_media *media, uint64_t epoch);

/**
 * Wipe the keys of all epochs before this one, in every stream, before returning.  Waits for the
 * frames being worked on.  Senders of such an epoch have no key until another is activated;
 * UINT64_MAX ends all media of the call for good.  [any]
 */
E2EE_API E2EE_CHECKED int e2ee_media_retire(e2ee_media *media, uint64_t epoch);

/**
 * E2EE_MEMBER_* of the member that held this leaf in an installed epoch: who sent a frame.
 * Never the one who took the leaf over later.  E2EE_ERR_NOT_FOUND once the epoch is retired.
 * [any]
 */
E2EE_API E2EE_CHECKED int e2ee_media_member(const e2ee_media *media, uint64_t epoch, uint32_t leaf,
                                            uint32_t what, uint8_t *out, size_t *len);

/** Take the oldest event.  @return 1 with *out filled, 0 if none, or an error.  [any] */
E2EE_API int e2ee_media_next_event(e2ee_media *media, e2ee_event *out, size_t out_size);

/* ---- Frames [stream] ------------------------------------------------------ */
/* No call in this part allocates memory, does I/O or waits for [control] work
 * longer than a key is copied.  Making and freeing streams is [any]. */

/** Bytes of room to add to a plaintext for any frame of any suite: header and tag.  [any] */
E2EE_API size_t e2ee_frame_overhead(void);

/** What can be read from a frame without keys. */
typedef struct e2ee_frame_info {
  uint64_t kid;        /**< SFrame key id. */
  uint64_t counter;    /**< SFrame counter. */
  uint64_t epoch;      /**< Full epoch; from e2ee_frame_peek() the key id's low four bits. */
  uint32_t leaf;       /**< Sender; after decrypting only, else UINT32_MAX. */
  uint32_t header_len; /**< Bytes before the ciphertext. */
} e2ee_frame_info;

/** Parse a frame's header, as a forwarding server may; what follows it is not looked at.
 *  No frame says how its keys are managed: the key id's low four bits, here in epoch, are those of
 *  a group's epoch; with the sender keys of media.h they mean nothing.
 *  @return 0, or E2EE_ERR_MALFORMED.  [any] */
E2EE_API E2EE_CHECKED int e2ee_frame_peek(const uint8_t *frame, size_t frame_len,
                                          e2ee_frame_info *out, size_t out_size);

/**
 * Make a sender with a key of its own per epoch.  One per encoder thread.
 * Its key id uses the shortest context not yet used by this member in the epoch.  A group that was
 * loaded, or joined with a key package that was loaded or is of last resort, may have a copy: until
 * this member's next commit its senders have random 32-bit contexts, so that two copies share a key
 * and counter once in 2^32.
 * @return 0; E2EE_ERR_KEY_EXHAUSTED 2^24 senders had a key in this epoch
 */
E2EE_API E2EE_CHECKED int e2ee_sender_new(e2ee_media *media, e2ee_sender **out);
E2EE_API void e2ee_sender_free(e2ee_sender *sender);

/**
 * Encrypt one frame.
 * @param metadata  authenticated, not sent; NULL and 0 if none; not within out
 * @param frame     plaintext; may equal out exactly (in place), else no overlap
 * @param out_cap   at least frame_len + e2ee_frame_overhead(), or *out_len says how much that is
 * @return 0; E2EE_ERR_NO_KEY no epoch active: drop the frame, never send it clear;
 *         E2EE_ERR_KEY_EXHAUSTED 2^32 frames in this epoch: commit;
 *         E2EE_ERR_BUFFER_TOO_SMALL; E2EE_ERR_LIMIT over 2^30 bytes (out untouched by all)
 */
E2EE_API E2EE_CHECKED int e2ee_sender_encrypt(e2ee_sender *sender, const uint8_t *metadata,
                                              size_t metadata_len, const uint8_t *frame,
                                              size_t frame_len, uint8_t *out, size_t out_cap,
                                              size_t *out_len);

/**
 * Make a receiver.  One per decoder thread; it takes frames of every member except this one.
 * It accepts each frame once, also when frames come up to 1023 behind the newest of their
 * stream; what another receiver has accepted it does not know.
 */
E2EE_API E2EE_CHECKED int e2ee_receiver_new(e2ee_media *media, e2ee_receiver **out);
E2EE_API void e2ee_receiver_free(e2ee_receiver *receiver);

/**
 * Decrypt one frame; aliasing as in e2ee_sender_encrypt().
 * @param out_cap  at least the plaintext's size, or *out_len says how much that is
 * @param info     who sent it; may be NULL with info_size 0
 * @return 0; E2EE_ERR_NO_KEY epoch not installed, nobody at that leaf in it, or this member's leaf;
 *         E2EE_ERR_REPLAY seen before, over 1023 behind the newest of its stream, or over 2^32
 *         ahead of it (of 0, for the first); E2EE_ERR_MALFORMED; E2EE_ERR_BUFFER_TOO_SMALL;
 *         E2EE_ERR_LIMIT over 2^30 bytes, or the 2049th stream heard since epochs were last
 *         retired; from the 1025th on, also the 5th of one member (out untouched by all);
 *         E2EE_ERR_AUTH (out is wiped: an in-place frame is lost)
 */
E2EE_API E2EE_CHECKED int e2ee_receiver_decrypt(e2ee_receiver *receiver, const uint8_t *metadata,
                                                size_t metadata_len, const uint8_t *frame,
                                                size_t frame_len, uint8_t *out, size_t out_cap,
                                                size_t *out_len, e2ee_frame_info *info,
                                                size_t info_size);

/**
 * Counters of one stream, or of all streams of a media object, also of those that were freed.
 *
 * A wrong tag does not say where it comes from.  But a key that has opened a frame is the right
 * one, so failures after that (auth_failed less never_right) are damage, forgeries, or metadata
 * that differs between both sides for some frames.  Where never_right grows and nothing of a
 * member is received, the two sides differ from the start, in one of these:
 *
 * suite     e2ee_media_new() was given another one there; then all members with that one differ
 * metadata  one side passes other bytes, or none; then all of its streams differ
 * kind      a plain frame where partial frames are expected, or the other way round; most of these
 *           are malformed
 * group     the members have parted and are in two epochs of one number: e2ee_group_safety_code()
 *           differs, and messages do not decrypt either
 * epoch     the frame is of an epoch 16 before or after the one installed
 *
 * or somebody forges frames of key ids that nobody uses.
 */
typedef struct e2ee_stats {
  uint64_t sent;
  uint64_t received;
  uint64_t no_key; /**< Frames not sent or not received for want of a key or of room for one. */
  uint64_t auth_failed; /**< Wrong tags. */
  uint64_t replayed;    /**< Seen before, or outside the window. */
  uint64_t malformed;
  uint64_t no_room;     /**< Of no_key: for want of room, E2EE_ERR_LIMIT. */
  uint64_t never_right; /**< Of auth_failed: of streams of which no frame was right so far. */
  uint64_t late;        /**< Of replayed: over 1023 behind the newest, as after a long hold in the
                             network, or if somebody forged a frame far ahead; or over 2^32
                             ahead. */
} e2ee_stats;

/** Since the object was made.  Always counted: a plain addition a frame.  They wait for no frame,
 *  and no frame for them; of a stream at work each counter may be one frame behind.  [any] */
E2EE_API E2EE_CHECKED int e2ee_media_stats(const e2ee_media *media, e2ee_stats *out,
                                           size_t out_size);
E2EE_API E2EE_CHECKED int e2ee_sender_stats(const e2ee_sender *sender, e2ee_stats *out,
                                            size_t out_size);
E2EE_API E2EE_CHECKED int e2ee_receiver_stats(const e2ee_receiver *receiver, e2ee_stats *out,
                                              size_t out_size);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* E2EE_E2EE_H */
