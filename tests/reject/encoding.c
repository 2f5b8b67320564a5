/* The presentation language, in messages that are right otherwise: signatures and tags are over what
 * was read, so another encoding of the same values breaks none of them.  SPDX-License-Identifier: ISC */
#include "chapters.h"
#include "forge.h"

/* What MALLORY proposes: nothing that harms. */
static struct bytes proposal(void) {
  static const uint8_t nothing_required[] = {0, 0, 0};
  return propose_extensions(EXTENSION_REQUIRED_CAPABILITIES, VIEW_ARRAY(nothing_required));
}

/* A proposal with so many bytes of authenticated data. */
static void propose(struct world *world, size_t size, bool encrypt, struct bytes *out) {
  static const uint8_t data[0x4001] = {1};
  struct letter letter;
  struct bytes body = proposal();
  letter_begin(&letter, &world->member[MALLORY], CONTENT_PROPOSAL, bytes_view(&body));
  letter.content.authenticated_data = view_of(data, size);
  if (encrypt)
    letter_send_private(&letter, out);
  else
    letter_send(&letter, out);
  bytes_free(&body);
}

/* Bytes in the place of others. */
static void splice(struct bytes *message, size_t at, size_t cut, struct view put) {
  struct writer writer = {0};
  write_bytes(&writer, view_of(message->data, at));
  write_bytes(&writer, put);
  write_bytes(&writer, view_of(message->data + at + cut, message->size - at - cut));
  bytes_free(message);
  *message = taken(&writer);
}

/* Offsets in a PublicMessage of the group "a group": after version and wire format come the group id,
 * the epoch, the sender, and the authenticated data. */
#define GROUP_ID_AT 4
#define DATA_AT (GROUP_ID_AT + 8 + 8 + 5)

/* The length of the group id is 7: other ways to write it. */
static void group_id_length(struct world *world, struct view length, struct bytes *out) {
  propose(world, 0, false, out);
  splice(out, GROUP_ID_AT, 1, length);
}

static void seven_in_two(struct world *world, struct bytes *out) {
  group_id_length(world, VIEW_TEXT("\x40\x07"), out);
}

static void seven_in_four(struct world *world, struct bytes *out) {
  group_id_length(world, VIEW_TEXT("\x80\x00\x00\x07"), out);
}

static void seven_in_eight(struct world *world, struct bytes *out) {
  group_id_length(world, VIEW_TEXT("\xc0\x00\x00\x00\x00\x00\x00\x07"), out);
}

static void longest_length(struct world *world, struct bytes *out) {
  group_id_length(world, VIEW_TEXT("\xbf\xff\xff\xff"), out);
}

static void length_of_the_rest(struct world *world, struct bytes *out) {
  propose(world, 0, false, out);
  uint8_t header[2] = {0x40, (uint8_t)(out->size - GROUP_ID_AT)};
  splice(out, GROUP_ID_AT, 1, VIEW_ARRAY(header));
}

/* Boundaries: each length as it must be written, and the next longer way. */
static void data_of_3f(struct world *world, struct bytes *out) {
  propose(world, 0x3f, false, out);
}

static void data_of_40(struct world *world, struct bytes *out) {
  propose(world, 0x40, false, out);
}

static void data_of_3fff(struct world *world, struct bytes *out) {
  propose(world, 0x3fff, false, out);
}

static void data_of_4000(struct world *world, struct bytes *out) {
  propose(world, 0x4000, false, out);
}

static void data_of_3f_in_two(struct world *world, struct bytes *out) {
  propose(world, 0x3f, false, out);
  splice(out, DATA_AT, 1, VIEW_TEXT("\x40\x3f"));
}

static void data_of_3fff_in_four(struct world *world, struct bytes *out) {
  propose(world, 0x3fff, false, out);
  splice(out, DATA_AT, 2, VIEW_TEXT("\x80\x00\x3f\xff"));
}

static void public_trailing(struct world *world, struct bytes *out) {
  propose(world, 0, false, out);
  splice(out, out->size, 0, VIEW_TEXT("\0"));
}

static void private_trailing(struct world *world, struct bytes *out) {
  propose(world, 0, true, out);
  splice(out, out->size, 0, VIEW_TEXT("\0"));
}

/* ---- Inside of a commit: the body is signed as it is sent ---- */

