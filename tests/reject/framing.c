/* Messages as such: who sent them, and in which epoch.  SPDX-License-Identifier: ISC */
#include "chapters.h"
#include "forge.h"

#define BIT(member) (1u << (member))

static struct member *mallory(struct world *world) {
  return &world->member[MALLORY];
}

static void propose(struct world *world, bend_letter *bend, struct bytes *out) {
  mallory_sends(world, CONTENT_PROPOSAL, false, bend, out);
}

static void say(struct world *world, bend_letter *bend, struct bytes *out) {
  mallory_sends(world, CONTENT_APPLICATION, true, bend, out);
}

/* ---- Nothing changed ---- */

static void public_proposal(struct world *world, struct bytes *out) {
  propose(world, NULL, out);
}

static void private_proposal(struct world *world, struct bytes *out) {
  mallory_sends(world, CONTENT_PROPOSAL, true, NULL, out);
}

static void application(struct world *world, struct bytes *out) {
  say(world, NULL, out);
}

static const uint8_t zeros[100] = {0};

static void pad(struct world *world, struct letter *letter) {
  (void)world;
  letter->padding = VIEW_ARRAY(zeros);
}

static void padded(struct world *world, struct bytes *out) {
  say(world, pad, out);
}

/* ---- Header and content type ---- */

static void application_in_public(struct world *world, struct bytes *out) {
  mallory_sends(world, CONTENT_APPLICATION, false, NULL, out);
}

static void content_type_4(struct world *world, struct bytes *out) {
  public_proposal(world, out);
  /* version, wire format, group id, epoch, sender, empty authenticated data */
  ck_assert_uint_eq(out->data[4 + 8 + 8 + 5 + 1], CONTENT_PROPOSAL);
  out->data[4 + 8 + 8 + 5 + 1] = CONTENT_COMMIT + 1;
}

static void private_content_type_0(struct world *world, struct bytes *out) {
  application(world, out);
  ck_assert_uint_eq(out->data[4 + 8 + 8], CONTENT_APPLICATION);
  out->data[4 + 8 + 8] = 0;
}

static void version_0(struct world *world, struct bytes *out) {
  public_proposal(world, out);
  out->data[1] = 0;
}

static void version_2(struct world *world, struct bytes *out) {
  application(world, out);
  out->data[1] = 2;
}

static void wire_format_0(struct world *world, struct bytes *out) {
  public_proposal(world, out);
  out->data[3] = 0;
}

static void wire_format_6(struct world *world, struct bytes *out) {
  public_proposal(world, out);
  out->data[3] = WIRE_KEY_PACKAGE + 1;
}

static void no_group_message(struct world *world, struct bytes *out) {
  *out = key_package_of(world->joiner.client);
}

static void pad_much(struct world *world, struct letter *letter) {
  static const uint8_t padding[5000] = {0};
  (void)world;
  letter->padding = VIEW_ARRAY(padding);
}

static void too_large(struct world *world, struct bytes *out) {
  say(world, pad_much, out);
  for (size_t i = 0; i < MEMBERS; i++)
    world->member[i].client->settings.max_message_bytes = out->size - 1;
}

static void just_not_too_large(struct world *world, struct bytes *out) {
  say(world, pad_much, out);
  for (size_t i = 0; i < MEMBERS; i++)
    world->member[i].client->settings.max_message_bytes = out->size;
}

/* ---- Group and epoch ---- */

static void name_other_group(struct world *world, struct letter *letter) {
  (void)world;
  letter->content.group_id = VIEW_TEXT("A group");
}

static void other_group(struct world *world, struct bytes *out) {
  propose(world, name_other_group, out);
}

static void other_group_private(struct world *world, struct bytes *out) {
  say(world, name_other_group, out);
}

static void name_next_epoch(struct world *world, struct letter *letter) {
  (void)world;
  letter->content.epoch++;
}

static void epoch_to_come(struct world *world, struct bytes *out) {
  propose(world, name_next_epoch, out);
}

static void name_last_epoch(struct world *world, struct letter *letter) {
  (void)world;
  letter->content.epoch = UINT64_MAX;
}

