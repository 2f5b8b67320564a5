/* What can be read of a message without keys.  SPDX-License-Identifier: ISC */
#include "mls/group/peek.h"

#include <e2ee/mls.h>

#include "api/handles.h"
#include "crypto/provider.h"

static bool has_index(const struct peeked *peeked) {
  return peeked->sender.type == SENDER_MEMBER || peeked->sender.type == SENDER_EXTERNAL;
}

int e2ee_message_peek(const uint8_t *message, size_t message_len, e2ee_message_info *out,
                      size_t out_size) {
  struct peeked peeked;
  if (message == NULL || out == NULL || out_size == 0)
    return ERR_INVALID_ARG;
  enum err err = peek_message(view_of(message, message_len), &peeked);
  if (err != OK)
    return err;
  struct e2ee_message_info info = {.epoch = peeked.epoch,
                                   .not_before = peeked.not_before,
                                   .not_after = peeked.not_after,
                                   .kind = peeked.kind,
                                   .content_type = peeked.content_type,
                                   .sender_type = peeked.sender.type,
                                   .sender = has_index(&peeked) ? peeked.sender.index : UINT32_MAX,
                                   .proposal_type = peeked.proposal_type,
                                   .cipher_suite = peeked.cipher_suite,
                                   .count = peeked.count};
  api_fill(out, out_size, &info, sizeof info);
  peeked_free(&peeked);
  return OK;
}

/* One part; empty where there is none.  @param out  to be freed */
static enum err read_part(struct view message, const struct peeked *peeked, uint32_t part,
                          struct bytes *out) {
  enum err err = OK;
  uint8_t ref[HASH_MAX];
  size_t size = 0;
  if (part == E2EE_PART_GROUP_ID)
    return bytes_copy(out, peeked->group_id);
  if (part == E2EE_PART_IDENTITY)
    return bytes_copy(out, bytes_view(&peeked->identity));
  if (peeked->kind == WIRE_WELCOME)
    return peek_welcome_refs(peeked, out);
  if (peeked->kind != WIRE_KEY_PACKAGE)
    return OK;
  TRY(provider_init());
  TRY(message_key_package_ref(message, ref, &size));
  TRY(bytes_copy(out, view_of(ref, size)));
done:
  return err;
}

int e2ee_message_peek_part(const uint8_t *message, size_t message_len, uint32_t part, uint8_t *out,
                           size_t *len) {
  enum err err = OK;
  struct peeked peeked = {0};
  struct bytes found = {0};
  if (message == NULL || len == NULL || part < E2EE_PART_GROUP_ID || part > E2EE_PART_IDENTITY)
    return ERR_INVALID_ARG;
  const struct view whole = view_of(message, message_len);
  TRY(peek_message(whole, &peeked));
  TRY(read_part(whole, &peeked, part, &found));
  TRY(found.size > 0 ? OK : ERR_NOT_FOUND);
  TRY(api_put(bytes_view(&found), out, len));
done:
  peeked_free(&peeked);
  bytes_free(&found);
  return err;
}
