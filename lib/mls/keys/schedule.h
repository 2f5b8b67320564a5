/*
 * Key schedule, transcript hashes, exporter (RFC 9420, section 8).
 * SPDX-License-Identifier: ISC
 */
#ifndef MLS_KEYS_SCHEDULE_H
#define MLS_KEYS_SCHEDULE_H

#include "crypto/suite.h"
#include "mls/wire/codec.h"

/** What an epoch's secret is stretched into (section 8, table 4); lives in locked memory. */
struct epoch_secrets {
  struct secret sender_data;
  struct secret encryption; /* moved into the secret tree, empty afterwards */
  struct secret exporter;
  struct secret epoch_authenticator;
  struct secret external;
  struct secret confirmation;
  struct secret membership;
  struct secret resumption_psk;
  struct secret init; /* for the next epoch */
};

void epoch_secrets_wipe(struct epoch_secrets *secrets);

/** joiner_secret from the last epoch's init_secret and this commit's commit_secret. */
CHECKED enum err schedule_joiner(const struct suite *suite, const struct secret *init_secret,
                                 const struct secret *commit_secret, struct view group_context,
                                 struct secret *joiner_secret);

/** welcome_secret from joiner_secret and psk_secret. */
CHECKED enum err schedule_welcome(const struct suite *suite, const struct secret *joiner_secret,
                                  const struct secret *psk_secret, struct secret *welcome_secret);

/** All secrets of the epoch from joiner_secret and psk_secret. */
CHECKED enum err schedule_epoch(const struct suite *suite, const struct secret *joiner_secret,
                                const struct secret *psk_secret, struct view group_context,
                                struct epoch_secrets *out);

/** The first epoch's secrets, from a random epoch_secret (section 11). */
CHECKED enum err schedule_first_epoch(const struct suite *suite, struct epoch_secrets *out);

/** A secret of hash->size zero bytes: commit_secret without a path, psk_secret without PSKs. */
void schedule_zero(const struct suite *suite, struct secret *out);

/** key and nonce that encrypt the GroupInfo in a Welcome (section 12.4.3.1). */
CHECKED enum err schedule_welcome_key(const struct suite *suite,
                                      const struct secret *welcome_secret, uint8_t *key,
                                      uint8_t *nonce);

/** Interim and confirmed transcript hash (section 8.2), each into hash->size bytes.
 *  @param authenticated_content  wire_format, FramedContent, signature with its length */
CHECKED enum err schedule_confirmed_hash(const struct suite *suite, struct view interim,
                                         struct view authenticated_content, uint8_t *out);
CHECKED enum err schedule_interim_hash(const struct suite *suite, struct view confirmed,
                                       struct view confirmation_tag, uint8_t *out);

/** confirmation_tag (section 8.1), into hash->size bytes. */
CHECKED enum err schedule_confirmation_tag(const struct suite *suite,
                                           const struct epoch_secrets *secrets,
                                           struct view confirmed_transcript_hash, uint8_t *out);

/** MLS-Exporter (section 8.5).  ERR_LIMIT if size is over 255 hashes. */
CHECKED enum err schedule_export(const struct suite *suite, const struct epoch_secrets *secrets,
                                 struct view label, struct view context, uint8_t *out, size_t size);

/** external_priv and external_pub (section 8.3).  @param public_key  kem->public_size bytes */
CHECKED enum err schedule_external_key(const struct suite *suite,
                                       const struct epoch_secrets *secrets,
                                       struct secret *private_key, uint8_t *public_key);

#endif
