/*
 * PublicMessage and PrivateMessage in both directions (RFC 9420, section 6): the given messages open;
 * what is protected here opens; no altered byte is let through; application data stays private.
 * SPDX-License-Identifier: ISC
 */
#include "crew.h"

/* The vectors are of a group of two whose second member speaks. */
#define WIDTH 2
#define SPEAKER 1
#define PADDING 64
#define MAX_SKIP 1000

struct setting {
  struct framing_keys keys;
  struct secret membership, sender_data, signature_key;
  struct bytes id, context, signature_public;
  uint64_t epoch;
};

static struct bytes context_new(const struct suite *suite, json_object *vector, struct view id) {
  struct bytes tree_hash = vectors_bytes(vector, "tree_hash");
  struct bytes transcript = vectors_bytes(vector, "confirmed_transcript_hash");
  struct group_context context = {.version = MLS_VERSION_10,
                                  .cipher_suite = suite->id,
                                  .group_id = id,
                                  .epoch = vectors_u64(vector, "epoch"),
                                  .tree_hash = bytes_view(&tree_hash),
                                  .confirmed_transcript_hash = bytes_view(&transcript)};
  struct writer writer = {0};
  struct bytes out = {0};
  group_context_write(&writer, &context);
  (void)vectors_ok(writer_take(&writer, &out), "group context");
  bytes_free(&tree_hash);
  bytes_free(&transcript);
  return out;
}

static void setting_new(const struct suite *suite, json_object *vector, struct setting *out) {
  *out = (struct setting){.membership = vectors_secret(vector, "membership_key"),
                          .sender_data = vectors_secret(vector, "sender_data_secret"),
                          .signature_key = vectors_private_key(vector, "signature_priv",
                                                               suite->signature->private_size),
                          .id = vectors_bytes(vector, "group_id"),
                          .signature_public = vectors_bytes(vector, "signature_pub"),
                          .epoch = vectors_u64(vector, "epoch")};
  out->context = context_new(suite, vector, bytes_view(&out->id));
  out->keys = (struct framing_keys){.suite = suite,
                                    .group_context = bytes_view(&out->context),
                                    .membership = &out->membership,
                                    .sender_data = &out->sender_data,
                                    .max_skip = MAX_SKIP};
}

static void setting_free(struct setting *group) {
  secret_tree_free(group->keys.secret_tree);
  secret_wipe(&group->membership);
  secret_wipe(&group->sender_data);
  secret_wipe(&group->signature_key);
  bytes_free(&group->id);
  bytes_free(&group->context);
  bytes_free(&group->signature_public);
}

/* Start the ratchets anew. */
static bool renew_tree(struct setting *group, json_object *vector) {
  struct secret secret = vectors_secret(vector, "encryption_secret");
  secret_tree_free(group->keys.secret_tree);
  group->keys.secret_tree = NULL;
  return vectors_ok(secret_tree_new(group->keys.suite, &secret, WIDTH, &group->keys.secret_tree),
                    "tree");
}

/* Open a message and verify its signature; the ratchet stays.
 * @param storage  out, to be freed whatever the result: what `out` has views into */
static enum err unprotect(const struct setting *group, struct view bytes, uint16_t expected_format,
                          struct bytes *storage, struct authenticated_content *out,
                          struct private_origin *origin) {
  struct reader reader = reader_of(bytes);
  uint16_t format = 0;
  struct public_message public_message;
  struct private_message private_message;
  enum err err = OK;
  TRY(message_read_header(&reader, NULL, &format));
  TRY(format != expected_format ? ERR_MALFORMED : OK);
  if (format == WIRE_PUBLIC_MESSAGE) {
    TRY(public_message_read(&reader, NULL, &public_message));
    TRY(read_end(&reader));
    TRY(framing_open_public(&group->keys, &public_message, NULL, out));
  } else {
    TRY(private_message_read(&reader, &private_message));
    TRY(read_end(&reader));
    TRY(framing_open_private(&group->keys, &private_message, WIDTH, NULL, storage, out, origin));
  }
  TRY(framing_verify(group->keys.suite, out, group->keys.group_context,
                     bytes_view(&group->signature_public), NULL));
done:
  return err;
}

