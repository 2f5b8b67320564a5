/* SPDX-License-Identifier: ISC */
#include "lengthy.h"

#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "invite.h"
#include "mls/group/external.h"
#include "sframe/number.h"
#include "sframe/partial.h"

/* ---- Who reads ---- */

static enum err by_member(struct world *world, struct view message) {
  struct incoming *incoming = NULL;
  enum err err = process_message(world->member[ALICE].group, message, &incoming);
  incoming_free(incoming);
  return err;
}

static enum err by_invited(struct world *world, struct view message) {
  struct opened_welcome opened = {0};
  enum err err = join_open_welcome(world->joiner.client, message, VIEW_NONE, &opened);
  opened_welcome_free(&opened);
  return err;
}

static enum err by_outsider(struct world *world, struct view message) {
  return join_external(world->joiner.client, message, VIEW_NONE, &world->joiner.group);
}

/* Whoever gets a partial frame of a sender whose key it has. */
static enum err by_receiver(struct world *world, struct view frame) {
  static const uint8_t base_key[16] = {1};
  enum err err;
  struct sframe_suite suite;
  struct trailer trailer;
  struct secret secret = {0};
  struct sframe_key key = {.cipher = NULL};
  size_t size = 0;
  uint8_t *out = malloc(frame.size); /* the application's */
  (void)world;
  ck_assert_ptr_nonnull(out);
  ck_assert_int_eq(sframe_suite_find(4, &suite), OK);
  ck_assert_int_eq(sframe_secret(&suite, VIEW_ARRAY(base_key), &secret), OK);
  ck_assert_int_eq(sframe_key_new(&suite, &key), OK);
  TRY(trailer_read(frame, suite.aead->tag_size, &trailer));
  ck_assert_int_eq(sframe_key_set(&suite, &secret, trailer.header.kid, &key), OK);
  TRY(sframe_unprotect_partial(&key, &trailer, VIEW_NONE, frame, out, &size));
done:
  sframe_key_free(&key);
  secret_wipe(&secret);
  free(out);
  return err;
}

/* ---- What is repeated ---- */

static struct bytes repeated(struct view item, size_t count) {
  struct writer writer = {0};
  for (size_t i = 0; i < count; i++)
    write_bytes(&writer, item);
  return taken(&writer);
}

/* Types that nobody here knows, each once as long as there are some left. */
#define TYPES_FROM 0x1000u

static struct bytes extensions(size_t count) {
  struct writer writer = {0};
  for (size_t i = 0; i < count; i++)
    extension_write(&writer, (uint16_t)(TYPES_FROM + i), VIEW_NONE);
  return taken(&writer);
}

static void propose(struct world *world, struct bytes proposal, struct bytes *out) {
  struct letter letter;
  letter_begin(&letter, &world->member[MALLORY], CONTENT_PROPOSAL, bytes_view(&proposal));
  letter_send(&letter, out);
  bytes_free(&proposal);
}

/* ---- Proposals by value ---- */

static void begin_commit(struct world *world, bool stranger, struct forgery *forgery) {
  if (!stranger) {
    forgery_begin(forgery, &world->member[MALLORY]);
    return;
  }
  forgery_external(forgery, world->joiner.client, world->member[MALLORY].group->epoch);
  forgery_list(forgery, forgery_external_init(forgery));
}

void commit_many(struct world *world, bool stranger, struct view item, size_t count,
                 struct bytes *out) {
  struct forgery forgery;
  begin_commit(world, stranger, &forgery);
  for (size_t i = 0; i < count; i++)
    proposal_or_ref_write_proposal(&forgery.proposals, item);
  forgery_send_with_path(&forgery, out);
}

static const uint8_t stranger_init[] = {0, PROPOSAL_EXTERNAL_INIT, 0};
static const uint8_t psk[] = {0, PROPOSAL_PSK, PSK_EXTERNAL, 1, 'x', 0};
static const uint8_t removal[] = {0, PROPOSAL_REMOVE, 0, 0, 0, 9};
static const uint8_t custom[] = {0xf1, 0, 0};

static void strangers_inits(struct world *world, size_t count, struct bytes *out) {
  commit_many(world, true, VIEW_ARRAY(stranger_init), count, out);
}

