/* PrivateMessages, and the keys that encrypt them.  SPDX-License-Identifier: ISC */
#include "chapters.h"
#include "forge.h"

#define BIT(member) (1u << (member))

static struct member *mallory(struct world *world) {
  return &world->member[MALLORY];
}

static void say(struct world *world, bend_letter *bend, struct bytes *out) {
  mallory_sends(world, CONTENT_APPLICATION, true, bend, out);
}

static void application(struct world *world, struct bytes *out) {
  say(world, NULL, out);
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
  struct bytes body = propose_remove(ERIN);
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

/* Only of its own commits a member says that it was left behind. */
static void commit_of_a_used_generation(struct world *world, struct bytes *out) {
  struct letter letter;
  (void)world_update(world, MALLORY);
  letter_begin(&letter, mallory(world), CONTENT_COMMIT, VIEW_TEXT("commit"));
  letter.generation = 0;
  letter.unkeyed = true;
  letter_send_private(&letter, out);
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
    {"9.2", "nothing: as many generations skipped as the limit says", skips_the_limit, OK},
    {"9.2", "nothing: a skipped generation", in_the_window, OK},
    {"6.3", "nothing: a late message of somebody removed", late_message_of_old_member, OK},
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
    {"9.2", "a commit of a used generation", commit_of_a_used_generation, ERR_REPLAY},
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

START_TEST(private) {
  refuse_message(&rows[_i]);
}
END_TEST

TCase *reject_private(void) {
  TCase *cases = tcase_create("private");
  tcase_add_loop_test(cases, private, 0, COUNT(rows));
  return cases;
}
