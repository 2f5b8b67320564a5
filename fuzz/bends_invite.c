/* SPDX-License-Identifier: ISC */
#include "bends.h"
#include "mls/keys/psk.h"

static const uint8_t blank[] = {0};

/* The tree as it is sent, if it is one. */
static struct tree *sent_tree(const struct invite *invite) {
  struct tree *tree = NULL;
  enum err err = tree_read(invite->suite, bytes_view(&invite->ratchet_tree), 64, NULL, &tree);
  return err == OK ? tree : NULL;
}

/* One node in another's place, of no one, or with something in it that differs. */
static void bend_node(struct bender *bender, struct wire_node *nodes, size_t count) {
  struct bytes *raw = &nodes[bend_byte(bender) % count].raw, other = {0};
  struct writer writer = {0};
  uint8_t how = bend_byte(bender) % 4;
  if (how == 0) {
    raw->data[bend_byte(bender) % raw->size] ^= bend_byte(bender);
    return;
  }
  if (how == 3) {
    struct view key = bend_block(bender), hash = bend_block(bender);
    other = wire_parent(key, hash, bend_block(bender));
  } else {
    write_bytes(&writer,
                how == 1 ? VIEW_ARRAY(blank) : bytes_view(&nodes[bend_byte(bender) % count].raw));
    other = taken(&writer);
  }
  bytes_free(raw);
  *raw = other;
}

static void bend_nodes_of(struct bender *bender, struct invite *invite) {
  struct wire_node nodes[INVITE_NODES];
  struct tree *tree = sent_tree(invite);
  if (tree == NULL)
    return; /* bent before */
  tree_drop(tree);
  size_t count = invite_take_nodes(invite, nodes);
  bend_node(bender, nodes, count);
  invite_put_nodes(invite, nodes, count);
  tree = sent_tree(invite);
  if (tree != NULL)
    invite_set_tree(invite, tree); /* whose hash is signed */
}

static void bend_tree_of(struct bender *bender, const struct world *world, struct invite *invite) {
  struct leaf_forger forger;
  struct tree *tree = invite_bare(invite);
  uint32_t index = bend_byte(bender) % MEMBERS;
  leaf_forger_begin(&forger, world->member[MALLORY].client,
                    (enum leaf_source)(1 + bend_byte(bender) % 3), invite->context.group_id, index);
  bend_leaf(bender, world, &forger);
  struct leaf *leaf = leaf_forger_sign(&forger);
  enum err err = bend_byte(bender) % 3 == 0 ? tree_remove_leaf(tree, index)
                                            : tree_replace_leaf(tree, index, leaf);
  if (err == OK)
    invite_set_tree(invite, tree);
  else
    tree_drop(tree);
  leaf_drop(leaf);
  leaf_forger_end(&forger);
}

static void bend_context(struct bender *bender, struct group_context *context) {
  switch (bend_byte(bender) % 8) {
  case 0:
    context->version = bend_byte(bender);
    break;
  case 1:
    context->cipher_suite = bend_byte(bender) % 8;
    break;
  case 2:
    context->group_id = bend_block(bender);
    break;
  case 3:
    context->epoch -= bend_byte(bender);
    break;
  case 4:
    context->tree_hash = bend_block(bender);
    break;
  case 5:
    context->confirmed_transcript_hash = bend_block(bender);
    break;
  default:
    context->extensions = bend_extensions(bender);
  }
}

static void mix_psk(struct bender *bender, const struct world *world, struct invite *invite) {
  struct psk_id id = bend_psk(bender, world);
  struct writer psks = {0};
  psk_id_write(&psks, &id);
  schedule_zero(invite->suite, &invite->psk_secret);
  ck_assert_int_eq(
      psk_mix(invite->suite, writer_view(&psks), VIEW_TEXT("secret"), 0, 1, &invite->psk_secret),
      OK);
  bytes_free(&invite->psks);
  invite->psks = taken(&psks);
}

static void bend_secrets(struct bender *bender, const struct world *world, struct invite *invite) {
  switch (bend_byte(bender) % 6) {
  case 0:
    invite->has_path_secret = false;
    break;
  case 1:
    invite->path_secret.bytes[0] ^= bend_byte(bender);
    break;
  case 2:
    invite->path_secret.size = bend_byte(bender) % SECRET_MAX;
    break;
  case 3:
    mix_psk(bender, world, invite);
    break;
  case 4:
    add_byte(&invite->behind_secrets, bend_byte(bender));
    break;
  default:
    invite->joiner_secret.size = bend_byte(bender) % SECRET_MAX;
  }
}

static void bend_info(struct bender *bender, struct world *world, struct invite *invite) {
  struct writer writer = {0};
  switch (bend_byte(bender) % 9) {
  case 0:
    invite->confirmation_tag = bend_block(bender);
    break;
  case 1:
    invite->signer = bend_byte(bender) % (MEMBERS + 4);
    break;
  case 2:
    invite->signature_key = world->joiner.client->signature_key;
    break;
  case 3:
    invite->label = bend_block(bender);
    break;
  case 4:
    bytes_free(&invite->other_extensions);
    write_bytes(&writer, bend_extensions(bender));
    invite->other_extensions = taken(&writer);
    break;
  case 5:
    invite->tree_inside = false;
    if (bend_byte(bender) % 4 != 0) {
      bytes_free(&world->beside);
      ck_assert_int_eq(bytes_copy(&world->beside, bytes_view(&invite->ratchet_tree)), OK);
    }
    break;
  case 6:
    invite->ref[0] ^= bend_byte(bender);
    break;
  case 7:
    invite->cipher_suite = bend_byte(bender) % 8;
    break;
  default:
    invite->encrypted_info = bend_block(bender);
  }
}

void bend_invitation(struct bender *bender, struct world *world, struct invite *invite) {
  for (uint8_t count = bend_byte(bender) % 4; count > 0; count--)
    switch (bend_byte(bender) % 6) {
    case 0:
      bend_context(bender, &invite->context);
      break;
    case 1:
      bend_secrets(bender, world, invite);
      break;
    case 2:
      bend_info(bender, world, invite);
      break;
    case 3:
      bend_tree_of(bender, world, invite);
      break;
    case 4:
      bend_nodes_of(bender, invite);
      break;
    default:
      invite_set_tree(invite, invite_bare(invite));
    }
}
