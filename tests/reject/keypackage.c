/* Key packages: in a commit, in a proposal, and from the application.  SPDX-License-Identifier: ISC */
#include "chapters.h"
#include "forge.h"

/* An empty extension of a private type. */
static const uint8_t private_extension[] = {0xf1, 0x23, 0};

typedef void bend_key_package(struct world *world, struct key_package_forger *forger);

static void package_straight(struct world *world, struct key_package_forger *forger) {
  (void)world;
  (void)forger;
}

static void package_of_version_2(struct world *world, struct key_package_forger *forger) {
  (void)world;
  forger->version = 2;
}

static void package_of_suite_3(struct world *world, struct key_package_forger *forger) {
  (void)world;
  forger->cipher_suite = 3;
}

static void package_signed_by_another(struct world *world, struct key_package_forger *forger) {
  forger->signature_key = world->member[MALLORY].client->signature_key;
}

static void package_of_other_label(struct world *world, struct key_package_forger *forger) {
  (void)world;
  forger->label = VIEW_TEXT("LeafNodeTBS");
}

static void package_of_one_key(struct world *world, struct key_package_forger *forger) {
  (void)world;
  forger->init_key = forger->leaf.fields.encryption_key;
}

static void package_of_short_key(struct world *world, struct key_package_forger *forger) {
  (void)world;
  forger->init_key.size--;
}

static void package_of_small_order(struct world *world, struct key_package_forger *forger) {
  static const uint8_t zero[32] = {0};
  (void)world;
  forger->init_key = VIEW_ARRAY(zero);
}

static void package_with_listed_extension(struct world *world, struct key_package_forger *forger) {
  static const uint8_t list[] = {0xf1, 0x23};
  (void)world;
  forger->extensions = VIEW_ARRAY(private_extension);
  forger->leaf.fields.capabilities.extensions = VIEW_ARRAY(list);
}

/* Only who adds somebody is strict about it. */
static void package_with_extension(struct world *world, struct key_package_forger *forger) {
  (void)world;
  forger->extensions = VIEW_ARRAY(private_extension);
}

static void package_with_extension_twice(struct world *world, struct key_package_forger *forger) {
  static const uint8_t twice[] = {0, 1, 0, 0, 1, 0};
  (void)world;
  forger->extensions = VIEW_ARRAY(twice);
}

static void leaf_with_extension_twice(struct world *world, struct key_package_forger *forger) {
  static const uint8_t twice[] = {0, 1, 0, 0, 1, 0};
  (void)world;
  forger->leaf.fields.extensions = VIEW_ARRAY(twice);
}

static void leaf_of_update(struct world *world, struct key_package_forger *forger) {
  (void)world;
  forger->leaf.fields.source = LEAF_UPDATE;
}

static void leaf_of_commit(struct world *world, struct key_package_forger *forger) {
  (void)world;
  forger->leaf.fields.source = LEAF_COMMIT;
}

static void leaf_signed_by_another(struct world *world, struct key_package_forger *forger) {
  forger->leaf.signature_key = world->member[MALLORY].client->signature_key;
}

static void leaf_of_other_label(struct world *world, struct key_package_forger *forger) {
  (void)world;
  forger->leaf.label = VIEW_TEXT("KeyPackageTBS");
}

static void leaf_of_short_signature_key(struct world *world, struct key_package_forger *forger) {
  (void)world;
  forger->leaf.fields.signature_key.size--;
}

static void leaf_of_odd_capabilities(struct world *world, struct key_package_forger *forger) {
  static const uint8_t odd[] = {0xf1};
  (void)world;
  forger->leaf.fields.capabilities.proposals = VIEW_ARRAY(odd);
}

static void leaf_of_many_capabilities(struct world *world, struct key_package_forger *forger) {
  static const uint8_t list[2 * 257] = {0xf1, 0x23};
  (void)world;
  forger->leaf.fields.capabilities.extensions = VIEW_ARRAY(list);
}

static void leaf_of_broken_credential(struct world *world, struct key_package_forger *forger) {
  static const uint8_t credential[] = {0, CREDENTIAL_BASIC, 0xff};
  (void)world;
  forger->leaf.fields.credential = VIEW_ARRAY(credential);
}

static void leaf_of_broken_chain(struct world *world, struct key_package_forger *forger) {
  static const uint8_t credential[] = {0, CREDENTIAL_X509, 2, 5, 0x30};
  (void)world;
  forger->leaf.fields.credential = VIEW_ARRAY(credential);
}

