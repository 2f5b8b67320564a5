/*
 * psk_secret from external PSKs (RFC 9420, section 8.4).
 * SPDX-License-Identifier: ISC
 */
#include "mls/psk.h"

#include "mls/schedule.h"
#include "vectors.h"

static bool mix(const struct suite *suite, json_object *item, size_t index, size_t count,
                struct secret *psk_secret) {
  struct bytes external_id = vectors_bytes(item, "psk_id");
  struct bytes nonce = vectors_bytes(item, "psk_nonce");
  struct bytes psk = vectors_bytes(item, "psk");
  struct psk_id id = {
      .type = PSK_EXTERNAL, .external_id = bytes_view(&external_id), .nonce = bytes_view(&nonce)};
  struct writer writer = {0};
  psk_id_write(&writer, &id);
  bool ok = vectors_ok(writer.err, "PreSharedKeyID") &&
            vectors_ok(psk_mix(suite, writer_view(&writer), bytes_view(&psk), (uint16_t)index,
                               (uint16_t)count, psk_secret),
                       "psk_mix");
  writer_free(&writer);
  bytes_free(&external_id);
  bytes_free(&nonce);
  bytes_free(&psk);
  return ok;
}

static bool check(const struct suite *suite, json_object *vector) {
  json_object *psks = vectors_array(vector, "psks");
  struct secret psk_secret = {0};
  schedule_zero(suite, &psk_secret);
  bool ok = true;
  for (size_t i = 0; ok && i < vectors_count(psks); i++)
    ok = mix(suite, vectors_item(psks, i), i, vectors_count(psks), &psk_secret);
  ok = ok && vectors_equal(vector, "psk_secret", secret_view(&psk_secret));
  secret_wipe(&psk_secret);
  return ok;
}

void vectors_psk_secret(json_object *root, struct tally *tally) {
  for (size_t i = 0; i < vectors_count(root); i++) {
    json_object *vector = vectors_item(root, i);
    const struct suite *suite = vectors_suite(vector);
    if (suite == NULL)
      vectors_skip(tally);
    else
      vectors_check(tally, check(suite, vector), "psk_secret", i);
  }
}
