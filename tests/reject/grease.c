/* GREASE (RFC 9420, section 13.5): values that everybody lists, and nobody supports.  Whoever lists a
 * private type in the same way may be asked for it.  SPDX-License-Identifier: ISC */
#include "chapters.h"
#include "invite.h"

#define PRIVATE_TYPE 0xf123

/* Some of the values (test-grease.c has all of them), and one that is none. */
static const uint16_t values[] = {0x0a0a, 0x8a8a, 0xeaea, PRIVATE_TYPE};

#define VALUES COUNT(values)

static uint16_t value_now;

static void list_all(struct client *client) {
  for (enum type_kind kind = TYPE_EXTENSION; kind < TYPE_KINDS; kind++)
    ck_assert_int_eq(client_support(client, kind, value_now), OK);
}

/* All leaves of the group list the value as extension, proposal and credential. */
static void everybody_lists(struct world *world) {
  for (uint32_t i = 0; i < MEMBERS; i++) {
    list_all(world->member[i].client);
    world_advance(world, i);
  }
  list_all(world->joiner.client);
}

static void commit(struct world *world, struct bytes proposal, struct bytes *out) {
  struct forgery forgery;
  forgery_begin(&forgery, &world->member[MALLORY]);
  forgery_item(&forgery, proposal);
  forgery_send_with_path(&forgery, out);
}

/* required_capabilities with the value in one of its lists. */
static struct bytes required(enum type_kind kind) {
  struct writer writer = {0};
  for (enum type_kind each = TYPE_EXTENSION; each < TYPE_KINDS; each++) {
    size_t begin = write_begin(&writer);
    if (each == kind)
      write_u16(&writer, value_now);
    write_end(&writer, begin);
  }
  return taken(&writer);
}

static void require_kind(struct world *world, enum type_kind kind, struct bytes *out) {
  everybody_lists(world);
  struct bytes data = required(kind);
  commit(world, propose_extensions(EXTENSION_REQUIRED_CAPABILITIES, bytes_view(&data)), out);
  bytes_free(&data);
}

static void require_extension(struct world *world, struct bytes *out) {
  require_kind(world, TYPE_EXTENSION, out);
}

static void require_proposal(struct world *world, struct bytes *out) {
  require_kind(world, TYPE_PROPOSAL, out);
}

static void require_credential(struct world *world, struct bytes *out) {
  require_kind(world, TYPE_CREDENTIAL, out);
}

static void use_extension(struct world *world, struct bytes *out) {
  everybody_lists(world);
  commit(world, propose_extensions(value_now, VIEW_TEXT("data")), out);
}

static struct bytes custom(void) {
  struct writer writer = {0};
  proposal_write_custom(&writer, value_now, VIEW_TEXT("data"));
  return taken(&writer);
}

static void use_proposal(struct world *world, struct bytes *out) {
  everybody_lists(world);
  commit(world, custom(), out);
}

static void send_proposal(struct world *world, struct bytes *out) {
  struct letter letter;
  everybody_lists(world);
  struct bytes proposal = custom();
  letter_begin(&letter, &world->member[MALLORY], CONTENT_PROPOSAL, bytes_view(&proposal));
  letter_send(&letter, out);
  bytes_free(&proposal);
}

static void use_credential(struct world *world, struct bytes *out) {
  struct key_package_forger forger;
  const uint8_t credential[] = {(uint8_t)(value_now >> 8), (uint8_t)value_now, 1, 'x'};
  everybody_lists(world);
  key_package_forger_begin(&forger, world->joiner.client);
  forger.leaf.fields.credential = VIEW_ARRAY(credential);
  commit(world, propose_add(key_package_forger_end(&forger)), out);
}

