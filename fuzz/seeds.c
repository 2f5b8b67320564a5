/*
 * Write the corpora that fuzzing starts from: fuzz-seeds FOLDER.  They are committed as fuzz/corpus;
 * make them again when a format changes.  decode/chain is from elsewhere: `openssl req -x509`; what has
 * a name of hex digits is what fuzzing found, after -set_cover_merge=1 -use_counters=0; so is forged.
 * SPDX-License-Identifier: ISC
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "api/handles.h"
#include "crypto/provider.h"
#include "members.h"
#include "records.h"
#include "seeds.h"
#include "sframe/header.h"
#include "state/seal.h"

static const char *folder;
static struct members members;
static const uint8_t state_key[32];

void seed(const char *target, const char *name, struct view content) {
  char path[1024];
  snprintf(path, sizeof path, "%s/%s", folder, target);
  mkdir(path, 0777);
  snprintf(path, sizeof path, "%s/%s/%s", folder, target, name);
  FILE *file = fopen(path, "wb");
  harness_require(file != NULL && fwrite(content.data, 1, content.size, file) == content.size &&
                      fclose(file) == 0,
                  "a seed was not written");
}

static void seed_prefixed(const char *target, const char *name, uint8_t first, struct view rest) {
  struct writer writer = {0};
  write_u8(&writer, first);
  write_bytes(&writer, rest);
  seed(target, name, writer_view(&writer));
  writer_free(&writer);
}

static struct view view_bytes(const e2ee_bytes *bytes) {
  return view_of(e2ee_bytes_data(bytes), e2ee_bytes_size(bytes));
}

static void must(int result) {
  harness_require(result == 0, e2ee_strerror(result));
}

/* ---- Pieces that several targets use; each is owned by the caller. ---- */

static e2ee_bytes *key_package(const char *name) {
  e2ee_client *client = NULL;
  e2ee_bytes *bytes = NULL;
  must(e2ee_client_new(MEMBERS_SUITE, (const uint8_t *)name, strlen(name), &client));
  must(e2ee_client_set(client, E2EE_SET_TIME, HARNESS_TIME));
  must(e2ee_key_package_new(client, &bytes));
  e2ee_client_free(client);
  return bytes;
}

/* A commit by alice that adds somebody, in a PublicMessage; it is not applied. */
static e2ee_bytes *commit_message(void) {
  e2ee_bytes *added = key_package("carol"), *message = NULL, *welcome = NULL;
  e2ee_commit *commit = NULL;
  must(e2ee_client_set(members.alice_client, E2EE_SET_ENCRYPT_HANDSHAKE, 0));
  must(e2ee_commit_new(members.alice, &commit));
  must(e2ee_commit_add(commit, e2ee_bytes_data(added), e2ee_bytes_size(added)));
  must(e2ee_commit_build(commit, &message, &welcome));
  must(e2ee_group_commit_discard(members.alice));
  e2ee_commit_free(commit);
  e2ee_bytes_free(added);
  e2ee_bytes_free(welcome);
  return message;
}

/* What is in a PublicMessage. */
static struct view content_of(const e2ee_bytes *message) {
  struct reader reader = reader_of(view_bytes(message));
  struct public_message public;
  uint16_t wire_format = 0;
  harness_require(message_read_header(&reader, NULL, &wire_format) == OK &&
                      public_message_read(&reader, NULL, &public) == OK,
                  "no PublicMessage");
  return public.content.content;
}

/* What follows the header of an MLSMessage. */
static struct view body_of(const e2ee_bytes *message) {
  struct reader reader = reader_of(view_bytes(message));
  uint16_t wire_format = 0;
  harness_require(message_read_header(&reader, NULL, &wire_format) == OK, "no MLSMessage");
  return view_of(reader.at, reader.left);
}