static void epoch_at_the_end(struct world *world, struct bytes *out) {
  say(world, name_last_epoch, out);
}

static void past_proposal(struct world *world, struct bytes *out) {
  private_proposal(world, out);
  world_advance(world, BOB);
}

static void past_public_proposal(struct world *world, struct bytes *out) {
  public_proposal(world, out);
  world_advance(world, BOB);
}

static void past_application(struct world *world, struct bytes *out) {
  application(world, out);
  world_advance(world, BOB);
  world_advance(world, MALLORY);
}

static void forgotten_application(struct world *world, struct bytes *out) {
  past_application(world, out);
  world_advance(world, ALICE);
}

/* ---- Sender ---- */

static void sender_of_type(struct world *world, uint8_t type, struct bytes *out) {
  public_proposal(world, out);
  ck_assert_uint_eq(out->data[4 + 8 + 8], SENDER_MEMBER);
  out->data[4 + 8 + 8] = type;
}

static void sender_type_0(struct world *world, struct bytes *out) {
  sender_of_type(world, 0, out);
}

static void sender_type_5(struct world *world, struct bytes *out) {
  sender_of_type(world, SENDER_NEW_MEMBER_COMMIT + 1, out);
}

static void be_joining(struct world *world, struct letter *letter) {
  (void)world;
  letter->content.sender.type = SENDER_NEW_MEMBER_COMMIT;
}

static void joiner_proposes(struct world *world, struct bytes *out) {
  propose(world, be_joining, out);
}

static void be_leaf_5(struct world *world, struct letter *letter) {
  (void)world;
  letter->content.sender.index = letter->leaf = letter->ratchet = MEMBERS;
  letter->generation = 0;
}

static void blank_sender(struct world *world, struct bytes *out) {
  propose(world, be_leaf_5, out);
}

static void blank_private_sender(struct world *world, struct bytes *out) {
  say(world, be_leaf_5, out);
}

static void be_far_out(struct world *world, struct letter *letter) {
  (void)world;
  letter->content.sender.index = letter->leaf = 1000;
}

static void sender_beyond_tree(struct world *world, struct bytes *out) {
  propose(world, be_far_out, out);
}

static void private_sender_beyond_tree(struct world *world, struct bytes *out) {
  say(world, be_far_out, out);
}

static void be_alice(struct world *world, struct letter *letter) {
  letter->content.sender.index = letter->leaf = letter->ratchet = ALICE;
  world->victims &= ~BIT(ALICE);
}

static void claims_to_be_alice(struct world *world, struct bytes *out) {
  propose(world, be_alice, out);
}

static void claims_to_be_alice_in_private(struct world *world, struct bytes *out) {
  say(world, be_alice, out);
}

/* The key of MALLORY's ratchet, with sender data of leaf 0. */
static void lie_in_sender_data(struct world *world, struct letter *letter) {
  letter->leaf = ALICE;
  world->victims &= ~BIT(ALICE);
}

static void key_of_other_leaf(struct world *world, struct bytes *out) {
  say(world, lie_in_sender_data, out);
}

/* ---- Signature ---- */

static void use_other_key(struct world *world, struct letter *letter) {
  letter->signature_key = world->joiner.client->signature_key;
}

static void signed_by_another(struct world *world, struct bytes *out) {
  propose(world, use_other_key, out);
}

static void signed_by_another_in_private(struct world *world, struct bytes *out) {
  say(world, use_other_key, out);
}

static void use_other_label(struct world *world, struct letter *letter) {
  (void)world;
  letter->label = VIEW_TEXT("GroupInfoTBS");
}

static void signed_with_other_label(struct world *world, struct bytes *out) {
  propose(world, use_other_label, out);
}

static void use_past_context(struct world *world, struct letter *letter) {
  letter->group_context = bytes_view(&mallory(world)->group->past[0]->context_raw);
}

static void signed_in_past_context(struct world *world, struct bytes *out) {
  say(world, use_past_context, out);
}

static void use_other_wire_format(struct world *world, struct letter *letter) {
  (void)world;
  letter->wire_format = WIRE_PUBLIC_MESSAGE + WIRE_PRIVATE_MESSAGE - letter->wire_format;
}

