/*
 * e2ee-vectors FAMILY FILE...: check official vectors against the library.
 *
 * Prints `FILE: N passed, N failed, N skipped` for each file.  Exit status: 0 if nothing failed, 1 if a
 * vector did, 2 if the family is unknown or a file cannot be read.
 * SPDX-License-Identifier: ISC
 */
#include <stdio.h>
#include <string.h>

#include "vectors.h"

struct family {
  const char *name;
  void (*check)(json_object *root, struct tally *tally);
};

static const struct family families[] = {
#define FAMILY(name, function) {name, vectors_##function},
#include "families.h"
#undef FAMILY
};

static const struct family *family_find(const char *name) {
  for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
    if (strcmp(families[i].name, name) == 0)
      return &families[i];
  return NULL;
}

static int usage(void) {
  fprintf(stderr, "usage: e2ee-vectors FAMILY FILE...\nfamilies:");
  for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
    fprintf(stderr, " %s", families[i].name);
  fprintf(stderr, "\n");
  return 2;
}

int main(int argc, char **argv) {
  const struct family *family = argc < 3 ? NULL : family_find(argv[1]);
  if (family == NULL)
    return usage();
  if (provider_init() != OK) {
    fprintf(stderr, "e2ee-vectors: the library's self-test failed\n");
    return 2;
  }

  int status = 0;
  for (int i = 2; i < argc; i++) {
    json_object *root = json_object_from_file(argv[i]);
    if (root == NULL) {
      fprintf(stderr, "e2ee-vectors: %s: %s\n", argv[i], json_util_get_last_err());
      return 2;
    }
    struct tally tally = {0, 0, 0};
    family->check(root, &tally);
    json_object_put(root);
    printf("%s: %u passed, %u failed, %u skipped\n", argv[i], tally.passed, tally.failed,
           tally.skipped);
    fflush(stdout);
    if (tally.failed > 0 || tally.passed + tally.skipped == 0)
      status = 1;
  }
  return status;
}