static void strangers_psks(struct world *world, size_t count, struct bytes *out) {
  commit_many(world, true, VIEW_ARRAY(psk), count, out);
}

static void strangers_removes(struct world *world, size_t count, struct bytes *out) {
  commit_many(world, true, VIEW_ARRAY(removal), count, out);
}

static void removes(struct world *world, size_t count, struct bytes *out) {
  commit_many(world, false, VIEW_ARRAY(removal), count, out);
}

static void customs(struct world *world, size_t count, struct bytes *out) {
  commit_many(world, false, VIEW_ARRAY(custom), count, out);
}

/* As many as there may be are all different, so that all are looked at. */
static void different_psks(struct world *world, bool stranger, size_t count, struct bytes *out) {
  struct forgery forgery;
  begin_commit(world, stranger, &forgery);
  for (size_t i = 0; i < count; i++) {
    uint8_t id[] = {(uint8_t)(i >> 8), (uint8_t)i};
    static const uint8_t nonce[32] = {1};
    const struct psk_id named = {
        .type = PSK_EXTERNAL, .external_id = VIEW_ARRAY(id), .nonce = VIEW_ARRAY(nonce)};
    struct bytes proposal = propose_psk(&named);
    proposal_or_ref_write_proposal(&forgery.proposals, bytes_view(&proposal));
    bytes_free(&proposal);
  }
  forgery_send_with_path(&forgery, out);
}

static void psks(struct world *world, size_t count, struct bytes *out) {
  different_psks(world, false, count, out);
}

static void strangers_different_psks(struct world *world, size_t count, struct bytes *out) {
  different_psks(world, true, count, out);
}

static void adds(struct world *world, size_t count, struct bytes *out) {
  struct bytes add = an_add(world->joiner.client);
  commit_many(world, false, bytes_view(&add), count, out);
  bytes_free(&add);
}

/* ---- References ---- */

static void unknown_references(struct world *world, size_t count, struct bytes *out) {
  static const uint8_t reference[32] = {1};
  struct forgery forgery;
  forgery_begin(&forgery, &world->member[MALLORY]);
  for (size_t i = 0; i < count; i++)
    proposal_or_ref_write_reference(&forgery.proposals, VIEW_ARRAY(reference));
  forgery_send_with_path(&forgery, out);
}

/* All of them are known, and then one of them is named again. */
static void references(struct world *world, size_t count, struct bytes *out) {
  struct forgery forgery;
  struct member *alice = &world->member[ALICE];
  const struct proposal_store *store = &alice->group->proposals;
  while (store->count < count) {
    struct letter letter;
    struct bytes message = {0}, proposal = an_add(world->joiner.client);
    const uint8_t number[] = {(uint8_t)(store->count >> 8), (uint8_t)store->count};
    struct incoming *incoming = NULL;
    letter_begin(&letter, &world->member[MALLORY], CONTENT_PROPOSAL, bytes_view(&proposal));
    letter.content.authenticated_data = VIEW_ARRAY(number);
    letter_send(&letter, &message);
    ck_assert_int_eq(process_message(alice->group, bytes_view(&message), &incoming), OK);
    ck_assert_int_eq(process_accept(incoming), OK);
    incoming_free(incoming);
    bytes_free(&message);
    bytes_free(&proposal);
  }
  forgery_begin(&forgery, &world->member[MALLORY]);
  for (size_t i = 0; i < count; i++)
    proposal_or_ref_write_reference(&forgery.proposals, view_of(store->item[i].ref, 32));
  proposal_or_ref_write_reference(&forgery.proposals, view_of(store->item[0].ref, 32));
  forgery_send_with_path(&forgery, out);
}

/* ---- Leaves and GroupContexts ---- */

static void context_extensions(struct world *world, size_t count, struct bytes *out) {
  struct writer proposal = {0};
  struct bytes list = extensions(count);
  write_u16(&proposal, PROPOSAL_GROUP_CONTEXT_EXTENSIONS);
  write_vector(&proposal, bytes_view(&list));
  bytes_free(&list);
  propose(world, taken(&proposal), out);
}

