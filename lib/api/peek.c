/* What can be read of a message without keys.  SPDX-License-Identifier: ISC */
#include "mls/group/peek.h"

#include <e2ee/mls.h>

#include "api/handles.h"
#include "crypto/provider.h"

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
                                   .sender = peeked.sender.index,
                                   .proposal_type = peeked.proposal_type,
                                   .cipher_suite = peeked.cipher_suite,
                                   .count = peeked.count};
  api_fill(out, out_size, &info, sizeof info);
  peeked_free(&peeked);
  return OK;
}

static enum err put_ref(struct view message, const struct peeked *peeked, uint32_t index,
                        uint8_t *out, size_t *len) {
  enum err err = OK;
  uint8_t ref[HASH_MAX];
  size_t size = 0;
  struct view named;
  if (peeked->kind == WIRE_WELCOME) {
    TRY(peek_welcome_ref(peeked, index, &named));
    return api_put(named, out, len);
  }
  TRY(peeked->kind == WIRE_KEY_PACKAGE && index == 0 ? OK : ERR_NOT_FOUND);
  TRY(provider_init());
  TRY(message_key_package_ref(message, ref, &size));
  TRY(api_put(view_of(ref, size), out, len));
done:
  return err;
}

int e2ee_message_peek_part(const uint8_t *message, size_t message_len, uint32_t part,
                           uint32_t index, uint8_t *out, size_t *len) {
  enum err err = OK;
  struct peeked peeked = {0};
  if (message == NULL || len == NULL || part < E2EE_PART_GROUP_ID || part > E2EE_PART_IDENTITY)
    return ERR_INVALID_ARG;
  const struct view whole = view_of(message, message_len);
  TRY(peek_message(whole, &peeked));
  if (part == E2EE_PART_KEY_PACKAGE_REF) {
    TRY(put_ref(whole, &peeked, index, out, len));
  } else if (part == E2EE_PART_GROUP_ID) {
    TRY(peeked.group_id.data != NULL && index == 0 ? OK : ERR_NOT_FOUND);
    TRY(api_put(peeked.group_id, out, len));
  } else {
    TRY(peeked.kind == WIRE_KEY_PACKAGE && index == 0 ? OK : ERR_NOT_FOUND);
    TRY(api_put(bytes_view(&peeked.identity), out, len));
  }
done:
  peeked_free(&peeked);
  return err;
}
