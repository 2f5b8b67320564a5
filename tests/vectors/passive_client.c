/*
 * A client that is added to a group and follows it: the whole of joining and processing, in all three
 * files of passive-client vectors (RFC 9420, sections 12.4.2 and 12.4.3.1).  Ours may have one field
 * more, "linked": vectors of groups that go on from where this one has come to (sections 11.2 and
 * 11.3).
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include "crypto/hpke.h"
#include "crypto/x509.h"
#include "mls/group/join.h"
#include "mls/group/process.h"
#include "mls/wire/message.h"
#include "vectors.h"

/* The KeyPackage in an MLSMessage. */
static enum err open_key_package(struct view message, struct key_package *out) {
  enum err err = OK;
  struct reader reader = reader_of(message);
  uint16_t wire_format = 0;
  TRY(message_read_header(&reader, NULL, &wire_format));
  TRY(wire_format == WIRE_KEY_PACKAGE ? OK : ERR_MALFORMED);
  TRY(key_package_read(&reader, NULL, out));
  err = read_end(&reader);
done:
  return err;
}

/* The private keys are those of the key package. */
static enum err check_keys(const struct suite *suite, const struct key_package *key_package,
                           const struct key_package_secret *secret,
                           const struct secret *signature_key) {
  enum err err = OK;
  uint8_t public_key[SIGNATURE_PUBLIC_MAX];
  TRY(key_package_check(suite, key_package, NULL));
  TRY(hpke_check_key_pair(suite, &secret->init_key, key_package->init_key));
  TRY(hpke_check_key_pair(suite, &secret->encryption_key, leaf_encryption_key(key_package->leaf)));
  TRY(signature_key->size == suite->signature->private_size ? OK : ERR_INVALID_ARG);
  TRY(suite->signature->derive_public(signature_key->bytes, public_key));
  if (!view_equal(leaf_signature_key(key_package->leaf),
                  view_of(public_key, suite->signature->public_size)))
    err = ERR_INVALID_ARG;
done:
  return err;
}

/* A client as the vector describes it, at the end of its key package's lifetime: by then all leaves
 * that others add are valid, whenever the vectors were made. */
static enum err make_client(const struct suite *suite, const struct key_package *key_package,
                            struct key_package_secret *secret, struct secret *signature_key,
                            struct client **out) {
  enum err err = OK;
  const struct leaf *leaf = key_package->leaf;
  struct client *client = NULL;
  uint64_t not_before, not_after;
  TRY(check_keys(suite, key_package, secret, signature_key));
  TRY(client_restore(suite, leaf_credential(leaf).raw, leaf_signature_key(leaf), signature_key,
                     &client));
  TRY(client_add_key_package(client, key_package->raw, secret));
  leaf_lifetime(leaf, &not_before, &not_after);
  client->settings.time = not_after < INT64_MAX ? not_after : INT64_MAX;
  client->settings.max_lifetime_seconds = 0; /* those of the vectors last for ever */
  *out = client;
  client = NULL;
done:
  client_free(client);
  return err;
}

/* A private key.  The vectors leave out the zeros in front of a P-521 scalar. */
static struct secret private_key(json_object *vector, const char *field, size_t size) {
  struct secret secret = vectors_secret(vector, field);
  if (secret.size < size && size <= SECRET_MAX) {
    size_t zeros = size - secret.size;
    memmove(secret.bytes + zeros, secret.bytes, secret.size);
    memset(secret.bytes, 0, zeros);
    secret.size = (uint16_t)size;
  }
  return secret;
}

/* Whether the client has a certificate, and none can be read in this build. */
static bool is_unreadable(json_object *vector) {
  struct bytes message = vectors_bytes(vector, "key_package");
  struct key_package key_package = {0};
  bool x509 = !x509_available() && open_key_package(bytes_view(&message), &key_package) == OK &&
              leaf_credential(key_package.leaf).type == CREDENTIAL_X509;
  key_package_free(&key_package);
  bytes_free(&message);
  return x509;
}

static struct client *read_client(const struct suite *suite, json_object *vector) {
  struct client *client = NULL;
  struct bytes message = vectors_bytes(vector, "key_package");
  struct secret signature_key =
      private_key(vector, "signature_priv", suite->signature->private_size);
  struct key_package_secret secret = {
      .init_key = private_key(vector, "init_priv", suite->kem->private_size),
      .encryption_key = private_key(vector, "encryption_priv", suite->kem->private_size)};
  struct key_package key_package = {0};
  bool ok =
      vectors_ok(open_key_package(bytes_view(&message), &key_package), "key package") &&
      vectors_ok(make_client(suite, &key_package, &secret, &signature_key, &client), "client");
  key_package_free(&key_package);
  secret_wipe(&secret.init_key);
  secret_wipe(&secret.encryption_key);
  secret_wipe(&signature_key);
  bytes_free(&message);
  return ok ? client : NULL;
}