static void signed_as_private(struct world *world, struct bytes *out) {
  propose(world, use_other_wire_format, out);
}

static void signed_as_public(struct world *world, struct bytes *out) {
  say(world, use_other_wire_format, out);
}

/* ---- Tags ---- */

static void tagged(struct world *world, void (*bend)(struct view *), struct bytes *out) {
  struct letter letter;
  uint8_t tag[HASH_MAX] = {0};
  struct bytes body = propose_remove(ERIN);
  letter_begin(&letter, mallory(world), CONTENT_PROPOSAL, bytes_view(&body));
  letter_sign(&letter);
  letter_membership_tag(&letter, tag);
  struct view view = view_of(tag, 32);
  bend(&view);
  letter_tagged(&letter, view.data == NULL ? NULL : &view, out);
  letter_end(&letter);
  bytes_free(&body);
}

static void tag_none(struct view *tag) {
  *tag = VIEW_NONE;
}

static void tag_empty(struct view *tag) {
  tag->size = 0;
}

static void tag_half(struct view *tag) {
  tag->size = 16;
}

static void tag_longer(struct view *tag) {
  tag->size = 33;
}

static void tag_flip(struct view *tag) {
  ((uint8_t *)(uintptr_t)tag->data)[31] ^= 0x80;
}

static void no_membership_tag(struct world *world, struct bytes *out) {
  tagged(world, tag_none, out);
}

static void empty_membership_tag(struct world *world, struct bytes *out) {
  tagged(world, tag_empty, out);
}

static void half_membership_tag(struct world *world, struct bytes *out) {
  tagged(world, tag_half, out);
}

static void long_membership_tag(struct world *world, struct bytes *out) {
  tagged(world, tag_longer, out);
}

static void altered_membership_tag(struct world *world, struct bytes *out) {
  tagged(world, tag_flip, out);
}

/* A commit whose FramedContentAuthData ends with the signature. */
static void no_confirmation_tag(struct world *world, struct bytes *out) {
  struct letter letter;
  struct forgery forgery;
  struct writer writer = {0};
  uint8_t tag[32] = {0};
  forgery_begin(&forgery, mallory(world));
  forgery_path(&forgery);
  forgery_finish_path(&forgery);
  forgery_sign(&forgery, &letter);
  message_write_header(&writer, WIRE_PUBLIC_MESSAGE);
  framed_content_write(&writer, &letter.content);
  write_vector(&writer, letter.auth.signature);
  letter_membership_tag(&letter, tag);
  write_vector(&writer, VIEW_ARRAY(tag));
  *out = taken(&writer);
  letter_end(&letter);
  forgery_end(&forgery);
}

static void proposal_with_confirmation_tag(struct world *world, struct bytes *out) {
  struct writer writer = {0};
  struct bytes message = {0};
  public_proposal(world, &message);
  size_t membership = message.size - 33;
  write_bytes(&writer, view_of(message.data, membership));
  write_vector(&writer, epoch_confirmation_tag(mallory(world)->group->epoch));
  write_bytes(&writer, view_of(message.data + membership, 33));
  *out = taken(&writer);
  bytes_free(&message);
}

static void pad_with_tag(struct world *world, struct letter *letter) {
  letter->padding = epoch_confirmation_tag(mallory(world)->group->epoch);
}

static void application_with_confirmation_tag(struct world *world, struct bytes *out) {
  say(world, pad_with_tag, out);
}

