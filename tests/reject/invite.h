/*
 * A Welcome or GroupInfo as its attacker makes it, step by step (RFC 9420, section 12.4.3).  Nobody
 * who joins can see the commit before it, so whoever invites is free to tell any story.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_REJECT_INVITE_H
#define TESTS_REJECT_INVITE_H

#include "forge.h"

#define INVITE_NODES 15

/** One optional<Node> of the ratchet_tree extension, on the wire. */
struct wire_node {
  struct bytes raw;
};

/** invite_begin(), invite_info(), invite_send(). */
struct invite {
  const struct suite *suite;
  struct forgery commit; /* MALLORY's, that adds the joiner, with a path */
  struct tree *tree;     /* that it leads to */
  struct bytes ratchet_tree;
  bool tree_inside; /* the ratchet_tree extension is in the GroupInfo */
  struct group_context context;
  struct bytes other_extensions; /* of the GroupInfo: items */
  struct view confirmation_tag;  /* the right one if it is empty */
  uint32_t signer;
  const struct secret *signature_key;
  struct view label;
  struct bytes info; /* GroupInfo */
  /* GroupSecrets: */
  struct secret joiner_secret;
  bool has_path_secret;
  struct secret path_secret;
  struct bytes psks; /* items: PreSharedKeyID */
  struct secret psk_secret;
  struct bytes behind_secrets; /* follows GroupSecrets */
  /* Welcome: */
  struct view encrypted_info; /* instead of the encrypted GroupInfo */
  uint16_t cipher_suite;
  uint8_t ref[HASH_MAX]; /* KeyPackageRef */
  size_t ref_size;
  struct bytes key_package;
};

/** MALLORY adds the joiner, who has a key package for it. */
void invite_begin(struct invite *invite, struct world *world);

/** Take another tree, its hash and ratchet_tree included; the tree is taken over. */
void invite_set_tree(struct invite *invite, struct tree *tree);

/** Nodes of the ratchet_tree as it now is; to be given back. */
size_t invite_take_nodes(const struct invite *invite, struct wire_node *nodes);
void invite_put_nodes(struct invite *invite, struct wire_node *nodes, size_t count);

/** A parent node on the wire, to be freed.  @param unmerged  items: leaf indices */
struct bytes wire_parent(struct view key, struct view hash, struct view unmerged);

/** Write and sign the GroupInfo, unless it is there. */
void invite_info(struct invite *invite);

/** What a Welcome is made of: GroupInfo and GroupSecrets, encrypted. */
struct sealed_invite {
  struct bytes info;
  struct bytes kem_output;
  struct bytes ciphertext;
};

void invite_seal(struct invite *invite, struct sealed_invite *out);

/** The Welcome; end. */
void invite_finish(struct invite *invite, struct sealed_invite *sealed, struct bytes *out);

/** Both. */
void invite_send(struct invite *invite, struct bytes *out);

/** The GroupInfo alone, as an MLSMessage; end. */
void invite_publish(struct invite *invite, struct bytes *out);

/* ---- What tests share ---- */

/** The tree, to be edited and then set. */
struct tree *invite_edit(const struct invite *invite);

/** The same without parent nodes: no path secret is needed, and no parent hash. */
struct tree *invite_bare(struct invite *invite);

void add_byte(struct bytes *bytes, uint8_t value);

/** Make the GroupContext so many bytes long, 64 KB at least: by one extension, in static storage. */
void invite_fill_context(struct invite *invite, size_t size);

typedef void bend_invite(struct world *world, struct invite *invite);

/** As struct row, for a Welcome that is bent before its GroupInfo is signed. */
struct invite_row {
  const char *section;
  const char *changed;
  bend_invite *bend;
  enum err expected;
};

void refuse_invite(const struct invite_row *row);

#endif