static void external_senders(struct world *world, size_t count, struct bytes *out) {
  const struct client *judy = world->joiner.client;
  struct writer writer = {0};
  size_t begin = write_begin(&writer);
  for (size_t i = 0; i < count; i++)
    external_sender_write(&writer, bytes_view(&judy->signature_public),
                          bytes_view(&judy->credential));
  write_end(&writer, begin);
  struct bytes list = taken(&writer);
  propose(world, propose_extensions(EXTENSION_EXTERNAL_SENDERS, bytes_view(&list)), out);
  bytes_free(&list);
}

/* An Add of a leaf, of which something is long. */
static void leaf_extensions_many(struct world *world, size_t count, struct bytes *out) {
  struct key_package_forger forger;
  struct bytes list = extensions(count);
  key_package_forger_begin(&forger, world->joiner.client);
  forger.leaf.fields.extensions = bytes_view(&list);
  propose(world, propose_add(key_package_forger_end(&forger)), out);
  bytes_free(&list);
}

static void capabilities(struct world *world, size_t count, struct bytes *out) {
  struct key_package_forger forger;
  struct writer list = {0};
  for (size_t i = 0; i < count; i++)
    write_u16(&list, (uint16_t)(TYPES_FROM + i));
  key_package_forger_begin(&forger, world->joiner.client);
  forger.leaf.fields.capabilities.extensions = writer_view(&list);
  propose(world, propose_add(key_package_forger_end(&forger)), out);
  writer_free(&list);
}

static void certificates(struct world *world, size_t count, struct bytes *out) {
  struct key_package_forger forger;
  struct writer credential = {0};
  struct bytes more = repeated(VIEW_TEXT("\2\x30\0"), count);
  struct bytes first =
      forge_certificate(bytes_view(&world->joiner.client->signature_public), VIEW_NONE);
  struct reader reader = reader_of(view_of(first.data + 2, first.size - 2)), chain;
  ck_assert_int_eq(read_items(&reader, &chain), OK);
  write_u16(&credential, CREDENTIAL_X509);
  size_t begin = write_begin(&credential);
  write_bytes(&credential, view_of(chain.at, chain.left));
  write_bytes(&credential, bytes_view(&more));
  write_end(&credential, begin);
  key_package_forger_begin(&forger, world->joiner.client);
  forger.leaf.fields.credential = writer_view(&credential);
  propose(world, propose_add(key_package_forger_end(&forger)), out);
  bytes_free(&first);
  bytes_free(&more);
  writer_free(&credential);
}

/* ---- Paths ---- */

/* An empty commit with a path of nodes of one's own. */
static void path_of(struct world *world, struct view nodes, struct bytes *out) {
  struct forgery forgery;
  struct writer body = {0};
  forgery_begin(&forgery, &world->member[MALLORY]);
  forgery_path(&forgery);
  forgery_finish_path(&forgery);
  write_vector(&body, VIEW_NONE);
  write_optional(&body, true);
  write_bytes(&body, leaf_raw(forgery.made_leaf));
  write_vector(&body, nodes);
  forgery.body = taken(&body);
  forgery_send(&forgery, out);
}

static void path_nodes(struct world *world, size_t count, struct bytes *out) {
  struct bytes nodes = repeated(VIEW_TEXT("\0\0"), count);
  path_of(world, bytes_view(&nodes), out);
  bytes_free(&nodes);
}

static void path_ciphertexts(struct world *world, size_t count, struct bytes *out) {
  static const uint8_t key[32] = {9};
  struct bytes items = repeated(VIEW_TEXT("\0\0"), count);
  struct writer nodes = {0};
  for (int i = 0; i < 3; i++) {
    write_vector(&nodes, VIEW_ARRAY(key));
    write_vector(&nodes, i == 0 ? bytes_view(&items) : VIEW_NONE);
  }
  path_of(world, writer_view(&nodes), out);
  bytes_free(&items);
  writer_free(&nodes);
}

/* ---- Welcomes and GroupInfos ---- */

