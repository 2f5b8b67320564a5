/* SPDX-License-Identifier: ISC */
#include "mls/client.h"

#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "crypto/sign.h"
#include "mls/message.h"

static const struct settings default_settings = {
    .max_message_bytes = 33554432,
    .key_package_seconds = 7776000,
    .max_lifetime_seconds = 31622400,
    .max_members = 32768,
    .past_epochs = 2,
    .max_skip = 1000,
    .encrypt_handshake = true,
};

/* Clocks of phones are off by minutes: a key package is valid from a while before it is made. */
#define CLOCK_SKEW_SECONDS 3600u

static enum err secret_box(struct secret *moved, struct secret **out) {
  *out = locked_new(sizeof **out);
  if (*out == NULL)
    return ERR_NOMEM;
  secret_move(*out, moved);
  return OK;
}

enum err client_restore(const struct suite *suite, struct view credential,
                        struct view signature_public, struct secret *signature_key,
                        struct client **out) {
  enum err err = OK;
  struct client *client = mem_new(1, sizeof *client);
  TRY(client == NULL ? ERR_NOMEM : OK);
  client->suite = suite;
  client->settings = default_settings;
  TRY(bytes_copy(&client->credential, credential));
  TRY(bytes_copy(&client->signature_public, signature_public));
  TRY(secret_box(signature_key, &client->signature_key));
  *out = client;
  client = NULL;
done:
  client_free(client);
  return err;
}

enum err client_new(const struct suite *suite, struct view identity, struct client **out) {
  enum err err = OK;
  struct secret private_key = {0};
  struct bytes public_key = {0};
  struct writer credential = {0};
  credential_write_basic(&credential, identity);
  TRY(credential.err);
  TRY(sign_generate(suite, &private_key, &public_key));
  TRY(client_restore(suite, writer_view(&credential), bytes_view(&public_key), &private_key, out));
done:
  secret_wipe(&private_key);
  bytes_free(&public_key);
  writer_free(&credential);
  return err;
}

static void own_key_package_free(struct own_key_package *own) {
  bytes_free(&own->raw);
  locked_free(own->secret, sizeof *own->secret);
}

void client_free(struct client *client) {
  if (client == NULL)
    return;
  for (size_t i = 0; i < client->key_package_count; i++)
    own_key_package_free(&client->key_packages[i]);
  for (size_t i = 0; i < client->psk_count; i++) {
    bytes_free(&client->psks[i].id);
    bytes_free(&client->psks[i].psk);
  }
  mem_free(client->key_packages);
  mem_free(client->psks);
  for (size_t i = 0; i < client->group_count; i++)
    bytes_free(&client->group_ids[i]);
  mem_free(client->group_ids);
  bytes_free(&client->credential);
  bytes_free(&client->signature_public);
  locked_free(client->signature_key, sizeof *client->signature_key);
  mem_free(client);
}

static uint64_t client_now(const struct client *client) {
  if (client->settings.time != 0)
    return client->settings.time;
  time_t now = time(NULL);
  return now < 0 ? 0 : (uint64_t)now;
}

struct lifetime_rule client_lifetimes(const struct client *client) {
  return (struct lifetime_rule){client_now(client), client->settings.max_lifetime_seconds};
}

void client_set_lifetime(const struct client *client, struct leaf_template *leaf) {
  uint64_t now = client_now(client);
  uint64_t seconds = client->settings.key_package_seconds, longest = UINT64_MAX - now;
  leaf->not_before = now > CLOCK_SKEW_SECONDS ? now - CLOCK_SKEW_SECONDS : 0;
  leaf->not_after = now + (seconds < longest ? seconds : longest);
}

enum err client_leaf(const struct client *client, struct bytes *storage,
                     struct leaf_template *out) {
  struct leaf_template leaf = {
      .signature_key = bytes_view(&client->signature_public),
      .credential = bytes_view(&client->credential),
  };
  enum err err = leaf_own_capabilities(storage, &leaf.capabilities);
  if (err == OK)
    *out = leaf;
  return err;
}

