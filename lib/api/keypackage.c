/* The key packages of a client that were not used yet.  SPDX-License-Identifier: ISC */
#include <string.h>

#include "api/handles.h"
#include "crypto/provider.h"

int e2ee_key_package_new_last_resort(e2ee_client *client, e2ee_bytes **out) {
  struct e2ee_bytes *result = NULL;
  if (out == NULL)
    return E2EE_ERR_INVALID_ARG;
  *out = NULL;
  if (client == NULL)
    return E2EE_ERR_INVALID_ARG;
  enum err err = api_bytes_begin(client, &result);
  if (err != OK)
    return err;
  err = client_last_resort_key_package(client->client, &result->bytes);
  return api_bytes_end(client, err, result, out);
}

int e2ee_key_package_ref(const uint8_t *key_package, size_t key_package_len, uint8_t *out,
                         size_t *len) {
  enum err err = OK;
  uint8_t ref[HASH_MAX];
  size_t size = 0;
  if (key_package == NULL || len == NULL)
    return E2EE_ERR_INVALID_ARG;
  TRY(provider_init());
  TRY(message_key_package_ref(view_of(key_package, key_package_len), ref, &size));
  TRY(api_put(view_of(ref, size), out, len));
done:
  return err;
}

static uint32_t flags_of(const struct own_key_package *own) {
  uint32_t flags = own_key_package_is_last_resort(own) ? E2EE_OWN_KEY_PACKAGE_FLAG_LAST_RESORT : 0;
  return own->secret != NULL ? flags : flags | E2EE_OWN_KEY_PACKAGE_FLAG_USED_UP;
}

int e2ee_client_key_packages(const e2ee_client *client, uint32_t *count) {
  if (client == NULL || count == NULL)
    return E2EE_ERR_INVALID_ARG;
  enum err err = api_enter(client);
  if (err != OK)
    return err;
  *count = (uint32_t)client->client->key_package_count;
  return api_leave(client, OK);
}

int e2ee_client_key_package(const e2ee_client *client, uint32_t index, e2ee_own_key_package *out,
                            size_t out_size) {
  if (client == NULL || out == NULL || out_size == 0)
    return E2EE_ERR_INVALID_ARG;
  enum err err = api_enter(client);
  if (err != OK)
    return err;
  struct client *inner = client->client;
  TRY(require(index < inner->key_package_count, &inner->why, ERR_NOT_FOUND,
              "there are only %zu key packages", inner->key_package_count));
  const struct own_key_package *own = &inner->key_packages[index];
  struct e2ee_own_key_package shown = {
      .not_before = own->not_before,
      .not_after = own->not_after,
      .flags = flags_of(own),
      .joined = (uint32_t)own->joined_count,
      .ref_len = (uint32_t)inner->suite->hash->size,
  };
  memcpy(shown.ref, own->ref, shown.ref_len);
  api_fill(out, out_size, &shown, sizeof shown);
done:
  return api_leave(client, err);
}

int e2ee_client_remove_key_package(e2ee_client *client, const uint8_t *ref, size_t ref_len) {
  if (client == NULL || ref == NULL)
    return E2EE_ERR_INVALID_ARG;
  enum err err = api_enter(client);
  if (err != OK)
    return err;
  return api_leave(client, client_remove_key_package(client->client, view_of(ref, ref_len))
                               ? OK
                               : ERR_NOT_FOUND);
}
