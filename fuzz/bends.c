/* SPDX-License-Identifier: ISC */
#include "bends.h"

#define TYPE 0xf123 /* of the application's own */
#define KEY_SIZE 32

uint8_t bend_byte(struct bender *bender) {
  struct view taken = harness_take(&bender->input, 1);
  return taken.size == 0 ? 0 : taken.data[0];
}

struct view bend_block(struct bender *bender) {
  return harness_take(&bender->input, bend_byte(bender));
}

void bend_end(struct bender *bender) {
  for (size_t i = 0; i < bender->kept_count; i++)
    bytes_free(&bender->kept[i]);
}

/* What was written, for as long as the input runs; nothing when there is no room. */
static struct view keep(struct bender *bender, struct writer *writer) {
  struct bytes bytes = taken(writer);
  if (bender->kept_count == KEPT) {
    bytes_free(&bytes);
    return VIEW_NONE;
  }
  bender->kept[bender->kept_count] = bytes;
  return bytes_view(&bender->kept[bender->kept_count++]);
}

struct view bend_extensions(struct bender *bender) {
  static const uint16_t types[] = {EXTENSION_APPLICATION_ID,
                                   EXTENSION_RATCHET_TREE,
                                   EXTENSION_REQUIRED_CAPABILITIES,
                                   EXTENSION_EXTERNAL_PUB,
                                   EXTENSION_EXTERNAL_SENDERS,
                                   EXTENSION_LAST_RESORT,
                                   TYPE,
                                   0x0a0a};
  struct writer writer = {0};
  uint8_t count = bend_byte(bender) % 4;
  if (count == 3)
    return bend_block(bender);
  for (uint8_t i = 0; i < count; i++) {
    uint16_t type = types[bend_byte(bender) % (sizeof types / sizeof types[0])];
    extension_write(&writer, type, bend_block(bender));
  }
  return keep(bender, &writer);
}

/* An encryption key: of nobody, or of some member. */
static struct view bend_key(struct bender *bender, const struct world *world) {
  uint32_t leaf = bend_byte(bender) % (2 * MEMBERS);
  const struct tree *tree = world->member[MALLORY].group->epoch->tree;
  return tree_leaf(tree, leaf) != NULL ? leaf_encryption_key(tree_leaf(tree, leaf))
                                       : bend_block(bender);
}

/* ---- Leaves ---- */

static void bend_capabilities(struct bender *bender, struct capabilities *capabilities) {
  struct view *const lists[] = {&capabilities->versions, &capabilities->cipher_suites,
                                &capabilities->extensions, &capabilities->proposals,
                                &capabilities->credentials};
  uint8_t which = bend_byte(bender) % 5;
  struct view items = bend_block(bender);
  *lists[which] = view_of(items.data, items.size & ~(size_t)1);
}

static void bend_lifetime(struct bender *bender, struct leaf_template *fields) {
  static const uint64_t offsets[] = {0, 1, 3600, 86400, 86401, 1u << 25, HARNESS_TIME, UINT64_MAX};
  fields->not_before = HARNESS_TIME + offsets[bend_byte(bender) % 8];
  fields->not_after = HARNESS_TIME + offsets[bend_byte(bender) % 8];
}

static void bend_field(struct bender *bender, const struct world *world,
                       struct leaf_forger *forger) {
  struct leaf_template *fields = &forger->fields;
  const struct client *other = world->joiner.client;
  switch (bend_byte(bender) % 12) {
  case 0:
    fields->encryption_key = bend_key(bender, world);
    break;
  case 1:
    fields->signature_key = bend_block(bender);
    break;
  case 2: /* another identity that is all right */
    fields->signature_key = bytes_view(&other->signature_public);
    forger->signature_key = other->signature_key;
    break;
  case 3:
    forger->signature_key = other->signature_key;
    break;
  case 4:
    fields->credential = bend_block(bender);
    break;
  case 5:
    bend_capabilities(bender, &fields->capabilities);
    break;
  case 6:
    fields->extensions = bend_extensions(bender);
    break;
  case 7:
    fields->source = (enum leaf_source)(1 + bend_byte(bender) % 3);
    break;
  case 8:
    bend_lifetime(bender, fields);
    break;
  case 9:
    fields->parent_hash = bend_block(bender);
    break;
  case 10:
    forger->label = bend_block(bender);
    break;
  default:
    forger->index = bend_byte(bender) % MEMBERS;
    forger->group_id = bend_block(bender);
  }
}