/* An Update of alice's, with a key that nobody has the other half of. */
static void write_update(struct writer *writer) {
  const struct group *group = members.alice->group;
  const struct leaf *own = tree_leaf(group->epoch->tree, 0);
  uint8_t key[32];
  provider_random(key, sizeof key);
  struct leaf_template fields = {
      .encryption_key = VIEW_ARRAY(key),
      .signature_key = leaf_signature_key(own),
      .credential = leaf_credential(own).raw,
      .capabilities = leaf_capabilities(own),
      .source = LEAF_UPDATE,
  };
  struct leaf *leaf = NULL;
  harness_require(leaf_new(group->epoch->suite, &fields, group->client->signature_key,
                           group_identifier(group), 0, &leaf) == OK,
                  "no leaf");
  proposal_write_update(writer, leaf_raw(leaf));
  leaf_drop(leaf);
}

#define PROPOSALS 7

/* One proposal of each type. */
static void write_proposal(struct writer *writer, unsigned which) {
  struct psk_id psk = {.type = PSK_EXTERNAL,
                       .external_id = VIEW_TEXT("psk"),
                       .nonce = view_of(state_key, sizeof state_key)};
  e2ee_bytes *added = NULL;
  struct writer extension = {0};
  switch (which) {
  case 0:
    added = key_package("dave");
    proposal_write_add(writer, body_of(added));
    break;
  case 1:
    write_update(writer);
    break;
  case 2:
    proposal_write_remove(writer, 1);
    break;
  case 3:
    proposal_write_psk(writer, &psk);
    break;
  case 4:
    proposal_write_reinit(writer, VIEW_TEXT("next"), MLS_VERSION_10, MEMBERS_SUITE, VIEW_NONE);
    break;
  case 5:
    proposal_write_external_init(writer, view_of(state_key, sizeof state_key));
    break;
  case 6:
    extension_write(&extension, EXTENSION_APPLICATION_ID, VIEW_TEXT("fuzz"));
    proposal_write_group_context_extensions(writer, writer_view(&extension));
    break;
  default:
    break;
  }
  e2ee_bytes_free(added);
  writer_free(&extension);
}

static const char *const proposal_names[PROPOSALS] = {"add",    "update",        "remove", "psk",
                                                      "reinit", "external-init", "context"};

/* ---- The corpora ---- */

/* First byte: see the table in decode.c. */
static void seed_decode(void) {
  e2ee_bytes *message = key_package("erin");
  struct key_package parsed = {0};
  struct reader reader = reader_of(body_of(message));
  harness_require(key_package_read(&reader, NULL, &parsed) == OK, "no KeyPackage");
  seed_prefixed("decode", "message-key-package", 0, view_bytes(message));
  seed_prefixed("decode", "leaf", 1, leaf_raw(parsed.leaf));
  key_package_free(&parsed);
  e2ee_bytes_free(message);

  message = commit_message();
  seed_prefixed("decode", "message-commit", 0, view_bytes(message));
  seed_prefixed("decode", "commit", 3, content_of(message));
  e2ee_bytes_free(message);

  must(e2ee_group_encrypt(members.alice, state_key, sizeof state_key, &message));
  seed_prefixed("decode", "message-private", 0, view_bytes(message));
  e2ee_bytes_free(message);

  must(e2ee_group_info(members.alice, &message));
  seed_prefixed("decode", "message-group-info", 0, view_bytes(message));
  struct group_info info;
  struct view tree = VIEW_NONE;
  reader = reader_of(body_of(message));
  harness_require(group_info_read(&reader, NULL, &info) == OK &&
                      extensions_find(info.extensions, EXTENSION_RATCHET_TREE, &tree),
                  "no ratchet tree");
  seed_prefixed("decode", "tree", 5, tree);
  e2ee_bytes_free(message);

  seed_prefixed("decode", "message-welcome", 0, view_bytes(members.welcome));
  struct writer writer = {0}, psks = {0};
  struct psk_id psk = {.type = PSK_RESUMPTION,
                       .usage = PSK_BRANCH,
                       .psk_group_id = VIEW_TEXT("fuzz"),
                       .psk_epoch = 1,
                       .nonce = view_of(state_key, sizeof state_key)};
  psk_id_write(&psks, &psk);
  struct group_secrets secrets = {.joiner_secret = view_of(state_key, sizeof state_key),
                                  .has_path_secret = true,
                                  .path_secret = view_of(state_key, sizeof state_key),
                                  .psks = writer_view(&psks)};
  group_secrets_write(&writer, &secrets);
  seed_prefixed("decode", "group-secrets", 4, writer_view(&writer));
  writer_free(&writer);
  writer_free(&psks);

  for (unsigned i = 0; i < PROPOSALS; i++) {
    char name[64];
    snprintf(name, sizeof name, "proposal-%s", proposal_names[i]);
    write_proposal(&writer, i);
    seed_prefixed("decode", name, 2, writer_view(&writer));
    writer_free(&writer);
  }
}

