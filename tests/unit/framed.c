/* SPDX-License-Identifier: ISC */
#include "framed.h"

#include <string.h>

#include "crypto/sign.h"

const struct suite *framed_suite;

/* ---- Two members with the same secrets ---- */

struct secret membership, sender_data;
struct bytes signature_public;
struct framing_keys alice, bob;
static struct secret signature_key;

static struct secret secret_of(uint8_t fill) {
  struct secret secret = {.size = (uint16_t)framed_suite->hash->size};
  memset(secret.bytes, fill, secret.size);
  return secret;
}

struct secret_tree *framed_tree(void) {
  struct secret secret = secret_of(3);
  struct secret_tree *tree = NULL;
  ck_assert_int_eq(secret_tree_new(framed_suite, &secret, WIDTH, &tree), OK);
  return tree;
}

void members_begin(void) {
  membership = secret_of(1);
  sender_data = secret_of(2);
  ck_assert_int_eq(sign_generate(framed_suite, &signature_key, &signature_public), OK);
  alice = (struct framing_keys){.suite = framed_suite,
                                .group_context = VIEW_TEXT("a group context"),
                                .membership = &membership,
                                .sender_data = &sender_data,
                                .secret_tree = framed_tree(),
                                .max_skip = SKIP};
  bob = alice;
  bob.secret_tree = framed_tree();
}

void members_end(void) {
  secret_tree_free(alice.secret_tree);
  secret_tree_free(bob.secret_tree);
  bytes_free(&signature_public);
}

/* ---- Messages ---- */

struct framed_content content_of(uint8_t content_type, struct view body) {
  return (struct framed_content){.group_id = VIEW_TEXT("group"),
                                 .epoch = 7,
                                 .sender = {SENDER_MEMBER, SPEAKER},
                                 .authenticated_data = VIEW_TEXT("data"),
                                 .content_type = content_type,
                                 .content = body};
}

struct view confirmation_tag(void) {
  static const uint8_t tag[HASH_MAX] = {5};
  return view_of(tag, framed_suite->hash->size);
}

struct authenticated_content signed_as(uint16_t wire_format, struct framed_content content,
                                       struct bytes *signature) {
  ck_assert_int_eq(framing_sign(framed_suite, wire_format, &content, alice.group_context,
                                &signature_key, signature),
                   OK);
  return (struct authenticated_content){
      .wire_format = wire_format,
      .content = content,
      .auth = {.signature = bytes_view(signature), .confirmation_tag = confirmation_tag()}};
}
