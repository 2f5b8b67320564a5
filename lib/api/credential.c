/* Clients of mls.h: credentials, types, extensions, pre-shared keys.  SPDX-License-Identifier: ISC */
#include <e2ee/mls.h>

#include "api/handles.h"
#include "base/platform.h"
#include "base/traces.h"
#include "crypto/provider.h"
#include "crypto/x509.h"

int e2ee_client_new_credential(uint16_t mls_suite, uint16_t credential_type, const uint8_t *body,
                               size_t body_len, const uint8_t *private_key, size_t private_key_len,
                               e2ee_client **out) {
  enum err err = OK;
  struct client *client = NULL;
  if (out == NULL)
    return E2EE_ERR_INVALID_ARG;
  *out = NULL;
  if (!api_type(credential_type) || body == NULL || body_len == 0 ||
      (private_key == NULL) != (private_key_len == 0))
    return E2EE_ERR_INVALID_ARG;
  if (body_len > API_INPUT_MAX || private_key_len > API_INPUT_MAX)
    return E2EE_ERR_LIMIT;
  TRY(provider_init());
  const struct suite *suite = NULL;
  TRY(suite_use(mls_suite, &suite));
  TRY(client_new_credential(suite, credential_type, view_of(body, body_len),
                            view_of(private_key, private_key_len), &client));
  TRY(api_client_new(&client, out));
done:
  client_free(client);
  traces_wipe();
  return err;
}

int e2ee_x509_verify(const uint8_t *chain, size_t chain_len, const uint8_t *roots, size_t roots_len,
                     uint64_t time_now) {
  enum err err = OK;
  if (chain == NULL || roots == NULL)
    return E2EE_ERR_INVALID_ARG;
  if (time_now == 0 && !platform_clock(&time_now))
    time_now = UINT64_MAX; /* when no certificate is valid */
  TRY(provider_init());
  TRY(x509_verify(view_of(chain, chain_len), view_of(roots, roots_len), time_now));
done:
  return err;
}

int e2ee_client_support(e2ee_client *client, uint32_t kind, uint16_t type) {
  if (client == NULL || kind < E2EE_TYPE_EXTENSION || kind > E2EE_TYPE_CREDENTIAL ||
      !api_type(type) || (kind == E2EE_TYPE_PROPOSAL && !proposal_is_custom(type)))
    return E2EE_ERR_INVALID_ARG;
  enum err err = api_enter(client);
  if (err != OK)
    return err;
  return api_leave(client, client_support(client->client, (enum type_kind)kind, type));
}

int e2ee_client_require_path(e2ee_client *client, uint16_t proposal_type) {
  if (client == NULL || !proposal_is_custom(proposal_type))
    return E2EE_ERR_INVALID_ARG;
  enum err err = api_enter(client);
  if (err != OK)
    return err;
  return api_leave(client, client_require_path(client->client, proposal_type));
}

/* RFC 9420's own extensions are written where they belong, never by the application. */
static bool may_carry(uint32_t place, uint16_t type) {
  if (type == EXTENSION_APPLICATION_ID)
    return place == E2EE_PLACE_LEAF;
  return api_type(type) && !extension_is_default(type) && type != EXTENSION_LAST_RESORT;
}

int e2ee_client_extension(e2ee_client *client, uint32_t place, uint16_t type, const uint8_t *data,
                          size_t data_len) {
  if (client == NULL || place < E2EE_PLACE_LEAF || place > E2EE_PLACE_GROUP_INFO ||
      !may_carry(place, type) || !api_given(data, data_len))
    return E2EE_ERR_INVALID_ARG;
  if (data_len > API_INPUT_MAX)
    return E2EE_ERR_LIMIT;
  enum err err = api_enter(client);
  if (err != OK)
    return err;
  return api_leave(client,
                   client_set_extension(client->client, place, type, view_of(data, data_len)));
}

int e2ee_client_add_psk(e2ee_client *client, const uint8_t *id, size_t id_len, const uint8_t *psk,
                        size_t psk_len) {
  if (client == NULL || id == NULL || id_len == 0 || psk == NULL || psk_len == 0)
    return E2EE_ERR_INVALID_ARG;
  if (id_len > API_INPUT_MAX || psk_len > API_INPUT_MAX)
    return E2EE_ERR_LIMIT;
  enum err err = api_enter(client);
  if (err != OK)
    return err;
  return api_leave(client,
                   client_add_psk(client->client, view_of(id, id_len), view_of(psk, psk_len)));
}

int e2ee_client_remove_psk(e2ee_client *client, const uint8_t *id, size_t id_len) {
  if (client == NULL || id == NULL)
    return E2EE_ERR_INVALID_ARG;
  enum err err = api_enter(client);
  if (err != OK)
    return err;
  return api_leave(client,
                   client_remove_psk(client->client, view_of(id, id_len)) ? OK : ERR_NOT_FOUND);
}