/* Metadata, changes, frame: see frame.c. */
static void seed_frame(void) {
  static const struct {
    const char *name;
    struct view metadata, changes, frame;
  } seeds[] = {
      {"plain", {0}, {0}, {(const uint8_t *)"frame", 5}},
      {"empty", {0}, {0}, {0}},
      {"metadata", {(const uint8_t *)"meta", 4}, {0}, {(const uint8_t *)"frame", 5}},
      {"changed-header", {0}, {(const uint8_t *)"\0\0\x01", 3}, {(const uint8_t *)"frame", 5}},
      {"changed-tag", {0}, {(const uint8_t *)"\0\x10\x80", 3}, {(const uint8_t *)"frame", 5}},
  };
  struct writer writer = {0};
  for (size_t i = 0; i < sizeof seeds / sizeof seeds[0]; i++) {
    write_u16(&writer, (uint16_t)seeds[i].metadata.size);
    write_bytes(&writer, seeds[i].metadata);
    write_u16(&writer, (uint16_t)seeds[i].changes.size);
    write_bytes(&writer, seeds[i].changes);
    write_bytes(&writer, seeds[i].frame);
    seed("frame", seeds[i].name, writer_view(&writer));
    writer_free(&writer);
  }
  for (unsigned shift = 0; shift < 64; shift += 21) {
    uint8_t header[SFRAME_HEADER_MAX];
    char name[64];
    size_t size = sframe_header_write((uint64_t)1 << shift, (uint64_t)3 << shift, header);
    snprintf(name, sizeof name, "forged-%u", shift);
    write_u32(&writer, 0); /* no metadata, no changes */
    write_bytes(&writer, view_of(header, size));
    write_bytes(&writer, view_of(state_key, sizeof state_key));
    seed("frame", name, writer_view(&writer));
    writer_free(&writer);
  }
}

/* See records.h. */
static void record(struct writer *writer, uint8_t head, struct view data) {
  write_u8(writer, head);
  write_u16(writer, (uint16_t)data.size);
  write_bytes(writer, data);
}

