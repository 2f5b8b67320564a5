/* SPDX-License-Identifier: ISC */
#include "forge.h"

#include <string.h>

#include "crypto/hpke.h"
#include "crypto/kdf.h"
#include "crypto/provider.h"
#include "crypto/sign.h"
#include "mls/keys/psk.h"

static struct bytes signed_with(const struct suite *suite, const struct secret *key,
                                struct view label, struct view content) {
  struct bytes signature = {0};
  ck_assert_int_eq(sign_with_label(suite, key, label, content, &signature), OK);
  return signature;
}

/* ---- Leaves and key packages ---- */

void leaf_forger_begin(struct leaf_forger *forger, const struct client *client,
                       enum leaf_source source, struct view group_id, uint32_t index) {
  *forger = (struct leaf_forger){
      .suite = client->suite,
      .signature_key = client->signature_key,
      .label = VIEW_TEXT("LeafNodeTBS"),
      .group_id = group_id,
      .index = index,
  };
  ck_assert_int_eq(client_leaf(client, &forger->storage, &forger->fields), OK);
  ck_assert_int_eq(hpke_generate_key_pair(client->suite, &forger->private_key, forger->public_key),
                   OK);
  forger->fields.encryption_key = view_of(forger->public_key, client->suite->kem->public_size);
  forger->fields.source = source;
  client_set_lifetime(client, &forger->fields);
}

struct bytes leaf_forger_write(const struct leaf_forger *forger) {
  struct writer leaf = {0}, content = {0};
  leaf_write(&leaf, &forger->fields);
  write_bytes(&content, writer_view(&leaf));
  if (forger->fields.source != LEAF_KEY_PACKAGE) {
    write_vector(&content, forger->group_id);
    write_u32(&content, forger->index);
  }
  struct bytes signature =
      signed_with(forger->suite, forger->signature_key, forger->label, writer_view(&content));
  write_vector(&leaf, bytes_view(&signature));
  bytes_free(&signature);
  writer_free(&content);
  return taken(&leaf);
}

struct leaf *leaf_forger_sign(const struct leaf_forger *forger) {
  struct leaf *leaf = NULL;
  struct bytes raw = leaf_forger_write(forger);
  struct reader reader = reader_of(bytes_view(&raw));
  ck_assert_int_eq(leaf_read(&reader, NULL, &leaf), OK);
  bytes_free(&raw);
  return leaf;
}

void leaf_forger_end(struct leaf_forger *forger) {
  leaf_storage_free(&forger->storage);
  secret_wipe(&forger->private_key);
}

void key_package_forger_begin(struct key_package_forger *forger, const struct client *client) {
  struct secret unused = {0};
  *forger = (struct key_package_forger){
      .version = MLS_VERSION_10,
      .cipher_suite = client->suite->id,
      .signature_key = client->signature_key,
      .label = VIEW_TEXT("KeyPackageTBS"),
  };
  leaf_forger_begin(&forger->leaf, client, LEAF_KEY_PACKAGE, VIEW_NONE, 0);
  ck_assert_int_eq(hpke_generate_key_pair(client->suite, &unused, forger->init_bytes), OK);
  forger->init_key = view_of(forger->init_bytes, client->suite->kem->public_size);
}

struct bytes key_package_forger_end(struct key_package_forger *forger) {
  struct writer writer = {0};
  struct bytes leaf = leaf_forger_write(&forger->leaf);
  write_u16(&writer, forger->version);
  write_u16(&writer, forger->cipher_suite);
  write_vector(&writer, forger->init_key);
  write_bytes(&writer, bytes_view(&leaf));
  write_vector(&writer, forger->extensions);
  struct bytes signature =
      signed_with(forger->leaf.suite, forger->signature_key, forger->label, writer_view(&writer));
  write_vector(&writer, bytes_view(&signature));
  bytes_free(&signature);
  bytes_free(&leaf);
  leaf_forger_end(&forger->leaf);
  return taken(&writer);
}

