/*
 * Every struct that travels, decoded and encoded again to the same bytes.
 * SPDX-License-Identifier: ISC
 */
#include "mls/message.h"

#include <stdio.h>

#include "tests/recode.h"

#include "vectors.h"

/* One optional<Node> of a ratchet tree; in these vectors, all are leaves. */
static enum err recode_node(struct reader *reader, struct writer *writer, struct why *why) {
  enum err err;
  bool present;
  uint8_t type;
  TRY(read_optional(reader, &present));
  write_optional(writer, present);
  if (!present)
    return OK;
  TRY(read_u8(reader, &type));
  TRY(require(type == 1, why, ERR_UNSUPPORTED, "this file can hold leaves only"));
  write_u8(writer, type);
  TRY(recode_leaf(reader, writer, why));
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