static uint64_t now(const struct world *world) {
  return client_now(world->joiner.client);
}

static void far_from_valid(struct world *world, struct key_package_forger *forger) {
  forger->leaf.fields.not_before =
      now(world) + world->joiner.client->settings.clock_skew_seconds + 1000;
  forger->leaf.fields.not_after = forger->leaf.fields.not_before + 1000;
}

static void valid_backwards(struct world *world, struct key_package_forger *forger) {
  forger->leaf.fields.not_before = now(world);
  forger->leaf.fields.not_after = now(world) - 1;
}

static void not_yet_valid(struct world *world, struct key_package_forger *forger) {
  forger->leaf.fields.not_before = now(world) + 1000;
  forger->leaf.fields.not_after = now(world) + 2000;
}

static void expired(struct world *world, struct key_package_forger *forger) {
  forger->leaf.fields.not_before = now(world) - 2000;
  forger->leaf.fields.not_after = now(world) - 1000;
}

static void valid_for_ever(struct world *world, struct key_package_forger *forger) {
  (void)world;
  forger->leaf.fields.not_before = 0;
  forger->leaf.fields.not_after = UINT64_MAX;
}

static void valid_for_too_long(struct world *world, struct key_package_forger *forger) {
  (void)world;
  forger->leaf.fields.not_after = forger->leaf.fields.not_before + LONGEST_LIFETIME + 1;
}

static void valid_for_longest(struct world *world, struct key_package_forger *forger) {
  (void)world;
  forger->leaf.fields.not_after = forger->leaf.fields.not_before + LONGEST_LIFETIME;
}

static const struct {
  const char *section;
  const char *changed;
  bend_key_package *bend;
  enum err expected;
} package_rows[] = {
    {"10.1", "nothing", package_straight, OK},
    {"7.2", "nothing: valid for as long as the limit says", valid_for_longest, OK},
    {"10", "nothing: an extension that nobody knows", package_with_listed_extension, OK},
    {"10", "nothing: one that the leaf does not list", package_with_extension, OK},
    {"10.1", "protocol version 2", package_of_version_2, ERR_UNSUPPORTED},
    {"10.1", "suite 3", package_of_suite_3, ERR_UNSUPPORTED},
    {"10.1", "signed with another key", package_signed_by_another, ERR_SIGNATURE},
    {"10.1", "signed with another label", package_of_other_label, ERR_SIGNATURE},
    {"10.1", "init_key is the encryption_key", package_of_one_key, ERR_INVALID_PROPOSAL},
    {"10", "init_key lacks a byte", package_of_short_key, ERR_INVALID_PROPOSAL},
    {"10", "init_key is of small order", package_of_small_order, ERR_INVALID_PROPOSAL},
    {"13.4", "an extension twice", package_with_extension_twice, ERR_MALFORMED},
    {"13.4", "an extension of the leaf twice", leaf_with_extension_twice, ERR_MALFORMED},
    {"7.3", "a leaf of source update", leaf_of_update, ERR_INVALID_PROPOSAL},
    {"7.3", "a leaf of source commit", leaf_of_commit, ERR_INVALID_PROPOSAL},
    {"7.3", "the leaf is signed with another key", leaf_signed_by_another, ERR_SIGNATURE},
    {"7.3", "the leaf is signed with another label", leaf_of_other_label, ERR_SIGNATURE},
    {"5.1.1", "signature_key lacks a byte", leaf_of_short_signature_key, ERR_INVALID_PROPOSAL},
    {"2.1", "half an item in capabilities", leaf_of_odd_capabilities, ERR_MALFORMED},
    {"2.1", "a credential of broken encoding", leaf_of_broken_credential, ERR_MALFORMED},
    {"2.1", "a chain of certificates that ends too early", leaf_of_broken_chain, ERR_MALFORMED},
    {"", "more capabilities than the limit", leaf_of_many_capabilities, ERR_LIMIT},
    {"7.3", "a lifetime that begins in two days", far_from_valid, ERR_LIFETIME},
    {"7.2", "a lifetime that ends before it begins", valid_backwards, ERR_LIFETIME},
    {"7.3", "a lifetime that has not begun", not_yet_valid, ERR_LIFETIME},
    {"7.3", "a lifetime that is over", expired, ERR_LIFETIME},
    {"7.2", "a lifetime without end", valid_for_ever, ERR_LIFETIME},
    {"7.2", "a lifetime one second over the limit", valid_for_too_long, ERR_LIFETIME},
};

#define PACKAGE_ROWS COUNT(package_rows)