static bool makes_leaf(const struct leaf_forger *forger) {
  struct leaf *leaf = NULL;
  struct bytes raw = leaf_forger_write(forger);
  struct reader reader = reader_of(bytes_view(&raw));
  bool is_leaf = leaf_read(&reader, NULL, &leaf) == OK && read_end(&reader) == OK;
  leaf_drop(leaf);
  bytes_free(&raw);
  return is_leaf;
}

void bend_leaf(struct bender *bender, const struct world *world, struct leaf_forger *forger) {
  for (uint8_t count = bend_byte(bender) % 3; count > 0; count--) {
    const struct leaf_template before = forger->fields;
    bend_field(bender, world, forger);
    if (!makes_leaf(forger))
      forger->fields = before;
  }
}

/* ---- Proposals ---- */

static struct bytes bend_key_package(struct bender *bender, const struct world *world) {
  struct key_package_forger forger;
  uint8_t whose = bend_byte(bender) % 4;
  key_package_forger_begin(&forger,
                           whose == 0 ? world->member[ALICE].client : world->joiner.client);
  bend_leaf(bender, world, &forger.leaf);
  switch (bend_byte(bender) % 16) {
  case 0:
    forger.version = bend_byte(bender);
    break;
  case 1:
    forger.cipher_suite = bend_byte(bender) % 8;
    break;
  case 2:
    forger.init_key = forger.leaf.fields.encryption_key;
    break;
  case 3:
    forger.init_key = bend_key(bender, world);
    break;
  case 4:
    forger.extensions = bend_extensions(bender);
    break;
  case 5:
    forger.label = bend_block(bender);
    break;
  case 6:
    forger.signature_key = world->member[MALLORY].client->signature_key;
    break;
  default:
    break;
  }
  return key_package_forger_end(&forger);
}

static struct bytes bend_update(struct bender *bender, const struct world *world,
                                const struct member *by) {
  struct leaf_forger forger;
  struct writer writer = {0};
  const struct epoch *epoch = world->member[MALLORY].group->epoch;
  uint32_t index = by->group != NULL ? by->group->epoch->own_leaf : MALLORY;
  leaf_forger_begin(&forger, by->client, LEAF_UPDATE, epoch->context.group_id, index);
  bend_leaf(bender, world, &forger);
  struct bytes leaf = leaf_forger_write(&forger);
  leaf_forger_end(&forger);
  proposal_write_update(&writer, bytes_view(&leaf));
  bytes_free(&leaf);
  return taken(&writer);
}

struct psk_id bend_psk(struct bender *bender, const struct world *world) {
  static const uint8_t nonces[4][KEY_SIZE + 1] = {{1}, {2}, {3}, {4}};
  const struct group_context *context = &world->member[MALLORY].group->epoch->context;
  uint8_t bits = bend_byte(bender);
  size_t size = (bits & 4) == 0 ? KEY_SIZE : KEY_SIZE - 2 + bend_byte(bender) % 3;
  struct psk_id id = {.type = PSK_EXTERNAL, .nonce = view_of(nonces[bits & 3], size)};
  id.external_id = (bits & 8) == 0 ? VIEW_TEXT("id") : bend_block(bender);
  if ((bits & 16) == 0)
    return id;
  id.type = PSK_RESUMPTION;
  id.usage = PSK_APPLICATION + bend_byte(bender) % 4;
  id.psk_group_id = (bits & 32) == 0 ? context->group_id : bend_block(bender);
  id.psk_epoch = context->epoch - bend_byte(bender) % 4;
  return id;
}

static void write_removal(struct bender *bender, struct writer *writer) {
  uint8_t leaf = bend_byte(bender);
  proposal_write_remove(writer, leaf == UINT8_MAX ? UINT32_MAX : leaf % (MEMBERS + 2));
}

static void write_reinit(struct bender *bender, struct writer *writer) {
  uint8_t bits = bend_byte(bender);
  struct view id = (bits & 1) == 0 ? VIEW_TEXT("next") : bend_block(bender);
  proposal_write_reinit(writer, id, (bits & 2) == 0 ? MLS_VERSION_10 : bend_byte(bender),
                        (bits & 4) == 0 ? 1 : bend_byte(bender),
                        (bits & 8) == 0 ? VIEW_NONE : bend_extensions(bender));
}

