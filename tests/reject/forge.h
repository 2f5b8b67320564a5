/*
 * The attacker: a member, or an outsider, that makes leaves, key packages, proposals and commits
 * step by step, so that a test can bend what one step made before the next one signs, hashes or
 * encrypts it.  Nothing is checked here.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_REJECT_FORGE_H
#define TESTS_REJECT_FORGE_H

#include "letter.h"

/* ---- Leaves and key packages (RFC 9420, sections 7.2 and 10) ---- */

/** Fields of a valid leaf of a client, with a fresh encryption key. */
struct leaf_forger {
  const struct suite *suite;
  struct leaf_template fields;
  struct secret private_key;
  uint8_t public_key[KEM_PUBLIC_MAX];
  const struct secret *signature_key;
  struct leaf_storage storage;
  struct view label;    /* of the signature */
  struct view group_id; /* that is signed, unless the source is key_package; and the index */
  uint32_t index;
};

/** @param group_id,index  where the leaf is to stand */
void leaf_forger_begin(struct leaf_forger *forger, const struct client *client,
                       enum leaf_source source, struct view group_id, uint32_t index);
/** The LeafNode, signed as it now stands; to be freed. */
struct bytes leaf_forger_write(const struct leaf_forger *forger);
/** The same as a leaf, to be dropped. */
struct leaf *leaf_forger_sign(const struct leaf_forger *forger);
void leaf_forger_end(struct leaf_forger *forger);

/** Fields of a key package of a client, around a leaf of source key_package. */
struct key_package_forger {
  struct leaf_forger leaf;
  uint16_t version;
  uint16_t cipher_suite;
  uint8_t init_bytes[KEM_PUBLIC_MAX];
  struct view init_key;
  struct view extensions;
  const struct secret *signature_key;
  struct view label;
};

void key_package_forger_begin(struct key_package_forger *forger, const struct client *client);
/** KeyPackage, signed as it now stands; to be freed.  Ends the forger. */
struct bytes key_package_forger_end(struct key_package_forger *forger);

/** An X.509 credential of one certificate for an Ed25519 key, to be freed.  Nobody has signed it: whom
 *  to trust is left to the application.  @param behind  follows the certificate in its vector */
struct bytes forge_certificate(struct view key, struct view behind);

/* ---- Proposals (section 12.1), each on the wire and to be freed ---- */

struct bytes propose_add(struct bytes key_package); /* takes it */
struct bytes propose_update(struct leaf *leaf);     /* takes it */
struct bytes propose_remove(uint32_t leaf);
struct bytes propose_psk(const struct psk_id *id);
struct bytes propose_extensions(uint16_t type, struct view data);

/** Valid ones: an Add by a fresh key package, and the leaf of an Update, to be dropped. */
struct bytes an_add(const struct client *client);
struct leaf *an_update(const struct member *of);

/** A PSK that everybody has, the joiner too; and the resumption PSK of the current epoch. */
struct psk_id known_psk(struct world *world);
struct psk_id resumption(const struct world *world);

/** Let everybody store a proposal of a member, which is taken.  @return as ALICE has stored it */
const struct stored_proposal *world_propose(struct world *world, uint32_t by,
                                            struct bytes proposal);
/** The same for an Update by a member, who keeps its private key. */
const struct stored_proposal *world_update(struct world *world, uint32_t by);

/* ---- Commits (section 12.4) ---- */

#define FORGED_NODES 4
#define FORGED_ITEMS 4

/** A node of the path. */
struct path_part {
  uint32_t height;
  struct secret path_secret;
  uint8_t bytes[KEM_PUBLIC_MAX];
  struct view key;          /* that is announced */
  struct bytes ciphertexts; /* items: HPKECiphertext */
};

/**
 * A commit in the making: forgery_begin(), forgery_item() or forgery_reference() for each proposal,
 * the four steps of the path unless there is to be none, forgery_send().
 */
struct forgery {
  const struct client *client;
  const struct epoch *from;
  uint32_t leaf; /* of the committer */
  bool encrypt;  /* as a PrivateMessage */
  struct sender sender;
  struct writer proposals; /* items: ProposalOrRef */
  struct bytes item[FORGED_ITEMS];
  size_t items;
  struct tree *tree;      /* with the proposals, later with the path */
  bool torn;              /* tree.h does not hold such a tree: the tag will be wrong */
  struct view extensions; /* of the next GroupContext */
  struct view reinit;     /* that the commit holds */
  uint32_t added[MEMBERS];
  size_t added_count;
  struct secret init_secret;
  struct psk_id psk[FORGED_ITEMS];
  size_t psks;
  struct secret commit_secret;
  /* The path: */
  bool has_path;
  struct path_part node[FORGED_NODES];
  size_t nodes;
  struct leaf_forger path_leaf;
  uint8_t parent_hash[HASH_MAX];
  struct leaf *made_leaf;
  struct bytes path; /* UpdatePath */
  /* The result: */
  struct bytes body; /* Commit */
  struct epoch *next;
};

/** By a member, in its current epoch. */
void forgery_begin(struct forgery *forgery, const struct member *by);

/** By an outsider, who knows what a GroupInfo of that epoch tells; without its ExternalInit. */
void forgery_external(struct forgery *forgery, const struct client *client,
                      const struct epoch *from);

/** An ExternalInit, to be freed, and its effect. */
struct bytes forgery_external_init(struct forgery *forgery);

/** Apply a proposal, as far as it goes. */
void forgery_apply(struct forgery *forgery, struct view proposal, uint32_t proposer);

/** List a proposal by value, which is taken; and apply it. */
void forgery_list(struct forgery *forgery, struct bytes proposal);
void forgery_item(struct forgery *forgery, struct bytes proposal);

/** List and apply a proposal that was stored. */
void forgery_reference(struct forgery *forgery, const struct stored_proposal *stored);

/** 1. Secrets and keys of the filtered direct path, and the fields of the leaf. */
void forgery_path(struct forgery *forgery);
/** Derive them again, from the path secret of a node on. */
void forgery_derive(struct forgery *forgery, size_t from);
/** 2. Put the announced keys into the tree, and the parent hash into the leaf's fields. */
void forgery_merge(struct forgery *forgery);
/** 3. Sign the leaf and put it into the tree. */
void forgery_leaf(struct forgery *forgery);
/** 4. Encrypt the path secrets. */
void forgery_encrypt(struct forgery *forgery);
/** 2 to 4. */
void forgery_finish_path(struct forgery *forgery);

/** Write the Commit, from all that is known by now. */
void forgery_body(struct forgery *forgery);

/** Write the Commit unless that was done, into a letter that is to be signed. */
void forgery_letter(struct forgery *forgery, struct letter *letter);
/** Compute the next epoch and its tag, of a letter that is signed. */
void forgery_confirm(struct forgery *forgery, struct letter *letter);
/** All of this. */
void forgery_sign(struct forgery *forgery, struct letter *letter);

/** The same, protect it, and end. */
void forgery_send(struct forgery *forgery, struct bytes *out);
/** Send it after the four steps of a path of which nothing is to be changed. */
void forgery_send_with_path(struct forgery *forgery, struct bytes *out);

/** Sign, protect, and let the committer enter the epoch behind it; end. */
void forgery_adopt(struct forgery *forgery, struct group *group, struct bytes *out);

void forgery_end(struct forgery *forgery);

#endif
