/* SPDX-License-Identifier: ISC */
#include "pair.h"

#include <stddef.h>

#include "bench.h"

void pair_start(struct pair *pair) {
  e2ee_bytes *package = NULL, *message = NULL, *welcome = NULL;
  e2ee_commit *commit = NULL;
  e2ee_incoming *incoming = NULL;
  for (unsigned i = 0; i < 2; i++)
    bench_require(e2ee_client_new(1, (const uint8_t *)"benchmark", 9, &pair->client[i]),
                  "e2ee_client_new");
  bench_require(e2ee_group_new(pair->client[0], (const uint8_t *)"call", 4, &pair->group[0]),
                "e2ee_group_new");
  bench_require(e2ee_key_package_new(pair->client[1], &package), "e2ee_key_package_new");
  bench_require(e2ee_commit_new(pair->group[0], &commit), "e2ee_commit_new");
  bench_require(e2ee_commit_add(commit, e2ee_bytes_data(package), e2ee_bytes_size(package)),
                "e2ee_commit_add");
  bench_require(e2ee_commit_build(commit, &message, &welcome), "e2ee_commit_build");
  bench_require(e2ee_group_commit_accepted(pair->group[0]), "e2ee_group_commit_accepted");
  bench_require(e2ee_welcome_open(pair->client[1], e2ee_bytes_data(welcome),
                                  e2ee_bytes_size(welcome), NULL, 0, &incoming),
                "e2ee_welcome_open");
  bench_require(e2ee_incoming_join(incoming, &pair->group[1]), "e2ee_incoming_join");
  e2ee_bytes_free(package);
  e2ee_bytes_free(message);
  e2ee_bytes_free(welcome);
  e2ee_commit_free(commit);
  e2ee_incoming_free(incoming);
}

void pair_stop(struct pair *pair) {
  for (unsigned i = 0; i < 2; i++) {
    e2ee_group_free(pair->group[i]);
    e2ee_client_free(pair->client[i]);
  }
}

e2ee_media *pair_media(const e2ee_group *group, uint16_t suite) {
  e2ee_media *media = NULL;
  bench_require(e2ee_media_new(suite, &media), "e2ee_media_new");
  bench_require(e2ee_media_install(media, group), "e2ee_media_install");
  bench_require(e2ee_media_activate(media, 1), "e2ee_media_activate");
  return media;
}