struct bytes bend_proposal(struct bender *bender, const struct world *world,
                           const struct member *by) {
  struct writer writer = {0};
  struct psk_id psk;
  switch (bend_byte(bender) % 11) {
  case 0:
  case 1:
    return propose_add(bend_key_package(bender, world));
  case 2:
    return bend_update(bender, world, by);
  case 3:
    write_removal(bender, &writer);
    break;
  case 4:
    psk = bend_psk(bender, world);
    proposal_write_psk(&writer, &psk);
    break;
  case 5:
    proposal_write_group_context_extensions(&writer, bend_extensions(bender));
    break;
  case 6:
    write_reinit(bender, &writer);
    break;
  case 7:
    proposal_write_external_init(&writer, bend_key(bender, world));
    break;
  case 8:
    proposal_write_custom(&writer, (uint16_t)(TYPE + bend_byte(bender) % 2), bend_block(bender));
    break;
  case 9:
    proposal_write_self_remove(&writer);
    break;
  default:
    write_bytes(&writer, bend_block(bender));
  }
  return taken(&writer);
}

/* ---- The list of a commit ---- */

static bool parses(struct view raw, struct proposal *proposal) {
  struct reader reader = reader_of(raw), inner;
  struct key_package key_package = {0};
  struct leaf *leaf = NULL;
  bool whole = proposal_read(&reader, NULL, proposal) == OK && read_end(&reader) == OK;
  if (!whole)
    return false;
  if (proposal->type == PROPOSAL_ADD) {
    inner = reader_of(proposal->body.add);
    whole = key_package_read(&inner, NULL, &key_package) == OK;
    key_package_free(&key_package);
  } else if (proposal->type == PROPOSAL_UPDATE) {
    inner = reader_of(proposal->body.update);
    whole = leaf_read(&inner, NULL, &leaf) == OK;
    leaf_drop(leaf);
  }
  return whole;
}

static void list_stored(struct bender *bender, const struct world *world, struct forgery *forgery) {
  const struct proposal_store *store = &world->member[ALICE].group->proposals;
  const struct stored_proposal *stored = &store->item[bend_byte(bender) % store->count];
  bool updates_nobody = stored->proposal.type == PROPOSAL_UPDATE &&
                        tree_leaf(forgery->tree, stored->sender.index) == NULL;
  if (updates_nobody)
    proposal_or_ref_write_reference(&forgery->proposals,
                                    view_of(stored->ref, forgery->from->suite->hash->size));
  else
    forgery_reference(forgery, stored);
  if (stored->proposal.type == PROPOSAL_REINIT)
    forgery->reinit = stored->proposal.raw;
}

void bend_list(struct bender *bender, const struct world *world, struct forgery *forgery,
               const struct member *by) {
  struct proposal parsed;
  if (world->member[ALICE].group->proposals.count > 0 && bend_byte(bender) % 2 == 0) {
    list_stored(bender, world, forgery);
    return;
  }
  struct bytes proposal = bend_proposal(bender, world, by);
  forgery_list(forgery, proposal);
  if (!parses(bytes_view(&proposal), &parsed))
    return;
  if (parsed.type == PROPOSAL_REINIT)
    forgery->reinit = bytes_view(&proposal);
  if (parsed.type != PROPOSAL_UPDATE || tree_leaf(forgery->tree, forgery->leaf) != NULL)
    forgery_apply(forgery, bytes_view(&proposal), forgery->leaf);
}

/* ---- The path ---- */

static bool has_copath(const struct forgery *forgery) {
  uint32_t width = tree_width(forgery->tree), members = tree_members(forgery->tree);
  return forgery->leaf == LEAF_NONE ||
         (forgery->leaf < width && tree_leaf(forgery->tree, forgery->leaf) != NULL && members > 1);
}

static void bend_nodes(struct bender *bender, const struct world *world, struct forgery *forgery) {
  struct path_part *node = &forgery->node[bend_byte(bender) % forgery->nodes];
  switch (bend_byte(bender) % 8) {
  case 0:
    node->key = bend_key(bender, world);
    bender->hidden = true;
    break;
  case 1:
    node->key = forgery->node[bend_byte(bender) % forgery->nodes].key;
    bender->hidden = true;
    break;
  case 2:
    node->path_secret.bytes[0] ^= bend_byte(bender);
    bender->hidden = true;
    break;
  case 3:
    if (forgery->nodes > 1)
      forgery->nodes--;
    break;
  case 4:
    if (forgery->nodes < FORGED_NODES) {
      forgery->node[forgery->nodes] = forgery->node[forgery->nodes - 1];
      forgery->nodes++;
    }
    break;
  default:
    break;
  }
}

