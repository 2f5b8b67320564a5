/* SPDX-License-Identifier: ISC */
#include "crypto/hpke.h"

#include <string.h>

#include "base/mem.h"
#include "crypto/labeled.h"

static struct suite_id hpke_id(const struct suite *suite) {
  const uint16_t kem = suite->kem->id;
  return (struct suite_id){{'H', 'P', 'K', 'E', (uint8_t)(kem >> 8), (uint8_t)kem,
                            (uint8_t)(suite->hpke_kdf >> 8), (uint8_t)suite->hpke_kdf,
                            (uint8_t)(suite->hpke_aead >> 8), (uint8_t)suite->hpke_aead},
                           10};
}

/* ---- Key pairs ---- */

enum err hpke_derive_key_pair(const struct suite *suite, struct view input,
                              struct secret *private_key, uint8_t *public_key) {
  return suite->kem->derive_key_pair(suite->kem, input, private_key, public_key);
}

enum err hpke_generate_key_pair(const struct suite *suite, struct secret *private_key,
                                uint8_t *public_key) {
  return suite->kem->generate_key_pair(suite->kem, private_key, public_key);
}

/* A member with a key that nothing can be encrypted to would keep all others from committing. */
enum err hpke_check_public_key(const struct suite *suite, struct view public_key) {
  if (public_key.size != suite->kem->public_size)
    return ERR_MALFORMED;
  return suite->kem->check_public(suite->kem, public_key.data);
}

enum err hpke_check_key_pair(const struct suite *suite, const struct secret *private_key,
                             struct view public_key) {
  const struct kem *kem = suite->kem;
  uint8_t derived[KEM_PUBLIC_MAX];
  if (private_key->size != kem->private_size)
    return ERR_INVALID_ARG;
  enum err err = kem->derive_public(kem, private_key->bytes, derived);
  if (err == OK && !view_equal(view_of(derived, kem->public_size), public_key))
    err = ERR_INVALID_ARG;
  return err;
}

/* @param kem_output  out, kem->output_size bytes */
static enum err encapsulate(const struct suite *suite, struct view public_key,
                            struct secret *shared, uint8_t *kem_output) {
  if (public_key.size != suite->kem->public_size)
    return ERR_MALFORMED;
  return suite->kem->encapsulate(suite->kem, public_key.data, shared, kem_output);
}

/* @param public_key  the receiver's, or VIEW_NONE */
static enum err decapsulate(const struct suite *suite, const struct secret *private_key,
                            struct view public_key, struct view kem_output, struct secret *shared) {
  const struct kem *kem = suite->kem;
  if (private_key->size != kem->private_size)
    return ERR_INVALID_ARG;
  if (kem_output.size != kem->output_size)
    return ERR_MALFORMED;
  return kem->decapsulate(kem, private_key->bytes, public_key.size > 0 ? public_key.data : NULL,
                          kem_output.data, shared);
}

/* ---- Key schedule of base mode (RFC 9180, section 5.1) ---- */

/* The context of an info, which is in two parts. */
static enum err context_new(const struct suite *suite, struct view first, struct view second,
                            struct hpke_context *out) {
  enum err err;
  const struct hash *hash = suite->hash;
  struct secret psk_id_hash = {0}, info_hash = {0};
  TRY(labeled_extract(hash, hpke_id(suite), VIEW_NONE, VIEW_TEXT("psk_id_hash"), VIEW_NONE,
                      VIEW_NONE, &psk_id_hash));
  TRY(labeled_extract(hash, hpke_id(suite), VIEW_NONE, VIEW_TEXT("info_hash"), first, second,
                      &info_hash));
  out->bytes[0] = 0; /* mode_base */
  memcpy(out->bytes + 1, psk_id_hash.bytes, hash->size);
  memcpy(out->bytes + 1 + hash->size, info_hash.bytes, hash->size);
  out->size = 1 + 2 * hash->size;
done:
  return err;
}

/* The secret from which all else is derived. */
static enum err schedule_secret(const struct suite *suite, const struct secret *shared,
                                struct secret *out) {
  return labeled_extract(suite->hash, hpke_id(suite), secret_view(shared), VIEW_TEXT("secret"),
                         VIEW_NONE, VIEW_NONE, out);
}