static void seed_group(void) {
  struct writer writer = {0}, proposal = {0};
  for (unsigned i = 0; i < PROPOSALS; i++) {
    char name[64];
    snprintf(name, sizeof name, "proposal-%s", proposal_names[i]);
    write_proposal(&proposal, i);
    record(&writer, SEND_PROPOSAL, writer_view(&proposal));
    record(&writer, SAVE_AND_LOAD | BY_BOB, VIEW_NONE);
    record(&writer, COMMIT_PROPOSALS | BY_BOB, VIEW_NONE);
    seed("group", name, writer_view(&writer));
    writer_free(&writer);
    writer_free(&proposal);
  }

  /* A commit that is right up to its confirmation tag, and one that only renews keys. */
  e2ee_bytes *message = commit_message();
  record(&writer, SEND_COMMIT, content_of(message));
  record(&writer, SEND_ANYTHING, view_bytes(message));
  seed("group", "commit", writer_view(&writer));
  writer_free(&writer);
  record(&writer, SEND_COMMIT | ENCRYPTED, content_of(message));
  record(&writer, COMMIT_PROPOSALS, VIEW_NONE);
  record(&writer, SEND_APPLICATION, VIEW_TEXT("text"));
  seed("group", "commit-encrypted", writer_view(&writer));
  writer_free(&writer);
  e2ee_bytes_free(message);

  message = key_package("frank");
  record(&writer, PROPOSE_ADD, view_bytes(message));
  record(&writer, COMMIT_PROPOSALS | BY_BOB, VIEW_NONE);
  record(&writer, SEND_APPLICATION | BY_BOB, VIEW_TEXT("text"));
  record(&writer, SAVE_AND_LOAD, VIEW_NONE);
  seed("group", "add", writer_view(&writer));
  writer_free(&writer);
  e2ee_bytes_free(message);

  must(e2ee_group_info(members.alice, &message));
  struct group_info info;
  struct reader reader = reader_of(body_of(message));
  harness_require(group_info_read(&reader, NULL, &info) == OK, "no GroupInfo");
  record(&writer, JOIN_FROM_OUTSIDE, info.extensions);
  record(&writer, COMMIT_PROPOSALS, VIEW_NONE);
  seed("group", "join-from-outside", writer_view(&writer));
  writer_free(&writer);
  e2ee_bytes_free(message);
}

/* What is in a sealed blob, which is freed. */
static struct bytes unsealed(enum seal_kind kind, e2ee_bytes *blob) {
  struct bytes content = {0};
  uint8_t version = 0;
  harness_require(unseal(view_of(state_key, sizeof state_key), kind, view_bytes(blob), NULL,
                         &version, &content) == OK,
                  "not unsealed");
  e2ee_bytes_free(blob);
  return content;
}

/* The content of a sealed blob, after the byte that says of which kind it is. */
static void seed_content(const char *name, enum seal_kind kind, e2ee_bytes *blob) {
  struct bytes content = unsealed(kind, blob);
  seed_prefixed("state", name, kind == SEAL_CLIENT ? 0 : 1, bytes_view(&content));
  bytes_free(&content);
}

static void seed_changes(struct view tree, e2ee_bytes *blob) {
  struct bytes content = unsealed(SEAL_CHANGES, blob);
  struct writer writer = {0};
  write_u8(&writer, 2);
  write_u16(&writer, (uint16_t)tree.size);
  write_bytes(&writer, tree);
  write_bytes(&writer, bytes_view(&content));
  seed("state", "changes", writer_view(&writer));
  writer_free(&writer);
  bytes_free(&content);
}

static void seed_state(void) {
  e2ee_bytes *blob = NULL, *message = NULL, *welcome = NULL;
  must(e2ee_key_package_new(members.bob_client, &message));
  e2ee_bytes_free(message);
  must(e2ee_client_save(members.bob_client, state_key, sizeof state_key, &blob));
  seed_content("client", SEAL_CLIENT, blob);

  must(e2ee_group_save(members.bob, state_key, sizeof state_key, &blob));
  seed_content("group", SEAL_GROUP, blob);
  must(e2ee_group_save_tree(members.bob, state_key, sizeof state_key, &blob));
  struct bytes tree = unsealed(SEAL_TREE, blob);
  must(e2ee_group_propose_update(members.bob, &message));
  e2ee_bytes_free(message);
  must(e2ee_group_save(members.bob, state_key, sizeof state_key, &blob));
  seed_content("group-with-proposal", SEAL_GROUP, blob);

  e2ee_commit *commit = NULL;
  must(e2ee_commit_new(members.bob, &commit));
  must(e2ee_commit_build(commit, &message, &welcome));
  must(e2ee_group_save(members.bob, state_key, sizeof state_key, &blob));
  seed_content("group-with-commit", SEAL_GROUP, blob);
  must(e2ee_group_commit_accepted(members.bob));
  must(e2ee_group_save(members.bob, state_key, sizeof state_key, &blob));
  seed_content("group-with-past", SEAL_GROUP, blob);
  must(e2ee_group_save_changes(members.bob, state_key, sizeof state_key, &blob));
  seed_changes(bytes_view(&tree), blob);
  bytes_free(&tree);
  e2ee_commit_free(commit);
  e2ee_bytes_free(message);
  e2ee_bytes_free(welcome);
}