struct bytes forge_certificate(struct view key, struct view behind) {
  static const uint8_t head[] = {
      0x30, 0x81, 0xab, 0x30, 0x5f,             /* Certificate, TBSCertificate */
      0xa0, 0x03, 0x02, 0x01, 0x02,             /* version 3 */
      0x02, 0x01, 0x01,                         /* serial number */
      0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, /* Ed25519 */
      0x30, 0x00,                               /* issuer */
      0x30, 0x1e, 0x17, 0x0d, '2',  '5',  '0',  '1',  '0',  '1',  '0',  '0',
      '0',  '0',  '0',  '0',  'Z',  0x17, 0x0d, '3',  '5',  '0',  '1',  '0',
      '1',  '0',  '0',  '0',  '0',  '0',  '0',  'Z',  0x30, 0x00, /* subject */
      0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
  static const uint8_t tail[7 + 3 + 64] = {0x30, 0x05, 0x06, 0x03, 0x2b,
                                           0x65, 0x70, 0x03, 0x41, 0x00};
  struct writer writer = {0};
  write_u16(&writer, CREDENTIAL_X509);
  size_t chain = write_begin(&writer), certificate = write_begin(&writer);
  write_bytes(&writer, VIEW_ARRAY(head));
  write_bytes(&writer, key);
  write_bytes(&writer, VIEW_ARRAY(tail));
  write_bytes(&writer, behind);
  write_end(&writer, certificate);
  write_end(&writer, chain);
  return taken(&writer);
}

/* ---- Proposals ---- */

struct bytes propose_add(struct bytes key_package) {
  struct writer writer = {0};
  proposal_write_add(&writer, bytes_view(&key_package));
  bytes_free(&key_package);
  return taken(&writer);
}

struct bytes propose_update(struct leaf *leaf) {
  struct writer writer = {0};
  proposal_write_update(&writer, leaf_raw(leaf));
  leaf_drop(leaf);
  return taken(&writer);
}

struct bytes propose_remove(uint32_t leaf) {
  struct writer writer = {0};
  proposal_write_remove(&writer, leaf);
  return taken(&writer);
}

struct bytes propose_psk(const struct psk_id *id) {
  struct writer writer = {0};
  proposal_write_psk(&writer, id);
  return taken(&writer);
}

struct bytes propose_extensions(uint16_t type, struct view data) {
  struct writer writer = {0}, extensions = {0};
  extension_write(&extensions, type, data);
  proposal_write_group_context_extensions(&writer, writer_view(&extensions));
  writer_free(&extensions);
  return taken(&writer);
}

static const struct stored_proposal *last_stored(const struct world *world) {
  const struct proposal_store *store = &world->member[ALICE].group->proposals;
  return &store->item[store->count - 1];
}

static const uint8_t nonce[33] = {1}; /* one more than is used: tests make it too long */

static struct bytes key_package(const struct client *client) {
  struct key_package_forger forger;
  key_package_forger_begin(&forger, client);
  return key_package_forger_end(&forger);
}

struct bytes an_add(const struct client *client) {
  return propose_add(key_package(client));
}

struct leaf *an_update(const struct member *of) {
  struct leaf_forger forger;
  const struct epoch *epoch = of->group->epoch;
  leaf_forger_begin(&forger, of->client, LEAF_UPDATE, epoch->context.group_id, epoch->own_leaf);
  struct leaf *leaf = leaf_forger_sign(&forger);
  leaf_forger_end(&forger);
  return leaf;
}

struct psk_id known_psk(struct world *world) {
  struct view id = VIEW_TEXT("id"), psk = VIEW_TEXT("secret");
  ck_assert_int_eq(client_add_psk(world->joiner.client, id, psk), OK);
  for (size_t i = 0; i < MEMBERS; i++)
    ck_assert_int_eq(client_add_psk(world->member[i].client, id, psk), OK);
  return (struct psk_id){.type = PSK_EXTERNAL, .external_id = id, .nonce = view_of(nonce, 32)};
}

struct psk_id resumption(const struct world *world) {
  return (struct psk_id){.type = PSK_RESUMPTION,
                         .usage = PSK_APPLICATION,
                         .psk_group_id = world->member[MALLORY].group->epoch->context.group_id,
                         .psk_epoch = world->member[MALLORY].group->epoch->context.epoch,
                         .nonce = view_of(nonce, 32)};
}

const struct stored_proposal *world_propose(struct world *world, uint32_t by,
                                            struct bytes proposal) {
  struct letter letter;
  struct bytes message = {0};
  letter_begin(&letter, &world->member[by], CONTENT_PROPOSAL, bytes_view(&proposal));
  letter_send(&letter, &message);
  world_deliver(world, MEMBERS, &message);
  bytes_free(&message);
  bytes_free(&proposal);
  return last_stored(world);
}

const struct stored_proposal *world_update(struct world *world, uint32_t by) {
  struct bytes message = {0};
  ck_assert_int_eq(group_propose_update(world->member[by].group, &message), OK);
  world_deliver(world, by, &message);
  bytes_free(&message);
  return last_stored(world);
}

/* ---- Commits: what they propose ---- */

void forgery_begin(struct forgery *forgery, const struct member *by) {
  const struct epoch *epoch = by->group->epoch;
  *forgery = (struct forgery){
      .client = by->client,
      .from = epoch,
      .leaf = epoch->own_leaf,
      .sender = {SENDER_MEMBER, epoch->own_leaf},
      .extensions = epoch->context.extensions,
      .init_secret = epoch->secrets->init,
      .tree = tree_share(epoch->tree),
  };
  schedule_zero(epoch->suite, &forgery->commit_secret);
}

void forgery_external(struct forgery *forgery, const struct client *client,
                      const struct epoch *from) {
  *forgery = (struct forgery){
      .client = client,
      .from = from,
      .leaf = LEAF_NONE,
      .sender = {SENDER_NEW_MEMBER_COMMIT, 0},
      .extensions = from->context.extensions,
      .tree = tree_share(from->tree),
  };
  schedule_zero(from->suite, &forgery->init_secret);
  schedule_zero(from->suite, &forgery->commit_secret);
}

struct bytes forgery_external_init(struct forgery *forgery) {
  const struct suite *suite = forgery->from->suite;
  struct secret private_key = {0};
  uint8_t public_key[KEM_PUBLIC_MAX];
  struct bytes kem_output = {0};
  struct writer writer = {0};
  ck_assert_int_eq(schedule_external_key(suite, forgery->from->secrets, &private_key, public_key),
                   OK);
  ck_assert_int_eq(hpke_export_sender(suite, view_of(public_key, suite->kem->public_size),
                                      VIEW_NONE, VIEW_TEXT("MLS 1.0 external init secret"),
                                      &kem_output, &forgery->init_secret),
                   OK);
  proposal_write_external_init(&writer, bytes_view(&kem_output));
  bytes_free(&kem_output);
  return taken(&writer);
}

/* One change of the tree; where tree.h does not allow it, the tree stays as it was. */
static void change(struct forgery *forgery, struct tree *changed, enum err err) {
  if (err != OK) {
    forgery->torn = true;
    tree_drop(changed);
    return;
  }
  ck_assert_int_eq(tree_seal(changed), OK);
  tree_drop(forgery->tree);
  forgery->tree = changed;
}

static struct tree *edited(const struct forgery *forgery) {
  struct tree *tree = NULL;
  ck_assert_int_eq(tree_edit(forgery->tree, &tree), OK);
  return tree;
}

static void apply_add(struct forgery *forgery, struct view raw) {
  struct key_package key_package = {0};
  struct reader reader = reader_of(raw);
  struct tree *tree = edited(forgery);
  uint32_t index = 0;
  ck_assert_int_eq(key_package_read(&reader, NULL, &key_package), OK);
  enum err err = tree_add_leaf(tree, key_package.leaf, &index);
  if (err == OK)
    forgery->added[forgery->added_count++] = index;
  change(forgery, tree, err);
  key_package_free(&key_package);
}

static void apply_update(struct forgery *forgery, struct view raw, uint32_t proposer) {
  struct leaf *leaf = NULL;
  struct reader reader = reader_of(raw);
  struct tree *tree = edited(forgery);
  ck_assert_int_eq(leaf_read(&reader, NULL, &leaf), OK);
  enum err err = tree_replace_leaf(tree, proposer, leaf);
  if (err == OK)
    err = tree_blank_path(tree, proposer);
  change(forgery, tree, err);
  leaf_drop(leaf);
}

void forgery_apply(struct forgery *forgery, struct view raw, uint32_t proposer) {
  struct proposal proposal;
  struct reader reader = reader_of(raw);
  ck_assert_int_eq(proposal_read(&reader, NULL, &proposal), OK);
  if (proposal.type == PROPOSAL_ADD)
    apply_add(forgery, proposal.body.add);
  else if (proposal.type == PROPOSAL_UPDATE)
    apply_update(forgery, proposal.body.update, proposer);
  else if (proposal.type == PROPOSAL_PSK)
    forgery->psk[forgery->psks++] = proposal.body.psk;
  else if (proposal.type == PROPOSAL_GROUP_CONTEXT_EXTENSIONS)
    forgery->extensions = proposal.body.group_context_extensions;
  else if (proposal.type == PROPOSAL_REMOVE &&
           tree_leaf(forgery->tree, proposal.body.remove) != NULL) {
    struct tree *tree = edited(forgery);
    change(forgery, tree, tree_remove_leaf(tree, proposal.body.remove));
  }
}

void forgery_list(struct forgery *forgery, struct bytes proposal) {
  proposal_or_ref_write_proposal(&forgery->proposals, bytes_view(&proposal));
  ck_assert_uint_lt(forgery->items, FORGED_ITEMS);
  forgery->item[forgery->items++] = proposal;
}

void forgery_item(struct forgery *forgery, struct bytes proposal) {
  forgery_list(forgery, proposal);
  forgery_apply(forgery, bytes_view(&proposal), forgery->leaf);
}

void forgery_reference(struct forgery *forgery, const struct stored_proposal *stored) {
  proposal_or_ref_write_reference(&forgery->proposals,
                                  view_of(stored->ref, forgery->from->suite->hash->size));
  forgery_apply(forgery, stored->proposal.raw, stored->sender.index);
}

/* ---- Commits: the path ---- */

static uint32_t copath_child(const struct forgery *forgery, uint32_t height) {
  return node_sibling(node_ancestor(forgery->leaf, height - 1));
}

/* RFC 9420, section 7.4. */
static void node_keys(const struct forgery *forgery, struct path_part *node,
                      struct secret *private_key) {
  const struct suite *suite = forgery->from->suite;
  struct secret node_secret = {0};
  ck_assert_int_eq(kdf_derive_secret(suite, &node->path_secret, VIEW_TEXT("node"), &node_secret),
                   OK);
  ck_assert_int_eq(hpke_derive_key_pair(suite, secret_view(&node_secret), private_key, node->bytes),
                   OK);
}

void forgery_derive(struct forgery *forgery, size_t from) {
  const struct suite *suite = forgery->from->suite;
  for (size_t i = from; i < forgery->nodes; i++) {
    struct path_part *node = &forgery->node[i];
    struct secret unused = {0};
    node_keys(forgery, node, &unused);
    node->key = view_of(node->bytes, suite->kem->public_size);
    struct secret *next = i + 1 < forgery->nodes ? &node[1].path_secret : &forgery->commit_secret;
    ck_assert_int_eq(kdf_derive_secret(suite, &node->path_secret, VIEW_TEXT("path"), next), OK);
  }
}

void forgery_path(struct forgery *forgery) {
  const struct suite *suite = forgery->from->suite;
  if (forgery->leaf == LEAF_NONE) {
    struct tree *tree = edited(forgery);
    change(forgery, tree, tree_make_room(tree, &forgery->leaf));
  }
  forgery->has_path = true;
  for (uint32_t height = 1; height <= width_height(tree_width(forgery->tree)); height++)
    if (tree_resolution_size(forgery->tree, copath_child(forgery, height)) > 0)
      forgery->node[forgery->nodes++].height = height;
  ck_assert_uint_gt(forgery->nodes, 0);
  ck_assert_int_eq(provider_random_secret(&forgery->node[0].path_secret, suite->hash->size), OK);
  forgery_derive(forgery, 0);
  leaf_forger_begin(&forgery->path_leaf, forgery->client, LEAF_COMMIT,
                    forgery->from->context.group_id, forgery->leaf);
}

void forgery_merge(struct forgery *forgery) {
  struct tree *tree = edited(forgery);
  struct view hash = VIEW_NONE;
  enum err err = tree_blank_path(tree, forgery->leaf);
  for (size_t i = forgery->nodes; i-- > 0 && err == OK;) {
    const struct path_part *node = &forgery->node[i];
    err = tree_set_parent(tree, forgery->leaf, node->height, node->key, hash);
    if (err == OK)
      err = tree_parent_hash(tree, forgery->leaf, node->height, forgery->parent_hash);
    hash = view_of(forgery->parent_hash, forgery->from->suite->hash->size);
  }
  change(forgery, tree, err);
  forgery->path_leaf.fields.parent_hash = hash;
}

void forgery_leaf(struct forgery *forgery) {
  struct tree *tree = edited(forgery);
  forgery->made_leaf = leaf_forger_sign(&forgery->path_leaf);
  change(forgery, tree, tree_replace_leaf(tree, forgery->leaf, forgery->made_leaf));
}

static struct epoch_parts next_parts(const struct forgery *forgery) {
  return (struct epoch_parts){
      .group_id = forgery->from->context.group_id,
      .epoch = forgery->from->context.epoch + 1,
      .extensions = forgery->extensions,
      .tree = forgery->tree,
      .reinit = forgery->reinit,
      .own_leaf = forgery->leaf,
  };
}

static bool was_added(const struct forgery *forgery, uint32_t node) {
  bool added = false;
  for (size_t i = 0; i < forgery->added_count; i++)
    added = added || node == 2 * forgery->added[i];
  return added;
}

static void encrypt_node(struct forgery *forgery, struct path_part *node, struct view context) {
  const struct suite *suite = forgery->from->suite;
  struct resolved resolution[2 * MEMBERS];
  struct writer writer = {0};
  uint32_t copath = copath_child(forgery, node->height);
  uint32_t size = tree_resolution_size(forgery->tree, copath);
  ck_assert_uint_le(size, 2 * MEMBERS);
  tree_resolution(forgery->tree, copath, resolution);
  for (uint32_t i = 0; i < size; i++) {
    struct bytes kem_output = {0}, ciphertext = {0};
    if (was_added(forgery, resolution[i].node))
      continue;
    /* To a key that is none, nothing can be encrypted. */
    enum err err =
        hpke_encrypt_with_label(suite, resolution[i].encryption_key, VIEW_TEXT("UpdatePathNode"),
                                context, secret_view(&node->path_secret), &kem_output, &ciphertext);
    ck_assert(err == OK || err == ERR_MALFORMED);
    hpke_ciphertext_write(&writer, bytes_view(&kem_output), bytes_view(&ciphertext));
    bytes_free(&kem_output);
    bytes_free(&ciphertext);
  }
  bytes_free(&node->ciphertexts);
  node->ciphertexts = taken(&writer);
}

void forgery_encrypt(struct forgery *forgery) {
  struct bytes context = {0};
  struct epoch_parts parts = next_parts(forgery);
  ck_assert_int_eq(
      epoch_write_context(&parts, forgery->from->context.confirmed_transcript_hash, &context), OK);
  for (size_t i = 0; i < forgery->nodes; i++)
    encrypt_node(forgery, &forgery->node[i], bytes_view(&context));
  bytes_free(&context);
}

void forgery_finish_path(struct forgery *forgery) {
  forgery_merge(forgery);
  forgery_leaf(forgery);
  forgery_encrypt(forgery);
}

/* ---- Commits: the message ---- */

void forgery_body(struct forgery *forgery) {
  struct writer writer = {0}, nodes = {0};
  write_vector(&writer, writer_view(&forgery->proposals));
  write_optional(&writer, forgery->has_path);
  if (forgery->has_path) {
    write_bytes(&writer, leaf_raw(forgery->made_leaf));
    for (size_t i = 0; i < forgery->nodes; i++) {
      write_vector(&nodes, forgery->node[i].key);
      write_vector(&nodes, bytes_view(&forgery->node[i].ciphertexts));
    }
    write_vector(&writer, writer_view(&nodes));
  }
  writer_free(&nodes);
  forgery->body = taken(&writer);
}

static void mix_psks(const struct forgery *forgery, struct secret *out) {
  schedule_zero(forgery->from->suite, out);
  for (size_t i = 0; i < forgery->psks; i++) {
    struct view psk = secret_view(&forgery->from->secrets->resumption_psk);
    struct writer id = {0};
    if (forgery->psk[i].type == PSK_EXTERNAL)
      (void)client_find_psk(forgery->client, forgery->psk[i].external_id, &psk);
    psk_id_write(&id, &forgery->psk[i]);
    ck_assert_int_eq(psk_mix(forgery->from->suite, writer_view(&id), psk, (uint16_t)i,
                             (uint16_t)forgery->psks, out),
                     OK);
    writer_free(&id);
  }
}

void forgery_confirm(struct forgery *forgery, struct letter *letter) {
  struct writer transcript = {0};
  struct secret psk_secret = {0};
  struct private_keys *none = NULL;
  struct authenticated_content content = {letter->wire_format, letter->content, letter->auth};
  struct epoch_parts parts = next_parts(forgery);
  struct epoch_inputs inputs = {&forgery->init_secret, &forgery->commit_secret, &psk_secret};
  mix_psks(forgery, &psk_secret);
  framing_write_transcript(&transcript, &content);
  ck_assert_int_eq(epoch_advance(&parts, &inputs, epoch_interim_hash(forgery->from),
                                 writer_view(&transcript), &none, NULL, &forgery->next),
                   OK);
  letter->auth.confirmation_tag = epoch_confirmation_tag(forgery->next);
  writer_free(&transcript);
}

void forgery_letter(struct forgery *forgery, struct letter *letter) {
  enum err err = OK;
  if (forgery->body.data == NULL)
    forgery_body(forgery);
  letter_from(letter, forgery->from, forgery->client, forgery->sender, CONTENT_COMMIT,
              bytes_view(&forgery->body));
  if (forgery->encrypt) {
    letter->wire_format = WIRE_PRIVATE_MESSAGE;
    letter->leaf = letter->ratchet = forgery->leaf;
    err = secret_tree_next(forgery->from->secret_tree, forgery->leaf, RATCHET_HANDSHAKE,
                           &letter->generation);
    ck_assert_int_eq(err, OK);
  }
}

void forgery_sign(struct forgery *forgery, struct letter *letter) {
  forgery_letter(forgery, letter);
  letter_sign(letter);
  forgery_confirm(forgery, letter);
}

void forgery_send(struct forgery *forgery, struct bytes *out) {
  struct letter letter;
  forgery_sign(forgery, &letter);
  if (forgery->encrypt)
    letter_private(&letter, out);
  else
    letter_public(&letter, out);
  letter_end(&letter);
  forgery_end(forgery);
}

void forgery_send_with_path(struct forgery *forgery, struct bytes *out) {
  forgery_path(forgery);
  forgery_finish_path(forgery);
  forgery_send(forgery, out);
}

void forgery_adopt(struct forgery *forgery, struct group *group, struct bytes *out) {
  struct letter letter;
  struct private_keys *keys = NULL;
  forgery_sign(forgery, &letter);
  letter_public(&letter, out);
  letter_end(&letter);
  ck_assert_int_eq(private_keys_copy(forgery->from->keys, &keys), OK);
  keys->at[0] = forgery->path_leaf.private_key;
  for (size_t i = 0; i < forgery->nodes; i++)
    node_keys(forgery, &forgery->node[i], &keys->at[forgery->node[i].height]);
  private_keys_prune(keys, forgery->tree);
  forgery->next->keys = keys;
  group_enter(group, &forgery->next);
  forgery_end(forgery);
}

void forgery_end(struct forgery *forgery) {
  writer_free(&forgery->proposals);
  for (size_t i = 0; i < forgery->items; i++)
    bytes_free(&forgery->item[i]);
  for (size_t i = 0; i < forgery->nodes; i++)
    bytes_free(&forgery->node[i].ciphertexts);
  tree_drop(forgery->tree);
  leaf_drop(forgery->made_leaf);
  leaf_forger_end(&forgery->path_leaf);
  bytes_free(&forgery->body);
  epoch_free(forgery->next);
}