static enum err schedule_expand(const struct suite *suite, const struct secret *secret,
                                const struct hpke_context *context, struct view label, uint8_t *out,
                                size_t size) {
  return labeled_expand(suite->hash, hpke_id(suite), secret, label,
                        view_of(context->bytes, context->size), VIEW_NONE, out, size);
}

/* The AEAD key, and the nonce of the first and only message under it. */
static enum err schedule_key(const struct suite *suite, const struct secret *shared,
                             const struct hpke_context *context, struct aead_key **key,
                             uint8_t *nonce) {
  enum err err;
  uint8_t bytes[AEAD_KEY_MAX];
  struct secret secret = {0};
  TRY(schedule_secret(suite, shared, &secret));
  TRY(schedule_expand(suite, &secret, context, VIEW_TEXT("key"), bytes, suite->aead->key_size));
  TRY(schedule_expand(suite, &secret, context, VIEW_TEXT("base_nonce"), nonce,
                      suite->aead->nonce_size));
  TRY(suite->aead->key_new(bytes, key));
done:
  wipe(bytes, sizeof bytes);
  secret_wipe(&secret);
  return err;
}

static enum err schedule_export(const struct suite *suite, const struct secret *shared,
                                struct view info, struct view exporter_context,
                                struct secret *out) {
  enum err err;
  struct hpke_context context;
  struct secret secret = {0};
  struct secret exporter = {.size = (uint16_t)suite->hash->size}, result = exporter;
  TRY(context_new(suite, info, VIEW_NONE, &context));
  TRY(schedule_secret(suite, shared, &secret));
  TRY(schedule_expand(suite, &secret, &context, VIEW_TEXT("exp"), exporter.bytes, exporter.size));
  TRY(labeled_expand(suite->hash, hpke_id(suite), &exporter, VIEW_TEXT("sec"), exporter_context,
                     VIEW_NONE, result.bytes, result.size));
  secret_move(out, &result);
done:
  secret_wipe(&secret);
  secret_wipe(&exporter);
  secret_wipe(&result);
  return err;
}

/* ---- Messages ---- */

static enum err seal(const struct suite *suite, struct view public_key,
                     const struct hpke_context *context, struct view aad, struct view plaintext,
                     struct bytes *kem_output, struct bytes *ciphertext) {
  enum err err;
  const struct aead *aead = suite->aead;
  struct secret shared = {0};
  struct aead_key *key = NULL;
  struct bytes sealed = {NULL, 0};
  uint8_t output[KEM_OUTPUT_MAX], nonce[AEAD_NONCE_MAX];
  TRY(plaintext.size <= SIZE_MAX - aead->tag_size ? OK : ERR_LIMIT);
  TRY(encapsulate(suite, public_key, &shared, output));
  TRY(schedule_key(suite, &shared, context, &key, nonce));
  sealed.data = mem_new(plaintext.size + aead->tag_size, 1);
  TRY(sealed.data != NULL ? OK : ERR_NOMEM);
  sealed.size = plaintext.size + aead->tag_size;
  TRY(aead->seal(key, nonce, &aad, 1, plaintext, sealed.data));
  TRY(bytes_copy(kem_output, view_of(output, suite->kem->output_size)));
  bytes_move(ciphertext, &sealed);
done:
  aead->key_free(key);
  secret_wipe(&shared);
  bytes_free(&sealed);
  return err;
}

static enum err open_ciphertext(const struct suite *suite, const struct secret *private_key,
                                struct view public_key, const struct hpke_context *context,
                                struct view kem_output, struct view aad, struct view ciphertext,
                                struct bytes *plaintext) {
  enum err err;
  const struct aead *aead = suite->aead;
  struct secret shared = {0};
  struct aead_key *key = NULL;
  struct bytes opened = {NULL, 0};
  uint8_t nonce[AEAD_NONCE_MAX];
  TRY(ciphertext.size >= aead->tag_size ? OK : ERR_AUTH);
  TRY(decapsulate(suite, private_key, public_key, kem_output, &shared));
  TRY(schedule_key(suite, &shared, context, &key, nonce));
  opened.data = mem_new(ciphertext.size - aead->tag_size, 1);
  TRY(opened.data != NULL ? OK : ERR_NOMEM);
  opened.size = ciphertext.size - aead->tag_size;
  TRY(aead->open(key, nonce, &aad, 1, ciphertext, opened.data));
  bytes_move(plaintext, &opened);
done:
  aead->key_free(key);
  secret_wipe(&shared);
  bytes_free(&opened);
  return err;
}