static void reinit_with(struct world *world, uint16_t type, struct view data, struct bytes *out) {
  struct writer extensions = {0}, writer = {0};
  everybody_lists(world);
  extension_write(&extensions, type, data);
  proposal_write_reinit(&writer, VIEW_TEXT("the next group"), MLS_VERSION_10, 1,
                        writer_view(&extensions));
  struct bytes proposal = taken(&writer), kept = {0};
  ck_assert_int_eq(bytes_copy(&kept, bytes_view(&proposal)), OK);
  struct forgery forgery;
  forgery_begin(&forgery, &world->member[MALLORY]);
  forgery_item(&forgery, proposal);
  forgery.reinit = bytes_view(&kept);
  forgery_send_with_path(&forgery, out);
  bytes_free(&kept);
  writer_free(&extensions);
}

static void reinit_that_uses(struct world *world, struct bytes *out) {
  reinit_with(world, value_now, VIEW_NONE, out);
}

static void reinit_that_requires(struct world *world, struct bytes *out) {
  struct bytes data = required(TYPE_PROPOSAL);
  reinit_with(world, EXTENSION_REQUIRED_CAPABILITIES, bytes_view(&data), out);
  bytes_free(&data);
}

/* Whatever the row: with the private type it is accepted. */
static const struct row message_rows[] = {
    {"13.5", "a required extension", require_extension, ERR_INVALID_PROPOSAL},
    {"13.5", "a required proposal", require_proposal, ERR_INVALID_PROPOSAL},
    {"13.5", "a required credential", require_credential, ERR_INVALID_PROPOSAL},
    {"13.5", "an extension of the GroupContext", use_extension, ERR_INVALID_PROPOSAL},
    {"12.1", "a proposal in a commit", use_proposal, ERR_UNSUPPORTED},
    {"12.1", "a proposal", send_proposal, ERR_UNSUPPORTED},
    {"7.3", "a leaf with a credential", use_credential, ERR_INVALID_PROPOSAL},
    {"13.5", "an extension announced by a ReInit", reinit_that_uses, ERR_INVALID_PROPOSAL},
    {"13.5", "required by the group that a ReInit announces", reinit_that_requires,
     ERR_INVALID_PROPOSAL},
};

#define MESSAGE_ROWS COUNT(message_rows)

START_TEST(messages) {
  struct row row = message_rows[_i / VALUES];
  value_now = values[_i % VALUES];
  if (value_now == PRIVATE_TYPE)
    row.expected = OK;
  refuse_message(&row);
}
END_TEST

/* ---- A group that has it when somebody comes ---- */

static struct writer context_extensions;

static void uses(void) {
  extension_write(&context_extensions, value_now, VIEW_NONE);
}

static void requires(enum type_kind kind) {
  struct bytes data = required(kind);
  extension_write(&context_extensions, EXTENSION_REQUIRED_CAPABILITIES, bytes_view(&data));
  bytes_free(&data);
}

static void requires_extension(void) {
  requires(TYPE_EXTENSION);
}

static void requires_proposal(void) {
  requires(TYPE_PROPOSAL);
}

static void requires_credential(void) {
  requires(TYPE_CREDENTIAL);
}

static void (*const contexts[])(void) = {uses, requires_extension, requires_proposal,
                                         requires_credential};

static void (*context_now)(void);

/* MALLORY adds the joiner, whose leaf lists the value as all others do. */
static void bent_welcome(struct world *world, struct bytes *out) {
  struct invite invite;
  everybody_lists(world);
  invite_begin(&invite, world);
  context_now();
  invite.context.extensions = writer_view(&context_extensions);
  invite_send(&invite, out);
  writer_free(&context_extensions);
}

START_TEST(joining) {
  value_now = values[_i % VALUES];
  context_now = contexts[_i / VALUES];
  const struct row row = {"13.5", "a group to join", bent_welcome,
                          value_now == PRIVATE_TYPE ? OK : ERR_INVALID_TREE};
  refuse_welcome(&row);
}
END_TEST

TCase *reject_grease(void) {
  TCase *cases = tcase_create("grease");
  tcase_add_loop_test(cases, messages, 0, MESSAGE_ROWS * VALUES);
  tcase_add_loop_test(cases, joining, 0, COUNT(contexts) * VALUES);
  return cases;
}
