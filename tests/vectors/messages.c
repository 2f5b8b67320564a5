/*
 * Every struct that travels, decoded and encoded again to the same bytes.
 * SPDX-License-Identifier: ISC
 */
#include <stdio.h>

#include "crew.h"
#include "mls/group/groupinfo.h"
#include "tests/recode.h"

/* ParentNode (RFC 9420, section 7.1). */
static enum err recode_parent(struct reader *reader, struct writer *writer) {
  enum err err;
  struct reader unmerged;
  struct view key, hash;
  TRY(read_vector(reader, &key));
  TRY(read_vector(reader, &hash));
  TRY(read_items(reader, &unmerged));
  write_vector(writer, key);
  write_vector(writer, hash);
  size_t begin = write_begin(writer);
  while (unmerged.left > 0) {
    uint32_t leaf;
    TRY(read_u32(&unmerged, &leaf));
    write_u32(writer, leaf);
  }
  write_end(writer, begin);
done:
  return err;
}

/* One optional<Node> of a ratchet tree. */
static enum err recode_node(struct reader *reader, struct writer *writer, struct why *why) {
  enum err err;
  bool present;
  uint8_t type;
  TRY(read_optional(reader, &present));
  write_optional(writer, present);
  if (!present)
    return OK;
  TRY(read_u8(reader, &type));
  TRY(require(type == 1 || type == 2, why, ERR_MALFORMED, "a node of type %u", type));
  write_u8(writer, type);
  TRY(type == 1 ? recode_leaf(reader, writer, why) : recode_parent(reader, writer));
done:
  return err;
}

static enum err recode_tree(struct reader *reader, struct writer *writer, struct why *why) {
  enum err err;
  struct view items;
  struct bytes nodes = {0};
  TRY(read_vector(reader, &items));
  TRY(recode_all(items, recode_node, why, &nodes));
  write_vector(writer, bytes_view(&nodes));
done:
  bytes_free(&nodes);
  return err;
}

/* ---- The vectors ---- */

static const struct field {
  const char *name;
  recoder *recode;
  uint8_t prefix[4]; /* what the struct has to begin with, */
  uint8_t expected;  /* of which this many bytes are there in the vector, */
  uint8_t missing;   /* or are not: proposals come without their type */
} fields[] = {
    {"mls_welcome", recode_message, {0, 1, 0, WIRE_WELCOME}, 4, 0},
    {"mls_group_info", recode_message, {0, 1, 0, WIRE_GROUP_INFO}, 4, 0},
    {"mls_key_package", recode_message, {0, 1, 0, WIRE_KEY_PACKAGE}, 4, 0},
    {"ratchet_tree", recode_tree, {0}, 0, 0},
    {"group_secrets", recode_group_secrets, {0}, 0, 0},
    {"add_proposal", recode_proposal, {0, PROPOSAL_ADD}, 0, 2},
    {"update_proposal", recode_proposal, {0, PROPOSAL_UPDATE}, 0, 2},
    {"remove_proposal", recode_proposal, {0, PROPOSAL_REMOVE}, 0, 2},
    {"pre_shared_key_proposal", recode_proposal, {0, PROPOSAL_PSK}, 0, 2},
    {"re_init_proposal", recode_proposal, {0, PROPOSAL_REINIT}, 0, 2},
    {"external_init_proposal", recode_proposal, {0, PROPOSAL_EXTERNAL_INIT}, 0, 2},
    {"group_context_extensions_proposal",
     recode_proposal,
     {0, PROPOSAL_GROUP_CONTEXT_EXTENSIONS},
     0,
     2},
    {"commit", recode_commit, {0}, 0, 0},
    {"public_message_application", recode_message, {0, 1, 0, WIRE_PUBLIC_MESSAGE}, 4, 0},
    {"public_message_proposal", recode_message, {0, 1, 0, WIRE_PUBLIC_MESSAGE}, 4, 0},
    {"public_message_commit", recode_message, {0, 1, 0, WIRE_PUBLIC_MESSAGE}, 4, 0},
    {"private_message", recode_message, {0, 1, 0, WIRE_PRIVATE_MESSAGE}, 4, 0},
};

static bool check_field(json_object *vector, const struct field *field) {
  struct why why = {""};
  struct bytes body = vectors_bytes(vector, field->name);
  struct writer input = {0};
  struct writer output = {0};
  write_bytes(&input, view_of(field->prefix, field->missing));
  write_bytes(&input, bytes_view(&body));
  struct reader reader = reader_of(writer_view(&input));
  bool ok =
      vectors_ok(input.err, "input") && input.size >= field->expected &&
      view_equal(view_of(input.data, field->expected), view_of(field->prefix, field->expected)) &&
      vectors_ok(field->recode(&reader, &output, &why), field->name) &&
      vectors_ok(read_end(&reader), "end") && vectors_ok(output.err, "output") &&
      view_equal(writer_view(&input), writer_view(&output));
  if (!ok)
    fprintf(stderr, "field \"%s\" did not come out as it went in: %s\n", field->name, why.text);
  writer_free(&output);
  writer_free(&input);
  bytes_free(&body);
  return ok;
}

void vectors_messages(json_object *root, struct tally *tally) {
  for (size_t i = 0; i < vectors_count(root); i++) {
    bool ok = true;
    for (size_t j = 0; j < sizeof fields / sizeof fields[0]; j++)
      ok = check_field(vectors_item(root, i), &fields[j]) && ok;
    vectors_check(tally, ok, "message structs", i);
  }
}