/* The ratchet tree that a Welcome or GroupInfo has: optional nodes.  If it is one, it has the right hash. */
static void show_tree(struct world *world, struct view nodes, bool welcome, struct bytes *out) {
  struct invite invite;
  struct tree *shown = NULL;
  struct writer tree = {0}, external_pub = {0}, extension = {0};
  const struct leaf *leaf = tree_leaf(world->member[ALICE].group->epoch->tree, ALICE);
  invite_begin(&invite, world);
  write_vector(&external_pub, leaf_encryption_key(leaf));
  extension_write(&extension, EXTENSION_EXTERNAL_PUB, writer_view(&external_pub));
  invite.other_extensions = taken(&extension);
  writer_free(&external_pub);
  write_vector(&tree, nodes);
  bytes_free(&invite.ratchet_tree);
  invite.ratchet_tree = taken(&tree);
  if (tree_read(invite.suite, bytes_view(&invite.ratchet_tree), 32768, NULL, &shown) == OK)
    invite.context.tree_hash = tree_hash(shown);
  (welcome ? invite_send : invite_publish)(&invite, out);
  tree_drop(shown);
}

static void blank_tree(struct world *world, size_t count, struct bytes *out) {
  struct bytes nodes = repeated(VIEW_TEXT("\0"), 2 * count - 1);
  show_tree(world, bytes_view(&nodes), false, out);
  bytes_free(&nodes);
}

static struct bytes tree_of_leaves(const struct world *world, size_t count) {
  struct writer nodes = {0};
  const struct leaf *leaf = tree_leaf(world->member[ALICE].group->epoch->tree, ALICE);
  for (size_t i = 0; i < count; i++) {
    if (i > 0)
      write_optional(&nodes, false);
    write_optional(&nodes, true);
    write_u8(&nodes, 1);
    write_bytes(&nodes, leaf_raw(leaf));
  }
  return taken(&nodes);
}

/* Leaves of which every field is empty, but perhaps the keys, which are all different. */
static void small_leaves(struct world *world, size_t count, size_t key, bool welcome,
                         struct bytes *out) {
  uint8_t bytes[32] = {0};
  struct writer nodes = {0};
  for (uint32_t i = 0; i < count; i++) {
    if (i > 0)
      write_optional(&nodes, false);
    write_optional(&nodes, true);
    write_u8(&nodes, 1);
    memcpy(bytes, &i, sizeof i);
    for (uint8_t which = 1; which <= 2; which++) { /* encryption_key, signature_key */
      bytes[sizeof i] = which;
      write_vector(&nodes, view_of(bytes, key));
    }
    credential_write_basic(&nodes, VIEW_NONE);
    capabilities_write(&nodes, &(struct capabilities){0});
    write_u8(&nodes, LEAF_UPDATE);
    write_vector(&nodes, VIEW_NONE); /* extensions */
    write_vector(&nodes, VIEW_NONE); /* signature */
  }
  show_tree(world, writer_view(&nodes), welcome, out);
  writer_free(&nodes);
}

static void leaves_without_keys(struct world *world, size_t count, struct bytes *out) {
  small_leaves(world, count, 0, false, out);
}

static void leaves_of_keys(struct world *world, size_t count, struct bytes *out) {
  small_leaves(world, count, 32, true, out);
}

static void tree_in_info(struct world *world, size_t count, struct bytes *out) {
  struct bytes nodes = tree_of_leaves(world, count);
  show_tree(world, bytes_view(&nodes), false, out);
  bytes_free(&nodes);
}

static void tree_in_welcome(struct world *world, size_t count, struct bytes *out) {
  struct bytes nodes = tree_of_leaves(world, count);
  show_tree(world, bytes_view(&nodes), true, out);
  bytes_free(&nodes);
}

/* All of them in one parent node, which such a tree cannot have. */
static void unmerged_leaves(struct world *world, size_t count, struct bytes *out) {
  static const uint8_t key[32] = {9};
  const struct leaf *leaf = tree_leaf(world->member[ALICE].group->epoch->tree, ALICE);
  struct writer nodes = {0}, list = {0};
  for (uint32_t i = 0; i < count; i++)
    write_u32(&list, i);
  struct bytes parent = wire_parent(VIEW_ARRAY(key), VIEW_NONE, writer_view(&list));
  for (int i = 0; i < 3; i++) {
    if (i != 1) {
      write_optional(&nodes, true);
      write_u8(&nodes, 1);
    }
    write_bytes(&nodes, i == 1 ? bytes_view(&parent) : leaf_raw(leaf));
  }
  show_tree(world, writer_view(&nodes), false, out);
  bytes_free(&parent);
  writer_free(&nodes);
  writer_free(&list);
}