static bool add_psks(struct client *client, json_object *vector) {
  json_object *psks = vectors_array(vector, "external_psks");
  bool ok = true;
  for (size_t i = 0; ok && i < vectors_count(psks); i++) {
    struct bytes id = vectors_bytes(vectors_item(psks, i), "psk_id");
    struct bytes psk = vectors_bytes(vectors_item(psks, i), "psk");
    ok = vectors_ok(client_add_psk(client, bytes_view(&id), bytes_view(&psk)), "PSK");
    bytes_free(&psk);
    bytes_free(&id);
  }
  return ok;
}

static bool check_epoch(const struct group *group, json_object *object, const char *field) {
  return vectors_equal(object, field, secret_view(&group->epoch->secrets->epoch_authenticator));
}

/* @param old  the group that this one goes on from, or NULL */
static struct group *join(struct client *client, const struct group *old, json_object *vector) {
  struct group *group = NULL;
  struct opened_welcome opened = {0};
  struct bytes welcome = vectors_bytes(vector, "welcome"), tree = {0};
  if (vectors_optional(vector, "ratchet_tree") != NULL)
    tree = vectors_bytes(vector, "ratchet_tree");
  bool ok =
      vectors_ok(join_open_successor(client, old, bytes_view(&welcome), bytes_view(&tree), &opened),
                 client->why.text) &&
      vectors_ok(join_accept_welcome(client, &opened, &group), client->why.text);
  opened_welcome_free(&opened);
  bytes_free(&tree);
  bytes_free(&welcome);
  return ok ? group : NULL;
}

static bool take(struct group *group, json_object *hex, uint32_t kind) {
  struct bytes message = vectors_hex(hex);
  struct incoming *incoming = NULL;
  bool ok = vectors_ok(process_message(group, bytes_view(&message), &incoming),
                       group->client->why.text) &&
            incoming->kind == kind && vectors_ok(process_accept(incoming), group->client->why.text);
  incoming_free(incoming);
  bytes_free(&message);
  return ok;
}

static bool follow(struct group *group, json_object *epochs) {
  bool ok = true;
  for (size_t i = 0; ok && i < vectors_count(epochs); i++) {
    json_object *epoch = vectors_item(epochs, i);
    json_object *proposals = vectors_array(epoch, "proposals");
    for (size_t j = 0; ok && j < vectors_count(proposals); j++)
      ok = take(group, vectors_item(proposals, j), E2EE_INCOMING_PROPOSAL);
    ok = ok && take(group, vectors_field(epoch, "commit"), E2EE_INCOMING_COMMIT) &&
         check_epoch(group, epoch, "epoch_authenticator");
  }
  return ok;
}

/* A client's life in one group.  @param out  the group at its end; both are to be freed */
static bool check_life(json_object *vector, const struct group *old, struct client **client,
                       struct group **out) {
  const struct suite *suite = vectors_suite(vector);
  *client = suite == NULL ? NULL : read_client(suite, vector);
  if (*client == NULL || !add_psks(*client, vector))
    return false;
  *out = join(*client, old, vector);
  return *out != NULL && check_epoch(*out, vector, "initial_epoch_authenticator") &&
         follow(*out, vectors_array(vector, "epochs"));
}

static bool check_linked(json_object *vector, const struct group *old) {
  struct client *client = NULL;
  struct group *group = NULL;
  bool ok = check_life(vector, old, &client, &group);
  group_free(group);
  client_free(client);
  return ok;
}

static bool check(json_object *vector) {
  struct client *client = NULL;
  struct group *group = NULL;
  bool ok = check_life(vector, NULL, &client, &group);
  json_object *linked = vectors_optional(vector, "linked");
  for (size_t i = 0; ok && linked != NULL && i < vectors_count(linked); i++)
    ok = check_linked(vectors_item(linked, i), group);
  group_free(group);
  client_free(client);
  return ok;
}

void vectors_passive_client(json_object *root, struct tally *tally) {
  for (size_t i = 0; i < vectors_count(root); i++) {
    json_object *vector = vectors_item(root, i);
    json_object *scenario = vectors_optional(vector, "scenario");
    if (vectors_suite(vector) == NULL || is_unreadable(vector))
      vectors_skip(tally);
    else
      vectors_check(tally, check(vector),
                    scenario == NULL ? "client" : json_object_get_string(scenario), i);
  }
}
