/*
 * Replay inputs of a fuzz target without a fuzzer: replay-TARGET FILE-OR-FOLDER...
 * The name of each file is printed before it runs, so that the last line names the one that crashed.
 * SPDX-License-Identifier: ISC
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "harness.h"

static void *or_die(void *memory) {
  if (memory == NULL) {
    perror("replay");
    exit(2);
  }
  return memory;
}

static void replay_file(const char *path) {
  printf("%s\n", path);
  fflush(stdout);
  FILE *file = or_die(fopen(path, "rb"));
  size_t size = 0, capacity = 1 << 16;
  uint8_t *data = or_die(malloc(capacity));
  for (size_t count; (count = fread(data + size, 1, capacity - size, file)) > 0;) {
    size += count;
    if (size == capacity)
      data = or_die(realloc(data, capacity *= 2));
  }
  fclose(file);
  /* Exactly as long as the input, so that the sanitizers see a read past its end. */
  uint8_t *exact = or_die(malloc(size > 0 ? size : 1));
  for (size_t i = 0; i < size; i++)
    exact[i] = data[i];
  free(data);
  LLVMFuzzerTestOneInput(exact, size);
  free(exact);
}

static int by_name(const struct dirent **a, const struct dirent **b) {
  return alphasort(a, b);
}

static unsigned replay(const char *path) {
  struct stat status;
  if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode)) {
    replay_file(path);
    return 1;
  }
  struct dirent **entries = NULL;
  int count = scandir(path, &entries, NULL, by_name);
  unsigned files = 0;
  for (int i = 0; i < count; i++) {
    char inner[4096];
    snprintf(inner, sizeof inner, "%s/%s", path, entries[i]->d_name);
    if (stat(inner, &status) == 0 && S_ISREG(status.st_mode)) {
      replay_file(inner);
      files++;
    }
    free(entries[i]);
  }
  free(entries);
  return files;
}

int main(int argc, char **argv) {
  LLVMFuzzerInitialize(&argc, &argv);
  unsigned files = 0;
  for (int i = 1; i < argc; i++)
    files += replay(argv[i]);
  printf("%u inputs\n", files);
  return files > 0 ? 0 : 1;
}