static void welcome_psks(struct world *world, size_t count, struct bytes *out) {
  static const uint8_t id[3 + 1 + 32] = {PSK_EXTERNAL, 1, 'x', 32};
  struct invite invite;
  ck_assert_int_eq(client_add_psk(world->joiner.client, view_of(id + 2, 1), VIEW_TEXT("secret")),
                   OK);
  invite_begin(&invite, world);
  invite.psks = repeated(VIEW_ARRAY(id), count);
  invite_send(&invite, out);
}

/* Secrets for key packages of nobody here. */
static void strangers_secrets(size_t count, struct bytes *out) {
  uint8_t ref[32] = {0};
  struct writer secrets = {0}, message = {0};
  for (uint32_t i = 0; i < count; i++) {
    memcpy(ref, &i, sizeof i);
    const struct encrypted_group_secrets entry = {.new_member = VIEW_ARRAY(ref)};
    encrypted_group_secrets_write(&secrets, &entry);
  }
  const struct welcome welcome = {.cipher_suite = 1, .secrets = writer_view(&secrets)};
  message_write_header(&message, WIRE_WELCOME);
  welcome_write(&message, &welcome);
  *out = taken(&message);
  writer_free(&secrets);
}

static void publish(struct world *world, size_t count) {
  while (world->joiner.client->key_package_count < count) {
    struct bytes package = key_package_of(world->joiner.client);
    bytes_free(&package);
  }
}

static void secrets_with_1(struct world *world, size_t count, struct bytes *out) {
  publish(world, 1);
  strangers_secrets(count, out);
}

static void secrets_with_100(struct world *world, size_t count, struct bytes *out) {
  publish(world, 100);
  strangers_secrets(count, out);
}

/* ---- Partial frames ---- */

/* Numbers behind a body of so many bytes: ranges that are clear, then escapes. */
static void send_frame(const struct bytes *body, const struct e2ee_range *clear, size_t ranges,
                       struct view escapes, struct bytes *out) {
  static const uint8_t tag[AEAD_TAG_MAX] = {1};
  static uint8_t numbers[2 * E2EE_RANGES_MAX * NUMBER_MAX];
  const struct sframe_header header = {.kid = 1, .counter = 1};
  struct writer frame = {0};
  uint8_t end[NUMBER_MAX + 1];
  size_t from = 0, size = trailer_write(&header, 0, clear, ranges, numbers, &from);
  write_bytes(&frame, bytes_view(body));
  write_bytes(&frame, VIEW_ARRAY(tag));
  write_bytes(&frame, view_of(numbers, size));
  write_bytes(&frame, escapes);
  size = trailer_end(size + escapes.size, FORM_VERSION | FORM_ESCAPED, end);
  write_bytes(&frame, view_of(end, size));
  *out = taken(&frame);
}

/* So many ranges, before each of which as many bytes are encrypted as it has.
 * @param beyond  how far the last one reaches out of the frame */
static void send_ranges(size_t count, size_t size, uint32_t beyond, struct bytes *out) {
  static struct e2ee_range clear[E2EE_RANGES_MAX];
  struct bytes body = repeated(VIEW_TEXT("\1\2"), count * size);
  for (size_t i = 0; i < count; i++)
    clear[i] = (struct e2ee_range){(uint32_t)((2 * i + 1) * size), (uint32_t)size};
  clear[count - 1].length += beyond;
  send_frame(&body, clear, count, VIEW_NONE, out);
  bytes_free(&body);
}

static void frame_ranges(struct world *world, size_t count, struct bytes *out) {
  (void)world;
  send_ranges(count, 1, 1, out);
}

/* All numbers are good, so that the tag has to tell. */
static void frame_ranges_good(struct world *world, size_t count, struct bytes *out) {
  (void)world;
  send_ranges(count, 1, 0, out);
}

/* The same, where it is not the ranges that get more. */
static void frame_sizes(struct world *world, size_t count, struct bytes *out) {
  (void)world;
  send_ranges(E2EE_RANGES_MAX, count / (2 * E2EE_RANGES_MAX), 0, out);
}

