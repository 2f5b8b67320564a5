/*
 * Transcript hashes and the confirmation tag (RFC 9420, section 8.2).
 * SPDX-License-Identifier: ISC
 */
#include "crew.h"

static bool read_commit(struct view bytes, struct authenticated_content *out) {
  struct reader reader = reader_of(bytes);
  return vectors_ok(read_u16(&reader, &out->wire_format), "wire format") &&
         vectors_ok(framed_content_read(&reader, NULL, &out->content), "content") &&
         out->content.content_type == CONTENT_COMMIT &&
         vectors_ok(content_auth_read(&reader, CONTENT_COMMIT, &out->auth), "auth") &&
         vectors_ok(read_end(&reader), "end");
}

/* What was read is written as it was. */
static bool check_writer(json_object *vector, const struct authenticated_content *commit) {
  struct writer writer = {0};
  framing_write_authenticated(&writer, commit);
  bool ok = vectors_ok(writer.err, "writing") &&
            vectors_equal(vector, "authenticated_content", writer_view(&writer));
  writer_free(&writer);
  return ok;
}

static bool check_hashes(const struct suite *suite, json_object *vector,
                         const struct authenticated_content *commit) {
  struct bytes before = vectors_bytes(vector, "interim_transcript_hash_before");
  struct epoch_secrets secrets = {.confirmation = vectors_secret(vector, "confirmation_key")};
  uint8_t hash[HASH_MAX], tag[HASH_MAX], interim[HASH_MAX];
  const size_t size = suite->hash->size;
  struct writer input = {0};
  framing_write_transcript(&input, commit);
  bool ok =
      vectors_ok(schedule_confirmed_hash(suite, bytes_view(&before), writer_view(&input), hash),
                 "confirmed hash") &&
      vectors_equal(vector, "confirmed_transcript_hash_after", view_of(hash, size)) &&
      vectors_ok(schedule_confirmation_tag(suite, &secrets, view_of(hash, size), tag), "tag") &&
      view_equal(view_of(tag, size), commit->auth.confirmation_tag) &&
      vectors_ok(
          schedule_interim_hash(suite, view_of(hash, size), commit->auth.confirmation_tag, interim),
          "interim hash") &&
      vectors_equal(vector, "interim_transcript_hash_after", view_of(interim, size));
  writer_free(&input);
  epoch_secrets_wipe(&secrets);
  bytes_free(&before);
  return ok;
}

static bool check(const struct suite *suite, json_object *vector) {
  struct bytes bytes = vectors_bytes(vector, "authenticated_content");
  struct authenticated_content commit = {0};
  bool ok = read_commit(bytes_view(&bytes), &commit) && check_writer(vector, &commit) &&
            check_hashes(suite, vector, &commit);
  bytes_free(&bytes);
  return ok;
}

void vectors_transcript_hashes(json_object *root, struct tally *tally) {
  vectors_each(root, tally, "transcript hashes", check);
}

/* ---- Generating: what a commit does to the hashes of a real group ---- */

static void put_commit(json_object *vector, const struct group *group) {
  const struct epoch *next = group->pending->next;
  struct public_message message = read_public(bytes_view(&group->pending->message));
  struct authenticated_content content = {
      .wire_format = WIRE_PUBLIC_MESSAGE, .content = message.content, .auth = message.auth};
  struct writer writer = {0};
  framing_write_authenticated(&writer, &content);
  must(writer.err, "AuthenticatedContent");
  put_number(vector, "cipher_suite", next->suite->id);
  put_secret(vector, "confirmation_key", &next->secrets->confirmation);
  put_hex(vector, "authenticated_content", writer_view(&writer));
  put_hex(vector, "interim_transcript_hash_before", epoch_interim_hash(group->epoch));
  put_hex(vector, "confirmed_transcript_hash_after", next->context.confirmed_transcript_hash);
  put_hex(vector, "interim_transcript_hash_after", epoch_interim_hash(next));
  writer_free(&writer);
}

static void generate(const struct suite *suite, json_object *array) {
  const struct commit_plan nothing = {0};
  struct crew crew;
  crew_new(&crew, suite, 3);
  crew_encrypt(&crew, false);
  crew_found(&crew, 3);
  must(commit_build(crew_group(&crew, 1), &nothing), "commit");
  put_commit(append_object(array), crew_group(&crew, 1));
  crew_free(&crew);
}

json_object *generate_transcript_hashes(uint16_t suite) {
  return generate_suites(suite, generate);
}
