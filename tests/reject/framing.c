/* Messages as such: who sent them, in which epoch, under which key.  SPDX-License-Identifier: ISC */
#include "chapters.h"
#include "forge.h"

#define BIT(member) (1u << (member))

static struct member *mallory(struct world *world) {
  return &world->member[MALLORY];
}

/* What MALLORY proposes: nothing that harms. */
static struct bytes proposal(void) {
  static const uint8_t nothing_required[] = {0, 0, 0};
  return propose_extensions(EXTENSION_REQUIRED_CAPABILITIES, VIEW_ARRAY(nothing_required));
}

typedef void bend_letter(struct world *world, struct letter *letter);

/* A letter of MALLORY's, bent before it is signed. */
static void send(struct world *world, uint8_t content_type, bool encrypt, bend_letter *bend,
                 struct bytes *out) {
  struct letter letter;
  struct bytes body = proposal();
  letter_begin(&letter, mallory(world), content_type,
               content_type == CONTENT_APPLICATION ? VIEW_TEXT("hello") : bytes_view(&body));
  letter.wire_format = encrypt ? WIRE_PRIVATE_MESSAGE : WIRE_PUBLIC_MESSAGE;
  if (bend != NULL)
    bend(world, &letter);
  letter_sign(&letter);
  if (encrypt)
    letter_private(&letter, out);
  else
    letter_public(&letter, out);
  letter_end(&letter);
  bytes_free(&body);
}

static void propose(struct world *world, bend_letter *bend, struct bytes *out) {
  send(world, CONTENT_PROPOSAL, false, bend, out);
}

static void say(struct world *world, bend_letter *bend, struct bytes *out) {
  send(world, CONTENT_APPLICATION, true, bend, out);
}

/* ---- Nothing changed ---- */

static void public_proposal(struct world *world, struct bytes *out) {
  propose(world, NULL, out);
}

