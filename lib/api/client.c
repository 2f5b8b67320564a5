/* Clients and key packages.  SPDX-License-Identifier: ISC */
#include <stddef.h>
#include <string.h>

#include "api/handles.h"
#include "base/parallel.h"
#include "base/traces.h"
#include "crypto/provider.h"
#include "state/snapshot.h"

int e2ee_client_new(uint16_t mls_suite, const uint8_t *identity, size_t identity_len,
                    e2ee_client **out) {
  enum err err = OK;
  struct client *client = NULL;
  if (out == NULL)
    return E2EE_ERR_INVALID_ARG;
  *out = NULL;
  if (identity == NULL || identity_len == 0)
    return E2EE_ERR_INVALID_ARG;
  if (identity_len > API_INPUT_MAX)
    return E2EE_ERR_LIMIT;
  TRY(provider_init());
  const struct suite *suite = NULL;
  TRY(suite_use(mls_suite, &suite));
  TRY(client_new(suite, view_of(identity, identity_len), &client));
  TRY(api_client_new(&client, out));
done:
  client_free(client);
  traces_wipe();
  return err;
}

int e2ee_client_load(const uint8_t *key, size_t key_len, const uint8_t *blob, size_t blob_len,
                     e2ee_client **out) {
  enum err err = OK;
  struct client *client = NULL;
  if (out == NULL)
    return E2EE_ERR_INVALID_ARG;
  *out = NULL;
  if (key == NULL || blob == NULL)
    return E2EE_ERR_INVALID_ARG;
  TRY(provider_init());
  TRY(snapshot_load_client(view_of(key, key_len), view_of(blob, blob_len), NULL, &client));
  TRY(api_client_new(&client, out));
done:
  client_free(client);
  traces_wipe();
  return err;
}

int e2ee_client_save(e2ee_client *client, const uint8_t *key, size_t key_len, e2ee_bytes **out) {
  struct e2ee_bytes *result = NULL;
  if (out == NULL)
    return E2EE_ERR_INVALID_ARG;
  *out = NULL;
  if (client == NULL || key == NULL)
    return E2EE_ERR_INVALID_ARG;
  enum err err = api_bytes_begin(client, &result);
  if (err != OK)
    return err;
  err = snapshot_save_client(client->client, view_of(key, key_len), &result->bytes);
  return api_bytes_end(client, err, result, out);
}

void e2ee_client_free(e2ee_client *client) {
  api_client_drop(client);
}

int e2ee_client_public_key(const e2ee_client *client, uint8_t *out, size_t *len) {
  if (client == NULL || len == NULL)
    return E2EE_ERR_INVALID_ARG;
  enum err err = api_enter(client);
  if (err != OK)
    return err;
  return api_leave(client, api_put(bytes_view(&client->client->signature_public), out, len));
}

#define FIELD(name) offsetof(struct settings, name), sizeof((struct settings *)0)->name

