/*
 * psk_secret from external PSKs (RFC 9420, section 8.4).
 * SPDX-License-Identifier: ISC
 */
#include "mls/keys/psk.h"

#include "crew.h"
#include "mls/keys/schedule.h"

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
  vectors_each(root, tally, "psk_secret", check);
}

/* ---- Generating: PreSharedKey proposals of a real group, as its commit would mix them ---- */

/* One more PSK, and the proposal that names it. */
static void put_psk(struct crew *crew, json_object *array, size_t index, struct proposal_list *list,
                    struct bytes *proposal) {
  struct group *group = crew_group(crew, 0);
  struct secret id = random_secret(1 + 8 * index), psk = random_secret(16 + 8 * index);
  struct proposal parsed;
  json_object *item = append_object(array);
  must(client_add_psk(group->client, secret_view(&id), secret_view(&psk)), "PSK");
  must(draft_psk(group, secret_view(&id), proposal), "proposal");
  struct reader reader = reader_of(bytes_view(proposal));
  must(proposal_read(&reader, NULL, &parsed), "proposal");
  must(proposal_list_add(list, &parsed, (struct sender){SENDER_MEMBER, 0}, NULL), "list");
  put_secret(item, "psk_id", &id);
  put_secret(item, "psk", &psk);
  put_hex(item, "psk_nonce", parsed.body.psk.nonce);
}

#define PSKS_MAX 6

static void generate(const struct suite *suite, json_object *array) {
  struct crew crew;
  crew_new(&crew, suite, 1);
  crew_found(&crew, 1);
  for (size_t count = 0; count <= PSKS_MAX; count += 2) {
    json_object *vector = append_object(array);
    struct proposal_list list = {0};
    struct bytes proposals[PSKS_MAX] = {{0}};
    struct secret psk_secret = {0};
    put_number(vector, "cipher_suite", suite->id);
    json_object *psks = put_array(vector, "psks");
    for (size_t i = 0; i < count; i++)
      put_psk(&crew, psks, i, &list, &proposals[i]);
    must(group_psk_secret(crew_group(&crew, 0), &list, &psk_secret), "psk_secret");
    put_secret(vector, "psk_secret", &psk_secret);
    for (size_t i = 0; i < count; i++)
      bytes_free(&proposals[i]);
    proposal_list_free(&list);
  }
  crew_free(&crew);
}

json_object *generate_psk_secret(uint16_t suite) {
  return generate_suites(suite, generate);
}
