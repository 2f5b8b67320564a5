/*
 * The key schedule over several epochs (RFC 9420, section 8).
 * SPDX-License-Identifier: ISC
 */
#include "mls/schedule.h"

#include "base/mem.h"
#include "mls/message.h"
#include "vectors.h"

static bool secret_matches(json_object *epoch, const char *field, const struct secret *secret) {
  return vectors_equal(epoch, field, secret_view(secret));
}

static bool check_context(const struct suite *suite, json_object *epoch, struct view group_id,
                          uint64_t number) {
  struct bytes tree_hash = vectors_bytes(epoch, "tree_hash");
  struct bytes transcript = vectors_bytes(epoch, "confirmed_transcript_hash");
  struct group_context context = {.version = MLS_VERSION_10,
                                  .cipher_suite = suite->id,
                                  .group_id = group_id,
                                  .epoch = number,
                                  .tree_hash = bytes_view(&tree_hash),
                                  .confirmed_transcript_hash = bytes_view(&transcript)};
  struct writer writer = {0};
  group_context_write(&writer, &context);
  bool ok = vectors_ok(writer.err, "group context") &&
            vectors_equal(epoch, "group_context", writer_view(&writer));
  writer_free(&writer);
  bytes_free(&tree_hash);
  bytes_free(&transcript);
  return ok;
}

static bool check_secrets(json_object *epoch, const struct epoch_secrets *secrets) {
  bool ok = secret_matches(epoch, "sender_data_secret", &secrets->sender_data);
  ok = secret_matches(epoch, "encryption_secret", &secrets->encryption) && ok;
  ok = secret_matches(epoch, "exporter_secret", &secrets->exporter) && ok;
  ok = secret_matches(epoch, "epoch_authenticator", &secrets->epoch_authenticator) && ok;
  ok = secret_matches(epoch, "external_secret", &secrets->external) && ok;
  ok = secret_matches(epoch, "confirmation_key", &secrets->confirmation) && ok;
  ok = secret_matches(epoch, "membership_key", &secrets->membership) && ok;
  ok = secret_matches(epoch, "resumption_psk", &secrets->resumption_psk) && ok;
  return secret_matches(epoch, "init_secret", &secrets->init) && ok;
}

static bool check_external(const struct suite *suite, json_object *epoch,
                           const struct epoch_secrets *secrets) {
  struct secret private_key = {0};
  uint8_t public_key[DH_PUBLIC_MAX];
  bool ok =
      vectors_ok(schedule_external_key(suite, secrets, &private_key, public_key), "external key") &&
      vectors_equal(epoch, "external_pub", view_of(public_key, suite->dh->public_size));
  secret_wipe(&private_key);
  return ok;
}

static bool check_exporter(const struct suite *suite, json_object *epoch,
                           const struct epoch_secrets *secrets) {
  json_object *exporter = vectors_field(epoch, "exporter");
  struct bytes context = vectors_bytes(exporter, "context");
  size_t size = vectors_u32(exporter, "length");
  uint8_t *exported = mem_new(size, 1);
  bool ok = exported != NULL &&
            vectors_ok(schedule_export(suite, secrets, vectors_text_view(exporter, "label"),
                                       bytes_view(&context), exported, size),
                       "exporter") &&
            vectors_equal(exporter, "secret", view_of(exported, size));
  mem_free(exported);
  bytes_free(&context);
  return ok;
}

/* One epoch; on success `init` becomes that of the next. */
static bool check_epoch(const struct suite *suite, json_object *epoch, struct view group_id,
                        uint64_t number, struct secret *init) {
  struct secret commit = vectors_secret(epoch, "commit_secret");
  struct secret psk = vectors_secret(epoch, "psk_secret");
  struct bytes context = vectors_bytes(epoch, "group_context");
  struct secret joiner = {0}, welcome = {0};
  struct epoch_secrets secrets = {0};
  bool ok = check_context(suite, epoch, group_id, number) &&
            vectors_ok(schedule_joiner(suite, init, &commit, bytes_view(&context), &joiner),
                       "joiner_secret") &&
            secret_matches(epoch, "joiner_secret", &joiner) &&
            vectors_ok(schedule_welcome(suite, &joiner, &psk, &welcome), "welcome_secret") &&
            secret_matches(epoch, "welcome_secret", &welcome) &&
            vectors_ok(schedule_epoch(suite, &joiner, &psk, bytes_view(&context), &secrets),
                       "epoch secrets") &&
            check_secrets(epoch, &secrets) && check_external(suite, epoch, &secrets) &&
            check_exporter(suite, epoch, &secrets);
  secret_move(init, &secrets.init);
  epoch_secrets_wipe(&secrets);
  secret_wipe(&joiner);
  secret_wipe(&welcome);
  secret_wipe(&commit);
  secret_wipe(&psk);
  bytes_free(&context);
  return ok;
}

void vectors_key_schedule(json_object *root, struct tally *tally) {
  for (size_t i = 0; i < vectors_count(root); i++) {
    json_object *vector = vectors_item(root, i);
    const struct suite *suite = vectors_suite(vector);
    if (suite == NULL) {
      vectors_skip(tally);
      continue;
    }
    struct bytes group_id = vectors_bytes(vector, "group_id");
    struct secret init = vectors_secret(vector, "initial_init_secret");
    json_object *epochs = vectors_array(vector, "epochs");
    bool ok = vectors_count(epochs) > 0;
    for (size_t e = 0; ok && e < vectors_count(epochs); e++)
      ok = check_epoch(suite, vectors_item(epochs, e), bytes_view(&group_id), e, &init);
    vectors_check(tally, ok, "key schedule", i);
    secret_wipe(&init);
    bytes_free(&group_id);
  }
}