enum err hpke_seal(const struct suite *suite, struct view public_key, struct view info,
                   struct view aad, struct view plaintext, struct bytes *kem_output,
                   struct bytes *ciphertext) {
  struct hpke_context context;
  enum err err = context_new(suite, info, VIEW_NONE, &context);
  if (err != OK)
    return err;
  return seal(suite, public_key, &context, aad, plaintext, kem_output, ciphertext);
}

enum err hpke_open(const struct suite *suite, const struct secret *private_key,
                   struct view kem_output, struct view info, struct view aad,
                   struct view ciphertext, struct bytes *plaintext) {
  struct hpke_context context;
  enum err err = context_new(suite, info, VIEW_NONE, &context);
  if (err != OK)
    return err;
  return open_ciphertext(suite, private_key, VIEW_NONE, &context, kem_output, aad, ciphertext,
                         plaintext);
}

enum err hpke_export_sender(const struct suite *suite, struct view public_key, struct view info,
                            struct view exporter_context, struct bytes *kem_output,
                            struct secret *out) {
  enum err err;
  struct secret shared = {0}, result = {0};
  uint8_t output[KEM_OUTPUT_MAX];
  TRY(encapsulate(suite, public_key, &shared, output));
  TRY(schedule_export(suite, &shared, info, exporter_context, &result));
  TRY(bytes_copy(kem_output, view_of(output, suite->kem->output_size)));
  secret_move(out, &result);
done:
  secret_wipe(&shared);
  secret_wipe(&result);
  return err;
}

enum err hpke_export_receiver(const struct suite *suite, const struct secret *private_key,
                              struct view kem_output, struct view info,
                              struct view exporter_context, struct secret *out) {
  enum err err;
  struct secret shared = {0};
  TRY(decapsulate(suite, private_key, VIEW_NONE, kem_output, &shared));
  TRY(schedule_export(suite, &shared, info, exporter_context, out));
done:
  secret_wipe(&shared);
  return err;
}

/* ---- RFC 9420, section 5.1.3 ---- */

enum err hpke_label_context(const struct suite *suite, struct view label, struct view context,
                            struct hpke_context *out) {
  enum err err;
  struct writer head = {0}; /* of EncryptContext, up to the bytes of the context */
  size_t begin = write_begin(&head);
  write_bytes(&head, VIEW_TEXT("MLS 1.0 "));
  write_bytes(&head, label);
  write_end(&head, begin);
  write_length(&head, context.size);
  TRY(head.err);
  TRY(context_new(suite, writer_view(&head), context, out));
done:
  writer_free(&head);
  return err;
}

enum err hpke_encrypt(const struct suite *suite, struct view public_key,
                      const struct hpke_context *context, struct view plaintext,
                      struct bytes *kem_output, struct bytes *ciphertext) {
  return seal(suite, public_key, context, VIEW_NONE, plaintext, kem_output, ciphertext);
}

enum err hpke_encrypt_with_label(const struct suite *suite, struct view public_key,
                                 struct view label, struct view context, struct view plaintext,
                                 struct bytes *kem_output, struct bytes *ciphertext) {
  struct hpke_context shared;
  enum err err = hpke_label_context(suite, label, context, &shared);
  if (err != OK)
    return err;
  return hpke_encrypt(suite, public_key, &shared, plaintext, kem_output, ciphertext);
}

enum err hpke_decrypt_with_label(const struct suite *suite, const struct secret *private_key,
                                 struct view public_key, struct view label, struct view context,
                                 struct view kem_output, struct view ciphertext,
                                 struct bytes *plaintext) {
  struct hpke_context shared;
  enum err err = hpke_label_context(suite, label, context, &shared);
  if (err != OK)
    return err;
  return open_ciphertext(suite, private_key, public_key, &shared, kem_output, VIEW_NONE, ciphertext,
                         plaintext);
}
