/*
 * A client: identity, key packages with their private halves, pre-shared keys, settings.
 * SPDX-License-Identifier: ISC
 */
#ifndef MLS_GROUP_CLIENT_H
#define MLS_GROUP_CLIENT_H

#include "mls/wire/keypackage.h"

/** E2EE_SET_* of the public header. */
struct settings {
  uint64_t time; /* Unix seconds; 0: system clock */
  uint64_t max_message_bytes;
  uint64_t key_package_seconds;
  uint64_t max_lifetime_seconds; /* 0: any */
  uint64_t clock_skew_seconds;   /* that clocks of others may differ from the own one */
  uint32_t max_leaf_bytes;       /* of what is made and committed; limits on what comes are fixed */
  uint32_t max_context_bytes;    /* the same of a GroupContext */
  uint32_t max_members;
  uint32_t past_epochs;
  uint32_t resumption_epochs; /* past ones of which the resumption PSK is kept */
  uint32_t max_skip;
  uint32_t threads; /* that a call may work on, 1 to PARALLEL_MAX */
  uint32_t padding; /* plaintexts are padded to a multiple of this; 0: not at all */
  bool encrypt_handshake;
  bool grease;
  bool tree_in_welcome;
};

/** An epoch that was joined with a last-resort key package, by the beginning of its confirmation tag:
 *  whatever Welcome leads to the same keys leads to the same tag. */
struct epoch_mark {
  uint8_t bytes[16];
};

/** So many epochs are joined with one last-resort key package; then its private half is wiped. */
#define LAST_RESORT_JOINS_MAX 256

/** A key package that was published and has not been used yet. */
struct own_key_package {
  struct bytes raw;
  struct view init_key; /* public, in `raw` */
  uint8_t ref[HASH_MAX];
  uint64_t not_before, not_after;
  struct key_package_secret *secret; /* locked; NULL: of last resort, and used up */
  struct epoch_mark *joined;         /* NULL: it goes when it was used */
  size_t joined_count;
  bool fresh; /* made here, not loaded: no copy of the client can join with it too */
};

/** An external PSK (RFC 9420, section 8.4). */
struct external_psk {
  struct bytes id;
  struct bytes psk;
};

/** Where an extension of the application goes. */
enum extension_place {
  PLACE_LEAF = 1,
  PLACE_KEY_PACKAGE = 2,
  PLACE_GROUP_INFO = 3,
};

struct own_extension {
  uint32_t place;
  uint16_t type;
  struct bytes data;
};

/** Kinds of types that leaves list in their capabilities. */
enum type_kind { TYPE_EXTENSION = 1, TYPE_PROPOSAL = 2, TYPE_CREDENTIAL = 3, TYPE_KINDS = 4 };

struct group;

struct client {
  const struct suite *suite;
  struct settings settings;
  struct bytes credential; /* on the wire */
  struct bytes signature_public;
  struct secret *signature_key; /* locked */
  struct own_key_package *key_packages;
  size_t key_package_count;
  size_t key_package_capacity;
  struct external_psk *psks;
  size_t psk_count;
  size_t psk_capacity;
  struct writer types[TYPE_KINDS]; /* that the application supports: 16-bit items */
  struct writer path_types;        /* of proposals of its own that need a path */
  struct own_extension *extensions;
  size_t extension_count;
  size_t extension_capacity;
  const struct group **groups; /* that live: their resumption PSKs can be looked up */
  size_t group_count;
  size_t group_capacity;
  struct why why; /* of the last call in this control domain */
};

/** A client with a fresh signature key and a basic credential.  @param out  to be freed */
CHECKED enum err client_new(const struct suite *suite, struct view identity, struct client **out);

/**
 * A client with any credential and a signature key of its own.
 * @param body         as in credential_new(), not empty
 * @param private_key  raw or in PKCS #8; VIEW_NONE: a fresh one
 * @return OK; ERR_INVALID_ARG (no private key of the suite, or not the certificate's);
 *         ERR_MALFORMED (not certificates); ERR_UNSUPPORTED (X.509 without OpenSSL)
 */
CHECKED enum err client_new_credential(const struct suite *suite, uint16_t type, struct view body,
                                       struct view private_key, struct client **out);

/** A client from its parts, as loaded.  The private key is moved in. */
CHECKED enum err client_restore(const struct suite *suite, struct view credential,
                                struct view signature_public, struct secret *signature_key,
                                struct client **out);
void client_free(struct client *client); /* accepts NULL */

