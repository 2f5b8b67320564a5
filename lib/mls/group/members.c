/* SPDX-License-Identifier: ISC */
#include "mls/group/members.h"

#include <e2ee/mls.h>

#include "base/mem.h"
#include "base/sync.h"
#include "crypto/provider.h"
#include "mls/wire/credential.h"

#define CODE_GROUPS 12
#define GROUP_DIGITS 5
#define GROUP_BYTES                                                                                \
  5 /* 2^40 is so much more than 10^5 that all groups are as good as equally likely */

struct roster {
  struct refs refs;
  uint32_t own_leaf;
  struct tree *tree;
};

/* ---- Safety codes ---- */

_Static_assert(CODE_GROUPS *(GROUP_DIGITS + 1) - 1 == SAFETY_CODE_SIZE, "size of a safety code");
_Static_assert(CODE_GROUPS *GROUP_BYTES <= HASH_MAX, "bytes of SHA-512");

static enum err safety_code(struct view content, struct bytes *out) {
  enum err err;
  uint8_t hash[HASH_MAX];
  uint8_t code[SAFETY_CODE_SIZE];
  const struct hash *sha512 = provider_hash(HASH_SHA512);
  TRY(require(sha512 != NULL, NULL, ERR_INTERNAL, "there is no SHA-512"));
  TRY(sha512->digest(&content, 1, hash));
  for (size_t group = 0; group < CODE_GROUPS; group++) {
    uint64_t number = 0;
    for (size_t i = 0; i < GROUP_BYTES; i++)
      number = number << 8 | hash[group * GROUP_BYTES + i];
    uint8_t *digits = code + group * (GROUP_DIGITS + 1);
    for (size_t i = GROUP_DIGITS; i-- > 0; number /= 10)
      digits[i] = (uint8_t)('0' + number % 10);
    if (group + 1 < CODE_GROUPS)
      digits[GROUP_DIGITS] = ' ';
  }
  TRY(bytes_copy(out, VIEW_ARRAY(code)));
done:
  return err;
}

static void write_member(struct writer *writer, const struct leaf *leaf) {
  write_vector(writer, leaf_credential(leaf).raw);
  write_vector(writer, leaf_signature_key(leaf));
}

enum err member_safety_code(const struct leaf *a, const struct leaf *b, struct bytes *out) {
  enum err err;
  struct writer first = {0};
  struct writer second = {0};
  struct writer content = {0};
  write_member(&first, a);
  write_member(&second, b);
  TRY(first.err);
  TRY(second.err);
  bool ordered = view_compare(writer_view(&first), writer_view(&second)) <= 0;
  write_vector(&content, VIEW_TEXT("libe2ee 1 safety code of two members"));
  write_vector(&content, writer_view(ordered ? &first : &second));
  write_vector(&content, writer_view(ordered ? &second : &first));
  TRY(content.err);
  TRY(safety_code(writer_view(&content), out));
done:
  writer_free(&content);
  writer_free(&second);
  writer_free(&first);
  return err;
}

enum err epoch_safety_code(struct view epoch_authenticator, struct bytes *out) {
  enum err err;
  struct writer content = {0};
  write_vector(&content, VIEW_TEXT("libe2ee 1 safety code of an epoch"));
  write_vector(&content, epoch_authenticator);
  TRY(content.err);
  TRY(safety_code(writer_view(&content), out));
done:
  writer_free(&content);
  return err;
}

/* ---- Members ---- */

enum err member_read(const struct leaf *own, const struct leaf *member, uint32_t what,
                     struct bytes *out) {
  switch (what) {
  case E2EE_MEMBER_IDENTITY:
    return credential_body(leaf_credential(member), out);
  case E2EE_MEMBER_CREDENTIAL:
    return bytes_copy(out, leaf_credential(member).raw);
  case E2EE_MEMBER_LEAF_EXTENSIONS:
    return bytes_copy(out, leaf_extensions(member));
  case E2EE_MEMBER_LEAF_NODE:
    return bytes_copy(out, leaf_raw(member));
  case E2EE_MEMBER_PUBLIC_KEY:
    return bytes_copy(out, leaf_signature_key(member));
  case E2EE_MEMBER_SAFETY_CODE:
    if (own == NULL)
      return ERR_INVALID_STATE;
    return own == member ? ERR_INVALID_ARG : member_safety_code(own, member, out);
  default:
    return ERR_INVALID_ARG;
  }
}

enum err roster_new(const struct tree *tree, uint32_t own_leaf, struct roster **out) {
  if (tree_leaf(tree, own_leaf) == NULL)
    return ERR_NOT_FOUND;
  struct roster *roster = mem_new(1, sizeof *roster);
  if (roster == NULL)
    return ERR_NOMEM;
  refs_init(&roster->refs);
  roster->own_leaf = own_leaf;
  roster->tree = tree_share(tree);
  *out = roster;
  return OK;
}

struct roster *roster_share(const struct roster *roster) {
  /* The count is the one part of a roster that changes. */
  struct roster *shared = (struct roster *)(uintptr_t)roster;
  refs_take(&shared->refs);
  return shared;
}

void roster_drop(struct roster *roster) {
  if (roster == NULL || !refs_drop(&roster->refs))
    return;
  tree_drop(roster->tree);
  mem_free(roster);
}

bool roster_has(const struct roster *roster, uint32_t leaf) {
  return tree_leaf(roster->tree, leaf) != NULL;
}

uint32_t roster_width(const struct roster *roster) {
  return tree_width(roster->tree);
}

enum err roster_read(const struct roster *roster, uint32_t leaf, uint32_t what, struct bytes *out) {
  const struct leaf *member = tree_leaf(roster->tree, leaf);
  if (member == NULL)
    return ERR_NOT_FOUND;
  return member_read(tree_leaf(roster->tree, roster->own_leaf), member, what, out);
}
