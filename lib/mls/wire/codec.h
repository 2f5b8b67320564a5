/*
 * Code points of RFC 9420, section 17, and the small pieces that many structs share: extension
 * lists, credentials, capabilities.  All are views into the bytes they were read from.
 * SPDX-License-Identifier: ISC
 */
#ifndef MLS_WIRE_CODEC_H
#define MLS_WIRE_CODEC_H

#include "base/buf.h"
#include "base/err.h"

#define MLS_VERSION_10 1

/* Largest exponent of a tree: leaf indices are 32 bits, but no member accepts more than 2^24. */
#define LEAF_NONE UINT32_MAX

/** Name the struct that did not parse, unless a reader inside it has said more.  @return err */
CHECKED enum err codec_unparsed(enum err err, struct why *why, const char *what);

enum wire_format {
  WIRE_PUBLIC_MESSAGE = 1,
  WIRE_PRIVATE_MESSAGE = 2,
  WIRE_WELCOME = 3,
  WIRE_GROUP_INFO = 4,
  WIRE_KEY_PACKAGE = 5,
};

enum sender_type {
  SENDER_MEMBER = 1,
  SENDER_EXTERNAL = 2,
  SENDER_NEW_MEMBER_PROPOSAL = 3,
  SENDER_NEW_MEMBER_COMMIT = 4,
};

enum credential_type { CREDENTIAL_BASIC = 1, CREDENTIAL_X509 = 2 };

enum extension_type {
  EXTENSION_APPLICATION_ID = 1,
  EXTENSION_RATCHET_TREE = 2,
  EXTENSION_REQUIRED_CAPABILITIES = 3,
  EXTENSION_EXTERNAL_PUB = 4,
  EXTENSION_EXTERNAL_SENDERS = 5,
  EXTENSION_LAST_RESORT = 0x000a, /* draft-ietf-mls-extensions: a key package used many times */
};

enum proposal_type {
  PROPOSAL_ADD = 1,
  PROPOSAL_UPDATE = 2,
  PROPOSAL_REMOVE = 3,
  PROPOSAL_PSK = 4,
  PROPOSAL_REINIT = 5,
  PROPOSAL_EXTERNAL_INIT = 6,
  PROPOSAL_GROUP_CONTEXT_EXTENSIONS = 7,
  PROPOSAL_SELF_REMOVE = 0x000a, /* draft-ietf-mls-extensions */
};

/** One extension (section 7.2). */
struct extension {
  uint16_t type;
  struct view data;
};

CHECKED enum err extension_read(struct reader *reader, struct extension *out);
void extension_write(struct writer *writer, uint16_t type, struct view data);

/**
 * Check a whole extension list: it parses, no type twice (section 13.4).  Types that nobody here
 * knows are fine.
 */
CHECKED enum err extensions_check(struct view extensions, struct why *why);

/** Read `Extension extensions<V>` as the checked bytes of its items. */
CHECKED enum err extensions_read(struct reader *reader, struct why *why, struct view *out);

/** Find an extension in a checked list.  @return false if it is not there */
bool extensions_find(struct view extensions, uint16_t type, struct view *data);

/** Credential (section 5.3). */
struct credential {
  uint16_t type;
  struct view identity; /* basic: the identity; x509: items: Certificate */
  struct view raw;      /* type and body */
};

/** Basic and X.509 bodies are parsed; a type that RFC 9420 does not define is the application's, and
 *  taken to have one vector as its body. */
CHECKED enum err credential_read(struct reader *reader, struct credential *out);
/** The same of one that was read before: its certificates are not walked over again. */
CHECKED enum err credential_find(struct reader *reader, struct credential *out);
void credential_write_basic(struct writer *writer, struct view identity);
/** Any type: the body is a vector of `identity`, as credential_read() reports it. */
void credential_write(struct writer *writer, uint16_t type, struct view identity);

/** Longer lists of capabilities have no honest use, and each item costs work in every member. */
#define CAPABILITIES_MAX 256u

/** Capabilities (section 7.2): each list as the bytes of its 16-bit items. */
struct capabilities {
  struct view versions;
  struct view cipher_suites;
  struct view extensions;
  struct view proposals;
  struct view credentials;
};

/** ERR_LIMIT: a list of more than CAPABILITIES_MAX items. */
CHECKED enum err capabilities_read(struct reader *reader, struct capabilities *out);
void capabilities_write(struct writer *writer, const struct capabilities *capabilities);

/** RequiredCapabilities (section 11.1) likewise; versions and cipher_suites are empty. */
CHECKED enum err required_capabilities_read(struct view data, struct capabilities *out);

/** Whether a list of 16-bit items holds one; the item at an index below size / 2. */
bool list_has(struct view list, uint16_t item);
uint16_t list_at(struct view list, size_t index);

#define TYPES_FEW 16

/**
 * A set of types: of a few, as most lists have, it is a list; of more, a bit for each type that there
 * is.  So an item costs the same however many are sent, and a short list does not cost 8 kB.
 */
struct type_set {
  size_t count; /* 0 makes an empty set; the rest need not be initialized */
  uint16_t few[TYPES_FEW];
  uint64_t bits[(UINT16_MAX + 1) / 64]; /* once there are more than few */
};

/** @return false if the type is in the set already */
bool type_set_add(struct type_set *set, uint16_t type);
bool type_set_has(const struct type_set *set, uint16_t type);
/** All types of a list of capabilities. */
void type_set_fill(struct type_set *set, struct view list);

/** A random one of the values that only test whether others ignore what they do not know
 *  (section 13.5); `entropy` is a random byte. */
uint16_t grease_value(uint8_t entropy);
bool type_is_grease(uint16_t type);

/** Extension and proposal types that every member supports without listing them (section 7.2). */
bool extension_is_default(uint16_t type);
bool proposal_is_default(uint16_t type);

/** Proposal types for private use (section 17.4): the application's own. */
bool proposal_is_custom(uint16_t type);

#endif
