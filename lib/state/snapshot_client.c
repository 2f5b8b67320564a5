/* Saving and loading a client.  SPDX-License-Identifier: ISC */
#include <string.h>

#include "base/mem.h"
#include "crypto/hpke.h"
#include "mls/wire/credential.h"
#include "state/seal.h"
#include "state/snapshot.h"
#include "state/snapshot_parts.h"

enum client_key {
  KEY_SUITE = 0,
  KEY_CREDENTIAL = 1, /* Credential */
  KEY_SIGNATURE_PUBLIC = 2,
  KEY_SIGNATURE_PRIVATE = 3,
  KEY_KEY_PACKAGES = 4, /* array of [KeyPackage, private init_key, private encryption_key, marks of
                           the epochs joined with it]; the keys are empty once it is used up */
  KEY_PSKS = 5,         /* array of [psk_id, psk] */
  CLIENT_KEYS
};

#define KEY_PACKAGE_ITEMS 4
#define KEY_PACKAGE_ITEMS_V1 3 /* the marks are missing */
#define PSK_ITEMS 2

/* ---- Saving ---- */

static void write_key_package(struct writer *writer, const struct own_key_package *own) {
  bool used_up = own->secret == NULL;
  cbor_write_array(writer, KEY_PACKAGE_ITEMS);
  cbor_write_bytes(writer, bytes_view(&own->raw));
  cbor_write_bytes(writer, used_up ? VIEW_NONE : secret_view(&own->secret->init_key));
  cbor_write_bytes(writer, used_up ? VIEW_NONE : secret_view(&own->secret->encryption_key));
  cbor_write_bytes(writer,
                   view_of((const uint8_t *)own->joined, own->joined_count * sizeof *own->joined));
}

static void write_client(struct writer *writer, const struct client *client) {
  cbor_write_map(writer, CLIENT_KEYS);
  cbor_write_key(writer, KEY_SUITE);
  cbor_write_uint(writer, client->suite->id);
  snapshot_write_bytes(writer, KEY_CREDENTIAL, bytes_view(&client->credential));
  snapshot_write_bytes(writer, KEY_SIGNATURE_PUBLIC, bytes_view(&client->signature_public));
  snapshot_write_bytes(writer, KEY_SIGNATURE_PRIVATE, secret_view(client->signature_key));
  cbor_write_key(writer, KEY_KEY_PACKAGES);
  cbor_write_array(writer, client->key_package_count);
  for (size_t i = 0; i < client->key_package_count; i++)
    write_key_package(writer, &client->key_packages[i]);
  cbor_write_key(writer, KEY_PSKS);
  cbor_write_array(writer, client->psk_count);
  for (size_t i = 0; i < client->psk_count; i++) {
    cbor_write_array(writer, PSK_ITEMS);
    cbor_write_bytes(writer, bytes_view(&client->psks[i].id));
    cbor_write_bytes(writer, bytes_view(&client->psks[i].psk));
  }
}

enum err snapshot_save_client(struct client *client, struct view key, struct bytes *out) {
  enum err err = OK;
  struct writer writer = {0};
  client_purge_key_packages(client);
  write_client(&writer, client);
  TRY(writer.err);
  TRY(seal(key, SEAL_CLIENT, writer_view(&writer), out));
done:
  writer_free(&writer);
  return err;
}

/* ---- Loading ---- */

/* The private signature key belongs to the public one. */
static enum err check_signature_key(const struct suite *suite, const struct secret *private_key,
                                    struct view public_key, struct why *why) {
  uint8_t derived[SIGNATURE_PUBLIC_MAX];
  const struct signature *signature = suite->signature;
  enum err err = ERR_INVALID_ARG;
  if (private_key->size == signature->private_size)
    err = signature->derive_public(private_key->bytes, derived);
  if (err == OK && !view_equal(view_of(derived, signature->public_size), public_key))
    err = ERR_INVALID_ARG;
  if (err == ERR_INVALID_ARG)
    return refuse(why, ERR_STATE_CORRUPT,
                  "saved state: the private signature key is not that of the public one");
  return err;
}

/* RFC 9420, section 5.3: and the public one to the certificate. */
static enum err check_certificate(const struct suite *suite, struct credential credential,
                                  struct view public_key, struct why *why) {
  enum err err = credential_check_key(suite, credential, public_key);
  if (err == ERR_UNSUPPORTED)
    return refuse(why, err, "saved state: an X.509 credential, which takes OpenSSL to read");
  if (err == ERR_SIGNATURE)
    return refuse(why, err, "saved state: the signature key is not that of the certificate");
  return err;
}

static enum err read_identity(struct reader *reader, const struct suite *suite, struct why *why,
                              struct client **out) {
  enum err err = OK;
  struct view raw, public_key;
  struct credential credential;
  struct secret private_key = {0};
  TRY(snapshot_read_bytes(reader, KEY_CREDENTIAL, &raw));
  struct reader inner = reader_of(raw);
  TRY(credential_read(&inner, &credential));
  TRY(read_end(&inner));
  TRY(snapshot_read_bytes(reader, KEY_SIGNATURE_PUBLIC, &public_key));
  TRY(cbor_read_key(reader, KEY_SIGNATURE_PRIVATE));
  TRY(cbor_read_secret(reader, &private_key));
  TRY(check_signature_key(suite, &private_key, public_key, why));
  TRY(check_certificate(suite, credential, public_key, why));
  TRY(client_restore(suite, raw, public_key, &private_key, out));
done:
  secret_wipe(&private_key);
  return err;
}

