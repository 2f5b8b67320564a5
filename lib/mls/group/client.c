/* SPDX-License-Identifier: ISC */
#include "mls/group/client.h"

#include <string.h>

#include "base/mem.h"
#include "base/platform.h"
#include "crypto/keyinfo.h"
#include "crypto/provider.h"
#include "crypto/sign.h"
#include "crypto/x509.h"
#include "mls/wire/credential.h"
#include "mls/wire/message.h"

static const struct settings default_settings = {
    .max_message_bytes = 33554432,
    .max_leaf_bytes = 131072,
    .max_context_bytes = 262144,
    .key_package_seconds = 7776000,
    .clock_skew_seconds = 86400,
    .max_members = 32768,
    .past_epochs = 2,
    .resumption_epochs = 64,
    .max_skip = 1000,
    .threads = 1,
    .padding = 64,
    .encrypt_handshake = true,
    .grease = true,
    .tree_in_welcome = true,
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

/* RFC 9420, section 7.2: a leaf lists the type of its own credential. */
static enum err support_own_credential(struct client *client) {
  struct credential credential;
  struct reader reader = reader_of(bytes_view(&client->credential));
  enum err err = credential_read(&reader, &credential);
  if (err == OK && credential.type != CREDENTIAL_BASIC && credential.type != CREDENTIAL_X509)
    err = client_support(client, TYPE_CREDENTIAL, credential.type);
  return err;
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
  TRY(support_own_credential(client));
  TRY(secret_box(signature_key, &client->signature_key));
  *out = client;
  client = NULL;
done:
  client_free(client);
  return err;
}

/*
 * A bare key is known by its size, and its bytes are not looked at: they are secret.  PKCS #8 of the suite's
 * own scheme is longer; that of an Ed25519 key has the size of a scalar of P-384, and one front (RFC 8410,
 * section 7), which is compared in constant time.
 */
static enum err read_private_key(const struct suite *suite, struct view given, struct secret *out) {
  static const uint8_t ed25519[] = {0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
                                    0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};
  if (given.size != suite->signature->private_size) {
    enum err err = keyinfo_read_private(suite, given, out);
    return err == ERR_MALFORMED ? ERR_INVALID_ARG : err;
  }
  if (given.size > sizeof ed25519 &&
      secret_equal(view_of(given.data, sizeof ed25519), VIEW_ARRAY(ed25519)))
    return ERR_INVALID_ARG;
  return secret_set(out, given);
}

static enum err own_keys(const struct suite *suite, struct view given, struct secret *private_key,
                         struct bytes *public_key) {
  enum err err = OK;
  uint8_t derived[SIGNATURE_PUBLIC_MAX];
  if (given.size == 0)
    return sign_generate(suite, private_key, public_key);
  TRY(read_private_key(suite, given, private_key));
  TRY(suite->signature->derive_public(private_key->bytes, derived));
  TRY(bytes_copy(public_key, view_of(derived, suite->signature->public_size)));
done:
  return err;
}

enum err client_new_credential(const struct suite *suite, uint16_t type, struct view body,
                               struct view private_key, struct client **out) {
  enum err err = OK;
  struct secret secret = {0};
  struct bytes public_key = {0}, credential = {0};
  TRY(own_keys(suite, private_key, &secret, &public_key));
  TRY(credential_new(suite, type, body, bytes_view(&public_key), &credential));
  TRY(client_restore(suite, bytes_view(&credential), bytes_view(&public_key), &secret, out));
done:
  secret_wipe(&secret);
  bytes_free(&public_key);
  bytes_free(&credential);
  return err;
}

enum err client_new(const struct suite *suite, struct view identity, struct client **out) {
  return client_new_credential(suite, CREDENTIAL_BASIC, identity, VIEW_NONE, out);
}

static void own_key_package_free(struct own_key_package *own) {
  bytes_free(&own->raw);
  mem_free(own->joined);
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
  for (size_t i = 0; i < client->extension_count; i++)
    bytes_free(&client->extensions[i].data);
  mem_free(client->extensions);
  for (size_t i = 0; i < TYPE_KINDS; i++)
    writer_free(&client->types[i]);
  writer_free(&client->path_types);
  mem_free(client->groups);
  bytes_free(&client->credential);
  bytes_free(&client->signature_public);
  locked_free(client->signature_key, sizeof *client->signature_key);
  mem_free(client);
}

uint64_t client_now(const struct client *client) {
  if (client->settings.time != 0)
    return client->settings.time;
  uint64_t now = 0;
  return platform_clock(&now) ? now : 0;
}

struct lifetime_rules client_lifetime_rules(const struct client *client, enum lifetime_of of) {
  uint64_t now = client_now(client), skew = client->settings.clock_skew_seconds;
  uint64_t longest = client->settings.max_lifetime_seconds;
  if (of == LIFETIME_ADDED)
    return (struct lifetime_rules){now, now, longest};
  /* RFC 9420, section 7.3: what others have added may have expired on the way.  A longest lifetime is
   * the client's own wish, by which no commit of others may be judged. */
  return (struct lifetime_rules){.begun = now + skew, /* each is below 2^63 */
                                 .longest = of == LIFETIME_JOINED ? longest : 0};
}

enum err client_check_size(struct client *client, struct view message) {
  return require(message.size <= client->settings.max_message_bytes, &client->why, ERR_LIMIT,
                 "a message of %zu bytes", message.size);
}

enum err client_explain_size(struct client *client, enum err err) {
  if (err != ERR_LIMIT)
    return err;
  return refuse(&client->why, err, "the message would have more than %llu bytes",
                (unsigned long long)client->settings.max_message_bytes);
}

enum err client_check_leaf_size(struct client *client, size_t size) {
  return require(size <= client->settings.max_leaf_bytes, &client->why, ERR_LIMIT,
                 "a leaf of %zu bytes, with its keys and its signature", size);
}

enum err client_check_own_leaf(struct client *client, const struct leaf_template *fields) {
  const struct suite *suite = client->suite;
  const struct capabilities *can = &fields->capabilities;
  const size_t source = 1 + 2 * sizeof(uint64_t) + HASH_MAX; /* the longest, and a little more */
  return client_check_leaf_size(
      client, vector_size(suite->kem->public_size) + vector_size(suite->signature->public_size) +
                  fields->credential.size + vector_size(can->versions.size) +
                  vector_size(can->cipher_suites.size) + vector_size(can->extensions.size) +
                  vector_size(can->proposals.size) + vector_size(can->credentials.size) + source +
                  vector_size(fields->extensions.size) + vector_size(suite->signature->max_size));
}

enum err client_leaf(const struct client *client, struct leaf_storage *storage,
                     struct leaf_template *out) {
  enum err err = OK;
  struct leaf_template leaf = {
      .signature_key = bytes_view(&client->signature_public),
      .credential = bytes_view(&client->credential),
  };
  struct capabilities more = {
      .extensions = writer_view(&client->types[TYPE_EXTENSION]),
      .proposals = writer_view(&client->types[TYPE_PROPOSAL]),
      .credentials = writer_view(&client->types[TYPE_CREDENTIAL]),
  };
  TRY(leaf_own_capabilities(&more, client->settings.grease, &storage->capabilities,
                            &leaf.capabilities));
  TRY(client_write_extensions(client, PLACE_LEAF, &storage->extensions));
  leaf.extensions = writer_view(&storage->extensions);
  *out = leaf;
done:
  return err;
}

void leaf_storage_free(struct leaf_storage *storage) {
  bytes_free(&storage->capabilities);
  writer_free(&storage->extensions);
}

void client_set_lifetime(const struct client *client, struct leaf_template *leaf) {
  uint64_t now = client_now(client);
  uint64_t seconds = client->settings.key_package_seconds, longest = UINT64_MAX - now;
  leaf->not_before = now > CLOCK_SKEW_SECONDS ? now - CLOCK_SKEW_SECONDS : 0;
  leaf->not_after = now + (seconds < longest ? seconds : longest);
}

/* The raw KeyPackage and its private half. */
static enum err make_key_package(struct client *client, bool last_resort, struct bytes *raw,
                                 struct key_package_secret *secret) {
  enum err err = OK;
  struct leaf_storage storage = {0};
  struct writer extensions = {0};
  struct leaf_template leaf;
  TRY(client_leaf(client, &storage, &leaf));
  TRY(client_check_own_leaf(client, &leaf));
  leaf.source = LEAF_KEY_PACKAGE;
  client_set_lifetime(client, &leaf);
  if (last_resort)
    extension_write(&extensions, EXTENSION_LAST_RESORT, VIEW_NONE);
  TRY(client_write_extensions(client, PLACE_KEY_PACKAGE, &extensions));
  TRY(key_package_new(client->suite, &leaf, writer_view(&extensions), client->signature_key, raw,
                      secret));
done:
  leaf_storage_free(&storage);
  writer_free(&extensions);
  return err;
}

static enum err publish(struct client *client, bool last_resort, struct bytes *out) {
  enum err err = OK;
  struct bytes raw = {0}, message = {0};
  struct writer writer = {0};
  struct key_package_secret secret = {0};
  TRY(make_key_package(client, last_resort, &raw, &secret));
  message_write_header(&writer, WIRE_KEY_PACKAGE);
  write_bytes(&writer, bytes_view(&raw));
  TRY(writer_take(&writer, &message));
  TRY(client_check_size(client, bytes_view(&message)));
  client_purge_key_packages(client);
  TRY(client_add_key_package(client, bytes_view(&raw), &secret));
  client->key_packages[client->key_package_count - 1].fresh = true;
  bytes_move(out, &message);
done:
  wipe(&secret, sizeof secret);
  bytes_free(&raw);
  bytes_free(&message);
  writer_free(&writer);
  return err;
}

enum err client_key_package(struct client *client, struct bytes *out) {
  return publish(client, false, out);
}

enum err client_last_resort_key_package(struct client *client, struct bytes *out) {
  return publish(client, true, out);
}

static enum err own_key_package_parse(const struct suite *suite, struct own_key_package *own) {
  enum err err = OK;
  struct key_package parsed = {0};
  struct view none;
  struct reader reader = reader_of(bytes_view(&own->raw));
  TRY(key_package_read(&reader, NULL, &parsed));
  own->init_key = parsed.init_key;
  leaf_lifetime(parsed.leaf, &own->not_before, &own->not_after);
  if (extensions_find(parsed.extensions, EXTENSION_LAST_RESORT, &none)) {
    own->joined = mem_new(LAST_RESORT_JOINS_MAX, sizeof *own->joined);
    TRY(own->joined == NULL ? ERR_NOMEM : OK);
  }
  TRY(key_package_ref(suite, bytes_view(&own->raw), own->ref));
done:
  key_package_free(&parsed);
  return err;
}

enum err client_add_key_package(struct client *client, struct view raw,
                                struct key_package_secret *secret) {
  enum err err = OK;
  struct own_key_package own = {0};
  TRY(bytes_copy(&own.raw, raw));
  TRY(own_key_package_parse(client->suite, &own));
  TRY(mem_grow(&client->key_packages, &client->key_package_capacity, client->key_package_count + 1,
               sizeof own));
  if (secret->init_key.size > 0) {
    own.secret = locked_new(sizeof *own.secret);
    TRY(own.secret == NULL ? ERR_NOMEM : OK);
    *own.secret = *secret;
    wipe(secret, sizeof *secret);
  }
  client->key_packages[client->key_package_count++] = own;
  own = (struct own_key_package){0};
done:
  own_key_package_free(&own);
  return err;
}

struct own_key_package *client_find_key_package(const struct client *client, struct view ref) {
  for (size_t i = 0; i < client->key_package_count; i++) {
    struct own_key_package *own = &client->key_packages[i];
    if (view_equal(view_of(own->ref, client->suite->hash->size), ref))
      return own;
  }
  return NULL;
}

bool own_key_package_is_last_resort(const struct own_key_package *own) {
  return own->joined != NULL;
}

bool own_key_package_joined(const struct own_key_package *own, const struct epoch_mark *mark) {
  for (size_t i = 0; i < own->joined_count; i++)
    if (view_equal(VIEW_ARRAY(own->joined[i].bytes), VIEW_ARRAY(mark->bytes)))
      return true;
  return false;
}

static void remove_key_package(struct client *client, struct own_key_package *own) {
  size_t at = (size_t)(own - client->key_packages);
  own_key_package_free(own);
  memmove(own, own + 1, (client->key_package_count - at - 1) * sizeof *own);
  client->key_package_count--;
}

void client_use_key_package(struct client *client, struct own_key_package *own,
                            const struct epoch_mark *mark) {
  if (!own_key_package_is_last_resort(own)) {
    remove_key_package(client, own);
    return;
  }
  own->joined[own->joined_count++] = *mark;
  if (own->joined_count == LAST_RESORT_JOINS_MAX) {
    locked_free(own->secret, sizeof *own->secret);
    own->secret = NULL;
  }
}

bool client_remove_key_package(struct client *client, struct view ref) {
  struct own_key_package *own = client_find_key_package(client, ref);
  if (own != NULL)
    remove_key_package(client, own);
  return own != NULL;
}

void client_purge_key_packages(struct client *client) {
  uint64_t now = client_now(client), skew = client->settings.clock_skew_seconds;
  for (size_t i = client->key_package_count; i-- > 0;) {
    uint64_t over = client->key_packages[i].not_after;
    if (over < now && now - over > skew)
      remove_key_package(client, &client->key_packages[i]);
  }
}

enum err client_add_psk(struct client *client, struct view id, struct view psk) {
  enum err err = OK;
  struct external_psk entry = {0};
  TRY(mem_grow(&client->psks, &client->psk_capacity, client->psk_count + 1, sizeof entry));
  TRY(bytes_copy(&entry.id, id));
  TRY(bytes_copy(&entry.psk, psk));
  (void)client_remove_psk(client, id);
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

bool client_remove_psk(struct client *client, struct view id) {
  for (size_t i = 0; i < client->psk_count; i++) {
    if (!view_equal(bytes_view(&client->psks[i].id), id))
      continue;
    bytes_free(&client->psks[i].id);
    bytes_free(&client->psks[i].psk);
    client->psks[i] = client->psks[--client->psk_count];
    return true;
  }
  return false;
}

/* ---- Types and extensions of the application ---- */

static enum err add_type(struct writer *types, uint16_t type) {
  if (list_has(writer_view(types), type))
    return OK;
  write_u16(types, type);
  enum err err = types->err;
  types->err = OK;
  return err;
}

/* What leaf_own_capabilities() lists anyway. */
static bool is_always_listed(enum type_kind kind, uint16_t type) {
  if (kind == TYPE_EXTENSION)
    return type == EXTENSION_LAST_RESORT;
  return kind == TYPE_CREDENTIAL &&
         (type == CREDENTIAL_BASIC || (type == CREDENTIAL_X509 && x509_available()));
}

enum err client_support(struct client *client, enum type_kind kind, uint16_t type) {
  if (is_always_listed(kind, type))
    return OK;
  return add_type(&client->types[kind], type);
}

enum err client_require_path(struct client *client, uint16_t type) {
  return add_type(&client->path_types, type);
}

enum err client_set_extension(struct client *client, uint32_t place, uint16_t type,
                              struct view data) {
  enum err err = OK;
  struct bytes copy = {0};
  size_t at = 0;
  while (at < client->extension_count &&
         (client->extensions[at].place != place || client->extensions[at].type != type))
    at++;
  TRY(mem_grow(&client->extensions, &client->extension_capacity, at + 1,
               sizeof *client->extensions));
  TRY(bytes_copy(&copy, data));
  /* RFC 9420, section 10: a leaf lists its own extensions and those of its key package. */
  if (place != PLACE_GROUP_INFO && !extension_is_default(type))
    TRY(client_support(client, TYPE_EXTENSION, type));
  if (at == client->extension_count)
    client->extensions[client->extension_count++] = (struct own_extension){place, type, {0}};
  bytes_free(&client->extensions[at].data);
  bytes_move(&client->extensions[at].data, &copy);
done:
  bytes_free(&copy);
  return err;
}

/* RFC 9420, section 13.5: an extension with contents that nobody knows.  Only a GroupInfo carries one:
 * in a leaf or a key package its capabilities would have to list the same value (section 10), and
 * there are implementations that take none in a key package, listed or not. */
static void write_grease(struct writer *writer) {
  uint8_t noise[9];
  provider_random(noise, sizeof noise);
  extension_write(writer, grease_value(noise[0]), view_of(noise + 1, noise[0] % sizeof noise));
}

enum err client_write_extensions(const struct client *client, uint32_t place,
                                 struct writer *writer) {
  for (size_t i = 0; i < client->extension_count; i++) {
    const struct own_extension *own = &client->extensions[i];
    if (own->place == place)
      extension_write(writer, own->type, bytes_view(&own->data));
  }
  if (client->settings.grease && place == PLACE_GROUP_INFO)
    write_grease(writer);
  return writer->err;
}

/* ---- Groups ---- */

enum err client_enter_group(struct client *client, const struct group *group) {
  enum err err = mem_grow(&client->groups, &client->group_capacity, client->group_count + 1,
                          sizeof *client->groups);
  if (err == OK)
    client->groups[client->group_count++] = group;
  return err;
}

void client_leave_group(struct client *client, const struct group *group) {
  for (size_t i = 0; i < client->group_count; i++) {
    if (client->groups[i] != group)
      continue;
    client->groups[i] = client->groups[--client->group_count];
    return;
  }
}
