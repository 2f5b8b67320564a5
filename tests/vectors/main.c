/*
 * e2ee-vectors FAMILY FILE...: check vectors, official ones or others of their format.
 * e2ee-vectors --generate FAMILY [--suite N]: write such a file, of one suite or all, to stdout.
 *
 * Prints `FILE: N passed, N failed, N skipped` for each file.  Exit status: 0 if nothing failed, 1 if a
 * vector did, 2 if the family is unknown, or a file cannot be read or generated.
 * SPDX-License-Identifier: ISC
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/provider.h"

#include "vectors.h"

struct family {
  const char *name;
  void (*check)(json_object *root, struct tally *tally);
  json_object *(*generate)(uint16_t suite); /* NULL: these are not ours to write */
};

static const struct family families[] = {
#define FAMILY(name, function) {name, vectors_##function, generate_##function},
#define WYCHEPROOF(name) {name, vectors_wycheproof, NULL},
#include "families.h"
#undef FAMILY
#undef WYCHEPROOF
};

static const struct family *family_find(const char *name) {
  for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
    if (strcmp(families[i].name, name) == 0)
      return &families[i];
  return NULL;
}

static int usage(void) {
  fprintf(stderr, "usage: e2ee-vectors FAMILY FILE...\n"
                  "       e2ee-vectors --generate FAMILY [--suite N]\nfamilies:");
  for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
    fprintf(stderr, " %s%s", families[i].name, families[i].generate == NULL ? " (check only)" : "");
  fprintf(stderr, "\n");
  return 2;
}

/* @return the exit status */
static int check_file(const struct family *family, const char *path) {
  json_object *root = json_object_from_file(path);
  if (root == NULL) {
    fprintf(stderr, "e2ee-vectors: %s: %s\n", path, json_util_get_last_err());
    return 2;
  }
  struct tally tally = {0, 0, 0};
  family->check(root, &tally);
  json_object_put(root);
  printf("%s: %u passed, %u failed, %u skipped\n", path, tally.passed, tally.failed, tally.skipped);
  fflush(stdout);
  return tally.failed > 0 || tally.passed + tally.skipped == 0;
}

static int generate(const struct family *family, uint16_t suite) {
  json_object *root = family->generate(suite);
  int written = printf("%s\n", json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY |
                                                                        JSON_C_TO_STRING_SPACED));
  json_object_put(root);
  return written < 0 || fflush(stdout) != 0 ? 2 : 0;
}

int main(int argc, char **argv) {
  bool generating = argc > 2 && strcmp(argv[1], "--generate") == 0;
  bool with_suite = generating && argc == 5 && strcmp(argv[3], "--suite") == 0;
  const struct family *family = argc < 3 ? NULL : family_find(argv[generating ? 2 : 1]);
  if (family == NULL || (generating && (family->generate == NULL || (argc != 3 && !with_suite))))
    return usage();
  if (provider_init() != OK) {
    fprintf(stderr, "e2ee-vectors: the library's self-test failed\n");
    return 2;
  }
  unsigned long suite = with_suite ? strtoul(argv[4], NULL, 10) : 0;
  if (generating)
    return suite > UINT16_MAX || (with_suite && suite == 0) ? usage()
                                                            : generate(family, (uint16_t)suite);

  int status = 0;
  for (int i = 2; i < argc && status != 2; i++) {
    int result = check_file(family, argv[i]);
    status = result > status ? result : status;
  }
  return status;
}