static void bend_ciphertexts(struct bender *bender, struct forgery *forgery) {
  struct bytes *items = &forgery->node[bend_byte(bender) % forgery->nodes].ciphertexts;
  uint8_t how = bend_byte(bender) % 8;
  struct writer writer = {0};
  size_t at = bend_byte(bender) % (items->size + 1);
  if (how > 3)
    return;
  if (how == 0 && at < items->size)
    items->data[at] ^= bend_byte(bender);
  if (how > 0) {
    write_bytes(&writer, view_of(items->data, how == 1 ? at : items->size));
    write_bytes(&writer, how == 2 ? bend_block(bender) : bytes_view(items));
    bytes_free(items);
    *items = taken(&writer);
  }
  bender->hidden = true;
}

void bend_path(struct bender *bender, const struct world *world, struct forgery *forgery) {
  if (!has_copath(forgery))
    return;
  forgery_path(forgery);
  bend_nodes(bender, world, forgery);
  forgery_merge(forgery);
  if (bend_byte(bender) % 4 == 0)
    forgery->parent_hash[0] ^= bend_byte(bender);
  bend_leaf(bender, world, &forgery->path_leaf);
  forgery_leaf(forgery);
  forgery_encrypt(forgery);
  bend_ciphertexts(bender, forgery);
}

/* ---- Letters ---- */

void bend_unsigned(struct bender *bender, const struct world *world, struct letter *letter) {
  static const uint64_t epochs[] = {UINT64_MAX, 1, 2, 16, UINT64_MAX - 1};
  struct framed_content *content = &letter->content;
  switch (bend_byte(bender) % 20) {
  case 0:
    content->group_id = bend_block(bender);
    break;
  case 1:
    content->epoch += epochs[bend_byte(bender) % 5];
    break;
  case 2:
    content->sender.type = bend_byte(bender) % 6;
    break;
  case 3:
    content->sender.index = bend_byte(bender) % (MEMBERS + 2);
    letter->leaf = content->sender.index;
    break;
  case 4:
    content->authenticated_data = bend_block(bender);
    break;
  case 5:
    content->content_type = bend_byte(bender) % 5;
    break;
  case 6:
    letter->wire_format = bend_byte(bender) % 6;
    break;
  case 7:
    letter->group_context = bend_block(bender);
    break;
  case 8:
    letter->signature_key = world->joiner.client->signature_key;
    break;
  case 9:
    letter->label = bend_block(bender);
    break;
  default:
    break;
  }
}

void bend_signed(struct bender *bender, struct letter *letter) {
  switch (bend_byte(bender) % 8) {
  case 0:
    letter->signature.data[bend_byte(bender) % letter->signature.size] ^= bend_byte(bender);
    break;
  case 1:
    letter->auth.signature = bend_block(bender);
    break;
  case 2:
    letter->auth.confirmation_tag = bend_block(bender);
    break;
  default:
    break;
  }
}

static void protect_public(struct bender *bender, const struct letter *letter, struct bytes *out) {
  struct view tag = VIEW_NONE;
  uint8_t how = bend_byte(bender) % 8;
  if (how == 0)
    letter_tagged(letter, NULL, out);
  else if (how == 1) {
    tag = bend_block(bender);
    letter_tagged(letter, &tag, out);
  } else
    letter_public(letter, out);
}

static void protect_private(struct bender *bender, struct letter *letter, struct bytes *out) {
  letter->generation += bender->sent++;
  switch (bend_byte(bender) % 12) {
  case 0:
    letter->leaf = bend_byte(bender) % (MEMBERS + 2);
    break;
  case 1:
    letter->ratchet = bend_byte(bender) % MEMBERS;
    break;
  case 2:
    letter->generation += bend_byte(bender) % 32;
    break;
  case 3:
    letter->generation = UINT32_MAX - bend_byte(bender);
    letter->unkeyed = true;
    break;
  case 4:
    letter->type_outside = bend_byte(bender) % 5;
    letter->unkeyed = true;
    break;
  case 5:
    letter->padding = bend_block(bender);
    break;
  default:
    break;
  }
  letter_private(letter, out);
}

void bend_protect(struct bender *bender, struct letter *letter, struct bytes *out) {
  if (letter->wire_format == WIRE_PRIVATE_MESSAGE)
    protect_private(bender, letter, out);
  else
    protect_public(bender, letter, out);
}