enum err client_key_package(struct client *client, struct bytes *out) {
  enum err err = OK;
  struct bytes storage = {0}, raw = {0};
  struct writer message = {0};
  struct leaf_template leaf;
  struct key_package_secret secret = {0};
  TRY(client_leaf(client, &storage, &leaf));
  leaf.source = LEAF_KEY_PACKAGE;
  client_set_lifetime(client, &leaf);
  TRY(key_package_new(client->suite, &leaf, VIEW_NONE, client->signature_key, &raw, &secret));
  message_write_header(&message, WIRE_KEY_PACKAGE);
  write_bytes(&message, bytes_view(&raw));
  TRY(message.err);
  TRY(client_add_key_package(client, bytes_view(&raw), &secret));
  TRY(writer_take(&message, out));
done:
  writer_free(&message);
  wipe(&secret, sizeof secret);
  bytes_free(&storage);
  bytes_free(&raw);
  return err;
}

enum err client_add_key_package(struct client *client, struct view raw,
                                struct key_package_secret *secret) {
  enum err err = OK;
  struct own_key_package own = {0};
  TRY(mem_grow(&client->key_packages, &client->key_package_capacity, client->key_package_count + 1,
               sizeof own));
  TRY(bytes_copy(&own.raw, raw));
  TRY(key_package_ref(client->suite, raw, own.ref));
  own.secret = locked_new(sizeof *own.secret);
  TRY(own.secret == NULL ? ERR_NOMEM : OK);
  *own.secret = *secret;
  wipe(secret, sizeof *secret);
  client->key_packages[client->key_package_count++] = own;
  own = (struct own_key_package){0};
done:
  own_key_package_free(&own);
  return err;
}

const struct own_key_package *client_find_key_package(const struct client *client,
                                                      struct view ref) {
  for (size_t i = 0; i < client->key_package_count; i++) {
    const struct own_key_package *own = &client->key_packages[i];
    if (view_equal(view_of(own->ref, client->suite->hash->size), ref))
      return own;
  }
  return NULL;
}

void client_remove_key_package(struct client *client, struct view ref) {
  const struct own_key_package *own = client_find_key_package(client, ref);
  if (own == NULL)
    return;
  size_t at = (size_t)(own - client->key_packages);
  own_key_package_free(&client->key_packages[at]);
  memmove(client->key_packages + at, client->key_packages + at + 1,
          (client->key_package_count - at - 1) * sizeof *own);
  client->key_package_count--;
}

enum err client_add_psk(struct client *client, struct view id, struct view psk) {
  enum err err = OK;
  struct external_psk entry = {0};
  TRY(mem_grow(&client->psks, &client->psk_capacity, client->psk_count + 1, sizeof entry));
  TRY(bytes_copy(&entry.id, id));
  TRY(bytes_copy(&entry.psk, psk));
  client->psks[client->psk_count++] = entry;
  entry = (struct external_psk){0};
done:
  bytes_free(&entry.id);
  bytes_free(&entry.psk);
  return err;
}

bool client_find_psk(const struct client *client, struct view id, struct view *psk) {
  for (size_t i = 0; i < client->psk_count; i++) {
    if (!view_equal(bytes_view(&client->psks[i].id), id))
      continue;
    *psk = bytes_view(&client->psks[i].psk);
    return true;
  }
  return false;
}

static size_t find_group(const struct client *client, struct view group_id) {
  size_t at = 0;
  while (at < client->group_count && !view_equal(bytes_view(&client->group_ids[at]), group_id))
    at++;
  return at;
}

bool client_in_group(const struct client *client, struct view group_id) {
  return find_group(client, group_id) < client->group_count;
}

enum err client_enter_group(struct client *client, struct view group_id) {
  enum err err = OK;
  TRY(mem_grow(&client->group_ids, &client->group_capacity, client->group_count + 1,
               sizeof *client->group_ids));
  TRY(bytes_copy(&client->group_ids[client->group_count], group_id));
  client->group_count++;
done:
  return err;
}

void client_leave_group(struct client *client, struct view group_id) {
  size_t at = find_group(client, group_id);
  if (at == client->group_count)
    return;
  bytes_free(&client->group_ids[at]);
  client->group_ids[at] = client->group_ids[--client->group_count];
}