static const struct row rows[] = {
    {"6.2", "nothing: a proposal in a PublicMessage", public_proposal, OK},
    {"6.3", "nothing: a proposal in a PrivateMessage", private_proposal, OK},
    {"6.3", "nothing: application data", application, OK},
    {"6.3.1", "nothing: padding", padded, OK},
    {"", "nothing: as many bytes as the limit says", just_not_too_large, OK},
    {"6.3", "nothing: application data of two epochs ago", past_application, OK},
    {"6", "application data in a PublicMessage", application_in_public, ERR_MALFORMED},
    {"6", "content type 4", content_type_4, ERR_MALFORMED},
    {"2.1", "content type 0 of a PrivateMessage", private_content_type_0, ERR_MALFORMED},
    {"6", "protocol version 0", version_0, ERR_UNSUPPORTED},
    {"6", "protocol version 2", version_2, ERR_UNSUPPORTED},
    {"6", "wire format 0", wire_format_0, ERR_UNSUPPORTED},
    {"6", "wire format 6", wire_format_6, ERR_UNSUPPORTED},
    {"6", "a key package in the place of a message", no_group_message, ERR_MALFORMED},
    {"", "more bytes than the limit", too_large, ERR_LIMIT},
    {"6", "another group", other_group, ERR_INVALID_ARG},
    {"6", "another group in a PrivateMessage", other_group_private, ERR_INVALID_ARG},
    {"6", "the epoch to come", epoch_to_come, ERR_FUTURE_EPOCH},
    {"6", "the last epoch there can be", epoch_at_the_end, ERR_FUTURE_EPOCH},
    {"6", "a proposal of the epoch before", past_proposal, ERR_OLD_EPOCH},
    {"6", "a public proposal of the epoch before", past_public_proposal, ERR_OLD_EPOCH},
    {"6", "application data of three epochs ago", forgotten_application, ERR_OLD_EPOCH},
    {"2.1", "sender type 0", sender_type_0, ERR_MALFORMED},
    {"2.1", "sender type 5", sender_type_5, ERR_MALFORMED},
    {"6.1", "a proposal of sender type new_member_commit", joiner_proposes, ERR_MALFORMED},
    {"6.1", "a blank leaf as sender", blank_sender, ERR_SIGNATURE},
    {"6.1", "a blank leaf as sender of a PrivateMessage", blank_private_sender, ERR_SIGNATURE},
    {"6.1", "a sender beyond the tree", sender_beyond_tree, ERR_SIGNATURE},
    {"6.3.2", "a sender of a PrivateMessage beyond the tree", private_sender_beyond_tree,
     ERR_MALFORMED},
    {"6.1", "leaf 0 as sender", claims_to_be_alice, ERR_SIGNATURE},
    {"6.1", "leaf 0 as sender of a PrivateMessage", claims_to_be_alice_in_private, ERR_SIGNATURE},
    {"6.3.1", "leaf 0 in the sender data only", key_of_other_leaf, ERR_AUTH},
    {"6.1", "signed with another key", signed_by_another, ERR_SIGNATURE},
    {"6.1", "signed with another key, in a PrivateMessage", signed_by_another_in_private,
     ERR_SIGNATURE},
    {"6.1", "signed with another label", signed_with_other_label, ERR_SIGNATURE},
    {"6.1", "signed for the GroupContext before", signed_in_past_context, ERR_SIGNATURE},
    {"6.1", "a PublicMessage signed as a PrivateMessage", signed_as_private, ERR_SIGNATURE},
    {"6.1", "a PrivateMessage signed as a PublicMessage", signed_as_public, ERR_SIGNATURE},
    {"2.1", "no membership tag", no_membership_tag, ERR_MALFORMED},
    {"6.2", "an empty membership tag", empty_membership_tag, ERR_AUTH},
    {"6.2", "half of the membership tag", half_membership_tag, ERR_AUTH},
    {"6.2", "a membership tag with a byte more", long_membership_tag, ERR_AUTH},
    {"6.2", "the last byte of the membership tag", altered_membership_tag, ERR_AUTH},
    {"2.1", "no confirmation tag on a commit", no_confirmation_tag, ERR_MALFORMED},
    {"2.1", "a confirmation tag on a proposal", proposal_with_confirmation_tag, ERR_MALFORMED},
    {"6.3.1", "a confirmation tag on application data", application_with_confirmation_tag,
     ERR_MALFORMED},
};

START_TEST(framing) {
  refuse_message(&rows[_i]);
}
END_TEST

TCase *reject_framing(void) {
  TCase *cases = tcase_create("framing");
  tcase_add_loop_test(cases, framing, 0, COUNT(rows));
  return cases;
}