/* Codec, changes, ranges, frame: see partial.c. */
static void seed_partial(void) {
  const struct {
    const char *name;
    uint8_t codec;
    struct view changes, ranges, frame;
  } seeds[] = {
      {"empty", 0, {0}, {0}, {0}},
      {"ranges", 0, {0}, VIEW_TEXT("\x00\x02\x03\x01"), VIEW_TEXT("a frame of text")},
      {"changed-clear", 2, VIEW_TEXT("\0\0\x80"), {0}, VIEW_TEXT("\x11 delta")},
      {"opus", 1, {0}, {0}, VIEW_TEXT("\x78 packet")},
      {"vp8", 2, {0}, {0}, VIEW_TEXT("\x10\x02\x00\x9d\x01\x2a\x60\x00\x40\x00 key")},
      {"vp9", 3, {0}, {0}, VIEW_TEXT("\x82\x49\x83\x42\x20\x05\xf0\x03\xf0 key")},
      {"av1", 4, {0}, {0}, VIEW_TEXT("\x12\0\x0a\x02\xaa\xbb\x36\x48\x03\x01\x02\x03\x30 last")},
      {"h264", 5, {0}, {0}, VIEW_TEXT("\0\0\0\1\x67\x42\0\0\1\x68\xce\0\0\1\x65\x88\x84 slice")},
      {"h264-changed", 5, VIEW_TEXT("\0\x20\x01"), {0}, VIEW_TEXT("\0\0\1\x41\x9a\x02 slice")},
      {"h264-zeros",
       5,
       {0},
       VIEW_TEXT("\0\3\1\3\1\3\1\3\1\3"),
       VIEW_TEXT("\0\0\0x\0\0\0x\0\0\0x\0\0\0x\0\0\0")},
      {"h265",
       6,
       {0},
       {0},
       VIEW_TEXT("\0\0\0\1\x46\x01\x10\0\0\1\x26\x01\xaf slice\0\0\1\x02\x01\xd0 slice")},
      {"forged", 0, {0}, {0}, VIEW_TEXT("body and a tag of it \x81\x80\x81\x80\x82\x85\x90")},
      {"forged-escapes",
       5,
       {0},
       {0},
       VIEW_TEXT("body\0\0\x81 and a tag of it \x81\x80\x80\x86\x84\x91")},
  };
  struct writer writer = {0};
  for (size_t i = 0; i < sizeof seeds / sizeof seeds[0]; i++) {
    write_u8(&writer, seeds[i].codec);
    write_u16(&writer, (uint16_t)seeds[i].changes.size);
    write_bytes(&writer, seeds[i].changes);
    write_u16(&writer, (uint16_t)seeds[i].ranges.size);
    write_bytes(&writer, seeds[i].ranges);
    write_bytes(&writer, seeds[i].frame);
    seed("partial", seeds[i].name, writer_view(&writer));
    writer_free(&writer);
  }
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: fuzz-seeds FOLDER\n");
    return 2;
  }
  folder = argv[1];
  mkdir(folder, 0777);
  harness_start();
  members_start(&members);
  seed_calls();
  seed_decode();
  seed_frame();
  seed_group();
  seed_partial();
  seed_state();
  members_stop(&members);
  return 0;
}
