/*
 * What leaves list, what key packages carry, and GREASE (RFC 9420, sections 7.2, 10 and 13.5).
 * SPDX-License-Identifier: ISC
 */
#include <e2ee/mls.h>

#include "api/handles.h"
#include "fixture.h"
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

static struct member member[3];
static struct member *const alice = &member[0];

static void setup(void) {
  members_new(member, 3);
}

static void teardown(void) {
  members_free(member, 3);
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

int main(void) {
  TCase *cases = tcase_create("grease");
  tcase_add_checked_fixture(cases, setup, teardown);
  tcase_set_timeout(cases, 120);
  tcase_add_test(cases, key_packages_list_what_they_carry);
  return run_case("grease", cases);
}
