/*
 * A client: identity, key packages with their private halves, pre-shared keys, settings.
 * SPDX-License-Identifier: ISC
 */
#ifndef MLS_CLIENT_H
#define MLS_CLIENT_H

#include "mls/keypackage.h"

/** E2EE_SET_* of the public header. */
struct settings {
  uint64_t time; /* Unix seconds; 0: system clock */
  uint64_t max_message_bytes;
  uint64_t key_package_seconds;
  uint64_t max_lifetime_seconds; /* 0: any */
  uint32_t max_members;
  uint32_t past_epochs;
  uint32_t max_skip;
  bool encrypt_handshake;
};

/** A key package that was published and has not been used yet. */
struct own_key_package {
  struct bytes raw;
  uint8_t ref[HASH_MAX];
  struct key_package_secret *secret; /* locked */
};

/** An external PSK (RFC 9420, section 8.4). */
struct external_psk {
  struct bytes id;
  struct bytes psk;
};

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
  struct bytes *group_ids; /* of the groups this client is in */
  size_t group_count;
  size_t group_capacity;
  struct why why; /* of the last call in this control domain */
};

/** A client with a fresh signature key and a basic credential.  @param out  to be freed */
CHECKED enum err client_new(const struct suite *suite, struct view identity, struct client **out);

/** A client from its parts, as loaded.  The private key is moved in. */
CHECKED enum err client_restore(const struct suite *suite, struct view credential,
                                struct view signature_public, struct secret *signature_key,
                                struct client **out);
void client_free(struct client *client); /* accepts NULL */

/** What lifetimes are measured against, in seconds. */
struct lifetime_rule {
  uint64_t now;     /* since 1970 */
  uint64_t longest; /* 0: any */
};

struct lifetime_rule client_lifetimes(const struct client *client);

/** Put the lifetime of a key package made now into a leaf. */
void client_set_lifetime(const struct client *client, struct leaf_template *leaf);

/** The fields of a leaf of this client; key, source and lifetime are filled in where it is made.
 *  @param storage  to be freed after use of `out` */
CHECKED enum err client_leaf(const struct client *client, struct bytes *storage,
                             struct leaf_template *out);

/** Make a key package and keep its private half.  @param out  MLSMessage to publish, to be freed */
CHECKED enum err client_key_package(struct client *client, struct bytes *out);

/** Enter a key package with its private half; the secret is moved in. */
CHECKED enum err client_add_key_package(struct client *client, struct view raw,
                                        struct key_package_secret *secret);

/** NULL if there is none of that reference. */
const struct own_key_package *client_find_key_package(const struct client *client, struct view ref);

/** Wipe one that was used. */
void client_remove_key_package(struct client *client, struct view ref);

CHECKED enum err client_add_psk(struct client *client, struct view id, struct view psk);
/** @return false if there is none */
bool client_find_psk(const struct client *client, struct view id, struct view *psk);

/** The groups that the client is in: joining one twice is refused (section 12.4.3.1). */
bool client_in_group(const struct client *client, struct view group_id);
CHECKED enum err client_enter_group(struct client *client, struct view group_id);
void client_leave_group(struct client *client, struct view group_id);

#endif
