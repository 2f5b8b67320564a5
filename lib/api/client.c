/* Clients and key packages.  SPDX-License-Identifier: ISC */
#include "api/handles.h"
#include "base/parallel.h"
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
  const struct suite *suite = suite_find(mls_suite);
  TRY(suite == NULL ? ERR_UNSUPPORTED : OK);
  TRY(client_new(suite, view_of(identity, identity_len), &client));
  TRY(api_client_new(&client, out));
done:
  client_free(client);
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

static enum err set(struct settings *settings, uint32_t setting, uint64_t value) {
  static const struct {
    uint64_t smallest, largest;
  } ranges[] = {
      [E2EE_SET_TIME] = {0, INT64_MAX},
      [E2EE_SET_MAX_MEMBERS] = {1, 1u << 24},
      [E2EE_SET_MAX_MESSAGE_BYTES] = {1, 0x3fffffff},
      [E2EE_SET_PAST_EPOCHS] = {0, PAST_EPOCHS_MAX},
      [E2EE_SET_MAX_SKIP] = {0, 1u << 20},
      [E2EE_SET_ENCRYPT_HANDSHAKE] = {0, 1},
      [E2EE_SET_KEY_PACKAGE_SECONDS] = {1, INT64_MAX},
      [E2EE_SET_MAX_LIFETIME_SECONDS] = {0, UINT64_MAX},
      [E2EE_SET_PADDING] = {0, 1u << 16},
      [E2EE_SET_GREASE] = {0, 1},
      [E2EE_SET_TREE_IN_WELCOME] = {0, 1},
      [E2EE_SET_THREADS] = {1, PARALLEL_MAX},
  };
  if (setting == 0 || setting >= sizeof ranges / sizeof ranges[0])
    return ERR_UNSUPPORTED;
  if (value < ranges[setting].smallest || value > ranges[setting].largest)
    return ERR_INVALID_ARG;
  switch (setting) {
  case E2EE_SET_TIME:
    settings->time = value;
    break;
  case E2EE_SET_MAX_MEMBERS:
    settings->max_members = (uint32_t)value;
    break;
  case E2EE_SET_MAX_MESSAGE_BYTES:
    settings->max_message_bytes = value;
    break;
  case E2EE_SET_PAST_EPOCHS:
    settings->past_epochs = (uint32_t)value;
    break;
  case E2EE_SET_MAX_SKIP:
    settings->max_skip = (uint32_t)value;
    break;
  case E2EE_SET_ENCRYPT_HANDSHAKE:
    settings->encrypt_handshake = value == 1;
    break;
  case E2EE_SET_KEY_PACKAGE_SECONDS:
    settings->key_package_seconds = value;
    break;
  case E2EE_SET_MAX_LIFETIME_SECONDS:
    settings->max_lifetime_seconds = value;
    break;
  case E2EE_SET_PADDING:
    settings->padding = (uint32_t)value;
    break;
  case E2EE_SET_GREASE:
    settings->grease = value == 1;
    break;
  case E2EE_SET_TREE_IN_WELCOME:
    settings->tree_in_welcome = value == 1;
    break;
  default:
    settings->threads = (uint32_t)value;
  }
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
