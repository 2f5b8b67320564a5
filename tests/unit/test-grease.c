/*
 * What leaves list, what key packages carry, and GREASE (RFC 9420, sections 7.2, 10 and 13.5).
 * SPDX-License-Identifier: ISC
 */
#include <e2ee/mls.h>

#include "api/handles.h"
#include "crypto/x509.h"
#include "fixture.h"
#include "mls/group/draft.h"
#include "tests/run.h"

#define TYPE 0xf0aa

/* The values of section 13.5. */
#define GREASE_VALUES 15

static uint16_t grease_at(unsigned i) {
  return (uint16_t)(0x0a0a + 0x1010 * i);
}

static bool is_grease(uint16_t type) {
  for (unsigned i = 0; i < GREASE_VALUES; i++)
    if (grease_at(i) == type)
      return true;
  return false;
}

static struct member member[2];
static struct member *const alice = &member[0], *const bob = &member[1];

static void setup(void) {
  members_new(member, 2);
}

static void teardown(void) {
  members_free(member, 2);
}

/* ---- Key packages ---- */

static struct key_package parsed(const e2ee_bytes *message) {
  struct key_package package = {0};
  struct reader reader = reader_of(view_of(BYTES(message)));
  ck_assert_int_eq(message_read_header_of(&reader, WIRE_KEY_PACKAGE, "key package", NULL), OK);
  ck_assert_int_eq(key_package_read(&reader, NULL, &package), OK);
  return package;
}

/* RFC 9420, section 10, for one list of extensions.  @return how many there are */
static unsigned expect_listed(struct view extensions, struct view listed) {
  unsigned count = 0;
  struct reader reader = reader_of(extensions);
  for (; reader.left > 0; count++) {
    struct extension extension;
    ck_assert_int_eq(extension_read(&reader, &extension), OK);
    ck_assert_msg(extension_is_default(extension.type) || list_has(listed, extension.type),
                  "extension 0x%04x is not listed", extension.type);
    ck_assert_msg(!is_grease(extension.type), "GREASE is carried");
  }
  return count;
}

static void expect_well_listed(e2ee_bytes *message, unsigned carried, unsigned in_leaf) {
  struct key_package package = parsed(message);
  struct view listed = leaf_capabilities(package.leaf).extensions;
  ck_assert_uint_eq(expect_listed(package.extensions, listed), carried);
  ck_assert_uint_eq(expect_listed(leaf_extensions(package.leaf), listed), in_leaf);
  unsigned greased = 0;
  for (size_t i = 0; i < listed.size / 2; i++)
    greased += is_grease(list_at(listed, i));
  ck_assert_uint_eq(greased, 1);
  key_package_free(&package);
  e2ee_bytes_free(message);
}

/* GREASE is drawn anew each time, so once is not enough. */
#define DRAWS 40

START_TEST(key_packages_list_what_they_carry) {
  e2ee_bytes *package = NULL;
  for (unsigned i = 0; i < DRAWS; i++) {
    expect_well_listed(key_package_of(alice), 0, 0);
    ck_assert_done(alice, e2ee_key_package_new_last_resort(alice->client, &package));
    expect_well_listed(package, 1, 0);
  }
  ck_assert_done(alice, e2ee_client_extension(alice->client, E2EE_PLACE_KEY_PACKAGE, TYPE,
                                              TEXT("of the key package")));
  ck_assert_done(
      alice, e2ee_client_extension(alice->client, E2EE_PLACE_LEAF, TYPE + 1, TEXT("of the leaf")));
  ck_assert_done(alice, e2ee_client_extension(alice->client, E2EE_PLACE_LEAF, 1, TEXT("app")));
  for (unsigned i = 0; i < DRAWS; i++) {
    expect_well_listed(key_package_of(alice), 1, 2);
    ck_assert_done(alice, e2ee_key_package_new_last_resort(alice->client, &package));
    expect_well_listed(package, 2, 2);
  }
}
END_TEST

/* ---- Nobody supports it ---- */