/* The message opens to the content of the field; what was a private key is used up. */
static bool check_opens(const struct setting *group, json_object *vector, const char *field,
                        struct view message, uint16_t format) {
  struct bytes storage = {0};
  struct authenticated_content content = {0};
  struct private_origin origin = {0};
  bool ok = vectors_ok(unprotect(group, message, format, &storage, &content, &origin), field) &&
            vectors_equal(vector, field, content.content.content) &&
            content.content.sender.type == SENDER_MEMBER && content.content.sender.index == SPEAKER;
  bytes_free(&storage);
  if (ok && format == WIRE_PRIVATE_MESSAGE)
    ok = vectors_ok(framing_used(&group->keys, &origin), "use") &&
         unprotect(group, message, format, &storage, &content, &origin) == ERR_REPLAY;
  return ok;
}

/* No byte can be altered. */
static bool check_altered(const struct setting *group, struct bytes *message, uint16_t format) {
  bool ok = true;
  for (size_t i = 0; ok && i < message->size; i++) {
    struct bytes storage = {0};
    struct authenticated_content content = {0};
    struct private_origin origin = {0};
    message->data[i] ^= (uint8_t)(1u << i % 8);
    ok = unprotect(group, bytes_view(message), format, &storage, &content, &origin) != OK;
    message->data[i] ^= (uint8_t)(1u << i % 8);
    bytes_free(&storage);
  }
  return ok;
}

static enum err protect(const struct setting *group, struct view body, uint8_t content_type,
                        uint16_t format, struct bytes *out) {
  static const uint8_t any_tag[HASH_MAX] = {1};
  struct authenticated_content content = {
      .wire_format = format,
      .content = {.group_id = bytes_view(&group->id),
                  .epoch = group->epoch,
                  .sender = {SENDER_MEMBER, SPEAKER},
                  .authenticated_data = VIEW_TEXT("authenticated"),
                  .content_type = content_type,
                  .content = body},
      .auth = {.confirmation_tag = view_of(any_tag, group->keys.suite->hash->size)}};
  struct bytes signature = {0};
  enum err err = OK;
  TRY(framing_sign(group->keys.suite, format, &content.content, group->keys.group_context,
                   &group->signature_key, &signature));
  content.auth.signature = bytes_view(&signature);
  if (format == WIRE_PUBLIC_MESSAGE)
    TRY(framing_protect_public(&group->keys, &content, out));
  else
    TRY(framing_protect_private(&group->keys, &content, PADDING, out));
done:
  bytes_free(&signature);
  return err;
}

static bool check_given(struct setting *group, json_object *vector, const char *field,
                        const char *message_field, uint16_t format) {
  struct bytes message = vectors_bytes(vector, message_field);
  bool ok = renew_tree(group, vector) && check_altered(group, &message, format) &&
            check_opens(group, vector, field, bytes_view(&message), format);
  bytes_free(&message);
  return ok;
}

/* The sender's ratchet has moved on, so a second tree opens what the first has protected. */
static bool check_protected(struct setting *group, json_object *vector, const char *field,
                            uint8_t content_type, uint16_t format) {
  struct bytes body = vectors_bytes(vector, field);
  struct bytes message = {0};
  bool ok =
      renew_tree(group, vector) &&
      vectors_ok(protect(group, bytes_view(&body), content_type, format, &message), "protect") &&
      renew_tree(group, vector) && check_altered(group, &message, format) &&
      check_opens(group, vector, field, bytes_view(&message), format);
  bytes_free(&message);
  bytes_free(&body);
  return ok;
}

static bool check_application_stays_private(const struct setting *group, json_object *vector) {
  struct bytes body = vectors_bytes(vector, "application");
  struct bytes message = {0};
  bool ok = protect(group, bytes_view(&body), CONTENT_APPLICATION, WIRE_PUBLIC_MESSAGE, &message) ==
            ERR_INVALID_ARG;
  bytes_free(&message);
  bytes_free(&body);
  return ok;
}

static bool check(const struct suite *suite, json_object *vector) {
  static const struct {
    const char *field, *public_field, *private_field;
    uint8_t content_type;
  } rows[] = {
      {"proposal", "proposal_pub", "proposal_priv", CONTENT_PROPOSAL},
      {"commit", "commit_pub", "commit_priv", CONTENT_COMMIT},
      {"application", NULL, "application_priv", CONTENT_APPLICATION},
  };
  struct setting group;
  setting_new(suite, vector, &group);
  bool ok = check_application_stays_private(&group, vector);
  for (size_t i = 0; ok && i < sizeof rows / sizeof rows[0]; i++) {
    const char *field = rows[i].field;
    if (rows[i].public_field != NULL)
      ok = check_given(&group, vector, field, rows[i].public_field, WIRE_PUBLIC_MESSAGE) &&
           check_protected(&group, vector, field, rows[i].content_type, WIRE_PUBLIC_MESSAGE);
    ok = ok && check_given(&group, vector, field, rows[i].private_field, WIRE_PRIVATE_MESSAGE) &&
         check_protected(&group, vector, field, rows[i].content_type, WIRE_PRIVATE_MESSAGE);
  }
  setting_free(&group);
  return ok;
}