/* A key package of this client, with the private keys of its public ones. */
static enum err check_key_package(const struct client *client, struct view raw,
                                  const struct key_package_secret *secret, struct why *why) {
  enum err err = OK;
  struct key_package key_package = {0};
  struct reader reader = reader_of(raw);
  TRY(key_package_read(&reader, why, &key_package));
  TRY(read_end(&reader));
  TRY(require(
      key_package.version == MLS_VERSION_10 && key_package.cipher_suite == client->suite->id &&
          view_equal(leaf_signature_key(key_package.leaf), bytes_view(&client->signature_public)),
      why, ERR_STATE_CORRUPT, "saved state: a key package of somebody else"));
  if (secret->init_key.size == 0 && secret->encryption_key.size == 0)
    goto done; /* used up */
  TRY(hpke_check_key_pair(client->suite, &secret->init_key, key_package.init_key));
  TRY(hpke_check_key_pair(client->suite, &secret->encryption_key,
                          leaf_encryption_key(key_package.leaf)));
done:
  key_package_free(&key_package);
  return err;
}

/* The epochs that were joined with a key package: all that may be, if its private half is gone. */
static enum err read_marks(struct view marks, struct own_key_package *own) {
  size_t count = marks.size / sizeof *own->joined;
  size_t most = own_key_package_is_last_resort(own) ? LAST_RESORT_JOINS_MAX : 0;
  if (marks.size % sizeof *own->joined != 0 || count > most ||
      (own->secret == NULL) != (count == LAST_RESORT_JOINS_MAX))
    return ERR_STATE_CORRUPT;
  if (count > 0)
    memcpy(own->joined, marks.data, marks.size);
  own->joined_count = count;
  return OK;
}

static enum err read_key_package(struct reader *reader, uint8_t version, struct client *client,
                                 struct why *why) {
  enum err err = OK;
  struct view raw, marks = VIEW_NONE;
  struct key_package_secret secret = {0};
  TRY(snapshot_read_tuple(reader, version == 1 ? KEY_PACKAGE_ITEMS_V1 : KEY_PACKAGE_ITEMS));
  TRY(cbor_read_bytes(reader, &raw));
  TRY(cbor_read_secret(reader, &secret.init_key));
  TRY(cbor_read_secret(reader, &secret.encryption_key));
  if (version > 1)
    TRY(cbor_read_bytes(reader, &marks));
  TRY(check_key_package(client, raw, &secret, why));
  TRY(client_add_key_package(client, raw, &secret));
  TRY(read_marks(marks, &client->key_packages[client->key_package_count - 1]));
done:
  wipe(&secret, sizeof secret);
  return err;
}

static enum err read_psk(struct reader *reader, struct client *client) {
  enum err err = OK;
  struct view id, psk;
  TRY(snapshot_read_tuple(reader, PSK_ITEMS));
  TRY(cbor_read_bytes(reader, &id));
  TRY(cbor_read_bytes(reader, &psk));
  TRY(client_add_psk(client, id, psk));
done:
  return err;
}

static enum err read_client(struct reader *reader, uint8_t version, const struct suite *suite,
                            struct why *why, struct client **out) {
  enum err err = OK;
  size_t count = 0;
  struct client *client = NULL;
  TRY(read_identity(reader, suite, why, &client));
  TRY(snapshot_read_array(reader, KEY_KEY_PACKAGES, SIZE_MAX, &count));
  for (size_t i = 0; i < count; i++)
    TRY(read_key_package(reader, version, client, why));
  TRY(snapshot_read_array(reader, KEY_PSKS, SIZE_MAX, &count));
  for (size_t i = 0; i < count; i++)
    TRY(read_psk(reader, client));
  TRY(cbor_read_end(reader));
  *out = client;
  client = NULL;
done:
  client_free(client);
  return err;
}

enum err snapshot_read_client(uint8_t version, struct view content, struct why *why,
                              struct client **out) {
  enum err err = OK;
  uint16_t id = 0;
  struct reader reader = reader_of(content);
  TRY(cbor_read_map(&reader, CLIENT_KEYS));
  TRY(cbor_read_key(&reader, KEY_SUITE));
  TRY(cbor_read_u16(&reader, &id));
  const struct suite *suite = NULL;
  err = suite_use(id, &suite);
  if (err == ERR_UNSUPPORTED)
    return refuse(why, err, "saved state: cipher suite %u is not built in", id);
  TRY(err);
  err = read_client(&reader, version, suite, why, out);
  if (err == ERR_UNSUPPORTED) /* certificates */
    return err;
  TRY(err);
done:
  return snapshot_result(err, why);
}

enum err snapshot_load_client(struct view key, struct view blob, struct why *why,
                              struct client **out) {
  enum err err = OK;
  uint8_t version = 0;
  struct bytes content = {0};
  TRY(unseal(key, SEAL_CLIENT, blob, why, &version, &content));
  TRY(snapshot_read_client(version, bytes_view(&content), why, out));
done:
  bytes_free(&content);
  return err;
}