/** The time that lifetimes are measured against. */
uint64_t client_now(const struct client *client);

/** Where a leaf comes from whose lifetime is to be checked (RFC 9420, section 7.3). */
enum lifetime_of {
  LIFETIME_ADDED,    /* the client adds it, or proposes that: strictly */
  LIFETIME_RECEIVED, /* somebody else does: with another clock, and perhaps long ago */
  LIFETIME_JOINED,   /* it is in a group that the client joins */
};
struct lifetime_rules client_lifetime_rules(const struct client *client, enum lifetime_of of);

/** ERR_LIMIT: a message is larger than the settings allow, one that came or one that was made. */
CHECKED enum err client_check_size(struct client *client, struct view message);

/** Explain the ERR_LIMIT of a message that framing has not made, as the settings allow none so large.
 *  @return err */
CHECKED enum err client_explain_size(struct client *client, enum err err);
/** ERR_LIMIT: a leaf that this client makes, or lets in, would be larger than its settings allow. */
CHECKED enum err client_check_leaf_size(struct client *client, size_t size);
/** The same of a leaf before it is made. */
CHECKED enum err client_check_own_leaf(struct client *client, const struct leaf_template *fields);

/** What the views of a leaf_template point to. */
struct leaf_storage {
  struct bytes capabilities;
  struct writer extensions;
};

void leaf_storage_free(struct leaf_storage *storage);

/** The fields of a leaf of this client; key, source and lifetime are filled in where it is made.
 *  @param storage  to be freed after use of `out` */
CHECKED enum err client_leaf(const struct client *client, struct leaf_storage *storage,
                             struct leaf_template *out);

/** Put the lifetime of a key package made now into a leaf. */
void client_set_lifetime(const struct client *client, struct leaf_template *leaf);

/** Make a key package and keep its private half.  @param out  MLSMessage to publish, to be freed */
CHECKED enum err client_key_package(struct client *client, struct bytes *out);
/** One that is not used up by joining with it (draft-ietf-mls-extensions). */
CHECKED enum err client_last_resort_key_package(struct client *client, struct bytes *out);

/** Enter a key package with its private half, which is moved in; an empty one is of a last-resort key
 *  package that is used up. */
CHECKED enum err client_add_key_package(struct client *client, struct view raw,
                                        struct key_package_secret *secret);

/** NULL if there is none of that reference. */
struct own_key_package *client_find_key_package(const struct client *client, struct view ref);

/** Whether it stays after it was used. */
bool own_key_package_is_last_resort(const struct own_key_package *own);

/** Whether an epoch was joined with it before. */
bool own_key_package_joined(const struct own_key_package *own, const struct epoch_mark *mark);

/** An epoch was joined with it: wipe it, or remember the epoch. */
void client_use_key_package(struct client *client, struct own_key_package *own,
                            const struct epoch_mark *mark);

/** Wipe one.  @return false if there is none of that reference */
bool client_remove_key_package(struct client *client, struct view ref);

/** Wipe those that nobody can have added in time any more: they expired longer ago than clocks may
 *  differ. */
void client_purge_key_packages(struct client *client);

/** A PSK of an id that is there already takes its place. */
CHECKED enum err client_add_psk(struct client *client, struct view id, struct view psk);
/** Wipe it.  @return false if there is none */
bool client_remove_psk(struct client *client, struct view id);
/** @return false if there is none */
bool client_find_psk(const struct client *client, struct view id, struct view *psk);

/** The application supports a type: all leaves made from now on say so. */
CHECKED enum err client_support(struct client *client, enum type_kind kind, uint16_t type);

/** A commit with a proposal of this type of the application's needs a path (section 12.4). */
CHECKED enum err client_require_path(struct client *client, uint16_t type);

/** Carry an extension in all leaves, key packages or GroupInfos made from now on; one of that type
 *  in that place is replaced.  What a leaf or key package carries, leaves list from now on. */
CHECKED enum err client_set_extension(struct client *client, uint32_t place, uint16_t type,
                                      struct view data);

/** The extensions of a place: items of the list.  In a GroupInfo GREASE is one of them where the
 *  settings want it. */
CHECKED enum err client_write_extensions(const struct client *client, uint32_t place,
                                         struct writer *writer);

/** The groups that live: none of them left.  group_check_alone() keeps a member from two handles. */
CHECKED enum err client_enter_group(struct client *client, const struct group *group);
void client_leave_group(struct client *client, const struct group *group);

#endif
