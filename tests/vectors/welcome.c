/*
 * A Welcome opened with nothing but the private init key (RFC 9420, section 12.4.3.1): which secrets
 * are for the key package, the GroupInfo inside, its signature and its confirmation tag.
 * SPDX-License-Identifier: ISC
 */
#include "mls/wire/welcome.h"

#include "base/mem.h"
#include "crew.h"
#include "crypto/hpke.h"
#include "crypto/sign.h"
#include "mls/keys/schedule.h"
#include "mls/wire/message.h"

/* The body of an MLSMessage of a wire format. */
static enum err open_message(struct view message, uint16_t wire_format, struct reader *body) {
  enum err err = OK;
  uint16_t actual = 0;
  *body = reader_of(message);
  TRY(message_read_header(body, NULL, &actual));
  err = actual == wire_format ? OK : ERR_MALFORMED;
done:
  return err;
}

/* The GroupSecrets that are for a key package. */
static enum err open_secrets(const struct suite *suite, const struct welcome *welcome,
                             struct view key_package, const struct secret *init_key,
                             struct bytes *out) {
  enum err err = OK;
  uint8_t ref[HASH_MAX];
  struct encrypted_group_secrets entry;
  struct reader entries = reader_of(welcome->secrets);
  TRY(key_package_ref(suite, key_package, ref));
  do {
    TRY(encrypted_group_secrets_read(&entries, &entry));
  } while (!view_equal(entry.new_member, view_of(ref, suite->hash->size)));
  err = hpke_decrypt_with_label(suite, init_key, VIEW_NONE, VIEW_TEXT("Welcome"),
                                welcome->encrypted_group_info, entry.secrets.kem_output,
                                entry.secrets.ciphertext, out);
done:
  return err;
}

bool vectors_group_secrets(const struct suite *suite, json_object *vector, struct bytes *out) {
  enum err err = OK;
  struct bytes package_message = vectors_bytes(vector, "key_package");
  struct bytes message = vectors_bytes(vector, "welcome");
  struct secret init_key = vectors_private_key(vector, "init_priv", suite->kem->private_size);
  struct reader body;
  struct view key_package;
  struct welcome welcome;
  TRY(open_message(bytes_view(&package_message), WIRE_KEY_PACKAGE, &body));
  TRY(key_package_skip(&body, NULL, &key_package));
  TRY(open_message(bytes_view(&message), WIRE_WELCOME, &body));
  TRY(welcome_read(&body, &welcome));
  TRY(open_secrets(suite, &welcome, key_package, &init_key, out));
done:
  secret_wipe(&init_key);
  bytes_free(&message);
  bytes_free(&package_message);
  return vectors_ok(err, "group secrets");
}

static enum err open_group_info(const struct suite *suite, const struct secret *joiner_secret,
                                const struct secret *psk_secret, struct view encrypted,
                                struct bytes *out) {
  enum err err = OK;
  uint8_t key[AEAD_KEY_MAX], nonce[AEAD_NONCE_MAX];
  struct secret welcome_secret = {0};
  struct aead_key *aead_key = NULL;
  struct bytes plaintext = {0};
  TRY(encrypted.size >= suite->aead->tag_size ? OK : ERR_MALFORMED);
  TRY(schedule_welcome(suite, joiner_secret, psk_secret, &welcome_secret));
  TRY(schedule_welcome_key(suite, &welcome_secret, key, nonce));
  TRY(suite->aead->key_new(key, &aead_key));
  plaintext.size = encrypted.size - suite->aead->tag_size;
  plaintext.data = mem_new(plaintext.size, 1);
  TRY(plaintext.data == NULL ? ERR_NOMEM : OK);
  TRY(suite->aead->open(aead_key, nonce, NULL, 0, encrypted, plaintext.data));
  bytes_move(out, &plaintext);
done:
  bytes_free(&plaintext);
  suite->aead->key_free(aead_key);
  secret_wipe(&welcome_secret);
  return err;
}

