/* SPDX-License-Identifier: ISC */
#include "tests/maker.h"

#include <check.h>

#include "crypto/hpke.h"
#include "crypto/sign.h"
#include "tests/taken.h"

struct bytes maker_extensions(const uint16_t *types, size_t count) {
  struct writer writer = {0};
  for (size_t i = 0; i < count; i++)
    extension_write(&writer, types[i], VIEW_NONE);
  return taken(&writer);
}

void maker_init(struct maker *maker, uint16_t suite_id) {
  *maker = (struct maker){.suite = suite_find(suite_id)};
  struct secret unused = {0};
  struct writer writer = {0};
  ck_assert_ptr_nonnull(maker->suite);
  ck_assert_int_eq(sign_generate(maker->suite, &maker->signature_key, &maker->signature_public),
                   OK);
  ck_assert_int_eq(hpke_generate_key_pair(maker->suite, &unused, maker->encryption_key), OK);
  ck_assert_int_eq(leaf_own_capabilities(&(struct capabilities){0}, false, &maker->storage,
                                         &maker->fields.capabilities),
                   OK);
  credential_write_basic(&writer, VIEW_TEXT("alice"));
  maker->credential = taken(&writer);
  maker->extensions = maker_extensions((uint16_t[]){EXTENSION_APPLICATION_ID}, 1);
  maker->fields.encryption_key = view_of(maker->encryption_key, maker->suite->kem->public_size);
  maker->fields.signature_key = bytes_view(&maker->signature_public);
  maker->fields.credential = bytes_view(&maker->credential);
  maker->fields.extensions = bytes_view(&maker->extensions);
  maker->fields.source = LEAF_KEY_PACKAGE;
  maker->fields.not_before = 1000;
  maker->fields.not_after = 2000;
  maker->fields.parent_hash = VIEW_TEXT("0123456789abcdef");
  secret_wipe(&unused);
}

void maker_free(struct maker *maker) {
  secret_wipe(&maker->signature_key);
  bytes_free(&maker->signature_public);
  bytes_free(&maker->storage);
  bytes_free(&maker->credential);
  bytes_free(&maker->extensions);
}

struct leaf *maker_leaf(const struct maker *maker) {
  struct leaf *leaf = NULL;
  ck_assert_int_eq(
      leaf_new(maker->suite, &maker->fields, &maker->signature_key, MAKER_GROUP, MAKER_LEAF, &leaf),
      OK);
  return leaf;
}
