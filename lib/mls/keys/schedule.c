/* SPDX-License-Identifier: ISC */
#include "mls/keys/schedule.h"

#include "crypto/hkdf.h"
#include "crypto/hpke.h"
#include "crypto/kdf.h"
#include "crypto/provider.h"

/* ExpandWithLabel of one hash's size, into a secret. */
static enum err expand(const struct suite *suite, const struct secret *secret, struct view label,
                       struct view context, struct secret *out) {
  struct secret expanded = {.size = (uint16_t)suite->hash->size};
  enum err err = OK;
  TRY(kdf_expand_with_label(suite, secret_view(secret), label, context, expanded.bytes,
                            expanded.size));
  secret_move(out, &expanded);
done:
  secret_wipe(&expanded);
  return err;
}

void epoch_secrets_wipe(struct epoch_secrets *secrets) {
  wipe(secrets, sizeof *secrets);
}

enum err schedule_joiner(const struct suite *suite, const struct secret *init_secret,
                         const struct secret *commit_secret, struct view group_context,
                         struct secret *joiner_secret) {
  struct secret extracted = {0};
  enum err err = OK;
  TRY(hkdf_extract(suite->hash, secret_view(init_secret), secret_view(commit_secret), &extracted));
  TRY(expand(suite, &extracted, VIEW_TEXT("joiner"), group_context, joiner_secret));
done:
  secret_wipe(&extracted);
  return err;
}

/* The secret between joiner_secret and epoch_secret, which has no name in the RFC. */
static enum err member_secret(const struct suite *suite, const struct secret *joiner_secret,
                              const struct secret *psk_secret, struct secret *out) {
  return hkdf_extract(suite->hash, secret_view(joiner_secret), secret_view(psk_secret), out);
}

enum err schedule_welcome(const struct suite *suite, const struct secret *joiner_secret,
                          const struct secret *psk_secret, struct secret *welcome_secret) {
  struct secret member = {0};
  enum err err = OK;
  TRY(member_secret(suite, joiner_secret, psk_secret, &member));
  TRY(kdf_derive_secret(suite, &member, VIEW_TEXT("welcome"), welcome_secret));
done:
  secret_wipe(&member);
  return err;
}

/* RFC 9420, section 8, table 4. */
static enum err stretch(const struct suite *suite, const struct secret *epoch_secret,
                        struct epoch_secrets *out) {
  struct epoch_secrets all = {0};
  const struct {
    struct view label;
    struct secret *secret;
  } rows[] = {
      {VIEW_TEXT("sender data"), &all.sender_data},
      {VIEW_TEXT("encryption"), &all.encryption},
      {VIEW_TEXT("exporter"), &all.exporter},
      {VIEW_TEXT("external"), &all.external},
      {VIEW_TEXT("confirm"), &all.confirmation},
      {VIEW_TEXT("membership"), &all.membership},
      {VIEW_TEXT("resumption"), &all.resumption_psk},
      {VIEW_TEXT("authentication"), &all.epoch_authenticator},
      {VIEW_TEXT("init"), &all.init},
  };
  enum err err = OK;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    TRY(kdf_derive_secret(suite, epoch_secret, rows[i].label, rows[i].secret));
  *out = all;
done:
  epoch_secrets_wipe(&all);
  return err;
}

enum err schedule_epoch(const struct suite *suite, const struct secret *joiner_secret,
                        const struct secret *psk_secret, struct view group_context,
                        struct epoch_secrets *out) {
  struct secret member = {0}, epoch_secret = {0};
  enum err err = OK;
  TRY(member_secret(suite, joiner_secret, psk_secret, &member));
  TRY(expand(suite, &member, VIEW_TEXT("epoch"), group_context, &epoch_secret));
  TRY(stretch(suite, &epoch_secret, out));
done:
  secret_wipe(&member);
  secret_wipe(&epoch_secret);
  return err;
}

enum err schedule_first_epoch(const struct suite *suite, struct epoch_secrets *out) {
  struct secret epoch_secret = {0};
  enum err err = OK;
  TRY(provider_random_secret(&epoch_secret, suite->hash->size));
  TRY(stretch(suite, &epoch_secret, out));
done:
  secret_wipe(&epoch_secret);
  return err;
}

void schedule_zero(const struct suite *suite, struct secret *out) {
  secret_wipe(out);
  out->size = (uint16_t)suite->hash->size;
}

enum err schedule_welcome_key(const struct suite *suite, const struct secret *welcome_secret,
                              uint8_t *key, uint8_t *nonce) {
  enum err err = OK;
  TRY(kdf_expand_with_label(suite, secret_view(welcome_secret), VIEW_TEXT("key"), VIEW_NONE, key,
                            suite->aead->key_size));
  TRY(kdf_expand_with_label(suite, secret_view(welcome_secret), VIEW_TEXT("nonce"), VIEW_NONE,
                            nonce, suite->aead->nonce_size));
done:
  if (err != OK)
    wipe(key, suite->aead->key_size);
  return err;
}

enum err schedule_confirmed_hash(const struct suite *suite, struct view interim,
                                 struct view authenticated_content, uint8_t *out) {
  const struct view parts[] = {interim, authenticated_content};
  return suite->hash->digest(parts, 2, out);
}

enum err schedule_interim_hash(const struct suite *suite, struct view confirmed,
                               struct view confirmation_tag, uint8_t *out) {
  /* InterimTranscriptHashInput is the tag as a vector. */
  struct writer input = {0};
  enum err err = OK;
  write_vector(&input, confirmation_tag);
  TRY(input.err);
  const struct view parts[] = {confirmed, writer_view(&input)};
  TRY(suite->hash->digest(parts, 2, out));
done:
  writer_free(&input);
  return err;
}

enum err schedule_confirmation_tag(const struct suite *suite, const struct epoch_secrets *secrets,
                                   struct view confirmed_transcript_hash, uint8_t *out) {
  return kdf_mac(suite, &secrets->confirmation, confirmed_transcript_hash, out);
}

enum err schedule_export(const struct suite *suite, const struct epoch_secrets *secrets,
                         struct view label, struct view context, uint8_t *out, size_t size) {
  struct secret derived = {0};
  uint8_t context_hash[HASH_MAX];
  enum err err = OK;
  TRY(kdf_derive_secret(suite, &secrets->exporter, label, &derived));
  TRY(kdf_hash(suite, context, context_hash));
  TRY(kdf_expand_with_label(suite, secret_view(&derived), VIEW_TEXT("exported"),
                            view_of(context_hash, suite->hash->size), out, size));
done:
  secret_wipe(&derived);
  return err;
}

enum err schedule_external_key(const struct suite *suite, const struct epoch_secrets *secrets,
                               struct secret *private_key, uint8_t *public_key) {
  return hpke_derive_key_pair(suite, secret_view(&secrets->external), private_key, public_key);
}