static void private_proposal(struct world *world, struct bytes *out) {
  send(world, CONTENT_PROPOSAL, true, NULL, out);
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
  send(world, CONTENT_APPLICATION, false, NULL, out);
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
  struct bytes body = proposal();
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

/* ---- PrivateMessage ---- */

static void pad_first(struct world *world, struct letter *letter) {
  static const uint8_t padding[100] = {1};
  (void)world;
  letter->padding = VIEW_ARRAY(padding);
}

static void pad_last(struct world *world, struct letter *letter) {
  static const uint8_t padding[2] = {0, 0x80};
  (void)world;
  letter->padding = VIEW_ARRAY(padding);
}

static void padding_starts_badly(struct world *world, struct bytes *out) {
  say(world, pad_first, out);
}

static void padding_ends_badly(struct world *world, struct bytes *out) {
  say(world, pad_last, out);
}

static void empty_content(struct world *world, struct bytes *out) {
  struct letter letter;
  letter_begin(&letter, mallory(world), CONTENT_APPLICATION, VIEW_NONE);
  letter_around(&letter, VIEW_NONE, out);
  letter_end(&letter);
}

/* Inside is a proposal, outside it says application data. */
static void mislabelled_content(struct world *world, struct bytes *out) {
  struct letter letter;
  struct bytes body = proposal();
  letter_begin(&letter, mallory(world), CONTENT_PROPOSAL, bytes_view(&body));
  letter.wire_format = WIRE_PRIVATE_MESSAGE;
  letter_sign(&letter);
  letter.type_outside = CONTENT_COMMIT;
  letter_private(&letter, out);
  letter_end(&letter);
  bytes_free(&body);
}

/* Flip a bit of an application message: where it stands, counted from the parts of the message. */
static void altered(struct world *world,
                    size_t (*where)(const struct private_message *, const uint8_t *start),
                    struct bytes *out) {
  uint16_t wire_format = 0;
  struct private_message message;
  application(world, out);
  struct reader reader = reader_of(bytes_view(out));
  ck_assert_int_eq(message_read_header(&reader, NULL, &wire_format), OK);
  ck_assert_int_eq(private_message_read(&reader, &message), OK);
  out->data[where(&message, out->data)] ^= 1;
}

static size_t in_sender_data(const struct private_message *message, const uint8_t *start) {
  return (size_t)(message->encrypted_sender_data.data - start);
}

static size_t in_sender_data_tag(const struct private_message *message, const uint8_t *start) {
  return in_sender_data(message, start) + message->encrypted_sender_data.size - 1;
}

static size_t in_sample(const struct private_message *message, const uint8_t *start) {
  return (size_t)(message->ciphertext.data - start);
}

static size_t in_ciphertext_tag(const struct private_message *message, const uint8_t *start) {
  return in_sample(message, start) + message->ciphertext.size - 1;
}

static void sender_data_altered(struct world *world, struct bytes *out) {
  altered(world, in_sender_data, out);
}

static void sender_data_tag_altered(struct world *world, struct bytes *out) {
  altered(world, in_sender_data_tag, out);
}

static void sample_altered(struct world *world, struct bytes *out) {
  altered(world, in_sample, out);
}

static void ciphertext_tag_altered(struct world *world, struct bytes *out) {
  altered(world, in_ciphertext_tag, out);
}

static void outer_type_altered(struct world *world, struct bytes *out) {
  application(world, out);
  out->data[4 + 8 + 8] = CONTENT_COMMIT;
}

static void rebuilt(struct world *world, void (*bend)(struct private_message *),
                    struct bytes *out) {
  uint16_t wire_format = 0;
  struct private_message message;
  struct writer writer = {0};
  struct bytes original = {0};
  application(world, &original);
  struct reader reader = reader_of(bytes_view(&original));
  ck_assert_int_eq(message_read_header(&reader, NULL, &wire_format), OK);
  ck_assert_int_eq(private_message_read(&reader, &message), OK);
  bend(&message);
  message_write_header(&writer, WIRE_PRIVATE_MESSAGE);
  private_message_write(&writer, &message);
  *out = taken(&writer);
  bytes_free(&original);
}

static void add_data(struct private_message *message) {
  message->authenticated_data = VIEW_TEXT("added on the way");
}

static void cut_sender_data(struct private_message *message) {
  message->encrypted_sender_data.size--;
}

static void authenticated_data_added(struct world *world, struct bytes *out) {
  rebuilt(world, add_data, out);
}

static void sender_data_cut(struct world *world, struct bytes *out) {
  rebuilt(world, cut_sender_data, out);
}

/* ---- Generations ---- */

/* A letter of MALLORY's that all have read: its own ratchet moves on as well. */
static void deliver(struct world *world, const struct bytes *message, uint32_t generation) {
  world_deliver(world, MALLORY, message);
  ck_assert_int_eq(secret_tree_use(mallory(world)->group->epoch->secret_tree, MALLORY,
                                   RATCHET_APPLICATION, generation, UINT32_MAX),
                   OK);
}

static void replay(struct world *world, struct bytes *out) {
  application(world, out);
  deliver(world, out, 0);
}

/* Another message under a key that was used. */
static void key_reused(struct world *world, struct bytes *out) {
  struct letter letter;
  struct bytes used = {0};
  letter_begin(&letter, mallory(world), CONTENT_APPLICATION, VIEW_TEXT("another"));
  letter_send_private(&letter, out);
  application(world, &used);
  deliver(world, &used, 0);
  bytes_free(&used);
}

static void own_message(struct world *world, struct bytes *out) {
  ck_assert_int_eq(group_encrypt(world->member[ALICE].group, VIEW_TEXT("hello"), out), OK);
  world->victims = BIT(ALICE);
}

static void generation(struct world *world, uint32_t generation, uint32_t limit,
                       struct bytes *out) {
  struct letter letter;
  for (size_t i = 0; i < MEMBERS; i++)
    world->member[i].client->settings.max_skip = limit;
  letter_begin(&letter, mallory(world), CONTENT_APPLICATION, VIEW_TEXT("hello"));
  letter.generation = generation;
  letter_send_private(&letter, out);
}

static void skips_the_limit(struct world *world, struct bytes *out) {
  generation(world, 10, 10, out);
}

static void skips_one_more(struct world *world, struct bytes *out) {
  generation(world, 11, 10, out);
}

/* The key of that generation would take hours; the sender data alone are enough to refuse. */
static void skips_all(struct world *world, struct bytes *out) {
  struct letter letter;
  letter_begin(&letter, mallory(world), CONTENT_APPLICATION, VIEW_TEXT("hello"));
  letter.generation = UINT32_MAX;
  letter.unkeyed = true;
  letter_send_private(&letter, out);
}

static void no_skipping_allowed(struct world *world, struct bytes *out) {
  generation(world, 1, 0, out);
}

/* Generations 2 and 5 leave 3 and 4 in a window of two: 0 was given up. */
static void below_the_window(struct world *world, struct bytes *out) {
  static const uint32_t delivered[] = {2, 5};
  generation(world, 0, 2, out);
  for (size_t i = 0; i < 2; i++) {
    struct bytes message = {0};
    generation(world, delivered[i], 2, &message);
    deliver(world, &message, delivered[i]);
    bytes_free(&message);
  }
}

static void in_the_window(struct world *world, struct bytes *out) {
  struct bytes message = {0};
  generation(world, 1, 2, out);
  generation(world, 2, 2, &message);
  deliver(world, &message, 2);
  bytes_free(&message);
}

/* Forged, so the keys it would skip must not be touched: MALLORY's next messages are read. */
static void forged_generation(struct world *world, struct bytes *out) {
  generation(world, 900, 1000, out);
  out->data[out->size - 1] ^= 1;
}

/* ---- Leaves that changed hands: CAROL is removed, judy gets leaf 2 ---- */

static void late_message_of_old_member(struct world *world, struct bytes *out) {
  ck_assert_int_eq(group_encrypt(world->member[CAROL].group, VIEW_TEXT("late"), out), OK);
  world_replace_carol(world);
  world->victims &= ~BIT(CAROL);
}

/* MALLORY helps judy with the keys of the epoch before, in which leaf 2 was CAROL. */
static void late_message_of_new_member(struct world *world, struct bytes *out) {
  struct letter letter;
  world_replace_carol(world);
  letter_from(&letter, mallory(world)->group->past[0], world->joiner.client,
              (struct sender){SENDER_MEMBER, CAROL}, CONTENT_APPLICATION, VIEW_TEXT("late"));
  letter.leaf = letter.ratchet = CAROL;
  letter_send_private(&letter, out);
  world->victims &= ~BIT(CAROL);
}

static void message_of_removed_member(struct world *world, struct bytes *out) {
  struct letter letter;
  world_replace_carol(world);
  letter_from(&letter, mallory(world)->group->epoch, world->member[CAROL].client,
              (struct sender){SENDER_MEMBER, CAROL}, CONTENT_APPLICATION, VIEW_TEXT("hello"));
  letter.leaf = letter.ratchet = CAROL;
  letter_send_private(&letter, out);
  world->victims &= ~BIT(CAROL);
}

static const struct row rows[] = {
    {"6.2", "nothing: a proposal in a PublicMessage", public_proposal, OK},
    {"6.3", "nothing: a proposal in a PrivateMessage", private_proposal, OK},
    {"6.3", "nothing: application data", application, OK},
    {"6.3.1", "nothing: padding", padded, OK},
    {"", "nothing: as many bytes as the limit says", just_not_too_large, OK},
    {"6.3", "nothing: application data of two epochs ago", past_application, OK},
    {"9.2", "nothing: as many generations skipped as the limit says", skips_the_limit, OK},
    {"9.2", "nothing: a skipped generation", in_the_window, OK},
    {"6.3", "nothing: a late message of somebody removed", late_message_of_old_member, OK},

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

    {"6.3.1", "padding that starts with a 1", padding_starts_badly, ERR_MALFORMED},
    {"6.3.1", "padding that ends with a bit", padding_ends_badly, ERR_MALFORMED},
    {"2.1", "no PrivateMessageContent", empty_content, ERR_MALFORMED},
    {"2.1", "a proposal that says to be a commit", mislabelled_content, ERR_MALFORMED},
    {"6.3.2", "the sender data are altered", sender_data_altered, ERR_AUTH},
    {"6.3.2", "the tag of the sender data is altered", sender_data_tag_altered, ERR_AUTH},
    {"6.3.2", "the sample of the ciphertext is altered", sample_altered, ERR_AUTH},
    {"6.3.2", "the content type outside is altered", outer_type_altered, ERR_AUTH},
    {"6.3.2", "the sender data lack a byte", sender_data_cut, ERR_MALFORMED},
    {"6.3.1", "the tag of the ciphertext is altered", ciphertext_tag_altered, ERR_AUTH},
    {"6.3.1", "authenticated data are added", authenticated_data_added, ERR_AUTH},

    {"9.2", "a message twice", replay, ERR_REPLAY},
    {"9.2", "another message of a used generation", key_reused, ERR_REPLAY},
    {"9.2", "the own message", own_message, ERR_REPLAY},
    {"15.3", "one generation more skipped than the limit", skips_one_more, ERR_LIMIT},
    {"15.3", "a generation skipped where none may be", no_skipping_allowed, ERR_LIMIT},
    {"15.3", "2^32 - 1 generations skipped", skips_all, ERR_LIMIT},
    {"9.2", "a skipped generation that was given up", below_the_window, ERR_REPLAY},
    {"6.3.1", "a forged message far ahead", forged_generation, ERR_AUTH},

    {"6.1", "who has the leaf now speaks in an epoch before", late_message_of_new_member,
     ERR_SIGNATURE},
    {"6.1", "who had the leaf before speaks in this epoch", message_of_removed_member,
     ERR_SIGNATURE},
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