/* As many as there can be; the last one is not in the frame. */
static void frame_escapes(struct world *world, size_t count, struct bytes *out) {
  struct bytes body = repeated(VIEW_TEXT("\0\0\x80"), count);
  struct bytes escapes = repeated(VIEW_TEXT("\x82"), count);
  (void)world;
  escapes.data[count - 1] = 0xbf;
  send_frame(&body, NULL, 0, bytes_view(&escapes), out);
  bytes_free(&body);
  bytes_free(&escapes);
}

#define MANY 500000

const struct lengthy lengthy[] = {
    {"external-inits", MANY, strangers_inits, by_member, ERR_INVALID_PROPOSAL},
    {"external-psks", LISTED_PSKS_MAX / 2, strangers_different_psks, by_member, ERR_INVALID_COMMIT},
    {"external-psks-beyond", MANY, strangers_psks, by_member, ERR_LIMIT},
    {"external-removes", MANY, strangers_removes, by_member, ERR_INVALID_PROPOSAL},
    {"removes", MANY, removes, by_member, ERR_INVALID_PROPOSAL},
    {"psks", LISTED_PSKS_MAX / 2, psks, by_member, ERR_INVALID_COMMIT},
    {"customs", LISTED_CUSTOMS_MAX / 2, customs, by_member, ERR_INVALID_PROPOSAL},
    {"customs-beyond", MANY, customs, by_member, ERR_LIMIT},
    {"adds", 16384, adds, by_member, ERR_INVALID_PROPOSAL},
    {"references", PROPOSALS_MAX / 2, references, by_member, ERR_INVALID_PROPOSAL},
    {"references-unknown", 250000, unknown_references, by_member, ERR_MISSING_PROPOSAL},
    {"context-extensions", 30000, context_extensions, by_member, ERR_INVALID_PROPOSAL},
    {"external-senders", EXTERNAL_SENDERS_MAX / 2, external_senders, by_member, OK},
    {"external-senders-beyond", 50000, external_senders, by_member, ERR_LIMIT},
    {"leaf-extensions", 30000, leaf_extensions_many, by_member, ERR_INVALID_PROPOSAL},
    {"capabilities", CAPABILITIES_MAX / 2, capabilities, by_member, OK},
    {"capabilities-beyond", 250000, capabilities, by_member, ERR_LIMIT},
    {"certificates", 150000, certificates, by_member, HAVE_OPENSSL ? OK : ERR_INVALID_PROPOSAL},
    {"path-nodes", MANY, path_nodes, by_member, ERR_INVALID_COMMIT},
    {"path-ciphertexts", MANY, path_ciphertexts, by_member, ERR_INVALID_COMMIT},
    {"tree-of-blanks", MANY, blank_tree, by_outsider, ERR_LIMIT},
    {"tree-of-empty-leaves", 16384, leaves_without_keys, by_outsider, ERR_INVALID_TREE},
    {"tree-of-small-leaves", 16384, leaves_of_keys, by_invited, ERR_SIGNATURE},
    {"tree-in-group-info", 16384, tree_in_info, by_outsider, ERR_INVALID_TREE},
    {"tree-in-welcome", 16384, tree_in_welcome, by_invited, ERR_INVALID_TREE},
    {"unmerged-leaves", MANY, unmerged_leaves, by_outsider, ERR_INVALID_TREE},
    {"welcome-psks", LISTED_PSKS_MAX / 2, welcome_psks, by_invited, ERR_AUTH},
    {"welcome-psks-beyond", MANY / 4, welcome_psks, by_invited, ERR_LIMIT},
    {"welcome-secrets-1", 250000, secrets_with_1, by_invited, ERR_NOT_FOUND},
    {"welcome-secrets-100", 250000, secrets_with_100, by_invited, ERR_NOT_FOUND},
    {"frame-ranges", E2EE_RANGES_MAX / 2, frame_ranges, by_receiver, ERR_MALFORMED},
    {"frame-ranges-wrong-tag", E2EE_RANGES_MAX / 2, frame_ranges_good, by_receiver, ERR_AUTH},
    {"frame-bytes", 1 << 20, frame_sizes, by_receiver, ERR_AUTH},
    {"frame-escapes", MANY, frame_escapes, by_receiver, ERR_MALFORMED},
    {0},
};