/* The epoch that a GroupInfo tells of gives the confirmation tag in it. */
static enum err check_tag(const struct suite *suite, const struct group_info *info,
                          const struct secret *joiner_secret, const struct secret *psk_secret) {
  enum err err = OK;
  struct epoch_secrets epoch = {0};
  uint8_t tag[HASH_MAX];
  TRY(schedule_epoch(suite, joiner_secret, psk_secret, info->context_raw, &epoch));
  TRY(schedule_confirmation_tag(suite, &epoch, info->context.confirmed_transcript_hash, tag));
  if (!view_equal(info->confirmation_tag, view_of(tag, suite->hash->size)))
    err = ERR_AUTH;
done:
  epoch_secrets_wipe(&epoch);
  return err;
}

static enum err open_welcome(const struct suite *suite, struct view message,
                             struct view key_package_message, const struct secret *init_key,
                             struct view signer) {
  enum err err = OK;
  struct reader body, reader;
  struct welcome welcome;
  struct view key_package;
  struct group_secrets secrets;
  struct group_info info;
  struct secret joiner_secret = {0}, psk_secret = {0};
  struct bytes plaintext = {0}, group_info = {0};
  TRY(open_message(key_package_message, WIRE_KEY_PACKAGE, &body));
  TRY(key_package_skip(&body, NULL, &key_package));
  TRY(open_message(message, WIRE_WELCOME, &body));
  TRY(welcome_read(&body, &welcome));
  TRY(read_end(&body));
  TRY(welcome.cipher_suite == suite->id ? OK : ERR_UNSUPPORTED);
  TRY(open_secrets(suite, &welcome, key_package, init_key, &plaintext));
  reader = reader_of(bytes_view(&plaintext));
  TRY(group_secrets_read(&reader, &secrets));
  TRY(read_end(&reader));
  TRY(secret_set(&joiner_secret, secrets.joiner_secret));
  schedule_zero(suite, &psk_secret);
  TRY(open_group_info(suite, &joiner_secret, &psk_secret, welcome.encrypted_group_info,
                      &group_info));
  reader = reader_of(bytes_view(&group_info));
  TRY(group_info_read(&reader, NULL, &info));
  TRY(read_end(&reader));
  TRY(verify_with_label(suite, signer, VIEW_TEXT("GroupInfoTBS"), info.signed_part,
                        info.signature));
  TRY(check_tag(suite, &info, &joiner_secret, &psk_secret));
done:
  secret_wipe(&joiner_secret);
  bytes_free(&plaintext);
  bytes_free(&group_info);
  return err;
}

static bool check(const struct suite *suite, json_object *vector) {
  struct bytes key_package = vectors_bytes(vector, "key_package");
  struct bytes welcome = vectors_bytes(vector, "welcome");
  struct bytes signer = vectors_bytes(vector, "signer_pub");
  struct secret init_key = vectors_private_key(vector, "init_priv", suite->kem->private_size);
  bool ok = vectors_ok(open_welcome(suite, bytes_view(&welcome), bytes_view(&key_package),
                                    &init_key, bytes_view(&signer)),
                       "welcome");
  secret_wipe(&init_key);
  bytes_free(&signer);
  bytes_free(&welcome);
  bytes_free(&key_package);
  return ok;
}

void vectors_welcome(json_object *root, struct tally *tally) {
  vectors_each(root, tally, "welcome", check);
}

/* ---- Generating: somebody is added to a group in which there are others, and holes ---- */

static void generate(const struct suite *suite, json_object *array) {
  struct crew crew;
  json_object *seen = new_object(), *vector = append_object(array);
  crew_new(&crew, suite, 6);
  crew_found(&crew, 5);
  crew_remove(&crew, 0, 1);
  crew_watch(&crew, 5, seen, "");
  crew_add(&crew, 3, 5);
  put_number(vector, "cipher_suite", suite->id);
  put_same(vector, "init_priv", seen);
  put_hex(vector, "signer_pub", bytes_view(&crew_client(&crew, 3)->signature_public));
  put_same(vector, "key_package", seen);
  put_same(vector, "welcome", seen);
  crew_free(&crew);
  json_object_put(seen);
}

json_object *generate_welcome(uint16_t suite) {
  return generate_suites(suite, generate);
}