/* Saying again what leaves list anyway does not list it twice. */
START_TEST(nothing_is_listed_twice) {
  static const struct {
    uint32_t kind;
    uint16_t type;
  } known[] = {{E2EE_TYPE_EXTENSION, EXTENSION_LAST_RESORT},
               {E2EE_TYPE_CREDENTIAL, CREDENTIAL_BASIC},
               {E2EE_TYPE_CREDENTIAL, CREDENTIAL_X509}};
  const size_t count = sizeof known / sizeof known[0] - (x509_available() ? 0 : 1);
  struct member anna = member_new("anna");
  struct bytes before = {0}, after = {0};
  struct capabilities one, two;
  const struct capabilities none = {0};
  ck_assert_int_eq(leaf_own_capabilities(&none, false, &before, &one), OK);
  for (size_t i = 0; i < count; i++)
    ck_assert_done(&anna, e2ee_client_support(anna.client, known[i].kind, known[i].type));
  struct capabilities more = {
      .extensions = writer_view(&anna.client->client->types[TYPE_EXTENSION]),
      .proposals = writer_view(&anna.client->client->types[TYPE_PROPOSAL]),
      .credentials = writer_view(&anna.client->client->types[TYPE_CREDENTIAL])};
  ck_assert_int_eq(leaf_own_capabilities(&more, false, &after, &two), OK);
  ck_assert(view_equal(bytes_view(&before), bytes_view(&after)));
  bytes_free(&before);
  bytes_free(&after);
  member_free(&anna);
}
END_TEST

START_TEST(values) {
  for (unsigned type = 0; type <= UINT16_MAX; type++)
    ck_assert(type_is_grease((uint16_t)type) == is_grease((uint16_t)type));
  for (unsigned entropy = 0; entropy <= UINT8_MAX; entropy++)
    ck_assert(is_grease(grease_value((uint8_t)entropy)));
}
END_TEST

static void expect_invalid(int err) {
  ck_assert_int_eq(err, E2EE_ERR_INVALID_ARG);
}

START_TEST(no_call_takes_it) {
  static const uint8_t key[32] = {1};
  e2ee_bytes *out = NULL;
  e2ee_client *client = NULL;
  e2ee_commit *commit = NULL;
  found_group(member, 2);
  ck_assert_done(alice, e2ee_commit_new(alice->group, &commit));
  for (unsigned i = 0; i < GREASE_VALUES; i++) {
    uint16_t value = grease_at(i);
    for (uint32_t kind = E2EE_TYPE_EXTENSION; kind <= E2EE_TYPE_CREDENTIAL; kind++) {
      expect_invalid(e2ee_client_support(alice->client, kind, value));
      expect_invalid(e2ee_commit_require(commit, kind, value));
    }
    for (uint32_t place = E2EE_PLACE_LEAF; place <= E2EE_PLACE_GROUP_INFO; place++)
      expect_invalid(e2ee_client_extension(alice->client, place, value, TEXT("x")));
    expect_invalid(e2ee_commit_extension(commit, value, TEXT("x")));
    expect_invalid(e2ee_group_propose_extension(alice->group, value, TEXT("x"), &out));
    expect_invalid(e2ee_commit_custom(commit, value, TEXT("x")));
    expect_invalid(e2ee_group_propose_custom(alice->group, value, TEXT("x"), &out));
    expect_invalid(e2ee_client_new_credential(SUITE, value, TEXT("x"), NULL, 0, &client));
    expect_invalid(e2ee_commit_external_sender(commit, key, sizeof key, value, TEXT("x")));
    ck_assert_int_eq(e2ee_supported(E2EE_SUITE_MLS, value), 0);
    ck_assert_int_eq(e2ee_client_new(value, TEXT("x"), &client), E2EE_ERR_UNSUPPORTED);
  }
  e2ee_commit_free(commit);
}
END_TEST

/* A GroupContext that has and requires every GREASE value, as one may that was saved before. */
static struct bytes greased_context(void) {
  struct writer writer = {0}, required = {0};
  struct bytes out = {0};
  for (unsigned kind = 0; kind < 3; kind++) {
    size_t begin = write_begin(&required);
    for (unsigned i = 0; i < GREASE_VALUES; i++)
      write_u16(&required, grease_at(i));
    write_u16(&required, kind == 2 ? E2EE_CREDENTIAL_BASIC : 1);
    write_end(&required, begin);
  }
  for (unsigned i = 0; i < GREASE_VALUES; i++)
    extension_write(&writer, grease_at(i), VIEW_TEXT("x"));
  extension_write(&writer, EXTENSION_REQUIRED_CAPABILITIES, writer_view(&required));
  writer_free(&required);
  ck_assert_int_eq(writer_take(&writer, &out), OK);
  return out;
}