/* What may be set, by E2EE_SET_*. */
static const struct setting {
  uint64_t smallest, largest;
  size_t offset, size;
} all_settings[] = {
    [E2EE_SET_TIME] = {0, INT64_MAX, FIELD(time)},
    [E2EE_SET_MAX_MEMBERS] = {1, TREE_MEMBERS_MAX, FIELD(max_members)},
    [E2EE_SET_MAX_MESSAGE_BYTES] = {1, 0x3fffffff, FIELD(max_message_bytes)},
    [E2EE_SET_PAST_EPOCHS] = {0, PAST_EPOCHS_MAX, FIELD(past_epochs)},
    [E2EE_SET_MAX_SKIP] = {0, 1u << 20, FIELD(max_skip)},
    [E2EE_SET_ENCRYPT_HANDSHAKE] = {0, 1, FIELD(encrypt_handshake)},
    [E2EE_SET_KEY_PACKAGE_SECONDS] = {1, INT64_MAX, FIELD(key_package_seconds)},
    [E2EE_SET_MAX_LIFETIME_SECONDS] = {0, UINT64_MAX, FIELD(max_lifetime_seconds)},
    [E2EE_SET_PADDING] = {0, 1u << 16, FIELD(padding)},
    [E2EE_SET_GREASE] = {0, 1, FIELD(grease)},
    [E2EE_SET_TREE_IN_WELCOME] = {0, 1, FIELD(tree_in_welcome)},
    [E2EE_SET_THREADS] = {1, PARALLEL_MAX, FIELD(threads)},
    [E2EE_SET_RESUMPTION_EPOCHS] = {0, PSK_HISTORY_MAX, FIELD(resumption_epochs)},
    [E2EE_SET_CLOCK_SKEW_SECONDS] = {0, INT64_MAX, FIELD(clock_skew_seconds)},
    [E2EE_SET_MAX_LEAF_BYTES] = {1024, LEAF_BYTES_MAX, FIELD(max_leaf_bytes)},
    [E2EE_SET_MAX_CONTEXT_BYTES] = {1024, CONTEXT_BYTES_MAX, FIELD(max_context_bytes)},
};

static enum err set(struct settings *settings, uint32_t number, uint64_t value) {
  const size_t numbers = sizeof all_settings / sizeof *all_settings;
  const struct setting *setting = &all_settings[number < numbers ? number : 0];
  if (setting->size == 0)
    return ERR_UNSUPPORTED;
  if (value < setting->smallest || value > setting->largest)
    return ERR_INVALID_ARG;
  uint8_t *field = (uint8_t *)settings + setting->offset;
  uint32_t word = (uint32_t)value;
  bool flag = value == 1;
  if (setting->size == sizeof value)
    memcpy(field, &value, sizeof value);
  else if (setting->size == sizeof word)
    memcpy(field, &word, sizeof word);
  else
    memcpy(field, &flag, sizeof flag);
  return OK;
}

int e2ee_client_set(e2ee_client *client, uint32_t setting, uint64_t value) {
  if (client == NULL)
    return E2EE_ERR_INVALID_ARG;
  enum err err = api_enter(client);
  if (err != OK)
    return err;
  return api_leave(client, set(&client->client->settings, setting, value));
}

int e2ee_client_explain(const e2ee_client *client, uint8_t *out, size_t *len) {
  if (client == NULL || len == NULL)
    return E2EE_ERR_INVALID_ARG;
  /* Not api_enter(), which forgets what is asked for here; and a dead client may still explain. */
  struct e2ee_client *mine = (struct e2ee_client *)(uintptr_t)client;
  if (!busy_enter(&mine->busy))
    return E2EE_ERR_BUSY;
  size_t size = 0;
  while (mine->client->why.text[size] != 0)
    size++;
  enum err err = api_put(view_of((const uint8_t *)mine->client->why.text, size), out, len);
  busy_leave(&mine->busy);
  return err;
}

int e2ee_key_package_new(e2ee_client *client, e2ee_bytes **out) {
  struct e2ee_bytes *result = NULL;
  if (out == NULL)
    return E2EE_ERR_INVALID_ARG;
  *out = NULL;
  if (client == NULL)
    return E2EE_ERR_INVALID_ARG;
  enum err err = api_bytes_begin(client, &result);
  if (err != OK)
    return err;
  err = client_key_package(client->client, &result->bytes);
  return api_bytes_end(client, err, result, out);
}

int e2ee_key_package_identity(const uint8_t *key_package, size_t key_package_len, uint8_t *out,
                              size_t *len) {
  enum err err = OK;
  struct bytes identity = {0};
  if (key_package == NULL || len == NULL)
    return E2EE_ERR_INVALID_ARG;
  TRY(provider_init());
  TRY(message_key_package_identity(view_of(key_package, key_package_len), &identity));
  TRY(api_put(bytes_view(&identity), out, len));
done:
  bytes_free(&identity);
  return err;
}