/* What the last rows say holds for who adds, not for who hears of it. */
#define ROWS_OF_WHO_ADDS 4

static enum err when_received(int row) {
  return row < (int)(PACKAGE_ROWS - ROWS_OF_WHO_ADDS) ? package_rows[row].expected : OK;
}

static struct bytes bent_package(struct world *world, int row) {
  struct key_package_forger forger;
  key_package_forger_begin(&forger, world->joiner.client);
  package_rows[row].bend(world, &forger);
  return key_package_forger_end(&forger);
}

static int package_now;

static void package_in_commit(struct world *world, struct bytes *out) {
  struct forgery forgery;
  struct bytes proposal = propose_add(bent_package(world, package_now));
  forgery_begin(&forgery, &world->member[MALLORY]);
  if (package_rows[package_now].expected == ERR_MALFORMED ||
      package_rows[package_now].expected == ERR_LIMIT)
    forgery_list(&forgery, proposal); /* that cannot be read, so not applied */
  else
    forgery_item(&forgery, proposal);
  forgery_send(&forgery, out);
}

static void package_in_proposal(struct world *world, struct bytes *out) {
  struct letter letter;
  struct bytes proposal = propose_add(bent_package(world, package_now));
  letter_begin(&letter, &world->member[MALLORY], CONTENT_PROPOSAL, bytes_view(&proposal));
  letter_send(&letter, out);
  bytes_free(&proposal);
}

START_TEST(key_package_received) {
  package_now = _i / 2;
  const struct row row = {package_rows[_i / 2].section, package_rows[_i / 2].changed,
                          _i % 2 == 0 ? package_in_commit : package_in_proposal,
                          when_received(_i / 2)};
  refuse_message(&row);
}
END_TEST

/* A stored Add that only some members take is for others to commit. */
START_TEST(unlisted_in_own_commit) {
  struct world world;
  struct key_package_forger forger;
  struct commit_plan plan = {0};
  const bool listed = _i == 1;
  world_init(&world, 1);
  key_package_forger_begin(&forger, world.joiner.client);
  (listed ? package_with_listed_extension : package_with_extension)(&world, &forger);
  world_propose(&world, MALLORY, propose_add(key_package_forger_end(&forger)));
  struct group *alice = world.member[ALICE].group;
  ck_assert_int_eq(commit_build(alice, &plan), OK);
  ck_assert((alice->pending->welcome.size > 0) == listed);
  world_free(&world);
}
END_TEST

/* The application hands it over: to add its client in a commit, or to propose that. */
START_TEST(key_package_given) {
  struct world world;
  struct writer writer = {0};
  struct commit_plan plan = {0};
  struct bytes out = {0};
  bool unlisted = package_rows[_i].bend == package_with_extension;
  const struct row row = {package_rows[_i].section, package_rows[_i].changed, NULL,
                          unlisted ? ERR_INVALID_PROPOSAL : package_rows[_i].expected};
  world_init(&world, 1);
  struct bytes raw = bent_package(&world, _i);
  message_write_header(&writer, WIRE_KEY_PACKAGE);
  write_bytes(&writer, bytes_view(&raw));
  struct member *alice = &world.member[ALICE];
  struct bytes before = state_of(alice);
  alice->client->why.text[0] = 0;
  expect_reason(alice->client, commit_plan_add(&plan, alice->group, writer_view(&writer)), &row);
  ck_assert_uint_eq(plan.count, row.expected == OK ? 1 : 0);
  struct bytes after = state_of(alice);
  ck_assert(view_equal(bytes_view(&before), bytes_view(&after)));
  bytes_free(&after);
  alice->client->why.text[0] = 0;
  expect_reason(alice->client, group_propose_add(alice->group, writer_view(&writer), &out), &row);
  after = state_of(alice);
  ck_assert(view_equal(bytes_view(&before), bytes_view(&after)) == (row.expected != OK));
  bytes_free(&after);
  bytes_free(&before);
  bytes_free(&out);
  bytes_free(&raw);
  commit_plan_free(&plan);
  writer_free(&writer);
  world_free(&world);
}
END_TEST

TCase *reject_key_package(void) {
  TCase *cases = tcase_create("keypackage");
  tcase_add_loop_test(cases, key_package_received, 0, 2 * PACKAGE_ROWS);
  tcase_add_loop_test(cases, unlisted_in_own_commit, 0, 2);
  tcase_add_loop_test(cases, key_package_given, 0, PACKAGE_ROWS);
  return cases;
}
