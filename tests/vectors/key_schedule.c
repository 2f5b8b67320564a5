/*
 * The key schedule over several epochs (RFC 9420, section 8).
 * SPDX-License-Identifier: ISC
 */
#include "mls/keys/schedule.h"

#include <string.h>

#include "base/mem.h"
#include "crypto/hkdf.h"
#include "crypto/hpke.h"
#include "crypto/kdf.h"
#include "generate.h"
#include "mls/wire/message.h"

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
  uint8_t public_key[KEM_PUBLIC_MAX];
  bool ok =
      vectors_ok(schedule_external_key(suite, secrets, &private_key, public_key), "external key") &&
      vectors_equal(epoch, "external_pub", view_of(public_key, suite->kem->public_size));
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

static bool check(const struct suite *suite, json_object *vector) {
  struct bytes group_id = vectors_bytes(vector, "group_id");
  struct secret init = vectors_secret(vector, "initial_init_secret");
  json_object *epochs = vectors_array(vector, "epochs");
  bool ok = vectors_count(epochs) > 0;
  for (size_t e = 0; ok && e < vectors_count(epochs); e++)
    ok = check_epoch(suite, vectors_item(epochs, e), bytes_view(&group_id), e, &init);
  secret_wipe(&init);
  bytes_free(&group_id);
  return ok;
}

void vectors_key_schedule(json_object *root, struct tally *tally) {
  vectors_each(root, tally, "key schedule", check);
}

/* ---- Generating: random inputs, and section 8's formulas one after the other ---- */

/* DeriveSecret; ExpandWithLabel of one hash's size where there is a context. */
static struct secret expand(const struct suite *suite, const struct secret *secret,
                            const char *label, struct view context) {
  struct secret out = {.size = (uint16_t)suite->hash->size};
  struct view name = view_of((const uint8_t *)label, strlen(label));
  must(kdf_expand_with_label(suite, secret_view(secret), name, context, out.bytes, out.size),
       label);
  return out;
}

static struct secret extract(const struct suite *suite, const struct secret *salt,
                             const struct secret *input) {
  struct secret out = {0};
  must(hkdf_extract(suite->hash, secret_view(salt), secret_view(input), &out), "extract");
  return out;
}

static struct secret put_random(json_object *object, const char *field, const struct suite *suite) {
  struct secret secret = random_secret(suite->hash->size);
  put_secret(object, field, &secret);
  return secret;
}

static void put_exporter(const struct suite *suite, json_object *epoch,
                         const struct secret *exporter_secret) {
  uint8_t hash[HASH_MAX];
  struct secret context = random_secret(20), out = {.size = 50};
  struct secret derived = expand(suite, exporter_secret, "a label", VIEW_NONE);
  json_object *exporter = put_object(epoch, "exporter");
  must(kdf_hash(suite, secret_view(&context), hash), "hash");
  must(kdf_expand_with_label(suite, secret_view(&derived), VIEW_TEXT("exported"),
                             view_of(hash, suite->hash->size), out.bytes, out.size),
       "exporter");
  put_secret(exporter, "context", &context);
  put_text(exporter, "label", "a label");
  put_number(exporter, "length", out.size);
  put_secret(exporter, "secret", &out);
}

/* Figure 22 from joiner_secret on.  @return init_secret */
static struct secret put_derived(const struct suite *suite, json_object *epoch,
                                 const struct secret *joiner, const struct secret *psk,
                                 struct view context) {
  static const char *const rows[][2] = {
      {"sender_data_secret", "sender data"},
      {"encryption_secret", "encryption"},
      {"exporter_secret", "exporter"},
      {"external_secret", "external"},
      {"confirmation_key", "confirm"},
      {"membership_key", "membership"},
      {"resumption_psk", "resumption"},
      {"epoch_authenticator", "authentication"},
      {"init_secret", "init"},
  };
  struct secret secret = {0}, private_key = {0};
  uint8_t public_key[KEM_PUBLIC_MAX];
  struct secret member = extract(suite, joiner, psk);
  struct secret epoch_secret = expand(suite, &member, "epoch", context);
  secret = expand(suite, &member, "welcome", VIEW_NONE);
  put_secret(epoch, "welcome_secret", &secret);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    secret = expand(suite, &epoch_secret, rows[i][1], VIEW_NONE);
    put_secret(epoch, rows[i][0], &secret);
    if (i == 2)
      put_exporter(suite, epoch, &secret);
    if (i != 3)
      continue;
    must(hpke_derive_key_pair(suite, secret_view(&secret), &private_key, public_key), "external");
    put_hex(epoch, "external_pub", view_of(public_key, suite->kem->public_size));
  }
  return secret;
}

static struct secret put_epoch(const struct suite *suite, json_object *epoch, struct view group_id,
                               uint64_t number, const struct secret *init) {
  struct secret tree_hash = put_random(epoch, "tree_hash", suite);
  struct secret commit = put_random(epoch, "commit_secret", suite);
  struct secret psk = put_random(epoch, "psk_secret", suite);
  struct secret transcript = put_random(epoch, "confirmed_transcript_hash", suite);
  struct writer context = {0};
  write_u16(&context, MLS_VERSION_10);
  write_u16(&context, suite->id);
  write_vector(&context, group_id);
  write_u64(&context, number);
  write_vector(&context, secret_view(&tree_hash));
  write_vector(&context, secret_view(&transcript));
  write_vector(&context, VIEW_NONE);
  must(context.err, "GroupContext");
  put_hex(epoch, "group_context", writer_view(&context));
  struct secret extracted = extract(suite, init, &commit);
  struct secret joiner = expand(suite, &extracted, "joiner", writer_view(&context));
  put_secret(epoch, "joiner_secret", &joiner);
  struct secret next = put_derived(suite, epoch, &joiner, &psk, writer_view(&context));
  writer_free(&context);
  return next;
}

static void generate(const struct suite *suite, json_object *array) {
  json_object *vector = append_object(array);
  struct secret group_id = random_secret(24);
  put_number(vector, "cipher_suite", suite->id);
  put_secret(vector, "group_id", &group_id);
  struct secret init = put_random(vector, "initial_init_secret", suite);
  json_object *epochs = put_array(vector, "epochs");
  for (uint64_t number = 0; number < 3; number++)
    init = put_epoch(suite, append_object(epochs), secret_view(&group_id), number, &init);
}

json_object *generate_key_schedule(uint16_t suite) {
  return generate_suites(suite, generate);
}
