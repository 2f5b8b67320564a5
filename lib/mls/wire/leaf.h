/*
 * LeafNode (RFC 9420, section 7.2): an immutable value, shared by all trees that hold it.
 * SPDX-License-Identifier: ISC
 */
#ifndef MLS_WIRE_LEAF_H
#define MLS_WIRE_LEAF_H

#include "base/sync.h"
#include "crypto/suite.h"
#include "mls/wire/codec.h"

/** A larger leaf is ERR_LIMIT, for every member alike: one that some took and others refused would part
 *  them. */
#define LEAF_BYTES_MAX (1u << 20)

enum leaf_source { LEAF_KEY_PACKAGE = 1, LEAF_UPDATE = 2, LEAF_COMMIT = 3 };

/** The wire bytes and where each field stands in them, so that a large tree stays small. */
struct leaf;

/** What a reader wants to know about a leaf: views that live as long as the leaf. */
struct view leaf_raw(const struct leaf *leaf);
struct view leaf_encryption_key(const struct leaf *leaf);
struct view leaf_signature_key(const struct leaf *leaf);
struct credential leaf_credential(const struct leaf *leaf);
struct capabilities leaf_capabilities(const struct leaf *leaf);
struct view leaf_extensions(const struct leaf *leaf);
enum leaf_source leaf_source(const struct leaf *leaf);
struct view leaf_parent_hash(const struct leaf *leaf); /* source commit, else empty */
struct view leaf_signature(const struct leaf *leaf);

/** Seconds since 1970; of source key_package, else 0 and 0. */
void leaf_lifetime(const struct leaf *leaf, uint64_t *not_before, uint64_t *not_after);

/** Whether the leaf supports what it lists and what every member has to support (section 7.2).  GREASE
 *  is listed for others to ignore: nobody supports it (section 13.5). */
bool leaf_supports_extension(const struct leaf *leaf, uint16_t type);
bool leaf_supports_proposal(const struct leaf *leaf, uint16_t type);
bool leaf_supports_credential(const struct leaf *leaf, uint16_t type);

struct leaf *leaf_share(const struct leaf *leaf);
void leaf_drop(struct leaf *leaf); /* accepts NULL */

/**
 * Read one LeafNode.  Checks the form only: fields parse, no duplicate extension.
 * @param out  to be dropped
 */
CHECKED enum err leaf_read(struct reader *reader, struct why *why, struct leaf **out);

/** The same checks without keeping the leaf.  @param raw  the LeafNode */
CHECKED enum err leaf_skip(struct reader *reader, struct why *why, struct view *raw);

/** What goes into a leaf of our own. */
struct leaf_template {
  struct view encryption_key;
  struct view signature_key;
  struct view credential; /* type and body, as on the wire */
  struct capabilities capabilities;
  struct view extensions; /* items of the list */
  enum leaf_source source;
  uint64_t not_before, not_after; /* source key_package */
  struct view parent_hash;        /* source commit */
};

/** Write a LeafNode up to its signature, which write_vector() then adds. */
void leaf_write(struct writer *writer, const struct leaf_template *fields);

/**
 * Build and sign a leaf.  ERR_INVALID_ARG: the fields make no leaf.
 * @param group_id,leaf_index  for sources update and commit: part of what is signed
 */
CHECKED enum err leaf_new(const struct suite *suite, const struct leaf_template *fields,
                          const struct secret *signature_key, struct view group_id,
                          uint32_t leaf_index, struct leaf **out);

/** The signature, "LeafNodeTBS" (section 7.2).  ERR_SIGNATURE if it does not verify. */
CHECKED enum err leaf_verify_signature(const struct suite *suite, const struct leaf *leaf,
                                       struct view group_id, uint32_t leaf_index, struct why *why);

/**
 * The checks of section 7.3 that need nothing but the leaf: keys of the suite's form; version,
 * cipher suite and own credential type listed in its capabilities; its extensions listed in its
 * capabilities (default ones need not be); the key of an X.509 credential.  Items of the lists that
 * nobody here knows are ignored.
 * @return OK; ERR_INVALID_TREE; ERR_UNSUPPORTED: X.509 without OpenSSL
 */
CHECKED enum err leaf_check(const struct suite *suite, const struct leaf *leaf, struct why *why);

/** What is asked of the lifetime of a leaf. */
struct lifetime_rules {
  uint64_t begun;   /* it has begun at this time, in Unix seconds */
  uint64_t lasting; /* and is not over at this one; 0: it may be */
  uint64_t longest; /* seconds that it may last; 0: any */
};

/** ERR_LIFETIME unless the lifetime is one, and as the rules say; always OK for other sources than
 *  key_package. */
CHECKED enum err leaf_check_lifetime(const struct leaf *leaf, const struct lifetime_rules *rules,
                                     struct why *why);

/**
 * Capabilities of our own leaves: version, suites usable here, last_resort, SelfRemove, basic
 * credentials, X.509 where it can be read, and what else is supported.
 * @param more     extensions, proposals and credentials of the application
 * @param grease   add a GREASE value to each list (section 13.5)
 * @param storage  out, to be freed after `out`
 */
CHECKED enum err leaf_own_capabilities(const struct capabilities *more, bool grease,
                                       struct bytes *storage, struct capabilities *out);

#endif