void vectors_message_protection(json_object *root, struct tally *tally) {
  vectors_each(root, tally, "message protection", check);
}

/* ---- Generating: what the second member of a real group says ---- */

/* The vector's secrets are those of the epoch that the speaker has joined, derived from its Welcome:
 * the group itself has let go of encryption_secret. */
static void put_secrets(json_object *vector, json_object *seen, const struct epoch *epoch) {
  struct bytes plaintext = {0};
  struct group_secrets secrets;
  struct secret joiner = {0}, psk = {0};
  struct epoch_secrets derived = {0};
  must(vectors_group_secrets(epoch->suite, seen, &plaintext) ? OK : ERR_INTERNAL, "Welcome");
  struct reader reader = reader_of(bytes_view(&plaintext));
  must(group_secrets_read(&reader, &secrets), "GroupSecrets");
  must(secret_set(&joiner, secrets.joiner_secret), "joiner_secret");
  schedule_zero(epoch->suite, &psk);
  must(schedule_epoch(epoch->suite, &joiner, &psk, bytes_view(&epoch->context_raw), &derived),
       "epoch");
  put_secret(vector, "encryption_secret", &derived.encryption);
  put_secret(vector, "sender_data_secret", &epoch->secrets->sender_data);
  put_secret(vector, "membership_key", &epoch->secrets->membership);
  epoch_secrets_wipe(&derived);
  secret_wipe(&joiner);
  bytes_free(&plaintext);
}

static void put_head(json_object *vector, const struct group *group) {
  const struct group_context *context = &group->epoch->context;
  put_number(vector, "cipher_suite", context->cipher_suite);
  put_hex(vector, "group_id", context->group_id);
  put_number(vector, "epoch", context->epoch);
  put_hex(vector, "tree_hash", context->tree_hash);
  put_hex(vector, "confirmed_transcript_hash", context->confirmed_transcript_hash);
  put_secret(vector, "signature_priv", group->client->signature_key);
  put_hex(vector, "signature_pub", bytes_view(&group->client->signature_public));
}

/* The content of a PublicMessage, and the same content in a PrivateMessage. */
static void put_both(json_object *vector, struct group *group, const char *const fields[3],
                     struct view message) {
  struct public_message public = read_public(message);
  struct bytes storage = {0}, private = {0};
  struct authenticated_content content;
  must(group_sign(group, &public.content, true, &storage, &content), "signature");
  content.auth.confirmation_tag = public.auth.confirmation_tag;
  must(group_protect(group, &content, &private), "PrivateMessage");
  put_hex(vector, fields[0], public.content.content);
  put_hex(vector, fields[1], message);
  put_hex(vector, fields[2], bytes_view(&private));
  bytes_free(&private);
  bytes_free(&storage);
}

static void put_messages(json_object *vector, struct group *group) {
  static const char *const proposal_fields[] = {"proposal", "proposal_pub", "proposal_priv"};
  static const char *const commit_fields[] = {"commit", "commit_pub", "commit_priv"};
  const struct commit_plan nothing = {0};
  struct bytes message = {0};
  struct view data = VIEW_TEXT("what is said in this group");
  must(group_encrypt_with(group, VIEW_TEXT("in the clear"), data, &message), "application");
  put_hex(vector, "application", data);
  put_hex(vector, "application_priv", bytes_view(&message));
  bytes_free(&message);
  must(group_propose_remove(group, 0, &message), "proposal");
  put_both(vector, group, proposal_fields, bytes_view(&message));
  bytes_free(&message);
  must(commit_build(group, &nothing), "commit");
  put_both(vector, group, commit_fields, bytes_view(&group->pending->message));
}

static void generate(const struct suite *suite, json_object *array) {
  struct crew crew;
  json_object *seen = new_object(), *vector = append_object(array);
  crew_new(&crew, suite, 2);
  crew_encrypt(&crew, false);
  crew_watch(&crew, SPEAKER, seen, "");
  crew_found(&crew, 2);
  put_head(vector, crew_group(&crew, SPEAKER));
  put_secrets(vector, seen, crew_group(&crew, SPEAKER)->epoch);
  put_messages(vector, crew_group(&crew, SPEAKER));
  crew_free(&crew);
  json_object_put(seen);
}

json_object *generate_message_protection(uint16_t suite) {
  return generate_suites(suite, generate);
}