/* ---- Generating: one of each from a group with holes, unmerged leaves and GREASE ---- */

static void put_proposal(json_object *vector, const char *field, struct view proposal) {
  put_hex(vector, field, view_of(proposal.data + 2, proposal.size - 2)); /* without its type */
}

static void put_draft(json_object *vector, const char *field, struct bytes *draft) {
  put_proposal(vector, field, bytes_view(draft));
  bytes_free(draft);
}

/* The proposal that a member has made last. */
static void put_last(json_object *vector, const char *field, const struct group *group) {
  put_proposal(vector, field, group->proposals.item[group->proposals.count - 1].proposal.raw);
}

static void put_proposals(json_object *vector, struct crew *crew) {
  struct group *group = crew_group(crew, 0), *outside = NULL;
  struct client *joiner = crew_client(crew, 5);
  struct bytes message = {0}, draft = {0}, other = {0};
  must(client_key_package(joiner, &other), "key package");
  must(group_propose_add(group, bytes_view(&other), &message), "Add");
  put_last(vector, "add_proposal", group);
  bytes_free(&message);
  must(group_propose_update(group, &message), "Update");
  put_last(vector, "update_proposal", group);
  bytes_free(&message);
  must(group_propose_remove(group, crew_leaf(crew, 3), &message), "Remove");
  put_last(vector, "remove_proposal", group);
  put_hex(vector, "public_message_proposal", bytes_view(&message));
  bytes_free(&message);
  must(draft_resumption_psk(group, group_epoch_number(group), &draft), "PSK");
  put_draft(vector, "pre_shared_key_proposal", &draft);
  must(draft_reinit(group, VIEW_TEXT("next"), 1, &draft), "ReInit");
  put_draft(vector, "re_init_proposal", &draft);
  must(draft_extensions(group->epoch->context.extensions, &draft), "extensions");
  put_draft(vector, "group_context_extensions_proposal", &draft);
  must(group_info(group, &message), "GroupInfo");
  put_hex(vector, "mls_group_info", bytes_view(&message));
  must(external_open(joiner, bytes_view(&message), VIEW_NONE, &outside), "from outside");
  struct secret init_secret = {0};
  must(external_init(outside, &init_secret, &draft), "ExternalInit");
  put_draft(vector, "external_init_proposal", &draft);
  secret_wipe(&init_secret);
  group_free(outside);
  bytes_free(&message);
  bytes_free(&other);
}

/* No member can send this; but it has to parse (RFC 9420, section 6). */
static void put_public_application(json_object *vector, struct view proposal) {
  struct public_message message = read_public(proposal);
  struct writer writer = {0};
  message.content.content_type = CONTENT_APPLICATION;
  message.content.content = VIEW_TEXT("not for the public");
  message_write_header(&writer, WIRE_PUBLIC_MESSAGE);
  public_message_write(&writer, &message);
  must(writer.err, "PublicMessage");
  put_hex(vector, "public_message_application", writer_view(&writer));
  writer_free(&writer);
}

static void put_rest(json_object *vector, struct crew *crew) {
  struct group *group = crew_group(crew, 0);
  struct commit_plan plan = {0};
  struct bytes message = {0}, key_package = {0}, group_secrets = {0}, tree = {0};
  json_object *seen = new_object();
  must(group_ratchet_tree(group, &tree), "tree");
  put_hex(vector, "ratchet_tree", bytes_view(&tree));
  must(group_encrypt(crew_group(crew, 3), VIEW_TEXT("hello"), &message), "application");
  put_hex(vector, "private_message", bytes_view(&message));
  bytes_free(&message);
  message = vectors_bytes(vector, "public_message_proposal");
  put_public_application(vector, bytes_view(&message));
  bytes_free(&message);

  crew_watch(crew, 4, seen, "");
  key_package = crew_key_package(crew, 4);
  must(commit_plan_add(&plan, group, bytes_view(&key_package)), "Add");
  must(commit_build(group, &plan), group->client->why.text);
  struct view commit = bytes_view(&group->pending->message);
  put_hex(vector, "commit", read_public(commit).content.content);
  put_hex(vector, "public_message_commit", commit);
  put_hex(vector, "mls_key_package", bytes_view(&key_package));
  put_hex(vector, "mls_welcome", bytes_view(&group->pending->welcome));
  put_hex(seen, "welcome", bytes_view(&group->pending->welcome));
  must(vectors_group_secrets(crew->suite, seen, &group_secrets) ? OK : ERR_INTERNAL, "Welcome");
  put_hex(vector, "group_secrets", bytes_view(&group_secrets));
  bytes_free(&group_secrets);
  commit_plan_free(&plan);
  bytes_free(&key_package);
  bytes_free(&tree);
  json_object_put(seen);
}

static void generate(const struct suite *suite, json_object *array) {
  struct crew crew;
  struct commit_plan plan = {0};
  json_object *vector = append_object(array);
  crew_new(&crew, suite, 6);
  crew_encrypt(&crew, false);
  crew_found(&crew, 4);
  crew_remove(&crew, 0, 2);
  crew_add(&crew, 1, 4); /* back into the hole, and unmerged above it */
  crew_remove(&crew, 3, 4);
  must(commit_plan_require(&plan, crew_group(&crew, 0), TYPE_PROPOSAL, PROPOSAL_SELF_REMOVE),
       "require");
  crew_commit(&crew, 0, &plan);
  put_proposals(vector, &crew);
  put_rest(vector, &crew);
  crew_free(&crew);
}

json_object *generate_messages(uint16_t suite) {
  return generate_suites(suite, generate);
}