/* What is still asked for after a list of ours: the honest part. */
static void expect_clean_context(const struct group *group) {
  static const uint8_t honest[] = {2, 0, 1, 2, 0, 1, 2, 0, 1};
  struct view required;
  struct reader reader = reader_of(group->epoch->context.extensions);
  while (reader.left > 0) {
    struct extension extension;
    ck_assert_int_eq(extension_read(&reader, &extension), OK);
    ck_assert(!is_grease(extension.type));
  }
  ck_assert(extensions_find(group->epoch->context.extensions, EXTENSION_REQUIRED_CAPABILITIES,
                            &required));
  ck_assert(view_equal(required, VIEW_ARRAY(honest)));
}

static void build_and_accept(struct group *group, struct commit_plan *plan) {
  ck_assert_msg(commit_build(group, plan) == OK, "%s", group->client->why.text);
  ck_assert_int_eq(commit_accepted(group), OK);
  commit_plan_free(plan);
}

START_TEST(own_commits_in_a_group_that_asks_for_it) {
  struct client *client = alice->client->client;
  struct group *group = NULL;
  struct commit_plan plan = {0};
  struct bytes extensions = greased_context(), out = {0};
  e2ee_bytes *package = key_package_of(bob);
  ck_assert_int_eq(group_new_with(client, VIEW_TEXT("group"), bytes_view(&extensions), &group), OK);
  ck_assert_int_eq(commit_plan_add(&plan, group, view_of(BYTES(package))), OK);
  build_and_accept(group, &plan);
  for (unsigned i = 0; i < DRAWS; i++)
    build_and_accept(group, &plan);
  ck_assert_int_eq(group_propose_update(group, &out), OK);
  ck_assert_int_eq(commit_plan_remove(&plan, group, 1), OK);
  build_and_accept(group, &plan);
  /* The first list that is made here has none of it any more. */
  ck_assert_int_eq(commit_plan_extension(&plan, group, 1, VIEW_TEXT("x")), OK);
  build_and_accept(group, &plan);
  expect_clean_context(group);
  group_free(group);
  bytes_free(&out);
  bytes_free(&extensions);
  e2ee_bytes_free(package);
}
END_TEST

/* A list of ours drops GREASE whatever call has made it. */
START_TEST(lists_of_ours_drop_it) {
  struct client *client = alice->client->client;
  struct group *group = NULL;
  struct commit_plan plan = {0};
  struct bytes extensions = greased_context(), reinit = {0};
  struct proposal proposal;
  ck_assert_int_eq(client_support(client, TYPE_EXTENSION, TYPE), OK);
  ck_assert_int_eq(group_new_with(client, VIEW_TEXT("group"), bytes_view(&extensions), &group), OK);
  ck_assert_int_eq(draft_reinit(group, VIEW_TEXT("next"), SUITE, &reinit), OK);
  struct reader reader = reader_of(bytes_view(&reinit));
  ck_assert_int_eq(proposal_read(&reader, NULL, &proposal), OK);
  reader = reader_of(proposal.body.reinit.extensions);
  for (; reader.left > 0;) {
    struct extension extension;
    ck_assert_int_eq(extension_read(&reader, &extension), OK);
    ck_assert(!is_grease(extension.type));
  }
  ck_assert_int_eq(commit_plan_proposal(&plan, group, bytes_view(&reinit)), OK);
  commit_plan_free(&plan);
  ck_assert_int_eq(commit_plan_require(&plan, group, TYPE_EXTENSION, TYPE), OK);
  build_and_accept(group, &plan);
  group_free(group);
  bytes_free(&reinit);
  bytes_free(&extensions);
}
END_TEST

int main(void) {
  TCase *cases = tcase_create("grease");
  tcase_add_checked_fixture(cases, setup, teardown);
  tcase_set_timeout(cases, 120);
  tcase_add_test(cases, key_packages_list_what_they_carry);
  tcase_add_test(cases, nothing_is_listed_twice);
  tcase_add_test(cases, values);
  tcase_add_test(cases, no_call_takes_it);
  tcase_add_test(cases, own_commits_in_a_group_that_asks_for_it);
  tcase_add_test(cases, lists_of_ours_drop_it);
  return run_case("grease", cases);
}