/* The parts of the Commit, to be put together again in another way. */
static void recommit(struct world *world, struct view has_path, struct view behind_proposals,
                     struct view behind_nodes, struct bytes *out) {
  struct forgery forgery;
  struct writer body = {0}, proposals = {0}, nodes = {0};
  forgery_begin(&forgery, &world->member[MALLORY]);
  forgery_path(&forgery);
  forgery_finish_path(&forgery);
  write_bytes(&proposals, behind_proposals);
  for (size_t i = 0; i < forgery.nodes; i++) {
    write_vector(&nodes, forgery.node[i].key);
    write_vector(&nodes, bytes_view(&forgery.node[i].ciphertexts));
  }
  write_bytes(&nodes, behind_nodes);
  write_vector(&body, writer_view(&proposals));
  write_bytes(&body, has_path);
  write_bytes(&body, leaf_raw(forgery.made_leaf));
  write_vector(&body, writer_view(&nodes));
  forgery.body = taken(&body);
  writer_free(&proposals);
  writer_free(&nodes);
  forgery_send(&forgery, out);
}

static void present_is_1(struct world *world, struct bytes *out) {
  recommit(world, VIEW_TEXT("\x01"), VIEW_NONE, VIEW_NONE, out);
}

static void present_is_2(struct world *world, struct bytes *out) {
  recommit(world, VIEW_TEXT("\x02"), VIEW_NONE, VIEW_NONE, out);
}

static void present_is_255(struct world *world, struct bytes *out) {
  recommit(world, VIEW_TEXT("\xff"), VIEW_NONE, VIEW_NONE, out);
}

static void behind_proposals(struct world *world, struct bytes *out) {
  recommit(world, VIEW_TEXT("\x01"), VIEW_TEXT("\0"), VIEW_NONE, out);
}

static void behind_nodes(struct world *world, struct bytes *out) {
  recommit(world, VIEW_TEXT("\x01"), VIEW_NONE, VIEW_TEXT("\0"), out);
}

static void neither_value_nor_reference(struct world *world, struct bytes *out) {
  recommit(world, VIEW_TEXT("\x01"), VIEW_TEXT("\3\0"), VIEW_NONE, out);
}

static const struct row rows[] = {
    {"2.1.2", "nothing: a vector of 0x3f bytes", data_of_3f, OK},
    {"2.1.2", "nothing: a vector of 0x40 bytes", data_of_40, OK},
    {"2.1.2", "nothing: a vector of 0x3fff bytes", data_of_3fff, OK},
    {"2.1.2", "nothing: a vector of 0x4000 bytes", data_of_4000, OK},
    {"2.1.1", "nothing: an octet of 1 before an optional value", present_is_1, OK},

    {"2.1", "a length of 7 in two bytes", seven_in_two, ERR_MALFORMED},
    {"2.1", "a length of 7 in four bytes", seven_in_four, ERR_MALFORMED},
    {"2.1", "a length of 7 with prefix 0b11", seven_in_eight, ERR_MALFORMED},
    {"2.1", "a length of 0x3fffffff", longest_length, ERR_MALFORMED},
    {"2.1", "a length of one byte more than there are", length_of_the_rest, ERR_MALFORMED},
    {"2.1", "a length of 0x3f in two bytes", data_of_3f_in_two, ERR_MALFORMED},
    {"2.1", "a length of 0x3fff in four bytes", data_of_3fff_in_four, ERR_MALFORMED},
    {"2.1", "an octet of 2 before an optional value", present_is_2, ERR_MALFORMED},
    {"2.1", "an octet of 255 before an optional value", present_is_255, ERR_MALFORMED},
    {"2.1", "a byte behind a PublicMessage", public_trailing, ERR_MALFORMED},
    {"2.1", "a byte behind a PrivateMessage", private_trailing, ERR_MALFORMED},
    {"2.1", "a byte behind the last proposal of a commit", behind_proposals, ERR_MALFORMED},
    {"2.1", "a byte behind the last node of a path", behind_nodes, ERR_MALFORMED},
    {"2.1", "a ProposalOrRef that is neither", neither_value_nor_reference, ERR_MALFORMED},
};

START_TEST(encoding) {
  refuse_message(&rows[_i]);
}
END_TEST

/* Every prefix of a message is too short, in clear and encrypted, and no prefix changes anything. */
START_TEST(prefixes) {
  struct world world;
  struct bytes message = {0};
  const struct row row = {"2.1", "the message ends too early", NULL, ERR_MALFORMED};
  world_init(&world, 1);
  if (_i == 2)
    recommit(&world, VIEW_TEXT("\x01"), VIEW_NONE, VIEW_NONE, &message);
  else
    propose(&world, 3, _i == 1, &message);
  size_t size = message.size;
  for (message.size = 0; message.size < size; message.size++)
    expect_refused(&world.member[ALICE], &message, &row);
  world_works(&world);
  bytes_free(&message);
  world_free(&world);
}
END_TEST

TCase *reject_encoding(void) {
  TCase *cases = tcase_create("encoding");
  tcase_add_loop_test(cases, encoding, 0, COUNT(rows));
  tcase_add_loop_test(cases, prefixes, 0, 3);
  return cases;
}
