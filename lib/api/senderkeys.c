/* SPDX-License-Identifier: ISC */
#include "media/peerkeys.h"

#include <e2ee/media.h>

#include "api/handles.h"
#include "base/mem.h"
#include "base/traces.h"
#include "crypto/provider.h"

static bool good_key(const uint8_t *base_key, size_t size) {
  return base_key != NULL && size >= OWNKEY_BASE_MIN && size <= OWNKEY_BASE_MAX;
}

static bool good_bits(uint32_t bits) {
  return bits >= CHAIN_BITS_MIN && bits <= CHAIN_BITS_MAX;
}

int e2ee_media_new_sender_keys(uint16_t sframe_suite, uint32_t ratchet_bits, e2ee_media **out) {
  enum err err;
  e2ee_media *handle = NULL;
  uint32_t bits = ratchet_bits != 0 ? ratchet_bits : CHAIN_BITS_DEFAULT;
  if (out == NULL)
    return ERR_INVALID_ARG;
  *out = NULL;
  if (!good_bits(bits))
    return ERR_INVALID_ARG;
  TRY(provider_init());
  handle = mem_new(1, sizeof *handle);
  TRY(handle != NULL ? OK : ERR_NOMEM);
  TRY(peerkeys_new(sframe_suite != 0 ? sframe_suite : API_SFRAME_SUITE, bits, &handle->media));
  *out = handle;
  handle = NULL;
done:
  mem_free(handle);
  return err;
}

int e2ee_media_set_own_key(e2ee_media *media, uint64_t generation, const uint8_t *base_key,
                           size_t base_key_len) {
  if (media == NULL || !good_key(base_key, base_key_len))
    return ERR_INVALID_ARG;
  enum err err = peerkeys_set_own(media->media, generation, view_of(base_key, base_key_len));
  traces_wipe();
  return err;
}

int e2ee_media_ratchet(e2ee_media *media, uint64_t *step, e2ee_bytes **base_key) {
  enum err err;
  e2ee_bytes *bytes = NULL;
  if (base_key == NULL)
    return ERR_INVALID_ARG;
  *base_key = NULL;
  if (media == NULL || step == NULL)
    return ERR_INVALID_ARG;
  TRY(api_bytes_new(&bytes));
  TRY(peerkeys_ratchet(media->media, step, &bytes->bytes));
  *base_key = bytes;
  bytes = NULL;
done:
  mem_free(bytes);
  traces_wipe();
  return err;
}

int e2ee_media_add_sender(e2ee_media *media, uint32_t sender, uint32_t ratchet_bits) {
  uint32_t bits = ratchet_bits != 0 ? ratchet_bits : CHAIN_BITS_DEFAULT;
  if (media == NULL || sender == UINT32_MAX || !good_bits(bits))
    return ERR_INVALID_ARG;
  return peerkeys_add(media->media, sender, bits);
}

int e2ee_media_set_sender_key(e2ee_media *media, uint32_t sender, uint64_t generation,
                              uint64_t step, const uint8_t *base_key, size_t base_key_len) {
  if (media == NULL || step > PEERKEYS_STEP_MAX || !good_key(base_key, base_key_len))
    return ERR_INVALID_ARG;
  enum err err =
      peerkeys_set(media->media, sender, generation, step, view_of(base_key, base_key_len));
  traces_wipe();
  return err;
}

int e2ee_media_retire_sender(e2ee_media *media, uint32_t sender, uint64_t generation) {
  if (media == NULL)
    return ERR_INVALID_ARG;
  enum err err = peerkeys_retire(media->media, sender, generation);
  traces_wipe();
  return err;
}

int e2ee_media_remove_sender(e2ee_media *media, uint32_t sender) {
  if (media == NULL)
    return ERR_INVALID_ARG;
  enum err err = peerkeys_remove(media->media, sender);
  traces_wipe();
  return err;
}

int e2ee_media_receiver_new(e2ee_media *media, uint32_t sender, e2ee_receiver **out) {
  if (out == NULL)
    return ERR_INVALID_ARG;
  *out = NULL;
  return media == NULL ? ERR_INVALID_ARG : peerkeys_receiver(media->media, sender, out);
}
