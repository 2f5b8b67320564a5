/*
 * Transcript hashes and the confirmation tag (RFC 9420, section 8.2).
 * SPDX-License-Identifier: ISC
 */
#include "mls/framing.h"
#include "vectors.h"

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

void vectors_transcript_hashes(json_object *root, struct tally *tally) {
  for (size_t i = 0; i < vectors_count(root); i++) {
    json_object *vector = vectors_item(root, i);
    const struct suite *suite = vectors_suite(vector);
    if (suite == NULL) {
      vectors_skip(tally);
      continue;
    }
    struct bytes bytes = vectors_bytes(vector, "authenticated_content");
    struct authenticated_content commit = {0};
    bool ok = read_commit(bytes_view(&bytes), &commit) && check_writer(vector, &commit) &&
              check_hashes(suite, vector, &commit);
    vectors_check(tally, ok, "transcript hashes", i);
    bytes_free(&bytes);
  }
}
