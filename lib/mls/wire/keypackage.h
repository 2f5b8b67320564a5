/*
 * KeyPackage (RFC 9420, section 10).
 * SPDX-License-Identifier: ISC
 */
#ifndef MLS_WIRE_KEYPACKAGE_H
#define MLS_WIRE_KEYPACKAGE_H

#include "mls/wire/leaf.h"

/** A parsed key package; views point into the bytes it was read from. */
struct key_package {
  uint16_t version;
  uint16_t cipher_suite;
  struct view init_key;
  struct leaf *leaf; /* owned */
  struct view extensions;
  struct view signature;
  struct view signed_part; /* KeyPackageTBS */
  struct view raw;
};

/** Read one key package.  @param out  to be freed with key_package_free() */
CHECKED enum err key_package_read(struct reader *reader, struct why *why, struct key_package *out);
void key_package_free(struct key_package *key_package);

/** Whether one parses, without keeping it.  @param raw  the KeyPackage */
CHECKED enum err key_package_skip(struct reader *reader, struct why *why, struct view *raw);
/** Bytes of the leaf in a KeyPackage; 0 if it does not parse. */
size_t key_package_leaf_size(struct view raw);

/** Write all fields but `signed_part` and `raw`. */
void key_package_write(struct writer *writer, const struct key_package *key_package);

/**
 * Section 10.1, without what depends on a group: version and suite, leaf of source key_package
 * with all of leaf_check() and its signature, own signature, init_key well-formed and different
 * from encryption_key.  Lifetime is not looked at, and extensions need not be known (section 13.4).
 * ERR_UNSUPPORTED (other version or suite), ERR_INVALID_PROPOSAL, ERR_SIGNATURE.
 */
CHECKED enum err key_package_check(const struct suite *suite, const struct key_package *key_package,
                                   struct why *why);

/**
 * Section 10: the leaf lists the extensions of the key package.  Whoever makes a key package has to
 * see to that; section 10.1 does not have it checked, so it is for who adds somebody to be strict,
 * and for who is told of an Add to take it.  ERR_INVALID_PROPOSAL.
 */
CHECKED enum err key_package_check_listed(const struct key_package *key_package, struct why *why);

/** KeyPackageRef (section 5.2), into suite->hash->size bytes. */
CHECKED enum err key_package_ref(const struct suite *suite, struct view raw, uint8_t *out);

/** The private half of a key package of our own. */
struct key_package_secret {
  struct secret init_key;
  struct secret encryption_key;
};

/**
 * Make a key package.  The leaf's encryption_key and source are set here, whatever `leaf` says.
 * ERR_INVALID_ARG: the fields make no key package.
 * @param raw  KeyPackage on the wire, to be freed
 */
CHECKED enum err key_package_new(const struct suite *suite, const struct leaf_template *leaf,
                                 struct view extensions, const struct secret *signature_key,
                                 struct bytes *raw, struct key_package_secret *secret);

#endif
